from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from rahdari.errors import InputError
from rahdari.rollout import read_psplib, schedule, verify_schedule
from tests.oracles.psplib_j30 import J30

if TYPE_CHECKING:
    from pathlib import Path


def test_makespans_of_j30_lie_within_two_per_cent_of_the_optimum_on_average(tmp_path: Path) -> None:
    over = []
    for case in J30:
        file = tmp_path / f"{case.name}.sm"
        file.write_text(case.text())
        project = read_psplib(file)
        found = schedule(project.packages, project.crews, project.budget, project.calendar, "makespan")
        assert verify_schedule(project.packages, project.crews, project.budget, found).violations == ()
        assert found.lower_bound <= case.optimum <= found.value
        over.append(found.value / case.optimum - 1.0)
    assert np.mean(over) <= 0.02


def test_a_project_reads_as_its_file_says(tmp_path: Path) -> None:
    file = tmp_path / "j301_1.sm"
    file.write_text(J30[0].text())
    project = read_psplib(file)
    assert project.packages.n == 32
    assert project.packages.duration_months.sum() == 158.0  # the horizon that the file states
    assert project.crews.start_crews.tolist() == [12.0, 13.0, 4.0, 12.0]
    assert project.packages.demand_crews[1].tolist() == [4.0, 0.0, 0.0, 0.0]
    first = project.packages.after[project.packages.before == 0]
    assert [project.packages.package_id[i] for i in first] == ["02", "03", "04"]
    assert project.packages.before.size == 48


def test_every_fault_of_a_project_file_is_told_with_its_line(tmp_path: Path) -> None:
    text = J30[0].text().splitlines()
    rows = {line.split()[0]: i for i, line in enumerate(text) if line.strip().startswith(("5 ", "7 1", "9 1"))}
    assert rows
    request = next(i for i, line in enumerate(text) if line.strip().startswith("7 1 "))
    link = next(i for i, line in enumerate(text) if line.split()[:3] == ["5", "1", "1"])
    text[request] += " 99"
    text[link] = "5 1 2 20"
    file = tmp_path / "broken.sm"
    file.write_text("\n".join(text))
    with pytest.raises(InputError) as caught:
        read_psplib(file)
    lines = {problem.row for problem in caught.value.problems}
    assert {request + 1, link + 1} <= lines


def test_a_file_that_is_no_project_or_is_not_there_is_refused_with_a_cure(tmp_path: Path) -> None:
    file = tmp_path / "note.sm"
    file.write_text("nothing")
    with pytest.raises(InputError, match="PRECEDENCE RELATIONS"):
        read_psplib(file)
    with pytest.raises(InputError, match="cannot be read"):
        read_psplib(tmp_path / "absent.sm")
