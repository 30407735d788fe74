"""What only a server can do to its journal; the rest is tested for both kinds in test_journal.py."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from rahdari.errors import InputError
from rahdari.operate import postgres_journal
from rahdari.operate.journal import JournalError
from rahdari.operate.postgres_journal import PostgresJournal
from tests.operate.journal_helpers import CountingFold, all_events, check_exact, event, events, no_change

if TYPE_CHECKING:
    from collections.abc import Iterator

END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"


@pytest.fixture
def journal(postgres_url: str) -> Iterator[PostgresJournal]:
    """Return an empty journal."""
    opened = PostgresJournal(postgres_url)
    yield opened
    opened.close()


def end_sessions(url: str) -> None:
    """End every session of a database, as an administrator or a fail-over does."""
    import psycopg

    server, name = url.rsplit("/", 1)
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(END_SESSIONS, (name,))


def test_a_lost_session_fails_its_batch_and_the_next_opens_another(postgres_url: str, journal: PostgresJournal) -> None:
    journal.append(events(1, 5), 0.0, no_change)
    end_sessions(postgres_url)
    with pytest.raises(JournalError, match="tried again"):
        journal.append(events(6, 9), 0.0, no_change)
    assert journal.append(events(6, 9), 0.0, no_change).n_new == 4
    check_exact(journal)


def test_a_session_lost_in_the_middle_of_a_batch_leaves_nothing_of_it(
    postgres_url: str, journal: PostgresJournal
) -> None:
    fold = CountingFold()

    def cut(new: list) -> dict:
        end_sessions(postgres_url)
        return fold(new)

    with pytest.raises(JournalError):
        journal.append(events(1, 5), 0.0, cut)
    assert all_events(journal) == []
    assert journal.append(events(1, 5), 0.0, fold).n_new == 5
    check_exact(journal)


def test_who_lost_the_right_to_write_never_writes_again(postgres_url: str, journal: PostgresJournal) -> None:
    journal.append([event(1)], 0.0, no_change)
    end_sessions(postgres_url)
    other = PostgresJournal(postgres_url)
    with pytest.raises(JournalError):
        journal.append([event(2)], 0.0, no_change)
    with pytest.raises(JournalError, match="another process"):
        journal.append([event(2)], 0.0, no_change)
    other.append([event(3)], 0.0, no_change)
    other.close()
    with pytest.raises(JournalError, match="moved on"):
        journal.append([event(2)], 0.0, no_change)
    with pytest.raises(JournalError, match="closed"):
        journal.append([event(2)], 0.0, no_change)
    last = PostgresJournal(postgres_url)
    assert [one.seq for one in all_events(last)] == [1, 3]
    last.close()


WRITER = """
import sys
from rahdari.operate.postgres_journal import PostgresJournal
from tests.operate.journal_helpers import CountingFold, event
journal, fold, seq = PostgresJournal(sys.argv[1]), CountingFold(), 0
while True:
    seq += 1
    seen = []
    journal.append([event(seq)], 0.0, lambda new: seen.append(fold(new)) or seen[0])
    fold.accept(seen[0])
    print(seq, flush=True)
"""


def test_a_killed_writer_leaves_every_acknowledged_event_once(postgres_url: str) -> None:
    running = subprocess.Popen([sys.executable, "-c", WRITER, postgres_url], stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    acknowledged = [int(running.stdout.readline()) for _ in range(40)]
    running.kill()
    acknowledged += [int(line) for line in running.stdout.read().splitlines()]
    running.wait()
    running.stdout.close()
    end_sessions(postgres_url)
    journal = PostgresJournal(postgres_url)
    assert set(acknowledged) <= {one.seq for one in all_events(journal)}
    check_exact(journal)
    journal.close()


def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(JournalError, match="see that the server runs"):
        PostgresJournal("postgresql://nobody@127.0.0.1:1/none")


def test_a_missing_driver_is_told_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(InputError, match="pip install"):
        postgres_journal.driver()
