"""Tables of the plan from the choice: access, options, links, sites, materials."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import shapely

from rahdari.engines.access.catalogue import NEEDED
from rahdari.engines.access.choose import FIBRE, NONE
from rahdari.engines.access.options import NEW_SITE_TECHNOLOGIES, TECHNOLOGIES
from rahdari.methods.geo import nearest
from rahdari.methods.results import result_frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.engines.access.catalogue import Catalogue
    from rahdari.engines.access.choose import Choice, Money
    from rahdari.engines.access.ground import Ground, Sites
    from rahdari.engines.access.options import Need, Option
    from rahdari.engines.access.params import AccessParams
    from rahdari.engines.access.waygraph import WayGraph
    from rahdari.model import Context

    FloatArray = NDArray[np.float64]

SCHEMAS = Path(__file__).parent / "tables"
NAMES = np.array([*TECHNOLOGIES, "none"], dtype=object)
SITE_TECHNOLOGY = {"fwa_5g": "fwa_5g", "mobile_5g": "mobile_5g"}
MOST_FRAC = 0.5  # where most homes are passed, fibre is what the place has
SCATTER_DEG = 0.004  # new towers of one place are drawn apart, for the map only
GOLDEN_RAD = 2.399963229728653  # golden angle: points spread evenly whatever their number


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything from which the tables are made."""

    ground: Ground
    sites: Sites
    need: Need
    graph: WayGraph
    prices: Catalogue
    options: dict[str, Option]
    money: Money
    choice: Choice


def pick(plan: Plan, name: str) -> FloatArray:
    """Return (n,) values of one attribute of the chosen technology's option, 0 where none is chosen."""
    stacked = np.stack([getattr(plan.options[key], name) for key in TECHNOLOGIES], axis=1)
    return pick_column(np.asarray(stacked, dtype=np.float64), plan.choice.technology)


def pick_column(values: FloatArray, technology: NDArray[np.int64]) -> FloatArray:
    """Return (n,) the column of ``values`` (n, technologies) at ``technology``, 0 for none."""
    padded = np.concatenate([values, np.zeros((len(values), 1))], axis=1)
    return np.asarray(padded[np.arange(len(values)), technology])


def _stacked(plan: Plan, unit: FloatArray, *, is_site: bool) -> FloatArray:
    """Return (n, technologies) money of the option, or of the new radio sites within it."""
    columns = []
    for name in TECHNOLOGIES:
        option = plan.options[name]
        if is_site:
            columns.append(option.site_total(unit, has_sites=name in NEW_SITE_TECHNOLOGIES))
        else:
            columns.append(option.total(unit))
    return np.stack(columns, axis=1)


def passed_households(plan: Plan) -> FloatArray:
    """Return (n,) households passed by fibre in the last year."""
    is_fibre = plan.choice.technology == FIBRE
    return np.where(is_fibre, plan.ground.households, plan.ground.passed_base_households)


def _why(frame: pl.DataFrame, year: int) -> pl.DataFrame:
    """Return the frame with one plain sentence for each choice of the last year."""
    saving = (pl.col("next_tco_usd") - pl.col("tco_usd")).round(0).cast(pl.Int64)
    fibre = pl.format(
        "Fibre reaches the place; to the homes it is {} USD cheaper than {} over the horizon, its way aside.",
        saving,
        pl.col("next_technology"),
    )
    premium = pl.format(
        "Fibre reaches the place; it costs {} USD more than {} and is built for the programme's target.",
        -saving,
        pl.col("next_technology"),
    )
    reached = pl.format(
        "{} costs least; fibre reaches the place's cell sites but would cost more to the homes.", pl.col("technology")
    )
    other = pl.format("{} costs least of what meets the target; fibre would not pay for its way.", pl.col("technology"))
    short = pl.format(
        "{} is the least bad: nothing meets the target here; it gives {} Mbit/s.",
        pl.col("technology"),
        pl.col("downlink_mbps").round(1),
    )
    is_fibre = pl.col("technology") == "fibre"
    text = (
        pl.when(is_fibre & (saving >= 0))
        .then(fibre)
        .when(is_fibre)
        .then(premium)
        .when(pl.col("technology") == "none")
        .then(pl.lit("Nothing can be built here within the limits of the model."))
        .when(~pl.col("is_target_met"))
        .then(short)
        .when(pl.col("is_on_fibre"))
        .then(reached)
        .otherwise(other)
    )
    return frame.with_columns(why=text, year=pl.lit(year, dtype=pl.Int64))


