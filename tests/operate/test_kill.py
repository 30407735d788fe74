from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rahdari.operate.sqlite_journal import SqliteJournal
from tests.operate.kill_world import Killed

if TYPE_CHECKING:
    from pathlib import Path

KILLS = 6


def test_a_server_killed_again_and_again_keeps_every_promise(tmp_path: Path) -> None:
    world = Killed(tmp_path)
    for _ in range(KILLS):
        world.life(is_killed=True)
    world.life(is_killed=False)
    found = world.check()
    assert found["n_acknowledged"] > 0
    assert found["n_notices"] > 0


def test_the_check_notices_what_it_is_for(tmp_path: Path) -> None:
    world = Killed(tmp_path, n_sources=1)
    world.life(is_killed=False)
    world.check()
    world.sources[0].acknowledged += 10_000
    with pytest.raises(AssertionError, match="lost"):
        world.check()
    world.sources[0].acknowledged = 0
    journal = SqliteJournal(tmp_path / "live.db")
    assert journal._writer is not None
    journal._writer.execute("UPDATE counters SET value = value + 1 WHERE name = 'events'")
    journal.close()
    with pytest.raises(AssertionError, match="counter"):
        world.check()
