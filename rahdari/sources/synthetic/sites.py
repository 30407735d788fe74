"""Cell sites, exchanges, points of presence, landing stations and border sites, where no list of them is public.

Towers are shared out over places by people and land, then given backhaul, grid and generator so that every national
total is met exactly.  Which tower has what is drawn by chance keyed by its identifier: the layer is right in sum and
in kind of place, never about one tower.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.sources.synthetic import SITES_SOURCE_ID
from rahdari.sources.synthetic.common import KM_PER_DEG, chance, chosen, nearest, whole_shares

if TYPE_CHECKING:
    from rahdari.sources.synthetic.common import Flags, Floats, Ints

SITES_PER_PERSON = 24.0 / 100_000.0  # assumed for a country without figures; Pakistan 2025 has 24 per 100,000 people
FIBRE_FRAC = 0.179  # assumed likewise: Pakistan, June 2025
FOUR_G_FRAC = 0.97  # assumed likewise: 56,694 of 58,423
GENERATOR_FRAC = 0.58  # assumed likewise: 42 % without
ON_GRID_FRAC = 0.9325  # assumed likewise: 3,865 of 57,245 off grid
PEOPLE_EXPONENT = 0.85  # assumed, concave: a big place needs fewer sites a head
URBAN_FACTOR = 1.8  # assumed: traffic a head, and several operators, put more sites into towns
LAND_SHARE = 0.08  # assumed share of sites that stand for area coverage and not for people
SITE_REACH_KM2 = 80.0  # about a circle of 5 km; land beyond one site's reach adds no weight to a place
FIBRE_ROAD_SCALE_KM = 4.0  # assumed: fibre to a site is likelier near a main road
FIBRE_URBAN_LOG_ODDS = 1.5  # assumed
OFF_GRID_LOG_ODDS = 4.0  # assumed: from a wholly lit to a wholly unlit place
NO_GENERATOR_URBAN_LOG_ODDS = 0.7  # assumed: towns have less room for one, and better supply
OLD_RADIO_RURAL_LOG_ODDS = 2.0  # assumed: sites without 4G stand in the country
SATELLITE_ROAD_KM = 40.0  # assumed: beyond a microwave hop from the nearest main road, off grid
BATTERY_TOWN_H, BATTERY_RURAL_H = 4.0, 6.0  # assumed
BATTERY_CORE_H = 24.0  # assumed for exchanges, landing stations and border sites
EXCHANGE_PEOPLE = 20_000  # assumed: a town above this has an exchange
POP_PEOPLE = 200_000  # assumed: a city above this has an operator's point of presence
MOBILE_KINDS = ("mobile", "federal")
SYNTHETIC = "synthetic"


@dataclass(frozen=True, slots=True)
class SiteTotals:
    """National totals that the towers meet exactly; fractions are of towers."""

    n_sites: int
    fibre_frac: float = FIBRE_FRAC
    four_g_frac: float = FOUR_G_FRAC
    generator_frac: float = GENERATOR_FRAC
    on_grid_frac: float = ON_GRID_FRAC
    is_published: bool = False

    @classmethod
    def assumed(cls, n_people: int) -> SiteTotals:
        """Return totals for a country without figures: those of Pakistan per head.

        >>> SiteTotals.assumed(1_000_000).n_sites
        240
        """
        return cls(max(1, round(SITES_PER_PERSON * n_people)))


def sites_table(
    country_id: str,
    *,
    places: pl.DataFrame,
    operators: pl.DataFrame,
    cables: pl.DataFrame,
    landmarks: pl.DataFrame,
    rights_of_way_nodes: pl.DataFrame,
    totals: SiteTotals | None = None,
    seed: int = 1,
    source_id: str = SITES_SOURCE_ID,
) -> pl.DataFrame:
    """Return the table ``sites``, sorted by ``site_id``.

    Towers number exactly ``totals.n_sites``; those on fibre, with 4G, with a generator and on the grid are each the
    nearest whole number to their share.  Operators get towers by mobile share.  Exchanges and points of presence stand
    in larger towns, landing stations at cables, border sites at crossings; these come from named inputs, and carry
    their evidence.
    """
    code = country_id.lower()
    places = places.sort("place_id")
    quota = totals or SiteTotals.assumed(int(places["n_people"].sum()))
    towers = _towers(code, places, quota, seed)
    towers = _with_operators(towers, operators, seed)
    frames = [towers, _town_sites(code, places), _landings(code, places, cables), _borders(code, places, landmarks)]
    sites = pl.concat(frames, how="diagonal_relaxed").sort("site_id")
    nodes = rights_of_way_nodes.sort("row_node_id")
    home = nodes.filter(pl.col("is_in_country"))
    nodes = nodes if home.is_empty() else home
    _, at = nearest(sites["lon_deg"], sites["lat_deg"], nodes["lon_deg"], nodes["lat_deg"])
    evidence = pl.coalesce("evidence", pl.lit(SYNTHETIC if quota.is_published else "assumed"))
    return sites.select(
        "site_id",
        "name",
        "kind",
        "place_id",
        "operator_id",
        "lon_deg",
        "lat_deg",
        pl.Series("row_node_id", nodes["row_node_id"].to_numpy()[at]),
        "generation",
        "backhaul",
        "is_fibre",
        "is_on_grid",
        "has_generator",
        "battery_h",
        evidence.alias("evidence"),
        pl.coalesce("source_id", pl.lit(source_id)).alias("source_id"),
    )


def _towers(code: str, places: pl.DataFrame, quota: SiteTotals, seed: int) -> pl.DataFrame:
    """Return the towers with place, position and equipment."""
    n_sites = _sites_per_place(places, quota.n_sites)
    row = np.repeat(np.arange(places.height), n_sites)
    number = np.arange(len(row)) - np.repeat(np.cumsum(n_sites) - n_sites, n_sites) + 1
    at = places.select(
        "place_id", "name", "lon_deg", "lat_deg", "area_km2", "is_urban", "electrified_frac", "road_distance_km"
    )
    frame = at[row.tolist()].with_columns(pl.Series("number", number))
    frame = frame.with_columns(
        (
            pl.lit(f"{code}-t-")
            + pl.col("place_id").str.strip_prefix(f"{code}-")
            + "-"
            + pl.col("number").cast(pl.String)
        ).alias("site_id")
    )
    ids = frame["site_id"].to_list()
    lon, lat = _scattered(frame, ids, seed)
    is_urban = frame["is_urban"].to_numpy()
    unlit = 1.0 - frame["electrified_frac"].to_numpy()
    road_km = frame["road_distance_km"].to_numpy()

    def pick(name: str, log_weight: Floats, share: float) -> Flags:
        return chosen(log_weight, chance(ids, name, seed), round(share * len(ids)))

    is_fibre = pick("fibre", FIBRE_URBAN_LOG_ODDS * is_urban - road_km / FIBRE_ROAD_SCALE_KM, quota.fibre_frac)
    off_grid = pick("grid", OFF_GRID_LOG_ODDS * unlit - FIBRE_URBAN_LOG_ODDS * is_urban, 1.0 - quota.on_grid_frac)
    # A site off the grid without a generator would be dark: it is the last to be left without one.
    bare = pick(
        "generator",
        NO_GENERATOR_URBAN_LOG_ODDS * is_urban - np.where(off_grid, 1e3, 0.0),
        1.0 - quota.generator_frac,
    )
    old = pick("generation", OLD_RADIO_RURAL_LOG_ODDS * ~is_urban, 1.0 - quota.four_g_frac)
    far = ~is_fibre & off_grid & (road_km > SATELLITE_ROAD_KM)
    return pl.DataFrame(
        {
            "site_id": ids,
            "kind": "tower",
            "place_id": frame["place_id"],
            "lon_deg": lon,
            "lat_deg": lat,
            "generation": np.where(old, "2g", "4g"),
            "backhaul": np.select([is_fibre, far], ["fibre", "satellite"], "microwave"),
            "is_fibre": is_fibre,
            "is_on_grid": ~off_grid,
            "has_generator": ~bare,
            "battery_h": np.where(is_urban, BATTERY_TOWN_H, BATTERY_RURAL_H),
        },
        schema_overrides={"generation": pl.String, "backhaul": pl.String},
    )


def _sites_per_place(places: pl.DataFrame, n_sites: int) -> Ints:
    """Return whole numbers of towers a place: mostly by people (concave), a part by land to be covered."""
    people = places["n_people"].to_numpy().astype(float)
    by_people = people**PEOPLE_EXPONENT * np.where(places["is_urban"].to_numpy(), URBAN_FACTOR, 1.0)
    by_land = np.minimum(places["area_km2"].to_numpy(), SITE_REACH_KM2) * (people > 0)
    weight = (1.0 - LAND_SHARE) * by_people / max(by_people.sum(), 1e-9) + LAND_SHARE * by_land / max(
        by_land.sum(), 1e-9
    )
    return whole_shares(weight, n_sites)


def _scattered(frame: pl.DataFrame, ids: list[str], seed: int) -> tuple[Floats, Floats]:
    """Return positions: the first tower at its place, the others by chance over its settled land."""
    reach_km = np.sqrt(frame["area_km2"].to_numpy() / np.pi)
    radius_km = np.where(frame["number"].to_numpy() == 1, 0.0, reach_km * np.sqrt(chance(ids, "radius", seed)))
    angle = 2.0 * np.pi * chance(ids, "angle", seed)
    lat = frame["lat_deg"].to_numpy()
    north, east = radius_km * np.sin(angle) / KM_PER_DEG, radius_km * np.cos(angle) / KM_PER_DEG
    return frame["lon_deg"].to_numpy() + east / np.maximum(np.cos(np.radians(lat)), 1e-3), lat + north


def _with_operators(towers: pl.DataFrame, operators: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Return the towers with operators in exact proportion to their mobile shares, drawn by chance."""
    mobile = operators.filter(pl.col("mobile_share_frac") > 0).sort("operator_id")
    if mobile.is_empty():
        return towers.with_columns(pl.lit(None, dtype=pl.String).alias("operator_id"))
    quota = whole_shares(mobile["mobile_share_frac"].to_numpy(), towers.height)
    names = np.repeat(np.array(mobile["operator_id"].to_list(), dtype=object), quota)
    rank = np.argsort(np.argsort(chance(towers["site_id"].to_list(), "operator", seed), kind="stable"))
    return towers.with_columns(pl.Series("operator_id", names[rank].tolist(), dtype=pl.String))


