"""Storms of alarms: what happens to a network becomes what its element managers would have said."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rahdari.errors import InputError
from rahdari.methods.cascade_states import BATTERY, CUT_OFF, DAMAGED, DARK, GENERATOR, SUPPLY
from rahdari.operate.clock import VirtualClock
from rahdari.operate.simulate import ACCESS, LONG_HAUL, Scene, Storm, StormSettings, deliver
from rahdari.service.storms import scene_of, storm_of

if TYPE_CHECKING:
    from pathlib import Path

    from rahdari.operate.events import Event

QUIET = StormSettings(
    duplicate_frac=0.0, late_frac=0.0, delay_s=0.0, skew_s=0.0, flapping_frac=0.0, noise_per_site_day=0.0
)
HOUR_S = 3600.0
A, B, C, R = range(4)  # a site on mains, one behind it, one with a generator, a router


def scene(node_state: list[list[int]], whole: list[list[bool]] | None = None) -> Scene:
    """Return four nodes in a line, A - B, A - R, C - R."""
    state = np.array(node_state, np.uint8)
    is_whole = np.ones((len(state), 3), np.bool_) if whole is None else np.array(whole, np.bool_)
    return Scene(
        ["A", "B", "C", "R"], ["ab", "ar", "cr"], np.array([70.0, 70.1, 71.0, 72.0]), np.full(4, 30.0),
        np.array([0, 0, 1, 1]), np.array([True, True, True, False]), np.array([False, False, False, True]),
        np.array([A, A, C]), np.array([B, R, R]), np.array([ACCESS, ACCESS, LONG_HAUL]), state, is_whole,
    )  # fmt: skip


def told(storm: Storm) -> list[tuple[str, str, str]]:
    return [(event.resource, event.type, event.severity) for _, event in storm.events()]


def test_a_quiet_network_tells_nothing() -> None:
    assert len(Storm(scene([[SUPPLY] * 4] * 3), QUIET)) == 0


def test_a_site_without_mains_tells_mains_then_battery_then_falls_silent_and_clears_when_supply_is_back() -> None:
    course = [BATTERY, BATTERY, DARK, SUPPLY]
    found = [
        (event.type, event.severity, event.at_s)
        for _, event in Storm(scene([[state, SUPPLY, SUPPLY, SUPPLY] for state in course]), QUIET).events()
        if event.resource.split(":")[0] == "A"
    ]
    raised = {kind: at for kind, severity, at in found if severity != "cleared" and kind != "cellDown"}
    assert raised["mainsFail"] < raised["batteryLow"] < raised["unreachable"]
    assert raised["batteryLow"] == pytest.approx(2 * HOUR_S, abs=700.0)
    cleared = Counter(kind for kind, severity, _ in found if severity == "cleared")
    assert cleared == {"mainsFail": 1, "batteryLow": 1, "unreachable": 1, "cellDown": 3}


def test_a_generator_is_told_and_no_battery_is_low() -> None:
    kinds = {
        kind
        for _, kind, _ in told(Storm(scene([[SUPPLY, SUPPLY, each, SUPPLY] for each in (BATTERY, GENERATOR)]), QUIET))
    }
    assert kinds == {"mainsFail", "generatorRunning"}


def test_a_cut_link_is_told_at_both_ends_and_cleared_once_at_each() -> None:
    calm = [SUPPLY] * 4
    storm = Storm(scene([calm] * 3, [[True] * 3, [False, True, True], [True] * 3]), QUIET)
    assert sorted(told(storm)) == sorted(
        (f"ab:{end}-port", "LOS", severity) for end in "AB" for severity in ("critical", "cleared")
    )


def test_a_dead_site_tells_nothing_itself_and_its_neighbour_loses_the_signal() -> None:
    storm = Storm(scene([[SUPPLY] * 4, [SUPPLY, DAMAGED, SUPPLY, SUPPLY]]), QUIET)
    assert ("ab:A-port", "LOS", "critical") in told(storm)
    assert not any(resource == "ab:B-port" for resource, *_ in told(storm))
    assert ("B", "unreachable", "critical") in told(storm)


def test_what_a_site_says_while_it_is_cut_off_arrives_after_it_is_reached_again() -> None:
    course = [SUPPLY, BATTERY, CUT_OFF, SUPPLY]
    states = [[each, SUPPLY, SUPPLY, SUPPLY] for each in course]
    storm = Storm(scene(states), QUIET)
    clear = next(
        (when, event) for when, event in storm.events() if (event.type, event.severity) == ("mainsFail", "cleared")
    )
    assert clear[0] >= clear[1].at_s


def test_the_numbers_of_each_source_are_whole_and_follow_its_time() -> None:
    states = [[(hour + node) % 3 * (node < 3) for node in range(4)] for hour in range(12)]
    by_source: dict[str, list[Event]] = defaultdict(list)
    for _, event in Storm(scene(states), QUIET).events():
        by_source[event.source].append(event)
    assert by_source
    for events in by_source.values():
        own = sorted(events, key=lambda event: event.seq)
        assert [event.seq for event in own] == list(range(1, len(own) + 1))
        assert [event.at_s for event in own] == sorted(event.at_s for event in own)


def test_equal_seeds_give_equal_storms_and_others_do_not() -> None:
    states = [[BATTERY, SUPPLY, SUPPLY, SUPPLY]] * 2 + [[SUPPLY] * 4]
    loud = StormSettings(noise_per_site_day=20.0)
    first, again, other = (list(Storm(scene(states), loud, seed).events()) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_doubled_late_and_skewed_alarms_are_the_same_events_in_another_order() -> None:
    states = [[BATTERY, SUPPLY, BATTERY, SUPPLY], [DARK, SUPPLY, DARK, SUPPLY], [SUPPLY] * 4]
    rough = StormSettings(
        duplicate_frac=0.5, late_frac=0.5, skew_s=0.0, flapping_frac=0.0, noise_per_site_day=0.0, late_s=7200.0
    )
    plain, mixed = Storm(scene(states), QUIET), Storm(scene(states), rough)
    assert {(event.source, event.seq) for _, event in mixed.events()} == {
        (event.source, event.seq) for _, event in plain.events()
    }
    assert len(mixed) > mixed.n_events == len(plain)
    arrived = [event.at_s for _, event in mixed.events()]
    assert arrived != sorted(arrived)
    assert list(mixed.arrives_s) == sorted(mixed.arrives_s)
    skewed = Storm(scene(states), QUIET.model_copy(update={"skew_s": 100.0}))
    shift = {
        event.source: round(event.at_s - before.at_s, 6)
        for (_, event), (_, before) in zip(
            sorted(skewed.events(), key=lambda pair: (pair[1].source, pair[1].seq)),
            sorted(plain.events(), key=lambda pair: (pair[1].source, pair[1].seq)),
            strict=True,
        )
    }
    assert len(set(shift.values())) == len(shift) > 1


def test_a_flapping_link_comes_and_goes_and_unknown_things_are_among_the_noise() -> None:
    loud = QUIET.model_copy(update={"flapping_frac": 1.0, "flaps": 5, "noise_per_site_day": 500.0, "unknown_frac": 0.5})
    found = Counter(told(Storm(scene([[SUPPLY] * 4] * 4), loud)))
    assert found["ab", "linkDown", "major"] == found["ab", "linkDown", "cleared"] == 5
    assert any(resource.endswith(".unlisted") for resource, *_ in found)


def test_delivery_keeps_to_the_rate_and_to_the_speed() -> None:
    states = [[BATTERY, SUPPLY, SUPPLY, SUPPLY], [SUPPLY] * 4]
    events = list(Storm(scene(states), QUIET.model_copy(update={"noise_per_site_day": 200.0})).events())

    class Ticking(VirtualClock):
        def sleep(self, duration_s: float) -> None:
            self.advance(duration_s)

    clock, sent = Ticking(), []
    assert deliver(events, sent.extend, clock, rate_per_s=10.0, batch=5) == len(events) == len(sent)
    assert clock.now_s() == pytest.approx(len(events) / 10.0)
    clock = Ticking()
    deliver(events, sent.extend, clock, rate_per_s=1e9, speed=60.0)
    assert clock.now_s() == pytest.approx((events[-1][0] - events[0][0]) / 60.0, abs=1e-3)


def test_a_plan_and_its_event_give_a_storm_of_things_the_plan_knows(event_plan: Path) -> None:
    made = scene_of(event_plan, "wet", n_draws=4)
    storm = Storm(made, QUIET)
    known = set(made.node_name) | set(made.link_name)
    names = {event.resource.split(":")[0] for _, event in storm.events()}
    assert names
    assert names <= known
    dark = storm_of(event_plan, "dark", settings=QUIET)
    kinds = Counter(event.type for _, event in dark.events() if event.severity != "cleared")
    n_off = int((dark.scene.node_state == BATTERY).any(axis=0)[dark.scene.is_site].sum())
    assert kinds["mainsFail"] >= n_off > 0
    assert kinds["unreachable"] > 0


def test_an_unknown_event_names_those_there_are(event_plan: Path) -> None:
    with pytest.raises(InputError, match="dark"):
        scene_of(event_plan, "nothing")


def test_a_node_that_dies_for_good_is_never_cleared() -> None:
    made = scene([[SUPPLY] * 4, [DARK, SUPPLY, SUPPLY, SUPPLY]])
    assert not any(severity == "cleared" for *_, severity in told(Storm(replace(made), QUIET)))
