"""The catalogue of radios and dishes, and ITU maps that a user brings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from rahdari.errors import InputError
from rahdari.methods.microwave_link import Antenna, Climate
from rahdari.sources.itu_maps import read_itu_map, read_itu_maps
from rahdari.sources.microwave import antenna_named, link_budget, microwave_catalogue, radio_named
from rahdari.sources.pack import PACKS_FOLDER, load_pack

if TYPE_CHECKING:
    from pathlib import Path


def test_thresholds_follow_from_noise_and_rise_with_the_modulation() -> None:
    """256-QAM in 28 MHz near -70 dBm, as data sheets of long-haul radios have it within some decibels."""
    found = radio_named("mw07")
    at = found.mode.index("256-QAM")
    noise = -174.0 + 10.0 * np.log10(28e6) + 5.0
    assert float(found.threshold_dbm[at]) == pytest.approx(noise + 24.0)
    assert -75.0 < float(found.threshold_dbm[at]) < -65.0
    assert (np.diff(found.tx_power_dbm) <= 0.0).all()


def test_every_radio_lies_in_its_band_and_every_band_has_a_dish() -> None:
    radios, dishes = microwave_catalogue()
    tables = load_pack(PACKS_FOLDER / "common")
    rows = {row["radio_id"]: row for row in tables["microwave_radios"].to_dicts()}
    spans = tables["microwave_antennas"].select("low_ghz", "high_ghz").rows()
    for name, one in radios.items():
        assert rows[name]["low_ghz"] <= one.frequency_ghz <= rows[name]["high_ghz"]
        assert any(low <= one.frequency_ghz <= high for low, high in spans)
    bands = {round(one.frequency_ghz) for one in radios.values()}
    assert {6, 7, 8, 11, 13, 15, 19, 22, 38, 78} <= bands
    assert len(dishes) >= 6


def test_all_of_the_catalogue_says_that_it_is_assumed() -> None:
    tables = load_pack(PACKS_FOLDER / "common")
    for name in ("microwave_radios", "microwave_modes", "microwave_antennas"):
        assert set(tables[name]["evidence"]) == {"assumed"}


def test_a_dual_radio_has_both_polarisations_and_a_canceller() -> None:
    assert radio_named("mw18_xpic").is_dual
    assert radio_named("mw18_xpic").cancellation_db == 20.0
    assert not radio_named("mw18").is_dual


def test_an_unknown_name_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="mw18"):
        radio_named("mw19")
    with pytest.raises(InputError, match="dish_12"):
        antenna_named("dish12")
    with pytest.raises(InputError, match="microwave_radios"):
        microwave_catalogue(tmp_path)


def test_a_budget_may_name_its_radio_and_its_dish() -> None:
    ends = (71.0, 30.0, 30.0), (71.2, 30.1, 40.0)
    named = link_budget(None, *ends, radio="mw11", antenna="dish_12")
    given = link_budget(None, *ends, radio=radio_named("mw11"), antenna=antenna_named("dish_12"))
    assert named.terms.equals(given.terms)
    assert named.budgets.radio.radio_id == "mw11"


def world(step_deg: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    lat, lon = np.arange(90.0, -90.1, -step_deg), np.arange(-180.0, 180.1, step_deg)
    return lat, lon, 0.5 * np.abs(lat)[:, None] + 0.1 * np.abs(lon)[None, :]


def save(path: Path, value: np.ndarray, mark: str = " ") -> None:
    path.write_text("\n".join(mark.join(f"{cell:.6f}" for cell in row) for row in value) + "\n", encoding="ascii")


def test_maps_are_read_the_right_way_up_and_between_their_points(tmp_path: Path) -> None:
    _, _, value = world()
    save(tmp_path / "dN75.csv", value, ",")
    save(tmp_path / "LogK.csv", -value / 10.0, ",")
    save(tmp_path / "R001.TXT", value[::-1])
    found = read_itu_maps(tmp_path).climate(70.25, 33.5)
    expected = 0.5 * 33.5 + 0.1 * 70.25
    assert found.refractivity_n_units == pytest.approx(expected, abs=1e-5)
    assert found.rain_rate_mm_h == pytest.approx(expected, abs=1e-5)
    assert found.factor == pytest.approx(10.0 ** (-expected / 10.0), rel=1e-5)
    assert "dN75.csv" in found.source


def test_a_file_of_latitudes_turns_the_rain_map_over(tmp_path: Path) -> None:
    lat, _, value = world()
    north = value + lat[:, None] / 10.0 + 9.0
    save(tmp_path / "R001.TXT", north)
    save(tmp_path / "LAT_R001.TXT", np.repeat(lat[:, None], 3, axis=1))
    found = read_itu_maps(tmp_path).climate(70.0, 30.0)
    assert found.rain_rate_mm_h == pytest.approx(0.5 * 30.0 + 0.1 * 70.0 + 3.0 + 9.0, abs=1e-5)
    assert found.refractivity_n_units == Climate().refractivity_n_units


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("1 2 3\n4 5\n", "fetch the map anew"),
        ("1 2 x\n4 5 6\n", "fetch the map anew"),
        ("1 2\n3 4\n", "whole map"),
        ("1 2 3\n4 5 9999\n", "named after"),
        ("1 2 3\n4 5 nan\n", "named after"),
        ("", "whole map"),
    ],
)
def test_a_map_that_is_none_is_refused_with_file_and_cure(tmp_path: Path, text: str, cure: str) -> None:
    path = tmp_path / "dN75.csv"
    path.write_text(text, encoding="ascii")
    with pytest.raises(InputError, match=cure) as caught:
        read_itu_map(path, is_south_first=False, low=0.0, high=300.0)
    assert caught.value.problems[0].file == str(path)


def test_a_folder_without_maps_says_which_to_fetch(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"LogK\.csv"):
        read_itu_maps(tmp_path)
    with pytest.raises(InputError, match="no such map"):
        read_itu_map(tmp_path / "dN75.csv", is_south_first=False, low=0.0, high=300.0)


def test_terrain_may_be_a_file_and_an_end_may_leave_its_mast_out(tmp_path: Path) -> None:
    path = tmp_path / "N30E070.hgt"
    np.full((1201, 1201), 600, ">i2").tofile(path)
    found = link_budget(str(path), (70.2, 30.2), (70.3, 30.2), radio="mw18")
    assert found.ground_m.min() == found.ground_m.max() == 600.0
    assert found.antenna_height_m == (630.0, 630.0)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"network_or_dem": np.zeros((3, 3))}, "neither network nor terrain"),
        ({"a": ("east", 30.0, 30.0)}, "no end of a hop"),
        ({"a": (70.0,)}, "no end of a hop"),
        ({"b": None}, "no end of a hop"),
        ({"radio": None}, "name one of the catalogue"),
    ],
)
def test_an_argument_of_another_kind_is_refused(change: dict[str, Any], what: str) -> None:
    given: dict[str, Any] = {"network_or_dem": None, "a": (71.0, 30.0, 30.0), "b": (71.2, 30.0, 30.0)}
    with pytest.raises(InputError, match=what):
        link_budget(**(given | change))


def test_a_dish_without_a_diameter_and_clutter_below_ground_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="metres above 0"):
        Antenna("none", 0.0, 0.55, 30.0)
    path = tmp_path / "N30E070.hgt"
    np.full((1201, 1201), 600, ">i2").tofile(path)
    for clutter in (-5.0, float("nan")):
        with pytest.raises(InputError, match="clutter of"):
            link_budget(path, (70.2, 30.2), (70.3, 30.2), clutter=clutter)
