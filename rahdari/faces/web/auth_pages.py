"""Login, account and approvals: small pages without a script, and the same as JSON."""

from __future__ import annotations

import asyncio
import datetime as dt
import html
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request, Response  # noqa: TC002  # FastAPI reads the annotations of routes
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

from rahdari.errors import AccessError, InputError, Problem
from rahdari.faces.web.auth import CSRF_FIELD, FORM, SECURE_PAGE, address_of, form_of, is_https, page_answer, who_of
from rahdari.faces.web.sessions import BEGUN, SESSION, cookie_of, csrf_of, set_cookie
from rahdari.service.approval import PENDING_S, SENSITIVE, Approvals, label_of
from rahdari.service.identity import APPROVE, ASK, LONGEST_S
from rahdari.service.oidc import PENDING_S as LOGIN_S

if TYPE_CHECKING:
    from rahdari.faces.web.auth import Gate
    from rahdari.service.identity import Who
    from rahdari.store.accounts import Approval

HOME = "/"
TOO_LONG: dict[int | str, dict[str, Any]] = {
    int(HTTPStatus.REQUEST_ENTITY_TOO_LARGE): {
        "description": "The form is too long",
        "content": {"application/json": {}},
    }
}
#: A wrong password is answered by the form, a request from elsewhere as everywhere.
WRONG: dict[int | str, dict[str, Any]] = TOO_LONG | {
    int(status): {"description": status.phrase, "content": {"text/html": {}, "application/json": {}}}
    for status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS)
}
LED_BACK: dict[int | str, dict[str, Any]] = TOO_LONG | {int(HTTPStatus.SEE_OTHER): {"description": "Back to the page"}}
DAYS = "%Y-%m-%d %H:%M UTC"


def _inside(path: str) -> str:
    """Return an address to go to after the login: one of this host, else the first page."""
    is_own = path.startswith("/") and not path.startswith(("//", "/\\")) and "\\" not in path and path.isprintable()
    return path if is_own else HOME


def _session_answer(request: Request, session: str, to: str) -> Response:
    """Return the page that sets the session: a page, since a cookie SameSite=Strict does not go along a redirect."""
    answer = page_answer("Logged in", f'<p><a href="{html.escape(to)}">Go on</a></p>', refresh=to)
    cookie = set_cookie(SESSION, session, is_https=is_https(request.scope), longest_s=int(LONGEST_S))
    answer.headers.append("set-cookie", cookie)
    return answer


def _login_form(gate: Gate, to: str, what: str = "", status: HTTPStatus = HTTPStatus.OK) -> Response:
    said = f"<p role='alert'><strong>{html.escape(what)}</strong></p>" if what else ""
    provider = '<p><a href="/oidc/start">Log in through your organisation</a></p>' if gate.oidc else ""
    return page_answer(
        "Log in",
        f'{said}<form method="post" action="/login"><input type="hidden" name="to" value="{html.escape(to)}">'
        '<label>Name <input name="name" autocomplete="username" required autofocus></label>'
        '<label>Password <input name="password" type="password" autocomplete="current-password" required></label>'
        f"<button>Log in</button></form>{provider}",
        status,
    )


def _me(request: Request, who: Who) -> dict[str, Any]:
    session = cookie_of(request.headers, SESSION, is_https=is_https(request.scope))
    return {
        "name": who.name, "role": who.role, "level": who.clearance.level,
        "compartments": sorted(who.clearance.compartments), "permissions": sorted(who.permissions),
        "csrf": csrf_of(session) if session and not who.is_token else None,
    }  # fmt: skip


def _shown(found: Approval) -> dict[str, Any]:
    return {
        "approval_id": found.approval_id, "kind": found.kind, "plan_digest": found.plan_digest, "asker": found.asker,
        "reason": found.reason, "asked_utc": _utc(found.asked_s), "decider": found.decider,
        "is_granted": found.is_granted, "until_utc": _utc(found.until_s),
    }  # fmt: skip


def _utc(at_s: float | None) -> str | None:
    return None if at_s is None else dt.datetime.fromtimestamp(at_s, dt.UTC).strftime(DAYS)


