"""The running live network on the command line: starting it, asking it, and printing what it says."""

from __future__ import annotations

import contextlib
import gc
import http.client
import json
import logging
import os
import threading
import time
import unicodedata
import webbrowser
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import typer

from rahdari.errors import InputError, PlanError, Problem
from rahdari.faces.cli.serving import EVERY_ADDRESS, Access, _listening, add_accounts, check_open, is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rahdari.operate.app import App
    from rahdari.operate.clock import Clock
    from rahdari.operate.notify import Channel

LOG = logging.getLogger("rahdari.operate")
DEMO_SPEED = 300.0  # an hour of the event in twelve seconds
DEMO_RATE_PER_S = 2_000.0
TIMEOUT_S = 60.0
TOKEN_VARIABLE = "RAHDARI_TOKEN"  # noqa: S105  # names what holds it: for servers that ask who is there
OK = range(200, 300)
PIECE = 1 << 20
HOUR_S = 3_600.0
THOUSAND = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What ``start`` was asked for."""

    plan: Path | None
    story: Path | None
    journal: str
    host: str
    port: int
    tcp_port: int | None
    syslog_port: int | None
    trap_port: int | None
    access: Path | None
    webhooks: tuple[str, ...]
    notices: Path | None
    hints: Path | None
    allowed_hosts: tuple[str, ...]
    demo: str | None
    speed: float
    seed: int
    open_browser: bool
    guard: Access
    duty: Path | None
    ledger: Path | None


def _channels(settings: Settings) -> list[Channel]:
    from rahdari.operate.notify import Channel

    found = [
        Channel(f"webhook-{n}" if n else "webhook", "webhook", url, allowed_hosts=settings.allowed_hosts)
        for n, url in enumerate(settings.webhooks)
    ]
    if settings.notices is not None:
        found.append(Channel("file", "file", path=settings.notices))
    return found


def _clock(settings: Settings) -> Clock:
    """Return the machine's clock, or a fast one that begins where a journal that is already there ends."""
    from rahdari.operate.clock import FastClock, SystemClock
    from rahdari.operate.journal import open_journal

    speed = settings.speed or (DEMO_SPEED if settings.demo else 1.0)
    if speed <= 0.0:
        raise InputError(Problem(f"the clock cannot run at {speed:g}", "give --speed above zero"))
    if speed == 1.0:
        return SystemClock()
    journal = open_journal(settings.journal)
    try:
        last = journal.events(max(journal.position() - 1, 0), 1)
    finally:
        journal.close()
    return FastClock(speed, max([time.time(), *(received_s for _, received_s, _ in last)]))


def _app(settings: Settings, folder: Path | None) -> App:
    from rahdari.operate.app import App, Listen, options_of
    from rahdari.operate.learned import read_hints
    from rahdari.operate.story import read_story
    from rahdari.operate.wire.access import read_access

    clock = _clock(settings)
    access = None if settings.access is None else read_access(settings.access)
    options = options_of(settings.journal, clock.now_s, access)
    listen = Listen(
        host=settings.host, tcp_port=settings.tcp_port, syslog_port=settings.syslog_port,
        trap_port=settings.trap_port, options=options,
    )  # fmt: skip
    network = folder if settings.story is None else read_story(settings.story)
    hints = None if settings.hints is None else read_hints(settings.hints)
    return App(network, settings.journal, clock=clock, listen=listen, channels=_channels(settings), hints=hints)


