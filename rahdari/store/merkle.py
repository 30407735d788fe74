"""Merkle trees of RFC 6962 section 2 (RFC 9162 section 2.1 has the same): roots, and proofs of inclusion and growth.

A root of 32 bytes stands for a whole list; a proof of a few hashes shows that an entry is in it, or that a longer list
begins with it.  Leaves and nodes are hashed with different first bytes, so that neither passes for the other.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LEAF, NODE = b"\x00", b"\x01"
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of an entry (32 bytes)."""
    return hashlib.sha256(LEAF + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node over two others (32 bytes)."""
    return hashlib.sha256(NODE + left + right).digest()


class Frontier:
    """The right edge of a growing tree: enough to append and to give the root, in memory of the tree's height.

    ``peaks`` are the roots of the full subtrees, the largest first: one for each bit of ``n``.
    """

    def __init__(self, n: int = 0, peaks: Iterable[bytes] = ()) -> None:
        """Begin with an empty tree, or go on with one of ``n`` entries; ``ValueError`` where the peaks do not fit."""
        self.n, self.peaks = n, list(peaks)
        if n < 0 or len(self.peaks) != n.bit_count():
            msg = f"{len(self.peaks)} peaks are not those of {n} entries"
            raise ValueError(msg)

    def append(self, leaf: bytes) -> None:
        """Add the hash of one more entry."""
        peaks, n = self.peaks, self.n
        while n & 1:
            leaf = hashlib.sha256(NODE + peaks.pop() + leaf).digest()
            n >>= 1
        peaks.append(leaf)
        self.n += 1

    def root(self) -> bytes:
        """Return the root (32 bytes)."""
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root over hashes of entries."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


def _split(n: int) -> int:
    """Return the largest power of two below ``n``."""
    return 1 << (n - 1).bit_length() - 1


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the audit path of an entry: the hashes from which, with the entry's own, the root follows."""
    if len(leaves) <= 1:
        return []
    k = _split(len(leaves))
    if index < k:
        return [*inclusion_proof(leaves[:k], index), root_of(leaves[k:])]
    return [*inclusion_proof(leaves[k:], index - k), root_of(leaves[:k])]


def is_included(leaf: bytes, index: int, n: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Return whether a proof shows that the entry stands at ``index`` of the ``n`` under a root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < n:
        return False
    at, last, found = index, n - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(step, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, step)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def consistency_proof(leaves: Sequence[bytes], n_before: int) -> list[bytes]:
    """Return the hashes that show that the list of ``leaves`` begins with its first ``n_before``, 1 or more."""

    def proof(part: Sequence[bytes], n: int, *, is_whole: bool) -> list[bytes]:
        if n == len(part):
            return [] if is_whole else [root_of(part)]
        k = _split(len(part))
        if n <= k:
            return [*proof(part[:k], n, is_whole=is_whole), root_of(part[k:])]
        return [*proof(part[k:], n - k, is_whole=False), root_of(part[:k])]

    return proof(leaves, n_before, is_whole=True) if 0 < n_before <= len(leaves) else []


def is_consistent(n_before: int, n: int, root_before: bytes, root: bytes, proof: Sequence[bytes]) -> bool:
    """Return whether a proof shows that the list under ``root`` begins with that under ``root_before`` (2.1.4.2)."""
    if not 0 < n_before <= n:
        return False
    if n_before == n:
        return not proof and root_before == root
    path = [root_before, *proof] if n_before & (n_before - 1) == 0 else list(proof)
    if not path:
        return False
    at, last = n_before - 1, n - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    before = found = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            before, found = node_hash(step, before), node_hash(step, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, step)
        at, last = at >> 1, last >> 1
    return last == 0 and before == root_before and found == root


__all__ = [
    "EMPTY_ROOT", "Frontier", "consistency_proof", "inclusion_proof", "is_consistent", "is_included", "leaf_hash",
    "node_hash", "root_of",
]  # fmt: skip
