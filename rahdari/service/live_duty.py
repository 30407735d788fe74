"""What the one on duty asks of one open incident: who goes, ways round, circuits struck, what the authority wants.

Crews, generators and what a form asks of people come from a file of the operator's own; without it they are empty.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from pydantic import Field

from rahdari.errors import InputError, Problem
from rahdari.model.params import Params
from rahdari.model.scenario import validated
from rahdari.operate.actions import detours, runbook
from rahdari.operate.app import incidents
from rahdari.operate.dispatch import Crew, Generator
from rahdari.operate.reports import csv_text
from rahdari.operate.sla import rule_data, utc_text
from rahdari.service import circuits
from rahdari.service.duty import (
    CrewInput,
    FormRequest,
    FormResponse,
    GeneratorInput,
    dispatch_incidents,
    filled_form,
    read_json,
)
from rahdari.service.failing import CoreFailures

if TYPE_CHECKING:
    from pathlib import Path

    from rahdari.operate.incidents import Incident
    from rahdari.service.operate import LiveView
    from rahdari.store.query import Clearance

N_JOBS = 25  # incidents that crews are shared among: more are not ordered within a second
N_LINKS, N_WAYS = 5, 3
RULE = "incident_report_pk"
FIBRE = re.compile(
    r"^[a-z]{2}-[a-z]-(?P<road>r\w+)-(?P<part>\d+)-\d+$"
)  # a cable of the plan, by the road it lies along


class DutyFile(Params):
    """Who is on duty, and what only people know: the operator's own file."""

    crews: list[CrewInput] = Field(default_factory=list, max_length=200)
    generators: list[GeneratorInput] = Field(default_factory=list, max_length=200)
    given: dict[str, str] = Field(default_factory=dict, description="For the authority's form: licensee, contact, ...")
    runbooks_url: str = Field("", pattern=r"^(https?://.+)?$", description="Where your runbooks stand")


def read_duty(path: Path) -> DutyFile:
    """Return who is on duty; :class:`InputError` with everything wrong in the file."""
    return validated(DutyFile, read_json(path), str(path))


