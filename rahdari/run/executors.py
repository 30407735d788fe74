"""Where chunks run: in this thread, in threads, in spawned processes, or on a dask cluster."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from rahdari.errors import InputError, Problem
from rahdari.model.context import serial_map

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rahdari.model.context import MapFunction

EXECUTORS = ("serial", "threads", "processes", "dask")


def _pool_map(
    pool: ThreadPoolExecutor | ProcessPoolExecutor, function: Callable[[Any], Any], chunks: Iterable[Any]
) -> list[Any]:
    return list(pool.map(function, chunks))


def _dask_map(client: Any, function: Callable[[Any], Any], chunks: Iterable[Any]) -> list[Any]:  # noqa: ANN401
    gathered: list[Any] = client.gather(client.map(function, list(chunks), pure=False))
    return gathered


def check_executor(executor: str) -> None:
    """Raise :class:`InputError` where there is no such executor."""
    if executor not in EXECUTORS:
        raise InputError(Problem(f"executor '{executor}' is unknown", f"use one of {', '.join(EXECUTORS)}"))


@contextmanager
def map_function(executor: str, n_workers: int) -> Iterator[MapFunction]:
    """Yield the function behind ``ctx.map``; results come back in order whatever the executor."""
    check_executor(executor)
    if executor == "serial" or n_workers <= 1:
        yield serial_map
    elif executor == "threads":
        with ThreadPoolExecutor(n_workers) as threads:
            yield partial(_pool_map, threads)
    elif executor == "processes":
        # Spawn: Numba's thread layer dies in a forked child.
        with ProcessPoolExecutor(n_workers, mp_context=multiprocessing.get_context("spawn")) as processes:
            yield partial(_pool_map, processes)
    else:
        try:
            import distributed
        except ImportError as error:
            raise InputError(Problem("dask is not installed", "pip install 'rahdari[distributed]'")) from error
        client_class: Any = distributed.Client  # not typed
        with client_class(n_workers=n_workers, threads_per_worker=1, dashboard_address=None) as client:
            yield partial(_dask_map, client)
