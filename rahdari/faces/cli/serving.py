"""``rahdari show``: serve a plan on a map."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import webbrowser
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from rahdari.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from fastapi import FastAPI

    from rahdari.faces.web.roles import Need

PORT_MAX = 65_535
EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104  # compared, not bound


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens on the address; :class:`InputError` where it cannot."""
    if not 0 <= port <= PORT_MAX:
        raise InputError(Problem(f"there is no port {port}", f"use 0 to {PORT_MAX}"))
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        what = f"cannot listen on {host} port {port}: {error.strerror or error}"
        raise InputError(Problem(what, "give another --port; 0 takes a free one")) from error
    return listener


@dataclass(frozen=True, slots=True)
class Access:
    """Who may see what is served: accounts in a folder, none for the user of this machine alone; and by https."""

    accounts: Path | None = None
    certificate: Path | None = None
    certificate_key: Path | None = None

    @property
    def scheme(self) -> str:
        """Return the scheme of the address."""
        return "https" if self.certificate else "http"


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches an address.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0"), is_loopback("map.example")
    (True, True, False, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_open(host: str, access: Access) -> None:
    """Raise :class:`InputError` where others could reach what is served and nobody asks who they are."""
    if access.accounts is None and not is_loopback(host):
        what = f"{host} can be reached by others, and nobody asks who they are"
        raise InputError(Problem(what, "add --auth, or leave --host out to serve this machine alone"))
    if (access.certificate is None) != (access.certificate_key is None):
        raise InputError(Problem("a certificate and its key go together", "give --certificate and --certificate-key"))


def add_accounts(
    app: FastAPI,
    access: Access,
    needs: Mapping[str, Need],
    folder: Path | None = None,
    *,
    is_same_for_all: bool = False,
) -> list[str]:
    """Put the gate before an application where there are accounts; return what the user has to be told.

    An application that shows the same to all (``is_same_for_all``) is for those cleared for all of the plan.
    """
    if access.accounts is None:
        return []
    from rahdari.faces.cli.audit import audit_folder
    from rahdari.faces.web.auditing import audited, tell_notes
    from rahdari.faces.web.auth import protect
    from rahdari.service.identity import Identity
    from rahdari.service.oidc import OidcClient, read_settings
    from rahdari.store.audit import AuditLog
    from rahdari.store.query import PUBLIC, PlanReader

    identity, log = Identity(access.accounts), AuditLog(audit_folder(access.accounts))
    tell_notes(identity, log)
    told = [f"accounts: {access.accounts}", f"audit log: {log.path}"]
    first = identity.first_start()
    if first is not None:
        told.append(f"first administrator: name and password are in {first}; delete it once you have logged in")
    settings = read_settings(access.accounts)
    label = PlanReader(folder).least_clearance() if folder is not None and is_same_for_all else PUBLIC
    oidc = OidcClient(settings) if settings else None
    audited(app, protect(app, identity, needs=needs, oidc=oidc, plan_folder=folder, label=label), log)
    return told


def serve(
    folder: Path, *, host: str, port: int, open_browser: bool, as_json: bool, access: Access | None = None
) -> None:
    """Print the address and serve the plan until interrupted."""
    access = access or Access()
    check_open(host, access)
    import uvicorn

    from rahdari.faces.cli.output import print_json
    from rahdari.faces.web.app import LOCAL_HOSTS, create_app
    from rahdari.faces.web.roles import MAP_ROUTES

    # Whoever opens the plan to every address means every name by which this machine is known.
    hosts = ("*",) if host in EVERY_ADDRESS else (*LOCAL_HOSTS, host)
    app = create_app(folder, allowed_hosts=hosts)
    told = add_accounts(app, access, MAP_ROUTES, folder)
    if access.accounts is not None and not is_loopback(host) and access.certificate is None:
        told.append("passwords cross the network in the clear: give --certificate, or stand behind a proxy with https")
    with _listening(host, port) as listener:
        shown = f"[{host}]" if ":" in host else host
        address = f"{access.scheme}://{shown}:{listener.getsockname()[1]}/"
        if as_json:
            print_json("show", {"address": address, "plan": str(folder), "warnings": told})
        else:
            typer.echo("\n".join([f"plan: {folder}", f"map:  {address}   (Ctrl-C stops)", *told]))
        if open_browser:
            webbrowser.open(address)
        with contextlib.suppress(KeyboardInterrupt):
            config = uvicorn.Config(
                app, log_level="warning", ssl_certfile=access.certificate, ssl_keyfile=access.certificate_key
            )  # fmt: skip
            uvicorn.Server(config).run(sockets=[listener])
