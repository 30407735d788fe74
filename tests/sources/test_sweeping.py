"""Coverage from a table of sites and whatever terrain is at hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from rahdari import radio
from rahdari.errors import InputError
from rahdari.methods.propagation import free_space_db
from rahdari.methods.raster import Raster

SITES = pl.DataFrame({"site_id": ["a", "b"], "lon_deg": [68.0, 68.05], "lat_deg": [27.5, 27.5]})


def test_a_table_of_sites_becomes_a_map_and_coarse_terrain_is_said() -> None:
    found = radio.sweep(None, SITES, 5.0, 1.8, 1.5, resolution_m=200.0)
    best = found.layers.best_dbm[np.isfinite(found.layers.best_dbm)]
    assert found.is_coarse
    assert best.size > 1_000
    assert best.max() <= 61.0 - float(free_space_db(0.1, 1.8)) + 1.0
    assert set(np.unique(found.layers.server)) == {-1, 0, 1}


def test_a_site_without_a_place_and_a_table_without_columns_are_refused() -> None:
    with pytest.raises(InputError, match="lon_deg is missing"):
        radio.sweep(None, SITES.with_columns(lon_deg=pl.lit(None, pl.Float64())), 5.0, 1.8, 1.5)
    with pytest.raises(InputError) as caught:
        radio.sweep(None, SITES.select("lon_deg"), 5.0, 1.8, 1.5)
    assert len(caught.value.problems) == 2


def terrain(height_m: float = 150.0) -> Raster:
    """Return level ground with the sea west of 68.01 E."""
    value = np.full((240, 240), height_m, np.float32)
    value[:, :132] = 0.0
    return Raster(value, 67.9, 27.6, 1.0 / 1200.0, 1.0 / 1200.0, is_coarse=False, source="made up")


def test_model_and_resolution_may_be_given_by_place_and_any_table_of_sites_will_do() -> None:
    plain = radio.sweep(terrain(), SITES[1:], 2.0, 1.8, 1.5, model="p1812", resolution_m=90)
    tables: list[Any] = [SITES[1:], SITES[1:].to_pandas(), SITES[1:].to_dict(as_series=False)]
    for sites in tables:
        again = radio.sweep(terrain(), sites, 2.0, 1.8, 1.5, "p1812", 90)
        assert np.array_equal(again.layers.best_dbm, plain.layers.best_dbm)


def test_a_site_in_the_sea_is_refused() -> None:
    with pytest.raises(InputError, match=r"site a .* stands in the sea"):
        radio.sweep(terrain(), SITES, 2.0, 1.8, 1.5)


@pytest.mark.parametrize(
    ("column", "value", "what"),
    [
        ("tx_height_m", 4500.0, "tx_height_m of 4500"),
        ("tx_height_m", 530.0, "not above the sea: the ground there lies at 500 m"),
        ("lat_deg", 3_040_000.0, "not metres"),
        ("lon_deg", "east", "no numbers"),
        ("beamwidth_deg", 0.0, "half power"),
        ("azimuth_deg", float("inf"), "from north"),
        ("site_id", None, "no name"),
    ],
)
def test_a_site_that_cannot_be_is_refused_with_its_cure(column: str, value: object, what: str) -> None:
    sites = SITES[1:].with_columns(pl.lit(value).alias(column))
    with pytest.raises(InputError, match=what):
        radio.sweep(terrain(500.0), sites, 2.0, 1.8, 1.5)


def test_an_array_is_no_terrain_and_no_workers_do_no_work() -> None:
    with pytest.raises(InputError, match="not terrain"):
        radio.sweep(np.zeros((3, 3)), SITES, 2.0, 1.8, 1.5)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="0 workers"):
        radio.sweep(terrain(), SITES[1:], 2.0, 1.8, 1.5, n_workers=0)
