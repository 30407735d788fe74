"""Commands about radio: a microwave hop, a hub's frequency plan, a coverage raster."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rahdari.service.radio_cover import CoverResponse
    from rahdari.service.radio_hubs import HubResponse
    from rahdari.service.radio_links import LinkResponse
    from rahdari.service.radio_second import SecondResponse

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
PlanOption = Annotated[Path | None, typer.Option("--plan", help="Plan folder; default: the newest below ./plans.")]


class Technology(StrEnum):
    """Whose cells are swept."""

    FOUR = "4g"
    FIVE = "5g"


class SweepModel(StrEnum):
    """How loss over terrain is found."""

    P1812 = "p1812"
    BULLINGTON = "bullington"


def cover(
    out: Annotated[Path, typer.Option(help="Folder for the files.")] = Path("coverage"),
    technology: Annotated[Technology, typer.Option(help="Whose cells.")] = Technology.FOUR,
    around: Annotated[str | None, typer.Option(help="Sites near a site, landmark, place or lon,lat only.")] = None,
    within_km: Annotated[float, typer.Option("--within-km", help="How near, with --around.")] = 30.0,
    planned: Annotated[bool, typer.Option(help="Count the cells that the plan adds.")] = True,
    dem: Annotated[Path | None, typer.Option(help="Terrain raster in place of the plan's.")] = None,
    clutter: Annotated[Path | None, typer.Option(help="Land-cover raster, ESA WorldCover classes.")] = None,
    radius_km: Annotated[float, typer.Option("--radius-km", help="Reach of a site.")] = 15.0,
    resolution_m: Annotated[
        float | None, typer.Option("--resolution-m", help="Step; default 90, on coarse terrain 500.")
    ] = None,
    model: Annotated[SweepModel, typer.Option(help="ITU-R P.1812, or its diffraction alone.")] = SweepModel.P1812,
    load: Annotated[float, typer.Option(help="Share of the time that other cells send.")] = 0.5,
    workers: Annotated[int, typer.Option(help="Threads over sites; the answer is the same.")] = 2,
    second_opinion: Annotated[
        bool, typer.Option("--second-opinion", help="No maps: compare P.1812 with ITM on a sample of the paths.")
    ] = False,
    plan: PlanOption = None,
    as_json: Json = False,
) -> None:
    """Map what a plan's cells cover over terrain: COG rasters, areas, people and road by district."""
    if second_opinion:
        _compare(plan, out, as_json=as_json)
        return
    from rahdari.faces.cli.main import answer, plan_folder
    from rahdari.faces.cli.planning import cancellable, listening

    def call() -> Any:  # noqa: ANN401  # a response model
        from rahdari.model.scenario import validated
        from rahdari.service.radio_cover import CoverRequest, cover_plan

        request = {
            "plan": plan_folder(plan), "out": out, "technology": technology.value, "around": around,
            "within_km": within_km, "with_planned": planned, "dem": dem, "clutter": clutter, "radius_km": radius_km,
            "resolution_m": resolution_m, "model": model.value, "load_frac": load, "n_workers": workers,
        }  # fmt: skip
        with listening(quiet=as_json) as listen, cancellable() as cancel:
            return cover_plan(validated(CoverRequest, request, "the command line"), on_event=listen, cancel=cancel)

    answer("cover", call, print_cover, as_json=as_json)


def _compare(plan: Path | None, out: Path, *, as_json: bool) -> None:
    """Compare two models of path loss on a plan's own terrain, 4G and 5G."""
    from rahdari.faces.cli.main import answer, plan_folder

    def call() -> Any:  # noqa: ANN401  # a response model
        from rahdari.service.radio_second import SecondRequest, compare_plan

        return compare_plan(SecondRequest(plan=plan_folder(plan), out=out))

    answer("cover", call, print_second, as_json=as_json)


def print_second(response: SecondResponse) -> None:
    """Print where the two models agree, by technology and relief."""
    typer.echo(f"ITU-R P.1812 and ITM on the same bare paths; terrain: {response.terrain}")
    heads = ("cells", "relief", "paths", "drawn", "both", "P.1812", "ITM", "neither", "refused", "warned")
    typer.echo("".join(f"{head:>10}" for head in heads) + f"{'differ':>9}{'mean dB':>9}{'sd dB':>8}")
    for line in response.lines:
        counts = (
            line.technology, line.relief, line.n_plan_paths, line.n_drawn, line.n_both, line.n_only_p1812,
            line.n_only_itm, line.n_neither, line.n_refused, line.n_warned,
        )  # fmt: skip
        figures = "no answer by ITM"
        if line.differs_frac is not None:
            figures = f"{line.differs_frac:>9.1%}{line.mean_db:>+9.1f}{line.sigma_db:>8.1f}"
        typer.echo("".join(f"{count!s:>10}" for count in counts) + figures)
    typer.echo(
        "P.1812 and ITM: served by that model only; all: figures weighed by the plan's paths; dB: ITM less P.1812"
    )
    typer.echo(f"not compared: {response.n_short:,} paths below 1 km, {response.n_far:,} beyond reach")
    typer.echo(f"file: {response.file}")
    for warning in response.warnings:
        typer.echo(f"note: {warning}")


