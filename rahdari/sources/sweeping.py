"""A coverage map from whatever terrain and sites a user has at hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from rahdari.errors import Problem, raise_if_any
from rahdari.methods.sweep import Setting, Transmitters, coverage
from rahdari.sources.terrain_raster import open_terrain

if TYPE_CHECKING:
    from rahdari.methods.raster import Terrain
    from rahdari.methods.sweep import Coverage

MAST_M = 30.0  # usual tower in the plains
EIRP_DBM = 61.0  # 46 dBm and 17 dBi less 2 dB of feeder
NEEDED = ("site_id", "lon_deg", "lat_deg")


def transmitters_of(sites: pl.DataFrame) -> Transmitters:
    """Return transmitters of a table with site_id, lon_deg, lat_deg and, where known, the rest.

    ``tx_height_m`` (30), ``eirp_dbm`` (61), ``azimuth_deg`` and ``beamwidth_deg`` may be absent.  Missing columns raise
    :class:`rahdari.errors.InputError`, all at once.
    """
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

    return Transmitters(
        sites["site_id"].to_list(),
        column("lon_deg", np.nan),
        column("lat_deg", np.nan),
        column("tx_height_m", MAST_M),
        column("eirp_dbm", EIRP_DBM),
        column("azimuth_deg", np.nan) if "azimuth_deg" in sites.columns else None,
        column("beamwidth_deg", np.nan) if "beamwidth_deg" in sites.columns else None,
    )


def sweep(
    dem: Terrain | Path | str | None,
    sites: pl.DataFrame | Transmitters,
    radius_km: float,
    frequency_ghz: float,
    rx_height_m: float,
    *,
    model: Literal["p1812", "bullington"] = "p1812",
    resolution_m: float = 90.0,
    n_workers: int = 1,
) -> Coverage:
    """Return the map of sites over terrain: best and second power, sum of powers, server; see its ``layers``.

    ``dem`` is terrain, a file, a folder of tiles, or ``None`` for the coarse world grid (the result says so).
    Up to 100 million cells; :func:`rahdari.methods.sweep.sweep_strips` makes larger maps strip by strip.
    Raises :class:`rahdari.errors.InputError` with all that is wrong and its cure.
    """
    terrain = open_terrain(dem) if dem is None or isinstance(dem, Path | str) else dem
    given = sites if isinstance(sites, Transmitters) else transmitters_of(sites)
    setting = Setting(radius_km, frequency_ghz, rx_height_m, model, resolution_m)
    return coverage(terrain, given, setting, n_workers=n_workers)
