"""``ACS::Loop``: a list of tasks runs for each item (oos.md 5.13)."""

from __future__ import annotations

from typing import Any

import pytest

from support.expressions import NoPrograms, settle
from support.runbooks import ACCOUNT, REGION, Runbooks
from support.templates import call, write
from tidegate.errors import CloudError
from tidegate.services.oos.validation import validate


def api(name: str, operation: str, outputs: Any = None, **parameters: Any) -> dict[str, Any]:
    properties = {"Service": "tide", "API": operation, "Parameters": parameters}
    return call(name, Properties=properties, Outputs=outputs or {})


ITEM = "{{ ACS::TaskLoopItem }}"
LOOK = api("look", "Look", {"level": {"Type": "Number", "ValueSelector": ".Level"}})
TURN = [
    api("measure", "Measure", {"found": {"ValueSelector": ".Found"}}, Id=ITEM, Level="{{ look.level }}"),
    {
        "Name": "decide",
        "Action": "ACS::Choice",
        "Properties": {
            "DefaultTask": "ACS::END",
            "Choices": [{"When": {"Fn::Equals": ["{{ measure.found }}", "b!"]}, "NextTask": "open"}],
        },
    },
    api("open", "Open", Id="{{ measure.found }} {{ text }}"),
]


def runbook(*, rate: Any = None, tasks: Any = None, outputs_inside: bool = False, **keys: Any) -> str:
    outputs = {"all": {"Type": "List", "ValueSelector": "{{ measure.found }}"}}
    properties = {"LoopItems": "{{ items }}", "LoopTasks": tasks or TURN, "LoopRateControl": rate or {"Concurrency": 2}}
    loop = {"Name": "turns", "Action": "ACS::Loop", "Properties": properties, **keys}
    (properties if outputs_inside else loop)["Outputs"] = outputs
    return write(
        RamRole="",
        Parameters={
            "items": {"Type": "List", "Default": ["a", "b", "c"]},
            "text": {"Type": "String", "Default": "now"},
        },
        Tasks=[LOOK, loop, api("after", "After", All="{{ turns.all }}")],
        Outputs={"all": {"Type": "List", "Value": "{{ turns.all }}"}},
    )


@pytest.fixture(autouse=True)
def replies(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {
        "tide.Look": {"Level": 5},
        "tide.Measure": lambda parameters: {"Found": f"{parameters['Id']}!"},
        "tide.Open": {},
        "tide.After": {},
    }


@pytest.mark.parametrize("outputs_inside", [False, True])
async def test_every_item_runs_all_tasks_and_outputs_are_in_the_order_of_items(
    runbooks: Runbooks, outputs_inside: bool
) -> None:
    execution = await runbooks.run(runbook(outputs_inside=outputs_inside))

    assert (execution.status, execution.outputs) == ("Success", {"all": ["a!", "b!", "c!"]})
    sent = {(one.operation, one.parameters.get("Id"), one.parameters.get("Level")) for one in runbooks.cloud.calls}
    assert sent >= {("tide.Measure", item, 5) for item in "abc"} | {("tide.Open", "b! now", None)}
    assert len(runbooks.cloud.calls) == 6
    assert await runbooks.path(f"{execution.id}.t0002.i0002") == ["measure:Success", "decide:Success", "open:Success"]
    assert runbooks.cloud.calls[-1].parameters["All"] == ["a!", "b!", "c!"]


async def test_a_turn_that_fails_counts_as_an_error_of_the_loop(runbooks: Runbooks) -> None:
    def measure(parameters: Any) -> dict[str, Any]:
        if parameters["Id"] == "b":
            raise CloudError("Tide.Broken", "It is broken.")
        return {"Found": parameters["Id"]}

    runbooks.cloud.replies["tide.Measure"] = measure

    strict = await runbooks.run(runbook())
    lenient = await runbooks.run(runbook(rate={"Concurrency": 1, "MaxErrors": 1}))

    assert (strict.status, strict.status_message) == ("Failed", "Tide.Broken message: It is broken.")
    assert (lenient.status, lenient.outputs) == ("Success", {"all": ["a", "c"]})


async def test_turns_wait_and_are_cancelled_with_their_loop(runbooks: Runbooks) -> None:
    rest = {"Name": "measure", "Action": "ACS::Sleep", "Properties": {"Duration": "1H"}}
    rest["Outputs"] = {"found": {"ValueSelector": "."}}
    execution = await runbooks.run(runbook(tasks=[rest]))
    assert (await runbooks.find(f"{execution.id}.t0002.i0002")).status == "Running"

    await runbooks.oos.executions.cancel(ACCOUNT, REGION, execution.id)
    await runbooks.driver.settle()

    assert (await runbooks.find(f"{execution.id}.t0002.i0002")).status == "Cancelled"


async def test_a_turn_may_loop_itself_and_its_tasks_are_those_that_policies_see(runbooks: Runbooks) -> None:
    inner = api("measure", "Measure", {"found": {"ValueSelector": ".Found"}}, Id=ITEM)
    inner["Loop"] = {
        "Items": ["x", ITEM],
        "Outputs": {"found": {"AggregateType": "Fn::ListJoin", "AggregateField": "found"}},
    }
    content = runbook(tasks=[inner])

    execution = await runbooks.run(content)

    assert execution.outputs == {"all": [["x!", "a!"], ["x!", "b!"], ["x!", "c!"]]}
    needed = await runbooks.oos.actions_of(ACCOUNT, REGION, name=None, version=None, content=content)
    assert "tide:Measure" in needed


@pytest.mark.parametrize(
    ("tasks", "problem"),
    [
        ([], "LoopTasks must be a list"),
        (["x"], "LoopTasks must be a list"),
        ([{"Name": "in", "Action": "ACS::TimerTrigger", "Properties": {}}], "a trigger must be the first task"),
        ([{"Name": "in", "Action": "ACS::Loop", "Properties": {}}], "an ACS::Loop cannot stand in another"),
        ([api("look", "X")], "there is another task of the name look"),
        ([api("in", "X", Id="{{ after.x }}")], "the task does not declare this output"),
        ([call("in", OnError="look")], "there is no task look to jump to"),
    ],
)
def test_what_cannot_be_a_turn_is_told(tasks: Any, problem: str) -> None:
    outputs = {"all": {"Type": "List", "ValueSelector": "."}}
    loop = {"Name": "turns", "Action": "ACS::Loop", "Properties": {"LoopItems": [1], "LoopTasks": tasks}}

    found = settle(validate(write(Tasks=[LOOK, {**loop, "Outputs": outputs}, call("after")]), NoPrograms()))

    assert any(problem in one.message for one in found.of("error"))


def test_what_is_inside_is_not_seen_outside() -> None:
    loop = {"Name": "turns", "Action": "ACS::Loop", "Properties": {"LoopItems": [1], "LoopTasks": TURN}}
    after = api("after", "After", Id="{{ measure.found }}", Item=ITEM)

    found = settle(validate(write(Tasks=[LOOK, loop, after]), NoPrograms()))

    messages = [one.message for one in found.of("error")]
    assert "{{ measure.found }}: there is no such task" in messages
    assert f"{ITEM}: has a meaning only in a task with a Loop" in messages
