"""The world of legs as the tables state it: ways of any pair, their joint availability, capacity and price.

The transit desk reads the same tables from a finished plan, so that a quote and the report agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from rahdari.engines.transit.world import hub_names, packaged, rates_of
from rahdari.methods.joint import Joint, joint_law
from rahdari.methods.ways import Leg, family_way, hubs_along

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

#: The centre, the end with least availability, and the end with most.
Level = Literal["", "_low", "_high"]
LEVELS: tuple[Level, ...] = ("", "_low", "_high")
WORSE: dict[Level, str] = {"": "", "_low": "_high", "_high": "_low"}  # high rates give low availability


@dataclass(frozen=True, slots=True)
class Way:
    """One way between two hubs: its family and its legs by number, in order."""

    way_id: str
    name: str
    legs: tuple[int, ...]
    start: str


@dataclass(frozen=True)
class Net:
    """Legs and causes in identifier order, as arrays; ``row`` keeps each leg's own row of ``transit_legs``."""

    legs: tuple[Leg, ...]
    row: tuple[dict[str, Any], ...]
    cause_id: tuple[str, ...]
    cause_name: tuple[str, ...]
    feels: NDArray[np.bool_]
    active_frac: dict[Level, FloatArray]
    hit_frac: dict[Level, FloatArray]

    @classmethod
    def of(cls, legs: pl.DataFrame, causes: pl.DataFrame) -> Net:
        """Return the net of the tables ``transit_legs`` and ``transit_causes``, whatever their row order."""
        legs, causes = legs.sort("leg_id"), causes.sort("cause_id")
        rows = tuple(legs.iter_rows(named=True))
        felt = [row["cause_ids"].split() for row in rows]
        cause_id = tuple(causes["cause_id"].to_list())
        feels = np.array([[name in each for each in felt] for name in cause_id], np.bool_).reshape(-1, len(rows))
        return cls(
            legs=tuple(
                Leg(row["leg_id"], row["from_hub"], row["to_hub"], row["fibre_km"], frozenset(row["ways"].split()))
                for row in rows
            ),
            row=rows,
            cause_id=cause_id,
            cause_name=tuple(causes["name"].to_list()),
            feels=feels,
            active_frac={level: rates_of(causes, f"active{WORSE[level]}_frac") for level in LEVELS},
            hit_frac={level: rates_of(causes, f"hit{WORSE[level]}_frac")[:, None] * feels for level in LEVELS},
        )

    def hubs(self) -> set[str]:
        """Return the hubs that any leg reaches."""
        return {hub for leg in self.legs for hub in (leg.from_hub, leg.to_hub)}

    def ways(self, start: str, end: str) -> list[Way]:
        """Return the ways between two hubs, one a family, in identifier order; empty where no family joins them."""
        found = []
        for way_id, name in packaged("ways").select("way_id", "name").iter_rows():
            legs = family_way(self.legs, way_id, (start, end))
            if legs is not None:
                found.append(Way(way_id, name, legs, start))
        return found

    def stops(self, way: Way) -> list[str]:
        """Return the names of the hubs along a way."""
        names = hub_names()
        return [names[hub] for hub in hubs_along(self.legs, way.legs, way.start)]

    def total(self, way: Way, column: str) -> float:
        """Return the sum of a column of ``transit_legs`` over a way."""
        return float(sum(self.row[leg][column] for leg in way.legs))

    def idle_gbps(self, way: Way) -> float:
        """Return the idle capacity of a way: the least of its legs."""
        return float(min(self.row[leg]["idle_gbps"] for leg in way.legs))

    def from_year(self, way: Way) -> int:
        """Return the first year in which every leg of a way is in service; 0 where all are now."""
        return int(max(self.row[leg]["from_year"] for leg in way.legs))

    def causes_of(self, way: Way) -> list[int]:
        """Return the causes that any leg of a way feels."""
        return [int(cause) for cause in np.flatnonzero(self.feels[:, list(way.legs)].any(axis=1))]

    def law(self, ways: list[Way], level: Level = "", *, given: int | None = None, is_restored: bool = True) -> Joint:
        """Return the joint law of ways: restored over all systems of each leg, or on one wavelength of one system.

        ``given`` is a cause taken as acting.
        """
        column = f"system_availability{level}_frac"
        systems = [np.full(row["n_systems"] if is_restored else 1, row[column], np.float64) for row in self.row]
        active = self.active_frac[level].copy()
        if given is not None:
            active[given] = 1.0
        return joint_law([way.legs for way in ways], systems, active, self.hit_frac[level])
