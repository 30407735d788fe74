"""The Pakistan pack: complete, sourced, where it says it is, and true to the census."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import polars as pl
import pytest

from rahdari.errors import InputError
from rahdari.schema import base_schemas
from rahdari.sources.pack import PACKS_FOLDER, load_pack, read_record

PACK = PACKS_FOLDER / "pakistan"
SHARED_FACTS = Path(__file__).parents[3] / "shared" / "facts" / "pakistan"
CENSUS_PEOPLE, CENSUS_HOUSEHOLDS = 241_499_431, 38_340_566  # PBS 2023, without AJK and GB
N_CENSUS_DISTRICTS, N_REGION_DISTRICTS = 136, 20
WEST_DEG, EAST_DEG, SOUTH_DEG, NORTH_DEG = 60.5, 77.9, 23.5, 37.1
ABROAD = {"pk-kashgar"}
LARGEST_FILE_BYTES = 1_000_000
CLAIMS_IN_ORDER = """
5es 5g-energy 5g-experience 5g-no-coverage 5g-zong-sites chips-fund chips-imports corridor-cybernet
corridor-foreign-exchange corridor-one-network corridor-reasons corridor-route corridor-sco edge-flood-drones
edge-plate-recognition energy-plants energy-shares fibre-homes fibre-to-site framework-6g-low-altitude
framework-beidou framework-chips-to-systems framework-digital-finance framework-fdi framework-haige
framework-information-security framework-ntc framework-resilient-households framework-satellite framework-unmanned
ict-exports-month ict-growth ict-netp-goal ict-remittances ict-trade-surplus microwave-capacity microwave-efficiency
microwave-interference outsourcing-ilo outsourcing-kearney power-sites-exposed power-without-generator research-share
speed-average speed-fixed-rank speed-mobile-rank speed-years-to-high-income talent-alliance talent-certificates
talent-comsats talent-dependence talent-export-ready talent-graduates talent-under-30 talent-unemployment
"""


@pytest.fixture(scope="module")
def pack() -> dict[str, pl.DataFrame]:
    return load_pack(PACK)


@pytest.fixture(scope="module")
def shared_facts() -> Path:
    if not SHARED_FACTS.is_dir():
        pytest.skip("the collected facts are not beside this checkout")
    return SHARED_FACTS


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_census_districts_sum_to_the_census(pack: dict[str, pl.DataFrame]) -> None:
    census = pack["districts"].filter(pl.col("source_id") == "pbs_census_2023")
    assert census.height == N_CENSUS_DISTRICTS
    assert census["n_people"].sum() == CENSUS_PEOPLE
    assert census["n_households"].sum() == CENSUS_HOUSEHOLDS
    assert pack["districts"].height == N_CENSUS_DISTRICTS + N_REGION_DISTRICTS


def test_the_country_is_the_sum_of_its_districts(pack: dict[str, pl.DataFrame]) -> None:
    country = pack["country"].row(0, named=True)
    assert country["n_people"] == pack["districts"]["n_people"].sum()
    assert country["n_households"] == pack["districts"]["n_households"].sum()
    assert "do not imply any opinion on legal status" in country["boundary_note"]
    assert "as administered" in country["boundary_note"]


def test_every_district_has_a_name_in_urdu_a_point_and_sound_shares(pack: dict[str, pl.DataFrame]) -> None:
    districts = pack["districts"]
    assert all(re.fullmatch(r"[\u0600-\u06ff ]+", name) for name in districts["name_local"])
    assert districts["name_local"].n_unique() == districts.height
    assert districts.select((pl.col("electrified_frac") + pl.col("solar_lit_frac") <= 1.0).all()).item()
    assert districts["urban_frac"].is_between(0.0, 1.0).all()
    assert districts["area_km2"].is_between(50.0, 50_000.0).all()
    assert districts["grid_company_id"].null_count() == 0
    pointed = set(pack["district_points"]["district_id"])
    assert pointed == set(districts["district_id"])


def test_every_row_names_a_source_that_exists(pack: dict[str, pl.DataFrame]) -> None:
    known = set(pack["sources"]["source_id"])
    for name, frame in pack.items():
        if name != "sources":
            assert frame["source_id"].null_count() == 0, name
            assert set(frame["source_id"]) <= known, name


def test_no_source_is_listed_without_a_row_that_uses_it(pack: dict[str, pl.DataFrame]) -> None:
    own = {row["source_id"] for row in read(PACK / "sources.csv")}
    used = {
        cell
        for name, frame in pack.items()
        for column in frame.columns
        if name != "sources" and column.endswith("source_id")
        for cell in frame[column]
    }
    assert own <= used


def test_all_points_lie_in_the_country(pack: dict[str, pl.DataFrame]) -> None:
    for name in ("districts", "district_points", "landmarks", "cables"):
        frame = pack[name]
        key = frame.columns[0]
        inside = pl.col("lon_deg").is_between(WEST_DEG, EAST_DEG) & pl.col("lat_deg").is_between(SOUTH_DEG, NORTH_DEG)
        assert set(frame.filter(~inside)[key]) <= ABROAD, name


def test_the_claims_are_those_of_the_frozen_list(pack: dict[str, pl.DataFrame]) -> None:
    assert sorted(pack["programme"]["claim_id"]) == CLAIMS_IN_ORDER.split()


def test_every_collected_claim_has_its_row(pack: dict[str, pl.DataFrame], shared_facts: Path) -> None:
    wanted = sorted((row["topic"], row["value"]) for row in read(shared_facts / "programme.csv"))
    rows = pack["programme"].iter_rows(named=True)
    assert len(wanted) == pack["programme"].height
    assert sorted(topic for topic, _ in wanted) == sorted(pack["programme"]["topic"])
    numbers = sorted(float(value) for _, value in wanted if re.fullmatch(r"[0-9.]+", value))
    # Reductions carry their sign here, and ranks are split from the size of their pool.
    ours = sorted(abs(row["value"]) for row in rows if row["value"] is not None and row["unit"] != "rank")
    ranks = sorted(row["value"] for row in pack["programme"].iter_rows(named=True) if row["unit"] == "rank")
    assert ours == sorted(set_minus(numbers, [1.0, 2.0]))
    assert ranks == [1.0, 2.0, 100.0, 141.0]


def set_minus(values: list[float], taken: list[float]) -> list[float]:
    """Return the values without one occurrence of each value taken."""
    left = list(values)
    for value in taken:
        left.remove(value)
    return left


def test_a_claim_that_names_a_fact_names_one_that_exists(pack: dict[str, pl.DataFrame]) -> None:
    words = [word for cell in pack["programme"]["indicator_id"].drop_nulls() for word in cell.split()]
    named = [word.removeprefix("fact:") for word in words if word.startswith("fact:")]
    assert named
    assert set(named) <= set(pack["facts"]["fact_id"])


def test_collected_series_are_restated_in_full(pack: dict[str, pl.DataFrame], shared_facts: Path) -> None:
    facts = dict(zip(pack["facts"]["fact_id"], pack["facts"]["value"], strict=True))
    for row in read(shared_facts / "cell_sites_fibre_share.csv"):
        assert facts[f"data_total_fy{row['june_of']}_pb"] == float(row["total_data_PB"])
    for row in read(shared_facts / "diesel_price_pkr_per_l.csv"):
        assert facts[f"diesel_{row['date'].replace('-', '_')}_pkr"] == float(row["hsd_pkr"])
    assert pack["cables"].height == len(read(shared_facts / "cables.csv"))
    assert pack["motorways"].height == len(read(shared_facts / "motorways.csv"))
    names = set(pack["landmarks"]["name"])
    assert {row["name"] for row in read(shared_facts / "waypoints.csv")} <= names


def test_population_of_every_census_district_is_the_published_one(
    pack: dict[str, pl.DataFrame], shared_facts: Path
) -> None:
    ours = dict(zip(pack["districts"]["district_id"], pack["districts"]["n_people"], strict=True))
    other_name = {"ICT": "islamabad", "Malakand Protected Area": "malakand"}
    for row in read(shared_facts / "census2023_households_by_district.csv"):
        slug = other_name.get(row["District"], row["District"].lower().replace(" ", "-"))
        assert ours[f"pk-{slug}"] == float(row["Pop2023"]), row["District"]


def test_hours_without_supply_follow_the_published_feeder_classes(pack: dict[str, pl.DataFrame]) -> None:
    low = (156 * 2 + 135 * 6 + 96 * 7) / (156 + 135 + 96)
    high = (143 * 12 + 157 * 16 + 159 * 20) / (143 + 157 + 159)
    listed = pack["grid_companies"].filter(pl.col("n_feeders") > 0)
    assert listed.height == 6
    for row in listed.iter_rows(named=True):
        share = row["n_feeders_over_10h"] / row["n_feeders"]
        assert row["outage_h_per_day"] == pytest.approx(high * share + low * (1 - share), abs=0.006)


def test_the_pack_lies_over_the_common_catalogue(pack: dict[str, pl.DataFrame]) -> None:
    common = load_pack(PACKS_FOLDER / "common")
    assert set(common["equipment"]["equipment_id"]) <= set(pack["equipment"]["equipment_id"])
    fibre = pack["equipment"].filter(pl.col("equipment_id") == "fibre_buried_km")
    assert fibre["source_id"].to_list() == ["usf_press"]
    assert pack["equipment"]["equipment_id"].n_unique() == pack["equipment"].height


def test_no_file_of_the_pack_is_large() -> None:
    assert all(path.stat().st_size < LARGEST_FILE_BYTES for path in PACK.iterdir())
    assert read_record(PACK).country_id == "PK"


def test_all_faults_of_a_pack_are_named_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "nowhere"
    folder.mkdir()
    (folder / "pack.toml").write_text('name = "Nowhere"\ncountry_id = "xx1"\nversoin = "1"\n', encoding="utf-8")
    (folder / "events.csv").write_text(
        "event_id,at_utc,kind,what,duration_h,evidence,source_id\n"
        "a,2020-01-01,flod,Flood,-3,published,nobody\n"
        "a,2020-01-02,flood,Flood,two,published,nobody\n",
        encoding="utf-8",
    )
    (folder / "sources.csv").write_text("source_id,title,publisher,kind\nx,T,P,published\n", encoding="utf-8")
    (folder / "distrits.csv").write_text("district_id\na\n", encoding="utf-8")
    (folder / "cables.csv").write_text("cable_id,name\na,b,c,d\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_pack(folder)
    found = {(problem.file, problem.row, problem.column) for problem in caught.value.problems}
    assert {
        ("nowhere/pack.toml", None, "versoin"),
        ("nowhere/pack.toml", None, "country_id"),
        ("nowhere/events.csv", 1, "kind"),
        ("nowhere/events.csv", 2, "duration_h"),
        ("nowhere/events.csv", 2, "event_id"),
        ("nowhere/events.csv", 1, "source_id"),
        ("nowhere/events.csv", 2, "source_id"),
        ("nowhere/distrits.csv", None, None),
    } <= found
    assert any(problem.file == "nowhere/cables.csv" for problem in caught.value.problems)
    assert all(problem.cure for problem in caught.value.problems)


def test_an_unknown_parent_is_named(tmp_path: Path) -> None:
    text = 'name = "A"\ncountry_id = "AA"\nversion = "1"\nextends = "comon"\n'
    (tmp_path / "pack.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="no pack"):
        load_pack(tmp_path)


def test_every_table_of_the_pack_is_one_of_the_schema() -> None:
    assert {path.stem for path in PACK.glob("*.csv")} <= set(base_schemas())
