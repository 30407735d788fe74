"""Full disks, damaged files, two runs at once, plug-ins that fail: the old plan or the new one, and a clear error."""

from __future__ import annotations

import json
import os
import shutil
import threading
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from rahdari.errors import CancelledError, InputError, PlanError
from rahdari.model import Tables
from rahdari.run import registry as registry_module
from rahdari.run.registry import GROUP
from rahdari.service.doctor import doctor
from rahdari.service.explain import explain
from rahdari.service.plan_view import Plan
from rahdari.service.planning import plan
from rahdari.service.requests import ExplainRequest, PlanRequest
from rahdari.store.plans import write_plan
from tests.helpers.plug_in import PlugIn, write_plug_in

if TYPE_CHECKING:
    from rahdari.run.runner import Event


@pytest.fixture
def plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> PlugIn:
    """Announce one small engine, and nothing but it, to whoever plans."""
    monkeypatch.syspath_prepend(str(tmp_path))
    made = write_plug_in(tmp_path, f"fault_{abs(hash(request.node.name))}")
    monkeypatch.setattr(registry_module, "entry_points", lambda **_group: [made.point])
    return made


def asked(country: Path, root: Path, **wishes: object) -> PlanRequest:
    values = {"country": str(country), "out": root / "plan", "cache_dir": root / "cache", **wishes}
    return PlanRequest.model_validate(values)


def test_a_third_partys_engine_runs_and_explains_itself(plug_in: PlugIn, country_folder: Path, tmp_path: Path) -> None:
    assert plug_in.folder.is_dir()
    made = plan(asked(country_folder, tmp_path))
    request = ExplainRequest(plan=made.folder, table="counted", row_id="xx-p0001", column="weight_ratio")
    node = explain(request)
    assert node.recomputed_value == node.value == Plan(made.folder).places["n_people"][1]
    terms = {term.name: term for term in node.terms}
    assert terms["params.share_frac"].description == "Share of people that count"
    assert terms["params.share_frac"].unit == "frac"
    assert plan(asked(country_folder, tmp_path)).n_engines_cached == 1


