"""Service minutes, credits and bookings against a count second by second, and by hand."""

from __future__ import annotations

import csv
import io
import random
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from rahdari.errors import InputError
from rahdari.operate.billing import FAR_S, REVENUE, Rate, balances, book_month, month_of
from rahdari.operate.circuit_ledger import CircuitLedger
from rahdari.operate.reports import COLUMNS, csv_text, sla_report
from rahdari.operate.sla import (
    CONTRACTS,
    Count,
    Outage,
    Window,
    charge_cents,
    contract_of,
    count_month,
    credit_cents,
    merged,
    month_bounds,
    paisa,
    seconds_of,
    share_text,
    utc_text,
    without,
)
from rahdari.store.query import PUBLIC, Clearance
from tests.operate.circuit_world import AUGUST_S, BUYER, Story, put_circuit

if TYPE_CHECKING:
    from pathlib import Path

MONTH = "2026-08"
RATE = Rate("281.425", "2025-09-24", "State Bank of Pakistan")
MINUTE_S = 60
N_MINUTES = 31 * 24 * 60


def by_minute(story: Story) -> tuple[int, int, int, int]:
    """Count the month minute by minute: in service, down, excused, degraded."""
    begin, _ = month_bounds(MONTH)
    contract = contract_of(story.service_class)
    service = down = excused = degraded = 0
    for number in range(N_MINUTES):
        at = begin + number * MINUTE_S
        if not story.service[0] <= at < story.service[1]:
            continue
        service += 1
        causes = [
            each.cause for each in story.outages if each.began_s <= at and (each.ended_s is None or at < each.ended_s)
        ]
        is_slow = any(since <= at < until for since, until in story.degraded)
        free = {
            each.covers
            for each in story.windows
            if each.begin_s <= at < each.end_s and each.announced_s <= each.begin_s - contract.notice_s
        }
        bad = [cause for cause in causes if cause not in free and "c" not in free]
        if bad or (is_slow and contract.is_degraded_down):
            down += 1
        elif causes:
            excused += 1
        elif is_slow:
            degraded += 1
    return service, down, excused, degraded


@pytest.mark.parametrize("seed", range(60))
def test_a_month_of_random_outages_agrees_with_a_count_minute_by_minute(seed: int) -> None:
    story = Story.drawn(seed)
    contract = contract_of(story.service_class)
    made = count_month(
        MONTH, story.service, story.outages, story.windows, contract, circuit_id="c", degraded=story.degraded
    )
    found = (made.service_s, made.down_s, made.excluded_s, made.degraded_s)
    assert found == tuple(MINUTE_S * each for each in by_minute(story))


def test_random_months_do_meet_every_kind_of_minute() -> None:
    counts = [by_minute(Story.drawn(seed)) for seed in range(60)]
    assert all(any(row[kind] for row in counts) for kind in range(4))


def test_overlapping_outages_count_once() -> None:
    outages = [Outage("a", AUGUST_S, AUGUST_S + 100), Outage("b", AUGUST_S + 50, AUGUST_S + 120)]
    assert count_month(MONTH, (0, FAR_S), outages, [], contract_of("standard")).down_s == 120


def test_planned_work_excuses_only_its_own_leg_and_only_when_announced_in_time() -> None:
    contract = contract_of("standard")
    outage = [Outage("a", AUGUST_S + 1000, AUGUST_S + 2000)]
    told = Window("a", AUGUST_S + 1000, AUGUST_S + 2000, AUGUST_S + 1000 - contract.notice_s)
    late = Window("a", told.begin_s, told.end_s, told.announced_s + 1)
    other = Window("b", told.begin_s, told.end_s, told.announced_s)
    found = [count_month(MONTH, (0, FAR_S), outage, [each], contract) for each in (told, late, other)]
    assert [(each.down_s, each.excluded_s) for each in found] == [(0, 1000), (1000, 0), (1000, 0)]


