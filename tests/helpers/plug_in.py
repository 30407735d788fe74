"""A small third-party engine on disk, for tests of the registry, the cache and the explanations."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING

from rahdari.run.registry import GROUP

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = """
name = "{name}"
title = "Counts people"
version = 1
fidelity = "simple"
entry = "{package}.engine:count"
params = "{package}.params:CountParams"
reads = ["places"]
writes = ["{table}"]
summary = "Counts people."
"""
ENGINE = """
import polars as pl
from rahdari.model import EngineResult
from .helper import twice

def count(tables, params, ctx):
    weight = pl.col("n_people") * twice() * params.share_frac
    frame = tables["places"].select("place_id", weight.alias("weight_ratio"))
    return EngineResult({{"{table}": frame}})
"""
PARAMS = """
from pydantic import Field
from rahdari.model import Params

class CountParams(Params):
    share_frac: float = Field(0.5, ge=0, le=1, description="Share of people that count")
"""
SCHEMA = """column,type,unit,default,description,status,formula
place_id,key:places,,,Place,key,
weight_ratio,float,ratio,,Weight of the place,result,places.n_people * 2 * params.share_frac
"""


@dataclass(frozen=True)
class PlugIn:
    """Where a test's engine lies and how it is announced."""

    folder: Path
    point: EntryPoint


def write_plug_in(root: Path, package: str, *, name: str = "counter", table: str = "counted") -> PlugIn:
    """Write the package of one engine below ``root``, which must be on the module path."""
    folder = root / package
    (folder / "tables").mkdir(parents=True)
    files = {
        "__init__.py": "",
        "manifest.toml": MANIFEST.format(name=name, package=package, table=table),
        "engine.py": ENGINE.format(table=table),
        "helper.py": "def twice():\n    return 2\n",
        "params.py": PARAMS,
        "README.md": "Counts.",
        f"tables/{table}.csv": SCHEMA,
        "rates.csv": "a,b\n1,2\n",
    }
    for file, text in files.items():
        (folder / file).write_text(text, encoding="utf-8")
    return PlugIn(folder, EntryPoint(name, package, GROUP))
