"""Every function of the template language, by the examples of oos.md 3.7 and at its edges."""

from __future__ import annotations

from typing import Any

import pytest

from support.expressions import NoPrograms, evaluate, problems_of, scope
from tidegate.services.oos.values import ExpressionError


@pytest.mark.parametrize(
    ("name", "arguments", "result"),
    [
        ("Equals", ["Running", "Running"], True),
        ("Equals", [{"a": 1, "b": 2}, {"b": 2, "a": 1}], True),
        ("Equals", [[1, 2], [2, 1]], False),
        ("Equals", ["true", True], True),
        ("Equals", ["1", 1], True),
        ("Equals", [1, 1.0], True),
        ("Equals", [True, 1], False),
        ("Equals", [None, ""], False),
        ("Equals", [None, None], True),
        ("Equals", [[], None], False),
        ("Equals", ["", []], False),
        ("Equals", [[None], [None]], True),
        ("If", [True, "x", "y"], "x"),
        ("If", ["false", "x", "y"], "y"),
        ("If", [None, "x", "y"], "y"),
        ("If", ["", "x", None], None),
        ("Not", {"Fn::Equals": [1, 2]}, True),
        ("Not", [True], False),
        ("And", [True, "true"], True),
        ("And", [True, False], False),
        ("Or", [False, "TRUE"], True),
        ("Or", [False, None], False),
        ("Select", [1, ["a", "b"]], "b"),
        ("Select", ["0", ["a", "b"]], "a"),
        ("Select", [-1, ["a", "b"]], "b"),
        ("Select", [5, ["a"]], None),
        ("Select", ["k", {"k": 5}], 5),
        ("Select", ["missing", {"k": 5}], None),
        ("Join", [",", ["1.1.1.1", "2.2.2.2"]], "1.1.1.1,2.2.2.2"),
        ("Join", [",", []], ""),
        ("Join", ["-", ["a", 1, True, None, [1]]], "a-1-true--[1]"),
        ("Split", [":", "08:30:00Z"], ["08", "30", "00Z"]),
        ("RangeSelect", [0, -1, ["a", "b", "c"]], ["a", "b"]),
        ("First", ["a", "b"], "a"),
        ("First", [], None),
        ("Last", ["a", "b"], "b"),
        ("Min", [3, 1, 2], 1),
        ("Max", [3, 1, 2], 3),
        ("Sum", [1, 2], 3),
        ("Sum", [1, None, "2"], 3),
        ("ListJoin", ["a", ["b"]], ["a", ["b"]]),
        ("MergeList", [["a"], ["b", "c"]], ["a", "b", "c"]),
        ("MergeList", [None, None], []),
        ("MergeList", [["a"], "b"], ["a", "b"]),
        ("MergeMap", [{"a": 1}, {"b": 2}, {"a": 3}], {"a": 3, "b": 2}),
        ("MergeMapToList", [{"Id": ["a"]}, {"W": [0]}], [{"Id": "a", "W": 0}]),
        ("MergeMapToList", [{"Id": ["a", "b"]}, {"W": [0]}], [{"Id": "a", "W": 0}, {"Id": "b"}]),
        ("MapJoin", [["a", "b"], [1, 2]], {"a": 1, "b": 2}),
        ("ConvertMapToList", [{"env": "dev"}], [{"Key": "env", "Value": "dev"}]),
        ("Intersection", [[1, 2], [2, 3]], [2]),
        ("Union", [[1, 2], [2, 3]], [1, 2, 3]),
        ("Difference", [[1, 2], [2, 3]], [1, 3]),
        ("Union", [[{"a": 1}], [{"a": 1}]], [{"a": 1}]),
        ("Replace", [{".": "_"}, "e.t1"], "e_t1"),
        ("Replace", [{"a": "b", "b": "c"}, "ab"], "cc"),
        ("Sub", ["cd ${D} && echo ${HOME}", {"D": "/a"}], "cd /a && echo ${HOME}"),
        ("ContainsSubString", ["a/b", "/"], True),
        ("Escape", ['say "$x"`', "powershell"], 'say `"`$x`"``'),
        ("Escape", ["a b", "shell"], "'a b'"),
        ("Escape", ['a"b', "json"], 'a\\"b'),
        ("Base64Encode", "hello", "aGVsbG8="),
        ("Base64Decode", "aGVsbG8=", "hello"),
        ("Base64Decode", None, ""),
        ("Eval", ["-3*24"], -72),
        ("Eval", ["(1 + 2) * 3 - 4 / 2"], 7),
        ("Eval", ["7 / 2"], 3.5),
        ("Eval", ["7 % 4"], 3),
        ("AddHour", ["2024-01-01T00:00:00Z", -1], "2023-12-31T23:00:00Z"),
        ("AddHour", ["2024-01-01T00:00Z", "1.5"], "2024-01-01T01:30Z"),
        ("FormatUTCTime", ["2024-01-01T08:05:00Z", "%Y-%m-%dT%H:%MZ"], "2024-01-01T08:05Z"),
        ("DurationBetween", ["08:00:00Z", "17:30:00Z"], "PT9H30M"),
        ("DurationBetween", ["22:00:00Z", "06:00:00Z"], "PT8H"),
        ("DurationBetween", ["2024-01-01T00:00:00Z", "2024-01-02T00:00:01Z"], "PT24H1S"),
        ("CalculateBatch", [3, list(range(10))], [4, 3, 3]),
        ("CalculateBatch", [2, list(range(10))], [5, 5]),
        ("CalculateBatch", [5, ["a"]], [1]),
        ("CalculateBatch", [3, []], []),
        ("IsIpInCIDR", ["10.0.0.5", "10.0.0.0/24"], True),
        ("IsIpInCIDR", ["10.0.1.5", "10.0.0.0/24"], False),
    ],
)
def test_functions_give_what_the_reference_says(name: str, arguments: Any, result: Any) -> None:
    value = evaluate({f"Fn::{name}": arguments})

    assert value == result
    assert type(value) is type(result)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("Select", [0, "text"]),
        ("Select", ["x", ["a"]]),
        ("Join", [1, ["a"]]),
        ("Join", [",", "text"]),
        ("Split", ["", "a"]),
        ("Replace", [{"": "x"}, "a"]),
        ("Min", []),
        ("Max", [1, "a"]),
        ("Sum", ["x"]),
        ("MapJoin", [["a"], []]),
        ("Escape", ["x", "perl"]),
        ("Base64Decode", "é"),
        ("Eval", ["1 + "]),
        ("Eval", ["__import__('os')"]),
        ("Eval", ["2 ** 3"]),
        ("Eval", ["1 / 0"]),
        ("Eval", ["9" * 900 + "*" + "9" * 50]),
        ("Eval", ["(" * 400 + "1" + ")" * 400]),
        ("Eval", ["1" * 2000]),
        ("AddHour", ["yesterday", 1]),
        ("AddHour", ["2024-01-01T00:00:00Z", 10**9]),
        ("FormatUTCTime", ["2024-01-01T00:00:00Z", "%999999999Y"]),
        ("DurationBetween", ["2024-01-02T00:00:00Z", "2024-01-01T00:00:00Z"]),
        ("CalculateBatch", [0, [1]]),
        ("IsIpInCIDR", ["x", "10.0.0.0/8"]),
        ("If", [{"a": 1}, 1, 2]),
    ],
)
def test_what_has_no_value_is_an_error_that_names_the_function(name: str, arguments: Any) -> None:
    with pytest.raises(ExpressionError):
        evaluate({f"Fn::{name}": arguments})


