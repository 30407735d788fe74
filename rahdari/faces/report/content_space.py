"""Satellite service in the report: constellations, licences, growth, gateways, sky, and cost on the same terms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from rahdari.faces.report import figures
from rahdari.faces.report.blocks import RIGHT, Align, Block, Cell, Figure, Heading, Section, Table, Text
from rahdari.faces.report.content_transit import model_badge
from rahdari.faces.report.figures import Bar
from rahdari.faces.report.words import TECHNOLOGY_NAMES, english, figure, local

if TYPE_CHECKING:
    from rahdari.service.plan_view import Plan

NEEDED = ("satellite_constellations", "satellite_views", "satellite_service", "satellite_growth", "satellite_geo")
SATELLITE = "satellite"
N_DEEPEST = 8
QUARTILES = (0.25, 0.5, 0.75)
LEAST_SHOWN_FRAC, MOST_SHOWN_FRAC = 1e-4, 0.1  # of the growth: beyond, a rate of nothing
COARSE = (
    "The terrain of this plan is coarse: it smooths valleys away, so horizons in the mountains are far too low and so "
    "are the outages from them. Lay finer terrain over it before a site is judged: 'rahdari data dem', then 'rahdari "
    "sky place NAME --dem FOLDER'."
)
LICENCES = (
    "A constellation without an operating licence is hypothetical: it is shown and stays out of the access plan. "
    "Prices are marked expected or official."
)
GROWTH = (
    "Beams, satellites and gateways are shared over the country. A cell may hold many terminals, but not all cells at "
    "once: what one subscriber has at the busy hour falls as others join."
)


def _value(plan: Plan, indicator_id: str) -> dict[str, Any] | None:
    found = plan.indicators.filter(pl.col("indicator_id") == indicator_id)
    return found.row(0, named=True) if found.height else None


def _constellations(plan: Plan) -> Table:
    views = plan.tables["satellite_views"].group_by("constellation_id").agg(
        pl.col("bent_rtt_ms").median(), pl.col("abroad_rtt_ms").median(), pl.col("rain_outage_frac").mean()
    )  # fmt: skip
    frame = plan.tables["satellite_constellations"].filter(pl.col("orbit") == "leo")
    rows = []
    for row in frame.join(views, on="constellation_id", how="left").sort("constellation_id").iter_rows(named=True):
        delay = "–" if row["bent_rtt_ms"] is None else f"{row['bent_rtt_ms']:.1f} ms"
        abroad = "" if row["abroad_rtt_ms"] is None else f"{row['abroad_rtt_ms']:.0f} ms through links abroad"
        carries = "no published capacity" if row["capacity_gbps"] is None else f"{row['capacity_gbps']:,.0f} Gbit/s"
        at_once = "" if row["n_users_max"] is None else f"{figure(row['n_users_max'])} households at once"
        price = "–" if row["usd_per_month"] is None else f"US$ {row['usd_per_month']:,.0f} a month"
        rows.append(
            (
                Cell(row["name"], second=f"{row['n_satellites']:,} satellites filed"),
                Cell(f"{row['n_visible_mean']:.1f}", second=f"{row['n_handovers']:,.0f} hand-overs a day"),
                Cell(delay, second=abroad),
                Cell(carries, second=at_once),
                Cell(price, second=row["price_status"] if row["usd_per_month"] is not None else ""),
                Cell("licensed" if row["is_licensed"] else "hypothetical", "good" if row["is_licensed"] else "fair",
                     second=row["licence_note"]),
            )
        )  # fmt: skip
    header = ("Constellation", "In view", "Round trip in space", "The country at once", "Price", "Licence")
    return Table(
        header, tuple(rows), ("left", RIGHT, RIGHT, RIGHT, RIGHT, "left"), "Low-orbit constellations, as filed"
    )


def _growth(plan: Plan) -> Figure | None:
    frame = plan.tables["satellite_growth"].filter(
        pl.col("adoption_frac").is_between(LEAST_SHOWN_FRAC, MOST_SHOWN_FRAC)
    )
    best = frame.group_by("constellation_id").agg(pl.col("served_mbps").max()).sort("served_mbps", "constellation_id")
    if not best.height:
        return None
    name = best["constellation_id"][-1]
    names = dict(plan.tables["satellite_constellations"].select("constellation_id", "name").iter_rows())
    rows = [
        Bar(f"{row['n_subscribers']:,.0f} households", row["subscriber_mbps"], f"{row['subscriber_mbps']:.2f} Mbit/s")
        for row in frame.filter(pl.col("constellation_id") == name).sort("step").iter_rows(named=True)
    ]
    title = f"What one subscriber has at the busy hour as others join: {names[name]}"
    return Figure((figures.bars(rows, title),), GROWTH, (), title)


def _sky(plan: Plan) -> list[Block]:
    places = plan.tables["places"].select("place_id", "name", "n_people")
    deep = plan.tables["satellite_service"].join(places, on="place_id").sort(
        "horizon_mean_deg", "place_id", descending=[True, False]
    )  # fmt: skip
    clear = plan.tables["satellite_geo"].group_by("place_id").agg(n_clear=pl.col("is_clear").sum(), n=pl.len())
    rows = [
        (
            Cell(row["name"]),
            Cell(f"{row['horizon_mean_deg']:.1f}°"),
            Cell(f"{row['horizon_max_deg']:.1f}°"),
            Cell(f"{row['n_visible']:.1f}"),
            Cell(figure(row["outage_frac"], "frac")),
            Cell(f"{row['n_clear']} of {row['n']}"),
        )
        for row in deep.head(N_DEEPEST)
        .join(clear, on="place_id", how="left", maintain_order="left")
        .iter_rows(named=True)
    ]
    header = ("Place", "Terrain, mean", "Highest", "Low satellites in view", "Without a way", "Fixed slots clear")
    align: tuple[Align, ...] = ("left", RIGHT, RIGHT, RIGHT, RIGHT, RIGHT)
    blocks: list[Block] = [
        Heading("Where terrain stands highest"),
        Table(header, tuple(rows), align, "Places with the highest terrain around them"),
    ]
    if bool(plan.tables["satellite_views"]["is_coarse_terrain"].any()):
        blocks.append(Text(COARSE, is_note=True))
    return blocks


def _gateways(plan: Plan) -> Text | None:
    abroad = _value(plan, "satellite_gateway_abroad_people_frac")
    one = _value(plan, "satellite_one_gateway_people_frac")
    if abroad is None or one is None:
        return None
    names = dict(plan.tables["places"].select("place_id", "name").iter_rows())
    chosen = plan.tables["satellite_gateway_choice"].sort("rank")["place_id"].to_list()
    where = f" The best place for the first is beside {names.get(chosen[0], chosen[0])}." if chosen else ""
    return Text(
        f"Without a gateway at home {figure(abroad['value'], 'frac')} of people share a satellite with a listed one "
        f"abroad; one at home would serve {figure(one['value'], 'frac')} of the others.{where}"
    )


def _terms(plan: Plan) -> list[Block]:
    """Return the cost of every technology at places that satellite would serve, on the same terms."""
    if "access_options" not in plan.tables:
        return []
    rural = plan.tables["places"].filter(~pl.col("is_urban") & (pl.col("n_households") > 0))
    rows: list[tuple[Cell, ...]] = []
    frame = plan.tables["access_options"].join(
        rural.select("place_id", "n_households"), on="place_id"
    ).with_columns(each=pl.col("tco_usd") / pl.col("n_households"))  # fmt: skip
    for key, plain in TECHNOLOGY_NAMES.items():
        name = plain
        part = frame.filter((pl.col("technology") == key) & pl.col("is_possible"))
        n_possible = part.height
        if key == SATELLITE and not n_possible:
            part, name = frame.filter(pl.col("technology") == key), f"{name}, were it licensed"
        if part.height:
            values = [float(part["each"].quantile(share) or 0.0) for share in QUARTILES]
            rows.append((Cell(name), *(Cell(f"US$ {value:,.0f}") for value in values), Cell(figure(n_possible))))
    if not rows:
        return []
    header = ("Technology", "A quarter cost less", "Median", "A quarter cost more", "Places where possible")
    return [
        Heading("Satellite and the others on the same terms"),
        Table(header, tuple(rows), ("left", RIGHT, RIGHT, RIGHT, RIGHT),
              "Cost of ownership a household over the horizon at rural places, the fibre way aside"),
        Text("Satellite is possible only where a constellation is licensed; see the licences above.", is_note=True),
    ]  # fmt: skip


def _public(plan: Plan) -> list[Block]:
    """Return the share of schools and health sites that have what their services ask for, by year."""
    if "public_sites" not in plan.tables or not plan.tables["public_sites"].height:
        return []
    names = dict(plan.tables["services"].select("service_id", "name").iter_rows())
    rows = [
        (
            Cell(names[row["service_id"]], second=f"{row['down_mbps']:g} Mbit/s, {row['latency_max_ms']:g} ms"),
            Cell(str(row["year"])),
            Cell(figure(row["n_sites"])),
            Cell(figure(row["served_frac"], "frac")),
            Cell(figure(row["with_satellite_frac"], "frac")),
        )
        for row in plan.tables["public_sites"].sort("service_id", "year").iter_rows(named=True)
    ]
    header = ("Service", "Year", "Sites", "Served by the plan", "With satellite, licence apart")
    align: tuple[Align, ...] = ("left", RIGHT, RIGHT, RIGHT, RIGHT)
    return [
        Heading("Schools and health sites"),
        Table(
            header, tuple(rows), align, "Schools and health sites with the rate and the delay that their service needs"
        ),
        Text(
            "Satellite counts where the beam cell has room for all of a place's sites; what the country can have "
            "at once stands above.",
            is_note=True,
        ),
    ]


def space_section(plan: Plan, language: str) -> Section | None:
    """Return satellite service: who is in view, licensed and able; growth, gateways, sky and costs."""
    if any(name not in plan.tables or not plan.tables[name].height for name in NEEDED):
        return None
    blocks: list[Block] = [Heading("Who could serve, and who may", model_badge(plan, "space"))]
    blocks += [_constellations(plan), Text(LICENCES, is_note=True)]
    blocks += [item for item in (_growth(plan), _gateways(plan)) if item is not None]
    blocks += [*_public(plan), *_sky(plan), *_terms(plan)]
    return Section("satellite-service", english("space"), local("space", language), tuple(blocks))
