from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rahdari.errors import InputError
from rahdari.kernels.antenna import f699_gain_dbi
from rahdari.methods.antenna import (
    AntennaPattern,
    angle_for_discrimination_deg,
    f699_dbi,
    f699_discrimination_db,
    folded_pattern,
    peak_gain_dbi,
)

FLOOR_STEP_DB = 0.03  # the Recommendation's own step at 48 degrees: 25 log10(48) is 42.03, not 42


@pytest.mark.parametrize(("ratio", "side_deg"), [(40.0, 2.5), (100.0, 1.0), (400.0, 15.85 * 400.0**-0.6)])
def test_pieces_of_the_envelope_meet_at_the_published_breakpoints(ratio: float, side_deg: float) -> None:
    """ITU-R F.699-8: the main lobe ends on G1 = 2 + 15 log D/lambda, which ends where the side-lobe law begins."""
    side_dbi = 2.0 + 15.0 * np.log10(ratio)
    main_deg = 20.0 / ratio * np.sqrt(peak_gain_dbi(ratio) - side_dbi)
    before, after = f699_dbi([main_deg - 1e-9, main_deg + 1e-9], ratio, 18.0)
    assert before == pytest.approx(side_dbi, abs=1e-6)
    assert after == pytest.approx(side_dbi, abs=1e-12)
    assert f699_dbi(side_deg + 1e-9, ratio, 18.0) == pytest.approx(side_dbi, abs=0.01)


@pytest.mark.parametrize(
    ("angle_deg", "ratio", "frequency_ghz", "expected_dbi"),
    [
        (10.0, 200.0, 18.0, 32.0 - 25.0),
        (60.0, 200.0, 18.0, -10.0),
        (10.0, 50.0, 18.0, 52.0 - 10.0 * np.log10(50.0) - 25.0),
        (60.0, 50.0, 18.0, 10.0 - 10.0 * np.log10(50.0)),
        (100.0, 200.0, 80.0, 32.0 - 50.0),
        (150.0, 200.0, 80.0, -20.0),
        (150.0, 50.0, 80.0, -10.0 * np.log10(50.0)),
        (170.0, 4.0, 0.45, -2.0 - 5.0 * np.log10(4.0)),
    ],
)
def test_the_envelope_equals_the_published_laws(
    angle_deg: float, ratio: float, frequency_ghz: float, expected_dbi: float
) -> None:
    assert float(f699_dbi(angle_deg, ratio, frequency_ghz)) == pytest.approx(expected_dbi, abs=1e-9)


@given(st.floats(2.2, 500.0), st.sampled_from([6.0, 18.0, 80.0]), st.floats(0.0, 180.0), st.floats(0.0, 180.0))
def test_gain_never_rises_with_the_angle(ratio: float, frequency_ghz: float, first: float, second: float) -> None:
    near, far = f699_dbi(sorted([first, second]), ratio, frequency_ghz)
    assert far <= near + FLOOR_STEP_DB


@given(st.floats(-720.0, 720.0), st.floats(3.0, 300.0))
def test_the_envelope_is_even_and_closes_after_a_turn(angle_deg: float, ratio: float) -> None:
    other = f699_dbi([-angle_deg, angle_deg + 360.0], ratio, 18.0)
    assert other == pytest.approx(float(f699_dbi(angle_deg, ratio, 18.0)), abs=1e-6)


def test_angles_for_discrimination_equal_those_of_the_survey() -> None:
    """40 dB: 32 degrees for 0.6 m at 18 GHz, 43 for 1.2 m at 7 GHz, 24 for 0.6 m at 23 GHz."""
    found = [angle_for_discrimination_deg(40.0, ratio, ghz) for ratio, ghz in ((36.0, 18.0), (28.0, 7.0), (46.0, 23.0))]
    assert np.round(np.array(found, float)).tolist() == [32.0, 43.0, 24.0]
    assert angle_for_discrimination_deg(60.0, 36.0, 18.0) is None


@given(st.floats(1.0, 60.0), st.floats(20.0, 200.0))
@example(37.0, 20.0)  # a small dish, whose back lobe lies but 36.7 dB below its peak
def test_the_angle_is_the_least_that_gives_the_discrimination(wanted_db: float, ratio: float) -> None:
    angle = angle_for_discrimination_deg(wanted_db, ratio, 18.0)
    every_db = f699_discrimination_db(np.linspace(0.0, 180.0, 721), ratio, 18.0)
    assert (angle is None) == (every_db[-1] < wanted_db)
    if angle is None:
        assert (every_db < wanted_db + FLOOR_STEP_DB).all()
        return
    assert float(f699_discrimination_db(angle, ratio, 18.0)) >= wanted_db
    assert float(f699_discrimination_db(max(angle - 1e-3, 0.0), ratio, 18.0)) < wanted_db + 0.5
    assert (f699_discrimination_db(np.linspace(angle, 180.0, 300), ratio, 18.0) >= wanted_db - FLOOR_STEP_DB).all()


def test_the_scalar_law_runs_without_a_compiler() -> None:
    assert f699_gain_dbi(60.0, 47.7, 100.0, 18.0) == pytest.approx(-10.0)


@pytest.mark.parametrize(
    ("ratio", "frequency_ghz", "peak_dbi"), [(36.0, 95.0, None), (1.0, 18.0, None), (36.0, 18.0, 10.0)]
)
def test_what_the_recommendation_does_not_cover_is_refused(
    ratio: float, frequency_ghz: float, peak_dbi: float | None
) -> None:
    with pytest.raises(InputError, match=r"F\.699"):
        f699_dbi(10.0, ratio, frequency_ghz, peak_dbi)


def test_a_measured_pattern_keeps_the_weaker_of_its_two_sides() -> None:
    found = folded_pattern("a", 18.0, 38.0, [0.0, 10.0, 350.0, 180.0], [0.0, 30.0, 25.0, 60.0])
    assert found.angle_deg.tolist() == [0.0, 10.0, 180.0]
    assert found.attenuation_db.tolist() == [0.0, 25.0, 60.0]
    assert isinstance(found, AntennaPattern)
    assert found.table()[50] == pytest.approx(12.5)
    with pytest.raises(InputError, match="below 0 dB"):
        folded_pattern("a", 18.0, 38.0, [0.0], [-1.0])
