"""Events of the live network over TCP, durably acknowledged: the rate for a minute, and the wait at 2,000/s.

The server (listener, group commit into SQLite with ``synchronous=FULL``, alarms folded and stored in the transaction
of their events) and the sender are two processes on the same machine. The mix is a nation's: raises and clears of
58,000 sites in no order, one event in ten from 100 of them that flap; beside it the figure where all come from the
100, and the one without alarms, as a collector stores them. The naive figure is the same SQLite file with one
transaction an event. Targets: 20,000 events/s on two cores, and 150 ms for 99 of 100 answers at 2,000/s. The state of
the machine is told with the figures.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import msgspec
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from rahdari.operate.alarms import Alarm, AlarmBook
from rahdari.operate.events import Event
from rahdari.operate.pipeline import Pipeline
from rahdari.operate.sqlite_journal import SqliteJournal
from rahdari.operate.tcp import TcpListener

TARGET_PER_S, TARGET_P99_MS = 20_000, 150.0
FULL_S, PLAIN_S, STEADY_S, NAIVE_S = 60.0, 15.0, 20.0, 3.0
STEADY_PER_S, TICK_S = 2_000, 0.01
N_SOURCES, N_SITES, N_FLAPPING, FLAPPING_FRAC = 8, 58_000, 100, 0.1
WINDOW_LINES, BLOCK = 20_000, 500
FSYNCS = 200


class Sites:
    """Sites that lose mains and get them back, told in a drawn order: ``flapping_frac`` of events by the flapping."""

    def __init__(self, flapping_frac: float) -> None:
        """Start with mains everywhere."""
        self.flapping_frac, self.n_told, self.is_out = flapping_frac, 0, bytearray(N_SITES)
        self.draw = np.random.Generator(np.random.Philox(8))

    def alarms(self, n: int) -> list[Event]:
        """Return the next ``n`` alarms of about 430 bytes, numbered from 1."""
        least = np.where(self.draw.random(n) < self.flapping_frac, N_FLAPPING, N_SITES)
        return [self._alarm(site) for site in (self.draw.random(n) * least).astype(np.int64).tolist()]

    def _alarm(self, site: int) -> Event:
        self.n_told += 1
        self.is_out[site] = not self.is_out[site]
        return Event(
            source=f"collector-{self.n_told % N_SOURCES}", seq=self.n_told, at_s=1.7e9 + self.n_told * 1e-4,
            resource=f"site-{site}", type="mainsFailure", severity="major" if self.is_out[site] else "cleared",
            qualifier="rectifier", text="Mains failure at the site; batteries carry the load " * 4,
            fields={"vendor": "A", "element": str(self.n_told)},
        )  # fmt: skip

    def lines(self, n: int) -> bytes:
        """Return the lines of the next ``n`` alarms."""
        return b"".join(msgspec.json.encode(one) + b"\n" for one in self.alarms(n))


def serve(path: Path, *, with_alarms: bool) -> None:
    """Serve until the input ends; without alarms it does what a collector does."""
    journal = SqliteJournal(path)
    book = AlarmBook(journal.alarms())
    fold = book.folded if with_alarms else no_change
    pipeline = Pipeline(journal, fold=fold, on_committed=lambda _new, changed, _at: book.accept(changed))
    listener = TcpListener(pipeline)
    listener.start()
    print(listener.port, flush=True)
    sys.stdin.read()
    listener.stop()
    pipeline.stop()
    print(journal.counters()["events"], pipeline.status().n_batches, time.process_time(), flush=True)
    journal.close()


def no_change(_new: object) -> dict[str, Alarm]:
    """Fold nothing."""
    return {}


def start(path: Path, kind: str = "alarms") -> tuple[subprocess.Popen[str], int]:
    """Start a server and return it with its port."""
    running = subprocess.Popen(
        [sys.executable, __file__, kind, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    return running, int(running.stdout.readline())


def stop(running: subprocess.Popen[str]) -> tuple[int, int, float]:
    """End a server in order; return how many events it stored, in how many batches, and its processor seconds."""
    out, _ = running.communicate()
    n_events, n_batches, cpu_s = out.split()
    return int(n_events), int(n_batches), float(cpu_s)


def full(path: Path, duration_s: float, kind: str = "alarms", flapping_frac: float = FLAPPING_FRAC) -> dict[str, float]:
    """Send as fast as answers come."""
    running, port = start(path, kind)
    sites = Sites(flapping_frac)
    n_sent = n_acknowledged = 0
    with socket.create_connection(("127.0.0.1", port)) as one, one.makefile("rb") as answers:
        begin, blocks = time.perf_counter(), sites.lines(BLOCK)
        while time.perf_counter() - begin < duration_s:
            while n_sent - n_acknowledged < WINDOW_LINES:
                one.sendall(blocks)
                n_sent += BLOCK
                blocks = sites.lines(BLOCK)
            n_acknowledged = json.loads(answers.readline()).get("ack", n_acknowledged)
        spent_s = time.perf_counter() - begin
        per_s = n_acknowledged / spent_s
        while n_acknowledged < n_sent:
            n_acknowledged = json.loads(answers.readline()).get("ack", n_acknowledged)
    n_stored, n_batches, cpu_s = stop(running)
    assert n_stored == n_sent, (n_stored, n_sent)
    return {"per_s": per_s, "n_stored": n_stored, "n_a_batch": n_stored / n_batches, "per_cpu_s": n_stored / cpu_s}


def steady(path: Path) -> np.ndarray:
    """Send 2,000 a second evenly; return the milliseconds from the sending of each event to its answer."""
    running, port = start(path)
    sites = Sites(FLAPPING_FRAC)
    n_a_tick = round(STEADY_PER_S * TICK_S)
    n_ticks = round(STEADY_S / TICK_S)
    sent_s, answered_s = np.zeros(n_ticks * n_a_tick + 1), np.zeros(n_ticks * n_a_tick + 1)
    with socket.create_connection(("127.0.0.1", port)) as one, one.makefile("rb") as answers:

        def hear() -> None:
            last = 0
            while last < len(sent_s) - 1:
                acknowledged = json.loads(answers.readline())["ack"]
                answered_s[last + 1 : acknowledged + 1] = time.perf_counter()
                last = acknowledged

        hearing = threading.Thread(target=hear)
        hearing.start()
        begin = time.perf_counter()
        for tick in range(n_ticks):
            time.sleep(max(0.0, begin + tick * TICK_S - time.perf_counter()))
            block = sites.lines(n_a_tick)
            sent_s[tick * n_a_tick + 1 : (tick + 1) * n_a_tick + 1] = time.perf_counter()
            one.sendall(block)
        hearing.join()
    stop(running)
    return (answered_s[1:] - sent_s[1:]) * 1e3


def naive(path: Path) -> float:
    """Return events a second with one transaction an event, no network, in the same kind of file."""
    journal, sites, n, begin = SqliteJournal(path), Sites(FLAPPING_FRAC), 0, time.perf_counter()
    while time.perf_counter() - begin < NAIVE_S:
        n += 1
        journal.append(sites.alarms(1), 0.0, no_change)
    journal.close()
    return n / NAIVE_S


def fsync_ms(folder: Path) -> tuple[float, float]:
    """Return the median and the 99th of 100 of a synchronisation of 4 KiB on this disk."""
    spent = []
    with (folder / "sync").open("wb") as file:
        for _ in range(FSYNCS):
            file.write(b"x" * 4096)
            file.flush()
            begin = time.perf_counter()
            os.fsync(file.fileno())
            spent.append(time.perf_counter() - begin)
    return float(np.median(spent)) * 1e3, float(np.quantile(spent, 0.99)) * 1e3


def main() -> None:
    """Measure all three on the disk of the working folder."""
    with tempfile.TemporaryDirectory(dir=".", prefix=".live-") as name:
        folder = Path(name)
        sync, others = fsync_ms(folder), os.getloadavg()[0]
        slow = naive(folder / "naive.db")
        found = full(folder / "full.db", FULL_S)
        few = full(folder / "few.db", PLAIN_S, flapping_frac=1.0)
        plain = full(folder / "plain.db", PLAIN_S, "plain")
        waits = steady(folder / "steady.db")
    p50, p99 = np.quantile(waits, [0.5, 0.99])
    print(json.dumps({
        "bench": "live_ingest", "ours_per_s": round(found["per_s"]), "naive_per_s": round(slow),
        "ratio": round(found["per_s"] / slow, 1), "target_per_s": TARGET_PER_S,
        "ours_per_processor_s": round(found["per_cpu_s"]), "ours_few_flapping_per_s": round(few["per_s"]),
        "few_flapping_per_processor_s": round(few["per_cpu_s"]), "ours_without_alarms_per_s": round(plain["per_s"]),
        "without_alarms_per_processor_s": round(plain["per_cpu_s"]),
        "is_within_target": found["per_s"] >= TARGET_PER_S and p99 <= TARGET_P99_MS,
        "seconds": FULL_S, "n_stored": found["n_stored"], "n_a_batch": round(found["n_a_batch"]),
        "ack_p50_ms_at_2000_per_s": round(float(p50), 1), "ack_p99_ms_at_2000_per_s": round(float(p99), 1),
        "target_p99_ms": TARGET_P99_MS, "fsync_p50_ms": round(sync[0], 2), "fsync_p99_ms": round(sync[1], 2),
        "n_cores": os.cpu_count(), "load_of_others": round(others, 2),
    }))  # fmt: skip


if __name__ == "__main__":
    if sys.argv[1:2] in (["alarms"], ["plain"]):
        serve(Path(sys.argv[2]), with_alarms=sys.argv[1] == "alarms")
    else:
        main()
