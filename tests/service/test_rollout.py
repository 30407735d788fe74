"""The calendar of a plan told in short, and what a shock does to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rahdari.errors import InputError
from rahdari.faces.cli.rollout import change
from rahdari.methods.schedule_verify import verify_schedule
from rahdari.service.rollout import ScheduleRequest, ShockRequest, schedule_answer, shock_answer, standing
from rahdari.store.query import PlanReader

if TYPE_CHECKING:
    from rahdari.service.plan_view import Plan


def test_the_calendar_kept_in_the_plan_passes_the_independent_check(small_plan: Plan) -> None:
    found = standing(PlanReader(small_plan.folder))
    made = found.schedule
    assert verify_schedule(made.packages, made.crews, made.budget, made).violations == ()


def test_the_answer_keeps_its_bounds_and_the_sums_of_the_plan(small_plan: Plan) -> None:
    response = schedule_answer(ScheduleRequest(plan=small_plan.folder))
    assert response.soonest_ends_on <= response.ends_on
    assert response.by_due_frac <= response.most_by_due_frac <= 1.0
    assert 0.0 < response.bound_people_months <= response.people_months
    assert sum(kind.cost_usd for kind in response.kinds) == pytest.approx(
        float(small_plan.tables["work_packages"]["cost_usd"].sum())
    )
    shares = [row["share_frac"] for row in response.binds]
    assert sum(shares) == pytest.approx(1.0)
    assert shares == sorted(shares, reverse=True)


def test_a_loss_of_crews_keeps_what_had_started_and_serves_no_one_sooner(small_plan: Plan) -> None:
    asked = ShockRequest(plan=small_plan.folder, from_month="2026-07", crews_change_frac={"all": -0.5})
    response = shock_answer(asked)
    started = small_plan.tables["calendar"].filter(small_plan.tables["calendar"]["start_months"] < 15)
    assert response.n_committed == started.height
    assert response.n_moved > 0
    assert response.people_months_lost > 0.0
    assert response.after.ends_on > response.before.ends_on


def test_a_flooded_district_waits_and_is_named(small_plan: Plan) -> None:
    late = small_plan.tables["rollout_districts"].sort("end_months", descending=True)["district_id"][0]
    name = small_plan.tables["districts"].filter(small_plan.tables["districts"]["district_id"] == late)["name"][0]
    response = shock_answer(
        ShockRequest(plan=small_plan.folder, from_month="2026-01", flood_months={name: 24}, n_first=50)
    )
    assert response.told == [f"{name} shut for 24 months"]
    hit = {row["district"]: row["people_months_lost"] for row in response.worst}
    assert hit[late] > 0.0


def test_an_embargo_holds_back_the_packages_of_its_vendor(small_plan: Plan) -> None:
    response = shock_answer(ShockRequest(plan=small_plan.folder, from_month="2025-06", embargo_months={"vendor-A": 30}))
    assert response.people_months_lost > 0.0


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({}, "nothing changes"),
        ({"budget_change_frac": -0.3}, "no limit of money"),
        ({"crews_change_frac": {"foo": -0.1}}, "does not exist: foo"),
        ({"crews_change_frac": {"rig": 0.1}}, "give a loss"),
        ({"flood_months": {"nowhere": 2}}, "no district 'nowhere'"),
        ({"embargo_months": {"vendor-Z": 2}}, "a vendor that does not exist"),
        ({"crews_change_frac": {"rig": -0.1}, "from_month": "July"}, "is no month"),
        ({"crews_change_frac": {"rig": -0.1}, "from_month": "2019-01"}, "outside the calendar"),
        ({"diesel_change_frac": 0.5}, "no price of diesel"),
    ],
)
def test_a_wrong_shock_is_told_with_its_cure(small_plan: Plan, asked: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        shock_answer(ShockRequest.model_validate({"plan": small_plan.folder, **asked}))


def test_a_change_that_is_no_number_is_refused() -> None:
    with pytest.raises(InputError, match="is no change"):
        change("less")
