"""Navigation files in RINEX 3 and 4: what GPS, Galileo, BeiDou and GLONASS satellites broadcast about their orbits.

Read are LNAV of GPS, I/NAV and F/NAV of Galileo, D1 and D2 of BeiDou, FDMA of GLONASS; other messages are counted.
Source: RINEX 4.00 (IGS and RTCM-SC104, 2021), tables A5 to A18, whose records of these messages equal RINEX 3.05's.
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods.broadcast_records import KeplerRecords, Navigation, StateRecords
from rahdari.methods.gnss_time import BDT_LAG_S, BDT_WEEK_LAG, WEEK_S, calendar_seconds, gps_seconds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    TimeArray = NDArray[np.datetime64]

MOST_BYTES = 1_000_000_000  # a day of all systems has 10 MB
GZIP_START = b"\x1f\x8b"
KNOWN_VERSIONS = (3.0, 5.0)  # from, and below
LABEL = slice(60, 80)  # of a header line
EPOCH = slice(0, 23)  # satellite and time
FIELD, FIRST, INDENT, WIDTH = 19, 23, 4, 80  # columns: of a value, before the epoch's values, before others', of a line
KEPLER_LINES = (8, 8)  # least and most lines of a record
STATE_LINES = (4, 5)  # the fifth came with RINEX 3.05
OTHER_SYSTEMS = "JIS"  # QZSS, NavIC, SBAS: counted
#: Messages read in RINEX 4, by system, in the order in which they are preferred.
MESSAGES = {"G": ("LNAV",), "E": ("INAV", "FNAV"), "C": ("D1", "D2"), "R": ("FDMA",)}
FNAV_BIT, GALILEO_BITS = 0b010, 0b111  # data sources of a Galileo record, table A8
INAV_HEALTH, FNAV_HEALTH = 0b111_000_111, 0b000_111_000  # its health: E1 and E5b, E5a; same table
NO_ALMANAC, ALMANAC_BAD, STRING_BAD = 0b001, 0b010, 0b100  # GLONASS health flags: reported, good, l(3) set; table A10
#: GLONASS accuracy by its index, m: ICD L1, L2 (2008), table 4.4; 15 is unknown.
GLONASS_ACCURACY_M = (1.0, 2.0, 2.5, 4.0, 5.0, 7.0, 10.0, 12.0, 14.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0)
ROOT_AXIS = (4_500.0, 7_000.0)  # m^0.5, between 20,000 and 49,000 km from the centre
LARGEST_ECCENTRICITY = 0.5  # GPS's largest value, IS-GPS-200; Galileo's two stray satellites have 0.16
STATE_KM = (15_000.0, 45_000.0)  # distance from the centre
LARGEST_CODE = 4095.0  # of health: Galileo's has nine bits, the others fewer
LARGEST_ANGLE_RAD = 2.0 * np.pi
WEEK_SLIP = 1  # weeks: some writers state the week in which a record was sent, which may be the one before
# Columns of a record's values, counted over its lines; KEPLER in the order of ELEMENTS.
KEPLER = (10, 8, 15, 13, 17, 6, 5, 19, 18, 7, 9, 16, 4, 12, 14)
TOE, WEEK, ACCURACY, HEALTH, SENT = 11, 21, 23, 24, 27
EPOCH_VALUES, LINE_VALUES = 3, 4  # values on a record's first line, and on each other
SOURCES_LINE, SOURCES_PLACE = 5, slice(INDENT + FIELD, INDENT + 2 * FIELD)  # of Galileo's data sources
STATE = (3, 7, 11, 4, 8, 12, 5, 9, 13)
STATE_HEALTH, STATE_ACCURACY, STATE_FLAGS = 6, 17, 18
_DAMAGED = "mend the line or take the file anew from its archive"


class _Record(NamedTuple):
    """Where a record is: its first line, counted from 0, lines, system and place of its message in :data:`MESSAGES`."""

    line: int
    n_lines: int
    system: str
    preference: int


@dataclass(slots=True)
class _File:
    """A file's lines and what was noticed while reading it."""

    name: str
    lines: list[bytes]
    problems: list[Problem]
    skipped: dict[str, int]

    def report(self, line: int, what: str, cure: str = _DAMAGED) -> None:
        """Add a problem at a line counted from 0."""
        self.problems.append(Problem(what, cure, self.name, line + 1))

    def skip(self, kind: str) -> None:
        """Count a message that is not read."""
        self.skipped[kind] = self.skipped.get(kind, 0) + 1


