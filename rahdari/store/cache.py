"""The content-addressed result cache: one folder a key, complete or absent."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from typing import TYPE_CHECKING, Any

from rahdari.store.atomic import locked, write_text, writing
from rahdari.store.digest import file_digest

if TYPE_CHECKING:
    from pathlib import Path

META = "meta.json"


class ResultCache:
    """Results by key.  A crash leaves at most an unnamed folder, which the next run removes."""

    def __init__(self, folder: Path) -> None:
        """Use ``folder``, which is made on first write."""
        self.folder = folder

    def meta(self, key: str) -> dict[str, Any] | None:
        """Return what was recorded with the key, or ``None`` where it is absent or damaged.

        A damaged file is a miss, not an error: the engine simply runs again.
        """
        try:
            meta: dict[str, Any] = json.loads((self.folder / key / META).read_bytes())
            is_whole = all(_is_whole(self.path(key, table), record) for table, record in meta["tables"].items())
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return meta if is_whole else None

    def path(self, key: str, table: str) -> Path:
        """Return where the table of a key lies."""
        return self.folder / key / f"{table}.parquet"

    def begin(self, key: str) -> Path:
        """Return a fresh folder in which the tables of a key are to be written."""
        staging = self.folder / f".{key}.{os.getpid()}.{secrets.token_hex(4)}"
        with writing(self.folder):
            staging.mkdir(parents=True)
        return staging

    def commit(self, key: str, staging: Path, meta: dict[str, Any]) -> None:
        """Name the staged folder after its key; the first writer wins, the content is the same."""
        write_text(staging / META, json.dumps(meta, sort_keys=True, indent=1))
        target = self.folder / key
        # One at a time: two runs must not both clear away the same damaged leftover.
        with locked(self.folder), writing(target):
            if self.meta(key) is not None:
                shutil.rmtree(staging, ignore_errors=True)
                return
            if target.exists():
                # Moved aside first, so that a crash here leaves a miss and not half a folder.
                aside = self.begin(key)
                target.rename(aside / key)
                shutil.rmtree(aside, ignore_errors=True)
            staging.rename(target)

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


def _is_whole(file: Path, record: dict[str, Any]) -> bool:
    """Return whether a file is as it was written: by size and time, or else by content."""
    found = file.stat()
    if found.st_size != record["n_bytes"]:
        return False
    return found.st_mtime_ns == record.get("modified_ns") or file_digest(file) == record["digest"]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
