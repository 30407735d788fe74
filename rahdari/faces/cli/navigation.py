"""``rahdari navigate``: positions by satellite along a road or railway, with and without terrain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rahdari.service.navigation import NavigateResponse

PlanOption = Annotated[Path | None, typer.Option("--plan", help="Plan folder; default: the newest below ./plans.")]


def navigate(
    line: Annotated[str, typer.Argument(help="Road, motorway or railway, such as karakoram-highway.")],
    mask: Annotated[float | None, typer.Option(help="Mask of the receiver, degrees; default: the plan's.")] = None,
    accuracy_m: Annotated[
        float | None, typer.Option("--accuracy-m", help="Accuracy asked for, 95 %; default: the plan's.")
    ] = None,
    nav: Annotated[
        Path | None, typer.Option(help="RINEX navigation file, TLE or OMM; default: nominal orbits.")
    ] = None,
    dem: Annotated[Path | None, typer.Option(help="Terrain raster, used where it reaches.")] = None,
    step_m: Annotated[float, typer.Option("--step-m", help="Distance between points.")] = 100.0,
    epochs: Annotated[int, typer.Option(help="Moments in a week, or in the day of a file.")] = 151,
    svg: Annotated[Path | None, typer.Option(help="File for the drawing.")] = None,
    out: Annotated[Path | None, typer.Option(help="CSV file for every point.")] = None,
    plan: PlanOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show how good satellite navigation is along a line, and name the stretches where it fails."""
    from rahdari.faces.cli.main import answer, plan_folder

    def call() -> NavigateResponse:
        from rahdari.model.scenario import validated
        from rahdari.service.navigation import NavigateRequest
        from rahdari.service.navigation import navigate as ask

        asked = {
            "plan": plan_folder(plan), "line": line, "mask_deg": mask, "accuracy_m": accuracy_m, "nav": nav, "dem": dem,
            "step_m": step_m, "n_epochs": epochs, "svg": svg, "out": out,
        }  # fmt: skip
        return ask(validated(NavigateRequest, asked, "the command line"))

    answer("navigate", call, print_navigate, as_json=as_json)


def print_navigate(response: NavigateResponse) -> None:
    """Print the line, its means, the drawing, the failing stretches, and the services."""
    r = response
    typer.echo(f"{r.name}: {r.length_km:,.0f} km, {r.n_points:,} points, {r.n_epochs} moments; {r.satellites}")
    typer.echo(
        f"terrain: {r.terrain}; coarse at {r.coarse_frac:.0%} of the points; mean horizon {r.horizon_deg:.1f} deg"
    )
    typer.echo(f"\n{'':28}{'open sky':>10}{'terrain':>10}{'all systems':>13}")
    typer.echo(f"{'dilution of precision':28}{r.pdop_open_ratio:>10.2f}{r.pdop_ratio:>10.2f}{r.all_pdop_ratio:>13.2f}")
    kept = (r.open_available_frac, r.available_frac, r.all_available_frac)
    typer.echo(f"{f'time with {r.accuracy_m:g} m':28}{kept[0]:>10.1%}{kept[1]:>10.1%}{kept[2]:>13.1%}")
    typer.echo(f"{'km that fail':28}{'':10}{r.failing_km:>10.1f}{r.all_failing_km:>13.1f}")
    typer.echo(f"time with protection below the alert limit, BeiDou alone: {r.protected_frac:.1%}")
    typer.echo(f"\n{r.drawing}")
    typer.echo("dilution of precision: . BeiDou with open sky, # BeiDou under terrain, a all systems; ! fails")
    if r.failing:
        typer.echo(f"\nFails with BeiDou alone ({r.accuracy_m:g} m for less than {r.required_frac:.0%} of the time)")
    for row in r.failing:
        rough = " (coarse terrain)" if row.is_coarse else ""
        typer.echo(
            f"{row.length_km:>7.1f} km  PDOP {row.pdop_open_ratio:.1f} -> {row.pdop_ratio:.1f}, "
            f"{row.available_frac:.1%} of the time, all systems {row.all_available_frac:.1%}  {row.name}{rough}"
        )
    typer.echo("\nCorrections from geostationary satellites")
    for service in r.services:
        typer.echo(
            f"{service.name:16} {service.status:12} {service.best_elevation_deg:>4.0f} deg high, in view at "
            f"{service.in_view_frac:.0%}, offered at {service.in_area_frac:.0%}, usable at {service.usable_frac:.0%}"
        )
    for path in (r.svg, r.out):
        if path is not None:
            typer.echo(f"file: {path}")
    for warning in r.warnings:
        typer.echo(f"note: {warning}")
