"""Existing fibre: Open Fibre Data Standard 0.3 (JSON), or lines in GeoJSON or GeoPackage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import shapely
from pyproj import Geod
from shapely.errors import GEOSException
from shapely.geometry import shape as shape_of
from shapely.ops import substring

from rahdari.errors import InputError
from rahdari.sources.guard import read_json
from rahdari.sources.imports.common import (
    Findings,
    check_points,
    country_code,
    finished,
    land_of,
    no_table,
    on_land,
    read_features,
    source_id_of,
)
from rahdari.sources.synthetic.common import nearest
from rahdari.sources.synthetic.fibre import LONG_HAUL_GBPS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from shapely.geometry.base import BaseGeometry

    from rahdari.sources.imports.common import ImportResult

#: Closed code lists of the standard: spanStatus and transmissionMedium.  "unknown" and empty occur in other files.
STATUS_IN_SERVICE = ("operational", "", "unknown", "<na>", "none")
STATUS_LATER = ("underconstruction", "planned", "proposed", "decommissioned", "inactive")
MEDIA = {"fibre": "fibre", "fiber": "fibre", "microwave": "microwave"}
MEDIA_LEFT_OUT = ("copper", "coaxial")
#: A cable is not shorter than its route (drawn lines are coarse, hence 0.9) and seldom half as long again.
LENGTH_LEAST_RATIO, LENGTH_MOST_RATIO, LENGTH_SLACK_KM = 0.9, 1.5, 1.0
METRES_LEAST_RATIO = 300.0  # stated over drawn length: above it, the unit is the metre
SAMPLE_KM = 5.0  # a route touches the ways this often
SNAP_KM = 2.0  # and only where a node is this near, besides its two ends
SNAP_END_KM = 25.0  # an end farther than this from any way is a fault
M_PER_KM = 1000.0
GEOD = Geod(ellps="WGS84")


@dataclass(frozen=True)
class _Span:
    """One span: its data row from 1, what the file says of it, and its route."""

    row: int
    span_id: str
    name: str | None
    status: str
    operator: str | None
    medium: str
    stated_km: float | None
    capacity_gbps: float | None
    route: BaseGeometry


def read_fibre(path: Path, tables: Mapping[str, pl.DataFrame]) -> ImportResult:
    """Return ``links`` in which the file's spans take the place of modelled long-haul fibre.

    A span joins the right-of-way nodes near its route, one link from node to node.  Faults: unreadable, duplicate
    identifiers, spans without route or with unknown ends, unknown status or medium, stated lengths that the route
    contradicts or that are in metres, swapped coordinates.  Spans not in service, or outside the country, are left out
    with a warning.
    """
    for name in ("links", "rights_of_way_nodes", "country"):
        no_table(name, tables)
    findings = Findings(path.name)
    spans = _spans(path, findings)
    _check_spans(spans, findings)
    land = land_of(tables)
    spans_here = _in_country(spans, land, findings)
    used = [span for span in spans_here if span.status in STATUS_IN_SERVICE and span.medium in MEDIA]
    n_left = len(spans_here) - len(used)
    if n_left:
        findings.warnings.append(f"{n_left} spans are not in service, or are copper, and were left out")
    if not findings.problems and not used:
        findings.add("no span in service lies in the country", "supply the country's own network")
    links = _links(used, tables, source_id_of(path, "fibre"), findings) if not findings.problems else pl.DataFrame()
    if findings.problems:
        return finished(path, "fibre", findings, tables={}, old=tables, n_rows=len(spans))
    modelled = (pl.col("tier") == "long_haul") & pl.col("evidence").is_in(["synthetic", "assumed"])
    kept = tables["links"].filter(~modelled)
    result = {"links": pl.concat([kept, links], how="diagonal_relaxed").sort("link_id")}
    return finished(path, "fibre", findings, tables=result, old=tables, n_rows=len(spans))


def _spans(path: Path, findings: Findings) -> list[_Span]:
    """Return the spans of a file in any of its forms."""
    if path.suffix.lower() != ".json":
        return _from_lines(path, findings)
    try:
        content = read_json(path)
    except InputError as fault:
        findings.problems += fault.problems
        return []
    if isinstance(content, dict) and content.get("type") == "FeatureCollection":
        return _from_lines(path, findings)
    networks = content.get("networks") if isinstance(content, dict) else None
    if not isinstance(networks, list) or not networks:
        findings.add("there is no 'networks'", "supply an Open Fibre Data Standard 0.3 network package")
        return []
    spans: list[_Span] = []
    for network in networks:
        spans += _from_network(network, len(spans), findings)
    return spans


def _from_network(network: Mapping[str, Any], n_before: int, findings: Findings) -> list[_Span]:
    """Return the spans of one OFDS network; nodes, phases and identifiers are checked."""
    nodes: dict[str, Any] = {}
    for number, node in enumerate(network.get("nodes") or [], start=1):
        name = str(node.get("id", ""))
        if name in nodes:
            findings.add(f"node '{name}' stands twice", "give each node its own id", number, "nodes/id")
        nodes[name] = node
    phases = {str(phase.get("id")) for phase in network.get("phases") or []}
    result: list[_Span] = []
    for number, span in enumerate(network.get("spans") or [], start=n_before + 1):
        for end in ("start", "end"):
            if span.get(end) is not None and str(span[end]) not in nodes:
                findings.add(f"node '{span[end]}' is unknown", "add it to nodes", number, f"spans/{end}")
        phase = (span.get("phase") or {}).get("id")
        if phase is not None and phases and str(phase) not in phases:
            findings.add(f"phase '{phase}' is unknown", "add it to phases", number, "spans/phase")
        route = _route(span, nodes, number, findings)
        if route is not None:
            result.append(_ofds_span(network, span, number, route))
    return result


def _ofds_span(network: Mapping[str, Any], span: Mapping[str, Any], number: int, route: BaseGeometry) -> _Span:
    """Return one OFDS span in our words."""
    provider = span.get("physicalInfrastructureProvider") or {}
    medium = span.get("transmissionMedium") or ["fibre"]
    return _Span(
        row=number,
        span_id=f"{network.get('id', 'network')}-{span.get('id', number)}",
        name=span.get("name"),
        status=str(span.get("status") or "").lower(),
        operator=provider.get("name"),
        medium=str(medium[0]).lower(),
        stated_km=span.get("fibreLength"),
        capacity_gbps=span.get("capacity"),
        route=route,
    )


def _route(span: Mapping[str, Any], nodes: Mapping[str, Any], number: int, findings: Findings) -> BaseGeometry | None:
    """Return a span's route: as drawn, else straight between its nodes; a fault where there is neither."""
    try:
        if span.get("route"):
            return shape_of(span["route"])
        ends = [shape_of(nodes[str(span[end])]["location"]) for end in ("start", "end")]
        return shapely.LineString(np.concatenate([shapely.get_coordinates(end) for end in ends]))
    except (KeyError, TypeError, ValueError, GEOSException):
        findings.add("the span has neither a route nor two nodes with locations", "add one", number, "spans/route")
        return None


