"""Make all input tables of a country: packages, then its pack, then imported tables, then the synthetic layers.

Works for any ISO 3166-1 code.  What neither a pack nor a package gives is assumed
(:mod:`rahdari.sources.assumed`) or modelled (:mod:`rahdari.sources.synthetic`), and labelled so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import shapely

from rahdari.errors import InputError, Problem
from rahdari.methods.raster import Raster
from rahdari.methods.terrain_table import terrain_rows
from rahdari.schema import base_schemas
from rahdari.schema.checks import conform, empty_table
from rahdari.sources import assumed, risk_groups, row_graph, synthetic
from rahdari.sources.boundaries import Boundaries, from_outline, natural_earth
from rahdari.sources.country_facts import (
    home_districts,
    long_haul_km,
    named_ways,
    points_by_name,
    published_routes,
    site_totals,
)
from rahdari.sources.pack import PACKS_FOLDER, load_pack
from rahdari.sources.packages import airports, geonames, outline, ports, roads, sea, terrain
from rahdari.sources.risk_groups import risk_group_tables
from rahdari.sources.row_repair import sphere_km

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from rahdari.sources.packages.geonames import Country
    from rahdari.sources.packages.terrain import Terrain

    Frames = dict[str, pl.DataFrame]
    Progress = Callable[[int, int, str], None]

GATHERED = ("indicators",)  # the base tables that results fill
COMMON_PACK = PACKS_FOLDER / "common"
DEFAULT_N_PLACES = 32_000
SEED = 1  # of the synthetic layers; the country is the same for every plan
SAME_LANDMARK_KM = 10.0  # a pack's landmark of the same kind this near is the same one
COAST_BOX_DEG = 0.25  # a sea port has open sea within some 25 km
LAND_MOST_FRAC = 0.98  # ... at least this share of the box around it is not land
TERRAIN_MARGIN_DEG = row_graph.MARGIN_DEG + 0.25


@dataclass(frozen=True, slots=True)
class _Base:
    """What the layers are built on."""

    country: Country
    given: Mapping[str, pl.DataFrame]
    towns: pl.DataFrame
    boundaries: Boundaries
    terrain: Terrain

    def table(self, name: str) -> pl.DataFrame:
        """Return a table of the pack or the imports, empty where neither gives it."""
        return self.given.get(name, empty_table(base_schemas()[name]))


def _silent(_done: int, _total: int, _text: str) -> None:
    """Tell nobody."""


def country_tables(
    country: str,
    *,
    n_places: int = DEFAULT_N_PLACES,
    cache_dir: Path,
    pack_folder: Path | None = None,
    imports: Mapping[str, pl.DataFrame] | None = None,
    progress: Progress | None = None,
) -> Frames:
    """Return every input table of a country by name, each as its schema says, in key order.

    ``country`` is a name or an ISO 3166-1 code.  ``pack_folder`` holds a country pack; without one the
    common catalogue and labelled assumptions stand in.  ``imports`` are whole tables, already checked,
    that replace what would be made; later layers build on them.  ``cache_dir`` keeps the parsed road
    network.  An unknown country, a faulty pack or a missing package raises :class:`InputError`.
    """
    tell = progress or _silent
    n_steps = 6
    tell(0, n_steps, "Pack and settlements")
    found = geonames.find_country(country)
    if not found.n_people:
        raise InputError(Problem(f"nobody lives in {found.name}", "choose a country with residents"))
    given = {**load_pack(pack_folder or COMMON_PACK), **(imports or {})}
    base = _base(found, given)
    tables = _administration(base)
    tell(1, n_steps, "Rights of way")
    tables |= _ways(base, tables, cache_dir)
    tables["cables"] = _cables(base, tables)
    tables["terrain"] = _terrain(base)
    tell(2, n_steps, "Settlements")
    tables["places"] = _places(base, tables, n_places)
    tell(3, n_steps, "Cell sites")
    tables["sites"] = _sites(base, tables)
    tell(4, n_steps, "Fibre in the ground")
    tables["links"] = _links(base, tables)
    tables |= risk_group_tables(tables["links"], tables["sites"], tables["cables"], given)
    tell(5, n_steps, "Sources")
    return _complete(base, tables)


def _base(country: Country, given: Mapping[str, pl.DataFrame]) -> _Base:
    own = given.get("country")
    language = own["local_language"][0] if own is not None and own.height else None
    towns = _with_given_names(geonames.towns(country.iso2, language), given)
    drawn = given.get("outline")
    if drawn is not None and drawn.height:
        boundaries = from_outline(drawn, str(drawn["source_id"][0]))
    else:
        boundaries = natural_earth(country, towns["lon_deg"].to_numpy(), towns["lat_deg"].to_numpy())
    west, south, east, north = boundaries.land.bounds
    margin = TERRAIN_MARGIN_DEG
    window = terrain.read_terrain(
        max(west - margin, -180.0), max(south - margin, -90.0), min(east + margin, 180.0), min(north + margin, 90.0)
    )
    return _Base(country, given, towns, boundaries, window)


def _with_given_names(towns: pl.DataFrame, given: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the towns with local names that a pack gives, which may be better than GeoNames' untagged ones."""
    names = given.get("place_names")
    if names is None or names.is_empty():
        return towns
    better = names.select("name", pl.col("name_local").alias("better")).drop_nulls().unique("name").sort("name")
    joined = towns.join(better, on="name", how="left").sort("geoname_id")
    return joined.with_columns(pl.coalesce("better", "name_local").alias("name_local")).drop("better")


