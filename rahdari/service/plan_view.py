"""A plan as a Python object: pleasant in a notebook, lazy on disk."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rahdari.errors import InputError, Problem
from rahdari.store.query import OWNER, Clearance, PlanReader

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd
    import polars as pl

    from rahdari.service.requests import ExplainNode

WHOLE_FROM = 1_000.0  # decimals say nothing from here up
HEADLINES = (
    "people_with_100_mbps_frac",
    "people_with_20_mbps_frac",
    "median_downlink_mbps",
    "fibre_homes_passed_households",
    "fibre_sites_frac",
    "reliable_frac",
    "affordable_frac",
)


def _shown(value: float, unit: str) -> tuple[str, str]:
    """Return a figure and its unit as a notebook shows them.

    >>> _shown(0.8, "frac"), _shown(12_470_000.0, "households"), _shown(39.84, "mbps")
    (('80.0', '%'), ('12,470,000', 'households'), ('39.8', 'mbps'))
    """
    if unit == "frac":
        return f"{value * 100:.1f}", "%"
    return (f"{value:,.0f}" if abs(value) >= WHOLE_FROM else f"{value:.3g}"), unit


class PlanTables(Mapping[str, "pl.DataFrame"]):
    """The tables of a plan by name; each is read on first use."""

    def __init__(self, reader: PlanReader) -> None:
        """Read through ``reader``, which filters by clearance."""
        self._reader = reader

    def __getitem__(self, name: str) -> pl.DataFrame:
        """Return one table."""
        return self._reader.table(name)

    def __contains__(self, name: object) -> bool:
        """Return whether the plan has the table."""
        return name in self._reader.names

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._reader.names)

    def __len__(self) -> int:
        """Return the number of tables."""
        return len(self._reader.names)

    def __repr__(self) -> str:
        """List the tables with their row counts."""
        records = self._reader.manifest["tables"]
        return "\n".join(f"{name}: {records[name]['n_rows']:,} rows" for name in self._reader.names)


class Plan:
    """A finished plan: ``plan.tables``, ``plan.indicators``, ``plan.certificates``, ``plan.places``, ...

    Any table is also an attribute.  Frames are polars; ``to_geopandas(name)`` adds geometry.
    """

    def __init__(self, folder: Path, clearance: Clearance = OWNER) -> None:
        """Open the plan in ``folder``; :class:`rahdari.errors.PlanError` where there is none."""
        self.reader = PlanReader(folder, clearance)

    @property
    def folder(self) -> Path:
        """Return the folder the plan lies in."""
        return self.reader.folder

    @property
    def manifest(self) -> dict[str, Any]:
        """Return what the plan records of itself: scenario, engines, digests, checks."""
        return self.reader.manifest

    @property
    def digest(self) -> str:
        """Return the digest of everything that determines the plan."""
        return str(self.manifest["plan_digest"])

    @property
    def tables(self) -> PlanTables:
        """Return all tables by name."""
        return PlanTables(self.reader)

    @property
    def indicators(self) -> pl.DataFrame:
        """Return one row an indicator and year."""
        return self.reader.table("indicators")

    @property
    def certificates(self) -> pl.DataFrame:
        """Return every certificate: engine, name, cost, lower_bound, gap_frac, unit, method, note."""
        import polars as pl

        rows = [
            {"engine": record["name"], **certificate}
            for record in self.manifest["engines"]
            for certificate in record["certificates"]
        ]
        text, number = pl.String(), pl.Float64()
        schema = {
            "engine": text,
            "name": text,
            "cost": number,
            "lower_bound": number,
            "gap_frac": number,
            "unit": text,
            "method": text,
            "note": text,
        }
        return pl.DataFrame(rows, schema=schema)

    @property
    def notes(self) -> dict[str, list[str]]:
        """Return what each engine wants its reader to know."""
        return {record["name"]: list(record["notes"]) for record in self.manifest["engines"]}

    def indicator(self, indicator_id: str, year: int | None = None) -> float:
        """Return one indicator's central value, in its last year unless one is given."""
        rows = self.reader.rows("indicators", {"indicator_id": indicator_id})
        if year is not None:
            rows = rows.filter(rows["year"] == year)
        if not rows.height:
            cure = "see plan.indicators for those there are"
            raise InputError(Problem(f"the plan has no indicator '{indicator_id}'", cure))
        return float(rows.sort("year")["value"][-1])

    def explain(self, table: str, row_id: str, column: str, **at: object) -> ExplainNode:
        """Return one cell with all that it was made from, down to the sources."""
        from rahdari.service.explain import explain
        from rahdari.service.requests import ExplainRequest

        keys = {name: str(value) for name, value in at.items()}
        return explain(ExplainRequest(plan=self.folder, table=table, row_id=row_id, column=column, at=keys))

    def to_geopandas(self, table: str) -> gpd.GeoDataFrame:
        """Return a table as a GeoDataFrame in WGS 84; tables with ``place_id`` get their place's point."""
        import geopandas as gpd
        import shapely

        frame, schema = self.reader.table(table), self.reader.schema(table)
        if schema.geometry is not None:
            geometry = shapely.from_wkb(frame["geometry"].to_list())
            return gpd.GeoDataFrame(frame.drop("geometry").to_pandas(), geometry=geometry, crs="EPSG:4326")
        if not schema.is_point_table and "place_id" in frame.columns:
            places = self.reader.table("places").select("place_id", "lon_deg", "lat_deg")
            frame = frame.join(places, on="place_id", how="left")
        if "lon_deg" not in frame.columns:
            cure = "use one with coordinates, geometry or place_id"
            raise InputError(Problem(f"table '{table}' has no place on the map", cure))
        points = gpd.points_from_xy(frame["lon_deg"], frame["lat_deg"])
        return gpd.GeoDataFrame(frame.to_pandas(), geometry=points, crs="EPSG:4326")

    def __getattr__(self, name: str) -> pl.DataFrame:
        """Return a table by its name."""
        if name.startswith("_") or name == "reader":
            raise AttributeError(name)
        if name not in self.reader.names:
            raise AttributeError(f"the plan has no table '{name}'; use one of {', '.join(self.reader.names)}")
        return self.reader.table(name)

    def __dir__(self) -> list[str]:
        """List methods and tables, for completion."""
        return sorted({*super().__dir__(), *self.reader.names})

    def __repr__(self) -> str:
        """Return the plan's name, size and headline indicators."""
        lines = [f"Plan of {self.manifest['country']}, scenario {self.manifest['scenario']['name']}"]
        lines.append(f"  {self.folder}")
        n_places = self.manifest["tables"]["places"]["n_rows"]
        lines.append(f"  {n_places:,} places, {len(self.reader.names)} tables, {len(self.manifest['engines'])} engines")
        lines += [f"  {name}: {value} {unit}" for name, value, unit in self._headlines()]
        return "\n".join(lines)

    def _headlines(self) -> list[tuple[str, str, str]]:
        frame = self.indicators
        rows = []
        for indicator_id in HEADLINES:
            chosen = frame.filter(frame["indicator_id"] == indicator_id).sort("year")
            if chosen.height:
                row = chosen.row(-1, named=True)
                rows.append((f"{row['name']} ({row['year']})", *_shown(float(row["value"]), str(row["unit"]))))
        return rows

    def _repr_html_(self) -> str:
        """Return the headline indicators as a small HTML table, for notebooks."""
        title = html.escape(f"{self.manifest['country']} - {self.manifest['scenario']['title']}")
        cells = "".join(
            f"<tr><td>{html.escape(name)}</td><td align='right'>{value}</td><td>{html.escape(unit)}</td></tr>"
            for name, value, unit in self._headlines()
        )
        return f"<table><caption>{title}</caption>{cells}</table>"
