"""What proves that a choice is good: cost, proven lower bound, and the gap between them."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Certificate:
    """The proof beside a choice.

    ``lower_bound`` is ``None`` where no bound is known; ``gap_frac`` is then ``None`` too.
    """

    name: str
    cost: float
    lower_bound: float | None
    unit: str
    method: str
    note: str = ""

    @property
    def gap_frac(self) -> float | None:
        """Return (cost - lower_bound) / max(abs(cost), 1e-9), or ``None`` without a bound."""
        if self.lower_bound is None:
            return None
        return (self.cost - self.lower_bound) / max(abs(self.cost), 1e-9)

    def as_dict(self) -> dict[str, str | float | None]:
        """Return the certificate with its gap as plain JSON values."""
        return {**asdict(self), "gap_frac": self.gap_frac}
