"""Drafts of answers: the shape that an answer must have for the selectors that a task applies to it."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from tidegate.services.oos.expressions import Literal
from tidegate.services.oos.model import Task

_PATH: Final = re.compile(r"(?:\.?[A-Za-z_]\w*|\.\"[^\"]+\"|\.?\[-?\d*\])+")
_STEP: Final = re.compile(r"\.?([A-Za-z_]\w*)|\.\"([^\"]+)\"|\[(-?\d*)\]")
#: a text, a variable that is bound, what opens, what closes, a pipe, where a path begins, anything else
_TOKEN: Final = re.compile(
    r"(?P<text>\"(?:[^\"\\]|\\.)*\")|(?P<bound>\bas\s+\$\w+)|(?P<open>\w*\(|[\[{])|(?P<close>[)\]}])|(?P<pipe>\|)"
    r"|(?P<path>(?:\$\w+|(?<![\w)\]]))\.(?=[A-Za-z_\"\[]))|(?P<other>\S)"
)
_TEXT: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
#: the functions whose argument is asked of every element of a list
_EACH: Final = re.compile(r"(?:map|any|all|\w+_by)\(")

Step = str | int


def draft_answer(task: Task | None) -> dict[str, Any]:
    """Return an answer with every field that a task selects, as far as its selectors tell."""
    draft: dict[str, Any] = {}
    for selector in selectors(task) if task is not None else ():
        for path in paths_of(selector):
            put(draft, path, "")
    return draft


def paths_of(selector: str) -> Iterator[tuple[Step, ...]]:
    """Yield the paths that a jq program reads, as far as they stand in it; ``[]`` counts as the element 0.

    What follows a pipe is taken to go on where the path before ended, ``Instances.Instance[] | {Id: .InstanceId}``; what
    is read of a variable where that was bound.
    """
    text = selector.strip()
    if re.match(r"[A-Za-z_]", text):
        text = f".{text}"
    base: tuple[Step, ...] = ()
    bound = base
    within: list[str] = []
    position, is_first = 0, True
    while (token := _TOKEN.search(text, position)) is not None:
        position = token.end()
        match token.lastgroup:
            case "open":
                within.append(token[0])
            case "close":
                del within[-1:]
            case "pipe":
                is_first = True
                continue
            case "bound":
                bound = base
            case "path":
                path = _PATH.match(text, position - 1)
                assert path is not None
                position = path.end()
                in_each = any(_EACH.fullmatch(opened) for opened in within)
                is_variable = token[0].startswith("$")
                found = (bound if is_variable else base) + (0,) * in_each + _steps(path[0])
                yield found
                if is_first and not is_variable and all(opened == "[" for opened in within):
                    base = found
        is_first = is_first and token.lastgroup == "open"


def path_of(selector: str) -> tuple[Step, ...] | None:
    """Return the path that a selector is, when it is nothing else: ``Instances.Instance[].InstanceId``."""
    text = selector.strip()
    match = _PATH.fullmatch(text)
    return _steps(match[0]) if match is not None else None


def texts_in(program: str) -> list[str]:
    """Return the texts that stand in a jq program, once each."""
    return list(dict.fromkeys(_TEXT.findall(program)))


def put(tree: dict[str, Any], path: Iterable[Step], value: Any) -> None:
    """Put a value at a path of a tree, unless something stands there."""
    steps = list(path)
    place: Any = tree
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        fresh: Any = value if following is None else [] if isinstance(following, int) else {}
        match place, step:
            case dict(), str():
                if place.get(step) in (None, ""):
                    place[step] = fresh
                place = place.setdefault(step, fresh)
            case list(), int():
                while len(place) <= step:
                    place.append(copy.deepcopy(place[0]) if place else fresh)
                place = place[step]
            case _:
                return


def selectors(task: Task) -> Iterator[str]:
    """Yield the jq programs that a task applies to an answer, as far as they are written out."""
    for output in task.outputs:
        if isinstance(output.selector, Literal) and isinstance(output.selector.value, str):
            yield output.selector.value
    properties = task.source.get("Properties")
    selector = properties.get("PropertySelector") if isinstance(properties, dict) else None
    if isinstance(selector, str):
        yield selector


def _steps(path: str) -> tuple[Step, ...]:
    return tuple(step[1] or step[2] or max(0, int(step[3] or 0)) for step in _STEP.finditer(path))
