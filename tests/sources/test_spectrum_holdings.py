from __future__ import annotations

import polars as pl

from rahdari.sources.pack import PACKS_FOLDER, load_pack


def test_holdings_won_sum_to_what_the_auction_sold() -> None:
    tables = load_pack(PACKS_FOLDER / "pakistan")
    holdings, facts = tables["spectrum_holdings"], dict(tables["facts"].select("fact_id", "value").iter_rows())
    won = holdings.filter(pl.col("operator_id").is_not_null())
    assert won["width_mhz"].sum() == facts["spectrum_sold_2026_mhz"]
    assert holdings["width_mhz"].sum() == facts["spectrum_after_2026_mhz"]
    for operator_id, width in won.group_by("operator_id").agg(pl.col("width_mhz").sum()).iter_rows():
        assert width == facts[f"spectrum_won_{operator_id.replace('-', '_')}_2026_mhz"]
