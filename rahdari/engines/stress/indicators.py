"""What the stress engine says in a few numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rahdari.model import Indicator

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from rahdari.engines.stress.params import StressParams
    from rahdari.methods.routing import FloatArray
    from rahdari.methods.stress_runs import StressResult

RETURN_YEARS = 10.0


def indicators_of(
    tables: Mapping[str, pl.DataFrame], people: FloatArray, params: StressParams, year: int, *,
    ends: tuple[float, float], result: StressResult | None,
) -> tuple[Indicator, ...]:  # fmt: skip
    """Return sums over people and the miss of the replay; nothing is named or ranked."""
    frame = tables["availability"]
    served = frame["is_served"].to_numpy()
    outage_h = frame["outage_h_per_year"].to_numpy()
    weight = people * served
    mean_h = float(weight @ outage_h / weight.sum()) if weight.sum() > 0.0 else 0.0
    long_outage = served & (outage_h > params.long_outage_h_per_year)
    limit = f"{params.long_outage_h_per_year:g}"
    made = [
        Indicator(
            "mean_outage_h_per_year", year, "Hours without service, mean over people served", mean_h, "h_per_year",
            "people-weighted mean of availability.outage_h_per_year; range from the cut rate and the dark hours",
            "modelled", mean_h * ends[0], mean_h * ends[1],
        ),
        Indicator(
            f"people_over_{limit}h_outage_people", year, f"People with more than {limit} hours without service a year",
            float(people[long_outage].sum()), "people",
            "sum of places.n_people where availability.outage_h_per_year is above", "modelled",
        ),
    ]  # fmt: skip
    made.append(_of_revenue(frame, ends, year))
    if result is not None:
        made += _of_runs(result, year)
    return (*made, *_of_replay(tables, year))


def _of_revenue(frame: pl.DataFrame, ends: tuple[float, float], year: int) -> Indicator:
    middle, low, high = (
        float(frame[f"revenue_lost{end}_usd_per_year"].to_numpy().sum()) for end in ("", "_low", "_high")
    )
    return Indicator(
        "revenue_lost_usd_per_year", year, "Revenue that operators lose with service", middle, "usd_per_year",
        "sum of availability.revenue_lost_usd_per_year: pro rata; range of hours, and from half to twice pro rata",
        "modelled", low * ends[0], high * ends[1],
    )  # fmt: skip


def _of_runs(result: StressResult, year: int) -> list[Indicator]:
    lost, low, high = (float(value) for value in result.customer_h_per_year[0])
    return [
        Indicator(
            "customers_lost_h_per_year", year, "Customer-hours without internet in a year", lost, "h_per_year",
            f"mean of {result.n_runs} simulated windows, with the interval of 95 %; the last mile not counted",
            "modelled", min(low, lost), max(high, lost),
        ),
        Indicator(
            "worst_month_in_10_years_lost_h", year, "Customer-hours without internet in the worst month of ten years",
            result.exceeded_h(RETURN_YEARS), "h", "loss of a simulated window that is passed once in ten years",
            "modelled",
        ),
    ]  # fmt: skip


def _of_replay(tables: Mapping[str, pl.DataFrame], year: int) -> list[Indicator]:
    errors = tables["event_replay"].filter("is_independent")["error_frac"].drop_nulls()
    made = [
        Indicator(
            "replay_events_count", year, "Published failures that the model could be held against", float(errors.len()),
            "count", "rows of event_replay with status replayed whose inputs are independent of the event", "measured",
        )
    ]  # fmt: skip
    if errors.len():
        made.append(
            Indicator(
                "replay_median_error_frac", year, "Median miss of the replay", float(np.median(errors.to_numpy())),
                "frac", "median of event_replay.error_frac over the same rows; range from best to worst", "modelled",
                float(np.min(errors.to_numpy())), float(np.max(errors.to_numpy())),
            )
        )  # fmt: skip
    hours = tables["replay_hours"].filter("has_error")
    if hours.height:
        inside = hours["is_in_band"].fill_null(value=False).mean()
        made.append(
            Indicator(
                "replay_in_band_frac", year, "Reports of named events that lie within the band of the replay",
                float(inside) if isinstance(inside, int | float) else 0.0, "frac",
                "share of rows of replay_hours with a report above zero whose is_in_band holds", "modelled",
            )
        )  # fmt: skip
    return made
