"""``rahdari transit``: what a plan knows of transit, and the desk that quotes and reserves circuits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rahdari.service.transit_desk import (
        ListResponse,
        QuoteResponse,
        ReservationResponse,
        TransitTableResponse,
    )

transit_app = typer.Typer(
    help="Show transit; quote, reserve, release and list circuits.", no_args_is_help=True, rich_markup_mode=None
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
PlanOption = Annotated[Path | None, typer.Option("--plan", help="Plan folder; default: the newest below ./plans.")]
LedgerOption = Annotated[Path, typer.Option("--ledger", help="Folder of the ledger of reservations.")]
FromHub = Annotated[str, typer.Argument(help="Hub at one end, such as Urumqi.")]
ToHub = Annotated[str, typer.Argument(help="Hub at the other end, such as Marseille.")]
Gbps = Annotated[float, typer.Option(help="Capacity, Gbit/s.")]
MaxRtt = Annotated[float | None, typer.Option("--max-rtt-ms", help="Longest round-trip floor allowed.")]
DiverseOption = Annotated[bool, typer.Option("--diverse", help="Add a second way that shares no leg.")]
SecureOption = Annotated[bool, typer.Option("--secure", help="A secure circuit of government.")]
LEDGER = Path("ledger")
MILLION = 1e6


def _asked(
    plan: Path | None, ends: tuple[str, str], gbps: float, max_rtt_ms: float | None, *, diverse: bool, secure: bool
) -> dict[str, Any]:
    """Return what a quote and a reservation both ask for."""
    from rahdari.faces.cli.main import plan_folder

    return {
        "plan": plan_folder(plan),
        "from_name": ends[0],
        "to_name": ends[1],
        "gbps": gbps,
        "max_rtt_ms": max_rtt_ms,
        "diversity": "disjoint" if diverse else "none",
        "service_class": "government_secure" if secure else "standard",
    }


def _answer(operation: str, call: Callable[[], Any], show: Callable[[Any], None], *, as_json: bool) -> None:
    from rahdari.faces.cli.main import answer

    answer(f"transit {operation}", call, show, as_json=as_json)


@transit_app.command("table")
def table(plan: PlanOption = None, as_json: Json = False) -> None:
    """Show the ways of every pair, the floor of every leg, and the business case."""

    def call() -> TransitTableResponse:
        from rahdari.faces.cli.main import plan_folder
        from rahdari.service.transit_desk import TransitTableRequest, transit_table

        return transit_table(TransitTableRequest(plan=plan_folder(plan)))

    _answer("table", call, show_table, as_json=as_json)


@transit_app.command("quote")
def quote(
    from_hub: FromHub,
    to_hub: ToHub,
    gbps: Gbps = 100.0,
    max_rtt_ms: MaxRtt = None,
    diverse: DiverseOption = False,
    secure: SecureOption = False,
    ledger: LedgerOption = LEDGER,
    plan: PlanOption = None,
    as_json: Json = False,
) -> None:
    """Quote a circuit: route, round-trip floor, availability, price range and validity."""

    def call() -> QuoteResponse:
        from rahdari.model.scenario import validated
        from rahdari.service.transit_desk import QuoteRequest
        from rahdari.service.transit_desk import quote as make

        asked = _asked(plan, (from_hub, to_hub), gbps, max_rtt_ms, diverse=diverse, secure=secure)
        return make(validated(QuoteRequest, {**asked, "ledger": ledger}, "the command line"))

    _answer("quote", call, show_quote, as_json=as_json)


@transit_app.command("reserve")
def reserve(
    from_hub: FromHub,
    to_hub: ToHub,
    buyer: Annotated[str, typer.Option(help="Who buys.")],
    key: Annotated[str, typer.Option(help="The buyer's own name of this order; asking again under it is safe.")],
    gbps: Gbps = 100.0,
    max_rtt_ms: MaxRtt = None,
    diverse: DiverseOption = False,
    secure: SecureOption = False,
    ledger: LedgerOption = LEDGER,
    plan: PlanOption = None,
    as_json: Json = False,
) -> None:
    """Reserve the wavelengths of a circuit, all of them or none."""

    def call() -> ReservationResponse:
        from rahdari.model.scenario import validated
        from rahdari.service.transit_desk import ReserveRequest
        from rahdari.service.transit_desk import reserve as hold

        asked = _asked(plan, (from_hub, to_hub), gbps, max_rtt_ms, diverse=diverse, secure=secure)
        asked |= {"ledger": ledger, "buyer": buyer, "idempotency_key": key}
        return hold(validated(ReserveRequest, asked, "the command line"))

    _answer("reserve", call, show_reservation, as_json=as_json)


@transit_app.command("release")
def release(
    reservation_id: Annotated[str, typer.Argument(help="Reservation, as 'rahdari transit list' shows it.")],
    ledger: LedgerOption = LEDGER,
    plan: PlanOption = None,  # noqa: ARG001  # every command of the desk takes it
    as_json: Json = False,
) -> None:
    """Give the wavelengths of a reservation back."""

    def call() -> ReservationResponse:
        from rahdari.service.transit_desk import ReleaseRequest
        from rahdari.service.transit_desk import release as give_back

        return give_back(ReleaseRequest(ledger=ledger, reservation_id=reservation_id))

    _answer("release", call, show_reservation, as_json=as_json)


@transit_app.command("list")
def list_all(
    ledger: LedgerOption = LEDGER,
    released: Annotated[bool, typer.Option("--released", help="Show released ones too.")] = False,
    plan: PlanOption = None,  # noqa: ARG001  # every command of the desk takes it
    as_json: Json = False,
) -> None:
    """List reservations."""

    def call() -> ListResponse:
        from rahdari.service.transit_desk import ListRequest, list_reservations

        return list_reservations(ListRequest(ledger=ledger, with_released=released))

    _answer("list", call, show_list, as_json=as_json)


def _route_line(row: Mapping[str, Any]) -> str:
    price = (
        f"USD {row['price_low_usd_per_mbps_month']:.2f} to {row['price_high_usd_per_mbps_month']:.2f} "
        f"a Mbit/s and month ({row['price_year']})"
    )
    since = "" if row["is_in_service"] else f", from {row['from_year']}"
    return (
        f"  {row['way_id']:<15}{row['fibre_km']:>8,.0f} km {row['rtt_floor_ms']:>6.1f} ms  "
        f"available {row['availability_frac']:.4%}, idle {row['idle_gbps']:,.0f} Gbit/s, {price}{since}"
    )


def show_table(response: TransitTableResponse) -> None:
    """Print one line a way below its pair, then floors and money."""
    if not response.routes:
        typer.echo("this plan has no transit corridor")
    shown = ""
    for row in response.routes:
        if row["pair_id"] != shown:
            shown = row["pair_id"]
            typer.echo(f"{row['from_name']} - {row['to_name']}")
        typer.echo(_route_line(row))
    if response.latency_legs:
        typer.echo("\nRound-trip floors beside the published claim")
    for row in response.latency_legs:
        claim = f"{row['claim_before_ms']:g} ms to {row['claim_after_ms']:g} ms"
        holds = "possible" if row["is_claim_possible"] else "not possible"
        typer.echo(f"  {row['leg']:<28}{row['fibre_km']:>8,.0f} km {row['rtt_floor_ms']:>6.1f} ms  {claim}: {holds}")
    if response.business:
        typer.echo("\nBusiness case, millions of US dollars")
    for row in response.business:
        typer.echo(
            f"  {row['case_id']:<20}revenue a year {row['revenue_usd_per_year'] / MILLION:>8.2f}, "
            f"net present value {row['npv_usd'] / MILLION:>9.2f}, "
            f"an hour of outage USD {row['outage_hour_usd']:,.0f}"
        )


def show_quote(response: QuoteResponse) -> None:
    """Print a quote."""
    plural = "" if response.n_wavelengths == 1 else "s"
    what = f"{response.gbps:g} Gbit/s on {response.n_wavelengths} wavelength{plural}"
    typer.echo(f"{response.from_name} - {response.to_name}, {what}")
    for route in response.routes:
        typer.echo(f"  {route.role}: {' - '.join(route.stops)}")
        typer.echo(
            f"    {route.fibre_km:,.0f} km, round trip at least {route.rtt_floor_ms:.1f} ms, available "
            f"{route.availability_frac:.4%}, {route.n_free_wavelengths} wavelengths free"
        )
    typer.echo(f"  available {response.availability_frac:.4%} as a whole")
    if response.shared_causes:
        typer.echo(f"  both ways feel: {', '.join(response.shared_causes)}")
    typer.echo(
        f"  USD {response.price_usd_per_month:,.0f} a month ({response.price_low_usd_per_month:,.0f} to "
        f"{response.price_high_usd_per_month:,.0f}; prices of {response.price_year}), of which "
        f"{response.country_usd_per_month:,.0f} for crossing the country"
    )
    typer.echo(f"  valid until {response.valid_until}; {'free' if response.is_free else 'not free'}")
    for rival in response.rivals:
        typer.echo(
            f"  beside it: {rival['way_name']}, {rival['rtt_floor_ms']:.1f} ms, available "
            f"{rival['availability_frac']:.4%}, USD {rival['price_usd_per_month']:,.0f} a month"
        )
    for warning in response.warnings:
        typer.echo(f"  note: {warning}")


def show_reservation(response: ReservationResponse) -> None:
    """Print a reservation."""
    typer.echo(
        f"{response.reservation_id} {response.state}: {response.from_name} - {response.to_name}, "
        f"{response.gbps:g} Gbit/s for {response.buyer} ({response.service_class}), made {response.made_utc}"
    )
    for leg_id, numbers in response.wavelengths.items():
        typer.echo(f"  {leg_id}: wavelength {', '.join(str(number) for number in numbers)}")


def show_list(response: ListResponse) -> None:
    """Print all reservations and what is held on each leg."""
    for reservation in response.reservations:
        show_reservation(reservation)
    if not response.reservations:
        typer.echo("nothing is reserved")
    for leg_id, count in response.n_held.items():
        typer.echo(f"held on {leg_id}: {count}")
