"""Element sets out of TLE and OMM text, each checked by itself, with the line on which it begins."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from rahdari.sources.networks.content import WHOLE, parse_xml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rahdari.sources.imports.common import Findings
    from rahdari.sources.networks.content import Element

DAY_US = 86_400_000_000
DAY_ZERO = datetime(1949, 12, 31, tzinfo=UTC)  # from which SGP4 counts days
TLE_WIDTH = 69
PIVOT_YEAR = 57  # two-digit years from here are of the 20th century: Sputnik
SECOND_LINE_TAIL = 70  # what follows stands apart
ANGLE_MAX_DEG = 360.0
INCLINATION_MAX_DEG = 180.0
MOTION_MAX_PER_DAY = 18.0  # an orbit at the ground turns 17 times a day
XP_TYPE = 4  # elements for SGP4-XP, which SGP4 misreads by kilometres
ALPHA_5 = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # I and O are left out; Space-Track, Alpha-5
FETCH = "fetch the set again"
#: Columns of the two lines, counted from 0: field, line, first, after the last.
TLE_NUMBERS = (
    ("inclination_deg", 2, 8, 16), ("node_deg", 2, 17, 25), ("eccentricity_ratio", 2, 26, 33),
    ("perigee_deg", 2, 34, 42), ("anomaly_deg", 2, 43, 51), ("motion_per_day", 2, 52, 63), ("drag_bstar", 1, 53, 61),
)  # fmt: skip
#: Field of an OMM, our name.
OMM_NUMBERS = {
    "INCLINATION": "inclination_deg",
    "RA_OF_ASC_NODE": "node_deg",
    "ECCENTRICITY": "eccentricity_ratio",
    "ARG_OF_PERICENTER": "perigee_deg",
    "MEAN_ANOMALY": "anomaly_deg",
    "MEAN_MOTION": "motion_per_day",
    "BSTAR": "drag_bstar",
}
#: What an OMM may say about its frame, and the only answer that SGP4 fits.
OMM_FIXED = {"CENTER_NAME": "EARTH", "REF_FRAME": "TEME", "TIME_SYSTEM": "UTC", "MEAN_ELEMENT_THEORY": "SGP4"}
THEORIES = ("SGP4", "SGP", "SGP/SGP4")
RANGES = {
    "inclination_deg": (0.0, INCLINATION_MAX_DEG),
    "node_deg": (-ANGLE_MAX_DEG, ANGLE_MAX_DEG),
    "eccentricity_ratio": (0.0, 0.999999999),
    "perigee_deg": (-ANGLE_MAX_DEG, ANGLE_MAX_DEG),
    "anomaly_deg": (-ANGLE_MAX_DEG, ANGLE_MAX_DEG),
    "motion_per_day": (1e-3, MOTION_MAX_PER_DAY),
    "drag_bstar": (-1e3, 1e3),
}
EXPONENT = re.compile(r"^([ +-])(\d{5})([+-])(\d)$")
DAY_OF_YEAR = re.compile(r"^(\d{4})-(\d{3})T(.+)$")


@dataclass(frozen=True, slots=True)
class ElementSet:
    """One satellite's elements as :class:`rahdari.methods.constellation.MeanElements` takes them."""

    satellite_id: int
    name: str
    row: int
    epoch_day: int
    epoch_frac: float
    numbers: dict[str, float]
    is_decayed: bool = False


class _BadRecordError(Exception):
    """A record that cannot be read: what, and the column."""


def read_records(text: str, findings: Findings) -> list[ElementSet]:
    """Return the element sets of a file; what cannot be read is added to ``findings`` with its line."""
    start = text.lstrip()[:1]
    if start in {"[", "{"}:
        fields = _json_records(text, findings)
    elif start == "<":
        fields = _xml_records(text, findings)
    elif "MEAN_MOTION" in (first := text.lstrip().splitlines()[0]) and "," in first:
        fields = _csv_records(text, findings)
    elif "CCSDS_OMM_VERS" in first:
        findings.add("is an OMM in key-value notation, which is not read", "fetch it as JSON, CSV or XML", 1)
        return []
    else:
        return _tle_records(text, findings)
    found = []
    for row, record in fields:
        try:
            found.append(_from_omm(record, row))
        except _BadRecordError as fault:
            findings.add(str(fault.args[0]), FETCH, row, fault.args[1])
    return found


