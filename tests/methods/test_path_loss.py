from __future__ import annotations

import csv
import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rahdari.errors import InputError
from rahdari.methods.path_loss import (
    FACTORY_LAWS,
    SCENARIOS,
    SIGMA_DB,
    Scenario,
    building_sigma_db,
    into_building_db,
    loss_db,
    outside,
    rma_loss_db,
    shadow_sigma_db,
    sight_frac,
)
from rahdari.methods.path_loss_air import (
    AERIAL,
    AerialScenario,
    aerial_loss_db,
    aerial_sight_frac,
    aerial_sigma_db,
    air_to_ground_db,
    horizon_km,
)
from rahdari.methods.propagation import free_space_db
from rahdari.methods.rain import rain_coefficients

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MASTS = {"rma": 35.0, "uma": 25.0, "umi": 10.0, "inh": 3.0, "inf_sl": 1.5, "inf_dl": 1.5, "inf_sh": 8.0, "inf_dh": 8.0}
NAMES = {"rma": "RMa", "uma": "UMa", "umi": "UMi-StreetCanyon", "inh": "InH-Office"}


def _published(folder: Path, name: str) -> list[dict[str, str]]:
    path = folder / "validation" / "radio" / "tr3gpp" / name
    if not path.is_file():
        pytest.skip("the tables of TR 38.901 are not in the shared folder")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _numbers(formula: str) -> set[float]:
    return {float(text) for text in re.findall(r"(?<![\d.{])\d+\.?\d*", formula.replace(r"\,", " "))}


def test_shadow_fading_equals_the_published_table(shared_folder: Path) -> None:
    rows = {
        (r["scenario"], r["condition"]): r for r in _published(shared_folder, "table-7.4.1-1.csv") if not r["variant"]
    }
    for scenario in ("uma", "umi", "inh"):
        for is_los, condition in ((True, "LOS"), (False, "NLOS")):
            found = shadow_sigma_db(scenario, 0.1, 3.5, MASTS[scenario], 1.5, is_line_of_sight=is_los)
            assert float(found) == float(rows[NAMES[scenario], condition]["shadow_fading_std_db"])
    for kind in FACTORY_LAWS:
        name = f"InF-{kind[-2:].upper()}"
        assert SIGMA_DB[kind] == (
            float(rows["InF", "LOS"]["shadow_fading_std_db"]),
            float(rows[name, "NLOS"]["shadow_fading_std_db"]),
        )
        assert set(FACTORY_LAWS[kind]) <= _numbers(rows[name, "NLOS"]["formula"])
    near, far = shadow_sigma_db("rma", [0.1, 9.0], 0.7, 35.0, 1.5, is_line_of_sight=True)
    assert f"{near:g} dB" in rows["RMa", "LOS"]["shadow_fading_std_db"]
    assert f"{far:g} dB" in rows["RMa", "LOS"]["shadow_fading_std_db"]


@pytest.mark.parametrize(
    ("scenario", "is_los", "law"),
    [
        ("umi", True, lambda d, f: 32.4 + 21.0 * np.log10(d) + 20 * np.log10(f)),
        ("umi", False, lambda d, f: 35.3 * np.log10(d) + 22.4 + 21.3 * np.log10(f)),
        ("uma", True, lambda d, f: 28.0 + 22.0 * np.log10(d) + 20 * np.log10(f)),
        ("uma", False, lambda d, f: 13.54 + 39.08 * np.log10(d) + 20 * np.log10(f)),
        ("inh", True, lambda d, f: 32.4 + 17.3 * np.log10(d) + 20 * np.log10(f)),
        ("inh", False, lambda d, f: 38.3 * np.log10(d) + 17.30 + 24.9 * np.log10(f)),
        ("inf_sl", True, lambda d, f: 31.84 + 21.50 * np.log10(d) + 19.0 * np.log10(f)),
        ("inf_sl", False, lambda d, f: 33.0 + 25.5 * np.log10(d) + 20 * np.log10(f)),
        ("inf_sh", False, lambda d, f: 32.4 + 23.0 * np.log10(d) + 20 * np.log10(f)),
        ("inf_dh", False, lambda d, f: 33.63 + 21.9 * np.log10(d) + 20 * np.log10(f)),
    ],
)
def test_losses_at_100_m_equal_the_published_formulae(
    scenario: Scenario, *, is_los: bool, law: Callable[[float, float], float]
) -> None:
    mast = MASTS[scenario]
    slant = np.hypot(100.0, mast - 1.5)
    found = float(loss_db(scenario, 0.1, 3.5, mast, 1.5, is_line_of_sight=is_los))
    assert found == pytest.approx(law(slant, 3.5), abs=1e-9)


