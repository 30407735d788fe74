"""Frequency plan of a microwave hub: who disturbs whom, the fewest channels, and what each link then carries.

Every link keeps its modulation for a stated share of the year: its signal is taken in the fade of that share
(ITU-R P.530), while its disturbers towards the hub are not faded.  For each modulation, links that cannot share a
channel make a conflict graph; its exact colouring gives the channels; the spectrum is cut into that many; and each
link's modulation is found anew under all its co-channel links at once.  The modulation whose graph carries most wins.
Antennas follow the envelope of ITU-R F.699-8 or a vendor's file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.errors import InputError, Problem
from rahdari.kernels import hub as kernel
from rahdari.kernels import hub_plan as planner
from rahdari.methods.antenna import f699_discrimination_db
from rahdari.methods.hub_input import MODULATIONS, MOST_NODES, HubRules, hub_arrays
from rahdari.model.certificate import Certificate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rahdari.methods.antenna import AntennaPattern
    from rahdari.methods.hub_input import HubLinks, Outage

    BoolArray = NDArray[np.bool_]
    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

MOST_CANCELLATION_DB = 60.0  # no published canceller comes near
NOT_PLANNED = -1


@dataclass(frozen=True, slots=True, eq=False)
class HubPlan:
    """Frequency plans with and without cancellation.

    ``channels``: a row a link, with channel and modulation of both plans.  ``capacity``: a row a hub, with channels,
    their proven least number for the conflict graph used, Mbit/s in the whole spectrum, the gain, the interference
    left, and why a hub does not gain.  ``availability``: a row a link, with the share of the year its modulation
    holds and the margin that interference eats.  ``certificate`` sums channels and bounds of the plan with
    cancellation over hubs.
    """

    channels: pl.DataFrame
    capacity: pl.DataFrame
    availability: pl.DataFrame
    certificate: Certificate


@dataclass(frozen=True, slots=True, eq=False)
class Colouring:
    """Colours (n,) from 0, their number, a proven lower bound on it, and whether the two are equal by proof."""

    colour: IntArray
    n_colours: int
    lower_bound: int

    @property
    def is_proven(self) -> bool:
        """Return whether no fewer colours do."""
        return self.n_colours == self.lower_bound


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """One plan of all hubs: :data:`rahdari.kernels.hub_plan` rows a hub, and per link colour, scheme and ratios."""

    hub: FloatArray
    link: FloatArray
    pairs: FloatArray


def colour_exactly(is_near: BoolArray, most_nodes: int = MOST_NODES) -> Colouring:
    """Return the fewest colours of a graph (n, n), n up to 62, such that near ones differ (branch and bound).

    Exact unless the search ends at ``most_nodes``; ``lower_bound`` is then the clique found.  Up to 12 links the
    default never ends early in practice.

    >>> colour_exactly(np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], bool)).colour.tolist()
    [1, 0, 1]
    """
    is_near = np.atleast_2d(np.asarray(is_near))
    n = is_near.shape[0]
    if not 1 <= n <= kernel.MOST_LINKS or is_near.shape != (n, n):
        cure = f"give a square matrix of 1 to {kernel.MOST_LINKS} links"
        raise InputError(Problem(f"a graph of shape {is_near.shape}", cure))
    is_near = is_near.astype(np.bool_)
    either = (is_near | is_near.T) & ~np.eye(n, dtype=bool)
    near = (either.astype(np.int64) << np.arange(n)).sum(axis=1)
    least = kernel.clique_size(near, n)
    colour = np.zeros(n, np.int64)
    nodes = kernel.colour_graph(near, n, least, max(most_nodes, n), colour)
    n_colours = int(colour.max()) + 1
    return Colouring(colour, n_colours, n_colours if nodes >= 0 else int(least))


def least_angles(
    ratio: float, frequency_ghz: float, fade_db: float, cancellation_db: float = 0.0, step_deg: float = 0.05
) -> pl.DataFrame:
    """Return ``modulation``, ``needed_db``, ``least_angle_deg`` of two equal links that share a channel.

    From that angle on the antenna of D/lambda ``ratio``, with cancellation, keeps the modulation while one link is
    ``fade_db`` down and the other is not; null where no angle does.  Noise is left out; steps of ``step_deg``.
    """
    if not (0.0 < step_deg <= 180.0 and np.isfinite(fade_db) and np.isfinite(cancellation_db)):  # noqa: PLR2004  # half a turn
        raise InputError(Problem("a step, fade or cancellation that is none", "give degrees above 0 and finite dB"))
    angle = np.arange(0.0, 180.0 + step_deg, step_deg).clip(max=180.0)
    kept_db = f699_discrimination_db(angle, ratio, frequency_ghz) + cancellation_db - fade_db
    least: list[float | None] = []
    for scheme in MODULATIONS:
        fails = np.flatnonzero(kept_db < scheme.needed_db)
        after = int(fails[-1]) + 1 if fails.size else 0
        least.append(float(angle[after]) if after < angle.size else None)
    return pl.DataFrame(
        {
            "modulation": [scheme.name for scheme in MODULATIONS],
            "needed_db": [scheme.needed_db for scheme in MODULATIONS],
            "least_angle_deg": pl.Series(least, dtype=pl.Float64()),
        }
    )


def _schemes(rules: HubRules) -> tuple[FloatArray, FloatArray]:
    """Return what each modulation needs, as a ratio, and what it carries."""
    schemes = rules.modulations
    needed = np.array([10.0 ** (scheme.needed_db / 10.0) for scheme in schemes])
    return needed, np.array([scheme.bps_per_hz for scheme in schemes])


def solve(
    links: HubLinks,
    rules: HubRules,
    cancellation_db: float,
    *,
    angle_deg: float = -1.0,
    given: IntArray | None = None,
) -> Solved:
    """Return the plan that carries most in every hub.

    With ``angle_deg`` of 0 or more links closer than that get different channels, whatever they could bear.
    ``given`` is a plan (channel of each link) that the answer does not fall below.
    """
    pairs = np.zeros((kernel.N_PAIR_FIELDS, int(links.pair_start[-1])))
    limits = np.array([cancellation_db, rules.off_axis_xpd_db])
    kernel.fill_pairs(
        links.fields, links.pattern, links.tables, links.start, links.pair_start, links.cooperates, limits, pairs
    )
    needed, efficiency = _schemes(rules)
    n_links = links.table.height
    hub = np.zeros((links.start.size - 1, planner.N_HUB_FIELDS))
    link = np.zeros((planner.N_LINK_FIELDS, n_links))
    kept = np.full(n_links, NOT_PLANNED) if given is None else given
    planner.plan_hubs(
        links.fields, pairs, links.start, links.pair_start, needed, efficiency, angle_deg, rules.most_nodes, kept,
        hub, link,
    )  # fmt: skip
    return Solved(hub, link, pairs)


def with_bounds(cancelled: Solved, plain: Solved) -> Solved:
    """Return the plan with the other's proven numbers where that plan was kept."""
    hub = cancelled.hub.copy()
    is_kept = hub[:, planner.LEVEL] == planner.GIVEN_LEVEL
    hub[is_kept, planner.LEAST] = plain.hub[is_kept, planner.LEAST]
    return Solved(hub, cancelled.link, cancelled.pairs)


