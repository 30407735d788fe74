"""What an engine gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import polars as pl

    from rahdari.model.certificate import Certificate

HowSure = Literal["measured", "calibrated", "modelled", "assumed"]


@dataclass(frozen=True, slots=True)
class Indicator:
    """One number that answers a question of the planner.

    ``indicator_id`` ends in its unit.  ``value_low`` and ``value_high`` come from the ranges of the
    catalogue and the pack, and are ``None`` where no range is known.
    """

    indicator_id: str
    year: int
    name: str
    value: float
    unit: str
    formula: str
    how_sure: HowSure
    value_low: float | None = None
    value_high: float | None = None


@dataclass(frozen=True, slots=True)
class EngineResult:
    """Tables by name, indicators, certificates, and notes that a reader of the report must know."""

    tables: dict[str, pl.DataFrame]
    indicators: tuple[Indicator, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    notes: tuple[str, ...] = field(default=())