def print_cover(response: CoverResponse) -> None:
    """Print how much is covered and the files."""
    many = f"{response.n_rows:,} x {response.n_columns:,} cells of {response.resolution_m:g} m"
    typer.echo(f"{response.n_sites:,} sites, {response.model}, {many}; terrain: {response.terrain}")
    for what, all_of, half, sure, unit in (
        ("people", response.n_people, response.n_people_covered, response.n_people_sure, ""),
        ("road", response.road_km, response.road_covered_km, response.road_sure_km, " km"),
    ):
        share = f"{half / all_of:.1%} covered, {sure / all_of:.1%} with 90 % confidence" if all_of else "none there"
        typer.echo(f"{what}: {all_of:,.0f}{unit}, {share}")
    typer.echo(f"least level {response.least_dbm:.1f} dBm; 90 % confidence asks {response.sure_margin_db:.1f} dB more")
    typer.echo(f"files in {response.folder}: {', '.join(response.files)}")
    for warning in response.warnings:
        typer.echo(f"note: {warning}")


def link(
    start: Annotated[str, typer.Argument(metavar="FROM", help="Site id, landmark, place, or lon,lat.")],
    end: Annotated[str, typer.Argument(metavar="TO", help="Site id, landmark, place, or lon,lat.")],
    start_mast_m: Annotated[float, typer.Option("--from-mast-m", help="Antenna above ground.")] = 30.0,
    end_mast_m: Annotated[float, typer.Option("--to-mast-m", help="Antenna above ground.")] = 30.0,
    radio: Annotated[str, typer.Option(help="Radio of the catalogue, such as mw18; auto compares all.")] = "auto",
    antenna: Annotated[str, typer.Option(help="Dish of the catalogue, such as dish_12; auto compares.")] = "auto",
    availability: Annotated[float, typer.Option(help="Share of the year that auto must reach.")] = 0.9999,
    rain_rate_mm_h: Annotated[
        float | None, typer.Option("--rain-rate-mm-h", help="Rain of 0.01 % of the year.")
    ] = None,
    dem: Annotated[Path | None, typer.Option(help="Terrain raster in place of the plan's.")] = None,
    svg: Annotated[Path | None, typer.Option(help="File for the drawing of the profile.")] = None,
    relays: Annotated[bool, typer.Option("--relays", help="Look for relays on ridges.")] = False,
    terms: Annotated[bool, typer.Option("--terms", help="Print every term of the budget.")] = False,
    second_opinion: Annotated[
        bool, typer.Option("--second-opinion", help="Note the median loss by ITM too; up to 20 GHz.")
    ] = False,
    plan: PlanOption = None,
    as_json: Json = False,
) -> None:
    """Print the budget of a microwave hop after ITU-R P.530-18, with its profile."""
    from rahdari.faces.cli.main import answer, plan_folder

    def call() -> Any:  # noqa: ANN401  # a response model
        from rahdari.model.scenario import validated
        from rahdari.service.radio_links import LinkRequest, find_link

        request = {
            "plan": plan_folder(plan), "start": start, "end": end, "start_mast_m": start_mast_m,
            "end_mast_m": end_mast_m, "radio": radio, "antenna": antenna, "availability_frac": availability,
            "rain_rate_mm_h": rain_rate_mm_h, "dem": dem, "svg": svg, "relays": relays,
        }  # fmt: skip
        asked = validated(LinkRequest, request, "the command line")
        found = find_link(asked)
        if not second_opinion:
            return found
        from rahdari.service.radio_second import link_opinion

        return found.model_copy(update={"warnings": [*found.warnings, link_opinion(asked, found)]})

    answer("link", call, lambda response: print_link(response, with_terms=terms), as_json=as_json)


