"""The map as plain SVG: outline, lines, dots, names; whole tenths of a pixel keep it small."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from rahdari.faces.report.figures import INK, MUTED, svg, text_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import polars as pl
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

MARGIN = 12.0
NOTE_HEIGHT = 18.0
NOTE_SIZE = 10
GRAIN = 10.0  # drawing units a pixel; paths are written in whole ones
SIMPLIFY_PIXELS = 0.35  # less than can be seen
LAND, SEA, BORDER = "#fbfbf8", "#e9eef1", "#8b949e"
DASH = "5 4"
LETTER_PIXELS = 6.6  # mean advance of a name's letters at its size
NAME_GAP, NAME_RISE, LOCAL_DROP = 6.0, 22.0, 13.0
CAPTION_LETTER_PIXELS = 5.4  # mean advance of the note's letters at its size


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of one colour: geometries, colour, width in pixels, opacity."""

    geometries: NDArray[np.object_]
    colour: str
    width: float
    opacity: float = 1.0


@dataclass(frozen=True, slots=True)
class Dots:
    """Dots of one colour: longitudes, latitudes, colour, diameter in pixels."""

    lon_deg: FloatArray
    lat_deg: FloatArray
    colour: str
    diameter: float


@dataclass(frozen=True, slots=True)
class Label:
    """A city: point, name, name in the local script."""

    lon_deg: float
    lat_deg: float
    name: str
    local: str = ""


class MapFrame:
    """An equirectangular frame around a country, true to scale at its middle latitude."""

    def __init__(self, bounds_deg: Sequence[float], width: float) -> None:
        """Fit west, south, east, north into a drawing of a width."""
        west, south, east, north = (float(value) for value in bounds_deg)
        self.west, self.north, self.width = west, north, width
        self.squeeze = math.cos(math.radians((south + north) / 2))
        self.scale = (width - 2 * MARGIN) / max(1e-9, (east - west) * self.squeeze)
        self.height = (north - south) * self.scale + 2 * MARGIN

    def xy(self, lon_lat_deg: FloatArray) -> FloatArray:
        """Return pixels of an (n, 2) array of degrees."""
        x = (lon_lat_deg[:, 0] - self.west) * self.squeeze * self.scale + MARGIN
        y = (self.north - lon_lat_deg[:, 1]) * self.scale + MARGIN
        return np.column_stack([x, y])

    def path(self, geometries: NDArray[np.object_]) -> str:
        """Return path data in grains for lines or polygons, simplified below what can be seen."""
        tolerance_deg = SIMPLIFY_PIXELS / self.scale
        simple = shapely.simplify(geometries, tolerance_deg, preserve_topology=False)
        coordinates, piece = shapely.get_coordinates(_rings(simple), return_index=True)
        if not len(coordinates):
            return ""
        grains = np.rint(self.xy(coordinates) * GRAIN).astype(np.int64)
        is_first = np.concatenate([[True], piece[1:] != piece[:-1]])
        is_moved = np.concatenate([[True], (grains[1:] != grains[:-1]).any(axis=1)])
        kept = is_first | is_moved
        return "".join(_steps(grains[kept], is_first[kept]))

    def dots(self, lon_deg: FloatArray, lat_deg: FloatArray) -> str:
        """Return path data in grains that draws one round dot a point; points on the same pixel are drawn once."""
        pixels = np.unique(np.rint(self.xy(np.column_stack([lon_deg, lat_deg]))).astype(np.int64), axis=0)
        if not len(pixels):
            return ""
        grains = pixels * int(GRAIN)
        steps = np.diff(grains, axis=0, prepend=np.zeros((1, 2), dtype=np.int64))
        return "".join(f"m{x} {y}h0" for x, y in steps.tolist())


