"""What the corridor earns as transit; ways of any pair and their joint availability; the desk that sells circuits."""

from __future__ import annotations

from rahdari.engines.transit.engine import transit
from rahdari.engines.transit.net import Net, Way
from rahdari.engines.transit.params import TransitParams
from rahdari.methods.joint import Joint, joint_law
from rahdari.methods.ways import round_trip_ms
from rahdari.service.transit_desk import (
    ListRequest,
    QuoteRequest,
    ReleaseRequest,
    ReserveRequest,
    list_reservations,
    quote,
    release,
    reserve,
)

__all__ = [
    "Joint",
    "ListRequest",
    "Net",
    "QuoteRequest",
    "ReleaseRequest",
    "ReserveRequest",
    "TransitParams",
    "Way",
    "joint_law",
    "list_reservations",
    "quote",
    "release",
    "reserve",
    "round_trip_ms",
    "transit",
]