def serve(settings: Settings, *, as_json: bool) -> None:
    """Print the address and run until interrupted; what was accepted is stored before the end."""
    import uvicorn

    from rahdari.faces.cli.main import plan_folder
    from rahdari.faces.cli.output import print_json
    from rahdari.faces.web.app import LOCAL_HOSTS
    from rahdari.faces.web.live.app import create_live_app
    from rahdari.faces.web.roles import LIVE_ROUTES
    from rahdari.service.live_duty import LiveDuty, read_duty
    from rahdari.service.operate import LiveView

    guard = settings.guard
    check_open(settings.host, guard)
    if settings.story is not None and settings.demo is not None:
        raise InputError(Problem("a story has no named events", "give --plan with --demo"))
    folder = None if settings.story is not None else plan_folder(settings.plan)
    with _listening(settings.host, settings.port) as listener:
        app = _app(settings, folder).start()
        gc.freeze()  # the network and what was resumed stay for good: later collections need not look at them
        stop = threading.Event()
        try:
            view = LiveView(app, settings.allowed_hosts)
            view.demo = settings.demo or ""
            hosts = ("*",) if settings.host in EVERY_ADDRESS else (*LOCAL_HOSTS, settings.host)
            file = None if settings.duty is None else read_duty(settings.duty)
            made = create_live_app(view, allowed_hosts=hosts, on_duty=LiveDuty(view, file, settings.ledger))
            notes = add_accounts(made, guard, LIVE_ROUTES, folder, is_same_for_all=True)
            if guard.accounts is not None and not is_loopback(settings.host) and guard.certificate is None:
                notes.append(
                    "passwords cross the network in the clear: give --certificate, or stand behind a proxy with https"
                )
            server = uvicorn.Server(
                uvicorn.Config(
                    made, log_level="warning", timeout_graceful_shutdown=2, ssl_certfile=guard.certificate,
                    ssl_keyfile=guard.certificate_key,
                )
            )  # fmt: skip
            shown = f"[{settings.host}]" if ":" in settings.host else settings.host
            address = f"{guard.scheme}://{shown}:{listener.getsockname()[1]}/live/"
            if as_json:
                told = {"address": address, "journal": settings.journal, "ports": app.ports, "warnings": notes}
                print_json("operate start", {**told, "plan": str(folder or settings.story)})
            else:
                _tell_start(address, settings, app, folder)
                for note in notes:
                    typer.echo(note)
            if settings.demo is not None and folder is not None:
                _begin_demo(app, folder, settings, stop)
            if settings.open_browser:
                webbrowser.open(address)
            with contextlib.suppress(KeyboardInterrupt):
                server.run(sockets=[listener])
        finally:
            stop.set()
            app.stop()


def _tell_start(address: str, settings: Settings, app: App, folder: Path | None) -> None:
    typer.echo(f"network: {folder or settings.story}\njournal: {settings.journal}, {app.position:,} events")
    for kind, port in app.ports.items():
        typer.echo(f"listens: {kind} at {settings.host}:{port}")
    typer.echo(f"page:    {address}   (Ctrl-C stops)")


def _begin_demo(app: App, folder: Path, settings: Settings, stop: threading.Event) -> None:
    """Play the named event into the app, in a thread of its own."""
    from rahdari.operate.simulate import deliver
    from rahdari.service.storms import storm_of

    speed = getattr(app.clock, "speed", 1.0)
    run = f"{int(app.clock.now_s()):x}"

    def play() -> None:
        try:
            storm = storm_of(folder, str(settings.demo), seed=settings.seed, network=app.network, run=run)
            deliver(
                storm.events(app.clock.now_s()), app.ingest, app.clock, rate_per_s=DEMO_RATE_PER_S / speed, speed=1.0,
                stop=stop.is_set,
            )  # fmt: skip
        except Exception:
            if not stop.is_set():
                LOG.exception("the demo ended")

    threading.Thread(target=play, name="rahdari-demo", daemon=True).start()


# -- asking a running server ------------------------------------------------------------------------------------------
def quoted(text: str) -> str:
    """Return a text as one part of a path."""
    return quote(text, safe="")


def _reply(
    server: str, path: str, body: bytes | None, heads: Mapping[str, str]
) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    parts = urlsplit(server if "//" in server else f"http://{server}")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InputError(Problem(f"'{server}' is no address", "write it like http://127.0.0.1:8766"))
    kind = http.client.HTTPConnection if parts.scheme == "http" else http.client.HTTPSConnection
    link = kind(parts.hostname, parts.port, timeout=TIMEOUT_S)
    token = os.environ.get(TOKEN_VARIABLE, "")
    own = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        link.request("GET" if body is None else "POST", path, body, {**heads, **own})
        return link, link.getresponse()
    except (OSError, http.client.HTTPException) as error:
        link.close()
        cure = "start it with 'rahdari operate start', or give its address with --server"
        raise InputError(Problem(f"no live network answers at {server}: {error}", cure)) from error


def ask(server: str, path: str, body: object = None, *, by: str = "", kind: str = "application/json") -> Any:  # noqa: ANN401  # plain JSON
    """Return what the running server answers; its problems are raised as ours."""
    heads = {"Content-Type": kind, **({"X-Operator": quoted(by)} if by else {})}
    sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    link, reply = _reply(server, path, sent, heads)
    with contextlib.closing(link):
        held = reply.read()
    _check(reply.status, held)
    return json.loads(held)


