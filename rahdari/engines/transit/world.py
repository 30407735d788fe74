"""Hubs, legs, ways and common causes: the packaged ones with the country's own in their midst."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from rahdari.errors import Problem, raise_if_any
from rahdari.methods.availability import fibre_availability_frac, repairable_availability_frac
from rahdari.methods.geo import great_circle_km
from rahdari.methods.results import result_frame
from rahdari.methods.ways import round_trip_ms

if TYPE_CHECKING:
    from rahdari.engines.transit.params import TransitParams
    from rahdari.model import Tables

FOLDER = Path(__file__).parent
TABLES = FOLDER / "tables"
CORRIDOR = "corridor"
GBPS_PER_TBPS = 1000.0
SPHERE_ERROR_FRAC = 0.006  # the sphere errs by this share at most, rahdari.methods.geo
CHAIN_TOLERANCE_FRAC = 1e-6  # legs of the corridor that miss its length by more are not its legs


@dataclass(frozen=True, slots=True)
class Crossing:
    """The corridor of a country: its ends as the routes name them, and the hubs they are."""

    crossing: str
    landing: str
    crossing_hub: str
    landing_hub: str


@cache
def packaged(name: str) -> pl.DataFrame:
    """Return one of the CSV files beside this module, sorted by its first column."""
    frame = pl.read_csv(FOLDER / f"{name}.csv", infer_schema_length=None)
    return frame.sort(frame.columns[0])


def for_country(name: str, country_id: str) -> pl.DataFrame:
    """Return the rows of a packaged file that belong to a country."""
    return packaged(name).filter(pl.col("country_id") == country_id)


def crossing_of(country_id: str) -> Crossing | None:
    """Return the corridor of a country, or ``None`` where no row names it."""
    rows = for_country("corridors", country_id)
    return Crossing(**rows.drop("country_id").row(0, named=True)) if rows.height else None


@cache
def hub_names() -> dict[str, str]:
    """Return the name of every hub."""
    return dict(packaged("hubs").select("hub_id", "name").iter_rows())


def check_legs(legs: pl.DataFrame, hubs: pl.DataFrame) -> None:
    """Raise :class:`InputError` for legs between unknown hubs, shorter than the great circle, or with odd ranges."""
    place = {row["hub_id"]: (row["lon_deg"], row["lat_deg"]) for row in hubs.iter_rows(named=True)}
    problems = []
    for number, row in enumerate(legs.iter_rows(named=True), start=1):
        unknown = [row[end] for end in ("from_hub", "to_hub") if row[end] not in place]
        problems += [
            Problem(f"there is no hub '{hub}'", "add it to hubs.csv or correct the leg", "legs.csv", number)
            for hub in unknown
        ]
        lengths = [row["length_low_km"], row["length_km"], row["length_high_km"]]
        if lengths != sorted(lengths):
            problems.append(Problem("the range of the length is upside down", "order it", "legs.csv", number))
        if not unknown:
            crow_km = float(great_circle_km(*place[row["from_hub"]], *place[row["to_hub"]]))
            if lengths[0] < crow_km * (1.0 - SPHERE_ERROR_FRAC):
                what = f"{row['leg_id']} is {lengths[0]:g} km, shorter than the great circle of {crow_km:.0f} km"
                problems.append(Problem(what, "give the length in km", "legs.csv", number, "length_low_km"))
    raise_if_any(problems)


def begins(column: str, name: str) -> pl.Expr:
    """Return whether a column's text begins with a name, whatever the case."""
    return pl.col(column).str.to_lowercase().str.starts_with(name.lower())


def corridor_of(routes: pl.DataFrame, crossing: str, landing: str) -> tuple[str, float] | None:
    """Return the route from a crossing to a landing and its fibre kilometres: the corridor, else the shortest."""
    found = routes.filter(begins("from_name", crossing) & begins("to_name", landing)).sort(
        pl.col("kind") != "corridor", "fibre_km", "route_id"
    )
    return (found["route_id"][0], found["fibre_km"][0]) if found.height else None


