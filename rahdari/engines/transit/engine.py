"""Markets across the corridor: delay against other ways, capacity, price, revenue."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from rahdari.methods.results import result_frame
from rahdari.model import EngineResult, Indicator
from rahdari.units import FIBRE_DELAY_MS_PER_KM

if TYPE_CHECKING:
    from rahdari.engines.transit.params import TransitParams
    from rahdari.model import Context, Tables

FOLDER = Path(__file__).parent
TRANSIT = FOLDER / "tables" / "transit.csv"
MARKETS = FOLDER / "markets.csv"
GBPS_PER_TBPS = 1000.0
MBPS_PER_GBPS = 1000.0
MONTHS_PER_YEAR = 12.0
FLOOR = (
    "Round trips are floors of light in fibre; lengths outside the country are published or assumed, as each row says."
)
GROSS = "Revenue is gross, from idle capacity of the crossing in the base year, at an assumed price with a wide range."


def markets_of(country_id: str) -> pl.DataFrame:
    """Return the markets of a country in identifier order; none where no row names it."""
    return pl.read_csv(MARKETS).filter(pl.col("country_id") == country_id).sort("market_id")


def begins(column: str, name: str) -> pl.Expr:
    """Return whether a column's text begins with a name, whatever the case."""
    return pl.col(column).str.to_lowercase().str.starts_with(name.lower())


def corridor_of(routes: pl.DataFrame, crossing: str, landing: str) -> tuple[str, float] | None:
    """Return the route from a crossing to a landing and its fibre kilometres: the corridor, else the shortest."""
    found = routes.filter(begins("from_name", crossing) & begins("to_name", landing)).sort(
        pl.col("kind") != "corridor", "fibre_km", "route_id"
    )
    return (found["route_id"][0], found["fibre_km"][0]) if found.height else None


def spare_gbps(cables: pl.DataFrame, crossing: str) -> float:
    """Return installed less active capacity of the terrestrial cables at a crossing; 0 where it is not known."""
    here = cables.filter((pl.col("kind") == "terrestrial") & begins("landing", crossing)).sort("cable_id")
    idle = (here["installed_tbps"] - here["active_tbps"]).drop_nulls()
    return max(0.0, float(idle.sum())) * GBPS_PER_TBPS


def round_trip_ms(path_km: float) -> float:
    """Return the round trip of light through fibre of the given length.

    >>> round(round_trip_ms(1000.0), 2)
    9.79
    """
    return 2.0 * path_km * FIBRE_DELAY_MS_PER_KM


def _revenue_usd(capacity_gbps: float, price_usd: float) -> float:
    return capacity_gbps * MBPS_PER_GBPS * price_usd * MONTHS_PER_YEAR


def transit_row(
    market: dict[str, object], route: tuple[str, float], idle_gbps: float, params: TransitParams
) -> dict[str, object]:
    """Return one row of ``transit``."""
    number = {key: float(value) for key, value in market.items() if isinstance(value, (int, float))}
    route_id, corridor_km = route
    path_km = number["outside_km"] + corridor_km + number["sea_km"]
    ends_km = [number[f"outside_{end}_km"] + corridor_km + number[f"sea_{end}_km"] for end in ("low", "high")]
    rtt_ms, subsea_ms = round_trip_ms(path_km), round_trip_ms(number["alternative_km"])
    overland_km = number.get("overland_km")
    offered = idle_gbps * number["share_frac"]
    return {
        "market_id": market["market_id"],
        "from_name": market["from_name"],
        "to_name": market["to_name"],
        "route_id": route_id,
        "outside_km": number["outside_km"],
        "corridor_km": corridor_km,
        "sea_km": number["sea_km"],
        "path_km": path_km,
        "rtt_ms": rtt_ms,
        "rtt_low_ms": round_trip_ms(ends_km[0]),
        "rtt_high_ms": round_trip_ms(ends_km[1]),
        "alternative_km": number["alternative_km"],
        "rtt_subsea_ms": subsea_ms,
        "rtt_ratio": rtt_ms / subsea_ms,
        "has_overland": overland_km is not None,
        "overland_km": overland_km,
        "rtt_overland_ms": None if overland_km is None else round_trip_ms(overland_km),
        "share_frac": number["share_frac"],
        "spare_gbps": idle_gbps,
        "capacity_gbps": offered * params.take_up_frac,
        "capacity_low_gbps": offered * params.take_up_low_frac,
        "capacity_high_gbps": offered * params.take_up_high_frac,
        "price_usd_per_mbps_month": params.price_usd_per_mbps_month,
        "revenue_usd_per_year": _revenue_usd(offered * params.take_up_frac, params.price_usd_per_mbps_month),
        "revenue_low_usd_per_year": _revenue_usd(
            offered * params.take_up_low_frac, params.price_low_usd_per_mbps_month
        ),
        "revenue_high_usd_per_year": _revenue_usd(
            offered * params.take_up_high_frac, params.price_high_usd_per_mbps_month
        ),
        "note": market["note"],
    }


def indicators_of(frame: pl.DataFrame, year: int) -> tuple[Indicator, ...]:
    """Return revenue and capacity of all markets, and the delay saved in the largest one."""
    sums = {name: float(frame[name].sum()) for name in frame.columns if name.startswith(("revenue", "capacity"))}
    main = frame.sort("share_frac", "market_id", descending=[True, False]).row(0, named=True)
    label = f"{main['from_name']} to {main['to_name']}"
    subsea_ms = main["rtt_subsea_ms"]
    made = [
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
    return tuple(made)


def transit(tables: Tables, params: TransitParams, ctx: Context) -> EngineResult:
    """Return ``transit``: one row a market whose crossing and landing a route joins; none for other countries."""
    country = tables["country"].sort("country_id")
    markets = markets_of(country["country_id"][0]) if country.height else markets_of("")
    rows, n_without = [], 0
    for market in markets.iter_rows(named=True):
        route = corridor_of(tables["routes"], market["crossing"], market["landing"])
        if route is None:
            n_without += 1
        else:
            rows.append(transit_row(market, route, spare_gbps(tables["cables"], market["crossing"]), params))
    if not rows:
        note = "No transit market is described for this country, or no route joins its crossing to a landing."
        return EngineResult({"transit": result_frame(None, TRANSIT)}, (), (), (note,))
    frame = result_frame(rows, TRANSIT)
    notes = [FLOOR, GROSS]
    slower = frame.filter(pl.col("has_overland") & (pl.col("rtt_overland_ms") < pl.col("rtt_ms"))).height
    if slower:
        notes.append(f"In {slower} of {frame.height} markets an overland way round the country is shorter.")
    if n_without:
        notes.append(f"{n_without} markets have no route across the country and are left out.")
    return EngineResult({"transit": frame}, indicators_of(frame, ctx.year_base), (), tuple(notes))
