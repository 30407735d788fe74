"""Technology and fibre chosen together: a prize-collecting Steiner forest with premiums for the programme's targets.

A place's prize is what it saves when fibre reaches it: the next-best technology's cost of ownership less that of
fibre to the homes, plus, for each cell site, its microwave link less its fibre lead-in.  A target (households passed,
share of sites) is met by adding a premium for each household or site, the multiplier of a Lagrangian; the premium is
searched by bisection.  The bound of the Lagrangian, premium times target added back, bounds the constrained problem
(Fisher 1981, The Lagrangian relaxation method for solving integer programming problems).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, dijkstra

from rahdari.engines.access.options import TECHNOLOGIES
from rahdari.methods.steiner import steiner_forest
from rahdari.model import Certificate

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from rahdari.engines.access.catalogue import Catalogue
    from rahdari.engines.access.ground import Ground, Sites
    from rahdari.engines.access.options import Option
    from rahdari.engines.access.params import AccessParams
    from rahdari.engines.access.waygraph import WayGraph

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    BoolArray = NDArray[np.bool_]

FIBRE = TECHNOLOGIES.index("fibre")
NONE = len(TECHNOLOGIES)  # the index that stands for no technology
OVERSHOOT_FRAC = 0.015  # a premium that passes the target by less than this is good enough
NARROW_FRAC = 0.05  # an interpolated premium keeps this far from the ends of its bracket
FIRST_HOUSEHOLD_USD = 10.0  # least first step of the household premium
FIRST_SITE_USD = 500.0  # least first step of the site premium
FIRST_BUDGET_RATIO = 0.25  # first step of the weight of capital
BEND = 1.5  # what a premium buys grows ever more slowly, so a straight line between two trials overshoots
FAR_FRAC = 0.1  # beyond this overshoot a premium is bisected by ratio, not interpolated
SMALL_FRAC = 1e-3  # where the ratio bisection starts when the lower end is zero
GROWTH = 3.0  # step of the search until a premium is enough


@dataclass(frozen=True, slots=True)
class Money:
    """Costs of ownership and capital that the choice weighs; (n, technologies), (m,) sites, (e,) edges."""

    tco_usd: FloatArray
    capex_usd: FloatArray
    penalty_usd: FloatArray
    is_possible: BoolArray
    hop_tco_usd: FloatArray
    lateral_tco_usd: FloatArray
    lateral_capex_usd: FloatArray
    edge_tco_usd: FloatArray
    edge_capex_usd: FloatArray
    none_usd: FloatArray
    n_new_sites: FloatArray


@dataclass(frozen=True, slots=True)
class Wanted:
    """Households to be newly passed, share of all sites to be on fibre, capital at most (inf where there is no limit).

    ``n_sites`` and ``n_joined`` count sites and those on fibre before the choice; sites that the choice builds add
    to the base of the share.
    """

    households: float
    site_frac: float
    n_sites: float
    n_joined: float
    budget_usd: float

    def sites(self, choice: Choice) -> float:
        """Return the sites that the choice has to join."""
        return max(0.0, self.site_frac * (self.n_sites + choice.built_sites) - self.n_joined)


@dataclass(frozen=True, slots=True)
class Premium:
    """Dollars for each household newly passed and each site newly joined; extra weight of a dollar of capital."""

    household_usd: float = 0.0
    site_usd: float = 0.0
    capital_ratio: float = 0.0


@dataclass(frozen=True, slots=True)
class Choice:
    """One solution: technology and reach by place, sites joined, edges laid, and what proves it."""

    premium: Premium
    technology: IntArray
    other: IntArray
    is_reached: BoolArray
    is_site_joined: BoolArray
    edge_index: IntArray
    tco_usd: float
    capex_usd: float
    fibre_tco_usd: float
    passed_households: float
    joined_sites: float
    built_sites: float
    lagrangian_bound_usd: float | None
    solver: Certificate


def money_of(
    options: dict[str, Option],
    ground: Ground,
    sites: Sites,
    graph: WayGraph,
    *,
    prices: Catalogue,
    params: AccessParams,
) -> Money:
    """Return all money of the choice.  The order of technologies settles ties."""
    parts = [options[name] for name in TECHNOLOGIES]
    rate = np.stack([part.downlink_mbps for part in parts], axis=1)
    unmet = np.clip(1.0 - rate / params.service_target_mbps, 0.0, 1.0)
    unmet[unmet < 1e-9] = 0.0  # noqa: PLR2004  # rounding of a rate that meets the target exactly
    is_possible = np.stack([part.is_possible for part in parts], axis=1)
    is_possible[:, FIBRE] &= _is_joined(graph)
    none = params.unmet_usd_per_household_usd * ground.households
    lateral = "fibre_aerial_km", "fibre_urban_km"
    town = ground.is_urban[sites.place]
    node, hop = prices.index("site_fibre_node"), prices.index("microwave_hop")

    def site_money(unit: FloatArray) -> FloatArray:
        per_km = np.where(town, unit[prices.index(lateral[1])], unit[prices.index(lateral[0])])
        return np.asarray(sites.lateral_km * per_km + unit[node])

    buried, aerial = prices.index("fibre_buried_km"), prices.index("fibre_aerial_km")

    def edge_money(unit: FloatArray) -> FloatArray:
        per_km = np.where(graph.way >= 0, unit[buried], unit[aerial])
        return np.asarray(graph.length_km * graph.price_ratio * per_km)

    return Money(
        tco_usd=np.stack([part.tco_usd(prices) for part in parts], axis=1),
        capex_usd=np.stack([part.total(prices.capex_usd) for part in parts], axis=1),
        penalty_usd=unmet * none[:, None],
        is_possible=is_possible,
        hop_tco_usd=np.where(sites.is_new, prices.tco_usd[hop], prices.standing_tco_usd("microwave_hop")),
        lateral_tco_usd=site_money(prices.tco_usd),
        lateral_capex_usd=site_money(prices.capex_usd),
        edge_tco_usd=edge_money(prices.tco_usd),
        edge_capex_usd=edge_money(prices.capex_usd),
        none_usd=none,
        n_new_sites=np.stack([part.n_new_sites for part in parts], axis=1),
    )


def _is_joined(graph: WayGraph) -> BoolArray:
    """Return whether each place is in one part of the graph with a source."""
    if not len(graph.source) or not len(graph.edge_node):
        return np.zeros(len(graph.place_node), dtype=np.bool_)
    ones = np.ones(len(graph.edge_node), dtype=np.int8)
    shape = (graph.n_nodes, graph.n_nodes)
    _, part = connected_components(
        coo_array((ones, (graph.edge_node[:, 0], graph.edge_node[:, 1])), shape=shape), directed=False
    )
    return np.isin(part[graph.place_node], np.unique(part[graph.source]))


@dataclass(frozen=True, slots=True)
class Problem:
    """Everything a solve needs; ``new_households`` (n,) are those that fibre would newly pass."""

    money: Money
    graph: WayGraph
    site_place: IntArray
    is_site_open: BoolArray
    new_households: FloatArray
    time_limit_s: float | None


def _next_best(money: Money, cost: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return the least-cost technology without fibre, and its cost.

    What meets the target comes before what does not, whatever it costs; what can be built comes before nothing.
    """
    is_other = np.arange(cost.shape[1]) != FIBRE
    meets = np.where(is_other & (money.penalty_usd == 0.0), cost, np.inf)
    can = np.where(is_other, cost, np.inf)
    rows = np.arange(len(cost))
    best, fallback = np.argmin(meets, axis=1), np.argmin(can, axis=1)
    index = np.where(np.isfinite(meets[rows, best]), best, fallback)
    usd = can[rows, index]
    return np.where(np.isfinite(usd), index, NONE), np.where(np.isfinite(usd), usd, money.none_usd)


