"""Markets across the corridor: delay and availability against other ways, capacity, price, revenue, value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from rahdari.engines.transit.business import Market, Stage, business_rows, cash_rows, year_rows
from rahdari.engines.transit.net import LEVELS, Net, Way
from rahdari.engines.transit.world import (
    CORRIDOR,
    FOLDER,
    GBPS_PER_TBPS,
    TABLES,
    Crossing,
    active_gbps,
    causes_frame,
    corridor_of,
    crossing_of,
    for_country,
    hub_names,
    legs_frame,
    spare_gbps,
)
from rahdari.methods.market import MBPS_PER_GBPS, MONTHS_PER_YEAR
from rahdari.methods.results import result_frame
from rahdari.methods.ways import round_trip_ms
from rahdari.model import EngineResult, Indicator
from rahdari.units import HOURS_PER_YEAR

if TYPE_CHECKING:
    from rahdari.engines.transit.business import Case
    from rahdari.engines.transit.params import TransitParams
    from rahdari.model import Context, Tables

MARKETS = FOLDER / "markets.csv"
SUBSEA_WAY = "malacca"
OVERLAND_WAYS = ("steppe", "trans_siberian")
WRITES = (
    "latency_legs", "transit", "transit_business", "transit_cash", "transit_causes", "transit_legs",
    "transit_risk", "transit_routes", "transit_systems", "transit_years",
)  # fmt: skip
FLOOR = (
    "Round trips are floors of light in fibre; lengths outside the country are published or assumed, as each row says."
)
GROSS = "Revenue from idle capacity is gross, in the base year, at an assumed price with a wide range."
MODEL = (
    "Later years follow a stated market: demand and prices with ranges, a share won by round trip, price and "
    "diversity, a ramp. Demand, shares open to a new way, prices and causes are largely assumed; see the engine's page."
)
COUNTRY_PART = "Revenue is that of the country's own part and its landing; what buyers pay abroad is not in it."
LAW = "Availability sums over joint states of the common causes; within each state systems fail independently."


def markets_of(country_id: str) -> pl.DataFrame:
    """Return the markets of a country in identifier order; none where no row names it."""
    return for_country("markets", country_id).sort("market_id")


@dataclass(frozen=True)
class Pair:
    """Two hubs and the ways between them."""

    pair_id: str
    from_hub: str
    to_hub: str
    ways: list[Way]

    @property
    def names(self) -> tuple[str, str]:
        """Return the names of both hubs."""
        return hub_names()[self.from_hub], hub_names()[self.to_hub]

    def way(self, way_id: str) -> Way | None:
        """Return the way of a family, or ``None``."""
        return next((way for way in self.ways if way.way_id == way_id), None)


def pairs_of(net: Net, country_id: str) -> list[Pair]:
    """Return the listed pairs that the corridor joins, in identifier order."""
    rows = for_country("pairs", country_id).sort("pair_id").iter_rows(named=True)
    pairs = [
        Pair(row["pair_id"], row["from_hub"], row["to_hub"], net.ways(row["from_hub"], row["to_hub"])) for row in rows
    ]
    return [pair for pair in pairs if pair.way(CORRIDOR) is not None]


def _revenue_usd(capacity_gbps: float, price_usd: float) -> float:
    return capacity_gbps * MBPS_PER_GBPS * price_usd * MONTHS_PER_YEAR


@dataclass(frozen=True)
class Across:
    """The corridor of this plan: its route, its length, and the capacity idle and in use at its crossing."""

    country_id: str
    own: Crossing
    route_id: str
    corridor_km: float
    idle_gbps: float
    used_gbps: float


def parts_km(net: Net, way: Way, own: Crossing, column: str) -> tuple[float, float]:
    """Return the lengths before and after the country on a way through it; a column of ``transit_legs``."""
    domestic = [place for place, leg in enumerate(way.legs) if net.row[leg]["is_domestic"]]
    lengths = [net.row[leg][column] for leg in way.legs]
    before, after = float(sum(lengths[: domestic[0]])), float(sum(lengths[domestic[-1] + 1 :]))
    enters = net.row[way.legs[domestic[0]]]
    is_forward = own.crossing_hub in (enters["from_hub"], enters["to_hub"])
    return (before, after) if is_forward else (after, before)


def transit_row(
    market: dict[str, Any], pair: Pair, net: Net, across: Across, params: TransitParams
) -> dict[str, object] | None:
    """Return one row of ``transit``, or ``None`` where no subsea way can be set beside the corridor."""
    way, subsea = pair.way(CORRIDOR), pair.way(SUBSEA_WAY)
    if way is None or subsea is None:
        return None
    outside_km, sea_km = parts_km(net, way, across.own, "fibre_km")
    path_km = outside_km + across.corridor_km + sea_km
    ends_km = [sum(parts_km(net, way, across.own, f"fibre_{end}_km")) + across.corridor_km for end in ("low", "high")]
    alternative_km = net.total(subsea, "fibre_km")
    overland = [net.total(other, "fibre_km") for other in pair.ways if other.way_id in OVERLAND_WAYS]
    overland_km = min(overland) if overland else None
    rtt_ms, subsea_ms = round_trip_ms(path_km), round_trip_ms(alternative_km)
    offered = across.idle_gbps * market["share_frac"]
    taken = {end: offered * getattr(params, f"take_up{end}_frac") for end in ("", "_low", "_high")}
    price = {end: getattr(params, f"price{end}_usd_per_mbps_month") for end in ("", "_low", "_high")}
    return {
        "market_id": market["market_id"],
        "from_name": pair.names[0],
        "to_name": pair.names[1],
        "route_id": across.route_id,
        "outside_km": outside_km,
        "corridor_km": across.corridor_km,
        "sea_km": sea_km,
        "path_km": path_km,
        "rtt_ms": rtt_ms,
        "rtt_low_ms": round_trip_ms(ends_km[0]),
        "rtt_high_ms": round_trip_ms(ends_km[1]),
        "alternative_km": alternative_km,
        "rtt_subsea_ms": subsea_ms,
        "rtt_ratio": rtt_ms / subsea_ms,
        "has_overland": overland_km is not None,
        "overland_km": overland_km,
        "rtt_overland_ms": None if overland_km is None else round_trip_ms(overland_km),
        "share_frac": market["share_frac"],
        "spare_gbps": across.idle_gbps,
        "price_usd_per_mbps_month": params.price_usd_per_mbps_month,
        **{f"capacity{end}_gbps": taken[end] for end in taken},
        **{f"revenue{end}_usd_per_year": _revenue_usd(taken[end], price[end]) for end in taken},
        "note": market["note"],
    }


def route_rows(pair: Pair, net: Net, params: TransitParams, year: int) -> list[dict[str, object]]:
    """Return the rows of ``transit_routes`` of one pair: every way with delay, capacity, availability and price."""
    laws = {level: net.law(pair.ways, level) for level in LEVELS}
    alone = net.law(pair.ways, is_restored=False)
    rows = []
    for place, way in enumerate(pair.ways):
        km = {end: net.total(way, f"fibre{end}_km") for end in ("", "_low", "_high")}
        rows.append(
            {
                "pair_id": pair.pair_id,
                "way_id": way.way_id,
                "from_name": pair.names[0],
                "to_name": pair.names[1],
                "way_name": way.name,
                "stops": " - ".join(net.stops(way)),
                "n_legs": len(way.legs),
                **{f"fibre{end}_km": value for end, value in km.items()},
                "rtt_floor_ms": round_trip_ms(km[""]),
                "rtt_low_ms": round_trip_ms(km["_low"]),
                "rtt_high_ms": round_trip_ms(km["_high"]),
                "idle_gbps": net.idle_gbps(way),
                "wavelength_availability_frac": alone.availability_frac(1 << place),
                **{f"availability{level}_frac": laws[level].availability_frac(1 << place) for level in LEVELS},
                **{
                    f"price{end}_usd_per_mbps_month": net.total(way, f"price{end}_usd_per_mbps_month")
                    for end in ("", "_low", "_high")
                },
                "price_year": params.price_year,
                "from_year": net.from_year(way),
                "is_in_service": net.from_year(way) <= year,
            }
        )
    return rows


def risk_rows(pair: Pair, net: Net, year: int) -> list[dict[str, object]]:
    """Return the rows of ``transit_risk`` of one pair: over all causes together, then while each one acts.

    A buyer holds one wavelength on each way in service: on all but the corridor, then on the corridor too.
    """
    ways = [way for way in pair.ways if net.from_year(way) <= year]
    corridor = 1 << next(place for place, way in enumerate(ways) if way.way_id == CORRIDOR)
    every = 2 ** len(ways) - 1
    felt = {cause: [way for way in ways if cause in net.causes_of(way)] for cause in range(len(net.cause_id))}
    rows = []
    for cause in (None, *(number for number, by in felt.items() if by)):
        law = net.law(ways, given=cause, is_restored=False)
        down = [1.0 - law.availability_frac(every & ~corridor), 1.0 - law.availability_frac(every)]
        active = 1.0 if cause is None else float(net.active_frac[""][cause])
        rows.append(
            {
                "pair_id": pair.pair_id,
                "cause_id": "all" if cause is None else net.cause_id[cause],
                "name": "All causes together" if cause is None else net.cause_name[cause],
                "n_ways": len(ways),
                "n_ways_felt": len(ways) if cause is None else len(felt[cause]),
                "active_frac": active,
                "down_without_frac": down[0],
                "down_with_frac": down[1],
                "down_without_h_per_year": active * down[0] * HOURS_PER_YEAR,
                "down_with_h_per_year": active * down[1] * HOURS_PER_YEAR,
                "saved_h_per_year": active * (down[0] - down[1]) * HOURS_PER_YEAR,
                # Which place strikes whom is for those with local authorisation; sums are for everybody.
                "classification": "public" if cause is None else "restricted",
            }
        )
    return rows


def latency_rows(net: Net, pair: Pair, own: Crossing, params: TransitParams) -> list[dict[str, object]]:
    """Return the rows of ``latency_legs``: each leg of the corridor's way of a pair, then its stretches."""
    way = pair.way(CORRIDOR)
    if way is None:
        return []
    stops, lengths = net.stops(way), [net.row[leg]["fibre_km"] for leg in way.legs]
    marks = {0, len(lengths), *(stops.index(hub_names()[hub]) for hub in (own.crossing_hub, own.landing_hub))}
    spans = [(place, place + 1, "leg") for place in range(len(lengths))]
    spans += [(first, last, "stretch") for first in sorted(marks) for last in sorted(marks) if last - first > 1]
    rows = []
    for number, (first, last, kind) in enumerate(spans, start=1):
        fibre_km = float(sum(lengths[first:last]))
        rtt_ms = round_trip_ms(fibre_km)
        rows.append(
            {
                "step": number,
                "leg": f"{stops[first]} - {stops[last]}",
                "kind": kind,
                "fibre_km": fibre_km,
                "rtt_floor_ms": rtt_ms,
                "claim_before_ms": params.claim_before_ms,
                "claim_after_ms": params.claim_after_ms,
                "floor_over_claim_ratio": rtt_ms / params.claim_after_ms,
                "is_claim_possible": rtt_ms <= params.claim_after_ms,
            }
        )
    return rows


