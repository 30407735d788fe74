"""Commands about the backbone: routes between two points, survivable design, network files."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rahdari.service.designing import DesignResponse
    from rahdari.service.routing import RouteResponse

backbone_app = typer.Typer(
    help="Design capacity that survives failures; read and write network files.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
MOST_SHOWN = 100
CEILING_SHOWN_FRAC = 0.999999  # half a minute a year; nearer to one the bound says nothing
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
PlanOption = Annotated[Path | None, typer.Option("--plan", help="Plan folder; default: the newest below ./plans.")]


class Disjoint(StrEnum):
    """What routes may not share."""

    LINK = "link"
    NODE = "node"
    RISK = "risk"


def route(
    start: Annotated[str, typer.Argument(metavar="FROM", help="Landmark or place, such as khunjerab.")],
    end: Annotated[str, typer.Argument(metavar="TO", help="Landmark or place, such as karachi.")],
    disjoint: Annotated[Disjoint, typer.Option(help="What the routes may not share.")] = Disjoint.LINK,
    k: Annotated[int, typer.Option("--k", help="How many routes.")] = 2,
    max_rtt_ms: Annotated[float | None, typer.Option("--max-rtt-ms", help="Longest round trip of each route.")] = None,
    named_risks: Annotated[
        bool, typer.Option("--named-risks", help="Name shared risks and ways: for those with local authorisation.")
    ] = False,
    plan: PlanOption = None,
    as_json: Json = False,
) -> None:
    """Find routes between two points that share no road, no junction or no risk, with their proof."""
    from rahdari.faces.cli.main import answer, plan_folder

    def call() -> Any:  # noqa: ANN401  # a response model
        from rahdari.model.scenario import validated
        from rahdari.service.routing import RouteRequest, find_routes

        request = {
            "plan": plan_folder(plan), "start": start, "end": end, "disjoint": disjoint.value, "k": k,
            "max_rtt_ms": max_rtt_ms, "show_named_risks": named_risks,
        }  # fmt: skip
        return find_routes(validated(RouteRequest, request, "the command line"))

    answer("route", call, print_routes, as_json=as_json)


def print_routes(response: RouteResponse) -> None:
    """Print the routes, or why there are none and what would cure it."""
    asked = {"link": "share no right of way", "node": "share no node", "risk": "share no risk"}[response.disjoint]
    many = "1 route" if response.n_asked == 1 else f"{response.n_asked} routes that {asked}"
    typer.echo(f"{response.from_name} to {response.to_name}: {many}")
    if not response.is_disjoint:
        _print_none(response)
    for line in response.routes:
        up = "" if line.availability_frac is None else f", available {line.availability_frac:.4%} of the time"
        typer.echo(
            f"  {line.name}: {line.length_km:,.0f} km of way, {line.fibre_km:,.0f} km of fibre, round trip at least "
            f"{line.rtt_ms:.1f} ms{up}"
        )
        typer.echo(f"    via {', '.join(line.via)}" if line.via else "    passes no named place")
    if response.availability_frac is not None and len(response.routes) > 1:
        typer.echo(f"  one of them: {response.availability_frac:.4%} of the time, common causes included, exact")
    if response.ceiling_frac < CEILING_SHOWN_FRAC:
        typer.echo(f"  any routes on these rights of way: at most {response.ceiling_frac:.4%} of the time")
    held = response.end_risks or _counted_kinds(response.end_kinds)
    if held:
        typer.echo(f"  no route avoids what holds its own ends: {', '.join(held)}")
    for proof in response.certificates:
        gap = proof["gap_frac"]
        text = f"bound {proof['lower_bound']:,.4g}, gap {gap:.2%}" if gap is not None else "no bound"
        typer.echo(f"  proof: {proof['name']}: {proof['cost']:,.4g} {proof['unit'].replace('_', ' ')}, {text}")
    for warning in response.warnings:
        typer.echo(f"  note: {warning}")


def _counted_kinds(kinds: dict[str, int]) -> list[str]:
    return [f"{number} {kind} risk{'' if number == 1 else 's'}" for kind, number in kinds.items()]


def _print_none(response: RouteResponse) -> None:
    """Print why there are no such routes, what the least is that two must share, and what would cure it."""
    typer.echo(f"  none: {response.obstacle}" if response.is_proven_none else "  none was found in the time allowed")
    if response.fastest_rtt_ms is not None:
        typer.echo(f"  such routes are known from a round trip of {response.fastest_rtt_ms:.1f} ms on")
    parts = response.shared_risks or _counted_kinds(response.shared_kinds)
    if response.shared_n_links:
        parts = [*parts, f"{response.shared_n_links} rights of way ({response.shared_km:,.0f} km)"]
    if response.shared_n_nodes:
        parts = [*parts, f"{response.shared_n_nodes} junctions"]
    if parts:
        rate = f", which fail {response.shared_per_year:,.3g} times a year"
        typer.echo(f"  the least that two routes must share: {', '.join(parts)}{rate}")
    if response.cure:
        typer.echo(f"  cheapest cure: {response.cure}")


@backbone_app.command("import")
def backbone_import(
    file: Annotated[Path, typer.Argument(help="SNDlib, GraphML, GeoJSON, GeoPackage or Open Fibre Data Standard.")],
    out: Annotated[Path | None, typer.Option(help="File to write; without it the file is only read.")] = None,
    snap_km: Annotated[float, typer.Option("--snap-km", help="Largest distance of a line's end from its node.")] = 0.1,
    crossings: Annotated[
        str, typer.Option(help="Lines that meet without a node: refuse, or keep as passing.")
    ] = "refuse",
    as_json: Json = False,
) -> None:
    """Read a network file, name every faulty row, and write it in another format."""
    from rahdari.faces.cli import output
    from rahdari.faces.cli.main import answer

    def call() -> Any:  # noqa: ANN401  # a response model
        from rahdari.model.scenario import validated
        from rahdari.service.networks import NetworkImportRequest, import_network

        request = {"file": file, "out": out, "snap_km": snap_km, "crossings": crossings}
        return import_network(validated(NetworkImportRequest, request, "the command line"))

    answer("backbone import", call, output.print_model, as_json=as_json)


@backbone_app.command("export")
def backbone_export(
    out: Annotated[Path, typer.Option(help="File to write: .json, .geojson, .gpkg, .graphml or .txt.")],
    layer: Annotated[str, typer.Option(help="fibre or routes.")] = "fibre",
    plan: PlanOption = None,
    as_json: Json = False,
) -> None:
    """Write a plan's fibre or routes as a network file."""
    from rahdari.faces.cli import output
    from rahdari.faces.cli.main import answer, plan_folder

    def call() -> Any:  # noqa: ANN401  # a response model
        from rahdari.model.scenario import validated
        from rahdari.service.networks import NetworkExportRequest, export_network

        request = {"plan": plan_folder(plan), "out": out, "layer": layer}
        return export_network(validated(NetworkExportRequest, request, "the command line"))

    answer("backbone export", call, output.print_model, as_json=as_json)


