"""What encryption costs on the wire, packet by packet: useful share of the line by tunnel and packet mix.

Sizes follow the protocols: IPsec ESP in tunnel mode with AES-GCM (RFC 4303, RFC 4106), WireGuard (Donenfeld 2017),
MACsec with extended packet number (IEEE 802.1AE).  All over Ethernet at layer 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from rahdari.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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

#: Internet mix 7:4:1 of Ethernet frames of 64, 576 and 1,418 bytes, as IP packets: the largest fits into a tunnel over
#: Ethernet whole.  The mix of 40, 576 and 1,500 bytes that test equipment offers needs jumbo frames under a tunnel.
IMIX_BYTES = np.array([46.0, 558.0, 1400.0])
IMIX_COUNT = np.array([7.0, 4.0, 1.0])
ETHERNET_MTU_BYTES = 1500.0
Protocol = Literal["ipsec-aes-gcm", "ipsec-aes-gcm-nat", "wireguard", "macsec"]


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


def ipsec_nat_bytes(ip_bytes: ArrayLike) -> FloatArray:
    """Return layer-1 bytes of the packet in the same tunnel inside UDP, through address translation (RFC 3948).

    >>> ipsec_nat_bytes([1400.0]).tolist()
    [1502.0]
    """
    return ipsec_bytes(ip_bytes) + UDP_HEADER_BYTES


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


TUNNELS: Mapping[str, Callable[[ArrayLike], FloatArray]] = MappingProxyType(
    {
        "ipsec-aes-gcm": ipsec_bytes,
        "ipsec-aes-gcm-nat": ipsec_nat_bytes,
        "wireguard": wireguard_bytes,
        "macsec": macsec_bytes,
    }
)


def _tunnel(protocol: str) -> Callable[[ArrayLike], FloatArray]:
    if protocol not in TUNNELS:
        known = ", ".join(get_args(Protocol))
        raise InputError(Problem(f"protocol {protocol!r} is not known", f"use one of {known}"))
    return TUNNELS[protocol]


def goodput_ratio(
    protocol: str, inner_bytes: ArrayLike | Literal["imix"] = "imix", count: ArrayLike | None = None
) -> float:
    """Return the useful share of a line under encryption: plain layer-1 bytes over encrypted ones.

    ``inner_bytes``: one IP packet size, several with ``count`` of each (all alike without), or ``"imix"``: 7:4:1 of 46,
    558 and 1,400 bytes.  ``protocol``: ipsec-aes-gcm, ipsec-aes-gcm-nat (in UDP), wireguard, macsec.  Raises
    :class:`InputError` for an unknown protocol, sizes of zero or less, and counts that do not fit.

    >>> round(goodput_ratio("ipsec-aes-gcm", inner_bytes=1400), 3), round(goodput_ratio("wireguard"), 3)
    (0.963, 0.855)
    """
    encrypted_bytes = _tunnel(protocol)
    if isinstance(inner_bytes, str):
        if inner_bytes != "imix":
            raise InputError(Problem(f"mix {inner_bytes!r} is not known", "give sizes in bytes, or imix"))
        sizes, weight = IMIX_BYTES, IMIX_COUNT
    else:
        sizes = np.atleast_1d(np.asarray(inner_bytes, np.float64))
        weight = np.ones(sizes.size) if count is None else np.atleast_1d(np.asarray(count, np.float64))
    if weight.shape != sizes.shape or not (weight >= 0.0).all() or not weight.sum() > 0.0:
        raise InputError(Problem("counts do not fit the sizes", "give one count of zero or more for each size"))
    if not ((sizes > 0.0) & np.isfinite(sizes)).all():
        raise InputError(
            Problem("a packet has no positive size", "give sizes in bytes above zero", column="inner_bytes")
        )
    return goodput_frac(encrypted_bytes, sizes, weight)


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether an inner packet fits: ``outer_bytes`` is the outer IP packet (for MACsec the payload with its fields).

    ``largest_inner_bytes`` is the largest inner packet that the line carries whole.
    """

    outer_bytes: int
    largest_inner_bytes: int
    is_fitting: bool


def fit(protocol: str, inner_bytes: int, line_mtu_bytes: float = ETHERNET_MTU_BYTES) -> Fit:
    """Return whether an inner IP packet passes a line of the given largest payload without being cut in two.

    MACsec adds 32 bytes below IP: the line must take them beside its payload, which plain 1,500-byte Ethernet does not
    promise.  Raises :class:`InputError` as :func:`goodput_ratio`.

    >>> fit("ipsec-aes-gcm", 1400).outer_bytes, fit("ipsec-aes-gcm-nat", 1400).outer_bytes
    (1456, 1464)
    """
    if inner_bytes <= 0:
        raise InputError(Problem("a packet has no positive size", "give bytes above zero", column="inner_bytes"))
    encrypted_bytes = _tunnel(protocol)
    sizes = np.arange(1.0, max(line_mtu_bytes, inner_bytes) + 1.0)
    outer = sizes + MACSEC_BYTES if protocol == "macsec" else encrypted_bytes(sizes) - ETHERNET_BYTES
    own = float(outer[inner_bytes - 1])
    return Fit(int(own), int((outer <= line_mtu_bytes).sum()), own <= line_mtu_bytes)
