"""World highways and railways from scgraph-data (OpenStreetMap, ODbL 1.0).

The package holds each network as one Python literal of up to 36 MB that takes half a
minute to import.  It is parsed here as text, once, into arrays kept in a cache folder.
The arrays are a database derived from OpenStreetMap: they are made on the user's machine
at set-up and are not shipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Literal
from zipfile import BadZipFile

import numpy as np

from rahdari.errors import InputError, Problem
from rahdari.sources.packages.locate import package_file
from rahdari.store.atomic import replacing

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SOURCE_ID_ROADS = "osm-highways"
SOURCE_ID_RAILWAYS = "osm-railways"
ODBL_NOTICE = (
    "Contains information from OpenStreetMap, which is made available under the Open Database License (ODbL) 1.0; "
    "(c) OpenStreetMap contributors"
)
_NOTE = f"{ODBL_NOTICE}. Simplified: straight between nodes, without classes or names; lengths are way kilometres"
SOURCES = (
    {
        "source_id": SOURCE_ID_ROADS,
        "title": "World highway network of OpenStreetMap, simplified, by the package scgraph-data",
        "publisher": "OpenStreetMap contributors",
        "licence": "ODbL 1.0 (package: MIT)",
        "kind": "derived",
        "locator": "PyPI scgraph-data, world_highways",
        "note": _NOTE,
    },
    {
        "source_id": SOURCE_ID_RAILWAYS,
        "title": "World railway network of OpenStreetMap, simplified, by the package scgraph-data",
        "publisher": "OpenStreetMap contributors",
        "licence": "ODbL 1.0 (package: MIT)",
        "kind": "derived",
        "locator": "PyPI scgraph-data, world_railways",
        "note": _NOTE,
    },
)

CACHE_VERSION = 1
MILLI = 1000.0  # the package prints three decimals of degrees and of kilometres

Network = Literal["highways", "railways"]


@dataclass(frozen=True, slots=True)
class WayGraph:
    """An undirected graph of ways: nodes (n,) in degrees, edges (m,) with ``edge_from < edge_to``, way km."""

    lon_deg: NDArray[np.float64]
    lat_deg: NDArray[np.float64]
    edge_from: NDArray[np.int32]
    edge_to: NDArray[np.int32]
    length_km: NDArray[np.float64]

    def clipped(self, keep: NDArray[np.bool_]) -> WayGraph:
        """Return the part whose nodes are kept, (n,) flags, and the edges between them."""
        index = np.cumsum(keep, dtype=np.int32) - 1
        edges = keep[self.edge_from] & keep[self.edge_to]
        return WayGraph(
            self.lon_deg[keep],
            self.lat_deg[keep],
            index[self.edge_from[edges]],
            index[self.edge_to[edges]],
            self.length_km[edges],
        )


def _numbers(text: bytes, punctuation: bytes) -> NDArray[np.float64]:
    blanked = text.translate(bytes.maketrans(punctuation, b" " * len(punctuation)))
    numbers: NDArray[np.float64] = np.fromstring(blanked.decode("ascii"), sep=" ")
    return numbers


def parse_way_graph(text: bytes) -> WayGraph:
    r"""Return the graph written as ``graph=[{neighbour: km, ...}, ...]`` and ``nodes=[[lat, lon], ...]``.

    Loops are dropped and both directions of an edge are made one.  A text of another form raises
    :class:`InputError`.

    >>> graph = parse_way_graph(b"graph=[{1: 2.5}, {0: 2.5}]\nnodes=[[30.0, 70.0], [30.02, 70.01]]\n")
    >>> graph.length_km.tolist(), graph.lat_deg.tolist()
    ([2.5], [30.0, 30.02])
    """
    start, middle = text.find(b"graph="), text.find(b"\nnodes=")
    stop = text.rfind(b"]]")
    if min(start, middle, stop) < 0:
        raise InputError(Problem("the road package has another form than expected", "install scgraph-data 2.0.0"))
    body = text[start + len(b"graph=") : middle]
    pairs = _numbers(body, b"[]{}:,").reshape(-1, 2)
    latlon = _numbers(text[middle + len(b"\nnodes=") : stop + 2], b"[],").reshape(-1, 2)
    letters = np.frombuffer(body, dtype=np.uint8)
    ends = np.flatnonzero(letters == ord("}"))
    n_before = np.searchsorted(np.flatnonzero(letters == ord(":")), ends)
    if len(ends) != len(latlon) or n_before[-1] != len(pairs):
        raise InputError(Problem("the road package is damaged: counts do not agree", "reinstall scgraph-data"))
    origin = np.repeat(np.arange(len(ends)), np.diff(n_before, prepend=0))
    target = pairs[:, 0].astype(np.int64)
    low, high = np.minimum(origin, target), np.maximum(origin, target)
    real = low != high
    order = np.lexsort((pairs[real, 1], high[real], low[real]))
    low, high, km = low[real][order], high[real][order], pairs[real, 1][order]
    first = np.ones(len(low), dtype=bool)
    first[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    return WayGraph(latlon[:, 1], latlon[:, 0], low[first].astype(np.int32), high[first].astype(np.int32), km[first])


def _keep(path: Path, graph: WayGraph) -> None:
    """Write the arrays in thousandths, so that another process sees the old file or the new one, never half."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            lon=np.rint(graph.lon_deg * MILLI).astype(np.int32),
            lat=np.rint(graph.lat_deg * MILLI).astype(np.int32),
            edge_from=graph.edge_from,
            edge_to=graph.edge_to,
            length=np.rint(graph.length_km * MILLI).astype(np.int32),
        )


def world_ways(network: Network, cache_dir: Path) -> WayGraph:
    """Return the world's main highways or railways, parsed on first use and kept in ``cache_dir``.

    A damaged file is made anew, and so is that of another version of the package.
    """
    path = cache_dir / f"scgraph-{network}-{version('scgraph-data')}-{CACHE_VERSION}.npz"
    try:
        # Opened here: NumPy leaves a damaged file open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return WayGraph(
                stored["lon"] / MILLI,
                stored["lat"] / MILLI,
                stored["edge_from"],
                stored["edge_to"],
                stored["length"] / MILLI,
            )
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        graph = parse_way_graph(package_file("scgraph_data", f"world_{network}.py").read_bytes())
    _keep(path, graph)
    return graph