def read_rinex(path: Path | str, *, is_strict: bool = False) -> Navigation:
    """Return the navigation records of a RINEX 3 or 4 file, plain or compressed by gzip.

    A damaged record is left out and named with its line in ``.problems``; ``is_strict`` refuses the file instead.
    A file that cannot be read, is of another kind, or holds no sound record raises :class:`InputError` with every
    problem found.  Gaps in time need no cure here: a satellite without a valid record is absent for that while.
    """
    path = Path(path)
    file = _File(path.name, _content(path).split(b"\n"), [], {})
    body, version = _header(file)
    found = _records_4(file, body) if version >= KNOWN_VERSIONS[0] + 1.0 else _records_3(file, body)
    complete = [record for record in found if _is_whole(file, record)]
    systems: dict[str, KeplerRecords | StateRecords] = {}
    for system in sorted({record.system for record in complete}):
        mine = [record for record in complete if record.system == system]
        kept = _states(file, mine) if system == "R" else _keplers(file, system, mine)
        if len(kept):
            systems[system] = kept
    problems = sorted(file.problems, key=lambda problem: problem.row or 0)
    if is_strict:
        raise_if_any(problems)
    if not systems:
        held = ", ".join(f"{count} {kind}" for kind, count in sorted(file.skipped.items())) or "nothing else"
        what = f"holds no sound record of GPS, GLONASS, Galileo or BeiDou; skipped: {held}"
        raise InputError([Problem(what, "give a broadcast navigation file of these systems", path.name), *problems])
    return Navigation(systems, file.skipped, tuple(problems), path.name)


def _content(path: Path) -> bytes:
    """Return a file's bytes, decompressed, with the exponents of Fortran as everyone's."""
    try:
        with path.open("rb") as raw:
            is_gzip = raw.read(len(GZIP_START)) == GZIP_START
        with gzip.open(path) if is_gzip else path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        what = f"cannot be read: {getattr(error, 'strerror', None) or error}"
        raise InputError(Problem(what, "check path and rights, or fetch the file anew", path.name)) from error
    if len(content) > MOST_BYTES:
        raise InputError(Problem("is too large for a navigation file", "give one day a file", path.name))
    return content


def _header(file: _File) -> tuple[int, float]:
    """Return the number of header lines and the version; a file of another kind raises :class:`InputError`."""
    first = file.lines[0].decode("latin-1")
    if "RINEX VERSION" not in first[LABEL]:
        cure = "give a RINEX navigation file"
        raise InputError(Problem("does not begin with a RINEX version", cure, file.name, 1))
    version = _number(first[:20])
    if version is None or not KNOWN_VERSIONS[0] <= version < KNOWN_VERSIONS[1]:
        what = f"is RINEX version '{first[:20].strip()}'"
        raise InputError(Problem(what, "convert it to version 3 or 4", file.name, 1))
    if first[20:21].upper() != "N":
        what = f"holds '{first[20:40].strip()}', no navigation messages"
        raise InputError(Problem(what, "give the navigation file, not that of observations", file.name, 1))
    for at, line in enumerate(file.lines):
        if line[LABEL].strip() == b"END OF HEADER":
            return at + 1, version
    raise InputError(Problem("has no END OF HEADER", _DAMAGED, file.name, len(file.lines)))


