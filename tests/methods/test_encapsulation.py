"""Encryption overhead against worked packet sizes."""

from __future__ import annotations

import pytest

from rahdari.methods.encapsulation import (
    IMIX_BYTES,
    IMIX_COUNT,
    goodput_frac,
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
    # The mix's exact sizes differ between makers (552 or 576, 1400 or 1500 bytes): one point of difference.
    assert goodput_frac(tunnel, IMIX_BYTES, IMIX_COUNT) == pytest.approx(expected, abs=0.012)


def test_a_tunnel_packet_of_1400_bytes_is_1456_bytes_of_esp() -> None:
    assert float(ipsec_bytes(1400.0)) - 38.0 == 1456.0


@pytest.mark.parametrize("tunnel", [ipsec_bytes, wireguard_bytes, macsec_bytes])
def test_encryption_never_makes_a_packet_shorter(tunnel) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    assert all(goodput_frac(tunnel, [size], [1.0]) < 1.0 for size in range(20, 1501, 7))
