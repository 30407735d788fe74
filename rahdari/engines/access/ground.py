"""What the engine knows about each place: people, area, sites, coverage, satellite, power, demand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.methods.geo import great_circle_km
from rahdari.methods.observations import as_count, latest, observations, pace_per_year

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.engines.access.params import AccessParams
    from rahdari.methods.observations import Target
    from rahdari.model import Context, Tables

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]
    IntArray = NDArray[np.int64]

SHARED_LINES = ("household", "school", "clinic", "enterprise")  # users of a fixed line
FAR_KM = 1e4  # no site at all


@dataclass(frozen=True, slots=True)
class Ground:
    """One element a place, sorted by place_id; (n,) arrays unless said otherwise."""

    frame: pl.DataFrame
    people: FloatArray
    households: FloatArray
    area_km2: FloatArray
    is_urban: BoolArray
    n_sites: FloatArray
    n_growth: IntArray
    is_covered: BoolArray
    is_covered_5g: BoolArray
    site_km: FloatArray
    downlink_4g_mbps: FloatArray
    downlink_5g_mbps: FloatArray
    satellite_mbps: FloatArray
    satellite_latency_ms: FloatArray
    satellite_availability_frac: FloatArray
    satellite_users: FloatArray
    satellite_usd_per_month: FloatArray
    is_licensed: BoolArray
    power_frac: FloatArray
    line_demand_mbps: FloatArray
    passed_base_households: FloatArray


@dataclass(frozen=True, slots=True)
class Sites:
    """Towers of today and of ordinary growth, existing first; (m,) arrays.  ``place`` indexes :class:`Ground`."""

    site_id: list[str]
    place: IntArray
    lon_deg: FloatArray
    lat_deg: FloatArray
    is_fibre: BoolArray
    is_new: BoolArray
    lateral_km: FloatArray


def spread(total: int, weight: FloatArray) -> IntArray:
    """Return whole numbers that sum to ``total`` in proportion to ``weight`` (n,), by largest remainder.

    >>> spread(5, np.array([1.0, 1.0, 3.0])).tolist()
    [1, 1, 3]
    """
    if total <= 0 or weight.sum() <= 0.0:
        return np.zeros(len(weight), dtype=np.int64)
    exact = total * weight / weight.sum()
    whole: IntArray = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - whole), kind="stable")
    whole[order[: total - int(whole.sum())]] += 1
    return whole


def spread_within(total: int, room: FloatArray) -> IntArray:
    """Return whole numbers that sum to ``total`` (or fill all room) in proportion to ``room`` and never above it."""
    return np.asarray(np.minimum(spread(min(total, int(room.sum())), room), room.astype(np.int64)))


def growth_sites(tables: Tables, params: AccessParams, ctx: Context, due: Target | None) -> int:
    """Return towers that ordinary growth adds from the last observation to the due date."""
    n_towers = tables["sites"].filter(pl.col("kind") == "tower").height
    series = observations(tables, "cell_sites")
    pace = pace_per_year(series)
    due_at = due.due_at_year if due else float(ctx.year_end)
    start = series[-1].at_year if series else float(ctx.year_base)
    yearly = pace if pace is not None else n_towers * params.sites_growth_frac_per_year
    return max(0, round(yearly * (due_at - start)))


def base_passed(tables: Tables, params: AccessParams, places: pl.DataFrame) -> FloatArray:
    """Return households passed by fibre today: published lines over take-up, spread on towns by households."""
    lines = latest(tables, "ftth_subscribers")
    if lines is None:
        return np.zeros(places.height)
    room = np.where(places["is_urban"].to_numpy(), places["n_households"].to_numpy().astype(np.float64), 0.0)
    return spread_within(round(as_count(lines) / params.take_up_frac), room).astype(np.float64)


def _line_demand(tables: Tables, places: pl.DataFrame, year: int) -> FloatArray:
    shared = tables["services"].filter(pl.col("users_per").is_in(SHARED_LINES)).select("service_id")
    sums = (
        tables["demand"]
        .sort("place_id", "service_id", "year")
        .filter(pl.col("year") == year)
        .join(shared, on="service_id", how="semi")
        .group_by("place_id", maintain_order=True)
        .agg(pl.col("busy_hour_mbps").sum())
    )
    joined = places.select("place_id").join(sums, on="place_id", how="left", maintain_order="left")
    return joined["busy_hour_mbps"].fill_null(0.0).to_numpy()


def _coverage(tables: Tables, places: pl.DataFrame, technology: str) -> dict[str, FloatArray]:
    """Return today's coverage: rows that stand for an assumed upgrade count as not covered."""
    rows = tables["coverage"].filter(pl.col("technology") == technology)
    if "is_planned" in rows.columns:
        rows = rows.with_columns(is_covered=pl.col("is_covered") & ~pl.col("is_planned"))
    columns = ("distance_km", "is_covered", "downlink_mbps")
    joined = places.select("place_id").join(
        rows.select("place_id", *columns), on="place_id", how="left", maintain_order="left"
    )
    fills = {"distance_km": FAR_KM, "is_covered": False, "downlink_mbps": 0.0}
    return {name: joined[name].fill_null(fill).to_numpy() for name, fill in fills.items()}


