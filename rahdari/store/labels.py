"""Who may see a row: its label, and what a reader is cleared for.

A table may carry these columns, in its schema or only in its file; a file without them is public.

``classification``
    The level a reader needs to see the row: one of :data:`LEVELS`.  Empty or unknown: the full clearance alone.
``compartments``
    All of these the reader needs besides: a list of names, or text with ``;`` between them.  Empty: none.
``coarsen_deg``
    Size of the cell, in degrees, to whose centre coordinates are moved for those not cleared for the exact place.
``exact_classification``
    The level a reader needs to see the exact place of a row with ``coarsen_deg``; empty: the full clearance alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

LEVELS = ("public", "internal", "restricted", "secret")
EVERY = "*"  # stands for all compartments
CLASSIFICATION, COMPARTMENTS, COARSEN, EXACT = "classification", "compartments", "coarsen_deg", "exact_classification"
LABELS = (CLASSIFICATION, COMPARTMENTS, COARSEN, EXACT)
SEPARATOR = ";"
LON, LAT = "lon_deg", "lat_deg"  # and of several places of one row: from_lon_deg, to_lon_deg
#: Columns of a row from which its exact place could be worked out again.
GIVE_PLACE_AWAY = ("row_node_id", "node_id", "elevation_m", "slope_frac", "road_distance_km", "address", "h3_id")


def level_number(level: str) -> int:
    """Return the place of a level in :data:`LEVELS`; an unknown one raises :class:`InputError`."""
    if level not in LEVELS:
        raise InputError(Problem(f"clearance '{level}' is unknown", f"use one of {', '.join(LEVELS)}"))
    return LEVELS.index(level)


def names_in(text: str | Iterable[str] | None) -> frozenset[str]:
    """Return the compartments named in a text with ``;`` between them, or in a list."""
    parts = text.split(SEPARATOR) if isinstance(text, str) else (text or ())
    return frozenset(name.strip() for name in parts if name and name.strip())


@dataclass(frozen=True, slots=True)
class Clearance:
    """What the reader may see: everything up to ``level`` whose compartments are all among ``compartments``."""

    level: str = LEVELS[0]
    compartments: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Refuse a level that there is not; :class:`InputError`."""
        level_number(self.level)

    @property
    def is_full(self) -> bool:
        """Return whether nothing is hidden from the reader, labels nobody knows included."""
        return self.level == LEVELS[-1] and EVERY in self.compartments

    @property
    def key(self) -> str:
        """Return a text that two clearances share only where they see the same."""
        return "|".join([self.level, *sorted(self.compartments)])

    def allows(self) -> list[str]:
        """Return the classifications that may be read."""
        return list(LEVELS[: level_number(self.level) + 1])

    def is_open(self, level: str | None, compartments: Iterable[str] | str | None = ()) -> bool:
        """Return whether a label lets this reader see what it stands on."""
        if self.is_full:
            return True
        return level in self.allows() and (EVERY in self.compartments or names_in(compartments) <= self.compartments)

    def covers(self, other: Clearance) -> bool:
        """Return whether all that another reader sees may be seen here."""
        has_all = EVERY in self.compartments or other.compartments <= self.compartments
        return level_number(self.level) >= level_number(other.level) and has_all


OWNER = Clearance(LEVELS[-1], frozenset({EVERY}))
PUBLIC = Clearance()


def joined_clearance(labels: Iterable[tuple[str | None, Iterable[str]]]) -> Clearance:
    """Return the least clearance that is open to all labels; a level nobody knows needs the full one."""
    level, compartments = LEVELS[0], frozenset[str]()
    for found, names in labels:
        if found not in LEVELS:
            return OWNER
        level = max(level, found, key=LEVELS.index)
        compartments |= names_in(names)
    return Clearance(level, compartments)


def _among(column: pl.Series, allowed: list[str]) -> pl.Series:
    return column.is_in(allowed).fill_null(value=False)


