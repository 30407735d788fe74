"""A microwave hop and a hub asked of a plan."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl
import pytest
from typer.testing import CliRunner

from rahdari.errors import InputError
from rahdari.faces.cli.main import app
from rahdari.service.radio_hubs import HubRequest, plan_hub
from rahdari.service.radio_links import LinkRequest, LinkResponse, find_link

if TYPE_CHECKING:
    from pathlib import Path

    from rahdari.service.plan_view import Plan

LEAST_FRAC = 0.9999  # the availability in a year that auto must reach where nothing else is asked


def two_sites(plan: Plan) -> tuple[str, str]:
    """Return two sites some way apart in the plains."""
    south = plan.tables["sites"].filter(pl.col("lat_deg") < 30.4).sort("lon_deg", "site_id")
    return south["site_id"][0], south["site_id"][south.height // 4]


def test_a_hop_between_sites_has_a_drawing_and_every_term(small_plan: Plan, tmp_path: Path) -> None:
    a, b = two_sites(small_plan)
    svg = tmp_path / "profile.svg"
    found = find_link(LinkRequest(plan=small_plan.folder, start=a, end=b, svg=svg))
    assert found.drawing.count("\n") > 10
    assert svg.read_text(encoding="utf-8").startswith("<svg")
    assert not found.is_coarse_terrain
    terms = {(term.term, term.mode): term.value for term in found.terms}
    margin = terms["received level", "QPSK"] - terms["receiver threshold", "QPSK"]
    assert terms["fade margin", "QPSK"] == pytest.approx(margin - terms["interference degradation", ""])
    available = [mode.availability_year_frac for mode in found.modes]
    assert available == sorted(available, reverse=True)
    assert 0.0 < found.mean_capacity_mbps <= found.modes[-1].capacity_mbps


NAMED = [("mw15", "dish_06"), ("mw15", "dish_12"), ("mw38", "dish_12"), ("mw80", "dish_06")]


def budgets(plan: Plan, start: str, end: str) -> tuple[LinkResponse, list[LinkResponse]]:
    """Return what auto finds between two ends and what the named radios do there."""
    base = LinkRequest(plan=plan.folder, start=start, end=end)
    return find_link(base), [find_link(base.model_copy(update={"radio": r, "antenna": a})) for r, a in NAMED]


def test_auto_carries_no_less_than_a_named_radio_that_is_available_enough(small_plan: Plan) -> None:
    best, named = budgets(small_plan, "70.2,30.2", "70.3,30.25")
    enough = [one for one in named if one.modes[0].availability_year_frac >= LEAST_FRAC]
    assert 0 < len(enough) < len(named)
    assert best.modes[0].availability_year_frac >= LEAST_FRAC
    assert best.mean_capacity_mbps >= max(one.mean_capacity_mbps for one in enough)


def test_auto_is_the_most_available_where_no_radio_is_available_enough(small_plan: Plan) -> None:
    best, named = budgets(small_plan, *two_sites(small_plan))
    most = max(one.modes[0].availability_year_frac for one in named)
    assert most < LEAST_FRAC
    assert best.modes[0].availability_year_frac >= most


def test_coordinates_name_a_point_and_bad_ends_are_refused(small_plan: Plan) -> None:
    found = find_link(LinkRequest(plan=small_plan.folder, start="70.2,30.2", end="70.5,30.3", radio="mw07"))
    assert found.length_km == pytest.approx(30.9, abs=0.3)
    with pytest.raises(InputError, match="one point"):
        find_link(LinkRequest(plan=small_plan.folder, start="70.2,30.2", end="70.2,30.2"))
    with pytest.raises(InputError, match="mw07"):
        find_link(LinkRequest(plan=small_plan.folder, start="70.2,30.2", end="70.5,30.3", radio="mw7"))
    with pytest.raises(InputError, match="no landmark or place"):
        find_link(LinkRequest(plan=small_plan.folder, start="Nowhere at all", end="70.5,30.3"))


def test_a_hub_of_eight_is_planned_with_proven_channels(small_plan: Plan) -> None:
    site = small_plan.tables["sites"].filter(pl.col("is_fibre")).sort("site_id")["site_id"][0]
    found = plan_hub(HubRequest(plan=small_plan.folder, site=site, links=8))
    assert found.n_links == 8
    assert found.n_channels_cancelled == found.least_channels_cancelled
    assert found.cancelled_mbps >= found.plain_mbps
    assert not any(claim.all_hold for claim in found.claims)


def test_an_unknown_hub_names_the_nearest(small_plan: Plan) -> None:
    with pytest.raises(InputError, match="there is no site"):
        plan_hub(HubRequest(plan=small_plan.folder, site="xx-nothing"))


def test_both_commands_answer_in_json_and_in_words(small_plan: Plan) -> None:
    a, b = two_sites(small_plan)
    runner, where = CliRunner(), ["--plan", str(small_plan.folder)]
    spoken = runner.invoke(app, ["link", a, b, "--radio", "mw15", "--terms", *where])
    assert spoken.exit_code == 0
    assert "P.530-18" in spoken.output
    told = json.loads(runner.invoke(app, ["hub", "busiest", "--links", "4", "--json", *where]).stdout)
    assert told["ok"]
    assert len(told["result"]["links"]) == 4
