"""The files written for GNPy: what its format asks, without GNPy; tests/oracles loads them with it."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

from rahdari.errors import InputError
from rahdari.methods.instance import Instance
from rahdari.methods.line import Amplifier, Channels, Span
from rahdari.sources.networks.gnpy_files import (
    OpticalLink,
    OpticalNetwork,
    OpticalSite,
    equipment_json,
    line_json,
    optical_network,
    spacing_of_ghz,
    topology_json,
)

SPANS = (Span(80.0, connector_in_db=0.5), Span(60.0, 0.22, ageing_db=1.0, area_um2=72.0))
NETWORK = OpticalNetwork(
    "two sites",
    (OpticalSite("B", "Beta", 71.0, 31.0), OpticalSite("A", "Alpha", 70.0, 30.0)),
    (OpticalLink("ab", "A", "B", SPANS),),
    Amplifier(5.5, gain_tilt_db=0.4),
    1.0,
)
#: What an element of each type carries in GNPy's documentation of its JSON input files.
FIELDS = {
    "Transceiver": {"uid", "type", "metadata"},
    "Roadm": {"uid", "type", "params", "metadata"},
    "Fiber": {"uid", "type", "type_variety", "params", "metadata"},
    "Edfa": {"uid", "type", "type_variety", "operational", "metadata"},
}
FIBRE_PARAMS = {"length", "length_units", "loss_coef", "att_in", "con_in", "con_out", "pmd_coef"}
OPERATIONAL = {"gain_target", "delta_p", "tilt_target", "out_voa", "in_voa"}


def test_every_element_has_the_fields_of_its_type() -> None:
    for element in json.loads(topology_json(NETWORK))["elements"]:
        assert set(element) == FIELDS[element["type"]]
        assert set(element["metadata"]["location"]) == {"city", "region", "latitude", "longitude"}
        if element["type"] == "Fiber":
            assert set(element["params"]) == FIBRE_PARAMS
        if element["type"] == "Edfa":
            assert set(element["operational"]) == OPERATIONAL


def test_every_connection_joins_elements_and_every_line_runs_from_roadm_to_roadm() -> None:
    content = json.loads(topology_json(NETWORK))
    kind = {element["uid"]: element["type"] for element in content["elements"]}
    assert len(kind) == len(content["elements"])
    after = {}
    for connection in content["connections"]:
        first, second = connection["from_node"], connection["to_node"]
        assert {first, second} <= set(kind)
        if kind[first] in {"Fiber", "Edfa"}:
            assert first not in after
            after[first] = second
    for start, target in (("ab forth booster", "roadm B"), ("ab back booster", "roadm A")):
        chain = [start]
        while chain[-1] in after:
            chain.append(after[chain[-1]])
        assert [kind[uid] for uid in chain] == ["Edfa", "Fiber", "Edfa", "Fiber", "Edfa", "Roadm"]
        assert chain[-1] == target


def test_each_amplifier_makes_up_its_span_and_the_booster_lifts_to_the_launch_power() -> None:
    elements = {element["uid"]: element for element in json.loads(topology_json(NETWORK))["elements"]}
    gains = [
        elements[f"ab forth {end}"]["operational"]["gain_target"] for end in ("booster", "amplifier 1", "amplifier 2")
    ]
    assert gains == pytest.approx([21.0, 16.5, 14.2])
    assert elements["ab back amplifier 1"]["operational"]["gain_target"] == pytest.approx(14.2)
    assert elements["ab forth fibre 2"]["params"]["con_out"] == pytest.approx(1.0)
    assert elements["ab forth amplifier 1"]["operational"]["tilt_target"] == pytest.approx(0.4)


def test_the_equipment_file_names_every_type_that_the_topology_uses() -> None:
    library = json.loads(equipment_json(SPANS, Channels.grid(40), NETWORK.amplifier))
    assert set(library) == {"Edfa", "Fiber", "Span", "Roadm", "SI", "Transceiver"}
    used = Counter(
        (element["type"], element["type_variety"])
        for element in json.loads(topology_json(NETWORK))["elements"]
        if "type_variety" in element
    )
    known = {("Fiber", one["type_variety"]) for one in library["Fiber"]} | {
        ("Edfa", one["type_variety"]) for one in library["Edfa"]
    }
    assert set(used) <= known
    assert len({kind for kind in used if kind[0] == "Fiber"}) == 2


def test_units_are_those_of_gnpy() -> None:
    library = json.loads(equipment_json(SPANS[:1], Channels.grid(76), Amplifier(6.0, 15.0, 25.0, 10.0)))
    spectrum, fibre, edfa = library["SI"][0], library["Fiber"][0], library["Edfa"][0]
    assert (spectrum["f_min"], spectrum["f_max"]) == (191.35e12, 195.1e12)
    assert (spectrum["spacing"], spectrum["baud_rate"]) == (50e9, 32e9)
    assert fibre["dispersion"] == pytest.approx(1.67e-5)
    assert fibre["effective_area"] == pytest.approx(83e-12)
    assert (edfa["type_def"], edfa["nf_min"], edfa["nf_max"]) == ("variable_gain", 6.0, 10.0)


def test_a_single_channel_takes_whole_slots() -> None:
    assert spacing_of_ghz(Channels([193.4], symbol_rate_ghz=63.1)) == pytest.approx(75.0)
    assert spacing_of_ghz(Channels([193.4], symbol_rate_ghz=32.0)) == pytest.approx(37.5)


def test_slopes_of_loss_and_dispersion_are_written_where_given() -> None:
    sloped = Span(80.0, loss_slope_db_per_km_thz=0.001, dispersion_slope_ps_per_nm2_km=0.067)
    params = json.loads(line_json([sloped], Amplifier()))["elements"][1]["params"]
    assert params["dispersion_slope"] == pytest.approx(67.0)
    rise = np.diff(params["loss_coef"]["value"]) / np.diff(params["loss_coef"]["frequency"])
    assert rise == pytest.approx([0.001 * 1e-12])


def test_neither_order_of_sites_nor_of_links_changes_the_text() -> None:
    turned = OpticalNetwork(NETWORK.name, NETWORK.sites[::-1], NETWORK.links, NETWORK.amplifier, 1.0)
    assert topology_json(turned) == topology_json(NETWORK)


def test_a_planning_instance_is_cut_into_spans() -> None:
    instance = Instance(
        ("A", "B"), np.array([70.0, 71.0]), np.array([30.0, 31.0]), ("ab",), np.array([[0, 1]]), np.ones(1),
        np.zeros(1), (), (), np.array([200.0]), (), np.empty((0, 2), np.int64), np.empty(0), "pair",
    )  # fmt: skip
    network = optical_network(instance, Span(80.0))
    assert [span.length_km for span in network.links[0].spans] == pytest.approx([200.0 / 3.0] * 3)
    assert json.loads(topology_json(network))["network_name"] == "pair"


def test_all_faults_of_a_network_are_named_at_once() -> None:
    sites = (OpticalSite("A"), OpticalSite("A"))
    links = (OpticalLink("x", "A", "Z", SPANS), OpticalLink("y", "A", "A", ()))
    with pytest.raises(InputError) as caught:
        topology_json(OpticalNetwork("bad", sites, links))
    assert len(caught.value.problems) == 3
