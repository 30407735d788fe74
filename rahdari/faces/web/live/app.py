"""The live network's web application: one running App behind a gate, the page at ``/live/``, nothing from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import MutableHeaders
from starlette.middleware.trustedhost import TrustedHostMiddleware

from rahdari.errors import RahdariError
from rahdari.faces.web.app import DEFAULT_NOTE, HEADERS, LOCAL_HOSTS, STATIC, labels, outline
from rahdari.faces.web.live import duty, intake, routes, tmf642, tmf642_tasks
from rahdari.faces.web.live.gate import Actor, Gate, allow, guard, has_accounts
from rahdari.faces.web.live.replies import OrjsonResponse, problems_of
from rahdari.faces.web.tiles import packed_features
from rahdari.service.live_duty import LiveDuty

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from rahdari.service.operate import LiveView

CITY, TOWN = "city", "town"
MARGIN_DEG = 0.5
NO_FEATURES = {"type": "FeatureCollection", "features": []}


def plan_facts(view: LiveView) -> dict[str, Any]:
    """Return what the head of the page shows of the plan behind the live network."""
    country: dict[str, Any] = {}
    if view.reader is not None and "country" in view.reader.names:
        frame = view.reader.table("country")
        country = frame.row(0, named=True) if frame.height else {}
    return {
        "title": country.get("name") or view.title, "title_local": country.get("name_local"),
        "boundary_note": country.get("boundary_note") or DEFAULT_NOTE, "bounds": view.bounds(MARGIN_DEG),
        "n_places": len(view.app.network.place_id), "demo": view.demo,
        "speed": getattr(view.app.clock, "speed", 1.0),
    }  # fmt: skip


def place_features(view: LiveView) -> bytes:
    """Return all places as flat arrays in the network's order; see packed_features."""
    lon, lat, weight = view.place_points()
    flat = {"c0": [0] * lon.size, "c1": [0] * lon.size, "s": [0] * lon.size}
    return packed_features(pl.DataFrame({"lon_deg": lon, "lat_deg": lat, **flat, "w": weight}))


def _add_plan_routes(app: FastAPI, view: LiveView) -> None:
    kept: dict[str, Any] = {}

    @app.get("/api/live/plan", tags=["plan"])
    def get_plan(actor: Actor, request: Request) -> Response:
        """Return the name of the network, its bounds, the note on boundaries, and whom an action would be kept for."""
        known = {"has_accounts": has_accounts(request.app), "actor": actor}
        return OrjsonResponse({**plan_facts(view), **known})

    @app.get("/api/live/outline", tags=["plan"])
    def get_outline(_actor: Actor) -> Response:
        """Return the country's outline as GeoJSON; empty for a network without a plan."""
        if "outline" not in kept:
            kept["outline"] = NO_FEATURES if view.reader is None else outline(view.reader)
        return OrjsonResponse(kept["outline"])

    @app.get("/api/live/labels", tags=["plan"])
    def get_labels(_actor: Actor) -> Response:
        """Return names the map may print."""
        if "labels" not in kept:
            kept["labels"] = [] if view.reader is None else labels(view.reader)
        return OrjsonResponse(kept["labels"])

    @app.get("/api/live/places.bin", tags=["plan"])
    def get_places(_actor: Actor) -> Response:
        """Return all places as flat arrays, in the order of places-state.bin."""
        if "places" not in kept:
            kept["places"] = place_features(view)
        return Response(kept["places"], media_type="application/octet-stream")

    @app.get("/", include_in_schema=False)
    def get_index() -> Response:
        """Lead to the page."""
        return RedirectResponse("/live/")


class _Headers:
    """Adds the headers that every answer carries; passes streams through as they are, so that their end is noticed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with(message: Message) -> None:
            if message["type"] == "http.response.start":
                heads = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    heads.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with if scope["type"] == "http" else send)


def create_live_app(
    view: LiveView, *, gate: Gate = allow, allowed_hosts: Sequence[str] = LOCAL_HOSTS, on_duty: LiveDuty | None = None
) -> FastAPI:
    """Return the application of one live network; every route but the page's own files asks ``gate`` who is there.

    Requests that name another host than ``allowed_hosts`` are refused, so that a web page elsewhere cannot reach the
    network by pointing its own name at this machine.
    """
    app = FastAPI(title="Rahdari live", docs_url=None, redoc_url=None, openapi_url="/api/live/openapi.json")
    guard(app, gate)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(allowed_hosts))
    app.add_exception_handler(RahdariError, problems_of)

    app.add_middleware(_Headers)
    app.include_router(duty.router(on_duty or LiveDuty(view)))  # before actions, which are words of an address too
    for module in (routes, intake, tmf642, tmf642_tasks):
        app.include_router(module.router(view))
    _add_plan_routes(app, view)
    for name, folder in (("live", STATIC / "map" / "live"), ("map", STATIC / "map"), ("fonts", STATIC / "fonts")):
        if folder.is_dir():
            app.mount(f"/{name}", StaticFiles(directory=folder, html=True), name=name)
    view.load_hubs()
    view.app.followers.append(lambda changed: tmf642.notifications(view.hubs, changed, view.incident_of_alarm()))
    return app


__all__ = ["create_live_app", "place_features", "plan_facts"]
