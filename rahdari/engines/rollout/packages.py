"""Work cut into packages: about as many as asked for, none smaller than a gang's month, places of most value first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.engines.rollout.norms import POOLS, closed_season, crew_pools, snow_above_m, work_kinds
from rahdari.engines.rollout.sums import sum_over, summed
from rahdari.engines.rollout.work import AMOUNTS, COUNTS, MONTHS
from rahdari.methods.schedule_checks import longest_open_months

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.engines.rollout.params import RolloutParams

    FloatArray = NDArray[np.float64]

LEAST_CREW_MONTHS = 2.0  # of the pool that a package needs most: less is not worth a package
GANG_FRAC = 0.05  # of a pool's crews at the start that one package holds at most
MOST_GANG_FRAC = 0.25  # however few packages are asked for
MOST_DURATION_MONTHS = 6  # a package fits between two winters
HALF = 0.5
VENDORS = ("vendor-A", "vendor-B", "vendor-C")  # neutral: who supplies what is not published
PEOPLE_PER_MILLION = 1e6
TINY = 1e-12
AFTER = {"home_lines": "fibre_way", "site_fibre": "fibre_way", "home_connections": "home_lines"}
#: Laterals to sites may be laid while the way to the place is open ("dig once").
ALONGSIDE = frozenset({"site_fibre"})


def start_crews(params: RolloutParams, n_people: float) -> FloatArray:
    """Return (pools,) crews at the start: as given, else by the people of the country, at least one."""
    given = np.array([getattr(params, f"{pool}_crews_count") for pool in POOLS])
    usual = crew_pools()["crews_per_million_people"].to_numpy() * n_people / PEOPLE_PER_MILLION
    return np.where(given > 0.0, given, np.maximum(1.0, usual))


def _sizes(rows: pl.DataFrame) -> FloatArray:
    """Return (n,) how large each row is: its share of the national work of the pool it burdens most, and of money."""
    months = rows.select(MONTHS).to_numpy()
    money = (rows["capex_usd"] + rows["power_capex_usd"]).to_numpy()
    share = months / np.maximum(months.sum(axis=0), TINY)
    return np.asarray(share.max(axis=1) + money / max(float(money.sum()), TINY) + TINY)


def _ordered(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows by district, kind and the value of their place for what it takes, all kinds together."""
    sized = rows.with_columns(size=pl.Series(_sizes(rows)))
    place = ("district_id", "place_id")
    worth = sum_over(sized, place, "n_people") / sum_over(sized, place, "size")
    keys = ["district_id", "kind", "worth", "place_id"]
    return sized.with_columns(worth.alias("worth")).sort(keys, descending=[False, False, True, False])


def _parts(rows: pl.DataFrame, n_packages: int, crews: FloatArray) -> pl.DataFrame:
    """Return for each district and kind into how many packages it is cut, and its whole size."""
    groups = summed(rows, ("district_id", "kind"), ("size", *MONTHS)).rename({"size": "whole"})
    n_more = max(n_packages - groups.height, 0)
    share = groups["whole"].to_numpy() / float(groups["whole"].to_numpy().sum())
    months = groups.select(MONTHS).to_numpy()
    most = np.ceil(months.max(axis=1) / LEAST_CREW_MONTHS)
    least = np.ceil((months / (MOST_GANG_FRAC * MOST_DURATION_MONTHS * crews)).max(axis=1))
    n = np.maximum(np.clip(np.ceil(share * n_more), 1, np.maximum(most, 1)), least).astype(np.int64)
    return groups.select("district_id", "kind", "whole").with_columns(n_parts=pl.Series(n))


def pieces(rows: pl.DataFrame, n_packages: int, crews: FloatArray) -> pl.DataFrame:
    """Return pieces of rows with the number of their package within district and kind; sums are those of the rows."""
    ordered = _ordered(rows).with_row_index("row")
    ordered = ordered.join(
        _parts(ordered, n_packages, crews), on=["district_id", "kind"], how="left", maintain_order="left"
    ).with_columns(one=pl.col("whole") / pl.col("n_parts"))
    n_pieces = (pl.col("size") / pl.col("one") - TINY).ceil().clip(lower_bound=1).cast(pl.Int64)
    cut = ordered.with_columns(n_pieces=n_pieces)
    cut = cut[np.repeat(np.arange(cut.height), cut["n_pieces"].to_numpy())]
    nth, of = pl.int_range(pl.len()).over("row"), pl.col("n_pieces")
    counts = [
        (((nth + 1) * pl.col(name) / of + TINY).floor() - (nth * pl.col(name) / of + TINY).floor()).alias(name)
        for name in COUNTS
    ]
    amounts = [(pl.col(name) / of).alias(name) for name in (*AMOUNTS, *MONTHS, "size")]
    cut = cut.with_columns(*counts, *amounts)
    middle = pl.col("size").cum_sum().over("district_id", "kind") - pl.col("size") * HALF
    part = (middle / pl.col("one")).floor().clip(lower_bound=0).cast(pl.Int64)
    cut = cut.with_columns(part=pl.min_horizontal(part, pl.col("n_parts") - 1))
    dense = (pl.col("part").rank("dense").over("district_id", "kind") - 1).cast(pl.Int64)
    return cut.with_columns(dense.alias("part")).with_columns(package_id=_package_id())