def _core_site(kind: str, generator: str = "has_generator") -> list[pl.Expr]:
    """Return the columns that exchanges, landing stations and border sites have in common."""
    return [
        pl.lit(kind).alias("kind"),
        pl.lit("none").alias("generation"),
        pl.lit("fibre").alias("backhaul"),
        pl.lit(value=True).alias("is_fibre"),
        pl.lit(value=True).alias("is_on_grid"),
        pl.lit(value=True).alias(generator),
        pl.lit(BATTERY_CORE_H).alias("battery_h"),
    ]


def _town_sites(code: str, places: pl.DataFrame) -> pl.DataFrame:
    """Return an exchange in every observed town of size, and a point of presence in every larger city."""
    # Cells of a city are not towns: the city's size is that of all its pieces, its exchange stands at its own row.
    root = pl.col("name").str.replace(r", part \d+$", "")
    size = places.filter(pl.col("kind") != "village").with_columns(root.alias("root"))
    size = size.with_columns(pl.col("n_people").sum().over("root", "district_id").alias("size"))
    town = size.filter(pl.col("name") == pl.col("root"))
    frames = []
    for kind, letter, least in (("exchange", "x", EXCHANGE_PEOPLE), ("pop", "p", POP_PEOPLE)):
        short = pl.col("place_id").str.strip_prefix(f"{code}-")
        frames.append(
            town.filter(pl.col("size") >= least).select(
                (pl.lit(f"{code}-{letter}-") + short).alias("site_id"),
                (pl.col("name") + f" {kind}").alias("name"),
                "place_id",
                "lon_deg",
                "lat_deg",
                *_core_site(kind),
                pl.lit(None, dtype=pl.String).alias("operator_id"),
            )
        )
    return pl.concat(frames)


