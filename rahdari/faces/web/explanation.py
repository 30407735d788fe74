"""The 'why?' of a cell as JSON: formula, terms, engine, source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rahdari.errors import InputError, Problem
from rahdari.faces.web.rows import _source, label, unit_symbol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rahdari.store.query import PlanReader


def explanation(
    reader: PlanReader, table: str, row_id: str, column: str, at: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return why a cell has its value.

    Raises :class:`InputError` where there is no such table, column or row.
    """
    schema = reader.schema(table)
    described = schema.column(column)
    found = reader.rows(table, {schema.key[0]: row_id, **(at or {})})
    if not found.height:
        raise InputError(Problem(f"{table} has no row '{row_id}'", f"take a {schema.key[0]} of that table"))
    values = found.row(0, named=True)
    writer = reader.manifest["tables"][table].get("writer", "")
    engine = next((each for each in reader.manifest.get("engines", []) if each["name"] == writer), None)
    return {
        "table": table,
        "id": row_id,
        "column": column,
        "label": label(described),
        "value": values[column],
        "unit": unit_symbol(described),
        "description": described.description,
        "formula": described.formula,
        "terms": [],
        "engine": {name: engine.get(name) for name in ("name", "title", "fidelity", "summary")} if engine else None,
        "evidence": values.get("evidence"),
        "source": _source(reader, values),
    }
