"""Stress runs against closed forms, and the same digits for any chunks, workers and interruptions."""

from __future__ import annotations

import math
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from rahdari.errors import InputError
from rahdari.methods.cascade import StressNetwork, single_service, stress_network
from rahdari.methods.hazard_sampling import Hazard, Level
from rahdari.methods.stress_runs import (
    StressResult,
    class_hardenings,
    harden_class,
    more_battery,
    run,
    things_down_h_per_year,
)
from rahdari.methods.stress_worst import people_out, worst
from rahdari.run.executors import map_function
from rahdari.units import HOURS_PER_YEAR
from tests.helpers.stress_networks import random_network, star

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


def faults(member: np.ndarray, unavailability_frac: float, repair_h: float = 90.0) -> Hazard:
    """Return everyday faults in steady state: each thing is down for the given share of time."""
    rate = unavailability_frac * HOURS_PER_YEAR / repair_h
    return Hazard("faults", "equipment", "damage", (Level(rate, member),), is_steady=True, repair_h=repair_h)


def chain(n: int, ends: list[tuple[int, int]], served: list[int], **options: Any) -> StressNetwork:  # noqa: ANN401  # as above
    place = np.full(n, -1)
    place[served] = np.arange(len(served))
    tail, head = np.array(ends).T
    return stress_network(
        n, tail, head, [single_service([0], place, len(served))], people=np.ones(len(served)), **options
    )


def assert_holds(result: StressResult, truth_frac: list[float], widest: float = 0.15) -> None:
    """Check that intervals hold the truth (widened to five sigma of two) and are not vacuous."""
    out, truth = 1.0 - result.availability_frac[0], np.array(truth_frac)
    half = 0.5 * (result.high_frac[0] - result.low_frac[0])
    assert (np.abs(out - truth) <= 2.5 * half).all()
    assert (half <= widest * truth).all()


def test_a_chain_is_up_while_all_of_it_is() -> None:
    q = 0.02
    network = chain(5, [(0, 1), (1, 2), (2, 3), (3, 4)], [1, 2, 3, 4])
    result = run(network, [faults(np.arange(1, 5), q)], 30_000)
    assert_holds(result, [1.0 - (1.0 - q) ** k for k in range(1, 5)])


def test_a_ring_is_cut_by_two_faults_on_either_side() -> None:
    q, n = 0.05, 6
    network = chain(n, [(i, (i + 1) % n) for i in range(n)], list(range(1, n)))
    result = run(network, [faults(n + np.arange(n), q)], 60_000)
    up = 1.0 - q
    truth = [(1.0 - up**k) * (1.0 - up ** (n - k)) for k in range(1, n)]
    assert_holds(result, truth)


def test_a_bridge_network_is_as_available_as_its_closed_form() -> None:
    p = 0.9
    network = chain(4, [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3)], [3])
    result = run(network, [faults(4 + np.arange(5), 1.0 - p)], 60_000)
    assert_holds(result, [1.0 - (2 * p**2 + 2 * p**3 - 5 * p**4 + 2 * p**5)])


def test_a_place_that_needs_k_of_n_sites_is_out_as_the_binomial_says() -> None:
    q, n = 0.08, 5
    for k in (1, 3, 5):
        service = single_service([0], [-1] + [0] * n, 1, n_needed=k)
        network = stress_network(n + 1, [0] * n, range(1, n + 1), [service], people=[1.0])
        result = run(network, [faults(np.arange(1, n + 1), q)], 60_000)
        truth = sum(math.comb(n, i) * (1.0 - q) ** i * q ** (n - i) for i in range(k))
        assert abs(1.0 - float(result.availability_frac[0, 0]) - truth) < 5.0 * math.sqrt(truth / 60_000)


def test_outages_of_exponential_length_beat_a_battery_as_the_exponential_says() -> None:
    off, mean_h = 0.2, 3.0
    battery = np.array([0.0, 1.0, 4.0, 9.0])
    network = star(4, zone=[-1, 0, 1, 2, 3], battery_h=np.append(0.0, battery), start_fail_frac=0.0)
    shed = Hazard("shed", "feeder", "shedding", (Level(0.0, np.arange(4), off, value=mean_h),), is_steady=True)
    assert_holds(run(network, [shed], 60_000), (off * np.exp(-battery / mean_h)).tolist())


