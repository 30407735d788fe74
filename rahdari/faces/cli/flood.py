"""``rahdari flood``: water in an image, and a flood day from polygon to affected sites."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rahdari.service.flood import MapResponse, Touched
    from rahdari.service.flood_day import DayResponse, FloodDay

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
PlanOption = Annotated[Path | None, typer.Option("--plan", help="Plan folder; default: the newest below ./plans.")]
PAGE = "flood_day.html"
flood_app = typer.Typer(help="Water in images, and the flood day.", no_args_is_help=True, rich_markup_mode=None)


@flood_app.command("map")
def flood_map(
    image: Annotated[list[Path], typer.Argument(help="GeoTIFF with several bands, or one file a band.")],
    method: Annotated[str | None, typer.Option(help="ndwi-otsu, mndwi-otsu or vh-otsu.")] = None,
    bands: Annotated[
        str | None, typer.Option(help="Which band is which: green=2,nir=7, from 1, over all files.")
    ] = None,
    permanent: Annotated[Path | None, typer.Option(help="Water that is always there: mask or GeoJSON.")] = None,
    out: Annotated[Path | None, typer.Option(help="Mask to write; default: IMAGE-water.tif in this folder.")] = None,
    plan: PlanOption = None,
    as_json: Json = False,
) -> None:
    """Find the water in an image: a mask as GeoTIFF, its area, and the people, sites and ways it touches."""
    from rahdari.faces.cli.main import answer

    def call() -> MapResponse:
        from rahdari.model.scenario import validated
        from rahdari.service import flood as service

        asked = {
            "images": tuple(image), "method": method, "bands": band_numbers(bands), "permanent": permanent,
            "out": out or Path(f"{image[0].stem}-water.tif"), "plan": plan_or_none(plan),
        }  # fmt: skip
        return service.flood_map(validated(service.MapRequest, asked, "the command line"))

    answer("flood map", call, print_map, as_json=as_json)


def band_numbers(text: str | None) -> dict[str, int]:
    """Return the numbers of bands as written: ``green=2,nir=7``; :class:`InputError` where they are none."""
    from rahdari.errors import InputError, Problem

    found = {}
    for part in (text or "").replace(" ", "").split(",") if text else ():
        name, _, number = part.partition("=")
        if not name or not number.isdigit():
            raise InputError(Problem(f"'{part}' is no band", "write them as green=2,nir=7", "--bands"))
        found[name.lower()] = int(number)
    return found


def plan_or_none(given: Path | None) -> Path | None:
    """Return the plan's folder as given, else the newest; none where there is none at all."""
    from rahdari.errors import PlanError
    from rahdari.faces.cli.main import plan_folder

    if given is not None:
        return plan_folder(given)
    try:
        return plan_folder(None)
    except PlanError:
        return None


def print_map(response: MapResponse) -> None:
    """Print area, what is touched, and what is to be known."""
    typer.echo(f"{response.method}: {response.bands}")
    typer.echo(f"{response.n_rows:,} x {response.n_columns:,} pixels in {response.system}; mask: {response.mask}")
    typer.echo(
        f"flooded {response.flooded_km2:,.2f} km2, always water {response.permanent_km2:,.2f}, dry "
        f"{response.dry_km2:,.2f}, not seen {response.unseen_km2:,.2f}"
    )
    if response.touched is not None:
        print_touched(response.touched)
    for note in response.notes:
        typer.echo(f"note: {note}")


def print_touched(found: Touched) -> None:
    """Print what water touches, in all and by district."""
    typer.echo(
        f"people {found.people_flooded:,} of {found.people_seen:,} seen; places {found.n_places_flooded:,} of "
        f"{found.n_places_seen:,}; sites {found.n_sites_flooded:,} of {found.n_sites_seen:,}"
    )
    typer.echo(
        f"roads {found.road_flooded_km:,.1f} of {found.road_seen_km:,.1f} km; fibre {found.fibre_flooded_km:,.1f} of "
        f"{found.fibre_seen_km:,.1f} km in {found.n_links_flooded:,} links"
    )
    for row in found.districts:
        typer.echo(
            f"  {row.district[:32]:32} people {row.people_flooded:>10,} of {row.people_seen:>10,}   sites "
            f"{row.n_sites_flooded:>5,} of {row.n_sites_seen:,}"
        )


