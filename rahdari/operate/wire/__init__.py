"""Decoders of what devices and tools send: bytes in, records and events out; no sockets here."""

from __future__ import annotations

from rahdari.errors import InputError, Problem

#: What is said to whoever sends an event in the name of an operator.
FORGED = "what operators do is told over the API of the live network alone, under their own name"


class DecodeError(InputError):
    """Bytes that are not what their protocol says; ``reason`` is one short word to count by."""

    def __init__(self, reason: str, what: str, cure: str = "see what the sender was told to send") -> None:
        """Hold the reason, what was found and the cure."""
        super().__init__(Problem(what, cure))
        self.reason = reason


__all__ = ["FORGED", "DecodeError"]
