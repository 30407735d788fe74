"""Who may ask: the one place that every request of the live application passes.

Without accounts everybody on this machine may do everything, and nobody else can reach it: another address is refused
at the start.  :func:`rahdari.faces.web.auth.protect` puts the accounts' own gate in the place of :func:`allow`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Protocol
from urllib.parse import unquote

from fastapi import Depends, Request

if TYPE_CHECKING:
    from fastapi import FastAPI

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


def has_accounts(app: FastAPI) -> bool:
    """Return whether an application asks who somebody is: then no request may name another."""
    return getattr(app.state, "gate_of_identity", None) is not None


__all__ = ["Actor", "Gate", "allow", "guard", "has_accounts"]
