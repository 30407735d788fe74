from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from rahdari.errors import InputError
from rahdari.schema import base_schemas
from rahdari.schema.checks import conform, reference_problems
from rahdari.sources.country import GATHERED, country_tables
from rahdari.sources.pack import PACKS_FOLDER

if TYPE_CHECKING:
    from pathlib import Path

    Frames = dict[str, pl.DataFrame]


@pytest.fixture(scope="session", params=["kenya", "nepal", "pakistan"])
def country(request: pytest.FixtureRequest, data_cache: Path, atlas_file: Path) -> Frames:
    assert atlas_file.is_file()
    if request.param == "nepal":
        return country_tables("NP", n_places=1000, cache_dir=data_cache)
    made: Frames = request.getfixturevalue(request.param)
    return made


def test_every_input_table_is_there_and_as_its_schema_says(country: Frames) -> None:
    schemas = base_schemas()
    assert set(country) == set(schemas) - set(GATHERED)
    for name, frame in country.items():
        assert conform(frame, schemas[name]).equals(frame)


def test_every_reference_leads_somewhere_and_every_fact_to_its_source(country: Frames) -> None:
    assert reference_problems(country, base_schemas()) == []


def test_people_and_households_sum_to_the_nation(country: Frames) -> None:
    for column in ("n_people", "n_households"):
        nation = country["country"][column][0]
        assert country["districts"][column].sum() == nation
        assert country["places"][column].sum() == nation


def test_what_is_modelled_is_labelled(country: Frames) -> None:
    assert country["places"].filter(pl.col("kind") == "village")["evidence"].unique().to_list() == ["synthetic"]
    assert set(country["links"].filter(pl.col("row_id").is_not_null())["evidence"]) <= {"synthetic", "assumed"}
    assert set(country["rights_of_way"]["evidence"]) <= {"derived", "assumed"}


def test_every_country_reaches_the_world_by_some_international_link(country: Frames) -> None:
    assert country["cables"].height > 0
    assert country["links"].filter(pl.col("tier") == "international").height > 0


def test_the_boundary_note_stands_in_every_country(country: Frames) -> None:
    assert "do not imply any opinion on legal status" in country["country"]["boundary_note"][0]


def test_kenya_is_made_from_packages_alone(kenya: Frames) -> None:
    assert kenya["country"]["name"][0] == "Kenya"
    assert kenya["places"].filter(pl.col("name") == "Nairobi").height >= 1
    assert kenya["landmarks"].filter(pl.col("landmark_id") == "ke-port-kemba").height == 1
    assert set(kenya["districts"]["evidence"]) == {"assumed"}
    assert kenya["equipment"].height > 20


@pytest.mark.usefixtures("atlas_file")
def test_a_landlocked_country_gets_crossings_and_no_sea_cable(data_cache: Path) -> None:
    nepal = country_tables("Nepal", n_places=500, cache_dir=data_cache)
    assert nepal["landmarks"].filter(pl.col("kind") == "port").is_empty()
    assert set(nepal["cables"]["kind"]) == {"terrestrial"}


def test_the_same_country_comes_out_twice(kenya: Frames, data_cache: Path) -> None:
    again = country_tables("KE", n_places=2000, cache_dir=data_cache)
    assert all(again[name].equals(frame) for name, frame in kenya.items())


def test_dry_ports_inland_are_no_sea_ports(pakistan: Frames) -> None:
    ports = set(pakistan["landmarks"].filter(pl.col("kind") == "port")["name"])
    assert "Port of Karachi" in ports
    assert not ports & {"Lahore", "Sialkot"}


def test_pakistan_meets_its_published_totals(pakistan: Frames) -> None:
    towers = pakistan["sites"].filter(pl.col("kind") == "tower")
    assert towers.height == 58_423
    assert towers["is_fibre"].mean() == pytest.approx(0.179, abs=1e-4)
    assert pakistan["links"].filter(pl.col("tier") == "long_haul")["length_km"].sum() == pytest.approx(75_967, abs=5)


def test_regions_as_administered_lie_on_the_map_and_hold_people(pakistan: Frames) -> None:
    people = pakistan["places"].join(pakistan["districts"].select("district_id", "region"), on="district_id")
    by_region = dict(people.group_by("region").agg(pl.col("n_people").sum()).iter_rows())
    assert by_region["Gilgit-Baltistan"] > 1_000_000
    assert by_region["Azad Jammu and Kashmir"] > 3_000_000


def test_motorways_carry_their_names(pakistan: Frames) -> None:
    named = (
        pakistan["rights_of_way"].filter(pl.col("kind") == "motorway").group_by("name").agg(pl.col("length_km").sum())
    )
    km = {name.split(" ")[0]: length for name, length in named.iter_rows()}
    published = dict(pakistan["motorways"].select("motorway_id", "length_km").iter_rows())
    assert {"M-1", "M-2"} <= set(km)
    for name, length in km.items():
        assert length == pytest.approx(published[name], rel=0.25)


def test_a_given_table_replaces_what_would_be_made(kenya: Frames, data_cache: Path) -> None:
    fewer = kenya["sites"].head(100)
    given = {"places": kenya["places"], "sites": fewer}
    built = country_tables("KE", n_places=2000, cache_dir=data_cache, imports=given)
    assert built["sites"].equals(fewer)
    assert built["places"].equals(kenya["places"])


def test_an_unknown_country_is_refused_with_a_cure(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"did you mean.*Kenya"):
        country_tables("Kenia", cache_dir=tmp_path)


def test_a_missing_pack_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        country_tables("PK", cache_dir=tmp_path, pack_folder=PACKS_FOLDER / "nowhere")


@pytest.mark.usefixtures("atlas_file")
def test_progress_is_told_from_the_first_step_to_the_last(data_cache: Path) -> None:
    told: list[tuple[int, int, str]] = []
    country_tables(
        "KE", n_places=200, cache_dir=data_cache, progress=lambda done, total, text: told.append((done, total, text))
    )
    assert [done for done, _, _ in told] == list(range(told[0][1]))
    assert all(text for _, _, text in told)
