"""What of a plan one clearance sees, beyond the labels that rows carry themselves.

Labels stand on what the country gives.  From there they spread, so that nothing tells of a hidden row:

- a row that names a hidden row, by a key or in a text, is hidden too;
- a result table computed from hidden rows is shut, unless its key says which of those rows each result belongs to, or
  two people released it (:mod:`rahdari.store.release`);
- what the plan records of such engines (notes, proofs, sums) and of hidden rows (changes, counts) goes with them.

A label that an engine puts on a row of its own is its own word on what that row reveals, and stays on that row.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import polars as pl

from rahdari.store.labels import (
    CLASSIFICATION,
    COMPARTMENTS,
    EXACT,
    Clearance,
    coarse_rows,
    coarsened,
    joined_clearance,
    names_in,
    open_rows,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rahdari.schema import TableSchema

COUNTRY = "country"  # writes what no engine computed
NAMES = ("name", "name_local", "landing", "title")
LEAST_NAME_LETTERS = 3  # shorter names and identifiers stand in too many texts by chance


class PlanFiles(Protocol):
    """The unfiltered tables of a plan."""

    @property
    def manifest(self) -> dict[str, Any]:
        """Return what the plan records of itself."""

    def schema(self, name: str) -> TableSchema:
        """Return the schema of a table."""

    def frame(self, name: str) -> pl.DataFrame:
        """Return a table with all its rows and labels."""

    def labels(self, name: str) -> frozenset[str]:
        """Return the label columns of a table's file."""

    def released(self) -> Mapping[str, str]:
        """Return the level from which each released result may be read."""


