"""A small network of the kind that stories tell of, and alarms in short."""

from __future__ import annotations

from typing import Any

from rahdari.operate.events import Event
from rahdari.operate.network import LiveNetwork

LINKS = {
    "R1": ("W", "N", ["D1"]), "R2": ("N", "E", ["D2"]), "R3": ("E", "S", ["D3"]), "R4": ("S", "W", ["D4"]),
    "T1": ("H", "E", ["D7"]), "T2": ("H", "E", ["D7", "D8"]), "U1": ("B", "S", ["D9"]), "V1": ("F", "B", []),
    "X1": ("M", "N", []), "X2": ("M", "W", ["D5"]),
}  # fmt: skip
CELLS = {"c1": "H", "c2": "H", "c3": "B", "c4": "F", "c5": "F", "c6": "M"}


def story(**changes: Any) -> dict[str, Any]:  # noqa: ANN401  # any part of a network
    """Return a ring of four with gateways W and E, a hub H on one duct, a chain S-B-F, and M on two ways."""
    return {
        "sites": [*"NESWHBFM"], "gateways": ["W", "E"],
        "cells": {cell: {"parent": parent, "customers": 1000 * i} for i, (cell, parent) in enumerate(CELLS.items(), 1)},
        "links": {name: {"a": a, "b": b, "medium": "fibre", "ducts": ducts} for name, (a, b, ducts) in LINKS.items()},
        **changes,
    }  # fmt: skip


def network(**changes: Any) -> LiveNetwork:  # noqa: ANN401  # any part of a network
    """Return the network of :func:`story`."""
    return LiveNetwork.of_story(story(**changes))


def told(*rows: tuple[float, str, str] | tuple[float, str, str, str]) -> list[Event]:
    """Return events of time, resource, type and severity, numbered from 1."""
    return [
        Event(
            source="nms", seq=i, at_s=row[0], resource=row[1], type=row[2], severity=row[3] if len(row) > 3 else "major"
        )
        for i, row in enumerate(rows, 1)
    ]
