"""Second opinion on coverage: P.1812 and the Longley-Rice model (ITM) on the same bare paths of a plan."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import polars as pl
from pydantic import Field

from rahdari.engines.radio.params import RadioParams
from rahdari.engines.radio.paths import PIECES, SEA_LEVEL_N
from rahdari.errors import InputError, Problem
from rahdari.methods.itm import INSTALL, MAX_GHZ, is_installed, itm_losses, require_library
from rahdari.methods.itm import MIN_PATH_KM as ITM_MIN_KM
from rahdari.methods.p1812 import p1812_loss_db
from rahdari.methods.propagation import free_space_db, noise_dbm
from rahdari.methods.raster import METRES_PER_KM
from rahdari.methods.terrain_table import terrain_raster
from rahdari.model import Context
from rahdari.model.params import Params
from rahdari.service.radio_links import spot, terrain_of
from rahdari.store.atomic import write_text
from rahdari.store.query import OWNER, Clearance, PlanReader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rahdari.methods.raster import Raster
    from rahdari.service.radio_links import LinkRequest, LinkResponse

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

Technology = Literal["4g", "5g"]
COARSE_TOO = "the terrain is coarse: neither model sees a ridge between its points, so they differ more than is shown"
FILE = "second_opinion.json"
N_PATHS = 500  # a technology: a tenth of a second of ITM
MAX_CELLS = 40_000_000  # of terrain that a report reads for this alone: half a second
SURE_LOCATION_QUANTILE = 1.2815515655446004  # 90 % of locations, as the plan's rule of coverage
KM_PER_DEG = 111.195  # a degree of the great circle
#: Spread of heights along a path, m, from which a class begins.
RELIEF_FROM_M = {"plain": 0.0, "rolling": 10.0, "hills": 30.0, "mountains": 100.0}
ALL = "all"
RELIEF_POINTS = 33  # of a path whose spread of heights is its relief
NEEDED = ("coverage", "places", "sites", "terrain")


class SecondRequest(Params):
    """Compare two models of path loss on a sample of a plan's paths."""

    plan: Path = Field(description="Folder of the plan")
    out: Path | None = Field(None, description="Folder for second_opinion.json; default: nothing is written")
    technologies: tuple[Technology, ...] = Field(("4g", "5g"), min_length=1, description="Whose cells")
    n_paths: int = Field(N_PATHS, ge=4, le=50_000, description="Paths drawn a technology, equally from each relief")


class ReliefLine(Params):
    """Where the two models agree and where not, in one class of relief; ``all`` weighs classes by their paths."""

    technology: str
    relief: str
    n_plan_paths: int = Field(description="Paths of the plan in the class")
    n_drawn: int
    n_both: int = Field(description="Served by both models")
    n_only_p1812: int
    n_only_itm: int
    n_neither: int
    n_refused: int = Field(description="ITM gives no answer; counted nowhere else")
    n_warned: int = Field(description="ITM warns that a limit of its is near or passed; counted above all the same")
    differs_frac: float | None = Field(description="Paths decided differently among those answered by both")
    mean_db: float | None = Field(description="Mean of ITM less P.1812")
    sigma_db: float | None = Field(description="Standard deviation of the same")


class SecondResponse(Params):
    """The comparison by technology and relief."""

    lines: list[ReliefLine]
    n_short: int = Field(description="Paths below 1 km, where ITM does not hold: not compared")
    n_far: int = Field(description="Paths beyond the reach at which the plan looks: not compared")
    is_coarse_terrain: bool
    terrain: str
    file: Path | None = None
    warnings: list[str] = Field(default_factory=list)


class _Paths(NamedTuple):
    """Paths from servers to the edges of cells, all (n,); ``east`` and ``north`` are degrees a kilometre."""

    lon_deg: FloatArray
    lat_deg: FloatArray
    east: FloatArray
    north: FloatArray
    length_km: FloatArray
    sigma_db: FloatArray

    def rows(self, index: NDArray[np.int64] | BoolArray) -> _Paths:
        """Return some of them."""
        return _Paths._make(value[index] for value in self)

    def heights(self, raster: Raster, n_pieces: int) -> FloatArray:
        """Return heights (n, pieces + 1) at equal steps; those beyond the grid are those of its rim."""
        km = np.linspace(0.0, 1.0, n_pieces + 1) * self.length_km[:, None]
        lon = np.clip(self.lon_deg[:, None] + km * self.east[:, None], raster.west_deg, raster.east_deg)
        lat = np.clip(self.lat_deg[:, None] + km * self.north[:, None], raster.south_deg, raster.north_deg)
        return raster.sample(lon, lat)


