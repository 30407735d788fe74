"""Coverage of many transmitters over terrain: a radial sweep of each, and a map of the best, the second and the sum.

Each transmitter is swept on a polar grid whose steps, and whose radials at the rim, lie ``resolution_m`` apart or
less; every sample is the answer of its own profile at those steps (see :mod:`rahdari.kernels.sweep`).  A cell of the
map takes the sample nearest to its centre: that of a point at most half a step nearer or farther and half a radial's
spacing aside, so within 0.71 of a cell.  Time grows with the number of places swept, whatever lies around them.
"""

from __future__ import annotations

import math
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.kernels import p1812
from rahdari.kernels.diffraction import WAVE_GHZ_M
from rahdari.kernels.sweep import bullington_sweep
from rahdari.kernels.sweep_map import aim, merge, sector_gain_db
from rahdari.kernels.sweep_p1812 import FREE, N_TABLES, fill_tables, p1812_sweep
from rahdari.methods.raster import METRES_PER_KM, Raster, Terrain, metres_per_deg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    Float32Array = NDArray[np.float32]

Model = Literal["p1812", "bullington"]
MODELS = ("p1812", "bullington")
MIN_STEPS = 2  # one point between transmitter and rim
MAX_RADIUS_KM = 200.0  # the radials' polynomials follow the geodesic within 2 mm to here
STRIP_ROWS = 512  # of the map held at a time, and the block of the files written from it
BAND_DEG = 0.25  # of latitude whose terrain is held at a time
MAX_PIXELS = 100_000_000  # of a map in memory: 2 GB
SECTOR_DEG = 65.0  # 3GPP TR 38.901 table 7.3-1
IN_FLIGHT = 3  # transmitters a worker may be ahead of the map
LIMITS = {  # name: least, greatest, cure; frequency, heights and percentages by ITU-R P.1812-8, scope
    "frequency_ghz": (0.03, 6.0, "P.1812 holds from 0.03 to 6 GHz: use model='bullington' or TR 38.901 above"),
    "rx_height_m": (1.0, 3000.0, "give metres above ground, not above the sea"),
    "time_pct": (1.0, 50.0, "give per cent of an average year, 1 to 50"),
    "location_pct": (1.0, 99.0, "give per cent of locations, 1 to 99"),
}
SITE_LIMITS = {  # as LIMITS, for each transmitter
    "lon_deg": (-180.0, 180.0, "give degrees east, -180 to 180, not metres"),
    "lat_deg": (-90.0, 90.0, "give degrees north, -90 to 90, not metres"),
    "tx_height_m": (1.0, 3000.0, "give metres above ground, not above the sea, from 1 to 3000"),
    "eirp_dbm": (-100.0, 200.0, "give a number of dBm"),
    "azimuth_deg": (-360.0, 720.0, "give degrees from north, or nothing for all round"),
    "beamwidth_deg": (0.1, 360.0, "give the beam's width at half power, degrees"),
}
MAST_MAX_M = 400.0  # no mast is taller; a larger height that is near the ground's own is one above the sea
SEA_DEG, SEA_POINTS = 0.005, 5  # half a side of the square looked at, some 500 m, and points along it
BULLINGTON_GHZ = (0.03, 100.0)  # ITU-R P.526-15 gives no limits; knife edges say nothing beyond these


