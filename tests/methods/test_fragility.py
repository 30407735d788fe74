"""Fragility curves: the catalogue's, a user's own, and what is refused."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.stats import lognorm

from rahdari.errors import InputError
from rahdari.methods.fragility import Fragility, fragility, fragility_of, lognormal_curve, point_curve
from rahdari.sources.pack import PACKS_FOLDER, load_pack


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return load_pack(PACKS_FOLDER / "common")["fragility_curves"]


@pytest.fixture(scope="module")
def catalogue(table: pl.DataFrame) -> Fragility:
    return fragility_of(table)


def test_a_lognormal_curve_is_that_of_scipy_and_its_bounds_enclose_it() -> None:
    curve = lognormal_curve("tower", "flood", "light", 0.6, 0.5, low_value=0.3, high_value=1.0)
    x = np.array([-1.0, 0.0, 0.1, 0.6, 2.0])
    assert np.allclose(curve.chance_frac(x)[1:], lognorm(0.5, scale=0.6).cdf(x[1:]), atol=1e-14)
    assert curve.chance_frac(x)[0] == 0.0
    assert (curve.chance_frac(x, "low") <= curve.chance_frac(x)).all()
    assert (curve.chance_frac(x) <= curve.chance_frac(x, "high")).all()


def test_a_curve_that_falls_is_refused_where_it_falls_with_all_other_faults() -> None:
    with pytest.raises(InputError) as caught:
        point_curve("tower", "flood", "light", [0.0, 1.0, 2.0, 3.0], [0.0, 0.5, 0.4, 1.2], low_frac=[0, 0.6, 0.1, 0.1])
    text = str(caught.value)
    assert "not monotone: damage_frac falls from 0.5 to 0.4 at intensity 2" in text
    assert "damage_low_frac falls" in text
    assert "leaves 0 to 1" in text
    assert "bounds cross" in text


def test_the_catalogue_never_damages_less_with_more_and_says_that_it_is_assumed(
    catalogue: Fragility, table: pl.DataFrame
) -> None:
    for curve in catalogue.curves:
        assert curve.median_value is not None
        x = curve.median_value[1] * np.linspace(0.0, 5.0, 200)
        assert (np.diff(curve.chance_frac(x)) >= 0.0).all()
    assert set(table["evidence"]) == {"assumed"}
    assert (table["median_low_value"] < table["median_value"]).all()


def test_damage_goes_on_to_worse_states_as_the_curves_say(catalogue: Fragility) -> None:
    depth = np.array([0.4, 1.0, 3.0])
    chance, worse = catalogue.damage("tower", "flood", depth)
    curves = catalogue.of("tower", "flood")
    assert np.allclose(chance, curves[0].chance_frac(depth))
    assert np.allclose(chance * worse[:, 0] * worse[:, 1], curves[2].chance_frac(depth))
    nothing, _ = catalogue.damage("rooftop", "landslide", depth)
    assert (nothing == 0.0).all()


def test_a_user_replaces_a_curve_by_points(table: pl.DataFrame) -> None:
    points = pl.DataFrame(
        {
            "curve_id": ["fibre_buried_flood_moderate"] * 3,
            "intensity_value": [1.0, 2.0, 4.0],
            "damage_frac": [0.0, 0.1, 0.3],
        }
    )
    chance, worse = fragility_of(table, points).damage("fibre_buried", "flood", [3.0, 9.0])
    assert chance.tolist() == pytest.approx([0.2, 0.3])
    assert worse[:, 0].tolist() == [1.0, 1.0]
    falling = points.with_columns(damage_frac=pl.Series([0.3, 0.1, 0.2]))
    unknown = falling.with_columns(curve_id=pl.lit("nobody"))
    with pytest.raises(InputError, match="not monotone"):
        fragility_of(table, falling)
    with pytest.raises(InputError, match="nobody"):
        fragility_of(table, unknown)


def test_a_worse_state_likelier_than_a_lighter_one_is_refused() -> None:
    light, complete = (
        lognormal_curve("tower", "flood", state, median, 0.4) for state, median in (("light", 2.0), ("complete", 1.0))
    )
    with pytest.raises(InputError, match="likelier than light"):
        fragility([light, complete])
    with pytest.raises(InputError, match="two curves"):
        fragility([light, light])


def test_repair_of_a_state_without_a_curve_is_that_of_the_next_lighter(catalogue: Fragility) -> None:
    hours, _ = catalogue.repair(["tower", "microwave", "fibre_buried"], "flood")
    assert hours[0].tolist() == [4.0, 12.0, 48.0, 240.0]
    assert hours[1].tolist() == [4.0, 4.0, 24.0, 24.0]
    assert hours[2].tolist() == [12.0] * 4
