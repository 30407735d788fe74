"""The second opinion on a plan's coverage: what is drawn, counted and written, with and without its library."""

from __future__ import annotations

import importlib.util
import json
import sys
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from rahdari.engines.radio.params import RadioParams
from rahdari.errors import InputError
from rahdari.faces.cli.main import app
from rahdari.faces.report.blocks import Table
from rahdari.faces.report.content_second import second_blocks
from rahdari.methods.itm import ItmLosses
from rahdari.methods.p1812 import p1812_loss_db
from rahdari.methods.propagation import free_space_db
from rahdari.service import radio_second
from rahdari.service.radio_links import LinkRequest, find_link
from rahdari.service.radio_second import ALL, SecondRequest, compare_plan, link_opinion, second_opinion, why_not

if TYPE_CHECKING:
    from pathlib import Path

    from rahdari.service.plan_view import Plan

OFF_RATIO = 1.3  # of decibels, by which the stand-in differs from P.1812 on every third path


def _stand_in(
    distance_km: list[np.ndarray], height_m: list[np.ndarray], *ends: float, n0: float, polarisation: str
) -> ItmLosses:
    """Return P.1812's own losses, more on every third path, with one warned and one refused."""
    loss = p1812_loss_db(distance_km, height_m, *ends, n0=n0, polarisation=polarisation)
    loss[::3] *= OFF_RATIO
    warning = np.zeros(loss.size, np.int64)
    warning[0], warning[1] = 5, 3
    return ItmLosses(loss, warning)


def _one_answer(*_: object, **__: object) -> ItmLosses:
    """Return one loss and one warning whatever is asked."""
    return ItmLosses(np.array([150.0]), np.array([3]))


@pytest.fixture
def stood_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a stand-in in the place of the optional library, so that counting is tested everywhere."""
    monkeypatch.setattr(radio_second, "itm_losses", _stand_in)
    monkeypatch.setattr(radio_second, "require_library", lambda: None)
    monkeypatch.setattr(radio_second, "is_installed", lambda: True)


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the optional library away where it is installed."""
    monkeypatch.setitem(sys.modules, "itmlogic", None)


@pytest.mark.usefixtures("stood_in")
def test_every_drawn_path_is_counted_once_and_classes_add_up(small_plan: Plan, tmp_path: Path) -> None:
    made = compare_plan(SecondRequest(plan=small_plan.folder, out=tmp_path / "new", technologies=("4g",), n_paths=40))
    *classes, total = made.lines
    for line in made.lines:
        parts = line.n_both, line.n_only_p1812, line.n_only_itm, line.n_neither, line.n_refused
        assert sum(parts) == line.n_drawn <= line.n_plan_paths
    assert total.relief == ALL
    assert total.n_drawn == sum(line.n_drawn for line in classes) > 0
    assert (total.n_refused, total.n_warned) == (1, 1)
    assert total.n_only_itm == 0  # the stand-in is never milder
    coverage = small_plan.tables["coverage"].filter(pl.col("technology") == "4g")
    assert total.n_plan_paths + made.n_short + made.n_far == coverage.height
    assert json.loads((tmp_path / "new" / "second_opinion.json").read_text(encoding="utf-8"))["lines"]


@pytest.mark.usefixtures("stood_in")
def test_the_mean_over_all_weighs_classes_by_their_paths(small_plan: Plan) -> None:
    made = second_opinion(small_plan.tables, RadioParams(), ("4g",), n_paths=40)
    *classes, total = [line for line in made.lines if line.mean_db is not None]
    weight = np.array([line.n_plan_paths for line in classes])
    mean = np.array([line.mean_db for line in classes])
    assert total.mean_db == pytest.approx(float((weight * mean).sum() / weight.sum()))
    assert 0.0 < mean.min() <= total.mean_db <= mean.max()


@pytest.mark.usefixtures("stood_in")
def test_the_sample_depends_on_the_seed_and_not_on_the_order_of_rows(small_plan: Plan) -> None:
    tables = {name: small_plan.tables[name] for name in radio_second.NEEDED}
    turned = tables | {"coverage": tables["coverage"].reverse(), "sites": tables["sites"].reverse()}
    once = second_opinion(tables, RadioParams(), ("4g",), n_paths=8)
    assert second_opinion(turned, RadioParams(), ("4g",), n_paths=8) == once
    assert second_opinion(tables, RadioParams(), ("4g",), n_paths=8, seed=2) != once


@pytest.mark.usefixtures("stood_in")
def test_the_report_shows_the_comparison_where_the_library_is(small_plan: Plan) -> None:
    (table,) = [block for block in second_blocks(small_plan) if isinstance(block, Table)]
    assert {row[0].text for row in table.rows} <= {"4G", "5G"}
    assert all(len(row) == len(table.header) == len(table.align) for row in table.rows)


@pytest.mark.usefixtures("absent")
def test_without_the_library_report_and_command_say_how_to_install_it(small_plan: Plan) -> None:
    (note,) = second_blocks(small_plan)
    assert "(ITM): not run" in note.text
    assert "pip install 'rahdari[itm]'" in note.text
    run = CliRunner().invoke(app, ["cover", "--second-opinion", "--plan", str(small_plan.folder)])
    assert run.exit_code == 2
    assert "pip install 'rahdari[itm]'" in run.output


@pytest.mark.usefixtures("stood_in")
def test_a_plan_without_terrain_or_with_too_much_of_it_says_so(
    small_plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = {name: small_plan.tables[name] for name in radio_second.NEEDED}
    without = {name: frame for name, frame in tables.items() if name != "terrain"}
    assert "terrain" in why_not(without)
    with pytest.raises(InputError, match="no terrain"):
        second_opinion(without, RadioParams())
    monkeypatch.setattr(radio_second, "MAX_CELLS", 0)
    assert "too large" in why_not(tables)


@pytest.mark.usefixtures("stood_in")
def test_a_hop_above_the_models_range_has_no_second_opinion_and_one_below_has(
    small_plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(radio_second, "itm_losses", _one_answer)
    sites = small_plan.tables["sites"].sort("site_id")
    start = f"{sites['lon_deg'][0]:.4f},{sites['lat_deg'][0]:.4f}"
    end = f"{sites['lon_deg'][0] + 0.1:.4f},{sites['lat_deg'][0]:.4f}"
    told, hop = {}, {}
    for radio in ("mw07", "mw23"):
        request = LinkRequest(plan=small_plan.folder, start=start, end=end, radio=radio)
        hop[radio] = find_link(request)
        told[radio] = link_opinion(request, hop[radio])
    beyond_db = 150.0 - float(free_space_db(hop["mw07"].length_km, hop["mw07"].frequency_ghz))
    assert f"median loss 150.0 dB, {beyond_db:+.1f} dB over free space" in told["mw07"]
    assert "warns" in told["mw07"]
    assert "above the model's 20 GHz" in told["mw23"]


@pytest.mark.skipif(importlib.util.find_spec("itmlogic") is None, reason="itmlogic is not installed: it is optional")
def test_over_plains_both_models_agree_within_some_decibels(small_plan: Plan) -> None:
    made = second_opinion(small_plan.tables, RadioParams(), ("4g",), n_paths=200)
    plain = next(line for line in made.lines if line.relief == "plain")
    assert plain.mean_db == pytest.approx(0.0, abs=5.0)
