"""What light carries on each route: spans, noise, rate, capacity, and the bill of materials."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from rahdari.methods.line import Amplifier, Channels, Span, line_noise
from rahdari.methods.optics import GBPS_PER_TBPS, LineDesign, channel_rate_gbps, osnr_db, spans_in

if TYPE_CHECKING:
    import polars as pl

    from rahdari.engines.backbone.params import BackboneParams

AMPLIFIER_ID, TRANSPONDER_ID, ROADM_ID = "transport_amplifier", "transport_transponder", "transport_roadm"
DEGREES_PER_CHAIN = 2  # directions of optical switches for each fibre pair of a chain: one at each end
C_BAND_FIRST_THZ = 191.35  # ITU-T G.694.1 grid: where the C band begins
L_BAND_FIRST_THZ = 184.5  # ITU-T G.694.1 grid: where the L band of common amplifiers begins
C_BAND_THZ = 4.8  # as wide as common amplifiers of one band are
GHZ_PER_THZ = 1000.0
AMPLIFIER_GAIN_MAX_DB = 40.0  # wide enough for every span that the parameters allow; the noise figure is stated flat


@dataclass(frozen=True, slots=True)
class Signal:
    """Ratios at the end of a stretch, dB in 0.1 nm: amplifier noise alone, and all noise at worst and best channel."""

    osnr_db: float
    worst_db: float
    best_db: float


def channels_of(params: BackboneParams) -> Channels:
    """Return the channels: the C band first, what does not fit there in the L band."""
    n_first = min(params.n_channels, int(C_BAND_THZ * GHZ_PER_THZ // params.spacing_ghz))
    frequency = [C_BAND_FIRST_THZ + i * params.spacing_ghz / GHZ_PER_THZ for i in range(n_first)]
    n_second = params.n_channels - n_first
    frequency += [L_BAND_FIRST_THZ + i * params.spacing_ghz / GHZ_PER_THZ for i in range(n_second)]
    return Channels(frequency, params.launch_power_dbm, params.symbol_rate_ghz)


@lru_cache(maxsize=4096)
def signal_of(params: BackboneParams, span_km: float, n_spans: int) -> Signal:
    """Return the signal after ``n_spans`` equal amplified spans by the closed-form line model."""
    channels = channels_of(params)
    lowest, highest = float(channels.frequency_thz.min()), float(channels.frequency_thz.max())
    amplifier = Amplifier(
        noise_figure_db=params.noise_figure_db,
        gain_max_db=AMPLIFIER_GAIN_MAX_DB,
        frequency_min_thz=lowest - params.spacing_ghz / GHZ_PER_THZ,
        frequency_max_thz=highest + params.spacing_ghz / GHZ_PER_THZ,
    )
    span = Span(span_km, loss_db_per_km=params.loss_db_per_km, connector_out_db=params.span_extra_loss_db)
    noise = line_noise([span] * n_spans, channels, amplifier)
    gsnr = noise.gsnr_db()
    design = LineDesign(
        params.loss_db_per_km, params.span_extra_loss_db, params.noise_figure_db, params.launch_power_dbm,
        params.symbol_rate_ghz, params.spacing_ghz, params.n_channels,
    )  # fmt: skip
    return Signal(osnr_db(design, span_km, n_spans), float(gsnr.min()), float(gsnr.max()))


def unit_usd(equipment: pl.DataFrame, equipment_id: str) -> float:
    """Return the catalogue's price of one unit; 0 where the catalogue has no such row."""
    found = equipment.filter(equipment["equipment_id"] == equipment_id)["capex_usd"]
    return float(found[0]) if found.len() else 0.0


def optical_row(route_id: str, fibre_km: float, params: BackboneParams, equipment: pl.DataFrame) -> dict[str, object]:
    """Return one row of ``optical_paths``: the fewest regenerators at which a rate holds, then the best rate.

    All channels run at the rate of the worst one.
    """
    n_spans = spans_in(fibre_km, params.span_max_km)
    span_km = fibre_km / n_spans
    for n_regenerators in range(n_spans):
        unbroken = -(-n_spans // (n_regenerators + 1))
        signal = signal_of(params, span_km, unbroken)
        rate_gbps, modulation = channel_rate_gbps(signal.worst_db, params.margin_db)
        if rate_gbps > 0.0:
            break
    capacity_tbps = params.n_channels * rate_gbps / GBPS_PER_TBPS
    n_amplifiers, n_transponders = n_spans - 1 - n_regenerators, (n_regenerators + 1) * params.n_channels
    amplifier_usd = n_amplifiers * unit_usd(equipment, AMPLIFIER_ID)
    transponder_usd = n_transponders * unit_usd(equipment, TRANSPONDER_ID)
    return {
        "route_id": route_id,
        "n_spans": n_spans,
        "span_km": span_km,
        "n_regenerators": n_regenerators,
        "n_spans_unbroken": unbroken,
        "osnr_db": signal.osnr_db,
        "gsnr_db": signal.worst_db,
        "gsnr_best_db": signal.best_db,
        "modulation": modulation,
        "channel_gbps": rate_gbps,
        "capacity_tbps": capacity_tbps,
        "n_amplifiers": n_amplifiers,
        "n_transponders": n_transponders,
        "amplifier_usd": amplifier_usd,
        "transponder_usd": transponder_usd,
        "equipment_usd": amplifier_usd + transponder_usd,
        "usd_per_gbps": (amplifier_usd + transponder_usd) / (capacity_tbps * GBPS_PER_TBPS) if rate_gbps else None,
    }
