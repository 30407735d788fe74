"""Replay, live reasoning and the files of stories: the same answer in any order and any number of steps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from rahdari.errors import InputError
from rahdari.operate.alarms import AlarmBook
from rahdari.operate.events import Event
from rahdari.operate.incidents import Hint, Incident, Reasoner
from rahdari.operate.maintenance import Window, windows_of
from rahdari.operate.replay import replay, replay_story
from tests.operate.story_case import network, story, told

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence
    from pathlib import Path

NETWORK = network()
ROWS = st.tuples(
    st.integers(0, 30_000).map(float),
    st.sampled_from([*NETWORK.node_id, *NETWORK.link_id, "T1:E-port", "B:rectifier", "N:bgp-E", "D7", "??", "M:fan"]),
    st.sampled_from(["LOS", "unreachable", "mainsFail", "batteryLow", "adjacencyDown", "fanFailure", "crash"]),
    st.sampled_from(["critical", "major", "cleared"]),
)


@settings(max_examples=60)
@given(st.lists(ROWS, max_size=25), st.randoms(use_true_random=False))
def test_any_alarms_in_any_order_give_the_same_incidents_and_each_alarm_is_in_one(
    rows: list[tuple[float, str, str, str]], chance: random.Random
) -> None:
    events = told(*rows)
    found = replay(NETWORK, events)
    mixed = events.copy()
    chance.shuffle(mixed)
    assert replay(NETWORK, mixed) == found
    book = AlarmBook()
    book.accept(book.folded(events))
    held = sorted(key for each in found for key in (*each.root_keys, *each.symptom_keys))
    last = max((event.at_s for event in events), default=0.0)
    recent = [a.key for a in book if a.n_raises and (not a.is_cleared or (a.cleared_s or 0.0) >= last - 86_400.0)]
    assert held == sorted(recent)
    assert len({each.incident_id for each in found}) == len(found)


CUT = told((0.0, "T1:E-port", "LOS"), (0.4, "T2:E-port", "LOS"), (2.0, "H", "unreachable"))


def live(events: Sequence[Event]) -> tuple[Reasoner, dict[str, Incident]]:
    """Return the incidents of events that come one by one, as a live system keeps them."""
    book, reasoner, kept = AlarmBook(), Reasoner(NETWORK), {}
    for event in events:
        changed = book.folded([event])
        book.accept(changed)
        kept |= {each.incident_id: each for each in reasoner.update(book, changed, event.at_s)}
    return reasoner, kept


def test_live_ends_where_replay_does_and_keeps_the_first_name() -> None:
    _, kept = live(CUT)
    assert list(kept.values()) == replay(NETWORK, CUT)
    first = live(CUT[:1])[1]
    assert set(first) == set(kept)
    assert next(iter(first.values())).root.object == "T1"


def test_an_incident_that_turns_out_to_be_part_of_another_says_so() -> None:
    _, kept = live([CUT[2], CUT[1], CUT[0]])
    merged = [each for each in kept.values() if each.merged_into]
    (final,) = replay(NETWORK, CUT)
    assert len(merged) == 2
    for each in merged:
        into = kept[each.merged_into]
        assert not each.is_open
        assert (kept[into.merged_into] if into.merged_into else into) == final


def test_no_change_and_no_time_is_no_news() -> None:
    book, reasoner = AlarmBook(), Reasoner(NETWORK)
    book.accept(book.folded(CUT))
    assert len(reasoner.update(book, {}, 2.0)) == 1
    assert reasoner.update(book, {}, 2.0) == []


def test_repair_in_stages_gives_service_back_and_closes_with_the_last_alarm() -> None:
    first = [*CUT, *told((100.0, "T1:E-port", "LOS", "cleared"), (105.0, "H", "unreachable", "cleared"))]
    events = [Event(**{**_fields(event), "seq": i}) for i, event in enumerate(first)]
    (one,) = replay(NETWORK, events)
    assert (one.root.object, one.customers_without_service, one.is_open) == ("D7", 0, True)
    assert one.next_single_failure_that_isolates == ("T1",)
    done = Event(source="nms", seq=99, at_s=300.0, resource="T2:E-port", type="LOS", severity="cleared")
    (one,) = replay(NETWORK, [*events, done])
    assert (one.is_open, one.closed_s) == (False, 300.0)
    assert [what for _, what in one.notices] == ["opened", "closed"]


def _fields(event: Event) -> dict[str, object]:
    return {name: getattr(event, name) for name in event.__struct_fields__}


def test_work_accounts_for_its_own_failure_and_for_nothing_else() -> None:
    chain = told((60.0, "V1:B-port", "LOS"), (65.0, "F", "unreachable"))
    window = Window(object="V1", from_s=0.0, to_s=3600.0)
    (one,) = replay(NETWORK, chain, windows=[window])
    assert (one.in_maintenance, one.notices, one.sla_excluded_s) == (True, (), (60.0, 3600.0))
    (one,) = replay(NETWORK, chain, windows=[window], now_s=3600.0)
    assert (one.in_maintenance, one.is_overrun, one.notices) == (False, True, ((3600.0, "overrun"),))
    # Work on the link above accounts for what hangs on it alone, unless it is said not to.
    above = Window(object="U1", from_s=0.0, to_s=3600.0)
    assert replay(NETWORK, chain, windows=[above])[0].in_maintenance
    bare = Window(object="U1", from_s=0.0, to_s=3600.0, includes_dependants=False)
    assert not replay(NETWORK, chain, windows=[bare])[0].in_maintenance
    other = told((60.0, "R1:W-port", "LOS"))
    assert not replay(NETWORK, other, windows=[window])[0].in_maintenance
    late = told((4000.0, "V1:B-port", "LOS"))
    assert not replay(NETWORK, late, windows=[window])[0].in_maintenance


def test_windows_come_from_operators_events_and_close_early() -> None:
    def event(seq: int, at_s: float, **fields: str) -> Event:
        return Event(source="operator:Sana", seq=seq, at_s=at_s, resource="V1", type="maintenance",
                     severity="indeterminate", fields=fields)  # fmt: skip

    opened = event(1, 10.0, action="opened", from_s="20", to_s="nan", includes_dependants="false")
    assert windows_of([opened])[0].from_s == 20.0
    assert not windows_of([opened])[0].includes_dependants
    closed = event(2, 500.0, action="closed")
    assert windows_of([closed, opened])[0].to_s == 500.0
    spoofed = Event(source="nms", seq=1, at_s=0.0, resource="V1", type="maintenance", severity="major")
    assert windows_of([spoofed]) == []


def test_hints_are_shown_and_decide_nothing() -> None:
    class Learned:
        def of(self, alarm_types: Sequence[str]) -> Sequence[Hint]:
            return [Hint(cause="LOS", effect=name, confidence=0.7) for name in alarm_types if name != "LOS"]

    book = AlarmBook()
    book.accept(book.folded(CUT))
    (with_hints,) = Reasoner(NETWORK, hints=Learned()).read(book.alarms.values(), 2.0)
    (without,) = Reasoner(NETWORK).read(book.alarms.values(), 2.0)
    assert with_hints.hints == (Hint(cause="LOS", effect="unreachable", confidence=0.7),)
    assert (with_hints.root, with_hints.symptom_keys) == (without.root, without.symptom_keys)


def test_a_story_file_gives_one_scenario_or_all(tmp_path: Path) -> None:
    path = tmp_path / "story.json"
    alarms = [{"seq": i, "t": e.at_s, "object": e.resource, "type": e.type, "severity": e.severity}
              for i, e in enumerate(CUT, 1)]  # fmt: skip
    path.write_text(json.dumps({"network": story(), "alarms": alarms}), encoding="utf-8")
    got = replay_story(path)
    assert got["incidents"][0]["root"] == {"object": "D7", "kind": "duct"}
    assert got["incidents"][0]["symptom_seqs"] == [1, 2, 3]
    both = {"network": story(), "scenarios": [{"id": "a", "alarms": alarms}, {"id": "b", "alarms": []}]}
    path.write_text(json.dumps(both), encoding="utf-8")
    assert [len(each["incidents"]) for each in replay_story(path)["scenarios"]] == [1, 0]
    assert replay_story(path, "b")["incidents"] == []
    with pytest.raises(InputError, match="no scenario c"):
        replay_story(path, "c")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"network": 3}', "\x00"])
def test_a_file_that_is_no_story_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "story.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError):
        replay_story(path)


def test_every_bad_alarm_of_a_story_is_named(tmp_path: Path) -> None:
    path = tmp_path / "story.json"
    rows = [{"t": 0}, {"t": "x", "object": "H", "type": "LOS"}, 7]
    path.write_text(json.dumps({"network": story(), "alarms": rows}), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        replay_story(path)
    assert len(caught.value.problems) == 3
