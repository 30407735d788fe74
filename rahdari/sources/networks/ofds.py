"""Open Fibre Data Standard 0.3, JSON network package: read and written without loss.

The fields that planning needs are typed; every other field of a node, span, phase, organisation or network is kept in
``rest`` and written back as it was.  A row is the number of the node or span in the file, counted over all networks.
Lengths (``fibreLength``) are in kilometres, capacities in Gbit/s, as the standard says.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from rahdari.methods.geo import great_circle_km, nearest
from rahdari.sources.imports.fibre import MEDIA, MEDIA_LEFT_OUT, STATUS_IN_SERVICE, STATUS_LATER
from rahdari.sources.networks.checks import tell
from rahdari.sources.networks.geofiles import SNAP_KM
from rahdari.sources.networks.network import Draft, DraftLink, DraftNode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rahdari.sources.imports.common import Findings

PLACES = ("nodes", "spans", "demands")
SCHEMA = (
    "https://raw.githubusercontent.com/Open-Telecoms-Data/open-fibre-data-standard/0__3__0/schema/network-schema.json"
)
CRS = {"name": "urn:ogc:def:crs:OGC::CRS84", "uri": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}
STATUS_CODES = ("operational", "underConstruction", "planned", "proposed", "decommissioned", "inactive")
STATUS_BY_WORD = {code.lower(): code for code in STATUS_CODES}
FAR_KM = 1.0  # a route drawn farther than this from its node is worth a word
MIN_POSITIONS = 2
Position = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation of a network, by its local id."""

    id: str
    name: str | None = None
    rest: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Phase:
    """Nodes and spans that are deployed as a group."""

    id: str
    name: str | None = None
    description: str | None = None
    rest: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Node:
    """A node; ``location`` is longitude and latitude, degrees."""

    id: str
    name: str | None = None
    location: Position | None = None
    status: str | None = None
    phase_id: str | None = None
    rest: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Span:
    """A span between two nodes; ``route`` holds longitudes and latitudes, degrees."""

    id: str
    start: str | None = None
    end: str | None = None
    name: str | None = None
    status: str | None = None
    phase_id: str | None = None
    route: tuple[Position, ...] | None = None
    provider_id: str | None = None
    media: tuple[str, ...] = ()
    fibre_length_km: float | None = None
    capacity_gbps: float | None = None
    rest: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OfdsNetwork:
    """One network of a package; ``id`` is a UUID."""

    id: str
    name: str | None = None
    nodes: tuple[Node, ...] = ()
    spans: tuple[Span, ...] = ()
    phases: tuple[Phase, ...] = ()
    organisations: tuple[Organisation, ...] = ()
    rest: dict[str, Any] = field(default_factory=dict)


def parse_package(content: Any, findings: Findings) -> tuple[OfdsNetwork, ...]:  # noqa: ANN401  # parsed JSON
    """Return the networks of a parsed package, or of one network without package; wrong shapes are faults."""
    networks = content.get("networks") if isinstance(content, dict) else None
    if networks is None and isinstance(content, dict) and ("nodes" in content or "spans" in content):
        networks = [content]
    if not isinstance(networks, list) or not networks:
        findings.add("there is no list 'networks'", "supply an Open Fibre Data Standard 0.3 network package")
        return ()
    parser = _Parser(findings)
    return tuple(parser.network(item, number) for number, item in enumerate(networks, start=1))


