"""Parameters at the start of an execution: types, coercions, constraints, defaults (oos.md 2)."""

from __future__ import annotations

from typing import Any

import pytest

from support.expressions import scope, settle
from support.templates import compiled
from tidegate.errors import CloudError
from tidegate.services.oos.executions import read_parameters
from tidegate.services.oos.parameters import resolve


def values(definitions: dict[str, Any], supplied: dict[str, Any] | None = None) -> dict[str, Any]:
    return settle(resolve(compiled(Parameters=definitions), supplied or {}, scope()))


def value(definition: dict[str, Any], supplied: Any) -> Any:
    return values({"p": definition}, {"p": supplied})["p"]


def refusal(definitions: dict[str, Any], supplied: dict[str, Any]) -> CloudError:
    with pytest.raises(CloudError) as raised:
        values(definitions, supplied)
    assert raised.value.status == 400
    return raised.value


@pytest.mark.parametrize(
    ("kind", "supplied", "expected"),
    [
        ("String", "text", "text"),
        ("String", 5, "5"),
        ("String", 1.5, "1.5"),
        ("String", True, "true"),
        ("Number", 10, 10),
        ("Number", "10", 10),
        ("Number", "1.5", 1.5),
        ("Boolean", False, False),
        ("Boolean", "TRUE", True),
        ("List", ["a"], ["a"]),
        ("List", '["a", 1]', ["a", 1]),
        ("List", "a", ["a"]),
        ("List", '{"a": 1}', ['{"a": 1}']),
        ("List", 5, [5]),
        ("Json", {"a": 1}, {"a": 1}),
        ("Json", '{"a": 1}', {"a": 1}),
        ("Json", "[1]", [1]),
        ("Json", "not json", "not json"),
    ],
)
def test_values_are_brought_to_the_declared_type(kind: str, supplied: Any, expected: Any) -> None:
    found = value({"Type": kind}, supplied)

    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("definition", "supplied", "code"),
    [
        ({"Type": "String"}, ["a"], "Type"),
        ({"Type": "Number"}, "ten", "Type"),
        ({"Type": "Number"}, True, "Type"),
        ({"Type": "Number"}, "NaN", "Type"),
        ({"Type": "Boolean"}, "yes", "Type"),
        ({"Type": "Boolean"}, 1, "Type"),
        ({"Type": "List"}, {"a": 1}, "Type"),
        ({"Type": "String", "AllowedValues": ["a", "b"]}, "c", "AllowedValues"),
        ({"Type": "List", "AllowedValues": ["a", "b"]}, ["a", "c"], "AllowedValues"),
        ({"Type": "Number", "AllowedValues": [1, 2]}, 3, "AllowedValues"),
        ({"Type": "String", "AllowedPattern": "sg-[a-z]*"}, "sg-1", "AllowedPattern"),
        ({"Type": "String", "AllowedPattern": "sg-[a-z]*"}, "x sg-a", "AllowedPattern"),
        ({"Type": "String", "MinLength": 2}, "a", "Length"),
        ({"Type": "List", "MaxLength": 1}, [1, 2], "Length"),
        ({"Type": "Number", "MinValue": 1}, 0, "Range"),
        ({"Type": "Number", "MaxValue": 5}, 5.5, "Range"),
    ],
)
def test_values_that_do_not_fit_are_refused_with_their_code(
    definition: dict[str, Any], supplied: Any, code: str
) -> None:
    error = refusal({"p": definition}, {"p": supplied})

    assert error.code == f"InvalidParameter.{code}"
    assert '"p"' in error.message


def test_an_integer_stays_an_integer_and_bounds_are_inclusive() -> None:
    assert value({"Type": "Number", "MinValue": 1, "MaxValue": 5}, 5) == 5
    assert value({"Type": "String", "AllowedValues": [1, 2]}, "2") == "2"


def test_a_missing_required_parameter_is_named() -> None:
    error = refusal({"a": {"Type": "String"}, "b": {"Type": "String"}}, {"b": None})

    assert error.code == "MissingParameter"
    assert 'the parameter "a" is required; the parameter "b" is required' in error.message


def test_all_violations_are_told_and_the_first_kind_gives_the_code() -> None:
    error = refusal({"a": {"Type": "Number"}, "b": {"Type": "Number", "MaxValue": 1}}, {"a": "x", "b": 2, "c": 3})

    assert error.code == "InvalidParameter.NotDeclared"
    assert [part in error.message for part in ('"c"', '"a"', '"b"')] == [True, True, True]


def test_the_constraint_description_is_shown() -> None:
    definition = {"Type": "String", "AllowedPattern": "x+", "ConstraintDescription": {"en": "only x", "zh-cn": "仅x"}}

    assert "only x" in refusal({"p": definition}, {"p": "y"}).message


def test_defaults_are_resolved_in_the_order_of_their_dependencies() -> None:
    definitions = {
        "name": {"Type": "String", "Default": "image_from_{{ instanceId }}"},
        "copy": {"Type": "Json", "Default": {"Region": "{{ ACS::RegionId }}", "Name": "{{ name }}"}},
        "instanceId": {"Type": "String"},
    }

    found = values(definitions, {"instanceId": "i-1"})

    assert list(found) == ["name", "copy", "instanceId"]
    assert found["copy"] == {"Region": "cn-hangzhou", "Name": "image_from_i-1"}


def test_supplied_values_are_data_also_where_defaults_use_them() -> None:
    definitions = {"a": {"Type": "String"}, "b": {"Type": "String", "Default": "<{{ a }}>"}}

    assert values(definitions, {"a": "{{ b }}"}) == {"a": "{{ b }}", "b": "<{{ b }}>"}


def test_an_empty_optional_text_is_not_held_against_pattern_and_length() -> None:
    definition = {"Type": "String", "Default": "", "AllowedPattern": "x+", "MinLength": 3}

    assert value(definition, "") == ""


def test_null_is_as_good_as_not_supplied() -> None:
    assert value({"Type": "String", "Default": "d"}, None) == "d"
    assert values({"p": {"Type": "String", "Default": None}}) == {"p": None}


@pytest.mark.parametrize("text", ["[1]", "{", "NaN", '"x"', '{"a": NaN}', "[" * 5000])
def test_parameters_must_be_the_json_text_of_an_object(text: str) -> None:
    with pytest.raises(CloudError) as raised:
        read_parameters(text)

    assert raised.value.code == "InvalidParameter.Type"


def test_large_integers_become_floats_as_in_jq() -> None:
    assert read_parameters('{"a": 123456789012345678901234, "b": 9007199254740993}') == {
        "a": 1.2345678901234568e23,
        "b": 9007199254740993,
    }
