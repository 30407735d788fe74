"""``rahdari plan``: progress while it runs, ten lines when it is done, and the report."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rahdari.run.runner import Event
    from rahdari.service.requests import PlanResponse

#: The planner's five questions, each answered from indicators; the first that exists in a tuple is shown.
QUESTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Who gets what?", ("people_with_100_mbps_frac", "people_with_20_mbps_frac", "median_downlink_mbps")),
    ("By which technology?", ("fibre_homes_passed_households", "fibre_homes_connected_households", "fibre_sites_frac")),
    ("Over which fibre?", ("planned_fibre_km", "corridor_khunjerab_karachi_km", "corridor_delay_ms")),
    ("At what cost?", ("total_capex_usd", "capex_per_household_passed_usd", "capex_per_household_connected_usd")),
    ("How well does it hold?", ("reliable_frac", "mean_outage_h_per_year", "replay_median_error_frac")),
)
#: Sections of a report and their wall time are shown where they took longer than people wait without a sign.
PATIENCE_S = 1.0
STOPPING = b"\nstopping at the next step; once more stops at once\n"


class Lines:
    """Progress where no terminal is attached: one line a finished step."""

    def __call__(self, event: Event) -> None:
        """Print the event if it says something new."""
        if event.kind == "finished" and event.duration_s >= PATIENCE_S:
            typer.echo(f"  {event.text}: {event.duration_s:.1f} s", err=True)


@contextlib.contextmanager
def listening(*, quiet: bool) -> Iterator[Callable[[Event], None]]:
    """Yield a listener that keeps a live table in a terminal, or prints lines elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield Lines()
        return
    from rahdari.faces.cli.live import LiveTable

    with LiveTable() as table:
        yield table


@contextlib.contextmanager
def cancellable() -> Iterator[Callable[[], bool]]:
    """Yield a function that says whether SIGINT or SIGTERM came; a second one stops at once."""
    asked = {"stop": False}

    def ask(_number: int, _frame: object) -> None:
        if asked["stop"]:
            raise KeyboardInterrupt
        asked["stop"] = True
        # Written past the buffers, which the interrupted code may be using.
        os.write(sys.stderr.fileno(), STOPPING)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked["stop"]
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def make(request: dict[str, Any], *, quiet: bool, with_report: bool, with_pdf: bool) -> PlanResponse:
    """Make the plan, then its report where it has changed."""
    from rahdari.faces.cli.audit import checked_country
    from rahdari.model.scenario import validated
    from rahdari.service.planning import plan
    from rahdari.service.requests import PlanRequest

    asked = validated(PlanRequest, request, "the command line")
    checked_country(asked.country)
    with listening(quiet=quiet) as listen:
        with cancellable() as is_cancelled:
            response = plan(asked, on_event=listen, is_cancelled=is_cancelled)
        if with_report or with_pdf:
            write_reports(response.folder, with_pdf=with_pdf, listen=listen)
    return response


def _written(listen: Callable[[Event], None], title: str, write: Callable[[Path], Any], folder: Path) -> None:
    """Write one report and tell the listener."""
    from rahdari.run.runner import Event

    start = time.perf_counter()
    listen(Event("started", title, text=title))
    write(folder)
    listen(Event("finished", title, text=title, duration_s=time.perf_counter() - start))


def write_reports(
    folder: Path, *, with_pdf: bool, listen: Callable[[Event], None] | None = None
) -> dict[str, dict[str, str]]:
    """Write the report of a plan where it is missing or older than the plan; return the paths."""
    from rahdari.faces.report.freshness import is_fresh
    from rahdari.store.plans import read_plan_manifest

    read_plan_manifest(folder)
    tell = listen or Lines()
    paths = {"report": {"path": str(folder / "report.html")}}
    if not is_fresh(folder, "report.html"):
        from rahdari.faces.report import write_html

        _written(tell, "Report", write_html, folder)
    if with_pdf:
        paths["pdf"] = {"path": str(folder / "report.pdf")}
        if not is_fresh(folder, "report.pdf"):
            from rahdari.faces.report import write_pdf

            _written(tell, "Report as PDF", write_pdf, folder)
    return paths


def show_paths(paths: dict[str, dict[str, str]]) -> None:
    """Print where the reports lie."""
    for name, record in paths.items():
        typer.echo(f"{name}: {record['path']}")


def show(response: PlanResponse) -> None:
    """Print the answer to the planner's five questions, the proofs, and the paths."""
    latest: dict[str, dict[str, Any]] = {}
    for row in sorted(response.indicators, key=lambda row: (row["indicator_id"], row["year"])):
        latest[row["indicator_id"]] = row
    typer.echo(f"\n{response.country}, scenario {response.scenario}: {response.tables['places']:,} places")
    for question, wanted in QUESTIONS:
        parts = [_figure(latest[name]) for name in wanted if name in latest]
        typer.echo(f"  {question:<24}{'; '.join(parts) or 'no engine answers this yet'}")
    proofs = [row for row in response.certificates if row["gap_frac"] is not None]
    if proofs:
        worst = max(proofs, key=lambda row: row["gap_frac"])
        text = f"{len(proofs)} choices with a proven bound; widest gap {worst['gap_frac']:.2%} ({worst['name']})"
        typer.echo(f"  {'How sure are we?':<24}{text}")
    kept = sum(check["is_kept"] for check in response.consistency)
    typer.echo(f"  {'Do the parts agree?':<24}{kept} of {len(response.consistency)} consistency checks kept")
    ran = f"{response.n_engines_run} engines run, {response.n_engines_cached} from the cache"
    typer.echo(f"  {'Made in':<24}{response.duration_s:.1f} s, {ran}")
    for warning in response.warnings:
        typer.echo(f"  warning: {warning}")
    typer.echo(f"\nplan:   {response.folder}")
    report = response.folder / "report.html"
    if report.is_file():
        typer.echo(f"report: {report}")
    typer.echo("map:    rahdari show")


def _figure(row: dict[str, Any]) -> str:
    """Return name, value and range of an indicator."""
    from rahdari.faces.report.words import band, figure

    span = band(row["value_low"], row["value_high"], row["unit"])
    return f"{row['name']} {figure(row['value'], row['unit'])}{f' ({span})' if span else ''}"
