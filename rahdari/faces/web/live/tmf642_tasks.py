"""Tasks of TM Forum's alarm management API (TMF642 v4.0.0) that act on many alarms at once: one batch, durable as one.

A pattern is an alarm with some of its attributes; it means every alarm that has all of them.  Grouping is kept as a
comment on the alarms: what belongs together is reasoned from the network, never told.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body, Request, Response

from rahdari.errors import Problem, raise_if_any
from rahdari.faces.web.live.gate import Actor, has_accounts
from rahdari.faces.web.live.replies import OrjsonResponse
from rahdari.faces.web.live.tmf642 import BASE, fits, resource_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rahdari.service.operate import LiveView

Given = Annotated[dict[str, Any], Body()]
MAX_ALARMS = 5_000  # of one task
#: Task: its action, attributes it needs, who it says acts, and what lists the alarms it changed.
TASKS = {
    "ackAlarms": ("ack", ("ackSystemId", "ackUserId", "alarmPattern"), "ackUserId", "ackedAlarm"),
    "unAckAlarms": ("none", ("ackSystemId", "ackUserId", "alarmPattern"), "ackUserId", "unAckedAlarm"),
    "clearAlarms": ("clear", ("clearSystemId", "clearUserId", "alarmPattern"), "clearUserId", "clearedAlarm"),
    "commentAlarms": ("note", ("comment", "alarmPattern"), "", "commentedAlarm"),
    "groupAlarms": ("note", ("parentAlarm", "correlatedAlarm", "sourceSystemId"), "", "groupedAlarm"),
}
MAY_BE = {"ack": {"none", "closed"}, "none": {"ack", "closed"}}  # states that an action changes


def _flat(pattern: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Yield the attributes of a pattern by path."""
    for name, value in pattern.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", str(value).lower() if isinstance(value, bool) else str(value)


def _patterns(body: Mapping[str, Any], name: str) -> list[dict[str, str]]:
    """Return patterns; :class:`InputError` where there is none, or one that would mean every alarm."""
    given = body.get(name)
    every = given if isinstance(given, list) else [given]
    found = [dict(_flat(each)) if isinstance(each, dict) else {} for each in every]
    raise_if_any([
        Problem(f"{name} has an entry without an attribute", "name one at least, such as id")
        for each in found or [{}]
        if not each
    ])  # fmt: skip
    return found


def _note(task: str, body: Mapping[str, Any], parent: Sequence[str]) -> str:
    if task == "groupAlarms":
        return f"grouped by {body['sourceSystemId']} under {', '.join(parent)}"
    comment = body.get("comment")
    return str(comment.get("comment", "")) if isinstance(comment, dict) else ""


def _by(body: Mapping[str, Any], attribute: str, actor: str) -> str:
    """Return who acts as a request says where nobody is asked who they are."""
    comment = body.get("comment")
    said = body.get(attribute) if attribute else comment.get("userId") if isinstance(comment, dict) else None
    return str(said or actor)


def router(view: LiveView) -> APIRouter:
    """Return a route for each task."""
    routes = APIRouter(prefix=BASE, tags=["TMF642"])
    for task in TASKS:
        _add(routes, view, task)
    return routes


def _add(routes: APIRouter, view: LiveView, task: str) -> None:
    action, needed, user, changed = TASKS[task]

    def matching(patterns: Sequence[Mapping[str, str]]) -> dict[str, str]:
        """Return the keys of the alarms that fit any pattern, with their identifiers."""
        roots = view.incident_of_alarm()
        every = ((alarm, resource_of(alarm, roots)) for alarm in view.alarms())
        found = {alarm.key: own["id"] for alarm, own in every if any(fits(own, each) for each in patterns)}
        what = f"the task means {len(found):,} alarms, more than {MAX_ALARMS:,}"
        raise_if_any([Problem(what, "narrow its patterns")] if len(found) > MAX_ALARMS else [])
        return found

    def do(actor: Actor, request: Request, body: Given) -> Response:
        raise_if_any([
            Problem(f"the task has no {name}", "TMF642 demands it") for name in needed if not body.get(name)
        ])  # fmt: skip
        is_group = task == "groupAlarms"
        found = matching(_patterns(body, "correlatedAlarm" if is_group else "alarmPattern"))
        parent = list(matching(_patterns(body, "parentAlarm"))) if is_group else []
        problems = [Problem("the parent is no alarm", "give its id")] if is_group and len(parent) != 1 else []
        note = _note(task, body, parent)
        if action == "note" and not note.strip():
            problems.append(Problem("the comment is empty", "write what others should know"))
        raise_if_any(problems)
        meant = {key: name for key, name in found.items() if _changes(view, key, action)}
        by = actor if has_accounts(request.app) else _by(body, user, actor)
        done = view.act_on_alarms(list(meant), action, by, note)
        refs = [{"id": name, "href": f"{BASE}/alarm/{name}"} for name in meant.values()]
        told = {**body, "id": str(done), "href": f"{BASE}/{task}/{done}", "@type": task[0].upper() + task[1:]}
        return OrjsonResponse({**told, changed: refs, "state": "done"}, status_code=HTTPStatus.CREATED)

    about = f"Do to all alarms that fit a pattern what the task says: {task}; answered when it is durable."
    routes.add_api_route(
        f"/{task}", do, methods=["POST"], description=about, name=task, status_code=HTTPStatus.CREATED
    )  # fmt: skip


def _changes(view: LiveView, key: str, action: str) -> bool:
    alarm = view.alarm(key)
    if action == "clear":
        return not alarm.is_cleared
    return alarm.operator_state in MAY_BE.get(action, {alarm.operator_state})


__all__ = ["TASKS", "router"]