def solve(problem: Problem, premium: Premium) -> Choice:
    """Return the best technologies, sites and fibre at the given premiums, with the bound of the Lagrangian."""
    money, graph = problem.money, problem.graph
    weight = premium.capital_ratio
    cost = money.tco_usd + weight * money.capex_usd + money.penalty_usd
    cost = np.where(money.is_possible, cost, np.inf)
    other, other_usd = _next_best(money, cost)
    home_gain = np.where(
        money.is_possible[:, FIBRE], other_usd - cost[:, FIBRE] + premium.household_usd * problem.new_households, 0.0
    )
    link_usd = money.hop_tco_usd  # renewing a link that stands is no capital of the plan
    lead_usd = money.lateral_tco_usd + weight * money.lateral_capex_usd
    site_gain = np.where(problem.is_site_open, link_usd - lead_usd + premium.site_usd, 0.0)
    wins_home, wins_site = home_gain > 0.0, site_gain > 0.0
    prize = np.where(wins_home, home_gain, 0.0)
    prize += np.bincount(problem.site_place, weights=np.where(wins_site, site_gain, 0.0), minlength=len(prize))
    prize = np.where(money.is_possible[:, FIBRE], prize, 0.0)
    edge_usd = money.edge_tco_usd + weight * money.edge_capex_usd
    terminal = np.flatnonzero(prize > 0.0)
    forest = steiner_forest(
        graph.n_nodes,
        graph.edge_node,
        edge_usd,
        graph.place_node[terminal],
        graph.source,
        prize=prize[terminal],
        time_limit_s=problem.time_limit_s,
    )
    is_reached = np.zeros(len(prize), dtype=np.bool_)
    is_reached[terminal] = True
    is_reached[np.isin(graph.place_node, np.asarray(forest.unserved))] = False
    takes_home = is_reached & wins_home
    takes_site = is_reached[problem.site_place] & wins_site
    technology = np.where(takes_home, FIBRE, other)
    edges = np.sort(np.asarray(forest.edge_index, dtype=np.int64))
    rows = np.arange(len(technology))
    chosen_tco = np.concatenate([money.tco_usd + money.penalty_usd, money.none_usd[:, None]], axis=1)[rows, technology]
    chosen_capex = np.concatenate([money.capex_usd, np.zeros((len(rows), 1))], axis=1)[rows, technology]
    new_sites = np.concatenate([money.n_new_sites, np.zeros((len(rows), 1))], axis=1)[rows, technology]
    is_open = problem.is_site_open
    fibre_tco = float(money.edge_tco_usd[edges].sum())
    site_tco = float(np.where(takes_site, money.lateral_tco_usd, np.where(is_open, money.hop_tco_usd, 0.0)).sum())
    site_capex = float(money.lateral_capex_usd[takes_site].sum())
    hops_usd = float(link_usd[is_open].sum())
    bound = forest.certificate.lower_bound
    return Choice(
        premium=premium,
        technology=technology,
        other=other,
        is_reached=is_reached,
        is_site_joined=takes_site,
        edge_index=edges,
        tco_usd=float(chosen_tco.sum()) + site_tco + fibre_tco,
        capex_usd=float(chosen_capex.sum()) + site_capex + float(money.edge_capex_usd[edges].sum()),
        fibre_tco_usd=fibre_tco,
        passed_households=float(problem.new_households[takes_home].sum()),
        joined_sites=float(takes_site.sum()),
        built_sites=float(new_sites.sum()),
        lagrangian_bound_usd=None if bound is None else float(other_usd.sum()) + hops_usd - float(prize.sum()) + bound,
        solver=forest.certificate,
    )


