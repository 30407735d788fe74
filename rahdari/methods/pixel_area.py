"""True areas of pixels on the WGS 84 ellipsoid, whatever grid they lie in, and the mask at points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]
    ToDegrees = Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]

SEMI_MAJOR_M, FLATTENING = 6_378_137.0, 1.0 / 298.257223563  # WGS 84
NODES = 129  # a side: between them the area of a pixel is all but straight
M2_PER_KM2 = 1e6


def degree_lengths_m(lat_deg: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return metres of a degree of longitude and of latitude at a latitude on the WGS 84 ellipsoid.

    >>> [round(float(length)) for length in degree_lengths_m(0.0)]
    [111319, 110574]
    """
    lat = np.radians(np.asarray(lat_deg, np.float64))
    e2 = FLATTENING * (2.0 - FLATTENING)
    root = np.sqrt(1.0 - e2 * np.sin(lat) ** 2)
    return np.radians(SEMI_MAJOR_M / root * np.cos(lat)), np.radians(SEMI_MAJOR_M * (1.0 - e2) / root**3)


def pixel_areas_m2(
    shape: tuple[int, int], affine: ArrayLike, to_degrees: ToDegrees
) -> tuple[NDArray[np.int64], NDArray[np.int64], FloatArray]:
    """Return rows (r,), columns (c,) and the areas (r, c) of the pixels there, square metres.

    ``affine`` are a, b, c, d, e, f of x = a column + b row + c and y = d column + e row + f; ``to_degrees`` turns x and
    y into longitude and latitude.  Between the nodes the area is all but linear.
    """
    a, b, c, d, e, f = (float(value) for value in np.asarray(affine, np.float64)[:6])
    rows, columns = (np.unique(np.linspace(0, n - 1, min(n, NODES)).round().astype(np.int64)) for n in shape)
    column, row = np.meshgrid(columns + 0.5, rows + 0.5)

    def degrees(right: float, down: float) -> tuple[FloatArray, FloatArray]:
        x, y = column + right, row + down
        return to_degrees((a * x + b * y + c).ravel(), (d * x + e * y + f).ravel())

    lon_m, lat_m = degree_lengths_m(degrees(0.0, 0.0)[1])
    east, west, south, north = degrees(0.5, 0.0), degrees(-0.5, 0.0), degrees(0.0, 0.5), degrees(0.0, -0.5)
    across = (east[0] - west[0]) * lon_m, (east[1] - west[1]) * lat_m
    along = (south[0] - north[0]) * lon_m, (south[1] - north[1]) * lat_m
    area = np.abs(across[0] * along[1] - across[1] * along[0])
    return rows, columns, area.reshape(column.shape)


def area_km2(is_counted: NDArray[np.bool_], nodes: tuple[NDArray[np.int64], NDArray[np.int64], FloatArray]) -> float:
    """Return the area of the pixels that count, given :func:`pixel_areas_m2` of their grid."""
    rows, columns, area = nodes
    total = 0.0
    at = np.arange(is_counted.shape[1])
    by_node = np.stack([np.interp(at, columns, line) for line in area])
    for low in range(0, is_counted.shape[0], 256):
        part = is_counted[low : low + 256]
        here = np.clip(np.searchsorted(rows, np.arange(low, low + part.shape[0]), "right") - 1, 0, rows.size - 1)
        above = np.minimum(here + 1, rows.size - 1)
        span = np.maximum(rows[above] - rows[here], 1)
        share = ((np.arange(low, low + part.shape[0]) - rows[here]) / span)[:, None]
        line = by_node[here] * (1.0 - share) + by_node[above] * share
        total += float(np.einsum("ij,ij->", part, line))
    return total / M2_PER_KM2


def values_at(mask: NDArray[np.uint8], column: ArrayLike, row: ArrayLike, outside: int) -> NDArray[np.uint8]:
    """Return the mask at fractional columns and rows, ``outside`` beyond its edge or where they are no numbers."""
    x, y = np.asarray(column, np.float64), np.asarray(row, np.float64)
    with np.errstate(invalid="ignore"):
        is_in = (x >= 0) & (y >= 0) & (x < mask.shape[1]) & (y < mask.shape[0])
    found = np.full(x.shape, outside, np.uint8)
    found[is_in] = mask[y[is_in].astype(np.int64), x[is_in].astype(np.int64)]
    return found


__all__ = ["area_km2", "degree_lengths_m", "pixel_areas_m2", "values_at"]
