"""Protected pairs (fictional) and the cost of encryption."""

from __future__ import annotations

from rahdari.engines.security.engine import security
from rahdari.engines.security.params import SecurityParams

__all__ = ["SecurityParams", "security"]
