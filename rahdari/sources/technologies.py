"""Technology cards and the table of bands, from the common pack or a folder of the user's own tables."""

from __future__ import annotations

import dataclasses
import difflib
from functools import cache
from typing import TYPE_CHECKING

from rahdari.errors import InputError, Problem
from rahdari.methods.cells import TechnologyCard
from rahdari.sources.pack import PACKS_FOLDER, load_pack

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

COMMON_FOLDER = PACKS_FOLDER / "common"
CARD_FIELDS = tuple(field.name for field in dataclasses.fields(TechnologyCard))


def _table(folder: Path, name: str) -> pl.DataFrame:
    tables = load_pack(folder)
    if name not in tables:
        raise InputError(Problem(f"{folder.name} has no {name}.csv", "add it, see the data dictionary"))
    return tables[name]


def cards_of(technologies: pl.DataFrame) -> dict[str, TechnologyCard]:
    """Return the cards of a ``technologies`` table by identifier, in its order."""
    return {row["technology_id"]: TechnologyCard(**row) for row in technologies.select(CARD_FIELDS).to_dicts()}


@cache
def technology_cards(folder: Path = COMMON_FOLDER) -> dict[str, TechnologyCard]:
    """Return the cards of a pack's ``technologies.csv``; faults raise :class:`InputError`."""
    return cards_of(_table(folder, "technologies"))


def card_named(technology_id: str) -> TechnologyCard:
    """Return a card of the common catalogue; raises :class:`InputError` with the nearest name where unknown.

    >>> card_named("5g").downlink_frac
    0.74
    """
    cards = technology_cards()
    if technology_id not in cards:
        near = difflib.get_close_matches(technology_id, cards, n=1)
        cure = f"use '{near[0]}'" if near else f"use one of {', '.join(cards)}"
        raise InputError(Problem(f"there is no technology '{technology_id}'", cure))
    return cards[technology_id]


@cache
def band_models(folder: Path = COMMON_FOLDER) -> pl.DataFrame:
    """Return which model applies in which band, HF to optical, a row a band and use; the rest is ``not_modelled``."""
    return _table(folder, "band_models")


def models_for(frequency_ghz: float, use: str) -> list[str]:
    """Return the models that apply at a frequency for a use, by name; ``["not_modelled"]`` where none does.

    >>> models_for(3.5, "area"), models_for(0.01, "area")
    (['p1812', 'tr38901'], ['not_modelled'])
    """
    table = band_models()
    uses = sorted(set(table["use"]))
    if use not in uses:
        raise InputError(Problem(f"'{use}' is no use of a band", f"use one of {', '.join(uses)}"))
    covers = (table["low_ghz"] <= frequency_ghz) & (table["high_ghz"] > frequency_ghz)
    found = set(table.filter((table["use"] == use) & covers)["model"]) - {"not_modelled"}
    return sorted(found) if found else ["not_modelled"]
