"""``rahdari fly``: surveys of areas and corridors of drones.  Planning only; not an authorisation to fly."""

from __future__ import annotations

from datetime import datetime  # typer reads the annotations
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rahdari.service.flights import CorridorResponse, SurveyResponse

fly_app = typer.Typer(no_args_is_help=True, help="Drone flights: planning only; not an authorisation to fly.")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
PlanOption = Annotated[Path | None, typer.Option("--plan", help="Plan folder; default: the newest below ./plans.")]
GeojsonOption = Annotated[Path | None, typer.Option("--geojson", help="GeoJSON file for the flights.")]
QgcOption = Annotated[Path | None, typer.Option("--qgc", help="QGroundControl .plan; further flights are numbered.")]
VolumeOption = Annotated[Path | None, typer.Option("--f3548", help="JSON file for volumes of ASTM F3548.")]
StartOption = Annotated[datetime | None, typer.Option("--start", help="Start in UTC, for volumes; default: now.")]
GeoidOption = Annotated[float, typer.Option("--geoid-m", help="Geoid above the ellipsoid, for volumes.")]
PermissionOption = Annotated[
    bool, typer.Option("--with-permission", help="Leave airports and borders aside: permission is in hand.")
]
SHOWN = 24


def _pairs(texts: list[str] | None) -> list[list[float]]:
    """Return 'lon,lat' texts as numbers; faulty ones raise InputError."""
    from rahdari.errors import InputError, Problem

    try:
        return [[float(part) for part in text.split(",")] for text in texts or []]
    except ValueError as error:
        raise InputError(Problem("a base is no place", "write it as lon,lat in degrees", column="--base")) from error


@fly_app.command("survey")
def survey(
    area: Annotated[str, typer.Argument(help="GeoJSON file of polygons, a district, or a corridor of the plan.")],
    height: Annotated[float, typer.Option("--height", help="Height above ground, m.")] = 120.0,
    view: Annotated[float, typer.Option("--view", help="Camera's angle of view across the way, degrees.")] = 73.7,
    overlap: Annotated[float, typer.Option("--overlap", help="Overlap of neighbouring passes, 0 to 0.95.")] = 0.2,
    drones: Annotated[int, typer.Option("--drones", help="How many drones.")] = 1,
    base: Annotated[list[str] | None, typer.Option("--base", help="Base as lon,lat; may be given again.")] = None,
    speed: Annotated[float, typer.Option("--speed", help="Airspeed, m/s.")] = 20.0,
    endurance: Annotated[float, typer.Option("--endurance", help="Minutes in the air on one battery.")] = 60.0,
    reserve: Annotated[float, typer.Option("--reserve", help="Share of the battery kept back.")] = 0.2,
    wind: Annotated[float, typer.Option("--wind", help="Wind, m/s.")] = 0.0,
    wind_from: Annotated[float, typer.Option("--wind-from", help="Where it comes from, degrees.")] = 0.0,
    width: Annotated[float, typer.Option("--width", help="Width of the strip along a corridor, km.")] = 2.0,
    no_fly: Annotated[Path | None, typer.Option("--no-fly", help="GeoJSON file of further no-fly zones.")] = None,
    with_permission: PermissionOption = False,
    geojson: GeojsonOption = None,
    qgc: QgcOption = None,
    f3548: VolumeOption = None,
    out: Annotated[Path | None, typer.Option(help="CSV file for the flights.")] = None,
    start: StartOption = None,
    geoid_m: GeoidOption = 0.0,
    plan: PlanOption = None,
    as_json: Json = False,
) -> None:
    """Plan flights of drones that see an area once, out of closed air, beside a bound on their time."""
    from rahdari.faces.cli.main import answer, plan_folder

    def call() -> SurveyResponse:
        from rahdari.model.scenario import validated
        from rahdari.service.flights import SurveyRequest, fly_survey

        asked = {
            "plan": plan_folder(plan), "area": area, "height_m": height, "view_deg": view, "overlap_frac": overlap,
            "n_drones": drones, "base": _pairs(base), "speed_m_per_s": speed, "endurance_min": endurance,
            "reserve_frac": reserve, "wind_m_per_s": wind, "wind_from_deg": wind_from, "width_km": width,
            "no_fly": no_fly, "has_permission": with_permission, "geojson": geojson, "qgc": qgc, "f3548": f3548,
            "out": out, "start_utc": start, "geoid_m": geoid_m,
        }  # fmt: skip
        return fly_survey(validated(SurveyRequest, asked, "the command line"))

    answer("fly survey", call, print_survey, as_json=as_json)


