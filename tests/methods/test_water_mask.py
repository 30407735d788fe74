"""Water masks: analytic images, laws, and a labelled satellite image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import ndimage

from rahdari.errors import InputError
from rahdari.methods.water_mask import NO_DATA, otsu_code, water_mask

if TYPE_CHECKING:
    from pathlib import Path

METHODS = {"ndwi-otsu": 0.69, "mndwi-otsu": 0.71, "vh-otsu": 0.60}  # least intersection over union, as published
GREEN, NIR, SWIR, VH = 2, 7, 11, 1


def _scene(seed: int, rows: int = 700, columns: int = 300) -> tuple[dict[str, np.ndarray], np.ndarray]:
    draw = np.random.default_rng(seed)
    is_water = np.zeros((rows, columns), bool)
    is_water[rows // 3 : rows // 2, columns // 4 :] = True
    noise = draw.normal(0.0, 30.0, (rows, columns))
    bands = {
        "green": np.where(is_water, 900.0, 700.0) + noise,
        "nir": np.where(is_water, 200.0, 2500.0) + noise,
        "swir": np.where(is_water, 100.0, 1800.0) + noise,
        "vh": np.where(is_water, -24.0, -15.0) + draw.normal(0.0, 2.5, (rows, columns)),
    }
    return bands, is_water


@pytest.mark.parametrize("method", METHODS)
def test_water_of_a_made_up_scene_is_found(method: str) -> None:
    bands, is_water = _scene(1)
    wrong = (water_mask(bands, method) != is_water).mean()
    assert wrong < (0.01 if method == "vh-otsu" else 1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_workers_change_nothing(method: str) -> None:
    bands, _ = _scene(2)
    assert np.array_equal(water_mask(bands, method), water_mask(bands, method, n_workers=3))


def test_the_radar_mask_is_the_threshold_of_the_median() -> None:
    vh = np.round(_scene(3)[0]["vh"], 1)
    mask = water_mask({"vh": vh}, "vh-otsu")
    median = ndimage.median_filter(vh, 5)
    inner = (slice(2, -2), slice(2, -2))
    low, high = median[inner][mask[inner] == 1].max(), median[inner][mask[inner] == 0].min()
    assert high - low >= -100.0 / 2048  # one step of the codes


def test_pixels_without_data_stay_without_and_do_not_move_the_rest() -> None:
    bands, is_water = _scene(4)
    for band in bands.values():
        band[:40, :50] = np.nan
    for method in METHODS:
        mask = water_mask(bands, method)
        assert (mask[:40, :50] == NO_DATA).all()
        assert (mask[60:] == is_water[60:]).mean() > 0.99


def test_reflectances_of_zero_are_no_data_and_whole_numbers_do() -> None:
    bands = {name: band.astype(np.int16) for name, band in _scene(5)[0].items()}
    bands["green"][0, 0] = bands["nir"][0, 0] = 0
    assert water_mask(bands, "ndwi-otsu")[0, 0] == NO_DATA


def test_an_image_of_one_value_is_dry() -> None:
    assert not water_mask({"vh": np.full((8, 8), -20.0)}, "vh-otsu").any()


def test_an_image_without_any_data_says_so() -> None:
    assert (water_mask({"vh": np.full((3, 9), np.nan)}, "vh-otsu") == NO_DATA).all()


def test_otsu_is_the_best_split_of_all() -> None:
    counts = np.random.default_rng(6).integers(0, 50, 40).astype(float)
    at = np.arange(counts.size)

    def within(split: int) -> float:
        parts = [(counts[: split + 1], at[: split + 1]), (counts[split + 1 :], at[split + 1 :])]
        return sum(float(n @ (x - n @ x / n.sum()) ** 2) for n, x in parts if n.sum())

    assert within(otsu_code(counts)) == pytest.approx(min(within(k) for k in range(counts.size - 1)))


def test_all_that_is_wrong_with_the_bands_is_told_at_once() -> None:
    with pytest.raises(InputError) as error:
        water_mask({"green": np.zeros((2, 2, 2))}, "ndwi-otsu")
    assert len(error.value.problems) == 2
    with pytest.raises(InputError, match="differ in size"):
        water_mask({"green": np.ones((2, 2)), "nir": np.ones((2, 3))}, "ndwi-otsu")
    with pytest.raises(InputError, match="no method"):
        water_mask({}, "by eye")


@pytest.mark.shared
@pytest.mark.parametrize("method", METHODS)
def test_a_labelled_satellite_image_is_met_as_well_as_published(method: str, shared_folder: Path) -> None:
    import rasterio

    def read(name: str) -> np.ndarray:
        with rasterio.open(shared_folder / "validation" / "air" / f"Spain_7370579_{name}Hand.tif") as file:
            return np.asarray(file.read())

    optical, radar, label = read("S2"), read("S1"), read("Label")[0]
    bands = {"green": optical[GREEN], "nir": optical[NIR], "swir": optical[SWIR], "vh": radar[VH]}
    mask, is_labelled = water_mask(bands, method) == 1, label >= 0
    both = (mask & (label == 1) & is_labelled).sum()
    assert both / ((mask | (label == 1)) & is_labelled).sum() >= METHODS[method]
