"""Hold each claim against the indicator or the published fact that answers it, by the claim's own rule."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rahdari.engines.programme.words import exact_text, factor_between, number_text, with_unit
from rahdari.methods.results import result_frame
from rahdari.model import EngineResult, Indicator
from rahdari.units import unit_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from rahdari.engines.programme.params import ProgrammeParams
    from rahdari.model import Context, Tables

TABLES = Path(__file__).parent / "tables"
FACT_PREFIX = "fact:"  # an indicator_id that names a row of facts instead of an engine's indicator
REPRODUCED, CONDITIONAL, NOT_REPRODUCED = "reproduced", "conditional", "not_reproduced"
CONFLICT, CONTEXT, PENDING = "sources_conflict", "context_only", "not_yet_modelled"
VERDICTS = (REPRODUCED, CONDITIONAL, NOT_REPRODUCED, CONFLICT, CONTEXT, PENDING)
ASSUMED, DERIVED = "assumed", "derived"
PERCENT = 100.0
COMPARED_RULES = ("equals", "at_least", "at_most", "range", "conflict")
NO_TUNING = (
    "No parameter was chosen to reach a claim. A figure that rests on an assumption of its own can make a claim "
    "conditional at best, never reproduced."
)

Claim = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """Our figure for one claim, or another publisher's, in its own unit."""

    value: float
    low: float | None
    high: float | None
    unit: str
    how_sure: str
    link: str
    name: str
    said_by: str | None = None
    source_id: str | None = None

    def scaled(self, factor: float, unit: str | None) -> Answer:
        """Return the answer in another unit."""
        low, high = (None if end is None else end * factor for end in (self.low, self.high))
        return replace(self, value=self.value * factor, low=low, high=high, unit=unit or self.unit)

    @property
    def ends(self) -> tuple[float, float]:
        """Return the low and the high end, both the value where no range is known."""
        return (
            min(self.value, self.value if self.low is None else self.low),
            max(self.value, self.value if self.high is None else self.high),
        )


def answers_of_indicators(indicators: pl.DataFrame) -> dict[str, dict[int, Answer]]:
    """Return the answers of all engines by indicator and year; the unit is the one that the identifier ends in."""
    found: dict[str, dict[int, Answer]] = {}
    for row in indicators.iter_rows(named=True):
        unit = unit_of(row["indicator_id"]) or row["unit"]
        ends = (row["value"], row["value_low"], row["value_high"])
        answer = Answer(*ends, unit, row["how_sure"], f"#{row['engine']}", row["name"])
        found.setdefault(row["indicator_id"], {})[row["year"]] = answer
    return found


def answers_of_facts(facts: pl.DataFrame, sources: pl.DataFrame) -> dict[str, Answer]:
    """Return the published facts as answers; their ranges are other published figures."""
    publisher = dict(zip(sources["source_id"], sources["publisher"], strict=True))
    found = {}
    for row in facts.iter_rows(named=True):
        said_by = publisher.get(row["source_id"], row["source_id"])
        found[row["fact_id"]] = Answer(
            row["value"], row["value_low"], row["value_high"], row["unit"], row["evidence"], "#sources", row["metric"],
            said_by, row["source_id"],
        )  # fmt: skip
    return found


def answers_for(
    claim: Claim, ours: Mapping[str, Mapping[int, Answer]], facts: Mapping[str, Answer], years: tuple[int, ...]
) -> list[Answer]:
    """Return what answers a claim, in the order in which it names indicators; missing ones are left out.

    Of an indicator the year asked for is taken, else the nearest one.
    """
    year = years[-1] if claim["year_of"] == "target" else years[0]
    found = []
    for wanted in (claim["indicator_id"] or "").split():
        if wanted.startswith(FACT_PREFIX):
            if wanted.removeprefix(FACT_PREFIX) in facts:
                found.append(facts[wanted.removeprefix(FACT_PREFIX)])
        elif wanted in ours:
            by_year = ours[wanted]
            found.append(by_year[min(by_year, key=lambda other: (abs(other - year), other))])
    return found


def holds(claim: Claim, value: float) -> bool:
    """Return whether a value in the claim's unit satisfies the claim by its rule.

    >>> holds({"rule": "at_least", "value": 22.0}, 22.8), holds({"rule": "at_most", "value": 10.0}, 18.3)
    (True, False)
    """
    rule, claimed = claim["rule"], claim["value"]
    if rule == "at_least":
        return bool(value >= claimed)
    if rule == "at_most":
        return bool(value <= claimed)
    if rule == "range":
        return bool(claim["value_low"] <= value <= claim["value_high"])
    return bool(abs(value - claimed) <= claim["tolerance_frac"] * abs(claimed))


