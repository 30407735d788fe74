"""Rule packs: dated files of rules that a plan is held against, each with where it is broken and the evidence.

A pack is data and opt-in: built-in ones by name, others by path.  A pack says whether it is draft, proposed or in
force.  A rule names one of the checks here; what no plan can show is listed as outside it, never as kept.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import polars as pl
from pydantic import Field, ValidationError

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.model.params import Params
from rahdari.store.query import LEVELS, OWNER, Clearance, PlanReader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rahdari.service.plan_view import Plan

RULES_FOLDER = Path(__file__).parents[1] / "sources" / "rules"
PACK_BYTES_MOST = 200_000  # a pack is a page or two
N_FIGURES = 8  # of those that break a rule; all are named
DISJOINT = ("none", "link", "node", "risk")
Outcome = Literal["kept", "broken", "outside the plan"]


class Rule(Params):
    """One rule: its text, the check that decides it, and the check's limits."""

    rule_id: str = Field(min_length=1, max_length=80)
    text: str = Field(min_length=1, max_length=600)
    check: str
    classification: Literal["public", "internal", "restricted", "secret"] = "restricted"
    level: Literal["link", "node", "risk"] = "node"
    most_frac: float = Field(0.6, gt=0.0, le=1.0)


class RulePack(Params):
    """A pack of rules with who issued it, since when, and whether it is in force."""

    name: str = Field(min_length=1, max_length=80)
    title: str = Field(min_length=1, max_length=300)
    issuer: str = Field(min_length=1, max_length=200)
    status: Literal["draft", "proposed", "in force"]
    dated: dt.date
    note: str = Field("", max_length=1000)
    rule: tuple[Rule, ...]


class RuleResult(Params):
    """Whether a plan keeps a rule; where not, and by which table and figure."""

    pack: str
    status: str
    dated: str
    rule_id: str
    text: str
    outcome: Outcome
    where: str
    evidence: str


class RulesResponse(Params):
    """Every rule of the packs asked for."""

    n_broken: int
    results: list[RuleResult]
    packs: list[dict[str, str]]
    warnings: list[str]


Answer = tuple[Outcome, str, str]


def known_packs() -> dict[str, Path]:
    """Return the built-in rule packs by name."""
    return {path.stem: path for path in sorted(RULES_FOLDER.glob("*.toml"))}


def rule_packs(names: Sequence[str | Path]) -> list[RulePack]:
    """Return rule packs by built-in name or path; every fault of every pack is raised at once."""
    known, packs, problems = known_packs(), [], []
    if not names:
        problems.append(Problem("no rule pack is named", f"name one of {', '.join(known)}, or a file", column="packs"))
    for name in names:
        path = known.get(str(name), Path(name))
        if not path.is_file():
            problems.append(
                Problem(f"there is no rule pack '{name}'", f"use one of {', '.join(known)}, or a TOML file")
            )
            continue
        try:
            if path.stat().st_size > PACK_BYTES_MOST:
                problems.append(
                    Problem("is larger than a rule pack", f"keep it below {PACK_BYTES_MOST} bytes", path.name)
                )
                continue
            pack = RulePack(**tomllib.loads(path.read_text(encoding="utf-8")))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            problems.append(Problem(f"is no valid TOML: {error}", "correct the line named", path.name))
        except ValidationError as error:
            problems += [
                Problem(each["msg"], "correct it", path.name, None, ".".join(str(part) for part in each["loc"]))
                for each in error.errors()
            ]
        else:
            problems += [
                Problem(
                    f"check '{rule.check}' is unknown", f"use one of {', '.join(CHECKS)}", path.name, None, rule.rule_id
                )
                for rule in pack.rule
                if rule.check not in CHECKS
            ]
            packs.append(pack)
    raise_if_any(problems)
    return packs


def _profiles(reader: PlanReader, rule: Rule) -> pl.DataFrame:
    """Return the classes whose label is at least the rule's."""
    wanted = list(LEVELS[LEVELS.index(rule.classification) :])
    return reader.table("security_profiles").filter(pl.col("classification").is_in(wanted)).sort("profile_id")


def _of_rows(broken: pl.DataFrame, column: str, evidence: str, n_all: int, *, place: Sequence[str] = ()) -> Answer:
    """Return the outcome, the rows (``column``) with their places, and the figures by which a rule is broken.

    ``evidence`` is table and column that were looked at.
    """
    if not n_all:
        return "outside the plan", "", f"{evidence}: no row"
    if not broken.height:
        return "kept", "", f"{evidence}: {n_all} rows looked at"
    rows = broken.sort(column)
    where, figures = [], []
    for row in rows.iter_rows(named=True):
        places = " - ".join(str(row[name]) for name in place)
        where.append(f"{row[column]} ({places})" if places else str(row[column]))
        value = row[evidence.partition(".")[2]]
        told = "empty" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)
        figures.append(f"{row[column]}={told}")
    shown = "; ".join(figures[:N_FIGURES]) + (" …" if len(figures) > N_FIGURES else "")
    return "broken", ", ".join(where), f"{evidence}: {broken.height} of {n_all} rows: {shown}"


