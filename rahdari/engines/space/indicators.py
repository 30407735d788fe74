"""Indicators of the space engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rahdari.model import Indicator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rahdari.engines.space.capacity import Capacity
    from rahdari.engines.space.fleets import Fleet
    from rahdari.engines.space.params import SpaceParams

LEAST_PROCESSING_MS, MOST_PROCESSING_MS = 8.0, 45.0  # the parameter's own range: round trips of 20 to 60 measured
CROWDED = 10.0  # times the stated adoption: the low end of who is served


def service_indicators(
    service: pl.DataFrame, places: pl.DataFrame, params: SpaceParams, year: int
) -> tuple[Indicator, ...]:
    """Return who would be served, and how soon an answer comes."""
    if not service.height:
        return ()
    is_quick = pl.col("latency_ms").fill_null(float("inf")) <= params.service_ms
    crowd = (1.0 - (pl.col("load_frac") * CROWDED).clip(0.0, params.max_load_frac)) * pl.col("granted_frac") / CROWDED
    rows = service.join(places.select("place_id", "n_people"), on="place_id").with_columns(
        works=(pl.col("downlink_mbps") >= params.service_mbps) & is_quick,
        works_crowded=(crowd * params.terminal_peak_mbps >= params.service_mbps) & is_quick,
    )
    total = max(int(rows["n_people"].sum()), 1)
    people, crowded = (int(rows.filter(name)["n_people"].sum()) / total for name in ("works", "works_crowded"))
    n_works, n_crowded = (rows.filter(name).height / rows.height for name in ("works", "works_crowded"))
    test = f"rate >= {params.service_mbps:g} Mbit/s and round trip <= {params.service_ms:g} ms at the stated adoption"
    low = "low: at ten times the adoption"
    found = [
        Indicator("satellite_places_frac", year, "Places where satellite service would work",
                  n_works, "frac", f"places with {test} / places; licence apart; {low}", "modelled",
                  min(n_works, n_crowded), n_works),
        Indicator("satellite_people_frac", year, "People in such places", people, "frac",
                  f"people in places with {test} / people; not all of them at once; {low}", "modelled",
                  min(people, crowded), people),
    ]  # fmt: skip
    latency_ms = rows["latency_ms"].drop_nulls().sort()
    if latency_ms.len():
        median_ms = float(latency_ms[latency_ms.len() // 2])
        found.append(
            Indicator("satellite_round_trip_ms", year, "Median round trip by satellite",
                      median_ms, "ms", "median over places; range: framing and queues of 8 to 45 ms", "modelled",
                      median_ms - params.processing_ms + LEAST_PROCESSING_MS,
                      median_ms - params.processing_ms + MOST_PROCESSING_MS)
        )  # fmt: skip
    return tuple(found)


def capacity_indicators(capacities: Sequence[Capacity], fleets: Sequence[Fleet], year: int) -> tuple[Indicator, ...]:
    """Return what can be served at once, and how many constellations may."""
    found = []
    if capacities:
        best = max(capacities, key=lambda item: item.most_households[1])
        low, base, high = best.most_households
        found.append(
            Indicator("satellite_users_max_households", year, "Households one constellation can serve at once",
                      base, "households", "capacity shared over beams, satellites and gateways, all households asking "
                      "/ busy-hour use; range: published capacities of a satellite, gateways to match", "modelled",
                      low, high)
        )  # fmt: skip
    licensed = sum(fleet.is_licensed and fleet.is_leo for fleet in fleets)
    found.append(
        Indicator("satellite_licensed_constellations_count", year, "Low-orbit constellations with an operating licence",
                  float(licensed), "count", "as the country's table of offers and the scenario state", "assumed")
    )  # fmt: skip
    return tuple(found)


def sky_indicators(
    views: pl.DataFrame, geo: pl.DataFrame, abroad_people_frac: float | None, gateways: pl.DataFrame, year: int
) -> tuple[Indicator, ...]:
    """Return what terrain and missing gateways take away."""
    found = []
    if views.height:
        best = views.group_by("place_id").agg(pl.col("horizon_outage_frac").min())
        worst = float(best["horizon_outage_frac"].max())  # type: ignore[arg-type]
        found.append(
            Indicator("satellite_horizon_outage_frac", year, "Largest share of the day without a low satellite in view",
                      worst, "frac", "best constellation at the worst place, terrain horizon included", "modelled")
        )  # fmt: skip
    if geo.height:
        clear = geo.group_by("place_id").agg(pl.col("is_clear").any())
        found.append(
            Indicator("satellite_geo_blocked_places_frac", year, "Places where terrain hides every geostationary slot",
                      1.0 - float(clear["is_clear"].mean()), "frac",  # type: ignore[arg-type]
                      "places without a clear slot / places; a coarse horizon hides too few", "modelled")
        )  # fmt: skip
    if abroad_people_frac is not None:
        found.append(
            Indicator("satellite_gateway_abroad_people_frac", year,
                      "People who share a satellite with a listed gateway abroad",
                      abroad_people_frac, "frac", "a common satellite at 99 % of the moments of a day / people",
                      "modelled")
        )  # fmt: skip
        cured = float(gateways["added_frac"][0]) if gateways.height else 0.0
        found.append(
            Indicator("satellite_one_gateway_people_frac", year, "People whom one gateway at home would serve",
                      cured, "frac", "satellite_gateway_choice.added_frac of rank 1", "modelled")
        )  # fmt: skip
    return tuple(found)
