"""Templates that mean harm: each ends in a clear error within its budget, and costs other executions nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from support.runbooks import REGION, ROOT, Runbooks
from support.templates import call, write
from tidegate.errors import CloudError
from tidegate.services.oos import limits
from tidegate.services.oos.sandbox import Sandbox

ITEM = "{{ ACS::TaskLoopItem }}"


@pytest.fixture
async def programs() -> AsyncIterator[Sandbox]:
    """Helpers of little patience: how long the real ones have changes nothing but the time that this takes."""
    made = Sandbox(time_limit=0.4, quick_limit=0.1)
    yield made
    await made.close()


def runbook(*tasks: dict[str, Any], **sections: Any) -> str:
    return write(RamRole="", Tasks=list(tasks), **sections)


def jq(program: str, value: Any = None) -> dict[str, Any]:
    return {"Fn::Jq": ["All", program, value]}


BOMB = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    + ["FormatVersion: OOS-2019-06-01"]
)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (BOMB, "more than 50000 values"),
        ("[" * 5000, "nested deeper than 64 levels"),
        ('{"a":' * 5000, "nested deeper than 64 levels"),
        ("a: " * 2000, "not valid YAML"),
        ("FormatVersion: OOS-2019-06-01\nTasks: [{Name: a, Name: b, Action: 'ACS::Pause'}]", "stands here twice"),
        ('{"FormatVersion": "OOS-2019-06-01", "Tasks": [], "Tasks": []}', "stands here twice"),
        ("x" * (limits.TEMPLATE_BYTES + 1), "larger than 64 KB"),
        ("FormatVersion: !!python/object/apply:os.system [id]", "tags are not allowed"),
        ("a: &a [*a]", "no anchor before it"),
        ("\0", "not valid YAML"),
        (runbook(call("t", When="{{ " * 3000)), None),
        (runbook(call("t", Description="{{" + " " * 60000 + "x")), None),
        (runbook(call("t", Properties={"Service": "x", "API": "y", "Parameters": {"a": "{{ a" * 8000}})), None),
        (runbook({**call("t"), "Loop": {"Items": list(range(1001))}}), "1000 items at most"),
    ],
)
async def test_a_hostile_text_is_refused_at_once(runbooks: Runbooks, content: str, complaint: str | None) -> None:
    begun = time.process_time()

    problems = [problem.message for problem in (await runbooks.oos.validate(content)).of("error")]

    assert time.process_time() - begun < 2.0  # measured: 0.1 s for the longest
    if complaint is not None:
        assert any(complaint in problem for problem in problems)


@pytest.mark.parametrize(
    ("items", "complaint"),
    [
        (jq("[range(1e9)]"), "Fn::Jq"),
        (jq("range(1e9)"), "Fn::Jq"),
        (jq("range(2000)"), "1000 items at most, not 2000"),
        (jq(". * 1e9", "xx"), "Fn::Jq"),
        (jq("def f: f; f"), "took longer than 0.4 s"),
        (jq("[limit(40; repeat(.))] | tojson * 10000", ["x" * 1000]), "Fn::Jq"),
        ({"Fn::Split": ["", "x"]}, "Fn::Split"),
        ("1e9", "must be a list"),
    ],
)
async def test_a_loop_without_end_fails_its_task(runbooks: Runbooks, items: Any, complaint: str) -> None:
    execution = await runbooks.run(runbook({**call("t"), "Loop": {"Items": items}}))

    assert execution.status == "Failed"
    assert complaint in execution.status_message
    assert runbooks.cloud.calls == []


async def test_jumps_without_end_stop(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Ping": {}}

    execution = await runbooks.run(runbook(call("a"), call("b", OnSuccess="a")))

    assert execution.status == "Failed"
    assert "started more than 1000 tasks" in execution.status_message
    assert len(runbooks.cloud.calls) == limits.TASK_STARTS


def embed(name: str, **keys: Any) -> dict[str, Any]:
    return {"Name": "embed", "Action": "ACS::Template", "Properties": {"TemplateName": name}, **keys}


async def test_templates_that_run_each_other_are_refused(runbooks: Runbooks) -> None:
    loop = {"Items": [1, 2, 3], "RateControl": {"Concurrency": 3}}
    for name, other in (("one", "two"), ("two", "three"), ("three", "one")):
        await runbooks.oos.templates.create(ROOT, REGION, name, runbook(embed(other, Loop=loop)))

    execution = await runbooks.run(template_name="one")

    assert execution.status == "Failed"
    assert "A template cannot run itself" in execution.status_message
    async with runbooks.database.connection() as connection:
        assert await connection.fetchval("select count(*) from oos_execution") == 1 + 3 + 9


async def test_a_family_has_a_limit(runbooks: Runbooks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DESCENDANTS", 10)
    runbooks.cloud.replies = {"tide.Ping": {}}
    loop = {"Items": list(range(5)), "RateControl": {"Concurrency": 5, "MaxErrors": "100%"}}
    await runbooks.oos.templates.create(ROOT, REGION, "leaf", runbook(call("ping")))
    await runbooks.oos.templates.create(ROOT, REGION, "branch", runbook(embed("leaf", Loop=loop)))

    execution = await runbooks.run(runbook(embed("branch", Loop=loop)))

    assert execution.status == "Success"  # MaxErrors allows everything
    async with runbooks.database.connection() as connection:
        assert await connection.fetchval("select count(*) from oos_execution") == 11
        messages = await connection.fetch("select distinct status_message from oos_task where status = 'Failed'")
    assert [row["status_message"] for row in messages] == [
        "QuotaExceeded.Execution message: An execution and its children start 10 others at most."
    ]


@pytest.mark.parametrize(
    "data",
    ["{{ secret }}", "{{ ACS::AccountId }}", "{{ oos-secret:x }}", '{"Fn::Jq": ["First", "env", 1]}', "${x}", "*a"],
)
async def test_what_looks_like_language_inside_of_data_stays_text(runbooks: Runbooks, data: str) -> None:
    runbooks.cloud.replies = {"tide.Look": {"Text": data, "List": [data]}, "tide.Ping": {}}
    look = call(
        "look",
        Properties={"Service": "tide", "API": "Look"},
        Outputs={"text": {"ValueSelector": ".Text"}, "list": {"Type": "List", "ValueSelector": ".List[]"}},
    )
    each = call("each", Loop={"Items": "{{ look.list }}"})
    each["Properties"] = {
        "Service": "tide",
        "API": "Ping",
        "Parameters": {"A": "{{ look.text }}", "B": "<{{ given }}>", "C": {"Fn::Join": ["", [ITEM]]}},
    }
    parameters = {"secret": {"Type": "String", "Default": "hidden"}, "given": {"Type": "String"}}

    execution = await runbooks.run(runbook(look, each, Parameters=parameters), parameters={"given": data})

    assert execution.status == "Success"
    sent = runbooks.cloud.calls[1].parameters
    assert (sent["A"], sent["B"], sent["C"]) == (data, f"<{data}>", data)


@pytest.mark.parametrize(
    ("selector", "complaint"),
    [
        (". + $ENV.PATH | error", "cannot be selected"),
        (". | input", "cannot be selected"),
        ("[range(1e8)]", "cannot be selected"),
        (". | last(range(1e13))", "took longer than 0.4 s"),
        ('[limit(100000; repeat("x" * 1000))]', "cannot be selected"),
    ],
)
async def test_a_hostile_selector_fails_its_task(runbooks: Runbooks, selector: str, complaint: str) -> None:
    runbooks.cloud.replies = {"tide.Ping": {}}

    execution = await runbooks.run(runbook(call("t", Outputs={"x": {"ValueSelector": selector}})))

    assert execution.status == "Failed"
    assert complaint in execution.status_message


async def test_a_pattern_that_never_ends_is_an_error_of_the_template_or_of_the_start(runbooks: Runbooks) -> None:
    endless = {"Type": "String", "AllowedPattern": "(a|aa)+$"}
    content = runbook(call("t"), Parameters={"p": endless})

    with pytest.raises(CloudError, match=r"InvalidParameter\.AllowedPattern message: .*took longer than 0.4 s"):
        await runbooks.start(content, parameters={"p": "a" * 60 + "b"})
    problems = (
        await runbooks.oos.validate(runbook(call("t"), Parameters={"p": {**endless, "Default": "a" * 60 + "b"}}))
    ).of("error")
    assert [problem.check for problem in problems] == ["V3"]


async def test_other_executions_go_on_while_a_hostile_one_is_stopped(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Ping": {"Id": 1}}
    endless = call("t", Loop={"Items": list(range(3)), "RateControl": {"Concurrency": 3, "MaxErrors": "100%"}})
    endless["Properties"] = {
        "Service": "tide",
        "API": "Ping",
        "Parameters": {"X": jq(f"last(range({ITEM}e12 + 1e12))")},
    }
    hostile = await runbooks.start(runbook(endless))
    harmless = [await runbooks.start(runbook(call("t", Outputs={"id": {"ValueSelector": ".Id"}}))) for _ in range(10)]
    node, order = runbooks.driver.node, []

    async def advance(execution_id: str) -> None:
        await node.advance(f"execution/{execution_id}")
        order.append(execution_id)

    await asyncio.gather(advance(hostile), *map(advance, harmless))

    assert order[-1] == hostile
    for execution_id in harmless:
        assert (await runbooks.find(execution_id)).status == "Success"
    failed = await runbooks.find(hostile)
    assert failed.status == "Success"  # MaxErrors allows it
    async with runbooks.database.connection() as connection:
        messages = await connection.fetch("select status_message from oos_task where parent_id is not null")
    assert len(messages) == 3
    assert all("took longer than 0.4 s" in row["status_message"] for row in messages)
