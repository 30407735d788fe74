"""The commands that check the log and signatures, and what is refused where a trust file is set up."""

from __future__ import annotations

import json
import shutil
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from rahdari.errors import PlanError
from rahdari.faces.cli.audit import check_plug_ins
from rahdari.faces.cli.main import app
from rahdari.run.registry import GROUP
from rahdari.security import audit_verify
from rahdari.service.packs import PACKS
from rahdari.store.audit import LOG, AuditError, AuditLog
from tests.helpers.fake_plan import write_fake_plan

if TYPE_CHECKING:
    from pathlib import Path


def run(*words: object) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(app, [*map(str, words), "--json"])
    return done.exit_code, json.loads(done.stdout)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    with AuditLog(tmp_path / "audit") as made:
        made.record("export", "planner", {"route": "GET /export/{table}.csv", "text": "\x1b[2J"})
        made.record("denial", "reader", {"status": 403})
    return tmp_path / "audit"


def test_a_log_is_verified_and_a_flipped_bit_is_found_with_one_command(log: Path) -> None:
    code, said = run("audit", "verify", log)
    assert (code, said["result"]["n_records"]) == (0, 3)
    assert audit_verify(log).n_records == 3
    (log / LOG).write_bytes((log / LOG).read_bytes().replace(b"planner", b"planneR"))
    code, said = run("audit", "verify", log / LOG)
    assert code == 2
    assert "breaks at record 1" in said["errors"][0]["what"]
    with pytest.raises(AuditError, match="breaks at record 1"):
        audit_verify(log)


def test_records_are_listed_by_kind_and_a_terminal_obeys_none(log: Path) -> None:
    code, said = run("audit", "list", log, "--kind", "denial")
    assert (code, [row["who"] for row in said["result"]["records"]]) == (0, ["reader"])
    shown = CliRunner().invoke(app, ["audit", "list", str(log)]).stdout
    assert "\x1b" not in shown
    assert "\\x1b[2J" in shown


def test_a_plan_that_nobody_trusted_signed_is_refused_where_trust_is_set_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    plan = write_fake_plan(tmp_path / "plan", n_places=30, n_links=5)
    ask = ("explain", "places", "zz-000001", "n_people", "--plan", plan)
    assert "signed" not in json.dumps(run(*ask)[1]["errors"])
    code, said = run("sign", plan, "--name", "office")
    assert code == 0
    assert "nobody is trusted" in run("verify", plan)[1]["errors"][0]["what"]
    public = tmp_path / "config" / "rahdari" / "signing.key.pub"
    (tmp_path / "config" / "rahdari" / "trusted.keys").write_text(public.read_text())
    code, said = run("verify", plan)
    assert (code, said["result"]["signer"]) == (0, "office")
    assert "signed" not in json.dumps(run(*ask)[1]["errors"])
    (plan / "signature.json").unlink()
    code, said = run(*ask)
    assert (code, said["errors"][0]["what"]) == (2, "is not signed")
    pack = shutil.copytree(PACKS / "pakistan", tmp_path / "pack")
    code, said = run("plan", pack)
    assert (code, said["errors"][0]["what"]) == (2, "is not signed")


def test_a_trust_file_that_is_named_and_not_there_refuses_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAHDARI_TRUST_FILE", str(tmp_path / "none"))
    plan = write_fake_plan(tmp_path / "plan", n_places=30, n_links=5)
    code, said = run("explain", "places", "zz-000001", "n_people", "--plan", plan)
    assert (code, said["errors"][0]["what"]) == (2, "cannot be read")


def test_a_plug_in_that_nobody_trusted_signed_is_refused_before_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    package = tmp_path / "somebodys_engine"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('it ran')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    point = EntryPoint("theirs", "somebodys_engine", GROUP)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: [point])
    check_plug_ins("schema")  # nobody is asked for where no trust is set up
    run("sign", package)
    config = tmp_path / "config" / "rahdari"
    (config / "trusted.keys").write_text((config / "signing.key.pub").read_text())
    check_plug_ins("schema")
    (package / "__init__.py").write_text("raise SystemExit('it ran again')\n")
    with pytest.raises(PlanError, match="changed after signing"):
        check_plug_ins("schema")
    code, said = run("schema")
    assert (code, said["errors"][0]["what"]) == (2, "'__init__.py' was changed after signing")
    assert run("verify", package)[0] == 2
