"""``rahdari show``: serve a plan on a map."""

from __future__ import annotations

import socket
import webbrowser
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from pathlib import Path


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def serve(folder: Path, *, host: str, port: int, open_browser: bool, as_json: bool) -> dict[str, str]:
    """Serve the plan until interrupted."""
    import uvicorn

    from rahdari.faces.cli.output import print_json
    from rahdari.faces.web.app import create_app

    app = create_app(folder)
    chosen = port or _free_port(host)
    address = f"http://{host}:{chosen}/"
    if as_json:
        print_json("show", {"address": address, "plan": str(folder)})
    else:
        typer.echo(f"plan: {folder}\nmap:  {address}   (Ctrl-C stops)")
    if open_browser:
        webbrowser.open(address)
    uvicorn.run(app, host=host, port=chosen, log_level="warning")
    return {"address": address}
