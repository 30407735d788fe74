"""Put the outcomes of all blocks together: capacities, cuts and flows in the instance's own links."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from rahdari.methods.survivable_model import MetricCut, Routing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.methods.instance import Instance
    from rahdari.methods.survivable_blocks import Block, Core
    from rahdari.methods.survivable_scenarios import States
    from rahdari.methods.survivable_search import Outcome

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]


@dataclass
class Assembly:
    """What grows while blocks come in."""

    instance: Instance
    states: States
    capacity: FloatArray
    cuts: list[MetricCut] = field(default_factory=list)
    bound: float = 0.0
    case: list[IntArray] = field(default_factory=list)
    n_cases: int = 1
    section_node: dict[int, IntArray] = field(default_factory=dict)
    section_group: dict[int, int] = field(default_factory=dict)
    path_section: list[int] = field(default_factory=list)
    path_link: list[IntArray] = field(default_factory=list)
    flow: list[tuple[IntArray, IntArray, FloatArray]] = field(default_factory=list)

    @classmethod
    def start(cls, instance: Instance, states: States) -> Assembly:
        """Return an assembly with the installed capacity only; case 0 holds in every state."""
        return cls(instance, states, instance.link_installed.copy(), case=[np.zeros(len(states.link), dtype=np.int64)])

    def add_bridge(self, block: Block) -> None:
        """Take a block of one link: it carries what crosses it in the state of most traffic."""
        link, section = int(block.link[0]), int(block.section[0])
        amount = block.amount[:, 0]
        profile = int(np.argmax(amount))
        need, installed = float(amount[profile]), float(self.instance.link_installed[link])
        self.capacity[link] = max(need, installed)
        if need > installed and self.instance.link_unit_cost[link] > 0.0:
            state = int(np.argmax(self.states.profile == profile))
            cost = float(self.instance.link_unit_cost[link])
            self.cuts.append(MetricCut(self.states.name(state), {self.instance.link_id[link]: 1.0}, need, cost))
            self.bound += cost * (need - installed)
        self.add_section(section, block.section_node[0], 0)
        self.add_path(section, block.link, 0)

    def add_core(self, block: Block, core: Core, outcome: Outcome) -> None:
        """Take a solved core."""
        for links, units in zip(core.member, outcome.capacity.tolist(), strict=True):
            self.capacity[links] = np.maximum(self.instance.link_installed[links], units)
        self.bound += outcome.bound
        for cut, multiplier in outcome.cuts:
            name = self.states.name(int(core.state[cut.scenario]))
            weight: dict[str, float] = {}
            for link, value in zip(cut.link.tolist(), cut.weight.tolist(), strict=True):
                cost = self.instance.link_unit_cost[core.member[link]]
                total = float(cost.sum())
                share = cost / total if total > 0.0 else np.full(cost.size, 1.0 / cost.size)
                for i, part in zip(core.member[link].tolist(), share.tolist(), strict=True):
                    weight[self.instance.link_id[i]] = value * part
            self.cuts.append(MetricCut(name, weight, cut.right_side, multiplier))
        group = len(self.case)
        self.case.append(self.n_cases + outcome.cover[core.case])
        for i, section in enumerate(block.section.tolist()):
            self.add_section(section, block.section_node[i], group)
        self._add_flows(block, core, outcome)
        self.n_cases += len(outcome.flows)

    def _add_flows(self, block: Block, core: Core, outcome: Outcome) -> None:
        """Write the paths in use and the flows on them as shares of their section."""
        source, section = np.repeat(core.source, np.diff(core.first)), block.section[core.section]
        for pool in {id(flow.pool): flow.pool for flow in outcome.flows}.values():
            flows = [(self.n_cases + c, flow) for c, flow in enumerate(outcome.flows) if flow.pool is pool]
            sent = [np.bincount(flow.demand, weights=flow.units, minlength=len(core.target)) for _, flow in flows]
            share = [flow.units / total[flow.demand] for total, (_, flow) in zip(sent, flows, strict=True)]
            case = np.repeat([c for c, _ in flows], [flow.path.size for _, flow in flows])
            demand = np.concatenate([flow.demand for _, flow in flows])
            path = np.concatenate([flow.path for _, flow in flows])
            known, first, place = np.unique(path, return_index=True, return_inverse=True)
            self.flow.append((case, len(self.path_link) + place, np.concatenate(share)))
            for p, d in zip(known.tolist(), demand[first].tolist(), strict=True):
                chain = _chain(core, int(source[d]), pool.links(p)[::-1].tolist())
                is_turned = source[d] > core.target[d]
                self.add_path(int(section[d]), chain[::-1] if is_turned else chain)

    def add_section(self, section: int, ends: IntArray, group: int) -> None:
        """Note a section's ends and the group that tells its case."""
        self.section_node[section] = ends
        self.section_group[section] = group

    def add_path(self, section: int, links: IntArray, case: int | None = None) -> None:
        """Note a path of a section, and that it carries everything in a case."""
        if case is not None:
            self.flow.append((np.array([case]), np.array([len(self.path_link)]), np.ones(1)))
        self.path_section.append(section)
        self.path_link.append(np.asarray(links, dtype=np.int64))

    def routing(self, demand_section: tuple[IntArray, ...]) -> Routing:
        """Return all flows as arrays."""
        n = len(self.section_node)
        none = (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0))
        case, path, share = (np.concatenate(parts) for parts in zip(none, *self.flow, strict=True))
        lengths = [links.size for links in self.path_link]
        return Routing(
            demand_section=demand_section,
            section_node=np.array([self.section_node[i] for i in range(n)], dtype=np.int64).reshape(-1, 2),
            section_group=np.array([self.section_group[i] for i in range(n)], dtype=np.int64),
            case=np.array(self.case, dtype=np.int64),
            path_section=np.array(self.path_section, dtype=np.int64),
            path_start=np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]),
            path_link=np.concatenate([*self.path_link, np.zeros(0, dtype=np.int64)]),
            flow_case=case.astype(np.int64),
            flow_path=path.astype(np.int64),
            flow_share=share,
        )


def _chain(core: Core, node: int, links: list[int]) -> IntArray:
    """Return the instance's links along a way of the core's links from a node on."""
    parts = []
    for link in links:
        a, b = core.link_node[link].tolist()
        parts.append(core.member[link] if a == node else core.member[link][::-1])
        node = b if a == node else a
    return np.concatenate(parts)
