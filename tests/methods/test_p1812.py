"""P.1812 against the CG-3M reference results, against the Recommendation read straight, and its laws."""

from __future__ import annotations

import csv
import inspect
import math
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rahdari.errors import InputError
from rahdari.kernels import diffraction, p1812, p1812_cuda
from rahdari.methods.p1812 import P1812_SYMBOLS, bullington_loss_db, p1812_loss_db, p1812_terms
from rahdari.methods.p1812_input import DEFAULTS, centre_latitude_deg
from tests.verifiers import p1812 as straight

ROOT = Path(__file__).parents[2]
#: Line of a reference log -> our term; the log's Bullington and spherical losses are those of the ducting Earth.
LOGGED = {
    ("d (km)", ""): "path_km",
    ("dlt (km)", "Eq (78)"): "tx_horizon_km",
    ("dlr (km)", "Eq (81a)"): "rx_horizon_km",
    ("th_t (mrad)", "Eqs (76-78)"): "tx_horizon_mrad",
    ("th_r (mrad)", "Eqs (79-81)"): "rx_horizon_mrad",
    ("th (mrad)", "Eq (82)"): "angle_mrad",
    ("hts (m)", ""): "tx_asl_m",
    ("hrs (m)", ""): "rx_asl_m",
    ("w", "Table 5"): "sea_frac",
    ("dtm (km)", "Sec 3.6"): "land_km",
    ("dlm (km)", "Sec 3.6"): "inland_km",
    ("phi (deg)", "Eq (4)"): "latitude_deg",
    ("b0 (%)", "Eq (5)"): "ducting_pct",
    ("ae (km)", "Eq (7a)"): "radius_km",
    ("hst (m)", "Eq (85)"): "smooth_tx_asl_m",
    ("hsr (m)", "Eq (86)"): "smooth_rx_asl_m",
    ("hstd (m)", "Eq (89)"): "diffraction_tx_asl_m",
    ("hsrd (m)", "Eq (89)"): "diffraction_rx_asl_m",
    ("hte (m)", "Eq (92a)"): "duct_tx_m",
    ("hre (m)", "Eq (92b)"): "duct_rx_m",
    ("hm (m)", "Eq (93)"): "roughness_m",
    ("Fi", "Eq (40)"): "time_factor",
    ("Fj", "Eq (57)"): "angle_factor",
    ("Fk", "Eq (58)"): "distance_factor",
    ("Lbfs", "Eq (8)"): "free_space_db",
    ("Lb0p", "Eq (10)"): "sight_db",
    ("Lb0b", "Eq (11)"): "sight_ducting_db",
    ("Lbulla (dB)", "Eq (21)"): "bullington_ducting_db",
    ("Lbulls (dB)", "Eq (21)"): "smooth_bullington_ducting_db",
    ("Ldsph (dB)", "Eq (27)"): "spherical_ducting_db",
    ("Ld50 (dB)", "Eq (39)"): "diffraction_50_db",
    ("Ldb (dB)", "Eq (39)"): "diffraction_ducting_db",
    ("Ldp (dB)", "Eq (41)"): "diffraction_db",
    ("Lbd50 (dB)", "Eq (42)"): "basic_diffraction_50_db",
    ("Lminb0p (dB)", "Eq (59)"): "least_sight_db",
    ("Lba (dB)", "Eq (46)"): "ducting_db",
    ("Lminbap (dB)", "Eq (60)"): "least_ducting_db",
    ("Lbda (dB)", "Eq (61)"): "diffraction_or_ducting_db",
    ("Lbam (dB)", "Eq (62)"): "all_but_scatter_db",
    ("Lbs (dB)", "Eq (44)"): "troposcatter_db",
    ("Lbc (dB)", "Eq (63)"): "median_location_db",
    ("Lb (dB)", "Eq (69)"): "loss_db",
    ("Ep (dBuV/m)", "Eq (70)"): "field_1kw_dbuv_m",
}
DATA_COLUMNS = (0, 1, 3, 4)  # distance, height, cover height, zone
TIME_COLUMN = 14


