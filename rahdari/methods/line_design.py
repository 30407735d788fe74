"""From kilometres of fibre to Tbit/s: spans, power, transceiver mode, regenerators, and what has to be bought.

Modes restate published interoperability specifications: the Open ROADM multi-source agreement, version 5.0 (as the
equipment file that GNPy ships has it), and the OIF 400ZR implementation agreement 01.0, 2020.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rahdari.errors import Problem, raise_if_any
from rahdari.methods.line import GHZ_PER_THZ, Amplifier, Channels, Span, combined_db, line_noise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rahdari.methods.line import FloatArray, LineNoise, Physics

GBPS_PER_TBPS = 1000.0
C_BAND_THZ = (191.3, 196.1)  # 4.8 THz, the Open ROADM flexible grid
L_BAND_THZ = (186.1, 190.9)  # 4.8 THz below, a guard of 0.4 THz between the amplifiers
SLOT_GHZ = 12.5  # ITU-T G.694.1 flexible grid: widths in multiples of this
ADD_DROP_OSNR_DB = 38.0  # adding and dropping at two ROADMs, together, in 0.1 nm; GNPy's default ROADM
SPAN_TOLERANCE = 1e-12  # a fibre of exactly k spans is not cut once more for rounding
POWER_STEPS = 3  # the cube-root step is exact without Raman tilt; the tilt moves it by hundredths of a decibel
LARGEST_CHANNEL_DBM = 20.0  # a tenth of a watt a channel; hopeless spans would ask for more
N_DIRECTIONS = 2


@dataclass(frozen=True, slots=True)
class TransceiverMode:
    """One way to run a transceiver; ``required_osnr_db`` counts noise in 0.1 nm, back to back, before margins."""

    name: str
    symbol_rate_ghz: float
    rate_gbps: float
    required_osnr_db: float
    spacing_ghz: float
    transmitter_osnr_db: float
    source: str


OPEN_ROADM = "Open ROADM MSA 5.0, optical specification"
OIF_400ZR = "OIF-400ZR-01.0, transmit in-band OSNR and receive OSNR tolerance"
#: Published modes, fastest first; equal rates by spectral efficiency.
MODES: tuple[TransceiverMode, ...] = (
    TransceiverMode("400g_16qam_zr", 59.84, 400.0, 26.0, 75.0, 34.0, OIF_400ZR),
    TransceiverMode("400g_16qam", 63.1, 400.0, 24.0, 87.5, 36.0, OPEN_ROADM),
    TransceiverMode("300g_8qam", 63.1, 300.0, 21.0, 87.5, 36.0, OPEN_ROADM),
    TransceiverMode("200g_16qam", 31.57, 200.0, 20.5, 50.0, 36.0, OPEN_ROADM),
    TransceiverMode("200g_qpsk", 63.1, 200.0, 17.0, 87.5, 36.0, OPEN_ROADM),
    TransceiverMode("100g_qpsk", 31.57, 100.0, 12.0, 50.0, 36.0, OPEN_ROADM),
)


@dataclass(frozen=True, slots=True)
class BillLine:
    """One thing to buy for a fibre pair; ``equipment_id`` names the catalogue's row where there is one."""

    item: str
    n_units: int
    equipment_id: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LinePlan:
    """A designed line of one fibre pair, the same in both directions.

    ``spans`` run from end to end; ``section_spans`` counts those of the longest stretch between regenerators, at
    whose end ``gsnr_db`` (n_channels,) holds in 0.1 nm with add, drop and transmitter noise.  ``mode`` is ``None``
    and the capacity 0 where no mode holds over a single span.
    """

    spans: tuple[Span, ...]
    section_spans: int
    n_regenerators: int
    channels: Channels
    gsnr_db: FloatArray
    mode: TransceiverMode | None
    margin_db: float
    capacity_tbps: float
    bill: tuple[BillLine, ...]


def spans_for(fibre_km: float, plant: Span) -> tuple[Span, ...]:
    """Return equal spans of a fibre, none longer than ``plant``, whose other properties they take; at least one.

    >>> [span.length_km for span in spans_for(200.0, Span(80.0))] == [200.0 / 3] * 3
    True
    """
    if not (math.isfinite(fibre_km) and fibre_km > 0.0):
        raise_if_any([Problem(f"the fibre is {fibre_km} km long", "give kilometres above zero", column="fibre_km")])
    n_spans = max(1, math.ceil(fibre_km / plant.length_km - SPAN_TOLERANCE))
    return (replace(plant, length_km=fibre_km / n_spans),) * n_spans


