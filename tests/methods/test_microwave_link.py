"""A hop over terrain: profile, clearance, every term, the drawing; and relays where the direct path fails."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import numpy as np
import polars as pl
import pytest

from rahdari.errors import InputError
from rahdari.methods.geo import great_circle_km
from rahdari.methods.microwave import Radio
from rahdari.methods.microwave_link import Antenna, Climate, link_budget
from rahdari.methods.microwave_relay import (
    ELLIPSE_RATIO,
    LEAST_RATIO,
    RelayPlan,
    margin_bound_db,
    relay_candidates,
    relay_search,
    ridge_cells,
)
from rahdari.methods.microwave_terms import budget_terms, term
from rahdari.methods.network import network_of_links
from rahdari.methods.profile_drawing import profile_svg, profile_text
from rahdari.methods.raster import Raster

if TYPE_CHECKING:
    from pathlib import Path

    from rahdari.methods.microwave_link import LinkBudget

DISH = Antenna("dish", 1.8, 0.55, 30.0)
STEP_DEG = 1.0 / 1200.0
SIZE = 240


def radio() -> Radio:
    carrier = np.array([5.0, 18.0, 30.0])
    return Radio(
        radio_id="test",
        frequency_ghz=7.5,
        channel_mhz=28.0,
        mode=("QPSK", "64-QAM", "1024-QAM"),
        tx_power_dbm=np.array([30.0, 28.0, 25.0]),
        threshold_dbm=carrier - 94.0,
        carrier_to_noise_db=carrier,
        capacity_mbps=np.array([42.0, 140.0, 238.0]),
        signature_ghz_per_ns=np.array([1e-4, 5e-4, 1.2e-3]),
    )


def ground(height_m: float = 100.0) -> Raster:
    value = np.full((SIZE, SIZE), height_m, np.float32)
    return Raster(value, 70.0, 30.2, STEP_DEG, STEP_DEG, is_coarse=False, source="a made plain")


def walled() -> Raster:
    """A plain cut by a ridge of 900 m from north to south, with a saddle and a summit on it."""
    raster = ground()
    value = raster.value.copy()
    columns = np.arange(SIZE)
    wall = 900.0 * np.exp(-(((columns - 120) / 6.0) ** 2))
    shape = 1.0 + 0.15 * np.sin(np.arange(SIZE) / 17.0)
    value += (shape[:, None] * wall[None, :]).astype(np.float32)
    return Raster(value, 70.0, 30.2, STEP_DEG, STEP_DEG, is_coarse=False, source="a made ridge")


A, B = (70.03, 30.10, 30.0), (70.17, 30.11, 30.0)


@pytest.fixture(scope="module")
def clear() -> LinkBudget:
    return link_budget(ground(), A, B, radio(), DISH)


@pytest.fixture(scope="module")
def plan() -> RelayPlan:
    return relay_search(walled(), A, B, radio(), DISH, mode="64-QAM", n_candidates=60)


def test_every_term_has_a_value_a_unit_and_a_clause(clear: LinkBudget) -> None:
    assert clear.terms.columns == ["term", "mode", "value", "unit", "clause"]
    assert clear.terms.null_count().row(0) == (0, 0, 0, 0, 0)
    assert clear.terms["value"].is_finite().all()
    assert clear.terms.filter(clear.terms["unit"] == "").is_empty()
    assert clear.terms.filter(clear.terms["clause"] == "").is_empty()
    assert clear.terms.select("term", "mode").is_unique().all()


def test_the_terms_add_up_to_the_level_and_the_margin(clear: LinkBudget) -> None:
    terms = clear.terms
    gains = term(terms, "antenna gain a") + term(terms, "antenna gain b")
    names = ("free-space loss", "absorption by oxygen", "absorption by water vapour", "diffraction loss at k = 4/3")
    losses = sum(term(terms, name) for name in (*names, "feeders and radomes, both ends"))
    for mode in radio().mode:
        level = term(terms, "transmit power", mode) + gains - losses
        assert term(terms, "received level", mode) == pytest.approx(level, abs=1e-9)
        margin = level - term(terms, "receiver threshold", mode)
        assert term(terms, "fade margin", mode) == pytest.approx(margin, abs=1e-9)
        up = term(terms, "availability, year", mode)
        assert up == pytest.approx(1.0 - term(terms, "outage, year", mode), abs=1e-15)


def test_a_plain_is_clear_and_its_profile_level(clear: LinkBudget) -> None:
    assert clear.ground_m == pytest.approx(np.full(clear.ground_m.size, 100.0))
    assert clear.antenna_height_m == pytest.approx((130.0, 130.0))
    assert float(clear.distance_km[-1]) == pytest.approx(float(great_circle_km(*A[:2], *B[:2])), rel=4e-3)
    assert clear.median is not None
    length = float(clear.distance_km[-1])
    assert float(clear.median.at_km[0]) == pytest.approx(0.5 * length, rel=0.02)


def test_clutter_takes_its_height_from_the_clearance(clear: LinkBudget) -> None:
    wooded = link_budget(ground(), A, B, radio(), DISH, clutter=15.0)
    assert wooded.median is not None
    assert clear.median is not None
    assert float(wooded.median.clearance_m[0]) == pytest.approx(float(clear.median.clearance_m[0]) - 15.0, abs=0.01)
    trees = Raster(np.full((SIZE, SIZE), 15.0, np.float32), 70.0, 30.2, STEP_DEG, STEP_DEG, is_coarse=False, source="w")
    same = link_budget(ground(), A, B, radio(), DISH, clutter=trees)
    np.testing.assert_allclose(same.top_m, wooded.top_m)


def test_the_budget_is_the_same_from_the_other_end(clear: LinkBudget) -> None:
    back = link_budget(ground(), B, A, radio(), DISH)
    np.testing.assert_allclose(back.budgets.modes.year_frac, clear.budgets.modes.year_frac, rtol=1e-9)


def test_a_ridge_breaks_the_path_and_a_warmer_climate_the_margin() -> None:
    blocked = link_budget(walled(), A, B, radio(), DISH)
    assert not blocked.is_clear
    assert (blocked.budgets.modes.year_frac == 1.0).all()
    humid = link_budget(ground(), A, B, radio(), DISH, climate=Climate(gradient_n_per_km=-700.0, rain_rate_mm_h=90.0))
    usual = link_budget(ground(), A, B, radio(), DISH)
    assert (humid.budgets.modes.month_frac >= usual.budgets.modes.month_frac).all()


def test_a_network_gives_places_but_no_terrain() -> None:
    nodes = pl.DataFrame({"row_node_id": ["x", "y"], "lon_deg": [A[0], B[0]], "lat_deg": [A[1], B[1]]})
    links = pl.DataFrame({"link_id": ["l"], "from_node_id": ["x"], "to_node_id": ["y"], "length_km": [13.5]})
    named = link_budget(network_of_links(links, nodes), "x", "y", radio(), DISH)
    bare = link_budget(None, A, B, radio(), DISH)
    np.testing.assert_array_equal(named.budgets.modes.year_frac, bare.budgets.modes.year_frac)
    assert bare.is_coarse
    assert not bare.is_clear
    assert bare.distance_km.size == 0
    assert bare.terms.filter(pl.col("term").str.starts_with("worst clearance")).is_empty()
    with pytest.raises(InputError, match="no profile"):
        profile_svg(bare)
    with pytest.raises(InputError, match="no coordinates"):
        link_budget(network_of_links(links), "x", "y", radio(), DISH)


def test_bad_ends_are_refused_together_with_their_cures() -> None:
    with pytest.raises(InputError) as caught:
        link_budget(ground(), (700_300.0, 30.1, 30.0), (70.17, 30.11, 1_540.0), radio(), DISH)
    text = str(caught.value)
    assert "not metres" in text
    assert "above ground (not sea level)" in text
    with pytest.raises(InputError, match="one point"):
        link_budget(ground(), A, (*A[:2], 50.0), radio(), DISH)
    with pytest.raises(InputError, match="reach"):
        link_budget(ground(), (10.0, 10.0, 30.0), (10.1, 10.0, 30.0), radio(), DISH)
    with pytest.raises(InputError, match="no network"):
        link_budget(ground(), "tower", B, radio(), DISH)
    with pytest.raises(InputError, match="frequency_ghz"):
        link_budget(ground(), A, B, radio(), DISH, frequency_ghz=7_500.0)


def test_a_term_or_hop_that_is_not_there_is_refused(clear: LinkBudget) -> None:
    with pytest.raises(InputError, match="no hop"):
        budget_terms(clear.budgets, 3)
    with pytest.raises(InputError, match="no term"):
        term(clear.terms, "luck")


# Drawing --------------------------------------------------------------------------------------------------------------


def points_of(svg: str, tag: str, at: int) -> np.ndarray:
    found = ET.fromstring(svg).findall(f"{{http://www.w3.org/2000/svg}}{tag}")[at]  # noqa: S314  # our own text
    return np.array([[float(value) for value in pair.split(",")] for pair in found.attrib["points"].split()])


def test_the_drawing_is_valid_and_says_what_it_shows(clear: LinkBudget) -> None:
    svg = profile_svg(clear, name_a="Kot <Addu>", name_b="Layyah & Bhakkar")
    root = ET.fromstring(svg)  # noqa: S314  # our own text
    words = "".join(root.itertext())
    assert "Kot <Addu>" in words
    assert "Layyah & Bhakkar" in words
    assert "7.5 GHz" in words
    assert svg == profile_svg(clear, name_a="Kot <Addu>", name_b="Layyah & Bhakkar")
    assert re.search(r"\bnan\b|\binf\b", svg) is None


def test_the_drawn_sight_is_straight_and_the_ground_bulges_under_it(clear: LinkBudget) -> None:
    svg = profile_svg(clear)
    low, sight = points_of(svg, "polyline", 0), points_of(svg, "polyline", 1)
    slope = np.diff(sight[:, 1]) / np.diff(sight[:, 0])
    assert np.abs(slope).max() < 0.05
    middle = low.shape[0] // 2
    assert low[middle, 1] < low[0, 1]
    assert low[middle, 1] > sight[middle, 1]


def test_a_long_profile_is_thinned_without_losing_its_peak() -> None:
    raster = ground()
    value = raster.value.copy()
    value[:, 150] = 125.0
    spiky = Raster(value, 70.0, 30.2, STEP_DEG, STEP_DEG, is_coarse=False, source="a made spike")
    budget = link_budget(spiky, A, B, radio(), DISH, step_m=5.0)
    assert budget.distance_km.size > 2000
    svg = profile_svg(budget)
    assert points_of(svg, "polyline", 0).shape[0] <= 800
    top = points_of(svg, "polyline", 0)[:, 1].min()
    assert top < points_of(profile_svg(link_budget(ground(), A, B, radio(), DISH)), "polyline", 0)[:, 1].max()


def test_the_text_shows_ground_sight_and_what_stands_in_it(clear: LinkBudget) -> None:
    free, cut = profile_text(clear), profile_text(link_budget(walled(), A, B, radio(), DISH))
    assert "X" not in free
    assert "-" in free
    assert "X" in cut
    rows = free.splitlines()
    assert max(len(row) for row in rows[:-1]) <= 90
    assert sum("#" in row for row in cut.splitlines()[:-2]) >= 12


# Relays ---------------------------------------------------------------------------------------------------------------


def test_summits_are_ridge_cells_and_slopes_are_not() -> None:
    rows, columns = np.mgrid[0:41, 0:41]
    hill = np.exp(-(((rows - 20) / 9.0) ** 2 + ((columns - 17) / 9.0) ** 2)).astype(np.float32)
    found = ridge_cells(hill)
    assert found[20, 17]
    assert not found[25, 25]


def test_candidates_lie_in_the_ellipse_and_are_as_few_as_asked() -> None:
    from rahdari.methods.microwave_link import End

    found = relay_candidates(walled(), End(*A), End(*B), n_max=25)
    assert 8 <= found.lon_deg.size <= 25
    way = sum(great_circle_km(found.lon_deg, found.lat_deg, end[0], end[1]) for end in (A, B))
    assert (way <= ELLIPSE_RATIO * float(great_circle_km(*A[:2], *B[:2]))).all()


def test_a_relay_on_the_ridge_mends_what_the_ridge_breaks(plan: RelayPlan) -> None:
    assert float(plan.direct.budgets.modes.year_frac[0, 1]) == 1.0
    assert plan.one is not None
    assert plan.one.outage_year_frac < 1e-3
    assert abs(plan.one.relays[0].lon_deg - (70.0 + 120.5 * STEP_DEG)) < 4 * STEP_DEG
    for chain in (plan.one, plan.two):
        assert chain is not None
        assert chain.margin_db <= chain.margin_bound_db
        for hop in chain.hops:
            assert hop.median is not None
            assert float(hop.median.ratio[0]) >= LEAST_RATIO
        points = [hop.a for hop in chain.hops] + [chain.hops[-1].b]
        assert points[0] == A
        assert points[-1] == B
        assert [(hop.a, hop.b) for hop in chain.hops] == list(pairwise(points))


def test_no_single_relay_of_the_candidates_beats_the_one_chosen(plan: RelayPlan) -> None:
    from rahdari.methods.microwave_link import End

    assert plan.one is not None
    raster = walled()
    best = plan.one.outage_year_frac
    places = relay_candidates(raster, End(*A), End(*B), n_max=60)
    assert places.lon_deg.size == plan.n_candidates
    for lon, lat in zip(places.lon_deg.tolist(), places.lat_deg.tolist(), strict=True):
        middle = (lon, lat, 30.0)
        hops = [
            link_budget(raster, *ends, radio(), DISH, step_m=raster.spacing_m) for ends in ((A, middle), (middle, B))
        ]
        if all(hop.median is not None and float(hop.median.ratio[0]) >= LEAST_RATIO for hop in hops):
            assert sum(float(hop.budgets.modes.year_frac[0, 1]) for hop in hops) >= best - 2e-9


def test_the_bound_falls_by_six_decibels_where_hops_are_twice_as_long() -> None:
    bounds = [margin_bound_db(40.0, n, radio(), DISH, 0) for n in (0, 1, 3)]
    np.testing.assert_allclose(np.diff(bounds), 20.0 * np.log10(2.0))


def test_a_search_that_cannot_be_made_is_refused() -> None:
    with pytest.raises(InputError, match="no mode"):
        relay_search(walled(), A, B, radio(), DISH, mode="8-PSK")
    with pytest.raises(InputError, match="nothing to search"):
        relay_search(walled(), A, B, radio(), DISH, n_candidates=0)


def test_a_path_of_the_karakoram_finds_its_relay(shared_folder: Path) -> None:
    """Askole side to Concordia side: real SRTM, no direct sight, relays in sight of each other."""
    path = shared_folder / "validation" / "terrain" / "baltoro_k2_srtm3_wgs84_clip.tif"
    if not path.is_file():
        pytest.skip("the terrain clip is not beside the checkout")
    rasterio = pytest.importorskip("rasterio")
    with rasterio.open(path) as file:
        value, place = file.read(1).astype(np.float32), file.transform
    raster = Raster(value, place.c, place.f, place.a, -place.e, is_coarse=False, source=path.name)
    found = relay_search(raster, (76.10, 35.70, 30.0), (76.50, 35.75, 30.0), radio(), DISH)
    assert float(found.direct.budgets.modes.year_frac[0, 0]) == 1.0
    assert found.one is not None
    assert found.one.outage_year_frac < 1e-3
    assert found.two is not None
    assert found.two.margin_db > found.one.margin_db
