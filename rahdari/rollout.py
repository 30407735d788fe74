"""From targets to a calendar: packages, crews, money and seasons; re-planned after a shock, checked apart."""

from __future__ import annotations

from rahdari.engines.rollout.engine import rollout
from rahdari.engines.rollout.params import RolloutParams
from rahdari.methods.schedule_checks import schedule_problems
from rahdari.methods.schedule_envelope import Envelope, ShadowPrices, envelope
from rahdari.methods.schedule_model import Budget, Calendar, Crews, Packages
from rahdari.methods.schedule_replan import Shock, replan
from rahdari.methods.schedule_result import Comparison, Schedule, compare_schedules
from rahdari.methods.schedule_search import Effort, schedule
from rahdari.methods.schedule_verify import Verification, Violation, verify_schedule
from rahdari.sources.psplib import Project, read_psplib

__all__ = [
    "Budget",
    "Calendar",
    "Comparison",
    "Crews",
    "Effort",
    "Envelope",
    "Packages",
    "Project",
    "RolloutParams",
    "Schedule",
    "ShadowPrices",
    "Shock",
    "Verification",
    "Violation",
    "compare_schedules",
    "envelope",
    "read_psplib",
    "replan",
    "rollout",
    "schedule",
    "schedule_problems",
    "verify_schedule",
]
