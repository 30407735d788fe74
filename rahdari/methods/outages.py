"""Outages of feeders hour by hour: load-shedding by class of feeder, and rare national failures of the grid.

Every feeder is a two-state chain: in an outage each hour may be its last with the same chance, and the chance to fall
is set so that the chance to be down follows the class through the day.  So the mean hours a day are those of the class
and the mean length of an outage is what was asked for.  Feeders of one company take a share of their draws from it:
they then fall and recover together.  Draws are keyed by feeder and hour (Philox): a feeder's year does not change with
what else is drawn.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.errors import Problem, raise_if_any
from rahdari.kernels.feeder_outages import feeder_states
from rahdari.kernels.site_power import GRID_PARTS
from rahdari.methods.site_power_input import FeederHours, feeder_parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

DAY_H = 24
YEAR_H = 8760
MOST_ROWS = 5  # named of one fault
#: Shedding through the day over its mean, local clock: the evening peak is cut deepest, the early morning least.
#: Assumed; the mean is 1.
DAY_COURSE = (0.85, 0.75, 0.70, 0.65, 0.65, 0.70, 0.80, 0.90, 0.95, 1.00, 1.05, 1.10,
              1.10, 1.10, 1.05, 1.05, 1.05, 1.10, 1.30, 1.40, 1.40, 1.30, 1.10, 0.95)  # fmt: skip
#: Hours a day of the classes between which feeders are spread; bands of loss of PESCO, 2024, and none at all.
CLASS_H = (0.0, 2.0, 6.0, 7.0, 12.0, 16.0, 20.0)
HEAVY_H = 10.0  # hours a day from which the National Assembly's list of 2026 counts a feeder as heavy


@dataclass(frozen=True, slots=True)
class Shedding:
    """How outages come: their mean length, the share of draws taken from the company, and failures of the whole grid.

    Failures: ``collapses_per_year`` as in January 2021 and 2023 over five years, mean length ``collapse_h`` with
    ``collapse_spread_ratio`` as the standard deviation of its logarithm; feeders come back evenly over the last
    ``restore_frac`` of it.  Defaults besides are assumed.
    """

    mean_outage_h: float = 2.0
    shared_frac: float = 0.3
    collapses_per_year: float = 0.4
    collapse_h: float = 18.0
    collapse_spread_ratio: float = 0.35
    restore_frac: float = 0.5


def _key(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _keys(names: Sequence[str]) -> NDArray[np.uint64]:
    return np.array([_key(name) for name in names], np.uint64)


def _problems(feeders: pl.DataFrame, how: Shedding, n_hours: int) -> list[Problem]:
    problems = [
        Problem(f"there is no column '{name}'", "add it", "feeders", None, name)
        for name in ("feeder_id", "company_id", "outage_h_per_day")
        if name not in feeders.columns
    ]
    if problems:
        return problems
    hours = feeders["outage_h_per_day"].cast(pl.Float64(), strict=False)
    wrong = ~((hours >= 0.0) & (hours <= DAY_H)).fill_null(value=False)
    rows = wrong.arg_true().to_list()[:MOST_ROWS]
    what, cure = "no number from 0 to 24", "give the mean hours a day without supply"
    problems += [Problem(what, cure, "feeders", row + 1, "outage_h_per_day") for row in rows]
    if feeders["feeder_id"].null_count() or feeders["feeder_id"].n_unique() != feeders.height:
        cure = "give each feeder its own name and one row"
        problems.append(Problem("a feeder is empty or stands twice", cure, "feeders", None, "feeder_id"))
    for name, least, most in (("mean_outage_h", 1.0, n_hours), ("shared_frac", 0.0, 1.0), ("restore_frac", 0.0, 1.0),
                              ("collapses_per_year", 0.0, 100.0), ("collapse_h", 0.0, n_hours),
                              ("collapse_spread_ratio", 0.0, 2.0)):  # fmt: skip
        if not least <= getattr(how, name) <= most:
            problems.append(Problem(f"{name} lies outside {least:g} to {most:g}", "correct it", "shedding", None, name))
    return problems


def down_fracs(outage_h_per_day: FloatArray) -> FloatArray:
    """Return (n, 24) the chance to be down by hour of the day, of mean ``outage_h_per_day`` over 24.

    Follows :data:`DAY_COURSE` as far as it can: heavy shedding flattens it so that no hour is above one.

    >>> down_fracs(np.array([2.0, 23.0])).sum(axis=1).round(9).tolist()
    [2.0, 23.0]
    """
    mean = outage_h_per_day[:, None] / DAY_H
    course = np.asarray(DAY_COURSE) / np.mean(DAY_COURSE) - 1.0
    # Half of the way to certainty at most: the chances to fall must stay below one from hour to hour.
    swing = np.minimum(1.0, 0.5 * (1.0 - mean) / np.maximum(mean * course.max(), np.finfo(np.float64).tiny))
    return np.asarray(mean * (1.0 + swing * course))


def ends_fracs(down: FloatArray, mean_outage_h: float) -> FloatArray:
    """Return (n,) the chance that an outage ends with the hour: one over its mean length, or what the class allows.

    A feeder that is down most of the day cannot have short outages: there would be no hour left to fall in.  Nor can
    the chance to be down fall faster than outages end.
    """
    after = np.roll(down, -1, axis=1)
    # The chance to fall must lie between 0 and 1: after >= down (1 - ends) and after - down (1 - ends) <= 1 - down.
    some = np.maximum(down, np.finfo(np.float64).tiny)
    least = np.maximum(1.0 - after / some, 0.0).max(axis=1)
    most = ((1.0 - after) / some).min(axis=1)
    return np.asarray(np.clip(1.0 / mean_outage_h, least, np.maximum(np.minimum(most, 1.0), least)))


def collapses(how: Shedding, n_hours: int, random: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Return starts and lengths, hours, of national failures: a Poisson number of them, of lognormal length."""
    count = int(random.poisson(how.collapses_per_year * n_hours / YEAR_H))
    start = np.sort(random.random(count) * n_hours)
    spread = how.collapse_spread_ratio
    length = how.collapse_h * np.exp(spread * random.standard_normal(count) - 0.5 * spread**2)
    return start, np.minimum(length, n_hours)


