"""Coverage maps of a plan: power, SINR and server as COG, areas as GeoPackage, people and road by district."""

from __future__ import annotations

import contextlib
import math
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
import shapely
from pydantic import Field

from rahdari.engines.radio.cards import CARRIES
from rahdari.engines.radio.params import RadioParams
from rahdari.errors import CancelledError, InputError, Problem
from rahdari.kernels.p1812 import location_sigma_db
from rahdari.methods.geo import nearest
from rahdari.methods.propagation import noise_dbm
from rahdari.methods.sweep import Setting, Transmitters, sweep_strips
from rahdari.model.params import Params
from rahdari.run.runner import Event
from rahdari.service.radio_links import COARSE, spot, terrain_of
from rahdari.sources.boundaries import BOUNDARY_NOTE
from rahdari.store.atomic import write_text, writing
from rahdari.store.query import OWNER, Clearance, PlanReader
from rahdari.store.raster import NO_POWER, LayerFile, cog_writer
from rahdari.store.spreadsheet import safe_csv

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from rahdari.methods.sweep import MapGrid, Strip, Sweep

    FloatArray = NDArray[np.float64]
    Listener = Callable[[Event], None]

STEP = "Coverage"
AREAS = "covered.gpkg"
ROUGH = "the margin for 90 % confidence is that of level ground; among mountains on coarse terrain it is too small"
BARE_GROUND = "no land cover was given: houses and trees stand nowhere in the way; give --clutter FILE"
COARSE_RESOLUTION_M, FINE_RESOLUTION_M = 500.0, 90.0  # finer than the terrain says nothing more
SURE_DEVIATIONS = 1.2816  # standard deviations of 90 % on one side
ROAD_STEP_KM = 1.0  # roads are looked at once a step
AREA_CELLS = 4_000  # the longer side of the raster of which areas are drawn
NO_COVER, COVERED, SURE = 0, 1, 2
PAD_DEG = 0.3  # sites this far outside a box still reach into it


class CoverRequest(Params):
    """Sweep the sites of a plan over terrain."""

    plan: Path = Field(description="Folder of the plan")
    out: Path = Field(description="Folder for the files")
    technology: Literal["4g", "5g"] = Field("4g", description="Which cells")
    around: str | None = Field(None, description="Site, landmark, place or 'lon,lat': sites near it only")
    within_km: float = Field(30.0, gt=0.0, le=1_000.0, description="How near, with --around")
    with_planned: bool = Field(default=True, description="Count the cells that the plan adds")
    dem: Path | None = Field(None, description="Terrain raster in place of the plan's")
    clutter: Path | None = Field(None, description="Land-cover raster of ESA WorldCover classes")
    radius_km: float = Field(15.0, gt=0.5, le=100.0, description="Reach of a site")
    resolution_m: float | None = Field(
        None, ge=10.0, le=5_000.0, description="Step; default 90 m, 500 m on coarse terrain"
    )
    model: Literal["p1812", "bullington"] = Field("p1812", description="ITU-R P.1812, or its diffraction alone")
    load_frac: float = Field(0.5, ge=0.0, le=1.0, description="Share of the time that the other cells send")
    n_workers: int = Field(2, ge=1, le=64, description="Threads over sites; the answer is the same")


class DistrictCover(Params):
    """People and road in a district, covered at half the locations and with 90 % confidence."""

    district_id: str
    n_people: int
    n_people_covered: int
    n_people_sure: int
    road_km: float
    road_covered_km: float
    road_sure_km: float


class CoverResponse(Params):
    """The files made, and how many people and how much road they cover."""

    folder: Path
    files: list[str]
    n_sites: int
    n_rows: int
    n_columns: int
    resolution_m: float
    model: str
    terrain: str
    is_coarse_terrain: bool
    least_dbm: float
    sure_margin_db: float
    n_people: int
    n_people_covered: int
    n_people_sure: int
    road_km: float
    road_covered_km: float
    road_sure_km: float
    districts: list[DistrictCover]
    warnings: list[str]


@dataclass(frozen=True, slots=True)
class _Cells:
    """What the plan's parameters say of a technology."""

    frequency_ghz: float
    eirp_dbm: float
    noise_dbm: float
    least_dbm: float
    mast_m: float
    terminal_m: float
    terrain_sigma_db: float


def _params(reader: PlanReader) -> RadioParams:
    """Return the radio parameters with which the plan was made; the usual ones where the engine did not run."""
    given: dict[str, Any] = next((row["params"] for row in reader.manifest["engines"] if row["engine"] == "radio"), {})
    return RadioParams(**{name: value for name, value in given.items() if name in RadioParams.model_fields})


