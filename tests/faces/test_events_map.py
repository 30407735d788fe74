"""A named event on the map: by the server with its progress, and played in a real browser."""

from __future__ import annotations

import json
import shutil
import struct
import time
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from rahdari.errors import InputError, PlanError, Problem
from rahdari.faces.cli.main import app
from rahdari.faces.web.app import create_app
from rahdari.faces.web.events import EventJobs
from rahdari.service.event_states import EventStates, PlanEvents
from rahdari.store.query import PlanReader
from tests.helpers.fake_plan import write_fake_plan
from tests.helpers.web import WAIT_MS, needs_chromium, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from httpx import Response
    from playwright.sync_api import Browser, Page

WAIT_S = 120.0
in_browser = [
    pytest.mark.browser,
    needs_chromium,
]


@pytest.fixture(scope="module")
def folder(event_plan: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shutil.copytree(event_plan, tmp_path_factory.mktemp("event-map") / "plan")


@pytest.fixture(scope="module")
def client(folder: Path) -> TestClient:
    return TestClient(create_app(folder))


def ready(client: TestClient, event: str) -> tuple[Response, list[dict[str, object]]]:
    """Return the event once it is there, and what was said before."""
    said = []
    deadline = time.monotonic() + WAIT_S
    while (answer := client.get(f"/api/event/{event}")).status_code == 202:
        said.append(answer.json())
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return answer, said


def test_the_list_names_the_events_that_can_be_played(client: TestClient) -> None:
    events = client.get("/api/events").json()
    assert [(each["named_event_id"], each["n_hours"]) for each in events] == [("dark", 24), ("wet", 96)]


def test_an_event_is_answered_with_its_progress_until_it_is_there_and_then_at_once(
    client: TestClient, folder: Path
) -> None:
    PlanEvents(PlanReader(folder)).path("dark").unlink(missing_ok=True)
    answer, said = ready(client, "dark")
    assert {"step", "done_frac"} <= set(said[0])
    assert all(0.0 <= float(str(each["done_frac"])) <= 1.0 for each in said)
    assert answer.status_code == 200
    assert client.get("/api/event/dark").content == answer.content
    again = TestClient(create_app(folder)).get("/api/event/dark")
    assert (again.status_code, again.content) == (200, answer.content)


def test_the_bytes_of_an_event_are_the_services_in_the_order_of_the_places(client: TestClient, folder: Path) -> None:
    body = ready(client, "dark")[0].content
    made = EventStates.unpacked(PlanEvents(PlanReader(folder)).file("dark"))
    start = 4 + struct.unpack_from("<i", body)[0]
    states = np.bitwise_xor.accumulate(np.frombuffer(body, np.uint8, offset=start).reshape(made.place_state.shape))
    assert np.array_equal(states, made.place_state)
    places = PlanReader(folder).table("places").sort("place_id")
    packed = client.get("/api/event-places.bin").content
    assert struct.unpack_from("<i", packed)[0] == places.height
    lon_lat = np.frombuffer(packed, "<f4", 2 * places.height, 8).reshape(-1, 2)
    assert np.allclose(lon_lat, places.select("lon_deg", "lat_deg").to_numpy(), atol=1e-5)
    assert client.get("/api/event-place/7").json() == {"table": "places", "id": places["place_id"][7]}


def test_a_reader_without_gzip_is_served_too(client: TestClient) -> None:
    ready(client, "dark")
    plain = client.get("/api/event/dark", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == client.get("/api/event/dark").content


@pytest.mark.parametrize("path", ["/api/event/nothing", "/api/event-place/999999", "/api/event-place/-1"])
def test_what_is_not_there_gives_404_with_a_cure(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json()["errors"][0]["cure"]


def test_a_plan_without_events_offers_none(tmp_path: Path) -> None:
    client = TestClient(create_app(write_fake_plan(tmp_path, n_places=100, n_links=20)))
    assert client.get("/api/events").json() == []
    assert client.get("/api/event/dark").status_code == 404


def test_what_goes_wrong_is_told_once_and_asking_again_tries_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = PlanEvents(PlanReader(folder))
    monkeypatch.setattr(events, "kept", lambda _: None)

    asked = []

    def fails(event: str, _tell: object) -> bytes:
        asked.append(event)
        raise InputError(Problem("the disk is gone", "put it back"))

    monkeypatch.setattr(events, "file", fails)
    jobs = EventJobs(events)
    for n_asked in (1, 2):
        with pytest.raises(InputError, match="the disk is gone"):
            wait_for_failure(jobs)
        assert len(asked) == n_asked


def test_a_plan_that_cannot_be_written_to_is_played_all_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object) -> None:
        raise PlanError(Problem("cannot write", "choose another folder"))

    made = PlanEvents(PlanReader(folder)).file("wet")
    events = PlanEvents(PlanReader(folder))
    events.path("wet").unlink()
    monkeypatch.setattr("rahdari.service.event_states.write_bytes", refuses)
    jobs = EventJobs(events)
    deadline = time.monotonic() + WAIT_S
    while not isinstance(found := jobs.ask("wet"), bytes):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert found == made
    assert events.kept("wet") is None


def wait_for_failure(jobs: EventJobs) -> None:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        jobs.ask("dark")
        time.sleep(0.01)


def test_the_command_writes_every_hour_of_an_event_to_a_file(folder: Path, tmp_path: Path) -> None:
    runner, target = CliRunner(), tmp_path / "hours.csv"
    asked = ["stress", "--plan", str(folder), "--hourly", str(target), "--json"]
    alone = runner.invoke(app, [*asked, "--remove", "A"])
    assert json.loads(alone.stdout)["errors"][0]["cure"].startswith("add --event")
    assert runner.invoke(app, [*asked, "--event", "dark"]).exit_code == 0
    hours = pl.read_csv(target)
    assert hours["hour_h"].to_list() == list(range(24))
    assert {"down_sites", "without_people", "reported_value"} <= set(hours.columns)
    nowhere = runner.invoke(
        app, ["stress", "--plan", str(folder), "--event", "dark", "--hourly", "/proc/x/y", "--json"]
    )
    assert json.loads(nowhere.stdout)["errors"][0]["cure"]


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with served(create_app(folder)) as found:
        yield found


def opened(browser: Browser, address: str, query: str, *, width: int = 1280, motion: str = "reduce") -> Page:
    page = browser.new_page(viewport={"width": width, "height": 844}, reduced_motion=motion)
    page.set_default_timeout(WAIT_MS)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{address}/map/{query}")
    page.wait_for_selector("body[data-painted]" if "nogl" in query else "body[data-drawing=webgl]")
    assert complaints == []
    return page


def hour(page: Page) -> int:
    return int(page.evaluate("document.querySelector('#player').dataset.hour"))


def shows(page: Page, colour: tuple[int, int, int]) -> bool:
    """Return whether pixels of the overlay have a colour, but for rounding."""
    return bool(
        page.evaluate(
            """(wanted) => {
              const canvas = document.querySelector('#overlay');
              const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
              for (let k = 0; k < data.length; k += 4) {
                if (data[k + 3] > 250 && wanted.every((part, j) => Math.abs(data[k + j] - part) < 4)) return true;
              }
              return false;
            }""",
            list(colour),
        )
    )


BATTERY, CUT_OFF = (239, 207, 108), (124, 72, 176)


class TestInTheBrowser:
    """An event is chosen, played, sought, and closed."""

    pytestmark = in_browser

    @pytest.mark.parametrize("query", ["", "?nogl=1"])
    def test_an_event_is_chosen_and_every_hour_colours_the_places(
        self, browser: Browser, address: str, folder: Path, query: str
    ) -> None:
        page = opened(browser, address, query)
        before = page.evaluate("[...window.rahdari.visible]")
        page.locator("#event").select_option("dark")
        page.wait_for_selector("#player[data-hour]")
        assert hour(page) == 0
        assert shows(page, BATTERY)
        assert not shows(page, CUT_OFF)
        page.locator("#player .mark").click()
        assert hour(page) == 11
        assert shows(page, CUT_OFF)
        text = page.locator("#player").inner_text()
        assert "Hour \u206611\u2069" in text
        assert "no power left" in text
        n_places = PlanReader(folder).table("places").height
        assert page.evaluate("window.rahdari.events.drawn()") == n_places
        page.locator("#player .close").click()
        assert page.locator("#player").is_hidden()
        assert page.locator("#overlay").count() == 0
        assert page.evaluate("[...window.rahdari.visible].sort()") == sorted(before)
        assert page.locator("#event").input_value() == ""
        page.close()

    def test_the_keyboard_alone_seeks_plays_and_closes(self, browser: Browser, address: str) -> None:
        page = opened(browser, address, "?nogl=1#event/dark/5")
        page.wait_for_selector("#player[data-hour='5']")
        slider = page.locator("#player input[type=range]")
        slider.focus()
        page.keyboard.press("ArrowRight")
        assert hour(page) == 6
        said = slider.get_attribute("aria-valuetext") or ""
        assert said.startswith("Hour \u20666\u2069: ")
        assert "people without service" in said
        page.keyboard.press("End")
        assert hour(page) == 23
        page.locator("#player .play").focus()
        page.keyboard.press("Space")
        page.wait_for_selector("#player .play[data-playing=true]")
        assert hour(page) < 23
        page.keyboard.press("Escape")
        assert page.locator("#player").is_hidden()
        assert page.evaluate("document.activeElement.id") == "event"
        page.close()

    def test_an_event_plays_by_itself_unless_motion_is_to_be_reduced(self, browser: Browser, address: str) -> None:
        moving = opened(browser, address, "?nogl=1#event/dark", motion="no-preference")
        moving.wait_for_selector("#player .play[data-playing=true]")
        moving.wait_for_selector("#player[data-hour='3']")
        moving.close()
        calm = opened(browser, address, "?nogl=1#event/dark", motion="reduce")
        calm.wait_for_selector("#player[data-hour='0']")
        assert calm.locator("#player .play").get_attribute("data-playing") == "false"
        calm.close()

    def test_a_click_on_a_place_tells_how_it_fares(self, browser: Browser, address: str, folder: Path) -> None:
        page = opened(browser, address, "?nogl=1#event/dark/11")
        page.wait_for_selector("#player[data-hour='11']")
        place = PlanReader(folder).table("places").sort("place_id").row(0, named=True)
        page.evaluate("(at) => window.rahdari.map.flyTo(at, 10)", [place["lon_deg"], place["lat_deg"]])
        page.wait_for_timeout(200)
        at = page.evaluate("(at) => window.rahdari.map.project(at)", [place["lon_deg"], place["lat_deg"]])
        box = page.locator("#stage").bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + at["x"], box["y"] + at["y"])
        page.wait_for_selector("#detail .event-place .strip")
        assert place["name"] in page.locator("#detail-title").inner_text()
        page.close()

    def test_urdu_on_a_small_screen_keeps_the_note_in_sight_and_time_from_left_to_right(
        self, browser: Browser, address: str
    ) -> None:
        page = opened(browser, address, "?nogl=1&lang=ur#event/wet/0", width=390)
        page.wait_for_selector("#player[data-hour]")
        assert "گھنٹہ" in page.locator("#player .clock").inner_text()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.evaluate("getComputedStyle(document.querySelector('.timeline')).direction") == "ltr"
        note, player = page.locator("#boundary").bounding_box(), page.locator("#player").bounding_box()
        side = page.locator("#side").bounding_box()
        assert note is not None
        assert player is not None
        assert side is not None
        assert note["y"] + note["height"] <= player["y"] + 1
        assert player["y"] + player["height"] <= side["y"] + 1
        legend = page.locator("#player .legend").bounding_box()
        assert legend is not None
        assert legend["y"] + legend["height"] <= player["y"] + player["height"]
        page.close()

    def test_an_event_that_is_not_there_is_told_with_the_cure(self, browser: Browser, address: str) -> None:
        page = browser.new_page()
        page.set_default_timeout(WAIT_MS)
        page.goto(f"{address}/map/?nogl=1#event/nothing")
        page.wait_for_selector("#player .problem")
        assert "use one of dark, wet" in page.locator("#player .problem").inner_text()
        page.close()
