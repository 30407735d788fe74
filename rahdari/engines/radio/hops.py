"""Microwave chains that feed sites without fibre: nearest fibre site, relays, fade margin, availability."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from rahdari.methods.geo import nearest
from rahdari.methods.propagation import free_space_db, hop_multipath_outage_frac
from rahdari.methods.rain import hop_rain_db, hop_rain_outage_frac

if TYPE_CHECKING:
    from rahdari.engines.radio.params import RadioParams

VERTICAL_TILT_DEG = 90.0  # vertical polarisation suffers less from rain and is the usual first choice
MIN_HOP_KM = 0.1  # antennas on one mast need no hop; the laws start above zero


class Band(NamedTuple):
    """Usual equipment of one band: longest hop, frequency, power, both antennas' gain, threshold, rate."""

    longest_km: float
    frequency_ghz: float
    power_dbm: float
    gains_dbi: float
    threshold_dbm: float
    capacity_gbps: float


#: Planning values for 256-QAM in 56 MHz, within ETSI EN 302 217 class 6 (assumed): dishes of 0.6, 0.9 and 1.8 m.
BANDS = (
    Band(8.0, 23.0, 20.0, 82.0, -65.0, 0.4),
    Band(20.0, 15.0, 24.0, 80.0, -65.0, 0.4),
    Band(np.inf, 7.0, 28.0, 80.0, -65.0, 0.4),
)


def microwave_hops(sites: pl.DataFrame, places: pl.DataFrame, params: RadioParams) -> pl.DataFrame:
    """Return the ``microwave_hops`` rows of all microwave-fed sites, or none where there is no fibre site.

    ``sites`` are sorted by id.  Terrain is not looked at: a chain over a ridge counts as if it were clear.
    """
    fed, fibre = sites.filter(pl.col("backhaul") == "microwave"), sites.filter(pl.col("is_fibre"))
    if not fed.height or not fibre.height:
        return pl.DataFrame()
    index, distance_km = nearest(fed["lon_deg"], fed["lat_deg"], fibre["lon_deg"], fibre["lat_deg"])
    height = fed.select("place_id").join(
        places.select("place_id", "elevation_m"), on="place_id", how="left", maintain_order="left"
    )
    height_m = np.maximum(height["elevation_m"].fill_null(0.0).to_numpy(), 0.0)
    n_relays = np.maximum(np.ceil(distance_km / params.max_hop_km) - 1.0, 0.0).astype(np.int64)
    hop_km = np.maximum(distance_km / (n_relays + 1), MIN_HOP_KM)
    band = np.searchsorted([b.longest_km for b in BANDS], hop_km)
    column = {name: np.array([getattr(b, name) for b in BANDS])[band] for name in Band._fields}
    frequency_ghz = column["frequency_ghz"]
    received = column["power_dbm"] + column["gains_dbi"] - free_space_db(hop_km, frequency_ghz)
    margin_db = received - column["threshold_dbm"]
    multipath = hop_multipath_outage_frac(hop_km, frequency_ghz, margin_db, height_m, params.gradient_n_per_km)
    rain_db = hop_rain_db(hop_km, frequency_ghz, params.rain_rate_mm_h, VERTICAL_TILT_DEG)
    rain = hop_rain_outage_frac(rain_db, margin_db, frequency_ghz)
    availability = np.maximum(0.0, 1.0 - multipath - rain) ** (n_relays + 1)
    is_feasible = (n_relays <= params.max_relays) & (availability >= params.min_availability_frac)
    return fed.select("site_id").with_columns(
        to_site_id=fibre["site_id"].gather(index),
        distance_km=pl.Series(distance_km),
        n_relays=pl.Series(n_relays),
        hop_km=pl.Series(hop_km),
        band_ghz=pl.Series(frequency_ghz),
        fade_margin_db=pl.Series(margin_db),
        multipath_outage_frac=pl.Series(multipath),
        rain_outage_frac=pl.Series(rain),
        capacity_gbps=pl.Series(column["capacity_gbps"]),
        availability_frac=pl.Series(availability),
        is_feasible=pl.Series(is_feasible),
    )
