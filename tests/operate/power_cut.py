"""A disk that forgets: a file system layer for SQLite that keeps only what was synchronised, and any part of the rest.

Between two synchronisations a disk may have written any of the sectors given to it, in any order.  At the cut each
such sector is kept or lost by a draw.  Shared memory is lost wholly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import apsw
import numpy as np

from rahdari.operate.journal import JournalError
from rahdari.operate.sqlite_journal import SqliteJournal
from tests.operate.journal_helpers import CountingFold, all_events, check_exact, event

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

SECTOR = 512
BATCH = 7


class PowerCutError(Exception):
    """The power is off."""


class Disk(apsw.VFS):
    """A disk which loses power at its ``cut_at``-th call that changes a file."""

    def __init__(self, name: str, cut_at: int) -> None:
        self.name, self.cut_at, self.n_calls = name, cut_at, 0
        self.safe: dict[str, bytes] = {}  # what was synchronised
        self.live: dict[str, bytearray] = {}
        super().__init__(name, "")

    def changes(self) -> None:
        self.n_calls += 1
        if self.n_calls >= self.cut_at:
            raise PowerCutError

    def xOpen(self, name: object, flags: list[int]) -> File:  # noqa: N802 -- SQLite's name
        return File(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: FBT001, N802
        self.changes()
        self.safe.pop(filename, None)
        self.live.pop(filename, None)
        super().xDelete(filename, syncdir)

    def fail(self, draw: np.random.Generator) -> None:
        """Write every file as the disk may have it after the cut."""
        from pathlib import Path as File_

        for path, live in self.live.items():
            safe = self.safe.get(path, b"")
            n_bytes = len(live) if draw.random() < 0.5 else max(len(safe), int(draw.integers(0, len(live) + 1)))
            after = bytearray(safe[:n_bytes].ljust(n_bytes, b"\0"))
            for at in range(0, min(n_bytes, len(live)), SECTOR):
                if draw.random() < 0.5:
                    after[at : at + SECTOR] = live[at : min(at + SECTOR, n_bytes)]
            File_(path).write_bytes(after)


class File(apsw.VFSFile):
    """A file of that disk."""

    def __init__(self, disk: Disk, name: object, flags: list[int]) -> None:
        self.disk = disk
        self.path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        super().__init__("", name, flags)
        size = super().xFileSize()
        held = super().xRead(size, 0) if size else b""
        self.disk.live.setdefault(self.path, bytearray(held))
        self.disk.safe.setdefault(self.path, bytes(held))

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self.disk.changes()
        live = self.disk.live[self.path]
        if len(live) < offset:
            live.extend(b"\0" * (offset - len(live)))
        live[offset : offset + len(data)] = data
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:  # noqa: N802
        self.disk.changes()
        del self.disk.live[self.path][size:]
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self.disk.changes()
        self.disk.safe[self.path] = bytes(self.disk.live[self.path])
        super().xSync(flags)


class DiskWithoutSync(Disk):
    """A disk that says it has synchronised and has not: what the test must notice."""

    def xOpen(self, name: object, flags: list[int]) -> File:  # noqa: N802
        return FileWithoutSync(self, name, flags)


class FileWithoutSync(File):
    """A file of that disk."""

    def xSync(self, _flags: int) -> None:  # noqa: N802
        self.disk.changes()


def cut(path: Path, seed: int, kind: type[Disk] = Disk, synchronous: str = "FULL") -> tuple[int, int]:
    """Write a journal until the power fails at a random call, then hold every promise on what the disk kept.

    ``synchronous`` is the journal's own FULL, or another setting of SQLite to compare with.

    Return how many events were acknowledged and how many are stored.
    """
    draw = np.random.Generator(np.random.Philox(seed))
    disk = kind(f"disk-{seed}-{path.name}-{kind.__name__}", int(draw.integers(40, 1_500)))

    def opener(where: Path) -> sqlite3.Connection:
        connection = apsw.Connection(str(where), vfs=disk.name)
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # the layer has no shared memory
        return cast("sqlite3.Connection", connection)

    journal, fold, n_acknowledged = None, CountingFold(), 0
    try:
        journal = SqliteJournal(path, opener=opener)
        assert journal._writer is not None
        journal._writer.execute("PRAGMA wal_autocheckpoint = 20")  # cuts fall into checkpoints too
        journal._writer.execute(f"PRAGMA synchronous = {synchronous}")
        while True:
            changed: dict = {}

            def folded(new: list, changed: dict = changed) -> dict:
                changed |= fold(new)
                return changed

            first = n_acknowledged + 1
            journal.append([event(seq) for seq in range(first, first + BATCH)], 0.0, folded)
            fold.accept(changed)
            n_acknowledged += BATCH
    except (apsw.Error, PowerCutError, JournalError):
        pass
    finally:
        if journal is not None:
            close_without_power(journal)
    disk.fail(draw)
    disk.unregister()
    path.with_name(path.name + "-shm").unlink(missing_ok=True)
    after = SqliteJournal(path)
    try:
        stored = {one.seq for one in all_events(after)}
        assert set(range(1, n_acknowledged + 1)) <= stored, "an acknowledged event is lost"
        assert len(stored) % BATCH == 0, "half a batch is stored"
        check_exact(after)
        assert after._writer is not None
        assert after._writer.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    finally:
        after.close()
    return n_acknowledged, len(stored)


def close_without_power(journal: SqliteJournal) -> None:
    try:
        journal.close()
    except (apsw.Error, PowerCutError):
        import os

        assert journal._lease is not None
        os.close(journal._lease)
        journal._lease = None
