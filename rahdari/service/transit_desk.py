"""The transit desk: quote a circuit between two hubs, reserve its wavelengths, release them, list what is held.

A quote reads a finished plan.  A reservation is one transaction of the ledger, see :mod:`rahdari.store.ledger`.
A secure circuit of government takes the same path; only who may see it differs.
"""

from __future__ import annotations

import datetime as dt
import difflib
import hashlib
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from rahdari.engines.transit.net import Net, Way
from rahdari.engines.transit.world import CORRIDOR, hub_names
from rahdari.errors import InputError, Problem, TargetError
from rahdari.methods.market import MBPS_PER_GBPS
from rahdari.methods.ways import round_trip_ms
from rahdari.model.params import Params
from rahdari.store.ledger import Ledger, Need, Order, Reservation
from rahdari.store.query import OWNER, Clearance, PlanReader

if TYPE_CHECKING:
    from collections.abc import Callable

VALIDITY_DAYS = 30  # how long a quote stands: the desk's own rule
N_NEAR = 3
CLASSIFICATION = {"standard": "public", "government_secure": "restricted"}
PRICE_NOTE = "Prices are assumed within wide ranges, of the year stated; no price at the landing is public."
FLOOR_NOTE = "Round trips are floors of light in fibre, without equipment."
AVAILABILITY_NOTE = "Availability is that of one wavelength on one system of every leg, all common causes included."

ServiceClass = Literal["standard", "government_secure"]
Diversity = Literal["none", "disjoint"]


class TransitTableRequest(Params):
    """Show what a plan knows of transit."""

    plan: Path = Field(description="Plan folder")


class TransitTableResponse(Params):
    """Ways of every pair, floors of every leg, the business case, and the cables."""

    routes: list[dict[str, Any]]
    latency_legs: list[dict[str, Any]]
    business: list[dict[str, Any]]
    systems: list[dict[str, Any]]
    warnings: list[str]


class QuoteRequest(Params):
    """Ask what a circuit would take and cost."""

    plan: Path = Field(description="Plan folder")
    from_name: str = Field(min_length=1, description="Hub at one end, such as Urumqi")
    to_name: str = Field(min_length=1, description="Hub at the other end, such as Marseille")
    gbps: float = Field(gt=0.0, le=1e6, description="Capacity asked for, Gbit/s")
    max_rtt_ms: float | None = Field(None, gt=0.0, description="Longest round-trip floor allowed, ms; none: any")
    diversity: Diversity = Field("none", description="disjoint: a second way that shares no leg")
    service_class: ServiceClass = Field("standard", description="standard, or government_secure: not shown to others")
    asked_on: dt.date | None = Field(None, description="Day of the quote; default: today")
    ledger: Path | None = Field(None, description="Folder of the ledger; with it the quote says what is still free")


class QuotedRoute(Params):
    """One way of a quote."""

    role: Literal["working", "protection"]
    way_id: str
    way_name: str
    stops: list[str]
    leg_ids: list[str]
    fibre_km: float
    rtt_floor_ms: float
    rtt_low_ms: float
    rtt_high_ms: float
    availability_frac: float
    n_free_wavelengths: int
    common_causes: list[str]


class QuoteResponse(Params):
    """What a circuit would take and cost; prices are a month's for the whole capacity."""

    plan_digest: str
    from_name: str
    to_name: str
    gbps: float
    n_wavelengths: int
    service_class: ServiceClass
    routes: list[QuotedRoute]
    availability_frac: float
    shared_causes: list[str]
    price_usd_per_month: float
    price_low_usd_per_month: float
    price_high_usd_per_month: float
    country_usd_per_month: float
    price_year: int
    asked_on: dt.date
    valid_until: dt.date
    is_free: bool
    rivals: list[dict[str, Any]]
    warnings: list[str]


class ReserveRequest(QuoteRequest):
    """Hold the wavelengths of a circuit."""

    ledger: Path = Field(description="Folder of the ledger")
    buyer: str = Field(min_length=1, max_length=200, description="Who buys")
    idempotency_key: str = Field(
        min_length=1, max_length=200, description="The buyer's own name of this order; asking again under it is safe"
    )


class ReleaseRequest(Params):
    """Give the wavelengths of a reservation back."""

    ledger: Path = Field(description="Folder of the ledger")
    reservation_id: str = Field(min_length=1, description="Reservation")


class ListRequest(Params):
    """List reservations."""

    ledger: Path = Field(description="Folder of the ledger")
    with_released: bool = Field(default=False, description="Show released ones too")


