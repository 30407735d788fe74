from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from rahdari.errors import InputError
from rahdari.methods.cell_claims import Baseline, Spread, Unknowns, city_claims, experience_needs_capacity_ratio
from rahdari.methods.cells import (
    DAY_SHAPE,
    TechnologyCard,
    capacity_mbps,
    cells_needed_count,
    coupled_loads,
    efficiency_bps_per_hz,
    energy_kwh_per_day,
    power_w,
    user_rate_mbps,
)
from rahdari.methods.site_choice import choose_sites
from rahdari.sources.technologies import band_models, card_named, models_for, technology_cards

CARD = TechnologyCard("t", 1.8, 20.0, 1.0, 1.0, 0.6, 4.4, 1, 700.0, 300.0, 600.0, 300.0, 50.0)


def _philox(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


def _network(n: int, seed: int, strength: float) -> tuple[np.ndarray, np.ndarray, csr_array]:
    draw = _philox(seed)
    coupling = np.where(draw.random((n, n)) < 0.4, draw.random((n, n)) * strength, 0.0)
    np.fill_diagonal(coupling, 0.0)
    return draw.uniform(0.0, 30.0, n), draw.uniform(0.01, 0.3, n), csr_array(coupling)


@given(st.integers(1, 12), st.integers(0, 1000), st.floats(0.0, 0.5), st.floats(0.3, 1.0))
def test_loads_solve_their_equation_between_proven_bounds(n: int, seed: int, strength: float, damping: float) -> None:
    demand, noise, coupling = _network(n, seed, strength)
    found = coupled_loads(demand, noise, coupling, CARD, damping=damping)
    sinr = 1.0 / (noise + coupling @ found.load_frac)
    assert found.load_frac == pytest.approx(np.minimum(demand / capacity_mbps(sinr, CARD), 1.0), abs=1e-6)
    assert found.gap_frac <= 1e-9
    assert (found.lowest_frac <= found.load_frac).all()
    assert (found.load_frac <= found.highest_frac).all()


@given(st.integers(2, 10), st.integers(0, 1000), st.floats(0.0, 20.0))
def test_more_traffic_never_lowers_a_load_anywhere(n: int, seed: int, more_mbps: float) -> None:
    demand, noise, coupling = _network(n, seed, 0.2)
    before = coupled_loads(demand, noise, coupling, CARD).load_frac
    demand[0] += more_mbps
    assert (coupled_loads(demand, noise, coupling, CARD).load_frac >= before - 1e-8).all()


def test_a_lone_cell_has_the_load_of_its_own_traffic() -> None:
    rate = float(capacity_mbps(10.0, CARD))
    assert rate == pytest.approx(20.0 * 0.6 * np.log2(11.0))
    found = coupled_loads([0.25 * rate], [0.1], csr_array((1, 1)), CARD)
    assert found.load_frac == pytest.approx([0.25], abs=1e-9)
    full = coupled_loads([4.0 * rate], [0.1], csr_array((1, 1)), CARD)
    assert full.load_frac.tolist() == [1.0]
    assert full.served_mbps == pytest.approx([rate])


def test_bad_networks_are_refused_with_all_faults() -> None:
    with pytest.raises(InputError) as caught:
        coupled_loads([1.0, -1.0], [0.0], csr_array((3, 3)), CARD, damping=0.0)
    assert len(caught.value.problems) == 4
    demand, noise, coupling = _network(8, 1, 0.3)
    with pytest.raises(InputError, match="rounds"):
        coupled_loads(demand, noise, coupling, CARD, most_rounds=1)


@given(st.floats(-20.0, 40.0), st.floats(0.0, 10.0))
def test_efficiency_rises_with_signal_and_stays_below_shannon(sinr_db: float, more_db: float) -> None:
    low, high = 10.0 ** (np.array([sinr_db, sinr_db + more_db]) / 10.0)
    assert efficiency_bps_per_hz(low, CARD) <= efficiency_bps_per_hz(high, CARD) <= np.log2(1.0 + high)


def test_users_share_what_is_free() -> None:
    assert user_rate_mbps(100.0, [0.0, 0.3, 1.0, 1.5]).tolist() == [100.0, 70.0, 0.0, 0.0]
    count = cells_needed_count(300.0, 100.0, 40.0, 0.7)
    assert float(user_rate_mbps(100.0, 300.0 / (100.0 * count))) >= 40.0
    assert float(cells_needed_count(300.0, 30.0, 40.0, 0.7)) == np.inf


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.sampled_from(["micro", "light", "deep"]))
def test_power_rises_with_load_and_falls_with_sleep(load: float, asleep: float, state: str) -> None:
    found = float(power_w(CARD, load, asleep, state))
    assert CARD.deep_sleep_w <= found <= float(power_w(CARD, load)) + 1e-9
    assert float(power_w(CARD, 1.0, asleep, state)) == 1000.0
    assert float(power_w(CARD, 0.0)) == 700.0


