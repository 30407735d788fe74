"""What a pack's facts, motorways and operators say to the layers that are made: totals, names, lengths."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

import polars as pl

from rahdari.methods.observations import latest
from rahdari.sources.packages.geonames import plain
from rahdari.sources.row_graph import NamedWay, PublishedRoute
from rahdari.sources.synthetic.sites import FIBRE_FRAC, FOUR_G_FRAC, ON_GRID_FRAC, SiteTotals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Points = Mapping[str, tuple[float, float]]

FIBRE_ROUTE_SUFFIX = "_fibre_km"
MOTORWAY = re.compile(r"^[mes]-?\d", re.IGNORECASE)
STANDING = ("operational", "partial")
#: Words that a landmark's name may carry and a road's or cable's end leaves out.
EXTRA_WORDS = (" Pass", " Dry Port", " Cantonment")
PERCENT = 100.0
SPELLING_LIKENESS = 0.85  # difflib ratio: one letter in ten may differ


def points_by_name(*tables: pl.DataFrame) -> dict[str, tuple[float, float]]:
    """Return (lon, lat) by plain name from tables with ``name, lon_deg, lat_deg``; later rows win."""
    points: dict[str, tuple[float, float]] = {}
    for frame in tables:
        for name, lon, lat in frame.select("name", "lon_deg", "lat_deg").iter_rows():
            if name:
                points[plain(name)] = (lon, lat)
                for word in EXTRA_WORDS:
                    if name.endswith(word):
                        points.setdefault(plain(name.removesuffix(word)), (lon, lat))
    return points


def _find(points: Points, name: str) -> tuple[float, float] | None:
    """Return the point of a name, else of the one name nearly spelt like it (Hasan Abdal, Hassan Abdal)."""
    wanted = plain(name)
    near = [wanted] if wanted in points else difflib.get_close_matches(wanted, points, n=1, cutoff=SPELLING_LIKENESS)
    return points[near[0]] if near else None


def named_ways(motorways: pl.DataFrame, points: Points) -> list[NamedWay]:
    """Return the roads that stand, whole or in part; without stops where an end is not known by name.

    A road that stands in part keeps its name and is no motorway yet.
    """
    named = []
    for row in motorways.filter(pl.col("state").is_in(STANDING)).sort("motorway_id").iter_rows(named=True):
        start, stop = _find(points, row["from_name"]), _find(points, row["to_name"])
        stops = (start, stop) if start and stop and start != stop else ()
        is_motorway = row["state"] == "operational" and bool(MOTORWAY.match(row["motorway_id"]))
        named.append(NamedWay(f"{row['motorway_id']} {row['name']}", stops, row["length_km"], is_motorway))
    return named


def published_routes(facts: pl.DataFrame, points: Points) -> list[PublishedRoute]:
    """Return the routes of facts named START_STOP_fibre_km whose two ends are known by name."""
    routes = []
    for row in facts.filter(pl.col("fact_id").str.ends_with(FIBRE_ROUTE_SUFFIX)).sort("fact_id").iter_rows(named=True):
        words = row["fact_id"].removesuffix(FIBRE_ROUTE_SUFFIX).split("_")
        for cut in range(1, len(words)):
            start, stop = points.get(plain("".join(words[:cut]))), points.get(plain("".join(words[cut:])))
            if start and stop:
                title = f"{' '.join(words[:cut]).title()} to {' '.join(words[cut:]).title()}"
                routes.append(PublishedRoute(title, (start, stop), float(row["value"])))
                break
    return routes


def _latest(facts: pl.DataFrame, series: str) -> float | None:
    seen = latest({"facts": facts}, series)
    return seen.value if seen else None


def site_totals(facts: pl.DataFrame) -> SiteTotals | None:
    """Return the newest published totals of cell sites, ``None`` where their number is not published.

    Shares that are not published are those assumed for every country.
    """
    n_sites = _latest(facts, "cell_sites")
    if n_sites is None:
        return None
    fibre_pct, four_g = _latest(facts, "fibre_to_site"), _latest(facts, "cell_sites_4g")
    on_grid, operational = _latest(facts, "sites_on_grid"), _latest(facts, "sites_operational")
    return SiteTotals(
        n_sites=round(n_sites),
        fibre_frac=FIBRE_FRAC if fibre_pct is None else fibre_pct / PERCENT,
        four_g_frac=FOUR_G_FRAC if four_g is None else min(four_g / n_sites, 1.0),
        on_grid_frac=ON_GRID_FRAC if on_grid is None or not operational else min(on_grid / operational, 1.0),
        is_published=True,
    )


def long_haul_km(facts: pl.DataFrame) -> float | None:
    """Return the newest published length of long-haul fibre, km, or ``None``."""
    return _latest(facts, "fibre_long_haul")


def home_districts(operators: pl.DataFrame, districts: pl.DataFrame) -> dict[str, frozenset[str]]:
    """Return the districts of operators whose published portfolio names regions; they build only there."""
    regions: dict[str, list[str]] = {}
    for district_id, region in districts.select("district_id", "region").iter_rows():
        regions.setdefault(region, []).append(district_id)
    homes = {}
    for operator_id, portfolio in operators.select("operator_id", "portfolio").iter_rows():
        found: Sequence[str] = [
            name for region in sorted(regions) if region in (portfolio or "") for name in regions[region]
        ]
        if found:
            homes[operator_id] = frozenset(found)
    return homes
