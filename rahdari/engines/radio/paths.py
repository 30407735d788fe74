"""Loss from sites to places: ITU-R P.1812 over the terrain grid with cover, or TR 38.901 where there is no terrain."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rahdari.kernels import p1812, p1812_path
from rahdari.methods.path_loss import SIGMA_DB, line_of_sight_frac, rma_loss_db, uma_loss_db
from rahdari.methods.raster import METRES_PER_KM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.engines.radio.params import RadioParams
    from rahdari.methods.raster import Raster
    from rahdari.model import Context

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]
    IntArray = NDArray[np.int64]

MIN_PATH_KM = 0.25  # P.1812, scope; nearer users are taken as so far
CHUNK = 4096  # paths at once: profiles of 16 points are 0.5 MB a column
PIECES = (16, 32, 64, 128, 256)  # of a profile, the first that is no coarser than the grid
NO_ZONE = np.empty(0, np.int32)  # inland throughout: ITU's zones are of the coast, which moves no cell edge
TIME_PCT, MEDIAN_PCT = 50.0, 50.0
SEA_LEVEL_N = 325.0  # P.1812 default of N0
RELIEF_REACH = 1  # cells around a place whose spread of heights is its relief
SIGMA_OFFSET, SIGMA_SLOPE, SIGMA_POWER = 0.52, 0.024, 0.28  # P.1812-8 eq. 64 to 66
CLUTTER_FADE_M = 10.0  # same
METRES_PER_HUNDRED = 100.0


class Ends(NamedTuple):
    """Paths, all (n,): the site, the place, length, cover of the settlement and how far it reaches from the user."""

    site_lon_deg: FloatArray
    site_lat_deg: FloatArray
    place_lon_deg: FloatArray
    place_lat_deg: FloatArray
    distance_km: FloatArray
    length_km: FloatArray
    clutter_m: FloatArray
    settled_km: FloatArray
    is_urban: BoolArray

    def rows(self, index: IntArray | BoolArray) -> Ends:
        """Return some of the paths."""
        return Ends._make(value[index] for value in self)


class Law(NamedTuple):
    """What all paths of one call share."""

    frequency_ghz: float
    mast_m: float
    terminal_m: float
    street_km: float
    delta_n: float


def law_of(frequency_ghz: float, params: RadioParams, delta_n: float | None = None) -> Law:
    """Return the law of a band; ``delta_n`` replaces the parameter's."""
    fall = params.delta_n if delta_n is None else delta_n
    return Law(frequency_ghz, params.mast_m, params.terminal_m, params.street_m / METRES_PER_KM, fall)


def _profiles(raster: Raster, ends: Ends, street_km: float, n_pieces: int) -> tuple[FloatArray, FloatArray]:
    """Return distances and heights (n, pieces + 2): even steps, and a last point one street before the user.

    The way runs from the site over the place's centre; degrees are taken as straight, which errs by 10 m in 30 km.
    Heights beyond the grid are those of its rim.
    """
    length = np.maximum(ends.length_km, MIN_PATH_KM)
    street = np.minimum(street_km, 0.5 * length)
    share = np.linspace(0.0, 1.0, n_pieces + 1)
    km = np.concatenate([share * (length - street)[:, None], length[:, None]], axis=1)
    # A place at the site's own foot has no direction: any will do on a grid, and north it is.
    is_apart = ends.distance_km > 0.0
    reach = km / np.where(is_apart, ends.distance_km, 1.0)[:, None]
    east = np.where(is_apart, ends.place_lon_deg - ends.site_lon_deg, 0.0)[:, None]
    north = np.where(is_apart, ends.place_lat_deg - ends.site_lat_deg, 1.0 / KM_PER_DEG)[:, None]
    lon, lat = ends.site_lon_deg[:, None] + reach * east, ends.site_lat_deg[:, None] + reach * north
    lon = np.clip(lon, raster.west_deg, raster.east_deg)
    lat = np.clip(lat, raster.south_deg, raster.north_deg)
    return km, raster.sample(lon, lat)


KM_PER_DEG = 111.195  # a degree of the great circle


def _terrain_chunk(raster: Raster, law: Law, piece: tuple[Ends, int]) -> FloatArray:
    """Return the median loss of some paths, dB."""
    ends, n_pieces = piece
    km, ground = _profiles(raster, ends, law.street_km, n_pieces)
    n, m = km.shape
    is_settled = km[:, -1:] - km <= ends.settled_km[:, None]
    cover = np.where(is_settled, ends.clutter_m[:, None], 0.0)
    inputs = np.full((n, p1812.N_INPUTS), -1.0)  # negative: the kernel works it out
    columns = (
        (p1812.FREQUENCY, law.frequency_ghz),
        (p1812.TX_HEIGHT, law.mast_m),
        (p1812.RX_HEIGHT, law.terminal_m),
        (p1812.TIME, TIME_PCT),
        (p1812.LOCATION, MEDIAN_PCT),
        (p1812.DELTA_N, law.delta_n),
        (p1812.N0, SEA_LEVEL_N),
        (p1812.IS_VERTICAL, 1.0),
        (p1812.RESOLUTION, METRES_PER_HUNDRED),
    )
    for column, value in columns:
        inputs[:, column] = value
    inputs[:, p1812.LATITUDE] = 0.5 * (ends.site_lat_deg + ends.place_lat_deg)
    loss_db = np.empty(n)
    offset = np.arange(n + 1, dtype=np.int64) * m
    p1812_path.batch_loss(np.ravel(km), np.ravel(ground), np.ravel(cover), NO_ZONE, offset, 0, n, inputs, loss_db)
    return loss_db


