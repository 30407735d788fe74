"""Compare two plans: indicators, technologies, and what was asked differently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from rahdari.service.requests import CompareRequest, CompareResponse
from rahdari.store.query import OWNER, Clearance, PlanReader

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_CHANGES = 200


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
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
    joined = left.table("access").select(columns).join(right.table("access").select(columns), on=keys, suffix="_right")
    changed = joined.filter(pl.col("technology") != pl.col("technology_right"))
    rows = (
        changed.group_by("year", "technology", "technology_right")
        .agg(pl.len().alias("n_places"), pl.col("n_people").sum(), pl.col("why_right").first().alias("example_why"))
        .sort("n_people", "year", "technology", "technology_right", descending=[True, False, False, False])
        .head(MAX_CHANGES)
    )
    return rows.to_dicts(), changed["place_id"].n_unique()


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
    )
