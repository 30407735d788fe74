"""One course of an event, hour by hour, for every node and link: what each node lives on, and which links stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rahdari.methods.cascade import PASS_RUNS, Pass, bytes_of, draws_of
from rahdari.methods.cascade_states import WORD_HOURS, _bits, _site_states, _words, typical_draw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from rahdari.methods.cascade import Draws, StressNetwork
    from rahdari.methods.hazard_sampling import Hazard

    Flags = NDArray[np.bool_]
    States = NDArray[np.uint8]
    FloatArray = NDArray[np.float64]

MOMENTS_OF_PASS = 8 * PASS_RUNS


@dataclass(frozen=True, slots=True, eq=False)
class ThingCourse:
    """One draw of an event at hours (t,): ``node_state`` (t, n) of STATES and ``is_link_whole`` (t, m)."""

    hour_h: FloatArray
    draw: int
    node_state: States
    is_link_whole: Flags


def thing_course(
    network: StressNetwork, hazards: Sequence[Hazard], hour_h: ArrayLike, *, n_draws: int, seed: int
) -> ThingCourse:
    """Return the course that :func:`rahdari.methods.cascade_states.course` returns for the same arguments, by thing.

    Links that no place needs count as whole.
    """
    hours = np.atleast_1d(np.asarray(hour_h, np.float64))
    draws = draws_of(network, hazards, hours, n_draws=n_draws, seed=seed)
    draw = typical_draw(draws)
    nodes, links = [], []
    for low in range(0, hours.size, MOMENTS_OF_PASS):
        own = hours[low : low + MOMENTS_OF_PASS]
        node, link = _block(network, draws, own, draw)
        nodes.append(node)
        links.append(link)
    return ThingCourse(hours, draw, np.concatenate(nodes), np.concatenate(links))


def _block(network: StressNetwork, draws: Draws, hours: FloatArray, draw: int) -> tuple[States, Flags]:
    made = draws.made
    moment = np.ascontiguousarray(bytes_of(hours))
    words = _words(draws, moment, draw)
    work = Pass(made)
    work.fail(np.full(moment.shape[0], draw, np.int64), moment, np.tile(draws.latent, (moment.shape[0], 1)), draws.key)
    node: States = np.zeros((hours.size, network.n_nodes), np.uint8)
    link = np.ones((hours.size, network.from_node.size), np.bool_)
    for lane in range(-(-hours.size // WORD_HOURS)):
        first = lane * WORD_HOURS
        n = min(WORD_HOURS, hours.size - first)
        node[first : first + n, made.rows.order] = _site_states(words, lane)[:, :n].T
        link[first : first + n, made.rows.links] = _bits(work.link_up[:, lane])[:, :n].T
    return node, link


__all__ = ["ThingCourse", "thing_course"]
