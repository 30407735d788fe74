"""Replay of a file: a story with its own network, or plain events on a plan."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from rahdari.errors import InputError, Problem
from rahdari.operate.learned import learned_hints, read_alarm_log, write_hints
from rahdari.operate.replay import replay, replay_story
from rahdari.operate.wire.ndjson import decode_lines

if TYPE_CHECKING:
    from pathlib import Path

N_REFUSALS = 20
N_SHOWN = 10


def _is_story(file: Path) -> bool:
    """Return whether a file holds one JSON object with a network."""
    try:
        held = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(Problem(f"cannot be read: {error}", "give a story or lines of events", str(file))) from error
    except (json.JSONDecodeError, RecursionError):
        return False
    return isinstance(held, dict) and "network" in held


def replay_file(file: Path, plan: Path | None, scenario: str | None = None) -> dict[str, Any]:
    """Return the incidents of a story, or of lines of events on a plan; lines that are none are named."""
    if _is_story(file):
        return replay_story(file, scenario)
    if plan is None:
        raise InputError(Problem("no story with a network of its own", "add --plan for lines of events", str(file)))
    batch = decode_lines(file.read_bytes().split(b"\n"))
    found = replay(plan, batch.events)
    refused = [f"line {each.number}: {each.reason}: {each.what}" for each in batch.refused[:N_REFUSALS]]
    return {
        "incidents": [msgspec.to_builtins(each) for each in found], "n_events": len(batch.events),
        "warnings": [*refused, *([f"{len(batch.refused):,} lines were refused"] if refused else [])],
    }  # fmt: skip


def learn(log: Path, links: Path | None, out: Path) -> dict[str, Any]:
    """Learn from a log of alarms which type tends to bring which, write it as JSON, and return the surest."""
    hints = learned_hints(read_alarm_log(log, links))
    write_hints(hints, out)
    surest = [msgspec.to_builtins(each) for each in hints.edges[:N_SHOWN]]
    return {"file": str(out), "n_hints": len(hints.edges), "surest": surest}


__all__ = ["learn", "replay_file"]
