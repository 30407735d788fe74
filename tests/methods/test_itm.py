"""The adapter of the second opinion without its library, and what it refuses with it."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from rahdari.errors import InputError
from rahdari.methods import itm
from rahdari.methods.itm import is_installed, itm_loss_db, itm_losses

DISTANCE_KM = np.linspace(0.0, 10.0, 51)
FLAT_M = np.zeros(51)


def test_without_the_library_the_message_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "itmlogic", None)
    assert not is_installed()
    with pytest.raises(InputError) as caught:
        itm_loss_db(DISTANCE_KM, FLAT_M, 1.8, 30.0, 1.5)
    (problem,) = caught.value.problems
    assert "not installed" in problem.what
    assert "pip install 'rahdari[itm]'" in problem.cure


@pytest.fixture
def present(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the checks of input run whether the library is there or not: they come before it is called."""
    monkeypatch.setattr(itm, "require_library", lambda: None)


@pytest.mark.usefixtures("present")
@pytest.mark.parametrize(
    ("column", "given"),
    [
        ("frequency_ghz", {"frequency_ghz": 23.0}),
        ("tx_height_m", {"tx_height_m": 0.2}),
        ("rx_height_m", {"rx_height_m": 5_000.0}),
        ("n0", {"n0": 45.0}),
        ("surface_n", {"surface_n": 500.0}),
        ("time_pct", {"time_pct": 0.0}),
        ("confidence_pct", {"confidence_pct": 100.0}),
        ("polarisation", {"polarisation": "circular"}),
        ("climate", {"climate": 8}),
    ],
)
def test_what_lies_outside_the_models_range_is_refused_by_name(column: str, given: dict) -> None:
    usual = {"frequency_ghz": 1.8, "tx_height_m": 30.0, "rx_height_m": 1.5}
    with pytest.raises(InputError) as caught:
        itm_loss_db(DISTANCE_KM, FLAT_M, **(usual | given))
    assert [problem.column for problem in caught.value.problems] == [column]


@pytest.mark.usefixtures("present")
def test_every_bad_profile_is_told_with_its_row() -> None:
    good = DISTANCE_KM
    distances = [good, good, 0.05 * good, np.sqrt(10.0 * good), good[:2]]
    heights = [FLAT_M, np.where(good > 0.0, FLAT_M, np.nan), FLAT_M, FLAT_M, FLAT_M[:2]]
    with pytest.raises(InputError) as caught:
        itm_losses(distances, heights, 1.8, 30.0, 1.5)
    told = [(problem.row, problem.what) for problem in caught.value.problems]
    assert told == [
        (2, "a profile has a point without a height"),
        (3, "a path is outside the model's range"),
        (4, "a profile has unequal steps"),
        (5, "a profile has too few points, or not one height a point"),
    ]


@pytest.mark.usefixtures("present")
def test_profiles_of_height_and_distance_must_be_as_many() -> None:
    with pytest.raises(InputError, match="do not match"):
        itm_losses([DISTANCE_KM], [], 1.8, 30.0, 1.5)
