from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rahdari.errors import InputError
from rahdari.methods.slant_path import (
    rain_attenuation_db,
    rain_height_km,
    rain_outage_pct,
    slant_rain_at_db,
    slant_rain_db,
    slant_rain_outage_frac,
)

if TYPE_CHECKING:
    from pathlib import Path


def validation_rows(shared_folder: Path) -> list[dict[str, float]]:
    """Return the ITU's validation rows; the second line holds units."""
    file = shared_folder / "validation" / "space" / "ITURP618-14_A_rain.csv"
    if not file.is_file():
        pytest.skip("the ITU validation rows are not beside the checkout")
    with file.open(encoding="latin1", newline="") as stream:
        rows = list(csv.DictReader(stream))[1:]
    names = ("lat", "hs", "f", "el", "tau", "p", "R001", "Ls", "A_rain")
    return [{name: float(row[name]) for name in names} for row in rows]


def test_slant_paths_equal_the_validation_rows(shared_folder: Path) -> None:
    """All rows at once; the rain height follows from the row's slant path."""
    rows = validation_rows(shared_folder)
    column = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    found = rain_attenuation_db(
        column["lat"],
        column["f"],
        column["el"],
        column["p"],
        column["R001"],
        column["hs"],
        rain_height_km=column["hs"] + column["Ls"] * np.sin(np.radians(column["el"])),
        tilt_deg=column["tau"],
    )
    assert len(rows) == 64
    np.testing.assert_allclose(found, column["A_rain"], rtol=1e-6)


#: Latitude, GHz, elevation, per cent, mm/h, station and rain height in km, and dB, with k and alpha of P.838-3 table 5.
BY_HAND = (
    # 6.377 km at 1.6938 dB/km, r 0.7753, L_R 4.944 km, v 0.8842
    (33.7, 12.0, 35.0, 0.01, 40.0, 0.54, 4.1975, 7.4043),
    (33.7, 12.0, 35.0, 0.1, 40.0, 0.54, 4.1975, 2.4350),
    # below 5 degrees on an earth of 8,500 km: 90.05 km at 6.1104 dB/km, r 0.2124, L_E 20.365 km; beta 1.633
    (24.9, 20.0, 3.0, 0.1, 60.0, 0.01, 5.2, 64.555),
    # beyond 36 degrees beta is 0: 7.894 km at 5.5705 dB/km, r 0.6513, L_E 6.0871 km, 33.908 dB for 0.01 %
    (45.0, 30.0, 20.0, 0.5, 30.0, 0.2, 2.9, 5.3179),
)


@pytest.mark.parametrize("case", BY_HAND)
def test_attenuation_equals_a_reckoning_by_hand(case: tuple[float, ...]) -> None:
    """Table 5 prints four digits: so many agree."""
    lat, frequency, elevation, percent, rate, height, top, expected = case
    found = rain_attenuation_db(lat, frequency, elevation, percent, rate, height, rain_height_km=top)
    assert float(found) == pytest.approx(expected, rel=1e-3)


def test_the_rain_height_stands_above_the_isotherm_and_falls_towards_both_poles() -> None:
    assert float(rain_height_km(28.7, 4.898)) == pytest.approx(5.258)
    assert rain_height_km([0.0, 23.0, 43.0, -21.0, -31.0, 90.0, -90.0]).tolist() == pytest.approx(
        [5.0, 5.0, 3.5, 5.0, 4.0, 0.0, 0.0]
    )


def test_without_a_rain_height_the_latitude_gives_it() -> None:
    named = rain_attenuation_db(33.0, 20.0, 40.0, 0.05, 50.0, 0.5, rain_height_km=4.25)
    assert float(rain_attenuation_db(33.0, 20.0, 40.0, 0.05, 50.0, 0.5)) == float(named)


def test_the_slant_law_is_inverted() -> None:
    for margin in (3.0, 6.0, 12.0):
        share = float(slant_rain_outage_frac(10.0, 33.0, 35.0, margin))
        assert float(slant_rain_at_db(10.0, 33.0, 35.0, share * 100.0)) == pytest.approx(margin, rel=1e-8)


@given(
    st.floats(-60.0, 60.0),
    st.floats(10.0, 40.0),
    st.floats(5.0, 90.0),
    st.floats(0.01, 4.0),
    st.floats(10.0, 100.0),
)
def test_a_percentage_comes_back_from_its_attenuation(
    lat: float, frequency: float, elevation: float, percent: float, rate: float
) -> None:
    """Where the law falls with the percentage, which it does from 0.01 % on; a larger share is never understated."""
    fade = rain_attenuation_db(lat, frequency, elevation, percent, rate, 0.0, rain_height_km=4.0)
    back = rain_outage_pct(lat, frequency, elevation, fade, rate, 0.0, rain_height_km=4.0)
    assert float(back) >= percent * (1.0 - 1e-6)


def test_the_larger_share_is_taken_where_the_law_bends_down_again() -> None:
    """50 dB at the equator, 10 degrees: the law gives less for 0.001 % than for 0.003 %."""
    top = float(slant_rain_at_db(50.0, 0.0, 10.0, 0.003))
    assert float(slant_rain_at_db(50.0, 0.0, 10.0, 0.001)) < top
    share = float(slant_rain_outage_frac(50.0, 0.0, 10.0, 0.999 * top))
    assert share > 3e-5
    assert float(slant_rain_at_db(50.0, 0.0, 10.0, 100.0 * share)) == pytest.approx(0.999 * top, rel=1e-8)


def test_a_station_above_the_rain_has_no_outage() -> None:
    base = slant_rain_db(35.0, 4.8, 4.1, elevation_deg=35.0, frequency_ghz=12.0, rain_rate_mm_h=40.0)
    assert float(base) == 0.0
    assert float(slant_rain_outage_frac(base, 35.0, 35.0, 6.0)) == 0.0
    assert float(rain_attenuation_db(35.0, 12.0, 35.0, 0.1, 40.0, 4.8)) == 0.0
    assert float(rain_attenuation_db(35.0, 12.0, 35.0, 0.1, 0.0, 0.0)) == 0.0


def test_the_forms_meet_at_five_degrees() -> None:
    """The earth's curve shortens the path through the rain by one in forty at 5 degrees: no jump is larger."""
    below, above = rain_attenuation_db(30.0, 20.0, [4.999999, 5.0], 0.1, 40.0, 0.0)
    assert below == pytest.approx(above, rel=0.03)


def test_all_values_out_of_range_are_named_together() -> None:
    with pytest.raises(InputError) as caught:
        rain_attenuation_db([30.0, 95.0], 60.0, [-1.0, 20.0], 0.01, float("nan"), 0.0)
    columns = {(problem.column, problem.row) for problem in caught.value.problems}
    assert columns == {
        ("lat_deg", 2),
        ("frequency_ghz", None),
        ("elevation_deg", 1),
        ("rain_rate_001_mm_h", None),
    }
