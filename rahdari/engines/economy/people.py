"""People in the picture: what six kinds of people get in each district, today and in the last year."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from rahdari.methods.finance import MONTHS_PER_YEAR
from rahdari.methods.observations import latest
from rahdari.units import HOURS_PER_YEAR

if TYPE_CHECKING:
    from rahdari.engines.economy.params import EconomyParams
    from rahdari.model import Tables

#: profile -> service needed, whether in a town, whether a home line (else the entry-level service) is paid for.
PROFILES = (
    ("urban_household", "home_broadband", True, True),
    ("rural_household", "home_broadband", False, True),
    ("student", "student", False, False),
    ("clinic", "telemedicine", False, True),
    ("merchant", "merchant", True, True),
    ("payment_agent", "payment", False, False),
)
COVERED = ("fibre", "fwa_5g", "mobile_5g", "mobile_4g", "microwave_site")  # where entry-level mobile service exists
TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Prices:
    """Retail prices and income, US dollars a month."""

    mobile: float
    fibre: float
    fwa: float
    wifi: float
    satellite: float
    income: float


def read_prices(tables: Tables, params: EconomyParams) -> Prices:
    """Return prices; published revenue per mobile user and income per head take the place of the parameters."""
    exchange = float(tables["country"]["exchange_rate_per_usd"][0])
    revenue, income = latest(tables, "arpu_mobile"), latest(tables, "gni_per_head")
    mobile = params.mobile_usd_per_month
    if revenue is not None:
        mobile = revenue.value if revenue.unit.lower() == "usd" else revenue.value / exchange
    satellite = tables["satellite_service"].filter(pl.col("usd_per_month") > 0.0)["usd_per_month"].median()
    return Prices(
        mobile=mobile,
        fibre=params.fibre_usd_per_month,
        fwa=params.fwa_usd_per_month,
        wifi=params.wifi_usd_per_month,
        satellite=float(satellite) if isinstance(satellite, int | float) else params.satellite_usd_per_month,
        income=(income.value if income else params.gni_usd_per_year) / MONTHS_PER_YEAR,
    )


def priced(access: pl.DataFrame, prices: Prices) -> pl.DataFrame:
    """Return access with the monthly price of entry-level service and of a home line; null where there is none."""
    technology = pl.col("technology")
    home = {
        "fibre": prices.fibre,
        "fwa_5g": prices.fwa,
        "mobile_5g": prices.mobile,
        "mobile_4g": prices.mobile,
        "microwave_site": prices.mobile,
        "satellite": prices.satellite,
        "community_wifi": prices.wifi,
    }
    entry = {name: prices.mobile if name in COVERED else value for name, value in home.items()}
    return access.with_columns(
        entry_usd_per_month=technology.replace_strict(entry, default=None, return_dtype=pl.Float64),
        home_usd_per_month=technology.replace_strict(home, default=None, return_dtype=pl.Float64),
    )


def _representatives(access: pl.DataFrame, *, is_urban: bool) -> pl.DataFrame:
    """Return the place at the median rate over people for each district and year; of all where none is of the kind."""
    kind = pl.col("is_urban") == is_urban
    chosen = access.filter(kind | ~kind.any().over("district_id", "year"))
    cumulated = pl.col("n_people").cum_sum().over("district_id", "year")
    total = pl.col("n_people").sum().over("district_id", "year")
    return (
        chosen.sort("district_id", "year", "downlink_mbps", "place_id")
        .filter(cumulated * 2 >= total)
        .unique(["district_id", "year"], keep="first", maintain_order=True)
    )


def _why(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with what fails, in one sentence."""
    slow = pl.format("needs {} Mbit/s and gets {}", "down_mbps", pl.col("downlink_mbps").round(1))
    late = pl.format("needs {} ms and gets {}", "latency_ms_right", pl.col("delay_ms").round(0))
    hours = ((1.0 - pl.col("availability_frac_right")) * HOURS_PER_YEAR).round(0)
    out = pl.format("may be without service {} hours a year and is {}", hours, pl.col("outage_h_per_year").round(0))
    faults = pl.concat_list(
        [
            pl.when(~pl.col("is_fast")).then(slow),
            pl.when(~pl.col("is_prompt")).then(late),
            pl.when(~pl.col("is_steady")).then(out),
        ]
    ).list.drop_nulls()
    dear = pl.when(~pl.col("is_affordable")).then(pl.lit("; dearer than 2 % of income per head")).otherwise(pl.lit(""))
    fine = pl.format("works over {}", pl.col("technology"))
    text = pl.when(pl.col("is_working")).then(fine).otherwise(faults.list.join("; "))
    return frame.with_columns(
        why=pl.when(pl.col("technology") == "none").then(pl.lit("no service")).otherwise(text + dear)
    )


def profile_table(tables: Tables, params: EconomyParams, prices: Prices) -> pl.DataFrame:
    """Return one row for each district, profile and year."""
    places = tables["places"].select("place_id", "district_id", "is_urban")
    access = priced(tables["access"], prices).join(places, on="place_id", how="left")
    by_kind = {is_urban: _representatives(access, is_urban=is_urban) for is_urban in (True, False)}
    needs = tables["services"].select("service_id", "down_mbps", "latency_ms", "availability_frac")
    known = set(needs["service_id"])
    parts = []
    for profile, service, is_urban, pays_line in PROFILES:
        if service in known:
            price = pl.col("home_usd_per_month" if pays_line else "entry_usd_per_month")
            parts.append(
                by_kind[is_urban].with_columns(
                    profile=pl.lit(profile), service_id=pl.lit(service), usd_per_month=price.fill_null(0.0)
                )
            )
    limit = params.affordable_income_frac * prices.income
    frame = (
        pl.concat(parts)
        .join(needs, on="service_id", how="left")
        .with_columns(
            delay_ms=pl.col("latency_ms") + params.core_delay_ms,
            outage_h_per_year=(1.0 - pl.col("availability_frac")) * HOURS_PER_YEAR,
            is_affordable=(pl.col("usd_per_month") <= limit) & (pl.col("technology") != "none"),
        )
        .with_columns(
            is_fast=pl.col("downlink_mbps") >= pl.col("down_mbps") * (1.0 - TOLERANCE),
            is_prompt=pl.col("delay_ms") <= pl.col("latency_ms_right"),
            is_steady=pl.col("availability_frac") >= pl.col("availability_frac_right"),
        )
        .with_columns(is_working=pl.col("is_fast") & pl.col("is_prompt") & pl.col("is_steady"))
    )
    columns = [
        "place_id",
        "service_id",
        "technology",
        "downlink_mbps",
        "delay_ms",
        "outage_h_per_year",
        "usd_per_month",
    ]
    return _why(frame).select("district_id", "profile", "year", *columns, "is_affordable", "is_working", "why")
