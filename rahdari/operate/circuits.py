"""The life of a circuit sold at the transit desk: activated, measured, moved when it fails, ceased.

Each act is one transaction that says what is wanted, then the network is asked, then one transaction says that it was
done.  A process killed in between leaves a circuit with something still asked; :meth:`Circuits.resume` finishes it.
The network is told a whole state and not a step, so that asking twice does nothing twice.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from rahdari.errors import InputError, Problem, RahdariError, TargetError
from rahdari.methods.ways import ANY, Leg, shortest_way
from rahdari.operate.adapters import LegSpec, Measured, Network, Wanted
from rahdari.operate.circuit_ledger import IN_SERVICE, Circuit, CircuitLedger, Measurement, Route
from rahdari.operate.sla import Contract, Window, contract_of, half_up, utc_text
from rahdari.store.atomic import locked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rahdari.store.ledger import Reservation

MEASURED = "measured"  # cause of an outage that nobody reported but a measurement showed
ROUNDING_MS = 1e-6
CENTS_PER_USD = 100
ASKING = ".asking"  # folder of the lock, beside the ledger: opening the ledger does not wait for the network


@dataclass(frozen=True, slots=True)
class Circuits:
    """Circuits of one ledger on one network; ``legs`` are those that may carry a circuit after a failure."""

    ledger: CircuitLedger
    network: Network
    legs: Mapping[str, LegSpec]
    contract: Callable[[str], Contract] = contract_of

    def activate(self, reservation_id: str, at_s: int) -> Circuit:
        """Bring a reservation into service; doing it again changes nothing.

        :class:`InputError` where it is no held reservation, :class:`TargetError` where every way of it is cut.
        """
        with self.ledger.changing():
            if self.ledger.is_new_act(f"activate|{reservation_id}", "activate"):
                self._begin(circuit_of(self.ledger.reservation(reservation_id)), at_s)
        self.resume(at_s)
        return self.ledger.circuit(reservation_id)

    def _begin(self, circuit: Circuit, at_s: int) -> None:
        way = self._whole(circuit)
        if way is None:
            cut = sorted(self.ledger.cut_legs() & {leg for each in circuit.ways for leg in each.legs})
            what = f"{circuit.circuit_id} cannot be activated: {', '.join(cut)} cut"
            raise TargetError(Problem(what, "activate it once they are repaired"))
        self.ledger.put(replace(circuit, on_way=way.way_id, asked_s=at_s), "activation asked", at_s)

    def measure(self, circuit_id: str, at_s: int) -> Measurement:
        """Measure a circuit and compare it with what was promised; a second measurement of a second changes nothing.

        A circuit that breaks its promise is ``degraded`` until a measurement keeps it; one that nothing comes through
        is counted as out from that moment, whatever the alarms say.
        """
        circuit = self.ledger.circuit(circuit_id)
        known = [each for each in self.ledger.measurements(circuit_id) if each.at_s == at_s]
        if known:
            return known[0]
        if circuit.state not in IN_SERVICE:
            raise InputError(Problem(f"{circuit_id} is {circuit.state}", "measure circuits in service"))
        measured = self.network.measure(circuit_id)
        made = Measurement(at_s, measured, self._is_kept(circuit, measured))
        with self.ledger.changing():
            circuit = self.ledger.circuit(circuit_id)
            self.ledger.add_measurement(circuit, made)
            if measured.rtt_ms is None:
                self.ledger.open_outage(circuit, MEASURED, at_s)
            else:
                self.ledger.end_outages(circuit_id, at_s, MEASURED)
            state = "active" if made.is_kept else "degraded"
            if circuit.state in ("active", "degraded") and circuit.state != state:
                self.ledger.put(replace(circuit, state=state), f"measured: {state}", at_s)
        return made

    def _is_kept(self, circuit: Circuit, measured: Measured) -> bool:
        contract = self.contract(circuit.service_class)
        longest_ms = circuit.promised_rtt_ms + contract.rtt_allowance_ms + ROUNDING_MS
        return (
            measured.rtt_ms is not None
            and measured.rtt_ms <= longest_ms
            and measured.loss_frac <= contract.loss_frac
            and measured.gbps >= circuit.gbps
        )

    def leg_failed(self, leg_id: str, at_s: int, key: str) -> list[Circuit]:
        """Write down that a leg fails and move what ran on it, secure circuits first; return the circuits struck."""
        if leg_id not in self.legs:
            raise InputError(Problem(f"there is no leg '{leg_id}'", f"use one of {', '.join(sorted(self.legs))}"))
        struck = []
        with self.ledger.changing():
            if self.ledger.is_new_act(key, f"fail {leg_id}"):
                self.ledger.add_fault(key, leg_id, at_s)
                for circuit in self.ledger.circuits(IN_SERVICE):
                    if leg_id in circuit.way.legs:
                        struck.append(circuit.circuit_id)
                        self.ledger.open_outage(circuit, leg_id, at_s)
                        self._move(circuit, at_s)
        self.resume(at_s)
        return [self.ledger.circuit(each) for each in struck]

    def leg_repaired(self, leg_id: str, at_s: int, key: str) -> list[Circuit]:
        """Write down that a leg is whole; return the circuits that were waiting for a way.

        A circuit that runs elsewhere stays there until :meth:`revert`: coming back is the operator's choice.
        """
        waiting = []
        with self.ledger.changing():
            if self.ledger.is_new_act(key, f"repair {leg_id}"):
                self.ledger.end_faults(leg_id, at_s)
                for circuit in self.ledger.circuits(("down",)):
                    waiting.append(circuit.circuit_id)
                    self._wake(circuit, leg_id, at_s)
        self.resume(at_s)
        return [self.ledger.circuit(each) for each in waiting]

    def _wake(self, circuit: Circuit, leg_id: str, at_s: int) -> None:
        """Bring a circuit that is down back, where its way is whole or another can be had."""
        if leg_id not in self.ledger.cut_legs():
            self.ledger.end_outages(circuit.circuit_id, at_s, leg_id)
        if self.ledger.cut_legs().isdisjoint(circuit.way.legs):
            self.ledger.end_outages(circuit.circuit_id, at_s)
            self.ledger.put(replace(circuit, state="active"), f"up again on {circuit.on_way}", at_s)
        else:
            self._move(circuit, at_s)

    def _move(self, circuit: Circuit, at_s: int) -> None:
        """Put a circuit onto a whole way of its own, else onto a new one, else call it down."""
        way = self._whole(circuit) or self._new_way(circuit)
        if way is None:
            if circuit.state != "down":
                self.ledger.put(replace(circuit, state="down", asked_s=None), "down: no way is left", at_s)
            return
        home = tuple(each for each in circuit.ways if not each.way_id.startswith("reroute"))
        self.ledger.take(circuit.circuit_id, way.slots)
        ways = home if way in home else (*home, way)
        moved = replace(circuit, state="moving", ways=ways, on_way=way.way_id, asked_s=at_s)
        self.ledger.put(moved, f"moving to {way.way_id}: {' '.join(way.legs)}", at_s)

    def _whole(self, circuit: Circuit) -> Route | None:
        """Return the first way of a circuit without a cut leg."""
        cut = self.ledger.cut_legs()
        return next((way for way in circuit.ways if cut.isdisjoint(way.legs)), None)

    def _new_way(self, circuit: Circuit) -> Route | None:
        """Return the shortest way with free wavelengths that shares no leg with those sold; else one that avoids cuts.

        The second kind keeps the circuit's own wavelengths on the legs it shares.
        """
        own = {leg: numbers for way in circuit.ways for leg, numbers in way.slots.items()}
        ends = ends_of(self.legs, circuit.ways[0].legs)
        free = {leg.leg_id: self.ledger.free(leg.leg_id, leg.n_wavelengths) for leg in self.legs.values()}
        fit = {leg for leg, numbers in free.items() if len(numbers) >= circuit.n_wavelengths} - self.ledger.cut_legs()
        for usable in (fit - set(own), (fit | set(own)) - self.ledger.cut_legs()):
            found = shortest_way(_plain(self.legs, usable), ends)
            if found:
                legs = sorted(usable)
                slots = {
                    legs[number]: own.get(legs[number]) or tuple(free[legs[number]][: circuit.n_wavelengths])
                    for number in found
                }
                return Route(f"reroute {'+'.join(slots)}", slots)
        return None

    def revert(self, circuit_id: str, at_s: int, key: str) -> Circuit:
        """Bring a circuit back to the first way it was sold with; it stays up meanwhile, light before darkness.

        :class:`TargetError` where that way is cut, :class:`InputError` where the circuit is not in service.
        """
        with self.ledger.changing():
            if self.ledger.is_new_act(key, f"revert {circuit_id}"):
                circuit = self.ledger.circuit(circuit_id)
                if circuit.state not in ("active", "degraded"):
                    raise InputError(Problem(f"{circuit_id} is {circuit.state}", "revert circuits that are up"))
                home = tuple(each for each in circuit.ways if not each.way_id.startswith("reroute"))
                cut = sorted(self.ledger.cut_legs() & set(home[0].legs))
                if cut:
                    raise TargetError(Problem(f"{', '.join(cut)} cut", "revert it once they are repaired"))
                back = replace(circuit, ways=home, on_way=home[0].way_id, asked_s=at_s)
                self.ledger.put(back, f"reverting to {back.on_way}", at_s)
        self.resume(at_s)
        return self.ledger.circuit(circuit_id)

    def cease(self, circuit_id: str, at_s: int, key: str) -> Circuit:
        """End a circuit and give all its wavelengths back."""
        with self.ledger.changing():
            if self.ledger.is_new_act(key, f"cease {circuit_id}"):
                circuit = self.ledger.circuit(circuit_id)
                if circuit.state not in ("ceasing", "ceased"):
                    ended = replace(circuit, state="ceasing", asked_s=at_s, ceased_s=at_s)
                    self.ledger.put(ended, "ceasing", at_s)
        self.resume(at_s)
        return self.ledger.circuit(circuit_id)

    def plan_work(self, window: Window, key: str, classification: str = "internal") -> None:
        """Write planned work on a leg or a circuit down; :class:`InputError` where it ends before it begins."""
        if window.end_s <= window.begin_s:
            raise InputError(Problem("the window ends before it begins", "give its begin, then its end"))
        with self.ledger.changing():
            if self.ledger.is_new_act(key, f"work {window.covers} {window.begin_s} {window.end_s}"):
                self.ledger.add_window(key, window, classification)

    def resume(self, now_s: int) -> None:
        """Ask the network for every state still wanted; all circuits are tried, then what failed is raised.

        What was asked for earlier and not done is done now, and the time between is out of service.
        """
        with locked(self.ledger.path.parent / ASKING):  # one process at a time talks to the network
            asked = self._asked()
            while asked:
                problems: list[Problem] = []
                for circuit in asked:
                    try:
                        done_s = self.network.apply(wanted_of(circuit), max(circuit.asked_s or now_s, now_s))
                    except RahdariError as error:
                        problems += error.problems
                    else:
                        self.confirm(circuit.circuit_id, done_s, wanted_of(circuit))
                if problems:
                    raise InputError(problems)
                asked = self._asked()  # a leg may have failed while the light was being set

    def _asked(self) -> list[Circuit]:
        return [circuit for circuit in self.ledger.circuits() if circuit.asked_s is not None]

    def confirm(self, circuit_id: str, done_s: int, wanted: Wanted | None = None) -> Circuit:
        """Write down that what was asked of the network was done; also where a technician did it by hand.

        Where another state is wanted by now than the one that was reached, nothing is written: it is still to be asked.
        """
        with self.ledger.changing():
            circuit = self.ledger.circuit(circuit_id)
            if circuit.asked_s is not None and wanted in (None, wanted_of(circuit)):
                self._settle(replace(circuit, asked_s=None), done_s)
        return self.ledger.circuit(circuit_id)

    def _settle(self, circuit: Circuit, done_s: int) -> None:
        if circuit.state == "ceasing":
            self.ledger.end_outages(circuit.circuit_id, done_s)
            self.ledger.put(replace(circuit, state="ceased"), "ceased", done_s)
            self.ledger.close_reservation(circuit.circuit_id, utc_text(done_s))
            self._use_room(done_s)
            return
        is_start = circuit.state == "activating"
        up = replace(circuit, state="active", in_service_s=done_s if is_start else circuit.in_service_s)
        if circuit.state in ("activating", "moving"):
            self.ledger.end_outages(circuit.circuit_id, done_s)
        self.ledger.put(up, f"up on {up.on_way}", done_s)
        self.ledger.trim(up)
        cut = sorted(self.ledger.cut_legs() & set(up.way.legs))
        for leg_id in cut:  # it failed while the light was being set
            self.ledger.open_outage(up, leg_id, done_s)
        if cut:
            self._move(up, done_s)
        self._use_room(done_s)

    def _use_room(self, at_s: int) -> None:
        """Let circuits that are down try again: wavelengths may have been given back."""
        for circuit in self.ledger.circuits(("down",)):
            self._move(circuit, at_s)


def circuit_of(reservation: Reservation) -> Circuit:
    """Return the circuit of a held reservation, not yet active; :class:`InputError` where it is not held."""
    if reservation.state != "held":
        what = f"{reservation.reservation_id} is {reservation.state}"
        raise InputError(Problem(what, "activate a reservation that is held"))
    terms = reservation.terms
    ways = tuple(
        Route(route["role"], {leg: reservation.wavelengths[leg] for leg in route["leg_ids"]})
        for route in terms["routes"]
    )
    return Circuit(
        circuit_id=reservation.reservation_id,
        classification=reservation.classification,
        buyer=reservation.buyer,
        service_class=reservation.service_class,
        gbps=reservation.gbps,
        n_wavelengths=int(terms["n_wavelengths"]),
        price_cents=half_up(Fraction(Decimal(str(terms["price_usd_per_month"]))) * CENTS_PER_USD),
        promised_rtt_ms=max(float(route["rtt_high_ms"]) for route in terms["routes"]),
        state="activating",
        ways=ways,
        on_way=ways[0].way_id,
    )


def ends_of(legs: Mapping[str, LegSpec], way: tuple[str, ...]) -> tuple[str, str]:
    """Return the hubs at the ends of a way, in identifier order; :class:`InputError` where a leg is not known."""
    unknown = [leg for leg in way if leg not in legs]
    if unknown:
        raise InputError(Problem(f"there is no leg {', '.join(unknown)}", "use the plan it was sold from"))
    times = Counter(hub for leg in way for hub in (legs[leg].from_hub, legs[leg].to_hub))
    first, last = sorted(hub for hub, count in times.items() if count % 2)
    return first, last


def wanted_of(circuit: Circuit) -> Wanted:
    """Return the state of the network that a circuit asks for: light on all its ways, traffic on one."""
    if circuit.state in ("ceasing", "ceased"):
        return Wanted(circuit.circuit_id, {}, ())
    lit = {leg: numbers for way in circuit.ways for leg, numbers in way.slots.items()}
    return Wanted(circuit.circuit_id, lit, circuit.way.legs)


def _plain(legs: Mapping[str, LegSpec], usable: set[str]) -> list[Leg]:
    kept = [legs[leg] for leg in sorted(usable)]
    return [Leg(leg.leg_id, leg.from_hub, leg.to_hub, leg.fibre_km, frozenset({ANY})) for leg in kept]
