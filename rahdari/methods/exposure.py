"""How exposed each element is: people and protected demand lost, how easily it is reached, how long it lasts.

Elements are nodes, links and risk groups.  A loss is what no longer reaches any root (an exchange, a core site).
Nodes and links come from one depth-first tree; pairs that cut off more together than one by one are all found
(:mod:`rahdari.methods.exposure_pairs`).  All of it is secret: an attack plan ready for use.  Nothing is printed, the
tables carry the label, and no engine calls this.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods.exposure_pairs import Pair, worst_pairs
from rahdari.methods.network import as_network
from rahdari.methods.reach import SCENARIOS_PER_WORD, csr_of_links, reach
from rahdari.methods.rooted_tree import RootedTree, rooted_tree

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from rahdari.methods.network import AnyNetwork, Network

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

SECRET = "secret"  # noqa: S105 - a label
NODE_REPAIR_H = 24.0  # assumed: equipment must be brought and set up
LINK_REPAIR_H = 12.0  # textbook, as in rahdari.methods.network
PEOPLE_PER_GBPS = 100_000.0  # assumed: what a unit of protected demand weighs beside people
N_PAIRS = 1000
SHOWN = 8


@dataclass(frozen=True, slots=True)
class Exposure:
    """Elements and pairs, the most exposed first; secret, so that printing shows counts alone.

    ``singles``: element_id, kind (node, link, group), n_people and protected_gbps lost, access_ratio, repair_h,
    exposure_people_h = (people + weight x protected demand) x access x repair.  ``pairs``: first_id, second_id, joint
    losses, what they lose beyond the sum of both alone (excess), access (product), repair_h (the shorter) and exposure.
    ``n_pairs`` that exceed the sum were found in all.  No pair outside the table is more exposed than
    ``pair_bound_people_h``: where ``is_complete`` this was shown by listing all of them.
    """

    singles: pl.DataFrame = field(repr=False)
    pairs: pl.DataFrame = field(repr=False)
    n_bridges: int = 0
    n_cut_nodes: int = 0
    n_pairs: int = 0
    pair_bound_people_h: float = 0.0
    is_complete: bool = True
    label: str = SECRET


@dataclass(frozen=True, slots=True, eq=False)
class _Weights:
    """(n,) people and protected demand of nodes, and their sum in people."""

    people: FloatArray
    protected: FloatArray
    people_per_gbps: float

    @property
    def both(self) -> FloatArray:
        return self.people + self.people_per_gbps * self.protected


@dataclass(frozen=True, slots=True, eq=False)
class _Elements:
    """Nodes, then links: (n + m,) access and repair."""

    access: FloatArray
    repair_h: FloatArray


def exposure(
    network: AnyNetwork,
    customers: Mapping[str, float] | ArrayLike,
    *,
    pairs: bool = True,
    roots: Sequence[str] | None = None,
    protected: Mapping[str, float] | ArrayLike | None = None,
    access: Mapping[str, float] | None = None,
    repair_h: Mapping[str, float] | None = None,
    groups: bool = True,
    n_pairs: int = N_PAIRS,
    people_per_gbps: float = PEOPLE_PER_GBPS,
    time_limit_s: float = 60.0,
) -> Exposure:
    """Return how exposed single elements are and, with ``pairs``, the worst pairs that lose more than the sum of both.

    ``customers`` and ``protected`` (Gbit/s) are by node: a mapping, or arrays in the network's order.  ``roots`` are
    the nodes that must be reached, which may fail too; by default the node with the most customers, which does not.
    ``access`` (0 to 1, default 1) and ``repair_h`` are by node, link or group.  Raises :class:`InputError` with every
    problem.  What reaches no root to begin with is not lost.

    >>> from rahdari.methods.network import make_network
    >>> line = make_network("abc", ["ab", "bc"], [("a", "b"), ("b", "c")], 1.0)
    >>> found = exposure(line, {"a": 9.0, "b": 1.0, "c": 2.0})
    >>> found.singles.filter(found.singles["kind"] == "link")["n_people"].to_list()
    [3.0, 2.0]
    """
    network = as_network(network)
    weights = _Weights(
        by_node(network, customers, "customers"), by_node(network, protected, "protected"), people_per_gbps
    )
    elements = _elements(network, access or {}, repair_h or {})
    start = _roots(network, roots, weights.both)
    tree, lost = _single_losses(network, weights, start)
    table = _singles(network, elements, lost)
    if groups and network.risks.group_id:
        table = pl.concat([table, _groups(network, weights, start, (access or {}, repair_h or {}))])
    table = table.with_columns(
        exposure_people_h=(pl.col("n_people") + people_per_gbps * pl.col("protected_gbps"))
        * pl.col("access_ratio") * pl.col("repair_h"),
        classification=pl.lit(SECRET),
    ).sort("exposure_people_h", "kind", "element_id", descending=[True, False, False])  # fmt: skip
    child = tree.order[1:]
    is_of_root = tree.parent[child] == tree.root if roots is not None else np.zeros(child.size, np.bool_)
    n_bridges = int(((tree.low[child] > tree.depth[tree.parent[child]]) & ~is_of_root).sum())
    above = np.unique(tree.parent[child[tree.is_lone(child)]])
    n_cut_nodes = int((above != tree.root).sum())
    if not pairs:
        return Exposure(table, _pair_table((), network, people_per_gbps), n_bridges, n_cut_nodes)
    found = worst_pairs(
        network.n_nodes, network.link_node, start, weights.both, elements.access, elements.repair_h,
        n_worst=n_pairs, time_limit_s=time_limit_s,
    )  # fmt: skip
    named = _pair_table(found.pairs, network, people_per_gbps)
    return Exposure(
        table, named, n_bridges, n_cut_nodes, found.n_pairs, found.bound_outside, found.is_complete
    )  # fmt: skip


def by_node(network: Network, given: Mapping[str, float] | ArrayLike | None, what: str) -> FloatArray:
    """Return (n,) values of zero or more by node."""
    value = np.zeros(network.n_nodes)
    if given is None:
        return value
    if hasattr(given, "items"):
        for name, amount in given.items():
            value[network.node(name)] = amount
    else:
        value = np.asarray(given, np.float64)
        if value.shape != (network.n_nodes,):
            raise InputError(
                Problem(f"{what} has shape {value.shape}", f"give one number for each of {network.n_nodes} nodes")
            )
    wrong = np.flatnonzero(~(np.isfinite(value) & (value >= 0.0)))[:SHOWN].tolist()
    raise_if_any([Problem(f"{what} of {network.node_id[i]!r} is {value[i]:g}", "give zero or more") for i in wrong])
    return value


def _elements(network: Network, access: Mapping[str, float], repair_h: Mapping[str, float]) -> _Elements:
    ids = (*network.node_id, *network.link_id)
    known = {*ids, *network.risks.group_id}
    problems = [
        Problem(f"{name!r} is no element of the network", "name a node, link or group")
        for name in sorted({*access, *repair_h} - known)[:SHOWN]
    ]
    problems += [
        Problem(f"{what} of {name!r} is {value:g}", f"give a number from 0 to {most:g}")
        for what, table, most in (("access", access, 1.0), ("repair_h", repair_h, 1e6))
        for name, value in table.items()
        if not 0.0 <= value <= most
    ]
    raise_if_any(problems)
    default = [NODE_REPAIR_H] * network.n_nodes + [LINK_REPAIR_H] * network.n_links
    return _Elements(
        np.array([access.get(name, 1.0) for name in ids]),
        np.array([repair_h.get(name, usual) for name, usual in zip(ids, default, strict=True)]),
    )


def _roots(network: Network, roots: Sequence[str] | None, weight: FloatArray) -> IntArray | int:
    """Return the numbers of the roots, which may fail; or the one node that does not."""
    if roots is None:
        return int(np.argmax(weight))
    if not roots:
        raise InputError(Problem("there is no root", "name a node that customers must reach, or leave roots away"))
    return np.array(sorted({network.node(name) for name in roots}), np.int64)


def rooted(n_nodes: int, link_node: IntArray, roots: IntArray | int, weight: FloatArray) -> RootedTree:
    """Return the tree from the roots: from one node, or from a node above several, numbered ``n_nodes``."""
    if isinstance(roots, int):
        return rooted_tree(n_nodes, link_node, roots, weight)
    above = np.stack([np.full(roots.size, n_nodes), roots], axis=1)
    return rooted_tree(n_nodes + 1, np.concatenate([link_node, above]), n_nodes, np.append(weight, 0.0))


def _single_losses(
    network: Network, weights: _Weights, roots: IntArray | int
) -> tuple[RootedTree, tuple[FloatArray, FloatArray]]:
    """Return the tree, and (n + m,) people and protected demand lost with each node and link."""
    n, m = network.n_nodes, network.n_links
    found = []
    for weight in (weights.protected, weights.people):
        tree = rooted(n, network.link_node, roots, weight)
        n_all = n if isinstance(roots, int) else n + 1
        at_node = tree.lost_with_node(np.append(weight, 0.0)[:n_all])[:n]
        if isinstance(roots, int):
            at_node[roots] = 0.0
        extra = 0 if isinstance(roots, int) else roots.size
        found.append(np.concatenate([at_node, tree.lost_with_link(m + extra)[:m]]))
    return tree, (found[1], found[0])


def _singles(network: Network, elements: _Elements, lost: tuple[FloatArray, FloatArray]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "element_id": [*network.node_id, *network.link_id],
            "kind": ["node"] * network.n_nodes + ["link"] * network.n_links,
            "n_people": lost[0],
            "protected_gbps": lost[1],
            "access_ratio": elements.access,
            "repair_h": elements.repair_h,
        },
        schema_overrides={"element_id": pl.String, "kind": pl.String},
    )


def _groups(
    network: Network, weights: _Weights, roots: IntArray | int, given: tuple[Mapping[str, float], Mapping[str, float]]
) -> pl.DataFrame:
    """Return the rows of risk groups: all their links and nodes fail at once."""
    risks, n_groups = network.risks, len(network.risks.group_id)
    n_words = -(-n_groups // SCENARIOS_PER_WORD)
    failed = [np.zeros((n_words + 1, size), np.uint64) for size in (network.n_nodes, network.n_links)]
    for group in range(n_groups):
        word, bit = group // SCENARIOS_PER_WORD, np.uint64(1 << (group % SCENARIOS_PER_WORD))
        failed[0][word, risks.nodes_of(group)] |= bit
        failed[1][word, risks.links_of(group)] |= bit
    graph = csr_of_links(network.n_nodes, network.link_node[:, 0], network.link_node[:, 1])
    up = reach(graph, np.atleast_1d(roots), failed[0], failed[1])
    whole = up[n_words] & np.uint64(1)
    lost = np.zeros((2, n_groups))
    for group in range(n_groups):
        word, bit = group // SCENARIOS_PER_WORD, np.uint64(group % SCENARIOS_PER_WORD)
        is_lost = (whole & ~(up[word] >> bit) & np.uint64(1)).astype(np.bool_)
        lost[:, group] = weights.people[is_lost].sum(), weights.protected[is_lost].sum()
    return pl.DataFrame(
        {
            "element_id": list(risks.group_id),
            "kind": ["group"] * n_groups,
            "n_people": lost[0],
            "protected_gbps": lost[1],
            "access_ratio": [given[0].get(name, 1.0) for name in risks.group_id],
            "repair_h": [
                given[1].get(name, float(usual)) for name, usual in zip(risks.group_id, risks.repair_h, strict=True)
            ],
        },
        schema_overrides={"element_id": pl.String, "kind": pl.String},
    )


def _pair_table(pairs: Sequence[Pair], network: Network, people_per_gbps: float) -> pl.DataFrame:
    ids = (*network.node_id, *network.link_id)
    kinds = ["node"] * network.n_nodes + ["link"] * network.n_links
    rows = [
        (
            ids[pair.first], ids[pair.second], kinds[pair.first], kinds[pair.second], pair.lost, pair.excess,
            pair.access, pair.repair_h, pair.score, SECRET,
        )
        for pair in pairs
    ]  # fmt: skip
    numbers = ("lost_people", "excess_people", "access_ratio", "repair_h", "exposure_people_h")
    schema: dict[str, type[pl.DataType]] = {
        **dict.fromkeys(("first_id", "second_id", "first_kind", "second_kind"), pl.String),
        **dict.fromkeys(numbers, pl.Float64),
        "classification": pl.String,
    }
    # Protected demand counts in people here, at the weight given: one number ranks the pairs.
    return pl.DataFrame(rows, schema, orient="row").with_columns(people_per_gbps=pl.lit(people_per_gbps))


def lost_without(
    network: AnyNetwork, customers: Mapping[str, float] | ArrayLike, roots: Sequence[str], failed: Sequence[str]
) -> float:
    """Return the customers that reach a root, and no longer do without the nodes, links and groups ``failed``.

    Follows the network from the roots, apart from the method of :func:`exposure`: what its tables say is checked here.
    """
    network = as_network(network)
    weight = by_node(network, customers, "customers")
    start = np.array(sorted({network.node(name) for name in roots}), np.int64)
    gone = set(failed)
    unknown = sorted(gone - {*network.node_id, *network.link_id, *network.risks.group_id})
    raise_if_any([Problem(f"{name!r} is no element of the network", "name a node, link or group") for name in unknown])
    words = [np.zeros((1, size), np.uint64) for size in (network.n_nodes, network.n_links)]
    for own, ids in zip(words, (network.node_id, network.link_id), strict=True):
        own[0, [i for i, name in enumerate(ids) if name in gone]] = 2
    for group, name in enumerate(network.risks.group_id):
        if name in gone:
            words[0][0, network.risks.nodes_of(group)] = 2
            words[1][0, network.risks.links_of(group)] = 2
    graph = csr_of_links(network.n_nodes, network.link_node[:, 0], network.link_node[:, 1])
    up = reach(graph, start, words[0], words[1])[0]
    return float(weight[(up & np.uint64(3)) == 1].sum())
