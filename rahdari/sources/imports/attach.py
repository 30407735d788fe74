"""Join tables again after an import has replaced one: places to ways, sites to places, people to districts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.sources.synthetic.common import nearest, whole_shares_by_group
from rahdari.sources.synthetic.fibre import links_table
from rahdari.sources.synthetic.people import RURAL_DENSITY_FACTOR, settled_density_per_km2

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rahdari.sources.synthetic.common import Floats

LEAST_AREA_KM2 = 0.01  # a place has some land, even where nobody is counted


def home_nodes(nodes: pl.DataFrame) -> pl.DataFrame:
    """Return the nodes inside the country, all where none is, sorted."""
    home = nodes.filter(pl.col("is_in_country"))
    return (nodes if home.is_empty() else home).sort("row_node_id")


def places_on_ways(places: pl.DataFrame, nodes: pl.DataFrame) -> pl.DataFrame:
    """Return places with their nearest right-of-way node and its distance."""
    home = home_nodes(nodes)
    apart_km, at = nearest(places["lon_deg"], places["lat_deg"], home["lon_deg"], home["lat_deg"])
    return places.with_columns(
        pl.Series("road_distance_km", apart_km),
        pl.Series("row_node_id", home["row_node_id"].to_numpy()[at], dtype=pl.String),
    )


def sites_on_ways(sites: pl.DataFrame, nodes: pl.DataFrame) -> pl.DataFrame:
    """Return sites with their nearest right-of-way node."""
    home = home_nodes(nodes)
    if sites.is_empty():
        return sites
    _, at = nearest(sites["lon_deg"], sites["lat_deg"], home["lon_deg"], home["lat_deg"])
    return sites.with_columns(pl.Series("row_node_id", home["row_node_id"].to_numpy()[at], dtype=pl.String))


def sites_in_places(sites: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Return sites, those whose place is gone moved to the place nearest to them."""
    gone = (~sites["place_id"].is_in(places["place_id"].implode())).to_numpy()
    if not gone.any():
        return sites
    ordered = places.sort("place_id")
    _, at = nearest(
        sites["lon_deg"].to_numpy()[gone], sites["lat_deg"].to_numpy()[gone], ordered["lon_deg"], ordered["lat_deg"]
    )
    names = sites["place_id"].to_numpy().astype(object)
    names[gone] = ordered["place_id"].to_numpy()[at]
    return sites.with_columns(pl.Series("place_id", names.tolist(), dtype=pl.String))


def people_to_census(places: pl.DataFrame, districts: pl.DataFrame, weight: Floats) -> pl.DataFrame:
    """Return places with people and households in proportion to ``weight`` that sum to the census of each district.

    Settled area follows people at the density it had.  Rows keep their order.
    """
    ordered = districts.sort("district_id")
    index = {name: i for i, name in enumerate(ordered["district_id"])}
    group = np.array([index[name] for name in places["district_id"]], dtype=np.int64)
    people = whole_shares_by_group(weight, group, ordered["n_people"].to_numpy().astype(np.int64))
    households = whole_shares_by_group(people.astype(float), group, ordered["n_households"].to_numpy().astype(np.int64))
    old = places["n_people"].to_numpy().astype(float)
    area = places["area_km2"].to_numpy() * np.where(old > 0, people / np.maximum(old, 1.0), 1.0)
    area = np.maximum(area, LEAST_AREA_KM2)
    return places.with_columns(
        pl.Series("n_people", people),
        pl.Series("n_households", households),
        pl.Series("area_km2", area),
        pl.Series("density_per_km2", people / area),
    )


def settled_area_km2(n_people: Floats, is_urban: Floats) -> Floats:
    """Return the settled area of places of which people alone are known: towns by size, villages at a mean density."""
    density = np.where(is_urban > 0, settled_density_per_km2(n_people), RURAL_DENSITY_FACTOR * RURAL_CATCHMENT_ROOT)
    return np.maximum(n_people / density, LEAST_AREA_KM2)


RURAL_CATCHMENT_ROOT = 15.0  # root of 225 people per square kilometre, the rural mean of Pakistan's census of 2023


def links_on_ways(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return links laid anew on changed ways: as much long-haul fibre as before; sea links stay as they are."""
    old = tables["links"]
    long_haul = old.filter(pl.col("tier") == "long_haul")
    published = "synthetic" in set(long_haul["evidence"])
    source = long_haul["source_id"][0] if long_haul.height else "synthetic-fibre"
    land = links_table(
        str(tables["country"]["country_id"][0]),
        places=tables["places"],
        sites=tables["sites"],
        rights_of_way=tables["rights_of_way"],
        rights_of_way_nodes=tables["rights_of_way_nodes"],
        operators=tables["operators"],
        cables=tables["cables"].filter(pl.col("kind") == "terrestrial"),
        long_haul_km=float(long_haul["length_km"].to_numpy().sum()) if published else None,
        stretches=tables.get("fibre_stretches"),
        source_id=source,
    )
    return pl.concat([land, old.filter(pl.col("kind") == "subsea")], how="diagonal_relaxed").sort("link_id")
