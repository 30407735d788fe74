"""From targets to a calendar."""

from __future__ import annotations

from rahdari.engines.rollout.engine import rollout
from rahdari.engines.rollout.params import RolloutParams

__all__ = ["RolloutParams", "rollout"]
