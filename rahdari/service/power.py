"""The power programme of a plan: which exposed sites to equip with what, in which year, and what the money buys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from pydantic import Field

from rahdari.engines.power.params import PowerParams
from rahdari.engines.power.programme import NAMES, exposed_sites, people_behind, programme
from rahdari.errors import InputError, Problem
from rahdari.model.params import Params
from rahdari.store.query import OWNER, Clearance, PlanReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from rahdari.methods.hardening import Programme

N_POINTS = 12  # of the national curve
N_STEPS = 3  # of progress
NEEDED = ("site_energy", "power_options", "site_classes", "sites", "places")


class PowerRequest(Params):
    """Ask for the power programme of a plan, perhaps under another budget."""

    plan: Path = Field(description="Plan folder")
    budget_usd_per_year: float | None = Field(None, ge=0.0, description="Money of each year; none: the plan's own")
    n_first: int = Field(10, ge=0, le=100_000, description="Sites to name, in the order of building")


class PowerYear(Params):
    """What is built in one year."""

    year: int
    n_sites: int
    options: dict[str, int]
    cost_usd: float
    gain_people_h_per_year: float


class PowerPoint(Params):
    """One point of the national curve: what the first money buys."""

    cumulative_usd: float
    n_sites: int
    cumulative_people_h_per_year: float


class PowerResponse(Params):
    """The programme with its proof, both bases of exposed sites, and the designs by class."""

    plan_digest: str
    n_towers: int
    n_exposed: int
    published_base_n_sites: int
    n_exposed_published_base: float
    dark_people_h_per_year: float
    budget_usd_per_year: float
    years: list[PowerYear]
    curve: list[PowerPoint]
    first: list[dict[str, Any]]
    classes: list[dict[str, Any]]
    option_names: dict[str, str]
    gain_people_h: float
    bound_people_h: float
    gap_frac: float
    warnings: list[str]


def _exposed(reader: PlanReader) -> tuple[pl.DataFrame, int]:
    """Return the exposed towers with the people behind them, and the number of all towers."""
    position = reader.table("sites").select("site_id", "kind", "place_id", "lon_deg", "lat_deg", "battery_h")
    table = reader.table("site_energy").sort("site_id").join(position, on="site_id", maintain_order="left")
    towers = table.filter(pl.col("kind") == "tower")
    exposed = exposed_sites(table)
    people = people_behind(reader.table("places").sort("place_id"), towers)
    return exposed.join(people, on="site_id", maintain_order="left"), towers.height


def _params(reader: PlanReader) -> PowerParams:
    own = reader.manifest["scenario"].get("engines", {}).get("power", {})
    return PowerParams(**{name: value for name, value in own.items() if name in PowerParams.model_fields})


def _years(built: pl.DataFrame) -> list[PowerYear]:
    rows = []
    for (year,), group in built.sort("step").group_by("year", maintain_order=True):
        options = dict(group.group_by("option_id").len().sort("option_id").iter_rows())
        rows.append(
            PowerYear(
                year=int(str(year)), n_sites=group.height, options=options, cost_usd=float(group["cost_usd"].sum()),
                gain_people_h_per_year=float(group["gain_people_h_per_year"].sum()),
            )
        )  # fmt: skip
    return rows


def curve_of(built: pl.DataFrame, n_points: int = N_POINTS) -> list[PowerPoint]:
    """Return points of the national curve, evenly over the money, the end among them."""
    if not built.height:
        return []
    ordered = built.sort("step")
    money = ordered["cumulative_usd"]
    ends = [float(money[-1]) * (point + 1) / n_points for point in range(n_points)]
    rows = sorted({min(int(money.search_sorted(end)), built.height - 1) for end in ends})
    return [
        PowerPoint(
            cumulative_usd=float(money[row]), n_sites=row + 1,
            cumulative_people_h_per_year=float(ordered["cumulative_people_h_per_year"][row]),
        )
        for row in rows
    ]  # fmt: skip


def power_programme(
    request: PowerRequest,
    on_progress: Callable[[int, int, str], None] | None = None,
    clearance: Clearance = OWNER,
) -> PowerResponse:
    """Return the programme of a plan's exposed sites under the budget asked for, with its bound."""
    tell = on_progress or (lambda *_: None)
    reader = PlanReader(request.plan, clearance)
    absent = [name for name in NEEDED if name not in reader.names]
    if absent:
        cure = "plan again with the power engine on"
        raise InputError([Problem(f"the plan has no table '{name}'", cure, str(reader.folder)) for name in absent])
    exposed, n_towers = _exposed(reader)
    tell(1, N_STEPS, "plan read")
    params, years = _params(reader), reader.manifest["scenario"]["years"]
    budget = params.budget_usd_per_year if request.budget_usd_per_year is None else request.budget_usd_per_year
    n_years = max(1, int(years[-1]) - int(years[0]))
    if not exposed.height:
        cure = "nothing is to be done: every site on the grid has a generator"
        raise InputError(Problem("the plan has no exposed site", cure, str(reader.folder)))
    built, found = programme(exposed, reader.table("power_options"), [budget] * n_years, int(years[0]) + 1)
    tell(2, N_STEPS, "programme made")
    response = _response(reader, request, (exposed, n_towers), (built, found), budget)
    tell(N_STEPS, N_STEPS, "done")
    return response


def _response(
    reader: PlanReader,
    request: PowerRequest,
    sites: tuple[pl.DataFrame, int],
    made: tuple[pl.DataFrame, Programme],
    budget: float,
) -> PowerResponse:
    (exposed, n_towers), (built, found) = sites, made
    base = _params(reader).published_base_n_sites
    notes = next((list(record["notes"]) for record in reader.manifest["engines"] if record["name"] == "power"), [])
    columns = ["step", "year", "site_id", "option_id", "cost_usd", "gain_people_h_per_year", "n_people"]
    return PowerResponse(
        plan_digest=str(reader.manifest["plan_digest"]),
        n_towers=n_towers,
        n_exposed=exposed.height,
        published_base_n_sites=base,
        n_exposed_published_base=exposed.height / n_towers * base,
        dark_people_h_per_year=float((exposed["n_people"] * exposed["dark_h_per_year"]).sum()),
        budget_usd_per_year=budget,
        years=_years(built),
        curve=curve_of(built),
        first=built.sort("step").head(request.n_first).select(columns).to_dicts(),
        classes=reader.table("site_classes").sort("class_id").to_dicts(),
        option_names=NAMES,
        gain_people_h=found.gain_people_h,
        bound_people_h=found.bound_people_h,
        gap_frac=found.gap_frac,
        warnings=notes,
    )
