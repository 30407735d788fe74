from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from rahdari.errors import InputError
from rahdari.methods.schedule_ascent import Prices, bound_at
from rahdari.rollout import (
    Budget,
    Calendar,
    Crews,
    Effort,
    Packages,
    Schedule,
    envelope,
    schedule,
    verify_schedule,
)
from tests.helpers.schedules import brute_force, exact_value, small_rollout, with_starts

QUICK = Effort(3_000, 100)


@pytest.mark.parametrize("seed", range(3))
def test_a_calendar_of_four_packages_is_the_best_of_all_calendars(seed: int) -> None:
    parts = small_rollout(4, 7, seed)
    found = schedule(*parts)
    best = brute_force(parts, found)
    assert found.value == pytest.approx(best)
    assert found.lower_bound <= best * (1.0 + 1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_bounds_and_calendars_of_twelve_packages_enclose_the_exact_optimum(seed: int) -> None:
    parts = small_rollout(12, 14, seed)
    exact, relaxed = exact_value(parts), exact_value(parts, is_relaxed=True)
    found = schedule(*parts)
    assert verify_schedule(*parts[:3], found).violations == ()
    assert found.lower_bound <= exact * (1.0 + 1e-9)
    assert exact <= found.value <= exact * 1.01
    assert found.lower_bound <= relaxed * (1.0 + 1e-6)
    assert found.lower_bound >= 0.9 * relaxed


def test_any_price_whatever_gives_a_bound_below_the_exact_optimum() -> None:
    parts = small_rollout(9, 12, 5)
    case = schedule(*parts, effort=QUICK).case()
    exact = exact_value(parts)
    draw = np.random.Generator(np.random.Philox(3))
    for scale in (0.0, 0.3, 3.0, 30.0):
        sizes = (case.free.shape, case.left.shape, case.stock.shape, case.after.shape)
        prices = Prices(*(scale * draw.random(size) * (1e-3 if size == case.left.shape else 1.0) for size in sizes))
        assert bound_at(case, prices) <= exact * (1.0 + 1e-9)


def test_without_links_the_envelope_reaches_the_linear_relaxation() -> None:
    packages, crews, budget, calendar = small_rollout(10, 12, 1)
    none = np.zeros(0, np.int64)
    free = replace(packages, before=none, after=none, lag_months=np.zeros(0))
    parts = (free, crews, budget, calendar)
    found = envelope(*parts, most_steps=400)
    assert found.bound == pytest.approx(exact_value(parts, is_relaxed=True), rel=0.01)
    assert found.n_classes == 10


def test_the_same_seed_gives_the_same_calendar_whatever_the_order_of_rows() -> None:
    draw = np.random.Generator(np.random.Philox(8))
    ids, duration = [f"p{i:02d}" for i in range(40)], draw.integers(1, 5, 40)
    demand, people = draw.integers(1, 4, (40, 2)), draw.integers(1, 50, 40)
    turn = draw.permutation(40)
    first = Packages.of(ids, duration, demand, people=people)
    second = Packages.of([ids[i] for i in turn], duration[turn], demand[turn], people=people[turn])
    crews, calendar = Crews.of(["a", "b"], [8.0, 8.0]), Calendar(date(2026, 1, 1), 40)
    starts = [
        schedule(
            each, crews, Budget.unlimited(), calendar, random=np.random.Generator(np.random.Philox(4)), effort=QUICK
        ).start_period.tolist()
        for each in (first, second, first)
    ]
    assert starts[0] == starts[1] == starts[2]


def test_hiring_training_attrition_and_loss_move_crews_as_people_count_them() -> None:
    crews = Crews.of(["a"], 100.0, hire_per_month=10.0, training_months=2, attrition_frac=0.1, most_crews=120.0)
    level = crews.available(6).ravel()
    assert level[:3] == pytest.approx([100.0, 90.0, 81.0])
    assert level[3:] == pytest.approx([0.9 * 81.0 + 10.0, 0.9 * 82.9 + 10.0, 0.9 * 84.61 + 10.0])
    lost = replace(crews, losses=(("a", 1, 50.0),)).available(6).ravel()
    assert lost[1] == pytest.approx(40.0)
    assert lost[2] == pytest.approx(36.0)


def test_work_stays_out_of_the_closed_season_and_closed_districts() -> None:
    closed = np.zeros((2, 12), np.bool_)
    closed[:, [0, 1, 11]] = True  # snow from December to February
    packages = Packages.of(["a", "b"], [3, 3], [[1.0], [1.0]], people=[5, 9], closed_season=closed, district=["x", "y"])
    calendar = Calendar(date(2025, 11, 1), 24, closed=(("y", 4, 6),))
    found = schedule(packages, Crews.of(["c"], 1.0), Budget.unlimited(), calendar, effort=QUICK)
    assert found.start_month.tolist() == [4.0, 7.0]
    assert found.table()["starts_on"].to_list() == [date(2026, 3, 1), date(2026, 6, 1)]


def test_money_that_lapses_buys_less_than_money_that_is_carried_over() -> None:
    packages = Packages.of(["a", "b", "c"], 1, np.zeros((3, 1)), people=[3, 2, 1], cost_usd=[6.0, 6.0, 6.0])
    crews, calendar = Crews.of(["c"], 1.0), Calendar(date(2025, 1, 1), 36)
    starts = {
        carry: schedule(packages, crews, Budget.of(2025, [4.0, 8.0, 10.0], carry_frac=carry), calendar, effort=QUICK)
        for carry in (0.0, 0.5, 1.0)
    }
    assert starts[0.0].start_period.tolist() == [12, 24, -1]
    assert starts[0.5].start_period.tolist() == [12, 24, 24]
    assert starts[1.0].start_period.tolist() == [12, 12, 24]


def test_an_exchange_rate_that_falls_puts_imports_off() -> None:
    packages = Packages.of(["a"], 1, np.zeros((1, 1)), people=1, cost_usd=10.0, local_cost=100.0)
    crews, calendar = Crews.of(["c"], 1.0), Calendar(date(2025, 1, 1), 36)

    def start(rates: list[float]) -> float:
        budget = Budget.of(2025, local_amount=[2000.0, 3000.0, 3000.0], local_per_usd=rates, carry_frac=0.0)
        return float(schedule(packages, crews, budget, calendar, effort=QUICK).start_month[0])

    assert start([190.0, 200.0, 200.0]) == 0.0
    assert start([191.0, 200.0, 200.0]) == 12.0
    with pytest.raises(InputError, match="3,000, the cheapest costs 3,100"):
        start([300.0, 300.0, 300.0])


def test_finer_periods_start_within_months() -> None:
    packages = Packages.of(["a", "b"], [0.5, 0.5], [[1.0], [1.0]], people=[2, 1])
    calendar = Calendar(date(2025, 1, 1), 2, periods_per_month=4)
    found = schedule(packages, Crews.of(["c"], 1.0), Budget.unlimited(), calendar, effort=QUICK)
    assert found.start_month.tolist() == [0.0, 0.5]
    assert found.value == pytest.approx(2 * 0.5 + 1 * 1.0)


def test_an_indicator_may_be_the_objective() -> None:
    packages = Packages.of(["a", "b"], 1, [[1.0], [1.0]], people=[2, 1], indicators={"schools": [0.0, 3.0]})
    calendar, crews = Calendar(date(2025, 1, 1), 4), Crews.of(["c"], 1.0)
    first = [
        schedule(packages, crews, Budget.unlimited(), calendar, name, effort=QUICK).start_month.tolist()
        for name in ("people", "schools")
    ]
    assert first == [[0.0, 1.0], [1.0, 0.0]]


def test_the_bound_of_the_shortest_calendar_is_reached_where_one_pool_is_full() -> None:
    packages = Packages.of([f"p{i}" for i in range(6)], 2, np.ones((6, 1)), cost_usd=1.0)
    crews, calendar = Crews.of(["c"], 2.0), Calendar(date(2025, 1, 1), 30)
    found = schedule(packages, crews, Budget.unlimited(), calendar, "makespan", effort=QUICK)
    assert (found.value, found.lower_bound) == (6.0, 6.0)
    paced = schedule(packages, crews, Budget.of(2025, [3.0, 3.0]), calendar, "makespan", effort=QUICK)
    assert (paced.value, paced.lower_bound) == (16.0, 14.0)


@pytest.fixture(scope="module")
def sound() -> tuple[tuple[Packages, Crews, Budget, Calendar], Schedule]:
    parts = small_rollout(12, 14, 0)
    return parts, schedule(*parts, effort=QUICK)


def test_the_check_names_every_limit_that_a_spoilt_calendar_breaks(
    sound: tuple[tuple[Packages, Crews, Budget, Calendar], Schedule],
) -> None:
    parts, plan = sound
    assert verify_schedule(*parts[:3], plan).is_sound
    packages = parts[0]
    at_once = with_starts(plan, [0] * packages.n)
    limits = {fault.limit for fault in verify_schedule(*parts[:3], at_once).violations}
    assert limits >= {"crews", "money", "material", "permit", "precedence"}
    winter = with_starts(plan, [6] * packages.n)
    assert "season" in {fault.limit for fault in verify_schedule(*parts[:3], winter).violations}
    late = with_starts(plan, [13] * packages.n)
    assert "horizon" in {fault.limit for fault in verify_schedule(*parts[:3], late).violations}
    orphan = plan.start_period.copy()
    orphan[packages.before] = -1
    orphan[packages.after] = 13
    names = {fault.limit for fault in verify_schedule(*parts[:3], with_starts(plan, orphan.tolist())).violations}
    assert "precedence (undone)" in names


def test_what_binds_names_the_scarce_pool_and_the_dear_year() -> None:
    n = 30
    packages = Packages.of(
        [f"p{i:02d}" for i in range(n)], 2, np.tile([2.0, 1.0], (n, 1)), people=100, district=["x", "y"] * (n // 2)
    )
    crews, calendar = Crews.of(["splice", "dig"], [4.0, 50.0]), Calendar(date(2025, 1, 1), 48)
    plan = schedule(packages, crews, Budget.unlimited(), calendar)
    causes = plan.binding()
    assert causes.filter(causes["month"] >= 0)["name"].unique().to_list() == ["splice"]
    assert plan.shadow_prices is not None
    early, late = plan.shadow_prices.crew[:6, 0].mean(), plan.shadow_prices.crew[18:24, 0].mean()
    assert early > late > 0.0
    assert plan.shadow_prices.crew[:, 1].max() == pytest.approx(0.0, abs=1e-3 * early)


def test_prices_foretell_no_more_than_what_more_crews_would_bring() -> None:
    packages, crews, budget, calendar = small_rollout(12, 14, 2)
    now = envelope(packages, crews, budget, calendar)
    more = replace(crews, start_crews=crews.start_crews + 0.5)
    level = more.available(14) - crews.available(14)
    foretold = now.bound - float((now.shadow_prices.crew * level).sum())
    # By duality the old prices still prove a bound with more crews: it may not pass the exact optimum there.
    assert foretold <= exact_value((packages, more, budget, calendar)) * (1.0 + 1e-6)


def test_people_served_at_the_end_are_those_of_all_packages_done() -> None:
    parts = small_rollout(12, 14, 3)
    plan = schedule(*parts, effort=QUICK)
    served = plan.served()
    assert served[-1] == pytest.approx(parts[0].people[plan.is_done].sum())
    waiting = float((parts[0].people.sum() - np.concatenate([[0.0], served[:-1]])).sum())
    assert plan.value == pytest.approx(waiting)
