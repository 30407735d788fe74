"""Elevation tiles from a server of our own: whole, cut off, damaged, absent, and no server at all."""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from rahdari.errors import InputError
from rahdari.service.terrain import DemRequest, fetch_dem
from rahdari.sources.terrain_fetch import MANIFEST, fetch_tiles, tile_names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LAND = ("Copernicus_DSM_COG_30_N35_00_E075_00_DEM", "Copernicus_DSM_COG_30_N35_00_E076_00_DEM")


class Bucket(ThreadingHTTPServer):
    """A bucket with two tiles; ``cut`` bytes are sent before the line breaks, ``failures`` answers are 503."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = {name: b"II*\0" + bytes([k]) * 200_000 for k, name in enumerate(LAND)}
        self.cut: int | None = None
        self.failures = 0
        self.is_damaged = False
        self.has_plain_etag = True
        self.ranges: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Bucket

    def do_GET(self) -> None:
        bucket = self.server
        bucket.ranges.append(self.headers.get("Range"))
        content = bucket.content.get(self.path.split("/")[1])
        if bucket.failures:
            bucket.failures -= 1
            self.send_error(503)
        elif content is None:
            self.send_error(404)
        else:
            self.send_tile(content)

    def send_tile(self, content: bytes) -> None:
        bucket = self.server
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        etag = f'"{digest}"' if bucket.has_plain_etag else f'"{digest}-2"'
        start = 0
        if self.headers.get("Range") and self.headers.get("If-Range") == etag:
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        body = content[start:]
        if bucket.is_damaged:
            body = b"<html>" + body[6:]
        self.send_response(206 if start else 200)
        self.send_header("ETag", etag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if bucket.cut is None else body[: bucket.cut])
        bucket.cut = None

    def log_message(self, *_: Any) -> None:  # noqa: ANN401  # the base class says so
        """Keep silent."""


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with Bucket() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def no_wait(_: float) -> None:
    """Try again at once."""


def request(bucket: Bucket, out: Path, west: float = 75.1, east: float = 76.9) -> DemRequest:
    return DemRequest(west_deg=west, south_deg=35.1, east_deg=east, north_deg=35.9, out=out, base_url=bucket.url)


def test_the_tiles_of_a_box_have_the_names_of_the_bucket() -> None:
    assert tile_names(75.1, 35.1, 76.9, 35.9, 90) == list(LAND)
    assert tile_names(-0.5, -0.5, 0.5, 0.5, 30) == [
        f"Copernicus_DSM_COG_10_{lat}_00_{lon}_00_DEM" for lat in ("S01", "N00") for lon in ("W001", "E000")
    ]
    assert len(tile_names(60.0, 23.0, 78.0, 37.0, 30)) == 18 * 14


@pytest.mark.parametrize("box", [(76.0, 35.0, 75.0, 36.0), (0.0, 0.0, 0.0, 1.0), (170.0, 0.0, 190.0, 1.0)])
def test_what_is_no_box_is_refused(box: tuple[float, float, float, float]) -> None:
    with pytest.raises(InputError, match="no box of the Earth"):
        tile_names(*box, 90)


def test_half_the_world_is_refused() -> None:
    with pytest.raises(InputError, match="smaller box"):
        tile_names(-180.0, -60.0, 180.0, 60.0, 30)


def test_tiles_come_whole_with_their_digests_and_are_not_fetched_twice(bucket: Bucket, tmp_path: Path) -> None:
    heard: list[tuple[str, str]] = []
    first = fetch_dem(request(bucket, tmp_path, west=74.5), on_tile=lambda *item: heard.append(item))
    assert (first.n_tiles, first.n_fetched, first.n_present, first.n_at_sea) == (2, 2, 0, 1)
    assert [what for _, what in heard] == ["sea", "fetched", "fetched"]
    rows = {row["name"]: row for row in json.loads((tmp_path / MANIFEST).read_text())["tiles"]}
    for name, content in bucket.content.items():
        assert (tmp_path / f"{name}.tif").read_bytes() == content
        assert rows[name]["sha256"] == hashlib.sha256(content).hexdigest()
    asked = len(bucket.ranges)
    again = fetch_dem(request(bucket, tmp_path))
    assert (again.n_fetched, again.n_present) == (0, 2)
    assert len(bucket.ranges) == asked
    assert not list(tmp_path.glob(".*part*"))


def test_a_broken_transfer_goes_on_where_it_stopped(bucket: Bucket, tmp_path: Path) -> None:
    bucket.cut = 70_000
    fetch_tiles(LAND[:1], tmp_path, bucket.url, wait_s=no_wait)
    assert bucket.ranges == [None, "bytes=70000-"]
    assert (tmp_path / f"{LAND[0]}.tif").read_bytes() == bucket.content[LAND[0]]


def test_a_tile_that_changed_meanwhile_is_fetched_anew(bucket: Bucket, tmp_path: Path) -> None:
    (tmp_path / f".{LAND[0]}.part").write_bytes(b"II*\0old")
    (tmp_path / f".{LAND[0]}.part.json").write_text('{"etag": "\\"another\\""}')
    fetch_tiles(LAND[:1], tmp_path, bucket.url, wait_s=no_wait)
    assert (tmp_path / f"{LAND[0]}.tif").read_bytes() == bucket.content[LAND[0]]


def test_a_tile_changed_on_disk_is_fetched_again(bucket: Bucket, tmp_path: Path) -> None:
    fetch_tiles(LAND, tmp_path, bucket.url, wait_s=no_wait)
    path = tmp_path / f"{LAND[1]}.tif"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    found = fetch_tiles(LAND, tmp_path, bucket.url, wait_s=no_wait)
    assert [tile.name for tile in found.fetched] == [LAND[1]]
    assert path.read_bytes() == bucket.content[LAND[1]]


@pytest.mark.parametrize("has_plain_etag", [True, False])
def test_what_is_not_the_tile_is_never_kept(bucket: Bucket, tmp_path: Path, has_plain_etag: bool) -> None:  # noqa: FBT001  # a parameter
    bucket.is_damaged, bucket.has_plain_etag = True, has_plain_etag
    with pytest.raises(InputError, match=r"not the tile.*run again"):
        fetch_tiles(LAND[:1], tmp_path, bucket.url, wait_s=no_wait)
    assert not list(tmp_path.glob("*.tif"))


def test_a_busy_server_is_asked_again_and_one_that_refuses_is_not(bucket: Bucket, tmp_path: Path) -> None:
    waits: list[float] = []
    bucket.failures = 2
    fetch_tiles(LAND[:1], tmp_path, bucket.url, wait_s=waits.append)
    assert waits == [1.0, 2.0]
    bucket.failures = 100
    with pytest.raises(InputError, match="503"):
        fetch_tiles(LAND[1:], tmp_path, bucket.url, wait_s=no_wait)
    assert bucket.failures == 96


def test_without_a_connection_every_tile_is_told_with_the_cure(tmp_path: Path) -> None:
    with Bucket() as server:
        dead = server.url
    with pytest.raises(InputError) as failure:
        fetch_tiles(LAND, tmp_path, dead, wait_s=no_wait)
    assert len(failure.value.problems) == 2
    assert "check the connection and run again: it resumes" in str(failure.value)
    assert f"put {LAND[0]}.tif into the folder by hand" in str(failure.value)


def test_one_tile_that_fails_does_not_lose_the_others(bucket: Bucket, tmp_path: Path) -> None:
    bucket.content[LAND[0]] = b"<html>"
    with pytest.raises(InputError) as failure:
        fetch_tiles(LAND, tmp_path, bucket.url, wait_s=no_wait)
    assert len(failure.value.problems) == 1
    assert (tmp_path / f"{LAND[1]}.tif").is_file()
    assert [row["name"] for row in json.loads((tmp_path / MANIFEST).read_text())["tiles"]] == [LAND[1]]


def test_an_address_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no web address"):
        fetch_tiles(LAND, tmp_path, "file:///etc", wait_s=no_wait)


def test_the_command_says_the_same_as_the_call(bucket: Bucket, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from rahdari.faces.cli.main import app

    box = ["--west", "75.1", "--south", "35.1", "--east", "76.9", "--north", "35.9"]
    place = ["--out", str(tmp_path), "--base-url", bucket.url]
    answer = CliRunner().invoke(app, ["data", "dem", *box, *place, "--json"])
    told = json.loads(answer.stdout)
    assert told["ok"]
    assert told["result"]["n_fetched"] == 2
    words = CliRunner().invoke(app, ["data", "dem", *box, *place])
    assert "2 tiles in" in words.stdout
    assert "2 were there" in words.stdout
    wrong = CliRunner().invoke(app, ["data", "dem", *box, *place, "--resolution", "10", "--json"])
    assert wrong.exit_code == 2
    assert not json.loads(wrong.stdout)["ok"]
