"""Post-quantum handshakes against the standards' sizes, the order of migration, and the bound on quantum keys."""

from __future__ import annotations

import polars as pl
import pytest

from rahdari.errors import InputError
from rahdari.methods.quantum_migration import (
    handshake,
    migration_order,
    quantum_key_bound_bps,
    quantum_reach_km,
    rekey_bps,
)

LINKS = pl.DataFrame(
    {
        "link_id": ["short", "long", "busy", "calm"],
        "secrecy_years": [1.0, 30.0, 10.0, 10.0],
        "migration_years": [2.0, 3.0, 2.0, 2.0],
        "traffic_gbps": [99.0, 1.0, 5.0, 1.0],
    }
)


def test_key_exchange_and_signatures_have_the_sizes_of_the_standards() -> None:
    keys = handshake("ml-kem-768", None)
    assert (keys.forth_bytes, keys.back_bytes) == (1184, 1088)
    assert handshake("ml-kem-768", "ml-dsa-65").forth_bytes == 1184 + 1952 + 3309


def test_a_slow_line_is_held_longer_by_a_larger_handshake() -> None:
    assert handshake("ml-kem-1024").added_s(9600.0) > handshake("ml-kem-512").added_s(9600.0)
    assert handshake().added_s(9600.0) == pytest.approx(handshake().total_bytes * 8 / 9600.0)


def test_what_must_stay_secret_longest_moves_first_and_ties_go_by_traffic() -> None:
    order = migration_order(LINKS, years_to_quantum=10.0)
    assert order["link_id"].to_list() == ["long", "busy", "calm", "short"]
    assert order["is_late"].to_list() == [True, True, True, False]
    assert order["late_years"].to_list() == [23.0, 2.0, 2.0, 0.0]


def test_the_order_does_not_depend_on_the_rows() -> None:
    assert migration_order(LINKS, 10.0).equals(migration_order(LINKS.reverse(), 10.0))


def test_links_without_lifetimes_are_refused_all_at_once() -> None:
    with pytest.raises(InputError) as refused:
        migration_order(LINKS.drop("secrecy_years", "traffic_gbps"), 10.0)
    assert len(refused.value.problems) == 2


def test_a_thousand_tunnels_a_minute_take_eight_and_a_half_kilobits() -> None:
    assert rekey_bps(1000.0, 60.0) == pytest.approx(8533.3, abs=0.1)


def test_the_reach_of_quantum_keys_is_where_the_bound_meets_the_least_rate() -> None:
    assert quantum_key_bound_bps(quantum_reach_km(1000.0)) == pytest.approx(1000.0, rel=1e-6)
    assert quantum_reach_km(1000.0) < quantum_reach_km(1.0)
