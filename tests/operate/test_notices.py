"""People are told of an incident once for each thing worth it, in the running App as in a replay."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from rahdari import operate
from rahdari.operate import Event, VirtualClock
from rahdari.operate.notify import Channel
from tests.operate.story_case import story, told

if TYPE_CHECKING:
    from pathlib import Path

WINDOW = {"action": "opened", "object": "V1", "from_s": "0", "to_s": "3600"}
STEP_S, WAIT_S = 31.0, 20.0  # beyond a tick of the reasoner; the longest wait for it on this machine


def heard(folder: Path, events: list[Event], *times_s: float, is_planned: bool = False, n: int = 0) -> list[list[str]]:
    """Return what a file was told by the last event and by each time; waits until ``n`` are there at the last."""
    file, clock = folder / "notices", VirtualClock(0.0)
    app = operate.App(
        story(), f"sqlite:///{folder / 'live.db'}", clock=clock, channels=[Channel("f", "file", path=file)]
    )
    found = []

    def now() -> list[str]:
        assert app.wait_idle()
        return [json.loads(line)["what"] for line in file.read_text().splitlines()] if file.exists() else []

    app.start()
    try:
        if is_planned:
            app.operator("Sana", "maintenance", "V1", **WINDOW)
        for event in events:
            clock.advance(max(0.0, event.at_s - clock.now_s()))
            operate.ingest(app, [event])
            now()
        found.append(now())
        for at_s in times_s:
            clock.advance(at_s - clock.now_s())
            found.append(now())
        end_s = time.monotonic() + WAIT_S
        while times_s and len(found[-1]) < n and time.monotonic() < end_s:
            clock.advance(STEP_S)
            time.sleep(0.01)
            found[-1] = now()
    finally:
        app.stop()
    return found


def test_a_flapping_link_is_told_twice_at_most(tmp_path: Path) -> None:
    rows = [(10.0 * i + j, "X2", "linkDown", ("major", "cleared")[j // 5]) for i in range(12) for j in (0, 5)]
    assert all(len(each) <= 2 for each in heard(tmp_path, told(*rows), 400.0, 5000.0))


def test_work_is_told_of_when_it_overruns_and_only_once(tmp_path: Path) -> None:
    rows = told((60.0, "V1:B-port", "LOS"), (65.0, "F", "unreachable"), (70.0, "c4", "unreachable"))
    first, before, after = heard(tmp_path, rows, 3599.0, 3600.0, is_planned=True, n=1)
    assert (first, before, after) == ([], [], ["overrun"])


def test_a_step_of_customers_is_told_when_it_is_passed_and_not_beside_the_opening(tmp_path: Path) -> None:
    (first,) = heard(tmp_path, told((0.0, "V1:B-port", "LOS"), (5.0, "F", "unreachable")))
    assert first == ["opened"]
    chain = told((0.0, "B:rectifier", "mainsFail"), (14400.0, "U1:S-port", "LOS"), (14400.0, "B", "unreachable"))
    (tmp_path / "power").mkdir()
    (power,) = heard(tmp_path / "power", chain)
    assert [what for what in power if what.startswith("reached")] == ["reached-10000"]
