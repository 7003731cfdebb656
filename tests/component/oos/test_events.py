"""Event triggers, triggers by hand, and changes of executions under way (oos.md 5.10, 7.6, 8.2)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from support.runbooks import ACCOUNT, REGION, ROOT, Runbooks
from support.templates import call, write
from tidegate.clock import AdjustableClock
from tidegate.errors import CloudError
from tidegate.services.oos import limits
from tidegate.services.oos.actions.base import ActionFailedError
from tidegate.services.oos.actions.event_trigger import read_pattern
from tidegate.services.oos.paging import Page
from tidegate.services.oos.updating import Change
from tidegate.services.operation import Call
from tidegate.store import events, work
from tidegate.store.oos.executions import ExecutionFilter

REQUEST = Call(
    principal=ROOT, region=REGION, request_id="R", product="oos", action="TriggerExecution", version="2019-06-01"
)


def runbook(*tasks: dict[str, Any], outputs: Any = None, **properties: Any) -> str:
    trigger = {
        "Name": "event",
        "Action": "ACS::EventTrigger",
        "Properties": {
            "Product": "ECS",
            "Name": ["Instance:StateChange"],
            "Content": {"state": ["Stopped"]},
            **properties,
        },
        "Outputs": outputs or {"id": {"ValueSelector": ".content.resourceId"}},
    }
    return write(
        RamRole="",
        Parameters={"note": {"Type": "String", "Default": "first"}},
        Tasks=[trigger, *tasks],
        Outputs={"id": {"Type": "String", "Value": "{{ event.id }}"}},
    )


PING = call(
    "ping", Properties={"Service": "tide", "API": "Ping", "Parameters": {"Id": "{{ event.id }}", "Note": "{{ note }}"}}
)


async def publish(
    runbooks: Runbooks, clock: AdjustableClock, number: int, state: str = "Stopped", **fields: Any
) -> None:
    event = events.Event(
        **{
            "id": f"e-{number}",
            "account_id": ACCOUNT,
            "region": REGION,
            "source": "acs.ecs",
            "type": "ecs:Instance:StateChange",
            "subject": f"acs:ecs:{REGION}:{ACCOUNT}:instance/i-{number}",
            "data": {"resourceId": f"i-{number}", "state": state},
            "at": clock.now(),
            "product": "ECS",
            "name": "Instance:StateChange",
            **fields,
        }
    )
    async with runbooks.database.transaction() as tx:
        await events.publish(tx, [event], now=clock.now())
    await runbooks.driver.settle()


async def fired(runbooks: Runbooks, parent_id: str) -> list[tuple[str, Any]]:
    wanted = ExecutionFilter(parent_id=parent_id, depth=None, descending=False)
    part, _ = await runbooks.oos.executions.list(ACCOUNT, REGION, wanted, Page.read(None, None))
    return [(view.record.status, (view.record.outputs or {}).get("id")) for view in part.items]


async def begun(runbooks: Runbooks, clock: AdjustableClock, content: str) -> str:
    """Start an execution of a trigger on a cloud whose event bus is driven."""
    async with runbooks.database.transaction() as tx:
        await work.drive(tx, events.DISPATCHER, events.DISPATCHER, now=clock.now())
    return (await runbooks.run(content)).id


async def test_every_event_that_fits_runs_the_rest_as_a_child(runbooks: Runbooks, clock: AdjustableClock) -> None:
    runbooks.cloud.replies = {"tide.Ping": {}}
    parent_id = await begun(runbooks, clock, runbook(PING))
    assert (await runbooks.find(parent_id)).waiting == "Trigger"

    await publish(runbooks, clock, 1)
    await publish(runbooks, clock, 2, state="Running")
    await publish(runbooks, clock, 3, account_id="6543210987654321")
    await publish(runbooks, clock, 4)

    assert await fired(runbooks, parent_id) == [("Success", "i-1"), ("Success", "i-4")]
    assert [called.parameters["Id"] for called in runbooks.cloud.calls] == ["i-1", "i-4"]
    parent = await runbooks.find(parent_id)
    assert (parent.status, parent.waiting) == ("Waiting", "Trigger")
    assert await runbooks.path(f"{parent_id}.1") == ["ping:Success"]


async def test_the_parent_runs_while_a_child_does_and_survives_its_failure(
    runbooks: Runbooks, clock: AdjustableClock
) -> None:
    runbooks.cloud.replies = {"tide.Break": CloudError("Tide.Broken", "It is broken.")}
    rest = {"Name": "rest", "Action": "ACS::Sleep", "Properties": {"Duration": "1H"}}
    broken = call("broken", Properties={"Service": "tide", "API": "Break"})
    parent_id = await begun(runbooks, clock, runbook(rest, broken))

    await publish(runbooks, clock, 1)
    assert (await runbooks.find(parent_id)).status == "Running"
    await publish(runbooks, clock, 2)
    assert [status for status, _ in await fired(runbooks, parent_id)] == ["Running", "Running"]
    await runbooks.driver.advance(hours=1, seconds=1)

    assert [status for status, _ in await fired(runbooks, parent_id)] == ["Failed", "Failed"]
    assert (await runbooks.find(parent_id)).status == "Waiting"
    await runbooks.oos.executions.cancel(ACCOUNT, REGION, parent_id)
    await runbooks.driver.settle()
    await publish(runbooks, clock, 3)
    assert len(await fired(runbooks, parent_id)) == 2


async def test_a_transformer_makes_the_message_and_a_selector_that_fails_fires_nothing(
    runbooks: Runbooks, clock: AdjustableClock
) -> None:
    runbooks.cloud.replies = {"tide.Ping": {}}
    outputs = {"id": {"Type": "Json", "ValueSelector": "."}}
    transformer = {"name": ".content.resourceId", "fixed": 7}
    first = await begun(runbooks, clock, runbook(PING, outputs=outputs, OutputTransformer=transformer))
    second = await begun(runbooks, clock, runbook(PING, outputs={"id": {"ValueSelector": ".name.x.y"}}))

    await publish(runbooks, clock, 1)

    assert await fired(runbooks, first) == [("Success", {"name": "i-1", "fixed": 7})]
    assert await fired(runbooks, second) == []
    assert any("does not fire" in line.message for line in await runbooks.log(second))


async def test_the_tags_of_an_instance_are_asked_for(runbooks: Runbooks, clock: AdjustableClock) -> None:
    def answer(parameters: Any) -> dict[str, Any]:
        found = [{"InstanceId": "i-2"}] if parameters["InstanceIds"] == ["i-2"] else []
        return {"Instances": {"Instance": found}}

    runbooks.cloud.replies = {"ECS.DescribeInstances": answer, "tide.Ping": {}}
    parent_id = await begun(runbooks, clock, runbook(PING, Tags=[{"Key": "team", "Value": "tide"}]))

    await publish(runbooks, clock, 1)
    await publish(runbooks, clock, 2)

    assert await fired(runbooks, parent_id) == [("Success", "i-2")]
    runbooks.cloud.replies["ECS.DescribeInstances"] = CloudError("Forbidden.RAM", "No.")
    await publish(runbooks, clock, 3)
    assert len(await fired(runbooks, parent_id)) == 1
    assert (await runbooks.find(parent_id)).waiting == "Trigger"
    assert any("e-3 is left out" in line.message for line in await runbooks.log(parent_id))


async def test_tags_of_other_products_are_refused_at_once(runbooks: Runbooks) -> None:
    execution = await runbooks.run(runbook(PING, Product="ESS", Tags=[{"Key": "team", "Value": "tide"}]))

    assert "known for events of ECS only" in execution.status_message


async def test_events_wait_until_there_is_room(
    runbooks: Runbooks, clock: AdjustableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CONCURRENT_EXECUTIONS", 2)
    rest = {"Name": "rest", "Action": "ACS::Sleep", "Properties": {"Duration": "1H"}}
    parent_id = await begun(runbooks, clock, runbook(rest))
    for number in range(1, 6):
        await publish(runbooks, clock, number)
    assert len(await fired(runbooks, parent_id)) == 2

    for _ in range(3):
        await runbooks.driver.advance(hours=1, seconds=1)

    assert [one for _, one in await fired(runbooks, parent_id)] == [f"i-{n}" for n in range(1, 6)]


def test_a_pattern_names_the_fields_of_the_message() -> None:
    assert read_pattern({"Product": "ECS", "Level": '["WARN"]', "Content": {"a": 1}, "RegionId": []}) == {
        "product": "ECS",
        "level": ["WARN"],
        "content": {"a": 1},
    }
    for wrong in ({}, {"Product": ""}, {"Product": "ECS", "Content": [1]}):
        with pytest.raises(ActionFailedError):
            read_pattern(wrong)


async def test_a_trigger_can_be_fired_by_hand_with_a_message(runbooks: Runbooks, clock: AdjustableClock) -> None:
    runbooks.cloud.replies = {"tide.Ping": {}}
    parent_id = await begun(runbooks, clock, runbook(PING))
    trigger = runbooks.oos.triggering.trigger
    with pytest.raises(CloudError, match="InvalidParameter"):
        await trigger(REQUEST, parent_id, "Alarm", "{}")
    with pytest.raises(CloudError, match="InvalidParameter"):
        await trigger(REQUEST, parent_id, "Event", "[1]")

    await trigger(REQUEST, parent_id, "Event", '{"content": {"resourceId": "by-hand"}}')
    await trigger(REQUEST, parent_id, "Event", None)
    await runbooks.driver.settle()

    assert await fired(runbooks, parent_id) == [("Success", "by-hand"), ("Success", None)]
    with pytest.raises(CloudError, match="ExecutionStatus"):
        await trigger(REQUEST, f"{parent_id}.1", "Event", "{}")


async def test_the_next_firing_runs_with_changed_parameters(runbooks: Runbooks, clock: AdjustableClock) -> None:
    runbooks.cloud.replies = {"tide.Ping": {}}
    parent_id = await begun(runbooks, clock, runbook(PING))
    await publish(runbooks, clock, 1)

    change = Change(description="new", parameters={"note": "second"}, tags={"a": "b"}, resource_group_id="rg-1")
    await runbooks.oos.updating.update(REQUEST, parent_id, change)
    await publish(runbooks, clock, 2)

    assert [called.parameters["Note"] for called in runbooks.cloud.calls] == ["first", "second"]
    parent = await runbooks.find(parent_id)
    assert (parent.description, parent.tags, parent.resource_group_id) == ("new", {"a": "b"}, "rg-1")
    with pytest.raises(CloudError, match="NotDeclared"):
        await runbooks.oos.updating.update(REQUEST, parent_id, Change(parameters={"nothing": 1}))
    with pytest.raises(CloudError, match="InvalidParameter"):
        await runbooks.oos.updating.update(REQUEST, f"{parent_id}.1", Change(parameters={"note": "x"}))


async def test_lists_tell_what_a_trigger_has_done(runbooks: Runbooks, clock: AdjustableClock) -> None:
    runbooks.cloud.replies = {"tide.Ping": {}}
    end = (clock.now() + timedelta(hours=5)).isoformat()
    timer = {"Type": "rate", "Expression": "1 hour", "EndDate": end}
    first = {"Name": "timer", "Action": "ACS::TimerTrigger", "Properties": timer}
    execution = await runbooks.run(write(RamRole="", Tasks=[first, call("ping")]))
    await runbooks.driver.advance(hours=1, seconds=1)
    runbooks.cloud.replies = {"tide.Ping": CloudError("Tide.Broken", "It is broken.")}
    await runbooks.driver.advance(hours=1, seconds=1)

    wanted = ExecutionFilter(execution_id=execution.id, depth=None)
    part, _ = await runbooks.oos.executions.list(ACCOUNT, REGION, wanted, Page.read(None, None))

    overview = part.items[0].overview
    assert overview.counters == {"Success": 1, "Failed": 1}
    firings = overview.firings
    assert firings is not None
    assert (firings.last_status, firings.last_message) == ("Failed", "Tide.Broken message: It is broken.")
    assert firings.last_at is not None
    assert firings.last_success_at is not None
    assert firings.next_at is not None
    assert firings.last_success_at < firings.last_at < firings.next_at
