"""Coverage and rate of places: best of the nearest sites over terrain, loads and interference at a fixed point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.sparse import csr_array
from scipy.spatial import cKDTree
from scipy.special import ndtr

from rahdari.engines.radio.cards import CARRIES
from rahdari.engines.radio.paths import (
    Ends,
    closed_loss_db,
    law_of,
    location_sigma_db,
    loss_db,
    terrain_sigma_db,
)
from rahdari.methods.cells import coupled_loads, efficiency_bps_per_hz
from rahdari.methods.geo import great_circle_km, nearest, unit_vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.engines.radio.cards import Radio
    from rahdari.engines.radio.params import RadioParams
    from rahdari.methods.cells import CoupledLoads
    from rahdari.methods.raster import Raster
    from rahdari.model import Context

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]
    IntArray = NDArray[np.int64]

NEGLIGIBLE_MBPS = 1e-9  # keeps divisions finite; a place without traffic shares nothing
SURE_LOCATION_QUANTILE = 1.2815515655446004  # 90 % of locations, standard normal
RING_SITES = 6.0  # neighbours of a site in a regular layout
RING_RATIO = 2.0  # their distance over the cell's radius: 1.9 by hexagons, and the user stands off the middle
LOAD_TOLERANCE = 1e-6  # width in which every load is proven to lie
MOST_NOISE_RATIO = 1e12  # of a place out of reach: finite, and no rate
FAR_DB = 400.0  # loss of a path that is not looked at
MOST_DB = 400.0  # no table needs a ratio beyond


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """Places in the order of their ids, what they ask, and the terrain beneath."""

    places: pl.DataFrame
    busy_mbps: FloatArray
    clutter_m: FloatArray
    settled_km: FloatArray
    terrain_sigma_db: FloatArray
    raster: Raster | None

    def column(self, name: str) -> FloatArray:
        """Return a column of the places as an array."""
        return self.places[name].to_numpy()


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """Rows of ``coverage``, sites that serve, and the state of their groups (the sites of one place are one)."""

    rows: pl.DataFrame
    serving: pl.DataFrame
    group: IntArray
    loads: CoupledLoads
    asked_mbps: FloatArray


def ground_of(places: pl.DataFrame, demand: pl.DataFrame, raster: Raster | None, params: RadioParams) -> Ground:
    """Return the places, sorted by id, with traffic, cover and the error of their terrain."""
    busy = places.select("place_id").join(demand, on="place_id", how="left", maintain_order="left")
    is_urban = places["is_urban"].to_numpy()
    lon, lat = places["lon_deg"].to_numpy(), places["lat_deg"].to_numpy()
    return Ground(
        places,
        busy["busy_hour_mbps"].fill_null(0.0).to_numpy(),
        np.where(is_urban, params.clutter_urban_m, params.clutter_rural_m),
        np.sqrt(places["area_km2"].to_numpy() / np.pi),
        terrain_sigma_db(raster, lon, lat, params),
        raster,
    )


def serving_sites(towers: pl.DataFrame, planned: pl.DataFrame, technology: str) -> pl.DataFrame:
    """Return the sites that carry a technology, assumed upgrades to 5G included and marked."""
    is_planned = pl.col("site_id").is_in(planned["site_id"].implode())
    carries = pl.col("generation").is_in(list(CARRIES[technology]))
    return towers.with_columns(is_planned=is_planned & ~carries).filter(
        carries | pl.lit(technology == "5g") & is_planned
    )


def ends_between(
    ground: Ground, sites: pl.DataFrame, place: IntArray, site: IntArray, length_km: FloatArray | None = None
) -> Ends:
    """Return paths from sites to places, both by index; ``length_km`` replaces the distance between them."""
    lon, lat = sites["lon_deg"].to_numpy()[site], sites["lat_deg"].to_numpy()[site]
    to_lon, to_lat = ground.column("lon_deg")[place], ground.column("lat_deg")[place]
    distance = great_circle_km(lon, lat, to_lon, to_lat)
    return Ends(
        lon,
        lat,
        to_lon,
        to_lat,
        distance,
        distance if length_km is None else length_km,
        ground.clutter_m[place],
        ground.settled_km[place],
        ground.column("is_urban")[place].astype(np.bool_),
    )


def near_sites(ground: Ground, sites: pl.DataFrame, n_candidates: int) -> tuple[IntArray, FloatArray]:
    """Return (places, candidates) sites from the nearest on, equal distances by id, and their distances, km."""
    k = min(n_candidates, sites.height)
    tree = cKDTree(unit_vectors(sites["lon_deg"], sites["lat_deg"]))
    lon, lat = ground.column("lon_deg"), ground.column("lat_deg")
    _, found = tree.query(unit_vectors(lon, lat), k=k)
    index = np.sort(np.reshape(found, (-1, k)), axis=1)
    site_lon, site_lat = sites["lon_deg"].to_numpy()[index], sites["lat_deg"].to_numpy()[index]
    distance = great_circle_km(lon[:, None], lat[:, None], site_lon, site_lat)
    order = np.argsort(distance, axis=1, kind="stable")
    return np.take_along_axis(index, order, axis=1), np.take_along_axis(distance, order, axis=1)


def typical_rank(operator_share_frac: float) -> int:
    """Return the rank, from 1, of the strongest site of a user's own operator: the median over users.

    Each site is the operator's by its share, whatever the others are.

    >>> typical_rank(0.33), typical_rank(1.0)
    (2, 1)
    """
    if operator_share_frac >= 0.5:  # noqa: PLR2004  # the strongest is more likely one's own than not
        return 1
    return int(np.ceil(np.log(0.5) / np.log(1.0 - operator_share_frac)))


@dataclass(frozen=True, slots=True, eq=False)
class _Signals:
    """Each place's candidates, best server, and losses at the cell's edge and at the typical user.

    ``rank`` is that of a candidate's signal less that of the site of the typical user's own operator.
    """

    index: IntArray
    distance_km: FloatArray
    edge_loss_db: FloatArray
    server: IntArray
    rank: IntArray
    user_site: IntArray
    user_site_km: FloatArray
    n_own: IntArray
    edge_km: FloatArray
    user_km: FloatArray
    user_loss_db: FloatArray
    ring_gain_db: FloatArray
    location_sigma_db: FloatArray
    bending_sigma_db: FloatArray

    @property
    def served_loss_db(self) -> FloatArray:
        """Return the loss from the best server to the edge."""
        return self.edge_loss_db[np.arange(self.server.size), self._position]

    @property
    def _position(self) -> IntArray:
        return np.asarray(np.argmax(self.index == self.server[:, None], axis=1), np.int64)


def _signals(ground: Ground, sites: pl.DataFrame, radio: Radio, params: RadioParams, ctx: Context) -> _Signals:
    """Return the signals of one technology at every place."""
    law = law_of(radio.card.frequency_ghz, params)
    index, distance = near_sites(ground, sites, params.candidate_sites_count)
    own = sites.group_by("place_id").agg(n_own=pl.len().cast(pl.Int64))
    joined = ground.places.select("place_id").join(own, on="place_id", how="left", maintain_order="left")
    n_own = joined["n_own"].fill_null(0).to_numpy()
    radius = ground.settled_km / np.sqrt(np.maximum(n_own, 1))
    edge = np.maximum(distance, radius[:, None])
    looked = distance <= np.maximum(params.reach_km, distance[:, :1])
    place, _ = np.nonzero(looked)
    loss = np.full(index.shape, FAR_DB)
    ends = ends_between(ground, sites, place, index[looked], edge[looked])
    loss[looked] = loss_db(ground.raster, ends, law, ctx)
    best = np.argmin(loss, axis=1)
    everyone = np.arange(best.size)
    server = index[everyone, best]
    order = np.argsort(loss, axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable")
    last = np.minimum(looked.sum(axis=1), typical_rank(radio.operator_share_frac)) - 1
    typical = order[everyone, last]
    # A user's own operator has fewer sites than all operators together: its cells are wider.
    n_operator = np.maximum(n_own * radio.operator_share_frac, 1.0)
    wide = ground.settled_km / np.sqrt(n_operator)
    user_site = index[everyone, typical]
    user_km = params.user_distance_ratio * np.maximum(distance[everyone, typical], wide)
    user = ends_between(ground, sites, everyone, user_site, user_km)
    # Between the houses of one place all paths are alike but for their length: terrain has no part in the ratio.
    inside = user._replace(length_km=params.user_distance_ratio * wide)
    ring_gain = closed_loss_db(inside, law) - closed_loss_db(inside._replace(length_km=RING_RATIO * wide), law)
    ends = ends_between(ground, sites, everyone, server, edge[everyone, best])
    bending = np.zeros(best.size)
    if ground.raster is not None:
        high, low = (
            loss_db(ground.raster, ends, law_of(law.frequency_ghz, params, params.delta_n + swing), ctx)
            for swing in (params.delta_n_spread, -params.delta_n_spread)
        )
        bending = 0.5 * np.abs(high - low)
    return _Signals(
        index, distance, loss, server, rank - last[:, None], user_site, distance[everyone, typical], n_own,
        edge[everyone, best], user_km,
        loss_db(ground.raster, user, law, ctx), ring_gain,
        location_sigma_db(ground.raster, ends, law), bending,
    )  # fmt: skip


def _groups(ground: Ground, sites: pl.DataFrame, signals: _Signals) -> tuple[IntArray, IntArray, IntArray]:
    """Return the group of each site and of each place's server, and the number of sites of each group."""
    ids = sites.select("place_id").unique().sort("place_id").with_row_index("group")
    group = sites.select("place_id").join(ids, on="place_id", how="left", maintain_order="left")["group"]
    own = ground.places.select("place_id").join(ids, on="place_id", how="left", maintain_order="left")["group"]
    of_site = group.to_numpy().astype(np.int64)
    served = np.where(signals.n_own > 0, own.fill_null(0).to_numpy().astype(np.int64), of_site[signals.server])
    return of_site, served, np.bincount(of_site, minlength=ids.height)


