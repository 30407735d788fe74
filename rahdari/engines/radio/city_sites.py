"""Which city sites get 5G: as much of the cities' 5G traffic as so many sites can serve, with a bound."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from rahdari.engines.radio.cover import ends_between, near_sites
from rahdari.engines.radio.paths import law_of, loss_db
from rahdari.methods.cells import capacity_mbps
from rahdari.methods.site_choice import choose_sites

if TYPE_CHECKING:
    from rahdari.engines.radio.cards import Radio
    from rahdari.engines.radio.cover import Ground
    from rahdari.engines.radio.params import RadioParams
    from rahdari.model import Certificate, Context

CHOICE_SINR_DB = 8.0  # typical user of a loaded city cell: what a candidate is taken to carry before loads are known
CITY_REACH_KM = 5.0  # candidates farther off do not serve a part of a city: 3.5 GHz indoors ends well before
CANDIDATES = 24  # nearest candidates of each part of a city


def city_sites(
    ground: Ground, towers: pl.DataFrame, radio: Radio, params: RadioParams, ctx: Context
) -> tuple[pl.DataFrame, tuple[Certificate, ...]]:
    """Return ``site_id`` and ``place_id`` of the 4G sites upgraded, ``params.n_5g_sites`` at most, and the proof.

    A candidate serves a city place where its signal reaches a typical indoor user at the edge of that place's own
    cells.  Places ask for their 5G traffic; a site carries one cell's rate.  Ties go to the lower id.
    """
    cities = ground.places.with_row_index("place").filter(pl.col("kind") == "city")
    sites = towers.filter(pl.col("generation") == "4g").join(cities.select("place_id"), on="place_id", how="semi")
    sites = sites.sort("site_id")
    if not sites.height or not params.n_5g_sites:
        return sites.select("site_id", "place_id").clear(), ()
    city = cities["place"].to_numpy().astype(np.int64)
    index, distance = near_sites(ground, sites, CANDIDATES)
    index, distance = index[city], distance[city]
    row, position = np.nonzero(distance <= CITY_REACH_KM)
    site, far = index[row, position], distance[row, position]
    count = sites.group_by("place_id").agg(n=pl.len())
    n_own = cities.select("place_id").join(count, on="place_id", how="left", maintain_order="left")["n"].fill_null(0)
    radius = ground.settled_km[city] / np.sqrt(np.maximum(n_own.to_numpy(), 1))
    length = np.maximum(far, radius[row])
    ends = ends_between(ground, sites, city[row], site, length)
    loss = loss_db(ground.raster, ends, law_of(radio.card.frequency_ghz, params), ctx)
    reaches = radio.snr_0_db - loss - params.indoor_loss_db >= params.min_snr_db
    shape = (sites.height, city.size)
    reach = csr_array((np.ones(int(reaches.sum())), (site[reaches], row[reaches])), shape=shape)
    asked = ground.busy_mbps[city] * radio.traffic_frac
    each = float(capacity_mbps(10.0 ** (CHOICE_SINR_DB / 10.0), radio.card))
    choice = choose_sites(
        reach, asked, np.full(sites.height, each), params.n_5g_sites, name="City traffic that the chosen 5G sites carry"
    )
    chosen = sites[choice.chosen.tolist()].select("site_id", "place_id").sort("site_id")
    assumed = f"a site is taken to carry {each:,.0f} Mbit/s, its rate at {CHOICE_SINR_DB:g} dB, before loads are known"
    return chosen, (replace(choice.certificate, note=f"{choice.certificate.note}; {assumed}"),)
