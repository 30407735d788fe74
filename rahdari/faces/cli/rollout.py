"""``rahdari schedule`` and ``rahdari shock``: the calendar of a plan, and what a shock does to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rahdari.service.rollout import CalendarSide, ScheduleResponse, ShockResponse

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
PlanOption = Annotated[Path | None, typer.Option("--plan", help="Plan folder; default: the newest below ./plans.")]
MILLION = 1e6
PERCENT = 100.0
SHOWN_BINDS = 8


def schedule(
    plan: PlanOption = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write every package with its dates to this file.")] = None,
    gantt: Annotated[
        Path | None, typer.Option("--gantt", help="Draw the districts' calendar to this SVG file.")
    ] = None,
    first: Annotated[int, typer.Option(help="Districts to name, the latest first.")] = 10,
    as_json: Json = False,
) -> None:
    """Show whether the roll-out can be done when it is due, what binds, and what more would buy."""
    from rahdari.faces.cli.main import answer, plan_folder

    def call() -> ScheduleResponse:
        from rahdari.model.scenario import validated
        from rahdari.service.rollout import ScheduleRequest, schedule_answer

        folder = plan_folder(plan)
        response = schedule_answer(validated(ScheduleRequest, {"plan": folder, "n_first": first}, "the command line"))
        if csv is not None:
            _write_csv(folder, csv)
        if gantt is not None:
            _write_gantt(folder, gantt, response)
        return response

    answer("schedule", call, print_schedule, as_json=as_json)


def shock(
    plan: PlanOption = None,
    from_month: Annotated[str, typer.Option("--from", help="First month of the shock, as 2027-07.")] = "",
    budget: Annotated[str | None, typer.Option(help="Change of the money from then on: -30%.")] = None,
    crews: Annotated[
        list[str] | None, typer.Option(help="Loss of crews: -20%, or splice:-20%; again for more.")
    ] = None,
    fx: Annotated[str | None, typer.Option(help="Change of local currency per dollar: +30%.")] = None,
    diesel: Annotated[str | None, typer.Option(help="Change of the price of diesel: +50%.")] = None,
    embargo: Annotated[list[str] | None, typer.Option(help="Vendor without goods, and months: vendor-A:6.")] = None,
    flood: Annotated[list[str] | None, typer.Option(help="Districts shut, and months: Sukkur,Dadu:2.")] = None,
    first: Annotated[int, typer.Option(help="Districts to name, the worst hit first.")] = 10,
    as_json: Json = False,
) -> None:
    """Re-plan a roll-out after a shock; what had started keeps its place. Two calendars side by side."""
    from rahdari.faces.cli.main import answer, plan_folder

    def call() -> ShockResponse:
        from rahdari.model.scenario import validated
        from rahdari.service.rollout import ShockRequest, shock_answer

        asked = {
            "plan": plan_folder(plan), "from_month": from_month, "n_first": first, "budget_change_frac": change(budget),
            "exchange_change_frac": change(fx), "diesel_change_frac": change(diesel),
            "crews_change_frac": _by_pool(crews or []), "embargo_months": _months(embargo or [], "--embargo"),
            "flood_months": _months(flood or [], "--flood"),
        }  # fmt: skip
        return shock_answer(validated(ShockRequest, asked, "the command line"))

    answer("shock", call, print_shock, as_json=as_json)


def change(text: str | None) -> float:
    """Return a change in per cent, or as a share, as a share.

    >>> change("-30%"), change("+0.5"), change(None)
    (-0.3, 0.5, 0.0)
    """
    from rahdari.errors import InputError, Problem

    if text is None:
        return 0.0
    try:
        return float(text.removesuffix("%")) / PERCENT if text.endswith("%") else float(text)
    except ValueError as error:
        raise InputError(Problem(f"'{text}' is no change", "write it as -30% or +50%", "the command line")) from error


def _by_pool(given: list[str]) -> dict[str, float]:
    pairs = (text.rsplit(":", 1) if ":" in text else ["all", text] for text in given)
    return {pool: change(size) for pool, size in pairs}


def _months(given: list[str], option: str) -> dict[str, int]:
    from rahdari.errors import Problem, raise_if_any

    faults, found = [], {}
    for text in given:
        names, _, months = text.rpartition(":")
        if not names or not months.isdigit():
            cure = f"write it as {option} NAME:MONTHS"
            faults.append(Problem(f"'{text}' names no months", cure, "the command line"))
            continue
        found.update({name.strip(): int(months) for name in names.split(",")})
    raise_if_any(faults)
    return found


def _write_csv(folder: Path, path: Path) -> None:
    from rahdari.store.atomic import write_text
    from rahdari.store.query import PlanReader
    from rahdari.store.spreadsheet import safe_csv

    reader = PlanReader(folder)
    more = reader.table("work_packages").drop("district_id", "kind", "capex_usd", "n_people")
    rows = reader.table("calendar").join(more, on="package_id", how="left").sort("start_months", "package_id")
    write_text(path, safe_csv(rows))


def _write_gantt(folder: Path, path: Path, response: ScheduleResponse) -> None:
    from rahdari.faces.report.rollout_drawing import gantt_of
    from rahdari.store.atomic import write_text
    from rahdari.store.query import PlanReader

    reader = PlanReader(folder)
    names = reader.table("districts").select("district_id", "name")
    districts = reader.table("rollout_districts")
    write_text(path, gantt_of(reader.table("calendar"), names, districts, response.starts_on))


def print_schedule(response: ScheduleResponse) -> None:
    """Print the answer, kinds, years, what binds, what more would buy, and the proof."""
    verdict = "is done when due" if response.late_months <= 0.0 else f"is {response.late_months:,.0f} months late"
    typer.echo(
        f"From {response.starts_on}, due {response.due_on}: this calendar {verdict} (ends {response.ends_on}; no "
        f"calendar ends before {response.soonest_ends_on})"
    )
    typer.echo(
        f"Served when due: {response.by_due_frac:.1%} of people, and no calendar more than "
        f"{response.most_by_due_frac:.1%}"
    )
    typer.echo("\nKind of work")
    for kind in response.kinds:
        typer.echo(
            f"{kind.kind:<18} {kind.n_packages:>5,} packages  US$ {kind.cost_usd / MILLION:>8,.1f} million  "
            f"ends {kind.ends_on}  {kind.by_due_frac:>6.1%} of its money when due"
        )
    typer.echo("\nYear")
    for row in response.years:
        typer.echo(
            f"{row['year']}  US$ {(row['capex_usd'] + row['power_capex_usd']) / MILLION:>8,.1f} million  "
            f"{row['fibre_km'] + row['lateral_km']:>9,.0f} km  {row['n_households_passed']:>10,} homes passed  "
            f"{row['n_sites_fibred']:>7,} sites"
        )
    typer.echo("\nWhat binds")
    for row in response.binds[:SHOWN_BINDS]:
        typer.echo(
            f"{row['binds']:<12} {row['share_frac']:>6.1%} of the waiting, most in year {row['worst_programme_year']}"
        )
    typer.echo("\nWhat more would buy, at the margin")
    for row in response.buys:
        typer.echo(f"{row['what']}: {row['people_months']:,.0f} people-months of waiting saved")
    typer.echo("\nLast districts")
    for row in response.last:
        typer.echo(f"{row['name']}: ends {row['ends_on']}, bound by {row['binds']}")
    typer.echo(
        f"\nproof: {response.people_months:,.0f} people-months of waiting; no calendar has fewer than "
        f"{response.bound_people_months:,.0f} (gap {response.gap_frac:.1%})"
    )
    for warning in response.warnings:
        typer.echo(f"note: {warning}")


def _side(name: str, side: CalendarSide) -> str:
    undone = f", {side.n_undone:,} packages find no place" if side.n_undone else ""
    return (
        f"{name:<7} ends {side.ends_on} ({side.late_months:,.0f} months late), {side.by_due_frac:.1%} served when due, "
        f"at most {side.most_by_due_frac:.1%}{undone}"
    )


def print_shock(response: ShockResponse) -> None:
    """Print the two calendars and what the shock costs."""
    typer.echo(f"From {response.from_on}: {'; '.join(response.told)}")
    typer.echo(_side("before", response.before))
    typer.echo(_side("after", response.after))
    typer.echo(
        f"{response.n_committed:,} packages had started and stay; {response.n_moved:,} move, {response.n_given_up:,} "
        f"are given up; {response.people_months_lost:,.0f} people-months of waiting more"
    )
    for row in response.kinds:
        typer.echo(
            f"{row['kind']:<18} ends {row['ends_on_before']} -> {row['ends_on_after']}, when due "
            f"{row['by_due_before_frac']:.1%} -> {row['by_due_after_frac']:.1%}"
        )
    worst: list[dict[str, Any]] = [row for row in response.worst if row["people_months_lost"] > 0.0]
    if worst:
        typer.echo("\nWorst hit")
    for row in worst:
        typer.echo(f"{row['name']}: {row['people_months_lost']:,.0f} people-months, {row['n_moved']:,} packages move")
    typer.echo(f"\nproof: the new calendar lies at most {response.gap_frac:.1%} above the best")
