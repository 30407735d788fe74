"""The boundary set: what is drawn as a country, which lines are dashed, and the note that says so.

A boundary set is a named input.  The one built in is Natural Earth's; a country pack or an
imported file replaces it by giving the table ``outline``: its polygons are the country, its
lines are drawn over them, dashed where ``is_disputed``.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import shapely
from shapely.geometry import MultiPolygon, Polygon

from rahdari.errors import InputError, Problem
from rahdari.sources.packages.geonames import Country, countries
from rahdari.sources.packages.outline import SOURCE_ID, Atlas, read_atlas

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from shapely.geometry import LineString
    from shapely.geometry.base import BaseGeometry

BOUNDARY_NOTE = "Boundaries and names shown do not imply any opinion on legal status; disputed lines are approximate."
NATURAL_EARTH = "natural-earth-10m"
DISPUTED_FILE = Path(__file__).parent / "disputed.csv"
NEAR_ISLAND_DEG = 2.0  # islets without a settlement belong to the drawing when this near to settled land
SHORE_DEG = 0.05  # some 5 km: harbours and causeways lie off the generalised coast
NEAR_DEG = 1.0  # how far around the country its neighbours are known
OWN_SHARE_FRAC = 0.1  # of a territory's settlements: fewer lie across a border by the outline's coarseness
ALONE_DEG = 0.25  # half width of the land assumed around settlements of a territory that no outline shows


@dataclass(frozen=True, slots=True)
class Boundaries:
    """One country's boundary set.

    ``outline`` is the schema table of that name; ``others`` are the neighbouring land, empty where
    unknown.
    """

    name: str
    land: MultiPolygon
    outline: pl.DataFrame
    others: tuple[Polygon, ...] = ()

    def contains(self, lon_deg: NDArray[np.float64], lat_deg: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return whether points, (n,) degrees, lie in the country or just off its coast."""
        shapely.prepare(self.land)
        result: NDArray[np.bool_] = np.array(shapely.contains_xy(self.land, lon_deg, lat_deg), dtype=bool)
        rest = np.flatnonzero(~result)
        off_shore = shapely.dwithin(self.land, shapely.points(np.c_[lon_deg[rest], lat_deg[rest]]), SHORE_DEG)
        near = rest[np.asarray(off_shore, dtype=bool)]
        foreign = np.zeros(len(near), dtype=bool)
        for other in self.others:
            west, south, east, north = other.bounds
            at = (lon_deg[near] >= west) & (lon_deg[near] <= east) & (lat_deg[near] >= south) & (lat_deg[near] <= north)
            foreign[at] |= np.asarray(shapely.contains_xy(other, lon_deg[near[at]], lat_deg[near[at]]))
        result[near[~foreign]] = True
        return result