def _administration(base: _Base) -> Frames:
    """Return country, districts, operators and what else does not depend on the ways."""
    tables: Frames = {"outline": base.boundaries.outline}
    tables["country"] = base.given["country"] if "country" in base.given else assumed.country_row(base.country)
    if "districts" in base.given:
        tables["districts"], tables["district_points"] = base.table("districts"), base.table("district_points")
        tables["grid_companies"] = base.table("grid_companies")
    else:
        made = assumed.districts(base.country, base.towns, base.boundaries.land)
        tables["districts"], tables["district_points"] = made
        tables["grid_companies"] = assumed.grid_companies(base.country)
    tables["operators"] = base.table("operators") if "operators" in base.given else assumed.operators(base.country)
    tables["landmarks"] = _landmarks(base)
    return tables


def _is_on_coast(base: _Base, lon_deg: float, lat_deg: float) -> bool:
    box = (lon_deg - COAST_BOX_DEG, lat_deg - COAST_BOX_DEG, lon_deg + COAST_BOX_DEG, lat_deg + COAST_BOX_DEG)
    pieces = [base.boundaries.land, *(part for part in base.boundaries.others if part.intersects(shapely.box(*box)))]
    land_deg2 = sum(shapely.clip_by_rect(piece, *box).area for piece in pieces)
    return bool(land_deg2 < LAND_MOST_FRAC * (2.0 * COAST_BOX_DEG) ** 2)


def _landmarks(base: _Base) -> pl.DataFrame:
    """Return the pack's landmarks and the packages' sea ports and airports that it does not have."""
    code = base.country.iso2
    own = base.table("landmarks")
    rows: list[dict[str, Any]] = []
    listed = ports.ports(code).iter_rows(named=True)
    harbours = [row for row in listed if _is_on_coast(base, row["lon_deg"], row["lat_deg"])]
    fields = airports.airports(code).iter_rows(named=True)
    for kind, key, source_id, found in (
        ("port", "locode", ports.SOURCE_ID, harbours),
        ("airport", "iata", airports.SOURCE_ID, list(fields)),
    ):
        rows += [
            {
                "landmark_id": f"{code}-{kind}-{row[key]}".lower(),
                "name": row["name"],
                "kind": kind,
                "lon_deg": row["lon_deg"],
                "lat_deg": row["lat_deg"],
                "evidence": "published",
                "source_id": source_id,
            }
            for row in found
        ]
    kept = [row for row in rows if not _is_known(row, own)]
    if not kept:
        return own
    return pl.concat([own, conform(pl.DataFrame(kept), base_schemas()["landmarks"])]).sort("landmark_id")


def _is_known(row: dict[str, Any], own: pl.DataFrame) -> bool:
    same = own.filter(pl.col("kind") == row["kind"])
    if same.is_empty():
        return False
    apart = sphere_km(same["lon_deg"], same["lat_deg"]) - sphere_km(row["lon_deg"], row["lat_deg"])
    return bool(np.linalg.norm(apart, axis=1).min() <= SAME_LANDMARK_KM)


