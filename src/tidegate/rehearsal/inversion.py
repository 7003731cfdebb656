"""Answers from what was selected of them: the inverse of selectors, as far as these are plain paths (oos.md 3.5, 3.6)."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from tidegate.rehearsal.shapes import Step, path_of, paths_of, texts_in
from tidegate.services.oos import limits
from tidegate.services.oos.expressions import Literal
from tidegate.services.oos.model import Task, TaskOutput
from tidegate.services.oos.sandbox import Programs
from tidegate.services.oos.selectors import complete_program, type_results
from tidegate.services.oos.values import ExpressionError, are_equal


async def answer_of(
    task: Task, outputs: Mapping[str, Any], properties: Mapping[str, Any], programs: Programs
) -> tuple[dict[str, Any], list[str]]:
    """Return an answer of which a task selects these outputs, and the outputs for which none was found.

    A selector with references in it is left out. A value that ``WaitFor`` and ``CheckFor`` desired is put in as well.
    """
    answer: dict[str, Any] = {}
    for output in task.outputs:
        program = _program(output)
        if program is not None and output.name in outputs:
            answer = await _with_results(answer, program, output.type, outputs[output.name], programs)
    answer = await _with_desired(answer, properties, programs)
    lost = []
    for output in task.outputs:
        program = _program(output)
        wanted = outputs.get(output.name)
        if program is not None and not await _selects(answer, program, output.type, wanted, programs):
            lost.append(output.name)
    return answer, lost


def _program(output: TaskOutput) -> str | None:
    """Return the jq program of an output; None when it has references in it."""
    program = output.selector.value if isinstance(output.selector, Literal) else None
    return program if isinstance(program, str) else None


async def _selects(answer: Any, program: str, kind: str, value: Any, programs: Programs) -> bool:
    try:
        found = type_results(kind, await programs.run_jq(complete_program(program), answer))
    except ExpressionError:
        return False
    return are_equal(found, value)


async def _with_results(
    answer: dict[str, Any], program: str, kind: str, value: Any, programs: Programs
) -> dict[str, Any]:
    """Return the answer so that the program selects the value, if that can be found."""
    results = value if kind in ("List", "Array") and isinstance(value, list) else [value]
    whole = path_of(program)
    if whole is not None:
        return _spread(answer, whole, results)
    if await _selects(answer, program, kind, value, programs):
        return answer
    # ``.Region | length`` and ``map(.Id) | index("i-1") != null``: a list so long, or a text of the program, may do.
    is_length = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= limits.LOOP_ITEMS
    lists = [[[None] * value]] if is_length else []
    wanted = [*lists, results, [value], *([text] for text in texts_in(program))]
    for path in sorted(set(paths_of(program)), key=len, reverse=True):
        for values in wanted:
            tried = _spread(copy.deepcopy(answer), path, values)
            if await _selects(tried, program, kind, value, programs):
                return tried
    return answer


async def _with_desired(answer: dict[str, Any], properties: Mapping[str, Any], programs: Programs) -> dict[str, Any]:
    selector, desired = properties.get("PropertySelector"), properties.get("DesiredValues")
    if not isinstance(selector, str) or not isinstance(desired, list):
        return answer
    for value in desired:
        if await _selects(answer, selector, "String", value, programs):
            return answer
    for value in desired:
        tried = await _with_results(copy.deepcopy(answer), selector, "String", value, programs)
        if await _selects(tried, selector, "String", value, programs):
            return tried
    return answer


def _spread(answer: dict[str, Any], path: Sequence[Step], results: Sequence[Any]) -> dict[str, Any]:
    """Put results where a path leads: one into each element of the first list that it goes through."""
    if 0 not in path:
        for value in results:
            _put(answer, path, value)
        return answer
    place = list(path).index(0)
    if not results:
        _put(answer, path[:place], [])
    for number, value in enumerate(results):
        _put(answer, [*path[:place], number, *path[place + 1 :]], value)
    return answer


def _put(tree: Any, path: Sequence[Step], value: Any) -> None:
    """Put a value at a path; what is on the way is made, lists as long as they must be."""
    for step, following in zip(path, [*path[1:], None], strict=True):
        fresh: Any = value if following is None else [] if isinstance(following, int) else {}
        if isinstance(step, int):
            if not isinstance(tree, list):
                return
            while len(tree) <= step:
                tree.append(copy.deepcopy(fresh))
            if following is not None and not isinstance(tree[step], dict | list):
                tree[step] = fresh
        elif not isinstance(tree, dict):
            return
        elif not isinstance(tree.get(step), dict | list):
            tree[step] = fresh
        if following is None:
            tree[step] = value
        tree = tree[step]
