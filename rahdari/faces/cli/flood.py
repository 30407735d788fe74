"""``rahdari flood``: water in an image, and a flood day from polygon to affected sites."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rahdari.service.flood import MapResponse, Touched

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
PlanOption = Annotated[Path | None, typer.Option("--plan", help="Plan folder; default: the newest below ./plans.")]
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
