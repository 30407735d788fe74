"""The map's web application: thin routes over one plan, nothing fetched from anywhere else."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections import OrderedDict
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import polars as pl
from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.middleware.trustedhost import TrustedHostMiddleware

from rahdari.errors import InputError, PlanError, Problem, RahdariError
from rahdari.faces.web.auth import who_of
from rahdari.faces.web.layers import HOPS, NOT_OBSERVED, LayerSpec, build_layer
from rahdari.faces.web.rows import MAX_RESULTS, Names, row_details
from rahdari.faces.web.tiles import MAX_ZOOM, MIN_ZOOM, TILE_LAYER, LayerStore, packed_features
from rahdari.service.explain import explain
from rahdari.service.failing import CoreFailures
from rahdari.service.identity import LOCAL, Who
from rahdari.service.plan_view import HEADLINES
from rahdari.service.requests import ExplainRequest
from rahdari.service.watermark import Mark, csv_export, geojson_export, html_export
from rahdari.store.query import OWNER, PlanReader, written_at

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from rahdari.faces.web.events import EventJobs
    from rahdari.service.radio_hops import HopProfiles
    from rahdari.store.query import Clearance

STATIC = Path(__file__).parents[2] / "static"
LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]", "testserver")
CORE_GRAIN_DEG = 0.001  # about 100 m
CORE_DIGITS = 4
N_BOOKS = 16  # clearances whose pages are kept ready
N_LABELS = 150  # the page hides those that would overlap
PART_OF_CITY = r", part \d+$"  # how the country's builder names the parts of a city
BINARY = "application/octet-stream"
HEADERS = {
    # Nothing may be loaded from another host; MapLibre starts its worker from a blob.
    "Content-Security-Policy": (
        "default-src 'self'; worker-src 'self' blob:; child-src 'self' blob:; img-src 'self' data: blob:; "
        "style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
#: What any route may answer besides; a refusal says in ``errors`` what and how to mend it.
REFUSALS: dict[int | str, dict[str, Any]] = {
    int(status): {"description": status.phrase, "content": {kind: {}}}
    for status, kind in (
        (HTTPStatus.BAD_REQUEST, "text/plain"),
        (HTTPStatus.UNAUTHORIZED, "application/json"),
        (HTTPStatus.FORBIDDEN, "application/json"),
        (HTTPStatus.NOT_FOUND, "application/json"),
        (HTTPStatus.TOO_MANY_REQUESTS, "application/json"),
        (HTTPStatus.SERVICE_UNAVAILABLE, "application/json"),
    )
}
PLAYED: dict[int | str, dict[str, Any]] = {
    int(HTTPStatus.ACCEPTED): {"description": "Not played yet: how far it is", "content": {"application/json": {}}}
}
RANGES: dict[int | str, dict[str, Any]] = {
    int(HTTPStatus.PARTIAL_CONTENT): {"description": "The bytes asked for", "content": {BINARY: {}}},
    int(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE): {"description": "No such bytes"},
}
# The report is one file that carries its own styles, charts and script.
REPORT_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; font-src data:"
    )
}
DEFAULT_NOTE = "Boundaries and names shown do not imply any opinion on legal status; disputed lines are approximate."


class OrjsonResponse(JSONResponse):
    """JSON written by orjson: a fifth of the time for long lists."""

    def render(self, content: Any) -> bytes:  # noqa: ANN401 - as the base class has it
        """Return the bytes of the body."""
        return orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)


class BytesResponse(Response):
    """Bytes for the page's own drawing."""

    media_type = BINARY


class CsvResponse(Response):
    """A table of comma-separated values."""

    media_type = "text/csv"


def _country(reader: PlanReader) -> dict[str, Any]:
    if "country" not in reader.names:
        return {}
    frame = reader.table("country")
    return frame.row(0, named=True) if frame.height else {}


