"""From a hazard to who is without service: sites with batteries, the links between them, crews, places.

Nodes are sites and whatever else stands on the way to the roots; a node works while it is whole and has power, a place
has a service while enough of its sites are joined to a root of that service.  One machine answers both questions: eight
moments of many runs (:mod:`rahdari.methods.stress_runs`), and every hour of a named event, here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.kernels.cascade import (
    BYTES,
    MOMENTS,
    add_bits,
    damage_words,
    darken,
    places_out,
    power_words,
    silent_generators,
    steady_words,
)
from rahdari.kernels.reach import LANES, reach_words
from rahdari.methods.hazard_sampling import WINDOW_H, classed, compile_hazards, key_of
from rahdari.methods.reach import CSR, Prepared, csr_of_links, prepare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from rahdari.methods.hazard_sampling import Compiled, Hazard

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    Words = NDArray[np.uint64]

PASS_RUNS = LANES * BYTES  # runs in one pass over the network
START_FAIL_FRAC = 0.03  # a standby generator that does not start; assumed, between 1 and 6 % in reliability handbooks
REPLAY_DRAWS = 64
CERTAIN = 40.0  # a latent number beyond every bound
_LOW_PCT, _HIGH_PCT = 5.0, 95.0  # band of a replay


@dataclass(frozen=True, slots=True, eq=False)
class Service:
    """A service: the roots that give it, and which sites bring it to each place.

    Sites of place ``p`` are nodes ``site[first[p]:first[p + 1]]``; the place has the service while ``n_needed[p]`` of
    them are joined to a root.  A place without sites is not served.
    """

    service_id: str
    roots: IntArray
    first: IntArray
    site: IntArray
    n_needed: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Crews:
    """Repair crews: ``pool`` (things,) of each thing, ``n_crews`` and ``travel_h`` (hours to a job) of each pool."""

    pool: IntArray
    n_crews: IntArray
    travel_h: FloatArray


@dataclass(frozen=True, eq=False)
class StressNetwork:
    """Nodes (n,), links (m,) and places (p,); a thing is a node or, after all nodes, a link.

    ``zone`` is the supply zone (feeder) of a node, -1 where it needs none; ``generator_h`` the hours a full tank lasts,
    0 without generator.  ``asset_class`` (n + m,) numbers ``class_name``; ``priority`` (n + m,) ranks repairs, most
    first; ``damage_ratio`` (n + m,) multiplies chances of damage.  Make one with :func:`stress_network`.
    """

    n_nodes: int
    from_node: IntArray
    to_node: IntArray
    class_name: tuple[str, ...]
    asset_class: IntArray
    zone: IntArray
    n_zones: int
    battery_h: FloatArray
    generator_h: FloatArray
    start_fail_frac: FloatArray
    crews: Crews
    priority: FloatArray
    damage_ratio: FloatArray
    people: FloatArray
    mbps: FloatArray
    services: tuple[Service, ...]
    is_site: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))

    @property
    def n_links(self) -> int:
        """Return the number of links."""
        return int(self.from_node.size)

    @property
    def n_things(self) -> int:
        """Return the number of nodes and links."""
        return self.n_nodes + self.n_links

    @cached_property
    def graph(self) -> CSR:
        """Return the network by rows."""
        return csr_of_links(self.n_nodes, self.from_node, self.to_node)


def _spread(value: ArrayLike, n: int, dtype: type) -> NDArray[Any]:
    return np.array(np.broadcast_to(np.asarray(value, dtype), (n,)))


def single_service(
    roots: ArrayLike, place_of_site: ArrayLike, n_places: int, *, service_id: str = "data", n_needed: ArrayLike = 1
) -> Service:
    """Return a service that site ``i`` brings to place ``place_of_site[i]``, -1 for nodes that serve no place."""
    place = np.asarray(place_of_site, np.int64)
    site = np.flatnonzero(place >= 0)
    site = site[np.argsort(place[site], kind="stable")]
    first = np.searchsorted(place[site], np.arange(n_places + 1)).astype(np.int64)
    return Service(
        service_id, np.unique(np.asarray(roots, np.int64)), first, site, _spread(n_needed, n_places, np.int64)
    )


def dependants(n_nodes: int, from_node: IntArray, to_node: IntArray, roots: IntArray, own: FloatArray) -> FloatArray:
    """Return (n + m,) what hangs on each node and link along shortest ways to the nearest root, itself included.

    ``own`` (n,) is what each node serves.  Links on no shortest way have 0.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import breadth_first_order

    m = from_node.size
    top = np.full(roots.size, n_nodes)
    tail, head = np.concatenate([from_node, top]), np.concatenate([to_node, roots])
    matrix = csr_array((np.ones(tail.size), (tail, head)), (n_nodes + 1, n_nodes + 1))
    order, before = breadth_first_order(matrix, n_nodes, directed=False)
    total = np.append(own.astype(np.float64), 0.0)
    for node in order[:0:-1].tolist():
        total[before[node]] += total[node]
    by_link = np.zeros(m)
    # The first link between a node and the one before it carries what hangs on the node.
    for a, b in ((from_node, to_node), (to_node, from_node)):
        is_used = before[a] == b
        first = np.unique(a[is_used], return_index=True)[1]
        chosen = np.flatnonzero(is_used)[first]
        by_link[chosen] = total[a[chosen]]
    return np.concatenate([total[:n_nodes], by_link])


