"""People of the trade through the years, with and without a training programme."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.methods.observations import as_count, observations
from rahdari.methods.results import result_frame
from rahdari.methods.talent import STOCKS, Course, Effect, Pipeline, programme_effect, talent

if TYPE_CHECKING:
    from rahdari.engines.economy.params import EconomyParams
    from rahdari.model import Tables

FOLDER = Path(__file__).parent / "tables"
NONE, TRAINING = "none", "training"


@dataclass(frozen=True, slots=True, eq=False)
class Workforce:
    """The pipeline, the training that is compared, the years, and how the start is known."""

    pipeline: Pipeline
    course: Course
    year: tuple[int, ...]
    note: str


def exports_of_base(tables: Tables, params: EconomyParams) -> tuple[float, str]:
    """Return yearly service exports as last published for a whole fiscal year, and where they come from."""
    seen = [item for item in observations(tables, "it_exports") if _is_whole_year(item.fact_id or "")]
    if not seen:
        return params.exports_usd_per_year, "the parameter's"
    return as_count(seen[-1]), f"fact {seen[-1].fact_id}"


def _is_whole_year(fact_id: str) -> bool:
    stem = fact_id.removeprefix("it_exports_fy")
    return stem != fact_id and stem[4:].startswith("_usd_")


def workforce(tables: Tables, params: EconomyParams, years: tuple[int, ...]) -> Workforce:
    """Return the pipeline as facts and parameters give it."""
    exports, source = exports_of_base(tables, params)
    # The series carries the share of those hired too: only people a year are graduates.
    seen = [item for item in observations(tables, "it_graduates") if "people" in item.unit]
    known = seen[-1] if seen else None
    arriving = known.value if known is not None else params.graduates_people_per_year
    ready = exports / params.exports_per_person_usd_per_year
    pipeline = Pipeline(
        arriving, params.export_ready_frac, params.field_work_frac, params.emigration_frac_per_year,
        params.other_trade_frac_per_year, params.retired_frac_per_year, params.waiting_people, ready,
        params.crew_people,
    )  # fmt: skip
    course = Course(
        "export_ready", 1, params.training_years, params.training_people_per_year, 1, params.training_passed_frac,
        params.training_usd_per_person_usd,
    )  # fmt: skip
    note = (
        f"People: {arriving:,.0f} graduates a year; {ready:,.0f} export-ready at the start are exports ({source}) over "
        f"{params.exports_per_person_usd_per_year:,.0f} USD a head; shares that leave are assumed."
    )
    return Workforce(pipeline, course, years, note)


def talent_table(people: Workforce, params: EconomyParams) -> pl.DataFrame:
    """Return ``talent``: stocks at the end of each year and what flows, without a programme and with one."""
    n = len(people.year)
    parts = []
    for programme, courses in ((NONE, ()), (TRAINING, (people.course,))):
        found = talent(people.pipeline, n, courses)
        stocks = {f"{name}_people": np.broadcast_to(found.stocks[name], (n + 1,))[1:] for name in STOCKS}
        parts.append(result_frame({
            "programme": [programme] * n, "year": people.year,
            "graduates_people": np.broadcast_to(found.graduates, (n,)),
            "started_people": np.broadcast_to(found.started, (n,)), **stocks,
            "total_people": np.sum(list(stocks.values()), axis=0),
            "exports_usd": np.broadcast_to(found.exports_usd_per_year(params.exports_per_person_usd_per_year), (n,)),
            "programme_usd": np.broadcast_to(found.training_usd, (n,)),
        }, FOLDER / "talent.csv"))  # fmt: skip
    return pl.concat(parts).sort("programme", "year")


def effect_of(people: Workforce, params: EconomyParams) -> Effect:
    """Return what the training programme adds."""
    return programme_effect(
        people.pipeline, len(people.year), (people.course,), people_per_crew=params.people_per_crew_count,
        usd_per_head=params.exports_per_person_usd_per_year, discount_frac_per_year=params.discount_frac_per_year,
    )  # fmt: skip
