"""Published series carried on with bands, their hindcast, and indicators through the years."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.errors import InputError
from rahdari.methods.adoption import adoption, hindcast
from rahdari.methods.observations import observations
from rahdari.methods.rank import peers_from_rank, rank_against
from rahdari.methods.results import result_frame

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rahdari.engines.economy.doubt import Doubt
    from rahdari.engines.economy.money import Timing
    from rahdari.engines.economy.params import EconomyParams
    from rahdari.methods.adoption import Adoption
    from rahdari.methods.observations import Observation
    from rahdari.model import Context, Tables

    FloatArray = NDArray[np.float64]

FOLDER = Path(__file__).parent / "tables"
MID_YEAR = 0.5  # a year's value is that of its middle
LEAST_POINTS = 2
QUANTILES = (0.1, 0.5, 0.9)
POOL = re.compile(r"of (\d+)")
MEDIANS_FROM_YEAR = 2023.0  # before, the series of speeds is of means
USD_PER_MILLION = 1e6


@dataclass(frozen=True, slots=True)
class Series:
    """A series of facts: the indicator it carries on, its prefix, the saturation, the first year, and a scale."""

    indicator_id: str
    prefix: str
    name: str
    saturation: float | None = None
    from_year: float = 0.0
    scale: float = 1.0


SERIES = (
    Series("cell_sites_sites", "cell_sites", "Cell sites"),
    Series("fibre_sites_at_pace_frac", "fibre_to_site", "Share of cell sites on fibre at the pace seen", 100.0,
           scale=0.01),
    Series("data_carried_pb", "data_total", "Data carried in a year"),
    Series("mobile_at_pace_mbps", "speedtest_mobile", "Mobile speed, median, at the pace seen",
           from_year=MEDIANS_FROM_YEAR),
    Series("fixed_at_pace_mbps", "speedtest_fixed", "Fixed speed, median, at the pace seen",
           from_year=MEDIANS_FROM_YEAR),
    Series("it_exports_at_pace_usd", "it_exports_fy", "Service exports of a fiscal year at the pace seen",
           scale=USD_PER_MILLION),
)  # fmt: skip
UNIT_OF = {"speedtest_mobile": "mbps", "speedtest_fixed": "mbps"}
WHOLE_YEAR = re.compile(r"^it_exports_fy\d{4}_usd_million$")


def points_of(tables: Tables, series: Series) -> list[Observation]:
    """Return the dated values of a series, one a date, oldest first; targets and parts of a year are left out."""
    if series.prefix == "it_exports_fy":
        seen = [item for item in observations(tables, "it_exports") if WHOLE_YEAR.match(item.fact_id or "")]
    else:
        seen = observations(tables, series.prefix)
    unit = UNIT_OF.get(series.prefix)
    seen = [item for item in seen if item.value > 0.0 and (unit is None or item.unit == unit)]
    dated = {item.at_year: item for item in seen if item.at_year >= series.from_year}
    return [dated[at] for at in sorted(dated)]


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A series that was fitted, with draws (n, y) of its curve at the middles of the years."""

    series: Series
    points: list[Observation]
    curve: Adoption
    middle: FloatArray
    draws: FloatArray


def fits_of(tables: Tables, years: FloatArray, n_draws: int, ctx: Context) -> dict[str, Fit]:
    """Return every series that has two points or more, by its prefix."""
    found = {}
    for series in SERIES:
        points = points_of(tables, series)
        if len(points) < LEAST_POINTS:
            continue
        pairs = [(item.at_year, item.value) for item in points]
        curve = adoption(pairs, saturation=series.saturation)
        draws = curve.draws(years + MID_YEAR, n_draws, ctx.random(f"economy series {series.prefix}"))
        top = np.inf if series.saturation is None else series.saturation
        draws = np.minimum(draws, top) * series.scale
        found[series.prefix] = Fit(series, points, curve, curve.predict(years + MID_YEAR) * series.scale, draws)
    return found


def adoption_table(fits: Mapping[str, Fit], years: FloatArray) -> pl.DataFrame:
    """Return ``adoption``: each series carried on, with its band and how it was fitted."""
    parts = []
    for fit in fits.values():
        low, middle, high = np.quantile(fit.draws, QUANTILES, axis=0)
        n = years.size
        parts.append(result_frame({
            "series": [fit.series.indicator_id] * n, "year": years.astype(np.int64), "low_value": low,
            "base_value": middle, "high_value": high, "width_value": high - low,
            "curve": [fit.curve.curve] * n, "n_points": [fit.curve.n_points] * n,
            "is_settled": [fit.curve.is_settled] * n, "note": ["; ".join(fit.curve.notes)] * n,
        }, FOLDER / "adoption.csv"))  # fmt: skip
    return pl.concat(parts).sort("series", "year") if parts else result_frame(None, FOLDER / "adoption.csv")


