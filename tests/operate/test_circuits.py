"""The life of a circuit: light on its legs, promises measured, moved when it fails, labels and adapters."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest

from rahdari.errors import InputError, PlanError, TargetError
from rahdari.operate.adapters import LIGHT_S_PER_LEG, SWITCH_S, Measured, ReadOnlyNetwork, SimulatedNetwork, Wanted
from rahdari.operate.circuit_ledger import CircuitLedger
from rahdari.operate.circuits import Circuits, wanted_of
from rahdari.operate.sla import Outage, Window, month_bounds
from rahdari.store.query import PUBLIC
from rahdari.units import FIBRE_DELAY_MS_PER_KM
from tests.operate.circuit_world import AUGUST_S, legs, order

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

T = AUGUST_S
UP_S = T + 2 * LIGHT_S_PER_LEG  # two legs are lit


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Circuits]:
    with CircuitLedger(tmp_path) as ledger, SimulatedNetwork(tmp_path, legs()) as network:
        yield Circuits(ledger, network, legs())


def sold(
    desk: Circuits, key: str = "k", *ways: str, n: int = 2, level: str = "public", service: str = "standard"
) -> str:
    made = desk.ledger.reserve(order(key, ways or ("ab bd",), n=n, level=level, service_class=service))
    return made.reservation_id


def light(desk: Circuits) -> dict[tuple[str, int], str]:
    assert isinstance(desk.network, SimulatedNetwork)
    return desk.network.light()


def held(desk: Circuits) -> dict[tuple[str, int], str]:
    rows = desk.ledger._connection.execute("SELECT leg_id, wavelength, reservation_id FROM slots ORDER BY 1, 2")
    return {(leg, number): circuit for leg, number, circuit in rows}


def cut(desk: Circuits, leg: str, at_s: int) -> None:
    assert isinstance(desk.network, SimulatedNetwork)
    desk.network.set_condition(leg, is_cut=True)
    desk.leg_failed(leg, at_s, f"cut {leg} {at_s}")


def mend(desk: Circuits, leg: str, at_s: int) -> None:
    assert isinstance(desk.network, SimulatedNetwork)
    desk.network.set_condition(leg)
    desk.leg_repaired(leg, at_s, f"mend {leg} {at_s}")


def test_an_activated_circuit_has_light_on_its_wavelengths_and_the_delay_of_its_fibre(desk: Circuits) -> None:
    circuit = desk.activate(sold(desk), T)
    assert (circuit.state, circuit.in_service_s, circuit.on_way) == ("active", UP_S, "working")
    assert light(desk) == held(desk) == {(leg, n): circuit.circuit_id for leg in ("ab", "bd") for n in (1, 2)}
    made = desk.measure(circuit.circuit_id, T + 100)
    assert made.measured.rtt_ms == pytest.approx(2 * 2200 * FIBRE_DELAY_MS_PER_KM)
    assert made.measured.gbps == 200.0
    assert made.is_kept
    assert desk.activate(circuit.circuit_id, T + 5000) == desk.ledger.circuit(circuit.circuit_id)


def test_a_failed_leg_moves_the_circuit_onto_a_way_that_shares_none_of_its_legs(desk: Circuits) -> None:
    name = desk.activate(sold(desk), T).circuit_id
    cut(desk, "ab", T + 1000)
    circuit = desk.ledger.circuit(name)
    assert circuit.way.legs == ("ac", "cd")
    assert circuit.state == "active"
    assert desk.ledger.outages(name) == [Outage("ab", T + 1000, T + 1000 + 2 * LIGHT_S_PER_LEG)]
    assert light(desk) == held(desk)
    assert desk.measure(name, T + 2000).measured.rtt_ms == pytest.approx(2 * 2400 * FIBRE_DELAY_MS_PER_KM)


def test_a_protected_circuit_switches_within_a_second_without_new_light(desk: Circuits) -> None:
    name = desk.activate(sold(desk, "k", "ab bd", "ac cd"), T).circuit_id
    before = light(desk)
    cut(desk, "bd", T + 1000)
    assert desk.ledger.circuit(name).on_way == "protection"
    assert desk.ledger.outages(name) == [Outage("bd", T + 1000, T + 1000 + SWITCH_S)]
    assert light(desk) == before
    cut(desk, "cd", T + 2000)
    assert desk.ledger.circuit(name).way.legs == ("ae", "ed")
    mend(desk, "bd", T + 3000)
    assert desk.ledger.circuit(name).way.legs == ("ae", "ed"), "coming back is the operator's choice"
    back = desk.revert(name, T + 4000, "back")
    assert (back.on_way, back.state) == ("working", "active")
    assert light(desk) == held(desk) == before
    assert len(desk.ledger.outages(name)) == 2, "coming back breaks nothing"


def test_a_circuit_without_any_way_is_down_until_a_repair_and_the_seconds_are_counted(desk: Circuits) -> None:
    name = desk.activate(sold(desk), T).circuit_id
    for place, leg in enumerate(("cd", "ed", "bd"), start=1):
        cut(desk, leg, T + 1000 * place)
    cut(desk, "bc", T + 3100)
    assert desk.ledger.circuit(name).state == "down"
    assert desk.measure(name, T + 3500).measured.rtt_ms is None
    cut(desk, "ab", T + 4000)
    mend(desk, "bd", T + 5000)
    assert desk.ledger.circuit(name).state == "down"
    mend(desk, "ab", T + 6000)
    assert desk.ledger.circuit(name).state == "active"
    assert {(each.cause, each.began_s, each.ended_s) for each in desk.ledger.outages(name)} == {
        ("bd", T + 3000, T + 5000), ("measured", T + 3500, T + 6000), ("ab", T + 4000, T + 6000),
    }  # fmt: skip


def test_where_no_way_shares_nothing_the_whole_legs_are_kept_with_their_wavelengths(desk: Circuits) -> None:
    other = desk.activate(sold(desk, "other", "ac cd", n=4), T).circuit_id
    name = desk.activate(sold(desk, "k", "ab bd", n=3), T).circuit_id
    cut(desk, "ed", T + 10)
    cut(desk, "bd", T + 1000)
    assert desk.ledger.circuit(name).state == "down", "the other circuit fills the second way"
    desk.cease(other, T + 2000, "end")
    circuit = desk.ledger.circuit(name)
    assert (circuit.state, circuit.way.legs) == ("active", ("ac", "cd")), "room that is given back is used at once"
    cut(desk, "ac", T + 2500)
    assert desk.ledger.circuit(name).way.legs == ("ab", "bc", "cd")
    cut(desk, "ab", T + 2600)
    assert desk.ledger.circuit(name).state == "down"
    mend(desk, "ed", T + 3000)
    circuit = desk.ledger.circuit(name)
    assert (circuit.state, circuit.way.legs) == ("active", ("ae", "ed"))
    mend(desk, "ab", T + 3500)
    mend(desk, "bd", T + 4000)
    desk.revert(name, T + 4500, "back")
    cut(desk, "ed", T + 5000)
    cut(desk, "bd", T + 6000)
    circuit = desk.ledger.circuit(name)
    assert circuit.way.legs == ("ab", "bc", "cd"), "leg ab is whole and keeps its light"
    assert circuit.way.slots["ab"] == circuit.ways[0].slots["ab"]
    assert light(desk) == held(desk)


def test_a_secure_circuit_is_moved_first_when_room_is_scarce(desk: Circuits) -> None:
    plain = desk.activate(sold(desk, "0", n=2), T).circuit_id
    secure = desk.activate(sold(desk, "1", n=2, level="restricted", service="government_secure"), T).circuit_id
    desk.activate(sold(desk, "2", "ac cd", n=2), T)
    cut(desk, "ed", T + 500)
    cut(desk, "ab", T + 1000)
    assert desk.ledger.circuit(secure).state == "active"
    assert desk.ledger.circuit(plain).state == "down"
    rows = desk.ledger._connection.execute("SELECT classification FROM outages WHERE circuit_id = ?", (secure,))
    assert {row[0] for row in rows} == {"restricted"}
    assert secure not in {each.circuit_id for each in desk.ledger.circuits(clearance=PUBLIC)}
    assert desk.ledger.outages(secure, PUBLIC) == []


def test_a_measurement_below_the_promise_degrades_and_one_that_keeps_it_ends_that(desk: Circuits) -> None:
    name = desk.activate(sold(desk), T).circuit_id
    assert isinstance(desk.network, SimulatedNetwork)
    for number, wear in enumerate(({"added_ms": 10.0}, {"loss_frac": 1e-3}, {"rate_frac": 0.5}), start=1):
        desk.network.set_condition("ab", **wear)
        assert not desk.measure(name, T + 1000 * number).is_kept
        assert desk.ledger.circuit(name).state == "degraded"
        desk.network.set_condition("ab")
        assert desk.measure(name, T + 1000 * number + 500).is_kept
        assert desk.ledger.circuit(name).state == "active"
    assert desk.ledger.outages(name) == []


def test_darkness_that_no_alarm_told_of_counts_from_its_measurement(desk: Circuits) -> None:
    name = desk.activate(sold(desk), T).circuit_id
    assert isinstance(desk.network, SimulatedNetwork)
    desk.network.set_condition("ab", is_cut=True)
    desk.measure(name, T + 1000)
    desk.network.set_condition("ab")
    desk.measure(name, T + 1900)
    assert desk.ledger.outages(name) == [Outage("measured", T + 1000, T + 1900)]


def test_a_ceased_circuit_gives_back_light_and_wavelengths_and_only_then_is_released(desk: Circuits) -> None:
    name = desk.activate(sold(desk), T).circuit_id
    with pytest.raises(PlanError, match="cease the circuit first"):
        desk.ledger.release(name, "2026-08-02")
    cut(desk, "ab", T + 1000)
    assert desk.cease(name, T + 9000, "end").state == "ceased"
    assert light(desk) == held(desk) == {}
    assert desk.ledger.reservation(name).state == "released"
    assert desk.ledger.circuit(name).ceased_s == T + 9000
    desk.leg_failed("cd", T + 10000, "later")
    with pytest.raises(InputError, match="is ceased"):
        desk.measure(name, T + 11000)


def test_what_cannot_be_done_is_refused_and_changes_nothing(desk: Circuits) -> None:
    name = sold(desk)
    cut(desk, "ab", T)
    with pytest.raises(TargetError, match="ab cut"):
        desk.activate(name, T)
    mend(desk, "ab", T + 10)
    desk.activate(name, T + 20)
    with pytest.raises(InputError, match="there is no leg 'zz'"):
        desk.leg_failed("zz", T, "k1")
    with pytest.raises(InputError, match="no reservation"):
        desk.activate("tr-none", T)
    with pytest.raises(InputError, match="used for 'fail ab'"):
        desk.leg_repaired("ab", T, f"cut ab {T}")
    with pytest.raises(InputError, match="ends before it begins"):
        desk.plan_work(Window("ab", T, T, 0), "w")
    gone = sold(desk, "gone", n=1)
    desk.ledger.release(gone, "2026-08-01")
    with pytest.raises(InputError, match="is released"):
        desk.activate(gone, T)


def test_a_key_makes_every_act_safe_to_repeat(desk: Circuits) -> None:
    name = desk.activate(sold(desk), T).circuit_id
    for _ in range(2):
        desk.leg_failed("ab", T + 1000, "f")
        desk.leg_repaired("ab", T + 2000, "r")
        desk.revert(name, T + 3000, "b")
    assert len(desk.ledger.outages(name)) == 1
    history = desk.ledger.circuit_history()
    assert [what for _, _, what in history] == [
        "activation asked", "up on working", "moving to reroute ac+cd: ac cd", "up on reroute ac+cd",
        "reverting to working", "up on working",
    ]  # fmt: skip


def test_an_adapter_to_real_devices_only_reads_and_says_what_a_technician_has_to_do(tmp_path: Path) -> None:
    file = tmp_path / "measured.jsonl"
    with CircuitLedger(tmp_path) as ledger:
        desk = Circuits(ledger, ReadOnlyNetwork(file), legs())
        name = sold(desk)
        with pytest.raises(InputError, match=r"nothing was written .* light wavelengths ab 1, 2; bd 1, 2"):
            desk.activate(name, T)
        assert ledger.circuit(name).state == "activating"
        assert desk.confirm(name, T + 3600).state == "active"
        rows = [{"circuit_id": name, "rtt_ms": rtt, "loss_frac": 0, "gbps": 200} for rtt in (99.0, 22.0)]
        file.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
        assert desk.measure(name, T + 4000).measured.rtt_ms == 22.0
        file.write_text('{"circuit_id": 1}\nnan\n{"circuit_id": "x", "rtt_ms": NaN, "loss_frac": 0, "gbps": 1}\n')
        with pytest.raises(InputError) as caught:
            desk.measure(name, T + 5000)
        assert [problem.row for problem in caught.value.problems] == [1, 2, 3]


def test_the_network_refuses_light_on_a_wavelength_of_another(desk: Circuits) -> None:
    desk.activate(sold(desk), T)
    with pytest.raises(PlanError, match="another circuit's light"):
        desk.network.apply(Wanted("thief", {"ab": (2,)}, ("ab",)), T)


def test_what_was_asked_and_not_done_is_done_later_and_the_time_between_is_out_of_service(desk: Circuits) -> None:
    name = desk.activate(sold(desk), T).circuit_id
    with desk.ledger.changing():
        desk.ledger.is_new_act("f", "fail ab")
        desk.ledger.add_fault("f", "ab", T + 1000)
        desk.ledger.open_outage(desk.ledger.circuit(name), "ab", T + 1000)
        desk._move(desk.ledger.circuit(name), T + 1000)
    desk.resume(T + 8000)
    assert desk.ledger.outages(name) == [Outage("ab", T + 1000, T + 8000 + 2 * LIGHT_S_PER_LEG)]


def test_a_failure_told_while_the_light_is_being_set_is_asked_for_next_and_not_forgotten(
    desk: Circuits, tmp_path: Path
) -> None:
    class Meddled:
        """The network, while another process tells of a failure as the light is set."""

        def apply(self, wanted: Wanted, at_s: int) -> int:
            done_s = desk.network.apply(wanted, at_s)
            with CircuitLedger(tmp_path) as ledger, ledger.changing():
                if ledger.is_new_act("f", "fail ac"):
                    ledger.add_fault("f", "ac", at_s)
                    other = Circuits(ledger, desk.network, legs())
                    other._move(ledger.circuit(wanted.circuit_id), at_s)
            return done_s

        def measure(self, circuit_id: str) -> Measured:
            return desk.network.measure(circuit_id)

    name = desk.activate(sold(desk), T).circuit_id
    Circuits(desk.ledger, Meddled(), legs()).leg_failed("ab", T + 1000, "g")
    circuit = desk.ledger.circuit(name)
    assert circuit.way.legs == ("ae", "ed")
    assert circuit.asked_s is None
    assert light(desk) == held(desk)
    assert desk.measure(name, T + 5000).measured.rtt_ms is not None


@pytest.mark.parametrize("seed", range(12))
def test_after_any_history_network_and_ledger_agree_and_up_means_measured(desk: Circuits, seed: int) -> None:
    draw, at_s = random.Random(seed), T  # noqa: S311  # a test
    assert isinstance(desk.network, SimulatedNetwork)
    names, cuts = [], set()
    for number in range(60):
        at_s += draw.randrange(100, 5000)
        what = draw.random()
        if what < 0.2:
            ways = draw.choice((("ab bd",), ("ac cd",), ("ab bd", "ac cd")))
            try:
                name = sold(desk, f"k{number}", *ways, n=draw.randrange(1, 3))
                desk.activate(name, at_s)
                names.append(name)
            except (InputError, TargetError):
                continue
        elif what < 0.55:
            leg = draw.choice(sorted(legs()))
            cuts.add(leg)
            cut(desk, leg, at_s)
        elif what < 0.85 and cuts:
            leg = draw.choice(sorted(cuts))
            cuts.discard(leg)
            mend(desk, leg, at_s)
        elif names:
            try:
                desk.revert(draw.choice(names), at_s, f"b{number}")
            except (InputError, TargetError):
                continue
        assert_agrees(desk, cuts, at_s)


def assert_agrees(desk: Circuits, cuts: set[str], at_s: int) -> None:
    """Compare what the ledger says with the light and the measurement of every circuit."""
    lit, slots = light(desk), held(desk)
    for circuit in desk.ledger.circuits():
        assert circuit.asked_s is None
        wanted = wanted_of(circuit)
        mine = {slot for slot, owner in lit.items() if owner == circuit.circuit_id}
        assert mine == {(leg, number) for leg, numbers in wanted.lit.items() for number in numbers}
        assert mine == {slot for slot, owner in slots.items() if owner == circuit.circuit_id}
        is_open = any(each.ended_s is None for each in desk.ledger.outages(circuit.circuit_id))
        is_up = cuts.isdisjoint(circuit.way.legs)
        assert (circuit.state == "down") == is_open == (not is_up)
        assert is_up or (desk._whole(circuit) is None and desk._new_way(circuit) is None), "a way was overlooked"
        assert (desk.network.measure(circuit.circuit_id).rtt_ms is not None) == is_up
        for each in desk.ledger.outages(circuit.circuit_id):
            assert month_bounds("2026-07")[0] <= each.began_s <= (each.ended_s or at_s + 1000)
