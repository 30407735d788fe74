"""Operate: the live network as an append-only journal of events, and everything else as a fold of it.

>>> from rahdari import operate
>>> operate.Event(source="nms", seq=1, at_s=0.0, resource="A2:port", type="LOS", severity="critical").severity
'critical'
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from rahdari.operate.events import SEVERITIES, Event

if TYPE_CHECKING:
    from rahdari.operate.app import App, Listen, incidents, ingest
    from rahdari.operate.clock import SystemClock, VirtualClock
    from rahdari.operate.replay import replay, replay_story

# Nothing heavy is imported before it is asked for.
_HOMES = {
    "App": "app", "Listen": "app", "SystemClock": "clock", "VirtualClock": "clock", "incidents": "app",
    "ingest": "app", "replay": "replay", "replay_story": "replay",
}  # fmt: skip
_SHADOWED = {"replay", "incidents"}  # functions that go by the name of a module


class _Package(ModuleType):
    """The package; a function stays what it is when the module of its name is imported."""

    def __getattribute__(self, name: str) -> Any:  # noqa: ANN401  # whatever the module holds
        if name in _SHADOWED:
            return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        return super().__getattribute__(name)


def __getattr__(name: str) -> Any:  # noqa: ANN401  # whatever the module holds
    if name not in _HOMES:
        msg = f"module 'rahdari.operate' has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


sys.modules[__name__].__class__ = _Package

__all__ = [
    "SEVERITIES", "App", "Event", "Listen", "SystemClock", "VirtualClock", "incidents", "ingest", "replay",
    "replay_story",
]  # fmt: skip
