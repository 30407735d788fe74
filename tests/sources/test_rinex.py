"""Navigation files: sound, damaged, cut short, and of other kinds."""

from __future__ import annotations

import gzip
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rahdari.errors import InputError
from rahdari.methods.broadcast_orbits import track
from rahdari.methods.broadcast_records import KeplerRecords, StateRecords, merged
from rahdari.sources.rinex import read_rinex

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

WEEK, BDT_WEEK = 2253, 897  # of 12 March 2023, in GPS time and in BeiDou's
ROOT_AXIS = {"G": 5153.6, "E": 5440.6, "C": 5282.6}
STATE = [(-14986.55615234, 0.5806941986084, 9.313225746155e-10), (19719.78173828, -0.6196203231812, -9.3132257e-10),
         (-6031.792968750, -3.461117744446, 0.0)]  # fmt: skip


def header(version: str, kind: str = "N: GNSS NAV DATA") -> list[str]:
    return [f"{version:>9}           {kind:<20}{'M: MIXED':<20}RINEX VERSION / TYPE", f"{'':60}END OF HEADER"]


def line(values: Sequence[float | None], indent: str = "    ") -> str:
    return indent + "".join(" " * 19 if value is None else f"{value:19.12E}" for value in values)


def kepler(satellite: str, epoch: datetime, *, health: float = 0.0, source: float = 517.0) -> list[str]:
    """Return the eight lines of a record with a circular orbit; all its values are easy to find again."""
    system = satellite[0]
    toe = (epoch - datetime(2023, 3, 12)).total_seconds()  # noqa: DTZ001
    week = BDT_WEEK if system == "C" else WEEK
    rows: list[list[float | None]] = [
        [1.0, 10.0, 4e-9, 0.5], [1e-6, 0.001, 2e-6, ROOT_AXIS[system]], [toe, 3e-8, 1.0, 4e-8],
        [0.96, 200.0, 0.3, -8e-9], [1e-10, source if system == "E" else 0.0, float(week), None],
        [2.0, health, 0.0, 0.0], [toe, None, None, None],
    ]  # fmt: skip
    first = f"{satellite} {epoch:%Y %m %d %H %M %S}"
    return [line([1e-4, 1e-12, 0.0], first), *(line(row) for row in rows)]


def glonass(satellite: str, epoch: datetime, *, n_lines: int = 4, health: float = 0.0, flags: float = 3.0) -> list[str]:
    first = f"{satellite} {epoch:%Y %m %d %H %M %S}"
    rows = [[*axis, last] for axis, last in zip(STATE, (health, 1.0, 0.0), strict=True)]
    rows += [[243.0, 2.8e-9, 3.0, flags]] if n_lines == 5 else []
    return [line([1e-4, 0.0, 900.0], first), *(line(row) for row in rows)]


NOON = datetime(2023, 3, 12, 12)  # noqa: DTZ001


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return path


def a_day_in_3(path: Path, *, hours: int = 4) -> Path:
    lines = header("3.04")
    for hour in range(hours):
        at = NOON + timedelta(hours=hour)
        lines += kepler("G05", at) + kepler("C30", at) + kepler("E11", at) + glonass("R07", at)
        lines += kepler("G05", at) if hour == 0 else []
    return write(path, lines)


def test_a_rinex_3_file_gives_the_numbers_written_in_it(tmp_path: Path) -> None:
    found = read_rinex(a_day_in_3(tmp_path / "day.rnx"))
    assert found.satellites == ("C30", "E11", "G05", "R07")
    assert found.problems == ()
    records = found.systems["C"]
    assert isinstance(records, KeplerRecords)
    assert records.elements[0, :9].tolist() == [5282.6, 0.001, 0.96, 1.0, 0.3, 0.5, 4e-9, 1e-10, -8e-9]
    assert records.elements[0, 9:].tolist() == [1e-6, 2e-6, 200.0, 10.0, 3e-8, 4e-8]
    # BeiDou's noon is fourteen seconds after that of GPS; GLONASS writes UTC, eighteen seconds after.
    start = (NOON - datetime(1980, 1, 6)).total_seconds()  # noqa: DTZ001
    starts = {letter: rows.epoch_gps_s[0] - start for letter, rows in found.systems.items()}
    assert starts == {"C": 14.0, "E": 0.0, "G": 0.0, "R": 18.0}
    states = found.systems["R"]
    assert isinstance(states, StateRecords)
    assert states.state[0].tolist() == [axis[part] for part in range(3) for axis in STATE]