@dataclass(frozen=True, slots=True)
class Transmitters:
    """Transmitters, one a cell: several may stand at one place, which is then swept once.

    ``tx_height_m`` above ground; ``eirp_dbm`` in the beam's middle; ``azimuth_deg`` clockwise from north, NaN all
    round; ``beamwidth_deg`` at half power.  All (n,).
    """

    site_id: Sequence[str]
    lon_deg: FloatArray
    lat_deg: FloatArray
    tx_height_m: FloatArray
    eirp_dbm: FloatArray
    azimuth_deg: FloatArray | None = None
    beamwidth_deg: FloatArray | None = None

    def by_id(self) -> Transmitters:
        """Return the same in the order of their names, every array float64, nothing left out."""
        n = len(self.site_id)
        order = np.array(sorted(range(n), key=lambda i: self.site_id[i]), np.int64)

        def sorted_column(values: FloatArray | None, default: float) -> FloatArray:
            filled = np.full(n, default) if values is None else np.asarray(values, np.float64)
            return np.ascontiguousarray(np.broadcast_to(filled, (n,))[order])

        return Transmitters(
            [self.site_id[i] for i in order],
            sorted_column(self.lon_deg, 0.0),
            sorted_column(self.lat_deg, 0.0),
            sorted_column(self.tx_height_m, 0.0),
            sorted_column(self.eirp_dbm, 0.0),
            sorted_column(self.azimuth_deg, math.nan),
            sorted_column(self.beamwidth_deg, SECTOR_DEG),
        )


@dataclass(frozen=True, slots=True)
class Setting:
    """What a sweep is asked: the same for all transmitters."""

    radius_km: float
    frequency_ghz: float
    rx_height_m: float
    model: Model = "p1812"
    resolution_m: float = 90.0
    time_pct: float = 50.0
    location_pct: float = 50.0
    delta_n: float = 45.0
    n0: float = 325.0
    is_vertical: bool = False

    @property
    def n_steps(self) -> int:
        """Return how many steps a radial has."""
        return math.floor(self.radius_km * METRES_PER_KM / self.resolution_m + 1e-9)

    @property
    def n_radials(self) -> int:
        """Return how many radials leave a transmitter: at the rim they lie a step apart or less."""
        return math.ceil(2.0 * math.pi * self.n_steps)

    def inputs(self) -> FloatArray:
        """Return the row of P.1812's inputs, without heights of transmitters and latitudes."""
        row = np.full(p1812.N_INPUTS, -1.0)
        row[p1812.FREQUENCY], row[p1812.RX_HEIGHT] = self.frequency_ghz, self.rx_height_m
        row[p1812.TIME], row[p1812.LOCATION] = self.time_pct, self.location_pct
        row[p1812.DELTA_N], row[p1812.N0] = self.delta_n, self.n0
        row[p1812.IS_VERTICAL], row[p1812.RESOLUTION] = float(self.is_vertical), self.resolution_m
        return row

    def problems(self) -> list[Problem]:
        """Return all that is wrong with it."""
        found = []
        for name, (least, greatest, cure) in LIMITS.items():
            low, high = BULLINGTON_GHZ if name == "frequency_ghz" and self.model == "bullington" else (least, greatest)
            value = getattr(self, name)
            if not low <= value <= high:
                found.append(Problem(f"{name} is {value}, outside {low} to {high}", cure, column=name))
        if self.model not in MODELS:
            found.append(Problem(f"no model is called '{self.model}'", f"choose one of {', '.join(MODELS)}"))
        if not (self.resolution_m > 0.0 and 0.0 < self.radius_km <= MAX_RADIUS_KM):
            what = f"a radius of {self.radius_km} km at {self.resolution_m} m cannot be swept"
            found.append(Problem(what, f"give a radius up to {MAX_RADIUS_KM:.0f} km and a resolution above zero"))
        elif self.n_steps < MIN_STEPS:
            what = f"a radius of {self.radius_km} km has fewer than {MIN_STEPS} steps of {self.resolution_m} m"
            found.append(Problem(what, "give a larger radius or a finer resolution"))
        return found


@dataclass(frozen=True, slots=True)
class MapGrid:
    """The cells of a map, north up, WGS 84 degrees."""

    west_deg: float
    north_deg: float
    step_lon_deg: float
    step_lat_deg: float
    n_rows: int
    n_columns: int

    @property
    def grid(self) -> FloatArray:
        """Return west, north, step east and step south as kernels take them."""
        return np.array([self.west_deg, self.north_deg, self.step_lon_deg, self.step_lat_deg])


