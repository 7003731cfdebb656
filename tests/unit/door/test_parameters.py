"""Flat parameters become typed requests; the type decides how each is read."""

from __future__ import annotations

import string
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.errors import CloudError
from tidegate.services.operation import Request, invalid_parameter, missing_parameter
from tidegate.wire.parameters import ANY, MAX_DEPTH, decode, decoder, flatten
from tidegate.wire.shapes import JSON_TEXT, JsonText, shape_of


class Tag(Request):
    key: str
    value: str | None = None
    propagate: bool | None = None


class Disk(Request):
    size: int | None = None
    category: str | None = None


class Hook(Request):
    lifecycle_hook_name: str
    tags: list[Tag] = msgspec.field(default_factory=list)


class Order(Request):
    group_id: str
    names: list[str] = msgspec.field(default_factory=list)
    numbers: tuple[int, ...] = ()
    tags: list[Tag] = msgspec.field(default_factory=list)
    hooks: list[Hook] | None = None
    system_disk: Disk | None = None
    ids: JsonText[list[str]] | None = None
    options: Annotated[dict[str, Any], JSON_TEXT] | None = None
    size: int = 10
    ratio: float | None = None
    force: bool = False
    mode: Literal["Append", "Delete"] | None = None
    snapshot_id: str | None = msgspec.field(default=None, name="autoSnapshotPolicyId")
    dotted: int | None = msgspec.field(default=None, name="Data.Volume.Size")
    limited: Annotated[int, msgspec.Meta(ge=1, le=5)] | None = None


def read(**parameters: str) -> Order:
    return decode({"GroupId": "g", **parameters}, Order, missing_parameter, invalid_parameter)


def refusal(**parameters: str) -> CloudError:
    with pytest.raises(CloudError) as refused:
        read(**parameters)
    return refused.value


def test_texts_numbers_and_booleans_are_read() -> None:
    order = read(Size="40", Ratio="1.5", Force="True", Mode="Delete", autoSnapshotPolicyId="s", Limited="5")

    assert (order.size, order.ratio, order.force, order.mode) == (40, 1.5, True, "Delete")
    assert (order.snapshot_id, order.limited) == ("s", 5)


@pytest.mark.parametrize("text", ["true", "True", "TRUE"])
def test_booleans_are_read_in_any_case(text: str) -> None:
    assert read(Force=text).force is True
    assert read(Force="False").force is False


def test_lists_are_sorted_by_number_and_may_have_gaps() -> None:
    assert read(**{"Names.10": "c", "Names.2": "b", "Names.1": "a"}).names == ["a", "b", "c"]
    assert read(**{"Numbers.3": "3", "Numbers.7": "7"}).numbers == (3, 7)


def test_lists_of_records_and_records_in_them_follow_the_dots() -> None:
    order = read(
        **{
            "Tags.1.Key": "k",
            "Tags.1.Value": "v",
            "Tags.1.Propagate": "True",
            "Hooks.2.LifecycleHookName": "h2",
            "Hooks.1.LifecycleHookName": "h1",
            "Hooks.1.Tags.1.Key": "inner",
            "SystemDisk.Size": "40",
        }
    )

    assert order.tags == [Tag("k", "v", True)]
    assert order.hooks == [Hook("h1", [Tag("inner")]), Hook("h2")]
    assert order.system_disk == Disk(40)


def test_a_field_may_have_dots_in_its_own_name() -> None:
    assert read(**{"Data.Volume.Size": "7"}).dotted == 7
    assert read(**{"data.volume.size": "8"}).dotted == 8


def test_json_text_is_read_as_its_type() -> None:
    order = read(Ids='["i-1", "i-2"]', Options='{"a": {"b": [1]}}')

    assert order.ids == ["i-1", "i-2"]
    assert order.options == {"a": {"b": [1]}}


@pytest.mark.parametrize("text", ["[1", '{"a": 1}', "[" * 100_000, "[1]"])
def test_json_text_that_is_not_what_was_asked_for_is_refused(text: str) -> None:
    assert refusal(Ids=text).message == 'The specified value of parameter "Ids" is not valid.'


def test_the_exact_name_wins_over_another_case() -> None:
    assert read(names="other", Names="exact").names == ["exact"]
    assert read(SIZE="5").size == 5


def test_a_single_value_is_a_list_of_one_and_the_other_way_round() -> None:
    assert read(Names="only").names == ["only"]
    assert read(**{"Size.1": "5"}).size == 5


def test_blank_values_are_not_given() -> None:
    order = read(Size="", Names="", Ids="", Mode="", SystemDisk="")

    assert order == Order(group_id="g")
    assert read(**{"Names.1": "", "Names.2": "b"}).names == ["b"]


