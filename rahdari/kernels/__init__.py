"""Numba cores: arrays in, arrays out; no tables, no files, no logging.

Importing this package points Numba's disk cache at a folder named by the digest of all
kernel sources, before any kernel is compiled.  Reason (measured): ``cache=True`` keeps a
caller when a callee in another file has changed and then gives stale numbers.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from pathlib import Path

import numba

_DIGEST_BYTES = 12  # 96 bits: collisions between two states of the sources are out of reach.


def source_digest(folder: Path | None = None) -> str:
    """Return the hex digest of every kernel source below ``folder`` (default: this package).

    Names and contents count, in name order, so that a rename is a change too.
    """
    root = Path(__file__).parent if folder is None else folder
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    for path in sorted(root.rglob("*.py")):
        body = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()}\0{len(body)}\0".encode())
        digest.update(body)
    return digest.hexdigest()


def user_cache_dir() -> Path:
    """Return the user's folder for caches: ``XDG_CACHE_HOME``, else the platform's custom."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    if named and Path(named).is_absolute():
        return Path(named)
    home = Path.home()
    if sys.platform == "darwin":
        return home / "Library" / "Caches"
    if sys.platform == "win32":
        return home / "AppData" / "Local"
    return home / ".cache"


def _is_usable(folder: Path) -> bool:
    """Return whether ``folder`` exists or can be made, and takes a file."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError:
        return False
    return True


def compiled_dir(base: Path | None = None) -> Path:
    """Return a writable folder for compiled kernels, made where it is missing.

    Where the user's cache folder cannot be written (read-only home, full disk) it is a fresh
    private folder: a shared predictable name would let another user plant compiled code.
    """
    try:
        root = user_cache_dir() if base is None else base
    except RuntimeError:  # no home folder is known
        return Path(tempfile.mkdtemp(prefix="rahdari-kernels-"))
    folder = root / "rahdari" / "kernels" / source_digest()
    return folder if _is_usable(folder) else Path(tempfile.mkdtemp(prefix="rahdari-kernels-"))


numba.config.CACHE_DIR = str(compiled_dir())  # type: ignore[attr-defined]  # made at run time
