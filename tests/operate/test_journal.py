from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from rahdari.errors import InputError
from rahdari.operate.journal import JournalError, Notice, Writes, next_try_s, open_journal
from rahdari.operate.sqlite_journal import SqliteJournal
from tests.operate.journal_helpers import CountingFold, all_events, check_exact, event, events, no_change

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rahdari.operate.journal import Journal

LOTS = 4_500  # more than two statements take


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return where a new journal may stand, on a file and on a server."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path / 'live.db'}"


@pytest.fixture
def journal(url: str) -> Iterator[Journal]:
    """Return an empty journal."""
    opened = open_journal(url)
    yield opened
    opened.close()


def test_an_event_is_stored_once_however_often_it_comes(journal: Journal) -> None:
    first = journal.append(events(1, 10), 100.0, no_change)
    again = journal.append([*events(5, 12), event(12)], 101.0, no_change)
    assert (first.n_new, first.n_duplicate, again.n_new, again.n_duplicate) == (10, 0, 2, 7)
    assert [one.seq for one in all_events(journal)] == list(range(1, 13))
    assert journal.counters()["duplicates"] == 7
    check_exact(journal)


def test_the_same_number_from_two_sources_is_two_events(journal: Journal) -> None:
    done = journal.append([event(1, "a"), event(1, "b")], 0.0, no_change)
    assert (done.n_new, journal.counters()["source:a"], journal.counters()["source:b"]) == (2, 1, 1)


def test_an_event_comes_back_as_it_was_told_whatever_its_text(journal: Journal) -> None:
    hostile = "<script>alert(1)</script> =1+1 \u202eright\u202c \x00 \x1b[31m 'quote'; DROP TABLE events"
    told = event(2**63 - 1, hostile, text=hostile, resource=hostile, fields={hostile: hostile})
    journal.append([told], 5.0, no_change)
    assert [(received_s, one) for _, received_s, one in journal.events()] == [(5.0, told)]


def test_only_new_events_are_folded_in_their_order(journal: Journal) -> None:
    seen: list[list[int]] = []

    def fold(new: list) -> dict:
        seen.append([one.seq for one in new])
        return {}

    journal.append(events(1, 3), 0.0, fold)
    journal.append([event(9), event(2), event(4), event(9)], 0.0, fold)
    journal.append(events(1, 3), 0.0, fold)
    assert seen == [[1, 2, 3], [9, 4]]


def test_a_batch_of_many_statements_keeps_order_and_counts(journal: Journal) -> None:
    fold = CountingFold()
    done = journal.append(events(1, LOTS), 0.0, fold)
    assert done.n_new == LOTS
    assert [one.seq for one in all_events(journal)] == list(range(1, LOTS + 1))
    check_exact(journal)


def test_a_failing_fold_leaves_everything_as_it_was(journal: Journal) -> None:
    journal.append(events(1, 3), 0.0, no_change)

    def fold(_new: list) -> dict:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        journal.append([event(4), event(1, "new source")], 0.0, fold)
    assert journal.append([event(1, "other source"), event(4)], 0.0, no_change).n_new == 2
    assert journal.counters() == {
        "events": 5, "severity:major": 5, "source:nms": 4, "source:other source": 1
    }  # fmt: skip
    assert len(all_events(journal)) == 5


def test_an_event_that_cannot_be_kept_is_refused_with_its_reason(journal: Journal) -> None:
    bad = [event(-1), event(2**63), event(1, ""), event(1, at_s=float("nan")), event(1, severity="bad")]
    with pytest.raises(InputError) as raised:
        journal.append(bad, 0.0, no_change)
    assert [problem.row for problem in raised.value.problems] == [1, 2, 3, 4, 5]
    assert journal.position() == 0


def test_a_time_far_ahead_of_ours_is_kept_and_counted(journal: Journal) -> None:
    journal.append([event(1, at_s=1_000.0), event(2, at_s=1_000_000.0)], 900.0, no_change)
    assert (journal.counters()["future"], len(all_events(journal))) == (1, 2)


def test_everything_is_there_after_opening_again(url: str) -> None:
    first = open_journal(url)
    first.append(events(1, 20), 0.0, CountingFold())
    alarms, counters = list(first.alarms()), first.counters()
    first.save(incidents={"i1": b"one", "i2": b"two"}, marks={"seen": b"20"})
    first.save(incidents={"i1": None})
    first.close()
    again = open_journal(url)
    assert (list(again.alarms()), again.counters(), again.position()) == (alarms, counters, 20)
    assert (again.incidents(), again.marks()) == ({"i2": b"two"}, {"seen": b"20"})
    assert again.append([event(20), event(21, "second")], 0.0, no_change).position == again.position() > 20
    again.close()


def test_what_belongs_to_events_is_stored_with_them_or_not_at_all(journal: Journal) -> None:
    notice = Notice(key="n1", channel="mail", body=b"cut", due_s=0.0)

    def also(new: list, _changed: dict) -> Writes:
        if new[0].seq > 1:
            raise ZeroDivisionError
        return Writes(notices=[notice], incidents={"i": b"open"}, marks={"m": b"1"})

    journal.append([event(1)], 0.0, no_change, also)
    with pytest.raises(ZeroDivisionError):
        journal.append([event(2)], 0.0, no_change, also)
    assert (journal.notices_due(0.0), journal.incidents(), len(all_events(journal))) == ([notice], {"i": b"open"}, 1)


