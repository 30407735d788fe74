"""Compile every kernel into the cache, side by side: ``python -m rahdari.kernels.compile_all``."""

from __future__ import annotations

import os
import pkgutil
import sys
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context
from time import perf_counter

import rahdari.kernels


def module_names() -> list[str]:
    """Return the names of all kernel modules, in order.

    >>> "rahdari.kernels.reach" in module_names()
    True
    """
    found = pkgutil.walk_packages(rahdari.kernels.__path__, f"{rahdari.kernels.__name__}.")
    return sorted(module.name for module in found if not module.name.endswith(".compile_all"))


def compile_module(name: str) -> str:
    """Import one module, which compiles its kernels or loads them, and return its name."""
    import_module(name)
    return name


def main() -> None:
    """Compile all kernels with one process a core.

    Processes are spawned: Numba's thread layer dies in a forked child.
    """
    start, names = perf_counter(), module_names()
    with ProcessPoolExecutor(os.cpu_count() or 1, mp_context=get_context("spawn")) as pool:
        for n, _ in enumerate(pool.map(compile_module, names), 1):
            sys.stderr.write(f"\rkernels {n}/{len(names)}")
    sys.stderr.write(f"\rkernels {len(names)}/{len(names)} compiled in {perf_counter() - start:.0f} s\n")


if __name__ == "__main__":
    main()