@dataclass(frozen=True, slots=True)
class Strip:
    """Some rows of a map, from ``first_row``: powers received, (rows, columns).

    Where no transmitter reaches, ``best_dbm`` and ``second_dbm`` are -inf, ``total_mw`` 0 and ``server`` -1; ``server``
    counts the names in their order.
    """

    first_row: int
    best_dbm: Float32Array
    second_dbm: Float32Array
    total_mw: FloatArray
    server: NDArray[np.int32]

    def sinr_db(self, noise_dbm: float, load_frac: float = 1.0) -> Float32Array:
        """Return the best server's power over noise and the others at a load, dB; -inf where none reaches.

        ``load_frac`` is the share of the time in which each other transmitter sends.
        """
        best_mw = np.power(10.0, self.best_dbm.astype(np.float64) / 10.0)
        others_mw = np.maximum(self.total_mw - best_mw, 0.0)
        with np.errstate(divide="ignore"):
            ratio = 10.0 * np.log10(best_mw / (load_frac * others_mw + 10.0 ** (noise_dbm / 10.0)))
        return np.asarray(ratio, np.float32)


@dataclass(slots=True)
class Sweep:
    """A sweep made ready: names in order, the map's grid, and its strips from north to south, each made once.

    ``n_unknown`` counts, once the strips are made, cells of transmitters without an answer because their profile leaves
    the terrain.
    """

    site_id: Sequence[str]
    grid: MapGrid
    is_coarse: bool
    source: str
    strips: Iterator[Strip]
    n_unknown: int = 0


@dataclass(frozen=True, slots=True)
class Coverage:
    """A map in memory; see :class:`Strip` for the layers."""

    site_id: Sequence[str]
    grid: MapGrid
    layers: Strip
    is_coarse: bool
    source: str
    n_unknown: int

    def raster(self, value: Float32Array, what: str) -> Raster:
        """Return a layer as a raster; ``what`` begins its source's sentence."""
        g = self.grid
        source = f"{what}; {self.source}"
        return Raster(value, g.west_deg, g.north_deg, g.step_lon_deg, g.step_lat_deg, self.is_coarse, source)


@dataclass(frozen=True, slots=True)
class _Place:
    """One place swept once: its position and the transmitters on it."""

    lon_deg: float
    lat_deg: float
    tx_height_m: float
    members: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Job:
    """All that workers share; nothing in it changes."""

    setting: Setting
    grid: MapGrid
    table: FloatArray
    sites: Transmitters
    is_sea_refused: bool


@dataclass(frozen=True, slots=True)
class _Swept:
    place: _Place
    first_row: int
    first_column: int
    aimed: NDArray[np.int32]
    loss_db: Float32Array


def map_grid(sites: Transmitters, setting: Setting) -> MapGrid:
    """Return the grid that holds every transmitter's circle; cells are square at the middle latitude."""
    reach_m = setting.n_steps * setting.resolution_m
    south, north = float(np.min(sites.lat_deg)), float(np.max(sites.lat_deg))
    lon_m, lat_m = metres_per_deg(0.5 * (south + north))
    step_lon, step_lat = setting.resolution_m / lon_m, setting.resolution_m / lat_m
    narrow_m = min(metres_per_deg(south)[0], metres_per_deg(north)[0])
    margin_lon = reach_m / narrow_m + step_lon
    margin_lat = reach_m / metres_per_deg(south)[1] + step_lat
    west, top = float(np.min(sites.lon_deg)) - margin_lon, north + margin_lat
    # Multiples of the step, so that the same area always has the same cells.
    first_column, first_row = math.floor(west / step_lon), math.ceil(top / step_lat)
    n_columns = math.ceil((float(np.max(sites.lon_deg)) + margin_lon) / step_lon) - first_column
    n_rows = first_row - math.floor((south - margin_lat) / step_lat)
    return MapGrid(first_column * step_lon, first_row * step_lat, step_lon, step_lat, n_rows, n_columns)


