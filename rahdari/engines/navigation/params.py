"""Parameters of the navigation engine; every range says how far the value is uncertain."""

from __future__ import annotations

from pydantic import Field

from rahdari.model import Params


class NavigationParams(Params):
    """Horizon, ranging error and sampling."""

    open_mask_deg: float = Field(10.0, ge=0.0, le=20.0, description="Elevation mask of open country and receivers")
    mask_slope_ratio: float = Field(
        1.5, ge=0.0, le=4.0, description="Mask added per degree of mean slope nearby: valleys are steeper than the grid"
    )
    max_mask_deg: float = Field(35.0, ge=10.0, le=60.0, description="Steepest mask taken, a narrow valley all round")
    range_error_m: float = Field(
        1.5, ge=0.5, le=5.0, description="Ranging error of one satellite, signal, air and receiver together, assumed"
    )
    has_regional: bool = Field(
        default=True,
        description="Count the inclined and geostationary satellites over Asia, not the medium orbits alone",
    )
    n_epochs: int = Field(336, ge=24, le=2016, description="Moments in a week: half-hourly")
