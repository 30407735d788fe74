"""What the synthetic layers share: sphere geometry, whole-number shares, and chance keyed by identifier."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy.spatial import cKDTree

from rahdari.units import EARTH_RADIUS_KM

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TypeAlias

    from numpy.typing import ArrayLike, NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Ints: TypeAlias = NDArray[np.int64]
    Flags: TypeAlias = NDArray[np.bool_]

UINT53 = float(2**53)  # doubles hold 53 bits exactly
SPLITMIX64 = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))  # shifts and factors of the published finaliser
KM_PER_DEG = EARTH_RADIUS_KM * np.pi / 180.0


class Terrain(Protocol):
    """What a terrain reader offers the synthetic layers."""

    def elevation_m(self, lon_deg: Floats, lat_deg: Floats) -> Floats:
        """Return heights above mean sea level, metres, one a point."""
        ...

    def slope_frac(self, lon_deg: Floats, lat_deg: Floats) -> Floats:
        """Return the mean slope (rise over run), one a point."""
        ...


class FlatTerrain:
    """A world at sea level, for countries and tests without a terrain file."""

    def elevation_m(self, lon_deg: Floats, lat_deg: Floats) -> Floats:
        """Return zeros, shape of the points."""
        return np.zeros(np.broadcast(lon_deg, lat_deg).shape)

    def slope_frac(self, lon_deg: Floats, lat_deg: Floats) -> Floats:
        """Return zeros, shape of the points."""
        return np.zeros(np.broadcast(lon_deg, lat_deg).shape)


def unit_vectors(lon_deg: ArrayLike, lat_deg: ArrayLike) -> Floats:
    """Return points on the unit sphere, shape (n, 3); longitudes and latitudes in degrees.

    >>> unit_vectors([0.0], [90.0]).round(12).tolist()
    [[0.0, 0.0, 1.0]]
    """
    lon = np.radians(np.asarray(lon_deg, dtype=float))
    lat = np.radians(np.asarray(lat_deg, dtype=float))
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def chord(distance_km: float) -> float:
    """Return the chord on the unit sphere of a great-circle distance, km, up to half the globe."""
    return 2.0 * float(np.sin(min(distance_km / EARTH_RADIUS_KM, np.pi) / 2.0))


def arc_km(chord_length: ArrayLike) -> Floats:
    """Return the great-circle distance, km, of a chord on the unit sphere (R = 6371.0 km)."""
    return np.asarray(2.0 * EARTH_RADIUS_KM * np.arcsin(np.clip(np.asarray(chord_length) / 2.0, 0.0, 1.0)))


def distance_km(lon_a: ArrayLike, lat_a: ArrayLike, lon_b: ArrayLike, lat_b: ArrayLike) -> Floats:
    """Return great-circle distances, km, element by element."""
    return arc_km(np.linalg.norm(unit_vectors(lon_a, lat_a) - unit_vectors(lon_b, lat_b), axis=-1))


def nearest(
    lon_deg: ArrayLike, lat_deg: ArrayLike, to_lon_deg: ArrayLike, to_lat_deg: ArrayLike
) -> tuple[Floats, Ints]:
    """Return (great-circle distance km, index) of the nearest target point for each point; needs one target."""
    tree = cKDTree(unit_vectors(to_lon_deg, to_lat_deg))
    chords, index = tree.query(unit_vectors(lon_deg, lat_deg))
    return arc_km(chords), np.asarray(index, dtype=np.int64)


def whole_shares(weight: ArrayLike, total: int) -> Ints:
    """Return whole numbers in proportion to ``weight`` that sum exactly to ``total`` (largest remainder).

    Ties go to the earlier row, so sort rows by identifier first.  All-zero weights share equally.

    >>> whole_shares([1.0, 1.0, 1.0], 4).tolist()
    [2, 1, 1]
    """
    w = np.maximum(np.asarray(weight, dtype=float), 0.0)
    if len(w) == 0:
        if total:
            msg = "no rows to share a total among"
            raise ValueError(msg)
        return np.zeros(0, dtype=np.int64)
    if w.sum() <= 0.0:
        w = np.ones(len(w))
    exact = w / w.sum() * total
    floor: Ints = np.floor(exact).astype(np.int64)
    missing = total - int(floor.sum())
    order = np.argsort(-(exact - floor), kind="stable")
    floor[order[:missing]] += 1
    return floor


def whole_shares_by_group(weight: Floats, group: Ints, totals: Ints) -> Ints:
    """Return whole numbers in proportion to ``weight`` that sum to ``totals[g]`` within each group ``g``.

    ``group`` (n,) holds indices into ``totals``; groups without rows are left out.
    """
    result = np.zeros(len(weight), dtype=np.int64)
    order = np.argsort(group, kind="stable")
    bounds = np.searchsorted(group[order], np.arange(len(totals) + 1))
    for index, (start, stop) in enumerate(pairwise(bounds)):
        rows = order[start:stop]
        if len(rows):
            result[rows] = whole_shares(weight[rows], int(totals[index]))
    return result


def chance(ids: Iterable[str], name: str, seed: int) -> Floats:
    """Return one number in (0, 1) for each identifier, independent of row order and of the other rows.

    Counter-based like Philox, but keyed by text: BLAKE2b of ``name`` and identifier under ``seed``.

    >>> bool(chance(["a", "b"], "x", 1)[1] == chance(["b"], "x", 1)[0])
    True
    """
    base = hashlib.blake2b(name.encode(), digest_size=8, key=str(seed).encode())
    words = []
    for text in ids:
        digest = base.copy()
        digest.update(text.encode())
        words.append(digest.digest())
    bits = np.frombuffer(b"".join(words), dtype="<u8") >> np.uint64(11)
    return (bits.astype(float) + 0.5) / UINT53


def chance_of_numbers(ids: Ints, name: str, seed: int) -> Floats:
    """Return one number in (0, 1) for each whole-number identifier, like :func:`chance` for millions of rows.

    The finaliser of SplitMix64 (Steele, Lea, Flood 2014) over the identifier, keyed by BLAKE2b of ``name`` and seed.
    """
    key = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8, key=str(seed).encode()).digest(), "little")
    x = np.asarray(ids, dtype=np.int64).view(np.uint64) ^ np.uint64(key)
    for shift, factor in SPLITMIX64:
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
    x ^= x >> np.uint64(31)
    return ((x >> np.uint64(11)).astype(float) + 0.5) / UINT53


def chosen(log_weight: Floats, uniform: Floats, n_chosen: int) -> Flags:
    """Return a mask of exactly ``n_chosen`` rows, sampled without replacement in proportion to exp(log_weight).

    Gumbel keys (Efraimidis and Spirakis 2006 in logarithms): the choice of a row depends on its own chance only.
    """
    key = log_weight - np.log(-np.log(uniform))
    mask = np.zeros(len(key), dtype=bool)
    mask[np.argsort(-key, kind="stable")[: max(0, min(n_chosen, len(key)))]] = True
    return mask


def texts(values: Sequence[object]) -> list[str]:
    """Return values as text, null as empty."""
    return ["" if value is None else str(value) for value in values]
