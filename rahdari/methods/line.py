"""Generalised signal-to-noise ratio of a wavelength-division line: spans, channels and amplifiers in, decibels out.

Two physics, both in closed form, spans adding incoherently:

- ``gn``: Poggiolini, arXiv:1209.0394, eq. 120 and 123, without Raman scattering between channels; what GNPy computes
  by default (``gn_model_analytic``).
- ``isrs``: inter-channel stimulated Raman scattering to the fourth order of the effective length, and the
  interference of each power profile as three Lorentzians after Semrau, Killey and Bayvel, Journal of Lightwave
  Technology 37, 2019; compared in the tests with GNPy's numerical ``ggn_spectrally_separated``.

Both treat the spectrum of a channel as a rectangle as wide as its symbol rate and take the signal as Gaussian, which
overstates interference of sparse constellations by some tenths of a decibel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from rahdari.errors import Problem, raise_if_any
from rahdari.kernels.line import line_noise as fill_line_noise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

Physics = Literal["gn", "isrs"]

LIGHT_SPEED_NM_THZ = 299_792.458  # exact: nanometres times terahertz
REFERENCE_WAVELENGTH_NM = 1550.0  # where fibre data sheets state dispersion and area
REFERENCE_BANDWIDTH_GHZ = 12.5  # 0.1 nm at 1550 nm, in which OSNR is quoted
DB_PER_NEPER = 10.0 / math.log(10.0)
WATT_PER_MILLIWATT = 1e-3
GHZ_PER_THZ = 1000.0
KERR_NM_UM2_PER_W_KM = 26_000.0  # n2 = 2.6e-20 m2/W: silica fibre, G. Agrawal, Nonlinear Fiber Optics, table 11.1
CORE_RADIUS_UM = 4.2  # ITU-T G.652 fibre; sets how the mode's area falls with frequency
PS2_PER_KM = 1e-3 / (2.0 * math.pi * 299.792458)  # |beta2| = wavelength^2 D / (2 pi c): ps/nm/km and nm2 to ps2/km
#: Raman efficiency of standard fibre times area, um2/(W km), per THz of the pump's frequency, at whole THz of offset
#: from 0: after the profile that GNPy 3 attributes to A. D'Amico et al., Journal of Lightwave Technology 40, 2022.
RAMAN_UM2_PER_W_KM_THZ = (
    0.0, 0.0128, 0.0298, 0.0410, 0.0465, 0.0527, 0.0589, 0.0709, 0.0847, 0.105, 0.127,
    0.144, 0.158, 0.161, 0.148, 0.122, 0.0480, 0.0295, 0.0349, 0.0273, 0.0134,
)  # fmt: skip
_RAMAN_TABLE = np.array(RAMAN_UM2_PER_W_KM_THZ)
#: Beyond one band the Raman tilt of a span exceeds a decibel and cannot be left out: width of the C band with margin.
WIDEST_SINGLE_BAND_THZ = 5.0
LOUDEST_DBM = 30.0  # a watt a channel; no fibre connector stands more
CLEARANCE_THZ = 1e-9  # a kilohertz: rounding of frequencies in THz
LARGEST_LOSS_DB = 300.0  # beyond, no photon arrives and ratios overflow


@dataclass(frozen=True, slots=True)
class Span:
    """One fibre between two amplifiers; defaults are ITU-T G.652 fibre at 1550 nm as GNPy has it.

    ``dispersion_slope_ps_per_nm2_km`` ``None`` holds the group-velocity dispersion constant over frequency.
    ``loss_slope_db_per_km_thz`` adds loss above the reference frequency.  ``ageing_db`` is lost at the far end.
    """

    length_km: float
    loss_db_per_km: float = 0.2
    connector_in_db: float = 0.0
    connector_out_db: float = 0.0
    ageing_db: float = 0.0
    dispersion_ps_per_nm_km: float = 16.7
    dispersion_slope_ps_per_nm2_km: float | None = None
    area_um2: float = 83.0
    loss_slope_db_per_km_thz: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no fibre: every problem at once, :class:`~rahdari.errors.InputError`."""
        problems = [
            Problem(f"{name} of a span is {value}", "give a finite number above zero", column=name)
            for name, value in (
                ("length_km", self.length_km),
                ("loss_db_per_km", self.loss_db_per_km),
                ("area_um2", self.area_um2),
            )
            if not (math.isfinite(value) and value > 0.0)
        ]
        problems += [
            Problem(f"{name} of a span is {value}", "give zero or a positive number of decibels", column=name)
            for name, value in (
                ("connector_in_db", self.connector_in_db),
                ("connector_out_db", self.connector_out_db),
                ("ageing_db", self.ageing_db),
            )
            if not (math.isfinite(value) and value >= 0.0)
        ]
        if not problems and self.total_loss_db > LARGEST_LOSS_DB:
            cure = "lengths are in kilometres, losses in dB/km"
            problems.append(Problem(f"a span loses {self.total_loss_db:g} dB", cure, column="length_km"))
        if not (math.isfinite(self.dispersion_ps_per_nm_km) and self.dispersion_ps_per_nm_km != 0.0):
            cure = "the model holds for dispersive fibre only; G.652 has 16.7 ps/(nm km)"
            problems.append(
                Problem(f"dispersion is {self.dispersion_ps_per_nm_km}", cure, column="dispersion_ps_per_nm_km")
            )
        raise_if_any(problems)

    @property
    def total_loss_db(self) -> float:
        """Return the loss at 1550 nm with connectors and ageing, without Raman scattering."""
        ends_db = self.connector_in_db + self.connector_out_db + self.ageing_db
        return self.length_km * self.loss_db_per_km + ends_db


