"""Country outlines from the npm package world-atlas (Natural Earth 1:10 million, public domain).

The file is TopoJSON: borders are stored once as arcs and shared by the countries on both
sides, which also tells who borders whom.  The build puts it below ``rahdari/static``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
from shapely.geometry import LineString, MultiPolygon, Polygon

from rahdari.errors import InputError, Problem

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

SOURCE_ID = "natural-earth"
SOURCES = (
    {
        "source_id": SOURCE_ID,
        "title": "Natural Earth 1:10,000,000 countries, by the package world-atlas 2.0.2",
        "publisher": "Natural Earth",
        "licence": "public domain (package: ISC)",
        "kind": "published",
        "locator": "npm world-atlas, countries-10m.json",
        "note": "Countries are drawn as they are held, not as they are claimed; lines are approximate",
    },
)

ATLAS_FILE = Path(__file__).parents[2] / "static" / "atlas" / "countries-10m.json"
MIN_RING_POINTS = 4  # a closed ring of three corners


@dataclass(frozen=True)
class Atlas:
    """The world's countries as arcs; ``arcs`` are (n, 2) arrays of degrees, longitude first."""

    names: tuple[str, ...]
    iso_numerics: tuple[int, ...]
    """ISO 3166-1 numbers; 0 where a territory has none."""
    rings: tuple[tuple[tuple[tuple[int, ...], ...], ...], ...]
    """Country -> polygon -> ring -> arc numbers; ``~i`` is arc ``i`` backwards."""
    arcs: tuple[np.ndarray[Any, np.dtype[np.float64]], ...]

    def index_of(self, iso_numeric: int, name: str) -> int | None:
        """Return the place of a country in the atlas, by its number or, where it has none, its name."""
        if iso_numeric and iso_numeric in self.iso_numerics:
            return self.iso_numerics.index(iso_numeric)
        return self.names.index(name) if name in self.names else None

    def _ring(self, numbers: tuple[int, ...]) -> np.ndarray[Any, np.dtype[np.float64]]:
        pieces = [self.arcs[number] if number >= 0 else self.arcs[~number][::-1] for number in numbers]
        return np.concatenate([pieces[0], *(piece[1:] for piece in pieces[1:])])

    def polygons(self, index: int) -> list[Polygon]:
        """Return the polygons of one country, degrees WGS 84, repaired where they touch themselves."""
        result: list[Polygon] = []
        for polygon in self.rings[index]:
            rings = [ring for ring in map(self._ring, polygon) if len(ring) >= MIN_RING_POINTS]
            if rings:
                shape: BaseGeometry = Polygon(rings[0], rings[1:])
                shape = shape if shape.is_valid else shape.buffer(0.0)
                result += list(shape.geoms) if isinstance(shape, MultiPolygon) else [shape]  # type: ignore[list-item]
        return [polygon for polygon in result if not polygon.is_empty]

    @cached_property
    def _users(self) -> dict[int, tuple[int, ...]]:
        users: dict[int, set[int]] = {}
        for country, polygons in enumerate(self.rings):
            for polygon in polygons:
                for ring in polygon:
                    for number in ring:
                        users.setdefault(max(number, ~number), set()).add(country)
        return {arc: tuple(sorted(countries)) for arc, countries in users.items()}

    def borders(self, index: int) -> list[tuple[int, LineString]]:
        """Return the land borders of a country as (neighbour's place in the atlas, line), in arc order."""
        result = []
        for arc, countries in sorted(self._users.items()):
            if index in countries:
                line = LineString(self.arcs[arc])
                result += [(other, line) for other in countries if other != index]
        return result

    def near(self, west_deg: float, south_deg: float, east_deg: float, north_deg: float) -> list[int]:
        """Return the places in the atlas of all countries that have an arc reaching into a box."""
        found: set[int] = set()
        for arc, countries in self._users.items():
            low, high = self.arcs[arc].min(axis=0), self.arcs[arc].max(axis=0)
            if low[0] <= east_deg and high[0] >= west_deg and low[1] <= north_deg and high[1] >= south_deg:
                found.update(countries)
        return sorted(found)


def read_atlas(path: Path = ATLAS_FILE) -> Atlas:
    """Return the atlas in a TopoJSON file that has an object ``countries``.

    A missing file or one of another form raises :class:`InputError`.
    """
    if not path.is_file():
        cure = "build the package with 'make run' or 'pip install .', which fetch it once"
        raise InputError(Problem("the country outlines are not installed", cure, str(path)))
    try:
        topology = orjson.loads(path.read_bytes())
        scale, translate = topology["transform"]["scale"], topology["transform"]["translate"]
        features = topology["objects"]["countries"]["geometries"]
        arcs = tuple(np.cumsum(np.array(arc, dtype=np.float64), axis=0) * scale + translate for arc in topology["arcs"])
        shapes = [[feature["arcs"]] if feature["type"] == "Polygon" else feature["arcs"] for feature in features]
        return Atlas(
            names=tuple(feature["properties"]["name"] for feature in features),
            iso_numerics=tuple(int(feature.get("id") or 0) for feature in features),
            rings=tuple(tuple(tuple(tuple(ring) for ring in polygon) for polygon in shape) for shape in shapes),
            arcs=arcs,
        )
    except (KeyError, TypeError, ValueError) as fault:
        cure = "put world-atlas 2.0.2's countries-10m.json there"
        raise InputError(Problem(f"no TopoJSON of countries: {fault}", cure, str(path))) from fault
