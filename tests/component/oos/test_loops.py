"""Loops: budgets, batches, failures, waits, outputs in the order of the items, and items that never run twice."""

from __future__ import annotations

from typing import Any

import pytest

from support.runbooks import ACCOUNT, REGION, Runbooks
from support.templates import call, write
from tidegate.errors import CloudError
from tidegate.services.oos.paging import Page
from tidegate.store.oos import journal
from tidegate.store.oos.executions import TaskFilter
from tidegate.store.oos.records import TaskRecord

LOOK = {"Service": "tide", "API": "Look", "Parameters": {"Id": "{{ ACS::TaskLoopItem }}"}}


def looped(items: Any, rate: Any = None, **keys: Any) -> dict[str, Any]:
    loop = {"Items": items, "Outputs": {"all": {"AggregateType": "Fn::ListJoin", "AggregateField": "seen"}}}
    if rate is not None:
        loop["RateControl"] = rate
    outputs = {"seen": {"ValueSelector": ".Seen"}}
    return call("each", **{"Properties": LOOK, "Outputs": outputs, "Loop": loop, **keys})


def runbook(*tasks: dict[str, Any], **sections: Any) -> str:
    outputs = {"all": {"Type": "List", "Value": "{{ each.all }}"}}
    return write(RamRole="", Tasks=list(tasks), **{"Outputs": outputs, **sections})


def echo(parameters: Any) -> dict[str, Any]:
    return {"Seen": f"saw {parameters['Id']}"}


async def items_of(runbooks: Runbooks, execution_id: str, task: int = 1) -> list[TaskRecord]:
    async with runbooks.database.connection() as connection:
        return await journal.load_items(connection, f"{execution_id}.t{task:04}")


