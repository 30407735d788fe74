"""Files are whole or absent; tables open elsewhere; readers filter by clearance."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import geopandas as gpd
import polars as pl
import pytest

from rahdari.errors import InputError, PlanError
from rahdari.schema import base_schemas, table_schema
from rahdari.store import atomic
from rahdari.store.atomic import locked, write_text
from rahdari.store.cache import ResultCache
from rahdari.store.folder import read_tables_folder
from rahdari.store.parquet import read_parquet, write_table
from rahdari.store.plans import newest_plan, read_plan_manifest
from rahdari.store.query import PUBLIC, Clearance, PlanReader
from tests.fixtures import small_country

if TYPE_CHECKING:
    from pathlib import Path

    from rahdari.service.plan_view import Plan


def test_a_table_comes_back_as_it_was_written(tmp_path: Path) -> None:
    for name, frame in small_country().items():
        schema = base_schemas()[name]
        write_table(frame.select(schema.names), tmp_path / f"{name}.parquet", schema)
        assert read_parquet(tmp_path / f"{name}.parquet", schema).equals(frame.select(schema.names))


def test_geopandas_opens_points_and_lines_as_they_are(tmp_path: Path) -> None:
    country = small_country()
    for name, kind in (("places", "Point"), ("rights_of_way", "LineString")):
        write_table(country[name], tmp_path / f"{name}.parquet", table_schema(name))
        frame = gpd.read_parquet(tmp_path / f"{name}.parquet")
        assert set(frame.geom_type) == {kind}
        assert frame.crs.to_epsg() in {4326, None} or frame.crs.to_authority() == ("OGC", "CRS84")


def test_the_same_table_gives_the_same_bytes(tmp_path: Path) -> None:
    places = small_country()["places"]
    digests = {write_table(places, tmp_path / f"{name}.parquet", table_schema("places")) for name in "ab"}
    assert len(digests) == 1


def test_a_truncated_file_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "places.parquet"
    write_table(small_country()["places"], path, table_schema("places"))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(PlanError, match="run the plan again"):
        read_parquet(path, table_schema("places"))


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "manifest.json"
    write_text(path, "old")

    def full_disk(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full_disk)
    with pytest.raises(PlanError, match="free some space"):
        write_text(path, "new")
    assert path.read_text(encoding="utf-8") == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["manifest.json"]


def test_a_damaged_cache_entry_is_a_miss(tmp_path: Path) -> None:
    cache = ResultCache(tmp_path)
    staging = cache.begin("k")
    digest = write_table(small_country()["places"], staging / "places.parquet", table_schema("places"))
    size = (staging / "places.parquet").stat().st_size
    cache.commit("k", staging, {"tables": {"places": {"digest": digest, "n_rows": 300, "n_bytes": size}}})
    assert cache.meta("k") is not None
    cache.path("k", "places").write_bytes(b"PAR1")
    assert cache.meta("k") is None


def test_what_a_dead_process_left_is_swept(tmp_path: Path) -> None:
    cache = ResultCache(tmp_path)
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    (tmp_path / f".key.{int(dead.stdout)}.abcd").mkdir()
    alive = tmp_path / f".key.{os.getpid()}.abcd"
    alive.mkdir()
    assert cache.sweep() == 1
    assert alive.is_dir()


def test_a_plan_names_every_table_file(small_plan: Plan) -> None:
    manifest = read_plan_manifest(small_plan.folder)
    for record in manifest["tables"].values():
        assert (small_plan.folder / record["file"]).is_file()
        assert (small_plan.folder / record["schema"]).is_file()
    assert newest_plan(small_plan.folder.parent) == small_plan.folder


def test_a_folder_without_a_plan_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="rahdari plan"):
        read_plan_manifest(tmp_path)
    (tmp_path / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(PlanError, match="damaged"):
        read_plan_manifest(tmp_path)


def test_a_reader_without_clearance_does_not_see_labelled_rows(tmp_path: Path) -> None:
    header = "column,type,unit,default,description,status\n"
    schema_text = header + "note_id,id,,,Key,key\nclassification,text,,public,Label,required\n"
    (tmp_path / "schema").mkdir()
    (tmp_path / "schema" / "notes.csv").write_text(schema_text, encoding="utf-8")
    frame = pl.DataFrame({"note_id": ["a", "b"], "classification": ["public", "secret"]})
    frame.write_parquet(tmp_path / "notes.parquet")
    tables = {"notes": {"file": "notes.parquet", "schema": "schema/notes.csv", "n_rows": 2, "writer": "x"}}
    (tmp_path / "manifest.json").write_text(json.dumps({"format_version": 1, "tables": tables}), encoding="utf-8")
    assert PlanReader(tmp_path).table("notes").height == 2
    assert PlanReader(tmp_path, PUBLIC).table("notes")["note_id"].to_list() == ["a"]


def test_a_row_with_an_unknown_label_is_for_the_full_clearance_alone(tmp_path: Path) -> None:
    header = "column,type,unit,default,description,status\n"
    schema_text = header + "note_id,id,,,Key,key\nclassification,text,,,Label,optional\n"
    (tmp_path / "notes.csv").write_text(schema_text, encoding="utf-8")
    frame = pl.DataFrame({"note_id": ["a", "b", "c"], "classification": ["public", "cosmic", None]})
    frame.write_parquet(tmp_path / "notes.parquet")
    tables = {"notes": {"file": "notes.parquet", "schema": "notes.csv", "n_rows": 3, "writer": "x"}}
    (tmp_path / "manifest.json").write_text(json.dumps({"format_version": 1, "tables": tables}), encoding="utf-8")
    assert PlanReader(tmp_path).table("notes").height == 3
    assert PlanReader(tmp_path, PUBLIC).table("notes")["note_id"].to_list() == ["a"]
    assert PlanReader(tmp_path, Clearance("restricted")).table("notes")["note_id"].to_list() == ["a"]


@pytest.mark.parametrize(
    "text",
    [
        "[]", "3", '{"name": "site"}', '{"format_version": 1}', '{"format_version": 2, "tables": {}}',
        '{"format_version": 1, "tables": {"x": {"file": "../../secret", "schema": "a.csv"}}}',
        '{"format_version": 1, "tables": {"x": {"file": "/etc/passwd", "schema": "a.csv"}}}',
        '{"format_version": 1, "tables": {"x": {"file": "a"}}}',
    ],
)  # fmt: skip
def test_what_is_no_manifest_of_a_plan_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(PlanError):
        read_plan_manifest(tmp_path)


def test_a_table_that_a_newer_plan_took_away_is_an_error_with_a_cure(small_plan: Plan, tmp_path: Path) -> None:
    shutil.copytree(small_plan.folder, tmp_path / "p")
    reader = PlanReader(tmp_path / "p")
    shutil.rmtree(tmp_path / "p" / "tables")
    with pytest.raises(PlanError, match="open the plan again"):
        reader.table("places")
    shutil.rmtree(tmp_path / "p" / "schema")
    with pytest.raises(PlanError, match="open the plan again"):
        reader.schema("districts")


def _committed(cache: ResultCache, key: str) -> None:
    staging = cache.begin(key)
    path = staging / "places.parquet"
    digest = write_table(small_country()["places"], path, table_schema("places"))
    record = {"digest": digest, "n_rows": 300, "n_bytes": path.stat().st_size, "modified_ns": path.stat().st_mtime_ns}
    cache.commit(key, staging, {"tables": {"places": record}})


def test_a_cache_file_changed_within_its_size_is_a_miss_and_is_replaced(tmp_path: Path) -> None:
    cache = ResultCache(tmp_path)
    _committed(cache, "k")
    path = cache.path("k", "places")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert cache.meta("k") is None
    _committed(cache, "k")
    assert cache.meta("k") is not None
    assert read_parquet(path, table_schema("places")).height == 300


def test_a_copied_cache_is_still_good(tmp_path: Path) -> None:
    _committed(ResultCache(tmp_path / "a"), "k")
    shutil.copytree(tmp_path / "a", tmp_path / "b", copy_function=shutil.copyfile)
    assert ResultCache(tmp_path / "b").meta("k") is not None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"tables": 3}', '{"tables": {"x": {}}}'])
def test_a_damaged_record_in_the_cache_is_a_miss(tmp_path: Path, text: str) -> None:
    cache = ResultCache(tmp_path)
    _committed(cache, "k")
    (tmp_path / "k" / "meta.json").write_text(text, encoding="utf-8")
    assert cache.meta("k") is None


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no readable CSV"),
        ("service_id,név\n1,é\n".encode("latin-1"), "UTF-8"),
        ("service_id,name\n1,x\n".encode("utf-16"), "UTF-8"),
        (b"service_id;name\n1;x\n", "separated by ';'"),
        (b"service_id,name\n1,x,y\n", "no readable CSV"),
    ],
)
def test_a_csv_from_another_world_is_named_with_the_cure(
    country_folder: Path, tmp_path: Path, content: bytes, told: str
) -> None:
    shutil.copytree(country_folder, tmp_path / "c")
    (tmp_path / "c" / "services.parquet").unlink()
    (tmp_path / "c" / "services.csv").write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_tables_folder(tmp_path / "c", base_schemas())
    problems = [problem for problem in caught.value.problems if problem.file == "services.csv"]
    assert told in str(problems[0])


def test_a_csv_with_mark_and_windows_line_ends_reads_like_the_parquet(country_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(country_folder, tmp_path / "c")
    (tmp_path / "c" / "services.parquet").unlink()
    services = small_country()["services"]
    text = services.write_csv().replace("\n", "\r\n")
    (tmp_path / "c" / "services.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    schemas = {name: schema for name, schema in base_schemas().items() if name != "indicators"}
    assert read_tables_folder(tmp_path / "c", schemas)["services"].equals(services)


def test_a_lock_is_waited_for(tmp_path: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with locked(tmp_path):
            order.append("second")

    with locked(tmp_path):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(timeout=0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
