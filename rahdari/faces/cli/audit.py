"""``rahdari audit``, ``sign`` and ``verify``: what was done, and whether it is what somebody signed."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

audit_app = typer.Typer(
    help="The audit log: check it offline, read it.", no_args_is_help=True, rich_markup_mode=None
)  # fmt: skip
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Log = Annotated[Path, typer.Argument(help="The log, or its folder.")]
KeyFile = Annotated[Path | None, typer.Option("--key", help="Public keys to believe; default: that beside the log.")]
Signable = Annotated[Path, typer.Argument(help="Folder of a plan, pack or plug-in, or a file.")]
FOLDER = "audit"
SIGNING_KEY = "signing.key"
MICROS = 1_000_000


def audit_folder(accounts: Path) -> Path:
    """Return the folder of the audit log that goes with accounts."""
    return accounts / FOLDER


def _answer(operation: str, call: Callable[[], Any], show: Callable[[Any], None], *, as_json: bool) -> None:
    from rahdari.faces.cli.main import answer

    answer(operation, call, show, as_json=as_json)


def _when(at_us: int) -> str:
    return dt.datetime.fromtimestamp(at_us / MICROS, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _show(found: Mapping[str, Any]) -> None:
    from rahdari.faces.cli.operating import plain

    for name, value in found.items():
        typer.echo(f"{name}: {plain(str(value))}")


@audit_app.command("verify")
def verify_log(
    path: Log,
    key: KeyFile = None,
    kept: Annotated[list[Path] | None, typer.Option(help="Copy of a signed root kept elsewhere.")] = None,
    as_json: Json = False,
) -> None:
    """Check every record and signed root, offline; the first broken link is named."""

    def call() -> dict[str, Any]:
        from rahdari.store.audit import verify

        found = asdict(verify(path, trusted=key, kept=tuple(kept or ())))
        return {**found, "signed_utc": _when(found.pop("signed_us")), "key_ids": ", ".join(found["key_ids"])}

    _answer("audit verify", call, _show, as_json=as_json)


@audit_app.command("list")
def list_records(
    path: Log,
    kind: Annotated[str | None, typer.Option(help="Only records of this kind, such as export or denial.")] = None,
    who: Annotated[str | None, typer.Option(help="Only what this account did.")] = None,
    last: Annotated[int, typer.Option(help="At most so many, the newest.")] = 50,
    key: KeyFile = None,
    as_json: Json = False,
) -> None:
    """List records; the log is checked while it is read."""

    def call() -> dict[str, Any]:
        from collections import deque

        from rahdari.store.audit import KEY, LOG, records
        from rahdari.store.audit_chain import Chain
        from rahdari.store.keys import PUBLIC_ENDING, read_trusted

        log = path / LOG if path.is_dir() else path
        keys = read_trusted(key or log.with_name(KEY + PUBLIC_ENDING))
        found = records(log, keys, Chain())
        wanted = (row for row in found if kind in {None, row["kind"]} and who in {None, row["who"]})
        return {"records": [{**row, "at_utc": _when(row["at_us"])} for row in deque(wanted, maxlen=max(last, 0))]}

    def show(found: Mapping[str, Any]) -> None:
        from rahdari.faces.cli.operating import plain

        for row in found["records"]:
            facts = " ".join(f"{name}={value}" for name, value in row["what"].items())
            typer.echo(plain(f"{row['n']} {row['at_utc']} {row['kind']} {row['who'] or '-'} {facts}"))

    _answer("audit list", call, show, as_json=as_json)


def sign(
    path: Signable,
    key: Annotated[Path | None, typer.Option("--key", help="Private key; made where there is none.")] = None,
    name: Annotated[str, typer.Option(help="Whose key it is, when it is made.")] = "",
    as_json: Json = False,
) -> None:
    """Sign a plan, country pack, rule pack, plug-in or update; the signature stands beside it."""

    def call() -> dict[str, Any]:
        from rahdari.faces.locations import config_dir
        from rahdari.store.keys import PUBLIC_ENDING, SigningKey
        from rahdari.store.signing import sign as signed
        from rahdari.store.signing import signature_path

        own = key or config_dir() / SIGNING_KEY
        found = signed(path, SigningKey.open(own, name=name))
        told = {"signature": str(signature_path(path)), "public_key": f"{own}{PUBLIC_ENDING}"}
        return {"signed": str(path), "kind": found.kind, "files": found.n_files, "key_id": found.key_id, **told}

    _answer("sign", call, _show, as_json=as_json)


def verify(
    path: Signable,
    trust: Annotated[Path | None, typer.Option(help="File of public keys to believe, one a line.")] = None,
    as_json: Json = False,
) -> None:
    """Check a signature, offline; everything that was changed, added or is missing is named."""

    def call() -> dict[str, Any]:
        from rahdari.errors import InputError, Problem
        from rahdari.faces.locations import config_dir, trust_file
        from rahdari.store.signing import verify_signed

        file = trust or trust_file()
        if file is None:
            cure = f"give --trust, or put public keys into {config_dir() / 'trusted.keys'}"
            raise InputError(Problem("nobody is trusted here", cure))
        found = verify_signed(path, file)
        signer = {"key_id": found.key_id, "signer": found.name, "signed_utc": _when(found.at_us)}
        return {"verified": str(path), "kind": found.kind, "files": found.n_files, **signer}

    _answer("verify", call, _show, as_json=as_json)


def checked(path: Path) -> Path:
    """Return a plan, pack or file that may be used: signed by somebody trusted, where a trust file is set up."""
    from rahdari.faces.locations import trust_file
    from rahdari.store.signing import require_signed

    require_signed(path, trust_file())
    return path


def checked_country(country: str) -> str:
    """Return a country that may be planned: a folder of somebody's is :func:`checked`, what we bring is not."""
    from rahdari.faces.locations import trust_file

    if trust_file() is None:  # nothing to check, and nothing heavy to load for it
        return country
    from rahdari.run.country import is_table_folder
    from rahdari.sources.pack import RECORD_FILE

    folder = Path(country)
    if (folder / RECORD_FILE).is_file() or is_table_folder(folder):
        checked(folder)
    return country


def check_plug_ins(operation: str) -> None:
    """Raise :class:`rahdari.errors.PlanError` for a plug-in that nobody trusted signed, where a trust file is set up.

    Commands that check and sign are let through.
    """
    from rahdari.faces.locations import trust_file

    file = trust_file()
    if file is None or operation.split(" ", maxsplit=1)[0] in {"audit", "sign", "verify"}:
        return
    from importlib.metadata import entry_points

    from rahdari.run.locate import package_folder
    from rahdari.run.registry import GROUP, PACKAGE
    from rahdari.store.signing import require_signed

    for point in entry_points(group=GROUP):
        if point.value.split(".", maxsplit=1)[0] != PACKAGE:
            folder = package_folder(point.value)
            if folder is not None:
                require_signed(folder, file)


__all__ = ["audit_app", "audit_folder", "check_plug_ins", "checked", "checked_country", "sign", "verify"]
