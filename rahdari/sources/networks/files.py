"""Read and write network files: the format is told by the content, every fault comes at once.

>>> read_network("no-such-file.txt").problems[0].what
'there is no such file'
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from rahdari.errors import raise_if_any
from rahdari.sources.imports.common import Findings
from rahdari.sources.networks.checks import check_draft
from rahdari.sources.networks.content import MAX_BYTES, MIB, WHOLE, parse_xml, read_bytes, text_of
from rahdari.sources.networks.network import NetworkRead, network_of

if TYPE_CHECKING:
    from os import PathLike

    from rahdari.methods.instance import Instance
    from rahdari.sources.networks.geofiles import Crossings
    from rahdari.sources.networks.network import Draft, Network

SQLITE = b"SQLite format 3\x00"
MAX_GEOPACKAGE_BYTES = 2 * MAX_BYTES  # half the size of text for the same lines
SECTION = re.compile(rb"^[ \t]*(NODES|LINKS|DEMANDS)[ \t]*\(", re.MULTILINE)
NATIVE = b"?SNDlib"
KNOWN = "supply SNDlib, GraphML, GeoJSON, GeoPackage or an Open Fibre Data Standard package"


def read_network(
    path: str | PathLike[str], *, snap_km: float | None = None, crossings: Crossings = "refuse"
) -> NetworkRead:
    """Return the network of a file of any known format, or every problem that it has; nothing is raised.

    ``snap_km`` (default 0.1 km) and ``crossings`` (``refuse`` or ``keep``) are for GeoJSON and GeoPackage: see
    :func:`rahdari.sources.networks.geofiles.draft_of`.  A problem's ``row`` is the line in SNDlib and GraphML, the
    feature in GeoJSON and GeoPackage, the node or span in an Open Fibre Data Standard package.  Files above 64 MiB
    (GeoPackage 128 MiB) are refused.
    """
    path = Path(path)
    findings = Findings(path.name)
    if not path.is_file():
        findings.add("there is no such file", "correct the path")
        return NetworkRead(None, None, tuple(findings.problems))
    how: dict[str, Any] = {"crossings": crossings}
    if snap_km is not None:
        how["snap_km"] = snap_km
    draft = _draft(path, findings, how)
    if draft is None:
        return NetworkRead(None, None, tuple(findings.problems), tuple(findings.warnings))
    check_draft(draft, findings)
    network = None if findings.problems else network_of(draft)
    if network is not None and " and " in network.cost_basis:
        findings.warnings.append(f"unit costs are made from {network.cost_basis}, link by link: they may not compare")
    return NetworkRead(draft.format, network, tuple(findings.problems), tuple(findings.warnings))


def load_network(
    path: str | PathLike[str], *, snap_km: float | None = None, crossings: Crossings = "refuse"
) -> Network:
    """Return the network of a file; :class:`rahdari.errors.InputError` with every problem.  As :func:`read_network`."""
    read = read_network(path, snap_km=snap_km, crossings=crossings)
    raise_if_any(list(read.problems))
    if read.network is None:  # a read without problems has a network
        raise AssertionError(path)
    return read.network


def load_instance(path: str | PathLike[str]) -> Instance:
    """Return the capacity-planning instance of a file; :class:`rahdari.errors.InputError` with every problem.

    Made for SNDlib, whose files hold demands and modules; other formats give what they have.
    """
    return load_network(path).instance


def _draft(path: Path, findings: Findings, how: dict[str, Any]) -> Draft | None:
    """Return the rows of a file by the reader of its format, or ``None`` and faults."""
    try:
        with path.open("rb") as file:
            head = file.read(len(SQLITE))
    except OSError as fault:
        findings.add(f"the file cannot be read: {fault.strerror or fault}", "correct the path or its permissions")
        return None
    if head == SQLITE:
        return _geopackage(path, path.stem, findings, how)
    content = read_bytes(path, findings)
    return None if content is None else _draft_of_bytes(content, path.stem, findings, how)


def _draft_of_bytes(content: bytes, name: str, findings: Findings, how: dict[str, Any]) -> Draft | None:
    """Return the rows of a text file by its first character, or of SNDlib's native format by its sections."""
    first = content.lstrip()[:1]
    if first == b"<":
        return _xml(content, name, findings)
    if first in (b"{", b"["):
        return _json(content, name, findings, how)
    if content.lstrip().startswith(NATIVE) or SECTION.search(content):
        from rahdari.sources.networks.sndlib import read_native

        text = text_of(content, findings)
        return None if text is None else read_native(text, name, findings)
    findings.add("the file is of no known format", KNOWN)
    return None


def _geopackage(path: Path, name: str, findings: Findings, how: dict[str, Any]) -> Draft | None:
    """Return the rows of a GeoPackage of bearable size."""
    from rahdari.sources.networks.geofiles import read_geopackage

    size = path.stat().st_size
    if size > MAX_GEOPACKAGE_BYTES:
        what = f"the file has {size / MIB:,.0f} MiB; more than {MAX_GEOPACKAGE_BYTES / MIB:,.0f} MiB are not read"
        findings.add(what, "cut it to the region")
        return None
    draft = read_geopackage(path, name, findings, **how)
    return draft if draft.nodes or draft.links or not findings.problems else None


def _xml(content: bytes, name: str, findings: Findings) -> Draft | None:
    """Return the rows of GraphML or SNDlib XML."""
    from rahdari.sources.networks.graphml import read_graphml
    from rahdari.sources.networks.sndlib import read_xml

    root = parse_xml(content, findings)
    if root is None:
        return None
    if root.tag == "graphml":
        return read_graphml(root, name, findings)
    if root.tag == "network":
        return read_xml(root, name, findings)
    findings.add(f"element '{root.tag}' is of no known format", KNOWN, root.line)
    return None


def _json(content: bytes, name: str, findings: Findings, how: dict[str, Any]) -> Draft | None:
    """Return the rows of GeoJSON or an Open Fibre Data Standard package."""
    from rahdari.sources.networks.geofiles import read_geojson
    from rahdari.sources.networks.ofds import draft_of_package, parse_package

    try:
        parsed = orjson.loads(content)
    except orjson.JSONDecodeError as fault:
        findings.add(f"the file is no JSON: {fault.msg}", WHOLE, fault.lineno)
        return None
    if isinstance(parsed, dict) and ("features" in parsed or parsed.get("type") == "FeatureCollection"):
        return read_geojson(parsed, name, findings, **how)
    if isinstance(parsed, dict) and {"elements", "connections"} <= set(parsed):
        findings.add("GNPy topologies are written, not read", KNOWN)
        return None
    networks = parse_package(parsed, findings)
    return draft_of_package(networks, name, findings) if networks else None
