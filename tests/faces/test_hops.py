"""A microwave hop on the map: its profile and budget by the server and in a real browser, and the layers of radio."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from fastapi.testclient import TestClient

from rahdari.errors import InputError
from rahdari.faces.web.app import create_app
from rahdari.faces.web.colours import COVER_COLOURS
from rahdari.faces.web.layers import build_layer, radio_specs
from rahdari.methods.propagation import free_space_db
from rahdari.service.radio_hops import HopProfiles
from rahdari.store.query import PlanReader
from tests.helpers.fake_plan import write_fake_plan
from tests.helpers.web import WAIT_MS, needs_chromium, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from rahdari.faces.web.layers import Layer

N_PLACES, N_LINKS = 400, 40
in_browser = [
    pytest.mark.browser,
    needs_chromium,
]


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_fake_plan(tmp_path_factory.mktemp("hops"), n_places=N_PLACES, n_links=N_LINKS)


@pytest.fixture(scope="module")
def hops(plan: Path) -> HopProfiles:
    found = HopProfiles.of(PlanReader(plan))
    assert found is not None
    return found


def layer_of(plan: Path, layer_id: str) -> Layer:
    reader = PlanReader(plan)
    return build_layer(reader, next(spec for spec in radio_specs(reader) if spec.layer_id == layer_id))


def test_a_hop_over_the_plain_is_clear_and_its_terms_add_up_to_the_received_level(hops: HopProfiles) -> None:
    hop = hops.look("plain")
    assert hop.is_clear
    assert (hop.radio, hop.antenna) == ("mw15", "dish_12")
    assert hop.length_km == pytest.approx(19.68, abs=0.05)
    term = {(each.term, each.mode): each.value for each in hop.terms}
    assert term["free-space loss", ""] == pytest.approx(
        float(free_space_db(hop.length_km, hop.frequency_ghz)), abs=1e-6
    )
    mode = hop.modes[0].mode
    lost = ("free-space loss", "absorption by oxygen", "absorption by water vapour", "diffraction loss at k = 4/3",
            "feeders and radomes, both ends")  # fmt: skip
    received = term["transmit power", mode] + term["antenna gain a", ""] + term["antenna gain b", ""]
    assert term["received level", mode] == pytest.approx(received - sum(term[name, ""] for name in lost), abs=1e-9)
    assert all(np.diff([each.availability_year_frac for each in hop.modes]) <= 0.0)


def test_a_ridge_in_the_way_is_told_and_the_masts_lack_at_least_its_height(hops: HopProfiles) -> None:
    hop = hops.look("hidden")
    assert not hop.is_clear
    assert hop.worst_clearance_ratio is not None
    assert hop.worst_clearance_ratio < 0.0
    assert hop.raise_masts_m > 900.0 - 200.0 - 40.0
    assert any("1 relays" in text for text in hop.warnings)


def test_terrain_of_the_coarse_grid_is_said_to_be_coarse(hops: HopProfiles) -> None:
    hop = hops.look("plain")
    assert hop.is_coarse_terrain
    assert any("never a line of sight" in text for text in hop.warnings)


def test_the_drawing_is_well_formed_and_holds_numbers_alone(hops: HopProfiles) -> None:
    drawing = ET.fromstring(hops.look("plain").svg)  # noqa: S314  # our own drawing
    texts = [each.text or "" for each in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert len(texts) > 4
    assert all(float(text) == float(text) for text in texts)


def test_masts_are_as_high_as_the_engine_was_run_with(hops: HopProfiles) -> None:
    term = {each.term: each.value for each in hops.look("plain").terms if not each.mode}
    assert term["antenna a above sea level"] == pytest.approx(240.0, abs=1.0)


def test_ends_on_one_roof_and_unknown_sites_are_errors_with_a_cure(hops: HopProfiles) -> None:
    with pytest.raises(InputError, match="within 50 m"):
        hops.look("roof")
    with pytest.raises(InputError, match="no microwave hop feeds site 'gate'"):
        hops.look("gate")


def test_the_server_answers_for_a_hop_and_says_404_where_there_is_none(plan: Path) -> None:
    client = TestClient(create_app(plan))
    reply = client.get("/api/hop/plain").json()
    assert (reply["start_name"], reply["end_name"]) == ("Plain mast", "Gateway mast")
    assert client.get("/api/hop/nobody").status_code == 404


def test_hops_are_lines_between_their_sites_and_those_of_no_length_are_left_out(plan: Path) -> None:
    layer = layer_of(plan, "hops")
    assert layer.features["i"].to_list() == ["hidden", "plain"]
    assert layer.features["s"].to_list() == [1, 1]
    row = TestClient(create_app(plan)).get("/api/row/microwave_hops/plain").json()
    assert row["line"] == [[[68.2, 28.0], [68.0, 28.0]]]


@pytest.mark.parametrize(("technology", "least"), [("4g", 0.1), ("5g", 0.6)])
def test_coverage_has_one_layer_a_technology_with_a_class_for_each_confidence(
    plan: Path, technology: str, least: float
) -> None:
    layer = layer_of(plan, f"coverage-{technology}")
    sure = sum(share > least + 0.2 for share in np.linspace(0.0, 1.0, N_PLACES))
    covered = sum(share > least for share in np.linspace(0.0, 1.0, N_PLACES))
    counts = dict(layer.features["c1"].value_counts().iter_rows())
    assert [each.label for each in layer.colouring.classes] == list(COVER_COLOURS)
    assert counts[0] == sure
    assert counts[1] == covered - sure
    assert sum(counts.values()) == N_PLACES


def test_the_layer_of_5g_sites_leaves_the_others_out(plan: Path) -> None:
    assert layer_of(plan, "sites-5g").features["i"].to_list() == ["gate"]


@pytest.fixture(scope="module")
def address(plan: Path) -> Iterator[str]:
    with served(create_app(plan)) as found:
        yield found


def _opened(browser: Browser, address: str, query: str, complaints: list[str], width: int = 1280) -> Page:
    page = browser.new_page(viewport={"width": width, "height": 844})
    page.set_default_timeout(WAIT_MS)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(f"{address}/map/{query}")
    page.wait_for_selector("body[data-painted]" if "nogl" in query else "body[data-drawing=webgl]")
    return page


def _wait(page: Page, condition: str) -> None:
    """Wait until the page says so; the page's own policy forbids waiting inside it."""
    deadline = time.monotonic() + WAIT_MS / 1000.0
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, condition
        page.wait_for_timeout(100)


