"""Parameters of the backbone engine."""

from __future__ import annotations

from pydantic import Field

from rahdari.model import Params


class BackboneParams(Params):
    """What the backbone model assumes; ranges and sources stand in the engine's README."""

    corridor_from_name: str = Field(
        default="Khunjerab",
        description="Landmark where the transit corridor enters; no corridor is made where it is unknown.",
    )
    corridor_via_name: str = Field(
        default="Rawalpindi", description="Landmark or city through which the corridor runs."
    )
    corridor_to_name: str = Field(
        default="Karachi", description="Landmark or city where the corridor meets the sea cables."
    )
    n_cities: int = Field(default=8, ge=0, le=30, description="Largest cities that are joined pairwise.")
    city_radius_km: float = Field(
        default=20.0, ge=1.0, le=100.0, description="Towns within this distance are counted as one city."
    )
    city_spacing_km: float = Field(
        default=60.0, ge=1.0, le=500.0, description="Least distance between two of the cities that are joined."
    )
    n_variants: int = Field(default=8, ge=0, le=40, description="Most variants of the corridor that are listed.")
    variant_detour_ratio: float = Field(
        default=1.3, ge=1.0, le=3.0, description="Longest variant over the corridor, both in fibre kilometres."
    )
    attach_max_km: float = Field(
        default=30.0,
        ge=1.0,
        le=200.0,
        description="Farthest that an end may lie from a right-of-way node, great circle.",
    )
    foreign_way_ratio: float = Field(
        default=3.0,
        ge=1.0,
        le=100.0,
        description="How many domestic kilometres one kilometre abroad counts in the choice.",
    )
    cuts_per_1000_km_per_year: float = Field(
        default=2.7, ge=0.1, le=20.0, description="Cuts of a terrestrial fibre in a year, for each 1,000 km of fibre."
    )
    cuts_low_per_1000_km_per_year: float = Field(default=1.0, ge=0.1, le=20.0, description="Low end of the cut rate.")
    cuts_high_per_1000_km_per_year: float = Field(default=6.0, ge=0.1, le=20.0, description="High end of the cut rate.")
    repair_h: float = Field(default=12.0, ge=1.0, le=240.0, description="Mean time from a cut to its repair.")
    common_cause_frac: float = Field(
        default=0.01,
        ge=0.0,
        le=0.5,
        description="Share of time down that strikes both ways of a pair and that no risk group tells: works, faults.",
    )
    common_cause_low_frac: float = Field(default=0.0, ge=0.0, le=0.5, description="Low end of the common-cause share.")
    common_cause_high_frac: float = Field(
        default=0.05, ge=0.0, le=0.5, description="High end of the common-cause share."
    )
    amplifier_backup_h: float = Field(
        default=24.0, ge=0.0, le=240.0, description="How long batteries and generator carry an amplifier without grid."
    )
    span_max_km: float = Field(default=80.0, ge=20.0, le=150.0, description="Longest fibre between two amplifiers.")
    loss_db_per_km: float = Field(
        default=0.22, ge=0.15, le=0.4, description="Loss of installed fibre with its splices."
    )
    span_extra_loss_db: float = Field(default=1.0, ge=0.0, le=10.0, description="Connectors and ageing of each span.")
    noise_figure_db: float = Field(default=5.5, ge=3.5, le=9.0, description="Noise figure of an amplifier.")
    launch_power_dbm: float = Field(default=1.0, ge=-5.0, le=6.0, description="Power of one channel into each span.")
    symbol_rate_ghz: float = Field(
        default=64.0, ge=25.0, le=140.0, description="Symbols a second of one channel, in billions."
    )
    spacing_ghz: float = Field(default=75.0, ge=37.5, le=200.0, description="Grid on which the channels stand.")
    n_channels: int = Field(default=64, ge=1, le=160, description="Channels in the band: 4.8 THz of the C band.")
    n_core_centres: int = Field(
        default=48, ge=2, le=200, description="Most cities that the national core joins; all demand hangs on them."
    )
    core_spacing_km: float = Field(
        default=40.0, ge=1.0, le=500.0, description="Least distance between two cities of the core."
    )
    n_core_neighbours: int = Field(
        default=2, ge=1, le=12, description="Nearest cities to which each city of the core has candidate ways."
    )
    core_reuse_ratio: float = Field(
        default=0.5,
        gt=0.0,
        le=1.0,
        description="What a kilometre counts that another pair of cities uses already, in the choice of candidates.",
    )
    leaves_city_frac: float = Field(
        default=0.3,
        ge=0.0,
        le=1.0,
        description="Share of busy-hour traffic that leaves a city and what hangs on it; caches answer the rest.",
    )
    to_landings_frac: float = Field(
        default=0.5, ge=0.0, le=1.0, description="Share of what leaves a city that goes to the sea cables."
    )
    gravity_exponent: float = Field(
        default=1.0, ge=0.0, le=3.0, description="Power of distance by which traffic between cities falls."
    )
    core_gap_frac: float = Field(
        default=0.05, ge=1e-6, le=0.5, description="Gap between cost and proven bound at which a quick design ends."
    )
    core_gap_full_frac: float = Field(default=0.02, ge=1e-6, le=0.5, description="The same at full detail.")
    core_least_frac: float = Field(
        default=3e-4,
        ge=0.0,
        le=0.1,
        description="Demands below this share of all traffic are too small for a wavelength and meet at the landings.",
    )
    cable_use_frac: float = Field(
        default=0.78,
        ge=0.1,
        le=1.0,
        description="Share of the sea cables' active capacity in use: 10.1 of 13.0 Tbit/s, October 2024.",
    )
    cable_use_low_frac: float = Field(default=0.6, ge=0.1, le=1.0, description="Low end of the share in use.")
    cable_use_high_frac: float = Field(default=0.95, ge=0.1, le=1.0, description="High end of the share in use.")
    show_named_risks: bool = Field(
        default=False,
        description="List risk groups by name with their members; such rows are restricted and enter no shared output.",
    )
    margin_db: float = Field(default=2.0, ge=0.0, le=8.0, description="Kept back for ageing, repairs and model error.")