def holds_somewhere(claim: Claim, low: float, high: float) -> bool:
    """Return whether some value between ``low`` and ``high`` satisfies the claim."""
    if holds(claim, low) or holds(claim, high):
        return True
    inside = claim["value_low"] if claim["rule"] == "range" else claim["value"]
    return bool(low <= inside <= high)


def can_be_compared(claim: Claim) -> bool:
    """Return whether the claim carries the figures that its rule compares."""
    if claim["rule"] == "range":
        return claim["value_low"] is not None and claim["value_high"] is not None
    return claim["value"] is not None and claim["rule"] in COMPARED_RULES


def verdict_on_fact(claim: Claim, answer: Answer) -> str:
    """Return the verdict where another publisher answers.

    All its figures agree, or the sources conflict; a figure that we derived from published ones by a choice of ours
    (a window of years, an interpolation) can hold in part, which makes the claim conditional.
    """
    if answer.source_id == claim["source_id"]:
        return CONTEXT
    n_holding = sum(holds(claim, end) for end in (answer.value, *answer.ends))
    if n_holding == 1 + len(answer.ends):
        return REPRODUCED
    return CONDITIONAL if n_holding and answer.how_sure == DERIVED else CONFLICT


def verdict_on_indicator(claim: Claim, answer: Answer) -> str:
    """Return the verdict where an engine answers; what is assumed can support a claim only conditionally."""
    if holds(claim, answer.value):
        is_free = answer.how_sure != ASSUMED and not claim["condition"]
        return REPRODUCED if is_free else CONDITIONAL
    return CONDITIONAL if holds_somewhere(claim, *answer.ends) else NOT_REPRODUCED


def verdict_of(claim: Claim, answer: Answer | None) -> str:
    """Return the verdict on a claim; ``answer`` is in the claim's unit where the two are to be compared."""
    rule = claim["rule"]
    if rule == "context" or (rule == "conflict" and not claim["indicator_id"]):
        return CONTEXT if rule == "context" else CONFLICT
    if answer is None:
        return PENDING
    if rule == "pending":
        return CONDITIONAL if claim["condition"] else CONTEXT
    if not can_be_compared(claim):
        return CONTEXT
    if answer.said_by is not None:
        return verdict_on_fact(claim, answer)
    return CONFLICT if rule == "conflict" else verdict_on_indicator(claim, answer)


def claim_text(claim: Claim) -> str | None:
    """Return the claimed figure as printed, with its unit; ``None`` where the claim has no figure."""
    if claim["value_text"]:
        return with_unit(claim["value_text"], claim["unit"])
    if claim["value"] is None:
        return None
    lead = {"at_least": "at least ", "at_most": "at most "}.get(claim["rule"], "")
    return lead + with_unit(exact_text(claim["value"]), claim["unit"])


def answer_text(answer: Answer, n_digits: int) -> str:
    """Return our figure with its range and unit."""
    if answer.unit == "frac":
        answer = answer.scaled(PERCENT, "pct")
    is_printed = answer.said_by is not None and answer.how_sure != DERIVED
    text, low, high = (
        exact_text(value) if is_printed else number_text(value, n_digits) for value in (answer.value, *answer.ends)
    )
    if (low, high) != (text, text):
        text += f" ({low} to {high})"
    return with_unit(text, answer.unit)


def finding(claim: Claim, answer: Answer | None, verdict: str) -> str:
    """Return what the comparison says, in one plain sentence."""
    if verdict == CONDITIONAL and answer is not None:
        return _on_what_it_hangs(claim, answer)
    wanted = claim["indicator_id"]
    missing = f"no engine of this plan computes {wanted} in a unit that can be compared" if wanted else "no model yet"
    no_figure = "there is no figure of ours to hold it to"
    beside = "the claim states nothing that this figure could confirm or refute"
    is_published = answer is not None and answer.said_by is not None
    return {
        REPRODUCED: "Published figures confirm the claim." if is_published else "The claim is reproduced.",
        NOT_REPRODUCED: "The claim is not reproduced.",
        CONFLICT: "The sources conflict.",
        CONTEXT: f"Context only: {no_figure if answer is None else beside}.",
        PENDING: f"Not yet modelled: {missing}.",
    }[verdict]


