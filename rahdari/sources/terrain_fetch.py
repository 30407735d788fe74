"""Fetch Copernicus elevation tiles from their public bucket: resumable, checked, a few at a time.

Copernicus DEM GLO-30 and GLO-90 (European Space Agency; free of charge with attribution) lie as one GeoTIFF a square
degree; where there is only sea there is no tile.  A digest of every tile is kept beside them in ``manifest.json``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import re
import time
import urllib.error
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from http import HTTPStatus
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Literal

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.sources.outbound import Allowed, RefusedError, host_of, opened, target_of
from rahdari.store.atomic import locked, write_text, writing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from http.client import HTTPResponse
    from pathlib import Path

Resolution = Literal[30, 90]
#: Where the tiles lie, and the arc seconds times ten in their names: https://registry.opendata.aws/copernicus-dem
BUCKETS = {
    30: ("https://copernicus-dem-30m.s3.amazonaws.com", "10"),
    90: ("https://copernicus-dem-90m.s3.amazonaws.com", "30"),
}
ATTRIBUTION = (
    "Copernicus DEM, (c) DLR e.V. 2010-2014 and (c) Airbus Defence and Space GmbH 2014-2018, by the EU and ESA"
)
MANIFEST = "manifest.json"
MAX_TILES = 2000  # some 80 GB of GLO-30: a continent, hardly meant
N_WORKERS = 4  # a modest share of a public service
TRIES = 4
FIRST_WAIT_S = 1.0  # doubled at each new try
TIMEOUT_S = 60.0
CHUNK_BYTES = 1 << 20
MAX_TILE_BYTES = 1 << 30  # the largest have some 50 MB
PLAIN_ETAG = re.compile(r'^"?([0-9a-f]{32})"?$')  # an object stored in one piece: the MD5 of its content
SCHEMES = ("https://", "http://")


@dataclass(frozen=True, slots=True)
class Tile:
    """A fetched tile, or a place without one where ``n_bytes`` is zero."""

    name: str
    n_bytes: int
    sha256: str
    etag: str
    url: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a fetch found: tiles fetched now, those that were there, and names of places that are all sea."""

    fetched: tuple[Tile, ...]
    present: tuple[Tile, ...]
    at_sea: tuple[str, ...]


class _NotThereError(Exception):
    """The bucket has no such tile."""


class _BrokenError(Exception):
    """A transfer ended early or came wrong; another try may mend it."""


def tile_names(
    west_deg: float, south_deg: float, east_deg: float, north_deg: float, resolution: Resolution
) -> list[str]:
    """Return the names of the tiles that a box meets, south-west first.

    >>> tile_names(76.1, 35.2, 76.9, 35.8, 90)
    ['Copernicus_DSM_COG_30_N35_00_E076_00_DEM']
    """
    problems = []
    if not (-180.0 <= west_deg < east_deg <= 180.0 and -90.0 <= south_deg < north_deg <= 90.0):  # noqa: PLR2004  # the Earth
        what = f"{west_deg}, {south_deg}, {east_deg}, {north_deg} is no box of the Earth"
        problems.append(Problem(what, "give west, south, east, north in degrees, each pair rising"))
    if resolution not in BUCKETS:
        problems.append(Problem(f"there are no tiles of {resolution} m", "choose 30 or 90"))
    raise_if_any(problems)
    rows = range(math.floor(south_deg), math.ceil(north_deg))
    columns = range(math.floor(west_deg), math.ceil(east_deg))
    if len(rows) * len(columns) > MAX_TILES:
        what = f"the box meets {len(rows) * len(columns):,} tiles, more than {MAX_TILES:,}"
        raise InputError(Problem(what, "give a smaller box"))
    code = BUCKETS[resolution][1]
    return [
        f"Copernicus_DSM_COG_{code}_{'NS'[lat < 0]}{abs(lat):02d}_00_{'EW'[lon < 0]}{abs(lon):03d}_00_DEM"
        for lat in rows
        for lon in columns
    ]


def fetch_tiles(
    names: Sequence[str],
    folder: Path,
    base_url: str,
    *,
    on_tile: Callable[[str, str], None] = lambda _name, _what: None,
    wait_s: Callable[[float], None] = time.sleep,
) -> Fetched:
    """Fetch tiles into a folder; those that are there with the digest of the manifest are left alone.

    A transfer that broke goes on where it stopped, if the tile is still the same.  ``on_tile`` hears each name and what
    became of it: fetched, present or sea.  The folder is held alone meanwhile.  Raises :class:`InputError` with all
    that could not be fetched and the cure; what came is kept.
    """
    if not base_url.startswith(SCHEMES):
        raise InputError(Problem(f"'{base_url}' is no web address", "give one that begins with https://"))
    target_of(base_url, Allowed.of([host_of(base_url)]))
    with locked(folder):
        known = _read_manifest(folder)
        problems: list[Problem] = []
        fetched: list[Tile] = []
        present: list[Tile] = []
        at_sea: list[str] = []

        def one(name: str) -> tuple[str, Tile | Problem]:
            if _is_whole(folder, known.get(name)):
                return "present", known[name]
            return _tried(name, folder, base_url.rstrip("/"), wait_s)

        with ThreadPoolExecutor(N_WORKERS) as pool:
            for name, (what, found) in zip(names, pool.map(one, names), strict=True):
                if isinstance(found, Problem):
                    problems.append(found)
                    continue
                on_tile(name, what)
                known[name] = found
                if what == "sea":
                    at_sea.append(name)
                else:
                    (present if what == "present" else fetched).append(found)
                if what != "present":
                    _write_manifest(folder, known)
    raise_if_any(problems)
    return Fetched(tuple(fetched), tuple(present), tuple(at_sea))


