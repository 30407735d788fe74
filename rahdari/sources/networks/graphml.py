"""GraphML, as the Internet Topology Zoo publishes it (Knight et al. 2011) and as Rahdari writes it.

Edges are undirected.  Parallel edges become one link that counts them and adds up their capacity; an edge from a node
to itself is left out, with a warning.  A row is the line on which the element begins.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from rahdari.errors import InputError, Problem
from rahdari.sources.networks.content import WHOLE
from rahdari.sources.networks.network import Draft, DraftDemand, DraftLink, DraftNode

if TYPE_CHECKING:
    import numpy as np

    from rahdari.sources.imports.common import Findings
    from rahdari.sources.networks.content import Element
    from rahdari.sources.networks.network import Network

    Keys = dict[str, tuple[str, str, str | None]]

PLACES = ("node", "edge", "demand")
LON = ("longitude", "lon_deg", "lon", "lng")
LAT = ("latitude", "lat_deg", "lat")
NODE_NAME, LINK_NAME = ("label", "name"), ("linklabel", "label", "name")
LENGTH, COST, CAPACITY = ("length_km",), ("unit_cost",), ("installed",)
SPEED_BPS = ("linkspeedraw",)  # the Zoo's own, bit/s
BPS_PER_GBPS = 1e9
NOTHING = ("", "none")
DEMAND_ROLE = "demand"
NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # XML 1.0, section 2.2
NAMESPACE = "http://graphml.graphdrawing.org/xmlns"
#: What is written: id, what it is for, name, type.
WRITTEN = (
    ("lon", "node", "Longitude", "double"),
    ("lat", "node", "Latitude", "double"),
    ("name", "node", "label", "string"),
    ("label", "edge", "LinkLabel", "string"),
    ("length", "edge", "length_km", "double"),
    ("cost", "edge", "unit_cost", "double"),
    ("installed", "edge", "installed", "double"),
    ("modules", "edge", "modules", "string"),
    ("role", "edge", "role", "string"),
    ("value", "edge", "demand_value", "double"),
    ("title", "graph", "label", "string"),
)


def read_graphml(root: Element, name: str, findings: Findings) -> Draft:
    """Return the draft of a GraphML document's first graph."""
    draft = Draft("graphml", name, places=PLACES)
    graph = root.first("graph")
    if graph is None:
        findings.add("element 'graph' is missing", WHOLE, root.line, "graph")
        return draft
    if len(root.all("graph")) > 1:
        findings.warnings.append("only the first graph was read")
    keys: Keys = {}
    for key in root.all("key"):
        default = key.first("default")
        keys[key.attributes.get("id", "")] = (
            key.attributes.get("attr.name", "").lower(),
            key.attributes.get("for", "all"),
            default.text.strip() if default is not None else None,
        )
    draft.name = _text(_data(graph, keys), NODE_NAME) or name
    for node in graph.all("node"):
        values = _data(node, keys)
        lon, lat = _number(values, LON, node, findings), _number(values, LAT, node, findings)
        draft.nodes.append(
            DraftNode(
                node.line,
                node.attributes.get("id", ""),
                math.nan if lon is None else lon,
                math.nan if lat is None else lat,
                _text(values, NODE_NAME),
            )
        )
    links = [_link(edge, _data(edge, keys), draft, findings) for edge in graph.all("edge")]
    _merge([link for link in links if link is not None], draft, findings)
    return draft


def _data(element: Element, keys: Keys) -> dict[str, str]:
    """Return an element's data by the lower-case names of its keys, the first of each, and the keys' defaults."""
    values: dict[str, str] = {}
    for datum in element.all("data"):
        name, _, _ = keys.get(datum.attributes.get("key", ""), ("", "", None))
        values.setdefault(name, datum.text.strip())
    for name, what, default in keys.values() if any(key[2] is not None for key in keys.values()) else ():
        if default is not None and what in ("all", element.tag):
            values.setdefault(name, default)
    return values


def _text(values: dict[str, str], names: tuple[str, ...]) -> str | None:
    """Return the first value that says something."""
    return next((values[name] for name in names if values.get(name, "").lower() not in NOTHING), None)


def _number(values: dict[str, str], names: tuple[str, ...], element: Element, findings: Findings) -> float | None:
    """Return a finite number or ``None``; anything else is a fault."""
    text = _text(values, names)
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        what = f"'{text}' is no finite number"
        findings.add(what, "write digits with a decimal point", element.line, f"{element.tag}/{names[0]}")
        return None
    return value


def _modules(text: str | None, edge: Element, findings: Findings) -> list[tuple[float, float]]:
    """Return modules written as ``capacity cost capacity cost``."""
    parts = (text or "").split()
    values = [_number({"modules": part}, ("modules",), edge, findings) for part in parts]
    numbers = [value for value in values if value is not None]
    if len(parts) % 2:
        findings.add("a module has no cost", "give capacity and cost", edge.line, "edge/modules")
        return []
    return list(zip(numbers[::2], numbers[1::2], strict=True)) if len(numbers) == len(parts) else []