def system_rows(cables: pl.DataFrame) -> list[dict[str, object]]:
    """Return the rows of ``transit_systems``: every cable with landing, design, lit and active capacity."""
    rows = []
    for row in cables.sort("cable_id").iter_rows(named=True):
        is_known = row["installed_tbps"] is not None and row["active_tbps"] is not None
        idle = max(0.0, row["installed_tbps"] - row["active_tbps"]) * GBPS_PER_TBPS if is_known else None
        kept = ("cable_id", "name", "kind", "landing", "length_km", "design_tbps", "installed_tbps", "active_tbps")
        rows.append({**{name: row[name] for name in kept}, "is_known": is_known, "idle_gbps": idle,
                     "is_in_service": row["is_in_service"]})  # fmt: skip
    return rows


def base_indicators(frame: pl.DataFrame, year: int) -> list[Indicator]:
    """Return revenue and capacity of all markets, and the delay saved in the largest one."""
    sums = {name: float(frame[name].sum()) for name in frame.columns if name.startswith(("revenue", "capacity"))}
    main = frame.sort("share_frac", "market_id", descending=[True, False]).row(0, named=True)
    label = f"{main['from_name']} to {main['to_name']}"
    subsea_ms = main["rtt_subsea_ms"]
    return [
        Indicator(
            "transit_revenue_usd_per_year", year, "Gross revenue from transit of idle capacity",
            sums["revenue_usd_per_year"], "usd_per_year", "sum of transit.revenue_usd_per_year", "assumed",
            sums["revenue_low_usd_per_year"], sums["revenue_high_usd_per_year"],
        ),
        Indicator(
            "transit_capacity_gbps", year, "Capacity sold for transit", sums["capacity_gbps"], "gbps",
            "sum of transit.capacity_gbps", "assumed", sums["capacity_low_gbps"], sums["capacity_high_gbps"],
        ),
        Indicator(
            "transit_rtt_ms", year, f"Round-trip floor by the corridor, {label}", main["rtt_ms"], "ms",
            "transit.rtt_ms of the market with the largest share", "modelled", main["rtt_low_ms"], main["rtt_high_ms"],
        ),
        Indicator(
            "transit_rtt_saving_ms", year, f"Round trip saved against the all-subsea way, {label}",
            subsea_ms - main["rtt_ms"], "ms", "transit.rtt_subsea_ms - transit.rtt_ms of the same market", "assumed",
            subsea_ms - main["rtt_high_ms"], subsea_ms - main["rtt_low_ms"],
        ),
    ]  # fmt: skip


