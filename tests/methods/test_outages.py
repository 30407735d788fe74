"""Feeder outages: means of classes, lengths, correlation, national failures, draws that depend on nothing else."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rahdari.errors import InputError
from rahdari.methods.outages import (
    Shedding,
    collapses,
    company_feeders,
    down_fracs,
    ends_fracs,
    feeder_outages,
    outage_table,
    scaled,
)
from rahdari.methods.site_power_input import feeder_parts

CALM = Shedding(collapses_per_year=0.0)


def feeders(n: int, hours: float, company: str = "c") -> pl.DataFrame:
    names = [f"f{i:04d}" for i in range(n)]
    return pl.DataFrame({"feeder_id": names, "company_id": company, "outage_h_per_day": hours})


@pytest.mark.parametrize("hours", [0.0, 0.5, 2.0, 6.0, 12.0, 16.0, 20.0, 23.5, 24.0])
def test_the_mean_hours_of_a_class_come_out(hours: float) -> None:
    found = feeder_outages(feeders(300, hours), Shedding(collapses_per_year=0.0, shared_frac=0.0))
    # An hour's state resembles the next few: some 5 hours of memory leave 300 * 8760 / 10 draws of their own.
    spread = 4.0 * 24.0 * np.sqrt(hours / 24 * (1 - hours / 24) / (300 * 8760 / 30)) + 1e-9
    assert found.outage_h().mean() / 365 == pytest.approx(hours, abs=spread)


def test_outages_follow_the_course_of_the_day() -> None:
    found = feeder_outages(feeders(400, 4.0), Shedding(collapses_per_year=0.0, shared_frac=0.0))
    by_hour = 1.0 - found.parts.reshape(400, 365, 24).mean(axis=(0, 1)) / 65535
    np.testing.assert_allclose(by_hour, down_fracs(np.array([4.0]))[0], atol=0.006)


@pytest.mark.parametrize("mean_h", [1.5, 3.0, 6.0])
def test_outages_are_as_long_as_asked_and_geometric(mean_h: float) -> None:
    how = Shedding(mean_outage_h=mean_h, collapses_per_year=0.0, shared_frac=0.0)
    length = outage_table(feeder_outages(feeders(200, 4.0), how))["length_h"].to_numpy()
    assert length.mean() == pytest.approx(mean_h, rel=0.02)
    assert (length > 2.0).mean() == pytest.approx((1.0 - 1.0 / mean_h) ** 2, abs=0.01)


@given(st.lists(st.floats(0.0, 24.0), min_size=1, max_size=20), st.floats(1.0, 100.0))
def test_every_chance_lies_between_none_and_certain(hours: list[float], mean_h: float) -> None:
    down = down_fracs(np.array(hours))
    np.testing.assert_allclose(down.sum(axis=1), hours, atol=1e-9)
    ends = ends_fracs(down, mean_h)
    falls = np.roll(down, -1, axis=1) - down * (1.0 - ends[:, None])
    assert (down >= 0.0).all()
    assert (down <= 1.0 + 1e-12).all()
    assert (falls >= -1e-12).all()
    assert (falls <= 1.0 - down + 1e-12).all()


def correlation(shared: float) -> float:
    found = feeder_outages(feeders(40, 8.0), Shedding(shared_frac=shared, collapses_per_year=0.0), seed=4)
    states = (found.parts == 0).astype(float)
    return float(np.corrcoef(states)[np.triu_indices(40, 1)].mean())


def test_feeders_of_a_company_fall_together_as_far_as_they_share_draws() -> None:
    none, some, all_of_them = correlation(0.0), correlation(0.5), correlation(1.0)
    assert abs(none) < 0.04  # the course of the day, which all follow, is all that they have in common
    assert 0.1 < some < 0.9
    assert all_of_them == pytest.approx(1.0)


def test_feeders_of_two_companies_do_not() -> None:
    table = pl.concat([feeders(1, 8.0), feeders(1, 8.0, "d").with_columns(feeder_id=pl.lit("g"))])
    states = (feeder_outages(table, Shedding(shared_frac=1.0, collapses_per_year=0.0)).parts == 0).astype(float)
    assert abs(np.corrcoef(states)[0, 1]) < 0.06


def test_a_feeders_year_does_not_change_with_what_else_is_drawn() -> None:
    whole = feeder_outages(feeders(50, 6.0))
    few = feeder_outages(feeders(50, 6.0)[[30, 7]])
    np.testing.assert_array_equal(few.parts, whole.parts[[7, 30]])
    assert not np.array_equal(feeder_outages(feeders(50, 6.0), seed=2).parts, whole.parts)


def test_a_national_failure_takes_all_feeders_and_gives_them_back_over_time() -> None:
    event = (np.array([100.0]), np.array([20.0]))
    dark = feeder_outages(feeders(500, 0.0), CALM, events=event).outage_h()
    assert dark.min() >= 10.0 - 1e-3
    assert dark.max() <= 20.0 + 1e-3
    assert dark.mean() == pytest.approx(15.0, abs=0.6)


def test_failures_are_as_frequent_and_as_long_as_stated() -> None:
    drawn = [collapses(Shedding(), 8760, np.random.Generator(np.random.Philox(seed))) for seed in range(4000)]
    lengths = np.concatenate([length for _, length in drawn])
    assert lengths.size / 4000 == pytest.approx(0.4, abs=0.04)
    assert lengths.mean() == pytest.approx(18.0, rel=0.04)


def test_a_table_of_outages_gives_back_the_hours() -> None:
    found = feeder_outages(feeders(30, 5.0), events=(np.array([50.3]), np.array([7.9])))
    table = outage_table(found)
    at = table["feeder_id"].replace_strict(list(found.feeder_id), np.arange(30), return_dtype=pl.Int64()).to_numpy()
    again = feeder_parts(30, at, table["start_h"].to_numpy(), table["length_h"].to_numpy(), 8760)
    assert np.abs(again.astype(int) - found.parts.astype(int)).max() <= 2


def test_classes_of_a_company_reproduce_its_mean_and_its_heavy_share() -> None:
    companies = pl.DataFrame({"company_id": ["a", "b"], "n_feeders": [1376, 100], "heavy_frac": [642 / 1376, 0.0],
                              "outage_h_per_day": [10.0, 2.0]})  # fmt: skip
    found = company_feeders(companies)
    means = found.group_by("company_id", maintain_order=True).agg(
        pl.col("outage_h_per_day").mean(), heavy=(pl.col("outage_h_per_day") > 10.0).sum()
    )
    assert means["outage_h_per_day"].to_list() == pytest.approx([10.0, 2.0])
    assert means["heavy"].to_list() == [642, 0]


@given(st.integers(0, 5), st.floats(0.0, 23.0))
def test_scaled_classes_stay_within_a_day(n_heavy: int, mean: float) -> None:
    hours = np.array([*[12.0, 16.0, 20.0, 12.0, 16.0][:n_heavy], 0.0, 2.0, 6.0, 7.0])
    found = scaled(hours, n_heavy, mean * hours.size)
    assert (found >= 0.0).all()
    assert (found <= 24.0).all()


def test_all_faults_are_told_at_once() -> None:
    table = pl.DataFrame({"feeder_id": ["a", "a"], "company_id": ["c", "c"], "outage_h_per_day": [-1.0, 30.0]})
    with pytest.raises(InputError) as caught:
        feeder_outages(table, Shedding(mean_outage_h=0.1, shared_frac=2.0))
    assert {p.column for p in caught.value.problems} == {
        "outage_h_per_day",
        "feeder_id",
        "mean_outage_h",
        "shared_frac",
    }
