"""From the start of the process to the first acknowledged event, with 10,000,000 events in the journal.

The server was killed in the middle of a storm before.  The naive way folds all events again; it is timed on a part and
scaled.  The target is two seconds.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

import live_ingest

from rahdari.operate.alarms import AlarmBook
from rahdari.operate.sqlite_journal import SqliteJournal

N_EVENTS, N_SAMPLE, N_STORM, BATCH, N_REPEATS = 10_000_000, 40_000, 20_000, 2_000, 3
TARGET_S = 2.0
# The rows of the journal as its own writer makes them, put in at the speed of SQL.
FILL = """
WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < :n)
INSERT INTO events (position, source_id, seq, received_s, body)
SELECT (SELECT coalesce(max(position), 0) FROM events) + n, n % 8 + 1, :first + n, 1.7e9,
  CAST('{"source":"collector-' || (n % 8) || '","seq":' || (:first + n) || ',"at_s":1.7e9,"resource":"site-'
  || (n % 5000) || '","type":"mainsFailure","severity":"major","qualifier":"rectifier","text":"'
  || 'Mains failure at the site; batteries carry the load' || '","fields":{}}' AS BLOB)
FROM number
"""


def build(path: Path) -> None:
    """Write a journal of the events asked for, with its alarms and counters."""
    journal, book = SqliteJournal(path), AlarmBook()
    for first in range(1, N_SAMPLE, BATCH):
        events = [live_ingest.alarm(seq) for seq in range(first, first + BATCH)]
        changed: dict = {}
        journal.append(events, 0.0, lambda new, changed=changed: changed.update(book.folded(new)) or changed)
        book.accept(changed)
    journal.close()
    with sqlite3.connect(path, isolation_level=None) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(FILL, {"n": N_EVENTS - N_SAMPLE, "first": 10_000_000})
        connection.execute("UPDATE counters SET value = ? WHERE name = 'events'", (N_EVENTS,))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    os.sync()


def storm_and_kill(path: Path, first: int) -> None:
    """Store a storm and kill the server before it can tidy up."""
    running, port = live_ingest.start(path)
    with socket.create_connection(("127.0.0.1", port)) as one, one.makefile("rb") as answers:
        one.sendall(live_ingest.lines(first, N_STORM))
        while json.loads(answers.readline()).get("ack", 0) < N_STORM // 2:
            pass
        running.kill()
    running.communicate()


def restart_s(path: Path, seq: int) -> float:
    """Return the seconds from starting the process to the first acknowledgement."""
    begin = time.perf_counter()
    running, port = live_ingest.start(path)
    with socket.create_connection(("127.0.0.1", port)) as one, one.makefile("rb") as answers:
        one.sendall(live_ingest.line(seq))
        assert json.loads(answers.readline()) == {"ack": 1}
        spent_s = time.perf_counter() - begin
    live_ingest.stop(running)
    return spent_s


def refold_s(path: Path) -> float:
    """Return the seconds to read and fold every event, from a part of them."""
    journal, book = SqliteJournal(path, is_read_only=True), AlarmBook()
    begin, after = time.perf_counter(), 0
    while after < N_SAMPLE and (rows := journal.events(after, BATCH)):
        book.accept(book.folded([event for _, _, event in rows]))
        after = rows[-1][0]
    journal.close()
    return (time.perf_counter() - begin) * N_EVENTS / N_SAMPLE


def main() -> None:
    """Build, kill, restart; the slowest restart counts."""
    with tempfile.TemporaryDirectory(dir=".", prefix=".live-") as name:
        path, others = Path(name) / "live.db", os.getloadavg()[0]
        build(path)
        spent = []
        for n in range(N_REPEATS):
            storm_and_kill(path, 100_000_000 + n * N_STORM)
            spent.append(restart_s(path, 200_000_000 + n))
        naive_s, n_bytes = refold_s(path), path.stat().st_size
    print(json.dumps({
        "bench": "live_restart", "ours_s": round(max(spent), 2), "ours_best_s": round(min(spent), 2),
        "naive_refold_s": round(naive_s), "ratio": round(naive_s / max(spent)), "target_s": TARGET_S,
        "is_within_target": max(spent) <= TARGET_S, "n_events": N_EVENTS, "file_gb": round(n_bytes / 1e9, 2),
        "n_cores": os.cpu_count(), "load_of_others": round(others, 2),
    }))  # fmt: skip


if __name__ == "__main__":
    main()