def read_ground(tables: Tables, params: AccessParams, ctx: Context, n_growth: int) -> Ground:
    """Return the places with everything that bears on the choice."""
    places = tables["places"].sort("place_id")
    towers = tables["sites"].filter(pl.col("kind") == "tower").group_by("place_id").len("n_sites")
    joined = (
        places.select("place_id")
        .join(towers, on="place_id", how="left", maintain_order="left")
        .join(tables["satellite_service"], on="place_id", how="left", maintain_order="left")
        .join(
            tables["place_power"].select("place_id", pl.col("availability_frac").alias("power_frac")),
            on="place_id",
            how="left",
            maintain_order="left",
        )
    )
    people = places["n_people"].to_numpy().astype(np.float64)
    growth = spread(n_growth, people)
    four, five = _coverage(tables, places, "4g"), _coverage(tables, places, "5g")

    def column(name: str, fill: float) -> FloatArray:
        return joined[name].cast(pl.Float64).fill_null(fill).to_numpy()

    return Ground(
        frame=places,
        people=people,
        households=places["n_households"].to_numpy().astype(np.float64),
        area_km2=places["area_km2"].to_numpy(),
        is_urban=places["is_urban"].to_numpy(),
        n_sites=column("n_sites", 0.0) + growth,
        n_growth=growth,
        is_covered=four["is_covered"].astype(np.bool_),
        is_covered_5g=five["is_covered"].astype(np.bool_),
        site_km=four["distance_km"],
        downlink_4g_mbps=four["downlink_mbps"],
        downlink_5g_mbps=five["downlink_mbps"],
        satellite_mbps=column("downlink_mbps", 0.0),
        satellite_latency_ms=column("latency_ms", 0.0),
        satellite_availability_frac=column("availability_frac", 0.0),
        satellite_users=column("n_users_max", 0.0),
        satellite_usd_per_month=column("usd_per_month", 0.0),
        is_licensed=joined["is_licensed"].fill_null(value=False).to_numpy(),
        power_frac=column("power_frac", 1.0),
        line_demand_mbps=_line_demand(tables, places, ctx.year_end),
        passed_base_households=base_passed(tables, params, places),
    )


def read_sites(tables: Tables, ground: Ground, params: AccessParams) -> Sites:
    """Return today's towers and those of ordinary growth, with the fibre that would join each to its place.

    The way from a tower to its place's fibre is the great circle to the place, at most the mean spacing of
    towers in the settled area, because fibre in a town runs through the town.  New towers stand at that spacing.
    """
    places = ground.frame
    towers = tables["sites"].filter(pl.col("kind") == "tower").sort("site_id")
    ids = pl.DataFrame({"place_id": places["place_id"], "place": np.arange(places.height)})
    at = towers.select("place_id").join(ids, on="place_id", how="left", maintain_order="left")["place"].to_numpy()
    new_place = np.repeat(np.arange(places.height), ground.n_growth)
    place = np.concatenate([at, new_place]).astype(np.int64)
    lon, lat = places["lon_deg"].to_numpy(), places["lat_deg"].to_numpy()
    site_lon = np.concatenate([towers["lon_deg"].to_numpy(), lon[new_place]])
    site_lat = np.concatenate([towers["lat_deg"].to_numpy(), lat[new_place]])
    spacing = np.sqrt(ground.area_km2 / np.maximum(ground.n_sites, 1.0))[place]
    direct = great_circle_km(site_lon, site_lat, lon[place], lat[place])
    is_new = np.arange(len(place)) >= towers.height
    rank = np.arange(len(new_place)) - np.concatenate([[0], np.cumsum(ground.n_growth)[:-1]])[new_place]
    new_ids = [
        f"{place_id}-growth-{number + 1:03d}"
        for place_id, number in zip(places["place_id"].to_numpy()[new_place], rank, strict=True)
    ]
    return Sites(
        site_id=[*towers["site_id"].to_list(), *new_ids],
        place=place,
        lon_deg=site_lon,
        lat_deg=site_lat,
        is_fibre=np.concatenate([towers["is_fibre"].to_numpy(), np.zeros(len(new_place), dtype=np.bool_)]),
        is_new=is_new,
        lateral_km=np.where(is_new, spacing, np.minimum(direct, spacing)) * params.connector_detour_ratio,
    )
