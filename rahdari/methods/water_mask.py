"""Water in a satellite or drone image: spectral indices or radar backscatter, split by Otsu's threshold."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from rahdari.errors import Problem, raise_if_any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import ArrayLike, NDArray

    Codes = NDArray[np.uint16]

DRY, WATER, NO_DATA = 0, 1, 255
#: Bands of each method: the first and second of a normalised difference, or one of backscatter in dB.
BANDS = {"ndwi-otsu": ("green", "nir"), "mndwi-otsu": ("green", "swir"), "vh-otsu": ("vh",)}
INDEX_RANGE = (-1.0, 1.0)
VH_RANGE_DB = (-60.0, 40.0)  # all that a calibrated sensor writes
N_CODES = 2048
MISSING = N_CODES  # the code of a pixel without data
ROWS = 256  # of a tile: what stays in the cache of a core
SPECKLE_PX = 5  # the median that takes the speckle out of radar
RANKS = 2


def _shapes(bands: Mapping[str, ArrayLike], method: str) -> dict[str, NDArray[np.generic]]:
    if method not in BANDS:
        raise_if_any([Problem(f"there is no method '{method}'", f"use one of {', '.join(BANDS)}")])
    found = {name: np.asarray(bands[name]) for name in BANDS[method] if name in bands}
    problems = [
        Problem(f"{method} needs band '{name}'", f"give bands {' and '.join(BANDS[method])}")
        for name in BANDS[method]
        if name not in found
    ]
    for name, band in found.items():
        if band.ndim != RANKS or not band.size or band.dtype.kind not in "uif":
            problems.append(Problem(f"band '{name}' is no image of numbers", "give rows by columns, one band"))
    if not problems and len({band.shape for band in found.values()}) > 1:
        sizes = ", ".join(f"{name} {band.shape}" for name, band in found.items())
        problems.append(Problem(f"bands differ in size: {sizes}", "resample them to one grid"))
    raise_if_any(problems)
    return found


def _codes(value: NDArray[np.float32], is_valid: NDArray[np.bool_], low: float, high: float) -> Codes:
    """Return the bin of each value between ``low`` and ``high``, :data:`MISSING` where there is none."""
    scaled = (value - np.float32(low)) * np.float32(N_CODES / (high - low))
    np.clip(scaled, 0, N_CODES - 1, out=scaled)
    scaled[~is_valid] = MISSING
    return scaled.astype(np.uint16)


def _index_codes(first: NDArray[np.generic], second: NDArray[np.generic]) -> Codes:
    """Return bins of the normalised difference; corrected dark water below 0 counts as 0, both 0 is no data."""
    a, b = (np.maximum(each.astype(np.float32), 0.0) for each in (first, second))
    total = a + b
    is_valid = (total > 0) & (total < np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _codes((a - b) / total, is_valid, *INDEX_RANGE)


def _vh_codes(vh: NDArray[np.generic]) -> Codes:
    value = vh.astype(np.float32)
    with np.errstate(invalid="ignore"):
        return _codes(value, np.isfinite(value), *VH_RANGE_DB)


def _tiles(n_rows: int) -> Iterator[slice]:
    return (slice(row, min(row + ROWS, n_rows)) for row in range(0, n_rows, ROWS))


def otsu_code(counts: ArrayLike) -> int:
    """Return the last bin of the lower class: the split with the largest variance between classes (Otsu 1979).

    Where several splits are equally good, the middle one; -1 where fewer than two bins hold anything.

    >>> otsu_code([5, 5, 0, 0, 5, 5])
    2
    """
    n = np.asarray(counts, np.float64)
    if np.count_nonzero(n) < RANKS:
        return -1
    below, moment = np.cumsum(n), np.cumsum(n * np.arange(n.size))
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (moment / below - (moment[-1] - moment) / above) ** 2
    between[(below == 0) | (above == 0)] = -1.0
    best = np.flatnonzero(between >= between.max() * (1.0 - 1e-12))
    return int(best[(best.size - 1) // 2])


def _sampled_medians(codes: Codes) -> Codes:
    """Return the medians of side-by-side squares in which no pixel lacks data: enough to find the threshold."""
    squares = sliding_window_view(codes, (SPECKLE_PX, SPECKLE_PX))[::SPECKLE_PX, ::SPECKLE_PX]
    flat = squares.reshape(-1, SPECKLE_PX * SPECKLE_PX)
    whole = flat[(flat != MISSING).all(axis=1)]
    middle = whole.shape[1] // 2
    return np.partition(whole, middle, axis=1)[:, middle]


def _box_sums(flags: NDArray[np.bool_]) -> NDArray[np.int8]:
    """Return how many of the pixels around each, itself included, are set; outside the image none is."""
    half = SPECKLE_PX // 2
    padded = np.pad(flags, half).astype(np.int8)
    rows = np.zeros((flags.shape[0], padded.shape[1]), np.int8)
    for shift in range(SPECKLE_PX):
        rows += padded[shift : shift + flags.shape[0]]
    sums = np.zeros(flags.shape, np.int8)
    for shift in range(SPECKLE_PX):
        sums += rows[:, shift : shift + flags.shape[1]]
    return sums


def _majority(codes: Codes, threshold: int, rows: slice) -> NDArray[np.uint8]:
    """Return the mask of some rows: water where most pixels around, of those with data, lie at or below the threshold.

    A median lies below a threshold where most values do, so that no median needs to be made.
    """
    half = SPECKLE_PX // 2
    first, last = max(rows.start - half, 0), min(rows.stop + half, codes.shape[0])
    part = codes[first:last]
    has_data = part != MISSING
    n_water, n_data = _box_sums(part <= threshold), _box_sums(has_data)
    mask = np.where(has_data, (2 * n_water.astype(np.int16) > n_data).astype(np.uint8), np.uint8(NO_DATA))
    return mask[rows.start - first : rows.stop - first]


def water_mask(bands: Mapping[str, ArrayLike], method: str = "mndwi-otsu", *, n_workers: int = 1) -> NDArray[np.uint8]:
    """Return the mask of an image: 0 dry, 1 water, 255 no data.

    ``bands`` names images (rows, columns): reflectances ``green``, ``nir``, ``swir`` for ``ndwi-otsu`` (McFeeters
    1996) and ``mndwi-otsu`` (Xu 2006), backscatter ``vh`` in dB for ``vh-otsu``, whose speckle a median of 5 by 5
    pixels takes out.  The threshold is Otsu's over the whole image in steps of 1/2048 of the range; it supposes that
    water and land are both there: an image of one of them alone is split all the same.  Pixels without data are NaN,
    or both reflectances 0 or below.  An image of one single value is dry.  Tiles and workers change nothing.

    Raises :class:`InputError` with all problems: an unknown method, missing bands, sizes that differ.

    >>> water_mask({"green": [[3, 1], [3, 0]], "nir": [[1, 3], [1, 0]]}, "ndwi-otsu").tolist()
    [[1, 0], [1, 255]]
    """
    images = list(_shapes(bands, method).values())
    n_rows = images[0].shape[0]
    codes = np.empty(images[0].shape, np.uint16)
    is_radar = method == "vh-otsu"

    def coded(rows: slice) -> NDArray[np.int64]:
        parts = [image[rows] for image in images]
        codes[rows] = _vh_codes(parts[0]) if is_radar else _index_codes(parts[0], parts[1])
        return np.bincount(codes[rows].ravel(), minlength=N_CODES + 1)

    def masked(rows: slice) -> None:
        if is_radar:
            mask[rows] = _majority(codes, threshold, rows)
        else:
            mask[rows] = codes[rows] > threshold
            mask[rows][codes[rows] == MISSING] = NO_DATA

    with ThreadPoolExecutor(n_workers) as pool:
        counts = np.sum(list(pool.map(coded, _tiles(n_rows))), axis=0)
        if is_radar and min(codes.shape) >= SPECKLE_PX:
            sampled = np.bincount(_sampled_medians(codes).ravel(), minlength=N_CODES + 1)
            counts = sampled if sampled.any() else counts
        threshold = otsu_code(counts[:N_CODES])
        if threshold < 0:
            return np.where(codes == MISSING, NO_DATA, DRY).astype(np.uint8)
        mask = np.empty(codes.shape, np.uint8)
        list(pool.map(masked, _tiles(n_rows)))
    return mask


__all__ = ["BANDS", "DRY", "NO_DATA", "WATER", "otsu_code", "water_mask"]
