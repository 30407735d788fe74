"""A country of lots for tests and benches: invented figures in the order of a national programme."""

from __future__ import annotations

import numpy as np

from rahdari.methods.adoption import bass_frac
from rahdari.methods.cash_flow import Kinds, Loan
from rahdari.methods.economy_draws import Case
from rahdari.methods.rank import Peers
from rahdari.methods.talent import Course, Pipeline
from rahdari.methods.tornado import Range

#: kind, share of capital, life, operation, imported share.
KINDS = (
    ("access", 0.1, 15.0, 0.05, 0.8), ("core", 0.03, 8.0, 0.1, 0.9), ("drop", 0.15, 8.0, 0.04, 0.5),
    ("fibre", 0.4, 25.0, 0.02, 0.4), ("power", 0.08, 10.0, 0.03, 0.8), ("radio", 0.15, 10.0, 0.1, 0.8),
    ("satellite", 0.04, 5.0, 0.05, 0.9), ("transport", 0.05, 8.0, 0.08, 0.9),
)  # fmt: skip
RANGES = (
    Range("capex_ratio", 0.7, 1.0, 1.6, "lognormal"),
    Range("opex_ratio", 0.8, 1.0, 1.3),
    Range("life_ratio", 0.8, 1.0, 1.2),
    Range("import_price_ratio", 0.9, 1.0, 1.3),
    Range("adoption_ratio", 0.6, 1.0, 1.3),
    Range("price_usd_per_month", 8.0, 12.0, 16.0),
    Range("income_usd_per_month", 500.0, 700.0, 1000.0, "lognormal"),
    Range("discount_frac_per_year", 0.07, 0.1, 0.15),
    Range("inflation_frac_per_year", 0.05, 0.08, 0.15),
    Range("inflation_abroad_frac_per_year", 0.015, 0.02, 0.03),
    Range("exchange_fall_frac_per_year", 0.0, 0.02, 0.06),
    Range("gb_growth_frac_per_year", 0.1, 0.15, 0.25),
    Range("speed_ratio", 0.8, 1.0, 1.2),
    Range("peer_growth_frac_per_year", 0.05, 0.1, 0.2),
    Range("ready_frac", 0.05, 0.1, 0.15),
    Range("emigration_frac_per_year", 0.02, 0.04, 0.08),
    Range("usd_per_head", 15_000.0, 25_000.0, 40_000.0),
)


def country(n_lots: int, n_years: int, total_usd: float = 5e9, *, n_building: int = 5) -> Case:
    """Return a case: capital in the first years, households passed as it is spent, lognormal lots."""
    random = np.random.Generator(np.random.Philox(42))
    size = random.lognormal(0.0, 0.8, n_lots)
    size /= size.sum()
    share = np.array([kind[1] for kind in KINDS])
    spending = np.zeros(n_years)
    spending[:n_building] = 1.0 / n_building
    capital = total_usd * size[:, None, None] * share[:, None] * spending
    passed = 7.5e6 * size[:, None] * np.minimum(np.cumsum(spending), 1.0) * random.uniform(0.5, 1.5, (n_lots, 1))
    life, opex, imported = (np.array([kind[at] for kind in KINDS], np.float64) for at in (2, 3, 4))
    none = np.zeros(len(KINDS))
    return Case(
        years=tuple(range(2025, 2025 + n_years)),
        capex_usd=capital,
        kinds=Kinds(tuple(kind[0] for kind in KINDS), life, opex, imported, none + 0.3, none),
        passed_households=passed,
        adopted_frac=bass_frac(np.arange(n_years), 0.03, 0.38, 0.1) * 0.7,
        income_ratio=random.lognormal(-0.05, 0.3, n_lots),
        exchange_per_usd=281.4,
        price_usd_per_month=12.0,
        income_usd_per_month=700.0,
        gini=0.3,
        affordable_income_frac=0.02,
        price_elasticity=-0.6,
        discount_frac_per_year=0.1,
        inflation_frac_per_year=0.08,
        inflation_abroad_frac_per_year=0.02,
        tax_frac=0.29,
        tax_life_years=7,
        loss_years=6,
        loan=Loan(0.3, 0.03, 3, 10),
        gb_per_month=200.0,
        gb_growth_frac_per_year=0.15,
        busy_hour_frac=0.08,
        speed_mbps=np.asarray(18.0 * 1.25 ** np.arange(n_years), np.float64),
        peers_mbps=Peers(70.0, 0.9).speeds_mbps(157),
        peer_growth_frac_per_year=0.1,
        pipeline=Pipeline(72_952.0, 0.1, 0.02, 0.04, 0.05, 0.02, 150_000.0, 120_000.0, 4_000.0),
        courses=(Course("crew", 0, 5, 2_000.0, 1, 0.8, 900.0), Course("export_ready", 1, 8, 5_000.0, 1, 0.7, 1_500.0)),
        people_per_crew=6.0,
        usd_per_head=25_000.0,
    )
