"""Coverage and capacity of cells: each place is served by its own sites, or by those of the place nearby."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.methods.geo import nearest
from rahdari.methods.path_loss import line_of_sight_frac, rma_loss_db, uma_loss_db
from rahdari.methods.propagation import noise_dbm, spectral_efficiency_bps_per_hz

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.engines.radio.params import RadioParams

    FloatArray = NDArray[np.float64]

NEGLIGIBLE_MBPS = 1e-9  # keeps divisions finite; a place without traffic shares nothing
#: Generations that carry a technology's users.
CARRIES: dict[str, tuple[str, ...]] = {"4g": ("4g", "5g"), "5g": ("5g",)}


@dataclass(frozen=True, slots=True)
class Card:
    """One technology as the link budget and the capacity see it."""

    technology: str
    frequency_ghz: float
    eirp_dbm: float
    bandwidth_mhz: float
    carrier_mhz: float
    traffic_frac: float


def card(technology: str, params: RadioParams) -> Card:
    """Return the card of ``4g`` or ``5g``; the carrier is the downlink bandwidth times its layers."""
    if technology == "4g":
        carrier_mhz = params.bandwidth_4g_mhz * params.layers_4g_ratio
        traffic_frac = params.mobile_traffic_frac
        return Card(
            "4g", params.frequency_4g_ghz, params.eirp_4g_dbm, params.bandwidth_4g_mhz, carrier_mhz, traffic_frac
        )
    carrier_mhz = params.bandwidth_5g_mhz * params.downlink_share_5g_frac * params.layers_5g_ratio
    return Card(
        "5g",
        params.frequency_5g_ghz,
        params.eirp_5g_dbm,
        params.bandwidth_5g_mhz,
        carrier_mhz,
        params.traffic_5g_frac,
    )


def planned_5g_sites(places: pl.DataFrame, sites: pl.DataFrame, params: RadioParams) -> pl.DataFrame:
    """Return ``site_id`` of the 4G sites assumed to be upgraded, ``params.n_5g_sites`` at most.

    Cities, or parts of them, share the number by population (largest remainder); fibre sites come first, then
    lower ids.
    """
    cities = places.filter(pl.col("kind") == "city").select("place_id", "n_people")
    ranked = (
        sites.filter(pl.col("generation") == "4g")
        .join(cities, on="place_id")
        .sort(["place_id", "is_fibre", "site_id"], descending=[False, True, False])
        .with_columns(rank=pl.int_range(pl.len()).over("place_id"))
    )
    if not ranked.height:
        return ranked.select("site_id")
    quota = cities.filter(pl.col("place_id").is_in(ranked["place_id"].unique().implode())).sort("place_id")
    exact = params.n_5g_sites * quota["n_people"].to_numpy() / quota["n_people"].sum()
    whole = np.floor(exact).astype(np.int64)
    late = np.lexsort((np.arange(exact.size), whole - exact))[: max(params.n_5g_sites - int(whole.sum()), 0)]
    whole[late] += 1
    shares = quota.select("place_id").with_columns(quota=pl.Series(whole))
    return ranked.join(shares, on="place_id").filter(pl.col("rank") < pl.col("quota")).select("site_id").sort("site_id")


def _loss_db(
    distance_km: FloatArray, is_urban: NDArray[np.bool_], frequency_ghz: float, params: RadioParams
) -> FloatArray:
    """Return the mean loss, dB: line of sight and none weighted by their probability (TR 38.901)."""
    total = np.zeros_like(distance_km)
    for urban, law in ((True, uma_loss_db), (False, rma_loss_db)):
        here = is_urban == urban
        d = distance_km[here]
        sight = line_of_sight_frac(d, is_urban=urban)
        line = law(d, frequency_ghz, params.mast_m, params.terminal_m, is_line_of_sight=True)
        hidden = law(d, frequency_ghz, params.mast_m, params.terminal_m, is_line_of_sight=False)
        total[here] = sight * line + (1.0 - sight) * hidden
    return total


def site_mbps(sites: pl.DataFrame, tech: Card, params: RadioParams) -> FloatArray:
    """Return (n,) busy-hour rate of each site: its sectors in a loaded network, or its backhaul if that is less."""
    efficiency = float(spectral_efficiency_bps_per_hz(params.loaded_sir_db))
    radio_mbps = params.sectors_per_site_count * tech.carrier_mhz * efficiency
    backhaul = sites["backhaul"].replace_strict(
        {
            "fibre": radio_mbps,
            "microwave": params.backhaul_microwave_mbps,
            "satellite": params.backhaul_satellite_mbps,
            "none": 0.0,
        },
        return_dtype=pl.Float64(),
    )
    return np.asarray(np.minimum(radio_mbps, backhaul.to_numpy()), np.float64)


def _shared_capacity(
    places: pl.DataFrame,
    serving_place_id: pl.Series,
    site_place_id: pl.Series,
    rate_mbps: FloatArray,
    demand: FloatArray,
) -> FloatArray:
    """Return (n,) each place's share, by demand, of the sites of the place that serves it."""
    total = (
        pl.DataFrame({"serving": site_place_id, "rate": rate_mbps})
        .group_by("serving", maintain_order=True)
        .agg(pl.col("rate").sum())
    )
    frame = pl.DataFrame({"place_id": places["place_id"], "serving": serving_place_id, "demand": demand})
    frame = frame.join(total, on="serving", how="left", maintain_order="left").with_columns(
        pl.col("rate").fill_null(0.0), all_demand=pl.col("demand").sum().over("serving")
    )
    share = frame["demand"].to_numpy() / np.maximum(frame["all_demand"].to_numpy(), NEGLIGIBLE_MBPS)
    return np.asarray(share * frame["rate"].to_numpy(), np.float64)


