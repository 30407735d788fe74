"""The ledger under crashes and crowds: no wavelength twice, nothing half-done."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rahdari.errors import InputError, PlanError
from rahdari.store.ledger import FILE, Ledger, Need, Order, Reservation
from rahdari.store.query import OWNER, PUBLIC

ROOT = Path(__file__).parents[2]
AT = "2026-01-01T00:00:00+00:00"
LEGS = ("north", "south")
N_WAVELENGTHS = 5
STEPS = ("begun", "entered", "written", "committed")

WORKER = """
import json, os, signal, sys
from pathlib import Path
from rahdari.errors import InputError
from rahdari.store.ledger import Ledger, Need, Order

folder, name, n_orders, n_wavelengths, n_needed, dies_at = sys.argv[1:]

def at_step(step):
    if step == dies_at:
        os.kill(os.getpid(), signal.SIGKILL)

made = {}
with Ledger(Path(folder), at_step=at_step) as ledger:
    for number in range(int(n_orders)):
        key = f"{name}-{number}"
        needs = tuple(Need(leg, int(n_needed), int(n_wavelengths)) for leg in ("north", "south"))
        order = Order(key, name, "standard", "public", "A", "B", 100.0, "2026-01-01", needs, {}, key)
        try:
            made[key] = ledger.reserve(order).wavelengths
        except InputError:
            made[key] = None
