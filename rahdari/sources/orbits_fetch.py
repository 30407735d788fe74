"""Fetch current element sets, group by group, from a public catalogue: checked, kept with their digest and age.

A set is some megabytes and changes every few hours, so a broken transfer is begun anew and never joined to an older
one; sets that came are kept, and the next run asks only for what is missing or old.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import time
import urllib.error
from dataclasses import asdict, dataclass
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

import numpy as np

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.sources.orbits import read_constellation
from rahdari.sources.outbound import Allowed, RefusedError, host_of, opened, target_of
from rahdari.store.atomic import locked, write_text, writing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

BASE_URL = "https://celestrak.org/NORAD/elements/gp.php"  # general perturbations elements as OMM in JSON
#: Groups of the catalogue by our names.
GROUPS = {
    "starlink": "starlink",
    "oneweb": "oneweb",
    "amazon_leo": "kuiper",
    "guowang": "hulianwang",
    "qianfan": "qianfan",
    "geo": "geo",
    "beidou": "beidou",
    "gps": "gps-ops",
    "galileo": "galileo",
    "glonass": "glo-ops",
}
MANIFEST = "orbits.json"
FRESH_H = 6.0  # the catalogue asks not to fetch a set more often than it changes, every few hours
OLD_DAYS = 3.0  # low orbits err by kilometres a day
MAX_BYTES = 1 << 28  # the largest group has some 10 MB
TRIES, FIRST_WAIT_S, TIMEOUT_S = 3, 2.0, 60.0
SECONDS_PER_DAY = 86_400.0
SECONDS_PER_HOUR = 3_600.0
SCHEMES = ("https://", "http://")


@dataclass(frozen=True, slots=True)
class OrbitSet:
    """A fetched set: its file, digest, when it came, how many satellites, and the median epoch of its elements."""

    name: str
    file: str
    sha256: str
    n_bytes: int
    fetched_utc: str
    n_satellites: int
    epoch_utc: str
    url: str

    def age_days(self, now: dt.datetime) -> float:
        """Return days from the median epoch of the elements to ``now``."""
        epoch = dt.datetime.fromisoformat(self.epoch_utc).replace(tzinfo=dt.UTC)
        return (now - epoch).total_seconds() / SECONDS_PER_DAY


def read_sets(folder: Path) -> dict[str, OrbitSet]:
    """Return the sets that lie in a folder as its manifest tells, whole ones only; a damaged manifest holds none."""
    try:
        rows: list[dict[str, Any]] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["sets"]
        known = [OrbitSet(**row) for row in rows]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {item.name: item for item in known if _digest(folder / item.file) == item.sha256}


def fetch_sets(
    names: Sequence[str],
    folder: Path,
    base_url: str = BASE_URL,
    *,
    now: dt.datetime,
    on_set: Callable[[str, str], None] = lambda _name, _what: None,
    wait_s: Callable[[float], None] = time.sleep,
) -> tuple[OrbitSet, ...]:
    """Return the sets asked for, fetched where they are missing, damaged or older than six hours.

    ``on_set`` hears each name and what became of it.  The folder is held alone meanwhile.  Raises :class:`InputError`
    with all that could not be fetched and the cure; what came is kept.
    """
    problems = [
        Problem(f"there is no group '{name}'", f"use one of {', '.join(GROUPS)}")
        for name in names
        if name not in GROUPS
    ]
    if not base_url.startswith(SCHEMES):
        problems.append(Problem(f"'{base_url}' is no web address", "give one that begins with https://"))
    raise_if_any(problems, InputError)
    target_of(base_url, Allowed.of([host_of(base_url)]))
    found: list[OrbitSet] = []
    with locked(folder):
        known = read_sets(folder)
        for name in names:
            held = known.get(name)
            if held is not None and _is_fresh(held, now):
                on_set(name, "present")
                found.append(held)
                continue
            got = _tried(name, folder, f"{base_url}?GROUP={GROUPS[name]}&FORMAT=json", now, wait_s)
            if isinstance(got, Problem):
                problems.append(got)
                on_set(name, "failed")
                continue
            on_set(name, "fetched")
            known[name] = got
            found.append(got)
            rows = [asdict(known[key]) for key in sorted(known)]
            write_text(folder / MANIFEST, json.dumps({"sets": rows}, indent=1) + "\n")
    raise_if_any(problems, InputError)
    return tuple(found)


def _is_fresh(held: OrbitSet, now: dt.datetime) -> bool:
    came = dt.datetime.fromisoformat(held.fetched_utc)
    return 0.0 <= (now - came).total_seconds() <= FRESH_H * SECONDS_PER_HOUR


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _tried(name: str, folder: Path, url: str, now: dt.datetime, wait_s: Callable[[float], None]) -> OrbitSet | Problem:
    """Return a set fetched with some patience, or what is wrong."""
    reason = ""
    for attempt in range(TRIES):
        if attempt:
            wait_s(FIRST_WAIT_S * 2.0 ** (attempt - 1))
        try:
            with opened(url, Allowed.of([host_of(url)]), timeout_s=TIMEOUT_S) as answer:
                content = answer.read(MAX_BYTES)
                length = int(answer.headers.get("Content-Length", -1))
            if length >= 0 and len(content) != length:
                reason = f"the transfer ended after {len(content):,} of {length:,} bytes"
                continue
            return _kept(name, folder, url, content, now)
        except RefusedError as error:
            reason = str(error)
            break
        except InputError as error:
            reason = f"what came is no set of elements: {error.problems[0].what}"
            break
        except (urllib.error.URLError, HTTPException, OSError) as error:
            reason = str(getattr(error, "reason", error))
    cure = f"check the connection and run again; or save the group's OMM as {name}.json and give it with --elements"
    return Problem(f"cannot be fetched: {reason}", cure, url)


def _kept(name: str, folder: Path, url: str, content: bytes, now: dt.datetime) -> OrbitSet:
    """Read a set, and put it in its place if it is one."""
    part, path = folder / f".{name}.part.json", folder / f"{name}.json"
    with writing(part):
        part.write_bytes(content)
    try:
        fleet = read_constellation(part, name=name, on_damage="skip")
    except InputError:
        part.unlink(missing_ok=True)
        raise
    with writing(path):
        part.replace(path)
    epochs = fleet.epoch_utc
    middle = now.replace(tzinfo=None) if epochs is None else np.sort(epochs)[len(epochs) // 2].astype("M8[s]").item()
    return OrbitSet(
        name, path.name, hashlib.sha256(content).hexdigest(), len(content), now.isoformat(timespec="seconds"),
        len(fleet), middle.isoformat(), url,
    )  # fmt: skip
