"""What everything else is written in: tables, engines, scenarios, plans, provenance; all frozen."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rahdari.model.certificate import Certificate as Certificate
    from rahdari.model.context import Context as Context
    from rahdari.model.manifest import EngineManifest as EngineManifest
    from rahdari.model.params import Params as Params
    from rahdari.model.result import EngineResult as EngineResult
    from rahdari.model.result import Indicator as Indicator
    from rahdari.model.scenario import Scenario as Scenario
    from rahdari.model.tables import Tables as Tables

_HOMES = {
    "Certificate": "certificate",
    "Context": "context",
    "EngineManifest": "manifest",
    "EngineResult": "result",
    "Indicator": "result",
    "Params": "params",
    "Scenario": "scenario",
    "Tables": "tables",
}
__all__ = [
    "Certificate",
    "Context",
    "EngineManifest",
    "EngineResult",
    "Indicator",
    "Params",
    "Scenario",
    "Tables",
]


def __getattr__(name: str) -> object:
    """Load a name's module on first use, so that reading a manifest imports no polars."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"rahdari.model.{_HOMES[name]}"), name)
    message = f"module 'rahdari.model' has no attribute '{name}'"
    raise AttributeError(message)