def stress_network(
    n_nodes: int,
    from_node: ArrayLike,
    to_node: ArrayLike,
    services: Sequence[Service],
    *,
    people: ArrayLike,
    mbps: ArrayLike = 0.0,
    zone: ArrayLike = -1,
    n_zones: int | None = None,
    battery_h: ArrayLike = 0.0,
    generator_h: ArrayLike = 0.0,
    start_fail_frac: ArrayLike = START_FAIL_FRAC,
    class_name: Sequence[str] = ("thing",),
    asset_class: ArrayLike = 0,
    crews: Crews | None = None,
    priority: ArrayLike | None = None,
    is_site: ArrayLike | None = None,
) -> StressNetwork:
    """Return a network for stress runs, with everything wrong in it raised at once as :class:`InputError`.

    Single numbers stand for all nodes or things.  Without ``crews`` each thing is repaired at once by its own; without
    ``priority`` repairs go by the people who hang on a thing (:func:`dependants`).
    """
    tail, head = np.asarray(from_node, np.int64), np.asarray(to_node, np.int64)
    n_things = n_nodes + tail.size
    persons = np.atleast_1d(np.asarray(people, np.float64))
    zones = _spread(zone, n_nodes, np.int64)
    count = int(zones.max(initial=-1)) + 1 if n_zones is None else n_zones
    made = StressNetwork(
        n_nodes, tail, head, tuple(class_name), _spread(asset_class, n_things, np.int64), zones, count,
        _spread(battery_h, n_nodes, np.float64), _spread(generator_h, n_nodes, np.float64),
        _spread(start_fail_frac, n_nodes, np.float64), crews or _own_crews(n_things), np.zeros(n_things),
        np.ones(n_things), persons, _spread(mbps, persons.size, np.float64), tuple(services),
        _spread(True if is_site is None else is_site, n_nodes, np.bool_),
    )  # fmt: skip
    raise_if_any(network_problems(made))
    rank = default_priority(made) if priority is None else _spread(priority, n_things, np.float64)
    return changed(made, priority=rank)


def _own_crews(n_things: int) -> Crews:
    each = np.arange(n_things, dtype=np.int64)
    return Crews(each, np.ones(n_things, np.int64), np.zeros(n_things))


def changed(network: StressNetwork, **values: Any) -> StressNetwork:  # noqa: ANN401  # any field
    """Return the network with some fields replaced."""
    names = StressNetwork.__dataclass_fields__
    return StressNetwork(**{name: values.get(name, getattr(network, name)) for name in names})


def default_priority(network: StressNetwork) -> FloatArray:
    """Return (n + m,) people who hang on each thing, those of a place shared evenly by its sites, over all services."""
    total = np.zeros(network.n_things)
    for service in network.services:
        n_sites = np.diff(service.first)
        share = network.people / np.maximum(n_sites, 1)
        own = np.bincount(service.site, np.repeat(share, n_sites), network.n_nodes).astype(np.float64)
        total += dependants(network.n_nodes, network.from_node, network.to_node, service.roots, own)
    return total


