"""Circuits from the command line: one story from reservation to booking on a plan of the test country."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from rahdari.errors import InputError
from rahdari.faces.cli.main import app
from rahdari.service.circuits import (
    BooksRequest,
    LegRequest,
    OneCircuitRequest,
    ReportRequest,
    WorkRequest,
    activate,
    fail,
    list_circuits,
    plan_work,
    report,
)
from rahdari.service.transit_desk import ReserveRequest, reserve
from rahdari.store.query import PUBLIC
from tests.helpers.transit_plan import write_transit_plan

if TYPE_CHECKING:
    from pathlib import Path

RATE = ("--pkr-per-usd", "281.425", "--rate-date", "2025-09-24", "--rate-source", "State Bank of Pakistan")


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_transit_plan(tmp_path_factory.mktemp("circuits"))


def sold(plan: Path, ledger: Path, key: str = "k", **given: Any) -> str:  # noqa: ANN401  # fields of the request
    fields = {"plan": plan, "ledger": ledger, "from_name": "Urumqi", "to_name": "Marseille", "gbps": 150.0,
              "buyer": "Carrier A", "idempotency_key": key, **given}  # fmt: skip
    return reserve(ReserveRequest(**fields)).reservation_id


def ran(*words: object) -> dict[str, Any]:
    made = CliRunner().invoke(app, ["circuit", *[str(word) for word in words], "--json"])
    assert made.exit_code == 0, made.output
    return dict(json.loads(made.stdout)["result"])


def test_a_circuit_is_activated_measured_cut_repaired_booked_and_reported(plan: Path, tmp_path: Path) -> None:
    ledger, places = tmp_path / "ledger", ("--plan", plan, "--ledger", tmp_path / "ledger")
    name = sold(plan, ledger, diversity="disjoint")
    (row,) = ran("activate", name, *places, "--at", "2026-08-01T00:00:00Z")["circuits"]
    assert (row["state"], row["is_settled"]) == ("active", True)
    made = ran("measure", name, *places, "--at", "2026-08-01T12:00:00Z")
    assert made["is_kept"]
    assert 100 < made["rtt_ms"] < made["promised_rtt_ms"]
    (row,) = ran("fail", "khunjerab_rawalpindi", *places, "--key", "i1", "--at", "2026-08-02T05:00:00+05:00")[
        "circuits"
    ]
    assert (row["on_way"], row["state"]) == ("protection", "active")
    assert row["outages"][0] == {
        "cause": "khunjerab_rawalpindi", "began_utc": "2026-08-02T00:00:00Z", "ended_utc": "2026-08-02T00:00:01Z"
    }  # fmt: skip
    ran("repair", "khunjerab_rawalpindi", *places, "--key", "r1", "--at", "2026-08-02T09:00:00Z")
    (row,) = ran("revert", name, *places, "--key", "b1", "--at", "2026-08-03T00:00:00Z")["circuits"]
    assert row["on_way"] == "working"
    booked = ran("book", name, "--month", "2026-08", *RATE, "--ledger", ledger, "--at", "2026-09-01T00:00:00Z")
    assert {each["what"] for each in booked["postings"]} == {"charge"}, "one second is within the promise"
    assert sum(round(100 * float(each["usd"])) for each in booked["balances"].values()) == 0
    file = tmp_path / "report.csv"
    (row,) = ran("report", "--month", "2026-08", "--ledger", ledger, "--csv", file)["rows"]
    assert row["down_s"] == 1
    assert next(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))["circuit_id"] == name
    (row,) = ran("cease", name, *places, "--key", "end", "--at", "2026-10-01T00:00:00Z")["circuits"]
    assert row["state"] == "ceased"
    assert ran("resume", *places)["circuits"] == []


def test_every_command_prints_for_people_too_and_steers_no_terminal(plan: Path, tmp_path: Path) -> None:
    places = ["--plan", str(plan), "--ledger", str(tmp_path)]
    name = sold(plan, tmp_path, buyer="Evil \x1b[2J\u202e")
    at = ["--at", "2026-08-01T00:00:00Z"]
    lines = [
        ["activate", name, *places, *at],
        ["measure", name, *places, "--at", "2026-08-02T00:00:00Z"],
        [
            "work",
            "khunjerab_rawalpindi",
            "--begin",
            "2026-08-20T00:00Z",
            "--end",
            "2026-08-20T04:00Z",
            "--key",
            "w",
            *places,
        ],
        ["list", "--ledger", str(tmp_path)],
        ["report", "--month", "2026-08", "--ledger", str(tmp_path)],
        ["book", name, "--month", "2026-08", *RATE, "--ledger", str(tmp_path), "--at", "2026-09-02T00:00Z"],
    ]
    for line in lines:
        made = CliRunner().invoke(app, ["circuit", *line])
        assert made.exit_code == 0, made.output
        assert "\x1b" not in made.output
        assert "\u202e" not in made.output
        assert name in made.output


def test_a_secure_circuit_is_not_there_for_those_who_may_not_see_it(plan: Path, tmp_path: Path) -> None:
    name = sold(plan, tmp_path, service_class="government_secure")
    one = OneCircuitRequest(plan=plan, ledger=tmp_path, circuit_id=name, at="2026-08-01T00:00:00Z")
    with pytest.raises(InputError, match="there is no reservation"):
        activate(one, PUBLIC)
    assert activate(one).circuits[0].classification == "restricted"
    cut = LegRequest(plan=plan, ledger=tmp_path, leg_id="khunjerab_rawalpindi", key="c", at="2026-08-02T00:00:00Z")
    assert fail(cut, PUBLIC).circuits == []
    assert list_circuits(BooksRequest(ledger=tmp_path), PUBLIC).circuits == []
    assert report(ReportRequest(ledger=tmp_path, month="2026-08"), PUBLIC).rows == []
    (row,) = list_circuits(BooksRequest(ledger=tmp_path)).circuits
    assert row.outages
    work = {"plan": plan, "ledger": tmp_path, "begin": "2026-08-03T00:00Z", "end": "2026-08-04T00:00Z", "key": "w"}
    with pytest.raises(InputError, match="no leg or circuit"):
        plan_work(WorkRequest(covers=name, **work), PUBLIC)


def test_with_real_devices_a_technician_does_the_work_and_the_desk_writes_it_down(plan: Path, tmp_path: Path) -> None:
    name, file = sold(plan, tmp_path), tmp_path / "measured.jsonl"
    words = [name, "--plan", str(plan), "--ledger", str(tmp_path), "--measured", str(file)]
    refused = CliRunner().invoke(app, ["circuit", "activate", *words])
    assert refused.exit_code == 2
    assert "only reads devices" in refused.output
    (row,) = ran("activate", *words, "--by-hand")["circuits"]
    assert row["state"] == "active"
    assert not (tmp_path / "simulated_network.sqlite3").exists()


def test_wrong_calls_name_their_cure(plan: Path, tmp_path: Path) -> None:
    for words, said in (
        (["list", "--ledger", str(tmp_path / "none")], "there is no ledger here"),
        (["activate", "tr-x", "--plan", str(plan), "--ledger", str(tmp_path)], "there is no reservation"),
        (["fail", "nowhere", "--key", "k", "--plan", str(plan), "--ledger", str(tmp_path)], "no leg 'nowhere'"),
    ):
        made = CliRunner().invoke(app, ["circuit", *words])
        assert made.exit_code == 2
        assert said in made.output
