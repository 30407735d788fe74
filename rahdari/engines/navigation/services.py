"""Services that make navigation better, from geostationary satellites: where they are in view and who offers them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from rahdari.methods.augmentation import augmentation_cover

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rahdari.engines.navigation.ground import Ground


def service_rows(
    subjects: Sequence[tuple[str, str, slice]], ground: Ground, country: str, mask_deg: float
) -> pl.DataFrame:
    """Return one row a subject and service: shares of its points in view, in the area, and both while in operation.

    ``subjects`` are identifier, kind (line or landmark) and their points in ``ground``; points count alike.
    """
    if not ground.points.height:
        return pl.DataFrame()
    cover = augmentation_cover(ground.points, country=country, mask_deg=mask_deg, horizon_deg=ground.horizon_deg)
    rows: list[dict[str, Any]] = []
    for subject, kind, part in subjects:
        for k, service in enumerate(cover.services):
            in_view = float(cover.is_in_view[part, k].mean())
            rows.append(
                {
                    "cover_id": f"{subject}:{service.service_id}",
                    "subject_id": subject,
                    "subject_kind": kind,
                    "service_id": service.service_id,
                    "name": service.name,
                    "service_kind": service.kind,
                    "area": service.area,
                    "status": service.status,
                    "best_elevation_deg": float(cover.best_elevation_deg[part, k].mean()),
                    "in_view_frac": in_view,
                    "shaded_frac": 1.0 - in_view,
                    "in_area_frac": float(cover.is_in_area[part, k].mean()),
                    "usable_frac": float(cover.is_usable[part, k].mean()),
                    "is_coarse": bool(ground.is_coarse[part].any()),
                    "service_source": service.source,
                }
            )
    return pl.DataFrame(rows)
