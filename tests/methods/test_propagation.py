from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rahdari.methods.path_loss import line_of_sight_frac, rma_loss_db, uma_loss_db
from rahdari.methods.propagation import free_space_db, hop_multipath_outage_frac, spectral_efficiency_bps_per_hz

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("law", [uma_loss_db, rma_loss_db])
@given(st.floats(0.02, 9.0), st.floats(0.01, 1.0), st.sampled_from([0.8, 1.8, 3.5]))
def test_path_loss_rises_with_distance(
    law: Callable[..., np.ndarray], distance_km: float, more_km: float, frequency_ghz: float
) -> None:
    for is_los in (True, False):
        near = law(distance_km, frequency_ghz, 30.0, 1.5, is_line_of_sight=is_los)
        far = law(distance_km + more_km, frequency_ghz, 30.0, 1.5, is_line_of_sight=is_los)
        assert float(far) >= float(near) - 1e-9


def test_path_loss_equals_worked_values() -> None:
    """TR 38.901 table 7.4.1-1 by hand: UMa at 500 m (both sides of the breakpoint), RMa at 1 km without sight."""
    slant = np.hypot(500.0, 23.5)
    breakpoint_m = 4.0 * 24.0 * 0.5 * 3.5e9 / 299792458.0
    assert breakpoint_m > 500.0
    expected = 28.0 + 22.0 * np.log10(slant) + 20.0 * np.log10(3.5)
    assert float(uma_loss_db(0.5, 3.5, 25.0, 1.5, is_line_of_sight=True)) == pytest.approx(expected, abs=1e-9)
    expected = 13.54 + 39.08 * np.log10(slant) + 20.0 * np.log10(3.5)
    assert float(uma_loss_db(0.5, 3.5, 25.0, 1.5, is_line_of_sight=False)) == pytest.approx(expected, abs=1e-9)
    assert float(rma_loss_db(1.0, 0.7, 35.0, 1.5, is_line_of_sight=False)) == pytest.approx(116.46, abs=0.02)


def test_no_law_loses_less_than_free_space_nearby() -> None:
    d = np.linspace(0.05, 5.0, 50)
    for law in (uma_loss_db, rma_loss_db):
        assert (law(d, 1.8, 30.0, 1.5, is_line_of_sight=True) >= free_space_db(d, 1.8) - 1.0).all()


def test_line_of_sight_fades_with_distance() -> None:
    d = np.linspace(0.01, 5.0, 200)
    for is_urban in (True, False):
        share = line_of_sight_frac(d, is_urban=is_urban)
        assert (np.diff(share) <= 0.0).all()
        assert share[0] == pytest.approx(1.0, abs=1e-9)


def test_rate_never_falls_with_signal_and_stays_below_shannon() -> None:
    snr = np.linspace(-20.0, 40.0, 200)
    rate = spectral_efficiency_bps_per_hz(snr)
    assert (np.diff(rate) >= 0.0).all()
    assert (rate <= np.log2(1.0 + 10.0 ** (snr / 10.0))).all()


def test_ten_decibels_more_margin_cut_multipath_outage_tenfold() -> None:
    few = hop_multipath_outage_frac(40.0, 7.0, 30.0, 200.0, -400.0)
    assert float(few) == pytest.approx(0.1 * float(hop_multipath_outage_frac(40.0, 7.0, 20.0, 200.0, -400.0)))
    assert float(hop_multipath_outage_frac(50.0, 7.0, 30.0, 200.0, -400.0)) > float(few)
