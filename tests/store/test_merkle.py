"""Merkle trees against the vectors that certificate transparency's own implementations test with."""

from __future__ import annotations

import pytest

from rahdari.store.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    is_consistent,
    is_included,
    leaf_hash,
    root_of,
)

ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
A = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
B = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
C = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
#: Index and size, and the path.
INCLUSION = {
    (0, 1): [],
    (0, 8): [A, B, C],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        ROOTS[4],
    ],
    (2, 3): [ROOTS[2]],
    (1, 5): [ROOTS[1], B, "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"],
}
#: Size before and after, and the path.
CONSISTENCY = {
    (1, 1): [],
    (1, 8): [A, B, C],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        ROOTS[4],
    ],
    (2, 5): [B, "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"],
}


@pytest.mark.parametrize("n", range(9))
def test_roots_are_those_of_the_reference(n: int) -> None:
    assert root_of(LEAVES[:n]).hex() == ROOTS[n]
    assert EMPTY_ROOT.hex() == ROOTS[0]


@pytest.mark.parametrize(("index", "n"), INCLUSION)
def test_audit_paths_are_those_of_the_reference(index: int, n: int) -> None:
    assert [step.hex() for step in inclusion_proof(LEAVES[:n], index)] == INCLUSION[index, n]


@pytest.mark.parametrize(("before", "n"), CONSISTENCY)
def test_proofs_of_growth_are_those_of_the_reference(before: int, n: int) -> None:
    assert [step.hex() for step in consistency_proof(LEAVES[:n], before)] == CONSISTENCY[before, n]


def test_every_entry_and_every_beginning_of_many_trees_is_proven_and_no_other() -> None:
    leaves = [leaf_hash(bytes([k])) for k in range(33)]
    roots = [root_of(leaves[:n]) for n in range(34)]
    for n in range(1, 34):
        for index in range(n):
            path = inclusion_proof(leaves[:n], index)
            assert is_included(leaves[index], index, n, path, roots[n])
            assert not is_included(leaf_hash(b"other"), index, n, path, roots[n])
            assert not is_included(leaves[index], index, n, [*path, roots[1]], roots[n])
            assert n == 1 or not is_included(leaves[index], (index + 1) % n, n, path, roots[n])
        for before in range(1, n + 1):
            path = consistency_proof(leaves[:n], before)
            assert is_consistent(before, n, roots[before], roots[n], path)
            assert not is_consistent(before, n, leaf_hash(b"other"), roots[n], path)
            assert not is_consistent(before, n, roots[before], leaf_hash(b"other"), path)
            assert not is_consistent(before, n, roots[before], roots[n], [*path, roots[1]])


def test_a_frontier_goes_on_where_its_peaks_were_kept() -> None:
    first = Frontier()
    for leaf in LEAVES[:5]:
        first.append(leaf)
    second = Frontier(first.n, first.peaks)
    for leaf in LEAVES[5:]:
        second.append(leaf)
    assert second.root().hex() == ROOTS[8]
    with pytest.raises(ValueError, match="not those of 4 entries"):
        Frontier(4, first.peaks)