def _no_foreign_custody(reader: PlanReader, rule: Rule) -> Answer:
    rows = _profiles(reader, rule)
    return _of_rows(rows.filter(pl.col("custody") == "foreign"), "profile_id", "security_profiles.custody", rows.height)


def _is_encrypted(reader: PlanReader, rule: Rule) -> Answer:
    rows = _profiles(reader, rule).filter(pl.col("subject") != "site")
    return _of_rows(
        rows.filter(pl.col("encryption") == "none"), "profile_id", "security_profiles.encryption", rows.height
    )


def _national_keys(reader: PlanReader, rule: Rule) -> Answer:
    rows = _profiles(reader, rule).filter(pl.col("subject") != "site")
    return _of_rows(
        rows.filter(pl.col("key_domain") != "national"), "profile_id", "security_profiles.key_domain", rows.height
    )


def _has_firmware(reader: PlanReader, _rule: Rule) -> Answer:
    rows = reader.table("security_profiles").filter(pl.col("subject") != "service")
    return _of_rows(rows.filter(pl.col("firmware").is_null()), "profile_id", "security_profiles.firmware", rows.height)


def _largest_vendor(reader: PlanReader, rule: Rule) -> Answer:
    rows = reader.table("secure_layers").filter(pl.col("subject_kind") == "all")
    return _of_rows(
        rows.filter(pl.col("largest_frac") > rule.most_frac), "zone", "secure_layers.largest_frac", rows.height
    )


def _second_way(reader: PlanReader, rule: Rule) -> Answer:
    rows = reader.table("secure_pairs")
    enough = list(DISJOINT[DISJOINT.index(rule.level) :])
    broken = rows.filter(~pl.col("disjoint_level").is_in(enough))
    ends = ("from_name", "to_name")
    return _of_rows(broken, "pair_id", "secure_pairs.disjoint_level", rows.height, place=ends)


def _keys_in_time(reader: PlanReader, _rule: Rule) -> Answer:
    rows = reader.table("secure_migration")
    return _of_rows(rows.filter("is_late"), "profile_id", "secure_migration.late_years", rows.height)


def _outside(_reader: PlanReader, _rule: Rule) -> Answer:
    return "outside the plan", "", "needs evidence from operation: a plan cannot show it"


CHECKS: Mapping[str, Callable[[PlanReader, Rule], Answer]] = MappingProxyType(
    {
        "no_foreign_custody": _no_foreign_custody,
        "is_encrypted": _is_encrypted,
        "national_keys": _national_keys,
        "has_firmware": _has_firmware,
        "largest_vendor": _largest_vendor,
        "second_way": _second_way,
        "keys_in_time": _keys_in_time,
        "outside": _outside,
    }
)


def described(pack: RulePack) -> dict[str, str]:
    """Return what a pack is: name, title, issuer, status, date and note."""
    return {
        "name": pack.name, "title": pack.title, "issuer": pack.issuer, "status": pack.status,
        "dated": pack.dated.isoformat(), "note": pack.note,
    }  # fmt: skip


def checked_rules(reader: PlanReader, packs: Sequence[RulePack]) -> RulesResponse:
    """Return every rule of the packs with its outcome; :class:`InputError` where the plan has no engine security."""
    needed = ("security_profiles", "secure_layers", "secure_pairs", "secure_migration")
    missing = [name for name in needed if name not in reader.names]
    if missing:
        what = f"the plan has no {', '.join(missing)}"
        raise InputError(Problem(what, "make the plan again with the engine security", str(reader.folder)))
    results, about = [], []
    for pack in packs:
        about.append(described(pack))
        for rule in pack.rule:
            outcome, where, evidence = CHECKS[rule.check](reader, rule)
            found: dict[str, Any] = {"outcome": outcome, "where": where, "evidence": evidence}
            results.append(
                RuleResult(
                    pack=pack.name, status=pack.status, dated=pack.dated.isoformat(), rule_id=rule.rule_id,
                    text=rule.text, **found,
                )
            )  # fmt: skip
    broken = sum(result.outcome == "broken" for result in results)
    warnings = [f"{pack.name} is {pack.status}: {pack.note}" for pack in packs if pack.note]
    if not reader.sees_everything:
        warnings.append("rows above your clearance were not looked at: a rule that seems kept may be broken there")
    return RulesResponse(n_broken=broken, results=results, packs=about, warnings=warnings)


def rules_on(plan: Plan | Path, packs: Sequence[str | Path] = (), clearance: Clearance = OWNER) -> RulesResponse:
    """Return which rules of the packs named a plan breaks, where, and the evidence; no pack is on by itself."""
    folder = plan if isinstance(plan, Path) else plan.folder
    return checked_rules(PlanReader(folder, clearance), rule_packs(packs))
