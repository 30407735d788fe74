"""Constellations by their orbits, as filed, with the capacity that sources state."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from rahdari.methods.orbits import Shell, cap_angle_deg, cap_area_km2, mean_visible_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Constellation:
    """Shells of like altitude that give one service."""

    constellation_id: str
    name: str
    shells: tuple[Shell, ...]
    min_elevation_deg: float
    satellite_gbps: float
    cell_km2: float
    cell_mbps: float

    @property
    def n_satellites(self) -> int:
        """Return the satellites of all shells."""
        return sum(shell.n_satellites for shell in self.shells)

    @property
    def altitude_km(self) -> float:
        """Return the mean altitude of the satellites."""
        return sum(shell.n_satellites * shell.altitude_km for shell in self.shells) / self.n_satellites

    def visible(self, lat_deg: FloatArray) -> FloatArray:
        """Return the mean number of satellites in view at (n,) latitudes."""
        counts = [mean_visible_count(lat_deg, shell, self.min_elevation_deg) for shell in self.shells]
        return np.asarray(np.sum(counts, axis=0))

    def density_per_km2(self, lat_deg: FloatArray) -> FloatArray:
        """Return satellites over a square kilometre of ground: those in view over the area they are seen from."""
        parts = [
            mean_visible_count(lat_deg, shell, self.min_elevation_deg)
            / cap_area_km2(cap_angle_deg(shell.altitude_km, self.min_elevation_deg))
            for shell in self.shells
        ]
        return np.asarray(np.sum(parts, axis=0))


#: Orbits: filings with the FCC and the ITU (Table 1 of a 2022 survey in Acta Astronautica). Capacity: 20 Gbit/s,
#: 379 km2 cells (Pekhterev, SatMagazine 2021), eight beams assumed; 16 beams of 450 Mbit/s and 1,600 x 65 km (KUSAT).
CONSTELLATIONS = MappingProxyType(
    {
        item.constellation_id: item
        for item in (
            Constellation(
                "leo_540_570_km",
                "4,408 satellites at 540 to 570 km, 53 to 97.6 degrees",
                (
                    Shell(1584, 550.0, 53.0),
                    Shell(1584, 540.0, 53.2),
                    Shell(720, 570.0, 70.0),
                    Shell(520, 560.0, 97.6),
                ),
                min_elevation_deg=25.0,
                satellite_gbps=20.0,
                cell_km2=379.0,
                cell_mbps=2500.0,
            ),
            Constellation(
                "leo_1200_km",
                "588 satellites at 1,200 km, 87.9 degrees",
                (Shell(588, 1200.0, 87.9),),
                min_elevation_deg=25.0,
                satellite_gbps=7.2,
                cell_km2=104_000.0,
                cell_mbps=450.0,
            ),
        )
    }
)
