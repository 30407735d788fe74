"""Minutes of service and what they cost: down time of a month, planned work left out, credits by the contract's table.

All times are whole seconds of POSIX time (UTC), all money whole cents, all shares fractions: nothing is rounded but
money, once, half up.  Months are those of the calendar in UTC.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from importlib import resources
from typing import TYPE_CHECKING, Any

from rahdari.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Interval = tuple[int, int]
MONTH = re.compile(r"^(\d{4})-(0[1-9]|1[0-2])$")
HOUR_S = 3600
CONTRACTS = ("standard", "government_secure")
PLACES = 6  # of an availability as text: cut off, never rounded up


@dataclass(frozen=True, slots=True)
class Outage:
    """Time without service from one cause, a leg or ``measured``; ``ended_s`` is ``None`` while it lasts."""

    cause: str
    began_s: int
    ended_s: int | None


@dataclass(frozen=True, slots=True)
class Window:
    """Planned work on ``covers``, a leg or a circuit, and when the buyer was told."""

    covers: str
    begin_s: int
    end_s: int
    announced_s: int


@dataclass(frozen=True, slots=True)
class Contract:
    """What is promised and what a broken promise costs.

    ``credits`` are pairs of an availability and the share of the month's charge that is given back below it.
    """

    contract_id: str
    evidence: str
    notice_s: int
    rtt_allowance_ms: float
    loss_frac: float
    is_degraded_down: bool
    credits: tuple[tuple[Fraction, Fraction], ...]

    def credit_frac(self, availability: Fraction) -> Fraction:
        """Return the share of the month's charge that is given back: the greatest of all rows that apply."""
        return max((share for below, share in self.credits if availability < below), default=Fraction(0))


@dataclass(frozen=True, slots=True)
class Count:
    """One month of one circuit: seconds in service, down for excused causes alone, down otherwise, and degraded."""

    month: str
    month_s: int
    service_s: int
    excluded_s: int
    down_s: int
    degraded_s: int

    @property
    def availability(self) -> Fraction:
        """Return the share of the seconds that count in which the circuit was up; 1 where none count."""
        counted_s = self.service_s - self.excluded_s
        return Fraction(counted_s - self.down_s, counted_s) if counted_s else Fraction(1)


