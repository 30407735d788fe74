"""An immutable mapping from table name to frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rahdari.errors import PlanError, Problem

if TYPE_CHECKING:
    import polars as pl


class Tables(Mapping[str, "pl.DataFrame"]):
    """The tables of a network; frames are polars and never changed in place."""

    __slots__ = ("_frames",)

    def __init__(self, frames: Mapping[str, pl.DataFrame]) -> None:
        """Hold the given frames."""
        self._frames = dict(frames)

    def __getitem__(self, name: str) -> pl.DataFrame:
        """Return one table; a missing one raises :class:`PlanError` that lists those present."""
        if name not in self._frames:
            present = ", ".join(sorted(self._frames)) or "nothing"
            raise PlanError(Problem(f"table '{name}' is not here", f"declare it under 'reads'; visible are {present}"))
        return self._frames[name]

    def __contains__(self, name: object) -> bool:
        """Return whether the table is here."""
        return name in self._frames

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._frames)

    def __len__(self) -> int:
        """Return the number of tables."""
        return len(self._frames)

    def with_(self, **frames: pl.DataFrame) -> Tables:
        """Return new tables in which the given frames are added or take the place of old ones."""
        return Tables({**self._frames, **frames})

    def only(self, names: tuple[str, ...]) -> Tables:
        """Return the named tables alone."""
        return Tables({name: self[name] for name in names})
