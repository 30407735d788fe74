"""The power engine: a year of every site hour by hour, what each class should have, and what to build first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from rahdari.engines.power.feeders import hours_of, place_outages, site_feeders
from rahdari.engines.power.programme import exposed_sites, people_behind, power_options, programme
from rahdari.engines.power.sizing import certificate, class_ids, class_sun, site_classes, site_groups
from rahdari.engines.power.year import KEY, site_loads, site_year, unit_year
from rahdari.methods.geo import nearest
from rahdari.model import EngineResult, Indicator
from rahdari.schema import schemas_in
from rahdari.schema.checks import empty_table
from rahdari.units import HOURS_PER_YEAR

if TYPE_CHECKING:
    from rahdari.engines.power.params import PowerParams
    from rahdari.model import Certificate, Context, Tables

HOURS_PER_DAY = 24.0
SHORT_OUTAGE_H, LONG_OUTAGE_H = 1.0, 4.0  # mean lengths behind the low and high of dark hours
SAMPLE_EVERY = 24  # of the distinct sites that the range is computed on
STEPS = 4  # of progress
TABLES_FOLDER = Path(__file__).parent / "tables"
NOTES = (
    "Every site is simulated hour by hour over one year of drawn outages; its feeder is drawn too.",
    "National failures of the grid are added by their rate, not by the luck of one year.",
    "Today's sites are taken to have no panels; new batteries are lithium. Sun is modelled, not measured.",
    "Which site has a generator is drawn to the published 42 % without one: the share is an input, not a finding.",
    "21,000 exposed sites at 42 % imply 50,000 sites, against 58,423 cell sites: both bases are shown.",
)


def _place_power(
    places: pl.DataFrame, sites: pl.DataFrame, energy: pl.DataFrame, outages: pl.DataFrame
) -> pl.DataFrame:
    """Return the ``place_power`` rows; a place without a tower leans on the nearest one."""
    towers = sites.filter(pl.col("kind") == "tower").select("site_id", "place_id", "lon_deg", "lat_deg")
    towers = towers.join(energy.select("site_id", "availability_frac"), on="site_id", maintain_order="left")
    own = towers.group_by("place_id").agg(
        n_sites=pl.len().cast(pl.Int64()), own=pl.col("availability_frac").sort_by("site_id").mean()
    )
    frame = places.select("place_id", "electrified_frac").join(own, on="place_id", how="left", maintain_order="left")
    frame = frame.join(outages.select("place_id", "outage_h_per_day"), on="place_id", maintain_order="left")
    if towers.height:
        index, _ = nearest(places["lon_deg"], places["lat_deg"], towers["lon_deg"], towers["lat_deg"])
        near = towers["availability_frac"].gather(index)
    else:
        near = pl.Series([0.0] * places.height)
    availability = pl.coalesce(pl.col("own"), near)
    return frame.select(
        "place_id",
        pl.col("n_sites").fill_null(0),
        availability.alias("availability_frac"),
        ((1.0 - availability) * HOURS_PER_YEAR).alias("dark_h_per_year"),
        "outage_h_per_day",
        (pl.col("electrified_frac") * (1.0 - pl.col("outage_h_per_day") / HOURS_PER_DAY)).alias(
            "grid_availability_frac"
        ),
    )


def _swing(towers: pl.DataFrame, feeders: pl.DataFrame, params: PowerParams, ctx: Context) -> dict[str, list[float]]:
    """Return the ratios of dark hours and diesel at short and long outages over those of the mean, on a sample."""
    counts = towers.group_by(KEY).agg(weight=pl.col("load_kw").sort_by("site_id").sum(), n=pl.len()).sort(KEY)
    kinds = counts.gather_every(SAMPLE_EVERY)
    kept = feeders.join(kinds.select("feeder_id").unique(), on="feeder_id", how="semi", maintain_order="left")
    sums = []
    for length_h in (params.mean_outage_h, SHORT_OUTAGE_H, LONG_OUTAGE_H):
        found = unit_year(kinds, hours_of(kept, params, ctx, length_h), params, ctx)
        dark = float((found["n"] * found["shed_dark_h_per_year"]).sum())
        sums.append((dark, float((found["weight"] * found["unit_bought_l"]).sum())))
    return {
        name: [1.0, *(row[at] / max(sums[0][at], 1e-9) for row in sums[1:])]
        for at, name in enumerate(("dark", "diesel"))
    }


def _indicators(
    towers: pl.DataFrame, swing: dict[str, list[float]], params: PowerParams, ctx: Context
) -> tuple[Indicator, ...]:
    """Return the national figures over towers; low and high of dark hours and diesel by the length of outages."""
    n = towers.height
    shed = float(towers["shed_dark_h_per_year"].sum()) / n
    total = float(towers["dark_h_per_year"].sum()) / n
    dark = [total + shed * (ratio - 1.0) for ratio in swing["dark"]]
    diesel = [float(towers["diesel_l_per_year"].sum()) * ratio for ratio in swing["diesel"]]
    without = 1.0 - float(towers["has_generator"].sum()) / n
    exposed = float(towers["is_exposed"].sum())
    on_base = exposed / n * params.published_base_n_sites
    year, swings = ctx.year_base, "range: outages of 1 to 4 h on a sample"
    published = params.published_diesel_l_per_year
    return (
        Indicator("sites_without_generator_frac", year, "Cell sites without a generator", without, "frac",
                  "towers without generator / towers; the share is an input", "assumed"),
        Indicator("sites_exposed_sites", year, "Cell sites on the grid without a generator", exposed, "sites",
                  "towers on the grid and without a generator", "assumed", min(on_base, exposed),
                  max(on_base, exposed)),
        Indicator("sites_exposed_published_base_sites", year, "The same on the base the published figures imply",
                  on_base, "sites", "share exposed x 50,000 = 21,000 / 42 %", "assumed"),
        Indicator("site_dark_h_per_year", year, "Mean dark hours of a cell site", dark[0], "h_per_year",
                  f"hourly simulation, mean over towers; {swings}", "modelled", min(dark), max(dark)),
        Indicator("site_diesel_l_per_year", year, "Diesel of all cell sites", diesel[0], "l_per_year",
                  f"hourly simulation, sum over towers; {swings}", "modelled", min(diesel), max(diesel)),
        Indicator("site_diesel_of_published_frac", year, "Diesel over the published upper bound",
                  diesel[0] / published, "frac", "our diesel / 1.2 billion litres reported",
                  "modelled", min(diesel) / published, max(diesel) / published),
    )  # fmt: skip


def _programme_indicators(exposed: pl.DataFrame, built: pl.DataFrame, ctx: Context) -> tuple[Indicator, ...]:
    year = ctx.year_end
    now = float((exposed["n_people"] * exposed["dark_h_per_year"]).sum())
    gain = float(built["gain_people_h_per_year"].sum())
    return (
        Indicator("power_programme_sites", year, "Exposed cell sites equipped by the power programme",
                  float(built.height), "sites", "sites chosen under the yearly budget", "modelled"),
        Indicator("power_programme_usd", year, "Money of the power programme", float(built["cost_usd"].sum()), "usd",
                  "equipment, and fuel set aside", "modelled"),
        Indicator("power_programme_saved_frac", year, "Dark people-hours behind exposed sites that it spares",
                  min(1.0, gain / max(now, 1e-9)), "frac", "people-hours gained / people-hours dark today", "modelled"),
    )  # fmt: skip


def _whole(results: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Return every table that the engine writes with its own columns, empty where there is nothing to say."""
    return {
        name: results[name].select(schema.names) if name in results else empty_table(schema)
        for name, schema in schemas_in(TABLES_FOLDER).items()
    }


