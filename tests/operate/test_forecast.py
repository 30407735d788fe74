"""What batteries foretell."""

from __future__ import annotations

import pytest

from rahdari.operate.alarms import AlarmBook
from rahdari.operate.forecast import MOST_STEPS, Question, dies_at_s, steps
from rahdari.operate.incidents import Reasoner
from rahdari.operate.replay import replay
from tests.operate.story_case import network, told


@pytest.mark.parametrize(
    ("low_s", "dies_s"),
    [
        (None, 14_400.0),
        (13_800.0, 14_400.0),  # a warning in time changes nothing
        (4_000.0, 5_000.0),  # an aged battery: four fifths gone after 4,000 s
        (16_000.0, 20_000.0),  # better than stated
        (-50.0, 14_400.0),  # a warning of the outage before
    ],
)
def test_a_battery_lasts_as_stated_unless_its_warning_says_otherwise(low_s: float | None, dies_s: float) -> None:
    made = network()
    assert dies_at_s(made, made.node_at["B"], 0.0, low_s) == pytest.approx(dies_s)


def test_stated_hours_and_generators_count_and_assumed_ones_are_marked() -> None:
    made = network(battery_h={"B": 2.5})
    assert dies_at_s(made, made.node_at["B"], 100.0) == 9100.0
    (one,) = steps(made, [Question({made.node_at["B"]: 1.0})])[0]
    assert not one.is_assumed
    (other,) = steps(made, [Question({made.node_at["F"]: 1.0})])[0]
    assert other.is_assumed


def test_losses_add_up_step_by_step_and_leave_out_what_is_lost_already() -> None:
    made = network()
    b, f, m = (made.node_at[name] for name in "BFM")
    found = steps(made, [Question({f: 10.0, b: 20.0, m: 30.0}), Question({m: 1.0}, frozenset({m}))])
    assert [(each.at_s, each.n_sites, each.n_customers) for each in found[0]] == [
        (10.0, 1, 9000), (20.0, 2, 12_000), (30.0, 3, 18_000)
    ]  # fmt: skip
    assert [each.n_customers for each in found[1]] == [0]


def test_deaths_of_many_sites_are_told_in_few_steps_and_none_is_forgotten() -> None:
    made = network()
    (found,) = steps(made, [Question({node: float(node * node) for node in range(made.n_nodes)})])
    assert len(found) <= MOST_STEPS
    assert found[-1].n_sites == made.n_nodes
    assert found[-1].n_customers == int(made.customers.sum())
    assert [each.at_s for each in found] == sorted(each.at_s for each in found)


def test_the_outlook_is_of_all_sites_on_battery_and_what_is_left_for_later_says_so() -> None:
    made = network()
    book, reasoner = AlarmBook(), Reasoner(made)
    book.accept(book.folded(told(*((float(i), f"{name}:rectifier", "mainsFail") for i, name in enumerate("BFMH")))))
    found = reasoner.read(book.alarms.values(), 5.0, most_new=0)
    assert not any(each.is_forecast_known for each in found)
    found = reasoner.read(book.alarms.values(), 5.0)
    assert all(each.is_forecast_known and each.forecast for each in found)
    assert (reasoner.outlook[-1].n_sites, reasoner.outlook[-1].n_customers) == (4, 21_000)


def test_mains_that_come_back_in_time_leave_no_forecast() -> None:
    out = (0.0, "B:rectifier", "mainsFail")
    (one,) = replay(network(), told(out))
    assert [(step.at_s, step.n_customers) for step in one.forecast] == [(14_400.0, 12_000)]
    (one,) = replay(network(), told(out, (600.0, "B:rectifier", "mainsFail", "cleared")))
    assert (one.forecast, one.is_open) == ((), False)
