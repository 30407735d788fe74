"""How often and how dearly one may ask: a budget for each account and address, and few heavy answers at once."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_KEYS = 50_000  # then budgets that are whole again are forgotten
SOONEST_S = 0.1


@dataclass(frozen=True, slots=True)
class Budget:
    """What a key may spend: at most ``most`` at once, ``per_s`` again each second."""

    most: float
    per_s: float


#: An address before anybody is known; an account by what its routes cost.
ADDRESS, ACCOUNT, LOGIN = Budget(600.0, 60.0), Budget(600.0, 20.0), Budget(30.0, 0.5)
N_HEAVY = 2  # heavy answers being made for one account at the same time
HEAVY = 10.0  # from this cost on an answer is heavy


@dataclass
class Limiter:
    """Token buckets by key; safe to call from several threads."""

    budget: Budget
    clock: Callable[[], float] = time.monotonic
    _left: dict[str, tuple[float, float]] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def take(self, key: str, cost: float = 1.0) -> float:
        """Spend ``cost`` and return 0, or spend nothing and return after how many seconds there is enough."""
        now_s = self.clock()
        with self._lock:
            left, at_s = self._left.get(key, (self.budget.most, now_s))
            left = min(left + (now_s - at_s) * self.budget.per_s, self.budget.most)
            if left < min(cost, self.budget.most):
                return max((min(cost, self.budget.most) - left) / self.budget.per_s, SOONEST_S)
            if key not in self._left and len(self._left) >= MAX_KEYS:
                self._forget(now_s)
            self._left[key] = (left - cost, now_s)
        return 0.0

    def _forget(self, now_s: float) -> None:
        """Forget the keys whose budget is whole again; where none is, those that waited longest."""
        whole_s = self.budget.most / self.budget.per_s
        kept = {key: value for key, value in self._left.items() if now_s - value[1] < whole_s}
        if len(kept) >= MAX_KEYS:
            kept = dict(sorted(kept.items(), key=lambda item: item[1][1])[MAX_KEYS // 2 :])
        self._left = kept


@dataclass
class Turns:
    """How many heavy answers each account is waiting for."""

    most: int = N_HEAVY
    _now: dict[str, int] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def begin(self, key: str) -> bool:
        """Take a turn; ``False`` where the account has all its turns already."""
        with self._lock:
            if self._now.get(key, 0) >= self.most:
                return False
            self._now[key] = self._now.get(key, 0) + 1
            return True

    def end(self, key: str) -> None:
        """Give a turn back."""
        with self._lock:
            left = self._now.get(key, 1) - 1
            if left:
                self._now[key] = left
            else:
                self._now.pop(key, None)


__all__ = ["ACCOUNT", "ADDRESS", "HEAVY", "LOGIN", "Budget", "Limiter", "Turns"]
