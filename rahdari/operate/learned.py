"""Learned edges between types of alarms: hints with a confidence beside what topology proves, never in its place."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods.alarm_order import WINDOWS_S, alarm_order
from rahdari.operate.alarms import CLEARED
from rahdari.operate.incidents import Hint
from rahdari.store.atomic import write_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike

    from rahdari.operate.events import Event

LOG_COLUMNS = ("alarm_id", "device_id", "start_timestamp")
FEWEST = 5  # alarms of a type below which nothing is said of it
MOST_LINKS = 10_000_000


class LearnedHints(msgspec.Struct, frozen=True):
    """Edges in order of confidence, and what they were learned from."""

    edges: tuple[Hint, ...] = ()
    n_alarms: int = 0
    n_devices: int = 0
    windows_s: tuple[float, ...] = WINDOWS_S

    def of(self, alarm_types: Sequence[str]) -> Sequence[Hint]:
        """Return the edges among some types of alarms."""
        wanted = set(alarm_types)
        return tuple(each for each in self.edges if each.cause in wanted and each.effect in wanted)


class AlarmLog(msgspec.Struct, frozen=True):
    """Alarms as type, device and start in seconds, and which devices are joined, by name."""

    types: tuple[str, ...]
    devices: tuple[str, ...]
    starts_s: tuple[float, ...]
    links: tuple[tuple[str, str], ...] = ()


def log_of_events(events: Iterable[Event]) -> AlarmLog:
    """Return the alarms that events raise; the device is the resource without its part."""
    raised = [event for event in events if event.severity != CLEARED]
    return AlarmLog(
        tuple(event.type for event in raised),
        tuple(event.resource.partition(":")[0] for event in raised),
        tuple(event.at_s for event in raised),
    )


def read_alarm_log(path: Path, links: Path | None = None) -> AlarmLog:
    """Return a log of alarms: CSV with ``alarm_id``, ``device_id`` and ``start_timestamp`` in seconds.

    ``links`` is a CSV of joined devices, two columns without heading, or a square ``.npy`` of 0 and 1 by device number.
    :class:`InputError` with every wrong row.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(Problem(f"cannot be read: {error}", "give a CSV file in UTF-8", str(path))) from error
    missing = [name for name in LOG_COLUMNS if not rows or name not in rows[0]]
    if missing:
        raise InputError(Problem(f"lacks columns {', '.join(missing)}", "add them", str(path)))
    problems, starts = [], []
    for number, row in enumerate(rows, start=2):
        try:
            starts.append(float(row["start_timestamp"]))
        except (TypeError, ValueError):
            problems.append(Problem("start_timestamp is no number", "give seconds", str(path), row=number))
    raise_if_any(problems)
    names = [(str(row["alarm_id"]), str(row["device_id"])) for row in rows]
    joined = () if links is None else _links(links)
    return AlarmLog(tuple(kind for kind, _ in names), tuple(device for _, device in names), tuple(starts), joined)


def _links(path: Path) -> tuple[tuple[str, str], ...]:
    try:
        if path.suffix == ".npy":
            matrix = np.load(path, allow_pickle=False)
            is_square = matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1] and matrix.size <= MOST_LINKS  # noqa: PLR2004
            raise_if_any([] if is_square else [Problem("is no square matrix", "give devices by devices", str(path))])
            return tuple((str(a), str(b)) for a, b in np.argwhere(matrix != 0).tolist() if a != b)
        rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    except (OSError, ValueError) as error:
        raise InputError(
            Problem(f"cannot be read: {error}", "give a CSV of pairs or a .npy matrix", str(path))
        ) from error
    wrong = [number for number, row in enumerate(rows, start=1) if len(row) != 2]  # noqa: PLR2004
    raise_if_any([Problem("is no pair of devices", "give two columns", str(path), row=number) for number in wrong])
    return tuple((a, b) for a, b in rows)


def _matrix(devices: Sequence[str], links: Sequence[tuple[str, str]]) -> ArrayLike | None:
    if not links:
        return None
    at = {name: k for k, name in enumerate(devices)}
    joined = np.zeros((len(devices), len(devices)), np.bool_)
    for a, b in links:
        if a in at and b in at:
            joined[at[a], at[b]] = True
    return joined


def learned_hints(log: AlarmLog, *, windows_s: Sequence[float] = WINDOWS_S) -> LearnedHints:
    """Return which type of alarm tends to bring which, from a log; see :func:`rahdari.methods.alarm_order.alarm_order`.

    The confidence is the share of windows that say so, times nine tenths: a hint is never certain.  Types with fewer
    than five alarms are left out.
    """
    counts: dict[str, int] = {}
    for kind in log.types:
        counts[kind] = counts.get(kind, 0) + 1
    kinds = sorted(kind for kind, n in counts.items() if n >= FEWEST)
    devices = sorted(set(log.devices))
    at_kind, at_device = ({name: k for k, name in enumerate(names)} for names in (kinds, devices))
    kept = [k for k, kind in enumerate(log.types) if kind in at_kind]
    found = alarm_order(
        [at_kind[log.types[k]] for k in kept], [at_device[log.devices[k]] for k in kept],
        [log.starts_s[k] for k in kept], neighbours=_matrix(devices, log.links), windows_s=windows_s,
    )  # fmt: skip
    edges = [
        Hint(cause=kinds[i], effect=kinds[j], confidence=round(0.9 * float(found.agreement_frac[i, j]), 4))
        for i, j in np.argwhere(found.is_cause).tolist()
    ]
    edges.sort(key=lambda each: (-each.confidence, each.cause, each.effect))
    return LearnedHints(tuple(edges), len(kept), len(devices), tuple(windows_s))


def write_hints(hints: LearnedHints, path: Path) -> None:
    """Write hints as JSON, durably."""
    write_bytes(path, msgspec.json.format(msgspec.json.encode(hints), indent=1))


def read_hints(path: Path) -> LearnedHints:
    """Return hints as :func:`write_hints` wrote them; :class:`InputError` where the file is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=LearnedHints)
    except (OSError, msgspec.MsgspecError) as error:
        cure = "make it with 'rahdari operate learn'"
        raise InputError(Problem(f"is no file of hints: {error}", cure, str(path))) from error


__all__ = ["AlarmLog", "LearnedHints", "learned_hints", "log_of_events", "read_alarm_log", "read_hints", "write_hints"]
