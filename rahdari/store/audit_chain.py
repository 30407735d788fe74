"""The form of the audit log: one JSON object a line, each record hashed together with all before it.

A record's line is ``{"hash":H,"record":R}``: R is canonical JSON (sorted names, no blanks, UTF-8, no fractions) and
H is SHA-256 over the hash before it and the bytes of R; before the first stand 32 zero bytes.  The bytes of R are the
entries of a Merkle tree (RFC 6962).  A root's line is ``{"root":S,"signatures":G}``: S counts the records, names the
tree's root, the last hash and the root before it, and G signs the bytes of S.
"""

from __future__ import annotations

import hashlib
from binascii import hexlify
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from rahdari.errors import PlanError, Problem
from rahdari.store.merkle import LEAF, Frontier, leaf_hash

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rahdari.store.keys import PublicKey, SigningKey

START = bytes(32)
HEAD, MIDDLE, TAIL = b'{"hash":"', b'","record":', b"}\n"
ROOT_HEAD, ROOT_MIDDLE = b'{"root":', b',"signatures":'
HASH_AT, RECORD_AT = len(HEAD), len(HEAD) + 64 + len(MIDDLE)
SIGNED_FOR = b"rahdari audit root 1\x00"  # a signature made for anything else is none of a root
BEGIN = "begin"
MAX_LINE_BYTES = 64 * 1024
MAX_RECORD_BYTES, MAX_TEXT = 16 * 1024, 400


class AuditError(PlanError):
    """The log is not what was written: the problem names the first broken link."""


