"""The official Python SDK of OOS: executions by hand, confirmed risks, triggers, and what lists tell of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from acceptance.oos.test_sdk import client, finish, models, refusal
from support.runbook_server import Served, eventually
from support.templates import call, write

__all__ = ["client"]


def start(client: Any, content: str, **fields: Any) -> str:
    request = models().StartExecutionRequest(template_content=content, **fields)
    return str(client.start_execution(request).body.execution.execution_id)


def shown(client: Any, execution_id: str) -> Any:
    return client.list_executions(models().ListExecutionsRequest(execution_id=execution_id)).body.executions[0]


def notify(client: Any, execution_id: str, kind: str, **fields: Any) -> None:
    request = models().NotifyExecutionRequest(execution_id=execution_id, notify_type=kind, **fields)
    client.notify_execution(request)


def waits(client: Any, execution_id: str, why: str) -> Any:
    def look() -> Any:
        found = shown(client, execution_id)
        return found if (found.status, found.waiting_status) == ("Waiting", why) else None

    return eventually(look, f"waiting for {why}")


def gauge(name: str, **keys: Any) -> dict[str, Any]:
    properties = {"Service": "tide", "API": "DescribeGauges", "Parameters": {"GaugeIds": ["g-1"]}}
    return call(name, Properties=properties, **keys)


def test_a_debug_execution_is_led_by_hand(client: Any) -> None:
    rest = {"Name": "rest", "Action": "ACS::Sleep", "Properties": {"Duration": "10H"}}
    each = gauge("each", Loop={"Items": ["g-1", "g-2"]})
    execution_id = start(client, write(RamRole="", Tasks=[rest, each]), mode="Debug")

    waits(client, execution_id, "Debug")
    notify(client, execution_id, "ExecuteTask", task_name="rest")
    running = eventually(lambda: shown(client, execution_id).current_tasks, "the task").pop()
    notify(client, execution_id, "CancelTask", task_execution_id=running.task_execution_id)
    waits(client, execution_id, "Debug")
    properties = json.dumps({"Parameters": {"GaugeIds": ["g-2"]}})
    notify(client, execution_id, "ExecuteTask", task_name="each", loop_item="g-9", parameters=properties)

    def items() -> Any:
        request = models().ListTaskExecutionsRequest(execution_id=execution_id, include_child_task_execution=True)
        listed = client.list_task_executions(request).body.task_executions
        return [one for one in listed if one.loop_item and one.status == "Success"]

    (item,) = eventually(items, "the item")
    assert (item.loop_item, json.loads(item.properties)["Parameters"]) == ("g-9", {"GaugeIds": ["g-2"]})
    waits(client, execution_id, "Debug")
    notify(client, execution_id, "CompleteExecution", execution_status="Cancelled")
    assert finish(client, execution_id).status == "Cancelled"
    late = refusal(lambda: notify(client, execution_id, "ExecuteTask", task_name="each"))
    assert late.code == "OperationDenied.ExecutionStatus"


def test_steps_and_risks_are_approved(client: Any) -> None:
    stop = {"Name": "stop", "Action": "ACS::ExecuteAPI", "Properties": {"Service": "tide", "API": "StopGate"}}
    content = write(RamRole="", Tasks=[gauge("look"), {**stop, "When": False}, stop | {"Name": "again"}])
    execution_id = start(client, content, mode="StepByStep", safety_check="ConfirmEveryHighRiskAction")

    for begun in (1, 2, 3):
        waits(client, execution_id, "StepByStep")
        notify(client, execution_id, "Approve")
        eventually(lambda begun=begun: shown(client, execution_id).counters["Total"] == begun, "the next step")
    waiting = waits(client, execution_id, "RiskConfirm")
    assert waiting.current_tasks[0].task_name == "again"
    notify(client, execution_id, "Reject", notify_note="not today")

    assert finish(client, execution_id).status == "Cancelled"


def test_a_failed_loop_is_retried_by_item(client: Any) -> None:
    each = call(
        "each",
        Properties={"Service": "tide", "API": "{{ ACS::TaskLoopItem }}", "Parameters": {"GaugeIds": ["g-1"]}},
        Loop={"Items": ["DescribeGauges", "DescribeNothing"], "RateControl": {"Concurrency": 2}},
    )
    execution_id = start(client, write(RamRole="", Tasks=[each]), mode="FailurePause")
    waits(client, execution_id, "FailurePause")
    failed = f"{execution_id}.t0001.i0002"
    working = json.dumps({"API": "DescribeGauges"})

    unknown = refusal(lambda: notify(client, execution_id, "RetryTask", task_execution_ids='["x"]'))
    notify(client, execution_id, "RetryTask", task_execution_ids=json.dumps([failed]), parameters=working)

    assert unknown.code == "EntityNotExists.TaskExecution"
    ended = finish(client, execution_id)
    assert (ended.status, ended.counters) == ("Success", {"Skipped": 1, "Success": 1, "Total": 2})


def test_a_trigger_is_fired_updated_and_listed(client: Any) -> None:
    trigger = {
        "Name": "event",
        "Action": "ACS::EventTrigger",
        "Properties": {"Product": "ECS", "Name": ["Instance:StateChange"]},
        "Outputs": {"id": {"ValueSelector": ".content.id"}},
    }
    content = write(
        RamRole="",
        Parameters={"text": {"Type": "String", "Default": "one"}},
        Tasks=[trigger, gauge("look")],
        Outputs={"said": {"Type": "String", "Value": "{{ event.id }} {{ text }}"}},
    )
    parent_id = start(client, content)
    waits(client, parent_id, "Trigger")

    client.update_execution(
        models().UpdateExecutionRequest(
            execution_id=parent_id, description="by hand", parameters='{"text": "two"}', tags='{"team": "tide"}'
        )
    )
    for _ in range(2):
        client.trigger_execution(
            models().TriggerExecutionRequest(
                execution_id=parent_id, type="Event", content='{"content": {"id": "i-1"}}', client_token="once"
            )
        )
    eventually(lambda: shown(client, parent_id).last_successful_trigger_time, "the firing")

    parent = waits(client, parent_id, "Trigger")
    assert (parent.is_parent, parent.category, parent.description) == (True, "EventTrigger", "by hand")
    assert (parent.counters, parent.last_trigger_status) == ({"Success": 1, "Total": 1}, "Success")
    assert json.loads(parent.last_trigger_outputs) == {"said": "i-1 two"}
    assert parent.last_trigger_time == parent.last_successful_trigger_time
    wrong = refusal(
        lambda: client.trigger_execution(models().TriggerExecutionRequest(execution_id=parent_id, type="Timer"))
    )
    assert wrong.code == "InvalidParameter"
    client.cancel_execution(models().CancelExecutionRequest(execution_id=parent_id))
    assert finish(client, parent_id).status == "Cancelled"


def test_a_timer_says_when_it_fires_next_and_other_accounts_see_nothing(client: Any, served: Served) -> None:
    end = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    properties = {"Type": "rate", "Expression": "1 day", "EndDate": end}
    timer = {"Name": "timer", "Action": "ACS::TimerTrigger", "Properties": properties}
    execution_id = start(client, write(RamRole="", Tasks=[timer, gauge("look")]))

    assert waits(client, execution_id, "Trigger").next_schedule_time > shown(client, execution_id).start_date
    mine = client.list_executions(models().ListExecutionsRequest(account_id=served.account)).body
    others = client.list_executions(models().ListExecutionsRequest(account_id="1")).body
    assert mine.total_count > 0
    assert (others.total_count, others.executions) == (0, [])
    client.cancel_execution(models().CancelExecutionRequest(execution_id=execution_id))


def test_what_is_risky_and_what_can_be_run_is_listed(client: Any) -> None:
    stop = {"Name": "stop", "Action": "ACS::ECS::StopInstance", "Properties": {"instanceId": "i-1"}}
    gone = call("gone", Properties={"Service": "ECS", "API": "DeleteSnapshot", "Risk": "Normal"})
    client.create_template(
        models().CreateTemplateRequest(template_name="risky", content=write(RamRole="", Tasks=[stop, gone]))
    )

    risky = client.list_execution_risky_tasks(models().ListExecutionRiskyTasksRequest(template_name="risky")).body
    actions = client.list_actions(models().ListActionsRequest(oosaction_name="ACS::ECS::Stop")).body.actions

    (found,) = risky.risky_tasks
    assert (found.service.upper(), found.api, found.template) == ("ECS", "StopInstance", ["ACS::ECS::StopInstance"])
    assert [(one.oosaction_name, one.action_type, one.template_version) for one in actions] == [
        ("ACS::ECS::StopInstance", "Product.ECS", "v1")
    ]
    assert json.loads(actions[0].properties)["instanceId"] == {"Required": True}


def test_the_resources_of_a_loop_over_targets_are_listed(client: Any) -> None:
    nothing = start(client, write(RamRole="", Tasks=[gauge("look")]))
    finish(client, nothing)

    listed = client.list_resource_execution_status(
        models().ListResourceExecutionStatusRequest(execution_id=nothing)
    ).body

    assert listed.resource_execution_status == []
    missing = refusal(
        lambda: client.list_resource_execution_status(
            models().ListResourceExecutionStatusRequest(execution_id="exec-none")
        )
    )
    assert (missing.code, missing.status_code) == ("EntityNotExists.Execution", 404)


def test_one_action_is_tried_by_itself_and_a_loop_counts_its_items(client: Any) -> None:
    properties = {"Service": "tide", "API": "DescribeGauges", "Parameters": {"GaugeIds": ["g-1"]}}
    request = models().StartDebugExecutionRequest(
        task_type="ACS::ExecuteAPI", properties=json.dumps(properties), client_token="try"
    )
    tried = [client.start_debug_execution(request).body.execution_id for _ in range(2)]
    looped = start(client, write(RamRole="", Tasks=[gauge("each", Loop={"Items": [1, 2, 3]})]))

    assert tried[0] == tried[1]
    assert finish(client, tried[0]).status == "Success"
    finish(client, looped)
    (task,) = client.list_task_executions(models().ListTaskExecutionsRequest(execution_id=looped)).body.task_executions
    assert (task.loop["Items"], task.loop["Counters"]) == ([1, 2, 3], {"Success": 3})
    both = models().ListExecutionsRequest(depth="RootDepth", include_child_execution=True)
    assert refusal(lambda: client.list_executions(both)).code == "InvalidParameter"


@pytest.mark.parametrize("kind", ["ExecuteTask", "Sing"])
def test_notices_that_fit_nowhere_are_refused(client: Any, kind: str) -> None:
    execution_id = start(client, write(RamRole="", Tasks=[gauge("look")]))
    finish(client, execution_id)

    refused = refusal(lambda: notify(client, execution_id, kind, task_name="look"))

    assert refused.code == ("OperationDenied.ExecutionStatus" if kind == "ExecuteTask" else "InvalidParameter")
