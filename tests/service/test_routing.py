"""Routes between named points of a plan, and survivable design of a network file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest
from typer.testing import CliRunner

from rahdari.errors import InputError, RahdariError
from rahdari.faces.cli.main import app
from rahdari.methods.survivable import Failure
from rahdari.model.scenario import validated
from rahdari.schema import base_schemas
from rahdari.schema.checks import conform
from rahdari.service.designing import DesignRequest, design
from rahdari.service.failure_lists import failures_of
from rahdari.service.routing import RouteRequest, find_routes
from rahdari.store.parquet import write_table
from rahdari.store.query import Clearance
from rahdari.units import HOURS_PER_YEAR
from tests.verifiers.survivable import bound_problems, design_problems

if TYPE_CHECKING:
    from rahdari.service.plan_view import Plan

MEMBERS = ["risk_group_id", "member_id", "evidence", "source_id"]
RING = """?SNDlib native format; type: network; version: 1.0
NODES (
  A ( 0.0 0.0 )
  B ( 1.0 0.0 )
  C ( 0.0 1.0 )
)
LINKS (
  AB ( A B ) 0.00 0.00 0.00 0.00 ( 1.00 1.00 )
  BC ( B C ) 0.00 0.00 0.00 0.00 ( 1.00 1.00 )
  CA ( C A ) 0.00 0.00 0.00 0.00 ( 1.00 1.00 )
)
DEMANDS (
  A_B ( A B ) 1 10.00 UNLIMITED
)
"""


RISK_NAME = "Ravine of the old bridge"
RATE_PER_YEAR, REPAIR_H = 0.5, 24.0
TOLERANCE = 2e-9  # of scenarios that an exact answer leaves open


def _with_common_risk(plan: Plan, folder: Path) -> Path:
    """Return a copy of the plan in which one listed risk group strikes every right of way."""
    copy = Path(shutil.copytree(plan.folder, folder / "plan"))
    ways = plan.tables["rights_of_way"]["row_id"].to_list()
    group = {
        "risk_group_id": "rg-secret", "name": RISK_NAME, "kind": "grid", "rate_per_year": RATE_PER_YEAR,
        "repair_h": REPAIR_H, "evidence": "assumed", "source_id": "test_country",
    }  # fmt: skip
    members = [("rg-secret", way, "assumed", "test_country") for way in ways]
    schemas = base_schemas()
    for name, frame in (
        ("risk_groups", pl.DataFrame([group])),
        ("risk_group_members", pl.DataFrame(members, schema=MEMBERS, orient="row")),
    ):
        (file,) = (copy / "tables").glob(f"{name}-*.parquet")
        write_table(conform(frame, schemas[name]), file, schemas[name])
    return copy


def _two_names(plan: Plan) -> tuple[str, str]:
    routes = plan.tables["routes"].filter(plan.tables["routes"]["has_disjoint"]).sort("route_id")
    row = routes.row(0, named=True)
    return row["from_name"], row["to_name"]


def test_two_link_disjoint_routes_share_no_way_and_carry_their_proof(small_plan: Plan) -> None:
    start, end = _two_names(small_plan)
    found = find_routes(RouteRequest(plan=small_plan.folder, start=start.upper(), end=end))
    assert found.is_disjoint
    first, second = found.routes
    assert not set(first.row_ids) & set(second.row_ids)
    assert found.certificates[0]["lower_bound"] <= found.certificates[0]["cost"] * (1 + 1e-9)
    assert found.availability_frac is not None
    assert all(found.availability_frac > (line.availability_frac or 1.0) for line in (first, second))


def test_a_risk_disjoint_answer_is_routes_or_names_what_stands_in_the_way(small_plan: Plan) -> None:
    start, end = _two_names(small_plan)
    found = find_routes(RouteRequest(plan=small_plan.folder, start=start, end=end, disjoint="risk"))
    assert found.is_disjoint or (found.is_proven_none and found.obstacle)


def test_availability_is_bounded_and_below_what_no_routes_can_exceed(small_plan: Plan) -> None:
    start, end = _two_names(small_plan)
    found = find_routes(RouteRequest(plan=small_plan.folder, start=start, end=end, disjoint="node"))
    assert found.availability_low_frac is not None
    assert found.availability_high_frac is not None
    assert found.availability_frac is not None
    assert found.availability_low_frac <= found.availability_frac <= found.availability_high_frac
    assert found.availability_high_frac - found.availability_low_frac <= TOLERANCE
    assert found.availability_high_frac <= found.ceiling_frac + TOLERANCE


def test_shared_risks_are_named_only_on_request_and_with_clearance(small_plan: Plan, tmp_path: Path) -> None:
    start, end = _two_names(small_plan)
    folder = _with_common_risk(small_plan, tmp_path)
    request = RouteRequest(plan=folder, start=start, end=end, disjoint="risk")
    open_answer = find_routes(request)
    assert open_answer.is_proven_none
    assert open_answer.shared_kinds == {"grid": 1}
    assert open_answer.shared_risks == []
    assert not any(line.row_ids for line in open_answer.routes)
    assert RISK_NAME not in open_answer.model_dump_json()
    asked = request.model_copy(update={"show_named_risks": True})
    named = find_routes(asked)
    assert [name.startswith(RISK_NAME) for name in named.shared_risks] == [True]
    assert all(line.row_ids for line in named.routes)
    refused = find_routes(asked, Clearance("internal"))
    assert RISK_NAME not in refused.model_dump_json()
    assert any("clearance" in warning for warning in refused.warnings)


def test_a_risk_on_every_way_is_least_shared_at_its_rate_and_a_new_link_cures_it(
    small_plan: Plan, tmp_path: Path
) -> None:
    start, end = _two_names(small_plan)
    folder = _with_common_risk(small_plan, tmp_path)
    found = find_routes(RouteRequest(plan=folder, start=start, end=end, disjoint="risk"))
    assert found.shared_per_year == pytest.approx(RATE_PER_YEAR)
    assert found.shared_at_least_per_year == pytest.approx(RATE_PER_YEAR)
    assert found.cure_km is not None
    assert found.cure
    assert {proof["name"] for proof in found.certificates} == {"Least that two routes share", "Cheapest new link"}
    down = RATE_PER_YEAR * REPAIR_H / HOURS_PER_YEAR
    assert found.ceiling_frac == pytest.approx(1.0 / (1.0 + down), rel=1e-6)
    assert found.availability_high_frac is not None
    assert found.availability_high_frac <= found.ceiling_frac + TOLERANCE


def test_a_delay_bound_that_none_meets_is_answered_with_one_that_is_met(small_plan: Plan) -> None:
    start, end = _two_names(small_plan)
    request = RouteRequest(plan=small_plan.folder, start=start, end=end, max_rtt_ms=1e-3)
    found = find_routes(request)
    assert found.is_proven_none
    assert found.fastest_rtt_ms is not None
    met = find_routes(request.model_copy(update={"max_rtt_ms": found.fastest_rtt_ms}))
    assert met.is_disjoint
    assert max(line.rtt_ms for line in met.routes) <= found.fastest_rtt_ms * (1.0 + 1e-9)


def test_two_names_of_one_place_are_refused_by_name(small_plan: Plan) -> None:
    start, _ = _two_names(small_plan)
    with pytest.raises(InputError, match="same junction"):
        find_routes(RouteRequest(plan=small_plan.folder, start=start, end=start.upper()))


@pytest.mark.parametrize(("field", "value"), [("k", 0), ("k", 9), ("max_rtt_ms", 0.0), ("disjoint", "duct")])
def test_a_wrong_request_is_an_input_error_that_names_the_field(small_plan: Plan, field: str, value: object) -> None:
    request = {"plan": small_plan.folder, "start": "a", "end": "b", field: value}
    with pytest.raises(InputError, match=field):
        validated(RouteRequest, request, "the request")


def test_the_command_prints_routes_or_one_json_object(small_plan: Plan) -> None:
    start, end = _two_names(small_plan)
    call = ["route", start, end, "--disjoint", "node", "--plan", str(small_plan.folder)]
    text = CliRunner().invoke(app, call)
    assert text.exit_code == 0
    assert "routes that share no node" in text.output
    as_json = CliRunner().invoke(app, [*call, "--json"])
    assert json.loads(as_json.output)["result"]["disjoint"] == "node"


def test_a_bound_that_no_single_route_keeps_is_said_and_no_cure_is_offered(small_plan: Plan, tmp_path: Path) -> None:
    start, end = _two_names(small_plan)
    folder = _with_common_risk(small_plan, tmp_path)
    request = RouteRequest(plan=folder, start=start, end=end, disjoint="risk")
    free = find_routes(request)
    assert free.cure
    slow = find_routes(request.model_copy(update={"max_rtt_ms": 1e-3}))
    assert (slow.cure, slow.cure_km) == ("", None)
    assert any("one route alone takes" in warning for warning in slow.warnings)
    lax = find_routes(request.model_copy(update={"max_rtt_ms": 1e3}))
    assert lax.cure
    assert any("bound of 1000 ms" in warning for warning in lax.warnings)


def test_the_command_says_why_there_are_none_without_names(small_plan: Plan, tmp_path: Path) -> None:
    start, end = _two_names(small_plan)
    folder = _with_common_risk(small_plan, tmp_path)
    call = ["route", start, end, "--disjoint", "risk", "--plan", str(folder)]
    text = CliRunner().invoke(app, call).output
    assert "none: 1 risk group separates the ends by itself" in text
    assert "1 grid risk" in text
    assert "cheapest cure: a new link" in text
    assert RISK_NAME not in text
    assert RISK_NAME in CliRunner().invoke(app, [*call, "--named-risks"]).output


def test_an_unknown_name_is_refused_with_the_nearest_ones(small_plan: Plan) -> None:
    start, end = _two_names(small_plan)
    with pytest.raises(InputError, match="did you mean"):
        find_routes(RouteRequest(plan=small_plan.folder, start=start[:-1] + "zz", end=end))


def test_a_ring_needs_the_demand_on_every_link_to_survive(tmp_path: Path) -> None:
    file = tmp_path / "ring.txt"
    file.write_text(RING, encoding="utf-8")
    found = design(DesignRequest(file=file, out=tmp_path / "capacity.csv"))
    assert found.is_verified
    assert found.cost == pytest.approx(30.0, rel=2e-3)
    assert found.lower_bound <= found.cost
    assert (tmp_path / "capacity.csv").is_file()


def test_a_written_design_proves_itself_from_its_files_alone(tmp_path: Path) -> None:
    file, out = tmp_path / "ring.txt", tmp_path / "new folder" / "design.json"
    file.write_text(RING, encoding="utf-8")
    design(DesignRequest(file=file, out=out))
    written = json.loads(out.read_text(encoding="utf-8"))
    assert design_problems(written["instance"], written["design"]) == []
    assert bound_problems(written["instance"], written["design"]) == []
    written["design"]["capacity"][0]["units"] *= 0.9
    assert design_problems(written["instance"], written["design"])


def test_a_design_that_cannot_be_written_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    file, wall = tmp_path / "ring.txt", tmp_path / "wall"
    file.write_text(RING, encoding="utf-8")
    wall.write_text("a file, no folder", encoding="utf-8")
    with pytest.raises(RahdariError, match=r"capacity\.csv"):
        design(DesignRequest(file=file, out=wall / "capacity.csv"))
    with pytest.raises(InputError, match=r"\.xlsx"):
        design(DesignRequest(file=file, out=tmp_path / "capacity.xlsx"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ring.txt", "wall"]


def test_failures_of_a_file_and_whole_modules_are_designed_for(tmp_path: Path) -> None:
    file, listed = tmp_path / "ring.txt", tmp_path / "failures.csv"
    file.write_text(RING, encoding="utf-8")
    rows = ["failure_id,link_id,node_id,share_frac", "north,AB,,0.5", "north,,C,0.5", "south,BC,,"]
    listed.write_text("\n".join(rows), encoding="utf-8")
    assert failures_of(str(listed)) == [
        Failure("north", frozenset({"AB"}), frozenset({"C"}), 0.5),
        Failure("south", frozenset({"BC"})),
    ]
    listed.write_text("failure_id,link_id\none,AB\n", encoding="utf-8")
    every, none, one = (design(DesignRequest(file=file, failures=f)) for f in ("links", "none", str(listed)))
    assert none.cost < one.cost < every.cost
    assert (none.n_failures, one.n_failures, every.n_failures) == (0, 1, 3)
    call = ["backbone", "design", str(file), "--modular", "--failures", str(listed)]
    told = json.loads(CliRunner().invoke(app, [*call, "--json"]).output)["result"]
    assert told["cost"] >= one.cost
    assert sum(row["count"] for row in told["modules"]) > 0
    assert "of module 1" in CliRunner().invoke(app, call).output


def test_every_faulty_row_of_a_failure_file_is_named(tmp_path: Path) -> None:
    listed = tmp_path / "failures.csv"
    listed.write_text("failure_id,link_id,share_frac\n,AB,1\na,,1\na,AB,0.5\nb,AB,much\nc,AB,2\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        failures_of(str(listed))
    assert sorted(problem.row or 0 for problem in caught.value.problems) == [1, 2, 3, 4, 5]
    listed.write_text("link\nAB\n", encoding="utf-8")
    with pytest.raises(InputError, match="failure_id"):
        failures_of(str(listed))
    with pytest.raises(InputError, match="no file"):
        failures_of(str(tmp_path / "nowhere.csv"))


def test_a_network_without_demands_has_nothing_to_design(tmp_path: Path) -> None:
    file = tmp_path / "ring.txt"
    file.write_text(RING.split("DEMANDS", maxsplit=1)[0], encoding="utf-8")
    with pytest.raises(InputError):
        design(DesignRequest(file=file))


def test_lines_that_pass_one_another_are_imported_where_that_is_asked_for(tmp_path: Path) -> None:
    lines = [[[0.0, 0.0], [1.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]]
    features = [
        {"type": "Feature", "properties": {}, "geometry": {"type": "LineString", "coordinates": line}} for line in lines
    ]
    file = tmp_path / "crossing.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    call = ["backbone", "import", str(file)]
    refused = CliRunner().invoke(app, call)
    assert refused.exit_code == 2
    assert "read with crossings kept" in refused.output
    kept = CliRunner().invoke(app, [*call, "--crossings", "keep", "--json"])
    assert json.loads(kept.output)["result"]["n_links"] == 2
