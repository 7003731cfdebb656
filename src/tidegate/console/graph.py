"""The tasks of a template as a picture: boxes in their order, arrows for where success and failure lead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from tidegate.services.oos.model import END, NEXT, Task, Template

_WIDTH: Final = 330
_HEIGHT: Final = 50
_GAP: Final = 34
#: Room for arrows that jump, beside the boxes.
_SIDE: Final = 90


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """One box. ``status`` is empty for a task that has not been started."""

    name: str
    action: str
    detail: str
    status: str
    x: int
    y: int
    width: int = _WIDTH
    height: int = _HEIGHT


class Edge(msgspec.Struct, frozen=True):
    """One arrow, as the data of an SVG path."""

    path: str
    kind: Literal["success", "error"]


class Graph(msgspec.Struct, frozen=True):
    """The whole picture, in pixels."""

    width: int
    height: int
    nodes: Sequence[Node]
    edges: Sequence[Edge]


def graph_of(template: Template, statuses: Mapping[str, str]) -> Graph:
    """Draw a template; ``statuses`` has those of the tasks that were started."""
    nodes = [_node(task, statuses.get(task.name, ""), row) for row, task in enumerate(template.tasks)]
    rows = {task.name: row for row, task in enumerate(template.tasks)}
    edges: list[Edge] = []
    for row, task in enumerate(template.tasks):
        targets = _successes(task, row, template.tasks)
        edges.extend(_edge(row, rows[target], "success") for target in targets if target in rows)
        if task.on_error in rows:
            edges.append(_edge(row, rows[task.on_error], "error"))
    height = len(nodes) * (_HEIGHT + _GAP) - _GAP + 4
    return Graph(_WIDTH + 2 * _SIDE, max(height, _HEIGHT), nodes, edges)


def _successes(task: Task, row: int, tasks: Sequence[Task]) -> Sequence[str]:
    if task.branches:
        return list(dict.fromkeys([*(branch.next_task for branch in task.branches), task.default_task]))
    if task.on_success == NEXT:
        return [tasks[row + 1].name] if row + 1 < len(tasks) else []
    return [] if task.on_success == END else [task.on_success]


def _node(task: Task, status: str, row: int) -> Node:
    return Node(
        name=task.name,
        action=task.action,
        detail=_detail(task),
        status=status,
        x=_SIDE,
        y=2 + row * (_HEIGHT + _GAP),
    )


def _detail(task: Task) -> str:
    properties: Any = task.source.get("Properties")
    given = properties if isinstance(properties, Mapping) else {}
    service, api = given.get("Service"), given.get("API")
    return f"{service} {api}" if isinstance(service, str) and isinstance(api, str) else task.action


def _edge(start: int, end: int, kind: Literal["success", "error"]) -> Edge:
    """Return an arrow: straight to the next box, in a bow beside the boxes to any other."""
    pitch = _HEIGHT + _GAP
    if end == start + 1 and kind == "success":
        x = _SIDE + _WIDTH // 2
        return Edge(f"M{x} {2 + start * pitch + _HEIGHT}V{2 + end * pitch - 2}", kind)
    right = kind == "success"
    x = _SIDE + _WIDTH if right else _SIDE
    bow = min(30 + 16 * abs(end - start), _SIDE - 6) * (1 if right else -1)
    top, bottom = 2 + start * pitch + _HEIGHT // 2 + 8, 2 + end * pitch + _HEIGHT // 2 - 8
    return Edge(f"M{x} {top}C{x + bow} {top} {x + bow} {bottom} {x} {bottom}", kind)