@pytest.mark.parametrize("tilted_frac", [0.0, 0.5])
def test_events_cost_rate_times_chance_times_hours_whether_tilted_or_not(tilted_frac: float) -> None:
    network = star(3)
    rate, chance, hours = 0.6, np.array([0.9, 0.5, 0.2]), 60.0
    quake = Hazard("quake", "earthquake", "damage", (Level(rate, np.arange(1, 4), chance),), repair_h=hours)
    result = run(network, [quake], 40_000, tilted_frac=tilted_frac)
    truth = rate * chance * hours / HOURS_PER_YEAR
    assert_holds(result, truth.tolist())
    mean, low, high = result.customer_h_per_year[0]
    expected = rate * hours * float(network.people @ chance)
    assert abs(mean - expected) < 1.25 * (high - low)
    assert low < mean < high


def test_a_rare_event_is_measured_far_better_when_it_is_drawn_on_purpose() -> None:
    network = star(1)
    quake = Hazard("quake", "earthquake", "damage", (Level(0.002, np.array([1])),), repair_h=100.0)
    result = run(network, [quake], 20_000)
    assert_holds(result, [0.002 * 100.0 / HOURS_PER_YEAR], widest=0.05)
    plain = run(network, [quake], 20_000, tilted_frac=0.0)
    widths = [float((r.high_frac - r.low_frac)[0, 0]) for r in (plain, result)]
    assert widths[1] * 5.0 < widths[0]


def test_a_place_never_seen_out_still_has_an_interval() -> None:
    result = run(star(2), [faults(np.array([1]), 0.01)], 1_000)
    assert result.availability_frac[0, 1] == 1.0
    assert 1.0 - result.low_frac[0, 1] == pytest.approx(3.0 / 1_000, rel=0.01)


def some_hazards(network: StressNetwork) -> list[Hazard]:
    everything = np.arange(network.n_things)
    zones = np.arange(network.n_zones)
    return [
        Hazard("flood", "flood", "damage", (Level(0.5, everything[:100], 0.1), Level(0.05, everything, 0.2)),
               access_h=6.0, repair_h=20.0, repair_sigma_ratio=0.5),
        Hazard("grid", "grid_failure", "grid",
               (Level(0.4, zones, value=0.8, duration_h=10.0, duration_sigma_ratio=0.4),)),
        Hazard("shed", "feeder", "shedding", (Level(0.0, zones, 0.1, value=2.0),), is_steady=True),
        Hazard("vendor", "vendor", "outage", (Level(0.2, everything[::3], 0.5, duration_h=5.0),)),
        faults(everything, 0.002),
    ]  # fmt: skip


def same(a: StressResult, b: StressResult) -> bool:
    names = ("availability_frac", "low_frac", "high_frac", "customer_h_per_year", "run_customer_h", "run_weight")
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in names)


def test_chunks_workers_executors_and_the_order_of_hazards_change_no_digit() -> None:
    network = random_network(2)
    hazards = some_hazards(network)
    options = {"correlations": {("flood", "grid"): 0.5}}
    once = run(network, hazards, 1_000, **options)
    assert same(once, run(network, hazards, 1_000, chunk_blocks=3, **options))
    assert same(once, run(network, hazards[::-1], 1_000, chunk_blocks=1, **options))
    with ThreadPoolExecutor(3) as pool:
        threads = run(network, hazards, 1_000, map_function=lambda f, c: list(pool.map(f, c)), **options)
    assert same(once, threads)
    for executor in ("processes", "dask"):
        with map_function(executor, 2) as mapped:
            assert same(once, run(network, hazards, 1_000, map_function=mapped, **options))
    assert not same(once, run(network, hazards, 1_000, seed=2, **options))


def frozen_map(function: Callable[[object], object], chunks: Iterable[object]) -> list[object]:
    """Run like an executor that hands arrays over read-only."""
    buffers: list[pickle.PickleBuffer] = []
    packed = pickle.dumps(function, protocol=5, buffer_callback=buffers.append)
    again = pickle.loads(packed, buffers=[bytes(buffer) for buffer in buffers])  # noqa: S301 - our own
    return [again(chunk) for chunk in chunks]


def test_executors_that_hand_over_read_only_arrays_are_served() -> None:
    network = random_network(2)
    hazards = some_hazards(network)
    assert same(run(network, hazards, 200, map_function=frozen_map), run(network, hazards, 200))


