"""Years of transit: demand, share won, revenue, cost, foreign exchange, and the value of it all today."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rahdari.methods.finance import discount_factor
from rahdari.methods.market import (
    Weights,
    fill_frac,
    grown,
    outage_hour_usd,
    price_in_year,
    pull_ratio,
    ramp_frac,
    removed_frac,
    revenue_usd_per_year,
)
from rahdari.methods.ways import round_trip_ms
from rahdari.units import HOURS_PER_YEAR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.engines.transit.net import Net, Way
    from rahdari.engines.transit.params import TransitParams

    FloatArray = NDArray[np.float64]

#: What a case may take at its low end, centre or high end.
FACTORS = ("demand", "growth", "addressable", "price", "erosion")
ENDS = ("low", "high")


@dataclass(frozen=True)
class Market:
    """One market: its row of the packaged demand, and the ways a buyer may choose from."""

    row: dict[str, Any]
    net: Net
    ways: list[Way]
    corridor: int

    @property
    def market_id(self) -> str:
        """Return the identifier of the market, which is that of its pair."""
        return str(self.row["market_id"])


@dataclass(frozen=True)
class Trade:
    """A market under one case over (y,) years; the way sold is the corridor."""

    demand_gbps: FloatArray
    price_usd: FloatArray
    pull: FloatArray
    rivals_pull: FloatArray
    won_gbps: FloatArray


@dataclass(frozen=True)
class Case:
    """One setting of the uncertain factors over (y,) years; sums over markets are in ``sold_gbps`` and on."""

    case_id: str
    price_usd: float
    trades: dict[str, Trade]
    fill: FloatArray
    sold_gbps: FloatArray
    lit_gbps: FloatArray
    revenue_usd: FloatArray
    capex_usd: FloatArray
    opex_usd: FloatArray
    capex_fixed_usd: float


def at_end(row: dict[str, Any], name: str, end: str) -> float:
    """Return a factor of a market row at its ``low``, ``centre`` or ``high`` end."""
    parts = {"demand": "demand{}_gbps", "growth": "growth{}_frac_per_year", "addressable": "addressable{}_frac"}
    return float(row[parts[name].format("" if end == "centre" else f"_{end}")])


def removed_by_each(net: Net, ways: list[Way], usable: list[int]) -> dict[int, float]:
    """Return for each usable way the share of the others' joint downtime that it removes: one wavelength on each."""
    law = net.law([ways[number] for number in usable], is_restored=False)
    every = 2 ** len(usable) - 1
    down_with = 1.0 - law.availability_frac(every)
    return {
        number: float(removed_frac(1.0 - law.availability_frac(every & ~(1 << place)), down_with))
        for place, number in enumerate(usable)
    }


def pulls(market: Market, years: FloatArray, price_usd: float, params: TransitParams) -> tuple[FloatArray, FloatArray]:
    """Return (y,) pulls of the corridor and of its rivals together; ways count from their first year on."""
    net, weights = market.net, _weights(params)
    opens = [net.from_year(way) for way in market.ways]
    own, rivals = np.zeros(years.size), np.zeros(years.size)
    for usable in sorted({tuple(n for n, year in enumerate(opens) if year <= at) for at in years.tolist()}):
        removed = removed_by_each(net, market.ways, list(usable))
        rtt = [round_trip_ms(net.total(market.ways[number], "fibre_km")) for number in usable]
        price = [net.total(market.ways[number], "price_usd_per_mbps_month") for number in usable]
        place = usable.index(market.corridor)
        # The country's own part of the price is what the case sets; the parts abroad stay at their centre.
        price[place] += price_usd - params.price_usd_per_mbps_month
        pull = pull_ratio(rtt, price, [removed[number] for number in usable], weights)
        here = np.array([tuple(n for n, year in enumerate(opens) if year <= at) == usable for at in years.tolist()])
        own[here], rivals[here] = pull[place], pull.sum() - pull[place]
    return own, rivals


def _weights(params: TransitParams) -> Weights:
    return Weights(params.rtt_weight_ratio, params.price_weight_ratio, params.diversity_weight_ratio)


def _end_of(params: TransitParams, stem: str, unit: str, end: str) -> float:
    return float(getattr(params, f"{stem}_{unit}" if end == "centre" else f"{stem}_{end}_{unit}"))


