"""What navigation satellites broadcast about their orbits, as arrays by system.

Systems and satellites are named as in RINEX: G GPS, R GLONASS, E Galileo, C BeiDou; C19 is BeiDou's nineteenth.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

import numpy as np

from rahdari.errors import InputError, Problem, raise_if_any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    BoolArray = NDArray[np.bool_]

#: Columns of ``KeplerRecords.elements``: square root of the axis in m^0.5, eccentricity, inclination, node at the
#: start of the week, argument of perigee, mean anomaly (rad), their rates (rad/s), harmonics in rad and m.
ELEMENTS = (
    "root_axis", "eccentricity", "inclination", "node", "perigee", "anomaly", "rate", "inclination_rate", "node_rate",
    "cuc", "cus", "crc", "crs", "cic", "cis",
)  # fmt: skip
#: What ``Navigation.only`` knows by name: system, and the satellite numbers kept.  BeiDou-2 has C01 to C18;
#: C19 and up are BeiDou-3 (BDS-SIS-ICD-B1I-3.0, table 4-1; the test satellites C56 to C58 among them are not counted).
SETS: Mapping[str, tuple[str, frozenset[int]]] = MappingProxyType(
    {
        "GPS": ("G", frozenset(range(1, 33))),
        "GLONASS": ("R", frozenset(range(1, 100))),
        "Galileo": ("E", frozenset(range(1, 37))),
        "BDS": ("C", frozenset(range(1, 64)) - {56, 57, 58}),
        "BDS-2": ("C", frozenset(range(1, 19))),
        "BDS-3": ("C", frozenset(range(19, 64)) - {56, 57, 58}),
    }
)


class _Rows:
    """Arrays of one length; rows can be picked."""

    __slots__ = ()
    satellite: IntArray

    def __len__(self) -> int:
        """Return the number of records."""
        return int(self.satellite.size)

    def take(self, rows: IntArray | BoolArray) -> Self:
        """Return the chosen rows."""
        return replace(self, **{f.name: getattr(self, f.name)[rows] for f in fields(self)})  # type: ignore[type-var,arg-type]


@dataclass(frozen=True, slots=True, eq=False)
class KeplerRecords(_Rows):
    """(n,) broadcast ephemerides of one system with Keplerian elements.

    ``satellite`` is the number; ``preference`` 0 is the message used first where a satellite sends two.
    ``epoch_gps_s`` is the elements' time in GPS time, ``week_s`` the same in seconds of the system's own week;
    ``sent_week_s`` when it was sent (NaN unknown).  ``accuracy_m`` is the stated accuracy of ranging (NaN unknown).
    ``elements`` (n, 15) are the columns :data:`ELEMENTS`; ``clock`` (n, 3) s, s/s, s/s2.
    """

    satellite: IntArray
    preference: IntArray
    epoch_gps_s: FloatArray
    week_s: FloatArray
    sent_week_s: FloatArray
    elements: FloatArray
    clock: FloatArray
    accuracy_m: FloatArray
    is_healthy: BoolArray

    def in_order(self) -> Self:
        """Return the records by satellite, message, epoch, sending time; then healthy ones first, then by content."""
        keys = [*self.elements.T, ~self.is_healthy, self.sent_week_s, self.epoch_gps_s, self.preference, self.satellite]
        return self.take(np.lexsort(keys))


@dataclass(frozen=True, slots=True, eq=False)
class StateRecords(_Rows):
    """(n,) broadcast states of GLONASS: ``state`` (n, 9) position km, velocity km/s, acceleration km/s2, each x, y, z.

    ``preference`` is 0 throughout; ``accuracy_m`` from the user range accuracy index where it is sent.
    """

    satellite: IntArray
    preference: IntArray
    epoch_gps_s: FloatArray
    state: FloatArray
    accuracy_m: FloatArray
    is_healthy: BoolArray

    def in_order(self) -> Self:
        """Return the records by satellite and epoch; then healthy ones first, then by content."""
        return self.take(np.lexsort([*self.state.T, ~self.is_healthy, self.epoch_gps_s, self.satellite]))


@dataclass(frozen=True, slots=True, eq=False)
class Navigation:
    """Records of a navigation file by system letter.

    ``skipped`` counts what the file holds beyond them, by kind of message; ``problems`` names each damaged record that
    was left out, with its line; ``source`` is the file's name.
    """

    systems: Mapping[str, KeplerRecords | StateRecords] = field(repr=False)
    skipped: Mapping[str, int]
    problems: tuple[Problem, ...] = ()
    source: str = ""

    @property
    def n_records(self) -> int:
        """Return the number of records that can be used."""
        return sum(len(records) for records in self.systems.values())

    @property
    def satellites(self) -> tuple[str, ...]:
        """Return the names of all satellites with a record, such as ``C19``."""
        pairs = ((letter, np.unique(records.satellite)) for letter, records in sorted(self.systems.items()))
        return tuple(f"{letter}{number:02d}" for letter, numbers in pairs for number in numbers)

    def only(self, *names: str) -> Navigation:
        """Return the records of some constellations (``BDS``, ``BDS-2``, ``BDS-3``, ``GPS``, ``Galileo``, ``GLONASS``).

        System letters and satellites (``C``, ``C19``) are names too.  Unknown names raise :class:`InputError`.
        """
        wanted: dict[str, set[int]] = {}
        problems = []
        for name in names:
            letter, numbers = _numbers(name)
            if letter not in _LETTERS:
                cure = f"give {', '.join(SETS)}, a letter of {', '.join(sorted(_LETTERS))} or a satellite such as C19"
                problems.append(Problem(f"'{name}' is no constellation or satellite", cure))
            wanted.setdefault(letter, set()).update(numbers)
        raise_if_any(problems)
        kept = {
            letter: records.take(np.isin(records.satellite, sorted(wanted[letter])))
            for letter, records in self.systems.items()
            if letter in wanted
        }
        return replace(self, systems={letter: records for letter, records in kept.items() if len(records)})


_LETTERS = frozenset(letter for letter, _ in SETS.values())
_ANY_NUMBER = frozenset(range(1, 100))


def _numbers(name: str) -> tuple[str, frozenset[int]]:
    """Return system letter and satellite numbers of a name, or an empty letter."""
    if name in SETS:
        return SETS[name]
    if name in _LETTERS:
        return name, _ANY_NUMBER
    if name[:1] in _LETTERS and name[1:].isdecimal():
        return name[0], frozenset({int(name[1:])})
    return "", frozenset()


def merged(parts: Sequence[Navigation]) -> Navigation:
    """Return several files, days for instance, as one; the order of the files does not matter.

    No file raises :class:`InputError`.
    """
    if not parts:
        raise InputError(Problem("there is no navigation file", "give at least one"))
    systems: dict[str, KeplerRecords | StateRecords] = {}
    for letter in sorted({letter for part in parts for letter in part.systems}):
        records = [part.systems[letter] for part in parts if letter in part.systems]
        joined = {f.name: np.concatenate([getattr(r, f.name) for r in records]) for f in fields(records[0])}
        systems[letter] = type(records[0])(**joined).in_order()
    skipped: dict[str, int] = {}
    for part in parts:
        for kind, count in part.skipped.items():
            skipped[kind] = skipped.get(kind, 0) + count
    problems = tuple(problem for part in parts for problem in part.problems)
    return Navigation(systems, skipped, problems, ", ".join(sorted(part.source for part in parts)))
