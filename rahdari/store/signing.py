"""Signed plans, country packs, rule packs, plug-ins and updates: a changed byte is refused where trust is set up.

The signature stands beside what it signs: ``signature.json`` in a folder, ``NAME.sig`` beside a file.  It signs a list
of SHA-256 digests, one a file.  Of a plan these are the manifest and what it names; of any other folder every file.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rahdari.errors import InputError, PlanError, Problem, raise_if_any
from rahdari.store.atomic import write_bytes
from rahdari.store.keys import read_trusted
from rahdari.store.plans import MANIFEST, read_plan_manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from rahdari.store.keys import SigningKey

SIGNATURE, ENDING = "signature.json", ".sig"
SIGNED_FOR = b"rahdari signature 1\x00"
PACK = "pack.toml"
BESIDE = ("report.html", "report.pdf", "released.toml")  # of a plan, signed where they are
NOT_CONTENT = ("__pycache__", SIGNATURE)
MAX_SIGNATURE_BYTES, MAX_FILES = 16 << 20, 100_000
BLOCK_BYTES = 1 << 20
N_NAMED = 20
MICROS = 1_000_000
CURE = "get it again from whoever signed it, or do not use it"


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signature stands for: kind, number of files, whose key, and when."""

    kind: str
    n_files: int
    key_id: str
    name: str
    at_us: int


def signature_path(path: Path) -> Path:
    """Return where the signature of a folder or file stands."""
    return path / SIGNATURE if path.is_dir() else path.with_name(path.name + ENDING)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _kind(path: Path) -> str:
    if not path.is_dir():
        return "file"
    return "plan" if (path / MANIFEST).is_file() else "pack" if (path / PACK).is_file() else "folder"


def _content(path: Path) -> dict[str, Path]:
    """Return the files that are signed, by name; a link among them raises :class:`InputError`."""
    kind = _kind(path)
    if kind == "file":
        found = {path.name: path}
    elif kind == "plan":
        tables = read_plan_manifest(path)["tables"].values()
        names = {MANIFEST, *(record[part] for record in tables for part in ("file", "schema"))}
        names |= {name for name in BESIDE if (path / name).is_file()}
        found = {name: path / name for name in names}
    else:
        every = (each for each in path.rglob("*") if not each.is_dir() or each.is_symlink())
        found = {each.relative_to(path).as_posix(): each for each in every}
        found = {name: each for name, each in found.items() if not _is_left_out(name)}
    links = [name for name, each in found.items() if each.is_symlink()]
    raise_if_any([Problem(f"'{name}' is a link", "put the file itself there", str(path)) for name in sorted(links)])
    if len(found) > MAX_FILES:
        raise InputError(Problem(f"holds {len(found):,} files", f"sign at most {MAX_FILES:,} at once", str(path)))
    return dict(sorted(found.items()))


def _is_left_out(name: str) -> bool:
    return any(part.startswith(".") or part in NOT_CONTENT for part in name.split("/"))


def sign(path: Path, key: SigningKey, *, clock: Callable[[], float] = time.time) -> Signed:
    """Write the signature of a folder or file; one that stood there is replaced."""
    if not path.exists():
        raise InputError(Problem("there is no such folder or file", "correct the path", str(path)))
    files = {name: _sha256(each) for name, each in _content(path).items()}
    at_us = int(clock() * MICROS)
    statement = {"kind": _kind(path), "files": files, "at_us": at_us, "key_id": key.public.key_id}
    body = {"statement": statement, "signatures": key.sign(SIGNED_FOR + _bytes(statement))}
    write_bytes(signature_path(path), json.dumps(body, sort_keys=True, indent=1, ensure_ascii=False).encode())
    return Signed(str(statement["kind"]), len(files), key.public.key_id, key.public.name, at_us)


def _bytes(statement: Mapping[str, Any]) -> bytes:
    """Return what is signed: sorted names, no blanks, ASCII."""
    return json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return statement and signatures of a signature file; :class:`PlanError` where there are none."""
    where = signature_path(path)
    try:
        with where.open("rb") as file:
            found = json.loads(file.read(MAX_SIGNATURE_BYTES))
        statement, signatures = found["statement"], found["signatures"]
        files = statement["files"]
        well = isinstance(signatures, dict) and isinstance(files, dict) and isinstance(statement["at_us"], int)
    except FileNotFoundError as error:
        raise PlanError(
            Problem("is not signed", "ask whoever made it to sign it: 'rahdari sign'", str(path))
        ) from error
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise PlanError(Problem("is no signature", CURE, str(where))) from error
    if not well:
        raise PlanError(Problem("is no signature", CURE, str(where)))
    return statement, signatures


def verify_signed(path: Path, trusted: Path) -> Signed:
    """Return what a signature of a folder or file stands for.

    :class:`PlanError` with everything that is wrong: not signed, by nobody in ``trusted`` (a file of public keys),
    changed, missing or added files.
    """
    if not path.exists():
        raise InputError(Problem("there is no such folder or file", "correct the path", str(path)))
    keys = {key.key_id: key for key in read_trusted(trusted)}
    statement, signatures = _read(path)
    key = keys.get(str(statement.get("key_id")))
    if key is None:
        cure = f"add the signer's public key to {trusted}, if you know it to be theirs"
        raise PlanError(Problem("is signed by nobody who is trusted here", cure, str(path)))
    wrong = key.problem(SIGNED_FOR + _bytes(statement), signatures)
    if wrong:
        raise PlanError(Problem(f"its signature does not hold: {wrong}", CURE, str(path)))
    kind, told = _kind(path), dict(statement["files"])
    if kind != statement["kind"]:
        raise PlanError(Problem(f"is a {kind}, and was signed as a {statement['kind']}", CURE, str(path)))
    raise_if_any(_differences(path, told), PlanError)
    return Signed(kind, len(told), key.key_id, key.name, int(statement["at_us"]))


def _differences(path: Path, told: Mapping[str, str]) -> list[Problem]:
    there = _content(path)
    problems = [
        Problem(f"'{name}' was added after signing", CURE, str(path)) for name in sorted(set(there) - set(told))
    ]
    for name, digest in sorted(told.items()):
        if name not in there or not there[name].is_file():
            problems.append(Problem(f"'{name}' is missing", CURE, str(path)))
        elif _sha256(there[name]) != digest:
            problems.append(Problem(f"'{name}' was changed after signing", CURE, str(path)))
    return problems[:N_NAMED]


def require_signed(path: Path, trusted: Path | None) -> None:
    """Raise as :func:`verify_signed` does, where a trust file is set up; without one anything may be used."""
    if trusted is not None:
        verify_signed(path, trusted)


__all__ = ["SIGNATURE", "Signed", "require_signed", "sign", "signature_path", "verify_signed"]