def feeder_outages(
    feeders: pl.DataFrame,
    how: Shedding | None = None,
    *,
    seed: int = 1,
    n_hours: int = YEAR_H,
    events: tuple[FloatArray, FloatArray] | None = None,
) -> FeederHours:
    """Return the grid of each feeder hour by hour, feeders by name.

    ``feeders`` has ``feeder_id``, ``company_id`` and ``outage_h_per_day``, the class.  ``events`` (starts, lengths in
    hours) takes the place of drawn national failures, for a replay; they come on top of the class's hours.  Faults of
    the table and of ``how`` are raised as one InputError.
    """
    how = how or Shedding()
    raise_if_any(_problems(feeders, how, n_hours))
    table = feeders.sort("feeder_id")
    names, companies = (
        table["feeder_id"].cast(pl.String()).to_list(),
        table["company_id"].cast(pl.String()).fill_null(""),
    )
    known = companies.unique().sort().to_list()
    company = np.searchsorted(np.array(known), companies.to_numpy()).astype(np.int32)
    hours = table["outage_h_per_day"].cast(pl.Float64()).to_numpy()
    down = np.ascontiguousarray(down_fracs(hours))
    ends = np.ascontiguousarray(ends_fracs(down, how.mean_outage_h))
    parts = np.empty((len(names), n_hours), np.uint16)
    key = np.uint64(_key(f"{seed}:feeders"))
    feeder_states(down, ends, company, _keys(names), _keys(known), how.shared_frac, key, 0, len(names), parts)
    if events is None:
        digest = _key(f"{seed}:collapses")
        events = collapses(how, n_hours, np.random.Generator(np.random.Philox(digest)))
    for number, (start, length) in enumerate(zip(*events, strict=True)):
        back = np.array([_key(f"{seed}:{number}:{name}") for name in names], np.float64) / 2.0**64
        own = length * (1.0 - how.restore_frac * back)
        at = np.arange(len(names), dtype=np.int64)
        dark = feeder_parts(len(names), at, np.full(len(names), start), own, n_hours)
        parts = np.minimum(parts, dark)
    return FeederHours(tuple(names), parts)


