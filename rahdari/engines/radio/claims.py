"""Indicators of the radio engine, among them the 5G and hub figures, each by a stated model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rahdari.engines.radio.cells import card
from rahdari.engines.radio.hub import ANGLE_ANTENNA_ONLY_DEG, ANGLE_CAUTIOUS_DEG, capacity_gain_ratio
from rahdari.model import Indicator

if TYPE_CHECKING:
    from rahdari.engines.radio.params import RadioParams
    from rahdari.model import Context

COVERAGE_SWING_DB = 6.0  # spread of closed-form path loss against terrain models on real paths; no measurement here
DEVICE_SWING_RATIO = 0.5  # share of 5G devices varied by half either way
CANCELLATION_SWING_DB = 5.0  # reported range 10 to 20 dB
PERCENT = 100.0


def covered_frac(coverage: pl.DataFrame, places: pl.DataFrame, technology: str, min_snr_db: float) -> float:
    """Return the share of people in places whose edge signal reaches ``min_snr_db``."""
    rows = coverage.filter(pl.col("technology") == technology).join(
        places.select("place_id", "n_people"), on="place_id"
    )
    covered = rows.filter(pl.col("edge_snr_db") >= min_snr_db)
    return int(covered["n_people"].sum()) / max(int(places["n_people"].sum()), 1)


def experience_gain_pct(load_frac: float, capacity_ratio: float, device_frac: float) -> float:
    """Return the gain in mean user rate, per cent, where 5G joins 4G at equal traffic (processor sharing).

    Rates are in units of the 4G cell: before, 1 - load; after, 4G users keep the cell less the traffic that moved,
    5G users have a cell of ``capacity_ratio``.

    >>> experience_gain_pct(0.5, 1.0, 0.0)
    0.0
    """
    before = 1.0 - load_frac
    on_4g = 1.0 - (1.0 - device_frac) * load_frac
    on_5g = max(capacity_ratio - device_frac * load_frac, 0.0)
    return ((1.0 - device_frac) * on_4g + device_frac * on_5g) / before * PERCENT - PERCENT


def energy_change_pct(load_frac: float, capacity_ratio: float, static_frac: float, sleep_frac: float) -> float:
    """Return the change of base-station energy, per cent, where equipment of equal power but more capacity takes over.

    Power = static + (1 - static) load, of full-load power; the load falls by the capacity ratio; sleep states
    save a share of the static part.

    >>> energy_change_pct(0.5, 1.0, 0.7, 0.0)
    0.0
    """
    before = static_frac + (1.0 - static_frac) * load_frac
    after = static_frac * (1.0 - sleep_frac) + (1.0 - static_frac) * load_frac / capacity_ratio
    return after / before * PERCENT - PERCENT


def _coverage_indicators(
    coverage: pl.DataFrame, places: pl.DataFrame, params: RadioParams, year: int
) -> tuple[Indicator, ...]:
    found = []
    for technology in ("4g", "5g"):
        if not coverage.filter(pl.col("technology") == technology).height:
            continue
        least = params.min_snr_db
        mid, low, high = (
            covered_frac(coverage, places, technology, least + swing)
            for swing in (0.0, COVERAGE_SWING_DB, -COVERAGE_SWING_DB)
        )
        formula = "people in places whose cell-edge signal reaches the least SNR / all people; range: 6 dB either way"
        name = f"People covered by {technology.upper()}" + (" with the assumed plan" if technology == "5g" else "")
        found.append(
            Indicator(f"population_covered_{technology}_frac", year, name, mid, "frac", formula, "modelled", low, high)
        )
    return tuple(found)


def _rate_indicator(coverage: pl.DataFrame, places: pl.DataFrame, year: int) -> tuple[Indicator, ...]:
    rows = (
        coverage.filter((pl.col("technology") == "4g") & pl.col("is_covered"))
        .join(places.select("place_id", "n_people"), on="place_id")
        .sort("downlink_mbps", "place_id")
        .with_columns(below=pl.col("n_people").cum_sum() / pl.col("n_people").sum())
    )
    if not rows.height:
        return ()
    quantiles = [float(rows.filter(pl.col("below") >= q)["downlink_mbps"][0]) for q in (0.5, 0.25, 0.75)]
    formula = "median over people of the busy-hour rate of one active user; range: quartiles; not fitted to speed tests"
    return (
        Indicator("mobile_4g_median_mbps", year, "Median 4G rate in the busy hour", quantiles[0], "mbps", formula,
                  "modelled", quantiles[1], quantiles[2]),
    )  # fmt: skip


def _technology_indicators(params: RadioParams, ctx: Context, n_planned: int, n_today: int) -> tuple[Indicator, ...]:
    extra = card("5g", params).carrier_mhz / card("4g", params).carrier_mhz
    load, devices = params.typical_load_frac, params.device_5g_frac
    gain, gain_low, gain_high = (
        experience_gain_pct(load, extra, devices * (1.0 + swing))
        for swing in (0.0, -DEVICE_SWING_RATIO, DEVICE_SWING_RATIO)
    )
    static = params.static_power_frac
    energy = energy_change_pct(load, 1.0 + extra, static, 0.0)
    energy_low = energy_change_pct(load, 1.0 + extra, static, params.sleep_saving_frac)
    # Added beside the 4G equipment instead of in its place, 5G can only raise the energy of a site.
    before = static + (1.0 - static) * load
    energy_high = params.power_5g_ratio * (static + (1.0 - static) * load * devices / extra) / before * PERCENT
    return (
        Indicator("5g_sites_sites", ctx.year_end, "5G sites assumed in cities", float(n_today + n_planned), "sites",
                  "sites that serve 5G today + upgrades assumed from the published plan", "assumed"),
        Indicator("5g_experience_gain_pct", ctx.year_base, "Gain in mean user rate where 5G joins 4G", gain, "pct",
                  "processor sharing at equal traffic and the stated 4G load; range: 5G devices half to one and a half",
                  "modelled", gain_low, gain_high),
        Indicator("5g_energy_change_pct", ctx.year_base, "Change of base-station energy, equal traffic", energy, "pct",
                  "static and load-dependent power; equipment replaced; low: with sleep states, high: added beside 4G",
                  "modelled", energy_low, energy_high),
    )  # fmt: skip


def _hub_indicators(params: RadioParams, ctx: Context) -> tuple[Indicator, ...]:
    plain, cancelled = params.hub_angle_plain_deg, params.hub_angle_cancelled_deg
    pairs = (
        (plain, cancelled),
        (plain, max(ANGLE_ANTENNA_ONLY_DEG, cancelled)),
        (max(ANGLE_CAUTIOUS_DEG, plain), cancelled),
    )
    # The same hubs for each pair, so that the three figures differ by the angles alone.
    ratio, low, high = (capacity_gain_ratio(ctx.random("radio.hub"), before, after) for before, after in pairs)
    low, high = min(low, ratio), max(high, ratio)
    left, left_low, left_high = (
        (10.0 ** (-(params.hub_cancellation_db + swing) / 10.0) - 1.0) * PERCENT
        for swing in (0.0, CANCELLATION_SWING_DB, -CANCELLATION_SWING_DB)
    )
    how = "channels needed (exact colouring of random hubs of 3 to 8 links) without / with cancellation"
    year = ctx.year_base
    return (
        Indicator("hub_capacity_gain_ratio", year, "Capacity of a microwave hub with cancellation", ratio, "ratio", how,
                  "modelled", low, high),
        Indicator("hub_spectral_efficiency_gain_pct", year, "Gain in spectral efficiency of a hub",
                  (ratio - 1.0) * PERCENT, "pct", how + " - 1", "modelled", (low - 1.0) * PERCENT,
                  (high - 1.0) * PERCENT),
        Indicator("hub_interference_change_pct", year, "Change of interference power within a hub", left, "pct",
                  "10^(-cancellation / 10) - 1; interference from outside stays", "modelled", left_low, left_high),
    )  # fmt: skip


def indicators(
    coverage: pl.DataFrame, places: pl.DataFrame, params: RadioParams, ctx: Context, *, n_planned: int, n_today: int
) -> tuple[Indicator, ...]:
    """Return every indicator of the engine."""
    year = ctx.year_base
    rows = coverage if coverage.width else pl.DataFrame(schema={"technology": pl.String()})
    return (
        *_coverage_indicators(rows, places, params, year),
        *_rate_indicator(rows, places, year),
        *_technology_indicators(params, ctx, n_planned, n_today),
        *_hub_indicators(params, ctx),
    )
