"""Second opinion on coverage in the report: where P.1812 and ITM decide differently, or how to have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rahdari.errors import InputError
from rahdari.faces.report.blocks import RIGHT, Align, Block, Cell, Table, Text
from rahdari.faces.report.words import figure
from rahdari.service.radio_second import RELIEF_FROM_M, radio_params, second_opinion, why_not

if TYPE_CHECKING:
    from rahdari.service.plan_view import Plan
    from rahdari.service.radio_second import ReliefLine, SecondResponse

RULE = (
    "Second opinion: the Longley-Rice model (ITM) beside ITU-R P.1812 on paths drawn at random from each relief, from "
    "the best server to the cell's edge, both on bare ground since ITM knows no cover. Served: the median loss leaves "
    "the least signal to noise for 90 % of locations. Relief is the standard deviation of heights along the path."
)


def second_blocks(plan: Plan) -> list[Block]:
    """Return the comparison of both models, or why there is none and how to have it."""
    reason = why_not(plan.tables)
    if not reason:
        try:
            seed = int(plan.manifest["scenario"].get("seed", 1))
            made = second_opinion(plan.tables, radio_params(plan.manifest), seed=seed)
        except InputError as error:
            reason = str(error)
        else:
            return [Text(RULE), _table(made), Text(_left_out(made), is_note=True)]
    return [Text(f"Second opinion of the Longley-Rice model (ITM): not run, since {reason}.", is_note=True)]


def _table(made: SecondResponse) -> Table:
    header = (
        "Cells", "Relief", "Paths", "Drawn", "Both serve", "Only P.1812", "Only ITM", "Neither", "ITM refuses",
        "ITM warns", "Differ", "ITM less P.1812", "Spread",
    )  # fmt: skip
    align: tuple[Align, ...] = ("left", "left", *([RIGHT] * (len(header) - 2)))
    return Table(header, tuple(_row(line) for line in made.lines), align, "Where the two models decide differently")


def _row(line: ReliefLine) -> tuple[Cell, ...]:
    from_m = RELIEF_FROM_M.get(line.relief)
    counts = (
        line.n_plan_paths, line.n_drawn, line.n_both, line.n_only_p1812, line.n_only_itm, line.n_neither,
        line.n_refused, line.n_warned,
    )  # fmt: skip
    gap = tuple("–" if value is None else f"{value:.1f} dB" for value in (line.mean_db, line.sigma_db))
    return (
        Cell(line.technology.upper()),
        Cell(line.relief, second="weighed by paths" if from_m is None else f"from {from_m:g} m"),
        *(Cell(f"{count:,}") for count in counts),
        Cell(figure(line.differs_frac, "frac"), "fair" if line.differs_frac else "plain"),
        *(Cell(text) for text in gap),
    )


def _left_out(made: SecondResponse) -> str:
    coarse = " The terrain is coarse: neither model sees a ridge between its points." if made.is_coarse_terrain else ""
    return (
        f"Not compared: {made.n_short:,} paths below 1 km, where ITM does not hold, and {made.n_far:,} beyond reach. "
        f"Neither model is measured truth; rahdari cover --second-opinion writes these figures as JSON.{coarse}"
    )
