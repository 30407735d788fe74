"""Links of microwave hubs as a table, checked, and as the arrays that the planner takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.kernels import hub as kernel
from rahdari.methods.antenna import TABLE_SIZE, d_over_lambda, f699_problems, peak_gain_dbi
from rahdari.methods.propagation import free_space_db, hop_multipath_outage_frac, noise_dbm
from rahdari.methods.rain import hop_rain_db, hop_rain_outage_frac

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from rahdari.methods.antenna import AntennaPattern

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    #: Makes, from the links and the rules, a law from margins (n,), dB, to outages (n,), shares of the year.
    Outage = Callable[[pl.DataFrame, "HubRules"], Callable[[FloatArray], FloatArray]]

POLARISATIONS = ("vertical", "horizontal", "both")
RAIN_TILT_DEG = {"vertical": 90.0, "horizontal": 0.0, "both": 0.0}  # horizontal suffers more, so both counts as it
DN1_RANGE = (-2000.0, 0.0)  # N-units a km: what 1 % of a year stays below, always a fall
MOST_FADE_DB = 80.0  # no radio has more; a link that needs it carries nothing
MOST_NODES = 200_000  # a colouring of 12 links takes some hundreds
_HALVINGS = 40  # of 80 dB: far below 1e-9
P530_MIN_GHZ, P530_KNEE_GHZ, P530_MAX_GHZ = 8.0, 20.0, 35.0  # ranges of V in ITU-R P.530-17 section 4.1

#: Column -> value where the table has none.  Radio values are usual ones and assumed.
DEFAULTS: dict[str, float | bool | str | None] = {
    "diameter_m": 0.6,
    "far_diameter_m": 0.6,
    "power_dbm": 20.0,
    "atpc_db": 10.0,
    "polarisation": "vertical",
    "is_cooperating": True,
    "xpd_db": 30.0,
    "pattern_id": None,
    "rain_rate_mm_h": 40.0,
    "height_m": 0.0,
    "noise_figure_db": 6.0,
}
NEEDED = ("hub_id", "link_id", "azimuth_deg", "length_km", "frequency_ghz")
KEY = ("hub_id", "link_id")
NUMBERS = ("azimuth_deg", "length_km", "frequency_ghz", "diameter_m", "far_diameter_m", "power_dbm", "atpc_db",
           "xpd_db", "rain_rate_mm_h", "height_m", "noise_figure_db")  # fmt: skip
POSITIVE = ("length_km", "frequency_ghz", "diameter_m", "far_diameter_m")
NOT_NEGATIVE = ("atpc_db", "xpd_db", "rain_rate_mm_h")
RANGES = {  # least, greatest, cure: beyond lie other units, not links
    "azimuth_deg": (-360.0, 720.0, "give degrees from north as seen from the hub"),
    "length_km": (0.0, 240.0, "give kilometres, at most 240: the laws of P.530 end there"),
    "power_dbm": (-60.0, 60.0, "give dBm of one link"),
    "rain_rate_mm_h": (0.0, 300.0, "give the rate of 0.01 % of the year, mm/h"),
    "height_m": (-430.0, 9500.0, "give metres above sea level"),
    "noise_figure_db": (0.0, 40.0, "give dB"),
    "diameter_m": (0.0, 20.0, "give metres"),
    "far_diameter_m": (0.0, 20.0, "give metres"),
}


CODE_RATE = 0.92  # net over gross bits of a microwave modem, usual (assumed)
ROLL_OFF = 0.12  # channel over symbol rate less one, usual (assumed)
#: From Shannon's bound to a modem: 1.53 dB that square constellations lose (Forney 1984) and 3 dB assumed.
GAP_DB = 4.53
BITS = (2, 4, 5, 6, 7, 8, 9, 10, 11, 12)  # QPSK to 4096-QAM


@dataclass(frozen=True, slots=True)
class Modulation:
    """One modem setting: least signal over noise and interference, and net bits per second and hertz of channel."""

    name: str
    needed_db: float
    bps_per_hz: float


def modem(bits_count: int) -> Modulation:
    """Return a modulation of so many bits a symbol: Shannon's bound at its coded bits, and a gap of 4.5 dB.

    >>> modem(8).name, round(modem(8).needed_db, 1), round(modem(8).bps_per_hz, 2)
    ('256qam', 26.7, 6.57)
    """
    coded = bits_count * CODE_RATE
    name = "qpsk" if 2**bits_count == 4 else f"{2**bits_count}qam"  # noqa: PLR2004  # four points
    return Modulation(name, 10.0 * math.log10(2.0**coded - 1.0) + GAP_DB, coded / (1.0 + ROLL_OFF))


MODULATIONS = tuple(modem(bits) for bits in BITS)


@dataclass(frozen=True, slots=True)
class HubRules:
    """What holds for all hubs of a plan; the defaults are stated assumptions of a planner.

    A link's modulation must hold for ``availability_frac`` of the year; ``spectrum_mhz`` is what a hub may use in one
    direction, cut into as many equal channels as the plan needs.  ``off_axis_xpd_db`` is the protection of opposite
    polarisations beside the main beam: 0, as ITU-R F.699 gives none.  ``quiet_db`` is how far ATPC lets a link stay
    above what its highest modulation needs without a fade.  ``modulations`` rise in need and rate; those of a catalogue
    may take the place of the formula's.
    """

    availability_frac: float = 0.9999
    spectrum_mhz: float = 112.0
    off_axis_xpd_db: float = 0.0
    xpic_db: float = 20.0
    gradient_n_per_km: float = -400.0
    quiet_db: float = 5.0
    most_nodes: int = MOST_NODES
    modulations: tuple[Modulation, ...] = MODULATIONS


@dataclass(frozen=True, slots=True, eq=False)
class HubLinks:
    """Checked links in the order of hub and link; arrays as :mod:`rahdari.kernels.hub` takes them."""

    table: pl.DataFrame
    fields: FloatArray
    pattern: IntArray
    tables: FloatArray
    start: IntArray
    pair_start: IntArray
    cooperates: NDArray[np.bool_]
    outage: Callable[[FloatArray], FloatArray]


def as_table(links: Any) -> pl.DataFrame:  # noqa: ANN401  # whatever polars reads
    """Return whatever holds rows as a table; anything else raises :class:`InputError`."""
    if isinstance(links, pl.DataFrame):
        return links
    try:
        return pl.DataFrame(links)
    except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
        cure = f"give a table with {', '.join(NEEDED)}"
        raise InputError(Problem(f"{type(links).__name__} is no table of links", cure, "hub_links")) from error


def _filled(links: pl.DataFrame) -> pl.DataFrame:
    """Return the table with every column and no empty cell but the pattern's."""
    absent = [name for name in NEEDED if name not in links.columns]
    unknown = [name for name in links.columns if name not in (*NEEDED, *DEFAULTS)]
    raise_if_any(
        [Problem(f"there is no column '{name}'", "add it", "hub_links", None, name) for name in absent]
        + [
            Problem(f"'{name}' is unknown", f"use one of {', '.join((*NEEDED, *DEFAULTS))}", "hub_links", None, name)
            for name in unknown
        ]
    )
    values = [
        pl.lit(value).alias(name) if name not in links.columns else pl.col(name).fill_null(pl.lit(value)).alias(name)
        for name, value in DEFAULTS.items()
        if name != "pattern_id"
    ]
    pattern = pl.lit(None, pl.String()).alias("pattern_id") if "pattern_id" not in links.columns else None
    filled = links.with_columns(*values, *([] if pattern is None else [pattern]))
    wrong = [name for name in NUMBERS if not filled[name].dtype.is_numeric()]
    problems = [Problem("holds no numbers", "give numbers", "hub_links", None, name) for name in wrong]
    kind = filled["is_cooperating"].dtype
    if not (kind == pl.Boolean() or kind.is_integer()):
        problems.append(Problem("holds no truth values", "give true or false", "hub_links", None, "is_cooperating"))
    raise_if_any(problems)
    return filled.with_columns(pl.col(NUMBERS).cast(pl.Float64()), pl.col("hub_id", "link_id").cast(pl.String()))


