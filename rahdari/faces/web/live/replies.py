"""Answers of the live application: JSON by orjson, problems with their cure, CSV that no spreadsheet runs."""

from __future__ import annotations

import csv
import io
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson
from fastapi.responses import JSONResponse

from rahdari.errors import InputError, RahdariError
from rahdari.store.spreadsheet import safe_cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fastapi import Request, Response

CSV_ROWS = 1_000  # of one piece sent


class OrjsonResponse(JSONResponse):
    """JSON written by orjson."""

    def render(self, content: Any) -> bytes:  # noqa: ANN401 - as the base class has it
        """Return the bytes of the body."""
        return orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)


def problems_of(_request: Request, error: Exception) -> Response:
    """Return an error with all its problems: 422 where the request is wrong, 503 where the server cannot now."""
    if not isinstance(error, RahdariError):
        raise error
    status = HTTPStatus.UNPROCESSABLE_ENTITY if isinstance(error, InputError) else HTTPStatus.SERVICE_UNAVAILABLE
    body = {"ok": False, "errors": [each.as_dict() for each in error.problems]}
    return OrjsonResponse(body, status_code=status)


def csv_rows(names: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield a CSV file piece by piece."""
    held = io.StringIO()
    writer = csv.writer(held, lineterminator="\r\n")
    writer.writerow(names)
    for number, row in enumerate(rows, start=1):
        writer.writerow([safe_cell(value) for value in row])
        if number % CSV_ROWS == 0:
            yield held.getvalue()
            held.seek(0)
            held.truncate()
    yield held.getvalue()


__all__ = ["OrjsonResponse", "csv_rows", "problems_of"]
