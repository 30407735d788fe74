"""The national plan of Pakistan, end to end: census, consistency, bounds, frozen indicators, other scenarios."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from tests.e2e.conftest import rahdari

if TYPE_CHECKING:
    from rahdari.service.plan_view import Plan

GOLDEN = Path(__file__).parents[1] / "golden" / "pakistan.csv"
FROZEN_TOLERANCE = 1e-6  # compilers differ in the last digits; models do not
CENSUS_2023_PEOPLE = 241_499_431  # Pakistan Bureau of Statistics, without AJK and GB
WIDEST_GAP_FRAC = 0.005  # asked of the choice of fibre inside the default plan


def golden_rows() -> list[dict[str, str]]:
    with GOLDEN.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_plan_is_national(pakistan: Plan) -> None:
    assert pakistan.places.height >= 30_000
    districts = pakistan.tables["districts"]
    assert pakistan.places["n_people"].sum() == districts["n_people"].sum()
    measured = districts.filter(pl.col("evidence") == "measured")
    assert measured["n_people"].sum() == CENSUS_2023_PEOPLE


def test_every_engine_ran_and_every_check_is_kept(pakistan: Plan) -> None:
    assert len(pakistan.manifest["engines"]) == 15
    assert pakistan.manifest["dropped"] == []
    assert [check for check in pakistan.manifest["consistency"] if not check["is_kept"]] == []


def test_the_choice_of_fibre_is_proven_to_half_a_per_cent(pakistan: Plan) -> None:
    access = pakistan.certificates.filter(pl.col("engine") == "access")
    gap = dict(access.select("name", "gap_frac").iter_rows())
    assert 0.0 <= gap["Access, whole objective"] <= WIDEST_GAP_FRAC
    assert 0.0 <= gap["Access, fibre forest at the premiums"] <= WIDEST_GAP_FRAC
    assert gap["Access, fibre spend"] >= gap["Access, whole objective"]


def test_every_claim_of_the_programme_has_a_verdict(pakistan: Plan) -> None:
    claims = set(pakistan.tables["programme"]["claim_id"])
    assert claims == set(pakistan.tables["programme_verdicts"]["claim_id"])


@pytest.mark.parametrize("row", golden_rows(), ids=lambda row: f"{row['indicator_id']}-{row['year']}")
def test_a_frozen_indicator_stays_and_lies_in_its_outside_band(row: dict[str, str], pakistan: Plan) -> None:
    value = pakistan.indicator(row["indicator_id"], int(row["year"]))
    assert math.isclose(value, float(row["value"]), rel_tol=FROZEN_TOLERANCE, abs_tol=1e-9), (
        f"{value!r} is no longer {row['value']}: if this is meant, run tests/golden/refresh.py and tell the changelog"
    )
    if row["band_low"]:
        assert float(row["band_low"]) <= value <= float(row["band_high"]), row["band_from"]


def test_an_unchanged_rerun_runs_no_engine(pakistan: Plan, work_folder: Path, national_cache: Path) -> None:
    done = rahdari("plan", "pakistan", "--json", cwd=work_folder, cache_dir=national_cache)
    answer = json.loads(done.stdout)
    assert answer["ok"]
    assert answer["result"]["n_engines_run"] == 0
    assert answer["result"]["plan_digest"] == pakistan.digest


def test_a_number_is_explained_down_to_its_source(pakistan: Plan, work_folder: Path, national_cache: Path) -> None:
    place = pakistan.places.sort("n_people")["place_id"][-1]
    done = rahdari("explain", "places", str(place), "n_people", "--json", cwd=work_folder, cache_dir=national_cache)
    answer = json.loads(done.stdout)
    assert answer["ok"]
    assert answer["result"]["source"]["publisher"]


def test_kenya_plans_from_packages_alone(work_folder: Path, national_cache: Path, pakistan: Plan) -> None:
    done = rahdari("plan", "KE", "--places", "5000", "--json", cwd=work_folder, cache_dir=national_cache)
    answer = json.loads(done.stdout)
    assert answer["ok"], answer["errors"]
    assert answer["result"]["tables"]["places"] >= 5_000
    assert all(check["is_kept"] for check in answer["result"]["consistency"])
    assert pakistan.folder.is_dir()
