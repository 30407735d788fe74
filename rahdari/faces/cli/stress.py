"""``rahdari stress``: a named event by the hour, many runs, or the loss of one vendor."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rahdari.service.stress import EventResponse, RemoveResponse, RunsResponse

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
PlanOption = Annotated[Path | None, typer.Option("--plan", help="Plan folder; default: the newest below ./plans.")]
CacheOption = Annotated[Path | None, typer.Option("--cache-dir", help="Where finished runs are kept.")]
SHOWN_HOURS = 24  # lines of an event printed besides those reported
MILLION = 1e6
N_SHARES = 3


class Vendor(StrEnum):
    """A vendor by letter: no vendor is named."""

    A = "A"
    B = "B"
    C = "C"


def stress(
    event: Annotated[str | None, typer.Option(help="Play a named event, such as blackout-2023.")] = None,
    runs: Annotated[int | None, typer.Option(help="Run so many windows of a month; resumes where it stopped.")] = None,
    remove: Annotated[Vendor | None, typer.Option(help="Take all sites of a vendor out.")] = None,
    shares: Annotated[str | None, typer.Option(help="Shares of sites of vendors A, B and C: 0.5,0.3,0.2.")] = None,
    hourly: Annotated[Path | None, typer.Option(help="With --event: write every hour to this CSV file.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the draws.")] = 1,
    workers: Annotated[int, typer.Option(help="Threads; the answer is the same.")] = 2,
    plan: PlanOption = None,
    cache_dir: CacheOption = None,
    as_json: Json = False,
) -> None:
    """Stress a plan: --event NAME, --runs N or --remove VENDOR."""
    from rahdari.faces.cli.main import answer
    from rahdari.faces.cli.planning import cancellable

    def call() -> Any:  # noqa: ANN401  # a response model
        from rahdari.faces.cli.main import cache_folder, plan_folder
        from rahdari.model.scenario import validated
        from rahdari.service import stress as service

        _check_one(event, runs, remove, hourly)
        folder = plan_folder(plan)
        where = "the command line"
        if event is not None:
            asked = {"plan": folder, "event": event, "seed": seed}
            return _kept(service.replay_event(validated(service.EventRequest, asked, where)), hourly)
        if runs is not None:
            asked = {
                "plan": folder, "n_runs": runs, "seed": seed, "n_workers": workers,
                "cache_dir": cache_folder(cache_dir),
            }  # fmt: skip
            with cancellable() as cancel:
                return service.many_runs(
                    validated(service.RunsRequest, asked, where), on_progress=None if as_json else _tell, cancel=cancel
                )
        given = {"plan": folder, "vendor": None if remove is None else remove.value, "shares": _shares(shares)}
        return service.remove_vendor(validated(service.RemoveRequest, given, where))

    answer("stress", call, _show, as_json=as_json)


def _kept(response: EventResponse, hourly: Path | None) -> EventResponse:
    """Write the hours of an event as CSV where that is wanted."""
    if hourly is not None:
        import polars as pl

        from rahdari.store.atomic import write_text
        from rahdari.store.spreadsheet import safe_csv

        write_text(hourly, safe_csv(pl.DataFrame(response.hours, infer_schema_length=None)))
    return response


def _check_one(event: str | None, runs: int | None, remove: Vendor | None, hourly: Path | None) -> None:
    from rahdari.errors import InputError, Problem

    if hourly is not None and event is None:
        raise InputError(Problem("--hourly goes with --event alone", "add --event NAME, or leave --hourly away"))
    if sum(item is not None for item in (event, runs, remove)) != 1:
        raise InputError(Problem("one thing is done at a time", "give one of --event, --runs and --remove"))


def _shares(text: str | None) -> tuple[float, ...] | None:
    from rahdari.errors import InputError, Problem

    if text is None:
        return None
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if len(values) != N_SHARES:
        raise InputError(Problem(f"'{text}' are no three shares", "write them as 0.5,0.3,0.2", "--shares"))
    return values


def _tell(done: int, total: int) -> None:
    typer.echo(f"{done} of {total} blocks", err=True)
    sys.stderr.flush()


def _show(response: EventResponse | RunsResponse | RemoveResponse) -> None:
    """Print whichever response it is."""
    if hasattr(response, "hours"):
        _show_event(response)
    elif hasattr(response, "services"):
        _show_runs(response)
    else:
        _show_remove(response)
    for warning in response.warnings:
        typer.echo(f"note: {warning}")


def _show_event(response: Any) -> None:  # noqa: ANN401  # told apart by its fields
    typer.echo(f"{response.event}: {response.name}")
    typer.echo("  hour  sites down      (band)            people without   reported   predicted")
    step = max(1, len(response.hours) // SHOWN_HOURS)
    for i, row in enumerate(response.hours):
        if i % step and row["reported_value"] is None:
            continue
        band = f"({row['down_low_sites']:,.0f} to {row['down_high_sites']:,.0f})"
        line = f"{row['hour_h']:6d}  {row['down_sites']:10,.0f}  {band:22s} {row['without_people']:14,.0f}"
        if row["reported_value"] is not None:
            line += f"   {row['reported_value']:8,.3g}   {row['predicted_value']:8,.3g} {row['what']}"
            if row["error_frac"] is not None:
                line += f", miss {row['error_frac']:.0%}, {'in' if row['is_in_band'] else 'outside'} the band"
        typer.echo(line)
    lost = response.losses
    low, middle, high = (lost[f"revenue_lost{end}_usd"] / MILLION for end in ("_low", "", "_high"))
    typer.echo(
        f"  {lost['without_people_h'] / MILLION:,.0f} million people-hours without; revenue lost "
        f"US$ {middle:,.2f} million ({low:,.2f} to {high:,.2f})"
    )


def _show_runs(response: Any) -> None:  # noqa: ANN401  # told apart by its fields
    typer.echo(f"{response.n_runs:,} runs, {response.n_blocks_from_cache} blocks from the cache")
    for row in response.services:
        lost, low, high = (
            row[name] / MILLION for name in ("customers_lost_h_per_year", "low_h_per_year", "high_h_per_year")
        )
        typer.echo(
            f"  {row['service_id']:10s} {row['mean_outage_h_per_year']:8.1f} h a year for a person; "
            f"{lost:,.0f} million customer-hours ({low:,.0f} to {high:,.0f})"
        )
        least, middle, most = (row[f"revenue_lost{end}_usd_per_year"] / MILLION for end in ("_low", "", "_high"))
        typer.echo(f"  {'':10s} revenue lost US$ {middle:,.0f} million a year ({least:,.0f} to {most:,.0f})")
    for years, value in (
        (10, response.worst_month_in_10_years_lost_h),
        (100, response.worst_month_in_100_years_lost_h),
    ):
        typer.echo(f"  worst month in {years} years: {value / MILLION:,.0f} million customer-hours")


def _show_remove(response: Any) -> None:  # noqa: ANN401  # told apart by its fields
    shares = ", ".join(f"{name} {share:.0%}" for name, share in zip("ABC", response.shares, strict=True))
    typer.echo(f"without vendor {response.vendor} ({shares}; concentration {response.concentration_ratio:.2f}):")
    typer.echo(f"  {response.sites_out:,} of {response.n_sites:,} sites out ({response.sites_out_frac:.0%})")
    typer.echo(
        f"  {response.people_without / MILLION:,.1f} million people without ({response.people_without_frac:.0%}); "
        f"revenue lost US$ {response.revenue_lost_usd_per_h:,.0f} an hour"
    )
