"""Terrain data: fetch elevation tiles for an area."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from rahdari.model.params import Params

if TYPE_CHECKING:
    from collections.abc import Callable


def _ignore(_name: str, _what: str) -> None:
    """Hear nothing."""


class DemRequest(Params):
    """Fetch Copernicus elevation tiles that a box meets."""

    west_deg: float = Field(description="Western edge, degrees")
    south_deg: float = Field(description="Southern edge, degrees")
    east_deg: float = Field(description="Eastern edge, degrees")
    north_deg: float = Field(description="Northern edge, degrees")
    out: Path = Field(description="Folder for the tiles; give it as terrain afterwards")
    resolution_m: Literal[30, 90] = Field(90, description="GLO-30 or GLO-90")
    base_url: str | None = Field(None, description="A mirror of the bucket; default: the public bucket")


class DemResponse(Params):
    """What lies in the folder now."""

    folder: Path
    n_tiles: int = Field(description="Tiles with land that the box meets")
    n_fetched: int
    n_present: int = Field(description="Tiles that were there already, with the right digest")
    n_at_sea: int = Field(description="Squares without a tile: sea")
    size_gb: float
    attribution: str
    warnings: list[str]


def fetch_dem(request: DemRequest, *, on_tile: Callable[[str, str], None] = _ignore) -> DemResponse:
    """Fetch the tiles of a box; one that is there and whole is not fetched again, one cut off goes on."""
    from rahdari.sources.terrain_fetch import ATTRIBUTION, BUCKETS, fetch_tiles, tile_names

    r = request
    names = tile_names(r.west_deg, r.south_deg, r.east_deg, r.north_deg, r.resolution_m)
    base_url = BUCKETS[r.resolution_m][0] if r.base_url is None else r.base_url
    found = fetch_tiles(names, r.out, base_url, on_tile=on_tile)
    tiles = found.fetched + found.present
    warnings = [] if tiles else ["no square of the box has a tile: it is all sea"]
    return DemResponse(
        folder=r.out,
        n_tiles=len(tiles),
        n_fetched=len(found.fetched),
        n_present=len(found.present),
        n_at_sea=len(found.at_sea),
        size_gb=sum(tile.n_bytes for tile in tiles) / 1e9,
        attribution=ATTRIBUTION,
        warnings=warnings,
    )
