"""``rahdari duty``: who goes where first, ways round a cut link, the form that an authority asks for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from rahdari.service.duty import DetoursResponse, DispatchResponse, FormResponse

duty_app = typer.Typer(
    help="Send crews and generators, find ways round a cut link, fill an authority's form.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
PlanOption = Annotated[Path | None, typer.Option("--plan", help="Plan folder; default: the newest below ./plans.")]


def _run(operation: str, call: Callable[[], Any], show: Callable[[Any], None], *, as_json: bool) -> None:
    from rahdari.faces.cli.main import answer

    answer(f"duty {operation}", call, show, as_json=as_json)


def _say(text: str) -> None:
    """Print a line in which text from outside steers nothing."""
    from rahdari.operate.reports import shown

    typer.echo(shown(text))


@duty_app.command("dispatch")
def dispatch(
    file: Annotated[Path, typer.Argument(help="JSON: now_s, jobs, crews, generators; see the docs.")],
    as_json: Json = False,
) -> None:
    """Say who goes where first, and which generator to which site, to lose the fewest customer-hours."""

    def call() -> DispatchResponse:
        from rahdari.model.scenario import validated
        from rahdari.service.duty import DispatchRequest, dispatch_crews, read_json

        return dispatch_crews(validated(DispatchRequest, read_json(file), str(file)))

    _run("dispatch", call, show_dispatch, as_json=as_json)


@duty_app.command("detours")
def detours(
    link: Annotated[str, typer.Argument(help="Link of the core, a link_id of backbone_capacity.")],
    most: Annotated[int, typer.Option(help="Ways at most.")] = 3,
    plan: PlanOption = None,
    as_json: Json = False,
) -> None:
    """Show ways round a cut link of the core with the capacity that is free on them."""

    def call() -> DetoursResponse:
        from rahdari.faces.cli.main import plan_folder
        from rahdari.model.scenario import validated
        from rahdari.service.duty import DetoursRequest, core_detours

        asked = {"plan": plan_folder(plan), "link_id": link, "n_most": most}
        return core_detours(validated(DetoursRequest, asked, "the command line"))

    _run("detours", call, show_detours, as_json=as_json)


@duty_app.command("form")
def form(
    file: Annotated[Path, typer.Argument(help="JSON: incident, and given with what people say; see the docs.")],
    report: Annotated[str, typer.Option(help="Report of the rule: first or full.")] = "first",
    rule: Annotated[str, typer.Option(help="Rule by its file's name.")] = "incident_report_pk",
    html: Annotated[bool, typer.Option("--html", help="Make a page instead of Markdown.")] = False,
    as_json: Json = False,
) -> None:
    """Fill the form that an authority asks for; say when it is due and what is missing."""

    def call() -> FormResponse:
        from rahdari.model.scenario import validated
        from rahdari.service.duty import FormRequest, filled_form, read_json

        asked = {**read_json(file), "report_id": report, "rule": rule, "form": "html" if html else "markdown"}
        return filled_form(validated(FormRequest, asked, str(file)))

    _run("form", call, show_form, as_json=as_json)


def show_dispatch(response: DispatchResponse) -> None:
    """Print stops and moves in order, then the proof."""
    for stop in response.stops:
        _say(
            f"{stop['leaves_utc']} {stop['crew_id']} leaves for {stop['job_id']}, there {stop['arrives_utc']}, "
            f"done {stop['done_utc']} ({stop['runbook']})"
        )
    for move in response.moves:
        _say(
            f"{move['generator_id']} to {move['site_id']} by {move['arrives_utc']}: "
            f"saves {move['saved_customer_h']:,.0f} customer-hours"
        )
    for name in response.unserved:
        _say(f"nobody can repair {name}")
    for proof in response.certificates:
        gap = "best of all" if proof["gap_frac"] == 0.0 else f"at most {proof['gap_frac']:.0%} above the best"
        _say(f"{proof['cost']:,.0f} customer-hours lost; {gap} ({proof['method']})")


def show_detours(response: DetoursResponse) -> None:
    """Print one line a way."""
    _say(f"{response.name} ({response.link_id}) carries {response.load_gbps:,.0f} Gbit/s in the busy hour")
    for each in response.detours:
        _say(
            f"  {each.free_gbps:,.0f} Gbit/s free, {each.fibre_km:,.0f} km, {each.added_rtt_ms:+.2f} ms: "
            f"{', '.join(each.link_ids)}"
        )
    if not response.detours:
        typer.echo("  no way leads round it")


def show_form(response: FormResponse) -> None:
    """Print the form."""
    typer.echo(response.text)
