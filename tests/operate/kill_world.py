"""A journal's whole server in a process of its own, killed at random, and what must hold afterwards.

Run as a program it serves the journal given; ``Killed`` drives it.  One event in ten asks for a notice, which is stored
with its event and delivered into a file.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from rahdari.operate.alarms import Alarm
from rahdari.operate.events import SEVERITIES, Event
from rahdari.operate.journal import Notice, Writes
from rahdari.operate.pipeline import Pipeline
from rahdari.operate.sqlite_journal import SqliteJournal
from rahdari.operate.tcp import TcpListener

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parents[2]
A_NOTICE = 10
N_RESOURCES = 50
BLOCK = 200
TIMEOUT_S = 60.0


class CountingFold:
    """Alarms by resource; ``n_raises`` counts events, so that one folded twice, or never, shows."""

    def __init__(self, alarms: Mapping[str, Alarm]) -> None:
        self.alarms = dict(alarms)

    def __call__(self, new: Sequence[Event]) -> Mapping[str, Alarm]:
        changed: dict[str, Alarm] = {}
        for one in new:
            had = changed.get(one.resource) or self.alarms.get(one.resource)
            n_raises = (had.n_raises if had else 0) + 1
            changed[one.resource] = Alarm(key=one.resource, resource=one.resource, type="LOS", n_raises=n_raises)
        return changed


def notices(new: Sequence[Event], _changed: Mapping[str, Alarm]) -> Writes:
    keys = [f"{one.source}/{one.seq}" for one in new if one.seq % A_NOTICE == 0]
    return Writes(notices=[Notice(key=key, channel="file", body=key.encode(), due_s=0.0) for key in keys])


def deliver(journal: SqliteJournal, file: Path, stop: threading.Event) -> None:
    """Deliver what is due: at least once, since a kill may come between the delivery and its note."""
    while not stop.is_set():
        due = journal.notices_due(time.time(), 50)
        with file.open("ab") as out:
            out.write(b"".join(one.body + b"\n" for one in due))
            out.flush()
            os.fsync(out.fileno())
        for one in due:
            journal.notice_done(one.key)
        stop.wait(0.0 if due else 0.02)


def serve(folder: Path) -> None:
    """Serve until killed, or until the input ends; then deliver what waits."""
    journal = SqliteJournal(folder / "live.db")
    fold = CountingFold({alarm.key: alarm for alarm in journal.alarms()})
    pipeline = Pipeline(
        journal, fold=fold, also=notices, on_committed=lambda _new, changed, _at: fold.alarms.update(changed)
    )
    listener, stop = TcpListener(pipeline), threading.Event()
    listener.start()
    sender = threading.Thread(target=deliver, args=(journal, folder / "delivered", stop))
    sender.start()
    sys.stdout.write(f"{listener.port}\n")
    sys.stdout.flush()
    sys.stdin.read()
    listener.stop()
    pipeline.stop()
    while journal.notices_due(time.time(), 1):
        time.sleep(0.01)
    stop.set()
    sender.join()
    journal.close()


class Source:
    """A device that numbers its events and knows which were acknowledged."""

    def __init__(self, name: str) -> None:
        self.name, self.acknowledged, self.next = name, 0, 1

    def line(self, seq: int) -> bytes:
        severity = SEVERITIES[seq % len(SEVERITIES)]
        told = Event(
            source=self.name, seq=seq, at_s=float(seq), resource=f"S{seq % N_RESOURCES}", type="LOS", severity=severity
        )
        return msgspec.json.encode(told) + b"\n"

    def send(self, port: int, stop: threading.Event) -> None:
        """Send block after block from the first that is not acknowledged, until stopped or cut off."""
        try:
            with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as one, one.makefile("rb") as answers:
                before, n_sent = self.acknowledged, 0
                while not stop.is_set():
                    one.sendall(b"".join(self.line(before + n_sent + n) for n in range(1, BLOCK + 1)))
                    n_sent += BLOCK
                    self.next = max(self.next, before + n_sent + 1)
                    while self.acknowledged < before + n_sent:
                        line = answers.readline()
                        if not line.endswith(b"\n"):
                            return
                        self.acknowledged = max(self.acknowledged, before + json.loads(line).get("ack", 0))
        except OSError:
            return


class Killed:
    """Sources and a server which is killed; the times of death are drawn from ``seed``."""

    def __init__(self, folder: Path, n_sources: int = 2, seed: int = 1) -> None:
        self.folder, self.sources = folder, [Source(f"source-{n}") for n in range(n_sources)]
        self._draw = np.random.Generator(np.random.Philox(seed))
        self.restart_s: list[float] = []

    def _start(self) -> tuple[subprocess.Popen[str], int]:
        start_s = time.monotonic()
        running = subprocess.Popen(
            [sys.executable, "-m", "tests.operate.kill_world", str(self.folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip
        assert running.stdout is not None
        port = int(running.stdout.readline())
        self.restart_s.append(time.monotonic() - start_s)
        return running, port

    def life(self, *, is_killed: bool, longest_s: float = 0.6) -> None:
        """Start the server, let every source send for a random time, then kill it or end it in order."""
        running, port = self._start()
        stop = threading.Event()
        threads = [threading.Thread(target=source.send, args=(port, stop)) for source in self.sources]
        for thread in threads:
            thread.start()
        time.sleep(self._draw.uniform(0.02, longest_s))
        if is_killed:
            running.kill()
        stop.set()
        for thread in threads:
            thread.join()
        running.communicate()
        assert is_killed or running.returncode == 0

    def check(self) -> dict[str, int]:
        """Hold every promise against the files as they are, and return what was counted."""
        journal = SqliteJournal(self.folder / "live.db")
        stored, after = [], 0
        while rows := journal.events(after, 10_000):
            stored += [(one.source, one.seq, one.severity) for _, _, one in rows]
            after = rows[-1][0]
        counters, n_folded = journal.counters(), sum(alarm.n_raises for alarm in journal.alarms())
        journal.close()
        identities = {(source, seq) for source, seq, _ in stored}
        acknowledged = {(one.name, seq) for one in self.sources for seq in range(1, one.acknowledged + 1)}
        assert acknowledged <= identities, "an acknowledged event is lost"
        assert len(identities) == len(stored), "an event is stored twice"
        assert counters["events"] == len(stored) == n_folded, "a counter or the alarms are not those of the events"
        for severity in SEVERITIES:
            assert counters.get(f"severity:{severity}", 0) == sum(one[2] == severity for one in stored)
        for one in self.sources:
            assert counters.get(f"source:{one.name}", 0) == sum(source == one.name for source, _, _ in stored)
        told = (self.folder / "delivered").read_text().splitlines()
        wanted = {f"{source}/{seq}" for source, seq in identities if seq % A_NOTICE == 0}
        assert wanted == set(told), "a notice is lost, or was never asked for"
        return {
            "n_stored": len(stored), "n_acknowledged": len(acknowledged), "n_duplicates": counters.get("duplicates", 0),
            "n_notices": len(wanted), "n_notices_twice": len(told) - len(wanted),
        }  # fmt: skip


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
