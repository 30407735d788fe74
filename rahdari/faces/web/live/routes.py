"""What the live page and other readers ask: state, incidents, alarms, timeline, history, actions, what-if."""

from __future__ import annotations

import gzip
import hashlib
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Body, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from rahdari.faces.web.live import metrics
from rahdari.faces.web.live.gate import Actor  # noqa: TC001  # read when the routes are made
from rahdari.faces.web.live.replies import OrjsonResponse, csv_rows
from rahdari.faces.web.live.stream import changes
from rahdari.service.operate import HISTORY, format_schemas

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rahdari.operate.journal import Appended
    from rahdari.service.operate import LiveView

Limit = Annotated[int, Query(ge=1, le=5_000)]
RequestKey = Annotated[str, Header(alias="Idempotency-Key", max_length=200)]
OCTETS = "application/octet-stream"


class ActionBody(BaseModel):
    """What goes with an action."""

    note: str = Field("", max_length=4_000)


class WhatIfBody(BaseModel):
    """Things that fail too."""

    things: list[str] = Field(min_length=1, max_length=100)


class MaintenanceBody(BaseModel):
    """A window of planned work; times are POSIX seconds."""

    resource: str = Field(min_length=1, max_length=500)
    from_s: float
    to_s: float
    note: str = Field("", max_length=4_000)


def _add_reads(routes: APIRouter, view: LiveView) -> None:
    @routes.get("/api/live/health")
    def get_health(_actor: Actor) -> Response:
        """Return whether the server takes events, its clock, and its position."""
        status = view.app.pipeline.status()
        body = {
            "is_running": view.app.is_running, "now_s": view.app.clock.now_s(), "position": view.app.position,
            "speed": getattr(view.app.clock, "speed", 1.0), "problem": status.problem, "ports": view.app.ports,
        }  # fmt: skip
        is_well = view.app.is_running and not status.problem
        return OrjsonResponse(body, status_code=HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE)

    @routes.get("/api/live/state")
    def get_state(_actor: Actor) -> Response:
        """Return figures, the list of incidents, and the events of the last minutes."""
        return OrjsonResponse(view.state())

    @routes.get("/api/live/schemas")
    def get_schemas(_actor: Actor) -> Response:
        """Return JSON Schemas of our own formats: event, alarm and incident."""
        return OrjsonResponse(format_schemas())

    @routes.get("/api/live/incidents")
    def get_incidents(_actor: Actor, *, is_open: bool | None = None) -> Response:
        """Return all incidents, those that take service from most customers first."""
        return OrjsonResponse(view.incident_rows(is_open=is_open))

    @routes.get("/api/live/incidents/{incident_id}")
    def get_incident(_actor: Actor, incident_id: str) -> Response:
        """Return one incident's story: cause, evidence, symptoms, impact now and next, notes."""
        return OrjsonResponse(view.story(incident_id))

    @routes.get("/api/live/alarms")
    def get_alarms(_actor: Actor, q: str = "", state: str = "open", limit: Limit = 500) -> Response:
        """Return alarms that contain a text; state is open, all, shelved or unknown."""
        return OrjsonResponse(view.alarm_rows(text=q, state=state, limit=limit))

    @routes.get("/api/live/timeline")
    def get_timeline(_actor: Actor, after: int = 0, limit: Limit = 200) -> Response:
        """Return the events behind a position, the newest where there are more than the limit."""
        return OrjsonResponse(view.timeline(after, limit))

    @routes.get("/api/live/places-state.bin")
    def get_place_states(_actor: Actor, request: Request) -> Response:
        """Return one byte a place: 0 served, 1 at risk, 2 without service; 304 where nothing changed."""
        body = view.shared_place_states().tobytes()
        tag = f'"{hashlib.blake2b(body, digest_size=8).hexdigest()}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": tag})
        return _packed(request, body, {"ETag": tag})

    @routes.get("/api/live/stream")
    async def get_stream(_actor: Actor, request: Request) -> Response:
        """Tell by server-sent events that something changed: revision and position."""
        heads = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(
            changes(view.app, request.is_disconnected), media_type="text/event-stream", headers=heads
        )

    @routes.get("/metrics")
    def get_metrics(_actor: Actor) -> Response:
        """Return figures in Prometheus's text format."""
        return Response(metrics.page(metrics.families(view)), media_type=metrics.MEDIA_TYPE)