def business_indicators(business: pl.DataFrame, cash: pl.DataFrame, ctx: Context) -> list[Indicator]:
    """Return revenue, foreign exchange and capacity sold in the last year, the value today, and an hour's outage."""
    case = {row["case_id"]: row for row in business.iter_rows(named=True)}
    end = cash.filter(pl.col("year") == ctx.year_end).row(0, named=True)
    centre, npv = case["central"], [row["npv_usd"] for row in case.values() if row["case_id"] in ("low", "high")]
    return [
        Indicator(
            "transit_market_revenue_usd_per_year", ctx.year_end, "Revenue from transit in the stated market",
            end["revenue_usd"], "usd_per_year", "transit_cash.revenue_usd", "assumed", end["revenue_low_usd"],
            end["revenue_high_usd"],
        ),
        Indicator(
            "transit_foreign_exchange_usd_per_year", ctx.year_end, "Foreign exchange from transit, net of imports",
            end["foreign_exchange_usd"], "usd_per_year", "transit_cash.foreign_exchange_usd", "assumed",
            end["foreign_exchange_low_usd"], end["foreign_exchange_high_usd"],
        ),
        Indicator(
            "transit_sold_gbps", ctx.year_end, "Transit sold in the stated market", end["sold_gbps"], "gbps",
            "transit_cash.sold_gbps", "assumed",
        ),
        Indicator(
            "transit_npv_usd", ctx.year_base, "Value today of transit on fibre that is there", centre["npv_usd"], "usd",
            "transit_business.npv_usd of the central case; range over all corners", "assumed", min(npv), max(npv),
        ),
        Indicator(
            "transit_outage_hour_usd", ctx.year_end, "Cost of an hour without the corridor to its seller",
            centre["outage_hour_usd"], "usd", "transit_business.outage_hour_usd", "assumed",
        ),
    ]  # fmt: skip


