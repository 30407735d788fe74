"""The audit log of a folder: who read, took, changed or was refused what, written before the answer is given.

Appended only, from several threads and programs at once, in batches: :meth:`AuditLog.record` returns when the record
is on the disk.  Every minute, and at the end, the Merkle root over all records is signed; a copy of the last signed
root stands beside the log, and copies elsewhere are what finds a log that was cut or written anew as a whole.
A program that is killed leaves a log whose records are whole; what it had half written is cut at the next start, and
that is recorded too.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self

from rahdari.errors import PlanError, Problem
from rahdari.store.accounts import OWNER_ONLY, check_owner_only
from rahdari.store.atomic import CURES, write_bytes, writing
from rahdari.store.audit_chain import BEGIN, MAX_LINE_BYTES, ROOT_HEAD, AuditError, Chain, broken, read_root
from rahdari.store.keys import PUBLIC_ENDING, PublicKey, SigningKey, read_trusted
from rahdari.store.merkle import Frontier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

LOG, KEY, LAST_ROOT = "audit.log", "audit.key", "audit.root"
SIGN_EVERY_S = 60.0
CLOCK_STEP_S = 2.0  # a step of the wall clock beyond this is recorded
BLOCK_BYTES = 1 << 20
MICROS = 1_000_000
NO_COPY, CURE_COPY = "the copy of the last signed root is missing", "restore it from where roots are kept"
Fact = str | int | bool | None


class AuditSink(Protocol):
    """Where faces tell what was done; returns when it is kept for good, raises :class:`PlanError` where it cannot."""

    def record(self, kind: str, who: str, what: Mapping[str, Fact]) -> None:
        """Keep one record."""
        ...


class NoAudit:
    """Keeps nothing: the user of one machine without accounts."""

    def record(self, kind: str, who: str, what: Mapping[str, Fact]) -> None:
        """Keep nothing."""


@dataclass
class _Batch:
    """Records that wait to be written together, and what became of them."""

    entries: list[dict[str, Any]] = field(default_factory=list)
    is_done: bool = False
    error: PlanError | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """What a check of a log found: records, signed roots, records behind the last root, who signed, when last."""

    n_records: int
    n_roots: int
    n_unsigned: int
    log_id: str
    key_ids: tuple[str, ...]
    signed_us: int
    root: str


class AuditLog:
    """One log in a folder; safe to use from several threads, and from several programs."""

    def __init__(
        self, folder: Path, *, clock: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic,
        sign_every_s: float = SIGN_EVERY_S,
    ) -> None:  # fmt: skip
        """Open or make the log; :class:`AuditError` where its end is not what was written.

        ``clock`` gives POSIX seconds, ``steady`` seconds that nobody can set.
        """
        self.path, self._clock, self._steady, self._sign_every_s = folder / LOG, clock, steady, sign_every_s
        self._offset_s = clock() - steady()
        self._waiting = _Batch()
        self._gate, self._writer = threading.Lock(), threading.Lock()
        self._stop = threading.Event()
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, OWNER_ONLY)
        try:
            check_owner_only(self.path)
            self.key = SigningKey.open(folder / KEY)
            self._chain, self._end = Chain(), 0
            with self._alone():
                self._begin()
        except BaseException:
            os.close(self._file)
            raise
        self._signer = threading.Thread(target=self._sign_each_minute, name="rahdari-audit", daemon=True)
        self._signer.start()

    # -- writing ------------------------------------------------------------------------------------------------------
    def record(self, kind: str, who: str, what: Mapping[str, Fact]) -> None:
        """Keep one record; returns when it is on the disk, with all that others gave meanwhile."""
        self.record_many([(kind, who, what)])

    def record_many(self, records: Sequence[tuple[str, str, Mapping[str, Fact]]]) -> None:
        """Keep several records, next to each other, in one write."""
        at_us = int(self._clock() * MICROS)
        made = [{"at_us": at_us, "kind": kind, "who": who, "what": dict(what)} for kind, who, what in records]
        with self._gate:
            batch = self._waiting
            batch.entries += made
        with self._writer:  # whoever comes first writes for all who wait
            if not batch.is_done:
                with self._gate:
                    self._waiting = _Batch()
                self._write(batch)
        if batch.error is not None:
            raise batch.error

    def sign(self) -> None:
        """Sign a root over all records, unless the last one still holds."""
        with self._writer, self._alone():
            self._catch_up()
            steps = self._clock_steps()
            if steps or self._chain.n > self._chain.n_signed:
                self._append(steps, is_signed=True)

    def close(self) -> None:
        """Sign what is not signed yet, and let go of the file."""
        if self._stop.is_set():
            return
        self._stop.set()
        try:
            self.sign()
        finally:
            self._signer.join()
            os.close(self._file)

    def __enter__(self) -> Self:
        """Use the log."""
        return self

    def __exit__(self, *_: object) -> None:
        """Sign and let go."""
        self.close()

    def _write(self, batch: _Batch) -> None:
        try:
            with self._alone():
                self._catch_up()
                now_us = int(self._clock() * MICROS)
                is_due = now_us - self._chain.signed_us >= self._sign_every_s * MICROS
                self._append([*self._clock_steps(), *batch.entries], is_signed=is_due)
        except PlanError as error:
            batch.error = error
        except OSError as error:
            cure = CURES.get(error.errno or 0, "see the system's message")
            batch.error = PlanError(Problem(f"the audit log cannot be written: {error}", cure, str(self.path)))
        finally:
            batch.is_done = True

    def _clock_steps(self) -> list[dict[str, Any]]:
        """Return a record where somebody set the machine's clock since the last write."""
        now_s = self._clock()
        step_s = now_s - self._steady() - self._offset_s
        if abs(step_s) <= CLOCK_STEP_S:
            return []
        self._offset_s += step_s
        return [{"at_us": int(now_s * MICROS), "kind": "clock", "who": "", "what": {"step_ms": round(step_s * 1000.0)}}]

    def _append(self, entries: list[dict[str, Any]], *, is_signed: bool = False) -> None:
        """Write records, and a root behind them where one is due, in one piece; nothing stays of a failed write."""
        chain = self._chain.copy()
        lines = [chain.add(values) for values in entries]
        root = chain.sign(self.key, int(self._clock() * MICROS)) if is_signed else b""
        data = memoryview(b"".join([*lines, root]))
        try:
            written = 0
            while written < len(data):
                written += os.write(self._file, data[written:])
            os.fdatasync(self._file)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._end)
            raise
        self._chain, self._end = chain, self._end + len(data)
        if root:
            write_bytes(self.path.with_name(LAST_ROOT), root)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the log among programs; the system lets go of it when one dies."""
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _sign_each_minute(self) -> None:
        while not self._stop.wait(self._sign_every_s):
            with contextlib.suppress(PlanError, OSError):  # the next record tells whoever writes it
                self.sign()

    # -- reading what others wrote ------------------------------------------------------------------------------------
    def _begin(self) -> None:
        """Go to the end of the log: from the last signed root on every line is checked; make the first record."""
        size = os.fstat(self._file).st_size
        if b"\n" not in os.pread(self._file, MAX_LINE_BYTES, 0):  # new, or its very first line was not finished
            os.ftruncate(self._file, 0)
            self._chain.log_id = secrets.token_hex(16)
            at_us = int(self._clock() * MICROS)
            first = {"at_us": at_us, "kind": BEGIN, "who": "", "log_id": self._chain.log_id, "what": {}}
            self._append([first], is_signed=True)
            return
        self._to_last_root(size)
        self._catch_up()
        if not self._chain.n_roots:
            self._append([], is_signed=True)
        self._check_kept()

    def _check_kept(self) -> None:
        """Raise :class:`AuditError` where the copy of the last signed root counts more than the log holds."""
        copy = self.path.with_name(LAST_ROOT)
        try:
            _, values = read_root(copy.read_bytes(), self._chain.n, [self.key.public])
        except OSError as error:
            if self._chain.n_signed > 1:
                raise AuditError(Problem(NO_COPY, CURE_COPY, str(copy))) from error
            self._append([], is_signed=True)  # killed in its very first write
            return
        if int(values["n"]) > self._chain.n or values["log_id"] != self._chain.log_id:
            raise broken(self._chain.n, f"the log ends here, and a signed root counts {values['n']:,} records")

    def _to_last_root(self, size: int) -> None:
        """Begin at the last signed root of the log, if it has one that our own key signed."""
        at, held = size, b""
        while at > 0:
            start = max(0, at - BLOCK_BYTES)
            held = os.pread(self._file, at - start, start) + held[: MAX_LINE_BYTES + 1]
            found = held.rfind(b"\n" + ROOT_HEAD, 0, at - start + len(ROOT_HEAD) + 1)
            while found >= 0:
                stop = held.find(b"\n", found + 1)
                if stop >= 0:
                    line = held[found + 1 : stop + 1]
                    _, values = read_root(line, 0, [self.key.public])
                    tree = Frontier(int(values["n"]), [bytes.fromhex(peak) for peak in values["peaks"]])
                    digest = hashlib.sha256(line[len(ROOT_HEAD) : line.rfind(b',"signatures":')]).hexdigest()
                    head, log_id = bytes.fromhex(values["head"]), str(values["log_id"])
                    self._chain = Chain(tree, head, log_id, tree.n, digest, int(values["at_us"]), 1)
                    self._end = start + stop + 1
                    return
                found = held.rfind(b"\n" + ROOT_HEAD, 0, found)
            at = start

    def _catch_up(self) -> None:
        """Check and take what stands behind the place we know; cut what a killed program left half written."""
        size = os.fstat(self._file).st_size
        if size == self._end:
            return
        if size < self._end:
            raise AuditError(broken(self._chain.n, "the log became shorter than it was").problems[0])
        rest = os.pread(self._file, size - self._end, self._end)
        whole, torn = rest[: rest.rfind(b"\n") + 1], rest[rest.rfind(b"\n") + 1 :]
        chain = self._chain.copy()
        for line in whole.splitlines(keepends=True):
            chain.take(line, [self.key.public])
        self._chain, self._end = chain, self._end + len(whole)
        if torn:
            os.ftruncate(self._file, self._end)
            what = {"n_bytes": len(torn), "sha256": hashlib.sha256(torn).hexdigest()}
            at_us = int(self._clock() * MICROS)
            self._append([{"at_us": at_us, "kind": "cut unfinished", "who": "", "what": what}])


def records(path: Path, keys: Sequence[PublicKey], chain: Chain) -> Iterator[dict[str, Any]]:
    """Yield the records of a log while checking it; :class:`AuditError` at the first broken link."""
    with path.open("rb") as file:
        while line := file.readline(MAX_LINE_BYTES):
            if not line.endswith(b"\n"):
                raise broken(chain.n, "the line is not finished: it was cut, or a program died while it wrote")
            found = chain.take(line, keys)
            if found is not None:
                yield found


def verify(path: Path, *, trusted: Path | None = None, kept: Sequence[Path] = ()) -> Verified:
    """Return what a log holds; offline, from the file alone.  :class:`AuditError` names the first broken link.

    ``path`` is the log or its folder.  ``trusted`` holds the public keys to believe; without it that beside the log,
    which whoever can write the folder can replace.  ``kept`` are copies of signed roots, kept elsewhere: the log has to
    begin with exactly the records that each of them counts.  The copy beside the log is always one of them.
    """
    log = path / LOG if path.is_dir() else path
    if not log.is_file():
        raise AuditError(Problem("there is no audit log", f"give the folder of {LOG}", str(log)))
    keys = read_trusted(trusted or log.with_name(KEY + PUBLIC_ENDING))
    copies = [log.with_name(LAST_ROOT), *kept]
    due: dict[int, list[tuple[str, str]]] = {}
    for copy in copies:
        try:
            _, values = read_root(copy.read_bytes(), 0, keys)
        except OSError as error:
            raise AuditError(Problem(NO_COPY, CURE_COPY, str(copy))) from error
        due.setdefault(int(values["n"]), []).append((str(values["root"]), str(values["log_id"])))
    chain = Chain()
    for _ in records(log, keys, chain):
        for root, log_id in due.pop(chain.n, ()):
            if root != chain.frontier.root().hex() or log_id != chain.log_id:
                raise broken(chain.n - 1, "the records up to here are not those that a kept root was signed over")
    if due:
        raise broken(chain.n, f"the log ends here, and a signed root counts {max(due):,} records: its tail was cut")
    if not chain.n_roots:
        raise broken(chain.n, "no root is signed")
    n_unsigned, key_ids = chain.n - chain.n_signed, tuple(key.key_id for key in keys)
    root = chain.frontier.root().hex()
    return Verified(chain.n, chain.n_roots, n_unsigned, chain.log_id, key_ids, chain.signed_us, root)


__all__ = ["AuditError", "AuditLog", "AuditSink", "NoAudit", "Verified", "records", "verify"]
