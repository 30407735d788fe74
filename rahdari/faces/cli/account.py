"""``rahdari account``: who may log in where ``--auth`` is on, as what, and what they may see."""

from __future__ import annotations

import contextlib
import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rahdari.service.identity import Identity

account_app = typer.Typer(
    help="Accounts for --auth: who may log in, as what, and what they see.", no_args_is_help=True, rich_markup_mode=None
)
Folder = Annotated[Path | None, typer.Option("--accounts", help="Folder of the accounts; default: the user's own.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Name = Annotated[str, typer.Argument(help="Name of the account.")]


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Identity]:
    """Yield the accounts of a folder; what is done with them goes to the audit log beside them."""
    from rahdari.faces.cli.audit import audit_folder
    from rahdari.faces.web.auditing import tell_notes
    from rahdari.service.identity import Identity
    from rahdari.store.audit import AuditLog

    identity = Identity(folder)
    try:
        with AuditLog(audit_folder(folder)) as log:
            tell_notes(identity, log)
            yield identity
    finally:
        identity.close()


def _answer(operation: str, folder: Path | None, call: Callable[[Identity], dict[str, Any]], *, as_json: bool) -> None:
    from rahdari.faces.cli.main import answer
    from rahdari.faces.locations import default_accounts_dir

    def run() -> dict[str, Any]:
        with opened(folder or default_accounts_dir()) as identity:
            return call(identity)

    answer(f"account {operation}", run, show, as_json=as_json)


def show(found: Mapping[str, Any]) -> None:
    """Print an answer field by field, lists line by line."""
    for name, value in found.items():
        if isinstance(value, list):
            for each in value:
                typer.echo("; ".join(f"{key} {item}" for key, item in each.items() if item not in ("", [], None)))
        else:
            typer.echo(f"{name}: {value}")


def _new_password() -> str:
    """Return a password typed twice, or the first line of what is piped in; never one from the command line."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    return str(typer.prompt("password", hide_input=True, confirmation_prompt=True))


@account_app.command("add")
def add(
    name: Name,
    role: Annotated[
        str, typer.Option(help="reader, planner, operator, 'secrecy officer' or administrator.")
    ] = "reader",
    level: Annotated[str, typer.Option(help="Cleared up to: public, internal, restricted or secret.")] = "public",
    compartment: Annotated[list[str] | None, typer.Option(help="Cleared for this compartment; * for all.")] = None,
    oidc_subject: Annotated[str | None, typer.Option(help="Who it is at the provider, instead of a password.")] = None,
    accounts: Folder = None,
    as_json: Json = False,
) -> None:
    """Add an account; its password is asked for, or read from the standard input."""

    def call(identity: Identity) -> dict[str, Any]:
        from rahdari.store.labels import Clearance

        clearance = Clearance(level, frozenset(compartment or ()))
        password = None if oidc_subject else _new_password()
        made = identity.add(name, role, clearance, password=password, oidc_subject=oidc_subject)
        return {"name": made.name, "role": made.role, "clearance": made.clearance.key}

    _answer("add", accounts, call, as_json=as_json)


@account_app.command("list")
def list_accounts(accounts: Folder = None, as_json: Json = False) -> None:
    """List accounts and tokens."""

    def call(identity: Identity) -> dict[str, Any]:
        found = [
            {
                "name": each.name, "role": each.role, "clearance": each.clearance.key,
                "state": "enabled" if each.is_enabled else "disabled",
                "logs_in_by": " and ".join(
                    way for way, has in (("password", each.has_password), ("provider", each.oidc_subject)) if has
                ),
            }
            for each in identity.accounts()
        ]  # fmt: skip
        tokens = [
            {
                "token": each["token_id"], "of": each["name"], "scope": each["scope"],
                "state": "ended" if each["is_revoked"] else "valid",
                "expires": dt.datetime.fromtimestamp(each["expires_s"], dt.UTC).strftime("%Y-%m-%d"),
                "note": each["note"],
            }
            for each in identity.store.tokens()
        ]  # fmt: skip
        return {"accounts": found, "tokens": tokens}

    _answer("list", accounts, call, as_json=as_json)


@account_app.command("disable")
def disable(
    name: Name,
    undo: Annotated[bool, typer.Option("--undo", help="Let the account in again.")] = False,
    accounts: Folder = None,
    as_json: Json = False,
) -> None:
    """Shut an account out; its sessions and tokens end at once."""

    def call(identity: Identity) -> dict[str, Any]:
        identity.set_enabled(name, is_enabled=undo)
        return {"name": name, "state": "enabled" if undo else "disabled"}

    _answer("disable", accounts, call, as_json=as_json)


@account_app.command("password")
def password(name: Name, accounts: Folder = None, as_json: Json = False) -> None:
    """Change a password; it is asked for, or read from the standard input.  Sessions and tokens end."""

    def call(identity: Identity) -> dict[str, Any]:
        identity.account(name)
        identity.set_password(name, _new_password())
        return {"name": name, "password": "changed"}

    _answer("password", accounts, call, as_json=as_json)


@account_app.command("token")
def token(
    name: Annotated[str, typer.Argument(help="Name of the account, or the token to end.")],
    scope: Annotated[list[str] | None, typer.Option(help="What it may do: read, export, plan, operate.")] = None,
    days: Annotated[int, typer.Option(help="Days it holds.")] = 30,
    note: Annotated[str, typer.Option(help="What it is for.")] = "",
    end: Annotated[bool, typer.Option("--end", help="End a token instead.")] = False,
    accounts: Folder = None,
    as_json: Json = False,
) -> None:
    """Make a token for programs; it is shown once and kept nowhere."""

    def call(identity: Identity) -> dict[str, Any]:
        if end:
            identity.revoke_token(name)
            return {"token": name, "state": "ended"}
        token_id, secret = identity.make_token(name, scope or ["read"], days, note)
        return {"token": token_id, "secret": secret, "shown": "once; send it as 'Authorization: Bearer …'"}

    _answer("token", accounts, call, as_json=as_json)


__all__ = ["account_app", "opened"]
