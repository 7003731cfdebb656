"""The grammar of a template: checks a document and compiles it, reporting everything that is wrong (oos.md 1, V2–V10)."""

from __future__ import annotations

import graphlib
from collections.abc import Mapping
from typing import Any, Final

from tidegate.services.oos.actions.products import Products
from tidegate.services.oos.compiler import Compiler, Names
from tidegate.services.oos.configuration import parse_states
from tidegate.services.oos.declarations import parse_parameters
from tidegate.services.oos.document import START, Format, Node
from tidegate.services.oos.expressions import NULL, Expression, ListOf, MapOf, ParameterReference, Text
from tidegate.services.oos.model import AUTOMATION, STATE, Kind, Output, ParameterDefinition, Template
from tidegate.services.oos.problems import Mark, Problems
from tidegate.services.oos.tasks import TaskParser, declared_outputs

_TOP_LEVEL: Final = frozenset(
    {"FormatVersion", "Description", "Parameters", "RamRole", "Conditions", "Tasks", "Outputs", "Metadata", "States"}
)
_CONDITION_FUNCTIONS: Final = frozenset({"fn::and", "fn::or", "fn::not", "fn::equals"})


class Checks:
    """What only the helper process can check: jq programs and regular expressions with their places (V11, V3)."""

    def __init__(self) -> None:
        self.programs: list[tuple[str, Mark]] = []
        #: pattern, default to try, place
        self.patterns: list[tuple[str, str | None, Mark]] = []


def parse(
    document: Node, written_as: Format, problems: Problems, checks: Checks, products: Products
) -> Template | None:
    """Compile a document; None when its outline is so wrong that nothing can be made of it.

    The result must not be used when ``problems`` holds an error.
    """
    if not isinstance(document.value, dict):
        problems.error(document.mark, "V1", "a template is a map")
        return None
    sections: Mapping[str, Node] = document.value
    for key in sections.keys() - _TOP_LEVEL:
        problems.error(document.keys[key], "V2", f'there is no top-level key "{key}"')
    kind = _kind(sections, problems)
    _check_description(sections.get("Description"), problems)

    parameter_nodes = entries_of(sections.get("Parameters"), "Parameters", problems)
    task_nodes = _task_nodes(sections, kind, document.mark, problems)
    condition_nodes = entries_of(sections.get("Conditions"), "Conditions", problems)
    names = Names(parameter_nodes, declared_outputs(task_nodes), condition_nodes)
    compiler = Compiler(names, problems)

    parameters = parse_parameters(
        sections.get("Parameters"), Compiler(Names(parameter_nodes), problems), problems, checks.patterns
    )
    template = Template(
        format=written_as,
        kind=kind,
        description=sections["Description"].plain() if "Description" in sections else None,
        parameters=parameters,
        resolution=_resolution(parameters, sections.get("Parameters"), problems),
        ram_role=_ram_role(sections.get("RamRole"), parameter_nodes, problems),
        conditions=_conditions(sections.get("Conditions"), condition_nodes, compiler, problems),
        tasks=TaskParser(compiler, problems, checks.programs, products).parse(task_nodes),
        outputs=_outputs(sections.get("Outputs"), compiler, problems),
        states=parse_states(sections, kind, document.mark, compiler, problems),
        source=document.plain(),
    )
    checks.programs.extend(compiler.programs)
    return template


def entries_of(node: Node | None, what: str, problems: Problems) -> Mapping[str, Node]:
    """Return the entries of an optional map; anything else is a problem."""
    if node is None or node.value is None:
        return {}
    if not isinstance(node.value, dict):
        problems.error(node.mark, "V2", f"{what} must be a map")
        return {}
    return node.value


def _kind(sections: Mapping[str, Node], problems: Problems) -> Kind:
    version = sections.get("FormatVersion")
    if version is None:
        problems.error(START, "V2", "FormatVersion is missing")
        return "Automation"
    if version.value not in (AUTOMATION, STATE):
        problems.error(version.mark, "V2", f"FormatVersion must be {AUTOMATION} or {STATE}")
    return "State" if version.value == STATE else "Automation"


