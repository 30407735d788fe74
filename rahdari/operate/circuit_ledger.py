"""Circuits in the ledger of reservations: states, faults, outages, measurements and postings, in its one file.

Every posting is one row with the account debited, the account credited and one amount, so that debits equal credits
by the form of the row.  Every row bears the classification of its circuit, and every reader filters by it.  An act is
known by its key: doing it again under the same key changes nothing.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rahdari.errors import InputError, Problem
from rahdari.operate.adapters import Measured, Slots
from rahdari.operate.sla import Outage, Window
from rahdari.store.ledger import Ledger
from rahdari.store.query import OWNER, Clearance

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

STATES = ("activating", "active", "degraded", "moving", "down", "ceasing", "ceased")
IN_SERVICE = ("active", "degraded", "moving", "down")
SCHEMA = """
CREATE TABLE IF NOT EXISTS circuits (
  circuit_id TEXT PRIMARY KEY REFERENCES reservations (reservation_id),
  classification TEXT NOT NULL,
  buyer TEXT NOT NULL,
  service_class TEXT NOT NULL,
  gbps REAL NOT NULL CHECK (gbps > 0),
  n_wavelengths INTEGER NOT NULL CHECK (n_wavelengths > 0),
  price_cents INTEGER NOT NULL CHECK (price_cents >= 0),
  promised_rtt_ms REAL NOT NULL,
  state TEXT NOT NULL,
  ways TEXT NOT NULL,
  on_way TEXT NOT NULL,
  asked_s INTEGER,
  in_service_s INTEGER,
  ceased_s INTEGER
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS acts (act_key TEXT PRIMARY KEY, what TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS faults (
  act_key TEXT PRIMARY KEY, leg_id TEXT NOT NULL, began_s INTEGER NOT NULL, ended_s INTEGER,
  classification TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outages (
  circuit_id TEXT NOT NULL REFERENCES circuits, cause TEXT NOT NULL, began_s INTEGER NOT NULL, ended_s INTEGER,
  classification TEXT NOT NULL, PRIMARY KEY (circuit_id, cause, began_s)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS windows (
  act_key TEXT PRIMARY KEY, covers TEXT NOT NULL, begin_s INTEGER NOT NULL, end_s INTEGER NOT NULL,
  announced_s INTEGER NOT NULL, classification TEXT NOT NULL, CHECK (begin_s < end_s)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS measurements (
  circuit_id TEXT NOT NULL REFERENCES circuits, at_s INTEGER NOT NULL, rtt_ms REAL, loss_frac REAL NOT NULL,
  gbps REAL NOT NULL, is_kept INTEGER NOT NULL, classification TEXT NOT NULL, PRIMARY KEY (circuit_id, at_s)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS postings (
  posting_key TEXT PRIMARY KEY,
  circuit_id TEXT NOT NULL REFERENCES circuits,
  month TEXT NOT NULL,
  what TEXT NOT NULL,
  debit TEXT NOT NULL,
  credit TEXT NOT NULL CHECK (credit <> debit),
  usd_cents INTEGER NOT NULL CHECK (usd_cents > 0),
  pkr_paisa INTEGER NOT NULL CHECK (pkr_paisa > 0),
  pkr_per_usd TEXT NOT NULL,
  rate_date TEXT NOT NULL,
  rate_source TEXT NOT NULL,
  booked_s INTEGER NOT NULL,
  classification TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS circuit_history (
  step INTEGER PRIMARY KEY AUTOINCREMENT, at_s INTEGER NOT NULL, circuit_id TEXT NOT NULL, what TEXT NOT NULL,
  classification TEXT NOT NULL
);
CREATE TRIGGER IF NOT EXISTS circuit_holds_its_reservation BEFORE UPDATE OF state ON reservations
WHEN NEW.state = 'released'
  AND EXISTS (SELECT 1 FROM circuits WHERE circuit_id = NEW.reservation_id AND state <> 'ceased')
BEGIN SELECT RAISE(ABORT, 'its circuit is in service: cease the circuit first'); END;
"""


@dataclass(frozen=True, slots=True)
class Route:
    """A way of a circuit with its wavelengths by leg, in the order of the way."""

    way_id: str
    slots: Slots

    @property
    def legs(self) -> tuple[str, ...]:
        """Return the legs of the way."""
        return tuple(self.slots)


@dataclass(frozen=True, slots=True)
class Circuit:
    """A circuit as the ledger holds it.

    ``ways`` are those it was sold with, then one found after a failure; ``on_way`` is the one in use, or last used
    while it is down.  ``asked_s`` is set while the network has not yet said that the state wanted is reached.
    """

    circuit_id: str
    classification: str
    buyer: str
    service_class: str
    gbps: float
    n_wavelengths: int
    price_cents: int
    promised_rtt_ms: float
    state: str
    ways: tuple[Route, ...]
    on_way: str
    asked_s: int | None = None
    in_service_s: int | None = None
    ceased_s: int | None = None

    @property
    def way(self) -> Route:
        """Return the way in use, or last used."""
        return next(each for each in self.ways if each.way_id == self.on_way)


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured on a circuit, and whether its promise was kept."""

    at_s: int
    measured: Measured
    is_kept: bool


@dataclass(frozen=True, slots=True)
class Posting:
    """One booking: an amount from the account credited to the account debited, in both currencies."""

    posting_key: str
    circuit_id: str
    month: str
    what: str
    debit: str
    credit: str
    usd_cents: int
    pkr_paisa: int
    pkr_per_usd: str
    rate_date: str
    rate_source: str
    booked_s: int
    classification: str = field(default="secret")


COLUMNS = tuple(Circuit.__dataclass_fields__)
POSTING = tuple(Posting.__dataclass_fields__)


class CircuitLedger(Ledger):
    """The ledger with its circuits.

    Changes are made inside ``with ledger.changing():``, one transaction each.
    """

    def _prepare(self) -> None:
        super()._prepare()
        self._connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """Hold the only right to write; commit at the end, undo everything on any error."""
        with self._change():
            yield

    def is_new_act(self, act_key: str, what: str) -> bool:
        """Write an act down; return whether it is new.  :class:`InputError` where the key was used for another."""
        row = self._connection.execute("SELECT what FROM acts WHERE act_key = ?", (act_key,)).fetchone()
        if row is None:
            self._connection.execute("INSERT INTO acts VALUES (?, ?)", (act_key, what))
            return True
        if row[0] != what:
            raise InputError(Problem(f"key '{act_key}' was used for '{row[0]}'", "give a new key for a new act"))
        return False

    def put(self, circuit: Circuit, what: str, at_s: int) -> None:
        """Write a circuit as it now is, with a line of its history."""
        values = {name: getattr(circuit, name) for name in COLUMNS}
        values["ways"] = json.dumps([[each.way_id, list(each.slots.items())] for each in circuit.ways])
        marks = ", ".join("?" * len(COLUMNS))
        changes = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS[1:])
        self._connection.execute(
            f"INSERT INTO circuits ({', '.join(COLUMNS)}) VALUES ({marks}) "
            f"ON CONFLICT (circuit_id) DO UPDATE SET {changes}",
            tuple(values.values()),
        )
        self._connection.execute(
            "INSERT INTO circuit_history (at_s, circuit_id, what, classification) VALUES (?, ?, ?, ?)",
            (at_s, circuit.circuit_id, what, circuit.classification),
        )
        self._at_step("entered")

    def circuits(self, states: Iterable[str] = STATES, clearance: Clearance = OWNER) -> list[Circuit]:
        """Return the circuits in the given states that the clearance covers; secure ones first, then by identifier."""
        rows = self._rows("circuits", COLUMNS, "1 = 1", (), clearance)
        found = [_circuit(row) for row in rows]
        found.sort(key=lambda each: (each.service_class == "standard", each.circuit_id))
        return [each for each in found if each.state in tuple(states)]

    def circuit(self, circuit_id: str, clearance: Clearance = OWNER) -> Circuit:
        """Return one circuit; :class:`InputError` where there is none that may be seen."""
        rows = self._rows("circuits", COLUMNS, "circuit_id = ?", (circuit_id,), clearance)
        if not rows:
            what, cure = f"there is no circuit '{circuit_id}'", "see 'rahdari circuit list' for those there are"
            raise InputError(Problem(what, cure, str(self.path)))
        return _circuit(rows[0])

    def take(self, circuit_id: str, slots: Slots) -> None:
        """Hold further wavelengths for a circuit; those it has stay its own."""
        wanted = [(leg, number, circuit_id) for leg, numbers in slots.items() for number in numbers]
        own = "SELECT 1 FROM slots WHERE leg_id = ? AND wavelength = ? AND reservation_id = ?"
        new = [each for each in wanted if self._connection.execute(own, each).fetchone() is None]
        self._connection.executemany("INSERT INTO slots (leg_id, wavelength, reservation_id) VALUES (?, ?, ?)", new)

    def trim(self, circuit: Circuit) -> None:
        """Give back every wavelength of a circuit that none of its ways uses."""
        kept = {(leg, number) for way in circuit.ways for leg, numbers in way.slots.items() for number in numbers}
        held = self._connection.execute(
            "SELECT leg_id, wavelength FROM slots WHERE reservation_id = ?", (circuit.circuit_id,)
        ).fetchall()
        gone = sorted(set(held) - kept)
        self._connection.executemany("DELETE FROM slots WHERE leg_id = ? AND wavelength = ?", gone)

    def free(self, leg_id: str, n_wavelengths: int) -> list[int]:
        """Return the free wavelengths of a leg, lowest first."""
        rows = self._connection.execute("SELECT wavelength FROM slots WHERE leg_id = ?", (leg_id,))
        taken = {row[0] for row in rows}
        return [number for number in range(1, n_wavelengths + 1) if number not in taken]

    def close_reservation(self, circuit_id: str, at_utc: str) -> None:
        """Mark the reservation of a circuit that has ceased as released."""
        self._connection.execute("DELETE FROM slots WHERE reservation_id = ?", (circuit_id,))
        self._connection.execute(
            "UPDATE reservations SET state = 'released', released_utc = ? WHERE reservation_id = ?",
            (at_utc, circuit_id),
        )
        self._note(at_utc, circuit_id, "released")

    def add_fault(self, act_key: str, leg_id: str, began_s: int) -> None:
        """Write down that a leg carries nothing."""
        self._connection.execute("INSERT INTO faults VALUES (?, ?, ?, NULL, 'internal')", (act_key, leg_id, began_s))

    def end_faults(self, leg_id: str, ended_s: int) -> None:
        """Write down that a leg is whole again."""
        self._connection.execute(
            "UPDATE faults SET ended_s = ? WHERE leg_id = ? AND ended_s IS NULL AND began_s <= ?",
            (ended_s, leg_id, ended_s),
        )

    def cut_legs(self) -> frozenset[str]:
        """Return the legs that carry nothing now."""
        return frozenset(row[0] for row in self._connection.execute("SELECT leg_id FROM faults WHERE ended_s IS NULL"))

    def open_outage(self, circuit: Circuit, cause: str, began_s: int) -> None:
        """Write down that a circuit is without service from a cause, unless that is known."""
        known = "SELECT 1 FROM outages WHERE circuit_id = ? AND cause = ? AND ended_s IS NULL"
        if self._connection.execute(known, (circuit.circuit_id, cause)).fetchone() is None:
            self._connection.execute(
                "INSERT OR REPLACE INTO outages VALUES (?, ?, ?, NULL, ?)",
                (circuit.circuit_id, cause, began_s, circuit.classification),
            )

    def end_outages(self, circuit_id: str, ended_s: int, cause: str | None = None) -> None:
        """End the outages of a circuit, all or those of one cause; none ends before it began."""
        self._connection.execute(
            "UPDATE outages SET ended_s = max(began_s, ?) WHERE circuit_id = ? AND ended_s IS NULL "
            "AND (? IS NULL OR cause = ?)",
            (ended_s, circuit_id, cause, cause),
        )

    def outages(self, circuit_id: str, clearance: Clearance = OWNER) -> list[Outage]:
        """Return the outages of a circuit in order."""
        names = ("cause", "began_s", "ended_s")
        rows = self._rows("outages", names, "circuit_id = ?", (circuit_id,), clearance)
        return sorted((Outage(**row) for row in rows), key=lambda each: (each.began_s, each.cause))

    def add_window(self, act_key: str, window: Window, classification: str) -> None:
        """Write planned work down."""
        values = (act_key, window.covers, window.begin_s, window.end_s, window.announced_s, classification)
        self._connection.execute("INSERT INTO windows VALUES (?, ?, ?, ?, ?, ?)", values)

    def windows(self, clearance: Clearance = OWNER) -> list[Window]:
        """Return all planned work that may be seen, in order."""
        rows = self._rows("windows", ("covers", "begin_s", "end_s", "announced_s"), "1 = 1", (), clearance)
        return sorted((Window(**row) for row in rows), key=lambda each: (each.begin_s, each.covers, each.end_s))

    def add_measurement(self, circuit: Circuit, made: Measurement) -> None:
        """Write a measurement down; the first of a second stands."""
        each = made.measured
        self._connection.execute(
            "INSERT OR IGNORE INTO measurements VALUES (?, ?, ?, ?, ?, ?, ?)",
            (circuit.circuit_id, made.at_s, each.rtt_ms, each.loss_frac, each.gbps, made.is_kept,
             circuit.classification),
        )  # fmt: skip

    def measurements(self, circuit_id: str, clearance: Clearance = OWNER) -> list[Measurement]:
        """Return the measurements of a circuit in order."""
        names = ("at_s", "rtt_ms", "loss_frac", "gbps", "is_kept")
        rows = self._rows("measurements", names, "circuit_id = ?", (circuit_id,), clearance)
        return [
            Measurement(row["at_s"], Measured(row["rtt_ms"], row["loss_frac"], row["gbps"]), bool(row["is_kept"]))
            for row in sorted(rows, key=lambda row: int(row["at_s"]))
        ]

    def post(self, posting: Posting) -> None:
        """Book one posting."""
        marks = ", ".join("?" * len(POSTING))
        values = tuple(getattr(posting, name) for name in POSTING)
        self._connection.execute(f"INSERT INTO postings ({', '.join(POSTING)}) VALUES ({marks})", values)
        self._at_step("posted")

    def postings(self, clearance: Clearance = OWNER, circuit_id: str | None = None) -> list[Posting]:
        """Return the postings that may be seen, by month, then key."""
        rows = self._rows("postings", POSTING, "? IS NULL OR circuit_id = ?", (circuit_id, circuit_id), clearance)
        return sorted((Posting(**row) for row in rows), key=lambda each: (each.month, each.posting_key))

    def circuit_history(self, clearance: Clearance = OWNER) -> list[tuple[int, str, str]]:
        """Return time, circuit and change of everything that happened to circuits, in order."""
        names = ("step", "at_s", "circuit_id", "what")
        rows = self._rows("circuit_history", names, "1 = 1", (), clearance)
        return [(row["at_s"], row["circuit_id"], row["what"]) for row in sorted(rows, key=lambda row: int(row["step"]))]

    def _rows(
        self, table: str, names: tuple[str, ...], where: str, values: tuple[Any, ...], clearance: Clearance
    ) -> list[dict[str, Any]]:
        """Return rows of a table without those that the clearance does not cover; a label nobody knows is secret."""
        seen = [] if clearance.is_full else clearance.allows()
        marks = ", ".join("?" * len(seen))
        label = "1 = 1" if clearance.is_full else f"classification IN ({marks})"
        found: sqlite3.Cursor = self._connection.execute(
            f"SELECT {', '.join(names)} FROM {table} WHERE ({where}) AND {label}", (*values, *seen)
        )
        return [dict(zip(names, row, strict=True)) for row in found]


def _circuit(row: dict[str, Any]) -> Circuit:
    ways = tuple(
        Route(way_id, {leg: tuple(numbers) for leg, numbers in slots}) for way_id, slots in json.loads(row["ways"])
    )
    return Circuit(**{**row, "ways": ways})
