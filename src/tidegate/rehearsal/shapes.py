"""Drafts of answers: the shape that an answer must have for the selectors that a task applies to it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from tidegate.services.oos.expressions import Literal
from tidegate.services.oos.model import Task

_PATH: Final = re.compile(r"(?:\.?[A-Za-z_]\w*|\.\"[^\"]+\"|\[\]|\[-?\d+\])+")
_STEP: Final = re.compile(r"\.?([A-Za-z_]\w*)|\.\"([^\"]+)\"|(\[)")
#: where a path begins: not inside a text, a function's name or a variable's
_BEGINS: Final = re.compile(r"\"(?:[^\"\\]|\\.)*\"|\$\w+|(?<![\w)\]])\.(?=[A-Za-z_\"\[])")

Step = str | int


def draft_answer(task: Task | None) -> dict[str, Any]:
    """Return an answer with every field that a task selects, as far as its selectors tell."""
    draft: dict[str, Any] = {}
    for selector in _selectors(task) if task is not None else ():
        for path in paths_of(selector):
            put(draft, path, "")
    return draft


def paths_of(selector: str) -> Iterator[tuple[Step, ...]]:
    """Yield the paths that a jq program reads, as far as they stand in it; 0 stands for any element of a list.

    What follows a pipe is taken to go on where the first path ended: ``Instances.Instance[] | {Id: .InstanceId}``.
    """
    text = selector.strip()
    if re.match(r"[A-Za-z_]", text):
        text = f".{text}"
    base: tuple[Step, ...] = ()
    for part in text.split("|"):
        found = [_steps(part, match.start()) for match in _BEGINS.finditer(part) if match[0] == "."]
        for steps in found:
            yield base + steps
        if len(found) == 1 and part.strip().startswith("."):
            base += found[0]


def put(tree: dict[str, Any], path: Iterable[Step], value: Any) -> None:
    """Put a value at a path of a tree, unless something stands there."""
    steps = list(path)
    place: Any = tree
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        fresh: Any = value if following is None else [] if isinstance(following, int) else {}
        match place, step:
            case dict(), str():
                if place.get(step) in (None, "") and following is not None:
                    place[step] = fresh
                place = place.setdefault(step, fresh)
            case list(), int():
                if not place:
                    place.append(fresh)
                place = place[0]
            case _:
                return


def _selectors(task: Task) -> Iterator[str]:
    for output in task.outputs:
        if isinstance(output.selector, Literal) and isinstance(output.selector.value, str):
            yield output.selector.value
    properties = task.source.get("Properties")
    selector = properties.get("PropertySelector") if isinstance(properties, dict) else None
    if isinstance(selector, str):
        yield selector


def _steps(text: str, start: int) -> tuple[Step, ...]:
    match = _PATH.match(text, start)
    if match is None:
        return ()
    return tuple(0 if step[3] else step[1] or step[2] for step in _STEP.finditer(match[0]))
