"""Where country packs, the common catalogue and scenarios lie; which country is meant."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rahdari.errors import InputError, Problem
from rahdari.run.country import is_table_folder

PACKS = Path(__file__).parents[1] / "sources" / "packs"
COMMON = PACKS / "common"
RECORD = "pack.toml"


@dataclass(frozen=True, slots=True)
class Asked:
    """Which country is meant: one answer for a name, its codes, a pack's folder or a folder of tables.

    ``country`` goes to the builder, ``title`` to people, and ``slug`` names the plan's and the imports' folders.
    """

    country: str
    title: str
    slug: str
    pack: Path | None


def pack_folders() -> dict[str, Path]:
    """Return the built-in packs by folder name."""
    return {path.parent.name: path.parent for path in sorted(PACKS.glob(f"*/{RECORD}"))}


def _record(folder: Path) -> dict[str, Any]:
    path = folder / RECORD
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(Problem(f"is no valid TOML: {error}", "correct the line named", str(path))) from error


def _slug(text: str) -> str:
    return re.sub(r"[^\w.-]+", "-", text.strip().lower()).strip(".-_") or "country"


def _by_pack(folder: Path) -> Asked:
    values = _record(folder)
    if not isinstance(values.get("country_id"), str):
        raise InputError(Problem("'country_id' is missing", "add the ISO 3166-1 code", str(folder / RECORD)))
    title = str(values.get("name", folder.name))
    return Asked(values["country_id"], title, _slug(folder.resolve().name), folder)


def asked_country(country: str) -> Asked:
    """Return which country is meant; an unknown one raises :class:`InputError` with the nearest names."""
    folder = Path(country)
    if (folder / RECORD).is_file():
        return _by_pack(folder)
    if is_table_folder(folder):
        name = folder.resolve().name
        return Asked(country, name, _slug(name), None)
    packs = [_by_pack(path) for path in pack_folders().values()]
    wanted = country.strip().lower()
    for pack in packs:
        if wanted in {pack.slug, pack.country.lower(), pack.title.lower()}:
            return pack
    from rahdari.sources.packages.geonames import find_country  # only where no pack answers: it loads polars

    found = find_country(country)
    known = {pack.country: pack for pack in packs}
    return known.get(found.iso2) or Asked(found.iso2, found.name, _slug(found.name), None)


def scenario_folders(pack: Path | None) -> tuple[Path, ...]:
    """Return where a scenario's name is looked up: the working folder, the pack, the common catalogue."""
    folders = [Path("scenarios")]
    if pack is not None:
        folders.append(pack / "scenarios")
    return (*folders, COMMON / "scenarios")


def default_scenario(pack: Path | None) -> str:
    """Return the pack's own default scenario, or ``default``."""
    return str(_record(pack).get("default_scenario", "default")) if pack is not None else "default"
