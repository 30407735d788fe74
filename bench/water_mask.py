"""Water masks of a large image: pixels a second, beside the plain way with a full histogram and a median filter."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from rahdari.methods.water_mask import water_mask

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS, COLUMNS, PLAIN_ROWS, N_REPEATS, TARGET_MPIXEL_S = 10_000, 10_000, 1_000, 3, 50.0
LEAST_ALIKE, SHORE = 0.999, 0.5


def otsu(values: np.ndarray) -> float:
    """Return Otsu's threshold by the book."""
    counts, edges = np.histogram(values, 2048)
    middle, below = (edges[1:] + edges[:-1]) / 2, np.cumsum(counts)
    above, moment = below[-1] - below, np.cumsum(counts * middle)
    with np.errstate(all="ignore"):
        between = below * above * (moment / below - (moment[-1] - moment) / above) ** 2
    return float(edges[1:][np.nanargmax(between)])


def plain(bands: dict[str, np.ndarray], method: str) -> np.ndarray:
    """Return the mask, each step over the whole image."""
    if method == "vh-otsu":
        median = ndimage.median_filter(bands["vh"], 5)
        return median < otsu(median)
    other = bands["nir" if method == "ndwi-otsu" else "swir"]
    index = (bands["green"] - other) / (bands["green"] + other)
    return index > otsu(index)


def least_s(run: Callable[[], object]) -> float:
    """Return the least wall time of several runs."""
    spent = []
    for _ in range(N_REPEATS):
        start = time.perf_counter()
        run()
        spent.append(time.perf_counter() - start)
    return min(spent)


def main() -> None:
    """Measure the three methods on one image of 100 Mpixel."""
    draw = np.random.default_rng(1)
    y, x = np.mgrid[0:ROWS, 0:COLUMNS].astype(np.float32) / 700.0
    is_water = np.sin(x) * np.sin(y) > SHORE
    del x, y
    noise = draw.normal(0.0, 1.0, (ROWS, COLUMNS)).astype(np.float32)
    scene = {"green": (8.0, 7.0), "nir": (2.0, 25.0), "swir": (1.0, 18.0), "vh": (-24.0, -15.0)}
    bands = {
        name: np.where(is_water, np.float32(wet), np.float32(dry)) + np.float32(2.0 if name == "vh" else 0.3) * noise
        for name, (wet, dry) in scene.items()
    }
    part = {name: band[:PLAIN_ROWS] for name, band in bands.items()}
    for method in ("ndwi-otsu", "mndwi-otsu", "vh-otsu"):
        alike = float(((water_mask(part, method) == 1) == plain(part, method)).mean())
        assert alike > LEAST_ALIKE, f"{method}: {alike}"
        ours = ROWS * COLUMNS / 1e6 / least_s(lambda m=method: water_mask(bands, m, n_workers=2))
        peer = PLAIN_ROWS * COLUMNS / 1e6 / least_s(lambda m=method: plain(part, m))
        line = {"bench": "water_mask", "what": method, "mpixel": ROWS * COLUMNS // 10**6, "n_workers": 2}
        print(json.dumps({**line, "mpixel_per_s": ours, "plain_mpixel_per_s": peer, "ratio": ours / peer,
                          "target_mpixel_per_s": TARGET_MPIXEL_S}))  # fmt: skip


if __name__ == "__main__":
    main()
