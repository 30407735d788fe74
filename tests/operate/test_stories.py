"""The bundled stories come out exactly as expected."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from rahdari.operate.replay import replay_story

if TYPE_CHECKING:
    from pathlib import Path

IDS = ("S1", "S2", "S3", "S5", "S6")


@pytest.fixture(scope="module")
def stories(shared_folder: Path) -> Path:
    """Return the file of stories."""
    path = shared_folder / "validation" / "operate" / "stories.json"
    if not path.is_file():
        pytest.skip("the stories are absent")
    return path


def expected(path: Path, name: str) -> dict[str, Any]:
    """Return what a story expects."""
    every = json.loads(path.read_text(encoding="utf-8"))["scenarios"]
    found: dict[str, Any] = next(each for each in every if each["id"] == name)["expect"]
    return found


@pytest.mark.shared
@pytest.mark.parametrize("name", IDS)
def test_roots_symptoms_and_customers_are_those_expected(stories: Path, name: str) -> None:
    asked, got = expected(stories, name), replay_story(stories, name)
    assert len(got["incidents"]) == asked["incidents"]
    assert [each["root"] for each in got["incidents"]] == asked["root_causes"]
    assert [seq for each in got["incidents"] for seq in each["symptom_seqs"]] == asked["symptom_alarm_seqs"]
    assert got["cells_without_service"] == asked["cells_without_service"]
    assert got["incidents"][0]["cells_without_service"] == asked["cells_without_service"]
    assert got["incidents"][0]["customers_without_service"] == asked["customers_without_service"]
    for key in ("protection_lost_for", "next_single_failure_that_isolates"):
        if key in asked:
            assert got["incidents"][0][key] == asked[key]


@pytest.mark.shared
def test_a_flapping_link_is_one_row_with_every_raise_counted_and_two_notices_at_most(stories: Path) -> None:
    asked, got = expected(stories, "S5"), replay_story(stories, "S5")
    assert got["alarm_rows"] == asked["alarm_rows"]
    assert got["alarms"][0]["raise_count"] == asked["raise_count"]
    assert got["alarms"][0]["state"] == asked["final_state"]
    assert got["incidents"][0]["is_flapping"] is asked["flapping"]
    assert len(replay_story(stories, "S5", now_s=5000.0)["incidents"][0]["notifications"]) <= asked["notifications_max"]


@pytest.mark.shared
def test_work_that_overruns_is_told_once_and_counts_from_the_end_of_its_window(stories: Path) -> None:
    asked, (got,) = expected(stories, "S6"), replay_story(stories, "S6")["incidents"]
    assert got["notifications_before_window_end"] == asked["notifications_before_t3600"]
    assert got["notifications_after_window_end"] == asked["notifications_after_t3600"]
    assert got["sla_minutes_excluded"] == asked["sla_minutes_excluded"]
    assert got["is_overrun"]
    (early,) = replay_story(stories, "S6", now_s=100.0)["incidents"]
    assert early["in_maintenance"]
    assert early["notifications"] == []


@pytest.mark.shared
def test_the_loss_is_foreseen_when_mains_fail(stories: Path) -> None:
    (got,) = replay_story(stories, "S2", now_s=0.0)["incidents"]
    assert [(step["at_s"], step["n_customers"]) for step in got["forecast"]] == [(14400.0, 27000)]
    assert got["customers_without_service"] == 0
    (late,) = replay_story(stories, "S2")["incidents"]
    assert late["incident_id"] == got["incident_id"]
    assert [step["at_s"] for step in late["prediction"]] == [14400.0]