@dataclass(frozen=True, slots=True)
class Case:
    """One line of measurements of a reference profile and its log."""

    name: str
    profile: np.ndarray
    header: dict[str, str]
    measured: list[str]
    log: dict[tuple[str, str], float]

    def terms(self, **more: object) -> dict[str, float]:
        distance_km, height_m, cover_m, zone = self.profile
        given: dict[str, object] = {
            "clutter_height_m": cover_m,
            "zone": zone.astype(int),
            "time_pct": float(self.measured[TIME_COLUMN]),
            "delta_n": float(self.header["Average annual values dN (N-units/km):"]),
            "n0": float(self.header["Average annual sea-level surface refractivity No (N-units):"]),
            "polarisation": ("horizontal", "vertical")[int(self.measured[4]) - 1],
            "tx_lonlat_deg": (float(self.header["Tx LON:"]), float(self.header["Tx LAT:"])),
            "rx_lonlat_deg": (float(self.header["Rx LON:"]), float(self.header["Rx LAT:"])),
        }
        frequency_ghz, tx_m, rx_m = float(self.measured[0]) / 1000.0, float(self.measured[1]), float(self.measured[3])
        return p1812_terms(distance_km, height_m, frequency_ghz, tx_m, rx_m, **given | more)  # type: ignore[arg-type,return-value]


def _reference(folder: Path) -> list[Case]:
    cases = []
    for path in sorted((folder / "profiles").glob("*.csv")):
        lines = [line.split(",") for line in path.read_text(encoding="latin-1").splitlines()]
        header = {line[0]: line[1] for line in lines if len(line) > 1}
        first = next(i for i, line in enumerate(lines) if line[0] == "Number of Points:") + 1
        rows = lines[first : first + int(lines[first - 1][1])]
        profile = np.array([[float(row[k]) for row in rows] for k in DATA_COLUMNS])
        begin = next(i for i, line in enumerate(lines) if line[0] == "{Begin of Measurements}") + 1
        end = next(i for i, line in enumerate(lines) if line[0] == "{End of Measurements}")
        for k, measured in enumerate(lines[begin:end]):
            text = (folder / "results" / f"{path.stem}_{k}_log.csv").read_text(encoding="latin-1")
            entries = [row for row in csv.reader(text.splitlines()) if len(row) > 3 and row[3] not in {"", "Value"}]
            log = {(row[0].strip(), row[1]): float(row[3]) for row in entries}
            cases.append(Case(f"{path.stem} {k}", profile, header, measured, log))
    return cases


@pytest.fixture(scope="module")
def reference(shared_folder: Path) -> list[Case]:
    folder = shared_folder / "validation" / "radio" / "p1812"
    if not folder.is_dir():
        pytest.skip("the CG-3M profiles are absent")
    return _reference(folder)


@pytest.mark.shared
def test_the_loss_equals_every_reference_result(reference: list[Case]) -> None:
    assert len(reference) >= 33
    far = {case.name: case.terms()["loss_db"] - case.log["Lb (dB)", "Eq (69)"] for case in reference}
    assert {name: gap for name, gap in far.items() if abs(gap) > 1e-6} == {}  # the logs hold ten digits


@pytest.mark.shared
def test_every_intermediate_equals_the_reference_logs(reference: list[Case]) -> None:
    far = []
    for case in reference:
        terms = case.terms()
        for key, name in LOGGED.items():
            if not math.isclose(terms[name], case.log[key], rel_tol=1e-7, abs_tol=2e-7):
                far.append((case.name, name, terms[name], case.log[key]))
        # The logs print Lbd after writing Lbda over it, so that eq. 43 is checked by its summands.
        summed = case.log["Lb0p", "Eq (10)"] + case.log["Ldp (dB)", "Eq (41)"]
        assert terms["basic_diffraction_db"] == pytest.approx(summed, abs=1e-6)
    assert far == []


@pytest.mark.shared
def test_a_coast_taken_from_the_zones_gives_what_the_references_got_without(reference: list[Case]) -> None:
    for case in reference:
        given = case.terms(tx_coast_km=500.0, rx_coast_km=500.0)["loss_db"]
        assert case.terms()["loss_db"] == pytest.approx(given, abs=1e-6)


