"""Order, cache, resume, changes and executors of a run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rahdari.errors import CancelledError, InputError, PlanError
from rahdari.model.manifest import EngineManifest
from rahdari.run.digest import code_digest, modules_of
from rahdari.run.executors import map_function
from rahdari.run.order import ordered, without
from rahdari.run.registry import GROUP, registry
from rahdari.service.plan_view import Plan
from rahdari.service.planning import plan
from rahdari.service.requests import PlanRequest

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from rahdari.run.runner import Event
    from rahdari.service.requests import PlanResponse


def manifest(name: str, reads: tuple[str, ...], writes: tuple[str, ...]) -> EngineManifest:
    return EngineManifest(name, name, 1, "simple", "m:f", "m:P", reads, writes, "s", Path())


def test_engines_run_after_what_they_read_is_written() -> None:
    engines = [manifest("c", ("b",), ("c",)), manifest("a", (), ("a",)), manifest("b", ("a",), ("b",))]
    assert [engine.name for engine in ordered(engines, [])] == ["a", "b", "c"]
    assert ordered(engines[::-1], []) == ordered(engines, [])


def test_a_reader_of_indicators_runs_last() -> None:
    engines = [manifest("a", ("indicators",), ("v",)), manifest("z", (), ("t",))]
    assert [engine.name for engine in ordered(engines, [])] == ["z", "a"]


def test_two_writers_and_unwritten_tables_are_reported_together() -> None:
    engines = [manifest("a", ("x",), ("t",)), manifest("b", (), ("t",))]
    with pytest.raises(PlanError) as caught:
        ordered(engines, [])
    assert len(caught.value.problems) == 2


def test_a_cycle_is_named() -> None:
    with pytest.raises(PlanError, match="wait for each other"):
        ordered([manifest("a", ("y",), ("x",)), manifest("b", ("x",), ("y",))], [])


def test_engines_that_read_from_one_that_is_off_rest_too() -> None:
    engines = [manifest("a", (), ("a",)), manifest("b", ("a",), ("b",)), manifest("c", (), ("c",))]
    remaining, dropped = without(engines, ["a"], [])
    assert [engine.name for engine in remaining] == ["c"]
    assert dropped == ["b"]


class BrokenPoint:
    """An entry point whose package is not there."""

    name = "broken"
    value = "no_such_package_anywhere"
    group = GROUP


def test_a_broken_plug_in_is_quarantined_and_the_rest_run() -> None:
    points: list[EntryPoint | BrokenPoint] = [BrokenPoint()]
    known = registry(points)  # type: ignore[arg-type]  # a stand-in with the three attributes read
    assert "no_such_package_anywhere" in known.quarantined["broken"]


def test_a_digest_covers_what_a_module_imports() -> None:
    found = modules_of("rahdari.engines.demand.engine")
    assert "rahdari.engines.demand.params" in found
    assert not any(name.startswith(("rahdari.service", "rahdari.faces")) for name in found)
    assert code_digest("rahdari.engines.demand.engine") != code_digest("rahdari.engines.radio.engine")


def test_an_unchanged_rerun_does_no_work_and_gives_the_same_plan(
    small_response: PlanResponse, country_folder: Path, cache_dir: Path, tmp_path: Path
) -> None:
    events: list[Event] = []
    request = PlanRequest(country=str(country_folder), out=tmp_path / "again", cache_dir=cache_dir)
    response = plan(request, on_event=events.append)
    assert response.n_engines_run == 0
    assert response.plan_digest == small_response.plan_digest
    assert {event.kind for event in events} == {"cached"}


def test_after_one_cost_changes_only_what_reads_it_runs_again(
    small_response: PlanResponse, country_folder: Path, cache_dir: Path, tmp_path: Path
) -> None:
    before = Plan(small_response.folder)
    equipment_id = str(before.tables["equipment"]["equipment_id"][0])
    scenario = tmp_path / "dearer.toml"
    scenario.write_text(
        'name = "dearer"\nextends = "default"\n[[changes]]\ntable = "equipment"\n'
        f'key = "{equipment_id}"\ncolumn = "capex_usd"\nvalue = 123.0\nreason = "test"\n',
        encoding="utf-8",
    )
    events: list[Event] = []
    request = PlanRequest(
        country=str(country_folder), scenario=str(scenario), out=tmp_path / "plan", cache_dir=cache_dir
    )
    after = Plan(plan(request, on_event=events.append).folder)
    ran = {event.step for event in events if event.kind == "finished"}
    readers = {record["name"] for record in after.manifest["engines"] if "equipment" in record["reads"]}
    assert ran & readers
    assert "demand" not in ran
    row = after.tables["equipment"].filter(after.tables["equipment"]["equipment_id"] == equipment_id)
    assert row["capex_usd"][0] == 123.0
    assert row["evidence"][0] == "assumed"


def test_all_faults_of_a_scenario_come_at_once(country_folder: Path, cache_dir: Path, tmp_path: Path) -> None:
    scenario = tmp_path / "bad.toml"
    scenario.write_text('name = "bad"\nsede = 3\ndetail = "fast"\nn_places = 5\n', encoding="utf-8")
    request = PlanRequest(country=str(country_folder), scenario=str(scenario), out=tmp_path / "p", cache_dir=cache_dir)
    with pytest.raises(InputError) as caught:
        plan(request)
    text = str(caught.value)
    assert len(caught.value.problems) == 3
    assert "write 'seed'" in text
    assert not (tmp_path / "p").exists()


def test_unknown_engines_and_parameters_are_refused_before_any_work(
    country_folder: Path, cache_dir: Path, tmp_path: Path
) -> None:
    scenario = tmp_path / "bad.toml"
    scenario.write_text('name = "bad"\nengines_off = ["raido"]\n[engines.demand]\nno_such = 1\n', encoding="utf-8")
    request = PlanRequest(country=str(country_folder), scenario=str(scenario), out=tmp_path / "p", cache_dir=cache_dir)
    with pytest.raises(InputError) as caught:
        plan(request)
    assert len(caught.value.problems) == 2


def test_a_change_of_an_unknown_cell_names_the_nearest(country_folder: Path, cache_dir: Path, tmp_path: Path) -> None:
    scenario = tmp_path / "bad.toml"
    text = 'name = "bad"\n[[changes]]\ntable = "equipment"\nkey = "nope"\ncolumn = "capex_us"\nvalue = 1\n'
    scenario.write_text(text, encoding="utf-8")
    request = PlanRequest(country=str(country_folder), scenario=str(scenario), out=tmp_path / "p", cache_dir=cache_dir)
    with pytest.raises(InputError, match="capex_usd"):
        plan(request)


def test_cancelling_leaves_the_old_plan(small_response: PlanResponse, country_folder: Path, cache_dir: Path) -> None:
    before = (small_response.folder / "manifest.json").read_bytes()
    request = PlanRequest(country=str(country_folder), out=small_response.folder, cache_dir=cache_dir)
    with pytest.raises(CancelledError, match="resumes"):
        plan(request, is_cancelled=lambda: True)
    assert (small_response.folder / "manifest.json").read_bytes() == before


def test_a_bad_country_folder_writes_nothing(country_folder: Path, cache_dir: Path, tmp_path: Path) -> None:
    bad = tmp_path / "country"
    bad.mkdir()
    for path in country_folder.iterdir():
        (bad / path.name).write_bytes(path.read_bytes())
    (bad / "places.parquet").write_bytes((bad / "places.parquet").read_bytes()[:500])
    (bad / "services.parquet").unlink()
    with pytest.raises(InputError) as caught:
        plan(PlanRequest(country=str(bad), out=tmp_path / "p", cache_dir=cache_dir))
    assert {"places.parquet"} <= {problem.file for problem in caught.value.problems}
    assert any("services" in problem.what for problem in caught.value.problems)
    assert not (tmp_path / "p").exists()


KILL_SCRIPT = """
import sys
from pathlib import Path
from rahdari.service.planning import plan
from rahdari.service.requests import PlanRequest
country, out, cache = sys.argv[1:]
plan(PlanRequest(country=country, out=Path(out), cache_dir=Path(cache)), on_event=lambda e: print(e.kind, flush=True))
"""


def test_a_killed_run_leaves_no_half_plan_and_resumes(country_folder: Path, tmp_path: Path) -> None:
    out, cache = tmp_path / "plan", tmp_path / "cache"
    command = [sys.executable, "-c", KILL_SCRIPT, str(country_folder), str(out), str(cache)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        n_finished = 0
        for line in process.stdout:
            n_finished += line.strip() == "finished"
            if n_finished == 3:
                break
        time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
    assert not (out / "manifest.json").exists()
    response = plan(PlanRequest(country=str(country_folder), out=out, cache_dir=cache))
    assert response.n_engines_cached >= 2
    assert Plan(out).tables["places"].height == 300


@pytest.mark.parametrize("executor", ["serial", "threads", "processes", "dask"])
def test_an_executor_keeps_order(executor: str) -> None:
    with map_function(executor, 2) as mapper:
        assert mapper(abs, [-3, 2, -1]) == [3, 2, 1]


def test_an_unknown_executor_is_refused() -> None:
    with pytest.raises(InputError, match="serial"), map_function("magic", 2):
        pass


def test_manifests_are_frozen() -> None:
    engine = manifest("a", (), ())
    with pytest.raises(AttributeError):
        engine.name = "b"  # type: ignore[misc]
    assert replace(engine, name="b").name == "b"
