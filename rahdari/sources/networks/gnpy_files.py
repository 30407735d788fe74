"""Optical networks as GNPy reads them: topology, equipment and spectrum in JSON text.

Format: GNPy 3 "legacy" JSON as its documentation describes it (gnpy.readthedocs.io, JSON input files); lengths in km,
losses in dB, frequencies and symbol rates in Hz, dispersion in s/m^2, area in m^2.  Every amplifier is written with its
gain, so that GNPy propagates this design and does not make its own.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rahdari.errors import Problem, raise_if_any
from rahdari.methods.line import Amplifier, Channels, Span
from rahdari.methods.line_design import ADD_DROP_OSNR_DB, MODES, spans_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rahdari.methods.instance import Instance
    from rahdari.methods.line_design import TransceiverMode

    Element = dict[str, object]

AMPLIFIER = "rahdari_amplifier"  # type names that tie the two files together
FIBRE = "rahdari_fibre"
TRANSCEIVER = "rahdari_transceiver"
ROADM_POWER_DBM = -20.0  # what a ROADM's degree gives each channel before its booster; GNPy's default
PMD_S_PER_SQRT_M = 1.265e-15  # ITU-T G.652.D link value of 0.04 ps/sqrt(km), GNPy's default fibre
QUIET_OSNR_DB = 100.0  # stands for "no transmitter noise", which JSON cannot say as infinity
LOUD_DBM = 60.0  # stands for "no limit" of an amplifier's power likewise
HZ_PER_THZ, HZ_PER_GHZ, BPS_PER_GBPS = 1e12, 1e9, 1e9
DISPERSION_SI, SLOPE_SI, AREA_SI = 1e-6, 1e3, 1e-12  # ps/(nm km), ps/(nm2 km) and um2 to SI
LOSS_RANGE_THZ = (180.0, 205.0)  # where a loss slope is drawn; S to L band
SLOT_GHZ = 12.5  # ITU-T G.694.1


@dataclass(frozen=True, slots=True)
class OpticalSite:
    """A place with a ROADM and transceivers."""

    site_id: str
    name: str = ""
    lon_deg: float = 0.0
    lat_deg: float = 0.0


@dataclass(frozen=True, slots=True)
class OpticalLink:
    """A fibre pair between two sites; ``spans`` run from the first to the second, and back in reverse."""

    link_id: str
    from_site_id: str
    to_site_id: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class OpticalNetwork:
    """Sites and links with one amplifier type and one launch power per channel into every span."""

    name: str
    sites: tuple[OpticalSite, ...]
    links: tuple[OpticalLink, ...]
    amplifier: Amplifier = Amplifier()  # noqa: RUF009 -- frozen, so one default serves all
    power_dbm: float = 0.0


def optical_network(
    instance: Instance, plant: Span, amplifier: Amplifier | None = None, power_dbm: float = 0.0
) -> OpticalNetwork:
    """Return the optical network of a planning instance: its links cut into equal spans no longer than ``plant``.

    Raises :class:`~rahdari.errors.InputError` for links without a length.
    """
    lengths = instance.link_length_km.tolist()
    raise_if_any(
        [
            Problem(f"link {link_id} has no length", "give length_km", row=row + 1, column="length_km")
            for row, (link_id, length_km) in enumerate(zip(instance.link_id, lengths, strict=True))
            if not length_km > 0.0
        ]
    )
    n_nodes = len(instance.node_id)
    lon = np.zeros(n_nodes) if instance.node_lon_deg is None else np.nan_to_num(instance.node_lon_deg)
    lat = np.zeros(n_nodes) if instance.node_lat_deg is None else np.nan_to_num(instance.node_lat_deg)
    places = zip(instance.node_id, lon.tolist(), lat.tolist(), strict=True)
    sites = tuple(OpticalSite(node_id, node_id, *place) for node_id, *place in places)
    ends = instance.link_node.tolist()
    links = tuple(
        OpticalLink(link_id, instance.node_id[first], instance.node_id[second], spans_for(length_km, plant))
        for link_id, (first, second), length_km in zip(instance.link_id, ends, lengths, strict=True)
    )
    return OpticalNetwork(instance.name, sites, links, amplifier or Amplifier(), power_dbm)


def _problems(network: OpticalNetwork) -> list[Problem]:
    """Return what GNPy would stumble over: repeated names, links to nowhere, links without spans."""
    problems = []
    for kind, names in (
        ("site", [site.site_id for site in network.sites]),
        ("link", [link.link_id for link in network.links]),
    ):
        problems += [
            Problem(f"{kind} {name} is given twice", "give each an id of its own", column=f"{kind}_id")
            for name in sorted({name for name in names if names.count(name) > 1})
        ]
    known = {site.site_id for site in network.sites}
    for link in network.links:
        for column, end in (("from_site_id", link.from_site_id), ("to_site_id", link.to_site_id)):
            if end not in known:
                problems.append(
                    Problem(f"link {link.link_id} ends at {end}, which is no site", "add it", column=column)
                )
        if not link.spans:
            problems.append(Problem(f"link {link.link_id} has no span", "give at least one", column="spans"))
    return problems


def _location(site: OpticalSite) -> Element:
    """Return the place of an element."""
    place = {"city": site.name or site.site_id, "region": "", "latitude": site.lat_deg, "longitude": site.lon_deg}
    return {"location": place}


def _between(first: OpticalSite, second: OpticalSite, share: float) -> OpticalSite:
    """Return a nameless place on the straight line between two sites, for drawings."""
    lon = first.lon_deg + share * (second.lon_deg - first.lon_deg)
    lat = first.lat_deg + share * (second.lat_deg - first.lat_deg)
    return OpticalSite("", f"{first.site_id} - {second.site_id}", lon, lat)


def _fibre_type(span: Span) -> tuple[float, float | None, float]:
    """Return what sets one type of fibre apart."""
    return span.dispersion_ps_per_nm_km, span.dispersion_slope_ps_per_nm2_km, span.area_um2


def _fibre_names(spans: Sequence[Span]) -> dict[tuple[float, float | None, float], str]:
    """Return a name for each type of fibre, in a stable order."""
    kinds = sorted({_fibre_type(span) for span in spans}, key=repr)
    return {kind: f"{FIBRE}_{number}" for number, kind in enumerate(kinds, 1)}


def _fibre(uid: str, span: Span, type_name: str, site: OpticalSite) -> Element:
    """Return one fibre element; ageing is counted with the far connector, as GNPy does."""
    loss: object = span.loss_db_per_km
    if span.loss_slope_db_per_km_thz:
        from rahdari.methods.line import LIGHT_SPEED_NM_THZ, REFERENCE_WAVELENGTH_NM

        reference_thz = LIGHT_SPEED_NM_THZ / REFERENCE_WAVELENGTH_NM
        losses = [
            span.loss_db_per_km + span.loss_slope_db_per_km_thz * (edge - reference_thz) for edge in LOSS_RANGE_THZ
        ]
        loss = {"value": losses, "frequency": [edge * HZ_PER_THZ for edge in LOSS_RANGE_THZ]}
    params: Element = {
        "length": span.length_km,
        "length_units": "km",
        "loss_coef": loss,
        "att_in": 0.0,
        "con_in": span.connector_in_db,
        "con_out": span.connector_out_db + span.ageing_db,
        "pmd_coef": PMD_S_PER_SQRT_M,
    }
    if span.dispersion_slope_ps_per_nm2_km is not None:
        params["dispersion"] = span.dispersion_ps_per_nm_km * DISPERSION_SI
        params["dispersion_slope"] = span.dispersion_slope_ps_per_nm2_km * SLOPE_SI
    return {"uid": uid, "type": "Fiber", "type_variety": type_name, "params": params, "metadata": _location(site)}


def _edfa(uid: str, gain_db: float, tilt_db: float, site: OpticalSite) -> Element:
    """Return one amplifier element with its gain."""
    operational = {"gain_target": gain_db, "delta_p": 0.0, "tilt_target": tilt_db, "out_voa": 0.0, "in_voa": 0.0}
    return {
        "uid": uid,
        "type": "Edfa",
        "type_variety": AMPLIFIER,
        "operational": operational,
        "metadata": _location(site),
    }


def _chain(elements: Sequence[Element]) -> list[dict[str, object]]:
    """Return the connections along a sequence of elements."""
    return [{"from_node": a["uid"], "to_node": b["uid"]} for a, b in itertools.pairwise(elements)]


def _direction(
    network: OpticalNetwork,
    link: OpticalLink,
    names: dict[tuple[float, float | None, float], str],
    sites: dict[str, OpticalSite],
    *,
    is_back: bool,
) -> list[Element]:
    """Return booster, fibres and amplifiers of one direction of a link, in order."""
    first, second = sites[link.from_site_id], sites[link.to_site_id]
    spans = link.spans[::-1] if is_back else link.spans
    if is_back:
        first, second = second, first
    label = f"{link.link_id} {'back' if is_back else 'forth'}"
    total_km, done_km = sum(span.length_km for span in spans), 0.0
    tilt_db = network.amplifier.gain_tilt_db
    found = [_edfa(f"{label} booster", network.power_dbm - ROADM_POWER_DBM, 0.0, first)]
    for number, span in enumerate(spans, 1):
        middle = _between(first, second, (done_km + 0.5 * span.length_km) / total_km)
        done_km += span.length_km
        place = _between(first, second, done_km / total_km)
        found.append(_fibre(f"{label} fibre {number}", span, names[_fibre_type(span)], middle))
        found.append(_edfa(f"{label} amplifier {number}", span.total_loss_db, tilt_db, place))
    return found


def topology_json(network: OpticalNetwork) -> str:
    """Return the topology as JSON text: a transceiver and a ROADM a site, both directions of every link.

    Raises :class:`~rahdari.errors.InputError` for repeated ids, links to unknown sites and links without spans.
    """
    raise_if_any(_problems(network))
    sites = {site.site_id: site for site in sorted(network.sites, key=lambda site: site.site_id)}
    names = _fibre_names([span for link in network.links for span in link.spans])
    elements: list[Element] = []
    connections: list[dict[str, object]] = []
    for site in sites.values():
        trx: Element = {"uid": f"trx {site.site_id}", "type": "Transceiver", "metadata": _location(site)}
        roadm: Element = {
            "uid": f"roadm {site.site_id}",
            "type": "Roadm",
            "params": {"target_pch_out_db": ROADM_POWER_DBM},
            "metadata": _location(site),
        }
        elements += [trx, roadm]
        connections += _chain([trx, roadm, trx])
    for link in sorted(network.links, key=lambda link: link.link_id):
        for is_back in (False, True):
            ends = [link.from_site_id, link.to_site_id]
            if is_back:
                ends.reverse()
            chain = _direction(network, link, names, sites, is_back=is_back)
            elements += chain
            connections += _chain([{"uid": f"roadm {ends[0]}"}, *chain, {"uid": f"roadm {ends[1]}"}])
    content = {"network_name": network.name, "elements": elements, "connections": connections}
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)


def line_json(spans: Sequence[Span], amplifier: Amplifier, name: str = "line") -> str:
    """Return one line between transceivers ``A`` and ``B`` without ROADMs, as :func:`line_gsnr_db` computes it."""
    site = OpticalSite("", name)
    names = _fibre_names(spans)
    chain: list[Element] = [{"uid": "A", "type": "Transceiver", "metadata": _location(site)}]
    for number, span in enumerate(spans, 1):
        chain.append(_fibre(f"fibre {number}", span, names[_fibre_type(span)], site))
        chain.append(_edfa(f"amplifier {number}", span.total_loss_db, amplifier.gain_tilt_db, site))
    chain.append({"uid": "B", "type": "Transceiver", "metadata": _location(site)})
    content = {"network_name": name, "elements": chain, "connections": _chain(chain)}
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)


def _amplifier_type(amplifier: Amplifier) -> Element:
    """Return the amplifier's type: fixed noise figure, or two stages where it rises at low gain."""
    found: Element = {
        "type_variety": AMPLIFIER,
        "gain_flatmax": amplifier.gain_max_db,
        "gain_min": amplifier.gain_min_db,
        "p_max": min(amplifier.power_max_dbm, LOUD_DBM),
        "allowed_for_design": True,
    }
    if amplifier.noise_figure_gain_min_db is None:
        return found | {"type_def": "fixed_gain", "nf0": amplifier.noise_figure_db}
    noise = {"nf_min": amplifier.noise_figure_db, "nf_max": amplifier.noise_figure_gain_min_db}
    return found | {"type_def": "variable_gain", "out_voa_auto": False} | noise


