"""Orbits as published: two-line elements with or without names, and OMM as JSON, CSV or XML (CCSDS 502.0-B).

The kind of a file is seen from its content.  A row in a message is the line of the file on which the record begins.
Damaged records (checksum, cut lines, fields that are no numbers) refuse the file with all of them named, or are left
out and counted.  Satellites that have decayed or that SGP4 cannot place are always left out and counted: a published
set has some.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from rahdari.errors import InputError, Problem
from rahdari.methods.constellation import SGP4_ERRORS, Constellation, MeanElements
from rahdari.methods.sidereal import utc_times
from rahdari.sources.imports.common import Findings
from rahdari.sources.networks.content import read_bytes, text_of
from rahdari.sources.orbit_records import RANGES, ElementSet, read_records

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

OLD_DAYS = 14.0  # SGP4 in a low orbit errs by some 1 to 3 km a day; Vallado et al., AIAA 2006-6753
MIXED_DAYS = 7.0  # a published set of one day spans less: satellites are tracked daily
LOWEST_MEAN_KM = 120.0  # of the height of the semi-major axis: below, a satellite burns within a turn
DAY_US = 86_400e6
NAMED = 5  # satellites named in a sentence


class _Sorted(NamedTuple):
    """Records in the order of their ids, one a satellite, and what was left out."""

    kept: list[ElementSet]
    warnings: list[str]
    n_skipped: int


def read_constellation(
    path: Path | str,
    *,
    name: str | None = None,
    on_damage: Literal["refuse", "skip"] = "refuse",
    at_utc: Any = None,  # noqa: ANN401  # see utc_times
    old_days: float = OLD_DAYS,
) -> Constellation:
    """Return the satellites of a TLE or OMM file, sorted by catalogue number, one a number.

    ``on_damage`` says what happens to records that cannot be read: ``refuse`` raises :class:`InputError` with every
    line, ``skip`` leaves them out and says so.  Decayed satellites and those for which SGP4 has no position at their
    own epoch are left out; of several sets of one satellite the newest stays.  Epochs far apart, and epochs more than
    ``old_days`` before ``at_utc`` (default: the newest epoch of the file), are kept with a warning.  All that was left
    out or doubtful stands in ``warnings``, counted, with the lines; ``n_skipped`` counts records left out.
    """
    path = Path(path)
    findings = Findings(path.name)
    content = read_bytes(path, findings)
    text = text_of(content, findings) if content is not None else None
    records = read_records(text, findings) if text is not None else []
    if findings.problems and (on_damage == "refuse" or not records):
        raise InputError(findings.problems)
    if not records:
        raise InputError(Problem("has no element set", "give a TLE or OMM file of satellites", path.name))
    warnings = [*findings.warnings, *_said("damaged records are left out", findings.problems)]
    sorted_ = _newest(records, warnings)
    elements, kept, n_lost = _placed(sorted_.kept, warnings)
    n_skipped = len(findings.problems) + sorted_.n_skipped + n_lost
    if not kept:
        problems = [Problem(text_, "fetch a newer set", path.name) for text_ in warnings]
        raise InputError(problems or [Problem("has no satellite in orbit", "fetch a newer set", path.name)])
    warnings += _age_warnings(elements, at_utc, old_days)
    return Constellation(
        name or path.stem,
        np.array([item.satellite_id for item in kept], np.int64),
        tuple(item.name or str(item.satellite_id) for item in kept),
        elements,
        tuple(warnings),
        n_skipped,
    )


def _said(what: str, problems: list[Problem]) -> list[str]:
    """Return one sentence that counts problems and gives their lines, or none."""
    if not problems:
        return []
    shown = "; ".join(f"line {p.row}: {p.what}" if p.row is not None else p.what for p in problems[:NAMED])
    rest = len(problems) - NAMED
    return [f"{len(problems):,} {what}: {shown}{f'; and {rest:,} more' if rest > 0 else ''}"]


def _named(what: str, items: list[ElementSet]) -> list[str]:
    if not items:
        return []
    shown = ", ".join(f"{item.name or item.satellite_id} (line {item.row})" for item in items[:NAMED])
    rest = len(items) - NAMED
    return [f"{len(items):,} {what}: {shown}{f' and {rest:,} more' if rest > 0 else ''}"]


def _newest(records: list[ElementSet], warnings: list[str]) -> _Sorted:
    """Return one record a satellite, the newest, without those that the file says have decayed."""
    decayed = [item for item in records if item.is_decayed]
    warnings += _named("satellites have decayed by their own record and are left out", decayed)
    order = sorted(
        (item for item in records if not item.is_decayed),
        key=lambda item: (item.satellite_id, -item.epoch_day, -item.epoch_frac, item.row),
    )
    kept: list[ElementSet] = []
    doubles: list[ElementSet] = []
    for item in order:
        (doubles if kept and kept[-1].satellite_id == item.satellite_id else kept).append(item)
    warnings += _named("older sets of a satellite that stands twice are left out", doubles)
    return _Sorted(kept, warnings, len(decayed) + len(doubles))


def elements_of(items: list[ElementSet]) -> MeanElements:
    """Return the elements of records, in their order."""

    def column(key: str) -> FloatArray:
        return np.array([item.numbers[key] for item in items], np.float64)

    return MeanElements(
        np.array([item.epoch_day for item in items], np.float64),
        np.array([item.epoch_frac for item in items], np.float64),
        **{key: column(key) for key in RANGES},
    )


def _placed(items: list[ElementSet], warnings: list[str]) -> tuple[MeanElements, list[ElementSet], int]:
    """Return the elements of satellites that are in orbit at their own epoch, with their records."""
    elements = elements_of(items)
    codes = elements.codes_at_epoch()
    is_low = elements.mean_height_km < LOWEST_MEAN_KM
    low = [item for item, flag in zip(items, is_low & (codes == 0), strict=True) if flag]
    what = f"satellites with a mean height below {LOWEST_MEAN_KM:g} km count as decayed and are left out"
    warnings += _named(what, low)
    for code in sorted(set(codes[codes != 0].tolist())):
        lost = [item for item, found in zip(items, codes.tolist(), strict=True) if found == code]
        reason = SGP4_ERRORS.get(code, f"error {code}")
        warnings += _named(f"satellites have no position at their epoch, as SGP4 says {reason}, and are left out", lost)
    is_kept = (codes == 0) & ~is_low
    if is_kept.all():
        return elements, items, 0
    kept = [item for item, flag in zip(items, is_kept, strict=True) if flag]
    return elements_of(kept), kept, len(items) - len(kept)


def _age_warnings(elements: MeanElements, at_utc: Any, old_days: float) -> list[str]:  # noqa: ANN401  # see utc_times
    """Return sentences on epochs that lie apart, and on those too old or yet to come."""
    epoch = elements.epoch_utc
    newest = epoch.max() if at_utc is None else utc_times(at_utc)[0]
    age = (newest - epoch) / np.timedelta64(1, "us") / DAY_US
    span = float(age.max() - age.min())
    said = []
    if span > MIXED_DAYS:
        said.append(f"epochs are mixed: they lie up to {span:,.1f} days apart, from {epoch.min()} to {epoch.max()} UTC")
    n_old, n_ahead = int((age > old_days).sum()), int((age < -old_days).sum())
    since = "the newest of them" if at_utc is None else f"{newest} UTC"
    if n_old:
        what = f"{n_old:,} of {age.size:,} epochs lie more than {old_days:g} days before {since}, the oldest"
        said.append(f"{what} {age.max():,.1f} days: positions err by kilometres a day")
    if n_ahead:
        said.append(f"{n_ahead:,} of {age.size:,} epochs lie more than {old_days:g} days after {since}")
    return said
