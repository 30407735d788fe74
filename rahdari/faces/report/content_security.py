"""Protected communications in the report: pairs with proofs and cures, encryption, its bill, suppliers, new keys.

Only public rows are shown: a report is passed on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from rahdari.faces.report.blocks import RIGHT, Block, Cell, Heading, Section, Table, Text
from rahdari.faces.report.content_transit import model_badge
from rahdari.faces.report.words import english, local
from rahdari.methods.quantum_migration import quantum_reach_km

if TYPE_CHECKING:
    from rahdari.faces.report.blocks import Tone
    from rahdari.service.plan_view import Plan

PAIRS, ROUTES, CURES = "secure_pairs", "secure_routes", "secure_cures"
LEVELS: dict[str, tuple[str, Tone]] = {
    "risk": ("no known risk shared", "good"),
    "node": ("no road or junction shared, a risk is", "fair"),
    "link": ("no road shared, a junction is", "fair"),
    "none": ("one way only", "bad"),
}
FICTIONAL = (
    "All pairs are fictional and lie between public places; no site of government or defence is held. What separates "
    "a pair is told by kind, public road and region. Attacks, exposure and worst pairs are in no plan, report or map: "
    "those authorised ask for them on their own machine."
)
LIMITS = (
    "Ways follow the rights of way of the open road data; shared ducts, power and buildings are known only where a "
    "user lists them. Cures cost what the catalogue says for plain terrain and are the shortest that could do: have "
    "the way surveyed. Classes of custody, vendors and secrecy are assumed."
)
QKD = (
    "Quantum key distribution is left out of the plan: without trusted nodes its key rate falls below one bit a second "
    f"at {quantum_reach_km():,.0f} km of fibre whatever the equipment, and systems on sale end long before."
)


def _percent(value: float) -> str:
    """Return a share in per cent; what is short of all never rounds to it."""
    text = f"{value * 100:.3f} %"
    return "> 99.999 %" if value < 1.0 and text.startswith("100") else text


def _public(plan: Plan, name: str) -> pl.DataFrame:
    frame = plan.tables[name]
    return frame.filter(pl.col("classification") == "public")


def _pairs(pairs: pl.DataFrame) -> Table:
    rows = []
    for row in pairs.iter_rows(named=True):
        words, tone = LEVELS[row["disjoint_level"]]
        second = row["second_fibre_km"]
        proof = "proven" if row["is_proven"] else "not proven"
        rows.append(
            (
                Cell(
                    row["name"], second=f"{row['protected_gbps']:g} Gbit/s, secret for {row['secrecy_years']:g} years"
                ),
                Cell(f"{row['fibre_km']:,.0f} km", second="no second way" if second is None else f"{second:,.0f} km"),
                Cell(words, tone, second=f"{proof}: {row['proof']}"),
                Cell(row["shared"] or "–"),
                Cell(
                    _percent(row["pair_availability_frac"]),
                    second=f"with satellite {_percent(row['mixed_availability_frac'])}",
                ),
                Cell(row["cure"] or "none needed", second=_usd(row["cure_usd"])),
            )
        )
    header = ("Pair", "Fibre", "What the two ways share", "What separates them alone", "Available", "Cheapest cure")
    caption = "Protected pairs (fictional): two ways inside the country, the proof, and what would cure what is shared"
    return Table(header, tuple(rows), ("left", RIGHT, "left", "left", RIGHT, "left"), caption)


def _usd(value: float | None) -> str:
    return "" if value is None else f"US$ {value:,.0f}"


def _ways(plan: Plan, pairs: pl.DataFrame) -> Table:
    names = dict(pairs.select("pair_id", "name").iter_rows())
    rows = []
    for row in _public(plan, ROUTES).sort("pair_id", "n_way").iter_rows(named=True):
        carried = f"{row['operator']} {row['operator_frac']:.0%}" if row["operator"] else "–"
        rows.append(
            (
                Cell(names[row["pair_id"]] if row["n_way"] == 1 else "", second=f"way {row['n_way']}"),
                Cell(row["medium"]),
                Cell(f"{row['length_km']:,.0f} km" if row["length_km"] else "–"),
                Cell(f"{row['rtt_ms']:.1f} ms"),
                Cell(_percent(row["availability_frac"])),
                Cell(f"{row['rate_gbps']:g} Gbit/s"),
                Cell(carried),
            )
        )
    header = ("Pair", "Medium", "Length", "Round trip", "Available", "Rate", "On fibre of today")
    align = ("left", "left", RIGHT, RIGHT, RIGHT, RIGHT, "left")
    return Table(header, tuple(rows), align, "Ways over several media", is_long=True)  # type: ignore[arg-type]


def _cures(plan: Plan, pairs: pl.DataFrame) -> Table | None:
    cures = _public(plan, CURES).sort("pair_id", "cost_usd")
    if not cures.height:
        return None
    names = dict(pairs.select("pair_id", "name").iter_rows())
    rows = tuple(
        (
            Cell(names[row["pair_id"]]),
            Cell(row["medium"], second=row["where"]),
            Cell(
                f"{row['length_km']:,.0f} km" if row["length_km"] else "–",
                second=f"{row['n_units']} units" if row["n_units"] else "",
            ),
            Cell(f"US$ {row['cost_usd']:,.0f}", "good" if row["is_cheapest"] else None),
            Cell(
                "enough" if row["is_enough"] else f"{row['rate_gbps']:g} Gbit/s only",
                "good" if row["is_enough"] else "fair",
            ),
        )
        for row in cures.iter_rows(named=True)
    )
    header = ("Pair", "What is built", "Size", "Cost", "Carries the traffic")
    return Table(header, rows, ("left", "left", RIGHT, RIGHT, "left"), "Every cure weighed", is_long=True)


def _encryption(frame: pl.DataFrame) -> Table:
    rows = []
    for (protocol,), group in frame.sort("protocol").group_by("protocol", maintain_order=True):
        by = {row["encryption_id"].removeprefix(f"{protocol}-"): row for row in group.iter_rows(named=True)}
        rows.append(
            (
                Cell(str(protocol)),
                *(Cell(f"{by[size]['goodput_ratio']:.1%}") for size in ("46", "1400", "mix")),
                Cell(f"{by['1400']['outer_bytes']:,}"),
                Cell(f"{by['1400']['largest_inner_bytes']:,}"),
            )
        )
    header = ("Encryption", "46 bytes", "1,400 bytes", "Internet mix", "1,400 bytes become", "Passes whole up to")
    return Table(header, tuple(rows), ("left", *(RIGHT,) * 5), "What encryption leaves of a line, by packet")


def _bill(frame: pl.DataFrame) -> Table:
    rows = [
        (
            Cell(row["name"], second=row["reason"]),
            Cell(f"{row['n_units']:,}"),
            Cell(f"US$ {row['unit_usd']:,.0f}"),
            Cell(f"US$ {row['cost_usd']:,.0f}"),
        )
        for row in frame.iter_rows(named=True)
    ]
    rows.append((Cell("Together"), Cell(""), Cell(""), Cell(f"US$ {frame['cost_usd'].sum():,.0f}")))
    return Table(("Item", "Units", "Each", "Cost"), tuple(rows), ("left", RIGHT, RIGHT, RIGHT), "Bill of protection")


def _suppliers(layers: pl.DataFrame, vendors: pl.DataFrame) -> list[Block]:
    rows = tuple(
        (
            Cell(
                row["zone"],
                second="whole zone" if row["subject_kind"] == "all" else row["subject_kind"].replace("_", " "),
            ),
            Cell(f"{row['n_elements']:,}"),
            Cell(f"{row['hhi_points_ratio']:,.0f}"),
            Cell(f"{row['effective_suppliers_count']:.2f}"),
            Cell(f"{row['largest']}: {row['largest_frac']:.0%}"),
        )
        for row in layers.sort("zone", "subject_kind").iter_rows(named=True)
    )
    header = ("Zone and layer", "Elements", "HHI", "Effective suppliers", "Largest")
    found: list[Block] = [
        Table(header, rows, ("left", RIGHT, RIGHT, RIGHT, RIGHT), "How concentrated suppliers are, vendors by letter")
    ]
    drop = tuple(
        (
            Cell(f"Vendor {row['vendor_id']}"),
            Cell(
                f"{row['customers_frac']:.0%}",
                second=f"{row['customers_low_frac']:.0%} to {row['customers_high_frac']:.0%}",
            ),
            Cell(f"{row['surviving_frac']:.0%}"),
            Cell(f"{row['largest_layer'].replace('_', ' ')}: {row['largest_frac']:.0%}"),
        )
        for row in vendors.iter_rows(named=True)
    )
    titles = ("Dropped", "People who depend on it", "Service left", "Largest share")
    found.append(
        Table(titles, drop, ("left", RIGHT, RIGHT, "left"), "When all boxes, or the update channel, of one stop")
    )
    return found


def _keys(frame: pl.DataFrame) -> Table:
    rows = tuple(
        (
            Cell(f"{row['n_move']}"),
            Cell(row["subject_kind"].replace("_", " "), second=f"{row['subject']}, zone {row['zone']}"),
            Cell(f"{row['secrecy_years']:g} + {row['migration_years']:g} years"),
            Cell(
                f"{row['late_years']:g} years late" if row["is_late"] else "in time",
                "bad" if row["is_late"] else "good",
            ),
            Cell(row["encryption"]),
        )
        for row in frame.sort("n_move").iter_rows(named=True)
    )
    header = ("Order", "Class", "Secrecy + migration", "Verdict", "Encryption today")
    caption = "Order of moving to post-quantum keys: what is recorded today first"
    return Table(header, rows, (RIGHT, "left", RIGHT, "left", "left"), caption)


def _has(plan: Plan, *names: str) -> bool:
    return all(name in plan.tables and plan.tables[name].height for name in names)


def security_section(plan: Plan, language: str) -> Section | None:
    """Return the page on protected communications; ``None`` where the plan has no public pair."""
    if not _has(plan, PAIRS) or not _public(plan, PAIRS).height:
        return None
    pairs: Any = _public(plan, PAIRS).sort("pair_id")
    blocks: list[Block] = [
        Heading("Two ways for every protected pair", model_badge(plan, "security"), "secure-pairs"),
        Text(FICTIONAL, is_note=True),
        _pairs(pairs),
        _ways(plan, pairs),
    ]
    cures = _cures(plan, pairs)
    blocks += [] if cures is None else [cures]
    blocks.append(Heading("Encryption and what it costs", "", "secure-encryption"))
    if _has(plan, "encryption_costs"):
        blocks.append(_encryption(plan.tables["encryption_costs"]))
    if _has(plan, "secure_bill"):
        blocks.append(_bill(plan.tables["secure_bill"]))
    if _has(plan, "secure_migration"):
        blocks += [_keys(plan.tables["secure_migration"]), Text(QKD, is_note=True)]
    if _has(plan, "secure_layers", "secure_vendors"):
        blocks.append(Heading("How much hangs on one supplier", "", "secure-suppliers"))
        blocks += _suppliers(plan.tables["secure_layers"], plan.tables["secure_vendors"])
    blocks.append(Text(LIMITS, is_note=True))
    return Section("protected-communications", english("security"), local("security", language), tuple(blocks))