class _Parser:
    """Turns parsed JSON into typed rows; counts rows over all networks and gathers faults."""

    def __init__(self, findings: Findings) -> None:
        """Start at row 0 of everything."""
        self.findings = findings
        self.n_rows = {"nodes": 0, "spans": 0, "phases": 0, "organisations": 0}

    def network(self, item: Any, number: int) -> OfdsNetwork:  # noqa: ANN401  # parsed JSON
        """Return one network."""
        fields = self._object(item, number, "networks")
        return OfdsNetwork(
            id=self._take_text(fields, "id", number, "networks") or f"network-{number}",
            name=self._take_text(fields, "name", number, "networks"),
            organisations=tuple(self._organisation(*row) for row in self._rows(fields, "organisations")),
            phases=tuple(self._phase(*row) for row in self._rows(fields, "phases")),
            nodes=tuple(self._node(*row) for row in self._rows(fields, "nodes")),
            spans=tuple(self._span(*row) for row in self._rows(fields, "spans")),
            rest=fields,
        )

    def _rows(self, fields: dict[str, Any], name: str) -> list[tuple[dict[str, Any], int]]:
        """Take a list of objects out of a network."""
        items = fields.pop(name, None)
        if items is not None and not isinstance(items, list):
            self.findings.add(f"'{name}' is no list", "write a list of objects", None, name)
            items = None
        rows = []
        for item in items or []:
            self.n_rows[name] += 1
            rows.append((self._object(item, self.n_rows[name], name), self.n_rows[name]))
        return rows

    def _object(self, item: Any, row: int, column: str) -> dict[str, Any]:  # noqa: ANN401  # parsed JSON
        if isinstance(item, dict):
            return dict(item)
        self.findings.add("the entry is no object", "write {...}", row, column)
        return {}

    def _take_text(self, fields: dict[str, Any], name: str, row: int, column: str) -> str | None:
        """Take a text out of an object; numbers are read as text, anything else is a fault."""
        value = fields.pop(name, None)
        if value is None or value == "":
            return None
        if isinstance(value, (dict, list, bool)):
            self.findings.add(f"'{name}' is no text", "write a text", row, f"{column}/{name}")
            return None
        return str(value)

    def _take_number(self, fields: dict[str, Any], name: str, row: int, column: str) -> float | None:
        value = fields.pop(name, None)
        if value is None:
            return None
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
        self.findings.add(f"'{name}' is no finite number", "write a number", row, f"{column}/{name}")
        return None

    def _take_reference(self, fields: dict[str, Any], name: str, row: int, column: str) -> str | None:
        """Take the id of a phase or organisation; its name is kept once, where the thing itself stands."""
        value = fields.get(name)
        if not isinstance(value, dict):
            if value is not None:
                self.findings.add(f"'{name}' is no object with an id", 'write {"id": ...}', row, f"{column}/{name}")
            fields.pop(name, None)
            return None
        fields.pop(name)
        return self._take_text(dict(value), "id", row, f"{column}/{name}")

    def _take_positions(
        self, fields: dict[str, Any], name: str, kind: str, row: int, column: str
    ) -> tuple[Position, ...] | None:
        """Take the positions of a Point or LineString."""
        value = fields.pop(name, None)
        if value is None:
            return None
        if not isinstance(value, dict) or value.get("type") != kind:
            self.findings.add(f"'{name}' is no {kind}", f"draw a {kind}", row, f"{column}/{name}")
            return None
        told = value.get("coordinates")
        try:
            positions: list[Any] = [told] if kind == "Point" else list(told or ())
            read = tuple((float(position[0]), float(position[1])) for position in positions)
        except (TypeError, ValueError, IndexError, KeyError, OverflowError):
            read = ()
        if len(read) < (1 if kind == "Point" else MIN_POSITIONS) or not np.isfinite(read).all():
            what = f"'{name}' has no coordinates of a {kind}"
            self.findings.add(what, "write longitude first, then latitude", row, f"{column}/{name}")
            return None
        return read

    def _organisation(self, fields: dict[str, Any], row: int) -> Organisation:
        key = self._take_text(fields, "id", row, "organisations") or ""
        return Organisation(key, self._take_text(fields, "name", row, "organisations"), fields)

    def _phase(self, fields: dict[str, Any], row: int) -> Phase:
        key, name, description = (
            self._take_text(fields, part, row, "phases") for part in ("id", "name", "description")
        )
        return Phase(key or "", name, description, fields)

    def _node(self, fields: dict[str, Any], row: int) -> Node:
        location = self._take_positions(fields, "location", "Point", row, "nodes")
        return Node(
            id=self._take_text(fields, "id", row, "nodes") or "",
            name=self._take_text(fields, "name", row, "nodes"),
            location=location[0] if location else None,
            status=self._take_text(fields, "status", row, "nodes"),
            phase_id=self._take_reference(fields, "phase", row, "nodes"),
            rest=fields,
        )

    def _span(self, fields: dict[str, Any], row: int) -> Span:
        for end in ("start", "end"):  # the standard's GeoJSON form holds the node itself
            if isinstance(fields.get(end), dict):
                fields[end] = fields[end].get("id")
        media = fields.pop("transmissionMedium", None)
        if isinstance(media, str):
            media = [media]
        if media is not None and not (isinstance(media, list) and all(isinstance(word, str) for word in media)):
            self.findings.add("'transmissionMedium' is no list of words", 'write ["fibre"]', row, "spans")
            media = None
        return Span(
            id=self._take_text(fields, "id", row, "spans") or "",
            start=self._take_text(fields, "start", row, "spans"),
            end=self._take_text(fields, "end", row, "spans"),
            name=self._take_text(fields, "name", row, "spans"),
            status=self._take_text(fields, "status", row, "spans"),
            phase_id=self._take_reference(fields, "phase", row, "spans"),
            route=self._take_positions(fields, "route", "LineString", row, "spans"),
            provider_id=self._take_reference(fields, "physicalInfrastructureProvider", row, "spans"),
            media=tuple(media or ()),
            fibre_length_km=self._take_number(fields, "fibreLength", row, "spans"),
            capacity_gbps=self._take_number(fields, "capacity", row, "spans"),
            rest=fields,
        )