def plan_summary(reader: PlanReader) -> dict[str, Any]:
    """Return what the head of the page shows: names, years, headline indicators, how much was observed."""
    country, manifest = _country(reader), reader.manifest
    scenario = manifest.get("scenario") or {}
    scenario = scenario if isinstance(scenario, dict) else {"name": str(scenario)}
    indicators: list[dict[str, Any]] = []
    if "indicators" in reader.names:
        indicators = reader.table("indicators").to_dicts()
    years = list(scenario.get("years") or sorted({row["year"] for row in indicators}))
    synthetic = {}
    for table in ("places", "sites", "links"):
        if table in reader.names and "evidence" in reader.table(table).columns:
            counts = reader.table(table)["evidence"].value_counts(sort=True)
            synthetic[table] = dict(counts.iter_rows())
    engines = manifest.get("engines", [])
    return {
        "country": country.get("name", manifest.get("country", "")),
        "country_local": country.get("name_local"),
        "local_language": country.get("local_language", "en"),
        "boundary_note": country.get("boundary_note") or DEFAULT_NOTE,
        "scenario": scenario.get("name", ""),
        "title": scenario.get("title", ""),
        "years": [years[0], years[-1]] if years else [],
        "indicators": indicators,
        "headlines": list(HEADLINES),
        "evidence": synthetic,
        "simple_engines": [engine["name"] for engine in engines if engine.get("fidelity") == "simple"],
        "n_engines": len(engines),
        "has_sky": {"constellations", "shells", "terrain"} <= set(reader.names),
        "has_report": reader.sees_everything and (reader.folder / "report.html").is_file(),
        "plan": reader.folder.name,
    }


def outline(reader: PlanReader) -> dict[str, Any]:
    """Return the country's outline as GeoJSON; ``is_disputed`` lines are drawn dashed."""
    if "outline" not in reader.names:
        return {"type": "FeatureCollection", "features": []}
    import shapely

    frame = reader.table("outline")
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"name": row["name"], "is_disputed": row["is_disputed"]},
                "geometry": json.loads(shapely.to_geojson(shapely.from_wkb(row["geometry"]))),
            }
            for row in frame.iter_rows(named=True)
        ],
    }


def core_lines(capacity: pl.DataFrame) -> list[dict[str, Any]]:
    """Return identifier and line of each link of the core, simplified below what the map can show."""
    import shapely

    shapes = shapely.simplify(shapely.from_wkb(capacity["geometry"].to_numpy()), CORE_GRAIN_DEG)
    ids = capacity["link_id"].to_list()
    return [
        {"id": link_id, "line": shapely.get_coordinates(shape).round(CORE_DIGITS).tolist()}
        for link_id, shape in zip(ids, shapes, strict=True)
    ]


def _people_of_districts(reader: PlanReader, towns: pl.Series) -> pl.Series:
    """Return the people of the districts whose name begins with a town's: several make up the largest cities."""
    districts = reader.table("districts").select("name", "n_people").rows()
    people = {town: sum(n for name, n in districts if f"{name} ".startswith(f"{town} ")) for town in set(towns)}
    return pl.Series("n_district_people", [people[town] for town in towns], dtype=pl.Int64)


def labels(reader: PlanReader) -> list[dict[str, Any]]:
    """Return the towns whose names the map may print, the most important first.

    A city that is modelled in parts counts once, with the people of all its parts, or of the districts
    named after it where these have more.  Towns with a name in the local script come first.
    """
    if "places" not in reader.names:
        return []
    towns = reader.table("places").filter(pl.col("kind").is_in(["city", "town"]))
    parts = towns.with_columns(
        pl.col("name").str.replace(PART_OF_CITY, "").alias("town"),
        pl.col("evidence").is_in(NOT_OBSERVED).alias("is_modelled"),
    ).sort(["is_modelled", "n_people", "place_id"], descending=[False, True, False])
    whole = parts.group_by("town", "district_id", maintain_order=True).agg(
        pl.col("place_id").first().alias("id"),
        pl.col("name_local", "lon_deg", "lat_deg").first(),
        pl.col("n_people").sum().alias("weight"),
    )
    if "districts" in reader.names:
        whole = whole.with_columns(pl.max_horizontal("weight", _people_of_districts(reader, whole["town"])))
    ranked = whole.sort(
        [pl.col("name_local").is_null(), pl.col("weight"), pl.col("id")], descending=[False, True, False]
    )
    chosen = ranked.head(N_LABELS)
    return chosen.select("id", pl.col("town").alias("name"), "name_local", "lon_deg", "lat_deg", "weight").to_dicts()


