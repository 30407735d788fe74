"""The operations as plain Python functions; the same ones the command line and HTTP call."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rahdari.faces.locations import default_cache_dir
from rahdari.service.plan_view import Plan
from rahdari.service.requests import CompareRequest, CountryRequest, PlanRequest

if TYPE_CHECKING:
    from rahdari.service.requests import CompareResponse, CountryResponse, DoctorResponse


def plan(  # each names one wish of the user
    country: str | Path,
    scenario: str | Path | None = None,
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

    ``country`` is a name, an ISO 3166-1 code, or the folder of a pack or of tables; ``scenario`` a name or a
    ``.toml`` file.  ``out`` is the plan's folder, by default ``plans/COUNTRY-SCENARIO``; ``detail`` is quick or
    full; ``n_places`` the smallest number of places; ``engines_off`` the engines that do not run; ``executor``
    serial, threads, processes or dask with ``n_workers``, none of which changes a result.
    Raises :class:`rahdari.errors.InputError` with every fault of the input at once.
    """
    from rahdari.model.scenario import validated
    from rahdari.service.planning import plan as make_plan

    request = {
        "country": str(country),
        "scenario": str(scenario) if scenario is not None else None,
        "out": Path(out) if out is not None else None,
        "cache_dir": Path(cache_dir) if cache_dir is not None else default_cache_dir(),
        "detail": detail,
        "n_places": n_places,
        "engines_off": tuple(engines_off),
        "executor": executor,
        "n_workers": n_workers,
    }
    return Plan(make_plan(validated(PlanRequest, request, "the call")).folder)


def open_plan(folder: str | Path) -> Plan:
    """Return a plan made before; :class:`rahdari.errors.PlanError` where there is none."""
    return Plan(Path(folder))


def compare(left: Plan | str | Path, right: Plan | str | Path) -> CompareResponse:
    """Return what differs between two plans: indicators, technologies, engines, inputs and wishes."""
    from rahdari.service.comparing import compare as compare_plans

    folders = [item.folder if isinstance(item, Plan) else Path(item) for item in (left, right)]
    return compare_plans(CompareRequest(left=folders[0], right=folders[1]))


def country(
    name: str, *, n_places: int = 32_000, out: str | Path | None = None, cache_dir: str | Path | None = None
) -> CountryResponse:
    """Build a country's input tables from packages, its pack and imported files; copy them to ``out`` if given."""
    from rahdari.model.scenario import validated
    from rahdari.service.countries import build_country

    request = {
        "country": name,
        "cache_dir": Path(cache_dir) if cache_dir is not None else default_cache_dir(),
        "n_places": n_places,
        "out": Path(out) if out is not None else None,
    }
    return build_country(validated(CountryRequest, request, "the call"))


def doctor(cache_dir: str | Path | None = None) -> DoctorResponse:
    """Return the state of the installation: packages, engines, packs, cache; each fault with its cure."""
    from rahdari.service.doctor import doctor as examine

    return examine(Path(cache_dir) if cache_dir is not None else default_cache_dir())
