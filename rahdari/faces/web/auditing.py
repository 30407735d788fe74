"""What every application behind the gate tells the audit log, before the answer leaves.

Recorded are refusals, exports, changes, what hides alarms, and every answer made from a plan with labels for whoever is
cleared for more than the public; logins, accounts and approvals are told by the accounts themselves.  Where a record
cannot be kept, the answer is not given.
"""

from __future__ import annotations

import asyncio
import hashlib
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.middleware import Middleware

from rahdari.errors import PlanError
from rahdari.faces.web.auth import address_of, problem_answer
from rahdari.faces.web.roles import matched
from rahdari.faces.web.sessions import SAFE_METHODS
from rahdari.service.identity import EXPORT
from rahdari.store.labels import PUBLIC
from rahdari.store.query import PlanReader

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from rahdari.faces.web.auth import Gate
    from rahdari.service.identity import Identity, Who
    from rahdari.store.audit import AuditLog, AuditSink

RULES = Path(__file__).parents[2] / "operate" / "rules"
REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)
HIDES_ALARMS = ("shelve", "unshelve", "close", "maintenance", "clear", "clearAlarms")  # the last part of an address
APPROVALS = ("asked for", "granted", "refused", "took")
HIDE_ALARMS = ("PATCH",)  # of TMF642: acknowledges and clears
#: What devices and programs send all the time; the journal of the live network keeps it, with its source.
KEPT_ELSEWHERE = ("POST /events", "POST /v1/logs", "POST /gnmic", "POST /api/live/alertmanager")
STATIC = ("MOUNT ", "GET /openapi.json")  # the same for every plan
LONGEST_TEXT = 400
READ, TAKEN, DENIED, CHANGED, SUPPRESSED = "read", "export", "denial", "change", "suppression"


def kind_of_note(what: str) -> str:
    """Return the kind of record of what the accounts note.

    >>> kind_of_note("failed to log in from 192.0.2.7"), kind_of_note("took exposure"), kind_of_note("made token")
    ('login', 'approval', 'account')
    """
    if "log in" in what or "logged in" in what or "vouched" in what:
        return "login"
    return "approval" if what.startswith(APPROVALS) else "account"


def tell_notes(identity: Identity, sink: AuditSink) -> None:
    """Have the accounts tell the log of logins, changes of accounts, and approvals."""

    def told(_at_s: float, who: str, what: str) -> None:
        sink.record(kind_of_note(what), who, {"what": what})

    identity.store.listener = told


class _Labels:
    """Whether the plan that is served hides anything from the public, and its digest; found out once for each plan."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._found: tuple[int, bool, str] = (-1, False, "")

    def now(self) -> tuple[bool, str]:
        """Return whether there are labels, and the plan's digest."""
        if self._folder is None:
            return False, ""
        stamp = (self._folder / "manifest.json").stat().st_mtime_ns
        if stamp != self._found[0]:
            reader = PlanReader(self._folder)
            digest = str(reader.manifest.get("plan_digest", ""))
            self._found = (stamp, reader.least_clearance() != PUBLIC, digest)
        return self._found[1:]


class _Unrecorded(Exception):  # noqa: N818  # an answer, not a fault
    """A record could not be kept."""


class Audited:
    """The layer just outside the gate: it sees what was asked, by whom, and what became of it."""

    def __init__(self, app: ASGIApp, *, routes: FastAPI, gate: Gate, log: AuditLog) -> None:
        """Stand before ``app``; the log is closed when the application ends."""
        self.app, self.routes, self.gate, self.log = app, routes, gate, log
        self._labels = _Labels(gate.plan_folder)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; record what it comes to before the first byte of the answer."""
        if scope["type"] == "lifespan":
            try:
                await self.app(scope, receive, send)
            finally:
                await asyncio.to_thread(self.log.close)
            return

        key, _ = matched(self.routes, scope)  # now: a route that serves files changes what the scope says
        asked = scope["path"] + (f"?{scope['query_string'].decode('latin-1')}" if scope.get("query_string") else "")

        async def send_recorded(message: Message) -> None:
            status = _status_of(message)
            if status:
                try:
                    await asyncio.to_thread(self._record, scope, status, key, asked)
                except (PlanError, OSError) as error:
                    raise _Unrecorded from error
            await send(message)

        try:
            await self.app(scope, receive, send_recorded)
        except _Unrecorded:
            if scope["type"] == "http":
                what, cure = "the audit log cannot be written, so nothing is answered", "tell an administrator"
                await problem_answer(HTTPStatus.SERVICE_UNAVAILABLE, what, cure)(scope, receive, send)

    def _record(self, scope: Scope, status: int, key: str, asked: str) -> None:
        need = self.gate.needs.get(key)
        if need is not None and need.is_open:
            return
        who: Who | None = scope.get("state", {}).get("who")
        is_labelled, plan = self._labels.now()
        kind = self._kind(scope, status, who, is_export=need is not None and need.permission == EXPORT)
        is_cleared = who is not None and who.clearance != PUBLIC
        if kind == READ and not (is_labelled and is_cleared and not key.startswith(STATIC)):
            return
        if kind and (kind == DENIED or key not in KEPT_ELSEWHERE):
            what: dict[str, str | int | None] = {
                "route": key, "asked": asked[:LONGEST_TEXT], "status": status, "from": address_of(scope)
            }  # fmt: skip
            if who is not None:
                what |= {"clearance": who.clearance.key, "is_token": who.is_token}
            known = str(scope.get("state", {}).get("known") or "nobody")
            self.log.record(kind, known, {**what, "plan": plan[:12]})

    @staticmethod
    def _kind(scope: Scope, status: int, who: Who | None, *, is_export: bool) -> str:
        if status in REFUSED:
            return DENIED
        if who is None or status >= HTTPStatus.BAD_REQUEST:
            return ""
        if scope.get("method", "GET") not in SAFE_METHODS:
            last = str(scope["path"]).rstrip("/").rsplit("/", maxsplit=1)[-1]
            is_hiding = last in HIDES_ALARMS or scope.get("method") in HIDE_ALARMS
            return SUPPRESSED if is_hiding else CHANGED
        return TAKEN if is_export else READ


def _status_of(message: Message) -> int:
    """Return the status that a message begins an answer with, 0 for others."""
    if message["type"] == "http.response.start":
        return int(message["status"])
    if message["type"] == "websocket.accept":
        return HTTPStatus.OK
    return HTTPStatus.FORBIDDEN if message["type"] == "websocket.close" else 0


def rule_digests(folder: Path = RULES) -> dict[str, str]:
    """Return the digest (SHA-256) of each file of rules that the program works by."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.toml"))}


def audited(app: FastAPI, gate: Gate, log: AuditLog) -> None:
    """Have a protected application tell the log; call it after :func:`rahdari.faces.web.auth.protect`.

    The start is recorded with the rules that hold from now on: rules are read at the start alone.
    """
    tell_notes(gate.identity, log)
    log.record_many([("start", "", {"program": app.title}), ("rules", "", rule_digests())])
    at = next(i for i, layer in enumerate(app.user_middleware) if layer.kwargs.get("gate") is gate)
    app.user_middleware.insert(at, Middleware(Audited, routes=app, gate=gate, log=log))


__all__ = ["Audited", "audited", "kind_of_note", "rule_digests", "tell_notes"]
