"""How a browser shows who it is: the cookie of a session, and the proof that a form came from our own page."""

from __future__ import annotations

import hashlib
import hmac
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

SESSION, BEGUN = "rahdari_session", "rahdari_login"
HOST_ONLY = "__Host-"  # a browser takes such a cookie over https alone, for this very host
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
BEARER = "bearer "


def cookie_name(name: str, *, is_https: bool) -> str:
    """Return the name a cookie has."""
    return f"{HOST_ONLY}{name}" if is_https else name


def set_cookie(
    name: str, value: str, *, is_https: bool, same_site: str = "Strict", longest_s: int | None = None
) -> str:
    """Return the header that sets a cookie no script can read; an empty value takes it away."""
    age = 0 if not value else longest_s
    parts = [f"{cookie_name(name, is_https=is_https)}={value}", "Path=/", "HttpOnly", f"SameSite={same_site}"]
    return "; ".join([*parts, *(["Secure"] if is_https else []), *([] if age is None else [f"Max-Age={age}"])])


def cookie_of(headers: Mapping[str, str], name: str, *, is_https: bool) -> str:
    """Return a cookie's value, empty where there is none."""
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(headers.get("cookie", ""))
    except CookieError:
        return ""
    found = jar.get(cookie_name(name, is_https=is_https))
    return found.value if found is not None else ""


def bearer_of(headers: Mapping[str, str]) -> str:
    """Return the token of a request, empty where it bears none."""
    given = headers.get("authorization", "")
    return given[len(BEARER) :].strip() if given.lower().startswith(BEARER) else ""


def csrf_of(session: str) -> str:
    """Return what a page of this session has to send along with a change."""
    return hmac.new(session.encode(), b"csrf", hashlib.sha256).hexdigest()


def is_csrf_of(session: str, given: str) -> bool:
    """Return whether a request brought what only a page of this session knows."""
    return hmac.compare_digest(csrf_of(session).encode(), given.encode())


def is_from_here(headers: Mapping[str, str], *, is_https: bool) -> bool:
    """Return whether a browser says that a page of this very host sent the request; no word counts as no."""
    try:
        origin = urlsplit(headers.get("origin", ""))
    except ValueError:  # no address at all
        return False
    schemes = ("https",) if is_https else ("http", "https")  # behind a proxy the page may be https all the same
    return origin.scheme in schemes and bool(origin.netloc) and origin.netloc == headers.get("host", "")


__all__ = [
    "BEGUN", "SAFE_METHODS", "SESSION", "bearer_of", "cookie_of", "csrf_of", "is_csrf_of", "is_from_here", "set_cookie",
]  # fmt: skip
