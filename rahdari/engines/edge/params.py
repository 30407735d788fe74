"""Parameters of the edge engine; every range says how far the value is uncertain."""

from __future__ import annotations

from pydantic import Field

from rahdari.model import Params


class EdgeParams(Params):
    """Delay limits, gantries, cameras and servers."""

    round_trip_limit_ms: float = Field(
        6.0, ge=1.0, le=50.0, description="Fibre round trip from a place to its edge node; 5 to 10 ms is usual, assumed"
    )
    detour_ratio: float = Field(1.4, ge=1.0, le=2.5, description="Fibre way over great circle, assumed")
    gantry_spacing_km: float = Field(
        20.0, ge=5.0, le=60.0, description="Distance between tolling gantries: about that of interchanges, assumed"
    )
    lanes_per_gantry_count: int = Field(3, ge=1, le=6, description="Lanes of one direction")
    camera_mbps: float = Field(6.0, ge=2.0, le=12.0, description="Stream of one lane or camera; 4 to 8 Mbit/s planned")
    inference_ms: float = Field(
        300.0, ge=50.0, le=450.0, description="Reading a plate at the edge: 0.5 s on one processor core, less on two"
    )
    decision_limit_ms: float = Field(
        500.0, ge=100.0, le=2000.0, description="Time to decide on a plate, planning value"
    )
    city_n_people: int = Field(
        1_000_000,
        ge=100_000,
        le=20_000_000,
        description="City people of a district from which on it gets plate recognition",
    )
    cameras_per_100000_people_count: float = Field(
        20.0, ge=1.0, le=200.0, description="Cameras of such a city per 100,000 people, assumed"
    )
    streams_per_server_count: int = Field(
        100, ge=10, le=1000, description="Streams that one edge cabinet reads at the same time, assumed"
    )