def test_a_fault_during_planned_work_elsewhere_counts_from_where_it_alone_would_hold_the_circuit_down() -> None:
    contract = contract_of("standard")
    window = Window("a", AUGUST_S, AUGUST_S + 600, 0)
    outages = [Outage("a", AUGUST_S, AUGUST_S + 600), Outage("b", AUGUST_S + 400, AUGUST_S + 900)]
    made = count_month(MONTH, (0, FAR_S), outages, [window], contract)
    assert (made.excluded_s, made.down_s) == (400, 500)


def test_credits_follow_the_table_at_its_very_edges() -> None:
    contract = contract_of("standard")
    for below, share in contract.credits:
        assert contract.credit_frac(below - Fraction(1, 10**12)) == share
        assert contract.credit_frac(below) < share
    assert contract.credit_frac(Fraction(1)) == 0
    assert contract.credit_frac(Fraction(0)) == 1


def test_money_is_exact_where_binary_fractions_would_not_be() -> None:
    month_s = 31 * 86400
    count = Count(MONTH, month_s, month_s // 2, 0, month_s // 20, 0)  # half the month, a tenth of it down
    assert charge_cents(1_000_001, count) == 500_001  # 5000.005 dollars
    assert credit_cents(contract_of("standard"), 500_001, count) == 500_001
    assert [paisa(cents, "281.425") for cents in (1, 2, 100)] == [281, 563, 28143]
    assert share_text(Fraction(2, 3)) == "0.666666"


def test_a_rate_a_month_or_a_clock_that_is_none_is_refused() -> None:
    for wrong in ("0", "-1", "nan", "inf", "x"):
        with pytest.raises(InputError, match="is no rate"):
            paisa(1, wrong)
    with pytest.raises(InputError, match="is no day"):
        Rate("281", "yesterday", "bank")
    with pytest.raises(InputError, match="no source"):
        Rate("281", "2026-01-01", " ")
    for wrong in ("2026-13", "2026-1", "august"):
        with pytest.raises(InputError, match="is no month"):
            month_bounds(wrong)
    with pytest.raises(InputError, match="names no time zone"):
        seconds_of("2026-08-01T00:00:00")
    assert seconds_of("2026-08-01T05:00:00+05:00") == AUGUST_S == seconds_of(utc_text(AUGUST_S))


def test_intervals_keep_every_second_once() -> None:
    draw = random.Random(5)  # noqa: S311  # a test
    for _ in range(200):
        sets = [[tuple(sorted((draw.randrange(60), draw.randrange(60)))) for _ in range(5)] for _ in range(2)]
        first, second = ({at for begin, end in each for at in range(begin, end)} for each in sets)
        assert {at for begin, end in merged(sets[0]) for at in range(begin, end)} == first
        left = without(sets[0], sets[1])
        assert [at for begin, end in left for at in range(begin, end)] == sorted(first - second)


def test_every_contract_is_read_and_says_that_it_is_assumed() -> None:
    for name in CONTRACTS:
        contract = contract_of(name)
        assert contract.evidence == "assumed"
        assert [below for below, _ in contract.credits] == sorted((each for each, _ in contract.credits), reverse=True)


def test_debits_equal_credits_and_a_month_is_booked_once(tmp_path: Path) -> None:
    with CircuitLedger(tmp_path) as ledger:
        circuit = put_circuit(ledger, "a", outages=[Outage("x", AUGUST_S, AUGUST_S + 86400)])
        with pytest.raises(InputError, match="is not over"):
            book_month(ledger, circuit.circuit_id, MONTH, RATE, AUGUST_S + 5)
        first = book_month(ledger, circuit.circuit_id, MONTH, RATE, month_bounds(MONTH)[1])
        again = book_month(ledger, circuit.circuit_id, MONTH, Rate("300", "2026-09-01", "other"), FAR_S)
        assert again == first
        made = month_of(ledger, circuit, MONTH)
        assert [(each.what, each.usd_cents) for each in first] == [
            ("charge", made.charge_cents), ("credit", made.credit_cents)
        ]  # fmt: skip
        assert all(each.pkr_paisa == paisa(each.usd_cents, "281.425") for each in first)
        accounts = balances(ledger)
        assert [sum(column) for column in zip(*accounts.values(), strict=True)] == [0, 0]
        assert accounts[REVENUE][0] == -made.charge_cents
        assert accounts[f"receivable:{BUYER}"][0] == made.charge_cents - made.credit_cents


def test_an_outage_told_late_books_only_the_difference_and_a_withdrawn_one_books_it_back(tmp_path: Path) -> None:
    with CircuitLedger(tmp_path) as ledger:
        circuit = put_circuit(ledger, "a", outages=[Outage("x", AUGUST_S, AUGUST_S + 3600)])
        first = book_month(ledger, circuit.circuit_id, MONTH, RATE, FAR_S)
        with ledger.changing():
            ledger.open_outage(circuit, "y", AUGUST_S + 7200)
            ledger.end_outages(circuit.circuit_id, AUGUST_S + 5 * 86400)
        later = book_month(ledger, circuit.circuit_id, MONTH, RATE, FAR_S)
        assert [each for each in later if each in first] == first
        owed = sum(each.usd_cents for each in later if each.what == "credit")
        assert owed == month_of(ledger, circuit, MONTH).credit_cents
        with ledger.changing():
            ledger._connection.execute("DELETE FROM outages")
        book_month(ledger, circuit.circuit_id, MONTH, RATE, FAR_S)
        assert balances(ledger)["credits given:transit"] == (0, 0)


def test_a_secure_circuit_is_in_no_report_sum_or_history_below_its_label(tmp_path: Path) -> None:
    with CircuitLedger(tmp_path) as ledger:
        open_one = put_circuit(ledger, "a")
        secret = put_circuit(ledger, "s", service_class="government_secure", classification="restricted")
        for circuit in (open_one, secret):
            book_month(ledger, circuit.circuit_id, MONTH, RATE, FAR_S)
        assert [row["circuit_id"] for row in sla_report(ledger, MONTH, FAR_S, PUBLIC)] == [open_one.circuit_id]
        assert len(sla_report(ledger, MONTH, FAR_S, Clearance("restricted"))) == 2
        assert {each.circuit_id for each in ledger.postings(PUBLIC)} == {open_one.circuit_id}
        assert balances(ledger, PUBLIC)[REVENUE][0] == -month_of(ledger, open_one, MONTH).charge_cents
        assert {circuit_id for _, circuit_id, _ in ledger.circuit_history(PUBLIC)} == {open_one.circuit_id}
        with pytest.raises(InputError, match="there is no circuit"):
            ledger.circuit(secret.circuit_id, PUBLIC)
        for table in ("circuits", "postings", "circuit_history"):
            rows = ledger._connection.execute(f"SELECT classification FROM {table} WHERE circuit_id = ?",
                                              (secret.circuit_id,)).fetchall()  # fmt: skip
            assert {row[0] for row in rows} == {"restricted"}


def test_the_report_as_csv_reads_back_and_no_name_becomes_a_formula(tmp_path: Path) -> None:
    with CircuitLedger(tmp_path) as ledger:
        put_circuit(ledger, "a", buyer="=HYPERLINK(1)", outages=[Outage("x", AUGUST_S, AUGUST_S + 90)])
        rows = sla_report(ledger, MONTH, AUGUST_S + 86400)
    (row,) = list(csv.DictReader(io.StringIO(csv_text(rows))))
    assert tuple(row) == COLUMNS
    assert row["buyer"] == "'=HYPERLINK(1)"
    assert (row["down_s"], row["is_final"]) == ("90", "False")
    assert row["availability_frac"] == share_text(1 - Fraction(90, 31 * 86400))
