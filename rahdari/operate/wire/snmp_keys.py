"""Keys of the User-based Security Model: from password to digest and cipher (RFC 3414, RFC 3826, RFC 7860)."""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache
from typing import Literal

import msgspec
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from rahdari.errors import InputError, Problem
from rahdari.operate.wire import DecodeError

Auth = Literal["none", "md5", "sha1", "sha224", "sha256", "sha384", "sha512"]
Privacy = Literal["none", "des", "aes128", "aes192", "aes256", "aes192_cisco", "aes256_cisco"]
#: Octets that are sent of each digest (RFC 3414, 6.3.1 and 7.3.1; RFC 7860, 4.2).
DIGEST_OCTETS = {"md5": 12, "sha1": 12, "sha224": 16, "sha256": 24, "sha384": 32, "sha512": 48}
#: Octets of each cipher's key; DES takes eight more, from which its starting value is made.
KEY_OCTETS = {"des": 16, "aes128": 16, "aes192": 24, "aes256": 32, "aes192_cisco": 24, "aes256_cisco": 32}
EXPANDED_OCTETS, SALT_OCTETS, DES_BLOCK = 1 << 20, 8, 8
MIN_PASSWORD = 8  # RFC 3414, 11.2


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A user of SNMP version 3; what its entry names is demanded of every message in its name."""

    name: str
    auth: Auth = "none"
    auth_password: str = ""
    privacy: Privacy = "none"
    privacy_password: str = ""

    def __post_init__(self) -> None:
        """Refuse what the model does not allow, all of it at once."""
        cure = "correct the user's entry"
        problems = []
        if self.privacy != "none" and self.auth == "none":
            problems.append(Problem(f"user {self.name!r} has privacy without authentication", cure))
        for kind, chosen, password in (
            ("authentication", self.auth, self.auth_password),
            ("privacy", self.privacy, self.privacy_password),
        ):
            if chosen != "none" and len(password) < MIN_PASSWORD:
                what = f"the {kind} password of user {self.name!r} has fewer than {MIN_PASSWORD} characters"
                problems.append(Problem(what, cure))
        if problems:
            raise InputError(problems)

    def __repr__(self) -> str:
        """Return what may be shown: never a password."""
        return f"User(name={self.name!r}, auth={self.auth!r}, privacy={self.privacy!r})"


@lru_cache(maxsize=1024)
def password_key(auth: Auth, password: bytes) -> bytes:
    """Return the key of a password: the digest of it repeated to a mebibyte (RFC 3414, A.2)."""
    repeated = (password * (EXPANDED_OCTETS // len(password) + 1))[:EXPANDED_OCTETS]
    return hashlib.new(auth, repeated).digest()


def localized(auth: Auth, key: bytes, engine_id: bytes) -> bytes:
    """Return a key bound to one engine (RFC 3414, 2.6)."""
    return hashlib.new(auth, key + engine_id + key).digest()


@lru_cache(maxsize=4096)
def auth_key(user: User, engine_id: bytes) -> bytes:
    """Return the authentication key of a user at one engine."""
    return localized(user.auth, password_key(user.auth, user.auth_password.encode()), engine_id)


@lru_cache(maxsize=4096)
def privacy_key(user: User, engine_id: bytes) -> bytes:
    """Return the cipher's key of a user at one engine, extended where the digest is shorter than the key.

    The names with ``_cisco`` extend as draft-reeder-snmpv3-usm-3desede does, the others as draft-blumenthal-aes-usm-04.
    """
    key = localized(user.auth, password_key(user.auth, user.privacy_password.encode()), engine_id)
    wanted = KEY_OCTETS[user.privacy]
    last = key
    while len(key) < wanted:
        if user.privacy.endswith("_cisco"):
            last = localized(user.auth, password_key(user.auth, last), engine_id)
        else:
            last = hashlib.new(user.auth, key).digest()
        key += last
    return key[:wanted]


def digest(auth: Auth, key: bytes, message: bytes) -> bytes:
    """Return the digest of a whole message whose place for it is filled with noughts."""
    return hmac.digest(key, message, auth)[: DIGEST_OCTETS[auth]]


def _cipher(privacy: Privacy, key: bytes, boots: int, time_s: int, salt: bytes) -> Cipher[CBC] | Cipher[CFB]:
    if privacy == "des":
        start = bytes(a ^ b for a, b in zip(key[DES_BLOCK:], salt, strict=True))
        return Cipher(TripleDES(key[:DES_BLOCK] * 3), CBC(start))  # thrice the same key is single DES
    return Cipher(AES(key), CFB(boots.to_bytes(4, "big") + time_s.to_bytes(4, "big") + salt))


def decrypt(  # noqa: PLR0917 -- what the cipher takes, in its order
    privacy: Privacy, key: bytes, boots: int, time_s: int, salt: bytes, secret: bytes
) -> bytes:
    """Return the plain text; DES leaves its padding behind it."""
    if len(salt) != SALT_OCTETS or (privacy == "des" and len(secret) % DES_BLOCK):
        raise DecodeError("bad_privacy", "a salt or an encrypted text has a length that the cipher does not take")
    opener = _cipher(privacy, key, boots, time_s, salt).decryptor()
    return opener.update(secret) + opener.finalize()


def encrypt(  # noqa: PLR0917 -- what the cipher takes, in its order
    privacy: Privacy, key: bytes, boots: int, time_s: int, salt: bytes, plain: bytes
) -> bytes:
    """Return the encrypted text; DES takes noughts as padding."""
    if privacy == "des":
        plain += bytes(-len(plain) % DES_BLOCK)
    sealer = _cipher(privacy, key, boots, time_s, salt).encryptor()
    return sealer.update(plain) + sealer.finalize()
