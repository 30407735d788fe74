"""The corridors of a pack: every 100 m of them, what they come to, and the stretches that fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import shapely

from rahdari.errors import InputError, Problem
from rahdari.methods.air_corridor import Corridor, corridor
from rahdari.methods.air_link import AirNetwork
from rahdari.methods.air_space import REASONS
from rahdari.methods.named_lines import towns
from rahdari.methods.terrain_table import terrain_raster

if TYPE_CHECKING:
    from rahdari.engines.air.params import AirParams
    from rahdari.methods.air_space import Airspace
    from rahdari.methods.raster import Raster
    from rahdari.model import Context, Tables

TECHNOLOGY = "4g"
CARRIES = ("4g", "5g")
LINE_TABLES = ("air_lines", "air_line_points", "air_failing")


def corners(text: str, corridor_id: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return (n, 2) degrees of corners written as ``lon lat;lon lat``; faulty text raises :class:`InputError`.

    >>> corners("71.5 32.9; 71.4 32.4", "a").tolist()
    [[71.5, 32.9], [71.4, 32.4]]
    """
    try:
        pairs = [[float(number) for number in part.split()] for part in text.split(";") if part.strip()]
        return np.array(pairs, np.float64).reshape(len(pairs), 2)
    except ValueError as error:
        cure = "write longitude and latitude with a space, corners between semicolons"
        raise InputError(Problem(f"corridor {corridor_id} has no points", cure, "air_corridors")) from error


def network(sites: pl.DataFrame, cells: pl.DataFrame) -> AirNetwork:
    """Return the 4G cells of a plan with their busy-hour load."""
    load = cells.filter(pl.col("technology") == TECHNOLOGY).select("site_id", "load_frac")
    some = sites.filter(pl.col("generation").is_in(CARRIES)).join(load, on="site_id", how="left")
    return AirNetwork.of(some.with_columns(pl.col("load_frac").fill_null(0.0)))


def walked(
    tables: Tables, params: AirParams, airspace: Airspace, ctx: Context
) -> list[tuple[dict[str, Any], Corridor]]:
    """Return each corridor's row with what is met along it, in order of identifiers."""
    rows = tables["air_corridors"].sort("corridor_id").to_dicts()
    if not rows:
        return []
    cells, raster = network(tables["sites"], tables["cells"]), terrain_raster(tables["terrain"])
    places = tables["places"].sort("place_id")
    marks = towns(tables["landmarks"], places)
    slopes = places.select("lon_deg", "lat_deg", "slope_frac")
    asked = params.asked(params.n_epochs_full if ctx.detail == "full" else params.n_epochs_quick)
    found = []
    for number, row in enumerate(rows):
        ctx.progress(number, len(rows), row["name"])
        line = corners(row["points"], row["corridor_id"])
        met = corridor(
            line, row["height_m"], cells, raster if _covers(raster, line) else None, airspace=airspace,
            link=params.link(), asked=asked, slopes=slopes, marks=marks, step_m=params.step_m,
        )  # fmt: skip
        found.append((row, met))
    return found


def _covers(raster: Raster | None, line: np.ndarray[Any, np.dtype[np.float64]]) -> bool:
    """Return whether a line lies over the terrain; one that leaves it is looked at over level ground, and says so."""
    if raster is None:
        return False
    low, high = [raster.west_deg, raster.south_deg], [raster.east_deg, raster.north_deg]
    return bool((line > low).all() and (line < high).all())


def _share(points: pl.DataFrame, kept: pl.Expr) -> float:
    return float(points.filter(kept)["length_km"].sum()) / float(points["length_km"].sum())


def _mean(points: pl.DataFrame, name: str) -> float:
    return float(np.average(points[name].to_numpy(), weights=points["length_km"].to_numpy()))


def summary(row: dict[str, Any], found: Corridor) -> dict[str, Any]:
    """Return a row of ``air_lines``."""
    p, reason = found.points, pl.col("reason")
    is_closed = pl.any_horizontal(*(reason.str.contains(name, literal=True) for name in REASONS))
    return {
        "corridor_id": row["corridor_id"], "name": row["name"], "height_m": row["height_m"],
        "length_km": found.length_km, "n_points": p.height,
        "least_clearance_m": float(p["clearance_m"].to_numpy().min()), "sight_frac": _share(p, pl.col("is_sight")),
        "n_handovers": found.n_handovers, "handovers_per_100_km_count": 100.0 * found.n_handovers / found.length_km,
        "control_frac": _share(p, ~reason.str.contains("no control link", literal=True)),
        "video_frac": _share(p, ~reason.str.contains("video below need", literal=True)),
        "navigation_frac": _share(p, ~reason.str.contains("no navigation", literal=True)),
        "median_video_mbps": float(np.median(p["video_mbps"].to_numpy())), "pdop_ratio": _mean(p, "pdop_ratio"),
        "all_pdop_ratio": _mean(p, "all_pdop_ratio"), "closed_km": float(p.filter(is_closed)["length_km"].sum()),
        "failing_km": found.failing_km, "failing_frac": found.failing_km / found.length_km,
        "n_failing": found.failing.height, "is_coarse": found.is_coarse,
    }  # fmt: skip


def _drawn(points: pl.DataFrame) -> list[bytes]:
    """Return each point's stretch as a line (WKB), from half a step before to half a step after."""
    lonlat = points.select("lon_deg", "lat_deg").to_numpy()
    half = 0.5 * (lonlat[1:] + lonlat[:-1])
    edge = np.concatenate([lonlat[:1], half, lonlat[-1:]])
    return list(shapely.to_wkb(shapely.linestrings(np.stack([edge[:-1], lonlat, edge[1:]], axis=1))))


def _stretches(found: Corridor, corridor_id: str) -> pl.DataFrame:
    """Return the rows of ``air_failing`` of a corridor."""
    at, lonlat = found.points["km"].to_numpy(), found.points.select("lon_deg", "lat_deg").to_numpy()

    def drawn(low: float, high: float) -> bytes:
        inner = lonlat[(at > low) & (at < high)]
        ends = [[np.interp(km, at, lonlat[:, axis]) for axis in (0, 1)] for km in (low, high)]
        return bytes(shapely.to_wkb(shapely.LineString(np.concatenate([ends[:1], inner, ends[1:]]))))

    rows = found.failing
    shapes = [drawn(row["from_km"], row["to_km"]) for row in rows.iter_rows(named=True)]
    return rows.drop("segment_id").with_columns(
        failing_id=pl.format("{}:{}", pl.lit(corridor_id), rows["segment_id"]), corridor_id=pl.lit(corridor_id),
        is_coarse=pl.lit(found.is_coarse), geometry=pl.Series(shapes, dtype=pl.Binary),
    )  # fmt: skip


def line_tables(found: list[tuple[dict[str, Any], Corridor]]) -> dict[str, pl.DataFrame]:
    """Return ``air_lines``, ``air_line_points`` and ``air_failing``; none without corridors."""
    if not found:
        return {name: pl.DataFrame() for name in LINE_TABLES}
    points = [
        each.points.with_columns(
            corridor_id=pl.lit(row["corridor_id"]), geometry=pl.Series(_drawn(each.points), dtype=pl.Binary),
            point_id=pl.Series([f"{row['corridor_id']}:{km:09.3f}" for km in each.points["km"].to_list()]),
        )
        for row, each in found
    ]  # fmt: skip
    failing = [_stretches(each, row["corridor_id"]) for row, each in found]
    rows = pl.DataFrame([summary(row, each) for row, each in found])
    return dict(zip(LINE_TABLES, (rows, pl.concat(points), pl.concat(failing)), strict=True))
