"""What encryption costs on the wire, packet by packet: useful share of the line by tunnel and packet mix.

Sizes follow the protocols: IPsec ESP in tunnel mode with AES-GCM (RFC 4303, RFC 4106), WireGuard (Donenfeld 2017),
MACsec with extended packet number (IEEE 802.1AE).  All over Ethernet at layer 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

ETHERNET_BYTES = 38.0  # preamble 8, addresses and type 14, check sequence 4, gap 12: IEEE 802.3
SMALLEST_PAYLOAD_BYTES = 46.0  # IEEE 802.3 pads shorter ones
IPV4_HEADER_BYTES = 20.0
UDP_HEADER_BYTES = 8.0
ESP_HEADER_BYTES = 8.0  # security parameters index and sequence number, RFC 4303
ESP_IV_BYTES = 8.0  # RFC 4106
ESP_TRAILER_BYTES = 2.0  # pad length and next header, inside the padding to 4 bytes
ESP_ALIGN_BYTES = 4.0
TAG_BYTES = 16.0  # authentication tag of AES-GCM and of ChaCha20-Poly1305
WIREGUARD_HEADER_BYTES = 16.0
WIREGUARD_ALIGN_BYTES = 16.0
MACSEC_BYTES = 32.0  # SecTAG 16 with channel identifier, integrity value 16

#: Simple internet mix: IP packet sizes, bytes, and how many of each (7:4:1), as test-equipment makers use it.
IMIX_BYTES = np.array([40.0, 576.0, 1500.0])
IMIX_COUNT = np.array([7.0, 4.0, 1.0])


def _up_to(size_bytes: FloatArray, step_bytes: float) -> FloatArray:
    return np.asarray(np.ceil(size_bytes / step_bytes) * step_bytes, dtype=np.float64)


def plain_bytes(ip_bytes: ArrayLike) -> FloatArray:
    """Return layer-1 bytes of an IP packet of the given size without encryption.

    >>> plain_bytes([46.0, 1400.0]).tolist()
    [84.0, 1438.0]
    """
    return np.maximum(np.asarray(ip_bytes, np.float64), SMALLEST_PAYLOAD_BYTES) + ETHERNET_BYTES


def ipsec_bytes(ip_bytes: ArrayLike) -> FloatArray:
    """Return layer-1 bytes of the packet in an IPsec ESP tunnel with AES-GCM.

    >>> ipsec_bytes([1400.0]).tolist()
    [1494.0]
    """
    inner = _up_to(np.asarray(ip_bytes, np.float64) + ESP_TRAILER_BYTES, ESP_ALIGN_BYTES)
    return inner + IPV4_HEADER_BYTES + ESP_HEADER_BYTES + ESP_IV_BYTES + TAG_BYTES + ETHERNET_BYTES


def wireguard_bytes(ip_bytes: ArrayLike) -> FloatArray:
    """Return layer-1 bytes of the packet in a WireGuard tunnel over IPv4.

    >>> wireguard_bytes([46.0]).tolist()
    [146.0]
    """
    inner = _up_to(np.asarray(ip_bytes, np.float64), WIREGUARD_ALIGN_BYTES)
    return inner + IPV4_HEADER_BYTES + UDP_HEADER_BYTES + WIREGUARD_HEADER_BYTES + TAG_BYTES + ETHERNET_BYTES


def macsec_bytes(ip_bytes: ArrayLike) -> FloatArray:
    """Return layer-1 bytes of the packet under MACsec.

    >>> macsec_bytes([1400.0]).tolist()
    [1470.0]
    """
    return plain_bytes(ip_bytes) + MACSEC_BYTES


def goodput_frac(encrypted_bytes: Callable[[ArrayLike], FloatArray], ip_bytes: ArrayLike, count: ArrayLike) -> float:
    """Return the traffic that a line carries encrypted over what it carries in plain, for a mix of packets.

    Packets larger than the tunnel's limit are taken as carried whole: jumbo frames on the line.

    >>> round(goodput_frac(macsec_bytes, [46.0], [1.0]), 3)
    0.724
    """
    weight = np.asarray(count, np.float64)
    return float(weight @ plain_bytes(ip_bytes) / (weight @ encrypted_bytes(ip_bytes)))
