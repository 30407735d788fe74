"""The line model and the written files against GNPy itself, where it is installed."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rahdari.methods.line import Amplifier, Channels, Span, combined_db, line_gsnr_db, line_noise
from rahdari.methods.line_design import ADD_DROP_OSNR_DB
from rahdari.sources.networks.gnpy_files import (
    ROADM_POWER_DBM,
    OpticalLink,
    OpticalNetwork,
    OpticalSite,
    equipment_json,
    topology_json,
)
from tests.oracles.gnpy_lines import LINES, gnpy_gsnr_db, gnpy_span

if TYPE_CHECKING:
    from pathlib import Path

if importlib.util.find_spec("gnpy") is None:
    pytest.skip("GNPy is not installed: it pins pandas below 3; see requirements/oracles.in", allow_module_level=True)

SITES = tuple(OpticalSite(name, name, 70.0 + place, 30.0) for place, name in enumerate("ABC"))
NETWORK = OpticalNetwork(
    "three sites",
    SITES,
    (
        OpticalLink("ab", "A", "B", (Span(80.0),) * 3),
        OpticalLink("bc", "B", "C", (Span(60.0, 0.22, ageing_db=1.0), Span(40.0))),
        OpticalLink("ca", "C", "A", (Span(90.0, dispersion_slope_ps_per_nm2_km=0.067),) * 4),
    ),
    Amplifier(5.5),
    1.0,
)


@pytest.mark.parametrize("line", LINES, ids=[line.name for line in LINES])
def test_the_gn_line_agrees_with_gnpy_on_every_channel(line: object) -> None:
    found = line_gsnr_db(line.spans, line.channels, line.amplifier, physics="gn")
    assert found == pytest.approx(gnpy_gsnr_db(line), abs=0.02)


@pytest.mark.parametrize(("length_km", "power_dbm"), [(40.0, 0.0), (80.0, 2.0), (120.0, -1.0)])
def test_raman_scattering_agrees_with_gnpys_numerical_integral(length_km: float, power_dbm: float) -> None:
    channels = Channels.grid(60, power_dbm=power_dbm)
    which = np.array([0, 30, 59])
    ratio, kept = gnpy_span(Span(length_km), channels, which)
    noise = line_noise([Span(length_km)], channels, Amplifier(5.0), physics="isrs")
    interference = (noise.self_interference_ratio + noise.cross_interference_ratio)[which]
    assert 10.0 * np.log10(interference / ratio) == pytest.approx(0.0, abs=0.1)
    quanta = channels.frequency_thz[which] / kept  # amplifier noise over signal up to a constant
    assert noise.amplifier_ratio[which] / quanta == pytest.approx((noise.amplifier_ratio[which] / quanta)[1], rel=0.005)


def test_gnpy_loads_the_written_network_and_propagates_through_it(tmp_path: Path) -> None:
    from gnpy.core.parameters import SimParams
    from gnpy.tools.json_io import load_equipment, load_network
    from gnpy.tools.worker_utils import designed_network, transmission_simulation

    spans = [span for link in NETWORK.links for span in link.spans]
    channels = Channels.grid(40, power_dbm=1.0, transmitter_osnr_db=40.0)
    SimParams.set_params({})
    (tmp_path / "equipment.json").write_text(equipment_json(spans, channels, NETWORK.amplifier), encoding="utf-8")
    (tmp_path / "topology.json").write_text(topology_json(NETWORK), encoding="utf-8")
    equipment = load_equipment(tmp_path / "equipment.json")
    network = load_network(tmp_path / "topology.json", equipment)
    network, request, reference = designed_network(
        equipment, network, source="trx A", destination="trx B", no_insert_edfas=True
    )
    path, *_ = transmission_simulation(equipment, network, request, reference)
    assert [str(node.uid) for node in path if node.uid.startswith("roadm")] == ["roadm A", "roadm B"]
    line = line_gsnr_db((Span(80.0),) * 3, channels, NETWORK.amplifier)
    photons_dbm = 10.0 * np.log10(6.62607015e-34 * channels.frequency_thz * 1e12 * 12.5e9 / 1e-3)
    booster = ROADM_POWER_DBM - NETWORK.amplifier.noise_figure_db - photons_dbm
    expected = combined_db(line, booster, ADD_DROP_OSNR_DB)
    assert path[-1].snr_01nm == pytest.approx(expected, abs=0.05)