print(json.dumps(made))
"""


def order(key: str = "k", n_needed: int = 1, *, buyer: str = "A", digest: str = "", level: str = "public") -> Order:
    needs = tuple(Need(leg, n_needed, N_WAVELENGTHS) for leg in LEGS)
    return Order(key, buyer, "standard", level, "A", "B", 100.0 * n_needed, AT, needs, {"a": 1}, digest or key)


def worker(folder: Path, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WORKER, str(folder), *[str(each) for each in arguments]]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


def slots(folder: Path) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(folder / FILE)
    try:
        return connection.execute("SELECT leg_id, wavelength, reservation_id FROM slots").fetchall()
    finally:
        connection.close()


def assert_whole(folder: Path, n_needed: int) -> list[Reservation]:
    """Check that every held reservation has all its wavelengths and that none is held twice."""
    with Ledger(folder) as ledger:
        found = ledger.reservations()
    held = [(leg, number) for each in found for leg, numbers in each.wavelengths.items() for number in numbers]
    assert len(held) == len(set(held)) == len(slots(folder))
    for each in found:
        counts = {leg: len(numbers) for leg, numbers in each.wavelengths.items()}
        assert counts == (dict.fromkeys(LEGS, n_needed) if each.state == "held" else {})
    return found


def test_a_reservation_takes_the_lowest_free_wavelengths_of_every_leg(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        assert ledger.reserve(order("a", 2)).wavelengths == {"north": (1, 2), "south": (1, 2)}
        assert ledger.reserve(order("b", 2)).wavelengths == {"north": (3, 4), "south": (3, 4)}
        assert ledger.n_held() == {"north": 4, "south": 4}


def test_an_order_that_does_not_fit_takes_nothing_and_every_short_leg_is_named(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.reserve(order("a", 4))
        with pytest.raises(InputError) as caught:
            ledger.reserve(order("b", 2))
        assert [problem.what for problem in caught.value.problems] == [
            f"leg {leg} has 1 free of 5 wavelengths, 2 are asked for" for leg in LEGS
        ]
        assert ledger.n_held() == {"north": 4, "south": 4}
        assert len(ledger.reservations()) == 1


def test_the_same_key_is_the_same_reservation_and_another_request_under_it_is_refused(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        first = ledger.reserve(order("a", 2))
        assert ledger.reserve(order("a", 2)) == first
        with pytest.raises(InputError, match="used for another request"):
            ledger.reserve(order("a", 2, digest="other"))
        assert ledger.n_held() == {"north": 2, "south": 2}


def test_what_is_released_can_be_sold_again_and_releasing_twice_changes_nothing(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        first = ledger.reserve(order("a", 5))
        released = ledger.release(first.reservation_id, AT)
        assert (released.state, released.wavelengths) == ("released", {})
        assert ledger.release(first.reservation_id, "later") == released
        assert ledger.reserve(order("b", 5)).wavelengths["north"] == (1, 2, 3, 4, 5)
        assert [what for _, _, what in ledger.history()] == ["held", "released", "held"]
        assert ledger.reserve(order("a", 5)).state == "released"


def test_an_unknown_reservation_is_refused(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger, pytest.raises(InputError, match="no reservation 'tr-none'"):
        ledger.release("tr-none", AT)


def test_restricted_reservations_are_hidden_below_their_clearance(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.reserve(order("a"))
        ledger.reserve(order("b", level="restricted"))
        assert [each.idempotency_key for each in ledger.reservations(clearance=PUBLIC)] == ["a"]
        assert len(ledger.reservations(clearance=OWNER)) == 2


def test_the_database_itself_refuses_a_second_holder(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.reserve(order("a"))
        with pytest.raises(sqlite3.IntegrityError):
            ledger._connection.execute("INSERT INTO slots VALUES ('north', 1, 'tr-x')")


def test_commits_are_written_ahead_and_synchronised(tmp_path: Path) -> None:
    full = 2
    with Ledger(tmp_path) as ledger:
        assert ledger._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert ledger._connection.execute("PRAGMA synchronous").fetchone() == (full,)


def test_a_file_that_is_no_ledger_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"not a database, but long enough to be looked at" * 40)
    with pytest.raises(PlanError, match="is no ledger, or damaged"):
        Ledger(tmp_path)


def test_a_database_of_someone_else_is_left_alone(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / FILE)
    connection.execute("CREATE TABLE theirs (a)")
    connection.commit()
    connection.close()
    with pytest.raises(PlanError, match="no ledger of rahdari"):
        Ledger(tmp_path)


@pytest.mark.parametrize("step", STEPS)
def test_a_process_killed_at_any_step_leaves_all_or_nothing_and_asking_again_is_safe(tmp_path: Path, step: str) -> None:
    process = worker(tmp_path, "killed", 1, N_WAVELENGTHS, 2, step)
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    found = assert_whole(tmp_path, 2)
    assert len(found) == (1 if step == "committed" else 0)
    again = worker(tmp_path, "killed", 1, N_WAVELENGTHS, 2, "never")
    output, _ = again.communicate(timeout=120)
    assert json.loads(output) == {"killed-0": {"north": [1, 2], "south": [1, 2]}}
    assert len(assert_whole(tmp_path, 2)) == 1


def test_a_release_cut_short_gives_back_all_or_nothing(tmp_path: Path) -> None:
    class Stopped(BaseException):
        pass

    def stop(step: str) -> None:
        if step == "entered" and is_armed:
            raise Stopped

    is_armed = False
    with Ledger(tmp_path, at_step=stop) as ledger:
        made = ledger.reserve(order("a", 2))
        is_armed = True
        with pytest.raises(Stopped):
            ledger.release(made.reservation_id, AT)
        assert ledger.reservation(made.reservation_id) == made


def test_processes_that_race_never_hold_one_wavelength_twice(tmp_path: Path) -> None:
    n_wavelengths, n_orders, names = 20, 12, ("a", "b", "c")
    racing = [worker(tmp_path, name, n_orders, n_wavelengths, 1, "never") for name in names]
    outputs = [process.communicate(timeout=120) for process in racing]
    assert [process.returncode for process in racing] == [0] * len(names), outputs
    made = {key: value for output, _ in outputs for key, value in json.loads(output).items()}
    won = {key for key, value in made.items() if value is not None}
    assert len(won) == n_wavelengths
    assert {each.idempotency_key for each in assert_whole(tmp_path, 1)} == won


@settings(max_examples=25, deadline=None)
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("reserve"), st.integers(0, 5), st.integers(1, 3)),
            st.tuples(st.just("release"), st.integers(0, 5), st.just(0)),
        ),
        max_size=15,
    )
)
def test_any_history_agrees_with_a_plain_model(steps: list[tuple[str, int, int]]) -> None:
    held: dict[str, int] = {}
    known: dict[str, tuple[str, int]] = {}
    with tempfile.TemporaryDirectory() as folder, Ledger(Path(folder)) as ledger:
        for what, number, n_needed in steps:
            key = f"k{number}"
            if what == "release" and key in known:
                ledger.release(known[key][0], AT)
                held.pop(key, None)
            elif what == "reserve":
                request = order(key, n_needed, digest=f"{key}-{n_needed}")
                fits = sum(held.values()) + n_needed <= N_WAVELENGTHS
                if key in known and known[key][1] == n_needed:
                    assert ledger.reserve(request).reservation_id == known[key][0]
                elif key in known or not fits:
                    with pytest.raises(InputError):
                        ledger.reserve(request)
                else:
                    known[key] = (ledger.reserve(request).reservation_id, n_needed)
                    held[key] = n_needed
        total = sum(held.values())
        assert ledger.n_held() == (dict.fromkeys(LEGS, total) if total else {})


def test_a_folder_that_cannot_be_written_is_named() -> None:
    if os.geteuid() == 0:
        with pytest.raises(PlanError):
            Ledger(Path("/proc/nowhere"))
    else:
        with pytest.raises(PlanError):
            Ledger(Path("/nowhere"))
