"""Alarms are a fold of events: order, duplicates, skewed clocks and operators' actions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import hypothesis.strategies as st
import pytest
from hypothesis import given

from rahdari.operate.alarms import KEPT_EVENTS, Alarm, AlarmBook, alarm_key
from rahdari.operate.events import SEVERITIES, Event

if TYPE_CHECKING:
    import random


def event(seq: int, at_s: float, severity: str = "major", resource: str = "A1", **others: object) -> Event:
    """Return an event of one source."""
    values: dict[str, object] = {"source": "nms", "type": "LOS", "resource": resource, "severity": severity}
    return Event(**{**values, "seq": seq, "at_s": at_s, **others})  # type: ignore[arg-type]


def book_of(*batches: list[Event], received_s: float | None = None) -> AlarmBook:
    """Return a book after batches."""
    book = AlarmBook()
    for batch in batches:
        book.accept(book.folded(batch, received_s))
    return book


def only(book: AlarmBook) -> Alarm:
    """Return the one alarm of a book."""
    assert len(book) == 1
    return next(iter(book))


EVENTS = st.lists(
    st.builds(
        event,
        st.integers(1, 40),
        st.integers(0, 30).map(float),
        st.sampled_from(SEVERITIES),
        st.sampled_from(["A1", "A2:battery", "?"]),
        source=st.sampled_from(["nms", "snmp"]),
        text=st.text(max_size=2),
    ),
    max_size=30,
    unique_by=lambda each: (each.source, each.seq),
)


@given(EVENTS, st.randoms(use_true_random=False), st.integers(1, 5))
def test_any_order_and_any_batches_give_the_same_book(
    events: list[Event], chance: random.Random, n_batches: int
) -> None:
    told = list(book_of(events))
    mixed = events.copy()
    chance.shuffle(mixed)
    assert list(book_of(mixed)) == told
    cuts = [mixed[i::n_batches] for i in range(n_batches)]
    apart = list(book_of(*cuts))
    assert apart == told


@given(EVENTS)
def test_an_event_told_twice_changes_nothing(events: list[Event]) -> None:
    assert list(book_of(events, events)) == list(book_of(events))


@given(EVENTS)
def test_folding_leaves_the_book_untouched_until_it_is_accepted(events: list[Event]) -> None:
    book = AlarmBook()
    changed = book.folded(events)
    assert len(book) == 0
    book.accept(changed)
    assert {alarm.key for alarm in book} == set(changed)


def test_a_clear_is_no_severity_and_a_late_clear_does_not_clear() -> None:
    alarm = only(book_of([event(1, 0, "minor"), event(2, 5, "cleared")]))
    assert (alarm.severity, alarm.is_cleared, alarm.cleared_s) == ("minor", True, 5.0)
    alarm = only(book_of([event(3, 10, "critical")], [event(2, 5, "cleared")]))
    assert (alarm.is_cleared, alarm.raised_s, alarm.n_raises) == (False, 10.0, 1)


def test_raises_and_clears_in_any_file_order_count_thirty_raises_and_flap() -> None:
    raises = [event(2 * i + 1, 10.0 * i) for i in range(30)]
    clears = [event(2 * i + 2, 10.0 * i + 5, "cleared") for i in range(30)]
    for batches in ([raises + clears], [raises, clears], [[each] for each in raises + clears]):
        alarm = only(book_of(*batches))
        assert (alarm.n_raises, alarm.is_cleared, alarm.is_flapping, alarm.first_raised_s) == (30, True, True, 0.0)
        assert alarm.onset_s == 0.0


def test_three_raises_in_five_minutes_do_not_flap_and_four_do() -> None:
    def pairs(n: int, step_s: float) -> list[Event]:
        return [event(2 * i + j, step_s * i + j, ("major", "cleared")[j]) for i in range(n) for j in (0, 1)]

    assert not only(book_of(pairs(3, 10.0))).is_flapping
    assert only(book_of(pairs(4, 100.0))).is_flapping
    assert not only(book_of(pairs(4, 101.0))).is_flapping


def test_counts_stay_right_when_old_events_are_absorbed() -> None:
    n = 3 * KEPT_EVENTS
    alarm = only(book_of(*([event(2 * i, 10.0 * i), event(2 * i + 1, 10.0 * i + 5, "cleared")] for i in range(n))))
    assert (alarm.n_raises, len(alarm.told), alarm.first_raised_s) == (n, KEPT_EVENTS, 0.0)
    late = only(book_of(*([event(i, 10.0 * i)] for i in range(1, n)), [event(0, 0.0, "cleared")]))
    assert (late.n_late, late.is_cleared) == (1, False)


def test_a_change_of_severity_is_no_new_raise() -> None:
    alarm = only(book_of([event(1, 0, "minor"), event(2, 4, "critical"), event(3, 6, "critical")]))
    assert (alarm.n_raises, alarm.raised_s, alarm.changed_s, alarm.severity) == (1, 0.0, 4.0, "critical")


def action(seq: int, at_s: float, done: str, **fields: str) -> Event:
    """Return an operator's action on the alarm of :func:`event`."""
    made = {"alarm": alarm_key("A1", "LOS"), "action": done, **fields}
    return Event(source="operator:Sana", seq=seq, at_s=at_s, resource="A1", type="operatorState",
                 severity="indeterminate", fields=made)  # fmt: skip


