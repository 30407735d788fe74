"""What survivable design takes and gives: failures, metric cuts, routings, the design."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rahdari.errors import Problem, RahdariError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from rahdari.model.certificate import Certificate

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

NO_FAILURE = "none"  # name of the state in which everything works


@dataclass(frozen=True, slots=True)
class Failure:
    """Links and nodes that fail together, and the share of each demand that must survive.

    ``share`` is one number for all demands, or a share by demand id (1 where an id is absent); each 0 to 1.  A demand
    that ends at a failed node asks for nothing.
    """

    name: str
    links: frozenset[str] = frozenset()
    nodes: frozenset[str] = frozenset()
    share: float | Mapping[str, float] = 1.0


@dataclass(frozen=True, slots=True)
class MetricCut:
    """A metric inequality: sum of ``weight`` times capacity over links is at least ``right_side``.

    It holds because each unit of a demand uses at least its distance in the metric ``weight`` (zero where absent) on
    the links that have not failed; ``right_side`` is the sum over demands of what must survive times that distance.
    ``multiplier`` is the cut's share in the lower bound: over all cuts, multiplier times weight of a link adds up to
    at most the cost of a unit, so that the sum of multiplier times (right side - weight times installed capacity) is
    a lower bound on the cost.
    """

    failure: str
    weight: dict[str, float]
    right_side: float
    multiplier: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "failure": self.failure,
            "weight": self.weight,
            "right_side": self.right_side,
            "multiplier": self.multiplier,
        }


@dataclass(frozen=True, slots=True)
class Routing:
    """Flows that show that the capacity suffices.

    A demand is carried over sections: ``demand_section`` (d,) holds arrays of section numbers, chained from its first
    end to its second.  ``section_node`` (j, 2) are node numbers.  Path ``p`` belongs to ``path_section[p]`` and has
    the links ``path_link[path_start[p]:path_start[p + 1]]``.  Flow ``i`` sends the share ``flow_share[i]`` of a
    section over ``flow_path[i]`` in case ``flow_case[i]``.  The case of a section in state ``s`` is
    ``case[section_group[j], s]``; state 0 is without failure, then come the failures in order.
    """

    demand_section: tuple[IntArray, ...]
    section_node: IntArray
    section_group: IntArray
    case: IntArray
    path_section: IntArray
    path_start: IntArray
    path_link: IntArray
    flow_case: IntArray
    flow_path: IntArray
    flow_share: FloatArray


@dataclass(frozen=True, slots=True)
class Design:
    """Capacities of least cost that survive every failure, with the proof.

    ``capacity`` has a row a link: ``link_id``, ``units`` (all capacity, installed included) and ``new_units``;
    ``modules`` has ``link_id``, ``module`` (its place in the instance) and ``count`` where the design is modular.
    ``cost`` counts new capacity.  ``cut_off`` lists (failure, demand) that no capacity could save.
    """

    name: str
    protection: str
    failures: tuple[Failure, ...]
    capacity: pl.DataFrame
    cost: float
    lower_bound: float
    certificate: Certificate
    cuts: tuple[MetricCut, ...]
    cut_off: tuple[tuple[str, str], ...] = ()
    modules: pl.DataFrame | None = None
    routing: Routing | None = field(default=None, repr=False)

    @property
    def gap(self) -> float:
        """Return (cost - lower bound) / cost, and 0 where nothing must be bought."""
        return (self.cost - self.lower_bound) / self.cost if self.cost > 0.0 else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return all but the routing as plain JSON values, enough to re-check cost and lower bound."""
        return {
            "name": self.name,
            "protection": self.protection,
            "failures": [
                {
                    "name": failure.name,
                    "links": sorted(failure.links),
                    "nodes": sorted(failure.nodes),
                    "share": float(failure.share) if isinstance(failure.share, (int, float)) else dict(failure.share),
                }
                for failure in self.failures
            ],
            "capacity": self.capacity.to_dicts(),
            "modules": None if self.modules is None else self.modules.to_dicts(),
            "cost": self.cost,
            "lower_bound": self.lower_bound,
            "certificate": self.certificate.as_dict(),
            "cuts": [cut.as_dict() for cut in self.cuts],
            "cut_off": [list(pair) for pair in self.cut_off],
        }


class DesignViolation(RahdariError):  # noqa: N818 - the name that callers know
    """A design breaks a promise: in ``failure``, ``missing`` units of ``demand`` find no capacity."""

    def __init__(self, failure: str, demand: str, missing: float, what: str | None = None) -> None:
        """Hold the failure, the demand and the units that are missing."""
        self.failure, self.demand, self.missing = failure, demand, missing
        text = what or f"failure {failure!r}: demand {demand!r} misses {missing:.6g} units"
        super().__init__(Problem(text, "design again, or ask for less"))