def _packed(request: Request, body: bytes, heads: dict[str, str]) -> Response:
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(gzip.compress(body, 4), media_type=OCTETS, headers={**heads, "Content-Encoding": "gzip"})
    return Response(body, media_type=OCTETS, headers=heads)


def _add_history(routes: APIRouter, view: LiveView) -> None:
    @routes.get("/api/live/history.csv")
    def get_history_csv(_actor: Actor, after: int = 0) -> Response:
        """Return every event behind a position as CSV; text that looks like a formula is shielded."""
        heads = {"Content-Disposition": 'attachment; filename="rahdari-history.csv"'}
        return StreamingResponse(csv_rows(HISTORY, view.history(after)), media_type="text/csv", headers=heads)

    @routes.get("/api/live/history.parquet")
    def get_history_parquet(_actor: Actor, after: int = 0) -> Response:
        """Return every event behind a position as Parquet."""

        def pieces() -> Iterator[bytes]:
            with TemporaryDirectory() as folder:
                path = Path(folder) / "history.parquet"
                view.write_parquet(path, after)
                with path.open("rb") as file:
                    while piece := file.read(1 << 20):
                        yield piece

        heads = {"Content-Disposition": 'attachment; filename="rahdari-history.parquet"'}
        return StreamingResponse(pieces(), media_type="application/vnd.apache.parquet", headers=heads)


def _done(done: Appended, n_hidden: int = 0) -> Response:
    """Return what became of an action, with a warning where it hides what is critical."""
    what = f"{n_hidden:,} critical alarm{'s' * (n_hidden != 1)} of it still stand{'s' * (n_hidden == 1)} open"
    warnings = [f"{what}: hidden until somebody takes it up again"] if n_hidden else []
    return OrjsonResponse({"position": done.position, "n_new": done.n_new, "warnings": warnings})


def _add_actions(routes: APIRouter, view: LiveView) -> None:
    @routes.post("/api/live/incidents/{incident_id}/{action}")
    def post_incident(
        actor: Actor, incident_id: str, action: str, body: Annotated[ActionBody, Body()], key: RequestKey = ""
    ) -> Response:
        """Act on an incident: ack, close, shelve, unshelve, none or note; sent again with one key it counts once."""
        each = view.incident(incident_id)
        n_hidden = view.hidden_by(action, (*each.root_keys, *each.symptom_keys))
        done = view.act_on_incident(incident_id, action, actor, note=body.note, request=key)
        return _done(done, n_hidden)

    @routes.post("/api/live/alarm-action/{action}")
    def post_alarm(
        actor: Actor, action: str, alarm: str, body: Annotated[ActionBody, Body()], key: RequestKey = ""
    ) -> Response:
        """Act on one alarm, named by its key."""
        n_hidden = view.hidden_by(action, [alarm])
        return _done(view.act_on_alarm(alarm, action, actor, note=body.note, request=key), n_hidden)

    @routes.post("/api/live/maintenance")
    def post_maintenance(actor: Actor, body: Annotated[MaintenanceBody, Body()], key: RequestKey = "") -> Response:
        """Announce planned work on a thing and what hangs on it."""
        return _done(view.maintenance(body.resource, body.from_s, body.to_s, actor, body.note, request=key))

    @routes.post("/api/live/what-if")
    def post_what_if(_actor: Actor, body: Annotated[WhatIfBody, Body()]) -> Response:
        """Return who would be without service if these things failed too; nothing is stored."""
        return OrjsonResponse(view.what_if(body.things))


def router(view: LiveView) -> APIRouter:
    """Return the routes over one live network."""
    routes = APIRouter(tags=["live network"])
    _add_reads(routes, view)
    _add_history(routes, view)
    _add_actions(routes, view)
    return routes


__all__ = ["router"]
