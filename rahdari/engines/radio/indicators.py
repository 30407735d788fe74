"""Indicators of the radio engine, each with an honest range."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rahdari.model import Indicator

if TYPE_CHECKING:
    from rahdari.methods.cell_claims import ClaimTest
    from rahdari.model import Context

PERCENT = 100.0
LIKELY_FRAC = 0.5  # probability from which a place is more likely covered than not


def coverage_indicators(coverage: pl.DataFrame, places: pl.DataFrame, year: int) -> tuple[Indicator, ...]:
    """Return people covered: by 90 % of locations; low: surely, terrain's error counted; high: more likely than not."""
    found = []
    people = places.select("place_id", "n_people")
    total = max(int(places["n_people"].sum()), 1)
    for technology in ("4g", "5g"):
        rows = coverage.filter(pl.col("technology") == technology).join(people, on="place_id")
        if not rows.height:
            continue
        mid, low, high = (
            int(rows.filter(test)["n_people"].sum()) / total
            for test in (
                pl.col("is_covered"),
                pl.col("is_covered") & pl.col("is_surely_covered"),
                pl.col("is_covered") | (pl.col("covered_probability_frac") >= LIKELY_FRAC),
            )
        )
        formula = (
            "people in places where 90 % of edge locations reach the least SNR / all people; low: 90 % confidence, "
            "errors of terrain and bending counted; high: more likely than not"
        )
        name = f"People covered by {technology.upper()}" + (" with the assumed plan" if technology == "5g" else "")
        found.append(
            Indicator(f"population_covered_{technology}_frac", year, name, mid, "frac", formula, "modelled", low, high)
        )
    return tuple(found)


def rate_indicator(coverage: pl.DataFrame, places: pl.DataFrame, year: int) -> tuple[Indicator, ...]:
    """Return the median 4G rate over covered people, with quartiles."""
    rows = (
        coverage.filter((pl.col("technology") == "4g") & pl.col("is_covered"))
        .join(places.select("place_id", "n_people"), on="place_id")
        .sort("downlink_mbps", "place_id")
        .with_columns(below=pl.col("n_people").cum_sum() / pl.col("n_people").sum())
    )
    if not rows.height:
        return ()
    mid, low, high = (float(rows.filter(pl.col("below") >= q)["downlink_mbps"][0]) for q in (0.5, 0.25, 0.75))
    formula = "median over people of the busy-hour rate of one active user; range: quartiles; not fitted to speed tests"
    name = "Median 4G rate in the busy hour"
    return (Indicator("mobile_4g_median_mbps", year, name, mid, "mbps", formula, "modelled", low, high),)


def city_indicators(city: ClaimTest, ctx: Context, n_sites: int) -> tuple[Indicator, ...]:
    """Return what 5G does to experience and energy of a city site, over the draws of the claims' test."""
    rows = {row["mode"]: row for row in city.summary.to_dicts()}
    added, replaced = rows["added"], rows["replaced"]

    def change(row: dict[str, float], label: str, name: str) -> float:
        return (row[f"{label}_{name}"] - 1.0) * PERCENT

    experience = "experience_ratio"
    energy = "energy_ratio"
    how = "median over draws, 5G added beside 4G at equal traffic; range: 10 % to 90 % of draws, added or replacing 4G"
    year = ctx.year_base
    return (
        Indicator("5g_sites_sites", ctx.year_end, "5G sites assumed in cities", float(n_sites), "sites",
                  "sites that serve 5G today + upgrades assumed from the published plan", "assumed"),
        Indicator("5g_experience_gain_pct", year, "Gain in mean user rate where 5G joins 4G",
                  change(added, "median", experience), "pct", how, "modelled",
                  min(change(row, "low", experience) for row in (added, replaced)),
                  max(change(row, "high", experience) for row in (added, replaced))),
        Indicator("5g_energy_change_pct", year, "Change of base-station energy, equal traffic",
                  change(added, "median", energy), "pct", how, "modelled",
                  min(change(row, "low", energy) for row in (added, replaced)),
                  max(change(row, "high", energy) for row in (added, replaced))),
        Indicator("5g_both_claims_probability_frac", year, "Probability that both 5G claims hold together",
                  float(added["both_hold_frac"]), "frac", "share of draws, 5G added; high: 5G in place of 4G",
                  "modelled",
                  min(float(row["both_hold_frac"]) for row in (added, replaced)),
                  max(float(row["both_hold_frac"]) for row in (added, replaced))),
    )  # fmt: skip


def hub_indicators(plans: pl.DataFrame, test: pl.DataFrame, year: int) -> tuple[Indicator, ...]:
    """Return what cancellation does to the country's hubs: totals against exact planning, ranges over the test."""
    ratio = float(plans["cancelled_mbps"].sum()) / max(float(plans["plain_mbps"].sum()), 1e-9)
    spread = test["median_efficiency_gain_ratio"]
    low, high = min(float(spread.min()), ratio), max(float(spread.max()), ratio)  # type: ignore[arg-type]
    removed = float(plans["interference_removed_frac"].median() or 0.0)  # type: ignore[arg-type]
    residual = test["least_residual_frac"]
    left_low = min((float(residual.min()) - 1.0) * PERCENT, -removed * PERCENT)  # type: ignore[arg-type]
    left_high = max((float(residual.max()) - 1.0) * PERCENT, -removed * PERCENT)  # type: ignore[arg-type]
    both = test["all_hold_frac"]
    how = (
        "rate of all hubs with cancellation / without, both planned exactly in equal spectrum; range: medians over "
        "hubs by cancellation of 10 to 20 dB and against rules of 60 and 90 degrees"
    )
    least, most = float(both.min()), float(both.max())  # type: ignore[arg-type]
    return (
        Indicator("hub_capacity_gain_ratio", year, "Capacity of microwave hubs with cancellation", ratio, "ratio", how,
                  "modelled", low, high),
        Indicator("hub_spectral_efficiency_gain_pct", year, "Gain in spectral efficiency of hubs",
                  (ratio - 1.0) * PERCENT, "pct", how + " - 1", "modelled", (low - 1.0) * PERCENT,
                  (high - 1.0) * PERCENT),
        Indicator("hub_interference_change_pct", year, "Change of interference power within a hub",
                  -removed * PERCENT, "pct",
                  "1 - interference left / the same without cancelling, median over hubs; range: best hub by "
                  "cancellation of 10 to 20 dB; interference from outside stays", "modelled", left_low, left_high),
        Indicator("hub_all_claims_hold_frac", year, "Hubs where all three published claims hold", least, "frac",
                  "least share over baselines, cancellations and loads; high: most of them", "modelled", least, most),
    )  # fmt: skip
