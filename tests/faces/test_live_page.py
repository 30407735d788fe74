"""The live page in a real browser: read, searched and acted on by keyboard; hostile text stays text; it finds back."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import uvicorn

from rahdari import operate
from rahdari.faces.web.auth import protect
from rahdari.faces.web.live.app import create_live_app
from rahdari.faces.web.roles import LIVE_ROUTES
from rahdari.operate import Event
from rahdari.service.operate import LiveView
from tests.helpers.people import PASSWORD, people
from tests.helpers.web import WAIT_MS, needs_chromium
from tests.helpers.web import served as served_app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from rahdari.operate.app import App

pytestmark = [pytest.mark.browser, needs_chromium]
SCRIPT, FORMULA, REVERSED = "<img src=x onerror=document.title='owned'>", "=1+1", "\u202eevil"
NETWORK = {
    "sites": ["G", "A", "B"], "gateways": ["G"],
    "cells": {"C1": {"parent": "A", "customers": 1200}, "C2": {"parent": "B", "customers": 30_000}},
    "links": {
        "L1": {"a": "G", "b": "A", "medium": "fibre", "ducts": ["D1"]},
        "L2": {"a": "G", "b": "B", "medium": "fibre", "ducts": ["D2"]},
    },
    "battery_h": 4.0,
}  # fmt: skip


@contextmanager
def served(app: App, port: int = 0) -> Iterator[str]:
    """Serve the page of an app; open streams do not hold up the end."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        config = uvicorn.Config(create_live_app(LiveView(app)), log_level="warning", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        deadline = time.monotonic() + WAIT_MS / 1000.0
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.02)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


def event(app: App, seq: int, resource: str, kind: str, severity: str = "critical", *, text: str = "") -> Event:
    at_s = app.clock.now_s() - 60.0
    return Event(source="nms", seq=seq, at_s=at_s, resource=resource, type=kind, severity=severity, text=text)


def cut(app: App, first: int, link: str, site: str, cell: str) -> None:
    app.ingest([
        event(app, first, f"{link}:G-port", "LOS"), event(app, first + 1, site, "unreachable"),
        event(app, first + 2, cell, "unreachable", "major"),
    ])  # fmt: skip
    assert app.wait_idle()


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    made = operate.App(NETWORK, f"sqlite:///{tmp_path / 'live.db'}").start()
    yield made
    if made.is_running:
        made.stop()


@pytest.fixture
def address(app: App) -> Iterator[str]:
    with served(app) as found:
        yield found


def opened(browser: Browser, address: str, query: str = "", *, width: int = 1280) -> tuple[Page, list[str]]:
    page = browser.new_page(viewport={"width": width, "height": 844})
    page.set_default_timeout(WAIT_MS)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{address}/live/{query}")
    page.wait_for_selector("body[data-painted]")
    return page, complaints


def at_position(page: Page, position: int) -> None:
    page.wait_for_function("(n) => Number(document.body.dataset.position) >= n", arg=position)


def test_a_quiet_network_says_that_nothing_is_wrong(browser: Browser, address: str) -> None:
    page, complaints = opened(browser, address)
    assert "Nothing is wrong." in page.locator("#list").inner_text()
    assert page.locator("#live-mark").inner_text() in {"live", "connecting"}
    assert complaints == []
    page.close()


def test_incidents_appear_by_themselves_sorted_by_customers_and_the_keyboard_reads_and_acknowledges_them(
    browser: Browser, address: str, app: App
) -> None:
    page, complaints = opened(browser, address)
    cut(app, 1, "L1", "A", "C1")
    cut(app, 10, "L2", "B", "C2")
    at_position(page, 6)
    page.wait_for_selector(".card:nth-child(2)")
    cards = page.locator(".card").all_inner_texts()
    assert ["30,000" in cards[0], "1,200" in cards[1]] == [True, True]
    assert "31,200" in page.locator("#figures").inner_text()
    for key in ("j", "j", "k"):
        page.keyboard.press(key)
    assert page.locator(".card").first.get_attribute("aria-selected") == "true"
    page.keyboard.press("Enter")
    page.wait_for_selector("#story .impact")
    story = page.locator("#story").inner_text()
    assert "30,000" in story
    assert "L2:G-port" in story
    page.keyboard.press("a")
    page.wait_for_selector("#story .chip.ok")
    assert "acknowledged by" in page.locator(".card").first.inner_text()
    page.keyboard.press("a")
    page.wait_for_function("() => !document.querySelector('.card .chip.ok')")
    page.keyboard.press("n")
    page.keyboard.type("crew on its way")
    page.keyboard.press("Enter")
    page.wait_for_selector("#story .note")
    assert page.locator("#story .note").inner_text() == "crew on its way"
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    assert page.locator("#story").is_hidden()
    assert complaints == []
    page.close()


def test_shelving_puts_an_incident_last_and_search_finds_it(browser: Browser, address: str, app: App) -> None:
    cut(app, 1, "L1", "A", "C1")
    cut(app, 10, "L2", "B", "C2")
    page, _ = opened(browser, address)
    page.keyboard.press("j")
    page.keyboard.press("s")
    page.wait_for_selector(".card.shelved")
    assert "30,000" in page.locator(".card").nth(1).inner_text()
    page.keyboard.press("/")
    page.keyboard.type("L1")
    texts = page.locator(".card").all_inner_texts()
    assert len(texts) <= 1
    page.locator("#search").fill("no such thing")
    assert "No incident matches." in page.locator("#list").inner_text()
    page.close()


