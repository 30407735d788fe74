"""Loss of load against the IEEE Reliability Test System (1979), by convolution and by drawing."""

from __future__ import annotations

import numpy as np
import pytest

from rahdari.errors import InputError
from rahdari.methods.loss_of_load import capacity_outages, loss_of_load_h, sampled_loss_of_load_h, unserved_value_h

PEAK_MW = 2850.0
# IEEE RTS-79 (IEEE Transactions PAS-98, 1979), table 5: size in MW, forced outage rate, number of units.
UNITS = (
    (12, 0.02, 5), (20, 0.10, 4), (50, 0.01, 6), (76, 0.02, 4), (100, 0.04, 3), (155, 0.04, 4), (197, 0.05, 3),
    (350, 0.08, 1), (400, 0.12, 2),
)  # fmt: skip
# Table 1: weekly peak in per cent of the yearly.
WEEKS = (
    86.2, 90, 87.8, 83.4, 88, 84.1, 83.2, 80.6, 74, 73.7, 71.5, 72.7, 70.4, 75, 72.1, 80, 75.4, 83.7, 87, 88,
    85.6, 81.1, 90, 88.7, 89.6, 86.1, 75.5, 81.6, 80.1, 88, 72.2, 77.6, 80, 72.9, 72.6, 70.5, 78, 69.5, 72.4, 72.4,
    74.3, 74.4, 80, 88.1, 88.5, 90.9, 94, 89, 94.2, 97, 100, 95.2,
)  # fmt: skip
DAYS = (93, 100, 98, 96, 94, 77, 75)  # table 2: daily peak, Monday first
# Table 3: hours of weekdays and weekends in winter (weeks 1 to 8, 44 to 52), summer (18 to 30), spring and autumn.
WINTER = (
    (67, 63, 60, 59, 59, 60, 74, 86, 95, 96, 96, 95, 95, 95, 93, 94, 99, 100, 100, 96, 91, 83, 73, 63),
    (78, 72, 68, 66, 64, 65, 66, 70, 80, 88, 90, 91, 90, 88, 87, 87, 91, 100, 99, 97, 94, 92, 87, 81),
)
SUMMER = (
    (64, 60, 58, 56, 56, 58, 64, 76, 87, 95, 99, 100, 99, 100, 100, 97, 96, 96, 93, 92, 92, 93, 87, 72),
    (74, 70, 66, 65, 64, 62, 62, 66, 81, 86, 91, 93, 93, 92, 91, 91, 92, 94, 95, 95, 100, 93, 88, 80),
)
BETWEEN = (
    (63, 62, 60, 58, 59, 65, 72, 85, 95, 99, 100, 99, 93, 92, 90, 88, 90, 92, 96, 98, 96, 90, 80, 70),
    (75, 73, 69, 66, 65, 65, 68, 74, 83, 89, 92, 94, 91, 90, 90, 86, 85, 88, 92, 100, 97, 95, 90, 85),
)
SUMMER_WEEKS, WINTER_ENDS = range(18, 31), (8, 44)


def load_mw() -> np.ndarray:
    """Return the 8,736 hourly loads of the test system."""
    hours = []
    for number, week in enumerate(WEEKS, start=1):
        is_winter = number <= WINTER_ENDS[0] or number >= WINTER_ENDS[1]
        shape = WINTER if is_winter else SUMMER if number in SUMMER_WEEKS else BETWEEN
        for weekday, day in enumerate(DAYS):
            hours.append(PEAK_MW * week * day * np.array(shape[weekday >= 5]) / 1e6)
    return np.concatenate(hours)


def units() -> list[tuple[list[float], list[float]]]:
    return [([float(size), 0.0], [1.0 - rate, rate]) for size, rate, n in UNITS for _ in range(n)]


def test_the_test_system_of_1979_loses_load_for_9_39418_hours_a_year() -> None:
    assert load_mw().size == 8736
    assert loss_of_load_h(units(), load_mw()) == pytest.approx(9.39418, abs=5e-6)
    assert unserved_value_h(units(), load_mw()) == pytest.approx(1176.3, abs=0.1)


def test_drawn_words_lose_load_as_often_as_the_convolution() -> None:
    capacity = [size for size, _, n in UNITS for _ in range(n)]
    rate = [rate for _, rate, n in UNITS for _ in range(n)]
    mean, error = sampled_loss_of_load_h(capacity, rate, load_mw(), 100_000)
    assert abs(mean - 9.39418) < 4.0 * error
    assert error < 0.5


def test_units_of_several_states_add_up_to_the_enumeration_of_all() -> None:
    three = [([10.0, 4.5, 0.0], [0.9, 0.07, 0.03]), ([3.3, 0.0], [0.8, 0.2]), ([7.0, 7.0, 1.0], [0.5, 0.3, 0.2])]
    table = capacity_outages(three)
    assert table.chance_frac.sum() == pytest.approx(1.0, abs=1e-12)
    for load in (0.0, 4.0, 8.8, 12.5, 20.3):
        chance = missing = 0.0
        for i in np.ndindex(3, 2, 3):
            p = np.prod([three[k][1][s] for k, s in enumerate(i)])
            short = load - sum(three[k][0][s] for k, s in enumerate(i))
            chance += p * (short > 1e-9)
            missing += p * max(short, 0.0)
        got = table.shortfall(load)
        assert float(got[0]) == pytest.approx(chance, abs=1e-12)
        assert float(got[1]) == pytest.approx(missing, abs=1e-12)


def test_units_whose_chances_do_not_add_up_are_all_named() -> None:
    with pytest.raises(InputError) as caught:
        capacity_outages([([1.0, 0.0], [0.5, 0.4]), ([1.0], [0.5, 0.5]), ([-1.0], [1.0])])
    assert len(caught.value.problems) == 3
