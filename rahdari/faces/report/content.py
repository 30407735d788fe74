"""Make the content of a report from a plan; sections whose tables are absent are left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rahdari.faces.report import (
    content_air,
    content_claims,
    content_corridor,
    content_economy,
    content_edge,
    content_map,
    content_money,
    content_navigation,
    content_plan,
    content_power,
    content_programme,
    content_radio,
    content_replay,
    content_resilience,
    content_rollout,
    content_security,
    content_space,
    content_trust,
)
from rahdari.faces.report.blocks import Headline, Headlines, Report
from rahdari.faces.report.content_indicators import target_of
from rahdari.faces.report.words import COUNTED, amount, band, english, local

if TYPE_CHECKING:
    from rahdari.service.plan_view import Plan

#: Headline figures in order; those whose indicator is absent are left out, and at most six are shown.
HEADLINE_INDICATORS = (
    ("people_with_100_mbps_frac", "people who can have 100 Mbit/s at home"),
    ("median_downlink_mbps", "busy-hour rate of the person in the middle"),
    ("fibre_homes_passed_households", "households passed by fibre, not all connected"),
    ("fibre_sites_frac", "of cell sites on fibre"),
    ("total_capex_usd", "to build"),
    ("mean_outage_h_per_year", "without service, mean of people served"),
    ("reliable_frac", "people with a reliable service"),
)
N_HEADLINES = 6
#: Input tables whose rows a reader takes for real unless told otherwise.
TOLD = (("places", "places"), ("sites", "cell sites"), ("links", "links of today's network"))


def _context(plan: Plan, row: dict[str, Any], first: dict[str, Any]) -> str:
    """Return how sure the figure is, what it was at the start, and the target for it where there is one."""
    parts = [row["how_sure"]]
    if first["year"] != row["year"]:
        parts.append(f"{amount(first['value'], first['unit'])} in {first['year']}")
    return " · ".join(part for part in (*parts, target_of(plan, row["indicator_id"])) if part)


def _headlines(plan: Plan) -> Headlines:
    indicators = plan.indicators
    items = []
    for indicator_id, label in HEADLINE_INDICATORS:
        rows = indicators.filter(indicators["indicator_id"] == indicator_id).sort("year")
        if not rows.height:
            continue
        last, first = rows.row(-1, named=True), rows.row(0, named=True)
        items.append(
            Headline(
                label=f"{label}, {last['year']}",
                value=amount(last["value"], last["unit"]),
                band=band(last["value_low"], last["value_high"], "" if last["unit"] in COUNTED else last["unit"]),
                context=_context(plan, last, first),
            )
        )
    return Headlines(tuple(items[:N_HEADLINES]))


def _facts(plan: Plan) -> tuple[str, ...]:
    """Return what must be known before the first figure: what is modelled, what is proven, what agrees."""
    counts = content_trust.evidence_counts(plan)
    parts = []
    for table, name in TOLD:
        found = counts.get(table, {})
        n_modelled, total = found.get("synthetic", 0) + found.get("assumed", 0), sum(found.values())
        if n_modelled:
            parts.append(f"{n_modelled:,} of {total:,} {name}")
    facts = [f"Not observed but modelled: {', '.join(parts)}."] if parts else []
    gaps = [row["gap_frac"] for row in plan.certificates.iter_rows(named=True) if row["gap_frac"] is not None]
    checks = plan.manifest["consistency"]
    kept = sum(bool(check["is_kept"]) for check in checks)
    proof = f"{len(gaps)} choices carry a proven bound, the widest gap is {max(gaps) * 100:.2f} %. " if gaps else ""
    facts.append(f"{proof}{kept} of {len(checks)} checks between parts are kept.")
    n_inside, n_told = content_replay.replay_count(plan)
    if n_told:
        facts.append(
            f"Past cuts of cables and fibre: {n_inside} of {n_told} reported figures lie in the predicted band."
        )
    n_simple = sum(record["fidelity"] == "simple" for record in plan.manifest["engines"])
    if n_simple:
        facts.append(f"{n_simple} of {len(plan.manifest['engines'])} engines are simple models, and say so.")
    return tuple(facts)


def report_content(plan: Plan) -> Report:
    """Return the whole report of a plan, section by section in the reader's order."""
    country = plan.tables["country"].row(0, named=True)
    language = country["local_language"] or ""
    scenario = plan.manifest["scenario"]
    builders = (
        content_programme.programme_section,
        content_map.map_section,
        content_plan.connectivity_section,
        content_rollout.rollout_section,
        content_money.pace_section,
        content_money.cost_section,
        content_economy.money_section,
        content_economy.scoreboard_section,
        content_resilience.resilience_section,
        content_power.power_section,
        content_replay.replay_section,
        content_security.security_section,
        content_corridor.corridor_section,
        content_radio.radio_section,
        content_navigation.navigation_section,
        content_space.space_section,
        content_edge.edge_section,
        content_air.air_section,
        content_claims.claims_section,
        content_economy.supply_section,
        content_plan.people_section,
        content_plan.districts_section,
        content_trust.engines_section,
        content_trust.certificates_section,
        content_trust.consistency_section,
        content_trust.synthetic_section,
        content_trust.assumptions_section,
        content_trust.sources_section,
        content_trust.provenance_section,
    )
    sections = [section for build in builders if (section := build(plan, language)) is not None]
    return Report(
        title=f"{country['name']}: {english('title').lower()}",
        subtitle=f"{scenario['title']} · {scenario['years'][0]} to {scenario['years'][-1]}",
        local_title=f"{country['name_local'] or ''} · {local('title', language)}".strip(" ·"),
        local_language=language,
        headlines=_headlines(plan),
        sections=tuple(sections),
        boundary_note=country["boundary_note"],
        stamp=f"Plan {plan.digest[:12]}, made {plan.manifest['created_utc'][:10]} by rahdari",
        facts=_facts(plan),
    )
