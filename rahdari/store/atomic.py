"""Write files so that a crash leaves the old one or the new one, never half."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from typing import TYPE_CHECKING

from rahdari.errors import PlanError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it takes its place, durably.

    A full disk or a missing right raises :class:`PlanError` and leaves the old file as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.part")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        _fsync_folder(path.parent)
    except OSError as error:
        cure = {
            errno.ENOSPC: "free some space and run again: it resumes from the cache",
            errno.EDQUOT: "your quota is used up: free some space and run again",
            errno.EACCES: "choose another folder with --out, or change its permissions",
        }.get(error.errno or 0, "see the system's message")
        raise PlanError(Problem(f"cannot write: {error.strerror or error}", cure, path.name)) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` durably; see :func:`replacing`."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write ``content`` as UTF-8 durably; see :func:`replacing`."""
    write_bytes(path, content.encode())