@dataclass(frozen=True, slots=True)
class _Search:
    """One premium between a value that misses the target and one that meets it, each with what it got."""

    value: float = 0.0
    low: tuple[float, float] = (0.0, -math.inf)
    high: tuple[float, float] | None = None

    def next(self, got: float, want: float, first: float) -> _Search:
        """Return the search after a solve at ``value`` that got ``got``; ``first`` is where to try first."""
        slack = OVERSHOOT_FRAC * abs(want)
        if got >= want and (self.value == 0.0 or got <= want + slack):
            return replace(self, high=(self.value, got))
        low, high = self.low, self.high
        if got >= want:
            high = (self.value, got)
        else:
            low = (self.value, got)
            high = high if high is not None and high[0] > self.value else None
        if high is None:
            return _Search(max(GROWTH * low[0], first), low, high)
        if high[1] - want > FAR_FRAC * abs(want):
            return _Search(math.sqrt(max(low[0], SMALL_FRAC * high[0]) * high[0]), low, high)
        part = (want + 0.5 * slack - low[1]) / max(high[1] - low[1], 1e-9)
        part = min(max(part, NARROW_FRAC), 1.0 - NARROW_FRAC) ** BEND
        return _Search(low[0] + part * (high[0] - low[0]), low, high)


def _guess_usd(problem: Problem, choice: Choice, short: float, *, is_site: bool) -> float:
    """Return the premium at which single places would close a shortfall if each paid its own way to the tree built.

    Places share ways, so the true premium is mostly lower; the guess only starts the search.
    """
    graph, money = problem.graph, problem.money
    ends = graph.edge_node[choice.edge_index]
    tree = np.unique(np.concatenate([graph.source, ends.reshape(-1)]))
    shape = (graph.n_nodes, graph.n_nodes)
    ways = coo_array((money.edge_tco_usd + 1e-6, (graph.edge_node[:, 0], graph.edge_node[:, 1])), shape=shape)
    away = dijkstra(ways.tocsr(), directed=False, indices=tree, min_only=True)[graph.place_node]
    if is_site:
        is_open = problem.is_site_open & ~choice.is_site_joined
        count = np.bincount(problem.site_place, weights=is_open, minlength=len(away))
        loss = np.where(is_open, money.lateral_tco_usd - money.hop_tco_usd, 0.0)
        loss = np.bincount(problem.site_place, weights=loss, minlength=len(away))
    else:
        count = np.where(choice.technology == FIBRE, 0.0, problem.new_households)
        rows = np.arange(len(away))
        other = np.concatenate([money.tco_usd, money.none_usd[:, None]], axis=1)[rows, choice.other]
        loss = money.tco_usd[:, FIBRE] - other
    need = np.where((count > 0.0) & np.isfinite(away), (away + loss) / np.maximum(count, 1.0), np.inf)
    order = np.argsort(need, kind="stable")
    enough = int(np.searchsorted(np.cumsum(count[order]), short))
    found = float(need[order[min(enough, len(order) - 1)]])
    return max(found, 0.0) if math.isfinite(found) else 0.0