def _value_problems(links: pl.DataFrame, patterns: Mapping[str, AntennaPattern]) -> list[Problem]:
    """Return every cell that no link can have, with its row in the table as given."""
    tests = {
        **{name: (pl.col(name).is_finite().fill_null(value=False), "give a finite number") for name in NUMBERS},
        **{
            name: ((pl.col(name) > 0.0).fill_null(value=False) & pl.col(name).is_finite(), "give a number above 0")
            for name in POSITIVE
        },
        **{
            name: ((pl.col(name) >= 0.0).fill_null(value=False) & pl.col(name).is_finite(), "give 0 or more")
            for name in NOT_NEGATIVE
        },
        "polarisation": (pl.col("polarisation").is_in(POLARISATIONS), f"use one of {', '.join(POLARISATIONS)}"),
        "pattern_id": (
            pl.col("pattern_id").is_null() | pl.col("pattern_id").is_in(sorted(patterns)),
            "give its file or leave it empty for ITU-R F.699",
        ),
        "hub_id": (pl.col("hub_id").is_not_null(), "name the hub"),
        "link_id": (
            pl.col("link_id").is_not_null() & pl.struct("hub_id", "link_id").is_unique(),
            "name each link once",
        ),
    }
    problems = []
    for name, (low, high, cure) in RANGES.items():
        bad = links.with_row_index("row", 1).filter((pl.col(name) < low) | (pl.col(name) > high))
        for row, value in bad.select("row", name).filter(pl.col(name).is_finite()).head(10).iter_rows():
            problems.append(Problem(f"'{value:g}' is not within {low:g} to {high:g}", cure, "hub_links", row, name))
    for name, (is_right, cure) in tests.items():
        bad = links.with_row_index("row", 1).filter(~is_right)
        for row, value in bad.select("row", name).head(10).iter_rows():
            problems.append(Problem(f"'{value}' cannot be right", cure, "hub_links", row, name))
    bands = links.group_by("hub_id").agg(pl.col("frequency_ghz").n_unique()).filter(pl.col("frequency_ghz") > 1)
    for hub_id in bands["hub_id"].sort():
        cure = "give each band of a site its own hub_id: bands do not disturb each other"
        problems.append(Problem(f"hub {hub_id} mixes frequencies", cure, "hub_links", None, "frequency_ghz"))
    sizes = links.group_by("hub_id").len().filter(pl.col("len") > kernel.MOST_LINKS).sort("hub_id")
    for hub_id, n in sizes.iter_rows():
        what = f"hub {hub_id} has {n} links, more than {kernel.MOST_LINKS}"
        problems.append(Problem(what, "split it by band", "hub_links", None, "hub_id"))
    return problems


