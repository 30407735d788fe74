"""Where navigation satellites are, from what they broadcast.

GPS, Galileo and BeiDou: the user algorithm of IS-GPS-200 (table 20-IV), Galileo OS SIS ICD 2.0 (section 5.1.1) and
BDS-SIS-ICD-B1I-3.0 (table 5-11, with its rule for geostationary satellites), each with its own constants.  GLONASS:
its state, carried on by the fourth-order Runge-Kutta rule through the equations of ICD L1, L2 5.1 (2008, A.3.1.2).
PZ-90.11 and WGS 84 differ by centimetres and are taken as one.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rahdari.methods.broadcast_records import KeplerRecords, StateRecords
from rahdari.methods.gnss_time import gps_seconds
from rahdari.methods.sidereal import utc_times

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    from rahdari.methods.broadcast_records import Navigation

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    BoolArray = NDArray[np.bool_]

M_PER_KM = 1000.0
KEPLER_ROUNDS = 12  # Newton's steps on Kepler's equation; four reach rounding at the eccentricities flown
GEO_NUMBERS = frozenset({*range(1, 6), *range(59, 64)})  # BeiDou's geostationary satellites, BDS-SIS-ICD-B1I-3.0, 4.3
GEO_TILT_RAD = np.radians(-5.0)  # same, table 5-11: the frame of their elements is tilted
# PZ-90.11, ICD L1, L2 5.1 and PZ-90.11 reference document: km3/s2, km, second zonal harmonic, rad/s.
PZ90_MU, PZ90_RADIUS_KM, PZ90_J2, PZ90_TURN = 398_600.4418, 6378.136, 1.0826257e-3, 7.292115e-5
STEP_S = 60.0  # of integration: errs by less than a centimetre in half an hour


class _Constants(NamedTuple):
    """Gravity in m3/s2, the earth's turn in rad/s, and the age in seconds beyond which elements do not serve."""

    mu: float
    turn: float
    limit_s: float


