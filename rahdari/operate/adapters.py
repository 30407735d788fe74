"""Networks that circuits run on: what is wanted goes in as a whole state, what is measured comes out.

A state, not a step, is asked for: asking again after a crash changes nothing.  The bundled network is simulated and
keeps its own file, as a real one would keep its own memory.  Adapters to real devices only read.
"""

from __future__ import annotations

import contextlib
import json
import math
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rahdari.errors import InputError, PlanError, Problem
from rahdari.methods.ways import round_trip_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

Slots = dict[str, tuple[int, ...]]
FILE = "simulated_network.sqlite3"
BUSY_MS = 30_000
SWITCH_S = 1  # onto light that is there: 50 ms (ITU-T G.841), counted as a whole second in the buyer's favour
LIGHT_S_PER_LEG = 30  # to light new wavelengths: assumed, minutes are published for a whole path
FRAME_LOSS_PER_LEG_FRAC = 1e-9  # after error correction: assumed
MAX_LINE = 100_000  # characters of one measurement in a file


@dataclass(frozen=True, slots=True)
class LegSpec:
    """Fibre between two hubs, and how many wavelengths of what rate it sells."""

    leg_id: str
    from_hub: str
    to_hub: str
    fibre_km: float
    n_wavelengths: int
    wavelength_gbps: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """The light a circuit shall have, and the legs that shall carry it; both empty once it has ceased."""

    circuit_id: str
    lit: Slots
    carries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """Round trip, share of frames lost and rate end to end; ``rtt_ms`` is ``None`` where nothing comes through."""

    rtt_ms: float | None
    loss_frac: float
    gbps: float


class Network(Protocol):
    """A network that circuits run on."""

    def apply(self, wanted: Wanted, at_s: int) -> int:
        """Bring a circuit into a state; return when that was done, the same second however often it is asked."""
        ...

    def measure(self, circuit_id: str) -> Measured:
        """Return what is measured end to end now."""
        ...


class SimulatedNetwork:
    """A network in one file: delay is that of light in the fibre, loss and rate follow the legs; nothing is random.

    ``at_step`` is called between the steps of a change; tests stop the process there.
    """

    def __init__(
        self, folder: Path, legs: Mapping[str, LegSpec], *, at_step: Callable[[str], None] | None = None
    ) -> None:
        """Open the network of a folder; made on first use."""
        self.path = folder / FILE
        self.legs = legs
        self._at_step = at_step or (lambda _step: None)
        folder.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(self.path, timeout=BUSY_MS / 1000.0, isolation_level=None)
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def _prepare(self) -> None:
        with self._change() as connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS lit (leg_id TEXT, wavelength INTEGER, circuit_id TEXT NOT NULL, "
                "PRIMARY KEY (leg_id, wavelength)) WITHOUT ROWID"
            )
            connection.execute(
                "CREATE TABLE IF NOT EXISTS carried (circuit_id TEXT PRIMARY KEY, state TEXT NOT NULL, "
                "done_s INTEGER NOT NULL) WITHOUT ROWID"
            )
            connection.execute(
                "CREATE TABLE IF NOT EXISTS condition (leg_id TEXT PRIMARY KEY, is_cut INTEGER NOT NULL, "
                "added_ms REAL NOT NULL, loss_frac REAL NOT NULL, rate_frac REAL NOT NULL) WITHOUT ROWID"
            )

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> SimulatedNetwork:  # noqa: PYI034  # one class, no heirs
        """Return the network."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close the file."""
        self.close()

    @contextlib.contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        try:
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._at_step("network begun")
                yield self._connection
                self._at_step("network written")
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        except sqlite3.IntegrityError as error:
            what, cure = "another circuit's light is on a wavelength asked for", "see 'rahdari circuit list'"
            raise PlanError(Problem(what, cure, str(self.path))) from error
        except sqlite3.DatabaseError as error:
            raise PlanError(Problem(f"cannot use the network: {error}", "ask again", str(self.path))) from error
        self._at_step("network committed")

    def apply(self, wanted: Wanted, at_s: int) -> int:
        """Light what is wanted, darken the rest of the circuit; return when it was done."""
        unknown = sorted(set(wanted.lit) - set(self.legs))
        if unknown:
            raise InputError(Problem(f"the network has no leg {', '.join(unknown)}", "use the plan it was sold from"))
        state = json.dumps({"lit": wanted.lit, "carries": wanted.carries}, sort_keys=True)
        with self._change() as connection:
            row = connection.execute(
                "SELECT state, done_s FROM carried WHERE circuit_id = ?", (wanted.circuit_id,)
            ).fetchone()
            if row is not None and row[0] == state:
                return int(row[1])
            before = {
                (str(leg), int(number))
                for leg, number in connection.execute(
                    "SELECT leg_id, wavelength FROM lit WHERE circuit_id = ?", (wanted.circuit_id,)
                )
            }
            after = {(leg, number) for leg, numbers in wanted.lit.items() for number in numbers}
            connection.executemany("DELETE FROM lit WHERE leg_id = ? AND wavelength = ?", sorted(before - after))
            connection.executemany(
                "INSERT INTO lit VALUES (?, ?, ?)", [(*slot, wanted.circuit_id) for slot in sorted(after - before)]
            )
            done_s = at_s + (LIGHT_S_PER_LEG * len({leg for leg, _ in after - before}) or SWITCH_S)
            connection.execute("INSERT OR REPLACE INTO carried VALUES (?, ?, ?)", (wanted.circuit_id, state, done_s))
        return done_s

    def measure(self, circuit_id: str) -> Measured:
        """Return what is measured end to end; nothing comes through a cut leg or a circuit that carries nothing."""
        row = self._connection.execute("SELECT state FROM carried WHERE circuit_id = ?", (circuit_id,)).fetchone()
        state = json.loads(row[0]) if row else {"carries": []}
        worn = {leg: rest for leg, *rest in self._connection.execute("SELECT * FROM condition")}
        legs = [(self.legs[leg], worn.get(leg, [0, 0.0, 0.0, 1.0])) for leg in state["carries"]]
        if not legs or any(is_cut for _, (is_cut, *_) in legs):
            return Measured(None, 1.0, 0.0)
        kept = math.prod((1.0 - FRAME_LOSS_PER_LEG_FRAC) * (1.0 - loss) for _, (_, _, loss, _) in legs)
        rates = [len(state["lit"][leg.leg_id]) * leg.wavelength_gbps * rate_frac for leg, (_, _, _, rate_frac) in legs]
        rtt_ms = round_trip_ms(sum(leg.fibre_km for leg, _ in legs)) + sum(added for _, (_, added, _, _) in legs)
        return Measured(rtt_ms, 1.0 - kept, min(rates))

    def set_condition(
        self,
        leg_id: str,
        *,
        is_cut: bool = False,
        added_ms: float = 0.0,
        loss_frac: float = 0.0,
        rate_frac: float = 1.0,
    ) -> None:
        """Cut a leg, wear it, or make it whole again; this is the world's doing, not an operator's."""
        if leg_id not in self.legs:
            cure = f"use one of {', '.join(sorted(self.legs))}"
            raise InputError(Problem(f"the network has no leg '{leg_id}'", cure))
        values = (leg_id, int(is_cut), added_ms, loss_frac, rate_frac)
        with self._change() as connection:
            connection.execute("INSERT OR REPLACE INTO condition VALUES (?, ?, ?, ?, ?)", values)

    def light(self) -> dict[tuple[str, int], str]:
        """Return whose light is on each leg and wavelength."""
        rows = self._connection.execute("SELECT leg_id, wavelength, circuit_id FROM lit ORDER BY 1, 2")
        return {(str(leg), int(number)): str(circuit) for leg, number, circuit in rows}