def _number(text: str | bytes) -> float | None:
    """Return a finite number, or ``None``; its exponent may be Fortran's."""
    try:
        value = float(text.replace(b"D", b"E") if isinstance(text, bytes) else text.replace("D", "E"))
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _spans(file: _File, starts: list[int]) -> Iterable[tuple[int, int]]:
    """Yield first line and end of each record; blank lines at its end do not count."""
    for start, last in zip(starts, [*starts[1:], len(file.lines)][: len(starts)], strict=True):
        end = last
        while end > start and not file.lines[end - 1].strip():
            end -= 1
        yield start, end


def _records_4(file: _File, body: int) -> list[_Record]:
    """Return the records of a RINEX 4 file, which each follow a line such as ``> EPH C19 D1``."""
    lines, found = file.lines, []
    starts = [at for at in range(body, len(lines)) if lines[at][:1] == b">"]
    stray = next((at for at in range(body, starts[0] if starts else len(lines)) if lines[at].strip()), None)
    if stray is not None:
        file.report(stray, "lies before the first message")
    for start, end in _spans(file, starts):
        words = lines[start][1:].decode("latin-1").split()
        if len(words) < len(("EPH", "C19", "D1")):
            file.report(start, "names no message")
            continue
        kind, satellite, message = words[:3]
        known = MESSAGES.get(satellite[0], ())
        if kind != "EPH" or message not in known:
            file.skip(f"{satellite[0]} {message}" if kind == "EPH" else kind)
            continue
        if end == start + 1:
            file.report(start, "announces a record that is not there")
            continue
        if lines[start + 1][:3].decode("latin-1") != satellite:
            file.report(start + 1, f"is not of {satellite}, as the line above says")
            continue
        found.append(_Record(start + 1, end - start - 1, satellite[0], known.index(message)))
    return found


def _records_3(file: _File, body: int) -> list[_Record]:
    """Return the records of a RINEX 3 file, which each begin with a satellite in the first column."""
    lines, found = file.lines, []
    starts = [at for at in range(body, len(lines)) if lines[at][:1].strip()]
    stray = next((at for at in range(body, starts[0] if starts else len(lines)) if lines[at].strip()), None)
    if stray is not None:
        file.report(stray, "lies before the first record")
    for start, end in _spans(file, starts):
        system = lines[start][:1].decode("latin-1")
        if system in MESSAGES:
            preference = 0
            if system == "E":
                # Both kinds of Galileo's message share one form here; the data sources tell them apart.
                text = lines[start + SOURCES_LINE][SOURCES_PLACE] if end - start > SOURCES_LINE else b""
                preference = int(int(_number(text) or 0.0) & GALILEO_BITS == FNAV_BIT)
            found.append(_Record(start, end - start, system, preference))
        elif system in OTHER_SYSTEMS:
            file.skip(system)
        else:
            file.report(start, f"begins no record: '{lines[start][:3].decode('latin-1')}'")
    return found


def _is_whole(file: _File, record: _Record) -> bool:
    """Return whether a record has its number of lines; note it where it has not."""
    least, most = STATE_LINES if record.system == "R" else KEPLER_LINES
    if least <= record.n_lines <= most:
        return True
    what = f"record has {record.n_lines} of {least} lines"
    file.report(record.line, what)
    return False


