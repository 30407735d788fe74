"""One microwave budget in plain arithmetic, written from the Recommendations and not from the package.

Fixed case: no diversity, one polarisation, no diffraction.  Gas is left to the caller.
"""

from __future__ import annotations

import math
from typing import NamedTuple


class Hop(NamedTuple):
    length_km: float
    frequency_ghz: float
    a_m: float
    b_m: float
    terrain_m: float
    lat_deg: float
    gain_dbi: float
    loss_db: float
    k: float
    alpha: float
    rate_mm_h: float
    geoclimatic: float
    dn75: float


def p0_pct(hop: Hop) -> float:
    """P.530-18 eq. 7 at A = 0, step by step."""
    d, f = hop.length_km, min(hop.frequency_ghz, 45.0)
    if d <= 5.0:
        return 0.0
    ep = abs(hop.b_m - hop.a_m) / d
    hc = (hop.a_m + hop.b_m) / 2 - d * d / 102 - hop.terrain_m
    limit = hop.dn75 * math.pow(d, 1.5) * math.sqrt(f) / 24730
    vsr = min(math.pow(hop.dn75 / 50, 1.8) * math.exp(min(-hc / (2.5 * math.sqrt(d)), 50.0)), limit)
    x = -0.376 * math.tanh((hc - 147) / 125) - 0.334 * math.pow(ep, 0.39) - 0.00027 * min(hop.a_m, hop.b_m)
    return hop.geoclimatic * math.pow(d, 3.51) * math.pow(f * f + 13, 0.447) * math.pow(10, x + 17.85 * vsr)


def delta_g_db(hop: Hop) -> float:
    """P.530-18 section 2.3.4 step 2."""
    ep = abs(hop.b_m - hop.a_m) / hop.length_km
    sign = 1.0 if abs(hop.lat_deg) <= 45 else -1.0
    turn = math.pow(abs(math.cos(math.radians(2 * hop.lat_deg))), 0.7)
    value = 10.5 - 5.6 * math.log10(1.1 + sign * turn) - 2.7 * math.log10(hop.length_km) + 1.7 * math.log10(1 + ep)
    return max(0.0, min(10.8, value))


def fade_pct(p0: float, depth_db: float, annual_db: float = 0.0) -> float:
    """P.530-18 section 2.3.2, with section 2.3.4 step 4 for the year."""
    if p0 <= 0.0:
        return 0.0
    at = 25 + 1.2 * math.log10(p0)
    if depth_db >= at:
        return p0 * math.pow(10, -(depth_db + annual_db) / 10)
    pt = p0 * math.pow(10, -(at + annual_db) / 10)
    qap = -20 * math.log10(-math.log((100 - pt) / 100)) / at
    qt = (qap - 2) / ((1 + 0.3 * math.pow(10, -at / 20)) * math.pow(10, -0.016 * at))
    qt -= 4.3 * (math.pow(10, -at / 20) + at / 800)
    qa = 2 + (1 + 0.3 * math.pow(10, -depth_db / 20)) * math.pow(10, -0.016 * depth_db) * (
        qt + 4.3 * (math.pow(10, -depth_db / 20) + depth_db / 800)
    )
    return 100 * (1 - math.exp(-math.pow(10, -qa * depth_db / 20)))


def rain_001_db(hop: Hop) -> float:
    """P.530-18 section 2.4.1 steps 2 to 4."""
    d, f, rate = hop.length_km, hop.frequency_ghz, hop.rate_mm_h
    inverse = 0.477 * math.pow(d, 0.633) * math.pow(rate, 0.073 * hop.alpha) * math.pow(f, 0.123)
    inverse -= 10.579 * (1 - math.exp(-0.024 * d))
    r = 1 / inverse if inverse > 0.4 else 2.5
    return hop.k * math.pow(rate, hop.alpha) * d * r


def rain_pct(a001: float, margin_db: float, frequency_ghz: float) -> float:
    """P.530-18 section 2.4.1 step 5, solved for p by halving, between 0.001 and 1 per cent."""
    c0 = 0.12 + (0.4 * math.pow(math.log10(frequency_ghz / 10), 0.8) if frequency_ghz >= 10 else 0.0)
    c1 = math.pow(0.07, c0) * math.pow(0.12, 1 - c0)
    c2, c3 = 0.855 * c0 + 0.546 * (1 - c0), 0.139 * c0 + 0.043 * (1 - c0)
    low, high = -3.0, 0.0
    for _ in range(60):
        x = (low + high) / 2
        if a001 * c1 * math.pow(10, -x * (c2 + c3 * x)) > margin_db:
            low = x
        else:
            high = x
    return math.pow(10, (low + high) / 2)


def outages(hop: Hop, margin_db: float, signature: float) -> tuple[float, float]:
    """Shares of the worst month and of the year in which a modulation fails."""
    p0 = p0_pct(hop)
    eta = 1 - math.exp(-0.2 * math.pow(p0 / 100, 0.75))
    delay = 0.7 * math.pow(hop.length_km / 50, 1.3)
    selective = 2.15 * eta * signature * delay * delay
    annual = delta_g_db(hop)
    rain = rain_pct(rain_001_db(hop), margin_db, hop.frequency_ghz) / 100
    month_rain = rain * max(1.0, min(12.0, 2.85 * math.pow(100 * rain, -0.13)))
    month = fade_pct(p0, margin_db) / 100 + selective + month_rain
    year = fade_pct(p0, margin_db, annual) / 100 + selective * math.pow(10, -annual / 10) + rain
    return min(month, 1.0), min(year, 1.0)
