"""Drawings of values along a line: curves over kilometres with stretches marked, as SVG and as plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from xml.sax.saxutils import escape

import numpy as np

from rahdari.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

LEFT_PX, RIGHT_PX, TOP_PX, GAP_PX, BOTTOM_PX = 56, 16, 78, 22, 44
UPPER_SHARE = 0.68  # of the drawing's height for the curves; the rest for what stands below them
POINTS_MAX = 800  # more than a screen has columns for; of each run the largest is kept
TICKS = 6  # labels of an axis, about
HEADROOM = 0.08  # share of the greatest value left free above
LABEL_PX = 58  # least distance between two names above the drawing
NICE_STEPS = (1.0, 2.0, 5.0, 10.0)
TEXT, GRID, FAILING, GROUND = "#222222", "#dddddd", "#b3261e", "#b9a58a"


class Curve(NamedTuple):
    """A curve: name, colour, dashes, (p,) values."""

    name: str
    colour: str
    is_dashed: bool
    value: FloatArray


class Drawn(NamedTuple):
    """What is drawn over (p,) ascending kilometres.

    ``below`` (p,) stands in a strip under the curves, ``failing`` are (start, end) kilometres to mark, ``marks`` names
    at kilometres.
    """

    km: FloatArray
    curves: tuple[Curve, ...]
    below: FloatArray
    failing: tuple[tuple[float, float], ...]
    marks: tuple[tuple[float, str], ...]


class Labels(NamedTuple):
    """Words of a drawing: title, what the curves and the strip show, what the marked stretches are, a line of note."""

    title: str
    curves: str
    below: str
    failing: str
    note: str = ""


def nice_step(span: float) -> float:
    """Return a round step that gives about :data:`TICKS` labels.

    >>> nice_step(37.0), nice_step(900.0)
    (10.0, 200.0)
    """
    raw = span / TICKS
    unit = 10.0 ** np.floor(np.log10(raw))
    return float(next(unit * step for step in NICE_STEPS if unit * step >= raw * (1.0 - 1e-9)))


class _Panel(NamedTuple):
    """A plotting area and its scales, in pixels."""

    left: float
    right: float
    top: float
    bottom: float
    length_km: float
    high: float

    def x(self, km: float) -> float:
        return self.left + (self.right - self.left) * km / self.length_km

    def y(self, value: float) -> float:
        return self.bottom - (self.bottom - self.top) * min(value, self.high) / self.high

    def points(self, km: FloatArray, value: FloatArray) -> str:
        """Return SVG points, a tenth of a pixel exact; of many in a row the largest."""
        runs = np.array_split(np.arange(km.size), min(km.size, POINTS_MAX))
        kept = [int(run[np.argmax(value[run])]) for run in runs]
        return " ".join(f"{self.x(km[i]):.1f},{self.y(value[i]):.1f}" for i in kept)

    def grid(self) -> list[str]:
        parts = []
        for value in np.arange(0.0, self.high * (1.0 + 1e-9), nice_step(self.high)):
            y = f"{self.y(float(value)):.1f}"
            parts += [
                f'<line x1="{self.left}" x2="{self.right}" y1="{y}" y2="{y}" stroke="{GRID}"/>',
                f'<text x="{self.left - 6}" y="{y}" text-anchor="end" dominant-baseline="middle">{value:g}</text>',
            ]
        return parts


def _panels(drawn: Drawn, width_px: int, height_px: int) -> tuple[_Panel, _Panel]:
    room = height_px - TOP_PX - GAP_PX - BOTTOM_PX
    middle = TOP_PX + UPPER_SHARE * room
    length, left, right = float(drawn.km[-1]), float(LEFT_PX), float(width_px - RIGHT_PX)
    high = max(float(curve.value.max()) for curve in drawn.curves) * (1.0 + HEADROOM)
    below = max(float(drawn.below.max()), 1.0) * (1.0 + HEADROOM)
    return (
        _Panel(left, right, float(TOP_PX), middle, length, high),
        _Panel(left, right, middle + GAP_PX, float(height_px - BOTTOM_PX), length, below),
    )


def _marked(drawn: Drawn, upper: _Panel, lower: _Panel) -> list[str]:
    """Return the stretches as bands and the names above them, those that would overlap left out."""
    parts = [
        f'<rect x="{upper.x(a):.1f}" y="{upper.top:.1f}" width="{max(upper.x(b) - upper.x(a), 1.0):.1f}" '
        f'height="{lower.bottom - upper.top:.1f}" fill="{FAILING}" fill-opacity="0.10"/>'
        for a, b in drawn.failing
    ]
    last = -np.inf
    for km, name in sorted(drawn.marks):
        x = upper.x(km)
        is_last = x > upper.right - LABEL_PX
        if x - last < (2.0 if is_last else 1.0) * LABEL_PX:
            continue
        last, anchor = x, "end" if is_last else "start"
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{upper.top - 4:.1f}" y2="{lower.bottom:.1f}" stroke="{GRID}" '
            f'stroke-dasharray="2 3"/><text x="{x:.1f}" y="{upper.top - 8:.1f}" text-anchor="{anchor}">'
            f"{escape(name)}</text>"
        )
    return parts


def _legend(drawn: Drawn, labels: Labels) -> list[str]:
    parts, x = [], float(LEFT_PX)
    for curve in drawn.curves:
        dash = ' stroke-dasharray="5 3"' if curve.is_dashed else ""
        parts.append(
            f'<line x1="{x:.0f}" x2="{x + 24:.0f}" y1="36" y2="36" stroke="{curve.colour}" stroke-width="2"{dash}/>'
            f'<text x="{x + 30:.0f}" y="40">{escape(curve.name)}</text>'
        )
        x += 44.0 + 6.4 * len(curve.name)
    parts.append(
        f'<rect x="{x:.0f}" y="29" width="24" height="14" fill="{FAILING}" fill-opacity="0.15"/>'
        f'<text x="{x + 30:.0f}" y="40">{escape(labels.failing)}</text>'
    )
    return parts


def _footer(labels: Labels, x: int, y: int) -> str:
    note = f". {escape(labels.note)}" if labels.note else ""
    return f'<text x="{x}" y="{y}" text-anchor="end">km; {escape(labels.curves)}{note}</text>'


def line_svg(drawn: Drawn, labels: Labels, *, width_px: int = 960, height_px: int = 460) -> str:
    """Return curves along a line, marked stretches, and a strip below, as an SVG document.

    Same values, same text.  Raises :class:`InputError` for fewer than two points or no curve.
    """
    if drawn.km.size < 2 or not drawn.curves:  # noqa: PLR2004  # a line has two ends
        raise InputError(Problem("there is nothing to draw", "give two points and a curve"))
    upper, lower = _panels(drawn, width_px, height_px)
    step, base = nice_step(upper.length_km), lower.bottom + 16
    ticks = [
        f'<text x="{upper.x(float(km)):.1f}" y="{base:.1f}" text-anchor="middle">{km:g}</text>'
        for km in np.arange(0.0, upper.length_km * (1.0 + 1e-9), step)
    ]
    strip = np.maximum(drawn.below, 0.0)
    area = f"{lower.left:.1f},{lower.bottom:.1f} {lower.points(drawn.km, strip)} {lower.right:.1f},{lower.bottom:.1f}"
    curves = [
        f'<polyline points="{upper.points(drawn.km, curve.value)}" fill="none" stroke="{curve.colour}" '
        f'stroke-width="1.6"{" stroke-dasharray=" + chr(34) + "5 3" + chr(34) if curve.is_dashed else ""}/>'
        for curve in drawn.curves
    ]
    head = f'viewBox="0 0 {width_px} {height_px}" role="img" font-family="sans-serif" font-size="12"'
    titles = f"<title>{escape(labels.title)}</title><desc>{escape(labels.note)}</desc>"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {head} fill="{TEXT}">{titles}',
            f'<rect width="{width_px}" height="{height_px}" fill="#ffffff"/>',
            f'<text x="{LEFT_PX}" y="18" font-size="14">{escape(labels.title)}</text>',
            *_legend(drawn, labels),
            *upper.grid(),
            *lower.grid(),
            *_marked(drawn, upper, lower),
            f'<polygon points="{area}" fill="{GROUND}"/>',
            *curves,
            f'<text x="{LEFT_PX}" y="{upper.bottom + 15:.1f}">{escape(labels.below)}</text>',
            *ticks,
            _footer(labels, width_px - RIGHT_PX, height_px - 10),
            "</svg>",
        ]
    )


def line_text(drawn: Drawn, letters: Sequence[str], *, n_columns: int = 72, n_rows: int = 14) -> str:
    """Return the curves as plain characters, one letter a curve, for a terminal.

    Each column shows the largest value in it; later curves stand before earlier ones; ``!`` below marks stretches.
    Raises :class:`InputError` for fewer than two points.
    """
    if drawn.km.size < 2:  # noqa: PLR2004  # a line has two ends
        raise InputError(Problem("there is nothing to draw", "give two points"))
    length = float(drawn.km[-1])
    column = np.minimum((drawn.km / length * n_columns).astype(np.int64), n_columns - 1)
    high = max(float(curve.value.max()) for curve in drawn.curves) * (1.0 + HEADROOM)
    cells = np.full((n_rows, n_columns), " ")
    centre = (np.arange(n_columns) + 0.5) * length / n_columns
    for curve, letter in zip(drawn.curves, letters, strict=True):
        level = np.interp(centre, drawn.km, curve.value)
        np.maximum.at(level, column, curve.value)
        row = n_rows - 1 - np.minimum((level / high * n_rows).astype(np.int64), n_rows - 1)
        cells[row, np.arange(n_columns)] = letter
    fails = [any(a <= km <= b for a, b in drawn.failing) for km in centre.tolist()]
    step = high / n_rows
    lines = [f"{high - (r + 0.5) * step:7.1f} |{''.join(cells[r])}|".rstrip() for r in range(n_rows)]
    lines.append(f"{'':8}|{''.join('!' if bad else ' ' for bad in fails)}|")
    lines.append(f"{'':8}0{length:{n_columns}.0f} km")
    return "\n".join(lines)