def test_compressed_files_and_exponents_with_d_read_the_same(tmp_path: Path) -> None:
    plain = a_day_in_3(tmp_path / "day.rnx")
    fortran = plain.read_bytes().replace(b"E+", b"D+").replace(b"E-", b"D-").replace(b"\n", b"\r\n")
    (tmp_path / "day.rnx.gz").write_bytes(gzip.compress(fortran))
    one, two = read_rinex(plain), read_rinex(tmp_path / "day.rnx.gz")
    for letter in "CEGR":
        np.testing.assert_array_equal(one.systems[letter].epoch_gps_s, two.systems[letter].epoch_gps_s)
    np.testing.assert_array_equal(one.systems["G"].elements, two.systems["G"].elements)  # type: ignore[union-attr]


def test_a_rinex_4_file_names_its_messages_and_others_are_counted(tmp_path: Path) -> None:
    lines = header("4.00")
    lines += ["> STO C21 CNVX", "    2023 03 12 00 20 00 BDGA", "     2.28E+03"]
    for satellite, message, source in (
        ("C30", "D1", 0.0),
        ("C01", "D2", 0.0),
        ("E05", "FNAV", 258.0),
        ("E05", "INAV", 517.0),
    ):
        lines += [f"> EPH {satellite} {message}", *kepler(satellite, NOON, source=source)]
    lines += ["> EPH R05 FDMA", *glonass("R05", NOON, n_lines=5)]
    lines += ["> EPH C30 CNV1", *kepler("C30", NOON), "    1.0", "> EPH J02 LNAV", "J02 2023"]
    found = read_rinex(write(tmp_path / "day.rnx", lines))
    assert found.skipped == {"STO": 1, "C CNV1": 1, "J LNAV": 1}
    assert found.satellites == ("C01", "C30", "E05", "R05")
    assert found.systems["E"].preference.tolist() == [0, 1]
    assert found.systems["R"].accuracy_m.tolist() == [4.0]


def test_health_is_read_as_each_system_writes_it(tmp_path: Path) -> None:
    lines = header("3.05")
    for satellite, health, source in (
        ("G05", 63, 0), ("G06", 0, 0), ("C30", 1, 0), ("E05", 0b1, 517), ("E06", 0b1000, 517), ("E07", 0b1000, 258),
    ):  # fmt: skip
        lines += kepler(satellite, NOON, health=float(health), source=float(source))
    for satellite, health, flags in (("R01", 0, 3), ("R02", 1, 3), ("R03", 0, 4), ("R04", 0, 1), ("R05", 0, 0)):
        lines += glonass(satellite, NOON, n_lines=5, health=float(health), flags=float(flags))
    found = read_rinex(write(tmp_path / "day.rnx", lines))
    healthy = {
        f"{letter}{number:02d}"
        for letter, records in found.systems.items()
        for number in records.satellite[records.is_healthy]
    }
    assert healthy == {"G06", "E06", "R01", "R05"}


@pytest.mark.parametrize(
    ("damage", "row", "what"),
    [
        (lambda lines: lines[:7] + lines[10:], 3, "5 of 8 lines"),
        (lambda lines: [*lines[:5], lines[5].replace("1.00", "1.x0", 1), *lines[6:]], 6, "no number"),
        (lambda lines: [*lines[:4], line([1e-6, None, 2e-6, 5153.6]), *lines[5:]], 5, "lacks value 2"),
        (lambda lines: [*lines[:4], line([1e-6, 0.001, 2e-6, 51.0]), *lines[5:]], 5, "no navigation satellite"),
        (lambda lines: [*lines[:2], lines[2].replace(" 03 12", " 13 12", 1), *lines[3:]], 3, "satellite and time"),
        (lambda lines: [*lines[:7], line([1e-10, 0.0, 1000.0, None]), *lines[8:]], 6, "week"),
        (lambda lines: [*lines[:8], line([2.0, -3.0, 0.0, 0.0]), *lines[9:]], 9, "no code"),
        (lambda lines: [*lines[:2], "what is this", *lines[2:]], 3, "begins no record"),
    ],
)
def test_damage_is_named_by_its_line_and_the_rest_is_kept(
    tmp_path: Path, damage: Callable[[list[str]], list[str]], row: int, what: str
) -> None:
    lines = header("3.04") + kepler("G05", NOON) + kepler("G06", NOON)
    path = write(tmp_path / "day.rnx", damage(lines))
    found = read_rinex(path)
    assert "G06" in found.satellites
    assert [problem.row for problem in found.problems] == [row]
    assert what in found.problems[0].what
    assert found.problems[0].file == "day.rnx"
    with pytest.raises(InputError, match=what):
        read_rinex(path, is_strict=True)


