"""Sun on panels by weather cell, hour by hour, kept on disk.

The direction of the sun is computed once for the hours of a year by pvlib's solar position algorithm (NREL SPA) and
turned to each cell: seen from anywhere on Earth it differs by less than 0.005 degrees by parallax.  The rest is pvlib
too: clear sky of Ineichen and Perez, beam and diffuse light by Erbs, the plane of the panels by Hay and Davies, cell
temperature by Faiman, output by PVWatts.

No weather data ship with the program.  Clouds are a stated simplification: every day is either clear or cloudy, and a
cloudy day passes ``CLOUDY_FRAC`` of the light of a clear one; a month has as many cloudy days as its mean clearness
asks for.  A share of the days is drawn for all cells together, so that bad weather is bad in many places at once.
Files of measured weather take the place of all this: see :func:`panel_hours`.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
import polars as pl

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods.site_power_input import DAY_H, CellHours

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

CELL_DEG = 0.25  # of usual weather grids, ERA5
YEAR_H = 8760
MONTHS = 12
CLOUDY_FRAC = 0.35  # of clear-sky light on a cloudy day; Kasten and Czeplak 1980 give 0.25 under full cover
SHARED_FRAC = 0.7  # of days whose weather is drawn for all cells together, assumed
LOSS_FRAC = 0.14  # wiring, dirt, mismatch, converter: PVWatts' default, Dobos 2014
PER_K = -0.0037  # of power per kelvin of cell temperature: crystalline silicon, data sheets
GROUND_ALBEDO = 0.25  # pvlib's default
WARMEST_DAY, WARMEST_H = 196.0, 15.0  # mid-July north of the equator; mid-afternoon
_VERSION = b"1"  # of the files on disk


@dataclass(frozen=True, slots=True)
class Climate:
    """What stands in for weather: turbidity of the air (Linke), clearness of each month, heat, and wind.

    ``clear_frac`` is the month's light over that of a cloudless one.  Temperatures: yearly mean, half the swing of the
    year and of the day.  The defaults are assumed, for a dry subtropical country.
    """

    linke_turbidity: float = 4.0
    clear_frac: tuple[float, ...] = (0.80, 0.80, 0.82, 0.86, 0.90, 0.90, 0.80, 0.80, 0.88, 0.92, 0.88, 0.82)
    mean_c: float = 23.0
    season_c: float = 11.0
    day_c: float = 6.0
    wind_m_s: float = 2.0


@dataclass(frozen=True, slots=True)
class Panel:
    """How panels stand: tilt from level and azimuth from north; ``None`` is the latitude, towards the equator."""

    tilt_deg: float | None = None
    azimuth_deg: float | None = None


def weather_cell_of(lon_deg: ArrayLike, lat_deg: ArrayLike, cell_deg: float = CELL_DEG) -> pl.DataFrame:
    """Return the ``weather_cell_id`` of each point with the cell's middle, ``lon_deg`` and ``lat_deg``.

    >>> weather_cell_of([74.30], [31.52]).row(0)
    ('31.625n074.375e', 74.375, 31.625)
    """
    lon, lat = ((np.floor(np.asarray(x, np.float64) / cell_deg) + 0.5) * cell_deg for x in (lon_deg, lat_deg))
    names = [
        f"{abs(y):06.3f}{'n' if y >= 0.0 else 's'}{abs(x):07.3f}{'e' if x >= 0.0 else 'w'}"
        for x, y in zip(lon.tolist(), lat.tolist(), strict=True)
    ]
    return pl.DataFrame({"weather_cell_id": names, "lon_deg": lon, "lat_deg": lat})


def sun_directions(year: int, utc_offset_h: float, n_hours: int = YEAR_H) -> FloatArray:
    """Return (3, n_hours) unit vectors to the sun, fixed to the Earth, at the middle of each hour of the local clock.

    Axes: to the equator at Greenwich, to the equator at 90 degrees east, to the north pole.
    """
    import pandas as pd
    from pvlib import solarposition

    start = pd.Timestamp(year=year, month=1, day=1, tz="UTC") + pd.Timedelta(hours=0.5 - utc_offset_h)
    at = pd.date_range(start, periods=n_hours, freq="h")
    seen = solarposition.spa_python(at, 0.0, 0.0)
    zenith, azimuth = np.radians(seen["zenith"].to_numpy()), np.radians(seen["azimuth"].to_numpy())
    # At 0 N 0 E up, east and north are the Earth's own axes.
    return np.stack([np.cos(zenith), np.sin(zenith) * np.sin(azimuth), np.sin(zenith) * np.cos(azimuth)])


def sun_angles(sun: FloatArray, lat_deg: float, lon_deg: float) -> tuple[FloatArray, FloatArray]:
    """Return the sun's zenith and azimuth from north over east, degrees (n_hours,), without refraction."""
    lat, lon = np.radians(lat_deg), np.radians(lon_deg)
    towards = np.cos(lon) * sun[0] + np.sin(lon) * sun[1]  # along the meridian's equator
    east = np.cos(lon) * sun[1] - np.sin(lon) * sun[0]
    up = np.cos(lat) * towards + np.sin(lat) * sun[2]
    north = np.cos(lat) * sun[2] - np.sin(lat) * towards
    zenith = np.degrees(np.arccos(np.clip(up, -1.0, 1.0)))
    return zenith, np.degrees(np.arctan2(east, north)) % 360.0


