"""One story of two circuits from activation to booking, told from the start each time; run as a program it dies."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rahdari.operate.adapters import SimulatedNetwork
from rahdari.operate.billing import Rate, book_month
from rahdari.operate.circuit_ledger import CircuitLedger
from rahdari.operate.circuits import Circuits
from rahdari.operate.sla import Window, month_bounds
from tests.operate.circuit_world import AUGUST_S, legs, order

if TYPE_CHECKING:
    from collections.abc import Callable

RATE = Rate("281.425", "2025-09-24", "State Bank of Pakistan")


def tell(folder: Path, at_step: Callable[[str], None]) -> None:
    """Sell, activate, measure, cut, repair, bring back, end and book; every act bears its key and time."""
    with SimulatedNetwork(folder, legs(), at_step=at_step) as network, CircuitLedger(folder, at_step=at_step) as ledger:
        plain = ledger.reserve(order("a"))
        secure = ledger.reserve(
            order("s", ("ab bd", "ac cd"), n=1, level="restricted", service_class="government_secure")
        )
        desk, t = Circuits(ledger, network, legs()), AUGUST_S
        for each in (plain, secure):
            desk.activate(each.reservation_id, t)
        desk.plan_work(Window("bd", t + 5000, t + 9000, t - 10**7), "work")
        desk.measure(plain.reservation_id, t + 900)
        network.set_condition("ab", is_cut=True)
        desk.leg_failed("ab", t + 1000, "f1")
        network.set_condition("ab")
        desk.leg_repaired("ab", t + 4000, "r1")
        desk.revert(plain.reservation_id, t + 4500, "b1")
        desk.leg_failed("bd", t + 5000, "f2")
        for number, leg in enumerate(("ac", "ed", "bc")):
            desk.leg_failed(leg, t + 6000 + number, f"g{leg}")
        desk.leg_repaired("bd", t + 90000, "r2")
        desk.measure(secure.reservation_id, t + 95000)
        desk.cease(plain.reservation_id, t + 10**6, "end")
        for each in (plain, secure):
            book_month(ledger, each.reservation_id, "2026-08", RATE, month_bounds("2026-08")[1])


def main() -> None:
    """Tell the story in a folder and kill the process at a step given by number."""
    left = [int(sys.argv[2])]

    def stop(_step: str) -> None:
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    tell(Path(sys.argv[1]), stop)


if __name__ == "__main__":
    main()