def test_every_damaged_record_is_listed_not_the_first_alone(tmp_path: Path) -> None:
    lines = header("3.04")
    for hour in range(5):
        lines += kepler("C30", NOON + timedelta(hours=hour))
    for at in (4, 12, 20):
        lines[at] = lines[at][:30] + "?" + lines[at][31:]
    found = read_rinex(write(tmp_path / "day.rnx", lines))
    assert [problem.row for problem in found.problems] == [5, 13, 21]
    assert found.n_records == 2


def test_a_gap_in_the_file_leaves_the_satellite_absent_for_that_while(tmp_path: Path) -> None:
    lines = header("3.04") + kepler("C30", NOON) + kepler("C30", NOON + timedelta(hours=8))
    found = read_rinex(write(tmp_path / "day.rnx", lines))
    at = np.datetime64(NOON, "us") + np.array([0, 1, 4, 7, 8]) * np.timedelta64(1, "h")
    assert track(found, at).n_absent.tolist() == [0, 0, 1, 0, 0]


@pytest.mark.parametrize("week", [WEEK - 1, WEEK, WEEK + 1])
def test_a_record_at_the_turn_of_the_week_is_placed_by_its_epoch(tmp_path: Path, week: int) -> None:
    """Some writers state the week in which a record was sent, not that of its elements."""
    lines = header("3.04") + kepler("G05", datetime(2023, 3, 12))  # noqa: DTZ001
    lines[7] = line([1e-10, 0.0, float(week), None])
    found = read_rinex(write(tmp_path / "day.rnx", lines))
    start_s = (datetime(2023, 3, 12) - datetime(1980, 1, 6)).total_seconds()  # noqa: DTZ001
    assert found.systems["G"].epoch_gps_s.tolist() == [start_s]
    assert found.systems["G"].week_s.tolist() == [0.0]  # type: ignore[union-attr]


def test_days_merge_in_any_order(tmp_path: Path) -> None:
    first = read_rinex(write(tmp_path / "a.rnx", header("3.04") + kepler("C30", NOON) + glonass("R01", NOON)))
    second = read_rinex(write(tmp_path / "b.rnx", header("3.04") + kepler("C30", NOON + timedelta(hours=1))))
    forth, back = merged([first, second]), merged([second, first])
    assert forth.satellites == back.satellites == ("C30", "R01")
    np.testing.assert_array_equal(forth.systems["C"].epoch_gps_s, back.systems["C"].epoch_gps_s)
    assert forth.source == back.source


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "RINEX version"),
        (b"hello\n", "RINEX version"),
        ("\n".join(header("2.11")).encode(), "version '2.11'"),
        ("\n".join(header("3.04", "OBSERVATION DATA")).encode(), "no navigation"),
        ("\n".join(header("3.04")[:1]).encode(), "END OF HEADER"),
        ("\n".join(header("4.00")).encode(), "no sound record"),
        (b"\x1f\x8b\x08\x00broken", "cannot be read"),
    ],
)
def test_other_files_are_refused_with_a_reason(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "file.rnx"
    path.write_bytes(content)
    with pytest.raises(InputError, match=what):
        read_rinex(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_rinex(tmp_path / "absent.rnx")


@given(cut=st.integers(1, 5000), junk=st.integers(0, 255), version=st.sampled_from(["3.04", "4.00"]))
def test_any_cut_or_changed_byte_is_refused_or_survived(
    tmp_path_factory: pytest.TempPathFactory, cut: int, junk: int, version: str
) -> None:
    lines = header(version)
    for satellite, kind in (("G05", "LNAV"), ("C30", "D1"), ("E11", "INAV"), ("R07", "FDMA")):
        body = glonass(satellite, NOON) if kind == "FDMA" else kepler(satellite, NOON)
        lines += ([f"> EPH {satellite} {kind}"] if version == "4.00" else []) + body
    content = "\n".join(lines).encode()
    path = tmp_path_factory.mktemp("rinex") / "file.rnx"
    for changed in (content[:cut], content[:cut] + bytes([junk]) + content[cut + 1 :]):
        path.write_bytes(changed)
        try:
            found = read_rinex(path)
        except InputError:
            continue
        for records in found.systems.values():
            assert np.isfinite(records.epoch_gps_s).all()
            far_km = np.linalg.norm(track(found, [np.datetime64(NOON, "us")]).ecef_km, axis=2)
            assert ((far_km > 9_000.0) & (far_km < 80_000.0) | np.isnan(far_km)).all()