def draft_of_package(networks: Sequence[OfdsNetwork], name: str, findings: Findings) -> Draft:
    """Return all networks of a package as one draft; ids carry their network's id where there are several.

    Faults: unknown codes, phases and organisations, ids of these that stand twice, spans without ends.
    """
    draft = Draft("ofds", networks[0].name or name if len(networks) == 1 else name, places=PLACES)
    n_nodes = n_spans = 0
    n_far = 0
    for network in networks:
        prefix = f"{network.id}/" if len(networks) > 1 else ""
        _check_references(network, n_nodes, n_spans, findings)
        names = {organisation.id: organisation.name or organisation.id for organisation in network.organisations}
        place = {node.id: node.location for node in network.nodes if node.location is not None}
        for row, node in enumerate(network.nodes, start=n_nodes + 1):
            lon, lat = node.location or (math.nan, math.nan)
            draft.nodes.append(DraftNode(row, prefix + node.id if node.id else "", lon, lat, node.name))
        for row, span in enumerate(network.spans, start=n_spans + 1):
            ends = _span_ends(span, place, row, findings)
            if ends is not None:
                draft.links.append(_draft_link(span, (prefix + ends[0], prefix + ends[1]), prefix, row, names))
                n_far += _is_far(span, ends, place)
        n_nodes, n_spans = n_nodes + len(network.nodes), n_spans + len(network.spans)
    if n_far:
        findings.warnings.append(f"{n_far} spans are drawn more than {FAR_KM:g} km away from their nodes")
    return draft


def _draft_link(span: Span, ends: tuple[str, str], prefix: str, row: int, names: Mapping[str, str]) -> DraftLink:
    """Return one span as a link."""
    return DraftLink(
        row,
        prefix + span.id if span.id else "",
        ends,
        length_km=span.fibre_length_km,
        installed=span.capacity_gbps if span.capacity_gbps is not None else 0.0,
        route=np.array(span.route, dtype=np.float64) if span.route else None,
        name=span.name,
        status=span.status,
        medium=span.media[0] if span.media else None,
        operator=names.get(span.provider_id or "", span.provider_id),
    )


def _span_ends(span: Span, place: Mapping[str, Position], row: int, findings: Findings) -> tuple[str, str] | None:
    """Return a span's two nodes: as named, else those at the ends of its route; a fault where there is none."""
    ends: list[str | None] = [span.start, span.end]
    if None in ends and span.route and place:
        keys = sorted(place)
        lon, lat = [place[key][0] for key in keys], [place[key][1] for key in keys]
        route = [span.route[0], span.route[-1]]
        at, apart = nearest([xy[0] for xy in route], [xy[1] for xy in route], lon, lat)
        near = [keys[i] if km <= SNAP_KM else None for i, km in zip(at.tolist(), apart.tolist(), strict=True)]
        ends = [named or found for named, found in zip(ends, near, strict=True)]
    if ends[0] is None or ends[1] is None:
        missing = " and ".join(name for name, end in zip(("start", "end"), ends, strict=True) if end is None)
        findings.add(f"span '{span.id}' has no {missing}", "name the node, or draw the route to one", row, "spans")
        return None
    return ends[0], ends[1]


def _is_far(span: Span, ends: tuple[str, str], place: Mapping[str, Position]) -> bool:
    """Return whether a route is drawn away from the nodes it joins, in either direction."""
    if not span.route or not all(end in place for end in ends):
        return False
    route = np.array([span.route[0], span.route[-1]])
    nodes = np.array([place[end] for end in ends])
    apart = [
        float(great_circle_km(drawn[:, 0], drawn[:, 1], nodes[:, 0], nodes[:, 1]).max())
        for drawn in (route, route[::-1])
    ]
    return min(apart) > FAR_KM