@dataclass(frozen=True, slots=True, eq=False)
class Channels:
    """The channels that enter the first span; scalars are spread over all frequencies.

    ``power_dbm`` is what enters the span's near connector.  ``roll_off`` widens the occupied spectrum; the noise
    model does not use it.  ``transmitter_osnr_db`` is the noise launched with the signal, in 0.1 nm.
    """

    frequency_thz: FloatArray
    power_dbm: FloatArray
    symbol_rate_ghz: FloatArray
    roll_off: FloatArray
    transmitter_osnr_db: FloatArray

    def __init__(
        self,
        frequency_thz: ArrayLike,
        power_dbm: ArrayLike = 0.0,
        symbol_rate_ghz: ArrayLike = 32.0,
        roll_off: ArrayLike = 0.15,
        transmitter_osnr_db: ArrayLike = math.inf,
    ) -> None:
        """Hold float64 arrays (n_channels,); refuse overlapping channels and values that are not finite."""
        frequency = np.atleast_1d(np.array(frequency_thz, np.float64))
        values = {"frequency_thz": frequency}
        for name, value in (
            ("power_dbm", power_dbm),
            ("symbol_rate_ghz", symbol_rate_ghz),
            ("roll_off", roll_off),
            ("transmitter_osnr_db", transmitter_osnr_db),
        ):
            values[name] = np.array(np.broadcast_to(np.asarray(value, np.float64), frequency.shape))
        for name, value in values.items():
            value.setflags(write=False)
            object.__setattr__(self, name, value)
        raise_if_any(_channel_problems(self))

    @classmethod
    def grid(
        cls,
        n_channels: int,
        *,
        spacing_ghz: float = 50.0,
        symbol_rate_ghz: float = 32.0,
        power_dbm: ArrayLike = 0.0,
        first_thz: float = 191.35,
        roll_off: float = 0.15,
        transmitter_osnr_db: ArrayLike = math.inf,
    ) -> Channels:
        """Return equally spaced channels from ``first_thz`` upwards.

        >>> Channels.grid(76).frequency_thz[[0, -1]].round(3).tolist()
        [191.35, 195.1]
        """
        frequency = first_thz + spacing_ghz / GHZ_PER_THZ * np.arange(n_channels)
        return cls(frequency, power_dbm, symbol_rate_ghz, roll_off, transmitter_osnr_db)

    @property
    def width_thz(self) -> float:
        """Return the band from the lowest to the highest edge."""
        half = 0.5 * self.symbol_rate_ghz / GHZ_PER_THZ
        return float((self.frequency_thz + half).max() - (self.frequency_thz - half).min())