def law_indicators(routes: pl.DataFrame, risk: pl.DataFrame, pair: Pair, year: int) -> list[Indicator]:
    """Return the availability of the corridor's way, and the joint downtime of all ways without it and with it."""
    label = f"{pair.names[0]} to {pair.names[1]}"
    way = routes.filter((pl.col("pair_id") == pair.pair_id) & (pl.col("way_id") == CORRIDOR)).row(0, named=True)
    joint = risk.filter((pl.col("pair_id") == pair.pair_id) & (pl.col("cause_id") == "all")).row(0, named=True)
    return [
        Indicator(
            "transit_availability_frac", year, f"Availability by the corridor, {label}", way["availability_frac"],
            "frac", "transit_routes.availability_frac", "modelled", way["availability_low_frac"],
            way["availability_high_frac"],
        ),
        Indicator(
            "transit_down_without_h_per_year", year, f"All other ways down together, {label}",
            joint["down_without_h_per_year"], "h_per_year", "transit_risk.down_without_h_per_year", "modelled",
        ),
        Indicator(
            "transit_down_with_h_per_year", year, f"All ways and the corridor down together, {label}",
            joint["down_with_h_per_year"], "h_per_year", "transit_risk.down_with_h_per_year", "modelled",
        ),
    ]  # fmt: skip


def _stage(pairs: list[Pair], net: Net, across: Across, params: TransitParams, ctx: Context) -> Stage:
    """Return the markets, the years and the capacity of the business case."""
    by_id = {pair.pair_id: pair for pair in pairs}
    markets = []
    for row in for_country("demand", across.country_id).sort("market_id").iter_rows(named=True):
        pair = by_id.get(row["market_id"])
        if pair is not None:
            place = next(number for number, way in enumerate(pair.ways) if way.way_id == CORRIDOR)
            markets.append(Market(row, net, pair.ways, place))
    last = max(ctx.year_end, ctx.year_base + params.horizon_years)
    years = np.arange(ctx.year_base, last + 1, dtype=np.float64)
    design = [row["design_gbps"] for row in net.row if row["is_domestic"] and row["design_gbps"] is not None]
    ceiling = max(across.idle_gbps, min(design) - across.used_gbps if design else 0.0)
    return Stage.of(markets, years, (across.idle_gbps, ceiling), params)


