"""Scenarios as people write them: misspelt, half right, from other editors, extending each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rahdari.errors import InputError
from rahdari.model.scenario import Change, read_scenario
from rahdari.run.changes import changed_table
from rahdari.schema import table_schema
from rahdari.service.packs import COMMON
from rahdari.service.planning import plan, scenario_of
from rahdari.service.requests import PlanRequest
from rahdari.store.plans import read_plan_manifest
from tests.fixtures import small_country

if TYPE_CHECKING:
    from pathlib import Path

    from rahdari.errors import Problem


def problems_of(path: Path) -> tuple[Problem, ...]:
    with pytest.raises(InputError) as caught:
        read_scenario(str(path), (COMMON / "scenarios",))
    return caught.value.problems


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_bytes(b'\xef\xbb\xbfname = "s"\r\nseed = 7\r\n')
    assert read_scenario(str(path), ()).seed == 7


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('name = "s"'.encode("utf-16"), "UTF-8"),
        (b"name = ", "no valid TOML"),
        (b'years = [2030, 2025]\nname = "s"', "years go up"),
        (b"years = [2025]", "2"),
        (b"seed = -1", "greater than or equal to 0"),
        (b"seed = 99999999999999999999999", "less than"),
        (b'name = "../../etc"', "pattern"),
        (b"changes = 3", "tuple"),
        (b'extends = "default"\nchanges = "all"', "tuple"),
        (b'engines = "radio"', "dictionary"),
        (b"extends = 3", "string"),
        (b'extends = "nowhere"', "there is no scenario 'nowhere'"),
        (b"[[changes]]\nvalue = [1]", "required"),
    ],
)
def test_a_wrong_scenario_says_what_is_wrong(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "s.toml"
    path.write_bytes(content)
    assert told in " ".join(str(problem) for problem in problems_of(path))


def test_a_misspelt_key_of_a_change_names_the_key_of_a_change(tmp_path: Path) -> None:
    text = '[[changes]]\ntable = "places"\nkey = "x"\ncolumn = "n_people"\nvalue = 1\nresaon = "y"\n'
    found = problems_of(write(tmp_path / "s.toml", text))
    assert [problem.cure for problem in found] == ["write 'reason'"]


def test_a_value_of_no_fitting_type_is_told_once(tmp_path: Path) -> None:
    text = '[[changes]]\ntable = "places"\nkey = "x"\ncolumn = "n_people"\nvalue = [1, 2]\n'
    assert len(problems_of(write(tmp_path / "s.toml", text))) == 1


def test_a_circle_of_parents_is_named(tmp_path: Path) -> None:
    write(tmp_path / "a.toml", 'extends = "b"')
    write(tmp_path / "b.toml", 'extends = "a"')
    assert "circle" in str(problems_of(tmp_path / "a.toml")[0])


def test_a_parent_is_looked_up_beside_its_child_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    write(tmp_path / "base.toml", "seed = 1")
    write(inner / "base.toml", "seed = 2")
    monkeypatch.chdir(tmp_path)
    assert read_scenario(str(write(inner / "child.toml", 'extends = "base.toml"')), ()).seed == 2


def test_a_scenario_may_extend_another_of_its_own_name(tmp_path: Path) -> None:
    path = write(tmp_path / "default.toml", 'extends = "default"\nseed = 5')
    made = read_scenario(str(path), (tmp_path, COMMON / "scenarios"))
    assert (made.seed, made.n_places) == (5, 32_000)


def test_a_scenario_without_a_name_takes_its_files_and_not_its_parents(tmp_path: Path) -> None:
    path = write(tmp_path / "Dearer Fibre.toml", 'extends = "default"')
    assert read_scenario(str(path), (COMMON / "scenarios",)).name == "dearer-fibre"


def test_files_to_import_are_looked_up_beside_the_scenario(tmp_path: Path) -> None:
    path = write(tmp_path / "s.toml", '[imports]\nplaces = "villages.csv"')
    assert read_scenario(str(path), ()).imports == {"places": str(tmp_path / "villages.csv")}


def test_a_missing_file_to_import_is_an_error_with_its_path(
    country_folder: Path, cache_dir: Path, tmp_path: Path
) -> None:
    path = write(tmp_path / "s.toml", '[imports]\nplaces = "villages.csv"')
    request = PlanRequest(country=str(country_folder), scenario=str(path), out=tmp_path / "p", cache_dir=cache_dir)
    with pytest.raises(InputError, match=r"villages\.csv"):
        plan(request)
    path.write_text('[imports]\nplces = "s.toml"', encoding="utf-8")
    with pytest.raises(InputError, match="cannot import 'plces'"):
        plan(request)
    assert not (tmp_path / "p").exists()


def test_wishes_of_a_request_are_held_to_the_scenarios_limits(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="2000000"):
        scenario_of(PlanRequest(country="PK", cache_dir=tmp_path, n_places=10**9), None)


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("n_people", 3.7, "type int"),
        ("n_people", True, "type int"),
        ("n_people", "many", "type int"),
        ("n_people", -5, "negative"),
        ("lat_deg", 95.0, "latitude"),
        ("is_urban", 1, "type bool"),
        ("kind", "vilage", "use 'village'"),
        ("place_id", "x", "no column 'place_id' to change"),
        ("n_pople", 1, "use 'n_people'"),
    ],
)
def test_a_change_that_does_not_fit_is_refused_and_not_bent(column: str, value: float | str, told: str) -> None:
    change = Change(table="places", key="xx-p0003", column=column, value=value)
    with pytest.raises(InputError) as caught:
        changed_table(small_country()["places"], table_schema("places"), [change], "s")
    assert told in str(caught.value)
    assert "scenario s" in str(caught.value)


def test_a_change_of_a_shape_or_of_several_rows_is_refused() -> None:
    ways = Change(table="rights_of_way", key="xx-way-001", column="geometry", value="x")
    with pytest.raises(InputError, match="no column 'geometry' to change"):
        changed_table(small_country()["rights_of_way"], table_schema("rights_of_way"), [ways], "s")


def test_a_whole_number_fits_a_column_of_decimals_and_the_other_way_round() -> None:
    schema = table_schema("places")
    changes = [
        Change(table="places", key="xx-p0003", column="n_people", value=7.0),
        Change(table="places", key="xx-p0003", column="electrified_frac", value=1),
    ]
    row = changed_table(small_country()["places"], schema, changes, "s").row(3, named=True)
    assert (row["n_people"], row["electrified_frac"], row["evidence"]) == (7, 1.0, "assumed")


def test_faults_in_changes_of_several_tables_come_together(
    country_folder: Path, cache_dir: Path, tmp_path: Path
) -> None:
    cells = [("plces", "x", "n_people"), ("places", "xx-p0003", "district_id"), ("equipment", "nope", "capex_usd")]
    text = "".join(
        f'[[changes]]\ntable = "{table}"\nkey = "{key}"\ncolumn = "{column}"\nvalue = "nowhere"\n'
        for table, key, column in cells
    )
    path = write(tmp_path / "s.toml", text)
    request = PlanRequest(country=str(country_folder), scenario=str(path), out=tmp_path / "p", cache_dir=cache_dir)
    with pytest.raises(InputError) as caught:
        plan(request)
    told = str(caught.value)
    for words in ("use 'places'", "'nowhere' is not in districts", "no row 'nope'"):
        assert words in told


def test_the_digest_of_a_plan_does_not_depend_on_where_it_was_made(
    country_folder: Path, cache_dir: Path, tmp_path: Path
) -> None:
    digests = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        plan(PlanRequest(country=str(country_folder), out=folder / "p", cache_dir=cache_dir))
        digests.append(read_plan_manifest(folder / "p")["plan_digest"])
    assert digests[0] == digests[1]
