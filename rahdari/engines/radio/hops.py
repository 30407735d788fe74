"""Microwave chains that feed sites without fibre: band and dish by rule, budgets by P.530-18 over the terrain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from rahdari.methods.geo import nearest
from rahdari.methods.microwave import Radio, budgets, make_hops
from rahdari.methods.microwave_clearance import (
    MEDIAN_CLEARANCE_RATIO,
    MEDIAN_K_RATIO,
    TEMPERATE_CLEARANCE_RATIO,
    TROPICAL_CLEARANCE_RATIO,
    TROPICAL_LENGTH_KM,
    diffraction_db,
    low_k_ratio,
    worst_clearance,
)
from rahdari.methods.microwave_fading import geoclimatic_default
from rahdari.methods.microwave_link import LOSS_DB, Antenna
from rahdari.methods.microwave_outage import signature_ghz_per_ns
from rahdari.methods.propagation import noise_dbm
from rahdari.methods.raster import METRES_PER_KM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rahdari.engines.radio.params import RadioParams
    from rahdari.methods.microwave import Budgets
    from rahdari.methods.raster import Raster

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]
    IntArray = NDArray[np.int64]

MIN_HOP_KM = 0.1  # antennas on one mast need no hop; the laws start above zero
SIGNATURE_DELAY_NS = 6.3  # ITU-R F.1093: the echo at which signatures are measured
PHASES = 2.0  # minimum and non-minimum phase, taken as alike
PLANNED_MODE = "256-QAM"  # hops are planned for it, as usual; adaptive modulation does the rest
RULE_LENGTHS_KM = np.geomspace(MIN_HOP_KM, 80.0, 60)  # a hop is planned as the next longer of these, 12 % apart
PIECES = (16, 32, 64, 128, 256)  # of a profile, the first that is no coarser than the grid
CHUNK = 4096  # hops at once
MEGABITS_PER_GIGABIT = 1000.0


class Equipment(NamedTuple):
    """The catalogue: radios of one polarisation by rising frequency, dishes by rising diameter, and their ranges."""

    radios: tuple[Radio, ...]
    dishes: tuple[Antenna, ...]
    dish_ghz: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Hops:
    """``chains``: rows of ``microwave_hops``; ``budget``: rows of ``link_budget``; ``links``: first hops at the hub."""

    chains: pl.DataFrame
    budget: pl.DataFrame
    links: pl.DataFrame


def _radio(row: Mapping[str, object], modes: pl.DataFrame) -> Radio:
    """Return a radio of the catalogue with the modulations it reaches."""
    last = modes.filter(pl.col("mode_id") == row["fastest_mode_id"])["rank"][0]
    used = modes.filter(pl.col("rank") <= last).sort("rank")
    channel, figure, power = (float(str(row[name])) for name in ("channel_mhz", "noise_figure_db", "tx_power_dbm"))
    carrier = used["carrier_to_noise_db"].to_numpy()
    width, depth = used["signature_width_frac"].to_numpy() * channel, used["signature_depth_db"].to_numpy()
    return Radio(
        radio_id=str(row["radio_id"]),
        frequency_ghz=float(str(row["frequency_ghz"])),
        channel_mhz=channel,
        mode=tuple(used["name"].to_list()),
        tx_power_dbm=power - used["backoff_db"].to_numpy(),
        threshold_dbm=noise_dbm(channel, figure) + carrier,
        carrier_to_noise_db=np.array(carrier),
        capacity_mbps=used["net_bps_per_hz"].to_numpy() * channel,
        signature_ghz_per_ns=PHASES * signature_ghz_per_ns(width, depth, SIGNATURE_DELAY_NS),
    )


def equipment(radios: pl.DataFrame, modes: pl.DataFrame, antennas: pl.DataFrame, most_ghz: float) -> Equipment:
    """Return the catalogue's radios up to ``most_ghz`` that use one polarisation, and its dishes."""
    single = radios.filter((pl.col("n_polarisations") == 1) & (pl.col("frequency_ghz") <= most_ghz))
    made = [_radio(row, modes) for row in single.sort("frequency_ghz", "radio_id").to_dicts()]
    rows = antennas.sort("diameter_m", "antenna_id").to_dicts()
    dishes = [Antenna(row["antenna_id"], row["diameter_m"], row["efficiency_frac"], row["xpd_db"]) for row in rows]
    spans = [(float(row["low_ghz"]), float(row["high_ghz"])) for row in rows]
    usable = tuple(radio for radio in made if PLANNED_MODE in radio.mode)
    return Equipment(usable, tuple(dishes), tuple(spans))


def _climate(params: RadioParams) -> dict[str, float]:
    return {
        "rain_rate_mm_h": params.rain_rate_mm_h,
        "geoclimatic": geoclimatic_default(params.gradient_n_per_km),
        "loss_db": LOSS_DB,
    }


