"""The command line: each command parses, calls one operation, and prints its response.

Nothing heavy is imported until a command runs, so that ``rahdari --help`` answers at once.
"""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rahdari.faces.cli.account import account_app
from rahdari.faces.cli.audit import audit_app, sign, verify
from rahdari.faces.cli.backbone import backbone_app, route
from rahdari.faces.cli.circuit import circuit_app
from rahdari.faces.cli.duty import duty_app
from rahdari.faces.cli.economy import economy, indicators
from rahdari.faces.cli.edge import edge
from rahdari.faces.cli.flood import flood_app
from rahdari.faces.cli.fly import fly_app
from rahdari.faces.cli.navigation import navigate
from rahdari.faces.cli.operate import operate_app
from rahdari.faces.cli.orbits import orbits
from rahdari.faces.cli.power import power
from rahdari.faces.cli.radio import cover, hub, link
from rahdari.faces.cli.rollout import schedule, shock
from rahdari.faces.cli.secure import secure_app
from rahdari.faces.cli.sky import sky_app
from rahdari.faces.cli.stress import stress
from rahdari.faces.cli.terrain import dem
from rahdari.faces.cli.toll import toll_app
from rahdari.faces.cli.transit import transit_app

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAM = "rahdari"
app = typer.Typer(
    name=PROGRAM,
    help="Plan, stress-test and run a nation's digital network.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
country_app = typer.Typer(help="Build and list countries.", no_args_is_help=True, rich_markup_mode=None)
data_app = typer.Typer(
    help="Lay real files over a country; score what is modelled.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(country_app, name="country")
app.add_typer(data_app, name="data")
app.add_typer(account_app, name="account")
app.add_typer(audit_app, name="audit")
app.add_typer(backbone_app, name="backbone")
app.add_typer(transit_app, name="transit")
app.add_typer(circuit_app, name="circuit")
app.add_typer(duty_app, name="duty")
app.add_typer(sky_app, name="sky")
app.add_typer(secure_app, name="secure")
app.add_typer(operate_app, name="operate")
app.add_typer(toll_app, name="toll")
app.add_typer(fly_app, name="fly")
app.add_typer(flood_app, name="flood")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
PlanOption = Annotated[Path | None, typer.Option("--plan", help="Plan folder; default: the newest below ./plans.")]
CacheOption = Annotated[Path | None, typer.Option("--cache-dir", help="Where results and parsed packages are kept.")]
EXIT_INPUT = 2
#: The base of what typer raises for a wrong call; typer carries its own copy of click.
USAGE_ERROR: type[Exception] = typer.BadParameter.__bases__[0]


def cache_folder(given: Path | None) -> Path:
    """Return the cache folder: as given, or the user's own."""
    from rahdari.faces.locations import default_cache_dir

    return given if given is not None else default_cache_dir()


def plan_folder(given: Path | None) -> Path:
    """Return the plan folder: as given, or the newest below ./plans; signed, where a trust file is set up."""
    from rahdari.faces.cli.audit import checked
    from rahdari.store.plans import newest_plan

    return checked(given if given is not None else newest_plan(Path("plans")))


def answer(
    operation: str, call: Callable[[], Any], show: Callable[[Any], None], *, as_json: bool, prints_itself: bool = False
) -> None:
    """Run an operation and print its response; exit 2 with every problem where it fails.

    An error that nobody foresaw is told in the same form, with its traceback on the standard error.
    """
    from rahdari.errors import CancelledError, Problem, RahdariError
    from rahdari.faces.cli import output
    from rahdari.faces.cli.audit import check_plug_ins

    try:
        check_plug_ins(operation)
        with output.kept_clean() if as_json and not prints_itself else contextlib.nullcontext():
            response = call()
        if not prints_itself:
            (output.print_json_for(operation) if as_json else show)(response)
    except RahdariError as error:
        output.print_failure(operation, error, as_json=as_json)
        raise typer.Exit(EXIT_INPUT) from error
    except KeyboardInterrupt as error:
        stopped = CancelledError(Problem("stopped on request", "run the same command again: it resumes from the cache"))
        output.print_failure(operation, stopped, as_json=as_json)
        raise typer.Exit(EXIT_INPUT) from error
    except BrokenPipeError:
        raise
    except Exception as error:
        output.print_unforeseen(operation, error, as_json=as_json)
        raise typer.Exit(EXIT_INPUT) from error


@app.command()
def plan(
    country: Annotated[str, typer.Argument(help="Name or ISO 3166-1 code of a country, or the folder of a pack.")],
    scenario: Annotated[str | None, typer.Option(help="Scenario name or .toml file.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the plan.")] = None,
    detail: Annotated[str | None, typer.Option(help="quick or full.")] = None,
    places: Annotated[int | None, typer.Option(help="About how many places to model.")] = None,
    off: Annotated[list[str] | None, typer.Option(help="Engine to leave out; may be given again.")] = None,
    executor: Annotated[str, typer.Option(help="serial, threads, processes or dask.")] = "serial",
    workers: Annotated[int, typer.Option(help="Workers for the executor.")] = 1,
    report: Annotated[bool, typer.Option(help="Write report.html beside the plan.")] = True,
    pdf: Annotated[bool, typer.Option("--pdf", help="Write report.pdf too.")] = False,
    cache_dir: CacheOption = None,
    as_json: Json = False,
) -> None:
    """Plan a nation's network; an unchanged plan is taken from the cache."""
    from rahdari.faces.cli import planning

    request = {
        "country": country,
        "scenario": scenario,
        "out": out,
        "detail": detail,
        "n_places": places,
        "engines_off": tuple(off or ()),
        "executor": executor,
        "n_workers": workers,
        "cache_dir": cache_folder(cache_dir),
    }
    answer(
        "plan",
        lambda: planning.make(request, quiet=as_json, with_report=report, with_pdf=pdf),
        planning.show,
        as_json=as_json,
    )


@app.command()
def show(
    plan: PlanOption = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8765,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the browser.")] = False,
    auth: Annotated[bool, typer.Option("--auth", help="Ask who everybody is; see rahdari account.")] = False,
    accounts: Annotated[Path | None, typer.Option(help="Folder of the accounts, for --auth.")] = None,
    certificate: Annotated[Path | None, typer.Option(help="Certificate (PEM) for https.")] = None,
    certificate_key: Annotated[Path | None, typer.Option(help="Its private key (PEM).")] = None,
    as_json: Json = False,
) -> None:
    """Serve a plan on a map."""
    from rahdari.faces.cli import output, serving
    from rahdari.faces.locations import default_accounts_dir

    access = serving.Access((accounts or default_accounts_dir()) if auth else None, certificate, certificate_key)
    answer(
        "show",
        lambda: serving.serve(
            plan_folder(plan), host=host, port=port, open_browser=open_browser, as_json=as_json, access=access
        ),
        output.print_model,
        as_json=as_json,
        prints_itself=True,
    )


@app.command()
def explain(
    table: Annotated[str, typer.Argument(help="Table of the cell.")],
    row_id: Annotated[str, typer.Argument(help="Key of its row.")],
    column: Annotated[str, typer.Argument(help="Column of the cell.")],
    at: Annotated[list[str] | None, typer.Option(help="Further keys, such as year=2030.")] = None,
    depth: Annotated[int, typer.Option(help="Steps to follow.")] = 6,
    plan: PlanOption = None,
    as_json: Json = False,
) -> None:
    """Walk a number down to its sources."""
    from rahdari.faces.cli import output

    def call() -> Any:  # noqa: ANN401  # a response model
        from rahdari.model.scenario import validated
        from rahdari.service.explain import explain as explain_cell
        from rahdari.service.requests import ExplainRequest

        request = {
            "plan": plan_folder(plan),
            "table": table,
            "row_id": row_id,
            "column": column,
            "at": dict(output.pairs(at or [])),
            "depth": depth,
        }
        return explain_cell(validated(ExplainRequest, request, "the command line"))

    answer("explain", call, output.print_explanation, as_json=as_json)


@app.command()
def compare(
    left: Annotated[Path, typer.Argument(help="Folder of a plan.")],
    right: Annotated[Path, typer.Argument(help="Folder of another plan.")],
    as_json: Json = False,
) -> None:
    """Show what differs between two plans."""
    from rahdari.faces.cli import output

    def call() -> Any:  # noqa: ANN401  # a response model
        from rahdari.service.comparing import compare as compare_plans
        from rahdari.service.requests import CompareRequest

        return compare_plans(CompareRequest(left=left, right=right))

    answer("compare", call, output.print_comparison, as_json=as_json)


@app.command()
def report(
    plan: PlanOption = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Write report.pdf too.")] = False,
    as_json: Json = False,
) -> None:
    """Write a plan's report anew."""
    from rahdari.faces.cli import planning

    answer(
        "report", lambda: planning.write_reports(plan_folder(plan), with_pdf=pdf), planning.show_paths, as_json=as_json
    )


@app.command()
def doctor(cache_dir: CacheOption = None, as_json: Json = False) -> None:
    """Examine the installation."""
    from rahdari.faces.cli import output

    def call() -> Any:  # noqa: ANN401  # a response model
        from rahdari.service.doctor import doctor as examine

        return examine(cache_folder(cache_dir))

    answer("doctor", call, output.print_doctor, as_json=as_json)


@app.command()
def schema(
    table: Annotated[str | None, typer.Argument(help="Table; without it all tables are listed.")] = None,
    as_json: Json = False,
) -> None:
    """Show the data dictionary."""
    from rahdari.faces.cli import output

    def call() -> Any:  # noqa: ANN401  # plain JSON
        from rahdari.service.countries import describe

        return describe(table)

    answer("schema", call, output.print_records, as_json=as_json)


app.command()(route)
app.command()(cover)
app.command()(link)
app.command()(power)
app.command()(hub)
app.command()(navigate)
app.command()(stress)
app.command()(economy)
app.command()(indicators)
app.command()(edge)
app.command()(schedule)
app.command()(shock)
app.command()(sign)
app.command()(verify)


@country_app.command("build")
def country_build(
    country: Annotated[str, typer.Argument(help="Name or ISO 3166-1 code.")],
    places: Annotated[int, typer.Option(help="About how many places to model.")] = 32_000,
    out: Annotated[Path | None, typer.Option(help="Copy the tables to this folder.")] = None,
    cache_dir: CacheOption = None,
    as_json: Json = False,
) -> None:
    """Build a country's input tables from packages, its pack and imported files."""
    from rahdari.faces.cli import output
    from rahdari.faces.cli.audit import checked_country
    from rahdari.faces.cli.planning import listening

    def call() -> Any:  # noqa: ANN401  # a response model
        from rahdari.model.scenario import validated
        from rahdari.service.countries import build_country
        from rahdari.service.requests import CountryRequest

        request = {
            "country": checked_country(country), "cache_dir": cache_folder(cache_dir), "n_places": places, "out": out
        }  # fmt: skip
        with listening(quiet=as_json) as listen:
            return build_country(validated(CountryRequest, request, "the command line"), on_event=listen)

    answer("country build", call, output.print_country, as_json=as_json)


@country_app.command("itu")
def country_itu(
    folder: Annotated[Path, typer.Argument(help="Folder of the ITU's Connectivity Planning Platform.")],
    out: Annotated[Path, typer.Option(help="Folder for the tables.")],
    as_json: Json = False,
) -> None:
    """Make a country from the files of the ITU's planning platform; show what its own rules choose."""
    from rahdari.faces.cli import output

    def call() -> Any:  # noqa: ANN401  # a response model
        from rahdari.service.itu import ItuRequest, import_itu

        return import_itu(ItuRequest(folder=folder, out=out))

    answer("country itu", call, output.print_model, as_json=as_json)


@country_app.command("list")
def country_list(as_json: Json = False) -> None:
    """List the countries that have a pack; every other ISO 3166-1 code works from packages alone."""
    from rahdari.faces.cli import output

    def call() -> Any:  # noqa: ANN401  # plain JSON
        from rahdari.service.packs import pack_folders

        return {name: {"folder": folder.name} for name, folder in pack_folders().items() if name != "common"}

    answer("country list", call, output.print_records, as_json=as_json)


@data_app.command("import")
def data_import(
    kind: Annotated[str, typer.Argument(help="population, places, districts, sites, roads, fibre, terrain or orbits.")],
    file: Annotated[Path, typer.Argument(help="The file.")],
    country: Annotated[str, typer.Option(help="Country it belongs to.")] = "pakistan",
    cache_dir: CacheOption = None,
    as_json: Json = False,
) -> None:
    """Lay a real file over a country; every faulty row is named and nothing is written."""
    from rahdari.faces.cli import output
    from rahdari.faces.cli.planning import listening

    def call() -> Any:  # noqa: ANN401  # a response model
        from rahdari.service.countries import import_file
        from rahdari.service.requests import ImportRequest

        request = ImportRequest(kind=kind, file=file, country=country, cache_dir=cache_folder(cache_dir))
        with listening(quiet=as_json) as listen:
            return import_file(request, on_event=listen)

    answer("data import", call, output.print_model, as_json=as_json)


@data_app.command("forget")
def data_forget(
    kind: Annotated[str, typer.Argument(help="Kind that was imported.")],
    country: Annotated[str, typer.Option(help="Country it belongs to.")] = "pakistan",
    cache_dir: CacheOption = None,
    as_json: Json = False,
) -> None:
    """Take an imported file away again."""
    from rahdari.faces.cli import output

    def call() -> Any:  # noqa: ANN401  # plain JSON
        from rahdari.service.countries import forget_import

        return {kind: {"forgotten": forget_import(kind, country, cache_folder(cache_dir))}}

    answer("data forget", call, output.print_records, as_json=as_json)


@data_app.command("score")
def data_score(
    reference: Annotated[Path, typer.Argument(help="Folder with real files to score against; see the docs.")],
    plan: PlanOption = None,
    as_json: Json = False,
) -> None:
    """Score the modelled layers of a plan against real files."""
    from rahdari.faces.cli import output

    def call() -> Any:  # noqa: ANN401  # plain JSON
        from rahdari.service.scoring import score

        return score(plan_folder(plan), reference)

    answer("data score", call, output.print_rows, as_json=as_json)


data_app.command("dem")(dem)
data_app.command("orbits")(orbits)


def main() -> None:
    """Run the command line; with ``--json`` a wrong call is answered in JSON like every other failure."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that knows no Urdu shows question marks, not a traceback.
            stream.reconfigure(errors="replace")
    if "--json" not in sys.argv[1:]:
        app(prog_name=PROGRAM)
        return
    try:
        code = app(prog_name=PROGRAM, standalone_mode=False)
    except typer.Abort:
        sys.exit(EXIT_INPUT)
    except USAGE_ERROR as error:
        _print_usage_error(error)
        sys.exit(EXIT_INPUT)
    sys.exit(code if isinstance(code, int) else 0)


def _print_usage_error(error: Any) -> None:  # noqa: ANN401  # typer gives its usage errors no public name
    """Print a wrong call as the envelope of a failure."""
    from rahdari.errors import InputError, Problem
    from rahdari.faces.cli import output

    path = error.ctx.command_path if error.ctx else PROGRAM
    operation = path.partition(" ")[2] or path
    output.print_failure(operation, InputError(Problem(error.format_message(), f"see '{path} --help'")), as_json=True)
