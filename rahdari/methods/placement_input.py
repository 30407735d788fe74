"""What a placement of edge nodes is asked with: fibre, candidates, services, workloads and limits, checked at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from rahdari.errors import Problem, raise_if_any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    BoolArray = NDArray[np.bool_]

ANYWHERE, COUNTRY, PROVINCE = "none", "country", "province"
RESIDENCIES = (ANYWHERE, COUNTRY, PROVINCE)
N_PER_LINK = 2
FAULTS_NAMED = 5  # rows of one fault that are named


@dataclass(frozen=True, slots=True, eq=False)
class EdgeNetwork:
    """Fibre and the sites where an edge node may stand.

    ``link_node`` (m, 2) are numbers of fibre nodes below ``n_nodes``; ``link_km`` (m,) is fibre, slack included.  Links
    between the same two nodes are two trenches.  Candidates: the fibre ``node`` each stands at, what it costs to open
    (``fixed``) and each server in it (``server``), how many servers its power and room allow (``n_servers_max``), hours
    it lasts without the grid (``autonomy_h``), its country and province (``country``, ``zone``).
    """

    n_nodes: int
    link_node: Sequence[Sequence[int]] | IntArray
    link_km: Sequence[float] | FloatArray
    node: Sequence[int] | IntArray
    fixed: Sequence[float] | FloatArray
    server: Sequence[float] | FloatArray
    n_servers_max: Sequence[int] | IntArray
    autonomy_h: Sequence[float] | FloatArray
    zone: Sequence[str] = ()
    country: Sequence[str] = ()


@dataclass(frozen=True, slots=True, eq=False)
class EdgeServices:
    """What each service asks: the round trip it leaves to fibre, its hours without the grid, where its data may lie.

    ``residency`` is ``none``, ``country`` or ``province``; ``has_second`` asks for a second node.
    """

    latency_ms: Sequence[float] | FloatArray
    autonomy_h: Sequence[float] | FloatArray
    residency: Sequence[str]
    has_second: Sequence[bool] | BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class EdgeDemand:
    """Workloads: the fibre ``node`` where each enters, its ``service``, the share of servers it takes, its traffic.

    ``servers`` may be any number above 0; ``access_km`` is fibre from the origin to its fibre node.
    """

    node: Sequence[int] | IntArray
    service: Sequence[int] | IntArray
    servers: Sequence[float] | FloatArray
    mbps: Sequence[float] | FloatArray
    access_km: Sequence[float] | FloatArray = ()
    zone: Sequence[str] = ()
    country: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class EdgeLimits:
    """Prices and effort: money per Mbit/s and km, what of it a standby way costs, and the price of leaving one out.

    ``unplaced`` is the price of a workload's share of one server that finds no node, and of a second node not found.
    All money is in one unit over one time, such as US dollars a year.
    """

    per_mbps_km: float = 0.0
    standby_frac: float = 0.5
    unplaced: float = 1e6
    n_steps: int = 160


@dataclass(frozen=True, slots=True, eq=False)
class Checked:
    """A placement's input as arrays; ``is_allowed`` (i, j) by residency and autonomy alone."""

    n_nodes: int
    link_node: IntArray
    link_km: FloatArray
    node: IntArray
    fixed: FloatArray
    server: FloatArray
    n_servers_max: IntArray
    work_node: IntArray
    weight: FloatArray
    mbps: FloatArray
    access_km: FloatArray
    latency_ms: FloatArray
    has_second: BoolArray
    is_allowed: BoolArray
    limits: EdgeLimits
    problems: list[Problem] = field(default_factory=list)


def _floats(values: Sequence[float] | FloatArray, n: int, name: str, problems: list[Problem]) -> FloatArray:
    """Return ``n`` finite numbers of zero or more; every fault is told."""
    array = np.asarray(values, np.float64).reshape(-1)
    if array.size != n:
        problems.append(Problem(f"{array.size} values for {n} rows", "give one a row", column=name))
        return np.zeros(n)
    bad = np.flatnonzero(~(np.isfinite(array) & (array >= 0.0)))
    problems += [
        Problem(f"{array[row]} is missing or below 0", "give 0 or more", row=int(row) + 1, column=name)
        for row in bad[:FAULTS_NAMED]
    ]
    return np.where(np.isfinite(array), np.maximum(array, 0.0), 0.0)


def _numbers(values: Sequence[int] | IntArray, n: int, below: int, name: str, problems: list[Problem]) -> IntArray:
    """Return ``n`` row numbers from 0 to ``below`` - 1; every fault is told."""
    array = np.asarray(values)
    if array.size != n or (array.size and not np.issubdtype(array.dtype, np.integer)):
        problems.append(
            Problem(f"{array.size} numbers of {array.dtype} for {n} rows", "give whole numbers", column=name)
        )
        return np.zeros(n, np.int64)
    array = array.astype(np.int64).reshape(-1)
    bad = np.flatnonzero((array < 0) | (array >= below))
    cure = f"give 0 to {below - 1}"
    problems += [
        Problem(f"{array[row]} does not exist", cure, row=int(row) + 1, column=name) for row in bad[:FAULTS_NAMED]
    ]
    return np.asarray(np.clip(array, 0, max(below - 1, 0)))


