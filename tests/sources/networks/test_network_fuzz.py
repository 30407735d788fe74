"""Any bytes at all: a network or a list of problems, never another error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rahdari.sources.networks.files import load_network, read_network
from rahdari.sources.networks.writing import write_network
from tests.sources.networks.samples import GEOJSON, GRAPHML, NATIVE, XML, ofds

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WHOLE = [text.encode() for text in (NATIVE, XML, GRAPHML, GEOJSON, json.dumps(ofds()))]
WORDS = [
    b"nan",
    b"-1",
    b"1e999",
    b"0",
    b"null",
    b"[]",
    b"{}",
    b'""',
    b"(",
    b")",
    b"<",
    b"&",
    b"\x00",
    b"\xff",
    b"9" * 400,
]


@st.composite
def damaged(draw: Callable[..., object], wholes: list[bytes]) -> bytes:
    content: bytes = draw(st.sampled_from(wholes))  # type: ignore[assignment]
    for _ in range(draw(st.integers(1, 3))):  # type: ignore[call-overload]
        at, length = draw(st.integers(0, len(content))), draw(st.sampled_from([0, 1, 2, 5, 40, 4000]))
        put = draw(st.sampled_from([b"", *WORDS]) | st.binary(max_size=4))
        content = content[:at] + put + content[at + length :]  # type: ignore[operator, index]
    return content


def must_answer(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    result = read_network(path)
    assert (result.network is None) == bool(result.problems)
    assert all(problem.file and problem.cure for problem in result.problems)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged")


@settings(max_examples=600, deadline=None)
@given(damaged(WHOLE))
def test_a_damaged_text_file_is_read_or_refused(folder: Path, content: bytes) -> None:
    must_answer(folder / "network", content)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([b"", b"<", b"{", b"?SNDlib", b"NODES (", b"SQLite format 3\x00"]), st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(folder: Path, head: bytes, content: bytes) -> None:
    must_answer(folder / "network", head + content)


@pytest.fixture(scope="module")
def geopackage(folder: Path) -> bytes:
    (folder / "a.geojson").write_text(GEOJSON)
    write_network(load_network(folder / "a.geojson"), folder / "a.gpkg")
    return (folder / "a.gpkg").read_bytes()


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_damaged_geopackage_is_read_or_refused(folder: Path, geopackage: bytes, data: st.DataObject) -> None:
    content = geopackage
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content)))
        put = data.draw(st.binary(max_size=30))
        content = content[:at] + put + content[at + len(put) :]
    must_answer(folder / "damaged.gpkg", content)
