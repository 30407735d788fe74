"""A small synthetic country for tests: a road grid, 300 places, 12 districts, sites, existing fibre, a catalogue.

Everything is drawn from one fixed seed, conforms to the base schemas, and stands nowhere real
(around 30 degrees north and 70 degrees east).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import shapely

from rahdari.methods.raster import Raster
from rahdari.methods.terrain_table import terrain_rows
from rahdari.schema import table_schema
from rahdari.schema.checks import conform

SEED = 20301
N_GRID = 13
STEP_DEG = 0.15
LON_WEST_DEG, LAT_SOUTH_DEG = 70.0, 30.0
N_PLACES, N_SITES = 300, 360
N_DISTRICT_COLUMNS, N_DISTRICT_ROWS = 4, 3
PACK_COMMON = Path(__file__).parents[1] / "rahdari" / "sources" / "packs" / "common"
KM_PER_DEG = 111.19
TERRAIN_STEP_DEG = 1.0 / 60.0
SOURCE = {"evidence": "synthetic", "source_id": "test_country"}


def _nodes() -> pl.DataFrame:
    row, column = np.divmod(np.arange(N_GRID * N_GRID), N_GRID)
    return pl.DataFrame(
        {
            "row_node_id": [f"xx-node-{r:02d}-{c:02d}" for r, c in zip(row, column, strict=True)],
            "lon_deg": LON_WEST_DEG + STEP_DEG * column,
            "lat_deg": LAT_SOUTH_DEG + STEP_DEG * row,
            "elevation_m": 100.0 + 60.0 * row,
        }
    ).with_columns(is_in_country=pl.lit(True))


def _ways(nodes: pl.DataFrame) -> pl.DataFrame:
    pairs = [(r * N_GRID + c, r * N_GRID + c + 1) for r in range(N_GRID) for c in range(N_GRID - 1)]
    pairs += [(r * N_GRID + c, (r + 1) * N_GRID + c) for r in range(N_GRID - 1) for c in range(N_GRID)]
    ends = np.array(pairs)
    lon, lat = nodes["lon_deg"].to_numpy(), nodes["lat_deg"].to_numpy()
    lines = shapely.linestrings(np.stack([lon[ends], lat[ends]], axis=-1))
    is_east = np.arange(len(ends)) < N_GRID * (N_GRID - 1)
    length = np.where(is_east, STEP_DEG * KM_PER_DEG * np.cos(np.radians(lat[ends[:, 0]])), STEP_DEG * KM_PER_DEG)
    north = lat[ends].mean(axis=1) > LAT_SOUTH_DEG + STEP_DEG * (N_GRID - 1) * 0.8
    ids = nodes["row_node_id"].to_numpy()
    return pl.DataFrame(
        {
            "row_id": [f"xx-way-{index:03d}" for index in range(len(ends))],
            "from_node_id": ids[ends[:, 0]],
            "to_node_id": ids[ends[:, 1]],
            "kind": np.where((ends[:, 0] // N_GRID == 6) & is_east, "motorway", "road"),
            "name": [None] * len(ends),
            "length_km": length * 1.05,
            "slack_ratio": np.where(north, 1.25, 1.1),
            "terrain": np.where(north, "mountain", "plain"),
            "is_in_country": [True] * len(ends),
            "geometry": shapely.to_wkb(lines),
        },
        schema_overrides={"name": pl.String},
    )


def _district_of(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    span = STEP_DEG * (N_GRID - 1)
    column = np.clip(((lon - LON_WEST_DEG) / span * N_DISTRICT_COLUMNS).astype(int), 0, N_DISTRICT_COLUMNS - 1)
    row = np.clip(((lat - LAT_SOUTH_DEG) / span * N_DISTRICT_ROWS).astype(int), 0, N_DISTRICT_ROWS - 1)
    return np.asarray(row * N_DISTRICT_COLUMNS + column)


def _nearest(lon: np.ndarray, lat: np.ndarray, nodes: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    shrink = np.cos(np.radians(LAT_SOUTH_DEG))
    east = (lon[:, None] - nodes["lon_deg"].to_numpy()[None, :]) * shrink
    distance = np.hypot(east, lat[:, None] - nodes["lat_deg"].to_numpy()[None, :]) * KM_PER_DEG
    return distance.argmin(axis=1), distance.min(axis=1)


def _places(nodes: pl.DataFrame, random: np.random.Generator) -> pl.DataFrame:
    span = STEP_DEG * (N_GRID - 1)
    lon = LON_WEST_DEG + span * random.random(N_PLACES)
    lat = LAT_SOUTH_DEG + span * random.random(N_PLACES)
    people = np.round(np.exp(random.normal(8.0, 0.9, N_PLACES))).astype(int)
    people[:2], people[2:14] = (900_000, 260_000), random.integers(15_000, 90_000, 12)
    is_urban = np.arange(N_PLACES) < 14
    density = np.where(is_urban, 9000.0, 1200.0 * random.lognormal(0.0, 0.5, N_PLACES))
    node, distance = _nearest(lon, lat, nodes)
    return pl.DataFrame(
        {
            "place_id": [f"xx-p{index:04d}" for index in range(N_PLACES)],
            "name": [f"Place {index}" for index in range(N_PLACES)],
            "district_id": [f"xx-d{number:02d}" for number in _district_of(lon, lat)],
            "kind": np.where(people > 100_000, "city", np.where(is_urban, "town", "village")),
            "is_urban": is_urban,
            "lon_deg": lon,
            "lat_deg": lat,
            "n_people": people,
            "n_households": np.maximum(1, np.round(people / 6.3)).astype(int),
            "area_km2": people / density,
            "density_per_km2": density,
            "elevation_m": 100.0 + 60.0 * (lat - LAT_SOUTH_DEG) / STEP_DEG,
            "slope_frac": np.where(lat > LAT_SOUTH_DEG + 0.8 * span, 0.12, 0.01),
            "road_distance_km": distance,
            "row_node_id": nodes["row_node_id"].to_numpy()[node],
            "electrified_frac": np.where(is_urban, 0.98, 0.8),
        }
    )


def _districts(places: pl.DataFrame) -> pl.DataFrame:
    urban = pl.when("is_urban").then("n_people").otherwise(0)
    return (
        places.group_by("district_id")
        .agg(
            pl.col("n_people").sum(),
            pl.col("n_households").sum(),
            (urban.sum() / pl.col("n_people").sum()).alias("urban_frac"),
            pl.col("lon_deg").mean(),
            pl.col("lat_deg").mean(),
        )
        .sort("district_id")
        .with_columns(
            name=pl.format("District {}", pl.col("district_id").str.slice(4)),
            region=pl.lit("Test region"),
            growth_frac_per_year=pl.lit(0.025),
            electrified_frac=pl.lit(0.85),
            solar_lit_frac=pl.lit(0.1),
        )
    )


def _sites(places: pl.DataFrame, nodes: pl.DataFrame, random: np.random.Generator) -> pl.DataFrame:
    weight = places["n_people"].to_numpy() ** 0.8
    order = np.sort(random.choice(N_PLACES, N_SITES, p=weight / weight.sum()))
    lon = places["lon_deg"].to_numpy()[order] + random.normal(0.0, 0.01, N_SITES)
    lat = places["lat_deg"].to_numpy()[order] + random.normal(0.0, 0.01, N_SITES)
    is_fibre = random.random(N_SITES) < 0.18
    on_grid = random.random(N_SITES) < 0.93
    return pl.DataFrame(
        {
            "site_id": [f"xx-s{index:04d}" for index in range(N_SITES)],
            "kind": ["tower"] * N_SITES,
            "place_id": places["place_id"].to_numpy()[order],
            "lon_deg": lon,
            "lat_deg": lat,
            "row_node_id": nodes["row_node_id"].to_numpy()[_nearest(lon, lat, nodes)[0]],
            "generation": np.where(random.random(N_SITES) < 0.95, "4g", "2g"),
            "backhaul": np.where(is_fibre, "fibre", "microwave"),
            "is_fibre": is_fibre,
            "is_on_grid": on_grid,
            "has_generator": random.random(N_SITES) < 0.58,
            "battery_h": [4.0] * N_SITES,
        }
    )


def _links(ways: pl.DataFrame) -> pl.DataFrame:
    return ways.filter(pl.col("kind") == "motorway").select(
        pl.format("xx-fibre-{}", pl.col("row_id").str.slice(7)).alias("link_id"),
        pl.lit("fibre").alias("kind"),
        "row_id",
        "from_node_id",
        "to_node_id",
        (pl.col("length_km") * pl.col("slack_ratio")).alias("length_km"),
        pl.lit(400.0).alias("capacity_gbps"),
        pl.lit("long_haul").alias("tier"),
        "geometry",
    )


def _facts() -> pl.DataFrame:
    rows = [
        ("cell_sites_2024_06_sites", "cell_sites", "2024-06", 340.0, "sites"),
        ("cell_sites_2025_06_sites", "cell_sites", "2025-06", 360.0, "sites"),
        ("fibre_to_site_2024_pct", "fibre_to_site", "2024", 15.0, "percent"),
        ("fibre_to_site_2025_pct", "fibre_to_site", "2025", 18.0, "percent"),
        ("data_total_fy2025_pb", "data_total", "FY2025", 250.0, "PB"),
        ("data_mobile_fy2025_pb", "data_mobile", "FY2025", 130.0, "PB"),
        ("ftth_subscribers_2024_02_households", "households with fibre", "2024-02", 10_000.0, "households"),
    ]
    return pl.DataFrame(rows, schema=["fact_id", "metric", "period", "value", "unit"], orient="row")


def _targets() -> pl.DataFrame:
    rows = [
        ("homes_2030", "fibre_homes_passed_households", 60_000.0, "households"),
        ("sites_2030", "fibre_sites_frac", 0.8, "frac"),
    ]
    frame = pl.DataFrame(rows, schema=["target_id", "metric", "value", "unit"], orient="row")
    return frame.with_columns(starts_on=pl.lit("2025-04-01"), due_on=pl.lit("2030-04-30"))


def _country(places: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "country_id": ["XX"],
            "name": ["Testland"],
            "local_language": ["ur"],
            "n_people": [places["n_people"].sum()],
            "n_households": [places["n_households"].sum()],
            "census_year": [2023],
            "currency": ["PKR"],
            "exchange_rate_per_usd": [281.0],
            "price_year": [2025],
            "boundary_note": ["A country made up for tests."],
        }
    )


def _terrain() -> Raster:
    """Return heights that rise northwards as those of the nodes do, with ridges across, on a grid of 1.8 km."""
    n = round((N_GRID + 1) * STEP_DEG / TERRAIN_STEP_DEG)
    west, north = LON_WEST_DEG - STEP_DEG, LAT_SOUTH_DEG + STEP_DEG * N_GRID
    row, column = np.meshgrid(np.arange(n), np.arange(n), indexing="ij")
    lat = north - (row + 0.5) * TERRAIN_STEP_DEG
    ridge = 40.0 * np.maximum(np.sin(column * 0.9), 0.0) * (lat > LAT_SOUTH_DEG + 0.8 * STEP_DEG * N_GRID)
    height = 100.0 + 60.0 * (lat - LAT_SOUTH_DEG) / STEP_DEG + ridge
    return Raster(
        height.astype(np.float32),
        west,
        north,
        TERRAIN_STEP_DEG,
        TERRAIN_STEP_DEG,
        is_coarse=False,
        source="test_country",
    )


def small_country() -> dict[str, pl.DataFrame]:
    """Return the base tables of the test country, conformed to the base schemas and sorted by key.

    Tables: country, districts, places, rights_of_way, rights_of_way_nodes, links, sites, facts, targets, terrain,
    sources and the common catalogue.
    """
    random = np.random.Generator(np.random.Philox(key=SEED))
    nodes = _nodes()
    ways = _ways(nodes)
    places = _places(nodes, random)
    raw = {
        "country": _country(places),
        "districts": _districts(places),
        "places": places,
        "rights_of_way_nodes": nodes,
        "rights_of_way": ways,
        "links": _links(ways),
        "sites": _sites(places, nodes, random),
        "facts": _facts(),
        "targets": _targets(),
    }
    source = [pl.lit(value).alias(name) for name, value in SOURCE.items()]
    frames = {name: frame.with_columns(source) for name, frame in raw.items()}
    for path in sorted(PACK_COMMON.glob("*.csv")):
        frames[path.stem] = pl.read_csv(path, infer_schema_length=0)
    frames["terrain"] = terrain_rows(_terrain(), "xx", "synthetic", "test_country")
    here = {"source_id": "test_country", "title": "Test country", "publisher": "Rahdari", "kind": "synthetic"}
    frames["sources"] = pl.concat([frames["sources"], pl.DataFrame([here])], how="diagonal")
    return {name: conform(frame, table_schema(name)) for name, frame in frames.items()}


def engine_outputs(country: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Return plausible coverage, satellite_service and place_power tables for ``country``, made without the engines.

    They let the engines that read them be tested alone; columns are those of the writers' contract.
    """
    places, sites = country["places"], country["sites"]
    shrink = np.cos(np.radians(LAT_SOUTH_DEG))
    east = (places["lon_deg"].to_numpy()[:, None] - sites["lon_deg"].to_numpy()[None, :]) * shrink
    distance = np.hypot(east, places["lat_deg"].to_numpy()[:, None] - sites["lat_deg"].to_numpy()[None, :]) * KM_PER_DEG
    nearest, near_km = distance.argmin(axis=1), distance.min(axis=1)
    four = pl.DataFrame(
        {
            "place_id": places["place_id"],
            "technology": ["4g"] * places.height,
            "nearest_site_id": sites["site_id"].to_numpy()[nearest],
            "distance_km": near_km,
            "is_covered": near_km < 6.0,
            "downlink_mbps": np.where(near_km < 6.0, 24.0 / (1.0 + near_km / 4.0), 0.0),
            "capacity_mbps": np.where(near_km < 6.0, 60.0, 0.0),
        }
    )
    five = four.with_columns(
        technology=pl.lit("5g"), is_covered=pl.lit(False), downlink_mbps=pl.lit(0.0), capacity_mbps=pl.lit(0.0)
    )
    satellite = places.select(
        "place_id",
        pl.lit(60.0).alias("downlink_mbps"),
        pl.lit(50.0).alias("latency_ms"),
        pl.lit(0.995).alias("availability_frac"),
        pl.lit(200).alias("n_users_max"),
        pl.lit(45.0).alias("usd_per_month"),
        pl.lit(True).alias("is_licensed"),
    )
    power = places.select("place_id", (0.99 - 0.05 * (1.0 - pl.col("electrified_frac"))).alias("availability_frac"))
    return {
        "coverage": pl.concat([four, five]).sort("place_id", "technology"),
        "satellite_service": satellite,
        "place_power": power,
    }