def test_operators_state_is_apart_and_a_new_raise_ends_ack_but_not_shelving() -> None:
    raised = event(1, 0)
    alarm = only(book_of([raised], [action(1, 3, "ack", note="on my way")]))
    assert (alarm.operator_state, alarm.operator, alarm.operator_note) == ("ack", "Sana", "on my way")
    assert not alarm.is_cleared
    again = [event(2, 5, "cleared"), event(3, 9)]
    assert only(book_of([raised, action(1, 3, "ack")], again)).operator_state == "none"
    assert only(book_of(again, [action(1, 3, "ack"), raised])).operator_state == "none"
    assert only(book_of([raised, action(1, 3, "shelve")], again)).operator_state == "shelved"
    assert only(book_of([raised, action(1, 3, "shelve"), action(2, 4, "unshelve")])).operator_state == "none"


def test_an_action_before_its_alarm_waits_for_it() -> None:
    alarm = only(book_of([action(1, 3, "ack")], [event(1, 0)]))
    assert (alarm.resource, alarm.type, alarm.operator_state) == ("A1", "LOS", "ack")


def test_a_source_ahead_is_set_back_and_a_far_future_is_taken_as_received() -> None:
    ahead = event(1, 130.0, source="fast")
    book = book_of([ahead, event(1, 99.0)], received_s=100.0)
    assert book.clocks.skew_s() == {"fast": 30.0, "nms": -1.0}
    # The clear told by the good clock a second after the raise is after it.
    book.accept(book.folded([event(2, 101.0, "cleared")], 102.0))
    assert only(book).is_cleared
    far = only(book_of([event(1, 4e9)], received_s=100.0))
    assert far.raised_s == 100.0
    assert only(book_of([event(1, math.nan)], received_s=7.0)).raised_s == 7.0


def test_unknown_resources_are_kept_and_marked() -> None:
    book = AlarmBook(is_known=lambda resource: resource == "A1")
    book.accept(book.folded([event(1, 0), event(2, 0, resource="<script>")]))
    assert {alarm.resource: alarm.is_known for alarm in book} == {"A1": True, "<script>": False}


@pytest.mark.parametrize("parts", [("a|b", "c"), ("a", "b|c"), ("a\\", "|b"), ("a", "\\|b")])
def test_keys_of_different_alarms_differ(parts: tuple[str, str]) -> None:
    plain = alarm_key("a", "b", "c")
    assert alarm_key(*parts) != plain
    assert alarm_key(*parts).count("|") >= 2