def _at_nearest_place(frame: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with the nearest place of each row."""
    if frame.is_empty():
        return frame.with_columns(pl.lit(None, dtype=pl.String).alias("place_id"))
    _, at = nearest(frame["lon_deg"], frame["lat_deg"], places["lon_deg"], places["lat_deg"])
    return frame.with_columns(pl.Series("place_id", places["place_id"].to_numpy()[at]))


def landing_site_id(country_id: str) -> pl.Expr:
    """Return the identifier of the landing station of a cable, from its column ``cable_id``."""
    return pl.lit(f"{country_id.lower()}-l-") + pl.col("cable_id")


def _landings(code: str, places: pl.DataFrame, cables: pl.DataFrame) -> pl.DataFrame:
    """Return one landing station a subsea cable."""
    subsea = cables.filter(pl.col("kind") == "subsea").sort("cable_id")
    return _at_nearest_place(subsea, places).select(
        landing_site_id(code).alias("site_id"),
        (pl.col("landing") + " landing, " + pl.col("name")).alias("name"),
        "place_id",
        "lon_deg",
        "lat_deg",
        *_core_site("landing_station"),
        "operator_id",
        pl.col("evidence"),
        pl.col("source_id"),
    )


def _borders(code: str, places: pl.DataFrame, landmarks: pl.DataFrame) -> pl.DataFrame:
    """Return one border site a crossing."""
    crossings = landmarks.filter(pl.col("kind") == "border_crossing").sort("landmark_id")
    return _at_nearest_place(crossings, places).select(
        (pl.lit(f"{code}-b-") + pl.col("landmark_id").str.strip_prefix(f"{code}-")).alias("site_id"),
        (pl.col("name") + " border site").alias("name"),
        "place_id",
        "lon_deg",
        "lat_deg",
        *_core_site("border"),
        pl.lit(None, dtype=pl.String).alias("operator_id"),
        pl.lit("assumed").alias("evidence"),
        pl.col("source_id"),
    )
