"""Routes between named points of a plan, and survivable design of a network file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rahdari.errors import InputError
from rahdari.service.designing import DesignRequest, design
from rahdari.service.routing import RouteRequest, find_routes

if TYPE_CHECKING:
    from pathlib import Path

    from rahdari.service.plan_view import Plan

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
    assert found.availability_frac > max(first.availability_frac, second.availability_frac)


def test_a_risk_disjoint_answer_is_routes_or_names_what_stands_in_the_way(small_plan: Plan) -> None:
    start, end = _two_names(small_plan)
    found = find_routes(RouteRequest(plan=small_plan.folder, start=start, end=end, disjoint="risk"))
    assert found.is_disjoint or (found.is_proven_none and found.obstacle)


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


def test_a_network_without_demands_has_nothing_to_design(tmp_path: Path) -> None:
    file = tmp_path / "ring.txt"
    file.write_text(RING.split("DEMANDS", maxsplit=1)[0], encoding="utf-8")
    with pytest.raises(InputError):
        design(DesignRequest(file=file))
