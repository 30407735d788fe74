"""Where people live: observed towns, city cells and rural cells that sum exactly to the census of every district.

Towns come from a gazetteer.  What the census counts beyond them is spread on H3 cells by terrain, distance to a road
and distance to a town.  No parameter is fitted to a census below the district; ``rahdari data score`` prints how far
the result is from one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import h3.api.numpy_int as h3
import numpy as np
import polars as pl
import shapely
from scipy.spatial import cKDTree

from rahdari.errors import InputError, Problem
from rahdari.sources.synthetic import PLACES_SOURCE_ID
from rahdari.sources.synthetic.common import (
    KM_PER_DEG,
    FlatTerrain,
    arc_km,
    chance_of_numbers,
    chord,
    chosen,
    nearest,
    unit_vectors,
    whole_shares,
    whole_shares_by_group,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from shapely.geometry.base import BaseGeometry

    from rahdari.sources.synthetic.common import Floats, Ints, Terrain

DEFAULT_N_PLACES = 32_000  # a national plan has at least 30,000 places
CELLS_PER_PLACE = 1.5  # cells to choose from, so that empty land can stay empty
FINEST_RESOLUTION = 9  # 0.1 km2: a hamlet; finer cells say nothing that the inputs know
OUTLINE_TOLERANCE_DEG = 0.01  # about 1 km, below the size of a cell of the national plan
CITY_PEOPLE = 100_000  # the schema's line between town and city; above it people are spread over cells
TOWN_DENSITY_PER_KM2 = 3_000.0  # assumed for a town of 10,000
TOWN_REFERENCE_PEOPLE = 10_000.0
TOWN_DENSITY_EXPONENT = 0.25  # assumed: 10 million people live at about 17,000 per km2
URBAN_LEAST_DENSITY_PER_KM2 = 1_500.0  # urban centre, Degree of Urbanisation (Eurostat and others, 2021)
RURAL_LEAST_DENSITY_PER_KM2 = 300.0  # rural cluster, same
RURAL_DENSITY_FACTOR = 150.0  # assumed: settled density = factor * sqrt(density of the catchment)
KERNEL_SHARE = 1.0  # Clark (1951): density falls exponentially; scale length as a share of the radius, assumed
TOWN_GROWTH_MOST = 1.5  # gazetteer populations lag; beyond this factor the census knows towns that it does not
NEW_TOWN_APART_KM = 5.0  # a tehsil point this near to a known town is that town
HIGHEST_HOME_M = 4_000.0  # assumed; few villages of the Karakoram, Himalaya or Andes are lived in above it all year
TRACE_WEIGHT = 1e-9
ROAD_SCALE_KM = 15.0  # assumed e-folding distance of rural settlement from a main road's node
TOWN_SCALE_KM = 15.0  # assumed e-folding distance from a town
FAR_WEIGHT = 0.25  # assumed weight of land far from roads or towns against land beside them
ELEVATION_SCALE_M = 1_000.0  # half of mankind lives below 200 m and density falls with height (Small, Cohen 2004)
SLOPE_SCALE = 0.06  # assumed e-folding mean slope on a 9 km grid
CELL_PEOPLE_SHARE = 0.7  # a district's share of rural cells: this much by people, the rest by area
UNLIT_URBAN_RATIO = 0.3  # assumed: unlit share in towns against that of the whole district
DEFAULT_URBAN_MOST_FRAC = 0.9  # where the census gives no urban share, towns hold at most this share
RURAL_TOWNS_MOST_FRAC = 0.1  # assumed: share of a wholly rural district that lives in its gazetteer towns
SYNTHETIC = "synthetic"


@dataclass(frozen=True)
class _Cells:
    """Cells of the country, sorted by identifier."""

    h3_id: Ints
    lon_deg: Floats
    lat_deg: Floats
    area_km2: Floats
    district: Ints
    unit: Floats


def places_table(
    country_id: str,
    *,
    districts: pl.DataFrame,
    district_points: pl.DataFrame,
    towns: pl.DataFrame,
    outline: BaseGeometry,
    rights_of_way_nodes: pl.DataFrame,
    terrain: Terrain | None = None,
    n_places: int = DEFAULT_N_PLACES,
    seed: int = 1,
    source_id: str = PLACES_SOURCE_ID,
    town_source_id: str = "geonames",
) -> pl.DataFrame:
    """Return the table ``places``, sorted by ``place_id``.

    ``towns`` has ``name, lon_deg, lat_deg, n_people`` (and optionally ``name_local``, ``district_id``).  ``outline`` is
    the country's polygon in degrees.  People and households of every district sum exactly to ``districts``.  About
    ``n_places`` rows come back: fewer where the country has fewer cells of 0.1 km2.  Raises :class:`InputError` where
    a table is empty.
    """
    _refuse_empty(districts=districts, rights_of_way_nodes=rights_of_way_nodes)
    land = terrain or FlatTerrain()
    code = country_id.lower()
    districts = districts.sort("district_id")
    points = _points(districts, district_points)
    nodes = _home_nodes(rights_of_way_nodes)
    settled = _towns(code, towns, districts, points)
    cells = _cells_of(outline, points, n_places)
    people = districts["n_people"].to_numpy().astype(np.int64)
    urban_total = _urban_people(districts, settled)
    urban = _urban_places(
        code, settled=settled, districts=districts, points=points, cells=cells, urban_total=urban_total
    )
    n_urban = np.bincount(urban["district"].to_numpy(), urban["n_people"].to_numpy(), len(people)).astype(np.int64)
    rural = _rural_places(
        code,
        settled=settled,
        districts=districts,
        cells=cells,
        urban=urban,
        rural_total=people - n_urban,
        nodes=nodes,
        land=land,
        n_places=n_places,
        seed=seed,
    )
    frame = pl.concat([urban, rural], how="diagonal_relaxed").filter(pl.col("n_people") > 0).sort("place_id")
    return _finished(
        frame, districts=districts, nodes=nodes, land=land, source_id=source_id, town_source_id=town_source_id
    )


def settled_density_per_km2(n_people: ArrayLike) -> Floats:
    """Return people per square kilometre of built-up land in a town, rising with size (assumed power law).

    >>> settled_density_per_km2(np.array([1e4, 1e7])).round().tolist()
    [3000.0, 16870.0]
    """
    ratio = np.maximum(np.asarray(n_people, dtype=float), 1.0) / TOWN_REFERENCE_PEOPLE
    density = TOWN_DENSITY_PER_KM2 * ratio**TOWN_DENSITY_EXPONENT
    return np.asarray(np.maximum(density, URBAN_LEAST_DENSITY_PER_KM2))


def _refuse_empty(**frames: pl.DataFrame) -> None:
    """Raise :class:`InputError` that lists every empty table."""
    empty = [
        Problem(f"table '{name}' is empty", "supply at least one row") for name, f in frames.items() if f.is_empty()
    ]
    if empty:
        raise InputError(empty)


def _points(districts: pl.DataFrame, district_points: pl.DataFrame) -> pl.DataFrame:
    """Return the points that draw the districts: those given, and a district's own point where it has none."""
    given = district_points.select("district_point_id", "district_id", "name", "lon_deg", "lat_deg")
    known = given.filter(pl.col("district_id").is_in(districts["district_id"].to_list()))
    own = districts.filter(~pl.col("district_id").is_in(known["district_id"].to_list())).select(
        (pl.col("district_id") + "-own").alias("district_point_id"), "district_id", "name", "lon_deg", "lat_deg"
    )
    index = districts.select("district_id").with_row_index("district").with_columns(pl.col("district").cast(pl.Int64))
    joined = pl.concat([known, own], how="vertical_relaxed").join(index, on="district_id", how="left")
    return joined.sort("district_point_id")


