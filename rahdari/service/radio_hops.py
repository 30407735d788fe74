"""One microwave hop of a plan, as the map shows it on a click: its budget over the plan's terrain and its profile."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from rahdari.errors import InputError, Problem
from rahdari.methods.geo import great_circle_km
from rahdari.methods.microwave_link import Climate, link_budget
from rahdari.methods.profile_drawing import profile_svg
from rahdari.methods.terrain_table import terrain_raster
from rahdari.model.params import Params
from rahdari.service.radio_links import BARE, COARSE, ModeLine, TermLine
from rahdari.sources.microwave import dishes_for, microwave_catalogue

if TYPE_CHECKING:
    from rahdari.methods.microwave import Radio
    from rahdari.methods.microwave_link import Antenna, LinkBudget
    from rahdari.methods.raster import Terrain
    from rahdari.store.query import PlanReader

HOPS = "microwave_hops"
MAST_M = 30.0  # where the engine's parameters say nothing, as in ``rahdari link``
ENOUGH_FRAC = 0.9999  # availability at which no larger dish is tried, as in ``rahdari link``
LEAST_KM = 0.05  # nearer antennas share a roof or a street: there is no path to draw
DRAWING_PX = (380, 240)  # the panel of the map, drawn to its own size
RELAYED = "the plan counts on {n} relays at places not chosen yet: what is drawn is the direct path"


class HopResponse(Params):
    """A hop of the plan: its ends, what was taken, the budget with every term, the drawing, and warnings."""

    site_id: str
    to_site_id: str
    start_name: str
    end_name: str
    length_km: float
    n_relays: int
    radio: str
    antenna: str
    frequency_ghz: float
    is_clear: bool
    raise_masts_m: float
    low_k_ratio: float
    worst_clearance_ratio: float | None
    is_coarse_terrain: bool
    terrain: str
    mean_capacity_mbps: float
    modes: list[ModeLine]
    terms: list[TermLine]
    svg: str
    warnings: list[str]


def _mast_m(manifest: dict[str, Any]) -> float:
    """Return the height of masts that the radio engine was run with."""
    engines = [engine for engine in manifest.get("engines", []) if engine.get("name") == "radio"]
    return float(engines[0].get("params", {}).get("mast_m", MAST_M)) if engines else MAST_M


def _radio_of(row: dict[str, Any]) -> Radio:
    """Return the radio that the plan names, else the one whose band lies nearest to the plan's."""
    radios, _ = microwave_catalogue()
    if row.get("radio_id") in radios:
        return radios[row["radio_id"]]
    single = [radio for radio in radios.values() if not radio.is_dual]
    return min(single, key=lambda radio: (abs(radio.frequency_ghz - row["band_ghz"]), radio.radio_id))


def _dishes_of(row: dict[str, Any], frequency_ghz: float) -> list[Antenna]:
    """Return the dish that the plan names, else those to try, the smallest first."""
    _, dishes = microwave_catalogue()
    if row.get("antenna_id") in dishes:
        return [dishes[row["antenna_id"]]]
    return list(dishes_for(frequency_ghz).values())


