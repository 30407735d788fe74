"""Make the content of a report from a plan; sections whose tables are absent are left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rahdari.faces.report import content_plan, content_programme, content_trust
from rahdari.faces.report.blocks import Headline, Headlines, Report
from rahdari.faces.report.words import band, english, figure, local

if TYPE_CHECKING:
    from rahdari.service.plan_view import Plan

#: Headline figures in order; those whose indicator is absent are left out.
HEADLINE_INDICATORS = (
    ("people_with_100_mbps_frac", "people with 100 Mbit/s or more"),
    ("median_downlink_mbps", "median downlink per person"),
    ("fibre_homes_passed_households", "homes passed by fibre"),
    ("fibre_sites_frac", "cell sites on fibre"),
    ("capex_usd", "to build"),
    ("reliable_frac", "people with a reliable service"),
)


def _headlines(plan: Plan) -> Headlines:
    indicators = plan.indicators
    items = []
    for indicator_id, label in HEADLINE_INDICATORS:
        rows = indicators.filter(indicators["indicator_id"] == indicator_id).sort("year")
        if not rows.height:
            continue
        last, first = rows.row(-1, named=True), rows.row(0, named=True)
        before = f"{figure(first['value'], first['unit'])} in {first['year']}" if rows.height > 1 else ""
        items.append(
            Headline(
                label=f"{label}, {last['year']}",
                value=figure(last["value"], last["unit"]),
                band=band(last["value_low"], last["value_high"], last["unit"]),
                context=before,
            )
        )
    return Headlines(tuple(items))


def report_content(plan: Plan) -> Report:
    """Return the whole report of a plan, section by section in the reader's order."""
    country = plan.tables["country"].row(0, named=True)
    language = country["local_language"]
    scenario = plan.manifest["scenario"]
    builders = (
        content_programme.programme_section,
        content_plan.map_section,
        content_plan.connectivity_section,
        content_plan.cost_section,
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
    )
