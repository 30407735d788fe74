"""One gate before every route of an application: who asks, from where, what for, how often.

``protect(app, identity)`` puts it there.  Denied by default: a route without an entry in the table, a person or token
that nobody knows, a change that our own page did not send.
"""

from __future__ import annotations

import asyncio
import contextlib
import html
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from rahdari.errors import AccessError, Problem, RahdariError
from rahdari.faces.web.limits import ACCOUNT, ADDRESS, HEAVY, LOGIN, Limiter, Turns
from rahdari.faces.web.roles import AUTH_ROUTES, Need, matched
from rahdari.faces.web.sessions import (
    SAFE_METHODS,
    SESSION,
    bearer_of,
    cookie_of,
    is_csrf_of,
    is_from_here,
)
from rahdari.service.identity import LOCAL, PERSON_ONLY, Identity, Who
from rahdari.store.labels import PUBLIC, Clearance

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from rahdari.service.oidc import OidcClient

MAX_FORM_BYTES = 65_536
CSRF_HEADER, CSRF_FIELD = "x-csrf-token", "csrf"
FORM = "application/x-www-form-urlencoded"
PRIVATE = (b"cache-control", b"private, no-store")
SECURE_PAGE = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "same-origin",  # forms of this page have to say where they come from
    "X-Content-Type-Options": "nosniff",
}
STYLE = (
    "body{font-family:system-ui,sans-serif;max-width:34rem;margin:3rem auto;padding:0 1rem;color:#1b2733}"
    "label{display:block;margin:.6rem 0}input{font:inherit;padding:.3rem;width:100%;box-sizing:border-box}"
    "button{font:inherit;padding:.3rem .9rem}table{border-collapse:collapse}td,th{padding:.2rem .6rem;text-align:left}"
)


@dataclass
class Gate:
    """What the gate knows: the accounts, what routes need, what may be spent, and the provider of identities."""

    identity: Identity
    needs: Mapping[str, Need]
    oidc: OidcClient | None = None
    plan_folder: Path | None = None
    label: Clearance = PUBLIC
    addresses: Limiter = field(default_factory=lambda: Limiter(ADDRESS))
    logins: Limiter = field(default_factory=lambda: Limiter(LOGIN))
    accounts: Limiter = field(default_factory=lambda: Limiter(ACCOUNT))
    turns: Turns = field(default_factory=Turns)


@dataclass(eq=False)  # whoever passes an exception on writes to it
class _Refused(Exception):  # noqa: N818  # an answer, not a fault
    """A request that goes no further."""

    status: HTTPStatus
    what: str
    cure: str
    wait_s: float = 0.0
    allow: str = ""  # methods that there are


def who_of(request: Request) -> Who:
    """Return who sent a request that passed the gate; without a gate, the user of this machine."""
    who: Who | None = getattr(request.state, "who", None)
    if who is not None:
        return who
    if getattr(request.app.state, "gate_of_identity", None) is not None:
        raise AccessError(Problem("nobody is known to have asked", "log in"))
    return LOCAL


def name_of(request: Request) -> str:
    """Return the name of who sent a request."""
    return who_of(request).name


def problem_answer(status: HTTPStatus, what: str, cure: str, wait_s: float = 0.0) -> Response:
    """Return a refusal as every other error is told."""
    headers = {"Cache-Control": "private, no-store"}
    if wait_s > 0.0:
        headers["Retry-After"] = str(max(1, round(wait_s)))
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    body = {"ok": False, "errors": [Problem(what, cure).as_dict()]}
    return JSONResponse(body, status_code=status, headers=headers)


def page_answer(title: str, body: str, status: HTTPStatus = HTTPStatus.OK, *, refresh: str = "") -> Response:
    """Return a small page without a script; ``body`` is HTML already escaped."""
    meta = f'<meta http-equiv="refresh" content="0;url={html.escape(refresh)}">' if refresh else ""
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{meta}<title>{html.escape(title)}</title>'
        f"<style>{STYLE}</style></head><body><h1>{html.escape(title)}</h1>{body}</body></html>"
    )
    return HTMLResponse(page, status_code=status, headers=SECURE_PAGE)


def is_https(scope: Scope) -> bool:
    """Return whether a request came by https, as the server or a proxy on this machine says."""
    return scope.get("scheme") in {"https", "wss"}


def address_of(scope: Scope) -> str:
    """Return the address a request came from."""
    client = scope.get("client")
    return str(client[0]) if client else "unknown"