def _channel_problems(channels: Channels) -> list[Problem]:
    """Return what is wrong with the channels; rows count from 1."""
    frequency, rate = channels.frequency_thz, channels.symbol_rate_ghz / GHZ_PER_THZ
    if frequency.ndim != 1 or frequency.size == 0:
        return [Problem("the line carries no channels", "give at least one frequency", column="frequency_thz")]
    problems = []
    lawful = {
        "frequency_thz": (np.isfinite(frequency) & (frequency > 100.0) & (frequency < 300.0), "100 to 300 THz"),  # noqa: PLR2004 -- the text beside it says so
        "power_dbm": (np.isfinite(channels.power_dbm) & (channels.power_dbm < LOUDEST_DBM), "dBm below 30"),
        "symbol_rate_ghz": (np.isfinite(rate) & (rate > 0.0) & (rate < 1.0), "GHz (billion symbols a second)"),
        "transmitter_osnr_db": (channels.transmitter_osnr_db > 0.0, "a positive number of decibels"),
        "roll_off": ((channels.roll_off >= 0.0) & (channels.roll_off <= 1.0), "0 to 1"),
    }
    for name, (is_lawful, cure) in lawful.items():
        for row in np.flatnonzero(~is_lawful).tolist():
            value = getattr(channels, name)[row]
            problems.append(Problem(f"{name} is {value}", f"give {cure}", row=row + 1, column=name))
    if not problems:
        order = np.argsort(frequency, kind="stable")
        gap = np.diff(frequency[order]) - 0.5 * (rate[order][1:] + rate[order][:-1])
        for place in np.flatnonzero(gap < -CLEARANCE_THZ).tolist():
            row = int(order[place + 1]) + 1
            what = f"the channel at {frequency[row - 1]:.4f} THz overlaps its neighbour by {-gap[place] * 1e3:.3g} GHz"
            problems.append(Problem(what, "space channels by their symbol rate at least", row=row))
    return problems


@dataclass(frozen=True, slots=True)
class Amplifier:
    """The amplifiers of one band; each makes up the loss of the span before it.

    ``noise_figure_db`` holds at ``gain_max_db`` and, where ``noise_figure_gain_min_db`` is given, rises to that at
    ``gain_min_db`` as two stages with a variable loss between them (Friis).  Below the least gain a pad takes the
    rest.  ``gain_tilt_db`` is the gain at the band's low end less that at its high end.  Channels from
    ``frequency_min_thz`` up to ``frequency_max_thz`` belong to the band.
    """

    noise_figure_db: float = 5.5
    gain_min_db: float = 0.0
    gain_max_db: float = 40.0
    noise_figure_gain_min_db: float | None = None
    power_max_dbm: float = math.inf
    gain_tilt_db: float = 0.0
    frequency_min_thz: float = 0.0
    frequency_max_thz: float = math.inf

    def __post_init__(self) -> None:
        """Refuse noise figures below the quantum limit of 0 dB and gains out of order."""
        problems = []
        if not 0.0 <= self.noise_figure_db < LARGEST_LOSS_DB:
            cure = "EDFAs have 4 to 8 dB; 3 dB is the limit of a high-gain amplifier"
            problems.append(Problem(f"noise figure is {self.noise_figure_db} dB", cure, column="noise_figure_db"))
        if not 0.0 <= self.gain_min_db < self.gain_max_db <= LARGEST_LOSS_DB:
            what = f"gains run from {self.gain_min_db} to {self.gain_max_db} dB"
            problems.append(Problem(what, "give the least below the greatest", column="gain_max_db"))
        at_least = self.noise_figure_gain_min_db
        if at_least is not None and not self.noise_figure_db <= at_least < LARGEST_LOSS_DB:
            cure = "the noise figure at the least gain is the higher one"
            problems.append(Problem(f"noise figure is {at_least} dB", cure, column="noise_figure_gain_min_db"))
        raise_if_any(problems)

    def _row(self) -> tuple[float, ...]:
        """Return the kernel's row: factor = constant + rise 10^(-gain / 5 dB), as both stages share the gain."""
        factor, rise = 10.0 ** (0.1 * self.noise_figure_db), 0.0
        if self.noise_figure_gain_min_db is not None:
            most = 10.0 ** (0.1 * self.noise_figure_gain_min_db)
            at_min, at_max = 10.0 ** (-0.2 * self.gain_min_db), 10.0 ** (-0.2 * self.gain_max_db)
            rise = (most - factor) / (at_min - at_max)
            factor -= rise * at_max
        power_max_w = 10.0 ** (0.1 * self.power_max_dbm) * WATT_PER_MILLIWATT
        return factor, rise, self.gain_min_db, self.gain_max_db, power_max_w, self.gain_tilt_db


