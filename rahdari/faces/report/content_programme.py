"""The programme page: every claim, who said it, our figure and range, and the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rahdari.faces.report.blocks import Cell, Section, Table, Text, Tone
from rahdari.faces.report.words import band, english, figure, local

if TYPE_CHECKING:
    from rahdari.service.plan_view import Plan

VERDICTS: dict[str, tuple[str, Tone]] = {
    "reproduced": ("reproduced", "good"),
    "conditional": ("conditional", "fair"),
    "not_reproduced": ("not reproduced", "bad"),
    "sources_conflict": ("sources conflict", "fair"),
    "context_only": ("context only", "plain"),
    "not_yet_modelled": ("not yet modelled", "plain"),
}


def _claimed(row: dict[str, object]) -> str:
    if row["value"] is not None:
        return figure(row["value"], str(row["unit"] or ""))
    return str(row["value_text"] or "–")


def programme_section(plan: Plan, language: str) -> Section | None:
    """Return the programme page, or ``None`` where the country states no programme."""
    tables = plan.tables
    if "programme_verdicts" not in tables or not tables["programme"].height:
        return None
    verdicts = {row["claim_id"]: row for row in tables["programme_verdicts"].iter_rows(named=True)}
    rows = []
    topic = ""
    for claim in tables["programme"].sort("topic", "claim_id").iter_rows(named=True):
        verdict = verdicts[claim["claim_id"]]
        word, tone = VERDICTS[verdict["verdict"]]
        unit = str(verdict["unit"] or "")
        ours = figure(verdict["our_value"], unit) if verdict["our_value"] is not None else "–"
        span = band(verdict["our_value_low"], verdict["our_value_high"], unit)
        rows.append(
            (
                Cell("" if claim["topic"] == topic else str(claim["topic"])),
                Cell(str(claim["claim"]), second=f"{claim['claimed_by']}, {claim['claimed_on']}"),
                Cell(_claimed(claim)),
                Cell(ours, second=span),
                Cell(word, tone),
                Cell(str(verdict["sentence"]), link=str(verdict["evidence_link"] or "")),
            )
        )
        topic = claim["topic"]
    counts = tables["programme_verdicts"]["verdict"].value_counts(sort=True).iter_rows()
    summary = "; ".join(f"{VERDICTS[str(name)][0]} {count}" for name, count in counts)
    intro = (
        "Every claim of the programme stands here with the figure this plan finds. Claims are tested against a "
        f"baseline fixed beforehand; no parameter was set to reach one. {len(rows)} claims: {summary}."
    )
    header = ("Topic", "Claim, who said it and when", "As claimed", "Our figure and range", "Verdict", "In a sentence")
    table = Table(header, tuple(rows), ("left",) * len(header))
    return Section("programme", english("programme"), local("programme", language), (Text(intro), table))
