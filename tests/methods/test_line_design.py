"""Designed lines: published modes met with their margins, best power, regenerators, bill."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rahdari.errors import InputError
from rahdari.methods.line import Amplifier, Channels, Span, line_gsnr_db, line_noise
from rahdari.methods.line_design import (
    C_BAND_THZ,
    L_BAND_THZ,
    MODES,
    band_channels,
    best_power_dbm,
    bill_of_materials,
    design_line,
    line_plans,
    mode_for,
    spans_for,
)

PLANT = Span(80.0, 0.22, connector_in_db=0.5, connector_out_db=0.5)
EDFA = Amplifier(5.5)
quick = settings(max_examples=25, deadline=None)


def test_the_modes_are_those_published() -> None:
    # Open ROADM 5.0 asks 24, 21, 17 and 12 dB for 400, 300, 200 and 100 Gbit/s; OIF 400ZR asks 26 dB at 59.84 GBd.
    needs = {mode.name: (mode.rate_gbps, mode.required_osnr_db) for mode in MODES}
    assert needs["400g_16qam"] == (400.0, 24.0)
    assert needs["300g_8qam"] == (300.0, 21.0)
    assert needs["200g_qpsk"] == (200.0, 17.0)
    assert needs["100g_qpsk"] == (100.0, 12.0)
    assert needs["400g_16qam_zr"] == (400.0, 26.0)
    for mode in MODES:
        # No mode beats Shannon's bound in its own symbol rate.
        ratio = 10.0 ** (0.1 * mode.required_osnr_db) * 12.5 / mode.symbol_rate_ghz
        assert mode.rate_gbps < 2.0 * mode.symbol_rate_ghz * math.log2(1.0 + ratio)
        assert mode.symbol_rate_ghz < mode.spacing_ghz


@given(signal_db=st.floats(0.0, 40.0), margin_db=st.floats(0.0, 5.0))
def test_more_signal_never_means_less_rate(signal_db: float, margin_db: float) -> None:
    low, high = mode_for(signal_db, margin_db), mode_for(signal_db + 1.0, margin_db)
    assert (low.rate_gbps if low else 0.0) <= (high.rate_gbps if high else 0.0)
    assert low is None or low.required_osnr_db + margin_db <= signal_db


@quick
@given(length_km=st.floats(30.0, 120.0), loss=st.floats(0.17, 0.25), rate=st.sampled_from([32.0, 63.1]))
def test_no_other_power_is_better_than_the_best(length_km: float, loss: float, rate: float) -> None:
    spans, channels = [Span(length_km, loss)], Channels.grid(20, spacing_ghz=75.0, symbol_rate_ghz=rate)
    best = best_power_dbm(spans, channels, EDFA, physics="gn")

    def noise(power_dbm: float) -> float:
        loaded = Channels.grid(20, spacing_ghz=75.0, symbol_rate_ghz=rate, power_dbm=power_dbm)
        found = line_noise(spans, loaded, EDFA, physics="gn")
        total = found.amplifier_ratio + found.self_interference_ratio + found.cross_interference_ratio
        return float(total.mean())

    assert noise(best) <= min(noise(best - 0.2), noise(best + 0.2))


def test_the_power_stays_within_the_amplifier() -> None:
    weak = Amplifier(5.5, power_max_dbm=16.0)
    power = best_power_dbm([PLANT], Channels.grid(80), weak)
    assert power == pytest.approx(16.0 - 10.0 * math.log10(80.0))


@quick
@given(fibre_km=st.floats(0.1, 5000.0), span_km=st.floats(20.0, 150.0))
def test_spans_are_equal_none_too_long_and_sum_to_the_fibre(fibre_km: float, span_km: float) -> None:
    spans = spans_for(fibre_km, Span(span_km))
    assert len(set(spans)) == 1
    assert spans[0].length_km <= span_km * (1.0 + 1e-9)
    assert sum(span.length_km for span in spans) == pytest.approx(fibre_km)
    assert len(spans) == 1 or fibre_km / (len(spans) - 1) > span_km


@pytest.mark.parametrize("fibre_km", [50.0, 400.0, 820.0, 2300.0])
def test_every_plan_meets_its_mode_with_margin_on_every_channel(fibre_km: float) -> None:
    plans = line_plans(fibre_km, PLANT, EDFA, margin_db=2.0)
    assert plans
    for plan in plans:
        assert plan.mode is not None
        assert plan.gsnr_db.min() >= plan.mode.required_osnr_db + 2.0
        assert plan.section_spans * (plan.n_regenerators + 1) >= len(plan.spans)
        line = line_gsnr_db(plan.spans[: plan.section_spans], plan.channels, EDFA, physics="isrs")
        assert (plan.gsnr_db < line).all()
        assert plan.capacity_tbps == pytest.approx(plan.channels.frequency_thz.size * plan.mode.rate_gbps / 1000.0)


def test_khunjerab_to_rawalpindi_carries_300_gbit_a_channel_without_regenerators() -> None:
    plan = design_line(820.0, PLANT, EDFA)
    assert plan.mode is not None
    assert (plan.mode.rate_gbps, plan.n_regenerators, len(plan.spans)) == (300.0, 0, 11)
    assert plan.capacity_tbps == pytest.approx(16.2)


def test_a_longer_fibre_never_carries_more_without_regenerators() -> None:
    capacity = [design_line(km, PLANT, EDFA).capacity_tbps for km in (80.0, 240.0, 480.0, 960.0, 1920.0)]
    assert capacity == sorted(capacity, reverse=True)


def test_allowing_regenerators_never_loses_capacity() -> None:
    none, some = (design_line(2300.0, PLANT, EDFA, n_regenerators_max=count) for count in (0, 3))
    assert some.capacity_tbps >= none.capacity_tbps
    assert some.n_regenerators <= 3


def test_c_and_l_carry_nearly_twice_as_much() -> None:
    bands = (Amplifier(6.0, frequency_max_thz=191.1), Amplifier(5.5, frequency_min_thz=191.1))
    both = design_line(400.0, PLANT, bands, bands_thz=(L_BAND_THZ, C_BAND_THZ))
    one = design_line(400.0, PLANT, EDFA)
    assert 1.4 * one.capacity_tbps < both.capacity_tbps <= 2.0 * one.capacity_tbps


def test_a_hopeless_span_has_no_mode_and_no_capacity() -> None:
    plan = design_line(400.0, Span(400.0, 0.25), Amplifier(5.5, gain_max_db=120.0))
    assert plan.mode is None
    assert plan.capacity_tbps == 0.0
    assert plan.gsnr_db.max() < 12.0


def test_channels_fill_the_band_and_stay_in_it() -> None:
    for mode in MODES:
        channels = band_channels(mode, 0.0, (C_BAND_THZ,))
        half = 0.5 * mode.spacing_ghz / 1000.0
        assert channels.frequency_thz[0] - half >= C_BAND_THZ[0] - 1e-9
        assert channels.frequency_thz[-1] + half <= C_BAND_THZ[1] + 1e-9
        assert channels.frequency_thz[-1] + 3.0 * half > C_BAND_THZ[1]
        assert np.allclose(np.diff(channels.frequency_thz), 2.0 * half)


def test_the_bill_counts_both_directions_and_every_section() -> None:
    bill = {line.item: line.n_units for line in bill_of_materials(12, 2, 50, 2)}
    # Three sections: a booster each, twelve amplifiers behind spans, two directions, two bands.
    assert bill["amplifier_module"] == 2 * 2 * (12 + 3)
    assert bill["inline_amplifier_site"] == 9
    assert bill["roadm_degree"] == 6
    assert bill["terminal_or_regenerator_site"] == 4
    assert bill["transponder_pair"] == 150


def test_a_fibre_without_length_is_refused() -> None:
    with pytest.raises(InputError, match="kilometres above zero"):
        design_line(0.0, PLANT, EDFA)
