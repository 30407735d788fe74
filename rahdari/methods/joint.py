"""Availability of ways that share legs and common causes, exactly: a mixture over joint scenarios.

A cause is active for a share of time, independently of other causes.  Given which causes are active, every
system of every leg fails independently: alone with its own availability, and struck by each active cause with
the cause's chance of hitting it.  A leg is up while one of its systems is; a way while all its legs are.
Sources: Barlow and Proschan, Statistical Theory of Reliability (1975), for the conditioning; inclusion and
exclusion over ways keeps legs that several ways share exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rahdari.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    Own = tuple[FloatArray, FloatArray]

MAX_CAUSES = 16  # 65,536 scenarios; more would take seconds and says little
MAX_WAYS = 8  # 255 intersections of ways


def scenarios(active_frac: FloatArray) -> tuple[NDArray[np.bool_], FloatArray]:
    """Return all (2**k, k) joint states of k independent causes and their chances (2**k,).

    ``active_frac`` (k,) is the share of time in which each cause acts.  More than 16 causes raise
    :class:`InputError`.

    >>> state, chance = scenarios(np.array([0.1]))
    >>> state.tolist(), chance.tolist()
    ([[False], [True]], [0.9, 0.1])
    """
    k = active_frac.size
    if k > MAX_CAUSES:
        what = f"{k} common causes act on one set of ways"
        raise InputError(Problem(what, f"merge rare ones: at most {MAX_CAUSES} are taken"))
    state = (np.arange(2**k)[:, None] >> np.arange(k)[None, :] & 1).astype(np.bool_)
    return state, np.where(state, active_frac, 1.0 - active_frac).prod(axis=1)


def legs_up_frac(
    state: NDArray[np.bool_], hit_frac: FloatArray, systems_frac: Sequence[FloatArray], own: Sequence[Own] = ()
) -> FloatArray:
    """Return (s, m) chances that each of m legs is up in each of s scenarios.

    ``state`` (s, k) says which causes act, ``hit_frac`` (k, m) how likely each then strikes a system of a leg,
    and ``systems_frac`` holds for each leg the availabilities of its systems, of which one is enough.  ``own``
    gives for each leg (active share, hit chance) of causes that no other leg feels.
    """
    spared = np.ones((state.shape[0], len(systems_frac)))
    for cause in range(state.shape[1]):
        spared *= np.where(state[:, cause, None], 1.0 - hit_frac[cause], 1.0)
    up = np.zeros_like(spared)
    for leg, systems in enumerate(systems_frac):
        own_active, own_hit = own[leg] if own else (np.zeros(0), np.zeros(0))
        own_state, own_chance = scenarios(own_active)
        own_spared = np.where(own_state, 1.0 - own_hit, 1.0).prod(axis=1)
        for chance, kept in zip(own_chance.tolist(), own_spared.tolist(), strict=True):
            up[:, leg] += chance * (1.0 - np.prod(1.0 - kept * spared[:, leg, None] * systems[None, :], axis=1))
    return up


@dataclass(frozen=True, slots=True)
class Joint:
    """The joint law of ways: chances of scenarios, and of every set of ways being up together in each.

    ``chance`` (s,), ``together_frac`` (s, 2**w): column ``b`` is for the ways whose bits are set in ``b``;
    column 0 is 1.
    """

    chance: FloatArray
    together_frac: FloatArray

    def availability_frac(self, ways: int) -> float:
        """Return the long-run share of time in which at least one way of the bit set ``ways`` is up; 0 for none."""
        up = np.zeros(self.chance.size)
        subset = ways
        while subset:
            sign = 1.0 if subset.bit_count() % 2 else -1.0
            up += sign * self.together_frac[:, subset]
            subset = (subset - 1) & ways
        return float(self.chance @ np.clip(up, 0.0, 1.0))


def joint_law(
    ways: Sequence[Sequence[int]], systems_frac: Sequence[FloatArray], active_frac: FloatArray, hit_frac: FloatArray
) -> Joint:
    """Return the joint law of ``ways``, each a set of leg numbers; at most 8 ways.

    ``systems_frac`` and ``hit_frac`` are as in :func:`legs_up_frac`, ``active_frac`` (k,) as in :func:`scenarios`;
    an active share of 1 conditions on the cause.  A cause that only one leg of the ways feels is summed out within
    that leg, so time grows as 2**(causes that legs share) times 2**w.

    >>> law = joint_law([[0], [1]], [np.array([0.9]), np.array([0.8])], np.zeros(0), np.zeros((0, 2)))
    >>> round(law.availability_frac(0b11), 12)
    0.98
    """
    if len(ways) > MAX_WAYS:
        raise InputError(Problem(f"{len(ways)} ways join one pair", f"give at most {MAX_WAYS}"))
    used = sorted({leg for way in ways for leg in way})
    place = {leg: number for number, leg in enumerate(used)}
    hit = hit_frac[:, used]
    n_felt = (hit > 0.0).sum(axis=1)
    is_own = n_felt == 1
    own = [
        (active_frac[is_own & (hit[:, leg] > 0.0)], hit[is_own & (hit[:, leg] > 0.0), leg]) for leg in place.values()
    ]
    state, chance = scenarios(active_frac[n_felt > 1])
    up = legs_up_frac(state, hit[n_felt > 1], [systems_frac[leg] for leg in used], own)
    together = np.ones((chance.size, 2 ** len(ways)))
    for subset in range(1, 2 ** len(ways)):
        legs = sorted({place[leg] for number, way in enumerate(ways) if subset >> number & 1 for leg in way})
        together[:, subset] = up[:, legs].prod(axis=1)
    return Joint(chance, together)
