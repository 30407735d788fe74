"""A named event for the map: what every place lives on hour by hour, made once for a given plan and kept beside it.

The file of an event is gzip of: length of the head (int32, little-endian), the head (JSON), then for each hour one byte
a place, places in the order of their identifier: the number of a state, from the second hour on its exclusive or with
the hour before, so that what stays as it was is zero.
"""

from __future__ import annotations

import gzip
import json
import threading
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from rahdari.errors import InputError, PlanError, Problem
from rahdari.model.params import Params
from rahdari.run.digest import code_digest, digest_of
from rahdari.run.registry import registry
from rahdari.store.atomic import write_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from rahdari.methods.cascade_states import Course
    from rahdari.service.stress import _Opened
    from rahdari.store.query import PlanReader

    Tell = Callable[[str, float], None]

EVENTS, HOURS, LOSSES = "named_events", "replay_hours", "event_losses"
FOLDER = "map"  # beside the plan's tables, where the layers of the map are kept
LEVEL = 6  # of gzip: higher ones take twice as long for a twentieth
READ, PLAYED, DONE = 0.5, 0.95, 1.0  # shares of the work done after each step
PEOPLE = "people_out_frac"  # a report of this sort counts people, others sites
CURE_NONE = "add rows to named_events.csv of the pack and plan again"


class EventChoice(Params):
    """A named event that the map can play."""

    named_event_id: str
    name: str
    n_hours: int
    evidence: str


