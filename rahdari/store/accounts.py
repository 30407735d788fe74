"""Accounts, sessions, tokens, failed logins and approvals: one SQLite file that only its owner may read.

Of passwords, sessions and tokens the file holds digests alone: who steals it can log in with none of them.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from rahdari.errors import InputError, PlanError, Problem
from rahdari.store.atomic import writing
from rahdari.store.labels import Clearance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FILE = "accounts.sqlite3"
APPLICATION_ID = 0x52616863  # "Rahc"
FORMAT_VERSION = 1
BUSY_MS = 10_000
OWNER_ONLY, FOLDER_OWNER_ONLY = 0o600, 0o700
OTHERS = stat.S_IRWXG | stat.S_IRWXO
FORGET_FAILURES_S = 86_400.0
SEPARATOR = ";"
SCHEMA = """
CREATE TABLE accounts (
  name TEXT PRIMARY KEY, role TEXT NOT NULL, level TEXT NOT NULL, compartments TEXT NOT NULL,
  password_hash TEXT, oidc_subject TEXT UNIQUE, is_enabled INTEGER NOT NULL DEFAULT 1
) WITHOUT ROWID;
CREATE TABLE sessions (
  digest BLOB PRIMARY KEY, name TEXT NOT NULL REFERENCES accounts, made_s REAL NOT NULL, seen_s REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE tokens (
  token_id TEXT PRIMARY KEY, digest BLOB NOT NULL UNIQUE, name TEXT NOT NULL REFERENCES accounts, scope TEXT NOT NULL,
  made_s REAL NOT NULL, expires_s REAL NOT NULL, note TEXT NOT NULL, is_revoked INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE failures (key TEXT PRIMARY KEY, n INTEGER NOT NULL, last_s REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE approvals (
  approval_id TEXT PRIMARY KEY, kind TEXT NOT NULL, plan_digest TEXT NOT NULL, asker TEXT NOT NULL,
  reason TEXT NOT NULL, level TEXT NOT NULL, compartments TEXT NOT NULL, asked_s REAL NOT NULL,
  decider TEXT, decided_s REAL,
  is_granted INTEGER, until_s REAL
) WITHOUT ROWID;
CREATE TABLE history (
  step INTEGER PRIMARY KEY AUTOINCREMENT, at_s REAL NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class Account:
    """One account: who it is, its role, and what it is cleared for."""

    name: str
    role: str
    clearance: Clearance
    is_enabled: bool
    has_password: bool
    oidc_subject: str | None


@dataclass(frozen=True, slots=True)
class Approval:
    """A request for a sensitive result, and what became of it; ``is_granted`` is ``None`` until it is decided."""

    approval_id: str
    kind: str
    plan_digest: str
    asker: str
    reason: str
    label: Clearance
    asked_s: float
    decider: str | None
    decided_s: float | None
    is_granted: bool | None
    until_s: float | None


def check_owner_only(path: Path) -> None:
    """Raise :class:`InputError` where others than its owner may read or write a file."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & OTHERS:
        what = f"others than its owner may use it (mode {mode:03o})"
        raise InputError(Problem(what, f"take their rights away: chmod 600 {path.name}", str(path)))


def write_owner_only(path: Path, text: str) -> None:
    """Write a new file that only its owner may read; an older one of that name is replaced."""
    with writing(path):
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())


class AccountStore:
    """The accounts in a folder, made on first use; safe to call from several threads."""

    def __init__(self, folder: Path) -> None:
        """Open or make the file; one that others may read, or that is no such file, is refused."""
        self.path = folder / FILE
        #: Hears every note: time, account and deed; the audit log, where there is one.
        self.listener: Callable[[float, str, str], None] | None = None
        self._lock = threading.RLock()
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True, mode=FOLDER_OWNER_ONLY)
            with contextlib.suppress(FileExistsError):
                os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY))
        check_owner_only(self.path)
        self._connection = sqlite3.connect(
            self.path, timeout=BUSY_MS / 1000.0, isolation_level=None, check_same_thread=False
        )
        self._connection.row_factory = sqlite3.Row
        with self._told():
            self._prepare()

    def _prepare(self) -> None:
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        with self.changing() as now:
            found = (
                now.execute("PRAGMA application_id").fetchone()[0], now.execute("PRAGMA user_version").fetchone()[0]
            )  # fmt: skip
            if found == (0, 0) and not now.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                for statement in SCHEMA.split(";\n"):
                    if statement.strip():
                        now.execute(statement)
                now.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                now.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
            elif found != (APPLICATION_ID, FORMAT_VERSION):
                raise PlanError(Problem("holds no accounts of this version", "give another folder", str(self.path)))

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what SQLite says into a :class:`PlanError` that names the file and the cure."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise PlanError(Problem(f"cannot use the accounts: {error}", "ask again", str(self.path))) from error
        except sqlite3.DatabaseError as error:
            cure = "restore the file from its backup, or give another folder"
            raise PlanError(Problem(f"holds no accounts, or is damaged: {error}", cure, str(self.path))) from error

    @contextlib.contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection within one transaction, alone."""
        with self._lock, self._told():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        """Use the accounts."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the file."""
        self.close()

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        """Return the rows of one query."""
        with self._lock, self._told():
            return self._connection.execute(query, values).fetchall()

    def note(self, at_s: float, who: str, what: str) -> None:
        """Record what somebody did; records are never changed."""
        with self.changing() as now:
            now.execute("INSERT INTO history (at_s, who, what) VALUES (?, ?, ?)", (at_s, who, what))
        if self.listener is not None:
            self.listener(at_s, who, what)

    def history(self) -> list[tuple[float, str, str]]:
        """Return time, account and deed of everything recorded, in order."""
        return [(row["at_s"], row["who"], row["what"]) for row in self.rows("SELECT * FROM history ORDER BY step")]

    # Accounts

    def add(self, account: Account, password_hash: str | None) -> None:
        """Add an account; a name or subject that is taken raises :class:`InputError`."""
        with self.changing() as now:
            taken = now.execute(
                "SELECT name FROM accounts WHERE name = ? OR oidc_subject = ?", (account.name, account.oidc_subject)
            ).fetchone()
            if taken is not None:
                cure = "choose another name, or change that account"
                raise InputError(Problem(f"there is an account '{taken['name']}' already", cure, str(self.path)))
            now.execute(
                "INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?, 1)",
                (
                    account.name, account.role, account.clearance.level,
                    SEPARATOR.join(sorted(account.clearance.compartments)), password_hash, account.oidc_subject,
                ),
            )  # fmt: skip

    def accounts(self) -> list[Account]:
        """Return all accounts by name."""
        return [_account(row) for row in self.rows("SELECT * FROM accounts ORDER BY name")]

    def account(self, name: str) -> Account | None:
        """Return one account."""
        found = self.rows("SELECT * FROM accounts WHERE name = ?", name)
        return _account(found[0]) if found else None

    def account_of_subject(self, subject: str) -> Account | None:
        """Return the account of whom a provider of identities calls ``subject``."""
        found = self.rows("SELECT * FROM accounts WHERE oidc_subject = ?", subject)
        return _account(found[0]) if found else None

    def password_hash(self, name: str) -> str | None:
        """Return the digest of an account's password; none where it has none."""
        found = self.rows("SELECT password_hash FROM accounts WHERE name = ?", name)
        return found[0]["password_hash"] if found else None

    def set_password_hash(self, name: str, password_hash: str, *, keep_sessions: bool = False) -> None:
        """Change a password; sessions and tokens made with the old one end, unless only the digest was renewed."""
        with self.changing() as now:
            now.execute("UPDATE accounts SET password_hash = ? WHERE name = ?", (password_hash, name))
            if not keep_sessions:
                _end_all(now, name)

    def set_enabled(self, name: str, *, is_enabled: bool) -> None:
        """Let an account in or shut it out; sessions and tokens of one shut out end."""
        with self.changing() as now:
            now.execute("UPDATE accounts SET is_enabled = ? WHERE name = ?", (is_enabled, name))
            if not is_enabled:
                _end_all(now, name)

    # Sessions and tokens

    def add_session(self, digest: bytes, name: str, at_s: float, ends: bytes | None = None) -> None:
        """Keep a session; the one it takes the place of ends."""
        with self.changing() as now:
            now.execute("DELETE FROM sessions WHERE digest = ?", (ends,))
            now.execute("INSERT INTO sessions VALUES (?, ?, ?, ?)", (digest, name, at_s, at_s))

    def session(self, digest: bytes) -> tuple[str, float, float] | None:
        """Return account, start and last use of a session."""
        found = self.rows("SELECT * FROM sessions WHERE digest = ?", digest)
        return (found[0]["name"], found[0]["made_s"], found[0]["seen_s"]) if found else None

    def saw_session(self, digest: bytes, at_s: float) -> None:
        """Record that a session was used."""
        with self.changing() as now:
            now.execute("UPDATE sessions SET seen_s = ? WHERE digest = ?", (at_s, digest))

    def end_session(self, digest: bytes) -> None:
        """End a session."""
        with self.changing() as now:
            now.execute("DELETE FROM sessions WHERE digest = ?", (digest,))

    def end_sessions(self, made_before_s: float, seen_before_s: float) -> None:
        """End the sessions made, or last used, before these times."""
        with self.changing() as now:
            now.execute("DELETE FROM sessions WHERE made_s < ? OR seen_s < ?", (made_before_s, seen_before_s))

    def add_token(self, row: tuple[str, bytes, str, str, float, float, str]) -> None:
        """Keep a token: identifier, digest, account, scope, made, expires, note."""
        with self.changing() as now:
            now.execute("INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?, 0)", row)

    def token(self, digest: bytes) -> dict[str, Any] | None:
        """Return a token by its digest."""
        found = self.rows("SELECT * FROM tokens WHERE digest = ?", digest)
        return dict(found[0]) if found else None

    def tokens(self) -> list[dict[str, Any]]:
        """Return all tokens without their digests."""
        columns = "token_id, name, scope, made_s, expires_s, note, is_revoked"
        return [dict(row) for row in self.rows(f"SELECT {columns} FROM tokens ORDER BY made_s, token_id")]

    def revoke_token(self, token_id: str) -> bool:
        """End a token; ``False`` where there is none."""
        with self.changing() as now:
            return now.execute("UPDATE tokens SET is_revoked = 1 WHERE token_id = ?", (token_id,)).rowcount > 0

    # Failed logins

    def failures(self, key: str) -> tuple[int, float]:
        """Return how often a key failed in a row, and when last."""
        found = self.rows("SELECT n, last_s FROM failures WHERE key = ?", key)
        return (found[0]["n"], found[0]["last_s"]) if found else (0, 0.0)

    def add_failure(self, key: str, at_s: float) -> None:
        """Count a failure; those of a day ago are forgotten."""
        with self.changing() as now:
            now.execute("DELETE FROM failures WHERE last_s < ?", (at_s - FORGET_FAILURES_S,))
            now.execute(
                "INSERT INTO failures VALUES (?, 1, ?) ON CONFLICT (key) DO UPDATE SET n = n + 1, last_s = ?",
                (key, at_s, at_s),
            )

    def forget_failures(self, key: str) -> None:
        """Begin to count anew."""
        with self.changing() as now:
            now.execute("DELETE FROM failures WHERE key = ?", (key,))

    # Approvals

    def add_approval(self, found: Approval) -> None:
        """Keep a request."""
        with self.changing() as now:
            now.execute(
                "INSERT INTO approvals VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, NULL, NULL)",
                (
                    found.approval_id, found.kind, found.plan_digest, found.asker, found.reason, found.label.level,
                    SEPARATOR.join(sorted(found.label.compartments)), found.asked_s,
                ),
            )  # fmt: skip

    def decide_approval(self, approval_id: str, decider: str, at_s: float, until_s: float | None) -> bool:
        """Grant a request until a time, or refuse it with none; ``False`` where it was decided before."""
        with self.changing() as now:
            return (
                now.execute(
                    "UPDATE approvals SET decider = ?, decided_s = ?, is_granted = ?, until_s = ? "
                    "WHERE approval_id = ? AND is_granted IS NULL",
                    (decider, at_s, until_s is not None, until_s, approval_id),
                ).rowcount
                > 0
            )

    def approvals(self) -> list[Approval]:
        """Return all requests, the oldest first."""
        return [_approval(row) for row in self.rows("SELECT * FROM approvals ORDER BY asked_s, approval_id")]


def _end_all(now: sqlite3.Connection, name: str) -> None:
    now.execute("DELETE FROM sessions WHERE name = ?", (name,))
    now.execute("UPDATE tokens SET is_revoked = 1 WHERE name = ?", (name,))


def _clearance(row: sqlite3.Row) -> Clearance:
    return Clearance(row["level"], frozenset(name for name in row["compartments"].split(SEPARATOR) if name))


def _account(row: sqlite3.Row) -> Account:
    return Account(
        row["name"], row["role"], _clearance(row), bool(row["is_enabled"]), row["password_hash"] is not None,
        row["oidc_subject"],
    )  # fmt: skip


def _approval(row: sqlite3.Row) -> Approval:
    return Approval(
        row["approval_id"], row["kind"], row["plan_digest"], row["asker"], row["reason"], _clearance(row),
        row["asked_s"], row["decider"], row["decided_s"],
        None if row["is_granted"] is None else bool(row["is_granted"]), row["until_s"],
    )  # fmt: skip


__all__ = ["Account", "AccountStore", "Approval", "check_owner_only", "write_owner_only"]
