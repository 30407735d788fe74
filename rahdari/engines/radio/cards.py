"""What one technology radiates, carries and draws: parameters of the link, efficiency and power from the catalogue."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from rahdari.methods.cells import TechnologyCard
from rahdari.methods.propagation import noise_dbm

if TYPE_CHECKING:
    import polars as pl

    from rahdari.engines.radio.params import RadioParams

TECHNOLOGIES = ("4g", "5g")
#: Generations that carry a technology's users.
CARRIES: dict[str, tuple[str, ...]] = {"4g": ("4g", "5g"), "5g": ("5g",)}
ONE_OPERATOR_FRAC = 1.0  # the 5G plan is one operator's: its users meet its sites alone
#: Attenuation, highest rate of a layer, idle and added power, three sleep powers where the catalogue has no row:
#: 3GPP TR 36.942 annex A; the EARTH model for 4G, assumed for 5G.
USUAL = {
    "4g": (0.6, 4.4, 780.0, 564.0, 720.0, 600.0, 450.0),
    "5g": (0.6, 5.5, 1200.0, 1500.0, 900.0, 400.0, 60.0),
}
USUAL_FIELDS = (
    "attenuation_ratio",
    "max_bps_per_hz",
    "idle_w",
    "full_load_added_w",
    "micro_sleep_w",
    "light_sleep_w",
    "deep_sleep_w",
)


@dataclass(frozen=True, slots=True)
class Radio:
    """One technology as the link budget sees it, with its card."""

    technology: str
    eirp_dbm: float
    noise_dbm: float
    traffic_frac: float
    operator_share_frac: float
    card: TechnologyCard

    @property
    def snr_0_db(self) -> float:
        """Return the ratio of signal to noise over no path at all."""
        return self.eirp_dbm - self.noise_dbm

    @property
    def carrier_mhz(self) -> float:
        """Return one sector's downlink bandwidth times the gain of its layers."""
        return self.card.carrier_mhz / self.card.n_sectors


def catalogue_card(technology: str, technologies: pl.DataFrame) -> dict[str, float]:
    """Return efficiency and power of a technology from the catalogue, or the usual ones where it has none."""
    rows = technologies.filter(technologies["technology_id"] == technology)
    if not rows.height:
        return dict(zip(USUAL_FIELDS, USUAL[technology], strict=True))
    return {name: float(rows[name][0]) for name in USUAL_FIELDS}


def radio_of(technology: str, params: RadioParams, technologies: pl.DataFrame) -> Radio:
    """Return ``4g`` or ``5g``: bands and antennas by the parameters, efficiency and power by the catalogue."""
    is_4g = technology == "4g"
    bandwidth = params.bandwidth_4g_mhz if is_4g else params.bandwidth_5g_mhz
    card = TechnologyCard(
        technology_id=technology,
        frequency_ghz=params.frequency_4g_ghz if is_4g else params.frequency_5g_ghz,
        bandwidth_mhz=bandwidth,
        downlink_frac=1.0 if is_4g else params.downlink_share_5g_frac,
        layers_ratio=params.layers_4g_ratio if is_4g else params.layers_5g_ratio,
        n_sectors=params.sectors_per_site_count,
        **catalogue_card(technology, technologies),
    )
    return Radio(
        technology,
        params.eirp_4g_dbm if is_4g else params.eirp_5g_dbm,
        noise_dbm(bandwidth, params.noise_figure_db),
        params.mobile_traffic_frac if is_4g else params.traffic_5g_frac,
        params.operator_share_frac if is_4g else ONE_OPERATOR_FRAC,
        card,
    )


def published_card(technology: str, technologies: pl.DataFrame, fallback: TechnologyCard) -> TechnologyCard:
    """Return the catalogue's own card with its own bandwidth, or ``fallback`` where it has none."""
    rows = technologies.filter(technologies["technology_id"] == technology)
    if not rows.height:
        return fallback
    row = rows.row(0, named=True)
    return TechnologyCard(**{field.name: row[field.name] for field in fields(TechnologyCard)})