def _settlements(base: _Base) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return longitudes and latitudes of the towns, of the middle of the land where there are none."""
    if base.towns.height:
        return base.towns["lon_deg"].to_numpy(), base.towns["lat_deg"].to_numpy()
    middle = base.boundaries.land.representative_point()
    return np.array([middle.x]), np.array([middle.y])


def _ways(base: _Base, tables: Frames, cache_dir: Path) -> Frames:
    """Return rights of way, their nodes, and landmarks with the border crossings found where no pack names any."""
    if "rights_of_way" in base.given and "rights_of_way_nodes" in base.given:
        return {name: base.table(name) for name in ("rights_of_way", "rights_of_way_nodes")}
    landmarks = tables["landmarks"]
    by_size = base.towns.sort(["n_people", "geoname_id"])
    points = points_by_name(base.table("districts"), base.table("district_points"), by_size, landmarks)
    spots = pl.concat([landmarks.select("lon_deg", "lat_deg"), base.table("cables").select("lon_deg", "lat_deg")])
    abroad = spots.filter(
        ~pl.Series(base.boundaries.contains(spots["lon_deg"].to_numpy(), spots["lat_deg"].to_numpy()))
    )
    built = row_graph.rights_of_way(
        base.boundaries,
        base.terrain,
        cache_dir,
        settlements=_settlements(base),
        gateways=sorted(set(abroad.iter_rows())),
        named=named_ways(base.table("motorways"), points),
        published=published_routes(base.table("facts"), points),
    )
    result = {"rights_of_way": built.rights_of_way, "rights_of_way_nodes": built.nodes}
    if landmarks.filter(pl.col("kind") == "border_crossing").is_empty():
        crossings = assumed.border_crossings(base.country, built.rights_of_way, built.nodes, base.towns)
        result["landmarks"] = pl.concat([landmarks, crossings]).sort("landmark_id")
    note = " ".join((row_graph.SOURCES[0]["note"] + ".", *built.notes))
    result["sources"] = _source_rows(({**row_graph.SOURCES[0], "note": note},))
    return result


def _terrain(base: _Base) -> pl.DataFrame:
    """Return the tiles of the given terrain, else of the 5-arc-minute grid, marked as coarse."""
    if "terrain" in base.given and base.given["terrain"].height:
        return base.table("terrain")
    window = base.terrain
    step_deg = 1.0 / terrain.CELLS_PER_DEG
    grid = Raster(
        window.elevation_grid_m.astype(np.float32), window.west_deg - step_deg / 2.0,
        window.north_deg + step_deg / 2.0, step_deg, step_deg, is_coarse=True, source=terrain.SOURCE_ID,
    )  # fmt: skip
    return terrain_rows(grid, base.country.iso2.lower(), "measured", terrain.SOURCE_ID)


def _cables(base: _Base, tables: Frames) -> pl.DataFrame:
    if "cables" in base.given:
        return base.table("cables")
    return assumed.cables(base.country, tables["landmarks"], base.towns)


def _places(base: _Base, tables: Frames, n_places: int) -> pl.DataFrame:
    if "places" in base.given:
        return base.table("places")
    from rahdari.sources.synthetic.people import places_table

    places = places_table(
        country_id=base.country.iso2,
        districts=tables["districts"],
        district_points=tables["district_points"],
        towns=base.towns,
        outline=base.boundaries.land,
        rights_of_way_nodes=tables["rights_of_way_nodes"],
        terrain=base.terrain,
        n_places=n_places,
        seed=SEED,
        town_source_id=geonames.SOURCE_ID,
    )
    return _with_given_place_names(places, base.given)


def _with_given_place_names(places: pl.DataFrame, given: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the places with the pack's local names for towns and their parts that the gazetteer does not know."""
    names = given.get("place_names")
    if names is None or names.is_empty():
        return places
    stem = pl.when("is_urban").then(pl.col("name").str.replace(r", part \d+$", "")).alias("stem")
    known = names.select(pl.col("name").alias("stem"), pl.col("name_local").alias("better")).unique("stem").sort("stem")
    joined = places.with_columns(stem).join(known, on="stem", how="left").sort("place_id")
    return joined.with_columns(pl.coalesce("name_local", "better").alias("name_local")).drop("stem", "better")


def _sites(base: _Base, tables: Frames) -> pl.DataFrame:
    if "sites" in base.given:
        return base.table("sites")
    from rahdari.sources.synthetic.sites import sites_table

    return sites_table(
        country_id=base.country.iso2,
        places=tables["places"],
        operators=tables["operators"],
        cables=tables["cables"],
        landmarks=tables["landmarks"],
        rights_of_way_nodes=tables["rights_of_way_nodes"],
        totals=site_totals(base.table("facts")),
        seed=SEED,
    )


def _links(base: _Base, tables: Frames) -> pl.DataFrame:
    if "links" in base.given:
        return base.table("links")
    from rahdari.sources.synthetic.fibre import links_table

    return links_table(
        country_id=base.country.iso2,
        places=tables["places"],
        sites=tables["sites"],
        rights_of_way=tables["rights_of_way"],
        rights_of_way_nodes=tables["rights_of_way_nodes"],
        operators=tables["operators"],
        cables=tables["cables"],
        long_haul_km=long_haul_km(base.table("facts")),
        home_districts=home_districts(tables["operators"], tables["districts"]),
        stretches=base.table("fibre_stretches"),
        sea_path=sea.sea_path,
    )


def _source_rows(rows: tuple[dict[str, str], ...]) -> pl.DataFrame:
    return conform(pl.DataFrame(list(rows), infer_schema_length=None), base_schemas()["sources"])


def _complete(base: _Base, tables: Frames) -> Frames:
    """Return all base tables, conformed; tables of which nothing is known are empty."""
    made_from = (geonames, roads, outline, terrain, ports, sea, airports, assumed, row_graph, risk_groups, synthetic)
    built = _source_rows(tuple(row for module in made_from for row in module.SOURCES))
    # A pack's own row speaks last, and the repair's row with its figures before the plain one.
    layers = [base.table("sources"), tables.pop("sources", built.clear()), built]
    sources = pl.concat(layers).unique("source_id", keep="first", maintain_order=True)
    result: Frames = {}
    for name, schema in base_schemas().items():
        if name not in GATHERED:
            frame = sources if name == "sources" else tables.get(name, base.table(name))
            result[name] = conform(frame, schema)
    return result
