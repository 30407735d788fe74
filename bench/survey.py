"""A survey of 1,000 km2 with 20 closed zones by three drones; the plain way flies the legs as they are drawn."""

from __future__ import annotations

import json
import time

import numpy as np
import shapely

from rahdari.methods.survey import Camera, Drone, Wind, survey
from rahdari.methods.survey_flight import OpenAir
from rahdari.methods.survey_legs import best_legs
from rahdari.methods.survey_order import Craft, Times, shared_out, used_pairs

LON_DEG, LAT_DEG, KM_PER_DEG = 68.0, 27.0, np.array([99.2, 110.8])
N_CORNERS, N_HOLES, N_DRONES, TARGET_S, TARGET_KM2 = 60, 20, 3, 5.0, 1000.0


def shape(corners_km: np.ndarray) -> shapely.Polygon:
    """Return a polygon in degrees."""
    return shapely.Polygon(np.array([LON_DEG, LAT_DEG]) + corners_km / KM_PER_DEG)


def as_drawn_s(area: shapely.Polygon, holes: list[shapely.Polygon], camera: Camera, drone: Drone, wind: Wind) -> float:
    """Return when three drones are back that take the legs strip by strip, to and fro, around what is closed."""

    def flat(at: np.ndarray) -> np.ndarray:
        return (at - [LON_DEG, LAT_DEG]) * KM_PER_DEG * 1000.0

    closed = shapely.transform(shapely.union_all(holes), flat)
    free = shapely.difference(shapely.transform(area, flat), closed)
    legs = best_legs(free, closed, camera.spacing_m, 400.0, ahead_m=camera.swath_m / 3.0)
    base = flat(np.array([[drone.base_lon_deg, drone.base_lat_deg]]))[0]
    craft = Craft(base, drone.airspeed_m_per_s, drone.usable_s, drone.turn_s, drone.battery_change_s)
    times = Times(legs.ends_m, craft, wind.moves_m_per_s, OpenAir(closed))
    tour = 2 * np.arange(len(legs.ends_m)) + np.arange(len(legs.ends_m)) % 2
    times.checked(used_pairs(tour))
    return shared_out(tour, [times] * N_DRONES)[1]


def main() -> None:
    """Measure one survey as a user asks for it."""
    draw = np.random.default_rng(1)
    angle = np.sort(draw.uniform(0, 2 * np.pi, N_CORNERS))
    edge = draw.uniform(14.5, 22.0, N_CORNERS)
    area = shape(np.stack([edge * np.cos(angle), edge * np.sin(angle)], axis=1))
    ring = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    holes = [
        shape(draw.uniform(-9, 9, 2) + draw.uniform(0.2, 1.5) * np.stack([np.cos(ring), np.sin(ring)], axis=1))
        for _ in range(N_HOLES)
    ]
    drones = [Drone(str(k), LON_DEG, LAT_DEG - 0.25, 22.0, 3 * 3600.0) for k in range(N_DRONES)]
    for height_m in (120.0, 240.0):
        camera, wind = Camera(height_m=height_m), Wind(4.0, 250.0)
        start = time.perf_counter()
        found = survey(area, holes, camera, drones, wind)
        spent_s = time.perf_counter() - start
        plain_s = as_drawn_s(area, holes, camera, drones[0], wind)
        print(json.dumps({
            "bench": "survey", "height_m": height_m, "area_km2": found.area_km2, "n_holes": N_HOLES,
            "n_legs": found.n_legs, "n_sorties": len(found.sorties), "covered_frac": found.covered_frac,
            "s": spent_s, "target_s": TARGET_S, "flown_km": found.flown_km, "leg_km": found.leg_km,
            "plain_back_h": plain_s / 3600.0,
            "ratio": plain_s / found.back_s, "back_h": found.back_s / 3600.0,
            "bound_h": found.lower_bound_s / 3600.0, "over_bound": found.ratio,
        }))  # fmt: skip


if __name__ == "__main__":
    main()
