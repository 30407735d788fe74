"""``rahdari show``: serve a plan on a map."""

from __future__ import annotations

import contextlib
import socket
import webbrowser
from typing import TYPE_CHECKING

import typer

from rahdari.errors import InputError, Problem

if TYPE_CHECKING:
    from pathlib import Path

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


def serve(folder: Path, *, host: str, port: int, open_browser: bool, as_json: bool) -> None:
    """Print the address and serve the plan until interrupted."""
    import uvicorn

    from rahdari.faces.cli.output import print_json
    from rahdari.faces.web.app import LOCAL_HOSTS, create_app

    # Whoever opens the plan to every address means every name by which this machine is known.
    hosts = ("*",) if host in EVERY_ADDRESS else (*LOCAL_HOSTS, host)
    app = create_app(folder, allowed_hosts=hosts)
    with _listening(host, port) as listener:
        shown = f"[{host}]" if ":" in host else host
        address = f"http://{shown}:{listener.getsockname()[1]}/"
        if as_json:
            print_json("show", {"address": address, "plan": str(folder)})
        else:
            typer.echo(f"plan: {folder}\nmap:  {address}   (Ctrl-C stops)")
        if open_browser:
            webbrowser.open(address)
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
