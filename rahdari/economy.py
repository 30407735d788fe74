"""Costs, cash flow and people in the picture."""

from __future__ import annotations

from rahdari.engines.economy.engine import economy
from rahdari.engines.economy.params import EconomyParams
from rahdari.methods.finance import net_present_value, total_cost_of_ownership_usd

__all__ = ["EconomyParams", "economy", "net_present_value", "total_cost_of_ownership_usd"]
