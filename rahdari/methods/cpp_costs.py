"""Cost formulas of the ITU's Connectivity Planning Platform (CPP), for comparing a plan under its rules.

After the platform's public user guide (International Telecommunication Union, FNS-Division, cpp-user-guide, page
"Models", read in 2026): default unit costs, floor-counted reinvestments, and capital spread evenly over the project
before it is discounted.  The last of these books capital later than it is spent and so understates its present value;
our own economy engine discounts each payment in its year.  These formulas serve comparison only.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, inf
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from rahdari.methods.connect import connect_points
from rahdari.units import EARTH_RADIUS_KM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PROJECT_YEARS = 10  # the platform's example
INTEREST_FRAC_PER_YEAR = 0.02  # fixed in the platform
FIBRE_EXPANSION_RATIO = 1.1  # cable laid over path estimated, default
MAX_CONNECTION_KM = 50.0  # default
COVERAGE_KM = 5.0  # reach of a 4G or 5G site where no coverage map is given, default
LEAST_DEMAND_MBPS = 20.0  # floor of a point's demand


@dataclass(frozen=True, slots=True)
class CppTechnology:
    """Default unit costs of one technology in the platform, US dollars.

    ``licence_once_usd`` and ``licence_usd_per_year`` are for the whole licensed bandwidth of one link.
    """

    setup_usd: float
    maintenance_frac_per_year: float
    retail_usd_per_mbps_year: float
    reinvestment_years: int
    capacity_mbps: float
    build_usd_per_km: float = 0.0
    licence_once_usd: float = 0.0
    licence_usd_per_year: float = 0.0


#: Defaults of the user guide; a microwave link licenses 40 MHz at 50 dollars once and 15 a year for each MHz.
CPP_DEFAULTS = {
    "fibre": CppTechnology(500.0, 0.05, 5.5, 10, 15_000.0, build_usd_per_km=20_000.0),
    "cellular": CppTechnology(120.0, 0.12, 4.5, 5, 900.0),
    "microwave": CppTechnology(3_000.0, 0.1, 5.5, 7, 400.0, licence_once_usd=2_000.0, licence_usd_per_year=600.0),
    "satellite": CppTechnology(800.0, 0.1, 6.4, 5, 400.0),
}


@dataclass(frozen=True, slots=True)
class CppCost:
    """What the platform reports of one point of interest: US dollars over the project, or per year where named so."""

    capex_initial_usd: float
    capex_usd: float
    opex_usd_per_year: float
    ownership_usd: float
    cost_usd_per_year: float
    revenue_usd_per_year: float
    present_cost_usd: float
    present_revenue_usd: float

    @property
    def net_present_usd(self) -> float:
        """Return the present value of revenues less that of costs."""
        return self.present_revenue_usd - self.present_cost_usd


def annuity_factor(interest_frac_per_year: float, years: int) -> float:
    """Return the present value of one dollar at the end of each year; ``years`` where there is no interest.

    >>> round(annuity_factor(0.02, 10), 5)
    8.98259
    """
    if interest_frac_per_year == 0:
        return float(years)
    return (1.0 - (1.0 + interest_frac_per_year) ** -years) / interest_frac_per_year


def cpp_cost(
    technology: CppTechnology,
    demand_mbps: float,
    fibre_km: float = 0.0,
    *,
    years: int = PROJECT_YEARS,
    interest_frac_per_year: float = INTEREST_FRAC_PER_YEAR,
    expansion_ratio: float = FIBRE_EXPANSION_RATIO,
) -> CppCost:
    """Return the platform's cost of joining one point of interest.

    Maintenance is a share of the initial capital without licences; hardware is bought again after each full life in
    the project, licences are not.

    >>> round(cpp_cost(CPP_DEFAULTS["fibre"], 20.0, 3.2).capex_usd, 2)
    71400.0
    """
    built = technology.setup_usd + expansion_ratio * fibre_km * technology.build_usd_per_km
    initial = built + technology.licence_once_usd
    capex = initial + technology.setup_usd * floor(years / technology.reinvestment_years)
    opex = technology.licence_usd_per_year + technology.maintenance_frac_per_year * built
    revenue = min(demand_mbps, technology.capacity_mbps) * technology.retail_usd_per_mbps_year
    per_year = capex / years + opex
    factor = annuity_factor(interest_frac_per_year, years)
    return CppCost(
        capex_initial_usd=initial,
        capex_usd=capex,
        opex_usd_per_year=opex,
        ownership_usd=capex + years * opex,
        cost_usd_per_year=per_year,
        revenue_usd_per_year=revenue,
        present_cost_usd=per_year * factor,
        present_revenue_usd=revenue * factor,
    )


def cpp_demand_mbps(n_people: float, *, most_mbps: float = 15_000.0) -> float:
    """Return the platform's demand of a point from the people within 1 km: a quarter use it, a tenth at once, 2 Mbit/s.

    >>> cpp_demand_mbps(0), cpp_demand_mbps(1_000)
    (20.0, 50.0)
    """
    user_frac, simultaneous_frac, user_mbps = 0.25, 0.1, 2.0
    return min(max(n_people * user_frac * simultaneous_frac * user_mbps, LEAST_DEMAND_MBPS), most_mbps)


def cheapest(demand_mbps: float, options_km: dict[str, float | None]) -> tuple[str, CppCost]:
    """Return the feasible technology of least cost of ownership and its cost.

    ``options_km`` maps a technology to its fibre kilometres (0 where none is needed); ``None`` is not feasible.  Ties
    go to the earlier name in the alphabet.  Raises :class:`ValueError` where nothing is feasible.
    """
    costs = {
        name: cpp_cost(CPP_DEFAULTS[name], demand_mbps, km) for name, km in sorted(options_km.items()) if km is not None
    }
    if not costs:
        raise ValueError("no technology is feasible")
    best = min(costs, key=lambda name: costs[name].ownership_usd)
    return best, costs[best]


@dataclass(frozen=True, slots=True)
class CppPlan:
    """The platform's choice for every point: technology (n,), fibre km (n,), costs (n,), and their sums in US dollars.

    ``fibre_km`` is the length of the hop that brings fibre to a point, infinite where none can.
    """

    technology: tuple[str, ...]
    fibre_km: Floats
    cost: tuple[CppCost, ...]

    @property
    def capex_usd(self) -> float:
        """Return the capital of all points over the project."""
        return sum(cost.capex_usd for cost in self.cost)

    @property
    def ownership_usd(self) -> float:
        """Return the cost of ownership of all points over the project."""
        return sum(cost.ownership_usd for cost in self.cost)


def cpp_plan(
    point_lonlat_deg: Floats,
    fibre_lonlat_deg: Floats,
    cell_lonlat_deg: Floats,
    *,
    demand_mbps: float = LEAST_DEMAND_MBPS,
    max_connection_km: float = MAX_CONNECTION_KM,
) -> CppPlan:
    """Return the least cost of ownership for points (n, 2) by the platform's rules on straight lines.

    Fibre follows the shortest forest from the fibre nodes (k, 2); cells (m, 2) of 4G or 5G reach 5 km; satellite
    always works.  Microwave needs lines of sight over 30 m terrain, which is not at hand, and is left out.
    """
    n = len(point_lonlat_deg)
    both = np.concatenate([point_lonlat_deg, fibre_lonlat_deg])
    is_source = np.arange(len(both)) >= n
    forest = connect_points(both[:, 0], both[:, 1], is_source, max_connection_km)
    fibre_km = np.full(n, inf)
    reached = forest.link_index[:, 1] < n
    fibre_km[forest.link_index[reached, 1]] = forest.link_km[reached]
    covered = np.zeros(n, dtype=bool)
    if len(cell_lonlat_deg):
        chord = 2.0 * np.sin(COVERAGE_KM / EARTH_RADIUS_KM / 2.0)
        covered = cKDTree(_unit(cell_lonlat_deg)).query(_unit(point_lonlat_deg))[0] <= chord
    names: list[str] = []
    costs: list[CppCost] = []
    for km, cell in zip(fibre_km.tolist(), covered.tolist(), strict=True):
        fibre = None if km == inf else km
        name, cost = cheapest(demand_mbps, {"fibre": fibre, "cellular": 0.0 if cell else None, "satellite": 0.0})
        names.append(name)
        costs.append(cost)
    return CppPlan(tuple(names), fibre_km, tuple(costs))


def _unit(lonlat_deg: Floats) -> Floats:
    """Return points on the unit sphere, (n, 3)."""
    lon, lat = np.radians(lonlat_deg[:, 0]), np.radians(lonlat_deg[:, 1])
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
