"""What each route needs: one declared table an application; a route without an entry is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.routing import Match, Mount

from rahdari.service.identity import ADMINISTER, APPROVE, ASK, EXPORT, OPERATE, PLAN, READ

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fastapi import FastAPI

UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Need:
    """What a route needs: a permission, empty for those open to anybody; and what it costs of an account's budget."""

    permission: str
    cost: float = 1.0

    @property
    def is_open(self) -> bool:
        """Return whether anybody may ask, known or not."""
        return not self.permission


OPEN = Need("")

#: Login and account; :func:`rahdari.faces.web.auth.protect` adds these routes to any application.
AUTH_ROUTES: Mapping[str, Need] = {
    "GET /login": OPEN,
    "POST /login": OPEN,
    "GET /oidc/start": OPEN,
    "GET /oidc/back": OPEN,
    "POST /logout": Need(READ),
    "GET /account": Need(READ),
    "GET /api/me": Need(READ),
    "GET /api/approvals": Need(ASK),
    "POST /api/approvals": Need(ASK, 10.0),
    "POST /api/approvals/{approval_id}": Need(APPROVE, 5.0),
    "GET /api/accounts": Need(ADMINISTER),
}

#: The map of a plan.
MAP_ROUTES: Mapping[str, Need] = {
    "GET /": Need(READ),
    "MOUNT /map": Need(READ, 0.2),
    "MOUNT /fonts": Need(READ, 0.2),
    "GET /openapi.json": Need(READ),
    "GET /api/plan": Need(READ),
    "GET /api/layers": Need(READ, 5.0),
    "GET /api/outline": Need(READ),
    "GET /api/labels": Need(READ, 2.0),
    "GET /api/row/{table}/{row_id:path}": Need(READ, 3.0),
    "GET /api/explain": Need(READ, 10.0),
    "GET /api/search": Need(READ, 2.0),
    "GET /api/core": Need(READ, 5.0),
    "GET /api/failure/{link_id:path}": Need(READ, 10.0),
    "GET /api/hop/{site_id:path}": Need(READ, 10.0),
    "GET /api/sky/{place_id:path}": Need(READ, 20.0),
    "GET /api/events": Need(READ),
    "GET /api/event/{event}": Need(READ, 2.0),
    "GET /api/event-places.bin": Need(READ, 5.0),
    "GET /api/event-place/{index}": Need(READ),
    "GET /tiles/{layer_id}.pmtiles": Need(READ, 0.5),
    "GET /features/{layer_id}.bin": Need(READ, 5.0),
    "GET /api/feature/{layer_id}/{index}": Need(READ),
    "GET /report": Need(READ, 10.0),
    "GET /export/{table}.csv": Need(EXPORT, 30.0),
    "GET /export/{table}.geojson": Need(EXPORT, 30.0),
}