def _json_records(text: str, findings: Findings) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the line and fields of every object, read one after the other so that a cut file keeps its first ones."""
    decoder = json.JSONDecoder()
    at, line, counted = 0, 1, 0
    is_list = text.lstrip().startswith("[")
    at = text.index("[") + 1 if is_list else 0
    blank = re.compile(r"[\s,]*")
    while True:
        gap = blank.match(text, at)
        at = gap.end() if gap is not None else at
        if at >= len(text) or text[at] == "]":
            break
        line, counted = line + text.count("\n", counted, at), at
        try:
            record, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError as fault:
            findings.add(f"the file is no JSON: {fault.msg}", WHOLE, fault.lineno)
            return
        if isinstance(record, dict):
            yield line, record
        else:
            findings.add(f"{str(record)[:20]!r} is no element set", FETCH, line)
    if is_list and at >= len(text):
        findings.add("the file ends within its list", WHOLE, text.count("\n") + 1)


def _csv_records(text: str, findings: Findings) -> Iterator[tuple[int, Mapping[str, Any]]]:
    reader = csv.reader(io.StringIO(text.lstrip("\n\r ")))
    above = text[: len(text) - len(text.lstrip("\n\r "))].count("\n")
    header = [cell.strip() for cell in next(reader)]
    try:
        for cells in reader:
            if not any(cells):
                continue
            row = above + reader.line_num
            if len(cells) != len(header):
                what = f"the line has {len(cells)} cells where the header has {len(header)}"
                findings.add(what, FETCH, row)
                continue
            yield row, dict(zip(header, (cell.strip() for cell in cells), strict=True))
    except csv.Error as fault:
        findings.add(f"the file is no CSV: {fault}", WHOLE, above + reader.line_num)


def _xml_records(text: str, findings: Findings) -> Iterator[tuple[int, Mapping[str, Any]]]:
    root = parse_xml(text.encode(), findings)
    if root is None:
        return
    if root.tag not in {"ndm", "omm"}:
        findings.add(f"<{root.tag}> is no orbit message", "give an OMM file, <ndm> or <omm>", root.line)
        return
    for omm in [root] if root.tag == "omm" else root.all("omm"):
        fields: dict[str, str] = {}
        _gather(omm, fields)
        yield omm.line, fields


def _gather(element: Element, fields: dict[str, str]) -> None:
    """Add the texts of all leaves below an element; an OMM uses no name twice."""
    for child in element.children:
        if child.children:
            _gather(child, fields)
        else:
            fields.setdefault(child.tag, child.text.strip())


def _from_omm(fields: Mapping[str, Any], row: int) -> ElementSet:
    """Return one OMM record; raise what is wrong with it."""
    for key, wanted in OMM_FIXED.items():
        said = str(fields.get(key) or wanted).strip().upper()
        if said != wanted and not (key == "MEAN_ELEMENT_THEORY" and said in THEORIES):
            raise _BadRecordError(f"{key} is {said}; only {wanted} is read", key)
    numbers = {ours: _number(fields.get(key), key) for key, ours in OMM_NUMBERS.items()}
    kind = fields.get("EPHEMERIS_TYPE")
    if str(kind).strip() == str(XP_TYPE):
        raise _BadRecordError("the elements are for SGP4-XP, which is not public", "EPHEMERIS_TYPE")
    number = _number(fields.get("NORAD_CAT_ID"), "NORAD_CAT_ID")
    if number != int(number) or number < 0:
        raise _BadRecordError(f"{number:g} is no catalogue number", "NORAD_CAT_ID")
    epoch = _epoch(fields.get("EPOCH"))
    decayed = str(fields.get("DECAY_DATE") or "").strip()
    _check_ranges(numbers, {ours: key for key, ours in OMM_NUMBERS.items()})
    name = str(fields.get("OBJECT_NAME") or "").strip()
    return ElementSet(int(number), name, row, *epoch, numbers, is_decayed=bool(decayed))


def _number(value: object, column: str) -> float:
    if value is None or not str(value).strip():
        raise _BadRecordError(f"{column} is missing", column)
    try:
        found = math.nan if isinstance(value, bool) else float(str(value))
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise _BadRecordError(f"'{str(value)[:20]}' is no number", column)
    return found


def _check_ranges(numbers: Mapping[str, float], names: Mapping[str, str]) -> None:
    for key, value in numbers.items():
        low, high = RANGES[key]
        if not low <= value <= high:
            raise _BadRecordError(f"{names[key]} is {value:g}, outside {low:g} to {high:g}", names[key])


def _epoch(value: object) -> tuple[int, float]:
    """Return whole days since the day of SGP4 and the share of the day, of an ISO 8601 moment, calendar or ordinal."""
    said = str(value or "").strip()
    ordinal = DAY_OF_YEAR.match(said)
    try:
        if ordinal is not None:
            clock = datetime.fromisoformat(f"{ordinal[1]}-01-01T{ordinal[3]}")
            at = clock + timedelta(days=int(ordinal[2]) - 1)
        else:
            at = datetime.fromisoformat(said)
    except (ValueError, OverflowError) as error:
        raise _BadRecordError(f"'{said[:30]}' is no epoch" if said else "EPOCH is missing", "EPOCH") from error
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    micro = (at - DAY_ZERO) // timedelta(microseconds=1)
    if micro < 0:
        raise _BadRecordError(f"an epoch in {at.year} lies before any satellite", "EPOCH")
    day, rest = divmod(micro, DAY_US)
    return day, rest / DAY_US


def _tle_records(text: str, findings: Findings) -> list[ElementSet]:
    """Return the sets of a file of two- and three-line elements; lines that begin with # are comments."""
    found: list[ElementSet] = []
    name, first = "", None
    for row, raw in enumerate(text.splitlines(), 1):
        line = raw.rstrip()
        if not line or line.lstrip().startswith("#"):
            continue
        if line.startswith("2 "):
            if first is None:
                findings.add("is a second line without its first", FETCH, row)
            else:
                _add_pair(found, name, first, (row, line), findings)
            name, first = "", None
            continue
        if first is not None:
            findings.add("is a first line without its second", FETCH, first[0])
            name, first = "", None
        if line.startswith("1 "):
            first = (row, line)
        else:
            if name:
                findings.add(f"'{name[:30]}' is followed by no elements", FETCH, row - 1)
            name = line.removeprefix("0 ").strip()
    if first is not None:
        findings.add("is a first line without its second: the file is cut short", FETCH, first[0])
    elif name:
        findings.add(f"'{name[:30]}' is followed by no elements: the file is cut short", FETCH, len(text.splitlines()))
    return found


