"""A plan on disk: ``manifest.json`` names content-addressed table files; replacing it is the commit."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from rahdari.errors import PlanError, Problem
from rahdari.store.atomic import locked, replacing, write_bytes, write_text
from rahdari.store.digest import file_digest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MANIFEST = "manifest.json"
DIGEST_SHOWN = 12
FORMAT_VERSION = 1
TABLE_FILE = re.compile(rf"[a-z0-9_]+-[0-9a-f]{{{DIGEST_SHOWN}}}\.parquet")


def _place(source: Path, target: Path, digest: str) -> None:
    """Link or copy a cached file into the plan, unless the same content stands there."""
    if target.is_file() and (target.samefile(source) or file_digest(target) == digest):
        return
    with replacing(target) as temporary:
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copyfile(source, temporary)


def _place_schema(content: bytes, folder: Path, table: str) -> str:
    """Write the schema of a table where it is missing or damaged; return its name within the plan."""
    digest = hashlib.blake2b(content, digest_size=DIGEST_SHOWN // 2).hexdigest()
    name = f"schema/{digest}/{table}.csv"
    target = folder / name
    if not target.is_file() or target.read_bytes() != content:
        write_bytes(target, content)
    return name


def check_plan_folder(folder: Path) -> None:
    """Raise :class:`PlanError` where a plan cannot go into a folder: before any work, not after it."""
    if (folder / MANIFEST).is_file():
        # Never take the place of what is no plan of ours.
        read_plan_manifest(folder, must_be_current=False)
    standing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not standing.is_dir():
        cure = "choose another folder with --out"
        raise PlanError(Problem("a file stands where the plan's folder is to be", cure, str(standing)))
    if not os.access(standing, os.W_OK | os.X_OK):
        cure = "choose another folder with --out, or change its permissions"
        raise PlanError(Problem("cannot write here", cure, str(standing)))


def write_plan(
    folder: Path, files: Mapping[str, tuple[Path, str]], schemas: Mapping[str, bytes], manifest: dict[str, Any]
) -> None:
    """Commit a plan: tables first, then the manifest in one rename, then what the old plan alone needed goes.

    ``files`` gives for every table its cached file and content digest, ``schemas`` its schema file.  Two runs
    into one folder commit one after the other, and the last one stands.
    """
    check_plan_folder(folder)
    with locked(folder):
        for table, (source, digest) in files.items():
            name = f"tables/{table}-{digest[:DIGEST_SHOWN]}.parquet"
            _place(source, folder / name, digest)
            manifest["tables"][table]["file"] = name
            manifest["tables"][table]["schema"] = _place_schema(schemas[table], folder, table)
        manifest["format_version"] = FORMAT_VERSION
        write_text(folder / MANIFEST, json.dumps(manifest, sort_keys=True, indent=1, ensure_ascii=False))
        _clear(folder, manifest)


def _clear(folder: Path, manifest: dict[str, Any]) -> None:
    """Remove what the manifest does not name: older tables and schemas, and what a killed run left."""
    kept = {folder / record[part] for record in manifest["tables"].values() for part in ("file", "schema")}
    ours = [path for path in folder.glob("tables/*.parquet") if TABLE_FILE.fullmatch(path.name)]
    ours += folder.glob("schema/*/*.csv")
    leftovers = (*folder.glob(".*.part"), *folder.glob("tables/.*.part"), *folder.glob("schema/*/.*.part"))
    with contextlib.suppress(OSError):  # the plan is committed; what stays behind is only space
        for path in (*(path for path in ours if path not in kept), *leftovers):
            path.unlink(missing_ok=True)
        for path in folder.glob("schema/*"):
            if not any(path.iterdir()):
                path.rmdir()


def _is_inside(name: object) -> bool:
    """Return whether a file name of a manifest stays inside the plan's folder."""
    return isinstance(name, str) and not PurePosixPath(name).is_absolute() and ".." not in PurePosixPath(name).parts


def _is_manifest(manifest: object) -> bool:
    """Return whether a JSON value is a plan's manifest, whatever wrote it."""
    if not isinstance(manifest, dict) or not isinstance(manifest.get("tables"), dict):
        return False
    records = manifest["tables"].values()
    return all(isinstance(record, dict) and _is_inside(record.get("file")) for record in records) and all(
        _is_inside(record.get("schema")) for record in records
    )


def read_plan_manifest(folder: Path, *, must_be_current: bool = True) -> dict[str, Any]:
    """Return the manifest of a plan folder; :class:`PlanError` where it is none, damaged, or of another format."""
    path = folder / MANIFEST
    if not path.is_file():
        cure = "make one with 'rahdari plan pakistan', or give its folder with --plan"
        raise PlanError(Problem("there is no plan here", cure, str(folder)))
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        cure = f"remove {MANIFEST} and run the plan again"
        raise PlanError(Problem(f"is damaged: {error}", cure, str(path))) from error
    if not isinstance(manifest, dict) or "format_version" not in manifest:
        raise PlanError(Problem("is no plan of rahdari", "give the folder of a plan", str(path)))
    if must_be_current and manifest["format_version"] != FORMAT_VERSION:
        cure = "run the plan again with this version of rahdari"
        raise PlanError(Problem(f"has format {manifest['format_version']}", cure, str(path)))
    if must_be_current and not _is_manifest(manifest):
        raise PlanError(Problem("is damaged: it does not name its tables", "run the plan again", str(path)))
    return manifest


def newest_plan(root: Path) -> Path:
    """Return the folder of the plan below ``root`` that was written last."""
    candidates = [*root.glob(MANIFEST), *root.glob(f"*/{MANIFEST}")]
    if not candidates:
        cure = "make one with 'rahdari plan pakistan', or give its folder with --plan"
        raise PlanError(Problem("there is no plan yet", cure, str(root)))
    return max(candidates, key=lambda path: path.stat().st_mtime_ns).parent