def _spectral_information(channels: Channels, spacing_ghz: float) -> Element:
    """Return the reference spectrum: an even grid from the lowest channel to the highest."""
    osnr_db = min(float(channels.transmitter_osnr_db.min()), QUIET_OSNR_DB)
    power_dbm = float(channels.power_dbm.max())
    return {
        "f_min": round(float(channels.frequency_thz.min()) * HZ_PER_THZ),
        "f_max": round(float(channels.frequency_thz.max()) * HZ_PER_THZ),
        "baud_rate": float(channels.symbol_rate_ghz.max()) * HZ_PER_GHZ,
        "spacing": spacing_ghz * HZ_PER_GHZ,
        "power_dbm": power_dbm,
        "power_range_db": [0, 0, 1],
        "roll_off": float(channels.roll_off.max()),
        "tx_osnr": osnr_db,
        "tx_power_dbm": power_dbm,
        "sys_margins": 0,
        "use_si_channel_count_for_design": True,
    }


def _mode(mode: TransceiverMode) -> Element:
    """Return one mode of the transceiver."""
    return {
        "format": mode.name,
        "baud_rate": mode.symbol_rate_ghz * HZ_PER_GHZ,
        "OSNR": mode.required_osnr_db,
        "bit_rate": mode.rate_gbps * BPS_PER_GBPS,
        "roll_off": 0.15,
        "tx_osnr": mode.transmitter_osnr_db,
        "min_spacing": mode.spacing_ghz * HZ_PER_GHZ,
        "cost": 1,
    }