async def test_outputs_stand_in_the_order_of_the_items_and_items_have_ids_and_rows(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Look": echo}

    execution = await runbooks.run(runbook(looped(["b", "a", 3], {"Concurrency": 2})))

    assert (execution.status, execution.outputs) == ("Success", {"all": ["saw b", "saw a", "saw 3"]})
    items = await items_of(runbooks, execution.id)
    assert [(item.id, item.item, item.batch, item.status) for item in items] == [
        (f"{execution.id}.t0001.i0001", "b", 1, "Success"),
        (f"{execution.id}.t0001.i0002", "a", 1, "Success"),
        (f"{execution.id}.t0001.i0003", 3, 1, "Success"),
    ]
    tokens = [seen.parameters["ClientToken"] for seen in runbooks.cloud.calls if "ClientToken" in seen.parameters]
    assert len(set(tokens)) == 3


async def test_at_most_so_many_items_are_under_way_as_the_budget_allows(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Look": {"State": "Busy"}}
    wait = looped(
        [1, 2, 3, 4],
        {"Mode": "Concurrency", "Concurrency": "50%", "MaxErrors": 0},
        Action="ACS::WaitFor",
        DelayType="Constant",
        Delay=10,
        Properties={**LOOK, "PropertySelector": ".State", "DesiredValues": ["Ready"]},
    )

    execution = await runbooks.run(runbook(wait))

    assert [item.status for item in await items_of(runbooks, execution.id)] == ["Running", "Running"]
    runbooks.cloud.replies = {"tide.Look": {"State": "Ready", "Seen": 1}}
    await runbooks.driver.advance(seconds=11)
    assert (await runbooks.find(execution.id)).outputs == {"all": [1, 1, 1, 1]}
    assert len(runbooks.cloud.calls) == 6


async def test_a_batch_begins_when_the_one_before_has_ended(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Look": echo}

    execution = await runbooks.run(runbook(looped([1, 2, 3, 4, 5], {"Mode": "Batch", "Batch": [1, "40%"]})))

    assert [item.batch for item in await items_of(runbooks, execution.id)] == [1, 2, 2, 3, 3]
    assert execution.status == "Success"


async def test_the_first_failure_stops_a_loop_that_may_have_none(runbooks: Runbooks) -> None:
    def fail_second(parameters: Any) -> dict[str, Any]:
        if parameters["Id"] == 2:
            raise CloudError("Tide.Broken", "It is broken.")
        return echo(parameters)

    runbooks.cloud.replies = {"tide.Look": fail_second}

    execution = await runbooks.run(runbook(looped([1, 2, 3])))

    assert (execution.status, execution.status_message) == ("Failed", "Tide.Broken message: It is broken.")
    assert execution.outputs == {"all": ["saw 1"]}
    assert len(runbooks.cloud.calls) == 2


async def test_failures_within_the_limit_do_not_fail_the_task(runbooks: Runbooks) -> None:
    def fail_odd(parameters: Any) -> dict[str, Any]:
        if parameters["Id"] % 2:
            raise CloudError("Tide.Broken", "It is broken.")
        return echo(parameters)

    runbooks.cloud.replies = {"tide.Look": fail_odd}

    execution = await runbooks.run(runbook(looped([1, 2, 3, 4], {"MaxErrors": "50%", "Concurrency": 4})))

    assert (execution.status, execution.outputs) == ("Success", {"all": ["saw 2", "saw 4"]})


async def test_a_condition_on_the_item_skips_items_and_another_skips_the_task(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Look": echo}
    on_item = {"Fn::Not": {"Fn::Equals": ["{{ ACS::TaskLoopItem }}", 2]}}

    some = await runbooks.run(runbook(looped([1, 2, 3], When=on_item)))
    none = await runbooks.run(runbook(looped([1, 2, 3], When=False)))

    assert some.outputs == {"all": ["saw 1", None, "saw 3"]}
    assert [item.status for item in await items_of(runbooks, some.id)] == ["Success", "Skipped", "Success"]
    assert none.outputs == {"all": None}
    assert await runbooks.path(none.id) == ["each:Skipped"]


@pytest.mark.parametrize(
    ("items", "status", "message"), [("[]", "Success", ""), ("no list", "Failed", "must be a list")]
)
async def test_items_may_be_the_text_of_a_list_and_nothing_else(
    runbooks: Runbooks, items: str, status: str, message: str
) -> None:
    execution = await runbooks.run(runbook(looped(items)))

    assert execution.status == status
    assert message in execution.status_message
    assert execution.outputs == {"all": [] if status == "Success" else None}


async def test_the_flat_form_of_old_templates_with_the_sizes_of_batches(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Look": echo}
    task = looped([1, 2, 3])
    task["Loop"] |= {"Concurrency": {"Fn::CalculateBatch": [2, [1, 2, 3]]}, "MaxErrors": "0,", "Mode": "Batch"}

    execution = await runbooks.run(runbook(task))

    assert [item.batch for item in await items_of(runbooks, execution.id)] == [1, 1, 2]


async def test_cancelling_ends_the_items_under_way_and_begins_no_other(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Look": {"State": "Busy"}}
    wait = looped(
        [1, 2],
        Action="ACS::WaitFor",
        Properties={**LOOK, "PropertySelector": ".State", "DesiredValues": ["Ready"]},
    )
    execution = await runbooks.run(runbook(wait))

    await runbooks.oos.executions.cancel(ACCOUNT, REGION, execution.id)
    await runbooks.driver.settle()

    assert (await runbooks.find(execution.id)).status == "Cancelled"
    assert [item.status for item in await items_of(runbooks, execution.id)] == ["Cancelled"]


async def test_items_are_listed_only_when_asked_for(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Look": echo}
    execution = await runbooks.run(runbook(looped([1, 2])))

    async def listed(**wanted: Any) -> list[str]:
        filter_ = TaskFilter(execution_id=execution.id, descending=False, **wanted)
        part = await runbooks.oos.executions.tasks(ACCOUNT, REGION, filter_, Page.read(None, None))
        return [task.id.removeprefix(execution.id) for task, _ in part.items]

    assert await listed() == [".t0001"]
    assert sorted(await listed(has_items=True)) == [".t0001", ".t0001.i0001", ".t0001.i0002"]
    assert await listed(has_items=True, parent_id=f"{execution.id}.t0001") == [".t0001.i0001", ".t0001.i0002"]


async def test_a_thousand_items_take_a_few_statements(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Look": {"Seen": 1}}
    task = looped(list(range(1000)), {"Concurrency": 100})
    task["Loop"]["Outputs"]["all"]["AggregateType"] = "Fn::Sum"

    execution = await runbooks.run(runbook(task))

    assert execution.outputs == {"all": 1000}
    assert len(runbooks.cloud.calls) == 1000
