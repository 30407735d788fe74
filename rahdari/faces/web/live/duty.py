"""What the one on duty asks: who goes, ways round, circuits and money, the authority's form as a download."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Body, Query, Request, Response
from pydantic import BaseModel, Field

from rahdari.faces.web.auth import who_of
from rahdari.faces.web.live.gate import Actor  # noqa: TC001  # read when the routes are made
from rahdari.faces.web.live.replies import OrjsonResponse

if TYPE_CHECKING:
    from rahdari.service.live_duty import LiveDuty

Month = Annotated[str, Query(pattern=r"^\d{4}-\d{2}$")]
KINDS = {"markdown": ("text/markdown; charset=utf-8", "md"), "html": ("text/html; charset=utf-8", "html")}


class LegBody(BaseModel):
    """A leg of the transit desk, and what became of it."""

    leg_id: str = Field(min_length=1, max_length=200)
    state: Literal["failed", "repaired"]


def router(duty: LiveDuty) -> APIRouter:
    """Return the routes; they stand before those that act on an incident by a word of the address."""
    routes = APIRouter(tags=["on duty"])

    @routes.get("/api/live/incidents/{incident_id}/duty")
    def get_duty(_actor: Actor, request: Request, incident_id: str) -> Response:
        """Return who goes, ways round with free capacity, circuits with SLA and money, forms due, and the runbook."""
        return OrjsonResponse(duty.of(incident_id, who_of(request).clearance))

    @routes.get("/api/live/incidents/{incident_id}/form")
    def get_form(
        _actor: Actor,
        incident_id: str,
        report: Annotated[str, Query(max_length=40)] = "first",
        form: Literal["markdown", "html"] = "html",
    ) -> Response:
        """Return the authority's form filled as far as is known, as a file; nothing is sent to anybody."""
        made = duty.form(incident_id, report, form)
        media, ending = KINDS[form]
        name = f"incident-{incident_id}-{report}.{ending}" if report.isalnum() and incident_id.isalnum() else "form"
        return Response(
            made.text, media_type=media, headers={"Content-Disposition": f'attachment; filename="{name}"'}
        )  # fmt: skip

    @routes.get("/api/live/sla.csv")
    def get_sla(_actor: Actor, request: Request, month: Month) -> Response:
        """Return the service of a month by circuit as CSV: availability, seconds down, charge, credit."""
        heads = {"Content-Disposition": f'attachment; filename="rahdari-sla-{month}.csv"'}
        return Response(duty.sla_csv(month, who_of(request).clearance), media_type="text/csv", headers=heads)

    @routes.post("/api/live/incidents/{incident_id}/leg")
    def post_leg(_actor: Actor, request: Request, incident_id: str, body: Annotated[LegBody, Body()]) -> Response:
        """Tell the circuits' ledger that this incident took a leg, or that it is whole: what ran on it is moved."""
        return OrjsonResponse(duty.tell_leg(incident_id, body.leg_id, body.state, who_of(request).clearance))

    return routes


__all__ = ["router"]
