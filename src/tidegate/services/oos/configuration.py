"""Templates of states: which configuration resources shall have, instead of tasks (oos.md 1.2). Kept, never run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tidegate.services.oos.compiler import Compiler
from tidegate.services.oos.document import Node
from tidegate.services.oos.model import STATE, Kind, State
from tidegate.services.oos.problems import Mark, Problems

_KEYS: Final = frozenset({"ResourceType", "Properties"})


def parse_states(
    sections: Mapping[str, Node], kind: Kind, mark: Mark, compiler: Compiler, problems: Problems
) -> tuple[State, ...]:
    """Return the states of a template; its properties may refer to parameters (V2, V7)."""
    node = sections.get("States")
    if kind != "State":
        if node is not None:
            problems.error(node.mark, "V2", f"only a template of the FormatVersion {STATE} has States")
        return ()
    if "Tasks" in sections:
        problems.error(sections["Tasks"].mark, "V2", "a template of states has no Tasks")
    if node is None:
        problems.error(mark, "V2", "States is missing")
        return ()
    if not isinstance(node.value, list) or not node.value:
        problems.error(node.mark, "V2", "States must be a list with at least one state")
        return ()
    states = (_state(one, compiler, problems) for one in node.value)
    return tuple(state for state in states if state is not None)


def _state(node: Node, compiler: Compiler, problems: Problems) -> State | None:
    if not isinstance(node.value, dict):
        problems.error(node.mark, "V2", "a state is a map with ResourceType and Properties")
        return None
    for key in node.value.keys() - _KEYS:
        problems.error(node.keys[key], "V2", f'a state has no key "{key}"')
    kind, properties = node.value.get("ResourceType"), node.value.get("Properties")
    if kind is None or not isinstance(kind.value, str) or not kind.value:
        problems.error(node.mark, "V2", "a state needs a ResourceType")
        return None
    if properties is not None and not isinstance(properties.value, dict | None):
        problems.error(properties.mark, "V2", "Properties must be a map")
        return None
    return State(kind.value, compiler.compile(properties or Node({}, node.mark)))
