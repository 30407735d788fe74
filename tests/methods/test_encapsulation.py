"""Encryption overhead against worked packet sizes."""

from __future__ import annotations

from typing import Any

import pytest

from rahdari.errors import InputError
from rahdari.methods.encapsulation import (
    IMIX_BYTES,
    IMIX_COUNT,
    TUNNELS,
    fit,
    goodput_frac,
    goodput_ratio,
    ipsec_bytes,
    macsec_bytes,
    wireguard_bytes,
)

# Layer-1 goodput ratios computed independently packet by packet, to three digits.
WORKED = (
    (ipsec_bytes, 46.0, 0.609), (wireguard_bytes, 46.0, 0.575), (macsec_bytes, 46.0, 0.724),
    (ipsec_bytes, 1400.0, 0.963), (wireguard_bytes, 1400.0, 0.955), (macsec_bytes, 1400.0, 0.978),
)  # fmt: skip
MIXES = ((ipsec_bytes, 0.872), (wireguard_bytes, 0.855), (macsec_bytes, 0.920))


@pytest.mark.parametrize(("tunnel", "ip_bytes", "expected"), WORKED)
def test_single_sizes_equal_the_worked_ratios(tunnel, ip_bytes, expected) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    assert goodput_frac(tunnel, [ip_bytes], [1.0]) == pytest.approx(expected, abs=6e-4)


@pytest.mark.parametrize(("tunnel", "expected"), MIXES)
def test_the_internet_mix_lies_near_the_worked_ratios(tunnel, expected) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    assert goodput_frac(tunnel, IMIX_BYTES, IMIX_COUNT) == pytest.approx(expected, abs=6e-4)


@pytest.mark.parametrize(
    ("protocol", "size", "outer"),
    [
        ("ipsec-aes-gcm", 1400, 1456),
        ("ipsec-aes-gcm-nat", 1400, 1464),
        ("wireguard", 1420, 1484),
        ("macsec", 1400, 1432),
    ],
)
def test_outer_packets_have_the_sizes_of_the_standards(protocol: str, size: int, outer: int) -> None:
    found = fit(protocol, size)
    assert found.outer_bytes == outer
    assert found.is_fitting


@pytest.mark.parametrize("protocol", sorted(TUNNELS))
def test_the_largest_inner_packet_fits_and_the_next_does_not(protocol: str) -> None:
    largest = fit(protocol, 1).largest_inner_bytes
    assert fit(protocol, largest).is_fitting
    assert not fit(protocol, largest + 1).is_fitting


def test_a_single_size_and_its_mix_of_one_agree() -> None:
    assert goodput_ratio("macsec", inner_bytes=1400) == goodput_ratio("macsec", [1400.0], [3.0])
    assert goodput_ratio("wireguard") == goodput_frac(wireguard_bytes, IMIX_BYTES, IMIX_COUNT)


@pytest.mark.parametrize(
    ("protocol", "sizes", "count"),
    [("tls", 1400, None), ("macsec", 0, None), ("macsec", [64, 128], [1.0]), ("macsec", "voice", None)],
)
def test_what_cannot_be_computed_is_refused_with_a_cure(protocol: str, sizes: Any, count: Any) -> None:  # noqa: ANN401
    with pytest.raises(InputError) as refused:
        goodput_ratio(protocol, sizes, count)
    assert all(problem.cure for problem in refused.value.problems)


def test_a_tunnel_packet_of_1400_bytes_is_1456_bytes_of_esp() -> None:
    assert float(ipsec_bytes(1400.0)) - 38.0 == 1456.0


@pytest.mark.parametrize("tunnel", [ipsec_bytes, wireguard_bytes, macsec_bytes])
def test_encryption_never_makes_a_packet_shorter(tunnel) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    assert all(goodput_frac(tunnel, [size], [1.0]) < 1.0 for size in range(20, 1501, 7))
