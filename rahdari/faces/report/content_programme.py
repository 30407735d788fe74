"""The programme page: every claim, who said it, our figure and range, and the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rahdari.faces.report import figures
from rahdari.faces.report.blocks import LEFT, Cell, Figure, Section, Table, Text, Tone
from rahdari.faces.report.content_indicators import anchor_of
from rahdari.faces.report.words import band, english, figure, local

if TYPE_CHECKING:
    import polars as pl

    from rahdari.service.plan_view import Plan

VERDICTS: dict[str, tuple[str, Tone, str]] = {
    "reproduced": ("reproduced", "good", "#0f766e"),
    "conditional": ("conditional", "fair", "#d9b25f"),
    "not_reproduced": ("not reproduced", "bad", "#c8553d"),
    "sources_conflict": ("sources conflict", "fair", "#b98a2f"),
    "context_only": ("context only", "plain", "#c4c8cd"),
    "not_yet_modelled": ("not yet modelled", "plain", "#8b949e"),
}
MEANINGS = (
    "Reproduced: our figure agrees. Conditional: it agrees at one end of our range, or as far as a stated condition "
    "holds. Not reproduced: our whole range disagrees. Sources conflict: published figures contradict each other. "
    "Context only: there is no figure to test. Not yet modelled: no engine answers it yet."
)
FACT = "fact:"
NO_FIGURE = "Context only: there is no figure of ours to hold it to."
#: Topics in the order a reader asks; any other follows by name.
TOPICS = {
    "fibre": "Fibre",
    "speed": "Speed",
    "corridor": "The corridor",
    "power": "Power of sites",
    "5g": "5G",
    "microwave": "Microwave",
    "framework": "The framework",
    "ict": "ICT exports and goals",
    "edge": "Edge",
    "talent": "Talent",
}
NOTHING_TO_TEST = "No figure to test."


def source_anchor(source_id: str) -> str:
    """Return the anchor of a source's row."""
    return f"source-{source_id}"


def fact_anchor(fact_id: str) -> str:
    """Return the anchor of a published figure's row."""
    return f"fact-{fact_id}"


def _links(plan: Plan, claim: dict[str, Any], verdict: dict[str, Any], known: set[str]) -> tuple[tuple[str, str], ...]:
    """Return where the evidence stands: the indicator or published figure, the engine, and the claim's own source."""
    wanted = str(verdict["indicator_id"] or "").split()
    links = []
    for name in wanted:
        if name.startswith(FACT):
            links.append(("published figure", fact_anchor(name.removeprefix(FACT))))
        elif name in known:
            links.append((f"evidence {len(links) + 1}" if links else "evidence", anchor_of(name)))
    engine = str(verdict["evidence_link"] or "").removeprefix("#")
    if engine in {record["name"] for record in plan.manifest["engines"]} and engine != "programme":
        links.append(("model", engine))
    return (*links, ("source", source_anchor(str(claim["source_id"]))))


def _why(verdict: dict[str, Any]) -> str:
    """Return the finding without the claim and the figure, which stand in columns of their own."""
    text = str(verdict["sentence"]).removeprefix(f"Claim: {verdict['claim_text']}. ")
    text = text.removeprefix("The claim has no figure. ")
    text = text.split(". ", 1)[1] if text.startswith("Ours: ") and ". " in text else text
    without_context = text.replace(NO_FIGURE, "").strip()
    if NO_FIGURE in text:
        return without_context.removeprefix("Note: ") or NOTHING_TO_TEST
    return text.replace("Ours, ", "")


def _row(plan: Plan, claim: dict[str, Any], verdict: dict[str, Any], known: set[str]) -> tuple[Cell, ...]:
    word, tone, _ = VERDICTS[verdict["verdict"]]
    unit = str(verdict["unit"] or "")
    ours = figure(verdict["our_value"], unit) if verdict["our_value"] is not None else "–"
    span = band(verdict["our_value_low"], verdict["our_value_high"], unit)
    return (
        Cell(str(claim["claim"]), second=f"{claim['claimed_by']}, {claim['claimed_on']}",
             anchor=f"claim-{claim['claim_id']}"),
        Cell(str(verdict["claim_text"] or "no figure")),
        Cell(ours, second=span),
        Cell(word, tone),
        Cell(_why(verdict), links=_links(plan, claim, verdict, known)),
    )  # fmt: skip


def _verdict_figure(plan: Plan) -> Figure:
    counts = dict(plan.tables["programme_verdicts"]["verdict"].value_counts().iter_rows())
    present = [name for name in VERDICTS if counts.get(name)]
    colours = {name: VERDICTS[name][2] for name in present}
    title = "Claims by verdict"
    parts = {name: float(counts[name]) for name in present}
    texts = {name: str(counts[name]) for name in present}
    legend = tuple((VERDICTS[name][2], f"{VERDICTS[name][0]} {counts[name]}") for name in present)
    drawing = figures.stacked_bars([(f"{sum(counts.values())} claims", parts)], colours, title, texts)
    return Figure((drawing,), MEANINGS, legend, title)


def _in_order(programme: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the claims by topic, in the order a reader asks."""
    places = {topic: number for number, topic in enumerate(TOPICS)}
    claims = programme.iter_rows(named=True)
    return sorted(
        claims, key=lambda claim: (places.get(claim["topic"], len(places)), claim["topic"], claim["claim_id"])
    )


def programme_section(plan: Plan, language: str) -> Section | None:
    """Return the programme page, or ``None`` where the country states no programme."""
    tables = plan.tables
    if "programme_verdicts" not in tables or not tables["programme"].height:
        return None
    verdicts = {row["claim_id"]: row for row in tables["programme_verdicts"].iter_rows(named=True)}
    known = set(plan.indicators["indicator_id"].to_list())
    header = ("Claim, who said it and when", "As claimed", "Our figure and range", "Verdict", "Why")
    rows: list[tuple[Cell, ...]] = []
    topic = ""
    for claim in _in_order(tables["programme"]):
        if claim["topic"] != topic:
            topic = str(claim["topic"])
            name = TOPICS.get(topic, topic.replace("_", " ").capitalize())
            rows.append((Cell(name, n_columns=len(header)),))
        rows.append(_row(plan, claim, verdicts[claim["claim_id"]], known))
    intro = (
        "Every claim of the programme stands here once, with the figure this plan finds. Claims are tested against a "
        "baseline fixed beforehand; no parameter was set to reach one."
    )
    table = Table(header, tuple(rows), (LEFT,) * len(header))
    blocks = (Text(intro), _verdict_figure(plan), table)
    return Section("programme", english("programme"), local("programme", language), blocks, is_wide=True)
