"""Flights written to files: GeoJSON, QGroundControl plans, volumes of ASTM F3548; each says what it is not."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rahdari.errors import InputError, Problem
from rahdari.methods.flight_files import NOTE, f3548_volumes, flights_geojson, qgroundcontrol_plan
from rahdari.sources.boundaries import BOUNDARY_NOTE
from rahdari.store.atomic import write_text

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    import shapely
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

MOST_FLIGHTS = 400  # files of flights written at once


@dataclass(frozen=True, slots=True, eq=False)
class Flight:
    """A flight: way points (n, 2) degrees, when each is passed (n,), the ground there (n,), height over it, speed.

    ``ground_m`` is above the sea.  ``is_leg`` (n - 1,) marks stretches over which pictures are taken.
    """

    name: str
    lonlat_deg: FloatArray
    times_s: FloatArray
    ground_m: FloatArray
    height_m: float
    speed_m_per_s: float
    is_leg: NDArray[np.bool_] | None = None
    trigger_m: float = 0.0
    more: dict[str, Any] = field(default_factory=dict)


def _written(path: Path, content: dict[str, Any]) -> str:
    write_text(path, json.dumps({"note": NOTE, "boundary_note": BOUNDARY_NOTE} | content, ensure_ascii=False, indent=1))
    return str(path)


def write_geojson(path: Path, flights: Sequence[Flight]) -> str:
    """Write all flights as lines of one GeoJSON file; return its name."""
    rows = [
        {"name": each.name, "height_m": each.height_m, "air_s": round(float(each.times_s[-1] - each.times_s[0]), 1),
         **each.more, "lonlat_deg": each.lonlat_deg}
        for each in flights
    ]  # fmt: skip
    return _written(path, flights_geojson(rows))


def write_qgc(path: Path, flights: Sequence[Flight], closed: Sequence[shapely.Polygon]) -> list[str]:
    """Write a QGroundControl plan of each flight, numbered from the second on; return their names."""
    if len(flights) > MOST_FLIGHTS:
        what = f"{len(flights)} flights would be as many files"
        raise InputError(Problem(what, f"survey a part, or take --geojson; {MOST_FLIGHTS} at most", str(path)))
    names = []
    for number, each in enumerate(flights, start=1):
        plan = qgroundcontrol_plan(
            each.lonlat_deg, each.height_m, each.speed_m_per_s, is_leg=each.is_leg, trigger_m=each.trigger_m,
            is_above_terrain=True, closed=closed,
        )  # fmt: skip
        own = path if number == 1 else path.with_name(f"{path.stem}-{number:03d}{path.suffix}")
        names.append(_written(own, {"flight": each.name} | plan))
    return names


def write_f3548(path: Path, flights: Sequence[Flight], start: dt.datetime, geoid_m: float) -> str:
    """Write the volumes of all flights in one JSON file; ``geoid_m`` is how far the geoid lies above the ellipsoid."""
    rows = [
        {"name": each.name, "volumes": f3548_volumes(
            each.lonlat_deg, each.times_s, each.ground_m + geoid_m, each.height_m, start)}
        for each in flights
    ]  # fmt: skip
    told = "geoid taken as lying above the ellipsoid by so many metres; the system of heights is WGS 84"
    return _written(path, {"geoid_m": geoid_m, "heights": told, "flights": rows})


__all__ = ["Flight", "write_f3548", "write_geojson", "write_qgc"]
