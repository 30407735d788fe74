"""``rahdari toll``: frames of a gantry into a ledger, and a person's word on what could not be read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rahdari.service.toll import DecideResponse, TollResponse

toll_app = typer.Typer(no_args_is_help=True, help="Toll reference: read plates offline, vote, book each passage once.")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
LedgerOption = Annotated[Path, typer.Option("--ledger", help="SQLite file of the ledger.")]
LEDGER = Path("toll.sqlite3")
SHOWN = 20


@toll_app.command("read")
def read(
    frames: Annotated[Path, typer.Argument(help="Folder of images, with passages.csv or names that tell the passage.")],
    ledger: LedgerOption = LEDGER,
    toll_pkr: Annotated[float, typer.Option("--toll", help="Toll of a passage where the list states none, PKR.")] = 0.0,
    any_shape: Annotated[bool, typer.Option("--any-shape", help="Take plates of any shape, not Pakistan's.")] = False,
    retention: Annotated[float, typer.Option(help="Days after which plates and frames are erased.")] = 90.0,
    as_json: Json = False,
) -> None:
    """Read the plates of a folder of frames, vote over the frames of a passage, and book each passage once."""
    from rahdari.faces.cli.main import answer
    from rahdari.faces.cli.planning import cancellable

    def tell(done: int, total: int, text: str) -> None:
        typer.echo(f"{done}/{total} {text}", err=True)

    def call() -> TollResponse:
        from rahdari.model.scenario import validated
        from rahdari.service.toll import SHAPES, TollRequest, toll_read

        asked = {
            "frames": frames, "ledger": ledger, "toll_pkr": toll_pkr, "shapes": () if any_shape else SHAPES,
            "retention_days": retention,
        }  # fmt: skip
        with cancellable() as cancel:
            request = validated(TollRequest, asked, "the command line")
            return toll_read(request, None if as_json else tell, cancel)

    answer("toll read", call, show_read, as_json=as_json)


@toll_app.command("decide")
def decide(
    passage: Annotated[str, typer.Argument(help="Number of the passage.")],
    state: Annotated[str, typer.Argument(help="booked, disputed or void.")],
    who: Annotated[str, typer.Option(help="Who decides.")],
    why: Annotated[str, typer.Option(help="Why.")] = "",
    plate: Annotated[str | None, typer.Option(help="The plate as read on the frames.")] = None,
    ledger: LedgerOption = LEDGER,
    as_json: Json = False,
) -> None:
    """Settle a passage that waits for a person, or dispute one."""
    from rahdari.faces.cli.main import answer

    def call() -> DecideResponse:
        from rahdari.model.scenario import validated
        from rahdari.service.toll import DecideRequest, toll_decide

        asked = {"ledger": ledger, "passage": passage, "state": state, "who": who, "why": why, "plate": plate}
        return toll_decide(validated(DecideRequest, asked, "the command line"))

    answer("toll decide", call, show_decided, as_json=as_json)


def _totals(totals: dict[str, dict[str, float]]) -> None:
    for state, sums in sorted(totals.items()):
        typer.echo(f"  {state:<10} {sums['n_passages']:>8,.0f} passages  PKR {sums['toll_pkr']:,.2f}")


def show_read(response: TollResponse) -> None:
    """Print what was read and booked."""
    typer.echo(
        f"{response.n_frames} frames of {response.n_new} new passages read "
        f"({response.n_passages} in the folder); {response.seconds_per_passage:.2f} s a passage"
    )
    _totals(response.totals)
    for each in response.review[:SHOWN]:
        typer.echo(f"  a person must look: {each['passage_id']}: {each['reason']} ({', '.join(each['frames'])})")
    for text in response.warnings:
        typer.echo(text)


def show_decided(response: DecideResponse) -> None:
    """Print the totals after a decision."""
    typer.echo(f"{response.passage} is {response.state} now")
    _totals(response.totals)
