"""The layers of the map: what the country gives, and what each engine's manifest adds.

A layer is one frame of features: an identifier, a geometry, whether it was observed, and a colour class
for the first and for the last year of the plan.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from rahdari.errors import InputError, Problem
from rahdari.faces.web.colours import COVER_COLOURS, ColourClass, Colouring, colouring, cover_colouring, single
from rahdari.units import unit_of

if TYPE_CHECKING:
    from rahdari.store.query import PlanReader

NOT_OBSERVED = ("assumed", "synthetic")
EXISTING_COLOUR, PLANNED_COLOUR, CABLE_COLOUR = "#64748b", "#0d9488", "#33658a"
SITE_COLOUR, ROAD_COLOUR, PLANNED_SITE_COLOUR = "#7c6f9b", "#b9b2a4", "#c8553d"


@dataclass(frozen=True, slots=True)
class LayerSpec:
    """Where a layer comes from, before any table is read."""

    layer_id: str
    title: str
    group: str
    kind: str
    table: str
    geometry: str
    colour_by: str = ""
    colour: str = EXISTING_COLOUR
    is_visible: bool = False
    is_planned: bool = False
    engine: str = ""
    fidelity: str = ""
    only: str = ""  # technology whose rows are drawn; empty for all
    is_hop: bool = False  # straight lines between the sites of a row


TOWN_PEOPLE, CITY_PEOPLE = 50_000, 500_000  # drawn larger

#: In drawing order, from the bottom up.
BASE_LAYERS = (
    LayerSpec("roads", "Roads and railways", "Today", "line", "rights_of_way", "rights_of_way", colour=ROAD_COLOUR),
    LayerSpec("fibre-existing", "Existing fibre", "Today", "line", "links", "links", is_visible=True),
    LayerSpec(
        "fibre-planned",
        "Planned fibre",
        "Plan",
        "line",
        "planned_links",
        "planned_links",
        colour=PLANNED_COLOUR,
        is_visible=True,
        is_planned=True,
    ),
    LayerSpec("sites", "Cell sites by backhaul", "Today", "point", "sites", "sites", "backhaul", SITE_COLOUR),
    LayerSpec("places", "Places by technology", "Plan", "point", "access", "places", "technology", is_visible=True),
    LayerSpec("speed", "Speed at each place", "Plan", "point", "access", "places", "downlink_mbps"),
    LayerSpec(
        "sites-planned",
        "Planned sites",
        "Plan",
        "point",
        "planned_sites",
        "planned_sites",
        "technology",
        PLANNED_SITE_COLOUR,
        is_planned=True,
    ),
    LayerSpec("cables", "Cable landings and crossings", "Today", "point", "cables", "cables", colour=CABLE_COLOUR),
    LayerSpec("landmarks", "Ports, airports, crossings", "Today", "point", "landmarks", "landmarks", "kind"),
)

HOPS = "microwave_hops"
CLEAR = "is_clear"
HOP_TITLES = {CLEAR: "Microwave hops clear of terrain", "availability_frac": "Microwave hops"}
COVER = "cover"  # column made of those in COVER_OF
COVER_OF = ("is_covered", "is_surely_covered", "covered_probability_frac")
LIKELY_FRAC = 0.5  # probability from which a place is more likely covered than not
#: What the radio engine's tables hold beyond the layers of its manifest; the first column that is there is drawn.
RADIO_LAYERS = (
    (LayerSpec("hops", HOP_TITLES[CLEAR], "Results", "line", HOPS, HOPS, is_hop=True), (CLEAR, "availability_frac")),
    *(
        (
            LayerSpec(f"coverage-{name}", f"{name.upper()} cover", "Results", "point", "coverage", "places", only=name),
            (COVER, "is_covered"),
        )
        for name in ("4g", "5g")
    ),
    (
        LayerSpec("sites-5g", "5G sites by busy-hour load", "Results", "point", "cells", "sites", only="5g"),
        ("load_frac",),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Layer:
    """A layer ready to draw.

    ``features`` has the columns ``i`` (identifier), ``s`` (1 where not observed), ``c0`` and ``c1`` (colour
    class in the first and last year), ``w`` (0 village or other, 1 town, 2 city) and either ``lon_deg``,
    ``lat_deg`` or ``geometry`` (WKB).
    """

    spec: LayerSpec
    colouring: Colouring
    features: pl.DataFrame = field(repr=False)
    click_table: str
    unit: str | None = None
    has_years: bool = False

    @property
    def n_not_observed(self) -> int:
        """Return how many features are assumed or synthetic."""
        return int(self.features["s"].sum())

    def as_dict(self) -> dict[str, Any]:
        """Return what the page needs to draw the layer and its legend."""
        used = set(self.features["c0"].unique()) | set(self.features["c1"].unique())
        return {
            **asdict(self.spec),
            "classes": [
                {"value": value, "is_used": value in used, **asdict(each)}
                for value, each in enumerate(self.colouring.classes)
            ],
            "click_table": self.click_table,
            "unit": self.unit,
            "has_years": self.has_years,
            "n_features": self.features.height,
            "n_not_observed": self.n_not_observed,
        }


def radio_specs(reader: PlanReader) -> list[LayerSpec]:
    """Return the layers of radio that this plan can show."""
    specs = []
    engines = {engine["name"]: engine.get("fidelity", "") for engine in reader.manifest.get("engines", [])}
    for spec, wanted in RADIO_LAYERS:
        if not {spec.table, spec.geometry, "sites"} <= set(reader.names):
            continue
        columns = reader.schema(spec.table).names
        columns = (*columns, COVER) if set(COVER_OF) <= set(columns) else columns
        colour_by = next((name for name in wanted if name in columns), "")
        if colour_by and (not spec.only or "technology" in columns):
            writer = reader.manifest["tables"][spec.table].get("writer", "")
            title = HOP_TITLES.get(colour_by, spec.title) if spec.is_hop else spec.title
            specs.append(
                replace(spec, title=title, colour_by=colour_by, engine=writer, fidelity=engines.get(writer, ""))
            )
    return specs


def layer_specs(reader: PlanReader) -> list[LayerSpec]:
    """Return the layers this plan can show: base layers first, then those of its engines and of radio."""
    names = set(reader.names)
    specs = [spec for spec in BASE_LAYERS if {spec.table, spec.geometry} <= names]
    if "access" not in names and "places" in names:
        specs.append(
            LayerSpec("places", "Places", "Today", "point", "places", "places", "kind", is_visible=True),
        )
    taken = {spec.layer_id for spec in specs}
    for engine in reader.manifest.get("engines", []):
        for given in engine.get("layers", []):
            layer_id = given["layer"] if given["layer"] not in taken else f"{engine['name']}-{given['layer']}"
            is_shown_already = any(
                (spec.table, spec.colour_by or given["colour_by"]) == (given["table"], given["colour_by"])
                for spec in specs
                if not spec.engine
            )
            if is_shown_already or not {given["table"], given["geometry"]} <= names:
                continue
            taken.add(layer_id)
            specs.append(
                LayerSpec(
                    layer_id,
                    given["title"],
                    "Results",
                    given["kind"],
                    given["table"],
                    given["geometry"],
                    given["colour_by"],
                    engine=engine["name"],
                    fidelity=engine.get("fidelity", ""),
                )
            )
    return [*specs, *(spec for spec in radio_specs(reader) if spec.layer_id not in taken)]


def _by_year(frame: pl.DataFrame, join_on: list[str], column: str) -> tuple[pl.DataFrame, bool]:
    """Return ``v0`` and ``v1``, the value in the first and last year, one row for each ``join_on``."""
    numeric = frame.schema[column].is_numeric()
    value = pl.col(column).max() if numeric else pl.col(column).first()
    ordered = frame.sort(join_on)
    if "year" not in frame.columns or "year" in join_on:
        one = ordered.group_by(join_on, maintain_order=True).agg(value.alias("v0"))
        return one.with_columns(pl.col("v0").alias("v1")), False
    first, last = frame["year"].min(), frame["year"].max()
    if first is None:  # pl.col("year") == None would be no condition
        return frame.select(*join_on, pl.col(column).alias("v0"), pl.col(column).alias("v1")), False
    parts = [
        ordered.filter(pl.col("year") == year).group_by(join_on, maintain_order=True).agg(value.alias(name))
        for year, name in ((first, "v0"), (last, "v1"))
    ]
    return parts[0].join(parts[1], on=join_on, how="full", coalesce=True), first != last


def hop_lines(reader: PlanReader, hops: pl.DataFrame) -> pl.DataFrame:
    """Return hops with ``geometry`` (WKB, straight from site to site) and ``evidence``, the weaker of both sites'.

    Hops of no length, and hops to sites that are not there, are left out.
    """
    import shapely

    sites = reader.table("sites").select("site_id", "lon_deg", "lat_deg", "evidence")
    far = sites.rename({name: f"to_{name}" for name in sites.columns})
    both = hops.drop("evidence", strict=False).join(sites, on="site_id").join(far, on="to_site_id")
    both = both.filter((pl.col("lon_deg") != pl.col("to_lon_deg")) | (pl.col("lat_deg") != pl.col("to_lat_deg")))
    ends = both.select("lon_deg", "lat_deg", "to_lon_deg", "to_lat_deg").to_numpy().reshape(-1, 2, 2)
    weaker = pl.when(pl.col("to_evidence").is_in(NOT_OBSERVED)).then("to_evidence").otherwise("evidence")
    lines = pl.Series("geometry", shapely.to_wkb(shapely.linestrings(ends)), dtype=pl.Binary)
    return both.select(*hops.columns, weaker.alias("evidence")).with_columns(lines)


def _cover() -> pl.Expr:
    """Return how surely a place is covered, in words."""
    sure, less, likely, none = COVER_COLOURS
    return (
        pl.when(pl.col("is_covered") & pl.col("is_surely_covered")).then(pl.lit(sure))
        .when("is_covered").then(pl.lit(less))
        .when(pl.col("covered_probability_frac") >= LIKELY_FRAC).then(pl.lit(likely))
        .otherwise(pl.lit(none)).alias(COVER)
    )  # fmt: skip


def _classes(reader: PlanReader, spec: LayerSpec, colour_by: str, marked: pl.DataFrame) -> Colouring:
    """Return the colour classes of a layer's values in both years."""
    if not colour_by:
        return single(spec.colour, spec.title)
    if colour_by == COVER:
        return cover_colouring()
    both = pl.concat([marked["v0"], marked["v1"]])
    return colouring(reader.schema(spec.table).column(colour_by), both, spec.title)


