from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from rahdari.errors import InputError
from rahdari.faces.cli.main import app
from rahdari.methods.bent_pipe import bent_pipe
from rahdari.methods.satellite_view import look_angles
from rahdari.service.sky import SkyAllRequest, SkyPlaceRequest, place_row, sky_all, sky_place
from rahdari.sources.orbits import read_constellation

if TYPE_CHECKING:
    from pathlib import Path

    from rahdari.service.plan_view import Plan

AT = dt.datetime(2024, 5, 21, 0, 10, tzinfo=dt.UTC)


def asked(plan: Plan, **more: object) -> SkyPlaceRequest:
    name = plan.tables["places"].sort("n_people", descending=True)["place_id"][0]
    return SkyPlaceRequest(**{"plan": plan.folder, "place": name, "at_utc": AT, **more})


def test_a_place_gets_angles_a_day_ways_prices_and_costs(small_plan: Plan) -> None:
    response = sky_place(asked(small_plan))
    assert {row["constellation_id"] for row in response.day} == {"starlink_gen1", "oneweb", "amazon_leo"}
    assert {row["constellation_id"] for row in response.geo} == {"paksat_mm1r", "paksat_1r", "apstar_7", "apstar_6d"}
    assert len(response.horizon_deg) == 36
    assert all(row["n_handovers"] > 0 for row in response.day)
    assert {row["technology"] for row in response.options} >= {"fibre", "satellite"}
    assert all(not row["is_licensed"] for row in response.offers if row["constellation_id"] == "starlink_gen1")
    assert any("hypothetical" in text for text in response.warnings)
    # Angles now agree with the day's own count: within a third of the mean, at any moment.
    clear = sum(row["is_clear"] for row in response.look_angles if row["constellation_id"] == "starlink_gen1")
    mean = next(row["n_visible_mean"] for row in response.day if row["constellation_id"] == "starlink_gen1")
    assert clear == pytest.approx(mean, rel=0.34)


def test_hops_add_up_to_the_round_trip_of_the_day(small_plan: Plan) -> None:
    response = sky_place(asked(small_plan))
    hops = [hop for hop in response.hops if hop["constellation_id"] == "starlink_gen1" and hop["after_ms"]]
    one = next(hop["after_ms"] for hop in hops if hop["way"] == "one satellite")
    day = next(row for row in response.day if row["constellation_id"] == "starlink_gen1")
    assert 2.0 * one == pytest.approx(day["bent_rtt_ms"], rel=0.35)
    for way in {hop["way"] for hop in hops if hop["way"] != "one satellite"}:
        legs = [hop for hop in hops if hop["way"] == way]
        assert legs[-1]["after_ms"] == pytest.approx(sum(leg["length_km"] for leg in legs) / 299.792458, rel=1e-9)


def test_real_element_sets_give_the_directions_of_the_methods(small_plan: Plan, shared_folder: Path) -> None:
    file = shared_folder / "validation" / "space" / "starlink_omm_2024-05-21.json"
    if not file.is_file():
        pytest.skip("the real element sets are not beside the checkout")
    few = read_constellation(file)
    response = sky_place(asked(small_plan, elements=file))
    where = response.place
    exact = look_angles(
        few, (where["lon_deg"], where["lat_deg"], where["elevation_m"]), np.datetime64("2024-05-21T00:10")
    )
    named = {row["satellite"]: row for row in response.look_angles if row["constellation_id"] == "starlink_gen1"}
    assert len(named) == int((exact.elevation_deg >= 25.0).sum())
    for name, row in named.items():
        assert row["elevation_deg"] == exact.elevation_deg[few.satellite_name.index(name)]


def test_on_21_may_2024_no_place_of_the_north_shared_a_satellite_with_the_listed_gateway(
    shared_folder: Path,
) -> None:
    """As docs/space.md tells: real elements, mask 25 degrees, every quarter of an hour, Muallim in Turkey."""
    file = shared_folder / "validation" / "space" / "starlink_omm_2024-05-21.json"
    if not file.is_file():
        pytest.skip("the real element sets are not beside the checkout")
    times = np.arange("2024-05-21T00:00", "2024-05-22T00:00", 15, dtype="datetime64[m]")
    places = [(73.05, 33.68, 540.0), (67.01, 24.86, 10.0), (74.31, 35.92, 1500.0), (66.99, 30.18, 1680.0)]
    found = bent_pipe(read_constellation(file), places, [(29.50939, 40.78875, 100.0)], times)
    assert int(found.n_common.max()) == 0


def test_names_are_found_and_unknown_ones_refused_with_the_nearest(small_plan: Plan) -> None:
    places = small_plan.tables["places"]
    first = places.sort("place_id").row(3, named=True)
    assert places["place_id"][place_row(places, first["place_id"])] == first["place_id"]
    assert places["name"][place_row(places, first["name"].upper())] == first["name"]
    with pytest.raises(InputError, match="no place"):
        place_row(places, "nowhere at all")


def test_an_unknown_constellation_for_the_elements_is_refused(small_plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no constellation"):
        sky_place(asked(small_plan, elements=tmp_path / "x.json", constellation="leo_9"))


def test_all_places_are_answered_and_written(small_plan: Plan, tmp_path: Path) -> None:
    out = tmp_path / "sky.csv"
    response = sky_all(SkyAllRequest(plan=small_plan.folder, out=out))
    assert response.n_places == small_plan.tables["places"].height
    assert pl.read_csv(out).height == 3 * response.n_places
    assert [row["horizon_mean_deg"] for row in response.deepest] == sorted(
        (row["horizon_mean_deg"] for row in response.deepest), reverse=True
    )


def test_the_command_answers_in_words_and_in_json(small_plan: Plan) -> None:
    runner, plan = CliRunner(), str(small_plan.folder)
    name = small_plan.tables["places"]["place_id"][0]
    words = runner.invoke(app, ["sky", "place", name, "--plan", plan, "--at", "2026-01-01T00:00:00"])
    assert words.exit_code == 0, words.output
    assert "In view at 2026-01-01T00:00:00Z" in words.output
    assert "cost of ownership" in words.output
    whole = runner.invoke(app, ["sky", "all", "--plan", plan, "--json"])
    assert whole.exit_code == 0, whole.output
    assert json.loads(whole.stdout)["result"]["n_places"] == small_plan.tables["places"].height
    assert runner.invoke(app, ["sky", "all", "--plan", plan]).exit_code == 0
