"""Coverage from a table of sites and whatever terrain is at hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from rahdari import radio
from rahdari.errors import InputError
from rahdari.methods.propagation import free_space_db

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