def spacing_of_ghz(channels: Channels) -> float:
    """Return the least spacing of the channels; of a single one, its occupied width in slots of 12.5 GHz."""
    if channels.frequency_thz.size > 1:
        return round(float(np.diff(np.sort(channels.frequency_thz)).min() * HZ_PER_THZ)) / HZ_PER_GHZ
    return float(SLOT_GHZ * np.ceil(channels.symbol_rate_ghz[0] * (1.0 + channels.roll_off[0]) / SLOT_GHZ))


def equipment_json(
    spans: Sequence[Span],
    channels: Channels,
    amplifier: Amplifier,
    modes: Sequence[TransceiverMode] = MODES,
) -> str:
    """Return the equipment library as JSON text: one amplifier, every type of fibre, ROADM, transceiver, spectrum."""
    fibres = [
        {
            "type_variety": name,
            "dispersion": kind[0] * DISPERSION_SI,
            "effective_area": kind[2] * AREA_SI,
            "pmd_coef": PMD_S_PER_SQRT_M,
        }
        for kind, name in _fibre_names(spans).items()
    ]
    longest = max(spans, key=lambda span: span.total_loss_db)
    restrictions: Element = {"preamp_variety_list": [], "booster_variety_list": []}
    content = {
        "Edfa": [_amplifier_type(amplifier)],
        "Fiber": fibres,
        "Span": [
            {
                "power_mode": False,
                "delta_power_range_db": [0, 0, 0],
                "max_fiber_lineic_loss_for_raman": 0.25,
                "target_extended_gain": 0,
                "max_length": max(span.length_km for span in spans) + 1.0,
                "length_units": "km",
                "max_loss": longest.total_loss_db + 1.0,
                "padding": 0,
                "EOL": 0,
                "con_in": 0,
                "con_out": 0,
            }
        ],
        "Roadm": [
            {
                "type_variety": "default",
                "target_pch_out_db": ROADM_POWER_DBM,
                "add_drop_osnr": ADD_DROP_OSNR_DB,
                "pmd": 0,
                "pdl": 0,
                "restrictions": restrictions,
            }
        ],
        "SI": [_spectral_information(channels, spacing_of_ghz(channels))],
        "Transceiver": [
            {
                "type_variety": TRANSCEIVER,
                "frequency": {"min": 191.3 * HZ_PER_THZ, "max": 196.1 * HZ_PER_THZ},
                "mode": [_mode(mode) for mode in modes],
            }
        ],
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