def test_a_day_of_energy_sums_its_hours() -> None:
    hourly = energy_kwh_per_day(CARD, 0.5)
    assert hourly.shape == (24,)
    assert hourly.sum() == pytest.approx((24 * 700.0 + 0.5 * sum(DAY_SHAPE) * 300.0) / 1000.0)
    with pytest.raises(InputError, match="no sleep state"):
        power_w(CARD, 0.5, 0.1, "nap")


def test_claims_about_the_same_technology_never_hold() -> None:
    """A card that replaces itself at equal traffic changes neither experience nor energy."""
    fixed = Unknowns(
        Spread(0.5, 0.5), Spread(1.0, 1.0), Spread(0.0, 0.0), Spread(1.0, 1.0), Spread(0.1, 0.1), Spread(0.1, 0.1)
    )
    row = city_claims(CARD, CARD, _philox(), unknowns=fixed, n_draws=100).summary.row(1, named=True)
    assert row["mode"] == "replaced"
    assert row["low_experience_ratio"] == pytest.approx(1.0)
    assert row["high_energy_ratio"] == pytest.approx(1.0)
    assert row["both_hold_frac"] == 0.0


def test_city_claims_answer_with_shares_and_repeat() -> None:
    cards = card_named("4g"), card_named("5g")
    first, again = (city_claims(*cards, _philox(3), n_draws=4000) for _ in range(2))
    assert first.summary.equals(again.summary)
    for row in first.summary.iter_rows(named=True):
        assert row["both_hold_frac"] <= min(row["experience_holds_frac"], row["energy_holds_frac"])
        assert row["both_hold_per_gb_frac"] <= row["energy_per_gb_holds_frac"]
    assert first.conditions.group_by("mode", "unknown").agg(pl.col("n_draws").sum())["n_draws"].unique().to_list() == [
        4000
    ]


def test_energy_per_gigabyte_gains_from_traffic_that_grows() -> None:
    cards = card_named("4g"), card_named("5g")
    same, grown = (
        city_claims(*cards, _philox(3), baseline=Baseline(traffic_growth_ratio=growth), n_draws=4000).summary
        for growth in (1.0, 3.0)
    )
    assert (grown["median_energy_per_gb_ratio"] < same["median_energy_per_gb_ratio"]).all()
    assert (grown["median_energy_ratio"] >= same["median_energy_ratio"]).all()
    assert (grown["median_experience_ratio"] <= same["median_experience_ratio"]).all()
    with pytest.raises(InputError, match="baseline load"):
        city_claims(*cards, _philox(), baseline=Baseline(load_frac=Spread(0.5, 1.0)))


@pytest.mark.parametrize("load", [0.3, 0.5, 0.7])
def test_capacity_for_the_claim_follows_from_processor_sharing(load: float) -> None:
    ratio = experience_needs_capacity_ratio(load)
    assert (ratio - load) / (1.0 - load) == pytest.approx(2.5)


