from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from rahdari.errors import InputError
from rahdari.methods.antenna import folded_pattern
from rahdari.methods.hub import colour_exactly, hub_plan, least_angles
from rahdari.methods.hub_claims import Baseline, hub_claims
from rahdari.methods.hub_input import MODULATIONS, HubRules, xpd_in_rain_db

if TYPE_CHECKING:
    from collections.abc import Callable

RANK = {scheme.name: k for k, scheme in enumerate(MODULATIONS)} | {None: -1}


def _hubs(n_hubs: int, n_links: int, seed: int = 1, **columns: object) -> pl.DataFrame:
    draw = np.random.Generator(np.random.Philox(seed))
    n = n_hubs * n_links
    frame = pl.DataFrame(
        {
            "hub_id": [f"h{i // n_links:04d}" for i in range(n)],
            "link_id": [f"l{i % n_links}" for i in range(n)],
            "azimuth_deg": draw.uniform(0.0, 360.0, n),
            "length_km": draw.uniform(1.0, 8.0, n),
            "frequency_ghz": np.full(n, 18.0),
        }
    )
    return frame.with_columns(**{name: pl.lit(value) for name, value in columns.items()})


def _fewest_by_force(is_near: np.ndarray) -> int:
    n = is_near.shape[0]
    for n_colours in range(1, n + 1):
        for colour in product(range(n_colours), repeat=n):
            if not any(is_near[i, j] and colour[i] == colour[j] for i in range(n) for j in range(i)):
                return n_colours
    raise AssertionError


@given(st.integers(1, 6).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.booleans(), min_size=15, max_size=15))))
def test_colouring_is_proper_and_as_small_as_brute_force_finds(drawn: tuple[int, list[bool]]) -> None:
    n, bits = drawn
    is_near = np.zeros((n, n), bool)
    places = [(i, j) for i in range(n) for j in range(i)]
    for k, (i, j) in enumerate(places):
        is_near[i, j] = is_near[j, i] = bits[k]
    found = colour_exactly(is_near)
    assert not any(is_near[i, j] and found.colour[i] == found.colour[j] for i in range(n) for j in range(n))
    assert found.n_colours == _fewest_by_force(is_near) == found.lower_bound == len(set(found.colour.tolist()))
    assert found.is_proven


def _myth(n_steps: int) -> np.ndarray:
    """Return Mycielski's graph: no triangle, and one colour more a step."""
    is_near = np.array([[0, 1], [1, 0]], bool)
    for _ in range(n_steps):
        n = is_near.shape[0]
        larger = np.zeros((2 * n + 1, 2 * n + 1), bool)
        larger[:n, :n] = larger[:n, n : 2 * n] = larger[n : 2 * n, :n] = is_near
        larger[2 * n, n : 2 * n] = larger[n : 2 * n, 2 * n] = True
        is_near = larger
    return is_near


@pytest.mark.parametrize(("n_steps", "n_colours"), [(1, 3), (2, 4), (3, 5)])
def test_graphs_without_triangles_are_coloured_exactly_although_cliques_prove_nothing(
    n_steps: int, n_colours: int
) -> None:
    found = colour_exactly(_myth(n_steps))
    assert (found.n_colours, found.lower_bound) == (n_colours, n_colours)


def test_a_search_cut_short_says_so() -> None:
    found = colour_exactly(_myth(4), most_nodes=50)
    assert found.lower_bound == 2 < found.n_colours
    assert not found.is_proven


def test_no_graph_beyond_the_word_is_coloured() -> None:
    with pytest.raises(InputError, match="shape"):
        colour_exactly(np.zeros((63, 63), bool))


