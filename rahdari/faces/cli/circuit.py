"""``rahdari circuit``: the life of what the transit desk sold: activated, measured, moved, credited and booked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from rahdari.service.circuits import BookResponse, CircuitsResponse, MeasureResponse, SlaResponse

circuit_app = typer.Typer(
    help="Activate, measure, move, cease, credit and book circuits that the transit desk sold.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
PlanOption = Annotated[Path | None, typer.Option("--plan", help="Plan folder; default: the newest below ./plans.")]
LedgerOption = Annotated[Path, typer.Option("--ledger", help="Folder of the ledger.")]
Measured = Annotated[Path | None, typer.Option("--measured", help="Measurements of real devices, JSON lines.")]
At = Annotated[str | None, typer.Option("--at", help="Time with its zone, such as 2026-08-01T06:00:00Z; default: now.")]
Name = Annotated[str, typer.Argument(help="Circuit: the identifier of its reservation.")]
Leg = Annotated[str, typer.Argument(help="Leg, as 'rahdari transit list' shows it.")]
Key = Annotated[str, typer.Option("--key", help="Your own name of this event; telling it again is safe.")]
ActKey = Annotated[str | None, typer.Option("--key", help="Your own name of this act; asking again is safe.")]
ByHand = Annotated[bool, typer.Option("--by-hand", help="A technician has done it; write it down.")]
MonthOption = Annotated[str, typer.Option("--month", help="Month, such as 2026-08.")]
LEDGER = Path("ledger")


def _run(operation: str, call: Callable[[], Any], show: Callable[[Any], None], *, as_json: bool) -> None:
    from rahdari.faces.cli.main import answer

    answer(f"circuit {operation}", call, show, as_json=as_json)


def _made(model: str, fields: dict[str, Any], plan: Path | None) -> Any:  # noqa: ANN401  # a request
    from rahdari.faces.cli.main import plan_folder
    from rahdari.model.scenario import validated
    from rahdari.service import circuits

    return validated(getattr(circuits, model), {**fields, "plan": plan_folder(plan)}, "the command line")


@circuit_app.command("activate")
def activate(
    circuit: Name,
    by_hand: ByHand = False,
    measured: Measured = None,
    at: At = None,
    ledger: LedgerOption = LEDGER,
    plan: PlanOption = None,
    as_json: Json = False,
) -> None:
    """Bring a reservation into service."""

    def call() -> CircuitsResponse:
        from rahdari.service.circuits import activate as act

        fields = {"circuit_id": circuit, "is_by_hand": by_hand, "measured": measured, "at": at, "ledger": ledger}
        return act(_made("OneCircuitRequest", fields, plan))

    _run("activate", call, show_circuits, as_json=as_json)


@circuit_app.command("measure")
def measure(
    circuit: Name,
    measured: Measured = None,
    at: At = None,
    ledger: LedgerOption = LEDGER,
    plan: PlanOption = None,
    as_json: Json = False,
) -> None:
    """Measure delay, loss and rate beside what was promised."""

    def call() -> MeasureResponse:
        from rahdari.service.circuits import measure as act

        fields = {"circuit_id": circuit, "measured": measured, "at": at, "ledger": ledger}
        return act(_made("OneCircuitRequest", fields, plan))

    _run("measure", call, show_measurement, as_json=as_json)


@circuit_app.command("fail")
def fail(
    leg: Leg,
    key: Key,
    measured: Measured = None,
    at: At = None,
    ledger: LedgerOption = LEDGER,
    plan: PlanOption = None,
    as_json: Json = False,
) -> None:
    """Tell that a leg failed; circuits on it are moved onto a disjoint way where there is room."""

    def call() -> CircuitsResponse:
        from rahdari.service.circuits import fail as act

        return act(_made("LegRequest", _leg_fields(leg, key, measured, at, ledger), plan))

    _run("fail", call, show_circuits, as_json=as_json)


@circuit_app.command("repair")
def repair(
    leg: Leg,
    key: Key,
    measured: Measured = None,
    at: At = None,
    ledger: LedgerOption = LEDGER,
    plan: PlanOption = None,
    as_json: Json = False,
) -> None:
    """Tell that a leg is whole again; circuits that wait for it come up."""

    def call() -> CircuitsResponse:
        from rahdari.service.circuits import repair as act

        return act(_made("LegRequest", _leg_fields(leg, key, measured, at, ledger), plan))

    _run("repair", call, show_circuits, as_json=as_json)


def _leg_fields(leg: str, key: str, measured: Path | None, at: str | None, ledger: Path) -> dict[str, Any]:
    return {"leg_id": leg, "key": key, "measured": measured, "at": at, "ledger": ledger}


@circuit_app.command("revert")
def revert(
    circuit: Name,
    key: ActKey = None,
    by_hand: ByHand = False,
    measured: Measured = None,
    at: At = None,
    ledger: LedgerOption = LEDGER,
    plan: PlanOption = None,
    as_json: Json = False,
) -> None:
    """Bring a circuit back to the way it was sold with; it stays up meanwhile."""

    def call() -> CircuitsResponse:
        from rahdari.service.circuits import revert as act

        fields = {"circuit_id": circuit, "key": key, "is_by_hand": by_hand, "measured": measured}
        return act(_made("OneCircuitRequest", {**fields, "at": at, "ledger": ledger}, plan))

    _run("revert", call, show_circuits, as_json=as_json)


@circuit_app.command("cease")
def cease(
    circuit: Name,
    key: ActKey = None,
    by_hand: ByHand = False,
    measured: Measured = None,
    at: At = None,
    ledger: LedgerOption = LEDGER,
    plan: PlanOption = None,
    as_json: Json = False,
) -> None:
    """End a circuit and give its wavelengths back."""

    def call() -> CircuitsResponse:
        from rahdari.service.circuits import cease as act

        fields = {"circuit_id": circuit, "key": key, "is_by_hand": by_hand, "measured": measured}
        return act(_made("OneCircuitRequest", {**fields, "at": at, "ledger": ledger}, plan))

    _run("cease", call, show_circuits, as_json=as_json)


@circuit_app.command("work")
def work(
    covers: Annotated[str, typer.Argument(help="Leg or circuit.")],
    begin: Annotated[str, typer.Option(help="Begin, with its zone.")],
    end: Annotated[str, typer.Option(help="End, with its zone.")],
    key: Key,
    announced: Annotated[str | None, typer.Option(help="When buyers were told; default: now.")] = None,
    ledger: LedgerOption = LEDGER,
    plan: PlanOption = None,
    as_json: Json = False,
) -> None:
    """Announce planned work; announced in time it is not counted against the promise."""

    def call() -> CircuitsResponse:
        from rahdari.service.circuits import plan_work

        fields = {"covers": covers, "begin": begin, "end": end, "announced": announced, "key": key, "ledger": ledger}
        return plan_work(_made("WorkRequest", fields, plan))

    _run("work", call, show_circuits, as_json=as_json)


@circuit_app.command("resume")
def resume(
    measured: Measured = None,
    at: At = None,
    ledger: LedgerOption = LEDGER,
    plan: PlanOption = None,
    as_json: Json = False,
) -> None:
    """Finish what a stopped process left asked for."""

    def call() -> CircuitsResponse:
        from rahdari.service.circuits import resume as act

        return act(_made("CircuitRequest", {"measured": measured, "at": at, "ledger": ledger}, plan))

    _run("resume", call, show_circuits, as_json=as_json)


@circuit_app.command("list")
def list_all(ledger: LedgerOption = LEDGER, as_json: Json = False) -> None:
    """List circuits with their states and outages."""

    def call() -> CircuitsResponse:
        from rahdari.service.circuits import BooksRequest, list_circuits

        return list_circuits(BooksRequest(ledger=ledger))

    _run("list", call, show_circuits, as_json=as_json)


@circuit_app.command("book")
def book(
    circuit: Name,
    month: MonthOption,
    pkr_per_usd: Annotated[str, typer.Option(help="Rupees for one dollar.")],
    rate_date: Annotated[str, typer.Option(help="Day on which the rate held.")],
    rate_source: Annotated[str, typer.Option(help="Who stated the rate.")],
    at: At = None,
    ledger: LedgerOption = LEDGER,
    as_json: Json = False,
) -> None:
    """Book charge and credit of a month in dollars and rupees; again, only what has changed."""

    def call() -> BookResponse:
        from rahdari.model.scenario import validated
        from rahdari.service.circuits import BookRequest
        from rahdari.service.circuits import book as act

        fields = {"circuit_id": circuit, "month": month, "pkr_per_usd": pkr_per_usd, "rate_date": rate_date}
        fields |= {"rate_source": rate_source}
        return act(validated(BookRequest, {**fields, "at": at, "ledger": ledger}, "the command line"))

    _run("book", call, show_booking, as_json=as_json)


@circuit_app.command("report")
def report(
    month: MonthOption,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write the rows to this file too.")] = None,
    at: At = None,
    ledger: LedgerOption = LEDGER,
    as_json: Json = False,
) -> None:
    """Report a month: availability, seconds down, excused and degraded, charge and credit."""

    def call() -> SlaResponse:
        from rahdari.service.circuits import ReportRequest
        from rahdari.service.circuits import report as act

        made = act(ReportRequest(month=month, at=at, ledger=ledger))
        if csv is not None:
            _write_csv(csv, made)
        return made

    _run("report", call, show_report, as_json=as_json)


def _write_csv(path: Path, made: SlaResponse) -> None:
    from rahdari.operate.reports import csv_text
    from rahdari.store.atomic import replacing

    with replacing(path) as part:
        part.write_text(csv_text(made.rows), encoding="utf-8", newline="")


def _say(text: str) -> None:
    """Print a line in which text from outside steers nothing."""
    from rahdari.operate.reports import shown

    typer.echo(shown(text))


def show_circuits(response: CircuitsResponse) -> None:
    """Print one line a circuit, then its ways and outages."""
    for each in response.circuits:
        asked = "" if each.is_settled else ", not yet done"
        _say(f"{each.circuit_id} {each.state}{asked} on {each.on_way}: {each.gbps:g} Gbit/s for {each.buyer}")
        _say(f"  by {' - '.join(each.legs)}; in service since {each.in_service_utc or 'never'}")
        for outage in each.outages:
            _say(f"  out from {outage['began_utc']} to {outage['ended_utc'] or 'now'} ({outage['cause']})")
    if not response.circuits:
        typer.echo("no circuit")


def show_measurement(response: MeasureResponse) -> None:
    """Print a measurement beside its promise."""
    verdict = "kept" if response.is_kept else "NOT kept"
    if response.rtt_ms is None:
        _say(f"{response.circuit_id} at {response.at_utc}: nothing comes through; promise {verdict}")
        return
    _say(
        f"{response.circuit_id} at {response.at_utc}: "
        f"{response.rtt_ms:.3f} ms (promised {response.promised_rtt_ms:.1f}), "
        f"loss {response.loss_frac:.1e}, {response.measured_gbps:g} of {response.sold_gbps:g} Gbit/s; promise {verdict}"
    )


def show_booking(response: BookResponse) -> None:
    """Print postings and balances."""
    for each in response.postings:
        _say(
            f"{each['posting_key']}: {each['debit']} owes {each['credit']} USD {each['usd']} = PKR {each['pkr']} "
            f"at {each['pkr_per_usd']} of {each['rate_date']} ({each['rate_source']})"
        )
    for name, amounts in response.balances.items():
        _say(f"  {name}: USD {amounts['usd']}, PKR {amounts['pkr']}")


def show_report(response: SlaResponse) -> None:
    """Print one line a circuit."""
    for row in response.rows:
        state = "" if row["is_final"] else " (month not over)"
        _say(
            f"{row['circuit_id']} {row['buyer']}: available {row['availability_frac']}, down {row['down_s']} s, "
            f"excused {row['excluded_s']} s, degraded {row['degraded_s']} s; charge USD {row['charge_usd']}, "
            f"credit USD {row['credit_usd']}{state}"
        )
    if not response.rows:
        typer.echo(f"no circuit was in service in {response.month}")
