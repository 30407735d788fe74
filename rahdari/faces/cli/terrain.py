"""``rahdari data dem``: elevation tiles for an area."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rahdari.service.terrain import DemResponse

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def dem(
    west: Annotated[float, typer.Option(help="Western edge, degrees.")],
    south: Annotated[float, typer.Option(help="Southern edge, degrees.")],
    east: Annotated[float, typer.Option(help="Eastern edge, degrees.")],
    north: Annotated[float, typer.Option(help="Northern edge, degrees.")],
    out: Annotated[Path, typer.Option(help="Folder for the tiles.")] = Path("terrain"),
    resolution: Annotated[int, typer.Option(help="30 or 90 m.")] = 90,
    base_url: Annotated[str | None, typer.Option("--base-url", help="A mirror of the public bucket.")] = None,
    as_json: Json = False,
) -> None:
    """Fetch Copernicus elevation tiles of an area; run it again to go on after a break."""
    from rahdari.faces.cli.main import answer

    def call() -> Any:  # noqa: ANN401  # a response model
        from rahdari.model.scenario import validated
        from rahdari.service.terrain import DemRequest, fetch_dem

        request = {
            "west_deg": west, "south_deg": south, "east_deg": east, "north_deg": north,
            "out": out, "resolution_m": resolution, "base_url": base_url,
        }  # fmt: skip
        return fetch_dem(validated(DemRequest, request, "the command line"), on_tile=_print_tile)

    answer("data dem", call, show_dem, as_json=as_json)


def _print_tile(name: str, what: str) -> None:
    """Print what became of a tile; on the standard error, so that JSON stays alone."""
    typer.echo(f"{what:>8}  {name}", err=True)


def show_dem(response: DemResponse) -> None:
    """Print what lies in the folder now."""
    typer.echo(
        f"{response.n_tiles:,} tiles in {response.folder}, {response.size_gb:.2f} GB: {response.n_fetched:,} fetched, "
        f"{response.n_present:,} were there, {response.n_at_sea:,} squares are sea"
    )
    typer.echo(f"source to name: {response.attribution}")
    for warning in response.warnings:
        typer.echo(f"  note: {warning}")