def hindcast_table(fits: Mapping[str, Fit], params: EconomyParams, ctx: Context) -> pl.DataFrame:
    """Return ``hindcast``: each series fitted to the stated year alone, and its miss of what came after."""
    fit_to = params.hindcast_fit_year + MID_YEAR
    rows = []
    for prefix, fit in fits.items():
        before = [item for item in fit.points if item.at_year <= fit_to]
        if len(before) < LEAST_POINTS or fit.points[-1].at_year <= fit_to:
            continue
        made = hindcast(
            [(item.at_year, item.value) for item in fit.points], fit_to_year=fit_to,
            at_year=fit.points[-1].at_year, saturation=fit.series.saturation,
            random=ctx.random(f"economy hindcast {prefix}"),
        )  # fmt: skip
        scale = fit.series.scale
        rows.append({
            "series": fit.series.indicator_id, "fit_to_year": fit_to, "at_year": made.at_year,
            "observed_value": made.observed * scale, "predicted_value": made.predicted * scale,
            "low_value": made.low * scale, "high_value": made.high * scale,
            "error_value": made.predicted / made.observed - 1.0, "steady_error_value": made.steady_error_frac,
            "is_in_band": made.is_in_band, "curve": made.curve, "n_points": made.n_points,
        })  # fmt: skip
    return result_frame(rows or None, FOLDER / "hindcast.csv").sort("series")


def progress_draws(timing: Timing, params: EconomyParams, years: FloatArray, chances: FloatArray) -> FloatArray:
    """Return (n, d, y) the share built by the end of each year when building takes longer, at chances (n,) of delay.

    How many times as long is triangular, from once, the likeliest, to the stated ratio.
    """
    longest = params.late_high_ratio
    ratio = longest - (longest - 1.0) * np.sqrt(1.0 - chances)
    built = np.cumsum(timing.share, axis=1)
    edges = np.arange(built.shape[1] + 1, dtype=np.float64)
    whole = np.concatenate([np.zeros((built.shape[0], 1)), built], axis=1)
    ends = years + 1.0 - timing.year[0]
    return np.stack([
        np.stack([np.interp(ends / each, edges, row) for row in whole]) for each in ratio.tolist()
    ])  # fmt: skip


def by_district(tables: Tables, timing: Timing, year: int) -> dict[str, FloatArray]:
    """Return (d,) people and homes of each district that have what is counted, in one year of the access table."""
    rows = tables["access"].filter(pl.col("year") == year).join(
        tables["places"].select("place_id", "district_id", "is_urban"), on="place_id", how="left"
    ).sort("place_id")  # fmt: skip
    people = pl.col("n_people").cast(pl.Float64())
    on_fibre = pl.col("n_households_passed") / pl.col("n_households").clip(1)

    def having(limit_mbps: float) -> pl.Expr:
        """People with the rate at home: the fibre product where homes are passed, else the place's rate."""
        least = limit_mbps * (1.0 - 1e-9)
        rate = pl.col("downlink_mbps")
        return people * pl.when(rate >= least).then(1.0).otherwise(on_fibre * (pl.col("product_mbps") >= least))

    counted = {
        "people": people,
        "people_with_5_mbps_frac": having(5.0), "people_with_20_mbps_frac": having(20.0),
        "people_with_100_mbps_frac": having(100.0),
        "fibre_homes_passed_households": pl.col("n_households_passed").cast(pl.Float64()),
        "urban": people * pl.col("is_urban"), "rural": people * ~pl.col("is_urban"),
        "urban_people_with_20_mbps_frac": having(20.0) * pl.col("is_urban"),
        "rural_people_with_20_mbps_frac": having(20.0) * ~pl.col("is_urban"),
    }  # fmt: skip
    sums = rows.group_by("district_id", maintain_order=True).agg(
        each.sum().alias(name) for name, each in counted.items()
    )
    order = pl.DataFrame({"district_id": timing.district_id}).join(sums, on="district_id", how="left").fill_null(0.0)
    return {name: order[name].to_numpy() for name in counted}


NAMES = {
    "people_with_5_mbps_frac": "People who can have 5 Mbit/s at home",
    "people_with_20_mbps_frac": "People who can have 20 Mbit/s at home",
    "people_with_100_mbps_frac": "People who can have 100 Mbit/s at home",
    "urban_people_with_20_mbps_frac": "Urban people who can have 20 Mbit/s at home",
    "rural_people_with_20_mbps_frac": "Rural people who can have 20 Mbit/s at home",
    "fibre_homes_passed_households": "Homes passed by fibre",
}
WHOLE = {"urban_people_with_20_mbps_frac": "urban", "rural_people_with_20_mbps_frac": "rural"}


def built_courses(
    tables: Tables, params: EconomyParams, timing: Timing, years: FloatArray, ends: tuple[int, int]
) -> dict[str, FloatArray]:
    """Return (3, y) low, middle and high of what grows with the building, from today's value to the plan's."""
    first, last = by_district(tables, timing, ends[0]), by_district(tables, timing, ends[1])
    # Later is lower: the ninetieth percentile of delay gives the tenth of what stands.
    done = progress_draws(timing, params, years, np.array(QUANTILES[::-1]))
    found = {}
    for name in NAMES:
        course = first[name].sum() + ((last[name] - first[name])[:, None] * done).sum(axis=1)
        if name.endswith("_frac"):
            course = course / max(float(first[WHOLE.get(name, "people")].sum()), 1.0)
        found[name] = np.sort(course, axis=0)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Ranks:
    """Ranks (n, y) of one kind of speed, with the pool they stand in."""

    kind: str
    rank: NDArray[np.int64]
    n_pool: int