class ReservationResponse(Params):
    """One reservation as the ledger holds it."""

    reservation_id: str
    idempotency_key: str
    buyer: str
    service_class: str
    from_name: str
    to_name: str
    gbps: float
    state: str
    made_utc: str
    released_utc: str | None
    wavelengths: dict[str, list[int]]
    terms: dict[str, Any]


class ListResponse(Params):
    """Reservations, and how many wavelengths of each leg are held by all that may be seen."""

    reservations: list[ReservationResponse]
    n_held: dict[str, int]


class Desk:
    """The legs, causes and prices of one plan."""

    def __init__(self, reader: PlanReader) -> None:
        """Read the plan; :class:`InputError` where it has no corridor."""
        legs = reader.table("transit_legs")
        if not legs.height:
            cure = "use the plan of a country whose transit corridor is described, such as Pakistan"
            raise InputError(Problem("the plan has no transit corridor", cure, str(reader.folder)))
        self.digest = str(reader.manifest["plan_digest"])
        self.net = Net.of(legs, reader.table("transit_causes"))
        self.wavelength_gbps = float(self.net.row[0]["wavelength_gbps"])
        self.price_year = int(self.net.row[0]["price_year"])
        self.year = int(reader.manifest["scenario"]["years"][0])

    def hub(self, name: str) -> str:
        """Return the hub of a name; :class:`InputError` with near names where there is none."""
        names = {hub: title for hub, title in hub_names().items() if hub in self.net.hubs()}
        wanted = name.strip().casefold()
        for hub, title in names.items():
            if wanted in (hub.casefold(), title.casefold()):
                return hub
        near = difflib.get_close_matches(name, names.values(), n=N_NEAR, cutoff=0.5) or sorted(names.values())
        raise InputError(Problem(f"there is no hub '{name}'", f"use one of {', '.join(near)}"))

    def ways(self, request: QuoteRequest) -> tuple[Way, list[Way]]:
        """Return the corridor's way between the ends of a request, and all other ways in service."""
        ends = self.hub(request.from_name), self.hub(request.to_name)
        if ends[0] == ends[1]:
            raise InputError(Problem("both ends are one hub", "give two"))
        found = [way for way in self.net.ways(*ends) if self.net.from_year(way) <= self.year]
        own = next((way for way in found if way.way_id == CORRIDOR), None)
        if own is None:
            what = f"the corridor does not join {request.from_name} and {request.to_name}"
            raise InputError(Problem(what, "ask for ends on either side of it, such as Urumqi and Marseille"))
        return own, [way for way in found if way is not own]

    def rtt_ms(self, way: Way, end: str = "") -> float:
        """Return the round-trip floor of a way."""
        return round_trip_ms(self.net.total(way, f"fibre{end}_km"))

    def protection(self, working: Way, others: list[Way], max_rtt_ms: float | None) -> Way:
        """Return the other way that shares no leg, keeps the bound, and leaves least joint downtime.

        :class:`TargetError` says of every other way why it will not do.
        """
        reasons, fit = [], []
        for way in others:
            shared = sorted(set(way.legs) & set(working.legs))
            if shared:
                reasons.append(f"{way.name} shares {', '.join(self.net.row[leg]['leg_id'] for leg in shared)}")
            elif max_rtt_ms is not None and self.rtt_ms(way) > max_rtt_ms:
                reasons.append(f"{way.name} has a floor of {self.rtt_ms(way):.1f} ms")
            else:
                law = self.net.law([working, way], is_restored=False)
                fit.append(
                    (-law.availability_frac(3), self.net.total(way, "price_usd_per_mbps_month"), way.way_id, way)
                )
        if not fit:
            what = f"no second way will do: {'; '.join(reasons) or 'there is none'}"
            raise TargetError(Problem(what, "ask without diversity, or allow a longer round trip"))
        return min(fit)[-1]

    def chosen(self, request: QuoteRequest) -> tuple[list[Way], list[Way]]:
        """Return the ways of a quote, working first, and the rivals; :class:`TargetError` where a bound fails."""
        working, others = self.ways(request)
        if request.max_rtt_ms is not None and self.rtt_ms(working) > request.max_rtt_ms:
            what = f"the floor by the corridor is {self.rtt_ms(working):.1f} ms, above {request.max_rtt_ms:g} ms"
            raise TargetError(Problem(what, "allow a longer round trip; light in fibre is no faster"))
        if request.diversity == "none":
            return [working], others
        second = self.protection(working, others, request.max_rtt_ms)
        return [working, second], [way for way in others if way is not second]


