"""The ledger of reserved wavelengths: one SQLite file, one transaction a change.

Two buyers cannot hold one wavelength: leg and wavelength are the primary key of what is held.  A process that is
killed between any two steps leaves the state before or the state after, never half; the order's own key makes
asking again safe.  The journal is written ahead and synchronised at every commit.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from rahdari.errors import InputError, PlanError, Problem, raise_if_any
from rahdari.store.atomic import locked
from rahdari.store.query import OWNER, Clearance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

FILE = "transit.sqlite3"
APPLICATION_ID = 0x52616864  # "Rahd": tells our files from other databases
FORMAT_VERSION = 1
BUSY_MS = 30_000  # a transaction lasts milliseconds; who waits longer is told
ID_BYTES = 6
STATES = ("held", "released")
SCHEMA = """
CREATE TABLE reservations (
  reservation_id TEXT PRIMARY KEY,
  idempotency_key TEXT NOT NULL UNIQUE,
  request_digest TEXT NOT NULL,
  buyer TEXT NOT NULL,
  service_class TEXT NOT NULL,
  classification TEXT NOT NULL,
  from_name TEXT NOT NULL,
  to_name TEXT NOT NULL,
  gbps REAL NOT NULL CHECK (gbps > 0),
  state TEXT NOT NULL CHECK (state IN ('held', 'released')),
  made_utc TEXT NOT NULL,
  released_utc TEXT,
  terms TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE slots (
  leg_id TEXT NOT NULL,
  wavelength INTEGER NOT NULL CHECK (wavelength >= 1),
  reservation_id TEXT NOT NULL REFERENCES reservations,
  PRIMARY KEY (leg_id, wavelength)
) WITHOUT ROWID;
CREATE INDEX slots_of_reservation ON slots (reservation_id);
CREATE TABLE history (
  step INTEGER PRIMARY KEY AUTOINCREMENT,
  at_utc TEXT NOT NULL,
  reservation_id TEXT NOT NULL,
  what TEXT NOT NULL
);
"""
COLUMNS = (
    "reservation_id", "idempotency_key", "request_digest", "buyer", "service_class", "classification",
    "from_name", "to_name", "gbps", "state", "made_utc", "released_utc", "terms",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Need:
    """How many wavelengths of a leg an order takes, out of how many there are."""

    leg_id: str
    n_needed: int
    n_wavelengths: int


@dataclass(frozen=True, slots=True)
class Order:
    """What a buyer asks to hold; ``terms`` are kept as they are, in JSON."""

    idempotency_key: str
    buyer: str
    service_class: str
    classification: str
    from_name: str
    to_name: str
    gbps: float
    made_utc: str
    needs: tuple[Need, ...]
    terms: dict[str, Any]
    request_digest: str


@dataclass(frozen=True, slots=True)
class Reservation:
    """One reservation as the ledger holds it, with its wavelengths by leg; none once it is released."""

    reservation_id: str
    idempotency_key: str
    request_digest: str
    buyer: str
    service_class: str
    classification: str
    from_name: str
    to_name: str
    gbps: float
    state: str
    made_utc: str
    released_utc: str | None
    terms: dict[str, Any]
    wavelengths: dict[str, tuple[int, ...]]


def _nothing(_step: str) -> None:
    """Stand at no step."""


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what SQLite says into a :class:`PlanError` that names the file and the cure."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        cure = "ask again; nothing was changed"
        raise PlanError(Problem(f"the ledger refused: {error}", cure, str(path))) from error
    except sqlite3.OperationalError as error:
        is_busy = "locked" in str(error) or "busy" in str(error)
        cure = "ask again: another process holds it" if is_busy else "see the message; nothing was changed"
        raise PlanError(Problem(f"cannot use the ledger: {error}", cure, str(path))) from error
    except sqlite3.DatabaseError as error:
        cure = "restore the file from its backup, or give another folder"
        raise PlanError(Problem(f"is no ledger, or damaged: {error}", cure, str(path))) from error


class Ledger:
    """The ledger in a folder; made on first use.  Close it, or use it in a ``with`` statement.

    ``at_step`` is called between the steps of a change; tests stop the process there.
    """

    def __init__(self, folder: Path, *, at_step: Callable[[str], None] = _nothing) -> None:
        """Open the ledger; :class:`rahdari.errors.PlanError` where the file is none of ours."""
        self.path = folder / FILE
        self._at_step = at_step
        # SQLite does not wait when two processes turn a new file to write-ahead at once: one after the other.
        with locked(folder), _told(self.path):
            self._connection = sqlite3.connect(self.path, timeout=BUSY_MS / 1000.0, isolation_level=None)
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    def _prepare(self) -> None:
        run = self._connection.execute
        run("PRAGMA foreign_keys = ON")
        version = run("PRAGMA user_version").fetchone()[0]
        is_new = version == 0 and not run("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
        if not is_new and run("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise PlanError(Problem("is no ledger of rahdari", "give another folder", str(self.path)))
        if not is_new and version != FORMAT_VERSION:
            cure = "open it with the version of rahdari that wrote it"
            raise PlanError(Problem(f"has format {version}", cure, str(self.path)))
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = FULL")
        if is_new:
            script = f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT_VERSION};"
            self._connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} {script} COMMIT;")

    def __enter__(self) -> Self:
        """Return the ledger."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextlib.contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """Hold the only right to write; commit at the end, undo everything on any error."""
        with _told(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            self._at_step("begun")
            try:
                yield self._connection
                self._at_step("written")
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        self._at_step("committed")

    def reserve(self, order: Order) -> Reservation:
        """Hold the lowest free wavelengths of every leg of an order, all of them or none.

        The same key with the same request returns what was made then.  :class:`InputError` where the key was used
        for another request, or where a leg has too few free wavelengths: every such leg is named.
        """
        with self._change() as connection:
            standing = self.standing(order.idempotency_key, order.request_digest)
            if standing is not None:
                return standing
            chosen = self._choose(order.needs)
            digest = hashlib.blake2b(order.idempotency_key.encode(), digest_size=ID_BYTES).hexdigest()
            reservation_id = f"tr-{digest}"
            values = (
                reservation_id, order.idempotency_key, order.request_digest, order.buyer, order.service_class,
                order.classification, order.from_name, order.to_name, order.gbps, "held", order.made_utc, None,
                json.dumps(order.terms, sort_keys=True, ensure_ascii=False),
            )  # fmt: skip
            marks = ", ".join("?" * len(COLUMNS))
            connection.execute(f"INSERT INTO reservations ({', '.join(COLUMNS)}) VALUES ({marks})", values)
            self._at_step("entered")
            slots = [(leg_id, number, reservation_id) for leg_id, numbers in chosen.items() for number in numbers]
            connection.executemany("INSERT INTO slots (leg_id, wavelength, reservation_id) VALUES (?, ?, ?)", slots)
            self._note(order.made_utc, reservation_id, "held")
        return self.reservation(reservation_id)

    def release(self, reservation_id: str, at_utc: str) -> Reservation:
        """Give the wavelengths of a reservation back; releasing it again changes nothing.

        :class:`InputError` where there is no such reservation.
        """
        with self._change() as connection:
            standing = self._known(reservation_id)
            if standing.state == "held":
                connection.execute("DELETE FROM slots WHERE reservation_id = ?", (reservation_id,))
                self._at_step("entered")
                connection.execute(
                    "UPDATE reservations SET state = 'released', released_utc = ? WHERE reservation_id = ?",
                    (at_utc, reservation_id),
                )
                self._note(at_utc, reservation_id, "released")
        return self.reservation(reservation_id)

    def standing(self, idempotency_key: str, request_digest: str) -> Reservation | None:
        """Return the reservation made under a key, or ``None``.

        :class:`InputError` where the key was used for another request.
        """
        with _told(self.path):
            found = self._find("idempotency_key", idempotency_key)
        if found is not None and found.request_digest != request_digest:
            what = f"key '{idempotency_key}' was used for another request, {found.reservation_id}"
            raise InputError(Problem(what, "give a new key for a new request", str(self.path)))
        return found

    def reservation(self, reservation_id: str) -> Reservation:
        """Return one reservation; :class:`InputError` where there is none."""
        with _told(self.path):
            return self._known(reservation_id)

    def reservations(self, states: Sequence[str] = STATES, clearance: Clearance = OWNER) -> list[Reservation]:
        """Return all reservations in the given states that the clearance covers, by time, then identifier."""
        with _told(self.path):
            rows = self._connection.execute(
                "SELECT reservation_id FROM reservations ORDER BY made_utc, reservation_id"
            ).fetchall()
            found = [self._known(row[0]) for row in rows]
        seen = None if clearance.is_full else clearance.allows()
        return [each for each in found if each.state in states and (seen is None or each.classification in seen)]

    def n_held(self) -> dict[str, int]:
        """Return how many wavelengths of each leg are held."""
        with _told(self.path):
            rows = self._connection.execute("SELECT leg_id, count(*) FROM slots GROUP BY leg_id ORDER BY leg_id")
            return {str(leg_id): int(count) for leg_id, count in rows}

    def history(self) -> list[tuple[str, str, str]]:
        """Return time, reservation and change of everything that happened, in order."""
        with _told(self.path):
            rows = self._connection.execute("SELECT at_utc, reservation_id, what FROM history ORDER BY step")
            return [(str(at), str(reservation_id), str(what)) for at, reservation_id, what in rows]

    def _choose(self, needs: Sequence[Need]) -> dict[str, list[int]]:
        """Return the lowest free wavelengths of each leg; every leg that has too few is named."""
        chosen, problems = {}, []
        for need in needs:
            rows = self._connection.execute("SELECT wavelength FROM slots WHERE leg_id = ?", (need.leg_id,))
            taken = {row[0] for row in rows}
            free = [number for number in range(1, need.n_wavelengths + 1) if number not in taken]
            if len(free) < need.n_needed:
                what = (
                    f"leg {need.leg_id} has {len(free)} free of {need.n_wavelengths} wavelengths, "
                    f"{need.n_needed} are asked for"
                )
                problems.append(Problem(what, "ask for less, or wait for a release", str(self.path)))
            chosen[need.leg_id] = free[: need.n_needed]
        raise_if_any(problems)
        return chosen

    def _note(self, at_utc: str, reservation_id: str, what: str) -> None:
        self._connection.execute(
            "INSERT INTO history (at_utc, reservation_id, what) VALUES (?, ?, ?)", (at_utc, reservation_id, what)
        )

    def _known(self, reservation_id: str) -> Reservation:
        found = self._find("reservation_id", reservation_id)
        if found is None:
            cure = "see 'rahdari transit list' for those there are"
            raise InputError(Problem(f"there is no reservation '{reservation_id}'", cure, str(self.path)))
        return found

    def _find(self, column: str, value: str) -> Reservation | None:
        row = self._connection.execute(
            f"SELECT {', '.join(COLUMNS)} FROM reservations WHERE {column} = ?", (value,)
        ).fetchone()
        if row is None:
            return None
        named = dict(zip(COLUMNS, row, strict=True))
        wavelengths: dict[str, list[int]] = {}
        for leg_id, number in self._connection.execute(
            "SELECT leg_id, wavelength FROM slots WHERE reservation_id = ? ORDER BY leg_id, wavelength",
            (named["reservation_id"],),
        ):
            wavelengths.setdefault(leg_id, []).append(number)
        held = {leg_id: tuple(numbers) for leg_id, numbers in wavelengths.items()}
        return Reservation(**{**named, "terms": json.loads(named["terms"]), "wavelengths": held})