@flood_app.command("day")
def flood_day(
    area: Annotated[str, typer.Argument(help="District by name, or a GeoJSON file of polygons.")],
    event: Annotated[str, typer.Option(help="Named event of the plan.")] = "flood-2022",
    hour: Annotated[int | None, typer.Option(help="Hour of the event; default: most sites of the area down.")] = None,
    cut: Annotated[list[str] | None, typer.Option(help="Link, site or duct cut besides; may be given again.")] = None,
    image: Annotated[list[Path] | None, typer.Option(help="Satellite image; default: a made-up flood.")] = None,
    method: Annotated[str | None, typer.Option(help="ndwi-otsu, mndwi-otsu or vh-otsu, for --image.")] = None,
    bands: Annotated[str | None, typer.Option(help="Which band is which, for --image: green=2,nir=7.")] = None,
    permanent: Annotated[Path | None, typer.Option(help="Water that is always there: mask or GeoJSON.")] = None,
    drones: Annotated[int, typer.Option(help="Drones.")] = 4,
    hours: Annotated[float, typer.Option(help="Hours of flying and sending.")] = 10.0,
    seed: Annotated[int, typer.Option(help="Seed of the event and of a made-up flood.")] = 1,
    out: Annotated[Path | None, typer.Option(help="Folder of the page and files; default: ./flood-AREA.")] = None,
    to: Annotated[str | None, typer.Option(help="Send the sites in water to a live network at HOST:PORT.")] = None,
    plan: PlanOption = None,
    as_json: Json = False,
) -> None:
    """Play a flood day: flights, pictures to edge nodes, water, and who is left without service."""
    from rahdari.faces.cli.main import answer, plan_folder

    def call() -> DayResponse:
        from rahdari.model.scenario import validated
        from rahdari.service import flood_day as service

        asked = {
            "plan": plan_folder(plan), "area": area, "event": event, "hour": hour, "cuts": tuple(cut or ()),
            "images": tuple(image or ()), "method": method, "bands": band_numbers(bands), "permanent": permanent,
            "n_drones": drones, "hours": hours, "seed": seed,
        }  # fmt: skip
        day = service.flood_day(
            validated(service.DayRequest, asked, "the command line"),
            on_progress=lambda text: typer.echo(text, err=True),
        )
        made = written(day, out or Path(f"flood-{folder_name(day.response.area)}"))
        if to is not None:
            send_events(day, to)
        return made

    answer("flood day", call, print_day, as_json=as_json)


def folder_name(text: str) -> str:
    """Return a name as a folder takes it.

    >>> folder_name("Kambar Shahdad/Kot")
    'kambar-shahdad-kot'
    """
    return "-".join("".join(letter if letter.isalnum() else " " for letter in text.lower()).split()) or "area"


def written(day: FloodDay, folder: Path) -> DayResponse:
    """Write the files and the page of a flood day, and return its answer with their names."""
    from dataclasses import replace

    from rahdari.faces.report.flood_page import flood_html
    from rahdari.service.flood_files import write_day
    from rahdari.store.atomic import write_text

    names = write_day(day, folder)
    response = day.response.model_copy(update={"files": [PAGE, *names]})
    write_text(folder / PAGE, flood_html(replace(day, response=response)))
    return response.model_copy(update={"files": [str(folder / name) for name in response.files]})


def send_events(day: FloodDay, address: str) -> None:
    """Send the sites in water to a live network, as seen now."""
    import time

    import msgspec

    from rahdari.faces.cli.storming import send_lines

    now_s = time.time()
    send_lines(address, [msgspec.structs.replace(event, at_s=now_s) for event in day.events])


def print_day(response: DayResponse) -> None:
    """Print the day from polygon to people."""
    flown, water = response.flown, "made-up water, for exercise" if response.is_synthetic else response.water
    typer.echo(f"{response.area}, {response.area_km2:,.0f} km2: {response.event_name}, hour {response.hour}")
    typer.echo(
        f"{flown.n_drones} drones at {flown.base} ({flown.base_why}): {flown.n_sorties} flights, {flown.flown_km:,.0f} "
        f"km, {flown.surveyed_km2:,.0f} km2, back after {flown.back_h:.1f} h (bound {flown.lower_bound_h:.1f} h)"
    )
    typer.echo(f"flooded {response.flooded_km2:,.0f} of {response.seen_km2:,.0f} km2 ({water})")
    print_touched(response.touched)
    typer.echo(f"\n{'state of the network':38} {'people without':>14} {'sites alive':>13} {'sent':>8} {'cards':>8}  to")
    for row in response.rounds:
        alive = f"{row.n_sites_live:,} of {row.n_sites_area:,}"
        typer.echo(
            f"{row.name[:38]:38} {row.without.people_area:>14,} {alive:>13} {row.way.sent_gb:>5,.0f} GB "
            f"{row.way.card_gb:>5,.0f} GB  {row.way.edge_node or 'no edge node'}; base: {row.way.base_way}"
        )
    typer.echo("")
    for moment in response.moments:
        typer.echo(f"{moment.at_h:6.1f} h  {moment.what}")
    for note in (*response.notes, response.boundary_note):
        typer.echo(f"note: {note}")
    if response.files:
        typer.echo(f"page: {response.files[0]}; {len(response.files) - 1} files beside it")