def _today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()


def _now_utc() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")


def _held(folder: Path | None) -> dict[str, int]:
    """Return how many wavelengths are held on each leg; none where there is no ledger yet."""
    if folder is None or not folder.is_dir():
        return {}
    with Ledger(folder) as ledger:
        return ledger.n_held()


def _names(desk: Desk, causes: set[int], clearance: Clearance) -> list[str]:
    """Return the names of causes; none below full clearance: which place strikes whom is not for everybody."""
    return [desk.net.cause_name[cause] for cause in sorted(causes)] if clearance.is_full else []


def _quoted(desk: Desk, ways: list[Way], held: dict[str, int], clearance: Clearance) -> list[QuotedRoute]:
    """Return the ways of a quote with what is still free on them."""
    law, made = desk.net.law(ways, is_restored=False), []
    for place, way in enumerate(ways):
        rows = [desk.net.row[leg] for leg in way.legs]
        made.append(
            QuotedRoute(
                role="protection" if place else "working",
                way_id=way.way_id,
                way_name=way.name,
                stops=desk.net.stops(way),
                leg_ids=[row["leg_id"] for row in rows],
                fibre_km=desk.net.total(way, "fibre_km"),
                rtt_floor_ms=desk.rtt_ms(way),
                rtt_low_ms=desk.rtt_ms(way, "_low"),
                rtt_high_ms=desk.rtt_ms(way, "_high"),
                availability_frac=law.availability_frac(1 << place),
                n_free_wavelengths=max(0, min(row["n_wavelengths"] - held.get(row["leg_id"], 0) for row in rows)),
                common_causes=_names(desk, set(desk.net.causes_of(way)), clearance),
            )
        )
    return made


def _prices(desk: Desk, ways: list[Way], gbps: float) -> dict[str, float]:
    """Return a month's price of all ways of a quote, its ends, and the part of it that stays in the country."""
    mbps = gbps * MBPS_PER_GBPS
    made = {
        f"price{end}_usd_per_month": mbps * sum(desk.net.total(way, f"price{end}_usd_per_mbps_month") for way in ways)
        for end in ("", "_low", "_high")
    }
    domestic = [desk.net.row[leg] for way in ways for leg in way.legs if desk.net.row[leg]["is_domestic"]]
    return {**made, "country_usd_per_month": mbps * sum(row["price_usd_per_mbps_month"] for row in domestic)}


def quote(
    request: QuoteRequest, clearance: Clearance = OWNER, *, today: Callable[[], dt.date] = _today
) -> QuoteResponse:
    """Return route, round-trip floor, availability, price range and validity of a circuit.

    :class:`InputError` for unknown hubs or a pair that the corridor does not join; :class:`TargetError` where
    round trip or diversity cannot be had, with the reason.
    """
    desk = Desk(PlanReader(request.plan, clearance))
    ways, rivals = desk.chosen(request)
    routes = _quoted(desk, ways, _held(request.ledger), clearance)
    n_wavelengths = math.ceil(request.gbps / desk.wavelength_gbps)
    alone = desk.net.law([*ways, *rivals], is_restored=False)
    asked_on = request.asked_on or today()
    is_free = all(route.n_free_wavelengths >= n_wavelengths for route in routes)
    warnings = [PRICE_NOTE, FLOOR_NOTE, AVAILABILITY_NOTE]
    if not is_free:
        warnings.append(f"Wavelengths asked for: {n_wavelengths}; fewer are free on some leg.")
    causes = [set(desk.net.causes_of(way)) for way in ways]
    return QuoteResponse(
        plan_digest=desk.digest,
        from_name=routes[0].stops[0],
        to_name=routes[0].stops[-1],
        gbps=request.gbps,
        n_wavelengths=n_wavelengths,
        service_class=request.service_class,
        routes=routes,
        availability_frac=alone.availability_frac((1 << len(ways)) - 1),
        shared_causes=_names(desk, causes[0] & causes[1], clearance) if len(causes) > 1 else [],
        **_prices(desk, ways, request.gbps),
        price_year=desk.price_year,
        asked_on=asked_on,
        valid_until=asked_on + dt.timedelta(days=VALIDITY_DAYS),
        is_free=is_free,
        rivals=[
            {
                "way_id": way.way_id,
                "way_name": way.name,
                "rtt_floor_ms": desk.rtt_ms(way),
                "availability_frac": alone.availability_frac(1 << place),
                "price_usd_per_month": desk.net.total(way, "price_usd_per_mbps_month") * request.gbps * MBPS_PER_GBPS,
            }
            for place, way in enumerate(rivals, start=len(ways))
        ],
        warnings=warnings,
    )


