from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rahdari.methods.rain import (
    hop_rain_db,
    hop_rain_outage_frac,
    rain_coefficients,
    slant_rain_at_db,
    slant_rain_db,
    slant_rain_outage_frac,
)

SHARED = Path(__file__).parents[3] / "shared" / "validation" / "space" / "ITURP618-14_A_rain.csv"


def test_coefficients_equal_the_printed_table() -> None:
    """Table 5 of ITU-R P.838-3 at 10 and 30 GHz, horizontal and vertical."""
    for frequency, tilt, k, alpha in (
        (10.0, 0.0, 0.01217, 1.2571),
        (10.0, 90.0, 0.01129, 1.2156),
        (30.0, 0.0, 0.2403, 0.9485),
        (30.0, 90.0, 0.2291, 0.9129),
    ):
        found = rain_coefficients(frequency, 0.0, tilt)
        assert float(found[0]) == pytest.approx(k, rel=5e-4)
        assert float(found[1]) == pytest.approx(alpha, abs=1e-4)


def test_slant_paths_equal_the_validation_rows() -> None:
    """ITU-R's own validation rows, given rain rate and slant path."""
    if not SHARED.is_file():
        pytest.skip("ITU validation rows are not beside the checkout")
    with SHARED.open(encoding="latin1", newline="") as file:
        rows = list(csv.DictReader(file))[1:]
    for row in rows:
        value = {name: float(row[name]) for name in ("lat", "hs", "f", "el", "tau", "p", "R001", "Ls", "A_rain")}
        top = value["hs"] + value["Ls"] * np.sin(np.radians(value["el"]))
        base = slant_rain_db(
            value["lat"],
            value["hs"],
            top,
            elevation_deg=value["el"],
            frequency_ghz=value["f"],
            rain_rate_mm_h=value["R001"],
            tilt_deg=value["tau"],
        )
        assert float(slant_rain_at_db(base, value["lat"], value["el"], value["p"])) == pytest.approx(
            value["A_rain"], rel=1e-6
        )


@given(st.floats(0.5, 20.0), st.floats(10.0, 40.0), st.floats(20.0, 100.0))
def test_a_longer_hop_never_loses_less_to_rain(length_km: float, frequency_ghz: float, rate_mm_h: float) -> None:
    short = hop_rain_db(length_km, frequency_ghz, rate_mm_h, 90.0)
    assert float(hop_rain_db(length_km + 0.5, frequency_ghz, rate_mm_h, 90.0)) >= float(short) * (1.0 - 1e-6)


def test_the_hop_law_returns_a_hundredth_of_a_percent_at_its_own_attenuation() -> None:
    """At margin A0.01 the outage is 0.01 %, within the rounding of the printed constants."""
    for frequency in (7.0, 15.0, 23.0):
        assert float(hop_rain_outage_frac(30.0, 30.0, frequency)) == pytest.approx(1e-4, rel=0.03)


def test_the_slant_law_is_inverted() -> None:
    for margin in (3.0, 6.0, 12.0):
        share = float(slant_rain_outage_frac(10.0, 33.0, 35.0, margin))
        assert float(slant_rain_at_db(10.0, 33.0, 35.0, share * 100.0)) == pytest.approx(margin, rel=1e-8)


def test_a_station_above_the_rain_has_no_outage() -> None:
    base = slant_rain_db(35.0, 4.8, 4.1, elevation_deg=35.0, frequency_ghz=12.0, rain_rate_mm_h=40.0)
    assert float(base) == 0.0
    assert float(slant_rain_outage_frac(base, 35.0, 35.0, 6.0)) == 0.0