def coverage(
    places: pl.DataFrame,
    sites: pl.DataFrame,
    planned: pl.DataFrame,
    demand: pl.DataFrame,
    *,
    tech: Card,
    params: RadioParams,
) -> pl.DataFrame:
    """Return the ``coverage`` rows of one technology, or none where no site carries it.

    ``places`` and ``sites`` are sorted by id; ``planned`` names sites counted as 5G though they are not yet;
    ``demand`` holds ``place_id`` and ``busy_hour_mbps`` of the base year.
    """
    is_planned = pl.col("site_id").is_in(planned["site_id"].implode())
    carries = pl.col("generation").is_in(list(CARRIES[tech.technology]))
    serving = sites.with_columns(is_planned=is_planned & ~carries).filter(
        carries | pl.lit(tech.technology == "5g") & is_planned
    )
    if not serving.height:
        return pl.DataFrame()
    index, distance_km = nearest(places["lon_deg"], places["lat_deg"], serving["lon_deg"], serving["lat_deg"])
    own = serving.group_by("place_id").agg(n_sites=pl.len().cast(pl.Int64))
    frame = (
        places.select("place_id", "is_urban", "area_km2")
        .join(own, on="place_id", how="left", maintain_order="left")
        .join(demand.select("place_id", "busy_hour_mbps"), on="place_id", how="left", maintain_order="left")
        .with_columns(pl.col("n_sites").fill_null(0), pl.col("busy_hour_mbps").fill_null(0.0))
    )
    n_sites, is_urban = frame["n_sites"].to_numpy(), frame["is_urban"].to_numpy()
    edge_km = np.maximum(distance_km, np.sqrt(frame["area_km2"].to_numpy() / (np.pi * np.maximum(n_sites, 1))))
    snr_0_db = tech.eirp_dbm - noise_dbm(tech.bandwidth_mhz, params.noise_figure_db)
    edge_snr_db = snr_0_db - _loss_db(edge_km, is_urban, tech.frequency_ghz, params) - params.shadow_margin_db
    user_km = edge_km * params.user_distance_ratio
    user_snr_db = snr_0_db - _loss_db(user_km, is_urban, tech.frequency_ghz, params) - params.indoor_loss_db
    # Noise and interference add: the reciprocals of their ratios to the signal do.
    user_sinr_db = -10.0 * np.log10(10.0 ** (-user_snr_db / 10.0) + 10.0 ** (-params.loaded_sir_db / 10.0))
    is_covered = edge_snr_db >= params.min_snr_db
    efficiency = spectral_efficiency_bps_per_hz(user_sinr_db)
    peak_mbps = np.where(is_covered, tech.carrier_mhz * efficiency, 0.0)
    demand_mbps = frame["busy_hour_mbps"].to_numpy() * tech.traffic_frac
    nearest_place = serving["place_id"].gather(index)
    serving_place = pl.select(
        pl.when(frame["n_sites"] > 0).then(frame["place_id"]).otherwise(nearest_place).alias("serving")
    ).to_series()
    offered = np.where(is_covered, demand_mbps, 0.0)
    capacity = _shared_capacity(places, serving_place, serving["place_id"], site_mbps(serving, tech, params), offered)
    load = np.minimum(1.0, demand_mbps / np.maximum(capacity, NEGLIGIBLE_MBPS))
    return frame.select("place_id", "n_sites").with_columns(
        technology=pl.lit(tech.technology),
        nearest_site_id=serving["site_id"].gather(index),
        is_planned=serving["is_planned"].gather(index),
        distance_km=pl.Series(distance_km),
        edge_km=pl.Series(edge_km),
        edge_snr_db=pl.Series(edge_snr_db),
        user_sinr_db=pl.Series(user_sinr_db),
        is_covered=pl.Series(is_covered),
        carrier_mhz=pl.lit(tech.carrier_mhz),
        efficiency_bps_per_hz=pl.Series(efficiency),
        user_peak_mbps=pl.Series(peak_mbps),
        traffic_frac=pl.lit(tech.traffic_frac),
        demand_mbps=pl.Series(demand_mbps),
        capacity_mbps=pl.Series(capacity),
        load_frac=pl.Series(load),
        downlink_mbps=pl.Series(peak_mbps * np.maximum(1.0 - load, params.min_share_frac)),
    )
