"""Digests of code: a module with everything of ours it imports, found in the source without importing.

With the code go the data files that lie beside it, the versions of the foreign packages it imports, and the
version of Python: all that may change a result.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from rahdari.run.locate import module_file

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PACKAGE = "rahdari"
DIGEST_BYTES = 20
#: What cannot alter a result: errors, how files are renamed, and whoever asks for a run.
IGNORED = (
    f"{PACKAGE}.errors",
    f"{PACKAGE}.store.atomic",
    f"{PACKAGE}.run.",
    f"{PACKAGE}.service",
    f"{PACKAGE}.faces",
)
#: What turns a frame into the table on disk, whichever engine made it.
STORING = ("rahdari.schema.checks", "rahdari.store.parquet")
#: Files beside a module that are no input of it; the manifest's telling parts are in the engine's key.
NOT_DATA = (".py", ".pyc", ".md")
MANIFEST = "manifest.toml"


def _resolved(node: ast.ImportFrom, module: str, *, is_package: bool) -> str:
    """Return the absolute name that a ``from ... import`` names."""
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    above = parts[: len(parts) - node.level + is_package]
    return ".".join([*above, *([node.module] if node.module else [])])


@cache
def _imports(path: Path, module: str) -> tuple[str, ...]:
    """Return the modules and names that a file imports anywhere in its text."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):  # loading the engine says so, with its name
        return ()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = _resolved(node, module, is_package=path.name == "__init__.py")
            found.add(base)
            found |= {f"{base}.{alias.name}" for alias in node.names}
    return tuple(sorted(found - {""}))


def _closure(module: str) -> tuple[dict[str, Path], set[str]]:
    """Return the files of a module and of all it imports of ours, and the foreign packages they import."""
    tops = {module.split(".", maxsplit=1)[0], PACKAGE}
    found: dict[str, Path] = {}
    foreign: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name.split(".", maxsplit=1)[0] not in tops:
            foreign.add(name.split(".", maxsplit=1)[0])
            continue
        if name in found or (name != module and name.startswith(IGNORED)):
            continue
        path = module_file(name)
        if path is None:
            continue
        found[name] = path
        waiting += _imports(path, name)
    return found, foreign - set(sys.stdlib_module_names)


def modules_of(module: str) -> dict[str, Path]:
    """Return the module and all it imports of ours, transitively, with their files."""
    return _closure(module)[0]


def data_beside(paths: Iterable[Path]) -> list[Path]:
    """Return the data files that lie in the folders of the given modules, in name order."""
    folders = sorted({path.parent for path in paths})
    return [
        path
        for folder in folders
        for path in sorted(folder.iterdir())
        if path.is_file() and path.suffix not in NOT_DATA and path.name != MANIFEST and not path.name.startswith(".")
    ]


@cache
def package_version(package: str) -> str:
    """Return the version of an installed package, or ``absent``."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


@cache
def code_digest(module: str) -> str:
    """Return the digest of a module's code, of everything of ours it imports, and of what that stands on."""
    found, foreign = _closure(module)
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    digest.update(f"python {sys.version_info.major}.{sys.version_info.minor}\0".encode())
    for package in sorted(foreign):
        digest.update(f"{package} {package_version(package)}\0".encode())
    for name, path in sorted(found.items()):
        digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    for path in data_beside(found.values()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


@cache
def storing_digest() -> str:
    """Return the digest of the code that conforms a frame and writes it."""
    return digest_of([code_digest(module) for module in STORING])


def digest_of(*parts: object) -> str:
    """Return the digest of the texts of ``parts``; equal parts give equal digests in every process."""
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for part in parts:
        digest.update(repr(part).encode() + b"\0")
    return digest.hexdigest()


def folder_digest(folder: Path, pattern: str = "**/*", skip: tuple[str, ...] = ()) -> str:
    """Return the digest of all files of a folder: relative names and contents.

    Files below a folder named in ``skip``, and files so named, are left out.
    """
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for path in sorted(folder.glob(pattern)):
        name = path.relative_to(folder)
        if path.is_file() and not {"__pycache__", *skip} & set(name.parts):
            digest.update(name.as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
