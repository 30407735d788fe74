"""Accounts of every role, and clients that are logged in as them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import argon2
from fastapi.testclient import TestClient

from rahdari.service.identity import ROLES, Identity
from rahdari.store.labels import OWNER, Clearance

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi import FastAPI

CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse battery"  # noqa: S105  # of nobody real
HOST = "http://testserver"
CLEARANCES = {
    "public": Clearance(),
    "internal": Clearance("internal", frozenset({"water", "power"})),
    "restricted": Clearance("restricted", frozenset({"*"})),
    "secret": Clearance("secret"),
    "owner": OWNER,
}


def account_name(role: str, clearance: str) -> str:
    return f"{role.replace(' ', '-')}-{clearance}"


def people(folder: Path) -> Identity:
    """Return accounts of every role at every clearance."""
    identity = Identity(folder, hasher=CHEAP)
    for role in ROLES:
        for name, clearance in CLEARANCES.items():
            identity.add(account_name(role, name), role, clearance, password=PASSWORD)
    return identity


def log_in(app: FastAPI, name: str, password: str = PASSWORD) -> TestClient:
    """Return a client with a session, and with what its changes have to send along."""
    client = TestClient(app, base_url=HOST, follow_redirects=False, raise_server_exceptions=False)
    answer = client.post("/login", data={"name": name, "password": password}, headers={"Origin": HOST})
    assert answer.status_code == 200, answer.text
    client.headers["Origin"] = HOST
    client.headers["X-CSRF-Token"] = client.get("/api/me").json()["csrf"]
    return client