def _cells(params: RadioParams, technology: str, *, is_coarse: bool) -> _Cells:
    is_4g = technology == "4g"
    noise = noise_dbm(params.bandwidth_4g_mhz if is_4g else params.bandwidth_5g_mhz, params.noise_figure_db)
    return _Cells(
        frequency_ghz=params.frequency_4g_ghz if is_4g else params.frequency_5g_ghz,
        eirp_dbm=params.eirp_4g_dbm if is_4g else params.eirp_5g_dbm,
        noise_dbm=noise,
        least_dbm=noise + params.min_snr_db,
        mast_m=params.mast_m,
        terminal_m=params.terminal_m,
        terrain_sigma_db=params.coarse_sigma_db if is_coarse else params.dem_sigma_db,
    )


def _sites(reader: PlanReader, request: CoverRequest) -> pl.DataFrame:
    """Return the sites that carry the technology, near the point asked for; none raises InputError."""
    carries = pl.col("generation").is_in(list(CARRIES[request.technology]))
    if request.with_planned and request.technology == "5g":
        rows = reader.table("coverage").filter((pl.col("technology") == "5g") & pl.col("is_planned"))
        planned = rows["nearest_site_id"].unique()
        carries |= pl.col("site_id").is_in(planned.implode())
    sites = reader.table("sites").filter((pl.col("kind") == "tower") & carries).sort("site_id")
    if request.around is not None:
        point = spot(reader, request.around, "around")
        _, km = nearest(sites["lon_deg"], sites["lat_deg"], pl.Series([point.lon_deg]), pl.Series([point.lat_deg]))
        sites = sites.filter(pl.Series(km <= request.within_km))
    if not sites.height:
        cure = "ask for another technology, a larger --within-km, or another point"
        raise InputError(Problem(f"no {request.technology} site is there", cure, column="around"))
    return sites


class _Points:
    """Points that read the map strip by strip: places and steps along roads."""

    def __init__(self, lon_deg: FloatArray, lat_deg: FloatArray, grid: MapGrid) -> None:
        self.row = np.floor((grid.north_deg - lat_deg) / grid.step_lat_deg).astype(np.int64)
        self.column = np.floor((lon_deg - grid.west_deg) / grid.step_lon_deg).astype(np.int64)
        self.inside = (self.column >= 0) & (self.column < grid.n_columns) & (self.row >= 0) & (self.row < grid.n_rows)
        self.state = np.zeros(lon_deg.size, np.uint8)

    def read(self, first_row: int, state: NDArray[np.uint8]) -> None:
        """Take the states of the points that lie in a strip."""
        here = np.flatnonzero(self.inside & (self.row >= first_row) & (self.row < first_row + state.shape[0]))
        self.state[here] = state[self.row[here] - first_row, self.column[here]]


@dataclass(frozen=True, slots=True)
class _Roads:
    """Steps along the ways: where, how long, in which district."""

    lon_deg: FloatArray
    lat_deg: FloatArray
    km: FloatArray
    district_id: pl.Series


def _roads(reader: PlanReader) -> _Roads:
    ways = reader.table("rights_of_way").filter(pl.col("is_in_country")).sort("row_id")
    lines = shapely.from_wkb(ways["geometry"].to_numpy())
    length_km = ways["length_km"].to_numpy()
    count = np.maximum(1, np.ceil(length_km / ROAD_STEP_KM)).astype(np.int64)
    way = np.repeat(np.arange(count.size), count)
    step = np.arange(way.size) - np.repeat(np.cumsum(count) - count, count)
    points = shapely.line_interpolate_point(lines[way], (step + 0.5) / count[way], normalized=True)
    lon, lat = shapely.get_x(points), shapely.get_y(points)
    places = reader.table("places").sort("place_id")
    index, _ = nearest(pl.Series(lon), pl.Series(lat), places["lon_deg"], places["lat_deg"])
    return _Roads(lon, lat, length_km[way] / count[way], places["district_id"].gather(index))


def _layers(grid: MapGrid, tags: dict[str, str]) -> dict[str, LayerFile]:
    def layer(description: str, unit: str, **more: Any) -> LayerFile:  # noqa: ANN401  # fields of LayerFile
        return LayerFile(
            grid.west_deg, grid.north_deg, grid.step_lon_deg, grid.step_lat_deg, grid.n_rows, grid.n_columns,
            description, unit, tags=tags, **more,
        )  # fmt: skip

    return {
        "level_dbm.tif": layer("Power received from the best server", "dBm"),
        "sinr_db.tif": layer("Power over noise and the other cells at the stated load", "dB"),
        "server.tif": layer(
            "Row of the best server in servers.csv", dtype="int32", nodata=-1, overview="nearest", unit=""
        ),
        "covered.tif": layer(
            "0 not covered, 1 covered at half the locations, 2 with 90 % confidence",
            "", dtype="uint8", nodata=NO_COVER, overview="nearest",
        ),
    }  # fmt: skip