def _texts(values: Sequence[str], n: int, name: str, problems: list[Problem]) -> NDArray[np.object_]:
    if not len(values):
        return np.full(n, "", object)
    if len(values) != n:
        problems.append(Problem(f"{len(values)} values for {n} rows", "give one a row, or none at all", column=name))
        return np.full(n, "", object)
    return np.array([str(value) for value in values], object)


def _links(network: EdgeNetwork, problems: list[Problem]) -> tuple[IntArray, FloatArray]:
    raw = np.asarray(network.link_node)
    if raw.size == 0:
        raw = np.zeros((0, N_PER_LINK), np.int64)
    if raw.ndim != N_PER_LINK or raw.shape[1] != N_PER_LINK:
        problems.append(Problem(f"links of shape {raw.shape}", "give two node numbers a link", column="link_node"))
        raw = np.zeros((0, N_PER_LINK), np.int64)
    flat = _numbers(raw.reshape(-1), raw.size, network.n_nodes, "link_node", problems)
    return flat.reshape(-1, N_PER_LINK), _floats(network.link_km, raw.shape[0], "link_km", problems)


def _service_columns(
    services: EdgeServices, problems: list[Problem]
) -> tuple[FloatArray, FloatArray, NDArray[np.object_], BoolArray]:
    n = len(services.latency_ms)
    residency = _texts(services.residency, n, "residency", problems)
    problems += [
        Problem(f"'{value}' is unknown", f"use one of {', '.join(RESIDENCIES)}", row=row + 1, column="residency")
        for row, value in enumerate(residency.tolist())
        if value not in RESIDENCIES
    ][:FAULTS_NAMED]
    second = np.asarray(services.has_second, np.bool_).reshape(-1)
    if second.size != n:
        problems.append(Problem(f"{second.size} values for {n} rows", "give one a row", column="has_second"))
        second = np.zeros(n, np.bool_)
    latency = _floats(services.latency_ms, n, "latency_ms", problems)
    return latency, _floats(services.autonomy_h, n, "autonomy_h", problems), residency, second


def checked(network: EdgeNetwork, services: EdgeServices, demand: EdgeDemand, limits: EdgeLimits) -> Checked:
    """Return the input as arrays; all faults are raised together as :class:`rahdari.errors.InputError`."""
    problems: list[Problem] = []
    link_node, link_km = _links(network, problems)
    n_places, n_work, n_services = len(network.node), len(demand.node), len(services.latency_ms)
    latency, autonomy, residency, second = _service_columns(services, problems)
    service = _numbers(demand.service, n_work, n_services, "service", problems)
    weight = _floats(demand.servers, n_work, "servers", problems)
    zero = np.flatnonzero(weight <= 0.0)
    problems += [
        Problem("a workload takes no share of a server", "give more than 0", row=int(row) + 1, column="servers")
        for row in zero[:FAULTS_NAMED]
        if np.asarray(demand.servers, np.float64).size == n_work
    ]
    for name in ("per_mbps_km", "standby_frac", "unplaced"):
        value = getattr(limits, name)
        if not (np.isfinite(value) and value >= 0.0):
            problems.append(Problem(f"{name} is {value}", "give 0 or more", column=name))
    if limits.n_steps < 1:
        problems.append(Problem(f"{limits.n_steps} steps", "give 1 or more", column="n_steps"))
    access = demand.access_km if len(demand.access_km) else np.zeros(n_work)
    zones = [_texts(part.zone, n, "zone", problems) for part, n in ((demand, n_work), (network, n_places))]
    lands = [_texts(part.country, n, "country", problems) for part, n in ((demand, n_work), (network, n_places))]
    held_h = _floats(network.autonomy_h, n_places, "autonomy_h", problems)
    made = Checked(
        network.n_nodes, link_node, link_km,
        _numbers(network.node, n_places, network.n_nodes, "node", problems),
        _floats(network.fixed, n_places, "fixed", problems),
        _floats(network.server, n_places, "server", problems),
        _numbers(network.n_servers_max, n_places, np.iinfo(np.int64).max, "n_servers_max", problems),
        _numbers(demand.node, n_work, network.n_nodes, "node", problems),
        weight, _floats(demand.mbps, n_work, "mbps", problems), _floats(access, n_work, "access_km", problems),
        latency[service] if n_services else np.zeros(n_work), second[service] if n_services else np.zeros(n_work, bool),
        np.zeros((n_work, n_places), np.bool_), limits, problems,
    )  # fmt: skip
    raise_if_any(problems)
    if not n_services:
        return made
    kept = residency[service]
    same_zone, same_land = (a[:, None] == b[None, :] for a, b in (zones, lands))
    fits = np.where((kept == PROVINCE)[:, None], same_zone & same_land, (kept == ANYWHERE)[:, None] | same_land)
    made.is_allowed[:] = fits & (autonomy[service][:, None] <= held_h[None, :])
    return made
