"""Which things, groups of things and pairs matter most: exact, for authorised users only.

Each thing is failed by itself, 512 at a time, and the people who lose service are counted: no sampling.  Weighted with
the hours in which the thing itself is down, this is what its failures cost.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from rahdari.errors import InputError, Problem
from rahdari.kernels.cascade import add_bits, places_out
from rahdari.kernels.reach import LANES
from rahdari.methods.cascade import ready
from rahdari.methods.reach import SCENARIOS_PER_WORD, reach_prepared
from rahdari.methods.stress_runs import things_down_h_per_year

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from rahdari.methods.cascade import Ready, StressNetwork
    from rahdari.methods.hazard_sampling import Hazard

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

N_WORST, N_PAIRED, N_RUNS = 20, 40, 4096
_AT_ONCE = LANES * SCENARIOS_PER_WORD


def people_out(network: StressNetwork, failed: Sequence[ArrayLike], service: int = 0) -> FloatArray:
    """Return (k,) the people who lose a service in each scenario, a list of the things that have failed.

    Exact: every scenario is searched.  Places that no root reaches when all is well count in each.
    """
    made = ready(network, ())
    total = np.zeros(len(failed))
    for low in range(0, len(failed), _AT_ONCE):
        total[low : low + _AT_ONCE] = _people_of(made, network, failed[low : low + _AT_ONCE], service)
    return total


def _people_of(made: Ready, network: StressNetwork, failed: Sequence[ArrayLike], service: int) -> FloatArray:
    n, rows = network.n_nodes, made.rows
    words = np.zeros((LANES, network.n_things), np.uint64)
    for s, things in enumerate(failed):
        words[s // SCENARIOS_PER_WORD, np.asarray(things, np.int64)] |= np.uint64(1) << np.uint64(
            s % SCENARIOS_PER_WORD
        )
    out, sums = np.zeros((LANES, network.people.size), np.uint64), np.zeros((LANES, SCENARIOS_PER_WORD))

    def count(_low: int, _high: int, found: NDArray[np.uint64]) -> None:
        places_out(found, made.service_first[service], made.service_row[service], made.service_needed[service], out)
        add_bits(out, network.people, sums)

    only = replace(rows, roots=made.service_roots[service])
    reach_prepared(only, np.ascontiguousarray(words[:, :n]), np.ascontiguousarray(words[:, n:]), count)
    return np.asarray(sums.reshape(-1)[: len(failed)], np.float64)


def worst(
    network: StressNetwork,
    hazards: Sequence[Hazard],
    *,
    is_authorised: bool = False,
    thing_id: Sequence[str] | None = None,
    groups: dict[str, ArrayLike] | None = None,
    n_worst: int = N_WORST,
    n_paired: int = N_PAIRED,
    n_runs: int = N_RUNS,
    seed: int = 1,
    service: int = 0,
    **options: Any,  # noqa: ANN401  # those of things_down_h_per_year
) -> pl.DataFrame:
    """Return the things, groups (feeders, ducts) and pairs whose failure cuts most people off; authorised users only.

    Columns: kind (thing, group, pair), name, people_out, down_h_per_year (None for groups and pairs) and
    customer_h_per_year, their product.  Things are the ``n_worst`` by customer-hours, pairs the ``n_worst`` by the
    people they cut off beyond the sum of each alone, among the ``n_paired`` things that cut off most.  Without
    ``is_authorised`` it raises :class:`InputError`: such lists help an attacker and never leave the machine by default.
    """
    if not is_authorised:
        what = "the things that matter most are shown to authorised users only"
        raise InputError(Problem(what, "pass is_authorised=True where your organisation permits it"))
    names = [str(i) for i in range(network.n_things)] if thing_id is None else list(thing_id)
    base = people_out(network, [[]], service)[0]
    alone = people_out(network, [[i] for i in range(network.n_things)], service) - base
    down_h = things_down_h_per_year(network, hazards, n_runs, seed, **options)
    cost = alone * down_h
    rows: list[tuple[str, str, float, float | None, float | None]] = []
    order = np.lexsort((np.arange(cost.size), -alone, -cost))[:n_worst]
    rows += [("thing", names[i], float(alone[i]), float(down_h[i]), float(cost[i])) for i in order.tolist()]
    if groups:
        keys = sorted(groups)
        lost = people_out(network, [groups[key] for key in keys], service) - base
        by = np.lexsort((np.arange(lost.size), -lost))[:n_worst]
        rows += [("group", keys[i], float(lost[i]), None, None) for i in by.tolist()]
    most = np.sort(np.lexsort((np.arange(alone.size), -alone))[:n_paired])
    pairs = list(combinations(most.tolist(), 2))
    if pairs:
        together = people_out(network, pairs, service) - base
        beyond = together - np.array([alone[a] + alone[b] for a, b in pairs])
        by = np.lexsort((np.arange(len(pairs)), -together, -beyond))[:n_worst]
        rows += [
            ("pair", f"{names[pairs[i][0]]} + {names[pairs[i][1]]}", float(together[i]), None, None)
            for i in by.tolist()
        ]
    columns = ("kind", "name", "people_out", "down_h_per_year", "customer_h_per_year")
    kinds = (pl.String, pl.String, pl.Float64, pl.Float64, pl.Float64)
    return pl.DataFrame(rows, schema=dict(zip(columns, kinds, strict=True)), orient="row")
