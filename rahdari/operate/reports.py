"""Reports of service by month: availability, seconds down, excused and degraded, charge and credit; as rows and CSV."""

from __future__ import annotations

import csv
import io
import unicodedata
from typing import TYPE_CHECKING, Any

from rahdari.operate.billing import month_of
from rahdari.operate.sla import contract_of, money_text, month_bounds, share_text
from rahdari.store.query import OWNER, Clearance
from rahdari.store.spreadsheet import safe_cell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rahdari.operate.circuit_ledger import CircuitLedger
    from rahdari.operate.sla import Contract

UNSHOWN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
COLUMNS = (
    "month", "circuit_id", "buyer", "service_class", "classification", "contract_id", "contract_evidence", "service_s",
    "down_s", "excluded_s", "degraded_s", "availability_frac", "credit_frac", "charge_usd", "credit_usd", "is_final",
)  # fmt: skip


def sla_report(
    ledger: CircuitLedger,
    month: str,
    now_s: int,
    clearance: Clearance = OWNER,
    contract: Callable[[str], Contract] = contract_of,
) -> list[dict[str, Any]]:
    """Return a row for each circuit in service in a month that may be seen; exact, availability and money as text.

    ``is_final`` is false for a month that is not over: it counts what has happened, and open outages to its end.
    """
    rows = []
    for circuit in sorted(ledger.circuits(clearance=clearance), key=lambda each: each.circuit_id):
        made = month_of(ledger, circuit, month, contract)
        if not made.count.service_s:
            continue
        share = made.contract.credit_frac(made.count.availability)
        values = (
            month, circuit.circuit_id, circuit.buyer, circuit.service_class, circuit.classification,
            made.contract.contract_id, made.contract.evidence, made.count.service_s, made.count.down_s,
            made.count.excluded_s, made.count.degraded_s, share_text(made.count.availability), share_text(share),
            money_text(made.charge_cents), money_text(made.credit_cents), now_s >= month_bounds(month)[1],
        )  # fmt: skip
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows


def csv_text(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = COLUMNS) -> str:
    r"""Return rows as CSV in which no text can be taken for a formula.

    >>> csv_text([{"buyer": "=1+1"}], ["buyer"])
    "buyer\r\n'=1+1\r\n"
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([safe_cell(row[name]) for name in columns])
    return buffer.getvalue()


def shown(text: str) -> str:
    r"""Return a text from outside as one line: what steers a terminal or the direction of writing is spelled out.

    >>> print(shown("a" + chr(0x202E) + "b" + chr(27) + "[1m"))
    a\u202eb\u001b[1m
    """
    return "".join(f"\\u{ord(each):04x}" if unicodedata.category(each) in UNSHOWN else each for each in text)
