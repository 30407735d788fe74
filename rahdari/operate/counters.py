"""Counters of everything that came in, was refused or was lost; safe from any thread."""

from __future__ import annotations

import threading

#: Every counter with what it counts, in the words of a Prometheus HELP line.
HELP = {
    "rahdari_wire_received_total": "Datagrams or messages received, by listener",
    "rahdari_wire_bytes_total": "Bytes received, by listener",
    "rahdari_wire_events_total": "Events handed on, by listener",
    "rahdari_wire_refused_total": "Messages or events refused, by listener and reason",
    "rahdari_wire_duplicates_total": "Informs that came again and made no second event, by listener",
    "rahdari_wire_acknowledged_total": "Informs answered after their event was stored, by listener",
    "rahdari_wire_truncated_total": "Texts or fields cut to their greatest size, by listener",
    "rahdari_wire_kernel_drops_total": "Datagrams the system dropped before they were read, by listener",
    "rahdari_wire_receive_buffer_bytes": "Receive buffer that the system granted, by listener",
    "rahdari_wire_connections": "Open TCP connections, by listener",
    "rahdari_poll_total": "Polls of devices, by outcome",
    "rahdari_poll_missing_total": "Raises or clears that a poll found and no trap had told, by kind",
}
Labels = tuple[tuple[str, str], ...]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


class Counters:
    """Numbers by name and labels; ``rahdari_…_total`` only grow, the others are set."""

    def __init__(self) -> None:
        """Start with every number at nought."""
        self._lock = threading.Lock()
        self._values: dict[tuple[str, Labels], int] = {}

    def add(self, name: str, n: int = 1, **labels: str) -> None:
        """Add ``n`` to a counter."""
        key = (name, tuple(sorted(labels.items())))
        with self._lock:
            self._values[key] = self._values.get(key, 0) + n

    def set(self, name: str, value: int, **labels: str) -> None:
        """Say what a number is now."""
        with self._lock:
            self._values[name, tuple(sorted(labels.items()))] = value

    def get(self, name: str, **labels: str) -> int:
        """Return one number summed over the labels that are not given."""
        wanted = set(labels.items())
        with self._lock:
            return sum(value for (one, has), value in self._values.items() if one == name and wanted <= set(has))

    def values(self) -> dict[tuple[str, Labels], int]:
        """Return a copy of all numbers."""
        with self._lock:
            return dict(self._values)

    def prometheus(self) -> str:
        """Return all numbers in the Prometheus text format 0.0.4, names and labels in order."""
        lines, last = [], ""
        for (name, labels), value in sorted(self.values().items()):
            if name != last:
                kind = "counter" if name.endswith("_total") else "gauge"
                lines += [f"# HELP {name} {HELP.get(name, name)}", f"# TYPE {name} {kind}"]
                last = name
            inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
            lines.append(f"{name}{{{inside}}} {value}" if inside else f"{name} {value}")
        return "\n".join(lines) + "\n" if lines else ""


__all__ = ["HELP", "Counters", "Labels"]