class PlanPages:
    """Everything the routes need of one plan, gathered once."""

    def __init__(self, reader: PlanReader) -> None:
        """Open the plan; layers and names are read on first use."""
        self.reader = reader
        self.store = LayerStore(reader)
        self._names: Names | None = None
        self._failures: CoreFailures | None = None
        self._hops: HopProfiles | None = None
        self._events: EventJobs | None = None
        self._lock = threading.Lock()

    @property
    def names(self) -> Names:
        """Return all names of the plan."""
        with self._lock:
            if self._names is None:
                self._names = Names.of(self.reader)
            return self._names

    @property
    def failures(self) -> CoreFailures:
        """Return the core of the plan, ready to play failures; :class:`PlanError` where there is none."""
        with self._lock:
            if self._failures is None:
                self._failures = CoreFailures.of(self.reader)
        if self._failures is None:
            raise PlanError(Problem("this plan has no core whose links could fail", "plan with engine backbone"))
        return self._failures

    @property
    def hops(self) -> HopProfiles:
        """Return the microwave hops of the plan; :class:`PlanError` where there are none."""
        from rahdari.service.radio_hops import HopProfiles  # its kernels need not wait for: the map opens first

        with self._lock:
            if self._hops is None:
                self._hops = HopProfiles.of(self.reader)
        if self._hops is None:
            raise PlanError(Problem("this plan has no microwave hops", "plan with engine radio"))
        return self._hops

    @property
    def events(self) -> EventJobs:
        """Return the named events of the plan, ready to play."""
        from rahdari.faces.web.events import EventJobs
        from rahdari.service.event_states import PlanEvents  # its kernels need not wait for: the map opens first

        with self._lock:
            if self._events is None:
                self._events = EventJobs(PlanEvents(self.reader))
            return self._events

    def prepare(self) -> None:
        """Build what the first view needs."""
        try:
            self.store.prepare()
            _ = self.names
            if HOPS in self.reader.names:
                _ = self.hops
        except RahdariError as error:
            self.store.problems["prepare"] = str(error)


class PlanBooks:
    """The pages of one plan for each clearance that asks; nothing that one clearance made is shown to another."""

    def __init__(self, folder: Path, clearance: Clearance) -> None:
        """Open the plan for whoever asks without an account: ``clearance`` is theirs."""
        self.folder, self.clearance = folder, clearance
        self._lock = threading.Lock()
        self._pages: OrderedDict[tuple[Clearance, tuple[int, ...]], PlanPages] = OrderedDict()
        self.at(clearance)

    def at(self, clearance: Clearance) -> PlanPages:
        """Return the pages for one clearance; those not asked for longest are forgotten.

        What was released, and a plan made anew, count from the next request on.
        """
        key = clearance, written_at(self.folder)
        with self._lock:
            found = self._pages.get(key)
        # What a clearance sees is found out beside the lock: others need not wait.
        made = found or PlanPages(PlanReader(self.folder, clearance))
        with self._lock:
            pages = self._pages.setdefault(key, made)
            self._pages.move_to_end(key)
            while len(self._pages) > N_BOOKS:
                self._pages.popitem(last=False)
        return pages

    def of(self, who: Who) -> PlanPages:
        """Return the pages for whoever asks."""
        return self.at(self.clearance if who is LOCAL else who.clearance)


def _pages_of(request: Request) -> PlanPages:
    books: PlanBooks = request.app.state.books
    return books.of(who_of(request))


Pages = Annotated[PlanPages, Depends(_pages_of)]


def _problem_response(_request: Request, error: Exception) -> Response:
    if not isinstance(error, RahdariError):
        raise error
    status = 404 if isinstance(error, (InputError, PlanError)) else 422
    return OrjsonResponse({"ok": False, "errors": [each.as_dict() for each in error.problems]}, status_code=status)


