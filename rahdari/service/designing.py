"""Design capacity that survives failures for a network file, and re-check the answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from rahdari.errors import InputError, Problem
from rahdari.model.params import Params
from rahdari.store.atomic import write_text
from rahdari.store.spreadsheet import safe_csv

if TYPE_CHECKING:
    from rahdari.methods.instance import Instance
    from rahdari.methods.survivable import Design


class DesignRequest(Params):
    """Find the cheapest capacities of a network file that survive failures."""

    file: Path = Field(description="Network file with demands")
    failures: str = Field(
        "links", description="links (each alone), none, or a CSV file: failure_id, link_id, node_id, share_frac"
    )
    modular: bool = Field(default=False, description="Buy whole modules")
    protection: Literal["restoration", "1+1"] = Field("restoration", description="How traffic survives")
    gap: float = Field(1e-3, gt=0.0, le=1.0, description="Gap between cost and bound at which to stop")
    time_limit_s: float | None = Field(60.0, gt=0.0, description="Stop after this time with the gap reached")
    unprotected: Literal["error", "report"] = Field("error", description="What to do where a demand is cut off")
    out: Path | None = Field(None, description="CSV file for the capacities, or JSON for all of the proof")


class DesignResponse(Params):
    """Cost, bound and capacities."""

    name: str
    n_nodes: int
    n_links: int
    n_demands: int
    n_failures: int
    cost: float
    lower_bound: float
    gap_frac: float
    is_verified: bool = Field(description="An independent check of flows and bound agreed")
    n_cut_off: int = Field(0, description="Pairs of failure and demand that no capacity can save")
    capacity: list[dict[str, Any]]
    modules: list[dict[str, Any]] = Field(default_factory=list, description="Link, place of the module, and how many")
    out: Path | None = None
    certificates: list[dict[str, Any]] = Field(default_factory=list)


def _proof(instance: Instance, found: Design) -> str:
    """Return instance and design as JSON: all that a check of cost and bound needs, from this file alone."""
    node, links, demands = instance.node_id, instance.link_node.tolist(), instance.demand_node.tolist()
    taken = {
        "nodes": list(node),
        "links": [
            [name, node[a], node[b], cost, installed]
            for name, (a, b), cost, installed in zip(
                instance.link_id, links, instance.link_unit_cost.tolist(), instance.link_installed.tolist(), strict=True
            )
        ],
        "demands": [
            [name, node[a], node[b], value]
            for name, (a, b), value in zip(instance.demand_id, demands, instance.demand_value.tolist(), strict=True)
        ],
    }
    if found.modules is not None:
        sizes = zip(instance.link_id, instance.link_module_capacity, instance.link_module_cost, strict=True)
        taken["modules"] = [[name, size.tolist(), cost.tolist()] for name, size, cost in sizes]
    return json.dumps({"instance": taken, "design": found.as_dict()}, indent=1, sort_keys=True) + "\n"


def design(request: DesignRequest) -> DesignResponse:
    """Return the design of a network file; nothing is written unless the verifier agrees.

    Raises :class:`InputError` with every problem of the file, and for targets that no capacity meets.
    """
    from rahdari.methods.survivable import design_survivable, verify_design
    from rahdari.service.failure_lists import failures_of
    from rahdari.sources.networks.files import load_instance

    failures = failures_of(request.failures)
    instance = load_instance(request.file)
    if not instance.demand_id:
        raise InputError(Problem("the file states no demands", "give a file with demands", str(request.file)))
    suffix = "" if request.out is None else request.out.suffix.lower()
    if request.out is not None and suffix not in {".csv", ".json"}:
        cure = "name a .csv file for the capacities, or a .json file for the whole proof"
        raise InputError(Problem(f"'{request.out.name}' is neither .csv nor .json", cure, column="out"))
    found = design_survivable(
        instance, failures, protection=request.protection, gap=request.gap, time_limit_s=request.time_limit_s,
        modular=request.modular, unprotected=request.unprotected,
    )  # fmt: skip
    verify_design(instance, found)
    if request.out is not None:
        text = safe_csv(found.capacity) if suffix == ".csv" else _proof(instance, found)
        write_text(request.out, text)
    modules = [] if found.modules is None else found.modules.to_dicts()
    return DesignResponse(
        name=instance.name, n_nodes=len(instance.node_id), n_links=len(instance.link_id),
        n_demands=len(instance.demand_id), n_failures=len(found.failures), cost=found.cost,
        lower_bound=found.lower_bound, gap_frac=found.gap, is_verified=True, n_cut_off=len(found.cut_off),
        capacity=found.capacity.to_dicts(), modules=modules, out=request.out,
        certificates=[found.certificate.as_dict()],
    )  # fmt: skip
