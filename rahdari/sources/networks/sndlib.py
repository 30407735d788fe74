"""SNDlib, native and XML: survivable network design library of the Zuse Institute Berlin, format version 1.0.

Links are undirected and demands splittable.  What a file says of admissible paths, hop limits, setup costs and
routing costs is not part of an :class:`rahdari.methods.instance.Instance` and is left out.  A row is the line on
which the entry begins.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from rahdari.errors import InputError, Problem
from rahdari.sources.imports.common import LAT_MAX_DEG, LON_MAX_DEG
from rahdari.sources.networks.content import WHOLE
from rahdari.sources.networks.network import Draft, DraftDemand, DraftLink, DraftNode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rahdari.methods.instance import Instance
    from rahdari.sources.imports.common import Findings
    from rahdari.sources.networks.content import Element

PLACES = ("NODES", "LINKS", "DEMANDS")
HEADER = "?SNDlib native format; type: network; version: 1.0"
NAME = re.compile(r"^#[ \t]*network[ \t]+(\S+)", re.MULTILINE)
NAME_WITHIN = 4096  # characters; the name stands on the second line
UNQUOTED = re.compile(r"^[^\s()#,?]+$")
LINK_SHAPE = "ID ( NODE NODE ) installed cost routing setup ( {capacity cost} )"
DEMAND_SHAPE = "ID ( NODE NODE ) unit value longest"
N_END_TOKENS = 5  # id ( node node )
N_LINK_NUMBERS, N_DEMAND_NUMBERS = 4, 2
NODE_TOKENS = (1, 5)  # id, or id ( x y )


def read_native(text: str, name: str, findings: Findings) -> Draft:
    """Return the draft of a native file; broken entries and sections are faults with their line."""
    found = NAME.search(text[:NAME_WITHIN])
    draft = Draft("sndlib", found.group(1) if found else name, places=PLACES)
    readers = {"NODES": _node, "LINKS": _link, "DEMANDS": _demand}
    begun: set[str] = set()
    for section, line, tokens in _entries(text, findings):
        if tokens is None:
            if section in begun:
                findings.add(f"section {section} stands twice", "join the two", line, section)
            begun.add(section)
        elif section in readers:
            readers[section](tokens, line, draft, findings)
    for missing in [part for part in ("NODES", "LINKS") if part not in begun]:
        findings.add(f"section {missing} is missing", WHOLE, None, missing)
    _forget_pixels(draft, findings)
    return draft


def _entries(text: str, findings: Findings) -> Iterator[tuple[str, int, list[str] | None]]:
    """Yield section, line and tokens of every entry, and ``None`` for tokens where a section begins."""
    section, depth, number = "", 0, 0
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.split("#", 1)[0] if "#" in raw else raw
        tokens = line.replace("(", " ( ").replace(")", " ) ").split()
        if not tokens or (number == 1 and tokens[0].startswith("?")):
            continue
        if not section:
            if len(tokens) == 1 or tokens[1] != "(":
                findings.add(f"'{tokens[0]}' stands outside any section", "write NODES (, LINKS ( or DEMANDS (", number)
                continue
            section, depth, tokens = tokens[0], 1, tokens[2:]
            yield section, number, None
        depth += tokens.count("(") - tokens.count(")")
        is_over = depth <= 0
        entry = tokens[:-1] if is_over else tokens
        if depth < 0 or (is_over and tokens[-1] != ")"):
            findings.add("a bracket closes that was never opened", "remove it", number, section)
        elif depth > 1 and section in PLACES:  # an entry of these is one line: go on with the next
            findings.add("a bracket is not closed", "close it on its line", number, section)
            depth = 1
        elif entry and (section in PLACES or depth == 1):
            yield section, number, entry
        section = "" if is_over else section
    if section:
        findings.add(f"the file ends within section {section}", WHOLE, number, section)


def _numbers(tokens: Sequence[str], line: int, column: str, findings: Findings) -> list[float] | None:
    """Return tokens as finite numbers, or ``None`` and a fault for each that is none."""
    values: list[float] = []
    wrong: list[str] = []
    for token in tokens:
        try:
            value = float(token)
        except ValueError:
            value = math.nan
        (values.append(value) if math.isfinite(value) else wrong.append(token))
    for token in wrong:
        findings.add(f"'{token}' is no finite number", "write digits with a decimal point", line, column)
    return None if wrong else values


def _node(tokens: list[str], line: int, draft: Draft, findings: Findings) -> None:
    """Add one node: ``ID [( LONGITUDE LATITUDE )]``."""
    tokens = [token for token in (part.strip(",") for part in tokens) if token]
    if len(tokens) not in NODE_TOKENS or (len(tokens) > 1 and (tokens[1], tokens[-1]) != ("(", ")")):
        findings.add("the entry is no node", "write ID ( LONGITUDE LATITUDE )", line, "NODES")
        return
    if tokens[0] in "()":
        findings.add("the node has no id", "write ID ( LONGITUDE LATITUDE )", line, "NODES")
        return
    place = _numbers(tokens[2:4], line, "NODES", findings)
    lon, lat = place or (math.nan, math.nan)
    draft.nodes.append(DraftNode(line, tokens[0], lon, lat))


def _ends(tokens: list[str]) -> tuple[str, str] | None:
    """Return the two node names of ``ID ( NODE NODE )``, or ``None`` where the entry has another shape."""
    if len(tokens) < N_END_TOKENS or (tokens[1], tokens[4]) != ("(", ")"):
        return None
    return None if {"(", ")"} & {tokens[0], tokens[2], tokens[3]} else (tokens[2], tokens[3])


def _link(tokens: list[str], line: int, draft: Draft, findings: Findings) -> None:
    """Add one link with its installed capacity and modules."""
    ends = _ends(tokens)
    numbers_end = N_END_TOKENS + N_LINK_NUMBERS
    modules = tokens[numbers_end + 1 : -1]
    is_shaped = ends is not None and tokens[numbers_end : numbers_end + 1] == ["("] and tokens[-1] == ")"
    if ends is None or not is_shaped or len(tokens) < numbers_end + 2 or {"(", ")"} & set(modules):
        findings.add("the entry is no link", f"write {LINK_SHAPE}", line, "LINKS")
        return
    if len(modules) % 2:
        findings.add(f"link '{tokens[0]}' has a module without a cost", "give capacity and cost", line, "LINKS")
        return
    numbers = _numbers([*tokens[N_END_TOKENS:numbers_end], *modules], line, "LINKS", findings)
    if numbers is not None:
        pairs = numbers[N_LINK_NUMBERS:]
        draft.links.append(
            DraftLink(
                line, tokens[0], ends, installed=numbers[0], modules=list(zip(pairs[::2], pairs[1::2], strict=True))
            )
        )


def _demand(tokens: list[str], line: int, draft: Draft, findings: Findings) -> None:
    """Add one demand; its value is in units of capacity: routing unit times value."""
    ends = _ends(tokens)
    numbers_end = N_END_TOKENS + N_DEMAND_NUMBERS
    if ends is None or len(tokens) not in (numbers_end, numbers_end + 1):
        findings.add("the entry is no demand", f"write {DEMAND_SHAPE}", line, "DEMANDS")
        return
    numbers = _numbers(tokens[N_END_TOKENS:numbers_end], line, "DEMANDS", findings)
    if numbers is not None:
        draft.demands.append(DraftDemand(line, tokens[0], ends, numbers[0] * numbers[1]))


def _forget_pixels(draft: Draft, findings: Findings) -> None:
    """Take coordinates for what they are: some instances give positions on a drawing."""
    if any(abs(node.lon_deg) > LON_MAX_DEG or abs(node.lat_deg) > LAT_MAX_DEG for node in draft.nodes):
        findings.warnings.append("the coordinates are positions on a drawing, not degrees, and were left out")
        for node in draft.nodes:
            node.lon_deg = node.lat_deg = math.nan


def read_xml(root: Element, name: str, findings: Findings) -> Draft:
    """Return the draft of an XML file (``network`` of ``http://sndlib.zib.de/network``)."""
    draft = Draft("sndlib-xml", name, places=PLACES)
    structure = root.first("networkStructure") or root
    nodes, links = structure.first("nodes"), structure.first("links")
    demands = root.first("demands") or structure.first("demands")
    for part, element in (("NODES", nodes), ("LINKS", links)):
        if element is None:
            findings.add(f"element '{part.lower()}' is missing", WHOLE, root.line, part)
    is_pixel = nodes is not None and nodes.attributes.get("coordinatesType") == "pixel"
    for node in nodes.all("node") if nodes is not None else []:
        place = node.first("coordinates") if not is_pixel else None
        xy = _numbers([place.text_of("x"), place.text_of("y")], node.line, "NODES", findings) if place else None
        lon, lat = xy or (math.nan, math.nan)
        draft.nodes.append(DraftNode(node.line, node.attributes.get("id", ""), lon, lat))
    if is_pixel:
        findings.warnings.append("the coordinates are positions on a drawing, not degrees, and were left out")
    for link in links.all("link") if links is not None else []:
        _xml_link(link, draft, findings)
    for demand in demands.all("demand") if demands is not None else []:
        numbers = [demand.text_of("routingUnit") or "1", demand.text_of("demandValue")]
        values = _numbers(numbers, demand.line, "DEMANDS", findings)
        if values is not None:
            ends = (demand.text_of("source"), demand.text_of("target"))
            draft.demands.append(DraftDemand(demand.line, demand.attributes.get("id", ""), ends, values[0] * values[1]))
    _forget_pixels(draft, findings)
    return draft


def _xml_link(link: Element, draft: Draft, findings: Findings) -> None:
    """Add one link of an XML file."""
    texts = [(link.first("preInstalledModule") or link).text_of("capacity") or "0"]
    more = link.first("additionalModules")
    for module in more.all("addModule") if more is not None else []:
        texts += [module.text_of("capacity"), module.text_of("cost") or "0"]
    values = _numbers(texts, link.line, "LINKS", findings)
    if values is None:
        return
    modules = list(zip(values[1::2], values[2::2], strict=True))
    ends = (link.text_of("source"), link.text_of("target"))
    draft.links.append(DraftLink(link.line, link.attributes.get("id", ""), ends, installed=values[0], modules=modules))


def _place_text(instance: Instance, i: int) -> str:
    """Return the place of node ``i`` as the format writes it, empty where it has none."""
    if instance.node_lon_deg is None or instance.node_lat_deg is None:
        return ""
    lon, lat = float(instance.node_lon_deg[i]), float(instance.node_lat_deg[i])
    return f" ( {lon!r} {lat!r} )" if math.isfinite(lon) and math.isfinite(lat) else ""


def native_text(instance: Instance) -> str:
    """Return an instance as a native file, numbers to the last bit.

    A link without modules is written with one of capacity 1 at its unit cost.  Lengths, names and routes have no
    place in the format.  Identifiers with blanks, brackets, commas, # or ? raise :class:`InputError`.
    """
    keys = [*instance.node_id, *instance.link_id, *instance.demand_id]
    wrong = [key for key in keys if not UNQUOTED.match(key)]
    if wrong:
        cure = "rename them, or write another format"
        raise InputError(Problem(f"SNDlib native cannot hold the ids {', '.join(map(repr, wrong[:5]))}", cure))
    lines = [HEADER, f"# network {'-'.join(instance.name.split()) or 'network'}", "", "NODES ("]
    lines += [f"  {key}{_place_text(instance, i)}" for i, key in enumerate(instance.node_id)]
    lines += [")", "", "LINKS ("]
    for i, key in enumerate(instance.link_id):
        a, b = (instance.node_id[n] for n in instance.link_node[i])
        pairs = list(zip(instance.link_module_capacity[i].tolist(), instance.link_module_cost[i].tolist(), strict=True))
        told = " ".join(
            f"{capacity!r} {cost!r}" for capacity, cost in pairs or [(1.0, float(instance.link_unit_cost[i]))]
        )
        lines.append(f"  {key} ( {a} {b} ) {float(instance.link_installed[i])!r} 0.0 0.0 0.0 ( {told} )")
    lines += [")", "", "DEMANDS ("]
    for i, key in enumerate(instance.demand_id):
        a, b = (instance.node_id[n] for n in instance.demand_node[i])
        lines.append(f"  {key} ( {a} {b} ) 1 {float(instance.demand_value[i])!r} UNLIMITED")
    return "\n".join([*lines, ")", ""])
