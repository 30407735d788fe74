"""The command line as a user types it: JSON envelope, exit codes, start-up without heavy imports."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from rahdari.service.comparing import compare
from rahdari.service.explain import explain
from rahdari.service.requests import CompareRequest, ExplainRequest

if TYPE_CHECKING:
    from pathlib import Path

    from rahdari.service.plan_view import Plan

ENVELOPE = {"ok", "operation", "schema_version", "result", "certificates", "warnings", "errors"}
HEAVY = ("polars", "pydantic", "numba", "pyarrow", "geopandas", "fastapi", "scipy", "rich.console", "rahdari.service")


def rahdari(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from rahdari.faces.cli.main import main; main()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False, timeout=300)


def answer(*arguments: str, cwd: Path | None = None) -> dict[str, Any]:
    done = rahdari(*arguments, "--json", cwd=cwd)
    parsed: dict[str, Any] = json.loads(done.stdout)
    assert set(parsed) == ENVELOPE
    assert done.returncode == (0 if parsed["ok"] else 2)
    return parsed


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys\nfrom rahdari.faces.cli.main import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert "Plan a nation's network" in done.stdout


def test_an_unchanged_rerun_imports_no_engine(small_plan: Plan, country_folder: Path, cache_dir: Path) -> None:
    arguments = ["plan", str(country_folder), "--out", str(small_plan.folder), "--cache-dir", str(cache_dir)]
    rahdari(*arguments)
    script = (
        "import sys\nfrom rahdari.faces.cli.main import app\n"
        f"try:\n    app({arguments!r})\nexcept SystemExit:\n    pass\n"
        "heavy = [n for n in sys.modules if n.endswith('.engine') or n in ('polars', 'numba', 'pyarrow')]\n"
        "print(heavy, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.strip().splitlines()[-1] == "[]"


def test_a_plan_prints_the_planners_questions_and_paths(country_folder: Path, cache_dir: Path, tmp_path: Path) -> None:
    done = rahdari("plan", str(country_folder), "--out", str(tmp_path / "p"), "--cache-dir", str(cache_dir))
    assert done.returncode == 0, done.stderr
    for words in ("Who gets what?", "At what cost?", "plan:", "report:", "rahdari show"):
        assert words in done.stdout
    assert (tmp_path / "p" / "report.html").is_file()


def test_a_misspelt_key_exits_two_and_names_the_cure(country_folder: Path, cache_dir: Path, tmp_path: Path) -> None:
    scenario = tmp_path / "s.toml"
    scenario.write_text('name = "s"\nn_plces = 300\n', encoding="utf-8")
    out = tmp_path / "p"
    arguments = ["--scenario", str(scenario), "--out", str(out), "--cache-dir", str(cache_dir)]
    parsed = answer("plan", str(country_folder), *arguments)
    assert not parsed["ok"]
    assert parsed["errors"][0]["cure"] == "write 'n_places'"
    assert not out.exists()


def test_explain_is_the_same_by_command_and_by_call(small_plan: Plan) -> None:
    place = str(small_plan.tables["place_demand"]["place_id"][0])
    arguments = [
        "explain",
        "place_demand",
        place,
        "busy_hour_mbps",
        "--at",
        "year=2030",
        "--plan",
        str(small_plan.folder),
    ]
    request = ExplainRequest(
        plan=small_plan.folder, table="place_demand", row_id=place, column="busy_hour_mbps", at={"year": "2030"}
    )
    assert answer(*arguments)["result"] == explain(request).model_dump(mode="json")


def test_explain_of_an_unknown_row_names_real_ones(small_plan: Plan) -> None:
    parsed = answer("explain", "places", "nowhere", "n_people", "--plan", str(small_plan.folder))
    assert not parsed["ok"]
    assert parsed["errors"][0]["cure"].startswith("such rows are ")


def test_comparing_a_plan_with_itself_finds_nothing(small_plan: Plan) -> None:
    folder = str(small_plan.folder)
    response = compare(CompareRequest(left=small_plan.folder, right=small_plan.folder))
    assert response.differences == []
    assert response.n_places_changed == 0
    assert answer("compare", folder, folder)["result"] == response.model_dump(mode="json")


@pytest.mark.parametrize("command", [("doctor",), ("schema",), ("schema", "places"), ("country", "list")])
def test_every_reading_command_has_json(command: tuple[str, ...]) -> None:
    assert answer(*command)["ok"]


def test_a_wrong_country_is_refused_with_near_names(tmp_path: Path) -> None:
    parsed = answer("plan", "pakistn", "--out", str(tmp_path / "p"), "--cache-dir", str(tmp_path / "c"))
    assert not parsed["ok"]
    assert not (tmp_path / "p").exists()


def test_a_missing_plan_says_how_to_make_one(tmp_path: Path) -> None:
    done = rahdari("explain", "places", "x", "n_people", cwd=tmp_path)
    assert done.returncode == 2
    assert "rahdari plan pakistan" in done.stderr