def _home_nodes(nodes: pl.DataFrame) -> pl.DataFrame:
    """Return the nodes inside the country, all where none is."""
    home = nodes.filter(pl.col("is_in_country"))
    return (nodes if home.is_empty() else home).sort("row_node_id")


def _slug(column: str) -> pl.Expr:
    """Return a name as lower-case ASCII words joined by hyphens."""
    plain = pl.col(column).str.normalize("NFKD").str.replace_all(r"\p{M}", "").str.to_lowercase()
    return plain.str.replace_all(r"[^a-z0-9]+", "-").str.strip_chars("-")


def _towns(code: str, towns: pl.DataFrame, districts: pl.DataFrame, points: pl.DataFrame) -> pl.DataFrame:
    """Return towns with identifier, district index and gazetteer population, sorted by identifier.

    The largest of several namesakes keeps the plain name; gazetteers repeat one population under two namesakes, where
    the one in the district of that name is kept.
    """
    frame = towns.filter(pl.col("n_people") > 0).with_columns(pl.col("n_people").cast(pl.Float64))
    if "name_local" not in frame.columns:
        frame = frame.with_columns(pl.lit(None, dtype=pl.String).alias("name_local"))
    if frame.is_empty():
        district = np.zeros(0, dtype=np.int64)
    elif "district_id" in frame.columns:
        order = {name: i for i, name in enumerate(districts["district_id"])}
        district = np.array([order[name] for name in frame["district_id"]], dtype=np.int64)
    else:
        _, at = nearest(frame["lon_deg"], frame["lat_deg"], points["lon_deg"], points["lat_deg"])
        district = points["district"].to_numpy()[at]
    name = np.array(districts["name"].to_list(), dtype=object)[district]
    frame = frame.with_columns(
        pl.Series("district", district, dtype=pl.Int64), pl.Series("district_name", name.tolist(), dtype=pl.String)
    ).sort(["n_people", "name", "lon_deg", "lat_deg"], descending=[True, False, False, False])
    twins = ["name", "n_people"]
    at_home = pl.col("name") == pl.col("district_name")
    frame = frame.filter(at_home | ~at_home.any().over(twins))
    slug = _slug("name")
    repeat = slug.cum_count().over(slug)
    suffix = pl.when(repeat > 1).then(pl.lit("-") + repeat.cast(pl.String)).otherwise(pl.lit(""))
    frame = frame.with_columns((pl.lit(f"{code}-") + slug + suffix).alias("place_id"))
    return frame.select("place_id", "name", "name_local", "lon_deg", "lat_deg", "n_people", "district").sort("place_id")


