"""Who may ask: the one place that every request of the live application passes.

Today everybody on this machine may do everything, and nobody else can reach it: another address is refused at the
start.  Whoever adds authentication replaces :func:`allow` and gives ``create_live_app`` another one.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Annotated, Protocol
from urllib.parse import unquote

from fastapi import Depends, Request

from rahdari.errors import InputError, Problem

if TYPE_CHECKING:
    from fastapi import FastAPI

LOOPBACK_NAMES = ("localhost", "")
DEFAULT_ACTOR = "operator"


class Gate(Protocol):
    """Decides on one request: returns the name of who asks, or raises ``fastapi.HTTPException`` with 401 or 403."""

    def __call__(self, request: Request) -> str:
        """Return the name of who asks."""
        ...


def allow(request: Request) -> str:
    """Let everybody in; the name is the one the page sends, for the record only."""
    return unquote(request.headers.get("X-Operator", "")).strip()[:80] or DEFAULT_ACTOR


def _actor(request: Request) -> str:
    gate: Gate = request.app.state.gate
    return gate(request)


Actor = Annotated[str, Depends(_actor)]


def guard(app: FastAPI, gate: Gate) -> None:
    """Give an application its gate; the dependency :data:`Actor` asks it at every route."""
    app.state.gate = gate


def check_address(host: str, *, has_gate: bool) -> None:
    """Raise :class:`InputError` for an address that others can reach, unless somebody stands at the gate."""
    if has_gate or host in LOOPBACK_NAMES:
        return
    try:
        is_loopback = ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        what = f"{host} can be reached by others, and nobody asks who they are"
        raise InputError(Problem(what, "listen on 127.0.0.1"))


__all__ = ["Actor", "Gate", "allow", "check_address", "guard"]
