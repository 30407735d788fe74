"""From people and institutions to traffic: users, gigabytes a month, busy-hour megabits a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rahdari.methods.observations import latest
from rahdari.model import EngineResult, Indicator

if TYPE_CHECKING:
    from rahdari.engines.demand.params import DemandParams
    from rahdari.methods.observations import Observation
    from rahdari.model import Context, Tables
    from rahdari.model.result import HowSure

MBIT_PER_GB = 8000.0  # decimal gigabytes, as regulators count
DAYS_PER_MONTH = 30.4375  # 365.25 / 12
SECONDS_PER_HOUR = 3600.0
MONTHS_PER_YEAR = 12.0
GB_PER_PB = 1e6
SERVICE_COLUMNS = (
    "service_id",
    "users_per",
    "gb_per_month",
    "adoption_frac",
    "adoption_end_frac",
    "growth_frac_per_year",
    "busy_hour_frac",
)
DISTRIBUTED = ("person", "household")  # services whose use differs between town and country


def _grown_places(tables: Tables, ctx: Context) -> pl.DataFrame:
    """Return place and year with census people and the growth of the district since the census."""
    census_year = int(tables["country"]["census_year"][0])
    growth = tables["districts"].select("district_id", "growth_frac_per_year")
    places = tables["places"].select("place_id", "district_id", "is_urban", "n_people", "n_households")
    years = pl.DataFrame({"year": list(ctx.years)}, schema={"year": pl.Int64})
    return (
        places.join(growth, on="district_id", how="left")
        .join(years, how="cross")
        .with_columns(growth_ratio=(1.0 + pl.col("growth_frac_per_year")) ** (pl.col("year") - census_year))
        .sort("place_id", "year")
    )


def _possible_users(params: DemandParams) -> pl.Expr:
    """Return the expression of possible users by what a service is counted by."""
    people = pl.col("n_people") * pl.col("growth_ratio")
    by = pl.col("users_per")
    return (
        pl.when(by == "person")
        .then(people)
        .when(by == "household")
        .then(pl.col("n_households") * pl.col("growth_ratio"))
        .when(by == "school")
        .then(people / params.school_catchment_people)
        .when(by == "clinic")
        .then(people / params.clinic_catchment_people)
        .when(by == "enterprise")
        .then(people / params.enterprise_catchment_people)
        .otherwise(pl.col("n_sites").cast(pl.Float64))
    )


def _use_ratio(grown: pl.DataFrame, params: DemandParams) -> pl.DataFrame:
    """Return use over the national mean for each place and year; weighted by people the mean is 1."""
    weight = pl.when("is_urban").then(params.urban_use_ratio).otherwise(1.0)
    people = pl.col("n_people") * pl.col("growth_ratio")
    mean = (weight * people).sum().over("year") / people.sum().over("year")
    return grown.with_columns(person_use_ratio=pl.when(mean > 0).then(weight / mean).otherwise(1.0))


def _demand(tables: Tables, params: DemandParams, ctx: Context, grown: pl.DataFrame) -> pl.DataFrame:
    used = tables["services"].filter((pl.col("adoption_frac") > 0) | (pl.col("adoption_end_frac") > 0))
    services = used.select(SERVICE_COLUMNS).rename({"growth_frac_per_year": "use_growth_frac_per_year"})
    towers = tables["sites"].filter(pl.col("kind") == "tower").group_by("place_id").len("n_sites")
    step = (pl.col("year") - ctx.year_base) / max(ctx.year_end - ctx.year_base, 1)
    adoption = pl.col("adoption_frac") + (pl.col("adoption_end_frac") - pl.col("adoption_frac")) * step
    elapsed = pl.col("year") - ctx.year_base
    return (
        _use_ratio(grown, params)
        .join(towers, on="place_id", how="left")
        .with_columns(pl.col("n_sites").fill_null(0))
        .join(services, how="cross")
        .with_columns(
            n_possible=_possible_users(params),
            use_ratio=pl.when(pl.col("users_per").is_in(DISTRIBUTED)).then("person_use_ratio").otherwise(1.0),
        )
        .with_columns(n_users=pl.col("n_possible") * adoption * pl.col("use_ratio"), calibration_ratio=pl.lit(1.0))
        .with_columns(
            gb_per_month=pl.col("n_users")
            * pl.col("gb_per_month")
            * (1.0 + pl.col("use_growth_frac_per_year")) ** elapsed
        )
        .sort("place_id", "service_id", "year")
    )


def _year_pb(frame: pl.DataFrame, year: int, by: tuple[str, ...] | None = None) -> float:
    """Return the petabytes of one year, over all services or those counted by ``by``."""
    chosen = frame.filter(pl.col("year") == year)
    if by is not None:
        chosen = chosen.filter(pl.col("users_per").is_in(by))
    return float(chosen["gb_per_month"].sum()) * MONTHS_PER_YEAR / GB_PER_PB


def _calibrated(frame: pl.DataFrame, params: DemandParams, ctx: Context, published: Observation | None) -> pl.DataFrame:
    """Return the frame, person and household traffic scaled to the published total where that was asked for."""
    if not params.is_calibrated or published is None:
        return frame
    own = _year_pb(frame, ctx.year_base, DISTRIBUTED)
    rest = _year_pb(frame, ctx.year_base) - own
    factor = max(published.value - rest, 0.0) / own if own > 0.0 else 1.0
    is_scaled = pl.col("users_per").is_in(DISTRIBUTED)
    return frame.with_columns(calibration_ratio=pl.when(is_scaled).then(factor).otherwise(1.0)).with_columns(
        gb_per_month=pl.col("gb_per_month") * pl.col("calibration_ratio")
    )


def _indicators(
    before: pl.DataFrame, after: pl.DataFrame, params: DemandParams, ctx: Context, published: Observation | None
) -> tuple[Indicator, ...]:
    found = [
        Indicator(
            "data_demand_pb_per_year",
            year,
            "Data that users ask for",
            _year_pb(after, year),
            "pb_per_year",
            "sum of demand.gb_per_month x 12 / 1e6 over all places and services",
            "modelled",
        )
        for year in ctx.years
    ]
    for year in ctx.years:
        busy = float(after.filter(pl.col("year") == year)["busy_hour_mbps"].sum()) / 1e6
        words = "sum of demand.busy_hour_mbps over all places and services"
        found.append(
            Indicator("busy_hour_demand_tbps", year, "Traffic in the busy hour", busy, "tbps", words, "modelled")
        )
    if published is None:
        return tuple(found)
    kinds: list[tuple[str, str, pl.DataFrame, HowSure]] = [
        ("data_demand_over_published_ratio", "Modelled over published national traffic", before, "modelled")
    ]
    if params.is_calibrated:
        name = "calibrated_data_demand_over_published_ratio"
        kinds.append((name, "The same ratio after calibration", after, "calibrated"))
    for name, title, frame, how in kinds:
        stage = "before" if how == "modelled" else "after"
        words = f"national data of the base year {stage} any calibration / published {published.value:,.0f} PB"
        ratio = _year_pb(frame, ctx.year_base) / published.value
        found.append(Indicator(name, ctx.year_base, title, ratio, "ratio", words, how))
    return tuple(found)


def _notes(before: pl.DataFrame, params: DemandParams, ctx: Context, published: Observation | None) -> tuple[str, ...]:
    if published is None:
        return ("No published national traffic is known for this country, so the modelled traffic is unchecked.",)
    own = _year_pb(before, ctx.year_base)
    text = (
        f"Use per head and adoption from the catalogue give {own:,.0f} PB in {ctx.year_base} against a published "
        f"{published.value:,.0f} PB ({own / published.value:.2f} times)"
    )
    if params.is_calibrated:
        return (
            f"{text}; person and household traffic was scaled to the published total because the scenario asks so.",
        )
    return (f"{text}; nothing was tuned to it.",)


def demand(tables: Tables, params: DemandParams, ctx: Context) -> EngineResult:
    """Return the tables ``demand`` and ``place_demand``.

    Traffic of a place is people (or households, schools, clinics, enterprises, sites) times adoption times stated
    use per user, grown by year; the busy-hour rate follows from the share of a day that falls in one hour.
    """
    published = latest(tables, "data_total")
    grown = _grown_places(tables, ctx)
    before = _demand(tables, params, ctx, grown)
    after = _calibrated(before, params, ctx, published)
    rate = pl.col("gb_per_month") * MBIT_PER_GB / DAYS_PER_MONTH / SECONDS_PER_HOUR * pl.col("busy_hour_frac")
    after = after.with_columns(busy_hour_mbps=rate)
    totals = after.group_by("place_id", "year", maintain_order=True).agg(pl.col("busy_hour_mbps", "gb_per_month").sum())
    people = pl.max_horizontal(pl.col("n_people") * pl.col("growth_ratio"), 1.0)
    by_place = (
        grown.select("place_id", "year", "n_people", "n_households", "growth_ratio")
        .join(totals, on=["place_id", "year"], how="left")
        .with_columns(pl.col("busy_hour_mbps", "gb_per_month").fill_null(0.0))
        .with_columns(gb_per_person_ratio=pl.col("gb_per_month") / people)
    )
    columns = ["n_possible", "use_ratio", "n_users", "calibration_ratio", "gb_per_month", "busy_hour_mbps"]
    return EngineResult(
        tables={"demand": after.select("place_id", "service_id", "year", *columns), "place_demand": by_place},
        indicators=_indicators(before, after, params, ctx, published),
        notes=_notes(before, params, ctx, published),
    )