def test_dense_clutter_below_the_mast_is_never_better_than_sparse() -> None:
    d = np.linspace(0.001, 0.6, 50)
    sparse, dense = (loss_db(name, d, 3.5, 1.5, 1.5, is_line_of_sight=False) for name in ("inf_sl", "inf_dl"))
    assert (dense >= sparse).all()
    assert (dense > sparse).any()


@pytest.mark.parametrize("scenario", SCENARIOS)
@given(st.floats(0.012, 0.5), st.floats(0.0, 0.5), st.sampled_from([0.7, 3.5, 6.0]))
def test_losses_rise_and_sight_fades_with_distance(
    scenario: Scenario, distance_km: float, more_km: float, frequency_ghz: float
) -> None:
    d, mast = np.array([distance_km, distance_km + more_km]), MASTS[scenario]
    line = loss_db(scenario, d, frequency_ghz, mast, 1.5, is_line_of_sight=True)
    hidden = loss_db(scenario, d, frequency_ghz, mast, 1.5, is_line_of_sight=False)
    for loss in (line, hidden):
        assert loss[1] >= loss[0] - 1e-9
    assert (hidden >= line - 1e-9).all()
    sight = sight_frac(scenario, d, mast, 1.5)
    assert 0.0 <= sight[1] <= sight[0] + 1e-12 <= 1.0 + 2e-12


def test_sight_equals_worked_values() -> None:
    """Table 7.4.2-1 by hand at 100 m, and a tall terminal at 23 m where C' is 1."""
    assert float(sight_frac("umi", 0.1)) == pytest.approx(0.18 + np.exp(-100 / 36) * 0.82)
    short = 0.18 + np.exp(-100 / 63) * 0.82
    assert float(sight_frac("uma", 0.1)) == pytest.approx(short)
    assert float(sight_frac("uma", 0.1, terminal_m=23.0)) == pytest.approx(short * (1 + 1.25 * np.exp(-100 / 150)))
    assert float(sight_frac("rma", 1.01)) == pytest.approx(np.exp(-1.0))
    assert float(sight_frac("inh", 0.0065)) == pytest.approx(0.32)
    assert float(sight_frac("inf_sl", 0.02)) == pytest.approx(0.8**2)
    with pytest.raises(InputError, match="clutter"):
        sight_frac("inf_sh", 0.02, 3.0, 1.5)


def test_losses_into_buildings_equal_the_published_formulae(shared_folder: Path) -> None:
    rows = {row["model"]: row for row in _published(shared_folder, "table-7.4.3-2.csv")}
    assert building_sigma_db("low") == float(rows["Low-loss model"]["std_p_db"])
    assert building_sigma_db("high") == float(rows["High-loss model"]["std_p_db"])
    walls = {row["material"]: row["formula"] for row in _published(shared_folder, "table-7.4.3-1.csv")}
    for f in (0.7, 3.5, 28.0):
        glass, coated, concrete = 2 + 0.2 * f, 25.4 + 0.11 * f, 5 + 4 * f
        assert "2 + 0.2f" in walls["Standard multi-pane glass"]
        assert "5 + 4f" in walls["Concrete"]
        low = 5 - 10 * np.log10(0.3 * 10 ** (-glass / 10) + 0.7 * 10 ** (-concrete / 10))
        high = 5 - 10 * np.log10(0.7 * 10 ** (-coated / 10) + 0.3 * 10 ** (-concrete / 10))
        assert float(into_building_db(f, 10.0, "low")) == pytest.approx(low + 5.0)
        assert float(into_building_db(f, 10.0, "high")) == pytest.approx(high + 5.0)


