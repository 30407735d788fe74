"""Sun on panels against pvlib's own chain and published solar positions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import polars as pl
import pytest
from pvlib import solarposition

from rahdari.errors import InputError
from rahdari.methods.sunlight import (
    Climate,
    Panel,
    cloud_frac,
    measured_sunlight,
    sun_angles,
    sun_directions,
    sunlight,
    weather_cell_of,
)

if TYPE_CHECKING:
    from pathlib import Path

CELLS = pl.DataFrame({"weather_cell_id": ["quetta", "lahore"], "lon_deg": [67.0, 74.3], "lat_deg": [30.2, 31.5],
                      "elevation_m": [1680.0, 217.0]})  # fmt: skip


@pytest.mark.parametrize(("lat", "lon"), [(31.5, 74.3), (-33.9, 18.4), (0.0, -78.5), (64.1, -21.9)])
def test_the_sun_stands_where_pvlib_puts_it(lat: float, lon: float) -> None:
    sun = sun_directions(2025, 5.0)
    zenith, azimuth = sun_angles(sun, lat, lon)
    at = pd.date_range("2025-01-01 00:30", periods=8760, freq="h", tz="Etc/GMT-5")
    seen = solarposition.spa_python(at, lat, lon)
    np.testing.assert_allclose(zenith, seen["zenith"], atol=0.005)
    away = (azimuth - seen["azimuth"].to_numpy() + 180.0) % 360.0 - 180.0
    assert np.abs(away * np.sin(np.radians(zenith))).max() < 0.005


def test_the_sun_stands_where_the_worked_example_of_nrel_puts_it() -> None:
    """Reda and Andreas, NREL/TP-560-34302, table A5.1: zenith 50.11162 (refracted), azimuth 194.34024 degrees."""
    hours_since_new_year = (pd.Timestamp("2003-10-17 12:30:30") - pd.Timestamp("2003-01-01")).total_seconds() / 3600.0
    # Hour k's middle is the wanted instant where the clock is set off by the rest.
    whole = int(hours_since_new_year)
    offset = -7.0 + (whole + 0.5 - hours_since_new_year)
    sun = sun_directions(2003, offset, whole + 1)
    zenith, azimuth = sun_angles(sun, 39.742476, -105.1786)
    assert azimuth[whole] == pytest.approx(194.34024, abs=0.005)
    refraction_deg = 0.0158  # at 820 mbar and 11 C, same table: topocentric elevation with and without it
    assert zenith[whole] - refraction_deg == pytest.approx(50.11162, abs=0.005)


def test_a_year_of_a_cell_lies_where_solar_atlases_put_it() -> None:
    year = sunlight(CELLS)
    assert year.cell_id == ("lahore", "quetta")
    lahore, quetta = year.pv_kwh_per_kwp.sum(axis=1)
    assert 1250.0 < lahore < 1750.0
    assert 1450.0 < quetta < 2050.0
    assert quetta > lahore
    assert (year.pv_kwh_per_kwp >= 0.0).all()
    assert year.pv_kwh_per_kwp.max() < 1.1


def test_noon_lies_at_noon_and_night_is_dark() -> None:
    hours = sunlight(CELLS).pv_kwh_per_kwp.reshape(2, 365, 24).mean(axis=1)
    assert set(hours.argmax(axis=1).tolist()) <= {11, 12, 13}
    assert not hours[:, [0, 1, 2, 3, 22, 23]].any()


def test_panels_turned_to_the_sun_give_more_than_panels_turned_away() -> None:
    south, north = (sunlight(CELLS, panel=Panel(30.0, towards)).pv_kwh_per_kwp.sum() for towards in (180.0, 0.0))
    assert south > 1.2 * north


def test_the_mean_clearness_of_months_comes_out_over_many_cells() -> None:
    climate = Climate()
    month = np.repeat(np.arange(12), 24 * 30)
    found = np.mean([cloud_frac(climate, month, seed, "c").reshape(12, -1).mean(axis=1) for seed in range(300)], axis=0)
    np.testing.assert_allclose(found, climate.clear_frac, atol=0.02)


def test_weather_is_shared_by_cells_in_part() -> None:
    climate, month = Climate(), np.repeat(np.arange(12), 24 * 30)
    a, b = (np.concatenate([cloud_frac(climate, month, s, name)[::24] for s in range(40)]) for name in "ab")
    correlation = np.corrcoef(a, b)[0, 1]
    assert 0.3 < correlation < 0.7  # 0.7 squared is 0.49


def test_a_second_call_reads_the_files_of_the_first(tmp_path: Path) -> None:
    first = sunlight(CELLS, cache_dir=tmp_path / "sun")
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "sun").iterdir()}
    assert len(files) == 2
    second = sunlight(CELLS[::-1], cache_dir=tmp_path / "sun")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "sun").iterdir()} == files
    np.testing.assert_array_equal(first.pv_kwh_per_kwp, second.pv_kwh_per_kwp)
    sunlight(CELLS, Climate(linke_turbidity=3.0), cache_dir=tmp_path / "sun")
    assert len(list((tmp_path / "sun").iterdir())) == 4


def test_a_broken_file_is_made_again(tmp_path: Path) -> None:
    first = sunlight(CELLS, cache_dir=tmp_path)
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:100])
    np.testing.assert_array_equal(sunlight(CELLS, cache_dir=tmp_path).pv_kwh_per_kwp, first.pv_kwh_per_kwp)


def test_measured_light_of_a_file_takes_the_place_of_the_model(tmp_path: Path) -> None:
    hour = np.arange(48)
    light = np.maximum(0.0, 900.0 * np.sin((hour % 24 - 6.0) / 12.0 * np.pi))
    frame = pl.DataFrame({"at_h": hour, "ghi_w_m2": light, "temperature_c": np.full(48, 20.0)})
    path = tmp_path / "station.csv"
    frame.write_csv(path)
    given = measured_sunlight("c", 74.3, 31.5, path)
    assert given.pv_kwh_per_kwp.shape == (1, 48)
    half = measured_sunlight("c", 74.3, 31.5, frame.with_columns(pl.col("ghi_w_m2") * 0.0))
    assert given.pv_kwh_per_kwp.sum() > 5.0
    assert half.pv_kwh_per_kwp.sum() == 0.0


def test_faults_of_a_weather_file_are_told_at_once() -> None:
    frame = pl.DataFrame({"at_h": [0, 2], "ghi_w_m2": [-5.0, 1.0], "temperature_c": [20.0, None]})
    with pytest.raises(InputError) as caught:
        measured_sunlight("c", 74.3, 31.5, frame)
    assert {problem.column for problem in caught.value.problems} == {"at_h", "ghi_w_m2", "temperature_c"}


def test_cells_off_the_globe_and_wrong_clearness_are_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        sunlight(CELLS.with_columns(lat_deg=pl.lit(99.0)), Climate(clear_frac=(1.0,)))
    assert {problem.column for problem in caught.value.problems} == {"lat_deg", "clear_frac"}


def test_points_of_one_square_share_a_cell() -> None:
    found = weather_cell_of([74.26, 74.49, 74.51], [31.51, 31.74, 31.51])
    assert found["weather_cell_id"].n_unique() == 2