class TestInTheBrowser:
    """Clicks on hops."""

    pytestmark = in_browser

    @pytest.mark.parametrize("query", ["?layers=hops", "?layers=hops&nogl=1"])
    def test_a_click_on_a_hop_draws_its_profile_and_shows_its_budget(
        self, browser: Browser, address: str, query: str
    ) -> None:
        complaints: list[str] = []
        page = _opened(browser, address, query, complaints)
        page.evaluate("window.rahdari.map.flyTo([68.1, 28.0], 9)")
        _wait(page, "Math.abs(window.rahdari.map.centre()[0] - 68.1) < 0.01 && window.rahdari.map.drawn() > 0")
        at = page.evaluate("window.rahdari.map.project([68.1, 28.0])")
        box = page.locator("#stage").bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + at["x"], box["y"] + at["y"])
        page.wait_for_selector("body[data-hop=plain]")
        assert "Plain mast - Gateway mast" in page.locator("#detail-title").inner_text()
        assert page.locator(".hop svg.profile polygon").count() == 4
        text = page.locator(".hop").inner_text()
        assert "clear by ITU-R P.530" in text
        assert "mw15 · dish_12" in text
        assert "never a line of sight" in text
        page.locator(".hop summary", has_text="Every term").click()
        page.locator(".hop details details summary", has_text="The path").click()
        assert "P.525-4 eq. 5" in page.locator(".hop").inner_text()
        assert complaints == []
        page.close()

    def test_a_site_shows_the_hop_that_feeds_it_in_urdu_on_a_small_screen(self, browser: Browser, address: str) -> None:
        complaints: list[str] = []
        page = _opened(browser, address, "?layers=hops&nogl=1&lang=ur#sites/hidden", complaints, width=390)
        page.wait_for_selector("body[data-hop=hidden]")
        assert "صاف ثابت نہیں" in page.locator(".hop").inner_text()
        drawing = page.locator(".hop svg.profile").bounding_box()
        assert drawing is not None
        assert drawing["x"] >= 0
        assert drawing["x"] + drawing["width"] <= 390
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert complaints == []
        page.close()