def test_buildings_lose_more_deeper_inside_and_behind_coated_glass() -> None:
    depth = np.linspace(0.0, 25.0, 10)
    low, high = into_building_db(3.5, depth, "low"), into_building_db(3.5, depth, "high")
    assert (np.diff(low) > 0.0).all()
    assert (high > low).all()
    with pytest.raises(InputError, match="paper"):
        into_building_db(3.5, 0.0, "paper")
    with pytest.raises(InputError, match="depth"):
        into_building_db(3.5, -1.0, "low")


def test_what_leaves_a_range_is_named_together() -> None:
    assert outside("uma", [0.1, 4.0], 3.5, 25.0, 1.5) == []
    said = " ".join(str(problem) for problem in outside("rma", 20.0, 26.0, 500.0, 50.0))
    for word in ("20000 m", "26 GHz", "mast height of 500", "terminal height of 50"):
        assert word in said
    with pytest.raises(InputError, match="no scenario"):
        loss_db("moon", 1.0, 1.0, 10.0, 1.5, is_line_of_sight=True)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("scenario", "height_m", "is_los", "expected_db"),
    [
        ("rma", 100.0, True, 20.3 * np.log10(1000.0) + 20 * np.log10(40 * np.pi * 2.0 / 3)),
        ("rma", 30.0, False, -12 + (35 - 5.3 * np.log10(30)) * 3 + 20 * np.log10(40 * np.pi * 2.0 / 3)),
        ("uma", 100.0, True, 28 + 66 + 20 * np.log10(2.0)),
        ("uma", 50.0, False, -17.5 + (46 - 7 * np.log10(50)) * 3 + 20 * np.log10(40 * np.pi * 2.0 / 3)),
        ("umi", 100.0, True, 30.9 + (22.25 - 1.0) * 3 + 20 * np.log10(2.0)),
        ("umi", 100.0, False, 32.4 + (43.2 - 15.2) * 3 + 20 * np.log10(2.0)),
    ],
)
def test_aerial_losses_equal_the_published_formulae(
    scenario: AerialScenario, height_m: float, expected_db: float, *, is_los: bool
) -> None:
    """TR 36.777 table B-2 at a slant distance of 1 km and 2 GHz, the mast level with the drone."""
    found = aerial_loss_db(scenario, 1.0, 2.0, height_m, height_m, is_line_of_sight=is_los)
    assert float(found) == pytest.approx(expected_db, abs=1e-9)


@pytest.mark.parametrize("scenario", AERIAL)
@given(st.floats(1.5, 290.0), st.floats(0.05, 3.9))
def test_higher_drones_see_more(scenario: AerialScenario, height_m: float, distance_km: float) -> None:
    low, high = (aerial_sight_frac(scenario, distance_km, h) for h in (max(height_m, 23.0), max(height_m, 23.0) + 10.0))
    assert 0.0 <= float(low) <= float(high) + 1e-9 <= 1.0 + 2e-9
    near, far = aerial_loss_db(scenario, [distance_km, distance_km + 0.1], 2.0, 25.0, height_m, is_line_of_sight=True)
    assert far >= near - 1e-9


