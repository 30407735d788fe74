"""Which kind of alarm tends to bring which other: learned from a log of alarms, as a hint and never as a proof."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rahdari.errors import InputError, Problem, raise_if_any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    BoolArray = NDArray[np.bool_]

WINDOWS_S = (60.0, 120.0, 300.0, 600.0, 900.0)  # one to fifteen minutes: from protection switching to a fan that stops
LEAST_SIGMA = 5.0  # the usual bar for a discovery; the answer hardly moves between 3 and 12
LEAST_FRAC = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class AlarmOrder:
    """What a log says of ``n`` kinds of alarms, row brings column.

    ``is_cause`` (n, n) holds the learned edges, never both ways.  ``sigma`` (n, n) is how many standard deviations more
    often the column follows the row than chance would have it, the median over the windows.  ``agreement_frac``
    (n, n) is the share of windows in which both the bar and the direction hold: a measure of stability, no probability.
    """

    is_cause: BoolArray
    sigma: FloatArray
    agreement_frac: FloatArray


def _problems(kind: IntArray, device: IntArray, start_s: FloatArray, neighbours: BoolArray | None) -> list[Problem]:
    found = []
    if not kind.shape == device.shape == start_s.shape or kind.ndim != 1:
        found.append(Problem("kind, device and start differ in length", "give one of each for every alarm"))
        return found
    if kind.size and (kind.min() < 0 or device.min() < 0):
        found.append(Problem("a kind or a device is negative", "number kinds and devices from 0"))
    if not np.isfinite(start_s).all():
        found.append(Problem("a start is not a finite number", "leave alarms without a start away"))
    if neighbours is not None and (neighbours.ndim != 2 or neighbours.shape[0] != neighbours.shape[1]):  # noqa: PLR2004
        found.append(Problem("the neighbours are no square matrix", "give (devices, devices)"))
    elif neighbours is not None and device.size and device.max() >= neighbours.shape[0]:
        found.append(Problem("a device has no row among the neighbours", "give a row for every device"))
    return found


def _seen(device: IntArray, start_s: FloatArray, neighbours: BoolArray | None) -> tuple[IntArray, FloatArray]:
    """Return devices and times at which alarms are seen: on their own device and on its neighbours."""
    if neighbours is None:
        return device, start_s
    near = neighbours | neighbours.T | np.eye(neighbours.shape[0], dtype=np.bool_)
    alarm, seen_at = np.nonzero(near[device])
    return seen_at.astype(np.int64), start_s[alarm]


def _follow_counts(keys: Sequence[FloatArray], seen: Sequence[FloatArray], window_s: float) -> FloatArray:
    """Return (n, n) how many alarms of the row have one of the column from their start to ``window_s`` later."""
    n = len(keys)
    found = np.zeros((n, n))
    for i, own in enumerate(keys):
        for j, other in enumerate(seen):
            if i != j and own.size and other.size:
                after = np.searchsorted(other, own + window_s, "right") > np.searchsorted(other, own, "left")
                found[i, j] = np.count_nonzero(after)
    return found


def _sigmas(counts: FloatArray, n_own: FloatArray, n_seen: FloatArray, exposure: float) -> FloatArray:
    """Return standard deviations above what alarms spread evenly over time and devices would give."""
    chance = np.clip(-np.expm1(-n_seen * exposure), LEAST_FRAC, 1.0 - LEAST_FRAC)[None, :]
    n = np.maximum(n_own, 1.0)[:, None]
    sigma = (counts / n - chance) / np.sqrt(chance * (1.0 - chance) / n)
    np.fill_diagonal(sigma, 0.0)
    return np.where((n_own > 0)[:, None] & (n_seen > 0)[None, :], sigma, 0.0)


def alarm_order(
    kind: ArrayLike,
    device: ArrayLike,
    start_s: ArrayLike,
    *,
    neighbours: ArrayLike | None = None,
    windows_s: Sequence[float] = WINDOWS_S,
    least_sigma: float = LEAST_SIGMA,
) -> AlarmOrder:
    """Return which kinds of alarms tend to bring which others, from a log of alarms in any order.

    ``kind``, ``device`` (n,) number kinds and devices from 0, ``start_s`` (n,) is in seconds.  With ``neighbours``
    (devices, devices) alarms of joined devices count too.  An edge needs the column to follow the row, on the same
    device or a neighbour, ``least_sigma`` standard deviations more often than chance (median over ``windows_s``), and
    more windows for this direction than against it.  Nothing is fitted to a known answer.

    Raises :class:`InputError` with all problems for lengths that differ, negative numbers and times that are none.

    >>> kinds, devices, starts = [0, 1] * 30, [0] * 60, [t + d for t in range(0, 300000, 10000) for d in (0, 20)]
    >>> alarm_order(kinds, devices, starts).is_cause.astype(int).tolist()
    [[0, 1], [0, 0]]
    """
    kinds, devices = np.asarray(kind, np.int64), np.asarray(device, np.int64)
    starts = np.asarray(start_s, np.float64)
    near = None if neighbours is None else np.asarray(neighbours, np.bool_)
    raise_if_any(_problems(kinds, devices, starts, near))
    if not windows_s:
        raise InputError(Problem("there is no window", "give at least one, in seconds"))
    n = int(kinds.max()) + 1 if kinds.size else 0
    if not n:
        return AlarmOrder(np.zeros((0, 0), np.bool_), np.zeros((0, 0)), np.zeros((0, 0)))
    n_devices = near.shape[0] if near is not None else int(devices.max()) + 1
    span_s = max(float(np.ptp(starts)), *windows_s)
    stride = span_s + 2.0 * max(windows_s)  # so that no window reaches from one device into the next
    starts = starts - starts.min()

    def keyed(of: IntArray, at: IntArray, when: FloatArray) -> list[FloatArray]:
        return [np.sort(at[of == k] * stride + when[of == k]) for k in range(n)]

    own = keyed(kinds, devices, starts)
    parts = [_seen(devices[kinds == k], starts[kinds == k], near) for k in range(n)]
    seen = [np.sort(at * stride + when) for at, when in parts]
    n_own, n_seen = (np.array([each.size for each in group], np.float64) for group in (own, seen))
    sigmas = np.stack([
        _sigmas(_follow_counts(own, seen, window), n_own, n_seen, window / (span_s * n_devices)) for window in windows_s
    ])  # fmt: skip
    leads = sigmas > sigmas.transpose(0, 2, 1)
    sigma = np.median(sigmas, axis=0)
    lead = np.sign(sigmas - sigmas.transpose(0, 2, 1)).sum(axis=0)
    return AlarmOrder((lead > 0) & (sigma >= least_sigma), sigma, (leads & (sigmas >= least_sigma)).mean(axis=0))


__all__ = ["LEAST_SIGMA", "WINDOWS_S", "AlarmOrder", "alarm_order"]
