"""Antenna patterns of vendors: files in the Planet format (``.msi``, ``.pln``) and two-column CSV."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods.antenna import AntennaPattern, folded_pattern

DIPOLE_DBI = 2.15  # gain of a half-wave dipole, in which the Planet format counts unless it says dBi
MHZ_PER_GHZ = 1000.0
MOST_POINTS = 100_000  # 360 are usual; a larger number is a damaged header
MOST_BYTES = 50_000_000
CSV_HEADER = ("angle_deg", "attenuation_db")


def _number(text: str) -> float | None:
    """Return a finite number with a point or a comma, or ``None``."""
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _text(path: Path) -> list[str]:
    """Return the lines of a file that is no larger than a pattern can be."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(Problem("is too large for an antenna pattern", "give one antenna a file", path.name))
        return path.read_text(encoding="latin-1").splitlines()
    except OSError as error:
        raise InputError(Problem(f"cannot be read: {error.strerror}", "check path and rights", path.name)) from error


def read_msi(path: Path | str) -> AntennaPattern:
    """Return the horizontal pattern of a Planet file; faults raise :class:`InputError` with row and cure.

    Gain without a unit, or in dBd, is over a dipole: 2.15 dB are added.  Frequency is in MHz.  Of the two sides the
    weaker protection is kept.
    """
    path = Path(path)
    lines = _text(path)
    header: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        key, _, rest = line.strip().partition(" ")
        if key.upper() == "HORIZONTAL":
            return _pattern(path, header, lines, number, rest)
        header[key.upper()] = rest.strip()
    cure = "give a Planet file with a line 'HORIZONTAL 360' and its points"
    raise InputError(Problem("has no horizontal pattern", cure, path.name))


def _pattern(path: Path, header: dict[str, str], lines: list[str], row: int, count: str) -> AntennaPattern:
    problems: list[Problem] = []
    words = header.get("GAIN", "").split()
    gain = _number(words[0]) if words else None
    if gain is None:
        problems.append(Problem("has no gain", "add a line such as 'GAIN 38.5 dBi'", path.name))
    elif len(words) == 1 or words[1].upper() != "DBI":
        gain += DIPOLE_DBI
    frequency = _number((header.get("FREQUENCY", "").split() or [""])[0])
    if frequency is None or frequency <= 0.0:
        problems.append(Problem("has no frequency", "add a line such as 'FREQUENCY 18000', in MHz", path.name))
    n = _number(count)
    if n is None or not 1 <= n <= MOST_POINTS:
        problems.append(Problem(f"'{count}' is no number of points", "write 'HORIZONTAL 360'", path.name, row))
    angle, loss = [], []
    for at in range(row, row + int(n or 0)):
        values = [_number(word) for word in lines[at].split()] if at < len(lines) else []
        if len(values) != len(CSV_HEADER) or values[0] is None or values[1] is None:
            cure = "give an angle and the dB below the peak"
            problems.append(Problem("is no point of the pattern", cure, path.name, at + 1))
            break
        angle.append(values[0])
        loss.append(values[1])
    raise_if_any(problems)
    ghz, name = (frequency or 0.0) / MHZ_PER_GHZ, header.get("NAME") or path.stem
    return _folded(path, name, frequency_ghz=ghz, peak_dbi=gain or 0.0, points=(angle, loss))


def _folded(
    path: Path, name: str, *, frequency_ghz: float, peak_dbi: float, points: tuple[list[float], list[float]]
) -> AntennaPattern:
    """Return the pattern; its faults are raised with the file's name."""
    try:
        return folded_pattern(name, frequency_ghz, peak_dbi, *points)
    except InputError as error:
        raise InputError([Problem(p.what, p.cure, path.name) for p in error.problems]) from error


def read_pattern_csv(path: Path | str, *, frequency_ghz: float, peak_dbi: float) -> AntennaPattern:
    """Return a pattern from CSV with the header ``angle_deg,attenuation_db``, named after the file."""
    path = Path(path)
    reader = csv.reader(_text(path))
    header = tuple(cell.strip() for cell in next(reader, []))
    if header != CSV_HEADER:
        raise InputError(Problem("has another header", f"begin it with {','.join(CSV_HEADER)}", path.name))
    problems, angle, loss = [], [], []
    for row, cells in enumerate(reader, 1):
        values = [_number(cell) for cell in cells]
        if len(values) != len(CSV_HEADER) or values[0] is None or values[1] is None:
            problems.append(Problem("is no pair of numbers", "give degrees and dB below the peak", path.name, row))
            continue
        angle.append(values[0])
        loss.append(values[1])
    raise_if_any(problems)
    return _folded(path, path.stem, frequency_ghz=frequency_ghz, peak_dbi=peak_dbi, points=(angle, loss))
