"""Time roll-out calendars: 2,000 and 20,000 packages with three crew pools, the national envelope, PSPLIB's J30.

The instance of 2,000 is that of the research page on roll-out (random durations, demands, values and links from one
seed); there CP-SAT 9.15 with two workers reached 1,734,238 in 30 s without a hint and 1,588,021 with one: published
figures, not measured here.  The naive rule (packages by value for work, one list) is measured in the same run.
Values are the sum of value x start, as there; less is better.  Seconds are those of one processor: one thread works,
and other work on the machine does not count.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np

from rahdari.methods.schedule_search import generated
from rahdari.rollout import (
    Budget,
    Calendar,
    Crews,
    Packages,
    Schedule,
    Shock,
    envelope,
    read_psplib,
    replan,
    schedule,
    verify_schedule,
)

PUBLISHED_CP_SAT_30_S, PUBLISHED_CP_SAT_HINTED_30_S = 1_734_238, 1_588_021
HORIZON, LINKED, N_PUBLISHED = 240, 0.3, 2_000
TARGET_S = {N_PUBLISHED: 3.0, 20_000: 10.0}
TARGET_NATION_S, TARGET_J30_S, TARGET_OVER = 5.0, 1.0, 0.02
DISTRICTS, KINDS, POOLS, MONTHS = 160, 6, 4, 60


def trial(n: int) -> tuple[Packages, Crews, Budget, Calendar]:
    """Return the trial as a roll-out; a package starts a month or more after the start of the one before it."""
    draw = np.random.default_rng(5)
    duration, demand, value = draw.integers(1, 7, n), draw.integers(1, 6, (n, 3)), draw.integers(1, 20, n)
    links = [(int(draw.integers(max(0, i - 50), i)), i) for i in range(1, n) if draw.random() < LINKED]
    ids = [f"p{i:05d}" for i in range(n)]
    packages = Packages.of(
        ids, duration, demand, people=value, predecessors=[(ids[b], ids[a], float(1 - duration[b])) for b, a in links]
    )
    crews = Crews.of(["a", "b", "c"], float(max(6, n // 20)))
    return packages, crews, Budget.unlimited(), Calendar(date(2025, 1, 1), HORIZON)


def started(packages: Packages, starts: np.ndarray) -> int:
    """Return the sum of value x start; what is undone counts from the horizon."""
    return int((packages.people * np.where(starts >= 0, starts, HORIZON)).sum())


def naive_value(plan: Schedule) -> tuple[int, float]:
    """Return the value of one list by value for work, and its seconds."""
    case = plan.case()
    rank = case.value / (case.duration * case.demand.max(axis=1))
    begin = time.process_time()
    starts = generated(case, rank)[3]
    return started(plan.packages, starts), time.process_time() - begin


def national() -> tuple[Packages, Crews, Budget, Calendar]:
    """Return 160 districts x 6 kinds of work with four pools that grow by 3 % a month, and five yearly budgets."""
    draw = np.random.default_rng(0)
    of_class = np.repeat(np.arange(DISTRICTS * KINDS), np.ceil(draw.lognormal(2.5, 1.0, DISTRICTS * KINDS)).astype(int))
    n = of_class.size
    duration, cost, value = draw.integers(1, 4, of_class[-1] + 1), *draw.uniform(0.5, 2.0, (2, of_class[-1] + 1))
    demand = draw.uniform(0.2, 1.0, (of_class[-1] + 1, POOLS))[of_class]
    duration, cost, value = duration[of_class], cost[of_class], 100.0 * value[of_class]
    packages = Packages.of(
        [f"p{i:05d}" for i in range(n)], duration, demand, people=value, cost_usd=cost,
        district=[f"d{c // KINDS:03d}" for c in of_class], kind=[f"k{c % KINDS}" for c in of_class],
    )  # fmt: skip
    start = 0.4 * (demand * duration[:, None]).sum(axis=0) / MONTHS
    crews = Crews.of(["dig", "splice", "climb", "test"], start, hire_per_month=0.04 * start, attrition_frac=0.01)
    budget = Budget.of(2025, np.full(5, cost.sum() / 6.0), carry_frac=0.0)
    return packages, crews, budget, Calendar(date(2025, 1, 1), MONTHS)


def projects() -> dict[str, object]:
    """Return how far J30's makespans lie above their optima, and the slowest time."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests.oracles.psplib_j30 import J30

    over, naive, seconds = [], [], []
    for case in J30:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "case.sm"
            file.write_text(case.text())
            project = read_psplib(file)
        parts = (project.packages, project.crews, project.budget, project.calendar)
        begin = time.process_time()
        plan = schedule(*parts, "makespan")
        seconds.append(time.process_time() - begin)
        assert verify_schedule(*parts[:3], plan).is_sound
        starts = generated(plan.case(), np.arange(0.0, -float(project.packages.n), -1.0))[3]
        naive.append(float((starts + project.packages.duration_months).max()) / case.optimum - 1.0)
        over.append(plan.value / case.optimum - 1.0)
    mean, by_number = float(np.mean(over)), float(np.mean(naive))
    line = {
        "bench": "schedule",
        "case": "psplib_j30",
        "n_projects": len(J30),
        "ours_over_optimum_pct": round(100 * mean, 2),
    }
    line |= {"naive_over_optimum_pct": round(100 * by_number, 2), "slowest_s": round(max(seconds), 2)}
    return line | {
        "ratio": round(by_number / max(mean, 1e-9), 1),
        "is_within_target": mean <= TARGET_OVER and max(seconds) <= TARGET_J30_S,
    }