class LiveDuty:
    """Answers for the incidents of one live network."""

    def __init__(self, view: LiveView, file: DutyFile | None = None, ledger: Path | None = None) -> None:
        """Look at ``view``; circuits stand in the folder ``ledger``."""
        self.view, self.file, self.ledger = view, file or DutyFile(), ledger

    def of(self, incident_id: str, clearance: Clearance) -> dict[str, Any]:
        """Return orders, detours, circuits, forms and the runbook of one incident."""
        each = self.view.incident(incident_id)
        page = runbook(each.root.kind)
        url = self.file.runbooks_url
        return {
            "orders": self.orders(each), "detours": self.detours(each), **self.struck(each, clearance),
            "forms": [self._due(each, name) for name in _reports()],
            "runbook": {"page": page, "url": f"{url}#{page.partition('#')[2]}" if url else ""},
        }  # fmt: skip

    # -- who goes -----------------------------------------------------------------------------------------------------
    def orders(self, each: Incident) -> dict[str, Any]:
        """Return which crew comes when and which generator goes where, as all open incidents share them."""
        if not each.is_open or not self.file.crews:
            return {"stops": [], "moves": [], "n_incidents": 0, "gap_frac": None, "n_crews": len(self.file.crews)}
        worst = [one for one in incidents(self.view.app) if one.is_open and one is not each][: N_JOBS - 1]
        crews = [Crew(**{**crew.model_dump(), "skills": frozenset(crew.skills)}) for crew in self.file.crews]
        tools = [Generator(**tool.model_dump()) for tool in self.file.generators]
        found = dispatch_incidents(
            [each, *worst], self.view.spot, crews, tools, int(self.view.app.clock.now_s())
        )  # fmt: skip
        own = each.incident_id
        return {
            "stops": [stop for stop in found.stops if stop["job_id"] == own],
            "moves": [
                {**move, "name": self.view.name_of(str(move["site_id"]))}
                for move in found.moves
                if move["job_id"] == own
            ],
            "n_incidents": 1 + len(worst), "gap_frac": found.certificates[0]["gap_frac"], "n_crews": len(crews),
        }  # fmt: skip

    # -- ways round ---------------------------------------------------------------------------------------------------
    @cached_property
    def _core(self) -> CoreFailures | None:
        return None if self.view.reader is None else CoreFailures.of(self.view.reader)

    @cached_property
    def _core_links(self) -> dict[str, int]:
        core = self._core
        return {} if core is None else {name: at for at, name in enumerate(core.capacity["link_id"].to_list())}

    def core_links(self, each: Incident) -> list[int]:
        """Return the links of the core that run along the cables an incident has cut."""
        network = self.view.app.network
        things = [network.resolve(each.root.object)]
        things += [network.resolve(alarm.resource) for key in each.root_keys if (alarm := self.view.app.alarm(key))]
        cables = [network.link_id[thing.at] for thing in things if thing.kind == "link"]
        cables += [
            network.link_id[at] for thing in things if thing.kind == "group" for at in network.groups[thing.at].links
        ]
        names = [f"core-{name}" for cable in cables for name in _roads(cable)]
        return list(dict.fromkeys(self._core_links[name] for name in names if name in self._core_links))

    def detours(self, each: Incident) -> list[dict[str, Any]]:
        """Return the links of the core that are struck, each with ways round it and what is free on them."""
        core = self._core
        if core is None:
            return []
        return [
            {
                "name": core.name(link), "load_gbps": float(core.normal.load_gbps[link]),
                "ways": [
                    {
                        "through": " → ".join(core.name(one) for one in way.links), "free_gbps": way.free_gbps,
                        "fibre_km": way.fibre_km, "added_rtt_ms": way.added_rtt_ms,
                    }
                    for way in detours(core.traffic, core.normal, link, N_WAYS)
                ],
            }
            for link in self.core_links(each)[:N_LINKS]
        ]  # fmt: skip

    # -- circuits -----------------------------------------------------------------------------------------------------
    def legs(self) -> dict[str, str]:
        """Return the legs of the transit desk that lie in the country, with what they join."""
        reader = self.view.reader
        if reader is None or "transit_legs" not in reader.names:
            return {}
        rows = reader.table("transit_legs").filter("is_domestic").sort("leg_id")
        return {leg: f"{a} – {b}" for leg, a, b in rows.select("leg_id", "from_name", "to_name").iter_rows()}

    def struck(self, each: Incident, clearance: Clearance) -> dict[str, Any]:
        """Return legs of the transit desk, those that the incident names first, and the circuits on them with money."""
        legs = self.legs()
        alarms = [alarm.resource for key in each.root_keys if (alarm := self.view.app.alarm(key)) is not None]
        named = {name.partition(":")[0] for name in (each.root.object, *alarms)} & set(legs)
        rows = [{"leg_id": leg, "name": legs[leg], "is_named": leg in named} for leg in legs]
        return {
            "legs": sorted(rows, key=lambda row: not row["is_named"]),
            "circuits": self._circuits(set(legs), clearance),
        }

    def _circuits(self, legs: set[str], clearance: Clearance) -> list[dict[str, Any]]:
        if self.ledger is None or not self.ledger.is_dir():
            return []
        at = utc_text(int(self.view.app.clock.now_s()))
        books = circuits.BooksRequest(ledger=self.ledger, at=at)
        month = circuits.ReportRequest(ledger=self.ledger, at=at, month=at[:7])
        money = {row["circuit_id"]: row for row in circuits.report(month, clearance).rows}
        kept = ("down_s", "excluded_s", "availability_frac", "credit_usd", "charge_usd")
        return [
            {
                "circuit_id": row.circuit_id, "buyer": row.buyer, "state": row.state, "gbps": row.gbps,
                "legs": row.legs,
                **{name: money.get(row.circuit_id, {}).get(name) for name in kept},
            }
            for row in circuits.list_circuits(books, clearance).circuits
            if row.state != "ceased" and legs & set(row.legs)
        ]  # fmt: skip

    def tell_leg(
        self, incident_id: str, leg_id: str, state: Literal["failed", "repaired"], clearance: Clearance
    ) -> dict[str, Any]:
        """Tell the circuits' ledger that an incident took a leg, or that it is whole; once, however often told."""
        each = self.view.incident(incident_id)
        if self.ledger is None or self.view.app.plan is None:
            raise InputError(Problem("no ledger of circuits is known", "start with --ledger FOLDER and a plan"))
        at_s = each.opened_s if state == "failed" else each.closed_s or self.view.app.clock.now_s()
        request = circuits.LegRequest(
            plan=self.view.app.plan, ledger=self.ledger, leg_id=leg_id, key=f"incident {incident_id} {leg_id} {state}",
            at=utc_text(int(at_s)),
        )  # fmt: skip
        tell = circuits.fail if state == "failed" else circuits.repair
        return {"circuits": [row.model_dump() for row in tell(request, clearance).circuits]}

    def sla_csv(self, month: str, clearance: Clearance) -> str:
        """Return the service of a month by circuit as CSV."""
        if self.ledger is None:
            raise InputError(Problem("no ledger of circuits is known", "start with --ledger FOLDER"))
        at = utc_text(int(self.view.app.clock.now_s()))
        return csv_text(
            circuits.report(circuits.ReportRequest(ledger=self.ledger, at=at, month=month), clearance).rows
        )  # fmt: skip

    # -- what the authority wants -------------------------------------------------------------------------------------
    def form(self, incident_id: str, report_id: str, kind: Literal["markdown", "html"]) -> FormResponse:
        """Return the authority's form, filled from an incident and from what the duty file gives."""
        return self._form(self.view.incident(incident_id), report_id, kind)

    def _form(self, each: Incident, report_id: str, kind: Literal["markdown", "html"]) -> FormResponse:
        asked = FormRequest(
            incident=msgspec.to_builtins(each), given=self.file.given, report_id=report_id, rule=RULE, form=kind
        )  # fmt: skip
        return filled_form(asked, int(self.view.app.clock.now_s()))

    def _due(self, each: Incident, report_id: str) -> dict[str, Any]:
        made = self._form(each, report_id, "markdown")
        names = ("due_utc", "is_late", "is_asked_for", "missing", "status", "status_note")
        return {"report_id": report_id, **{name: getattr(made, name) for name in names}}


def _reports() -> list[str]:
    return [str(each["report_id"]) for each in rule_data(RULE)["reports"]]


def _roads(cable: str) -> tuple[str, ...]:
    """Return the names that the core may give to the road a cable lies along.

    >>> _roads("pk-f-r16p22dyn-000-1"), _roads("hop-a-b")
    (('r16p22dyn-000', 'r16p22dyn'), ())
    """
    found = FIBRE.match(cable)
    return () if found is None else (f"{found['road']}-{found['part']}", found["road"])


__all__ = ["DutyFile", "LiveDuty", "read_duty"]