@dataclass(frozen=True)
class HopProfiles:
    """The microwave hops of one plan, ready to be looked at one by one."""

    reader: PlanReader

    @classmethod
    def of(cls, reader: PlanReader) -> HopProfiles | None:
        """Return the hops of a plan; ``None`` where the plan has none."""
        if not {HOPS, "sites"} <= set(reader.names) or not reader.table(HOPS).height:
            return None
        return cls(reader)

    @cached_property
    def terrain(self) -> Terrain | None:
        """Return the plan's terrain; ``None`` where it has none."""
        return terrain_raster(self.reader.table("terrain")) if "terrain" in self.reader.names else None

    @cached_property
    def mast_m(self) -> float:
        """Return the height of both masts."""
        return _mast_m(self.reader.manifest)

    def _end(self, site_id: str) -> dict[str, Any]:
        found = self.reader.rows("sites", {"site_id": site_id}, ("name", "lon_deg", "lat_deg"))
        if not found.height:
            raise InputError(Problem(f"there is no site '{site_id}'", "take a site_id of the table sites"))
        return found.row(0, named=True)

    def _budget(self, row: dict[str, Any], ends: list[dict[str, Any]]) -> tuple[LinkBudget, Radio, Antenna]:
        """Return the budget with the plan's radio and the smallest dish that holds long enough."""
        radio = _radio_of(row)
        a, b = ((end["lon_deg"], end["lat_deg"], self.mast_m) for end in ends)
        best: tuple[float, LinkBudget, Antenna] | None = None
        for dish in _dishes_of(row, radio.frequency_ghz):
            budget = link_budget(self.terrain, a, b, radio, dish, climate=Climate())
            held = float(budget.budgets.availability_year_frac[0].max())
            if best is None or held > best[0]:
                best = held, budget, dish
            if held >= ENOUGH_FRAC:
                break
        if best is None:
            raise InputError(Problem("the catalogue has no dish", "add rows to microwave_antennas"))
        return best[1], radio, best[2]

    def look(self, site_id: str) -> HopResponse:
        """Return the hop that feeds a site.

        A site that no hop feeds, and ends that share a roof, raise :class:`InputError`.
        """
        found = self.reader.rows(HOPS, {"site_id": site_id})
        if not found.height:
            raise InputError(Problem(f"no microwave hop feeds site '{site_id}'", f"take a site_id of {HOPS}"))
        row = found.row(0, named=True)
        ends = [self._end(row[name]) for name in ("site_id", "to_site_id")]
        where = [end[name] for end in ends for name in ("lon_deg", "lat_deg")]
        if float(np.asarray(great_circle_km(*where))) < LEAST_KM:
            what = f"both ends of the hop stand within {LEAST_KM * 1000.0:.0f} m"
            raise InputError(Problem(what, "there is no path to draw; the row tells the rest"))
        budget, radio, dish = self._budget(row, ends)
        return self._response(row, ends, budget, radio, dish)

    def _response(
        self, row: dict[str, Any], ends: list[dict[str, Any]], budget: LinkBudget, radio: Radio, dish: Antenna
    ) -> HopResponse:
        modes, n_relays = budget.budgets, int(row.get("n_relays") or 0)
        warnings = [COARSE] if budget.is_coarse else [] if self.terrain is not None else [BARE]
        if n_relays:
            warnings.append(RELAYED.format(n=n_relays))
        names = [end["name"] or row[key] for end, key in zip(ends, ("site_id", "to_site_id"), strict=True)]
        width_px, height_px = DRAWING_PX
        return HopResponse(
            site_id=row["site_id"], to_site_id=row["to_site_id"], start_name=names[0], end_name=names[1],
            length_km=float(modes.hops.length_km[0]), n_relays=n_relays, radio=radio.radio_id, antenna=dish.antenna_id,
            frequency_ghz=float(modes.hops.frequency_ghz[0]), is_clear=budget.is_clear, raise_masts_m=budget.raise_m,
            low_k_ratio=budget.low_k_ratio,
            worst_clearance_ratio=None if budget.low is None else float(budget.low.ratio[0]),
            is_coarse_terrain=budget.is_coarse, terrain=budget.source,
            mean_capacity_mbps=float(modes.mean_year_mbps[0]),
            modes=[
                ModeLine(
                    mode=mode,
                    capacity_mbps=float(radio.capacity_mbps[i] * (1.0 + radio.is_dual)),
                    fade_margin_db=float(modes.modes.margin_db[0, i]),
                    availability_year_frac=float(modes.availability_year_frac[0, i]),
                    availability_month_frac=float(modes.availability_month_frac[0, i]),
                )
                for i, mode in enumerate(radio.mode)
            ],
            terms=[TermLine(**term) for term in budget.terms.filter(pl.col("value").is_finite()).to_dicts()],
            svg=""
            if self.terrain is None
            else profile_svg(budget, width_px=width_px, height_px=height_px, is_bare=True,
                             name_a=names[0], name_b=names[1]),
            warnings=warnings,
        )  # fmt: skip
