"""``rahdari edge``: computers beside the fibre, what they carry, and how long jobs wait there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rahdari.service.edge import EdgeResponse

PlanOption = Annotated[Path | None, typer.Option("--plan", help="Plan folder; default: the newest below ./plans.")]


def edge(
    node: Annotated[str | None, typer.Option(help="One node, by its identifier or how that begins.")] = None,
    queue: Annotated[bool, typer.Option("--queue", help="Play the queues event by event.")] = False,
    jobs: Annotated[int, typer.Option(help="Jobs played at each node.")] = 50_000,
    seed: Annotated[int, typer.Option(help="Seed of the draws.")] = 1,
    plan: PlanOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show the edge nodes of a plan, the services they carry, and with --queue how long jobs wait."""
    from rahdari.faces.cli.main import answer, plan_folder

    def call() -> EdgeResponse:
        from rahdari.model.scenario import validated
        from rahdari.service.edge import EdgeRequest, edge_answer

        asked = {"plan": plan_folder(plan), "node": node, "has_queue": queue, "n_jobs": jobs, "seed": seed}
        return edge_answer(validated(EdgeRequest, asked, "the command line"))

    answer("edge", call, print_edge, as_json=as_json)


def print_edge(response: EdgeResponse) -> None:
    """Print nodes, services, queues and the proof."""
    if response.cost_usd_per_year is not None and response.bound_usd_per_year is not None:
        typer.echo(
            f"US$ {response.cost_usd_per_year:,.0f} a year; no placement costs less than "
            f"{response.bound_usd_per_year:,.0f} ({response.gap_frac:.1%} not proven)"
        )
    typer.echo(f"\n{'node':44} {'cabinets':>8} {'used':>6} {'carries':>8} {'ready for':>9} {'Mbit/s':>9} {'hours':>6}")
    for node in response.nodes:
        typer.echo(
            f"{node.edge_node_id[:44]:44} {node.n_servers:>8} {node.used_frac:>6.0%} {node.n_main:>8} "
            f"{node.n_second:>9} {node.demand_mbps:>9,.0f} {node.autonomy_h:>6.0f}"
        )
    typer.echo(f"\n{'service':36} {'units':>8} {'Mbit/s':>9} {'decided in':>11} {'limit':>8}  without node, second")
    for row in response.services:
        late = "" if row.is_in_time else "  late"
        typer.echo(
            f"{row.name[:36]:36} {row.n_units:>8,} {row.demand_mbps:>9,.0f} {row.decision_p99_ms:>8,.0f} ms "
            f"{row.latency_ms:>5,.0f} ms  {row.n_unplaced}, {row.n_alone}{late}"
        )
    if response.queues:
        typer.echo(
            f"\n{'queue, event by event':44} {'load':>6} {'wait 99 %':>10} {'formula':>9} {'end to end 99 %':>16}  late"
        )
    for queue in response.queues:
        typer.echo(
            f"{queue.edge_node_id[:44]:44} {queue.load_frac:>6.0%} {queue.wait_p99_ms:>7.1f} ms "
            f"{queue.formula_p99_ms:>6.1f} ms {queue.whole_p99_ms:>13.1f} ms  {queue.late_frac:.2%}"
        )
    for warning in response.warnings:
        typer.echo(f"note: {warning}")