def test_unknown_names_are_ignored() -> None:
    assert read(on="x", **{"Unknown.1.Key": "1", "Tags.Key": "1", "SystemDisk.Other": "1"}) == Order(
        group_id="g", system_disk=Disk()
    )


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"Size": "abc"}, "Size"),
        ({"Size": "1.5"}, "Size"),
        ({"Size": "٣"}, "Size"),
        ({"Size": "9" * 19}, "Size"),
        ({"Ratio": "nan"}, "Ratio"),
        ({"Force": "yes"}, "Force"),
        ({"Mode": "Other"}, "Mode"),
        ({"Names.1": "a\0b"}, "Names.1"),
        ({"Ids": '["\\u0000"]'}, "Ids"),
        ({"Limited": "6"}, "Limited"),
        ({"Numbers.2": "x"}, "Numbers.2"),
        ({"Tags": "text"}, "Tags.1"),
        (
            {"Hooks.1.LifecycleHookName": "h", "Hooks.1.Tags.1.Key": "k", "Hooks.1.Tags.1.Propagate": "?"},
            "Hooks.1.Tags.1.Propagate",
        ),
        ({".".join("abcdefghi"): "1"}, ".".join("abcdefghi")),
    ],
)
def test_a_bad_value_is_refused_by_its_wire_name(parameters: dict[str, str], name: str) -> None:
    error = refusal(**parameters)

    assert (error.code, error.message) == (
        "InvalidParameter",
        f'The specified value of parameter "{name}" is not valid.',
    )


@pytest.mark.parametrize(
    ("parameters", "name"),
    [({}, "GroupId"), ({"GroupId": ""}, "GroupId"), ({"GroupId": "g", "Tags.2.Value": "v"}, "Tags.2.Key")],
)
def test_a_missing_value_is_refused_by_its_wire_name(parameters: dict[str, str], name: str) -> None:
    with pytest.raises(CloudError) as refused:
        decode(parameters, Order, missing_parameter, invalid_parameter)

    assert refused.value.code == "MissingParameter"
    assert f'"{name}"' in refused.value.message


def test_an_incomplete_request_stands_for_anything_until_the_caller_is_authorized() -> None:
    order, complaint = decoder(Order)({"Size": "x"}, missing_parameter, invalid_parameter)

    assert order.group_id == ANY
    assert complaint is not None
    assert complaint.code == "InvalidParameter"


def test_names_as_deep_as_allowed_are_read() -> None:
    assert read(**{".".join("x" * MAX_DEPTH): "1"}) == Order(group_id="g")


def test_a_type_that_cannot_travel_is_refused_when_it_is_registered() -> None:
    with pytest.raises(TypeError, match="JsonText"):
        shape_of(dict[str, str])


TEXT = st.text(string.printable + "潮é", min_size=1, max_size=20)
TAGS = st.lists(st.builds(Tag, key=TEXT, value=st.none() | TEXT, propagate=st.none() | st.booleans()), max_size=12)
ORDERS = st.builds(
    Order,
    group_id=TEXT,
    names=st.lists(TEXT, max_size=12),
    numbers=st.lists(st.integers(-(10**17), 10**17), max_size=4).map(tuple),
    tags=TAGS,
    hooks=st.none() | st.lists(st.builds(Hook, lifecycle_hook_name=TEXT, tags=TAGS), min_size=1, max_size=3),
    system_disk=st.none() | st.builds(Disk, size=st.integers(1, 500)),
    ids=st.none() | st.lists(TEXT, max_size=5),
    options=st.none() | st.dictionaries(TEXT, st.integers() | st.lists(TEXT), max_size=3),
    size=st.integers(0, 10**6),
    ratio=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    force=st.booleans(),
    mode=st.sampled_from([None, "Append", "Delete"]),
    snapshot_id=st.none() | TEXT,
    dotted=st.none() | st.integers(0, 99),
    limited=st.none() | st.integers(1, 5),
)


def as_sdk(order: Order) -> dict[str, str]:
    """Write a request as SDKs do: dots and numbers, JSON text where the API wants it."""
    tree = msgspec.to_builtins(order)
    for name in ("Ids", "Options"):
        if tree[name] is not None:
            tree[name] = msgspec.json.encode(tree[name]).decode()
    return flatten(tree)


@given(ORDERS)
def test_what_an_sdk_writes_is_read_back(order: Order) -> None:
    assert decode(as_sdk(order), Order, missing_parameter, invalid_parameter) == order


@given(st.dictionaries(st.text("ab.1GroupIdTagsKey", max_size=12), st.text(max_size=8), max_size=12))
def test_any_parameters_are_read_or_refused_with_a_name(parameters: dict[str, str]) -> None:
    order, complaint = decoder(Order)(parameters, missing_parameter, invalid_parameter)

    assert complaint is None or complaint.code in {"MissingParameter", "InvalidParameter"}
    assert order.group_id
