"""Services that make satellite navigation better from geostationary satellites, and where they can be received.

Two things are asked apart, as a signal in view is no service: whether a satellite of the service clears mask and
terrain, and whether the operator offers the service there.  Corrections reach beyond the area they are computed for,
but their ionosphere does not, and nobody vouches for them.

Longitudes: positions broadcast on 12 March 2023 (merged file of DLR, doi 10.57677/BRD400DLR) for BDSBAS, GAGAN and
EGNOS, rounded to half a degree; others by the source stated.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rahdari.errors import InputError, Problem
from rahdari.methods.constellation import GEO_RADIUS_KM
from rahdari.methods.points import points_of
from rahdari.methods.satellite_dop import look

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from rahdari.methods.points import Places

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    BoolArray = NDArray[np.bool_]

ANY_TIME = np.datetime64("2026-01-01T00:00:00", "us")  # geostationary satellites stand still
FULL_TURN_DEG = 360.0


class Box(NamedTuple):
    """An area between meridians and parallels, degrees; west is less than east."""

    west_deg: float
    south_deg: float
    east_deg: float
    north_deg: float


@dataclass(frozen=True, slots=True)
class AugmentationService:
    """A service from geostationary satellites: their longitudes by name, and where the operator offers it.

    ``box`` holds where an area is stated in degrees; else ``countries`` (ISO 3166) that the stated area covers.
    ``status`` is operational, testing or announced.
    """

    service_id: str
    name: str
    kind: str
    satellites: Mapping[str, float]
    area: str
    status: str
    source: str
    box: Box | None = None
    countries: tuple[str, ...] = ()


_CHINA = Box(75.0, 10.0, 135.0, 55.0)
_BEIDOU = MappingProxyType({"C59": 140.0, "C60": 80.0, "C61": 110.5})
SERVICES: tuple[AugmentationService, ...] = (
    AugmentationService(
        "ppp_b2b", "BeiDou PPP-B2b", "precise point positioning", _BEIDOU,
        "China and surrounding areas, taken as 75-135 E, 10-55 N", "operational",
        "BDS-SIS-ICD-PPP-B2b-1.0 (2020) and BDS-OS-PS-3.0 (2021); the box is assumed from the regional services there",
        box=_CHINA,
    ),
    AugmentationService(
        "bdsbas", "BDSBAS", "SBAS", _BEIDOU, "China and surrounding areas, taken as 75-135 E, 10-55 N", "testing",
        "Satellite Navigation 3, 2022, doi 10.1186/s43020-022-00066-2; the box is assumed", box=_CHINA,
    ),
    AugmentationService(
        "gagan", "GAGAN", "SBAS", MappingProxyType({"GSAT-8": 55.0, "GSAT-10": 83.0, "GSAT-15": 93.5}),
        "Indian flight information regions (RNP 0.1), Indian landmass (APV 1)", "operational",
        "ICAO APAC ITF/7 IP05b (2025)", countries=("IN",),
    ),
    AugmentationService(
        "sdcm", "SDCM", "SBAS", MappingProxyType({"Luch-5A": 167.0, "Luch-5B": -16.0, "Luch-5V": 95.0}),
        "Russia", "testing", "GPS World, 2012 and 2014, on the positions of the Luch satellites", countries=("RU",),
    ),
    AugmentationService(
        "egnos", "EGNOS", "SBAS", MappingProxyType({"PRN 123": 31.5, "PRN 136": 5.0}), "Europe", "operational",
        "EGNOS Safety of Life Service Definition Document",
        countries=(
            "AT", "BE", "CH", "CZ", "DE", "DK", "ES", "FI", "FR", "IE", "IT", "LU", "NL", "NO", "PL", "PT", "SE",
        ),
    ),
    AugmentationService(
        "pak_sbas", "Pak-SBAS", "SBAS", MappingProxyType({"PakSat-MM1": 38.2}), "Pakistan", "announced",
        "SUPARCO statement on the launch of PakSat-MM1, 30 May 2024; no service statement found", countries=("PK",),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class AugmentationCover:
    """What (k,) services give at (p,) points; arrays (p, k).

    ``n_in_view`` satellites above mask and horizon; ``best_elevation_deg`` of the highest, in view or not;
    ``is_in_area`` whether the operator offers the service there; ``is_usable`` both, and in operation.
    """

    services: tuple[AugmentationService, ...]
    n_in_view: IntArray
    best_elevation_deg: FloatArray
    is_in_area: BoolArray

    @property
    def is_in_view(self) -> BoolArray:
        """Return (p, k) whether any satellite clears mask and horizon."""
        return np.asarray(self.n_in_view > 0)

    @property
    def is_usable(self) -> BoolArray:
        """Return (p, k) whether the service is in operation, offered there and in view."""
        operates = np.array([service.status == "operational" for service in self.services], bool)
        return np.asarray(self.is_in_view & self.is_in_area & operates)


def augmentation_cover(
    points: Places,
    *,
    country: str,
    mask_deg: float = 5.0,
    horizon_deg: ArrayLike | None = None,
    services: Sequence[AugmentationService] = SERVICES,
) -> AugmentationCover:
    """Return which services points receive: by elevation of the satellites over mask and terrain, and by area.

    ``country`` (ISO 3166, two letters) is that of all points.  ``horizon_deg`` (p, n_azimuth) as for :func:`dop`.
    Unknown shapes raise :class:`InputError`.
    """
    if not services:
        raise InputError(Problem("there is no service", "give at least one"))
    ground = points_of(points)
    shape = (len(ground), len(services))
    count, best, offered = np.zeros(shape, np.int64), np.full(shape, -90.0), np.zeros(shape, bool)
    for k, service in enumerate(services):
        lon = np.radians([service.satellites[name] for name in sorted(service.satellites)])
        place = GEO_RADIUS_KM * np.stack([np.cos(lon), np.sin(lon), np.zeros(lon.size)], axis=1)
        elevation, azimuth, _ = look(place[:, None], ground, [ANY_TIME])
        clear = clears(elevation[:, 0], azimuth[:, 0], mask_deg, horizon_deg)
        count[:, k], best[:, k] = clear.sum(axis=1), elevation[:, 0].max(axis=1)
        if service.box is None:
            offered[:, k] = country.upper() in service.countries
        else:
            box, east = service.box, (ground.lon_deg - service.box.west_deg) % FULL_TURN_DEG
            offered[:, k] = east <= box.east_deg - box.west_deg
            offered[:, k] &= (ground.lat_deg >= box.south_deg) & (ground.lat_deg <= box.north_deg)
    return AugmentationCover(tuple(services), count, best, offered)


def clears(
    elevation_deg: FloatArray, azimuth_deg: FloatArray, mask_deg: float, horizon_deg: ArrayLike | None
) -> BoolArray:
    """Return (p, s) whether directions clear a mask and a horizon (p, n) at equal steps from north clockwise."""
    least = np.full(elevation_deg.shape, mask_deg)
    if horizon_deg is not None:
        horizon = np.atleast_2d(np.asarray(horizon_deg, np.float64))
        if horizon.shape[0] != elevation_deg.shape[0] or not horizon.shape[1]:
            what = f"a horizon of shape {horizon.shape} for {elevation_deg.shape[0]} points"
            raise InputError(Problem(what, "give one row a point"))
        n = horizon.shape[1]
        at = azimuth_deg / FULL_TURN_DEG * n
        low = np.floor(at).astype(np.int64)
        first = np.take_along_axis(horizon, low % n, axis=1)
        second = np.take_along_axis(horizon, (low + 1) % n, axis=1)
        least = np.maximum(least, first + (second - first) * (at - low))
    return np.asarray(elevation_deg >= least)