@backbone_app.command("design")
def backbone_design(
    file: Annotated[Path, typer.Argument(help="Network file with demands, such as one of SNDlib.")],
    failures: Annotated[
        str, typer.Option(help="links (each alone), none, or a CSV file: failure_id, link_id, node_id, share_frac.")
    ] = "links",
    modular: Annotated[bool, typer.Option("--modular", help="Buy whole modules.")] = False,
    protection: Annotated[str, typer.Option(help="restoration or 1+1.")] = "restoration",
    gap: Annotated[float, typer.Option(help="Gap between cost and bound at which to stop.")] = 1e-3,
    time_limit_s: Annotated[float | None, typer.Option("--time-limit-s", help="Stop after this time.")] = 60.0,
    unprotected: Annotated[
        str, typer.Option(help="error or report: what to do where a failure cuts a demand off.")
    ] = "error",
    out: Annotated[Path | None, typer.Option(help="CSV file for the capacities, or JSON for all of the proof.")] = None,
    as_json: Json = False,
) -> None:
    """Find the cheapest capacities that survive every failure given, with their bound, re-checked."""
    from rahdari.faces.cli.main import answer

    def call() -> Any:  # noqa: ANN401  # a response model
        from rahdari.model.scenario import validated
        from rahdari.service.designing import DesignRequest, design

        request = {
            "file": file, "failures": failures, "modular": modular, "protection": protection, "gap": gap,
            "time_limit_s": time_limit_s,
            "unprotected": unprotected, "out": out,
        }  # fmt: skip
        return design(validated(DesignRequest, request, "the command line"))

    answer("backbone design", call, print_design, as_json=as_json)


def print_design(response: DesignResponse) -> None:
    """Print cost, bound and gap, and the capacities of small networks."""
    typer.echo(
        f"{response.name}: {response.n_nodes} nodes, {response.n_links} links, {response.n_demands} demands, "
        f"{response.n_failures} failures"
    )
    typer.echo(f"  cost {response.cost:,.1f}, bound {response.lower_bound:,.1f}, gap {response.gap_frac:.3%}")
    typer.echo(f"  re-checked by the verifier: {'yes' if response.is_verified else 'no'}")
    if response.n_cut_off:
        typer.echo(f"  {response.n_cut_off} pairs of failure and demand that no capacity can save")
    if response.out is not None:
        typer.echo(f"  capacities: {response.out}")
    elif len(response.capacity) <= MOST_SHOWN:
        for row in response.capacity:
            bought = [one for one in response.modules if one["link_id"] == row["link_id"] and one["count"]]
            told = " + ".join(f"{one['count']} of module {one['module'] + 1}" for one in bought)
            typer.echo(f"  {row['link_id']}: {row['units']:,.2f}" + (f", {told}" if told else ""))
