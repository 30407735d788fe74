"""Months of circuits as money: what is charged, what is given back, booked in dollars and rupees at a stated rate.

Postings of a month: the charge (the buyer owes, revenue grows) and the credit (credits given grow, the buyer owes
less).  A month can be booked once it is over; booking it again books the difference that late outages make, if any.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rahdari.errors import InputError, Problem
from rahdari.operate.circuit_ledger import Circuit, CircuitLedger, Posting
from rahdari.operate.sla import (
    Contract,
    Count,
    charge_cents,
    contract_of,
    count_month,
    credit_cents,
    month_bounds,
    paisa,
)
from rahdari.store.query import OWNER, Clearance

if TYPE_CHECKING:
    from collections.abc import Callable

    from rahdari.operate.sla import Interval

REVENUE, CREDITS, RECEIVABLE = "revenue:transit", "credits given:transit", "receivable"
FAR_S = 2**62  # the end of a service that goes on


@dataclass(frozen=True, slots=True)
class Rate:
    """Rupees for one dollar as decimal text, the day the rate held, and who stated it."""

    pkr_per_usd: str
    date: str
    source: str

    def __post_init__(self) -> None:
        """Refuse a rate or a day that is none; :class:`InputError`."""
        paisa(1, self.pkr_per_usd)
        try:
            dt.date.fromisoformat(self.date)
        except ValueError as error:
            raise InputError(Problem(f"'{self.date}' is no day", "give one such as 2026-08-31")) from error
        if not self.source.strip():
            raise InputError(Problem("the rate has no source", "say who stated it"))


@dataclass(frozen=True, slots=True)
class Month:
    """One month of a circuit: its seconds, its charge and its credit in cents."""

    circuit: Circuit
    contract: Contract
    count: Count
    charge_cents: int
    credit_cents: int


def degraded_spans(ledger: CircuitLedger, circuit_id: str, end_s: int) -> list[Interval]:
    """Return the time from each measurement that broke the promise to the next that kept it, or to ``end_s``."""
    spans, since = [], None
    for made in ledger.measurements(circuit_id):
        if not made.is_kept and since is None:
            since = made.at_s
        elif made.is_kept and since is not None:
            spans.append((since, made.at_s))
            since = None
    return [*spans, (since, max(since, end_s))] if since is not None else spans


def month_of(
    ledger: CircuitLedger, circuit: Circuit, month: str, contract: Callable[[str], Contract] = contract_of
) -> Month:
    """Return one month of a circuit as the ledger's records have it; nothing before its activation."""
    terms = contract(circuit.service_class)
    _, end_s = month_bounds(month)
    begin_s = FAR_S if circuit.in_service_s is None else circuit.in_service_s
    count = count_month(
        month,
        (begin_s, FAR_S if circuit.ceased_s is None else circuit.ceased_s),
        ledger.outages(circuit.circuit_id),
        ledger.windows(),
        terms,
        circuit_id=circuit.circuit_id,
        degraded=degraded_spans(ledger, circuit.circuit_id, end_s),
    )
    charge = charge_cents(circuit.price_cents, count)
    return Month(circuit, terms, count, charge, credit_cents(terms, charge, count))


def book_month(  # noqa: PLR0917  # ledger, circuit, month, rate, moment, terms
    ledger: CircuitLedger, circuit_id: str, month: str, rate: Rate, now_s: int,
    contract: Callable[[str], Contract] = contract_of,
) -> list[Posting]:  # fmt: skip
    """Book a month of a circuit; return all its postings.  What is booked stands; only differences are added.

    :class:`InputError` where the month is not over, or the circuit was not yet in service in it.
    """
    if now_s < month_bounds(month)[1]:
        raise InputError(Problem(f"{month} is not over", "book it once it is"))
    with ledger.changing():
        circuit = ledger.circuit(circuit_id)
        made = month_of(ledger, circuit, month, contract)
        if not made.count.service_s:
            raise InputError(Problem(f"{circuit_id} was not in service in {month}", "book a month in which it was"))
        booked = [each for each in ledger.postings(circuit_id=circuit_id) if each.month == month]
        buyer = f"{RECEIVABLE}:{circuit.buyer}"
        for what, debit, credit, cents in (
            ("charge", buyer, REVENUE, made.charge_cents),
            ("credit", CREDITS, buyer, made.credit_cents),
        ):
            standing = sum(each.usd_cents if each.debit == debit else -each.usd_cents for each in booked
                           if each.what == what)  # fmt: skip
            owed = cents - standing
            if owed:
                ends = (debit, credit) if owed > 0 else (credit, debit)
                number = sum(each.what == what for each in booked) + 1
                rupees = max(1, paisa(abs(owed), rate.pkr_per_usd))
                ledger.post(
                    Posting(f"{circuit_id}|{month}|{what}|{number}", circuit_id, month, what, *ends, abs(owed), rupees,
                            rate.pkr_per_usd, rate.date, rate.source, now_s, circuit.classification)
                )  # fmt: skip
    return [each for each in ledger.postings(circuit_id=circuit_id) if each.month == month]


def balances(ledger: CircuitLedger, clearance: Clearance = OWNER) -> dict[str, tuple[int, int]]:
    """Return debits less credits of every account, in cents and in paisa; over all accounts both sum to nothing.

    Below full clearance only the postings that may be seen count, so that a sum tells nothing of the others.
    """
    found: dict[str, tuple[int, int]] = {}
    for each in ledger.postings(clearance):
        for account, sign in ((each.debit, 1), (each.credit, -1)):
            cents, rupees = found.get(account, (0, 0))
            found[account] = (cents + sign * each.usd_cents, rupees + sign * each.pkr_paisa)
    return dict(sorted(found.items()))