def _cells_of(outline: BaseGeometry, points: pl.DataFrame, n_places: int) -> _Cells:
    """Return the cells of the coarsest H3 resolution that offers enough of them, each with its district."""
    shape = shapely.make_valid(shapely.simplify(outline, OUTLINE_TOLERANCE_DEG))
    area_km2 = max(land_area_km2(shape), 1e-6)
    wanted = CELLS_PER_PLACE * n_places
    fitting = [r for r in range(FINEST_RESOLUTION + 1) if area_km2 / h3.average_hexagon_area(r, "km^2") >= wanted]
    resolution = min(fitting, default=FINEST_RESOLUTION)
    polygons = [p for p in shapely.get_parts(shape) if p.geom_type == "Polygon"]
    found = [h3.geo_to_cells(p.__geo_interface__, resolution) for p in polygons]
    ids = np.unique(np.concatenate(found)) if found else np.zeros(0, dtype=np.uint64)
    centre = np.array([h3.cell_to_latlng(cell) for cell in ids], dtype=float).reshape(-1, 2)
    unit = unit_vectors(centre[:, 1], centre[:, 0])
    if len(ids):
        _, at = cKDTree(unit_vectors(points["lon_deg"], points["lat_deg"])).query(unit)
    else:
        at = np.zeros(0, dtype=np.int64)
    district = points["district"].to_numpy()[at]
    # H3 cells of one resolution differ by a third in area over the globe, little within a country: share the total.
    area = np.full(len(ids), area_km2 / max(len(ids), 1))
    return _Cells(ids.astype(np.int64), centre[:, 1], centre[:, 0], area, district, unit)


def land_area_km2(shape: BaseGeometry) -> float:
    """Return the area of a polygon in degrees, square kilometres, by the cylindrical equal-area projection."""

    def equal_area(xy: Floats) -> Floats:
        return np.column_stack([xy[:, 0] * KM_PER_DEG, np.sin(np.radians(xy[:, 1])) * np.degrees(KM_PER_DEG)])

    return float(shapely.area(shapely.transform(shape, equal_area)))


def _urban_people(districts: pl.DataFrame, settled: pl.DataFrame) -> Ints:
    """Return the people of towns and cities in each district: the census' urban share, else what the towns hold.

    Where the census counts nobody as urban, the known towns hold a small share and count as rural.
    """
    people = districts["n_people"].to_numpy().astype(float)
    in_towns = np.bincount(settled["district"].to_numpy(), settled["n_people"].to_numpy(), len(people))
    share = np.array([np.nan if s is None else float(s) for s in districts["urban_frac"]])
    fallback = np.minimum(in_towns, DEFAULT_URBAN_MOST_FRAC * people)
    in_rural = np.minimum(in_towns, RURAL_TOWNS_MOST_FRAC * people)
    urban = np.select([np.isnan(share), share <= 0], [fallback, in_rural], np.nan_to_num(share) * people)
    return np.asarray(np.rint(urban), dtype=np.int64)


