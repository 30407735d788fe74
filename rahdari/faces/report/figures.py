"""Charts as plain SVG, so that the report needs no script and prints as it looks."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

INK, MUTED, GRID, PAPER = "#1f2933", "#5c6873", "#dde2e7", "#ffffff"
ACCENT, SECOND, WARM, SAND = "#0f766e", "#33658a", "#c8553d", "#b98a2f"
FONT = "font-family=\"'Noto Sans', 'Segoe UI', Helvetica, Arial, 'Rahdari Naskh', 'Noto Naskh Arabic', sans-serif\""
CHART_WIDTH = 720.0
BAR_HEIGHT, BAR_GAP = 24.0, 11.0
LABEL_WIDTH = 230.0
DOT_LABEL_WIDTH, DOT_LABEL_LETTERS, DOT_TEXT_LETTERS = 300.0, 46, 56
LABEL_LETTERS = 34  # what the label width holds at the size set
FIGURE_WIDTH = 180.0  # room for a figure behind a bar
COLUMNS_HEIGHT = 270.0
COLUMNS_LEFT, COLUMNS_TOP, COLUMNS_BOTTOM = 74.0, 30.0, 30.0
LUMINANCE_TURN = 0.55  # above it dark ink has the better contrast
SHARE_LABELLED = 0.06  # a narrower part has no room for its own figure


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: label, value, figure as text, and the ends of its range where known."""

    label: str
    value: float
    text: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """One value in a row of marks, with the ends of its range where known; a diamond sets what was observed apart."""

    value: float
    colour: str
    low: float | None = None
    high: float | None = None
    is_diamond: bool = False


