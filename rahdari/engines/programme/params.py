"""Parameters of the programme engine: how figures are written, never how they are judged."""

from __future__ import annotations

from pydantic import Field

from rahdari.model import Params


class ProgrammeParams(Params):
    """How the verdicts are written.  Tolerances belong to the claims and stand in the table ``programme``."""

    n_significant_digits: int = Field(3, ge=2, le=8, description="Significant digits of our figures in the sentences")
    has_notes: bool = Field(default=True, description="Add each claim's caveat to its sentence")