def company_feeders(companies: pl.DataFrame) -> pl.DataFrame:
    """Return feeders with their classes for each company: ``feeder_id``, ``company_id``, ``outage_h_per_day``.

    ``companies`` has ``company_id``, ``n_feeders``, ``heavy_frac`` (share above 10 h a day) and ``outage_h_per_day``,
    the mean that the classes are chosen to reproduce: heavy feeders are spread over the classes above 10 h, the others
    below, and each of the two groups is then scaled to its part of the mean.
    """
    frames = []
    for row in companies.sort("company_id").iter_rows(named=True):
        n = int(row["n_feeders"])
        n_heavy = round(n * row["heavy_frac"])
        classes = np.asarray(CLASS_H)
        heavy, light = classes[classes > HEAVY_H], classes[classes <= HEAVY_H]
        hours = np.concatenate([np.resize(heavy, n_heavy), np.resize(light, n - n_heavy)])
        want = row["outage_h_per_day"] * n
        hours = scaled(hours, n_heavy, want)
        ids = [f"{row['company_id']}-{number:05d}" for number in range(n)]
        frames.append(pl.DataFrame({"feeder_id": ids, "company_id": row["company_id"], "outage_h_per_day": hours}))
    return pl.concat(frames)


def scaled(hours: FloatArray, n_heavy: int, total_h: float) -> FloatArray:
    """Return classes, the heavy ones first, changed as little as their sum asks: light ones first, then heavy ones.

    >>> scaled(np.array([12.0, 20.0, 2.0, 6.0]), 2, 36.0).tolist()
    [12.0, 20.0, 1.0, 3.0]
    """
    heavy, light = hours[:n_heavy].copy(), hours[n_heavy:].copy()
    spare = total_h - heavy.sum()
    if light.sum() > 0.0:
        light *= np.clip(spare / light.sum(), 0.0, HEAVY_H / light.max())
    left = total_h - light.sum()
    if n_heavy and abs(left - heavy.sum()) > 1e-9:  # noqa: PLR2004  # rounding
        heavy = np.minimum(heavy * max(left, 0.0) / heavy.sum(), float(DAY_H))
    return np.concatenate([heavy, light])


def outage_table(feeders: FeederHours) -> pl.DataFrame:
    """Return the same as a table of outages, one row each: ``feeder_id``, ``start_h``, ``length_h``.

    Within an hour that is dark in part the outage lies at its end where the next hour is darker, else at its start.
    """
    dark = 1.0 - feeders.parts / GRID_PARTS
    row, hour = np.nonzero(dark > 0.0)
    share = dark[row, hour]
    padded = np.pad(dark, ((0, 0), (0, 1)))
    start = hour + np.where(padded[row, hour + 1] > share, 1.0 - share, 0.0)
    begins = np.ones(row.size, np.bool_)
    begins[1:] = (row[1:] != row[:-1]) | (start[1:] - (start[:-1] + share[:-1]) > 1e-9)  # noqa: PLR2004  # rounding
    group = np.cumsum(begins) - 1
    length = np.bincount(group, share) if row.size else np.zeros(0)
    names = np.array(feeders.feeder_id)[row[begins]] if row.size else np.zeros(0, np.str_)
    return pl.DataFrame({"feeder_id": names, "start_h": start[begins], "length_h": length})
