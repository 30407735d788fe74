"""Attacks on small networks whose answers are known, intervals that hold, and what may not be printed."""

from __future__ import annotations

import numpy as np
import pytest

from rahdari.errors import InputError
from rahdari.methods.attack import attack_curve, drop_vendor, jamming, pair_under_attack, regional_attack
from rahdari.methods.exposure import lost_without
from rahdari.methods.network import Network, make_network

PEOPLE = {"a": 10.0, "b": 20.0, "c": 30.0, "d": 40.0}


@pytest.fixture
def ladder() -> Network:
    """Return a chain a - b - c - d along a parallel, 0.1 degrees apart, with a second link from b to d."""
    ends = [("a", "b"), ("b", "c"), ("c", "d"), ("b", "d")]
    return make_network(
        "abcd", ["ab", "bc", "cd", "bd"], ends, 10.0, node_lon_deg=[70.0, 70.1, 70.2, 70.3],
        node_lat_deg=[30.0, 30.0, 30.0, 30.2],
    )  # fmt: skip


def test_a_targeted_attack_takes_the_link_that_loses_most_first(ladder: Network) -> None:
    table = attack_curve(ladder, PEOPLE, ["a"], "targeted", [1])
    assert table["lost_frac"].to_list() == [pytest.approx(0.9)]
    assert set(table["classification"]) == {"secret"}


def test_random_attacks_have_the_mean_of_all_sets_within_their_spread(ladder: Network) -> None:
    table = attack_curve(ladder, PEOPLE, ["a"], "random", [1], n_draws=4000)
    every = np.mean([lost_without(ladder, PEOPLE, ["a"], [link]) for link in ladder.link_id]) / 100.0
    assert table["lost_frac"][0] == pytest.approx(every, abs=0.03)
    assert table["low_frac"][0] <= table["lost_frac"][0] <= table["high_frac"][0]


def test_draws_depend_on_the_seed_alone(ladder: Network) -> None:
    one, two = (attack_curve(ladder, PEOPLE, ["a"], n_failed=[2], seed=3) for _ in range(2))
    assert one.equals(two)


def test_a_circle_takes_what_lies_in_it_and_a_corridor_what_it_crosses(ladder: Network) -> None:
    circle = regional_attack(ladder, PEOPLE, ["a"], [(70.1, 30.0)], 2.0)
    assert (circle.node_id, set(circle.link_id)) == (("b",), {"ab", "bc", "bd"})
    assert circle.n_people == 90.0
    corridor = regional_attack(ladder, PEOPLE, ["a"], [(70.15, 29.9), (70.15, 30.01)], 0.5)
    assert corridor.node_id == ()
    assert corridor.link_id == ("bc",)
    assert corridor.n_people == 0.0


def test_a_wider_circle_never_loses_less(ladder: Network) -> None:
    lost = [regional_attack(ladder, PEOPLE, ["a"], [(70.2, 30.0)], radius).n_people for radius in (1.0, 12.0, 40.0)]
    assert lost == sorted(lost)


def test_without_a_vendor_all_that_hangs_on_its_boxes_is_lost(ladder: Network) -> None:
    table = drop_vendor(ladder, PEOPLE, ["a"], {"b": "A", "c": "B", "cd": "B"})
    assert dict(table.select("vendor_id", "n_people").iter_rows()) == {"A": 90.0, "B": 30.0}


def test_a_pair_under_attack_is_worth_what_its_links_survive(ladder: Network) -> None:
    sure = make_network("ab", ["x", "y"], [("a", "b"), ("a", "b")], 0.0, link_availability_frac=1.0)
    assert float(pair_under_attack(sure, "a", "b", 72.0, hit_frac=0.3)) == pytest.approx(1.0 - 0.3**2)
    calm, long, hit = (
        float(pair_under_attack(ladder, "a", "d", hours, hit_frac=frac)) for hours, frac in ((1, 0), (900, 0), (1, 0.2))
    )
    assert calm > long
    assert calm > hit


def test_a_stronger_jammer_denies_more_and_a_stronger_signal_less() -> None:
    away = np.array([0.5, 2.0, 8.0, 20.0])
    weak, strong = (
        jamming(away, -85.0, jammer_eirp_dbm=power, frequency_ghz=1.8, bandwidth_mhz=20.0) for power in (30.0, 60.0)
    )
    assert weak.radius_km < strong.radius_km
    assert weak.is_denied.sum() < strong.is_denied.sum()
    near = jamming(away, -60.0, jammer_eirp_dbm=60.0, frequency_ghz=1.8, bandwidth_mhz=20.0)
    assert near.radius_km < strong.radius_km


def test_what_cannot_be_played_is_refused(ladder: Network) -> None:
    with pytest.raises(InputError):
        attack_curve(ladder, PEOPLE, ["a"], n_failed=[9])
    with pytest.raises(InputError):
        regional_attack(make_network("ab", ["x"], [("a", "b")], 1.0), {"a": 1.0}, ["a"], [(0.0, 0.0)], 1.0)
    with pytest.raises(InputError):
        drop_vendor(ladder, PEOPLE, ["a"], {"nobody": "A"})
    with pytest.raises(InputError):
        pair_under_attack(ladder, "a", "d", 1.0, hit_frac=2.0)


def test_struck_names_stay_out_of_print(ladder: Network) -> None:
    assert "bc" not in repr(regional_attack(ladder, PEOPLE, ["a"], [(70.1, 30.0)], 2.0))