def spare_gbps(cables: pl.DataFrame, crossing: str) -> float:
    """Return installed less active capacity of the terrestrial cables at a crossing; 0 where it is not known."""
    here = cables.filter((pl.col("kind") == "terrestrial") & begins("landing", crossing)).sort("cable_id")
    idle = (here["installed_tbps"] - here["active_tbps"]).drop_nulls()
    return max(0.0, float(idle.sum())) * GBPS_PER_TBPS


def active_gbps(cables: pl.DataFrame, crossing: str) -> float:
    """Return the active capacity of the terrestrial cables at a crossing; 0 where it is not known."""
    here = cables.filter((pl.col("kind") == "terrestrial") & begins("landing", crossing)).sort("cable_id")
    return float(here["active_tbps"].drop_nulls().sum()) * GBPS_PER_TBPS


def domestic_routes(routes: pl.DataFrame, route_id: str) -> list[dict[str, Any]]:
    """Return the routes that make up the corridor, crossing first: its legs where they add up, else itself."""
    legs = {row["from_name"]: row for row in routes.filter(pl.col("kind") == "corridor_leg").iter_rows(named=True)}
    whole = routes.filter(pl.col("route_id") == route_id).row(0, named=True)
    chain: list[dict[str, Any]] = []
    at = whole["from_name"]
    while at in legs and at != whole["to_name"] and len(chain) < len(legs):
        chain.append(legs[at])
        at = legs[at]["to_name"]
    total_km = sum(row["fibre_km"] for row in chain)
    fits = abs(total_km - whole["fibre_km"]) <= CHAIN_TOLERANCE_FRAC * whole["fibre_km"]
    known = {name.lower() for name in hub_names()}
    named = all(row["to_name"].lower() in known for row in chain[:-1])
    return chain if chain and at == whole["to_name"] and fits and named else [whole]


def _domestic_legs(tables: Tables, own: Crossing, route_id: str, params: TransitParams) -> list[dict[str, Any]]:
    """Return the country's legs as rows like those of the packaged file."""
    chain = domestic_routes(tables["routes"], route_id)
    total_km = sum(row["fibre_km"] for row in chain)
    design = dict(tables["optical_paths"].select("route_id", "capacity_tbps").iter_rows())
    idle_gbps = spare_gbps(tables["cables"], own.crossing)
    hubs = [own.crossing_hub, *[row["to_name"].lower() for row in chain[:-1]], own.landing_hub]
    rows = []
    for number, row in enumerate(chain):
        share = row["fibre_km"] / total_km if total_km > 0.0 else 1.0 / len(chain)
        has_second = bool(row.get("has_disjoint")) and row.get("disjoint_fibre_km") is not None
        rows.append(
            {
                "leg_id": f"{hubs[number]}_{hubs[number + 1]}",
                "from_hub": hubs[number],
                "to_hub": hubs[number + 1],
                "medium": "terrestrial",
                "ways": CORRIDOR,
                "length_km": row["fibre_km"],
                "length_low_km": row["fibre_km"],
                "length_high_km": row["fibre_km"],
                "system_km": row["disjoint_fibre_km"] if has_second else row["fibre_km"],
                "n_systems": 2 if has_second else 1,
                "idle_gbps": idle_gbps,
                "design_gbps": design[row["route_id"]] * GBPS_PER_TBPS if row["route_id"] in design else None,
                "price_usd_per_mbps_month": params.price_usd_per_mbps_month * share,
                "price_low_usd_per_mbps_month": params.price_low_usd_per_mbps_month * share,
                "price_high_usd_per_mbps_month": params.price_high_usd_per_mbps_month * share,
                "from_year": 0,
                "is_domestic": True,
                "evidence": "derived",
                "note": f"Route {row['route_id']} of this plan; idle capacity is the crossing's",
            }
        )
    return rows


