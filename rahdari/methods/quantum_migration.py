"""Post-quantum key exchange: what its handshake weighs, which links to move first, and where quantum keys reach.

Sizes: ML-KEM (FIPS 203 table 3), ML-DSA (FIPS 204 table 2).  Order: what is recorded today can be read once a quantum
computer exists, so that a link is late as soon as secrecy lifetime plus migration time exceed the years until then
(Mosca 2018, IEEE Security & Privacy 16(5)).  Quantum key distribution is a note here: loss of the fibre bounds its
reach (Pirandola et al. 2017, Nature Communications 8, 15043).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.errors import InputError, Problem, raise_if_any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class KeyExchange:
    """Bytes of an encapsulation key (sent one way) and of a ciphertext (sent back)."""

    public_bytes: int
    ciphertext_bytes: int


@dataclass(frozen=True, slots=True)
class Signature:
    """Bytes of a verification key and of a signature."""

    public_bytes: int
    signature_bytes: int


KEY_EXCHANGES: Mapping[str, KeyExchange] = MappingProxyType(
    {
        "ml-kem-512": KeyExchange(800, 768),
        "ml-kem-768": KeyExchange(1184, 1088),
        "ml-kem-1024": KeyExchange(1568, 1568),
    }
)
SIGNATURES: Mapping[str, Signature] = MappingProxyType(
    {
        "ml-dsa-44": Signature(1312, 2420),
        "ml-dsa-65": Signature(1952, 3309),
        "ml-dsa-87": Signature(2592, 4627),
    }
)
BITS_PER_BYTE = 8.0
MIGRATION_COLUMNS = ("link_id", "secrecy_years", "migration_years", "traffic_gbps")
AES_KEY_BITS = 256.0
QKD_LEAST_BPS = 1.0  # key rate below which no useful distribution is left, assumed
QKD_PULSES_PER_S = 1e9  # assumed: a source of 1 GHz
FIBRE_LOSS_DB_PER_KM = 0.2  # ITU-T G.652 near 1,550 nm


@dataclass(frozen=True, slots=True)
class Handshake:
    """Bytes that a post-quantum handshake adds: ``forth`` by the initiator, ``back`` by the responder.

    ``n_fragments``: pieces of the larger message at a payload of ``fragment_bytes``; IKE sends them as RFC 7383 and
    RFC 9242 say, after a classical first exchange.
    """

    forth_bytes: int
    back_bytes: int
    n_fragments: int

    @property
    def total_bytes(self) -> int:
        """Return the bytes both ways."""
        return self.forth_bytes + self.back_bytes

    def added_s(self, rate_bps: float) -> float:
        """Return the seconds that both messages occupy a line of the given rate; :class:`InputError` at zero."""
        if not rate_bps > 0.0:
            raise InputError(Problem("the line has no rate", "give bits a second above zero", column="rate_bps"))
        return self.total_bytes * BITS_PER_BYTE / rate_bps


def handshake(
    key_exchange: str = "ml-kem-768", signature: str | None = "ml-dsa-65", fragment_bytes: int = 1200
) -> Handshake:
    """Return what key exchange and signature add to a handshake in which both sides sign and show their keys.

    Raises :class:`InputError` for unknown names.

    >>> plain = handshake("ml-kem-768", None)
    >>> plain.forth_bytes, plain.back_bytes, handshake().total_bytes
    (1184, 1088, 12794)
    """
    problems = []
    if key_exchange not in KEY_EXCHANGES:
        known = ", ".join(KEY_EXCHANGES)
        problems.append(Problem(f"key exchange {key_exchange!r} is not known", f"use one of {known}"))
    if signature is not None and signature not in SIGNATURES:
        problems.append(Problem(f"signature {signature!r} is not known", f"use one of {', '.join(SIGNATURES)}"))
    if fragment_bytes <= 0:
        problems.append(Problem("a fragment holds nothing", "give bytes above zero", column="fragment_bytes"))
    raise_if_any(problems)
    kem = KEY_EXCHANGES[key_exchange]
    signed = 0
    if signature is not None:
        own = SIGNATURES[signature]
        signed = own.public_bytes + own.signature_bytes
    forth, back = kem.public_bytes + signed, kem.ciphertext_bytes + signed
    return Handshake(forth, back, math.ceil(max(forth, back) / fragment_bytes))


def migration_order(links: pl.DataFrame, years_to_quantum: float) -> pl.DataFrame:
    """Return links in the order in which to move them to post-quantum keys, harvest-now-decrypt-later first.

    ``links``: ``link_id``, ``secrecy_years`` (how long what passes must stay secret), ``migration_years``,
    ``traffic_gbps``.  Adds ``need_years`` (secrecy + migration), ``late_years`` (need beyond ``years_to_quantum``, 0
    where in time), ``start_in_years`` (latest start, below zero where late), ``is_late`` and ``order`` from 1.  Equal
    needs go by traffic.  Raises :class:`InputError` for missing columns and numbers below zero.
    """
    missing = [name for name in MIGRATION_COLUMNS if name not in links.columns]
    raise_if_any([Problem("the column is missing", "add it", "links", None, name) for name in missing])
    numbers = links.select(pl.col(*MIGRATION_COLUMNS[1:]).cast(pl.Float64()))
    wrong = [
        column.name for column in numbers if not (column.is_finite() & (column >= 0.0)).fill_null(value=False).all()
    ]
    raise_if_any([Problem("no number of zero or more", "correct it", "links", None, name) for name in wrong])
    need = pl.col("secrecy_years") + pl.col("migration_years")
    made = links.with_columns(
        need_years=need,
        late_years=(need - years_to_quantum).clip(lower_bound=0.0),
        start_in_years=years_to_quantum - need,
        is_late=need > years_to_quantum,
    ).sort("need_years", "traffic_gbps", "link_id", descending=[True, True, False])
    return made.with_columns(order=pl.int_range(1, made.height + 1, dtype=pl.Int64()))


def rekey_bps(n_tunnels: float, rekey_s: float) -> float:
    """Return the key rate that AES-256 tunnels take when each is given a new key, both ways, every ``rekey_s``.

    >>> round(rekey_bps(1000, 60.0))
    8533
    """
    if not (n_tunnels >= 0.0 and rekey_s > 0.0):
        raise InputError(Problem("tunnels or the time between keys are out of range", "give zero or more, and seconds"))
    return 2.0 * n_tunnels * AES_KEY_BITS / rekey_s


def quantum_key_bound_bps(length_km: float, loss_db_per_km: float = FIBRE_LOSS_DB_PER_KM) -> float:
    """Return the most key bits a second over fibre without a trusted node: the bound of Pirandola et al. a pulse.

    >>> quantum_key_bound_bps(100.0) > quantum_key_bound_bps(200.0) > 0.0
    True
    """
    through = 10.0 ** (-loss_db_per_km * length_km / 10.0)
    return float(-QKD_PULSES_PER_S * np.log2(np.maximum(1.0 - through, 1e-300)))


def quantum_reach_km(least_bps: float = QKD_LEAST_BPS, loss_db_per_km: float = FIBRE_LOSS_DB_PER_KM) -> float:
    """Return the longest fibre, km, at which the bound still allows ``least_bps``; real systems end far before.

    >>> 400.0 < quantum_reach_km() < 500.0
    True
    """
    if not (least_bps > 0.0 and loss_db_per_km > 0.0):
        raise InputError(Problem("rate or loss is not above zero", "give positive numbers"))
    through = -math.expm1(-least_bps / QKD_PULSES_PER_S * math.log(2.0))
    return -10.0 * math.log10(through) / loss_db_per_km
