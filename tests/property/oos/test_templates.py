"""Templates survive being printed: as YAML in several styles and as JSON they are the same template."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tidegate.services.oos.catalog import packaged_files
from tidegate.services.oos.document import START
from tidegate.services.oos.model import Template
from tidegate.services.oos.validation import lint

words = st.text("abz01 #:-'\"\n{}[],&*!|>%@`ü云", min_size=0, max_size=12)
scalars = st.none() | st.booleans() | st.integers(-(10**12), 10**12) | words
references = st.sampled_from(["{{ first }}", "{{ACS::RegionId}}", "{{ one.out }}", "x{{ first }}y"])
values = st.recursive(
    scalars | references,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(words.filter(lambda key: not key.startswith("Fn::")), inner, max_size=3)
    ),
    max_leaves=8,
)
functions = st.one_of(
    st.builds(lambda left, right: {"Fn::Equals": [left, right]}, values, values),
    st.builds(lambda parts: {"Fn::Join": [",", parts]}, st.lists(words | references, max_size=3)),
    st.builds(lambda condition, yes, no: {"Fn::If": [condition, yes, no]}, st.booleans(), values, values),
)
parameters = st.sampled_from(
    [
        {"Type": "String", "Default": "a: b # c"},
        {"Type": "Number", "Default": 5, "MinValue": 1},
        {"Type": "List", "Default": ["yes", "2026-01-01", "0777"]},
        {"Type": "Json", "Default": {"a": [None, True]}},
    ]
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    first = {
        "Name": "one",
        "Action": "ACS::ExecuteAPI",
        "Properties": {
            "Service": "ecs",
            "API": "Ping",
            "Parameters": {"A": draw(values.filter(lambda v: v != "{{ one.out }}"))},
        },
        "Outputs": {"out": {"Type": "String", "ValueSelector": ".a"}},
    }
    rest = [
        {
            "Name": name,
            "Action": "ACS::ExecuteAPI",
            "OnError": draw(st.sampled_from(["ACS::END", "ACS::NEXT"])),
            "Properties": {"Service": "ecs", "API": "Ping", "Parameters": {"A": draw(values | functions)}},
        }
        for name in ("two", "three")[: draw(st.integers(0, 2))]
    ]
    return {
        "FormatVersion": "OOS-2019-06-01",
        "Description": draw(words.filter(bool)),
        "Parameters": {"first": draw(parameters), "second": draw(parameters)},
        "Tasks": [first, *rest],
        "Outputs": {"all": {"Type": "Json", "Value": draw(values | functions)}},
    }


def printed(document: Any) -> dict[str, str]:
    """Return the document in several styles; PyYAML loses spaces in some texts that it folds, which is its own affair."""
    styles = {
        "block": yaml.safe_dump(document, sort_keys=False, allow_unicode=True),
        "flow": yaml.safe_dump(document, sort_keys=False, default_flow_style=True),
        "folded": yaml.safe_dump(document, sort_keys=False, width=16, indent=4),
        "json": json.dumps(document, ensure_ascii=False, indent=2),
        "dense json": json.dumps(document),
    }
    if yaml.load(styles["folded"], Loader=yaml.CSafeLoader) != document:
        del styles["folded"]
    return styles


def essence(template: Template) -> Template:
    """Return the template without its marks and its format."""
    tasks = tuple(msgspec.structs.replace(task, mark=START) for task in template.tasks)
    return msgspec.structs.replace(template, tasks=tasks, format="YAML")


def parsed(text: str) -> Template:
    template = lint(text).validated().require()
    return essence(template)


@given(documents())
def test_a_template_is_the_same_however_it_is_printed(document: dict[str, Any]) -> None:
    templates = {style: parsed(text) for style, text in printed(document).items()}

    assert templates["json"].source == document
    for style, template in templates.items():
        assert template == templates["json"], style


@pytest.mark.parametrize("name", [name for name, _ in packaged_files()][:20])
def test_every_template_of_the_package_survives_being_printed_and_read_again(name: str) -> None:
    text = next(file.read_text(encoding="utf-8") for known, file in packaged_files() if known == name)
    template = parsed(text)

    for style, again in printed(template.source).items():
        assert parsed(again) == template, style
