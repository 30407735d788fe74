"""Login through a provider of identities: OpenID Connect, authorization code with PKCE (RFC 7636).

Nothing is fetched but from the configured issuer's own host, without redirects; an ID token counts only with a
signature of the issuer's published keys by a listed algorithm, and with the right issuer, audience, nonce and times.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
import tomllib
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from rahdari.errors import AccessError, InputError, Problem, raise_if_any
from rahdari.service.identity import digest
from rahdari.store.accounts import check_owner_only

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Fetch = Callable[[str, Mapping[str, str] | None, Mapping[str, str]], dict[str, Any]]

FILE = "oidc.toml"
NEEDED = ("issuer", "client_id", "redirect_url")
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
DISCOVERY = "/.well-known/openid-configuration"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
TIMEOUT_S, MAX_BYTES = 10.0, 1 << 20
PENDING_S, MAX_PENDING = 600.0, 1_000
LEEWAY_S, OLDEST_S = 60, 600.0
SECRET_BYTES = 32
CURE = "try again; if it stays, ask an administrator to look at the provider"


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """The provider: issuer, who we are to it, and where it leads back to; an empty secret is a public client."""

    issuer: str
    client_id: str
    redirect_url: str
    client_secret: str = ""


@dataclass(frozen=True, slots=True)
class _Pending:
    """A login on its way: what its answer has to match."""

    browser: bytes
    nonce: str
    verifier: str
    until_s: float


def read_settings(folder: Path) -> OidcSettings | None:
    """Return the settings in ``oidc.toml`` of the accounts' folder, ``None`` without one.

    A file that others may read raises :class:`InputError`, as does one with a field too few or too many.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    check_owner_only(path)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(Problem(f"is no TOML: {error}", "see docs/access_control.md", str(path))) from error
    known = (*NEEDED, "client_secret")
    problems = [Problem(f"lacks {name}", "add it", str(path)) for name in NEEDED if not values.get(name)]
    problems += [
        Problem(f"'{name}' is unknown", f"use {', '.join(known)}", str(path)) for name in set(values) - {*known}
    ]
    raise_if_any(problems)
    settings = OidcSettings(**{name: str(value) for name, value in values.items()})
    _checked(settings.issuer, settings.issuer)
    return settings


