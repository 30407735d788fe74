"""GeoJSON and GeoPackage: points and lines become nodes and links.

Where the file has points, a line must end within ``snap_km`` of one; where it has none, ends within ``snap_km`` of
each other become a node.  Lines that name their nodes (``from_node_id``/``to_node_id``, ``start``/``end`` or
``source``/``target``) are held to it.  A row is the number of the feature in the file, points and lines together; in a
GeoPackage, layers follow one another in the file's order.  Features whose geometry is null or empty are left out with a
warning.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import orjson
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from rahdari.errors import InputError
from rahdari.methods.geo import great_circle_km, nearest, unit_vectors
from rahdari.sources.guard import shut_vector_reader
from rahdari.sources.imports.common import LAT_MAX_DEG, LON_MAX_DEG, Findings, read_features, warn_of_empty
from rahdari.sources.networks.checks import METRES_LEAST_RATIO, tell
from rahdari.sources.networks.content import WHOLE
from rahdari.sources.networks.network import Draft, DraftDemand, DraftLink, DraftNode, drawn_km
from rahdari.units import EARTH_RADIUS_KM

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    Crossings = Literal["refuse", "keep"]

SNAP_KM = 0.1  # a survey's line and its point agree within this; farther apart they are two places
M_PER_KM = 1000.0
SAME_PLACE_KM = 1e-4  # rounding of an intersection point
PLACES = ("points", "lines", "demands")
DEMANDS = "demands"  # foreign member of a GeoJSON collection, layer of a GeoPackage
WGS84_NAMES = ("crs84", "epsg::4326", "epsg:4326")
ENDS = (("from_node_id", "to_node_id"), ("start", "end"), ("source", "target"))
NODE_ID, LINK_ID = ("node_id", "id"), ("link_id", "line_id", "span_id", "id")
STATUS, MEDIUM, OPERATOR = ("status",), ("transmissionmedium", "medium", "kind"), ("operator_name", "operator", "owner")
LENGTH_KM, LENGTH_M, LENGTH_UNITLESS = ("length_km", "fibrelength"), ("length_m",), ("distance", "length")
INSTALLED, COST, MODULES = ("installed", "capacity_gbps", "capacity"), ("unit_cost",), ("modules",)
TYPES = {"Point": 0, "LineString": 1, "MultiLineString": 2}  # depth of coordinates


@dataclass(slots=True)
class Feature:
    """One feature: its row from 1, its coordinates (1, 2) or (k, 2) in degrees, its fields in lower case."""

    row: int
    is_point: bool
    xy: FloatArray
    fields: Mapping[str, Any]


def read_geojson(content: Any, name: str, findings: Findings, **how: Any) -> Draft:  # noqa: ANN401  # parsed JSON
    """Return the draft of a parsed GeoJSON collection; ``how`` as for :func:`draft_of`."""
    is_collection = isinstance(content, dict) and isinstance(content.get("features"), list)
    if not is_collection:
        findings.add("there is no list 'features'", "supply a GeoJSON FeatureCollection")
        return Draft("geojson", name, places=PLACES)
    crs = content.get("crs")
    told = str(crs.get("properties", "")).lower() if isinstance(crs, dict) else ""
    if crs is not None and not any(known in told for known in WGS84_NAMES):
        findings.add("the coordinates are not in WGS 84", "save the file in EPSG:4326, as RFC 7946 asks", None, "crs")
        return Draft("geojson", name, places=PLACES)
    name = content["name"] if isinstance(content.get("name"), str) and content["name"] else name
    items = list(enumerate(content["features"], start=1))
    warn_of_empty([row for row, item in items if _is_empty(item)], findings)
    features = [_feature(item, row, findings) for row, item in items if not _is_empty(item)]
    draft = draft_of([feature for feature in features if feature is not None], "geojson", name, findings, **how)
    demands = content.get(DEMANDS)
    if isinstance(demands, list):
        _add_demands([item if isinstance(item, dict) else {} for item in demands], draft, findings)
    return draft


def _is_empty(item: Any) -> bool:  # noqa: ANN401  # parsed JSON
    """Return whether a feature says that it has no place: its geometry is null, or a point or line without positions.

    RFC 7946, section 3.2 allows the first and section 3.1 lets the second count as the first.
    """
    if not isinstance(item, dict) or "geometry" not in item:
        return False
    geometry = item["geometry"]
    if not isinstance(geometry, dict):
        return geometry is None
    return geometry.get("type") in TYPES and geometry.get("coordinates") == []


def _feature(item: Any, row: int, findings: Findings) -> Feature | None:  # noqa: ANN401  # parsed JSON
    """Return one GeoJSON feature, or ``None`` and a fault."""
    geometry = item.get("geometry") if isinstance(item, dict) else None
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if not isinstance(geometry, dict) or kind not in TYPES:
        told = f"is a {kind}" if kind else "has no geometry"
        findings.add(f"the feature {told}", "supply points and lines only", row, "geometry")
        return None
    parts = geometry.get("coordinates")
    if kind == "Point":
        parts = [[parts]]
    elif kind == "LineString":
        parts = [parts]
    try:
        drawn = [_positions(part) for part in parts or []]
    except (TypeError, ValueError, KeyError, OverflowError):
        findings.add("the coordinates are no list of longitude and latitude", "draw it again", row, "geometry")
        return None
    fields = item.get("properties")
    lower = {str(key).lower(): value for key, value in fields.items()} if isinstance(fields, dict) else {}
    if item.get("id") is not None:
        lower.setdefault("id", item["id"])
    return _joined(drawn, row, is_point=kind == "Point", fields=lower, findings=findings)


def _positions(part: Any) -> FloatArray:  # noqa: ANN401  # parsed JSON
    """Return positions (k, 2); heights are left out.  ValueError or TypeError where they are none."""
    xy = np.array([position[:2] for position in part], dtype=np.float64)
    if xy.ndim != 2 or xy.shape[1] != 2 or not np.isfinite(xy).all():  # noqa: PLR2004  # a position has two numbers
        raise ValueError(part)
    return xy


def _joined(
    parts: list[FloatArray], row: int, *, is_point: bool, fields: Mapping[str, Any], findings: Findings
) -> Feature | None:
    """Return a feature whose parts follow one another; faults: none, pieces apart, one place only, off the globe."""
    parts = [part for part in parts if len(part)]
    xy = parts[0] if parts else np.empty((0, 2))
    for part in parts[1:]:
        if not np.array_equal(xy[-1], part[0]):
            findings.add(f"the line is in {len(parts)} pieces", "draw it in one, or each as a feature", row, "geometry")
            return None
        xy = np.concatenate([xy, part[1:]])
    if len(xy) < (1 if is_point else 2):
        findings.add("the feature has no geometry", "draw it or remove it", row, "geometry")
        return None
    if np.abs(xy[:, 0]).max() > LON_MAX_DEG or np.abs(xy[:, 1]).max() > LAT_MAX_DEG:
        at = ", ".join(f"{value:g}" for value in xy[np.abs(xy).max(axis=1).argmax()])
        what = f"the feature reaches {at}, outside -180..180 and -90..90"
        findings.add(what, "give WGS 84 degrees, longitude first", row, "geometry")
        return None
    return Feature(row, is_point, xy, fields)


def read_geopackage(path: Path, name: str, findings: Findings, **how: Any) -> Draft:  # noqa: ANN401
    """Return the draft of all layers of a GeoPackage; ``how`` as for :func:`draft_of`."""
    import pyogrio
    import shapely
    from pyogrio.errors import DataSourceError

    features: list[Feature] = []
    demands: list[dict[str, Any]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # GDAL's remarks on a damaged file; its errors become faults
        try:
            shut_vector_reader(path)
            layers = [(str(layer), kind) for layer, kind in pyogrio.list_layers(str(path)).tolist()]
        except InputError as fault:
            findings.problems += fault.problems
            layers = []
        except (DataSourceError, ValueError, OSError) as fault:
            findings.add(f"the file cannot be read: {str(fault).splitlines()[0]}", WHOLE)
            layers = []
        for layer, kind in layers:
            if kind is None:
                demands += _rows_of(path, layer) if layer.lower() == DEMANDS else []
                continue
            read = read_features(path, findings, layer=layer, skips_empty=True)
            columns = {column.lower(): values for column, values in read.fields.items()}
            for i, shape in enumerate(read.shapes):
                row = len(features) + 1 if not i else features[-1].row + 1
                if shape is None or shape.is_empty:
                    continue
                if shape.geom_type not in TYPES:
                    findings.add(f"the feature is a {shape.geom_type}", "supply points and lines only", i + 1, layer)
                    continue
                parts = [shapely.get_coordinates(part) for part in shapely.get_parts(shape)]
                fields = {column: values[i] for column, values in columns.items()}
                is_point = shape.geom_type == "Point"
                feature = _joined(parts, row, is_point=is_point, fields=fields, findings=findings)
                features += [feature] if feature is not None else []
    draft = draft_of(features, "gpkg", name, findings, **how)
    _add_demands(demands, draft, findings)
    return draft


def _rows_of(path: Path, layer: str) -> list[dict[str, Any]]:
    """Return the rows of a layer without geometry."""
    from pyogrio import raw

    meta, _, _, columns = raw.read(str(path), layer=layer, read_geometry=False)
    names = [str(name) for name in meta["fields"]]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def draft_of(
    features: Sequence[Feature],
    kind: str,
    name: str,
    findings: Findings,
    *,
    snap_km: float = SNAP_KM,
    crossings: Crossings = "refuse",
) -> Draft:
    """Return points and lines as nodes and links.

    ``snap_km`` is the largest distance between a line's end and its node, 0 or more.  ``crossings`` says what becomes
    of lines that meet where neither has a node: ``refuse`` makes each a fault, ``keep`` lets them pass one another;
    lines that name their nodes are not judged by their drawing.  Faults: dangling ends, drawn ends away from the node
    that is named, crossings.  Rings back to the same node are left out with a warning.
    """
    draft = Draft(kind, name, places=PLACES)
    lines = [feature for feature in features if not feature.is_point]
    for point in (feature for feature in features if feature.is_point):
        lon, lat = point.xy[0].tolist()
        key = text_in(point.fields, NODE_ID) or place_name(lon, lat)
        draft.nodes.append(DraftNode(point.row, key, lon, lat, text_in(point.fields, ("name", "label"))))
    if not lines:
        return draft
    has_points = bool(draft.nodes)
    if not has_points:
        draft.nodes += _clustered(lines, snap_km)
    ends = _ends(lines, draft.nodes, snap_km if has_points else math.inf, findings)
    n_loops = 0
    for line, pair, length in zip(lines, ends, _stated_km(lines, findings), strict=True):
        if pair is None:
            continue
        if pair[0] == pair[1]:
            n_loops += 1
            continue
        draft.links.append(_link(line, pair, length, findings))
    if n_loops:
        findings.warnings.append(f"{n_loops} lines that begin and end at one node were left out")
    unnamed = [line for line in lines if not has_points or _named_ends(line) is None]
    if crossings == "refuse" and unnamed:
        _check_crossings(unnamed, snap_km, findings)
    return draft


def _link(line: Feature, ends: tuple[str, str], length: float | None, findings: Findings) -> DraftLink:
    """Return one line as a link."""
    fields, row = line.fields, line.row
    installed = _number(fields, INSTALLED, row, findings)
    return DraftLink(
        row,
        text_in(fields, LINK_ID) or f"line-{row}",
        ends,
        length_km=length,
        unit_cost=_number(fields, COST, row, findings),
        installed=installed if installed is not None else 0.0,
        modules=_modules(fields, row, findings),
        route=line.xy,
        name=text_in(fields, ("name", "label")),
        status=text_in(fields, STATUS),
        medium=text_in(fields, MEDIUM),
        operator=text_in(fields, OPERATOR),
    )


def place_name(lon_deg: float, lat_deg: float) -> str:
    """Return the name of a node that the file gives none: its place, to some 0.1 m.

    >>> place_name(73.0479, 33.6844)
    '73.047900,33.684400'
    """
    return f"{lon_deg + 0.0:.6f},{lat_deg + 0.0:.6f}"


def _clustered(lines: Sequence[Feature], snap_km: float) -> list[DraftNode]:
    """Return one node for each group of line ends within ``snap_km`` of each other, at its first end by place."""
    ends = np.concatenate([line.xy[[0, -1]] for line in lines])
    rows = np.repeat([line.row for line in lines], 2)
    order = np.lexsort((rows, ends[:, 1], ends[:, 0]))
    ends, rows = ends[order], rows[order]
    xyz = unit_vectors(ends[:, 0], ends[:, 1])
    same = cKDTree(xyz).query_pairs(_chord(snap_km), output_type="ndarray")
    graph = coo_array((np.ones(len(same)), (same[:, 0], same[:, 1])), shape=(len(ends), len(ends)))
    _, group = connected_components(graph, directed=False)
    _, first = np.unique(group, return_index=True)
    nodes: dict[str, DraftNode] = {}
    for i in np.sort(first).tolist():
        lon, lat = ends[i].tolist()
        nodes.setdefault(place_name(lon, lat), DraftNode(int(rows[i]), place_name(lon, lat), lon, lat))
    return list(nodes.values())


def _chord(distance_km: float) -> float:
    """Return the chord of a great circle on the unit sphere."""
    return 2.0 * math.sin(min(distance_km / EARTH_RADIUS_KM, math.pi) / 2.0)


def _ends(
    lines: Sequence[Feature], nodes: Sequence[DraftNode], snap_km: float, findings: Findings
) -> list[tuple[str, str] | None]:
    """Return the two nodes of each line: as it names them, else the nearest; a fault where none is near.

    An infinite ``snap_km`` means that the nodes were made from the ends: then names are not looked at.  Ties go to
    the lower id.
    """
    by_id = sorted(nodes, key=lambda node: node.node_id)
    where = {node.node_id: node for node in by_id}
    drawn = np.concatenate([line.xy[[0, -1]] for line in lines])
    at, apart = nearest(drawn[:, 0], drawn[:, 1], [n.lon_deg for n in by_id], [n.lat_deg for n in by_id])
    result: list[tuple[str, str] | None] = []
    for line, (a, b), km in zip(lines, at.reshape(-1, 2).tolist(), apart.reshape(-1, 2).tolist(), strict=True):
        named = _named_ends(line) if math.isfinite(snap_km) else None
        if named is not None:
            _check_named(line, named, where, snap_km, findings)
            result.append(named)
            continue
        for end, which in ((0, "begins"), (-1, "ends")):
            if km[end] > snap_km:
                lon, lat = line.xy[end].tolist()
                what = f"the line {which} at {lon:.5f}, {lat:.5f}, {km[end]:,.3f} km from the nearest point"
                cure = f"draw it to a point, add the point, or read with a tolerance above {snap_km:g} km"
                findings.add(what, cure, line.row, "geometry")
        result.append((by_id[a].node_id, by_id[b].node_id) if max(km) <= snap_km else None)
    return result


def _named_ends(line: Feature) -> tuple[str, str] | None:
    """Return the two nodes that a line names, or ``None``."""
    for first, second in ENDS:
        a, b = text_in(line.fields, (first,)), text_in(line.fields, (second,))
        if a is not None and b is not None:
            return a, b
    return None


def _check_named(
    line: Feature, ends: tuple[str, str], where: Mapping[str, DraftNode], snap_km: float, findings: Findings
) -> None:
    """Turn a line that is drawn backwards; add a fault where it is not drawn to the nodes that it names."""
    nodes = [where.get(end) for end in ends]
    if nodes[0] is None or nodes[1] is None:
        return  # the missing node is a fault of its own
    drawn = (*line.xy[0].tolist(), *line.xy[-1].tolist())
    if drawn == (nodes[0].lon_deg, nodes[0].lat_deg, nodes[1].lon_deg, nodes[1].lat_deg):
        return
    place = np.array([(node.lon_deg, node.lat_deg) for node in nodes if node is not None])

    def apart(xy: FloatArray) -> FloatArray:
        return great_circle_km(xy[[0, -1], 0], xy[[0, -1], 1], place[:, 0], place[:, 1])

    km = apart(line.xy)
    if km.max() > snap_km and apart(line.xy[::-1]).max() < km.max():
        line.xy = line.xy[::-1]
        km = apart(line.xy)
    for end, distance, which in zip(ends, km.tolist(), ("begins", "ends"), strict=True):
        if distance > snap_km:
            what = f"the line {which} {distance:,.3f} km from node '{end}', which it names"
            cure = f"draw it to the node, correct the name, or read with a tolerance above {snap_km:g} km"
            findings.add(what, cure, line.row, "geometry")


def _stated_km(lines: Sequence[Feature], findings: Findings) -> list[float | None]:
    """Return stated lengths, km; a field without a unit in its name tells it by its size alone."""
    lengths: list[float | None] = []
    bare: list[tuple[int, float]] = []
    for i, line in enumerate(lines):
        length = _number(line.fields, LENGTH_KM, line.row, findings)
        metres = _number(line.fields, LENGTH_M, line.row, findings) if length is None else None
        if metres is not None:
            length = metres / M_PER_KM
        unitless = _number(line.fields, LENGTH_UNITLESS, line.row, findings) if length is None else None
        if unitless is not None:
            bare.append((i, unitless))
        lengths.append(length)
    if bare:
        ratio = [value / drawn for i, value in bare if (drawn := drawn_km(lines[i].xy)) > 0]
        is_metre = bool(ratio) and float(np.median(ratio)) > METRES_LEAST_RATIO
        unit = "metres" if is_metre else "kilometres"
        findings.warnings.append(f"the field of lengths has no unit in its name; read as {unit}")
        for i, value in bare:
            lengths[i] = value / M_PER_KM if is_metre else value
    return lengths


def _check_crossings(lines: Sequence[Feature], snap_km: float, findings: Findings) -> None:
    """Add a fault for each two lines that meet at a point where not both of them end."""
    import shapely

    sizes = [len(line.xy) for line in lines]
    shapes = shapely.linestrings(
        np.concatenate([line.xy for line in lines]), indices=np.repeat(range(len(lines)), sizes)
    )
    drawn = np.asarray(shapes, dtype=object)
    one, two = shapely.STRtree(drawn).query(drawn, predicate="intersects")
    pairs = np.column_stack([one, two])[one < two]
    met, at = shapely.get_parts(shapely.intersection(drawn[pairs[:, 0]], drawn[pairs[:, 1]]), return_index=True)
    is_point = shapely.get_type_id(met) == 0
    xy, at = shapely.get_coordinates(met[is_point]), at[is_point]
    ends = np.stack([line.xy[[0, -1]] for line in lines])
    is_node = np.ones(len(at), dtype=bool)
    for side in (0, 1):
        end = ends[pairs[at, side]]
        km = great_circle_km(end[:, :, 0], end[:, :, 1], xy[:, :1], xy[:, 1:])
        is_node &= km.min(axis=1) <= max(snap_km, SAME_PLACE_KM)
    told: dict[tuple[int, int], str] = {}
    for pair, (lon, lat) in zip(pairs[at[~is_node]].tolist(), xy[~is_node].tolist(), strict=True):
        other = lines[pair[1]]
        name = f"row {other.row} ({text_in(other.fields, LINK_ID) or 'without id'})"
        told.setdefault((lines[pair[0]].row, other.row), f"the line meets that of {name} at {lon:.5f}, {lat:.5f}")
    faults = [(row, f"{what}, where not both have a node") for (row, _), what in sorted(told.items())]
    tell(findings, faults, "split both lines there, or read with crossings kept: they pass one another", "geometry")


def text_in(fields: Mapping[str, Any], names: Sequence[str]) -> str | None:
    """Return the first field that says something as text; a list gives its first item, an object its id."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, dict):
            value = value.get("id")
        if isinstance(value, list):
            value = value[0] if value else None
        if value is None or isinstance(value, (dict, list)) or value != value:  # noqa: PLR0124  # NaN is no value
            continue
        is_whole = isinstance(value, float) and value.is_integer()
        text = str(int(value) if is_whole else value)
        if text.strip():
            return text
    return None


