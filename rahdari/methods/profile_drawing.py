"""Drawings of a path: terrain with the Earth's bulge, the line of sight, its Fresnel zone; as SVG and as plain text.

The line of sight is straight and the ground curves up under it, at k = 4/3 and (dashed) at the low k of the budget.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from xml.sax.saxutils import escape

import numpy as np

from rahdari.errors import InputError, Problem
from rahdari.methods.microwave_clearance import MEDIAN_K_RATIO, earth_bulge_m, fresnel_m

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.methods.microwave_link import LinkBudget

    FloatArray = NDArray[np.float64]

PART_RATIO = 0.6  # share of the Fresnel radius that planners keep clear
MARGIN_PX = (64, 20, 34, 46)  # left, right, top, bottom
BARE_PX = 20  # of the lower margin, which bare drawings do without
POINTS_MAX = 800  # more than a screen has columns for; peaks are kept when a profile is thinned
TICKS = 6  # labels of an axis, about
HEADROOM = 0.06  # share of the height left free above and below
NICE_STEPS = (1.0, 2.0, 5.0, 10.0)
COLOURS = {
    "ground": "#b9a58a",
    "clutter": "#7f9c6a",
    "low": "#8a6d4b",
    "line": "#1f4e8c",
    "zone": "#1f4e8c",
    "text": "#222222",
    "grid": "#dddddd",
    "mast": "#222222",
    "worst": "#b3261e",
}


class _Lines(NamedTuple):
    """What is drawn, all (n,) metres above the chord's sea level at each distance."""

    km: FloatArray
    ground: FloatArray
    top: FloatArray
    low: FloatArray
    sight: FloatArray
    radius: FloatArray


