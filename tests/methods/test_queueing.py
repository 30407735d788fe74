"""Queues played event by event against their formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rahdari.errors import InputError
from rahdari.methods.queueing import mean_wait_constant_ms, played, wait_ms, waits_frac


def stream(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


@pytest.mark.parametrize(("load", "workers"), [(0.7, 1), (3.2, 4), (17.0, 20)])
def test_waits_of_many_workers_agree_with_erlang(load: float, workers: int) -> None:
    run = played([load * 10.0], [100.0], [0.0], workers, stream(1), n_jobs=120_000)
    share = waits_frac(load, workers)
    assert (run.wait_ms > 0.0).mean() == pytest.approx(share, abs=0.03)
    assert run.wait_ms.mean() == pytest.approx(share * 100.0 / (workers - load), rel=0.12)
    assert run.percentiles_ms()[0.95][0] == pytest.approx(wait_ms(load, workers, 100.0, 0.95), rel=0.12, abs=4.0)


@pytest.mark.parametrize("load", [0.3, 0.8])
def test_waits_for_jobs_of_one_length_agree_with_pollaczek_and_khinchine(load: float) -> None:
    run = played([load * 20.0], [50.0], [0.0], 1, stream(2), n_jobs=100_000, law="constant")
    assert run.wait_ms.mean() == pytest.approx(mean_wait_constant_ms(load, 50.0), rel=0.08)


def test_the_time_end_to_end_is_way_wait_and_job() -> None:
    run = played([5.0, 5.0], [20.0, 20.0], [3.0, 300.0], 2, stream(3), n_jobs=5_000, law="constant")
    way = np.where(run.stream == 0, 3.0, 300.0)
    np.testing.assert_allclose(run.whole_ms, run.wait_ms + 20.0 + way)


def test_more_workers_never_wait_longer() -> None:
    waits = [wait_ms(8.0, workers, 30.0, 0.99) for workers in range(9, 20)]
    assert waits == sorted(waits, reverse=True)
    assert math.isinf(wait_ms(8.0, 8, 30.0, 0.99))


def test_more_work_than_workers_is_refused_with_every_other_fault() -> None:
    with pytest.raises(InputError) as caught:
        played([100.0, float("nan")], [100.0, 1.0], [0.0, -1.0], 1, stream(4), n_jobs=0)
    assert len(caught.value.problems) >= 3