def _state(strip: Strip, cells: _Cells, margin_db: float) -> NDArray[np.uint8]:
    level = strip.best_dbm
    state = np.where(level >= cells.least_dbm, COVERED, NO_COVER)
    return np.where(level >= cells.least_dbm + margin_db, SURE, state).astype(np.uint8)


def _write_strips(
    sweep: Sweep,
    request: CoverRequest,
    cells: _Cells,
    margin_db: float,
    readers: tuple[_Points, ...],
    *,
    tell: Callable[[int, int], None],
) -> list[str]:
    """Write the rasters strip by strip while the points read them; return the names of the files."""
    tags = {
        "technology": request.technology, "model": request.model, "terrain": sweep.source,
        "is_coarse_terrain": str(sweep.is_coarse), "load_frac": f"{request.load_frac:g}",
        "boundary_note": BOUNDARY_NOTE,
    }  # fmt: skip
    layers = _layers(sweep.grid, tags)
    with contextlib.ExitStack() as stack:
        put = {name: stack.enter_context(cog_writer(request.out / name, layer)) for name, layer in layers.items()}
        for strip in sweep.strips:
            state = _state(strip, cells, margin_db)
            put["level_dbm.tif"](strip.first_row, np.where(np.isfinite(strip.best_dbm), strip.best_dbm, NO_POWER))
            put["sinr_db.tif"](strip.first_row, strip.sinr_db(cells.noise_dbm, request.load_frac))
            put["server.tif"](strip.first_row, strip.server)
            put["covered.tif"](strip.first_row, state)
            for points in readers:
                points.read(strip.first_row, state)
            tell(strip.first_row + state.shape[0], sweep.grid.n_rows)
    return list(layers)


def _write_areas(folder: Path) -> str:
    """Draw the covered areas as polygons from the raster, thinned to some thousand cells a side."""
    import geopandas as gpd
    import rasterio
    from rasterio import features

    with rasterio.open(folder / "covered.tif") as file:
        shrink = max(1.0, max(file.shape) / AREA_CELLS)
        shape = (math.ceil(file.height / shrink), math.ceil(file.width / shrink))
        state = file.read(1, out_shape=shape)
        place = file.transform @ file.transform.scale(file.width / shape[1], file.height / shape[0])
    found = [
        (shapely.geometry.shape(outline), "90 % confidence" if value == SURE else "half the locations")
        for outline, value in features.shapes(state, mask=state > NO_COVER, transform=place)
    ]
    frame = gpd.GeoDataFrame(
        {"covered_at": [words for _, words in found]}, geometry=[outline for outline, _ in found], crs="EPSG:4326"
    )
    draft = folder / f".{secrets.token_hex(4)}.{AREAS}"  # the driver wants its own ending
    try:
        with writing(folder / AREAS):
            frame.to_file(draft, driver="GPKG", layer="covered")
            draft.replace(folder / AREAS)
    finally:
        draft.unlink(missing_ok=True)
    return AREAS


def _by_district(
    reader: PlanReader, places: pl.DataFrame, at: _Points, roads: _Roads, along: _Points, *, is_part: bool
) -> pl.DataFrame:
    """Return people and road by district; of a part of the country those in the map's box only."""
    people = places.select("district_id", "n_people").with_columns(state=pl.Series(at.state))
    length = pl.DataFrame({"district_id": roads.district_id, "km": roads.km, "state": along.state})
    if is_part:
        people, length = people.filter(pl.Series(at.inside)), length.filter(pl.Series(along.inside))

    def covered(column: str, least: int) -> pl.Expr:
        return pl.when(pl.col("state") >= least).then(pl.col(column)).otherwise(0).sum()

    by_people = people.group_by("district_id").agg(
        pl.col("n_people").sum(),
        n_people_covered=covered("n_people", COVERED),
        n_people_sure=covered("n_people", SURE),
    )
    by_road = length.group_by("district_id").agg(
        road_km=pl.col("km").sum(), road_covered_km=covered("km", COVERED), road_sure_km=covered("km", SURE)
    )
    districts = reader.table("districts").select("district_id").sort("district_id")
    joined = districts.join(by_people, on="district_id", how="left").join(by_road, on="district_id", how="left")
    return joined.fill_null(0).sort("district_id")


