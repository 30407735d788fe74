"""Drones in the report: corridors every 100 m, stretches that fail, flood watch, rules.  No authorisation to fly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rahdari.faces.report.blocks import RIGHT, Block, Cell, Heading, Section, Table, Text
from rahdari.faces.report.content_transit import model_badge
from rahdari.faces.report.words import english, figure, local

if TYPE_CHECKING:
    import polars as pl

    from rahdari.service.plan_view import Plan

LINES, FAILING, SERVICES, RULES = "air_lines", "air_failing", "air_services", "drone_rules"
N_FAILING, N_DISTRICTS = 12, 8
NOTE = (
    "Planning only; not an authorisation to fly. Corridors marked fictional are laid down by nobody. Rules are shown "
    "with their standing; a draft binds nobody, and only the authority says what is allowed."
)
LIMITS = (
    "Loss over terrain by ITU-R P.1812, sight over houses by 3GPP TR 36.777, antennas that look down with side lobes "
    "20 dB below their axis; interference from cells of the serving operator at their busy-hour load. A flood takes "
    "sites away: this table does not know that. Weather, birds and other traffic are left out."
)
COARSE = (
    "Terrain is a grid of some 9 km: no ridge between its points is seen, so sight and clearance are too good in "
    "mountains and the place of a stretch is a guess. Import finer terrain (rahdari data dem), or give it to rahdari "
    "fly corridor."
)


def _lines(lines: pl.DataFrame) -> Table:
    rows = tuple(
        (
            Cell(row["name"], second="terrain coarse" if row["is_coarse"] else ""),
            Cell(f"{row['length_km']:,.0f} km", second=f"{row['height_m']:,.0f} m high"),
            Cell(figure(row["control_frac"], "frac"), second=f"{row['n_handovers']} hand-overs"),
            Cell(figure(row["video_frac"], "frac"), second=f"median {row['median_video_mbps']:,.0f} Mbit/s"),
            Cell(figure(row["navigation_frac"], "frac"), second=f"PDOP {row['pdop_ratio']:.1f} BeiDou alone"),
            Cell(f"{row['closed_km']:,.1f} km"),
            Cell(f"{row['failing_km']:,.1f} km", second=figure(row["failing_frac"], "frac")),
        )
        for row in lines.sort("failing_frac", "corridor_id", descending=[True, False]).iter_rows(named=True)
    )
    header = ("Corridor", "Length", "Control link", "Pilot's video", "Position", "Closed air", "Fails")
    return Table(header, rows, ("left", *(RIGHT,) * 6), "Drone corridors, looked at every 100 m: share of their length")


def _failing(failing: pl.DataFrame, names: dict[str, str]) -> Table:
    longest = failing.sort("length_km", "failing_id", descending=[True, False]).head(N_FAILING)
    rows = tuple(
        (
            Cell(row["name"], second=names[row["corridor_id"]]),
            Cell(f"{row['length_km']:,.1f} km"),
            Cell(row["reason"]),
        )
        for row in longest.iter_rows(named=True)
    )
    caption = f"Stretches that fail, the {longest.height} longest of {failing.height}; the map shows all"
    return Table(("Stretch", "Length", "Why"), rows, ("left", RIGHT, "left"), caption)


def _watch(services: pl.DataFrame, districts: pl.DataFrame) -> tuple[Text, Table]:
    total = int(services["n_people"].sum())
    covered = int(services["n_people_covered"].sum())
    closed = int(services["is_base_closed"].sum())
    told = Text(
        f"One drone in the largest place of each of {services.height} districts sees "
        f"{services['sortie_survey_km2'][0]:,.1f} km2 in a flight and, with its video carried, "
        f"{figure(covered / max(total, 1), 'frac')} of the people from the air. "
        f"In {closed} districts that place lies in closed air: near an airport or a border."
    )
    worst = (
        services.join(districts.select("district_id", "name"), on="district_id")
        .sort("covered_frac", "district_id")
        .head(N_DISTRICTS)
    )
    rows = tuple(
        (
            Cell(row["name"], second="base in closed air" if row["is_base_closed"] else ""),
            Cell(f"{row['n_people']:,}"),
            Cell(figure(row["covered_frac"], "frac")),
            Cell("–" if row["sorties_count"] is None else f"{row['sorties_count']:,.0f}"),
        )
        for row in worst.iter_rows(named=True)
    )
    header = ("District", "People", "Covered", "Flights to see it all")
    return told, Table(header, rows, ("left", *(RIGHT,) * 3), "Flood watch where it covers fewest")


def _rules(rules: pl.DataFrame) -> Table:
    rows = tuple(
        (Cell(row["name"]), Cell(row["status"].replace("_", " ")), Cell(row["stated_on"], second=row["authority"]))
        for row in rules.sort("rule_id").iter_rows(named=True)
    )
    return Table(("Rule", "Standing", "As of"), rows, ("left", "left", "left"), "Rules for drones, as published")


def air_section(plan: Plan, language: str) -> Section | None:
    """Return the page on drones; ``None`` where the plan has neither corridors nor flood watch."""
    if LINES not in plan.tables or not plan.tables[SERVICES].height:
        return None
    lines, failing = plan.tables[LINES], plan.tables[FAILING]
    blocks: list[Block] = [Heading("Where drones can be led", model_badge(plan, "air"), "air-corridors"), Text(NOTE)]
    if lines.height:
        blocks.append(_lines(lines))
    if failing.height:
        blocks.append(_failing(failing, dict(lines.select("corridor_id", "name").iter_rows())))
    if lines["is_coarse"].any():
        blocks.append(Text(COARSE, is_note=True))
    blocks += _watch(plan.tables[SERVICES], plan.tables["districts"])
    if RULES in plan.tables and plan.tables[RULES].height:
        blocks.append(_rules(plan.tables[RULES]))
    blocks.append(Text(LIMITS, is_note=True))
    return Section("low-altitude", english("air"), local("air", language), tuple(blocks))