def print_link(response: LinkResponse, *, with_terms: bool) -> None:
    """Print the drawing, the answer in short, the modulations, and every term where asked."""
    typer.echo(f"{response.start_name} to {response.end_name}: {response.length_km:.2f} km")
    if response.drawing:
        typer.echo(response.drawing)
    typer.echo(
        f"{response.radio} at {response.frequency_ghz:g} GHz with {response.antenna}: "
        f"{response.mean_capacity_mbps:,.0f} Mbit/s on average"
    )
    state = "clear by the rules of P.530" if response.is_clear else "not shown to be clear"
    lack = f"; both masts lack {response.raise_masts_m:.0f} m" if response.raise_masts_m > 0.0 else ""
    typer.echo(f"path {state}{lack}; terrain: {response.terrain or 'none'}")
    typer.echo(f"{'modulation':>12} {'Mbit/s':>8} {'margin dB':>10} {'year':>11} {'worst month':>12}")
    for mode in response.modes:
        typer.echo(
            f"{mode.mode:>12} {mode.capacity_mbps:>8,.0f} {mode.fade_margin_db:>10.1f} "
            f"{mode.availability_year_frac:>11.5%} {mode.availability_month_frac:>12.5%}"
        )
    for line in response.relays:
        over = ", ".join(f"{lon:.4f} {lat:.4f}" for lon, lat in line.relays)
        hops = " + ".join(f"{km:.1f}" for km in line.hop_km)
        typer.echo(
            f"over {over}: {hops} km, {line.availability_year_frac:.4%} of the year, least margin "
            f"{line.fade_margin_db:.1f} dB (no place can give more than {line.fade_margin_bound_db:.1f})"
        )
    if with_terms:
        for term in response.terms:
            typer.echo(f"  {term.term} {term.mode}: {term.value:.6g} {term.unit}  [{term.clause}]")
    if response.svg is not None:
        typer.echo(f"drawing: {response.svg}")
    for warning in response.warnings:
        typer.echo(f"note: {warning}")


def hub(
    site: Annotated[str, typer.Argument(help="Site id of the hub; 'busiest' takes the one with most links.")],
    links: Annotated[
        int | None, typer.Option(help="Take so many nearest sites; default: those the plan feeds.")
    ] = None,
    cancellation_db: Annotated[float, typer.Option("--cancellation-db", help="Interference cancelled.")] = 15.0,
    frequency_ghz: Annotated[float, typer.Option("--frequency-ghz", help="Band of the links.")] = 18.0,
    diameter_m: Annotated[float, typer.Option("--diameter-m", help="Dish at both ends.")] = 0.6,
    spectrum_mhz: Annotated[float, typer.Option("--spectrum-mhz", help="Spectrum of the hub, one way.")] = 112.0,
    availability: Annotated[float, typer.Option(help="Share of the year each modulation must hold.")] = 0.9999,
    plan: PlanOption = None,
    as_json: Json = False,
) -> None:
    """Plan the channels of a microwave hub, with and without interference cancellation."""
    from rahdari.faces.cli.main import answer, plan_folder

    def call() -> Any:  # noqa: ANN401  # a response model
        from rahdari.model.scenario import validated
        from rahdari.service.radio_hubs import HubRequest, plan_hub

        request = {
            "plan": plan_folder(plan), "site": site, "links": links, "cancellation_db": cancellation_db,
            "frequency_ghz": frequency_ghz, "diameter_m": diameter_m, "spectrum_mhz": spectrum_mhz,
            "availability_frac": availability,
        }  # fmt: skip
        return plan_hub(validated(HubRequest, request, "the command line"))

    answer("hub", call, print_hub, as_json=as_json)


def print_hub(response: HubResponse) -> None:
    """Print both plans link by link, the gain, and how the published claims fare."""
    typer.echo(f"Hub {response.site_id}: {response.n_links} links")
    wide = max(len(line.link_id) for line in response.links)
    head = f"{'link':>{wide}} {'azimuth':>8} {'km':>6} | {'ch':>3} {'scheme':>8} {'Mbit/s':>7} {'year':>9}"
    typer.echo(f"{head} | {'ch':>3} {'scheme':>8} {'Mbit/s':>7} {'year':>9}")
    for line in response.links:
        typer.echo(
            f"{line.link_id:>{wide}} {line.azimuth_deg:>8.1f} {line.length_km:>6.2f} | "
            f"{line.channel_plain:>3} {line.modulation_plain or 'none':>8} {line.rate_plain_mbps:>7,.0f} "
            f"{line.availability_plain_frac:>9.4%} | {line.channel_cancelled:>3} "
            f"{line.modulation_cancelled or 'none':>8} {line.rate_cancelled_mbps:>7,.0f} "
            f"{line.availability_cancelled_frac:>9.4%}"
        )
    typer.echo(
        f"without cancellation {response.n_channels_plain} channels (proven least {response.least_channels_plain}), "
        f"{response.plain_mbps:,.0f} Mbit/s; with it {response.n_channels_cancelled} "
        f"(proven least {response.least_channels_cancelled}), {response.cancelled_mbps:,.0f} Mbit/s"
    )
    if response.gain_ratio is not None:
        typer.echo(f"gain {response.gain_ratio:.2f} times {response.why_not}".rstrip())
    holding = [line for line in response.claims if line.all_hold]
    typer.echo(
        f"+50 % efficiency, twice the capacity and 100 % less interference together: "
        f"met by this hub in {len(holding)} of {len(response.claims)} conditions"
    )
    for warning in response.warnings:
        typer.echo(f"note: {warning}")
