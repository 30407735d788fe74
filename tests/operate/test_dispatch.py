"""Dispatch against a checker of its own and against all orders tried by hand."""

from __future__ import annotations

import itertools
import math
import random

import pytest

from rahdari.errors import InputError
from rahdari.operate.dispatch import Crew, DispatchPlan, Generator, Job, Roads, Site, dispatch

NOW = 1_000_000
HOUR = 3600


def world(seed: int, n_jobs: int, n_crews: int, n_generators: int) -> tuple[list[Job], list[Crew], list[Generator]]:
    """Return a random case near 70 E 30 N; not every crew has every skill, some batteries are dead already."""
    draw = random.Random(seed)  # noqa: S311  # a test

    def spot() -> tuple[float, float]:
        return 70 + draw.random() * 2, 30 + draw.random() * 2

    jobs = []
    for number in range(n_jobs):
        sites = tuple(
            Site(f"s{number}-{each}", *spot(), NOW + draw.randrange(-HOUR, 6 * HOUR), draw.randrange(1, 3000))
            for each in range(draw.randrange(4))
        )
        kind = draw.choice(("fibre", "power"))
        opens = NOW + draw.choice((0, 0, 3 * HOUR))
        jobs.append(
            Job(f"j{number}", kind, *spot(), draw.randrange(10_000), draw.randrange(HOUR // 2, 5 * HOUR), sites, opens)
        )
    skills = [frozenset(("fibre", "power")), frozenset(("fibre",)), frozenset(("power",))]
    crews = [
        Crew(f"c{number}", *spot(), skills[number % 3], NOW + draw.randrange(2 * HOUR)) for number in range(n_crews)
    ]
    generators = [Generator(f"g{number}", *spot(), NOW + draw.randrange(HOUR)) for number in range(n_generators)]
    return jobs, crews, generators


def checked_h(plan: DispatchPlan, jobs: list[Job], crews: list[Crew], generators: list[Generator]) -> float:
    """Drive every crew and generator as the plan says and count customer-hours; fails where it cannot be driven."""
    road, by_job = Roads(), {job.job_id: job for job in jobs}
    done: dict[str, int] = {}
    for crew in crews:
        at, here = max(NOW, crew.free_s), crew
        for stop in sorted(
            (each for each in plan.stops if each.crew_id == crew.crew_id), key=lambda each: each.leaves_s
        ):
            job = by_job[stop.job_id]
            assert job.kind in crew.skills
            assert stop.leaves_s == at
            assert stop.arrives_s == at + road(here, job)
            assert stop.done_s == max(stop.arrives_s, job.opens_s) + job.repair_s
            assert job.job_id not in done
            done[job.job_id], at, here = stop.done_s, stop.done_s, job
    assert set(done) | set(plan.unserved) == set(by_job)
    relief: dict[str, int] = {}
    for move in plan.moves:
        generator = next(each for each in generators if each.generator_id == move.generator_id)
        site = next(site for site in by_job[move.job_id].sites if site.site_id == move.site_id)
        assert move.arrives_s == max(NOW, generator.free_s) + road(generator, site)
        assert site.site_id not in relief
        relief[site.site_id] = move.arrives_s
    assert len({move.generator_id for move in plan.moves}) == len(plan.moves)
    lost = 0
    for name, end in done.items():
        lost += by_job[name].n_customers * (end - NOW)
        for site in by_job[name].sites:
            dark = max(site.dies_s, NOW)
            lost += site.n_customers * max(0, min(end, relief.get(site.site_id, end)) - dark)
    return lost / HOUR


def least_h(jobs: list[Job], crews: list[Crew], generators: list[Generator]) -> float:
    """Try every order on every crew with every placing of generators."""
    road, best = Roads(), math.inf
    sites = [(job, site) for job in jobs for site in job.sites]
    for order in itertools.permutations(jobs):
        for cuts in itertools.combinations_with_replacement(range(len(jobs) + 1), len(crews) - 1):
            done: dict[str, int] = {}
            for crew, (begin, end) in zip(crews, itertools.pairwise((0, *cuts, len(jobs))), strict=True):
                at, here = max(NOW, crew.free_s), crew
                for job in order[begin:end]:
                    if job.kind not in crew.skills:
                        break
                    at = max(at + road(here, job), job.opens_s) + job.repair_s
                    done[job.job_id], here = at, job
            if len(done) < len(jobs):
                continue
            base = sum(job.n_customers * (done[job.job_id] - NOW) for job in jobs)
            for chosen in itertools.permutations([*range(len(sites)), *[-1] * len(generators)], len(generators)):
                relief = {
                    sites[place][1].site_id: max(NOW, tool.free_s) + road(tool, sites[place][1])
                    for tool, place in zip(generators, chosen, strict=True)
                    if place >= 0
                }
                lost = base + sum(
                    site.n_customers
                    * max(0, min(done[job.job_id], relief.get(site.site_id, 2**60)) - max(site.dies_s, NOW))
                    for job, site in sites
                )
                best = min(best, lost)
    return best / HOUR


@pytest.mark.parametrize("seed", range(8))
def test_a_small_case_is_the_best_of_all_orders_and_placings(seed: int) -> None:
    case = world(seed, 4, 2, 1)
    plan = dispatch(*case, NOW)
    assert plan.certificate.gap_frac == 0.0
    assert plan.certificate.cost == pytest.approx(checked_h(plan, *case), rel=1e-12)
    assert plan.certificate.cost == pytest.approx(least_h(*case), rel=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_a_large_case_can_be_driven_as_said_and_its_bound_holds(seed: int) -> None:
    case = world(100 + seed, 25, 5, 4)
    plan = dispatch(*case, NOW)
    assert plan.certificate.cost == pytest.approx(checked_h(plan, *case), rel=1e-12)
    assert plan.certificate.lower_bound is not None
    assert 0 < plan.certificate.lower_bound <= plan.certificate.cost


@pytest.mark.parametrize("seed", range(10))
def test_the_bound_of_large_cases_is_never_above_the_best_of_small_ones(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = world(200 + seed, 5, 2, 2)
    best = dispatch(*case, NOW).certificate
    monkeypatch.setattr("rahdari.operate.dispatch.EXACT_MAX", 0)
    rough = dispatch(*case, NOW).certificate
    assert rough.lower_bound is not None
    assert rough.lower_bound <= best.cost * (1 + 1e-12)
    assert best.cost <= rough.cost * (1 + 1e-12)
    assert rough.cost <= 1.05 * best.cost, "the rule is near the best on small cases"


def test_a_generator_goes_where_it_saves_most_and_none_is_sent_in_vain() -> None:
    sites = (Site("small", 70.0, 30.0, NOW, 10), Site("large", 70.1, 30.0, NOW, 1000))
    job = Job("j", "power", 71.0, 30.0, 0, 5 * HOUR, sites)
    crew = Crew("c", 70.0, 31.0, frozenset(("power",)), NOW)
    near = Generator("g", 70.0, 30.0, NOW)
    plan = dispatch([job], [crew], [near], NOW)
    assert [(move.generator_id, move.site_id) for move in plan.moves] == [("g", "large")]
    late = Generator("g", 70.0, 30.0, NOW + 100 * HOUR)
    assert dispatch([job], [crew], [late], NOW).moves == ()


def test_a_fault_nobody_can_repair_is_named_and_the_order_of_the_lists_does_not_matter() -> None:
    jobs, crews, generators = world(3, 6, 2, 2)
    odd = Job("odd", "submarine", 66.0, 24.0, 5, HOUR)
    plan = dispatch([*jobs, odd], crews, generators, NOW)
    assert plan.unserved == ("odd",)
    assert plan == dispatch([odd, *jobs[::-1]], crews[::-1], generators[::-1], NOW)
    nobody = dispatch([odd], crews, generators, NOW)
    assert (nobody.stops, nobody.unserved) == ((), ("odd",))
    with pytest.raises(InputError, match="'odd' is named twice"):
        dispatch([odd, odd], crews, generators, NOW)


def test_more_crews_never_lose_more_customer_hours() -> None:
    jobs, crews, generators = world(9, 5, 3, 1)
    one, three = (dispatch(jobs, some, generators, NOW).certificate.cost for some in (crews[:1], crews))
    assert three <= one
