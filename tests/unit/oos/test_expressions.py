"""References: how they are found, resolved and replaced (oos.md 3.1–3.3)."""

from __future__ import annotations

from typing import Any

import pytest

from support.expressions import evaluate, node, problems_of, scope, settle
from tidegate.services.oos.compiler import Compiler, Names
from tidegate.services.oos.expressions import MissingOutputError
from tidegate.services.oos.problems import Problems

VALUES = scope({"dbInstanceId": "r-1", "numbers": [1, 2], "on": True, "none": None, "map": {"k": "ü"}})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ dbInstanceId }}", "r-1"),
        ("{{dBInstanceId}}", "r-1"),
        ("  {{ numbers }} ", [1, 2]),
        ("{{ on }}", True),
        ("{{ none }}", None),
        ("x{{ none }}y", "xy"),
        ("{{ on }}{{ numbers }}", "true[1,2]"),
        ("{{ map }}!", '{"k":"ü"}!'),
        ('{"desired": {{numbers}}}', '{"desired": [1,2]}'),
        ("{{{on}}}", "{true}"),
        ("{{ ACS::RegionId }}", "cn-hangzhou"),
        ("{{acs::accountid}}-x", "123-x"),
        ("{{.Names}} {{ if .x }}", "{{.Names}} {{ if .x }}"),
        ("{{ }}", "{{ }}"),
        ("${regionId}", "${regionId}"),
        ("no reference", "no reference"),
    ],
)
def test_references_are_replaced_and_everything_else_stays(text: str, value: Any) -> None:
    assert evaluate(text, VALUES) == value


def test_an_exact_name_wins_over_one_in_another_case() -> None:
    assert evaluate("{{ a }}{{ A }}", scope({"A": "upper", "a": "lower"})) == "lowerupper"


def test_outputs_are_found_in_any_case_and_are_null_without_a_value() -> None:
    within = scope(outputs={("runCommand", "invokeId"): "t-1"})

    assert evaluate("{{ runcommand.InvokeId }}", within) == "t-1"
    assert evaluate("{{ later.x }}", within, declared=[("later", "x")]) is None
    assert evaluate("<{{ later.x }}>", within, declared=[("later", "x")]) == "<>"


def test_in_outputs_of_the_template_a_missing_value_is_an_error() -> None:
    with pytest.raises(MissingOutputError):
        evaluate("{{ later.x }}", scope(strict=True), declared=[("later", "x")])


def test_replaced_text_is_not_looked_at_again() -> None:
    within = scope({"a": "{{ b }}", "b": "never"})

    assert evaluate("{{ a }}", within) == "{{ b }}"
    assert evaluate("<{{ a }}>", within) == "<{{ b }}>"
    assert evaluate("{{ open }}b }}", scope({"open": "{{ ", "b": "never"})) == "{{ b }}"


def test_keys_are_never_replaced() -> None:
    assert evaluate({"{{ a }}": "{{ a }}"}, scope({"a": 1})) == {"{{ a }}": 1}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{{ nothing }}", "there is no parameter of this name"),
        ("{{ task.output }}", "there is no such task"),
        ("{{ a.b.c }}", "one dot at most"),
        ("{{ ACS::Nothing }}", "no pseudo parameter"),
        ("{{ ACS::TaskLoopItem }}", "only in a task with a Loop"),
    ],
)
def test_references_to_nothing_are_found_without_running(text: str, says: str) -> None:
    (problem,) = problems_of({"deep": [text]})

    assert problem.check == "V7"
    assert says in problem.message


def test_an_unknown_output_of_a_known_task_is_named_as_such() -> None:
    (problem,) = problems_of("{{ task.other }}", scope(outputs={("task", "output"): 1}))

    assert "the task does not declare this output" in problem.message


def test_static_values_are_compiled_to_themselves() -> None:
    value = {"a": [1, {"b": None}], "c": "text"}

    assert evaluate(value) == value


def test_conditions_are_named_only_where_a_condition_is_expected() -> None:
    problems = Problems()
    compiler = Compiler(Names(conditions=["IsProd"]), problems)

    conditions = {"IsProd": compiler.compile_condition(node({"Fn::Equals": [1, 1]}))}
    within = scope(conditions=conditions)
    named = compiler.compile(node({"Fn::If": ["IsProd", "IsProd", "no"]}))
    negated = compiler.compile_condition(node({"Fn::Not": ["IsProd"]}))

    assert settle(named.evaluate(within)) == "IsProd"
    assert settle(negated.evaluate(within)) is False
    assert not problems.sorted()
