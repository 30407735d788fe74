"""``rahdari sky``: the satellites over one place, or over every place of a plan."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rahdari.service.sky import SkyAllResponse, SkyPlaceResponse

sky_app = typer.Typer(no_args_is_help=True, help="Satellites over places: in view, delay, outage, price, licence.")

PlanOption = Annotated[Path | None, typer.Option("--plan", help="Plan folder; default: the newest below ./plans.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
N_ANGLES = 6  # satellites printed of each constellation
NOTHING = "–"


@sky_app.command("place")
def place(
    name: Annotated[str, typer.Argument(help="Name or identifier of a place.")],
    at: Annotated[dt.datetime | None, typer.Option("--at", help="Moment in UTC; default: now.")] = None,
    elements: Annotated[Path | None, typer.Option(help="Real element sets, TLE or OMM.")] = None,
    constellation: Annotated[str, typer.Option(help="Constellation of the element sets.")] = "starlink_gen1",
    dem: Annotated[Path | None, typer.Option(help="Finer terrain: a file or a folder of tiles.")] = None,
    plan: PlanOption = None,
    as_json: Json = False,
) -> None:
    """Show the sky of one place: look angles, a day by the minute, delays hop by hop, prices and licences."""
    from rahdari.faces.cli.main import answer, plan_folder

    def tell(done: int, total: int, text: str) -> None:
        typer.echo(f"{done}/{total} {text}", err=True)

    def call() -> SkyPlaceResponse:
        from rahdari.model.scenario import validated
        from rahdari.service.sky import SkyPlaceRequest, sky_place

        asked = {
            "plan": plan_folder(plan), "place": name, "elements": elements, "constellation": constellation, "dem": dem,
            "at_utc": None if at is None else at.replace(tzinfo=at.tzinfo or dt.UTC),
        }  # fmt: skip
        return sky_place(validated(SkyPlaceRequest, asked, "the command line"), None if as_json else tell)

    answer("sky place", call, print_place, as_json=as_json)


@sky_app.command("all")
def everywhere(
    out: Annotated[Path | None, typer.Option(help="CSV file for one row a place and constellation.")] = None,
    plan: PlanOption = None,
    as_json: Json = False,
) -> None:
    """Show the sky of every place of a plan by constellation, and the deepest places."""
    from rahdari.faces.cli.main import answer, plan_folder

    def call() -> SkyAllResponse:
        from rahdari.model.scenario import validated
        from rahdari.service.sky import SkyAllRequest, sky_all

        asked = {"plan": plan_folder(plan), "out": out}
        return sky_all(validated(SkyAllRequest, asked, "the command line"))

    answer("sky all", call, print_all, as_json=as_json)


def _number(value: float | None, pattern: str = "{:.1f}") -> str:
    return NOTHING if value is None else pattern.format(value)


def print_place(response: SkyPlaceResponse) -> None:
    """Print a place's sky."""
    where = response.place
    typer.echo(
        f"{where['name']} ({where['place_id']}): {where['lat_deg']:.4f} N, {where['lon_deg']:.4f} E, "
        f"{where['elevation_m']:.0f} m; {where['n_people']:,} people"
    )
    if response.horizon_deg:
        kind = "coarse terrain, too low" if response.is_coarse_terrain else "terrain"
        mean = sum(response.horizon_deg) / len(response.horizon_deg)
        typer.echo(f"Horizon: {mean:.1f} degrees on average, {max(response.horizon_deg):.1f} at most ({kind})")
    _print_angles(response)
    typer.echo("\nThe day that begins then, by the minute")
    typer.echo(
        f"{'':<18} in view  fewest  best el.  hand-overs   hidden  no common     rain  one satellite  through links"
    )
    for row in response.day:
        typer.echo(
            f"{row['constellation_id']:<18} {row['n_visible_mean']:>7.1f}  {row['n_visible_least']:>6d}  "
            f"{_number(row['best_elevation_deg']):>8}  {row['n_handovers'] or 0:>10,}  "
            f"{row['horizon_outage_frac']:>7.3%}  {row['no_common_frac']:>9.2%}  {row['rain_outage_frac']:>7.3%}  "
            f"{_number(row['bent_rtt_ms']):>10} ms  {_number(row['routed_rtt_ms']):>10} ms"
        )
    typer.echo("\nGeostationary satellites")
    for row in response.geo:
        clear = "clear" if row["is_clear"] else "hidden or too low"
        typer.echo(
            f"{row['constellation_id']:<18} elevation {row['elevation_deg']:.1f}, azimuth {row['azimuth_deg']:.1f}, "
            f"terrain there {row['horizon_deg']:.1f}: {clear}; round trip {row['rtt_ms']:.0f} ms, "
            f"rain {row['rain_outage_frac']:.3%}"
        )
    _print_ways(response)
    for warning in response.warnings:
        typer.echo(f"note: {warning}")