def _check_references(network: OfdsNetwork, n_nodes: int, n_spans: int, findings: Findings) -> None:
    """Add faults of codes, and of phases and organisations that are unknown or stand twice."""
    phases, organisations = {phase.id for phase in network.phases}, {item.id for item in network.organisations}
    for column, keys in (
        ("phases", [phase.id for phase in network.phases]),
        ("organisations", [item.id for item in network.organisations]),
    ):
        twice = sorted({key for key in keys if keys.count(key) > 1}) if len(set(keys)) < len(keys) else []
        for key in twice:
            findings.add(f"{column[:-1]} '{key}' stands twice", "give each its own id", None, column)
    told: dict[str, list[tuple[int, str]]] = {"phase": [], "organisation": [], "status": [], "medium": []}
    media, later = {*MEDIA, *MEDIA_LEFT_OUT}, (*STATUS_IN_SERVICE, *STATUS_LATER)
    for row, span in enumerate(network.spans, start=n_spans + 1):
        if span.phase_id is not None and span.phase_id not in phases:
            told["phase"].append((row, f"phase '{span.phase_id}' of span '{span.id}' is unknown"))
        if span.provider_id is not None and span.provider_id not in organisations:
            told["organisation"].append((row, f"organisation '{span.provider_id}' of span '{span.id}' is unknown"))
        if (span.status or "").lower() not in later:
            told["status"].append((row, f"status '{span.status}' of span '{span.id}' is unknown"))
        told["medium"] += [
            (row, f"the medium '{word}' of span '{span.id}' is unknown")
            for word in span.media
            if word.lower() not in media
        ]
    tell(findings, told["phase"], "add it to phases", "spans/phase")
    tell(findings, told["organisation"], "add it to organisations", "spans/physicalInfrastructureProvider")
    tell(findings, told["status"], f"use one of {', '.join(STATUS_CODES)}", "spans/status")
    tell(findings, told["medium"], "use fibre, microwave, copper or coaxial", "spans/transmissionMedium")
    wrong = [
        (row, f"phase '{node.phase_id}' of node '{node.id}' is unknown")
        for row, node in enumerate(network.nodes, start=n_nodes + 1)
        if node.phase_id is not None and node.phase_id not in phases
    ]
    tell(findings, wrong, "add it to phases", "nodes/phase")


def package_bytes(networks: Sequence[OfdsNetwork]) -> bytes:
    """Return a network package as JSON; the same networks give the same bytes."""
    return orjson.dumps({"networks": [_network_json(network) for network in networks]})


def _network_json(network: OfdsNetwork) -> dict[str, Any]:
    """Return one network as JSON values, without what is empty: the standard forbids empty lists."""
    phases = {phase.id: phase.name for phase in network.phases}
    names = {item.id: item.name for item in network.organisations}
    has_place = any(node.location for node in network.nodes) or any(span.route for span in network.spans)
    rest = dict(network.rest)
    if has_place:
        rest.setdefault("crs", CRS)
    rest.setdefault("links", [{"rel": "describedby", "href": SCHEMA}])
    return _present(
        id=network.id,
        name=network.name,
        nodes=[
            _present(
                id=node.id,
                name=node.name,
                phase=_reference(node.phase_id, phases),
                status=node.status,
                location={"type": "Point", "coordinates": node.location} if node.location else None,
                **node.rest,
            )
            for node in network.nodes
        ],
        spans=[_span_json(span, phases, names) for span in network.spans],
        phases=[_present(id=p.id, name=p.name, description=p.description, **p.rest) for p in network.phases],
        organisations=[_present(id=item.id, name=item.name, **item.rest) for item in network.organisations],
        **rest,
    )


def _span_json(span: Span, phases: Mapping[str, str | None], names: Mapping[str, str | None]) -> dict[str, Any]:
    """Return one span as JSON values."""
    return _present(
        id=span.id,
        name=span.name,
        phase=_reference(span.phase_id, phases),
        status=span.status,
        start=span.start,
        end=span.end,
        route={"type": "LineString", "coordinates": span.route} if span.route else None,
        physicalInfrastructureProvider=_reference(span.provider_id, names),
        transmissionMedium=list(span.media),
        fibreLength=span.fibre_length_km,
        capacity=span.capacity_gbps,
        **span.rest,
    )


def _reference(key: str | None, names: Mapping[str, str | None]) -> dict[str, Any] | None:
    """Return a reference by id, with the name of the thing itself."""
    return None if key is None else _present(id=key, name=names.get(key))


def _present(**fields: Any) -> dict[str, Any]:  # noqa: ANN401  # JSON values
    """Return the fields that say something."""
    return {name: value for name, value in fields.items() if value is not None and value not in ([], {})}
