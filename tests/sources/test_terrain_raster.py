"""Terrain and clutter files: windows, projections, voids, datums, units, and files that are not what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio
from affine import Affine

from rahdari.errors import InputError
from rahdari.methods.raster import inverse_geodesic
from rahdari.sources import terrain_raster
from rahdari.sources.terrain_raster import CoarseTerrain, open_clutter, open_terrain

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from rahdari.methods.raster import Raster

STEP = 1.0 / 1200.0


def from_origin(west: float, north: float, across: float, down: float) -> Affine:
    return Affine(across, 0.0, west, 0.0, -down, north)


WEST, NORTH = 72.0, 34.0
CRS = "EPSG:4326"


def hills(n_rows: int = 120, n_columns: int = 150) -> NDArray[np.float32]:
    row, column = np.mgrid[0:n_rows, 0:n_columns]
    return np.asarray(1500.0 + 200.0 * np.sin(row / 17.0) + 150.0 * np.cos(column / 23.0), np.float32)


def write(
    path: Path,
    value: NDArray[Any],
    transform: Affine | None = None,
    crs: str | None = CRS,
    **more: Any,  # noqa: ANN401  # rasterio's
) -> Path:
    place = from_origin(WEST, NORTH, STEP, STEP) if transform is None else transform
    bands = value if value.ndim == 3 else value[None]
    profile = {"driver": "GTiff", "dtype": bands.dtype, "count": bands.shape[0], "crs": crs, "transform": place}
    with rasterio.open(path, "w", height=bands.shape[1], width=bands.shape[2], **(profile | more)) as file:
        file.write(bands)
    return path


def whole(path: Path, **options: Any) -> Raster:  # noqa: ANN401  # of open_terrain
    return open_terrain(path, **options).window(WEST, NORTH - 0.1, WEST + 0.125, NORTH)


def test_a_window_holds_the_file_s_own_cells(tmp_path: Path) -> None:
    value = hills()
    terrain = open_terrain(write(tmp_path / "dem.tif", value))
    part = terrain.window(72.03, 33.95, 72.06, 33.97)
    top, left = round((NORTH - part.north_deg) / STEP), round((part.west_deg - WEST) / STEP)
    rows, columns = part.value.shape
    assert np.array_equal(part.value, value[top : top + rows, left : left + columns])
    assert part.west_deg <= 72.03 - STEP
    assert part.south_deg <= 33.95 - STEP
    assert not part.is_coarse
    assert "dem.tif" in part.source


def test_an_srtm_tile_is_read_by_its_name(tmp_path: Path) -> None:
    value = np.full((1201, 1201), 700, ">i2")
    value[600, 600] = 900
    (tmp_path / "N33E072.hgt").write_bytes(value.tobytes())
    part = open_terrain(tmp_path / "N33E072.hgt").window(72.4, 33.4, 72.6, 33.6)
    assert float(part.sample(72.5, 33.5)) == pytest.approx(900.0, abs=0.01)
    assert float(part.sample(72.45, 33.5)) == pytest.approx(700.0, abs=0.01)


def test_a_projected_file_comes_in_degrees(tmp_path: Path) -> None:
    from pyproj import Transformer

    to_utm = Transformer.from_crs(CRS, "EPSG:32643", always_xy=True)
    x, y = to_utm.transform(72.05, 33.95)
    column = np.tile(np.arange(300), (300, 1))
    easting = x - 15_000.0 + (column + 0.5) * 100.0
    value = (1000.0 + (easting - x) / 50.0).astype(np.float32)
    path = write(tmp_path / "utm.tif", value, from_origin(x - 15_000.0, y + 15_000.0, 100.0, 100.0), "EPSG:32643")
    part = open_terrain(path).window(72.0, 33.9, 72.1, 34.0)
    for lon, lat in ((72.02, 33.93), (72.08, 33.98)):
        expected = 1000.0 + (to_utm.transform(lon, lat)[0] - x) / 50.0
        assert float(part.sample(lon, lat)) == pytest.approx(expected, abs=0.2)


def test_a_file_upside_down_is_turned(tmp_path: Path) -> None:
    value = hills()
    path = write(tmp_path / "south_up.tif", value[::-1], Affine(STEP, 0.0, WEST, 0.0, STEP, NORTH - 120 * STEP))
    assert whole(path).sample(72.05, 33.95) == pytest.approx(
        float(whole(write(tmp_path / "a.tif", value)).sample(72.05, 33.95)), abs=0.5
    )


def test_small_voids_are_filled_and_large_ones_refused_with_the_place(tmp_path: Path) -> None:
    value = hills()
    holed = value.copy()
    holed[50:55, 60:66] = -32768.0
    part = whole(write(tmp_path / "small.tif", holed, nodata=-32768.0))
    assert np.abs(part.value[50:55, 60:66] - value[50:55, 60:66]).max() < 20.0
    holed[20:80, 20:80] = -32768.0
    path = write(tmp_path / "large.tif", holed, nodata=-32768.0)
    with pytest.raises(InputError, match=r"large.tif: 20\.\d\d% of the area has no height, first near 72\.01"):
        whole(path)
    assert np.isnan(whole(path, voids="mark").value[21:79, 21:79]).all()
    assert (whole(path, voids="sea").value[21:79, 21:79] == 0.0).all()


def test_a_void_that_is_not_declared_is_known(tmp_path: Path) -> None:
    holed = hills().astype(np.int16)
    holed[10:13, 10:13] = -32768
    part = whole(write(tmp_path / "srtm.tif", holed))
    assert part.value.min() > 1000.0


def test_a_file_that_is_one_void_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "void.tif", np.full((8, 8), -32768, np.int16), nodata=-32768)
    with pytest.raises(InputError, match=r"100\.00% of the area has no height"):
        open_terrain(path).window(72.0, 33.99, 72.005, 34.0)


def test_feet_come_as_metres(tmp_path: Path) -> None:
    value = hills()
    path = write(tmp_path / "feet.tif", value / np.float32(0.3048))
    assert np.abs(whole(path, height_unit="ft").value - value).max() < 0.01
    with rasterio.open(path, "r+") as file:
        file.units = ("ft",)
    assert np.abs(whole(path).value - value).max() < 0.01


def test_heights_that_no_land_has_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "decimetres.tif", hills() * 10)
    with pytest.raises(InputError, match="which the Earth has not; state height_unit"):
        whole(path)
    assert whole(path, height_unit="dm").value.max() < 2000.0
    with pytest.raises(InputError, match="in 'fathom'"):
        open_terrain(path, height_unit="fathom")


def test_heights_above_the_ellipsoid_need_a_geoid(tmp_path: Path) -> None:
    value = hills()
    path = write(tmp_path / "ellipsoid.tif", value - 40.0)
    with pytest.raises(InputError, match="give geoid"):
        open_terrain(path, datum="ellipsoid")
    assert np.abs(whole(path, datum="ellipsoid", geoid=-40.0).value - value).max() < 0.01
    geoid = write(tmp_path / "geoid.tif", np.full((20, 20), -40.0, np.float32), from_origin(71.0, 35.0, 0.1, 0.1))
    assert np.abs(whole(path, datum="ellipsoid", geoid=geoid).value - value).max() < 0.01


def test_a_place_outside_is_refused_with_file_and_cure(tmp_path: Path) -> None:
    terrain = open_terrain(write(tmp_path / "dem.tif", hills()))
    with pytest.raises(InputError, match=r"dem.tif: covers 72.000 to 72.125 E.*rahdari data dem"):
        terrain.window(66.0, 24.0, 67.0, 25.0)


def test_a_giant_header_is_opened_and_a_giant_window_refused(tmp_path: Path) -> None:
    path = tmp_path / "giant.tif"
    step = 16.0 / 400_000
    with rasterio.open(
        path, "w", driver="GTiff", dtype="int16", count=1, crs=CRS, transform=from_origin(60.0, 40.0, step, step),
        height=400_000, width=400_000, tiled=True, sparse_ok=True, BIGTIFF="YES", nodata=-32768,
    ):  # fmt: skip
        pass
    assert path.stat().st_size < 200e6
    terrain = open_terrain(path, voids="sea")
    assert terrain.window(70.0, 30.0, 70.01, 30.01).value.size < 100_000
    with pytest.raises(InputError, match=r"giant.tif: .* cells are wanted of it.*smaller area"):
        terrain.window(60.0, 24.0, 76.0, 40.0)


def test_metres_under_the_name_of_degrees_are_refused_and_so_the_other_way(tmp_path: Path) -> None:
    metres = write(tmp_path / "metres.tif", hills(), from_origin(300_000.0, 3_700_000.0, 90.0, 90.0))
    with pytest.raises(InputError, match="says degrees but spans 300000"):
        open_terrain(metres)
    degrees = write(tmp_path / "degrees.tif", hills(), crs="EPSG:32643")
    with pytest.raises(InputError, match=r"says metres but its cells are 0.000833 wide"):
        open_terrain(degrees)


def test_what_is_no_terrain_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        open_terrain(tmp_path / "nothing.tif")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no raster"):
        open_terrain(tmp_path / "empty")
    (tmp_path / "text.tif").write_text("not a raster")
    with pytest.raises(InputError, match="no raster that can be read"):
        open_terrain(tmp_path / "text.tif")
    picture = write(tmp_path / "picture.tif", np.zeros((3, 5, 5), np.uint8))
    with pytest.raises(InputError, match="is a picture"):
        open_terrain(picture)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_file_that_does_not_say_where_it_lies_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"does not say where it lies.*a_srs"):
        open_terrain(write(tmp_path / "nowhere.tif", hills(), crs=None))


def test_a_file_cut_short_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "short.tif", hills(400, 400), compress="deflate")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"short\.tif"):
        open_terrain(path).window(72.0, 33.7, 72.3, 34.0)


def test_a_folder_of_tiles_reads_as_one_file(tmp_path: Path) -> None:
    value = hills(240, 300)
    write(tmp_path / "one.tif", value)
    (tmp_path / "tiles").mkdir()
    for r in range(2):
        for c in range(2):
            tile = value[r * 120 : (r + 1) * 120, c * 150 : (c + 1) * 150]
            place = from_origin(WEST + c * 150 * STEP, NORTH - r * 120 * STEP, STEP, STEP)
            write(tmp_path / "tiles" / f"t{r}{c}.tif", np.ascontiguousarray(tile), place)
    box = (72.08, 33.85, 72.20, 33.95)
    single, tiled = open_terrain(tmp_path / "one.tif").window(*box), open_terrain(tmp_path / "tiles").window(*box)
    lon, lat = np.linspace(72.08, 72.20, 40), np.linspace(33.85, 33.95, 40)
    assert np.abs(single.sample(lon, lat) - tiled.sample(lon, lat)).max() < 1e-3


def test_without_a_file_the_world_grid_answers_and_says_that_it_is_coarse() -> None:
    terrain = open_terrain(None)
    assert isinstance(terrain, CoarseTerrain)
    part = terrain.window(76.0, 35.5, 76.8, 36.0)
    assert part.is_coarse
    assert "5 arc minutes" in part.source
    assert 3000.0 < float(part.sample(76.4, 35.75)) < 7500.0
    assert float(open_terrain(None).window(66.0, 23.0, 67.0, 24.0).sample(66.2, 23.2)) < 50.0


def test_the_world_grid_s_cells_lie_where_its_own_reader_has_them() -> None:
    from rahdari.sources.packages.terrain import read_terrain

    box = (71.0, 33.0, 73.0, 35.0)
    lon, lat = np.meshgrid(np.linspace(71.21, 72.83, 17), np.linspace(33.21, 34.83, 17))
    ours = open_terrain(None).window(*box).sample(lon, lat, is_nearest=True)
    assert np.abs(ours - read_terrain(*box).elevation_m(lon, lat)).max() < 0.01


def test_the_baltoro_clip_is_read_with_k2_in_its_place(shared_folder: Path) -> None:
    path = shared_folder / "validation" / "terrain" / "baltoro_k2_srtm3_wgs84_clip.tif"
    if not path.is_file():
        pytest.skip("the SRTM clip of the Baltoro is absent")
    part = open_terrain(path).window(76.3, 35.6, 76.7, 35.93)
    row, column = np.unravel_index(int(part.value.argmax()), part.value.shape)
    lon, lat = part.west_deg + (column + 0.5) * part.step_lon_deg, part.north_deg - (row + 0.5) * part.step_lat_deg
    assert inverse_geodesic(float(lon), float(lat), 76.5133, 35.8825)[1] < 300.0  # K2
    assert part.value.max() == pytest.approx(8611.0, abs=60.0)  # three arc seconds cut the summit


def test_land_cover_becomes_heights_by_a_table(tmp_path: Path) -> None:
    cover = np.array([[10, 50], [80, 95]], np.uint8).repeat(20, axis=0).repeat(20, axis=1)
    path = write(tmp_path / "cover.tif", cover)
    part = open_clutter(path).window(72.0, 33.97, 72.03, 34.0)
    assert [float(part.value[r, c]) for r in (5, 35) for c in (5, 35)] == [15.0, 10.0, 0.0, 15.0]
    table = tmp_path / "classes.csv"
    table.write_text("class_id,height_m\n10,25\n50,12\n80,0\n")
    with pytest.raises(InputError, match="without a height: 95"):
        open_clutter(path, table).window(72.0, 33.97, 72.03, 34.0)
    table.write_text("class_id,height_m\n10,tall\n50,900\n")
    with pytest.raises(InputError) as failure:
        open_clutter(path, table)
    assert {problem.row for problem in failure.value.problems} == {1, 2}


def test_the_default_table_of_classes_is_that_of_the_recommendation() -> None:
    heights, problems = terrain_raster._read_classes(terrain_raster.CLUTTER_TABLE)
    assert not problems
    assert (heights[10], heights[50], heights[80]) == (15.0, 10.0, 0.0)


def test_options_that_are_none_are_refused_with_those_that_are(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", hills())
    with pytest.raises(InputError) as caught:
        open_terrain(path, voids="zero", datum="msl", geoid=float("nan"))  # type: ignore[arg-type]
    told = str(caught.value)
    assert "refuse, mark, sea" in told
    assert "geoid, ellipsoid" in told
    assert "at most 120" in told


def test_a_geoid_may_be_named_by_text(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", hills())
    geoid = write(tmp_path / "g.tif", np.full((20, 20), -40.0, np.float32), from_origin(WEST - 1, NORTH + 1, 0.2, 0.2))
    found = whole(path, datum="ellipsoid", geoid=str(geoid))
    assert np.allclose(found.value, whole(path).value + 40.0)


def test_an_undeclared_void_of_a_projected_file_is_not_blended_into_heights(tmp_path: Path) -> None:
    value = np.full((200, 200), 700.0, np.float32)
    value[100:104, 100:104] = -9999.0
    path = write(tmp_path / "utm.tif", value, from_origin(500_000.0, 3_700_000.0, 90.0, 90.0), "EPSG:32643")
    terrain = open_terrain(path)
    assert isinstance(terrain, terrain_raster.TerrainFile)
    west, south, east, north = terrain.box
    found = terrain.window(west + 0.05, south + 0.05, east - 0.05, north - 0.05)
    assert found.value.min() == pytest.approx(700.0, abs=1e-3)