def _from_lines(path: Path, findings: Findings) -> list[_Span]:
    """Return the lines of a vector file as spans; ``length_km`` and ``fibreLength`` in km, ``distance`` in km or m."""
    features = read_features(path, findings, skips_empty=True)
    drawn = [shape is not None and not shape.is_empty for shape in features.shapes]
    types = np.array(
        [shape.geom_type if has else "LineString" for shape, has in zip(features.shapes, drawn, strict=True)]
    )
    findings.rows(
        ~np.isin(types, ["LineString", "MultiLineString"]), "the feature is no line", "supply lines", "geometry"
    )
    fields = {name.lower(): values for name, values in features.fields.items()}

    def column(*names: str) -> Sequence[Any]:
        return next((fields[name] for name in names if name in fields), [None] * len(features))

    ids, status, operators = column("line_id", "id"), column("status"), column("operator_name", "operator")
    names, medium, capacity = (
        column("name"),
        column("transmissionmedium", "medium"),
        column("capacity_gbps", "capacity"),
    )
    stated = _stated_km(features.shapes, fields, findings)
    return [
        _Span(
            row=i + 1,
            span_id=str(ids[i]) if ids[i] is not None else str(i + 1),
            name=None if names[i] is None else str(names[i]),
            status=str(status[i] or "").lower(),
            operator=None if operators[i] is None else str(operators[i]),
            medium=str(medium[i] or "fibre").lower(),
            stated_km=stated[i],
            capacity_gbps=None if capacity[i] is None else float(capacity[i]),
            route=features.shapes[i],
        )
        for i in range(len(features))
        if drawn[i]
    ]