def add_routes(app: FastAPI, gate: Gate) -> None:
    """Add the routes of :data:`rahdari.faces.web.roles.AUTH_ROUTES`."""
    approvals = Approvals(gate.identity.store, gate.identity.clock)
    app.state.approvals = approvals
    _add_login(app, gate)
    _add_provider(app, gate)
    _add_account(app, gate, approvals)
    _add_approvals(app, gate, approvals)


def _add_login(app: FastAPI, gate: Gate) -> None:
    @app.get("/login", response_class=HTMLResponse)
    def get_login(to: str = HOME) -> Response:
        """Return the form to log in."""
        return _login_form(gate, _inside(to))

    @app.post("/login", response_class=HTMLResponse, responses=WRONG)
    async def post_login(request: Request) -> Response:
        """Log in; a session that the browser had before ends."""
        given, address = await form_of(request), address_of(request.scope)
        to = _inside(given.get("to", HOME))
        wait_s = gate.logins.take(address)
        if wait_s:
            raise AccessError(Problem("too many logins", f"wait {wait_s:.0f} s"), wait_s)
        before = cookie_of(request.headers, SESSION, is_https=is_https(request.scope))
        try:
            session = await asyncio.to_thread(
                gate.identity.login, given.get("name", ""), given.get("password", ""), address, before or None
            )
        except AccessError as error:
            status = HTTPStatus.TOO_MANY_REQUESTS if error.wait_s else HTTPStatus.UNAUTHORIZED
            answer = _login_form(gate, to, str(error.problems[0]), status)
            if error.wait_s:
                answer.headers["Retry-After"] = str(max(1, round(error.wait_s)))
            return answer
        return _session_answer(request, session, to)

    @app.post("/logout", response_class=RedirectResponse, status_code=HTTPStatus.SEE_OTHER)
    def post_logout(request: Request) -> Response:
        """End the session."""
        session = cookie_of(request.headers, SESSION, is_https=is_https(request.scope))
        if session:
            gate.identity.logout(session)
        answer = RedirectResponse("/login", HTTPStatus.SEE_OTHER)
        answer.headers.append("set-cookie", set_cookie(SESSION, "", is_https=is_https(request.scope)))
        answer.headers["Clear-Site-Data"] = '"cache", "storage"'
        return answer


def _add_provider(app: FastAPI, gate: Gate) -> None:
    @app.get("/oidc/start", response_class=RedirectResponse, status_code=HTTPStatus.SEE_OTHER)
    def get_start(request: Request) -> Response:
        """Lead to the provider of identities."""
        wait_s = gate.logins.take(address_of(request.scope))
        if wait_s:
            raise AccessError(Problem("too many logins", f"wait {wait_s:.0f} s"), wait_s)
        if gate.oidc is None:
            raise AccessError(Problem("no provider of identities is set up here", "log in with a password"))
        to, browser = gate.oidc.start()
        answer = RedirectResponse(to, HTTPStatus.SEE_OTHER)
        # Lax, since the provider's own page leads back here.
        cookie = set_cookie(
            BEGUN, browser, is_https=is_https(request.scope), same_site="Lax", longest_s=int(LOGIN_S)
        )  # fmt: skip
        answer.headers.append("set-cookie", cookie)
        return answer

    @app.get("/oidc/back", response_class=HTMLResponse)
    def get_back(request: Request, state: str = "", code: str = "") -> Response:
        """Take the provider's word and log in."""
        if gate.oidc is None:
            raise AccessError(Problem("no provider of identities is set up here", "log in with a password"))
        secure = is_https(request.scope)
        subject = gate.oidc.finish(state, code, cookie_of(request.headers, BEGUN, is_https=secure))
        before = cookie_of(request.headers, SESSION, is_https=secure)
        session = gate.identity.login_subject(subject, address_of(request.scope), before or None)
        answer = _session_answer(request, session, HOME)
        answer.headers.append("set-cookie", set_cookie(BEGUN, "", is_https=secure, same_site="Lax"))
        return answer