def trade(market: Market, ends: dict[str, str], years: FloatArray, params: TransitParams, won: Pulled) -> Trade:
    """Return one market under one case."""
    since = years - float(market.row["demand_year"])
    demand = grown(
        at_end(market.row, "demand", ends["demand"]), at_end(market.row, "growth", ends["growth"]), since,
        params.growth_years,
    )  # fmt: skip
    price_usd = _end_of(params, "price", "usd_per_mbps_month", ends["price"])
    erosion = _end_of(params, "erosion", "frac_per_year", ends["erosion"])
    own, rivals = won[market.market_id, ends["price"]]
    ramp = ramp_frac(years - params.start_year + 1.0, params.ramp_years)
    addressable = at_end(market.row, "addressable", ends["addressable"])
    price = price_in_year(price_usd, erosion, years - params.price_year)
    return Trade(demand, price, own, rivals, demand * addressable * own / (own + rivals) * ramp)


Pulled = dict[tuple[str, str], tuple["FloatArray", "FloatArray"]]


@dataclass(frozen=True)
class Stage:
    """What all cases share: markets, years, and the capacity of the crossing."""

    markets: list[Market]
    years: FloatArray
    spare_gbps: float
    ceiling_gbps: float
    params: TransitParams
    pulled: Pulled

    @classmethod
    def of(
        cls, markets: list[Market], years: FloatArray, capacity_gbps: tuple[float, float], params: TransitParams
    ) -> Stage:
        """Return the stage with the pulls of every market at every price end.

        ``capacity_gbps`` is what stands idle, and the most that can be lit.
        """
        pulled = {
            (market.market_id, end): pulls(market, years, _end_of(params, "price", "usd_per_mbps_month", end), params)
            for market in markets
            for end in ("centre", *ENDS)
        }
        return cls(markets, years, *capacity_gbps, params, pulled)

    def case(self, case_id: str, ends: dict[str, str], *, with_new_fibre: bool = False) -> Case:
        """Return one case: trades of every market, then capacity, light and money of all together."""
        params = self.params
        trades = {market.market_id: trade(market, ends, self.years, params, self.pulled) for market in self.markets}
        won = np.sum([each.won_gbps for each in trades.values()], axis=0)
        fill = fill_frac(won, self.ceiling_gbps)
        sold = won * fill
        lit = np.maximum(0.0, sold - self.spare_gbps)
        lit = np.maximum.accumulate(lit)
        is_open = self.years >= params.start_year
        fixed = params.capex_fixed_usd + (params.capex_new_fibre_usd if with_new_fibre else 0.0)
        opening = self.years == max(params.start_year, self.years[0])
        capex = np.diff(lit, prepend=0.0) * params.capex_usd_per_gbps + fixed * opening
        return Case(
            case_id=case_id,
            price_usd=_end_of(params, "price", "usd_per_mbps_month", ends["price"]),
            trades=trades,
            fill=fill,
            sold_gbps=sold,
            lit_gbps=lit,
            revenue_usd=np.sum(
                [revenue_usd_per_year(each.won_gbps * fill, each.price_usd) for each in trades.values()], axis=0
            ),
            capex_usd=capex,
            opex_usd=np.where(is_open, params.opex_usd_per_year, 0.0),
            capex_fixed_usd=fixed,
        )

    def cases(self) -> tuple[Case, list[Case], Case]:
        """Return the central case, all corners of the uncertain factors, and the centre with new fibre."""
        centre = dict.fromkeys(FACTORS, "centre")
        corners = [
            self.case("-".join(ends), dict(zip(FACTORS, ends, strict=True)))
            for ends in itertools.product(ENDS, repeat=len(FACTORS))
        ]
        return self.case("central", centre), corners, self.case("central_new_fibre", centre, with_new_fibre=True)

    def value_usd(self, case: Case) -> tuple[float, float]:
        """Return revenue and cost of a case as value at the start of the first year.

        Capital falls at the start of its year, revenue and operation at its end, as everywhere in Rahdari.
        """
        elapsed = self.years - self.years[0]
        start, end = (discount_factor(self.params.discount_frac_per_year, elapsed + late) for late in (0.0, 1.0))
        return float(case.revenue_usd @ end), float(case.capex_usd @ start + case.opex_usd @ end)


