from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rahdari.errors import InputError
from rahdari.sources.antenna_files import read_msi, read_pattern_csv

if TYPE_CHECKING:
    from pathlib import Path

PLANET = """NAME dish 0.6
MAKE somebody
FREQUENCY 18700
GAIN 36.35{unit}
HORIZONTAL 4
0 0
90.0 55
180 60,5
270 50
VERTICAL 1
0 0
"""


def _write(folder: Path, text: str, name: str = "dish.msi") -> Path:
    path = folder / name
    path.write_text(text, encoding="latin-1")
    return path


@pytest.mark.parametrize(("unit", "peak_dbi"), [("", 38.5), (" dBd", 38.5), (" dBi", 36.35)])
def test_a_planet_file_gives_gain_frequency_and_pattern(tmp_path: Path, unit: str, peak_dbi: float) -> None:
    found = read_msi(_write(tmp_path, PLANET.format(unit=unit)))
    assert found.peak_dbi == pytest.approx(peak_dbi)
    assert (found.name, found.frequency_ghz) == ("dish 0.6", 18.7)
    assert found.angle_deg.tolist() == [0.0, 90.0, 180.0]
    assert found.attenuation_db.tolist() == [0.0, 50.0, 60.5]


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ("HORIZONTAL 4", "HORIZONTAL many", "no number of points"),
        ("HORIZONTAL 4", "HORIZONTAL 400", "no point of the pattern"),
        ("HORIZONTAL 4", "ACROSS 4", "no horizontal pattern"),
        ("180 60,5", "180 nan", "no point of the pattern"),
        ("GAIN 36.35", "GAIN", "no gain"),
        ("FREQUENCY 18700", "FREQUENCY -1", "no frequency"),
        ("90.0 55", "90.0 -5", "below 0 dB"),
    ],
)
def test_a_damaged_planet_file_is_named_with_a_cure(tmp_path: Path, wrong: str, right: str, said: str) -> None:
    path = _write(tmp_path, PLANET.format(unit=" dBi").replace(wrong, right))
    with pytest.raises(InputError, match=said) as caught:
        read_msi(path)
    assert all(problem.file == "dish.msi" and problem.cure for problem in caught.value.problems)


def test_a_missing_file_is_no_crash(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_msi(tmp_path / "none.msi")


def test_a_table_of_two_columns_is_read_and_its_faults_are_named_together(tmp_path: Path) -> None:
    good = _write(tmp_path, "angle_deg,attenuation_db\n0,0\n30,40\n180,55\n", "a.csv")
    found = read_pattern_csv(good, frequency_ghz=18.0, peak_dbi=38.0)
    assert found.attenuation_db.tolist() == [0.0, 40.0, 55.0]
    bad = _write(tmp_path, "angle_deg,attenuation_db\n0,x\n30\n", "b.csv")
    with pytest.raises(InputError) as caught:
        read_pattern_csv(bad, frequency_ghz=18.0, peak_dbi=38.0)
    assert [problem.row for problem in caught.value.problems] == [1, 2]
    with pytest.raises(InputError, match="another header"):
        read_pattern_csv(_write(tmp_path, "a,b\n", "c.csv"), frequency_ghz=18.0, peak_dbi=38.0)
