"""Storms of alarms from a plan and a named event: what the element managers would have said, hour by hour.

The stress machine says what every site lives on and which links stand; this module turns that into alarms as real
networks send them: mains and batteries, silence, loss of signal at the ends still alive, routing, cells, clears on
repair, and besides late, doubled and out-of-order delivery, clocks that are off, flapping links and unrelated noise.
Everything is a function of the scene, the settings and the seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rahdari.methods.cascade_states import BATTERY, DAMAGED, DARK, GENERATOR, N_WORKING, SUPPLY
from rahdari.model.params import Params
from rahdari.operate.events import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from rahdari.operate.clock import Clock

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    Flags = NDArray[np.bool_]

HOUR_S, DAY_S = 3600.0, 86_400.0
WAVE_DEG = 0.5  # what lies in one cell is struck at about the same time
JITTER_S = 120.0
BATTERY_LOW_S = 600.0  # before the battery is empty
LONG_HAUL, ACCESS, ELSE = range(3)  # what a link is: gear stands at both ends, at its sites, or nowhere
N_PATTERN_CELLS = 3


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of alarm: its part of the thing, type, severity, source, and how long after the cause it is seen."""

    part: str
    type: str
    severity: str
    source: str
    low_s: float
    high_s: float
    text: str


MAINS, LOW, RUNNING, SILENT, CELL_1, CELL_2, CELL_3, LOSS_A, LOSS_B, ROUTING, FLAP, DOOR, HEAT, STRANGE = range(14)
KINDS = (
    _Kind("rectifier", "mainsFail", "major", "power", 0.0, 5.0, "AC mains failed, load on battery"),
    _Kind("battery", "batteryLow", "critical", "power", 0.0, 5.0, "Battery below threshold"),
    _Kind("generator", "generatorRunning", "warning", "power", 20.0, 90.0, "Generator started"),
    _Kind("", "unreachable", "critical", "nms", 5.0, 60.0, "No answer to polling"),
    *(
        _Kind(f"cell-{n + 1}", "cellDown", "major", "ran", 10.0, 90.0, "Cell out of service")
        for n in range(N_PATTERN_CELLS)
    ),
    _Kind("", "LOS", "critical", "otn", 0.0, 2.0, "Loss of signal"),
    _Kind("", "LOS", "critical", "otn", 0.0, 2.0, "Loss of signal"),
    _Kind("", "adjacencyDown", "major", "ip", 30.0, 180.0, "BGP neighbour down: hold timer expired"),
    _Kind("", "linkDown", "major", "otn", 0.0, 0.5, "Radio link down: fading"),
    _Kind("door", "doorOpen", "minor", "power", 0.0, 5.0, "Door open"),
    _Kind("temperature", "highTemperature", "warning", "power", 0.0, 5.0, "Shelter above 45 C"),
    _Kind("", "linkDown", "minor", "snmp", 0.0, 5.0, "Interface down"),
)
ON_SITE = (MAINS, LOW, RUNNING, DOOR, HEAT)  # said by the site itself: nobody hears it while the site is cut off


