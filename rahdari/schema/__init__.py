"""The tables of a network, one CSV a table, one row a column: the single truth about them.

Loading, checking, defaults, the data dictionary, the JSON of the API and the labels of
the map are all made from these files.
"""

from __future__ import annotations

from rahdari.schema.loader import Column, TableSchema, base_schemas, read_schema, schemas_in, table_schema

__all__ = ["Column", "TableSchema", "base_schemas", "read_schema", "schemas_in", "table_schema"]
