"""Attacks played on a network, for those authorised: random, targeted, over a region, by a vendor, on a protected pair.

All of it is secret: results carry the label, names stay out of print, and no engine calls this.  Losses are customers
that no longer reach any root.  Draws are counter-based: one depends on seed and number alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from rahdari.errors import InputError, Problem, TargetError, raise_if_any
from rahdari.methods.exposure import SECRET, by_node, exposure
from rahdari.methods.network import as_network
from rahdari.methods.path_loss import loss_db
from rahdari.methods.propagation import noise_dbm
from rahdari.methods.reach import csr_of_links, packed, reach, unpacked
from rahdari.methods.reliability import two_terminal_availability
from rahdari.units import EARTH_RADIUS_KM, HOURS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from rahdari.methods.network import AnyNetwork, Network
    from rahdari.methods.path_loss import Scenario
    from rahdari.methods.reliability import Availability

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

Kind = Literal["random", "targeted"]
CONFIDENCE = 0.95
DRAWS = 256


@dataclass(frozen=True, slots=True)
class Struck:
    """What an attack takes out and what is lost: ``n_people`` of ``total_people``; names stay out of print."""

    name: str
    n_nodes: int
    n_links: int
    n_people: float
    total_people: float
    node_id: tuple[str, ...] = field(default=(), repr=False)
    link_id: tuple[str, ...] = field(default=(), repr=False)
    label: str = SECRET

    @property
    def lost_frac(self) -> float:
        """Return the share of customers lost."""
        return self.n_people / self.total_people if self.total_people > 0.0 else 0.0


def _losses(
    network: Network, weight: FloatArray, roots: Sequence[str], node_down: BoolArray, link_down: BoolArray
) -> FloatArray:
    """Return (s,) customers lost; ``node_down`` (s, n) and ``link_down`` (s, m)."""
    start = np.array(sorted({network.node(name) for name in roots}), np.int64)
    graph = csr_of_links(network.n_nodes, network.link_node[:, 0], network.link_node[:, 1])
    whole = [np.zeros((1, flags.shape[1]), np.bool_) for flags in (node_down, link_down)]
    words = [packed(np.concatenate(pair)) for pair in zip(whole, (node_down, link_down), strict=True)]
    up = unpacked(reach(graph, start, words[0], words[1]), node_down.shape[0] + 1)
    return np.asarray((up[:1] & ~up[1:]) @ weight)


def attack_curve(
    network: AnyNetwork,
    customers: Mapping[str, float] | ArrayLike,
    roots: Sequence[str],
    kind: Kind = "random",
    n_failed: Sequence[int] = (1, 2, 5, 10),
    *,
    n_draws: int = DRAWS,
    seed: int = 1,
) -> pl.DataFrame:
    """Return the share of customers lost when so many links fail at once: at random, or the most exposed first.

    Columns ``n_failed``, ``lost_frac`` (mean), ``low_frac`` and ``high_frac`` (95 % of draws; one value where
    targeted), ``classification``.  Targeted takes links by what each loses alone, then those at the busiest nodes.
    """
    network = as_network(network)
    weight = by_node(network, customers, "customers")
    if kind not in ("random", "targeted") or not n_failed or not 0 <= min(n_failed) <= max(n_failed) <= network.n_links:
        raise InputError(
            Problem("kind or numbers are out of range", f"give random or targeted, 0 to {network.n_links}")
        )
    total = max(float(weight.sum()), 1e-9)
    order = _targets(network, weight, roots) if kind == "targeted" else None
    rows = []
    for number in n_failed:
        draws = 1 if order is not None else n_draws
        down = np.zeros((draws, network.n_links), np.bool_)
        for draw in range(draws):
            chosen = order[:number] if order is not None else _drawn(network.n_links, number, seed, draw)
            down[draw, chosen] = True
        lost = _losses(network, weight, roots, np.zeros((draws, network.n_nodes), np.bool_), down) / total
        low, high = np.quantile(lost, [(1.0 - CONFIDENCE) / 2.0, (1.0 + CONFIDENCE) / 2.0])
        rows.append((number, float(lost.mean()), float(low), float(high), SECRET))
    names = ("n_failed", "lost_frac", "low_frac", "high_frac", "classification")
    return pl.DataFrame(rows, schema=list(names), orient="row")


def _drawn(n_links: int, number: int, seed: int, draw: int) -> NDArray[np.int64]:
    random = np.random.Generator(np.random.Philox(key=[seed, draw]))
    return np.argsort(random.random(n_links), kind="stable")[:number]


def _targets(network: Network, weight: FloatArray, roots: Sequence[str]) -> NDArray[np.int64]:
    """Return links, those that lose most alone first, then those at the busiest nodes."""
    singles = exposure(network, weight, roots=roots, pairs=False, groups=False).singles
    lost = dict(singles.filter(pl.col("kind") == "link").select("element_id", "n_people").iter_rows())
    alone = np.array([lost[name] for name in network.link_id])
    at_ends = weight[network.link_node].sum(axis=1)
    return np.lexsort((np.arange(network.n_links), -at_ends, -alone))


def regional_attack(
    network: AnyNetwork,
    customers: Mapping[str, float] | ArrayLike,
    roots: Sequence[str],
    line_deg: Sequence[tuple[float, float]],
    radius_km: float,
) -> Struck:
    """Return what is lost when everything within ``radius_km`` of a point (a circle) or a line (a corridor) fails.

    ``line_deg``: longitudes and latitudes.  Distances on a plane through the middle of the region: within 1 % up to
    300 km.  Raises :class:`InputError` where nodes have no places.
    """
    network = as_network(network)
    lon, lat = network.node_lon_deg, network.node_lat_deg
    problems = []
    if lon is None or lat is None:
        problems.append(Problem("the nodes have no places", "give longitudes and latitudes"))
    if not line_deg or not radius_km > 0.0:
        problems.append(Problem("the region is empty", "give at least one point and a radius above zero"))
    raise_if_any(problems)
    assert lon is not None and lat is not None  # noqa: S101, PT018 - looked at above
    weight = by_node(network, customers, "customers")
    line = np.array(line_deg, np.float64)
    middle = np.radians(line[:, 1].mean())
    scale = np.radians(1.0) * EARTH_RADIUS_KM * np.array([np.cos(middle), 1.0])
    way, place = line * scale, np.stack([lon, lat], axis=1) * scale
    steps = np.stack([way, np.roll(way, -1, axis=0)], axis=1)[: max(1, len(way) - 1)]
    if len(way) == 1:
        steps = np.stack([way, way], axis=1)
    ends = place[network.link_node]
    near_node = np.min([_to_segment_km(place, a, b) for a, b in steps], axis=0) <= radius_km
    near_link = np.min([_between_segments_km(ends, a, b) for a, b in steps], axis=0) <= radius_km
    lost = _losses(network, weight, roots, near_node[None], near_link[None])
    return Struck(
        "circle" if len(way) == 1 else "corridor", int(near_node.sum()), int(near_link.sum()), float(lost[0]),
        float(weight.sum()), tuple(network.node_id[i] for i in np.flatnonzero(near_node).tolist()),
        tuple(network.link_id[i] for i in np.flatnonzero(near_link).tolist()),
    )  # fmt: skip


def _to_segment_km(point: FloatArray, a: FloatArray, b: FloatArray) -> FloatArray:
    """Return (p,) distances of points (p, 2) to the segment a, b."""
    along = b - a
    square = float(along @ along)
    at = np.clip((point - a) @ along / square, 0.0, 1.0) if square > 0.0 else np.zeros(len(point))
    return np.asarray(np.hypot(*(point - a - at[:, None] * along).T))


def _between_segments_km(ends: FloatArray, a: FloatArray, b: FloatArray) -> FloatArray:
    """Return (m,) distances of segments (m, 2, 2) to the segment a, b: zero where they cross."""
    first, second = ends[:, 0], ends[:, 1]
    along = second - first
    square = np.maximum((along**2).sum(axis=1), 1e-12)
    near = [_to_segment_km(first, a, b), _to_segment_km(second, a, b)]
    for point in (a, b):
        at = np.clip(((point - first) * along).sum(axis=1) / square, 0.0, 1.0)
        near.append(np.hypot(*(point - first - at[:, None] * along).T))

    def side(p: FloatArray, q: FloatArray, r: FloatArray) -> FloatArray:
        ahead, aside = q - p, r - p
        return np.asarray(ahead[..., 0] * aside[..., 1] - ahead[..., 1] * aside[..., 0])

    crosses = (side(first, second, a) * side(first, second, b) < 0.0) & (side(a, b, first) * side(a, b, second) < 0.0)
    return np.where(crosses, 0.0, np.min(near, axis=0))


def drop_vendor(
    network: AnyNetwork,
    customers: Mapping[str, float] | ArrayLike,
    roots: Sequence[str],
    vendor_of: Mapping[str, str],
) -> pl.DataFrame:
    """Return what stops when every box of one vendor stops, as through its update channel; one row a vendor.

    ``vendor_of``: vendor by node or link; elements without one stay up.  Columns ``vendor_id``, ``n_elements``,
    ``n_people`` and ``lost_frac`` of customers that reached a root, ``classification``.
    """
    network = as_network(network)
    weight = by_node(network, customers, "customers")
    unknown = sorted(set(vendor_of) - {*network.node_id, *network.link_id})
    raise_if_any([Problem(f"{name!r} is no element", "name nodes and links of the network") for name in unknown[:8]])
    vendors = sorted(set(vendor_of.values()))
    down = [
        np.array([[vendor_of.get(name) == vendor for name in ids] for vendor in vendors], np.bool_).reshape(
            -1, len(ids)
        )
        for ids in (network.node_id, network.link_id)
    ]
    lost = _losses(network, weight, roots, down[0], down[1])
    total = max(float(weight.sum()), 1e-9)
    return pl.DataFrame(
        {
            "vendor_id": vendors,
            "n_elements": (down[0].sum(axis=1) + down[1].sum(axis=1)).astype(np.int64),
            "n_people": lost,
            "lost_frac": lost / total,
            "classification": [SECRET] * len(vendors),
        },
        schema_overrides={"vendor_id": pl.String},
    ).sort("n_people", "vendor_id", descending=[True, False])


def pair_under_attack(
    network: AnyNetwork,
    a: str,
    b: str,
    hours: float,
    *,
    hit_frac: Mapping[str, float] | float = 0.0,
    n_samples: int = 2**18,
    seed: int = 1,
) -> Availability:
    """Return the chance that two ends keep at least one way through ``hours``, with its interval.

    A link works at the start as often as it does, fails by itself at its rate, and is hit with ``hit_frac`` (one number
    or by link) at some time within; none is repaired.  Risk groups likewise, without hits.  Exact where the network is
    small enough, else drawn.  Raises :class:`InputError`.
    """
    network = as_network(network)
    chance = np.full(network.n_links, hit_frac) if isinstance(hit_frac, (int, float)) else np.array(
        [hit_frac.get(name, 0.0) for name in network.link_id]
    )  # fmt: skip
    if not (hours >= 0.0 and ((chance >= 0.0) & (chance <= 1.0)).all()):
        raise InputError(Problem("hours or chances are out of range", "give hours from 0 and chances from 0 to 1"))
    years, risks = hours / HOURS_PER_YEAR, network.risks
    up = network.link_availability_frac * np.exp(-network.link_rate_per_year * years) * (1.0 - chance)
    group_up = (1.0 - risks.unavailability_frac) * np.exp(-risks.rate_per_year * years)
    rate = np.maximum(risks.rate_per_year, 1e-12)
    lasting_h = (1.0 / np.maximum(group_up, 1e-12) - 1.0) / rate * HOURS_PER_YEAR
    struck = replace(network, link_availability_frac=up, risks=replace(risks, rate_per_year=rate, repair_h=lasting_h))
    try:
        return two_terminal_availability(struck, a, b)
    except TargetError:
        return two_terminal_availability(struck, a, b, "montecarlo", n_samples=n_samples, seed=seed)


@dataclass(frozen=True, slots=True)
class Jamming:
    """(p,) whether each receiver is denied, signal to jammer and noise, dB, and the radius denied in the open, km."""

    is_denied: BoolArray = field(repr=False)
    sinr_db: FloatArray = field(repr=False)
    radius_km: float
    label: str = SECRET


def jamming(
    distance_km: ArrayLike,
    signal_dbm: ArrayLike,
    *,
    jammer_eirp_dbm: float,
    frequency_ghz: float,
    bandwidth_mhz: float,
    needed_db: float = -5.0,
    noise_figure_db: float = 7.0,
    jammer_height_m: float = 35.0,
    terminal_m: float = 1.5,
    scenario: Scenario = "rma",
    is_line_of_sight: bool = False,
) -> Jamming:
    """Return where a jammer denies a service: signal over jammer and noise below ``needed_db``.

    ``distance_km`` (p,) of receivers from the jammer, ``signal_dbm`` (p,) the wanted signal there.  Losses are those of
    the radio model (3GPP TR 38.901).  ``radius_km`` is for the mean signal given.  For planning counter-measures.
    """
    distance, signal = np.broadcast_arrays(np.asarray(distance_km, np.float64), np.asarray(signal_dbm, np.float64))
    noise_mw = 10.0 ** (noise_dbm(bandwidth_mhz, noise_figure_db) / 10.0)

    def sinr_db(away_km: FloatArray, wanted_dbm: FloatArray) -> FloatArray:
        loss = loss_db(
            scenario, np.maximum(away_km, 0.01), frequency_ghz, jammer_height_m, terminal_m,
            is_line_of_sight=is_line_of_sight,
        )  # fmt: skip
        return np.asarray(wanted_dbm - 10.0 * np.log10(10.0 ** ((jammer_eirp_dbm - loss) / 10.0) + noise_mw))

    ratio = sinr_db(distance, signal)
    steps = np.geomspace(0.01, 300.0, 2000)
    mean = np.full(steps.size, float(signal.mean()) if signal.size else -90.0)
    denied = np.flatnonzero(sinr_db(steps, mean) < needed_db)
    return Jamming(ratio < needed_db, ratio, float(steps[denied[-1]]) if denied.size else 0.0)
