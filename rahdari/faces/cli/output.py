"""How responses look in a terminal and as JSON."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import traceback
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
import typer
from pydantic import BaseModel

from rahdari.errors import InputError, PlanError, Problem, RahdariError
from rahdari.service.requests import RESPONSE_VERSION, ExplainNode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rahdari.service.requests import CompareResponse, CountryResponse, DoctorResponse


def _flushed() -> None:
    """Empty the buffers of Python and of the C library, where there is one to ask."""
    sys.stdout.flush()
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).fflush(None)


@contextlib.contextmanager
def kept_clean() -> Iterator[None]:
    """Send what libraries write to the standard output by themselves to the standard error: a solver's word is no JSON.

    Such libraries write past Python, so the file itself is turned over for the time.
    """
    _flushed()
    try:
        kept = os.dup(1)
    except OSError:  # closed: nothing to keep clean
        yield
        return
    try:
        os.dup2(2, 1)
        yield
    finally:
        _flushed()
        os.dup2(kept, 1)
        os.close(kept)


def _plain(response: Any) -> Any:  # noqa: ANN401  # any response
    return response.model_dump(mode="json") if isinstance(response, BaseModel) else response


def print_json(operation: str, response: Any) -> None:  # noqa: ANN401  # any response
    """Print the envelope that every command shares."""
    result = _plain(response)
    is_mapping = isinstance(result, dict)
    envelope = {
        "ok": True,
        "operation": operation,
        "schema_version": RESPONSE_VERSION,
        "result": result,
        "certificates": result.get("certificates", []) if is_mapping else [],
        "warnings": result.get("warnings", []) if is_mapping else [],
        "errors": [],
    }
    typer.echo(orjson.dumps(envelope, default=str, option=orjson.OPT_NON_STR_KEYS).decode())


def print_json_for(operation: str) -> Callable[[Any], None]:
    """Return the printer of one operation's envelope."""
    return partial(print_json, operation)


def _print_failed(operation: str, problems: list[dict[str, Any]]) -> None:
    envelope = {
        "ok": False,
        "operation": operation,
        "schema_version": RESPONSE_VERSION,
        "result": None,
        "certificates": [],
        "warnings": [],
        "errors": problems,
    }
    typer.echo(orjson.dumps(envelope, default=str).decode())


def print_failure(operation: str, error: RahdariError, *, as_json: bool) -> None:
    """Print every problem with file, row, column and cure."""
    if as_json:
        _print_failed(operation, [problem.as_dict() for problem in error.problems])
        return
    count = len(error.problems)
    typer.echo(f"{operation}: {count} problem{'s' if count > 1 else ''}; nothing was written", err=True)
    for problem in error.problems:
        typer.echo(f"  - {problem}", err=True)


def print_unforeseen(operation: str, error: Exception, *, as_json: bool) -> None:
    """Print an error that is ours: its traceback for whoever mends it, and what the user can do."""
    traceback.print_exception(error)
    what = f"internal error, {type(error).__name__}: {error}"
    cure = "report it with the lines above; the plan you had is unharmed"
    print_failure(operation, PlanError(Problem(what, cure)), as_json=as_json)


