"""Centres of cities from settlements that a census or a synthetic layer has cut into parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from rahdari.methods.geo import unit_vectors
from rahdari.units import EARTH_RADIUS_KM

if TYPE_CHECKING:
    from rahdari.methods.routing import FloatArray, IntArray


def city_centres(
    n_people: IntArray, lon_deg: FloatArray, lat_deg: FloatArray, *, radius_km: float, spacing_km: float, n_centres: int
) -> IntArray:
    """Return positions of at most ``n_centres`` centres, largest city first.

    A centre is a settlement that no larger one lies within ``radius_km`` of; a city's size is the people of all
    settlements within that radius.  No two centres lie nearer than ``spacing_km``.  Ties go to the lower position.

    >>> at = np.array([0.0, 0.01, 5.0])
    >>> city_centres(np.array([60, 50, 100]), at, np.zeros(3), radius_km=20.0, spacing_km=60.0, n_centres=2).tolist()
    [0, 2]
    """
    order = np.argsort(-n_people, kind="stable")
    vector, people = unit_vectors(lon_deg[order], lat_deg[order]), n_people[order]
    pairs = cKDTree(vector).query_pairs(radius_km / EARTH_RADIUS_KM, output_type="ndarray")
    size = people.copy()
    for here, there in ((0, 1), (1, 0)):
        np.add.at(size, pairs[:, here], people[pairs[:, there]])
    is_largest = np.ones(people.size, dtype=np.bool_)
    is_largest[np.maximum(pairs[:, 0], pairs[:, 1])] = False
    kept: list[int] = []
    for number in np.argsort(-size, kind="stable").tolist():
        if len(kept) == n_centres:
            break
        chord = np.linalg.norm(vector[kept] - vector[number], axis=1)
        if is_largest[number] and not np.any(chord * EARTH_RADIUS_KM < spacing_km):
            kept.append(number)
    return np.asarray(order[kept], dtype=np.int64)
