"""Coverage, cell capacity and microwave hops."""

from __future__ import annotations

from rahdari.engines.radio.engine import radio
from rahdari.engines.radio.params import RadioParams
from rahdari.methods.path_loss import rma_loss_db, uma_loss_db
from rahdari.methods.propagation import free_space_db
from rahdari.methods.rain import rain_coefficients

__all__ = ["RadioParams", "free_space_db", "radio", "rain_coefficients", "rma_loss_db", "uma_loss_db"]
