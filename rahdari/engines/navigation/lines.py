"""Tables along lines: points, their lines, and the stretches that fail, with names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import shapely

from rahdari.methods.line_points import M_PER_KM, LinePoints, line_points, segments

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.engines.navigation.ground import Ground
    from rahdari.engines.navigation.params import NavigationParams
    from rahdari.engines.navigation.sky import Skies
    from rahdari.methods.named_lines import NamedLine

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

LINE_TABLES = ("navigation_lines", "navigation_line", "navigation_failing")
TRIM_ID = 3  # decimals of the kilometre in an identifier
MEANS = (
    "n_satellites", "pdop_open_ratio", "pdop_ratio", "all_pdop_ratio", "fix_frac", "open_available_frac",
    "available_frac", "protected_frac", "all_available_frac",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """Points along all lines: (p,) kilometres of the way, degrees, and the slice of each line."""

    lines: tuple[NamedLine, ...]
    points: tuple[LinePoints, ...]

    @property
    def lonlat_deg(self) -> FloatArray:
        """Return (p, 2) degrees of all lines' points."""
        parts = [np.stack([each.lon_deg, each.lat_deg], axis=1) for each in self.points]
        return np.concatenate([np.empty((0, 2)), *parts])

    def slices(self) -> list[slice]:
        """Return where each line's points stand among all."""
        ends = np.cumsum([0, *(len(each) for each in self.points)]).tolist()
        return [slice(a, b) for a, b in pairwise(ends)]


def walk(lines: list[NamedLine], step_m: float) -> Walk:
    """Return points along lines, in kilometres of the way.

    Ways are drawn straighter than they are, so kilometres along the drawing are stretched to the way's own length.
    """
    found = []
    for line in lines:
        points = line_points(line.lonlat_deg, step_m)
        ratio = line.way_km / points.length_km
        found.append(replace(points, km=points.km * ratio, length_km=line.way_km, step_km=step_m / M_PER_KM * ratio))
    return Walk(tuple(lines), tuple(found))


def bounds_km(points: LinePoints) -> FloatArray:
    """Return (p + 1,) the kilometres between which each point speaks for the line."""
    return np.concatenate([[0.0], 0.5 * (points.km[1:] + points.km[:-1]), [points.length_km]])


def shared_columns(ground: Ground, sky: Skies) -> dict[str, pl.Series]:
    """Return the columns that points of lines and landmarks share."""
    columns = {
        "n_satellites": sky.here.n_satellites,
        "pdop_open_ratio": sky.bare.pdop,
        "pdop_ratio": sky.here.pdop,
        "worst_pdop_ratio": sky.here.worst_pdop,
        "hdop_ratio": sky.here.hdop,
        "vdop_ratio": sky.here.vdop,
        "fix_frac": sky.here.fix_frac,
        "open_available_frac": sky.bare.available_frac,
        "available_frac": sky.here.available_frac,
        "protected_frac": sky.protected_frac,
        "n_all_satellites": sky.every.n_satellites,
        "all_pdop_ratio": sky.every.pdop,
        "all_available_frac": sky.every.available_frac,
    }
    return ground.columns() | {name: pl.Series(value) for name, value in columns.items()}


def _geometry(points: LinePoints) -> list[bytes]:
    """Return each point's stretch as a line (WKB), from half a step before to half a step after."""
    lonlat = np.stack([points.lon_deg, points.lat_deg], axis=1)
    half = 0.5 * (lonlat[1:] + lonlat[:-1])
    corners = np.concatenate([lonlat[:1], half, lonlat[-1:]])
    before, after = corners[:-1], corners[1:]
    drawn = shapely.linestrings(np.stack([before, lonlat, after], axis=1))
    return list(shapely.to_wkb(drawn))