def _named_cases(stage: Stage) -> tuple[Case, list[Case], list[tuple[str, Case]]]:
    """Return the centre, the corners, and the cases that the report names."""
    central, corners, with_fibre = stage.cases()
    value = [revenue - cost for revenue, cost in (stage.value_usd(case) for case in corners)]
    least, most = corners[int(np.argmin(value))], corners[int(np.argmax(value))]
    named = [("central", central), ("central_new_fibre", with_fibre), ("high", most), ("low", least)]
    return central, corners, named


def _empty(note: str) -> EngineResult:
    return EngineResult({name: result_frame(None, TABLES / f"{name}.csv") for name in WRITES}, (), (), (note,))


def _domestic_down_frac(net: Net) -> float:
    """Return the share of time in which the country's own part is down, all its causes included."""
    legs = tuple(number for number, row in enumerate(net.row) if row["is_domestic"])
    return 1.0 - net.law([Way(CORRIDOR, CORRIDOR, legs, "")]).availability_frac(1)


def transit(tables: Tables, params: TransitParams, ctx: Context) -> EngineResult:
    """Return delay, availability, capacity, price and revenue of transit across the country.

    Countries without a described corridor, and plans in which no route joins its ends, get empty tables and a note.
    """
    country = tables["country"].sort("country_id")
    country_id = country["country_id"][0] if country.height else ""
    own = crossing_of(country_id)
    found = corridor_of(tables["routes"], own.crossing, own.landing) if own else None
    if own is None or found is None:
        return _empty("No transit corridor is described for this country, or no route joins its crossing to a landing.")
    capacity = [each(tables["cables"], own.crossing) for each in (spare_gbps, active_gbps)]
    across = Across(country_id, own, *found, *capacity)
    legs, causes = legs_frame(tables, own, across.route_id, params), causes_frame(tables)
    net = Net.of(legs, causes)
    pairs = pairs_of(net, country_id)
    by_id = {pair.pair_id: pair for pair in pairs}
    made = [
        transit_row(market, by_id[market["market_id"]], net, across, params)
        for market in markets_of(country_id).iter_rows(named=True)
        if market["market_id"] in by_id
    ]
    rows = [row for row in made if row is not None]
    if not rows:
        return _empty("No market can be reached across the country.")
    main = by_id[str(min(rows, key=lambda row: (-float(str(row["share_frac"])), str(row["market_id"])))["market_id"])]
    stage = _stage(pairs, net, across, params, ctx)
    central, corners, named = _named_cases(stage)
    data: dict[str, Any] = {
        "latency_legs": latency_rows(net, main, own, params),
        "transit": rows,
        "transit_business": business_rows(stage, named, ctx.year_end, _domestic_down_frac(net)),
        "transit_cash": cash_rows(stage, central, corners),
        "transit_risk": [row for pair in pairs for row in risk_rows(pair, net, ctx.year_base)],
        "transit_routes": [row for pair in pairs for row in route_rows(pair, net, params, ctx.year_base)],
        "transit_systems": system_rows(tables["cables"]),
        "transit_years": year_rows(stage, central, corners),
    }
    frames = {name: result_frame(given, TABLES / f"{name}.csv") for name, given in data.items()}
    indicators = (
        *base_indicators(frames["transit"], ctx.year_base),
        *business_indicators(frames["transit_business"], frames["transit_cash"], ctx),
        *law_indicators(frames["transit_routes"], frames["transit_risk"], main, ctx.year_base),
    )
    notes = [FLOOR, GROSS, MODEL, COUNTRY_PART, LAW, *_spoken(frames)]
    return EngineResult({**frames, "transit_legs": legs, "transit_causes": causes}, indicators, (), tuple(notes))


def _spoken(frames: dict[str, pl.DataFrame]) -> list[str]:
    """Return what the figures of this plan say in words."""
    notes = []
    frame, claims = frames["transit"], frames["latency_legs"]
    slower = frame.filter(pl.col("has_overland") & (pl.col("rtt_overland_ms") < pl.col("rtt_ms"))).height
    if slower:
        notes.append(f"In {slower} of {frame.height} markets an overland way round the country is shorter.")
    possible = claims.filter((pl.col("kind") == "stretch") & pl.col("is_claim_possible"))["leg"].to_list()
    before, after = (claims[f"claim_{word}_ms"][0] for word in ("before", "after"))
    where = f"holds for {', '.join(possible)} alone" if possible else "holds for single legs at most"
    notes.append(
        f"The published delay of {after:g} ms in place of {before:g} ms, as a round trip, {where}; "
        "the floor of every leg stands beside it."
    )
    return notes
