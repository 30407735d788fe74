"""Noise of an amplified fibre line: Raman profile, nonlinear interference, amplifier noise, span after span.

Units inside: THz, ps, km, W; so a dispersion in ps2/km times THz2 is a phase mismatch in 1/km.
Sources: P. Poggiolini, arXiv:1209.0394, eq. 120-123 (``gn``); D. Semrau, R. Killey and P. Bayvel,
Journal of Lightwave Technology 37, 2019 (arXiv:1808.07940), whose idea of a power profile made of exponentials and
an interference made of Lorentzians is carried one exponential and the finite span further here (``isrs``).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from rahdari.kernels.arrays import Floats, Ints

SELF_WEIGHT = 16.0 / 27.0  # Poggiolini, arXiv:1209.0394: both polarisations, local white noise
CROSS_WEIGHT = 32.0 / 27.0  # same, the two orders of the pump pair
PLANCK_W_PER_THZ2 = 6.62607015e-34 * 1e24  # exact, SI brochure; h f B with f and B in THz
N_EXPONENTIALS = 3  # C and L at full load: the third brings the profile within 0.01 dB
RAMAN_STEP = 1.0  # greatest growth of a logarithm in one step of the series: the fifth term is then below 1 %
NEAR_LIMIT = 60.0  # phase mismatch over loss beyond which arctan(x / 3) is its three-term series to 7e-8
#: Points and weights of the eight-point Gauss rule on (0, 1); Abramowitz and Stegun, table 25.4.
GAUSS_POINTS = (
    (0.0198550717512319, 0.0506142681451880),
    (0.1016667612931870, 0.1111905172266870),
    (0.2372337950418360, 0.1568533229389440),
    (0.4082826787521750, 0.1813418916891810),
    (0.5917173212478250, 0.1813418916891810),
    (0.7627662049581640, 0.1568533229389440),
    (0.8983332387068130, 0.1111905172266870),
    (0.9801449282487681, 0.0506142681451880),
)
#: Columns of the amplifier array.
NOISE_FACTOR, NOISE_RISE, GAIN_MIN_DB, GAIN_MAX_DB, POWER_MAX_W, TILT_DB = 0, 1, 2, 3, 4, 5


@njit("void(float64[::1], float64[::1], float64[::1], float64[:, ::1])", cache=True)
def raman_gain(frequency_thz: Floats, area_um2: Floats, table_um2_per_w_km: Floats, gain: Floats) -> None:
    """Fill ``gain`` (n, n), 1/(W km): growth of row's channel per watt of column's channel, before fibre loss.

    ``table_um2_per_w_km`` holds the Raman efficiency per THz of pump frequency at whole THz of offset; zero beyond.
    The efficiency scales with the pump's frequency and falls with the mean of the two areas.
    """
    n, last = frequency_thz.size, table_um2_per_w_km.size - 1
    for i in range(n):
        gain[i, i] = 0.0
        for k in range(i):
            offset = abs(frequency_thz[k] - frequency_thz[i])
            whole = int(offset)
            value = 0.0
            if whole < last:
                low, high = table_um2_per_w_km[whole], table_um2_per_w_km[whole + 1]
                value = (low + (high - low) * (offset - whole)) * max(frequency_thz[i], frequency_thz[k])
                value *= 2.0 / (area_um2[i] + area_um2[k])
            if frequency_thz[k] < frequency_thz[i]:
                value = -value
            gain[i, k], gain[k, i] = value, -value


@njit("void(float64[:, ::1], float64[::1], float64, float64[::1])", cache=True)
def raman_step(gain: Floats, power_w: Floats, length_km: float, exponent: Floats) -> None:
    """Add to ``exponent`` (n,) what Raman scattering does over a piece of effective length, and move ``power_w`` on.

    With equal losses the power equations are autonomous in the effective length u: d ln p / du = gain @ p, p without
    its loss.  The derivatives s1 to s4 of the logarithm follow by differentiating, as those of p are p s1,
    p (s2 + s1^2) and p (s3 + 3 s1 s2 + s1^3); the series is taken to the fourth.
    """
    n = power_w.size
    series, drive, grown = np.zeros((4, n)), np.empty(n), np.zeros(n)
    scale = 1.0
    for order in range(4):
        for k in range(n):
            s1, s2, s3 = series[0, k], series[1, k], series[2, k]
            factors = (1.0, s1, s2 + s1 * s1, s3 + 3.0 * s1 * s2 + s1 * s1 * s1)
            drive[k] = power_w[k] * factors[order]
        scale *= length_km / (order + 1)
        for k in range(n):
            for i in range(n):
                series[order, i] -= gain[k, i] * drive[k]  # the gain is antisymmetric
        for i in range(n):
            grown[i] += scale * series[order, i]
    for i in range(n):
        exponent[i] += grown[i]
        power_w[i] *= math.exp(grown[i])


@njit("void(float64[:, ::1], float64[::1], float64, float64[:, ::1])", cache=True)
def raman_exponents(gain: Floats, power_w: Floats, effective_km: float, exponent: Floats) -> None:
    """Fill ``exponent`` (2, n): logarithm of what Raman scattering did by half and by all of the effective length."""
    power, total, strongest = power_w.copy(), 0.0, 0.0
    for i in range(power_w.size):
        total += power_w[i]
        for k in range(power_w.size):
            strongest = max(strongest, gain[i, k])
    n_steps = max(1, math.ceil(0.5 * strongest * total * effective_km / RAMAN_STEP))
    exponent[:] = 0.0
    for half in range(2):
        if half == 1:
            exponent[1] = exponent[0]
        for _ in range(n_steps):
            raman_step(gain, power, 0.5 * effective_km / n_steps, exponent[half])


@njit("void(float64[:, ::1], float64[::1], float64, float64[:, ::1])", cache=True)
def lorentzians(exponent: Floats, loss_per_km: Floats, length_km: float, weight: Floats) -> None:
    """Fill ``weight`` (3, n), km: the power profile's spectrum as Lorentzians of widths 1, 2, 3 times the loss.

    The profile is x (c0 + c1 x + c2 x^2) with x = exp(-loss z), drawn through both ends and the middle of the
    effective length.  The squared Fourier transform over the span is then, by partial fractions, the sum of
    weight[m] a / (a^2 + mismatch^2) with a = (m + 1) loss; the span's end enters through Parseval's theorem, so that
    the integral over all mismatches is exact for any length.
    """
    end = math.exp(-loss_per_km.mean() * length_km)
    middle = 0.5 * (1.0 + end)
    c = np.empty(N_EXPONENTIALS)
    for i in range(loss_per_km.size):
        at_middle, at_end = math.exp(exponent[0, i]), math.exp(exponent[1, i])
        first = (at_middle - 1.0) / (middle - 1.0)
        second = ((at_end - at_middle) / (end - middle) - first) / (end - 1.0)
        c[0] = 1.0 - first + second * middle
        c[1] = first - second * (1.0 + middle)
        c[2] = second
        lost = math.exp(-loss_per_km[i] * length_km)
        for m in range(N_EXPONENTIALS):
            total = 0.0
            for j in range(N_EXPONENTIALS):
                total += c[j] * (1.0 - lost ** (m + j + 2)) / (m + j + 2)
            weight[m, i] = 2.0 * c[m] * total / loss_per_km[i]


@njit("float64(float64, float64, float64, float64, float64[:, ::1], int64)", cache=True)
def self_integral(
    mismatch: float, baud_thz: float, loss_per_km: float, length_km: float, weight: Floats, i: int
) -> float:
    """Return the channel's own interference integral, km2 THz2, over the hexagon where all three waves lie in it.

    The inner integral is an arctangent; the outer one is by Gauss points in the square root of the frequency, which
    flattens the logarithm at its lower end.  ``mismatch`` is 4 pi^2 |beta2|.  The wave that ends with the span beats
    with the one that begins it, which Parseval's theorem averages over all mismatches; what it leaves at small ones is
    put back: the integral of cos(d L) / (a^2 + d^2) from 0 to x is its limit, reached by an exponential of the right
    third order, and the first term of its expansion for large x L.
    """
    half = 0.5 * baud_thz
    lost = math.exp(-loss_per_km * length_km)
    limit = 0.5 * math.pi * lost / loss_per_km
    cubic = 4.0 / (3.0 * math.pi) / (lost * (loss_per_km * length_km) ** 3)
    total = 0.0
    for t, share in GAUSS_POINTS:
        nu = half * t * t
        inner = 0.0
        for m in range(N_EXPONENTIALS):
            rate = mismatch * nu / ((m + 1) * loss_per_km)
            inner += weight[m, i] * (math.atan(rate * half) + math.atan(rate * (half - nu)))
        for edge in (half, half - nu):
            x = mismatch * nu * edge
            turn = x * length_km
            swing = math.sin(turn) / (length_km * (loss_per_km**2 + x * x))
            beat = swing - limit * math.expm1(-cubic * turn**3)
            inner += 2.0 * lost * (lost / loss_per_km * math.atan(x / loss_per_km) - beat)
        total += share * inner * 2.0 / t
    return float(2.0 * total / mismatch)


@njit("float64(float64, float64, float64, float64, float64, float64[:, ::1], int64)", cache=True)
def near_integral(
    mismatch: float, offset: float, baud: float, other_baud: float, loss_per_km: float, weight: Floats, k: int
) -> float:
    """Return the interference integral, km2 THz2, of a near channel ``k``: the lozenge where two waves lie in it."""
    ramp = min(0.5 * baud, other_baud)
    spread = math.log((offset + 0.5 * other_baud) / (offset - 0.5 * other_baud)) / other_baud
    total = 0.0
    for m in range(N_EXPONENTIALS):
        slope = mismatch * offset / ((m + 1) * loss_per_km)
        flat = (other_baud - ramp) * math.atan(0.5 * slope * baud) + ramp * math.atan(slope * ramp)
        corner = 0.5 * math.log(1.0 + (slope * ramp) ** 2) / slope
        total += weight[m, k] * (flat * spread - corner / offset)
    return float(2.0 * total / mismatch)


@njit("void(float64[:, ::1], float64[:, ::1], float64, float64[:, ::1], float64[:, ::1])", cache=True)
def isrs_efficiency(spectrum: Floats, fibre: Floats, length_km: float, weight: Floats, efficiency: Floats) -> None:
    """Fill ``efficiency`` (n, n), 1/W2: interference over signal of column's channel per square of row's power.

    Interference counts in the column's own symbol rate, as white; power is what enters the fibre.
    """
    frequency, baud, loss, beta2 = spectrum[0], spectrum[1], fibre[0], fibre[1]
    n = frequency.size
    sums = np.empty((4, n))
    for k in range(n):
        w1, w2, w3 = weight[0, k], weight[1, k], weight[2, k]
        scale = CROSS_WEIGHT * 2.0 / baud[k]
        sums[0, k] = scale * 0.5 * math.pi * (w1 + w2 + w3)
        sums[1, k] = scale * 2.0 * loss[k] * (w1 + 2.0 * w2 + 3.0 * w3)
        sums[2, k] = scale * 8.0 / 3.0 * loss[k] ** 3 * (w1 + 8.0 * w2 + 27.0 * w3)
        sums[3, k] = baud[k] ** 2 / 12.0
    for i in range(n):
        strength = fibre[2, i] ** 2
        for k in range(n):
            if k == i:
                mismatch = 4.0 * math.pi**2 * abs(beta2[i])
                value = SELF_WEIGHT / baud[i] ** 2 * self_integral(mismatch, baud[i], loss[i], length_km, weight, i)
                efficiency[i, i] = strength * value
                continue
            offset = abs(frequency[k] - frequency[i])
            mismatch = 2.0 * math.pi**2 * abs(beta2[i] + beta2[k])
            slope = mismatch * offset
            reach = slope * baud[i]
            if reach < 2.0 * NEAR_LIMIT * loss[k]:
                value = near_integral(mismatch, offset, baud[i], baud[k], loss[k], weight, k)
                efficiency[k, i] = strength * CROSS_WEIGHT / baud[k] ** 2 * value
            else:
                inverse = 1.0 / reach
                value = sums[0, k] - sums[1, k] * inverse + sums[2, k] * inverse**3
                efficiency[k, i] = strength * value / slope * (1.0 + sums[3, k] / (offset * offset))


@njit("void(float64[:, ::1], float64[:, ::1], float64, float64[:, ::1])", cache=True)
def gn_efficiency(spectrum: Floats, fibre: Floats, length_km: float, efficiency: Floats) -> None:
    """Fill ``efficiency`` (n, n) as above by Poggiolini's closed form, eq. 120 and 123, without Raman scattering."""
    frequency, baud, loss, beta2 = spectrum[0], spectrum[1], fibre[0], fibre[1]
    n = frequency.size
    pump = np.empty(n)
    for k in range(n):
        pump[k] = CROSS_WEIGHT / baud[k] ** 2 * (1.0 - math.exp(-loss[k] * length_km)) ** 2 / loss[k]
    for i in range(n):
        strength = fibre[2, i] ** 2
        for k in range(n):
            mean_beta2 = 0.5 * abs(beta2[i] + beta2[k])
            scale = math.pi**2 * mean_beta2 * baud[i] / loss[k]
            offset = abs(frequency[k] - frequency[i])
            right = scale * (offset + 0.5 * baud[k])
            left = scale * (offset - 0.5 * baud[k])
            # One logarithm for the difference of two inverse hyperbolic sines.
            ratio = (right + math.sqrt(right * right + 1.0)) / (left + math.sqrt(left * left + 1.0))
            share = SELF_WEIGHT / CROSS_WEIGHT if k == i else 1.0
            efficiency[k, i] = share * strength * pump[k] * math.log(ratio) / (4.0 * math.pi * mean_beta2)