def _on_what_it_hangs(claim: Claim, answer: Answer) -> str:
    """Return the condition under which a claim holds."""
    if claim["condition"]:
        lead = "An estimate" if claim["rule"] == "pending" else "It holds"
        return f"{lead}, on the condition that {claim['condition']}."
    if answer.said_by is not None:
        return "It holds for some of the published years or readings and not for others."
    if not holds(claim, answer.value):
        return "It holds only at one end of our range."
    return "It holds as far as an assumption of ours does: the figure is assumed, not derived."


def _speaker(answer: Answer) -> str:
    """Return who gives the figure."""
    if answer.said_by is None:
        return "Ours"
    return f"Derived from {answer.said_by}" if answer.how_sure == DERIVED else answer.said_by


def sentence_of(claim: Claim, answers: list[Answer], verdict: str, params: ProgrammeParams) -> str:
    """Return claim, our figures and finding in plain words; the first answer is the one that was judged."""
    printed = claim_text(claim)
    parts = [f"Claim: {printed}." if printed else "The claim has no figure."]
    n_digits = params.n_significant_digits
    for number, answer in enumerate(answers):
        is_named = number or not can_be_compared(claim)
        who = f"{_speaker(answer)}, {answer.name}" if is_named else _speaker(answer)
        parts.append(f"{who}: {answer_text(answer, n_digits)}.")
    parts.append(finding(claim, answers[0] if answers else None, verdict))
    if claim["note"] and params.has_notes:
        parts.append(f"Note: {claim['note'].removesuffix('.')}.")
    return " ".join(parts)


def in_claims_unit(claim: Claim, answer: Answer | None) -> Answer | None:
    """Return the answer in the claim's unit; ``None`` where the two measure different things and are to be compared."""
    if answer is None or claim["rule"] in {"pending", "context"} or claim["unit"] is None:
        return answer
    factor = factor_between(answer.unit, claim["unit"])
    return None if factor is None else answer.scaled(factor, claim["unit"])


def verdict_row(claim: Claim, answers: list[Answer], params: ProgrammeParams) -> dict[str, object]:
    """Return one row of ``programme_verdicts``; the first of the answers is judged, the others are told."""
    answer = in_claims_unit(claim, answers[0] if answers else None)
    told = [answer, *answers[1:]] if answer else []
    verdict = verdict_of(claim, answer)
    claimed, value = claim["value"], answer.value if answer else None
    is_same_unit = answer is not None and answer.unit == claim["unit"]
    ratio = value / claimed if claimed and value is not None and is_same_unit else None
    return {
        "claim_id": claim["claim_id"],
        "topic": claim["topic"],
        "claim": claim["claim"],
        "claimed_by": f"{claim['claimed_by']}, {claim['claimed_on']}",
        "claim_text": claim_text(claim),
        "verdict": verdict,
        "claim_value": claimed,
        "our_value": value,
        "our_value_low": answer.low if answer else None,
        "our_value_high": answer.high if answer else None,
        "ours_over_claim_ratio": ratio,
        "unit": answer.unit if answer else claim["unit"],
        "indicator_id": claim["indicator_id"],
        "how_sure": answer.how_sure if answer else None,
        "condition": claim["condition"],
        "evidence_link": answer.link if answer else "#programme",
        "sentence": sentence_of(claim, told, verdict, params),
    }


def indicators_of(rows: list[dict[str, object]], year: int) -> tuple[Indicator, ...]:
    """Return how many claims got each verdict."""
    return tuple(
        Indicator(
            f"claims_{verdict}_count", year, f"Claims of the programme: {verdict.replace('_', ' ')}",
            float(sum(row["verdict"] == verdict for row in rows)), "count", "rows of programme_verdicts", "measured",
        )
        for verdict in VERDICTS
    )  # fmt: skip


def programme(tables: Tables, params: ProgrammeParams, ctx: Context) -> EngineResult:
    """Return ``programme_verdicts``: one row for every row of ``programme``, whatever engines have run.

    An indicator that no engine emits gives ``not_yet_modelled``; nothing here knows which engines exist.
    """
    ours = answers_of_indicators(tables["indicators"])
    facts = answers_of_facts(tables["facts"], tables["sources"])
    claims = tables["programme"].sort("claim_id").iter_rows(named=True)
    rows = [verdict_row(claim, answers_for(claim, ours, facts, ctx.years), params) for claim in claims]
    frame = result_frame(rows or None, TABLES / "programme_verdicts.csv")
    notes = (NO_TUNING,) if rows else ("The country has no programme whose claims could be checked.",)
    return EngineResult({"programme_verdicts": frame}, indicators_of(rows, ctx.year_base), (), notes)
