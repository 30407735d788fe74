"""``rahdari data orbits``: current element sets of satellites."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rahdari.service.orbits import OrbitsResponse


def orbits(
    groups: Annotated[
        list[str] | None,
        typer.Argument(help="Groups: starlink, oneweb, geo, beidou, gps, …; default: these four first."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the sets.")] = Path("orbits"),
    base_url: Annotated[str | None, typer.Option("--base-url", help="A mirror of the catalogue.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Fetch current element sets (OMM); run it again for what failed. Then: rahdari sky place NAME --elements FILE."""
    from rahdari.faces.cli.main import answer

    def call() -> Any:  # noqa: ANN401  # a response model
        from rahdari.model.scenario import validated
        from rahdari.service.orbits import OrbitsRequest, fetch_orbits

        asked: dict[str, object] = {"out": out, "base_url": base_url}
        if groups:
            asked["groups"] = tuple(groups)
        return fetch_orbits(validated(OrbitsRequest, asked, "the command line"), on_set=_tell)

    answer("data orbits", call, show_orbits, as_json=as_json)


def _tell(name: str, what: str) -> None:
    """Print what became of a set; on the standard error, so that JSON stays alone."""
    typer.echo(f"{what:>8}  {name}", err=True)


def show_orbits(response: OrbitsResponse) -> None:
    """Print the sets with their age."""
    for row in response.sets:
        typer.echo(
            f"{response.folder / row['file']}: {row['n_satellites']:,} satellites, elements {row['age_days']:.1f} days "
            f"old (median {row['epoch_utc']} UTC), sha256 {row['sha256'][:12]}"
        )
    for warning in response.warnings:
        typer.echo(f"note: {warning}")
