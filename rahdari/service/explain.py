"""Walk a number down to its sources: formula by formula, table by table."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from rahdari.errors import InputError, Problem
from rahdari.methods.formula import Scope, Term, Value, evaluated
from rahdari.service.requests import ExplainNode, ExplainRequest
from rahdari.store.query import OWNER, Clearance, PlanReader
from rahdari.units import unit_of

if TYPE_CHECKING:
    from collections.abc import Mapping

GATHERED = "indicators"
N_NEAR = 3  # rows offered as a cure
Cell = tuple[str, tuple[Value, ...], str]


@dataclass
class Explainer:
    """Explains cells of one plan; a cell that occurs again is told once."""

    reader: PlanReader
    _told: set[Cell] = field(default_factory=set)
    _rows: dict[tuple[str, tuple[Value, ...]], dict[str, Value] | None] = field(default_factory=dict)

    def engine_of(self, table: str, row: Mapping[str, Value] | None = None) -> dict[str, Any]:
        """Return the record of the engine that wrote a row; empty for input tables."""
        writer = self.reader.manifest["tables"][table]["writer"]
        if table == GATHERED and row is not None:
            writer = row.get("engine")
        return next((record for record in self.reader.manifest["engines"] if record["name"] == writer), {})

    def keys_of(self, table: str) -> tuple[str, ...]:
        """Return the key columns of a table."""
        return self.reader.schema(table).key

    def row(self, table: str, keys: Mapping[str, Value]) -> dict[str, Value] | None:
        """Return the row with the given keys, or ``None``."""
        names = self.keys_of(table)
        wanted = tuple(keys.get(name) for name in names)
        if (table, wanted) not in self._rows:
            found = self.reader.rows(table, dict(zip(names, wanted, strict=True)))
            self._rows[table, wanted] = found.row(0, named=True) if found.height else None
        return self._rows[table, wanted]

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
        """Return the explanation of one cell, ``depth`` steps deep; below that, and for cells told before, none."""
        schema = self.reader.schema(table)
        described = schema.column(column)
        record = self.engine_of(table, row)
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
        cell: Cell = (table, tuple(row[name] for name in schema.key), column)
        change = self.change(*cell)
        if table == GATHERED:
            node |= self._indicator(row, record, column)
        elif change is not None:
            node |= {"how": f"set by the scenario: {change['reason']}", "source": None}
        elif described.formula and value is not None:
            node |= self._computed(cell, described.formula, row, depth)
        elif record:
            node |= self._chosen(record, is_empty=value is None)
            # A row that says why it was chosen says it here too.
            if row.get("why") and column != "why":
                node["how"] = f"{row['why']}; {node['how']}"
        else:
            node["how"] = f"{node['evidence'] or 'stated'} fact of the country"
        return ExplainNode(**node)

    def _computed(self, cell: Cell, formula: str, row: Mapping[str, Any], depth: int) -> dict[str, Any]:
        """Return how a formula gave a cell, with the explanation of its terms."""
        table = cell[0]
        record = self.engine_of(table)
        how = f"computed by engine {record['name']}" if record else "derived"
        try:
            value, terms = evaluated(formula, self.scope(table, row))
        except InputError as error:
            # A term may lie above the reader's clearance: then not even its name is told.
            why = error.problems[0].what if self.reader.sees_everything else "a term lies above your clearance"
            return {"how": f"{how}; not recomputed here: {why}"}
        if depth <= 0:
            return {"how": how, "recomputed_value": value}
        if cell in self._told:
            return {"how": f"{how}; explained above", "recomputed_value": value}
        self._told.add(cell)
        below = [self.term(term, depth - 1, record) for term in terms]
        return {"how": how, "recomputed_value": value, "terms": below}

    def _chosen(self, record: Mapping[str, Any], *, is_empty: bool) -> dict[str, Any]:
        """Return how an engine found or chose a cell that no formula gives."""
        what = "left empty" if is_empty else "found or chosen"
        how = f"{what} by engine {record['name']} from {', '.join(record['reads'])}"
        names = [item["name"] for item in record["certificates"]]
        if names and not is_empty:
            how += f"; proved by {', '.join(names)}"
        return {"how": how, "certificates": [] if is_empty else record["certificates"]}

    def _indicator(self, row: Mapping[str, Any], record: Mapping[str, Any], column: str) -> dict[str, Any]:
        """Return how an engine came to an indicator: its formula in words, range, certainty and proofs."""
        if column not in {"value", "value_low", "value_high"}:
            return {"how": f"said by engine {row['engine']} of its indicator", "engine": row["engine"]}
        return {
            "how": f"{row['how_sure']} by engine {row['engine']}",
            "engine": row["engine"],
            "fidelity": row["fidelity"],
            "evidence": row["how_sure"],
            "unit": row["unit"],
            "description": row["name"],
            "formula": row["formula"],
            "value_low": row["value_low"],
            "value_high": row["value_high"],
            "certificates": record.get("certificates", []),
        }

    def term(self, term: Term, depth: int, record: Mapping[str, Any]) -> ExplainNode:
        """Return the explanation of one term of a formula in a table that the engine of ``record`` wrote."""
        if term.table == "params":
            return _parameter(term, record)
        if term.table is None or term.column is None:
            unit = unit_of(term.name) or ""
            return ExplainNode(name=term.name, value=term.value, unit=unit, how="constant of the plan")
        row = self.row(term.table, dict(term.key))
        if row is None:
            return ExplainNode(name=term.name, value=term.value, unit="", table=term.table, column=term.column)
        return self.cell(term.table, row, term.column, depth)

    def change(self, table: str, key: tuple[Value, ...], column: str) -> dict[str, Any] | None:
        """Return the scenario's last change of a cell, if it made one."""
        changes: list[dict[str, Any]] = self.reader.manifest["scenario"].get("changes", [])
        cell = (table, str(key[0]), column)
        made = [item for item in changes if (item["table"], item["key"], item["column"]) == cell]
        return made[-1] if made else None

    def source(self, row: Mapping[str, Value]) -> dict[str, Any] | None:
        """Return the row of ``sources`` that a fact row names."""
        source_id = row.get("source_id")
        return self.row("sources", {"source_id": source_id}) if source_id else None