def choose_equipment(
    length_km: FloatArray, stock: Equipment, params: RadioParams, lat_deg: float
) -> tuple[IntArray, IntArray]:
    """Return radio and dish (n,) of each hop by one rule, from its length alone.

    The highest band, and in it the smallest dish, with which a clear hop of the next length of a fixed list over level
    ground keeps 256-QAM for ``rate_availability_frac`` of the year; where none does, the lowest band and largest dish.
    """
    n = RULE_LENGTHS_KM.size
    radio_of, dish_of = np.full(n, -1), np.full(n, -1)
    for r in range(len(stock.radios) - 1, -1, -1):
        radio = stock.radios[r]
        mode = radio.mode.index(PLANNED_MODE)
        for d, dish in enumerate(stock.dishes):
            low, high = stock.dish_ghz[d]
            if not low <= radio.frequency_ghz <= high:
                continue
            gain = dish.gain_dbi(radio.frequency_ghz)
            hops = make_hops(
                length_km=RULE_LENGTHS_KM, frequency_ghz=radio.frequency_ghz, antenna_a_m=params.mast_m,
                antenna_b_m=params.mast_m, terrain_m=0.0, lat_deg=lat_deg, gain_a_dbi=gain, gain_b_dbi=gain,
                antenna_xpd_db=dish.xpd_db, **_climate(params),
            )  # fmt: skip
            holds = budgets(hops, radio).availability_year_frac[:, mode] >= params.rate_availability_frac
            fresh = holds & (radio_of < 0)
            radio_of[fresh], dish_of[fresh] = r, d
    lowest = stock.radios[0].frequency_ghz
    fits = [d for d, (low, high) in enumerate(stock.dish_ghz) if low <= lowest <= high]
    none = radio_of < 0
    radio_of[none], dish_of[none] = 0, fits[-1]
    at = np.minimum(np.searchsorted(RULE_LENGTHS_KM, length_km), n - 1)
    return radio_of[at], dish_of[at]


class _Ground(NamedTuple):
    """Heights and clearances of hops (n,): antennas, mean ground, worst ratios at two k, and what masts lack."""

    a_m: FloatArray
    b_m: FloatArray
    mean_m: FloatArray
    median_ratio: FloatArray
    low_ratio: FloatArray
    is_clear: BoolArray


def _level(n: int, height_m: FloatArray, mast_m: float) -> _Ground:
    """Return hops whose terrain is not known: taken as clear over ground as high as the place."""
    ones = np.full(n, np.inf)
    top = height_m + mast_m
    return _Ground(top, top, height_m, ones, ones, np.zeros(n, np.bool_))


def _over(raster: Raster, ends: FloatArray, km: FloatArray, ghz: FloatArray, mast_m: float) -> _Ground:
    """Return clearances over the terrain; ``ends`` is (n, 4): longitude and latitude of a, then of b."""
    rank = np.searchsorted(PIECES, km * METRES_PER_KM / raster.spacing_m)
    rank = np.minimum(rank, len(PIECES) - 1)
    out = np.empty((5, km.size))
    order = np.argsort(rank, kind="stable")
    for k, n_pieces in enumerate(PIECES):
        here = order[rank[order] == k]
        share = np.linspace(0.0, 1.0, n_pieces + 1)
        for first in range(0, here.size, CHUNK):
            some = here[first : first + CHUNK]
            a, b = ends[some, None, :2], ends[some, None, 2:]
            way = a + (b - a) * share[:, None]
            lon = np.clip(way[..., 0], raster.west_deg, raster.east_deg)
            lat = np.clip(way[..., 1], raster.south_deg, raster.north_deg)
            ground = raster.sample(lon, lat)
            top_a, top_b = ground[:, 0] + mast_m, ground[:, -1] + mast_m
            at = km[some, None] * share
            ratios = [
                worst_clearance(at, ground, top_a, top_b, frequency_ghz=ghz[some], k_ratio=k_ratio).ratio
                for k_ratio in (MEDIAN_K_RATIO, low_k_ratio(km[some]))
            ]
            out[:, some] = top_a, top_b, ground.mean(axis=1), *ratios
    wanted = np.where(km > TROPICAL_LENGTH_KM, TROPICAL_CLEARANCE_RATIO, TEMPERATE_CLEARANCE_RATIO)
    return _Ground(out[0], out[1], out[2], out[3], out[4], (out[3] >= MEDIAN_CLEARANCE_RATIO) & (out[4] >= wanted))


