"""Hints learned from logs: shown with their confidence, kept in a file, and never deciding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from rahdari.errors import InputError
from rahdari.operate.events import Event
from rahdari.operate.learned import AlarmLog, learned_hints, log_of_events, read_alarm_log, read_hints, write_hints

if TYPE_CHECKING:
    from pathlib import Path

DAY_S = 86_400.0


def _events(n: int = 60) -> list[Event]:
    draw = np.random.default_rng(1)
    found = []
    for k in range(n):
        at, device = float(draw.uniform(0, 50 * DAY_S)), f"site-{draw.integers(0, 6)}"
        for seq, part, kind, delay in ((0, "rectifier", "mainsFail", 0.0), (1, "battery", "batteryLow", 45.0)):
            told = {"source": "nms", "resource": f"{device}:{part}", "type": kind}
            found.append(Event(seq=4 * k + seq, at_s=at + delay, severity="major", **told))
            found.append(Event(seq=4 * k + seq + 2, at_s=at + 5000, severity="cleared", **told))
    return found


def test_an_edge_is_learned_from_raises_alone_and_asked_for_by_type() -> None:
    hints = learned_hints(log_of_events(_events()))
    assert [(each.cause, each.effect) for each in hints.edges] == [("mainsFail", "batteryLow")]
    assert 0.5 < hints.edges[0].confidence < 1.0
    assert hints.of(["mainsFail", "LOS"]) == ()
    assert len(hints.of(["batteryLow", "mainsFail"])) == 1


def test_types_that_hardly_occur_say_nothing() -> None:
    assert learned_hints(log_of_events(_events(3))).edges == ()


def test_hints_come_back_from_their_file(tmp_path: Path) -> None:
    hints = learned_hints(log_of_events(_events()))
    write_hints(hints, tmp_path / "hints.json")
    assert read_hints(tmp_path / "hints.json") == hints
    (tmp_path / "other.json").write_text("[1", encoding="utf-8")
    with pytest.raises(InputError, match="no file of hints"):
        read_hints(tmp_path / "other.json")


def test_a_log_in_csv_is_read_with_its_links(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("alarm_id,device_id,start_timestamp\n3,7,100\n4,8,130\n", encoding="utf-8")
    (tmp_path / "links.csv").write_text("7,8\n", encoding="utf-8")
    joined = np.zeros((9, 9), int)
    joined[7, 8] = 1
    np.save(tmp_path / "links.npy", joined)
    read = read_alarm_log(tmp_path / "log.csv", tmp_path / "links.csv")
    assert read == AlarmLog(("3", "4"), ("7", "8"), (100.0, 130.0), (("7", "8"),))
    assert read_alarm_log(tmp_path / "log.csv", tmp_path / "links.npy") == read


def test_every_wrong_row_of_a_log_is_named(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("alarm_id,device_id,start_timestamp\n3,7,soon\n4,8,\n", encoding="utf-8")
    with pytest.raises(InputError) as error:
        read_alarm_log(tmp_path / "log.csv")
    assert [problem.row for problem in error.value.problems] == [2, 3]
    (tmp_path / "log.csv").write_text("kind,device_id\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match="lacks columns"):
        read_alarm_log(tmp_path / "log.csv")