def _interference(
    signals: _Signals, of_site: IntArray, served: IntArray, n_groups: int, *, share: float, leak_db: float
) -> csr_array:
    """Return (places, groups) interference at full load over the signal at the typical user.

    Co-channel sites are those of the user's operator: a share of all.  In a place they form a regular layout; beyond it
    weaker candidates than the user's own count, each by its chance to be co-channel; stronger ones are of others.  The
    site's other sectors leak.
    """
    n, leak_ratio = signals.server.size, 10.0 ** (-leak_db / 10.0)
    n_ring = np.clip(signals.n_own * share - 1.0, 0.0, RING_SITES)
    own = n_ring * 10.0 ** (signals.ring_gain_db / 10.0) + leak_ratio
    group = of_site[signals.index]
    is_other = (group != served[:, None]) & (signals.edge_loss_db < FAR_DB) & (signals.rank > 0)
    ratio = share * 10.0 ** (np.minimum(signals.user_loss_db[:, None] - signals.edge_loss_db, MOST_DB) / 10.0)
    row = np.concatenate([np.arange(n), np.nonzero(is_other)[0]])
    column = np.concatenate([served, group[is_other]])
    made = csr_array((np.concatenate([own, ratio[is_other]]), (row, column)), shape=(n, n_groups))
    made.sum_duplicates()
    return made