def loss_along_radials_db(
    terrain: Raster,
    lon_deg: float,
    lat_deg: float,
    tx_height_m: float,
    setting: Setting,
    *,
    clutter: Raster | None = None,
    is_wanted: NDArray[np.uint8] | None = None,
    table: FloatArray | None = None,
) -> Float32Array:
    """Return the basic transmission loss, dB, on the polar grid of a transmitter, (radials, steps + 1) float32.

    Radial r leaves at 360 r / radials degrees from north; column k lies k steps away; column 0 is NaN, and so is what
    lies beyond a radial's first point off the terrain.  ``is_wanted`` (same shape) leaves samples out as NaN.  All is
    inland; ``clutter`` holds heights of cover above ground; 'bullington' knows none of it and adds free space.
    """
    shape = setting.n_radials, setting.n_steps + 1
    wanted = np.ones(shape, np.uint8) if is_wanted is None else is_wanted
    filled = sweep_table(setting, abs(lat_deg)) if table is None else table
    out = np.full(shape, np.nan, np.float32)
    step_km = setting.resolution_m / METRES_PER_KM
    height = np.ascontiguousarray(terrain.value)
    if setting.model == "bullington":
        site = np.array([lon_deg, lat_deg, tx_height_m, setting.rx_height_m])
        radius_km = p1812.effective_radius_km(setting.delta_n)
        wave_m = WAVE_GHZ_M / setting.frequency_ghz
        bullington_sweep(height, terrain.grid, site, step_km, radius_km, wave_m, filled[FREE], wanted, out)
        return out
    inputs = setting.inputs()
    inputs[p1812.TX_HEIGHT], inputs[p1812.LATITUDE] = tx_height_m, lat_deg
    cover, cover_grid = np.empty((0, 1), np.float32), np.ones(4)
    if clutter is not None:
        cover, cover_grid = np.ascontiguousarray(clutter.value), clutter.grid
    site = np.array([lon_deg, lat_deg])
    p1812_sweep(height, terrain.grid, cover, cover_grid, site, inputs, filled, wanted, out)
    return out


def sweep_table(setting: Setting, least_latitude_deg: float) -> FloatArray:
    """Return what all radials share, by step; for latitudes from ``least_latitude_deg`` polewards."""
    table = np.zeros((N_TABLES, setting.n_steps + 1))
    # Circles reach nearer to the equator than their transmitters.
    reach_deg = setting.radius_km * METRES_PER_KM / metres_per_deg(0.0)[1]
    nearest_deg = min(max(least_latitude_deg - reach_deg, 0.0), p1812.POLAR_DEG)
    fill_tables(setting.inputs(), setting.n_steps, setting.resolution_m / METRES_PER_KM, nearest_deg, table)
    return table


def _places(sites: Transmitters) -> list[_Place]:
    """Return the places from north to south, each with its transmitters in order."""
    found: dict[tuple[float, float, float], list[int]] = {}
    for i in range(len(sites.site_id)):
        key = (-float(sites.lat_deg[i]), float(sites.lon_deg[i]), float(sites.tx_height_m[i]))
        found.setdefault(key, []).append(i)
    return [_Place(lon, -south, height, tuple(found[south, lon, height])) for south, lon, height in sorted(found)]