def canonical(values: Mapping[str, Any]) -> bytes:
    r"""Return canonical JSON; text that is no Unicode is told by number, and what is too long is shortened.

    >>> canonical({"b": 1, "a": "x\ud800"})
    b'{"a":"x\\\\ud800","b":1}'
    """
    try:
        body = orjson.dumps(values, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        body = orjson.dumps(_plain(values, MAX_RECORD_BYTES), option=orjson.OPT_SORT_KEYS)
    return (
        body if len(body) <= MAX_RECORD_BYTES else orjson.dumps(_plain(values, MAX_TEXT), option=orjson.OPT_SORT_KEYS)
    )


def _plain(value: Any, longest: int) -> Any:  # noqa: ANN401  # plain JSON
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()[:longest]
    if isinstance(value, dict):
        return {_plain(str(name), longest): _plain(each, longest) for name, each in list(value.items())[:64]}
    return value if isinstance(value, (int, bool)) or value is None else _plain(str(value), longest)


def chained(before: bytes, body: bytes) -> bytes:
    """Return the hash of a record (32 bytes)."""
    return hashlib.sha256(before + body).digest()


@dataclass
class Chain:
    """Where a log stands: its tree, last hash, last signed root, and how many records that root counts."""

    frontier: Frontier = field(default_factory=Frontier)
    head: bytes = START
    log_id: str = ""
    n_signed: int = 0
    last_root: str = ""
    signed_us: int = 0
    n_roots: int = 0

    @property
    def n(self) -> int:
        """Return how many records there are."""
        return self.frontier.n

    def copy(self) -> Chain:
        """Return a chain that grows by itself."""
        tree = Frontier(self.frontier.n, self.frontier.peaks)
        return Chain(tree, self.head, self.log_id, self.n_signed, self.last_root, self.signed_us, self.n_roots)

    def add(self, values: dict[str, Any]) -> bytes:
        """Return the line of one more record, numbered and chained."""
        values["n"] = self.frontier.n
        body = canonical(values)
        self.head = hashlib.sha256(self.head + body).digest()
        self.frontier.append(hashlib.sha256(LEAF + body).digest())
        return b"".join((HEAD, hexlify(self.head), MIDDLE, body, TAIL))

    def sign(self, key: SigningKey, at_us: int) -> bytes:
        """Return the line of a root over all records so far."""
        statement = canonical({
            "n": self.n, "root": self.frontier.root().hex(), "head": self.head.hex(), "log_id": self.log_id,
            "peaks": [peak.hex() for peak in self.frontier.peaks], "previous": self.last_root, "at_us": at_us,
            "key_id": key.public.key_id,
        })  # fmt: skip
        self._signed(statement, at_us)
        return b"".join((ROOT_HEAD, statement, ROOT_MIDDLE, orjson.dumps(key.sign(SIGNED_FOR + statement)), TAIL))

    def _signed(self, statement: bytes, at_us: int) -> None:
        self.n_signed, self.signed_us = self.n, at_us
        self.last_root = hashlib.sha256(statement).hexdigest()
        self.n_roots += 1

    def take(self, line: bytes, keys: Sequence[PublicKey]) -> dict[str, Any] | None:
        """Check the next line and go on behind it; return its record, ``None`` for a root.

        :class:`AuditError` where the line is not what follows.
        """
        if line.startswith(ROOT_HEAD):
            self._take_root(line, keys)
            return None
        if not (line.startswith(HEAD) and line[HASH_AT + 64 : RECORD_AT] == MIDDLE and line.endswith(TAIL)):
            raise broken(self.n, "the line is no record")
        body = line[RECORD_AT : -len(TAIL)]
        head = chained(self.head, body)
        if head.hex().encode() != line[HASH_AT : HASH_AT + 64]:
            raise broken(self.n, "its hash does not follow from the record and the hash before it")
        values = _object(body, self.n)
        if values.get("n") != self.n:
            raise broken(self.n, f"it bears number {values.get('n')}")
        if self.n == 0:
            if values.get("kind") != BEGIN:
                raise broken(0, "it does not begin a log")
            self.log_id = str(values.get("log_id"))
        self.head = head
        self.frontier.append(leaf_hash(body))
        return values

    def _take_root(self, line: bytes, keys: Sequence[PublicKey]) -> None:
        statement, values = read_root(line, self.n, keys)
        if values.get("n") != self.n or values.get("head") != self.head.hex() or values.get("log_id") != self.log_id:
            raise broken(self.n, "a signed root counts other records than stand before it")
        if values.get("root") != self.frontier.root().hex() or values.get("previous") != self.last_root:
            raise broken(self.n, "a signed root does not follow from the records and roots before it")
        self._signed(statement, int(values["at_us"]))


def read_root(line: bytes, at: int, keys: Sequence[PublicKey]) -> tuple[bytes, dict[str, Any]]:
    """Return the bytes and the values of a root's statement, whose signatures are those of one of the keys."""
    whole = _object(line.rstrip(b"\n"), at)
    end = line.rfind(ROOT_MIDDLE)
    signatures, statement = whole.get("signatures"), line[len(ROOT_HEAD) : end]
    is_form = set(whole) == {"root", "signatures"} and isinstance(signatures, dict) and line.endswith(TAIL)
    if not is_form or not isinstance(whole["root"], dict) or end < 0:
        raise broken(at, "the line is no signed root")
    if line != b"".join((ROOT_HEAD, statement, ROOT_MIDDLE, orjson.dumps(signatures), TAIL)):
        raise broken(at, "the line is no signed root")
    values = _object(statement, at)
    if not isinstance(values.get("at_us"), int):
        raise broken(at, "a signed root does not say when")
    named = [key for key in keys if key.key_id == values.get("key_id")]
    if not named:
        raise broken(at, f"a root is signed by key {values.get('key_id')}, which is not trusted")
    problem = named[0].problem(SIGNED_FOR + statement, signatures or {})
    if problem:
        raise broken(at, f"a signed root is forged or damaged: {problem}")
    return statement, values


def _object(body: bytes, at: int) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except ValueError as error:
        raise broken(at, f"it is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise broken(at, "it is no record")
    return found


def broken(at: int, what: str) -> AuditError:
    """Return the error that names a broken link: the number of the record where the chain does not hold."""
    cure = "compare with a copy kept elsewhere; everything before this record is as it was written"
    return AuditError(Problem(f"the chain breaks at record {at:,}: {what}", cure))


__all__ = ["MAX_LINE_BYTES", "AuditError", "Chain", "broken", "canonical", "read_root"]