class ReadOnlyNetwork:
    """Real devices, seen through a file of what their own test sets measured; nothing is ever written to a device.

    One JSON object a line: ``circuit_id``, ``rtt_ms`` (null: nothing comes through), ``loss_frac``, ``gbps``; the last
    line of a circuit holds.  What is wanted is refused with the work order that a technician carries out.
    """

    def __init__(self, path: Path) -> None:
        """Name the file."""
        self.path = path

    def apply(self, wanted: Wanted, at_s: int) -> int:  # noqa: ARG002  # the protocol's
        """Refuse; :class:`InputError` says what a technician has to do."""
        legs = [f"{leg} {', '.join(map(str, wanted.lit[leg]))}" for leg in wanted.carries]
        order = f"light wavelengths {'; '.join(legs)}" if legs else "darken all its wavelengths"
        what = f"this adapter only reads devices, nothing was written for {wanted.circuit_id}"
        raise InputError(Problem(what, f"hand on the work order: {order}; then confirm it as done by hand"))

    def measure(self, circuit_id: str) -> Measured:
        """Return the last measurement of a circuit; :class:`InputError` names every line that is none."""
        found, problems = None, []
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            cure = "give a file of measurements"
            raise InputError(Problem(f"cannot be read: {error}", cure, str(self.path))) from error
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                made = _measured(line)
            except (ValueError, TypeError, KeyError, RecursionError):
                cure = "give circuit_id, rtt_ms, loss_frac and gbps as JSON"
                problems.append(Problem("is no measurement", cure, str(self.path), number))
                continue
            found = made[1] if made[0] == circuit_id else found
        if problems:
            raise InputError(problems)
        if found is None:
            raise InputError(Problem(f"no measurement of {circuit_id}", "measure it first", str(self.path)))
        return found


def _measured(line: str) -> tuple[str, Measured]:
    if len(line) > MAX_LINE:
        raise ValueError
    data = json.loads(line)
    rtt_ms = None if data["rtt_ms"] is None else float(data["rtt_ms"])
    made = Measured(rtt_ms, float(data["loss_frac"]), float(data["gbps"]))
    numbers = (0.0 if rtt_ms is None else rtt_ms, made.loss_frac, made.gbps)
    if not all(math.isfinite(each) and each >= 0.0 for each in numbers) or made.loss_frac > 1.0:
        raise ValueError
    return str(data["circuit_id"]), made
