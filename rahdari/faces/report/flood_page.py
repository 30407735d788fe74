"""The page of a flood day: what stands under water, who is without service, how the pictures got out, on one page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import shapely

from rahdari.faces.report import figures, map_figure
from rahdari.faces.report.blocks import RIGHT, Block, Cell, Figure, Headline, Headlines, Report, Section, Table, Text
from rahdari.faces.report.figures import ACCENT, SAND, WARM, Bar
from rahdari.faces.report.html_page import html_page
from rahdari.faces.report.map_figure import Dots, Label, Lines
from rahdari.faces.report.words import amount, figure
from rahdari.methods.survey import NOTE
from rahdari.methods.water_mask import WATER

if TYPE_CHECKING:
    from rahdari.service.flood_day import FloodDay, Round

WATER_BLUE, ROAD_GREY, FIBRE, BLIND, BASE, SHUT = "#7fb2d9", "#b9bfc6", "#33658a", "#c8553d", "#111111", "#7b3f8c"
LARGE_PIXELS = 860.0
MASK_CELLS = 280  # across the map
TOWNS, TOWN_SPACING_DEG = 9, 0.09
N_EDGES = 8
LIVE, LATER, CARD = "live, while flying", "later, from the base", "left on the card"
PARTS = {LIVE: ACCENT, LATER: SAND, CARD: WARM}


def _headlines(day: FloodDay) -> Headlines:
    told = day.response
    first, wet = told.rounds[0], told.rounds[1]
    sites = told.touched
    made = "made-up flood, for exercise" if told.is_synthetic else "from the image given"
    before = amount(first.without.people_area)
    places = f"{sites.n_places_flooded:,} of {sites.n_places_seen:,} places touched"
    in_water = f"{sites.n_sites_flooded:,} of {sites.n_sites_seen:,} sites stand in water"
    return Headlines((
        Headline("Under water", f"{told.flooded_km2:,.0f} km²", "", f"of {told.seen_km2:,.0f} km²; {made}"),
        Headline("People in the water", amount(sites.people_flooded), "",
                 f"of {amount(sites.people_seen)}; {places}"),
        Headline("People of the area without service", amount(wet.without.people_area), "",
                 f"{before} by the event alone; {in_water}"),
        Headline("Video and pictures out the same day", figure(_out_frac(first), "frac"), "",
                 f"to the edge node in {first.way.edge_node}; {first.way.card_gb:,.0f} GB stay on the cards"
                 if first.way.edge_node else "no edge node is left"),
    ))  # fmt: skip


def _out_frac(each: Round) -> float:
    made = each.way.video_gb + each.way.stills_gb
    return each.way.sent_gb / made if made > 0.0 else 0.0


def _facts(day: FloodDay) -> tuple[str, ...]:
    told, flown = day.response, day.response.flown
    what = "the whole area" if flown.is_whole else f"{flown.n_places} settlements with {amount(flown.people)} people"
    what_happens = (
        f"{told.event_name}, hour {told.hour}. {flown.n_drones} drones at {flown.base} look at {what} within "
        f"{flown.back_h:.1f} hours; their pictures go over the cells and the fibre that are left to an edge node; the "
        "water that is found goes back into the network's model: who is without service now?"
    )
    made_up = (
        "The water on this page is made up from terrain and the flood zones of the plan. It shows the chain at work "
        "and says nothing of where water stood."
    )
    return (what_happens, f"Flights are {NOTE}.", *([made_up] if told.is_synthetic else []))


# -- map --------------------------------------------------------------------------------------------------------------
def _wet_dots(day: FloodDay) -> Dots:
    """Return the mask in cells as wide as the map can show; a cell counts where half of it is wet."""
    mask = day.ground.mask == WATER
    step = max(1, -(-max(mask.shape) // MASK_CELLS))
    n_rows, n_columns = mask.shape[0] // step, mask.shape[1] // step
    share = mask[: n_rows * step, : n_columns * step].reshape(n_rows, step, n_columns, step).mean(axis=(1, 3))
    row, column = np.nonzero(share >= 0.5)  # noqa: PLR2004  # half
    a, _, c, _, e, f = day.ground.grid.affine
    lon, lat = day.ground.grid.degrees(a * (column + 0.5) * step + c, e * (row + 0.5) * step + f)
    return Dots(np.asarray(lon), np.asarray(lat), WATER_BLUE, max(LARGE_PIXELS / max(n_columns, 1) * 1.7, 4.0))


def _clipped(frame: pl.DataFrame, day: FloodDay) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    shapes = np.asarray(shapely.from_wkb(frame["geometry"].to_list()), dtype=object)
    cut = shapely.intersection(shapes, day.area.shape)
    return np.asarray(cut[~shapely.is_empty(cut)], dtype=object)


def _towns(day: FloodDay) -> list[Label]:
    labels: list[Label] = []
    for row in day.area.places.sort("n_people", "place_id", descending=[True, False]).iter_rows(named=True):
        away = [abs(row["lon_deg"] - each.lon_deg) + abs(row["lat_deg"] - each.lat_deg) for each in labels]
        if min(away, default=1.0) >= TOWN_SPACING_DEG:
            labels.append(Label(row["lon_deg"], row["lat_deg"], row["name"].split(", part")[0]))
        if len(labels) == TOWNS:
            break
    return labels


def _map(day: FloodDay) -> Figure:
    told = day.response
    outline = pl.DataFrame({"geometry": [shapely.to_wkb(day.area.shape)], "is_disputed": [False]})
    flights = np.asarray([shapely.LineString(each.lonlat_deg) for each in day.flown.plan.sorties], dtype=object)
    base = told.flown
    layers: list[Lines | Dots] = [
        _wet_dots(day),
        Lines(_clipped(day.on.ways, day), ROAD_GREY, 1.0),
        Lines(_clipped(day.on.links, day), FIBRE, 1.2),
        Lines(flights, SAND, 0.7, 0.8),
        Lines(np.asarray(list(day.fleet.closed), dtype=object), SHUT, 1.6),
        Dots(day.blind_deg[:, 0], day.blind_deg[:, 1], BLIND, 4.0),
        Dots(np.array([base.base_lon_deg]), np.array([base.base_lat_deg]), BASE, 11.0),
    ]
    title = f"{told.area}: water, flights, and where the drones are out of reach"
    drawing = map_figure.country_map(outline, layers, told.boundary_note, _towns(day), width=LARGE_PIXELS, title=title)
    legend = (
        (WATER_BLUE, "Water" + (" (made up)" if told.is_synthetic else "")), (SAND, "Flights"),
        (BLIND, "Drone out of reach of every working cell"), (BASE, "Base of the drones"), (FIBRE, "Fibre"),
        (ROAD_GREY, "Roads"), (SHUT, "Closed to drones: 6 km around airports"),
    )  # fmt: skip
    caption = (
        f"{told.flown.n_sorties} flights, {told.flown.flown_km:,.0f} km, of which {told.flown.leg_km:,.0f} km take "
        f"pictures over {told.flown.surveyed_km2:,.0f} km². The network is that of the last line of the tables below. "
        "Sites are counted by district and not shown one by one."
    )
    return Figure((drawing,), caption, legend, title)


def _where(day: FloodDay) -> Figure | None:
    if not day.outline.height:
        return None
    ring = np.asarray([day.area.shape], dtype=object)
    drawing = map_figure.country_map(
        day.outline,
        [Lines(ring, WARM, 2.5)],
        day.response.boundary_note,
        width=LARGE_PIXELS,
        title="Where the area lies",
    )
    return Figure(
        (drawing,), " ".join(day.area.notes) or "The area as given.", ((WARM, day.response.area),), "Where it is"
    )


# -- sections ---------------------------------------------------------------------------------------------------------
def _people(day: FloodDay) -> Section:
    told = day.response
    rows = [Bar(each.name, each.without.people_area, amount(each.without.people_area)) for each in told.rounds]
    drawing = figures.bars(rows, "People of the area without service", WARM)
    header = (
        "State of the network",
        "People of the area without",
        "Places",
        "In the country",
        "Sites of the area alive",
    )
    table = Table(
        header,
        tuple(
            (
                Cell(each.name), Cell(f"{each.without.people_area:,}"), Cell(f"{each.without.n_places_area:,}"),
                Cell(amount(each.without.people_country)), Cell(f"{each.n_sites_live:,} of {each.n_sites_area:,}"),
            )
            for each in told.rounds
        ),
        ("left", *(RIGHT,) * 4), "Who is without service, state by state",
    )  # fmt: skip
    text = Text(
        "The first line is what the event alone has done by this hour. The second takes the sites that stand in water "
        "as down too, by the same machine that tells the live network's impact."
    )
    caption = "Everybody at a place without service counts whole."
    return Section("people", "Who is without service", "", (text, Figure((drawing,), caption), table))


def _pictures(day: FloodDay) -> Section:
    told = day.response
    shares = [(each.name, _parts(each)) for each in told.rounds]
    drawing = figures.stacked_bars(shares, PARTS, "What became of the pictures")
    header = (
        "State of the network",
        "To edge node",
        "Picture to decision",
        "Video live",
        "Sent",
        "On the cards",
        "All in",
    )
    rows = tuple(
        (
            Cell(each.name, second=f"base: {each.way.base_way}, {each.way.base_mbps:,.0f} Mbit/s"),
            Cell(each.way.edge_node or "none", second=f"{each.way.n_edge_up} of {each.way.n_edge} nodes left"),
            Cell("–" if each.way.picture_ms is None else f"{each.way.picture_ms:,.0f} ms"),
            Cell(figure(each.way.video_live_frac, "frac"), second=f"waits {each.way.video_wait_s / 60.0:,.0f} min"),
            Cell(f"{each.way.sent_gb:,.0f} GB"),
            Cell(f"{each.way.card_gb:,.0f} GB",
                 second="" if each.way.card_h is None else f"{each.way.card_h:.1f} h by road"),
            Cell("–" if each.way.all_in_h is None else f"{each.way.all_in_h:.1f} h"),
        )
        for each in told.rounds
    )  # fmt: skip
    text = Text(
        "A drone sends video first and pictures with what is left of the rate. Where no working cell is in reach they "
        "wait; at the base they go out over a cell or a satellite terminal; what is left is driven to an edge node."
    )
    legend = tuple((colour, name) for name, colour in PARTS.items())
    caption = "Share of all gigabytes made, video and pictures."
    return Section(
        "pictures", "How the pictures get out", "",
        (text, Figure((drawing,), caption, legend), Table(header, rows, ("left", "left", *(RIGHT,) * 5)), _drones(day),
         _edges(day)),
    )  # fmt: skip


def _parts(each: Round) -> dict[str, float]:
    live = each.way.video_gb * each.way.video_live_frac
    return {LIVE: live, LATER: max(each.way.sent_gb - live, 0.0), CARD: each.way.card_gb}


def _drones(day: FloodDay) -> Table:
    last = day.response.rounds[-1]
    header = ("Drone", "Flights", "Flown", "Back after", "Cell in reach", "Video live", "Made", "On the card")
    rows = tuple(
        (
            Cell(each.drone), Cell(str(each.n_sorties)), Cell(f"{each.flown_km:,.0f} km"), Cell(f"{each.back_h:.1f} h"),
            Cell(figure(each.in_reach_frac, "frac")), Cell(figure(each.video_live_frac, "frac")),
            Cell(f"{each.video_gb + each.stills_gb:,.0f} GB"), Cell(f"{each.card_gb:,.0f} GB"),
        )
        for each in last.way.drones
    )  # fmt: skip
    return Table(header, rows, ("left", *(RIGHT,) * 7), f"Each drone ({last.name.lower()})")


def _edges(day: FloodDay) -> Table:
    last = day.response.rounds[-1]
    rows = tuple(
        (
            Cell(each.name), Cell(f"{each.km:,.0f} km"), Cell("yes" if each.has_power else "no"),
            Cell("yes" if each.has_fibre else "no"), Cell("up", "good") if each.is_up else Cell("lost", "bad"),
            Cell(f"{each.left_mbps / 1000.0:,.1f} Gbit/s"),
        )
        for each in last.way.edges[:N_EDGES]
    )  # fmt: skip
    header = ("Edge node", "From base", "Power", "Fibre", "State", "Room left")
    return Table(
        header,
        rows,
        ("left", RIGHT, "left", "left", "left", RIGHT),
        f"Edge nodes, the nearest first ({last.name.lower()})",
    )


def _cut(day: FloodDay) -> Section:
    """Return what the cuts change: the two last states side by side."""
    before, after = day.response.rounds[-2:]
    rows = [
        ("People of the area without service", *(f"{each.without.people_area:,}" for each in (before, after))),
        ("People of the country without service", *(f"{each.without.people_country:,}" for each in (before, after))),
        ("Cell sites of the area alive", *(f"{each.n_sites_live:,}" for each in (before, after))),
        ("Edge nodes left", *(f"{each.way.n_edge_up} of {each.way.n_edge}" for each in (before, after))),
        ("Pictures go to", *(each.way.edge_node or "no edge node" for each in (before, after))),
        ("From the base by", *(f"{each.way.base_way}, {each.way.base_mbps:,.0f} Mbit/s" for each in (before, after))),
        ("Video live", *(figure(each.way.video_live_frac, "frac") for each in (before, after))),
        ("Sent the same day", *(f"{each.way.sent_gb:,.1f} GB" for each in (before, after))),
        ("Left on the cards", *(f"{each.way.card_gb:,.1f} GB" for each in (before, after))),
    ]
    cells = tuple(
        (Cell(name), Cell(first), Cell(second, "fair" if second != first else None)) for name, first, second in rows
    )
    names = ", ".join(day.response.cuts)
    header = ("", "Sites in water down", f"{names} cut too")
    changed = sum(first != second for _, first, second in rows)
    text = Text(
        f"The whole day is played again with {names} cut. {changed} of {len(rows)} figures change; they are marked."
    )
    return Section("cut", "What the cut changes", "", (text, Table(header, cells, ("left", RIGHT, RIGHT))))


def _touched(day: FloodDay) -> Section:
    found = day.response.touched
    header = ("District", "People in water", "of", "Places touched", "Sites in water", "of")
    rows = tuple(
        (
            Cell(row.district), Cell(f"{row.people_flooded:,}"), Cell(f"{row.people_seen:,}"),
            Cell(f"{row.n_places_flooded:,}"), Cell(f"{row.n_sites_flooded:,}"), Cell(f"{row.n_sites_seen:,}"),
        )
        for row in found.districts
    )  # fmt: skip
    text = Text(
        f"{found.road_flooded_km:,.0f} of {found.road_seen_km:,.0f} km of road and {found.fibre_flooded_km:,.0f} of "
        f"{found.fibre_seen_km:,.0f} km of fibre ways lie under water, {found.n_links_flooded:,} fibre links in all. "
        "Fibre in the ground may live through it; only the event's own damage is taken as cut."
    )
    return Section("touched", "What the water touches", "", (text, Table(header, rows, ("left", *(RIGHT,) * 5))))


def _day(day: FloodDay) -> Section:
    told = day.response
    moments = Table(
        ("After take-off", "What happens"),
        tuple((Cell(f"{each.at_h:.1f} h"), Cell(each.what)) for each in told.moments), (RIGHT, "left"),
    )  # fmt: skip
    flown = told.flown
    text = Text(
        f"Base: {flown.base} ({flown.base_why}). {flown.n_legs:,} legs at {flown.height_m:.0f} m in {flown.n_sorties} "
        f"flights; all are back after {flown.back_h:.1f} h, and no plan with these drones from this base can be done "
        f"before {flown.lower_bound_h:.1f} h. {told.flooded_in_flight_km2:,.0f} km² of the water lie under the flights;"
        f" the rest is known from the {'made-up ' if told.is_synthetic else ''}satellite image."
    )
    return Section("day", "The day", "", (text, moments))


def _notes(day: FloodDay) -> Section:
    told = day.response
    rows = tuple((Cell(name),) for name in told.files)
    blocks: list[Block] = [Text(f"Water: {told.water}."), *(Text(note, is_note=True) for note in told.notes)]
    where = _where(day)
    if where is not None:
        blocks.append(where)
    if rows:
        blocks.append(Table(("File",), rows, ("left",), "Files beside this page", is_long=True))
    return Section("notes", "How it is known, and what it is not", "", tuple(blocks))


def flood_report(day: FloodDay) -> Report:
    """Return the page's content."""
    told = day.response
    cuts = f", with {', '.join(told.cuts)} cut" if told.cuts else ""
    return Report(
        title=f"Flood day: {told.area}", subtitle=f"{told.event_name}, hour {told.hour}{cuts}", local_title="",
        local_language="ur", headlines=_headlines(day),
        sections=(
            Section("map", "The map", "", (_map(day),)), _people(day), _pictures(day),
            *([_cut(day)] if told.cuts else []), _touched(day), _day(day), _notes(day),
        ),
        boundary_note=told.boundary_note, stamp=f"Rahdari; {NOTE}.", facts=_facts(day),
    )  # fmt: skip


def flood_html(day: FloodDay) -> str:
    """Return the page as one file that opens without a network."""
    return html_page(flood_report(day))


__all__ = ["flood_html", "flood_report"]