def budgets(params: PowerParams, ctx: Context) -> list[float]:
    """Return the budget of each year of the programme: those after the first of the plan."""
    return [params.budget_usd_per_year] * max(1, ctx.year_end - ctx.year_base)


def power(tables: Tables, params: PowerParams, ctx: Context) -> EngineResult:
    """Return site energy, power behind places, designs by class, options and the programme, with national figures."""
    places, sites = tables["places"].sort("place_id"), tables["sites"].sort("site_id")
    at_place = place_outages(tables, params)
    feeders = site_feeders(sites, at_place, params, ctx)
    outages = hours_of(feeders, params, ctx, params.mean_outage_h)
    ctx.progress(1, STEPS, "feeders drawn")
    year = site_year(sites, feeders, site_loads(sites, tables["cells"], params), outages, params, ctx)
    year = year.join(
        sites.select("site_id", "kind", "lon_deg", "lat_deg", "place_id"), on="site_id", maintain_order="left"
    )
    year = year.with_columns(class_ids(year))
    ctx.progress(2, STEPS, "sites simulated")
    results = {"site_energy": year, "place_power": _place_power(places, sites, year, at_place)}
    towers = year.filter(pl.col("kind") == "tower")
    certificates: list[Certificate] = []
    if year.height:
        groups = class_sun(site_groups(year), ctx)
        results["site_classes"] = site_classes(*groups, outages, params, ctx)
        certificates.append(certificate(results["site_classes"]))
    ctx.progress(3, STEPS, "designs sized")
    indicators = _indicators(towers, _swing(towers, feeders, params, ctx), params, ctx) if towers.height else ()
    exposed = exposed_sites(year)
    if exposed.height:
        exposed = exposed.join(people_behind(places, towers), on="site_id", maintain_order="left")
        results["power_options"] = power_options(exposed, groups, outages, params, ctx)
        built, found = programme(exposed, results["power_options"], budgets(params, ctx), ctx.year_base + 1)
        results["power_programme"] = built
        certificates.append(found.certificate)
        indicators += _programme_indicators(exposed, built, ctx)
    ctx.progress(STEPS, STEPS, "programme made")
    return EngineResult(_whole(results), indicators, tuple(certificates), NOTES)