def test_a_notice_is_due_until_it_is_done_and_its_key_is_used_once(journal: Journal) -> None:
    notice = Notice(key="n", channel="hook", body=b"body", due_s=10.0)
    journal.save(notices=[notice, Notice(key="later", channel="hook", body=b"", due_s=99.0)])
    journal.save(notices=[Notice(key="n", channel="hook", body=b"other", due_s=0.0)])
    assert (journal.notices_due(9.0), journal.notices_due(10.0)) == ([], [notice])
    journal.notice_failed("n", "refused", next_try_s(0, 10.0))
    assert journal.notices_due(14.0) == []
    (again,) = journal.notices_due(15.0)
    assert (again.n_tries, again.error, again.body) == (1, "refused", b"body")
    journal.notice_done("n")
    journal.save(notices=[notice])
    assert journal.notices_due(50.0) == []


def test_waiting_between_tries_grows_to_a_quarter_of_an_hour() -> None:
    assert [next_try_s(n, 0.0) for n in (0, 1, 2, 9, 10_000)] == [5.0, 10.0, 20.0, 900.0, 900.0]


@pytest.mark.parametrize("rule", [{"max_rows": 5}, {"before_s": 1.0}])
def test_old_events_go_to_parquet_before_they_leave(journal: Journal, tmp_path: Path, rule: dict) -> None:
    journal.append(events(1, 15), 0.0, no_change)
    journal.append([event(seq, fields={"vendor": "A"}) for seq in range(16, 21)], 1.0, no_change)
    gone = journal.retain(export=tmp_path, **rule)
    table = pq.read_table(gone.file).to_pylist()
    assert (gone.n_events, gone.first_position, gone.last_position) == (15, 1, 15)
    assert [row["seq"] for row in table] == list(range(1, 16))
    assert [one.seq for one in all_events(journal)] == list(range(16, 21))
    assert journal.counters()["events"] == 20
    assert journal.retain(export=tmp_path, **rule).n_events == 0


def test_an_event_that_left_is_not_stored_again(journal: Journal) -> None:
    kept = [event(seq, source) for source in ("a", "b") for seq in (1, 2, 3, 7, 900)]
    journal.append(kept, 0.0, no_change)
    assert journal.retain(max_rows=0, export=None).n_events == 10
    done = journal.append([event(4, "a"), *kept, event(901, "b"), event(5, "c")], 0.0, no_change)
    assert (done.n_new, done.n_duplicate) == (3, 10)
    assert [(one.source, one.seq) for one in all_events(journal)] == [("a", 4), ("b", 901), ("c", 5)]
    assert done.position > 10


def test_keeping_must_be_said_once(journal: Journal) -> None:
    for rule in ({}, {"before_s": 1.0, "max_rows": 1}, {"max_rows": -1}):
        with pytest.raises(InputError):
            journal.retain(export=None, **rule)


def test_the_second_writer_is_refused_while_the_first_lives(url: str) -> None:
    first = open_journal(url)
    with pytest.raises(JournalError, match="another process"):
        open_journal(url)
    first.append([event(1)], 0.0, no_change)
    first.close()
    open_journal(url).close()


def test_many_threads_may_write_and_read_at_once(journal: Journal) -> None:
    errors: list[BaseException] = []

    def work(name: str) -> None:
        try:
            for seq in range(20):
                journal.append([event(seq, name), event(seq, "common")], 0.0, no_change)
                journal.save(marks={name: str(seq).encode()})
                journal.counters()
        except Exception as error:  # noqa: BLE001  # told in the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=work, args=(f"t{n}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert journal.counters()["events"] == 80
    check_exact(journal)


def test_a_journal_killed_while_it_forgot_goes_on_forgetting(tmp_path: Path) -> None:
    path = tmp_path / "live.db"
    journal = SqliteJournal(path)
    journal.append(events(1, 10), 0.0, no_change)
    journal.close()
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO retentions VALUES (6, 1, 6, 0.0, 'file', 'digest', 0)")
    connection.close()
    again = SqliteJournal(path)
    assert again.retain(max_rows=100, export=None).n_events == 0
    assert [one.seq for one in all_events(again)] == [7, 8, 9, 10]
    assert again.append(events(1, 10), 0.0, no_change).n_new == 0
    again.close()


def test_a_full_file_refuses_says_so_and_takes_events_again(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "live.db")
    assert journal._writer is not None
    n_pages = journal._writer.execute("PRAGMA page_count").fetchone()[0]
    journal._writer.execute(f"PRAGMA max_page_count = {n_pages + 3}")
    with pytest.raises(JournalError, match="free some space"):
        journal.append(events(1, 500), 0.0, no_change)
    assert (all_events(journal), journal.counters()) == ([], {})
    journal._writer.execute("PRAGMA max_page_count = 1000000")
    assert journal.append(events(1, 500), 0.0, no_change).n_new == 500
    check_exact(journal)
    journal.close()


def test_a_reader_sees_the_journal_and_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "live.db"
    with pytest.raises(JournalError, match="there is no journal"):
        SqliteJournal(path, is_read_only=True)
    writer = SqliteJournal(path)
    reader = SqliteJournal(path, is_read_only=True)
    writer.append(events(1, 3), 0.0, no_change)
    assert reader.position() == 3
    with pytest.raises(JournalError, match="reading only"):
        reader.append(events(4, 5), 0.0, no_change)
    reader.close()
    writer.close()


def test_a_foreign_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    with pytest.raises(JournalError, match="no journal of rahdari"):
        SqliteJournal(path)
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(JournalError, match="backup"):
        SqliteJournal(path)


def test_an_address_that_names_no_journal_is_refused() -> None:
    with pytest.raises(InputError, match="names no journal"):
        open_journal("mysql://host/db")