def _number(fields: Mapping[str, Any], names: Sequence[str], row: int, findings: Findings) -> float | None:
    """Return the first field that is given, as a finite number; anything else is a fault."""
    for name in names:
        value = fields.get(name)
        if value is None or value == "" or value != value:  # noqa: PLR0124  # NaN: the layer's way to leave out
            continue
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if math.isfinite(number):
            return number
        findings.add(f"'{value}' is no finite number", "write digits with a decimal point", row, name)
        return None
    return None


def _modules(fields: Mapping[str, Any], row: int, findings: Findings) -> list[tuple[float, float]]:
    """Return the modules of a link: a list of [capacity, cost], or such a list as JSON text."""
    told = next((fields[name] for name in MODULES if fields.get(name)), None)
    if told is None or told != told:  # noqa: PLR0124  # NaN: the layer's way to leave out
        return []
    try:
        pairs = orjson.loads(told) if isinstance(told, str) else told
        return [(float(capacity), float(cost)) for capacity, cost in pairs]
    except (TypeError, ValueError, OverflowError):
        findings.add("the modules are no list of [capacity, cost]", "write [[100, 2500.0]]", row, MODULES[0])
        return []


def _add_demands(rows: Sequence[Mapping[str, Any]], draft: Draft, findings: Findings) -> None:
    """Add demands that stand beside the features."""
    for number, row in enumerate(rows, start=1):
        value = _number(row, ("value",), number, findings)
        ends = (text_in(row, ("from_node_id",)) or "", text_in(row, ("to_node_id",)) or "")
        draft.demands.append(
            DraftDemand(number, text_in(row, ("demand_id", "id")) or "", ends, math.nan if value is None else value)
        )