class StormSettings(Params):
    """How well the alarms travel, and what else goes on; shares of alarms unless said otherwise.

    The defaults are assumed: no operator has published how its alarms are delayed or doubled.
    """

    duplicate_frac: float = 0.01
    late_frac: float = 0.02
    late_s: float = 1800.0
    delay_s: float = 0.3
    skew_s: float = 20.0
    flapping_frac: float = 0.002
    flaps: int = 30
    noise_per_site_day: float = 0.02
    unknown_frac: float = 0.01
    spread_frac: float = 0.7


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What happens to a network, hour by hour.

    Nodes (n,) have a name, position, region and whether they are sites or routers; links (m,) a name, ends and what
    they are; ``node_state`` (t, n) are numbers of ``rahdari.methods.cascade_states.STATES``, ``is_link_whole`` (t, m).
    """

    node_name: Sequence[str]
    link_name: Sequence[str]
    lon_deg: FloatArray
    lat_deg: FloatArray
    region: IntArray
    is_site: Flags
    is_router: Flags
    tail: IntArray
    head: IntArray
    link_sort: IntArray
    node_state: NDArray[np.uint8]
    is_link_whole: Flags

    @property
    def n_hours(self) -> int:
        """Return how many hours the event plays."""
        return int(self.node_state.shape[0])


@dataclass(frozen=True, slots=True, eq=False)
class _Alarms:
    """Raises and clears (k,): kind, thing (node, or link for losses and flaps), seconds after the beginning."""

    kind: IntArray
    thing: IntArray
    at_s: FloatArray
    is_clear: Flags
    heard_s: FloatArray


def _random(seed: int, stream: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=[seed, stream]))


class _Book:
    """Alarms put down column by column; the same alarm is not raised twice before it is cleared."""

    def __init__(self) -> None:
        self.parts: list[tuple[IntArray, IntArray, FloatArray, Flags, FloatArray]] = []

    def put(self, kind: int, thing: IntArray, at_s: FloatArray, heard_s: FloatArray, *, is_clear: bool) -> None:
        size = thing.size
        self.parts.append((np.full(size, kind), thing, at_s, np.full(size, is_clear), heard_s))

    def alarms(self) -> _Alarms:
        if not self.parts:
            none = np.zeros(0)
            return _Alarms(none.astype(np.int64), none.astype(np.int64), none, none.astype(np.bool_), none)
        return _Alarms(*(np.concatenate(column) for column in zip(*self.parts, strict=True)))


class _Times:
    """When in its hour a thing changes: things of one cell at about the same time, each kind a little later."""

    def __init__(self, scene: Scene, settings: StormSettings, seed: int) -> None:
        cells = np.stack([np.floor(scene.lon_deg / WAVE_DEG), np.floor(scene.lat_deg / WAVE_DEG)], axis=1)
        first, cell = np.unique(cells, axis=0, return_inverse=True)
        self.n_nodes = len(scene.node_name)
        self.cell = cell.reshape(-1)
        self.n_cells = first.shape[0]
        self.tail = scene.tail
        self.spread_s = HOUR_S * settings.spread_frac
        self.seed = seed
        self.heard_h = _heard(scene)

    def of(self, kind: int, hour: int, thing: IntArray, *, is_link: bool, is_clear: bool) -> FloatArray:
        """Return seconds after the beginning."""
        wave: FloatArray = _random(self.seed, 1_000 + hour).random((self.n_cells,))
        own = self.cell[self.tail[thing]] if is_link else self.cell[thing]
        spec = KINDS[kind]
        draw = _random(self.seed, 1_000_000 + 1_000 * hour + 2 * kind + is_clear)
        # One number for each thing there is, so that no draw depends on which others changed.
        size = (self.tail.size if is_link else self.n_nodes, 2)
        jitter = draw.random(size)[thing]
        delay = JITTER_S * jitter[:, 0] + spec.low_s + (spec.high_s - spec.low_s) * jitter[:, 1]
        return np.asarray(HOUR_S * hour + self.spread_s * wave[own] + delay)


def _heard(scene: Scene) -> NDArray[np.int16]:
    """Return (t, n) the first hour from t on at which a node can be heard, n_hours where never again."""
    heard = np.full(scene.node_state.shape, scene.n_hours, np.int16)
    later = np.full(scene.node_state.shape[1], scene.n_hours, np.int16)
    for hour in range(scene.n_hours - 1, -1, -1):
        later = np.where(scene.node_state[hour] < N_WORKING, np.int16(hour), later)
        heard[hour] = later
    return heard


def _latched(raised: Flags, wanted: Flags, ended: Flags) -> tuple[IntArray, IntArray]:
    """Return what is raised and what is cleared now; ``raised`` is brought up to date."""
    up, down = np.flatnonzero(wanted & ~raised), np.flatnonzero(ended & raised)
    raised[up], raised[down] = True, False
    return up, down


def _node_alarms(scene: Scene, times: _Times, book: _Book) -> None:
    """Put down what becomes of the power of sites, their silence, their cells and routers' neighbours."""
    n = len(scene.node_name)
    raised = {kind: np.zeros(n, np.bool_) for kind in (MAINS, LOW, RUNNING, SILENT, ROUTING)}
    for hour in range(scene.n_hours):
        state = scene.node_state[hour]
        after = scene.node_state[min(hour + 1, scene.n_hours - 1)]
        gone = (state >= N_WORKING) & scene.is_site
        back = (state < N_WORKING) & scene.is_site
        fed = state == SUPPLY
        wanted = {
            MAINS: (scene.is_site & ((state == BATTERY) | (state == GENERATOR)), fed),
            LOW: (scene.is_site & (state == BATTERY) & (after == DARK), fed | (state == GENERATOR)),
            RUNNING: (scene.is_site & (state == GENERATOR), fed),
            SILENT: (gone, back),
            ROUTING: (gone & scene.is_router, back),
        }
        for kind, (begins, ends) in wanted.items():
            for thing, is_clear in zip(_latched(raised[kind], begins, ends), (False, True), strict=True):
                if thing.size:
                    _put_nodes(kind, hour, thing, times, book, is_clear=is_clear)