def _thinned(km: FloatArray, ground: FloatArray, top: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return at most :data:`POINTS_MAX` points, of each run the one whose top is highest, and both ends."""
    if km.size <= POINTS_MAX:
        return km, ground, top
    runs = np.array_split(np.arange(1, km.size - 1), POINTS_MAX - 2)
    kept = np.array([0, *(int(run[np.argmax(top[run])]) for run in runs), km.size - 1])
    return km[kept], ground[kept], top[kept]


def _lines(budget: LinkBudget) -> _Lines:
    """Return the curves of a drawing; raises :class:`InputError` where the budget has no profile."""
    if not budget.distance_km.size:
        raise InputError(Problem("the path has no profile to draw", "give terrain to the link budget"))
    km, ground, top = _thinned(budget.distance_km, budget.ground_m, budget.top_m)
    length = float(km[-1])
    a, b = budget.antenna_height_m
    median = earth_bulge_m(km, length - km, MEDIAN_K_RATIO)
    low = top + earth_bulge_m(km, length - km, budget.low_k_ratio)
    sight = a + (b - a) * km / length
    radius = fresnel_m(km, length - km, float(budget.budgets.hops.frequency_ghz[0]))
    return _Lines(km, ground + median, top + median, low, sight, radius)


def _nice_step(span: float) -> float:
    """Return a round step that gives about :data:`TICKS` labels.

    >>> _nice_step(37.0), _nice_step(900.0)
    (10.0, 200.0)
    """
    raw = span / TICKS
    unit = 10.0 ** np.floor(np.log10(raw))
    return float(next(unit * step for step in NICE_STEPS if unit * step >= raw * (1.0 - 1e-9)))


class _Frame(NamedTuple):
    """The plotting area and its scales."""

    width: int
    height: int
    length_km: float
    low_m: float
    high_m: float

    def x(self, km: FloatArray | float) -> FloatArray:
        left, right, _, _ = MARGIN_PX
        return np.asarray(left + (self.width - left - right) * np.asarray(km) / self.length_km)

    def y(self, metres: FloatArray | float) -> FloatArray:
        _, _, top, bottom = MARGIN_PX
        share = (np.asarray(metres) - self.low_m) / (self.high_m - self.low_m)
        return np.asarray(self.height - bottom - (self.height - top - bottom) * share)

    def points(self, km: FloatArray, metres: FloatArray) -> str:
        """Return SVG points, a tenth of a pixel exact."""
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(self.x(km), self.y(metres), strict=True))


def _frame(lines: _Lines, width_px: int, height_px: int) -> _Frame:
    """Return a frame that holds terrain, antennas and the whole zone."""
    low = float(min(lines.ground.min(), (lines.sight - lines.radius).min()))
    high = float(max(lines.low.max(), (lines.sight + lines.radius).max(), lines.top.max()))
    room = max(high - low, 1.0) * HEADROOM
    return _Frame(width_px, height_px, float(lines.km[-1]), low - room, high + room)


def _axes(frame: _Frame, *, is_bare: bool) -> list[str]:
    """Return grid lines and labels; bare ones have numbers alone."""
    parts = []
    left, right, top, bottom = MARGIN_PX
    step = _nice_step(frame.high_m - frame.low_m)
    for metres in np.arange(np.ceil(frame.low_m / step) * step, frame.high_m, step):
        y = f"{float(frame.y(float(metres))):.1f}"
        parts.append(f'<line x1="{left}" x2="{frame.width - right}" y1="{y}" y2="{y}" stroke="{COLOURS["grid"]}"/>')
        parts.append(f'<text x="{left - 6}" y="{y}" text-anchor="end" dominant-baseline="middle">{metres:.0f}</text>')
    step, base = _nice_step(frame.length_km), frame.height - bottom + 16
    places = np.arange(0.0, frame.length_km * (1.0 + 1e-9), step)
    parts += [
        f'<text x="{float(frame.x(float(km))):.1f}" y="{base}" text-anchor="middle">{km:g}</text>' for km in places
    ]
    if is_bare:
        return parts
    middle = 0.5 * (left + frame.width - right)
    parts.append(f'<text x="{middle:.1f}" y="{frame.height - 10}" text-anchor="middle">km from a</text>')
    parts.append(f'<text x="8" y="{top - 14}">m above sea level, at k = 4/3</text>')
    return parts


def _area(frame: _Frame, lines: _Lines, upper: FloatArray, lower: FloatArray, style: str) -> str:
    """Return a filled band."""
    back = frame.points(lines.km[::-1], lower[::-1])
    return f'<polygon points="{frame.points(lines.km, upper)} {back}" {style}/>'


def _zones(frame: _Frame, lines: _Lines) -> list[str]:
    """Return the first Fresnel zone, whole and the part that planners keep clear."""
    return [
        _area(
            frame,
            lines,
            lines.sight + share * lines.radius,
            lines.sight - share * lines.radius,
            f'fill="{COLOURS["zone"]}" fill-opacity="{opacity}"',
        )
        for share, opacity in ((1.0, 0.15), (PART_RATIO, 0.25))
    ]


def _worst_mark(frame: _Frame, budget: LinkBudget, lines: _Lines, *, is_bare: bool) -> list[str]:
    """Return a mark at the worst point of the low k, with its clearance unless bare."""
    if budget.low is None:
        return []
    km, ratio = float(budget.low.at_km[0]), float(budget.low.ratio[0])
    x = f"{float(frame.x(km)):.1f}"
    ends = [f"{float(frame.y(float(np.interp(km, lines.km, value)))):.1f}" for value in (lines.sight, lines.low)]
    anchor = "end" if km > 0.5 * frame.length_km else "start"
    colour = COLOURS["worst"]
    label = f"{ratio:.2f} of the Fresnel radius at k = {budget.low_k_ratio:.2f}"
    mark = f'<line x1="{x}" x2="{x}" y1="{ends[0]}" y2="{ends[1]}" stroke="{colour}" stroke-width="2"/>'
    words = f'<text x="{x}" y="{ends[0]}" dy="16" text-anchor="{anchor}" fill="{colour}">{label}</text>'
    return [mark] if is_bare else [mark, words]


def _masts(frame: _Frame, budget: LinkBudget, names: tuple[str, str]) -> list[str]:
    """Return both masts with their names."""
    parts = []
    ground = float(budget.ground_m[0]), float(budget.ground_m[-1])
    for km, base, tip, name, anchor, shift in zip(
        (0.0, frame.length_km), ground, budget.antenna_height_m, names, ("start", "end"), (6, -6), strict=True
    ):
        x = f"{float(frame.x(km)):.1f}"
        y = [f"{float(frame.y(value)):.1f}" for value in (base, tip)]
        parts.append(f'<line x1="{x}" x2="{x}" y1="{y[0]}" y2="{y[1]}" stroke="{COLOURS["mast"]}" stroke-width="3"/>')
        label = f"{escape(name)}, {tip:.0f} m" if name else f"{tip:.0f}"
        parts.append(f'<text x="{x}" dx="{shift}" y="{y[1]}" dy="-8" text-anchor="{anchor}">{label}</text>')
    return parts


def profile_svg(
    budget: LinkBudget,
    *,
    width_px: int = 900,
    height_px: int = 420,
    name_a: str = "a",
    name_b: str = "b",
    is_bare: bool = False,
) -> str:
    """Return a path's profile as an SVG document.

    Terrain and clutter at k = 4/3, the tops at the low k dashed, the line of sight, the first Fresnel zone and 60 % of
    it, masts, and the worst clearance.  A bare drawing has numbers alone, for a page that says the rest in its reader's
    language.  Same budget, same text.  Raises :class:`InputError` without a profile.
    """
    lines = _lines(budget)
    frame = _frame(lines, width_px, height_px)
    floor = np.full(lines.km.size, frame.low_m)
    title = f"Profile from {escape(name_a)} to {escape(name_b)}, {frame.length_km:.2f} km"
    f = float(budget.budgets.hops.frequency_ghz[0])
    legend = f"{f:g} GHz; dark zone 60 % of the first Fresnel radius; dashed: tops at k = {budget.low_k_ratio:.2f}"
    drawn_px = height_px - BARE_PX if is_bare else height_px
    head = f'viewBox="0 0 {width_px} {drawn_px}" role="img" font-family="sans-serif" font-size="12"'
    low, sight = frame.points(lines.km, lines.low), frame.points(lines.km, lines.sight)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {head} fill="{COLOURS["text"]}">',
        f"<title>{title}</title><desc>{legend}{'; coarse terrain' if budget.is_coarse else ''}</desc>",
        f'<rect width="{width_px}" height="{drawn_px}" fill="#ffffff"/>',
        *_axes(frame, is_bare=is_bare),
        _area(frame, lines, lines.top, lines.ground, f'fill="{COLOURS["clutter"]}"'),
        _area(frame, lines, lines.ground, floor, f'fill="{COLOURS["ground"]}"'),
        *_zones(frame, lines),
        f'<polyline points="{low}" fill="none" stroke="{COLOURS["low"]}" stroke-dasharray="5 3"/>',
        f'<polyline points="{sight}" fill="none" stroke="{COLOURS["line"]}"/>',
        *_masts(frame, budget, ("", "") if is_bare else (name_a, name_b)),
        *_worst_mark(frame, budget, lines, is_bare=is_bare),
    ]
    if not is_bare:
        parts.append(f'<text x="{width_px - MARGIN_PX[1]}" y="{MARGIN_PX[2] - 14}" text-anchor="end">{legend}</text>')
    return "\n".join([*parts, "</svg>"])


def profile_text(budget: LinkBudget, *, n_columns: int = 72, n_rows: int = 18) -> str:
    """Return a path's profile in plain characters, for a terminal.

    ``#`` ground at k = 4/3, ``+`` clutter, ``-`` line of sight, ``:`` its first Fresnel zone, ``X`` where ground or
    clutter stands in the line of sight.  Each column shows its highest point.  Raises :class:`InputError` without a
    profile.
    """
    lines = _lines(budget)
    frame = _frame(lines, n_columns, n_rows)
    column = np.minimum((lines.km / frame.length_km * n_columns).astype(np.int64), n_columns - 1)
    centre = (np.arange(n_columns) + 0.5) * frame.length_km / n_columns
    ground, top = (np.interp(centre, lines.km, value) for value in (lines.ground, lines.top))
    np.maximum.at(ground, column, lines.ground)
    np.maximum.at(top, column, lines.top)
    sight, radius = (np.interp(centre, lines.km, value) for value in (lines.sight, lines.radius))
    step = (frame.high_m - frame.low_m) / n_rows
    rows = []
    for row in range(n_rows):
        upper = frame.high_m - row * step
        lower = upper - step
        cells = np.full(n_columns, " ")
        cells[(sight + radius > lower) & (sight - radius < upper)] = ":"
        cells[top > 0.5 * (upper + lower)] = "+"
        cells[ground > 0.5 * (upper + lower)] = "#"
        is_sight = (sight >= lower) & (sight < upper)
        cells[is_sight] = np.where(top[is_sight] >= sight[is_sight], "X", "-")
        rows.append(f"{0.5 * (upper + lower):7.0f} |{''.join(cells)}|".rstrip())
    ruler = f"{'':8}0{frame.length_km:{n_columns}.1f} km"
    clear = "" if budget.low is None else f", worst {float(budget.low.ratio[0]):.2f} F1 at k = {budget.low_k_ratio:.2f}"
    rows += [ruler, f"{'':8}m above sea level at k = 4/3; - sight, : Fresnel zone, # ground, + clutter{clear}"]
    return "\n".join(rows)
