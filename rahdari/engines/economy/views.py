"""The five Es and the five corridors as views on indicators."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from rahdari.methods.results import result_frame

FOLDER = Path(__file__).parent
FIVE_ES = ("exports", "e_pakistan", "environment", "energy", "equity")
SOURCE = "names as the programme gives them; the choice of indicators is ours"


def views_table() -> pl.DataFrame:
    """Return ``goal_views``: which indicators speak for each of the ten words; the same for every country."""
    table = pl.read_csv(FOLDER / "views.csv").sort("view", "indicator_id")
    n = pl.len().over("view")
    found = table.with_columns(
        family=pl.when(pl.col("view").is_in(FIVE_ES)).then(pl.lit("five_es")).otherwise(pl.lit("corridors")),
        n_in_view=n, weight_frac=1.0 / n, source=pl.lit(SOURCE),
    )  # fmt: skip
    return result_frame(found.to_dict(as_series=False), FOLDER / "tables" / "goal_views.csv").sort(
        "view", "indicator_id"
    )
