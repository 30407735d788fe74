"""Join points to fibre over short hops at the least total length."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.kernels.connect import link_lengths_km, spanning_forest
from rahdari.model.certificate import Certificate
from rahdari.units import EARTH_RADIUS_KM

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_LON_LIMIT_DEG = 180.0
_LAT_LIMIT_DEG = 90.0
_ROWS_SHOWN = 20  # problems listed one by one; the rest are counted


@dataclass(frozen=True, slots=True)
class ConnectedPoints:
    """The shortest set of hops that reaches every point that can be reached.

    ``link_index`` int32 (k, 2): rows of (point nearer the source, point it brings in), by the
    second; ``link_km`` (k,): great-circle lengths; ``unreached`` int64: points that no chain of
    hops joins to a source.
    """

    link_index: NDArray[np.int32]
    link_km: NDArray[np.float64]
    total_km: float
    unreached: NDArray[np.int64]
    certificate: Certificate


def _range_problems(name: str, value: NDArray[np.float64], limit_deg: float) -> list[Problem]:
    """List the rows of ``value`` that are not finite degrees within ``limit_deg``."""
    bad = np.flatnonzero(~(np.abs(value) <= limit_deg))
    cure = f"give WGS 84 degrees from -{limit_deg:g} to {limit_deg:g} (are lon and lat swapped?)"
    rows = [Problem(f"{name} is {value[i]}", cure, row=int(i) + 1, column=name) for i in bad[:_ROWS_SHOWN]]
    if bad.size > _ROWS_SHOWN:
        rows.append(Problem(f"{bad.size - _ROWS_SHOWN} more rows of {name} are wrong", cure, column=name))
    return rows


def _checked(
    lon_deg: ArrayLike, lat_deg: ArrayLike, is_source: ArrayLike, max_hop_km: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return the three columns as arrays, or raise with all that is wrong."""
    try:
        lon, lat = np.asarray(lon_deg, np.float64), np.asarray(lat_deg, np.float64)
        source = np.asarray(is_source)
        hop = float(max_hop_km)
    except (TypeError, ValueError) as error:
        raise InputError(Problem(f"a column is not numeric ({error})", "give plain numbers")) from error
    if not (lon.ndim == lat.ndim == source.ndim == 1 and lon.size == lat.size == source.size):
        shapes = f"lon_deg {lon.shape}, lat_deg {lat.shape}, is_source {source.shape}"
        raise InputError(Problem(f"columns differ in shape: {shapes}", "give one value of each per point"))
    problems = _range_problems("lon_deg", lon, _LON_LIMIT_DEG) + _range_problems("lat_deg", lat, _LAT_LIMIT_DEG)
    if source.size and not np.isin(source, (0, 1)).all():
        problems.append(Problem("is_source has values besides true and false", "mark each point true or false"))
    if not hop > 0.0:
        problems.append(Problem(f"max_hop_km is {hop}", "give a positive number of kilometres"))
    raise_if_any(problems)
    return lon, lat, source.astype(np.bool_)


def _oriented(pair: NDArray[np.int64], is_source: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Turn each link so that it leads away from the sources, sorted by the point it brings in."""
    n = is_source.size
    start = np.concatenate([pair[:, 0], np.full(int(is_source.sum()), n)])
    end = np.concatenate([pair[:, 1], np.flatnonzero(is_source)])
    tree = coo_array((np.ones(start.size), (start, end)), shape=(n + 1, n + 1))
    _, before = breadth_first_order(tree.tocsr(), n, directed=False, return_predecessors=True)
    is_forward = before[pair[:, 1]] == pair[:, 0]
    turned = np.where(is_forward[:, None], pair, pair[:, ::-1])
    return turned[np.argsort(turned[:, 1], kind="stable")]


def connect_points(lon_deg: ArrayLike, lat_deg: ArrayLike, is_source: ArrayLike, max_hop_km: float) -> ConnectedPoints:
    """Join every point to a source over hops shorter than ``max_hop_km``, at the least total length.

    ``lon_deg``, ``lat_deg`` (n,) WGS 84 degrees; ``is_source`` (n,) true where there is fibre;
    distances are great circles on a sphere of radius 6371.0 km and a hop is strictly shorter
    than ``max_hop_km`` (inf: no limit).  The result is the minimum spanning forest with all
    sources taken as one point, hence exact; ties go to the lower coordinates.  Time grows as
    n log n.  Raises :class:`rahdari.errors.InputError` with every bad row.

    >>> found = connect_points([0.0, 0.1, 0.2, 50.0], [0.0, 0.0, 0.0, 0.0], [True, False, False, False], 20.0)
    >>> found.link_index.tolist(), round(found.total_km, 3), found.unreached.tolist()
    ([[0, 1], [1, 2]], 22.239, [3])
    """
    lon, lat, source = _checked(lon_deg, lat_deg, is_source, max_hop_km)
    # Sorted by place, so that ties fall the same way whatever the order of the rows.
    order = np.lexsort((~source, lat, lon))
    lon_rad, lat_rad, source_sorted = np.radians(lon[order]), np.radians(lat[order]), source[order]
    n = lon.size
    pair = np.empty((0, 2), np.int64)
    is_reached = source_sorted.copy()
    if source_sorted.any():
        flat = np.cos(lat_rad)
        xyz = np.stack([flat * np.cos(lon_rad), flat * np.sin(lon_rad), np.sin(lat_rad)], axis=1)
        link, part = np.empty((n, 2), np.int64), np.empty(n, np.int64)
        hop = min(float(max_hop_km), 4.0 * math.pi * EARTH_RADIUS_KM)
        count = spanning_forest(xyz, lon_rad, lat_rad, source_sorted, hop, EARTH_RADIUS_KM, link, part)
        is_reached = part == part[np.argmax(source_sorted)]
        pair = link[:count][is_reached[link[:count, 0]]]
    pair = _oriented(order[pair], source)
    length_km = link_lengths_km(np.radians(lon), np.radians(lat), np.ascontiguousarray(pair), EARTH_RADIUS_KM)
    total_km = math.fsum(length_km)
    note = "minimum spanning forest, all sources as one point: no set of hops between these points is shorter"
    return ConnectedPoints(
        link_index=pair.astype(np.int32),
        link_km=length_km,
        total_km=total_km,
        unreached=np.sort(order[~is_reached]),
        certificate=Certificate("connect_points", total_km, total_km, "km", "exact (Boruvka)", note),
    )