class Guard:
    """The gate as a layer of the application, innermost: whatever passes it reaches the route that was judged."""

    def __init__(self, app: ASGIApp, *, routes: FastAPI, gate: Gate) -> None:
        """Stand before ``app``, whose routes are those of ``routes``."""
        self.app, self.routes, self.gate = app, routes, gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Judge a request; pass it on with who sent it, or answer it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        try:
            who, need = await asyncio.to_thread(self._judge, scope)
            receive = await self._from_our_page(scope, receive, who)
        except _Refused as refused:
            await self._refuse(scope, receive, send, refused)
            return
        except RahdariError as error:
            first = error.problems[0]
            await self._refuse(
                scope, receive, send, _Refused(HTTPStatus.SERVICE_UNAVAILABLE, first.what, first.cure)
            )  # fmt: skip
            return
        scope.setdefault("state", {})["who"] = who
        await self._pass(scope, receive, send, who, need)

    async def _pass(self, scope: Scope, receive: Receive, send: Send, who: Who | None, need: Need) -> None:
        is_heavy = who is not None and need.cost >= HEAVY
        key = who.name if who is not None else ""
        if is_heavy and not self.gate.turns.begin(key):
            what, cure = "two costly answers are being made for you already", "wait for one of them"
            await self._refuse(scope, receive, send, _Refused(HTTPStatus.TOO_MANY_REQUESTS, what, cure, 1.0))
            return

        async def send_private(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [pair for pair in message["headers"] if pair[0].lower() != PRIVATE[0]]
                message = {**message, "headers": [*kept, PRIVATE]}
            await send(message)

        try:
            await self.app(scope, receive, send_private)
        finally:
            if is_heavy:
                self.gate.turns.end(key)

    def _judge(self, scope: Scope) -> tuple[Who | None, Need]:
        """Return who asks and what the route needs; ``None`` for a route that is open to anybody."""
        gate, headers = self.gate, Headers(scope=scope)
        wait_s = gate.addresses.take(address_of(scope))
        if wait_s:
            raise _Refused(HTTPStatus.TOO_MANY_REQUESTS, "too many requests", f"wait {wait_s:.0f} s", wait_s)
        key, is_there = matched(self.routes, scope)
        need = gate.needs.get(key) if is_there else None
        if need is not None and need.is_open:
            return None, need
        who = self._known(scope, headers)
        scope.setdefault("state", {})["known"] = who.name if who is not None else ""  # refused or not: for the record
        if who is None:
            raise _Refused(HTTPStatus.UNAUTHORIZED, "nobody is logged in", "log in at /login, or give a token")
        if not is_there:
            status = HTTPStatus.METHOD_NOT_ALLOWED if key else HTTPStatus.NOT_FOUND
            path = key.partition(" ")[2]
            allow = ", ".join(sorted(each.partition(" ")[0] for each in gate.needs if each.partition(" ")[2] == path))
            cure = "see /openapi.json for those there are"
            raise _Refused(status, "there is no such page", cure, allow=allow if key else "")
        if need is None:
            raise _Refused(HTTPStatus.FORBIDDEN, "this page is not open to any role", "it has no entry in the table")
        if not who.may(need.permission) or (who.is_token and need.permission in PERSON_ONLY):
            raise _Refused(HTTPStatus.FORBIDDEN, "your role or token may not do this", "ask an administrator")
        if key not in AUTH_ROUTES and not who.clearance.covers(gate.label):
            raise _Refused(HTTPStatus.FORBIDDEN, "this is above your clearance", "ask somebody who is cleared for it")
        wait_s = gate.accounts.take(who.name, need.cost)
        if wait_s:
            what = "you asked for more than your account's budget"
            raise _Refused(HTTPStatus.TOO_MANY_REQUESTS, what, f"wait {wait_s:.0f} s", wait_s)
        return who, need

    def _known(self, scope: Scope, headers: Headers) -> Who | None:
        token = bearer_of(headers)
        if token or "authorization" in headers:
            return self.gate.identity.who_of_token(token)
        session = cookie_of(headers, SESSION, is_https=is_https(scope))
        return self.gate.identity.who_of_session(session) if session else None

    async def _from_our_page(self, scope: Scope, receive: Receive, who: Who | None) -> Receive:
        """Return what to read the request from, where no other site can have had a browser send it."""
        headers = Headers(scope=scope)
        is_socket = scope["type"] == "websocket"
        if (not is_socket and scope["method"] in SAFE_METHODS) or (who is not None and who.is_token):
            return receive
        elsewhere = _Refused(HTTPStatus.FORBIDDEN, "the request did not come from a page of this host", "log in here")
        if not is_from_here(headers, is_https=is_https(scope)):
            raise elsewhere
        if is_socket or who is None:  # an open route: there is no session to misuse
            return receive
        given = headers.get(CSRF_HEADER, "")
        if not given and headers.get("content-type", "").split(";")[0].strip() == FORM:
            body, receive = await _whole(receive)
            given = dict(parse_qsl(body.decode(errors="replace"))).get(CSRF_FIELD, "")
        if not is_csrf_of(cookie_of(headers, SESSION, is_https=is_https(scope)), given):
            raise elsewhere
        return receive

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, refused: _Refused) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": refused.what})
            return
        wants_page = "text/html" in Headers(scope=scope).get("accept", "") and scope["method"] == "GET"
        if refused.status == HTTPStatus.UNAUTHORIZED and wants_page:
            answer: Response = RedirectResponse(
                f"/login?to={quote(scope['path'], safe='/')}", HTTPStatus.SEE_OTHER, {"Cache-Control": "no-store"}
            )
        else:
            answer = problem_answer(refused.status, refused.what, refused.cure, refused.wait_s)
            if refused.allow:
                answer.headers["Allow"] = refused.allow
        await answer(scope, receive, send)


