"""Pace last seen and people: what the facts say, what the programme needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rahdari.model import Indicator

if TYPE_CHECKING:
    from rahdari.engines.rollout.params import RolloutParams

PCT = 100.0
USD_PER_MILLION = 1e6
YEAR_DIGITS = 4
OBSERVATIONS_FOR_A_PACE = 2


def observed_fibre_sites(facts: pl.DataFrame) -> list[tuple[int, float]]:
    """Return year and number of sites on fibre for every year with both a count of sites and a share on fibre."""

    def by_year(prefix: str) -> dict[int, float]:
        rows = facts.filter(pl.col("fact_id").str.contains(f"^{prefix}_20[0-9]{{2}}")).sort("period", "fact_id")
        return {int(row["period"][:YEAR_DIGITS]): float(row["value"]) for row in rows.iter_rows(named=True)}

    sites, share_pct = by_year("cell_sites"), by_year("fibre_to_site")
    return [(year, sites[year] * share_pct[year] / PCT) for year in sorted(sites.keys() & share_pct.keys())]


def pace_indicators(facts: pl.DataFrame, needed_per_year: float, year: int) -> tuple[Indicator, ...]:
    """Return the last observed yearly gain of sites on fibre and how many times it the programme needs."""
    seen = observed_fibre_sites(facts)
    if len(seen) < OBSERVATIONS_FOR_A_PACE:
        return ()
    (year_before, before), (year_last, last) = seen[-2:]
    pace = (last - before) / (year_last - year_before)
    source = f"cell sites x share on fibre, {year_before} to {year_last}"
    made = [Indicator("observed_fibre_sites_per_year", year, "Sites joined by fibre in a year, last observed", pace,
                      "per_year", source, "measured")]  # fmt: skip
    if pace > 0.0 and needed_per_year > 0.0:
        how = "rollout_sites_per_year / observed_fibre_sites_per_year"
        name = "Pace needed for sites over the pace last observed"
        made.append(Indicator("rollout_sites_pace_ratio", year, name, needed_per_year / pace, "ratio", how, "modelled"))
    return tuple(made)


def people_indicators(facts: pl.DataFrame, params: RolloutParams, year: int) -> tuple[Indicator, ...]:
    """Return the supply of export-ready people against what the stated growth of exports needs."""
    exact = facts.filter(pl.col("fact_id") == f"it_exports_fy{year}_usd_million")["value"]
    base_usd = float(exact[0]) * USD_PER_MILLION if exact.len() else params.exports_usd_per_year
    ready = params.graduates_people_per_year * params.export_ready_frac
    growth_usd = base_usd * params.export_growth_frac_per_year
    per_person = (
        params.exports_per_person_usd_per_year,
        params.exports_per_person_high_usd_per_year,
        params.exports_per_person_low_usd_per_year,
    )
    need, need_low, need_high = (growth_usd / usd for usd in per_person)
    return (
        Indicator(
            "export_ready_people_per_year", year, "Graduates ready for export work", ready, "people_per_year",
            "graduates a year x export-ready share (published as 'less than')", "assumed", 0.0, ready,
        ),
        Indicator(
            "talent_gap_people", year, "People a year that the stated growth of exports needs beyond these",
            max(0.0, need - ready), "people", "exports x growth / exports per person - export-ready graduates",
            "assumed", max(0.0, need_low - ready), max(0.0, need_high - ready),
        ),
    )  # fmt: skip