#: The live network.  Machines bring their events with a token of scope ``operate``.
LIVE_ROUTES: Mapping[str, Need] = {
    "GET /": Need(READ),
    "MOUNT /live": Need(READ, 0.2),
    "MOUNT /map": Need(READ, 0.2),
    "MOUNT /fonts": Need(READ, 0.2),
    "GET /metrics": Need(READ),
    "GET /api/live/openapi.json": Need(READ),
    "GET /api/live/health": Need(READ),
    "GET /api/live/state": Need(READ),
    "GET /api/live/schemas": Need(READ),
    "GET /api/live/incidents": Need(READ),
    "GET /api/live/incidents/{incident_id}": Need(READ),
    "GET /api/live/alarms": Need(READ, 2.0),
    "GET /api/live/timeline": Need(READ),
    "GET /api/live/places-state.bin": Need(READ),
    "GET /api/live/stream": Need(READ),
    "GET /api/live/plan": Need(READ),
    "GET /api/live/outline": Need(READ),
    "GET /api/live/labels": Need(READ),
    "GET /api/live/places.bin": Need(READ, 2.0),
    "GET /api/live/history.csv": Need(EXPORT, 30.0),
    "GET /api/live/history.parquet": Need(EXPORT, 30.0),
    "GET /api/live/incidents/{incident_id}/duty": Need(READ, 10.0),
    "GET /api/live/incidents/{incident_id}/form": Need(EXPORT, 5.0),
    "GET /api/live/sla.csv": Need(EXPORT, 10.0),
    "POST /api/live/incidents/{incident_id}/leg": Need(OPERATE, 5.0),
    "POST /api/live/incidents/{incident_id}/{action}": Need(OPERATE),
    "POST /api/live/alarm-action/{action}": Need(OPERATE),
    "POST /api/live/maintenance": Need(OPERATE),
    "POST /api/live/what-if": Need(OPERATE, 10.0),
    "POST /events": Need(OPERATE, 0.1),
    "POST /api/live/alertmanager": Need(OPERATE, 0.1),
    "POST /v1/logs": Need(OPERATE, 0.1),
    "POST /gnmic": Need(OPERATE, 0.1),
    "GET /tmf-api/alarmManagement/v4/alarm": Need(READ, 2.0),
    "GET /tmf-api/alarmManagement/v4/alarm/{name}": Need(READ),
    "POST /tmf-api/alarmManagement/v4/alarm": Need(OPERATE),
    "PATCH /tmf-api/alarmManagement/v4/alarm/{name}": Need(OPERATE),
    "POST /tmf-api/alarmManagement/v4/ackAlarms": Need(OPERATE, 5.0),
    "POST /tmf-api/alarmManagement/v4/unAckAlarms": Need(OPERATE, 5.0),
    "POST /tmf-api/alarmManagement/v4/clearAlarms": Need(OPERATE, 5.0),
    "POST /tmf-api/alarmManagement/v4/commentAlarms": Need(OPERATE, 5.0),
    "POST /tmf-api/alarmManagement/v4/groupAlarms": Need(OPERATE, 5.0),
    "POST /tmf-api/alarmManagement/v4/hub": Need(OPERATE),
    "DELETE /tmf-api/alarmManagement/v4/hub/{hub_id}": Need(OPERATE),
}


def _flat(routes: Any) -> Iterator[Any]:  # noqa: ANN401  # starlette's and fastapi's routes share no type
    """Yield routes, those of included routers one by one, in the order in which they are tried."""
    for route in routes:
        contexts = getattr(route, "effective_route_contexts", None)
        if contexts is not None:
            yield from contexts()
        else:
            yield route


def keys_of(route: Any) -> tuple[str, ...]:  # noqa: ANN401  # same
    """Return the entries that a route needs in the table; HEAD goes with GET."""
    inner = getattr(route, "starlette_route", None) or route
    path, methods = getattr(inner, "path", None), getattr(inner, "methods", None)
    if path is None:
        return (UNKNOWN,)
    if isinstance(inner, Mount):
        return (f"MOUNT {path}",)
    if methods is None:
        return (f"WS {path}",)
    return tuple(f"{method} {path}" for method in sorted(methods) if method != "HEAD" or "GET" not in methods)


def uncovered(app: FastAPI, needs: Mapping[str, Need]) -> list[str]:
    """Return what the routes of an application would need in the table and do not have there."""
    return sorted({key for route in _flat(app.routes) for key in keys_of(route)} - set(needs))


def matched(app: FastAPI, scope: Mapping[str, Any]) -> tuple[str, bool]:
    """Return the entry of the route that a request reaches, and whether the route is there for its method.

    The entry is empty where no route is at this address.
    """
    partial = ""
    method = "GET" if scope.get("method") == "HEAD" else scope.get("method", "")
    for route in _flat(app.routes):
        match, _ = route.matches(dict(scope))
        keys = keys_of(route)
        if match == Match.FULL:
            return (keys[0] if len(keys) == 1 else next((k for k in keys if k.startswith(f"{method} ")), UNKNOWN)), True
        if match == Match.PARTIAL:
            partial = partial or keys[0]
    return partial, False


__all__ = [
    "ADMINISTER", "APPROVE", "ASK", "AUTH_ROUTES", "EXPORT", "LIVE_ROUTES", "MAP_ROUTES", "OPEN", "OPERATE", "PLAN",
    "READ", "Need", "keys_of", "matched", "uncovered",
]  # fmt: skip