def test_a_hub_of_eight_equal_links_is_planned_as_by_hand() -> None:
    """Eight links 45 degrees apart with F.699 dishes of 36 wavelengths: 41.2 dB at 45 degrees and beyond 43.8 dB.

    Alone, C/I against all seven is 10 log10 of the sum; no fade is asked for, so equal links all take the same scheme.
    """
    even = _hubs(1, 8, length_km=2.0, atpc_db=0.0).with_columns(azimuth_deg=45.0 * pl.int_range(8))
    rules = HubRules(availability_frac=0.5)  # met without any margin
    plan = hub_plan(even, 20.0, rules, outage=lambda _t, _r: lambda margin_db: np.where(margin_db >= 0.0, 0.0, 1.0))
    ratio = 0.6 * 18.0 / 0.299792458
    near = 20 * np.log10(ratio) + 7.7 - (52.0 - 10 * np.log10(ratio) - 25 * np.log10(45.0))
    floor = 20 * np.log10(ratio) + 7.7 - (10.0 - 10 * np.log10(ratio))
    total_db = -10.0 * np.log10(2 * 10 ** (-near / 10) + 5 * 10 ** (-floor / 10))
    expected = [scheme.name for scheme in MODULATIONS if scheme.needed_db < total_db][-1]
    assert plan.channels["channel_plain"].to_list() == [1] * 8
    assert set(plan.channels["modulation_plain"]) == {expected}
    assert set(plan.channels["modulation_cancelled"]) == {"4096qam"}
    row = plan.capacity.row(0, named=True)
    top = MODULATIONS[-1].bps_per_hz
    assert row["cancelled_mbps"] == pytest.approx(8 * 112.0 * top)
    assert row["gain_ratio"] == pytest.approx(top / MODULATIONS[RANK[expected]].bps_per_hz)
    assert row["interference_removed_frac"] == pytest.approx(0.99)
    assert plan.certificate.gap_frac == 0.0


def test_two_links_in_one_beam_cannot_be_told_apart() -> None:
    pair = _hubs(1, 2, length_km=3.0).with_columns(azimuth_deg=pl.Series([10.0, 10.2]))
    row = hub_plan(pair, 30.0).capacity.row(0, named=True)
    assert (row["n_channels_plain"], row["n_channels_cancelled"], row["gain_ratio"]) == (2, 2, 1.0)
    assert "too close" in row["why_not"]


def test_strangers_are_not_cancelled_and_the_table_says_why() -> None:
    plan = hub_plan(_hubs(20, 5, is_cooperating=False), 20.0)
    assert plan.capacity["gain_ratio"].to_list() == [1.0] * 20
    assert plan.capacity["interference_removed_frac"].drop_nulls().max() == 0.0
    assert set(plan.capacity["why_not"]) <= {"fewer than two links cooperate", "no link holds a modulation so long"}


def test_no_hub_loses_and_the_residual_is_never_zero() -> None:
    for cancellation_db in (0.0, 5.0, 20.0, 60.0):
        capacity = hub_plan(_hubs(60, 6), cancellation_db).capacity
        assert (capacity["gain_ratio"] >= 1.0).all()
        removed = capacity["interference_removed_frac"].drop_nulls()
        assert (removed <= 1.0 - 10.0 ** (-cancellation_db / 10.0) + 1e-12).all()
        assert (removed < 1.0).all()


def test_every_modulation_served_holds_its_availability() -> None:
    rules = HubRules()
    plan = hub_plan(_hubs(80, 8), 15.0, rules)
    both = plan.channels.join(plan.availability, on=["hub_id", "link_id"])
    for suffix in ("plain", "cancelled"):
        served = both.filter(pl.col(f"modulation_{suffix}").is_not_null())
        assert served.height > 0.9 * both.height
        assert served[f"availability_{suffix}_frac"].to_numpy().min() >= rules.availability_frac - 1e-12
        assert (served[f"margin_{suffix}_db"] >= served["design_fade_db"] - 1e-6).all()
        assert (served[f"margin_lost_{suffix}_db"] >= 0.0).all()


def test_residual_interference_eats_fade_margin() -> None:
    """Sharing one channel costs margin beside the width it gains; without co-channel links none is lost."""
    pair = _hubs(1, 2, length_km=6.0).with_columns(azimuth_deg=pl.Series([0.0, 25.0]))
    lost = hub_plan(pair, 15.0)
    assert lost.channels["channel_cancelled"].to_list() == [1, 1]
    assert lost.availability["margin_lost_cancelled_db"].to_numpy().min() > 0.0
    apart = hub_plan(_hubs(1, 1), 15.0)
    assert apart.availability["margin_lost_cancelled_db"].to_list() == [0.0]