class Folder:
    """A store in memory that counts what it is asked."""

    def __init__(self) -> None:
        self.kept: dict[int, Mapping[str, np.ndarray]] = {}
        self.n_saved = 0

    def load(self, number: int) -> Mapping[str, np.ndarray] | None:
        return self.kept.get(number)

    def save(self, number: int, block: Mapping[str, np.ndarray]) -> None:
        self.kept[number] = block
        self.n_saved += 1


def test_a_killed_run_resumes_from_its_blocks_and_gives_the_same_digits() -> None:
    network, store = random_network(2), Folder()
    hazards = some_hazards(network)

    def kill(done: int, _total: int) -> None:
        if done >= 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(network, hazards, 1_000, store=store, chunk_blocks=2, on_progress=kill)
    n_before = store.n_saved
    assert n_before == 6
    resumed = run(network, hazards, 1_000, store=store, chunk_blocks=2)
    assert store.n_saved == 16
    assert same(resumed, run(network, hazards, 1_000))


def test_hardening_buys_the_hours_that_its_class_loses() -> None:
    network = star(2, class_name=("tower", "fibre"), asset_class=[0, 0, 0, 1, 1])
    hazards = [faults(np.arange(5), 0.01)]
    half = harden_class(network, hazards, "fibre", cost_usd=1_000.0, damage_ratio=0.5)
    result = run(
        network, hazards, 20_000, hardenings=[half, *class_hardenings(network, hazards)], n_importance_runs=20_000
    )
    bought = result.importance
    whole_h = 0.01 * 3.0 * HOURS_PER_YEAR
    assert [one.name for one in bought] == ["fibre", "tower", "fibre"]
    for one, part in zip(bought, (0.5, 2.0, 1.0), strict=True):
        assert abs(one.saved_h_per_year - part * whole_h) < max(
            1.25 * (one.high_h_per_year - one.low_h_per_year), 0.02 * whole_h
        )
    assert bought[0].saved_h_per_usd == pytest.approx(bought[0].saved_h_per_year / 1_000.0)
    with pytest.raises(InputError, match="no asset class"):
        harden_class(network, hazards, "towr")


def test_a_longer_battery_never_costs_an_hour_in_any_run() -> None:
    network = random_network(4)
    hazards = some_hazards(network)
    more = more_battery(network, hazards, np.ones(network.n_nodes), 6.0)
    before, after = run(network, hazards, 500), run(more.network, more.hazards, 500)
    assert (after.run_customer_h <= before.run_customer_h + 1e-9).all()
    assert after.run_customer_h.sum() < before.run_customer_h.sum()


def test_losses_of_return_periods_rise() -> None:
    network = star(3)
    levels = (Level(0.1, np.arange(1, 4), 0.3), Level(0.01, np.arange(1, 4), 1.0))
    result = run(network, [Hazard("flood", "flood", "damage", levels, repair_h=100.0)], 20_000)
    losses = [result.exceeded_h(years) for years in (5.0, 50.0, 500.0)]
    assert losses[0] <= losses[1] <= losses[2]
    assert losses[2] == pytest.approx(700.0, rel=0.2)


def test_single_failures_cut_off_whom_a_plain_search_says_and_need_authority() -> None:
    network = chain(5, [(0, 1), (1, 2), (2, 3), (0, 4), (4, 3)], [1, 2, 3, 4])
    assert people_out(network, [[], [0], [1], [2], [1, 4], [5], [6, 8]]).tolist() == [0.0, 4.0, 1.0, 1.0, 4.0, 0.0, 3.0]
    hazards = [faults(np.arange(network.n_things), 0.01)]
    with pytest.raises(InputError, match="authorised"):
        worst(network, hazards)
    table = worst(network, hazards, is_authorised=True, groups={"duct": [5, 8]}, n_worst=3)
    assert table.filter(kind="thing")["name"][0] == "0"
    assert table.filter(kind="group")["people_out"].to_list() == [4.0]
    best = table.filter(kind="pair").row(0, named=True)
    assert best["people_out"] >= 2.0
    down = things_down_h_per_year(network, hazards, 8_000)
    assert np.allclose(down, 0.01 * HOURS_PER_YEAR, rtol=0.2)


def test_no_runs_and_no_chunks_are_refused_together() -> None:
    with pytest.raises(InputError) as caught:
        run(star(1), [], 0, chunk_blocks=0)
    assert len(caught.value.problems) == 2
