"""Solve in the order of ids, answer in the order given: results then do not hang on the order of rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rahdari.methods.instance import Instance
    from rahdari.methods.survivable_model import Design

    IntArray = NDArray[np.int64]


def _order(ids: Sequence[str]) -> IntArray:
    """Return the places of ids in rising order."""
    return np.array(sorted(range(len(ids)), key=ids.__getitem__), dtype=np.int64)


def _picked(parts: tuple[NDArray[np.float64], ...], order: IntArray) -> tuple[NDArray[np.float64], ...]:
    """Return parts in an order, or none where there are none."""
    return tuple(parts[i] for i in order.tolist()) if parts else ()


def in_order(instance: Instance) -> Instance:
    """Return the instance with nodes, links and demands by id, and the lower node of each link first."""
    node, link, demand = _order(instance.node_id), _order(instance.link_id), _order(instance.demand_id)
    place = np.argsort(node, kind="stable")
    lon, lat = instance.node_lon_deg, instance.node_lat_deg
    return replace(
        instance,
        node_id=tuple(instance.node_id[i] for i in node.tolist()),
        node_lon_deg=None if lon is None else lon[node],
        node_lat_deg=None if lat is None else lat[node],
        link_id=tuple(instance.link_id[i] for i in link.tolist()),
        link_node=np.sort(place[instance.link_node[link]].reshape(-1, 2), axis=1),
        link_unit_cost=instance.link_unit_cost[link],
        link_installed=instance.link_installed[link],
        link_module_capacity=_picked(instance.link_module_capacity, link),
        link_module_cost=_picked(instance.link_module_cost, link),
        link_length_km=instance.link_length_km[link],
        demand_id=tuple(instance.demand_id[i] for i in demand.tolist()),
        demand_node=place[instance.demand_node[demand]].reshape(-1, 2),
        demand_value=instance.demand_value[demand],
    )


def as_given(instance: Instance, design: Design) -> Design:
    """Return a design of ``in_order(instance)`` in the instance's own numbers and order."""
    node, link, demand = _order(instance.node_id), _order(instance.link_id), _order(instance.demand_id)
    rows = pl.DataFrame({"link_id": instance.link_id}, schema={"link_id": pl.String})
    table = rows.join(design.capacity, on="link_id", how="left", maintain_order="left")
    routing = design.routing
    if routing is not None:
        place = np.argsort(demand, kind="stable")
        routing = replace(
            routing,
            demand_section=tuple(routing.demand_section[i] for i in place.tolist()),
            section_node=node[routing.section_node].reshape(-1, 2),
            path_link=link[routing.path_link],
        )
    return replace(design, capacity=table, routing=routing)
