"""Points on the ground that know their place and axes in the frame that turns with the earth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from rahdari.methods.points import Points, earth_fixed_km, local_axes, points_of, up_vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.methods.points import Places

    FloatArray = NDArray[np.float64]
    PlacesLike: TypeAlias = Places


@dataclass(frozen=True, slots=True, eq=False)
class GroundPoints(Points):
    """(n,) points on WGS 84 with their vectors."""

    def up(self) -> FloatArray:
        """Return (n, 3) unit vectors of the plumb line, away from the ground.

        >>> ground_points([(0.0, 90.0)]).up().round(12).tolist()
        [[0.0, 0.0, 1.0]]
        """
        return up_vectors(self)

    def east(self) -> FloatArray:
        """Return (n, 3) unit vectors towards the east; at a pole, ninety degrees east of the stated longitude."""
        return np.asarray(local_axes(self)[:, 0])

    def north(self) -> FloatArray:
        """Return (n, 3) unit vectors towards the north."""
        return np.asarray(local_axes(self)[:, 1])

    def ecef_km(self) -> FloatArray:
        """Return (n, 3) positions in the frame that turns with the earth, km.

        >>> ground_points([(0.0, 0.0, 1000.0)]).ecef_km().round(6).tolist()
        [[6379.137, 0.0, 0.0]]
        """
        return earth_fixed_km(self)


def ground_points(places: PlacesLike) -> GroundPoints:
    """Return points as :func:`rahdari.methods.points.points_of` reads them, with their vectors.

    >>> ground_points([(73.05, 33.68, 540.0)]).height_m.tolist()
    [540.0]
    """
    points = points_of(places)
    return GroundPoints(points.lon_deg, points.lat_deg, points.height_m)
