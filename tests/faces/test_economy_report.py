"""Money, scoreboard and supply in the report, and their two commands."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl
from typer.testing import CliRunner

from rahdari.faces.cli.main import app
from rahdari.faces.report.blocks import Table
from rahdari.faces.report.content_economy import VIEW_NAMES, money_section, scoreboard_section, supply_section

if TYPE_CHECKING:
    from pathlib import Path

    from rahdari.service.plan_view import Plan


def _tables(section: object) -> list[Table]:
    return [block for block in getattr(section, "blocks", ()) if isinstance(block, Table)]


def test_the_money_page_says_who_pays_for_every_kind_of_money(small_plan: Plan) -> None:
    tables = {table.caption: table for table in _tables(money_section(small_plan, "ur"))}
    payers = next(table for caption, table in tables.items() if caption.startswith("Who pays whom"))
    assert len(payers.rows) == small_plan.tables["cashflow"]["item"].n_unique()


def test_the_scoreboard_has_all_five_es_and_all_five_corridors(small_plan: Plan) -> None:
    (table,) = _tables(scoreboard_section(small_plan, "ur"))
    heads = {row[0].text for row in table.rows if row[0].n_columns > 1}
    assert heads <= set(VIEW_NAMES.values())
    assert {"Exports", "Equity", "Innovation corridor"} <= heads


def test_the_supply_page_names_no_vendor_but_letters(small_plan: Plan) -> None:
    tables = _tables(supply_section(small_plan, "ur"))
    losses = next(table for table in tables if table.header[0] == "Loss of")
    assert [row[0].text for row in losses.rows] == ["Vendor A", "Vendor B", "Vendor C"]


def test_the_command_economy_gives_the_sums_of_the_cash_flow(small_plan: Plan) -> None:
    done = CliRunner().invoke(app, ["economy", "--plan", str(small_plan.folder), "--json"])
    assert done.exit_code == 0, done.output
    items = {row["item"]: row["amount_usd"] for row in json.loads(done.stdout)["result"]["items"]}
    cash = float(small_plan.tables["cashflow"].filter(pl.col("item") == "capex")["amount_usd"].sum())
    assert abs(items["capex"] - cash) <= 1e-9 * abs(cash)
    assert "least support" in CliRunner().invoke(app, ["economy", "--plan", str(small_plan.folder)]).stdout


def test_the_command_indicators_writes_every_indicator(small_plan: Plan, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["indicators", "--plan", str(small_plan.folder), "--csv", str(tmp_path / "all.csv")])
    assert done.exit_code == 0, done.output
    written = pl.read_csv(tmp_path / "all.csv", infer_schema_length=None)
    assert set(small_plan.indicators["indicator_id"]) <= set(written["indicator_id"])
    assert set(small_plan.tables["indicator_years"]["indicator_id"]) <= set(written["indicator_id"])
    assert "equity:" in done.stdout