def radio_params(manifest: Mapping[str, Any]) -> RadioParams:
    """Return the radio parameters with which the plan was made; the usual ones where the engine did not run."""
    given: dict[str, Any] = next(
        (row["params"] for row in manifest.get("engines", ()) if row.get("engine") == "radio"), {}
    )
    return RadioParams(**{name: value for name, value in given.items() if name in RadioParams.model_fields})


def why_not(tables: Mapping[str, pl.DataFrame]) -> str:
    """Return why a plan's second opinion cannot be had here, with the cure; empty where it can."""
    if not is_installed():
        return f"the library itmlogic is not installed; run {INSTALL}"
    missing = [name for name in NEEDED if name not in tables or not tables[name].height]
    if missing or "server_site_id" not in tables["coverage"].columns:
        return f"the plan lacks {', '.join(missing) or 'servers in its coverage'}"
    if int((tables["terrain"]["n_rows"] * tables["terrain"]["n_columns"]).sum()) > MAX_CELLS:
        return "the terrain is too large to read for a report; run rahdari cover --second-opinion"
    return ""


def _paths_of(tables: Mapping[str, pl.DataFrame], technology: str) -> _Paths:
    """Return the base year's paths from the best server over the place's centre to the cell's edge, by place."""
    coverage = tables["coverage"].filter(pl.col("technology") == technology)
    site = tables["sites"].select(server_site_id="site_id", site_lon="lon_deg", site_lat="lat_deg")
    rows = (
        coverage.filter(pl.col("year") == pl.col("year").min())
        .join(site, on="server_site_id")
        .join(tables["places"].select("place_id", "lon_deg", "lat_deg"), on="place_id")
        .sort("place_id")
    )
    km = rows["server_km"].to_numpy()
    # A place at the site's own foot has no direction: north will do.
    is_apart = km > 0.0
    per_km = 1.0 / np.where(is_apart, km, 1.0)
    return _Paths(
        rows["site_lon"].to_numpy(),
        rows["site_lat"].to_numpy(),
        np.where(is_apart, (rows["lon_deg"] - rows["site_lon"]).to_numpy(), 0.0) * per_km,
        np.where(is_apart, (rows["lat_deg"] - rows["site_lat"]).to_numpy() * per_km, 1.0 / KM_PER_DEG),
        rows["edge_km"].to_numpy(),
        rows["location_sigma_db"].to_numpy(),
    )


