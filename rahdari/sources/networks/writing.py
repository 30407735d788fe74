"""Write a network in a format of the trade; a crash leaves the old file or the new one, never half."""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from rahdari.errors import InputError, PlanError, Problem
from rahdari.methods.geo import great_circle_km
from rahdari.methods.instance import Instance
from rahdari.sources.networks.geofiles import DEMANDS, SNAP_KM
from rahdari.sources.networks.network import bare_network
from rahdari.sources.networks.ofds import STATUS_BY_WORD, Node, OfdsNetwork, Organisation, Phase, Span, package_bytes
from rahdari.store.atomic import replacing, write_bytes, write_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rahdari.sources.networks.network import Network

    FloatArray = NDArray[np.float64]

FORMATS = ("ofds", "geojson", "gpkg", "sndlib", "graphml", "gnpy")
#: Suffix of a file -> format, where none is asked for.
SUFFIXES = {
    ".json": "ofds",
    ".geojson": "geojson",
    ".gpkg": "gpkg",
    ".txt": "sndlib",
    ".graphml": "graphml",
}
#: What a format has no place for.
LOST = {
    "ofds": "demands, modules and unit costs are not part of the Open Fibre Data Standard and were left out",
    "sndlib": "names, routes and lengths are not part of SNDlib's native format and were left out",
    "gnpy": "routes, demands and modules are not part of a GNPy topology and were left out",
    "graphml": "drawn routes, owners and status are not part of GraphML and were left out",
}
GNPY_SPAN_KM = 80.0  # longest span between amplifiers, as in the examples of GNPy
MEDIA = ("fibre", "microwave", "copper", "coaxial")


@dataclass(frozen=True, slots=True)
class OfdsExtras:
    """What an Open Fibre Data Standard file says beside the network: phases, and how far to trust the places."""

    phases: tuple[Phase, ...] = ()
    link_phase: Mapping[str, str] = field(default_factory=dict)
    accuracy_details: str | None = None


def format_of(path: Path, wanted: str | None = None) -> str:
    """Return the format that is wanted, else the one that a file's suffix tells; :class:`InputError` for neither.

    >>> from pathlib import Path
    >>> format_of(Path("corridor.geojson"))
    'geojson'
    """
    name = wanted or SUFFIXES.get(path.suffix.lower())
    if name not in FORMATS:
        told = f"format '{wanted}'" if wanted else f"suffix '{path.suffix}'"
        raise InputError(Problem(f"{told} is unknown", f"use the format {', '.join(FORMATS)}", str(path)))
    return str(name)


def write_network(
    network: Network | Instance, path: Path, format_name: str | None = None, extras: OfdsExtras | None = None
) -> tuple[str, ...]:
    """Write a network and return what the format could not hold, in sentences.

    ``format_name`` is one of :data:`FORMATS`, by default that of the suffix.  What is written reads back as the same
    instance, but for what is returned; GNPy files (a topology and ``NAME-equipment.json``) are not read back.
    :class:`rahdari.errors.InputError` where the format cannot hold an identifier
    or needs places that nodes lack; :class:`rahdari.errors.PlanError` where the disk refuses.
    """
    name = format_of(path, format_name)
    whole = bare_network(network) if isinstance(network, Instance) else network
    if name == "ofds":
        write_bytes(path, package_bytes([ofds_of(whole, extras or OfdsExtras())]))
    elif name == "geojson":
        write_bytes(path, orjson.dumps(geojson_of(whole)))
    elif name == "gpkg":
        _write_geopackage(whole, path)
    elif name == "sndlib":
        from rahdari.sources.networks.sndlib import native_text

        write_text(path, native_text(whole.instance))
    elif name == "graphml":
        from rahdari.sources.networks.graphml import graphml_text

        write_text(path, graphml_text(whole))
    else:
        _write_gnpy(whole.instance, path)
    return (LOST[name],) if name in LOST and _loses(whole, name) else ()


def _loses(network: Network, name: str) -> bool:
    """Return whether a network has something that a format does not hold."""
    instance = network.instance
    if name in ("ofds", "gnpy"):
        return bool(instance.demand_id) or any(len(capacity) for capacity in instance.link_module_capacity)
    is_drawn = any(route is not None for route in network.link_route)
    if name == "graphml":
        return is_drawn or any((*network.link_operator, *network.link_status))
    return is_drawn or any((*network.node_name, *network.link_name)) or bool(instance.link_length_km.any())