def _new_towns(
    code: str, settled: pl.DataFrame, districts: pl.DataFrame, points: pl.DataFrame, urban_total: Ints
) -> pl.DataFrame:
    """Return towns at district points for urban people whom the known towns cannot hold, same columns and synthetic."""
    in_towns = np.bincount(settled["district"].to_numpy(), settled["n_people"].to_numpy(), len(urban_total))
    excess = urban_total - TOWN_GROWTH_MOST * in_towns
    apart = np.full(points.height, np.inf)
    if settled.height:
        apart, _ = nearest(points["lon_deg"], points["lat_deg"], settled["lon_deg"], settled["lat_deg"])
    free = points.with_columns(pl.Series("is_free", apart > NEW_TOWN_APART_KM))
    has_town = in_towns > 0
    usable = free.filter(pl.Series(free["is_free"].to_numpy() | ~has_town[free["district"].to_numpy()]))
    usable = usable.with_columns(pl.Series("excess", excess[usable["district"].to_numpy()], dtype=pl.Float64))
    district_name = pl.Series("district_name", [districts["name"][int(i)] for i in usable["district"]], dtype=pl.String)
    return (
        usable.filter(pl.col("excess") > 0)
        .with_columns(district_name.filter(usable["excess"] > 0))
        .select(
            (pl.lit(f"{code}-") + pl.col("district_point_id").str.strip_prefix(f"{code}-") + "-town").alias("place_id"),
            pl.coalesce("name", "district_name").alias("name"),
            pl.lit(None, dtype=pl.String).alias("name_local"),
            "lon_deg",
            "lat_deg",
            (pl.col("excess") / pl.len().over("district")).alias("n_people"),
            "district",
            pl.lit(SYNTHETIC).alias("evidence"),
        )
    )


def _urban_places(
    code: str,
    *,
    settled: pl.DataFrame,
    districts: pl.DataFrame,
    points: pl.DataFrame,
    cells: _Cells,
    urban_total: Ints,
) -> pl.DataFrame:
    """Return towns and city cells whose people sum to the urban people of their district.

    A city above 100,000 is spread over the cells of its footprint within its district; the cell at its centre is the
    city's own row.
    """
    new = _new_towns(code, settled, districts, points, urban_total)
    base = pl.concat([settled.with_columns(pl.lit("observed").alias("evidence")), new], how="vertical_relaxed")
    size = pl.Series(urban_total.astype(float))[base["district"]]
    share = pl.col("n_people") / pl.col("n_people").sum().over("district")
    base = base.with_columns((share * size).alias("weight")).filter(pl.col("weight") > 0).sort("place_id")
    columns = ["place_id", "name", "name_local", "lon_deg", "lat_deg", "district", "evidence", "weight"]
    base = base.select(columns).with_columns(
        pl.lit(None, dtype=pl.Int64).alias("cell"),
        pl.when(pl.col("weight") >= CITY_PEOPLE).then(pl.lit("city")).otherwise(pl.lit("town")).alias("kind"),
    )
    cities = base.filter(pl.col("kind") == "city").sort(["weight", "place_id"], descending=[True, False])
    parts = [base.filter(pl.col("kind") == "town"), *_city_places(code, cities, cells)]
    frame = pl.concat(parts, how="vertical_relaxed").sort("place_id")
    people = whole_shares_by_group(frame["weight"].to_numpy(), frame["district"].to_numpy(), urban_total)
    # A piece of a city is as wide as its cell; a town, or a city without cells, as wide as its people need.
    cell_area = float(cells.area_km2[0]) if len(cells.area_km2) else 0.0
    own_area = people / settled_density_per_km2(people)
    in_cell = np.minimum(cell_area, people / URBAN_LEAST_DENSITY_PER_KM2)
    is_urban = districts["urban_frac"].fill_null(1.0).to_numpy()[frame["district"].to_numpy()] > 0
    return frame.with_columns(
        pl.Series("n_people", people),
        pl.Series("area_km2", np.where(frame["cell"].is_null().to_numpy(), own_area, in_cell)),
        pl.Series("is_urban", is_urban),
    )


