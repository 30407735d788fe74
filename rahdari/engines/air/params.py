"""Parameters of the air engine; every range says how far the value is uncertain."""

from __future__ import annotations

from pydantic import Field

from rahdari.model import Params


class AirParams(Params):
    """Drone, link and survey."""

    endurance_h: float = Field(2.5, ge=0.4, le=12.0, description="Endurance of a fixed-wing survey drone, assumed")
    cruise_km_per_h: float = Field(80.0, ge=30.0, le=160.0, description="Cruise speed over ground")
    reserve_frac: float = Field(0.2, ge=0.05, le=0.5, description="Share of the endurance kept in reserve")
    survey_share_frac: float = Field(0.4, ge=0.1, le=0.9, description="Share of the usable time spent on the survey")
    swath_km: float = Field(0.3, ge=0.05, le=2.0, description="Width seen at the flight height, overlap counted")
    height_m: float = Field(100.0, ge=30.0, le=120.0, description="Flight height above ground; 3GPP TS 22.125: 120 m")
    mast_m: float = Field(30.0, ge=15.0, le=60.0, description="Height of the sites' antennas")
    link_range_km: float = Field(
        10.0, ge=2.0, le=40.0, description="Distance at which a loaded 4G cell still carries video to the air, assumed"
    )
    video_mbps: float = Field(10.0, ge=2.0, le=25.0, description="Video uplink of one drone: 10 to 20 in practice")