def ranks_of(
    tables: Tables, fits: Mapping[str, Fit], params: EconomyParams, years: FloatArray, ctx: Context
) -> tuple[list[Ranks], list[str]]:
    """Return the ranks that follow at the pace seen while peers grow too, and what could not be ranked."""
    found, notes = [], []
    for kind in ("mobile", "fixed"):
        fit = fits.get(f"speedtest_{kind}")
        rows = tables["facts"].filter(
            pl.col("fact_id").str.contains(f"^speedtest_{kind}_.*_rank$") & pl.col("metric").str.contains(r"of \d+")
        ).sort("period")  # fmt: skip
        if fit is None or not rows.height:
            continue
        last = rows.row(-1, named=True)
        pool = int(POOL.search(last["metric"])[1])  # type: ignore[index]  # filtered above
        at = next((item for item in fit.points if str(item.fact_id).rsplit("_", 1)[0] in last["fact_id"]), None)
        if at is None:
            continue
        given = {"median_mbps": params.mobile_peers_median_mbps} if kind == "mobile" else {
            "mean_mbps": params.fixed_peers_mean_mbps}  # fmt: skip
        try:
            peers = peers_from_rank(at.value, int(last["value"]), pool, **given)
        except InputError as error:
            notes.append(f"No {kind} rank is carried on: {error}.")
            continue
        grows = params.peer_growth_frac_per_year
        drawn = ctx.random(f"economy peers {kind}").triangular(0.5 * grows, grows, 2.0 * grows + 1e-9, len(fit.draws))
        growth = np.broadcast_to(drawn[:, None], (len(fit.draws), pool - 1))
        elapsed = np.maximum(years + MID_YEAR - at.at_year, 0.0)
        found.append(Ranks(kind, rank_against(fit.draws, peers.speeds_mbps(pool - 1), growth, elapsed), pool))
        second = f"a median of {peers.median_mbps:.0f} Mbit/s"
        notes.append(
            f"Rank of {kind} speed: {pool} countries as in {last['period']}, log-normal through our own rank with "
            f"{second}, growing {grows:.0%} a year (half to twice); both assumed."
        )
    return found, notes


def years_table(
    fits: Mapping[str, Fit], built: Mapping[str, FloatArray], ranks: list[Ranks], made: Doubt, *, timing: Timing,
    years: FloatArray, params: EconomyParams,
) -> pl.DataFrame:  # fmt: skip
    """Return ``indicator_years``: percentiles of every indicator that has a course, year by year."""
    rows: list[tuple[str, str, str, FloatArray]] = []
    for fit in fits.values():
        ends = np.quantile(fit.draws, QUANTILES, axis=0)
        rows.append((fit.series.indicator_id, fit.series.name, f"{fit.curve.curve} curve through the series", ends))
    rows += [(name, NAMES[name], "grows as districts are built, in time or late", course)
             for name, course in built.items()]  # fmt: skip
    rows += [
        (f"{each.kind}_rank", f"Rank of {each.kind} speed among {each.n_pool} countries at the pace seen",
         "own series against peers that grow", np.quantile(each.rank, QUANTILES, axis=0))
        for each in ranks
    ]  # fmt: skip
    at = years.astype(np.int64) - timing.year[0]
    found = made.found
    drawn = {
        "home_lines_households": ("Homes that buy a new line on fibre", found.customers_by_year),
        "new_line_traffic_pb": ("Traffic of these lines in a year", found.traffic_pb_by_year),
        "plan_revenue_usd": ("Revenue of the plan", found.revenue_by_year_usd),
        "plan_capex_usd": ("Capital spent", found.capex_by_year_usd),
        "it_exports_usd": ("Service exports that the people at work earn", found.exports_by_year_usd),
        "building_jobs_people": ("People at work on building", found.capex_by_year_usd / USD_PER_MILLION
                                 * params.building_jobs_per_usd_million_count),
    }  # fmt: skip
    rows += [(name, words, "draws of the economy", np.quantile(values[:, at], QUANTILES, axis=0))
             for name, (words, values) in drawn.items()]  # fmt: skip
    parts = [
        result_frame({
            "indicator_id": [name] * years.size, "year": years.astype(np.int64), "name": [words] * years.size,
            "p10_value": ends[0], "p50_value": ends[1], "p90_value": ends[2], "width_value": ends[2] - ends[0],
            "how": [how] * years.size,
        }, FOLDER / "indicator_years.csv")
        for name, words, how, ends in rows
    ]  # fmt: skip
    return pl.concat(parts).sort("indicator_id", "year")