def test_aerial_fading_and_sight_equal_worked_values() -> None:
    """TR 36.777 tables B-1 and B-3."""
    assert float(aerial_sigma_db("rma", 1.0, 2.0, 35.0, 100.0, is_line_of_sight=True)) == pytest.approx(
        4.2 * np.exp(-0.46)
    )
    assert float(aerial_sigma_db("umi", 1.0, 2.0, 10.0, 200.0, is_line_of_sight=True)) == 2.0
    assert float(aerial_sigma_db("umi", 1.0, 2.0, 10.0, 200.0, is_line_of_sight=False)) == 8.0
    p1, d1 = 4300 * np.log10(50) - 3800, 460 * np.log10(50) - 700
    expected = d1 / 2000 + np.exp(-2000 / p1) * (1 - d1 / 2000)
    assert float(aerial_sight_frac("uma", 2.0, 50.0)) == pytest.approx(expected)
    with pytest.raises(InputError, match="300 m"):
        aerial_sight_frac("uma", 1.0, 400.0)
    with pytest.raises(InputError, match="no aerial model"):
        aerial_loss_db("inh", 1.0, 2.0, 10.0, 50.0, is_line_of_sight=True)  # type: ignore[arg-type]


@given(st.floats(0.2, 20.0), st.floats(200.0, 10_000.0), st.floats(1.0, 98.0), st.floats(0.1, 1.0))
def test_air_to_ground_obeys_its_laws(frequency_ghz: float, air_m: float, time_pct: float, more_pct: float) -> None:
    """More of the time means more loss, nothing beats free space by more than 4.6 dB, loss rises past the horizon."""
    horizon = float(horizon_km(20.0) + horizon_km(air_m))
    d = np.linspace(1.0, 2.0 * horizon, 200)
    median = air_to_ground_db(d, frequency_ghz, 20.0, air_m)
    assert (median >= free_space_db(d, frequency_ghz) - 4.61).all()
    beyond = air_to_ground_db(np.linspace(horizon, 3.0 * horizon, 50), frequency_ghz, 20.0, air_m)
    assert (np.diff(beyond) > 0.0).all()
    often = air_to_ground_db(d, frequency_ghz, 20.0, air_m, time_pct + more_pct)
    assert (often > air_to_ground_db(d, frequency_ghz, 20.0, air_m, time_pct)).all()


def test_air_to_ground_is_refused_outside_its_range() -> None:
    with pytest.raises(InputError) as caught:
        air_to_ground_db(10.0, 60.0, 1.0, 30_000.0, 100.0)
    assert len(caught.value.problems) == 4


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_no_formula_answers_what_is_no_number_or_outside_its_band(scenario: Scenario) -> None:
    usual: dict[str, Any] = {"distance_km": 0.1, "frequency_ghz": 3.5, "mast_m": 10.0, "terminal_m": 1.5}
    for name in usual:
        for wrong in (math.nan, -1.0):
            with pytest.raises(InputError):
                loss_db(scenario, **(usual | {name: wrong}), is_line_of_sight=True)
    with pytest.raises(InputError, match="GHz"):
        loss_db(scenario, **(usual | {"frequency_ghz": 350.0}), is_line_of_sight=False)
    with pytest.raises(InputError, match="distance"):
        sight_frac(scenario, math.nan)


def test_the_rural_formula_is_computed_up_to_30_ghz_as_its_note_says() -> None:
    low, high = (float(rma_loss_db(1.0, ghz, 35.0, 1.5, is_line_of_sight=False)) for ghz in (7.0, 28.0))
    assert high - low == pytest.approx(20.0 * math.log10(4.0), abs=1e-9)


def test_the_air_and_free_space_and_rain_refuse_what_is_no_number() -> None:
    for wrong in (math.nan, -1.0):
        with pytest.raises(InputError, match="distance"):
            aerial_loss_db("uma", wrong, 2.0, 25.0, 100.0, is_line_of_sight=True)
        with pytest.raises(InputError, match="distance"):
            air_to_ground_db(wrong, 2.0, 25.0, 1000.0)
        with pytest.raises(InputError, match="distance"):
            free_space_db(wrong, 2.0)
        with pytest.raises(InputError, match="frequency"):
            rain_coefficients(wrong, 0.0, 0.0)
        with pytest.raises(InputError, match="GHz"):
            aerial_loss_db("uma", 1.0, wrong, 25.0, 100.0, is_line_of_sight=True)
        with pytest.raises(InputError, match="frequency"):
            into_building_db(wrong, 5.0, "low")
