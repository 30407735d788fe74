"""The fictional plan with rows above clearances: what is marked must never be seen below them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl
import shapely

from rahdari.store.query import PlanReader
from tests.helpers.fake_plan import write_fake_plan

if TYPE_CHECKING:
    from pathlib import Path

N_PLACES, N_LINKS = 120, 24
#: Place, name, label and compartments of the rows that are not for everybody.
SECRET, RESTRICTED, BOXED, COARSE = "zz-000007", "zz-000008", "zz-000009", "zz-000010"
PLACE_LABELS = {SECRET: ("secret", ""), RESTRICTED: ("restricted", ""), BOXED: ("internal", "water;power")}
PLACE_NAMES = {SECRET: "Zebrafinch", RESTRICTED: "Ocelotville", BOXED: "Narwhalton", COARSE: "Quokkaburg"}
SECRET_SITE, SECRET_LINK = "site-hush", "l-00003"
SITE_NAME = "Axolotl depot"
COARSE_DEG = 0.5
PLACE = (67.123457, 28.765432)  # where the coarse place really is
SECRET_AT = (66.543211, 29.234567)


def _rewrite(folder: Path, name: str, frame: pl.DataFrame) -> None:
    """Write a table of a plan anew, labels in its file only."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    record = manifest["tables"][name]
    frame.write_parquet(folder / record["file"])
    record["n_rows"] = frame.height
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def _moved(frame: pl.DataFrame, key: str, row_id: str, at: tuple[float, float]) -> pl.DataFrame:
    here = pl.col(key) == row_id
    return frame.with_columns(
        pl.when(here).then(at[0]).otherwise("lon_deg").alias("lon_deg"),
        pl.when(here).then(at[1]).otherwise("lat_deg").alias("lat_deg"),
    )


def _label(frame: pl.DataFrame, key: str, levels: dict[str, str]) -> pl.DataFrame:
    return frame.with_columns(pl.col(key).replace_strict(levels, default="public").alias("classification"))


def write_labelled_plan(folder: Path) -> Path:
    """Write the plan and return its folder; labels stand on places, sites and links, and one place is coarse."""
    plan = write_fake_plan(folder, n_places=N_PLACES, n_links=N_LINKS)
    reader = PlanReader(plan)
    frames = {name: reader.table(name) for name in ("places", "sites", "links", "landmarks")}
    places = frames["places"].with_columns(
        pl.col("place_id").replace_strict(PLACE_NAMES, default=None).fill_null(pl.col("name")).alias("name"),
        pl.col("place_id")
        .replace_strict({k: c for k, (_, c) in PLACE_LABELS.items()}, default="")
        .alias("compartments"),
        pl.when(pl.col("place_id") == COARSE).then(COARSE_DEG).alias("coarsen_deg"),
    )
    places = _label(places, "place_id", {key: level for key, (level, _) in PLACE_LABELS.items()})
    _rewrite(plan, "places", _moved(_moved(places, "place_id", COARSE, PLACE), "place_id", SECRET, SECRET_AT))
    sites = frames["sites"]
    hush = sites.head(1).with_columns(site_id=pl.lit(SECRET_SITE), name=pl.lit(SITE_NAME))
    _rewrite(plan, "sites", _label(pl.concat([sites, hush]), "site_id", {SECRET_SITE: "secret"}))
    _rewrite(plan, "links", _label(frames["links"], "link_id", {SECRET_LINK: "restricted"}))
    guide = frames["landmarks"].head(1).with_columns(landmark_id=pl.lit("gate"), name=pl.lit(f"Road to {SITE_NAME}"))
    _rewrite(plan, "landmarks", pl.concat([frames["landmarks"], guide]))
    line = shapely.from_wkb(frames["links"].filter(pl.col("link_id") == SECRET_LINK)["geometry"][0])
    report = f"<!doctype html><html><body><h1>Report</h1>{SITE_NAME} {PLACE_NAMES[SECRET]} {line.length}</body></html>"
    (plan / "report.html").write_text(report, encoding="utf-8")
    manifest = json.loads((plan / "manifest.json").read_text(encoding="utf-8"))
    manifest["engines"][1]["notes"] = [f"{SITE_NAME} has one way only."]
    manifest["engines"][0]["certificates"] = [{
        "name": f"Tree to {PLACE_NAMES[SECRET]}", "cost": 1.0, "lower_bound": None, "gap_frac": None, "unit": "km",
        "method": "none", "note": "",
    }]  # fmt: skip
    change = {"table": "places", "key": SECRET, "column": "n_people", "reason": f"{PLACE_NAMES[SECRET]} grows"}
    manifest["scenario"]["changes"] = [change, {**change, "key": "zz-000001", "reason": "a census"}]
    manifest["tables"]["indicators"]["writer"] = "rahdari"  # as a run writes it
    manifest["plan_digest"] = "feedbeef" * 5
    (plan / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return plan
