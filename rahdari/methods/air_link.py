"""The mobile network seen from the air: path by path over terrain, with antennas that look down.

Loss is ITU-R P.1812 from mast to drone over the profile of the ground (free space, diffraction, ducting), and on top
what houses and trees add on average by 3GPP TR 36.777 (probability of sight times the step from sight to none).
Masts look down: a drone above the main lobe gets side lobes, a stated loss in the form of TR 36.814.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.kernels import p1812, p1812_path
from rahdari.methods.geo import great_circle_km, unit_vectors
from rahdari.methods.path_loss_air import (
    K_FACTOR,
    TOP_M,
    AerialScenario,
    aerial_loss_db,
    aerial_sight_frac,
)
from rahdari.methods.propagation import free_space_db, noise_dbm, spectral_efficiency_bps_per_hz
from rahdari.methods.raster import METRES_PER_KM
from rahdari.units import EARTH_RADIUS_KM

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from rahdari.methods.raster import Raster

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    BoolArray = NDArray[np.bool_]

MIN_PATH_KM = 0.25  # scope of P.1812; nearer, free space
PIECES = (16, 32, 64, 128, 256)  # of a profile, the first that is no coarser than the grid
NO_ZONE = np.empty(0, np.int32)
MEDIAN_PCT, SEA_LEVEL_N, DELTA_N, RESOLUTION_M = 50.0, 325.0, 45.0, 100.0
UPLINK_ATTENUATION, UPLINK_MAX_BPS_PER_HZ = 0.4, 2.0  # TR 36.942 annex A.2
CONTROL_MHZ = 0.36  # two resource blocks carry a control link of some 100 kbit/s
LEAST_WIDTH = 1e-6
NEAREST_KM = 0.01  # scope of TR 36.777


@dataclass(frozen=True, slots=True)
class AirLink:
    """What masts and the drone's modem are taken to be; every figure assumed unless its comment says otherwise."""

    frequency_ghz: float = 1.8
    bandwidth_mhz: float = 20.0  # one paired carrier
    eirp_dbm: float = 61.0  # 46 dBm and 17 dBi less 2 dB, along the axis
    base_gain_dbi: float = 15.0
    mast_m: float = 30.0
    tilt_deg: float = 6.0  # below the horizontal, rural
    beam_deg: float = 10.0  # width of the main lobe up and down, TR 36.814 table A.2.1.1-2
    side_lobe_db: float = 20.0  # side lobes below the axis, same table
    sector_db: float = 3.4  # mean over azimuth of three sectors of 65 degrees: 12 (60/65)^2 / 3
    drone_dbm: float = 23.0  # power class 3
    drone_noise_db: float = 9.0
    base_noise_db: float = 5.0
    uplink_rise_db: float = 6.0  # interference over noise at the mast
    uplink_load_ratio: float = 0.4  # load of the uplink over that of the downlink
    least_share_frac: float = 0.05
    min_snr_db: float = -6.0  # most robust scheme
    hysteresis_db: float = 3.0  # 3GPP event A3, usual
    reach_km: float = 35.0
    n_candidates: int = 16
    scenario: AerialScenario = "rma"


