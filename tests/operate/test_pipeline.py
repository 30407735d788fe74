from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from rahdari.errors import InputError, Problem
from rahdari.operate.journal import Appended, JournalError
from rahdari.operate.pipeline import Pipeline
from rahdari.operate.sqlite_journal import SqliteJournal
from tests.operate.journal_helpers import CountingFold, all_events, check_exact, event, events

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rahdari.operate.events import Event


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    """Return an empty journal."""
    opened = SqliteJournal(tmp_path / "live.db")
    yield opened
    opened.close()


class Gate:
    """A journal that waits for a signal, and counts its transactions."""

    def __init__(self) -> None:
        self.is_open, self.sizes = threading.Event(), []
        self.error: Exception | None = None

    def append(self, told: Sequence[Event], _received_s: float, fold: object, _also: object = None) -> Appended:
        self.is_open.wait()
        if self.error is not None:
            raise self.error
        fold(told)  # type: ignore[operator]
        self.sizes.append(len(told))
        return Appended(n_new=len(told), n_duplicate=0, position=sum(self.sizes))


def test_each_call_is_told_how_many_of_its_own_events_were_new(journal: SqliteJournal) -> None:
    pipeline = Pipeline(journal, max_wait_s=0.2)
    first = pipeline.submit(events(1, 5))
    second = pipeline.submit([event(5), event(6), event(6)])
    third = pipeline.submit([])
    done = [one.result() for one in (first, second, third)]
    pipeline.stop()
    assert [(one.n_new, one.n_duplicate) for one in done] == [(5, 0), (1, 2), (0, 0)]
    assert pipeline.status().n_batches == 1
    check_exact(journal)


def test_what_was_submitted_before_the_stop_is_stored(journal: SqliteJournal) -> None:
    pipeline = Pipeline(journal)
    answers = [pipeline.submit(events(n * 10 + 1, n * 10 + 10)) for n in range(50)]
    pipeline.stop()
    assert sum(one.result(0).n_new for one in answers) == 500
    with pytest.raises(JournalError, match="stopped"):
        pipeline.submit([event(1)])
    with pytest.raises(JournalError, match="stopped"):
        pipeline.offer([event(1)])


def test_a_listener_hears_new_events_once_with_what_they_changed(journal: SqliteJournal) -> None:
    fold, heard = CountingFold(), []

    def committed(new: Sequence[Event], changed: dict, position: int) -> None:
        fold.accept(changed)
        heard.append(([one.seq for one in new], position))

    pipeline = Pipeline(journal, fold=fold, on_committed=committed)
    for batch in (events(1, 3), events(2, 5), events(1, 5)):
        pipeline.submit(batch).result()
    pipeline.stop()
    assert heard == [([1, 2, 3], 3), ([4, 5], journal.position())]
    assert {alarm.key: alarm for alarm in journal.alarms()} == fold.alarms


def test_a_call_that_cannot_be_folded_fails_alone(journal: SqliteJournal) -> None:
    def fold(new: Sequence[Event]) -> dict:
        if any(one.resource == "poison" for one in new):
            raise ZeroDivisionError
        return {}

    pipeline = Pipeline(journal, fold=fold, max_wait_s=0.2)
    good, bad, late = (pipeline.submit([one]) for one in (event(1), event(2, resource="poison"), event(3)))
    assert good.result().n_new == late.result().n_new == 1
    with pytest.raises(ZeroDivisionError):
        bad.result()
    pipeline.stop()
    assert [one.seq for one in all_events(journal)] == [1, 3]


def test_an_event_that_cannot_be_kept_is_refused_before_it_waits(journal: SqliteJournal) -> None:
    pipeline = Pipeline(journal)
    with pytest.raises(InputError, match="severity"):
        pipeline.submit([event(1, severity="loud")])
    pipeline.stop()
    assert journal.position() == 0


def test_a_full_queue_makes_callers_wait_and_then_tells_them() -> None:
    gate = Gate()
    pipeline = Pipeline(gate, max_batch=10, max_queued=20, max_wait_s=0.0)
    answers = [pipeline.submit(events(1, 10)), pipeline.submit(events(11, 20))]
    assert pipeline.offer([event(21)]) is None
    with pytest.raises(JournalError, match="20 events wait"):
        pipeline.submit([event(21)], timeout_s=0.01)
    waiting = threading.Thread(target=lambda: answers.append(pipeline.submit([event(21)])))
    waiting.start()
    gate.is_open.set()
    waiting.join()
    pipeline.stop()
    assert [one.result(0).n_new for one in answers] == [10, 10, 1]
    assert sum(gate.sizes) == 21


def test_a_journal_that_refuses_fails_its_calls_and_recovers_by_itself(journal: SqliteJournal) -> None:
    fold, heard = CountingFold(), []
    pipeline = Pipeline(journal, fold=fold, on_committed=lambda _new, changed, _at: heard.append(changed))
    assert journal._writer is not None
    n_pages = journal._writer.execute("PRAGMA page_count").fetchone()[0]
    journal._writer.execute(f"PRAGMA max_page_count = {n_pages + 2}")
    refused = pipeline.submit(events(1, 400))
    with pytest.raises(JournalError, match="free some space"):
        refused.result()
    assert (heard, "full" in pipeline.status().problem) == ([], True)
    journal._writer.execute("PRAGMA max_page_count = 1000000")
    assert pipeline.submit(events(1, 400)).result().n_new == 400
    assert (pipeline.status().problem, pipeline.status().n_refused) == ("", 1)
    pipeline.stop()
    check_exact(journal)


def test_a_refusing_journal_is_asked_once_a_batch() -> None:
    gate = Gate()
    gate.error = JournalError(Problem("full", "free some space"))
    pipeline = Pipeline(gate, max_wait_s=0.2)
    answers = [pipeline.submit([event(1)]), pipeline.submit([event(2)])]
    gate.is_open.set()
    for one in answers:
        with pytest.raises(JournalError):
            one.result()
    pipeline.stop()
    assert pipeline.status().n_refused == 1


def test_a_listener_that_fails_loses_no_event_and_is_counted(journal: SqliteJournal) -> None:
    def broken(*_told: object) -> None:
        raise ZeroDivisionError

    pipeline = Pipeline(journal, on_committed=broken)
    assert pipeline.submit(events(1, 4)).result().n_new == 4
    pipeline.stop()
    assert (pipeline.status().n_unheard, len(all_events(journal))) == (1, 4)


def test_idle_means_answered(journal: SqliteJournal) -> None:
    pipeline = Pipeline(journal)
    answers = [pipeline.submit([event(seq)]) for seq in range(200)]
    assert pipeline.wait_idle()
    assert all(one.done() for one in answers)
    pipeline.stop()


def test_one_call_larger_than_the_queue_still_passes(journal: SqliteJournal) -> None:
    pipeline = Pipeline(journal, max_queued=10)
    assert pipeline.submit(events(1, 300)).result().n_new == 300
    pipeline.stop()
