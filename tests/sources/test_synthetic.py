"""The synthetic layers: sums are exact, nothing depends on row order, and every row says what it is."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from polars.testing import assert_frame_equal

from rahdari.schema import table_schema
from rahdari.sources.synthetic.common import chance, chance_of_numbers, chosen, whole_shares
from rahdari.sources.synthetic.fibre import links_table, parallel_fibres
from rahdari.sources.synthetic.people import places_table
from rahdari.sources.synthetic.sites import SiteTotals, sites_table
from rahdari.sources.synthetic.stretches import on_ways

OUTLINE = shapely.box(70.0, 30.0, 72.0, 31.0)
N_PLACES = 1_500


class Hills:
    """Land that rises to the north."""

    def elevation_m(self, lon_deg: np.ndarray, lat_deg: np.ndarray) -> np.ndarray:
        return (np.asarray(lat_deg) - 30.0) * 3000.0 + 0.0 * np.asarray(lon_deg)

    def slope_frac(self, lon_deg: np.ndarray, lat_deg: np.ndarray) -> np.ndarray:
        return np.full(np.broadcast(lon_deg, lat_deg).shape, 0.01)


def districts() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "district_id": ["pk-a", "pk-b", "pk-c"],
            "name": ["Alpha", "Beta", "Gamma"],
            "n_people": [3_000_001, 500_003, 7],
            "n_households": [450_007, 90_001, 3],
            "electrified_frac": [0.8, 0.3, 0.0],
            "urban_frac": [0.4, None, 0.0],
            "lon_deg": [70.4, 71.5, 71.9],
            "lat_deg": [30.5, 30.4, 30.9],
        }
    )


def points() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "district_point_id": ["p1", "p2", "p3", "p4"],
            "district_id": ["pk-a", "pk-a", "pk-b", "pk-b"],
            "name": ["North", "South", "East", "West"],
            "lon_deg": [70.3, 70.6, 71.3, 71.6],
            "lat_deg": [30.8, 30.2, 30.5, 30.2],
        }
    )


def towns() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "name": ["Big", "Small", "Twin", "Twin", "Empty"],
            "lon_deg": [70.5, 70.2, 71.4, 71.6, 71.0],
            "lat_deg": [30.5, 30.3, 30.6, 30.3, 30.9],
            "n_people": [2_000_000, 30_000, 20_000, 9_000, 0],
        }
    )


def nodes() -> pl.DataFrame:
    lon, lat = np.meshgrid(np.linspace(70.1, 71.9, 10), np.linspace(30.1, 30.9, 5))
    return pl.DataFrame(
        {"row_node_id": [f"n{i:02}" for i in range(50)], "lon_deg": lon.ravel(), "lat_deg": lat.ravel()}
    ).with_columns(pl.lit(value=True).alias("is_in_country"))


def ways() -> pl.DataFrame:
    pairs = [(5 * 0 + i, i + 1) for i in range(49) if (i + 1) % 10] + [(i, i + 10) for i in range(40)]
    frame = nodes()
    lon, lat = frame["lon_deg"].to_numpy(), frame["lat_deg"].to_numpy()
    return pl.DataFrame(
        {
            "row_id": [f"r{i:02}" for i in range(len(pairs))],
            "from_node_id": [f"n{a:02}" for a, _ in pairs],
            "to_node_id": [f"n{b:02}" for _, b in pairs],
            "kind": ["railway" if i == 0 else "road" for i in range(len(pairs))],
            "name": [None] * len(pairs),
            "length_km": [20.0 + (a + b) % 3 for a, b in pairs],
            "slack_ratio": [1.1] * len(pairs),
            "is_in_country": [True] * len(pairs),
            "geometry": [shapely.to_wkb(shapely.LineString([(lon[a], lat[a]), (lon[b], lat[b])])) for a, b in pairs],
        },
        schema_overrides={"name": pl.String},
    )


def operators() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "operator_id": ["m1", "m2", "f1", "h1"],
            "kind": ["mobile", "mobile", "fixed", "federal"],
            "mobile_share_frac": [0.6, 0.4, 0.0, 0.0],
        }
    )


def cables() -> pl.DataFrame:
    common = {"operator_id": "f1", "landing": "Shore", "is_in_service": True, "evidence": "published", "source_id": "s"}
    return pl.DataFrame(
        {
            "cable_id": ["long", "short", "land"],
            "name": ["Long", "Short", "Land"],
            "kind": ["subsea", "subsea", "terrestrial"],
            "length_km": [12_091.0, 1_300.0, 820.0],
            "installed_tbps": [2.0, 1.0, None],
            "active_tbps": [None, 0.5, None],
            "lon_deg": [70.1, 70.1, 71.95],
            "lat_deg": [30.05, 30.05, 30.95],
        }
    ).with_columns(pl.lit(value).alias(name) for name, value in common.items())


def landmarks() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "landmark_id": ["pk-pass"],
            "name": ["Pass"],
            "kind": ["border_crossing"],
            "lon_deg": [71.9],
            "lat_deg": [30.95],
            "evidence": ["published"],
            "source_id": ["s"],
        }
    )


def straight(start: tuple[float, float], end: tuple[float, float]) -> tuple[list[tuple[float, float]], float]:
    lengths = {"Marseille": 8216.0, "Singapore": 6000.0, "Fujairah": 1100.0}
    near = {5.37: "Marseille", 103.85: "Singapore", 56.36: "Fujairah"}.get(end[0])
    return [start, end], lengths[near] if near else 99_999.0


def make_places(**changes: pl.DataFrame) -> pl.DataFrame:
    frames = {"districts": districts(), "district_points": points(), "towns": towns(), "nodes": nodes()} | changes
    return places_table(
        "PK",
        districts=frames["districts"],
        district_points=frames["district_points"],
        towns=frames["towns"],
        outline=OUTLINE,
        rights_of_way_nodes=frames["nodes"],
        terrain=Hills(),
        n_places=N_PLACES,
    )


def make_sites(places: pl.DataFrame) -> pl.DataFrame:
    return sites_table(
        "PK",
        places=places,
        operators=operators(),
        cables=cables(),
        landmarks=landmarks(),
        rights_of_way_nodes=nodes(),
        totals=SiteTotals(777, is_published=True),
    )


def make_links(places: pl.DataFrame, sites: pl.DataFrame, **arguments: object) -> pl.DataFrame:
    return links_table(
        "PK",
        places=places,
        sites=sites,
        rights_of_way=ways(),
        rights_of_way_nodes=nodes(),
        operators=operators(),
        cables=cables(),
        sea_path=straight,
        **arguments,  # type: ignore[arg-type]
    )


def shuffled(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.sample(fraction=1.0, shuffle=True, seed=7)


def test_people_and_households_of_every_district_sum_to_the_census() -> None:
    sums = make_places().group_by("district_id").agg(pl.col("n_people", "n_households").sum()).sort("district_id")
    census = districts().select("district_id", "n_people", "n_households")
    assert_frame_equal(sums, census)


def test_urban_people_follow_the_census_share() -> None:
    alpha = make_places().filter((pl.col("district_id") == "pk-a") & pl.col("is_urban"))
    assert alpha["n_people"].sum() == round(0.4 * 3_000_001)


def test_places_fit_their_schema() -> None:
    frame = make_places()
    table = table_schema("places")
    assert set(frame.columns) == {column.name for column in table.columns}
    assert frame["place_id"].is_unique().all()
    assert frame.null_count().drop("name_local").row(0) == (0,) * (frame.width - 1)
    assert set(frame["row_node_id"]) <= set(nodes()["row_node_id"])


def test_about_as_many_places_come_back_as_were_asked_for() -> None:
    # The third district has 7 people: no more than 7 of its cells can be lived in.
    assert 0.8 * N_PLACES <= make_places().height <= N_PLACES


def test_a_city_is_spread_over_cells_and_its_own_row_is_the_densest() -> None:
    city = make_places().filter(pl.col("name").str.starts_with("Big"))
    own = city.filter(pl.col("place_id") == "pk-big")
    assert own.height == 1
    assert city.height > 10
    assert own["n_people"].item() == city["n_people"].max()
    assert set(city["kind"]) == {"city"}


def test_namesakes_keep_apart_and_the_largest_keeps_the_plain_name() -> None:
    twins = make_places().filter(pl.col("name") == "Twin").sort("n_people", descending=True)
    assert twins["place_id"].to_list() == ["pk-twin", "pk-twin-2"]


def test_places_do_not_depend_on_row_order() -> None:
    mixed = make_places(
        districts=shuffled(districts()),
        district_points=shuffled(points()),
        towns=shuffled(towns()),
        nodes=shuffled(nodes()),
    )
    assert_frame_equal(make_places(), mixed)


def test_electricity_keeps_the_mean_of_every_district() -> None:
    mean = (
        make_places()
        .group_by("district_id")
        .agg((pl.col("electrified_frac") * pl.col("n_people")).sum() / pl.col("n_people").sum())
        .sort("district_id")
    )
    assert_allclose(mean["electrified_frac"], districts()["electrified_frac"], atol=1e-6)


def test_fewer_people_live_high_up() -> None:
    rural = make_places().filter(~pl.col("is_urban"))
    low = rural.filter(pl.col("elevation_m") < 1000.0)["n_people"].sum()
    high = rural.filter(pl.col("elevation_m") > 2000.0)["n_people"].sum()
    assert low > 2 * high


def test_a_district_without_people_or_cells_does_no_harm() -> None:
    far = pl.DataFrame(
        {
            "district_id": ["pk-z"],
            "name": ["Zeta"],
            "n_people": [100],
            "n_households": [10],
            "electrified_frac": [1.0],
            "urban_frac": [0.0],
            "lon_deg": [60.0],
            "lat_deg": [20.0],
        }
    )
    zeta = make_places(districts=pl.concat([districts(), far])).filter(pl.col("district_id") == "pk-z")
    assert (zeta.height, zeta["n_people"].sum(), zeta["n_households"].sum()) == (1, 100, 10)


def test_towers_meet_every_national_total() -> None:
    towers = make_sites(make_places()).filter(pl.col("kind") == "tower")
    assert towers.height == 777
    assert towers["is_fibre"].sum() == round(0.179 * 777)
    assert (towers["generation"] == "4g").sum() == 777 - round(0.03 * 777)
    assert towers["has_generator"].sum() == 777 - round(0.42 * 777)
    assert (~towers["is_on_grid"]).sum() == round(0.0675 * 777)
    assert towers.filter(pl.col("backhaul") == "fibre")["is_fibre"].all()
    share = towers["operator_id"].value_counts(sort=True)
    assert share["count"].to_list() == [466, 311]


def test_no_tower_is_without_both_grid_and_generator() -> None:
    towers = make_sites(make_places()).filter(pl.col("kind") == "tower")
    assert towers.filter(~pl.col("is_on_grid") & ~pl.col("has_generator")).is_empty()


def test_sites_do_not_depend_on_row_order() -> None:
    places = make_places()
    assert_frame_equal(make_sites(places), make_sites(shuffled(places)))


def test_every_gate_has_a_site_with_the_evidence_of_its_input() -> None:
    sites = make_sites(make_places())
    assert sites.filter(pl.col("kind") == "landing_station")["site_id"].to_list() == ["pk-l-long", "pk-l-short"]
    assert sites.filter(pl.col("kind") == "border")["site_id"].to_list() == ["pk-b-pass"]
    assert set(sites.filter(pl.col("kind") == "tower")["evidence"]) == {"synthetic"}


def test_without_figures_the_layer_says_assumed() -> None:
    places = make_places()
    sites = sites_table(
        "XX",
        places=places,
        operators=operators().clear(),
        cables=cables().clear(),
        landmarks=landmarks().clear(),
        rights_of_way_nodes=nodes(),
    )
    towers = sites.filter(pl.col("kind") == "tower")
    assert towers.height == round(24e-5 * float(places["n_people"].to_numpy().sum()))
    assert set(towers["evidence"]) == {"assumed"}


def test_long_haul_fibre_sums_to_the_published_length_within_one_way() -> None:
    places = make_places()
    links = make_links(places, make_sites(places), long_haul_km=4_000.0)
    long_haul = links.filter(pl.col("tier") == "long_haul")
    assert 4_000.0 - 25.0 < long_haul["length_km"].to_numpy().sum() <= 4_000.0
    assert long_haul["row_id"].value_counts()["count"].to_numpy().max() > 1
    assert "r00" not in set(long_haul["row_id"])  # a railway


def test_links_do_not_depend_on_row_order_and_fit_their_schema() -> None:
    places = make_places()
    sites = make_sites(places)
    links = make_links(places, sites, long_haul_km=4_000.0)
    assert_frame_equal(links, make_links(shuffled(places), shuffled(sites), long_haul_km=4_000.0))
    assert set(links.columns) == {column.name for column in table_schema("links").columns}
    assert links["link_id"].is_unique().all()


def test_an_operator_at_home_elsewhere_lays_no_fibre_here() -> None:
    places = make_places()
    links = make_links(places, make_sites(places), long_haul_km=9_000.0, home_districts={"h1": frozenset({"pk-b"})})
    near = places.select("district_id", "row_node_id").unique()
    owned = links.filter(pl.col("operator_id") == "h1")
    assert owned.height
    at = owned.join(near, left_on="from_node_id", right_on="row_node_id", how="inner")
    assert "pk-b" in set(at["district_id"])
    assert owned.height < links.filter(pl.col("operator_id") == "f1").height


def stretch(has_fibre: bool, start: tuple[float, float], stop: tuple[float, float]) -> dict[str, object]:  # noqa: FBT001  # as in the table
    return {
        "stretch_id": f"s-{start}-{stop}", "name": "A road", "has_fibre": has_fibre,
        "operator_id": "h1" if has_fibre else None, "from_lon_deg": start[0], "from_lat_deg": start[1],
        "to_lon_deg": stop[0], "to_lat_deg": stop[1],
    }  # fmt: skip


def test_fibre_lies_where_it_is_published_and_not_where_it_is_published_to_end() -> None:
    places = make_places()
    sites = make_sites(places)
    usual = make_links(places, sites, long_haul_km=4_000.0)
    ends = ways().select("row_id", "from_node_id", "to_node_id")
    both = dict(ends.select("row_id", pl.concat_str("from_node_id", "to_node_id")).iter_rows())
    row_of = {pair: row for row, pair in both.items()}
    busiest = usual.filter(pl.col("row_id").is_not_null())["row_id"].mode().sort()[0]
    begin, end = (
        nodes().filter(pl.col("row_node_id") == both[busiest][part]).select("lon_deg", "lat_deg").row(0)
        for part in (slice(0, 3), slice(3, 6))
    )
    published = pl.DataFrame([stretch(True, (71.7, 30.9), (71.9, 30.9)), stretch(False, begin, end)])
    links = make_links(places, sites, long_haul_km=4_000.0, stretches=published)
    first = [
        frame.filter(pl.col("link_id") == f"pk-f-{row_of['n48n49']}-1")["operator_id"].to_list()
        for frame in (usual, links)
    ]
    assert first[0] != ["h1"]
    assert first[1] == ["h1"]
    assert busiest not in set(links["row_id"])
    assert links.filter(pl.col("tier") == "long_haul")["length_km"].to_numpy().sum() <= 4_000.0


def test_published_fibre_bridges_a_short_break_of_the_roads() -> None:
    # Two roads that end 2 km apart, and a way round of 400 km.
    points = pl.DataFrame(
        {"row_node_id": ["a", "b", "c", "d"], "lon_deg": [70.0, 70.2, 70.22, 70.5], "lat_deg": [30.0] * 4}
    )
    roads = pl.DataFrame(
        {"from_node_id": ["a", "c", "a"], "to_node_id": ["b", "d", "d"], "length_km": [20.0, 27.0, 400.0]}
    )
    there = pl.DataFrame([stretch(True, (70.0, 30.0), (70.5, 30.0))])
    found = on_ways(there, roads, points, np.array([True, True, True]))
    assert found.has_fibre.tolist() == [True, True, False]
    (joint,) = found.joints
    assert (joint.from_node_id, joint.to_node_id, joint.operator_id) == ("b", "c", "h1")
    assert 1.0 < joint.length_km / 1.93 < 1.5
    # The absence of fibre is no fibre: it bridges nothing and follows the roads.
    bare = on_ways(there.with_columns(has_fibre=pl.lit(value=False)), roads, points, np.array([True, True, True]))
    assert bare.is_bare.tolist() == [False, False, True]
    assert not bare.joints


def test_a_cable_ends_where_its_published_length_reaches() -> None:
    places = make_places()
    links = make_links(places, make_sites(places))
    ends = links.filter(pl.col("kind") == "subsea").select("from_node_id", "to_node_id")
    assert set(ends.rows()) == {
        ("pk-l-long", "ix-marseille"),
        ("pk-l-long", "ix-fujairah"),
        ("pk-l-short", "ix-fujairah"),
    }
    assert links.filter(pl.col("link_id") == "pk-c-land")["tier"].item() == "international"
    assert set(links.filter(pl.col("tier") == "long_haul")["evidence"]) == {"assumed"}


@given(st.lists(st.floats(0.0, 1e9), min_size=1, max_size=40), st.integers(0, 10**9))
def test_whole_shares_sum_exactly_and_stay_within_one(weight: list[float], total: int) -> None:
    shares = whole_shares(weight, total)
    assert shares.sum() == total
    if sum(weight) > 0:
        exact = np.array(weight) / sum(weight) * total
        assert (np.abs(shares - exact) <= 1.0 + 1e-6 * total).all()


@given(st.permutations([f"id{i}" for i in range(20)]))
def test_chance_belongs_to_the_identifier_not_the_row(ids: list[str]) -> None:
    reference = dict(zip(sorted(ids), chance(sorted(ids), "x", 3), strict=True))
    assert chance(ids, "x", 3).tolist() == [reference[i] for i in ids]


def test_chance_of_numbers_is_even() -> None:
    uniform = chance_of_numbers(np.arange(100_000), "x", 1)
    # The mean of n uniforms has standard deviation 1/sqrt(12 n) = 0.0009.
    assert abs(uniform.mean() - 0.5) < 0.005
    assert 0.0 < uniform.min() < uniform.max() < 1.0


@given(st.integers(0, 30))
def test_exactly_as_many_are_chosen_as_asked(n_chosen: int) -> None:
    assert chosen(np.zeros(30), chance_of_numbers(np.arange(30), "x", 1), n_chosen).sum() == n_chosen


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.floats(0.0, 1e12), st.floats(0.1, 300.0)), min_size=1, max_size=60), st.floats(1.0, 20_000.0)
)
def test_parallel_fibres_never_exceed_the_total(way: list[tuple[float, float]], total_km: float) -> None:
    flow, length = (np.array(column) for column in zip(*way, strict=True))
    n_parallel = parallel_fibres(flow, length, total_km, 6)
    assert (n_parallel * length).sum() <= total_km * (1 + 1e-9) + 1e-9
    assert (n_parallel[flow == 0] == 0).all()
    assert n_parallel.max() <= 6


def test_an_empty_census_is_refused_with_a_cure() -> None:
    with pytest.raises(Exception, match="table 'districts' is empty"):
        make_places(districts=districts().clear())
