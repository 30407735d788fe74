"""A made-up flood for exercise: the lowest ground above the local drainage goes under, as a picture in two bands.

It stands in where no satellite image is given.  Its depth, its fine relief and its reflectances are assumed; what it is
good for is to try the chain that follows, never to say where water stood.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates, minimum_filter

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]
    Flags = NDArray[np.bool_]

#: Wave length, degrees, and height, metres, of relief finer than the terrain's cells; assumed, of a flat flood plain.
RELIEF = ((0.08, 2.5), (0.03, 1.2), (0.008, 0.5))
DRAINAGE_DEG = 0.25  # the lowest ground within so far stands for the river
SMOOTH_DEG = 0.03  # steps of the terrain's coarse cells are no banks
COARSE_DEG = 0.01  # the drainage is looked for in cells so wide
GREEN, NIR = (0.08, 0.03), (0.10, 0.32)  # reflectances of water and of land, assumed
NOISE = 0.012


def _noise(shape: tuple[int, int], cell_px: float, seed: int, number: int) -> FloatArray:
    """Return smooth noise of unit spread, drawn on a lattice of ``cell_px`` and interpolated."""
    random = np.random.Generator(np.random.Philox(key=[seed, number]))
    n_rows, n_columns = (int(np.ceil(n / cell_px)) + 3 for n in shape)
    lattice = random.standard_normal((n_rows, n_columns))
    row, column = (np.arange(n) / cell_px + 1.0 for n in shape)
    at = np.stack(np.meshgrid(row, column, indexing="ij"))
    return np.asarray(map_coordinates(lattice, at, order=3, mode="nearest"), np.float64)


def above_drainage_m(height_m: ArrayLike, step_deg: float, seed: int) -> FloatArray:
    """Return height over the lowest ground near, with made-up fine relief; ``height_m`` (rows, columns)."""
    height = np.asarray(height_m, np.float64)
    skip = max(1, round(COARSE_DEG / step_deg))
    cell_deg = skip * step_deg
    smooth = gaussian_filter(height[::skip, ::skip], SMOOTH_DEG / cell_deg, mode="nearest")
    reach = 2 * round(DRAINAGE_DEG / cell_deg) + 1
    lowest = gaussian_filter(minimum_filter(smooth, size=reach, mode="nearest"), reach / 4.0, mode="nearest")
    at = np.stack(np.meshgrid(*(np.arange(n) / skip for n in height.shape), indexing="ij"))
    above = np.asarray(map_coordinates(smooth - lowest, at, order=1, mode="nearest"), np.float64)
    for number, (wave_deg, rise_m) in enumerate(RELIEF):
        above += rise_m * _noise(height.shape, max(wave_deg / step_deg, 1.0), seed, number)
    return above


def flooded(above_m: FloatArray, can_flood: Flags, share_frac: float) -> Flags:
    """Return the lowest ``share_frac`` of the ground that can flood.

    >>> flooded(np.array([[3.0, 1.0], [2.0, 0.0]]), np.array([[True, True], [True, False]]), 0.33).tolist()
    [[False, True], [False, False]]
    """
    if not can_flood.any():
        return np.zeros(above_m.shape, np.bool_)
    level = np.quantile(above_m[can_flood], share_frac, method="inverted_cdf")
    return np.asarray(can_flood & (above_m <= level))


def picture(is_wet: Flags, seed: int) -> dict[str, NDArray[np.float32]]:
    """Return reflectances ``green`` and ``nir`` of ground and water, with the noise of a sensor."""
    random = np.random.Generator(np.random.Philox(key=[seed, len(RELIEF)]))
    found = {}
    for name, (wet, dry) in (("green", (GREEN[0], NIR[0])), ("nir", (GREEN[1], NIR[1]))):
        band = np.where(is_wet, wet, dry) + NOISE * random.standard_normal(is_wet.shape)
        found[name] = np.maximum(band, 1e-3).astype(np.float32)
    return found


__all__ = ["above_drainage_m", "flooded", "picture"]