def test_replacements_that_multiply_end_at_the_size_of_a_value() -> None:
    value: Any = "a" * 1000
    for _ in range(6):
        value = {"Fn::Replace": [{"a": "a" * 100}, value]}

    with pytest.raises(ExpressionError, match="larger than"):
        evaluate(value)


def test_a_long_value_used_many_times_ends_at_the_size_of_a_value() -> None:
    large = scope({"x": "a" * 60_000})

    with pytest.raises(ExpressionError, match="larger than"):
        evaluate("{{ x }}" * 200 + ".", large)
    for call in (
        {"Fn::ListJoin": ["{{ x }}"] * 200},
        {"Fn::Join": ["{{ x }}", ["a"] * 200]},
        {"Fn::Sub": ["${v}" * 200, {"v": "{{ x }}"}]},
        {"Fn::Intersection": [["{{ x }}"] * 200, []]},
    ):
        with pytest.raises(ExpressionError, match="larger than"):
            evaluate(call, large)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"Fn::Nope": []}, "there is no function Fn::Nope"),
        ({"Fn::Equals": [1]}, "Fn::Equals needs 2 arguments, has 1"),
        ({"Fn::And": [True]}, "Fn::And needs at least 2 arguments, has 1"),
        ({"Fn::If": [True, 1], "Other": 2}, "must be the only key"),
        ({"Fn::Jq": ["First", "."]}, "needs a list of 3 arguments"),
        ({"Fn::FindMatchedPackage": []}, "is not supported"),
    ],
)
def test_calls_that_cannot_work_are_found_without_running(value: Any, says: str) -> None:
    (problem,) = problems_of(value)

    assert problem.check == "V8"
    assert says in problem.message


def test_function_names_match_in_any_case() -> None:
    assert evaluate({"fn::JOIN": ["", ["a", "b"]]}) == "ab"


def test_only_the_chosen_branch_is_evaluated() -> None:
    broken = {"Fn::Split": ["", "x"]}

    assert evaluate({"Fn::If": [True, "kept", broken]}) == "kept"
    assert evaluate({"Fn::Or": [True, broken]}) is True
    assert evaluate({"Fn::And": [False, broken]}) is False


def test_jq_gets_json_text_parsed_and_other_text_as_it_is() -> None:
    programs = NoPrograms([1, 2])

    assert evaluate({"Fn::Jq": ["First", ".a", '{"a": 1}']}, scope(programs=programs)) == 1
    assert evaluate({"Fn::Jq": ["All", ".x{{ n }}", "text"]}, scope({"n": 7}, programs=programs)) == [1, 2]
    assert programs.asked == [(".a", {"a": 1}), (".x7", "text")]


def test_jq_without_a_result_is_null_or_an_empty_list() -> None:
    assert evaluate({"Fn::Jq": ["First", "empty", {}]}) is None
    assert evaluate({"Fn::Jq": ["All", "empty", {}]}) == []
    with pytest.raises(ExpressionError, match="First or All"):
        evaluate({"Fn::Jq": ["Some", ".", {}]})