def _swept(job: _Job, place: _Place, terrain: Raster, clutter: Raster | None) -> _Swept:
    """Sweep one place: the samples that cells take, and which cell takes which."""
    setting, grid = job.setting, job.grid
    reach_m = (setting.n_steps + 1) * setting.resolution_m
    lat_m = metres_per_deg(place.lat_deg)[1]
    lon_m = min(metres_per_deg(place.lat_deg + side * reach_m / lat_m)[0] for side in (-1.0, 1.0))
    row = (grid.north_deg - place.lat_deg) / grid.step_lat_deg
    column = (place.lon_deg - grid.west_deg) / grid.step_lon_deg
    half_rows, half_columns = reach_m / lat_m / grid.step_lat_deg, reach_m / lon_m / grid.step_lon_deg
    top, left = max(math.floor(row - half_rows), 0), max(math.floor(column - half_columns), 0)
    bottom, right = min(math.ceil(row + half_rows), grid.n_rows), min(math.ceil(column + half_columns), grid.n_columns)
    aimed = np.empty((bottom - top, right - left), np.int32)
    wanted = np.zeros((setting.n_radials, setting.n_steps + 1), np.uint8)
    aim(grid.grid, top, left, place.lon_deg, place.lat_deg, setting.resolution_m, aimed, wanted)
    loss_db = loss_along_radials_db(
        terrain, place.lon_deg, place.lat_deg, place.tx_height_m, setting,
        clutter=clutter, is_wanted=wanted, table=job.table,
    )  # fmt: skip
    return _Swept(place, top, left, aimed, loss_db)


def _bands(places: Sequence[_Place]) -> Iterator[list[_Place]]:
    """Yield places that share a band of latitude, north to south."""
    band: list[_Place] = []
    for place in places:
        if band and band[0].lat_deg - place.lat_deg > BAND_DEG:
            yield band
            band = []
        band.append(place)
    if band:
        yield band


def _band_box(places: Sequence[_Place], setting: Setting) -> tuple[float, float, float, float]:
    """Return west, south, east and north of all circles around places."""
    reach_m = (setting.n_steps + 1) * setting.resolution_m
    lats, lons = [place.lat_deg for place in places], [place.lon_deg for place in places]
    widest = max(abs(lat) for lat in (min(lats), max(lats)))
    lat_m = metres_per_deg(widest)[1]
    lon_m = metres_per_deg(min(widest + reach_m / lat_m, 89.0))[0]
    wide, high = reach_m / lon_m, reach_m / metres_per_deg(0.0)[1]
    return min(lons) - wide, min(lats) - high, max(lons) + wide, max(lats) + high


def _swept_in_order(
    job: _Job, places: Sequence[_Place], terrain: Terrain, clutter: Terrain | None, n_workers: int
) -> Iterator[_Swept]:
    """Yield every place swept, in order, whoever was first; a few are kept in flight."""
    with ThreadPoolExecutor(n_workers) as pool:
        for band in _bands(places):
            box = _band_box(band, job.setting)
            heights = terrain.window(*box)
            cover = None if clutter is None else clutter.window(*box)
            _require_heights(job, band, heights)
            flying: deque[Callable[[], _Swept]] = deque()
            for place in band:
                flying.append(pool.submit(_swept, job, place, heights, cover).result)
                if len(flying) > IN_FLIGHT * n_workers:
                    yield flying.popleft()()
            while flying:
                yield flying.popleft()()


def _is_sea(heights: Raster, lon_deg: Sequence[float], lat_deg: Sequence[float]) -> NDArray[np.bool_]:
    """Return (n,) whether there is nothing but 0 m, as elevation models write the sea, around points."""
    steps = np.linspace(-SEA_DEG, SEA_DEG, 2 * SEA_POINTS + 1)
    east, north = (part.ravel() for part in np.meshgrid(steps, steps))
    around = heights.sample(np.add.outer(lon_deg, east), np.add.outer(lat_deg, north))
    return np.asarray(((around == 0.0) | np.isnan(around)).all(axis=1) & (around == 0.0).any(axis=1))


