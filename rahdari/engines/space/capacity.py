"""What constellations carry over the country as subscribers grow, and where gateways cure most."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.engines.space.fleets import MBPS_PER_GBPS, spread_places
from rahdari.engines.space.views import DAY_MINUTES
from rahdari.methods.beam_capacity import beam_cells, capacity_curve, most_subscribers
from rahdari.methods.bent_pipe import common_frac
from rahdari.methods.gateway_choice import SERVED_FRAC, best_gateways

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.engines.space.fleets import Fleet, Gateways
    from rahdari.engines.space.params import SpaceParams
    from rahdari.engines.space.views import Ground
    from rahdari.methods.beam_capacity import BeamCells, CapacityCurve
    from rahdari.model import Certificate

    FloatArray = NDArray[np.float64]

#: Shares of households: tenths of a per mille up to everybody, about three a decade.
ADOPTIONS = (1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
CAPACITY_MOMENTS = 2  # of a day: what stands over a country changes by little
CHOICE_MOMENTS = 12
CANDIDATES, CANDIDATE_SPACING_KM = 48, 80.0  # largest places that a gateway may stand beside
COLUMNS = ("satellite_low_gbps", "satellite_gbps", "satellite_high_gbps")


@dataclass(frozen=True, slots=True, eq=False)
class Capacity:
    """What one constellation carries: its cells, the curve, and most households at low, base and high capacity.

    ``granted_frac`` (p,) is what subscribers get of what they ask for at the stated adoption.
    """

    cells: BeamCells
    curve: CapacityCurve
    granted_frac: FloatArray
    capacity_mbps: float
    most_households: tuple[float, float, float]


def capacity_of(fleet: Fleet, ground: Ground, gateways: Gateways, params: SpaceParams) -> Capacity:
    """Return what a constellation with a published capacity carries over the cells that hold places."""
    cells = beam_cells(
        ground.points.lon_deg,
        ground.points.lat_deg,
        ground.points.height_m,
        ground.places["n_households"].to_numpy(),
        fleet.number("cell_km2"),
    )
    times = fleet.day + np.arange(CAPACITY_MOMENTS) * np.timedelta64(DAY_MINUTES // CAPACITY_MOMENTS, "m")
    adoptions = np.array([*ADOPTIONS, params.adoption_frac])
    _, points = gateways.used(is_home_only=params.requires_domestic_gateway)

    def curve(column: str, shares: FloatArray, n_moments: int) -> CapacityCurve:
        # Gateways are built to fit the satellites they feed.
        ratio = fleet.number(column) / fleet.number(COLUMNS[1])
        return capacity_curve(
            fleet.satellites,
            cells,
            points,
            fleet.payload(params.usable_capacity_frac, column),
            times[:n_moments],
            gateway_mbps=ratio * fleet.number("gateway_gbps") * MBPS_PER_GBPS,
            adoption_frac=shares,
            busy_hour_mbps=params.busy_hour_mbps,
            min_elevation_deg=fleet.number("min_elevation_deg"),
            gateway_min_elevation_deg=fleet.number("gateway_min_elevation_deg"),
            has_links=bool(fleet.row["has_links"]),
        )

    base = curve(COLUMNS[1], adoptions, CAPACITY_MOMENTS)
    low, high = (
        most_subscribers(curve(column, np.ones(1), 1), params.busy_hour_mbps) for column in (COLUMNS[0], COLUMNS[2])
    )
    given = np.nan_to_num(base.mbps_per_subscriber[-1] / params.busy_hour_mbps, nan=1.0)
    most = most_subscribers(base, params.busy_hour_mbps)
    return Capacity(
        cells,
        base,
        np.minimum(given, 1.0)[cells.cell_of_place],
        float(base.served_mbps[len(ADOPTIONS) - 1]),
        (min(low, most), most, max(high, most)),
    )


def growth_rows(fleet: Fleet, capacity: Capacity) -> pl.DataFrame:
    """Return the ``satellite_growth`` rows of one constellation."""
    n, curve = len(ADOPTIONS), capacity.curve
    served = curve.served_mbps[:n]
    return pl.DataFrame(
        {
            "constellation_id": [fleet.constellation_id] * n,
            "step": np.arange(1, n + 1),
            "adoption_frac": curve.adoption_frac[:n],
            "n_subscribers": curve.n_subscribers[:n],
            "demand_mbps": curve.demand_mbps[:n],
            "served_mbps": served,
            "worst_mbps": curve.worst_mbps[:n],
            "subscriber_mbps": served / np.maximum(curve.n_subscribers[:n], 1.0),
            "full_frac": curve.full_frac[:n],
        }
    )


def gateway_rows(
    fleet: Fleet, ground: Ground, gateways: Gateways, params: SpaceParams
) -> tuple[pl.DataFrame, Certificate, float]:
    """Return the ``satellite_gateway_choice`` rows, their proof, and the share of people served from abroad.

    Without a gateway at home, which places have no satellite in common with a listed one abroad, and where would one
    at home cure most?
    """
    people = ground.places["n_people"].to_numpy().astype(np.float64)
    candidates = spread_places(ground.places, CANDIDATES, CANDIDATE_SPACING_KM).sort("place_id")
    points = candidates.select("lon_deg", "lat_deg", "elevation_m").to_numpy().astype(np.float64)
    times = fleet.day + np.arange(CHOICE_MOMENTS) * np.timedelta64(DAY_MINUTES // CHOICE_MOMENTS, "m")
    shares = common_frac(
        fleet.satellites,
        ground.points,
        np.concatenate([points, gateways.abroad_points]),
        times,
        min_elevation_deg=fleet.number("min_elevation_deg"),
        gateway_min_elevation_deg=fleet.number("gateway_min_elevation_deg"),
        horizon_deg=ground.horizon_deg,
    )
    now = shares[:, len(points) :].max(axis=1, initial=0.0) >= SERVED_FRAC
    choice = best_gateways(shares[:, : len(points)], params.n_gateways_chosen, weight=people, served_by_now=now)
    total = max(float(people.sum()), 1.0)
    n_open = float(people[~now].sum())
    n_added = np.rint(choice.gain).astype(np.int64)
    rows = pl.DataFrame(
        {
            "rank": np.arange(1, choice.order.size + 1),
            "constellation_id": [fleet.constellation_id] * choice.order.size,
            "place_id": candidates["place_id"].to_numpy()[choice.order].astype(str),
            "n_people_open": np.full(choice.order.size, round(n_open)),
            "n_people_added": n_added,
            "added_frac": n_added / max(round(n_open), 1),
        }
    )
    proof = replace(choice.certificate, name="space.gateways", unit="people")
    return rows, proof, float(people[now].sum()) / total