def panel_hours(
    zenith_deg: FloatArray,
    azimuth_deg: FloatArray,
    *,
    ghi_w_m2: FloatArray,
    temperature_c: FloatArray,
    day_of_year: FloatArray,
    panel: Panel,
    lat_deg: float,
    dni_w_m2: FloatArray | None = None,
    dhi_w_m2: FloatArray | None = None,
    wind_m_s: float = 2.0,
) -> FloatArray:
    """Return (n,) kWh of each hour of 1 kWp from light on level ground, measured or modelled, with the sun up.

    Beam and diffuse light are taken from the global one (Erbs) where they are not given.
    """
    from pvlib import irradiance, pvsystem, temperature

    if dni_w_m2 is None or dhi_w_m2 is None:
        parts = irradiance.erbs(ghi_w_m2, zenith_deg, day_of_year)
        dni_w_m2, dhi_w_m2 = np.asarray(parts["dni"]), np.asarray(parts["dhi"])
    tilt = abs(lat_deg) if panel.tilt_deg is None else panel.tilt_deg
    towards = (180.0 if lat_deg >= 0.0 else 0.0) if panel.azimuth_deg is None else panel.azimuth_deg
    plane = irradiance.get_total_irradiance(
        tilt, towards, zenith_deg, azimuth_deg, dni_w_m2, ghi_w_m2, dhi_w_m2,
        dni_extra=irradiance.get_extra_radiation(day_of_year), albedo=GROUND_ALBEDO, model="haydavies",
    )["poa_global"]  # fmt: skip
    light = np.maximum(np.nan_to_num(np.asarray(plane)), 0.0)
    heat = temperature.faiman(light, temperature_c, wind_m_s)
    return np.asarray(np.maximum(pvsystem.pvwatts_dc(light, heat, 1.0, PER_K), 0.0) * (1.0 - LOSS_FRAC))


def _calendar(year: int, n_hours: int) -> tuple[NDArray[np.int64], FloatArray]:
    """Return the month from 0 and the day of the year from 1 of each hour."""
    day = np.datetime64(f"{year}-01-01") + np.arange(n_hours) // DAY_H
    month = day.astype("datetime64[M]").astype(np.int64) % MONTHS
    return month, (day - day.astype("datetime64[Y]")).astype(np.float64) + 1.0


def air_c(climate: Climate, lat_deg: float, day_of_year: FloatArray) -> FloatArray:
    """Return (hours,) air temperatures of the climate: a wave of the year and one of the day."""
    season = np.cos(2.0 * np.pi * (day_of_year - WARMEST_DAY) / 365.25) * (1.0 if lat_deg >= 0.0 else -1.0)
    hour = np.arange(day_of_year.size) % DAY_H
    return np.asarray(climate.mean_c + climate.season_c * season
                      + climate.day_c * np.cos(2.0 * np.pi * (hour - WARMEST_H) / DAY_H))  # fmt: skip


def _draws(seed: int, name: str, n: int) -> FloatArray:
    key = int.from_bytes(hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=16).digest(), "little")
    return np.random.Generator(np.random.Philox(key=key)).random(n)


