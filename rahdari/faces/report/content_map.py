"""The maps: the fibre that is there and the fibre to lay, and what every place gets today and then."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import shapely

from rahdari.faces.report import map_figure
from rahdari.faces.report.blocks import Block, Figure, Section
from rahdari.faces.report.content_indicators import years_of
from rahdari.faces.report.map_figure import Dots, Label, Lines
from rahdari.faces.report.words import TECHNOLOGY_NAMES, english, local
from rahdari.faces.web.colours import RAMP_COLOURS, TECHNOLOGY_COLOURS
from rahdari.methods.centres import city_centres
from rahdari.methods.geo import nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.service.plan_view import Plan

CITIES_NAMED = 18
CITY_RADIUS_KM = 20.0  # settlements this near make one city
CITY_SPACING_KM = 75.0  # nearer names would crowd the map
WAYPOINT_SPACING_DEG = 1.0
LARGE_DISTRICT_PEOPLE = 1_500_000  # its town is named however near the next one is
LARGE_PIXELS, SMALL_PIXELS = 860.0, 430.0
EXISTING_FIBRE, PLANNED_FIBRE = "#33658a", "#d0603f"
NO_RATE = "#a3a8ae"
PART_OF_CITY = r", part \d+$"
#: Upper ends of the classes of rate, in Mbit/s: usable, the plan's floor, half and whole of the high target.
RATE_CLASSES = (5.0, 20.0, 50.0, 100.0)


def city_labels(plan: Plan) -> list[Label]:
    """Return the largest cities by the names people use, and corridor points far from them.

    A census cuts a large city into towns and a synthetic layer into parts: settlements within 20 km count as one,
    and a waypoint or the district that near gives its ordinary name.
    """
    towns = plan.tables["places"].filter(pl.col("kind") != "village").sort("place_id")
    if not towns.height:
        return []
    kept = city_centres(
        towns["n_people"].to_numpy(), towns["lon_deg"].to_numpy(), towns["lat_deg"].to_numpy(),
        radius_km=CITY_RADIUS_KM, spacing_km=CITY_SPACING_KM, n_centres=CITIES_NAMED,
    )  # fmt: skip
    cities = towns[kept.tolist()]
    names = _local_names(plan)
    waypoints, people = _waypoints(plan)
    labels = []
    for row, waypoint in zip(cities.iter_rows(named=True), _nearest_waypoint(cities, waypoints), strict=True):
        if waypoint is not None:
            labels.append(_label(waypoint["name"], waypoint, names))
        else:
            name = _ordinary(plan, row)
            labels.append(_label(name, row, {row["name"]: row["name_local"] or "", **names}))
    for waypoint in waypoints.iter_rows(named=True):
        away = [abs(waypoint["lon_deg"] - label.lon_deg) + abs(waypoint["lat_deg"] - label.lat_deg) for label in labels]
        is_large = people.get(waypoint["name"], 0) >= LARGE_DISTRICT_PEOPLE
        is_named = any(label.name == waypoint["name"] for label in labels)
        if not is_named and (is_large or min(away, default=WAYPOINT_SPACING_DEG) >= WAYPOINT_SPACING_DEG):
            labels.append(_label(waypoint["name"], waypoint, names))
    return labels


def _label(name: str, at: dict[str, Any], names: dict[str, str]) -> Label:
    return Label(at["lon_deg"], at["lat_deg"], name, names.get(name, ""))


def _ordinary(plan: Plan, place: dict[str, Any]) -> str:
    """Return a city's ordinary name: without its part, and its district's where the name only adds to it."""
    name: str = pl.Series([place["name"]]).str.replace(PART_OF_CITY, "")[0]
    districts = plan.tables["districts"].filter(pl.col("district_id") == place["district_id"])["name"]
    return str(districts[0]) if districts.len() and f"{name} ".startswith(f"{districts[0]} ") else name


def _local_names(plan: Plan) -> dict[str, str]:
    """Return the names in the local script of towns, districts and the pack's own list, which comes last and wins."""
    towns = plan.tables["places"].filter(pl.col("kind") != "village").sort("place_id")
    frames = [towns.with_columns(pl.col("name").str.replace(PART_OF_CITY, ""))]
    frames += [plan.tables[name] for name in ("districts", "place_names") if name in plan.tables]
    pairs = [row for frame in frames for row in frame.select("name", "name_local").iter_rows()]
    return {name: text for name, text in pairs if text}


