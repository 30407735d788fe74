"""The optical line against GNPy's figures and the laws of noise."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rahdari.errors import InputError
from rahdari.kernels.line import raman_exponents, raman_gain
from rahdari.methods.line import (
    RAMAN_UM2_PER_W_KM_THZ,
    Amplifier,
    Channels,
    Span,
    combined_db,
    fibre_properties,
    line_gsnr_db,
    line_noise,
)
from tests.oracles.gnpy_lines import LINES

#: GNPy 3.0.1, gn_model_analytic, no Raman scattering, amplifiers at the gain of each span's loss, transmitter OSNR
#: 40 dB: GSNR in 0.1 nm of the first, the middle (n // 2) and the last channel, and the mean, dB.
GNPY_GSNR_DB = (
    (18.120, 17.058, 17.867, 17.209),
    (28.638, 27.994, 28.464, 28.086),
    (19.724, 18.503, 19.442, 18.676),
    (20.904, 20.432, 20.743, 20.505),
    (19.722, 19.386, 19.587, 19.436),
    (19.739, 18.772, 19.550, 18.989),
    (20.443, 18.788, 20.061, 19.008),
    (22.142, 21.367, 21.923, 21.489),
    (23.211, 21.848, 22.660, 22.023),
)
C_PLUS_L_THZ = np.concatenate([186.1 + 0.075 * np.arange(64), 191.4 + 0.075 * np.arange(64)])
C_THZ = 191.35 + 0.05 * np.arange(76)
#: GNPy 3.0.1, one span of its default fibre at 0.2 dB/km, ggn_spectrally_separated with Raman scattering (fourth
#: order, 2 km steps, 5 km for C and L; tolerances 1 and 0.1): length, frequencies, power, symbol rate, channel
#: numbers, interference over signal in the symbol rate, dB, and power kept over the span, dB.
GNPY_SPANS = (
    (40.0, C_THZ, 0.0, 32.0, (0, 19, 37, 56, 75),
     (-32.018, -30.362, -30.261, -30.400, -32.033), (-7.651, -7.818, -7.999, -8.192, -8.365)),
    (80.0, C_THZ, 0.0, 32.0, (0, 19, 37, 56, 75),
     (-31.702, -30.113, -30.026, -30.172, -31.763), (-15.597, -15.790, -15.999, -16.224, -16.424)),
    (80.0, C_THZ, 3.0, 32.0, (0, 19, 37, 56, 75),
     (-25.457, -23.982, -24.026, -24.305, -25.995), (-15.210, -15.595, -16.012, -16.461, -16.859)),
    (120.0, C_THZ, 0.0, 32.0, (0, 19, 37, 56, 75),
     (-31.684, -30.100, -30.014, -30.160, -31.747), (-23.588, -23.785, -23.999, -24.229, -24.433)),
    (80.0, 191.375 + 0.075 * np.arange(50), 1.0, 64.0, (0, 12, 25, 37, 49),
     (-34.031, -32.658, -32.547, -32.668, -34.010), (-15.671, -15.823, -16.011, -16.186, -16.344)),
    (80.0, C_PLUS_L_THZ, 0.0, 64.0, (0, 32, 63, 95, 127),
     (-35.452, -34.075, -35.015, -34.411, -36.103), (-14.586, -15.337, -15.997, -16.830, -17.662)),
    (80.0, C_PLUS_L_THZ, 3.0, 64.0, (0, 32, 63, 95, 127),
     (-28.491, -27.643, -29.010, -28.876, -30.874), (-13.350, -14.849, -16.182, -17.822, -19.495)),
    (80.0, np.array([191.4, 193.4, 195.4]), (-60.0, 0.0, -60.0), 32.0, (1,), (-36.632,), (-16.000,)),
    (80.0, np.array([191.4, 193.4, 195.4]), (-60.0, 0.0, -60.0), 64.0, (1,), (-39.755,), (-16.000,)),
)  # fmt: skip
SMALL = Channels.grid(8, spacing_ghz=50.0, symbol_rate_ghz=32.0)
EDFA = Amplifier(noise_figure_db=5.0)
spans_drawn = st.builds(
    Span,
    length_km=st.floats(30.0, 120.0),
    loss_db_per_km=st.floats(0.17, 0.28),
    connector_out_db=st.floats(0.0, 2.0),
    dispersion_ps_per_nm_km=st.floats(2.0, 21.0),
    area_um2=st.floats(60.0, 140.0),
)
physics_drawn = st.sampled_from(["gn", "isrs"])
quick = settings(max_examples=40, deadline=None)


@pytest.mark.parametrize("number", range(len(LINES)), ids=[line.name for line in LINES])
def test_the_gn_line_agrees_with_gnpy_to_a_fiftieth_of_a_decibel(number: int) -> None:
    line = LINES[number]
    found = line_gsnr_db(line.spans, line.channels, line.amplifier, physics="gn")
    some = (found[0], found[found.size // 2], found[-1], found.mean())
    assert some == pytest.approx(GNPY_GSNR_DB[number], abs=0.02)


@pytest.mark.parametrize("row", GNPY_SPANS)
def test_a_span_with_raman_scattering_agrees_with_gnpys_numerical_integral(row: tuple) -> None:
    length, frequency, power, rate, which, ratio, kept = row
    channels = Channels(frequency, power, rate)
    noise = line_noise([Span(length)], channels, EDFA, physics="isrs")
    interference = noise.self_interference_ratio + noise.cross_interference_ratio
    assert 10.0 * np.log10(interference[list(which)]) == pytest.approx(ratio, abs=0.1)
    quanta = 6.62607015e-34 * frequency * 1e12 * rate * 1e9 * 10.0**0.5
    # The ratio counts the signal behind the span's own interference, a few parts in a thousand less.
    arriving = quanta / noise.amplifier_ratio / (10.0 ** (0.1 * channels.power_dbm) * 1e-3)
    assert 10.0 * np.log10(arriving[list(which)]) == pytest.approx(kept, abs=0.03)


def test_a_c_and_l_line_stays_within_a_tenth_of_a_decibel_of_gnpy() -> None:
    # Both tables' noise of one span, added up ten times and set beside the model's ten spans.
    length, frequency, power, rate, which, ratio, kept = GNPY_SPANS[5]
    noise = line_gsnr_db([Span(length)] * 10, Channels(frequency, power, rate), EDFA)[list(which)]
    launched = 10.0 ** (0.1 * power) * 1e-3
    quanta = 6.62607015e-34 * frequency[list(which)] * 1e12 * 12.5e9 * 10.0**0.5
    amplifier = quanta / launched / 10.0 ** (0.1 * np.array(kept))
    expected = -10.0 * np.log10(10.0 * (amplifier + 10.0 ** (0.1 * np.array(ratio)) * 12.5 / rate))
    assert noise == pytest.approx(expected, abs=0.1)


def test_standard_fibre_has_the_data_sheets_dispersion_and_nonlinearity() -> None:
    loss, beta2, gamma, area = fibre_properties(Span(80.0), np.array([299_792.458 / 1550.0]))[:, 0]
    assert loss == pytest.approx(0.0460517, rel=1e-5)  # 0.2 dB/km
    assert beta2 == pytest.approx(-21.3, abs=0.05)  # ps2/km
    assert gamma == pytest.approx(1.27, abs=0.005)  # 1/(W km)
    assert area == pytest.approx(83.0)


@quick
@given(span=spans_drawn, n_spans=st.integers(1, 30), physics=physics_drawn, power=st.floats(-4.0, 5.0))
def test_one_span_more_never_helps(span: Span, n_spans: int, physics: str, power: float) -> None:
    channels = Channels.grid(8, power_dbm=power)
    shorter = line_gsnr_db([span] * n_spans, channels, EDFA, physics=physics)
    longer = line_gsnr_db([span] * (n_spans + 1), channels, EDFA, physics=physics)
    assert (longer < shorter).all()


@quick
@given(span=spans_drawn, extra_db=st.floats(0.1, 5.0), physics=physics_drawn)
def test_loss_at_the_far_end_only_takes_away(span: Span, extra_db: float, physics: str) -> None:
    worse = replace(span, ageing_db=extra_db)
    before = line_gsnr_db([span], SMALL, EDFA, physics=physics)
    assert (line_gsnr_db([worse], SMALL, EDFA, physics=physics) < before).all()


@quick
@given(span=spans_drawn, physics=physics_drawn)
def test_gsnr_has_one_best_power(span: Span, physics: str) -> None:
    powers = np.linspace(-12.0, 14.0, 27).tolist()
    found = [line_gsnr_db([span], Channels.grid(4, power_dbm=power), EDFA, physics=physics).mean() for power in powers]
    rising = np.diff(found) > 0.0
    assert rising[0]
    assert not rising[-1]
    assert np.count_nonzero(np.diff(rising.astype(int))) == 1


@quick
@given(span=spans_drawn, physics=physics_drawn, frequency=st.floats(186.0, 196.0))
def test_a_single_channel_has_no_cross_interference(span: Span, physics: str, frequency: float) -> None:
    noise = line_noise([span] * 5, Channels([frequency]), EDFA, physics=physics)
    assert noise.cross_interference_ratio.tolist() == [0.0]
    assert noise.self_interference_ratio[0] > 0.0


@quick
@given(order=st.permutations(range(8)), physics=physics_drawn)
def test_the_order_of_channels_does_not_matter(order: list[int], physics: str) -> None:
    power = np.linspace(-2.0, 2.0, 8)
    straight = line_gsnr_db([Span(80.0)] * 3, Channels(C_THZ[:8], power), EDFA, physics=physics)
    mixed = Channels(C_THZ[:8][order], power[order])
    assert line_gsnr_db([Span(80.0)] * 3, mixed, EDFA, physics=physics).tolist() == straight[order].tolist()


@quick
@given(first=spans_drawn, second=spans_drawn)
def test_more_neighbours_never_help(first: Span, second: Span) -> None:
    few = line_gsnr_db([first, second], Channels(C_THZ[10:20]), EDFA, physics="gn")
    many = line_gsnr_db([first, second], Channels(C_THZ[:30]), EDFA, physics="gn")[10:20]
    assert (many < few).all()


def test_raman_scattering_moves_power_to_low_frequencies_and_keeps_the_sum() -> None:
    span, channels = Span(80.0), Channels(C_PLUS_L_THZ, 1.0, 64.0)
    flat = line_noise([span], channels, EDFA, physics="gn")
    tilted = line_noise([span], channels, EDFA, physics="isrs")
    # Noise over signal at a flat noise figure is the inverse of what arrives.
    kept_db = 10.0 * np.log10(flat.amplifier_ratio / tilted.amplifier_ratio)
    assert kept_db[0] > 1.0
    assert kept_db[-1] < -1.0
    assert (np.diff(kept_db) < 0.0).all()
    assert (10.0 ** (0.1 * kept_db)).mean() == pytest.approx(1.0, abs=0.005)


@pytest.mark.parametrize("power_w", [1e-3, 1e-2, 0.1])
def test_raman_scattering_neither_makes_nor_loses_power_where_it_is_strong(power_w: float) -> None:
    gain, exponent = np.empty((128, 128)), np.empty((2, 128))
    area = fibre_properties(Span(80.0), C_PLUS_L_THZ)[3]
    raman_gain(C_PLUS_L_THZ, area, np.array(RAMAN_UM2_PER_W_KM_THZ), gain)
    raman_exponents(gain, np.full(128, power_w), 21.0, exponent)
    assert np.exp(exponent).mean(axis=1) == pytest.approx(1.0, abs=0.003)
    assert (np.diff(exponent[1]) < 0.0).all()


def test_without_equalisers_tilt_adds_up_span_after_span() -> None:
    channels = Channels(C_THZ, 0.0, 32.0)
    once = line_noise([Span(80.0)], channels, EDFA, physics="isrs", equaliser_every=0)
    many = line_noise([Span(80.0)] * 6, channels, EDFA, physics="isrs", equaliser_every=0)
    evened = line_noise([Span(80.0)] * 6, channels, EDFA, physics="isrs", equaliser_every=3)
    assert np.ptp(many.power_dbm) > 4.0 * np.ptp(once.power_dbm)
    assert np.ptp(evened.power_dbm) == pytest.approx(0.0, abs=1e-9)
    total = 10.0 ** (0.1 * many.power_dbm)
    assert total.sum() == pytest.approx(76.0, rel=1e-9)


def test_an_amplifiers_tilt_favours_low_frequencies_by_its_decibels() -> None:
    tilted = replace(EDFA, gain_tilt_db=1.5)
    noise = line_noise([Span(80.0)], SMALL, tilted, physics="gn", equaliser_every=0)
    assert noise.power_dbm[0] - noise.power_dbm[-1] == pytest.approx(1.5)
    assert (
        line_gsnr_db([Span(80.0)] * 2, SMALL, tilted).tolist() == line_gsnr_db([Span(80.0)] * 2, SMALL, EDFA).tolist()
    )


def test_a_full_amplifier_caps_the_power_of_later_spans() -> None:
    capped = replace(EDFA, power_max_dbm=6.0)
    noise = line_noise([Span(80.0)] * 2, Channels.grid(8, power_dbm=3.0), capped, physics="gn")
    assert noise.power_dbm == pytest.approx(6.0 - 10.0 * math.log10(8.0))


def test_two_stage_noise_figures_meet_both_stated_points_and_pad_below() -> None:
    edfa = Amplifier(6.0, 15.0, 25.0, 10.0)

    def noise_figure_db(gain_db: float) -> float:
        plain = line_noise([Span(80.0, gain_db / 80.0)], SMALL, Amplifier(6.0), physics="gn")
        staged = line_noise([Span(80.0, gain_db / 80.0)], SMALL, edfa, physics="gn")
        return float(6.0 + 10.0 * np.log10(staged.amplifier_ratio / plain.amplifier_ratio)[0])

    assert noise_figure_db(25.0) == pytest.approx(6.0)
    assert noise_figure_db(15.0) == pytest.approx(10.0)
    assert noise_figure_db(12.0) == pytest.approx(13.0)
    assert 6.0 < noise_figure_db(20.0) < 10.0


def test_each_band_has_its_own_amplifier() -> None:
    c_band, l_band = Amplifier(5.0, frequency_min_thz=191.15), Amplifier(6.5, frequency_max_thz=191.15)
    channels = Channels(C_PLUS_L_THZ, 0.0, 64.0)
    both = line_noise([Span(80.0)], channels, (c_band, l_band))
    one = line_noise([Span(80.0)], channels, Amplifier(5.0))
    change = 10.0 * np.log10(both.amplifier_ratio / one.amplifier_ratio)
    assert change == pytest.approx(np.repeat([1.5, 0.0], 64), abs=1e-9)


def test_two_bands_take_raman_scattering_by_themselves() -> None:
    channels = Channels(C_PLUS_L_THZ, 0.0, 64.0)
    chosen = line_gsnr_db([Span(80.0)], channels, EDFA)
    assert chosen.tolist() == line_gsnr_db([Span(80.0)], channels, EDFA, physics="isrs").tolist()
    assert (
        line_gsnr_db([Span(80.0)], SMALL, EDFA).tolist()
        == line_gsnr_db([Span(80.0)], SMALL, EDFA, physics="gn").tolist()
    )


def test_the_noise_bandwidth_only_rescales() -> None:
    narrow = line_gsnr_db([Span(80.0)], SMALL, EDFA)
    assert line_gsnr_db([Span(80.0)], SMALL, EDFA, 25.0) == pytest.approx(narrow - 10.0 * math.log10(2.0))


def test_transmitter_noise_adds_as_a_part_in_a_row() -> None:
    clean = line_gsnr_db([Span(80.0)], SMALL, EDFA)
    noisy = line_gsnr_db([Span(80.0)], Channels(SMALL.frequency_thz, transmitter_osnr_db=35.0), EDFA)
    assert noisy == pytest.approx(combined_db(clean, 35.0), abs=0.01)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Span(-1.0, -0.2), ("length_km", "loss_db_per_km")),
        (lambda: Span(80_000.0), ("16000 dB", "kilometres")),
        (lambda: Span(80.0, dispersion_ps_per_nm_km=0.0), ("dispersion",)),
        (lambda: Channels([193.1, 193.12]), ("overlaps", "row 2")),
        (lambda: Channels([193.1, math.nan, -3.0]), ("row 2", "row 3")),
        (lambda: Channels([]), ("no channels",)),
        (lambda: Channels([193.1], 0.0, 32e9), ("symbol_rate_ghz",)),
        (lambda: Amplifier(-1.0, 30.0, 20.0), ("noise figure", "gains")),
        (lambda: line_gsnr_db([], SMALL, EDFA), ("no span",)),
        (lambda: line_gsnr_db([Span(150.0, 0.3)], SMALL, EDFA), ("loses 45.0 dB", "at most 40 dB")),
        (lambda: line_gsnr_db([Span(80.0)], SMALL, Amplifier(frequency_max_thz=190.0)), ("no amplifier serves",)),
        (
            lambda: line_gsnr_db([Span(80.0, dispersion_slope_ps_per_nm2_km=1.0)], Channels(C_PLUS_L_THZ), EDFA),
            ("dispersion vanishes",),
        ),
    ],
)
def test_what_is_no_line_is_refused_with_all_reasons(make: object, words: tuple[str, ...]) -> None:
    with pytest.raises(InputError) as caught:
        make()
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize("bandwidth_ghz", [0.0, -12.5, math.nan, math.inf])
def test_a_bandwidth_that_holds_no_noise_is_refused_with_an_unknown_physics(bandwidth_ghz: float) -> None:
    with pytest.raises(InputError) as caught:
        line_gsnr_db([Span(80.0)], Channels.grid(4), Amplifier(), bandwidth_ghz, physics="ray")  # type: ignore[arg-type]
    assert [problem.what.split(" is ")[0] for problem in caught.value.problems] == ["noise_bandwidth_ghz", "physics"]
