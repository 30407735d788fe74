"""An event of the live network, whatever protocol brought it."""

from __future__ import annotations

import msgspec

SEVERITIES = ("critical", "major", "minor", "warning", "indeterminate", "cleared")  # ITU-T X.733, in its order


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One event as a source told it; ``(source, seq)`` is its identity and is never stored twice.

    ``at_s`` is the source's own clock, in seconds of POSIX time (a story or a test may count from 0); the journal adds
    when the event was received.  ``resource`` names a thing or a part of it: ``A2``, ``A2:battery``, ``L10:KHI-port``.
    ``type`` is the alarm type (RFC 8632), ``severity`` one of :data:`SEVERITIES`; ``cleared`` ends the alarm of the
    same resource, type and qualifier.  Texts are kept as they came and are never trusted.
    """

    source: str
    seq: int
    at_s: float
    resource: str
    type: str
    severity: str
    qualifier: str = ""
    text: str = ""
    fields: dict[str, str] = {}


__all__ = ["SEVERITIES", "Event"]
