"""What can go wrong, in one shallow tree.

Every error a user meets says what is wrong, where, and how to cure it.  Readers
and checks collect all :class:`Problem` objects first and raise one
:class:`RahdariError` with the whole list.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: what, where, and the cure.

    ``row`` counts data rows from 1 as a spreadsheet user would see them without the header.
    """

    what: str
    cure: str
    file: str | None = None
    row: int | None = None
    column: str | None = None

    def as_dict(self) -> dict[str, str | int | None]:
        """Return the problem as plain JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        """Return one line: place, what, cure."""
        row = f"row {self.row}" if self.row is not None else None
        column = f"column {self.column}" if self.column else None
        where = ", ".join(part for part in (self.file, row, column) if part)
        return f"{where + ': ' if where else ''}{self.what}; {self.cure}"


class RahdariError(Exception):
    """Base of all errors with a cure; carries every problem found."""

    def __init__(self, problems: Iterable[Problem] | Problem) -> None:
        """Hold one problem or all of them."""
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(f"- {problem}" for problem in self.problems))


class InputError(RahdariError):
    """Files, tables, scenarios or arguments given by the user are wrong."""


class PlanError(RahdariError):
    """A plan cannot be made, read or written."""


class TargetError(RahdariError):
    """A target cannot be met; the problem says which and by how much."""


class AccessError(RahdariError):
    """Who asks is not known, or may not have what was asked; ``wait_s`` says after how long to ask again."""

    def __init__(self, problems: Iterable[Problem] | Problem, wait_s: float = 0.0) -> None:
        """Hold the problems and the time to wait."""
        super().__init__(problems)
        self.wait_s = wait_s


class CancelledError(RahdariError):
    """The user stopped the operation; nothing half-written remains."""


def raise_if_any(problems: list[Problem], error: type[RahdariError] = InputError) -> None:
    """Raise one ``error`` that lists all ``problems``, or return where there are none."""
    if problems:
        raise error(problems)
