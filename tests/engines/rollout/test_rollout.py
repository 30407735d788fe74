"""The roll-out engine on the test country."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import rahdari.engines.rollout.engine as rollout_engine
from rahdari.engines.rollout.engine import rollout
from rahdari.engines.rollout.norms import POOLS
from rahdari.engines.rollout.packages import open_months
from rahdari.engines.rollout.params import RolloutParams
from rahdari.engines.rollout.problem import make_problem, months_between, solve
from rahdari.methods.schedule_verify import verify_schedule
from rahdari.model import Context, Tables
from rahdari.schema.checks import empty_table
from rahdari.schema.loader import read_schema
from tests.fixtures import small_country
from tests.helpers.engine_checks import check_engine, named_events

FOLDER = Path(rollout_engine.__file__).parent
POWER = FOLDER.parent / "power" / "tables" / "power_programme.csv"
TIGHT = {"budget_usd_per_year": 3e6}
FEW_CREWS = {"civil_crews_count": 1.0, "splice_crews_count": 1.0}


def _power(sites: pl.DataFrame) -> pl.DataFrame:
    rows = sites.sort("site_id").head(20).select(
        "site_id", pl.lit(5000.0).alias("cost_usd"), pl.lit(8.766e5).alias("gain_people_h_per_year")
    )  # fmt: skip
    return pl.concat([empty_table(read_schema(POWER)), rows], how="diagonal")


@pytest.fixture(scope="module")
def plan() -> dict[str, pl.DataFrame]:
    country = small_country()
    places = country["places"]
    random = np.random.Generator(np.random.Philox(key=11))
    is_built = random.random(places.height) < 0.4
    built = places.filter(is_built)
    homes = pl.Series(np.where(is_built, places["n_households"].to_numpy() * 0.8, 0.0).astype(np.int64))
    none = pl.lit(0, pl.Int64)
    base = places.select(
        "place_id", pl.lit(2025).alias("year"), none.alias("n_households_passed"),
        none.alias("n_households_connected"), pl.lit("mobile_4g").alias("technology"),
    )  # fmt: skip
    end = places.select(
        "place_id", pl.lit(2030).alias("year"), homes.alias("n_households_passed"),
        (homes * 3 // 10).alias("n_households_connected"),
        pl.Series("technology", np.where(is_built, "fibre", "mobile_5g")),
    )  # fmt: skip
    wireless = pl.when(pl.col("year") == 2030).then(40_000.0).otherwise(0.0)
    access = pl.concat([base, end]).with_columns(
        capex_usd=pl.when(pl.col("technology") == "fibre")
        .then(pl.col("n_households_passed") * 90.0)
        .otherwise(wireless)
    )
    length_km = random.uniform(1.0, 30.0, built.height)
    links = built.select(
        pl.format("pl-{}", "place_id").alias("link_id"),
        "place_id",
        "district_id",
        pl.lit("fibre_aerial_km").alias("equipment_id"),
        pl.Series("length_km", length_km),
        pl.Series("capex_usd", length_km * 9000.0),
    )
    sites = built.head(40).select(
        pl.format("ps-{}", "place_id").alias("site_id"),
        "place_id",
        pl.lit(None, pl.String).alias("district_id"),
        pl.lit(value=True).alias("is_fibre"),
        pl.lit(0.4).alias("lateral_km"),
        pl.lit(0.0).alias("radio_capex_usd"),
        pl.lit(2500.0).alias("capex_usd"),
    )
    last = access.filter(pl.col("year") == 2030).join(places.select("place_id", "district_id"), on="place_id")
    bill = pl.concat(
        last.group_by("district_id").agg(amount.alias("n_units")).with_columns(equipment_id=pl.lit(item))
        for item, amount in (
            ("gpon_pole_line_km", pl.col("n_households_passed").sum() * 0.02),
            ("gpon_connection", pl.col("n_households_connected").sum() * 1.0),
            ("radio_5g_carrier", (pl.col("technology") != "fibre").sum() * 1.0),
        )
    ).sort("district_id", "equipment_id")
    hazards = named_events()["hazards"]
    return {
        **country, "access": access, "planned_links": links, "planned_sites": sites, "materials": bill,
        "power_programme": _power(country["sites"]), "hazards": hazards,
    }  # fmt: skip


def _planned_usd(plan: dict[str, pl.DataFrame]) -> float:
    return sum(float(plan[name]["capex_usd"].sum()) for name in ("planned_links", "planned_sites", "access"))


def test_result_keeps_schema_formulas_proofs_and_row_order(plan: dict[str, pl.DataFrame]) -> None:
    result, _ = check_engine(rollout, plan, RolloutParams(), Context(), FOLDER)
    assert all(certificate.lower_bound is not None for certificate in result.certificates)


@pytest.mark.parametrize("params", [{}, TIGHT, FEW_CREWS, {"n_packages": 40}, {"objective": "homes"}])
def test_money_kilometres_homes_and_sites_are_conserved(
    plan: dict[str, pl.DataFrame], params: dict[str, float]
) -> None:
    result = rollout(Tables(plan), RolloutParams.model_validate(params), Context())
    for name in ("schedule", "work_packages"):
        table = result.tables[name]
        assert table["capex_usd"].sum() == pytest.approx(_planned_usd(plan))
        assert table["power_capex_usd"].sum() == pytest.approx(plan["power_programme"]["cost_usd"].sum())
        assert table["lateral_km"].sum() == pytest.approx(0.4 * plan["planned_sites"].height)
        assert table["fibre_km"].sum() == pytest.approx(plan["planned_links"]["length_km"].sum())
        assert table["n_households_passed"].sum() == plan["access"]["n_households_passed"].sum()
        assert table["n_sites_fibred"].sum() == plan["planned_sites"].height


@pytest.mark.parametrize("params", [{}, TIGHT, FEW_CREWS, {"permit_ratio": 3.0}])
def test_the_calendar_passes_the_independent_check(plan: dict[str, pl.DataFrame], params: dict[str, float]) -> None:
    asked = RolloutParams.model_validate(params)
    problem = make_problem(Tables(plan), asked, (2025, 2030))
    assert problem is not None
    problem, made = solve(problem, Tables(plan), asked, Context())
    found = verify_schedule(problem.packages, problem.crews, problem.budget, made)
    assert found.violations == ()
    assert made.is_done.all()


def test_crew_months_of_months_are_those_of_packages(plan: dict[str, pl.DataFrame]) -> None:
    tables = rollout(Tables(plan), RolloutParams(), Context()).tables
    for pool in POOLS:
        held = tables["schedule_months"][f"{pool}_crews_count"].sum()
        assert held == pytest.approx(tables["work_packages"][f"{pool}_months"].sum())


def test_no_year_commits_more_than_its_money_and_what_was_left(plan: dict[str, pl.DataFrame]) -> None:
    result = rollout(Tables(plan), RolloutParams(**TIGHT), Context())
    yearly = result.tables["schedule"].group_by("year").agg(pl.sum_horizontal("capex_usd", "power_capex_usd").sum())
    spent = yearly.sort("year").to_series(1).cum_sum().to_list()
    allowed = [3e6 * (9 / 12 + number) for number in range(len(spent))]
    assert all(done <= most * (1 + 1e-9) for done, most in zip(spent, allowed, strict=True))
    late = next(item for item in result.indicators if item.indicator_id == "rollout_late_years")
    assert late.value > 0.0
    assert late.value_low is not None
    assert late.value_low > 0.0


def test_more_crews_never_lower_what_can_be_served_by_the_due_date(plan: dict[str, pl.DataFrame]) -> None:
    few, many = (
        {item.indicator_id: item for item in rollout(Tables(plan), params, Context()).indicators}
        for params in (RolloutParams(**FEW_CREWS), RolloutParams(civil_crews_count=20.0, splice_crews_count=20.0))
    )
    assert many["rollout_by_due_frac"].value_high >= few["rollout_by_due_frac"].value_high  # type: ignore[operator]
    assert many["rollout_end_months"].value <= few["rollout_end_months"].value


def test_a_home_is_connected_after_its_line_and_a_line_after_its_way(plan: dict[str, pl.DataFrame]) -> None:
    problem = make_problem(Tables(plan), RolloutParams(), (2025, 2030))
    assert problem is not None
    names = problem.packages.package_id
    kinds = {(problem.packages.kind[a], problem.packages.kind[b]) for a, b in zip(
        problem.packages.before.tolist(), problem.packages.after.tolist(), strict=True)}  # fmt: skip
    assert kinds == {
        ("fibre_way", "home_lines"), ("fibre_way", "site_fibre"), ("home_lines", "home_connections")
    }  # fmt: skip
    assert list(names) == sorted(names)


def test_money_set_free_saves_waiting_and_the_price_says_so(plan: dict[str, pl.DataFrame]) -> None:
    tables = rollout(Tables(plan), RolloutParams(**TIGHT), Context()).tables
    assert tables["rollout_prices"].filter(pl.col("kind") == "money")["price_value"].max() > 0.0  # type: ignore[operator]
    assert "money" in tables["binding"]["cause"].to_list()


@pytest.mark.parametrize(
    ("first", "last", "months"),
    [((2025, 4, 1), (2030, 4, 30), 61), ((2025, 1, 1), (2026, 1, 1), 12), ((2025, 1, 1), (2025, 12, 31), 12)],
)
def test_months_to_the_due_date_are_whole(first: tuple[int, int, int], last: tuple[int, int, int], months: int) -> None:
    assert months_between(date(*first), date(*last)) == months


def test_a_plan_that_builds_nothing_has_an_empty_schedule(plan: dict[str, pl.DataFrame]) -> None:
    empty = {name: frame.clear() for name, frame in plan.items() if name.startswith(("planned", "power"))}
    access = plan["access"].with_columns(
        n_households_passed=pl.lit(0, pl.Int64), n_households_connected=pl.lit(0, pl.Int64), capex_usd=pl.lit(0.0)
    )
    result = rollout(Tables({**plan, **empty, "access": access}), RolloutParams(), Context())
    assert all(frame.is_empty() for frame in result.tables.values())


def test_ground_with_snow_and_monsoon_leaves_three_months_for_a_package() -> None:
    ground = pl.DataFrame({"is_snow": [False, True, False, True], "is_flood": [False, False, True, True]})
    assert ground.select(months=open_months())["months"].to_list() == [6.0, 8.0, 10.0, 3.0]


def test_a_package_never_takes_longer_than_its_season_is_open(plan: dict[str, pl.DataFrame]) -> None:
    places = plan["places"].with_columns(elevation_m=pl.lit(3_000.0))
    lon_deg, lat_deg = places.select("lon_deg", "lat_deg").row(0)
    wet = (
        plan["hazards"]
        .head(1)
        .with_columns(kind=pl.lit("flood"), lon_deg=pl.lit(lon_deg), lat_deg=pl.lit(lat_deg), radius_km=pl.lit(5_000.0))
    )
    made = rollout(
        Tables({**plan, "places": places, "hazards": wet}), RolloutParams.model_validate(FEW_CREWS), Context()
    )
    packages = made.tables["work_packages"]
    assert (packages["is_snow"] & packages["is_flood"]).all()
    assert packages.filter(pl.col("duration_months") > open_months()).is_empty()
