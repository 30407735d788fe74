"""Pace last seen and people: what the facts say, what the programme needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rahdari.model import Indicator

if TYPE_CHECKING:
    from rahdari.engines.rollout.params import RolloutParams


def fact_value(facts: pl.DataFrame, fact_id: str) -> float | None:
    """Return the value of one fact, or ``None`` where the country has it not."""
    found = facts.filter(pl.col("fact_id") == fact_id)["value"]
    return float(found[0]) if found.len() else None


def people_indicators(facts: pl.DataFrame, params: RolloutParams, year: int) -> tuple[Indicator, ...]:
    """Return the supply of export-ready people against what the stated growth of exports needs."""
    graduates = fact_value(facts, "it_graduates_people_per_year") or params.graduates_people_per_year
    ready = graduates * params.export_ready_frac
    growth_usd = params.exports_usd_per_year * params.export_growth_frac_per_year
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
