"""A coverage map from whatever terrain and sites a user has at hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods.sweep import Setting, Transmitters, coverage
from rahdari.sources.terrain_raster import open_terrain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rahdari.methods.raster import Terrain
    from rahdari.methods.sweep import Coverage

MAST_M = 30.0  # usual tower in the plains
EIRP_DBM = 61.0  # 46 dBm and 17 dBi less 2 dB of feeder
NEEDED = ("site_id", "lon_deg", "lat_deg")


def _table(sites: pl.DataFrame | Mapping[str, Sequence[object]]) -> pl.DataFrame:
    """Return whatever holds rows as a table; anything else raises InputError."""
    if isinstance(sites, pl.DataFrame):
        return sites
    try:
        return pl.DataFrame(sites)
    except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
        cure = f"give a table with {', '.join(NEEDED)}"
        raise InputError(Problem(f"{type(sites).__name__} is no table of sites", cure, "sites")) from error


def transmitters_of(sites: pl.DataFrame | Mapping[str, Sequence[object]]) -> Transmitters:
    """Return transmitters of a table with site_id, lon_deg, lat_deg and, where known, the rest.

    ``tx_height_m`` (30), ``eirp_dbm`` (61), ``azimuth_deg`` and ``beamwidth_deg`` may be absent.  Missing columns raise
    :class:`rahdari.errors.InputError`, all at once.
    """
    sites = _table(sites)
    raise_if_any(
        [
            Problem(f"there is no column '{name}'", "add it", "sites", None, name)
            for name in NEEDED
            if name not in sites.columns
        ]
    )

    def column(name: str, default: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        if name not in sites.columns:
            return np.full(sites.height, default)
        return np.asarray(sites[name].cast(pl.Float64()).fill_null(default).to_numpy(), np.float64)

    numbers = (*NEEDED[1:], "tx_height_m", "eirp_dbm", "azimuth_deg", "beamwidth_deg")
    raise_if_any(
        [
            Problem("holds no numbers", "give numbers", "sites", None, name)
            for name in numbers
            if name in sites.columns and not (sites[name].dtype.is_numeric() or sites[name].dtype == pl.Null())
        ]
    )
    return Transmitters(
        sites["site_id"].to_list(),
        column("lon_deg", np.nan),
        column("lat_deg", np.nan),
        column("tx_height_m", MAST_M),
        column("eirp_dbm", EIRP_DBM),
        column("azimuth_deg", np.nan) if "azimuth_deg" in sites.columns else None,
        column("beamwidth_deg", np.nan) if "beamwidth_deg" in sites.columns else None,
    )


def sweep(  # noqa: PLR0917  # the order that users know
    dem: Terrain | Path | str | None,
    sites: pl.DataFrame | Mapping[str, Sequence[object]] | Transmitters,
    radius_km: float,
    frequency_ghz: float,
    rx_height_m: float,
    model: Literal["p1812", "bullington"] = "p1812",
    resolution_m: float = 90.0,
    *,
    n_workers: int = 1,
) -> Coverage:
    """Return the map of sites over terrain: best and second power, sum of powers, server; see its ``layers``.

    ``dem`` is terrain, a file, a folder of tiles, or ``None`` for the coarse world grid (the result says so).
    ``sites`` is a table with the columns of :func:`transmitters_of`: polars, pandas, or a dictionary of lists.
    Up to 100 million cells; :func:`rahdari.methods.sweep.sweep_strips` makes larger maps strip by strip.
    Raises :class:`rahdari.errors.InputError` with all that is wrong and its cure.
    """
    terrain = open_terrain(dem) if dem is None or isinstance(dem, Path | str) else dem
    if not hasattr(terrain, "window"):
        cure = "give a file, a folder of tiles, rahdari.radio.Raster, or None for the coarse world grid"
        raise InputError(Problem(f"dem is a {type(dem).__name__}, not terrain", cure, column="dem"))
    given = sites if isinstance(sites, Transmitters) else transmitters_of(sites)
    setting = Setting(radius_km, frequency_ghz, rx_height_m, model, resolution_m)
    return coverage(terrain, given, setting, n_workers=n_workers, is_sea_refused=True)