def test_rows_in_another_order_give_the_same_plan() -> None:
    links = _hubs(40, 7)
    mixed = links.sample(fraction=1.0, shuffle=True, seed=3)
    first, second = hub_plan(links, 20.0), hub_plan(mixed, 20.0)
    for name in ("channels", "capacity", "availability"):
        assert_frame_equal(getattr(first, name), getattr(second, name), check_exact=True)


def test_a_hub_is_planned_alike_alone_and_among_others() -> None:
    links = _hubs(30, 6)
    alone = hub_plan(links.filter(pl.col("hub_id") == "h0007"), 20.0).channels
    assert_frame_equal(alone, hub_plan(links, 20.0).channels.filter(pl.col("hub_id") == "h0007"), check_exact=True)


def test_turning_the_hub_changes_nothing() -> None:
    links = _hubs(30, 6)
    turned = links.with_columns(azimuth_deg=(pl.col("azimuth_deg") + 123.0) % 360.0)
    columns = ["n_channels_plain", "n_channels_cancelled"]
    assert_frame_equal(hub_plan(links, 20.0).capacity.select(columns), hub_plan(turned, 20.0).capacity.select(columns))


@given(st.floats(0.0, 35.0), st.floats(0.0, 20.0), st.floats(0.0, 10.0))
def test_least_angles_grow_with_modulation_and_fade_and_shrink_with_cancellation(
    fade_db: float, cancellation_db: float, more_db: float
) -> None:
    def angles(fade: float, cancellation: float) -> np.ndarray:
        found = least_angles(36.0, 18.0, fade, cancellation, step_deg=0.5)["least_angle_deg"]
        return np.asarray(found.fill_null(181.0).to_numpy())

    base = angles(fade_db, cancellation_db)
    assert (np.diff(base) >= 0.0).all()
    assert (angles(fade_db + more_db, cancellation_db) >= base).all()
    assert (angles(fade_db, cancellation_db + more_db) <= base).all()


def test_both_polarisations_double_the_rate_where_rain_leaves_discrimination() -> None:
    one = hub_plan(_hubs(1, 1, length_km=1.0, rain_rate_mm_h=0.0), 0.0).channels.row(0, named=True)
    two = hub_plan(_hubs(1, 1, length_km=1.0, rain_rate_mm_h=0.0, polarisation="both"), 0.0).channels.row(0, named=True)
    assert two["rate_plain_mbps"] == pytest.approx(2.0 * one["rate_plain_mbps"])
    assert two["modulation_plain"] == one["modulation_plain"]
    deep = xpd_in_rain_db(np.array([18.0, 18.0]), np.array([10.0, 40.0]))
    assert deep[0] - deep[1] == pytest.approx(12.8 * 18.0**0.19 * np.log10(4.0))


def test_a_vendors_pattern_takes_the_place_of_the_envelope() -> None:
    links = _hubs(40, 8)
    perfect = folded_pattern("clean", 18.0, 38.8, [0.0, 2.0, 180.0], [0.0, 90.0, 90.0])
    plain = hub_plan(links, 0.0).capacity["plain_mbps"]
    clean = hub_plan(links.with_columns(pattern_id=pl.lit("clean")), 0.0, patterns={"clean": perfect}).capacity
    assert (clean["plain_mbps"] >= plain).all()
    assert clean["plain_mbps"].sum() > plain.sum()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.with_columns(length_km=pl.lit(-1.0)), "-1.0"),
        (lambda t: t.with_columns(azimuth_deg=pl.lit(float("nan"))), "NaN|nan"),
        (lambda t: t.with_columns(link_id=pl.lit("l")), "name each link once"),
        (lambda t: t.with_columns(polarisation=pl.lit("circular")), "circular"),
        (lambda t: t.with_columns(pattern_id=pl.lit("none")), "none"),
        (lambda t: t.with_columns(frequency_ghz=pl.lit(120.0)), "F.699"),
        (lambda t: t.with_columns(frequency_ghz=18.0 + pl.int_range(pl.len())), "mixes frequencies"),
        (lambda t: t.drop("azimuth_deg"), "azimuth_deg"),
        (lambda t: t.with_columns(colour=pl.lit(1)), "unknown"),
        (lambda t: t.clear(), "no links"),
    ],
)
def test_bad_links_are_refused_with_a_cure(change: Callable[[pl.DataFrame], pl.DataFrame], said: str) -> None:
    with pytest.raises(InputError, match=said):
        hub_plan(change(_hubs(1, 3)), 20.0)


