"""Constellations, offers and gateways of the input tables as the methods take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods.beam_capacity import Payload
from rahdari.methods.constellation import Constellation, MeanElements, geo_slots, joined, walker_shell
from rahdari.methods.geo import great_circle_km

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rahdari.engines.space.params import SpaceParams
    from rahdari.model import Tables

    FloatArray = NDArray[np.float64]

MBPS_PER_GBPS = 1000.0
LEAST_SPACING_KM = 1e-6  # the same place twice is no second gateway
DAY = np.datetime64("2026-01-01T00:00", "us")  # filed shells have no phase of their own: any day gives the same figures
#: Columns of ``orbit_elements`` in the order of :class:`MeanElements`.
ELEMENT_COLUMNS = (
    "epoch_days_value", "epoch_day_frac", "motion_value", "eccentricity_ratio", "inclination_deg", "node_deg",
    "perigee_deg", "anomaly_deg", "drag_value",
)  # fmt: skip
UNKNOWN_LICENCE = "no operating licence known"


@dataclass(frozen=True, slots=True, eq=False)
class Fleet:
    """One constellation: its row, its satellites, its offer in the country."""

    row: Mapping[str, object]
    satellites: Constellation
    is_licensed: bool
    licence_note: str
    usd_per_month: float
    price_status: str
    day: np.datetime64 = DAY

    @property
    def constellation_id(self) -> str:
        """Return the identifier."""
        return str(self.row["constellation_id"])

    @property
    def is_leo(self) -> bool:
        """Return whether it moves over the country."""
        return self.row["orbit"] == "leo"

    @property
    def has_capacity(self) -> bool:
        """Return whether a source states what it carries."""
        return self.row["user_mhz"] is not None and self.row["satellite_gbps"] is not None

    def number(self, name: str) -> float:
        """Return a number of the row."""
        return float(str(self.row[name]))

    def payload(self, usable_frac: float, column: str = "satellite_gbps") -> Payload:
        """Return what a satellite carries, with the capacity of ``column``."""
        gbps = self.number(column)
        n_beams = self.number("n_beams")
        return Payload(
            user_mhz=self.number("user_mhz"),
            spectral_bps_per_hz=self.number("spectral_bps_per_hz"),
            satellite_mbps=gbps * MBPS_PER_GBPS,
            # A newer satellite has feeders and beams that fit it.
            feeder_mbps=max(self.number("feeder_gbps"), gbps / self.number("n_feeders")) * MBPS_PER_GBPS,
            n_beams=max(int(n_beams), round(gbps / self.number("satellite_gbps") * n_beams)),
            n_colours=int(self.number("n_colours")),
            n_polarisations=int(self.number("n_polarisations")),
            n_feeders=int(self.number("n_feeders")),
            usable_frac=usable_frac,
        )


def _satellites(constellation_id: str, shells: pl.DataFrame) -> Constellation | None:
    """Return the satellites of the rows of ``shells`` of one constellation, ``None`` without rows."""
    rows = shells.filter(pl.col("constellation_id") == constellation_id).sort("shell_id").to_dicts()
    if not rows:
        return None
    if all(row["pattern"] == "slot" for row in rows):
        return geo_slots(constellation_id, {row["shell_id"]: float(row["slot_lon_deg"]) for row in rows})
    return joined(
        constellation_id,
        [
            walker_shell(
                row["shell_id"],
                row["n_planes"],
                row["n_per_plane"],
                altitude_km=row["altitude_km"],
                inclination_deg=row["inclination_deg"],
                phasing=row["n_phase_steps"],
                is_star=row["pattern"] == "star",
            )
            for row in rows
        ],
    )


def _flying(constellation_id: str, elements: pl.DataFrame) -> Constellation | None:
    """Return the real satellites of ``orbit_elements`` of one constellation, ``None`` without rows."""
    rows = elements.filter(pl.col("constellation_id") == constellation_id).with_columns(
        number=pl.col("satellite_number_id").cast(pl.Int64)
    ).sort("number")  # fmt: skip
    if not rows.height:
        return None
    columns = [rows[name].to_numpy().astype(np.float64) for name in ELEMENT_COLUMNS]
    return Constellation(
        constellation_id, rows["number"].to_numpy(), tuple(rows["satellite_name"].to_list()), MeanElements(*columns)
    )


def _day_of(satellites: Constellation) -> np.datetime64:
    """Return the day of the median epoch: there real elements are at their best; filed shells take any day."""
    epochs = satellites.epoch_utc
    if epochs is None or not isinstance(satellites.orbits, MeanElements):
        return DAY
    return np.datetime64(np.sort(epochs)[epochs.size // 2].astype("M8[D]"), "us")


def _require_known(tables: Tables, params: SpaceParams) -> None:
    known = tables["constellations"]["constellation_id"].sort().to_list()
    raise_if_any(
        [
            Problem(f"there is no constellation '{name}'", f"use one of {', '.join(known)}")
            for name in (*params.constellations, *params.licensed_constellations)
            if known and name not in known
        ],
        InputError,
    )


def fleets_of(tables: Tables, params: SpaceParams) -> list[Fleet]:
    """Return all constellations with satellites, in order of identifier; unknown names asked for raise InputError."""
    _require_known(tables, params)
    offers = {row["constellation_id"]: row for row in tables["satellite_offers"].to_dicts()}
    found = []
    for row in tables["constellations"].sort("constellation_id").to_dicts():
        name = row["constellation_id"]
        satellites = _flying(name, tables["orbit_elements"]) or _satellites(name, tables["shells"])
        if satellites is None:
            continue
        offer = offers.get(name, {})
        is_licensed = bool(offer.get("is_licensed")) or name in params.licensed_constellations
        note = f"{offer['licence_note']} ({offer['status_on']})" if offer else UNKNOWN_LICENCE
        if name in params.licensed_constellations:
            note = "operating licence stated by the scenario"
        price = offer.get("usd_per_month")
        status = str(offer.get("price_status", "none"))
        found.append(
            Fleet(
                row,
                satellites,
                is_licensed,
                note,
                params.price_usd_per_month if price is None else float(price),
                status if price is not None else "none",
                _day_of(satellites),
            )
        )
    return found


def spread_places(places: pl.DataFrame, most: int, spacing_km: float) -> pl.DataFrame:
    """Return the places of most people, none nearer to another than the spacing, at most so many."""
    ranked = places.sort(["n_people", "place_id"], descending=[True, False])
    lon, lat = ranked["lon_deg"].to_numpy(), ranked["lat_deg"].to_numpy()
    is_free = np.ones(ranked.height, dtype=np.bool_)
    rows: list[int] = []
    while is_free.any() and len(rows) < most:
        row = int(np.argmax(is_free))
        rows.append(row)
        is_free &= great_circle_km(lon, lat, lon[row], lat[row]) >= max(spacing_km, LEAST_SPACING_KM)
    return ranked[rows]


@dataclass(frozen=True, slots=True, eq=False)
class Gateways:
    """Gateways of one constellation: names and (g, 3) longitude, latitude, height; at home and abroad."""

    home: tuple[str, ...]
    home_points: FloatArray
    abroad: tuple[str, ...]
    abroad_points: FloatArray

    def used(self, *, is_home_only: bool) -> tuple[tuple[str, ...], FloatArray]:
        """Return names and points of the gateways that may be used."""
        if is_home_only:
            return self.home, self.home_points
        return (*self.home, *self.abroad), np.concatenate([self.home_points, self.abroad_points])


def _points(frame: pl.DataFrame, height: str) -> FloatArray:
    return frame.select("lon_deg", "lat_deg", pl.col(height)).to_numpy().astype(np.float64).reshape(-1, 3)


def gateways_of(fleet: Fleet, tables: Tables, params: SpaceParams) -> Gateways:
    """Return the gateways of a constellation; without a row at home some are assumed in the largest cities."""
    country = tables["country"]["country_id"].to_list()
    rows = tables["satellite_gateways"].sort("gateway_id").filter(
        (pl.col("constellation_id").is_null() | (pl.col("constellation_id") == fleet.constellation_id))
        & (pl.col("status") != "hypothetical")
    )  # fmt: skip
    home = rows.filter(pl.col("country_code").is_in(country))
    abroad = rows.filter(~pl.col("country_code").is_in(country))
    if home.height:
        names, points = home["name"].to_list(), _points(home, "height_m")
    else:
        cities = spread_places(tables["places"], params.n_gateways, params.gateway_spacing_km).sort("place_id")
        names, points = [f"{name} (assumed)" for name in cities["name"]], _points(cities, "elevation_m")
    return Gateways(tuple(names), points, tuple(abroad["name"].to_list()), _points(abroad, "height_m"))