@dataclass(frozen=True, slots=True, eq=False)
class LineNoise:
    """Noise over signal at the end of a line, float64 (n_channels,) in the order of the channels.

    All ratios count the noise within each channel's own symbol rate.  ``power_dbm`` is the signal's power as designed
    behind the last amplifier.
    """

    amplifier_ratio: FloatArray
    self_interference_ratio: FloatArray
    cross_interference_ratio: FloatArray
    power_dbm: FloatArray
    symbol_rate_ghz: FloatArray

    def osnr_db(self, noise_bandwidth_ghz: float = REFERENCE_BANDWIDTH_GHZ) -> FloatArray:
        """Return signal over amplifier noise in the bandwidth, dB (n_channels,)."""
        return np.asarray(-10.0 * np.log10(self.amplifier_ratio / self.symbol_rate_ghz * noise_bandwidth_ghz))

    def gsnr_db(self, noise_bandwidth_ghz: float = REFERENCE_BANDWIDTH_GHZ) -> FloatArray:
        """Return signal over amplifier noise and interference in the bandwidth, dB (n_channels,)."""
        noise = self.amplifier_ratio + self.self_interference_ratio + self.cross_interference_ratio
        return np.asarray(-10.0 * np.log10(noise / self.symbol_rate_ghz * noise_bandwidth_ghz))


def fibre_properties(span: Span, frequency_thz: FloatArray) -> FloatArray:
    """Return loss, 1/km, group-velocity dispersion, ps2/km, nonlinearity, 1/(W km), and area, um2: float64 (4, n).

    The mode's radius follows a Gaussian in the core, w = a / sqrt(ln V) (Snyder and Love, Optical Waveguide Theory,
    chapter 15), so the area falls with the logarithm of frequency from the one stated at 1550 nm.
    """
    reference_thz = LIGHT_SPEED_NM_THZ / REFERENCE_WAVELENGTH_NM
    wavelength_nm = LIGHT_SPEED_NM_THZ / frequency_thz
    core_um2 = math.pi * CORE_RADIUS_UM**2
    area = core_um2 / (core_um2 / span.area_um2 + np.log(frequency_thz / reference_thz))
    loss_db = span.loss_db_per_km + span.loss_slope_db_per_km_thz * (frequency_thz - reference_thz)
    if span.dispersion_slope_ps_per_nm2_km is None:
        beta2 = np.full(frequency_thz.shape, -(REFERENCE_WAVELENGTH_NM**2) * span.dispersion_ps_per_nm_km * PS2_PER_KM)
    else:
        slope = span.dispersion_slope_ps_per_nm2_km
        dispersion = span.dispersion_ps_per_nm_km + slope * (wavelength_nm - REFERENCE_WAVELENGTH_NM)
        beta2 = -(wavelength_nm**2) * dispersion * PS2_PER_KM
    gamma = 2.0 * math.pi * KERR_NM_UM2_PER_W_KM / (wavelength_nm * area)
    return np.stack([loss_db / DB_PER_NEPER, beta2, gamma, area])