@dataclass(frozen=True, slots=True)
class MadePath:
    """A made path: profile, zones, frequency, antennas."""

    distance_km: np.ndarray
    height_m: np.ndarray
    zone: np.ndarray
    cover_m: np.ndarray
    frequency_ghz: float
    tx_m: float
    rx_m: float

    @property
    def args(self) -> tuple[np.ndarray, np.ndarray, float, float, float]:
        return self.distance_km, self.height_m, self.frequency_ghz, self.tx_m, self.rx_m


@st.composite
def paths(draw: st.DrawFn) -> MadePath:
    n = draw(st.integers(3, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    length_km = 10.0 ** draw(st.floats(-0.6, 3.0))
    steps = rng.uniform(0.2, 1.0, n - 1) if draw(st.booleans()) else np.ones(n - 1)
    distance_km = np.concatenate([[0.0], np.cumsum(steps)]) * (length_km / steps.sum())
    relief_m = draw(st.sampled_from([0.0, 0.1, 5.0, 80.0, 1500.0]))
    height_m = np.clip(rng.normal(size=n).cumsum() * relief_m, -400.0, 8000.0)
    zone = np.repeat(rng.choice([1, 3, 4], n), rng.integers(1, 12, n))[:n].astype(np.int32)
    cover_m = rng.choice([0.0, 10.0, 20.0], n)
    frequency_ghz = 10.0 ** draw(st.floats(-1.5228, 0.7781))
    tx_m, rx_m = 10.0 ** draw(st.floats(0.0, 3.4771)), 10.0 ** draw(st.floats(0.0, 3.4771))
    frequency_ghz = min(max(frequency_ghz, 0.03), 6.0)
    return MadePath(distance_km, height_m, zone, cover_m, frequency_ghz, min(tx_m, 3000.0), min(rx_m, 3000.0))


TIMES = st.floats(1.0, 50.0)


@given(paths(), TIMES, st.floats(-80.0, 80.0), st.sampled_from(["horizontal", "vertical"]), st.floats(20.0, 100.0))
@settings(max_examples=300)
def test_the_loss_equals_the_recommendation_read_straight(
    path: MadePath, time_pct: float, latitude_deg: float, polarisation: str, delta_n: float
) -> None:
    ours = p1812_loss_db(
        *path.args,
        clutter_height_m=path.cover_m,
        zone=path.zone,
        time_pct=time_pct,
        delta_n=delta_n,
        polarisation=polarisation,
        tx_lonlat_deg=(70.0, latitude_deg),
        rx_lonlat_deg=(70.0, latitude_deg),
    )
    theirs = straight.loss_db(
        path.distance_km,
        path.height_m,
        path.cover_m,
        path.zone,
        path.frequency_ghz,
        path.tx_m,
        path.rx_m,
        p=time_pct,
        latitude=latitude_deg,
        is_vertical=polarisation == "vertical",
        delta_n=delta_n,
    )
    assert ours == pytest.approx(theirs, abs=1e-5)


@given(paths(), TIMES, TIMES)
def test_loss_never_falls_with_the_share_of_time(path: MadePath, one_pct: float, other_pct: float) -> None:
    low, high = sorted((one_pct, other_pct))
    losses = [p1812_loss_db(*path.args, zone=path.zone, time_pct=pct) for pct in (low, high)]
    assert losses[1] >= losses[0] - 1e-9


@given(paths(), st.floats(1.0, 99.0), st.floats(1.0, 99.0))
def test_loss_never_falls_with_the_share_of_locations(path: MadePath, one_pct: float, other_pct: float) -> None:
    low, high = sorted((one_pct, other_pct))
    losses = [p1812_loss_db(*path.args, zone=path.zone, location_pct=pct) for pct in (low, high)]
    assert losses[1] >= losses[0] - 1e-9


@given(paths(), TIMES)
def test_loss_is_the_same_both_ways(path: MadePath, time_pct: float) -> None:
    there = p1812_loss_db(*path.args, zone=path.zone, clutter_height_m=path.cover_m, time_pct=time_pct)
    back = p1812_loss_db(
        path.distance_km[-1] - path.distance_km[::-1],
        path.height_m[::-1],
        path.frequency_ghz,
        path.rx_m,
        path.tx_m,
        zone=path.zone[::-1],
        clutter_height_m=path.cover_m[::-1],
        time_pct=time_pct,
    )
    assert back == pytest.approx(there, abs=1e-6)


@given(paths(), TIMES)
def test_loss_is_never_below_that_of_sight_with_focusing(path: MadePath, time_pct: float) -> None:
    terms = p1812_terms(*path.args, zone=path.zone, time_pct=time_pct, location_pct=1.0)
    assert all(np.isfinite(list(terms.values())))
    assert terms["loss_db"] >= terms["sight_db"]
    assert terms["sight_db"] <= terms["free_space_db"]


@given(paths(), st.data())
def test_cover_anywhere_never_lowers_the_loss(path: MadePath, data: st.DataObject) -> None:
    more_m = path.cover_m.copy()
    more_m[data.draw(st.integers(0, more_m.size - 1))] += data.draw(st.floats(0.0, 60.0))
    before = p1812_loss_db(*path.args, clutter_height_m=path.cover_m)
    assert p1812_loss_db(*path.args, clutter_height_m=more_m) >= before - 1e-9


@given(paths(), st.data())
def test_a_raised_obstacle_never_lowers_bullingtons_loss(path: MadePath, data: st.DataObject) -> None:
    higher_m = path.height_m.copy()
    higher_m[data.draw(st.integers(1, higher_m.size - 2))] += data.draw(st.floats(0.0, 500.0))
    raised = bullington_loss_db(path.distance_km, higher_m, *path.args[2:])
    assert raised >= bullington_loss_db(*path.args) - 1e-9


@given(paths(), st.floats(0.0, 500.0))
def test_a_raised_antenna_never_raises_bullingtons_loss(path: MadePath, more_m: float) -> None:
    tx_m = min(path.tx_m + more_m, 3000.0)
    raised = bullington_loss_db(path.distance_km, path.height_m, path.frequency_ghz, tx_m, path.rx_m)
    assert raised <= bullington_loss_db(*path.args) + 1e-9


def test_bullingtons_loss_equals_an_edge_by_hand() -> None:
    """An edge 71.47 m over the line at half way of 10 km, 900 MHz: nu 3.5026, J 23.74 dB."""
    distance_km, height_m = np.array([0.0, 5.0, 10.0]), np.array([0.0, 100.0, 0.0])
    nu = (70.0 + 500.0 * 25.0 / 8500.0) * math.sqrt(0.002 * 10.0 / (0.2998 / 0.9 * 25.0))
    edge_db = 6.9 + 20.0 * math.log10(math.sqrt((nu - 0.1) ** 2 + 1.0) + nu - 0.1)
    expected = edge_db + (1.0 - math.exp(-edge_db / 6.0)) * 10.2
    assert bullington_loss_db(distance_km, height_m, 0.9, 30.0, 30.0) == pytest.approx(expected, abs=1e-9)


def test_an_obstacle_that_just_touches_the_line_is_no_jump() -> None:
    distance_km = np.linspace(0.0, 10.0, 5)
    on_line = [
        bullington_loss_db(
            distance_km, np.array([0.0, 0.0, 20.0 + gap, 0.0, 0.0]), 0.9, 20.0, 20.0, effective_radius_km=1e12
        )
        for gap in (-1e-7, 0.0, 1e-7)
    ]
    assert max(on_line) - min(on_line) < 1e-6
    assert on_line[1] == pytest.approx(6.03 + (1.0 - math.exp(-6.03 / 6.0)) * 10.2, abs=0.02)


@given(
    st.integers(3, 80), st.floats(0.25, 3000.0), st.floats(1.0, 8000.0), st.floats(1.0, 8000.0), st.floats(0.05, 10.0)
)
def test_the_smooth_path_found_by_halving_is_that_of_every_point(
    n: int, path_km: float, tx_m: float, rx_m: float, wave_m: float
) -> None:
    distance_km = np.linspace(0.0, path_km, n)
    for radius_km in (8930.8, 19113.0):
        found = diffraction.smooth_bullington_db(distance_km, tx_m, rx_m, radius_km, wave_m)
        uniform = diffraction.smooth_bullington_uniform_db(path_km / (n - 1), n - 1, tx_m, rx_m, radius_km, wave_m)
        walked = straight.bullington(distance_km, np.zeros(n), tx_m, rx_m, radius_km, 0.2998 / wave_m)
        assert found == pytest.approx(walked, abs=1e-6)
        assert uniform == pytest.approx(walked, abs=1e-6)


def _hills(n_paths: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    rng = np.random.default_rng(7)
    sizes = rng.integers(3, 90, n_paths)
    distance_km = [np.linspace(0.0, rng.uniform(1.0, 80.0), size) for size in sizes]
    return distance_km, [np.abs(rng.normal(size=size).cumsum()) * 30.0 for size in sizes]


def test_many_paths_at_once_equal_each_alone_in_any_order_with_any_workers() -> None:
    distance_km, height_m = _hills(700)
    rx_m = np.linspace(1.0, 200.0, 700)
    alone = [p1812_loss_db(d, h, 1.8, 30.0, rx) for d, h, rx in zip(distance_km, height_m, rx_m, strict=True)]
    once = p1812_loss_db(distance_km, height_m, 1.8, 30.0, rx_m)
    by_three = p1812_loss_db(distance_km, height_m, 1.8, 30.0, rx_m, n_workers=3)
    turned = p1812_loss_db(distance_km[::-1], height_m[::-1], 1.8, 30.0, rx_m[::-1])
    assert once.tolist() == alone == by_three.tolist() == turned[::-1].tolist()


def test_the_terms_of_many_paths_hold_the_loss_and_stand_by_name() -> None:
    distance_km, height_m = _hills(20)
    terms = p1812_terms(distance_km, height_m, 0.7, 50.0, 10.0, polarisation=["vertical", "horizontal"] * 10)
    loss_db = p1812_loss_db(distance_km, height_m, 0.7, 50.0, 10.0, polarisation=["vertical", "horizontal"] * 10)
    assert np.asarray(terms["loss_db"]).tolist() == loss_db.tolist()
    assert np.asarray(terms["is_vertical"]).tolist() == [1.0, 0.0] * 10
    assert list(terms) == list(p1812.TERMS) == list(P1812_SYMBOLS)


def test_locations_vary_as_the_recommendation_says_and_not_beside_the_sea() -> None:
    distance_km, height_m = np.linspace(0.0, 30.0, 61), np.zeros(61)
    median = p1812_loss_db(distance_km, height_m, 2.0, 30.0, 1.5, clutter_height_m=10.0)
    most = p1812_loss_db(distance_km, height_m, 2.0, 30.0, 1.5, clutter_height_m=10.0, location_pct=90.0)
    assert most - median == pytest.approx(1.2816 * (0.52 + 0.048) * 100.0**0.28, abs=0.01)
    given = p1812_loss_db(
        distance_km, height_m, 2.0, 30.0, 1.5, clutter_height_m=10.0, location_pct=90.0, location_sigma_db=5.5
    )
    assert given - median == pytest.approx(1.2816 * 5.5, abs=0.01)
    zone = np.r_[np.full(60, 4), 1]
    sea = p1812_loss_db(distance_km, height_m, 2.0, 30.0, 1.5, zone=zone, clutter_height_m=10.0)
    assert sea == p1812_loss_db(
        distance_km, height_m, 2.0, 30.0, 1.5, zone=zone, clutter_height_m=10.0, location_pct=90.0
    )


def test_a_coast_near_the_sea_couples_into_the_duct() -> None:
    """Eq. 49: a low antenna 1 km from the coast before 100 km of sea gains 3 exp(-0.25) (1 + tanh(0.07 x 40)) dB."""
    distance_km = np.linspace(0.0, 100.0, 401)
    zone = np.where(distance_km < 1.0 - 1e-9, 3, 1)
    args = distance_km, np.zeros(401), 1.0, 10.0, 10.0
    near = p1812_terms(*args, zone=zone, tx_coast_km=1.0)
    far = p1812_terms(*args, zone=zone, tx_coast_km=500.0)
    gain_db = 3.0 * math.exp(-0.25) * (1.0 + math.tanh(0.07 * 40.0))
    assert far["ducting_db"] - near["ducting_db"] == pytest.approx(gain_db, abs=1e-9)
    derived = p1812_terms(*args, zone=zone)
    assert derived["tx_coast_km"] == pytest.approx(0.875, abs=1e-9)  # half way between the last coast and the first sea
    assert derived["rx_coast_km"] == 0.0


def test_the_middle_of_a_meridian_path_is_half_way_and_a_path_to_itself_has_a_latitude() -> None:
    tx, rx = [[70.0, 30.0], [70.0, 30.0]], [[70.0, 31.0], [70.0, 30.0]]
    found = centre_latitude_deg(tx, rx, [math.radians(1.0) * 6371.0, 10.0])
    assert found.tolist() == pytest.approx([30.5, 30.0], abs=1e-9)


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(InputError) as caught:
        p1812_loss_db(
            [1.0, 2.0, 2.0],
            [0.0, np.nan, 0.0],
            7.0,
            0.5,
            4000.0,
            time_pct=60.0,
            location_pct=0.0,
            delta_n=-4.0,
            polarisation="slanted",
            zone=[1, 2, 3],
            clutter_height_m=-1.0,
            tx_lonlat_deg=(30.0, 170.0),
            rx_coast_km=-3.0,
        )
    wrong = {problem.column for problem in caught.value.problems}
    ranges = {"frequency_ghz", "tx_height_m", "rx_height_m", "time_pct", "location_pct", "delta_n", "rx_coast_km"}
    assert wrong == ranges | {"polarisation", "zone", "clutter_height_m", "rx_lonlat_deg", "distance_km", "height_m"}
    assert sum(problem.column == "distance_km" for problem in caught.value.problems) == 2


@pytest.mark.parametrize(
    ("distance_km", "height_m", "column"),
    [
        ([0.0, 1.0], [0.0, 0.0], "distance_km"),
        ([0.0, 0.1, 0.2], [0.0, 0.0, 0.0], "distance_km"),
        ([0.0, 1500.0, 30000.0], [0.0, 0.0, 0.0], "distance_km"),
        ([0.0, 1.0, 2.0], [0.0, 0.0], "height_m"),
        ([0.0, 1.0, 2.0], None, "height_m"),
        ([0.0, np.inf, 2.0], [0.0, 0.0, 0.0], "distance_km"),
        ("profile", [0.0, 0.0, 0.0], "distance_km"),
        ([], [], "distance_km"),
        ([np.array([0.0, 1.0, 2.0]), None], [np.zeros(3), np.zeros(3)], "distance_km"),
        ([np.array([0.0, 1.0, 2.0])] * 2, [np.zeros(3)], "height_m"),
    ],
)
def test_a_profile_that_is_none_is_named(distance_km: object, height_m: object, column: str) -> None:
    with pytest.raises(InputError) as caught:
        p1812_loss_db(distance_km, height_m, 1.0, 30.0, 1.5)  # type: ignore[call-overload]
    assert {problem.column for problem in caught.value.problems} == {column}


def test_the_first_bad_path_of_many_is_named() -> None:
    distance_km, height_m = _hills(5)
    height_m[3][1] = np.nan
    with pytest.raises(InputError) as caught:
        p1812_loss_db(distance_km, height_m, 1.0, [30.0, 30.0, 0.0, 30.0, 5000.0], 1.5)
    assert [(problem.column, problem.row) for problem in caught.value.problems] == [("tx_height_m", 3), ("height_m", 4)]
    assert "and 1 more" in caught.value.problems[0].what


def test_what_is_not_given_is_what_the_signature_says() -> None:
    given = inspect.signature(p1812_loss_db).parameters
    assert {name: given[name].default for name in DEFAULTS} == DEFAULTS


def test_the_columns_of_a_row_stand_under_their_names() -> None:
    names = [n for n, v in vars(p1812).items() if type(v) is int and n.isupper() and not n.startswith(("N_", "ZONE_"))]
    renamed = {"TX_ANGLE": "tx_horizon_mrad", "RX_ANGLE": "rx_horizon_mrad"}
    assert [getattr(p1812, name) for name in names] == list(range(p1812.N_TERMS))
    for name, term in zip(names, p1812.TERMS, strict=True):
        assert term.startswith(renamed.get(name, name.lower()))


SIMULATED = """
import numpy as np
from rahdari.methods.p1812 import p1812_loss_db
rng = np.random.default_rng(5)
distance_km = [np.linspace(0.0, far, n) for far, n in ((0.3, 3), (27.0, 40), (300.0, 60), (60.0, 20), (9.0, 30))]
height_m = [np.abs(rng.normal(size=d.size).cumsum()) * 40.0 for d in distance_km]
given = {
    "zone": [rng.choice([1, 3, 4], d.size) for d in distance_km],
    "clutter_height_m": [rng.choice([0.0, 15.0], d.size) for d in distance_km],
    "time_pct": [1.0, 10.0, 50.0, 20.0, 50.0],
    "polarisation": ["vertical", "horizontal"] * 2 + ["vertical"],
    "location_pct": 80.0,
}
args = distance_km, height_m, [0.03, 0.1, 0.9, 3.0, 6.0], [10.0, 30.0, 100.0, 3000.0, 30.0], 1.5
gap = np.abs(p1812_loss_db(*args, **given, backend="cuda") - p1812_loss_db(*args, **given)).max()
assert gap < 1e-3, gap
print("equal")
"""


def test_the_graphics_card_gives_the_same_by_simulation() -> None:
    """Numba runs the card's own functions thread by thread in a child process."""
    environment = os.environ | {"NUMBA_ENABLE_CUDASIM": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", SIMULATED], env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.stdout == "equal\n", done.stderr


@pytest.mark.skipif(not p1812_cuda.is_available(), reason="no graphics card here")
def test_a_graphics_card_gives_the_same() -> None:
    distance_km, height_m = _hills(2000)
    on_card = p1812_loss_db(distance_km, height_m, 1.8, 30.0, 1.5, backend="cuda")
    assert np.abs(on_card - p1812_loss_db(distance_km, height_m, 1.8, 30.0, 1.5)).max() < 1e-3


@pytest.mark.skipif(p1812_cuda.is_available(), reason="a graphics card is here")
def test_a_missing_graphics_card_is_said() -> None:
    with pytest.raises(InputError, match="no graphics card"):
        p1812_loss_db([0.0, 1.0, 2.0], [0.0, 0.0, 0.0], 1.0, 30.0, 1.5, backend="cuda")


def test_marks_of_voids_and_masked_points_are_no_heights() -> None:
    distance_km, flat_m = np.linspace(0.0, 10.0, 101), np.zeros(101)
    for mark in (-32768.0, -9999.0, 32767.0, 1e20):
        with pytest.raises(InputError, match="voids"):
            p1812_loss_db(distance_km, np.where(distance_km == 5.0, mark, flat_m), 0.9, 30.0, 1.5)
    with pytest.raises(InputError, match="voids"):
        p1812_loss_db(distance_km, np.ma.masked_where(distance_km == 5.0, flat_m), 0.9, 30.0, 1.5)


def test_one_cover_or_zone_a_path_stands_for_its_whole_profile() -> None:
    distance_km, flat_m = np.linspace(0.0, 10.0, 101), np.zeros(101)
    pair = [distance_km, distance_km], [flat_m, flat_m]
    found = p1812_loss_db(*pair, 0.9, 30.0, 1.5, clutter_height_m=[10.0, 20.0], zone=[4, 1])
    single = [
        p1812_loss_db(distance_km, flat_m, 0.9, 30.0, 1.5, clutter_height_m=np.array(cover), zone=zone)
        for cover, zone in ((10.0, 4), (20.0, 1))
    ]
    assert found.tolist() == single


def test_a_misspelt_option_backend_or_position_is_never_ignored() -> None:
    path = np.linspace(0.0, 10.0, 101), np.zeros(101), 0.9, 30.0, 1.5
    with pytest.raises(InputError, match="'clutter_m' is unknown"):
        p1812_terms(*path, clutter_m=10.0)  # type: ignore[call-arg]
    with pytest.raises(InputError, match="no backend 'gpu'"):
        p1812_loss_db(*path, backend="gpu")  # type: ignore[call-overload]
    with pytest.raises(InputError, match="0 workers"):
        p1812_loss_db(*path, n_workers=0)
    with pytest.raises(InputError, match="not one position"):
        p1812_loss_db(*path, tx_lonlat_deg=70.0, rx_lonlat_deg=30.0)
