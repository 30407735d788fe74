"""Secure overlay, encryption, suppliers; and, for those authorised, exposure, attacks and interdiction."""

from __future__ import annotations

from rahdari.engines.security.engine import security
from rahdari.engines.security.params import SecurityParams
from rahdari.methods.attack import attack_curve, drop_vendor, jamming, pair_under_attack, regional_attack
from rahdari.methods.encapsulation import fit, goodput_ratio
from rahdari.methods.exposure import Exposure, exposure, lost_without
from rahdari.methods.interdiction import Hardening, Interdiction, harden, interdict
from rahdari.methods.quantum_migration import handshake, migration_order, quantum_reach_km, rekey_bps
from rahdari.service.security import concentration_of as concentration
from rahdari.service.security import overlay_on as overlay
from rahdari.service.security_rules import rules_on as rules
from rahdari.store.audit import verify as audit_verify

__all__ = [
    "Exposure",
    "Hardening",
    "Interdiction",
    "SecurityParams",
    "attack_curve",
    "audit_verify",
    "concentration",
    "drop_vendor",
    "exposure",
    "fit",
    "goodput_ratio",
    "handshake",
    "harden",
    "interdict",
    "jamming",
    "lost_without",
    "migration_order",
    "overlay",
    "pair_under_attack",
    "quantum_reach_km",
    "regional_attack",
    "rekey_bps",
    "rules",
    "security",
]