def access_end(plan: Plan, params: AccessParams, ctx: Context) -> pl.DataFrame:
    """Return the access of every place in the last year."""
    choice, ground, prices = plan.choice, plan.ground, plan.prices
    passed = passed_households(plan)
    downlink = pick(plan, "downlink_mbps")
    local = {}
    for key, unit in (
        ("capex_usd", prices.capex_usd),
        ("capex_low_usd", prices.capex_low_usd),
        ("capex_high_usd", prices.capex_high_usd),
        ("opex", prices.opex_usd_per_year),
    ):
        difference = _stacked(plan, unit, is_site=False) - _stacked(plan, unit, is_site=True)
        local[key] = pick_column(difference, choice.technology)
    rows = np.arange(len(ground.people))
    all_tco = np.concatenate([plan.money.tco_usd, np.zeros((len(rows), 1))], axis=1)
    frame = pl.DataFrame(
        {
            "place_id": ground.frame["place_id"],
            "technology": NAMES[choice.technology].astype(str),
            "downlink_mbps": downlink,
            "product_mbps": np.full(len(rows), params.fibre_product_mbps),
            "latency_ms": pick(plan, "latency_ms"),
            "availability_frac": pick(plan, "availability_frac"),
            "n_people": ground.frame["n_people"],
            "n_households": ground.frame["n_households"],
            "n_households_passed": np.round(passed).astype(np.int64),
            "n_households_connected": np.floor(passed * params.take_up_frac).astype(np.int64),
            "capex_usd": local["capex_usd"],
            "capex_low_usd": local["capex_low_usd"],
            "capex_high_usd": local["capex_high_usd"],
            "opex_usd_per_year": local["opex"] + pick(plan, "service_usd_per_year"),
            "tco_usd": all_tco[rows, choice.technology],
            "is_on_fibre": choice.is_reached,
            "is_target_met": downlink >= params.service_target_mbps * (1.0 - 1e-9),
            "next_technology": NAMES[choice.other].astype(str),
            "next_tco_usd": all_tco[rows, choice.other],
        }
    )
    return _why(frame, ctx.year_end).drop("next_tco_usd")


def access_base(plan: Plan, params: AccessParams, ctx: Context) -> pl.DataFrame:
    """Return the access of every place today: the newest generation that covers it, else satellite, else none."""
    ground = plan.ground
    share = ground.passed_base_households / np.maximum(ground.households, 1.0)
    conditions = [
        share > MOST_FRAC,
        ground.is_covered_5g,
        ground.is_covered,
        ground.is_licensed & (ground.satellite_mbps > 0.0),
    ]
    index = [FIBRE, *(TECHNOLOGIES.index(name) for name in ("mobile_5g", "mobile_4g", "satellite"))]
    technology = np.select(conditions, index, NONE)
    full = np.ones(len(share))

    def by(*values: FloatArray | float) -> FloatArray:
        return np.select(conditions, [value * full for value in values], 0.0)

    radio = params.radio_availability_frac * ground.power_frac
    zero = 0.0 * full
    passed = ground.passed_base_households
    words = pl.format("{} is what covers the place today.", pl.col("technology"))
    downlink = by(
        params.fibre_product_base_mbps, ground.downlink_5g_mbps, ground.downlink_4g_mbps, ground.satellite_mbps
    )
    return pl.DataFrame(
        {
            "place_id": ground.frame["place_id"],
            "year": np.full(len(share), ctx.year_base),
            "technology": NAMES[technology].astype(str),
            "downlink_mbps": downlink,
            "product_mbps": params.fibre_product_base_mbps * full,
            "latency_ms": by(
                params.fibre_latency_ms,
                params.radio_5g_latency_ms,
                params.radio_4g_latency_ms,
                ground.satellite_latency_ms,
            ),
            "availability_frac": by(
                params.fibre_availability_frac * ground.power_frac,
                radio,
                radio,
                ground.satellite_availability_frac * ground.power_frac,
            ),
            "n_people": ground.frame["n_people"],
            "n_households": ground.frame["n_households"],
            "n_households_passed": np.round(passed).astype(np.int64),
            "n_households_connected": np.floor(passed * params.take_up_frac).astype(np.int64),
            **dict.fromkeys(("capex_usd", "capex_low_usd", "capex_high_usd", "opex_usd_per_year", "tco_usd"), zero),
            "is_on_fibre": passed > 0.0,
            "is_target_met": downlink >= params.service_target_mbps,
            "next_technology": NAMES[np.full(len(share), NONE)].astype(str),
        }
    ).with_columns(
        why=pl.when(pl.col("technology") == "none").then(pl.lit("Nothing covers the place today.")).otherwise(words)
    )


