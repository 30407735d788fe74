"""Which country is meant, and the files that are laid over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rahdari.errors import InputError
from rahdari.service.overlays import RECORD, country_inputs, forget, imported, keep
from rahdari.service.packs import asked_country, pack_folders

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", ["pakistan", "Pakistan", " PK ", "pak"])
def test_every_name_of_a_country_finds_its_pack_and_one_folder(name: str) -> None:
    asked = asked_country(name)
    assert (asked.country, asked.slug, asked.pack) == ("PK", "pakistan", pack_folders()["pakistan"])


@pytest.mark.parametrize("name", ["KE", "ken", "Kenya"])
def test_a_country_without_a_pack_has_one_folder_too(name: str) -> None:
    assert asked_country(name).slug == "kenya"
    assert asked_country(name).pack is None


def test_a_pack_in_any_folder_gives_its_country(tmp_path: Path) -> None:
    folder = tmp_path / "My Pack"
    folder.mkdir()
    (folder / "pack.toml").write_text('name = "Kenya, ours"\ncountry_id = "KE"\nversion = "1"\n', encoding="utf-8")
    asked = asked_country(str(folder))
    assert (asked.country, asked.title, asked.slug, asked.pack) == ("KE", "Kenya, ours", "my-pack", folder)
    for text in ("name = ", 'name = "x"\n'):
        (folder / "pack.toml").write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=r"pack\.toml"):
            asked_country(str(folder))


def test_a_folder_of_tables_is_named_after_itself(country_folder: Path) -> None:
    assert asked_country(str(country_folder)).slug == country_folder.name


@pytest.mark.parametrize("name", ["atlantis", "", "../../etc/passwd", "'; --", "پاکستانی"])
def test_a_country_that_there_is_not_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="no country is called"):
        asked_country(name)


def test_a_file_laid_over_by_one_name_counts_by_every_name_and_after_the_cache_moves(tmp_path: Path) -> None:
    file = tmp_path / "villages.csv"
    file.write_text("a", encoding="utf-8")
    keep(tmp_path / "cache", asked_country("PK").slug, "places", file)
    (tmp_path / "cache").rename(tmp_path / "moved")
    inputs = country_inputs(asked_country("Pakistan"), tmp_path / "moved", {})
    assert inputs.imports["places"].read_text(encoding="utf-8") == "a"


def test_another_file_of_a_kind_takes_the_place_of_the_first(tmp_path: Path) -> None:
    for name in ("a.csv", "b.gpkg"):
        (tmp_path / name).write_text(name, encoding="utf-8")
        keep(tmp_path, "x", "places", tmp_path / name)
    kept = imported(tmp_path, "x")["places"]
    assert kept.read_text(encoding="utf-8") == "b.gpkg"
    assert {path.name for path in kept.parent.iterdir()} == {RECORD, "places.gpkg", ".lock"}
    assert forget(tmp_path, "x", "places")
    assert not forget(tmp_path, "x", "places")
    assert imported(tmp_path, "x") == {}


def test_a_damaged_record_of_imports_says_how_to_go_on(tmp_path: Path) -> None:
    record = tmp_path / "overlays" / "x" / RECORD
    record.parent.mkdir(parents=True)
    for text in ("{", "[1]", '{"places": 3}'):
        record.write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match="import your files again"):
            imported(tmp_path, "x")