@njit("float64(float64[:, ::1], int64, float64)", cache=True)
def noise_factor(amplifier: Floats, band: int, gain_db: float) -> float:
    """Return the noise factor at a gain: two stages with a variable loss between; below the least gain a pad."""
    used_db = min(max(gain_db, amplifier[band, GAIN_MIN_DB]), amplifier[band, GAIN_MAX_DB])
    factor = amplifier[band, NOISE_FACTOR] + amplifier[band, NOISE_RISE] * 10.0 ** (-0.2 * used_db)
    return float(factor * 10.0 ** (0.1 * max(amplifier[band, GAIN_MIN_DB] - gain_db, 0.0)))


@njit("boolean(float64[::1], float64[::1])", cache=True)
def is_same(a: Floats, b: Floats) -> bool:
    """Return whether two arrays of one size are equal, value by value."""
    for i in range(a.size):  # noqa: SIM110 -- compiled loop
        if a[i] != b[i]:
            return False
    return True


@njit("void(float64[:, ::1], float64[::1], float64[::1], float64[::1], float64[::1])", cache=True)
def interference(
    efficiency: Floats, power_w: Floats, total_ratio: Floats, own_ratio: Floats, cross_ratio: Floats
) -> None:
    """Fill the shares (n,) of each channel's power that one span turns into own and cross interference.

    ``total_ratio`` is what a channel carries with its noise over its signal as designed.
    """
    n = power_w.size
    cross_ratio[:] = 0.0
    for k in range(n):
        square = (power_w[k] * total_ratio[k]) ** 2
        own_ratio[k] = efficiency[k, k] * square
        for i in range(k):
            cross_ratio[i] += efficiency[k, i] * square
        for i in range(k + 1, n):
            cross_ratio[i] += efficiency[k, i] * square


