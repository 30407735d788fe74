"""The best plan of every hub: for each modulation the fewest channels, then the modulation that carries most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from rahdari.kernels.hub import STREAMS, clique_size, colour_graph, conflicts, rate_links

if TYPE_CHECKING:
    from rahdari.kernels.arrays import Floats, Ints

#: Columns of the result of a hub.
N_CHANNELS, LEAST, LEVEL, RATE, N_SERVED = 0, 1, 2, 3, 4
N_HUB_FIELDS = 5
N_LINK_FIELDS = 5  # colour, then the four rows of rate_links
GIVEN_LEVEL = -1  # the plan given was kept


@njit("float64(float64[:, ::1], float64[:, ::1], float64[::1], int64, int64, int64)", cache=True)
def _rate(links: Floats, out: Floats, efficiency: Floats, first: int, n: int, n_channels: int) -> float:
    """Return the bits per second and hertz of the whole spectrum that a hub carries."""
    total = 0.0
    for a in range(n):
        if out[0, a] >= 0:
            total += efficiency[int(out[0, a])] * links[STREAMS, first + a]
    return total / n_channels


@njit("void(float64[:, ::1], float64[:, ::1], int64[::1], int64, int64)", cache=True)
def _keep(link_out: Floats, out: Floats, colour: Ints, first: int, n: int) -> None:
    """Copy a hub's plan into the arrays of all links."""
    for a in range(n):
        link_out[0, first + a] = colour[a]
        for row in range(4):
            link_out[row + 1, first + a] = out[row, a]


@njit(
    "void(float64[:, ::1], float64[:, ::1], int64[::1], int64[::1], float64[::1], float64[::1], float64, int64,"
    " int64[::1], float64[:, ::1], float64[:, ::1])",
    cache=True,
)
def plan_hubs(
    links: Floats,
    pairs: Floats,
    start: Ints,
    pair_start: Ints,
    needed: Floats,
    efficiency: Floats,
    angle_deg: float,
    most_nodes: int,
    given: Ints,
    hub_out: Floats,
    link_out: Floats,
) -> None:
    """Fill ``hub_out`` (hubs, 5) and ``link_out`` (5, links) with the plan of each hub that carries most.

    ``given`` (links,) is a plan to do at least as well as, or -1.  More links that carry anything come first, then the
    rate; equal plans go to the one found first: the one given, then the lowest modulation.  The least number of a plan
    given is left at 1.
    """
    for hub in range(start.size - 1):
        first, n, pair_first = start[hub], start[hub + 1] - start[hub], pair_start[hub]
        near, before = np.zeros(n, np.int64), np.full(n, -1)
        colour, out = np.zeros(n, np.int64), np.zeros((4, n))
        hub_out[hub, N_SERVED] = -1.0
        is_given = given[first] >= 0
        for step in range(1 + (needed.size if angle_deg < 0.0 else 1)):
            level = step - 1
            least = n_channels = 1
            if level == GIVEN_LEVEL:
                if not is_given:
                    continue
                colour[:] = given[first : first + n]
                n_channels = colour.max() + 1
            else:
                conflicts(links, pairs, first, pair_first, n, needed[level], angle_deg, near)
                if np.array_equal(near, before):
                    continue
                before[:] = near
                least = clique_size(near, n)
                nodes = colour_graph(near, n, least, most_nodes, colour)
                n_channels = colour.max() + 1
                least = n_channels if nodes >= 0 else least
            served = rate_links(links, pairs, first, pair_first, n, n_channels, needed, colour, out)
            rate = _rate(links, out, efficiency, first, n, n_channels)
            is_better = served > hub_out[hub, N_SERVED]
            if is_better or (served == hub_out[hub, N_SERVED] and rate > hub_out[hub, RATE]):
                hub_out[hub, N_CHANNELS], hub_out[hub, LEAST] = n_channels, least
                hub_out[hub, LEVEL], hub_out[hub, RATE], hub_out[hub, N_SERVED] = level, rate, served
                _keep(link_out, out, colour, first, n)