def _foreign_leg(row: dict[str, Any], cables: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return a packaged leg; where it names cables, they give its systems and its idle capacity."""
    named = [cables[cable_id] for cable_id in (row.pop("cables") or "").split() if cable_id in cables]
    if row["idle_gbps"] is None:
        idle = [max(0.0, (cable["installed_tbps"] or 0.0) - (cable["active_tbps"] or 0.0)) for cable in named]
        row |= {"n_systems": max(1, len(named)), "idle_gbps": sum(idle) * GBPS_PER_TBPS}
    return {**row, "system_km": row["length_km"], "design_gbps": None, "is_domestic": False}


def legs_frame(tables: Tables, own: Crossing, route_id: str, params: TransitParams) -> pl.DataFrame:
    """Return ``transit_legs``: every leg with length, systems, availability, idle capacity and price."""
    packaged_legs, causes = packaged("legs"), packaged("causes")
    check_legs(packaged_legs, packaged("hubs"))
    in_service = tables["cables"].filter("is_in_service").sort("cable_id")
    cables = {row["cable_id"]: row for row in in_service.iter_rows(named=True)}
    rows = [_foreign_leg(row, cables) for row in packaged_legs.iter_rows(named=True)]
    rows += _domestic_legs(tables, own, route_id, params)
    names = hub_names()
    kinds = {
        "terrestrial": ("cuts", "repair"),
        "subsea": ("faults", "sea_repair"),
    }
    for row in rows:
        fault, repair = kinds[row["medium"]]
        for level, other in (("", ""), ("_low", "_high"), ("_high", "_low")):
            rate = getattr(params, f"{fault}{other}_per_1000_km_per_year")
            hours = getattr(params, f"{repair}{other}_h")
            row[f"system_availability{level}_frac"] = float(fibre_availability_frac(row["system_km"], rate, hours))
        row["from_name"], row["to_name"] = names[row["from_hub"]], names[row["to_hub"]]
        row["fibre_km"], row["fibre_low_km"], row["fibre_high_km"] = (
            row["length_km"], row["length_low_km"], row["length_high_km"],
        )  # fmt: skip
        row["rtt_floor_ms"] = round_trip_ms(row["fibre_km"])
        row["wavelength_gbps"] = params.wavelength_gbps
        row["n_wavelengths"] = int(row["idle_gbps"] // params.wavelength_gbps)
        row["price_year"] = params.price_year
        felt = causes.filter(pl.col("legs").str.split(" ").list.contains(row["leg_id"]))
        row["cause_ids"] = " ".join(felt["cause_id"].to_list())
    return result_frame(rows, TABLES / "transit_legs.csv").sort("leg_id")


def causes_frame(tables: Tables) -> pl.DataFrame:
    """Return ``transit_causes``; rate and repair come from the country's risk groups or hazards where they name it."""
    known = {
        row["risk_group_id"]: (row["rate_per_year"], row["repair_h"])
        for row in tables["risk_groups"].iter_rows(named=True)
    }
    known |= {
        row["hazard_id"]: (row["rate_per_year"], row["duration_h"]) for row in tables["hazards"].iter_rows(named=True)
    }
    rows = []
    for row in packaged("causes").iter_rows(named=True):
        if row["table_id"] in known:
            row["rate_per_year"], row["repair_h"] = known[row["table_id"]]
            for column in ("rate{}_per_year", "repair{}_h"):
                centre = row[column.format("")]
                row[column.format("_low")] = min(row[column.format("_low")], centre)
                row[column.format("_high")] = max(row[column.format("_high")], centre)
        for level in ("", "_low", "_high"):
            up = repairable_availability_frac(row[f"rate{level}_per_year"], row[f"repair{level}_h"])
            row[f"active{level}_frac"] = 1.0 - float(up)
        rows.append({**row, "note": row["note"] or "Assumed"})
    return result_frame(rows, TABLES / "transit_causes.csv").sort("cause_id")


def rates_of(frame: pl.DataFrame, column: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return a numeric column as an array."""
    return frame[column].to_numpy().astype(np.float64)