def _fibre_problems(spans: Sequence[Span], fibre: FloatArray) -> list[Problem]:
    """Return the spans whose loss or dispersion vanishes at a channel: the formulae divide by both."""
    problems = []
    for number, span in enumerate(spans):
        if not (fibre[number, 0] > 0.0).all():
            what, column = "a span gains power over some channel", "loss_slope_db_per_km_thz"
            problems.append(Problem(what, f"check the slope {span.loss_slope_db_per_km_thz}", column=column))
        if not (np.abs(fibre[number, 1]) > 0.1).all() or np.ptp(np.sign(fibre[number, 1])):  # noqa: PLR2004 -- ps2/km
            what, column = "the dispersion vanishes within the band", "dispersion_slope_ps_per_nm2_km"
            problems.append(Problem(what, "the incoherent model holds above 0.1 ps2/km only", column=column))
    return problems


def _bands(frequency_thz: FloatArray, amplifiers: Sequence[Amplifier]) -> IntArray:
    """Return the number of the first amplifier whose band holds each channel."""
    band = np.full(frequency_thz.shape, -1, np.int64)
    for number in range(len(amplifiers) - 1, -1, -1):
        one = amplifiers[number]
        band[(frequency_thz >= one.frequency_min_thz) & (frequency_thz < one.frequency_max_thz)] = number
    missing = np.flatnonzero(band < 0).tolist()
    cure = "give an amplifier whose band holds it"
    raise_if_any([Problem(f"no amplifier serves {frequency_thz[row]:.4f} THz", cure, row=row + 1) for row in missing])
    return band


def _check_gain(spans: Sequence[Span], amplifiers: Sequence[Amplifier]) -> None:
    """Refuse spans that lose more than an amplifier gives."""
    least_db = min(one.gain_max_db for one in amplifiers)
    raise_if_any(
        [
            Problem(
                f"a span of {span.length_km:g} km loses {span.total_loss_db:.1f} dB and an amplifier gives at most "
                f"{least_db:g} dB",
                "shorten the span or choose another amplifier",
                column="gain_max_db",
            )
            for span in spans
            if span.total_loss_db > least_db
        ]
    )