def _city_places(code: str, cities: pl.DataFrame, cells: _Cells) -> list[pl.DataFrame]:
    """Return the cities' own rows and the rows of their other cells, all with weights.

    The footprints of neighbouring cities add up; a cell is named after the city that puts most people there, and a
    city's own row takes the place of the free cell nearest to its point.
    """
    if cities.is_empty() or not len(cells.h3_id):
        return [cities]
    weight = np.zeros(len(cells.h3_id))
    most = np.zeros(len(cells.h3_id))
    owner = np.full(len(cells.h3_id), -1)
    core = np.full(cities.height, -1)
    is_core = np.zeros(len(cells.h3_id), dtype=bool)
    tree = cKDTree(cells.unit)
    order = np.argsort(cells.district, kind="stable")
    bounds = np.searchsorted(cells.district[order], np.arange(cells.district.max() + 2))
    for number, city in enumerate(cities.iter_rows(named=True)):
        radius_km = float(np.sqrt(city["weight"] / settled_density_per_km2(city["weight"]) / np.pi))
        centre = unit_vectors(city["lon_deg"], city["lat_deg"])
        at_home = order[slice(*bounds[city["district"] : city["district"] + 2])]
        free = at_home[~is_core[at_home]]
        if not len(free):
            continue
        core[number] = free[np.argmin(np.linalg.norm(cells.unit[free] - centre, axis=1))]
        is_core[core[number]] = True
        near = np.array(tree.query_ball_point(centre, chord(radius_km)), dtype=np.int64)
        near = near[(cells.district[near] == city["district"]) & (near != core[number])]
        near = np.append(np.sort(near), core[number])
        apart_km = arc_km(np.linalg.norm(cells.unit[near] - centre, axis=1))
        kernel = np.exp((apart_km.min() - apart_km) / (KERNEL_SHARE * radius_km))  # never all zero
        people = city["weight"] * kernel / kernel.sum()
        weight[near] += people
        ahead = people > most[near]
        most[near[ahead]] = people[ahead]
        owner[near[ahead]] = number
    placed = np.flatnonzero(core >= 0)
    own_weight = cities["weight"].to_numpy().copy()
    own_weight[placed] = weight[core[placed]]
    cell_of = pl.Series("cell", [int(c) if c >= 0 else None for c in core], dtype=pl.Int64)
    own = cities.with_columns(pl.Series("weight", own_weight), cell_of)
    rest = np.flatnonzero((owner >= 0) & ~is_core)
    rest = rest[np.lexsort((rest, owner[rest]))]
    part = np.arange(len(rest)) - np.searchsorted(owner[rest], owner[rest]) + 1
    pieces = cities[owner[rest].tolist()].with_columns(
        pl.Series("place_id", _cell_ids(code, cells.h3_id[rest]), dtype=pl.String),
        pl.col("name") + ", part " + pl.Series(part).cast(pl.String),
        pl.Series("lon_deg", cells.lon_deg[rest]),
        pl.Series("lat_deg", cells.lat_deg[rest]),
        pl.lit(SYNTHETIC).alias("evidence"),
        pl.Series("weight", weight[rest]),
        pl.Series("cell", rest, dtype=pl.Int64),
    )
    return [own, pieces]


def _cell_ids(code: str, h3_id: Ints) -> list[str]:
    """Return place identifiers of cells: country code and the H3 index without its padding."""
    return [f"{code}-h{int(cell):x}".rstrip("f") for cell in h3_id]


