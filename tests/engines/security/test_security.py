"""The security engine on the test country."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import rahdari.engines.security.engine as security_engine
from rahdari.engines.security.contract import stretches
from rahdari.engines.security.engine import security
from rahdari.engines.security.params import SecurityParams
from rahdari.methods.diversity import disjoint_routes
from rahdari.methods.network import make_network
from rahdari.model import Context, Tables
from rahdari.schema import table_schema
from rahdari.schema.checks import conform, empty_table
from rahdari.sources.pack import PACKS_FOLDER
from tests.fixtures import small_country
from tests.helpers.engine_checks import check_engine, gateways

FOLDER = Path(security_engine.__file__).parent
FORBIDDEN = ("lon_deg", "lat_deg", "geometry", "row_id", "risk_group_id", "link_id", "node_id")


def profiles() -> pl.DataFrame:
    table = pl.read_csv(PACKS_FOLDER / "common" / "security_profiles.csv", infer_schema=False)
    return conform(table.with_columns(source_id=pl.lit("test_country")), table_schema("security_profiles"))


@pytest.fixture(scope="module")
def country() -> dict[str, pl.DataFrame]:
    tables = {**small_country(), **gateways()}
    for name in ("risk_groups", "risk_group_members", "protected_pairs"):
        tables.setdefault(name, empty_table(table_schema(name)))
    return tables | {"security_profiles": profiles()}


def pair_table(*pairs: tuple[str, str, float]) -> pl.DataFrame:
    rows = [
        {
            "pair_id": f"p{i}", "name": f"Fictional pair {i}", "from_landmark_id": a, "to_landmark_id": b,
            "is_fictional": True, "classification": "public", "protected_gbps": gbps, "secrecy_years": 10.0,
            "evidence": "synthetic", "source_id": "test_country",
        }
        for i, (a, b, gbps) in enumerate(pairs)
    ]  # fmt: skip
    return conform(pl.DataFrame(rows), table_schema("protected_pairs"))


def test_result_keeps_schema_formulas_proofs_and_row_order(country: dict[str, pl.DataFrame]) -> None:
    result, frames = check_engine(security, country, SecurityParams(), Context(), FOLDER)
    assert frames["secure_pairs"].height == 3
    assert frames["encryption_costs"].height == 12
    assert frames["secure_vendors"]["vendor_id"].to_list() == ["A", "B", "C"]
    assert all(item.lower_bound is not None for item in result.certificates)


def test_every_pair_is_labelled_fictional(country: dict[str, pl.DataFrame]) -> None:
    frame = security(Tables(country), SecurityParams(), Context()).tables["secure_pairs"]
    assert frame["is_fictional"].all()
    assert frame["name"].str.starts_with("Fictional pair").all()
    assert set(frame["classification"]) == {"public"}


def test_no_table_tells_places_ways_or_groups(country: dict[str, pl.DataFrame]) -> None:
    for name, frame in security(Tables(country), SecurityParams(), Context()).tables.items():
        assert not [column for column in frame.columns if column in FORBIDDEN], name
        texts = " ".join(str(cell) for row in frame.iter_rows() for cell in row)
        assert "xx-way" not in texts
        assert "xx-node" not in texts


def test_a_grid_country_has_a_second_way_for_every_pair(country: dict[str, pl.DataFrame]) -> None:
    frame = security(Tables(country), SecurityParams(), Context()).tables["secure_pairs"]
    assert frame["has_disjoint"].all()
    assert (frame["second_fibre_km"] >= frame["fibre_km"]).all()
    assert (frame["pair_availability_frac"] > frame["availability_frac"]).all()
    assert (frame["mixed_availability_frac"] > frame["pair_availability_frac"]).all()


def test_pairs_that_a_pack_lists_come_before_drawn_ones(country: dict[str, pl.DataFrame]) -> None:
    listed = country | {"protected_pairs": pair_table(("lm-3", "lm-4", 40.0), ("lm-3", "lm-6", 1.0))}
    result = security(Tables(listed), SecurityParams(), Context())
    assert result.tables["secure_pairs"]["pair_id"].to_list() == ["p0"]
    cards = result.tables["secure_bill"].filter(pl.col("item_id") == "security_line_card")["n_units"].to_list()
    assert cards == [4]


def test_one_chain_of_roads_has_no_second_way_and_says_what_would_cure_it(country: dict[str, pl.DataFrame]) -> None:
    ways = country["rights_of_way"].filter(pl.col("kind") == "motorway")
    towns = country["places"].with_columns(kind=pl.lit("town"))
    chain = {**country, "rights_of_way": ways, "places": towns, "landmarks": country["landmarks"].clear()}
    result = security(Tables(chain), SecurityParams(), Context())
    frame = result.tables["secure_pairs"]
    assert frame.height
    assert set(frame["disjoint_level"]) == {"none"}
    assert frame["is_proven"].all()
    assert frame["second_fibre_km"].null_count() == frame.height
    assert (frame["shared"] != "").all()
    cures = result.tables["secure_cures"]
    assert set(cures["pair_id"]) == set(frame["pair_id"])
    best = cures.filter("is_cheapest")
    assert best["is_enough"].all()
    assert best.height == best["pair_id"].n_unique()


def test_a_shared_risk_group_is_told_by_kind_and_costs_the_level(country: dict[str, pl.DataFrame]) -> None:
    asked = country | {"protected_pairs": pair_table(("lm-3", "lm-4", 1.0))}
    free = security(Tables(asked), SecurityParams(), Context()).tables["secure_pairs"].row(0, named=True)
    assert free["disjoint_level"] == "risk"
    source = {"evidence": ["synthetic"], "source_id": ["test_country"]}
    group = {"risk_group_id": ["g"], "name": ["Whole valley"], "kind": ["valley"], "rate_per_year": [0.1]}
    groups = conform(pl.DataFrame({**group, "repair_h": [24.0], **source}), table_schema("risk_groups"))
    ids = country["rights_of_way"]["row_id"].to_list()
    members = pl.DataFrame(
        {"risk_group_id": "g", "member_id": ids, "evidence": "synthetic", "source_id": "test_country"}
    )
    held = conform(members, table_schema("risk_group_members"))
    bound = asked | {"risk_groups": groups, "risk_group_members": held}
    row = security(Tables(bound), SecurityParams(), Context()).tables["secure_pairs"].row(0, named=True)
    assert row["disjoint_level"] == "node"
    assert "valley risk" in row["shared"]
    assert row["is_proven"]
    assert row["pair_availability_frac"] < free["pair_availability_frac"]


def test_the_drawn_pairs_follow_the_seed_alone(country: dict[str, pl.DataFrame]) -> None:
    without = {**country, "landmarks": country["landmarks"].clear()}
    first, again, other = (
        security(Tables(without), SecurityParams(n_pairs=5), Context(seed=seed)).tables["secure_pairs"]["name"]
        for seed in (1, 1, 2)
    )
    assert first.to_list() == again.to_list()
    assert first.to_list() != other.to_list()


def test_a_country_without_ways_has_no_pair(country: dict[str, pl.DataFrame]) -> None:
    bare = {**country, "rights_of_way": country["rights_of_way"].clear()}
    result = security(Tables(bare), SecurityParams(), Context())
    assert result.tables["secure_pairs"].is_empty()
    assert result.tables["encryption_costs"].height
    assert any("fictional" in note for note in result.notes)


def test_suppliers_of_fifty_thirty_and_twenty_are_worth_two_and_two_thirds(country: dict[str, pl.DataFrame]) -> None:
    frame = security(Tables(country), SecurityParams(), Context()).tables["secure_layers"]
    tower = frame.filter(pl.col("subject_kind") == "tower").row(0, named=True)
    assert tower["hhi_points_ratio"] == pytest.approx(3800.0)
    assert tower["effective_suppliers_count"] == pytest.approx(2.63, abs=0.005)


def test_stretches_keep_every_pair_of_separate_ways() -> None:
    links = {
        "1": ("a", "b"), "2": ("b", "c"), "3": ("c", "d"), "4": ("a", "e"), "5": ("e", "d"), "6": ("e", "x"),
        "7": ("b", "e"),
    }  # fmt: skip
    found = stretches(links, {"a", "d"})
    assert "x" not in {end for stretch in found.values() for end in stretch.ends}
    whole = make_network("abcdex", list(links), list(links.values()), 1.0)
    names = sorted(found)
    ends = sorted({end for stretch in found.values() for end in stretch.ends})
    short = make_network(ends, names, [found[n].ends for n in names], [float(len(found[n].ways)) for n in names])
    one, two = (disjoint_routes(network, "a", "d", "node", 2).cost for network in (whole, short))
    assert one == two
