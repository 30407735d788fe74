"""Crews, norms of work, kinds and seasons as packaged with the engine: every row says that it is assumed, and why."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import polars as pl

FOLDER = Path(__file__).parent
TABLES = FOLDER / "tables"
POOLS = ("civil", "splice", "install", "rig")
KINDS = ("fibre_way", "home_connections", "home_lines", "site_fibre", "site_power", "wireless")
MONTHS_PER_YEAR = 12


@cache
def crew_pools() -> pl.DataFrame:
    """Return the pools of crews in the order of :data:`POOLS`."""
    frame = pl.read_csv(FOLDER / "crew_pools.csv")
    return pl.DataFrame({"pool_id": POOLS}).join(frame, on="pool_id", how="left", maintain_order="left")


@cache
def work_norms() -> pl.DataFrame:
    """Return crew-months of each pool for one unit of each catalogue item, by item."""
    return pl.read_csv(FOLDER / "work_norms.csv").sort("equipment_id")


@cache
def work_kinds() -> pl.DataFrame:
    """Return leave, lead and imported share of each kind of work, by kind."""
    return pl.read_csv(FOLDER / "work_kinds.csv").sort("kind")


@cache
def seasons() -> dict[str, tuple[int, ...]]:
    """Return the closed months of each season, January 1."""
    frame = pl.read_csv(FOLDER / "seasons.csv", schema_overrides={"closed_months": pl.String})
    return {
        str(row["season"]): tuple(int(month) for month in str(row["closed_months"]).split(","))
        for row in frame.iter_rows(named=True)
    }


@cache
def snow_above_m() -> float:
    """Return the height above which winter shuts the work."""
    frame = pl.read_csv(FOLDER / "seasons.csv").filter(pl.col("season") == "snow")
    return float(frame["above_m"][0])


def norm_of(item: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return (pools,) crew-months for one unit of an item."""
    row = work_norms().filter(pl.col("equipment_id") == item).row(0, named=True)
    return np.array([row[f"{pool}_months"] for pool in POOLS], np.float64)


def closed_season(is_snow: bool, is_flood: bool) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:  # noqa: FBT001  # two facts about ground
    """Return (12,) whether work rests, January first.

    >>> closed_season(True, False).nonzero()[0].tolist()
    [0, 1, 2, 11]
    """
    closed = np.zeros(MONTHS_PER_YEAR, np.bool_)
    for season, holds in (("snow", is_snow), ("monsoon", is_flood)):
        if holds:
            closed[[month - 1 for month in seasons()[season]]] = True
    return closed