def _check_description(node: Node | None, problems: Problems) -> None:
    if node is not None and not isinstance(node.value, str | dict | None):
        problems.error(node.mark, "V2", "Description must be a text or a map of languages")


def _task_nodes(sections: Mapping[str, Node], kind: Kind, mark: Mark, problems: Problems) -> list[Node]:
    node = sections.get("Tasks")
    if kind == "State":
        return []
    if node is None:
        problems.error(mark, "V2", "Tasks is missing")
        return []
    if not isinstance(node.value, list) or not node.value:
        problems.error(node.mark, "V2", "Tasks must be a list with at least one task")
        return []
    kept = []
    for task in node.value:
        if isinstance(task.value, dict):
            kept.append(task)
        else:
            problems.error(task.mark, "V4", "a task is a map")
    return kept


def _ram_role(node: Node | None, parameters: Mapping[str, Any], problems: Problems) -> Expression | None:
    """Compile RamRole, which knows parameters only (oos.md 1.4)."""
    if node is None or node.value is None:
        return None
    if not isinstance(node.value, str):
        problems.error(node.mark, "V2", "RamRole must be a text")
        return None
    return Compiler(Names(parameters), problems).compile_references(node)


def _conditions(
    section: Node | None, nodes: Mapping[str, Node], compiler: Compiler, problems: Problems
) -> Mapping[str, Expression]:
    compiled: dict[str, Expression] = {}
    uses: dict[str, list[str]] = {}
    for name, node in nodes.items():
        outermost = next(iter(node.value), "").lower() if isinstance(node.value, dict) else ""
        if outermost not in _CONDITION_FUNCTIONS:
            problems.error(node.mark, "V8", f"the condition {name} must be Fn::And, Fn::Or, Fn::Not or Fn::Equals")
        compiler.conditions_used.clear()
        compiled[name] = compiler.compile_condition(node)
        uses[name] = list(compiler.conditions_used)
    try:
        graphlib.TopologicalSorter(uses).prepare()
    except graphlib.CycleError as error:
        mark = section.mark if section else START
        problems.error(mark, "V8", f"conditions refer to each other in a circle: {' → '.join(error.args[1])}")
        return dict.fromkeys(compiled, NULL)
    return compiled


def _outputs(section: Node | None, compiler: Compiler, problems: Problems) -> tuple[Output, ...]:
    outputs = []
    for name, node in entries_of(section, "Outputs", problems).items():
        if not isinstance(node.value, dict) or "Value" not in node.value:
            problems.error(node.mark, "V2", f"the output {name} must be a map with Type and Value")
            continue
        for key in node.value.keys() - {"Type", "Value", "Description", "Label"}:
            problems.error(node.keys[key], "V2", f'an output has no key "{key}"')
        kind = node.value["Type"].value if "Type" in node.value else "String"
        outputs.append(Output(name, str(kind), compiler.compile(node.value["Value"])))
    return tuple(outputs)


def _resolution(
    parameters: Mapping[str, ParameterDefinition], section: Node | None, problems: Problems
) -> tuple[str, ...]:
    """Order the parameters so that each default comes after those it refers to (oos.md 2.3)."""
    uses = {
        name: _parameters_in(definition.default_expression) if definition.default_expression else set()
        for name, definition in parameters.items()
    }
    try:
        return tuple(graphlib.TopologicalSorter(uses).static_order())
    except graphlib.CycleError as error:
        mark = section.mark if section else START
        problems.error(mark, "V3", f"defaults refer to each other in a circle: {' → '.join(error.args[1])}")
        return tuple(parameters)


def _parameters_in(expression: Expression | str) -> set[str]:
    match expression:
        case ParameterReference(name):
            return {name}
        case Text(parts) | ListOf(parts):
            return set().union(*map(_parameters_in, parts))
        case MapOf(entries):
            return set().union(*(_parameters_in(value) for _, value in entries))
    return set()
