"""``rahdari operate``: run the live network, play storms into it, look at it and act on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

operate_app = typer.Typer(
    help="Run the live network: events in, incidents with cause and customers out.", no_args_is_help=True,
    rich_markup_mode=None,
)  # fmt: skip

SERVER = "http://127.0.0.1:8766"
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
PlanOption = Annotated[Path | None, typer.Option("--plan", help="Plan folder; default: the newest below ./plans.")]
ServerOption = Annotated[str, typer.Option("--server", help="Address of the running live network.")]
ByOption = Annotated[str, typer.Option("--by", help="Who acts; kept with the action.")]
Event = Annotated[str, typer.Option("--event", help="A named event of the plan, such as flood-2022.")]
Incident = Annotated[str, typer.Argument(help="Identifier of the incident; see 'rahdari operate incidents'.")]
Note = Annotated[str, typer.Option("--note", help="What others should know.")]


def _answer(
    operation: str, call: Callable[[], Any], show: Callable[[Any], None], *, as_json: bool, prints_itself: bool = False
) -> None:
    from rahdari.faces.cli.main import answer

    answer(f"operate {operation}", call, show, as_json=as_json, prints_itself=prints_itself)


@operate_app.command("start")
def start(
    plan: PlanOption = None,
    story: Annotated[Path | None, typer.Option(help="A story's JSON file in the place of a plan.")] = None,
    journal: Annotated[str, typer.Option(help="sqlite:///FILE or postgresql://USER@HOST/DB.")] = "sqlite:///live.db",
    host: Annotated[
        str, typer.Option(help="Address to listen on; beyond this machine only with --auth.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of page and API; 0 takes a free one.")] = 8766,
    tcp_port: Annotated[int | None, typer.Option(help="Port for lines of events (NDJSON).")] = None,
    syslog_port: Annotated[int | None, typer.Option(help="Port for log lines, UDP and TCP.")] = None,
    trap_port: Annotated[int | None, typer.Option(help="Port for SNMP traps and informs.")] = None,
    access: Annotated[Path | None, typer.Option(help="TOML file of who may send traps and log lines.")] = None,
    webhook: Annotated[list[str] | None, typer.Option(help="Post notices here; may be given again.")] = None,
    notices: Annotated[Path | None, typer.Option(help="Write notices to this file, one a line.")] = None,
    hints: Annotated[Path | None, typer.Option(help="Hints learned with 'rahdari operate learn'.")] = None,
    duty: Annotated[Path | None, typer.Option(help="JSON of crews, generators and contacts; see the docs.")] = None,
    ledger: Annotated[Path | None, typer.Option(help="Folder of the ledger of circuits.")] = None,
    allow_host: Annotated[list[str] | None, typer.Option(help="Host that webhooks and listeners may be on.")] = None,
    demo: Annotated[str | None, typer.Option(help="Play a named event of the plan, such as flood-2022.")] = None,
    speed: Annotated[float, typer.Option(help="How many times as fast the clock runs; for demos.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Seed of the demo.")] = 1,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the browser.")] = False,
    auth: Annotated[bool, typer.Option("--auth", help="Ask who everybody is; see rahdari account.")] = False,
    accounts: Annotated[Path | None, typer.Option(help="Folder of the accounts, for --auth.")] = None,
    certificate: Annotated[Path | None, typer.Option(help="Certificate (PEM) for https.")] = None,
    certificate_key: Annotated[Path | None, typer.Option(help="Its private key (PEM).")] = None,
    as_json: Json = False,
) -> None:
    """Start everything in one process: journal, alarms, reasoning, listeners, API and the live page."""

    def call() -> None:
        from rahdari.faces.cli import operating, serving
        from rahdari.faces.locations import default_accounts_dir

        guard = serving.Access((accounts or default_accounts_dir()) if auth else None, certificate, certificate_key)
        settings = operating.Settings(
            plan=plan, story=story, journal=journal, host=host, port=port, tcp_port=tcp_port, syslog_port=syslog_port,
            trap_port=trap_port, access=access, webhooks=tuple(webhook or ()), notices=notices, hints=hints,
            allowed_hosts=tuple(allow_host or ()), demo=demo, speed=speed, seed=seed, open_browser=open_browser,
            guard=guard, duty=duty, ledger=ledger,
        )  # fmt: skip
        operating.serve(settings, as_json=as_json)

    _answer("start", call, typer.echo, as_json=as_json, prints_itself=True)


@operate_app.command("replay")
def replay(
    file: Annotated[Path, typer.Argument(help="A story's JSON file, or events, one JSON object a line.")],
    plan: Annotated[Path | None, typer.Option("--plan", help="Plan folder; needed for events without a story.")] = None,
    scenario: Annotated[str | None, typer.Option(help="One scenario of the story.")] = None,
    as_json: Json = False,
) -> None:
    """Replay recorded events without a clock: the same incidents as live, with their causes."""

    def call() -> Any:  # noqa: ANN401  # plain JSON
        from rahdari.service.replays import replay_file

        return replay_file(file, plan, scenario)

    def show(found: Any) -> None:  # noqa: ANN401  # plain JSON
        from rahdari.faces.cli.operating import print_replay

        print_replay(found)

    _answer("replay", call, show, as_json=as_json)


@operate_app.command("simulate")
def simulate(
    event: Event = "flood-2022",
    plan: PlanOption = None,
    rate: Annotated[float, typer.Option(help="At most so many events a second.")] = 2000.0,
    speed: Annotated[float | None, typer.Option(help="Keep to the event's own time, so many times as fast.")] = None,
    to: Annotated[str | None, typer.Option(help="HOST:PORT that takes lines, or http://HOST:PORT.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the events to this file, one a line.")] = None,
    seed: Annotated[int, typer.Option(help="Seed; equal seeds give equal storms.")] = 1,
    limit: Annotated[int | None, typer.Option(help="Stop after so many events.")] = None,
    as_json: Json = False,
) -> None:
    """Make a realistic storm of alarms from a plan and a named event, into a running network or a file."""

    def call() -> Any:  # noqa: ANN401  # plain JSON
        from rahdari.faces.cli.main import plan_folder
        from rahdari.faces.cli.storming import Target, play

        target = Target(to=to, out=out, rate_per_s=rate, speed=speed, limit=limit)
        return play(plan_folder(plan), event, seed, target)

    def show(done: Any) -> None:  # noqa: ANN401  # plain JSON
        typer.echo(f"{done['event']}: {done['n_sent']:,} of {done['n_deliveries']:,} deliveries, "
                   f"{done['n_events']:,} events, to {done['target']}")  # fmt: skip

    _answer("simulate", call, show, as_json=as_json)


def _act(action: str, incident: str, by: str, note: str, server: str, *, as_json: bool) -> None:
    def call() -> Any:  # noqa: ANN401  # plain JSON
        from rahdari.faces.cli.operating import ask, quoted

        return ask(server, f"/api/live/incidents/{quoted(incident)}/{action}", {"note": note}, by=by)

    def show(done: Any) -> None:  # noqa: ANN401  # plain JSON
        typer.echo(f"{incident}: {action}, position {done['position']}")
        for warning in done.get("warnings", []):
            typer.echo(f"warning: {warning}")

    _answer(action, call, show, as_json=as_json)


@operate_app.command("ack")
def ack(
    incident: Incident, by: ByOption, note: Note = "", server: ServerOption = SERVER, as_json: Json = False
) -> None:
    """Acknowledge an incident: somebody has it in hand."""
    _act("ack", incident, by, note, server, as_json=as_json)


@operate_app.command("close")
def close(
    incident: Incident, by: ByOption, note: Note = "", server: ServerOption = SERVER, as_json: Json = False
) -> None:
    """Close an incident: nothing is left to do about it."""
    _act("close", incident, by, note, server, as_json=as_json)


@operate_app.command("shelve")
def shelve(
    incident: Incident, by: ByOption, note: Note = "", undo: Annotated[bool, typer.Option("--undo")] = False,
    server: ServerOption = SERVER, as_json: Json = False,
) -> None:  # fmt: skip
    """Shelve an incident: hide it until it is taken up again with --undo."""
    _act("unshelve" if undo else "shelve", incident, by, note, server, as_json=as_json)


@operate_app.command("note")
def note(
    incident: Incident,
    text: Annotated[str, typer.Argument(help="What others should know.")],
    by: ByOption,
    server: ServerOption = SERVER,
    as_json: Json = False,
) -> None:
    """Write a note on an incident."""
    _act("note", incident, by, text, server, as_json=as_json)


@operate_app.command("maintenance")
def maintenance(
    resource: Annotated[str, typer.Argument(help="Site, link or duct that is worked on.")],
    hours: Annotated[float, typer.Option(help="How long.")],
    by: ByOption,
    in_hours: Annotated[float, typer.Option("--in", help="Begin so many hours from now.")] = 0.0,
    note: Note = "",
    server: ServerOption = SERVER,
    as_json: Json = False,
) -> None:
    """Announce planned work: its incidents are told as such, and only told to others when it overruns."""

    def call() -> Any:  # noqa: ANN401  # plain JSON
        from rahdari.faces.cli.operating import announce

        return announce(server, resource, in_hours, hours, by, note)

    _answer("maintenance", call, lambda done: typer.echo(f"announced, position {done['position']}"), as_json=as_json)


@operate_app.command("incidents")
def incidents(
    every: Annotated[bool, typer.Option("--all", help="Those that are over too.")] = False,
    server: ServerOption = SERVER,
    as_json: Json = False,
) -> None:
    """List the incidents, those that take service from most customers first."""

    def call() -> Any:  # noqa: ANN401  # plain JSON
        from rahdari.faces.cli.operating import ask

        return ask(server, "/api/live/incidents" if every else "/api/live/incidents?is_open=true")

    def show(rows: Any) -> None:  # noqa: ANN401  # plain JSON
        from rahdari.faces.cli.operating import print_incidents

        print_incidents(rows)

    _answer("incidents", call, show, as_json=as_json)


@operate_app.command("status")
def status(server: ServerOption = SERVER, as_json: Json = False) -> None:
    """Show how the running live network does."""

    def call() -> Any:  # noqa: ANN401  # plain JSON
        from rahdari.faces.cli.operating import ask

        state = ask(server, "/api/live/state")
        return {name: value for name, value in state.items() if name not in {"incidents", "minutes"}}

    def show(state: Any) -> None:  # noqa: ANN401  # plain JSON
        from rahdari.faces.cli.operating import print_status

        print_status(state)

    _answer("status", call, show, as_json=as_json)


@operate_app.command("export")
def export(
    out: Annotated[Path, typer.Argument(help="File to write; .parquet or .csv.")],
    after: Annotated[int, typer.Option(help="Only events behind this position.")] = 0,
    server: ServerOption = SERVER,
    as_json: Json = False,
) -> None:
    """Write the history of events as Parquet or CSV."""

    def call() -> Any:  # noqa: ANN401  # plain JSON
        from rahdari.faces.cli.operating import fetch_history

        return fetch_history(server, out, after)

    _answer("export", call, lambda done: typer.echo(f"{done['n_bytes']:,} bytes: {done['file']}"), as_json=as_json)


@operate_app.command("learn")
def learn(
    log: Annotated[Path, typer.Argument(help="CSV of alarms: alarm_id, device_id, start_timestamp.")],
    out: Annotated[Path, typer.Option(help="File for the hints.")] = Path("hints.json"),
    links: Annotated[Path | None, typer.Option(help="Which devices are joined.")] = None,
    as_json: Json = False,
) -> None:
    """Learn from a log of alarms which type tends to bring which: hints, shown with incidents, never deciding."""

    def call() -> Any:  # noqa: ANN401  # plain JSON
        from rahdari.service.replays import learn as learn_from

        return learn_from(log, links, out)

    def show(done: Any) -> None:  # noqa: ANN401  # plain JSON
        from rahdari.faces.cli.operating import plain

        typer.echo(f"{done['n_hints']:,} hints: {done['file']}")
        for each in done["surest"]:
            typer.echo(f"  {plain(each['cause'])} -> {plain(each['effect'])}, {each['confidence']:.0%}")

    _answer("learn", call, show, as_json=as_json)


__all__ = ["operate_app"]
