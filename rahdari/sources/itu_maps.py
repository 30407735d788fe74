"""ITU-R digital maps that the user has fetched: read, checked, and asked at places.

They may not be shipped; each comes in the zip file of its Recommendation on the ITU's site, free of charge.  Known are
``LogK.csv`` and ``dN75.csv`` (P.530-18) and ``R001.TXT`` (P.837-7) with its ``LAT_R001.TXT``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods.microwave_link import Climate

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

WEST_DEG, EAST_DEG = -180.0, 180.0
NORTH_DEG = 90.0
#: Name -> file, whether its first row is the south pole's, least and greatest value it can hold.
KNOWN = {
    "log_k": ("LogK.csv", False, -12.0, 0.0),
    "refractivity_n_units": ("dN75.csv", False, 0.0, 300.0),
    "rain_rate_mm_h": ("R001.TXT", True, 0.0, 300.0),
}
LATITUDES = {"R001.TXT": "LAT_R001.TXT"}


@dataclass(frozen=True, slots=True, eq=False)
class ItuMap:
    """A world map of equal steps: ``value`` (rows, columns) from the north pole down and from 180 degrees west."""

    name: str
    value: FloatArray

    def at(self, lon_deg: ArrayLike, lat_deg: ArrayLike) -> FloatArray:
        """Return the value at places, bilinear (ITU-R P.1144); shapes broadcast."""
        n_rows, n_columns = self.value.shape
        lat = np.clip(np.asarray(lat_deg, np.float64), -NORTH_DEG, NORTH_DEG)
        row = (NORTH_DEG - lat) * (n_rows - 1) / (2.0 * NORTH_DEG)
        turn = EAST_DEG - WEST_DEG
        column = np.mod(np.asarray(lon_deg, np.float64) - WEST_DEG, turn) * (n_columns - 1) / turn
        row, column = np.broadcast_arrays(row, column)
        r = np.minimum(row.astype(np.int64), n_rows - 2)
        c = np.minimum(column.astype(np.int64), n_columns - 2)
        down, right = row - r, column - c
        upper = self.value[r, c] * (1.0 - right) + self.value[r, c + 1] * right
        lower = self.value[r + 1, c] * (1.0 - right) + self.value[r + 1, c + 1] * right
        return np.asarray(upper * (1.0 - down) + lower * down)


def _numbers(path: Path) -> FloatArray:
    """Return the numbers of a text file, row by row."""
    cure = "fetch the map anew with its Recommendation"
    try:
        lines = path.read_text(encoding="ascii").replace(",", " ").splitlines()
    except FileNotFoundError as error:
        raise InputError(Problem("there is no such map", "fetch it with its Recommendation", str(path))) from error
    except UnicodeDecodeError as error:
        raise InputError(Problem("is no text of numbers", cure, str(path))) from error
    rows = []
    for number, line in enumerate((line for line in lines if line.strip()), start=1):
        try:
            rows.append(np.array(line.split(), np.float64))
        except ValueError as error:
            raise InputError(Problem(f"holds what is no number: {error}", cure, str(path), number)) from error
        if rows[-1].size != rows[0].size:
            what = f"has {rows[-1].size} numbers where the first row has {rows[0].size}"
            raise InputError(Problem(what, cure, str(path), number))
    return np.array(rows)


def read_itu_map(path: Path, *, is_south_first: bool, low: float, high: float) -> ItuMap:
    """Return one map of numbers in rows, parted by commas or blanks.

    It must span the globe at equal steps, both ends included (721 by 1441 for a quarter of a degree), and hold values
    from ``low`` to ``high``.  Raises :class:`InputError` naming file and cure for anything else.
    """
    value = _numbers(path)
    n_rows, n_columns = value.shape if value.size else (0, 0)
    if n_rows < 2 or n_columns != 2 * n_rows - 1:  # noqa: PLR2004  # as many steps a degree both ways
        what = f"has {n_rows} rows and {n_columns} columns, which is no world grid"
        raise InputError(Problem(what, "give the whole map, as many steps a degree in both directions", str(path)))
    if not (value.min() >= low and value.max() <= high):
        what = f"holds values from {value.min():g} to {value.max():g}, not {low:g} to {high:g}"
        raise InputError(Problem(what, "check that the file is the map it is named after", str(path)))
    return ItuMap(path.name, np.ascontiguousarray(value[::-1] if is_south_first else value))


@dataclass(frozen=True, slots=True)
class ItuMaps:
    """The maps found in a folder, by name as in :data:`KNOWN`."""

    maps: dict[str, ItuMap]

    def climate(self, lon_deg: float, lat_deg: float, base: Climate | None = None) -> Climate:
        """Return the climate at a place: what the maps hold, and ``base`` (the national defaults) for the rest."""
        default = Climate() if base is None else base
        found = {name: float(one.at(lon_deg, lat_deg)) for name, one in self.maps.items()}
        read = ", ".join(one.name for one in self.maps.values())
        return Climate(
            rain_rate_mm_h=found.get("rain_rate_mm_h", default.rain_rate_mm_h),
            gradient_n_per_km=default.gradient_n_per_km,
            roughness_m=default.roughness_m,
            refractivity_n_units=found.get("refractivity_n_units", default.refractivity_n_units),
            geoclimatic=10.0 ** found["log_k"] if "log_k" in found else default.geoclimatic,
            rules=default.rules,
            source=f"{read} of ITU-R at {lon_deg:.3f} E {lat_deg:.3f} N; the rest: {default.source}",
        )


def _is_south_first(path: Path, custom: bool) -> bool:  # noqa: FBT001  # the map's own custom
    """Return whether the first row lies south, as the file of latitudes beside a map says, else by custom."""
    beside = path.with_name(LATITUDES.get(path.name, path.name))
    if beside == path or not beside.is_file():
        return custom
    with beside.open(encoding="ascii") as file:
        first = file.readline().replace(",", " ").split()
    try:
        return float(first[0]) < 0.0
    except (IndexError, ValueError) as error:
        what = "begins with no latitude"
        raise InputError(Problem(what, "fetch it anew with its Recommendation", str(beside), 1)) from error


def read_itu_maps(folder: Path | str) -> ItuMaps:
    """Return the known maps of a folder; those that are not there are left to the national defaults.

    Raises :class:`InputError` where none is there, or with every fault of those that are.
    """
    folder = Path(folder)
    maps: dict[str, ItuMap] = {}
    problems: list[Problem] = []
    for name, (file, custom, low, high) in KNOWN.items():
        path = folder / file
        if not path.is_file():
            continue
        try:
            maps[name] = read_itu_map(path, is_south_first=_is_south_first(path, custom), low=low, high=high)
        except InputError as error:
            problems += error.problems
    raise_if_any(problems)
    if not maps:
        files = ", ".join(file for file, *_ in KNOWN.values())
        what = "holds none of the known ITU-R maps"
        raise InputError(Problem(what, f"put {files} there, from the zip files of P.530-18 and P.837-7", str(folder)))
    return ItuMaps(maps)