def multipath_and_rain(table: pl.DataFrame, rules: HubRules) -> Callable[[FloatArray], FloatArray]:
    """Return a law from each link's margin, dB, to the share of the year in which a fade exceeds it (ITU-R P.530-17).

    This is the default :data:`Outage`; another one may take its place.
    """
    column = {name: table[name].to_numpy() for name in ("length_km", "frequency_ghz", "height_m", "rain_rate_mm_h")}
    tilt = table["polarisation"].replace_strict(RAIN_TILT_DEG, return_dtype=pl.Float64()).to_numpy()
    length_km, ghz = column["length_km"], column["frequency_ghz"]
    rain_db = np.empty(table.height)
    for degrees in sorted(set(RAIN_TILT_DEG.values())):
        here = tilt == degrees
        rain_db[here] = hop_rain_db(length_km[here], ghz[here], column["rain_rate_mm_h"][here], degrees)

    def outage(margin_db: FloatArray) -> FloatArray:
        multipath = hop_multipath_outage_frac(length_km, ghz, margin_db, column["height_m"], rules.gradient_n_per_km)
        return np.minimum(multipath + hop_rain_outage_frac(rain_db, margin_db, ghz), 1.0)

    return outage


def fade_for_availability_db(
    outage: Callable[[FloatArray], FloatArray], n_links: int, allowed_frac: float
) -> FloatArray:
    """Return (n,) the least margin at which each link's outage is no more than allowed, at most 80 dB (by halving)."""
    low, high = np.zeros(n_links), np.full(n_links, MOST_FADE_DB)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        holds = outage(middle) <= allowed_frac
        low, high = np.where(holds, low, middle), np.where(holds, middle, high)
    return high


def xpd_in_rain_db(frequency_ghz: FloatArray, fade_db: FloatArray) -> FloatArray:
    """Return cross-polar discrimination during a rain fade, dB (ITU-R P.530-17 section 4.1: U - V log10 of the fade).

    8 to 35 GHz; outside, the law is continued from the nearest end.

    >>> xpd_in_rain_db(np.array([30.0]), np.array([10.0])).round(2).tolist()
    [36.71]
    """
    ghz = np.clip(frequency_ghz, P530_MIN_GHZ, P530_MAX_GHZ)
    slope = np.where(ghz <= P530_KNEE_GHZ, 12.8 * ghz**0.19, 22.6)
    return np.asarray(15.0 + 30.0 * np.log10(ghz) - slope * np.log10(np.maximum(fade_db, 1.0)))