def _waypoints(plan: Plan) -> tuple[pl.DataFrame, dict[str, int]]:
    """Return the corridor's waypoints inside the country, those of large districts first, and people by district."""
    people = dict(plan.tables["districts"].select("name", "n_people").iter_rows())
    landmarks = plan.tables["landmarks"].filter(pl.col("kind") == "waypoint")
    weight = pl.Series("weight", [people.get(name, 0) for name in landmarks["name"]], dtype=pl.Int64)
    landmarks = landmarks.with_columns(weight).sort(["weight", "landmark_id"], descending=[True, False])
    shapes = shapely.from_wkb(plan.tables["outline"]["geometry"].to_list())
    areas = [shape for shape in shapes if shapely.get_dimensions(shape) == 2]  # noqa: PLR2004  # a polygon
    if not areas or not landmarks.height:
        return landmarks.clear(), people
    land = shapely.union_all(areas)
    shapely.prepare(land)
    points = shapely.points(landmarks["lon_deg"].to_numpy(), landmarks["lat_deg"].to_numpy())
    return landmarks.filter(pl.Series(shapely.covers(land, points), dtype=pl.Boolean)), people


def _nearest_waypoint(cities: pl.DataFrame, waypoints: pl.DataFrame) -> list[dict[str, Any] | None]:
    if not waypoints.height:
        return [None] * cities.height
    points = [frame[name].to_numpy() for frame in (cities, waypoints) for name in ("lon_deg", "lat_deg")]
    index, away_km = nearest(points[0], points[1], points[2], points[3])
    return [
        waypoints.row(at, named=True) if km <= CITY_RADIUS_KM else None
        for at, km in zip(index.tolist(), away_km.tolist(), strict=True)
    ]


def _lines(frame: pl.DataFrame) -> NDArray[np.object_]:
    """Return a table's lines; parallel fibres on the same way are drawn once."""
    return np.asarray(shapely.from_wkb(frame["geometry"].unique().sort().to_list()), dtype=object)


def _fibre_map(plan: Plan) -> Figure:
    tables = plan.tables
    links, planned = tables["links"].filter(pl.col("kind") == "fibre"), tables["planned_links"]
    layers = [
        Lines(_lines(planned.filter(pl.col("kind") == "fibre")), PLANNED_FIBRE, 0.7, 0.75),
        Lines(_lines(links), EXISTING_FIBRE, 1.3),
    ]
    note = tables["country"]["boundary_note"][0]
    title = "Fibre today and fibre to lay"
    drawing = map_figure.country_map(
        tables["outline"], layers, note, city_labels(plan), width=LARGE_PIXELS, title=title
    )
    n_modelled = links.filter(pl.col("evidence").is_in(["assumed", "synthetic"])).height
    is_all = n_modelled == links.height
    told = (
        f"{'All' if is_all else f'{n_modelled:,} of'} {links.height:,} links shown as there are assumed or synthetic: "
        "they follow main roads and mark no duct. "
        if n_modelled
        else ""
    )
    caption = (
        f"{planned['length_km'].sum():,.0f} km to lay, {links['length_km'].sum():,.0f} km there. {told}Fibre to lay is "
        "drawn in straight pieces and is no survey. Dashed: disputed lines."
    )
    today = "Fibre today" + ((" (assumed)" if is_all else " (partly assumed)") if n_modelled else "")
    legend = ((EXISTING_FIBRE, today), (PLANNED_FIBRE, "Fibre to lay"))
    return Figure((drawing,), caption, legend, title)