def line_tables(
    way: Walk, ground: Ground, sky: Skies, marks: pl.DataFrame, params: NavigationParams
) -> dict[str, pl.DataFrame]:
    """Return ``navigation_lines``, ``navigation_line`` and ``navigation_failing``; none without lines."""
    shared = pl.DataFrame(shared_columns(ground, sky))
    rows, stretches, failing = [], [], []
    for line, points, part in zip(way.lines, way.points, way.slices(), strict=True):
        table = _stretches(line, points, shared[part], params)
        broken = _failing(line, points, table, marks)
        rows.append(_summary(line, points, table, broken))
        stretches.append(table)
        failing.append(broken)
    tables = {name: pl.DataFrame() for name in LINE_TABLES}
    if rows:
        tables = dict(zip(LINE_TABLES, (pl.DataFrame(rows), pl.concat(stretches), pl.concat(failing)), strict=True))
    return tables


def _stretches(line: NamedLine, points: LinePoints, shared: pl.DataFrame, params: NavigationParams) -> pl.DataFrame:
    edge = bounds_km(points)
    own = pl.DataFrame(
        {
            "stretch_id": [f"{line.line_id}:{km:09.{TRIM_ID}f}" for km in points.km.tolist()],
            "line_id": [line.line_id] * len(points),
            "km": points.km,
            "from_km": edge[:-1],
            "to_km": edge[1:],
            "length_km": np.diff(edge),
            "lon_deg": points.lon_deg,
            "lat_deg": points.lat_deg,
        }
    )
    verdicts = {
        "is_failing": shared["available_frac"] < params.required_frac,
        "is_all_failing": shared["all_available_frac"] < params.required_frac,
    }
    drawn = pl.Series("geometry", _geometry(points), dtype=pl.Binary)
    return pl.concat([own, shared], how="horizontal").with_columns(drawn, **verdicts)


def _weighted(table: pl.DataFrame, name: str) -> float:
    return float(np.average(table[name].to_numpy(), weights=table["length_km"].to_numpy()))


def _failing(line: NamedLine, points: LinePoints, table: pl.DataFrame, marks: pl.DataFrame) -> pl.DataFrame:
    """Return the stretches that fail with BeiDou alone, with names and means over their points."""
    found = segments(points, table["is_failing"].to_numpy(), marks)
    parts = [table.filter(pl.col("km").is_between(row["from_km"], row["to_km"])) for row in found.iter_rows(named=True)]
    names = ("pdop_open_ratio", "pdop_ratio", "available_frac", "all_available_frac", "horizon_deg")
    means = {name: pl.Series([_weighted(part, name) for part in parts], dtype=pl.Float64) for name in names}
    return found.select(
        pl.format("{}:{}", pl.lit(line.line_id), "segment_id").alias("failing_id"),
        pl.lit(line.line_id).alias("line_id"),
        "name", "from_km", "to_km", "length_km", "n_points", "lon_deg", "lat_deg",
    ).with_columns(
        is_all_failing=pl.Series([bool(part["is_all_failing"].any()) for part in parts], dtype=pl.Boolean),
        is_coarse=pl.Series([bool(part["is_coarse"].any()) for part in parts], dtype=pl.Boolean),
        worst_pdop_ratio=pl.Series([part["worst_pdop_ratio"].max() for part in parts], dtype=pl.Float64),
        **means,
    )  # fmt: skip


def _summary(line: NamedLine, points: LinePoints, table: pl.DataFrame, failing: pl.DataFrame) -> dict[str, Any]:
    failing_km = float(table.filter("is_failing")["length_km"].sum())
    all_km = float(table.filter("is_all_failing")["length_km"].sum())
    return {
        "line_id": line.line_id,
        "name": line.name,
        "kind": line.kind,
        "length_km": points.length_km,
        "step_km": points.step_km,
        "n_points": len(points),
        "is_coarse": bool(table["is_coarse"].any()),
        "horizon_deg": _weighted(table, "horizon_deg"),
        **{name: _weighted(table, name) for name in MEANS},
        "worst_pdop_ratio": float(table["pdop_ratio"].max()),  # type: ignore[arg-type]  # numbers
        "failing_km": failing_km,
        "failing_frac": failing_km / points.length_km,
        "n_failing": failing.height,
        "all_failing_km": all_km,
        "all_failing_frac": all_km / points.length_km,
    }
