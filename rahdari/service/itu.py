"""A country from the files of the ITU's Connectivity Planning Platform, and its costs by the platform's own rules."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from pydantic import Field

from rahdari.errors import raise_if_any
from rahdari.model.params import Params
from rahdari.schema import base_schemas


class ItuRequest(Params):
    """Read a folder of the platform and write a country's tables."""

    folder: Path = Field(description="Holds *pointsofinterest.xlsx, *cellsites.xlsx and *transmissionnode.xlsx")
    out: Path = Field(description="Folder for the tables; plan it with 'rahdari plan FOLDER'")


class ItuResponse(Params):
    """What was read, and what the platform's own rules choose."""

    folder: Path
    tables: dict[str, int]
    by_platform_rules_points: dict[str, int] = Field(description="Points by technology, chosen by its rules")
    by_platform_rules_capex_usd: float
    by_platform_rules_ownership_usd: float
    warnings: list[str]


def import_itu(request: ItuRequest) -> ItuResponse:
    """Write the tables of the platform's country; every faulty row is named and then nothing is written."""
    import polars as pl

    from rahdari.methods.cpp_costs import cpp_plan
    from rahdari.sources.imports.itu_cpp import read_itu_cpp
    from rahdari.store.parquet import write_table

    result = read_itu_cpp(request.folder)
    raise_if_any(list(result.problems))
    places, sites = result.tables["places"], result.tables["sites"]
    towers = sites.filter(pl.col("kind") == "tower")
    hubs = sites.filter((pl.col("kind") != "tower") & pl.col("is_fibre"))
    place, hub, tower = (frame.select("lon_deg", "lat_deg").to_numpy() for frame in (places, hubs, towers))
    chosen = cpp_plan(place, hub, tower)
    schemas = base_schemas()
    for name, frame in result.tables.items():
        write_table(frame, request.out / f"{name}.parquet", schemas[name])
    return ItuResponse(
        folder=request.out,
        tables={name: frame.height for name, frame in sorted(result.tables.items())},
        by_platform_rules_points=dict(sorted(Counter(chosen.technology).items())),
        by_platform_rules_capex_usd=chosen.capex_usd,
        by_platform_rules_ownership_usd=chosen.ownership_usd,
        warnings=list(result.warnings),
    )
