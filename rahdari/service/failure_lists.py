"""Failures to design against: every link alone, none, or a CSV file of links and nodes that fail together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods.survivable import Failure

if TYPE_CHECKING:
    from rahdari.sources.imports.common import Findings

WORDS = ("links", "none")
COLUMNS = FAILURE, LINK, NODE, SHARE = "failure_id", "link_id", "node_id", "share_frac"


def failures_of(given: str) -> str | list[Failure]:
    """Return ``links`` or ``none`` as they are, or the failures of a CSV file, in the order of their names.

    A row adds the link ``link_id`` or the node ``node_id`` to the failure ``failure_id``; ``share_frac`` (1 where
    empty) is the share of every demand that must survive it, the same in all rows of a failure.  Raises InputError with
    every faulty row.
    """
    from rahdari.sources.imports.common import Findings, read_csv

    if given in WORDS:
        return given
    path = Path(given)
    if not path.is_file():
        cure = "give links, none, or a CSV file with columns failure_id and link_id or node_id"
        raise InputError(Problem(f"there is no file '{given}'", cure, column="failures"))
    findings = Findings(path.name)
    frame = read_csv(path, findings)
    raise_if_any(findings.problems)
    if FAILURE not in frame.columns or not {LINK, NODE} & set(frame.columns):
        findings.add(f"the columns are {', '.join(frame.columns)}", f"name them {', '.join(COLUMNS)}")
        raise_if_any(findings.problems)
    wanted = [pl.col(name) if name in frame.columns else pl.lit("").alias(name) for name in COLUMNS]
    rows = frame.select(wanted).with_columns(pl.all().fill_null("").str.strip_chars())
    shares = _shares(rows, findings)
    raise_if_any(findings.problems)
    return [
        Failure(
            str(name),
            frozenset(group[LINK].to_list()) - {""},
            frozenset(group[NODE].to_list()) - {""},
            float(group["share"][0]),
        )
        for (name,), group in rows.with_columns(share=shares).sort(FAILURE).group_by(FAILURE, maintain_order=True)
    ]


def _shares(rows: pl.DataFrame, findings: Findings) -> pl.Series:
    """Return (n,) the share of each row; a row without failure or member, and shares that cannot be, are faults."""
    findings.rows((rows[FAILURE] == "").to_numpy(), "the failure has no name", "name it", FAILURE)
    is_bare = ((rows[LINK] == "") & (rows[NODE] == "")).to_numpy()
    findings.rows(is_bare, "neither a link nor a node is named", "name one", LINK)
    share = pl.when(rows[SHARE] == "").then(pl.lit("1")).otherwise(rows[SHARE]).cast(pl.Float64, strict=False)
    values = rows.select(share=share)["share"]
    given = values.fill_null(np.nan).to_numpy()
    findings.rows(~((given >= 0.0) & (given <= 1.0)), "the share is no number from 0 to 1", "correct it", SHARE)
    first = rows.select(pl.col(FAILURE), share=values).select(pl.col("share").first().over(FAILURE))["share"]
    differs = (first != values).fill_null(value=False).to_numpy()
    findings.rows(differs, "the share differs from that of the failure's first row", "give one share", SHARE)
    return values
