"""Read the ground, weigh every technology everywhere, choose technology and fibre together, write the plan."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.engines.access import choose, outputs
from rahdari.engines.access.catalogue import read_catalogue
from rahdari.engines.access.ground import growth_sites, read_ground, read_sites
from rahdari.engines.access.indicators import Goals, fibre_indicators, rate_indicators, target_notes
from rahdari.engines.access.options import all_options, need_of
from rahdari.engines.access.public_sites import public_indicators, public_sites
from rahdari.engines.access.waygraph import build_graph
from rahdari.methods.observations import target
from rahdari.model import EngineResult, Indicator

if TYPE_CHECKING:
    from rahdari.engines.access.ground import Ground, Sites
    from rahdari.engines.access.params import AccessParams
    from rahdari.engines.access.waygraph import WayGraph
    from rahdari.model import Context, Tables

FULL_TIME_LIMIT_S = 120.0  # the polish that `detail=full` may take, the budget


def read_goals(tables: Tables, params: AccessParams, ctx: Context) -> Goals:
    """Return the targets: those of the parameters, else those of the table, else none."""
    homes = target(tables, "fibre_homes_passed_households")
    sites = target(tables, "fibre_sites_frac")
    due = [item.due_at_year for item in (homes, sites) if item]
    return Goals(
        params.passed_target_households or (homes.value if homes else 0.0),
        params.site_fibre_target_frac or (sites.value if sites else 0.0),
        max(due) if due else float(ctx.year_end),
        homes,
        sites,
    )


def _wanted(goals: Goals, ground: Ground, sites: Sites, params: AccessParams) -> choose.Wanted:
    """Return what the search must reach beyond what stands today."""
    return choose.Wanted(
        households=max(0.0, goals.passed_households - float(ground.passed_base_households.sum())),
        site_frac=goals.site_fibre_frac,
        n_sites=float(len(sites.place)),
        n_joined=float(sites.is_fibre.sum()),
        budget_usd=params.budget_usd or math.inf,
    )


def _premium_indicators(choice: choose.Choice, ctx: Context) -> list[Indicator]:
    words = "Lagrangian multiplier at which the target is met; 0 where the least-cost plan meets it"
    pairs = (
        (
            "premium_per_household_usd",
            "What the target adds to the worth of passing one household",
            choice.premium.household_usd,
        ),
        ("premium_per_site_usd", "What the target adds to the worth of joining one site", choice.premium.site_usd),
    )
    return [Indicator(key, ctx.year_end, name, value, "usd", words, "modelled") for key, name, value in pairs]


def _notes(graph: WayGraph, ground: Ground, sites: Sites, n_solves: int, ctx: Context) -> list[str]:
    solved = (
        f"Technology and fibre were chosen together in {n_solves} solves of a prize-collecting Steiner forest on "
        f"{graph.n_nodes:,} nodes and {len(graph.edge_node):,} edges."
    )
    grown = (
        f"Ordinary growth adds {int(sites.is_new.sum()):,} cell sites by the due date; operators bear their radio, "
        "which is not a cost of the plan."
    )
    notes = [
        solved,
        "Planned fibre follows rights of way in straight pieces and is no survey; a whole place has one technology.",
        "Each place pays for its own radio carriers: a map with more places makes radio dearer and passes more homes.",
        grown,
        "People and households of the last year are those of the census, so that shares compare; traffic grows.",
    ]
    if graph.is_source_assumed:
        notes.append("No existing fibre is known: the largest place is taken as the only source.")
    if ground.passed_base_households.sum() == 0.0:
        notes.append(f"No figure of fibre lines is known for {ctx.year_base}; homes passed today count as none.")
    return notes


def access(tables: Tables, params: AccessParams, ctx: Context) -> EngineResult:
    """Return the access of every place in the first and last year, the options weighed, and all new build.

    Raises :class:`InputError` where the catalogue lacks an item and :class:`TargetError` where a strict scenario
    misses a target.
    """
    goals = read_goals(tables, params, ctx)
    ground = read_ground(tables, params, ctx, growth_sites(tables, params, ctx, goals.sites))
    sites = read_sites(tables, ground, params)
    prices = read_catalogue(tables["equipment"], params.discount_frac_per_year, params.horizon_years)
    options = all_options(ground, params, prices)
    graph = build_graph(tables, ground.frame, params)
    money = choose.money_of(options, ground, sites, graph, prices=prices, params=params)
    new_households = np.maximum(ground.households - ground.passed_base_households, 0.0)
    problem = choose.Problem(money, graph, sites.place, ~sites.is_fibre, new_households, None)
    wanted = _wanted(goals, ground, sites, params)
    choice, tried = choose.search(problem, wanted, params.n_premium_rounds, ctx.progress)
    if ctx.detail == "full":
        choice, solved = choose.polish(problem, choice, wanted, FULL_TIME_LIMIT_S)
        tried = [*tried, solved]
    plan = outputs.Plan(ground, sites, need_of(ground, params), graph, prices, options, money, choice)
    end = outputs.access_end(plan, params, ctx)
    table = pl.concat([outputs.access_base(plan, params, ctx).select(end.columns), end])
    links, new_sites = outputs.planned_links(plan), outputs.planned_sites(plan)
    public = public_sites(tables, table)
    found = rate_indicators(table, ctx) + public_indicators(public)
    found += fibre_indicators(tables, table, new_sites, goals=goals, params=params, ctx=ctx)
    found += _premium_indicators(choice, ctx)
    length = float(links["length_km"].sum())
    found.append(
        Indicator(
            "planned_fibre_km",
            ctx.year_end,
            "New fibre along ways and to places",
            length,
            "km",
            "sum of planned_links.length_km",
            "modelled",
        )
    )
    return EngineResult(
        tables={
            "access": table,
            "access_options": outputs.access_options(plan),
            "planned_links": links,
            "planned_sites": new_sites,
            "materials": outputs.materials(plan, links, new_sites),
            "public_sites": public,
        },
        indicators=tuple(found),
        certificates=choose.certificates(choice, tried, wanted),
        notes=(*target_notes(found, goals, params, ctx), *_notes(graph, ground, sites, len(tried), ctx)),
    )