def mode_for(
    signal_db: float, margin_db: float = 2.0, modes: Sequence[TransceiverMode] = MODES
) -> TransceiverMode | None:
    """Return the fastest mode, first of equals, whose need and margin a GSNR in 0.1 nm meets, or ``None``.

    >>> mode_for(24.0).name, mode_for(10.0)
    ('300g_8qam', None)
    """
    held = [mode for mode in modes if signal_db - margin_db >= mode.required_osnr_db]
    return max(held, key=lambda mode: mode.rate_gbps) if held else None


def band_channels(
    mode: TransceiverMode, power_dbm: float, bands_thz: Sequence[tuple[float, float]] = (C_BAND_THZ,)
) -> Channels:
    """Return bands filled with a mode at its spacing from each low edge upwards."""
    frequency = []
    for low_thz, high_thz in bands_thz:
        n_channels = math.floor((high_thz - low_thz) * GHZ_PER_THZ / mode.spacing_ghz + SPAN_TOLERANCE)
        frequency.append(low_thz + (np.arange(n_channels) + 0.5) * mode.spacing_ghz / GHZ_PER_THZ)
    return Channels(
        np.concatenate(frequency), power_dbm, mode.symbol_rate_ghz, transmitter_osnr_db=mode.transmitter_osnr_db
    )


def best_power_dbm(
    spans: Sequence[Span],
    channels: Channels,
    amplifier: Amplifier | Sequence[Amplifier],
    *,
    physics: Physics | None = None,
) -> float:
    """Return the uniform channel power, dBm, at which the mean noise over signal is least.

    Amplifier noise falls as 1 / P and interference grows as P^2, so P^3 = amplifier / (2 interference) at 1 W
    (Poggiolini, arXiv:1209.0394, section X); repeated because Raman tilt depends on power.  Never above what the
    weakest amplifier gives in all.
    """
    amplifiers = (amplifier,) if isinstance(amplifier, Amplifier) else tuple(amplifier)
    quiet = (math.inf,) * channels.frequency_thz.size
    power_dbm = 0.0
    for _ in range(POWER_STEPS):
        loaded = Channels(channels.frequency_thz, power_dbm, channels.symbol_rate_ghz, channels.roll_off, quiet)
        noise = line_noise(spans, loaded, amplifier, physics=physics)
        interference = noise.self_interference_ratio.mean() + noise.cross_interference_ratio.mean()
        change_db = 10.0 / 3.0 * math.log10(noise.amplifier_ratio.mean() / (2.0 * interference))
        power_dbm = min(power_dbm + change_db, LARGEST_CHANNEL_DBM)
    cap_dbm = min(one.power_max_dbm for one in amplifiers)
    busiest = channels.frequency_thz.size if len(amplifiers) == 1 else _busiest(channels, amplifiers)
    return min(power_dbm, cap_dbm - 10.0 * math.log10(busiest))


def _busiest(channels: Channels, amplifiers: Sequence[Amplifier]) -> int:
    """Return the most channels that one band's amplifier carries."""
    frequency = channels.frequency_thz
    return max(
        int(((frequency >= one.frequency_min_thz) & (frequency < one.frequency_max_thz)).sum()) for one in amplifiers
    )


def _section_gsnr_db(noise: LineNoise) -> FloatArray:
    """Return the GSNR in 0.1 nm of a stretch between two terminals, with their add and drop sides."""
    return combined_db(noise.gsnr_db(), ADD_DROP_OSNR_DB)


def bill_of_materials(n_spans: int, n_regenerators: int, n_channels: int, n_bands: int) -> tuple[BillLine, ...]:
    """Return what one fibre pair needs: both directions, all channels lit.

    Each direction and band has a booster, an amplifier after every span, and at a regenerator a booster again;
    in-line sites are those that are neither end nor regenerator.

    >>> [(line.item, line.n_units) for line in bill_of_materials(28, 0, 76, 1)][:2]
    [('amplifier_module', 58), ('inline_amplifier_site', 27)]
    """
    n_sections = n_regenerators + 1
    return (
        BillLine("amplifier_module", N_DIRECTIONS * n_bands * (n_spans + n_sections)),
        BillLine("inline_amplifier_site", n_spans - n_sections, "transport_amplifier"),
        BillLine("roadm_degree", 2 * n_sections),
        BillLine("terminal_or_regenerator_site", n_sections + 1),
        BillLine("transponder_pair", n_channels * n_sections, "transport_transponder"),
    )


