"""Parameters of the air engine; every range says how far the value is uncertain."""

from __future__ import annotations

from pydantic import Field

from rahdari.methods.air_corridor import Asked
from rahdari.methods.air_link import AirLink
from rahdari.model import Params


class AirParams(Params):
    """Drone, survey, link, positions, and closed air."""

    endurance_h: float = Field(2.5, ge=0.4, le=12.0, description="Endurance of a fixed-wing survey drone, assumed")
    cruise_km_per_h: float = Field(80.0, ge=30.0, le=160.0, description="Cruise speed through the air")
    reserve_frac: float = Field(0.2, ge=0.05, le=0.5, description="Share of the endurance kept in reserve")
    survey_share_frac: float = Field(0.4, ge=0.1, le=0.9, description="Share of the usable time spent on the survey")
    swath_km: float = Field(0.3, ge=0.05, le=2.0, description="Width seen at the flight height, overlap counted")
    turn_s: float = Field(8.0, ge=0.0, le=60.0, description="Time of a turn from one leg into the next, assumed")
    wind_m_per_s: float = Field(5.0, ge=0.0, le=8.0, description="Wind during a survey, from the west, assumed")
    height_m: float = Field(100.0, ge=30.0, le=120.0, description="Flight height above ground; 3GPP TS 22.125: 120 m")
    mast_m: float = Field(30.0, ge=15.0, le=60.0, description="Height of the sites' antennas")
    link_range_km: float = Field(
        10.0, ge=2.0, le=40.0, description="Distance at which a loaded 4G cell still carries video to the air, assumed"
    )
    video_mbps: float = Field(10.0, ge=2.0, le=25.0, description="Video uplink of one drone: 10 to 20 in practice")
    frequency_ghz: float = Field(1.8, ge=0.7, le=2.6, description="Main 4G band")
    bandwidth_mhz: float = Field(20.0, ge=5.0, le=20.0, description="One paired carrier of one operator, assumed")
    eirp_dbm: float = Field(61.0, ge=55.0, le=66.0, description="46 dBm and 17 dBi less 2 dB feeder, along the axis")
    tilt_deg: float = Field(6.0, ge=0.0, le=15.0, description="How far antennas look down, rural, assumed")
    side_lobe_db: float = Field(
        20.0, ge=10.0, le=30.0, description="Side lobes above and below the main lobe, under its axis, 3GPP TR 36.814"
    )
    uplink_rise_db: float = Field(6.0, ge=0.0, le=15.0, description="Interference over noise at the mast, assumed")
    control_margin_db: float = Field(
        3.0, ge=0.0, le=20.0, description="Margin over the most robust scheme that a control link keeps, assumed"
    )
    corridor_video_mbps: float = Field(
        4.0, ge=0.5, le=25.0, description="Video that a pilot needs out of sight, 3GPP TS 22.125"
    )
    accuracy_m: float = Field(5.0, ge=0.5, le=50.0, description="Error on the ground, 95 %, that a drone accepts")
    required_frac: float = Field(0.99, ge=0.5, le=1.0, description="Share of the time with that accuracy, assumed")
    range_error_m: float = Field(1.5, ge=0.5, le=5.0, description="Ranging error of one satellite, assumed")
    mask_deg: float = Field(5.0, ge=0.0, le=20.0, description="Elevation below which no satellite is used")
    valley_slope_ratio: float = Field(
        8.2, ge=1.5, le=10.0,
        description="Where terrain is coarse: degrees of horizon per degree of mean slope nearby, as for roads",
    )  # fmt: skip
    max_valley_deg: float = Field(22.0, ge=0.0, le=45.0, description="Where terrain is coarse: highest horizon taken")
    climb_frac: float = Field(0.15, ge=0.02, le=1.0, description="Steepest way up or down, assumed")
    clearance_m: float = Field(
        30.0, ge=5.0, le=200.0, description="Least height over whatever ground lies within 150 m, assumed"
    )
    border_km: float = Field(
        5.0, ge=0.0, le=50.0, description="Distance to borders where a rule says near and gives none, assumed"
    )
    step_m: float = Field(100.0, ge=50.0, le=1000.0, description="Step along corridors")
    n_epochs_quick: int = Field(53, ge=24, le=2017, description="Moments in a week in quick detail, a prime")
    n_epochs_full: int = Field(151, ge=24, le=2017, description="Moments in a week in full detail, a prime")

    def link(self) -> AirLink:
        """Return what masts and modems are taken to be."""
        return AirLink(
            frequency_ghz=self.frequency_ghz, bandwidth_mhz=self.bandwidth_mhz, eirp_dbm=self.eirp_dbm,
            mast_m=self.mast_m, tilt_deg=self.tilt_deg, side_lobe_db=self.side_lobe_db,
            uplink_rise_db=self.uplink_rise_db,
        )  # fmt: skip

    def asked(self, n_epochs: int) -> Asked:
        """Return what a flight along a corridor needs."""
        return Asked(
            control_margin_db=self.control_margin_db, video_mbps=self.corridor_video_mbps, accuracy_m=self.accuracy_m,
            range_error_m=self.range_error_m, required_frac=self.required_frac, mask_deg=self.mask_deg,
            climb_frac=self.climb_frac, clearance_m=self.clearance_m, valley_slope_ratio=self.valley_slope_ratio,
            max_valley_deg=self.max_valley_deg, n_epochs=n_epochs,
        )  # fmt: skip
