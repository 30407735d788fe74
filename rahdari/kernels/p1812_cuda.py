"""The formulas of P.1812 again for a graphics card, from the very sources the processor's kernels are compiled from.

Nothing of CUDA is imported before a card is asked for: a machine without one never notices this module.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from rahdari.kernels import diffraction, p1812, p1812_path
from rahdari.kernels.p1812 import LOSS, N_INPUTS, N_TERMS
from rahdari.kernels.p1812_path import path_terms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    from rahdari.kernels.arrays import Floats, Int32s, Ints

THREADS = 128  # of a block: rows of terms lie in registers and local memory, so that more would not fit


cuda: Any = None  # the kernel's own comes with the namespace it is rebuilt over


def _least(a: float, b: float) -> float:
    return b if b < a else a  # noqa: FURB136  # Numba's own min takes no two numbers on a card


def _most(a: float, b: float) -> float:
    return b if b > a else a  # noqa: FURB136  # as above


def rebuilt(compile_one: Callable[[Any], Any]) -> dict[str, Any]:
    """Return every scalar function of the P.1812 kernels by name, compiled anew by ``compile_one``.

    Each is rebuilt over one shared namespace, so that it calls its rebuilt neighbours and not the processor's.
    """
    namespace: dict[str, Any] = {"min": compile_one(_least), "max": compile_one(_most)}
    for module in (diffraction, p1812, p1812_path):
        for name, value in vars(module).items():
            source = getattr(value, "py_func", None)
            if source is None:
                namespace.setdefault(name, value)
            elif source.__module__ == module.__name__ and not name.startswith("batch_"):
                namespace[name] = compile_one(FunctionType(source.__code__, namespace, name))
    return namespace


def _kernel(
    distance_km: Floats,
    height_m: Floats,
    clutter_m: Floats,
    zone: Int32s,
    offset: Ints,
    inputs: Floats,
    loss_db: Floats,
) -> None:
    """Do one path a thread; ``cuda`` and ``path_terms`` are those of the namespace it is rebuilt over."""
    k = cuda.grid(1)
    if k < loss_db.size:
        row = cuda.local.array(N_TERMS, np.float64)
        for i in range(N_INPUTS):
            row[i] = inputs[k, i]
        a, b = offset[k], offset[k + 1]
        zones = zone[a:b] if zone.size > 0 else zone[0:0]
        path_terms(distance_km[a:b], height_m[a:b], clutter_m[a:b], zones, row)
        loss_db[k] = row[LOSS]


def _device() -> ModuleType:
    """Return Numba's CUDA module, imported only where a card is asked for."""
    return import_module("numba.cuda")


def is_available() -> bool:
    """Return whether a graphics card can be used from here."""
    return bool(_device().is_available())


@cache
def _compiled() -> Mapping[tuple[int, int], Callable[..., None]]:
    """Return the kernel; the card's driver compiles it at the first launch, some seconds."""
    device = _device()
    namespace = rebuilt(device.jit(device=True)) | {"cuda": device, "np": np, "N_TERMS": N_TERMS}
    kernel: Mapping[tuple[int, int], Callable[..., None]] = device.jit(
        FunctionType(_kernel.__code__, namespace, "p1812_paths")
    )
    return kernel


def batch_loss(
    distance_km: Floats, height_m: Floats, clutter_m: Floats, zone: Int32s, offset: Ints, inputs: Floats
) -> Floats:
    """Return what ``p1812_path.batch_loss`` fills, computed on the graphics card; (n,) dB, equal within 1e-3 dB."""
    device, n = _device(), offset.size - 1
    sent = [device.to_device(array) for array in (distance_km, height_m, clutter_m, zone, offset, inputs)]
    loss_db = device.device_array(n, np.float64)
    _compiled()[-(-n // THREADS), min(THREADS, n)](*sent, loss_db)
    return np.asarray(loss_db.copy_to_host(), dtype=np.float64)