def _add_plan_routes(app: FastAPI) -> None:
    @app.get("/api/plan")
    def get_plan(pages: Pages) -> Response:
        """Return names, years, indicators and how much was observed."""
        return OrjsonResponse(plan_summary(pages.reader))

    @app.get("/api/layers")
    def get_layers(pages: Pages) -> Response:
        """Return all layers that can be drawn, with legends, and why others cannot."""
        layers = [layer.as_dict() for layer in pages.store.layers()]
        tiles = {"layer": TILE_LAYER, "min_zoom": MIN_ZOOM, "max_zoom": MAX_ZOOM}
        return OrjsonResponse({"layers": layers, "tiles": tiles, "problems": pages.store.problems})

    @app.get("/api/outline")
    def get_outline(pages: Pages) -> Response:
        """Return the country's outline as GeoJSON."""
        return OrjsonResponse(outline(pages.reader))

    @app.get("/api/labels")
    def get_labels(pages: Pages) -> Response:
        """Return names the map may print."""
        return OrjsonResponse(labels(pages.reader))

    @app.get("/api/row/{table}/{row_id:path}")
    def get_row(pages: Pages, table: str, row_id: str, request: Request) -> Response:
        """Return one row with what belongs to it; further key values as query parameters."""
        return OrjsonResponse(row_details(pages.reader, table, row_id, dict(request.query_params)))

    @app.get("/api/explain")
    def get_explanation(pages: Pages, table: str, row_id: str, column: str, request: Request) -> Response:
        """Return why a cell has its value, down to the sources; further key values as query parameters."""
        at = {key: value for key, value in request.query_params.items() if key not in {"table", "row_id", "column"}}
        asked = ExplainRequest(plan=pages.reader.folder, table=table, row_id=row_id, column=column, at=at)
        return OrjsonResponse(explain(asked, pages.reader.clearance).model_dump(mode="json"))

    @app.get("/api/search")
    def get_matches(pages: Pages, q: str, limit: Annotated[int, Query(ge=1, le=100)] = MAX_RESULTS) -> Response:
        """Return rows whose name contains the text, in either script."""
        return OrjsonResponse(pages.names.search(q, limit))


def _add_failure_routes(app: FastAPI) -> None:
    @app.get("/api/core")
    def get_core(pages: Pages) -> Response:
        """Return the lines of the core, to draw a failure on."""
        return OrjsonResponse(core_lines(pages.failures.capacity))

    @app.get("/api/failure/{link_id:path}")
    def get_failure(pages: Pages, link_id: str) -> Response:
        """Return what the failure of one link of the core does; one link at a time, never a ranking."""
        return OrjsonResponse(pages.failures.play(link_id).model_dump(mode="json"))


def _add_radio_routes(app: FastAPI) -> None:
    @app.get("/api/hop/{site_id:path}")
    def get_hop(pages: Pages, site_id: str) -> Response:
        """Return the microwave hop that feeds a site: budget with every term, and its profile as SVG."""
        return OrjsonResponse(pages.hops.look(site_id).model_dump(mode="json"))


def _add_sky_routes(app: FastAPI) -> None:
    @app.get("/api/sky/{place_id:path}")
    def get_sky(pages: Pages, place_id: str) -> Response:
        """Return the sky of a place over a day: its rim, the satellites moment by moment, the fixed ones."""
        from rahdari.service.sky import sky_view  # its kernels need not wait for: the map opens first

        found = sky_view(pages.reader.folder, place_id, pages.reader.clearance)
        return OrjsonResponse(found.model_dump(mode="json"))


def _add_event_routes(app: FastAPI) -> None:
    @app.get("/api/events")
    def get_events(pages: Pages) -> Response:
        """Return the named events that the map can play."""
        return OrjsonResponse([each.model_dump(mode="json") for each in pages.events.events.choices()])

    @app.get("/api/event/{event}", response_class=BytesResponse, responses=PLAYED)
    def get_event(pages: Pages, event: str, request: Request) -> Response:
        """Return an event by the hour (see rahdari.service.event_states), or with 202 how far it is; ask again then."""
        found = pages.events.ask(event)
        if not isinstance(found, bytes):
            return OrjsonResponse({"step": found.step, "done_frac": found.done_frac}, status_code=HTTPStatus.ACCEPTED)
        kind = "application/octet-stream"
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(found, media_type=kind, headers={"Content-Encoding": "gzip"})
        return Response(gzip.decompress(found), media_type=kind)

    @app.get("/api/event-places.bin", response_class=BytesResponse)
    def get_event_places(pages: Pages) -> Response:
        """Return all places as flat arrays, in the order of an event's bytes."""
        return Response(packed_features(_all_places(pages.reader)), media_type="application/octet-stream")

    @app.get("/api/event-place/{index}")
    def get_event_place(pages: Pages, index: int) -> Response:
        """Return the identifier of a place by its position in an event's bytes."""
        places = _all_places(pages.reader)
        if not 0 <= index < places.height:
            raise InputError(Problem(f"there is no place {index}", f"use 0 to {places.height - 1}"))
        return OrjsonResponse({"table": "places", "id": places["i"][index]})


def _all_places(reader: PlanReader) -> pl.DataFrame:
    return build_layer(reader, LayerSpec("event-places", "Places", "Today", "point", "places", "places")).features