@dataclass(frozen=True, slots=True)
class EventStates:
    """An event by the hour: ``head`` is what the page shows, ``place_state`` (t, p) numbers of ``head["states"]``."""

    head: dict[str, Any]
    place_state: NDArray[np.uint8]

    def packed(self) -> bytes:
        """Return the file of the event; equal events give equal bytes."""
        change = self.place_state.copy()
        change[1:] ^= self.place_state[:-1]
        head = json.dumps(self.head, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
        return gzip.compress(b"".join([len(head).to_bytes(4, "little"), head, change.tobytes()]), LEVEL, mtime=0)

    @classmethod
    def unpacked(cls, data: bytes) -> EventStates:
        """Return what :meth:`packed` wrote."""
        plain = gzip.decompress(data)
        start = 4 + int.from_bytes(plain[:4], "little")
        head = json.loads(plain[4:start])
        change = np.frombuffer(plain, np.uint8, offset=start).reshape(head["n_hours"], head["n_places"])
        return cls(head, np.bitwise_xor.accumulate(change, axis=0))


class PlanEvents:
    """The named events of one plan, each played once; safe to call from several threads."""

    def __init__(self, reader: PlanReader) -> None:
        """Keep the reader; nothing is played yet."""
        self.reader = reader
        self._lock = threading.Lock()
        self._plan: _Opened | None = None

    @cached_property
    def rows(self) -> dict[str, dict[str, Any]]:
        """Return the rows of ``named_events`` by name; none where the plan cannot play them."""
        needed = {EVENTS, HOURS, *registry().engines["stress"].reads}
        if not needed <= set(self.reader.names):
            return {}
        frame = self.reader.table(EVENTS).sort("named_event_id")
        return {row["named_event_id"]: row for row in frame.iter_rows(named=True)}

    def choices(self) -> list[EventChoice]:
        """Return the events that can be played, those that happened first."""
        found = [
            EventChoice(**{name: row[name] for name in EventChoice.model_fields})
            for row in self.rows.values()
        ]  # fmt: skip
        return sorted(found, key=lambda each: (each.evidence == "assumed", each.named_event_id))

    def row(self, event: str) -> dict[str, Any]:
        """Return one event's row; an unknown name raises :class:`InputError` with those known."""
        if event not in self.rows:
            cure = f"use one of {', '.join(self.rows)}" if self.rows else CURE_NONE
            raise InputError(Problem(f"there is no event {event}", cure))
        return self.rows[event]

    def path(self, event: str) -> Path:
        """Return where the event's file is kept; the name covers plan, code and what the reader sees."""
        self.row(event)
        key = digest_of(code_digest(__name__), self.reader.manifest["plan_digest"], self.reader.cache_key, event)
        return self.reader.folder / FOLDER / f"{self._family(event)}-{key[:12]}.bin"

    def _family(self, event: str) -> str:
        """Return what all files of an event share that one clearance made."""
        return f"event-{digest_of(event)[:8]}-{self.reader.cache_key}"

    def kept(self, event: str) -> bytes | None:
        """Return the event's file where it was made before; a damaged one counts as none."""
        try:
            data = self.path(event).read_bytes()
            EventStates.unpacked(data)
        except (OSError, EOFError, ValueError, KeyError):
            return None
        return data

    def file(self, event: str, on_progress: Tell | None = None) -> bytes:
        """Return the event's file, made and kept where it is missing."""
        tell = on_progress or (lambda _step, _share: None)
        with self._lock:
            data = self.kept(event)
            if data is None:
                data = self.play(event, tell).packed()
                self._keep(event, data)
        tell("done", DONE)
        return data

    def _keep(self, event: str, data: bytes) -> None:
        path = self.path(event)
        try:
            write_bytes(path, data)
        except PlanError:
            return  # a plan that cannot be written to is played again each time
        for old in path.parent.glob(f"{self._family(event)}-????????????.bin"):
            if old != path:
                old.unlink(missing_ok=True)

    def play(self, event: str, tell: Tell) -> EventStates:
        """Return the event by the hour; one that strikes nothing of the plan raises :class:`InputError`."""
        row = self.row(event)
        tell("reading", 0.0)
        # Compiled kernels need not be waited for where events are only listed.
        from rahdari.engines.stress.events import event_network
        from rahdari.methods.cascade_states import course

        opened = self._read(tell)
        tell("network", READ)
        struck = event_network(row, opened.tables, opened.made, opened.params, "central")
        if struck is None:
            raise InputError(Problem(f"{event} strikes nothing of this plan", "check its hazards' places"))
        made = course(
            *struck, np.arange(int(row["n_hours"]), dtype=np.float64), n_draws=opened.params.n_draws, seed=self._seed,
            on_progress=lambda done, total: tell("playing", READ + (PLAYED - READ) * done / total),
        )  # fmt: skip
        tell("packing", PLAYED)
        return EventStates(self._head(row, opened, made, float(struck[0].people.sum())), made.place_state)

    @property
    def _seed(self) -> int:
        """Return the plan's own seed, so that the draws are those of its table of hours."""
        scenario = self.reader.manifest.get("scenario")
        return int(scenario.get("seed", 1)) if isinstance(scenario, dict) else 1

    def _read(self, tell: Tell) -> _Opened:
        if self._plan is None:
            from rahdari.service.stress import _opened

            needed = registry().engines["stress"].reads
            for number, name in enumerate(needed):
                tell("reading", READ * number / (len(needed) + 1))
                self.reader.table(name)  # kept, so that what follows finds it
            self._plan = _opened(self.reader.folder, self.reader.clearance)
        return self._plan

    def _head(self, row: dict[str, Any], opened: _Opened, made: Course, n_people: float) -> dict[str, Any]:
        from rahdari.methods.cascade_states import STATES

        network = opened.made.network
        n_sites = int(network.is_site.sum())
        places = np.stack([np.bincount(hour, minlength=len(STATES)) for hour in made.place_state])
        hours = self.reader.table(HOURS).filter(pl.col("named_event_id") == row["named_event_id"]).sort("hour_h")
        counts_people = PEOPLE in hours["what"].drop_nulls().to_list()
        return {
            "id": row["named_event_id"], "name": row["name"], "inputs_note": row["inputs_note"],
            "region": row["region"], "evidence": row["evidence"], "source": self._source(row["source_id"]),
            "states": list(STATES), "n_places": int(made.place_state.shape[1]), "n_hours": int(made.hour_h.size),
            "draw": made.draw + 1, "n_draws": made.n_draws, "n_people": round(n_people), "n_sites": n_sites,
            "without_people": np.rint(made.without_people).astype(np.int64).tolist(),
            "places": places.tolist(), "sites": made.n_sites.tolist(),
            "counts": "people" if counts_people else "sites",
            "line": _line(hours, counts_people=counts_people, n_people=n_people, n_sites=n_sites),
            "reports": self._reports(row, hours), "revenue_lost_usd": self._revenue(row["named_event_id"]),
        }  # fmt: skip

    def _revenue(self, event: str) -> list[float] | None:
        """Return the low, central and high revenue lost over the event as the plan states it, None without."""
        if LOSSES not in self.reader.names:
            return None
        found = self.reader.rows(LOSSES, {"named_event_id": event})
        names = [f"revenue_lost{end}_usd" for end in ("_low", "", "_high")]
        return [float(found[name][0]) for name in names] if found.height else None

    def _source(self, source_id: str | None) -> str:
        if source_id is None or "sources" not in self.reader.names:
            return ""
        found = self.reader.rows("sources", {"source_id": source_id})
        return str(found["title"][0]) if found.height else str(source_id)

    def _reports(self, row: dict[str, Any], hours: pl.DataFrame) -> list[dict[str, Any]]:
        """Return what was reported, as the plan's table compares it; ``share`` is of all sites or people."""
        base = float(row["base_sites"] or 0.0)
        found = []
        for each in hours.filter(pl.col("what").is_not_null()).iter_rows(named=True):
            is_count = each["what"] == "n_sites_down"
            ratio = (1.0 / (base or float(each["n_sites"]))) if is_count else 1.0
            found.append({
                "hour": each["hour_h"], "what": each["what"], "share": each["reported_value"] * ratio,
                "reported": each["reported_value"], "predicted": each["predicted_value"],
                "low": each["predicted_low_value"], "high": each["predicted_high_value"],
                "is_in_band": each["is_in_band"],
            })  # fmt: skip
        return found


def _line(hours: pl.DataFrame, *, counts_people: bool, n_people: float, n_sites: int) -> dict[str, list[float]]:
    """Return the plan's own line of an event: hours, and low, central and high shares of sites down or people out."""
    stem, last, total = ("without", "people", n_people) if counts_people else ("down", "sites", float(n_sites))
    names = {"low": f"{stem}_low_{last}", "central": f"{stem}_{last}", "high": f"{stem}_high_{last}"}
    shares = {key: (hours[name] / max(total, 1.0)).round(6).to_list() for key, name in names.items()}
    return {"hour": hours["hour_h"].cast(pl.Float64).to_list(), **shares}


__all__ = ["EventChoice", "EventStates", "PlanEvents"]
