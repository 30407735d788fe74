"""The digest of a file's bytes: what names a table in the cache and in a plan."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DIGEST_BYTES = 20
BLOCK_BYTES = 1 << 20


def file_digest(path: Path) -> str:
    """Return the digest of a file's bytes (40 hex digits)."""
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
