"""Events in over HTTP: our own as JSON or one a line, Alertmanager's webhook, OpenTelemetry's logs.

The answer 200 means that every event is durable.  What is wrong is refused by itself, named, and counted.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from rahdari.errors import InputError, Problem
from rahdari.faces.web.live.gate import Actor  # noqa: TC001  # read when the routes are made
from rahdari.faces.web.live.replies import OrjsonResponse
from rahdari.operate.alarms import OPERATOR_SOURCE
from rahdari.operate.wire import FORGED, DecodeError
from rahdari.operate.wire.ndjson import Batch, decode_body, decode_lines
from rahdari.operate.wire.telemetry import gnmic_events, otlp_logs
from rahdari.operate.wire.webhook import alertmanager

if TYPE_CHECKING:
    from collections.abc import Callable

    from rahdari.service.operate import LiveView

MAX_BODY = 16 << 20
N_REFUSALS = 20
LISTENER = "http"


async def body_of(request: Request) -> bytes:
    """Return the body; :class:`InputError` as soon as it is larger than 16 MiB."""
    held = bytearray()
    async for part in request.stream():
        held += part
        if len(held) > MAX_BODY:
            raise InputError(Problem(f"the body is larger than {MAX_BODY >> 20} MiB", "send smaller batches"))
    return bytes(held)


def _unforged(batch: Batch) -> Batch:
    """Return a batch; :class:`DecodeError` where any of it claims to come from an operator."""
    if any(event.source.startswith(OPERATOR_SOURCE) for event in batch.events):
        raise DecodeError("operator", FORGED, "name the device or program as the source")
    return batch


def _stored(view: LiveView, decode: Callable[[], Batch]) -> Response:
    """Store what a body holds and tell how much of it."""
    counters = view.app.counters
    try:
        batch = _unforged(decode())
    except DecodeError as error:
        counters.add("rahdari_wire_refused_total", listener=LISTENER, reason=error.reason)
        raise InputError(error.problems) from error
    for refusal in batch.refused:
        counters.add("rahdari_wire_refused_total", listener=LISTENER, reason=refusal.reason)
    counters.add("rahdari_wire_events_total", len(batch.events), listener=LISTENER)
    told = {"n_new": 0, "n_duplicate": 0, "position": view.app.position}
    if batch.events:
        done = view.app.ingest(batch.events)
        told = {"n_new": done.n_new, "n_duplicate": done.n_duplicate, "position": done.position}
    refused = [{"number": each.number, "reason": each.reason, "what": each.what} for each in batch.refused[:N_REFUSALS]]
    is_bad = bool(batch.refused) and not batch.events
    return OrjsonResponse(
        {**told, "n_refused": len(batch.refused), "refused": refused},
        status_code=HTTPStatus.UNPROCESSABLE_ENTITY if is_bad else HTTPStatus.OK,
    )


def router(view: LiveView) -> APIRouter:
    """Return the routes that take events."""
    routes = APIRouter(tags=["events in"])
    mapper = view.app.options.mapper

    @routes.post("/events")
    async def post_events(_actor: Actor, request: Request) -> Response:
        """Store events: NDJSON (application/x-ndjson), or JSON: one event, a list, or {"events": [...]}."""
        body = await body_of(request)
        is_lines = "ndjson" in request.headers.get("content-type", "")

        def decode() -> Batch:
            return decode_lines(body.split(b"\n")) if is_lines else decode_body(body)

        return await run_in_threadpool(_stored, view, decode)

    @routes.post("/api/live/alertmanager")
    async def post_alertmanager(_actor: Actor, request: Request) -> Response:
        """Store the alerts of a notification of Prometheus Alertmanager (webhook, version 4)."""
        body = await body_of(request)
        return await run_in_threadpool(_stored, view, lambda: alertmanager(body, mapper))

    @routes.post("/v1/logs")
    async def post_logs(_actor: Actor, request: Request) -> Response:
        """Store the log records of OpenTelemetry (OTLP/HTTP as JSON)."""
        body = await body_of(request)
        now_s = view.app.clock.now_s()
        return await run_in_threadpool(_stored, view, lambda: otlp_logs(body, now_s, mapper))

    @routes.post("/gnmic")
    async def post_gnmic(_actor: Actor, request: Request) -> Response:
        """Store what gNMIc tells in its event format: an interface's state raises and clears; counters make nothing."""
        body = await body_of(request)
        return await run_in_threadpool(_stored, view, lambda: gnmic_events(body, mapper))

    return routes


__all__ = ["MAX_BODY", "body_of", "router"]
