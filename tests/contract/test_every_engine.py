"""What holds for every engine, built in or third party: parametrised over the manifests."""

from __future__ import annotations

import ast
import math
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

from rahdari.model import Context, Params, Tables
from rahdari.model.context import serial_map
from rahdari.run.executors import map_function
from rahdari.run.registry import registry
from rahdari.schema.checks import conform, reference_problems
from rahdari.service.explain import Explainer, explain
from rahdari.service.requests import ExplainRequest

if TYPE_CHECKING:
    from rahdari.model import EngineManifest, EngineResult
    from rahdari.service.plan_view import Plan

KNOWN = registry()
ENGINES = sorted(KNOWN.engines)
ROWS_PER_FORMULA = 12
RELATIVE_TOLERANCE = 1e-9
ROOT = Path(__file__).parents[2]
#: Engines whose issue has ended: they may never be simple again.
FULL: frozenset[str] = frozenset(
    {
        "air",
        "backbone",
        "economy",
        "edge",
        "navigation",
        "power",
        "radio",
        "rollout",
        "security",
        "space",
        "stress",
        "transit",
    }
)
ALL_ENGINES = {
    "access", "air", "backbone", "demand", "economy", "edge", "navigation", "power", "programme", "radio",
    "rollout", "security", "space", "stress", "transit",
}  # fmt: skip


def _load(reference: str) -> Any:  # noqa: ANN401  # an engine function or a parameter model
    module, _, name = reference.partition(":")
    return getattr(import_module(module), name)


def _inputs(engine: EngineManifest, plan: Plan) -> dict[str, pl.DataFrame]:
    return {name: plan.tables[name] for name in engine.reads}


def _run(engine: EngineManifest, tables: dict[str, pl.DataFrame], context: Context) -> EngineResult:
    result: EngineResult = _load(engine.entry)(Tables(tables), _load(engine.params)(), context)
    return result


def _frames(result: EngineResult) -> dict[str, pl.DataFrame]:
    return {name: conform(frame, KNOWN.schemas[name]) for name, frame in result.tables.items()}


def test_no_engine_is_missing_or_in_quarantine() -> None:
    assert KNOWN.quarantined == {}
    assert set(ENGINES) >= ALL_ENGINES


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_folder_holds_the_same_files_as_every_other(name: str) -> None:
    folder = KNOWN.engines[name].folder
    assert {"engine.py", "params.py", "manifest.toml", "README.md", "__init__.py"} <= {p.name for p in folder.iterdir()}
    assert {path.stem for path in (folder / "tables").glob("*.csv")} == set(KNOWN.engines[name].writes)
    if name in FULL:
        assert KNOWN.engines[name].fidelity == "full"


@pytest.mark.parametrize("name", ENGINES)
def test_every_parameter_has_a_default_and_a_description(name: str) -> None:
    model = _load(KNOWN.engines[name].params)
    assert issubclass(model, Params)
    model()
    assert all(field.description for field in model.model_fields.values())


@pytest.mark.parametrize("name", ENGINES)
def test_tables_match_their_schema_and_each_other(name: str, small_plan: Plan) -> None:
    engine = KNOWN.engines[name]
    for table in engine.writes:
        frame = small_plan.tables[table]
        assert conform(frame, KNOWN.schemas[table]).equals(frame)
    tables = {table: small_plan.tables[table] for table in small_plan.reader.names}
    assert [problem for problem in reference_problems(tables, KNOWN.schemas) if problem.file in engine.writes] == []