async def _whole(receive: Receive) -> tuple[bytes, Receive]:
    """Return a small body, and what gives it once more; a larger one is refused."""
    parts, size, is_more = [], 0, True
    while is_more:
        message = await receive()
        if message["type"] != "http.request":
            break
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_FORM_BYTES:
            raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the form is too long", "send less")
        is_more = bool(message.get("more_body"))
    body = b"".join(parts)
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return pending.pop() if pending else await receive()

    return body, again


async def form_of(request: Request) -> dict[str, str]:
    """Return the fields of a small form or JSON object."""
    with contextlib.suppress(ValueError, UnicodeDecodeError):
        body, _ = await _whole(request.receive)
        if request.headers.get("content-type", "").split(";")[0].strip() == "application/json":
            import orjson

            given: Any = orjson.loads(body)
            return {str(name): str(value) for name, value in given.items()} if isinstance(given, dict) else {}
        return dict(parse_qsl(body.decode()))
    return {}


def protect(
    app: FastAPI, accounts: Identity, *, needs: Mapping[str, Need], oidc: OidcClient | None = None,
    plan_folder: Path | None = None, label: Clearance = PUBLIC,
) -> Gate:  # fmt: skip
    """Put the gate before every route of ``app``, and add login, account and approvals; return the gate.

    ``needs`` is the application's own table; see :mod:`rahdari.faces.web.roles`.  Call it after the application's
    routes and layers are made, and before it serves.  The application has to refuse foreign host names itself
    (TrustedHostMiddleware).  A handler asks :func:`who_of` for the person and their clearance.  Where handlers show the
    same to everybody, ``label`` keeps out all who are not cleared for all of it; ``PlanReader.least_clearance`` tells
    that of a plan.
    """
    from rahdari.faces.web.auth_pages import add_routes

    gate = Gate(accounts, {**needs, **AUTH_ROUTES}, oidc, plan_folder, label)
    app.state.gate_of_identity = gate
    if hasattr(app.state, "gate"):  # the live application asks its own gate for the name
        app.state.gate = name_of
    add_routes(app, gate)
    app.add_exception_handler(AccessError, _denied)
    app.add_exception_handler(_Refused, _refused)
    app.user_middleware.append(Middleware(Guard, routes=app, gate=gate))  # innermost
    return gate


def _refused(_request: Request, error: Exception) -> Response:
    if not isinstance(error, _Refused):
        raise error
    return problem_answer(error.status, error.what, error.cure, error.wait_s)


def _denied(_request: Request, error: Exception) -> Response:
    first = error.problems[0] if isinstance(error, AccessError) else Problem("denied", "log in")
    wait_s = error.wait_s if isinstance(error, AccessError) else 0.0
    status = HTTPStatus.TOO_MANY_REQUESTS if wait_s else HTTPStatus.FORBIDDEN
    return problem_answer(status, first.what, first.cure, wait_s)


__all__ = ["Gate", "Guard", "address_of", "form_of", "is_https", "name_of", "page_answer", "protect", "who_of"]
