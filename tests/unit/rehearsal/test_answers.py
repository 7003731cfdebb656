"""The answers file, and the drafts of answers that a missing one is asked for with."""

from __future__ import annotations

from typing import Any

import pytest

from support.templates import call, compiled
from tidegate.errors import ConfigurationError
from tidegate.rehearsal.answers import Decision, Replies, make_answers, read_answers
from tidegate.rehearsal.shapes import draft_answer, paths_of


def taken(document: dict[str, Any], *calls: tuple[str, dict[str, Any]]) -> list[Any]:
    replies = Replies(make_answers(document))
    found = [replies.take(operation, parameters) for operation, parameters in calls]
    return [None if each is None else each.error.code if each.error else each.answer for each in found]


def test_one_answer_is_given_to_every_call_whatever_the_case_of_its_name() -> None:
    document = {"ECS.DescribeInstances": {"TotalCount": 1}}

    assert taken(document, ("ecs.describeinstances", {}), ("ECS.DescribeInstances", {"a": 1}), ("ECS.Other", {})) == [
        {"TotalCount": 1},
        {"TotalCount": 1},
        None,
    ]


def test_a_list_is_used_in_turn_and_its_last_one_stays() -> None:
    document = {"a.B": [{"n": 1}, {"Error": {"Code": "Busy", "Message": "later"}}, {"n": 3}]}

    assert taken(document, *[("a.B", {})] * 4) == [{"n": 1}, "Busy", {"n": 3}, {"n": 3}]


def test_an_answer_meant_for_certain_parameters_goes_to_their_calls_only() -> None:
    document = {
        "a.B": [
            {"With": {"Id": "i-2"}, "Answer": {"n": 2}},
            {"With": {"Id": "i-2"}, "Error": {"Code": "Gone", "Message": ""}},
            {"n": 0},
        ]
    }
    calls = [("a.B", {"Id": each, "More": True}) for each in ("i-1", "i-2", "i-2", "i-3")]

    assert taken(document, *calls) == [{"n": 0}, {"n": 2}, "Gone", {"n": 0}]


def test_without_a_fitting_answer_there_is_none() -> None:
    assert taken({"a.B": [{"With": {"Id": "i-2"}, "Answer": {}}]}, ("a.B", {"Id": "i-1"})) == [None]


def test_operations_that_nobody_called_are_told_as_they_were_spelled() -> None:
    replies = Replies(make_answers({"ECS.DescribeInstances": {}, "ess.Foo": {}}))

    replies.take("ecs.DescribeInstances", {})

    assert replies.unused() == ["ess.Foo"]


def test_everything_beside_operations_is_read() -> None:
    answers = read_answers(
        """
        Parameters: {id: i-1}
        Decisions: [Approve, {Decision: Reject, By: alice, Note: not now}]
        Messages: [{name: Instance:StateChange}]
        Store: {app/port: '6379'}
        Secrets: {app/password: hidden}
        Region: cn-beijing
        Account: 42
        User: alice
        Now: 2026-01-02T03:04:05Z
        a.B: {Time: 2026-01-02T03:04:05Z}
        """
    )

    assert answers.parameters == {"id": "i-1"}
    assert answers.decisions == [Decision("Approve"), Decision("Reject", "alice", "not now")]
    assert (answers.store, answers.secrets) == ({"app/port": "6379"}, {"app/password": "hidden"})
    assert (answers.region, answers.account, answers.user) == ("cn-beijing", "42", "alice")
    assert answers.now is not None
    assert answers.now.isoformat() == "2026-01-02T03:04:05+00:00"
    assert answers.replies["a.B"][0].answer == {"Time": "2026-01-02T03:04:05Z"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[1]", "must be a map"),
        ("{", "cannot be read"),
        ("Paramters: {}", "neither an operation"),
        ("a.B: {}\na.B: {}", 'the key "a.B" stands here twice'),
        ("a.B: {Error: Busy}", "an Error is a map"),
        ("Decisions: [Maybe]", "a decision is one of Approve"),
        ("Now: yesterday", "Invalid isoformat"),
        ("Parameters: 1", "Expected `object`"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(text: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        read_answers(text)


@pytest.mark.parametrize(
    ("selector", "paths"),
    [
        ("Instances.Instance[].InstanceId", [("Instances", "Instance", 0, "InstanceId")]),
        (".Code", [("Code",)]),
        (".a[0].b[-1]", [("a", 0, "b", 0)]),
        (
            '.Instances.Instance[] | {Id: .InstanceId, "Os": .OSType}',
            [
                ("Instances", "Instance", 0),
                ("Instances", "Instance", 0, "InstanceId"),
                ("Instances", "Instance", 0, "OSType"),
            ],
        ),
        ('.Tags."acs:key"', [("Tags", "acs:key")]),
        (".a[] as $one | $one.b", [("a", 0), ("a", 0, "b")]),
        (
            '.a|map(select(.b=="x" or .c)|.d)|add',
            [("a",), ("a", 0, "b"), ("a", 0, "c"), ("a", 0, "d")],
        ),
        (".Resources | group_by(.RegionId) | .[]", [("Resources",), ("Resources", 0, "RegionId"), ("Resources", 0)]),
        ("Outputs[1].OutputValue", [("Outputs", 1, "OutputValue")]),
        ('"no.path in a text"', []),
        (".", []),
    ],
)
def test_the_paths_of_a_selector_are_found(selector: str, paths: list[tuple[str | int, ...]]) -> None:
    assert list(paths_of(selector)) == paths


def test_a_draft_has_all_that_a_task_selects() -> None:
    task = compiled(
        Tasks=[
            call(
                "t",
                Outputs={
                    "ids": {"Type": "List", "ValueSelector": "Instances.Instance[].InstanceId"},
                    "os": {"ValueSelector": ".Instances.Instance[].Tags.Tag[].TagKey"},
                    "count": {"Type": "Number", "ValueSelector": "TotalCount"},
                },
            )
        ]
    ).task("t")

    assert draft_answer(task) == {
        "Instances": {"Instance": [{"InstanceId": "", "Tags": {"Tag": [{"TagKey": ""}]}}]},
        "TotalCount": "",
    }