def access_options(plan: Plan) -> pl.DataFrame:
    """Return cost and service of every technology at every place, fibre without the way to it."""
    money, prices = plan.money, plan.prices
    parts = []
    for index, name in enumerate(TECHNOLOGIES):
        option = plan.options[name]
        possible = money.is_possible[:, index]
        parts.append(
            pl.DataFrame(
                {
                    "place_id": plan.ground.frame["place_id"],
                    "capex_usd": money.capex_usd[:, index],
                    "replacement_usd": option.total(prices.replacement_usd),
                    "opex_usd_per_year": option.opex_usd_per_year(prices),
                    "tco_usd": money.tco_usd[:, index],
                    "downlink_mbps": option.downlink_mbps,
                    "is_possible": possible,
                    "is_feasible": possible & (money.penalty_usd[:, index] == 0.0),
                }
            ).with_columns(technology=pl.lit(name))
        )
    return pl.concat(parts)


def planned_links(plan: Plan) -> pl.DataFrame:
    """Return one row for each new piece of fibre, drawn straight between its ends, in the district nearest to it."""
    graph, edges = plan.graph, plan.choice.edge_index
    if not len(edges):
        return result_frame(None, SCHEMAS / "planned_links.csv")
    places = plan.ground.frame
    ends = graph.edge_node[edges]
    lon, lat = graph.lon_deg[ends], graph.lat_deg[ends]
    way, place = graph.way[edges], graph.place[edges]
    near, _ = nearest(lon.mean(axis=1), lat.mean(axis=1), places["lon_deg"].to_numpy(), places["lat_deg"].to_numpy())
    near = np.where(place >= 0, place, near)
    row_ids = np.array([*graph.row_id, None], dtype=object)[way]
    place_ids = np.array([*places["place_id"].to_list(), None], dtype=object)[place]
    is_way = way >= 0
    first = np.searchsorted(graph.way[: int((graph.way >= 0).sum())], way, side="left")
    counts = np.where(is_way, edges - first, edges - int((graph.way >= 0).sum()))
    own = np.where(is_way, row_ids, place_ids)
    ids = [f"planned-{name}-{number}" for name, number in zip(own, counts, strict=True)]
    length, ratio = graph.length_km[edges], graph.price_ratio[edges]
    prices = plan.prices
    columns: dict[str, object] = {
        "link_id": ids,
        "row_id": row_ids.tolist(),
        "place_id": place_ids.tolist(),
        "to_place_id": np.array([*places["place_id"].to_list(), None], dtype=object)[graph.to_place[edges]].tolist(),
        "kind": ["fibre"] * len(edges),
        "equipment_id": np.where(is_way, "fibre_buried_km", "fibre_aerial_km").tolist(),
        "price_ratio": ratio,
        "length_km": length,
    }
    unit = np.where(is_way, prices.index("fibre_buried_km"), prices.index("fibre_aerial_km"))
    for name in ("capex_usd", "capex_low_usd", "capex_high_usd", "opex_usd_per_year"):
        columns[name] = getattr(prices, name)[unit] * ratio * length
    columns["district_id"] = places["district_id"].to_numpy()[near]
    columns["geometry"] = shapely.to_wkb(shapely.linestrings(np.stack([lon, lat], axis=-1)))
    return result_frame(columns, SCHEMAS / "planned_links.csv")


