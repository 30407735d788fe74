"""Small hand-made networks in every format, and networks made by Hypothesis."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st

from rahdari.methods.geo import great_circle_km
from rahdari.methods.instance import Instance

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

NATIVE = """?SNDlib native format; type: network; version: 1.0
# network triangle

NODES (
  A ( 70.00 30.00 )
  B ( 71.00 30.00 )
  C ( 70.00 31.00 )
)

LINKS (
  L1 ( A B ) 5.00 0.00 0.00 0.00 ( 10.00 20.00 40.00 60.00 )
  L2 ( B C ) 0.00 0.00 0.00 0.00 ( 10.00 30.00 )
  L3 ( A C ) 0.00 0.00 0.00 0.00 ( 10.00 100.00 )
)

DEMANDS (
  D1 ( A C ) 2 3.50 UNLIMITED
)

ADMISSIBLE_PATHS (
  D1 (
    P_0 ( L3 )
    P_1 ( L1 L2 )
  )
)
"""

XML = """<?xml version="1.0" encoding="ISO-8859-1"?>
<network xmlns="http://sndlib.zib.de/network" version="1.0">
 <networkStructure>
  <nodes coordinatesType="geographical">
   <node id="A"><coordinates><x>70.0</x><y>30.0</y></coordinates></node>
   <node id="B"><coordinates><x>71.0</x><y>30.0</y></coordinates></node>
   <node id="C"><coordinates><x>70.0</x><y>31.0</y></coordinates></node>
  </nodes>
  <links>
   <link id="L1"><source>A</source><target>B</target>
    <preInstalledModule><capacity>5.0</capacity><cost>0.0</cost></preInstalledModule>
    <additionalModules>
     <addModule><capacity>10.0</capacity><cost>20.0</cost></addModule>
     <addModule><capacity>40.0</capacity><cost>60.0</cost></addModule>
    </additionalModules>
   </link>
   <link id="L2"><source>B</source><target>C</target>
    <additionalModules><addModule><capacity>10.0</capacity><cost>30.0</cost></addModule></additionalModules>
   </link>
   <link id="L3"><source>A</source><target>C</target>
    <additionalModules><addModule><capacity>10.0</capacity><cost>100.0</cost></addModule></additionalModules>
   </link>
  </links>
 </networkStructure>
 <demands>
  <demand id="D1"><source>A</source><target>C</target>
   <routingUnit>2</routingUnit><demandValue>3.5</demandValue></demand>
 </demands>
</network>
"""

GRAPHML = """<?xml version="1.0" encoding="utf-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
  <key attr.name="Longitude" attr.type="double" for="node" id="d1" />
  <key attr.name="Latitude" attr.type="double" for="node" id="d2" />
  <key attr.name="label" attr.type="string" for="node" id="d3" />
  <key attr.name="LinkSpeedRaw" attr.type="double" for="edge" id="d4" />
  <graph edgedefault="undirected">
    <node id="0"><data key="d1">70.0</data><data key="d2">30.0</data><data key="d3">Alpha</data></node>
    <node id="1"><data key="d1">71.0</data><data key="d2">30.0</data><data key="d3">None</data></node>
    <node id="2"></node>
    <edge source="0" target="1"><data key="d4">10000000000.0</data></edge>
    <edge source="1" target="0"><data key="d4">2500000000.0</data></edge>
    <edge source="1" target="2" />
    <edge source="2" target="2" />
  </graph>
