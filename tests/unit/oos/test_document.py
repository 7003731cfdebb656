"""Reading templates: places, YAML's and JSON's values, and everything a text may try."""

from __future__ import annotations

import pytest

from tidegate.services.oos import limits
from tidegate.services.oos.document import load
from tidegate.services.oos.problems import Problems


def read(text: str) -> tuple[object, str, list[str]]:
    problems = Problems()
    node, written_as = load(text, problems)
    return (None if node is None else node.plain()), written_as, [str(problem) for problem in problems.sorted()]


def test_values_know_their_line_and_column() -> None:
    node, _ = load("Tasks:\n  - Name: one\n    Action: two\n", Problems())

    assert node is not None
    task = node.value["Tasks"].value[0]
    assert task.mark == (2, 5)
    assert task.keys["Action"] == (3, 5)
    assert task.value["Action"].mark == (3, 13)


def test_json_values_know_their_line_and_column() -> None:
    node, written_as = load('{\n\t"a": [1,\n  {"b": null}]}', Problems())

    assert written_as == "JSON"
    assert node is not None
    assert node.keys["a"] == (2, 2)
    assert node.value["a"].value[1].value["b"].mark == (3, 9)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2099-12-01T00:00:00Z", "2099-12-01T00:00:00Z"),
        ("2024-01-01", "2024-01-01"),
        ("on", True),
        ("no", False),
        ("~", None),
        ("", None),
        ("0x1f", 31),
        ("1_000", 1000),
        ("1.5", 1.5),
        ("'1.5'", "1.5"),
        ("=", "="),
        ("| \n  a\n  b\n", "a\nb\n"),
    ],
)
def test_plain_scalars_are_read_as_yaml_1_1_and_timestamps_stay_texts(text: str, value: object) -> None:
    assert read(f"a: {text}") == ({"a": value}, "YAML", [])


def test_json_is_read_as_json_where_yaml_reads_otherwise() -> None:
    text = r'{"number": 1e3, "text": "on", "pair": "\ud83d\ude00", "slash": "\/"}'

    assert read(text) == ({"number": 1000.0, "text": "on", "pair": "😀", "slash": "/"}, "JSON", [])


def test_a_flow_mapping_that_is_not_json_is_yaml() -> None:
    assert read("{a: 1, b: [x, y]}") == ({"a": 1, "b": ["x", "y"]}, "YAML", [])


@pytest.mark.parametrize("text", ["a: 1\nb: 2\na: 3\n", '{"a": 1,\n "b": 2,\n "a": 3}'])
def test_duplicate_keys_are_reported_with_both_lines(text: str) -> None:
    value, _, problems = read(text)

    assert value == {"a": 1, "b": 2}
    assert len(problems) == 1
    assert problems[0].startswith("line 3, ")
    assert 'the key "a" stands here twice, first in line 1' in problems[0]


def test_every_duplicate_key_is_reported() -> None:
    assert len(read("a: {x: 1, x: 2}\nb: {y: 1, y: 2}\n")[2]) == 2


def test_an_alias_is_followed() -> None:
    assert read("a: &x [1, 2]\nb: *x\n")[0] == {"a": [1, 2], "b": [1, 2]}


def test_an_alias_bomb_is_refused_before_it_grows() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]

    value, _, problems = read("\n".join(lines))

    assert value is None
    assert f"more than {limits.DOCUMENT_NODES} values" in problems[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: &a [*a]", "has no anchor before it"),
        ("a: *b", "has no anchor before it"),
        ("a: !!python/object/apply:os.system [id]", "tags are not allowed"),
        ("a: !thing 1", "tags are not allowed"),
        ("<<: {a: 1}", "merge keys are not allowed"),
        ("? [a]\n: 1", "a key must be a text"),
        ("a: 1\n--- \nb: 2", "more than one document"),
        ("", "the template is empty"),
        ("# nothing\n", "the template is empty"),
        ("a: [1, 2", "not valid YAML"),
        ("a: .nan", "not a number that can be kept"),
        ("a: .inf", "not a number that can be kept"),
        ("a: " + "9" * 30, "not a number that can be kept"),
        ("a: " + "9" * 5000, "not a number that can be kept"),
        ("a: \x00", "not valid YAML"),
        ("\ud800", "not valid YAML"),
        ("[" * 200, "nested deeper than"),
        ('{"a":' * 200, "nested deeper than"),
        ("- " * 200, "nested deeper than"),
        ("a: " + "[" * 30000, "nested deeper than"),
        ('{"a": 1,}x', "not valid JSON"),
        ('{"a": ' + "9" * 30 + "}", "not valid JSON"),
        ('{"a": "\\ud800"}', "a character that cannot be kept"),
        ('{"a": "x\\u0000y"}', "a character that cannot be kept"),
        ('a: "x\\0y"', "a character that cannot be kept"),
        ('{"a" 1}', "not valid JSON"),
        ('{"a": 1 "b": 2}', "not valid JSON"),
        ('{"a": tru]}', "not valid JSON"),
        ("x" * (limits.TEMPLATE_BYTES + 1), "larger than 64 KB"),
        ("潮" * (limits.TEMPLATE_BYTES // 3 + 1), "larger than 64 KB"),
    ],
)
def test_what_is_no_template_is_refused_with_a_place(text: str, says: str) -> None:
    value, _, problems = read(text)

    assert value is None
    assert len(problems) == 1
    assert says in problems[0]
    assert problems[0].startswith("line ")


def test_the_place_of_a_syntax_error_is_given() -> None:
    assert read("a: 1\nb: [1,\nc: }\n")[2][0].startswith("line 3, ")
    assert read('{"a": 1,\n  "b": x]}')[2][0].startswith("line 2, column 8")
