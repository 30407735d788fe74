from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from rahdari.operate.journal import JournalBusyError, JournalError, open_journal
from rahdari.operate.standby import stand_by
from tests.operate.journal_helpers import all_events, check_exact, event, no_change

if TYPE_CHECKING:
    from pathlib import Path

    from rahdari.operate.journal import Journal

POLL_S = 0.01
WRITER = """
import sys
from rahdari.operate.journal import open_journal
from tests.operate.journal_helpers import event, no_change
journal, seq = open_journal(sys.argv[1]), 0
while True:
    seq += 1
    journal.append([event(seq, "first")], 0.0, no_change)
    print(seq, flush=True)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return where a new journal may stand, on a file and on a server."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path / 'live.db'}"


def test_the_standby_takes_over_when_the_first_is_killed_and_not_before(url: str) -> None:
    first = subprocess.Popen([sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    acknowledged = [int(first.stdout.readline()) for _ in range(5)]
    stop, waiting, told, got = threading.Event(), threading.Event(), [], []

    def hear(words: str) -> None:
        told.append(words)
        waiting.set()

    def second() -> None:
        got.append(stand_by(url, stop, poll_s=POLL_S, on_waiting=hear))

    thread = threading.Thread(target=second)
    thread.start()
    assert waiting.wait(30.0)
    acknowledged += [int(first.stdout.readline()) for _ in range(20)]
    assert got == []
    with pytest.raises(JournalBusyError):
        open_journal(url)
    first.kill()
    acknowledged += [int(line) for line in first.stdout.read().splitlines()]
    first.wait()
    first.stdout.close()
    thread.join()
    journal: Journal = got[0]
    assert set(acknowledged) <= {one.seq for one in all_events(journal)}
    journal.append([event(1, "second")], 0.0, no_change)
    check_exact(journal)
    journal.close()
    assert told == ["another process writes this journal"]


def test_a_standby_that_is_stopped_returns_nothing(url: str) -> None:
    first, stop = open_journal(url), threading.Event()
    assert stand_by(url, stop, poll_s=POLL_S, on_waiting=lambda _words: stop.set()) is None
    first.close()


def test_a_standby_does_not_wait_for_a_journal_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "live.db").write_bytes(b"not a database" * 100)
    with pytest.raises(JournalError, match="backup"):
        stand_by(f"sqlite:///{tmp_path / 'live.db'}", threading.Event())
