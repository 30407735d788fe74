"""Signal to noise of an amplified fibre line of equal spans, and the rate it carries.

Amplified spontaneous emission from the noise figure; nonlinear interference in :func:`gsnr_db` from the line model of
:mod:`rahdari.methods.line`, and as a check by hand from the closed incoherent Gaussian-noise model for a fully loaded
band (Poggiolini et al., Journal of Lightwave Technology 32, 2014, eq. 15).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rahdari.methods.line import GHZ_PER_THZ, LARGEST_LOSS_DB, Amplifier, Channels, Span, line_gsnr_db

PLANCK_JS = 6.62607015e-34  # exact, SI brochure
CARRIER_THZ = 193.4
CARRIER_HZ = CARRIER_THZ * 1e12  # centre of the C band, ITU-T G.694.1
REFERENCE_BANDWIDTH_HZ = 12.5e9  # 0.1 nm at 1550 nm, in which OSNR is quoted
WATT_PER_MILLIWATT = 1e-3
KM_PER_M = 1e-3
DB_PER_NEPER = 10.0 / math.log(10.0)
DISPERSION_PS2_PER_KM = 21.3  # |beta 2| of ITU-T G.652 fibre at 1550 nm (16.7 ps/nm/km)
NONLINEARITY_PER_W_KM = 1.3  # gamma of ITU-T G.652 fibre
S2_PER_PS2 = 1e-24
GBPS_PER_TBPS = 1000.0

#: (needed OSNR in 0.1 nm, dB; net rate of one channel, Gbit/s; modulation): receiver tolerances of the
#: OpenZR+ multi-source agreement, revision 3, restated from general knowledge; a catalogue may replace them.
MODULATIONS: tuple[tuple[float, float, str], ...] = (
    (24.0, 400.0, "16qam"),
    (21.0, 300.0, "8qam"),
    (16.0, 200.0, "qpsk_200g"),
    (12.5, 100.0, "qpsk_100g"),
)


@dataclass(frozen=True, slots=True)
class LineDesign:
    """A line of equal amplified spans, fully loaded with equal channels."""

    loss_db_per_km: float
    span_extra_loss_db: float
    noise_figure_db: float
    launch_power_dbm: float
    symbol_rate_ghz: float
    spacing_ghz: float
    n_channels: int


def from_db(value_db: float) -> float:
    """Return the power ratio of decibels.

    >>> from_db(20.0)
    100.0
    """
    return float(10.0 ** (value_db / 10.0))


def span_noise_ratio(design: LineDesign, span_km: float) -> float:
    """Return noise over signal that one amplified span adds by spontaneous emission, in 0.1 nm.

    The amplifier makes up the whole span loss, for gains well above one.
    """
    loss = from_db(design.loss_db_per_km * span_km + design.span_extra_loss_db)
    noise_w = PLANCK_JS * CARRIER_HZ * REFERENCE_BANDWIDTH_HZ * from_db(design.noise_figure_db) * loss
    return noise_w / (from_db(design.launch_power_dbm) * WATT_PER_MILLIWATT)


def span_interference_ratio(design: LineDesign, span_km: float) -> float:
    """Return nonlinear interference over signal that one span adds, in the channel's own bandwidth.

    Poggiolini 2014, eq. 15: spans add incoherently and the band is full, at the middle channel.
    """
    loss_per_km = design.loss_db_per_km / DB_PER_NEPER
    asymptotic_km = 1.0 / loss_per_km
    effective_km = (1.0 - math.exp(-loss_per_km * span_km)) / loss_per_km
    dispersion = DISPERSION_PS2_PER_KM * S2_PER_PS2
    band_hz = design.n_channels * design.spacing_ghz * 1e9
    density_w_per_hz = from_db(design.launch_power_dbm) * WATT_PER_MILLIWATT / (design.spacing_ghz * 1e9)
    spread = math.asinh(math.pi**2 / 2.0 * dispersion * asymptotic_km * band_hz**2)
    strength = (8.0 / 27.0) * NONLINEARITY_PER_W_KM**2 * effective_km**2 * density_w_per_hz**3
    interference_w_per_hz = strength * spread / (math.pi * dispersion * asymptotic_km)
    return interference_w_per_hz / density_w_per_hz


def osnr_db(design: LineDesign, span_km: float, n_spans: int) -> float:
    """Return the optical signal to noise ratio after ``n_spans`` equal spans, in 0.1 nm, amplifier noise alone."""
    return -10.0 * math.log10(n_spans * span_noise_ratio(design, span_km))


def gsnr_db(design: LineDesign, span_km: float, n_spans: int) -> float:
    """Return the generalised signal to noise ratio in 0.1 nm of the worst channel, noise and interference counted.

    By :mod:`rahdari.methods.line` with Raman scattering between channels; the far end of a span takes its extra loss.
    """
    plant = Span(span_km, design.loss_db_per_km, connector_out_db=design.span_extra_loss_db)
    first_thz = CARRIER_THZ - 0.5 * (design.n_channels - 1) * design.spacing_ghz / GHZ_PER_THZ
    channels = Channels.grid(
        design.n_channels,
        spacing_ghz=design.spacing_ghz,
        symbol_rate_ghz=design.symbol_rate_ghz,
        power_dbm=design.launch_power_dbm,
        first_thz=first_thz,
    )
    amplifier = Amplifier(noise_figure_db=design.noise_figure_db, gain_max_db=LARGEST_LOSS_DB)
    return float(line_gsnr_db((plant,) * n_spans, channels, amplifier, physics="isrs").min())


def channel_rate_gbps(gsnr_value_db: float, margin_db: float) -> tuple[float, str]:
    """Return the net rate of one channel and its modulation, or ``(0.0, "none")`` where no rate holds.

    >>> channel_rate_gbps(20.0, 2.0)
    (200.0, 'qpsk_200g')
    """
    for needed_db, rate_gbps, modulation in MODULATIONS:
        if gsnr_value_db - margin_db >= needed_db:
            return rate_gbps, modulation
    return 0.0, "none"


def spans_in(fibre_km: float, longest_span_km: float) -> int:
    """Return the number of equal spans, none longer than ``longest_span_km``; at least one.

    >>> spans_in(161.0, 80.0)
    3
    """
    return max(1, int(np.ceil(fibre_km / longest_span_km - 1e-12)))
