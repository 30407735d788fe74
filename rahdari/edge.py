"""Computers beside the fibre: where they stand, what they carry, how long jobs wait, and what is left under stress."""

from __future__ import annotations

from rahdari.engines.edge.engine import edge
from rahdari.engines.edge.left import nodes_left
from rahdari.engines.edge.params import EdgeParams
from rahdari.methods.placement import EdgePlacement, place
from rahdari.methods.placement_input import EdgeDemand, EdgeLimits, EdgeNetwork, EdgeServices
from rahdari.methods.queueing import QueueRun, mean_wait_constant_ms, played, wait_ms, waits_frac
from rahdari.service.toll import read_plates
from rahdari.store.toll_ledger import Passage, PlateKeys, TollLedger

__all__ = [
    "EdgeDemand",
    "EdgeLimits",
    "EdgeNetwork",
    "EdgeParams",
    "EdgePlacement",
    "EdgeServices",
    "Passage",
    "PlateKeys",
    "QueueRun",
    "TollLedger",
    "edge",
    "mean_wait_constant_ms",
    "nodes_left",
    "place",
    "played",
    "read_plates",
    "wait_ms",
    "waits_frac",
]
