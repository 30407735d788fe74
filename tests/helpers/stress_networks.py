"""Small networks for tests of cascades and stress runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rahdari.methods.cascade import Service, single_service, stress_network

if TYPE_CHECKING:
    from rahdari.methods.cascade import StressNetwork


def star(n_sites: int, **options: Any) -> StressNetwork:  # noqa: ANN401  # those of stress_network
    """Return a root with sites around it, one place each, of 1, 2, 4 ... people."""
    service = single_service([0], np.arange(-1, n_sites), n_sites)
    people = 2.0 ** np.arange(n_sites)
    return stress_network(n_sites + 1, [0] * n_sites, range(1, n_sites + 1), [service], people=people, **options)


def random_network(seed: int) -> StressNetwork:
    random = np.random.Generator(np.random.Philox(seed))
    n, p = 300, 120
    ends = np.concatenate([np.stack([np.arange(1, n), (np.arange(1, n) * random.random(n - 1)).astype(int)], 1),
                           random.integers(0, n, (40, 2))])  # fmt: skip
    first = np.concatenate([[0], np.cumsum(random.integers(0, 4, p))])
    services = [
        Service(name, np.array(roots), first, random.integers(0, n, first[-1]), random.integers(1, 3, p))
        for name, roots in (("national", [0, 7]), ("world", [3]))
    ]
    return stress_network(
        n, ends[:, 0], ends[:, 1], services, people=random.random(p) * 100.0, zone=random.integers(0, 9, n),
        n_zones=9, battery_h=random.choice([1.0, 3.0], n), generator_h=random.choice([0.0, 6.0], n),
    )  # fmt: skip