def line_noise(
    spans: Sequence[Span],
    channels: Channels,
    amplifier: Amplifier | Sequence[Amplifier],
    *,
    physics: Physics | None = None,
    equaliser_every: int = 1,
) -> LineNoise:
    """Return the noise of a line in which every span is followed by an amplifier.

    ``amplifier`` is one for all channels or one a band (C and L).  ``physics`` ``None`` takes ``isrs`` where the
    channels span more than 5 THz and ``gn`` within one band.  ``equaliser_every`` = 1 restores the launched spectrum
    after every span; k does so after every k-th, and 0 never: between, one gain restores the band's total power and
    Raman and gain tilts add up.  Gains are set without noise and stay; what a channel carries grows by its noise, as
    in GNPy.  Raises :class:`~rahdari.errors.InputError` for empty lines, channels outside all
    bands, and spans beyond an amplifier's gain.
    """
    amplifiers = (amplifier,) if isinstance(amplifier, Amplifier) else tuple(amplifier)
    if not spans or not amplifiers:
        raise_if_any([Problem("the line has no span or no amplifier", "give at least one of each")])
    kinds: dict[Span, int] = {}
    kind = np.array([kinds.setdefault(span, len(kinds)) for span in spans], np.int64)
    _check_gain(tuple(kinds), amplifiers)
    order = np.argsort(channels.frequency_thz, kind="stable")
    spectrum = np.stack([channels.frequency_thz[order], channels.symbol_rate_ghz[order] / GHZ_PER_THZ])
    fibre = np.stack([fibre_properties(span, spectrum[0]) for span in kinds])
    raise_if_any(_fibre_problems(tuple(kinds), fibre))
    passing = np.array(
        [
            (span.length_km, 10.0 ** (-0.1 * span.connector_in_db),
             10.0 ** (-0.1 * (span.connector_out_db + span.ageing_db)))
            for span in kinds
        ]
    )  # fmt: skip
    number = np.arange(1, len(spans) + 1)
    is_equaliser = (number % equaliser_every == 0) if equaliser_every > 0 else np.zeros(len(spans), np.bool_)
    if physics is None:
        physics = "isrs" if channels.width_thz > WIDEST_SINGLE_BAND_THZ else "gn"
    out = np.zeros((5, order.size))
    out[0] = 1.0
    out[1] = 10.0 ** (-0.1 * channels.transmitter_osnr_db[order])
    out[1] *= channels.symbol_rate_ghz[order] / REFERENCE_BANDWIDTH_GHZ
    fill_line_noise(
        spectrum,
        10.0 ** (0.1 * channels.power_dbm[order]) * WATT_PER_MILLIWATT,
        _bands(spectrum[0], amplifiers),
        np.array([one._row() for one in amplifiers]),  # noqa: SLF001 -- same file
        kind,
        is_equaliser.astype(np.int64),
        passing,
        fibre,
        _RAMAN_TABLE,
        int(physics == "isrs"),
        out,
    )
    back = np.empty_like(out)
    back[:, order] = out
    return LineNoise(
        back[1] / back[0],
        back[2] / back[0],
        back[3] / back[0],
        10.0 * np.log10(back[4] / WATT_PER_MILLIWATT),
        np.array(channels.symbol_rate_ghz),
    )


def line_gsnr_db(
    spans: Sequence[Span],
    channels: Channels,
    amplifier: Amplifier | Sequence[Amplifier],
    noise_bandwidth_ghz: float = REFERENCE_BANDWIDTH_GHZ,
    *,
    physics: Physics | None = None,
    equaliser_every: int = 1,
) -> FloatArray:
    """Return the generalised signal-to-noise ratio at the end of a line, dB: float64 (n_channels,).

    Arguments, errors and validity as in :func:`line_noise`; noise is counted in ``noise_bandwidth_ghz``, 0.1 nm by
    default.  Transceivers and ROADMs are not in it: :func:`combined_db` adds them.

    GNPy 3.0.1 gives a mean of 17.209 dB for this line:

    >>> channels = Channels.grid(76, spacing_ghz=50.0, symbol_rate_ghz=32.0, power_dbm=0.0, transmitter_osnr_db=40.0)
    >>> signal_db = line_gsnr_db([Span(80.0)] * 28, channels, Amplifier(noise_figure_db=6.5))
    >>> round(float(signal_db.mean()), 2)
    17.21
    """
    problems = []
    if not 0.0 < noise_bandwidth_ghz < math.inf:
        problems.append(Problem(f"noise_bandwidth_ghz is {noise_bandwidth_ghz}", "give GHz above zero, such as 12.5"))
    if physics is not None and physics not in get_args(Physics):
        problems.append(Problem(f"physics is {physics!r}", "give gn, isrs, or None for the one that fits the band"))
    raise_if_any(problems)
    noise = line_noise(spans, channels, amplifier, physics=physics, equaliser_every=equaliser_every)
    return noise.gsnr_db(noise_bandwidth_ghz)


def combined_db(*ratios_db: ArrayLike) -> FloatArray:
    """Return the signal-to-noise ratio of parts in a row whose noises add: lines, add and drop, transmitter; dB.

    >>> round(float(combined_db(20.0, 20.0)), 2)
    16.99
    """
    total = sum(10.0 ** (-0.1 * np.asarray(ratio_db, np.float64)) for ratio_db in ratios_db)
    return np.asarray(-10.0 * np.log10(total))