def _digest(request: ReserveRequest) -> str:
    """Return the digest of what a buyer asks for, whichever plan answers and whenever."""
    asked = request.model_dump(mode="json", exclude={"plan", "ledger", "asked_on", "idempotency_key"})
    return hashlib.blake2b(json.dumps(asked, sort_keys=True).encode(), digest_size=20).hexdigest()


def _response(reservation: Reservation) -> ReservationResponse:
    kept = {name: getattr(reservation, name) for name in ReservationResponse.model_fields if name != "wavelengths"}
    return ReservationResponse(**kept, wavelengths={leg: list(each) for leg, each in reservation.wavelengths.items()})


def reserve(
    request: ReserveRequest,
    clearance: Clearance = OWNER,
    *,
    now_utc: Callable[[], str] = _now_utc,
    at_step: Callable[[str], None] | None = None,
) -> ReservationResponse:
    """Hold the wavelengths of a circuit on every leg of its ways, all of them or none.

    The same key and request return the same reservation, also after a crash.  :class:`InputError` where a leg has
    too few free wavelengths or the key was used for something else; else as :func:`quote`.
    """
    digest = _digest(request)
    with Ledger(request.ledger, **({"at_step": at_step} if at_step else {})) as ledger:
        standing = ledger.standing(request.idempotency_key, digest)
        if standing is not None:
            return _response(standing)
        offer = quote(request, clearance)
        sold = {row["leg_id"]: row["n_wavelengths"] for row in Desk(PlanReader(request.plan, clearance)).net.row}
        leg_ids = sorted({leg_id for route in offer.routes for leg_id in route.leg_ids})
        order = Order(
            idempotency_key=request.idempotency_key,
            buyer=request.buyer,
            service_class=request.service_class,
            classification=CLASSIFICATION[request.service_class],
            from_name=offer.from_name,
            to_name=offer.to_name,
            gbps=request.gbps,
            made_utc=now_utc(),
            needs=tuple(Need(leg_id, offer.n_wavelengths, sold[leg_id]) for leg_id in leg_ids),
            terms=offer.model_dump(mode="json", exclude={"rivals", "warnings"}),
            request_digest=digest,
        )
        return _response(ledger.reserve(order))


def release(request: ReleaseRequest, *, now_utc: Callable[[], str] = _now_utc) -> ReservationResponse:
    """Give the wavelengths of a reservation back; doing it again changes nothing."""
    _check_ledger(request.ledger)
    with Ledger(request.ledger) as ledger:
        return _response(ledger.release(request.reservation_id, now_utc()))


def list_reservations(request: ListRequest, clearance: Clearance = OWNER) -> ListResponse:
    """Return the reservations that the clearance covers; secure ones are for full clearance alone."""
    _check_ledger(request.ledger)
    with Ledger(request.ledger) as ledger:
        found = ledger.reservations(("held", "released") if request.with_released else ("held",), clearance)
    n_held: dict[str, int] = {}
    for each in found:
        for leg_id, numbers in each.wavelengths.items():
            n_held[leg_id] = n_held.get(leg_id, 0) + len(numbers)
    return ListResponse(reservations=[_response(each) for each in found], n_held=dict(sorted(n_held.items())))


def _check_ledger(folder: Path) -> None:
    if not folder.is_dir():
        cure = "reserve something first, or give its folder with --ledger"
        raise InputError(Problem("there is no ledger here", cure, str(folder)))


def transit_table(request: TransitTableRequest, clearance: Clearance = OWNER) -> TransitTableResponse:
    """Return what a plan knows of transit: ways of every pair, floors, the business case, and the cables."""
    reader = PlanReader(request.plan, clearance)
    notes = next((list(record["notes"]) for record in reader.manifest["engines"] if record["name"] == "transit"), [])
    names = {"routes": "transit_routes", "latency_legs": "latency_legs", "business": "transit_business",
             "systems": "transit_systems"}  # fmt: skip
    rows = {field: reader.table(name).to_dicts() for field, name in names.items()}
    return TransitTableResponse(**rows, warnings=notes)
