"""The network of a plan as the stress machine takes it: sites, ways, hops, roots, supply zones, crews, places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from rahdari.methods.cascade import Crews, Service, StressNetwork, stress_network
from rahdari.methods.geo import great_circle_km, nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.engines.stress.params import StressParams
    from rahdari.methods.routing import FloatArray
    from rahdari.model import Tables

    IntArray = NDArray[np.int64]

CLASS_NAMES = ("tower", "exchange", "junction", "fibre_buried", "fibre_aerial", "microwave")
TOWER, EXCHANGE, JUNCTION, BURIED, AERIAL, MICROWAVE = range(len(CLASS_NAMES))
SERVICES = ("internet", "national")
CELL_DEG = 0.5  # feeders without supply about equally long share a supply zone within such a cell
BIN_H = 2.0  # a day: what "about equally long" means
ROUNDING = 1e-9  # so that half of four sites is two
SATELLITE_LINK_KM = 0.0  # a hop to space has no length that trenchers could cut


@dataclass(frozen=True, slots=True, eq=False)
class StressPlan:
    """A plan's network with what its things are: coordinates and lengths of things, zones, and people's regions.

    ``lon_deg``, ``lat_deg`` and ``length_km`` (n + m,) are of nodes, then links (their middles; 0 km for nodes);
    ``zone_outage_h_per_day`` is by zone.
    """

    network: StressNetwork
    lon_deg: FloatArray
    lat_deg: FloatArray
    length_km: FloatArray
    zone_outage_h_per_day: FloatArray
    site_class: pl.DataFrame
    place_region: tuple[str, ...]
    thing_region: IntArray
    n_regions: int


def _fibre_ends(sites: pl.DataFrame, nodes: pl.DataFrame) -> tuple[IntArray, IntArray]:
    """Return the fibre sites and the way node each is joined to: its own, else the nearest that a fibre passes."""
    fibre = np.flatnonzero(sites["is_fibre"].to_numpy())
    if not fibre.size or not nodes.height:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    known = {name: i for i, name in enumerate(nodes["row_node_id"].to_list())}
    named = sites["row_node_id"].to_list()
    own = np.array([known.get(named[i], -1) for i in fibre.tolist()], np.int64)
    some = fibre[own < 0]
    if some.size:
        lon, lat = sites["lon_deg"].to_numpy(), sites["lat_deg"].to_numpy()
        points = nodes["lon_deg"].to_numpy(), nodes["lat_deg"].to_numpy()
        own[own < 0] = nearest(lon[some], lat[some], *points)[0]
    return fibre, own


def _hop_ends(sites: pl.DataFrame, hops: pl.DataFrame) -> tuple[IntArray, IntArray]:
    """Return the ends of microwave hops, as sites; a radio site without a hop is joined to the nearest fibre site."""
    at = {name: i for i, name in enumerate(sites["site_id"].to_list())}
    ordered = hops.sort("site_id", "to_site_id")
    pairs = [
        (at[a], at[b])
        for a, b in zip(ordered["site_id"].to_list(), ordered["to_site_id"].to_list(), strict=True)
        if a in at and b in at and a != b
    ]
    ends = np.array(pairs, np.int64).reshape(-1, 2)
    is_fibre = sites["is_fibre"].to_numpy()
    lonely = ~is_fibre & (sites["backhaul"] != "satellite").to_numpy()
    lonely[ends[:, 0]] = False
    some, fibre = np.flatnonzero(lonely), np.flatnonzero(is_fibre)
    if some.size and fibre.size:
        lon, lat = sites["lon_deg"].to_numpy(), sites["lat_deg"].to_numpy()
        found = fibre[nearest(lon[some], lat[some], lon[fibre], lat[fibre])[0]]
        ends = np.concatenate([ends, np.stack([some, found], axis=1)])
    return ends[:, 0], ends[:, 1]


def _roots(sites: pl.DataFrame, places: pl.DataFrame, kinds: tuple[str, ...]) -> IntArray:
    """Return the sites of the first kind that exists; without any, the fibre site nearest to the largest place."""
    for kind in kinds:
        found = np.flatnonzero((sites["kind"] == kind).to_numpy())
        if found.size:
            return found
    fibre = np.flatnonzero(sites["is_fibre"].to_numpy())
    if not fibre.size or not places.height:
        return fibre
    lon, lat = sites["lon_deg"].to_numpy()[fibre], sites["lat_deg"].to_numpy()[fibre]
    largest = places.sort("n_people", "place_id", descending=[True, False]).head(1)
    return fibre[nearest(largest["lon_deg"].to_numpy(), largest["lat_deg"].to_numpy(), lon, lat)[0]]


def _place_sites(places: pl.DataFrame, sites: pl.DataFrame) -> tuple[IntArray, IntArray]:
    """Return first entries of places and sites: towers of the place, else the nearest tower."""
    tower = np.flatnonzero((sites["kind"] == "tower").to_numpy())
    if not tower.size:
        return np.zeros(places.height + 1, np.int64), np.zeros(0, np.int64)
    at = {name: i for i, name in enumerate(places["place_id"].to_list())}
    named = sites["place_id"].to_list()
    place = np.array([at.get(named[i], -1) for i in tower.tolist()], np.int64)
    bare = np.setdiff1d(np.arange(places.height), place)
    lon, lat = sites["lon_deg"].to_numpy()[tower], sites["lat_deg"].to_numpy()[tower]
    if bare.size:
        near = nearest(places["lon_deg"].to_numpy()[bare], places["lat_deg"].to_numpy()[bare], lon, lat)[0]
        place, site = np.concatenate([place, bare]), np.concatenate([tower, tower[near]])
    else:
        site = tower
    site, place = site[place >= 0], place[place >= 0]
    order = np.lexsort((site, place))
    return np.searchsorted(place[order], np.arange(places.height + 1)).astype(np.int64), site[order]


def _feeder_hours(sites: pl.DataFrame, tables: Tables) -> FloatArray:
    """Return the hours a day without supply of each site's feeder.

    Engine power states them by site, or by district a share of heavy feeders: then the class of a feeder goes by place,
    as many places of a district to heavy feeders as their share.
    """
    energy = tables["site_energy"]
    if "feeder_h_per_day" in energy.columns:
        own = sites.select("site_id").join(
            energy.select("site_id", "feeder_h_per_day"), on="site_id", how="left", maintain_order="left"
        )  # fmt: skip
        return own["feeder_h_per_day"].fill_null(0.0).to_numpy().astype(np.float64)
    energy = energy.select("site_id", "heavy_feeder_frac", "heavy_h_per_day", "light_h_per_day")
    districts = tables["places"].select("place_id", "district_id")
    frame = sites.select("site_id", "place_id").join(energy, on="site_id", how="left", maintain_order="left")
    frame = frame.join(districts, on="place_id", how="left", maintain_order="left")
    number = frame.select(pl.col("place_id").rank("dense").over("district_id").fill_null(1).cast(pl.Float64))
    rank = number.to_series().to_numpy()
    share = frame["heavy_feeder_frac"].fill_null(0.0).to_numpy()
    is_heavy = np.floor(rank * share) > np.floor((rank - 1.0) * share)
    heavy, light = (frame[name].fill_null(0.0).to_numpy() for name in ("heavy_h_per_day", "light_h_per_day"))
    return np.where(is_heavy, heavy, light)


def _zones(sites: pl.DataFrame, tables: Tables) -> tuple[IntArray, FloatArray]:
    """Return the supply zone of each site, -1 off the grid, and the hours a day each zone has no supply.

    A zone is the sites of one cell on the grid whose feeders lack supply about equally long.
    """
    cells = [np.floor(sites[name].to_numpy() / CELL_DEG).astype(np.int64) for name in ("lon_deg", "lat_deg")]
    hours = _feeder_hours(sites, tables)
    key = pl.DataFrame({
        "x": cells[0], "y": cells[1], "bin": np.floor(hours / BIN_H).astype(np.int64), "hours": hours,
        "row": np.arange(sites.height),
    }).filter(sites["is_on_grid"])  # fmt: skip
    zone = np.full(sites.height, -1, np.int64)
    if not key.height:
        return zone, np.zeros(0)
    names = ["x", "y", "bin"]
    groups = key.sort("row").group_by(names, maintain_order=True).agg(pl.col("hours").mean()).sort(names)
    joined = key.join(groups.with_row_index("zone"), on=names, how="left", maintain_order="left")
    zone[joined["row"].to_numpy()] = joined["zone"].cast(pl.Int64).to_numpy()
    return zone, groups["hours"].to_numpy().astype(np.float64)


def _way_nodes(tables: Tables, links: pl.DataFrame) -> pl.DataFrame:
    """Return the nodes that fibre passes, by name, with coordinates."""
    ends = pl.concat([links["from_node_id"], links["to_node_id"]]).unique().to_frame("row_node_id")
    return tables["rights_of_way_nodes"].select("row_node_id", "lon_deg", "lat_deg").join(
        ends, on="row_node_id", how="semi"
    ).sort("row_node_id")  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Links:
    tail: IntArray
    head: IntArray
    length_km: FloatArray
    asset_class: IntArray


def _all_links(sites: pl.DataFrame, nodes: pl.DataFrame, links: pl.DataFrame, tables: Tables, hub: int) -> _Links:
    """Return fibres, laterals, microwave hops and hops to the satellite gateway ``hub``, in this order."""
    n = sites.height
    at = {name: n + i for i, name in enumerate(nodes["row_node_id"].to_list())}
    own = links.filter(pl.col("from_node_id").is_in(list(at)) & pl.col("to_node_id").is_in(list(at))).sort("link_id")
    fibre = np.array([[at[a], at[b]] for a, b in own.select("from_node_id", "to_node_id").iter_rows()], np.int64)
    fibre = fibre.reshape(-1, 2)
    site, node = _fibre_ends(sites, nodes)
    hop_a, hop_b = _hop_ends(sites, tables["microwave_hops"])
    space = np.flatnonzero((sites["backhaul"] == "satellite").to_numpy())
    lon = np.concatenate([sites["lon_deg"].to_numpy(), nodes["lon_deg"].to_numpy()])
    lat = np.concatenate([sites["lat_deg"].to_numpy(), nodes["lat_deg"].to_numpy()])
    lateral_km = great_circle_km(lon[site], lat[site], lon[n + node], lat[n + node])
    hop_km = great_circle_km(lon[hop_a], lat[hop_a], lon[hop_b], lat[hop_b])
    counts = fibre.shape[0], site.size, hop_a.size, space.size
    return _Links(
        np.concatenate([fibre[:, 0], site, hop_a, space]),
        np.concatenate([fibre[:, 1], n + node, hop_b, np.full(space.size, hub)]),
        np.concatenate([own["length_km"].to_numpy(), lateral_km, hop_km, np.full(space.size, SATELLITE_LINK_KM)]),
        np.repeat([BURIED, AERIAL, MICROWAVE, JUNCTION], counts),
    )


def _stranded(n: int, made: _Links, roots: list[IntArray], hub: int) -> _Links:
    """Return the links with one more, to the gateway, for each part of the network that has no root of some service."""
    matrix = csr_array((np.ones(made.tail.size, np.int8), (made.tail, made.head)), (n, n))
    label = connected_components(matrix, directed=False)[1]
    is_held = np.logical_and.reduce([np.isin(label, label[root]) for root in roots])
    is_held[label == label[hub]] = True
    lone = np.unique(label[~is_held], return_index=True)[1]
    first = np.flatnonzero(~is_held)[lone]
    return _Links(
        np.concatenate([made.tail, first]), np.concatenate([made.head, np.full(first.size, hub)]),
        np.concatenate([made.length_km, np.full(first.size, SATELLITE_LINK_KM)]),
        np.concatenate([made.asset_class, np.full(first.size, JUNCTION)]),
    )  # fmt: skip


def _crews(region: IntArray, n_regions: int, is_site: NDArray[np.bool_], params: StressParams) -> Crews:
    sites = np.bincount(region[: is_site.size][is_site], minlength=n_regions)
    count = np.maximum(1, np.rint(sites * params.crews_per_1000_sites / 1000.0).astype(np.int64))
    return Crews(region, count, np.full(n_regions, params.crew_travel_h))


def _coordinates(sites: pl.DataFrame, nodes: pl.DataFrame, made: _Links, hub: int) -> tuple[FloatArray, FloatArray]:
    """Return longitude and latitude of nodes, then of the middles of links; the gateway stands at the first site."""
    found = []
    # A hop to space is as far away as its site.
    far = np.where(made.head == hub, made.tail, made.head)
    for name in ("lon_deg", "lat_deg"):
        node = np.concatenate([sites[name].to_numpy(), nodes[name].to_numpy(), [sites[name][0]]])
        found.append(np.concatenate([node, 0.5 * (node[made.tail] + node[far])]))
    return found[0], found[1]


def _place_regions(places: pl.DataFrame, tables: Tables) -> tuple[tuple[str, ...], IntArray, int]:
    """Return the region of each place, its number, and how many regions there are."""
    regions = tables["districts"].select("district_id", "region")
    joined = places.select("place_id", "district_id").join(regions, on="district_id", how="left", maintain_order="left")
    region = joined["region"].fill_null("").to_list()
    number = {name: i for i, name in enumerate(sorted(set(region)))}
    return tuple(region), np.array([number[name] for name in region], np.int64), len(number)


def _autonomy(sites: pl.DataFrame, tables: Tables) -> tuple[FloatArray, FloatArray]:
    """Return the hours of each site on battery, and on generator after that."""
    energy = tables["site_energy"].select("site_id", "autonomy_h")
    joined = sites.select("site_id").join(energy, on="site_id", how="left", maintain_order="left")
    battery = sites["battery_h"].to_numpy().astype(np.float64)
    after = np.maximum(joined["autonomy_h"].fill_null(0.0).to_numpy() - battery, 0.0)
    return battery, np.where(sites["has_generator"].to_numpy(), after, 0.0)


def _services(roots: list[IntArray], hub: int, first: IntArray, site: IntArray, needed_frac: float) -> list[Service]:
    n_needed = np.maximum(1, np.ceil(np.diff(first) * needed_frac - ROUNDING).astype(np.int64))
    return [
        Service(name, np.append(root, hub), first, site, n_needed) for name, root in zip(SERVICES, roots, strict=True)
    ]


def _place_mbps(places: pl.DataFrame, tables: Tables, year: int) -> FloatArray:
    demand = tables["place_demand"].filter(pl.col("year") == year).select("place_id", "busy_hour_mbps")
    joined = places.select("place_id").join(demand, on="place_id", how="left", maintain_order="left")
    return joined["busy_hour_mbps"].fill_null(0.0).to_numpy().astype(np.float64)


def stress_plan(tables: Tables, params: StressParams, year: int) -> StressPlan | None:
    """Return the network of a plan in ``year``, or None where it has no tower or no root."""
    sites, places = tables["sites"].sort("site_id"), tables["places"].sort("place_id")
    links = tables["links"].filter(pl.col("kind") != "subsea")
    roots = [_roots(sites, places, kinds) for kinds in (("landing_station", "border"), ("pop", "landing_station"))]
    first, site = _place_sites(places, sites)
    if not site.size or not min(root.size for root in roots):
        return None
    nodes = _way_nodes(tables, links)
    hub = sites.height + nodes.height
    n, n_bare = hub + 1, nodes.height + 1
    made = _stranded(n, _all_links(sites, nodes, links, tables, hub), roots, hub)
    lon, lat = _coordinates(sites, nodes, made, hub)
    region, by_place, n_regions = _place_regions(places, tables)
    thing_region = by_place[nearest(lon, lat, places["lon_deg"].to_numpy(), places["lat_deg"].to_numpy())[0]]
    is_tower = (sites["kind"] == "tower").to_numpy()
    is_site = np.concatenate([is_tower, np.zeros(n_bare, np.bool_)])
    zone, hours = _zones(sites, tables)
    battery, generator = (np.concatenate([own, np.zeros(n_bare)]) for own in _autonomy(sites, tables))
    node_class = [np.where(is_tower, TOWER, EXCHANGE), np.full(n_bare, JUNCTION), made.asset_class]
    network = stress_network(
        n, made.tail, made.head, _services(roots, hub, first, site, params.sites_needed_frac),
        people=places["n_people"].to_numpy().astype(np.float64), mbps=_place_mbps(places, tables, year),
        zone=np.concatenate([zone, np.full(n_bare, -1)]), n_zones=hours.size, battery_h=battery, generator_h=generator,
        start_fail_frac=params.start_fail_frac, class_name=CLASS_NAMES, asset_class=np.concatenate(node_class),
        crews=_crews(thing_region, n_regions, is_site, params), is_site=is_site,
    )  # fmt: skip
    return StressPlan(
        network, lon, lat, np.concatenate([np.zeros(n), made.length_km]), hours,
        sites.select("site_id", "operator_id", "kind", "place_id", "has_generator", "is_on_grid"), region, thing_region,
        n_regions,
    )  # fmt: skip
