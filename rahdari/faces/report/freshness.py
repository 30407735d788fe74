"""Whether a written report still belongs to its plan; needs no heavy import."""

from __future__ import annotations

import json
from pathlib import Path

from rahdari.run.digest import digest_of, folder_digest
from rahdari.store.atomic import write_text

RECORD = "reports.json"
FOLDER = Path(__file__).parent


def stamp(folder: Path) -> str:
    """Return the digest of the plan and of the code that renders it."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return digest_of(manifest["plan_digest"], folder_digest(FOLDER))


def _record(folder: Path) -> dict[str, str]:
    try:
        record: dict[str, str] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return {}
    return record


def is_fresh(folder: Path, name: str) -> bool:
    """Return whether the report was made from this plan by this code."""
    return (folder / name).is_file() and _record(folder).get(name) == stamp(folder)


def mark_fresh(folder: Path, name: str) -> None:
    """Record that the report belongs to the plan as it is now."""
    write_text(folder / RECORD, json.dumps({**_record(folder), name: stamp(folder)}, sort_keys=True))
