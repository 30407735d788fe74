"""Keys that sign: Ed25519 (RFC 8032) and, where the library has it, ML-DSA-65 (FIPS 204) beside it.

The second one holds where a quantum computer breaks the first.  A signature is good only if every algorithm that the
public key names has signed: taking one away is a forgery too.  A private key lies in a file that its owner alone reads.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from rahdari.errors import InputError, PlanError, Problem
from rahdari.store.accounts import check_owner_only, write_owner_only

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ED25519, ML_DSA = "ed25519", "ml-dsa-65"
PUBLIC_ENDING = ".pub"
MAX_KEY_BYTES = 64 * 1024
ID_LETTERS = 16


def _ml_dsa() -> Any:  # noqa: ANN401  # a module that older libraries have not
    """Return the module of ML-DSA, or ``None`` where this library or its OpenSSL has none."""
    try:
        from cryptography.hazmat.primitives.asymmetric import mldsa

        mldsa.MLDSA65PrivateKey.from_seed_bytes(bytes(32))
    except (ImportError, AttributeError, UnsupportedAlgorithm):
        return None
    return mldsa


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Whom to believe: the raw public key of each algorithm, in hexadecimal."""

    keys: Mapping[str, str]
    name: str = ""

    @property
    def key_id(self) -> str:
        """Return a short name that two keys do not share."""
        text = " ".join(f"{kind}:{self.keys[kind]}" for kind in sorted(self.keys))
        return hashlib.sha256(text.encode()).hexdigest()[:ID_LETTERS]

    @property
    def line(self) -> str:
        """Return the key as one line of JSON."""
        return json.dumps({"name": self.name, "key_id": self.key_id, **self.keys}, sort_keys=True)

    def problem(self, message: bytes, signatures: Mapping[str, Any]) -> str:
        """Return why signatures of a message are not to be believed, empty where they are."""
        if set(signatures) != set(self.keys):
            return f"it is not signed with {' and '.join(self.keys)}, as the key demands"
        for kind, text in signatures.items():
            try:
                signature = bytes.fromhex(str(text))
                if signature.hex() != text:  # capitals and blanks are another spelling: a changed byte
                    return f"the {kind} signature is damaged"
                _verify(kind, bytes.fromhex(self.keys[kind]), signature, message)
            except (InvalidSignature, ValueError):
                return f"the {kind} signature is not of key {self.key_id}"
            except UnsupportedAlgorithm:
                return f"{kind} cannot be checked here: cryptography is too old"
        return ""


def _verify(kind: str, key: bytes, signature: bytes, message: bytes) -> None:
    if kind == ED25519:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
        return
    module = _ml_dsa()
    if module is None:
        msg = "ML-DSA"
        raise UnsupportedAlgorithm(msg)
    module.MLDSA65PublicKey.from_public_bytes(key).verify(signature, message)


class SigningKey:
    """A private key of each algorithm; see :meth:`open`."""

    def __init__(self, seeds: Mapping[str, str], name: str = "") -> None:
        """Take the seeds (32 bytes each, in hexadecimal)."""
        self._keys: dict[str, Any] = {ED25519: Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seeds[ED25519]))}
        module = _ml_dsa()
        if ML_DSA in seeds and module is not None:
            self._keys[ML_DSA] = module.MLDSA65PrivateKey.from_seed_bytes(bytes.fromhex(seeds[ML_DSA]))
        raw = {kind: key.public_key().public_bytes_raw().hex() for kind, key in self._keys.items()}
        self.public = PublicKey(raw, name)

    @classmethod
    def open(cls, path: Path, *, is_made: bool = True, name: str = "") -> SigningKey:
        """Return the key in a file, made with its public half beside it where there is none and ``is_made``.

        :class:`InputError` where others may read the file, or where it is no key.
        """
        if not path.is_file() and is_made:
            own = {ED25519: Ed25519PrivateKey.generate().private_bytes_raw().hex()}
            module = _ml_dsa()
            if module is not None:
                own[ML_DSA] = module.MLDSA65PrivateKey.generate().private_bytes_raw().hex()
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_owner_only(path, json.dumps({"name": name, **own}) + "\n")
            write_public(path.with_name(path.name + PUBLIC_ENDING), cls(own, name).public)
        values = _read(path)
        check_owner_only(path)
        try:
            return cls({kind: str(values[kind]) for kind in (ED25519, ML_DSA) if kind in values}, str(values["name"]))
        except (KeyError, ValueError) as error:
            raise InputError(Problem("is no signing key", "give the file of one", str(path))) from error

    def sign(self, message: bytes) -> dict[str, str]:
        """Return the signature of each algorithm in hexadecimal."""
        return {kind: key.sign(message).hex() for kind, key in self._keys.items()}


def write_public(path: Path, key: PublicKey) -> None:
    """Write a public key as a file of one line."""
    from rahdari.store.atomic import write_text

    write_text(path, key.line + "\n")


def _read(path: Path) -> dict[str, Any]:
    """Return the JSON object in a small file; :class:`InputError` where there is none."""
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(MAX_KEY_BYTES))
    except OSError as error:
        what = f"cannot be read: {error.strerror or error}"
        raise InputError(Problem(what, "give the file of a key", str(path))) from error
    except ValueError as error:
        raise InputError(Problem("is no key", "give the file of a key", str(path))) from error
    if not isinstance(found, dict):
        raise InputError(Problem("is no key", "give the file of a key", str(path)))
    return found


def read_trusted(path: Path) -> list[PublicKey]:
    """Return the public keys in a file, one JSON object a line; :class:`InputError` for any line that is none."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(Problem("cannot be read", "give a file of public keys, one a line", str(path))) from error
    found = []
    for row, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            values = json.loads(line)
            keys = {kind: str(values[kind]) for kind in (ED25519, ML_DSA) if kind in values}
            well = ED25519 in keys and all(bytes.fromhex(key) for key in keys.values())
        except (ValueError, TypeError, KeyError):
            well, keys, values = False, {}, {}
        if not well:
            cure = "copy the line of the signer's .pub file"
            raise InputError(Problem("is no public key", cure, str(path), row))
        found.append(PublicKey(keys, str(values.get("name", ""))))
    if not found:
        raise PlanError(Problem("names nobody to trust", "add the line of a signer's .pub file", str(path)))
    return found


__all__ = ["ED25519", "ML_DSA", "PublicKey", "SigningKey", "read_trusted", "write_public"]
