"""Positions by satellite along a line asked of a plan."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import polars as pl
import pytest
from typer.testing import CliRunner

from rahdari.errors import InputError
from rahdari.faces.cli.main import app
from rahdari.service.navigation import NavigateRequest, navigate

if TYPE_CHECKING:
    from pathlib import Path

    from rahdari.service.plan_view import Plan

STEP_M = 5000.0
BROADCAST = "validation/space/BRD400DLR_S_20230710000_01D_MN.rnx.gz"


def line_of(plan: Plan) -> str:
    return str(plan.tables["navigation_lines"]["line_id"][0])


def asked(plan: Plan, **more: object) -> NavigateRequest:
    return NavigateRequest.model_validate(
        {"plan": plan.folder, "line": line_of(plan), "step_m": STEP_M, "n_epochs": 24} | more
    )


def test_a_line_answers_as_the_plan_says(small_plan: Plan) -> None:
    own = small_plan.tables["navigation_lines"].row(0, named=True)
    found = navigate(asked(small_plan, step_m=2000.0, n_epochs=151))
    assert found.line_id == own["line_id"]
    assert found.length_km == pytest.approx(own["length_km"])
    assert found.pdop_ratio == pytest.approx(own["pdop_ratio"], rel=1e-9)
    assert found.failing_km == pytest.approx(own["failing_km"])


def test_the_drawing_and_every_point_are_written(small_plan: Plan, tmp_path: Path) -> None:
    svg, out = tmp_path / "line.svg", tmp_path / "points.csv"
    found = navigate(asked(small_plan, svg=svg, out=out))
    assert svg.read_text(encoding="utf-8").startswith("<svg")
    points = pl.read_csv(out)
    assert points.height == found.n_points
    assert points["length_km"].sum() == pytest.approx(found.length_km)
    assert found.drawing.count("\n") > 10


def test_more_accuracy_and_a_higher_mask_are_available_for_less_of_the_time(small_plan: Plan) -> None:
    base = navigate(asked(small_plan))
    finer = navigate(asked(small_plan, accuracy_m=2.0))
    higher = navigate(asked(small_plan, mask_deg=30.0))
    assert finer.available_frac < base.available_frac
    assert higher.available_frac < base.available_frac
    assert higher.n_satellites < base.n_satellites
    assert finer.failing_km > 0.0
    assert sum(row.length_km for row in finer.failing) == pytest.approx(finer.failing_km)


def test_an_unknown_line_is_refused_with_those_that_exist(small_plan: Plan) -> None:
    with pytest.raises(InputError, match=line_of(small_plan)):
        navigate(asked(small_plan, line="nowhere"))


def test_a_day_of_broadcast_orbits_stands_in_for_nominal_ones(
    small_plan: Plan, tmp_path: Path, shared_folder: Path
) -> None:
    plain = tmp_path / "day.rnx"
    plain.write_bytes(gzip.decompress((shared_folder / BROADCAST).read_bytes()))
    nominal, found = navigate(asked(small_plan)), navigate(asked(small_plan, nav=plain))
    assert "2023-03-12" in found.satellites
    # The file has BeiDou-2 besides: more satellites, of which none can make geometry worse.
    assert found.n_satellites > nominal.n_satellites
    assert found.pdop_ratio < nominal.pdop_ratio
    assert found.all_pdop_ratio == pytest.approx(nominal.all_pdop_ratio, rel=0.35)


def test_elements_of_other_satellites_are_refused(small_plan: Plan, tmp_path: Path) -> None:
    tle = tmp_path / "other.tle"
    tle.write_text(
        "VANGUARD 1\n"
        "1 00005U 58002B   00179.78495062  .00000023  00000-0  28098-4 0  4753\n"
        "2 00005  34.2682 348.7242 1859667 331.7664  19.3264 10.82419157413667\n",
        encoding="utf-8",
    )
    with pytest.raises(InputError, match="no satellite of a navigation system"):
        navigate(asked(small_plan, nav=tle))


def test_the_command_line_prints_the_line_and_json(small_plan: Plan) -> None:
    call = ["navigate", line_of(small_plan), "--plan", str(small_plan.folder), "--step-m", "5000", "--epochs", "24"]
    shown = CliRunner().invoke(app, [*call, "--accuracy-m", "2"])
    assert shown.exit_code == 0, shown.output
    assert "dilution of precision" in shown.output
    assert "Fails with BeiDou alone" in shown.output
    found = json.loads(CliRunner().invoke(app, [*call, "--json"]).stdout)
    assert found["result"]["line_id"] == line_of(small_plan)
    assert not found["result"]["is_coarse"]