def _parameter(term: Term, record: Mapping[str, Any]) -> ExplainNode:
    """Return what a parameter of an engine is and means."""
    name = str(term.column)
    return ExplainNode(
        name=term.name,
        value=term.value,
        unit=unit_of(name) or "",
        table="params",
        column=name,
        description=record.get("params_described", {}).get(name, ""),
        how=f"parameter of engine {record['name']}",
        engine=record["name"],
    )


def _near_rows(frame: pl.DataFrame, key: str, wanted: str) -> str:
    """Return a few keys like the one asked for, also by the name of the row."""
    keys = frame[key].cast(pl.String())
    texts = [keys] + ([frame["name"].cast(pl.String())] if "name" in frame.columns else [])
    for text in texts:
        found = frame.filter(text.str.to_lowercase().str.contains(wanted.lower(), literal=True).fill_null(value=False))
        if found.height:
            return ", ".join(found[key].cast(pl.String()).unique().sort()[:N_NEAR])
    near = difflib.get_close_matches(wanted, keys.unique().sort().to_list(), n=N_NEAR)
    return ", ".join(near or keys.unique().sort()[:N_NEAR].to_list())


def _row(frame: pl.DataFrame, keys: tuple[str, ...], request: ExplainRequest) -> dict[str, Any]:
    strange = [name for name in request.at if name not in keys]
    if strange:
        cure = f"use one of {', '.join(keys)}"
        raise InputError([Problem(f"{request.table} has no key '{name}'", cure) for name in strange])
    wanted = {keys[0]: request.row_id, **request.at}
    chosen = frame
    for name, value in wanted.items():
        left = chosen.filter(chosen[name].cast(pl.String()) == value)
        if not left.height:
            some = _near_rows(chosen, name, value) if chosen.height else ""
            cure = f"such rows are {some}" if some else "the table is empty"
            raise InputError(Problem(f"{request.table} has no row with {name} = '{value}'", cure))
        chosen = left
    # Several rows remain where a later key was not given: the last one is the latest year.
    row: dict[str, Any] = chosen.sort(list(keys)).row(-1, named=True)
    return row


def explain(request: ExplainRequest, clearance: Clearance = OWNER) -> ExplainNode:
    """Return one cell and the chain below it; an unknown table, row or column names the nearest ones as cure."""
    reader = PlanReader(request.plan, clearance)
    schema = reader.schema(request.table)
    schema.column(request.column)
    row = _row(reader.table(request.table), schema.key, request)
    return Explainer(reader).cell(request.table, row, request.column, request.depth)
