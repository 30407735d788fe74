"""Network files: check and convert them, and export a plan's fibre or routes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.model.params import Params
from rahdari.store.query import OWNER, Clearance, PlanReader

if TYPE_CHECKING:
    from rahdari.sources.networks.network import Network, NetworkRead

Format = Literal["ofds", "geojson", "gpkg", "sndlib", "graphml", "gnpy"]
MAX_SNAP_KM = 50.0  # a farther end belongs to another town
PLAN_TABLES = {
    "fibre": ("links", "planned_links", "operators", "rights_of_way_nodes", "sites", "places"),
    "routes": ("routes", "route_ways"),
}


class NetworkCheckRequest(Params):
    """Read a network file and say what is wrong with it."""

    file: Path = Field(description="SNDlib, GraphML, GeoJSON, GeoPackage or Open Fibre Data Standard file")
    snap_km: float = Field(0.1, ge=0.0, le=MAX_SNAP_KM, description="Largest distance of a line's end from its node")
    crossings: Literal["refuse", "keep"] = Field("refuse", description="Lines that meet without a node: fault or not")


class NetworkCheckResponse(Params):
    """What a network file holds, or every problem it has."""

    file: str
    format: str | None
    is_well: bool
    name: str = ""
    n_nodes: int = 0
    n_links: int = 0
    n_demands: int = 0
    n_parallel_links: int = Field(0, description="Links of the file that were joined with another")
    n_parts: int = Field(0, description="Connected parts")
    length_km: float = 0.0
    demand_value: float = Field(0.0, description="Sum of the demands, in the file's unit of capacity")
    cost_basis: str = Field("", description="What the unit cost of a link is made from")
    problems: list[dict[str, Any]] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)


class NetworkImportRequest(NetworkCheckRequest):
    """Read a network file and write it in another format."""

    out: Path | None = Field(None, description="File to write; without it the file is only read")
    format: Format | None = Field(None, description="Format to write; default: as the suffix tells")


class NetworkImportResponse(NetworkCheckResponse):
    """What a network file holds, and what was written."""

    out: Path | None = None
    out_format: str | None = None
    lost: list[str] = Field(default_factory=list, description="What the written format has no place for")


class NetworkExportRequest(Params):
    """Write a plan's fibre or routes as a network file."""

    plan: Path = Field(description="Folder of the plan")
    out: Path = Field(description="File to write")
    format: Format | None = Field(None, description="Format to write; default: as the suffix tells")
    layer: Literal["fibre", "routes"] = Field("fibre", description="Existing and planned fibre, or the routes")


class NetworkExportResponse(Params):
    """What was written."""

    out: Path
    format: str
    layer: str
    n_nodes: int
    n_links: int
    length_km: float
    lost: list[str] = Field(default_factory=list, description="What the written format has no place for")


def check_network(request: NetworkCheckRequest) -> NetworkCheckResponse:
    """Return what a file holds, or all its problems; nothing is raised and nothing is written."""
    read = _read(request)
    if read.network is None:
        return NetworkCheckResponse(
            file=str(request.file),
            format=read.format,
            is_well=False,
            problems=[problem.as_dict() for problem in read.problems],
            warnings=list(read.warnings),
        )
    return NetworkCheckResponse(file=str(request.file), is_well=True, **_counts(read.network, read.warnings))


def import_network(request: NetworkImportRequest) -> NetworkImportResponse:
    """Read a file and, where ``out`` is given, write it in another format.

    :class:`rahdari.errors.InputError` with every problem of the file; then nothing is written.
    """
    from rahdari.sources.networks.writing import format_of, write_network

    out_format = format_of(request.out, request.format) if request.out is not None else None
    _refuse_same(request.file, request.out)
    read = _read(request)
    raise_if_any(list(read.problems))
    network = read.network
    if network is None:  # a read without problems has a network
        raise AssertionError(request.file)
    lost = write_network(network, request.out, out_format) if request.out is not None else ()
    return NetworkImportResponse(
        file=str(request.file),
        is_well=True,
        **_counts(network, read.warnings),
        out=request.out,
        out_format=out_format,
        lost=list(lost),
    )


def export_network(request: NetworkExportRequest, clearance: Clearance = OWNER) -> NetworkExportResponse:
    """Write the fibre or the routes of a plan, as far as the clearance goes; lengths are the plan's own.

    :class:`rahdari.errors.InputError` where the plan has none, or the format cannot hold them.
    """
    from rahdari.sources.networks.plan import fibre_of_plan, routes_of_plan
    from rahdari.sources.networks.writing import format_of, write_network

    name = format_of(request.out, request.format)
    reader = PlanReader(request.plan, clearance)
    tables = {table: reader.table(table) for table in PLAN_TABLES[request.layer] if table in reader.names}
    title = f"{reader.manifest['country']}: {request.layer}"
    network, extras = (fibre_of_plan if request.layer == "fibre" else routes_of_plan)(tables, title)
    lost = write_network(network, request.out, name, extras)
    return NetworkExportResponse(
        out=request.out,
        format=name,
        layer=request.layer,
        n_nodes=len(network.instance.node_id),
        n_links=len(network.instance.link_id),
        length_km=float(network.instance.link_length_km.sum()),
        lost=list(lost),
    )


def _read(request: NetworkCheckRequest) -> NetworkRead:
    """Return the file as read."""
    from rahdari.sources.networks.files import read_network

    return read_network(request.file, snap_km=request.snap_km, crossings=request.crossings)


def _refuse_same(file: Path, out: Path | None) -> None:
    """Raise :class:`InputError` where a file would be written over itself."""
    if out is not None and out.exists() and file.exists() and out.samefile(file):
        raise InputError(Problem("the file would be written over itself", "give another name", str(out)))


def _counts(network: Network, warnings: tuple[str, ...]) -> dict[str, Any]:
    """Return what a network holds."""
    instance = network.instance
    n_nodes, (a, b) = len(instance.node_id), instance.link_node.T
    graph = coo_array((np.ones(len(a)), (a, b)), shape=(n_nodes, n_nodes))
    return {
        "format": network.format,
        "name": instance.name,
        "n_nodes": n_nodes,
        "n_links": len(instance.link_id),
        "n_demands": len(instance.demand_id),
        "n_parallel_links": int((network.link_count - 1).sum()),
        "n_parts": int(connected_components(graph, directed=False)[0]),
        "length_km": float(instance.link_length_km.sum()),
        "demand_value": float(instance.demand_value.sum()),
        "cost_basis": network.cost_basis,
        "warnings": list(warnings),
    }
