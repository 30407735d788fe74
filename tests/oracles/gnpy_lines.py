"""Lines that the model and GNPy both compute, and how GNPy is asked; GNPy is imported on the asking only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from rahdari.methods.line import Amplifier, Channels, Span
from rahdari.sources.networks.gnpy_files import equipment_json, line_json


@dataclass(frozen=True)
class Line:
    """One line of the table: name, spans, channels, amplifier."""

    name: str
    spans: tuple[Span, ...]
    channels: Channels
    amplifier: Amplifier


def grid(n_channels: int, spacing_ghz: float, symbol_rate_ghz: float, power_dbm: float) -> Channels:
    return Channels.grid(
        n_channels,
        spacing_ghz=spacing_ghz,
        symbol_rate_ghz=symbol_rate_ghz,
        power_dbm=power_dbm,
        transmitter_osnr_db=40.0,
    )


FIXED = Amplifier(noise_figure_db=5.5)
SHORT = Span(40.0, connector_in_db=0.5, connector_out_db=0.5)
LONG = Span(120.0, loss_db_per_km=0.19, connector_in_db=0.3, connector_out_db=0.3)
MIXED = (Span(55.0, 0.22), Span(96.0, 0.19), Span(78.0, 0.21, dispersion_ps_per_nm_km=4.5, area_um2=72.0)) * 4
LINES = (
    Line("28 x 80 km, 76 x 50 GHz, 32 GBd, 0 dBm", (Span(80.0),) * 28, grid(76, 50.0, 32.0, 0.0), Amplifier(6.5)),
    Line("10 x 40 km, 76 x 50 GHz, 32 GBd, -3 dBm", (SHORT,) * 10, grid(76, 50.0, 32.0, -3.0), FIXED),
    Line("40 x 60 km, 76 x 50 GHz, 32 GBd, -1 dBm", (Span(60.0),) * 40, grid(76, 50.0, 32.0, -1.0), FIXED),
    Line("10 x 120 km, 50 x 75 GHz, 64 GBd, 3 dBm", (LONG,) * 10, grid(50, 75.0, 64.0, 3.0), FIXED),
    Line("20 x 100 km, 50 x 75 GHz, 64 GBd, 1 dBm", (Span(100.0),) * 20, grid(50, 75.0, 64.0, 1.0), FIXED),
    Line("15 x 80 km, 20 x 100 GHz, 32 GBd, 3 dBm", (Span(80.0),) * 15, grid(20, 100.0, 32.0, 3.0), FIXED),
    Line("12 mixed spans, 96 x 50 GHz, 31.57 GBd, 0 dBm", MIXED, grid(96, 50.0, 31.57, 0.0), FIXED),
    Line(
        "20 x 80 km, two-stage amplifier, 50 x 75 GHz, 63.1 GBd, 2 dBm",
        (Span(80.0),) * 20,
        grid(50, 75.0, 63.1, 2.0),
        Amplifier(6.5, 8.0, 16.0, 11.0),
    ),
    Line(
        "12 x 70 km with dispersion slope, 76 x 50 GHz, 32 GBd, 0 dBm",
        (Span(70.0, 0.21, dispersion_slope_ps_per_nm2_km=0.067),) * 12,
        grid(76, 50.0, 32.0, 0.0),
        FIXED,
    ),
)


def gnpy_gsnr_db(line: Line) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return GNPy's GSNR in 0.1 nm per channel: gn_model_analytic, no Raman, our gains, no ROADMs."""
    from gnpy.core.parameters import SimParams
    from gnpy.tools.json_io import load_eqpt_topo_from_json
    from gnpy.tools.worker_utils import designed_network, transmission_simulation

    SimParams.set_params({"nli_params": {"method": "gn_model_analytic"}, "raman_params": {"flag": False}})
    library = json.loads(equipment_json(line.spans, line.channels, line.amplifier))
    equipment, network = load_eqpt_topo_from_json(library, json.loads(line_json(line.spans, line.amplifier)))
    network, request, reference = designed_network(
        equipment, network, source="A", destination="B", no_insert_edfas=True
    )
    path, *_ = transmission_simulation(equipment, network, request, reference)
    return np.asarray(path[-1].snr_01nm)


def gnpy_span(span: Span, channels: Channels, which: np.ndarray[Any, np.dtype[np.int64]]) -> tuple[Any, Any]:
    """Return interference over signal and the share of power kept of some channels, with Raman scattering.

    By ggn_spectrally_separated, a numerical integral; spans without connectors.
    """
    from gnpy.core.elements import Fiber
    from gnpy.core.info import create_arbitrary_spectral_information
    from gnpy.core.parameters import SimParams
    from gnpy.core.science_utils import NliSolver, RamanSolver

    numbers = (which + 1).tolist()
    interference = {"method": "ggn_spectrally_separated", "dispersion_tolerance": 1, "computed_channels": numbers}
    raman = {"flag": True, "order": 4, "result_spatial_resolution": 5e3, "solver_spatial_resolution": 500}
    SimParams.set_params({"nli_params": interference, "raman_params": raman})
    params = {
        "length": span.length_km, "length_units": "km", "loss_coef": span.loss_db_per_km, "att_in": 0.0,
        "con_in": 0.0, "con_out": 0.0, "dispersion": span.dispersion_ps_per_nm_km * 1e-6,
        "effective_area": span.area_um2 * 1e-12, "pmd_coef": 0.0,
    }  # fmt: skip
    fibre = Fiber(uid="fibre", params=params)
    power_w = 10.0 ** (0.1 * channels.power_dbm) * 1e-3
    info = create_arbitrary_spectral_information(
        frequency=channels.frequency_thz * 1e12,
        pch=power_w,
        baud_rate=channels.symbol_rate_ghz * 1e9,
        tx_osnr=100.0,
        tx_power=power_w,
        slot_width=float(np.diff(channels.frequency_thz).min()) * 1e12 - 1.0,
        roll_off=channels.roll_off,
    )
    scattering = RamanSolver.calculate_stimulated_raman_scattering(info, fibre)
    noise_w = NliSolver.compute_nli(info, scattering, fibre)
    SimParams.set_params({})
    return (noise_w / power_w)[which], scattering.loss_profile[which, -1]