def _write_gnpy(instance: Instance, path: Path) -> None:
    """Write a topology, and beside it ``NAME-equipment.json`` with the fibre, amplifier and modes it refers to."""
    from rahdari.methods.line import Span as FibreSpan
    from rahdari.methods.line_design import MODES, band_channels
    from rahdari.sources.networks.gnpy_files import equipment_json, optical_network, topology_json

    optical = optical_network(instance, FibreSpan(GNPY_SPAN_KM))
    spans = [span for link in optical.links for span in link.spans]
    equipment = equipment_json(spans, band_channels(MODES[0], optical.power_dbm), optical.amplifier)
    write_text(path.with_name(f"{path.stem}-equipment.json"), equipment)
    write_text(path, topology_json(optical))


def ofds_of(network: Network, extras: OfdsExtras) -> OfdsNetwork:
    """Return a network in the words of the Open Fibre Data Standard; the same network gets the same UUID."""
    instance = network.instance
    operators = sorted({name for name in network.link_operator if name})
    keys = "\n".join((instance.name, *instance.node_id, *instance.link_id))
    places = _places(network)
    nodes = tuple(Node(id=key, name=network.node_name[i], location=places[i]) for i, key in enumerate(instance.node_id))
    spans = tuple(
        Span(
            id=key,
            start=instance.node_id[instance.link_node[i, 0]],
            end=instance.node_id[instance.link_node[i, 1]],
            name=network.link_name[i],
            status=STATUS_BY_WORD.get((network.link_status[i] or "").lower()),
            phase_id=extras.link_phase.get(key),
            route=_positions(network.link_route[i]),
            provider_id=network.link_operator[i],
            media=tuple(word for word in [(network.link_medium[i] or "").lower()] if word in MEDIA),
            fibre_length_km=_positive(instance.link_length_km[i]),
            capacity_gbps=_positive(instance.link_installed[i]),
        )
        for i, key in enumerate(instance.link_id)
    )
    return OfdsNetwork(
        id=str(uuid.uuid5(uuid.NAMESPACE_URL, keys)),
        name=instance.name or None,
        nodes=nodes,
        spans=spans,
        phases=extras.phases,
        organisations=tuple(Organisation(name, name) for name in operators),
        rest={"accuracyDetails": extras.accuracy_details} if extras.accuracy_details else {},
    )


def _positive(value: float) -> float | None:
    """Return a number above zero, or ``None``: zero stands for unknown."""
    return float(value) if value > 0 else None


def _positions(route: FloatArray | None) -> tuple[tuple[float, float], ...] | None:
    """Return a route as positions, or ``None``."""
    return None if route is None else tuple((lon, lat) for lon, lat in route.tolist())


def _places(network: Network) -> list[tuple[float, float] | None]:
    """Return the place of each node, ``None`` where it has none."""
    lon, lat = network.instance.node_lon_deg, network.instance.node_lat_deg
    if lon is None or lat is None:
        return [None] * len(network.instance.node_id)
    return [
        (x, y) if math.isfinite(x) and math.isfinite(y) else None
        for x, y in zip(lon.tolist(), lat.tolist(), strict=True)
    ]


def _placed(network: Network) -> list[tuple[float, float]]:
    """Return the place of each node; :class:`InputError` where one has none."""
    places = _places(network)
    missing = [key for key, place in zip(network.instance.node_id, places, strict=True) if place is None]
    if missing:
        what = f"{len(missing)} nodes have no place, the first is '{missing[0]}'"
        raise InputError(Problem(what, "give longitude and latitude, or write GraphML or SNDlib"))
    return [place for place in places if place is not None]


def _lines(network: Network, places: list[tuple[float, float]]) -> list[FloatArray]:
    """Return the line of each link from node to node: its route, drawn on to a node that it does not reach."""
    lines = []
    for (a, b), route in zip(network.instance.link_node.tolist(), network.link_route, strict=True):
        ends = np.array([places[a], places[b]])
        if route is None:
            lines.append(ends)
            continue
        km = great_circle_km(route[[0, -1], 0], route[[0, -1], 1], ends[:, 0], ends[:, 1])
        parts = [ends[:1] if km[0] > SNAP_KM else ends[:0], route, ends[1:] if km[1] > SNAP_KM else ends[:0]]
        lines.append(np.concatenate(parts))
    return lines


