"""The engine of the contributing guide loads through an entry point and keeps the contract."""

from __future__ import annotations

import math
from importlib import import_module
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rahdari.methods.formula import Scope, evaluated
from rahdari.model import Context, Tables
from rahdari.run.order import GATHERED, ordered
from rahdari.run.registry import GROUP, registry
from rahdari.schema.checks import conform

if TYPE_CHECKING:
    import polars as pl

    from rahdari.run.registry import Registry
    from rahdari.service.plan_view import Plan

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
YEARS = (2025, 2030)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Return the registry as it is where the example is installed beside Rahdari."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    built_in = [EntryPoint(name, f"rahdari.engines.{name}", GROUP) for name in sorted(registry().engines)]
    return registry([*built_in, EntryPoint("schools", "rahdari_schools", GROUP)])


def run_example(known: Registry, tables: dict[str, pl.DataFrame]) -> tuple[pl.DataFrame, tuple[object, ...]]:
    engine = known.engines["schools"]
    module, _, name = engine.entry.partition(":")
    params = import_module(engine.params.partition(":")[0]).SchoolsParams()
    result = getattr(import_module(module), name)(Tables(tables), params, Context(seed=1, years=YEARS))
    return conform(result.tables["school_lines"], known.schemas["school_lines"]), result.indicators


def test_the_example_is_ordered_after_what_it_reads(known: Registry) -> None:
    assert known.quarantined == {}
    written = {table for engine in known.engines.values() for table in engine.writes}
    inputs = [name for name in known.schemas if name not in {*written, GATHERED}]
    names = [engine.name for engine in ordered(known.engines.values(), inputs)]
    assert names.index("access") < names.index("schools")


def test_the_example_writes_its_table_whatever_the_order_of_rows(known: Registry, small_plan: Plan) -> None:
    tables = {name: small_plan.tables[name] for name in known.engines["schools"].reads}
    generator = np.random.default_rng(3)
    mixed = {name: frame[generator.permutation(frame.height).tolist()] for name, frame in tables.items()}
    straight, indicators = run_example(known, tables)
    assert straight.equals(run_example(known, mixed)[0])
    assert straight.height == tables["places"].height
    assert len(indicators) == 1


def test_the_formulas_of_the_example_recompute_its_cells(known: Registry, small_plan: Plan) -> None:
    tables = {name: small_plan.tables[name] for name in known.engines["schools"].reads}
    frame, _ = run_example(known, tables)
    rate = {
        (row[0], row[1]): row[2] for row in tables["access"].select("place_id", "year", "downlink_mbps").iter_rows()
    }
    for row in frame.head(20).iter_rows(named=True):
        scope = Scope(
            table="school_lines",
            row=row,
            keys_of=lambda table: known.schemas[table].key,
            lookup=lambda _table, key: {"downlink_mbps": rate[str(key["place_id"]), int(str(key["year"]))]},
            params={"lesson_mbps": 20.0},
            constants={"year_base": YEARS[0], "year_end": YEARS[-1]},
        )
        assert math.isclose(float(str(evaluated("params.lesson_mbps", scope)[0])), row["needed_mbps"])
        assert evaluated("access.downlink_mbps >= needed_mbps", scope)[0] == row["is_enough"]