def _as_text(column: pl.Series) -> pl.Series:
    if column.dtype == pl.String:
        return column
    return column.cast(pl.List(pl.String)).list.join(SEPARATOR) if column.dtype.is_nested() else column.cast(pl.String)


def open_rows(frame: pl.DataFrame, clearance: Clearance) -> pl.Series | None:
    """Return (n,) whether each row's own label lets the reader see it; ``None`` where all are open."""
    if clearance.is_full or not {CLASSIFICATION, COMPARTMENTS} & set(frame.columns):
        return None
    is_open: pl.Series | None = None
    if CLASSIFICATION in frame.columns:
        is_open = _among(_as_text(frame[CLASSIFICATION]), clearance.allows())
    if COMPARTMENTS in frame.columns and EVERY not in clearance.compartments:
        text = _as_text(frame[COMPARTMENTS])
        # Few sets of compartments stand on many rows: each set is judged once.
        needed = [value for value in text.unique().drop_nulls() if names_in(value) <= clearance.compartments]
        own = text.is_null() | _among(text, needed)
        is_open = own if is_open is None else is_open & own
    return None if is_open is None or is_open.all() else is_open


def coarse_rows(frame: pl.DataFrame, clearance: Clearance) -> pl.Series | None:
    """Return (n,) whether each row shows the reader a cell in place of its exact place; ``None`` where none does."""
    if clearance.is_full or COARSEN not in frame.columns:
        return None
    is_coarse = (frame[COARSEN] > 0.0).fill_null(value=False)
    if EXACT in frame.columns:
        is_coarse &= ~_among(_as_text(frame[EXACT]), clearance.allows())
    return is_coarse if is_coarse.any() else None


def cell_centre_deg(position_deg: np.ndarray, cell_deg: np.ndarray) -> np.ndarray:
    """Return the centres (n, k) of the cells in which positions (n, k) in degrees lie; a moved grid is never used.

    >>> cell_centre_deg(np.array([[67.93, 24.21]]), np.array([0.5])).tolist()
    [[67.75, 24.25]]
    """
    size = cell_deg[:, None]
    return np.asarray((np.floor(position_deg / size) + 0.5) * size)


def coarsened(frame: pl.DataFrame, clearance: Clearance) -> pl.DataFrame:
    """Return rows with coordinates moved to centres of cells, and without what gives the place away, where labelled so.

    The centre depends on the place and the cell alone: asking again tells nothing more.
    """
    is_coarse = coarse_rows(frame, clearance)
    if is_coarse is None:
        return frame
    where, cell_deg = is_coarse.to_numpy(), frame[COARSEN].to_numpy()[is_coarse.to_numpy()].astype(np.float64)
    changed: list[pl.Series] = []
    for east in (
        name for name in frame.columns if name.endswith(LON) and name.removesuffix(LON) + LAT in frame.columns
    ):
        names = (east, east.removesuffix(LON) + LAT)
        position = frame.select(names).cast(pl.Float64).to_numpy().copy()
        position[where] = cell_centre_deg(position[where], cell_deg)
        changed += [pl.Series(name, position[:, k]) for k, name in enumerate(names)]
    if "geometry" in frame.columns:
        import shapely

        shapes = shapely.from_wkb(frame["geometry"].to_numpy())
        vertices, part = shapely.get_coordinates(shapes[where], return_index=True)
        moved = cell_centre_deg(vertices, cell_deg[part])
        shapes[where] = shapely.set_coordinates(shapes[where].copy(), moved)
        changed.append(pl.Series("geometry", shapely.to_wkb(shapes), dtype=pl.Binary))
    hidden = [name for name in GIVE_PLACE_AWAY if name in frame.columns]
    taken = [pl.when(~is_coarse).then(pl.col(name)).alias(name) for name in hidden]
    return frame.with_columns(*changed, *taken)


__all__ = [
    "EVERY", "LABELS", "LEVELS", "OWNER", "PUBLIC", "Clearance", "cell_centre_deg", "coarse_rows", "coarsened",
    "joined_clearance", "level_number", "names_in", "open_rows",
]  # fmt: skip