def _require_heights(job: _Job, places: Sequence[_Place], heights: Raster) -> None:
    """Refuse transmitters where the terrain has no height, in the sea, or given above the sea."""
    lon, lat = [place.lon_deg for place in places], [place.lat_deg for place in places]
    ground_m = heights.sample(lon, lat)
    is_void = np.isnan(ground_m)
    problems = []
    tx_m = np.array([place.tx_height_m for place in places])
    is_above_sea = (tx_m > MAST_MAX_M) & (tx_m >= ground_m) & (tx_m <= ground_m + MAST_MAX_M)
    for k in np.flatnonzero(is_above_sea).tolist():
        what = f"site {job.sites.site_id[places[k].members[0]]} has its antenna {tx_m[k]:g} m above ground"
        cure = f"give metres above ground, not above the sea: the ground there lies at {ground_m[k]:.0f} m"
        problems.append(Problem(what, cure, heights.source, column="tx_height_m"))
    if job.is_sea_refused and not heights.is_coarse and np.any(heights.value):
        for k in np.flatnonzero(_is_sea(heights, lon, lat)).tolist():
            what = f"site {job.sites.site_id[places[k].members[0]]} at {lon[k]:.4f} E {lat[k]:.4f} N stands in the sea"
            cure = "correct its position (longitude, then latitude), or give terrain that has the island"
            problems.append(Problem(what, cure, heights.source))
    for k in np.flatnonzero(is_void).tolist():
        i = places[k].members[0]
        what = f"site {job.sites.site_id[i]} at {lon[k]:.4f} E {lat[k]:.4f} N has no terrain under it"
        problems.append(Problem(what, "give a terrain file that covers it, or leave the site out", heights.source))
    raise_if_any(problems)