@dataclass(frozen=True)
class Visibility:
    """What one clearance sees of one plan.

    ``hidden`` holds for each table the identifiers that must not be named; ``shut`` the tables that are hidden whole;
    ``names`` the names of hidden rows that no visible row bears; ``engines`` those that read hidden rows;
    ``labelled`` the tables whose own labels hide something, ``shown`` (n,) whether each of their rows is seen for that.
    """

    clearance: Clearance
    references: Mapping[str, tuple[tuple[str, str], ...]]
    labelled: frozenset[str] = frozenset()
    shown: Mapping[str, pl.Series] = field(default_factory=dict)
    hidden: Mapping[str, pl.Series] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    shut: frozenset[str] = frozenset()
    engines: frozenset[str] = frozenset()

    @property
    def hides(self) -> bool:
        """Return whether any row or exact place is kept from the reader."""
        return bool(self.labelled)

    def visible(self, name: str, frame: pl.DataFrame) -> pl.DataFrame:
        """Return a table without what is hidden, exact places coarsened; the frame itself where nothing is."""
        if name in self.shut:
            return frame.clear()
        keep = self.shown.get(name)  # by their own labels
        named = self._named(name, frame)
        if named is not None:
            keep = ~named if keep is None else keep & ~named
        # One piece: what is kept is asked many times.
        kept = frame if keep is None or keep.all() else frame.filter(keep).rechunk()
        return coarsened(kept, self.clearance)

    def _named(self, name: str, frame: pl.DataFrame) -> pl.Series | None:
        """Return (n,) whether each row names what is hidden; ``None`` where none does."""
        if not self.hidden:
            return None
        masks = [
            frame[column].is_in(self.hidden[other].implode())
            for column, other in self.references.get(name, ())
            if other in self.hidden and (other != name or column != self._key(name))
        ]
        ids = pl.concat([series.cast(pl.String) for series in self.hidden.values()]).unique()
        own = self.hidden.get(name)
        for column in frame.columns:
            if frame[column].dtype != pl.String or column in {CLASSIFICATION, COMPARTMENTS, EXACT}:
                continue
            if not (column == self._key(name) and own is not None):
                masks += [frame[column].is_in(ids.implode()), mentions(frame[column], ids)]
            if self.names and not (own is not None and column in NAMES):
                masks.append(frame[column].str.contains_any(list(self.names), ascii_case_insensitive=True))
        found: pl.Series | None = None
        for mask in masks:
            found = mask.fill_null(value=False) if found is None else found | mask.fill_null(value=False)
        return None if found is None or not found.any() else found

    def _key(self, name: str) -> str:
        return next((column for column, other in self.references.get(name, ()) if other == name), "")

    def manifest(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Return the record of a plan without what was learned from hidden rows."""
        shown = copy.deepcopy(dict(manifest))
        if not self.hidden:
            return shown
        for record in shown.get("engines", []):
            if record["name"] in self.engines:
                record |= {key: [] for key in ("certificates", "notes", "indicators") if key in record}
        for key in ("consistency", "dropped"):
            if key in shown:
                shown[key] = []
        scenario = shown.get("scenario")
        if isinstance(scenario, dict) and "changes" in scenario:
            scenario["changes"] = [each for each in scenario["changes"] if not self._tells(each)]
        return shown

    def _tells(self, change: Mapping[str, Any]) -> bool:
        ids = pl.concat([series.cast(pl.String) for series in self.hidden.values()]).unique()
        text = " ".join(str(value) for value in change.values())
        is_named = any(name.lower() in text.lower() for name in self.names)
        return is_named or str(change.get("key")) in ids or bool(mentions(pl.Series([text]), ids)[0])

    def counted(self, manifest: Mapping[str, Any]) -> list[str]:
        """Return the tables whose recorded number of rows may be more than the reader sees."""
        found = manifest["tables"] if self.hidden or self.shut else self.labelled
        return [name for name in found if "n_rows" in manifest["tables"][name]]


def mentions(texts: pl.Series, ids: pl.Series) -> pl.Series:
    """Return (n,) whether each text holds one of the identifiers among others or within a sentence.

    Letters and digits beside it make it another's: ``core-1`` is not in ``core-10``.  Identifiers without a letter are
    left out, as any number would hold them.

    >>> mentions(pl.Series(["core-1;core-2", "core-10", "by core-1.", None]), pl.Series(["core-1", "7"])).to_list()
    [True, False, True, False]
    """
    wanted = [each for each in ids if len(each) >= LEAST_NAME_LETTERS and any(letter.isalpha() for letter in each)]
    if not wanted or not texts.len():
        return pl.repeat(value=False, n=texts.len(), eager=True)
    some = texts.unique().drop_nulls()
    some = some.filter(some.str.contains_any(wanted))
    within = some.str.extract_many(wanted, overlapping=True)
    own = [
        text
        for text, found in zip(some, within, strict=True)
        if any(re.search(rf"(?<![^\W_]){re.escape(each)}(?![^\W_])", text) for each in found)
    ]
    return texts.is_in(own).fill_null(value=False)


def _is_input(record: Mapping[str, Any]) -> bool:
    return record.get("writer") == COUNTRY


def _references(files: PlanFiles) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return for each table its own key and the columns that name rows of other tables: (column, table)."""
    found = {}
    for name in files.manifest["tables"]:
        schema = files.schema(name)
        own = ((schema.key[0], name),) if len(schema.key) == 1 else ()
        found[name] = (*own, *((item.name, item.argument) for item in schema.columns if item.kind == "key"))
    return found


def _names_of(frame: pl.DataFrame, is_hidden: pl.Series) -> set[str]:
    """Return the names that only hidden rows of a table bear."""
    found: set[str] = set()
    for column in NAMES:
        if column in frame.columns and frame[column].dtype == pl.String:
            found |= set(frame[column].filter(is_hidden)) - set(frame[column].filter(~is_hidden))
    return {name for name in found if name and len(name) >= LEAST_NAME_LETTERS}


def _spread(
    files: PlanFiles, references: Mapping[str, tuple[tuple[str, str], ...]], own: Mapping[str, pl.Series]
) -> dict[str, pl.Series]:
    """Return (n,) flags of the hidden rows of each table of the country that others name, until nothing changes."""
    targets = {other for pairs in references.values() for _, other in pairs if len(files_key(files, other)) == 1}
    inputs = [name for name in files.manifest["tables"] if _is_input(files.manifest["tables"][name])]
    flags = {name: flag for name, flag in own.items() if name in inputs}
    is_changed = bool(flags)
    while is_changed:
        is_changed = False
        ids = {name: files.frame(name)[files_key(files, name)[0]].filter(flag) for name, flag in flags.items()}
        for name in inputs:
            if name not in targets:
                continue
            frame = files.frame(name) if any(other in ids for _, other in references[name]) else None
            if frame is None:
                continue
            before = flags.get(name)
            flag = before if before is not None else pl.repeat(value=False, n=frame.height, eager=True)
            for column, other in references[name]:
                if other in ids and column in frame.columns:
                    flag |= frame[column].is_in(ids[other].implode()).fill_null(value=False)
            if flag.any() and (before is None or int(flag.sum()) > int(before.sum())):
                flags[name], is_changed = flag, True
    return flags


def files_key(files: PlanFiles, name: str) -> tuple[str, ...]:
    """Return the key of a table; none where the plan has no such table."""
    return files.schema(name).key if name in files.manifest["tables"] else ()


def _tainted(files: PlanFiles, hidden: Iterable[str]) -> dict[str, set[str]]:
    """Return for each engine the tables with hidden rows that it read, itself or through others' results."""
    tables = files.manifest["tables"]
    engines = {record["name"]: record for record in files.manifest.get("engines", [])}
    secret = set(hidden)
    made: dict[str, set[str]] = {name: set() for name in engines}
    is_changed = True
    while is_changed:
        is_changed = False
        for name, record in engines.items():
            read = set(record.get("reads", ()))
            found = read & secret
            for table in read & set(tables):
                if not _is_input(tables[table]):
                    # What nobody declared may have read everything.
                    found |= made.get(str(tables[table].get("writer")), secret)
            if found - made[name]:
                made[name] |= found
                is_changed = True
    return made


def _shut(
    files: PlanFiles,
    references: Mapping[str, tuple[tuple[str, str], ...]],
    made: Mapping[str, set[str]],
    secret: set[str],
) -> frozenset[str]:
    """Return the result tables that were computed from hidden rows and whose rows cannot be told apart."""
    shut = set()
    for name, record in files.manifest["tables"].items():
        if _is_input(record):
            continue
        read = made.get(str(record.get("writer")), secret)
        keys = {other for column, other in references[name] if column in files_key(files, name) and other != name}
        if not read <= keys:
            shut.add(name)
    return frozenset(shut)


def visibility_of(files: PlanFiles, clearance: Clearance) -> Visibility:
    """Return what a clearance sees of a plan; reads the tables that carry labels, and those that name their rows."""
    references = _references(files)
    own: dict[str, pl.Series] = {}
    shown: dict[str, pl.Series] = {}  # by their own label, if only coarsely
    for name in files.manifest["tables"]:
        if not files.labels(name) or clearance.is_full:
            continue
        frame = files.frame(name)
        is_open, is_coarse = open_rows(frame, clearance), coarse_rows(frame, clearance)
        masks = [mask for mask in (None if is_open is None else ~is_open, is_coarse) if mask is not None]
        if masks:
            own[name] = masks[0] if len(masks) == 1 else masks[0] | masks[1]
            shown[name] = is_open if is_open is not None else pl.repeat(value=True, n=frame.height, eager=True)
    if not own:
        return Visibility(clearance, references)
    flags = _spread(files, references, own)
    hidden: dict[str, pl.Series] = {}
    names: set[str] = set()
    for name, flag in flags.items():
        key, frame = files_key(files, name), files.frame(name)
        if len(key) == 1:
            hidden[name] = frame[key[0]].filter(flag)
        # A row of which only the place is coarse may still be named.
        names |= _names_of(frame, flag & ~shown[name] if name in shown else flag)
    made = _tainted(files, flags)
    shut = _shut(files, references, made, set(flags)) if flags else frozenset()
    allowed = clearance.allows()
    return Visibility(
        clearance, references, labelled=frozenset(own), shown=shown, hidden=hidden, names=tuple(sorted(names)),
        shut=shut - {name for name, level in files.released().items() if level in allowed},
        engines=frozenset(name for name, read in made.items() if read),
    )  # fmt: skip


def least_clearance(files: PlanFiles, names: Iterable[str] | None = None) -> Clearance:
    """Return the least clearance that sees every row and exact place of the tables named, and of what they are from."""
    tables, engines = files.manifest["tables"], {each["name"]: each for each in files.manifest.get("engines", [])}
    left, wanted = set(tables if names is None else names) & set(tables), set[str]()
    while left:
        name = left.pop()
        wanted.add(name)
        if not _is_input(tables[name]):
            left |= set(engines.get(str(tables[name].get("writer")), {}).get("reads", tables)) & set(tables) - wanted
    found: list[tuple[str | None, Iterable[str]]] = []
    for name in wanted:
        frame, columns = (files.frame(name), files.labels(name)) if files.labels(name) else (None, frozenset[str]())
        if frame is None:
            continue
        if CLASSIFICATION in columns:
            found += [(value, ()) for value in frame[CLASSIFICATION].unique().to_list()]
        if COMPARTMENTS in columns:
            found += [("public", names_in(value)) for value in frame[COMPARTMENTS].unique().to_list()]
        coarse = coarse_rows(frame, Clearance())
        if coarse is not None:
            exact = frame[EXACT].filter(coarse).to_list() if EXACT in columns else [None]
            found += [(value, ()) for value in exact]
    return joined_clearance(found)
