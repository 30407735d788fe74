"""Which feeder a site hangs on, how bad that feeder is, and its hours through the year."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.methods.outages import Shedding, company_feeders, feeder_outages

if TYPE_CHECKING:
    from rahdari.engines.power.params import PowerParams
    from rahdari.methods.site_power_input import FeederHours
    from rahdari.model import Context, Tables

UNKNOWN = "unknown"  # company of districts without one
NO_EVENTS = (np.zeros(0), np.zeros(0))  # national failures are counted by their rate, not by the luck of one year


def place_outages(tables: Tables, params: PowerParams) -> pl.DataFrame:
    """Return ``place_id``, ``company_id``, ``outage_h_per_day``, ``heavy_frac`` and ``n_feeders`` by place."""
    companies = tables["grid_companies"].select(
        "grid_company_id",
        "outage_h_per_day",
        "n_feeders",
        heavy_frac=pl.when(pl.col("n_feeders") > 0).then(
            pl.col("n_feeders_over_10h") / pl.col("n_feeders").clip(lower_bound=1)
        ),
    )
    districts = tables["districts"].select("district_id", "grid_company_id")
    joined = (
        tables["places"]
        .sort("place_id")
        .select("place_id", "district_id")
        .join(districts, on="district_id", how="left", maintain_order="left")
        .join(companies, on="grid_company_id", how="left", maintain_order="left")
    )
    is_known = pl.col("outage_h_per_day").is_not_null()
    # A company without a feeder count is taken as one class: its mean is all that is known.
    heavy = pl.when(is_known).then(pl.col("heavy_frac").fill_null(0.0)).otherwise(params.default_heavy_feeder_frac)
    return joined.select(
        "place_id",
        "district_id",
        pl.when(is_known).then("grid_company_id").otherwise(pl.lit(UNKNOWN)).alias("company_id"),
        pl.col("outage_h_per_day").fill_null(params.default_outage_h_per_day),
        heavy.alias("heavy_frac"),
        pl.col("n_feeders").fill_null(0),
    )


def site_feeders(sites: pl.DataFrame, places: pl.DataFrame, params: PowerParams, ctx: Context) -> pl.DataFrame:
    """Return the feeder of each site on the grid, by site.

    Columns: ``site_id``, ``feeder_id``, ``company_id``, ``feeder_h_per_day`` and, of the company, ``company_h_per_day``
    and ``heavy_feeder_frac``.  Sites of one place stand beside each other on the feeders of their company, in an order
    of feeders drawn by chance.
    """
    each = params.sites_per_feeder_count if ctx.detail == "full" else params.quick_sites_per_feeder_count
    on_grid = sites.filter("is_on_grid").select("site_id", "place_id").join(places, on="place_id", how="left")
    frames: list[pl.DataFrame] = []
    for (company,), group in on_grid.sort("company_id", "district_id", "place_id", "site_id").group_by(
        "company_id", maintain_order=True
    ):
        wanted = int(np.ceil(group.height / each))
        known = int(group["n_feeders"][0])
        n = min(wanted, known, group.height) if known else wanted
        row = group.select("company_id", "heavy_frac", "outage_h_per_day").head(1).with_columns(n_feeders=pl.lit(n))
        feeders = company_feeders(row)
        at = ctx.random(f"feeders of {company}").permutation(n)[np.arange(group.height) * n // group.height]
        chosen = feeders[at.tolist()].select("feeder_id", pl.col("outage_h_per_day").alias("feeder_h_per_day"))
        own = group.select(
            "site_id",
            "company_id",
            pl.col("outage_h_per_day").alias("company_h_per_day"),
            pl.col("heavy_frac").alias("heavy_feeder_frac"),
        )
        frames.append(pl.concat([own, chosen], how="horizontal"))
    if not frames:
        texts = dict.fromkeys(("site_id", "company_id", "feeder_id"), pl.String())
        numbers = dict.fromkeys(("company_h_per_day", "heavy_feeder_frac", "feeder_h_per_day"), pl.Float64())
        return pl.DataFrame(schema={**texts, **numbers})
    return pl.concat(frames).sort("site_id")


def hours_of(feeders: pl.DataFrame, params: PowerParams, ctx: Context, mean_outage_h: float) -> FeederHours:
    """Return the grid of the distinct feeders of ``feeders`` hour by hour."""
    distinct = feeders.select("feeder_id", "company_id", pl.col("feeder_h_per_day").alias("outage_h_per_day"))
    how = Shedding(mean_outage_h=mean_outage_h, shared_frac=params.shared_outage_frac)
    return feeder_outages(distinct.unique().sort("feeder_id"), how, seed=ctx.seed, events=NO_EVENTS)
