"""The operations as plain Python functions; the same ones the command line and HTTP call."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from rahdari.service.plan_view import Plan
from rahdari.service.requests import CompareRequest, CountryRequest, PlanRequest

if TYPE_CHECKING:
    from rahdari.service.requests import CompareResponse, CountryResponse, DoctorResponse


def default_cache_dir() -> Path:
    """Return where results and parsed packages are kept for this user."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rahdari"


def plan(  # each names one wish of the user
    country: str,
    scenario: str | None = None,
    *,
    out: str | Path | None = None,
    detail: str | None = None,
    n_places: int | None = None,
    engines_off: tuple[str, ...] = (),
    executor: str = "serial",
    n_workers: int = 1,
    cache_dir: str | Path | None = None,
) -> Plan:
    """Make a plan and return it; an unchanged plan is taken from the cache.

    ``country`` is a name, an ISO 3166-1 code or the folder of a pack; ``scenario`` a name or a ``.toml`` file.
    Raises :class:`rahdari.errors.InputError` with every fault of the input at once.
    """
    from rahdari.service.planning import plan as make_plan

    request = PlanRequest(
        country=country,
        scenario=scenario,
        out=Path(out) if out is not None else None,
        cache_dir=Path(cache_dir) if cache_dir is not None else default_cache_dir(),
        detail=detail,
        n_places=n_places,
        engines_off=tuple(engines_off),
        executor=executor,
        n_workers=n_workers,
    )
    return Plan(make_plan(request).folder)


def open_plan(folder: str | Path) -> Plan:
    """Return a plan made before."""
    return Plan(Path(folder))


def compare(left: Plan | str | Path, right: Plan | str | Path) -> CompareResponse:
    """Return what differs between two plans."""
    from rahdari.service.comparing import compare as compare_plans

    folders = [item.folder if isinstance(item, Plan) else Path(item) for item in (left, right)]
    return compare_plans(CompareRequest(left=folders[0], right=folders[1]))


def country(name: str, *, n_places: int = 32_000, out: str | Path | None = None) -> CountryResponse:
    """Build a country's input tables from packages, its pack and imported files."""
    from rahdari.service.countries import build_country

    folder = Path(out) if out is not None else None
    return build_country(CountryRequest(country=name, cache_dir=default_cache_dir(), n_places=n_places, out=folder))


def doctor() -> DoctorResponse:
    """Return the state of the installation."""
    from rahdari.service.doctor import doctor as examine

    return examine(default_cache_dir())
