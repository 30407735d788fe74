"""Stress of a finished plan: a named event by the hour, many runs that resume, and the loss of one vendor."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from rahdari.engines.stress.events import hour_rows, play
from rahdari.engines.stress.graph import stress_plan
from rahdari.engines.stress.hazards import VENDORS, hazards_of, vendor_of_sites
from rahdari.engines.stress.params import StressParams
from rahdari.engines.stress.revenue import REVENUE_NOTE, hourly_revenue, loss_row
from rahdari.errors import CancelledError, InputError, Problem
from rahdari.methods.cascade import StressNetwork
from rahdari.methods.stress_events import NamedEvent, replay
from rahdari.methods.stress_runs import run
from rahdari.methods.stress_worst import people_out
from rahdari.model import Tables
from rahdari.model.params import Params
from rahdari.run.executors import map_function
from rahdari.run.registry import registry
from rahdari.store.atomic import write_bytes
from rahdari.store.query import OWNER, Clearance, PlanReader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rahdari.engines.stress.graph import StressPlan
    from rahdari.methods.hazard_sampling import Hazard
    from rahdari.methods.routing import FloatArray
    from rahdari.methods.stress_events import Replay
    from rahdari.methods.stress_runs import StressResult
    from rahdari.service.plan_view import Plan

    Pairs = dict[tuple[str, str], float]

DRAWS = 32  # of each of three settings, when one event is asked for
TEN_YEARS, HUNDRED_YEARS = 10.0, 100.0
SHARES = ("vendor_a_frac", "vendor_b_frac", "vendor_c_frac")
REVENUE_COLUMNS = ("revenue_lost_low_usd_per_year", "revenue_lost_usd_per_year", "revenue_lost_high_usd_per_year")
UNTUNED = "Nothing is tuned to the event."


class EventRequest(Params):
    """Play a named event on a plan."""

    plan: Path = Field(description="Plan folder")
    event: str = Field(min_length=1, description="Name of the event, such as blackout-2023")
    n_draws: int = Field(DRAWS, ge=1, le=4096, description="Draws of each of three settings")
    seed: int = Field(1, ge=0, description="Seed of the draws")


class EventResponse(Params):
    """An event by the hour, and the reports beside what the model says."""

    event: str
    name: str
    inputs_note: str
    hours: list[dict[str, Any]]
    reports: list[dict[str, Any]]
    losses: dict[str, Any]
    warnings: list[str]


class RunsRequest(Params):
    """Run a plan many times under hazards that come together."""

    plan: Path = Field(description="Plan folder")
    n_runs: int = Field(ge=1, le=10_000_000, description="Windows of a month to run")
    seed: int = Field(1, ge=0, description="Seed of the draws")
    n_workers: int = Field(2, ge=1, le=256, description="Threads; the answer is the same")
    cache_dir: Path | None = Field(None, description="Where finished blocks are kept; none: nothing is")


class RunsResponse(Params):
    """Sums of many runs, each service with its interval of 95 %."""

    n_runs: int
    n_blocks_from_cache: int
    services: list[dict[str, Any]]
    worst_month_in_10_years_lost_h: float
    worst_month_in_100_years_lost_h: float
    warnings: list[str]


class RemoveRequest(Params):
    """Take all sites of one vendor out at once."""

    plan: Path = Field(description="Plan folder")
    vendor: Literal["A", "B", "C"] = Field(description="Vendor taken out")
    shares: tuple[float, float, float] | None = Field(None, description="Shares of sites of A, B and C")


class RemoveResponse(Params):
    """What the loss of a vendor takes with it; ``concentration_ratio`` is Herfindahl's, 1 for one vendor alone."""

    vendor: str
    shares: list[float]
    concentration_ratio: float
    n_sites: int
    sites_out: int
    sites_out_frac: float
    people_without: float
    people_without_frac: float
    revenue_lost_usd_per_h: float
    warnings: list[str]


@dataclass(frozen=True, slots=True)
class _Opened:
    tables: Tables
    params: StressParams
    made: StressPlan
    digest: str