def year_rows(stage: Stage, central: Case, corners: list[Case]) -> list[dict[str, Any]]:
    """Return the rows of ``transit_years``: the centre, with the least and most over all corners."""
    params, rows = stage.params, []
    for market in stage.markets:
        mine, key = central.trades[market.market_id], market.market_id
        others = [
            revenue_usd_per_year(case.trades[key].won_gbps * case.fill, case.trades[key].price_usd)
            for case in (central, *corners)
        ]
        low, high = np.min(others, axis=0), np.max(others, axis=0)
        for place, year in enumerate(stage.years.astype(int).tolist()):
            demand, ramp = (
                float(mine.demand_gbps[place]),
                float(ramp_frac(year - params.start_year + 1, params.ramp_years)),
            )
            share = float(mine.pull[place] / (mine.pull[place] + mine.rivals_pull[place]))
            won = demand * market.row["addressable_frac"] * share * ramp
            sold = won * float(central.fill[place])
            rows.append(
                {
                    "market_id": key,
                    "year": year,
                    "origin": market.row["origin"],
                    "demand_year": market.row["demand_year"],
                    "demand_base_gbps": market.row["demand_gbps"],
                    "growth_frac_per_year": market.row["growth_frac_per_year"],
                    "demand_gbps": demand,
                    "addressable_frac": market.row["addressable_frac"],
                    "pull_ratio": float(mine.pull[place]),
                    "rivals_pull_ratio": float(mine.rivals_pull[place]),
                    "share_frac": share,
                    "ramp_frac": ramp,
                    "won_gbps": won,
                    "fill_frac": float(central.fill[place]),
                    "sold_gbps": sold,
                    "price_usd_per_mbps_month": float(mine.price_usd[place]),
                    "revenue_usd_per_year": float(revenue_usd_per_year(sold, mine.price_usd[place])),
                    "revenue_low_usd_per_year": float(low[place]),
                    "revenue_high_usd_per_year": float(high[place]),
                    "note": market.row["note"],
                }
            )
    return rows


def cash_rows(stage: Stage, central: Case, corners: list[Case]) -> list[dict[str, Any]]:
    """Return the rows of ``transit_cash``: money by year in the central case."""
    params = stage.params
    every = np.array([case.revenue_usd for case in (central, *corners)])
    imported = np.array([params.imported_cost_frac * (case.capex_usd + case.opex_usd) for case in (central, *corners)])
    foreign = every - imported
    rows = []
    for place, year in enumerate(stage.years.astype(int).tolist()):
        revenue, capex, opex = (
            float(each[place]) for each in (central.revenue_usd, central.capex_usd, central.opex_usd)
        )
        elapsed = year - int(stage.years[0])
        rate = params.discount_frac_per_year
        rows.append(
            {
                "year": year,
                "sold_gbps": float(central.sold_gbps[place]),
                "lit_gbps": float(central.lit_gbps[place]),
                "revenue_usd": revenue,
                "revenue_low_usd": float(every[:, place].min()),
                "revenue_high_usd": float(every[:, place].max()),
                "capex_usd": capex,
                "opex_usd": opex,
                "cash_usd": revenue - capex - opex,
                "foreign_exchange_usd": revenue - params.imported_cost_frac * (capex + opex),
                "foreign_exchange_low_usd": float(foreign[:, place].min()),
                "foreign_exchange_high_usd": float(foreign[:, place].max()),
                "discounted_usd": (revenue - opex) / (1.0 + rate) ** (elapsed + 1) - capex / (1.0 + rate) ** elapsed,
                "outage_hour_usd": float(outage_hour_usd(revenue, params.credit_ratio)),
            }
        )
    return rows


def business_rows(stage: Stage, cases: list[tuple[str, Case]], year_end: int, down_frac: float) -> list[dict[str, Any]]:
    """Return the rows of ``transit_business``: one a named case; ``down_frac`` is the country's part alone."""
    place = int(np.flatnonzero(stage.years == year_end)[0])
    rows = []
    for name, case in cases:
        revenue_pv, cost_pv = stage.value_usd(case)
        revenue = float(case.revenue_usd[place])
        hour = float(outage_hour_usd(revenue, stage.params.credit_ratio))
        down_h = down_frac * HOURS_PER_YEAR
        rows.append(
            {
                "case_id": name,
                "setting": case.case_id,
                "price_usd_per_mbps_month": case.price_usd,
                "sold_gbps": float(case.sold_gbps[place]),
                "revenue_usd_per_year": revenue,
                "capex_fixed_usd": case.capex_fixed_usd,
                "revenue_value_usd": revenue_pv,
                "cost_value_usd": cost_pv,
                "npv_usd": revenue_pv - cost_pv,
                "break_even_price_usd_per_mbps_month": case.price_usd * cost_pv / revenue_pv
                if revenue_pv > 0.0
                else None,
                "outage_hour_usd": hour,
                "down_h_per_year": down_h,
                "outage_usd_per_year": hour * down_h,
            }
        )
    return rows
