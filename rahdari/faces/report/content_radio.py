"""Radio: people covered and how surely, signal and rate, cells and their energy, 5G sites, and the models by band."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import polars as pl

from rahdari.faces.report import figures
from rahdari.faces.report.blocks import RIGHT, Align, Block, Cell, Figure, Heading, Section, Table, Text, Tone
from rahdari.faces.report.content_hops import hop_blocks, hub_blocks
from rahdari.faces.report.content_programme import source_anchor
from rahdari.faces.report.content_second import second_blocks
from rahdari.faces.report.content_spectrum import spectrum_blocks
from rahdari.faces.report.content_transit import model_badge
from rahdari.faces.report.words import english, figure, local

if TYPE_CHECKING:
    from rahdari.service.plan_view import Plan

TECHNOLOGIES = {"4g": "4G", "5g": "5G"}
LIKELY_FRAC = 0.5  # probability from which a place is more likely covered than not
SURE, COVERED, PERHAPS, NONE = "sure", "covered", "perhaps", "none"
CLASS_COLOURS = {SURE: "#0f766e", COVERED: "#8ec5a2", PERHAPS: "#e0b04a", NONE: "#c4c8cd"}
CLASS_NAMES = {
    SURE: "covered with 90 % confidence",
    COVERED: "covered, less surely",
    PERHAPS: "not covered by the rule, yet likelier than not",
    NONE: "not covered",
}
RATE_ENDS = (2.0, 10.0, 20.0, 50.0, 100.0)  # Mbit/s; 20 and 50 are the licences' obligations, 100 the norm
SINR_ENDS = (-6.0, 0.0, 6.0, 12.0, 18.0)  # dB; below the first, the most robust scheme fails
RAMP = ("#c4c8cd", "#cdd9a0", "#8ec5a2", "#4fa3a5", "#2f7396", "#283f78")
CHOICE = "5G sites"  # in the name of the certificate
LOADED_FRAC = 0.8  # busy-hour load above which a cell has little room
MODEL_NAMES = {
    "p1812": "ITU-R P.1812", "tr38901": "3GPP TR 38.901", "tr36777": "3GPP TR 36.777", "p530": "ITU-R P.530",
    "air_to_ground": "Air to ground, in the manner of P.528", "p618": "ITU-R P.618", "not_modelled": "not modelled",
}  # fmt: skip
COARSE = (
    "The terrain is a coarse grid of some 9 km: it tells plain from mountain and shows no ridge between two points. "
    "Every figure here is marked so; import a terrain raster to replace it."
)
ROADS = "Kilometres of road covered, by district: rahdari cover, which sweeps the terrain around every site."


def coverage_of(plan: Plan) -> pl.DataFrame | None:
    """Return the coverage of the base year with people and district of each place; ``None`` where there is none."""
    if "coverage" not in plan.tables or not plan.tables["coverage"].height:
        return None
    frame = plan.tables["coverage"]
    if "year" in frame.columns:
        frame = frame.filter(pl.col("year") == pl.col("year").min())
    frame = frame.join(plan.tables["places"].select("place_id", "district_id", "n_people"), on="place_id")
    if "covered_probability_frac" not in frame.columns:
        return frame.with_columns(state=pl.when("is_covered").then(pl.lit(COVERED)).otherwise(pl.lit(NONE)))
    state = (
        pl.when(pl.col("is_covered") & pl.col("is_surely_covered")).then(pl.lit(SURE))
        .when("is_covered").then(pl.lit(COVERED))
        .when(pl.col("covered_probability_frac") >= LIKELY_FRAC).then(pl.lit(PERHAPS))
        .otherwise(pl.lit(NONE))
    )  # fmt: skip
    return frame.with_columns(state=state)


def present(frame: pl.DataFrame) -> list[str]:
    """Return the technologies of a table in order."""
    return [name for name in TECHNOLOGIES if (frame["technology"] == name).any()]


def _people_by(frame: pl.DataFrame, column: str) -> dict[str, int]:
    return dict(frame.group_by(column).agg(pl.col("n_people").sum()).iter_rows())


def _coverage_figure(frame: pl.DataFrame) -> Figure:
    rows = []
    for technology in present(frame):
        people = _people_by(frame.filter(pl.col("technology") == technology), "state")
        shares = {state: float(people[state]) for state in CLASS_NAMES if people.get(state)}
        rows.append((f"People, {TECHNOLOGIES[technology]}", shares))
    used = {state for _, shares in rows for state in shares}
    title = "People by coverage outdoors"
    legend = tuple((CLASS_COLOURS[state], name) for state, name in CLASS_NAMES.items() if state in used)
    caption = (
        "Covered: 90 of 100 spots at the cell's edge hear the most robust scheme. With 90 % confidence: still so when "
        "errors of the terrain and the bending of rays are counted too. 5G: with the assumed plan of sites."
    )
    return Figure((figures.stacked_bars(rows, CLASS_COLOURS, title),), caption, legend, title)


def _coverage_table(frame: pl.DataFrame) -> Table:
    rows = []
    for technology in present(frame):
        own = frame.filter(pl.col("technology") == technology)
        total, people = max(int(own["n_people"].sum()), 1), _people_by(own, "state")
        covered = people.get(SURE, 0) + people.get(COVERED, 0)
        sure = figure(people.get(SURE, 0) / total, "frac") if "covered_probability_frac" in own.columns else "not told"
        rows.append(
            (
                Cell(TECHNOLOGIES[technology]),
                Cell(figure(covered)),
                Cell(figure(covered / total, "frac")),
                Cell(sure),
                Cell(figure(median_by_people(own.filter("is_covered"), "downlink_mbps"), "mbps")),
            )
        )
    header = ("Technology", "People covered", "Share", "With 90 % confidence", "Median busy-hour rate where covered")
    return Table(header, tuple(rows), ("left", *(RIGHT,) * 4), "Coverage by technology")


def median_by_people(frame: pl.DataFrame, column: str) -> float | None:
    """Return the value at the person in the middle; ``None`` where there are no people."""
    ordered = frame.drop_nulls(column).filter(pl.col("n_people") > 0).sort(column, "place_id")
    if not ordered.height:
        return None
    reached = ordered["n_people"].cum_sum()
    return float(ordered[column].filter(reached >= 0.5 * int(ordered["n_people"].sum()))[0])


def _district_table(plan: Plan, frame: pl.DataFrame) -> Table | None:
    if "districts" not in plan.tables:
        return None
    named = plan.tables["districts"].select("district_id", pl.col("name").alias("district"))
    rows = []
    for (_, name), group in (
        frame.join(named, on="district_id").sort("district").group_by("district_id", "district", maintain_order=True)
    ):
        cells = [Cell(str(name))]
        for technology in TECHNOLOGIES:
            own = group.filter(pl.col("technology") == technology)
            total, people = int(own["n_people"].sum()), _people_by(own, "state")
            if not total:
                cells += [Cell("–"), Cell("–")]
                continue
            sure = people.get(SURE, 0)
            is_told = "covered_probability_frac" in own.columns
            cells.append(
                Cell(
                    figure((sure + people.get(COVERED, 0)) / total, "frac"),
                    second=f"surely {figure(sure / total, 'frac')}" if is_told else "",
                )
            )
            rate = median_by_people(own.filter("is_covered"), "downlink_mbps")
            cells.append(Cell(figure(rate, "mbps")))
        rows.append(tuple(cells))
    header = ("District", "People covered by 4G", "Median 4G rate", "People covered by 5G", "Median 5G rate")
    return Table(header, tuple(rows), ("left", *(RIGHT,) * 4), "Coverage by district", is_long=True)


def _classes(frame: pl.DataFrame, column: str, ends: tuple[float, ...]) -> dict[str, float]:
    """Return people by class of a column, in the order of the classes."""
    found: dict[str, float] = {}
    for k in range(len(ends) + 1):
        low = pl.lit(value=True) if k == 0 else pl.col(column) >= ends[k - 1]
        high = pl.lit(value=True) if k == len(ends) else pl.col(column) < ends[k]
        people = int(frame.filter(low & high)["n_people"].sum())
        if people:
            found[str(k)] = float(people)
    return found


def _class_names(ends: tuple[float, ...], unit: str) -> list[str]:
    between = [f"{low:g} to {high:g} {unit}" for low, high in itertools.pairwise(ends)]
    return [f"below {ends[0]:g} {unit}", *between, f"{ends[-1]:g} {unit} and more"]


def _spread_figures(frame: pl.DataFrame) -> list[Block]:
    """Return people by signal and by rate, a bar a technology."""
    blocks: list[Block] = []
    kinds = (
        ("user_sinr_db", SINR_ENDS, "dB", "People covered by signal over noise and interference",
         "The typical user indoors, other cells at their busy-hour load."),
        ("downlink_mbps", RATE_ENDS, "Mbit/s", "People covered by busy-hour rate",
         "One active user sharing the cell with all others (processor sharing). Licences ask for 20, then 50 Mbit/s."),
    )  # fmt: skip
    for column, ends, unit, title, caption in kinds:
        if column not in frame.columns:
            continue
        covered = frame.filter("is_covered").drop_nulls(column)
        rows = [
            (f"People, {TECHNOLOGIES[technology]}", shares)
            for technology in present(covered)
            if (shares := _classes(covered.filter(pl.col("technology") == technology), column, ends))
        ]
        if not rows:
            continue
        colours = {str(k): RAMP[k] for k in range(len(ends) + 1)}
        used = {int(k) for _, shares in rows for k in shares}
        names = enumerate(_class_names(ends, unit))
        legend = tuple((RAMP[k], name) for k, name in names if k in used)
        blocks.append(Figure((figures.stacked_bars(rows, colours, title),), caption, legend, title))
    return blocks


def cell_blocks(plan: Plan) -> list[Block]:
    """Return load, rate and energy of cells by technology; nothing where the plan has no cells."""
    if "cells" not in plan.tables or not plan.tables["cells"].height:
        return []
    frame = plan.tables["cells"]
    rows = []
    for technology in present(frame):
        own = frame.filter(pl.col("technology") == technology)
        loaded = own.filter(pl.col("load_frac") > LOADED_FRAC).height / own.height
        energy, carried = (
            float(own["energy_kwh_per_year"].sum()),
            own.select(pl.min_horizontal("demand_mbps", "capacity_mbps")),
        )
        rows.append(
            (
                Cell(TECHNOLOGIES[technology]),
                Cell(figure(own.height)),
                Cell(figure(_median(own, "load_frac"), "frac"), second=f"{figure(loaded, 'frac')} above 80 %"),
                Cell(figure(_median(own, "efficiency_bps_per_hz"), "bps_per_hz")),
                Cell(figure(_median(own, "capacity_mbps"), "mbps")),
                Cell(figure(float(own["is_overloaded"].to_numpy().mean()), "frac")),
                Cell(f"{energy / 1e6:,.0f} GWh a year", second=_per_traffic(energy, float(carried.to_series().sum()))),
            )
        )  # fmt: skip
    header = ("Technology", "Sites", "Median load", "Efficiency", "Capacity of a site", "Asked for more than it has",
              "Energy of radio")  # fmt: skip
    caption = "Cells in the busy hour: interference and load iterated to a fixed point"
    return [
        Heading("Cells and their energy", model_badge(plan, "radio"), "radio-cells"),
        Table(header, tuple(rows), ("left", *(RIGHT,) * 6), caption),
        Text(
            "Energy: static and load-dependent power over a day's shape of traffic, without sleep states.", is_note=True
        ),
    ]


def _median(frame: pl.DataFrame, column: str) -> float | None:
    value = frame[column].drop_nulls().median()
    return float(value) if isinstance(value, (int, float)) else None


def _per_traffic(kwh_per_year: float, busy_mbps: float) -> str:
    """Return the energy of each busy-hour Mbit/s that is carried."""
    return f"{kwh_per_year / busy_mbps:,.0f} kWh a year for each busy-hour Mbit/s" if busy_mbps else ""


def _choice_blocks(plan: Plan) -> list[Block]:
    """Return the choice of 5G sites with its proven bound."""
    found = plan.certificates.filter((pl.col("engine") == "radio") & pl.col("name").str.contains(CHOICE, literal=True))
    if not found.height:
        return []
    row = found.row(0, named=True)
    n_sites = 0
    if "cells" in plan.tables and "is_planned" in plan.tables["cells"].columns:
        n_sites = plan.tables["cells"].filter((pl.col("technology") == "5g") & pl.col("is_planned")).height
    # What is carried counts below zero, as every certificate speaks of a cost.
    carried, most = -row["cost"], -row["lower_bound"]
    gap = (most - carried) / most if most else None
    cells = (
        Cell(f"{n_sites:,} city sites with 5G" if n_sites else "City sites with 5G"),
        Cell(figure(_asked_mbps(plan), "mbps")),
        Cell(figure(carried, "mbps")),
        Cell(figure(most, "mbps"), second="no choice of as many sites carries more"),
        Cell(_gap(gap), _gap_tone(gap)),
    )
    header = ("Choice", "Asked for in cities", "Could carry", "Proven most", "Gap")
    text = f"{row['method'][:1].upper()}{row['method'][1:]}: {row['note']}."
    return [
        Heading("Where the 5G sites stand", model_badge(plan, "radio"), "radio-sites"),
        Table(header, (cells,), ("left", RIGHT, RIGHT, RIGHT, "left"), "Which existing city sites are upgraded first"),
        *_found_blocks(plan),
        Text(text, is_note=True),
    ]


def _found_blocks(plan: Plan) -> list[Block]:
    """Return what the chosen sites carry once interference is computed, beside what the choice took them to carry."""
    cells = plan.tables.get("cells")
    if cells is None or not {"is_planned", "sinr_db"} <= set(cells.columns):
        return []
    own = cells.filter((pl.col("technology") == "5g") & pl.col("is_planned"))
    if not own.height:
        return []
    carried = float(own.select(pl.min_horizontal("demand_mbps", "capacity_mbps").sum()).item())
    over = float(own["is_overloaded"].to_numpy().mean())
    text = (
        "The proof is of the choice alone: it takes every site to carry the same, before anything is known of its "
        f"neighbours. With interference computed, the signal of a site's typical user has a median of "
        f"{figure(_median(own, 'sinr_db'), 'db')} over the {own.height:,} chosen sites, {figure(over, 'frac')} of them "
        f"are asked for more than they have, and together they carry {figure(carried, 'mbps')}."
    )
    return [Text(text)]


def _asked_mbps(plan: Plan) -> float | None:
    """Return the busy-hour traffic that 5G is asked to carry in cities."""
    frame = coverage_of(plan)
    if frame is None:
        return None
    cities = plan.tables["places"].filter(pl.col("kind") == "city").select("place_id")
    own = frame.filter(pl.col("technology") == "5g").join(cities, on="place_id", how="semi")
    return float(own["demand_mbps"].to_numpy().sum()) if own.height else None


def _gap(value: float | None) -> str:
    return "no bound" if value is None else f"{value * 100:.2f} %"


def _gap_tone(value: float | None) -> Tone:
    small = 0.05  # below five per cent a better choice hardly pays for the search
    return "bad" if value is None else "good" if value <= small else "fair"


def band_blocks(plan: Plan) -> list[Block]:
    """Return which model applies in which band, HF to optical, and why others have none."""
    from rahdari.sources.technologies import band_models

    frame = plan.tables["band_models"] if "band_models" in plan.tables else band_models()
    known = set(plan.tables["sources"]["source_id"]) if "sources" in plan.tables else set()
    rows = tuple(_band_row(row, known) for row in frame.iter_rows(named=True))
    header = ("Band", "GHz", "Use", "Model", "What it leaves out")
    align: tuple[Align, ...] = ("left", RIGHT, "left", "left", "left")
    return [
        Heading("Which model in which band", "", "radio-bands"),
        Table(header, rows, align, "Full band, HF to light: what is computed and what is not", is_long=True),
        *second_blocks(plan),
    ]


def _band_row(row: dict[str, Any], known: set[str]) -> tuple[Cell, ...]:
    is_modelled = row["model"] != "not_modelled"
    links = (("source", source_anchor(row["source_id"])),) if row["source_id"] in known else ()
    return (
        Cell(row["band"], links=links),
        Cell(f"{row['low_ghz']:g} to {row['high_ghz']:g}"),
        Cell(row["use"]),
        Cell(MODEL_NAMES.get(row["model"], row["model"]), "good" if is_modelled else "plain"),
        Cell(row["limits"] or ""),
    )


def is_coarse(plan: Plan) -> bool:
    """Return whether the plan's terrain is the coarse grid, or none."""
    if "terrain" not in plan.tables or not plan.tables["terrain"].height:
        return True
    return bool(plan.tables["terrain"]["is_coarse"].any())


def radio_section(plan: Plan, language: str) -> Section | None:
    """Return the radio page; ``None`` where the plan has no coverage."""
    frame = coverage_of(plan)
    if frame is None:
        return None
    district = _district_table(plan, frame)
    blocks: list[Block] = [
        *([Text(COARSE, is_note=True)] if is_coarse(plan) else []),
        Heading("Who is covered", model_badge(plan, "radio"), "radio-coverage"),
        _coverage_figure(frame),
        _coverage_table(frame),
        *_spread_figures(frame),
        *([] if district is None else [district]),
        Text(ROADS, is_note=True),
        *cell_blocks(plan),
        *_choice_blocks(plan),
        *hop_blocks(plan),
        *hub_blocks(plan),
        *band_blocks(plan),
        *spectrum_blocks(plan),
    ]
    return Section("coverage", english("coverage"), local("coverage", language), tuple(blocks))
