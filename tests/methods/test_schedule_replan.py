from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from rahdari.errors import InputError
from rahdari.rollout import (
    Budget,
    Calendar,
    Crews,
    Effort,
    Packages,
    Schedule,
    Shock,
    compare_schedules,
    replan,
    schedule,
    schedule_problems,
    verify_schedule,
)
from tests.helpers.schedules import small_rollout

QUICK = Effort(5_000, 60)
SHOCKS = {
    "budget": Shock(5, budget_frac=0.4),
    "crews": Shock(5, crews_lost={"dig": 1.0}),
    "rate": Shock(5, exchange_rate_frac=1.5),
    "diesel": Shock(5, diesel_rise_per_l=30.0),
    "embargo": Shock(5, embargo={"A": 12}),
    "delay": Shock(5, delays={"cable": 4}),
    "flood": Shock(5, closed=(("d1", 5, 9),)),
    "many": Shock(4, budget_frac=0.7, crews_lost={"splice": 0.5}, embargo={"B": 8}, notice_months=2),
}


@pytest.fixture(scope="module")
def before() -> Schedule:
    return schedule(*small_rollout(16, 20, 1), effort=QUICK)


@pytest.mark.parametrize("name", list(SHOCKS))
def test_after_a_shock_what_has_started_stands_and_every_limit_is_kept(name: str, before: Schedule) -> None:
    shock = SHOCKS[name]
    after = replan(before, shock, effort=QUICK)
    until = shock.month + shock.notice_months
    started = before.is_done & (before.start_period < until)
    assert (after.start_period[started] == before.start_period[started]).all()
    assert (after.committed == started).all()
    assert (after.start_period[~started & after.is_done] >= shock.month).all()
    assert after.costs()[started] == pytest.approx(before.costs()[started])
    check = verify_schedule(after.packages, after.crews, after.budget, after)
    assert check.violations == ()
    assert check.value == pytest.approx(after.value)
    assert after.lower_bound <= after.value


def test_the_people_months_lost_are_the_difference_of_the_values(before: Schedule) -> None:
    after = replan(before, SHOCKS["budget"], effort=QUICK)
    change = compare_schedules(before, after)
    assert change.people_months_lost == pytest.approx(after.value - before.value)
    assert change.table["people_months_lost"].sum() == pytest.approx(change.people_months_lost)
    assert change.n_given_up > 0
    assert change.n_moved == change.table.height
    still = compare_schedules(before, before)
    assert (still.n_moved, still.people_months_lost) == (0, 0.0)


def test_a_harder_cut_cannot_be_proved_to_serve_people_sooner(before: Schedule) -> None:
    bounds = [replan(before, Shock(5, budget_frac=share)).lower_bound for share in (1.0, 0.6, 0.0)]
    assert bounds[0] <= bounds[1] * 1.001 <= bounds[2] * 1.002


def test_unknown_names_in_a_shock_are_told_together(before: Schedule) -> None:
    shock = Shock(99, crews_lost={"bakers": 1.0}, embargo={"Z": 3}, delays={"tin": 1}, budget_frac=-1.0)
    with pytest.raises(InputError) as caught:
        replan(before, shock)
    text = str(caught.value)
    assert all(part in text for part in ("month 99", "bakers", "Z", "tin", "below zero"))
    with pytest.raises(InputError, match="closed district"):
        replan(before, Shock(3, closed=(("nowhere", 1, 2),)))


def test_all_that_is_wrong_with_a_rollout_is_told_at_once_with_the_cycle_named() -> None:
    closed = np.zeros((5, 12), np.bool_)
    closed[3] = True
    closed[4, ::2] = True
    packages = Packages.of(
        ["a", "b", "c", "d", "e"], [1, 1, 1, 1, 2], [[1.0], [1.0], [9.0], [1.0], [1.0]], people=[1, 1, 1, -1, 1],
        cost_usd=50.0, closed_season=closed, materials={"cable": 1.0},
        predecessors=[("a", "b", 0), ("b", "a", 0), ("c", "x", 0), ("c", "d", -3)],
    )  # fmt: skip
    budget = Budget.of(2025, [10.0], local_amount=[5.0], carry_frac=1.0)
    calendar = Calendar(date(2025, 1, 1), 24, closed=(("mars", 0, 1),))
    text = "\n".join(str(each) for each in schedule_problems(packages, Crews.of(["dig"], 2.0), budget, calendar, "fun"))
    for part in (
        "a → b → a", "no crew can do it", "'c'", "the season never opens: 'd'", "split the package", "names a package",
        "lag below zero", "no exchange rate", "a material that never arrives", "mars", "'fun' is unknown", "people",
    ):  # fmt: skip
        assert part in text
    priced = replace(packages, people=np.ones(5), materials={})
    poor = schedule_problems(priced, Crews.of(["dig"], 20.0), Budget.of(2025, [10.0]), Calendar(date(2025, 1, 1), 9))
    assert any("below the cheapest package" in each.what and "50" in each.what for each in poor)
    with pytest.raises(InputError, match="a → b → a"):
        schedule(priced, Crews.of(["dig"], 20.0), Budget.unlimited(), Calendar(date(2025, 1, 1), 9))


def test_missing_exchange_rates_and_shares_outside_zero_and_one_are_refused() -> None:
    packages = Packages.of(["a"], 1, [[1.0]], cost_usd=1.0)
    crews, calendar = Crews.of(["dig"], 2.0, attrition_frac=1.5), Calendar(date(2025, 1, 1), 12)
    budget = Budget.of(2025, [5.0, 5.0], local_per_usd=[280.0], carry_frac=2.0)
    text = "\n".join(str(each) for each in schedule_problems(packages, crews, budget, calendar))
    assert all(part in text for part in ("exchange rate is missing", "carried over", "lost in a month"))