#: IS-GPS-200 (fit interval of four hours about the epoch); Galileo SDD 1.3 (four hours); BeiDou: renewed every hour,
#: two hours taken (BDS-OS-PS-3.0 gives the accuracy of records up to that age).
CONSTANTS: Mapping[str, _Constants] = MappingProxyType(
    {
        "G": _Constants(3.986005e14, 7.2921151467e-5, 7200.0),
        "E": _Constants(3.986004418e14, 7.2921151467e-5, 14_400.0),
        "C": _Constants(3.986004418e14, 7.2921150e-5, 7200.0),
    }
)
STATE_LIMIT_S = 1800.0  # GLONASS renews every half hour, each record centred; one lost record may be bridged


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Positions of (s,) satellites at (t,) times, earth-centred and earth-fixed.

    ``ecef_km`` (t, s, 3) is NaN where a satellite is absent: ``is_unhealthy`` (t, s) tells those that say so
    themselves; the others have no valid record.  ``accuracy_m`` (t, s) is the stated accuracy of ranging and ``age_s``
    (t, s) the time from the elements' epoch, NaN where unknown.  ``satellite`` are names such as ``C19``.
    """

    satellite: tuple[str, ...]
    ecef_km: FloatArray
    is_unhealthy: BoolArray
    accuracy_m: FloatArray
    age_s: FloatArray

    @property
    def n_absent(self) -> IntArray:
        """Return (t,) how many satellites have no position, unhealthy ones among them."""
        return np.asarray(np.isnan(self.ecef_km[..., 0]).sum(axis=1), np.int64)


def track(
    navigation: Navigation,
    times_utc: ArrayLike,
    *,
    limit_s: Mapping[str, float] | None = None,
    use_unhealthy: bool = False,
) -> Track:
    """Return where the satellites of a navigation file are.

    For each moment the record nearest in time counts; among equally near ones the earlier, and of one epoch the first
    sent.  Where it says that the
    satellite is unhealthy, or lies further off than the system's limit, the satellite is absent, as an older healthy
    record must not speak for it.  ``limit_s`` changes the limit of a system by its letter.
    Errors: about a metre in the middle of a record's validity, several at its ends.
    """
    limits = {letter: constants.limit_s for letter, constants in CONSTANTS.items()} | {"R": STATE_LIMIT_S}
    limits |= limit_s or {}
    times = utc_times(times_utc)
    seconds = gps_seconds(times)
    names, parts = [], []
    for letter, records in sorted(navigation.systems.items()):
        numbers = np.unique(records.satellite)
        chosen = _nearest(records, numbers, seconds, limits[letter])
        names += [f"{letter}{number:02d}" for number in numbers]
        parts.append(_placed(letter, records, chosen, seconds, use_unhealthy=use_unhealthy))
    if not parts:
        none = np.zeros((times.size, 0))
        return Track((), none[..., None].repeat(3, axis=2), none.astype(bool), none, none)
    return Track(tuple(names), *(np.concatenate(columns, axis=1) for columns in zip(*parts, strict=True)))


def _nearest(records: KeplerRecords | StateRecords, numbers: IntArray, seconds: FloatArray, limit_s: float) -> IntArray:
    """Return (t, s) the row of the record to use, -1 for none; a second message serves only where the first is late."""
    chosen = np.full((seconds.size, numbers.size), -1, np.int64)
    for column, number in enumerate(numbers):
        rows = np.flatnonzero(records.satellite == number)
        for preference in np.unique(records.preference[rows]):
            mine = rows[records.preference[rows] == preference]
            epochs = records.epoch_gps_s[mine]
            after = np.searchsorted(epochs, seconds, side="right")
            before = np.where(after > 0, after - 1, 0)
            before = np.searchsorted(epochs, epochs[before])  # the first of one epoch
            after = np.where(after < epochs.size, after, before)
            is_before = np.abs(seconds - epochs[before]) <= np.abs(epochs[after] - seconds)
            at = np.where(is_before, before, after)
            is_free = (chosen[:, column] < 0) & (np.abs(epochs[at] - seconds) <= limit_s)
            chosen[is_free, column] = mine[at[is_free]]
    return chosen


def _placed(
    letter: str, records: KeplerRecords | StateRecords, chosen: IntArray, seconds: FloatArray, *, use_unhealthy: bool
) -> tuple[FloatArray, BoolArray, FloatArray, FloatArray]:
    """Return positions (t, s, 3), whether unhealthy, accuracy and age (t, s) of the chosen records."""
    has_record = chosen >= 0
    is_unhealthy = has_record & ~records.is_healthy[chosen]
    at, _ = np.nonzero(has_record)
    rows = chosen[has_record]
    used = records.take(rows)
    at_s = seconds[at]
    place = kepler_km(letter, used, at_s) if isinstance(used, KeplerRecords) else glonass_km(used, at_s)
    ecef = np.full((*chosen.shape, 3), np.nan)
    ecef[has_record] = place
    accuracy, age = np.full(chosen.shape, np.nan), np.full(chosen.shape, np.nan)
    accuracy[has_record] = used.accuracy_m
    age[has_record] = at_s - used.epoch_gps_s
    if not use_unhealthy:
        ecef[is_unhealthy] = np.nan
    return ecef, is_unhealthy, accuracy, age


def kepler_km(letter: str, records: KeplerRecords, gps_s: FloatArray) -> FloatArray:
    """Return (n, 3) earth-fixed positions in km of (n,) records, each at its own moment in GPS time."""
    constants = CONSTANTS[letter]
    root, e, tilt, node, perigee, anomaly, rate, tilt_rate, node_rate = records.elements.T[:9]
    cuc, cus, crc, crs, cic, cis = records.elements.T[9:]
    t = gps_s - records.epoch_gps_s
    axis = root * root
    mean = anomaly + (np.sqrt(constants.mu / axis**3) + rate) * t
    eccentric = mean.copy()
    for _ in range(KEPLER_ROUNDS):
        eccentric -= (eccentric - e * np.sin(eccentric) - mean) / (1.0 - e * np.cos(eccentric))
    true = np.arctan2(np.sqrt(1.0 - e * e) * np.sin(eccentric), np.cos(eccentric) - e)
    latitude = true + perigee
    twice, also = np.cos(2.0 * latitude), np.sin(2.0 * latitude)
    u = latitude + cus * also + cuc * twice
    radius = axis * (1.0 - e * np.cos(eccentric)) + crs * also + crc * twice
    i = tilt + cis * also + cic * twice + tilt_rate * t
    x, y = radius * np.cos(u), radius * np.sin(u)
    is_geo = np.isin(records.satellite, sorted(GEO_NUMBERS)) if letter == "C" else np.zeros(t.size, bool)
    turned = np.where(is_geo, 0.0, constants.turn * t)
    longitude = node + node_rate * t - turned - constants.turn * records.week_s
    ahead = x * np.cos(longitude) - y * np.cos(i) * np.sin(longitude)
    aside = x * np.sin(longitude) + y * np.cos(i) * np.cos(longitude)
    place = np.stack([ahead, aside, y * np.sin(i)], axis=-1) / M_PER_KM
    place[is_geo] = _untilted(place[is_geo], constants.turn * t[is_geo])
    return place


def _untilted(place: FloatArray, angle: FloatArray) -> FloatArray:
    """Return (n, 3) geostationary positions turned about x by the tilt and about z by (n,) angles."""
    x, y, z = place.T
    c, s = np.cos(GEO_TILT_RAD), np.sin(GEO_TILT_RAD)
    y, z = c * y + s * z, c * z - s * y
    c, s = np.cos(angle), np.sin(angle)
    return np.stack([c * x + s * y, c * y - s * x, z], axis=-1)


def _derivative(state: FloatArray, push: FloatArray) -> FloatArray:
    """Return the time derivative (n, 6) of positions and velocities in the turning frame, with (n, 3) pushes."""
    place, speed = state[:, :3], state[:, 3:]
    r2 = (place * place).sum(axis=1, keepdims=True)
    pull = PZ90_MU / (r2 * np.sqrt(r2))
    flat = 1.5 * PZ90_J2 * PZ90_RADIUS_KM**2 / r2
    high = 5.0 * place[:, 2:] ** 2 / r2
    gain = -pull * (1.0 + flat * (1.0 - high))
    x = gain[:, 0] * place[:, 0] + PZ90_TURN**2 * place[:, 0] + 2.0 * PZ90_TURN * speed[:, 1]
    y = gain[:, 0] * place[:, 1] + PZ90_TURN**2 * place[:, 1] - 2.0 * PZ90_TURN * speed[:, 0]
    z = (-pull * (1.0 + flat * (3.0 - high)))[:, 0] * place[:, 2]
    return np.concatenate([speed, np.stack([x, y, z], axis=1) + push], axis=1)


def glonass_km(records: StateRecords, gps_s: FloatArray) -> FloatArray:
    """Return (n, 3) earth-fixed positions in km of (n,) states carried to (n,) moments in GPS time."""
    t = gps_s - records.epoch_gps_s
    n_steps = int(np.ceil(np.abs(t).max(initial=0.0) / STEP_S))
    state, push = records.state[:, :6].copy(), records.state[:, 6:]
    h = (t / max(n_steps, 1))[:, None]
    for _ in range(n_steps):
        k1 = _derivative(state, push)
        k2 = _derivative(state + 0.5 * h * k1, push)
        k3 = _derivative(state + 0.5 * h * k2, push)
        k4 = _derivative(state + h * k3, push)
        state += h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
    return np.asarray(state[:, :3])