def _checked(url: str, issuer: str) -> str:
    """Return ``url`` where it lies on the issuer's own host, by https, or by http on this machine."""
    asked, own = urllib.parse.urlsplit(url), urllib.parse.urlsplit(issuer)
    is_safe = asked.scheme == "https" or (asked.scheme == "http" and asked.hostname in LOOPBACK)
    if not is_safe or (asked.scheme, asked.netloc) != (own.scheme, own.netloc) or "@" in asked.netloc:
        raise AccessError(Problem("the provider names an address that is not its own", CURE))
    return url


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows nothing: where a redirect leads was not checked."""

    def redirect_request(self, *_: Any) -> None:  # noqa: ANN401  # as the base class has it
        """Return no request."""
        return


def fetch_json(url: str, form: Mapping[str, str] | None, headers: Mapping[str, str]) -> dict[str, Any]:
    """Return the JSON object at an address that was checked; ``form`` is sent by POST."""
    data = urllib.parse.urlencode(form).encode() if form is not None else None
    request = urllib.request.Request(url, data, {"Accept": "application/json", **headers})  # noqa: S310  # checked
    opener = urllib.request.build_opener(_NoRedirect(), urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=TIMEOUT_S) as answer:
            body = answer.read(MAX_BYTES + 1)
        found = json.loads(body) if len(body) <= MAX_BYTES else None
    except (urllib.error.URLError, HTTPException, OSError, ValueError) as error:
        raise AccessError(Problem("the provider does not answer as it should", CURE)) from error
    if not isinstance(found, dict):
        raise AccessError(Problem("the provider does not answer as it should", CURE))
    return found


class OidcClient:
    """Logins through one provider; safe to call from several threads."""

    def __init__(
        self, settings: OidcSettings, *, clock: Callable[[], float] = time.time, fetch: Fetch = fetch_json
    ) -> None:
        """Keep the settings; nothing is fetched yet."""
        self.settings, self.clock, self._fetch = settings, clock, fetch
        self._pending: dict[str, _Pending] = {}
        self._lock = threading.Lock()

    def start(self) -> tuple[str, str]:
        """Return the address to send the browser to, and a secret it has to bring back."""
        end = self._endpoint("authorization_endpoint", self._discovered())
        state, browser, nonce, verifier = (secrets.token_urlsafe(SECRET_BYTES) for _ in range(4))
        now_s = self.clock()
        with self._lock:
            self._pending = {name: item for name, item in self._pending.items() if item.until_s > now_s}
            if len(self._pending) >= MAX_PENDING:
                raise AccessError(Problem("too many logins are on their way", "wait a minute and try again"), 60.0)
            self._pending[state] = _Pending(digest(browser), nonce, verifier, now_s + PENDING_S)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code", "client_id": self.settings.client_id, "scope": "openid",
            "redirect_uri": self.settings.redirect_url, "state": state, "nonce": nonce,
            "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        return f"{end}{'&' if '?' in end else '?'}{urllib.parse.urlencode(query)}", browser

    def finish(self, state: str, code: str, browser: str) -> str:
        """Return the subject that the provider vouches for; :class:`AccessError` for anything out of order."""
        with self._lock:
            pending = self._pending.pop(state, None)
        is_ours = pending is not None and hmac.compare_digest(pending.browser, digest(browser))
        if pending is None or not is_ours or self.clock() > pending.until_s:
            raise AccessError(Problem("this login was not begun here, or took too long", "log in again"))
        found = self._discovered()
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self.settings.redirect_url,
            "client_id": self.settings.client_id, "code_verifier": pending.verifier,
        }  # fmt: skip
        headers: dict[str, str] = {}
        if self.settings.client_secret:
            pair = ":".join(
                urllib.parse.quote(part, safe="") for part in (self.settings.client_id, self.settings.client_secret)
            )
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        answer = self._fetch(self._endpoint("token_endpoint", found), form, headers)
        keys = self._fetch(self._endpoint("jwks_uri", found), None, {})
        return self.subject_of(str(answer.get("id_token", "")), keys, pending.nonce)

    def subject_of(self, id_token: str, keys: dict[str, Any], nonce: str) -> str:
        """Return the subject of an ID token whose signature and claims are right."""
        try:
            token = jwt.decode(id_token, KeySet.import_key_set(keys), algorithms=list(ALGORITHMS))  # type: ignore[arg-type]
            jwt.JWTClaimsRegistry(
                now=int(self.clock()), leeway=LEEWAY_S, iss={"essential": True, "value": self.settings.issuer},
                aud={"essential": True, "value": self.settings.client_id}, nonce={"essential": True, "value": nonce},
                exp={"essential": True}, iat={"essential": True}, sub={"essential": True},
            ).validate(token.claims)  # fmt: skip
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise AccessError(Problem("the provider's token is not valid", CURE)) from error
        claims = token.claims
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        is_for_us = claims.get("azp", self.settings.client_id if not several else None) == self.settings.client_id
        is_fresh = float(claims["iat"]) >= self.clock() - OLDEST_S
        if not (is_for_us and is_fresh and isinstance(claims["sub"], str) and claims["sub"]):
            raise AccessError(Problem("the provider's token is not valid", CURE))
        return str(claims["sub"])

    def _discovered(self) -> dict[str, Any]:
        issuer = self.settings.issuer
        found = self._fetch(_checked(issuer.rstrip("/") + DISCOVERY, issuer), None, {})
        if found.get("issuer") != issuer:
            raise AccessError(Problem("the provider says it is another", CURE))
        return found

    def _endpoint(self, name: str, found: Mapping[str, Any]) -> str:
        return _checked(str(found.get(name, "")), self.settings.issuer)


__all__ = ["FILE", "OidcClient", "OidcSettings", "fetch_json", "read_settings"]
