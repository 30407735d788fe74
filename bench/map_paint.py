"""Time to full paint of 50,000 points and 20,000 lines in headless Chromium: our map against plain GeoJSON.

Prints one JSON line.  Both pages use the same MapLibre, the same features and software WebGL on this
machine; the peer page loads them as two GeoJSON files with one circle and one line layer.  Our page paints
everything on a canvas first and hands over to MapLibre when that shows the same: both times are given.
"""

from __future__ import annotations

import json
import shutil
import socket
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import orjson  # noqa: E402 - after the path is set
import shapely  # noqa: E402
import uvicorn  # noqa: E402
from fastapi import FastAPI, Response  # noqa: E402

from rahdari.faces.web.app import PlanPages, create_app  # noqa: E402
from rahdari.faces.web.tiles import shapes_of  # noqa: E402
from rahdari.store.query import PlanReader  # noqa: E402
from tests.helpers.fake_plan import write_fake_plan  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Browser

N_POINTS, N_LINES, N_ROUNDS = 50_000, 20_000, 5
LAYERS = ("places", "fibre-existing", "fibre-planned")
TARGET_MS = 2000
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--enable-unsafe-swiftshader", "--no-first-run")
PEER_PAGE = """<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="/map/vendor/maplibre-gl.css">
<style>html,body,#map{margin:0;height:100%}</style><div id="map"></div><script type="module">
import { Map, setWorkerUrl } from "/map/vendor/maplibre-gl.mjs";
setWorkerUrl("/map/vendor/maplibre-gl-worker.mjs");
const source = (name) => ({ type: "geojson", data: `/peer/${name}.geojson` });
const map = new Map({ container: "map", bounds: [[60.9, 23.7], [77.5, 37.1]], fadeDuration: 0, style: { version: 8,
  sources: { points: source("points"), lines: source("lines") }, layers: [
  { id: "lines", type: "line", source: "lines", paint: { "line-color": "#0d9488", "line-width": 1 } },
  { id: "points", type: "circle", source: "points", paint: { "circle-radius": 1.5,
    "circle-color": ["match", ["get", "c1"], 0, "#0f766e", 1, "#2f7fc1", 2, "#8fb3dd", "#c8553d"] } } ] } });
map.once("idle", () => { document.body.dataset.painted = String(Math.round(performance.now())); });
</script>"""


def geojson(pages: PlanPages, layers: tuple[str, ...]) -> bytes:
    """Return the features of some layers as one GeoJSON file."""
    features = []
    for name in layers:
        frame = pages.store.layer(name).features
        for shape, row in zip(shapely.to_geojson(shapes_of(frame)), frame.iter_rows(named=True), strict=True):
            properties = {key: row[key] for key in ("i", "s", "c0", "c1", "w")}
            features.append({"type": "Feature", "properties": properties, "geometry": orjson.Fragment(shape)})
    return orjson.dumps({"type": "FeatureCollection", "features": features})


def add_peer(app: FastAPI, pages: PlanPages) -> int:
    """Serve the peer page from the same application and return the bytes of its data."""
    bodies = {"points": geojson(pages, LAYERS[:1]), "lines": geojson(pages, LAYERS[1:])}

    @app.get("/peer/")
    def page() -> Response:
        return Response(
            PEER_PAGE, media_type="text/html", headers={"Content-Security-Policy": "script-src 'self' 'unsafe-inline'"}
        )

    @app.get("/peer/{name}.geojson")
    def data(name: str) -> Response:
        return Response(bodies[name], media_type="application/json")

    return sum(len(body) for body in bodies.values())


def paint_ms(browser: Browser, url: str, mark: str) -> tuple[float, float]:
    """Return the times from navigation to full paint and to the last ``mark``, in a fresh browser context."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector(f"body[data-{mark}]", timeout=120_000)
    painted, marked = (float(page.evaluate(f"document.body.dataset.{name}")) for name in ("painted", mark))
    context.close()
    return painted, marked


def main() -> None:
    """Measure and print."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        print(json.dumps({"bench": "map_paint", "skipped": "Chromium is not installed"}))
        return
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, socket.socket() as listener:
        plan = write_fake_plan(Path(folder), n_places=N_POINTS, n_links=N_LINES)
        pages = PlanPages(PlanReader(plan))
        start = time.perf_counter()
        pages.prepare()
        tiles_s = time.perf_counter() - start
        app = create_app(plan)
        n_peer_bytes = add_peer(app, pages)
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        urls = {"ours": ("/map/", "upgraded"), "geojson": ("/peer/", "painted")}
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in urls}
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
            for name, (path, mark) in [*urls.items()] * (1 + N_ROUNDS):
                times[name].append(paint_ms(browser, address + path, mark))
            browser.close()
        server.should_exit = True
        thread.join()
    # The first round warms the server's and the browser's caches.
    ours, webgl = (statistics.median(values) for values in zip(*times["ours"][1:], strict=True))
    peer = statistics.median(painted for painted, _ in times["geojson"][1:])
    result = {
        "bench": "map_paint",
        "n_points": N_POINTS,
        "n_lines": N_LINES,
        "ours_ms": ours,
        "ours_webgl_ms": webgl,
        "peer": "MapLibre GL JS with GeoJSON sources",
        "peer_ms": peer,
        "ratio": round(peer / ours, 2),
        "ratio_webgl": round(peer / webgl, 2),
        "tiles_built_once_s": round(tiles_s, 2),
        "peer_bytes": n_peer_bytes,
        "target_ms": TARGET_MS,
        "is_met": ours <= TARGET_MS,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
