"""Properties of the template language that hold for every value."""

from __future__ import annotations

import json
from typing import Any

import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from support.expressions import evaluate, scope
from support.templates import write
from tidegate.services.oos.document import load
from tidegate.services.oos.problems import Problems
from tidegate.services.oos.validation import lint
from tidegate.services.oos.values import ExpressionError, are_equal, check_size, from_json, to_json, to_text

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12
)
plain_texts = st.text(st.characters(exclude_characters="{}", exclude_categories=["Cs"]), max_size=12)


@given(values)
def test_json_is_read_as_it_was_written(value: Any) -> None:
    problems = Problems()
    assume("\\u0000" not in json.dumps(value))
    for text in (json.dumps([value]), json.dumps([value], ensure_ascii=False, indent=1)):
        node, _ = load(text, problems)

        assert node is not None
        assert node.plain() == [value]
    assert not problems.sorted()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text("abc: #-'\"\n{}[]", max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcde"), inner, max_size=3),
    )
)
def test_yaml_is_read_as_it_was_written(value: Any) -> None:
    node, written_as = load(yaml.safe_dump({"value": value}), Problems())

    assert written_as == "YAML"
    assert node is not None
    assert node.plain() == {"value": value}


@given(st.text(max_size=200) | st.text("{}[],:&*!-'\"? \n\tab1|>%@`#", max_size=200))
def test_any_text_is_a_template_or_a_list_of_problems(text: str) -> None:
    linted = lint(text)

    assert linted.template is None or isinstance(linted.template.source, dict)
    assert linted.problems.sorted() or linted.template is not None


@given(values)
def test_one_reference_alone_keeps_value_and_type(value: Any) -> None:
    found = evaluate(" {{ a }}", scope({"a": value}))

    assert found == value
    assert type(found) is type(value)


@given(values, plain_texts, plain_texts)
def test_a_value_in_a_text_is_written_once_and_never_read_again(value: Any, before: str, after: str) -> None:
    within = scope({"a": value, "b": "{{ a }}"})

    assert evaluate(f"{before}.{{{{ a }}}}.{after}", within) == f"{before}.{to_text(value)}.{after}"
    assert evaluate("<{{ b }}>", within) == "<{{ a }}>"


@given(plain_texts)
def test_text_without_references_stays(text: str) -> None:
    assert evaluate(text) == text


@given(values)
def test_json_text_is_read_back(value: Any) -> None:
    assert from_json(to_json(value)) == value


@given(values)
def test_equality_is_reflexive_and_symmetric_with_its_text(value: Any) -> None:
    assert are_equal(value, json.loads(json.dumps(value)))
    for other in (None, "", "true", 1, [], {}):
        assert are_equal(value, other) == are_equal(other, value)


@given(values)
def test_small_values_have_a_size_that_is_allowed(value: Any) -> None:
    assert check_size(value) is value


@given(st.lists(values, max_size=5))
def test_list_functions_agree_with_each_other(items: list[Any]) -> None:
    within = scope({"items": items})

    assert evaluate({"Fn::MergeList": ["{{ items }}", "{{ items }}"]}, within) == items + items
    assert evaluate({"Fn::First": "{{ items }}"}, within) == (items[0] if items else None)
    assert evaluate({"Fn::Difference": ["{{ items }}", "{{ items }}"]}, within) == []
    assert evaluate({"Fn::Join": ["", "{{ items }}"]}, within) == "".join(map(to_text, items))
    union = evaluate({"Fn::Union": ["{{ items }}", "{{ items }}"]}, within)
    assert evaluate({"Fn::Intersection": ["{{ items }}", "{{ items }}"]}, within) == union


@given(st.integers(1, 50), st.integers(0, 200))
def test_batches_cover_everything_evenly(number: int, total: int) -> None:
    batches = evaluate({"Fn::CalculateBatch": [number, list(range(total))]})

    assert sum(batches) == total
    assert len(batches) == min(number, total)
    assert not batches or max(batches) - min(batches) <= 1
    assert batches == sorted(batches, reverse=True)


@given(st.integers(-1000, 1000), st.integers(-1000, 1000), st.integers(1, 50))
def test_arithmetic_agrees_with_arithmetic(a: int, b: int, c: int) -> None:
    assert evaluate({"Fn::Eval": [f"{a} + ({b}) * {c} - -{c}"]}) == a + b * c + c


@given(st.text("0123456789+-*/%(). ", max_size=30))
def test_any_expression_has_a_value_or_is_refused(text: str) -> None:
    try:
        value = evaluate({"Fn::Eval": [text]})
    except ExpressionError:
        return
    assert isinstance(value, int | float)


@given(
    values, st.sampled_from(["Parameters", "Tasks", "Outputs", "RamRole", "Conditions", "Description", "FormatVersion"])
)
def test_any_value_anywhere_is_checked_without_a_crash(value: Any, section: str) -> None:
    try:
        text = write(**{section: value})
    except yaml.YAMLError:
        return
    lint(text)


keys = st.sampled_from(
    [
        "Name",
        "Action",
        "Properties",
        "Outputs",
        "When",
        "OnError",
        "Loop",
        "Retries",
        "Items",
        "Fn::If",
        "Type",
        "ValueSelector",
        "Choices",
        "Default",
    ]
)
odd = st.recursive(
    scalars | st.sampled_from(["ACS::Choice", "ACS::WaitFor", "{{ x }}", "{{ a.b }}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(keys, odd, max_size=6), st.dictionaries(keys, odd, max_size=4))
def test_odd_tasks_and_parameters_are_checked_without_a_crash(task: Any, parameter: Any) -> None:
    linted = lint(json.dumps({"FormatVersion": "OOS-2019-06-01", "Tasks": [task], "Parameters": {"p": parameter}}))

    assert linted.problems.sorted() or linted.template is not None
