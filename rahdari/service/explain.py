"""Walk a number down to its sources: formula by formula, table by table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rahdari.errors import InputError, Problem
from rahdari.methods.formula import Scope, Term, Value, evaluated
from rahdari.service.requests import ExplainNode, ExplainRequest
from rahdari.store.query import OWNER, Clearance, PlanReader

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

BYTES_SHOWN = "geometry"


@dataclass
class Explainer:
    """Explains cells of one plan; row look-ups are indexed once per table."""

    reader: PlanReader
    _indexes: dict[str, dict[tuple[Value, ...], int]] = field(default_factory=dict)

    def engine_of(self, table: str) -> dict[str, Any]:
        """Return the record of the engine that wrote a table; empty for input tables."""
        writer = self.reader.manifest["tables"][table]["writer"]
        return next((record for record in self.reader.manifest["engines"] if record["name"] == writer), {})

    def keys_of(self, table: str) -> tuple[str, ...]:
        """Return the key columns of a table."""
        return self.reader.schema(table).key

    def row(self, table: str, keys: Mapping[str, Value]) -> dict[str, Value] | None:
        """Return the row with the given keys, or ``None``."""
        frame = self.reader.table(table)
        names = self.keys_of(table)
        if table not in self._indexes:
            columns = [frame[name].to_list() for name in names]
            self._indexes[table] = {key: row for row, key in enumerate(zip(*columns, strict=True))}
        row = self._indexes[table].get(tuple(keys.get(name) for name in names))
        return None if row is None else frame.row(row, named=True)

    def scope(self, table: str, row: Mapping[str, Value]) -> Scope:
        """Return what names mean in the formulas of one row."""
        record = self.engine_of(table)
        years = self.reader.manifest["scenario"]["years"]
        return Scope(
            table=table,
            row=row,
            keys_of=self.keys_of,
            lookup=self.row,
            params=record.get("params", {}),
            constants={"year_base": years[0], "year_end": years[-1]},
        )

    def cell(self, table: str, row: Mapping[str, Any], column: str, depth: int) -> ExplainNode:
        """Return the explanation of one cell, ``depth`` steps deep."""
        schema = self.reader.schema(table)
        described = schema.column(column)
        record = self.engine_of(table)
        value = row[column]
        node: dict[str, Any] = {
            "name": f"{table}.{column}",
            "value": "(geometry)" if isinstance(value, bytes) else value,
            "unit": described.unit,
            "table": table,
            "key": {name: row[name] for name in schema.key},
            "column": column,
            "description": described.description,
            "formula": described.formula,
            "engine": record.get("name", ""),
            "fidelity": record.get("fidelity", ""),
            "evidence": str(row.get("evidence") or ""),
            "source": self.source(row),
        }
        terms: tuple[Term, ...] = ()
        if described.formula:
            _, terms = evaluated(described.formula, self.scope(table, row))
            node["how"] = f"computed by engine {record['name']}" if record else "derived"
        elif record:
            node["how"] = f"found or chosen by engine {record['name']} from {', '.join(record['reads'])}"
            certificates = [item["name"] for item in record["certificates"]]
            if certificates:
                node["how"] += f"; proved by {', '.join(certificates)}"
        else:
            node["how"] = f"{node['evidence'] or 'stated'} fact of the country"
        node["terms"] = [self.term(term, depth - 1, (table, column)) for term in terms] if depth > 0 else []
        return ExplainNode(**node)

    def term(self, term: Term, depth: int, above: tuple[str, str]) -> ExplainNode:
        """Return the explanation of one term of a formula."""
        if term.table is None or term.column is None or term.table == "params":
            how = "parameter of the engine" if term.table == "params" else "constant of the plan"
            return ExplainNode(name=term.name, value=term.value, unit="", how=how, table=term.table)
        if (term.table, term.column) == above:
            return ExplainNode(name=term.name, value=term.value, unit="", table=term.table, column=term.column)
        row = self.row(term.table, dict(term.key))
        if row is None:
            return ExplainNode(name=term.name, value=term.value, unit="", table=term.table, column=term.column)
        return self.cell(term.table, row, term.column, depth)

    def source(self, row: Mapping[str, Value]) -> dict[str, Any] | None:
        """Return the row of ``sources`` that a fact row names."""
        source_id = row.get("source_id")
        return self.row("sources", {"source_id": source_id}) if source_id else None


def _row(frame: pl.DataFrame, keys: tuple[str, ...], request: ExplainRequest) -> dict[str, Any]:
    wanted = {keys[0]: request.row_id, **request.at}
    chosen = frame
    for name, value in wanted.items():
        if name not in frame.columns:
            cure = f"use one of {', '.join(keys)}"
            raise InputError(Problem(f"{request.table} has no column '{name}'", cure))
        chosen = chosen.filter(chosen[name].cast(str) == str(value))
    if not chosen.height:
        near = frame.filter(frame[keys[0]].cast(str).str.contains(request.row_id, literal=True))[keys[0]].unique()
        some = ", ".join(str(value) for value in (near if len(near) else frame[keys[0]].unique()).sort()[:3])
        what = f"{request.table} has no row {wanted}"
        raise InputError(Problem(what, f"such rows are {some}" if some else "the table is empty"))
    # Several rows remain where a later key was not given: the last one is the latest year.
    row: dict[str, Any] = chosen.sort(list(keys)).row(-1, named=True)
    return row


def explain(request: ExplainRequest, clearance: Clearance = OWNER) -> ExplainNode:
    """Return one cell and the chain below it; unknown rows name the nearest ones as cure."""
    reader = PlanReader(request.plan, clearance)
    frame = reader.table(request.table)
    row = _row(frame, reader.schema(request.table).key, request)
    return Explainer(reader).cell(request.table, row, request.column, request.depth)