def _drawn(relief: NDArray[np.int64], n: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Return the paths drawn, in order: as many of each class as there are, up to an equal share."""
    share = math.ceil(n / len(RELIEF_FROM_M))
    picked = []
    for k in range(len(RELIEF_FROM_M)):
        here = np.flatnonzero(relief == k)
        picked.append(random.choice(here, min(share, here.size), replace=False))
    return np.sort(np.concatenate(picked))


class _Losses(NamedTuple):
    """Losses of both models, dB, and what ITM says of its own, all (n,)."""

    p1812_db: FloatArray
    itm_db: FloatArray
    is_refused: BoolArray
    is_warned: BoolArray


def _losses(paths: _Paths, raster: Raster, frequency_ghz: float, params: RadioParams) -> _Losses:
    """Return the median losses of the drawn paths over bare ground."""
    wanted = paths.length_km * METRES_PER_KM / raster.spacing_m
    pieces = np.array(PIECES)[np.minimum(np.searchsorted(PIECES, wanted), len(PIECES) - 1)]
    distances: list[FloatArray] = [np.linspace(0.0, km, n + 1) for km, n in zip(paths.length_km, pieces, strict=True)]
    heights: list[FloatArray] = [np.empty(0)] * pieces.size
    for n in np.unique(pieces):
        here = np.flatnonzero(pieces == n)
        for i, profile in zip(here, paths.rows(here).heights(raster, int(n)), strict=True):
            heights[i] = profile
    ends = (params.mast_m, params.terminal_m)
    first = p1812_loss_db(
        distances, heights, frequency_ghz, *ends, delta_n=params.delta_n, n0=SEA_LEVEL_N, polarisation="vertical"
    )
    second = itm_losses(distances, heights, frequency_ghz, *ends, n0=SEA_LEVEL_N, polarisation="vertical")
    return _Losses(first, second.loss_db, second.is_refused, (second.warning > 0) & ~second.is_refused)


def _line(technology: str, relief: str, n_plan: int, losses: _Losses, budget_db: FloatArray) -> ReliefLine:
    """Return the line of some paths."""
    answered = ~losses.is_refused
    first, second = losses.p1812_db[answered] <= budget_db[answered], losses.itm_db[answered] <= budget_db[answered]
    gap = (losses.itm_db - losses.p1812_db)[answered]
    return ReliefLine(
        technology=technology,
        relief=relief,
        n_plan_paths=n_plan,
        n_drawn=answered.size,
        n_both=int((first & second).sum()),
        n_only_p1812=int((first & ~second).sum()),
        n_only_itm=int((~first & second).sum()),
        n_neither=int((~first & ~second).sum()),
        n_refused=int((~answered).sum()),
        n_warned=int(losses.is_warned.sum()),
        differs_frac=float((first != second).mean()) if gap.size else None,
        mean_db=float(gap.mean()) if gap.size else None,
        sigma_db=float(gap.std()) if gap.size else None,
    )


def _lines(
    technology: str, paths: _Paths, raster: Raster, params: RadioParams, *, n: int, random: np.random.Generator
) -> list[ReliefLine]:
    """Return the line of each class of relief of one technology's paths."""
    is_4g = technology == "4g"
    frequency_ghz = params.frequency_4g_ghz if is_4g else params.frequency_5g_ghz
    bandwidth_mhz = params.bandwidth_4g_mhz if is_4g else params.bandwidth_5g_mhz
    eirp_dbm = params.eirp_4g_dbm if is_4g else params.eirp_5g_dbm
    most_db = eirp_dbm - noise_dbm(bandwidth_mhz, params.noise_figure_db) - params.min_snr_db
    spread_m = paths.heights(raster, RELIEF_POINTS - 1).std(axis=1)
    relief = np.searchsorted(list(RELIEF_FROM_M.values()), spread_m, side="right") - 1
    drawn = _drawn(relief, n, random)
    if not drawn.size:
        return []
    some, of = paths.rows(drawn), relief[drawn]
    losses = _losses(some, raster, frequency_ghz, params)
    budget_db = most_db - SURE_LOCATION_QUANTILE * some.sigma_db
    lines = []
    for k, name in enumerate(RELIEF_FROM_M):
        here = of == k
        part = _Losses._make(value[here] for value in losses)
        lines.append(_line(technology, name, int((relief == k).sum()), part, budget_db[here]))
    return lines


def _summed(technology: str, lines: list[ReliefLine]) -> ReliefLine:
    """Return the line of all classes: counts are sums, figures are weighed by the plan's paths of each class."""
    counts = {name: sum(getattr(line, name) for line in lines) for name in ReliefLine.model_fields if name[:2] == "n_"}
    told = [line for line in lines if line.differs_frac is not None]
    weight = np.array([line.n_plan_paths for line in told], np.float64)
    if not weight.sum() > 0.0:
        figures: dict[str, float | None] = dict.fromkeys(("differs_frac", "mean_db", "sigma_db"))
    else:
        weight /= weight.sum()
        differs, mean, sigma = (
            np.array([getattr(line, name) for line in told]) for name in ("differs_frac", "mean_db", "sigma_db")
        )
        centre = float(weight @ mean)
        spread = math.sqrt(float(weight @ (sigma**2 + (mean - centre) ** 2)))
        figures = {"differs_frac": float(weight @ differs), "mean_db": centre, "sigma_db": spread}
    return ReliefLine(technology=technology, relief=ALL, **counts, **figures)


def second_opinion(
    tables: Mapping[str, pl.DataFrame],
    params: RadioParams,
    technologies: tuple[str, ...] = ("4g", "5g"),
    *,
    n_paths: int = N_PATHS,
    seed: int = 1,
) -> SecondResponse:
    """Return both models' decisions on a sample of a plan's paths, by relief.

    A path goes from the best server over the place's centre to the cell's edge, on bare ground: ITM knows no cover.
    Served means that the median loss leaves the least signal to noise with the plan's allowance for 90 % of
    locations.  Paths are drawn by Philox from ``seed``, as many of each relief.  Raises :class:`InputError` where the
    library or a table is missing.
    """
    raster = terrain_raster(tables["terrain"]) if "terrain" in tables else None
    if raster is None:
        raise InputError(Problem("the plan has no terrain to compare over", "plan the country anew", column="terrain"))
    context, lines, n_short, n_far = Context(seed=seed), [], 0, 0
    for technology in technologies:
        paths = _paths_of(tables, technology)
        is_short, is_far = paths.length_km < ITM_MIN_KM, paths.length_km > params.reach_km
        n_short, n_far = n_short + int(is_short.sum()), n_far + int(is_far.sum())
        random = context.random(f"second opinion {technology}")
        mine = _lines(technology, paths.rows(~is_short & ~is_far), raster, params, n=n_paths, random=random)
        lines += [*mine, _summed(technology, mine)]
    return SecondResponse(
        lines=lines, n_short=n_short, n_far=n_far, is_coarse_terrain=raster.is_coarse, terrain=raster.source
    )


def compare_plan(request: SecondRequest, clearance: Clearance = OWNER) -> SecondResponse:
    """Return the second opinion on a plan's coverage and write it as JSON where a folder is given.

    Raises :class:`InputError` where the optional library or a table of the plan is missing.
    """
    require_library()
    reader = PlanReader(request.plan, clearance)
    missing = [name for name in NEEDED if name not in reader.names]
    if missing:
        cure = "plan the country with the radio engine and terrain"
        raise InputError(Problem(f"the plan lacks {', '.join(missing)}", cure, file=str(request.plan)))
    tables = {name: reader.table(name) for name in NEEDED}
    seed = int(reader.manifest["scenario"].get("seed", 1))
    made = second_opinion(
        tables, radio_params(reader.manifest), request.technologies, n_paths=request.n_paths, seed=seed
    )
    if made.is_coarse_terrain:
        made = made.model_copy(update={"warnings": [COARSE_TOO]})
    if request.out is None:
        return made
    request.out.mkdir(parents=True, exist_ok=True)
    file = request.out / FILE
    made = made.model_copy(update={"file": file})
    write_text(file, made.model_dump_json(indent=2) + "\n")
    return made


def link_opinion(request: LinkRequest, response: LinkResponse, clearance: Clearance = OWNER) -> str:
    """Return one sentence on a microwave hop: ITM's median loss against free space, or that ITM does not hold there.

    Above 20 GHz and below 1 km the model has no answer.  Raises :class:`InputError` where the optional library or the
    terrain is missing.
    """
    require_library()
    head = "second opinion (ITM)"
    if response.frequency_ghz > MAX_GHZ:
        return f"{head}: none, {response.frequency_ghz:g} GHz is above the model's {MAX_GHZ:g} GHz"
    if response.length_km < ITM_MIN_KM:
        return f"{head}: none, the model holds from {ITM_MIN_KM:g} km"
    reader = PlanReader(request.plan, clearance)
    terrain = terrain_of(reader, request.dem)
    if terrain is None:
        raise InputError(Problem("the second opinion needs terrain", "give --dem FILE", column="second_opinion"))
    a, b = spot(reader, request.start, "start"), spot(reader, request.end, "end")
    west, east = sorted((a.lon_deg, b.lon_deg))
    south, north = sorted((a.lat_deg, b.lat_deg))
    raster = terrain.window(west, south, east, north)
    step_m = min(raster.spacing_m, response.length_km * METRES_PER_KM / PIECES[0])
    profile = raster.profile(a.lon_deg, a.lat_deg, b.lon_deg, b.lat_deg, step_m)
    masts_m = request.start_mast_m, request.end_mast_m
    found = itm_losses([profile.distance_km], [profile.height_m], response.frequency_ghz, *masts_m, n0=SEA_LEVEL_N)
    if found.is_refused[0]:
        return f"{head}: refused, the air over so high a path is too thin for the model"
    loss_db = float(found.loss_db[0])
    beyond_db = loss_db - float(free_space_db(profile.distance_km[-1], response.frequency_ghz))
    warned = "; it warns that a limit of its is near or passed" if found.warning[0] else ""
    return (
        f"{head}: median loss {loss_db:.1f} dB, {beyond_db:+.1f} dB over free space; "
        f"it knows neither rain nor gases nor multipath{warned}"
    )
