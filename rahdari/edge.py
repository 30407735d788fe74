"""Computers beside the fibre."""

from __future__ import annotations

from rahdari.engines.edge.engine import edge
from rahdari.engines.edge.params import EdgeParams
from rahdari.service.toll import read_plates
from rahdari.store.toll_ledger import Passage, PlateKeys, TollLedger

__all__ = ["EdgeParams", "Passage", "PlateKeys", "TollLedger", "edge", "read_plates"]
