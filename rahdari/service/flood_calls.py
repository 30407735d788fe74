"""Flood maps and flood days as Python calls: plain arguments in, answers out, files where a folder is named."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rahdari.model.scenario import validated
from rahdari.service import flood as maps
from rahdari.service import flood_day as days

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rahdari.service.plan_view import Plan

    Paths = str | Path | Sequence[str | Path]

WHERE = "the call"


def _paths(given: Paths) -> tuple[Path, ...]:
    return (Path(given),) if isinstance(given, (str, Path)) else tuple(Path(each) for each in given)


def _folder(plan: Plan | str | Path) -> Path:
    return Path(plan) if isinstance(plan, (str, Path)) else plan.folder


def flood_map(
    images: Paths,
    *,
    method: str | None = None,
    bands: Mapping[str, int] | None = None,
    permanent: str | Path | None = None,
    out: str | Path | None = None,
    plan: Plan | str | Path | None = None,
) -> maps.MapResponse:
    """Return the water of an image, its true area in km2, and with a plan what it touches.

    ``images`` is a GeoTIFF or one file a band; ``bands`` numbers bands from 1; ``permanent`` is a mask or GeoJSON of
    water that is always there; ``out`` is where the mask goes.  Raises :class:`InputError` with the cure for images
    without bands or georeference, and for files that cannot be read.
    """
    asked = {
        "images": _paths(images), "method": method, "bands": dict(bands or {}),
        "permanent": None if permanent is None else Path(permanent), "out": None if out is None else Path(out),
        "plan": None if plan is None else _folder(plan),
    }  # fmt: skip
    return maps.flood_map(validated(maps.MapRequest, asked, WHERE))


def flood_day(
    plan: Plan | str | Path,
    area: str | Path,
    *,
    event: str = "flood-2022",
    hour: int | None = None,
    cuts: Sequence[str] = (),
    images: Paths = (),
    n_drones: int = 4,
    hours: float = 10.0,
    seed: int = 1,
    out: str | Path | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> days.FloodDay:
    """Return a flood day: ``.response`` has every figure, beside it shapes, flights and events.

    ``area`` is a district or a GeoJSON file of polygons; without ``images`` the flood is made up and marked synthetic;
    with ``out`` flights, missions, mask and events are written there.  Raises :class:`InputError` where the area, the
    event, the hour or a cut is unknown, or the event does not flood the area.
    """
    from rahdari.service.flood_files import write_day

    asked = {
        "plan": _folder(plan), "area": str(area), "event": event, "hour": hour, "cuts": tuple(cuts),
        "images": _paths(images), "n_drones": n_drones, "hours": hours, "seed": seed,
    }  # fmt: skip
    day = days.flood_day(validated(days.DayRequest, asked, WHERE), on_progress=on_progress)
    if out is not None:
        day.response.files.extend(write_day(day, Path(out)))
    return day


__all__ = ["flood_day", "flood_map"]
