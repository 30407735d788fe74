"""Sensitive results need two people: one asks, another with the right role grants, for a limited time.

The label of such a result is that of its most secret input; neither of the two may be cleared for less.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from rahdari.errors import AccessError, InputError, Problem
from rahdari.service.identity import APPROVE, ASK, LOCAL, Who
from rahdari.store.accounts import Approval
from rahdari.store.labels import LEVELS, joined_clearance
from rahdari.store.query import PlanReader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from rahdari.store.accounts import AccountStore
    from rahdari.store.labels import Clearance

    T = TypeVar("T")

#: What tells an attacker where to strike, and what each is.
SENSITIVE: Mapping[str, str] = {
    "criticality": "elements ranked by what their loss takes away",
    "cut_sets": "smallest sets of elements whose loss cuts a place or a pair off",
    "worst_pairs": "pairs of elements whose joint loss takes away most",
    "interdiction": "the attack of given strength that does most harm",
    "exposure": "elements ranked by harm, access and time of repair",
    "jamming": "where and how a jammer takes away most",
    "attack": "what failures that somebody chose take away",
}
GRANT_S = 3_600.0
PENDING_S = 86_400.0
LONGEST_REASON = 500  # letters


def _kind(kind: str) -> str:
    if kind not in SENSITIVE:
        raise InputError(Problem(f"there is no sensitive result '{kind}'", f"use one of {', '.join(SENSITIVE)}"))
    return kind


def label_of(folder: Path, tables: Sequence[str] | None = None) -> Clearance:
    """Return the label of a sensitive result made from these tables of a plan, or from all.

    That of its most secret input, and never less than secret: what is public one by one is an attack plan together.
    """
    found = PlanReader(folder).least_clearance(tables)
    return joined_clearance([(found.level, found.compartments), (LEVELS[-1], ())])


class Approvals:
    """Requests and grants, recorded in the accounts; ``clock`` gives POSIX seconds."""

    def __init__(self, store: AccountStore, clock: Callable[[], float] = time.time) -> None:
        """Keep the store."""
        self.store, self.clock = store, clock

    def ask(self, who: Who, kind: str, plan_digest: str, label: Clearance, reason: str) -> Approval:
        """Record a request; who may not ask, or is not cleared for the result, raises :class:`AccessError`."""
        _kind(kind)
        if not who.may(ASK) or not who.clearance.covers(label):
            raise AccessError(Problem(f"{kind} is above your role or clearance", "ask somebody who is cleared for it"))
        text = " ".join(reason.split())[:LONGEST_REASON]
        if not text:
            raise InputError(Problem("no reason was given", "say in one line what the result is for"))
        now_s = self.clock()
        made = Approval(
            secrets.token_hex(8), kind, plan_digest, who.name, text, label, now_s, None, None, None, None
        )  # fmt: skip
        self.store.add_approval(made)
        self.store.note(now_s, who.name, f"asked for {kind} of plan {plan_digest}: {made.approval_id}")
        return made

    def decide(self, who: Who, approval_id: str, *, is_granted: bool) -> Approval:
        """Grant for an hour, or refuse; only another person with the right role and clearance can."""
        found = next((each for each in self.store.approvals() if each.approval_id == approval_id), None)
        if found is None or not who.clearance.covers(found.label) or not who.may(APPROVE):
            raise AccessError(Problem("there is no such request that you may decide", "see the list of requests"))
        if who.name == found.asker:
            raise AccessError(Problem("a second person has to decide", "ask another secrecy officer"))
        now_s = self.clock()
        is_open = found.is_granted is None and now_s - found.asked_s <= PENDING_S
        until_s = now_s + GRANT_S if is_granted else None
        if not is_open or not self.store.decide_approval(approval_id, who.name, now_s, until_s):
            raise AccessError(Problem("the request is decided or too old", "ask anew"))
        word = "granted" if is_granted else "refused"
        self.store.note(now_s, who.name, f"{word} {found.kind} of plan {found.plan_digest} to {found.asker}")
        return next(each for each in self.store.approvals() if each.approval_id == approval_id)

    def seen_by(self, who: Who) -> list[Approval]:
        """Return one's own requests, and those that one may decide."""
        return [
            each
            for each in self.store.approvals()
            if each.asker == who.name or (who.may(APPROVE) and who.clearance.covers(each.label))
        ]

    def grant(self, who: Who, kind: str, plan_digest: str, label: Clearance) -> Approval:
        """Return the grant that holds now; :class:`AccessError` where there is none."""
        now_s = self.clock()
        for each in self.store.approvals():
            if (
                (each.asker, each.kind, each.plan_digest) == (who.name, kind, plan_digest)
                and each.is_granted
                and each.label.covers(label)
                and each.decided_s is not None
                and each.until_s is not None
                and each.decided_s <= now_s < each.until_s
                and self._is_still_here(each.decider)
            ):
                return each
        self.store.note(now_s, who.name, f"asked for {kind} of plan {plan_digest} without a grant")
        what = f"{kind} needs the approval of a second person"
        raise AccessError(Problem(what, "ask for it, and let a secrecy officer grant it"))

    def _is_still_here(self, decider: str | None) -> bool:
        """Return whether whoever granted was not shut out since."""
        account = self.store.account(decider or "")
        return account is None or account.is_enabled


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks where there are accounts: a person who logged in, and where requests and grants are kept."""

    who: Who
    approvals: Approvals


def release(
    kind: str, who: Who, approvals: Approvals | None, folder: Path, compute: Callable[[], T],
    *, tables: Sequence[str] | None = None,
) -> T:  # fmt: skip
    """Return what ``compute`` gives, where ``who`` may have this kind of result of the plan in ``folder``.

    ``tables`` are those it is computed from, all of the plan without.  With accounts (``approvals``) the clearance has
    to cover them and a second person's grant has to hold; the release is recorded.  Without accounts only the user of
    this machine has it.  :class:`AccessError` else, and nothing is computed.
    """
    _kind(kind)
    if approvals is None:
        if who != LOCAL:
            raise AccessError(Problem(f"{kind} needs accounts", "start with --auth"))
        return compute()
    label = label_of(folder, tables)
    if not who.may(ASK) or not who.clearance.covers(label):
        approvals.store.note(approvals.clock(), who.name, f"asked for {kind}, above role or clearance")
        raise AccessError(Problem(f"{kind} is above your clearance", "ask somebody who is cleared for it"))
    plan_digest = str(PlanReader(folder).manifest.get("plan_digest", ""))
    grant = approvals.grant(who, kind, plan_digest, label)
    approvals.store.note(approvals.clock(), who.name, f"took {kind} of plan {plan_digest} by {grant.approval_id}")
    return compute()


__all__ = ["SENSITIVE", "Approvals", "Asker", "label_of", "release"]