def _add_account(app: FastAPI, gate: Gate, approvals: Approvals) -> None:
    @app.get("/api/me")
    def get_me(request: Request) -> Response:
        """Return who is logged in, and what a page has to send along with a change."""
        return JSONResponse(_me(request, who_of(request)))

    @app.get("/api/accounts")
    def get_accounts() -> Response:
        """Return all accounts."""
        return JSONResponse(
            [
                {"name": each.name, "role": each.role, "clearance": each.clearance.key, "is_enabled": each.is_enabled}
                for each in gate.identity.accounts()
            ]
        )

    @app.get("/account", response_class=HTMLResponse)
    def get_account(request: Request) -> Response:
        """Return the page of who is logged in: clearance, requests, and the way out."""
        who = who_of(request)
        proof = f'<input type="hidden" name="{CSRF_FIELD}" value="{_me(request, who)["csrf"] or ""}">'
        facts = (("Name", who.name), ("Role", who.role), ("Cleared for", who.clearance.key))
        rows = "".join(f"<tr><th>{name}</th><td>{html.escape(value)}</td></tr>" for name, value in facts)
        out = f'<form method="post" action="/logout">{proof}<button>Log out</button></form>'
        return page_answer("Account", f"<table>{rows}</table>{out}{_requests(who, approvals, proof, gate)}")


def _requests(who: Who, approvals: Approvals, proof: str, gate: Gate) -> str:
    """Return the requests that concern a person, with buttons where they may decide, and a form to ask."""
    if not who.may(ASK):
        return ""
    rows = []
    for each in approvals.seen_by(who):
        is_open = each.is_granted is None and gate.identity.clock() - each.asked_s <= PENDING_S
        state = "waits" if is_open else "granted" if each.is_granted else "refused or too old"
        buttons = ""
        if is_open and who.may(APPROVE) and each.asker != who.name:
            buttons = (
                f'<form method="post" action="/api/approvals/{html.escape(each.approval_id)}">{proof}'
                '<button name="decision" value="grant">Grant for an hour</button> '
                '<button name="decision" value="refuse">Refuse</button></form>'
            )
        cells = (each.kind, each.asker, each.reason, state)
        rows.append("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + f"<td>{buttons}</td></tr>")
    options = "".join(f'<option value="{kind}">{html.escape(what)}</option>' for kind, what in SENSITIVE.items())
    form = (
        f'<form method="post" action="/api/approvals">{proof}'
        f'<label>Result <select name="kind">{options}</select></label>'
        '<label>What for <input name="reason" maxlength="500" required></label><button>Ask</button></form>'
    )
    return f"<h2>Sensitive results</h2><table>{''.join(rows)}</table>{form if gate.plan_folder else ''}"


def _answer(request: Request, found: Approval) -> Response:
    if request.headers.get("content-type", "").split(";")[0].strip() == FORM:
        return RedirectResponse("/account", HTTPStatus.SEE_OTHER, SECURE_PAGE)
    return JSONResponse(_shown(found))


def _add_approvals(app: FastAPI, gate: Gate, approvals: Approvals) -> None:
    @app.get("/api/approvals")
    def get_approvals(request: Request) -> Response:
        """Return one's own requests and those one may decide."""
        return JSONResponse([_shown(each) for each in approvals.seen_by(who_of(request))])

    @app.post("/api/approvals", responses=LED_BACK)
    async def post_approval(request: Request) -> Response:
        """Ask for a sensitive result of this plan."""
        given, folder = await form_of(request), gate.plan_folder
        if folder is None:
            raise InputError(Problem("there is no plan here", "ask where a plan is shown"))

        def ask() -> Approval:
            from rahdari.store.query import PlanReader

            plan_digest = str(PlanReader(folder).manifest.get("plan_digest", ""))
            return approvals.ask(
                who_of(request), given.get("kind", ""), plan_digest, label_of(folder), given.get("reason", "")
            )  # fmt: skip

        return _answer(request, await asyncio.to_thread(ask))

    @app.post("/api/approvals/{approval_id}", responses=LED_BACK)
    async def post_decision(approval_id: str, request: Request) -> Response:
        """Grant or refuse another person's request."""
        decision = (await form_of(request)).get("decision", "")
        if decision not in {"grant", "refuse"}:
            raise InputError(Problem("no decision was given", "send decision=grant or decision=refuse"))
        is_granted = decision == "grant"
        found = await asyncio.to_thread(approvals.decide, who_of(request), approval_id, is_granted=is_granted)
        return _answer(request, found)


__all__ = ["add_routes"]
