"""Loops as the vendor's oldest templates write them, and as large as they may be (oos.md 6)."""

from __future__ import annotations

from typing import Any

from support.runbooks import REGION, ROOT, Runbooks
from support.templates import call, write
from tidegate.errors import CloudError

ITEM = "{{ ACS::TaskLoopItem }}"


def runbook(loop: dict[str, Any], items: Any = None) -> str:
    each = call(
        "each",
        Properties={"Service": "tide", "API": "Each", "Parameters": {"Id": ITEM}},
        Outputs={"seen": {"Type": "Number", "ValueSelector": ".Seen"}},
        Loop={**loop, "Outputs": {"all": {"AggregateType": "Fn::ListJoin", "AggregateField": "seen"}}},
    )
    return write(
        RamRole="",
        Parameters={"items": {"Type": "List", "Default": items or []}},
        Tasks=[each],
        Outputs={"all": {"Type": "List", "Value": "{{ each.all }}"}},
    )


def seeing(runbooks: Runbooks, *broken: int) -> None:
    def answer(parameters: Any) -> dict[str, Any]:
        if parameters["Id"] in broken:
            raise CloudError("Tide.Broken", f"{parameters['Id']} is broken.")
        return {"Seen": parameters["Id"]}

    runbooks.cloud.replies = {"tide.Each": answer}


async def test_a_thousand_items_come_back_in_their_order(runbooks: Runbooks) -> None:
    seeing(runbooks)
    numbers = list(range(1000))

    execution = await runbooks.run(
        runbook({"Items": "{{ items }}", "RateControl": {"Concurrency": "20%", "MaxErrors": "10%"}}),
        parameters={"items": numbers},
    )

    assert execution.outputs == {"all": numbers}


async def test_one_item_more_is_refused(runbooks: Runbooks) -> None:
    execution = await runbooks.run(runbook({"Items": "{{ items }}"}), parameters={"items": list(range(1001))})

    assert "a Loop has 1000 items at most, not 1001" in execution.status_message


async def test_the_flat_form_counts_errors_in_percent_and_goes_in_batches(runbooks: Runbooks) -> None:
    seeing(runbooks, 3, 7)
    flat = {"Items": "{{ items }}", "Concurrency": {"Fn::CalculateBatch": [3, "{{ items }}"]}, "MaxErrors": "20%"}

    execution = await runbooks.run(
        runbook({**flat, "BatchPauseOption": "FirstBatchPause"}), parameters={"items": list(range(10))}
    )

    assert execution.waiting == "BatchPause"
    assert len(runbooks.cloud.calls) == 4
    await runbooks.oos.notifying.notify(ROOT, REGION, execution.id, "Approve")
    await runbooks.driver.settle()
    execution = await runbooks.find(execution.id)
    assert (execution.status, execution.outputs) == ("Success", {"all": [0, 1, 2, 4, 5, 6, 8, 9]})


async def test_one_error_too_many_ends_the_batches(runbooks: Runbooks) -> None:
    seeing(runbooks, 1, 2)
    flat = {"Items": "{{ items }}", "Mode": "Batch", "Batch": ["30%"], "MaxErrors": "19%"}

    execution = await runbooks.run(runbook(flat), parameters={"items": list(range(10))})

    assert (execution.status, execution.outputs) == ("Failed", {"all": [0]})
    assert len(runbooks.cloud.calls) == 3
