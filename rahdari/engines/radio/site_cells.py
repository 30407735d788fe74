"""The table ``cells``: load, rate and power of every site and technology."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.engines.radio.cover import NEGLIGIBLE_MBPS
from rahdari.methods.cells import DAY_SHAPE, HOURS_PER_DAY, WATT_PER_KILOWATT, efficiency_bps_per_hz
from rahdari.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.engines.radio.cards import Radio
    from rahdari.engines.radio.cover import Coverage
    from rahdari.engines.radio.params import RadioParams

    FloatArray = NDArray[np.float64]


def backhaul_mbps(sites: pl.DataFrame, hops: pl.DataFrame, params: RadioParams, carried_mbps: float) -> FloatArray:
    """Return (n,) what joins each site to the network; fibre carries ``carried_mbps``, more than any cell.

    A microwave site has the rate of its hop, or of its most robust modulation where terrain and rain promise none: it
    is in service today, so some way exists.
    """
    named = {"site_id": pl.String(), "feed_mbps": pl.Float64()}
    rates = hops.select("site_id", "feed_mbps") if hops.width else pl.DataFrame(schema=named)
    fed = sites.select("site_id").join(rates, on="site_id", how="left", maintain_order="left")
    feed = fed["feed_mbps"].fill_null(params.backhaul_microwave_mbps).to_numpy()
    kind = sites["backhaul"].to_numpy()
    return np.select(
        [kind == "fibre", kind == "microwave", kind == "satellite"],
        [carried_mbps, feed, params.backhaul_satellite_mbps],
        0.0,
    )


def cells(found: Coverage, backhaul: FloatArray, radio: Radio) -> pl.DataFrame:
    """Return the rows of one technology; sites of one place share its traffic and have one load."""
    of_site, card = found.group, radio.card
    sinr_db = found.loads.sinr_db[of_site]
    efficiency = efficiency_bps_per_hz(10.0 ** (sinr_db / 10.0), card)
    carrier_mhz = card.carrier_mhz
    radio_mbps = carrier_mhz * efficiency
    capacity = np.minimum(radio_mbps, backhaul)
    demand = found.asked_mbps[of_site]
    load = np.minimum(1.0, np.minimum(demand, capacity) / np.maximum(radio_mbps, NEGLIGIBLE_MBPS))
    kwh = (HOURS_PER_DAY * card.idle_w + load * card.full_load_added_w * sum(DAY_SHAPE)) / WATT_PER_KILOWATT
    gap = np.maximum(found.loads.highest_frac - found.loads.lowest_frac, 0.0)  # they may cross by a rounding
    return found.serving.select("site_id", "is_planned").with_columns(
        technology=pl.lit(radio.technology),
        carrier_mhz=pl.lit(carrier_mhz),
        sinr_db=pl.Series(sinr_db),
        efficiency_bps_per_hz=pl.Series(efficiency),
        radio_mbps=pl.Series(radio_mbps),
        backhaul_mbps=pl.Series(backhaul),
        capacity_mbps=pl.Series(capacity),
        demand_mbps=pl.Series(demand),
        load_frac=pl.Series(load),
        load_gap_frac=pl.Series(gap[of_site]),
        is_overloaded=pl.Series(demand > capacity),
        busy_power_w=pl.Series(card.idle_w + load * card.full_load_added_w),
        energy_kwh_per_year=pl.Series(DAYS_PER_YEAR * kwh),
    )