def _values(file: _File, records: list[_Record], needed: tuple[int, ...], n_lines: int) -> tuple[FloatArray, list[int]]:
    """Return (m, 3 + 4 (n_lines - 1)) values and the indices (m,) of records without a fault; blanks are NaN."""
    rows = []
    for record in records:
        block = file.lines[record.line : record.line + min(record.n_lines, n_lines)]
        first = block[0].rstrip(b"\r")[FIRST:WIDTH].ljust(WIDTH - FIRST)
        rest = [line.rstrip(b"\r")[INDENT:WIDTH].ljust(WIDTH - INDENT) for line in block[1:]]
        rest += [b" " * (WIDTH - INDENT)] * (n_lines - len(block))
        rows.append(first + b"".join(rest))
    text = b"".join(rows).translate(bytes.maketrans(b"Dd", b"Ee"))
    table = np.frombuffer(text, f"S{FIELD}").reshape(len(records), -1).copy()
    table[np.char.strip(table) == b""] = b"nan"
    try:
        value = table.astype(np.float64)
    except ValueError:
        value = _careful(file, records, table)
    is_lacking = ~np.isfinite(value[:, needed])
    good = []
    for row, record in enumerate(records):
        if not is_lacking[row].any():
            good.append(row)
            continue
        # Infinity stands for a value that was reported already as no number.
        blank = [at for at, lacks in zip(needed, is_lacking[row], strict=True) if lacks and np.isnan(value[row, at])]
        for at in sorted(blank)[:1]:
            file.report(_line_of(record, at), f"lacks value {_place_of(at)}")
    return value[good], good


def _careful(file: _File, records: list[_Record], table: NDArray[np.bytes_]) -> FloatArray:
    """Return the numbers of a table of texts; each that is none is noted and infinite."""
    value = np.full(table.shape, np.inf)
    for row, record in enumerate(records):
        try:
            value[row] = table[row].astype(np.float64)
        except ValueError:
            for at, text in enumerate(table[row]):
                number = np.nan if text == b"nan" else _number(text)
                if number is None:
                    shown = text.decode("latin-1").strip()
                    file.report(_line_of(record, at), f"value {_place_of(at)} is no number: '{shown}'")
                else:
                    value[row, at] = number
            value[row, 0] = np.inf  # the record is not used, whichever value it was
    return value


def _line_of(record: _Record, value: int) -> int:
    return record.line if value < EPOCH_VALUES else record.line + 1 + (value - EPOCH_VALUES) // LINE_VALUES


def _place_of(value: int) -> int:
    """Return which value of its line it is, from 1."""
    return value + 1 if value < EPOCH_VALUES else (value - EPOCH_VALUES) % LINE_VALUES + 1


def _epochs(file: _File, records: list[_Record]) -> tuple[TimeArray, IntArray]:
    """Return (n,) times in the system's own scale, not-a-time where they are none, and satellite numbers."""
    known: dict[bytes, np.datetime64] = {}
    times = np.full(len(records), np.datetime64("NaT"), "datetime64[us]")
    numbers = np.zeros(len(records), np.int64)
    for row, record in enumerate(records):
        text = file.lines[record.line][EPOCH]
        stamp = text[3:]
        try:
            if stamp not in known:
                year, month, day, hour, minute, second = map(int, stamp.split())
                known[stamp] = np.datetime64(datetime(year, month, day, hour, minute, second), "us")  # noqa: DTZ001
            numbers[row], times[row] = int(text[1:3]), known[stamp]
        except (ValueError, TypeError):
            file.report(record.line, f"has no satellite and time: '{text.decode('latin-1').strip()}'")
    return times, numbers


def _kept(file: _File, records: list[_Record], is_good: NDArray[np.bool_], what: str, line: int = 0) -> None:
    """Note the records that fail a rule, at a line of theirs."""
    for row in np.flatnonzero(~is_good):
        file.report(records[row].line + line, what)


