"""The toll ledger: every passage once, totals to the rupee, plates only as hashes under a key kept elsewhere."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from rahdari.errors import InputError, PlanError, Problem, raise_if_any
from rahdari.store.atomic import locked, write_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

APPLICATION_ID = 0x52746F6C  # "Rtol"
FORMAT_VERSION = 1
BUSY_MS = 30_000
KEY_BYTES = 32
DAY_S = 86_400.0
STATES = ("booked", "to_review", "disputed", "void")
SCHEMA = """
CREATE TABLE passages (
  passage_id TEXT PRIMARY KEY,
  digest TEXT NOT NULL,
  gantry_id TEXT NOT NULL,
  lane TEXT NOT NULL,
  at_s REAL NOT NULL,
  vehicle_class TEXT NOT NULL,
  toll_paisa INTEGER NOT NULL CHECK (toll_paisa >= 0),
  key_id TEXT,
  plate_hash TEXT,
  confidence REAL NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('booked', 'to_review', 'disputed', 'void')),
  reason TEXT NOT NULL,
  frames TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX passages_by_plate ON passages (key_id, plate_hash) WHERE plate_hash IS NOT NULL;
CREATE INDEX passages_by_state ON passages (state, at_s);
CREATE TABLE totals (
  gantry_id TEXT NOT NULL,
  state TEXT NOT NULL,
  n_passages INTEGER NOT NULL,
  toll_paisa INTEGER NOT NULL,
  PRIMARY KEY (gantry_id, state)
) WITHOUT ROWID;
CREATE TABLE decisions (
  step INTEGER PRIMARY KEY AUTOINCREMENT,
  at_s REAL NOT NULL,
  passage_id TEXT NOT NULL,
  was TEXT NOT NULL,
  now TEXT NOT NULL,
  who TEXT NOT NULL,
  why TEXT NOT NULL
);
"""


BOOKED = (
    "passage_id", "gantry_id", "lane", "at_s", "vehicle_class", "toll_paisa", "confidence", "state", "reason",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Passage:
    """One vehicle under one gantry, as the gantry tells it; ``passage_id`` is the same however often it is told.

    ``plate`` is None where no plate could be read; ``frames`` name the images, which a person looks at then.
    """

    passage_id: str
    gantry_id: str
    lane: str
    at_s: float
    plate: str | None
    confidence: float
    vehicle_class: str = "car"
    toll_paisa: int = 0
    reason: str = ""
    frames: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Booked:
    """A passage as the ledger holds it; the plate itself is not in it."""

    passage_id: str
    gantry_id: str
    lane: str
    at_s: float
    vehicle_class: str
    toll_paisa: int
    confidence: float
    state: str
    reason: str
    frames: tuple[str, ...]


def _read_keys(path: Path) -> dict[str, str]:
    """Return the keys in a file, none where there is no file."""
    if not path.is_file():
        return {}
    if path.stat().st_mode & 0o077:
        raise InputError(Problem("others may read the keys of plates", "chmod 600 the file", str(path)))
    try:
        return {str(name): str(key) for name, key in json.loads(path.read_text(encoding="utf-8")).items()}
    except (ValueError, AttributeError) as error:
        raise InputError(Problem("is no file of keys", "restore it from its backup", str(path))) from error


class PlateKeys:
    """Keys under which plates are hashed, in a file of their own that only its owner may read.

    A new key is made every ``days``; destroyed keys leave hashes that nobody can test a plate against.
    """

    def __init__(self, path: Path, *, days: float = 30.0) -> None:
        """Read the keys; :class:`InputError` where others may read the file or it is damaged."""
        self.path, self._period_s = path, days * DAY_S
        self._keys = _read_keys(path)

    def at(self, at_s: float) -> tuple[str, bytes]:
        """Return the name and the key for a time; a new one is made and written first where there is none."""
        name = f"{int(at_s // self._period_s):06d}"
        if name not in self._keys:
            with locked(self.path.parent):
                self._keys = _read_keys(self.path)  # another process may have made it meanwhile
                self._keys.setdefault(name, secrets.token_hex(KEY_BYTES))
                self._write()
        return name, bytes.fromhex(self._keys[name])

    def known(self) -> dict[str, bytes]:
        """Return all keys by name."""
        return {name: bytes.fromhex(key) for name, key in self._keys.items()}

    def forget_before(self, at_s: float) -> list[str]:
        """Destroy the keys of periods that ended before a time; return their names."""
        gone = [name for name in self._keys if (int(name) + 1) * self._period_s <= at_s]
        self._keys = {name: key for name, key in self._keys.items() if name not in gone}
        if gone:
            self._write()
        return sorted(gone)

    def _write(self) -> None:
        mask = os.umask(0o077)
        try:
            write_text(self.path, json.dumps(self._keys))
        finally:
            os.umask(mask)


def plate_hash(plate: str, key: bytes) -> str:
    """Return the keyed hash of a plate (HMAC-SHA-256)."""
    return hmac.new(key, plate.encode(), hashlib.sha256).hexdigest()


def _nothing(_step: str) -> None:
    """Stand at no step."""


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        cure = "free some space, or ask again; nothing was changed"
        raise PlanError(Problem(f"cannot use the toll ledger: {error}", cure, str(path))) from error
    except sqlite3.DatabaseError as error:
        cure = "restore the file from its backup, or give another path"
        raise PlanError(Problem(f"is no toll ledger, or damaged: {error}", cure, str(path))) from error


def _digest(passage: Passage) -> str:
    """Return what tells the same passage told again from another one under its number."""
    told = [passage.gantry_id, passage.lane, passage.at_s, passage.vehicle_class, passage.toll_paisa, passage.frames]
    return hashlib.blake2b(json.dumps(told).encode(), digest_size=16).hexdigest()


class TollLedger:
    """The ledger in one SQLite file, beside it ``<name>.keys`` unless ``keys`` are given; use it with ``with``.

    ``at_step`` is called between the steps of a change; tests stop the process there.
    """

    def __init__(
        self, path: Path | str, *, keys: PlateKeys | None = None, at_step: Callable[[str], None] = _nothing
    ) -> None:
        """Open or make the ledger; :class:`PlanError` where the file is none of ours."""
        from pathlib import Path as _Path

        self.path = _Path(path)
        self.keys = keys or PlateKeys(self.path.with_name(self.path.name + ".keys"))
        self._at_step = at_step
        with locked(self.path.parent), _told(self.path):
            self._connection = sqlite3.connect(self.path, timeout=BUSY_MS / 1000.0, isolation_level=None)
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    def _prepare(self) -> None:
        run = self._connection.execute
        version = run("PRAGMA user_version").fetchone()[0]
        is_new = version == 0 and not run("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
        if not is_new and (run("PRAGMA application_id").fetchone()[0], version) != (APPLICATION_ID, FORMAT_VERSION):
            raise PlanError(Problem("is no toll ledger of this version", "give another path", str(self.path)))
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = FULL")
        if is_new:
            marks = f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT_VERSION};"
            self._connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} {marks} COMMIT;")

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

    def record(self, passage: Passage) -> bool:
        """Book one passage durably; return whether it is new.  See :meth:`record_many`."""
        return self.record_many([passage]) == 1

    def record_many(self, passages: Sequence[Passage]) -> int:
        """Book passages in one durable transaction; return how many are new: one told again changes nothing.

        A passage without a plate waits for a person.  :class:`InputError` with all problems, and nothing booked, for
        amounts below 0, times that are none, and a number used for another passage.
        """
        raise_if_any([problem for passage in passages for problem in self._problems(passage)])
        keys = {passage.passage_id: self.keys.at(passage.at_s) for passage in passages if passage.plate}
        with self._change() as connection:
            rows, clashes = self._new_rows(connection, passages, keys)
            raise_if_any(clashes)
            marks = ", ".join("?" * 13)
            connection.executemany(f"INSERT INTO passages VALUES ({marks})", rows)
            self._at_step("entered")
            for row in rows:
                self._add(connection, row[2], row[10], 1, row[6])
        return len(rows)

    def _new_rows(
        self, connection: sqlite3.Connection, passages: Sequence[Passage], keys: dict[str, tuple[str, bytes]]
    ) -> tuple[list[tuple[object, ...]], list[Problem]]:
        rows: dict[str, tuple[object, ...]] = {}
        clashes: list[Problem] = []
        for passage in passages:
            digest = _digest(passage)
            held = connection.execute(
                "SELECT digest FROM passages WHERE passage_id = ?", (passage.passage_id,)
            ).fetchone()
            known = held[0] if held else (rows[passage.passage_id][1] if passage.passage_id in rows else None)
            if known is not None:
                if known != digest:
                    what = f"number '{passage.passage_id}' was used for another passage"
                    clashes.append(Problem(what, "give every passage its own number", str(self.path)))
                continue
            name, key = keys.get(passage.passage_id, (None, b""))
            rows[passage.passage_id] = (
                passage.passage_id, digest, passage.gantry_id, passage.lane, passage.at_s, passage.vehicle_class,
                passage.toll_paisa, name, plate_hash(passage.plate, key) if passage.plate else None,
                passage.confidence, "booked" if passage.plate else "to_review", passage.reason,
                json.dumps(passage.frames),
            )  # fmt: skip
        return list(rows.values()), clashes

    def _problems(self, passage: Passage) -> list[Problem]:
        found = []
        if not passage.passage_id or not passage.gantry_id:
            found.append(Problem("a passage has no number or no gantry", "give both", str(self.path)))
        if passage.toll_paisa < 0:
            what = f"passage '{passage.passage_id}' has a toll below 0"
            found.append(Problem(what, "give paisa from 0", str(self.path)))
        if not 0.0 <= passage.at_s < 4e9 or not 0.0 <= passage.confidence <= 1.0:  # noqa: PLR2004 - the year 2096
            what = f"passage '{passage.passage_id}' has no time or no confidence"
            found.append(Problem(what, "give seconds since 1970 and a share from 0 to 1", str(self.path)))
        return found

    @staticmethod
    def _add(connection: sqlite3.Connection, gantry: object, state: object, n: int, paisa: object) -> None:
        connection.execute(
            "INSERT INTO totals VALUES (?, ?, ?, ?) ON CONFLICT (gantry_id, state) DO UPDATE SET "
            "n_passages = n_passages + excluded.n_passages, toll_paisa = toll_paisa + excluded.toll_paisa",
            (gantry, state, n, paisa),
        )

    def known(self, passage_ids: Sequence[str]) -> set[str]:
        """Return those of the numbers that the ledger has."""
        asked = [(each,) for each in passage_ids]
        ask = "SELECT 1 FROM passages WHERE passage_id = ?"
        return {each for (each,) in asked if self._connection.execute(ask, (each,)).fetchone()}

    def decide(self, passage_id: str, now: str, *, who: str, why: str, at_s: float, plate: str | None = None) -> None:
        """Move a passage to another state: a person read its plate, a driver disputes it, it is void.

        :class:`InputError` for an unknown passage or state, and for booking one whose plate nobody has read.
        """
        name, key = self.keys.at(at_s) if plate else (None, b"")
        with self._change() as connection:
            row = connection.execute(
                "SELECT state, gantry_id, toll_paisa, plate_hash FROM passages WHERE passage_id = ?", (passage_id,)
            ).fetchone()
            if row is None or now not in STATES:
                what = f"there is no passage '{passage_id}'" if row is None else f"there is no state '{now}'"
                raise InputError(Problem(what, f"states are {', '.join(STATES)}", str(self.path)))
            was, gantry, paisa, hashed = row
            if now == "booked" and hashed is None and not plate:
                cure = "give the plate that you read on its frames"
                raise InputError(Problem(f"nobody has read the plate of '{passage_id}'", cure, str(self.path)))
            connection.execute("UPDATE passages SET state = ?, reason = ? WHERE passage_id = ?", (now, why, passage_id))
            if plate:
                hashed_now = (name, plate_hash(plate, key), passage_id)
                connection.execute("UPDATE passages SET key_id = ?, plate_hash = ? WHERE passage_id = ?", hashed_now)
            self._add(connection, gantry, was, -1, -paisa)
            self._add(connection, gantry, now, 1, paisa)
            connection.execute(
                "INSERT INTO decisions (at_s, passage_id, was, now, who, why) VALUES (?, ?, ?, ?, ?, ?)",
                (at_s, passage_id, was, now, who, why),
            )

    def of_plate(self, plate: str) -> list[Booked]:
        """Return the passages of a plate under the keys that still exist, by time: what its owner may ask for."""
        found: list[Booked] = []
        for name, key in self.keys.known().items():
            found += self._rows("key_id = ? AND plate_hash = ?", (name, plate_hash(plate, key)))
        return sorted(found, key=lambda each: (each.at_s, each.passage_id))

    def in_state(self, state: str) -> list[Booked]:
        """Return the passages in a state, by time."""
        return self._rows("state = ?", (state,))

    def totals(self) -> dict[str, tuple[int, int]]:
        """Return passages and paisa by state, as kept with every change."""
        rows = self._connection.execute("SELECT state, sum(n_passages), sum(toll_paisa) FROM totals GROUP BY state")
        return {str(state): (int(n), int(paisa)) for state, n, paisa in rows if n}

    def counted(self) -> dict[str, tuple[int, int]]:
        """Return the same, counted anew from the passages: always equal to :meth:`totals`."""
        rows = self._connection.execute("SELECT state, count(*), sum(toll_paisa) FROM passages GROUP BY state")
        return {str(state): (int(n), int(paisa)) for state, n, paisa in rows}

    def forget(self, before_s: float) -> int:
        """Enforce retention: hashes and frames of passages before a time are erased, and the keys of that time.

        Amounts and totals stay.  Returns how many passages lost their plate.
        """
        with self._change() as connection:
            done = connection.execute(
                "UPDATE passages SET key_id = NULL, plate_hash = NULL, frames = '[]' "
                "WHERE at_s < ? AND (plate_hash IS NOT NULL OR frames <> '[]') AND state <> 'to_review'",
                (before_s,),
            ).rowcount
        self.keys.forget_before(before_s)
        return int(done)

    def _rows(self, where: str, values: tuple[object, ...]) -> list[Booked]:
        with _told(self.path):
            rows = self._connection.execute(
                f"SELECT {', '.join(BOOKED)}, frames FROM passages WHERE {where} ORDER BY at_s, passage_id", values
            ).fetchall()
        return [Booked(**dict(zip(BOOKED, row, strict=False)), frames=tuple(json.loads(row[-1]))) for row in rows]


__all__ = ["Booked", "Passage", "PlateKeys", "TollLedger", "plate_hash"]