def _put_nodes(kind: int, hour: int, thing: IntArray, times: _Times, book: _Book, *, is_clear: bool) -> None:
    at_s = times.of(kind, hour, thing, is_link=False, is_clear=is_clear)
    if kind == LOW and not is_clear:
        at_s = np.maximum(HOUR_S * (hour + 1) - BATTERY_LOW_S, 0.0) + (at_s - HOUR_S * hour) % JITTER_S
    later = times.heard_h[hour, thing].astype(np.int64)
    waits = (later > hour) & (kind in ON_SITE)
    heard_s = np.where(waits, HOUR_S * (later + 1.0), at_s)
    book.put(kind, thing, at_s, heard_s, is_clear=is_clear)
    if kind == SILENT:
        for cell in (CELL_1, CELL_2, CELL_3):
            seen = times.of(cell, hour, thing, is_link=False, is_clear=is_clear)
            book.put(cell, thing, seen, seen, is_clear=is_clear)


def _link_alarms(scene: Scene, times: _Times, book: _Book) -> None:
    """Put down the loss of signal at each end that is alive, of links cut and of links whose other end is dead."""
    state = scene.node_state
    is_dead = ((state == DARK) | (state == DAMAGED)).any(axis=0)
    some = np.flatnonzero(
        (~scene.is_link_whole).any(axis=0) | is_dead[scene.tail] | is_dead[scene.head],
    )
    some = some[scene.link_sort[some] != ELSE]
    has_gear = scene.is_site | scene.is_router
    ends = ((LOSS_A, scene.tail[some], scene.head[some]), (LOSS_B, scene.head[some], scene.tail[some]))
    raised = [np.zeros(some.size, np.bool_) for _ in ends]
    for hour in range(scene.n_hours):
        dead = (state[hour] == DARK) | (state[hour] == DAMAGED)
        cut = ~scene.is_link_whole[hour, some]
        for (kind, near, far), own in zip(ends, raised, strict=True):
            alive = ~dead[near] & (has_gear[near] | (scene.link_sort[some] == LONG_HAUL))
            lost = cut | dead[far]
            for at, is_clear in zip(_latched(own, alive & lost, alive & ~lost), (False, True), strict=True):
                if at.size:
                    link = some[at]
                    when = times.of(kind, hour, link, is_link=True, is_clear=is_clear)
                    book.put(kind, link, when, when, is_clear=is_clear)


def _flaps(scene: Scene, settings: StormSettings, seed: int, book: _Book) -> None:
    """Put down radio links that come and go for some minutes in the first hours."""
    radio = np.flatnonzero(scene.link_sort == ACCESS)
    draw = _random(seed, 1)
    some = radio[draw.random(radio.size) < settings.flapping_frac]
    start = draw.random(some.size) * HOUR_S * min(scene.n_hours, 6)
    for number in range(settings.flaps):
        for late, is_clear in ((0.0, False), (5.0, True)):
            at_s = start + 10.0 * number + late
            book.put(FLAP, some, at_s, at_s, is_clear=is_clear)


