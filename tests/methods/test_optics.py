"""The optical line against published figures and physical laws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rahdari.methods.optics import (
    MODULATIONS,
    LineDesign,
    channel_rate_gbps,
    gsnr_db,
    osnr_db,
    span_interference_ratio,
    span_noise_ratio,
    spans_in,
)

REFERENCE = LineDesign(0.2, 0.5, 5.5, 1.0, 32.0, 50.0, 76)


def test_the_classic_rule_of_58_decibels_holds() -> None:
    # OSNR = 58 + P - loss - NF - 10 log N, in 0.1 nm at 1550 nm: the rule of thumb in every textbook.
    assert osnr_db(REFERENCE, 80.0, 10) == pytest.approx(58.0 + 1.0 - 16.5 - 5.5 - 10.0, abs=0.1)


def test_28_spans_of_80_km_come_near_the_reference_planner() -> None:
    # GNPy 3.0.1: 17.07 dB in 0.1 nm at the middle of 76 channels at 0 dBm, noise figure 6.5 dB, no connectors.
    design = replace(REFERENCE, launch_power_dbm=0.0, noise_figure_db=6.5, span_extra_loss_db=0.0)
    assert gsnr_db(design, 80.0, 28) == pytest.approx(17.07, abs=0.1)


def test_at_the_best_power_interference_is_half_the_amplifier_noise() -> None:
    # Poggiolini 2014: interference grows with the cube of power, so the best power leaves it half as strong.
    powers = np.linspace(-4.0, 4.0, 801).tolist()
    parts = [
        (span_noise_ratio(design, 80.0), span_interference_ratio(design, 80.0) * 12.5 / 32.0)
        for design in (replace(REFERENCE, launch_power_dbm=power) for power in powers)
    ]
    noise, interference = min(parts, key=sum)
    assert interference / noise == pytest.approx(0.5, rel=0.02)


@pytest.mark.parametrize("n_spans", range(1, 40))
def test_a_longer_line_is_never_cleaner(n_spans: int) -> None:
    assert gsnr_db(REFERENCE, 80.0, n_spans + 1) < gsnr_db(REFERENCE, 80.0, n_spans)


def test_rates_fall_with_the_signal_and_end_at_none() -> None:
    rates = [channel_rate_gbps(signal_db, 0.0)[0] for signal_db in np.arange(30.0, 5.0, -0.5)]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] == MODULATIONS[0][1]
    assert channel_rate_gbps(5.0, 0.0) == (0.0, "none")


def test_no_span_is_longer_than_asked() -> None:
    for fibre_km in (0.0, 1.0, 80.0, 80.1, 2300.0):
        assert fibre_km / spans_in(fibre_km, 80.0) <= 80.0 + 1e-9
