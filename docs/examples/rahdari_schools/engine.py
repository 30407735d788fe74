"""The schools engine: which places have a line that carries online lessons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rahdari.model import EngineResult, Indicator

if TYPE_CHECKING:
    from rahdari.model import Context, Tables
    from rahdari_schools.params import SchoolsParams


def schools(tables: Tables, params: SchoolsParams, ctx: Context) -> EngineResult:
    """Return ``school_lines``, one row a place, and the share of schools with enough rate in the last year."""
    lines = tables["access"].filter(pl.col("year") == ctx.year_end).select("place_id", "year", "downlink_mbps")
    table = (
        tables["places"]
        .sort("place_id")  # results must not depend on row order
        .select("place_id", n_schools=(pl.col("n_people") / params.people_per_school_count).ceil().cast(pl.Int64))
        .join(lines, on="place_id", maintain_order="left")
        .with_columns(needed_mbps=pl.lit(params.lesson_mbps))
        .with_columns(is_enough=pl.col("downlink_mbps") >= pl.col("needed_mbps"))
        .select("place_id", "year", "n_schools", "needed_mbps", "is_enough")
    )
    total = max(int(table["n_schools"].sum()), 1)
    share = float(table.filter("is_enough")["n_schools"].sum()) / total
    words = "schools whose place reaches lesson_mbps / schools"
    indicator = Indicator(
        "schools_served_frac", ctx.year_end, "Schools with enough rate", share, "frac", words, "modelled"
    )
    return EngineResult(
        tables={"school_lines": table},
        indicators=(indicator,),
        notes=("Schools are people over a catchment; no list of schools is read.",),
    )