def _weights(served: IntArray, offered: FloatArray, n_groups: int) -> csr_array:
    """Return (groups, places) shares of each group's traffic; a group without traffic weighs its places alike."""
    weight = offered + NEGLIGIBLE_MBPS
    total = np.bincount(served, weight, n_groups)
    place = np.arange(served.size)
    return csr_array((weight / total[served], (served, place)), shape=(n_groups, served.size))


def covered(
    ground: Ground,
    serving: pl.DataFrame,
    backhaul_mbps: FloatArray,
    *,
    radio: Radio,
    params: RadioParams,
    ctx: Context,
) -> Coverage:
    """Return the coverage of every place by one technology; ``serving`` sites are sorted by id, one at least.

    ``backhaul_mbps`` is what joins each site to the network, infinity for fibre.  Probability of coverage counts
    location, terrain and bending of rays as independent and normal.
    """
    signals = _signals(ground, serving, radio, params, ctx)
    median_snr = np.maximum(radio.snr_0_db - signals.served_loss_db, -MOST_DB)
    edge_snr = median_snr - SURE_LOCATION_QUANTILE * signals.location_sigma_db
    is_covered = edge_snr >= params.min_snr_db
    spread = np.sqrt(
        signals.location_sigma_db**2 + ground.terrain_sigma_db**2 + signals.bending_sigma_db**2
    )  # independent of each other
    offered = np.where(is_covered, ground.busy_mbps * radio.traffic_frac, 0.0)
    of_site, served, n_sites = _groups(ground, serving, signals)
    asked = np.bincount(served, offered, n_sites.size) / n_sites
    fed = np.minimum(asked[of_site], backhaul_mbps)
    noise = 10.0 ** ((params.indoor_loss_db + signals.user_loss_db - radio.snr_0_db) / 10.0)
    noise = np.minimum(noise, MOST_NOISE_RATIO)
    at_places = _interference(
        signals, of_site, served, n_sites.size, share=radio.operator_share_frac, leak_db=params.sector_leak_db
    )
    weights = _weights(served, offered, n_sites.size)
    mean_fed = np.bincount(of_site, fed, n_sites.size) / n_sites
    loads = coupled_loads(
        mean_fed, weights @ noise, csr_array(weights @ at_places), radio.card, tolerance=LOAD_TOLERANCE
    )
    sinr_db = -10.0 * np.log10(noise + at_places @ loads.load_frac)
    limit = np.bincount(of_site, np.minimum(loads.capacity_mbps[of_site], backhaul_mbps), n_sites.size)
    share = offered / np.maximum(asked * n_sites, NEGLIGIBLE_MBPS)[served]
    state = pl.DataFrame(
        {
            "median_snr_db": median_snr,
            "edge_snr_db": edge_snr,
            "location_sigma_db": signals.location_sigma_db,
            "terrain_sigma_db": ground.terrain_sigma_db,
            "bending_sigma_db": signals.bending_sigma_db,
            "covered_probability_frac": ndtr((median_snr - params.min_snr_db) / spread),
            "user_sinr_db": sinr_db,
            "is_covered": is_covered,
            "capacity_mbps": share * limit[served],
        }
    )
    rows = _rows(ground, serving, signals, state, radio=radio, params=params)
    return Coverage(rows, serving, of_site, loads, asked)