def main() -> None:
    """Run all."""
    schedule(*trial(40))  # compiled code is loaded
    for n, target_s in TARGET_S.items():
        parts = trial(n)
        begin = time.process_time()
        plan = schedule(*parts)
        ours_s = time.process_time() - begin
        assert verify_schedule(*parts[:3], plan).is_sound
        ours, (naive, naive_s) = started(parts[0], plan.start_period), naive_value(plan)
        line = {
            "bench": "schedule",
            "case": "packages",
            "n_packages": n,
            "ours_value": ours,
            "ours_s": round(ours_s, 2),
        }
        line |= {"naive_value": naive, "naive_s": round(naive_s, 4), "ratio": round(naive / ours, 4)}
        line |= {"gap_pct": round(100 * plan.gap_frac, 2), "is_within_target": ours_s <= target_s}
        if n == N_PUBLISHED:
            line |= {
                "cp_sat_30_s_value": PUBLISHED_CP_SAT_30_S,
                "cp_sat_hinted_30_s_value": PUBLISHED_CP_SAT_HINTED_30_S,
            }
            line |= {"cp_sat_is": "published", "ratio_to_cp_sat": round(PUBLISHED_CP_SAT_30_S / ours, 3)}
        print(json.dumps(line), flush=True)
        begin = time.process_time()
        after = replan(plan, Shock(24, crews_lost={"a": n / 100}))
        again_s = time.process_time() - begin
        line = {"bench": "schedule", "case": "replan", "n_packages": n, "ours_s": round(again_s, 2)}
        line |= {"from_scratch_s": round(ours_s, 2), "ratio": round(ours_s / again_s, 2)}
        print(json.dumps(line | {"gap_pct": round(100 * after.gap_frac, 2)}), flush=True)
    parts = national()
    begin = time.process_time()
    found = envelope(*parts)
    ours_s = time.process_time() - begin
    line = {"bench": "schedule", "case": "national_envelope", "n_packages": parts[0].n, "n_classes": found.n_classes}
    line |= {
        "n_variables": found.n_variables,
        "ours_s": round(ours_s, 2),
        "is_within_target": ours_s <= TARGET_NATION_S,
    }
    print(json.dumps(line), flush=True)
    print(json.dumps(projects()))


if __name__ == "__main__":
    main()
