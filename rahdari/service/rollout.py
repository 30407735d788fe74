"""The roll-out of a plan: when it ends, what binds, what more would buy; and what a shock does to its calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from pydantic import Field

from rahdari.engines.rollout.norms import POOLS
from rahdari.engines.rollout.params import RolloutParams
from rahdari.engines.rollout.problem import Problem as Rollout
from rahdari.engines.rollout.problem import longer, make_problem
from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods.observations import latest
from rahdari.methods.schedule_due import most_by, soonest_end_months
from rahdari.methods.schedule_replan import Shock, replan
from rahdari.methods.schedule_result import Schedule, compare_schedules
from rahdari.model import Tables
from rahdari.model.params import Params
from rahdari.store.query import OWNER, Clearance, PlanReader

if TYPE_CHECKING:
    from collections.abc import Iterable

READS = (
    "access", "planned_links", "planned_sites", "materials", "equipment", "power_programme", "sites", "places",
    "districts", "country", "hazards", "targets", "facts",
)  # fmt: skip
RESULTS = ("work_packages", "calendar", "schedule", "schedule_months", "binding", "rollout_prices", "rollout_districts")
MONTHS_PER_YEAR = 12


class ScheduleRequest(Params):
    """Ask for the calendar of a plan."""

    plan: Path = Field(description="Plan folder")
    n_first: int = Field(10, ge=0, le=100_000, description="Districts to name, the latest first")


class KindEnd(Params):
    """When one kind of work ends."""

    kind: str
    n_packages: int
    cost_usd: float
    ends_on: str
    by_due_frac: float


class ScheduleResponse(Params):
    """The answer: can it be done when due, who is served when, what binds, what more would buy."""

    plan_digest: str
    starts_on: str
    due_on: str
    ends_on: str
    soonest_ends_on: str
    late_months: float
    by_due_frac: float
    most_by_due_frac: float
    people_months: float
    bound_people_months: float
    gap_frac: float
    kinds: list[KindEnd]
    years: list[dict[str, Any]]
    binds: list[dict[str, Any]]
    buys: list[dict[str, Any]]
    last: list[dict[str, Any]]
    warnings: list[str]


class ShockRequest(Params):
    """Ask what a shock does to the calendar of a plan; parts may come together."""

    plan: Path = Field(description="Plan folder")
    from_month: str = Field("", description="First month of the shock, as 2027-07; empty: a year after the first day")
    budget_change_frac: float = Field(0.0, ge=-1.0, le=10.0, description="Change of the money from then on")
    crews_change_frac: dict[str, float] = Field(
        default_factory=dict, description="Change of crews by pool, 'all' for every pool; losses only"
    )
    exchange_change_frac: float = Field(0.0, gt=-1.0, le=20.0, description="Change of local currency per dollar")
    diesel_change_frac: float = Field(0.0, ge=-1.0, le=20.0, description="Change of the price of diesel")
    embargo_months: dict[str, int] = Field(default_factory=dict, description="Months without goods, by vendor")
    flood_months: dict[str, int] = Field(default_factory=dict, description="Months shut, by district")
    n_first: int = Field(10, ge=0, le=100_000, description="Districts to name, the worst hit first")


class CalendarSide(Params):
    """One side of the comparison."""

    ends_on: str
    late_months: float
    by_due_frac: float
    most_by_due_frac: float
    n_undone: int


class ShockResponse(Params):
    """Two re-plans of that month side by side, without and with the shock; what had started keeps place and cost."""

    plan_digest: str
    from_on: str
    told: list[str]
    before: CalendarSide
    after: CalendarSide
    n_committed: int
    n_moved: int
    n_given_up: int
    people_months_lost: float
    gap_frac: float
    kinds: list[dict[str, Any]]
    worst: list[dict[str, Any]]


def _reader(folder: Path, clearance: Clearance, names: Iterable[str]) -> PlanReader:
    reader = PlanReader(folder, clearance)
    absent = [name for name in names if name not in reader.names]
    cure = "plan again with this version and the rollout engine on"
    raise_if_any([Problem(f"the plan has no table '{name}'", cure, str(folder)) for name in absent])
    return reader


def _params(reader: PlanReader) -> RolloutParams:
    own = reader.manifest["scenario"].get("engines", {}).get("rollout", {})
    return RolloutParams(**{name: value for name, value in own.items() if name in RolloutParams.model_fields})


@dataclass(frozen=True, slots=True)
class Standing:
    """A plan's problem with the calendar that it holds."""

    tables: Tables
    params: RolloutParams
    problem: Rollout
    schedule: Schedule


