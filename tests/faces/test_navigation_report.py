from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from rahdari.engines.navigation.engine import navigation
from rahdari.engines.navigation.params import NavigationParams
from rahdari.faces.report.blocks import Figure, Table, Text
from rahdari.faces.report.content_navigation import navigation_section
from rahdari.model import Context, Tables
from rahdari.schema import table_schema
from rahdari.schema.checks import empty_table
from tests.fixtures import small_country
from tests.helpers.engine_checks import gateways

if TYPE_CHECKING:
    from rahdari.service.plan_view import Plan

STRICT = NavigationParams(n_epochs_quick=24, quick_step_m=10_000.0, accuracy_m=2.0)


def plan_of(params: NavigationParams, *, is_coarse: bool) -> Plan:
    """Return what the page reads of a plan."""
    country = small_country()
    tables = {name: country[name] for name in ("country", "places", "rights_of_way", "rights_of_way_nodes")}
    tables["terrain"] = country["terrain"].with_columns(is_coarse=is_coarse)
    tables |= {"landmarks": gateways()["landmarks"], "corridors": empty_table(table_schema("corridors"))}
    found: dict[str, Any] = navigation(Tables(tables), params, Context()).tables
    engines = [{"name": "navigation", "fidelity": "full"}]
    return cast("Plan", SimpleNamespace(tables=tables | found, manifest={"engines": engines}))


@pytest.mark.parametrize("is_coarse", [True, False])
def test_the_page_shows_every_line_its_drawing_and_what_fails(is_coarse: bool) -> None:  # noqa: FBT001  # parametrised
    plan = plan_of(STRICT, is_coarse=is_coarse)
    section = navigation_section(plan, "ur")
    assert section is not None
    tables = {block.caption.split(",", maxsplit=1)[0]: block for block in section.blocks if isinstance(block, Table)}
    assert len(tables["Roads and railways"].rows) == plan.tables["navigation_lines"].height
    assert len(tables["Stretches that fail with BeiDou alone"].rows) == plan.tables["navigation_failing"].height > 0
    assert len(tables["Corrections from geostationary satellites"].rows) == 6
    drawings = [block.drawings[0] for block in section.blocks if isinstance(block, Figure)]
    assert [text.startswith("<svg") for text in drawings] == [True]
    assert any(isinstance(block, Text) and "Terrain is coarse" in block.text for block in section.blocks) is is_coarse


def test_a_plan_without_lines_has_no_page() -> None:
    plan = cast("Plan", SimpleNamespace(tables={}, manifest={"engines": []}))
    assert navigation_section(plan, "ur") is None
