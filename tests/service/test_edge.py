"""Edge nodes asked of a plan, their queues played, and what is left of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from rahdari.errors import InputError
from rahdari.faces.cli.main import app
from rahdari.faces.report.content_edge import edge_section
from rahdari.service.edge import EdgeRequest, edge_answer, edge_left

if TYPE_CHECKING:
    from rahdari.service.plan_view import Plan


def test_the_answer_says_what_the_plan_says(small_plan: Plan) -> None:
    found = edge_answer(EdgeRequest(plan=small_plan.folder))
    assert [node.edge_node_id for node in found.nodes] == small_plan.tables["edge_nodes"]["edge_node_id"].to_list()
    assert len(found.services) == small_plan.tables["edge_services"].height
    assert found.bound_usd_per_year is not None
    assert found.cost_usd_per_year is not None
    assert 0.0 < found.bound_usd_per_year <= found.cost_usd_per_year
    assert found.queues == []


def test_queues_played_wait_about_as_long_as_the_formula_says(small_plan: Plan) -> None:
    found = edge_answer(EdgeRequest(plan=small_plan.folder, has_queue=True, n_jobs=5_000))
    assert found.queues
    for queue in found.queues:
        assert queue.load_frac < 1.0
        assert queue.wait_p99_ms <= queue.formula_p99_ms + 100.0
        assert queue.whole_p50_ms <= queue.whole_p95_ms <= queue.whole_p99_ms
    again = edge_answer(EdgeRequest(plan=small_plan.folder, has_queue=True, n_jobs=5_000))
    assert again.queues == found.queues


def test_one_node_is_asked_for_by_how_its_name_begins(small_plan: Plan) -> None:
    name = str(small_plan.tables["edge_nodes"]["edge_node_id"][0])
    assert (
        edge_answer(EdgeRequest(plan=small_plan.folder, node=name.removeprefix("edge-"))).nodes[0].edge_node_id == name
    )
    with pytest.raises(InputError, match="nowhere"):
        edge_answer(EdgeRequest(plan=small_plan.folder, node="nowhere"))


def test_nodes_whose_site_is_dark_are_not_left(small_plan: Plan) -> None:
    sites = small_plan.tables["edge_nodes"]["site_id"].to_list()
    assert edge_left(small_plan)["is_up"].all()
    after = edge_left(small_plan.folder, sites_dark=sites[:1])
    assert after["is_up"].sum() == len(sites) - 1
    assert edge_left(small_plan, sites_dark=sites)["left_mbps"].sum() == 0.0


def test_the_command_prints_nodes_and_speaks_json(small_plan: Plan) -> None:
    folder = str(small_plan.folder)
    shown = CliRunner().invoke(app, ["edge", "--queue", "--jobs", "2000", "--plan", folder])
    assert shown.exit_code == 0, shown.output
    assert "cabinets" in shown.output
    assert "end to end" in shown.output
    told = json.loads(CliRunner().invoke(app, ["edge", "--json", "--plan", folder]).output)
    assert len(told["result"]["nodes"] if "result" in told else told["nodes"]) == small_plan.tables["edge_nodes"].height


def test_the_report_has_a_page_on_edge_nodes(small_plan: Plan) -> None:
    section = edge_section(small_plan, "ur")
    assert section is not None
    assert section.anchor == "edge-computing"
    assert len(section.blocks) >= 5