def interference_ratios(links: HubLinks, plan: Solved) -> tuple[FloatArray, FloatArray]:
    """Return (hubs,) interference over signal summed over a plan's co-channel pairs: as left, and uncancelled."""
    n = np.diff(links.start)
    hub = np.repeat(np.arange(n.size), n * n)
    place = np.arange(hub.size) - links.pair_start[:-1][hub]
    colour = plan.link[0]
    is_shared = colour[links.start[:-1][hub] + place // n[hub]] == colour[links.start[:-1][hub] + place % n[hub]]
    worse = np.maximum(plan.pairs[kernel.UP], plan.pairs[kernel.DOWN])
    worse_raw = np.maximum(plan.pairs[kernel.UP_RAW], plan.pairs[kernel.DOWN_RAW])
    left = np.bincount(hub, np.where(is_shared, worse, 0.0), n.size)
    raw = np.bincount(hub, np.where(is_shared, worse_raw, 0.0), n.size)
    return np.asarray(left, np.float64), np.asarray(raw, np.float64)


def _decibels(ratio: FloatArray) -> FloatArray:
    """Return decibels, at least -120."""
    return np.asarray(10.0 * np.log10(np.maximum(ratio, 1e-12)))


def _margins_db(links: HubLinks, plan: Solved, rules: HubRules) -> tuple[FloatArray, FloatArray]:
    """Return (n,) the fade that each link's modulation stands, with interference and without; lowest where none."""
    needed, _ = _schemes(rules)
    fade = 10.0 ** (links.fields[kernel.FADE_DB] / 10.0)
    allowed = 1.0 / needed[np.maximum(plan.link[1], 0).astype(np.int64)]
    up, down, noise = (row / scale for row, scale in zip(plan.link[2:5], (fade, np.ones_like(fade), fade), strict=True))
    left = np.maximum(allowed - links.fields[kernel.SELF_RATIO], 0.0)
    # Towards the hub (noise + up) F <= left; from the hub noise F + down <= left.
    stood = np.minimum(left / (noise + up), np.maximum(left - down, 0.0) / noise)
    n_channels = np.repeat(plan.hub[:, planner.N_CHANNELS], np.diff(links.start))
    full_dbm = links.fields[kernel.LEVEL_DBM] + links.fields[kernel.RISE_DB]
    quiet = 10.0 ** ((links.fields[kernel.NOISE_DBM] - full_dbm) / 10.0) / n_channels
    return _decibels(stood), _decibels(left / quiet)


def _availability(links: HubLinks, plan: Solved, rules: HubRules, suffix: str) -> list[pl.Series]:
    stood_db, alone_db = _margins_db(links, plan, rules)
    outage = np.where(stood_db > 0.0, links.outage(np.maximum(stood_db, 0.0)), 1.0)
    return [
        pl.Series(f"margin_{suffix}_db", stood_db),
        pl.Series(f"margin_lost_{suffix}_db", np.maximum(alone_db - stood_db, 0.0)),
        pl.Series(f"availability_{suffix}_frac", 1.0 - outage),
    ]


def _why(capacity: pl.DataFrame, links: HubLinks) -> pl.DataFrame:
    """Return the table with ``why_not``, empty where a hub gains."""
    cooperating = np.add.reduceat(links.cooperates.astype(np.int64), links.start[:-1])
    return (
        capacity.with_columns(n_cooperating=pl.Series(cooperating))
        .with_columns(
            why_not=pl.when(pl.col("gain_ratio") > 1.0)
            .then(pl.lit(""))
            .when(pl.col("n_links") == 1)
            .then(pl.lit("one link: nothing to cancel"))
            .when(pl.col("plain_mbps") == 0.0)
            .then(pl.lit("no link holds a modulation so long"))
            .when(pl.col("n_cooperating") < 2)  # noqa: PLR2004  # cancelling takes two
            .then(pl.lit("fewer than two links cooperate"))
            .when(pl.col("n_channels_plain") == 1)
            .then(pl.lit("antennas alone let all links share one channel, and noise limits them"))
            .otherwise(pl.lit("links too close in azimuth, or too long for the cancellation"))
        )
        .drop("n_cooperating")
    )


def _capacity(links: HubLinks, plain: Solved, cancelled: Solved, rules: HubRules) -> pl.DataFrame:
    left, raw = interference_ratios(links, cancelled)
    before, _ = interference_ratios(links, plain)
    rate, rate_plain = cancelled.hub[:, planner.RATE], plain.hub[:, planner.RATE]
    table = links.table.group_by("hub_id", maintain_order=True).agg(n_links=pl.len().cast(pl.Int64))
    removed = np.where(raw > 0.0, 1.0 - left / np.where(raw > 0.0, raw, 1.0), np.nan)
    gain = np.where(rate_plain > 0.0, rate / np.where(rate_plain > 0.0, rate_plain, 1.0), np.nan)
    table = table.with_columns(
        n_channels_plain=pl.Series(plain.hub[:, planner.N_CHANNELS].astype(np.int64)),
        n_channels_cancelled=pl.Series(cancelled.hub[:, planner.N_CHANNELS].astype(np.int64)),
        least_channels_plain=pl.Series(plain.hub[:, planner.LEAST].astype(np.int64)),
        least_channels_cancelled=pl.Series(cancelled.hub[:, planner.LEAST].astype(np.int64)),
        plain_mbps=pl.Series(rate_plain * rules.spectrum_mhz),
        cancelled_mbps=pl.Series(rate * rules.spectrum_mhz),
        gain_ratio=pl.Series(gain).fill_nan(None),
        interference_removed_frac=pl.Series(removed).fill_nan(None),
        interference_plain_ratio=pl.Series(before),
        interference_cancelled_ratio=pl.Series(left),
    )
    return _why(table, links)


def _channels(links: HubLinks, plain: Solved, cancelled: Solved, rules: HubRules) -> pl.DataFrame:
    table = links.table.select("hub_id", "link_id", "azimuth_deg").with_columns(
        design_fade_db=pl.Series(links.fields[kernel.FADE_DB])
    )
    names, efficiency = [None, *(scheme.name for scheme in rules.modulations)], np.append(0.0, _schemes(rules)[1])
    for suffix, plan in (("plain", plain), ("cancelled", cancelled)):
        scheme = plan.link[1].astype(np.int64) + 1
        width = rules.spectrum_mhz / np.repeat(plan.hub[:, planner.N_CHANNELS], np.diff(links.start))
        table = table.with_columns(
            pl.Series(f"channel_{suffix}", plan.link[0].astype(np.int64) + 1),
            pl.Series(f"width_{suffix}_mhz", width),
            pl.Series(f"modulation_{suffix}", [names[k] for k in scheme.tolist()], dtype=pl.String()),
            pl.Series(f"rate_{suffix}_mbps", efficiency[scheme] * width * links.fields[kernel.STREAMS]),
        )
    return table


def check_cancellation(cancellation_db: float) -> None:
    """Raise :class:`InputError` for a figure that no canceller has; a finite one always leaves a residual."""
    if not np.isreal(cancellation_db) or not 0.0 <= cancellation_db <= MOST_CANCELLATION_DB:
        cure = f"give 0 to {MOST_CANCELLATION_DB:.0f} dB; published figures are 10 to 20"
        raise InputError(Problem(f"a cancellation of {cancellation_db} dB", cure, column="cancellation_db"))


def hub_plan(
    hub_links: pl.DataFrame,
    cancellation_db: float,
    rules: HubRules | None = None,
    patterns: Mapping[str, AntennaPattern] | None = None,
    outage: Outage | None = None,
) -> HubPlan:
    """Return frequency plans of hubs with and without interference cancellation.

    ``hub_links`` has one row a link with ``hub_id``, ``link_id``, ``azimuth_deg`` as seen from the hub, ``length_km``
    and ``frequency_ghz``; :data:`rahdari.methods.hub_input.DEFAULTS` names further columns and what stands in where
    they are absent.  Cancellation acts between links that both cooperate, by at most ``cancellation_db``.  The answer
    does not depend on the order of rows; ``outage`` replaces the law of fades.
    Faults raise :class:`InputError`, all at once.
    """
    check_cancellation(cancellation_db)
    rules = HubRules() if rules is None else rules
    links = hub_arrays(hub_links, rules, patterns or {}, outage)
    plain = solve(links, rules, 0.0)
    cancelled = with_bounds(solve(links, rules, cancellation_db, given=plain.link[0].astype(np.int64)), plain)
    capacity = _capacity(links, plain, cancelled, rules)
    availability = links.table.select("hub_id", "link_id").with_columns(
        *_availability(links, plain, rules, "plain"), *_availability(links, cancelled, rules, "cancelled")
    )
    cost = float(cancelled.hub[:, planner.N_CHANNELS].sum())
    certificate = Certificate(
        "Channels of all hubs", cost, float(cancelled.hub[:, planner.LEAST].sum()), "channels",
        "exact colouring of each hub's conflict graph (branch and bound, clique bound)",
        "for the modulation chosen; the choice among modulations compares all of them",
    )  # fmt: skip
    return HubPlan(_channels(links, plain, cancelled, rules), capacity, availability, certificate)