def network_problems(network: StressNetwork) -> list[Problem]:
    """Return all that is wrong with a network: ends, zones, hours, crews, places and services."""
    found = []
    n, p = network.n_nodes, network.people.size
    ends = np.concatenate([network.from_node, network.to_node])
    if ends.size and (ends.min() < 0 or ends.max() >= n):
        found.append(Problem("a link ends at a node that is not there", f"number nodes from 0 to {n - 1}"))
    if network.zone.size and (network.zone.min() < -1 or network.zone.max() >= network.n_zones):
        found.append(Problem("a node is in a zone that is not there", f"number zones from 0 to {network.n_zones - 1}"))
    empty = np.setdiff1d(np.arange(network.n_zones), network.zone)
    if empty.size:
        what = f"{empty.size} supply zones have no node, the first is {empty[0]}"
        found.append(Problem(what, "leave them out, or give their sites"))
    for name in ("battery_h", "generator_h", "people", "mbps"):
        bad = np.flatnonzero(~(getattr(network, name) >= 0.0))
        found += [
            Problem(f"{name} of {i} is negative or no number", "give zero or more", row=int(i) + 1) for i in bad[:5]
        ]
    if not ((network.start_fail_frac >= 0.0) & (network.start_fail_frac <= 1.0)).all():
        found.append(Problem("start_fail_frac leaves 0 to 1", "give shares of one"))
    found += _crew_problems(network)
    if not network.services:
        found.append(Problem("there is no service", "give one or more"))
    for service in network.services:
        found += _service_problems(service, n, p)
    return found


def _crew_problems(network: StressNetwork) -> list[Problem]:
    found = []
    crews = network.crews
    if crews.pool.size != network.n_things or crews.n_crews.size != crews.travel_h.size:
        found.append(
            Problem("crews do not fit the network", "give a pool for each thing, crews and travel for each pool")
        )
    elif network.n_things and (crews.pool.min() < 0 or crews.pool.max() >= crews.n_crews.size):
        found.append(Problem("a thing is in a pool of crews that is not there", f"use 0 to {crews.n_crews.size - 1}"))
    if (crews.n_crews < 1).any() or (crews.travel_h < 0.0).any():
        found.append(Problem("a pool has no crew or negative travel", "give one crew or more and hours from zero"))
    if network.asset_class.size and not 0 <= network.asset_class.min() <= network.asset_class.max() < len(
        network.class_name
    ):
        found.append(Problem("an asset class has no name", f"use 0 to {len(network.class_name) - 1}"))
    return found


def _service_problems(service: Service, n: int, p: int) -> list[Problem]:
    found = []
    name = service.service_id
    if service.first.size != p + 1 or service.n_needed.size != p or service.first[-1] != service.site.size:
        found.append(Problem(f"service {name} does not fit the places", f"give sites for {p} places"))
    nodes = np.concatenate([service.site, service.roots])
    if nodes.size and (nodes.min() < 0 or nodes.max() >= n):
        found.append(Problem(f"service {name} names a node that is not there", f"number nodes from 0 to {n - 1}"))
    if not service.roots.size:
        found.append(Problem(f"service {name} has no root", "name the nodes that give it"))
    if (service.n_needed < 1).any():
        found.append(Problem(f"service {name} needs no site somewhere", "need one site or more"))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """A network and its hazards made ready for passes; arrays only, so that it travels to other processes.

    Power groups are nodes of one zone, battery and generator; ``group_at`` is by row of a pass.
    """

    compiled: Compiled
    rows: Prepared
    position: NDArray[np.int32]
    thing_i: NDArray[np.int32]
    thing_of_rank: NDArray[np.int32]
    pool_first: IntArray
    travel_h: FloatArray
    zone_first: IntArray
    group_battery_h: FloatArray
    group_generator_h: FloatArray
    group_at: NDArray[np.int32]
    battery_group: NDArray[np.int32]
    silent_first: IntArray
    silent_node: NDArray[np.int32]
    silent_keep: NDArray[np.uint32]
    service_roots: tuple[NDArray[np.int32], ...]
    service_first: tuple[IntArray, ...]
    service_row: tuple[NDArray[np.int32], ...]
    service_needed: tuple[NDArray[np.int32], ...]
    n_nodes: int
    people: FloatArray
    mbps: FloatArray


