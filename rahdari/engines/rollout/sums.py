"""Sums by key that add rows in their order: the last digit never depends on threads or memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def _groups(frame: pl.DataFrame, keys: Sequence[str]) -> tuple[pl.DataFrame, NDArray[np.int64]]:
    """Return the keys in order and the number of each row's key."""
    groups = frame.select(keys).unique().sort(keys).with_row_index("group")
    number = frame.select(keys).join(groups, on=list(keys), how="left", maintain_order="left")["group"]
    return groups.drop("group"), number.cast(pl.Int64).to_numpy()


def summed(frame: pl.DataFrame, keys: Sequence[str], columns: Sequence[str]) -> pl.DataFrame:
    """Return a row for each key, in key order, with the sums of ``columns`` as floats.

    >>> summed(pl.DataFrame({"k": ["b", "a", "b"], "x": [1, 2, 4]}), ["k"], ["x"]).rows()
    [('a', 2.0), ('b', 5.0)]
    """
    groups, number = _groups(frame, keys)
    sums = {
        name: np.bincount(number, frame[name].cast(pl.Float64).to_numpy(), groups.height).astype(np.float64)
        for name in columns
    }
    return groups.with_columns(pl.Series(name, values) for name, values in sums.items())


def sum_over(frame: pl.DataFrame, keys: Sequence[str], column: str) -> pl.Series:
    """Return for each row the sum of ``column`` over the rows of its key.

    >>> sum_over(pl.DataFrame({"k": ["b", "a", "b"], "x": [1, 2, 4]}), ["k"], "x").to_list()
    [5.0, 2.0, 5.0]
    """
    groups, number = _groups(frame, keys)
    sums = np.bincount(number, frame[column].cast(pl.Float64).to_numpy(), groups.height)
    return pl.Series(column, sums[number], dtype=pl.Float64)