def _geometry_columns(frame: pl.DataFrame) -> list[str]:
    return ["geometry"] if "geometry" in frame.columns else ["lon_deg", "lat_deg"]


def _weight(frame: pl.DataFrame) -> pl.Expr:
    if "n_people" not in frame.columns:
        return pl.lit(0, dtype=pl.UInt8)
    people = pl.col("n_people")
    return ((people >= TOWN_PEOPLE).cast(pl.UInt8) + (people >= CITY_PEOPLE).cast(pl.UInt8)).fill_null(0)


def build_layer(reader: PlanReader, spec: LayerSpec) -> Layer:
    """Read the tables of a layer and return it ready to draw, rows in the order of their identifier."""
    shapes = reader.table(spec.geometry)
    if spec.is_hop:
        shapes = hop_lines(reader, shapes)
    key = list(reader.schema(spec.geometry).key)
    where = _geometry_columns(shapes)
    if any(name not in shapes.columns for name in where):
        cure = "give it lon_deg and lat_deg or a geometry column"
        raise InputError(Problem(f"layer {spec.layer_id}: {spec.geometry} has no geometry", cure))
    evidence = pl.col("evidence").is_in(NOT_OBSERVED) if "evidence" in shapes.columns else pl.lit(value=False)
    marked = shapes.drop_nulls(where).with_columns(evidence.fill_null(value=False).cast(pl.UInt8).alias("s"))
    table = reader.table(spec.table)
    if spec.only:
        table = table.filter(pl.col("technology") == spec.only)
    if spec.colour_by == COVER:
        table = table.with_columns(_cover())
    colour_by = spec.colour_by if spec.colour_by in table.columns else ""
    has_years = False
    if spec.table == spec.geometry:
        extra = pl.col(colour_by) if colour_by else pl.lit(0)
        marked = marked.with_columns(extra.alias("v0"), extra.alias("v1"))
    else:
        join_on = [name for name in key if name in table.columns]
        if not join_on or not colour_by:
            cure = f"give {spec.table} the key of {spec.geometry} and a column to colour by"
            raise InputError(Problem(f"layer {spec.layer_id} cannot be drawn", cure))
        values, has_years = _by_year(table, join_on, colour_by)
        marked = marked.join(values, on=join_on, how="inner")
    classes = _classes(reader, spec, colour_by, marked)
    features = marked.sort(key).select(
        pl.col(key[0]).cast(pl.String).alias("i"),
        pl.col("s"),
        classes.class_of("v0").alias("c0"),
        classes.class_of("v1").alias("c1"),
        _weight(marked).alias("w"),
        *where,
    )
    return Layer(spec, classes, features, spec.geometry, unit_of(colour_by) if colour_by else None, has_years)


__all__ = ["BASE_LAYERS", "ColourClass", "Layer", "LayerSpec", "build_layer", "hop_lines", "layer_specs"]