def standing(reader: PlanReader) -> Standing:
    """Return the packages, crews and money of a plan, and its calendar with half as much time again for a shock."""
    tables, params = Tables({name: reader.table(name) for name in READS}), _params(reader)
    years = tuple(int(year) for year in reader.manifest["scenario"]["years"])
    problem = make_problem(tables, params, years)
    calendar = reader.table("calendar")
    ids = set(reader.table("work_packages")["package_id"].to_list())
    if problem is None or set(problem.packages.package_id) != ids:
        cure = "plan again with this version of the program"
        raise InputError(Problem("the plan's packages are not those of this version", cure, str(reader.folder)))
    last = int(calendar["end_months"].max() or 0)  # type: ignore[arg-type]  # a float
    while problem.calendar.n_months < last:
        problem = longer(problem, tables, params)
    problem = longer(problem, tables, params)
    starts = dict(calendar.select("package_id", "start_months").iter_rows())
    start = np.array([round(starts.get(name, -1.0)) for name in problem.packages.package_id], np.int64)
    none = np.zeros(problem.packages.n)
    made = Schedule(
        problem.packages, problem.crews, problem.budget, problem.calendar, params.objective, start, 0.0, 0.0, None,
        none.astype(np.bool_), none,
    )  # fmt: skip
    return Standing(tables, params, problem, made)


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0.0 else 1.0


def _side(schedule: Schedule, due: int) -> CalendarSide:
    end = np.where(schedule.is_done, np.nan_to_num(schedule.end_month), float(schedule.calendar.n_months))
    value = schedule.packages.value(schedule.objective)
    last, total, done = float(end.max()), float(value.sum()), float(value[end <= due].sum())
    most = max(min(most_by(schedule, due), total), done)
    return CalendarSide(
        ends_on=schedule.calendar.date_of(int(np.ceil(last))).isoformat(), late_months=max(0.0, last - due),
        by_due_frac=_share(done, total), most_by_due_frac=_share(most, total), n_undone=int((~schedule.is_done).sum()),
    )  # fmt: skip


def _kinds(table: pl.DataFrame, schedule: Schedule, due: int) -> list[KindEnd]:
    end = np.where(schedule.is_done, np.nan_to_num(schedule.end_month), float(schedule.calendar.n_months))
    rows = table.with_columns(end=pl.Series(end)).sort("package_id")
    found = []
    for (kind,), group in rows.group_by("kind", maintain_order=True):
        in_time = group.filter(pl.col("end") <= due)
        found.append(
            KindEnd(
                kind=str(kind), n_packages=group.height, cost_usd=float(group["cost_usd"].sum()),
                ends_on=schedule.calendar.date_of(int(np.ceil(group["end"].to_numpy().max()))).isoformat(),
                by_due_frac=_share(float(in_time["cost_usd"].sum()), float(group["cost_usd"].sum())),
            )
        )  # fmt: skip
    return sorted(found, key=lambda row: row.kind)