@njit(
    "void(float64[::1], int64[::1], float64[::1], float64[:, ::1], float64[::1], int64, float64[::1])",
    cache=True,
)
def amplify(
    frequency_thz: Floats,
    band: Ints,
    target_w: Floats,
    amplifier: Floats,
    arriving_w: Floats,
    is_equaliser: int,
    leaving_w: Floats,
) -> None:
    """Fill ``leaving_w`` (n,): what the amplifiers of one site are set to give, each within its greatest power.

    An equaliser gives every channel its target; elsewhere one gain restores the band's total power and its tilt adds
    decibels linearly over the band, more at low frequencies where positive.  Noise does not enter the setting.
    """
    for b in range(amplifier.shape[0]):
        arriving, target, low, high = 0.0, 0.0, math.inf, -math.inf
        for i in range(band.size):
            if band[i] == b:
                arriving += arriving_w[i]
                target += target_w[i]
                low, high = min(low, frequency_thz[i]), max(high, frequency_thz[i])
        if arriving == 0.0:
            continue
        share = min(1.0, amplifier[b, POWER_MAX_W] / target)
        for i in range(band.size):
            if band[i] == b and is_equaliser:
                leaving_w[i] = share * target_w[i]
            elif band[i] == b:
                place = 0.5 - (frequency_thz[i] - low) / max(high - low, 1e-12)
                tilt = 10.0 ** (0.1 * amplifier[b, TILT_DB] * place)
                leaving_w[i] = share * arriving_w[i] * target / arriving * tilt


