"""GeoParquet files: the one place that writes and reads them.

Geometry is WKB (OGC simple features) in WGS 84 with the ``geo`` metadata of GeoParquet 1.1, so that
QGIS, DuckDB and GeoPandas open a table as it is.  Point tables get a geometry column made from
``lon_deg`` and ``lat_deg``, which is left out again when read.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from rahdari.errors import PlanError, Problem
from rahdari.store.atomic import replacing
from rahdari.store.digest import file_digest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rahdari.schema import TableSchema

GEOPARQUET_VERSION = "1.1.0"
ROW_GROUP_ROWS = 131_072
WKB_POINT_BYTES = 21  # byte order, type, two doubles
WKB_POINT_TYPE = 1
GEOMETRY_TYPES = {"point": ["Point"], "line": ["LineString", "MultiLineString"], "polygon": ["Polygon", "MultiPolygon"]}


def wkb_points(lon_deg: np.ndarray, lat_deg: np.ndarray) -> pa.Array:
    """Return little-endian WKB points, one a row."""
    record = np.zeros(len(lon_deg), dtype=[("order", "u1"), ("type", "<u4"), ("x", "<f8"), ("y", "<f8")])
    record["order"], record["type"] = 1, WKB_POINT_TYPE
    record["x"], record["y"] = lon_deg, lat_deg
    offsets = np.arange(len(lon_deg) + 1, dtype=np.int32) * WKB_POINT_BYTES
    buffers = [None, pa.py_buffer(offsets.tobytes()), pa.py_buffer(record.tobytes())]
    return pa.Array.from_buffers(pa.binary(), len(lon_deg), buffers)


def _geo_metadata(types: list[str]) -> bytes:
    column = {"encoding": "WKB", "geometry_types": types}
    meta = {"version": GEOPARQUET_VERSION, "primary_column": "geometry", "columns": {"geometry": column}}
    return json.dumps(meta, sort_keys=True).encode()


def write_table(frame: pl.DataFrame, path: Path, schema: TableSchema) -> str:
    """Write one table durably and return the digest of its content (40 hex digits)."""
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    types: list[str] | None = None
    if schema.geometry is not None:
        types = GEOMETRY_TYPES.get(schema.geometry.argument, [])
        index = table.column_names.index("geometry")
        table = table.set_column(index, "geometry", table.column("geometry").cast(pa.binary()))
    elif schema.is_point_table:
        types = GEOMETRY_TYPES["point"]
        table = table.append_column("geometry", wkb_points(frame["lon_deg"].to_numpy(), frame["lat_deg"].to_numpy()))
    if types is not None:
        table = table.replace_schema_metadata({b"geo": _geo_metadata(types)})
    with replacing(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", row_group_size=ROW_GROUP_ROWS)
        return file_digest(temporary)


def columns_of(path: Path) -> tuple[str, ...]:
    """Return the names of the columns in a file, in order; see :func:`read_parquet` for what is raised."""
    try:
        return tuple(pq.read_schema(path).names)
    except (pa.ArrowException, OSError) as error:
        cure = "run the plan again: it writes the file anew"
        raise PlanError(Problem(f"is no readable Parquet: {str(error)[:120]}", cure, path.name)) from error


def read_parquet(path: Path, schema: TableSchema | None, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Return one table; a truncated or foreign file raises :class:`PlanError` with the cure."""
    try:
        names = list(columns) if columns is not None else None
        if names is None and schema is not None:
            names = list(schema.names)
        frame = pl.from_arrow(pq.read_table(path, columns=names))
    except (pa.ArrowException, OSError, KeyError) as error:
        cure = "run the plan again: it writes the file anew"
        raise PlanError(Problem(f"is no readable Parquet: {str(error)[:120]}", cure, path.name)) from error
    if not isinstance(frame, pl.DataFrame):
        raise PlanError(Problem("holds no table", "run the plan again", path.name))
    return frame
