"""The sky of a place on the map: what the server sends, and what a browser draws of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from fastapi.testclient import TestClient

from rahdari.faces.web.app import create_app
from tests.faces.test_browser import visit
from tests.helpers.web import needs_chromium, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from rahdari.service.plan_view import Plan


def test_the_server_sends_a_day_of_directions_above_the_least_elevation(small_plan: Plan) -> None:
    place = small_plan.tables["places"]["place_id"][0]
    reply = TestClient(create_app(small_plan.folder)).get(f"/api/sky/{place}").json()
    assert len(reply["steps"]) * reply["step_min"] == 24 * 60
    assert len(reply["horizon_deg"]) == 36
    every = np.array([row for step in reply["steps"] for row in step])
    assert every[:, 2].min() >= 10 * reply["min_elevation_deg"] - 1
    assert every[:, 1].max() <= 3600
    mean = len(every) / len(reply["steps"])
    views = small_plan.tables["satellite_views"]
    own = views.filter((views["place_id"] == place) & (views["constellation_id"] == reply["constellation_id"]))
    assert mean == pytest.approx(own["n_visible_mean"].item(), rel=0.1)


def test_an_unknown_place_is_named_in_the_answer(small_plan: Plan) -> None:
    answer = TestClient(create_app(small_plan.folder)).get("/api/sky/nowhere")
    assert answer.status_code >= 400
    assert "no place 'nowhere'" in answer.text


@pytest.mark.browser
@needs_chromium
def test_the_button_of_a_place_draws_its_sky_and_the_slider_moves_it(small_plan: Plan, browser: Browser) -> None:
    place = small_plan.tables["places"]["place_id"][0]
    with served(create_app(small_plan.folder)) as address:
        page = visit(browser, address, f"#places/{place}").page
        page.click(".sky-open")
        page.wait_for_selector("svg.polar circle")
        before = page.inner_html("svg.polar g")
        page.fill(".sky input", "17")
        assert page.inner_html("svg.polar g") != before
        assert "UTC" in page.inner_text(".sky")
        page.close()
