"""Every term of a microwave budget as a table: what it is, its value and unit, and the clause it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from rahdari.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rahdari.methods.microwave import Budgets

TERM_SCHEMA = {"term": pl.Utf8, "mode": pl.Utf8, "value": pl.Float64, "unit": pl.Utf8, "clause": pl.Utf8}


class Term(NamedTuple):
    """One row: ``mode`` is empty for what no modulation changes."""

    term: str
    mode: str
    value: float
    unit: str
    clause: str


#: Field of ``Hops`` -> name of the term, unit, clause.
_GIVEN = (
    ("length_km", "path length", "km", "WGS 84 geodesic, or given"),
    ("frequency_ghz", "frequency", "GHz", "given"),
    ("antenna_a_m", "antenna a above sea level", "m", "terrain and mast"),
    ("antenna_b_m", "antenna b above sea level", "m", "terrain and mast"),
    ("terrain_m", "mean terrain along the path", "m", "P.530-18 section 2.3.1 step 2"),
    ("lat_deg", "latitude of the path", "deg", "middle of the path"),
    ("gain_a_dbi", "antenna gain a", "dBi", "catalogue"),
    ("gain_b_dbi", "antenna gain b", "dBi", "catalogue"),
    ("antenna_xpd_db", "antenna cross-polar discrimination", "dB", "catalogue"),
    ("tilt_deg", "polarisation tilt", "deg", "P.838-3; 0 horizontal, 90 vertical"),
    ("rain_rate_mm_h", "rain rate of 0.01 %", "mm/h", "P.837 map, or national default"),
    ("geoclimatic", "geoclimatic factor K", "1", "P.530-18 section 1.1 map, or derived from dN1"),
    ("refractivity_n_units", "dN75", "N-units", "P.530-18 section 1.1 map, or assumed"),
    ("loss_db", "feeders and radomes, both ends", "dB", "given"),
    ("degradation_db", "interference degradation", "dB", "given"),
    ("diffraction_median_db", "diffraction loss at k = 4/3", "dB", "P.530-18 eq. 2"),
    ("diffraction_low_db", "diffraction loss at k(99.9 %)", "dB", "P.530-18 eq. 2, figure 2"),
    ("spacing_m", "space diversity spacing", "m", "given"),
    ("frequency_step_ghz", "frequency diversity spacing", "GHz", "given"),
)
#: Field of ``Path`` -> name of the term, unit, clause.
_PATH = (
    ("free_space_db", "free-space loss", "dB", "P.525-4 eq. 5"),
    ("dry_air_db", "absorption by oxygen", "dB", "P.676-13 annex 1, air of P.835-6"),
    ("vapour_db", "absorption by water vapour", "dB", "P.676-13 annex 1, air of P.835-6"),
    ("rain_k", "rain coefficient k", "1", "P.838-3 eq. 4"),
    ("rain_alpha", "rain exponent alpha", "1", "P.838-3 eq. 5"),
    ("rain_db_per_km", "specific rain attenuation", "dB/km", "P.838-3 eq. 1: k R^alpha"),
    ("rain_distance_ratio", "rain distance factor r", "1", "P.530-18 section 2.4.1 step 3, at most 2.5"),
    ("rain_001_db", "rain attenuation of 0.01 %", "dB", "P.530-18 section 2.4.1 step 4: gamma d r"),
    ("inclination_mrad", "path inclination", "mrad", "P.530-18 section 2.3.1 step 2"),
    ("mean_clearance_m", "mean clearance h_c", "m", "P.530-18 section 2.3.1 step 2"),
    ("duct_ratio", "surface duct term v_sr", "1", "P.530-18 section 2.3.1 step 3"),
    ("duct_limit_ratio", "limit of v_sr", "1", "P.530-18 section 2.3.1 step 3"),
    ("occurrence_pct", "multipath occurrence factor p0", "%", "P.530-18 section 2.3.2 step 1, worst month"),
    ("transition_db", "transition fade depth A_t", "dB", "P.530-18 section 2.3.2 step 2: 25 + 1.2 log10 p0"),
    ("activity_ratio", "multipath activity eta", "1", "P.530-18 section 5.1: 1 - exp(-0.2 P0^0.75)"),
    ("annual_db", "worst month to year, delta G", "dB", "P.530-18 section 2.3.4 step 2, at most 10.8"),
)
#: Field of ``Outages`` -> name of the term, unit, clause.
_MODES = (
    ("received_dbm", "received level", "dBm", "power + gains - losses"),
    ("margin_db", "fade margin", "dB", "received level - threshold - degradation"),
    ("flat_frac", "flat fading, worst month", "1", "P.530-18 section 2.3.2 step 3"),
    ("flat_year_frac", "flat fading, year", "1", "P.530-18 section 2.3.4 steps 3 and 4"),
    ("selective_frac", "selective fading, worst month", "1", "P.530-18 section 5.1 step 3"),
    ("space_ratio", "space diversity improvement", "1", "P.530-18 section 6.2, at least 1"),
    ("frequency_ratio", "frequency diversity improvement", "1", "P.530-18 section 6.2, at least 1"),
    ("fading_frac", "fading with diversity, worst month", "1", "P.530-18 section 6.2 step 6"),
    ("xpd_frac", "cross-polar, clear air, worst month", "1", "P.530-18 section 4.1"),
    ("bending_frac", "ray bending, worst month", "1", "P.530-18 section 2.2, closed by a Gaussian gradient"),
    ("rain_year_frac", "rain, year", "1", "P.530-18 section 2.4.1 step 5, solved for p; least 1e-5"),
    ("rain_xpd_year_frac", "cross-polar in rain, year", "1", "P.530-18 section 4.2.3"),
    ("month_frac", "outage, worst month", "1", "P.530-18 section 7; rain by P.841-6"),
    ("year_frac", "outage, year", "1", "P.530-18 sections 7 and 2.3.4"),
)


def _radio_terms(budgets: Budgets, at: int) -> Iterable[Term]:
    """Yield what the radio brings to one modulation."""
    radio, mode = budgets.radio, budgets.radio.mode[at]
    rows = (
        ("transmit power", radio.tx_power_dbm, "dBm", "catalogue"),
        ("receiver threshold", radio.threshold_dbm, "dBm", "catalogue: noise, noise figure and C/N"),
        ("carrier to noise at the threshold", radio.carrier_to_noise_db, "dB", "catalogue"),
        ("signature, both phases", radio.signature_ghz_per_ns, "GHz/ns", "P.530-18 section 5.1: W 10^(-B/20) / tau"),
        ("capacity", radio.capacity_mbps * (2.0 if radio.is_dual else 1.0), "Mbit/s", "catalogue"),
    )
    for name, values, unit, clause in rows:
        yield Term(name, mode, float(values[at]), unit, clause)


def budget_terms(budgets: Budgets, hop: int = 0, extra: Iterable[Term] = ()) -> pl.DataFrame:
    """Return every term of one hop: term, mode (empty where none), value, unit, clause.

    ``extra`` rows, such as those of the profile, come first.  Raises :class:`InputError` for a hop that is not there.
    """
    if not 0 <= hop < budgets.hops.n:
        raise InputError(Problem(f"there is no hop {hop}", f"give one of 0 to {budgets.hops.n - 1}"))
    rows = list(extra)
    for field, name, unit, clause in _GIVEN:
        rows.append(Term(name, "", float(getattr(budgets.hops, field)[hop]), unit, clause))
    for field, name, unit, clause in _PATH:
        rows.append(Term(name, "", float(getattr(budgets.path, field)[hop]), unit, clause))
    for at, mode in enumerate(budgets.radio.mode):
        rows += _radio_terms(budgets, at)
        for field, name, unit, clause in _MODES:
            rows.append(Term(name, mode, float(getattr(budgets.modes, field)[hop, at]), unit, clause))
        for name, values in (
            ("availability, year", budgets.availability_year_frac),
            ("availability, worst month", budgets.availability_month_frac),
        ):
            rows.append(Term(name, mode, float(values[hop, at]), "1", "1 - outage"))
    for name, value in (("mean capacity, year", budgets.mean_year_mbps), ("worst month", budgets.mean_month_mbps)):
        label = name if name.startswith("mean") else f"mean capacity, {name}"
        rows.append(Term(label, "", float(value[hop]), "Mbit/s", "sum over modulations of share alone x capacity"))
    return pl.DataFrame(rows, schema=TERM_SCHEMA, orient="row")


def term(terms: pl.DataFrame, name: str, mode: str = "") -> float:
    """Return the value of one term; raises :class:`InputError` where the table has no such row."""
    found = terms.filter((pl.col("term") == name) & (pl.col("mode") == mode))["value"]
    if found.len() != 1:
        near = ", ".join(np.unique(terms["term"].to_numpy()).tolist()[:_LISTED])
        raise InputError(Problem(f"there is no term '{name}' of mode '{mode}'", f"use one such as {near}"))
    return float(found[0])


_LISTED = 12  # names shown in a message