def _rule_problems(rules: HubRules) -> list[Problem]:
    problems = []
    if not 0.0 < rules.availability_frac < 1.0:
        problems.append(Problem(f"an availability of {rules.availability_frac}", "give a share between 0 and 1"))
    if not (np.isfinite(rules.spectrum_mhz) and rules.spectrum_mhz > 0.0):
        problems.append(Problem(f"a spectrum of {rules.spectrum_mhz} MHz", "give megahertz above 0"))
    problems += [
        Problem(f"{name} is {getattr(rules, name)}", "give dB, 0 or more", column=name)
        for name in ("off_axis_xpd_db", "xpic_db", "quiet_db")
        if not 0.0 <= getattr(rules, name) < np.inf
    ]
    if not DN1_RANGE[0] <= rules.gradient_n_per_km <= DN1_RANGE[1]:
        cure = "give dN1 of ITU-R P.453, N-units a km, such as -400"
        problems.append(Problem(f"a gradient of {rules.gradient_n_per_km}", cure, column="gradient_n_per_km"))
    ladder = [(scheme.needed_db, scheme.bps_per_hz) for scheme in rules.modulations]
    if not ladder or any(a >= b for low, high in pairwise(ladder) for a, b in zip(low, high, strict=True)):
        problems.append(Problem("modulations do not rise in need and rate", "sort them and drop those that never win"))
    if rules.most_nodes < kernel.MOST_LINKS:
        cure = f"give {kernel.MOST_LINKS} or more: one colouring takes that many"
        problems.append(Problem(f"a search of {rules.most_nodes} nodes", cure))
    return problems


def hub_arrays(
    links: pl.DataFrame,
    rules: HubRules,
    patterns: Mapping[str, AntennaPattern],
    outage: Outage | None = None,
) -> HubLinks:
    """Return the links, checked and sorted by hub and link, with level, fade and noise of each.

    ATPC lowers the power of a link that has more than its highest modulation and ``rules.quiet_db`` need, by its range
    at most.  All faults are raised together as :class:`InputError`.
    """
    links = as_table(links)
    if not links.height:
        raise InputError(Problem("there are no links", "give one row a link", "hub_links"))
    filled = _filled(links)
    raise_if_any(_rule_problems(rules) + _value_problems(filled, patterns))
    table = filled.sort("hub_id", "link_id")
    ghz, power = table["frequency_ghz"].to_numpy(), table["power_dbm"].to_numpy()
    size = d_over_lambda(table["diameter_m"].to_numpy(), ghz)
    far = d_over_lambda(table["far_diameter_m"].to_numpy(), ghz)
    raise_if_any(f699_problems(size, ghz, peak_gain_dbi(size)) + f699_problems(far, ghz, peak_gain_dbi(far)))
    names = sorted(patterns)
    tables = np.array([patterns[name].table() for name in names]).reshape(len(names), TABLE_SIZE)
    pattern = table["pattern_id"].replace_strict(names, range(len(names)), default=-1, return_dtype=pl.Int64())
    peak = peak_gain_dbi(size)
    for k, name in enumerate(names):
        peak = np.where(pattern.to_numpy() == k, patterns[name].peak_dbi, peak)
    noise = noise_dbm(rules.spectrum_mhz, 0.0) + table["noise_figure_db"].to_numpy()
    full = power + peak + peak_gain_dbi(far) - free_space_db(table["length_km"].to_numpy(), ghz)
    drop = np.clip(full - noise - rules.modulations[-1].needed_db - rules.quiet_db, 0.0, table["atpc_db"].to_numpy())
    law = (multipath_and_rain if outage is None else outage)(table, rules)
    fade = fade_for_availability_db(law, table.height, 1.0 - rules.availability_frac)
    is_both = (table["polarisation"] == "both").to_numpy()
    xpd = np.minimum(table["xpd_db"].to_numpy(), xpd_in_rain_db(ghz, fade))
    fields = np.zeros((kernel.N_FIELDS, table.height))
    fields[kernel.AZIMUTH_DEG], fields[kernel.PEAK_DBI] = table["azimuth_deg"].to_numpy(), peak
    fields[kernel.D_OVER_LAMBDA], fields[kernel.GHZ] = size, ghz
    fields[kernel.LEVEL_DBM], fields[kernel.RISE_DB], fields[kernel.FADE_DB] = full - drop, drop, fade
    fields[kernel.POWER_DBM], fields[kernel.NOISE_DBM] = power - drop, noise
    fields[kernel.SELF_RATIO] = np.where(is_both, 10.0 ** (-(xpd + rules.xpic_db) / 10.0), 0.0)
    fields[kernel.STREAMS], fields[kernel.XPD_DB] = np.where(is_both, 2.0, 1.0), table["xpd_db"].to_numpy()
    fields[kernel.VERTICAL] = is_both | (table["polarisation"] == "vertical").to_numpy()
    fields[kernel.HORIZONTAL] = is_both | (table["polarisation"] == "horizontal").to_numpy()
    n = table.group_by("hub_id", maintain_order=True).len()["len"].to_numpy().astype(np.int64)
    return HubLinks(
        table,
        fields,
        np.array(pattern.to_numpy(), np.int64),
        np.ascontiguousarray(tables, np.float64),
        np.concatenate([[0], np.cumsum(n)]).astype(np.int64),
        np.concatenate([[0], np.cumsum(n * n)]).astype(np.int64),
        np.array(table["is_cooperating"].to_numpy(), np.bool_),
        law,
    )