def terrain_loss_db(raster: Raster, ends: Ends, law: Law, ctx: Context) -> FloatArray:
    """Return the median loss (n,), dB, by P.1812; each path depends on itself alone."""
    wanted = np.maximum(ends.length_km, MIN_PATH_KM) * METRES_PER_KM / raster.spacing_m
    rank = np.minimum(np.searchsorted(PIECES, wanted), len(PIECES) - 1)
    order = np.argsort(rank, kind="stable")
    jobs, places = [], []
    for k, n_pieces in enumerate(PIECES):
        here = order[rank[order] == k]
        for first in range(0, here.size, CHUNK):
            some = here[first : first + CHUNK]
            places.append(some)
            jobs.append((ends.rows(some), n_pieces))
    loss_db = np.empty(ends.length_km.size)
    for some, value in zip(places, ctx.map(partial(_terrain_chunk, raster, law), jobs), strict=True):
        loss_db[some] = value
    return loss_db


def closed_loss_db(ends: Ends, law: Law) -> FloatArray:
    """Return the mean loss (n,), dB: line of sight and none weighted by their probability (TR 38.901)."""
    total = np.zeros(ends.length_km.size)
    for urban, formula in ((True, uma_loss_db), (False, rma_loss_db)):
        here = ends.is_urban == urban
        d = ends.length_km[here]
        sight = line_of_sight_frac(d, is_urban=urban)
        line = formula(d, law.frequency_ghz, law.mast_m, law.terminal_m, is_line_of_sight=True)
        hidden = formula(d, law.frequency_ghz, law.mast_m, law.terminal_m, is_line_of_sight=False)
        total[here] = sight * line + (1.0 - sight) * hidden
    return total


def loss_db(raster: Raster | None, ends: Ends, law: Law, ctx: Context) -> FloatArray:
    """Return the loss of each path (n,), dB."""
    return closed_loss_db(ends, law) if raster is None else terrain_loss_db(raster, ends, law, ctx)


def location_sigma_db(raster: Raster | None, ends: Ends, law: Law) -> FloatArray:
    """Return the spread of loss over locations (n,), dB: P.1812-8 eq. 64 by settlement, or TR 38.901's."""
    if raster is None:
        return np.where(ends.is_urban, SIGMA_DB["uma"][1], SIGMA_DB["rma"][1])
    width_m = np.maximum(2.0 * METRES_PER_KM * ends.settled_km, METRES_PER_HUNDRED)
    free = np.clip(1.0 - (law.terminal_m - ends.clutter_m) / CLUTTER_FADE_M, 0.0, 1.0)
    return np.asarray(free * (SIGMA_OFFSET + SIGMA_SLOPE * law.frequency_ghz) * width_m**SIGMA_POWER)


def relief_m(raster: Raster, lon_deg: FloatArray, lat_deg: FloatArray) -> FloatArray:
    """Return the standard deviation (n,), m, of the heights of the nine cells around points."""
    steps = np.arange(-RELIEF_REACH, RELIEF_REACH + 1)
    lon = lon_deg[:, None] + np.repeat(steps, steps.size) * raster.step_lon_deg
    lat = lat_deg[:, None] + np.tile(steps, steps.size) * raster.step_lat_deg
    lon = np.clip(lon, raster.west_deg, raster.east_deg)
    lat = np.clip(lat, raster.south_deg, raster.north_deg)
    return np.asarray(raster.sample(lon, lat).std(axis=1))


def terrain_sigma_db(
    raster: Raster | None, lon_deg: FloatArray, lat_deg: FloatArray, params: RadioParams
) -> FloatArray:
    """Return the error of loss (n,), dB, that the elevation model leaves at places."""
    if raster is None:
        return np.full(lon_deg.size, params.unknown_terrain_sigma_db)
    if not raster.is_coarse:
        return np.full(lon_deg.size, params.dem_sigma_db)
    hills = params.coarse_sigma_db_per_100_m * relief_m(raster, lon_deg, lat_deg) / METRES_PER_HUNDRED
    return np.minimum(params.coarse_sigma_db + hills, params.coarse_sigma_max_db)
