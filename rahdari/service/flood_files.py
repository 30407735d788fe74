"""Files of a flood day: its answer, area and flights as GeoJSON, missions, the mask, events for the live network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import shapely

from rahdari.methods.flight_files import flights_geojson, qgroundcontrol_plan
from rahdari.operate.wire.ndjson import encode_lines
from rahdari.service.flood import as_json, write_mask
from rahdari.service.flood_fly import FORWARD_OVERLAP_FRAC
from rahdari.store.atomic import write_bytes, write_text

if TYPE_CHECKING:
    from pathlib import Path

    from rahdari.service.flood_day import FloodDay

EVENTS = "flood_events.ndjson"
DIGITS = 6


def _area(day: FloodDay) -> dict[str, Any]:
    """Return area, ground surveyed and closed zones as GeoJSON."""
    shapes = [("area", day.area.shape), ("surveyed", day.flown.shape), *(("closed", zone) for zone in day.fleet.closed)]
    return {
        "type": "FeatureCollection", "note": day.response.boundary_note,
        "features": [
            {
                "type": "Feature", "properties": {"kind": kind, "area": day.response.area},
                "geometry": shapely.geometry.mapping(shapely.set_precision(shape, 10.0**-DIGITS)),
            }
            for kind, shape in shapes
        ],
    }  # fmt: skip


def write_day(day: FloodDay, folder: Path) -> list[str]:
    """Write the files of a flood day into a folder, and return their names; equal days give equal files."""
    told = day.response
    names = []

    def put(name: str, value: Any) -> None:  # noqa: ANN401  # whatever JSON holds
        write_text(folder / name, as_json(value))
        names.append(name)

    put("area.geojson", _area(day))
    flights = [
        {"lonlat_deg": sortie.lonlat_deg, "drone": sortie.drone, "sortie": number,
         "air_min": round(sortie.air_s / 60.0, 1), "boundary_note": told.boundary_note}
        for number, sortie in enumerate(day.flown.plan.sorties, 1)
    ]  # fmt: skip
    put("flights.geojson", flights_geojson(flights))
    camera, drone = day.fleet.camera, day.fleet.drones[0]
    trigger = camera.swath_m * camera.frame_ratio * (1.0 - FORWARD_OVERLAP_FRAC)
    for number, sortie in enumerate(day.flown.plan.sorties, 1):
        mission = qgroundcontrol_plan(
            sortie.lonlat_deg, camera.height_m, drone.airspeed_m_per_s, is_leg=sortie.is_leg, trigger_m=trigger,
            closed=day.fleet.closed,
        )  # fmt: skip
        put(f"missions/{number:02d}-{sortie.drone}.plan", mission)
    write_mask(folder / "flood_mask.tif", day.ground, told.water, is_synthetic=told.is_synthetic)
    write_bytes(folder / EVENTS, b"".join(encode_lines(day.events)))
    names += ["flood_mask.tif", EVENTS]
    put("flood_day.json", told.model_dump(mode="json", exclude={"files"}))
    return names


__all__ = ["EVENTS", "write_day"]
