"""The air engine: flood watch by drone, district by district."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.methods.geo import great_circle_km
from rahdari.model import EngineResult, Indicator

if TYPE_CHECKING:
    from rahdari.engines.air.params import AirParams
    from rahdari.model import Context, Tables

HORIZON_KM_PER_ROOT_M = 4.12  # smooth earth of 4/3 radius, ITU-R P.310 and common practice
LINK_SWING_RATIO = 2.0  # half and twice the link range behind low and high
TECHNOLOGY = "4g"
NOTES = (
    "Flood watch is a simple model: one base and one drone a district, link range over flat country, no wind.",
    "No-fly zones near airports and borders (draft rules of 2024) are not looked at; permission is assumed.",
)


def radius_km(params: AirParams) -> float:
    """Return how far the drone flies out and still has its survey time and reserve, km."""
    usable_h = params.endurance_h * (1.0 - params.reserve_frac)
    return usable_h * (1.0 - params.survey_share_frac) * params.cruise_km_per_h / 2.0


def horizon_km(params: AirParams) -> float:
    """Return the radio horizon between mast and drone, km."""
    return HORIZON_KM_PER_ROOT_M * float(np.sqrt(params.mast_m) + np.sqrt(params.height_m))


def _people(places: pl.DataFrame, params: AirParams, link_km: float) -> pl.DataFrame:
    """Return people per district: all, within the radius, and there with a link."""
    in_radius = pl.col("base_km") <= radius_km(params)
    has_link = pl.col("site_km") <= min(link_km, horizon_km(params))
    people = pl.col("n_people")
    return (
        places.group_by("district_id")
        .agg(
            pl.col("base_place_id").first(),
            people.sum(),
            n_people_in_radius=people.filter(in_radius).sum(),
            n_people_covered=people.filter(in_radius & has_link).sum(),
        )
        .sort("district_id")
    )


def _with_bases(tables: Tables) -> pl.DataFrame:
    """Return places with their district's base, the way to it, and the way to the nearest 4G site."""
    places = tables["places"].sort("place_id")
    bases = (
        places.sort(["district_id", "n_people", "place_id"], descending=[False, True, False])
        .unique("district_id", keep="first", maintain_order=True)
        .select("district_id", base_place_id="place_id", base_lon="lon_deg", base_lat="lat_deg")
    )
    sites = tables["coverage"].filter(pl.col("technology") == TECHNOLOGY).select("place_id", site_km="distance_km")
    joined = places.join(bases, on="district_id", maintain_order="left").join(
        sites, on="place_id", how="left", maintain_order="left"
    )
    way = great_circle_km(joined["lon_deg"], joined["lat_deg"], joined["base_lon"], joined["base_lat"])
    return joined.with_columns(pl.Series("base_km", way))


def air(tables: Tables, params: AirParams, ctx: Context) -> EngineResult:
    """Return ``air_services``, one flood watch for each district that has a place."""
    places = _with_bases(tables)
    usable_h = params.endurance_h * (1.0 - params.reserve_frac)
    survey_km2 = usable_h * params.survey_share_frac * params.cruise_km_per_h * params.swath_km
    counts = _people(places, params, params.link_range_km)
    table = counts.with_columns(
        air_service_id=pl.format("flood-watch-{}", "district_id"),
        radius_km=pl.lit(radius_km(params)),
        horizon_km=pl.lit(horizon_km(params)),
        sortie_survey_km2=pl.lit(survey_km2),
        covered_frac=pl.col("n_people_covered") / pl.col("n_people").clip(lower_bound=1),
        demand_mbps=pl.lit(params.video_mbps),
    )
    total = max(int(places["n_people"].sum()), 1)
    low, mid, high = (
        int(_people(places, params, params.link_range_km * ratio)["n_people_covered"].sum()) / total
        for ratio in (1.0 / LINK_SWING_RATIO, 1.0, LINK_SWING_RATIO)
    )
    formula = (
        "people within a drone's radius of the base and a 4G site's link range / people; range: half, twice the link"
    )
    indicators = (
        Indicator("flood_drone_coverage_frac", ctx.year_base, "People a flood-watch drone covers", mid, "frac", formula,
                  "modelled", low, high),
        Indicator("flood_drone_demand_mbps", ctx.year_base, "Video of one drone in every district",
                  params.video_mbps * table.height, "mbps", "districts x video of one drone", "assumed"),
    )  # fmt: skip
    return EngineResult(tables={"air_services": table}, indicators=indicators, notes=NOTES)