def _noise(scene: Scene, settings: StormSettings, seed: int, book: _Book) -> None:
    """Put down doors, heat and interfaces of things that nobody knows, anywhere and at any time."""
    site = np.flatnonzero(scene.is_site)
    draw = _random(seed, 2)
    n = int(draw.poisson(site.size * scene.n_hours * HOUR_S / DAY_S * settings.noise_per_site_day))
    if not site.size or not n:
        return
    thing, at_s = site[draw.integers(0, site.size, n)], draw.random(n) * HOUR_S * scene.n_hours
    kind, length_s = draw.random(n), draw.exponential(900.0, n) + 30.0
    strange = kind < settings.unknown_frac
    for number, own in ((STRANGE, strange), (DOOR, ~strange & (kind < 0.5)), (HEAT, kind >= 0.5)):  # noqa: PLR2004
        book.put(number, thing[own], at_s[own], at_s[own], is_clear=False)
        book.put(number, thing[own], (at_s + length_s)[own], (at_s + length_s)[own], is_clear=True)


def _neighbour(scene: Scene) -> IntArray:
    """Return (n,) the router nearest to each router, which tells of its loss; itself where there is no other."""
    router = np.flatnonzero(scene.is_router)
    found = np.arange(len(scene.node_name))
    if router.size > 1:
        gap = np.hypot(
            scene.lon_deg[router][:, None] - scene.lon_deg[router][None, :],
            scene.lat_deg[router][:, None] - scene.lat_deg[router][None, :],
        )
        np.fill_diagonal(gap, np.inf)
        found[router] = router[gap.argmin(axis=1)]
    return found


