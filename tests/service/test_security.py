"""The overlay, rules and attacks on a plan: what is answered, and what is refused without authorisation."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from rahdari import security
from rahdari.errors import InputError
from rahdari.faces.cli.main import app
from rahdari.methods.network import make_network
from rahdari.service.security import AttackRequest, ExposureRequest, attack, overlay_rows, plan_exposure
from rahdari.service.security_rules import known_packs, rule_packs
from rahdari.store.query import PUBLIC

if TYPE_CHECKING:
    from pathlib import Path

    from rahdari.service.plan_view import Plan


def cities(plan: Plan) -> tuple[str, str]:
    towns = plan.tables["places"].filter(pl.col("kind") == "city").sort("place_id")
    return towns["name"][0], towns["name"][1]


def test_the_overlay_answers_with_ways_and_their_proof(small_plan: Plan) -> None:
    (found,) = security.overlay(small_plan, [cities(small_plan)], disjoint="risk")
    assert found.answer.is_disjoint or found.answer.is_proven_none
    one, two = (route.node_id[1:-1] for route in found.answer.routes)
    assert not set(one) & set(two)
    assert found.answer.gap_frac == pytest.approx(0.0, abs=1e-6)


def test_a_way_that_is_avoided_is_on_no_route(small_plan: Plan) -> None:
    (free,) = security.overlay(small_plan, [cities(small_plan)], disjoint="node")
    used = free.answer.routes[0].link_id[0]
    (found,) = security.overlay(small_plan, [cities(small_plan)], disjoint="node", avoid=[used])
    assert all(used not in route.link_id for route in found.answer.routes)


def test_unknown_places_and_roads_are_refused_with_a_cure(small_plan: Plan) -> None:
    for pairs, avoid in (([("Nowhere", "Elsewhere")], ()), ([cities(small_plan)], ["Silk Road"])):
        with pytest.raises(InputError) as refused:
            security.overlay(small_plan, pairs, avoid=avoid)
        assert all(problem.cure for problem in refused.value.problems)
    with pytest.raises(InputError):
        overlay_rows(small_plan.folder, [cities(small_plan)], "colour")


def test_attack_and_exposure_need_authorisation_and_full_clearance(small_plan: Plan) -> None:
    for request in (
        AttackRequest(plan=small_plan.folder, kind="interdict"),
        ExposureRequest(plan=small_plan.folder),
    ):
        ask = attack if isinstance(request, AttackRequest) else plan_exposure
        with pytest.raises(InputError, match="secret"):
            ask(request)  # type: ignore[arg-type]  # each with its own request
        allowed = request.model_copy(update={"is_authorised": True})
        with pytest.raises(InputError, match="secret"):
            ask(allowed, PUBLIC)  # type: ignore[arg-type]  # each with its own request
        assert ask(allowed).label == "secret"  # type: ignore[arg-type]  # each with its own request


def test_the_worst_links_of_the_core_come_with_a_proof(small_plan: Plan) -> None:
    found = attack(AttackRequest(plan=small_plan.folder, kind="interdict", k=1, n_hardened=1, is_authorised=True))
    worst, hardened = found.rows
    assert worst["lost_gbps"] <= worst["bound_gbps"] + 1e-6
    assert hardened["lost_gbps"] <= worst["lost_gbps"] + 1e-6
    assert found.certificates


@pytest.mark.parametrize("kind", ["random", "targeted", "vendor"])
def test_every_attack_on_the_core_says_what_is_lost(small_plan: Plan, kind: str) -> None:
    found = attack(AttackRequest(plan=small_plan.folder, kind=kind, is_authorised=True))  # type: ignore[arg-type]
    assert found.rows
    assert all(0.0 <= row["lost_frac"] <= 1.0 + 1e-9 for row in found.rows)


def test_a_jammer_denies_more_people_with_more_power(small_plan: Plan) -> None:
    at = small_plan.tables["places"].sort("n_people").row(-1, named=True)
    found = []
    for power in (20.0, 95.0):
        request = AttackRequest(
            plan=small_plan.folder, kind="jam", points=((at["lon_deg"], at["lat_deg"]),), eirp_dbm=power,
            is_authorised=True,
        )  # fmt: skip
        found.append(attack(request).rows[0])
    assert found[0]["n_people"] < found[1]["n_people"] <= found[1]["n_people_in_all"]
    assert found[0]["radius_km"] < found[1]["radius_km"]


def test_nothing_that_is_secret_stands_in_the_plan_or_its_report(small_plan: Plan) -> None:
    exposed = plan_exposure(ExposureRequest(plan=small_plan.folder, n_shown=5, is_authorised=True))
    named = {row["element_id"] for row in exposed.rows}
    secure = [name for name in small_plan.reader.names if name.startswith("secure_")]
    texts = " ".join(
        str(cell) for name in secure for row in small_plan.tables[name].iter_rows() for cell in row
    )  # fmt: skip
    assert named
    assert not [name for name in named if name in texts]


def test_rules_say_where_a_plan_breaks_them_and_by_which_evidence(small_plan: Plan) -> None:
    found = security.rules(small_plan, ["pk-ctdisr-2025", "nist-sp-800-207"])
    assert {row.outcome for row in found.results} <= {"kept", "broken", "outside the plan"}
    assert all(row.evidence for row in found.results)
    assert all(row.where for row in found.results if row.outcome == "broken")
    assert {pack["status"] for pack in found.packs} == {"proposed", "in force"}
    assert all(row.dated and row.status for row in found.results)
    for row in found.results:
        if row.outcome == "broken":  # table, column, row and figure
            first = row.where.split(",")[0].split(" (")[0]
            assert re.search(rf"^\w+\.\w+: \d+ of \d+ rows: {re.escape(first)}=\S", row.evidence), row.evidence


def test_rules_broken_by_a_pair_say_between_which_places(small_plan: Plan, tmp_path: Path) -> None:
    folder = shutil.copytree(small_plan.folder, tmp_path / "plan")
    path = folder / small_plan.reader.manifest["tables"]["secure_pairs"]["file"]
    pairs = pl.read_parquet(path).sort("pair_id")
    path.unlink()  # a link to the cache
    pairs.with_columns(pl.lit("none").alias("disjoint_level")).write_parquet(path)
    found = {row.rule_id: row for row in security.rules(folder, ["pk-ctdisr-2025"]).results}["second-way"]
    assert pairs.height
    for row in pairs.iter_rows(named=True):
        assert f"{row['pair_id']} ({row['from_name']} - {row['to_name']})" in found.where
    assert found.evidence.startswith(f"secure_pairs.disjoint_level: {pairs.height} of {pairs.height} rows: ")


def test_whoever_does_not_see_all_is_told_that_a_rule_may_be_broken_where_they_do_not_look(
    small_plan: Plan, tmp_path: Path
) -> None:
    folder = shutil.copytree(small_plan.folder, tmp_path / "plan")
    path = folder / small_plan.reader.manifest["tables"]["secure_pairs"]["file"]
    pairs = pl.read_parquet(path)
    path.unlink()  # a link to the cache
    pairs.with_columns(pl.lit("secret").alias("classification")).write_parquet(path)
    assert any("above your clearance" in text for text in security.rules(folder, ["pk-ctdisr-2025"], PUBLIC).warnings)
    assert not any("above your clearance" in text for text in security.rules(folder, ["pk-ctdisr-2025"]).warnings)


def test_the_pack_whose_law_was_not_seen_says_so_wherever_it_is_shown(small_plan: Plan) -> None:
    found = security.rules(small_plan, ["pk-ctdisr-2025"])
    assert "not seen" in found.packs[0]["note"]
    assert any("not seen" in warning for warning in found.warnings)
    listed = CliRunner().invoke(app, ["secure", "rules"]).stdout
    assert "not seen" in listed
    assert "proposed, 2025-11-07" in listed
    assert "in force, 2020-08-11" in listed


def test_every_built_in_rule_pack_is_dated_and_says_its_status() -> None:
    packs = rule_packs(sorted(known_packs()))
    assert len(packs) >= 2
    assert all(pack.note and pack.dated.year > 2000 for pack in packs)


def test_a_faulty_rule_pack_is_refused_whole(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text('name="x"\ntitle="x"\nissuer="x"\nstatus="in force"\ndated="2020-01-01"\n[[rule]]\nrule_id="a"\n'
                   'text="b"\ncheck="__import__"\n', encoding="utf-8")  # fmt: skip
    with pytest.raises(InputError, match="unknown"):
        rule_packs([bad])
    with pytest.raises(InputError):
        rule_packs([tmp_path / "none.toml"])


def test_concentration_of_a_network_is_that_of_its_vendors() -> None:
    ends = [("a", "b"), ("b", "c")]
    network = make_network("abc", ["x", "y"], ends, 1.0)
    table = security.concentration(network, {"a": "A", "b": "B", "c": "C"}, {"a": 50.0, "b": 30.0, "c": 20.0})
    row = table.filter(pl.col("layer") == "node").row(0, named=True)
    assert row["hhi_points_ratio"] == pytest.approx(3800.0)
    assert row["effective_suppliers_count"] == pytest.approx(2.63, abs=0.005)


def test_the_published_interfaces_answer_as_printed() -> None:
    network = make_network("abc", ["x", "y", "z"], [("a", "b"), ("b", "c"), ("a", "c")], 1.0)
    found = security.interdict(network, {("a", "c"): 5.0}, k=2, capacity=np.full(3, 9.0))
    assert (found.loss, found.gap_frac) == (5.0, pytest.approx(0.0, abs=1e-6))
    assert security.exposure(network, {"a": 1.0, "c": 2.0}, pairs=True).pairs.height
    assert security.goodput_ratio("ipsec-aes-gcm", inner_bytes=1400) == pytest.approx(0.963, abs=5e-4)


def test_the_command_refuses_secrets_and_labels_them_when_allowed(small_plan: Plan, tmp_path: Path) -> None:
    runner, folder = CliRunner(), str(small_plan.folder)
    refused = runner.invoke(app, ["secure", "attack", "interdict", "--plan", folder])
    assert refused.exit_code == 2
    kept = tmp_path / "answer.json"
    words = ["secure", "exposure", "--plan", folder, "--i-am-authorised", "--shown", "3", "--out", str(kept)]
    allowed = runner.invoke(app, words)
    assert allowed.exit_code == 0
    assert allowed.stdout.count("SECRET") >= 3
    assert kept.stat().st_mode & 0o077 == 0
    assert '"label": "secret"' in kept.read_text(encoding="utf-8")


def test_goodput_is_asked_without_a_plan() -> None:
    shown = CliRunner().invoke(app, ["secure", "goodput", "wireguard"])
    assert shown.exit_code == 0
    assert "85.5%" in shown.stdout