@dataclass(frozen=True, slots=True, eq=False)
class AirNetwork:
    """(m,) cells in order of ``site_id``: degrees, busy-hour load, and the operator by number, who share spectrum."""

    site_id: tuple[str, ...]
    lon_deg: FloatArray
    lat_deg: FloatArray
    load_frac: FloatArray
    operator: IntArray
    tree: cKDTree

    @classmethod
    def of(cls, sites: pl.DataFrame) -> AirNetwork:
        """Return the network of a table with ``site_id``, ``lon_deg``, ``lat_deg``.

        ``load_frac`` (else 0.5) and ``operator_id`` (else one for all) are taken where they stand in it.  Missing
        columns, and numbers that are no degrees or shares, raise :class:`InputError`.
        """
        missing = [name for name in ("site_id", "lon_deg", "lat_deg") if name not in sites.columns]
        raise_if_any([Problem("the network has no such column", "add it", column=name) for name in missing])
        rows = sites.sort("site_id")
        load = rows["load_frac"].to_numpy() if "load_frac" in rows.columns else np.full(rows.height, 0.5)
        owners = rows["operator_id"].fill_null("").to_list() if "operator_id" in rows.columns else [""] * rows.height
        lon, lat = rows["lon_deg"].to_numpy(), rows["lat_deg"].to_numpy()
        good = (np.abs(lon) <= 360.0) & (np.abs(lat) <= 90.0) & (load >= 0.0) & (load <= 1.0)  # noqa: PLR2004
        if not good.all():
            row = int(np.flatnonzero(~good)[0])
            raise InputError(Problem("a cell is no place on earth, or its load no share", "correct it", row=row + 1))
        number = {name: at for at, name in enumerate(sorted(set(owners)))}
        return cls(
            tuple(rows["site_id"].to_list()), lon.astype(np.float64), lat.astype(np.float64), load.astype(np.float64),
            np.array([number[name] for name in owners], np.int64), cKDTree(unit_vectors(lon, lat)),
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Views:
    """What (p,) points see of their (p, k) nearest cells; a column without a cell has site -1 and power -inf."""

    site: IntArray
    distance_km: FloatArray
    elevation_deg: FloatArray
    loss_db: FloatArray
    antenna_db: FloatArray
    is_sight: BoolArray

    def downlink_dbm(self, link: AirLink) -> FloatArray:
        """Return the power of each cell at the drone."""
        return link.eirp_dbm - self.antenna_db - self.loss_db


def antenna_loss_db(elevation_deg: FloatArray, link: AirLink) -> FloatArray:
    """Return what a mast that looks down loses towards an elevation seen from it, against its axis.

    >>> antenna_loss_db(np.array([-6.0, 4.0, 60.0]), AirLink()).round(1).tolist()
    [3.4, 15.4, 23.4]
    """
    off = (elevation_deg + link.tilt_deg) / link.beam_deg
    return link.sector_db + np.minimum(12.0 * off**2, link.side_lobe_db)


def views(
    raster: Raster | None, network: AirNetwork, lonlat: FloatArray, ground_m: FloatArray, above_m: FloatArray, *,
    link: AirLink,
) -> Views:  # fmt: skip
    """Return what points (p, 2), ``above_m`` (p,) over their ground, see of their nearest cells within reach."""
    n, m = len(lonlat), len(network.site_id)
    k = min(link.n_candidates, m)
    if not n or not k:
        none = np.full((n, 1), np.inf)
        return Views(np.full((n, 1), -1), none, np.zeros((n, 1)), none, np.zeros((n, 1)), np.zeros((n, 1), np.bool_))
    _, index = network.tree.query(unit_vectors(*lonlat.T), k=k)
    site = np.sort(np.reshape(index, (n, k)).astype(np.int64), axis=1)  # ties by number, whatever the tree's order
    far = great_circle_km(lonlat[:, :1], lonlat[:, 1:], network.lon_deg[site], network.lat_deg[site])
    is_near = far <= link.reach_km
    row, column = np.nonzero(is_near)
    cells = site[row, column]
    ends = _Ends(
        np.stack([network.lon_deg[cells], network.lat_deg[cells]], axis=1), lonlat[row], far[row, column],
        ground_m[row], above_m[row],
    )  # fmt: skip
    loss, elevation = np.full((n, k), np.inf), np.zeros((n, k))
    sight = np.zeros((n, k), np.bool_)
    loss[row, column], elevation[row, column], sight[row, column] = _paths(raster, ends, link)
    return Views(np.where(is_near, site, -1), far, elevation, loss, antenna_loss_db(elevation, link), sight)


class _Ends(NamedTuple):
    """Ends of (q,) paths: mast and drone (q, 2), length, ground under the drone and its height above that."""

    base: FloatArray
    drone: FloatArray
    km: FloatArray
    ground: FloatArray
    above: FloatArray


def _paths(raster: Raster | None, ends: _Ends, link: AirLink) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return loss, elevation of the drone seen from the mast, and sight of (q,) paths."""
    base, drone, km, ground, above = ends
    loss, foot, sight = np.zeros(km.size), np.zeros(km.size), np.ones(km.size, np.bool_)
    rank = np.zeros(km.size, np.int64)
    if raster is not None:
        rank = np.minimum(np.searchsorted(PIECES, km * METRES_PER_KM / raster.spacing_m), len(PIECES) - 1)
    for number in np.unique(rank).tolist():
        some = np.flatnonzero(rank == number)
        share = np.linspace(0.0, 1.0, PIECES[number] + 1)
        at = base[some, None] + share[:, None] * (drone[some] - base[some])[:, None]
        height = np.zeros(at.shape[:2]) if raster is None else heights(raster, at[..., 0], at[..., 1])
        height[:, -1] = ground[some]
        along = share * np.maximum(km[some], MIN_PATH_KM)[:, None]
        foot[some], sight[some] = height[:, 0], _is_clear(along, height, above[some], link)
        loss[some] = _p1812(along, height, above[some], drone[some, 1], link)
    up = (ground + above - foot - link.mast_m) / METRES_PER_KM
    drop = km**2 / (2.0 * K_FACTOR * EARTH_RADIUS_KM)
    elevation = np.degrees(np.arctan2(up - drop, np.maximum(km, 1e-3)))
    slant = np.maximum(np.hypot(km, up), 1e-3)
    loss = np.where(km < MIN_PATH_KM, free_space_db(slant, link.frequency_ghz), loss)
    return loss + _houses_db(km, above, link), elevation, sight


def heights(raster: Raster, lon: FloatArray, lat: FloatArray) -> FloatArray:
    """Return the ground at points of any shape; beyond the grid that of its rim, voids at sea level."""
    inside_lon = np.clip(lon, raster.west_deg + 1e-9, raster.east_deg - 1e-9)
    inside_lat = np.clip(lat, raster.south_deg + 1e-9, raster.north_deg - 1e-9)
    return np.nan_to_num(raster.sample(inside_lon, inside_lat), nan=0.0)


def _is_clear(along: FloatArray, height: FloatArray, above: FloatArray, link: AirLink) -> BoolArray:
    """Return whether the straight ray clears the ground bent by 4/3 of the earth's radius."""
    whole = along[:, -1:]
    start, end = height[:, :1] + link.mast_m, (height[:, -1] + above)[:, None]
    bulge = along * (whole - along) / (2.0 * K_FACTOR * EARTH_RADIUS_KM) * METRES_PER_KM
    ray = start + (end - start) * along / whole
    return np.asarray((ray - height - bulge)[:, 1:-1].min(axis=1) > 0.0)


def _p1812(along: FloatArray, height: FloatArray, above: FloatArray, lat: FloatArray, link: AirLink) -> FloatArray:
    n, m = along.shape
    inputs = np.full((n, p1812.N_INPUTS), -1.0)  # negative: the kernel works it out
    for column, value in (
        (p1812.FREQUENCY, link.frequency_ghz), (p1812.TX_HEIGHT, link.mast_m), (p1812.TIME, MEDIAN_PCT),
        (p1812.LOCATION, MEDIAN_PCT), (p1812.DELTA_N, DELTA_N), (p1812.N0, SEA_LEVEL_N), (p1812.IS_VERTICAL, 1.0),
        (p1812.RESOLUTION, RESOLUTION_M),
    ):  # fmt: skip
        inputs[:, column] = value
    inputs[:, p1812.RX_HEIGHT], inputs[:, p1812.LATITUDE] = above, lat
    loss = np.empty(n)
    offset = np.arange(n + 1, dtype=np.int64) * m
    p1812_path.batch_loss(
        np.ravel(along).copy(), np.ravel(height).copy(), np.zeros(n * m), NO_ZONE, offset, 0, n, inputs, loss
    )
    return loss


def _houses_db(km: FloatArray, above: FloatArray, link: AirLink) -> FloatArray:
    """Return the mean loss by houses and trees, in whole tens of metres of height (TR 36.777 annex B)."""
    step = np.clip(np.floor(above / 10.0) * 10.0, 10.0, TOP_M)
    found = np.zeros(km.size)
    for height in np.unique(step).tolist():
        here = step == height
        sight = aerial_sight_frac(link.scenario, km[here], height)
        far = np.maximum(km[here], NEAREST_KM)
        line, hidden = (
            aerial_loss_db(link.scenario, far, link.frequency_ghz, link.mast_m, height, is_line_of_sight=is_it)
            for is_it in (True, False)
        )
        found[here] = (1.0 - sight) * np.maximum(hidden - line, 0.0)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Service:
    """What (p,) points get: serving and second cell (-1: none), powers, ratios, margins, rate, sight, hand-overs."""

    site: IntArray
    second: IntArray
    power_dbm: FloatArray
    second_dbm: FloatArray
    distance_km: FloatArray
    sinr_db: FloatArray
    control_margin_db: FloatArray
    video_mbps: FloatArray
    is_sight: BoolArray
    is_handover: BoolArray


def service(seen: Views, network: AirNetwork, link: AirLink) -> Service:
    """Return what a drone gets that flies the points in order and changes cell by the stated hysteresis.

    Cells of the serving cell's operator disturb it by their load; the modem uses the cells of every operator.
    """
    power = seen.downlink_dbm(link)
    column, handover = _serving(power, seen.site, link.hysteresis_db)
    row = np.arange(len(power))
    site, best = seen.site[row, column], power[row, column]
    others = power.copy()
    others[row, column] = -np.inf
    next_best = np.argmax(others, axis=1)
    known = np.maximum(seen.site, 0)
    load = network.load_frac[known] if len(network.site_id) else np.zeros(known.shape)
    owner = network.operator[known] if len(network.site_id) else known
    is_same = owner == owner[row, column][:, None]
    disturbing = np.where(is_same, load * 10.0 ** (others / 10.0), 0.0).sum(axis=1)
    noise = 10.0 ** (noise_dbm(link.bandwidth_mhz, link.drone_noise_db) / 10.0)
    sinr = best - 10.0 * np.log10(noise + disturbing)
    received = link.drone_dbm + link.base_gain_dbi - (seen.antenna_db + seen.loss_db)[row, column] - link.uplink_rise_db
    free = np.maximum(1.0 - link.uplink_load_ratio * load[row, column], link.least_share_frac)
    width = np.maximum(free * link.bandwidth_mhz, LEAST_WIDTH)
    video_snr = received - noise_dbm(1.0, link.base_noise_db) - 10.0 * np.log10(width)
    rate = spectral_efficiency_bps_per_hz(video_snr, UPLINK_ATTENUATION, max_bps_per_hz=UPLINK_MAX_BPS_PER_HZ)
    control_snr = received - noise_dbm(CONTROL_MHZ, link.base_noise_db)
    margin = np.minimum(sinr, control_snr) - link.min_snr_db
    return Service(
        site, np.where(np.isfinite(others[row, next_best]), seen.site[row, next_best], -1), best,
        others[row, next_best], seen.distance_km[row, column], sinr, margin, rate * width,
        seen.is_sight[row, column], handover,
    )  # fmt: skip


def _serving(power: FloatArray, site: IntArray, hysteresis_db: float) -> tuple[IntArray, BoolArray]:
    """Return the column of the serving cell of each point in order, and where it changed from another cell."""
    best = np.argmax(power, axis=1)
    chosen, changed, held = best.copy(), np.zeros(len(best), np.bool_), -1
    for i in range(len(best)):
        own = np.flatnonzero(site[i] == held) if held >= 0 else np.zeros(0, np.int64)
        if own.size and power[i, own[0]] + hysteresis_db >= power[i, best[i]]:
            chosen[i] = own[0]
        elif site[i, best[i]] >= 0:
            changed[i] = held >= 0
        held = int(site[i, chosen[i]])
    return chosen, changed


__all__ = ["AirLink", "AirNetwork", "Service", "Views", "antenna_loss_db", "heights", "service", "views"]