def _rural_places(
    code: str,
    *,
    settled: pl.DataFrame,
    districts: pl.DataFrame,
    cells: _Cells,
    urban: pl.DataFrame,
    rural_total: Ints,
    nodes: pl.DataFrame,
    land: Terrain,
    n_places: int,
    seed: int,
) -> pl.DataFrame:
    """Return rural cells whose people sum to what is left of each district.

    Cells are drawn by the square root of their weight; the people of cells not drawn go to the nearest drawn one of
    the same district, so that thinning moves people by a few kilometres and never across a district's line.
    """
    used = urban.filter(pl.col("n_people") > 0)["cell"].drop_nulls().to_numpy()
    free = np.ones(len(cells.h3_id), dtype=bool)
    free[used] = False
    free &= rural_total[cells.district] > 0
    at = np.flatnonzero(free)
    weight = _rural_weight(cells, at, settled, nodes, land)
    uniform = chance_of_numbers(cells.h3_id[at], "rural-cell", seed)
    n_urban = urban.filter(pl.col("n_people") > 0).height
    n_drawn = _cells_per_district(rural_total, cells.district[at], max(n_places - n_urban, len(rural_total)))
    parts = []
    order = np.argsort(cells.district[at], kind="stable")
    bounds = np.searchsorted(cells.district[at][order], np.arange(len(rural_total) + 1))
    for d in range(len(rural_total)):
        rows = order[bounds[d] : bounds[d + 1]]
        if len(rows) == 0:
            continue
        drawn = rows[chosen(np.log(weight[rows]) / 2.0, uniform[rows], int(n_drawn[d]))]
        _, to = cKDTree(cells.unit[at[drawn]]).query(cells.unit[at[rows]])
        people = whole_shares(np.bincount(to, weight[rows], len(drawn)), int(rural_total[d]))
        parts.append((at[drawn], people, np.bincount(to, cells.area_km2[at[rows]], len(drawn))))
    return _rural_frame(code, settled=settled, districts=districts, cells=cells, parts=parts, rural_total=rural_total)


def _rural_frame(
    code: str,
    *,
    settled: pl.DataFrame,
    districts: pl.DataFrame,
    cells: _Cells,
    parts: list[tuple[Any, Any, Any]],
    rural_total: Ints,
) -> pl.DataFrame:
    """Return the drawn cells as places; a district without a cell has one place at its own point."""
    empty = (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0))
    cell, people, catchment = (np.concatenate(column) for column in zip(empty, *parts, strict=True))
    bare = np.setdiff1d(np.flatnonzero(rural_total > 0), cells.district[cell])
    rows = districts[bare.tolist()]
    density = np.clip(
        RURAL_DENSITY_FACTOR * np.sqrt(people / np.maximum(catchment, 1e-9)), RURAL_LEAST_DENSITY_PER_KM2, None
    )
    frame = pl.DataFrame(
        {
            "place_id": _cell_ids(code, cells.h3_id[cell]) + [f"{name}-rural" for name in rows["district_id"]],
            "lon_deg": np.concatenate([cells.lon_deg[cell], rows["lon_deg"].to_numpy()]),
            "lat_deg": np.concatenate([cells.lat_deg[cell], rows["lat_deg"].to_numpy()]),
            "district": np.concatenate([cells.district[cell], bare]).astype(np.int64),
            "n_people": np.concatenate([people, rural_total[bare]]).astype(np.int64),
            "area_km2": np.concatenate([people / density, rural_total[bare] / RURAL_LEAST_DENSITY_PER_KM2]),
        }
    )
    name = np.array(districts["name"].to_list(), dtype=object)[frame["district"].to_numpy()]
    if settled.height and frame.height:
        _, near = nearest(frame["lon_deg"], frame["lat_deg"], settled["lon_deg"], settled["lat_deg"])
        town = np.array(settled["name"].to_list(), dtype=object)[near]
        name = np.array([f"{d}, rural near {t}" for d, t in zip(name, town, strict=True)], dtype=object)
    return frame.with_columns(
        pl.Series("name", name.tolist(), dtype=pl.String),
        pl.lit(None, dtype=pl.String).alias("name_local"),
        pl.lit("village").alias("kind"),
        pl.lit(SYNTHETIC).alias("evidence"),
        pl.lit(value=False).alias("is_urban"),
    )


def _rural_weight(cells: _Cells, at: Ints, settled: pl.DataFrame, nodes: pl.DataFrame, land: Terrain) -> Floats:
    """Return the relative density of rural people in the cells ``at``: low, flat, near road and town is more."""
    lon, lat = cells.lon_deg[at], cells.lat_deg[at]
    road, _ = cKDTree(unit_vectors(nodes["lon_deg"], nodes["lat_deg"])).query(cells.unit[at])
    weight = FAR_WEIGHT + (1.0 - FAR_WEIGHT) * np.exp(-arc_km(road) / ROAD_SCALE_KM)
    if settled.height:
        town, _ = cKDTree(unit_vectors(settled["lon_deg"], settled["lat_deg"])).query(cells.unit[at])
        weight = weight * (FAR_WEIGHT + (1.0 - FAR_WEIGHT) * np.exp(-arc_km(town) / TOWN_SCALE_KM))
    height = np.maximum(land.elevation_m(lon, lat), 0.0)
    # Cells above the ceiling keep a trace of weight, so that a district that lies wholly above it still has homes.
    weight = np.where(height > HIGHEST_HOME_M, weight * TRACE_WEIGHT, weight)
    return weight * np.exp(-height / ELEVATION_SCALE_M - land.slope_frac(lon, lat) / SLOPE_SCALE)


