"""Current element sets: fetch them, and say how old they are."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from rahdari.model.params import Params

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_GROUPS = ("starlink", "oneweb", "geo", "beidou")


def _ignore(_name: str, _what: str) -> None:
    """Hear nothing."""


class OrbitsRequest(Params):
    """Fetch current element sets."""

    groups: tuple[str, ...] = Field(DEFAULT_GROUPS, min_length=1, description="Groups of satellites")
    out: Path = Field(description="Folder for the sets; give one with --elements afterwards")
    base_url: str | None = Field(None, description="A mirror of the catalogue; default: the public one")


class OrbitsResponse(Params):
    """The sets in the folder, with their age."""

    folder: Path
    sets: list[dict[str, Any]]
    warnings: list[str]


def fetch_orbits(request: OrbitsRequest, *, on_set: Callable[[str, str], None] = _ignore) -> OrbitsResponse:
    """Fetch the groups asked for; sets of the last hours are kept as they are."""
    from rahdari.sources.orbits_fetch import BASE_URL, OLD_DAYS, fetch_sets

    now = dt.datetime.now(dt.UTC)
    found = fetch_sets(request.groups, request.out, request.base_url or BASE_URL, now=now, on_set=on_set)
    rows = [
        {"name": item.name, "file": item.file, "n_satellites": item.n_satellites, "epoch_utc": item.epoch_utc,
         "age_days": item.age_days(now), "sha256": item.sha256}
        for item in found
    ]  # fmt: skip
    warnings = [
        f"{item.name}: the elements are {item.age_days(now):.1f} days old on the median; low orbits err by kilometres "
        "a day"
        for item in found
        if item.age_days(now) > OLD_DAYS
    ]
    return OrbitsResponse(folder=request.out, sets=rows, warnings=warnings)
