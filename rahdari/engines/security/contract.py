"""Ways between junctions as one link each: dead ends go, and what has no branch is one thing for two separate ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


class Stretch(NamedTuple):
    """Ways in order between two junctions or ends."""

    ends: tuple[str, str]
    ways: tuple[str, ...]


def stretches(links: Mapping[str, tuple[str, str]], ends: Collection[str]) -> dict[str, Stretch]:
    """Return the stretches between junctions and ``ends``, each under the first of its ways by name.

    ``links``: the two nodes of each way.  Dead ends without an end of a pair, and rings on one junction, are left out:
    no two ways that share nothing need them.

    >>> found = stretches({"x": ("a", "b"), "y": ("b", "c"), "z": ("b", "d")}, {"a", "c"})
    >>> found
    {'x': Stretch(ends=('a', 'c'), ways=('x', 'y'))}
    """
    at = _without_dead_ends(links, set(ends))
    kept = set(ends) & set(at)
    junctions = {node for node, held in at.items() if len(held) != 2 or node in kept}  # noqa: PLR2004 - no branch
    found: dict[str, Stretch] = {}
    seen: set[str] = set()
    for start in sorted(junctions):
        for first in sorted(at[start]):
            if first in seen:
                continue
            ways, node, name = [first], at[start][first], first
            while node not in junctions:
                name = next(each for each in at[node] if each != name)
                ways.append(name)
                node = at[node][name]
            seen.update((ways[0], ways[-1]))
            if node != start:
                found[min(ways)] = Stretch((start, node), tuple(ways))
    return found


def _without_dead_ends(links: Mapping[str, tuple[str, str]], ends: set[str]) -> dict[str, dict[str, str]]:
    """Return for each node left its ways and the nodes at their other ends."""
    at: dict[str, dict[str, str]] = {}
    for name, (a, b) in sorted(links.items()):
        if a != b:
            at.setdefault(a, {})[name] = b
            at.setdefault(b, {})[name] = a
    waiting = [node for node, held in at.items() if len(held) == 1 and node not in ends]
    while waiting:
        node = waiting.pop()
        for name, other in at.pop(node, {}).items():
            del at[other][name]
            if len(at[other]) <= 1 and other not in ends:
                waiting.append(other)
    return at


def members_of(members: pl.DataFrame, found: Mapping[str, Stretch]) -> pl.DataFrame:
    """Return members of risk groups by stretch; groups that strike one stretch alone are left out."""
    of_way = [(way, name) for name, stretch in found.items() for way in stretch.ways]
    schema = {"member_id": pl.String, "stretch_id": pl.String}
    number = pl.DataFrame(of_way, schema, orient="row")
    held = (
        members.join(number, on="member_id").select("risk_group_id", pl.col("stretch_id").alias("member_id")).unique()
    )
    return held.filter(pl.len().over("risk_group_id") > 1).sort("risk_group_id", "member_id")
