"""The air engine: flood watch by drone, district by district, and corridors looked at every 100 m."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rahdari.engines.air.lines import line_tables, walked
from rahdari.engines.air.watch import people, service_table, with_bases
from rahdari.methods.air_corridor import NOTE
from rahdari.methods.air_space import airspace_of
from rahdari.model import EngineResult, Indicator
from rahdari.schema import schemas_in
from rahdari.schema.checks import conform, empty_table

if TYPE_CHECKING:
    import polars as pl

    from rahdari.engines.air.params import AirParams
    from rahdari.model import Context, Tables

SCHEMAS = Path(__file__).parent / "tables"
LINK_SWING_RATIO = 2.0  # half and twice the link range behind low and high
NOTES = (
    f"All flights here are {NOTE}; drone rules stand in drone_rules, each as a draft or in force.",
    "Flood watch takes one base and one drone a district and the link's range over flat country.",
)
CORRIDOR_NOTE = (
    "Corridors marked fictional are laid down by nobody. A drone's modem uses the cells of every operator; those "
    "of the serving operator disturb it."
)
COARSE_NOTE = (
    "Terrain along corridors is a grid of some 9 km: no ridge between its points is seen, and no single stretch can be "
    "relied on before finer terrain is imported."
)


def _watch_indicators(
    places: pl.DataFrame, services: pl.DataFrame, params: AirParams, year: int
) -> tuple[Indicator, Indicator]:
    total = max(int(places["n_people"].sum()), 1)
    low, mid, high = (
        int(people(places, params, params.link_range_km * ratio)["n_people_covered"].sum()) / total
        for ratio in (1.0 / LINK_SWING_RATIO, 1.0, LINK_SWING_RATIO)
    )
    formula = (
        "people within a drone's radius of the base and a 4G site's link range / people; range: half, twice the link"
    )
    return (
        Indicator("flood_drone_coverage_frac", year, "People a flood-watch drone covers", mid, "frac", formula,
                  "modelled", low, high),
        Indicator("flood_drone_demand_mbps", year, "Video of one drone in every district",
                  params.video_mbps * services.height, "mbps", "districts x video of one drone", "assumed"),
    )  # fmt: skip


def _line_indicators(lines: pl.DataFrame, year: int) -> tuple[Indicator, ...]:
    if not lines.height:
        return ()
    total = float(lines["length_km"].sum())
    weighted = {
        name: float((lines[name] * lines["length_km"]).sum()) / total for name in ("control_frac", "video_frac")
    }
    return (
        Indicator("air_corridors_failing_frac", year, "Drone corridors where something fails",
                  float(lines["failing_km"].sum()) / total, "frac",
                  "kilometres that fail for any reason / kilometres of corridors", "modelled"),
        Indicator("air_corridors_control_frac", year, "Drone corridors with a control link", weighted["control_frac"],
                  "frac", "kilometres whose control link keeps its margin / kilometres", "modelled"),
        Indicator("air_corridors_video_frac", year, "Drone corridors with the pilot's video", weighted["video_frac"],
                  "frac", "kilometres with the video rate asked for / kilometres", "modelled"),
    )  # fmt: skip


def air(tables: Tables, params: AirParams, ctx: Context) -> EngineResult:
    """Return the districts' flood watch, the corridors every 100 m with stretches that fail by name, and indicators."""
    airspace = airspace_of(
        tables["landmarks"], tables["outline"], tables["drone_rules"], tables["no_fly_zones"],
        border_km=params.border_km,
    )  # fmt: skip
    places = with_bases(tables)
    made = line_tables(walked(tables, params, airspace, ctx))
    made["air_services"] = service_table(tables, places, params, airspace)
    schemas = schemas_in(SCHEMAS)
    result = {
        name: conform(made[name].select(schemas[name].names), schemas[name])
        if made[name].width
        else empty_table(schemas[name])
        for name in sorted(made)
    }
    lines, year = result["air_lines"], ctx.year_base
    notes = (*NOTES, *((CORRIDOR_NOTE,) if lines.height else ()), *((COARSE_NOTE,) if lines["is_coarse"].any() else ()))
    return EngineResult(
        tables=result,
        indicators=(
            *_watch_indicators(places, result["air_services"], params, year), *_line_indicators(lines, year)
        ),
        notes=notes,
    )  # fmt: skip