@fly_app.command("corridor")
def corridor(
    line: Annotated[str, typer.Argument(help="GeoJSON line, corridor of the plan, or the start: place or lon,lat.")],
    to: Annotated[str | None, typer.Argument(help="End: the shortest open way to it is taken.")] = None,
    height: Annotated[
        float | None, typer.Option("--height", help="Height above ground, m; default: the corridor's, or 100.")
    ] = None,
    ceiling: Annotated[float, typer.Option("--ceiling", help="Above the sea, m, for a way between two ends.")] = 4500.0,
    video: Annotated[
        float | None, typer.Option("--video", help="Video asked for, Mbit/s; default: the plan's.")
    ] = None,
    speed: Annotated[float, typer.Option("--speed", help="Speed over ground, m/s.")] = 20.0,
    dem: Annotated[Path | None, typer.Option(help="Terrain raster in place of the plan's.")] = None,
    step_m: Annotated[float, typer.Option("--step-m", help="Distance between points.")] = 100.0,
    with_permission: PermissionOption = False,
    geojson: GeojsonOption = None,
    qgc: QgcOption = None,
    f3548: VolumeOption = None,
    out: Annotated[Path | None, typer.Option(help="CSV file for every point.")] = None,
    start: StartOption = None,
    geoid_m: GeoidOption = 0.0,
    plan: PlanOption = None,
    as_json: Json = False,
) -> None:
    """Look at a drone's corridor every 100 m: clearance, cells, control link, video, positions, and what fails."""
    from rahdari.faces.cli.main import answer, plan_folder

    def call() -> CorridorResponse:
        from rahdari.model.scenario import validated
        from rahdari.service.flights import CorridorRequest, fly_corridor

        asked = {
            "plan": plan_folder(plan), "line": line, "to": to, "height_m": height, "ceiling_m": ceiling,
            "video_mbps": video, "speed_m_per_s": speed, "dem": dem, "step_m": step_m,
            "has_permission": with_permission, "geojson": geojson, "qgc": qgc, "f3548": f3548, "out": out,
            "start_utc": start, "geoid_m": geoid_m,
        }  # fmt: skip
        return fly_corridor(validated(CorridorRequest, asked, "the command line"))

    answer("fly corridor", call, print_corridor, as_json=as_json)


def _print_end(files: list[str], warnings: list[str]) -> None:
    for path in files:
        typer.echo(f"file: {path}")
    for warning in warnings:
        typer.echo(f"note: {warning}")


def print_survey(response: SurveyResponse) -> None:
    """Print the figures of a survey and its flights."""
    r = response
    typer.echo(f"{r.area}: {r.note}")
    typer.echo(
        f"{r.area_km2:,.1f} km2, {r.covered_frac:.1%} of it seen; {r.n_legs} legs {r.spacing_m:,.0f} m apart, "
        f"{r.leg_km:,.0f} km of {r.flown_km:,.0f} km flown"
    )
    typer.echo(
        f"all back after {r.back_h:.2f} h; no plan with these drones takes less than {r.lower_bound_h:.2f} h "
        f"({r.ratio:.2f} times that)"
    )
    typer.echo(f"\n{'flight':>6}  {'drone':10} {'minutes':>8} {'km':>8} {'way points':>11}")
    for number, row in enumerate(r.sorties[:SHOWN], start=1):
        typer.echo(f"{number:>6}  {row.drone:10} {row.air_min:>8.1f} {row.length_km:>8.1f} {row.n_points:>11}")
    if len(r.sorties) > SHOWN:
        typer.echo(f"        and {len(r.sorties) - SHOWN} more; --out takes them all")
    _print_end(r.files, r.warnings)


def print_corridor(response: CorridorResponse) -> None:
    """Print the figures of a corridor and its failing stretches."""
    r = response
    typer.echo(f"{r.name}: {r.note}")
    typer.echo(f"{r.length_km:,.1f} km at {r.height_m:g} m above ground, {r.n_points:,} points")
    if r.bound_km is not None and r.direct_km is not None:
        typer.echo(f"shortest open way; none is shorter than {r.bound_km:,.1f} km; straight {r.direct_km:,.1f} km")
    margin = "none" if r.median_margin_db is None else f"{r.median_margin_db:.1f} dB"
    typer.echo(
        f"{r.n_cells} cells, {r.n_handovers} hand-overs, mast in sight for {r.sight_frac:.0%}; control margin {margin}"
        f", video {r.median_video_mbps:.1f} Mbit/s (medians)"
    )
    typer.echo(
        f"least clearance {r.least_clearance_m:,.0f} m; dilution of precision {r.pdop_ratio:.2f} with BeiDou alone, "
        f"{r.all_pdop_ratio:.2f} with all systems"
    )
    typer.echo(f"fails over {r.failing_km:,.1f} km" + (":" if r.failing else ""))
    for row in sorted(r.failing, key=lambda row: -row.length_km)[:SHOWN]:
        typer.echo(f"{row.length_km:>7.1f} km  {row.name}: {row.reason}")
    if len(r.failing) > SHOWN:
        typer.echo(f"        and {len(r.failing) - SHOWN} shorter ones; --json shows all")
    _print_end(r.files, r.warnings)
