"""Digests of code: a module with everything of ours it imports, found in the source without importing."""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

PACKAGE = "rahdari"
ROOT = Path(__file__).parents[1]
DIGEST_BYTES = 20
#: Frozen data holders that many import; a change of them that alters results also changes an engine.
IGNORED = (f"{PACKAGE}.errors", f"{PACKAGE}.run.", f"{PACKAGE}.service", f"{PACKAGE}.faces")


def _file_of(module: str) -> Path | None:
    if module == PACKAGE or module.startswith(f"{PACKAGE}."):
        base = ROOT.joinpath(*module.split(".")[1:])
        for path in (base.with_suffix(".py"), base / "__init__.py"):
            if path.is_file():
                return path
        return None
    spec = find_spec(module)
    return Path(spec.origin) if spec and spec.origin else None


@cache
def _imports(path: Path, package: str) -> tuple[str, ...]:
    """Return the modules of the same top-level package that a file imports anywhere in its text."""
    tree = ast.parse(path.read_bytes())
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    tops = {package, PACKAGE}
    return tuple(sorted(name for name in found if name.split(".")[0] in tops))


def modules_of(module: str) -> dict[str, Path]:
    """Return the module and all it imports of ours, transitively, with their files."""
    package = module.split(".", maxsplit=1)[0]
    found: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in found or (name != module and name.startswith(IGNORED)):
            continue
        path = _file_of(name)
        if path is None:
            continue
        found[name] = path
        waiting += _imports(path, package)
    return found


@cache
def code_digest(module: str) -> str:
    """Return the digest of a module's own code and everything of ours it imports."""
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for name, path in sorted(modules_of(module).items()):
        digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def digest_of(*parts: object) -> str:
    """Return the digest of the texts of ``parts``; equal parts give equal digests in every process."""
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for part in parts:
        digest.update(repr(part).encode() + b"\0")
    return digest.hexdigest()


def folder_digest(folder: Path, pattern: str = "**/*") -> str:
    """Return the digest of all files of a folder: relative names and contents."""
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for path in sorted(folder.glob(pattern)):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
