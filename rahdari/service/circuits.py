"""Circuits as commands: activate what the transit desk sold, measure, fail and repair legs, book months, report.

Bundled is a simulated network beside the ledger; with a file of measurements the adapter to real devices is taken,
which only reads.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from rahdari.errors import InputError, Problem
from rahdari.model.params import Params
from rahdari.operate.adapters import LegSpec, ReadOnlyNetwork, SimulatedNetwork
from rahdari.operate.billing import Rate, balances, book_month
from rahdari.operate.circuit_ledger import CircuitLedger
from rahdari.operate.circuits import Circuits
from rahdari.operate.reports import sla_report
from rahdari.operate.sla import Window, money_text, seconds_of, utc_text
from rahdari.service.transit_desk import Desk
from rahdari.store.query import OWNER, Clearance, PlanReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rahdari.operate.circuit_ledger import Circuit, Measurement, Posting


class BooksRequest(Params):
    """A ledger, and the moment of what is asked."""

    ledger: Path = Field(description="Folder of the ledger")
    at: str | None = Field(None, description="Time with its zone, such as 2026-08-01T06:00:00Z; default: now")


class CircuitRequest(BooksRequest):
    """Ask for something on circuits of a plan."""

    plan: Path = Field(description="Plan folder that the circuits were sold from")
    measured: Path | None = Field(None, description="File of measurements of real devices; default: simulated network")


class OneCircuitRequest(CircuitRequest):
    """Ask for something on one circuit."""

    circuit_id: str = Field(min_length=1, description="Circuit: the identifier of its reservation")
    key: str | None = Field(None, min_length=1, max_length=200, description="Your own name of this act")
    is_by_hand: bool = Field(default=False, description="A technician has done it: write it down, ask no adapter")


class LegRequest(CircuitRequest):
    """Tell that a leg failed or is whole again."""

    leg_id: str = Field(min_length=1, description="Leg, as 'rahdari transit list' shows it")
    key: str = Field(min_length=1, max_length=200, description="Your own name of this event, such as the incident's")


class WorkRequest(CircuitRequest):
    """Announce planned work."""

    covers: str = Field(min_length=1, description="Leg or circuit")
    begin: str = Field(description="Begin, with its zone")
    end: str = Field(description="End, with its zone")
    announced: str | None = Field(None, description="When buyers were told; default: now")
    key: str = Field(min_length=1, max_length=200, description="Your own name of this work")


class BookRequest(BooksRequest):
    """Book a month of one circuit."""

    circuit_id: str = Field(min_length=1, description="Circuit")
    month: str = Field(description="Month, such as 2026-08")
    pkr_per_usd: str = Field(description="Rupees for one dollar, as decimal text")
    rate_date: str = Field(description="Day on which the rate held")
    rate_source: str = Field(min_length=1, description="Who stated the rate")


class ReportRequest(BooksRequest):
    """Report service by month."""

    month: str = Field(description="Month, such as 2026-08")


class CircuitRow(Params):
    """One circuit as it stands."""

    circuit_id: str
    buyer: str
    service_class: str
    classification: str
    gbps: float
    state: str
    on_way: str
    legs: list[str]
    wavelengths: dict[str, list[int]]
    is_settled: bool
    in_service_utc: str | None
    ceased_utc: str | None
    outages: list[dict[str, Any]]


class CircuitsResponse(Params):
    """Circuits that an act touched or that were asked for."""

    circuits: list[CircuitRow]


class MeasureResponse(Params):
    """A measurement beside its promise."""

    circuit_id: str
    at_utc: str
    rtt_ms: float | None
    promised_rtt_ms: float
    loss_frac: float
    measured_gbps: float
    sold_gbps: float
    is_kept: bool


class BookResponse(Params):
    """Postings of a month, in dollars and rupees as exact text, and balances of all accounts."""

    postings: list[dict[str, Any]]
    balances: dict[str, dict[str, str]]


class SlaResponse(Params):
    """Service of a month by circuit."""

    month: str
    rows: list[dict[str, Any]]


def _now_s() -> int:
    return int(dt.datetime.now(dt.UTC).timestamp())


def _at_s(request: BooksRequest) -> int:
    return _now_s() if request.at is None else seconds_of(request.at)


@contextlib.contextmanager
def _books(folder: Path) -> Iterator[CircuitLedger]:
    if not folder.is_dir():
        cure = "reserve something with 'rahdari transit reserve', or give its folder with --ledger"
        raise InputError(Problem("there is no ledger here", cure, str(folder)))
    with CircuitLedger(folder) as ledger:
        yield ledger


@contextlib.contextmanager
def _desk(request: CircuitRequest, clearance: Clearance) -> Iterator[Circuits]:
    """Open ledger and network with the legs of the plan that are in service."""
    sold = Desk(PlanReader(request.plan, clearance))
    legs = {
        row["leg_id"]: LegSpec(
            row["leg_id"], row["from_hub"], row["to_hub"], float(row["fibre_km"]), int(row["n_wavelengths"]),
            float(row["wavelength_gbps"]),
        )
        for row in sold.net.row
        if row["from_year"] <= sold.year
    }  # fmt: skip
    with _books(request.ledger) as ledger:
        if request.measured is not None:
            yield Circuits(ledger, ReadOnlyNetwork(request.measured), legs)
            return
        with SimulatedNetwork(request.ledger, legs) as network:
            yield Circuits(ledger, network, legs)


def _row(ledger: CircuitLedger, circuit: Circuit) -> CircuitRow:
    outages = [
        {
            "cause": each.cause,
            "began_utc": utc_text(each.began_s),
            "ended_utc": None if each.ended_s is None else utc_text(each.ended_s),
        }
        for each in ledger.outages(circuit.circuit_id)
    ]
    starts, ends = (None if at is None else utc_text(at) for at in (circuit.in_service_s, circuit.ceased_s))
    slots = {leg: list(numbers) for way in circuit.ways for leg, numbers in way.slots.items()}
    return CircuitRow(
        circuit_id=circuit.circuit_id, buyer=circuit.buyer, service_class=circuit.service_class,
        classification=circuit.classification, gbps=circuit.gbps, state=circuit.state, on_way=circuit.on_way,
        legs=list(circuit.way.legs), wavelengths=slots, is_settled=circuit.asked_s is None, in_service_utc=starts,
        ceased_utc=ends, outages=outages,
    )  # fmt: skip


def _response(ledger: CircuitLedger, found: Sequence[Circuit]) -> CircuitsResponse:
    return CircuitsResponse(circuits=[_row(ledger, each) for each in found])


def _act(
    request: OneCircuitRequest, clearance: Clearance, act: Callable[[Circuits, str, int, str], Circuit], what: str
) -> CircuitsResponse:
    """Do something to one circuit; where a technician has done it, the adapter is not asked."""
    at_s = _at_s(request)
    with _desk(request, clearance) as desk:
        if request.circuit_id not in {each.reservation_id for each in desk.ledger.reservations(clearance=clearance)}:
            what_is_not, cure = f"there is no reservation '{request.circuit_id}'", "see 'rahdari transit list'"
            raise InputError(Problem(what_is_not, cure, str(request.ledger)))
        try:
            circuit = act(desk, request.circuit_id, at_s, request.key or f"{what}|{request.circuit_id}|{at_s}")
        except InputError:
            if not request.is_by_hand or request.circuit_id not in {each.circuit_id for each in desk.ledger.circuits()}:
                raise
            circuit = desk.confirm(request.circuit_id, at_s)
        return _response(desk.ledger, [circuit])


def activate(request: OneCircuitRequest, clearance: Clearance = OWNER) -> CircuitsResponse:
    """Bring a reservation into service; doing it again changes nothing."""
    return _act(request, clearance, lambda desk, name, at_s, _key: desk.activate(name, at_s), "activate")


def revert(request: OneCircuitRequest, clearance: Clearance = OWNER) -> CircuitsResponse:
    """Bring a circuit back to the way it was sold with."""
    return _act(request, clearance, lambda desk, name, at_s, key: desk.revert(name, at_s, key), "revert")


def cease(request: OneCircuitRequest, clearance: Clearance = OWNER) -> CircuitsResponse:
    """End a circuit and give its wavelengths back."""
    return _act(request, clearance, lambda desk, name, at_s, key: desk.cease(name, at_s, key), "cease")


def measure(request: OneCircuitRequest, clearance: Clearance = OWNER) -> MeasureResponse:
    """Measure delay, loss and rate of a circuit beside what was promised."""
    with _desk(request, clearance) as desk:
        circuit = desk.ledger.circuit(request.circuit_id, clearance)
        made: Measurement = desk.measure(request.circuit_id, _at_s(request))
    allowed_ms = circuit.promised_rtt_ms + desk.contract(circuit.service_class).rtt_allowance_ms
    return MeasureResponse(
        circuit_id=circuit.circuit_id, at_utc=utc_text(made.at_s), rtt_ms=made.measured.rtt_ms,
        promised_rtt_ms=allowed_ms, loss_frac=made.measured.loss_frac, measured_gbps=made.measured.gbps,
        sold_gbps=circuit.gbps, is_kept=made.is_kept,
    )  # fmt: skip


def fail(request: LegRequest, clearance: Clearance = OWNER) -> CircuitsResponse:
    """Tell that a leg failed; what ran on it is moved.  On the simulated network the leg is cut too."""
    with _desk(request, clearance) as desk:
        if isinstance(desk.network, SimulatedNetwork):
            desk.network.set_condition(request.leg_id, is_cut=True)
        return _response(desk.ledger, _seen(desk.leg_failed(request.leg_id, _at_s(request), request.key), clearance))


def repair(request: LegRequest, clearance: Clearance = OWNER) -> CircuitsResponse:
    """Tell that a leg is whole again; circuits that wait for it come up."""
    with _desk(request, clearance) as desk:
        if isinstance(desk.network, SimulatedNetwork):
            desk.network.set_condition(request.leg_id)
        return _response(desk.ledger, _seen(desk.leg_repaired(request.leg_id, _at_s(request), request.key), clearance))


def _seen(found: Sequence[Circuit], clearance: Clearance) -> list[Circuit]:
    allowed = None if clearance.is_full else clearance.allows()
    return [each for each in found if allowed is None or each.classification in allowed]


def plan_work(request: WorkRequest, clearance: Clearance = OWNER) -> CircuitsResponse:
    """Announce planned work on a leg or a circuit; it is excused where it was announced in time."""
    announced_s = _at_s(request) if request.announced is None else seconds_of(request.announced)
    window = Window(request.covers, seconds_of(request.begin), seconds_of(request.end), announced_s)
    with _desk(request, clearance) as desk:
        circuits = _seen(desk.ledger.circuits(), clearance)
        struck = [each for each in circuits if request.covers in (each.circuit_id, *each.way.legs)]
        known = request.covers in desk.legs or any(each.circuit_id == request.covers for each in circuits)
        if not known:
            raise InputError(Problem(f"there is no leg or circuit '{request.covers}'", "see 'rahdari circuit list'"))
        own = {each.circuit_id: each.classification for each in circuits}
        desk.plan_work(window, request.key, own.get(request.covers, "internal"))
        return _response(desk.ledger, struck)


def resume(request: CircuitRequest, clearance: Clearance = OWNER) -> CircuitsResponse:
    """Finish what a stopped process left asked for."""
    with _desk(request, clearance) as desk:
        waiting = [each.circuit_id for each in desk.ledger.circuits() if each.asked_s is not None]
        desk.resume(_at_s(request))
        return _response(desk.ledger, _seen([desk.ledger.circuit(each) for each in waiting], clearance))


def list_circuits(request: BooksRequest, clearance: Clearance = OWNER) -> CircuitsResponse:
    """Return all circuits that may be seen."""
    with _books(request.ledger) as ledger:
        return _response(ledger, ledger.circuits(clearance=clearance))


def book(request: BookRequest, clearance: Clearance = OWNER) -> BookResponse:
    """Book charge and credit of a month that is over; again, only what has changed is booked."""
    rate = Rate(request.pkr_per_usd, request.rate_date, request.rate_source)
    with _books(request.ledger) as ledger:
        ledger.circuit(request.circuit_id, clearance)
        postings = book_month(ledger, request.circuit_id, request.month, rate, _at_s(request))
        accounts = balances(ledger, clearance)
    return BookResponse(
        postings=[_posting(each) for each in postings],
        balances={
            name: {"usd": money_text(cents), "pkr": money_text(rupees)} for name, (cents, rupees) in accounts.items()
        },
    )


def _posting(each: Posting) -> dict[str, Any]:
    return {
        "posting_key": each.posting_key, "circuit_id": each.circuit_id, "month": each.month, "what": each.what,
        "debit": each.debit, "credit": each.credit, "usd": money_text(each.usd_cents),
        "pkr": money_text(each.pkr_paisa), "pkr_per_usd": each.pkr_per_usd, "rate_date": each.rate_date,
        "rate_source": each.rate_source, "booked_utc": utc_text(each.booked_s), "classification": each.classification,
    }  # fmt: skip


def report(request: ReportRequest, clearance: Clearance = OWNER) -> SlaResponse:
    """Return service of a month by circuit: availability, seconds, credits."""
    with _books(request.ledger) as ledger:
        return SlaResponse(month=request.month, rows=sla_report(ledger, request.month, _at_s(request), clearance))