def _rings(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    flat = np.asarray(shapely.get_parts(geometries), dtype=object)
    is_polygon = shapely.get_type_id(flat) == shapely.GeometryType.POLYGON
    return np.concatenate([shapely.get_rings(flat[is_polygon]), flat[~is_polygon]])


def _steps(grains: NDArray[np.int64], is_first: NDArray[np.bool_]) -> Iterator[str]:
    """Write absolute moves and relative lines; a piece of one point draws nothing and is left out."""
    follows = np.concatenate([~is_first[1:], [False]])
    steps = np.diff(grains, axis=0, prepend=grains[:1])
    was_line = False
    for (x, y), (dx, dy), first, has_next in zip(
        grains.tolist(), steps.tolist(), is_first.tolist(), follows.tolist(), strict=True
    ):
        if not first:
            yield f"{' ' if was_line and dx >= 0 else ''}{dx}{' ' if dy >= 0 else ''}{dy}"
            was_line = True
        elif has_next:
            yield f"M{x} {y}l"
            was_line = False


def country_map(
    outline: pl.DataFrame,
    layers: Sequence[Lines | Dots],
    note: str,
    labels: Sequence[Label] = (),
    *,
    width: float,
    title: str,
) -> str:
    """Return the map: land, layers in order, borders (disputed ones dashed), names, the boundary note."""
    shapes = np.asarray(shapely.from_wkb(outline["geometry"].to_list()), dtype=object)
    frame = MapFrame(_bounds(shapes, layers), width)
    is_area = shapely.get_dimensions(shapes) == 2  # noqa: PLR2004  # a polygon
    is_disputed = outline["is_disputed"].to_numpy().astype(bool)
    note_lines = _wrapped(note, width)
    height = frame.height + NOTE_HEIGHT * len(note_lines)
    body = f"<rect width='{width:.0f}' height='{height:.0f}' fill='{SEA}'/><g transform='scale({1 / GRAIN:g})'>"
    body += f"<path d='{frame.path(shapes[is_area])}' fill='{LAND}' fill-rule='evenodd'/>"
    body += "".join(_layer(frame, layer) for layer in layers)
    body += _edges(frame, shapes, is_area, is_disputed) + "</g>"
    body += _names(frame, labels)
    for index, line in enumerate(note_lines):
        body += text_at(MARGIN, frame.height + 10 + NOTE_HEIGHT * 0.8 * index, line, size=NOTE_SIZE, colour=MUTED)
    return svg(width, height, body, title)


def _edges(
    frame: MapFrame,
    shapes: NDArray[np.object_],
    is_area: NDArray[np.bool_],
    is_disputed: NDArray[np.bool_],
) -> str:
    """Draw borders, disputed ones dashed; where border lines are given, land has its own edge only beside them."""
    lines = shapes[~is_area]
    full, dashed = shapes[~is_disputed], shapes[is_disputed]
    if len(lines) and is_area.any():
        # Border lines and land of one data set agree to well under this.
        near_deg = 0.02
        edge = shapely.boundary(shapely.union_all(shapes[is_area]))
        coast = shapely.difference(edge, shapely.buffer(shapely.union_all(lines), near_deg))
        full = np.concatenate([np.asarray([coast], dtype=object), shapes[~is_area & ~is_disputed]])
        dashed = shapes[~is_area & is_disputed]
    return _stroked(frame.path(full), BORDER, 1.0) + _stroked(frame.path(dashed), INK, 1.2, DASH)


def _bounds(shapes: NDArray[np.object_], layers: Sequence[Lines | Dots]) -> list[float]:
    """Return west, south, east, north of the outline, or of all that is drawn where there is none."""
    points = [shapely.get_coordinates(shapes)]
    if not len(shapes):
        for layer in layers:
            if isinstance(layer, Lines):
                points.append(shapely.get_coordinates(layer.geometries))
            else:
                points.append(np.column_stack([layer.lon_deg, layer.lat_deg]))
    everything = np.concatenate(points)
    if not len(everything):
        return [0.0, 0.0, 1.0, 1.0]
    return [*everything.min(axis=0).tolist(), *everything.max(axis=0).tolist()]


def _wrapped(note: str, width: float) -> list[str]:
    """Break a note into lines that the width holds."""
    room = int((width - 2 * MARGIN) / CAPTION_LETTER_PIXELS)
    lines = [""]
    for word in note.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > room:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _stroked(data: str, colour: str, width: float, dash: str = "", opacity: float = 1.0) -> str:
    if not data:
        return ""
    pattern = " ".join(f"{float(part) * GRAIN:g}" for part in dash.split())
    dashes = f" stroke-dasharray='{pattern}'" if dash else ""
    faint = f" opacity='{opacity:g}'" if opacity < 1 else ""
    return f"<path d='{data}' fill='none' stroke='{colour}' stroke-width='{width * GRAIN:g}'{dashes}{faint}/>"


def _layer(frame: MapFrame, layer: Lines | Dots) -> str:
    if isinstance(layer, Lines):
        return _stroked(frame.path(layer.geometries), layer.colour, layer.width, opacity=layer.opacity)
    data = frame.dots(layer.lon_deg, layer.lat_deg)
    return _stroked(data, layer.colour, layer.diameter).replace("<path ", "<path stroke-linecap='round' ")


def _names(frame: MapFrame, labels: Sequence[Label]) -> str:
    """Write names in their order of importance, each beside or above its dot, wherever none stands yet."""
    taken: list[tuple[float, float, float, float]] = []
    body = ""
    points = [frame.xy(np.array([[label.lon_deg, label.lat_deg]]))[0].tolist() for label in labels]
    for label, (x, y) in zip(labels, points, strict=True):
        width = LETTER_PIXELS * len(label.name) + NAME_GAP
        sides = (("start", x, x + width), ("end", x - width, x))
        for rise, (anchor, left, right) in itertools.product((0.0, NAME_RISE), sides):
            box = (left, y - rise - 11, right, y - rise + (LOCAL_DROP + 4 if label.local else 4))
            is_inside = left >= 0 and right <= frame.width
            if is_inside and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                body += _name(x, y, rise, label, anchor)
                break
    return body


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _name(x: float, y: float, rise: float, label: Label, anchor: str) -> str:
    at = x + (NAME_GAP if anchor == "start" else -NAME_GAP)
    halo = "paint-order='stroke' stroke='#fff' stroke-width='3' stroke-linejoin='round'"
    lines = [text_at(at, y - rise + (0 if label.local else 4), label.name, size=12, anchor=anchor)]
    if label.local:
        # Letters of one script carry their own direction; without a direction of the element the anchor stays put.
        local = text_at(at, y - rise + LOCAL_DROP, label.local, size=12, anchor=anchor)
        lines.append(local.replace("<text ", "<text lang='ur' "))
    texts = "".join(line.replace("<text ", f"<text {halo} ") for line in lines)
    return f"<circle cx='{x:.1f}' cy='{y:.1f}' r='2.8' fill='{INK}'/>{texts}"
