"""Computers beside the fibre."""

from __future__ import annotations

from rahdari.engines.edge.engine import edge
from rahdari.engines.edge.params import EdgeParams

__all__ = ["EdgeParams", "edge"]