def cloud_frac(climate: Climate, month: NDArray[np.int64], seed: int, cell_id: str) -> FloatArray:
    """Return (hours,) the light over that of a clear sky: 1 or ``CLOUDY_FRAC`` for a whole day."""
    n_days = -(-month.size // DAY_H)
    is_shared = _draws(seed, f"shared:{cell_id}", n_days) < SHARED_FRAC
    draw = np.where(is_shared, _draws(seed, "all cells", n_days), _draws(seed, f"own:{cell_id}", n_days))
    cloudy = (1.0 - np.asarray(climate.clear_frac)[month[::DAY_H]]) / (1.0 - CLOUDY_FRAC)
    return np.repeat(np.where(draw < cloudy, CLOUDY_FRAC, 1.0), DAY_H)[: month.size]


def _cell(
    sun: FloatArray, calendar: tuple[NDArray[np.int64], FloatArray], cell: tuple[str, float, float, float],
    *, climate: Climate, panel: Panel, seed: int,
) -> NDArray[np.float32]:  # fmt: skip
    """Return (2, hours) kWh per kWp and air temperature of one cell."""
    from pvlib import atmosphere, clearsky, irradiance

    cell_id, lon, lat, elevation_m = cell
    month, day = calendar
    zenith, azimuth = sun_angles(sun, lat, lon)
    up = np.flatnonzero(zenith < 89.0)  # noqa: PLR2004  # below a degree light is nothing and air mass is unsure
    z, days = zenith[up], day[up]
    pressure = atmosphere.alt2pres(elevation_m)
    mass = atmosphere.get_absolute_airmass(atmosphere.get_relative_airmass(z), pressure)
    extra = irradiance.get_extra_radiation(days)
    clear = clearsky.ineichen(z, mass, climate.linke_turbidity, elevation_m, extra)["ghi"]
    heat = air_c(climate, lat, day)
    light = np.asarray(clear) * cloud_frac(climate, month, seed, cell_id)[up]
    result = np.zeros((2, day.size), np.float32)
    result[0, up] = panel_hours(
        z, azimuth[up], ghi_w_m2=light, temperature_c=heat[up], day_of_year=days, panel=panel, lat_deg=lat,
        wind_m_s=climate.wind_m_s,
    )  # fmt: skip
    result[1] = heat
    return result


def _checked(cells: pl.DataFrame, climate: Climate) -> list[tuple[str, float, float, float]]:
    """Return the cells by name; every fault is raised at once."""
    problems = [
        Problem(f"there is no column '{name}'", "add it", "cells", None, name)
        for name in ("weather_cell_id", "lon_deg", "lat_deg")
        if name not in cells.columns
    ]
    raise_if_any(problems)
    elevation = pl.col("elevation_m") if "elevation_m" in cells.columns else pl.lit(0.0)
    rows = cells.sort("weather_cell_id").select("weather_cell_id", "lon_deg", "lat_deg", elevation.alias("elevation_m"))
    if rows["weather_cell_id"].n_unique() != rows.height:
        problems.append(Problem("a cell stands twice", "give each cell one row", "cells", None, "weather_cell_id"))
    for name, most in (("lon_deg", 180.0), ("lat_deg", 90.0)):
        if not (rows[name].is_finite() & (rows[name].abs() <= most)).fill_null(value=False).all():
            problems.append(Problem(f"outside -{most:g} to {most:g} degrees", "give degrees", "cells", None, name))
    clear = np.asarray(climate.clear_frac)
    if clear.shape != (MONTHS,) or (clear < CLOUDY_FRAC).any() or (clear > 1.0).any():
        what = f"clear_frac is not twelve shares from {CLOUDY_FRAC} to 1"
        problems.append(Problem(what, "give one for each month", "climate", None, "clear_frac"))
    raise_if_any(problems)
    return [(str(name), float(lon), float(lat), float(up)) for name, lon, lat, up in rows.rows()]


def _kept(path: Path, n_hours: int) -> NDArray[np.float32] | None:
    """Return a cell from disk, or ``None`` where there is no whole file."""
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return values if values.shape == (2, n_hours) and values.dtype == np.float32 else None


def _keep(path: Path, values: NDArray[np.float32]) -> None:
    """Write a cell beside its place and move it there, so that a killed run leaves no half file under the name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.stem}.{uuid4().hex}.part")
    with beside.open("wb") as file:
        np.save(file, values, allow_pickle=False)
    beside.replace(path)


def sunlight(
    cells: pl.DataFrame,
    climate: Climate | None = None,
    panel: Panel | None = None,
    *,
    year: int = 2025,
    utc_offset_h: float = 5.0,
    seed: int = 1,
    n_hours: int = YEAR_H,
    cache_dir: Path | None = None,
) -> CellHours:
    """Return sun and heat of every cell, cells by name; hour 0 begins at the first midnight of ``year`` by local clock.

    ``cells`` has ``weather_cell_id``, ``lon_deg``, ``lat_deg`` and perhaps ``elevation_m``.  With a ``cache_dir`` each
    cell is one file, named by all that decides it, and a second call or a run that was killed reads it again.
    """
    climate, panel = climate or Climate(), panel or Panel()
    known = _checked(cells, climate)
    calendar = _calendar(year, n_hours)
    result = np.empty((2, len(known), n_hours), np.float32)
    sun: FloatArray | None = None
    for row, cell in enumerate(known):
        named = repr((_VERSION, cell, asdict(climate), asdict(panel), year, utc_offset_h, seed, n_hours)).encode()
        path = (
            None if cache_dir is None else cache_dir / f"sun-{hashlib.blake2b(named, digest_size=12).hexdigest()}.npy"
        )
        values = None if path is None else _kept(path, n_hours)
        if values is None:
            sun = sun_directions(year, utc_offset_h, n_hours) if sun is None else sun
            values = _cell(sun, calendar, cell, climate=climate, panel=panel, seed=seed)
            if path is not None:
                _keep(path, values)
        result[:, row] = values
    return CellHours(tuple(cell[0] for cell in known), result[0], result[1])


MEASURED = ("at_h", "ghi_w_m2", "temperature_c")  # columns that a file of weather must have


def measured_sunlight(
    cell_id: str,
    lon_deg: float,
    lat_deg: float,
    weather: pl.DataFrame | Path,
    panel: Panel | None = None,
    *,
    year: int = 2025,
    utc_offset_h: float = 5.0,
) -> CellHours:
    """Return one cell from a table or CSV file of measured weather, or from an EPW file.

    Columns: ``at_h`` from 0 by local clock, ``ghi_w_m2``, ``temperature_c`` and, where known, both ``dni_w_m2`` and
    ``dhi_w_m2``.  Wrong columns, gaps and light below zero raise InputError, all at once.
    """
    frame, file = (weather, "weather") if isinstance(weather, pl.DataFrame) else (_read(weather), weather.name)
    absent = [name for name in MEASURED if name not in frame.columns]
    raise_if_any([Problem(f"there is no column '{name}'", "add it", file, None, name) for name in absent])
    frame = frame.sort("at_h")
    problems = []
    if frame["at_h"].to_list() != list(range(frame.height)) or not frame.height:
        problems.append(Problem("hours are missing or stand twice", "give 0, 1, 2 and on", file, None, "at_h"))
    names = [name for name in ("ghi_w_m2", "dni_w_m2", "dhi_w_m2", "temperature_c") if name in frame.columns]
    for name in names:
        values = frame[name].cast(pl.Float64(), strict=False)
        is_wrong = ~values.is_finite().fill_null(value=False)
        is_wrong = is_wrong if name == "temperature_c" else is_wrong | (values < 0.0).fill_null(value=True)
        row = is_wrong.arg_true().to_list()
        if row:
            problems.append(Problem("no number, or below zero", "correct or fill it", file, row[0] + 1, name))
    raise_if_any(problems)
    given = {name: frame[name].cast(pl.Float64()).to_numpy() for name in names}
    zenith, azimuth = sun_angles(sun_directions(year, utc_offset_h, frame.height), lat_deg, lon_deg)
    up = np.flatnonzero(zenith < 90.0)  # noqa: PLR2004  # the horizon
    _, day = _calendar(year, frame.height)
    both = {"dni_w_m2", "dhi_w_m2"} <= set(given)
    sun = np.zeros((1, frame.height), np.float32)
    sun[0, up] = panel_hours(
        zenith[up], azimuth[up], ghi_w_m2=given["ghi_w_m2"][up], temperature_c=given["temperature_c"][up],
        day_of_year=day[up], panel=panel or Panel(), lat_deg=lat_deg,
        dni_w_m2=given["dni_w_m2"][up] if both else None, dhi_w_m2=given["dhi_w_m2"][up] if both else None,
    )  # fmt: skip
    return CellHours((cell_id,), sun, given["temperature_c"].astype(np.float32)[None, :])


def _read(path: Path) -> pl.DataFrame:
    """Return a file of weather as a table; an EPW file's hours are its own rows."""
    try:
        if path.suffix.lower() != ".epw":
            return pl.read_csv(path)
        from pvlib import iotools

        data, _ = iotools.read_epw(str(path))
    except (OSError, ValueError, KeyError, IndexError, pl.exceptions.PolarsError) as error:
        cure = "give a CSV with at_h, ghi_w_m2 and temperature_c, or an EPW file"
        raise InputError(Problem(f"cannot be read: {error}", cure, path.name)) from error
    columns = {"ghi_w_m2": "ghi", "dni_w_m2": "dni", "dhi_w_m2": "dhi", "temperature_c": "temp_air"}
    values = {name: data[column].to_numpy().astype(np.float64) for name, column in columns.items()}
    return pl.DataFrame({"at_h": np.arange(len(data)), **values})
