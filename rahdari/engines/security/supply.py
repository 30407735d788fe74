"""What protection needs and rests on: encryption by the packet, its bill, suppliers by layer, order of new keys."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from rahdari.methods.concentration import Substitute, drop_each_vendor, herfindahl
from rahdari.methods.encapsulation import IMIX_BYTES, IMIX_COUNT, TUNNELS, fit, plain_bytes
from rahdari.methods.quantum_migration import migration_order
from rahdari.methods.results import result_frame

if TYPE_CHECKING:
    from rahdari.engines.security.params import SecurityParams
    from rahdari.model import Tables

TABLES = Path(__file__).parent / "tables"
VENDORS = ("A", "B", "C")
SHARES = tuple(f"vendor_{name.lower()}_frac" for name in VENDORS)
CARD, PAIR, SERVER, TERMINAL = (
    "security_line_card", "security_encryptor_pair", "security_key_server", "satellite_terminal_business",
)  # fmt: skip
SMALL_GBPS = 10.0  # an encryptor pair carries so much; from there on line cards
CARD_GBPS = 100.0
NO_SUBSTITUTE = {"*": Substitute(0.0, 0.0, 0.0)}  # only the reach of a loss is asked here, not its price
PACKETS = {
    "mix": (IMIX_BYTES, IMIX_COUNT), "46": (np.array([46.0]), np.ones(1)), "1400": (np.array([1400.0]), np.ones(1)),
}  # fmt: skip


def prices(tables: Tables) -> dict[str, tuple[str, float]]:
    """Return name and price of each item of the catalogue."""
    rows = tables["equipment"].select("equipment_id", "name", "capex_usd").iter_rows()
    return {item: (name, float(usd)) for item, name, usd in rows}


def encryption_costs() -> pl.DataFrame:
    """Return ``encryption_costs``: every protocol on the mix, on the smallest and on a large packet."""
    rows = []
    for protocol, encrypted in sorted(TUNNELS.items()):
        for name, (sizes, count) in PACKETS.items():
            largest = fit(protocol, int(sizes.max()))
            rows.append(
                {
                    "encryption_id": f"{protocol}-{name}", "protocol": protocol,
                    "mix": "internet mix 7:4:1 of 46, 558, 1,400 bytes" if name == "mix" else f"{name} bytes",
                    "plain_bytes": float(count @ plain_bytes(sizes) / count.sum()),
                    "encrypted_bytes": float(count @ encrypted(sizes) / count.sum()),
                    "outer_bytes": largest.outer_bytes, "largest_inner_bytes": largest.largest_inner_bytes,
                    "is_fitting": largest.is_fitting,
                }
            )  # fmt: skip
    for row in rows:
        row["goodput_ratio"] = row["plain_bytes"] / row["encrypted_bytes"]  # type: ignore[operator]  # numbers
    return result_frame(rows, TABLES / "encryption_costs.csv")


def bill(tables: Tables, pairs: list[dict[str, Any]], n_domains: int, params: SecurityParams) -> pl.DataFrame:
    """Return ``secure_bill``: cards or encryptors at both ends of both ways, key servers, satellite terminals."""
    known = prices(tables)
    n_cards = n_pairs = 0
    for row in pairs:
        n_ways = 1 if row["second_fibre_km"] is None else 2
        if row["protected_gbps"] <= SMALL_GBPS:
            n_pairs += n_ways
        else:
            n_cards += 2 * n_ways * math.ceil(row["protected_gbps"] / CARD_GBPS)
    wanted = (
        (CARD, n_cards, "two ends of each way of pairs above 10 Gbit/s, by 100 Gbit/s"),
        (PAIR, n_pairs, "one pair of boxes for each way of pairs up to 10 Gbit/s"),
        (SERVER, params.n_key_servers * n_domains if pairs else 0, f"{params.n_key_servers} for each key domain"),
        (TERMINAL, 2 * len(pairs), "one at each end, for the way over another medium"),
    )
    rows = [
        {
            "item_id": item, "name": known[item][0], "reason": reason, "n_units": number,
            "unit_usd": known[item][1], "cost_usd": number * known[item][1],
        }
        for item, number, reason in wanted
        if item in known and number
    ]  # fmt: skip
    return result_frame(rows or None, TABLES / "secure_bill.csv")


def layers(tables: Tables) -> pl.DataFrame:
    """Return ``secure_layers``: suppliers of every class of sites and links, and of each zone.

    A zone weighs its classes of sites by people, or by elements where no people are known.
    """
    profiles = tables["security_profiles"].filter(pl.col("subject").is_in(["site", "link"])).sort("profile_id")
    people = tables["places"].select("place_id", "n_people")
    sites = tables["sites"].join(people, on="place_id", how="left")
    served = sites.group_by("kind").agg(
        pl.len().alias("n"), pl.struct("place_id", "n_people").unique().struct.field("n_people").sum().alias("people")
    )
    by_kind = {("site", kind): (n, float(total or 0.0)) for kind, n, total in served.iter_rows()}
    tiers = tables["links"].group_by("tier").len()
    by_kind |= {("link", tier): (n, 0.0) for tier, n in tiers.iter_rows()}
    rows = []
    for row in profiles.iter_rows(named=True):
        n, total = by_kind.get((row["subject"], row["subject_kind"]), (0, 0.0))
        if n:
            shares = np.array([row[name] for name in SHARES])
            rows.append(_layer(row["zone"], row["subject_kind"], n, total, shares, row["custody"], row["origin"]))
    zones = sorted({row["zone"] for row in rows})
    made = [{key: value for key, value in row.items() if key != "shares"} for row in rows]
    for zone in zones:
        own = [row for row in rows if row["zone"] == zone]
        weight = np.array([row["weight_people"] for row in own])
        if not weight.sum() > 0.0:
            weight = np.array([float(row["n_elements"]) for row in own])
        shares = weight @ np.array([row["shares"] for row in own]) / weight.sum()
        total = max(row["weight_people"] for row in own)
        whole = _layer(zone, "all", sum(row["n_elements"] for row in own), total, shares, "mixed", "mixed")
        made.append({key: value for key, value in whole.items() if key != "shares"})
    return result_frame(made or None, TABLES / "secure_layers.csv")


def _layer(  # noqa: PLR0917 - the columns of a row
    zone: str,
    kind: str,
    n: int,
    people: float,
    shares: np.ndarray[Any, np.dtype[np.float64]],
    custody: str,
    origin: str,
) -> dict[str, Any]:
    index = float(herfindahl(shares))
    largest = int(np.argmax(shares))
    return {
        "layer_id": f"{zone}-{kind}", "zone": zone, "subject_kind": kind, "n_elements": n, "weight_people": people,
        "custody": custody, "origin": origin, "hhi_ratio": index, "hhi_points_ratio": 10_000.0 * index,
        "effective_suppliers_count": 1.0 / index, "largest": VENDORS[largest],
        "largest_frac": float(shares[largest] / shares.sum()), "shares": shares / shares.sum(),
    }  # fmt: skip


def vendors(tables: Tables) -> pl.DataFrame:
    """Return ``secure_vendors``: who depends on each vendor, by district, through every layer that serves it."""
    profiles = tables["security_profiles"].filter(pl.col("subject") == "site").sort("profile_id")
    places = tables["places"].select("place_id", "district_id", "n_people")
    people = places.group_by("district_id").agg(pl.col("n_people").sum())
    served = tables["sites"].join(places.drop("n_people"), on="place_id").select("district_id", "kind").unique()
    shares = profiles.select(
        pl.col("subject_kind").alias("kind"),
        *(pl.col(name).alias(own) for name, own in zip(SHARES, VENDORS, strict=True)),
    ).unpivot(index="kind", variable_name="vendor_id", value_name="share")
    held = served.join(shares.filter(pl.col("share") > 0.0), on="kind").join(people, on="district_id")
    if not held.height:
        return result_frame(None, TABLES / "secure_vendors.csv")
    rows = held.select(
        pl.col("district_id").alias("unit_id"), pl.col("kind").alias("category"), "vendor_id",
        pl.lit(0.0).alias("cost_usd"), (pl.col("n_people") * pl.col("share")).alias("n_customers"),
    )  # fmt: skip
    dropped = drop_each_vendor(rows, NO_SUBSTITUTE)
    found = []
    for row in dropped.sort("vendor_id").iter_rows(named=True):
        own = shares.filter((pl.col("vendor_id") == row["vendor_id"]) & (pl.col("share") > 0.0))
        own = own.filter(pl.col("kind").is_in(served["kind"].implode())).sort("share", "kind", descending=[True, False])
        found.append(
            {
                "vendor_id": row["vendor_id"], "n_layers": own.height, "largest_layer": own["kind"][0],
                "largest_frac": own["share"][0], "customers_low_frac": row["customers_low_frac"],
                "customers_frac": row["customers_frac"], "customers_high_frac": row["customers_high_frac"],
                "surviving_frac": 1.0 - row["customers_frac"],
            }
        )  # fmt: skip
    return result_frame(found, TABLES / "secure_vendors.csv")


def migration(tables: Tables, protected_gbps: float, params: SecurityParams) -> pl.DataFrame:
    """Return ``secure_migration``: classes of links and services in the order of moving to post-quantum keys."""
    profiles = tables["security_profiles"].filter(pl.col("subject").is_in(["link", "service"])).sort("profile_id")
    if not profiles.height:
        return result_frame(None, TABLES / "secure_migration.csv")
    lit = tables["links"].group_by("tier").agg(pl.col("capacity_gbps").sum()).rename({"tier": "subject_kind"})
    own = profiles.join(lit, on="subject_kind", how="left", maintain_order="left").with_columns(
        link_id=pl.col("profile_id"),
        traffic_gbps=pl.when(pl.col("subject") == "link")
        .then(pl.col("capacity_gbps").fill_null(0.0))
        .when(pl.col("subject_kind") == "protected").then(pl.lit(protected_gbps)).otherwise(0.0),
    )  # fmt: skip
    ordered = migration_order(own, params.years_to_quantum).rename({"order": "n_move"})
    return result_frame(ordered.to_dicts(), TABLES / "secure_migration.csv")
