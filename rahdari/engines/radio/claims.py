"""Published claims about hubs and about 5G in cities, each against a baseline fixed before it is computed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from rahdari.methods.cell_claims import Baseline as CityBaseline
from rahdari.methods.cell_claims import city_claims
from rahdari.methods.hub_claims import Baseline, hub_claims

if TYPE_CHECKING:
    import numpy as np

    from rahdari.methods.cell_claims import ClaimTest
    from rahdari.methods.cells import TechnologyCard
    from rahdari.methods.hub_input import HubRules

BASELINES = (
    Baseline(),
    Baseline(60.0),
    Baseline(90.0),
)  # planned as well as can be, and two rules of cautious planners
CANCELLATIONS_DB = (10.0, 15.0, 20.0)  # published figures
LOADS_RATIO = (1.0, 4.0)  # traffic asked over what the hub carries at the baseline
N_DRAWS = 20_000
#: Column of a verdict, claim in words, median figure and its column.
HUB_VERDICTS = (
    ("efficiency", "+50 % spectral efficiency", "median_efficiency_gain_ratio", "efficiency_holds_frac"),
    ("capacity", "twice the capacity", "median_capacity_gain_ratio", "capacity_holds_frac"),
    ("interference", "100 % less interference", "least_residual_frac", "interference_holds_frac"),
    ("interference_rounded", "100 % less interference, 99.5 % taken as such", "least_residual_frac",
     "interference_rounded_holds_frac"),
    ("all", "all three at once", "median_efficiency_gain_ratio", "all_hold_frac"),
    ("all_rounded", "all three at once, 99.5 % less taken as 100 %", "median_efficiency_gain_ratio",
     "all_rounded_hold_frac"),
)  # fmt: skip
CITY_VERDICTS = (
    ("experience", "+150 % user experience", "median_experience_ratio", "experience_holds_frac"),
    ("energy", "-15 % energy", "median_energy_ratio", "energy_holds_frac"),
    ("energy_per_gb", "-15 % energy per gigabyte", "median_energy_per_gb_ratio", "energy_per_gb_holds_frac"),
    ("both", "both at once", "median_experience_ratio", "both_hold_frac"),
    ("both_per_gb", "both at once, energy per gigabyte", "median_experience_ratio", "both_hold_per_gb_frac"),
)  # fmt: skip
CITY_BASELINE = "4G cells of cities at a load of 0.3 to 0.8, equal traffic"
#: What is drawn at random, in words.
UNKNOWNS = {
    "load_frac": "busy-hour load of 4G",
    "device_frac": "share of users with 5G devices",
    "bandwidth_ratio": "5G bandwidth over the card's",
    "sinr_change_db": "signal of 5G over that of 4G, dB",
    "power_ratio": "power of 5G over the card's",
    "asleep_frac": "share of idle time that 5G sleeps",
    "asleep_before_frac": "share of idle time that 4G sleeps",
}
MODES = {"added": "5G added beside 4G for users with devices", "replaced": "5G in place of 4G for all users"}


def hub_test(links: pl.DataFrame, rules: HubRules) -> pl.DataFrame:
    """Return how often the hub claims hold over the hubs, by baseline, cancellation and load."""
    return hub_claims(
        links,
        rules,
        baselines=BASELINES,
        cancellations_db=CANCELLATIONS_DB,
        antennas_ratio=(1.0,),
        loads_ratio=LOADS_RATIO,
    )


def city_test(
    before: TechnologyCard, after: TechnologyCard, cells: pl.DataFrame, random: np.random.Generator
) -> ClaimTest:
    """Return how often the 5G claims hold; the baseline's signal is the median of 4G cells of cities (``cells``).

    Its load is drawn from the test's own range, fixed beforehand: where cells are full, any relief is a gain without
    bound and the claim says nothing.
    """
    base = CityBaseline()
    if cells.height:
        base = replace(base, sinr_db=float(cells["sinr_db"].median()))  # type: ignore[arg-type]
    return city_claims(before, after, random, baseline=base, n_draws=N_DRAWS)


def _row(claim_id: str, subject: str, claim: str, **values: object) -> dict[str, object]:
    return {"claim_id": claim_id, "subject": subject, "claim": claim, **values}


def _conditions(city: ClaimTest) -> list[dict[str, object]]:
    """Return how often both 5G claims hold within each quarter of each unknown's range."""
    rows: list[dict[str, object]] = []
    for row in city.conditions.filter(pl.col("both_hold_frac").is_not_null()).to_dicts():
        span = f"{UNKNOWNS[row['unknown']]} {row['value_from']:.2f} to {row['value_to']:.2f}"
        rows.append(
            _row(
                f"condition-{row['mode']}-{row['unknown']}-{row['value_from']:.2f}", "city_condition", "both at once",
                baseline=CITY_BASELINE, condition=f"{MODES[row['mode']]}; {span}", n_tested=row["n_draws"],
                median_ratio=None, holds_frac=row["both_hold_frac"],
            )
        )  # fmt: skip
    return rows


def claim_rows(hub: pl.DataFrame | None, city: ClaimTest) -> pl.DataFrame:
    """Return the table ``radio_claims``: a row a claim, baseline and condition; hubs or draws are what is counted."""
    rows = []
    for k, row in enumerate([] if hub is None else hub.to_dicts()):
        figure = row["cancellation_db"]
        condition = f"cancellation {figure:g} dB, traffic {row['load_ratio']:g} times what the baseline carries"
        rows += [
            _row(
                f"hub-{k:02d}-{name}", "hub", claim, baseline=row["baseline"], condition=condition,
                n_tested=row["n_hubs"], median_ratio=row[median], holds_frac=row[share],
            )
            for name, claim, median, share in HUB_VERDICTS
        ]  # fmt: skip
    for row in city.summary.to_dicts():
        rows += [
            _row(
                f"city-{row['mode']}-{name}", "city", claim, baseline=CITY_BASELINE,
                condition=MODES[row["mode"]], n_tested=N_DRAWS, median_ratio=row[median], holds_frac=row[share],
            )
            for name, claim, median, share in CITY_VERDICTS
        ]  # fmt: skip
    rows += _conditions(city)
    return pl.DataFrame(rows, infer_schema_length=None).with_columns(fails_frac=1.0 - pl.col("holds_frac"))
