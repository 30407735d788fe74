"""What the one on duty asks, from the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from typer.testing import CliRunner

from rahdari.faces.cli.duty import duty_app
from rahdari.operate.dispatch import Crew
from rahdari.operate.forecast import Step
from rahdari.operate.incidents import Cause, Incident
from rahdari.service.duty import dispatch_incidents
from rahdari.service.failing import CoreFailures

if TYPE_CHECKING:
    from pathlib import Path

    from rahdari.service.plan_view import Plan

JOBS = {
    "now_s": 0,
    "jobs": [
        {"job_id": "i1", "kind": "duct", "lon_deg": 68.8, "lat_deg": 27.7, "n_customers": 9000, "repair_s": 21600},
        {"job_id": "i2", "kind": "power", "lon_deg": 67.0, "lat_deg": 24.9, "n_customers": 0, "repair_s": 10800,
         "sites": [{"site_id": "K", "lon_deg": 67.1, "lat_deg": 24.9, "dies_s": 3600, "n_customers": 4000}]},
        {"job_id": "i3", "kind": "submarine", "lon_deg": 66.0, "lat_deg": 24.0, "n_customers": 1, "repair_s": 1},
    ],
    "crews": [{"crew_id": "c1\x1b[2J", "lon_deg": 68.4, "lat_deg": 27.0, "skills": ["duct", "power"], "free_s": 0}],
    "generators": [{"generator_id": "g1", "lon_deg": 67.0, "lat_deg": 25.0, "free_s": 0}],
}  # fmt: skip


def ran(*words: object) -> Any:  # noqa: ANN401  # a result of typer
    return CliRunner().invoke(duty_app, [str(word) for word in words])


def test_dispatch_of_a_file_says_who_goes_where_with_proof_and_runbook(tmp_path: Path) -> None:
    file = tmp_path / "jobs.json"
    file.write_text(json.dumps(JOBS), encoding="utf-8")
    made = json.loads(ran("dispatch", file, "--json").stdout)["result"]
    assert [stop["job_id"] for stop in made["stops"]] == ["i1", "i2"]
    assert made["stops"][0]["runbook"] == "runbooks.md#fibre-cut"
    assert [move["generator_id"] for move in made["moves"]] == ["g1"]
    assert made["unserved"] == ["i3"]
    assert made["certificates"][0]["gap_frac"] == 0.0
    shown = ran("dispatch", file)
    assert shown.exit_code == 0
    assert "best of all" in shown.stdout
    assert "\x1b" not in shown.stdout


def test_a_file_that_is_wrong_is_named_with_every_fault(tmp_path: Path) -> None:
    file = tmp_path / "jobs.json"
    for text, said in (("[1]", "is no JSON object"), ("{", "is no JSON"), ('{"now_s": 0}', "jobs")):
        file.write_text(text, encoding="utf-8")
        made = ran("dispatch", file)
        assert made.exit_code == 2
        assert said in made.output
    file.write_text(json.dumps({"incident": {}}), encoding="utf-8")
    assert "no opened_s" in ran("form", file).output


def test_a_form_is_filled_and_its_gaps_are_listed(tmp_path: Path) -> None:
    file = tmp_path / "incident.json"
    told = {"incident_id": "i1", "opened_s": 1_786_000_000.0, "severity": "critical", "root": {"object": "L1"}}
    file.write_text(json.dumps({"incident": told, "given": {"licensee": "Operator A"}}), encoding="utf-8")
    made = json.loads(ran("form", file, "--json").stdout)["result"]
    assert made["status"] == "proposed"
    assert made["fields"]["licensee"] == "Operator A"
    assert "Measures taken" in made["missing"]
    assert "**missing**" in ran("form", file, "--report", "full").stdout
    assert "<table>" in ran("form", file, "--html").stdout


def test_ways_round_a_core_link_avoid_it_and_have_room(small_plan: Plan) -> None:
    core = CoreFailures.of(small_plan.reader)
    assert core is not None
    for name in core.capacity["link_id"].to_list()[:5]:
        made = json.loads(ran("detours", name, "--plan", small_plan.folder, "--json").stdout)["result"]
        for way in made["detours"]:
            assert name not in way["link_ids"]
            assert way["free_gbps"] >= 0.0
        assert ran("detours", name, "--plan", small_plan.folder).exit_code == 0
    assert ran("detours", "nowhere", "--plan", small_plan.folder).exit_code == 2


def test_open_incidents_become_stops_and_those_without_a_place_are_named() -> None:
    steps = (Step(at_s=600.0, what="x", n_sites=1, n_customers=50, sites=("s",)),)
    incidents = [
        Incident(incident_id=name, root=Cause(at, "power"), opened_s=0.0, changed_s=0.0, forecast=steps)
        for name, at in (("a", "f1"), ("b", "nobody knows"))
    ]
    spots = {"f1": (70.0, 30.0), "s": (70.1, 30.0)}
    made = dispatch_incidents(incidents, spots.get, [Crew("c", 70.0, 30.0, frozenset(("power",)), 0)], [], 0)
    assert [stop["job_id"] for stop in made.stops] == ["a"]
    assert made.unserved == ["b"]