def _opened(folder: Path, clearance: Clearance, shares: tuple[float, float, float] | None = None) -> _Opened:
    """Return a plan's tables, its own parameters of stress, and its network."""
    reader = PlanReader(folder, clearance)
    engines = {item["engine"]: item for item in reader.manifest["engines"]}
    needed = registry().engines["stress"].reads
    missing = [name for name in needed if name not in reader.names]
    if "stress" not in engines or missing:
        what = f"the plan has no {', '.join(missing) or 'engine stress'}"
        raise InputError(Problem(what, "make the plan again with every engine that stress reads", str(folder)))
    known = {key: value for key, value in engines["stress"]["params"].items() if key in StressParams.model_fields}
    if shares is not None:
        known |= dict(zip(SHARES, shares, strict=True))
    params = StressParams(**known)
    tables = Tables({name: reader.table(name) for name in needed})
    years = [int(year) for year in tables["place_demand"]["year"].unique().to_list()]
    made = stress_plan(tables, params, min(years, default=0))
    if made is None:
        raise InputError(Problem("the plan has no tower on a network", "plan a country with sites", str(folder)))
    return _Opened(tables, params, made, str(reader.manifest["plan_digest"]))


def replay_event(request: EventRequest, clearance: Clearance = OWNER) -> EventResponse:
    """Return a named event hour by hour; an unknown name raises InputError with those known."""
    opened = _opened(request.plan, clearance)
    events = {row["named_event_id"]: row for row in opened.tables["named_events"].iter_rows(named=True)}
    if request.event not in events:
        cure = f"use one of {', '.join(sorted(events))}" if events else "add rows to named_events.csv of the pack"
        raise InputError(Problem(f"there is no event {request.event}", cure))
    event = events[request.event]
    played = play(
        event, opened.tables, opened.made, opened.params, seed=request.seed, every_hour=True, n_draws=request.n_draws
    )
    if played is None:
        raise InputError(Problem(f"{request.event} strikes nothing of this plan", "check its hazards' places"))
    revenue = hourly_revenue(opened.tables, opened.params)
    rows = hour_rows(event, played, opened.tables["event_reports"], revenue)
    said = [row for row in rows if row["reported_value"] is not None]
    return EventResponse(
        event=request.event, name=event["name"], inputs_note=event["inputs_note"], hours=rows, reports=said,
        losses=loss_row(event, played, revenue), warnings=[UNTUNED, f"Inputs: {event['inputs_note']}.", REVENUE_NOTE],
    )  # fmt: skip


def network_of(plan: Plan | Path, clearance: Clearance = OWNER) -> tuple[StressNetwork, list[Hazard], Pairs]:
    """Return the network of a plan, its hazards, and the correlations among them."""
    opened = _opened(plan if isinstance(plan, Path) else plan.folder, clearance)
    hazards, pairs = hazards_of(opened.tables, opened.made, opened.params)
    return opened.made.network, hazards, pairs


def run_on(
    plan: StressNetwork | Plan | Path,
    hazards: Sequence[Hazard] | None = None,
    n_runs: int = 1000,
    seed: int = 1,
    **options: Any,  # noqa: ANN401  # those of rahdari.methods.stress_runs.run
) -> StressResult:
    """Return availability and losses of ``n_runs`` windows of a network, or of a plan.

    A plan brings its own network, and without ``hazards`` its own hazards with their correlations; ``options`` are
    those of :func:`rahdari.methods.stress_runs.run`.  A network needs hazards, else :class:`InputError`.
    """
    if isinstance(plan, StressNetwork):
        if hazards is None:
            raise InputError(Problem("a network comes without hazards", "give hazards, or give a plan"))
        return run(plan, hazards, n_runs, seed, **options)
    network, own, pairs = network_of(plan)
    if hazards is None:
        return run(network, own, n_runs, seed, **{"correlations": pairs, **options})
    return run(network, hazards, n_runs, seed, **options)


def replay_on(
    plan: StressNetwork | Plan | Path, event: NamedEvent | str, *, n_draws: int = DRAWS, seed: int = 1
) -> Replay | EventResponse:
    """Return an event hour by hour beside what was reported: of a network, or by its name of a plan."""
    if isinstance(plan, StressNetwork) and isinstance(event, NamedEvent):
        return replay(plan, event, n_draws=n_draws, seed=seed)
    if isinstance(plan, StressNetwork) or isinstance(event, NamedEvent):
        what = "a network replays a NamedEvent, a plan an event by its name"
        raise InputError(Problem("plan and event do not fit", what))
    folder = plan if isinstance(plan, Path) else plan.folder
    return replay_event(EventRequest(plan=folder, event=event, n_draws=n_draws, seed=seed))


