"""Checks across engines that run with every plan: what one engine says must agree with the others.

A check is a function from frames to one :class:`Check`; the registry grows with every engine.  A plan
that violates one says which, with both numbers.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rahdari.run.digest import code_digest, digest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import polars as pl

    from rahdari.run.state import TableState
    from rahdari.store.cache import ResultCache

RELATIVE_TOLERANCE = 1e-9
MODULE = "rahdari.run.consistency"


@dataclass(frozen=True, slots=True)
class Check:
    """Two numbers that must agree."""

    name: str
    left: str
    left_value: float
    right: str
    right_value: float
    unit: str
    is_kept: bool


def _check(name: str, left: tuple[str, float], right: tuple[str, float], unit: str) -> Check:
    """Return the check; equal within 1e-9 relative counts as kept."""
    scale = max(abs(left[1]), abs(right[1]), RELATIVE_TOLERANCE)
    is_kept = abs(left[1] - right[1]) <= RELATIVE_TOLERANCE * scale
    return Check(name, *left, *right, unit, is_kept)


def _total(frame: pl.DataFrame, column: str) -> float:
    return float(frame[column].sum())


def people_are_the_census(tables: Mapping[str, pl.DataFrame]) -> Check:
    """People in places are the census total of the country."""
    left = ("places", _total(tables["places"], "n_people"))
    return _check("People in places are the census", left, ("country", _total(tables["country"], "n_people")), "people")


def people_by_technology_are_the_census(tables: Mapping[str, pl.DataFrame]) -> Check:
    """In the base year, people over all technologies are the people of all places."""
    access = tables["access"]
    first = access.filter(access["year"] == access["year"].min())
    right = ("places", _total(tables["places"], "n_people"))
    return _check("People by technology are the census", ("access", _total(first, "n_people")), right, "people")


def demand_is_conserved(tables: Mapping[str, pl.DataFrame]) -> Check:
    """Busy-hour traffic by service sums to the traffic by place."""
    left = ("demand", _total(tables["demand"], "busy_hour_mbps"))
    right = ("place_demand", _total(tables["place_demand"], "busy_hour_mbps"))
    return _check("Demand by service is demand by place", left, right, "mbps")


def planned_fibre_is_scheduled(tables: Mapping[str, pl.DataFrame]) -> Check:
    """Kilometres planned are the kilometres scheduled."""
    planned = tables["planned_links"]
    left = ("planned_links", _total(planned.filter(planned["kind"] == "fibre"), "length_km"))
    return _check("Fibre planned is fibre scheduled", left, ("schedule", _total(tables["schedule"], "fibre_km")), "km")


def money_in_is_money_out(tables: Mapping[str, pl.DataFrame]) -> Check:
    """Capital spent in the cash flow is the capital in the schedule."""
    cash = tables["cashflow"]
    left = ("cashflow", abs(_total(cash.filter(cash["item"] == "capex"), "amount_usd")))
    right = ("schedule", _total(tables["schedule"], "capex_usd"))
    return _check("Capex in the cash flow is the capex scheduled", left, right, "usd")


def costs_by_year_are_costs_by_district(tables: Mapping[str, pl.DataFrame]) -> Check:
    """Sum what building, running and renewing cost, less what is left, by year and by district: the same value."""
    cash = tables["cashflow"]
    spent = cash.filter(cash["item"].is_in(["capex", "opex", "replacement", "residual"]))
    left = ("cashflow", -_total(spent, "discounted_usd"))
    right = ("costs", _total(tables["costs"], "present_value_usd"))
    return _check("Costs by year are costs by district", left, right, "usd")


def people_in_are_people_out(tables: Mapping[str, pl.DataFrame]) -> Check:
    """Compare the growth of the trade's people, those who left included, with the graduates who arrived."""
    talent = tables["talent"]
    first = talent["year"].min()
    ends = [_total(talent.filter(talent["year"] == year), "total_people") for year in (first, talent["year"].max())]
    right = ("graduates", _total(talent.filter(talent["year"] > first), "graduates_people"))
    return _check("People in are people out", ("talent", ends[1] - ends[0]), right, "people")


def sites_powered_are_the_sites(tables: Mapping[str, pl.DataFrame]) -> Check:
    """Every tower of the country has a row of site energy."""
    sites = tables["sites"].filter(tables["sites"]["kind"] == "tower")
    energy = tables["site_energy"].join(sites, on="site_id", how="semi")
    return _check("Sites powered are the sites", ("sites", sites.height), ("site_energy", energy.height), "sites")


CHECKS: tuple[tuple[tuple[str, ...], Callable[[Mapping[str, Any]], Check]], ...] = (
    (("places", "country"), people_are_the_census),
    (("access", "places"), people_by_technology_are_the_census),
    (("demand", "place_demand"), demand_is_conserved),
    (("planned_links", "schedule"), planned_fibre_is_scheduled),
    (("cashflow", "schedule"), money_in_is_money_out),
    (("cashflow", "costs"), costs_by_year_are_costs_by_district),
    (("talent",), people_in_are_people_out),
    (("sites", "site_energy"), sites_powered_are_the_sites),
)


def consistency_record(states: Mapping[str, TableState], cache: ResultCache) -> list[dict[str, Any]]:
    """Return every check whose tables are present, from the cache where those tables are unchanged."""
    usable = [(names, check) for names, check in CHECKS if all(name in states for name in names)]
    touched = sorted({name for names, _ in usable for name in names})
    key = digest_of("consistency", code_digest(MODULE), [(name, states[name].digest) for name in touched])
    meta = cache.meta(key)
    if meta is None:
        frames = {name: states[name].frame() for name in touched}
        checks = [asdict(check({name: frames[name] for name in names})) for names, check in usable]
        meta = {"engine": "consistency", "checks": checks, "tables": {}}
        cache.commit(key, cache.begin(key), meta)
    record: list[dict[str, Any]] = meta["checks"]
    return record