def _check(status: int, held: bytes) -> None:
    if status in OK:
        return
    try:
        problems = [Problem(str(each["what"]), str(each["cure"])) for each in json.loads(held)["errors"]]
    except (ValueError, KeyError, TypeError):
        problems = [Problem(f"the live network answered {status}", "see what it says of itself in 'operate status'")]
    raise PlanError(problems) if status >= http.client.INTERNAL_SERVER_ERROR else InputError(problems)


def announce(server: str, resource: str, in_hours: float, hours: float, by: str, note: str) -> Any:  # noqa: ANN401
    """Announce planned work by the server's own clock."""
    now_s = float(ask(server, "/api/live/health")["now_s"])
    from_s = now_s + in_hours * HOUR_S
    body = {"resource": resource, "from_s": from_s, "to_s": from_s + hours * HOUR_S, "note": note}
    return ask(server, "/api/live/maintenance", body, by=by)


def fetch_history(server: str, out: Path, after: int) -> dict[str, Any]:
    """Write the history to a file, whole or not at all; its ending says how."""
    kind = out.suffix.lower()
    if kind not in {".csv", ".parquet"}:
        raise InputError(Problem(f"'{out.name}' ends in neither .csv nor .parquet", "end it in one of them"))
    link, reply = _reply(server, f"/api/live/history{kind}?after={after}", None, {})
    part = out.with_name(out.name + ".part")
    with contextlib.closing(link):
        if reply.status not in OK:
            _check(reply.status, reply.read())
        try:
            with part.open("wb") as file:
                while piece := reply.read(PIECE):
                    file.write(piece)
            part.replace(out)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise PlanError(Problem(f"cannot write {out}: {error}", "choose another file")) from error
    return {"file": str(out), "n_bytes": out.stat().st_size}


# -- printing ---------------------------------------------------------------------------------------------------------
def plain(text: str) -> str:
    r"""Return a text that a terminal shows and never obeys: control and direction characters are told by number.

    >>> plain("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    return "".join(
        each if unicodedata.category(each) not in {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"} else
        (f"\\x{ord(each):02x}" if ord(each) < 256 else f"\\u{ord(each):04x}")  # noqa: PLR2004
        for each in text
    )  # fmt: skip


def _when(at_s: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at_s))


def print_incidents(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print one line an incident."""
    if not rows:
        typer.echo("nothing is wrong")
    for row in rows:
        root = row["root"]
        state = (
            ""
            if row["operator"]["state"] == "none"
            else f"  [{row['operator']['state']} {plain(row['operator']['by'])}]"
        )
        typer.echo(
            f"{row['incident_id']}  {_when(row['opened_s'])}  {row['customers_without_service']:>11,} customers  "
            f"{row['n_symptoms']:>6,} alarms  {root['kind']} {plain(str(root['name']))} ({plain(root['object'])})"
            f"{'' if row['is_open'] else '  over'}{state}"
        )


def print_status(state: Mapping[str, Any]) -> None:
    """Print figures and what is wrong with the server itself."""
    customers, alarms = state["customers"], state["alarms"]
    typer.echo(f"{_when(state['now_s'])} UTC, position {state['position']:,}")
    typer.echo(
        f"{customers['without']:,} of {customers['total']:,} customers without service, "
        f"{customers['at_risk']:,} at risk"
    )
    typer.echo(
        f"{state['n_open']:,} incidents, {alarms['open']:,} alarms open, {alarms['unknown']:,} of unknown things"
    )
    for problem in filter(None, [state["pipeline"]["problem"], *state["failures"]]):
        typer.echo(f"problem: {plain(problem)}")


def print_replay(found: Mapping[str, Any]) -> None:
    """Print the incidents of each scenario."""
    for scenario in found.get("scenarios", [found]):
        if "title" in scenario or "id" in scenario:
            typer.echo(f"{scenario.get('id', '')}: {plain(str(scenario.get('title', '')))}")
        for each in scenario.get("incidents", []):
            cells = ", ".join(each["cells_without_service"][:8])
            typer.echo(
                f"  {each['root']['kind']} {plain(each['root']['object'])}: "
                f"{each['customers_without_service']:,} customers without service"
                f"{f' ({plain(cells)})' if cells else ''}, {len(each['symptom_seqs']):,} symptoms"
            )
    for warning in found.get("warnings", []):
        typer.echo(f"note: {plain(warning)}")


__all__ = [
    "Settings", "announce", "ask", "fetch_history", "plain", "print_incidents", "print_replay", "print_status",
    "quoted", "serve",
]  # fmt: skip
