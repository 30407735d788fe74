"""Parameters of the navigation engine; every range says how far the value is uncertain."""

from __future__ import annotations

from pydantic import Field

from rahdari.model import Params


class NavigationParams(Params):
    """Horizon, ranging error, what is demanded of a position, and sampling."""

    mask_deg: float = Field(
        5.0, ge=0.0, le=20.0, description="Elevation below which receivers use no satellite, in open country too"
    )
    valley_slope_ratio: float = Field(
        8.2, ge=1.5, le=10.0,
        description="Where terrain is coarse: degrees of horizon all round per degree of mean slope nearby, measured "
        "against a grid of 90 m in the Karakoram (21.3 degrees on slopes of 2.6)",
    )  # fmt: skip
    max_valley_deg: float = Field(
        22.0, ge=0.0, le=45.0,
        description="Where terrain is coarse: highest horizon taken, the mean of valleys on the same grid",
    )  # fmt: skip
    max_mask_deg: float = Field(
        35.0, ge=10.0, le=60.0, description="Mask of the upper end of the band, a gorge all round, assumed"
    )
    range_error_m: float = Field(
        1.5, ge=0.5, le=5.0, description="Ranging error of one satellite, signal, air and receiver together, assumed"
    )
    accuracy_m: float = Field(5.0, ge=0.1, le=100.0, description="Error on the ground, 95 %, that users accept")
    required_frac: float = Field(
        0.99, ge=0.5, le=1.0, description="Share of the time with that accuracy below which a stretch fails, assumed"
    )
    signal_error_m: float = Field(
        2.0, ge=0.5, le=6.0, description="Accuracy of ranging that satellites state, for protection levels, assumed"
    )
    has_two_frequencies: bool = Field(default=True, description="Receivers use two frequencies, for protection levels")
    alert_limit_m: float = Field(
        40.0, ge=1.0, le=4000.0, description="Horizontal protection level that users accept; 40 m is that of LPV-200"
    )
    has_regional: bool = Field(
        default=True,
        description="Count BeiDou's inclined and geostationary satellites over Asia, not the medium orbits alone",
    )
    least_line_km: float = Field(20.0, ge=1.0, le=500.0, description="Shortest line that is examined")
    quick_step_m: float = Field(2000.0, ge=50.0, le=20000.0, description="Step along lines in quick detail")
    full_step_m: float = Field(100.0, ge=50.0, le=20000.0, description="Step along lines in full detail")
    # Primes: numbers that share a factor with a pattern's planes and slots see the same few geometries again and again.
    n_epochs_quick: int = Field(151, ge=24, le=2017, description="Moments in a week in quick detail: every 67 minutes")
    n_epochs_full: int = Field(337, ge=24, le=2017, description="Moments in a week in full detail: every half hour")
