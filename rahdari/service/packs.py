"""Where country packs, the common catalogue and scenarios lie."""

from __future__ import annotations

import tomllib
from pathlib import Path

PACKS = Path(__file__).parents[1] / "sources" / "packs"
COMMON = PACKS / "common"


def pack_folders() -> dict[str, Path]:
    """Return the built-in packs by folder name."""
    return {path.parent.name: path.parent for path in sorted(PACKS.glob("*/pack.toml"))}


def pack_of(country: str) -> Path | None:
    """Return the pack for a country's name, code or folder; ``None`` where there is none."""
    if (Path(country) / "pack.toml").is_file():
        return Path(country)
    wanted = country.strip().lower()
    for name, folder in pack_folders().items():
        values = tomllib.loads((folder / "pack.toml").read_text(encoding="utf-8"))
        names = {name, str(values.get("country_id", "")).lower(), str(values.get("name", "")).lower()}
        if wanted in names:
            return folder
    return None


def scenario_folders(pack: Path | None) -> tuple[Path, ...]:
    """Return where a scenario's name is looked up: the working folder, the pack, the common catalogue."""
    folders = [Path("scenarios")]
    if pack is not None:
        folders.append(pack / "scenarios")
    return (*folders, COMMON / "scenarios")


def default_scenario(pack: Path | None) -> str:
    """Return the pack's own default scenario, or ``default``."""
    if pack is None:
        return "default"
    values = tomllib.loads((pack / "pack.toml").read_text(encoding="utf-8"))
    return str(values.get("default_scenario", "default"))
