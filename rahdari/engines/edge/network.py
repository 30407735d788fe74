"""The fibre of a plan as a placement takes it, and the sites where an edge node may stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.errors import InputError, Problem
from rahdari.methods.geo import great_circle_km, nearest
from rahdari.methods.placement_input import EdgeNetwork
from rahdari.units import HOURS_PER_YEAR

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from rahdari.engines.edge.params import EdgeParams
    from rahdari.model import Tables

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

W_PER_KW = 1000.0
FIRST_OF_REGION = 6  # sites of each region that are looked at before all others
RANK = {"pop": 0, "landing_station": 1, "exchange": 2, "border": 3, "tower": 4}


@dataclass(frozen=True, slots=True, eq=False)
class Fibre:
    """Fibre nodes by name with coordinates, one link a trench, and the name of a link of each trench."""

    nodes: pl.DataFrame
    link_node: IntArray
    link_km: FloatArray
    link_id: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prices:
    """Yearly price of one server with its energy and batteries, by whether a generator stands there; and of a node."""

    equipment_id: str
    power_kw: float
    capex_usd: float
    opex_usd_per_year: float
    life_years: float
    capacity_mbps: float
    battery_usd_per_kwh: float
    battery_usd_per_kwh_year: float


def fibre(tables: Tables) -> Fibre:
    """Return one link for each trench on land: links of several operators along one right of way are one."""
    links = tables["links"].filter((pl.col("kind") != "subsea") & (pl.col("from_node_id") != pl.col("to_node_id")))
    known = tables["rights_of_way_nodes"].select("row_node_id", "lon_deg", "lat_deg")
    for end in ("from_node_id", "to_node_id"):
        links = links.join(known.select(pl.col("row_node_id").alias(end)), on=end, how="semi")
    low, high = pl.min_horizontal("from_node_id", "to_node_id"), pl.max_horizontal("from_node_id", "to_node_id")
    trench = (
        links.select("link_id", "row_id", "length_km", low=low, high=high)
        .sort("length_km", "link_id")
        .unique(["low", "high", "row_id"], keep="first", maintain_order=True)
        .sort("link_id")
    )
    names = pl.concat([trench["low"], trench["high"]]).unique().to_frame("row_node_id")
    nodes = known.join(names, on="row_node_id", how="semi").sort("row_node_id")
    number = {name: at for at, name in enumerate(nodes["row_node_id"].to_list())}
    pairs = [[number[a], number[b]] for a, b in trench.select("low", "high").iter_rows()]
    return Fibre(
        nodes, np.array(pairs, np.int64).reshape(-1, 2), trench["length_km"].to_numpy().astype(np.float64),
        tuple(trench["link_id"].to_list()),
    )  # fmt: skip


def attached(lon: FloatArray, lat: FloatArray, net: Fibre) -> tuple[IntArray, FloatArray]:
    """Return the nearest fibre node of each point and the great circle to it, km."""
    return nearest(lon, lat, net.nodes["lon_deg"].to_numpy(), net.nodes["lat_deg"].to_numpy())


def prices(equipment: pl.DataFrame) -> Prices:
    """Return prices of the edge cabinet and of batteries; :class:`InputError` where the catalogue has no cabinet."""
    cabinets = equipment.filter(pl.col("category") == "edge").sort("equipment_id")
    if not cabinets.height:
        raise InputError(Problem("no equipment of category 'edge'", "add an edge cabinet with its price", "equipment"))
    cabinet = cabinets.row(0, named=True)
    battery = equipment.filter(pl.col("equipment_id") == "power_battery_kwh").to_dicts()
    cost = battery[0] if battery else {"capex_usd": 0.0, "life_years": 1.0, "opex_frac_per_year": 0.0}
    return Prices(
        cabinet["equipment_id"], cabinet["power_w"] / W_PER_KW, cabinet["capex_usd"],
        cabinet["capex_usd"] * cabinet["opex_frac_per_year"] + cabinet["opex_usd_per_year"], cabinet["life_years"],
        cabinet["capacity_mbps"], cost["capex_usd"],
        cost["capex_usd"] * (1.0 / cost["life_years"] + cost["opex_frac_per_year"]),
    )  # fmt: skip


def _spread(sites: pl.DataFrame, spacing_km: float, most: int) -> list[int]:
    """Return rows of sites in order, none nearer to one before than the spacing, at most so many."""
    lon, lat = sites["lon_deg"].to_numpy(), sites["lat_deg"].to_numpy()
    kept: list[int] = []
    for row in range(sites.height):
        if len(kept) == most:
            break
        if not kept or float(great_circle_km(lon[row], lat[row], lon[kept], lat[kept]).min()) >= spacing_km:
            kept.append(row)
    return kept


def candidates(tables: Tables, net: Fibre, params: EdgeParams) -> pl.DataFrame:
    """Return sites on fibre where a node may stand, by id: fibre node, region, power to spare, hours without the grid.

    Points of presence and landing stations go first, then exchanges and border sites of the more populous places;
    cell sites stand in where a country has none of these.
    """
    sites = tables["sites"].filter(pl.col("is_fibre") & pl.col("kind").is_in(list(RANK)))
    if (sites["kind"] != "tower").any():
        sites = sites.filter(pl.col("kind") != "tower")
    places = tables["places"].select("place_id", "district_id", place_people="n_people")
    regions = tables["districts"].select("district_id", "region")
    energy = tables["site_energy"].select("site_id", held_h="autonomy_h")
    joined = (
        sites.join(places, on="place_id", how="left")
        .join(regions, on="district_id", how="left")
        .join(energy, on="site_id", how="left")
        .with_columns(rank=pl.col("kind").replace_strict(RANK, return_dtype=pl.Int64))
        .sort(["rank", "place_people", "site_id"], descending=[False, True, False], nulls_last=True)
        # Data that must stay in a region finds two nodes there, however small the region is.
        .with_columns(is_later=pl.int_range(pl.len()).over("region") >= FIRST_OF_REGION)
        .sort("is_later", maintain_order=True)
    )
    if not joined.height or not net.nodes.height:
        return joined.clear().with_columns(
            fibre_node=pl.lit(0), power_kw=pl.lit(0.0), has_autonomy_h=pl.lit(0.0), is_backed=pl.lit(value=False)
        )
    joined = joined[_spread(joined, params.candidate_spacing_km, params.n_candidates_max)]
    node, _ = attached(joined["lon_deg"].to_numpy(), joined["lat_deg"].to_numpy(), net)
    number = {name: at for at, name in enumerate(net.nodes["row_node_id"].to_list())}
    own = [
        number.get(name, int(near)) for name, near in zip(joined["row_node_id"].to_list(), node.tolist(), strict=True)
    ]
    power = {
        "pop": params.pop_power_kw, "landing_station": params.pop_power_kw, "exchange": params.exchange_power_kw,
        "border": params.exchange_power_kw, "tower": params.tower_power_kw,
    }  # fmt: skip
    held = pl.when("has_generator").then(pl.col("held_h").fill_null(pl.col("battery_h"))).otherwise(0.0)
    return joined.with_columns(
        fibre_node=pl.Series(own),
        power_kw=pl.col("kind").replace_strict(power, return_dtype=pl.Float64),
        is_backed=pl.col("has_generator"),
        has_autonomy_h=pl.max_horizontal(held, pl.lit(params.node_autonomy_h)),
    ).sort("site_id")


def battery_kwh(row: dict[str, Any], price: Prices, params: EdgeParams) -> float:
    """Return the battery bought for one server at a site, kWh."""
    return price.power_kw * (params.bridging_h if row["is_backed"] else params.node_autonomy_h)


def edge_network(found: pl.DataFrame, net: Fibre, price: Prices, params: EdgeParams, country: str) -> EdgeNetwork:
    """Return fibre and candidates with yearly prices, US dollars, as a placement takes them."""
    fixed = params.node_capex_usd / params.node_life_years + params.node_opex_usd_per_year
    server = [
        price.capex_usd / price.life_years + price.opex_usd_per_year
        + price.power_kw * HOURS_PER_YEAR * params.usd_per_kwh
        + battery_kwh(row, price, params) * price.battery_usd_per_kwh_year
        for row in found.iter_rows(named=True)
    ]  # fmt: skip
    room = np.floor(found["power_kw"].to_numpy() / price.power_kw + 1e-9).astype(np.int64)
    return EdgeNetwork(
        net.nodes.height, net.link_node, net.link_km, found["fibre_node"].to_numpy(), np.full(found.height, fixed),
        np.array(server), room, found["has_autonomy_h"].to_numpy(), found["region"].fill_null("").to_list(),
        [country] * found.height,
    )  # fmt: skip