def ready(network: StressNetwork, hazards: Sequence[Hazard], **options: Any) -> Ready:  # noqa: ANN401
    """Return a network and hazards ready for passes; ``options`` are those of :func:`compile_hazards`."""
    compiled = compile_hazards(
        hazards, n_things=network.n_things, n_zones=network.n_zones, n_asset_classes=len(network.class_name),
        damage_ratio=network.damage_ratio, **options,
    )  # fmt: skip
    roots = np.unique(np.concatenate([service.roots for service in network.services]))
    rows = prepare(network.graph, roots)
    n, position = network.n_nodes, np.full(network.n_things, -1, np.int32)
    position[rows.order] = np.arange(n)
    position[n + rows.links] = np.arange(rows.links.size)
    rank = np.lexsort((np.arange(network.n_things), -network.priority))
    thing_i = np.zeros((network.n_things, 3), np.int32)
    thing_i[:, 0], thing_i[:, 1] = network.asset_class, network.crews.pool
    thing_i[rank, 2] = np.arange(network.n_things)
    zone_first, battery, generator, group, alone = power_groups(network)
    first, node, keep = classed(np.where(network.generator_h > 0.0, network.start_fail_frac, 0.0))
    return Ready(
        compiled, rows, position, thing_i, rank.astype(np.int32),
        np.concatenate([[0], np.cumsum(network.crews.n_crews)]).astype(np.int64), network.crews.travel_h,
        zone_first, battery, generator, np.ascontiguousarray(group[rows.order], np.int32), alone, first,
        node.astype(np.int32), keep,
        tuple(np.sort(position[service.roots]) for service in network.services),
        tuple(service.first for service in network.services),
        tuple(position[service.site] for service in network.services),
        tuple(service.n_needed.astype(np.int32) for service in network.services), n, network.people, network.mbps,
    )  # fmt: skip


def power_groups(
    network: StressNetwork,
) -> tuple[IntArray, FloatArray, FloatArray, NDArray[np.int32], NDArray[np.int32]]:
    """Return first groups of zones, batteries and generators of groups, group of each node, and its group on battery.

    Groups are -1 for nodes without a zone, and the last also for nodes without generator.
    """
    own = np.stack([network.zone, network.battery_h, network.generator_h], axis=1)
    bare = np.stack([network.zone, network.battery_h, np.zeros(network.n_nodes)], axis=1)
    has_zone, has_generator = network.zone >= 0, (network.zone >= 0) & (network.generator_h > 0.0)
    every = np.concatenate([own[has_zone], bare[has_generator]])
    # By columns, which is several times quicker than sorting rows as a whole.
    order = np.lexsort(every.T[::-1])
    is_new = np.ones(order.size, np.bool_)
    is_new[1:] = (every[order[1:]] != every[order[:-1]]).any(axis=1)
    number = np.empty(order.size, np.int64)
    number[order] = np.cumsum(is_new) - 1
    groups = every[order[is_new]]
    group, alone = np.full(network.n_nodes, -1, np.int32), np.full(network.n_nodes, -1, np.int32)
    group[has_zone] = number[: has_zone.sum()]
    alone[has_generator] = number[has_zone.sum() :]
    first = np.searchsorted(groups[:, 0], np.arange(network.n_zones + 1)).astype(np.int64)
    return first, np.ascontiguousarray(groups[:, 1]), np.ascontiguousarray(groups[:, 2]), group, alone


