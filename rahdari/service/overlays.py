"""Real files that a user has laid over a country: kept beside the cache, named in one record."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

from rahdari.errors import InputError, Problem
from rahdari.run.country import CountryInputs
from rahdari.service.packs import COMMON
from rahdari.store.atomic import locked, replacing, write_text

if TYPE_CHECKING:
    from pathlib import Path

    from rahdari.service.packs import Asked

RECORD = "imports.json"


def _folder(cache_dir: Path, slug: str) -> Path:
    return cache_dir / "overlays" / slug


def imported(cache_dir: Path, slug: str) -> dict[str, Path]:
    """Return the files laid over a country by earlier imports, by kind."""
    record = _folder(cache_dir, slug) / RECORD
    if not record.is_file():
        return {}
    try:
        names: dict[str, str] = json.loads(record.read_text(encoding="utf-8"))
        return {kind: _folder(cache_dir, slug) / name for kind, name in names.items()}
    except (ValueError, TypeError, AttributeError) as error:
        cure = "remove it and import your files again"
        raise InputError(Problem("the record of imported files is damaged", cure, str(record))) from error


def _write_record(folder: Path, files: dict[str, Path]) -> None:
    # Names and not paths: the cache may be moved.
    write_text(folder / RECORD, json.dumps({kind: path.name for kind, path in sorted(files.items())}, indent=1))


def keep(cache_dir: Path, slug: str, kind: str, file: Path) -> Path:
    """Copy a checked file beside the cache, note it, and return where it lies."""
    folder = _folder(cache_dir, slug)
    with locked(folder):
        before = imported(cache_dir, slug)
        kept = folder / f"{kind}{file.suffix}"
        if not (kept.is_file() and kept.samefile(file)):
            with replacing(kept) as temporary:
                shutil.copyfile(file, temporary)
        _write_record(folder, {**before, kind: kept})
        if kind in before and before[kind] != kept:
            before[kind].unlink(missing_ok=True)
    return kept


def forget(cache_dir: Path, slug: str, kind: str) -> bool:
    """Take an imported file away again; return whether there was one."""
    if kind not in imported(cache_dir, slug):
        return False
    with locked(_folder(cache_dir, slug)):
        files = imported(cache_dir, slug)
        path = files.pop(kind)
        _write_record(_folder(cache_dir, slug), files)
        path.unlink(missing_ok=True)
    return True


def country_inputs(asked: Asked, cache_dir: Path, imports: dict[str, Path]) -> CountryInputs:
    """Return what a country is made from: its pack, then files imported before, then ``imports``."""
    return CountryInputs(
        country=asked.country,
        pack_folder=asked.pack,
        common_folder=COMMON,
        data_cache=cache_dir / "data",
        imports={**imported(cache_dir, asked.slug), **imports},
    )
