"""A small world of legs, orders and random months for the tests of circuits."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rahdari.operate.adapters import LegSpec
from rahdari.operate.circuit_ledger import Circuit, CircuitLedger, Route
from rahdari.operate.sla import CONTRACTS, Outage, Window, month_bounds
from rahdari.store.ledger import Need, Order

if TYPE_CHECKING:
    from collections.abc import Sequence

AUGUST_S = 1_785_542_400  # 2026-08-01T00:00:00Z
BUYER = "Carrier A"
PRICE_USD = 12_345.67
N_WAVELENGTHS = 4


def legs() -> dict[str, LegSpec]:
    """Return two ways from a to d over b and over c, a long third one over e, and a link between b and c."""
    rows = (("ab", 800), ("bd", 1400), ("ac", 900), ("cd", 1500), ("ae", 3000), ("ed", 3000), ("bc", 200))
    return {name: LegSpec(name, name[0], name[1], float(km), N_WAVELENGTHS, 100.0) for name, km in rows}


def order(key: str, ways: Sequence[str] = ("ab bd",), *, n: int = 2, level: str = "public", **given: Any) -> Order:  # noqa: ANN401
    """Return an order for ``n`` wavelengths on ways given as legs by blanks, working first."""
    roles = ("working", "protection")
    routes = [
        {"role": role, "leg_ids": way.split(), "rtt_high_ms": 24.0} for role, way in zip(roles, ways, strict=False)
    ]
    terms = {"routes": routes, "n_wavelengths": n, "price_usd_per_month": PRICE_USD}
    needs = tuple(Need(leg, n, N_WAVELENGTHS) for leg in sorted({leg for way in ways for leg in way.split()}))
    service = given.get("service_class", "standard")
    buyer = given.get("buyer", BUYER)
    return Order(key, buyer, service, level, "A", "D", 100.0 * n, "2026-07-01T00:00:00+00:00", needs, terms, key)


def put_circuit(
    ledger: CircuitLedger,
    key: str,
    *,
    outages: Sequence[Outage] = (),
    classification: str = "public",
    service_class: str = "standard",
    buyer: str = BUYER,
) -> Circuit:
    """Put a circuit in service since July into a ledger, with outages."""
    made = ledger.reserve(order(key, n=1, level=classification, service_class=service_class, buyer=buyer))
    way = Route("working", {"ab": (1,), "bd": (1,)})
    circuit = Circuit(
        made.reservation_id, classification, buyer, service_class, 100.0, 1, 1_234_567, 24.0, "active", (way,),
        "working", None, AUGUST_S - 40 * 86400,
    )  # fmt: skip
    with ledger.changing():
        ledger.put(circuit, "up", AUGUST_S)
        for each in outages:
            ledger.open_outage(circuit, each.cause, each.began_s)
            if each.ended_s is not None:
                ledger.end_outages(circuit.circuit_id, each.ended_s, each.cause)
    return circuit


@dataclass(frozen=True)
class Story:
    """A random month in whole minutes."""

    service_class: str
    service: tuple[int, int]
    outages: list[Outage]
    windows: list[Window]
    degraded: list[tuple[int, int]]

    @classmethod
    def drawn(cls, seed: int) -> Story:
        """Draw outages, planned work and degraded time around August, some of it beyond its ends."""
        draw = random.Random(seed)  # noqa: S311  # a test
        begin, end = month_bounds("2026-08")

        def span(longest_min: int) -> tuple[int, int]:
            at = draw.randrange((begin - 86400) // 60, (end + 86400) // 60) * 60
            return at, at + 60 * draw.randrange(1, longest_min)

        outages = []
        for _ in range(draw.randrange(8)):
            since, until = span(4000)
            outages.append(Outage(draw.choice("abc"), since, None if draw.random() < 0.1 else until))
        windows = []
        for _ in range(draw.randrange(8)):
            since, until = span(6000)
            notice_s = draw.choice((3600, 200 * 3600, 400 * 3600))
            covers = draw.choice("abc") if draw.random() < 0.9 else "c"
            windows.append(Window(covers, since, until, since - notice_s))
        service = (begin - 86400, end + 86400)
        if draw.random() < 0.5:
            service = (begin + 60 * draw.randrange(20000), end - 60 * draw.randrange(20000))
        degraded = [span(3000) for _ in range(draw.randrange(4))]
        return cls(draw.choice(CONTRACTS), service, outages, windows, degraded)