def _print_angles(response: SkyPlaceResponse) -> None:
    typer.echo(f"\nIn view at {response.at_utc}")
    for name in dict.fromkeys(row["constellation_id"] for row in response.day):
        rows = [row for row in response.look_angles if row["constellation_id"] == name]
        clear = [row for row in rows if row["is_clear"]]
        typer.echo(f"{name}: {len(clear)} ({len(rows) - len(clear)} more behind terrain)")
        for row in clear[:N_ANGLES]:
            typer.echo(
                f"  {row['satellite']:<24} elevation {row['elevation_deg']:>5.1f}  azimuth {row['azimuth_deg']:>5.1f}  "
                f"{row['range_km']:>7,.0f} km"
            )


def _print_ways(response: SkyPlaceResponse) -> None:
    typer.echo("\nWays at that moment, one way, light alone")
    before = ("", "")
    for hop in response.hops:
        if (hop["constellation_id"], hop["way"]) != before:
            before = (hop["constellation_id"], hop["way"])
            typer.echo(f"{before[0]}, {before[1]}")
        how = "" if hop["after_ms"] is None else f"  {hop['length_km']:>8,.0f} km  after {hop['after_ms']:.2f} ms"
        typer.echo(f"  {hop['to']:<36}{how}")
    typer.echo("\nPrice and licence")
    for row in response.offers:
        price = "no price known"
        if row["usd_per_month"] is not None:
            price = (
                f"US$ {row['usd_per_month']:,.0f} = {row['currency']} {row['value_per_month']:,.0f} a month, terminal "
                f"US$ {_number(row['terminal_usd'], '{:,.0f}')} ({row['price_status']})"
            )
        licence = "licensed" if row["is_licensed"] else "not licensed"
        typer.echo(f"{row['constellation_id']:<18} {price}; {licence}: {row['licence_note']}")
    if response.options:
        typer.echo("\nOn the same terms: cost of ownership at this place")
        households = max(int(response.place["n_households"]), 1)
        for row in response.options:
            can = "meets the target" if row["is_feasible"] else ("possible" if row["is_possible"] else "not possible")
            typer.echo(
                f"{row['technology']:<18} US$ {row['tco_usd'] / households:>10,.0f} a household, "
                f"{row['downlink_mbps']:>7.1f} Mbit/s, {can}"
            )


def print_all(response: SkyAllResponse) -> None:
    """Print the figures of all places."""
    typer.echo(f"{response.n_places:,} places")
    for row in response.constellations:
        licence = "licensed" if row["is_licensed"] else f"not licensed: {row['licence_note']}"
        typer.echo(
            f"{row['name']}: {row['n_visible_mean']:.1f} in view, {row['n_visible_least']} at least; hidden at most "
            f"{row['horizon_outage_frac']:.2%} of the day; {row['n_without_common']:,} places never share one with a "
            f"gateway; median round trip {_number(row['bent_rtt_ms'])} ms, to a listed gateway abroad "
            f"{_number(row['abroad_rtt_ms'])} ms; rain {row['rain_outage_frac']:.3%}; {licence}"
        )
        if row["capacity_gbps"] is not None:
            typer.echo(
                f"  the country at once: {row['capacity_gbps']:,.1f} Gbit/s, {row['n_users_max']:,} households at the "
                "busy hour"
            )
    typer.echo("\nDeepest places: mean and highest terrain around")
    for row in response.deepest:
        typer.echo(f"  {row['name']:<32} {row['horizon_mean_deg']:>5.1f}  {row['horizon_max_deg']:>5.1f} degrees")
    for row in response.gateways:
        typer.echo(f"gateway {row['rank']}: beside {row['place_id']}, serves {row['n_people_added']:,} more people")
    if response.out is not None:
        typer.echo(f"written: {response.out}")
    for warning in response.warnings:
        typer.echo(f"note: {warning}")
