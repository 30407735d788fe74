"""What the economy says in single figures, each with its band where draws give one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.engines.economy.course import NAMES, WHOLE, by_district
from rahdari.engines.economy.doubt import OUTPUTS, outputs_of
from rahdari.methods.economy_draws import economy_of
from rahdari.methods.finance import MONTHS_PER_YEAR
from rahdari.methods.rank import years_to_level
from rahdari.methods.returns import irr, payback_years
from rahdari.model import Indicator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from rahdari.engines.economy.case import Middle
    from rahdari.engines.economy.course import Fit, Ranks
    from rahdari.engines.economy.doubt import Doubt
    from rahdari.engines.economy.money import Timing
    from rahdari.engines.economy.params import EconomyParams
    from rahdari.engines.economy.workforce import Workforce
    from rahdari.methods.economy_draws import Case, Economy
    from rahdari.methods.talent import Effect
    from rahdari.model import Context, Tables
    from rahdari.model.result import HowSure

    FloatArray = NDArray[np.float64]

CO2_KG_PER_L_DIESEL = 2.68  # IPCC 2006 Guidelines, volume 2: 74.1 kg/GJ, 43 GJ/t, 0.84 kg/l
KG_PER_TONNE = 1000.0
AT_RATE = "as value in the first year at the operator's cost of capital"


def _within(  # noqa: PLR0917  # the columns of an indicator in their order
    key: str, year: int, name: str, value: float, unit: str, words: str, sure: HowSure, draws: FloatArray | None
) -> list[Indicator]:
    """Return the indicator with the tenth and ninetieth percentiles of its draws; none where it has no end."""
    if not np.isfinite(value):
        return []
    known = np.zeros(0) if draws is None else draws[np.isfinite(draws)]
    if not known.size:
        return [Indicator(key, year, name, value, unit, words, sure)]
    low, high = np.quantile(known, (0.1, 0.9)).tolist()
    return [Indicator(key, year, name, value, unit, words, sure, min(low, value), max(high, value))]


def money_findings(case: Case, middle: Middle, made: Doubt, ctx: Context) -> list[Indicator]:
    """Return value, rate of return, payback, support and unit costs."""
    year = ctx.year_end
    alone = economy_of(case, {})
    found: list[Indicator] = []
    for key, value in outputs_of(alone, case.years.index(year)).items():
        words = (
            "stock of people at work x what a head earns" if key == "exports_end_usd" else f"{OUTPUTS[key]}, {AT_RATE}"
        )
        found += _within(key, year, OUTPUTS[key], float(value[0]), "usd", words, "assumed", made.outputs[key])
    per_month = alone.cost_per_mbps_usd[0] / MONTHS_PER_YEAR
    found += _within(
        "levelised_cost_usd_per_mbps_month", year, "Cost of a busy-hour Mbit/s of new lines for a month",
        float(per_month), "usd_per_mbps_month", "value of all costs / value of busy-hour Mbit/s carried / 12",
        "assumed", made.found.cost_per_mbps_usd / MONTHS_PER_YEAR,
    )  # fmt: skip
    return found + _returns(middle, made.found, year)


def _returns(middle: Middle, draws: Economy, year: int) -> list[Indicator]:
    real = middle.money.real(middle.bare.project_usd).sum(axis=0)
    rate = irr(real).rate_frac_per_year
    found = []
    if rate is not None:
        found += [Indicator("project_irr_frac_per_year", year, "Internal rate of return before support, loan and tax",
                            rate, "frac_per_year", "rate at which revenue and what is left just pay all costs, real",
                            "assumed")]  # fmt: skip
    words = "years from the first until the summed money of the project is no longer below zero"
    found += _within(
        "payback_years", year, "Payback", float(payback_years(real)), "years", words, "assumed", draws.payback_years
    )
    n = int((middle.least.value_usd > 0.0).sum())
    asked = "districts whose operator would lose money at its cost of capital"
    return [*found, Indicator("districts_asking_support_count", year, "Districts not worth building without support",
                              float(n), "count", asked, "assumed")]  # fmt: skip


def speed_findings(
    fits: Mapping[str, Fit], ranks: Sequence[Ranks], params: EconomyParams, years: FloatArray,
    ctx: Context,
) -> list[Indicator]:  # fmt: skip
    """Return years to the speed of high-income countries, ranks, and the hindcast's usual miss."""
    found: list[Indicator] = []
    fixed = fits.get("speedtest_fixed")
    if fixed is not None:
        last, before = fixed.points[-1], fixed.points[-2]
        pace = (last.value - before.value) / (last.at_year - before.at_year)
        words = f"({params.high_income_mbps:g} Mbit/s - last median) / pace between the last two medians"
        still = float(years_to_level(last.value, max(pace, 0.0), params.high_income_mbps))
        whole = (last.value - fixed.points[0].value) / (last.at_year - fixed.points[0].at_year)
        other = float(years_to_level(last.value, max(whole, 0.0), params.high_income_mbps))
        found += _within(
            "years_to_high_income_speed_years", ctx.year_base, "Years to the fixed speed of high-income countries",
            still, "years", words, "measured", np.array([still, other]),
        )  # fmt: skip
        grown = float(fixed.curve.predict([last.at_year + 1.0])[0] / fixed.curve.predict([last.at_year])[0]) - 1.0
        moving = years_to_level(
            last.value, grown, params.high_income_mbps, kind="steady",
            level_growth_frac_per_year=params.peer_growth_frac_per_year,
        )  # fmt: skip
        found += _within(
            "years_to_moving_speed_years", ctx.year_base, "The same while those countries' speed grows too",
            float(moving), "years", "growth of the fitted curve against the growth assumed for others", "assumed", None,
        )  # fmt: skip
    at = np.flatnonzero(years == ctx.year_end)
    for each in ranks:
        draws = each.rank[:, at[0]].astype(np.float64) if at.size else np.zeros(0)
        if draws.size:
            words = f"own median at the pace seen among {each.n_pool - 1} peers that grow"
            found += _within(f"{each.kind}_rank", ctx.year_end, f"Rank of {each.kind} speed of {each.n_pool}",
                             float(np.median(draws)), "rank", words, "assumed", draws)  # fmt: skip
    return found


