"""Parameters of the edge engine; every range says how far the value is uncertain."""

from __future__ import annotations

from pydantic import Field

from rahdari.model import Params


class EdgeParams(Params):
    """Where services arise, what a server does, where nodes may stand, and prices."""

    gantry_spacing_km: float = Field(
        20.0, ge=5.0, le=60.0, description="Distance between tolling gantries: about that of interchanges, assumed"
    )
    city_n_people: int = Field(
        1_000_000, ge=100_000, le=20_000_000,
        description="City people of a district from which on it gets plate recognition",
    )  # fmt: skip
    detour_ratio: float = Field(
        1.4, ge=1.0, le=2.5, description="Fibre from an origin to the network, over great circle"
    )
    attach_max_km: float = Field(60.0, ge=1.0, le=300.0, description="Farthest that an origin may lie from fibre")
    part_servers_count: float = Field(2.0, ge=0.5, le=8.0, description="Share of servers above which a workload is cut")
    workers_per_server_count: int = Field(
        32,
        ge=4,
        le=512,
        description="Jobs that one edge cabinet does at a time: two servers with accelerators, assumed",
    )
    full_load_frac: float = Field(0.8, ge=0.3, le=0.95, description="Load in the busy hour that counts as full")
    storage_tb_per_server: float = Field(200.0, ge=10.0, le=2000.0, description="Disks of one cabinet, TB, assumed")
    pop_power_kw: float = Field(30.0, ge=1.0, le=200.0, description="Power and cooling to spare at a point of presence")
    exchange_power_kw: float = Field(15.0, ge=1.0, le=100.0, description="The same at an exchange or border site")
    tower_power_kw: float = Field(2.5, ge=0.5, le=10.0, description="The same at a cell site on fibre")
    node_autonomy_h: float = Field(
        8.0, ge=0.0, le=72.0, description="Hours of battery bought for each server where no generator stands"
    )
    bridging_h: float = Field(1.0, ge=0.1, le=8.0, description="Hours of battery bought where a generator stands")
    candidate_spacing_km: float = Field(15.0, ge=0.0, le=100.0, description="Least distance between two candidates")
    n_candidates_max: int = Field(120, ge=2, le=400, description="Most sites that are looked at")
    node_capex_usd: float = Field(
        12_000.0, ge=1000.0, le=100_000.0, description="Opening a node: rack, cooling, switches, works, assumed"
    )
    node_opex_usd_per_year: float = Field(2_400.0, ge=0.0, le=50_000.0, description="Rent, visits and care, assumed")
    node_life_years: float = Field(10.0, ge=3.0, le=25.0, description="Years until a node is fitted anew")
    usd_per_kwh: float = Field(
        0.16, ge=0.02, le=0.6, description="Price of energy; 45.43 rupees a kWh, at 281.4 to the dollar"
    )
    usd_per_mbps_km: float = Field(
        0.002, ge=0.0, le=1.0,
        description="Lit capacity, US dollars a year for one Mbit/s over one km: some way above its cost, assumed",
    )  # fmt: skip
    standby_frac: float = Field(0.5, ge=0.0, le=1.0, description="Share of that paid for a way held in standby")
    n_steps_quick: int = Field(40, ge=20, le=2000, description="Steps of the proof in quick detail")
    n_steps_full: int = Field(400, ge=20, le=2000, description="Steps of the proof in full detail")
