"""``rahdari economy`` and ``rahdari indicators``: the money of a plan, and its indicators through the years."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rahdari.service.scoreboard import IndicatorsResponse, MoneyResponse

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
PlanOption = Annotated[Path | None, typer.Option("--plan", help="Plan folder; default: the newest below ./plans.")]
MILLION = 1e6
N_DISTRICTS = 5  # shown of those that ask for support


def economy(plan: PlanOption = None, as_json: Json = False) -> None:
    """Show who pays what, value and return with bands, the least support, and what moves it."""
    from rahdari.faces.cli.main import answer

    def call() -> MoneyResponse:
        from rahdari.faces.cli.main import plan_folder
        from rahdari.service.scoreboard import money_on

        return money_on(plan_folder(plan))

    answer("economy", call, _show_money, as_json=as_json)


def indicators(
    plan: PlanOption = None,
    as_json: Json = False,
    csv: Annotated[Path | None, typer.Option(help="Write every indicator and year to this CSV file.")] = None,
) -> None:
    """Show the indicators under the five Es and the five corridors, through the years."""
    from rahdari.faces.cli.main import answer

    def call() -> IndicatorsResponse:
        from rahdari.faces.cli.main import plan_folder
        from rahdari.service.scoreboard import indicators_in

        response = indicators_in(plan_folder(plan))
        if csv is not None:
            import polars as pl

            from rahdari.store.atomic import write_text
            from rahdari.store.spreadsheet import safe_csv

            write_text(csv, safe_csv(pl.DataFrame(response.rows, infer_schema_length=None)))
        return response

    answer("indicators", call, _show_indicators, as_json=as_json)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    if abs(value) >= MILLION:
        return f"{value / MILLION:,.1f} million"
    return f"{value:,.0f}" if abs(value) >= 100.0 else f"{value:.3g}"  # noqa: PLR2004  # three figures


def _band(row: dict[str, Any], low: str, high: str) -> str:
    return "" if row[low] is None or row[high] is None else f"  ({_number(row[low])} to {_number(row[high])})"


def _show_money(response: MoneyResponse) -> None:
    """Print the money."""
    typer.echo("who pays whom, US dollars of the price year, whole horizon:")
    for row in response.items:
        typer.echo(f"  {row['item']:12s} {_number(row['amount_usd']):>18s}   {row['payer']} to {row['payee']}")
    typer.echo("in a few figures:")
    for row in response.figures:
        typer.echo(f"  {row['name']}: {_number(row['value'])} {row['unit']}{_band(row, 'value_low', 'value_high')}")
    asked = [row for row in response.support if row["subsidy_value_usd"] > 0.0]
    typer.echo(f"least support: {len(asked)} of {len(response.support)} districts; the most:")
    for row in asked[:N_DISTRICTS]:
        typer.echo(
            f"  {row['district_id']}: {_number(row['subsidy_value_usd'])}, "
            f"{row['subsidy_per_person_usd']:,.2f} a person ({row['beside_mobile_lots']} the mobile lots let)"
        )
    typer.echo("what moves the operator's value most:")
    for row in response.tornado:
        typer.echo(
            f"  {row['parameter']}: {_number(row['at_low_value'])} at {row['low_value']:.3g}, "
            f"{_number(row['at_high_value'])} at {row['high_value']:.3g}"
        )
    for row in response.hindcast:
        typer.echo(f"  hindcast {row['series']}: {row['error_value']:+.1%} at {row['at_year']:.1f}")
    for warning in response.warnings:
        typer.echo(f"note: {warning}")


def _show_indicators(response: IndicatorsResponse) -> None:
    """Print first and last year of each indicator, view by view; then the others."""
    by_id: dict[str, list[dict[str, Any]]] = {}
    for row in response.rows:
        by_id.setdefault(row["indicator_id"], []).append(row)
    told = set()
    for view in dict.fromkeys(row["view"] for row in response.views):
        typer.echo(f"{view}:")
        for row in response.views:
            if row["view"] == view and row["indicator_id"] in by_id:
                told.add(row["indicator_id"])
                _show_course(by_id[row["indicator_id"]])
    typer.echo("others:")
    for name in sorted(set(by_id) - told):
        _show_course(by_id[name])


def _show_course(rows: list[dict[str, Any]]) -> None:
    ordered = sorted(rows, key=lambda row: row["year"])
    first, last = ordered[0], ordered[-1]
    text = f"  {last['name']}: {_number(first['value'])} in {first['year']}"
    if last is not first:
        text += f", {_number(last['value'])}{_band(last, 'low', 'high')} in {last['year']}"
    typer.echo(text)
