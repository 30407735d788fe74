"""The report: one file that stands alone, every claim and figure in it, links that lead somewhere, and its PDF."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
import shapely
import typst

from rahdari.faces.report import write_html, write_pdf
from rahdari.faces.report.blocks import Cell, Figure, Heading, Headline, Headlines, Report, Section, Table, Text
from rahdari.faces.report.content import HEADLINE_INDICATORS, N_HEADLINES, report_content
from rahdari.faces.report.content_map import city_labels
from rahdari.faces.report.figures import Bar, bars, log_dots, spans, stacked_bars, stacked_columns
from rahdari.faces.report.freshness import is_fresh
from rahdari.faces.report.html_page import html_page
from rahdari.faces.report.map_figure import Dots, Label, Lines, country_map
from rahdari.faces.report.typst_page import FONTS, pdf_bytes, typst_source
from rahdari.faces.report.words import amount, figure
from rahdari.schema import base_schemas
from rahdari.schema.checks import conform
from rahdari.service.plan_view import Plan
from rahdari.service.planning import plan
from rahdari.service.requests import PlanRequest
from rahdari.store.parquet import write_table
from tests.fixtures import LAT_SOUTH_DEG, LON_WEST_DEG, N_GRID, SOURCE, STEP_DEG

if TYPE_CHECKING:
    from pathlib import Path

    from rahdari.service.requests import PlanResponse

HOSTILE = '<script>alert("1")</script> & \'x\' #panic() \\ "'
VOID = {"meta", "br", "hr", "img", "input", "link"}
SECTIONS = (
    "programme", "map", "connectivity", "pace", "cost", "resilience", "coverage", "people", "districts", "engines",
    "certificates", "consistency", "synthetic", "assumptions", "sources", "provenance",
)  # fmt: skip
MAX_BYTES = 3_000_000
PDF_PAGE = re.compile(rb"/Type\s*/Page\b(?!s)")


def _programme() -> pl.DataFrame:
    claims = [
        ("fibre-homes", "fibre", "Homes by fibre", 7.5e6, "households", "fibre_homes_passed_households", "at_least"),
        ("hostile", "talent", HOSTILE, None, None, None, "context"),
        ("rank", "speed", "A rank without a model", 3.0, "rank", None, "context"),
        ("coverage", "5g", "People covered by 4G", 99.0, "pct", "population_covered_4g_frac", "equals"),
    ]
    names = ("claim_id", "topic", "claim", "value", "unit", "indicator_id", "rule")
    frame = pl.DataFrame([dict(zip(names, claim, strict=True)) for claim in claims])
    return frame.with_columns(
        claimed_on=pl.lit("2025"), claimed_by=pl.lit("A ministry"), **{k: pl.lit(v) for k, v in SOURCE.items()}
    )


def _outline() -> pl.DataFrame:
    side_deg = STEP_DEG * (N_GRID - 1)
    west, south, east, north = LON_WEST_DEG, LAT_SOUTH_DEG, LON_WEST_DEG + side_deg, LAT_SOUTH_DEG + side_deg
    shapes = [
        shapely.box(west, south, east, north),
        shapely.LineString([(west, south), (west, north)]),
        shapely.LineString([(west, north), (east, north)]),
    ]
    return pl.DataFrame(
        {
            "outline_id": ["land", "border", "disputed"],
            "name": ["Land", "Border", "Line that two states see differently"],
            "is_disputed": [False, False, True],
            "geometry": [shapely.to_wkb(shape) for shape in shapes],
        }
    ).with_columns(**{name: pl.lit(value) for name, value in SOURCE.items()})


@pytest.fixture(scope="session")
def told_plan(
    small_response: PlanResponse, country_folder: Path, cache_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Plan:
    """Return a plan of the small country with an outline and a programme, one claim of which is hostile."""
    assert small_response.folder.is_dir()  # its results are in the cache that this plan reuses
    folder = shutil.copytree(country_folder, tmp_path_factory.mktemp("told") / "country")
    schemas = base_schemas()
    for name, frame in (("programme", _programme()), ("outline", _outline())):
        write_table(conform(frame, schemas[name]), folder / f"{name}.parquet", schemas[name])
    out = tmp_path_factory.mktemp("told_plan") / "told"
    return Plan(plan(PlanRequest(country=str(folder), out=out, cache_dir=cache_dir)).folder)


@pytest.fixture(scope="session")
def page(told_plan: Plan) -> str:
    """Return the HTML report of the plan."""
    return write_html(told_plan.folder).read_text(encoding="utf-8")


class Balance(HTMLParser):
    """Collects tags that are closed out of order, all identifiers, links, and the text outside of style."""

    def __init__(self) -> None:
        """Start with nothing open."""
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.faults: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.local: list[tuple[str | None, str | None]] = []
        self.tags: set[str] = set()
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember what opens."""
        found = dict(attrs)
        self.tags.add(tag)
        if found.get("id"):
            self.ids.append(str(found["id"]))
        if tag == "a":
            self.links.append(str(found["href"]))
        if found.get("class") == "local":
            self.local.append((found.get("lang"), found.get("dir")))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Check that what closes was opened last."""
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)

    def handle_data(self, data: str) -> None:
        """Keep what a reader sees."""
        if "style" not in self.open:
            self.text.append(data)


def parsed(html_text: str) -> Balance:
    """Return a page read by the standard parser."""
    parser = Balance()
    parser.feed(html_text)
    parser.close()
    return parser


def test_the_page_is_well_formed(page: str) -> None:
    found = parsed(page)
    assert found.faults == []
    assert found.open == []
    assert len(found.ids) == len(set(found.ids)), "an anchor stands twice"


def test_the_page_needs_no_network_and_runs_no_script(page: str) -> None:
    assert "script" not in parsed(page).tags
    assert not re.search(r"(src|href)\s*=\s*[\"']\s*(https?:)?//", page)
    assert not re.search(r"url\((?!data:)", page)
    assert "@import" not in page
    assert len(page.encode()) < MAX_BYTES


def test_every_section_is_there_and_in_the_contents(page: str) -> None:
    found = parsed(page)
    assert [name for name in found.ids if name in SECTIONS] == list(SECTIONS)
    assert {f"#{name}" for name in SECTIONS} <= set(found.links)


def test_every_link_leads_to_an_anchor_of_the_page(page: str) -> None:
    found = parsed(page)
    anchors = {f"#{name}" for name in found.ids}
    assert found.links
    assert [link for link in found.links if link not in anchors] == []


def test_every_evidence_link_of_the_verdicts_leads_to_an_anchor(told_plan: Plan, page: str) -> None:
    links = set(told_plan.tables["programme_verdicts"]["evidence_link"].to_list())
    assert links
    assert links <= {f"#{name}" for name in parsed(page).ids}


def test_every_claim_of_the_programme_stands_in_the_page_once(told_plan: Plan, page: str) -> None:
    ids = parsed(page).ids
    claims = told_plan.tables["programme"]["claim_id"].to_list()
    assert len(claims) == _programme().height
    assert [ids.count(f"claim-{claim}") for claim in claims] == [1] * len(claims)


def test_a_claim_shows_its_verdict_and_our_figure(told_plan: Plan, page: str) -> None:
    row = told_plan.tables["programme_verdicts"].filter(pl.col("claim_id") == "fibre-homes").row(0, named=True)
    rows = re.findall(r"<tr>.*?</tr>", page)
    shown = next(text for text in rows if 'id="claim-fibre-homes"' in text)
    assert figure(row["our_value"], row["unit"]) in shown
    assert row["verdict"].replace("_", " ") in shown
    assert 'href="#indicator-fibre_homes_passed_households"' in shown


def test_hostile_text_is_escaped_wherever_it_stands(page: str) -> None:
    assert "<script" not in page
    assert HOSTILE in "".join(parsed(page).text)


def test_the_headline_figures_are_the_plans_indicators(told_plan: Plan, page: str) -> None:
    shown = re.findall(r'<div class="headline"><div class="value">(.*?)</div>', page)
    wanted = []
    for indicator_id, _ in HEADLINE_INDICATORS:
        rows = told_plan.indicators.filter(pl.col("indicator_id") == indicator_id).sort("year")
        wanted += [amount(rows["value"][-1], rows["unit"][-1])] if rows.height else []
    assert shown == [text.replace(">", "&gt;").replace("<", "&lt;") for text in wanted[:N_HEADLINES]]
    assert len(shown) == N_HEADLINES


def test_every_indicator_of_the_plan_has_one_row(told_plan: Plan, page: str) -> None:
    ids = parsed(page).ids
    indicators = told_plan.indicators.filter(pl.col("engine").is_not_null())["indicator_id"].unique().to_list()
    assert sorted(name for name in ids if name.startswith("indicator-")) == sorted(f"indicator-{i}" for i in indicators)


def test_the_boundary_note_stands_on_every_map_and_at_the_foot(told_plan: Plan, page: str) -> None:
    note = told_plan.tables["country"]["boundary_note"][0]
    drawings = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    maps = [drawing for drawing in drawings if "scale(0.1)" in drawing]
    assert len(maps) == 5
    words = note.split()
    assert all(word in drawing for drawing in maps for word in words[:3])
    assert note in "".join(parsed(page).text).split("The same inputs")[-1]


def steps_of(path: str) -> list[tuple[int, int, int, int]]:
    """Return the straight steps of a path as x, y, dx, dy."""
    steps = []
    for x_text, y_text, rest in re.findall(r"M(\d+) (\d+)l([-\d ]+)", path):
        x, y = int(x_text), int(y_text)
        numbers = [int(number) for number in re.findall(r"-?\d+", rest)]
        for dx, dy in zip(numbers[::2], numbers[1::2], strict=True):
            steps.append((x, y, dx, dy))
            x, y = x + dx, y + dy
    return steps


def test_a_disputed_line_is_dashed_and_no_full_line_lies_under_it(page: str) -> None:
    drawing = next(text for text in re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL) if "scale(0.1)" in text)
    (dashed,) = re.findall(r"<path d='([^']*)'[^>]*stroke-dasharray", drawing)
    ((_, north, length, drop),) = steps_of(dashed)
    assert drop == 0
    borders = re.findall(r"<path d='([^']*)' fill='none' stroke='#8b949e'[^>]*>", drawing)
    steps = [step for path in borders for step in steps_of(path)]
    assert any(dx == 0 and abs(dy) > 0.9 * length for _, _, dx, dy in steps), "the undisputed border is drawn"
    assert sum(abs(dx) for _, y, dx, dy in steps if y == north and dy == 0) < 0.1 * length


def test_what_is_synthetic_is_said_before_the_first_figure_and_on_the_map(told_plan: Plan, page: str) -> None:
    n_synthetic = told_plan.tables["places"].filter(pl.col("evidence") == "synthetic").height
    head = page.split("</header>", maxsplit=1)[0]
    assert n_synthetic > 0
    assert f"{n_synthetic:,} of {told_plan.tables['places'].height:,} places" in head
    assert "synthetic" in page.split('id="map"')[1].split("</section>", maxsplit=1)[0]


def test_urdu_carries_its_language_and_direction(page: str) -> None:
    found = parsed(page).local
    assert len(found) >= len(SECTIONS)
    assert set(found) == {("ur", "rtl")}


def test_every_drawing_has_a_title_for_those_who_hear_it(page: str) -> None:
    drawings = re.findall(r"<svg[^>]*>(.{0,40})", page, flags=re.DOTALL)
    assert drawings
    assert all(start.startswith("<title>") for start in drawings)


def test_a_plan_without_programme_and_outline_still_has_a_report(small_plan: Plan, tmp_path: Path) -> None:
    folder = shutil.copytree(small_plan.folder, tmp_path / "plan")
    found = parsed(write_html(folder).read_text(encoding="utf-8"))
    assert "programme" not in found.ids
    assert "map" in found.ids
    assert found.faults == []


def test_a_report_is_fresh_until_its_plan_changes(small_plan: Plan, tmp_path: Path) -> None:
    folder = shutil.copytree(small_plan.folder, tmp_path / "plan")
    (folder / "report.html").unlink(missing_ok=True)
    assert not is_fresh(folder, "report.html")
    write_html(folder)
    assert is_fresh(folder, "report.html")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    changed = {**manifest, "plan_digest": manifest["plan_digest"][::-1]}
    (folder / "manifest.json").write_text(json.dumps(changed), encoding="utf-8")
    assert not is_fresh(folder, "report.html")


def test_two_reports_of_one_plan_are_the_same_to_the_byte(told_plan: Plan, page: str) -> None:
    assert html_page(report_content(Plan(told_plan.folder))) == page


def test_the_pdf_has_pages_for_every_section(told_plan: Plan) -> None:
    data = write_pdf(told_plan.folder).read_bytes()
    assert data.startswith(b"%PDF")
    assert len(PDF_PAGE.findall(data)) > len(SECTIONS) // 2


def test_the_pdf_is_set_without_a_warning(told_plan: Plan, tmp_path: Path) -> None:
    source = tmp_path / "report.typ"
    source.write_text(typst_source(report_content(told_plan), tmp_path), encoding="utf-8")
    _, warnings = typst.compile_with_warnings(str(source), font_paths=[str(FONTS)], root=str(tmp_path))
    assert [warning.message for warning in warnings if "font" not in warning.message or FONTS.is_dir()] == []


def _hostile_report() -> Report:
    cell = Cell(HOSTILE, "good", HOSTILE, HOSTILE, ((HOSTILE, "nowhere"),), "here")
    table = Table((HOSTILE, "b"), ((cell, cell), (Cell(HOSTILE, n_columns=2),)), ("left", "right"), HOSTILE)
    drawing = bars([Bar(HOSTILE, 1.0, HOSTILE)], HOSTILE)
    blocks = (Heading(HOSTILE, HOSTILE), Text(HOSTILE, is_note=True), table, Figure((drawing,), HOSTILE, (), HOSTILE))
    headlines = Headlines((Headline(HOSTILE, HOSTILE, HOSTILE, HOSTILE),))
    sections = (Section("one", HOSTILE, HOSTILE, blocks),)
    return Report(HOSTILE, HOSTILE, HOSTILE, "ur", headlines, sections, HOSTILE, HOSTILE, (HOSTILE,))


def test_no_block_lets_markup_through_into_html() -> None:
    text = html_page(_hostile_report())
    found = parsed(text)
    assert "script" not in found.tags
    assert found.faults == []
    assert found.links == ["#one"], "a link to an anchor that is not there was written"


def test_no_block_lets_markup_through_into_typst() -> None:
    assert pdf_bytes(_hostile_report()).startswith(b"%PDF")


def test_a_bar_never_leaves_its_drawing_and_a_range_ends_beyond_its_bar() -> None:
    drawing = bars([Bar("a", 2.0, "2", 1.0, 4.0), Bar("b", 0.0, "0")], "t")
    width = float(re.search(r"viewBox='0 0 (\d+)", drawing).group(1))  # type: ignore[union-attr]
    ends = [float(x) + float(w) for x, w in re.findall(r"<rect x='([\d.]+)' y='[\d.]+' width='([\d.]+)'", drawing)]
    whisker = float(re.search(r"H([\d.]+)", drawing).group(1))  # type: ignore[union-attr]
    assert max(ends) < whisker < width


def test_columns_below_the_line_stand_below_it() -> None:
    drawing = stacked_columns([("x", {"in": 3.0, "out": -2.0})], {"in": "#000000", "out": "#111111"}, "unit", "t")
    boxes = {
        fill: (float(y), float(height))
        for y, height, fill in re.findall(
            r"<rect x='[\d.]+' y='([\d.]+)' width='[\d.]+' height='([\d.]+)' fill='(#\d+)'", drawing
        )
    }
    (up, up_height), (down, down_height) = boxes["#000000"], boxes["#111111"]
    assert up + up_height == pytest.approx(down, abs=0.2)
    assert up_height / down_height == pytest.approx(1.5, rel=0.01)


def test_shares_short_of_all_are_not_rounded_to_all() -> None:
    drawing = stacked_bars([("x", {"a": 0.999, "b": 0.001})], {"a": "#000000", "b": "#ffffff"}, "t")
    assert "&gt; 99 %" in drawing
    assert "100 %" not in drawing


def test_a_dot_of_twice_the_value_lies_right_of_the_reference() -> None:
    drawing = log_dots([Bar("a", 2.0, ""), Bar("b", 0.5, "")], (-1, 1), 1.0, {0: "same"}, "t")
    twice, half = (float(x) for x in re.findall(r"<circle cx='([\d.]+)'", drawing))
    base = float(re.search(r"<path d='M([\d.]+) 0V[\d.]+' stroke='#1f2933'", drawing).group(1))  # type: ignore[union-attr]
    assert twice - base == pytest.approx(base - half, abs=0.11)


def test_a_span_covers_its_middle_value() -> None:
    drawing = spans([Bar("a", 30.0, "", 10.0, 90.0)], "hours", "t")
    low, high = (float(x) for x in re.search(r"M([\d.]+) [\d.]+H([\d.]+)", drawing).groups())  # type: ignore[union-attr]
    dot = float(re.search(r"<circle cx='([\d.]+)'", drawing).group(1))  # type: ignore[union-attr]
    assert (dot - low) / (high - low) == pytest.approx(0.25, abs=0.01)


def test_a_map_without_outline_is_framed_by_what_is_drawn() -> None:
    empty = pl.DataFrame(schema={"geometry": pl.Binary, "is_disputed": pl.Boolean})
    dots = Dots(np.array([10.0, 11.0]), np.array([5.0, 6.0]), "#000000", 2.0)
    line = Lines(np.array([shapely.LineString([(10, 5), (11, 6)])], dtype=object), "#111111", 1.0)
    labels = [Label(10.0, 5.0, "South", "جنوب"), Label(10.0, 5.0, "Hidden by the first")]
    drawing = country_map(empty, [line, dots], "A note", labels, width=400.0, title="t")
    assert "M120 " in drawing
    assert drawing.count("h0") == 2
    assert "South" in drawing


def test_names_that_would_overlap_are_set_apart_or_left_out() -> None:
    empty = pl.DataFrame(schema={"geometry": pl.Binary, "is_disputed": pl.Boolean})
    line = Lines(np.array([shapely.LineString([(10, 5), (11, 6)])], dtype=object), "#111111", 1.0)
    labels = [Label(10.5, 5.5, f"Name {number}") for number in range(9)]
    drawing = country_map(empty, [line], "", labels, width=400.0, title="t")
    shown = re.findall(r"<text [^>]*x='([\d.]+)' y='([\d.]+)'[^>]*>Name", drawing)
    assert 2 <= len(shown) < len(labels)
    assert len(set(shown)) == len(shown)


def test_a_city_cut_into_parts_is_named_once_without_its_part(told_plan: Plan) -> None:
    names = [label.name for label in city_labels(told_plan)]
    assert names
    assert len(names) == len(set(names))
    assert not [name for name in names if ", part" in name]
