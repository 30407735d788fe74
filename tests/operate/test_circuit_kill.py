"""A circuit's life under kill -9: wherever the process dies, telling the same story again ends in the same books."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from rahdari.operate.adapters import FILE as NETWORK_FILE
from rahdari.store.ledger import FILE as LEDGER_FILE
from tests.operate.circuit_story import tell

ROOT = Path(__file__).parents[2]
TABLES = {
    LEDGER_FILE: (
        "reservations", "slots", "circuits", "acts", "faults", "outages", "windows", "measurements", "postings",
        "circuit_history", "history",
    ),
    NETWORK_FILE: ("lit", "carried", "condition"),
}  # fmt: skip
#: Each kind of step, at several places of the story.
KILLS = ("begun", "entered", "written", "committed", "network begun", "network written", "network committed", "posted")

MEMORY = Path("/dev/shm")  # noqa: S108  # files that cost no wait for the disk: a stop in the process needs none


class Stopped(BaseException):
    """Stands for the end of the process where a test cannot spare one."""


def books(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table of ledger and network."""
    found = {}
    for file, tables in TABLES.items():
        connection = sqlite3.connect(folder / file)
        for table in tables:
            rows = connection.execute(f"SELECT * FROM {table}").fetchall()
            # Steps are numbered by the database; numbers of what was undone are not used again.
            found[table] = [row[1:] for row in rows] if table.endswith("history") else sorted(rows, key=repr)
        connection.close()
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], dict[str, list[tuple[object, ...]]]]:
    """Return the steps of the story told without a stop, and the books it ends in."""
    steps: list[str] = []
    folder = tmp_path_factory.mktemp("whole")
    tell(folder, steps.append)
    return steps, books(folder)


def test_the_story_meets_every_kind_of_step_and_leaves_money_in_the_books(whole: tuple[list[str], dict]) -> None:
    steps, found = whole
    assert set(steps) == set(KILLS)
    assert {what for *_, what, _ in found["circuit_history"]} >= {"ceased", "up on working"}
    assert len(found["postings"]) == 4
    assert len(found["outages"]) >= 3


def test_told_twice_the_story_changes_nothing(tmp_path: Path, whole: tuple[list[str], dict]) -> None:
    for _ in range(2):
        tell(tmp_path, lambda _step: None)
    assert books(tmp_path) == whole[1]


def test_stopped_at_any_step_at_all_and_told_again_the_books_are_the_same(whole: tuple[list[str], dict]) -> None:
    steps, expected = whole
    for number in range(len(steps)):
        left = [number]

        def stop(_step: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Stopped

        with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
            folder = Path(name)
            with pytest.raises(Stopped):
                tell(folder, stop)
            tell(folder, lambda _step: None)
            assert books(folder) == expected, f"step {number}, {steps[number]}"


@pytest.mark.parametrize("kind", KILLS)
def test_killed_at_each_kind_of_step_and_told_again_the_books_are_the_same(
    tmp_path: Path, whole: tuple[list[str], dict], kind: str
) -> None:
    steps, expected = whole
    places = [number for number, step in enumerate(steps) if step == kind]
    number = places[len(places) // 2]
    process = subprocess.run(
        [sys.executable, "-m", "tests.operate.circuit_story", str(tmp_path), str(number)], cwd=ROOT, timeout=120,
        check=False,
    )  # fmt: skip
    assert process.returncode == -signal.SIGKILL
    assert books_hold(tmp_path)
    tell(tmp_path, lambda _step: None)
    assert books(tmp_path) == expected


def books_hold(folder: Path) -> bool:
    """Check what must hold at every moment: no light without its wavelength held, and whole files."""
    ledger, network = (sqlite3.connect(folder / file) for file in (LEDGER_FILE, NETWORK_FILE))
    slots = set(ledger.execute("SELECT leg_id, wavelength, reservation_id FROM slots"))
    lit = set(network.execute("SELECT leg_id, wavelength, circuit_id FROM lit"))
    is_whole = all(each.execute("PRAGMA integrity_check").fetchone() == ("ok",) for each in (ledger, network))
    ledger.close()
    network.close()
    return is_whole and lit <= slots
