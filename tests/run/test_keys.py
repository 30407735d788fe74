"""The cache key of a result covers all that may change it; plug-ins are found without being run."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import pytest

from rahdari.model.scenario import Scenario
from rahdari.run import country as country_step
from rahdari.run import digest
from rahdari.run.country import CountryInputs, country_key
from rahdari.run.digest import code_digest, modules_of
from rahdari.run.registry import GROUP, registry
from rahdari.run.runner import engine_key
from rahdari.service.packs import COMMON
from tests.helpers.plug_in import PlugIn, write_plug_in

if TYPE_CHECKING:
    from pathlib import Path

SCENARIO = Scenario()


@pytest.fixture
def plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> PlugIn:
    monkeypatch.syspath_prepend(str(tmp_path))
    return write_plug_in(tmp_path, f"plug_in_{abs(hash(request.node.name))}")


def key_of(plug_in: PlugIn) -> str:
    return engine_key(registry([plug_in.point]).engines["counter"], {"places": "d"}, SCENARIO, "cpu")


def test_a_data_file_in_an_engines_folder_is_part_of_its_key(plug_in: PlugIn) -> None:
    before = key_of(plug_in)
    (plug_in.folder / "rates.csv").write_text("a,b\n1,3\n", encoding="utf-8")
    assert key_of(plug_in) != before


def test_the_page_and_the_labels_of_an_engine_are_not_part_of_its_key(plug_in: PlugIn) -> None:
    before = key_of(plug_in)
    (plug_in.folder / "README.md").write_text("Counts well.", encoding="utf-8")
    path = plug_in.folder / "manifest.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("Counts people.", "Counts all people."), encoding="utf-8")
    assert key_of(plug_in) == before


def test_markets_of_the_transit_engine_are_part_of_its_code_digest() -> None:
    found = modules_of("rahdari.engines.transit.engine").values()
    assert "markets.csv" in {path.name for path in digest.data_beside(found)}


def test_disputed_lines_are_part_of_the_countrys_code_digest() -> None:
    found = modules_of(country_step.SOURCES_MODULE).values()
    assert "disputed.csv" in {path.name for path in digest.data_beside(found)}


def test_relative_imports_are_followed_and_nothing_is_imported(plug_in: PlugIn) -> None:
    package = plug_in.folder.name
    assert f"{package}.helper" in modules_of(f"{package}.engine")
    assert not [name for name in sys.modules if name.startswith(package)]


def test_the_version_of_a_foreign_package_is_part_of_the_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    before = code_digest.__wrapped__("rahdari.engines.demand.engine")
    monkeypatch.setattr(digest, "package_version", lambda package: f"{package} of tomorrow")
    assert code_digest.__wrapped__("rahdari.engines.demand.engine") != before


def test_the_reader_of_an_imported_file_and_the_file_are_part_of_the_countrys_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "towers [1].csv"
    file.write_text("a", encoding="utf-8")
    inputs = CountryInputs("PK", None, COMMON, tmp_path, {"sites": file})
    seen: list[str] = []

    def noted(module: str) -> str:
        seen.append(module)
        return module

    monkeypatch.setattr(country_step, "code_digest", noted)
    before = country_key(inputs, SCENARIO)
    assert "rahdari.sources.imports.sites" in seen
    file.write_text("b", encoding="utf-8")
    assert country_key(inputs, SCENARIO) != before
    assert country_key(replace(inputs, imports={}), SCENARIO) != before


def test_a_scenario_of_a_pack_says_nothing_of_its_country(tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    (pack / "scenarios").mkdir(parents=True)
    (pack / "facts.csv").write_text("a", encoding="utf-8")
    inputs = CountryInputs("PK", pack, COMMON, tmp_path)
    before = country_key(inputs, SCENARIO)
    (pack / "scenarios" / "new.toml").write_text('name = "new"', encoding="utf-8")
    assert country_key(inputs, SCENARIO) == before
    (pack / "facts.csv").write_text("b", encoding="utf-8")
    assert country_key(inputs, SCENARIO) != before


def test_a_plug_in_is_found_without_being_run(plug_in: PlugIn) -> None:
    (plug_in.folder / "__init__.py").write_text("raise RuntimeError('run too early')", encoding="utf-8")
    known = registry([plug_in.point])
    assert set(known.engines) == {"counter"}
    assert plug_in.folder.name not in sys.modules


def test_a_plug_in_never_displaces_a_built_in_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    thieves = [
        write_plug_in(tmp_path, "aaa_same_name", name="radio", table="mine"),
        write_plug_in(tmp_path, "aaa_same_table", name="aaa", table="coverage"),
        write_plug_in(tmp_path, "aaa_input", name="aab", table="places"),
    ]
    known = registry([*(thief.point for thief in thieves), *entry_points(group=GROUP)])
    assert known.engines["radio"].entry.startswith("rahdari.")
    assert known.schemas["places"] == registry().schemas["places"]
    assert "the same name" in known.quarantined["radio"]
    assert "already written by radio" in known.quarantined["aaa"]
    assert "already written by the country" in known.quarantined["aab"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("version = 1", 'version = "one"', "version"),
        ('reads = ["places"]', 'reads = "places"', "reads"),
        ('fidelity = "simple"', 'fidelity = ["simple"]', "fidelity"),
        ("engine:count", "engine", "entry"),
        ("summary =", "[report]\nsection =", "summary"),
        ("title =", "title", "TOML"),
    ],
)
def test_a_faulty_manifest_is_quarantined_with_its_fault(plug_in: PlugIn, old: str, new: str, told: str) -> None:
    path = plug_in.folder / "manifest.toml"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    assert told in registry([plug_in.point]).quarantined["counter"]


@pytest.mark.parametrize("text", ["a;b\n1;2\n", "column,type\nx,id\n", SCENARIO.name, "\xff"])
def test_a_faulty_schema_is_quarantined(plug_in: PlugIn, text: str) -> None:
    (plug_in.folder / "tables" / "counted.csv").write_bytes(text.encode("latin-1"))
    assert registry([plug_in.point]).quarantined["counter"]
