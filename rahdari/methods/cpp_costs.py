"""Cost formulas of the ITU's Connectivity Planning Platform (CPP), for comparing a plan under its rules.

After the platform's public user guide (International Telecommunication Union, FNS-Division, cpp-user-guide, page
"Models", read in 2026): default unit costs, floor-counted reinvestments, and capital spread evenly over the project
before it is discounted.  The last of these books capital later than it is spent and so understates its present value;
our own economy engine discounts each payment in its year.  These formulas serve comparison only.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

PROJECT_YEARS = 10  # the platform's example
INTEREST_FRAC_PER_YEAR = 0.02  # fixed in the platform
FIBRE_EXPANSION_RATIO = 1.1  # cable laid over path estimated, default
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