@njit("void(float64[:, ::1], int64[::1], float64[:, ::1], float64[::1], float64[::1], float64[::1])", cache=True)
def amplifier_noise(
    spectrum: Floats, band: Ints, amplifier: Floats, arriving_w: Floats, leaving_w: Floats, noise_ratio: Floats
) -> None:
    """Fill ``noise_ratio`` (n,): spontaneous emission of one site over the designed signal, in the symbol rate."""
    for b in range(amplifier.shape[0]):
        total_db, count = 0.0, 0
        for i in range(band.size):
            if band[i] == b:
                total_db += 10.0 * math.log10(leaving_w[i] / arriving_w[i])
                count += 1
        factor = noise_factor(amplifier, b, total_db / max(count, 1))
        for i in range(band.size):
            if band[i] == b:
                noise_ratio[i] = PLANCK_W_PER_THZ2 * spectrum[0, i] * spectrum[1, i] * factor / arriving_w[i]


@njit(
    "void(float64[:, ::1], float64[::1], float64[::1], float64[:, ::1], float64[:, ::1], int64, float64[:, ::1], "
    "float64[::1])",
    cache=True,
)
def cross_span(
    spectrum: Floats,
    power_w: Floats,
    passing: Floats,
    fibre: Floats,
    gain: Floats,
    is_isrs: int,
    efficiency: Floats,
    arriving_w: Floats,
) -> None:
    """Fill what one span does to the designed powers: ``efficiency`` (n, n) and ``arriving_w`` (n,).

    ``spectrum`` rows: frequency and symbol rate, THz.  ``passing``: length in km and the ratios that pass the two
    connectors.  ``fibre`` rows: loss per km, beta2, gamma, area.
    """
    n, length_km, loss = power_w.size, passing[0], fibre[0]
    exponent = np.zeros((2, n))
    if is_isrs:
        weight = np.empty((N_EXPONENTIALS, n))
        mean_loss = loss.mean()
        raman_exponents(gain, power_w * passing[1], (1.0 - math.exp(-mean_loss * length_km)) / mean_loss, exponent)
        lorentzians(exponent, loss, length_km, weight)
        isrs_efficiency(spectrum, fibre, length_km, weight, efficiency)
    else:
        gn_efficiency(spectrum, fibre, length_km, efficiency)
    for i in range(n):
        kept = math.exp(exponent[1, i] - loss[i] * length_km)
        arriving_w[i] = power_w[i] * passing[1] * kept * passing[2]


