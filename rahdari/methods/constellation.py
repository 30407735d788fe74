"""Sets of satellites: mean elements for SGP4, circular orbits of filed shells, and slots over the equator.

Every kind gives positions and velocities in TEME, the frame of SGP4 (true equator, mean equinox of date), so that all
pass the same way to the ground.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods.dop import EARTH_MU_KM3_S2, EARTH_TURN_RAD_S
from rahdari.methods.points import SEMI_MAJOR_KM
from rahdari.methods.sidereal import JULIAN_1970, earth_angle_rad

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    TimeArray = NDArray[np.datetime64]

DAY_S = 86_400.0
J2 = 1.08262668e-3  # WGS 84
#: Radians a minute over turns a day, divided as the published SGP4 does: the last bit counts in extreme orbits.
TURNS_PER_DAY = 1440.0 / (2.0 * np.pi)
GEO_RADIUS_KM = 42_164.17  # one turn a sidereal day: (EARTH_MU / EARTH_TURN^2)^(1/3)
JULIAN_1949 = 2_433_281.5  # 1949-12-31T00:00, from which SGP4 counts days
WGS72_MU_KM3_S2, WGS72_RADIUS_KM = 398_600.8, 6378.135  # of SGP4; Hoots and Roehrich, Spacetrack report 3, 1980
#: What SGP4's error codes say; Vallado et al., AIAA 2006-6753.
SGP4_ERRORS = {
    1: "its mean eccentricity leaves the range of an orbit",
    2: "its mean motion falls below zero",
    3: "its perturbed eccentricity leaves the range of an orbit",
    4: "its semi-latus rectum falls below zero",
    5: "it is below the ground at its epoch",
    6: "it has decayed",
}


class Orbits(Protocol):
    """What every kind of orbit gives for its (n,) satellites."""

    @property
    def n_satellites(self) -> int:
        """Return n."""
        ...

    @property
    def age_reference(self) -> TimeArray | None:
        """Return (n,) epochs whose age matters, or ``None`` where elements do not age."""
        ...

    def states(self, day_jd: FloatArray, day_frac: FloatArray, of: IntArray | None) -> tuple[FloatArray, FloatArray]:
        """Return TEME positions, km, and velocities, km/s, both (n, t, 3), NaN where there is none.

        Times are whole Julian days ending in .5 and shares of the day, UTC; ``of`` picks satellites by index.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class MeanElements:
    """(n,) mean elements as TLE and OMM carry them, for SGP4 with the constants of WGS 72.

    Epochs are whole days since 1949-12-31 and shares of the day, UTC.  ``drag_bstar`` is per Earth radius.  SGP4 does
    not use the derivatives of the mean motion, so they are not kept.
    """

    epoch_day: FloatArray
    epoch_frac: FloatArray
    motion_per_day: FloatArray
    eccentricity_ratio: FloatArray
    inclination_deg: FloatArray
    node_deg: FloatArray
    perigee_deg: FloatArray
    anomaly_deg: FloatArray
    drag_bstar: FloatArray
    _records: tuple[Any, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Start SGP4 for every satellite."""
        object.__setattr__(self, "_records", tuple(self._record(i) for i in range(self.epoch_day.size)))

    def _columns(self) -> tuple[FloatArray, ...]:
        return (
            self.epoch_day, self.epoch_frac, self.motion_per_day, self.eccentricity_ratio, self.inclination_deg,
            self.node_deg, self.perigee_deg, self.anomaly_deg, self.drag_bstar,
        )  # fmt: skip

    def __reduce__(self) -> tuple[type[MeanElements], tuple[FloatArray, ...]]:
        """Return what rebuilds it: the started satellites of the package sgp4 cannot be pickled."""
        return MeanElements, self._columns()

    def _record(self, i: int) -> Any:  # noqa: ANN401  # sgp4 ships no annotations
        from sgp4.api import WGS72, Satrec

        day, frac, motion, eccentricity, *angles, bstar = (float(column[i]) for column in self._columns())
        inclination, node, perigee, anomaly = np.radians(angles).tolist()
        record = Satrec()
        record.sgp4init(
            WGS72, "i", 0, (JULIAN_1949 + day + frac) - JULIAN_1949, bstar, 0.0, 0.0, eccentricity, perigee,
            inclination, anomaly, motion / TURNS_PER_DAY, node,
        )  # fmt: skip
        # The epoch of the start is rounded as the published SGP4 rounds it; the one of the clock keeps every digit.
        record.jdsatepoch, record.jdsatepochF = JULIAN_1949 + day, frac
        return record

    @property
    def n_satellites(self) -> int:
        """Return the number of satellites."""
        return len(self._records)

    @property
    def axis_km(self) -> FloatArray:
        """Return (n,) mean semi-major axes, km, from the mean motion of the elements."""
        rate = self.motion_per_day * (2.0 * np.pi / DAY_S)
        return np.cbrt(WGS72_MU_KM3_S2 / (rate * rate))

    @property
    def mean_height_km(self) -> FloatArray:
        """Return (n,) heights of a circle of the semi-major axis over the equator's radius, km."""
        return self.axis_km - WGS72_RADIUS_KM

    @property
    def epoch_utc(self) -> TimeArray:
        """Return (n,) epochs to the microsecond."""
        days = (self.epoch_day + (JULIAN_1949 - JULIAN_1970)).astype(np.int64)
        micro = np.rint(self.epoch_frac * DAY_S * 1e6).astype(np.int64)
        return (days * int(DAY_S * 1e6) + micro).view("datetime64[us]")

    @property
    def age_reference(self) -> TimeArray:
        """Return the epochs: elements age."""
        return self.epoch_utc

    def codes_at_epoch(self) -> NDArray[np.int64]:
        """Return (n,) SGP4 error codes of each satellite at its own epoch, 0 for none; see :data:`SGP4_ERRORS`."""
        return np.array([record.sgp4_tsince(0.0)[0] for record in self._records], np.int64)

    def _run(self, day_jd: FloatArray, day_frac: FloatArray, of: IntArray | None) -> tuple[Any, Any, Any]:
        from sgp4.api import SatrecArray

        records = self._records if of is None else [self._records[i] for i in of.tolist()]
        if not len(records) or not day_jd.size:
            shape = (len(records), day_jd.size)
            return np.zeros(shape, np.uint8), np.zeros((*shape, 3)), np.zeros((*shape, 3))
        error, position, velocity = SatrecArray(records).sgp4(day_jd, day_frac)
        return error, position, velocity

    def states(self, day_jd: FloatArray, day_frac: FloatArray, of: IntArray | None) -> tuple[FloatArray, FloatArray]:
        """Return TEME positions and velocities; NaN where SGP4 answers with an error."""
        error, position, velocity = self._run(day_jd, day_frac, of)
        if error.any():
            position[error != 0], velocity[error != 0] = np.nan, np.nan
        return position, velocity


@dataclass(frozen=True, slots=True, eq=False)
class CircularOrbits:
    """(n,) circular orbits that turn as two bodies and drift with J2: node and argument of latitude, secular only.

    Left out: drag, short-period terms (some 10 km in a low orbit, 0.1 degrees from the Earth's centre), the moon and
    the sun.  Real fleets hold their slots against these; a filing says no more than a slot.  Nodes are right
    ascensions at the epoch.  ``plane`` and ``slot`` count from 0.
    """

    radius_km: FloatArray
    inclination_deg: FloatArray
    node_deg: FloatArray
    argument_deg: FloatArray
    plane: IntArray
    slot: IntArray
    epoch_utc: np.datetime64

    @property
    def n_satellites(self) -> int:
        """Return the number of satellites."""
        return int(self.radius_km.size)

    @property
    def age_reference(self) -> None:
        """Return nothing: a filing does not age."""
        return

    def rates_rad_s(self) -> tuple[FloatArray, FloatArray]:
        """Return (n,) rates of the argument of latitude and of the node under J2.

        Vallado, Fundamentals of astrodynamics, 4th edition, section 9.6, with no eccentricity.
        """
        rate = np.sqrt(EARTH_MU_KM3_S2 / self.radius_km**3)
        cosine = np.cos(np.radians(self.inclination_deg))
        share = 1.5 * J2 * (SEMI_MAJOR_KM / self.radius_km) ** 2
        return np.asarray(rate * (1.0 + share * (4.0 * cosine**2 - 1.0))), np.asarray(-rate * share * cosine)

    def states(self, day_jd: FloatArray, day_frac: FloatArray, of: IntArray | None) -> tuple[FloatArray, FloatArray]:
        """Return TEME positions and velocities."""
        pick = slice(None) if of is None else of
        turn, drift = (rate[pick, None] for rate in self.rates_rad_s())
        start = (self.epoch_utc - np.datetime64("1970-01-01")) / np.timedelta64(1, "us") / 1e6
        time_s = ((day_jd - JULIAN_1970) * DAY_S - start) + day_frac * DAY_S
        u = np.radians(self.argument_deg[pick, None]) + turn * time_s[None]
        node = np.radians(self.node_deg[pick, None]) + drift * time_s[None]
        i, radius = np.radians(self.inclination_deg[pick, None]), self.radius_km[pick, None]
        cos_u, sin_u, cos_n, sin_n = np.cos(u), np.sin(u), np.cos(node), np.sin(node)
        cos_i, sin_i = np.cos(i), np.sin(i)
        position = np.stack(
            [cos_n * cos_u - sin_n * sin_u * cos_i, sin_n * cos_u + cos_n * sin_u * cos_i, sin_u * sin_i], -1
        )
        along = np.stack(
            [-cos_n * sin_u - sin_n * cos_u * cos_i, -sin_n * sin_u + cos_n * cos_u * cos_i, cos_u * sin_i], -1
        )
        across = np.stack([-position[..., 1], position[..., 0], np.zeros_like(u)], -1)
        size = radius[..., None]
        return position * size, (along * turn[..., None] + across * drift[..., None]) * size


@dataclass(frozen=True, slots=True, eq=False)
class Slots:
    """(n,) satellites that stand over the equator; station keeping holds them within 0.1 degrees, taken as exact."""

    lon_deg: FloatArray

    @property
    def n_satellites(self) -> int:
        """Return the number of satellites."""
        return int(self.lon_deg.size)

    @property
    def age_reference(self) -> None:
        """Return nothing: a slot does not age."""
        return

    def states(self, day_jd: FloatArray, day_frac: FloatArray, of: IntArray | None) -> tuple[FloatArray, FloatArray]:
        """Return TEME positions and velocities."""
        lon = np.radians(self.lon_deg if of is None else self.lon_deg[of])
        angle = lon[:, None] + earth_angle_rad(day_jd, day_frac)[None]
        cosine, sine, zero = np.cos(angle), np.sin(angle), np.zeros_like(angle)
        position = GEO_RADIUS_KM * np.stack([cosine, sine, zero], axis=-1)
        velocity = GEO_RADIUS_KM * EARTH_TURN_RAD_S * np.stack([-sine, cosine, zero], axis=-1)
        return position, velocity


@dataclass(frozen=True, slots=True, eq=False)
class Constellation:
    """A named set of satellites, in the order of their ids; every index of a satellite counts in this order.

    ``satellite_id`` is (n,): catalogue numbers, or running numbers of a filing.  ``warnings`` says in sentences what
    was left out or looks doubtful, and ``n_skipped`` how many records of a file were left out.
    """

    name: str
    satellite_id: IntArray
    satellite_name: tuple[str, ...]
    orbits: MeanElements | CircularOrbits | Slots
    warnings: tuple[str, ...] = ()
    n_skipped: int = 0

    def __len__(self) -> int:
        """Return the number of satellites."""
        return self.orbits.n_satellites

    @property
    def epoch_utc(self) -> TimeArray | None:
        """Return (n,) epochs of the elements, or ``None`` for filings and slots."""
        return self.orbits.age_reference


def walker_shell(
    name: str,
    n_planes: int,
    n_per_plane: int,
    *,
    altitude_km: float,
    inclination_deg: float,
    phasing: int = 0,
    is_star: bool = False,
    epoch_utc: str = "2000-01-01T12:00:00",
) -> Constellation:
    """Return a Walker pattern of circular orbits: a delta over 360 degrees of nodes, or a star over 180.

    Satellite ids run from 1 through the first plane, then the second.  A satellite of the next plane runs
    ``phasing`` * 360 / n ahead.  Altitude is above the equator's radius.  Raises :class:`InputError`.

    >>> len(walker_shell("shell", 72, 22, altitude_km=550.0, inclination_deg=53.0, phasing=1))
    1584
    """
    problems = []
    if n_planes < 1 or n_per_plane < 1:
        problems.append(Problem(f"{n_planes} planes of {n_per_plane} are no shell", "give at least one of each"))
    if not 100.0 <= altitude_km <= 100_000.0:  # noqa: PLR2004  # below air brakes at once, above the moon rules
        problems.append(Problem(f"{altitude_km:g} km is no altitude of an orbit", "give km between 100 and 100,000"))
    if not 0.0 <= inclination_deg <= 180.0:  # noqa: PLR2004
        problems.append(Problem(f"{inclination_deg:g} is no inclination", "give degrees between 0 and 180"))
    raise_if_any(problems)
    n = n_planes * n_per_plane
    plane, slot = np.divmod(np.arange(n), n_per_plane)
    orbits = CircularOrbits(
        radius_km=np.full(n, SEMI_MAJOR_KM + altitude_km),
        inclination_deg=np.full(n, float(inclination_deg)),
        node_deg=(180.0 if is_star else 360.0) / n_planes * plane,
        argument_deg=360.0 / n_per_plane * slot + 360.0 * phasing / n * plane,
        plane=plane,
        slot=slot,
        epoch_utc=np.datetime64(epoch_utc, "us"),
    )
    names = tuple(f"{name}-{p + 1:03d}-{s + 1:03d}" for p, s in zip(plane.tolist(), slot.tolist(), strict=True))
    return Constellation(name, np.arange(1, n + 1), names, orbits)


def geo_slots(name: str, longitudes_deg: dict[str, float]) -> Constellation:
    """Return satellites that stand over the equator, by name; ids run from 1 in the order of the names.

    >>> geo_slots("PakSat", {"PakSat-MM1": 38.2}).satellite_name
    ('PakSat-MM1',)
    """
    if not longitudes_deg:
        raise InputError(Problem(f"{name} has no satellites", "give at least one name with its longitude"))
    names = sorted(longitudes_deg)
    lon = np.array([longitudes_deg[key] for key in names], np.float64)
    if not (np.abs(lon) <= 360.0).all():  # noqa: PLR2004
        raise InputError(Problem(f"{name} has a slot outside 360 degrees", "give longitudes in degrees east"))
    return Constellation(name, np.arange(1, len(names) + 1), tuple(names), Slots(lon))


def joined(name: str, shells: list[Constellation]) -> Constellation:
    """Return the shells of one filing as one set; ids run on, planes too.  Only circular orbits can be joined."""
    parts = [shell.orbits for shell in shells if isinstance(shell.orbits, CircularOrbits)]
    if not parts or len(parts) != len(shells) or len({part.epoch_utc for part in parts}) != 1:
        raise InputError(Problem(f"the shells of {name} cannot be joined", "give Walker shells of one epoch"))
    first = np.cumsum([0, *(int(part.plane.max()) + 1 for part in parts[:-1])])
    columns = {
        key: np.concatenate([getattr(part, key) for part in parts])
        for key in ("radius_km", "inclination_deg", "node_deg", "argument_deg", "slot")
    }
    plane = np.concatenate([part.plane + start for part, start in zip(parts, first, strict=True)])
    orbits = CircularOrbits(**columns, plane=plane, epoch_utc=parts[0].epoch_utc)
    names = tuple(item for shell in shells for item in shell.satellite_name)
    return Constellation(name, np.arange(1, len(names) + 1), names, orbits)
