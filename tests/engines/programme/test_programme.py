"""Verdicts follow from the claims' rules alone: by hand, by law, and for every claim of the Pakistan pack."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rahdari.engines.programme as folder_module
from rahdari.engines.programme.engine import VERDICTS, programme
from rahdari.engines.programme.params import ProgrammeParams
from rahdari.model import Context, Tables
from rahdari.schema import table_schema
from rahdari.schema.checks import conform, empty_table
from rahdari.sources.pack import PACKS_FOLDER, load_pack
from tests.helpers.engine_checks import check_engine

FOLDER = Path(folder_module.__file__).parent
CTX = Context(years=(2025, 2030))
CLAIM = {
    "claim_id": "c", "topic": "t", "claim": "A claim", "claimed_on": "2025", "claimed_by": "Somebody",
    "indicator_id": "thing_sites", "rule": "equals", "value": 100.0, "unit": "sites", "evidence": "published",
    "source_id": "press",
}  # fmt: skip


def claims(*rows: dict[str, object]) -> pl.DataFrame:
    return conform(pl.DataFrame([{**CLAIM, **row} for row in rows]), table_schema("programme"))


def indicator(value: float, **other: object) -> dict[str, object]:
    base = {
        "indicator_id": "thing_sites", "year": 2025, "name": "Things", "value": value, "unit": "sites",
        "engine": "power", "fidelity": "simple", "formula": "sum", "how_sure": "modelled",
    }  # fmt: skip
    return {**base, **other}


def tables(
    programme_frame: pl.DataFrame, *indicators: dict[str, object], facts: pl.DataFrame | None = None
) -> dict[str, pl.DataFrame]:
    schema = table_schema("indicators")
    found = conform(pl.DataFrame(indicators), schema) if indicators else empty_table(schema)
    sources = pl.DataFrame({"source_id": ["press", "bureau"], "title": ["P", "B"], "publisher": ["Press", "Bureau"]})
    return {
        "programme": programme_frame,
        "indicators": found,
        "facts": empty_table(table_schema("facts")) if facts is None else facts,
        "sources": conform(sources.with_columns(kind=pl.lit("published")), table_schema("sources")),
    }


def fact(value: float, low: float | None = None, **other: str) -> pl.DataFrame:
    row = {
        "fact_id": "thing_2025_sites", "metric": "things", "period": "2025", "value": value, "value_low": low,
        "unit": "sites", "evidence": "published", "source_id": "bureau",
    }  # fmt: skip
    return conform(pl.DataFrame([{**row, **other}]), table_schema("facts"))


def verdict(frames: dict[str, pl.DataFrame]) -> dict[str, object]:
    return programme(Tables(frames), ProgrammeParams(), CTX).tables["programme_verdicts"].row(0, named=True)


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        ("equals", 109.0, "reproduced"),
        ("equals", 111.0, "not_reproduced"),
        ("equals", 90.0, "reproduced"),
        ("at_least", 100.0, "reproduced"),
        ("at_least", 99.9, "not_reproduced"),
        ("at_most", 99.9, "reproduced"),
        ("at_most", 100.1, "not_reproduced"),
        ("range", 40.0, "reproduced"),
        ("range", 61.0, "not_reproduced"),
    ],
)
def test_each_rule_judges_as_the_readme_says(rule: str, value: float, expected: str) -> None:
    row = verdict(tables(claims({"rule": rule, "value_low": 30.0, "value_high": 60.0}), indicator(value)))
    assert row["verdict"] == expected
    assert row["our_value"] == value
    assert row["ours_over_claim_ratio"] == pytest.approx(value / 100.0)
    assert row["evidence_link"] == "#power"


def test_only_part_of_our_range_makes_a_claim_conditional() -> None:
    row = verdict(tables(claims({"rule": "at_least"}), indicator(80.0, value_low=60.0, value_high=120.0)))
    assert row["verdict"] == "conditional"
    assert "80 (60 to 120) sites" in str(row["sentence"])


def test_a_range_that_spans_the_claim_makes_it_conditional() -> None:
    wide = indicator(150.0, value_low=50.0, value_high=200.0)
    assert verdict(tables(claims({"tolerance_frac": 0.01}), wide))["verdict"] == "conditional"


def test_an_assumption_never_reproduces_a_claim() -> None:
    row = verdict(tables(claims({}), indicator(100.0, how_sure="assumed")))
    assert row["verdict"] == "conditional"
    assert "assumed" in str(row["sentence"])


def test_a_stated_condition_keeps_a_claim_conditional() -> None:
    row = verdict(tables(claims({"condition": "rain stays away"}), indicator(100.0)))
    assert row["verdict"] == "conditional"
    assert "rain stays away" in str(row["sentence"])


def test_what_no_engine_computes_is_not_yet_modelled() -> None:
    row = verdict(tables(claims({})))
    assert row["verdict"] == "not_yet_modelled"
    assert row["our_value"] is None


def test_a_figure_in_a_unit_that_cannot_be_compared_is_no_answer() -> None:
    claim = claims({"indicator_id": "thing_km"})
    row = verdict(tables(claim, indicator(100.0, indicator_id="thing_km", unit="km")))
    assert (row["verdict"], row["our_value"]) == ("not_yet_modelled", None)


def test_the_identifier_states_the_unit_whatever_the_words_beside_it_say() -> None:
    row = verdict(tables(claims({}), indicator(100.0, unit="masts")))
    assert (row["verdict"], row["unit"]) == ("reproduced", "sites")


def test_further_figures_are_told_but_not_judged() -> None:
    claim = claims({"indicator_id": "missing_sites thing_sites other_frac"})
    other = indicator(0.43, indicator_id="other_frac", name="Others", unit="share")
    row = verdict(tables(claim, indicator(100.0), other))
    assert (row["verdict"], row["our_value"]) == ("reproduced", 100.0)
    assert "Ours, Others: 43 %." in str(row["sentence"])


def test_a_claim_without_a_figure_shows_ours_and_its_condition() -> None:
    bare: dict[str, object] = {"rule": "pending", "value": None, "unit": None}
    assert verdict(tables(claims(bare), indicator(7.0)))["verdict"] == "context_only"
    row = verdict(tables(claims({**bare, "condition": "roads are open"}), indicator(7.0)))
    assert (row["verdict"], row["our_value"], row["unit"]) == ("conditional", 7.0, "sites")


def test_shares_and_per_cent_are_compared_in_the_claims_unit() -> None:
    claim = claims({"indicator_id": "x_frac", "value": 42.0, "unit": "pct"})
    row = verdict(tables(claim, indicator(0.4, indicator_id="x_frac", unit="frac", value_low=0.3)))
    assert (row["verdict"], row["unit"]) == ("reproduced", "pct")
    assert row["our_value"] == pytest.approx(40.0)
    assert row["our_value_low"] == pytest.approx(30.0)


def test_the_year_of_a_claim_chooses_the_indicator() -> None:
    both = (indicator(100.0), indicator(500.0, year=2030))
    assert verdict(tables(claims({}), *both))["our_value"] == 100.0
    assert verdict(tables(claims({"year_of": "target"}), *both))["our_value"] == 500.0
    assert verdict(tables(claims({"year_of": "target"}), both[0]))["our_value"] == 100.0


def test_another_publishers_figure_confirms_or_conflicts() -> None:
    claim = claims({"indicator_id": "fact:thing_2025_sites"})
    assert verdict(tables(claim, facts=fact(97.0)))["verdict"] == "reproduced"
    assert verdict(tables(claim, facts=fact(50.0)))["verdict"] == "sources_conflict"
    assert verdict(tables(claim, facts=fact(97.0, 25.0)))["verdict"] == "sources_conflict"
    assert verdict(tables(claim, facts=fact(97.0, 25.0, evidence="derived")))["verdict"] == "conditional"
    assert "Bureau: 97 sites" in str(verdict(tables(claim, facts=fact(97.0)))["sentence"])


def test_a_source_cannot_confirm_itself() -> None:
    claim = claims({"indicator_id": "fact:thing_2025_sites"})
    assert verdict(tables(claim, facts=fact(100.0, source_id="press")))["verdict"] == "context_only"


def test_a_conflict_within_one_source_stays_a_conflict() -> None:
    row = verdict(tables(claims({"rule": "conflict", "indicator_id": None, "note": "It says both."})))
    assert row["verdict"] == "sources_conflict"
    assert str(row["sentence"]).endswith("Note: It says both.")


@given(
    claimed=st.floats(1.0, 1e6),
    ours=st.floats(0.0, 1e6),
    spread=st.floats(0.0, 1.0),
    rule=st.sampled_from(["equals", "at_least", "at_most"]),
)
def test_a_wider_range_never_refutes_what_a_narrower_one_allowed(
    claimed: float, ours: float, spread: float, rule: str
) -> None:
    claim = claims({"rule": rule, "value": claimed})
    ends = {"value_low": ours * (1.0 - spread), "value_high": ours * (1.0 + spread)}
    narrow = verdict(tables(claim, indicator(ours)))["verdict"]
    wide = verdict(tables(claim, indicator(ours, **ends)))["verdict"]
    assert (narrow == "reproduced") == (wide == "reproduced")
    assert narrow != "not_reproduced" or wide in {"not_reproduced", "conditional"}


def test_every_claim_of_the_pack_gets_a_verdict_and_a_sentence() -> None:
    pack = load_pack(PACKS_FOLDER / "pakistan")
    frames = {name: pack[name] for name in ("programme", "facts", "sources")}
    frames["indicators"] = empty_table(table_schema("indicators"))
    result, made = check_engine(programme, frames, ProgrammeParams(), CTX, FOLDER)
    verdicts = made["programme_verdicts"]
    assert verdicts["claim_id"].to_list() == sorted(pack["programme"]["claim_id"])
    assert set(verdicts["verdict"]) <= set(VERDICTS)
    # Without an engine nothing can be not reproduced: only facts of other publishers speak.
    assert not verdicts["verdict"].is_in(["not_reproduced"]).any()
    assert verdicts.filter(pl.col("topic") == "power")["verdict"].unique().to_list() == ["not_yet_modelled"]
    assert sum(item.value for item in result.indicators) == verdicts.height
    assert all(str(sentence).endswith(".") for sentence in verdicts["sentence"])


def test_a_country_without_a_programme_gets_an_empty_table() -> None:
    result = programme(Tables(tables(empty_table(table_schema("programme")))), ProgrammeParams(), CTX)
    assert result.tables["programme_verdicts"].height == 0
    assert result.notes
