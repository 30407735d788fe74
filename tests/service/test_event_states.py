"""A named event by the hour for the map, of a plan of the small country."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from rahdari.errors import InputError
from rahdari.service.event_states import EventStates, PlanEvents
from rahdari.store.query import PlanReader

if TYPE_CHECKING:
    from pathlib import Path

WORKS, FAILS = ("supply", "battery", "generator"), ("dark", "damaged", "cut_off")


@pytest.fixture(scope="module")
def folder(event_plan: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shutil.copytree(event_plan, tmp_path_factory.mktemp("events") / "plan")


@pytest.fixture(scope="module")
def dark(folder: Path) -> EventStates:
    return EventStates.unpacked(PlanEvents(PlanReader(folder)).file("dark"))


@pytest.mark.parametrize("event", ["dark", "wet"])
def test_every_hour_has_every_place_and_every_site_in_one_state(folder: Path, event: str) -> None:
    reader = PlanReader(folder)
    made = EventStates.unpacked(PlanEvents(reader).file(event))
    head = made.head
    n_places = reader.table("places").height
    assert made.place_state.shape == (head["n_hours"], n_places)
    assert made.place_state.max() < len(head["states"])
    assert np.array_equal(np.sum(head["places"], axis=1), np.full(head["n_hours"], n_places))
    assert np.array_equal(np.sum(head["sites"], axis=1), np.full(head["n_hours"], head["n_sites"]))
    counted = [np.bincount(hour, minlength=len(head["states"])).tolist() for hour in made.place_state]
    assert counted == head["places"]


def test_people_without_service_are_those_of_the_places_that_fail(folder: Path, dark: EventStates) -> None:
    people = PlanReader(folder).table("places").sort("place_id")["n_people"].to_numpy()
    first = dark.head["states"].index("dark")
    out = (dark.place_state >= first) @ people
    assert out.tolist() == dark.head["without_people"]
    assert dark.head["n_people"] == people.sum()
    assert out.max() > 0


def test_without_the_grid_batteries_come_first_and_generators_after_them(dark: EventStates) -> None:
    state = dark.head["states"].index
    sites = np.array(dark.head["sites"])
    assert sites[0, state("battery")] > 0
    assert sites[0, state("dark")] == 0
    late = int(np.argmax(sites[:, state("dark")]))
    assert sites[late, state("dark")] > 0
    assert sites[:, state("generator")].max() > 0
    assert sites[0, state("generator")] == 0
    assert sites[-1, state("supply")] == dark.head["n_sites"]
    assert sites[:, state("damaged")].max() == 0


def test_a_flood_damages_and_cuts_off_and_leaves_supply_alone(folder: Path) -> None:
    head = EventStates.unpacked(PlanEvents(PlanReader(folder)).file("wet")).head
    sites = dict(zip(head["states"], np.array(head["sites"]).T, strict=True))
    assert sites["damaged"][0] > 0
    assert max(sites[name].max() for name in ("battery", "generator", "dark")) == 0
    assert sites["damaged"][-1] < sites["damaged"][0]


def test_the_course_shown_lies_in_the_band_of_the_plans_own_table(folder: Path, dark: EventStates) -> None:
    rows = PlanReader(folder).table("replay_hours").filter(pl.col("named_event_id") == "dark").sort("hour_h")
    state = dark.head["states"].index
    sites = np.array(dark.head["sites"])
    down = sites[:, state("dark")] + sites[:, state("damaged")]
    at = rows["hour_h"].to_numpy()
    assert np.all(down[at] >= rows["down_low_sites"].to_numpy() - 1.0)
    assert np.all(down[at] <= rows["down_high_sites"].to_numpy() + 1.0)
    assert dark.head["line"]["hour"] == at.tolist()
    (report,) = dark.head["reports"]
    assert (report["hour"], report["share"]) == (11, pytest.approx(0.45))
    assert report["low"] <= report["predicted"] <= report["high"]


def test_an_event_is_played_once_and_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[tuple[str, float]] = []
    first = PlanEvents(PlanReader(folder))
    first.path("dark").unlink(missing_ok=True)
    made = first.file("dark", lambda step, share: steps.append((step, share)))
    assert [share for _, share in steps] == sorted(share for _, share in steps)
    assert {"reading", "playing", "packing", "done"} <= {step for step, _ in steps}
    again = PlanEvents(PlanReader(folder))
    monkeypatch.setattr(again, "play", lambda *_: pytest.fail("played again"))
    assert again.file("dark") == made


def test_playing_again_gives_the_same_bytes_and_a_damaged_file_is_made_anew(folder: Path) -> None:
    events = PlanEvents(PlanReader(folder))
    made = events.file("wet")
    path = events.path("wet")
    path.write_bytes(made[:200])
    assert events.kept("wet") is None
    assert PlanEvents(PlanReader(folder)).file("wet") == made
    assert path.read_bytes() == made


def test_what_is_packed_is_unpacked_and_an_unchanged_hour_costs_nothing() -> None:
    state = np.zeros((400, 5000), np.uint8)
    state[10:, :100] = 3
    head = {"n_hours": 400, "n_places": 5000, "states": ["a"] * 4}
    data = EventStates(head, state).packed()
    back = EventStates.unpacked(data)
    assert np.array_equal(back.place_state, state)
    assert back.head == head
    assert len(data) < state.size / 500


def test_an_event_that_is_not_there_is_refused_with_those_that_are(folder: Path) -> None:
    with pytest.raises(InputError, match="no event nothing") as caught:
        PlanEvents(PlanReader(folder)).file("nothing")
    assert "dark, wet" in caught.value.problems[0].cure


def test_events_that_happened_are_offered_before_scenarios(folder: Path) -> None:
    assert [each.named_event_id for each in PlanEvents(PlanReader(folder)).choices()] == ["dark", "wet"]
