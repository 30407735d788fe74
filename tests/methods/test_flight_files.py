"""Files of flights: what their formats ask for, and what is refused."""

from __future__ import annotations

import datetime as dt
import json

import pytest
import shapely

from rahdari.errors import InputError
from rahdari.methods.flight_files import NOTE, f3548_volumes, flights_geojson, qgroundcontrol_plan

WAY = [(71.0, 30.0), (71.01, 30.0), (71.01, 30.001), (71.0, 30.001)]
LEGS = [True, False, True]
START = dt.datetime(2026, 8, 27, 6, 0, tzinfo=dt.UTC)


def test_geojson_carries_the_note_on_every_flight() -> None:
    made = flights_geojson([{"lonlat_deg": WAY, "drone": "one"}])
    assert made["features"][0]["properties"] == {"drone": "one", "note": NOTE}
    assert shapely.from_geojson(json.dumps(made["features"][0]["geometry"])).length == pytest.approx(0.021)


def test_a_plan_takes_off_visits_every_point_triggers_over_legs_and_returns() -> None:
    made = qgroundcontrol_plan(WAY, 120.0, 15.0, is_leg=LEGS, trigger_m=40.0, closed=[shapely.box(71, 30, 72, 31)])
    commands = [item["command"] for item in made["mission"]["items"]]
    assert commands == [22, 206, 16, 206, 16, 206, 16, 20]
    triggers = [item["params"][0] for item in made["mission"]["items"] if item["command"] == 206]
    assert triggers == [40.0, 0.0, 40.0]
    assert [item["doJumpId"] for item in made["mission"]["items"]] == list(range(1, 9))
    assert made["geoFence"]["polygons"][0]["inclusion"] is False
    assert made["note"] == NOTE
    assert json.loads(json.dumps(made)) == made


def test_a_plan_gives_latitude_before_longitude() -> None:
    first = qgroundcontrol_plan(WAY, 120.0, 15.0)["mission"]["items"][1]
    assert first["params"][4:6] == [30.0, 71.01]


def test_volumes_follow_each_other_in_time_and_hold_their_stretch() -> None:
    volumes = f3548_volumes(WAY, [0, 100, 110, 210], [150, 160, 170, 150], 120.0, START)
    assert len(volumes) == 3
    for k, each in enumerate(volumes):
        corners = [(at["lng"], at["lat"]) for at in each["volume"]["outline_polygon"]["vertices"]]
        assert shapely.Polygon(corners).contains(shapely.LineString(WAY[k : k + 2]))
        assert each["time_start"]["value"].endswith("Z")
        assert each["time_start"]["value"] < each["time_end"]["value"]
    assert volumes[0]["volume"]["altitude_lower"]["value"] == 150 + 120 - 15
    assert volumes[1]["volume"]["altitude_upper"]["value"] == 170 + 120 + 15


def test_what_is_no_flight_is_refused() -> None:
    with pytest.raises(InputError, match="no way points"):
        flights_geojson([{"lonlat_deg": [(71.0, 30.0)]}])
    with pytest.raises(InputError) as error:
        qgroundcontrol_plan(WAY, -5.0, 15.0, is_leg=[True])
    assert len(error.value.problems) == 2
    with pytest.raises(InputError) as error:
        f3548_volumes(WAY, [0, 5, 3, 9], [0, 0, 0, 0], 100.0, dt.datetime(2026, 1, 1))  # noqa: DTZ001
    assert len(error.value.problems) == 2
