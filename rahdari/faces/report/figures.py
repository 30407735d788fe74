"""Charts and the map as plain SVG, so that the report needs no script and prints as it looks."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

INK, MUTED, GRID, PAPER = "#1f2933", "#66717d", "#dde2e7", "#ffffff"
ACCENT, SECOND, WARM = "#0f766e", "#33658a", "#c8553d"
FONT = "font-family='Noto Sans, Segoe UI, Helvetica, Arial, sans-serif'"
CHART_WIDTH = 860
MAP_WIDTH = 860
MAP_MARGIN = 16
BAR_HEIGHT, BAR_GAP = 26, 12
LABEL_WIDTH = 210
LUMINANCE_TURN = 0.55  # above it dark ink has the better contrast
MAX_POINTS_PER_LAYER = 60_000
SIMPLIFY_DEG = 0.004  # under half a pixel at the size drawn


def _svg(width: float, height: float, body: str, title: str) -> str:
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width:.0f} {height:.0f}' role='img' {FONT}>"
        f"<title>{html.escape(title)}</title>{body}</svg>"
    )


def _text(x: float, y: float, text: str, *, size: int = 13, anchor: str = "start", colour: str = INK) -> str:
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' font-size='{size}' text-anchor='{anchor}' fill='{colour}'>"
        f"{html.escape(text)}</text>"
    )


def _ink_on(colour: str) -> str:
    """Return dark or light ink, whichever reads better on a colour (relative luminance, WCAG 2)."""
    red, green, blue = (int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5))
    return INK if 0.2126 * red + 0.7152 * green + 0.0722 * blue > LUMINANCE_TURN else PAPER


def stacked_bars(rows: Sequence[tuple[str, Mapping[str, float]]], colours: Mapping[str, str], title: str) -> str:
    """Return horizontal bars of shares that sum to one, a row each; shares above 6 % carry their figure."""
    body, y = "", 8.0
    width = CHART_WIDTH - LABEL_WIDTH - 10
    for label, shares in rows:
        total = sum(shares.values()) or 1.0
        body += _text(LABEL_WIDTH - 12, y + BAR_HEIGHT * 0.68, label, anchor="end")
        x = float(LABEL_WIDTH)
        for name, share in shares.items():
            length = width * share / total
            body += f"<rect x='{x:.1f}' y='{y:.1f}' width='{length:.1f}' height='{BAR_HEIGHT}' fill='{colours[name]}'/>"
            if share / total > 0.06:  # noqa: PLR2004  # narrower than its own figure
                text, ink = f"{100 * share / total:.0f} %", _ink_on(colours[name])
                body += _text(x + length / 2, y + BAR_HEIGHT * 0.68, text, size=12, anchor="middle", colour=ink)
            x += length
        y += BAR_HEIGHT + BAR_GAP
    return _svg(CHART_WIDTH, y, body, title)


def bars(rows: Sequence[tuple[str, float, str]], title: str, colour: str = ACCENT) -> str:
    """Return horizontal bars with the figure at their end: label, value, figure as text."""
    body, y = "", 8.0
    width = CHART_WIDTH - LABEL_WIDTH - 170
    largest = max((abs(value) for _, value, _ in rows), default=1.0) or 1.0
    for label, value, text in rows:
        length = width * abs(value) / largest
        body += _text(LABEL_WIDTH - 12, y + BAR_HEIGHT * 0.68, label, anchor="end")
        fill = colour if value >= 0 else WARM
        body += f"<rect x='{LABEL_WIDTH}' y='{y:.1f}' width='{length:.1f}' height='{BAR_HEIGHT}' rx='2' fill='{fill}'/>"
        body += _text(LABEL_WIDTH + length + 8, y + BAR_HEIGHT * 0.68, text, colour=MUTED)
        y += BAR_HEIGHT + BAR_GAP
    return _svg(CHART_WIDTH, y, body, title)


def columns(points: Sequence[tuple[str, float]], unit: str, title: str) -> str:
    """Return vertical columns over a baseline, negative ones below it; a few gridlines give the scale."""
    height, left, bottom, top = 260.0, 80.0, 34.0, 14.0
    values = [value for _, value in points] or [0.0]
    high, low = max(0.0, *values), min(0.0, *values)
    step = _nice_step((high - low) or 1.0)
    high, low = math.ceil(high / step) * step, math.floor(low / step) * step
    span = (high - low) or 1.0

    def y_of(value: float) -> float:
        return top + (high - value) / span * (height - top - bottom)

    body = ""
    for index in range(round(span / step) + 1):
        value = low + index * step
        y = y_of(value)
        body += f"<line x1='{left}' x2='{CHART_WIDTH}' y1='{y:.1f}' y2='{y:.1f}' stroke='{GRID}'/>"
        body += _text(left - 8, y + 4, f"{value:,.4g}", size=12, anchor="end", colour=MUTED)
    body += _text(4, 12, unit, size=12, colour=MUTED)
    slot = (CHART_WIDTH - left) / max(1, len(points))
    for index, (label, value) in enumerate(points):
        x = left + slot * index + slot * 0.18
        y0, y1 = sorted((y_of(0.0), y_of(value)))
        fill = ACCENT if value >= 0 else WARM
        body += f"<rect x='{x:.1f}' y='{y0:.1f}' width='{slot * 0.64:.1f}' height='{y1 - y0:.1f}' fill='{fill}'/>"
        body += _text(x + slot * 0.32, height - 12, label, size=12, anchor="middle", colour=MUTED)
    return _svg(CHART_WIDTH, height, body, title)


def _nice_step(span: float) -> float:
    rough = span / 4
    base: float = 10.0 ** math.floor(math.log10(rough))
    return next(base * factor for factor in (1, 2, 2.5, 5, 10) if base * factor >= rough)


class MapFrame:
    """An equirectangular frame around a country, true to scale at its middle latitude."""

    def __init__(self, bounds_deg: tuple[float, float, float, float]) -> None:
        """Fit west, south, east, north into the drawing."""
        west, south, east, north = bounds_deg
        self.west, self.north = west, north
        self.squeeze = math.cos(math.radians((south + north) / 2))
        self.scale = (MAP_WIDTH - 2 * MAP_MARGIN) / max(1e-9, (east - west) * self.squeeze)
        self.height = (north - south) * self.scale + 2 * MAP_MARGIN

    def xy(self, lon_lat_deg: np.ndarray) -> np.ndarray:
        """Return drawing coordinates of an (n, 2) array of degrees."""
        x = (lon_lat_deg[:, 0] - self.west) * self.squeeze * self.scale + MAP_MARGIN
        y = (self.north - lon_lat_deg[:, 1]) * self.scale + MAP_MARGIN
        return np.column_stack([x, y])

    def path(self, geometries: np.ndarray) -> str:
        """Return SVG path data for lines or polygons, simplified below what can be seen."""
        parts = []
        flat = shapely.get_parts(shapely.simplify(geometries, SIMPLIFY_DEG, preserve_topology=False))
        is_polygon = shapely.get_type_id(flat) == shapely.GeometryType.POLYGON
        rings = np.concatenate([shapely.get_rings(flat[is_polygon]), flat[~is_polygon]])
        for ring in rings:
            coordinates = np.round(self.xy(shapely.get_coordinates(ring)), 1)
            if len(coordinates) > 1:
                parts.append("M" + "L".join(f"{x:g} {y:g}" for x, y in coordinates))
        return "".join(parts)

    def dots(self, lon_deg: np.ndarray, lat_deg: np.ndarray) -> str:
        """Return path data that draws one round dot a point; points on the same half pixel are drawn once."""
        coordinates = np.unique(np.round(self.xy(np.column_stack([lon_deg, lat_deg])) * 2) / 2, axis=0)
        return "".join(f"M{x:g} {y:g}h0" for x, y in coordinates[:MAX_POINTS_PER_LAYER])


def country_map(
    outline: pl.DataFrame,
    lines: Sequence[tuple[np.ndarray, str, float]],
    dots: Sequence[tuple[np.ndarray, np.ndarray, str, float]],
    note: str,
    labels: Sequence[tuple[float, float, str]] = (),
) -> str:
    """Return the map: outline (disputed parts dashed), lines, dots, city names and the boundary note.

    ``lines`` holds geometries, colour and width; ``dots`` longitudes, latitudes, colour and diameter.
    """
    shapes = shapely.from_wkb(outline["geometry"].to_list()) if outline.height else np.array([])
    everything = [*shapes, *[geometry for group, _, _ in lines for geometry in group]]
    bounds = shapely.total_bounds(np.array(everything)) if everything else np.array([0.0, 0.0, 1.0, 1.0])
    if len(shapes):
        bounds = shapely.total_bounds(np.array(shapes))
    frame = MapFrame((float(bounds[0]), float(bounds[1]), float(bounds[2]), float(bounds[3])))
    body = f"<rect width='{MAP_WIDTH}' height='{frame.height + 24:.0f}' fill='#eef2f4'/>"
    for shape, is_disputed in zip(shapes, outline["is_disputed"].to_list() if outline.height else [], strict=True):
        is_area = shapely.get_dimensions(shape) == 2  # noqa: PLR2004  # a polygon
        fill = "#fbfbf8" if is_area else "none"
        dash = " stroke-dasharray='5 4'" if is_disputed else ""
        data = frame.path(np.array([shape]))
        body += f"<path d='{data}' fill='{fill}' stroke='#8b949e' stroke-width='1' fill-rule='evenodd'{dash}/>"
    for lon_deg, lat_deg, colour, diameter in dots:
        data = frame.dots(lon_deg, lat_deg)
        body += f"<path d='{data}' stroke='{colour}' stroke-width='{diameter}' stroke-linecap='round' fill='none'/>"
    for group, colour, width in lines:
        if len(group):
            body += f"<path d='{frame.path(group)}' fill='none' stroke='{colour}' stroke-width='{width}'/>"
    for lon_deg, lat_deg, name in labels:
        x, y = frame.xy(np.array([[lon_deg, lat_deg]]))[0]
        body += f"<circle cx='{x:.1f}' cy='{y:.1f}' r='3' fill='{INK}'/>"
        halo = "paint-order='stroke' stroke='#fff' stroke-width='3'"
        body += _text(x + 6, y + 4, name, size=12).replace("<text ", f"<text {halo} ")
    body += _text(MAP_MARGIN, frame.height + 14, note, size=10, colour=MUTED)
    return _svg(MAP_WIDTH, frame.height + 24, body, "Map of the plan")
