"""The command line as a user types it: JSON envelope, exit codes, start-up without heavy imports."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer
from rich.console import Console

from rahdari.errors import CancelledError
from rahdari.faces.cli import serving
from rahdari.faces.cli.live import LiveTable
from rahdari.faces.cli.main import answer as answer_with
from rahdari.faces.cli.main import app, main
from rahdari.faces.cli.planning import Lines
from rahdari.faces.locations import default_cache_dir
from rahdari.run.runner import Event
from rahdari.service.comparing import compare
from rahdari.service.explain import explain
from rahdari.service.requests import CompareRequest, ExplainRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rahdari.service.plan_view import Plan

ENVELOPE = {"ok", "operation", "schema_version", "result", "certificates", "warnings", "errors"}
HEAVY = ("polars", "pydantic", "numba", "pyarrow", "geopandas", "fastapi", "scipy", "rich.console", "rahdari.service")


COMMAND = [sys.executable, "-c", "from rahdari.faces.cli.main import main; main()"]


def rahdari(
    *arguments: str, cwd: Path | None = None, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        check=False,
        timeout=300,
    )


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


def all_commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:  # noqa: ANN401
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from all_commands(command, (*path, name))
        else:
            yield (*path, name), command


@pytest.fixture
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder with an empty cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAHDARI_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "argv", ["rahdari"])
    return tmp_path


def test_every_command_takes_json() -> None:
    found = dict(all_commands(typer.main.get_command(app)))
    assert len(found) >= 12
    for path, command in found.items():
        assert "--json" in {name for item in command.params for name in item.opts}, path


@pytest.mark.parametrize(
    ("arguments", "operation", "told"),
    [
        (("plan",), "plan", "country"),
        (("plan", "PK", "--places", "many"), "plan", "--places"),
        (("data", "import", "places"), "data import", "file"),
        (("nothing",), "rahdari", "No such command"),
        (("plan", "PK", "--places", "5"), "plan", "n_places"),
        (("plan", "PK", "--workers", "0"), "plan", "n_workers"),
        (("plan", "PK", "--executor", "magic"), "plan", "executor"),
        (("plan", "PK", "--off", "raido"), "plan", "raido"),
        (("plan", "PK", "--scenario", "no-such"), "plan", "no-such"),
        (("explain", "places", "x", "name", "--at", "year", "--plan", "."), "explain", "year=2030"),
        (("explain", "places", "x", "name", "--depth", "99", "--plan", "."), "explain", "depth"),
        (("compare", ".", "nowhere"), "compare", "no plan here"),
        (("report", "--plan", "nowhere"), "report", "no plan here"),
        (("show", "--plan", "nowhere"), "show", "no plan here"),
        (("schema", "placs"), "schema", "placs"),
        (("country", "build", "atlantis"), "country build", "atlantis"),
        (("data", "import", "plces", "x.csv"), "data import", "plces"),
        (("data", "score", "nowhere", "--plan", "."), "data score", "no such folder"),
    ],
)
def test_every_failure_with_json_is_one_envelope_and_exits_two(
    arguments: tuple[str, ...], operation: str, told: str, empty_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sys.argv[1:] = [*arguments, "--json"]
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    parsed = json.loads(capsys.readouterr().out)
    assert set(parsed) == ENVELOPE
    assert parsed["operation"] == operation
    assert told in json.dumps(parsed["errors"])
    assert all(problem["what"] and problem["cure"] for problem in parsed["errors"])
    assert not (empty_folder / "plans").exists()


def test_an_error_nobody_foresaw_is_told_in_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        message = "ours"
        raise ZeroDivisionError(message)

    with pytest.raises(typer.Exit) as caught:
        answer_with("plan", fail, print, as_json=True)
    assert caught.value.exit_code == 2
    printed = capsys.readouterr()
    assert "internal error, ZeroDivisionError: ours" in json.loads(printed.out)["errors"][0]["what"]
    assert "Traceback" in printed.err


def test_a_taken_port_is_an_error_with_a_cure(small_plan: Plan) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        parsed = answer("show", "--plan", str(small_plan.folder), "--port", port)
    assert not parsed["ok"]
    assert "--port" in parsed["errors"][0]["cure"]


def test_show_tells_its_address_at_once_and_stops_quietly(small_plan: Plan) -> None:
    command = [*COMMAND, "show", "--plan", str(small_plan.folder), "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        host, port = told["result"]["address"].removeprefix("http://").rstrip("/").split(":")
        with socket.create_connection((host, int(port)), timeout=30) as client:
            client.sendall(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
            assert client.recv(12).startswith(b"HTTP/1.1 307")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in errors


def test_a_free_port_is_found_where_none_is_asked_for() -> None:
    with serving._listening("127.0.0.1", 0) as listener:
        assert listener.getsockname()[1] > 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_a_plan_exits_two_and_leaves_the_old_plan(
    number: signal.Signals, small_plan: Plan, country_folder: Path, tmp_path: Path
) -> None:
    before = (small_plan.folder / "manifest.json").read_bytes()
    wait = (
        "import os, rahdari.run.country as c\n"
        "frames = c._frames\n"
        f"c._frames = lambda *a: (os.kill(os.getpid(), {int(number)}), frames(*a))[1]\n"
        "from rahdari.faces.cli.main import main\nmain()"
    )
    arguments = ["plan", str(country_folder), "--out", str(small_plan.folder), "--cache-dir", str(tmp_path), "--json"]
    done = subprocess.run(
        [sys.executable, "-c", wait, *arguments], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 2
    parsed = json.loads(done.stdout)
    assert parsed["errors"][0]["what"] == "stopped on request"
    assert "once more stops at once" in done.stderr
    assert (small_plan.folder / "manifest.json").read_bytes() == before


def test_a_second_interrupt_is_told_in_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(typer.Exit) as caught:
        answer_with("plan", interrupted, print, as_json=True)
    assert caught.value.exit_code == 2
    assert "resumes" in json.loads(capsys.readouterr().out)["errors"][0]["cure"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion_is_offered(shell: str) -> None:
    # The shell is named, not detected from the parent processes: a test runner may have no shell among them.
    environment = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    assert "_RAHDARI_COMPLETE" in rahdari("--show-completion", shell, environment=environment).stdout


def test_a_shell_completes_the_names_of_commands() -> None:
    environment = {"_RAHDARI_COMPLETE": "complete_bash", "COMP_WORDS": "rahdari co", "COMP_CWORD": "1"}
    assert rahdari(environment=environment).stdout.split() == ["compare", "cover", "country"]


@pytest.mark.parametrize("locale", [{"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}, {"LC_ALL": "ur_PK.UTF-8"}])
def test_paths_with_spaces_and_urdu_work_in_any_locale_and_folder(
    locale: dict[str, str], country_folder: Path, cache_dir: Path, tmp_path: Path
) -> None:
    here = tmp_path / "یہاں بھی"
    here.mkdir()
    arguments = ["plan", str(country_folder), "--cache-dir", str(cache_dir), "--no-report", "--out", "منصوبہ ایک"]
    done = rahdari(*arguments, cwd=here, environment=locale)
    assert done.returncode == 0, done.stderr
    shown = rahdari("explain", "places", "xx-p0001", "n_people", "--plan", "منصوبہ ایک", cwd=here, environment=locale)
    assert shown.returncode == 0, shown.stderr
    assert "places.n_people = " in shown.stdout


def test_the_newest_plan_below_the_working_folder_is_taken(
    country_folder: Path, cache_dir: Path, tmp_path: Path
) -> None:
    request = ["plan", str(country_folder), "--cache-dir", str(cache_dir), "--no-report"]
    assert rahdari(*request, cwd=tmp_path).returncode == 0
    assert (tmp_path / "plans" / f"{country_folder.name}-default" / "manifest.json").is_file()
    assert answer("explain", "places", "xx-p0001", "n_people", cwd=tmp_path)["ok"]


def test_the_cache_lies_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAHDARI_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert default_cache_dir() == Path("/x/rahdari")
    monkeypatch.setenv("RAHDARI_CACHE_DIR", "/y")
    assert default_cache_dir() == Path("/y")


def test_a_terminal_shows_a_table_with_states_and_seconds() -> None:
    text = StringIO()
    with LiveTable(Console(file=text, force_terminal=True, width=100)) as table:
        table(Event("cached", "power", text="Site power"))
        assert table._live is None
        table(Event("started", "radio", text="Radio coverage"))
        table(Event("progress", "radio", 1, 4, "hops"))
        running = Console(file=StringIO(), width=100)
        with running.capture() as captured:
            running.print(table.table())
        table(Event("finished", "radio", text="Radio coverage", duration_s=2.5))
    assert "running 25% hops" in captured.get()
    for words in ("Site power", "from the cache", "Radio coverage", "done", "2.5 s"):
        assert words in text.getvalue()


def test_a_table_that_is_left_in_a_hurry_marks_what_was_running() -> None:
    table = LiveTable(Console(file=StringIO(), force_terminal=True, width=100))

    def run() -> None:
        with table:
            table(Event("started", "radio", text="Radio coverage"))
            raise CancelledError([])

    with pytest.raises(CancelledError):
        run()
    assert table._steps["radio"].state == "stopped"


def test_without_a_terminal_each_finished_step_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    for event in (
        Event("started", "a", text="A"),
        Event("finished", "a", text="A", duration_s=0.2),
        Event("finished", "b", text="B", duration_s=2.0),
    ):
        lines(event)
    assert capsys.readouterr().err == "  B: 2.0 s\n"


def test_what_a_library_writes_by_itself_stays_out_of_the_json() -> None:
    code = (
        "import ctypes, os\n"
        "from rahdari.faces.cli import output\n"
        "with output.kept_clean():\n"
        "    ctypes.CDLL(None).printf(b'a word of a solver\\n')\n"
        "    os.write(1, b'another\\n')\n"
        "print('{}')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "{}\n"
    assert "a word of a solver" in done.stderr
    assert "another" in done.stderr
