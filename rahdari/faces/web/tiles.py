"""Layers as bytes: PMTiles for WebGL browsers, flat arrays for the canvas path.

Tiles are made once for a given content and kept beside the plan, one archive a layer, so that a browser
reads the layers it shows and nothing else.
"""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import shapely

from rahdari.errors import InputError, Problem
from rahdari.faces.web.layers import Layer, LayerSpec, build_layer, layer_specs
from rahdari.store.atomic import replacing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rahdari.store.query import PlanReader

TILE_LAYER = "features"
MIN_ZOOM = 3  # a continent on a screen
MAX_ZOOM = 9  # a tile is 78 km wide and 4096 units across: 19 m
FORMAT = "3"  # change it to rebuild every cached archive
WGS84 = 4326


def shapes_of(features: pl.DataFrame) -> np.ndarray:
    """Return the shapely geometries of a layer's features."""
    if "geometry" in features.columns:
        return np.asarray(shapely.from_wkb(features["geometry"].to_numpy()))
    return np.asarray(shapely.points(features["lon_deg"].to_numpy(), features["lat_deg"].to_numpy()))


def write_tiles(layer: Layer, path: Path) -> None:
    """Write a layer as one PMTiles archive of Mapbox vector tiles; no feature is dropped at any zoom.

    A feature carries its position in the layer (``k``), not its identifier: tiles are half the size.
    """
    import geopandas as gpd
    from freestiler import freestile

    attributes = layer.features.select(
        pl.int_range(pl.len(), dtype=pl.Int32).alias("k"), *(pl.col(name) for name in ("s", "c0", "c1", "w"))
    ).to_pandas()
    frame = gpd.GeoDataFrame(attributes, geometry=shapes_of(layer.features), crs=WGS84)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        # freestiler refuses other endings than .pmtiles.
        target = temporary.with_name(temporary.name + ".pmtiles")
        try:
            freestile(
                frame, target, layer_name=TILE_LAYER, min_zoom=MIN_ZOOM, max_zoom=MAX_ZOOM, quiet=True,
                generate_ids=False,
            )  # fmt: skip
            target.replace(temporary)
        finally:
            target.unlink(missing_ok=True)


def packed_features(features: pl.DataFrame) -> bytes:
    """Return features as flat little-endian arrays, for drawing without WebGL.

    Layout: int32 ``n_features``, int32 ``n_vertices``, float32 lon/lat pairs ``(n_vertices, 2)``, int32
    offsets ``(n_features + 1,)`` into the vertices, then four uint8 arrays ``(n_features,)``: class in the
    first year, class in the last year, not observed, weight.  Parts of a multi-line are joined.
    """
    n_features = features.height
    if "geometry" in features.columns:
        shapes = shapes_of(features)
        vertices = shapely.get_coordinates(shapes)
        counts = shapely.get_num_coordinates(shapes)
    else:
        vertices = features.select("lon_deg", "lat_deg").to_numpy()
        counts = np.ones(n_features, dtype=np.int64)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype("<i4")
    parts = [
        np.array([n_features, len(vertices)], dtype="<i4"),
        np.ascontiguousarray(vertices, dtype="<f4"),
        offsets,
        *(features[name].to_numpy().astype("u1") for name in ("c0", "c1", "s", "w")),
    ]
    return b"".join(part.tobytes() for part in parts)


class LayerStore:
    """The layers of one plan, each built on first request and kept; safe to call from several threads."""

    def __init__(self, reader: PlanReader) -> None:
        """Keep the reader; nothing is built yet."""
        self._reader = reader
        self._specs = {spec.layer_id: spec for spec in layer_specs(reader)}
        self._layers: dict[str, Layer] = {}
        self._locks = {name: threading.Lock() for name in self._specs}
        self.problems: dict[str, str] = {}

    @property
    def specs(self) -> Sequence[LayerSpec]:
        """Return the layers in drawing order."""
        return list(self._specs.values())

    def layer(self, layer_id: str) -> Layer:
        """Return one layer; an unknown identifier raises :class:`InputError`."""
        if layer_id not in self._specs:
            known = ", ".join(self._specs)
            raise InputError(Problem(f"the plan has no map layer '{layer_id}'", f"use one of {known}"))
        with self._locks[layer_id]:
            if layer_id not in self._layers:
                self._layers[layer_id] = build_layer(self._reader, self._specs[layer_id])
            return self._layers[layer_id]

    def layers(self) -> list[Layer]:
        """Return all layers that can be drawn; why others cannot is kept in ``problems``."""
        ready = []
        for layer_id in self._specs:
            try:
                layer = self.layer(layer_id)
            except InputError as error:
                self.problems[layer_id] = str(error)
                continue
            if layer.features.height:
                ready.append(layer)
        return ready

    def tiles(self, layer_id: str) -> Path:
        """Return the PMTiles archive of a layer, made where it is missing."""
        layer = self.layer(layer_id)
        if not layer.features.height:
            raise InputError(Problem(f"map layer '{layer_id}' is empty", "take one of those listed"))
        # Readers of different clearance never share an archive, and never remove one another's.
        stem = f"{layer_id}-{self._reader.cache_key}"
        path = self._reader.folder / "map" / f"{stem}-{self._digest(layer)}.pmtiles"
        with self._locks[layer_id]:
            if not path.is_file():
                write_tiles(layer, path)
                for old in path.parent.glob(f"{stem}-????????????.pmtiles"):
                    if old != path:
                        old.unlink(missing_ok=True)
        return path

    def prepare(self) -> None:
        """Make the archives of the layers that are shown first."""
        for layer in self.layers():
            if layer.spec.is_visible:
                self.tiles(layer.spec.layer_id)

    def _digest(self, layer: Layer) -> str:
        records = self._reader.manifest["tables"]
        parts = [FORMAT, repr(layer.spec), repr(layer.colouring), self._reader.cache_key]
        parts += [str(records[name]["file"]) for name in (layer.spec.table, layer.spec.geometry)]
        return hashlib.blake2b("\n".join(parts).encode(), digest_size=6).hexdigest()
