"""A plan on disk: ``manifest.json`` names content-addressed table files; replacing it is the commit."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from typing import TYPE_CHECKING, Any

from rahdari.errors import PlanError, Problem
from rahdari.store.atomic import replacing, write_bytes, write_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MANIFEST = "manifest.json"
DIGEST_SHOWN = 12
FORMAT_VERSION = 1


def _place(source: Path, target: Path) -> None:
    """Link or copy a cached file into the plan; the name holds its digest, so an existing one is the same."""
    if target.is_file() and target.stat().st_size == source.stat().st_size:
        return
    with replacing(target) as temporary:
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copyfile(source, temporary)


def write_plan(
    folder: Path, files: Mapping[str, tuple[Path, str]], schemas: Mapping[str, bytes], manifest: dict[str, Any]
) -> None:
    """Commit a plan: tables first, then the manifest in one rename, then what the old plan alone needed.

    ``files`` gives for every table its cached file and content digest, ``schemas`` its schema file.
    """
    for table, (source, digest) in files.items():
        name = f"tables/{table}-{digest[:DIGEST_SHOWN]}.parquet"
        _place(source, folder / name)
        manifest["tables"][table]["file"] = name
        content = schemas[table]
        digest_of_schema = hashlib.blake2b(content, digest_size=DIGEST_SHOWN // 2).hexdigest()
        schema_name = f"schema/{digest_of_schema}/{table}.csv"
        if not (folder / schema_name).is_file():
            write_bytes(folder / schema_name, content)
        manifest["tables"][table]["schema"] = schema_name
    manifest["format_version"] = FORMAT_VERSION
    write_text(folder / MANIFEST, json.dumps(manifest, sort_keys=True, indent=1, ensure_ascii=False))
    kept = {record["file"] for record in manifest["tables"].values()}
    for path in (folder / "tables").glob("*.parquet"):
        if f"tables/{path.name}" not in kept:
            path.unlink(missing_ok=True)
    schemas_kept = {record["schema"] for record in manifest["tables"].values()}
    for path in (folder / "schema").glob("*/*.csv"):
        if path.relative_to(folder).as_posix() not in schemas_kept:
            path.unlink(missing_ok=True)
    for path in (*folder.glob(".*.part"), *(folder / "tables").glob(".*.part")):
        path.unlink(missing_ok=True)


def read_plan_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a plan folder; :class:`PlanError` where it is none or damaged."""
    path = folder / MANIFEST
    if not path.is_file():
        cure = "make one with 'rahdari plan pakistan', or give its folder with --plan"
        raise PlanError(Problem("there is no plan here", cure, str(folder)))
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise PlanError(Problem(f"is damaged: {error}", "run the plan again", str(path))) from error
    if manifest.get("format_version") != FORMAT_VERSION:
        cure = "run the plan again with this version of rahdari"
        raise PlanError(Problem(f"has format {manifest.get('format_version')}", cure, str(path)))
    return manifest


def newest_plan(root: Path) -> Path:
    """Return the folder of the plan below ``root`` that was written last."""
    candidates = [*root.glob(MANIFEST), *root.glob(f"*/{MANIFEST}")]
    if not candidates:
        cure = "make one with 'rahdari plan pakistan', or give its folder with --plan"
        raise PlanError(Problem("there is no plan yet", cure, str(root)))
    return max(candidates, key=lambda path: path.stat().st_mtime_ns).parent
