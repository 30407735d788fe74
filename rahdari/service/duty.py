"""What the one on duty asks: who goes first, which ways lead round a cut link, what the authority wants to read."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from rahdari.errors import InputError, Problem
from rahdari.model.params import Params
from rahdari.operate import actions
from rahdari.operate.dispatch import DETOUR_RATIO, SPEED_KM_PER_H, Crew, Generator, Job, Roads, Site, dispatch
from rahdari.operate.incident_report import incident_report, markdown, page
from rahdari.operate.sla import utc_text
from rahdari.service.failing import CoreFailures
from rahdari.store.query import OWNER, Clearance, PlanReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rahdari.operate.dispatch import DispatchPlan

MAX_BYTES = 20_000_000
MAX_JOBS = 400  # more faults at once than a search in minutes can order


class SiteInput(Params):
    """A site on battery."""

    site_id: str
    lon_deg: float = Field(ge=-180.0, le=180.0)
    lat_deg: float = Field(ge=-90.0, le=90.0)
    dies_s: int
    n_customers: int = Field(ge=0)


class JobInput(Params):
    """A fault."""

    job_id: str
    kind: str
    lon_deg: float = Field(ge=-180.0, le=180.0)
    lat_deg: float = Field(ge=-90.0, le=90.0)
    n_customers: int = Field(ge=0)
    repair_s: int = Field(ge=0)
    opens_s: int = 0
    sites: list[SiteInput] = Field(default_factory=list)


class CrewInput(Params):
    """A crew."""

    crew_id: str
    lon_deg: float = Field(ge=-180.0, le=180.0)
    lat_deg: float = Field(ge=-90.0, le=90.0)
    skills: list[str]
    free_s: int


class GeneratorInput(Params):
    """A mobile generator."""

    generator_id: str
    lon_deg: float = Field(ge=-180.0, le=180.0)
    lat_deg: float = Field(ge=-90.0, le=90.0)
    free_s: int


class DispatchRequest(Params):
    """Order faults for crews and generators; times are POSIX seconds."""

    now_s: int
    jobs: list[JobInput] = Field(max_length=MAX_JOBS)
    crews: list[CrewInput]
    generators: list[GeneratorInput] = Field(default_factory=list)
    detour_ratio: float = Field(DETOUR_RATIO, ge=1.0, le=10.0, description="Road over straight line; assumed")
    speed_km_per_h: float = Field(SPEED_KM_PER_H, gt=0.0, le=200.0, description="Mean speed; assumed")


class DispatchResponse(Params):
    """Stops of crews and moves of generators in order of time, with the proof."""

    stops: list[dict[str, Any]]
    moves: list[dict[str, Any]]
    unserved: list[str]
    certificates: list[dict[str, Any]]


class DetoursRequest(Params):
    """Ask for ways round a cut link of the core."""

    plan: Path = Field(description="Plan folder")
    link_id: str = Field(min_length=1, description="Link of backbone_capacity")
    n_most: int = Field(3, ge=1, le=20, description="Ways at most")


class DetourRow(Params):
    """One way round."""

    link_ids: list[str]
    fibre_km: float
    free_gbps: float
    added_rtt_ms: float


class DetoursResponse(Params):
    """Ways round a cut link, the shortest first."""

    link_id: str
    name: str
    load_gbps: float
    detours: list[DetourRow]


class FormRequest(Params):
    """Ask for an authority's form, filled."""

    incident: dict[str, Any]
    given: dict[str, str] = Field(default_factory=dict)
    report_id: str = "first"
    rule: str = "incident_report_pk"
    form: Literal["markdown", "html"] = "markdown"


class FormResponse(Params):
    """A filled form, what is missing in it, and when it is due."""

    rule_id: str
    status: str
    status_note: str
    due_utc: str
    is_late: bool
    is_asked_for: bool
    missing: list[str]
    fields: dict[str, str]
    text: str


def dispatch_crews(request: DispatchRequest) -> DispatchResponse:
    """Return who goes where and when for the fewest customer-hours lost."""
    jobs = [
        Job(**{**each.model_dump(exclude={"sites"}), "sites": tuple(Site(**site.model_dump()) for site in each.sites)})
        for each in request.jobs
    ]
    crews = [Crew(**{**each.model_dump(), "skills": frozenset(each.skills)}) for each in request.crews]
    tools = [Generator(**each.model_dump()) for each in request.generators]
    roads = Roads(request.detour_ratio, request.speed_km_per_h)
    return dispatch_response(dispatch(jobs, crews, tools, request.now_s, roads), {each.job_id: each for each in jobs})


