"""A capacity-planning instance, as network files give it and as the design methods take it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Instance:
    """A capacity-planning instance: undirected links, splittable demands.

    ``node_lon_deg`` and ``node_lat_deg`` (n,) are ``None`` where the file gives no places.  ``link_node`` (m, 2) and
    ``demand_node`` (d, 2) hold node numbers.  ``link_unit_cost`` (m,) is the cost of one unit of capacity: cost over
    capacity of the link's first module.  ``link_installed`` (m,) is capacity that is there and paid.
    ``link_module_capacity`` and ``link_module_cost`` hold one array a link, empty where capacity is continuous only.
    ``demand_value`` (d,) is in units of capacity.
    """

    node_id: tuple[str, ...]
    node_lon_deg: FloatArray | None
    node_lat_deg: FloatArray | None
    link_id: tuple[str, ...]
    link_node: IntArray
    link_unit_cost: FloatArray
    link_installed: FloatArray
    link_module_capacity: tuple[FloatArray, ...]
    link_module_cost: tuple[FloatArray, ...]
    link_length_km: FloatArray
    demand_id: tuple[str, ...]
    demand_node: IntArray
    demand_value: FloatArray
    name: str


class HoldsInstance(Protocol):
    """What a network file gives: an instance, and names beside it."""

    @property
    def instance(self) -> Instance:
        """Return nodes, links and demands."""


def as_instance(given: Instance | HoldsInstance) -> Instance:
    """Return an instance as it is, or the one that a network file gave."""
    return given if isinstance(given, Instance) else given.instance