def _chains(fed: pl.DataFrame, fibre: pl.DataFrame, params: RadioParams) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return a row a chain, and a row a hop with its two ends: chains are cut into equal hops from the site on."""
    index, km = nearest(fed["lon_deg"], fed["lat_deg"], fibre["lon_deg"], fibre["lat_deg"])
    n_relays = np.maximum(np.ceil(km / params.max_hop_km) - 1.0, 0.0).astype(np.int64)
    target = fibre[index.tolist()]
    chains = fed.select("site_id").with_columns(
        to_site_id=target["site_id"],
        distance_km=pl.Series(km),
        n_relays=pl.Series(n_relays),
        hop_km=pl.Series(np.maximum(km / (n_relays + 1), MIN_HOP_KM)),
    )
    chain = np.repeat(np.arange(km.size), n_relays + 1)
    step = np.arange(chain.size) - np.repeat(np.cumsum(n_relays + 1) - (n_relays + 1), n_relays + 1)
    lon, lat, to_lon, to_lat = (
        frame[name].to_numpy()[chain] for frame in (fed, target) for name in ("lon_deg", "lat_deg")
    )
    first, last = step / (n_relays[chain] + 1), (step + 1) / (n_relays[chain] + 1)
    hops = pl.DataFrame(
        {
            "chain": chain,
            "step": step,
            "from_lon_deg": lon + first * (to_lon - lon),
            "from_lat_deg": lat + first * (to_lat - lat),
            "to_lon_deg": lon + last * (to_lon - lon),
            "to_lat_deg": lat + last * (to_lat - lat),
            "length_km": chains["hop_km"].to_numpy()[chain],
        }
    )
    return chains, hops


def _columns(found: Budgets, mode: int, promised_frac: float) -> dict[str, object]:
    """Return the columns that the budget gives, at the planned modulation and over all of them."""
    radio, path, modes = found.radio, found.path, found.modes
    holds = found.availability_year_frac >= promised_frac
    fastest = holds.sum(axis=1) - 1
    rate = np.where(fastest >= 0, radio.capacity_mbps[np.maximum(fastest, 0)], 0.0)
    n = found.hops.n
    return {
        "radio_id": [radio.radio_id] * n,
        "frequency_ghz": np.full(n, radio.frequency_ghz),
        "channel_mhz": np.full(n, radio.channel_mhz),
        "tx_power_dbm": np.full(n, radio.tx_power_dbm[mode]),
        "gain_dbi": found.hops.gain_a_dbi,
        "free_space_db": path.free_space_db,
        "gas_db": path.dry_air_db + path.vapour_db,
        "diffraction_db": found.hops.diffraction_median_db,
        "fittings_db": found.hops.loss_db,
        "threshold_dbm": np.full(n, radio.threshold_dbm[mode]),
        "received_dbm": modes.received_dbm[:, mode],
        "margin_db": modes.margin_db[:, mode],
        "rain_001_db": path.rain_001_db,
        "multipath_occurrence_pct": path.occurrence_pct,
        "multipath_outage_frac": modes.flat_year_frac[:, 0],
        "rain_outage_frac": modes.rain_year_frac[:, 0],
        "planned_outage_frac": modes.year_frac[:, mode],
        "planned_month_outage_frac": modes.month_frac[:, mode],
        "outage_frac": modes.year_frac[:, 0],
        "month_outage_frac": modes.month_frac[:, 0],
        "promised_mbps": rate,
        "mean_mbps": found.mean_year_mbps,
        "least_mbps": np.full(n, radio.capacity_mbps[0]),
        "power_full_dbm": np.full(n, radio.tx_power_dbm[0]),
        "noise_figure_db": np.full(n, radio.threshold_dbm[0] - radio.carrier_to_noise_db[0])
        - noise_dbm(radio.channel_mhz, 0.0),
    }


def _budgets(
    hops: pl.DataFrame, stock: Equipment, raster: Raster | None, height_m: FloatArray, params: RadioParams
) -> pl.DataFrame:
    """Return the hops with equipment, clearance and budget; each depends on itself alone."""
    km, lat = hops["length_km"].to_numpy(), hops["from_lat_deg"].to_numpy()
    middle_deg = float(np.median(lat))
    radio_of, dish_of = choose_equipment(km, stock, params, middle_deg)
    ghz = np.array([radio.frequency_ghz for radio in stock.radios])[radio_of]
    ends = hops.select("from_lon_deg", "from_lat_deg", "to_lon_deg", "to_lat_deg").to_numpy()
    mast_m = params.mast_m
    ground = _level(km.size, height_m, mast_m) if raster is None else _over(raster, ends, km, ghz, mast_m)
    dishes = pl.DataFrame(
        {
            "antenna_id": [stock.dishes[d].antenna_id for d in dish_of.tolist()],
            "diameter_m": np.array([dish.diameter_m for dish in stock.dishes])[dish_of],
            "is_clear": ground.is_clear,
            "clearance_ratio": np.where(np.isfinite(ground.median_ratio), ground.median_ratio, 0.0),
            "clearance_low_k_ratio": np.where(np.isfinite(ground.low_ratio), ground.low_ratio, 0.0),
            "antenna_height_m": ground.a_m,
        }
    )
    parts, order = [], []
    for r, radio in enumerate(stock.radios):
        for d, dish in enumerate(stock.dishes):
            some = np.flatnonzero((radio_of == r) & (dish_of == d))
            if not some.size:
                continue
            gain = dish.gain_dbi(radio.frequency_ghz)
            made = make_hops(
                length_km=km[some], frequency_ghz=radio.frequency_ghz, antenna_a_m=ground.a_m[some],
                antenna_b_m=ground.b_m[some], terrain_m=ground.mean_m[some], lat_deg=lat[some], gain_a_dbi=gain,
                gain_b_dbi=gain, antenna_xpd_db=dish.xpd_db,
                diffraction_median_db=diffraction_db(ground.median_ratio[some]),
                diffraction_low_db=diffraction_db(ground.low_ratio[some]), **_climate(params),
            )  # fmt: skip
            mode = radio.mode.index(PLANNED_MODE)
            parts.append(pl.DataFrame(_columns(budgets(made, radio), mode, params.rate_availability_frac)))
            order.append(some)
    back = np.argsort(np.concatenate(order), kind="stable")
    return hops.hstack(dishes).hstack(pl.concat(parts)[back.tolist()])


def microwave(
    sites: pl.DataFrame, places: pl.DataFrame, stock: Equipment, raster: Raster | None, params: RadioParams
) -> Hops | None:
    """Return chains, budgets and hub ends of all microwave-fed sites; ``None`` without fibre, fed site or equipment.

    ``sites`` are sorted by id.  A chain goes straight to the nearest fibre site; its relays stand at equal distances,
    whatever the ridges: a relay search is a question of its own.
    """
    fed, fibre = sites.filter(pl.col("backhaul") == "microwave"), sites.filter(pl.col("is_fibre"))
    if not fed.height or not fibre.height or not stock.radios or not stock.dishes:
        return None
    chains, hops = _chains(fed, fibre, params)
    high = fed.select("place_id").join(
        places.select("place_id", "elevation_m"), on="place_id", how="left", maintain_order="left"
    )
    height_m = np.maximum(high["elevation_m"].fill_null(0.0).to_numpy(), 0.0)[hops["chain"].to_numpy()]
    full = _budgets(hops, stock, raster, height_m, params)
    total = full.group_by("chain", maintain_order=True).agg(
        availability_frac=(1.0 - pl.col("outage_frac")).product(),
        month_availability_frac=(1.0 - pl.col("month_outage_frac")).product(),
        promised_mbps=pl.col("promised_mbps").min(),
        feed_mbps=pl.max_horizontal("promised_mbps", "least_mbps").min(),
        mean_mbps=pl.col("mean_mbps").min(),
        is_clear=pl.col("is_clear").all(),
    )
    worst = full.sort(["chain", "outage_frac", "planned_outage_frac", "step"], descending=[False, True, True, False])
    worst = worst.unique("chain", keep="first", maintain_order=True).sort("chain")
    is_coarse = raster is None or raster.is_coarse
    rows = chains.with_columns(
        band_ghz=worst["frequency_ghz"],
        radio_id=worst["radio_id"],
        antenna_id=worst["antenna_id"],
        fade_margin_db=worst["margin_db"],
        multipath_outage_frac=worst["multipath_outage_frac"],
        rain_outage_frac=worst["rain_outage_frac"],
        capacity_gbps=total["promised_mbps"] / MEGABITS_PER_GIGABIT,
        mean_gbps=total["mean_mbps"] / MEGABITS_PER_GIGABIT,
        availability_frac=total["availability_frac"],
        month_availability_frac=total["month_availability_frac"],
        is_clear=total["is_clear"],
        is_coarse_terrain=pl.lit(is_coarse),
        feed_mbps=total["feed_mbps"],
    )
    enough = pl.col("availability_frac") >= params.min_availability_frac
    rows = rows.with_columns(is_feasible=(pl.col("n_relays") <= params.max_relays) & enough)
    budget = chains.select("site_id", "to_site_id").hstack(worst.drop("chain", "step"))
    budget = budget.with_columns(availability_frac=1.0 - pl.col("outage_frac"), is_coarse_terrain=pl.lit(is_coarse))
    last = full.filter(pl.col("step") == chains["n_relays"].gather(full["chain"]))
    return Hops(rows, budget, chains.select("site_id", "to_site_id", "distance_km").hstack(last.drop("step")))