def _keplers(file: _File, system: str, records: list[_Record]) -> KeplerRecords:
    """Return the sound records with Keplerian elements; faults are noted."""
    value, good = _values(file, records, (0, 1, 2, *KEPLER, TOE, WEEK, HEALTH), KEPLER_LINES[1])
    records = [records[row] for row in good]
    times, numbers = _epochs(file, records)
    clock_s = calendar_seconds(times) + (BDT_LAG_S if system == "C" else 0.0)
    lag_s, lag_weeks = (BDT_LAG_S, BDT_WEEK_LAG) if system == "C" else (0.0, 0)
    week_s = value[:, TOE]
    # The week comes from the clock's epoch, which a record states in full; the stated one must agree with it.
    with np.errstate(invalid="ignore"):
        week = np.rint((clock_s - lag_s - week_s) / WEEK_S)
        is_timely = np.abs(week - lag_weeks - value[:, WEEK]) <= WEEK_SLIP
        is_week = (week_s >= 0.0) & (week_s <= WEEK_S)
    axis, eccentricity, angles = value[:, KEPLER[0]], value[:, KEPLER[1]], value[:, KEPLER[2:6]]
    is_orbit = (axis >= ROOT_AXIS[0]) & (axis <= ROOT_AXIS[1])
    is_orbit &= (eccentricity >= 0.0) & (eccentricity <= LARGEST_ECCENTRICITY)
    is_orbit &= (np.abs(angles) <= LARGEST_ANGLE_RAD).all(axis=1)
    is_time = ~np.isnat(times)
    is_code = (value[:, HEALTH] >= 0.0) & (value[:, HEALTH] <= LARGEST_CODE)
    _kept(file, records, is_orbit, "elements are those of no navigation satellite", 2)
    _kept(file, records, is_code, "health is no code", 6)
    _kept(file, records, ~is_time | (is_timely & is_week), "week and seconds do not agree with the epoch", 3)
    health = np.where(is_code, value[:, HEALTH], LARGEST_CODE).astype(np.int64)
    preference = np.array([record.preference for record in records], np.int64)
    if system == "E":
        health &= np.where(preference == 1, FNAV_HEALTH, INAV_HEALTH)
    is_accurate = ~(value[:, ACCURACY] < 0.0)  # Galileo writes -1 for no prediction
    found = KeplerRecords(
        satellite=numbers,
        preference=preference if system == "E" else np.zeros(len(records), np.int64),
        epoch_gps_s=week * WEEK_S + week_s + lag_s,
        week_s=week_s,
        sent_week_s=value[:, SENT],
        elements=value[:, KEPLER],
        clock=value[:, :EPOCH_VALUES],
        accuracy_m=np.where(is_accurate, value[:, ACCURACY], np.nan),
        is_healthy=(health == 0) & is_accurate,
    )
    return found.take(is_time & is_timely & is_week & is_orbit & is_code).in_order()


def _states(file: _File, records: list[_Record]) -> StateRecords:
    """Return the sound records of GLONASS; faults are noted."""
    value, good = _values(file, records, (0, 1, 2, *STATE, STATE_HEALTH), STATE_LINES[1])
    records = [records[row] for row in good]
    times, numbers = _epochs(file, records)
    state = value[:, STATE]
    far_km = np.linalg.norm(state[:, :3], axis=1)
    is_orbit = (far_km >= STATE_KM[0]) & (far_km <= STATE_KM[1])
    _kept(file, records, is_orbit, "position is that of no navigation satellite", 1)
    flags = np.clip(np.nan_to_num(value[:, STATE_FLAGS]), 0.0, LARGEST_CODE).astype(np.int64)
    is_bad = ((flags & NO_ALMANAC > 0) & (flags & ALMANAC_BAD == 0)) | (flags & STRING_BAD > 0)
    index = value[:, STATE_ACCURACY]
    steps = np.array([*GLONASS_ACCURACY_M, np.nan])
    at = np.where((index >= 0.0) & (index < steps.size), np.nan_to_num(index), steps.size - 1.0).astype(np.int64)
    is_time = ~np.isnat(times)
    found = StateRecords(
        satellite=numbers,
        preference=np.zeros(len(records), np.int64),
        epoch_gps_s=np.where(is_time, gps_seconds(times), np.nan),
        state=state,
        accuracy_m=steps[at],
        is_healthy=(value[:, STATE_HEALTH] == 0.0) & ~is_bad,
    )
    return found.take(is_time & is_orbit).in_order()
