"""Compare two plans: indicators, technologies, and what was asked differently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from rahdari.service.requests import CompareRequest, CompareResponse
from rahdari.store.query import OWNER, Clearance, PlanReader

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_CHANGES = 200
GATHERER = "rahdari"  # writes the table of indicators
ENGINE_PARTS = ("version", "fidelity", "params", "code")


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict) and value:
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _indicators(left: PlanReader, right: PlanReader) -> list[dict[str, Any]]:
    keys = ["indicator_id", "year"]
    columns = [*keys, "name", "unit", "value"]
    joined = (
        left.table("indicators")
        .select(columns)
        .join(right.table("indicators").select(columns), on=keys, how="full", coalesce=True, suffix="_right")
    )
    return (
        joined.with_columns(
            pl.coalesce("name", "name_right").alias("name"),
            pl.coalesce("unit", "unit_right").alias("unit"),
            (pl.col("value_right") - pl.col("value")).alias("change_value"),
        )
        .select(
            *keys,
            "name",
            "unit",
            pl.col("value").alias("left_value"),
            pl.col("value_right").alias("right_value"),
            "change_value",
        )
        .sort(keys)
        .to_dicts()
    )


def _technologies(left: PlanReader, right: PlanReader) -> tuple[list[dict[str, Any]], int]:
    if "access" not in left.names or "access" not in right.names:
        return [], 0
    keys = ["place_id", "year"]
    columns = [*keys, "technology", "n_people", "why"]
    if not all(set(columns) <= set(plan.schema("access").names) for plan in (left, right)):
        return [], 0
    joined = left.table("access").select(columns).join(right.table("access").select(columns), on=keys, suffix="_right")
    changed = joined.filter(pl.col("technology") != pl.col("technology_right"))
    rows = (
        changed.group_by("year", "technology", "technology_right")
        .agg(pl.len().alias("n_places"), pl.col("n_people").sum(), pl.col("why_right").first().alias("example_why"))
        .sort("n_people", "year", "technology", "technology_right", descending=[True, False, False, False])
        .head(MAX_CHANGES)
    )
    return rows.to_dicts(), changed["place_id"].n_unique()


def _engines(left: PlanReader, right: PlanReader) -> list[dict[str, Any]]:
    """Return the engines that one plan lacks, or whose version, fidelity, parameters or code differ."""
    sides = [{record["name"]: record for record in plan.manifest["engines"]} for plan in (left, right)]
    rows = []
    for name in sorted({*sides[0], *sides[1]}):
        flats = [
            _flat({part: side[name].get(part) for part in ENGINE_PARTS}) if name in side else {"is_run": False}
            for side in sides
        ]
        for what in sorted({*flats[0], *flats[1]}) if all(name in side for side in sides) else ["is_run"]:
            values = [flat.get(what, True if what == "is_run" else None) for flat in flats]
            if values[0] != values[1]:
                rows.append({"engine": name, "what": what, "left": values[0], "right": values[1]})
    return rows


def _inputs(left: PlanReader, right: PlanReader) -> list[dict[str, Any]]:
    """Return the tables of the country whose content differs, with their row counts."""
    writers = {record["name"] for plan in (left, right) for record in plan.manifest["engines"]} | {GATHERER}
    rows = []
    for name in sorted({*left.names, *right.names}):
        records = [plan.manifest["tables"].get(name) for plan in (left, right)]
        if any(record and record["writer"] in writers for record in records):
            continue
        digests = [record["digest"] if record else None for record in records]
        if digests[0] != digests[1]:
            counts = [record["n_rows"] if record else None for record in records]
            rows.append({"table": name, "left_n_rows": counts[0], "right_n_rows": counts[1]})
    return rows


def compare(request: CompareRequest, clearance: Clearance = OWNER) -> CompareResponse:
    """Return what differs between two plans."""
    left, right = PlanReader(request.left, clearance), PlanReader(request.right, clearance)
    changes, n_changed = _technologies(left, right)
    flat_left, flat_right = _flat(left.manifest["scenario"]), _flat(right.manifest["scenario"])
    names = sorted({*flat_left, *flat_right})
    differences = [
        {"what": name, "left": flat_left.get(name), "right": flat_right.get(name)}
        for name in names
        if flat_left.get(name) != flat_right.get(name)
    ]
    return CompareResponse(
        left=str(request.left),
        right=str(request.right),
        indicators=_indicators(left, right),
        technology_changes=changes,
        n_places_changed=n_changed,
        differences=differences,
        engines=_engines(left, right),
        inputs=_inputs(left, right),
    )