def dispatch_incidents(
    incidents: Iterable[actions.IncidentLike],
    where: Callable[[str], actions.Spot | None],
    crews: Iterable[Crew],
    generators: Iterable[Generator],
    now_s: int,
) -> DispatchResponse:
    """Return the same for open incidents of the live network; those without a place are ``unserved``."""
    made = {each.incident_id: actions.job_of(each, where) for each in incidents}
    jobs = {name: job for name, job in made.items() if job is not None}
    found = dispatch_response(dispatch(jobs.values(), crews, generators, now_s), jobs)
    return found.model_copy(update={"unserved": sorted({*found.unserved, *(set(made) - set(jobs))})})


def dispatch_response(found: DispatchPlan, jobs: Mapping[str, Job]) -> DispatchResponse:
    """Return a plan of crews and generators as plain rows, each stop with its runbook."""
    stops = [
        {
            "crew_id": each.crew_id, "job_id": each.job_id, "leaves_utc": utc_text(each.leaves_s),
            "arrives_utc": utc_text(each.arrives_s), "done_utc": utc_text(each.done_s),
            "runbook": actions.runbook(jobs[each.job_id].kind),
        }
        for each in found.stops
    ]  # fmt: skip
    moves = [
        {
            "generator_id": each.generator_id, "site_id": each.site_id, "job_id": each.job_id,
            "arrives_utc": utc_text(each.arrives_s), "saved_customer_h": each.saved_customer_h,
        }
        for each in found.moves
    ]  # fmt: skip
    return DispatchResponse(
        stops=stops, moves=moves, unserved=list(found.unserved), certificates=[found.certificate.as_dict()]
    )


def core_detours(request: DetoursRequest, clearance: Clearance = OWNER) -> DetoursResponse:
    """Return ways round a link of the core, each with its free capacity in the busy hour.

    :class:`InputError` where the plan has no core or the core no such link.
    """
    core = CoreFailures.of(PlanReader(request.plan, clearance))
    if core is None:
        raise InputError(Problem("the plan has no core", "plan with the backbone engine", str(request.plan)))
    names = core.capacity["link_id"].to_list()
    if request.link_id not in names:
        raise InputError(Problem(f"the core has no link '{request.link_id}'", "take a link_id of backbone_capacity"))
    link = names.index(request.link_id)
    found = actions.detours(core.traffic, core.normal, link, request.n_most)
    return DetoursResponse(
        link_id=request.link_id,
        name=core.name(link),
        load_gbps=float(core.normal.load_gbps[link]),
        detours=[
            DetourRow(
                link_ids=[names[each] for each in way.links], fibre_km=way.fibre_km, free_gbps=way.free_gbps,
                added_rtt_ms=way.added_rtt_ms,
            )
            for way in found
        ],
    )  # fmt: skip


def filled_form(request: FormRequest, now_s: int | None = None) -> FormResponse:
    """Return an authority's form filled from an incident; what nobody has said is listed."""
    opened = request.incident.get("opened_s")
    if isinstance(opened, bool) or not isinstance(opened, int | float):
        raise InputError(Problem("the incident has no opened_s", "give when it was detected, in POSIX seconds"))
    at_s = int(dt.datetime.now(dt.UTC).timestamp()) if now_s is None else now_s
    made = incident_report(request.incident, request.given, request.report_id, at_s, request.rule)
    return FormResponse(
        rule_id=made.rule_id, status=made.status, status_note=made.status_note, due_utc=made.due_utc,
        is_late=made.is_late, is_asked_for=made.is_asked_for, missing=list(made.missing),
        fields={line.field_id: line.value for line in made.lines},
        text=page(made) if request.form == "html" else markdown(made),
    )  # fmt: skip


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object of a file; :class:`InputError` where it is none, or larger than 20 MB."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(Problem("is larger than 20 MB", "give a smaller file", str(path)))
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(Problem(f"is no JSON: {error}", "give one JSON object", str(path))) from error
    if not isinstance(data, dict):
        raise InputError(Problem("is no JSON object", "give one JSON object", str(path)))
    return data