def _most_by_force(reach: np.ndarray, demand: np.ndarray, capacity: np.ndarray, n_sites: int) -> float:
    """Return the most that any choice serves: places to candidates as a mixed-integer flow."""
    edges = np.argwhere(reach)
    m, n = reach.shape
    rows = np.zeros((m + n + len(edges) + 1, m + len(edges)))
    low, high = np.full(rows.shape[0], -np.inf), np.zeros(rows.shape[0])
    for k, (j, d) in enumerate(edges):
        rows[j, m + k] = rows[m + d, m + k] = rows[m + n + k, m + k] = 1.0
        rows[m + n + k, j] = -demand[d]
    rows[np.arange(m), np.arange(m)] = -np.minimum(capacity, 1e6)
    high[m : m + n] = demand
    rows[-1, :m], high[-1] = 1.0, n_sites
    cost = np.concatenate([np.zeros(m), -np.ones(len(edges))])
    whole = np.concatenate([np.ones(m), np.zeros(len(edges))])
    bounds = Bounds(np.zeros(cost.size), np.concatenate([np.ones(m), np.full(len(edges), np.inf)]))
    found = milp(cost, constraints=LinearConstraint(rows, low, high), integrality=whole, bounds=bounds)
    assert found.fun is not None
    return -float(found.fun)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("capacity", [np.inf, 3.0])
def test_the_best_choice_lies_between_ours_and_its_bound(seed: int, capacity: float) -> None:
    draw = _philox(seed)
    reach = draw.random((12, 25)) < 0.2
    demand, can = draw.uniform(0.1, 2.0, 25), np.full(12, capacity)
    best = _most_by_force(reach, demand, can, 4)
    found = choose_sites(csr_array(reach.astype(float)), demand, can, 4)
    assert found.served.sum() <= best + 1e-6 <= found.upper_bound + 2e-6
    assert found.served.sum() >= 0.9 * best
    assert (found.served <= demand + 1e-12).all()
    assert found.chosen.size == 4
    assert found.certificate.cost >= (found.certificate.lower_bound or 0.0) - 1e-9


def test_all_sites_serve_all_they_reach_and_none_serve_nothing() -> None:
    reach = csr_array(np.eye(5))
    demand = np.arange(1.0, 6.0)
    assert choose_sites(reach, demand, np.full(5, np.inf), 9).served == pytest.approx(demand)
    assert choose_sites(reach, demand, np.full(5, np.inf), 0).served.sum() == 0.0
    assert choose_sites(reach, demand, np.full(5, np.inf), 2).chosen.tolist() == [3, 4]
    with pytest.raises(InputError):
        choose_sites(reach, -demand, np.full(5, np.inf), 2)


def test_every_card_has_falling_states_of_sleep_and_only_6g_is_a_candidate() -> None:
    cards = technology_cards()
    assert list(cards) == ["4g", "5g", "5g_advanced", "6g_candidate"]
    for card in cards.values():
        assert card.deep_sleep_w < card.light_sleep_w < card.micro_sleep_w < card.idle_w
    with pytest.raises(InputError, match="use '5g'"):
        card_named("5gg")


def test_bands_from_hf_to_optical_say_which_model_applies() -> None:
    table = band_models()
    assert table["low_ghz"].min() == 0.003
    assert (table["low_ghz"] < table["high_ghz"]).all()
    for use in ("area", "hop"):
        rows = table.filter(pl.col("use") == use).sort("low_ghz")
        reached = rows["low_ghz"][0]
        for low, high in rows.select("low_ghz", "high_ghz").iter_rows():
            assert low <= reached
            reached = max(reached, high)
    assert models_for(80.0, "hop") == ["p530"]
    assert models_for(300.0, "area") == ["not_modelled"]
    with pytest.raises(InputError, match="no use"):
        models_for(1.0, "sea")