@njit(
    "void(float64[:, ::1], float64[::1], int64[::1], float64[:, ::1], int64[::1], int64[::1], float64[:, ::1], "
    "float64[:, :, ::1], float64[::1], int64, float64[:, ::1])",
    cache=True,
)
def line_noise(
    spectrum: Floats,
    launch_w: Floats,
    band: Ints,
    amplifier: Floats,
    kind: Ints,
    is_equaliser: Ints,
    passing: Floats,
    fibre: Floats,
    raman_table: Floats,
    is_isrs: int,
    out: Floats,
) -> None:
    """Carry ``out`` (5, n) down the line: signal, amplifier noise, own and cross interference, designed power, W.

    The first four are ratios to the signal as designed and enter as launched.  Interference is power taken from what
    the channel carries; amplifier noise is added to it; gains are as designed without noise.  ``kind`` (n_spans,)
    points into the rows of ``passing`` (n_kinds, 3) and ``fibre`` (n_kinds, 4, n).  A span that repeats the kind and
    the powers of the one before is not computed again.
    """
    n = launch_w.size
    power, before, total = launch_w.copy(), np.zeros(n), np.empty(n)
    gain, efficiency, arriving, noise = np.zeros((n, n)), np.empty((n, n)), np.empty(n), np.empty(n)
    own, cross = np.empty(n), np.empty(n)
    known, gain_of, was_equaliser = -1, -1, -1
    for s in range(kind.size):
        j = kind[s]
        is_new = j != known or not is_same(power, before)
        if is_new:
            if is_isrs and gain_of != j:
                raman_gain(spectrum[0], fibre[j, 3], raman_table, gain)
                gain_of = j
            cross_span(spectrum, power, passing[j], fibre[j], gain, is_isrs, efficiency, arriving)
            before[:] = power
            known = j
        for i in range(n):
            total[i] = passing[j, 1] * (out[0, i] + out[1, i] + out[2, i] + out[3, i])
        interference(efficiency, before, total, own, cross)
        if is_new or is_equaliser[s] != was_equaliser:
            amplify(spectrum[0], band, launch_w, amplifier, arriving, is_equaliser[s], power)
            amplifier_noise(spectrum, band, amplifier, arriving, power, noise)
            was_equaliser = is_equaliser[s]
        for i in range(n):
            kept = 1.0 / (1.0 + own[i] + cross[i])
            taken = total[i] / passing[j, 1] * kept
            out[0, i] *= kept
            out[1, i] = out[1, i] * kept + noise[i]
            out[2, i] = out[2, i] * kept + own[i] * taken
            out[3, i] = out[3, i] * kept + cross[i] * taken
    out[4] = power