def _link(edge: Element, values: dict[str, str], draft: Draft, findings: Findings) -> DraftLink | None:
    """Return one edge as a link; a demand that Rahdari wrote goes to the draft instead."""
    ends = (edge.attributes.get("source", ""), edge.attributes.get("target", ""))
    key = edge.attributes.get("id", "")
    if values.get("role") == DEMAND_ROLE:
        value = _number(values, ("demand_value",), edge, findings)
        draft.demands.append(DraftDemand(edge.line, key, ends, math.nan if value is None else value))
        return None
    speed = _number(values, SPEED_BPS, edge, findings)
    installed = _number(values, CAPACITY, edge, findings)
    return DraftLink(
        edge.line,
        key,
        ends,
        length_km=_number(values, LENGTH, edge, findings),
        unit_cost=_number(values, COST, edge, findings),
        installed=installed if installed is not None else (speed or 0.0) / BPS_PER_GBPS,
        modules=_modules(values.get("modules"), edge, findings),
        name=_text(values, LINK_NAME),
    )


def _merge(links: list[DraftLink], draft: Draft, findings: Findings) -> None:
    """Add links to the draft, parallel ones as one; name those without an id after their ends."""
    merged: dict[tuple[str, str], DraftLink] = {}
    n_loops = n_parallel = 0
    for link in links:
        if link.ends[0] == link.ends[1]:
            n_loops += 1
            continue
        a, b = sorted(link.ends)
        first = merged.setdefault((a, b), link)
        if first is link:
            link.link_id = link.link_id or f"{a}--{b}"
            continue
        n_parallel += 1
        first.count += 1
        first.installed += link.installed
        lengths = [length for length in (first.length_km, link.length_km) if length is not None]
        first.length_km = min(lengths, default=None)
    draft.links += merged.values()
    if n_loops:
        findings.warnings.append(f"{n_loops} edges from a node to itself were left out")
    if n_parallel:
        findings.warnings.append(f"{n_parallel} parallel edges were joined with the first between their nodes")


def graphml_text(network: Network) -> str:
    """Return a network as GraphML; demands stand as edges of role ``demand``, which other readers may leave out.

    Control characters, which XML cannot hold, raise :class:`InputError`.
    """
    instance = network.instance
    texts = [*instance.node_id, *instance.link_id, *instance.demand_id, *network.node_name, *network.link_name]
    wrong = [text for text in texts if text and NOT_IN_XML.search(text)]
    if wrong:
        cure = "rename them, or write another format"
        raise InputError(Problem(f"GraphML cannot hold the control characters of {wrong[0]!r}", cure))
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<graphml xmlns="{NAMESPACE}">',
        *(
            f'  <key id="{key}" for="{what}" attr.name="{name}" attr.type="{kind}" />'
            for key, what, name, kind in WRITTEN
        ),
        '  <graph edgedefault="undirected">',
        _datum("title", instance.name),
    ]
    lon, lat = instance.node_lon_deg, instance.node_lat_deg
    for i, key in enumerate(instance.node_id):
        data = [_datum("name", network.node_name[i])]
        if lon is not None and lat is not None:
            data += [_datum("lon", _finite(lon[i])), _datum("lat", _finite(lat[i]))]
        lines.append(f"    <node id={_quoted(key)}>{''.join(data)}</node>")
    for i, key in enumerate(instance.link_id):
        pairs = zip(instance.link_module_capacity[i].tolist(), instance.link_module_cost[i].tolist(), strict=True)
        told = " ".join(f"{capacity!r} {cost!r}" for capacity, cost in pairs)
        data = [
            _datum("label", network.link_name[i]),
            _datum("length", _finite(instance.link_length_km[i])) if instance.link_length_km[i] > 0 else "",
            _datum("cost", _finite(instance.link_unit_cost[i])),
            _datum("installed", _finite(instance.link_installed[i])),
            _datum("modules", told),
        ]
        lines.append(_edge(key, instance.node_id, instance.link_node[i], data))
    for i, key in enumerate(instance.demand_id):
        data = [_datum("role", DEMAND_ROLE), _datum("value", _finite(instance.demand_value[i]))]
        lines.append(_edge(key, instance.node_id, instance.demand_node[i], data))
    return "\n".join([*(line for line in lines if line), "  </graph>", "</graphml>", ""])


def _edge(key: str, node_id: tuple[str, ...], ends: np.ndarray, data: list[str]) -> str:
    """Return one edge element."""
    a, b = (_quoted(node_id[n]) for n in ends)
    return f"    <edge id={_quoted(key)} source={a} target={b}>{''.join(data)}</edge>"


def _finite(value: float) -> str:
    """Return a number to the last bit, empty where it is NaN."""
    return repr(float(value)) if math.isfinite(value) else ""


def _quoted(text: str) -> str:
    """Return an attribute's value in quotes."""
    return quoteattr(text, {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


def _datum(key: str, value: str | None) -> str:
    """Return one data element, empty where there is nothing to say."""
    if not value:
        return ""
    return f'<data key="{key}">{escape(value, {chr(13): "&#13;"})}</data>'