def _package_id() -> pl.Expr:
    return pl.format("{}-{}-{}", "district_id", "kind", pl.col("part").cast(pl.String).str.zfill(3))


def _durations(months: FloatArray, crews: FloatArray) -> FloatArray:
    """Return (n,) whole months that a package takes with gangs of at most a share of each pool."""
    gangs = np.maximum(months / (GANG_FRAC * crews), 0.0).max(axis=1)
    return np.asarray(np.clip(np.ceil(gangs - TINY), 1, MOST_DURATION_MONTHS), np.float64)


def open_months() -> pl.Expr:
    """Return the longest run of open months: ground with both snow and monsoon has less than either alone."""
    most = pl.lit(float(MOST_DURATION_MONTHS))
    for snow, flood in ((True, False), (False, True), (True, True)):
        longest = float(longest_open_months(np.array([closed_season(snow, flood)], np.bool_))[0])
        chosen = (pl.col("is_snow") == snow) & (pl.col("is_flood") == flood)
        most = pl.when(chosen).then(max(longest, 1.0)).otherwise(most)
    return most


def package_table(cut: pl.DataFrame, params: RolloutParams, crews: FloatArray, due_months: int) -> pl.DataFrame:
    """Return the ``work_packages`` rows."""
    wet, high = pl.col("is_flood"), pl.col("elevation_m") > snow_above_m()
    weighed = cut.with_columns(snow=pl.col("size") * high.cast(pl.Float64), flood=pl.col("size") * wet.cast(pl.Float64))
    key = ("package_id", "district_id", "kind")
    total = summed(weighed, key, (*COUNTS, *AMOUNTS, *MONTHS, "size", "snow", "flood"))
    n_places = cut.group_by("package_id").agg(n_places=pl.col("place_id").n_unique())
    frame = total.join(n_places, on="package_id", how="left", maintain_order="left").sort("package_id")
    kinds = work_kinds().select("kind", "permit_months", "lead_months", "import_frac")
    frame = frame.join(kinds, on="kind", how="left", maintain_order="left")
    diesel = sum(
        (pl.col(name) * float(litres) for name, litres in zip(MONTHS, crew_pools()["diesel_l_per_month"], strict=True)),
        start=pl.lit(0.0),
    )
    district = (pl.col("district_id").rank("dense") - 1).cast(pl.Int64)
    kind = (pl.col("kind").rank("dense") - 1).cast(pl.Int64)
    spent = pl.col("capex_usd") + pl.col("power_capex_usd")
    return frame.with_columns(
        *(pl.col(name).round().cast(pl.Int64) for name in COUNTS),
        cost_usd=spent,
        duration_months=pl.Series(_durations(frame.select(MONTHS).to_numpy(), crews)),
        permit_months=(pl.col("permit_months") * params.permit_ratio).ceil().cast(pl.Int64),
        lead_months=pl.col("lead_months").cast(pl.Int64),
        due_months=pl.lit(due_months, pl.Int64),
        is_snow=pl.col("snow") >= HALF * pl.col("size"),
        is_flood=pl.col("flood") >= HALF * pl.col("size"),
        vendor=((district + kind) % len(VENDORS)).replace_strict(dict(enumerate(VENDORS)), return_dtype=pl.String),
        diesel_l=diesel,
        people_per_usd_ratio=pl.col("n_people") / spent.clip(lower_bound=1.0),
    ).with_columns(duration_months=pl.min_horizontal("duration_months", open_months()))


def precedence(cut: pl.DataFrame, packages: pl.DataFrame) -> list[tuple[str, str, float]]:
    """Return (before, after, lag in months): a place's line waits for its way, a home's drop for the line past it."""
    lengths = dict(packages.select("package_id", "duration_months").iter_rows())
    found: list[tuple[str, str, float]] = []
    for kind, first in AFTER.items():
        mine, other = (cut.filter(pl.col("kind") == name) for name in (kind, first))
        pairs = mine.select("district_id", "place_id", pl.col("package_id").alias("after")).join(
            other.select("district_id", "place_id", pl.col("package_id").alias("before")),
            on=["district_id", "place_id"],
        ).select("before", "after").unique().sort("before", "after")  # fmt: skip
        for before, after in pairs.iter_rows():
            found.append((before, after, -lengths[before] if kind in ALONGSIDE else 0.0))
    return found
