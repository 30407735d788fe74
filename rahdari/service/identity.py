"""Who you are: accounts with roles and clearances, passwords, sessions and tokens.

Denied by default: a role may do what :data:`ROLES` lists and nothing else, an account sees what its clearance covers
and nothing else, and an account that nobody made does not exist, whoever vouches for it.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import argon2

from rahdari.errors import AccessError, InputError, Problem
from rahdari.store.accounts import Account, AccountStore, write_owner_only
from rahdari.store.labels import EVERY, OWNER, Clearance

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

READ, EXPORT, PLAN, OPERATE, ASK, APPROVE, ADMINISTER = (
    "read", "export", "plan", "operate", "ask", "approve", "administer"
)  # fmt: skip
#: What each role may do; what it may see is the account's own clearance.
ROLES: Mapping[str, frozenset[str]] = {
    "reader": frozenset({READ}),
    "planner": frozenset({READ, EXPORT, PLAN, ASK}),
    "operator": frozenset({READ, EXPORT, OPERATE, ASK}),
    "secrecy officer": frozenset({READ, EXPORT, ASK, APPROVE}),
    "administrator": frozenset({READ, EXPORT, ASK, ADMINISTER}),
}
PERSON_ONLY = frozenset({ASK, APPROVE, ADMINISTER})  # never through a token
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
COMPARTMENT = re.compile(r"[A-Za-z0-9_.-]{1,64}")
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 1024  # letters
SECRET_BYTES = 32  # 256 bits of a session, a token, a first password
TOKEN_HEAD = "rahdari_"  # noqa: S105  # tells scanners of leaked secrets what they found
IDLE_S, LONGEST_S, NOTED_EVERY_S = 1_800.0, 43_200.0, 60.0
FREE_FAILURES, LONGEST_WAIT_S = 5, 900.0
LONGEST_TOKEN_DAYS, DAY_S = 366, 86_400.0
FIRST_ADMINISTRATOR = "administrator"
FIRST_PASSWORD_FILE = "first-password.txt"  # noqa: S105  # a file's name
N_HASHING = 2  # each takes 64 MiB
WRONG = Problem("wrong name or password", "try again, or ask an administrator for a new password")


@dataclass(frozen=True, slots=True)
class Who:
    """Whoever asks: account, role, clearance, what this session or token may do."""

    name: str
    role: str
    clearance: Clearance
    permissions: frozenset[str]
    is_token: bool = False

    def may(self, permission: str) -> bool:
        """Return whether a permission was given."""
        return permission in self.permissions


#: Whoever uses the program on their own machine without accounts.
LOCAL = Who("local user", "administrator", OWNER, frozenset().union(*ROLES.values()))


def digest(secret: str) -> bytes:
    """Return what is kept of a session or token: it has 256 random bits, so that one round is enough."""
    return hashlib.sha256(secret.encode()).digest()


def _must(well: bool, what: str, cure: str) -> None:  # noqa: FBT001  # a condition
    if not well:
        raise InputError(Problem(what, cure))


class Identity:
    """The accounts in a folder; ``clock`` gives POSIX seconds."""

    def __init__(
        self, folder: Path, *, clock: Callable[[], float] = time.time, hasher: argon2.PasswordHasher | None = None
    ) -> None:
        """Open or make the accounts; see :class:`rahdari.store.accounts.AccountStore` for what is refused."""
        self.folder = folder
        self.store = AccountStore(folder)
        self.clock = clock
        self._hasher = hasher or argon2.PasswordHasher()
        self._hashing = threading.BoundedSemaphore(N_HASHING)
        self._counting = threading.Lock()
        # An unknown name costs as long as a known one.
        self._nobody = self._hasher.hash(secrets.token_urlsafe(SECRET_BYTES))

    # Accounts

    def first_start(self) -> Path | None:
        """Make one administrator with a random password where there is no account; return the file it stands in."""
        if self.store.accounts():
            return None
        password = secrets.token_urlsafe(SECRET_BYTES)
        path = self.folder / FIRST_PASSWORD_FILE
        write_owner_only(path, f"name: {FIRST_ADMINISTRATOR}\npassword: {password}\n")
        self.add(FIRST_ADMINISTRATOR, "administrator", OWNER, password=password, by="first start")
        return path

    def add(
        self, name: str, role: str, clearance: Clearance, *, password: str | None = None,
        oidc_subject: str | None = None, by: str = LOCAL.name,
    ) -> Account:  # fmt: skip
        """Add an account with a password, or with the subject a provider of identities knows it by, or both."""
        _must(NAME.fullmatch(name) is not None, f"'{name}' is no name of an account", "use a to z, 0 to 9 and . _ -")
        _must(role in ROLES, f"there is no role '{role}'", f"use one of {', '.join(ROLES)}")
        for each in sorted(clearance.compartments - {EVERY}):
            _must(COMPARTMENT.fullmatch(each) is not None, f"'{each}' is no name of a compartment", "use letters")
        _must(bool(password or oidc_subject), "nobody could log in", "give a password or an OIDC subject")
        account = Account(
            name, role, clearance, is_enabled=True, has_password=bool(password), oidc_subject=oidc_subject
        )
        self.store.add(account, self._hash(password) if password else None)
        self._note(by, f"made account {name}, {role}, {clearance.key}")
        return account

    def accounts(self) -> list[Account]:
        """Return all accounts by name."""
        return self.store.accounts()

    def account(self, name: str) -> Account:
        """Return one account; :class:`InputError` where there is none."""
        found = self.store.account(name)
        if found is None:
            raise InputError(Problem(f"there is no account '{name}'", "see 'rahdari account list'"))
        return found

    def set_password(self, name: str, password: str, *, by: str = LOCAL.name) -> None:
        """Change a password; all sessions and tokens of the account end."""
        self.store.set_password_hash(self.account(name).name, self._hash(password))
        self._note(by, f"changed the password of {name}")

    def set_enabled(self, name: str, *, is_enabled: bool, by: str = LOCAL.name) -> None:
        """Let an account in or shut it out at once; the last administrator cannot be shut out."""
        account = self.account(name)
        left = [each for each in self.accounts() if each.is_enabled and ADMINISTER in ROLES.get(each.role, ())]
        if not is_enabled and [each.name for each in left] == [account.name]:
            raise InputError(Problem(f"'{name}' is the last administrator", "add another administrator first"))
        self.store.set_enabled(name, is_enabled=is_enabled)
        self._note(by, f"{'enabled' if is_enabled else 'disabled'} account {name}")

    # Login

    def login(self, name: str, password: str, address: str, ends: str | None = None) -> str:
        """Return a new session; ``ends`` is one that stops with it.

        :class:`AccessError` for a wrong name or password, and with a time to wait after several: that time doubles
        with every failure of the account or of the address, and during it a right password is refused too.
        """
        known = NAME.fullmatch(name) is not None
        keys = [f"address {address}", *([f"account {name}"] if known else [])]
        with self._counting:  # before the password is looked at, so that many guesses at once are counted too
            self._wait(keys)
            for key in keys:
                self.store.add_failure(key, self.clock())
        account = self.store.account(name) if known else None
        kept = self.store.password_hash(name) if account is not None else None
        is_right = self._is_right(kept or self._nobody, password)
        if account is None or kept is None or not (is_right and account.is_enabled):
            self._note(name if account is not None else "somebody", f"failed to log in from {address}")
            raise AccessError(WRONG)
        for key in keys:
            self.store.forget_failures(key)
        if self._hasher.check_needs_rehash(kept):
            self.store.set_password_hash(name, self._hash(password), keep_sessions=True)
        return self._open(account, f"logged in from {address}", ends)

    def login_subject(self, subject: str, address: str, ends: str | None = None) -> str:
        """Return a new session for whom a trusted provider calls ``subject``; unknown ones raise AccessError."""
        account = self.store.account_of_subject(subject)
        if account is None or not account.is_enabled:
            self._note("somebody", f"was vouched for by the provider but has no account, from {address}")
            what = "the provider knows you, but there is no account for you here"
            raise AccessError(Problem(what, "ask an administrator to add one"))
        return self._open(account, f"logged in through the provider from {address}", ends)

    def _open(self, account: Account, what: str, ends: str | None) -> str:
        now_s = self.clock()
        self.store.end_sessions(now_s - LONGEST_S, now_s - IDLE_S)
        session = secrets.token_urlsafe(SECRET_BYTES)
        self.store.add_session(digest(session), account.name, now_s, digest(ends) if ends else None)
        self._note(account.name, what)
        return session

    def who_of_session(self, session: str) -> Who | None:
        """Return who holds a session; ``None`` for one that is unknown, idle for too long, too old, or shut out."""
        kept = digest(session)
        found = self.store.session(kept)
        if found is None:
            return None
        name, made_s, seen_s = found
        now_s = self.clock()
        account = self.store.account(name)
        if account is None or not account.is_enabled or now_s - made_s > LONGEST_S or now_s - seen_s > IDLE_S:
            self.store.end_session(kept)
            return None
        if now_s - seen_s > NOTED_EVERY_S:
            self.store.saw_session(kept, now_s)
        return Who(account.name, account.role, account.clearance, ROLES.get(account.role, frozenset()))

    def logout(self, session: str) -> None:
        """End a session."""
        self.store.end_session(digest(session))

    # Tokens

    def make_token(
        self, name: str, scope: Collection[str], n_days: int, note: str = "", *, by: str = LOCAL.name
    ) -> tuple[str, str]:
        """Return identifier and secret of a new token; the secret is kept nowhere.

        A token may do what both its scope and the account's role list; what needs a person is never in a scope.
        """
        account = self.account(name)
        may = ROLES.get(account.role, frozenset()) - PERSON_ONLY
        strange = sorted(set(scope) - may)
        _must(bool(scope) and not strange, f"a token of {name} cannot have {', '.join(strange) or 'no scope'}",
              f"use one or more of {', '.join(sorted(may))}")  # fmt: skip
        _must(1 <= n_days <= LONGEST_TOKEN_DAYS, f"a token cannot hold {n_days} days", f"use 1 to {LONGEST_TOKEN_DAYS}")
        token_id, secret = secrets.token_hex(4), TOKEN_HEAD + secrets.token_urlsafe(SECRET_BYTES)
        now_s = self.clock()
        scopes = " ".join(sorted(set(scope)))
        self.store.add_token((token_id, digest(secret), name, scopes, now_s, now_s + n_days * DAY_S, note))
        self._note(by, f"made token {token_id} of {name} for {scopes}")
        return token_id, secret

    def revoke_token(self, token_id: str, *, by: str = LOCAL.name) -> None:
        """End a token; :class:`InputError` where there is none."""
        _must(self.store.revoke_token(token_id), f"there is no token '{token_id}'", "see 'rahdari account list'")
        self._note(by, f"ended token {token_id}")

    def who_of_token(self, secret: str) -> Who | None:
        """Return who holds a token; ``None`` for one that is unknown, expired or ended."""
        found = self.store.token(digest(secret))
        if found is None or found["is_revoked"] or self.clock() >= found["expires_s"]:
            return None
        account = self.store.account(found["name"])
        if account is None or not account.is_enabled:
            return None
        may = (ROLES.get(account.role, frozenset()) & frozenset(found["scope"].split())) - PERSON_ONLY
        return Who(account.name, account.role, account.clearance, may, is_token=True)

    # Help

    def close(self) -> None:
        """Let go of the file."""
        self.store.close()

    def _note(self, who: str, what: str) -> None:
        self.store.note(self.clock(), who, what)

    def _hash(self, password: str) -> str:
        fits = SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD
        _must(fits, "the password is too short or too long", f"use {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} letters")
        with self._hashing:
            return self._hasher.hash(password)

    def _is_right(self, kept: str, password: str) -> bool:
        if len(password) > LONGEST_PASSWORD:
            return False
        with self._hashing:
            try:
                return self._hasher.verify(kept, password)
            except argon2.exceptions.VerificationError:
                return False

    def _wait(self, keys: Collection[str]) -> None:
        """Raise :class:`AccessError` while an account or address has to wait after its failures."""
        now_s, wait_s = self.clock(), 0.0
        for key in keys:
            n_failed, last_s = self.store.failures(key)
            if n_failed >= FREE_FAILURES:
                back_off_s = min(2.0 ** (n_failed - FREE_FAILURES), LONGEST_WAIT_S)
                wait_s = max(wait_s, last_s + back_off_s - now_s)
        if wait_s > 0.0:
            raise AccessError(Problem("too many failed logins", f"wait {wait_s:.0f} s, then try again"), wait_s)


__all__ = ["LOCAL", "ROLES", "Identity", "Who", "digest"]
