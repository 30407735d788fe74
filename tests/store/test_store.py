"""Files are whole or absent; tables open elsewhere; readers filter by clearance."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import geopandas as gpd
import polars as pl
import pytest

from rahdari.errors import PlanError
from rahdari.schema import base_schemas, table_schema
from rahdari.store import atomic
from rahdari.store.atomic import write_text
from rahdari.store.cache import ResultCache
from rahdari.store.parquet import read_parquet, write_table
from rahdari.store.plans import newest_plan, read_plan_manifest
from rahdari.store.query import PUBLIC, PlanReader
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
