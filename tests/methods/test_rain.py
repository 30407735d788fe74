from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rahdari.methods.rain import hop_rain_db, hop_rain_outage_frac, rain_coefficients


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


@given(st.floats(0.5, 20.0), st.floats(10.0, 40.0), st.floats(20.0, 100.0))
def test_a_longer_hop_never_loses_less_to_rain(length_km: float, frequency_ghz: float, rate_mm_h: float) -> None:
    short = hop_rain_db(length_km, frequency_ghz, rate_mm_h, 90.0)
    assert float(hop_rain_db(length_km + 0.5, frequency_ghz, rate_mm_h, 90.0)) >= float(short) * (1.0 - 1e-6)


def test_the_hop_law_returns_a_hundredth_of_a_percent_at_its_own_attenuation() -> None:
    """At margin A0.01 the outage is 0.01 %, within the rounding of the printed constants."""
    for frequency in (7.0, 15.0, 23.0):
        assert float(hop_rain_outage_frac(30.0, 30.0, frequency)) == pytest.approx(1e-4, rel=0.03)
