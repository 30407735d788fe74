"""A number walks down to its sources: indicators, parameters, changed cells, empty cells, wrong questions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rahdari.errors import InputError
from rahdari.service.comparing import compare
from rahdari.service.explain import explain
from rahdari.service.planning import plan
from rahdari.service.requests import CompareRequest, ExplainNode, ExplainRequest, PlanRequest
from rahdari.store.query import Clearance

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rahdari.service.plan_view import Plan


def asked(plan: Plan, table: str, row_id: str, column: str, **wishes: object) -> ExplainNode:
    request = {"plan": plan.folder, "table": table, "row_id": row_id, "column": column, **wishes}
    return explain(ExplainRequest.model_validate(request))


def nodes(node: ExplainNode) -> Iterator[ExplainNode]:
    yield node
    for term in node.terms:
        yield from nodes(term)


@pytest.fixture(scope="module")
def dearer(country_folder: Path, cache_dir: Path, tmp_path_factory: pytest.TempPathFactory, small_plan: Plan) -> Path:
    """Return the folder of a plan in which one cost is changed and two engines are off."""
    folder = tmp_path_factory.mktemp("dearer")
    key = small_plan.tables["equipment"]["equipment_id"][0]
    change = f'[[changes]]\ntable = "equipment"\nkey = "{key}"\ncolumn = "capex_usd"\nvalue = 5\nreason = "a test"\n'
    scenario = folder / "dearer.toml"
    scenario.write_text(f'extends = "default"\nengines_off = ["air", "programme"]\n{change}', encoding="utf-8")
    request = PlanRequest(country=str(country_folder), scenario=str(scenario), out=folder / "plan", cache_dir=cache_dir)
    return plan(request).folder


def test_an_indicator_tells_its_formula_engine_certainty_and_proofs(small_plan: Plan) -> None:
    row = small_plan.indicators.filter(small_plan.indicators["engine"] == "access").row(0, named=True)
    node = asked(small_plan, "indicators", row["indicator_id"], "value", at={"year": str(row["year"])})
    assert (node.value, node.unit, node.formula, node.engine) == (row["value"], row["unit"], row["formula"], "access")
    assert node.how == f"{row['how_sure']} by engine access"
    assert (node.value_low, node.value_high) == (row["value_low"], row["value_high"])
    assert (
        node.certificates
        == small_plan.certificates.filter(small_plan.certificates["engine"] == "access").drop("engine").to_dicts()
    )


def test_every_parameter_in_an_explanation_says_what_it_means(small_plan: Plan) -> None:
    parameters = []
    for table in ("place_demand", "demand", "site_energy", "cashflow"):
        schema = small_plan.reader.schema(table)
        row = small_plan.tables[table].row(0, named=True)
        for column in schema.columns:
            if column.formula:
                at = {name: str(row[name]) for name in schema.key[1:]}
                found = asked(small_plan, table, str(row[schema.key[0]]), column.name, at=at)
                parameters += [node for node in nodes(found) if node.table == "params"]
    assert parameters
    assert all(node.description and node.how.startswith("parameter of engine ") for node in parameters)


def test_a_cell_that_occurs_again_is_told_once(small_plan: Plan) -> None:
    district = str(small_plan.tables["costs"]["district_id"][0])
    node = asked(small_plan, "costs", district, "present_value_usd", depth=12)
    told = [(item.table, tuple(item.key.items()), item.column) for item in nodes(node) if item.terms]
    assert len(told) == len(set(told))


def test_depth_one_tells_the_terms_and_no_more(small_plan: Plan) -> None:
    node = asked(small_plan, "site_energy", "xx-s0000", "dark_h_per_year", depth=1)
    assert node.recomputed_value == pytest.approx(node.value, rel=1e-9)
    assert node.terms
    assert not [term for term in node.terms if term.terms]


def test_a_cell_changed_by_the_scenario_says_so_and_not_its_old_source(dearer: Path, small_plan: Plan) -> None:
    key = str(small_plan.tables["equipment"]["equipment_id"][0])
    request = ExplainRequest(plan=dearer, table="equipment", row_id=key, column="capex_usd")
    node = explain(request)
    assert (node.value, node.how, node.source) == (5.0, "set by the scenario: a test", None)
    other = explain(request.model_copy(update={"column": "name"}))
    assert other.source is not None


@pytest.mark.parametrize(
    ("question", "cure"),
    [
        (("placs", "x", "name", {}), "use 'places'"),
        (("places", "xx-p0001", "nam", {}), "use 'name'"),
        (("places", "place 17", "name", {}), "xx-p0017"),
        (("places", "xx-q0017", "name", {}), "xx-p0017"),
        (("access", "xx-p0001", "why", {"yeer": "2030"}), "use one of place_id, year"),
        (("access", "xx-p0001", "why", {"year": "2031"}), "2030"),
        (("access", "xx-p0001", "why", {"year": "'; --"}), "2030"),
        (("places", "🏔", "name", {}), "such rows are"),
    ],
)
def test_a_wrong_question_names_the_nearest_right_one(
    small_plan: Plan, question: tuple[str, str, str, dict[str, str]], cure: str
) -> None:
    table, row_id, column, at = question
    with pytest.raises(InputError) as caught:
        asked(small_plan, table, row_id, column, at=at)
    assert cure in caught.value.problems[0].cure


def test_an_empty_cell_is_explained_too(small_plan: Plan) -> None:
    links = small_plan.tables["planned_links"]
    link = links.filter(links["row_id"].is_null()).row(0, named=True)
    node = asked(small_plan, "planned_links", link["link_id"], "row_id")
    assert node.value is None
    assert node.how.startswith("left empty by engine access")


def test_comparing_tells_inputs_engines_and_wishes_that_differ(dearer: Path, small_plan: Plan) -> None:
    response = compare(CompareRequest(left=small_plan.folder, right=dearer))
    assert [row["table"] for row in response.inputs] == ["equipment"]
    missing = {row["engine"] for row in response.engines if row["what"] == "is_run"}
    assert missing == {"air", "programme"}
    assert "engines_off" in {row["what"] for row in response.differences}


def test_a_clearance_that_there_is_not_is_refused() -> None:
    with pytest.raises(InputError, match="public"):
        Clearance("boss")