class _Blocks:
    """Finished blocks of runs in a folder of the cache, each whole or absent."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.n_loaded = 0

    def _path(self, number: int) -> Path:
        return self.folder / f"{number}.npz"

    def load(self, number: int) -> Mapping[str, FloatArray] | None:
        """Return block ``number``; a missing or damaged one is run again."""
        try:
            with np.load(io.BytesIO(self._path(number).read_bytes()), allow_pickle=False) as kept:
                block = {name: kept[name] for name in kept.files}
        except (OSError, ValueError, zipfile.BadZipFile):
            return None
        self.n_loaded += 1
        return block

    def save(self, number: int, block: Mapping[str, FloatArray]) -> None:
        """Keep block ``number``."""
        held = io.BytesIO()
        np.savez(held, **dict(block))  # type: ignore[arg-type]  # numpy's stub takes a flag under the same stars
        self.folder.mkdir(parents=True, exist_ok=True)
        write_bytes(self._path(number), held.getvalue())


def _key(opened: _Opened, request: RunsRequest) -> str:
    text = json.dumps(
        [
            registry().engines["stress"].version,
            opened.digest,
            opened.params.model_dump(mode="json"),
            request.n_runs,
            request.seed,
        ],
        sort_keys=True,
    )
    return hashlib.blake2b(text.encode(), digest_size=20).hexdigest()


def many_runs(
    request: RunsRequest,
    clearance: Clearance = OWNER,
    *,
    on_progress: Callable[[int, int], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> RunsResponse:
    """Return sums of ``n_runs`` windows; finished blocks are taken from the cache, so that a stopped run resumes."""
    opened = _opened(request.plan, clearance)
    hazards, correlations = hazards_of(opened.tables, opened.made, opened.params)
    store = _Blocks(request.cache_dir / "stress" / _key(opened, request)) if request.cache_dir else None

    def tell(done: int, total: int) -> None:
        if on_progress:
            on_progress(done, total)
        if cancel is not None and cancel():
            raise CancelledError(Problem("stopped on request", "run the same command again: it resumes from the cache"))

    with map_function("threads", request.n_workers) as mapper:
        result = run(
            opened.made.network, hazards, request.n_runs, request.seed, correlations=correlations,
            map_function=mapper, store=store, on_progress=tell,
        )  # fmt: skip
    people = opened.made.network.people
    total = max(float(people.sum()), 1.0)
    revenue = hourly_revenue(opened.tables, opened.params)
    services = []
    for s, name in enumerate(result.service_id):
        lost, low, high = (float(value) for value in result.customer_h_per_year[s])
        services.append({
            "service_id": name, "customers_lost_h_per_year": lost, "low_h_per_year": low, "high_h_per_year": high,
            "mean_outage_h_per_year": lost / total,
            "availability_frac": float(people @ result.availability_frac[s]) / total,
            **dict(zip(REVENUE_COLUMNS, revenue.lost(low, lost, high), strict=True)),
        })  # fmt: skip
    return RunsResponse(
        n_runs=result.n_runs, n_blocks_from_cache=store.n_loaded if store else 0, services=services,
        worst_month_in_10_years_lost_h=result.exceeded_h(TEN_YEARS),
        worst_month_in_100_years_lost_h=result.exceeded_h(HUNDRED_YEARS),
        warnings=["Service up to the site; the last mile is not in it.", REVENUE_NOTE],
    )  # fmt: skip


def remove_vendor(request: RemoveRequest, clearance: Clearance = OWNER) -> RemoveResponse:
    """Return who is without internet when every site of one vendor is out; shares below zero raise InputError."""
    if request.shares is not None and (min(request.shares) < 0.0 or sum(request.shares) <= 0.0):
        raise InputError(Problem(f"the shares are {request.shares}", "give three shares from 0, not all of them 0"))
    opened = _opened(request.plan, clearance, request.shares)
    network, params = opened.made.network, opened.params
    vendor = vendor_of_sites(opened.made, params)
    out = np.flatnonzero(vendor == VENDORS.index(request.vendor.lower()))
    named: list[FloatArray] = [np.zeros(0), out.astype(np.float64)]
    before, after = (float(value) for value in people_out(network, named))
    given = np.array([getattr(params, name) for name in SHARES])
    shares = given / given.sum()
    n_sites = int(network.is_site.sum())
    return RemoveResponse(
        vendor=request.vendor, shares=shares.tolist(), concentration_ratio=float(shares @ shares), n_sites=n_sites,
        sites_out=int(out.size), sites_out_frac=out.size / max(n_sites, 1), people_without=after - before,
        people_without_frac=(after - before) / max(float(network.people.sum()), 1.0),
        revenue_lost_usd_per_h=(after - before) * hourly_revenue(opened.tables, params).usd_per_people_h,
        warnings=["Shares of vendors are an input: none are published. Sites are dealt to vendors evenly."],
    )  # fmt: skip


__all__ = [
    "EventRequest", "EventResponse", "RemoveRequest", "RemoveResponse", "RunsRequest", "RunsResponse", "many_runs",
    "network_of", "remove_vendor", "replay_event", "replay_on", "run_on",
]  # fmt: skip
