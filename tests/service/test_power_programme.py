from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest
from typer.testing import CliRunner

from rahdari.faces.cli.main import app
from rahdari.service.power import PowerRequest, power_programme

if TYPE_CHECKING:
    from rahdari.service.plan_view import Plan


def test_the_plans_own_budget_gives_the_plans_own_programme(small_plan: Plan) -> None:
    response = power_programme(PowerRequest(plan=small_plan.folder, n_first=1_000))
    built = small_plan.tables["power_programme"].sort("step")
    assert [row["site_id"] for row in response.first] == built["site_id"].to_list()
    assert sum(year.cost_usd for year in response.years) == pytest.approx(built["cost_usd"].sum())
    assert response.gain_people_h <= response.bound_people_h * (1.0 + 1e-9)


def test_less_money_buys_less_and_keeps_within_it(small_plan: Plan) -> None:
    told: list[str] = []
    whole = power_programme(PowerRequest(plan=small_plan.folder))
    small = whole.curve[-1].cumulative_usd / 20.0
    response = power_programme(
        PowerRequest(plan=small_plan.folder, budget_usd_per_year=small), lambda _done, _total, text: told.append(text)
    )
    years = small_plan.manifest["scenario"]["years"]
    spent = sum(year.cost_usd for year in response.years)
    assert spent <= small * (years[-1] - years[0]) + 1e-6
    assert response.gain_people_h < whole.gain_people_h
    assert told[-1] == "done"


def test_both_bases_of_exposed_sites_are_told(small_plan: Plan) -> None:
    response = power_programme(PowerRequest(plan=small_plan.folder))
    towers = small_plan.tables["sites"].filter(pl.col("kind") == "tower")
    exposed = towers.filter(pl.col("is_on_grid") & ~pl.col("has_generator")).height
    assert response.n_exposed == exposed
    assert response.n_exposed_published_base == pytest.approx(exposed / towers.height * 50_000)


def test_the_command_prints_the_programme_and_its_proof(small_plan: Plan) -> None:
    result = CliRunner().invoke(app, ["power", "--plan", str(small_plan.folder)])
    assert result.exit_code == 0
    assert "Exposed: " in result.output
    assert "proof: gains" in result.output
    asked = ["power", "--plan", str(small_plan.folder), "--json", "--budget-usd-per-year", "-1"]
    assert CliRunner().invoke(app, asked).exit_code != 0
