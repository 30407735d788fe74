"""How often capacity falls short of load: exact convolution of units that fail, and the same by drawn words.

A unit is in one of several states, each with a capacity and a chance; units are independent.  The table of capacity on
outage is built by adding one unit after another (Billinton and Allan, Reliability Evaluation of Power Systems).  The
same question stands behind power houses, satellite beams and bundles of links.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods.hazard_sampling import failure_words
from rahdari.methods.reach import unpacked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

_SUM = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Outages:
    """Chances (k,) of capacity on outage at ``lost_value`` (k,), in rising order; ``installed_value`` is the whole."""

    installed_value: float
    lost_value: FloatArray
    chance_frac: FloatArray

    def shortfall(self, load_value: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return the chance that capacity falls short of each load, and the mean of what is missing."""
        load = np.asarray(load_value, np.float64)
        spare = self.installed_value - load
        tail = np.append(np.cumsum(self.chance_frac[::-1])[::-1], 0.0)
        moment = np.append(np.cumsum((self.chance_frac * self.lost_value)[::-1])[::-1], 0.0)
        # A loss that leaves exactly the load is no shortfall.
        first = np.searchsorted(self.lost_value, spare + _SUM * max(self.installed_value, 1.0), side="right")
        return tail[first], moment[first] - spare * tail[first]


def capacity_outages(units: Sequence[tuple[ArrayLike, ArrayLike]]) -> Outages:
    """Return the exact table of capacity on outage of independent units.

    Each unit is (capacities, chances) of its states; chances add to 1 and the largest capacity is what is installed.
    Capacities need no common step: equal sums are put together.  Faults raise :class:`InputError`, all at once.

    >>> two = capacity_outages([([50.0, 0.0], [0.98, 0.02])] * 2)
    >>> two.lost_value.tolist(), two.chance_frac.round(6).tolist()
    ([0.0, 50.0, 100.0], [0.9604, 0.0392, 0.0004])
    """
    problems, states = [], []
    for number, (capacity, chance) in enumerate(units, start=1):
        value, share = np.asarray(capacity, np.float64), np.asarray(chance, np.float64)
        if value.shape != share.shape or not value.size:
            problems.append(Problem(f"unit {number} has {value.size} states and {share.size} chances", "give as many"))
        elif (share < 0.0).any() or abs(share.sum() - 1.0) > _SUM or (value < 0.0).any():
            problems.append(Problem(f"unit {number}: bad states", "give capacities from zero, chances that add to 1"))
        states.append((value, share))
    raise_if_any(problems)
    lost, chance = np.zeros(1), np.ones(1)
    for value, share in states:
        total = lost[:, None] + (value.max() - value)[None, :]
        # Sums of the same parts in another order may differ in the last digits.
        rounded, group = np.unique(np.round(total.ravel(), 9), return_inverse=True)
        joint = (chance[:, None] * share[None, :]).ravel()
        chance = np.bincount(group.reshape(-1), joint, rounded.size).astype(np.float64)
        lost = rounded
    return Outages(float(sum(value.max() for value, _ in states)), lost, chance)


def loss_of_load_h(units: Sequence[tuple[ArrayLike, ArrayLike]], load_value: ArrayLike) -> float:
    """Return the expected hours in which capacity falls short of hourly loads (t,)."""
    return float(capacity_outages(units).shortfall(load_value)[0].sum())


def unserved_value_h(units: Sequence[tuple[ArrayLike, ArrayLike]], load_value: ArrayLike) -> float:
    """Return the expected load not served, in the unit of the loads times hours."""
    return float(capacity_outages(units).shortfall(load_value)[1].sum())


def sampled_loss_of_load_h(
    capacity_value: ArrayLike, outage_frac: ArrayLike, load_value: ArrayLike, n_samples: int, seed: int = 1
) -> tuple[float, float]:
    """Return the expected hours of shortfall of two-state units by drawn states, and its standard error.

    States are those of :func:`~rahdari.methods.hazard_sampling.failure_words`; each drawn state meets every hour.
    """
    capacity, load = np.asarray(capacity_value, np.float64), np.sort(np.asarray(load_value, np.float64))
    if capacity.shape != np.shape(outage_frac):
        raise InputError(Problem("capacities and outage chances differ in number", "give one of each for a unit"))
    is_out = unpacked(failure_words(outage_frac, n_samples, seed), n_samples)
    left = capacity.sum() - is_out @ capacity
    short_h = load.size - np.searchsorted(load, left + _SUM * max(float(capacity.sum()), 1.0), side="right")
    return float(short_h.mean()), float(short_h.std(ddof=1) / np.sqrt(n_samples))