def _joined(plan: Plan, year: int) -> pl.DataFrame:
    columns = ["place_id", "lon_deg", "lat_deg"]
    access = plan.tables["access"].filter(pl.col("year") == year).select("place_id", "technology", "downlink_mbps")
    return access.join(plan.tables["places"].select(columns), on="place_id").sort("place_id")


def _dots(groups: list[tuple[pl.DataFrame, str]]) -> list[Dots]:
    return [
        Dots(frame["lon_deg"].to_numpy(), frame["lat_deg"].to_numpy(), colour, 1.7)
        for frame, colour in groups
        if frame.height
    ]


def _by_technology(frame: pl.DataFrame) -> list[tuple[pl.DataFrame, str]]:
    return [
        (frame.filter(pl.col("technology") == technology), TECHNOLOGY_COLOURS[technology])
        for technology in reversed(TECHNOLOGY_NAMES)
    ]


def _rate_edges() -> list[tuple[float, float, str, str]]:
    """Return the classes of rate: least, below, colour, label; none at all comes first."""
    ends = [0.0, *RATE_CLASSES, float("inf")]
    names = [
        f"below {ends[1]:g} Mbit/s",
        *(f"{low:g} to {high:g}" for low, high in itertools.pairwise(RATE_CLASSES)),
        f"{RATE_CLASSES[-1]:g} and more",
    ]
    rows = list(zip(ends[:-1], ends[1:], RAMP_COLOURS, names, strict=True))
    return [(float("-inf"), np.nextafter(0.0, 1.0), NO_RATE, "no service"), *rows]


def _by_rate(frame: pl.DataFrame) -> list[tuple[pl.DataFrame, str]]:
    rate = pl.col("downlink_mbps")
    return [
        (frame.filter((rate >= low) & (rate < high) & ((rate > 0) | (low < 0))), colour)
        for low, high, colour, _ in _rate_edges()
    ]


def _pair(plan: Plan, kind: str) -> Figure:
    """Return two small maps, today and the target year, by rate or by technology."""
    note = plan.tables["country"]["boundary_note"][0]
    drawings = []
    for year in years_of(plan):
        frame = _joined(plan, year)
        groups = _by_rate(frame) if kind == "rate" else _by_technology(frame)
        title = f"{'Rate' if kind == 'rate' else 'Technology'} of every place in {year}"
        drawings.append(
            map_figure.country_map(plan.tables["outline"], _dots(groups), note, width=SMALL_PIXELS, title=title)
        )
    base, target = years_of(plan)
    if kind == "rate":
        legend = tuple((colour, name) for _, _, colour, name in _rate_edges())
        caption = f"Left {base}, right {target}: busy-hour Mbit/s of an active user, or the fibre product's."
        return Figure(tuple(drawings), caption, legend, f"Rate, {base} and {target}")
    present = set(plan.tables["access"]["technology"].unique().to_list())
    legend = tuple((TECHNOLOGY_COLOURS[name], text) for name, text in TECHNOLOGY_NAMES.items() if name in present)
    places = plan.tables["places"]
    n_synthetic = places.filter(pl.col("evidence") == "synthetic").height
    caption = (
        f"Left {base}, right {target}. One dot a place, whatever its size. {n_synthetic:,} of the {places.height:,} "
        "places are synthetic: modelled cells that sum to the census, not surveyed villages."
    )
    return Figure(tuple(drawings), caption, legend, f"Technology, {base} and {target}")


def map_section(plan: Plan, language: str) -> Section | None:
    """Return the maps: fibre, and every place's rate and technology today and in the target year."""
    if "access" not in plan.tables:
        return None
    blocks: list[Block] = []
    if "planned_links" in plan.tables:
        blocks.append(_fibre_map(plan))
    blocks += [_pair(plan, "rate"), _pair(plan, "technology")]
    return Section("map", english("map"), local("map", language), tuple(blocks))