def _plan_mode(
    spans: tuple[Span, ...],
    amplifiers: tuple[Amplifier, ...],
    mode: TransceiverMode,
    bands_thz: Sequence[tuple[float, float]],
    margin_db: float,
) -> LinePlan | None:
    """Return the plan with the fewest regenerators for one mode, or ``None`` where one span is too much."""
    empty = band_channels(mode, 0.0, bands_thz)
    power_dbm = best_power_dbm(spans[:1], empty, amplifiers, physics="isrs")
    channels = band_channels(mode, power_dbm, bands_thz)

    def signal_db(n_spans: int) -> FloatArray:
        return _section_gsnr_db(line_noise(spans[:n_spans], channels, amplifiers, physics="isrs"))

    needed_db = mode.required_osnr_db + margin_db
    low, high = 0, len(spans)  # GSNR falls with every span: the longest reach is found by halving
    while low < high:
        middle = (low + high + 1) // 2
        if signal_db(middle).min() >= needed_db:
            low = middle
        else:
            high = middle - 1
    if low == 0:
        return None
    n_regenerators = math.ceil(len(spans) / low) - 1
    section = math.ceil(len(spans) / (n_regenerators + 1))
    n_channels = channels.frequency_thz.size
    bill = bill_of_materials(len(spans), n_regenerators, n_channels, len(amplifiers))
    capacity = n_channels * mode.rate_gbps / GBPS_PER_TBPS
    return LinePlan(spans, section, n_regenerators, channels, signal_db(section), mode, margin_db, capacity, bill)


def line_plans(
    fibre_km: float,
    plant: Span,
    amplifier: Amplifier | Sequence[Amplifier],
    *,
    bands_thz: Sequence[tuple[float, float]] = (C_BAND_THZ,),
    margin_db: float = 2.0,
    modes: Sequence[TransceiverMode] = MODES,
) -> tuple[LinePlan, ...]:
    """Return one plan a mode that holds over a span at least, most capacity first, then fewest regenerators.

    Full bands, power at its optimum, Raman tilt counted, every channel at or above need and margin.  ``plant`` gives
    the fibre and the longest span.
    """
    amplifiers = (amplifier,) if isinstance(amplifier, Amplifier) else tuple(amplifier)
    spans = spans_for(fibre_km, plant)
    found = [_plan_mode(spans, amplifiers, mode, bands_thz, margin_db) for mode in modes]
    plans = [plan for plan in found if plan is not None]
    return tuple(sorted(plans, key=lambda plan: (-plan.capacity_tbps, plan.n_regenerators)))


def design_line(
    fibre_km: float,
    plant: Span,
    amplifier: Amplifier | Sequence[Amplifier],
    *,
    bands_thz: Sequence[tuple[float, float]] = (C_BAND_THZ,),
    margin_db: float = 2.0,
    modes: Sequence[TransceiverMode] = MODES,
    n_regenerators_max: int = 0,
) -> LinePlan:
    """Return the plan of most capacity among those within ``n_regenerators_max``.

    Where no mode reaches that far, the fewest regenerators win and then capacity; where no mode holds over one span,
    a plan without mode and capacity.  Arguments as in :func:`line_plans`.

    >>> plan = design_line(400.0, Span(80.0), Amplifier())
    >>> plan.mode.name, plan.capacity_tbps, plan.n_regenerators
    ('400g_16qam', 21.6, 0)
    """
    plans = line_plans(fibre_km, plant, amplifier, bands_thz=bands_thz, margin_db=margin_db, modes=modes)
    if not plans:
        spans = spans_for(fibre_km, plant)
        slowest = min(modes, key=lambda mode: mode.required_osnr_db)
        channels = band_channels(slowest, 0.0, bands_thz)
        signal_db = _section_gsnr_db(line_noise(spans[:1], channels, amplifier, physics="isrs"))
        return LinePlan(spans, 1, 0, channels, signal_db, None, margin_db, 0.0, ())
    within = [plan for plan in plans if plan.n_regenerators <= n_regenerators_max]
    if within:
        return within[0]
    return min(plans, key=lambda plan: (plan.n_regenerators, -plan.capacity_tbps))
