"""Sensitive results on the command line: one person on a machine without accounts, two where there are any."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from rahdari.errors import AccessError
from rahdari.faces.cli.audit import audit_folder
from rahdari.faces.cli.main import app
from rahdari.service.approval import Approvals, Asker, label_of
from rahdari.service.identity import ROLES, Identity, Who
from rahdari.service.security import AttackRequest, ExposureRequest, attack, plan_exposure
from rahdari.store.audit import verify
from rahdari.store.labels import OWNER, Clearance
from rahdari.store.query import PlanReader
from tests.helpers.labelled_plan import write_labelled_plan
from tests.helpers.people import CHEAP, PASSWORD, account_name, people

if TYPE_CHECKING:
    from pathlib import Path

    from rahdari.service.plan_view import Plan

ANN, BEA = account_name("planner", "owner"), account_name("secrecy officer", "owner")


@pytest.fixture
def accounts(tmp_path: Path) -> Path:
    people(tmp_path / "accounts").close()
    return tmp_path / "accounts"


def secure(*words: str, given: str = PASSWORD) -> tuple[int, dict[str, Any]]:
    ran = CliRunner().invoke(app, ["secure", *words, "--json"], input=given + "\n")
    return ran.exit_code, json.loads(ran.stdout)


def request_of(asked: dict[str, Any]) -> str:
    found = re.search(r'"approval_id": "(\w+)"', json.dumps(asked))
    assert found is not None
    return found[1]


def exposure(plan: Plan, accounts: Path, *words: str, given: str = PASSWORD) -> tuple[int, dict[str, Any]]:
    fixed = ("exposure", "--plan", str(plan.folder), "--shown", "2", "--i-am-authorised", "--accounts", str(accounts))
    return secure(*fixed, *words, given=given)


def test_where_there_are_accounts_exposure_needs_another_persons_grant(small_plan: Plan, accounts: Path) -> None:
    at = ("--accounts", str(accounts))
    assert exposure(small_plan, accounts)[0] == 2  # nobody said who asks
    assert exposure(small_plan, accounts, "--as", ANN)[0] == 2  # nobody granted it
    code, asked = secure("ask", "exposure", "--plan", str(small_plan.folder), "--as", ANN, "--for", "a test", *at)
    assert code == 0
    request = request_of(asked)
    assert secure("approve", request, "--as", ANN, *at)[0] == 2  # not one's own
    assert secure("approve", request, "--as", BEA, *at, given="a wrong password")[0] == 2
    assert request in json.dumps(secure("pending", "--as", BEA, *at)[1])
    assert secure("approve", request, "--as", BEA, *at)[0] == 0
    code, found = exposure(small_plan, accounts, "--as", ANN)
    assert code == 0
    assert '"label": "secret"' in json.dumps(found)
    assert f"Exported by {ANN} at" in json.dumps(found)
    assert exposure(small_plan, accounts, "--as", BEA)[0] == 2  # the grant is the asker's
    assert secure("attack", "interdict", "--k", "1", "--plan", str(small_plan.folder), "--i-am-authorised", "--as", ANN,
                  *at)[0] == 2  # and of one kind  # fmt: skip


def test_the_audit_log_tells_of_requests_grants_takings_and_attempts(small_plan: Plan, accounts: Path) -> None:
    at = ("--accounts", str(accounts))
    exposure(small_plan, accounts, "--as", ANN)
    code, asked = secure("ask", "exposure", "--plan", str(small_plan.folder), "--as", ANN, "--for", "a test", *at)
    assert code == 0
    secure("approve", request_of(asked), "--as", BEA, *at)
    exposure(small_plan, accounts, "--as", ANN)
    log = audit_folder(accounts)
    told = (log / "audit.log").read_text(encoding="utf-8")
    assert verify(log).n_records > 4
    for what in ("without a grant", "asked for exposure", "granted exposure", "took exposure"):
        assert what in told


def test_a_folder_without_accounts_is_named_and_none_is_made(small_plan: Plan, tmp_path: Path) -> None:
    assert exposure(small_plan, tmp_path / "none", "--as", ANN)[0] == 2
    assert not (tmp_path / "none").exists()


def test_a_machine_without_accounts_asks_its_user_alone(
    small_plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAHDARI_ACCOUNTS_DIR", str(tmp_path / "none"))
    words = ("exposure", "--plan", str(small_plan.folder), "--shown", "2")
    assert secure(*words)[0] == 2
    code, found = secure(*words, "--i-am-authorised")
    assert code == 0
    assert "Exported by local user at" in json.dumps(found)
    people(tmp_path / "none").close()
    assert secure(*words, "--i-am-authorised")[0] == 2  # from now on two


def test_the_functions_take_the_askers_clearance_and_the_grant_ends_with_its_giver(
    small_plan: Plan, tmp_path: Path
) -> None:
    folder = small_plan.folder
    identity = Identity(tmp_path / "accounts", hasher=CHEAP)
    for name, role in (("bea", "secrecy officer"), ("dora", "administrator")):
        identity.add(name, role, OWNER, password=PASSWORD)
    approvals = Approvals(identity.store, identity.clock)
    ann, bea = (Who(n, r, OWNER, ROLES[r]) for n, r in (("ann", "planner"), ("bea", "secrecy officer")))
    low = Who("low", "planner", Clearance("restricted"), ROLES["planner"])
    reader = Who("rita", "reader", OWNER, ROLES["reader"])
    request = AttackRequest(plan=folder, kind="interdict", k=1, is_authorised=True)
    exposed = ExposureRequest(plan=folder, n_shown=1, is_authorised=True)
    for who in (ann, low, reader):
        with pytest.raises(AccessError):
            attack(request, asker=Asker(who, approvals))
        with pytest.raises(AccessError):
            plan_exposure(exposed, asker=Asker(who, approvals))
    digest = str(PlanReader(folder).manifest["plan_digest"])
    asked = approvals.ask(ann, "interdiction", digest, label_of(folder), "a test")
    approvals.decide(bea, asked.approval_id, is_granted=True)
    assert attack(request, asker=Asker(ann, approvals)).mark.startswith("Exported by ann at")
    with pytest.raises(AccessError):  # another attack is another result
        attack(request.model_copy(update={"kind": "targeted"}), asker=Asker(ann, approvals))
    identity.set_enabled("bea", is_enabled=False)
    with pytest.raises(AccessError, match="second person"):
        attack(request, asker=Asker(ann, approvals))
    identity.close()


def test_a_sensitive_result_of_a_public_plan_is_secret_all_the_same(small_plan: Plan, tmp_path: Path) -> None:
    assert PlanReader(small_plan.folder).least_clearance(["places"]) == Clearance()
    assert label_of(small_plan.folder, ["places"]) == Clearance("secret")
    assert label_of(write_labelled_plan(tmp_path), ["places"]) == OWNER