def _rank(choice: Choice, wanted: Wanted) -> tuple[float, float, float]:
    """Return the order of choices: first within the budget, then by the shares missed of targets, then by cost."""
    homes = max(0.0, 1.0 - choice.passed_households / wanted.households) if wanted.households > 0.0 else 0.0
    want = wanted.sites(choice)
    sites = max(0.0, 1.0 - choice.joined_sites / want) if want > 0.0 else 0.0
    over = max(0.0, choice.capex_usd / wanted.budget_usd - 1.0) if math.isfinite(wanted.budget_usd) else 0.0
    return over, homes + sites, choice.tco_usd


def search(
    problem: Problem, wanted: Wanted, n_rounds: int, on_round: Callable[[int, int, str], None]
) -> tuple[Choice, list[Choice]]:
    """Return the cheapest choice found that meets all targets, else the one that misses least; and every solve."""
    home, site, capital = _Search(), _Search(), _Search()
    best: Choice | None = None
    tried: list[Choice] = []
    for number in range(n_rounds + 1):
        premium = Premium(home.value, site.value, capital.value)
        if any(premium == earlier.premium for earlier in tried):
            break
        on_round(number, n_rounds + 1, "technology and fibre together")
        choice = solve(problem, premium)
        tried.append(choice)
        kept = _trimmed(problem, choice, wanted)
        if best is None or _rank(kept, wanted) < _rank(best, wanted):
            best = kept
        if number == n_rounds:
            break
        if choice.capex_usd <= wanted.budget_usd:
            home = home.next(
                choice.passed_households, wanted.households, _first(problem, choice, wanted, is_site=False)
            )
            site = site.next(choice.joined_sites, wanted.sites(choice), _first(problem, choice, wanted, is_site=True))
        if math.isfinite(wanted.budget_usd):
            capital = capital.next(-choice.capex_usd, -wanted.budget_usd, FIRST_BUDGET_RATIO)
    if best is None:  # pragma: no cover  # the first round always runs
        raise AssertionError
    return best, tried


