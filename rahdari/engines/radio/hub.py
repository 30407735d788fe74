"""What interference cancellation does for a microwave hub, derived and never entered.

Links of a hub that lie closer in azimuth than a least angle need different channels.  Cancellation narrows that
angle; the channels saved, over random hubs, are the gain in capacity at equal spectrum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LINKS_PER_HUB = (3, 4, 6, 8)  # sizes of hub averaged
HUBS_PER_SIZE = 100  # random hubs drawn for each size
TURN_DEG = 360.0
ANGLE_ANTENNA_ONLY_DEG = 32.0  # where ITU-R F.699 gives 40 dB for 0.6 m at 18 GHz: better antennas, no cancellation
ANGLE_CAUTIOUS_DEG = 90.0  # planners who keep links in different quarters apart


def _can_colour(is_near: NDArray[np.bool_], n_channels: int) -> bool:
    """Return whether the links can be given ``n_channels`` so that near ones differ (exact search)."""
    n = is_near.shape[0]
    channel = [-1] * n

    def place(link: int) -> bool:
        if link == n:
            return True
        used = max(channel[:link], default=-1)
        for c in range(min(n_channels, used + 2)):
            if all(not (is_near[link, other] and channel[other] == c) for other in range(link)):
                channel[link] = c
                if place(link + 1):
                    return True
        channel[link] = -1
        return False

    return place(0)


def channels_needed(azimuth_deg: NDArray[np.float64], least_angle_deg: float) -> int:
    """Return the least number of channels for (n,) links, n up to about ten (exact).

    >>> channels_needed(np.array([0.0, 10.0, 180.0]), 60.0)
    2
    """
    half = TURN_DEG / 2.0
    apart = np.abs((azimuth_deg[:, None] - azimuth_deg[None] + half) % TURN_DEG - half)
    is_near = (apart < least_angle_deg) & ~np.eye(azimuth_deg.size, dtype=bool)
    return next(n for n in range(1, azimuth_deg.size + 1) if _can_colour(is_near, n))


def capacity_gain_ratio(random: np.random.Generator, before_deg: float, after_deg: float) -> float:
    """Return channels needed before over after, averaged over hubs of several sizes: capacity at equal spectrum."""
    ratios = []
    for n_links in LINKS_PER_HUB:
        before = after = 0
        for azimuth_deg in random.uniform(0.0, TURN_DEG, (HUBS_PER_SIZE, n_links)):
            before += channels_needed(azimuth_deg, before_deg)
            after += channels_needed(azimuth_deg, after_deg)
        ratios.append(before / after)
    return float(np.mean(ratios))
