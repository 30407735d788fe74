"""Rahdari plans, stress-tests and runs a nation's digital network.

>>> import rahdari as rd
>>> rd.__version__
'0.1.0'

``rd.plan("pakistan")`` returns a :class:`rahdari.service.plan_view.Plan`; ``rd.open_plan(folder)`` opens one
made before.  Submodules load on first use, so that importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rahdari.api import compare as compare
    from rahdari.api import country as country
    from rahdari.api import doctor as doctor
    from rahdari.api import open_plan as open_plan
    from rahdari.api import plan as plan
    from rahdari.service.plan_view import Plan as Plan

__version__ = "0.1.0"
_NAMES = {
    "plan": "rahdari.api",
    "open_plan": "rahdari.api",
    "compare": "rahdari.api",
    "country": "rahdari.api",
    "doctor": "rahdari.api",
    "Plan": "rahdari.service.plan_view",
}
_ENGINES = (
    "access",
    "air",
    "backbone",
    "economy",
    "edge",
    "navigation",
    "power",
    "radio",
    "rollout",
    "security",
    "space",
    "stress",
    "transit",
)
__all__ = ["Plan", "__version__", "compare", "country", "doctor", "open_plan", "plan"]


def __getattr__(name: str) -> object:
    """Load a public name or an engine's module on first use."""
    if name in _NAMES:
        return getattr(import_module(_NAMES[name]), name)
    if name in _ENGINES:
        return import_module(f"rahdari.{name}")
    raise AttributeError(f"module 'rahdari' has no attribute '{name}'")


def __dir__() -> list[str]:
    """List the public names, for completion."""
    return sorted((*__all__, *_ENGINES))
