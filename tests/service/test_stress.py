"""Stress of a finished plan through its operations."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from rahdari import stress
from rahdari.errors import CancelledError, InputError
from rahdari.faces.cli.main import app
from rahdari.service.stress import EventRequest, RemoveRequest, RunsRequest, many_runs, remove_vendor, replay_event

if TYPE_CHECKING:
    from pathlib import Path

    from rahdari.service.plan_view import Plan

N_RUNS = 2048


def test_a_stopped_run_resumes_from_its_blocks_and_ends_in_the_same_figures(small_plan: Plan, tmp_path: Path) -> None:
    asked = RunsRequest(plan=small_plan.folder, n_runs=N_RUNS, n_workers=1, cache_dir=tmp_path)
    with pytest.raises(CancelledError):
        many_runs(asked, cancel=lambda: True)
    resumed = many_runs(asked)
    whole = many_runs(RunsRequest(plan=small_plan.folder, n_runs=N_RUNS, n_workers=2))
    assert resumed.n_blocks_from_cache > 0
    assert resumed.services == whole.services


def test_a_damaged_block_is_run_again(small_plan: Plan, tmp_path: Path) -> None:
    asked = RunsRequest(plan=small_plan.folder, n_runs=128, n_workers=1, cache_dir=tmp_path)
    first = many_runs(asked)
    for path in tmp_path.rglob("*.npz"):
        path.write_bytes(path.read_bytes()[:100])
    again = many_runs(asked)
    assert again.n_blocks_from_cache == 0
    assert again.services == first.services


def test_runs_tell_the_revenue_lost_with_its_range(small_plan: Plan) -> None:
    told = many_runs(RunsRequest(plan=small_plan.folder, n_runs=N_RUNS, n_workers=1)).services[0]
    names = ("revenue_lost_low_usd_per_year", "revenue_lost_usd_per_year", "revenue_lost_high_usd_per_year")
    low, middle, high = (told[name] for name in names)
    assert 0.0 <= low <= 0.5 * middle
    assert 0.0 < 2.0 * middle <= high
    # A person and hour is worth the same at every end; what the ends multiply differs.
    hours = [told[name] for name in ("customers_lost_h_per_year", "high_h_per_year")]
    assert high / hours[1] == pytest.approx(2.0 * middle / hours[0])


def test_more_sites_of_a_vendor_take_more_people_with_them(small_plan: Plan) -> None:
    some, most = (
        remove_vendor(RemoveRequest(plan=small_plan.folder, vendor="A", shares=shares))
        for shares in ((0.2, 0.4, 0.4), (0.9, 0.05, 0.05))
    )
    assert some.sites_out < most.sites_out
    assert some.people_without <= most.people_without
    assert some.concentration_ratio == pytest.approx(0.36)


def test_shares_below_zero_are_refused(small_plan: Plan) -> None:
    with pytest.raises(InputError, match="shares"):
        remove_vendor(RemoveRequest(plan=small_plan.folder, vendor="A", shares=(-0.1, 0.6, 0.5)))


def test_an_unknown_event_is_refused(small_plan: Plan) -> None:
    with pytest.raises(InputError, match="no event"):
        replay_event(EventRequest(plan=small_plan.folder, event="no-such-event"))


def test_the_command_answers_in_json_and_wants_one_thing_at_a_time(small_plan: Plan) -> None:
    runner = CliRunner()
    folder = str(small_plan.folder)
    one = runner.invoke(app, ["stress", "--remove", "B", "--plan", folder, "--json"])
    both = runner.invoke(app, ["stress", "--remove", "B", "--runs", "64", "--plan", folder, "--json"])
    assert json.loads(one.stdout)["result"]["vendor"] == "B"
    assert both.exit_code != 0
    assert not json.loads(both.stdout)["ok"]


def test_python_runs_a_plan_with_its_own_hazards_or_with_those_given(small_plan: Plan) -> None:
    own = stress.run(small_plan, n_runs=128)
    calm = stress.run(small_plan.folder, [], 128)
    assert own.customer_h_per_year[0, 0] > 0.0
    assert calm.customer_h_per_year[0, 0] == 0.0


def test_a_network_needs_hazards_and_an_event_of_its_own(small_plan: Plan) -> None:
    network, _, _ = stress.network_of(small_plan)
    with pytest.raises(InputError, match="without hazards"):
        stress.run(network)
    with pytest.raises(InputError, match="do not fit"):
        stress.replay(network, "blackout-2023")