@dataclass(frozen=True, slots=True)
class MarkRow:
    """One row of marks: label, smaller text under it, marks from the bottom up."""

    label: str
    text: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A line over columns: name, colour, dash pattern, one value a column."""

    name: str
    colour: str
    dash: str
    values: tuple[float, ...]


def svg(width: float, height: float, body: str, title: str) -> str:
    """Return one drawing with a title for those who hear it."""
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width:.0f} {height:.0f}' role='img' {FONT}>"
        f"<title>{html.escape(title)}</title>{body}</svg>"
    )


def text_at(x: float, y: float, text: str, *, size: int = 13, anchor: str = "start", colour: str = INK) -> str:
    """Return one line of text."""
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' font-size='{size}' text-anchor='{anchor}' fill='{colour}'>"
        f"{html.escape(text)}</text>"
    )


def _shortened(text: str, n_letters: int = LABEL_LETTERS) -> str:
    return text if len(text) <= n_letters else f"{text[: n_letters - 1].rstrip()}…"


def _label(y: float, text: str) -> str:
    return text_at(LABEL_WIDTH - 10, y + BAR_HEIGHT * 0.7, _shortened(text), anchor="end")


def _ink_on(colour: str) -> str:
    """Return dark or light ink, whichever reads better on a colour (relative luminance, WCAG 2)."""
    red, green, blue = (int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5))
    return INK if 0.2126 * red + 0.7152 * green + 0.0722 * blue > LUMINANCE_TURN else PAPER


def _box(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f"<rect x='{x:.1f}' y='{y:.1f}' width='{width:.1f}' height='{height:.1f}' fill='{colour}'/>"


def _percent(share: float) -> str:
    """Return a share in whole per cent; what is short of all never rounds to it."""
    return "> 99 %" if 0.995 <= share < 1 else f"{100 * share:.0f} %"  # noqa: PLR2004  # half of one per cent


def _tick(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1 or not value else f"{value:g}"


def stacked_bars(
    rows: Sequence[tuple[str, Mapping[str, float]]],
    colours: Mapping[str, str],
    title: str,
    texts: Mapping[str, str] | None = None,
) -> str:
    """Return horizontal bars of parts, a row each; parts wide enough carry their share, or their text where given."""
    body, y = "", 4.0
    width = CHART_WIDTH - LABEL_WIDTH - 10
    for label, shares in rows:
        total = sum(shares.values()) or 1.0
        body += _label(y, label)
        x = LABEL_WIDTH
        for name, share in shares.items():
            length = width * share / total
            body += _box(x, y, length, BAR_HEIGHT, colours[name])
            if share / total > SHARE_LABELLED:
                text = _percent(share / total) if texts is None else texts[name]
                ink = _ink_on(colours[name])
                body += text_at(x + length / 2, y + BAR_HEIGHT * 0.7, text, size=12, anchor="middle", colour=ink)
            x += length
        y += BAR_HEIGHT + BAR_GAP
    return svg(CHART_WIDTH, y, body, title)


def _whisker(low_x: float, high_x: float, y: float) -> str:
    middle = y + BAR_HEIGHT / 2
    path = f"M{low_x:.1f} {middle - 4:.1f}v8M{low_x:.1f} {middle:.1f}H{high_x:.1f}M{high_x:.1f} {middle - 4:.1f}v8"
    return f"<path d='{path}' stroke='{INK}' stroke-width='1.2' fill='none'/>"


def bars(rows: Sequence[Bar], title: str, colour: str = ACCENT) -> str:
    """Return horizontal bars with the figure behind them; a whisker spans the range."""
    body, y = "", 4.0
    width = CHART_WIDTH - LABEL_WIDTH - FIGURE_WIDTH
    largest = max((max(row.value, row.high or 0.0) for row in rows), default=1.0) or 1.0
    for row in rows:
        length = width * max(0.0, row.value) / largest
        body += _label(y, row.label) + _box(LABEL_WIDTH, y, length, BAR_HEIGHT, colour)
        end = LABEL_WIDTH + length
        if row.low is not None and row.high is not None and row.high > row.low:
            end = LABEL_WIDTH + width * row.high / largest
            body += _whisker(LABEL_WIDTH + width * max(0.0, row.low) / largest, end, y)
            end = max(end, LABEL_WIDTH + length)
        body += text_at(end + 8, y + BAR_HEIGHT * 0.7, row.text, colour=MUTED)
        y += BAR_HEIGHT + BAR_GAP
    return svg(CHART_WIDTH, y, body, title)


def spans(rows: Sequence[Bar], axis: str, title: str) -> str:
    """Return a line from low to high a row with a dot at its middle value, over one scale from zero."""
    width = CHART_WIDTH - LABEL_WIDTH - 20
    largest = max((row.high or row.value for row in rows), default=1.0) or 1.0
    step = nice_step(largest)
    top = math.ceil(largest / step) * step
    height = len(rows) * (BAR_HEIGHT + BAR_GAP)
    body = ""
    for index in range(round(top / step) + 1):
        x = LABEL_WIDTH + width * index * step / top
        body += f"<path d='M{x:.1f} 0V{height:.1f}' stroke='{GRID}'/>"
        body += text_at(x, height + 15, _tick(index * step), size=12, anchor="middle", colour=MUTED)
    for index, row in enumerate(rows):
        y = index * (BAR_HEIGHT + BAR_GAP) + 4
        middle = y + BAR_HEIGHT / 2
        low, dot, high = (LABEL_WIDTH + width * (value or 0.0) / top for value in (row.low, row.value, row.high))
        body += _label(y, row.label)
        body += f"<path d='M{low:.1f} {middle:.1f}H{high:.1f}' stroke='{SECOND}' stroke-width='7' opacity='.45'/>"
        body += f"<circle cx='{dot:.1f}' cy='{middle:.1f}' r='5.5' fill='{SECOND}'/>"
    body += text_at(LABEL_WIDTH, height + 32, axis, size=12, colour=MUTED)
    return svg(CHART_WIDTH, height + 40, body, title)


def log_dots(
    rows: Sequence[Bar], powers: tuple[int, int], reference: float, names: Mapping[int, str], title: str
) -> str:
    """Return a dot a row on a scale of powers of ten, joined to a reference value; text stands under its label.

    ``powers`` are the ends of the scale; ``names`` labels some of its powers.
    """
    first, last = powers
    left = DOT_LABEL_WIDTH
    width = CHART_WIDTH - left - 30
    pitch = BAR_HEIGHT + BAR_GAP + 6
    height = len(rows) * pitch

    def x_of(value: float) -> float:
        at = math.log10(value) if value > 0 else float(first)
        return left + width * (min(max(at, first), last) - first) / (last - first)

    body = ""
    for power in range(first, last + 1):
        x = x_of(10.0**power)
        body += f"<path d='M{x:.1f} 0V{height:.1f}' stroke='{GRID}'/>"
        if power in names:
            anchor = "start" if power == first else "end" if power == last else "middle"
            body += text_at(x, height + 15, names[power], size=12, anchor=anchor, colour=MUTED)
    base = x_of(reference)
    body += f"<path d='M{base:.1f} 0V{height:.1f}' stroke='{INK}' stroke-dasharray='4 3'/>"
    for index, row in enumerate(rows):
        y = index * pitch + 2
        x = x_of(row.value)
        body += text_at(left - 10, y + 13, _shortened(row.label, DOT_LABEL_LETTERS), anchor="end")
        body += text_at(left - 10, y + 28, _shortened(row.text, DOT_TEXT_LETTERS), size=11, anchor="end", colour=MUTED)
        body += f"<path d='M{base:.1f} {y + 15:.1f}H{x:.1f}' stroke='{WARM}' stroke-width='3' opacity='.5'/>"
        body += f"<circle cx='{x:.1f}' cy='{y + 15:.1f}' r='5.5' fill='{WARM}'/>"
    return svg(CHART_WIDTH, height + 24, body, title)


def mark_rows(
    rows: Sequence[MarkRow],
    ticks: Mapping[float, str],
    axis: str,
    title: str,
    *,
    is_log: bool,
    reference: float | None = None,
) -> str:
    """Return several coloured marks a row over one scale, each with its range.

    ``ticks`` give places on the scale with their labels, and its two ends: what lies beyond is drawn at the end.
    """
    first, last = min(ticks), max(ticks)
    left, pitch = DOT_LABEL_WIDTH, BAR_HEIGHT + BAR_GAP
    width, height = CHART_WIDTH - left - 30, len(rows) * pitch

    def x_of(value: float) -> float:
        at = min(max(value, first), last)
        share = math.log(at / first) / math.log(last / first) if is_log else (at - first) / (last - first)
        return left + width * share

    body = ""
    for place, label in ticks.items():
        body += f"<path d='M{x_of(place):.1f} 0V{height:.1f}' stroke='{GRID}'/>"
        body += text_at(x_of(place), height + 15, label, size=12, anchor="middle", colour=MUTED)
    if reference is not None:
        body += f"<path d='M{x_of(reference):.1f} 0V{height:.1f}' stroke='{INK}' stroke-dasharray='4 3'/>"
    for index, row in enumerate(rows):
        y = index * pitch + (14 if row.text else 21)
        body += text_at(left - 12, y, _shortened(row.label, DOT_LABEL_LETTERS), anchor="end")
        if row.text:
            text = _shortened(row.text, DOT_TEXT_LETTERS)
            body += text_at(left - 12, y + 14, text, size=11, anchor="end", colour=MUTED)
        middle = index * pitch + pitch / 2
        ends = [
            (mark, x_of(mark.low), x_of(mark.high))
            for mark in row.marks
            if mark.low is not None and mark.high is not None
        ]
        for mark, low, high in ends:
            body += (
                f"<path d='M{low:.1f} {middle:.1f}H{high:.1f}' stroke='{mark.colour}' stroke-width='8' opacity='.35'/>"
            )
        body += "".join(_mark(mark, x_of(mark.value), middle) for mark in row.marks)
    body += text_at(left, height + 32, axis, size=12, colour=MUTED)
    return svg(CHART_WIDTH, height + 40, body, title)


def _mark(mark: Mark, x: float, y: float) -> str:
    if mark.is_diamond:
        return f"<path d='M{x:.1f} {y - 7:.1f}l7 7l-7 7l-7 -7z' fill='{mark.colour}' stroke='{PAPER}'/>"
    return f"<circle cx='{x:.1f}' cy='{y:.1f}' r='5.5' fill='{mark.colour}' stroke='{PAPER}'/>"


def stacked_columns(
    points: Sequence[tuple[str, Mapping[str, float]]],
    colours: Mapping[str, str],
    unit: str,
    title: str,
    lines: Sequence[Line] = (),
) -> str:
    """Return vertical columns of parts, negative ones below the baseline, with lines over them."""
    tops = [sum(value for value in parts.values() if value > 0) for _, parts in points]
    bottoms = [sum(value for value in parts.values() if value < 0) for _, parts in points]
    drawn = [value for line in lines for value in line.values]
    high, low = max([0.0, *tops, *drawn]), min([0.0, *bottoms, *drawn])
    step = nice_step((high - low) or 1.0)
    high, low = math.ceil(high / step) * step, math.floor(low / step) * step
    span = (high - low) or 1.0

    def y_of(value: float) -> float:
        return COLUMNS_TOP + (high - value) / span * (COLUMNS_HEIGHT - COLUMNS_TOP - COLUMNS_BOTTOM)

    body = text_at(0, 14, unit, size=12, colour=MUTED)
    for index in range(round(span / step) + 1):
        value = low + index * step
        ink = MUTED if abs(value) < step / 2 else GRID
        body += f"<path d='M{COLUMNS_LEFT} {y_of(value):.1f}H{CHART_WIDTH}' stroke='{ink}'/>"
        body += text_at(COLUMNS_LEFT - 8, y_of(value) + 4, _tick(value), size=12, anchor="end", colour=MUTED)
    slot = (CHART_WIDTH - COLUMNS_LEFT) / max(1, len(points))
    for index, (label, parts) in enumerate(points):
        x = COLUMNS_LEFT + slot * index
        up = down = 0.0
        for name, value in parts.items():
            start, end = (up, up + value) if value > 0 else (down, down + value)
            up, down = (end, down) if value > 0 else (up, end)
            body += _box(
                x + slot * 0.16, y_of(max(start, end)), slot * 0.68, abs(y_of(end) - y_of(start)), colours[name]
            )
        body += text_at(x + slot / 2, COLUMNS_HEIGHT - 10, label, size=12, anchor="middle", colour=MUTED)
    for line in lines:
        path = "L".join(
            f"{COLUMNS_LEFT + slot * (index + 0.5):.1f} {y_of(value):.1f}" for index, value in enumerate(line.values)
        )
        dash = f" stroke-dasharray='{line.dash}'" if line.dash else ""
        body += f"<path d='M{path}' fill='none' stroke='{line.colour}' stroke-width='2.5'{dash}/>"
    return svg(CHART_WIDTH, COLUMNS_HEIGHT, body, title)


def nice_step(span: float) -> float:
    """Return a round step that divides a span into about four.

    >>> nice_step(100.0), nice_step(0.9)
    (25.0, 0.25)
    """
    rough = span / 4
    base: float = 10.0 ** math.floor(math.log10(rough))
    return next(base * factor for factor in (1, 2, 2.5, 5, 10) if base * factor >= rough * (1 - 1e-9))