@pytest.mark.parametrize("name", ENGINES)
def test_formulas_recompute_their_cells(name: str, small_plan: Plan) -> None:
    engine = KNOWN.engines[name]
    explainer = Explainer(small_plan.reader)
    from rahdari.methods.formula import evaluated

    for table in engine.writes:
        frame = small_plan.tables[table]
        formulas = [column for column in KNOWN.schemas[table].columns if column.formula]
        assert formulas, f"{table} explains no column"
        for row in frame.gather_every(max(1, frame.height // ROWS_PER_FORMULA)).iter_rows(named=True):
            for column in formulas:
                value, _ = evaluated(column.formula, explainer.scope(table, row))
                where = f"{table}.{column.name} of {row}"
                if isinstance(value, (int, float)) and not isinstance(value, bool):
                    assert math.isclose(value, row[column.name], rel_tol=RELATIVE_TOLERANCE, abs_tol=1e-12), where
                else:
                    assert value == row[column.name], where


@pytest.mark.parametrize("name", ENGINES)
def test_a_cell_explains_itself_down_to_a_fact_or_a_parameter(name: str, small_plan: Plan) -> None:
    for table in KNOWN.engines[name].writes:
        frame = small_plan.tables[table]
        if not frame.height:
            continue
        schema = KNOWN.schemas[table]
        row = frame.row(0, named=True)
        column = next(column for column in schema.columns if column.formula)
        at = {key: str(row[key]) for key in schema.key[1:]}
        request = ExplainRequest(
            plan=small_plan.folder, table=table, row_id=str(row[schema.key[0]]), column=column.name, at=at
        )
        node = explain(request)
        assert node.engine == name
        assert node.terms


@pytest.mark.parametrize("name", ENGINES)
def test_results_do_not_depend_on_row_order(name: str, small_plan: Plan) -> None:
    engine = KNOWN.engines[name]
    generator = np.random.default_rng(7)
    tables = _inputs(engine, small_plan)
    shuffled = {key: frame[generator.permutation(frame.height).tolist()] for key, frame in tables.items()}
    context = Context(seed=1, years=(2025, 2030))
    straight, mixed = (_run(engine, given, context) for given in (tables, shuffled))
    left, right = _frames(straight), _frames(mixed)
    for table, frame in left.items():
        assert frame.equals(right[table]), table
    assert straight.indicators == mixed.indicators


@pytest.mark.parametrize("name", ENGINES)
def test_results_do_not_depend_on_workers(name: str, small_plan: Plan) -> None:
    engine = KNOWN.engines[name]
    tables = _inputs(engine, small_plan)
    with map_function("threads", 2) as mapper:
        threads = _frames(_run(engine, tables, Context(n_workers=2, map_function=mapper)))
    serial = _frames(_run(engine, tables, Context(map_function=serial_map)))
    for table, frame in serial.items():
        assert frame.equals(threads[table]), table


@pytest.mark.parametrize("name", ENGINES)
def test_certificates_are_bounds(name: str, small_plan: Plan) -> None:
    for row in small_plan.certificates.filter(pl.col("engine") == name).iter_rows(named=True):
        assert row["method"], row
        if row["lower_bound"] is not None:
            slack = 1e-9 * max(abs(row["cost"]), 1.0)
            assert row["lower_bound"] <= row["cost"] + slack, row
            expected = (row["cost"] - row["lower_bound"]) / max(abs(row["cost"]), 1e-9)
            assert math.isclose(row["gap_frac"], expected, abs_tol=1e-12)


@pytest.mark.parametrize("name", ENGINES)
def test_indicators_end_in_their_unit_and_lie_in_their_band(name: str, small_plan: Plan) -> None:
    from rahdari.units import unit_of

    for row in small_plan.indicators.filter(pl.col("engine") == name).iter_rows(named=True):
        assert unit_of(row["indicator_id"]) == row["unit"], row["indicator_id"]
        if row["value_low"] is not None and row["value_high"] is not None:
            slack = 1e-9 * max(abs(row["value"]), 1.0)
            assert row["value_low"] - slack <= row["value"] <= row["value_high"] + slack, row


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_reaches_report_map_and_docs(name: str, small_plan: Plan) -> None:
    engine = KNOWN.engines[name]
    assert engine.report is not None
    assert engine.report.table in small_plan.reader.names
    columns = KNOWN.schemas[engine.report.table].names
    assert set(engine.report.columns) <= set(columns)
    for layer in engine.layers:
        assert layer.table in engine.writes
        assert layer.colour_by in (*KNOWN.schemas[layer.table].names, "")
    assert (ROOT / "docs" / "engines" / f"{name}.md").is_file() or (engine.folder / "README.md").is_file()


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_imports_no_other_engine(name: str) -> None:
    for path in KNOWN.engines[name].folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("rahdari.engines."):
                assert node.module.split(".")[2] == name, path


def test_every_indicator_of_every_engine_is_in_the_table(small_plan: Plan) -> None:
    said = {(row["indicator_id"], row["year"]) for item in small_plan.manifest["engines"] for row in item["indicators"]}
    assert set(small_plan.indicators.select("indicator_id", "year").iter_rows()) == said


def test_every_consistency_check_is_kept(small_plan: Plan) -> None:
    checks = small_plan.manifest["consistency"]
    assert len(checks) >= 6
    assert [check for check in checks if not check["is_kept"]] == []
