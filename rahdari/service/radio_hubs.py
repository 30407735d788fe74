"""Frequency plan of one microwave hub of a plan, with and without interference cancellation, and the claims on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from pydantic import Field

from rahdari.errors import InputError, Problem
from rahdari.methods.geo import great_circle_km
from rahdari.methods.hub import hub_plan
from rahdari.methods.hub_claims import hub_claims
from rahdari.methods.hub_input import HubRules
from rahdari.methods.raster import inverse_geodesic
from rahdari.model.params import Params
from rahdari.service.radio_links import near_names
from rahdari.store.query import OWNER, Clearance, PlanReader

LEAST_HOP_KM = 0.1  # nearer sites share a roof and need no hop
MOST_LINKS = 12  # colouring is exact up to here
MOST_HUBS_NAMED = 3


class HubRequest(Params):
    """Plan the channels of one hub."""

    plan: Path = Field(description="Folder of the plan")
    site: str = Field(min_length=1, description="Site id of the hub; 'busiest' takes the one with most links")
    links: int | None = Field(
        None, ge=1, le=MOST_LINKS, description="Take so many nearest microwave sites; default: those the plan feeds"
    )
    cancellation_db: float = Field(15.0, ge=0.0, le=60.0, description="Interference that the hub cancels")
    frequency_ghz: float = Field(18.0, ge=6.0, le=86.0, description="Band of all links")
    diameter_m: float = Field(0.6, gt=0.1, le=4.0, description="Dish at both ends")
    spectrum_mhz: float = Field(112.0, gt=0.0, le=4_000.0, description="Spectrum of the hub, one direction")
    availability_frac: float = Field(0.9999, gt=0.9, lt=1.0, description="What each modulation must hold in a year")


class HubLinkLine(Params):
    """One link of the hub in both plans."""

    link_id: str
    azimuth_deg: float
    length_km: float
    channel_plain: int
    modulation_plain: str | None
    rate_plain_mbps: float
    availability_plain_frac: float
    channel_cancelled: int
    modulation_cancelled: str | None
    rate_cancelled_mbps: float
    availability_cancelled_frac: float


class HubClaimLine(Params):
    """The three published claims against one baseline fixed beforehand."""

    baseline: str
    antenna_ratio: float
    cancellation_db: float
    load_ratio: float
    all_hold: bool


class HubResponse(Params):
    """Channels, capacity and availability of a hub with and without cancellation."""

    site_id: str
    n_links: int
    n_channels_plain: int
    n_channels_cancelled: int
    least_channels_plain: int
    least_channels_cancelled: int
    plain_mbps: float
    cancelled_mbps: float
    gain_ratio: float | None
    interference_removed_frac: float | None
    why_not: str
    links: list[HubLinkLine]
    claims: list[HubClaimLine]
    certificate: dict[str, object]
    warnings: list[str]


def hub_sites(reader: PlanReader, request: HubRequest) -> tuple[str, pl.DataFrame]:
    """Return the hub's id and its links as ``methods.hub`` takes them; unknown or linkless hubs raise InputError."""
    sites = reader.table("sites").sort("site_id")
    hops = reader.table("microwave_hops").select("site_id", "to_site_id")
    count = hops.group_by("to_site_id").len().sort("len", "to_site_id", descending=[True, False])
    name = request.site
    if name == "busiest" and count.height:
        name = str(count.filter(pl.col("len") <= MOST_LINKS)["to_site_id"].first() or count["to_site_id"][0])
    own = sites.filter(pl.col("site_id") == name)
    if not own.height:
        raise InputError(
            Problem(f"there is no site '{name}'", near_names(name, sites["site_id"].to_list()), column="site")
        )
    hub = own.row(0, named=True)
    if request.links is None:
        chosen = hops.filter(pl.col("to_site_id") == name)["site_id"]
        far = sites.filter(pl.col("site_id").is_in(chosen.implode()))
    else:
        far = sites.filter((pl.col("site_id") != name) & (pl.col("kind") == "tower") & ~pl.col("is_fibre"))
    km = great_circle_km(hub["lon_deg"], hub["lat_deg"], far["lon_deg"].to_numpy(), far["lat_deg"].to_numpy())
    far = far.with_columns(length_km=pl.Series(np.asarray(km, np.float64))).filter(pl.col("length_km") >= LEAST_HOP_KM)
    far = far.sort("length_km", "site_id").head(request.links or MOST_LINKS).sort("site_id")
    if not far.height:
        some = ", ".join(count["to_site_id"].head(MOST_HUBS_NAMED).to_list())
        cure = f"name one such as {some}, or give --links N to take the nearest sites"
        raise InputError(Problem(f"no microwave link ends at {name}", cure, column="site"))
    turn = [
        inverse_geodesic(hub["lon_deg"], hub["lat_deg"], lon, lat)[1]
        for lon, lat in far.select("lon_deg", "lat_deg").iter_rows()
    ]
    links = pl.DataFrame(
        {
            "hub_id": [name] * far.height,
            "link_id": far["site_id"],
            "azimuth_deg": np.asarray(turn, np.float64) % 360.0,
            "length_km": far["length_km"],
            "frequency_ghz": [request.frequency_ghz] * far.height,
            "diameter_m": [request.diameter_m] * far.height,
            "far_diameter_m": [request.diameter_m] * far.height,
        }
    )
    return name, links


def plan_hub(request: HubRequest, clearance: Clearance = OWNER) -> HubResponse:
    """Return the frequency plan of one hub; faults raise :class:`InputError`."""
    reader = PlanReader(request.plan, clearance)
    name, links = hub_sites(reader, request)
    rules = HubRules(availability_frac=request.availability_frac, spectrum_mhz=request.spectrum_mhz)
    found = hub_plan(links, request.cancellation_db, rules)
    row = found.capacity.row(0, named=True)
    lines = found.channels.join(found.availability, on=["hub_id", "link_id"]).join(
        links.select("link_id", "length_km"), on="link_id"
    )
    claims = hub_claims(links, rules, cancellations_db=(request.cancellation_db,))
    is_cut = row["n_links"] == MOST_LINKS and request.links is None
    return HubResponse(
        site_id=name,
        **{key: row[key] for key in HubResponse.model_fields if key in row},
        links=[HubLinkLine(**{key: line[key] for key in HubLinkLine.model_fields}) for line in lines.to_dicts()],
        claims=[
            HubClaimLine(
                **{key: line[key] for key in HubClaimLine.model_fields if key in line},
                all_hold=line["all_hold_frac"] >= 1.0,
            )
            for line in claims.to_dicts()
        ],
        certificate=found.certificate.as_dict(),
        warnings=[
            "azimuths and lengths come from the site table; masts and terrain are not looked at here: see rahdari link",
            "a finite cancellation leaves a residual: interference is never exactly 100 % less",
            *([f"the {MOST_LINKS} nearest of the hub's links are planned"] if is_cut else []),
        ],
    )
