"""``rahdari power``: the programme for sites on the grid without a generator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rahdari.service.power import PowerResponse

PlanOption = Annotated[Path | None, typer.Option("--plan", help="Plan folder; default: the newest below ./plans.")]
MILLION = 1e6


def power(
    plan: PlanOption = None,
    budget_usd_per_year: Annotated[
        float | None, typer.Option("--budget-usd-per-year", help="Money of each year; default: the plan's own.")
    ] = None,
    first: Annotated[int, typer.Option(help="Sites to name, in the order of building.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show which exposed sites to equip with what, in which year, and what the money buys, with its proof."""
    from rahdari.faces.cli.main import answer, plan_folder

    def tell(done: int, total: int, text: str) -> None:
        typer.echo(f"{done}/{total} {text}", err=True)

    def call() -> PowerResponse:
        from rahdari.model.scenario import validated
        from rahdari.service.power import PowerRequest, power_programme

        asked = {"plan": plan_folder(plan), "budget_usd_per_year": budget_usd_per_year, "n_first": first}
        return power_programme(validated(PowerRequest, asked, "the command line"), None if as_json else tell)

    answer("power", call, print_power, as_json=as_json)


def print_power(response: PowerResponse) -> None:
    """Print both bases, the years, the curve, the first sites, the designs, and the proof."""
    typer.echo(
        f"Exposed: {response.n_exposed:,} of {response.n_towers:,} cell sites on the grid have no generator; "
        f"{response.n_exposed_published_base:,.0f} on the published base of {response.published_base_n_sites:,}"
    )
    typer.echo(f"Dark today behind them: {response.dark_people_h_per_year:,.0f} people-hours a year")
    typer.echo(f"\nProgramme at US$ {response.budget_usd_per_year:,.0f} a year")
    for row in response.years:
        what = ", ".join(f"{n:,} x {response.option_names.get(name, name)}" for name, n in row.options.items())
        typer.echo(
            f"{row.year}  {row.n_sites:>6,} sites  US$ {row.cost_usd / MILLION:>7.2f} million  "
            f"{row.gain_people_h_per_year / MILLION:>10,.1f} million people-h a year  {what}"
        )
    typer.echo("\nWhat the money buys")
    for point in response.curve:
        share = point.cumulative_people_h_per_year / max(response.dark_people_h_per_year, 1.0)
        typer.echo(
            f"US$ {point.cumulative_usd / MILLION:>8.2f} million  {point.n_sites:>6,} sites  {share:>7.1%} spared"
        )
    _print_sites(response)
    typer.echo(
        f"\nproof: gains {response.gain_people_h:,.0f} people-hours over the years; none gains more than "
        f"{response.bound_people_h:,.0f} (gap {response.gap_frac:.4%})"
    )
    for warning in response.warnings:
        typer.echo(f"note: {warning}")


def _print_sites(response: PowerResponse) -> None:
    if response.first:
        typer.echo("\nFirst sites")
    for row in response.first:
        typer.echo(
            f"{row['step']:>6} {row['year']} {row['site_id']}  {response.option_names[row['option_id']]}  "
            f"US$ {row['cost_usd']:,.0f}  {row['gain_people_h_per_year']:,.0f} people-h a year"
        )
    typer.echo("\nLeast costly design by class")
    for row in response.classes:
        typer.echo(
            f"{row['name']}: {row['n_sites']:,} sites, {row['pv_kwp']:.1f} kWp, {row['battery_kwh']:.0f} kWh "
            f"{row['battery_kind']}, generator {row['generator_kw']:.1f} kW: US$ {row['cost_usd_per_kwh']:.3f} a kWh, "
            f"US$ {row['cost_usd_per_year']:,.0f} a year (proven least {row['bound_usd_per_year']:,.0f})"
        )
