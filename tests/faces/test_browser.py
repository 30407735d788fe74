"""The map in a real browser: nothing leaves the machine, layers are painted, a click shows the row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from rahdari.faces.web.app import create_app
from tests.helpers.fake_plan import write_fake_plan
from tests.helpers.web import WAIT_MS, needs_chromium, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = [
    pytest.mark.browser,
    needs_chromium,
]
N_PLACES, N_LINKS = 3_000, 800
PNG_MAGIC = b"\x89PNG"


@dataclass
class Visit:
    """A page that is open, and everything it asked for or complained about."""

    page: Page
    address: str
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def state(self, expression: str) -> Any:  # noqa: ANN401 - whatever the page answers
        return self.page.evaluate(f"window.rahdari.{expression}")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    plan = write_fake_plan(tmp_path_factory.mktemp("browser"), n_places=N_PLACES, n_links=N_LINKS)
    with served(create_app(plan)) as found:
        yield found


def visit(browser: Browser, address: str, query: str = "") -> Visit:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(WAIT_MS)
    opened = Visit(page, address)
    page.on("request", lambda request: opened.requests.append(request.url))
    page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    page.on("console", lambda message: opened.complaints.append(message.text) if message.type == "error" else None)
    page.goto(f"{address}/map/{query}")
    page.wait_for_selector("body[data-painted]" if "nogl" in query else "body[data-drawing=webgl]")
    return opened


@pytest.fixture(scope="module")
def drawn(browser: Browser, address: str) -> Iterator[Visit]:
    opened = visit(browser, address)
    yield opened
    opened.page.close()


def test_no_request_leaves_the_machine(drawn: Visit) -> None:
    foreign = [url for url in drawn.requests if not url.startswith((drawn.address, "data:", "blob:"))]
    assert foreign == []
    assert any("places.pmtiles" in url for url in drawn.requests)


def test_nothing_goes_wrong_on_the_page(drawn: Visit) -> None:
    assert drawn.complaints == []


def test_points_and_lines_are_painted_with_webgl(drawn: Visit) -> None:
    assert drawn.state("map.kind") == "webgl"
    layers = drawn.state("map.raw.queryRenderedFeatures().map((feature) => feature.layer.id)")
    assert layers.count("places") >= N_PLACES
    assert layers.count("fibre-planned") > 0
    assert layers.count("fibre-existing--assumed") > 0
    assert layers.count("disputed") > 0


def test_everything_is_painted_before_webgl_takes_over(drawn: Visit) -> None:
    painted = int(drawn.page.evaluate("document.body.dataset.painted"))
    assert painted <= int(drawn.page.evaluate("document.body.dataset.upgraded"))
    assert drawn.page.locator("#map").count() == 0


def test_the_boundary_note_and_the_share_of_modelled_places_are_in_sight(drawn: Visit) -> None:
    assert "do not imply any opinion" in drawn.page.locator("#boundary").inner_text()
    assert "not observed" in drawn.page.locator("#evidence").inner_text()


def test_a_click_shows_the_row_and_a_number_tells_why(browser: Browser, address: str, tmp_path: Path) -> None:
    opened = visit(browser, address, "?layers=places")
    page = opened.page
    page.evaluate("window.rahdari.map.raw.jumpTo({center: [68.458, 27.572], zoom: 10})")
    northgate = page.evaluate("fetch('/api/row/places/zz-000000').then((reply) => reply.json())")
    page.evaluate("(at) => window.rahdari.map.raw.jumpTo({center: at, zoom: 11})", northgate["position"])
    page.wait_for_function("window.rahdari.map.raw.areTilesLoaded() && window.rahdari.map.drawn() > 0")
    at = page.evaluate("(at) => window.rahdari.map.project(at)", northgate["position"])
    box = page.locator("#stage").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + at["x"], box["y"] + at["y"])
    page.wait_for_selector("#detail:not([hidden])")
    text = page.locator("#detail").inner_text()
    assert "Northgate" in text
    assert "Mbit/s" in text
    page.locator("#detail tr", has_text="Households passed").locator(".why").last.click()
    reason = page.locator(".reason")
    reason.wait_for()
    assert "where(downlink_mbps > 50" in reason.inner_text()
    shot = tmp_path / "map.png"
    page.screenshot(path=shot)
    assert shot.read_bytes()[:4] == PNG_MAGIC
    page.keyboard.press("Escape")
    assert page.locator("#detail").is_hidden()
    assert opened.complaints == []
    page.close()


@pytest.mark.parametrize("query", ["?layers=core", "?layers=core&nogl=1"])
def test_a_click_on_a_core_link_plays_its_failure(browser: Browser, address: str, query: str) -> None:
    opened = visit(browser, address, query)
    page = opened.page
    lines = page.evaluate("fetch('/api/core').then((reply) => reply.json())")
    (spur,) = [each["line"] for each in lines if each["id"] == "core-3"]
    middle = [sum(place) / len(spur) for place in zip(*spur, strict=True)]
    at = page.evaluate("(at) => window.rahdari.map.project(at)", middle)
    box = page.locator("#stage").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + at["x"], box["y"] + at["y"])
    page.wait_for_selector("body[data-failure=after]")
    text = page.locator(".failure").inner_text()
    assert "Old Harbour - Redcliff" in page.locator("#detail-title").inner_text()
    assert "without any way: Redcliff" in text
    assert "200 Gbit/s" in text
    assert "do not imply any opinion" in page.locator("#boundary").inner_text()
    page.locator(".failure button", has_text="Before").click()
    page.wait_for_selector("body[data-failure=before]")
    page.locator("#detail .close").click()
    assert page.evaluate("document.body.dataset.failure === undefined")
    assert opened.complaints == []
    page.close()


def test_a_played_failure_leaves_the_boundary_note_in_sight_on_a_small_screen(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.set_default_timeout(WAIT_MS)
    page.goto(f"{address}/map/?layers=core&nogl=1#backbone_capacity/core-0")
    page.wait_for_selector("body[data-failure=after]")
    note, sheet = page.locator("#boundary").bounding_box(), page.locator("#detail").bounding_box()
    assert note is not None
    assert sheet is not None
    assert note["y"] + note["height"] <= sheet["y"] + 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()


def test_a_place_is_found_with_the_keyboard_alone(browser: Browser, address: str) -> None:
    opened = visit(browser, address)
    page = opened.page
    page.keyboard.press("/")
    page.keyboard.type("northg")
    page.wait_for_selector("#matches li[aria-selected=true]")
    page.keyboard.press("Enter")
    page.wait_for_selector("#detail:not([hidden])")
    assert "Northgate" in page.locator("#detail-title").inner_text()
    page.close()


def test_the_year_changes_the_colours_and_the_figures(browser: Browser, address: str) -> None:
    opened = visit(browser, address)
    page = opened.page
    last = page.locator("#figures").inner_text()
    page.locator("#years button").first.click()
    colour = page.evaluate("JSON.stringify(window.rahdari.map.raw.getPaintProperty('places', 'circle-color'))")
    assert '"c0"' in colour
    assert page.locator("#figures").inner_text() != last
    page.close()


def test_urdu_turns_the_page_round_and_names_places_in_urdu(browser: Browser, address: str) -> None:
    opened = visit(browser, address, "?lang=ur")
    page = opened.page
    assert page.evaluate("document.documentElement.dir") == "rtl"
    page.wait_for_selector(".label[lang=ur]")
    assert "شمالی دروازہ" in page.locator("#labels").inner_text()
    assert "مقامات بلحاظ ٹیکنالوجی" in page.locator("#layers").inner_text()
    page.close()


def test_without_webgl_the_same_layers_are_drawn_on_a_canvas(browser: Browser, address: str) -> None:
    opened = visit(browser, address, "?nogl=1")
    page = opened.page
    assert opened.state("map.kind") == "canvas"
    assert opened.state("map.drawn()") >= N_PLACES + N_LINKS
    position = page.evaluate("fetch('/api/row/places/zz-000000').then((reply) => reply.json())")["position"]
    page.evaluate("(at) => window.rahdari.map.flyTo(at, 11)", position)
    at = page.evaluate("(at) => window.rahdari.map.project(at)", position)
    box = page.locator("#stage").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + at["x"], box["y"] + at["y"])
    page.wait_for_selector("#detail:not([hidden])")
    assert not any("maplibre" in url for url in opened.requests)
    assert opened.complaints == []
    page.close()