def _new_radio_sites(plan: Plan) -> pl.DataFrame:
    """Return the sites that chosen radio technologies need beyond those of ordinary growth."""
    choice, ground, prices = plan.choice, plan.ground, plan.prices
    new = np.round(pick(plan, "n_new_sites")).astype(np.int64)
    place = np.repeat(np.arange(len(new)), new)
    if not len(place):
        return pl.DataFrame()
    rank = np.arange(len(place)) - np.repeat(np.cumsum(new) - new, new)
    ids = ground.frame["place_id"].to_numpy()[place]
    columns: dict[str, object] = {
        "site_id": [f"{place_id}-radio-{number + 1:03d}" for place_id, number in zip(ids, rank, strict=True)],
        "place": place,
        "technology": NAMES[choice.technology[place]].astype(str),
        "work": ["new_radio"] * len(place),
        "is_fibre": np.zeros(len(place), dtype=np.bool_),
        "is_new": np.ones(len(place), dtype=np.bool_),
        "rank": rank,
    }
    for name in ("capex_usd", "capex_low_usd", "capex_high_usd", "opex_usd_per_year"):
        total = pick_column(_stacked(plan, getattr(prices, name), is_site=True), choice.technology)
        columns[name] = (total / np.maximum(new, 1))[place]
    columns["radio_capex_usd"] = columns["capex_usd"]
    return pl.DataFrame(columns)


def _joined_and_grown(plan: Plan) -> pl.DataFrame:
    """Return standing sites that get fibre and sites of ordinary growth, with fibre or without."""
    sites, choice, prices = plan.sites, plan.choice, plan.prices
    chosen = np.flatnonzero(choice.is_site_joined | sites.is_new)
    place = sites.place[chosen]
    joined = choice.is_site_joined[chosen]
    radio = np.where(
        np.isin(NAMES[choice.technology[place]].astype(str), list(SITE_TECHNOLOGY)), "mobile_5g", "mobile_4g"
    )
    first = np.concatenate(
        [[0], np.cumsum(np.bincount(place[sites.is_new[chosen]], minlength=len(plan.ground.people)))]
    )
    number = np.cumsum(sites.is_new[chosen]) - 1
    columns: dict[str, object] = {
        "site_id": np.array(sites.site_id, dtype=object)[chosen].tolist(),
        "place": place,
        "technology": np.where(joined, "fibre", radio).tolist(),
        "work": np.where(sites.is_new[chosen], "growth", "join_fibre").tolist(),
        "is_fibre": joined,
        "is_new": sites.is_new[chosen],
        "rank": np.where(sites.is_new[chosen], number - first[place], -1),
    }
    town = plan.ground.is_urban[place]
    node, lead = prices.index("site_fibre_node"), (prices.index("fibre_aerial_km"), prices.index("fibre_urban_km"))
    for name in ("capex_usd", "capex_low_usd", "capex_high_usd", "opex_usd_per_year"):
        unit = getattr(prices, name)
        money = sites.lateral_km[chosen] * np.where(town, unit[lead[1]], unit[lead[0]]) + unit[node]
        columns[name] = np.where(joined, money, 0.0)
    columns["radio_capex_usd"] = np.zeros(len(chosen))
    columns["lateral_km"] = np.where(joined, sites.lateral_km[chosen], 0.0)
    columns["own_lon"], columns["own_lat"] = sites.lon_deg[chosen], sites.lat_deg[chosen]
    return pl.DataFrame(columns)


