"""Parameters of the demand engine; sources stand in the engine's README."""

from __future__ import annotations

from pydantic import Field

from rahdari.model import Params


class DemandParams(Params):
    """What the demand model assumes beyond the catalogue of services."""

    school_catchment_people: float = Field(
        1200.0, ge=50.0, le=20000.0, description="Residents for each school with its own connection."
    )
    clinic_catchment_people: float = Field(
        12000.0, ge=200.0, le=200000.0, description="Residents for each clinic or health centre."
    )
    enterprise_catchment_people: float = Field(
        250.0, ge=10.0, le=20000.0, description="Residents for each enterprise with an office or shop of its own."
    )
    urban_use_ratio: float = Field(
        1.5,
        ge=1.0,
        le=10.0,
        description="Use per head in urban over rural places, for services of persons and households; the nation's "
        "adoption is kept.",
    )
    is_calibrated: bool = Field(
        default=False,
        description="Scale person and household traffic to the published national total; the factor is stated in the "
        "table and as an indicator. Off by default: the ratio to the published total is reported instead.",
    )
