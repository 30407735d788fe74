"""Published networks beside the checkout: counts, costs and structure known from elsewhere."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from rahdari import backbone
from rahdari.errors import InputError
from rahdari.sources.networks.files import load_instance, load_network, read_network
from rahdari.sources.networks.writing import write_network
from tests.sources.networks.samples import same

if TYPE_CHECKING:
    from pathlib import Path

    from rahdari.methods.instance import Instance

pytestmark = pytest.mark.shared
NAMES = ("polska", "nobel-germany", "nobel-eu")


def nominal_cost(instance: Instance) -> float:
    """Return the cost of carrying every demand on its cheapest path."""
    n = len(instance.node_id)
    a, b = instance.link_node.T
    graph = coo_array((instance.link_unit_cost, (a, b)), shape=(n, n)).tocsr()
    apart = dijkstra(graph, directed=False)
    return float(apart[instance.demand_node[:, 0], instance.demand_node[:, 1]] @ instance.demand_value)


@pytest.mark.parametrize("name", NAMES)
def test_an_sndlib_network_has_its_counts_and_its_nominal_cost(shared_folder: Path, name: str) -> None:
    folder = shared_folder / "validation" / "backbone"
    lines = [line for line in (folder / "reference_values.csv").read_text().splitlines() if not line.startswith("#")]
    expected = next(row for row in csv.DictReader(lines) if row["instance"] == name)
    instance = load_instance(folder / f"{name}.txt")
    counts = [len(instance.node_id), len(instance.link_id), len(instance.demand_id)]
    assert counts == [int(expected[column]) for column in ("nodes", "links", "demands")]
    assert nominal_cost(instance) == pytest.approx(float(expected["nominal"]), rel=2e-6)  # printed to 0.1
    assert instance.name == name


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("suffix", [".txt", ".graphml", ".geojson"])
def test_an_sndlib_network_survives_other_formats(shared_folder: Path, tmp_path: Path, name: str, suffix: str) -> None:
    instance = load_instance(shared_folder / "validation" / "backbone" / f"{name}.txt")
    write_network(instance, tmp_path / f"{name}{suffix}")
    assert same(load_instance(tmp_path / f"{name}{suffix}"), instance)


def test_the_topology_zoo_gives_pakistans_research_network(shared_folder: Path) -> None:
    network = load_network(shared_folder / "validation" / "backbone" / "Pern.graphml")
    graph = nx.Graph(network.instance.link_node.tolist())
    assert (len(network.instance.node_id), len(network.instance.link_id)) == (127, 129)
    assert len(list(nx.bridges(graph))) == 118
    assert len(list(nx.articulation_points(graph))) == 9
    assert network.instance.node_lon_deg is not None
    assert int(np.isfinite(network.instance.node_lon_deg).sum()) == 8


def test_west_african_fibre_reads_but_for_its_one_empty_feature_and_its_one_ring(shared_folder: Path) -> None:
    path = shared_folder / "data" / "fibre_west_africa" / "combined_lines.geojson"
    lines = len(json.loads(path.read_text(encoding="utf-8"))["features"])
    found = read_network(path, crossings="keep")
    assert found.problems == ()
    assert found.network is not None
    assert len(found.network.instance.link_id) == lines - 2
    assert "1 feature has no geometry and was left out: row 564" in found.warnings


def test_what_the_readers_return_can_be_asked_for_routes_availability_and_capacity(shared_folder: Path) -> None:
    path = str(shared_folder / "validation" / "backbone" / "polska.txt")
    instance, network = backbone.read_sndlib(path), backbone.read_network(path)
    made = backbone.network_of_instance(instance)
    pairs = [backbone.disjoint_routes(each, "Gdansk", "Krakow") for each in (made, instance, network)]
    assert pairs[0].is_disjoint
    assert pairs[0] == pairs[1] == pairs[2]
    up = [float(backbone.two_terminal_availability(each, "Gdansk", "Krakow")) for each in (made, instance, network)]
    assert up[0] == up[1] == up[2]
    design = backbone.design_survivable(network, gap=1e-2)
    backbone.verify_design(network, design)
    with pytest.raises(InputError, match="is no network"):
        backbone.disjoint_routes(path, "Gdansk", "Krakow")  # type: ignore[arg-type]  # the fault in question
