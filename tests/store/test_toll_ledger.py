"""The toll ledger: each passage once under retries and kills, totals exact, plates kept from it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from rahdari.errors import InputError, PlanError
from rahdari.store.toll_ledger import Passage, PlateKeys, TollLedger

ROOT = Path(__file__).parents[2]
N, BATCH, N_KILLS = 4_000, 50, 6
AT_S = 1_790_000_000.0
DAY_S = 86_400.0
STEPS = ("begun", "entered", "written", "committed")
WORKER = """
import os, signal, sys
from pathlib import Path
from rahdari.store.toll_ledger import Passage, TollLedger
path, first, last, step = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
def at_step(now):
    if now == step:
        os.kill(os.getpid(), signal.SIGKILL)
with TollLedger(Path(path), at_step=at_step) as ledger:
    print("open", flush=True)
    for start in range(first, last, 50):
        batch = [Passage(f"p{k}", "m2", "1", 1.79e9 + k, f"ABC{k % 1000:03d}", 0.9, "car", 100 + k % 7)
                 for k in range(start, start + 50)]
        ledger.record_many(batch)
        print(start + 50, flush=True)
"""


def passage(number: int = 1, **changes: object) -> Passage:
    told: dict[str, object] = {
        "passage_id": f"p{number}", "gantry_id": "m2-north", "lane": "1", "at_s": AT_S + number, "plate": "ABC123",
        "confidence": 0.9, "toll_paisa": 5000, "frames": ("a.jpg",),
    }  # fmt: skip
    return Passage(**{**told, **changes})  # type: ignore[arg-type]


def worker(path: Path, first: int, last: int, step: str = "never") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(path), str(first), str(last), step],
        stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def test_a_passage_told_again_is_booked_once(tmp_path: Path) -> None:
    with TollLedger(tmp_path / "toll.sqlite3") as ledger:
        assert ledger.record(passage())
        assert not ledger.record(passage(plate="ABC124", confidence=0.4))
        assert ledger.record_many([passage(2), passage(2), passage(1)]) == 1
        assert ledger.totals() == ledger.counted() == {"booked": (2, 10_000)}


def test_a_number_used_for_another_passage_is_refused_and_nothing_is_booked(tmp_path: Path) -> None:
    with TollLedger(tmp_path / "toll.sqlite3") as ledger:
        ledger.record(passage())
        with pytest.raises(InputError, match="used for another passage"):
            ledger.record_many([passage(3), passage(1, lane="2")])
        assert ledger.counted() == {"booked": (1, 5000)}


@pytest.mark.parametrize("step", STEPS)
def test_a_process_killed_at_any_step_leaves_all_or_nothing(tmp_path: Path, step: str) -> None:
    path = tmp_path / "toll.sqlite3"
    process = worker(path, 0, BATCH, step)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    with TollLedger(path) as ledger:
        n, _ = ledger.counted().get("booked", (0, 0))
        assert n == (BATCH if step == "committed" else 0)
        assert ledger.totals() == ledger.counted()


def test_a_gantry_killed_again_and_again_books_each_passage_once(tmp_path: Path) -> None:
    path, draw = tmp_path / "toll.sqlite3", np.random.default_rng(4)
    for _ in range(N_KILLS):
        process = worker(path, 0, N)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(draw.uniform(0.0, 0.15))
        process.send_signal(signal.SIGKILL)
        told = process.stdout.read().split()
        process.wait()
        process.stdout.close()
        with TollLedger(path) as ledger:
            n, _ = ledger.totals().get("booked", (0, 0))
            assert n >= int(told[-1] if told else 0)
            assert ledger.totals() == ledger.counted()
    last = worker(path, 0, N)
    last.communicate()
    assert last.returncode == 0
    with TollLedger(path) as ledger:
        assert ledger.totals() == ledger.counted() == {"booked": (N, sum(100 + k % 7 for k in range(N)))}


def test_no_plate_stands_in_the_ledger_and_the_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "toll.sqlite3"
    with TollLedger(path) as ledger:
        ledger.record(passage(plate="SECRET77"))
    assert all(b"SECRET77" not in file.read_bytes() for file in tmp_path.iterdir())
    assert (tmp_path / "toll.sqlite3.keys").stat().st_mode & 0o077 == 0
    (tmp_path / "toll.sqlite3.keys").chmod(0o644)
    with pytest.raises(InputError, match="others may read"):
        TollLedger(path)


def test_an_owner_finds_the_passages_of_a_plate_over_keys_that_changed(tmp_path: Path) -> None:
    with TollLedger(tmp_path / "toll.sqlite3") as ledger:
        ledger.record_many([passage(1), passage(2, at_s=AT_S + 100 * DAY_S), passage(3, plate="XYZ999")])
        assert [each.passage_id for each in ledger.of_plate("ABC123")] == ["p1", "p2"]
        assert len(ledger.keys.known()) == 2


def test_retention_erases_plates_frames_and_keys_and_keeps_the_money(tmp_path: Path) -> None:
    with TollLedger(tmp_path / "toll.sqlite3") as ledger:
        ledger.record_many([passage(1), passage(2, at_s=AT_S + 100 * DAY_S)])
        assert ledger.forget(AT_S + 90 * DAY_S) == 1
        assert [each.passage_id for each in ledger.of_plate("ABC123")] == ["p2"]
        assert ledger.totals() == ledger.counted() == {"booked": (2, 10_000)}
        assert ledger.forget(AT_S + 90 * DAY_S) == 0


def test_what_could_not_be_read_waits_for_a_person_and_their_word_moves_the_money(tmp_path: Path) -> None:
    with TollLedger(tmp_path / "toll.sqlite3") as ledger:
        ledger.record(passage(plate=None, reason="too faint"))
        assert [each.frames for each in ledger.in_state("to_review")] == [("a.jpg",)]
        with pytest.raises(InputError, match="nobody has read"):
            ledger.decide("p1", "booked", who="clerk", why="", at_s=AT_S)
        ledger.decide("p1", "booked", who="clerk", why="read by eye", at_s=AT_S, plate="ABC123")
        ledger.decide("p1", "disputed", who="driver", why="sold the car", at_s=AT_S)
        assert ledger.totals() == ledger.counted() == {"disputed": (1, 5000)}
        with pytest.raises(InputError, match="no passage"):
            ledger.decide("p9", "void", who="clerk", why="", at_s=AT_S)


def test_a_clock_that_jumps_back_loses_nothing(tmp_path: Path) -> None:
    with TollLedger(tmp_path / "toll.sqlite3") as ledger:
        ledger.record_many([passage(1), passage(2, at_s=0.0), passage(3, at_s=AT_S)])
        assert ledger.counted() == {"booked": (3, 15_000)}


def test_all_that_is_wrong_with_passages_is_told_at_once(tmp_path: Path) -> None:
    wrong = [passage(1, toll_paisa=-1), passage(2, at_s=float("nan")), passage(3, gantry_id="")]
    with TollLedger(tmp_path / "toll.sqlite3") as ledger, pytest.raises(InputError) as error:
        ledger.record_many(wrong)
    assert len(error.value.problems) == 3


def test_a_file_that_is_no_ledger_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "toll.sqlite3"
    path.write_text("hello", encoding="utf-8")
    with pytest.raises(PlanError):
        TollLedger(path)
    assert path.read_text(encoding="utf-8") == "hello"


def test_keys_made_by_two_processes_at_once_are_the_same(tmp_path: Path) -> None:
    first, second = (PlateKeys(tmp_path / "keys") for _ in range(2))
    assert first.at(AT_S) == second.at(AT_S)