def binding_sums(binding: pl.DataFrame) -> list[dict[str, Any]]:
    """Return what binds over the country, the dearest first, with its share and its worst year of the programme."""
    total = max(float(binding["waiting_value"].sum()), 1e-9)
    year = (pl.col("step") // MONTHS_PER_YEAR).alias("programme_year")
    by_year = binding.with_columns(year).group_by("pool", "programme_year").agg(pl.col("waiting_value").sum())
    rows = []
    for (pool,), group in by_year.sort("pool", "programme_year").group_by("pool", maintain_order=True):
        waiting = float(group["waiting_value"].sum())
        worst = group.sort("waiting_value", descending=True)["programme_year"][0]
        rows.append({"binds": str(pool), "waiting_people_months": waiting, "share_frac": waiting / total,
                     "worst_programme_year": int(worst) + 1})  # fmt: skip
    return sorted(rows, key=lambda row: (-row["waiting_people_months"], row["binds"]))


def bought_sums(prices: pl.DataFrame) -> list[dict[str, Any]]:
    """Return what one crew more for the whole programme, or a million dollars in its dearest year, would save."""
    rows = []
    crews = prices.filter(pl.col("kind") == "crew").sort("pool", "step")
    for (pool,), group in crews.group_by("pool", maintain_order=True):
        rows.append({"what": f"one {pool} crew more, all months", "people_months": float(group["price_value"].sum())})
    money = prices.filter(pl.col("kind") == "money").sort("price_value", descending=True)
    if money.height:
        year = int(money["step"][0]) + 1
        rows.append({"what": f"a million dollars more in calendar year {year} of the programme",
                     "people_months": float(money["price_value"][0])})  # fmt: skip
    return sorted(rows, key=lambda row: (-float(str(row["people_months"])), str(row["what"])))


def _certificate(reader: PlanReader) -> dict[str, Any]:
    found = [
        row for record in reader.manifest["engines"] if record["name"] == "rollout"
        for row in record.get("certificates", [])
    ]  # fmt: skip
    return next((row for row in found if "waiting" in row["name"]), {})


def schedule_answer(request: ScheduleRequest, clearance: Clearance = OWNER) -> ScheduleResponse:
    """Return the calendar of a plan in short, as the plan holds it, with its bounds."""
    reader = _reader(request.plan, clearance, (*READS, *RESULTS))
    found = standing(reader)
    due, made, proof = found.problem.due_months, found.schedule, _certificate(reader)
    side = _side(made, due)
    soonest = min(soonest_end_months(made), due + side.late_months) if side.late_months else soonest_end_months(made)
    amounts = ("capex_usd", "power_capex_usd", "fibre_km", "lateral_km", "n_households_passed", "n_sites_fibred")
    years = reader.table("schedule").sort("year", "district_id").group_by("year", maintain_order=True)
    names = reader.table("districts").select("district_id", "name")
    last = reader.table("rollout_districts").join(names, on="district_id", how="left")
    notes = next((list(row["notes"]) for row in reader.manifest["engines"] if row["name"] == "rollout"), [])
    return ScheduleResponse(
        plan_digest=str(reader.manifest["plan_digest"]), starts_on=made.calendar.starts_on.isoformat(),
        due_on=(made.calendar.date_of(due) - timedelta(days=1)).isoformat(), ends_on=side.ends_on,
        soonest_ends_on=made.calendar.date_of(int(np.ceil(soonest))).isoformat(), late_months=side.late_months,
        by_due_frac=side.by_due_frac, most_by_due_frac=side.most_by_due_frac,
        people_months=float(proof.get("cost") or 0.0), bound_people_months=float(proof.get("lower_bound") or 0.0),
        gap_frac=float(proof.get("gap_frac") or 0.0), kinds=_kinds(found.problem.table, made, due),
        years=years.agg(*(pl.col(name).sum() for name in amounts)).to_dicts(),
        binds=binding_sums(reader.table("binding")), buys=bought_sums(reader.table("rollout_prices")),
        last=last.sort("end_months", "district_id", descending=[True, False]).head(request.n_first).to_dicts(),
        warnings=notes,
    )  # fmt: skip


def _month_of(text: str, schedule: Schedule) -> int:
    """Return the month of the programme that ``text`` (2027-07) names."""
    first = schedule.calendar.starts_on
    if not text:
        return min(MONTHS_PER_YEAR, schedule.calendar.n_months - 1)
    parts = text.split("-")
    if len(parts) < 2 or not all(part.isdigit() for part in parts[:2]) or not 1 <= int(parts[1]) <= MONTHS_PER_YEAR:  # noqa: PLR2004  # year and month
        raise InputError(Problem(f"'{text}' is no month", "write it as 2027-07", "shock", None, "from"))
    month = (int(parts[0]) - first.year) * MONTHS_PER_YEAR + int(parts[1]) - first.month
    if not 0 <= month < schedule.calendar.n_months:
        ends = schedule.calendar.date_of(schedule.calendar.n_months - 1)
        cure = f"give a month from {first:%Y-%m} to {ends:%Y-%m}"
        raise InputError(Problem(f"{text} lies outside the calendar", cure, "shock", None, "from"))
    return month


def _crews_lost(request: ShockRequest, schedule: Schedule, month: int) -> dict[str, float]:
    faults, lost = [], {}
    there = schedule.crews.available(schedule.calendar.n_months)[month]
    for pool, change in sorted(request.crews_change_frac.items()):
        if pool not in (*POOLS, "all"):
            cure = f"use one of {', '.join(POOLS)} or all"
            faults.append(Problem(f"a pool of crews that does not exist: {pool}", cure, "shock", None, "crews"))
        elif not -1.0 <= change <= 0.0:
            cure = "give a loss from -100% to 0%; to add crews set the scenario's crews and plan again"
            faults.append(Problem(f"crews of '{pool}' change by {change:+.0%}", cure, "shock", None, "crews"))
        else:
            hit = POOLS if pool == "all" else (pool,)
            lost.update({name: -change * float(there[POOLS.index(name)]) for name in hit})
    raise_if_any(faults)
    return lost


def _closed(request: ShockRequest, tables: Tables, schedule: Schedule, month: int) -> tuple[tuple[str, int, int], ...]:
    names = {row[1].casefold(): row[0] for row in tables["districts"].select("district_id", "name").iter_rows()}
    known = set(tables["districts"]["district_id"].to_list())
    found, faults = [], []
    for name, months in sorted(request.flood_months.items()):
        place = name if name in known else names.get(name.casefold())
        if place is None or months < 1:
            cure = "use a name or identifier of the table districts and a number of months above zero"
            faults.append(Problem(f"no district '{name}', or no months", cure, "shock", None, "flood"))
        elif place in schedule.packages.district:
            found.append((place, month, month + months - 1))
    raise_if_any(faults)
    return tuple(found)


def _diesel_rise(request: ShockRequest, found: Standing) -> float:
    """Return what a litre costs more, in the currency of account."""
    if request.diesel_change_frac == 0.0:
        return 0.0
    price = latest(found.tables, "diesel")
    if price is None:
        cure = "add a fact such as diesel_2025_10_pkr"
        raise InputError(Problem("the country has no price of diesel", cure, "facts", None, "diesel"))
    rate = float(found.tables["country"]["exchange_rate_per_usd"][0])
    is_local = found.schedule.budget.local_per_usd is not None
    return price.value * request.diesel_change_frac / (1.0 if is_local else rate)


def shock_of(request: ShockRequest, found: Standing) -> Shock:
    """Return the shock as the method reads it; all faults of one part are told together."""
    made = found.schedule
    month = _month_of(request.from_month, made)
    return Shock(
        month, budget_frac=1.0 + request.budget_change_frac, crews_lost=_crews_lost(request, made, month),
        exchange_rate_frac=1.0 + request.exchange_change_frac, diesel_rise_per_l=_diesel_rise(request, found),
        embargo={vendor: month + months for vendor, months in sorted(request.embargo_months.items())},
        closed=_closed(request, found.tables, made, month),
    )  # fmt: skip


def _told(request: ShockRequest, schedule: Schedule) -> list[str]:
    parts = [
        f"{name} {change:+.0%}"
        for name, change in (
            ("budget", request.budget_change_frac), ("local currency per dollar", request.exchange_change_frac),
            ("diesel", request.diesel_change_frac), *((f"crews {k}", v) for k, v in request.crews_change_frac.items()),
        )
        if change
    ]  # fmt: skip
    parts += [f"no goods of {vendor} for {months} months" for vendor, months in sorted(request.embargo_months.items())]
    parts += [f"{place} shut for {months} months" for place, months in sorted(request.flood_months.items())]
    if not parts:
        cure = "give --budget, --crews, --fx, --diesel, --embargo or --flood"
        raise InputError(Problem("nothing changes", cure, "shock"))
    if not schedule.budget.is_limited and (request.budget_change_frac or request.exchange_change_frac):
        cure = "set engines.rollout.budget_usd_per_year in the scenario and plan again"
        raise InputError(Problem("the plan has no limit of money that could change", cure, "shock"))
    return parts


def shock_answer(request: ShockRequest, clearance: Clearance = OWNER) -> ShockResponse:
    """Return a plan's calendar before and after a shock; what had started keeps its place and cost."""
    reader = _reader(request.plan, clearance, (*READS, *RESULTS))
    found = standing(reader)
    told, shock = _told(request, found.schedule), shock_of(request, found)
    # A re-plan searches anew: only beside a re-plan without the shock is the difference the shock's own.
    before, after = replan(found.schedule, Shock(shock.month)), replan(found.schedule, shock)
    compared = compare_schedules(before, after)
    due, table = found.problem.due_months, found.problem.table
    pairs = zip(_kinds(table, before, due), _kinds(table, after, due), strict=True)
    names = dict(reader.table("districts").select("district_id", "name").iter_rows())
    worst = compared.table.group_by("district").agg(pl.col("people_months_lost").sum(), n_moved=pl.len())
    worst = worst.sort("people_months_lost", "district", descending=[True, False]).head(request.n_first)
    return ShockResponse(
        plan_digest=str(reader.manifest["plan_digest"]),
        from_on=found.schedule.calendar.date_of(shock.month).isoformat(), told=told,
        before=_side(before, due), after=_side(after, due), n_committed=int(after.committed.sum()),
        n_moved=compared.n_moved, n_given_up=compared.n_given_up, people_months_lost=compared.people_months_lost,
        gap_frac=after.gap_frac,
        kinds=[{"kind": a.kind, "ends_on_before": a.ends_on, "ends_on_after": b.ends_on,
                "by_due_before_frac": a.by_due_frac, "by_due_after_frac": b.by_due_frac} for a, b in pairs],
        worst=[{**row, "name": names.get(row["district"], row["district"])} for row in worst.to_dicts()],
    )  # fmt: skip