</graphml>
"""


def point(lon: float, lat: float, **fields: object) -> dict[str, Any]:
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": [lon, lat]}, "properties": fields}


def line(*positions: tuple[float, float], **fields: object) -> dict[str, Any]:
    geometry = {"type": "LineString", "coordinates": positions}
    return {"type": "Feature", "geometry": geometry, "properties": fields}


def collection(*features: dict[str, Any], **members: object) -> str:
    return json.dumps({"type": "FeatureCollection", "features": features, **members})


GEOJSON = collection(
    point(70.0, 30.0, node_id="A"),
    point(71.0, 30.0, node_id="B"),
    point(70.0, 31.0, node_id="C"),
    line((70.0, 30.0), (70.5, 30.1), (71.0, 30.0), link_id="L1", length_km=120.0),
    line((71.0, 30.0), (70.0, 31.0), link_id="L2"),
)


def ofds(**changes: object) -> dict[str, Any]:
    """Return a package of one network with two nodes and a span; ``changes`` go into the span."""
    span = {
        "id": "s1",
        "name": "Alpha to Beta",
        "phase": {"id": "p1", "name": "First"},
        "status": "operational",
        "start": "A",
        "end": "B",
        "route": {"type": "LineString", "coordinates": [[70.0, 30.0], [70.5, 30.1], [71.0, 30.0]]},
        "physicalInfrastructureProvider": {"id": "o1", "name": "FibreCo"},
        "transmissionMedium": ["fibre"],
        "fibreCount": 24,
        "fibreLength": 120.5,
        "capacity": 400.0,
    }
    span.update(changes)
    network = {
        "id": "a096d627-72e1-4f9b-b129-951b1737bff4",
        "name": "Test",
        "nodes": [
            {"id": "A", "name": "Alpha", "location": {"type": "Point", "coordinates": [70.0, 30.0]}, "power": True},
            {"id": "B", "location": {"type": "Point", "coordinates": [71.0, 30.0]}},
        ],
        "spans": [{name: value for name, value in span.items() if value is not None}],
        "phases": [{"id": "p1", "name": "First", "funders": [{"id": "o1"}]}],
        "organisations": [{"id": "o1", "name": "FibreCo", "country": "PK"}],
        "links": [{"rel": "describedby", "href": "https://example.org/schema.json"}],
    }
    return {"networks": [network]}


def keys(alphabet: str, prefix: str) -> SearchStrategy[str]:
    return st.text(alphabet, min_size=1, max_size=6).map(lambda text: prefix + text)


NUMBER = st.floats(0.0, 1e9, allow_subnormal=False)
POSITIVE = st.floats(1e-3, 1e9)


@st.composite
def instances(draw: DrawFn, alphabet: str = "abz09-_.") -> Instance:
    """Return a connected instance, sorted by id: placed, no parallel links, lengths above the great circle."""
    n_nodes = draw(st.integers(2, 6))
    nodes = sorted(draw(st.sets(keys(alphabet, "n"), min_size=n_nodes, max_size=n_nodes)))
    lon = np.array(draw(st.lists(st.floats(-179.0, 179.0), min_size=n_nodes, max_size=n_nodes)))
    lat = np.array(draw(st.lists(st.floats(-85.0, 85.0), min_size=n_nodes, max_size=n_nodes)))
    tree = [(draw(st.integers(0, i - 1)), i) for i in range(1, n_nodes)]
    pairs = st.tuples(st.integers(0, n_nodes - 1), st.integers(0, n_nodes - 1)).filter(lambda pair: pair[0] < pair[1])
    ends = list(dict.fromkeys([*tree, *draw(st.lists(pairs, max_size=4))]))
    m = len(ends)
    links = sorted(draw(st.sets(keys(alphabet, "l"), min_size=m, max_size=m)))
    link_node = np.array(ends, dtype=np.int64)
    direct = great_circle_km(lon[link_node[:, 0]], lat[link_node[:, 0]], lon[link_node[:, 1]], lat[link_node[:, 1]])
    modules = [draw(st.lists(st.tuples(POSITIVE, NUMBER), min_size=0, max_size=3)) for _ in range(m)]
    stated = np.array(draw(st.lists(NUMBER, min_size=m, max_size=m)))
    cost = np.array(
        [group[0][1] / group[0][0] if group else price for group, price in zip(modules, stated, strict=True)]
    )
    demands = sorted(draw(st.sets(keys(alphabet, "d"), max_size=3)))
    wanted = [draw(pairs) for _ in demands]
    return Instance(
        node_id=tuple(nodes),
        node_lon_deg=lon,
        node_lat_deg=lat,
        link_id=tuple(links),
        link_node=link_node,
        link_unit_cost=cost,
        link_installed=np.array(draw(st.lists(NUMBER, min_size=m, max_size=m))),
        link_module_capacity=tuple(np.array([c for c, _ in group]) for group in modules),
        link_module_cost=tuple(np.array([c for _, c in group]) for group in modules),
        link_length_km=direct * 1.25,
        demand_id=tuple(demands),
        demand_node=np.array(wanted, dtype=np.int64).reshape(-1, 2),
        demand_value=np.array([draw(NUMBER) for _ in demands], dtype=np.float64),
        name="made",
    )


def same(a: Instance, b: Instance, *leave_out: str) -> bool:
    """Return whether two instances agree to the last bit, but for the fields left out."""
    for name in Instance.__slots__:
        if name in leave_out:
            continue
        left, right = getattr(a, name), getattr(b, name)
        if isinstance(left, tuple) and left and isinstance(left[0], np.ndarray):
            if len(left) != len(right) or not all(map(np.array_equal, left, right)):
                return False
        elif isinstance(left, np.ndarray):
            if not np.array_equal(left, right, equal_nan=True):
                return False
        elif left != right:
            return False
    return True