def planned_sites(plan: Plan) -> pl.DataFrame:
    """Return sites that are built or joined by fibre; new ones are drawn around their place."""
    parts = [part for part in (_joined_and_grown(plan), _new_radio_sites(plan)) if part.height]
    if not parts:
        return result_frame(None, SCHEMAS / "planned_sites.csv")
    frame = pl.concat(parts, how="diagonal").with_columns(pl.col("lateral_km", "radio_capex_usd").fill_null(0.0))
    places = plan.ground.frame
    place, rank = frame["place"].to_numpy(), frame["rank"].to_numpy()
    away = SCATTER_DEG * np.sqrt(np.maximum(rank, 0) + 1.0)
    is_new = frame["is_new"].to_numpy()
    lon, lat = places["lon_deg"].to_numpy()[place], places["lat_deg"].to_numpy()[place]
    columns: dict[str, object] = {
        "place_id": places["place_id"].to_numpy()[place].tolist(),
        "district_id": places["district_id"].to_numpy()[place].tolist(),
        "kind": ["tower"] * frame.height,
        "lon_deg": np.where(is_new, lon + away * np.cos(rank * GOLDEN_RAD), frame["own_lon"].fill_null(0.0).to_numpy()),
        "lat_deg": np.where(is_new, lat + away * np.sin(rank * GOLDEN_RAD), frame["own_lat"].fill_null(0.0).to_numpy()),
    }
    kept = frame.drop("place", "rank", "own_lon", "own_lat").to_dict(as_series=True)
    return result_frame({**kept, **columns}, SCHEMAS / "planned_sites.csv")


def materials(plan: Plan, links: pl.DataFrame, sites: pl.DataFrame) -> pl.DataFrame:
    """Return units and money of every catalogue item by district: the bill of the whole plan."""
    ground, choice, prices = plan.ground, plan.choice, plan.prices
    districts = ground.frame["district_id"]
    parts = []
    for index, name in enumerate(TECHNOLOGIES):
        mask = choice.technology == index
        for item, count in plan.options[name].units.items():
            used = mask & (count > 0.0)
            if used.any():
                frame = pl.DataFrame({"district_id": districts.filter(pl.Series(used)), "n_units": count[used]})
                parts.append(frame.with_columns(equipment_id=pl.lit(item)))
    links_part = links.select(
        "district_id", n_units=pl.col("length_km") * pl.col("price_ratio"), equipment_id="equipment_id"
    )
    town = pl.Series(ground.frame["place_id"]).to_frame().with_columns(is_town=pl.Series(ground.is_urban))
    joined = sites.filter(pl.col("is_fibre")).join(town, on="place_id", how="left")
    lead = pl.when("is_town").then(pl.lit("fibre_urban_km")).otherwise(pl.lit("fibre_aerial_km"))
    parts.append(links_part)
    parts.append(joined.select("district_id", n_units=pl.col("lateral_km"), equipment_id=lead))
    parts.append(joined.select("district_id", n_units=pl.lit(1.0), equipment_id=pl.lit("site_fibre_node")))
    table = pl.DataFrame(
        {
            "equipment_id": NEEDED,
            "unit_capex": prices.capex_usd,
            "unit_low": prices.capex_low_usd,
            "unit_high": prices.capex_high_usd,
            "unit_opex": prices.opex_usd_per_year,
        }
    )
    units = pl.concat([part.select("district_id", "equipment_id", "n_units") for part in parts if part.height])
    return (
        units.group_by("district_id", "equipment_id", maintain_order=True)
        .agg(pl.col("n_units").sum())
        .join(table, on="equipment_id", how="left")
        .select(
            "district_id",
            "equipment_id",
            "n_units",
            (pl.col("n_units") * pl.col("unit_capex")).alias("capex_usd"),
            (pl.col("n_units") * pl.col("unit_low")).alias("capex_low_usd"),
            (pl.col("n_units") * pl.col("unit_high")).alias("capex_high_usd"),
            (pl.col("n_units") * pl.col("unit_opex")).alias("opex_usd_per_year"),
        )
        .sort("district_id", "equipment_id")
    )