@dataclass(slots=True)
class _Canvas:
    """The rows of a map that are still open."""

    grid: MapGrid
    open: dict[int, Strip] = field(default_factory=dict)

    def strip(self, number: int) -> Strip:
        if number not in self.open:
            first = number * STRIP_ROWS
            shape = min(STRIP_ROWS, self.grid.n_rows - first), self.grid.n_columns
            nothing = np.full(shape, -np.inf, np.float32)
            self.open[number] = Strip(first, nothing, nothing.copy(), np.zeros(shape), np.full(shape, -1, np.int32))
        return self.open[number]

    def put(self, swept: _Swept, sites: Transmitters) -> int:
        """Merge one place in; return how many cells have no answer."""
        n_unknown = 0
        gain_db = np.zeros(swept.loss_db.shape[0], np.float32)
        for i in swept.place.members:
            gain_db[:] = 0.0
            if not math.isnan(sites.azimuth_deg[i]):  # type: ignore[index]  # by_id fills it
                sector_gain_db(sites.azimuth_deg[i], sites.beamwidth_deg[i], gain_db)  # type: ignore[index]  # same
            last = (swept.first_row + swept.aimed.shape[0] - 1) // STRIP_ROWS
            for number in range(swept.first_row // STRIP_ROWS, last + 1):
                strip = self.strip(number)
                n_unknown += merge(
                    swept.loss_db, swept.aimed, float(sites.eirp_dbm[i]), gain_db, i,
                    swept.first_row - strip.first_row, swept.first_column,
                    strip.best_dbm, strip.second_dbm, strip.total_mw, strip.server,
                )  # fmt: skip
        return n_unknown


def _site_problems(sites: Transmitters) -> list[Problem]:
    """Return all that is wrong with transmitters, the first ten rows of each kind."""
    problems = []
    n = len(sites.site_id)
    if n == 0:
        problems.append(Problem("there is no transmitter", "give at least one site"))
    if any(name is None for name in sites.site_id):
        problems.append(Problem("a transmitter has no name", "give every row its site_id", column="site_id"))
    elif len(set(sites.site_id)) < n:
        problems.append(Problem("two transmitters share a name", "give every site_id once"))
    for name, (least, greatest, cure) in SITE_LIMITS.items():
        given = getattr(sites, name)
        if given is None:
            continue
        value = np.broadcast_to(np.asarray(given, np.float64), (n,))
        is_right = (value >= least) & (value <= greatest)
        if name == "azimuth_deg":
            is_right |= np.isnan(value)  # all round
        for row in np.flatnonzero(~is_right)[:10].tolist():
            is_lost = bool(np.isnan(value[row]))
            what = f"{name} is missing" if is_lost else f"site {sites.site_id[row]} has {name} of {value[row]:g}"
            problems.append(Problem(what, cure, row=row + 1, column=name))
    return problems


def sweep_strips(
    terrain: Terrain,
    sites: Transmitters,
    setting: Setting,
    *,
    clutter: Terrain | None = None,
    n_workers: int = 1,
    is_sea_refused: bool = False,
) -> Sweep:
    """Return a sweep whose strips, of 512 rows, are made as they are taken: memory does not grow with the country.

    Some 20 bytes a cell of the strips that one circle touches, the terrain of a quarter degree of latitude, and 2 MB
    a worker.  Nothing depends on ``n_workers`` or on the order of ``sites``: powers are summed from north to south, and
    of equal powers the first name serves.  ``is_sea_refused`` makes a transmitter in the sea a fault: one with nothing
    but 0 m within some 500 m while terrain that is not coarse has heights elsewhere.
    Raises :class:`InputError` with all that is wrong.
    """
    problems = setting.problems() + _site_problems(sites)
    if n_workers < 1:
        problems.append(Problem(f"{n_workers} workers do no work", "give 1 or more", column="n_workers"))
    raise_if_any(problems)
    ordered = sites.by_id()
    grid = map_grid(ordered, setting)
    job = _Job(setting, grid, sweep_table(setting, float(np.min(np.abs(ordered.lat_deg)))), ordered, is_sea_refused)
    places = _places(ordered)
    first = terrain.window(*_band_box(places[:1], setting))
    sweep = Sweep(ordered.site_id, grid, first.is_coarse, first.source, iter(()))
    sweep.strips = _strips(sweep, job, _swept_in_order(job, places, terrain, clutter, n_workers))
    return sweep


def _strips(sweep: Sweep, job: _Job, swept_places: Iterator[_Swept]) -> Iterator[Strip]:
    """Yield the strips from north to south as soon as no circle can reach them any more."""
    canvas, done = _Canvas(job.grid), 0
    for swept in swept_places:
        # Circles further south start further south, but for half a step of rounding.
        while (done + 1) * STRIP_ROWS <= swept.first_row - 1:
            yield canvas.strip(done)
            del canvas.open[done]
            done += 1
        sweep.n_unknown += canvas.put(swept, job.sites)
    while done * STRIP_ROWS < job.grid.n_rows:
        yield canvas.strip(done)
        del canvas.open[done]
        done += 1


def coverage(
    terrain: Terrain,
    sites: Transmitters,
    setting: Setting,
    *,
    clutter: Terrain | None = None,
    n_workers: int = 1,
    is_sea_refused: bool = False,
) -> Coverage:
    """Return a whole map in memory; :func:`sweep_strips` makes larger ones.

    Raises :class:`InputError` where it has more than 100 million cells.
    """
    sweep = sweep_strips(terrain, sites, setting, clutter=clutter, n_workers=n_workers, is_sea_refused=is_sea_refused)
    n_cells = sweep.grid.n_rows * sweep.grid.n_columns
    if n_cells > MAX_PIXELS:
        what = f"the map has {n_cells / 1e6:,.0f} million cells, more than {MAX_PIXELS / 1e6:,.0f} million"
        raise InputError(Problem(what, "write it strip by strip with sweep_strips, or give a coarser resolution"))
    strips = list(sweep.strips)
    layers = Strip(
        0,
        np.concatenate([strip.best_dbm for strip in strips]),
        np.concatenate([strip.second_dbm for strip in strips]),
        np.concatenate([strip.total_mw for strip in strips]),
        np.concatenate([strip.server for strip in strips]),
    )
    return Coverage(sweep.site_id, sweep.grid, layers, sweep.is_coarse, sweep.source, sweep.n_unknown)
