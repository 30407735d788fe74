"""The catalogue of microwave radios and dishes, from the common pack or a folder of the user's own tables."""

from __future__ import annotations

import difflib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from rahdari.errors import InputError, Problem
from rahdari.methods import microwave_link, microwave_relay
from rahdari.methods.microwave import Radio
from rahdari.methods.microwave_link import Antenna
from rahdari.methods.microwave_outage import signature_ghz_per_ns
from rahdari.methods.network import Network
from rahdari.methods.propagation import noise_dbm
from rahdari.sources.pack import PACKS_FOLDER, load_pack
from rahdari.sources.terrain_raster import open_terrain

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from rahdari.methods.microwave_link import LinkBudget
    from rahdari.methods.microwave_relay import RelayPlan
    from rahdari.methods.raster import Terrain

SIGNATURE_DELAY_NS = 6.3  # ITU-R F.1093: the echo at which signatures are measured
PHASES = 2.0  # minimum and non-minimum phase, taken as alike
DUAL = 2  # polarisations
DEFAULT_RADIO, DEFAULT_ANTENNA = "mw07", "dish_18"  # long-haul class, the common case between towers
COMMON_FOLDER = PACKS_FOLDER / "common"

Thing = TypeVar("Thing")


def _radio(row: Mapping[str, object], modes: pl.DataFrame) -> Radio:
    """Return one radio of the catalogue with the modulations it reaches."""
    last = modes.filter(modes["mode_id"] == row["fastest_mode_id"])["rank"][0]
    used = modes.filter(modes["rank"] <= last).sort("rank")
    channel, noise_figure, power = (
        float(str(row[name])) for name in ("channel_mhz", "noise_figure_db", "tx_power_dbm")
    )
    carrier = used["carrier_to_noise_db"].to_numpy()
    width = used["signature_width_frac"].to_numpy() * channel
    depth = used["signature_depth_db"].to_numpy()
    return Radio(
        radio_id=str(row["radio_id"]),
        frequency_ghz=float(str(row["frequency_ghz"])),
        channel_mhz=channel,
        mode=tuple(used["name"].to_list()),
        tx_power_dbm=power - used["backoff_db"].to_numpy(),
        threshold_dbm=noise_dbm(channel, noise_figure) + carrier,
        carrier_to_noise_db=np.array(carrier),
        capacity_mbps=used["net_bps_per_hz"].to_numpy() * channel,
        signature_ghz_per_ns=PHASES * signature_ghz_per_ns(width, depth, SIGNATURE_DELAY_NS),
        is_dual=row["n_polarisations"] == DUAL,
        cancellation_db=float(str(row["cancellation_db"])),
    )


@cache
def microwave_catalogue(folder: Path = COMMON_FOLDER) -> tuple[dict[str, Radio], dict[str, Antenna]]:
    """Return the radios and the dishes of a pack's tables by identifier, in its order.

    ``microwave_radios``, ``microwave_modes`` and ``microwave_antennas`` are read; faults raise :class:`InputError`.
    Thresholds are noise in the channel plus noise figure plus the modulation's carrier to noise.
    """
    tables = load_pack(folder)
    lost = [name for name in ("microwave_radios", "microwave_modes", "microwave_antennas") if name not in tables]
    if lost:
        raise InputError(
            [Problem(f"{folder.name} has no {name}.csv", "add it, see the data dictionary") for name in lost]
        )
    radios = {row["radio_id"]: _radio(row, tables["microwave_modes"]) for row in tables["microwave_radios"].to_dicts()}
    dishes = {
        row["antenna_id"]: Antenna(row["antenna_id"], row["diameter_m"], row["efficiency_frac"], row["xpd_db"])
        for row in tables["microwave_antennas"].to_dicts()
    }
    return radios, dishes


@cache
def dishes_for(frequency_ghz: float, folder: Path = COMMON_FOLDER) -> dict[str, Antenna]:
    """Return the dishes of a pack whose band holds a frequency, the smallest first.

    >>> list(dishes_for(7.4))[0]
    'dish_06'
    """
    _, dishes = microwave_catalogue(folder)
    rows = load_pack(folder)["microwave_antennas"].sort("diameter_m", "antenna_id")
    held = rows.filter((rows["low_ghz"] <= frequency_ghz) & (rows["high_ghz"] >= frequency_ghz))
    return {name: dishes[name] for name in held["antenna_id"]}


def _named(things: dict[str, Thing], name: str, what: str) -> Thing:
    if name in things:
        return things[name]
    near = difflib.get_close_matches(name, things, n=1)
    cure = f"use '{near[0]}'" if near else f"use one of {', '.join(things)}"
    raise InputError(Problem(f"there is no {what} '{name}' in the catalogue", cure))


def radio_named(radio_id: str) -> Radio:
    """Return a radio of the common catalogue; raises :class:`InputError` with the nearest name where unknown.

    >>> radio_named("mw18").mode[0]
    'QPSK'
    """
    return _named(microwave_catalogue()[0], radio_id, "radio")


def antenna_named(antenna_id: str) -> Antenna:
    """Return a dish of the common catalogue; raises :class:`InputError` with the nearest name where unknown.

    >>> antenna_named("dish_12").diameter_m
    1.2
    """
    return _named(microwave_catalogue()[1], antenna_id, "antenna")


def _equipment(radio: str | Radio, antenna: str | Antenna) -> tuple[Radio, Antenna]:
    """Return radio and dish, named ones from the catalogue."""
    device = radio_named(radio) if isinstance(radio, str) else radio
    dish = antenna_named(antenna) if isinstance(antenna, str) else antenna
    if type(device) is not Radio or type(dish) is not Antenna:
        raise InputError(Problem("radio or antenna is neither a name nor made", "name one of the catalogue"))
    return device, dish


def link_budget(
    network_or_dem: Terrain | Network | Path | str | None,
    a: str | tuple[float, ...],
    b: str | tuple[float, ...],
    radio: str | Radio = DEFAULT_RADIO,
    antenna: str | Antenna = DEFAULT_ANTENNA,
    **options: Any,  # noqa: ANN401  # passed on to where each has its type
) -> LinkBudget:
    """Return :func:`rahdari.methods.microwave_link.link_budget` with radio and dish named from the common catalogue.

    Terrain may be a file or a folder of tiles.  Its ``terms`` hold every term: term, mode, value, unit, clause.
    ``options`` and errors are those of that function.

    >>> link_budget(None, (71.0, 30.0, 30.0), (71.2, 30.0, 30.0), radio="mw08").budgets.radio.channel_mhz
    28.0
    """
    where = open_terrain(network_or_dem) if isinstance(network_or_dem, Path | str) else network_or_dem
    if where is not None and not isinstance(where, Network) and not hasattr(where, "window"):
        cure = "give a Network, terrain, a file or folder of it, or None for a clear path"
        raise InputError(Problem(f"a {type(where).__name__} is neither network nor terrain", cure))
    return microwave_link.link_budget(where, a, b, *_equipment(radio, antenna), **options)


def relay_search(
    dem: Terrain,
    a: tuple[float, float, float],
    b: tuple[float, float, float],
    radio: str | Radio = DEFAULT_RADIO,
    antenna: str | Antenna = DEFAULT_ANTENNA,
    **options: Any,  # noqa: ANN401  # passed on to where each has its type
) -> RelayPlan:
    """Return :func:`rahdari.methods.microwave_relay.relay_search` with radio and dish named from the catalogue."""
    return microwave_relay.relay_search(dem, a, b, *_equipment(radio, antenna), **options)
