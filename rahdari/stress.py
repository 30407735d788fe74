"""Availability of every place; hazards, cascades and stress runs; replays of real events."""

from __future__ import annotations

from rahdari.engines.stress.engine import stress
from rahdari.engines.stress.params import StressParams
from rahdari.methods.availability import parallel_availability_frac, series_availability_frac
from rahdari.methods.cascade import Crews, Hourly, Service, StressNetwork, hourly, single_service, stress_network
from rahdari.methods.fragility import Fragility, fragility, fragility_of, lognormal_curve, point_curve
from rahdari.methods.hazard_sampling import Hazard, Level, failure_words
from rahdari.methods.loss_of_load import capacity_outages, loss_of_load_h
from rahdari.methods.reach import CSR, csr_of_links, reach
from rahdari.methods.stress_events import NamedEvent, Replay, Report, circle_footprint, damage_hazard
from rahdari.methods.stress_runs import (
    Hardening,
    StressResult,
    class_hardenings,
    harden_class,
    more_battery,
)
from rahdari.methods.stress_worst import worst
from rahdari.service.stress import EventResponse, network_of
from rahdari.service.stress import replay_on as replay
from rahdari.service.stress import run_on as run

__all__ = [
    "CSR",
    "Crews",
    "EventResponse",
    "Fragility",
    "Hardening",
    "Hazard",
    "Hourly",
    "Level",
    "NamedEvent",
    "Replay",
    "Report",
    "Service",
    "StressNetwork",
    "StressParams",
    "StressResult",
    "capacity_outages",
    "circle_footprint",
    "class_hardenings",
    "csr_of_links",
    "damage_hazard",
    "failure_words",
    "fragility",
    "fragility_of",
    "harden_class",
    "hourly",
    "lognormal_curve",
    "loss_of_load_h",
    "more_battery",
    "network_of",
    "parallel_availability_frac",
    "point_curve",
    "reach",
    "replay",
    "run",
    "series_availability_frac",
    "single_service",
    "stress",
    "stress_network",
    "worst",
]
