"""Learned order of alarms: made-up logs with a known cause, laws, and a real log with the experts' causes."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from rahdari.errors import InputError
from rahdari.methods.alarm_order import alarm_order

if TYPE_CHECKING:
    from pathlib import Path

DAY_S = 86_400.0
PUBLISHED_BEST_F1 = 0.577  # on this log, as the collection's notes state


def _log(seed: int, *, shift: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Kind 0 brings kind 1 half of the time within a minute, on a device ``shift`` further; kind 2 is on its own."""
    draw = np.random.default_rng(seed)
    at, on = draw.uniform(0, 100 * DAY_S, 400), draw.integers(0, 20, 400)
    brings = draw.random(400) < 0.5
    kinds = np.concatenate([np.zeros(400, int), np.ones(brings.sum(), int), np.full(300, 2)])
    devices = np.concatenate([on, (on[brings] + shift) % 20, draw.integers(0, 20, 300)])
    later = at[brings] + draw.uniform(5, 50, brings.sum())
    return kinds, devices, np.concatenate([at, later, draw.uniform(0, 100 * DAY_S, 300)])


@pytest.mark.parametrize("seed", range(5))
def test_the_kind_that_comes_first_is_the_cause_and_an_unrelated_kind_is_none(seed: int) -> None:
    found = alarm_order(*_log(seed))
    assert found.is_cause.tolist() == [[False, True, False], [False, False, False], [False, False, False]]
    assert found.agreement_frac[0, 1] > 0.5


@pytest.mark.parametrize("seed", range(3))
def test_a_cause_on_a_neighbour_is_found_only_where_neighbours_are_known(seed: int) -> None:
    ring = np.roll(np.eye(20, dtype=bool), 1, axis=1)
    assert not alarm_order(*_log(seed, shift=1)).is_cause.any()
    assert np.argwhere(alarm_order(*_log(seed, shift=1), neighbours=ring).is_cause).tolist() == [[0, 1]]


def test_the_order_of_rows_and_the_origin_of_time_do_not_matter() -> None:
    kinds, devices, starts = _log(1)
    order = np.random.default_rng(2).permutation(kinds.size)
    plain, mixed = alarm_order(kinds, devices, starts), alarm_order(kinds[order], devices[order], starts[order] + 4096)
    assert np.array_equal(plain.is_cause, mixed.is_cause)
    assert plain.sigma == pytest.approx(mixed.sigma)


def test_no_two_kinds_cause_each_other() -> None:
    found = alarm_order(*_log(3), least_sigma=-10.0)
    assert not (found.is_cause & found.is_cause.T).any()


def test_an_empty_log_has_no_kinds() -> None:
    assert alarm_order([], [], []).is_cause.shape == (0, 0)


def test_all_that_is_wrong_with_a_log_is_told_at_once() -> None:
    with pytest.raises(InputError) as error:
        alarm_order([0, -1], [0, 1], [0.0, float("nan")], neighbours=np.ones((1, 2)))
    assert len(error.value.problems) == 3


@pytest.mark.shared
def test_a_real_log_gives_causes_nearer_to_the_experts_than_the_best_published(shared_folder: Path) -> None:
    with tarfile.open(shared_folder / "validation" / "operate" / "18V_55N_Wireless.tar.gz") as packed:
        files = {name: packed.extractfile(f"18V_55N_Wireless/{name}") for name in ("Alarm.csv", "DAG.npy")}
        texts = {name: file.read() for name, file in files.items() if file is not None}
    log = pl.read_csv(texts["Alarm.csv"])
    true = np.load(io.BytesIO(texts["DAG.npy"]), allow_pickle=False).astype(bool)
    found = alarm_order(*(log[name].to_numpy() for name in ("alarm_id", "device_id", "start_timestamp"))).is_cause
    right = (found & true).sum()
    f1 = 2 * right / (found.sum() + true.sum())
    assert f1 > PUBLISHED_BEST_F1
