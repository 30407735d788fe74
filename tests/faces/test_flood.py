"""The flood commands and their page: what they print, what the page shows, hostile names, and a real browser."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio
from typer.testing import CliRunner

from rahdari.errors import InputError
from rahdari.faces.cli.flood import band_numbers, folder_name
from rahdari.faces.cli.main import app
from rahdari.operate.app import App, Listen
from rahdari.service.flood_files import EVENTS
from tests.helpers.flood_plan import make_flood_plan
from tests.helpers.web import WAIT_MS, needs_chromium

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

    from rahdari.service.plan_view import Plan


def scene(path: Path, west: float, north: float, *, n: int = 300, step: float = 0.01) -> Path:
    nir = np.full((n, n), 0.3, np.float32)
    nir[:, : n // 2] = 0.05
    with rasterio.open(
        path, "w", driver="GTiff", width=n, height=n, count=2, dtype="float32", crs="EPSG:4326",
        transform=rasterio.Affine(step, 0, west, 0, -step, north),
    ) as file:  # fmt: skip
        file.write(np.stack([np.full((n, n), 0.12, np.float32), nir]))
        file.descriptions = ("B3", "B8")
    return path


def test_the_map_command_prints_area_and_speaks_json(small_plan: Plan, tmp_path: Path) -> None:
    image = scene(tmp_path / "a.tif", 69.5, 32.5)
    asked = ["flood", "map", str(image), "--out", str(tmp_path / "mask.tif"), "--plan", str(small_plan.folder)]
    shown = CliRunner().invoke(app, asked)
    assert shown.exit_code == 0, shown.output
    assert "flooded" in shown.output
    assert "people" in shown.output
    assert "A country made up for tests." in shown.output
    told = json.loads(CliRunner().invoke(app, [*asked, "--json"]).stdout)["result"]
    assert told["method"] == "ndwi-otsu"
    assert told["touched"]["people_flooded"] > 0
    assert (tmp_path / "mask.tif").is_file()


def test_a_wrong_image_ends_with_the_cure_and_code_two(tmp_path: Path) -> None:
    bad = tmp_path / "bad.tif"
    bad.write_bytes(b"II*\0 nothing")
    found = CliRunner().invoke(app, ["flood", "map", str(bad), "--json"])
    assert found.exit_code == 2
    assert "QGIS" in found.output


def test_bands_and_folders_are_read_as_written() -> None:
    assert band_numbers("green=2, NIR=7") == {"green": 2, "nir": 7}
    assert band_numbers(None) == {}
    for text in ("green", "green=x", "=2"):
        with pytest.raises(InputError, match="no band"):
            band_numbers(text)
    assert folder_name("../../etc/Dadu") == "etc-dadu"
    assert folder_name("دادو") == "دادو"
    assert folder_name("//") == "area"


@pytest.fixture(scope="module")
def flood_plan(country_folder: Path, cache_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a plan of the small country with a flood to play, and edge nodes."""
    return make_flood_plan(country_folder, cache_dir, tmp_path_factory)


@pytest.fixture(scope="module")
def day_folder(flood_plan: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a flood day made by the command, with a cut and a hostile name of its area."""
    from rahdari.store.query import PlanReader

    base = tmp_path_factory.mktemp("day")
    area = base / "<b>river & bank.geojson"
    place = PlanReader(flood_plan).table("places").filter(district_id="xx-d00").sort("n_people").row(-1, named=True)
    x, y = place["lon_deg"], place["lat_deg"]
    ring = [[x - 0.2, y - 0.2], [x + 0.2, y - 0.2], [x + 0.2, y + 0.2], [x - 0.2, y + 0.2], [x - 0.2, y - 0.2]]
    area.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    link = PlanReader(flood_plan).table("links")["link_id"][0]
    live = App(flood_plan, f"sqlite:///{base}/live.db", listen=Listen(tcp_port=0)).start()
    asked = ["flood", "day", str(area), "--event", "wet", "--drones", "2", "--hours", "3", "--cut", link,
             "--plan", str(flood_plan), "--out", str(base / "out"),
             "--to", f"127.0.0.1:{live.ports['tcp']}"]  # fmt: skip
    try:
        found = CliRunner().invoke(app, asked)
        assert live.wait_idle()
        heard = {alarm.resource for alarm in live.alarms()}
    finally:
        live.stop()
    assert found.exit_code == 0, found.output
    assert "state of the network" in found.output
    assert "planning the flights" in found.stderr
    assert f"Besides, {link} cut"[:38] in found.output
    sent = [json.loads(line)["resource"] for line in (base / "out" / EVENTS).read_text().splitlines()]
    assert heard == set(sent)
    return base / "out"


def test_the_page_needs_nothing_from_elsewhere_and_says_what_it_is(day_folder: Path) -> None:
    page = (day_folder / "flood_day.html").read_text(encoding="utf-8")
    for word in ("not an authorisation to fly", "A country made up for tests.", "made up", "What the cut changes"):
        assert word in page
    assert "<b>river" not in page
    assert "&lt;b&gt;river &amp; bank" in page
    assert "src=" not in page
    assert "https://" not in page
    assert "<script" not in page
    sites = [json.loads(line)["resource"] for line in (day_folder / "flood_events.ndjson").read_text().splitlines()]
    assert sites
    assert not any(site in page for site in sites)
    assert (day_folder / "flights.geojson").is_file()


@needs_chromium
@pytest.mark.parametrize("width", [1280, 390])
def test_a_browser_shows_the_page_without_overflow(day_folder: Path, browser: Browser, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on("request", lambda request: failures.append(request.url) if "flood_day.html" not in request.url else None)
    page.goto((day_folder / "flood_day.html").as_uri(), timeout=WAIT_MS)
    assert page.locator("h2").count() == 7
    assert page.locator("figure svg").count() >= 3
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert failures == []
    page.close()