def test_what_if_is_answered_beside_the_story(browser: Browser, address: str, app: App) -> None:
    cut(app, 1, "L2", "B", "C2")
    page, _ = opened(browser, address)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.locator(".what-if input").fill("L1")
    page.locator(".what-if button").click()
    page.wait_for_function("() => document.querySelector('#story [role=status]')?.textContent.includes('1,200')")
    page.locator(".what-if input").fill("nothing there")
    page.locator(".what-if button").click()
    page.wait_for_function(
        "() => document.querySelector('#story [role=status]')?.textContent.includes('nothing there')"
    )
    page.close()


@pytest.mark.parametrize("text", [SCRIPT, FORMULA, REVERSED])
def test_hostile_text_is_shown_as_text(browser: Browser, address: str, app: App, text: str) -> None:
    cut(app, 1, "L2", "B", "C2")
    app.ingest([event(app, 20, "C2", text, "minor", text=text), event(app, 21, text, "fan", "minor", text=text)])
    app.operator(text, "operatorState", operate.incidents(app)[0].incident_id, action="ack", alarm_type="incident",
                 note=text)  # fmt: skip
    assert app.wait_idle()
    page, complaints = opened(browser, address)
    page.wait_for_selector("#events li:nth-child(3)")
    assert text in page.locator("#events").inner_text()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_selector("#story .note")
    assert page.locator("#story .note").inner_text() == text
    assert page.locator("img").count() == 0
    assert "owned" not in page.title()
    assert complaints == []
    page.close()


def test_after_a_restart_of_the_server_the_page_finds_back_and_shows_what_it_missed(
    browser: Browser, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'restart.db'}"
    first = operate.App(NETWORK, url).start()
    with served(first) as address:
        page, _ = opened(browser, address)
        cut(first, 1, "L1", "A", "C1")
        at_position(page, 3)
        first.stop()
    page.wait_for_selector("#live-mark[data-state=lost]")
    second = operate.App(NETWORK, url).start()
    cut(second, 10, "L2", "B", "C2")  # nobody is there to be told
    port = int(address.rsplit(":", 1)[1])
    with served(second, port):
        page.wait_for_selector("#live-mark[data-state=connected]")
        at_position(page, 6)
        page.wait_for_function("() => document.querySelector('#figures').textContent.includes('31,200')")
        assert "L2:G-port" in page.locator("#events").inner_text()
        assert "L1:G-port" in page.locator("#events").inner_text()
        page.close()
    second.stop()


def test_a_telephone_shows_figures_and_list_without_moving_sideways(browser: Browser, address: str, app: App) -> None:
    cut(app, 1, "L2", "B", "C2")
    page, _ = opened(browser, address, width=390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator(".card").first.click()
    page.wait_for_selector("#story .impact")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    box = page.locator("#story .buttons button").first.bounding_box()
    assert box is not None
    assert box["height"] >= 40
    page.locator("#story .x").click()
    assert page.locator("#story").is_hidden()
    page.close()


def test_urdu_turns_the_page_around_and_help_lists_the_keys(browser: Browser, address: str, app: App) -> None:
    cut(app, 1, "L2", "B", "C2")
    page, _ = opened(browser, address, "?lang=ur")
    assert page.evaluate("document.documentElement.dir") == "rtl"
    assert "واقعات" in page.locator("#figures").inner_text()
    page.locator("#language").click()
    assert page.evaluate("document.documentElement.dir") == "ltr"
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    assert "acknowledge" in page.locator("#keys").inner_text()
    page.keyboard.press("Escape")
    page.close()


def test_a_batterys_end_is_foreseen_in_the_list_and_drawn_in_the_story(
    browser: Browser, address: str, app: App
) -> None:
    app.ingest([event(app, 1, "B:rectifier", "mainsFail", "major")])
    assert app.wait_idle()
    page, _ = opened(browser, address)
    page.wait_for_selector(".card .next")
    assert "3 h" in page.locator(".card .next").inner_text().replace("\u2068", "").replace("\u2069", "")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_selector("#story .chart path")
    assert "30,000" in page.locator("#story .chart .axis").inner_text()
    page.close()


def test_behind_accounts_the_page_asks_for_login_and_acts_in_the_name_of_the_account(
    browser: Browser, app: App, tmp_path: Path
) -> None:
    cut(app, 1, "L2", "B", "C2")
    assert app.wait_idle()
    made = create_live_app(LiveView(app))
    accounts = people(tmp_path / "accounts")
    protect(made, accounts, needs=LIVE_ROUTES)
    page = browser.new_page()
    page.set_default_timeout(WAIT_MS)
    with served_app(made) as address:
        page.goto(f"{address}/live/")
        assert "/login" in page.url
        page.fill("input[name=name]", "operator-owner")
        page.fill("input[name=password]", PASSWORD)
        page.click("button")
        page.wait_for_selector("body[data-painted=true]")
        page.click("#list li")
        page.wait_for_selector("#story .duty h3")
        page.keyboard.press("a")
        page.wait_for_selector("#story .chip.ok")
        page.keyboard.press("s")
        page.wait_for_selector("#banner:not([hidden])")
        assert "critical" in page.inner_text("#banner")
        page.close()
    accounts.close()
    assert {event.source for _, _, event in app.journal.events(3, 10)} == {"operator:operator-owner"}