def test_a_disk_that_fills_up_at_any_write_leaves_the_old_plan_whole(
    plug_in: PlugIn, country_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = plan(asked(country_folder, tmp_path))
    first = Plan(before.folder).manifest["scenario"]["detail"]
    rates = plug_in.folder / "rates.csv"
    true_fsync = os.fsync
    told: list[str] = []
    for n_writes in range(60):
        rates.write_text(f"a,b\n1,{n_writes}\n", encoding="utf-8")
        left = [n_writes]

        def filling(descriptor: int, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise OSError(28, "No space left on device")
            true_fsync(descriptor)

        monkeypatch.setattr(os, "fsync", filling)
        try:
            plan(asked(country_folder, tmp_path, scenario=None, detail="full"))
        except PlanError as error:
            told.append(str(error))
        else:
            break
        finally:
            monkeypatch.setattr(os, "fsync", true_fsync)
        standing = Plan(before.folder)
        assert [frame.height for frame in standing.tables.values()]
    assert len(told) > 3
    assert all("free some space" in text for text in told)
    assert first == "quick"
    assert Plan(before.folder).manifest["scenario"]["detail"] == "full"
    assert list(tmp_path.rglob("*.part")) == []


def test_a_damaged_file_of_the_right_size_is_made_anew(plug_in: PlugIn, country_folder: Path, tmp_path: Path) -> None:
    assert plug_in.folder.is_dir()
    made = plan(asked(country_folder, tmp_path))
    before = Plan(made.folder).tables["counted"]
    path = made.folder / Plan(made.folder).manifest["tables"]["counted"]["file"]
    path.write_bytes(b"x" * path.stat().st_size)  # the cache holds the same file under another name
    again = plan(asked(country_folder, tmp_path))
    assert again.n_engines_run == 1
    assert again.plan_digest == made.plan_digest
    assert Plan(made.folder).tables["counted"].equals(before)


def test_a_damaged_copy_in_the_plan_is_made_good_from_the_cache(
    plug_in: PlugIn, country_folder: Path, tmp_path: Path
) -> None:
    assert plug_in.folder.is_dir()
    made = plan(asked(country_folder, tmp_path))
    path = made.folder / Plan(made.folder).manifest["tables"]["counted"]["file"]
    n_bytes = path.stat().st_size
    path.unlink()
    path.write_bytes(b"x" * n_bytes)
    assert plan(asked(country_folder, tmp_path)).n_engines_run == 0
    assert Plan(made.folder).tables["counted"].height == 300


def test_a_moved_plan_opens_under_any_name(plug_in: PlugIn, country_folder: Path, tmp_path: Path) -> None:
    assert plug_in.folder.is_dir()
    made = plan(asked(country_folder, tmp_path, out=tmp_path / "a plan"))
    moved = tmp_path / "منصوبہ ایک"
    shutil.move(made.folder, moved)
    shutil.rmtree(tmp_path / "cache")
    assert Plan(moved).tables["counted"].height == 300


def test_a_folder_that_holds_no_plan_is_not_taken_over(plug_in: PlugIn, country_folder: Path, tmp_path: Path) -> None:
    assert plug_in.folder.is_dir()
    out = tmp_path / "plan"
    (out / "tables").mkdir(parents=True)
    (out / "tables" / "mine.parquet").write_bytes(b"mine")
    plan(asked(country_folder, tmp_path))
    assert (out / "tables" / "mine.parquet").read_bytes() == b"mine"
    site = tmp_path / "site"
    site.mkdir()
    (site / "manifest.json").write_text('{"name": "my site"}', encoding="utf-8")
    with pytest.raises(PlanError, match="no plan of rahdari"):
        plan(asked(country_folder, tmp_path, out=site))
    assert json.loads((site / "manifest.json").read_text(encoding="utf-8")) == {"name": "my site"}


def test_a_folder_that_cannot_be_written_is_refused_before_any_work(
    country_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    events: list[Event] = []
    with pytest.raises(PlanError, match="a file stands where"):
        plan(asked(country_folder, tmp_path, out=tmp_path / "file" / "plan"), on_event=events.append)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(PlanError, match="--out"):
        plan(asked(country_folder, tmp_path), on_event=events.append)
    assert events == []


def test_two_runs_into_one_folder_leave_one_whole_plan(tmp_path: Path) -> None:
    schema = b"column,type,unit,default,description,status\nx_id,id,,,Key,key\n"
    faults: list[Exception] = []

    def commit_often(writer: int) -> None:
        for turn in range(15):
            source = tmp_path / f"source-{writer}-{turn}.parquet"
            pl.DataFrame({"x_id": [f"{writer}-{turn}"]}).write_parquet(source)
            manifest = {"tables": {"x": {"n_rows": 1, "writer": "w"}}}
            try:
                write_plan(
                    tmp_path / "plan", {"x": (source, f"{writer}{turn:02d}" + "0" * 37)}, {"x": schema}, manifest
                )
            except Exception as error:  # noqa: BLE001  # told to the test's own thread
                faults.append(error)

    threads = [threading.Thread(target=commit_often, args=(writer,)) for writer in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert Plan(tmp_path / "plan").tables["x"].height == 1
    assert len(list((tmp_path / "plan" / "tables").iterdir())) == 1


def test_an_engine_that_fails_is_named_and_the_old_plan_stands(
    plug_in: PlugIn, country_folder: Path, tmp_path: Path
) -> None:
    made = plan(asked(country_folder, tmp_path))
    before = (made.folder / "manifest.json").read_bytes()
    helper = plug_in.folder / "engine.py"
    helper.write_text("def count(tables, params, ctx):\n    raise ZeroDivisionError('oh')\n", encoding="utf-8")
    (plug_in.folder / "rates.csv").write_text("a,b\n9,9\n", encoding="utf-8")
    import sys

    sys.modules.pop(f"{plug_in.folder.name}.engine")
    with pytest.raises(ZeroDivisionError) as caught:
        plan(asked(country_folder, tmp_path))
    assert "in engine counter" in caught.value.__notes__[0]
    assert (made.folder / "manifest.json").read_bytes() == before


@pytest.mark.parametrize("text", ["import no_such_thing_at_all", "def count(:", "raise RuntimeError('never')", "x = 1"])
def test_a_plug_in_that_cannot_be_loaded_is_named_with_the_cure(
    plug_in: PlugIn, country_folder: Path, tmp_path: Path, text: str
) -> None:
    (plug_in.folder / "engine.py").write_text(text, encoding="utf-8")
    with pytest.raises(PlanError, match="leave it out with --off"):
        plan(asked(country_folder, tmp_path))
    found = {check["name"]: check for check in doctor(tmp_path / "cache").checks}
    assert not found["engine counter"]["is_well"]
    assert plan(asked(country_folder, tmp_path, engines_off=("counter",))).folder.is_dir()


def test_an_engine_that_gives_no_number_for_an_indicator_is_refused(
    plug_in: PlugIn, country_folder: Path, tmp_path: Path
) -> None:
    text = (plug_in.folder / "engine.py").read_text(encoding="utf-8")
    indicator = 'Indicator("share_frac", 2030, "Share", float("nan"), "frac", "none", "modelled")'
    text = text.replace("frame})", f"frame}}, ({indicator},))").replace(
        "import EngineResult", "import EngineResult, Indicator"
    )
    (plug_in.folder / "engine.py").write_text(
        text.replace('{"counted": frame}}', '{"counted": frame}'), encoding="utf-8"
    )
    with pytest.raises(PlanError, match="gave value = nan for 'Share'"):
        plan(asked(country_folder, tmp_path))


def test_an_unknown_executor_is_refused_before_any_work(country_folder: Path, tmp_path: Path) -> None:
    events: list[Event] = []
    with pytest.raises(InputError, match="serial, threads"):
        plan(asked(country_folder, tmp_path, executor="magic"), on_event=events.append)
    assert events == []


def test_stopping_while_the_country_is_built_leaves_nothing(tmp_path: Path) -> None:
    asks: list[bool] = []

    def is_cancelled() -> bool:
        asks.append(True)
        return True

    with pytest.raises(CancelledError):
        plan(asked(Path("KE"), tmp_path), is_cancelled=is_cancelled)
    assert asks
    assert not (tmp_path / "plan").exists()


def test_a_cache_that_cannot_be_made_is_told_by_plan_and_doctor(
    plug_in: PlugIn, country_folder: Path, tmp_path: Path
) -> None:
    assert plug_in.folder.is_dir()
    (tmp_path / "cache").write_text("", encoding="utf-8")
    with pytest.raises(PlanError, match="a file stands where a folder is needed"):
        plan(asked(country_folder, tmp_path))
    checks = {check["name"]: check for check in doctor(tmp_path / "cache").checks}
    assert "--cache-dir" in checks["cache"]["cure"]


def test_an_engine_sees_only_what_it_declares() -> None:
    with pytest.raises(PlanError, match="declare it under 'reads'"):
        Tables({})["places"]
    assert len(list(entry_points(group=GROUP))) >= 15
