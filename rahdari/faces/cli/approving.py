"""``rahdari secure ask``, ``pending`` and ``approve``: two people for a sensitive result, where there are accounts."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rahdari.service.approval import Approvals, Asker
    from rahdari.service.identity import Identity, Who
    from rahdari.store.accounts import Approval

Accounts = Annotated[Path | None, typer.Option("--accounts", help="Folder of the accounts; default: the user's own.")]
Name = Annotated[str, typer.Option("--as", help="Your account; its password is asked for, or read from the input.")]
Someone = Annotated[
    str | None, typer.Option("--as", help="Your account, where there are accounts; its password is asked for.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
PlanOption = Annotated[Path | None, typer.Option("--plan", help="Plan folder; default: the newest below ./plans.")]
HERE = "this terminal"  # where a login came from


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    return str(typer.prompt("password", hide_input=True, err=True))


def _person(identity: Identity, name: str) -> Who:
    """Return who knows the password of an account; :class:`rahdari.errors.AccessError` else."""
    from rahdari.errors import AccessError
    from rahdari.service.identity import WRONG

    session = identity.login(name, _password(), HERE)
    try:
        who = identity.who_of_session(session)
    finally:
        identity.logout(session)
    if who is None:
        raise AccessError(WRONG)
    return who


@contextlib.contextmanager
def asker(accounts: Path | None, name: str | None) -> Iterator[Asker | None]:
    """Yield who asks for a sensitive result; ``None`` on a machine without accounts.

    Where there are accounts nobody may ask without one: :class:`rahdari.errors.AccessError`.
    """
    from rahdari.errors import AccessError, InputError, Problem
    from rahdari.faces.cli.account import opened
    from rahdari.faces.locations import default_accounts_dir
    from rahdari.service.approval import Approvals, Asker
    from rahdari.store.accounts import FILE

    folder = accounts or default_accounts_dir()
    if not (folder / FILE).is_file():
        if accounts is not None or name is not None:
            raise InputError(Problem("there are no accounts here", "see 'rahdari account add'", str(folder)))
        yield None
        return
    if name is None:
        what = "there are accounts on this machine, so that a second person has to agree"
        raise AccessError(Problem(what, "ask with 'rahdari secure ask', then say who you are with --as"))
    with opened(folder) as identity:
        yield Asker(_person(identity, name), Approvals(identity.store, identity.clock))


def _answer(
    operation: str, accounts: Path | None, name: str, call: Callable[[Who, Approvals], list[Approval]], *, as_json: bool
) -> None:
    from rahdari.faces.cli.account import show
    from rahdari.faces.cli.main import answer

    def run() -> dict[str, Any]:
        with asker(accounts, name) as person:
            # A name was given, so that somebody asks.
            found = [] if person is None else call(person.who, person.approvals)
        return {"requests": [_shown(each) for each in found]}

    answer(f"secure {operation}", run, show, as_json=as_json)


def _shown(found: Approval) -> dict[str, Any]:
    states = {None: "waits", True: "granted", False: "refused"}
    return {
        "approval_id": found.approval_id, "kind": found.kind, "plan": found.plan_digest[:12], "asker": found.asker,
        "reason": found.reason, "state": states[found.is_granted], "decider": found.decider or "",
    }  # fmt: skip


def ask(
    kind: Annotated[str, typer.Argument(help="exposure, interdiction, criticality, jamming or attack.")],
    name: Name,
    reason: Annotated[str, typer.Option("--for", help="What the result is for.")],
    plan: PlanOption = None,
    accounts: Accounts = None,
    as_json: Json = False,
) -> None:
    """Ask for a sensitive result of a plan; a secrecy officer, another person, grants it for an hour."""
    from rahdari.faces.cli.main import plan_folder

    def call(who: Who, approvals: Approvals) -> list[Approval]:
        from rahdari.service.approval import label_of
        from rahdari.store.query import PlanReader

        folder = plan_folder(plan)
        plan_digest = str(PlanReader(folder).manifest.get("plan_digest", ""))
        return [approvals.ask(who, kind, plan_digest, label_of(folder), reason)]

    _answer("ask", accounts, name, call, as_json=as_json)


def pending(name: Name, accounts: Accounts = None, as_json: Json = False) -> None:
    """List your own requests, and those that you may decide."""
    _answer("pending", accounts, name, lambda who, approvals: approvals.seen_by(who), as_json=as_json)


def approve(
    request: Annotated[str, typer.Argument(help="Identifier of the request; see 'rahdari secure pending'.")],
    name: Name,
    refuse: Annotated[bool, typer.Option("--refuse", help="Refuse it instead.")] = False,
    accounts: Accounts = None,
    as_json: Json = False,
) -> None:
    """Grant another person's request for an hour, or refuse it; for secrecy officers."""

    def call(who: Who, approvals: Approvals) -> list[Approval]:
        return [approvals.decide(who, request, is_granted=not refuse)]

    _answer("approve", accounts, name, call, as_json=as_json)


__all__ = ["Accounts", "Someone", "approve", "ask", "asker", "pending"]