def _rows(
    ground: Ground,
    serving: pl.DataFrame,
    signals: _Signals,
    state: pl.DataFrame,
    *,
    radio: Radio,
    params: RadioParams,
) -> pl.DataFrame:
    """Return the rows of the table, derived columns in the order of their formulas."""
    near, near_km = nearest(ground.column("lon_deg"), ground.column("lat_deg"), serving["lon_deg"], serving["lat_deg"])
    efficiency = efficiency_bps_per_hz(10.0 ** (state["user_sinr_db"].to_numpy() / 10.0), radio.card)
    is_covered = state["is_covered"].to_numpy()
    peak = np.where(is_covered, radio.carrier_mhz * efficiency, 0.0)
    demand = ground.busy_mbps * radio.traffic_frac
    load = np.minimum(1.0, demand / np.maximum(state["capacity_mbps"].to_numpy(), NEGLIGIBLE_MBPS))
    server = pl.Series(signals.server)
    return ground.places.select("place_id").hstack(state).with_columns(
        technology=pl.lit(radio.technology),
        nearest_site_id=serving["site_id"].gather(pl.Series(near)),
        server_site_id=serving["site_id"].gather(server),
        is_planned=serving["is_planned"].gather(server),
        distance_km=pl.Series(near_km),
        server_km=pl.Series(
            great_circle_km(
                ground.column("lon_deg"), ground.column("lat_deg"),
                serving["lon_deg"].gather(server), serving["lat_deg"].gather(server),
            )
        ),
        user_site_id=serving["site_id"].gather(pl.Series(signals.user_site)),
        user_site_km=pl.Series(signals.user_site_km),
        operator_share_frac=pl.lit(radio.operator_share_frac),
        edge_km=pl.Series(signals.edge_km),
        user_km=pl.Series(signals.user_km),
        n_sites=pl.Series(signals.n_own),
        is_surely_covered=state["covered_probability_frac"] >= params.sure_frac,
        is_coarse_terrain=pl.lit(ground.raster is None or ground.raster.is_coarse),
        carrier_mhz=pl.lit(radio.carrier_mhz),
        efficiency_bps_per_hz=pl.Series(efficiency),
        user_peak_mbps=pl.Series(peak),
        traffic_frac=pl.lit(radio.traffic_frac),
        demand_mbps=pl.Series(demand),
        load_frac=pl.Series(load),
        downlink_mbps=pl.Series(peak * np.maximum(1.0 - load, params.min_share_frac)),
    )  # fmt: skip