class Storm:
    """A storm ready to be delivered: ``len`` of it, and events in the order in which they arrive."""

    def __init__(self, scene: Scene, settings: StormSettings | None = None, seed: int = 1, run: str = "") -> None:
        """Make the alarms of a scene; equal arguments give equal storms.

        ``run`` ends the names of the sources, so that a journal takes the storm of a second run as new.
        """
        self.scene = scene
        self.settings = settings or StormSettings()
        book, times = _Book(), _Times(scene, self.settings, seed)
        _node_alarms(scene, times, book)
        _link_alarms(scene, times, book)
        _flaps(scene, self.settings, seed, book)
        _noise(scene, self.settings, seed, book)
        self._alarms = book.alarms()
        self._neighbour = _neighbour(scene)
        self._deliver(seed, f"@{run}" if run else "")

    def _deliver(self, seed: int, suffix: str) -> None:
        """Count the alarms of each source in the order of their time, skew its clock, and order the deliveries."""
        alarms, scene = self._alarms, self.scene
        is_link = np.isin(alarms.kind, (LOSS_A, LOSS_B, FLAP))
        node = np.where(is_link, scene.tail[np.where(is_link, alarms.thing, 0)] if scene.tail.size else 0, alarms.thing)
        names = sorted({kind.source for kind in KINDS})
        family = np.array([names.index(kind.source) for kind in KINDS], np.int64)[alarms.kind]
        n_regions = int(scene.region.max(initial=0)) + 1
        group = family * n_regions + scene.region[node]
        order = np.lexsort((alarms.is_clear, alarms.thing, alarms.kind, alarms.at_s, group))
        first = np.searchsorted(group[order], np.arange(len(names) * n_regions))
        self._seq = np.empty(order.size, np.int64)
        self._seq[order] = np.arange(order.size) - first[group[order]] + 1
        self._source = [f"{names[g // n_regions]}-{g % n_regions + 1}{suffix}" for g in range(len(names) * n_regions)]
        self._group = group
        skew = _random(seed, 3).normal(0.0, self.settings.skew_s, len(self._source))
        self._at_s = alarms.at_s + skew[group]
        draw = _random(seed, 4).random((order.size, 4))[self._rank(order)]
        delay = self.settings.delay_s * -np.log1p(-draw[:, 0])
        delay += np.where(draw[:, 1] < self.settings.late_frac, draw[:, 2] * self.settings.late_s, 0.0)
        arrives = np.maximum(alarms.heard_s, alarms.at_s) + delay
        twice = np.flatnonzero(draw[:, 3] < self.settings.duplicate_frac)
        index = np.concatenate([np.arange(order.size), twice])
        when = np.concatenate([arrives, arrives[twice] + 1.0 + 60.0 * draw[twice, 2]])
        by_time = np.lexsort((index, when))
        self._index, self.arrives_s = index[by_time], when[by_time]

    @staticmethod
    def _rank(order: IntArray) -> IntArray:
        rank = np.empty(order.size, np.int64)
        rank[order] = np.arange(order.size)
        return rank

    def __len__(self) -> int:
        """Return how many deliveries there are, doubled ones with them."""
        return int(self._index.size)

    @property
    def n_events(self) -> int:
        """Return how many different events there are."""
        return int(self._seq.size)

    def resource(self, kind: int, thing: int) -> str:
        """Return the name under which an alarm tells of a thing."""
        scene = self.scene
        if kind in (LOSS_A, LOSS_B):
            end = scene.tail[thing] if kind == LOSS_A else scene.head[thing]
            return f"{scene.link_name[thing]}:{scene.node_name[end]}-port"
        if kind == FLAP:
            return scene.link_name[thing]
        if kind == ROUTING:
            return f"{scene.node_name[self._neighbour[thing]]}:bgp-{scene.node_name[thing]}"
        if kind == STRANGE:
            return f"switch-{thing:05d}.unlisted"
        part = KINDS[kind].part
        return f"{scene.node_name[thing]}:{part}" if part else scene.node_name[thing]

    def events(self, start_s: float = 0.0) -> Iterator[tuple[float, Event]]:
        """Yield when each event arrives and the event, times counted from ``start_s`` (POSIX)."""
        alarms = self._alarms
        for at, when in zip(self._index.tolist(), self.arrives_s.tolist(), strict=True):
            number = int(alarms.kind[at])
            kind, is_clear = KINDS[number], bool(alarms.is_clear[at])
            yield start_s + when, Event(
                source=self._source[self._group[at]], seq=int(self._seq[at]), at_s=start_s + float(self._at_s[at]),
                resource=self.resource(number, int(alarms.thing[at])), type=kind.type,
                severity="cleared" if is_clear else kind.severity, text="" if is_clear else kind.text,
            )  # fmt: skip


def deliver(
    timed: Iterable[tuple[float, Event]], send: Callable[[list[Event]], object], clock: Clock, *,
    rate_per_s: float, speed: float | None = None, batch: int = 500, stop: Callable[[], bool] = lambda: False,
) -> int:  # fmt: skip
    """Hand events to ``send`` in batches, at most ``rate_per_s`` of them; return how many were handed over.

    With ``speed`` an event is not handed over before its own time, which passes so many times as fast as ``clock``.
    """
    begin_s, first_s, n_sent = clock.now_s(), None, 0
    held: list[Event] = []

    def flush() -> None:
        nonlocal n_sent
        if held:
            send(list(held))
            n_sent += len(held)
            held.clear()
        ahead_s = begin_s + n_sent / rate_per_s - clock.now_s()
        if ahead_s > 0.0:
            clock.sleep(ahead_s)

    for when_s, event in timed:
        if stop():
            break
        first_s = when_s if first_s is None else first_s
        if speed is not None:
            wait_s = begin_s + (when_s - first_s) / speed - clock.now_s()
            if wait_s > 0.0:
                flush()
                clock.sleep(max(begin_s + (when_s - first_s) / speed - clock.now_s(), 0.0))
        held.append(event)
        if len(held) >= batch:
            flush()
    flush()
    return n_sent


__all__ = ["Scene", "Storm", "StormSettings", "deliver"]