def _number(value: Any) -> float | None:  # noqa: ANN401  # a field's value
    """Return a finite number or ``None``."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None


def _stated_km(shapes: Any, fields: Mapping[str, Sequence[Any]], findings: Findings) -> list[float | None]:  # noqa: ANN401
    """Return stated lengths, km; a field named ``distance`` tells its unit only by its size."""
    for name in ("length_km", "fibrelength"):
        if name in fields:
            return [_number(value) for value in fields[name]]
    if "distance" not in fields:
        return [None] * len(shapes)
    stated = [_number(value) for value in fields["distance"]]
    drawn = [_length_km(shape) if shape is not None else 0.0 for shape in shapes]
    ratio = [s / d for s, d in zip(stated, drawn, strict=True) if s and d]
    is_metre = bool(ratio) and float(np.median(ratio)) > METRES_LEAST_RATIO
    findings.warnings.append(f"'distance' has no unit in its name; read as {'metres' if is_metre else 'kilometres'}")
    return [s / M_PER_KM if s is not None and is_metre else s for s in stated]


def _length_km(shape: BaseGeometry) -> float:
    """Return the geodesic length of a line, km."""
    return float(GEOD.geometry_length(shape)) / M_PER_KM


def _check_spans(spans: Sequence[_Span], findings: Findings) -> None:
    """Add faults of identifiers, status, medium and length."""
    seen: set[str] = set()
    for span in spans:
        if span.span_id in seen:
            findings.add(f"span '{span.span_id}' stands twice", "give each span its own id", span.row, "id")
        seen.add(span.span_id)
        if span.status not in (*STATUS_IN_SERVICE, *STATUS_LATER):
            cure = "use operational, underConstruction, planned, proposed, decommissioned or inactive"
            findings.add(f"status '{span.status}' is unknown", cure, span.row, "status")
        if span.medium not in (*MEDIA, *MEDIA_LEFT_OUT):
            cure = f"use one of {', '.join((*MEDIA, *MEDIA_LEFT_OUT))}"
            findings.add(f"the technology '{span.medium}' is unknown", cure, span.row, "transmissionMedium")
        if span.capacity_gbps is not None and span.capacity_gbps < 0:
            findings.add("the capacity is negative", "give Gbit/s of zero or more", span.row, "capacity")
        _check_length(span, findings)


def _check_length(span: _Span, findings: Findings) -> None:
    """Add a fault where the stated length and the drawn route contradict each other."""
    if span.stated_km is None:
        return
    drawn_km = _length_km(span.route)
    stated_km = float(span.stated_km)
    if stated_km < 0:
        findings.add("the length is negative", "give kilometres of zero or more", span.row, "length")
    elif drawn_km > LENGTH_SLACK_KM and stated_km > METRES_LEAST_RATIO * drawn_km:
        what = f"the length {stated_km:,.0f} is in metres; the route measures {drawn_km:,.1f} km"
        findings.add(what, "divide it by 1000: the standard's fibreLength is in kilometres", span.row, "length")
    elif stated_km < LENGTH_LEAST_RATIO * drawn_km - LENGTH_SLACK_KM:
        what = f"the length is stated as {stated_km:,.1f} km, but the route measures {drawn_km:,.1f} km"
        findings.add(what, "correct the length or the drawing, or leave the length out", span.row, "length")
    elif stated_km > LENGTH_MOST_RATIO * drawn_km + LENGTH_SLACK_KM:
        what = f"the length is stated as {stated_km:,.1f} km, the route measures only {drawn_km:,.1f} km"
        findings.add(what, "correct the length or the drawing, or leave the length out", span.row, "length")


def _in_country(spans: Sequence[_Span], land: BaseGeometry, findings: Findings) -> list[_Span]:
    """Return the spans that touch the country; where none does, say why."""
    if not spans:
        return []
    start = shapely.get_coordinates([span.route for span in spans], return_index=True)
    _, first = np.unique(start[1], return_index=True)
    lon, lat = start[0][first, 0], start[0][first, 1]
    if land.is_empty:
        return list(spans)
    touches = shapely.dwithin(np.array([span.route for span in spans], dtype=object), land, 0.05)
    if not touches.any():
        check_points(findings, lon, lat, land, lon="geometry")
        return []
    swapped = ~touches
    swapped[swapped] = on_land(land, lat[swapped], lon[swapped])
    for i in np.flatnonzero(swapped).tolist():
        findings.add(
            "longitude and latitude are swapped", "write longitude first, as GeoJSON does", spans[i].row, "geometry"
        )
    n_abroad = int((~touches & ~swapped).sum())
    if n_abroad:
        findings.warnings.append(f"{n_abroad} spans lie outside the country and were left out")
    return [span for span, keep in zip(spans, touches, strict=True) if keep]


def _links(
    spans: Sequence[_Span], tables: Mapping[str, pl.DataFrame], source_id: str, findings: Findings
) -> pl.DataFrame:
    """Return the links of the spans, joined to right-of-way nodes."""
    nodes = tables["rights_of_way_nodes"].sort("row_node_id")
    operators = {}
    if "operators" in tables:
        operators = {name.lower(): key for key, name in tables["operators"].select("operator_id", "name").iter_rows()}
    code = country_code(tables)
    rows: list[dict[str, Any]] = []
    n_inside = 0
    for span in spans:
        pieces = _pieces(span, nodes, findings)
        n_inside += not pieces
        total_km = span.stated_km or _length_km(span.route)
        for number, (a, b, share, line) in enumerate(pieces, start=1):
            rows.append(
                {
                    "link_id": f"{code}-i-{span.span_id}-{number}",
                    "name": span.name,
                    "kind": MEDIA[span.medium],
                    "operator_id": operators.get((span.operator or "").lower()),
                    "row_id": None,
                    "from_node_id": nodes["row_node_id"][a],
                    "to_node_id": nodes["row_node_id"][b],
                    "length_km": float(total_km) * share,
                    "capacity_gbps": span.capacity_gbps if span.capacity_gbps is not None else LONG_HAUL_GBPS,
                    "tier": "long_haul",
                    "geometry": shapely.to_wkb(line),
                    "evidence": "measured",
                    "source_id": source_id,
                }
            )
    if n_inside:
        findings.warnings.append(f"{n_inside} spans begin and end at one right-of-way node and were left out")
    schema = {name: dtype for name, dtype in tables["links"].schema.items() if not rows or name in rows[0]}
    return pl.DataFrame(rows, schema=schema)


def _pieces(span: _Span, nodes: pl.DataFrame, findings: Findings) -> list[tuple[int, int, float, BaseGeometry]]:
    """Return (node, next node, share of the length, line) along a route, only where it comes near a node."""
    merged = shapely.line_merge(span.route)
    line = max(shapely.get_parts(merged), key=lambda part: part.length)
    n_steps = max(1, int(np.ceil(_length_km(line) / SAMPLE_KM)))
    share = np.linspace(0.0, 1.0, n_steps + 1)
    point = shapely.line_interpolate_point(line, share, normalized=True)
    apart_km, at = nearest(shapely.get_x(point), shapely.get_y(point), nodes["lon_deg"], nodes["lat_deg"])
    if max(apart_km[0], apart_km[-1]) > SNAP_END_KM:
        what = f"an end lies {max(apart_km[0], apart_km[-1]):,.0f} km from any road or railway"
        findings.warnings.append(f"row {span.row}: {what}")
    near = apart_km <= SNAP_KM
    near[[0, -1]] = True
    stops = np.flatnonzero(near)
    stops = stops[np.r_[True, at[stops[1:]] != at[stops[:-1]]]]
    # Ends count whole: what lies before the first and after the last change of node belongs to the outer pieces.
    cut = share[stops].copy()
    cut[0] = 0.0
    cut[-1] = 1.0
    return [
        (int(at[a]), int(at[b]), float(hi - lo), substring(line, lo, hi, normalized=True))
        for a, b, lo, hi in zip(stops[:-1], stops[1:], cut[:-1], cut[1:], strict=True)
    ]
