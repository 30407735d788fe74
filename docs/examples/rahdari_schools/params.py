"""Parameters of the schools engine."""

from __future__ import annotations

from pydantic import Field

from rahdari.model import Params


class SchoolsParams(Params):
    """How many schools there are and what one of them needs."""

    people_per_school_count: float = Field(1200.0, ge=50.0, le=20_000.0, description="Catchment of a school, assumed")
    lesson_mbps: float = Field(20.0, ge=0.5, le=1000.0, description="Rate of online lessons in one school, assumed")