def cover_plan(
    request: CoverRequest, clearance: Clearance = OWNER, *, on_event: Listener | None = None,
    cancel: Callable[[], bool] | None = None,
) -> CoverResponse:  # fmt: skip
    """Return what the sites of a plan cover and write it as rasters, areas and a table.

    Folder ``out`` gets level_dbm.tif, sinr_db.tif, server.tif, covered.tif (Cloud-Optimised GeoTIFF), covered.gpkg,
    districts.csv and servers.csv.  Confidence of 90 % takes 1.28 standard deviations of location (ITU-R P.1812) and of
    the terrain's error off the level.  Faults raise :class:`InputError` before anything is written.
    """
    if request.out.exists() and not request.out.is_dir():
        raise InputError(Problem(f"{request.out} is a file", "name a folder with --out", column="out"))
    reader = PlanReader(request.plan, clearance)
    params = _params(reader)
    terrain = terrain_of(reader, request.dem)
    if terrain is None:
        raise InputError(Problem("the plan has no terrain", "give --dem FILE, or plan the country anew", column="dem"))
    clutter = None
    if request.clutter is not None:
        from rahdari.sources.terrain_raster import open_clutter

        clutter = open_clutter(request.clutter)
    sites = _sites(reader, request)
    lon, lat = sites["lon_deg"].to_numpy(), sites["lat_deg"].to_numpy()
    is_coarse = terrain.window(lon[0] - PAD_DEG, lat[0] - PAD_DEG, lon[0] + PAD_DEG, lat[0] + PAD_DEG).is_coarse
    cells = _cells(params, request.technology, is_coarse=is_coarse)
    resolution_m = request.resolution_m or (COARSE_RESOLUTION_M if is_coarse else FINE_RESOLUTION_M)
    setting = Setting(request.radius_km, cells.frequency_ghz, cells.terminal_m, request.model, resolution_m)
    n = sites.height
    transmitters = Transmitters(
        sites["site_id"].to_list(), lon, lat, np.full(n, cells.mast_m), np.full(n, cells.eirp_dbm)
    )
    sweep = sweep_strips(terrain, transmitters, setting, clutter=clutter, n_workers=request.n_workers)
    margin_db = SURE_DEVIATIONS * math.hypot(
        location_sigma_db(cells.frequency_ghz, cells.terminal_m, 0.0, resolution_m), cells.terrain_sigma_db
    )
    places, roads = reader.table("places").sort("place_id"), _roads(reader)
    at = _Points(places["lon_deg"].to_numpy(), places["lat_deg"].to_numpy(), sweep.grid)
    along = _Points(roads.lon_deg, roads.lat_deg, sweep.grid)

    def tell(done: int, total: int) -> None:
        if cancel is not None and cancel():
            raise CancelledError(Problem("stopped on request", "run the command again; older files are as they were"))
        if on_event is not None:
            on_event(Event("progress", STEP, min(done, total), total, "Rows of the map"))

    request.out.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    if on_event is not None:
        on_event(Event("started", STEP, text=STEP))
    files = _write_strips(sweep, request, cells, margin_db, (at, along), tell=tell)
    files.append(_write_areas(request.out))
    districts = _by_district(reader, places, at, roads, along, is_part=request.around is not None)
    write_text(request.out / "districts.csv", safe_csv(districts))
    servers = pl.DataFrame({"server": np.arange(n), "site_id": list(sweep.site_id)})
    write_text(request.out / "servers.csv", safe_csv(servers))
    if on_event is not None:
        on_event(Event("finished", STEP, text=STEP, duration_s=time.perf_counter() - start))
    total = districts.select(pl.exclude("district_id").sum()).row(0, named=True)
    warnings = [COARSE, ROUGH] if sweep.is_coarse else []
    if clutter is None:
        warnings.append(BARE_GROUND)
    if sweep.n_unknown:
        warnings.append(f"{sweep.n_unknown:,} cells of circles have no answer: their profile leaves the terrain")
    return CoverResponse(
        folder=request.out, files=[*files, "districts.csv", "servers.csv"], n_sites=n, n_rows=sweep.grid.n_rows,
        n_columns=sweep.grid.n_columns, resolution_m=resolution_m, model=request.model, terrain=sweep.source,
        is_coarse_terrain=sweep.is_coarse, least_dbm=cells.least_dbm, sure_margin_db=margin_db, **total,
        districts=[DistrictCover(**row) for row in districts.to_dicts() if row["n_people"] or row["road_km"]],
        warnings=warnings,
    )  # fmt: skip
