"""Project files of the PSPLIB (single mode, ``.sm``) as packages, crews and a calendar whose month is a period.

Format: Kolisch and Sprecher, PSPLIB - a project scheduling problem library, EJOR 96 (1997).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods.schedule_model import Budget, Calendar, Crews, Packages

if TYPE_CHECKING:
    from collections.abc import Iterator

PRECEDENCE, REQUESTS, AVAILABLE = "PRECEDENCE RELATIONS", "REQUESTS/DURATIONS", "RESOURCEAVAILABILITIES"
SECTIONS = (PRECEDENCE, REQUESTS, AVAILABLE)
FIRST_DAY = date(2000, 1, 1)  # a project file has no dates
JOB_FIELDS, REQUEST_FIELDS = 3, 3  # job, modes, successors; job, mode, duration


@dataclass(frozen=True, slots=True, eq=False)
class Project:
    """A project: its jobs as packages, resources as pools of crews, no limit of money, the file's horizon."""

    packages: Packages
    crews: Crews
    budget: Budget
    calendar: Calendar


def _numbers(lines: list[tuple[int, str]], file: str, faults: list[Problem]) -> Iterator[tuple[int, list[int]]]:
    """Yield line numbers and whole numbers of lines that begin with a digit; note those that are not whole numbers."""
    for row, line in lines:
        if line[:1].isdigit():
            try:
                yield row, [int(part) for part in line.split()]
            except ValueError:
                faults.append(Problem("not a row of whole numbers", "correct it", file, row))


def _sections(text: str) -> dict[str, list[tuple[int, str]]]:
    """Return the lines of each section, numbered from 1; what stands before them under an empty name."""
    found: dict[str, list[tuple[int, str]]] = {"": []}
    name = ""
    for row, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        title = next((title for title in SECTIONS if stripped.startswith(title)), None)
        if title is not None:
            name = title
            found[name] = []
        elif stripped.startswith("PROJECT INFORMATION"):
            name = "information"
            found[name] = []
        else:
            found[name].append((row, stripped))
    return found


def _jobs(
    sections: dict[str, list[tuple[int, str]]], n_pools: int, file: str, faults: list[Problem]
) -> tuple[dict[int, tuple[int, list[int]]], list[tuple[int, int, int]]]:
    """Return duration and demands of each job, and (job, successor, line) links."""
    jobs: dict[int, tuple[int, list[int]]] = {}
    for row, parts in _numbers(sections[REQUESTS], file, faults):
        if len(parts) != REQUEST_FIELDS + n_pools:
            what = f"{len(parts)} numbers where {REQUEST_FIELDS + n_pools} belong (job, mode, duration, resources)"
            faults.append(Problem(what, "give one mode a job, each with all resources", file, row))
        elif parts[0] in jobs:
            faults.append(Problem(f"job {parts[0]} stands twice", "keep one mode: this reads .sm files", file, row))
        else:
            jobs[parts[0]] = (parts[2], parts[REQUEST_FIELDS:])
    links: list[tuple[int, int, int]] = []
    for row, parts in _numbers(sections[PRECEDENCE], file, faults):
        if len(parts) < JOB_FIELDS or len(parts) != JOB_FIELDS + parts[2]:
            faults.append(Problem("the successors are not as many as stated", "correct the row", file, row))
        else:
            links += [(parts[0], after, row) for after in parts[JOB_FIELDS:]]
    for before, after, row in links:
        unknown = sorted({before, after} - set(jobs))
        if unknown and jobs:
            faults.append(Problem(f"job {unknown[0]} has no duration", "add it to the requests", file, row))
    return jobs, links


def read_psplib(path: Path | str) -> Project:
    """Return the project of a single-mode PSPLIB file; a period of the file is a month of the calendar.

    Jobs of no duration and no demand that only mark start and end are kept.  Raises :class:`InputError` with every
    fault and its line.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(
            Problem(f"the file cannot be read ({error})", "give the path of a .sm file", str(file))
        ) from None
    sections = _sections(text)
    missing = [title for title in SECTIONS if title not in sections]
    if missing:
        raise InputError(
            [Problem(f"there is no section '{title}'", "give a PSPLIB .sm file", str(file)) for title in missing]
        )
    faults: list[Problem] = []
    rows = list(_numbers(sections[AVAILABLE], str(file), faults))
    capacity = rows[0][1] if rows else []
    if not capacity:
        faults.append(Problem("no resource is available", "add a row of whole numbers", str(file)))
    jobs, links = _jobs(sections, len(capacity), str(file), faults)
    if not jobs:
        faults.append(Problem("there is no job", "add rows of requests", str(file)))
    raise_if_any(faults)
    width = len(str(max(jobs)))
    name = {job: f"{job:0{width}d}" for job in jobs}
    packages = Packages.of(
        [name[job] for job in jobs],
        [duration for duration, _ in jobs.values()],
        [demand for _, demand in jobs.values()],
        predecessors=[(name[before], name[after], 0.0) for before, after, _ in links],
    )
    horizon = max(1, sum(duration for duration, _ in jobs.values()))
    crews = Crews.of([f"R{k + 1}" for k in range(len(capacity))], capacity)
    return Project(packages, crews, Budget.unlimited(), Calendar(FIRST_DAY, horizon))
