"""Protected communications in the report: proofs and cures are shown, labelled rows and identifiers are not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from rahdari.faces.report.blocks import Section, Table
from rahdari.faces.report.content_security import security_section

if TYPE_CHECKING:
    from rahdari.service.plan_view import Plan


@dataclass
class Relabelled:
    """A plan with other tables."""

    tables: dict[str, pl.DataFrame]
    manifest: dict[str, Any] = field(default_factory=lambda: {"engines": []})


def words(section: Section) -> str:
    cells = [cell for block in section.blocks if isinstance(block, Table) for row in block.rows for cell in row]
    return " ".join(f"{cell.text} {cell.second}" for cell in cells)


def test_every_public_pair_stands_there_with_its_proof(small_plan: Plan) -> None:
    section = security_section(small_plan, "ur")
    assert section is not None
    text = words(section)
    for row in small_plan.tables["secure_pairs"].iter_rows(named=True):
        assert row["name"] in text
        assert row["proof"] in text


def test_no_way_node_or_group_is_named(small_plan: Plan) -> None:
    section = security_section(small_plan, "ur")
    assert section is not None
    text = words(section)
    for table, column in (("rights_of_way", "row_id"), ("rights_of_way_nodes", "row_node_id")):
        assert not [name for name in small_plan.tables[table][column].to_list() if name in text]


def test_rows_that_are_not_public_stay_out(small_plan: Plan) -> None:
    tables = {name: small_plan.tables[name] for name in small_plan.reader.names}
    first = tables["secure_pairs"]["pair_id"][0]
    hidden = pl.when(pl.col("pair_id") == first).then(pl.lit("secret")).otherwise(pl.col("classification"))
    for name in ("secure_pairs", "secure_routes", "secure_cures"):
        tables[name] = tables[name].with_columns(classification=hidden)
    section = security_section(Relabelled(tables), "ur")  # type: ignore[arg-type]  # what the section reads of a plan
    assert section is not None
    assert tables["secure_pairs"]["name"][0] not in words(section)
    assert tables["secure_pairs"]["name"][1] in words(section)
    whole = {name: frame for name, frame in tables.items() if name != "secure_pairs"}
    none = tables["secure_pairs"].with_columns(classification=pl.lit("secret"))
    assert security_section(Relabelled({**whole, "secure_pairs": none}), "ur") is None  # type: ignore[arg-type]