def _link_fields(network: Network) -> dict[str, list[Any]]:
    """Return what is written of each link, field by field."""
    instance = network.instance
    ends = (
        [[instance.node_id[n] for n in side] for side in instance.link_node.T.tolist()]
        if instance.link_id
        else [[], []]
    )
    pairs = zip(instance.link_module_capacity, instance.link_module_cost, strict=True)
    return {
        "link_id": list(instance.link_id),
        "name": list(network.link_name),
        "from_node_id": ends[0],
        "to_node_id": ends[1],
        "length_km": [_positive(value) for value in instance.link_length_km.tolist()],
        "unit_cost": instance.link_unit_cost.tolist(),
        "installed": instance.link_installed.tolist(),
        "modules": [np.column_stack([capacity, cost]).tolist() for capacity, cost in pairs],
        "status": list(network.link_status),
        "medium": list(network.link_medium),
        "operator": list(network.link_operator),
    }


def _demand_fields(instance: Instance) -> dict[str, list[Any]]:
    """Return what is written of each demand, field by field."""
    return {
        "demand_id": list(instance.demand_id),
        "from_node_id": [instance.node_id[n] for n in instance.demand_node[:, 0].tolist()],
        "to_node_id": [instance.node_id[n] for n in instance.demand_node[:, 1].tolist()],
        "value": instance.demand_value.tolist(),
    }


def _rows(fields: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """Return fields row by row, without what is not known."""
    return [
        {name: value for name, value in zip(fields, values, strict=True) if value is not None and value != []}
        for values in zip(*fields.values(), strict=True)
    ]


def geojson_of(network: Network) -> dict[str, Any]:
    """Return a network as a GeoJSON collection (RFC 7946); demands stand in the foreign member ``demands``."""
    places = _placed(network)
    nodes: dict[str, list[Any]] = {"node_id": list(network.instance.node_id), "name": list(network.node_name)}
    features = [
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": place}, "properties": properties}
        for place, properties in zip(places, _rows(nodes), strict=True)
    ]
    features += [
        {"type": "Feature", "geometry": {"type": "LineString", "coordinates": line.tolist()}, "properties": properties}
        for line, properties in zip(_lines(network, places), _rows(_link_fields(network)), strict=True)
    ]
    demands = {DEMANDS: _rows(_demand_fields(network.instance))} if network.instance.demand_id else {}
    return {"type": "FeatureCollection", "name": network.instance.name, "features": features, **demands}


def _write_geopackage(network: Network, path: Path) -> None:
    """Write layers ``nodes``, ``links`` and, where there are any, ``demands`` (without geometry)."""
    import pandas as pd
    import pyogrio
    import shapely
    from pyogrio import raw
    from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

    places = _placed(network)
    instance = network.instance
    links = _link_fields(network)
    links["modules"] = [orjson.dumps(pairs).decode() if pairs else None for pairs in links["modules"]]
    points = np.asarray(shapely.points(np.array(places).reshape(-1, 2)), dtype=object)
    lines = np.array([shapely.LineString(line) for line in _lines(network, places)], dtype=object)
    nodes: dict[str, list[Any]] = {"node_id": list(instance.node_id), "name": list(network.node_name)}
    with replacing(path) as temporary, TemporaryDirectory(dir=path.parent, prefix=".") as folder:
        written = Path(folder) / "network.gpkg"  # GDAL insists on the suffix
        try:
            for layer, shapes, kind, fields in (
                ("nodes", points, "Point", nodes),
                ("links", lines, "LineString", links),
            ):
                raw.write(
                    str(written),
                    shapely.to_wkb(shapes),
                    [_column(values) for values in fields.values()],
                    list(fields),
                    layer=layer,
                    driver="GPKG",
                    geometry_type=kind,
                    crs="EPSG:4326",
                    append=layer != "nodes",
                )
            if instance.demand_id:
                frame = pd.DataFrame(_demand_fields(instance))
                pyogrio.write_dataframe(frame, str(written), layer=DEMANDS, driver="GPKG", append=True)
        except (DataSourceError, DataLayerError, FeatureError) as error:
            cure = "free some space, or choose another folder"
            raise PlanError(Problem(f"cannot write: {str(error).splitlines()[0]}", cure, str(path))) from error
        written.replace(temporary)


def _column(values: list[Any]) -> np.ndarray:
    """Return a field as an array that GDAL takes: numbers with NaN for nothing, or text with ``None``."""
    if any(isinstance(value, float) for value in values):
        return np.array([math.nan if value is None else value for value in values], dtype=np.float64)
    return np.array(values, dtype=object)
