"""The figures of the live network in Prometheus's text format (version 0.0.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rahdari.service.operate import LiveView

    Sample = tuple[Mapping[str, str], float]

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def escaped(text: str) -> str:
    r"""Return a label's value as the format wants it.

    >>> escaped('a "b"\n')
    'a \\"b\\"\\n'
    """
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def family(name: str, kind: str, help_text: str, samples: Iterable[Sample]) -> str:
    """Return one family: its two heading lines and its samples; nothing where there is none.

    >>> print(family("x_total", "counter", "So many", [({"a": "1"}, 2.0)]))
    # HELP x_total So many
    # TYPE x_total counter
    x_total{a="1"} 2
    """
    lines = []
    for labels, value in samples:
        inside = ",".join(f'{key}="{escaped(text)}"' for key, text in sorted(labels.items()))
        lines.append(f"{name}{'{' + inside + '}' if inside else ''} {value:.15g}")
    return "\n".join([f"# HELP {name} {help_text}", f"# TYPE {name} {kind}", *lines]) if lines else ""


def families(view: LiveView) -> Iterator[str]:
    """Yield every family of a live network: journal, alarms, incidents, customers, pipeline, listeners."""
    counts, app = view.counts(), view.app
    kept = app.journal.counters()
    is_open = [each for each in app.incidents.values() if each.is_open]
    customers = view.customers(is_open)
    status = app.pipeline.status()

    def of(prefix: str, label: str) -> list[Sample]:
        return [({label: name[len(prefix) :]}, n) for name, n in sorted(kept.items()) if name.startswith(prefix)]

    yield family("rahdari_events_total", "counter", "Events stored", [({}, kept.get("events", 0))])
    yield family("rahdari_duplicates_total", "counter", "Events that came again", [({}, kept.get("duplicates", 0))])
    yield family("rahdari_future_total", "counter", "Events told from the future", [({}, kept.get("future", 0))])
    yield family("rahdari_events_by_severity_total", "counter", "Events by severity", of("severity:", "severity"))
    yield family("rahdari_events_by_source_total", "counter", "Events by source", of("source:", "source"))
    by_severity = [({"severity": name}, n) for name, n in counts["severity"].items()]
    yield family("rahdari_alarms_open", "gauge", "Alarms that are open and shown", by_severity)
    for name, text in (("unknown", "of things the plan does not know"), ("shelved", "shelved"), ("flapping", "flap")):
        yield family(f"rahdari_alarms_{name}", "gauge", f"Open alarms: {text}", [({}, counts[name])])
    yield family("rahdari_incidents_open", "gauge", "Incidents that are open", [({}, len(is_open))])
    yield family("rahdari_customers", "gauge", "Customers in all", [({}, customers["total"])])
    yield family(
        "rahdari_customers_without_service", "gauge", "Customers without service", [({}, customers["without"])]
    )
    yield family("rahdari_places_without_service", "gauge", "Places without it", [({}, customers["n_places_without"])])
    yield family("rahdari_journal_position", "gauge", "Position of the newest event", [({}, app.position)])
    yield family("rahdari_pipeline_queued", "gauge", "Events that wait for the disk", [({}, status.n_queued)])
    yield family("rahdari_pipeline_refused_total", "counter", "Batches refused", [({}, status.n_refused)])
    yield family("rahdari_faults_total", "counter", "Faults of reasoning and sending", [({}, app.n_failures)])
    yield app.counters.prometheus()


def page(parts: Iterable[str]) -> str:
    """Return the whole page; it ends in a line feed."""
    return "\n".join(part.rstrip("\n") for part in parts if part) + "\n"


__all__ = ["MEDIA_TYPE", "families", "family", "page"]