class Pass:
    """Work space of passes over a network: 64 runs at eight moments each, or 512 moments of one run."""

    def __init__(self, made: Ready) -> None:
        """Take arrays that one thread uses again and again."""
        n, rows = made.n_nodes, made.rows
        self.made = made
        self.node_up = np.zeros((n, LANES), np.uint64)
        self.link_up = np.zeros((rows.links.size, LANES), np.uint64)
        self.found = np.zeros((n, LANES), np.uint64)
        self.dark = np.zeros((made.group_battery_h.size, LANES), np.uint64)
        self.out = np.zeros((LANES, made.people.size), np.uint64)
        self.queue, self.is_waiting = np.zeros(max(n, 1), np.int32), np.zeros(n, np.bool_)

    def fail(self, run: IntArray, moment_h: FloatArray, latent: FloatArray, key: np.uint64) -> None:
        """Set what stands at the moments (b, 8) of runs (b,), at most 64, with latent numbers (b, h)."""
        made, c = self.made, self.made.compiled
        full = np.uint64(0xFFFFFFFFFFFFFFFF)
        self.node_up.fill(full)
        self.link_up.fill(full)
        self.dark.fill(np.uint64(0))
        damage_words(
            run, moment_h, latent, c.hazard_i, c.hazard_f, c.level_first, c.level_f, c.level_block, c.entry,
            c.entry_keep, c.entry_worse, c.repair, made.thing_i, made.thing_of_rank, made.position, made.n_nodes,
            made.pool_first, made.travel_h, c.guide, c.bound, key, self.node_up, self.link_up,
        )  # fmt: skip
        steady_words(
            run, moment_h, c.hazard_i, c.level_first, c.level_block, c.entry, c.entry_keep, c.entry_worse, c.repair,
            made.thing_i, made.position, made.n_nodes, c.guide, c.bound, key, c.window_h, self.node_up, self.link_up,
        )  # fmt: skip
        if not self.dark.size:
            return
        power_words(
            run, moment_h, latent, c.hazard_i, c.hazard_f, c.level_first, c.level_f, c.level_block, c.entry,
            c.entry_keep, c.entry_value, c.guide, c.bound, key, made.zone_first, made.group_battery_h,
            made.group_generator_h, self.dark,
        )  # fmt: skip
        silent_generators(
            run, made.silent_first, made.silent_node, made.silent_keep, made.position, made.battery_group, c.guide,
            c.bound, key, self.dark, self.node_up,
        )  # fmt: skip
        darken(made.group_at, self.dark, self.node_up)

    def serve(self, service: int) -> Words:
        """Return (lanes, p) words with one where a place is without a service; the array is used again."""
        made, rows = self.made, self.made.rows
        reach_words(
            rows.rows.indptr, rows.rows.indices, rows.rows.link_index, made.service_roots[service], rows.tree,
            rows.parent, rows.by, self.node_up, self.link_up, LANES, self.found, self.queue, self.is_waiting,
        )  # fmt: skip
        places_out(
            self.found, made.service_first[service], made.service_row[service], made.service_needed[service], self.out
        )
        return self.out


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """Draws of one event at hours (t,): the network made ready, latent numbers (h,), the key, and sums by draw.

    ``series`` holds ``down`` and ``dark`` (draws, t), ``people`` and ``mbps`` (services, draws, t).
    """

    hour_h: FloatArray
    made: Ready
    latent: FloatArray
    key: np.uint64
    series: dict[str, FloatArray]


