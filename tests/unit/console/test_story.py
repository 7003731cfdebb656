"""The timeline's rows and the graph of a template, from made-up records."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import msgspec

from tidegate.console import story
from tidegate.console.graph import graph_of
from tidegate.services.oos.validation import lint
from tidegate.store.chronicle import ActionTimes, ActivityTimes, Arrival, Change, Presence, Span
from tidegate.store.ram.decisions import DecisionRow

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def make_chapter(**change: Any) -> story.Chapter:
    task = {
        "TaskExecutionId": "exec-1.t1",
        "TaskName": "modify",
        "TaskAction": "ACS::ExecuteAPI",
        "Status": "Success",
        "StatusMessage": "",
        "Properties": '{"Service":"R-KVSTORE","API":"ModifySecurityIps"}',
    }
    changed = Change(
        instance_id="r-1",
        at=at(4.5),
        group_name="default",
        mode="Append",
        added=["10.0.0.1"],
        removed=[],
        caller="acs:ram::1:assumed-role/oosservicerole/exec-1",
        request_id="x",
        applied_at=at(4.6),
        milliseconds=100.0,
    )
    return msgspec.structs.replace(
        story.Chapter(
            execution={"ExecutionId": "exec-1", "Status": "Success", "StatusMessage": "", "TemplateName": "T"},
            span=Span(id="exec-1", started_at=at(3), ended_at=at(6)),
            tasks=[task],
            spans={"exec-1.t1": Span(id="exec-1.t1", started_at=at(4), ended_at=at(5))},
            changes=[changed],
            decisions=[
                DecisionRow(
                    session="exec-1",
                    at=at(4.2),
                    action="kvstore:ModifySecurityIps",
                    resource="*",
                    kind="Allow",
                    policy="own",
                    policy_type="Custom",
                    statement=0,
                )
            ],
            arrivals=[Arrival(instance_id="r-1", address="10.0.0.1", at=at(9))],
        ),
        **change,
    )


def make_story(*, ended: float | None = 10, now: float = 60) -> story.Story:
    end = at(ended) if ended is not None else None
    action = ActionTimes(
        token="t",
        activity_id="asa-1",
        hook_id="ash-1",
        hook_name="hold",
        instance_ids=["i-1"],
        status="Completed" if ended else "Pending",
        result="CONTINUE" if ended else None,
        started_at=at(2),
        deadline=at(300),
        ended_at=at(7) if ended else None,
        execution_id="exec-1",
    )
    times = ActivityTimes(
        id="asa-1",
        group_id="asg-1",
        started_at=START,
        ended_at=end,
        created_ids=["i-1"],
        destroyed_ids=[],
        instance_ids=[],
    )
    presence = Presence(id="i-1", address="10.0.0.1", created_at=at(1), started_at=at(1.5), joined_at=at(8))
    return story.of_activity(
        {"StatusCode": "Successful", "Cause": "a user"},
        times,
        [action],
        {"exec-1": make_chapter()},
        {"i-1": presence},
        at(now),
    )


def test_a_story_goes_from_the_activity_to_the_instance_in_service() -> None:
    told = [(row.kind, row.what, row.depth) for row in make_story().rows]

    assert told == [
        ("trigger", "trigger", 0),
        ("activity", "activity", 0),
        ("instance", "created", 1),
        ("hook", "wait", 1),
        ("execution", "execution", 2),
        ("call", "R-KVSTORE ModifySecurityIps", 3),
        ("decision", "1", 4),
        ("whitelist", "whitelist", 4),
        ("instance", "in service", 1),
        ("connection", "connection", 1),
    ]


def test_bars_lie_on_one_axis() -> None:
    one = make_story()
    bars = {row.kind: one.bar(row) for row in one.rows if row.kind in ("activity", "hook", "call")}

    assert one.seconds == 10
    assert bars == {"activity": story.Bar(0, 1000), "hook": story.Bar(200, 500), "call": story.Bar(400, 100)}


def test_every_bar_can_be_seen_and_stays_on_the_axis() -> None:
    for one in (make_story(), make_story(ended=None), make_story(ended=None, now=100_000)):
        for row in one.rows:
            bar = one.bar(row)
            assert bar.width >= 6
            assert 0 <= bar.x <= bar.x + bar.width <= 1000


def test_a_first_connection_long_after_the_rest_does_not_press_the_rest_together() -> None:
    late = Arrival(instance_id="r-1", address="10.0.0.1", at=at(7200))
    one = story.of_execution(make_chapter(arrivals=[late]), at(60))

    assert one.seconds == 6
    assert one.bar(one.rows[-1]) == story.Bar(994, 6)


def test_the_first_connection_after_a_change_is_of_this_change_only_until_it_is_undone() -> None:
    change = make_chapter().changes[0]
    undone = msgspec.structs.replace(change, at=at(100), added=[], removed=["10.0.0.1"])
    came = [Arrival(instance_id="r-1", address="10.0.0.1", at=at(seconds)) for seconds in (2, 200, 50, 60)]

    def first(*arrivals: Arrival) -> list[datetime]:
        return [one.at for one in story.arrivals_after([change], [undone, change], arrivals)]

    assert first(*came) == [at(50)]
    assert first(came[0], came[1]) == []


def test_what_goes_on_reaches_to_now() -> None:
    one = make_story(ended=None, now=60)

    assert one.seconds == 60
    assert one.bar(one.rows[1]) == story.Bar(0, 1000)


def test_a_change_of_the_whitelist_stands_under_the_call_that_made_it_only() -> None:
    stray = msgspec.structs.replace(make_chapter().changes[0], at=at(5.5))
    one = story.of_execution(make_chapter(changes=[stray], decisions=[], arrivals=[]), at(60))

    assert [row.kind for row in one.rows] == ["execution", "call"]


def test_a_failed_task_is_marked() -> None:
    failed = make_chapter().tasks[0] | {"Status": "Failed", "StatusMessage": "Forbidden.RAM"}
    one = story.of_execution(make_chapter(tasks=[failed], changes=[], decisions=[], arrivals=[]), at(60))

    assert [row.bad for row in one.rows] == [False, True]
    assert one.rows[1].note == "Forbidden.RAM"


def test_the_graph_of_the_whitelist_runbook_shows_where_failures_lead() -> None:
    public = files("tidegate.services.oos").joinpath("public/ACS-ESS-LifeCycleModifyRedisIPWhitelist.yml")
    template = lint(public.read_text("utf-8")).template
    assert template is not None

    graph = graph_of(template, {"modifySecurityIps": "Failed"})

    assert [node.status for node in graph.nodes] == ["", "Failed", "", ""]
    assert [edge.kind for edge in graph.edges] == ["success", "error", "success", "error"]
    assert all(node.y + node.height <= graph.height for node in graph.nodes)
