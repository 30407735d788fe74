"""Costs, cash flow, demand, supply and people: the money of a plan and what it rests on."""

from __future__ import annotations

from rahdari.engines.economy.engine import economy
from rahdari.engines.economy.params import EconomyParams
from rahdari.methods.adoption import (
    Adoption,
    Hindcast,
    adoption,
    busy_hour_mbps,
    customers_count,
    demand_at_price,
    hindcast,
    traffic_pb_per_year,
)
from rahdari.methods.cash_flow import Flows, Funding, Kinds, Loan, Money, Statement, build_flows, make_money, statement
from rahdari.methods.cash_flow_table import Assumptions, CashFlow
from rahdari.methods.concentration import (
    Substitute,
    chip_bill,
    concentration,
    delayed_shipment,
    drop_each_vendor,
    second_source,
    with_vendors,
)
from rahdari.methods.finance import net_present_value, total_cost_of_ownership_usd
from rahdari.methods.rank import Peers, peers_from_rank, rank_against, years_to_level
from rahdari.methods.returns import InternalRate, irr, levelised_cost_usd, npv_usd, payback_years
from rahdari.methods.subsidy import against_lots, let_lots, lots_band, minimum_subsidy, viability_gap_usd
from rahdari.methods.talent import Course, Pipeline, programme_effect, talent
from rahdari.methods.tornado import Range, drawn, importance, spread, tornado
from rahdari.service.economy import cash_flow_on as cash_flow
from rahdari.service.economy import indicators_on as indicators

__all__ = [
    "Adoption", "Assumptions", "CashFlow", "Course", "EconomyParams", "Flows", "Funding", "Hindcast", "InternalRate",
    "Kinds", "Loan", "Money", "Peers", "Pipeline", "Range", "Statement", "Substitute", "adoption", "against_lots",
    "build_flows", "busy_hour_mbps", "cash_flow", "chip_bill", "concentration", "customers_count", "delayed_shipment",
    "demand_at_price", "drawn", "drop_each_vendor", "economy", "hindcast", "importance", "indicators", "irr",
    "let_lots", "levelised_cost_usd", "lots_band", "make_money", "minimum_subsidy", "net_present_value", "npv_usd",
    "payback_years", "peers_from_rank", "programme_effect", "rank_against", "second_source", "spread", "statement",
    "talent", "tornado", "total_cost_of_ownership_usd", "traffic_pb_per_year", "viability_gap_usd", "with_vendors",
    "years_to_level",
]  # fmt: skip
