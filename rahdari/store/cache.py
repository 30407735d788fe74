"""The content-addressed result cache: one folder a key, complete or absent."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from typing import TYPE_CHECKING, Any

from rahdari.errors import PlanError, Problem
from rahdari.store.atomic import write_text

if TYPE_CHECKING:
    from pathlib import Path

META = "meta.json"


class ResultCache:
    """Results by key.  A crash leaves at most an unnamed folder, which the next run removes."""

    def __init__(self, folder: Path) -> None:
        """Use ``folder``, which is made on first write."""
        self.folder = folder

    def meta(self, key: str) -> dict[str, Any] | None:
        """Return what was recorded with the key, or ``None`` where it is absent or damaged."""
        path = self.folder / key / META
        try:
            meta: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError):
            return None
        for table, record in meta["tables"].items():
            file = self.path(key, table)
            # A truncated file is a miss, not an error: the engine simply runs again.
            if not file.is_file() or file.stat().st_size != record["n_bytes"]:
                return None
        return meta

    def path(self, key: str, table: str) -> Path:
        """Return where the table of a key lies."""
        return self.folder / key / f"{table}.parquet"

    def begin(self, key: str) -> Path:
        """Return a fresh folder in which the tables of a key are to be written."""
        staging = self.folder / f".{key}.{os.getpid()}.{secrets.token_hex(4)}"
        try:
            staging.mkdir(parents=True)
        except OSError as error:
            cure = "choose another folder with --cache-dir"
            raise PlanError(Problem(f"cannot write the cache: {error}", cure, str(self.folder))) from error
        return staging

    def commit(self, key: str, staging: Path, meta: dict[str, Any]) -> None:
        """Name the staged folder after its key; the first writer wins, the content is the same."""
        write_text(staging / META, json.dumps(meta, sort_keys=True, indent=1))
        target = self.folder / key
        try:
            staging.rename(target)
        except OSError:
            if self.meta(key) is None:  # a damaged leftover stands in the way
                shutil.rmtree(target, ignore_errors=True)
                staging.rename(target)
            else:
                shutil.rmtree(staging, ignore_errors=True)

    def discard(self, staging: Path) -> None:
        """Remove a staged folder that will not be committed."""
        shutil.rmtree(staging, ignore_errors=True)

    def sweep(self) -> int:
        """Remove what dead processes left behind; return how many folders went."""
        removed = 0
        for folder in self.folder.glob(".*.*.*") if self.folder.is_dir() else ():
            pid = folder.name.split(".")[-2]
            if pid.isdigit() and not _is_alive(int(pid)):
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
        return removed


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
