"""Microwave hops obey the laws of ITU-R P.530 and agree with the same laws written anew in plain arithmetic."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rahdari.errors import InputError
from rahdari.methods.gas import gas_db_per_km
from rahdari.methods.microwave import Hops, Radio, budgets, make_hops, mean_capacity_mbps
from rahdari.methods.microwave_clearance import (
    diffraction_db,
    earth_bulge_m,
    fresnel_m,
    low_k_ratio,
    raise_needed_m,
    subrefraction_outage_frac,
    worst_clearance,
)
from rahdari.methods.microwave_fading import (
    annual_factor_db,
    enhancement_not_exceeded_pct,
    fade_exceeded_pct,
    fade_law,
    geoclimatic_default,
    occurrence_17_pct,
    occurrence_pct,
)
from rahdari.methods.microwave_outage import (
    clear_air_xpd_outage_frac,
    diversity_outage_frac,
    flat_correlation,
    frequency_improvement,
    rain_factor,
    rain_xpd_attenuation_db,
    rain_xpd_outage_frac,
    scaled_rain_db,
    selective_correlation,
    selective_outage_frac,
    space_improvement,
    worst_month_frac,
)
from rahdari.methods.rain import hop_rain_db, hop_rain_outage_frac, rain_coefficients
from tests.oracles.p530_scalar import Hop, fade_pct, outages, p0_pct

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

OCCURRENCES = st.floats(-4.0, 3.0).map(lambda power: 10.0**power)


def radio(*, is_dual: bool = False, cancellation_db: float = 0.0) -> Radio:
    carrier = np.array([5.0, 12.0, 18.0, 24.0, 30.0])
    return Radio(
        radio_id="test",
        frequency_ghz=7.5,
        channel_mhz=28.0,
        mode=("QPSK", "16-QAM", "64-QAM", "256-QAM", "1024-QAM"),
        tx_power_dbm=np.array([30.0, 29.0, 28.0, 27.0, 25.0]),
        threshold_dbm=carrier - 94.0,
        carrier_to_noise_db=carrier,
        capacity_mbps=np.array([42.0, 87.0, 140.0, 193.0, 238.0]),
        signature_ghz_per_ns=np.array([1e-4, 3e-4, 5e-4, 8e-4, 1.2e-3]),
        is_dual=is_dual,
        cancellation_db=cancellation_db,
    )


def hops(**other: ArrayLike) -> Hops:
    usual: dict[str, ArrayLike] = {
        "length_km": 40.0,
        "frequency_ghz": 7.5,
        "antenna_a_m": 260.0,
        "antenna_b_m": 300.0,
        "terrain_m": 180.0,
        "lat_deg": 31.0,
        "gain_a_dbi": 38.0,
        "gain_b_dbi": 38.0,
    }
    return make_hops(**(usual | other))


# Fading ---------------------------------------------------------------------------------------------------------------


@given(OCCURRENCES, st.floats(0.0, 10.0))
def test_the_law_of_fades_is_continuous_at_its_transition(p0: float, annual_db: float) -> None:
    law = fade_law(p0, annual_db)
    at = float(law.transition_db)
    below, above = (float(fade_exceeded_pct(law, depth)) for depth in (at - 1e-9, at + 1e-9))
    assert below == pytest.approx(above, rel=1e-6)


@given(OCCURRENCES, st.floats(0.0, 10.8))
def test_a_deeper_fade_is_never_more_frequent(p0: float, annual_db: float) -> None:
    shares = fade_exceeded_pct(fade_law(p0, annual_db), np.linspace(0.0, 60.0, 601))
    assert (np.diff(shares) <= 0.0).all()
    assert shares.min() >= 0.0
    assert shares.max() <= 100.0


@given(OCCURRENCES, st.floats(30.0, 60.0))
def test_deep_fades_fall_by_a_decade_in_ten_decibels(p0: float, depth_db: float) -> None:
    law = fade_law(p0)
    near, far = (float(fade_exceeded_pct(law, depth)) for depth in (depth_db, depth_db + 10.0))
    assert near / far == pytest.approx(10.0, rel=1e-12)


@given(OCCURRENCES, st.floats(0.0, 60.0), st.floats(0.0, 10.8))
def test_the_law_of_fades_equals_its_steps_done_one_by_one(p0: float, depth_db: float, annual_db: float) -> None:
    found = float(fade_exceeded_pct(fade_law(p0, annual_db), depth_db))
    assert found == pytest.approx(fade_pct(p0, depth_db, annual_db), rel=1e-5)


def test_shallow_fades_are_not_those_of_a_known_misprint() -> None:
    """PyPI itur 0.4.0 leaves brackets out of q_t and q_a: tens of times too much at 10 and 20 dB."""
    p0 = 0.1
    at = 25.0 + 1.2 * math.log10(p0)
    slow = 10.0 ** (-at / 20.0)
    qap = -20.0 * math.log10(-math.log1p(-p0 * 10.0 ** (-at / 10.0) / 100.0)) / at
    bad_qt = (qap - 2.0) / (1.0 + 0.3 * slow * 10.0 ** (-0.016 * at)) - 4.3 * (slow + at / 800.0)
    for depth, excess in ((10.0, 17.0), (20.0, 43.0)):
        spread = (1.0 + 0.3 * 10.0 ** (-depth / 20.0)) * 10.0 ** (-0.016 * depth)
        bad_qa = 2.0 + spread * (bad_qt + 4.3 * 10.0 ** (-depth / 20.0 + depth / 800.0))
        wrong = 100.0 * (1.0 - math.exp(-(10.0 ** (-bad_qa * depth / 20.0))))
        assert wrong > excess * float(fade_exceeded_pct(fade_law(p0), depth))


@given(st.floats(0.02, 1000.0), st.floats(0.0, 60.0), st.floats(0.0, 10.8))
def test_the_worst_month_is_never_better_than_the_year(p0: float, depth_db: float, annual_db: float) -> None:
    month, year = (float(fade_exceeded_pct(fade_law(p0, db), depth_db)) for db in (0.0, annual_db))
    assert month >= year * (1.0 - 1e-12)


@given(st.floats(1.0, 200.0), st.floats(0.0, 30.0), st.floats(-90.0, 90.0))
def test_the_conversion_to_the_year_is_at_most_10_8_db(length_km: float, slope_mrad: float, lat_deg: float) -> None:
    assert 0.0 <= float(annual_factor_db(length_km, slope_mrad, lat_deg)) <= 10.8


def test_the_occurrence_equals_its_steps_done_one_by_one() -> None:
    rng = np.random.Generator(np.random.Philox(7))
    for _ in range(50):
        d, f = float(rng.uniform(2.0, 120.0)), float(rng.uniform(4.0, 80.0))
        a, b, ground = (float(value) for value in rng.uniform((200.0, 200.0, 50.0), (900.0, 900.0, 250.0)))
        hop = Hop(d, f, a, b, ground, 31.0, 40.0, 0.0, 1.0, 1.0, 40.0, 1e-5, 15.0)
        found = occurrence_pct(1e-5, 15.0, d, f, antenna_a_m=a, antenna_b_m=b, terrain_m=ground)
        assert float(found.occurrence_pct) == pytest.approx(p0_pct(hop), rel=1e-12)


def test_a_steeper_path_fades_less_and_one_nearer_the_ground_more() -> None:
    level, steep, low = (
        float(occurrence_pct(2e-5, 20.0, 40.0, 7.0, antenna_a_m=200.0, antenna_b_m=b, terrain_m=t).occurrence_pct)
        for b, t in ((220.0, 100.0), (620.0, 300.0), (220.0, 180.0))
    )
    assert steep < level < low


def test_the_derived_factor_makes_both_editions_agree_on_the_reference_hop() -> None:
    factor = geoclimatic_default(-300.0, 10.0, 20.0)
    new = occurrence_pct(
        factor, 10.0, 40.0, 7.0, antenna_a_m=200.0, antenna_b_m=240.0, terrain_m=220.0 - 1600 / 102 - 100
    )
    old = occurrence_17_pct(-300.0, 40.0, 7.0, inclination_mrad=1.0, lower_m=200.0, roughness_m=20.0)
    assert float(new.occurrence_pct) == pytest.approx(float(old), rel=1e-12)
    assert geoclimatic_default(-500.0) > geoclimatic_default(-300.0)


@given(st.floats(0.01, 1000.0))
def test_a_larger_enhancement_is_more_often_not_exceeded(p0: float) -> None:
    shares = enhancement_not_exceeded_pct(p0, np.linspace(0.0, 20.0, 201))
    assert (np.diff(shares) >= -1e-9).all()


# Clearance ------------------------------------------------------------------------------------------------------------


def test_bulge_and_zone_are_those_of_the_textbook() -> None:
    """50 km at its middle: the planner's 12.75 k within 0.2 %, and the wavelength's own radius."""
    assert float(earth_bulge_m(25.0, 25.0, 4.0 / 3.0)) == pytest.approx(625.0 / (12.75 * 4.0 / 3.0), rel=2e-3)
    wave_m = 0.299792458 / 7.0
    assert float(fresnel_m(25.0, 25.0, 7.0)) == pytest.approx(math.sqrt(wave_m * 25e3 * 25e3 / 50e3), rel=2e-3)


def test_the_low_factor_rises_with_the_path_and_stays_below_the_median() -> None:
    ratio = low_k_ratio(np.linspace(5.0, 300.0, 60))
    assert (np.diff(ratio) >= 0.0).all()
    assert ratio.max() < 4.0 / 3.0


def test_diffraction_grows_as_clearance_falls_without_a_jump() -> None:
    ratio = np.linspace(-30.0, 1.0, 3101)
    loss = diffraction_db(ratio)
    assert (np.diff(loss) <= 0.0).all()
    assert np.abs(np.diff(loss)).max() <= 0.21
    assert float(diffraction_db(0.0)) == 10.0


def test_an_obstacle_is_found_where_it_stands() -> None:
    km = np.linspace(0.0, 30.0, 301)
    ground = np.where(np.abs(km - 12.0) < 0.05, 140.0, 100.0)
    worst = worst_clearance(km, ground, 150.0, 150.0, frequency_ghz=7.0, k_ratio=4.0 / 3.0)
    assert float(worst.at_km[0]) == pytest.approx(12.0)
    assert float(worst.clearance_m[0]) == pytest.approx(10.0 - float(earth_bulge_m(12.0, 18.0, 4.0 / 3.0)))


def test_masts_raised_by_what_they_lack_meet_the_rules() -> None:
    km = np.linspace(0.0, 45.0, 451)
    ground = 100.0 + 60.0 * np.sin(km / 3.0) ** 2
    lack = raise_needed_m(km, ground, 140.0, 150.0, frequency_ghz=7.0)
    assert lack > 0.0
    assert raise_needed_m(km, ground, 140.0 + lack, 150.0 + lack, frequency_ghz=7.0) == pytest.approx(0.0, abs=1e-9)
    at = worst_clearance(km, ground, 140.0 + lack, 150.0 + lack, frequency_ghz=7.0, k_ratio=4.0 / 3.0)
    assert float(at.ratio[0]) >= 1.0 - 1e-9


def test_bending_takes_the_margin_for_a_thousandth_of_the_month_where_the_low_factor_does() -> None:
    """The Gaussian gradient passes through its two points: half of the time, and 99.9 %."""
    assert float(subrefraction_outage_frac(0.0, 20.0, 20.0)) == pytest.approx(1e-3, rel=1e-9)
    assert float(subrefraction_outage_frac(0.0, 20.0, 1e-9)) == pytest.approx(0.5, rel=1e-6)
    assert float(subrefraction_outage_frac(0.0, 0.0, 20.0)) == 0.0


# Gas and rain ---------------------------------------------------------------------------------------------------------


def test_absorption_peaks_at_the_lines_of_water_and_oxygen() -> None:
    """Peaks at 22.2 and 60 GHz, 14 to 16 dB/km at the latter at sea level (figure 1 of P.676)."""
    f = np.arange(1.0, 101.0, 0.5)
    dry, vapour = gas_db_per_km(f)
    assert 14.0 < float(dry.max()) < 16.0
    assert 58.0 <= float(f[np.argmax(dry)]) <= 62.0
    near = (f > 15.0) & (f < 30.0)
    assert float(f[near][np.argmax(vapour[near])]) == pytest.approx(22.25, abs=0.5)
    assert float(sum(gas_db_per_km(7.0))) < 0.012


def test_absorption_falls_with_height() -> None:
    low, high = (sum(gas_db_per_km(80.0, height)) for height in (0.0, 4.0))
    assert float(high) < 0.5 * float(low)


@given(st.floats(0.3, 60.0), st.floats(6.0, 80.0), st.floats(5.0, 120.0), st.sampled_from([0.0, 90.0]))
def test_rain_of_a_hundredth_of_a_percent_is_gamma_times_length_times_factor(
    length_km: float, frequency_ghz: float, rate_mm_h: float, tilt_deg: float
) -> None:
    k, alpha = rain_coefficients(frequency_ghz, 0.0, tilt_deg)
    factor = float(rain_factor(length_km, frequency_ghz, rate_mm_h, alpha))
    product = float(k) * rate_mm_h ** float(alpha) * length_km * factor
    assert product == pytest.approx(float(hop_rain_db(length_km, frequency_ghz, rate_mm_h, tilt_deg)), rel=1e-9)
    assert 0.0 < factor <= 2.5


def test_the_budget_holds_the_rain_of_the_table_of_p838() -> None:
    """Table 5 of ITU-R P.838-3 at 10 GHz, vertical: k 0.01129, alpha 1.2156."""
    path = budgets(hops(frequency_ghz=10.0, antenna_b_m=260.0, rain_rate_mm_h=50.0), radio()).path
    assert float(path.rain_db_per_km[0]) == pytest.approx(0.01129 * 50.0**1.2156, rel=1e-3)
    assert float(path.rain_001_db[0]) == pytest.approx(
        float(path.rain_db_per_km[0]) * 40.0 * float(path.rain_distance_ratio[0]), rel=1e-12
    )
    margin = float(path.rain_001_db[0])
    assert float(hop_rain_outage_frac(margin, margin, 10.0)) == pytest.approx(1e-4, rel=0.03)


def test_scaling_rain_to_a_higher_frequency_and_back_returns_it() -> None:
    up = scaled_rain_db(10.0, 13.0, 23.0)
    assert float(up) > 10.0
    direct = float(hop_rain_db(5.0, 23.0, 40.0, 90.0) / hop_rain_db(5.0, 13.0, 40.0, 90.0))
    assert float(up) / 10.0 == pytest.approx(direct, rel=0.25)


@given(st.floats(1e-7, 1.0))
def test_rain_of_the_worst_month_is_never_less_than_that_of_the_year(share: float) -> None:
    assert share <= float(worst_month_frac(share)) <= 1.0


# Dispersion, diversity, polarisation ----------------------------------------------------------------------------------


def test_dispersion_grows_with_the_square_of_the_delay() -> None:
    short, long = (float(selective_outage_frac(0.1, d, 1e-3)) for d in (25.0, 50.0))
    assert long / short == pytest.approx(2.0**2.6, rel=1e-12)


def test_the_printed_branches_of_the_correlation_meet() -> None:
    squared = np.linspace(0.0, 1.0, 10_001)
    values = selective_correlation(squared)
    assert np.abs(np.diff(values)).max() < 0.003
    assert (np.diff(values) >= -0.003).all()
    assert float(values[0]) == pytest.approx(0.8238)
    assert values.max() <= 1.0


@given(st.floats(0.1, 1000.0), st.floats(5.0, 60.0), st.floats(0.0, 25.0), st.floats(0.0, 0.5), st.floats(5.0, 100.0))
def test_a_second_branch_is_never_worse(
    p0: float, margin_db: float, spacing_m: float, step_ghz: float, length_km: float
) -> None:
    eta = 1.0 - math.exp(-0.2 * (p0 / 100.0) ** 0.75)
    flat = float(fade_exceeded_pct(fade_law(p0), margin_db)) / 100.0
    selective = float(selective_outage_frac(eta, length_km, 1e-3))
    for gain in (
        space_improvement(spacing_m, 7.0, length_km, p0, margin_db=margin_db),
        frequency_improvement(step_ghz, 7.0, length_km, margin_db),
    ):
        assert float(gain) >= 1.0
        joint = diversity_outage_frac(flat, selective, eta, gain, flat_correlation(gain, flat, eta))
        assert 0.0 <= float(joint) <= flat + selective


def test_diversity_in_a_budget_helps_and_its_lack_leaves_it_alone() -> None:
    plain, spaced, stepped, none = (
        budgets(hops(**extra), radio()).modes
        for extra in ({}, {"spacing_m": 12.0}, {"frequency_step_ghz": 0.2}, {"spacing_m": np.array([0.0, 12.0])})
    )
    assert (spaced.fading_frac < plain.fading_frac).all()
    assert (stepped.fading_frac < plain.fading_frac).all()
    np.testing.assert_array_equal(none.year_frac[0], plain.year_frac[0])
    np.testing.assert_array_equal(none.year_frac[1], spaced.year_frac[0])


@given(st.floats(0.01, 500.0), st.floats(5.0, 40.0))
def test_clear_air_discrimination_has_a_floor_that_no_antenna_lowers(p0: float, carrier_db: float) -> None:
    """XPD0 stops at 40 dB: an antenna of 60 dB is no better than one of 36."""
    good, better = (float(clear_air_xpd_outage_frac(xpd, p0, carrier_db, 0.0)) for xpd in (36.0, 60.0))
    assert better == good
    poor, cancelled = (float(clear_air_xpd_outage_frac(25.0, p0, carrier_db, db)) for db in (0.0, 20.0))
    assert cancelled <= good <= poor
    assert cancelled == pytest.approx(poor / 100.0, rel=1e-9) or poor == 1.0


@given(st.floats(8.0, 38.0), st.floats(5.0, 40.0), st.floats(1.0, 80.0))
def test_rain_discrimination_has_the_floor_of_its_law(frequency_ghz: float, carrier_db: float, rain_db: float) -> None:
    plain, cancelled = (
        float(rain_xpd_outage_frac(rain_xpd_attenuation_db(frequency_ghz, carrier_db, db), rain_db))
        for db in (0.0, 20.0)
    )
    floor = 10.0 ** (0.5 * (math.sqrt(161.23 - 160.0) - 12.7) - 2.0)
    assert floor * (1.0 - 1e-12) <= cancelled <= plain <= 0.01


# Budgets --------------------------------------------------------------------------------------------------------------


def test_budgets_equal_those_of_plain_arithmetic_hop_by_hop() -> None:
    rng = np.random.Generator(np.random.Philox(11))
    n = 60
    columns = {
        "length_km": rng.uniform(1.0, 80.0, n),
        "frequency_ghz": rng.uniform(6.0, 40.0, n),
        "antenna_a_m": rng.uniform(200.0, 900.0, n),
        "antenna_b_m": rng.uniform(200.0, 900.0, n),
        "terrain_m": rng.uniform(50.0, 250.0, n),
        "lat_deg": rng.uniform(24.0, 37.0, n),
        "gain_a_dbi": rng.uniform(36.0, 44.0, n),
        "gain_b_dbi": rng.uniform(36.0, 44.0, n),
    }
    set_ = radio()
    found = budgets(make_hops(**columns, geoclimatic=2e-5, refractivity_n_units=20.0), set_)
    for i in range(n):
        d, f, a, b, ground, lat, *_ = (float(column[i]) for column in columns.values())
        k, alpha = rain_coefficients(f, math.degrees(math.atan(abs(a - b) / 1000.0 / d)), 90.0)
        gas = sum(float(value) for value in gas_db_per_km(f, (a + b) / 2000.0)) * d
        loss = 92.45 + 20.0 * math.log10(d) + 20.0 * math.log10(f) + gas
        hop = Hop(d, f, a, b, ground, lat, 0.0, loss, float(k), float(alpha), 40.0, 2e-5, 20.0)
        worst_month = worst_year = 0.0
        for s, threshold in enumerate(set_.threshold_dbm):
            gains = float(columns["gain_a_dbi"][i] + columns["gain_b_dbi"][i])
            margin = float(set_.tx_power_dbm[s]) + gains - loss - float(threshold)
            assert float(found.modes.margin_db[i, s]) == pytest.approx(margin, abs=1e-9)
            month, year = outages(hop, margin, float(set_.signature_ghz_per_ns[s])) if margin > 0.0 else (1.0, 1.0)
            worst_month, worst_year = max(worst_month, month), max(worst_year, year)
            assert float(found.modes.month_frac[i, s]) == pytest.approx(worst_month, rel=1e-6)
            assert float(found.modes.year_frac[i, s]) == pytest.approx(worst_year, rel=1e-6)


@given(st.floats(0.5, 100.0), st.floats(6.0, 80.0), st.floats(0.0, 40.0), st.booleans())
def test_a_budget_keeps_its_order(length_km: float, frequency_ghz: float, bend_db: float, is_dual: bool) -> None:  # noqa: FBT001
    """Month worse than year, faster modulations worse than robust ones, capacity within its ends."""
    found = budgets(
        hops(length_km=length_km, frequency_ghz=frequency_ghz, diffraction_low_db=bend_db),
        radio(is_dual=is_dual, cancellation_db=20.0),
    )
    month, year = found.modes.month_frac[0], found.modes.year_frac[0]
    assert (month >= year - 1e-15).all()
    assert (np.diff(month) >= 0.0).all()
    assert (np.diff(year) >= 0.0).all()
    assert 0.0 <= float(found.mean_month_mbps[0]) <= float(found.mean_year_mbps[0]) + 1e-9
    assert float(found.mean_year_mbps[0]) <= 238.0 * (2.0 if is_dual else 1.0)


def test_a_hop_without_margin_is_out_all_the_time_and_carries_nothing() -> None:
    found = budgets(hops(loss_db=60.0, degradation_db=60.0), radio())
    assert (found.modes.year_frac == 1.0).all()
    assert float(found.mean_year_mbps[0]) == 0.0


def test_the_order_and_number_of_hops_do_not_matter() -> None:
    rng = np.random.Generator(np.random.Philox(3))
    length = rng.uniform(1.0, 60.0, 5000)
    whole = budgets(hops(length_km=length, spacing_m=10.0), radio())
    order = rng.permutation(length.size)
    shuffled = budgets(hops(length_km=length[order], spacing_m=10.0), radio())
    np.testing.assert_array_equal(whole.modes.year_frac[order], shuffled.modes.year_frac)
    alone = budgets(hops(length_km=length[17], spacing_m=10.0), radio())
    np.testing.assert_array_equal(whole.modes.month_frac[17], alone.modes.month_frac[0])


def test_interference_takes_its_decibels_from_the_margin() -> None:
    clean, noisy = (budgets(hops(degradation_db=db), radio()).modes for db in (0.0, 3.0))
    np.testing.assert_allclose(clean.margin_db - noisy.margin_db, 3.0)
    assert (noisy.year_frac >= clean.year_frac).all()


def test_the_mean_capacity_is_the_sum_over_states() -> None:
    outage = np.array([[0.001, 0.01, 0.2]])
    expected = 0.8 * 300.0 + (0.99 - 0.8) * 200.0 + (0.999 - 0.99) * 100.0
    assert float(mean_capacity_mbps(outage, np.array([100.0, 200.0, 300.0]))[0]) == pytest.approx(expected)


def test_bad_hops_are_refused_all_at_once_with_row_and_cure() -> None:
    with pytest.raises(InputError) as caught:
        hops(length_km=np.array([40.0, -1.0]), frequency_ghz=np.array([7.5, 7_500.0]), rain_rate_mm_h=np.nan)
    places = {(problem.column, problem.row) for problem in caught.value.problems}
    assert places == {("length_km", 2), ("frequency_ghz", 2), ("rain_rate_mm_h", 1), ("rain_rate_mm_h", 2)}
    with pytest.raises(InputError, match="lenght_km"):
        make_hops(lenght_km=3.0)


def test_a_radio_whose_modulations_are_out_of_order_is_refused() -> None:
    with pytest.raises(InputError, match="rise"):
        Radio("r", 7.5, 28.0, ("a", "b"), *(np.array([2.0, 1.0]) for _ in range(5)))
