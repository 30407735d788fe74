"""Where a user's files lie; the environment is read here and nowhere below."""

from __future__ import annotations

import os
from pathlib import Path


def default_cache_dir() -> Path:
    """Return where results and parsed packages are kept for this user.

    That is RAHDARI_CACHE_DIR, or ``rahdari`` below XDG_CACHE_HOME, or below ``~/.cache``.
    """
    if own := os.environ.get("RAHDARI_CACHE_DIR"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rahdari"


def default_accounts_dir() -> Path:
    """Return where the accounts of this machine are kept.

    That is RAHDARI_ACCOUNTS_DIR, or ``rahdari/accounts`` below XDG_DATA_HOME, or below ``~/.local/share``.
    """
    if own := os.environ.get("RAHDARI_ACCOUNTS_DIR"):
        return Path(own)
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "rahdari" / "accounts"


def trust_file() -> Path | None:
    """Return the file of the public keys that signatures are checked against, ``None`` where none is set up.

    That is RAHDARI_TRUST_FILE, which has to be there, or ``rahdari/trusted.keys`` below XDG_CONFIG_HOME or
    ``~/.config`` where there is one.
    """
    if own := os.environ.get("RAHDARI_TRUST_FILE"):
        return Path(own)
    path = config_dir() / "trusted.keys"
    return path if path.exists() else None


def config_dir() -> Path:
    """Return where this user's settings and signing key lie."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "rahdari"
