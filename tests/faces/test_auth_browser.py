"""The gate in a real browser: log in, see the map, grant a request, log out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rahdari.faces.web.app import create_app
from rahdari.faces.web.auth import protect
from rahdari.faces.web.roles import MAP_ROUTES
from tests.helpers.labelled_plan import SITE_NAME, write_labelled_plan
from tests.helpers.people import PASSWORD, people
from tests.helpers.web import WAIT_MS, needs_chromium, served

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, needs_chromium]


def log_in(page: Page, address: str, name: str) -> None:
    page.set_default_timeout(WAIT_MS)
    page.goto(f"{address}/map/")
    page.wait_for_url("**/login?to=/map/")
    page.fill("input[name=name]", name)
    page.fill("input[name=password]", PASSWORD)
    page.click("button")
    page.wait_for_url("**/map/")


def test_people_log_in_see_the_map_and_decide_together(browser: Browser, tmp_path: Path) -> None:
    plan = write_labelled_plan(tmp_path / "plan")
    identity = people(tmp_path / "accounts")
    app = create_app(plan)
    protect(app, identity, needs=MAP_ROUTES, plan_folder=plan)
    with served(app) as address:
        asker, officer = browser.new_context().new_page(), browser.new_context().new_page()
        complaints: list[str] = []
        asker.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        log_in(asker, address, "planner-owner")
        asker.wait_for_selector("body[data-drawing=webgl]")
        assert complaints == []
        assert asker.evaluate("document.cookie") == ""  # no script has the session
        asker.goto(f"{address}/account")
        asker.select_option("select[name=kind]", "worst_pairs")
        asker.fill("input[name=reason]", "where to harden")
        asker.click("text=Ask")
        asker.wait_for_selector("td:has-text('waits')")
        log_in(officer, address, "secrecy-officer-owner")
        officer.goto(f"{address}/account")
        officer.click("text=Grant for an hour")
        officer.wait_for_selector("td:has-text('granted')")
        below = browser.new_context().new_page()
        log_in(below, address, "reader-public")
        below.wait_for_selector("body[data-drawing=webgl]")
        assert SITE_NAME not in below.content()
        below.goto(f"{address}/account")
        below.click("text=Log out")
        below.wait_for_url("**/login")
        below.goto(f"{address}/map/")
        below.wait_for_url("**/login?to=/map/")
    identity.close()