def _add_pair(
    found: list[ElementSet], name: str, first: tuple[int, str], second: tuple[int, str], findings: Findings
) -> None:
    """Add the satellite of two lines, or all that is wrong with either."""
    is_whole = True
    for row, line in (first, second):
        if (fault := _line_fault(line)) is not None:
            findings.add(fault, FETCH, row)
            is_whole = False
    if not is_whole:
        return
    try:
        found.append(_from_tle(name, first, second[1]))
    except _BadRecordError as fault:
        findings.add(str(fault.args[0]), FETCH, first[0] if fault.args[1] == "1" else second[0])


def _line_fault(line: str) -> str | None:
    """Return what is wrong with the form of one line of elements, or ``None``."""
    if len(line) < TLE_WIDTH:
        return f"the line is cut short: {len(line)} of {TLE_WIDTH} characters"
    if line[TLE_WIDTH:SECOND_LINE_TAIL].strip() or not line.isascii():
        return f"the line has more than {TLE_WIDTH} characters or foreign ones"
    total = sum(int(c) for c in line[: TLE_WIDTH - 1] if c.isdigit()) + line[: TLE_WIDTH - 1].count("-")
    if line[TLE_WIDTH - 1] != str(total % 10):
        return f"the checksum is {line[TLE_WIDTH - 1]} where the line sums to {total % 10}"
    return None


def _from_tle(name: str, first: tuple[int, str], second: str) -> ElementSet:
    row, line = first
    number = _catalogue_number(line[2:7], "1")
    if number != _catalogue_number(second[2:7], "2"):
        what = f"satellite {second[2:7].strip()} of the second line is not {line[2:7].strip()} of the first"
        raise _BadRecordError(what, "2")
    if line[62] == str(XP_TYPE):
        raise _BadRecordError("the elements are for SGP4-XP, which is not public", "1")
    numbers = {}
    for key, which, start, end in TLE_NUMBERS:
        field = (line if which == 1 else second)[start:end]
        if key == "drag_bstar":
            field = _exponential(field)
        elif key == "eccentricity_ratio":
            field = "0." + field.strip().replace(" ", "0")
        try:
            numbers[key] = float(field)
        except ValueError:
            raise _BadRecordError(f"'{field}' is no {key.rsplit('_', maxsplit=1)[0]}", str(which)) from None
    try:
        _check_ranges(numbers, {key: key.split("_")[0] for key in numbers})
    except _BadRecordError as fault:
        raise _BadRecordError(fault.args[0], "2") from fault
    return ElementSet(number, name, row, *_tle_epoch(line[18:32]), numbers)


def _catalogue_number(field: str, which: str) -> int:
    """Return a catalogue number of five digits, or of a letter and four digits: A0000 is 100,000."""
    text = field.strip()
    if text[:1] in set(ALPHA_5) and len(text) == len("A0000") and text[1:].isdigit():
        return (10 + ALPHA_5.index(text[0])) * 10_000 + int(text[1:])
    if not text.isdigit():
        raise _BadRecordError(f"'{field}' is no catalogue number", which)
    return int(text)


def _exponential(field: str) -> str:
    """Return ' 28098-4' as '.28098e-4', its sign before it."""
    match = EXPONENT.match(field)
    return f"{match[1].strip()}.{match[2]}e{match[3]}{match[4]}" if match is not None else field


def _tle_epoch(field: str) -> tuple[int, float]:
    """Return whole days since the day of SGP4 and the share of the day, of year and day such as 24141.56481706."""
    year, day = field[:2].strip(), field[2:].strip()
    whole, _, rest = day.partition(".")
    if not (year.isdigit() and whole.isdigit() and (rest.isdigit() or not rest)) or not 1 <= int(whole) <= 366:  # noqa: PLR2004
        raise _BadRecordError(f"'{field}' is no epoch", "1")
    full = int(year) + (1900 if int(year) >= PIVOT_YEAR else 2000)
    start = datetime(full, 1, 1, tzinfo=UTC) - DAY_ZERO
    return start.days + int(whole) - 1, float(f"0.{rest or 0}")
