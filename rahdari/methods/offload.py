"""Pictures from a drone to the ground: what a cell carries at a distance, and what waits while it cannot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

N_SECTORS = 3  # a site's carriers are those of three sectors
MOST_BPS_PER_HZ = 5.55  # 64-QAM, rate 0.93: 3GPP TS 36.213, table 7.2.3-1
MBIT_PER_GB = 8000.0
ROUNDING_MBIT = 1e-6


def uplink_mbps(
    distance_km: ArrayLike, carrier_mhz: ArrayLike, *, range_km: float, held_frac: float, most_mbps: float
) -> FloatArray:
    """Return what a drone sends over a cell at a distance, 0 beyond ``range_km``.

    Free space: signal over noise is 1 at ``range_km`` and falls with the square of the distance; the rate is Shannon's,
    up to 5.55 bit/s/Hz, in the share ``held_frac`` of one sector's carriers, at most ``most_mbps``.

    >>> uplink_mbps([10.0, 5.0, 11.0], 30.0, range_km=10.0, held_frac=0.4, most_mbps=20.0).round(2).tolist()
    [4.0, 9.29, 0.0]
    """
    distance = np.maximum(np.asarray(distance_km, np.float64), 1e-3)
    efficiency = np.minimum(np.log2(1.0 + (range_km / distance) ** 2), MOST_BPS_PER_HZ)
    rate = efficiency * np.asarray(carrier_mhz, np.float64) / N_SECTORS * held_frac
    return np.where(distance <= range_km, np.minimum(rate, most_mbps), 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Queue:
    """A queue step by step: what waits after each step (t,) and what was sent in it (t,), Mbit."""

    waiting_mbit: FloatArray
    sent_mbit: FloatArray
    made_mbit: FloatArray
    step_s: float

    @property
    def left_mbit(self) -> float:
        """Return what still waits at the end."""
        return float(self.waiting_mbit[-1]) if self.waiting_mbit.size else 0.0

    @property
    def mean_wait_s(self) -> float:
        """Return how long a piece waited in the mean (Little's law), what still waits counted up to the end."""
        made = float(self.made_mbit.sum())
        return float(self.waiting_mbit.sum()) * self.step_s / made if made > 0.0 else 0.0

    @property
    def at_once_frac(self) -> float:
        """Return the share of what was made that left within its own step, with nothing waiting before it."""
        before = np.concatenate([[0.0], self.waiting_mbit[:-1]])
        own = np.maximum(self.sent_mbit - before, 0.0)
        made = float(self.made_mbit.sum())
        return float(np.minimum(own, self.made_mbit).sum()) / made if made > 0.0 else 1.0

    def done_step(self) -> int | None:
        """Return the step after which nothing waits any more; none where something is left."""
        if not self.waiting_mbit.size or self.left_mbit > ROUNDING_MBIT:
            return None
        waits = np.flatnonzero(self.waiting_mbit > ROUNDING_MBIT)
        return int(waits[-1]) + 1 if waits.size else 0


def queued(made_mbps: ArrayLike, room_mbps: ArrayLike, step_s: float) -> Queue:
    """Return a queue that is filled and drained at rates (t,) held for ``step_s`` each, first come first served.

    >>> queued([4.0, 4.0, 0.0], [2.0, 2.0, 3.0], 1.0).waiting_mbit.tolist()
    [2.0, 4.0, 1.0]
    """
    made, room = (np.asarray(rate, np.float64) * step_s for rate in (made_mbps, room_mbps))
    total = np.cumsum(made - room)
    waiting = total - np.minimum(np.minimum.accumulate(total), 0.0) if total.size else total
    before = np.concatenate([[0.0], waiting[:-1]])
    return Queue(waiting, np.maximum(before + made - waiting, 0.0), made, step_s)


__all__ = ["MBIT_PER_GB", "Queue", "queued", "uplink_mbps"]
