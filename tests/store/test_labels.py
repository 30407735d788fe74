"""Labels are kept in one place, and nothing tells of a hidden row."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from rahdari.errors import InputError, PlanError
from rahdari.store.labels import OWNER, Clearance, cell_centre_deg, coarsened, joined_clearance, open_rows
from rahdari.store.query import PUBLIC, PlanReader
from rahdari.store.visibility import mentions
from tests.helpers.fake_plan import write_fake_plan
from tests.helpers.labelled_plan import (
    BOXED,
    COARSE,
    COARSE_DEG,
    N_PLACES,
    PLACE,
    PLACE_NAMES,
    RESTRICTED,
    SECRET,
    SECRET_LINK,
    SECRET_SITE,
    SITE_NAME,
    write_labelled_plan,
)

if TYPE_CHECKING:
    from pathlib import Path

WATER = frozenset({"water", "power"})


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_labelled_plan(tmp_path_factory.mktemp("labels"))


@pytest.mark.parametrize(
    ("clearance", "hidden"),
    [
        (PUBLIC, {SECRET, RESTRICTED, BOXED}),
        (Clearance("internal"), {SECRET, RESTRICTED, BOXED}),
        (Clearance("internal", frozenset({"water"})), {SECRET, RESTRICTED, BOXED}),
        (Clearance("internal", WATER), {SECRET, RESTRICTED}),
        (Clearance("restricted", frozenset({"*"})), {SECRET}),
        (Clearance("secret"), {BOXED}),
        (OWNER, set()),
    ],
)
def test_a_row_is_seen_with_its_level_and_all_its_compartments(
    plan: Path, clearance: Clearance, hidden: set[str]
) -> None:
    seen = set(PlanReader(plan, clearance).table("places")["place_id"])
    assert {SECRET, RESTRICTED, BOXED} - seen == hidden
    assert len(seen) == N_PLACES - len(hidden)


def test_labels_in_the_file_alone_are_kept_and_columns_stay_those_of_the_schema(plan: Path) -> None:
    for clearance in (PUBLIC, OWNER):
        reader = PlanReader(plan, clearance)
        for name in reader.names:
            assert tuple(reader.table(name).columns) == reader.schema(name).names


def test_what_names_a_hidden_row_is_hidden_with_it(plan: Path) -> None:
    reader = PlanReader(plan, Clearance("restricted"))
    assert set(reader.table("access")["place_id"]) & {SECRET, COARSE} == set()
    assert SECRET_SITE not in reader.table("sites")["site_id"].to_list()
    assert reader.table("landmarks").filter(pl.col("name").str.contains(SITE_NAME)).is_empty()
    assert reader.table("landmarks").height == PlanReader(plan).table("landmarks").height - 1
    assert SECRET_LINK in reader.table("links")["link_id"].to_list()
    assert SECRET_LINK not in PlanReader(plan, PUBLIC).table("links")["link_id"].to_list()


@pytest.mark.parametrize(
    ("text", "is_hidden"),
    [
        (f"gate;{SECRET_SITE};gate-2", True),
        (f"3 km from {SECRET_SITE}.", True),
        (f"north of ({SECRET_SITE}), by the road", True),
        (f"{SECRET_SITE}ing", False),
        (f"9{SECRET_SITE}", False),
        ("site-hus", False),
    ],
)
def test_a_text_or_list_that_holds_the_identifier_of_a_hidden_row_is_hidden_with_it(
    plan: Path, tmp_path: Path, text: str, *, is_hidden: bool
) -> None:
    folder = shutil.copytree(plan, tmp_path / "plan")
    path = folder / PlanReader(folder).manifest["tables"]["landmarks"]["file"]
    frame = pl.read_parquet(path)
    frame.with_columns(pl.when(pl.col("landmark_id") == "gate").then(pl.lit(text)).otherwise("name").alias("name"))\
        .write_parquet(path)  # fmt: skip
    seen = PlanReader(folder, Clearance("restricted")).table("landmarks")["landmark_id"].to_list()
    assert ("gate" not in seen) is is_hidden
    assert "gate" in PlanReader(folder).table("landmarks")["landmark_id"].to_list()


def test_numbers_and_short_identifiers_are_in_no_text() -> None:
    texts = pl.Series(["2030", "in 2030;ab", None, ""])
    assert mentions(texts, pl.Series(["2030", "ab"])).to_list() == [False] * 4
    assert mentions(texts.clear(), pl.Series(["abc"])).to_list() == []
    assert mentions(pl.Series(["a.c", "abc", "Abc d", "کabc", "abc_1"]), pl.Series(["abc"])).to_list() == [
        False, True, False, False, True
    ]  # fmt: skip


def test_sums_over_hidden_rows_are_shut_and_results_of_single_rows_are_not(plan: Path) -> None:
    reader = PlanReader(plan, PUBLIC)
    assert reader.table("indicators").is_empty()
    assert reader.table("backbone_capacity").is_empty()
    assert reader.table("planned_links").is_empty()
    assert reader.table("access").height == 2 * (N_PLACES - 4)
    assert PlanReader(plan).table("indicators").height == 2


RELEASE = """[[release]]
table = "planned_links"
level = "internal"
by = "ann"
approved_by = "bea"
reason = "the routes are published anyway"
"""


def test_two_people_may_release_a_shut_result_from_a_level_on(plan: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(plan, tmp_path / "plan")
    before = PlanReader(folder, Clearance("internal"))
    assert before.table("planned_links").is_empty()
    (folder / "released.toml").write_text(RELEASE, encoding="utf-8")
    after = PlanReader(folder, Clearance("internal"))
    assert after.table("planned_links").height == PlanReader(folder).table("planned_links").height
    assert after.table("backbone_capacity").is_empty()
    assert after.cache_key != before.cache_key
    assert PlanReader(folder, PUBLIC).table("planned_links").is_empty()
    assert not after.sees_everything


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("bea", "Ann", "alone"),
        ("internal", "cosmic", "unknown"),
        ('by = "ann"', "", "lacks by"),
        ("[[", "[", "damaged"),
    ],
)
def test_a_release_that_is_not_well_releases_nothing(plan: Path, tmp_path: Path, old: str, new: str, what: str) -> None:
    folder = shutil.copytree(plan, tmp_path / "plan")
    (folder / "released.toml").write_text(RELEASE.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(PlanError, match=what):
        PlanReader(folder, PUBLIC)


def test_the_manifest_loses_what_was_learned_from_hidden_rows(plan: Path) -> None:
    shown = PlanReader(plan, PUBLIC).manifest
    text = json.dumps(shown)
    assert not [marker for marker in (SITE_NAME, PLACE_NAMES[SECRET], SECRET) if marker in text]
    assert [each["key"] for each in shown["scenario"]["changes"]] == ["zz-000001"]
    assert shown["tables"]["places"]["n_rows"] == N_PLACES - 3
    assert SITE_NAME in json.dumps(PlanReader(plan).manifest)


def test_a_table_of_nothing_but_public_rows_is_the_same_for_all(plan: Path) -> None:
    assert PlanReader(plan, PUBLIC).table("outline").equals(PlanReader(plan).table("outline"))


def test_a_coarse_place_is_shown_at_the_centre_of_its_cell_and_nothing_gives_it_away(plan: Path) -> None:
    (shown,) = PlanReader(plan, PUBLIC).rows("places", {"place_id": COARSE}).to_dicts()
    assert (shown["lon_deg"], shown["lat_deg"]) == (67.25, 28.75)
    assert shown["elevation_m"] is None
    assert shown["row_node_id"] is None
    (exact,) = PlanReader(plan).rows("places", {"place_id": COARSE}).to_dicts()
    assert (exact["lon_deg"], exact["lat_deg"]) == PLACE
    assert COARSE_DEG == 0.5


def test_lines_are_moved_to_the_centres_of_cells_too() -> None:
    line = shapely.LineString([(67.11, 28.02), (67.13, 28.74)])
    frame = pl.DataFrame({"geometry": [shapely.to_wkb(line)] * 2, "coarsen_deg": [0.5, None]})
    seen = shapely.from_wkb(coarsened(frame, PUBLIC)["geometry"].to_list())
    assert shapely.get_coordinates(seen[0]).tolist() == [[67.25, 28.25], [67.25, 28.75]]
    assert seen[1].equals(line)


def test_both_ends_of_a_coarse_row_are_moved() -> None:
    ends = {"from_lon_deg": [67.93], "from_lat_deg": [24.21], "to_lon_deg": [68.2], "to_lat_deg": [25.4]}
    frame = pl.DataFrame({"link_id": ["a"], **ends, "lon_deg": [1.1], "coarsen_deg": [0.5]})
    (shown,) = coarsened(frame, PUBLIC).to_dicts()
    assert [shown[name] for name in ends] == [67.75, 24.25, 68.25, 25.25]
    assert shown["lon_deg"] == 1.1  # no latitude goes with it


def test_the_exact_place_has_a_level_of_its_own() -> None:
    frame = pl.DataFrame(
        {"lon_deg": [67.1], "lat_deg": [28.1], "coarsen_deg": [1.0], "exact_classification": ["restricted"]}
    )
    assert coarsened(frame, Clearance("internal"))["lon_deg"].to_list() == [67.5]
    assert coarsened(frame, Clearance("restricted"))["lon_deg"].to_list() == [67.1]


@given(
    st.lists(st.tuples(st.floats(-179, 179), st.floats(-89, 89)), min_size=1), st.sampled_from([0.01, 0.1, 0.5, 2.0])
)
def test_asking_for_a_coarse_place_again_tells_nothing_more(places: list[tuple[float, float]], cell: float) -> None:
    position = np.array(places)
    cells = np.full(len(places), cell)
    once = cell_centre_deg(position, cells)
    assert np.array_equal(once, cell_centre_deg(position, cells))
    assert np.allclose(cell_centre_deg(once, cells), once)
    assert (np.abs(once - position) <= 0.5000001 * cell + 1e-9).all()


@pytest.mark.parametrize("boxes", [["a;b", "", None, "a"], [["a", "b"], [], None, ["a"]]])
def test_compartments_may_be_text_or_a_list(boxes: list[object]) -> None:
    frame = pl.DataFrame({"n": [1, 2, 3, 4], "compartments": boxes})
    found = open_rows(frame, Clearance("public", frozenset({"a"})))
    assert found is not None
    assert found.to_list() == [False, True, True, True]


def test_a_row_without_a_classification_where_others_have_one_is_for_the_full_clearance_alone() -> None:
    frame = pl.DataFrame({"classification": ["public", None, "", "Public"]})
    found = open_rows(frame, Clearance("secret", WATER))
    assert found is not None
    assert found.to_list() == [True, False, False, False]
    assert open_rows(frame, OWNER) is None


def test_the_least_clearance_of_a_plan_sees_all_of_it_and_none_below_does(plan: Path) -> None:
    least = PlanReader(plan).least_clearance()
    assert least == OWNER  # the coarse place names no level for its exact place
    assert PlanReader(plan).least_clearance(["links"]) == Clearance("restricted")
    assert PlanReader(plan).least_clearance(["outline"]) == PUBLIC
    assert PlanReader(plan).least_clearance(["backbone_capacity"]) == OWNER  # made from places
    assert PlanReader(plan, OWNER).sees_everything
    assert not PlanReader(plan, Clearance("secret")).sees_everything


def test_an_aggregate_takes_the_label_of_its_most_secret_input() -> None:
    labels = [("internal", ["a"]), ("restricted", []), ("public", ["b"])]
    assert joined_clearance(labels) == Clearance("restricted", frozenset({"a", "b"}))
    assert joined_clearance([("cosmic", [])]) == OWNER
    assert joined_clearance([]) == PUBLIC


def test_what_is_kept_for_one_clearance_is_not_kept_for_another(plan: Path) -> None:
    keys = {PlanReader(plan, each).cache_key for each in (PUBLIC, Clearance("internal"), Clearance("secret"), OWNER)}
    assert len(keys) == 4
    assert PlanReader(plan).cache_key == "all"


def test_labels_on_an_engines_rows_alone_hide_those_rows_and_nothing_else(tmp_path: Path) -> None:
    folder = write_fake_plan(tmp_path, n_places=N_PLACES, n_links=24)
    path = folder / PlanReader(folder).manifest["tables"]["planned_links"]["file"]
    frame = pl.read_parquet(path).with_row_index("k")
    label = pl.when(pl.col("k") == 0).then(pl.lit("secret")).otherwise(pl.lit("public")).alias("classification")
    frame.with_columns(label).drop("k").write_parquet(path)
    low, all_of_it = PlanReader(folder, PUBLIC), PlanReader(folder)
    assert low.table("planned_links").height == frame.height - 1
    assert not low.sees_everything
    for name in set(low.names) - {"planned_links"}:
        assert low.table(name).equals(all_of_it.table(name)), name


def test_what_is_kept_ends_with_the_labels_it_was_made_under(plan: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(plan, tmp_path / "plan")
    before = PlanReader(folder, PUBLIC).cache_key
    path = folder / PlanReader(folder).manifest["tables"]["places"]["file"]
    frame = pl.read_parquet(path)
    frame.with_columns(pl.lit("secret").alias("classification")).write_parquet(path)
    assert PlanReader(folder, PUBLIC).cache_key != before


def test_a_label_nobody_knows_is_open_to_the_full_clearance_alone() -> None:
    assert OWNER.is_open("cosmic", ["atlas"])
    assert OWNER.is_open(None)
    for other in (Clearance("secret"), Clearance("restricted", frozenset({"*"})), PUBLIC):
        assert not other.is_open("cosmic")
        assert not other.is_open(None)


def test_clearances_cover_those_below_them() -> None:
    assert OWNER.covers(Clearance("secret", WATER))
    assert Clearance("restricted", WATER).covers(Clearance("internal", frozenset({"water"})))
    assert not Clearance("restricted").covers(Clearance("internal", frozenset({"water"})))
    assert not Clearance("internal", WATER).covers(Clearance("restricted"))
    with pytest.raises(InputError, match="clearance 'boss' is unknown"):
        Clearance("boss")
