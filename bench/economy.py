"""1,000 draws of the whole economy (160 districts, 20 years, 8 kinds of cost) against a plain loop over draws.

Costs, buyers, taxes by district and country, the least subsidy of each district, people, traffic and rank.  The loop is
plain Python that our tests check us against; it runs a few districts of one draw here and is scaled to all of both.  It
leaves out people, traffic and rank.  The target is 10 s.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from rahdari.methods.economy_draws import DRAWN, economy_of
from rahdari.methods.tornado import drawn, spread, tornado
from tests.helpers.economy_case import KINDS, RANGES, country
from tests.verifiers.economy import buyers_of_lot, costs_of_lot, least_grant_frac, operator_value_usd

N_LOTS, N_YEARS, N_DRAWS, N_LOOPED = 160, 20, 1_000, 4
TARGET_S = 10.0


def main() -> None:
    """Print a line for the draws and one for the tornado."""
    case = country(N_LOTS, N_YEARS)
    values = drawn(RANGES, N_DRAWS, np.random.Generator(np.random.Philox(1)))
    start, worked = time.perf_counter(), time.process_time()
    found = economy_of(case, values)
    ours_s, worked_s = time.perf_counter() - start, time.process_time() - worked
    one = {name: float(values[name][0]) if name in values else case.middle(name) for name in DRAWN}
    start = time.process_time()
    for lot in range(N_LOOPED):
        costs, buyers = costs_of_lot(case, one, lot), buyers_of_lot(case, one, lot)
        worth = operator_value_usd(case, one, costs, buyers, 0.0)
        least_grant_frac(case, one, costs, buyers)
        assert abs(worth - found.npv_of_lot_usd[0, lot]) <= 1e-9 * abs(worth)
    loop_s = (time.process_time() - start) * N_LOTS / N_LOOPED * N_DRAWS
    worth_usd = spread(found.npv_usd)
    print(json.dumps({
        "bench": "economy", "what": f"{N_DRAWS:,} draws, {N_LOTS} districts, {N_YEARS} years, {len(KINDS)} kinds",
        "ours_s": round(ours_s, 2), "ours_processor_s": round(worked_s, 2), "loop_processor_s": round(loop_s),
        "loop_is": f"{N_LOOPED} districts of one draw, scaled", "ratio": round(loop_s / worked_s),
        "asked_s": TARGET_S, "is_within_target": ours_s <= TARGET_S,
        "npv_p10_p50_p90_usd_bn": [round(x / 1e9, 2) for x in (worth_usd.p10, worth_usd.p50, worth_usd.p90)],
    }))  # fmt: skip
    start = time.perf_counter()
    table = tornado(lambda drawn_values: economy_of(case, drawn_values).npv_usd, RANGES)
    print(json.dumps({
        "bench": "economy", "what": f"tornado of {len(RANGES)} ranges", "ours_s": round(time.perf_counter() - start, 2),
        "widest": table["name"].head(3).to_list(),
    }))  # fmt: skip


if __name__ == "__main__":
    main()
