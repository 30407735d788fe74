"""One microwave hop asked of a plan: its budget over the plan's terrain, or a relay where the direct path fails."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from pydantic import Field

from rahdari.errors import InputError, Problem
from rahdari.methods.microwave_link import Climate, link_budget
from rahdari.methods.microwave_relay import relay_search
from rahdari.methods.profile_drawing import profile_svg, profile_text
from rahdari.methods.terrain_table import terrain_raster
from rahdari.model.params import Params
from rahdari.service.routing import named_point, named_points
from rahdari.sources.microwave import antenna_named, dishes_for, microwave_catalogue, radio_named
from rahdari.store.atomic import write_text
from rahdari.store.query import OWNER, Clearance, PlanReader

if TYPE_CHECKING:
    from rahdari.methods.microwave import Radio
    from rahdari.methods.microwave_link import Antenna, LinkBudget
    from rahdari.methods.microwave_relay import Chain
    from rahdari.methods.raster import Terrain

AUTO = "auto"
MASTS_MAX_M = 400.0
ENDS_OF_A_PAIR = 2
DISHES = ("dish_03", "dish_06", "dish_12", "dish_18", "dish_30")  # sizes tried where none is named
COARSE = (
    "the terrain is a grid of some 9 km: it tells plain from mountain, never a line of sight; "
    "give --dem FILE or import a terrain raster"
)
BARE = "no terrain is known: the path counts as clear"


class LinkRequest(Params):
    """Budget of a microwave hop between two points."""

    plan: Path = Field(description="Folder of the plan")
    start: str = Field(min_length=1, description="Site id, landmark, place, or 'lon,lat' in degrees")
    end: str = Field(min_length=1, description="Site id, landmark, place, or 'lon,lat' in degrees")
    start_mast_m: float = Field(30.0, gt=0.0, le=MASTS_MAX_M, description="Antenna height above ground")
    end_mast_m: float = Field(30.0, gt=0.0, le=MASTS_MAX_M, description="Antenna height above ground")
    radio: str = Field(AUTO, description="Radio of the catalogue, or auto")
    antenna: str = Field(AUTO, description="Dish of the catalogue, or auto")
    availability_frac: float = Field(0.9999, gt=0.5, lt=1.0, description="What auto must reach in a year")
    rain_rate_mm_h: float | None = Field(None, gt=0.0, le=250.0, description="Rain rate of 0.01 %; default: national")
    dem: Path | None = Field(None, description="Terrain raster to use in place of the plan's")
    svg: Path | None = Field(None, description="File for the drawing of the profile")
    relays: bool = Field(default=False, description="Look for relays on ridges too")


class ModeLine(Params):
    """One modulation of the hop."""

    mode: str
    capacity_mbps: float
    fade_margin_db: float
    availability_year_frac: float
    availability_month_frac: float


class TermLine(Params):
    """One term of the budget."""

    term: str
    mode: str
    value: float
    unit: str
    clause: str


class RelayLine(Params):
    """A chain of hops over relays on ridges."""

    relays: list[tuple[float, float]] = Field(description="Longitude and latitude of each relay in order")
    hop_km: list[float]
    availability_year_frac: float
    fade_margin_db: float
    fade_margin_bound_db: float = Field(description="No place for the relays can give more")


class LinkResponse(Params):
    """The budget: what was asked, the answer in short, every term, the drawing, and warnings."""

    start_name: str
    end_name: str
    length_km: float
    radio: str
    antenna: str
    frequency_ghz: float
    is_clear: bool
    raise_masts_m: float = Field(description="What both masts lack for the clearance rules")
    is_coarse_terrain: bool
    terrain: str
    mean_capacity_mbps: float
    modes: list[ModeLine]
    terms: list[TermLine]
    drawing: str = Field(description="The profile in plain characters; empty without terrain")
    svg: Path | None
    relays: list[RelayLine]
    warnings: list[str]


@dataclass(frozen=True, slots=True)
class _Spot:
    name: str
    lon_deg: float
    lat_deg: float


def _coordinates(text: str) -> _Spot | None:
    parts = text.split(",")
    if len(parts) != ENDS_OF_A_PAIR:
        return None
    try:
        lon, lat = (float(part) for part in parts)
    except ValueError:
        return None
    return _Spot(f"{lon:g}, {lat:g}", lon, lat)


def spot(reader: PlanReader, text: str, column: str) -> _Spot:
    """Return the point meant: ``lon,lat``, a site, a landmark or a place; unknown names raise InputError."""
    given = _coordinates(text)
    if given is not None:
        return given
    sites = reader.table("sites").filter(pl.col("site_id") == text)
    if sites.height:
        row = sites.row(0, named=True)
        return _Spot(row["name"] or row["site_id"], row["lon_deg"], row["lat_deg"])
    row = named_point(named_points(reader), text, column)
    return _Spot(row["name"], row["lon_deg"], row["lat_deg"])


def terrain_of(reader: PlanReader, dem: Path | None) -> Terrain | None:
    """Return the raster given, else the plan's terrain, else ``None``."""
    if dem is not None:
        from rahdari.sources.terrain_raster import open_terrain

        return open_terrain(dem)
    return terrain_raster(reader.table("terrain")) if "terrain" in reader.names else None


