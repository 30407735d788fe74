"""Indicators as tables: one row an indicator, the base year beside the target year."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from rahdari.faces.report.blocks import Align, Cell, Table, Tone
from rahdari.faces.report.words import COUNTED, amount, band

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rahdari.service.plan_view import Plan

#: What a minister asks, section by section; every other indicator stands with its engine.
CONNECTIVITY_KEYS = (
    "people_with_20_mbps_frac",
    "people_with_50_mbps_frac",
    "people_with_100_mbps_frac",
    "median_downlink_mbps",
    "mean_downlink_mbps",
    "population_covered_4g_frac",
    "population_covered_5g_frac",
    "fibre_homes_passed_households",
    "fibre_homes_connected_households",
    "fibre_sites_frac",
    "planned_fibre_km",
    "data_demand_pb_per_year",
    "busy_hour_demand_tbps",
)
GOAL_KEYS = (
    "accessible_frac",
    "affordable_frac",
    "home_line_affordable_frac",
    "high_quality_frac",
    "reliable_frac",
    "ubiquitous_frac",
)
PACE_KEYS = (
    "required_households_per_year",
    "rollout_households_per_year",
    "required_site_fibre_per_year",
    "observed_site_fibre_per_year",
    "required_site_fibre_pace_ratio",
    "rollout_sites_per_year",
    "rollout_fibre_km",
    "crew_people",
    "rollout_late_years",
)
COST_KEYS = (
    "total_capex_usd",
    "total_opex_usd_per_year",
    "present_value_usd",
    "capex_per_household_passed_usd",
    "capex_per_household_connected_usd",
    "capex_over_investment_years",
)
RETURN_KEYS = (
    "operator_npv_usd",
    "project_npv_usd",
    "project_irr_frac_per_year",
    "payback_years",
    "least_support_usd",
    "districts_asking_support_count",
    "cost_per_passed_usd",
    "cost_per_connected_usd",
    "levelised_cost_usd_per_mbps_month",
    "tax_usd",
)
PEOPLE_KEYS = ("export_ready_people", "exports_end_usd", "training_export_gain_usd", "training_cost_usd")
RESILIENCE_KEYS = (
    "mean_outage_h_per_year",
    "people_over_100h_outage_people",
    "revenue_lost_usd_per_year",
    "site_dark_h_per_year",
    "sites_without_generator_frac",
    "corridor_availability_frac",
    "corridor_disjoint_frac",
    "replay_median_error_frac",
)
SHOWN_ELSEWHERE = frozenset(
    (*CONNECTIVITY_KEYS, *GOAL_KEYS, *PACE_KEYS, *COST_KEYS, *RETURN_KEYS, *PEOPLE_KEYS, *RESILIENCE_KEYS)
)
SURE_TONES: dict[str, Tone] = {"measured": "good", "calibrated": "good", "modelled": "fair", "assumed": "bad"}
WITHOUT_RANGE = "A figure without a range has none that the model can give yet."


def anchor_of(indicator_id: str) -> str:
    """Return the anchor of an indicator's row."""
    return f"indicator-{indicator_id}"


def years_of(plan: Plan) -> tuple[int, int]:
    """Return the base year and the target year of a plan."""
    years = plan.manifest["scenario"]["years"]
    return int(years[0]), int(years[-1])


def value_of(plan: Plan, indicator_id: str, *, at_base: bool = False) -> float | None:
    """Return an indicator's value in its last year, or in the base year; ``None`` where the plan has none."""
    rows = plan.indicators.filter(pl.col("indicator_id") == indicator_id).sort("year")
    if at_base:
        rows = rows.filter(pl.col("year") == years_of(plan)[0])
    return float(rows["value"][-1]) if rows.height else None


def target_of(plan: Plan, indicator_id: str) -> str:
    """Return the first target for an indicator in words, or nothing."""
    if "targets" not in plan.tables:
        return ""
    rows = plan.tables["targets"].filter(pl.col("metric") == indicator_id).sort("due_on", "target_id")
    return f"target {amount(rows['value'][0], rows['unit'][0])}" if rows.height else ""


def _cell(row: dict[str, Any] | None, target: str = "") -> Cell:
    if row is None:
        return Cell("")
    unit = "" if row["unit"] in COUNTED else row["unit"]
    span = band(row["value_low"], row["value_high"], unit)
    return Cell(amount(row["value"], unit), second="; ".join(part for part in (span, target) if part))


def _sureness(rows: Sequence[dict[str, Any]]) -> Cell:
    words = list(dict.fromkeys(row["how_sure"] for row in rows))
    last = words[-1]
    second = f"in {rows[0]['year']}: {words[0]}" if len(words) > 1 else ""
    return Cell(last, SURE_TONES[last], second=second)


def indicator_table(plan: Plan, wanted: Sequence[str], caption: str = "") -> Table | None:
    """Return one row an indicator in the order wanted: base year, target year, range, how sure, formula."""
    base, target = years_of(plan)
    frame = plan.indicators.filter(pl.col("indicator_id").is_in(list(wanted))).sort("year")
    grouped: dict[str, list[dict[str, Any]]] = {}
    for row in frame.iter_rows(named=True):
        grouped.setdefault(row["indicator_id"], []).append(row)
    table_rows = []
    for indicator_id in wanted:
        if indicator_id not in grouped:
            continue
        rows = grouped[indicator_id]
        first = next((row for row in rows if row["year"] == base), None)
        last = next((row for row in reversed(rows) if row["year"] != base), None)
        names = (
            Cell(rows[-1]["name"], anchor=anchor_of(indicator_id)), _cell(first),
            _cell(last, target_of(plan, indicator_id)), _sureness(rows),
            Cell(rows[-1]["formula"]),
        )  # fmt: skip
        table_rows.append(names)
    if not table_rows:
        return None
    header = ("Indicator", str(base), str(target), "How sure", "How it is computed")
    align: tuple[Align, ...] = ("left", "right", "right", "left", "left")
    filled = [index for index in range(len(header)) if any(row[index].text for row in table_rows)]
    return Table(
        tuple(header[index] for index in filled),
        tuple(tuple(row[index] for index in filled) for row in table_rows),
        tuple(align[index] for index in filled),
        caption,
    )


def engine_indicator_ids(plan: Plan, engine: str) -> list[str]:
    """Return the indicators of an engine that no section before shows, by name."""
    frame = plan.indicators.filter((pl.col("engine") == engine) & ~pl.col("indicator_id").is_in(list(SHOWN_ELSEWHERE)))
    return frame.sort("name", "indicator_id")["indicator_id"].unique(maintain_order=True).to_list()
