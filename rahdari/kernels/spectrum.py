"""First fit of spectrum slots along candidate routes, one demand after another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from numba import njit

if TYPE_CHECKING:
    from rahdari.kernels.arrays import Bools, Ints


@njit("int64(boolean[:, ::1], int64[::1], int64, int64, int64, int64)", cache=True)
def first_free(taken: Bools, link: Ints, begin: int, end: int, width: int, limit: int) -> int:
    """Return the lowest slot from which ``width`` slots are free on links ``link[begin:end]``.

    -1 where it would end beyond ``limit``.  A taken slot moves the search behind it, so every slot of a link is looked
    at about once.
    """
    start = 0
    while start + width <= limit:
        step = -1
        for p in range(begin, end):
            row = link[p]
            for slot in range(start + width - 1, start - 1, -1):
                if taken[row, slot]:
                    step = max(step, slot)
                    break
        if step < 0:
            return start
        start = step + 1
    return -1


@njit(
    "int64(int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], boolean[:, ::1], int64[::1], int64[::1])",
    cache=True,
)
def first_fit(
    order: Ints,
    width: Ints,
    route_start: Ints,
    link_start: Ints,
    link: Ints,
    taken: Bools,
    chosen: Ints,
    first_slot: Ints,
) -> int:
    """Assign all demands in ``order`` and return the slots used, or -1 where ``taken`` is too narrow for one.

    ``chosen`` and ``first_slot`` (d,) are filled.

    Demand d has routes ``route_start[d]`` to ``route_start[d + 1]``, route r the links ``link[link_start[r]:...]``.
    The route that ends lowest wins, then the one with fewest links, then the first.  ``taken`` (links, slots) is wiped.
    """
    taken[:] = False
    limit, used = taken.shape[1], 0
    for d in order:
        best_end, best_size, best_route, best_first = limit + 1, 0, -1, -1
        for r in range(route_start[d], route_start[d + 1]):
            size = int(link_start[r + 1] - link_start[r])
            first = first_free(taken, link, link_start[r], link_start[r + 1], width[d], min(limit, best_end))
            if first < 0:
                continue
            end = first + int(width[d])
            if end < best_end or (end == best_end and size < best_size):
                best_end, best_size, best_route, best_first = end, size, r, first
        if best_route < 0:
            return -1
        chosen[d], first_slot[d] = best_route, best_first
        for p in range(link_start[best_route], link_start[best_route + 1]):
            taken[link[p], best_first:best_end] = True
        used = max(used, best_end)
    return used