@pytest.mark.parametrize("cancellation_db", [-1.0, 100.0, float("nan"), float("inf")])
def test_no_canceller_is_perfect(cancellation_db: float) -> None:
    with pytest.raises(InputError, match="cancellation"):
        hub_plan(_hubs(1, 3), cancellation_db)


def test_the_three_claims_never_hold_together_exactly() -> None:
    found = hub_claims(_hubs(60, 6))
    assert found["all_hold_frac"].max() == 0.0
    assert found["least_residual_frac"].to_numpy().min() > 0.0
    low = found.filter(pl.col("load_ratio") <= 1.0)
    assert low["capacity_holds_frac"].max() == 0.0


def test_claims_follow_their_baseline() -> None:
    """Cautious baselines leave more to gain; at equal spectrum doubling is never more frequent than +50 %."""
    names = [Baseline(angle).name for angle in (None, 60.0, 90.0)]
    found = hub_claims(_hubs(80, 6), baselines=[Baseline(), Baseline(60.0), Baseline(90.0)], cancellations_db=[20.0])
    gain = [
        found.filter((pl.col("baseline") == name) & (pl.col("antenna_ratio") == 1.0))["median_efficiency_gain_ratio"][0]
        for name in names
    ]
    assert gain == sorted(gain)
    assert (found["capacity_holds_frac"] <= found["efficiency_holds_frac"]).all()
    assert (found["all_rounded_hold_frac"] >= found["all_hold_frac"]).all()
    with pytest.raises(InputError, match="load"):
        hub_claims(_hubs(2, 3), loads_ratio=[0.0])


def test_a_catalogues_modulations_take_the_place_of_the_formulas() -> None:
    two = HubRules(modulations=(MODULATIONS[0], MODULATIONS[4]))
    used = set(hub_plan(_hubs(20, 5), 20.0, two).channels["modulation_cancelled"].drop_nulls())
    assert used <= {"qpsk", "128qam"}
    with pytest.raises(InputError, match="do not rise"):
        hub_plan(_hubs(1, 3), 20.0, HubRules(modulations=(MODULATIONS[4], MODULATIONS[0])))


@pytest.mark.parametrize(
    ("column", "value", "what"),
    [
        ("length_km", 5000.0, "at most 240"),
        ("power_dbm", 400.0, "dBm of one link"),
        ("height_m", 1e5, "above sea level"),
        ("diameter_m", 60.0, "give metres"),
        ("is_cooperating", "no", "no truth values"),
    ],
)
def test_a_link_in_another_unit_is_refused(column: str, value: object, what: str) -> None:
    with pytest.raises(InputError, match=what):
        hub_plan(_hubs(1, 8).with_columns(pl.lit(value).alias(column)), 15.0)


@pytest.mark.parametrize("name", ["off_axis_xpd_db", "xpic_db", "quiet_db", "gradient_n_per_km"])
def test_a_rule_that_is_no_number_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="gradient" if name == "gradient_n_per_km" else name):
        hub_plan(_hubs(1, 8, polarisation="both"), 15.0, replace(HubRules(), **{name: float("nan")}))  # type: ignore[arg-type]


def test_any_table_of_links_will_do_and_what_is_none_is_refused() -> None:
    links = _hubs(1, 8)
    plan = hub_plan(links, 15.0)
    tables: list[Any] = [links.to_pandas(), links.to_dicts(), links.to_dict(as_series=False)]
    for table in tables:
        assert_frame_equal(hub_plan(table, 15.0).channels, plan.channels)
    nothing: list[Any] = [3, "hub"]
    for table in nothing:
        with pytest.raises(InputError):
            hub_plan(table, 15.0)
    assert colour_exactly(np.ones((3, 3))).n_colours == 3  # type: ignore[arg-type]  # counts as true


def test_angles_in_steps_of_nothing_are_refused() -> None:
    with pytest.raises(InputError, match="above 0"):
        least_angles(36.0, 18.0, 30.0, step_deg=0.0)
    with pytest.raises(InputError, match="finite"):
        least_angles(36.0, 18.0, float("nan"))
