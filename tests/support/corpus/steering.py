"""Bends an answer until it is what a task waits for, or what a later choice looks for."""

from __future__ import annotations

import copy
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, product
from typing import Any

import jq

from tidegate.rehearsal.shapes import Step, paths_of, put, texts_in
from tidegate.services.oos.model import Task, Template
from tidegate.services.oos.selectors import complete_program
from tidegate.services.oos.values import are_equal, from_json

#: combinations of values that are tried for one selector
_COMBINATIONS = 400
_REFERENCE = re.compile(r"\s*\{\{\s*([\w-]+)\.([\w-]+)\s*\}\}\s*")


def run(program: str, answer: Any) -> list[Any] | None:
    """Return all results of a selector; None when it does not fit."""
    try:
        return list(jq.compile(complete_program(program)).input_value(answer).all())
    except ValueError:
        return None


def reach(answer: dict[str, Any], properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer so that WaitFor and CheckFor find what they desire in it, if that can be done."""
    selector = properties.get("PropertySelector")
    if not isinstance(selector, str) or _is_desired(answer, selector, properties):
        return answer
    wanted = [*(_listed(properties.get("DesiredValues")) or []), *texts_in(selector)]
    for bent in _bendings(answer, selector, [*wanted, "other", 0, 1, True, False, None, [], ["other"]]):
        if _is_desired(bent, selector, properties):
            return bent
    return answer


def _is_desired(answer: Any, selector: str, properties: Mapping[str, Any]) -> bool:
    results = run(selector, answer)
    if results is None:
        return False
    desired, undesired = _listed(properties.get("DesiredValues")), _listed(properties.get("NotDesiredValues"))
    return all(
        (desired is None or _among(value, desired)) and not (undesired and _among(value, undesired))
        for value in results or [None]
    )


def _bendings(answer: dict[str, Any], selector: str, values: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """Yield the answer with values at the paths that the selector reads, and with each list of it empty."""
    paths = sorted(set(paths_of(selector)), key=lambda path: (-len(path), str(path)))
    yield from (value for value in values if isinstance(value, dict | list) and selector.strip() == ".")
    for value in values:
        for path in paths:
            yield with_value(answer, path, value)
    leaves = [path for path in paths if not any(other[: len(path)] == path and other != path for other in paths)]
    texts = [value for value in values if value is not None]
    for chosen in islice(product(texts, repeat=min(len(leaves), 4)), _COMBINATIONS):
        bent = copy.deepcopy(answer)
        for path, value in zip(leaves, chosen, strict=False):
            _set(bent, list(path), value)
        yield bent
    for path in paths:
        for end in [place for place, step in enumerate(path) if step == 0]:
            yield with_value(answer, path[:end], [])


def with_value(answer: dict[str, Any], path: Sequence[Step], value: Any) -> dict[str, Any]:
    """Return the answer with a value at a path, in every element of the lists on the way."""
    tree = copy.deepcopy(answer)
    put(tree, path, value)
    _set(tree, list(path), value)
    return tree


def _set(tree: Any, path: list[Step], value: Any) -> None:
    if not path:
        return
    step, *rest = path
    match tree, step:
        case dict(), str() if step in tree:
            if rest:
                _set(tree[step], rest, value)
            else:
                tree[step] = value
        case list(), int():
            for place, element in enumerate(tree):
                if rest:
                    _set(element, rest, value)
                else:
                    tree[place] = value


def enrich(answer: dict[str, Any], programs: Iterable[str]) -> dict[str, Any]:
    """Return the answer with more elements in its lists, so that ``select(.Type == "system")`` finds one."""
    for program in programs:
        if any(result not in (None, []) for result in run(program, answer) or []):
            continue
        texts = texts_in(program)
        candidates = (
            _with_element(answer, path, text) for path in sorted(set(paths_of(program)), key=len) for text in texts
        )
        for bent in islice(candidates, _COMBINATIONS):
            if any(result not in (None, []) for result in run(program, bent) or []):
                answer = bent
                break
    return answer


def _with_element(answer: dict[str, Any], path: Sequence[Step], value: Any) -> dict[str, Any]:
    """Return the answer with one more element in the innermost list of a path, which has the value at its end."""
    lists = [place for place, step in enumerate(path) if isinstance(step, int)]
    tree = copy.deepcopy(answer)
    if not lists:
        return with_value(tree, path, value)
    place: Any = tree
    for step in path[: lists[-1]]:
        place = place.get(step) if isinstance(place, dict) else place[0] if isinstance(place, list) and place else None
    if isinstance(place, list) and place:
        element = copy.deepcopy(place[0])
        _set(element, list(path[lists[-1] + 1 :]), value)
        place.append(element)
    return tree


class Hints:
    """What conditions of a template compare outputs of its tasks with."""

    def __init__(self, template: Template) -> None:
        self._compared: dict[tuple[str, str], list[Any]] = defaultdict(list)
        for left, right in _comparisons(template.source):
            for one, other in ((left, right), (right, left)):
                match = _REFERENCE.fullmatch(one) if isinstance(one, str) else None
                if match and not (isinstance(other, str) and "{{" in other) and not isinstance(other, dict):
                    self._compared[match[1].lower(), match[2].lower()].append(other)

    def bend(self, answer: dict[str, Any], task: Task, chance: random.Random) -> dict[str, Any]:
        """Return the answer with some of these values where the task's outputs are selected."""
        for output in task.outputs:
            values = self._compared.get((task.name.lower(), output.name.lower()))
            selector = getattr(output.selector, "value", None)
            if not values or not isinstance(selector, str) or chance.random() < 0.3:
                continue
            value = chance.choice(values)
            for path in sorted(set(paths_of(selector)), key=len, reverse=True):
                bent = with_value(answer, path, value)
                if any(are_equal(result, value) for result in run(selector, bent) or []):
                    answer = bent
                    break
        return answer


def _comparisons(source: Any) -> Iterator[tuple[Any, Any]]:
    match source:
        case {"Fn::Equals": [left, right]}:
            yield left, right
    for inner in source.values() if isinstance(source, Mapping) else source if isinstance(source, list) else ():
        yield from _comparisons(inner)


def _listed(value: Any) -> list[Any] | None:
    if isinstance(value, str):
        try:
            value = from_json(value)
        except ValueError:
            return [value]
    return value if isinstance(value, list | None) else [value]


def _among(value: Any, wanted: Sequence[Any]) -> bool:
    return any(are_equal(value, other) for other in wanted)
