"""Exposure of every element of a 20,000-node network, and the 1,000 worst pairs that lose more than the sum.

The peer removes elements one by one and follows the network with scipy, timed on a sample and scaled to all; pairs are
compared on the sample of pairs that we name, each of which the peer recomputes.
"""

from __future__ import annotations

import json
import time

import numpy as np
from planar import named, planar_links
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from rahdari.methods.exposure import exposure
from rahdari.methods.network import Network, make_network

N_NODES, N_LINKS, N_ROOTS, N_SAMPLE, N_PAIRS = 20_000, 24_000, 5, 60, 1000
TARGET_SINGLES_S, TARGET_CUTS_S, TARGET_PAIRS_S = 5.0, 0.2, 60.0


def lost_without(network: Network, customers: np.ndarray, roots: np.ndarray, gone: list[int]) -> float:
    """Return the customers cut off from the roots without elements, by the parts that are left."""
    n = network.n_nodes
    is_up, is_kept = np.ones(n, np.bool_), np.ones(network.n_links, np.bool_)
    for element in gone:
        if element < n:
            is_up[element] = False
        else:
            is_kept[element - n] = False
    pair = network.link_node[is_kept & is_up[network.link_node].all(axis=1)]
    graph = coo_array((np.ones(len(pair), np.int8), (pair[:, 0], pair[:, 1])), shape=(n, n))
    label = connected_components(graph, directed=False)[1]
    joined = np.isin(label, label[roots[is_up[roots]]]) & is_up
    return float(customers[~joined].sum())


def main() -> None:
    """Measure singles, cuts alone and pairs; check every named pair against the peer."""
    _, pair, km = planar_links(N_NODES, N_LINKS, 1)
    network = make_network(*named(pair, N_NODES), km)
    customers = np.random.Generator(np.random.Philox(1)).lognormal(5.0, 1.0, N_NODES)
    roots = np.arange(0, N_NODES, N_NODES // N_ROOTS)
    names = [network.node_id[i] for i in roots.tolist()]
    exposure(network, customers, roots=names, n_pairs=1)
    spent = []
    for is_pairs in (False, True):
        start = time.process_time()
        found = exposure(network, customers, roots=names, pairs=is_pairs, n_pairs=N_PAIRS)
        spent.append(time.process_time() - start)
    n_elements = N_NODES + N_LINKS
    chosen = np.random.Generator(np.random.Philox(2)).choice(n_elements, N_SAMPLE, replace=False).tolist()
    ids = (*network.node_id, *network.link_id)
    ours = dict(found.singles.select("element_id", "n_people").iter_rows())
    start = time.process_time()
    peer = [lost_without(network, customers, roots, [element]) for element in chosen]
    each_s = (time.process_time() - start) / N_SAMPLE
    apart = max(abs(ours[ids[i]] - value) for i, value in zip(chosen, peer, strict=True))
    place = {name: i for i, name in enumerate(ids)}
    rows = found.pairs.select("first_id", "second_id", "lost_people").iter_rows()
    wrong = sum(
        bool(abs(lost_without(network, customers, roots, [place[a], place[b]]) - lost) > 1e-6 * customers.sum())
        for a, b, lost in rows
    )
    peer_pairs_s = each_s * n_elements * (n_elements - 1) / 2.0
    line = {"bench": "exposure", "n_nodes": N_NODES, "n_links": N_LINKS, "singles_s": round(spent[0], 3)}
    line |= {"peer_singles_s": round(each_s * n_elements, 1), "ratio": round(each_s * n_elements / spent[0])}
    line |= {"pairs_s": round(spent[1], 2), "peer_pairs_s": round(peer_pairs_s), "n_pairs_found": found.n_pairs}
    line |= {"n_pairs_named": found.pairs.height, "n_named_wrong": wrong, "is_complete": found.is_complete}
    line |= {"n_bridges": found.n_bridges, "n_cut_nodes": found.n_cut_nodes, "largest_difference_people": apart}
    line |= {"target_singles_s": TARGET_SINGLES_S, "target_cuts_s": TARGET_CUTS_S, "target_pairs_s": TARGET_PAIRS_S}
    print(json.dumps(line))


if __name__ == "__main__":
    main()
