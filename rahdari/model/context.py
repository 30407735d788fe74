"""What an engine may see besides its tables and parameters: seed, years, parallel map, progress."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from rahdari.errors import CancelledError, Problem

if TYPE_CHECKING:
    import numpy as np

Chunk = TypeVar("Chunk")
Out = TypeVar("Out")
MapFunction = Callable[[Callable[[Any], Any], Iterable[Any]], list[Any]]
PHILOX_KEY_BYTES = 16  # Philox4x64 takes a 128-bit key


def serial_map(function: Callable[[Any], Any], chunks: Iterable[Any]) -> list[Any]:
    """Return the results of ``function`` over ``chunks`` in order, one after another."""
    return [function(chunk) for chunk in chunks]


def _silent(_done: int, _total: int, _text: str) -> None:
    """Report progress to nobody."""


def _never() -> bool:
    """Say that nobody has asked to stop."""
    return False


@dataclass(frozen=True)
class Context:
    """The circumstances of a run.

    Results depend on ``seed``, ``detail``, ``years``, ``is_strict`` and ``backend`` only: never on
    ``n_workers`` or chunking.
    """

    seed: int = 1
    detail: Literal["quick", "full"] = "quick"
    years: tuple[int, ...] = (2025, 2030)
    n_workers: int = 1
    backend: str = "cpu"
    is_strict: bool = False
    map_function: MapFunction = field(default=serial_map, repr=False)
    on_progress: Callable[[int, int, str], None] = field(default=_silent, repr=False)
    is_cancelled: Callable[[], bool] = field(default=_never, repr=False)

    @property
    def year_base(self) -> int:
        """Return the first year."""
        return self.years[0]

    @property
    def year_end(self) -> int:
        """Return the last year."""
        return self.years[-1]

    def random(self, name: str) -> np.random.Generator:
        """Return a counter-based generator (Philox) keyed by the seed and ``name``.

        Draw once per entity in key order, or key by the entity, so that chunks do not matter.
        """
        import numpy as np  # a manifest-only run must not pay for it

        digest = hashlib.blake2b(f"{self.seed}:{name}".encode(), digest_size=PHILOX_KEY_BYTES).digest()
        return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))

    def map(self, function: Callable[[Chunk], Out], chunks: Iterable[Chunk]) -> list[Out]:
        """Return ``function`` over ``chunks`` in order; the executor decides where it runs."""
        return self.map_function(function, chunks)

    def progress(self, done: int, total: int, text: str = "") -> None:
        """Tell whoever watches how far the engine is, and stop here if they asked to."""
        self.check_cancelled()
        self.on_progress(done, total, text)

    def check_cancelled(self) -> None:
        """Raise :class:`CancelledError` if the user has asked to stop."""
        if self.is_cancelled():
            raise CancelledError(Problem("stopped on request", "run the same command again: it resumes from the cache"))