def _trimmed(problem: Problem, choice: Choice, wanted: Wanted) -> Choice:
    """Return the choice without the dearest of the sites that it joins beyond the target and that do not pay."""
    excess = math.floor(choice.joined_sites - wanted.sites(choice) + 1e-9)
    loss = problem.money.lateral_tco_usd - problem.money.hop_tco_usd
    candidates = np.flatnonzero(choice.is_site_joined & (loss > 0.0))
    dropped = candidates[np.argsort(-loss[candidates], kind="stable")][: max(excess, 0)]
    if not len(dropped):
        return choice
    joined = choice.is_site_joined.copy()
    joined[dropped] = False
    return replace(
        choice,
        is_site_joined=joined,
        joined_sites=choice.joined_sites - len(dropped),
        tco_usd=choice.tco_usd - float(loss[dropped].sum()),
        capex_usd=choice.capex_usd - float(problem.money.lateral_capex_usd[dropped].sum()),
    )


def _first(problem: Problem, choice: Choice, wanted: Wanted, *, is_site: bool) -> float:
    """Return where a premium starts, 0 where it is not needed or its search is under way."""
    if is_site:
        short, under_way = wanted.sites(choice) - choice.joined_sites, choice.premium.site_usd > 0.0
    else:
        short, under_way = wanted.households - choice.passed_households, choice.premium.household_usd > 0.0
    if short <= 0.0 or under_way:
        return 0.0
    return max(_guess_usd(problem, choice, short, is_site=is_site), FIRST_SITE_USD if is_site else FIRST_HOUSEHOLD_USD)


def _bound_usd(tried: list[Choice], choice: Choice, wanted: Wanted) -> float | None:
    """Return the best bound of all premiums tried, on plans that reach what this one has to; ``None`` without any.

    Every premium bounds the same constrained problem.  Where a target is missed, the problem is to reach at least
    what this plan reaches, and where the budget is passed, to spend at most what it spends.
    """
    homes = min(wanted.households, choice.passed_households)
    sites = min(wanted.sites(choice), choice.joined_sites)
    spent = max(wanted.budget_usd, choice.capex_usd) if math.isfinite(wanted.budget_usd) else 0.0
    bounds = [
        item.lagrangian_bound_usd
        + item.premium.household_usd * homes
        + item.premium.site_usd * sites
        - item.premium.capital_ratio * spent
        for item in tried
        if item.lagrangian_bound_usd is not None
    ]
    return max(bounds, default=None)


def certificates(choice: Choice, tried: list[Choice], wanted: Wanted) -> tuple[Certificate, ...]:
    """Return the proof over the whole objective, over fibre spend, and of the tree itself."""
    premium = choice.premium
    total = _bound_usd(tried, choice, wanted)
    gap = None if total is None else choice.tco_usd - total
    words = (
        f"Lagrangian of the prize-collecting Steiner forest; premiums {premium.household_usd:,.0f} USD a household and "
        f"{premium.site_usd:,.0f} USD a site"
    )
    note = "cost of ownership of all places, sites and fibre over the horizon, technologies and fibre chosen together"
    if premium.capital_ratio > 0.0:
        note += f"; the budget makes a dollar of capital weigh {1.0 + premium.capital_ratio:.2f} times"
    return (
        Certificate("Access, whole objective", choice.tco_usd, total, "usd", words, note),
        Certificate(
            "Access, fibre spend",
            choice.fibre_tco_usd,
            None if gap is None else choice.fibre_tco_usd - gap,
            "usd",
            words,
            "the same absolute gap, taken over what the fibre on rights of way and connectors costs",
        ),
        replace(choice.solver, name="Access, fibre forest at the premiums", unit="usd"),
    )


def polish(problem: Problem, choice: Choice, wanted: Wanted, time_limit_s: float) -> tuple[Choice, Choice]:
    """Return the better of the choice and of the same premiums solved with time to spare, and that solve."""
    solved = solve(replace(problem, time_limit_s=time_limit_s), choice.premium)
    kept = _trimmed(problem, solved, wanted)
    return (kept if _rank(kept, wanted) < _rank(choice, wanted) else choice), solved
