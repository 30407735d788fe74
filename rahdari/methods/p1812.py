"""Path loss over terrain after Recommendation ITU-R P.1812-8, one profile or many, every intermediate for audit.

Valid from 30 MHz to 6 GHz, 0.25 to 3,000 km, for 1 to 50 per cent of time, 1 to 99 per cent of locations and antennas
1 to 3,000 m above ground.  Losses are outdoors: building entry (section 4.8) is left out.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Literal, overload

import numpy as np

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.kernels import p1812, p1812_cuda, p1812_path
from rahdari.methods.p1812_input import DEFAULTS, P1812Options, read_paths

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Unpack

    from numpy.typing import ArrayLike

    from rahdari.methods.p1812_input import Cover, FloatArray, Paths, Profile, Zone

    Backend = Literal["cpu", "cuda"]

CHUNK = 256  # paths a worker takes at once: some milliseconds
EFFECTIVE_RADIUS_KM = 8500.0  # P.526-15: four thirds of the Earth's

#: Symbol of every term in the Recommendation, for a reader with the text or another program's log at hand.
P1812_SYMBOLS: dict[str, str] = {
    "frequency_ghz": "f",
    "tx_height_m": "htg",
    "rx_height_m": "hrg",
    "time_pct": "p",
    "location_pct": "pL",
    "delta_n": "DN",
    "n0": "N0",
    "latitude_deg": "phi",
    "is_vertical": "pol",
    "resolution_m": "wa",
    "tx_coast_km": "dct",
    "rx_coast_km": "dcr",
    "location_sigma_db": "sigma_loc",
    "path_km": "d",
    "sea_frac": "w",
    "land_km": "dtm",
    "inland_km": "dlm",
    "ducting_pct": "b0",
    "radius_km": "ae",
    "ducting_radius_km": "ab",
    "tx_asl_m": "hts",
    "rx_asl_m": "hrs",
    "is_trans_horizon": "trans-horizon",
    "tx_horizon_km": "dlt",
    "rx_horizon_km": "dlr",
    "tx_horizon_mrad": "th_t",
    "rx_horizon_mrad": "th_r",
    "angle_mrad": "th",
    "smooth_tx_asl_m": "hst",
    "smooth_rx_asl_m": "hsr",
    "diffraction_tx_asl_m": "hstd",
    "diffraction_rx_asl_m": "hsrd",
    "duct_tx_m": "hte",
    "duct_rx_m": "hre",
    "roughness_m": "hm",
    "bullington_50_db": "Lbulla for ae",
    "smooth_bullington_50_db": "Lbulls for ae",
    "spherical_50_db": "Ldsph for ae",
    "diffraction_50_db": "Ld50",
    "bullington_ducting_db": "Lbulla for ab",
    "smooth_bullington_ducting_db": "Lbulls for ab",
    "spherical_ducting_db": "Ldsph for ab",
    "diffraction_ducting_db": "Ldb",
    "time_factor": "Fi",
    "angle_factor": "Fj",
    "distance_factor": "Fk",
    "free_space_db": "Lbfs",
    "sight_db": "Lb0p",
    "sight_ducting_db": "Lb0b",
    "diffraction_db": "Ldp",
    "basic_diffraction_50_db": "Lbd50",
    "basic_diffraction_db": "Lbd",
    "least_sight_db": "Lminb0p",
    "ducting_db": "Lba",
    "least_ducting_db": "Lminbap",
    "diffraction_or_ducting_db": "Lbda",
    "all_but_scatter_db": "Lbam",
    "troposcatter_db": "Lbs",
    "median_location_db": "Lbc",
    "location_db": "Lloc",
    "loss_db": "Lb",
    "field_1kw_dbuv_m": "Ep",
}


def _run(paths: Paths, n_workers: int) -> FloatArray:
    """Return the loss of every path; each depends on itself alone, so that neither chunks nor workers show."""
    loss_db = np.empty(paths.n)
    profile = (paths.distance_km, paths.height_m, paths.clutter_m, paths.zone, paths.offset)

    def do(first: int) -> None:
        p1812_path.batch_loss(*profile, first, min(first + CHUNK, paths.n), paths.inputs, loss_db)

    if n_workers == 1 or paths.n <= CHUNK:
        p1812_path.batch_loss(*profile, 0, paths.n, paths.inputs, loss_db)
        return loss_db
    with ThreadPoolExecutor(n_workers) as pool:
        list(pool.map(do, range(0, paths.n, CHUNK)))
    return loss_db


def _run_on_card(paths: Paths) -> FloatArray:
    """Return the loss of every path, computed on a graphics card."""
    if not p1812_cuda.is_available():
        raise InputError(Problem("no graphics card can be used here", "leave backend at 'cpu'", column="backend"))
    return p1812_cuda.batch_loss(
        paths.distance_km, paths.height_m, paths.clutter_m, paths.zone, paths.offset, paths.inputs
    )


@overload
def p1812_loss_db(
    distance_km: Profile,
    height_m: Profile,
    frequency_ghz: float,
    tx_height_m: float,
    rx_height_m: float,
    *,
    backend: Backend = ...,
    n_workers: int = ...,
    **options: Unpack[P1812Options],
) -> float: ...
@overload
def p1812_loss_db(
    distance_km: Sequence[FloatArray],
    height_m: Sequence[FloatArray],
    frequency_ghz: ArrayLike,
    tx_height_m: ArrayLike,
    rx_height_m: ArrayLike,
    *,
    backend: Backend = ...,
    n_workers: int = ...,
    **options: Unpack[P1812Options],
) -> FloatArray: ...
def p1812_loss_db(
    distance_km: Profile | Sequence[FloatArray],
    height_m: Profile | Sequence[FloatArray],
    frequency_ghz: ArrayLike,
    tx_height_m: ArrayLike,
    rx_height_m: ArrayLike,
    *,
    clutter_height_m: Cover = None,
    zone: Zone = None,
    time_pct: ArrayLike = 50.0,
    location_pct: ArrayLike = 50.0,
    delta_n: ArrayLike = 45.0,
    n0: ArrayLike = 325.0,
    polarisation: str | Sequence[str] = "horizontal",
    tx_lonlat_deg: ArrayLike | None = None,
    rx_lonlat_deg: ArrayLike | None = None,
    tx_coast_km: ArrayLike | None = None,
    rx_coast_km: ArrayLike | None = None,
    resolution_m: ArrayLike = 100.0,
    location_sigma_db: ArrayLike | None = None,
    backend: Backend = "cpu",
    n_workers: int = 1,
) -> float | FloatArray:
    """Return the basic transmission loss not exceeded for a share of time and of locations, dB (ITU-R P.1812-8).

    One profile, ``distance_km`` and ``height_m`` (n,) arrays, gives a float.  Lists of (n_i,) arrays give (b,); then
    every other number may be one or b of them, and every other profile a list.

    * ``distance_km`` from the transmitter, first zero, rising, three points or more, 0.25 to 3,000 km in all;
      ``height_m`` of bare ground above the sea; ``clutter_height_m`` of cover above ground (None: bare; a number: all
      along), which counts as terrain but at both ends; at the receiver's it governs location variability.
    * ``frequency_ghz`` 0.03 to 6; ``tx_height_m`` and ``rx_height_m`` above ground, 1 to 3,000.
    * ``zone`` a point: 1 sea, 3 coastal land, 4 inland (None: inland; a number: all along).
    * ``time_pct`` 1 to 50 of an average year; ``location_pct`` 1 to 99 of squares ``resolution_m`` wide, outdoors,
      with the Recommendation's standard deviation or ``location_sigma_db``; none beside the sea.
    * ``delta_n`` fall of refractivity over the lowest kilometre, N-units; ``n0`` sea-level refractivity, N-units:
      uniform defaults, since ITU's maps may not be shipped.
    * ``tx_lonlat_deg``, ``rx_lonlat_deg`` longitude and latitude, for the latitude of the middle (None: 30 degrees).
    * ``tx_coast_km``, ``rx_coast_km`` over land to the sea towards the other end (None: from the zones).
    * ``backend`` "cpu", or "cuda" for a graphics card (within 1e-3 dB); ``n_workers`` threads over profiles, which do
      not change the answer.

    Raises ``InputError`` with all that is wrong.

    >>> import numpy as np
    >>> distance_km = np.linspace(0.0, 10.0, 101)
    >>> ridge_m = np.where(np.abs(distance_km - 5.0) < 0.3, 200.0, 0.0)
    >>> round(p1812_loss_db(distance_km, ridge_m, 0.9, 30.0, 1.5), 2)
    154.11
    """
    options = P1812Options(
        clutter_height_m=clutter_height_m,
        zone=zone,
        time_pct=time_pct,
        location_pct=location_pct,
        delta_n=delta_n,
        n0=n0,
        polarisation=polarisation,
        tx_lonlat_deg=tx_lonlat_deg,
        rx_lonlat_deg=rx_lonlat_deg,
        tx_coast_km=tx_coast_km,
        rx_coast_km=rx_coast_km,
        resolution_m=resolution_m,
        location_sigma_db=location_sigma_db,
    )
    _check_running(backend, n_workers)
    paths = read_paths(distance_km, height_m, _given(frequency_ghz, tx_height_m, rx_height_m, options))
    loss_db = _run_on_card(paths) if backend == "cuda" else _run(paths, n_workers)
    return float(loss_db[0]) if paths.is_single else loss_db


def _check_running(backend: str, n_workers: int) -> None:
    """Refuse a way of computing that there is not."""
    problems = []
    if backend not in ("cpu", "cuda"):
        problems.append(Problem(f"there is no backend '{backend}'", "give 'cpu' or 'cuda'", column="backend"))
    if n_workers < 1:
        problems.append(Problem(f"{n_workers} workers do no work", "give 1 or more", column="n_workers"))
    raise_if_any(problems)


def _given(
    frequency_ghz: ArrayLike, tx_height_m: ArrayLike, rx_height_m: ArrayLike, options: P1812Options
) -> dict[str, object]:
    """Return every argument but the profile by name; one that is unknown raises ``InputError``."""
    unknown = sorted(set(options) - set(DEFAULTS))
    cure = f"use one of {', '.join(DEFAULTS)}"
    raise_if_any([Problem(f"'{name}' is unknown", cure, column=name) for name in unknown])
    heights = {"tx_height_m": tx_height_m, "rx_height_m": rx_height_m}
    return {"frequency_ghz": frequency_ghz} | heights | DEFAULTS | dict(options)


def p1812_terms(
    distance_km: Profile | Sequence[FloatArray],
    height_m: Profile | Sequence[FloatArray],
    frequency_ghz: ArrayLike,
    tx_height_m: ArrayLike,
    rx_height_m: ArrayLike,
    **options: Unpack[P1812Options],
) -> dict[str, float] | dict[str, FloatArray]:
    """Return every intermediate of ``p1812_loss_db`` by name, inputs and what was derived for them first.

    Arguments as there.  One profile gives numbers, lists of profiles (b,) arrays.  ``P1812_SYMBOLS`` holds the
    Recommendation's symbol of each name; ``ducting`` in a name is the Earth of three radii that a beta0 share of time
    has, ``50`` the median one.  ``loss_db`` is the answer, ``field_1kw_dbuv_m`` the field of 1 kW, dB(uV/m) (eq. 70).

    >>> import numpy as np
    >>> terms = p1812_terms(np.linspace(0.0, 5.0, 51), np.zeros(51), 0.9, 30.0, 10.0)
    >>> round(terms["free_space_db"], 3), terms["is_trans_horizon"]
    (105.464, 0.0)
    """
    paths = read_paths(distance_km, height_m, _given(frequency_ghz, tx_height_m, rx_height_m, options))
    terms = np.zeros((paths.n, p1812.N_TERMS))
    terms[:, : p1812.N_INPUTS] = paths.inputs
    p1812_path.batch_terms(
        paths.distance_km, paths.height_m, paths.clutter_m, paths.zone, paths.offset, 0, paths.n, terms
    )
    if paths.is_single:
        return dict(zip(p1812.TERMS, terms[0].tolist(), strict=True))
    return dict(zip(p1812.TERMS, np.ascontiguousarray(terms.T), strict=True))


def bullington_loss_db(
    distance_km: Profile | Sequence[FloatArray],
    height_m: Profile | Sequence[FloatArray],
    frequency_ghz: ArrayLike,
    tx_height_m: ArrayLike,
    rx_height_m: ArrayLike,
    *,
    effective_radius_km: float = EFFECTIVE_RADIUS_KM,
) -> float | FloatArray:
    """Return Bullington's diffraction loss over free space, dB (ITU-R P.526-15 section 4.5.1).

    Profiles, heights and frequency as in ``p1812_loss_db``, whose ranges are kept; ``height_m`` may hold cover.
    Raises ``InputError`` with all that is wrong.  The part over terrain alone: over plains add the smooth Earth's, as
    ``p1812_loss_db`` does.

    >>> import numpy as np
    >>> distance_km = np.array([0.0, 5.0, 10.0])
    >>> round(bullington_loss_db(distance_km, np.array([0.0, 100.0, 0.0]), 0.9, 30.0, 30.0), 3)
    33.743
    """
    given = _given(frequency_ghz, tx_height_m, rx_height_m, {})
    paths = read_paths(distance_km, height_m, given)
    if not effective_radius_km > 0.0:
        cure = "give kilometres, 8500 for the mean atmosphere"
        raise InputError(Problem("effective_radius_km is not positive", cure, column="effective_radius_km"))
    loss_db = np.empty(paths.n)
    p1812_path.batch_bullington(
        paths.distance_km, paths.height_m, paths.offset, paths.inputs, effective_radius_km, loss_db
    )
    return float(loss_db[0]) if paths.is_single else loss_db
