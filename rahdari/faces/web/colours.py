"""Classes and colours of map layers: a few named technologies, categories, and quantiles of numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl

from rahdari.units import unit_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rahdari.schema import Column

#: Fixed colours of the ways to connect a place, so that every map and chart shows the same ones.
TECHNOLOGY_COLOURS = {
    "fibre": "#0f766e",
    "fwa_5g": "#2f7fc1",
    "mobile_5g": "#5b57b4",
    "mobile_4g": "#8fb3dd",
    "microwave_site": "#b98a2f",
    "satellite": "#c8553d",
    "community_wifi": "#e0a93b",
    "none": "#a3a8ae",
    "4g": "#8fb3dd",
    "5g": "#5b57b4",
}
# Nine muted hues of similar weight, told apart by common forms of colour blindness (after Tol's muted scheme).
CATEGORY_COLOURS = (
    "#33658a",
    "#c8553d",
    "#4f8f5b",
    "#b98a2f",
    "#7a5195",
    "#3a9ca6",
    "#a3485f",
    "#7d8c3a",
    "#6b7280",
)
RAMP_COLOURS = ("#cdd9a0", "#8ec5a2", "#4fa3a5", "#2f7396", "#283f78")  # light to dark, one hue turning
TRUE_COLOUR, FALSE_COLOUR = "#0f766e", "#c8553d"
NO_VALUE_COLOUR = "#c4c8cd"
#: How surely a place is covered, the surest first; as the report draws it.
COVER_COLOURS = {
    "with 90 % confidence": "#0f766e",
    "less surely": "#8ec5a2",
    "likelier than not": "#e0b04a",
    "not covered": "#a3a8ae",
}
MAX_CATEGORIES = len(CATEGORY_COLOURS)
SIGNIFICANT_DIGITS = 2  # of class limits
SHARE_DIGITS = 4  # of a share in per cent
MANY_FRAC = 0.9  # above it what is left to one is rounded, so that no nine is lost
LEAST_LEFT_FRAC = 1e-6  # nearer to one is one
NO_VALUE = 255  # class of a feature without a value; fits one byte


@dataclass(frozen=True, slots=True)
class ColourClass:
    """One line of a legend: a label and its colour."""

    label: str
    colour: str


@dataclass(frozen=True, slots=True)
class Colouring:
    """How the values of a column become classes.

    ``breaks`` are the inner limits of number classes; ``values`` the categories.  One of them is empty.
    """

    classes: tuple[ColourClass, ...]
    breaks: tuple[float, ...] = ()
    values: tuple[str, ...] = ()

    def class_of(self, column: str) -> pl.Expr:
        """Return an expression giving the class of each row, :data:`NO_VALUE` where there is none."""
        if self.values:
            old = list(self.values)
            mapped = pl.col(column).cast(pl.String).replace_strict(old, list(range(len(old))), default=NO_VALUE)
            return mapped.cast(pl.UInt8)
        if not self.breaks:
            return pl.lit(0, dtype=pl.UInt8)
        steps = [(pl.col(column) >= limit).cast(pl.UInt8) for limit in self.breaks]
        return pl.sum_horizontal(steps).fill_null(NO_VALUE).cast(pl.UInt8)


def rounded(value: float, digits: int = SIGNIFICANT_DIGITS) -> float:
    """Return ``value`` with a few significant digits.

    >>> rounded(1234.0), rounded(0.0456), rounded(0.0)
    (1200.0, 0.046, 0.0)
    """
    if value == 0 or not math.isfinite(value):
        return value
    return round(value, digits - 1 - math.floor(math.log10(abs(value))))


def rounded_share(value: float) -> float:
    """Return a share of one with four digits; near one, what is left keeps two and never becomes nothing.

    >>> rounded_share(0.123456), rounded_share(0.999987), rounded_share(1.0)
    (0.1235, 0.999987, 1.0)
    """
    if 1.0 - value < LEAST_LEFT_FRAC:
        return 1.0
    return 1.0 - rounded(1.0 - value) if value > MANY_FRAC else rounded(value, SHARE_DIGITS)


def number_text(value: float) -> str:
    """Return a number as a reader wants it: thousands set apart, no needless digits.

    >>> number_text(1200.0), number_text(0.046), number_text(7_500_000)
    ('1,200', '0.046', '7.5 M')
    """
    million = 1e6
    if abs(value) >= million:
        return f"{value / million:,.3g} M"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.12g}"


def share_text(value: float) -> str:
    """Return a share of one as per cent.

    >>> share_text(0.25), share_text(0.9987)
    ('25 %', '99.87 %')
    """
    return f"{round(100 * value, SHARE_DIGITS):g} %"


def single(colour: str, label: str) -> Colouring:
    """Return one class for everything."""
    return Colouring((ColourClass(label, colour),))


def cover_colouring() -> Colouring:
    """Return the classes of coverage."""
    classes = tuple(ColourClass(*pair) for pair in COVER_COLOURS.items())
    return Colouring(classes, values=tuple(COVER_COLOURS))


def colouring(column: Column | None, values: pl.Series, label: str) -> Colouring:
    """Return the classes of a column's values: categories by name, numbers by rounded quantiles."""
    if column is not None and column.is_number and values.dtype.is_numeric():
        return _quantiles(values, label, is_share=unit_of(column.name) == "frac")
    if values.dtype == pl.Boolean:
        classes = (ColourClass("yes", TRUE_COLOUR), ColourClass("no", FALSE_COLOUR))
        return Colouring(classes, values=("true", "false"))
    return _categories(column.choices if column is not None else (), values)


def _categories(choices: Sequence[str], values: pl.Series) -> Colouring:
    present = values.drop_nulls().cast(pl.String).value_counts(sort=True)
    names = present[values.name].to_list()
    ordered = [choice for choice in choices if choice in names] or sorted(names[:MAX_CATEGORIES])
    free = iter(CATEGORY_COLOURS * 2)
    classes = []
    for name in ordered[: 2 * MAX_CATEGORIES]:
        colour = TECHNOLOGY_COLOURS.get(name) or next(free)
        classes.append(ColourClass(name.replace("_", " "), colour))
    return Colouring(tuple(classes), values=tuple(ordered[: 2 * MAX_CATEGORIES]))


def _quantiles(values: pl.Series, label: str, *, is_share: bool) -> Colouring:
    finite = values.drop_nulls().cast(pl.Float64)
    n_classes = len(RAMP_COLOURS)
    limits = [finite.quantile(k / n_classes, "nearest") for k in range(1, n_classes)] if len(finite) else []
    low = finite.min()
    shorten = rounded_share if is_share else rounded
    breaks = sorted({shorten(limit) for limit in limits if limit is not None})
    breaks = [limit for limit in breaks if isinstance(low, float) and limit > low]
    if not breaks:
        return single(RAMP_COLOURS[-1], label)
    step = (n_classes - 1) / len(breaks)
    colours = [RAMP_COLOURS[round(step * k)] for k in range(len(breaks) + 1)]
    texts = [share_text(limit) if is_share else number_text(limit) for limit in breaks]
    labels = [f"below {texts[0]}", *(f"{a} – {b}" for a, b in pairwise(texts)), f"{texts[-1]} +"]
    return Colouring(tuple(ColourClass(*pair) for pair in zip(labels, colours, strict=True)), breaks=tuple(breaks))
