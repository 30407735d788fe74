"""Storms of alarms from a plan and one of its named events: the event's course by the stress machine, then alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rahdari.engines.stress.events import event_network
from rahdari.engines.stress.graph import AERIAL, BURIED, MICROWAVE
from rahdari.errors import InputError, Problem
from rahdari.methods.thing_states import thing_course
from rahdari.operate.network import LiveNetwork
from rahdari.operate.simulate import ACCESS, ELSE, LONG_HAUL, Scene, Storm, StormSettings
from rahdari.service.stress import _opened
from rahdari.store.query import OWNER, Clearance

if TYPE_CHECKING:
    from pathlib import Path

N_DRAWS = 16  # of which the one nearest to their mean is played
ROUTERS = ("pop", "exchange", "landing_station", "border")


def scene_of(
    folder: Path, event: str, *, seed: int = 1, network: LiveNetwork | None = None, n_draws: int = N_DRAWS,
    clearance: Clearance = OWNER,
) -> Scene:  # fmt: skip
    """Return what a named event does to a plan, hour by hour; an unknown event raises InputError with those known.

    ``network`` is the live network of the same plan where there is one already.
    """
    opened = _opened(folder, clearance)
    events = {row["named_event_id"]: row for row in opened.tables["named_events"].iter_rows(named=True)}
    if event not in events:
        cure = f"use one of {', '.join(sorted(events))}" if events else "add rows to named_events.csv of the pack"
        raise InputError(Problem(f"there is no event {event}", cure))
    row, made = events[event], opened.made
    struck = event_network(row, opened.tables, made, opened.params, "central")
    if struck is None:
        raise InputError(Problem(f"{event} strikes nothing of this plan", "check its hazards' places"))
    hours = np.arange(int(row["n_hours"]), dtype=np.float64)
    course = thing_course(*struck, hours, n_draws=n_draws, seed=seed)
    live = network or LiveNetwork.of_plan(folder)
    n, asset = made.network.n_nodes, made.network.asset_class[made.network.n_nodes :]
    sort = np.select([asset == BURIED, np.isin(asset, (AERIAL, MICROWAVE))], [LONG_HAUL, ACCESS], ELSE)
    return Scene(
        live.node_id, live.link_id, made.lon_deg[:n], made.lat_deg[:n], made.thing_region[:n],
        np.isin(np.array(live.node_kind), ("tower", *ROUTERS)), np.isin(np.array(live.node_kind), ROUTERS),
        live.tail, live.head, sort, course.node_state, course.is_link_whole,
    )  # fmt: skip


def storm_of(
    folder: Path, event: str, *, seed: int = 1, network: LiveNetwork | None = None,
    settings: StormSettings | None = None, run: str = "",
) -> Storm:  # fmt: skip
    """Return the storm of alarms of a named event; equal arguments give equal storms."""
    return Storm(scene_of(folder, event, seed=seed, network=network), settings, seed, run)


__all__ = ["scene_of", "storm_of"]