def _cells_per_district(rural_total: Ints, district: Ints, n_cells: int) -> Ints:
    """Return how many cells to draw in each district: by people and by land, never more than there are."""
    most = np.bincount(district, minlength=len(rural_total)).astype(np.int64)
    if most.sum() <= n_cells:
        return most
    people = rural_total * (most > 0)
    want = CELL_PEOPLE_SHARE * people / max(people.sum(), 1) + (1.0 - CELL_PEOPLE_SHARE) * most / most.sum()
    drawn = np.zeros_like(most)
    while drawn.sum() < n_cells:
        room = drawn < most
        drawn = np.minimum(drawn + whole_shares(want * room, n_cells - int(drawn.sum())), most)
    return np.maximum(drawn, (most > 0).astype(np.int64))


def _finished(
    frame: pl.DataFrame,
    *,
    districts: pl.DataFrame,
    nodes: pl.DataFrame,
    land: Terrain,
    source_id: str,
    town_source_id: str,
) -> pl.DataFrame:
    """Return the frame with households, terrain, road and electricity, in the schema's columns."""
    lon, lat, district = (frame[c].to_numpy() for c in ("lon_deg", "lat_deg", "district"))
    households = whole_shares_by_group(
        frame["n_people"].to_numpy().astype(float), district, districts["n_households"].to_numpy().astype(np.int64)
    )
    road_km, node = nearest(lon, lat, nodes["lon_deg"], nodes["lat_deg"])
    observed = pl.col("evidence") == "observed"
    return frame.select(
        "place_id",
        "name",
        "name_local",
        pl.Series("district_id", districts["district_id"].to_numpy()[district]),
        pl.when(pl.col("kind") == "village")
        .then(pl.col("kind"))
        .otherwise(
            pl.when(pl.col("cell").is_not_null() | (pl.col("n_people") >= CITY_PEOPLE))
            .then(pl.lit("city"))
            .otherwise(pl.lit("town"))
        )
        .alias("kind"),
        "is_urban",
        "lon_deg",
        "lat_deg",
        pl.col("n_people").cast(pl.Int64),
        pl.Series("n_households", households),
        "area_km2",
        (pl.col("n_people") / pl.col("area_km2")).alias("density_per_km2"),
        pl.Series("elevation_m", land.elevation_m(lon, lat)),
        pl.Series("slope_frac", land.slope_frac(lon, lat)),
        pl.Series("road_distance_km", road_km),
        pl.Series("row_node_id", nodes["row_node_id"].to_numpy()[node]),
        pl.Series("electrified_frac", _electrified(frame, districts)),
        pl.when(observed).then(pl.lit("derived")).otherwise(pl.lit(SYNTHETIC)).alias("evidence"),
        pl.when(observed).then(pl.lit(town_source_id)).otherwise(pl.lit(source_id)).alias("source_id"),
    )


def _electrified(frame: pl.DataFrame, districts: pl.DataFrame) -> Floats:
    """Return the lit share of each place: higher in towns, with the mean of every district kept."""
    district, people = frame["district"].to_numpy(), frame["n_people"].to_numpy().astype(float)
    urban = frame["is_urban"].to_numpy()
    unlit = 1.0 - districts["electrified_frac"].to_numpy()
    total = np.bincount(district, people, len(unlit))
    in_town = np.bincount(district, people * urban, len(unlit))
    rural = np.maximum(total - in_town, 0.0)
    in_rural = np.minimum(unlit * (total - UNLIT_URBAN_RATIO * in_town) / np.maximum(rural, 1.0), 1.0)
    in_towns = (unlit * total - in_rural * rural) / np.maximum(in_town, 1.0)
    return np.asarray(np.clip(1.0 - np.where(urban, in_towns[district], in_rural[district]), 0.0, 1.0))