def pairs(texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield ``name, value`` of each ``name=value``."""
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator:
            raise InputError(Problem(f"'{text}' is no name=value", "write it like year=2030"))
        yield name, value


def number(value: object) -> str:
    """Return a number as people read it; other values as text.

    >>> number(1234567.0), number(0.1234567), number(None), number("x")
    ('1,234,567', '0.1235', '-', 'x')
    """
    if value is None:
        return "-"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int) or (float(value).is_integer() and abs(value) >= 1):
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 1000 else f"{value:.4g}"  # noqa: PLR2004  # from here digits are noise


def proof(certificate: Mapping[str, Any]) -> str:
    """Return a certificate in one line.

    >>> proof({"name": "Tree", "cost": 10.0, "lower_bound": 9.0, "gap_frac": 0.1, "unit": "km", "method": "cuts"})
    'Tree: 10 km, at least 9 by cuts, gap 10.00%'
    """
    cost = f"{certificate['name']}: {number(certificate['cost'])} {certificate['unit']}"
    if certificate["lower_bound"] is None:
        return f"{cost}, no bound known ({certificate['method']})"
    bound = f"at least {number(certificate['lower_bound'])} by {certificate['method']}"
    return f"{cost}, {bound}, gap {certificate['gap_frac']:.2%}"


def print_explanation(node: ExplainNode, indent: int = 0) -> None:
    """Print a cell and, indented below it, all it was made from."""
    pad = "  " * indent
    unit = f" {node.unit}" if node.unit else ""
    key = ", ".join(f"{name}={value}" for name, value in node.key.items())
    line = f"{pad}{node.name} = {number(node.value)}{unit}"
    typer.echo(f"{line}  [{key}]" if key else line)
    if node.description:
        typer.echo(f"{pad}  {node.description}")
    if node.how:
        label = f" ({node.fidelity})" if node.fidelity else ""
        typer.echo(f"{pad}  {node.how}{label}")
    if node.value_low is not None and node.value_high is not None:
        typer.echo(f"{pad}  range {number(node.value_low)} to {number(node.value_high)}{unit}")
    if node.formula:
        typer.echo(f"{pad}  = {node.formula}")
    for item in node.certificates:
        typer.echo(f"{pad}  proof: {proof(item)}")
    if node.source:
        source = node.source
        date = f", {source['published_on']}" if source.get("published_on") else ""
        typer.echo(f"{pad}  source: {source['title']} ({source['publisher']}{date}; {source['kind']})")
    for term in node.terms:
        print_explanation(term, indent + 1)


def print_comparison(response: CompareResponse) -> None:
    """Print the indicators, technologies and settings that differ."""
    typer.echo(f"left  {response.left}\nright {response.right}\n")
    for row in response.differences:
        typer.echo(f"  asked differently: {row['what']}: {row['left']} -> {row['right']}")
    for row in response.inputs:
        typer.echo(f"  other input: {row['table']}: {number(row['left_n_rows'])} -> {number(row['right_n_rows'])} rows")
    for row in response.engines:
        what = "the code" if row["what"] == "code" else f"{row['what']}: {row['left']} -> {row['right']}"
        typer.echo(f"  engine {row['engine']} differs in {what}")
    for row in response.indicators:
        if row["change_value"] != 0:
            values = f"{number(row['left_value'])} -> {number(row['right_value'])} {row['unit']}"
            typer.echo(f"  {row['name']} ({row['year']}): {values}")
    typer.echo(f"\n{response.n_places_changed:,} places change technology")
    for row in response.technology_changes[:10]:
        what = f"{row['technology']} -> {row['technology_right']}"
        typer.echo(f"  {row['year']}: {what}: {row['n_places']:,} places, {row['n_people']:,} people")


def print_doctor(response: DoctorResponse) -> None:
    """Print every check; those that fail carry their cure."""
    for check in response.checks:
        mark = "ok  " if check["is_well"] else "FAIL"
        typer.echo(f"{mark} {check['name']}: {check['found']}")
        if check["cure"]:
            typer.echo(f"     {check['cure']}")
    typer.echo("all is well" if response.is_well else "something needs a cure; see above")


def print_country(response: CountryResponse) -> None:
    """Print what was built and how much of it is observed."""
    pack = f"pack {response.pack}" if response.pack else "packages alone"
    typer.echo(f"{response.country}: {response.n_people:,} people, from {pack}")
    for name, n_rows in response.tables.items():
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in response.evidence.get(name, {}).items())
        typer.echo(f"  {name:<22}{n_rows:>9,}  {kinds}")
    if response.folder:
        typer.echo(f"tables: {response.folder}")


def print_model(response: BaseModel) -> None:
    """Print a response field by field."""
    for name, value in response.model_dump(mode="json").items():
        typer.echo(f"{name}: {value}")


def print_records(records: Mapping[str, Mapping[str, Any]]) -> None:
    """Print one line a record."""
    for name, record in records.items():
        fields = "; ".join(f"{key} {value}" for key, value in record.items() if value not in ("", [], None))
        typer.echo(f"{name}: {fields}")


def print_rows(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print one line a row."""
    for row in rows:
        typer.echo("; ".join(f"{key} {number(value)}" for key, value in row.items()))