def _choices(request: LinkRequest) -> list[tuple[Radio, Antenna]]:
    """Return the radios and dishes to try: dishes within their band."""
    radios, _ = microwave_catalogue()
    asked = list(radios.values()) if request.radio == AUTO else [radio_named(request.radio)]
    if request.antenna != AUTO:
        return [(radio, antenna_named(request.antenna)) for radio in asked]
    plates = {radio.radio_id: dishes_for(radio.frequency_ghz) for radio in asked}
    return [(radio, dish) for radio in asked for name, dish in plates[radio.radio_id].items() if name in DISHES]


def _chosen(found: list[LinkBudget], availability_frac: float) -> int:
    """Return the place of the budget of the highest mean capacity among those available enough, else the most so."""
    best = [float(budget.budgets.availability_year_frac[0].max()) for budget in found]
    capacity = [float(budget.budgets.mean_year_mbps[0]) for budget in found]
    enough = [i for i, frac in enumerate(best) if frac >= availability_frac]
    if enough:
        return max(enough, key=lambda i: (capacity[i], -i))
    return max(range(len(found)), key=lambda i: (best[i], capacity[i], -i))


def _relay_lines(chains: tuple[Chain | None, ...]) -> list[RelayLine]:
    return [
        RelayLine(
            relays=[(end.lon_deg, end.lat_deg) for end in chain.relays],
            hop_km=[float(hop.budgets.hops.length_km[0]) for hop in chain.hops],
            availability_year_frac=1.0 - chain.outage_year_frac,
            fade_margin_db=chain.margin_db,
            fade_margin_bound_db=chain.margin_bound_db,
        )
        for chain in chains
        if chain is not None
    ]


def find_link(request: LinkRequest, clearance: Clearance = OWNER) -> LinkResponse:
    """Return the budget of a hop with every term, its drawing, and relays where asked.

    Unknown names, radios and files raise :class:`InputError`.
    """
    reader = PlanReader(request.plan, clearance)
    ends = [spot(reader, text, column) for text, column in ((request.start, "start"), (request.end, "end"))]
    if (ends[0].lon_deg, ends[0].lat_deg) == (ends[1].lon_deg, ends[1].lat_deg):
        raise InputError(Problem("the two ends are one point", "name two points that lie apart", column="end"))
    terrain = terrain_of(reader, request.dem)
    climate = Climate() if request.rain_rate_mm_h is None else Climate(rain_rate_mm_h=request.rain_rate_mm_h)
    a, b = (
        (end.lon_deg, end.lat_deg, mast)
        for end, mast in zip(ends, (request.start_mast_m, request.end_mast_m), strict=True)
    )
    choices = _choices(request)
    found = [link_budget(terrain, a, b, radio, dish, climate=climate) for radio, dish in choices]
    at = _chosen(found, request.availability_frac)
    budget, (radio, dish) = found[at], choices[at]
    warnings = [] if terrain is not None else [BARE]
    if budget.is_coarse:
        warnings.append(COARSE)
    relays: list[RelayLine] = []
    if request.relays:
        if terrain is None:
            raise InputError(Problem("relays need terrain", "give --dem FILE", column="relays"))
        plan = relay_search(terrain, a, b, radio, dish, climate=climate)
        relays = _relay_lines((plan.one, plan.two))
        if not relays:
            warnings.append(f"no chain over {plan.n_candidates} ridge places is in sight")
    if request.svg is not None:
        if terrain is None:
            raise InputError(Problem("a drawing needs terrain", "give --dem FILE", column="svg"))
        write_text(request.svg, profile_svg(budget, name_a=ends[0].name, name_b=ends[1].name))
    modes = budget.budgets
    return LinkResponse(
        start_name=ends[0].name,
        end_name=ends[1].name,
        length_km=float(modes.hops.length_km[0]),
        radio=radio.radio_id,
        antenna=dish.antenna_id,
        frequency_ghz=float(modes.hops.frequency_ghz[0]),
        is_clear=budget.is_clear,
        raise_masts_m=budget.raise_m,
        is_coarse_terrain=budget.is_coarse,
        terrain=budget.source,
        mean_capacity_mbps=float(modes.mean_year_mbps[0]),
        modes=[
            ModeLine(
                mode=mode,
                capacity_mbps=float(radio.capacity_mbps[i] * (1.0 + radio.is_dual)),
                fade_margin_db=float(modes.modes.margin_db[0, i]),
                availability_year_frac=float(modes.availability_year_frac[0, i]),
                availability_month_frac=float(modes.availability_month_frac[0, i]),
            )
            for i, mode in enumerate(radio.mode)
        ],
        terms=[TermLine(**row) for row in budget.terms.filter(pl.col("value").is_finite()).to_dicts()],
        drawing="" if terrain is None else profile_text(budget),
        svg=request.svg,
        relays=relays,
        warnings=warnings,
    )


def near_names(text: str, known: list[str]) -> str:
    """Return a cure that names the nearest of the known names."""
    near = difflib.get_close_matches(text, known, n=3, cutoff=0.4)
    return f"did you mean {', '.join(near)}?" if near else f"use one such as {', '.join(known[:3])}"
