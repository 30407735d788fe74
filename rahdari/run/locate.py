"""Find files of modules and packages by their dotted name, without importing anything on the way."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path


def _bases(top: str) -> tuple[Path, ...]:
    """Return the folders of a top-level package, or the file of a top-level module without its ending."""
    # A top-level name is found without running it; a dotted one would run the packages above it.
    spec = find_spec(top)
    if spec is None:
        return ()
    if spec.submodule_search_locations is not None:
        return tuple(Path(folder) for folder in spec.submodule_search_locations)
    return (Path(spec.origin).with_suffix(""),) if spec.origin else ()


def module_file(module: str) -> Path | None:
    """Return the source file of a module or package, or ``None`` where there is none."""
    top, *rest = module.split(".")
    for base in _bases(top):
        path = base.joinpath(*rest)
        for candidate in (path.with_suffix(".py"), path / "__init__.py"):
            if candidate.is_file():
                return candidate
    return None


def package_folder(package: str) -> Path | None:
    """Return the folder of a package, or ``None`` where it is not installed."""
    top, *rest = package.split(".")
    folders = (base.joinpath(*rest) for base in _bases(top))
    return next((folder for folder in folders if folder.is_dir()), None)