def bytes_of(hours: FloatArray) -> FloatArray:
    """Return hours (t,) as moments (b, 8); the last hour fills what is left of the last byte."""
    n_bytes = -(-hours.size // MOMENTS)
    return np.concatenate([hours, np.full(n_bytes * MOMENTS - hours.size, hours[-1])]).reshape(n_bytes, MOMENTS)


def draws_of(
    network: StressNetwork, hazards: Sequence[Hazard], hour_h: ArrayLike, *, strength: dict[str, int] | None = None,
    n_draws: int = REPLAY_DRAWS, seed: int = 1,
) -> Draws:  # fmt: skip
    """Return what each draw of an event takes out at each hour; arguments as of :func:`hourly`."""
    hours = np.atleast_1d(np.asarray(hour_h, np.float64))
    if n_draws < 1 or not hours.size:
        raise InputError(Problem("there is no hour or no draw", "give one or more of both"))
    window = max(float(hours.max()) + 1.0, WINDOW_H)
    made = ready(network, _bare_rates(hazards), window_h=window)
    latent, key, moments = _latent_of(made.compiled, hazards, strength), key_of(seed), bytes_of(hours)
    run = np.repeat(np.arange(n_draws, dtype=np.int64), moments.shape[0])
    total = _totals(network, made, run=run, moment=np.tile(moments, (n_draws, 1)), latent=latent, key=key)
    series = {name: value.reshape(*value.shape[:-2], n_draws, -1)[..., : hours.size] for name, value in total.items()}
    return Draws(hours, made, latent, key, series)


@dataclass(frozen=True, slots=True, eq=False)
class Hourly:
    """What is out at each hour (t,) of an event: means over draws and a band of 90 % of the draws.

    ``n_sites_down`` counts sites that have failed or have no power, ``n_sites_dark`` those cut off as well;
    ``people_out`` and ``mbps_out`` (services, t) are of places.  Arrays ``_low`` and ``_high`` are the band.
    """

    hour_h: FloatArray
    service_id: tuple[str, ...]
    n_sites_down: FloatArray
    n_sites_down_low: FloatArray
    n_sites_down_high: FloatArray
    n_sites_dark: FloatArray
    people_out: FloatArray
    people_out_low: FloatArray
    people_out_high: FloatArray
    mbps_out: FloatArray


def hourly(
    network: StressNetwork,
    hazards: Sequence[Hazard],
    hour_h: ArrayLike,
    *,
    strength: dict[str, int] | None = None,
    n_draws: int = REPLAY_DRAWS,
    seed: int = 1,
) -> Hourly:
    """Return hour by hour what is out in an event, over ``n_draws`` draws of damage, repair and lengths.

    ``hour_h`` (t,) are hours after the beginning.  ``strength`` gives the level (from 0) of each event hazard that
    happens, others stay away; without it all happen at their strongest.  Hazards in steady state act as always.
    """
    drawn = draws_of(network, hazards, hour_h, strength=strength, n_draws=n_draws, seed=seed)
    series, hours = drawn.series, drawn.hour_h

    def band(name: str, percent: float) -> FloatArray:
        return np.asarray(np.percentile(series[name], percent, axis=-2), np.float64)

    return Hourly(
        hours, tuple(service.service_id for service in network.services), series["down"].mean(axis=-2),
        band("down", _LOW_PCT), band("down", _HIGH_PCT), series["dark"].mean(axis=-2), series["people"].mean(axis=-2),
        band("people", _LOW_PCT), band("people", _HIGH_PCT), series["mbps"].mean(axis=-2),
    )  # fmt: skip


def _bare_rates(hazards: Sequence[Hazard]) -> list[Hazard]:
    """Return hazards whose rates play no part: levels fall slowly, so that each has a bound of its own."""
    import dataclasses

    made = []
    for hazard in hazards:
        n = len(hazard.levels)
        levels = tuple(
            dataclasses.replace(level, rate_per_year=1e-6 * (n - i) / n) for i, level in enumerate(hazard.levels)
        )
        made.append(hazard if hazard.is_steady else dataclasses.replace(hazard, levels=levels))
    return made


def _latent_of(compiled: Compiled, hazards: Sequence[Hazard], strength: dict[str, int] | None) -> FloatArray:
    """Return (h,) latent numbers that bring each event hazard to the wanted level, or keep it away."""
    by_name = {hazard.hazard_id: hazard for hazard in hazards}
    wanted = {name: len(by_name[name].levels) - 1 for name in by_name} if strength is None else strength
    problems = [
        Problem(f"there is no hazard {name}", f"use {', '.join(by_name)}") for name in wanted if name not in by_name
    ]
    problems += [
        Problem(f"{name} has no level {level}", f"use 0 to {len(by_name[name].levels) - 1}")
        for name, level in wanted.items()
        if name in by_name and not 0 <= level < len(by_name[name].levels)
    ]
    raise_if_any(problems)
    latent = np.full(compiled.n_events, -CERTAIN)
    for h, name in enumerate(compiled.hazard_id):
        number = int(compiled.hazard_i[h, 2])
        if number >= 0 and name in wanted:
            first, last = int(compiled.level_first[h]), int(compiled.level_first[h + 1])
            level = first + wanted[name]
            above = compiled.level_f[level + 1, 0] if level + 1 < last else CERTAIN
            latent[number] = 0.5 * (compiled.level_f[level, 0] + above)
    return latent


def _totals(
    network: StressNetwork, made: Ready, *, run: IntArray, moment: FloatArray, latent: FloatArray, key: np.uint64
) -> dict[str, FloatArray]:
    """Return sums at the moments of each byte (b, 8): sites down and dark, people and rate out by service."""
    n_bytes, n_services = run.size, len(network.services)
    down, dark = np.zeros((n_bytes, MOMENTS)), np.zeros((n_bytes, MOMENTS))
    people, mbps = np.zeros((n_services, n_bytes, MOMENTS)), np.zeros((n_services, n_bytes, MOMENTS))
    work = Pass(made)
    site = network.is_site[made.rows.order].astype(np.float64)
    for low in range(0, n_bytes, PASS_RUNS):
        high = min(low + PASS_RUNS, n_bytes)
        own = np.tile(latent, (high - low, 1))
        work.fail(run[low:high], np.ascontiguousarray(moment[low:high]), own, key)
        down[low:high] = _by_moment(~work.node_up.T, site)[: high - low]
        for s in range(n_services):
            out = work.serve(s)
            people[s, low:high] = _by_moment(out, network.people)[: high - low]
            mbps[s, low:high] = _by_moment(out, network.mbps)[: high - low]
            if s == 0:
                dark[low:high] = _by_moment(~work.found.T, site)[: high - low]
    return {"down": down, "dark": dark, "people": people, "mbps": mbps}


def _by_moment(words: Words, weight: FloatArray) -> FloatArray:
    """Return (64, 8) sums of weights by byte and moment of words (lanes, n)."""
    total = np.zeros((LANES, BYTES * MOMENTS))
    add_bits(np.ascontiguousarray(words), weight, total)
    return total.reshape(LANES * BYTES, MOMENTS)