def part_numbers(land: MultiPolygon, lon_deg: NDArray[np.float64], lat_deg: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the number of the part of the land in which, or nearest to which, each point lies, (n,)."""
    parts = list(land.geoms)
    result = np.full(len(lon_deg), -1, dtype=np.int64)
    for number, part in enumerate(parts):
        west, south, east, north = part.bounds
        at = np.flatnonzero((lon_deg >= west) & (lon_deg <= east) & (lat_deg >= south) & (lat_deg <= north))
        shapely.prepare(part)
        result[at[np.asarray(shapely.contains_xy(part, lon_deg[at], lat_deg[at]), dtype=bool)]] = number
    rest = np.flatnonzero(result < 0)
    if len(rest):
        result[rest] = shapely.STRtree(parts).nearest(shapely.points(np.c_[lon_deg[rest], lat_deg[rest]]))
    return result


def _disputed_boxes(iso2: str) -> list[tuple[str, Polygon, str]]:
    """Return (neighbour's code, box, name) of every known disputed stretch of a country's border."""
    boxes = []
    with DISPUTED_FILE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            pair = {row["country_a"], row["country_b"]}
            if iso2 in pair:
                west, south, east, north = (float(row[f"{side}_deg"]) for side in ("west", "south", "east", "north"))
                boxes.append(((pair - {iso2}).pop(), shapely.box(west, south, east, north), row["name"]))
    return boxes


def _border_rows(country: Country, atlas: Atlas, index: int, land: MultiPolygon) -> list[dict[str, Any]]:
    """Return the rows of border lines, those known to be disputed cut out and marked."""
    codes = {row.iso_numeric: row for row in countries().values()}
    boxes = _disputed_boxes(country.iso2)
    rows: list[dict[str, Any]] = []
    by_neighbour: dict[int, list[LineString]] = {}
    for other, line in atlas.borders(index):
        if line.distance(land) <= SHORE_DEG:
            by_neighbour.setdefault(other, []).append(line)
    for other, lines in sorted(by_neighbour.items()):
        whole: BaseGeometry = shapely.line_merge(shapely.MultiLineString(lines))
        neighbour = codes.get(atlas.iso_numerics[other]) if atlas.iso_numerics[other] else None
        label = neighbour.name if neighbour else atlas.names[other]
        if neighbour is None:
            rows.append(_line_row(country, len(rows), f"Line to {label}", whole, is_disputed=True))
            continue
        for code, box, name in boxes:
            if code == neighbour.iso2:
                rows.append(_line_row(country, len(rows), name, whole.intersection(box), is_disputed=True))
                whole = whole.difference(box)
        rows.append(_line_row(country, len(rows), f"Border with {label}", whole, is_disputed=False))
    return [row for row in rows if row["geometry"] is not None]


def _line_row(country: Country, number: int, name: str, line: BaseGeometry, *, is_disputed: bool) -> dict[str, Any]:
    return {
        "outline_id": f"{country.iso2.lower()}-border-{number:02d}",
        "name": name,
        "is_disputed": is_disputed,
        "geometry": None if line.is_empty else shapely.to_wkb(line),
        "evidence": "published",
        "source_id": SOURCE_ID,
    }


def _settled_parts(
    parts: Sequence[Polygon], lon_deg: NDArray[np.float64], lat_deg: NDArray[np.float64]
) -> list[Polygon]:
    """Return the parts that hold a settlement and those near these; all where no settlement is known."""
    if not len(lon_deg):
        return list(parts)
    tree = shapely.STRtree(list(parts))
    settled = sorted(set(tree.query(shapely.points(lon_deg, lat_deg), predicate="intersects")[1].tolist()))
    if not settled:
        return []
    kept = MultiPolygon([parts[number] for number in settled])
    return [part for part in parts if shapely.dwithin(part, kept, NEAR_ISLAND_DEG)]


def _joined(parts: Sequence[Polygon]) -> MultiPolygon:
    """Return valid land; parts that overlap are made one."""
    land = MultiPolygon(parts)
    if land.is_valid:
        return land
    return MultiPolygon(
        [part for part in shapely.get_parts(shapely.union_all(list(parts))) if isinstance(part, Polygon)]
    )


def natural_earth(country: Country, lon_deg: NDArray[np.float64], lat_deg: NDArray[np.float64]) -> Boundaries:
    """Return the built-in boundary set of a country whose settlements lie at (n,) points, degrees.

    Overseas parts without a settlement of this country's own are left out.  A territory that
    Natural Earth draws as part of another country takes the polygons its settlements lie in; one
    it does not draw at all gets squares around its settlements, marked ``assumed``.
    """
    atlas = read_atlas()
    index = atlas.index_of(country.iso_numeric, country.name)
    evidence = "published"
    parts: list[Polygon] = []
    if index is not None:
        parts = _settled_parts(atlas.polygons(index), lon_deg, lat_deg) or atlas.polygons(index)
    if not parts and len(lon_deg):
        box = (lon_deg.min() - 1.0, lat_deg.min() - 1.0, lon_deg.max() + 1.0, lat_deg.max() + 1.0)
        drawn = [polygon for other in atlas.near(*box) for polygon in atlas.polygons(other)]
        hits = shapely.STRtree(drawn).query(shapely.points(lon_deg, lat_deg), predicate="intersects")[1]
        shares = np.bincount(hits, minlength=len(drawn)) / len(lon_deg)
        parts = [part for part, share in zip(drawn, shares, strict=True) if share >= OWN_SHARE_FRAC]
        if not parts:
            evidence = "assumed"
            index = None
            centres = zip(lon_deg.tolist(), lat_deg.tolist(), strict=True)
            parts = [shapely.box(x - ALONE_DEG, y - ALONE_DEG, x + ALONE_DEG, y + ALONE_DEG) for x, y in centres]
    if not parts:
        cure = "import an outline: rahdari data import outline FILE"
        raise InputError(Problem(f"neither an outline nor a settlement of {country.name} is known", cure))
    land = _joined(parts)
    row = {
        "outline_id": f"{country.iso2.lower()}-land",
        "name": f"{country.name}, as administered, drawn by Natural Earth",
        "is_disputed": False,
        "geometry": shapely.to_wkb(land),
        "evidence": evidence,
        "source_id": SOURCE_ID,
    }
    borders = _border_rows(country, atlas, index, land) if index is not None else []
    west, south, east, north = land.bounds
    near = atlas.near(west - NEAR_DEG, south - NEAR_DEG, east + NEAR_DEG, north + NEAR_DEG) if index is not None else []
    others = [other for other in near if other != index]
    polygons = [polygon for other in others for polygon in atlas.polygons(other)]
    return Boundaries(NATURAL_EARTH, land, pl.DataFrame([row, *borders]), tuple(polygons))


def from_outline(outline: pl.DataFrame, name: str) -> Boundaries:
    """Return the boundary set given by a table ``outline``: its polygons make the country.

    A table without a polygon raises :class:`InputError`.
    """
    shapes = shapely.from_wkb(outline["geometry"].to_list())
    polygons: list[Polygon] = []
    for shape in shapes:
        if isinstance(shape, Polygon):
            polygons.append(shape)
        elif isinstance(shape, MultiPolygon):
            polygons += shape.geoms
    if not polygons:
        raise InputError(
            Problem("the outline holds no polygon", "give the country's area as a polygon", column="geometry")
        )
    return Boundaries(name, _joined(polygons), outline)