def _add_file_routes(app: FastAPI) -> None:
    @app.get("/tiles/{layer_id}.pmtiles", response_class=BytesResponse, responses=RANGES)
    def get_tiles(pages: Pages, layer_id: str) -> Response:
        """Return one layer as a PMTiles archive; byte ranges are served."""
        return FileResponse(pages.store.tiles(layer_id), media_type="application/octet-stream")

    @app.get("/features/{layer_id}.bin", response_class=BytesResponse)
    def get_features(pages: Pages, layer_id: str) -> Response:
        """Return one layer as flat arrays, for drawing without WebGL."""
        return Response(packed_features(pages.store.layer(layer_id).features), media_type="application/octet-stream")

    @app.get("/api/feature/{layer_id}/{index}")
    def get_feature(pages: Pages, layer_id: str, index: int) -> Response:
        """Return the identifier of a feature by its position in the flat arrays."""
        layer = pages.store.layer(layer_id)
        if not 0 <= index < layer.features.height:
            cure = f"use 0 to {layer.features.height - 1}"
            raise InputError(Problem(f"layer {layer_id} has no feature {index}", cure))
        return OrjsonResponse({"table": layer.click_table, "id": layer.features["i"][index]})

    @app.get("/report", response_class=HTMLResponse)
    def get_report(pages: Pages, request: Request) -> Response:
        """Return the plan's report, marked with who took it; only to those who may see all of the plan."""
        path, who = pages.reader.folder / "report.html", who_of(request)
        if not path.is_file() or not pages.reader.sees_everything:
            raise PlanError(Problem("this plan has no report", "run 'rahdari report' to write it", path.name))
        if who is LOCAL:
            return FileResponse(path, media_type="text/html", headers=REPORT_HEADERS)
        mark = Mark.of(who, pages.reader, time.time())
        return HTMLResponse(html_export(path.read_text(encoding="utf-8"), mark), headers=REPORT_HEADERS)

    @app.get("/export/{table}.csv", response_class=CsvResponse)
    def get_csv(pages: Pages, table: str, request: Request) -> Response:
        """Return a table as CSV, marked with who took it."""
        mark = Mark.of(who_of(request), pages.reader, time.time())
        name = {"Content-Disposition": f'attachment; filename="{pages.reader.schema(table).name}.csv"'}
        return Response(csv_export(pages.reader, table, mark), media_type="text/csv; charset=utf-8", headers=name)

    @app.get("/export/{table}.geojson")
    def get_geojson(pages: Pages, table: str, request: Request) -> Response:
        """Return a table as GeoJSON, marked with who took it."""
        mark = Mark.of(who_of(request), pages.reader, time.time())
        name = {"Content-Disposition": f'attachment; filename="{pages.reader.schema(table).name}.geojson"'}
        return OrjsonResponse(geojson_export(pages.reader, table, mark), headers=name)

    @app.get("/", response_class=RedirectResponse, status_code=HTTPStatus.TEMPORARY_REDIRECT)
    def get_index() -> Response:
        """Lead to the map."""
        return RedirectResponse("/map/")


def create_app(
    plan_folder: Path, *, clearance: Clearance = OWNER, allowed_hosts: Sequence[str] = LOCAL_HOSTS
) -> FastAPI:
    """Return the application for one plan folder; :class:`PlanError` where there is no plan.

    Requests that name another host than ``allowed_hosts`` are refused, so that a web page elsewhere
    cannot read the plan by pointing its own name at this machine.
    """
    books = PlanBooks(plan_folder, clearance)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        # In the background: the page opens at once and its first tiles wait for this.
        threading.Thread(target=books.at(clearance).prepare, daemon=True).start()
        yield

    app = FastAPI(title="Rahdari", docs_url=None, redoc_url=None, lifespan=lifespan, responses=REFUSALS)
    app.state.books = books
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(allowed_hosts))
    app.add_exception_handler(RahdariError, _problem_response)

    @app.middleware("http")
    async def add_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    _add_plan_routes(app)
    _add_failure_routes(app)
    _add_radio_routes(app)
    _add_sky_routes(app)
    _add_event_routes(app)
    _add_file_routes(app)
    for name in ("map", "fonts"):
        if (STATIC / name).is_dir():
            app.mount(f"/{name}", StaticFiles(directory=STATIC / name, html=True), name=name)
    return app