def month_bounds(month: str) -> Interval:
    """Return the first second of a month such as 2026-08 and that of the next; :class:`InputError` for other texts."""
    found = MONTH.match(month)
    if found is None:
        raise InputError(Problem(f"'{month}' is no month", "give year and month, such as 2026-08"))
    year, number = int(found[1]), int(found[2])
    begin, end = ((year, number), (year + number // 12, number % 12 + 1))
    return tuple(int(dt.datetime(*each, 1, tzinfo=dt.UTC).timestamp()) for each in (begin, end))  # type: ignore[return-value]


def seconds_of(moment: str) -> int:
    """Return whole POSIX seconds of an ISO 8601 time that names its zone; :class:`InputError` for one that does not.

    >>> seconds_of("2026-08-01T05:00:00+05:00")
    1785542400
    """
    try:
        read = dt.datetime.fromisoformat(moment)
    except ValueError as error:
        raise InputError(Problem(f"'{moment}' is no time", "give one such as 2026-08-01T06:00:00Z")) from error
    if read.tzinfo is None:
        raise InputError(Problem(f"'{moment}' names no time zone", "add Z for UTC, or an offset such as +05:00"))
    return int(read.timestamp() // 1)


def utc_text(at_s: int) -> str:
    """Return a POSIX time as ISO 8601 text in UTC."""
    return dt.datetime.fromtimestamp(at_s, dt.UTC).isoformat().replace("+00:00", "Z")


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Return the same seconds as intervals that neither overlap nor touch, in order.

    >>> merged([(5, 9), (0, 3), (3, 4), (7, 12), (20, 20)])
    [(0, 4), (5, 12)]
    """
    made: list[Interval] = []
    for begin, end in sorted(intervals):
        if end <= begin:
            continue
        if made and begin <= made[-1][1]:
            made[-1] = (made[-1][0], max(made[-1][1], end))
        else:
            made.append((begin, end))
    return made


def clipped(intervals: Iterable[Interval], within: Interval) -> list[Interval]:
    """Return the parts of intervals that lie within one, merged."""
    return merged((max(begin, within[0]), min(end, within[1])) for begin, end in intervals)


def without(intervals: Iterable[Interval], taken: Iterable[Interval]) -> list[Interval]:
    """Return the seconds of the first that are not in the second, merged.

    >>> without([(0, 10)], [(2, 3), (5, 20)])
    [(0, 2), (3, 5)]
    """
    made, holes = [], merged(taken)
    for begin, end in merged(intervals):
        at = begin
        for hole_begin, hole_end in holes:
            if hole_end <= at or hole_begin >= end:
                continue
            made.append((at, hole_begin))
            at = hole_end
        made.append((at, end))
    return merged(made)


def total_s(intervals: Iterable[Interval]) -> int:
    """Return the seconds of intervals that do not overlap."""
    return sum(end - begin for begin, end in intervals)


def count_month(
    month: str,
    service: Interval,
    outages: Sequence[Outage],
    windows: Sequence[Window],
    contract: Contract,
    *,
    circuit_id: str = "",
    degraded: Sequence[Interval] = (),
) -> Count:
    """Return the seconds of one month of a circuit that was in service during ``service``.

    A second is excused where every cause that holds the circuit down in it is planned work that was announced in time;
    one other cause makes it count.  Overlaps count once.  An outage that lasts counts to the end of the month.
    """
    begin, end = month_bounds(month)
    within = (max(begin, service[0]), min(end, service[1]))
    told = [each for each in windows if each.begin_s - each.announced_s >= contract.notice_s]
    every, counted = [], []
    for outage in outages:
        span = (outage.began_s, end if outage.ended_s is None else outage.ended_s)
        excused = [(each.begin_s, each.end_s) for each in told if each.covers in (outage.cause, circuit_id)]
        every.append(span)
        counted += without([span], excused)
    if contract.is_degraded_down:
        every += degraded
        counted += degraded
    down = clipped(counted, within)
    return Count(
        month=month,
        month_s=end - begin,
        service_s=max(0, within[1] - within[0]),
        excluded_s=total_s(without(clipped(every, within), down)),
        down_s=total_s(down),
        degraded_s=total_s(without(clipped(degraded, within), clipped(every, within))),
    )


def half_up(amount: Fraction) -> int:
    """Return the nearest whole number, halves away from zero for what is not negative.

    >>> [half_up(Fraction(each, 2)) for each in (1, 2, 3)]
    [1, 1, 2]
    """
    return int((amount * 2 + 1) // 2)


def charge_cents(price_cents: int, count: Count) -> int:
    """Return the charge of a month: the price by the share of the month in service."""
    return half_up(Fraction(price_cents * count.service_s, count.month_s))


def credit_cents(contract: Contract, charge: int, count: Count) -> int:
    """Return what is given back of a month's charge."""
    return half_up(charge * contract.credit_frac(count.availability))


def paisa(cents: int, pkr_per_usd: str) -> int:
    """Return Pakistani paisa of US cents at a rate given as decimal text.

    :class:`InputError` for a rate that is no positive number.

    >>> paisa(1000, "281.425")
    281425
    """
    try:
        rate = Decimal(pkr_per_usd)
    except InvalidOperation as error:
        raise InputError(Problem(f"'{pkr_per_usd}' is no rate", "give rupees for one dollar")) from error
    if not rate.is_finite() or rate <= 0:
        raise InputError(Problem(f"'{pkr_per_usd}' is no rate", "give rupees for one dollar, above 0"))
    return half_up(cents * Fraction(rate))


def share_text(share: Fraction) -> str:
    """Return a share as decimal text with six places, cut off.

    >>> share_text(Fraction(999999999, 1000000000))
    '0.999999'
    """
    digits = share.numerator * 10**PLACES // share.denominator
    return f"{digits // 10**PLACES}.{digits % 10**PLACES:0{PLACES}d}"


def money_text(cents: int) -> str:
    """Return cents as text with two places.

    >>> money_text(-105)
    '-1.05'
    """
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def rule_data(name: str) -> dict[str, Any]:
    """Return a packaged rule by its file's name without ending; :class:`InputError` where there is none."""
    folder = resources.files("rahdari.operate") / "rules"
    known = sorted(each.name.removesuffix(".toml") for each in folder.iterdir() if each.name.endswith(".toml"))
    if name not in known:
        raise InputError(Problem(f"there is no rule '{name}'", f"use one of {', '.join(known)}"))
    return tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))


def contract_of(service_class: str) -> Contract:
    """Return the packaged contract of a class of service."""
    return read_contract(rule_data(f"contract_{service_class}"))


def read_contract(data: dict[str, Any]) -> Contract:
    """Return a contract from its data; :class:`InputError` where a share is none."""
    rows = tuple((_share(row["below"]), _share(row["credit_frac"])) for row in data["credits"])
    return Contract(
        contract_id=str(data["contract_id"]),
        evidence=str(data["evidence"]),
        notice_s=int(data["notice_h"]) * HOUR_S,
        rtt_allowance_ms=float(data["rtt_allowance_ms"]),
        loss_frac=float(data["loss_frac"]),
        is_degraded_down=bool(data["is_degraded_down"]),
        credits=rows,
    )


def _share(text: str) -> Fraction:
    share = Fraction(Decimal(text))
    if not 0 <= share <= 1:
        raise InputError(Problem(f"'{text}' is no share", "give a number from 0 to 1, as text"))
    return share