def people_findings(
    people: Workforce, talent: pl.DataFrame, effect: Effect, params: EconomyParams, ctx: Context
) -> list[Indicator]:
    """Return people in export work at the end, and what the training adds."""
    rows = talent.filter((pl.col("programme") == "none") & (pl.col("year") == ctx.year_end))
    ready = float(rows["export_ready_people"][0])
    at = people.year.index(ctx.year_end)
    taught = f"{params.training_people_per_year:,.0f} places a year for {params.training_years} years"
    return [
        Indicator("export_ready_people", ctx.year_end, "People in export work", ready, "people",
                  "stock and flow of graduates, courses and those who leave", "assumed"),
        Indicator("training_export_gain_usd", ctx.year_end, "Exports that the training adds in the year",
                  float(effect.exports_usd[at]), "usd", f"{taught}, with less without", "assumed"),
        Indicator("training_cost_usd", ctx.year_end, "Cost of the training", float(effect.cost_value_usd), "usd",
                  f"{taught}, value in the first year", "assumed"),
    ]  # fmt: skip


def supply_findings(
    concentration: pl.DataFrame, losses: pl.DataFrame, hindcasts: pl.DataFrame, ctx: Context
) -> list[Indicator]:
    """Return effective suppliers, the worst loss of a vendor, and the hindcast's usual miss."""
    found = []
    whole = concentration.filter((pl.col("by") == "vendor") & (pl.col("category") == "all"))
    if whole.height:
        found.append(Indicator("effective_suppliers_count", ctx.year_end, "Effective suppliers, by customers",
                               float(whole["effective_suppliers_count"][0]), "count",
                               "1 / sum of squared shares of vendors A, B and C", "assumed"))  # fmt: skip
    if losses.height:
        worst = losses.sort("customers_frac", "vendor_id", descending=[True, False]).row(0, named=True)
        found.append(Indicator("worst_vendor_hit_frac", ctx.year_end, "People who depend on one vendor, the largest",
                               worst["customers_frac"], "frac",
                               "people with at least one item of the vendor, categories unrelated / people", "assumed",
                               worst["customers_low_frac"], worst["customers_high_frac"]))  # fmt: skip
    if hindcasts.height:
        miss = hindcasts["error_value"].abs()
        words = "median of |predicted / observed - 1| over series fitted to the stated year alone"
        found.append(Indicator("hindcast_median_error_frac", ctx.year_base, "Usual miss of series carried on",
                               float(miss.median()), "frac", words, "measured", float(miss.min()),  # type: ignore[arg-type]
                               float(miss.max())))  # type: ignore[arg-type]  # fmt: skip
    return found


def built_findings(
    tables: Tables, timing: Timing, built: Mapping[str, FloatArray], years: FloatArray, ctx: Context
) -> list[Indicator]:
    """Return urban and rural people with 20 Mbit/s today and in the last year; the low end is building late."""
    found = []
    for year in (ctx.year_base, ctx.year_end):
        counted = by_district(tables, timing, year)
        for name in ("urban_people_with_20_mbps_frac", "rural_people_with_20_mbps_frac"):
            value = float(counted[name].sum()) / max(float(counted[WHOLE[name]].sum()), 1.0)
            late = built[name][0, np.flatnonzero(years == year)] if year != ctx.year_base else np.zeros(0)
            words = "people whose place gets it / people; low: where building takes longer"
            low = min(value, float(late[0])) if late.size else None
            found.append(Indicator(name, year, NAMES[name], value, "frac", words, "modelled", low,
                                   None if low is None else value))  # fmt: skip
    return found


def carbon_findings(tables: Mapping[str, pl.DataFrame], ctx: Context) -> list[Indicator]:
    """Return the carbon dioxide of diesel burnt at towers today; nothing where no engine says how much is burnt."""
    if "site_energy" not in tables or not tables["site_energy"].height:
        return []
    litres = float(tables["site_energy"].sort("site_id")["diesel_l_per_year"].sum())
    words = f"litres of diesel at sites x {CO2_KG_PER_L_DIESEL} kg"
    return [Indicator("tower_co2_tonnes_per_year", ctx.year_base, "Carbon dioxide of diesel at towers",
                      litres * CO2_KG_PER_L_DIESEL / KG_PER_TONNE, "tonnes_per_year", words, "modelled")]  # fmt: skip
