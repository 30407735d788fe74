"""Element sets of real satellites: they take the place of the filed shells of their constellation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rahdari.errors import InputError
from rahdari.methods.constellation import MeanElements
from rahdari.schema import base_schemas
from rahdari.schema.checks import conform
from rahdari.sources.imports.common import Findings, finished, source_id_of
from rahdari.sources.orbits import read_constellation

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rahdari.sources.imports.common import ImportResult

TABLE = "orbit_elements"
#: How the names of a constellation's satellites begin in the catalogue.
PREFIXES = {
    "STARLINK": "starlink_gen1",
    "ONEWEB": "oneweb",
    "KUIPER": "amazon_leo",
    "HULIANWANG": "guowang",
    "QIANFAN": "qianfan",
}


def _constellation_of(name: str) -> str | None:
    upper = name.upper().removeprefix("0 ")
    return next((value for key, value in PREFIXES.items() if upper.startswith(key)), None)


def read_orbits(path: Path, tables: Mapping[str, pl.DataFrame]) -> ImportResult:
    """Return ``orbit_elements`` with the satellites of a TLE or OMM file; other constellations keep what they had.

    Damaged records are refused with their lines.  Satellites of no known constellation are left out, counted.
    """
    findings = Findings(path.name)
    made: dict[str, pl.DataFrame] = {}
    n_rows = 0
    try:
        fleet = read_constellation(path)
    except InputError as error:
        findings.problems += error.problems
        return finished(path, "orbits", findings, tables={}, old=tables, n_rows=0)
    findings.warnings += fleet.warnings
    orbits, n_rows = fleet.orbits, len(fleet)
    owner = [_constellation_of(name) for name in fleet.satellite_name]
    if isinstance(orbits, MeanElements) and any(owner):
        frame = pl.DataFrame(
            {
                "satellite_number_id": [str(number) for number in fleet.satellite_id.tolist()],
                "satellite_name": list(fleet.satellite_name),
                "constellation_id": owner,
                "epoch_days_value": orbits.epoch_day,
                "epoch_day_frac": orbits.epoch_frac,
                "motion_value": orbits.motion_per_day,
                "eccentricity_ratio": orbits.eccentricity_ratio,
                "inclination_deg": orbits.inclination_deg,
                "node_deg": orbits.node_deg,
                "perigee_deg": orbits.perigee_deg,
                "anomaly_deg": orbits.anomaly_deg,
                "drag_value": orbits.drag_bstar,
            }
        ).with_columns(evidence=pl.lit("published"), source_id=pl.lit(source_id_of(path, "orbits")))
        n_left = frame["constellation_id"].null_count()
        if n_left:
            findings.warnings.append(f"{n_left:,} satellites of no constellation of the plan are left out")
        own = conform(frame.drop_nulls("constellation_id"), base_schemas()[TABLE])
        old = tables.get(TABLE, own.clear())
        kept = old.filter(~pl.col("constellation_id").is_in(own["constellation_id"].unique().to_list()))
        made[TABLE] = pl.concat([kept, own]).unique("satellite_number_id", keep="last").sort("satellite_number_id")
    else:
        known = ", ".join(PREFIXES)
        findings.add("no satellite belongs to a constellation of the plan", f"give one whose names begin with {known}")
    return finished(path, "orbits", findings, tables=made, old=tables, n_rows=n_rows)
