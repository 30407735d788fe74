"""Technology and fibre chosen together; Steiner forests and point connection by themselves."""

from __future__ import annotations

from rahdari.engines.access.engine import access
from rahdari.engines.access.params import AccessParams
from rahdari.methods.connect import ConnectedPoints, connect_points
from rahdari.methods.steiner import SteinerForest, steiner_forest

__all__ = ["AccessParams", "ConnectedPoints", "SteinerForest", "access", "connect_points", "steiner_forest"]
