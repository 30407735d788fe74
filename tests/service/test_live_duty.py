"""The one on duty and circuits: what an incident may have struck is shown; the ledger hears of it only when told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rahdari import operate
from rahdari.errors import InputError
from rahdari.operate import Event, VirtualClock
from rahdari.service.circuits import OneCircuitRequest, activate
from rahdari.service.live_duty import LiveDuty
from rahdari.service.operate import LiveView
from rahdari.service.transit_desk import ReserveRequest, reserve
from rahdari.store.query import OWNER, PUBLIC, PlanReader
from tests.helpers.transit_plan import write_transit_plan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START_S = 1_700_000_000.0  # 2023-11-14
LEG = "khunjerab_rawalpindi"
NETWORK = {
    "sites": ["G", "A"], "gateways": ["G"], "cells": {"C": {"parent": "A", "customers": 900}},
    "links": {LEG: {"a": "G", "b": "A", "medium": "fibre", "ducts": []}},
}  # fmt: skip


@pytest.fixture
def duty(tmp_path: Path) -> Iterator[tuple[LiveDuty, str]]:
    """Whoever is on duty, with one circuit in service and an incident on the leg it runs on."""
    plan, ledger = write_transit_plan(tmp_path), tmp_path / "ledger"
    own = {"from_name": "Urumqi", "to_name": "Marseille", "gbps": 150.0, "buyer": "Carrier A", "idempotency_key": "k"}
    for key, kind in (("k", "standard"), ("s", "government_secure")):
        order = {**own, "idempotency_key": key, "service_class": kind, "diversity": "disjoint"}
        name = reserve(ReserveRequest(plan=plan, ledger=ledger, **order)).reservation_id
        activate(OneCircuitRequest(plan=plan, ledger=ledger, circuit_id=name, at="2023-11-01T00:00:00Z"))
    app = operate.App(NETWORK, f"sqlite:///{tmp_path / 'live.db'}", clock=VirtualClock(START_S + 3600.0)).start()
    app.ingest([Event(source="nms", seq=1, at_s=START_S, resource=f"{LEG}:G-port", type="LOS", severity="critical")])
    assert app.wait_idle()
    view = LiveView(app)
    app.plan, view.reader = plan, PlanReader(plan)
    [incident] = operate.incidents(app)
    yield LiveDuty(view, ledger=ledger), incident.incident_id
    app.stop()


def test_circuits_on_the_countrys_legs_are_shown_with_their_money_and_not_to_everybody(
    duty: tuple[LiveDuty, str],
) -> None:
    one, name = duty
    found = one.struck(one.view.incident(name), OWNER)
    assert (found["legs"][0]["leg_id"], found["legs"][0]["is_named"]) == (LEG, True)
    assert {row["state"] for row in found["circuits"]} == {"active"}
    assert all(float(row["charge_usd"]) > 0 for row in found["circuits"])
    assert len(found["circuits"]) == 2
    assert len(one.struck(one.view.incident(name), PUBLIC)["circuits"]) < 2


def test_the_ledger_hears_of_a_leg_once_however_often_it_is_told(duty: tuple[LiveDuty, str]) -> None:
    one, name = duty
    told = one.tell_leg(name, LEG, "failed", OWNER)["circuits"]
    assert {row["on_way"] for row in told} == {"protection"}
    assert told[0]["outages"][0]["began_utc"] == "2023-11-14T22:13:20Z"
    assert one.tell_leg(name, LEG, "failed", OWNER)["circuits"] == []
    one.tell_leg(name, LEG, "repaired", OWNER)
    lines = one.sla_csv("2023-11", OWNER).splitlines()
    assert len(lines) == 3
    assert len(one.sla_csv("2023-11", PUBLIC).splitlines()) < 3


def test_without_a_ledger_nothing_is_told_and_the_cure_is_named(duty: tuple[LiveDuty, str]) -> None:
    one, name = duty
    bare = LiveDuty(one.view)
    assert bare.struck(one.view.incident(name), OWNER)["circuits"] == []
    with pytest.raises(InputError, match="--ledger"):
        bare.tell_leg(name, LEG, "failed", OWNER)
    with pytest.raises(InputError, match="--ledger"):
        bare.sla_csv("2023-11", OWNER)