def _tried(name: str, folder: Path, base_url: str, wait_s: Callable[[float], None]) -> tuple[str, Tile | Problem]:
    """Fetch one tile with some patience; return what became of it."""
    url = f"{base_url}/{name}/{name}.tif"
    reason = ""
    for attempt in range(TRIES):
        if attempt:
            wait_s(FIRST_WAIT_S * 2.0 ** (attempt - 1))
        try:
            return "fetched", _fetch(name, url, folder)
        except _NotThereError:
            return "sea", Tile(name, 0, "", "", url)
        except urllib.error.HTTPError as error:
            reason = f"the server answers {error.code} {error.reason}"
            if error.code < HTTPStatus.INTERNAL_SERVER_ERROR and error.code != HTTPStatus.TOO_MANY_REQUESTS:
                break
        except RefusedError as error:
            reason = str(error)
            break
        except (_BrokenError, OSError, HTTPException) as error:  # URLError, timeouts and resets are OSErrors
            reason = str(getattr(error, "reason", error))
    cure = f"check the connection and run again: it resumes; or put {name}.tif into the folder by hand"
    return "failed", Problem(f"cannot be fetched: {reason}", cure, url)


def _fetch(name: str, url: str, folder: Path) -> Tile:
    """Fetch one tile once, going on from what an earlier try left."""
    part, note = folder / f".{name}.part", folder / f".{name}.part.json"
    left = _left_over(part, note)
    headers = {"Range": f"bytes={left[0]}-", "If-Range": left[1]} if left else {}
    try:
        with opened(url, Allowed.of([host_of(url)]), headers=headers, timeout_s=TIMEOUT_S) as answer:
            etag, size = _receive(answer, part, note)
    except urllib.error.HTTPError as error:
        if error.code == HTTPStatus.NOT_FOUND:
            raise _NotThereError from error
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            _forget(part, note)
            raise _BrokenError("what an earlier try left does not fit the tile") from error
        raise
    return _checked(Tile(name, size, "", etag, url), part, note, folder / f"{name}.tif")


def _receive(answer: HTTPResponse, part: Path, note: Path) -> tuple[str, int]:
    """Write an answer's body behind what is there, or anew; return the tag and the size of the whole."""
    etag = answer.headers.get("ETag", "")
    is_rest = answer.status == HTTPStatus.PARTIAL_CONTENT
    length = int(answer.headers.get("Content-Length", -1))
    with writing(part):
        note.write_text(json.dumps({"etag": etag}))
        with part.open("ab" if is_rest else "wb") as file:
            start = file.tell()
            while chunk := answer.read(CHUNK_BYTES):
                file.write(chunk)
                if file.tell() > MAX_TILE_BYTES:
                    raise _BrokenError("the tile has no end")
            size = file.tell()
    if length >= 0 and size - start != length:
        raise _BrokenError(f"the transfer ended after {size - start:,} of {length:,} bytes")
    return etag, size


def _checked(tile: Tile, part: Path, note: Path, path: Path) -> Tile:
    """Put a whole transfer in its place if it is what the server says it is and a TIFF at all."""
    content = part.read_bytes()
    plain = PLAIN_ETAG.match(tile.etag)
    is_intact = not plain or hashlib.md5(content, usedforsecurity=False).hexdigest() == plain.group(1)
    if not is_intact or content[:4] not in {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}:
        _forget(part, note)
        raise _BrokenError("what came is not the tile: its checksum or its first bytes are wrong")
    with writing(path):
        part.replace(path)
    _forget(part, note)
    return Tile(tile.name, len(content), hashlib.sha256(content).hexdigest(), tile.etag, tile.url)


def _left_over(part: Path, note: Path) -> tuple[int, str] | None:
    """Return the size and the tag of what an earlier try left, or ``None``."""
    try:
        etag = json.loads(note.read_text())["etag"]
        size = part.stat().st_size
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return (size, etag) if size and etag and not etag.startswith("W/") else None


def _forget(part: Path, note: Path) -> None:
    for path in (part, note):
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _is_whole(folder: Path, tile: Tile | None) -> bool:
    """Return whether a tile is there as the manifest says; a place at sea is asked for again."""
    if tile is None or not tile.n_bytes:
        return False
    path = folder / f"{tile.name}.tif"
    if not path.is_file() or path.stat().st_size != tile.n_bytes:
        return False
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest() == tile.sha256


def _read_manifest(folder: Path) -> dict[str, Tile]:
    """Return the tiles of a manifest; one that is absent or damaged is none, and the tiles are fetched again."""
    try:
        rows: list[dict[str, Any]] = json.loads((folder / MANIFEST).read_text())["tiles"]
        return {row["name"]: Tile(**row) for row in rows}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _write_manifest(folder: Path, tiles: dict[str, Tile]) -> None:
    rows = [asdict(tiles[name]) for name in sorted(tiles)]
    write_text(folder / MANIFEST, json.dumps({"attribution": ATTRIBUTION, "tiles": rows}, indent=1) + "\n")
