"""Alarm triggers: a metric beyond its threshold runs the rest as a child (oos.md 5.10)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from support.runbooks import ACCOUNT, REGION, Runbooks
from support.templates import call, write
from tidegate.clock import AdjustableClock
from tidegate.errors import CloudError
from tidegate.services.oos.actions.alarm_trigger import Alarm, points_of, read_alarm
from tidegate.services.oos.actions.base import ActionFailedError
from tidegate.services.oos.paging import Page
from tidegate.store.oos.executions import ExecutionFilter

PROPERTIES = {
    "Namespace": "acs_ecs_dashboard",
    "MetricName": "CPUUtilization",
    "ComparisonOperator": "GreaterThanThreshold",
    "Threshold": "80",
    "Times": 2,
    "Period": 60,
    "SilenceTime": 600,
    "Resources": '[{"instanceId": "i-1"}, {"instanceId": "i-2"}]',
}


def runbook(**properties: Any) -> str:
    trigger = {
        "Name": "alarm",
        "Action": "ACS::AlarmTrigger",
        "Properties": {**PROPERTIES, **properties},
        "Outputs": {"InstanceId": {"ValueSelector": ".instanceId"}, "value": {"ValueSelector": ".value"}},
    }
    ping = call("ping", Properties={"Service": "tide", "API": "Ping", "Parameters": {"Id": "{{ alarm.instanceId }}"}})
    return write(RamRole="", Tasks=[trigger, ping], Outputs={"v": {"Type": "Number", "Value": "{{ alarm.value }}"}})


class Meter:
    """CloudMonitor with one value for each instance."""

    def __init__(self, clock: AdjustableClock) -> None:
        self.values: dict[str, float] = {}
        self.asked: list[Mapping[str, Any]] = []
        self._clock = clock

    def answer(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append(parameters)
        at = int(self._clock.now().timestamp() * 1000)
        points = [{"timestamp": at, "instanceId": name, "Average": value} for name, value in self.values.items()]
        return {"Datapoints": json.dumps(points)}


@pytest.fixture
def meter(runbooks: Runbooks, clock: AdjustableClock) -> Meter:
    made = Meter(clock)
    runbooks.cloud.replies = {"Cms.DescribeMetricList": made.answer, "tide.Ping": {}}
    return made


async def fired(runbooks: Runbooks, parent_id: str) -> list[Any]:
    wanted = ExecutionFilter(parent_id=parent_id, depth=None, descending=False)
    part, _ = await runbooks.oos.executions.list(ACCOUNT, REGION, wanted, Page.read(None, None))
    return [(view.record.outputs or {}).get("v") for view in part.items]


async def test_it_fires_after_enough_values_in_a_row_and_is_then_silent(runbooks: Runbooks, meter: Meter) -> None:
    meter.values = {"i-1": 90, "i-2": 10}
    execution = await runbooks.run(runbook())
    assert (execution.status, execution.waiting, execution.category) == ("Waiting", "Trigger", "AlarmTrigger")
    assert await fired(runbooks, execution.id) == []

    await runbooks.driver.advance(seconds=61)
    assert await fired(runbooks, execution.id) == [90]
    assert runbooks.cloud.calls[-1].parameters["Id"] == "i-1"
    meter.values["i-2"] = 95
    for _ in range(3):
        await runbooks.driver.advance(seconds=61)
    assert await fired(runbooks, execution.id) == [90, 95]
    meter.values = {"i-1": 99, "i-2": 5}
    await runbooks.driver.advance(seconds=500)
    await runbooks.driver.advance(seconds=61)
    assert await fired(runbooks, execution.id) == [90, 95, 99]
    assert json.loads(meter.asked[0]["Dimensions"]) == [{"instanceId": "i-1"}, {"instanceId": "i-2"}]
    assert meter.asked[0]["Period"] == "60"


async def test_instances_are_found_by_their_tags(runbooks: Runbooks, meter: Meter) -> None:
    runbooks.cloud.replies["ECS.DescribeInstances"] = {"Instances": {"Instance": [{"InstanceId": "i-7"}]}}

    await runbooks.run(runbook(Resources="", Tags=[{"Key": "team", "Value": "tide"}]))

    assert json.loads(meter.asked[0]["Dimensions"]) == [{"instanceId": "i-7"}]


async def test_a_metric_that_cannot_be_read_fails_at_once_and_is_complained_of_once_later(
    runbooks: Runbooks, meter: Meter
) -> None:
    execution = await runbooks.run(runbook())
    runbooks.cloud.replies["Cms.DescribeMetricList"] = CloudError("Throttling", "Slowly.")
    await runbooks.driver.advance(seconds=61)
    await runbooks.driver.advance(seconds=61)

    never = await runbooks.run(runbook())

    assert (await runbooks.find(execution.id)).status == "Waiting"
    lines = [line.message for line in await runbooks.log(execution.id) if "cannot be read" in line.message]
    assert len(lines) == 1
    assert (never.status, never.status_message) == ("Failed", "Throttling message: Slowly.")


@pytest.mark.parametrize(
    ("operator", "value", "before", "expected"),
    [
        ("GreaterThanOrEqualToThreshold", 80, None, True),
        ("GreaterThanThreshold", 80, None, False),
        ("LessThanOrEqualToThreshold", 80, None, True),
        ("LessThanThreshold", 79, None, True),
        ("NotEqualToThreshold", 80, None, False),
        ("GreaterThanYesterday", 181, 100, True),
        ("GreaterThanYesterday", 179, 100, False),
        ("LessThanLastWeek", 19, 100, True),
        ("LessThanLastPeriod", 21, 100, False),
        ("GreaterThanLastPeriod", 500, None, False),
    ],
)
def test_operators_compare(operator: str, value: float, before: float | None, expected: bool) -> None:
    alarm = read_alarm({**PROPERTIES, "ComparisonOperator": operator})

    assert alarm.is_beyond(value, before) is expected


def test_the_value_of_before_is_a_period_or_a_day_older() -> None:
    minute = 60_000
    points = [{"timestamp": at * minute, "instanceId": "i-1", "Average": float(at)} for at in (0, 1, 1439, 1440, 1441)]
    for operator, before in (("GreaterThanLastPeriod", 1440.0), ("GreaterThanYesterday", 1.0)):
        alarm = read_alarm({**PROPERTIES, "ComparisonOperator": operator})
        assert points_of(points, alarm)["instanceId=i-1"] == (points[-1], before)


def test_it_is_effective_between_two_times_of_the_day() -> None:
    noon, midnight = datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 1, 0, 5, tzinfo=UTC)

    def effective(hours: str) -> tuple[bool, bool]:
        alarm: Alarm = read_alarm({**PROPERTIES, "EffectiveInterval": hours})
        return alarm.is_effective(noon), alarm.is_effective(midnight)

    assert effective("08:00-18:00") == (True, False)
    assert effective("22:00-06:00") == (False, True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"ComparisonOperator": "Above"},
        {"Tags": [1], "ResourceGroup": "rg"},
        {"Statistics": "Median"},
        {"EffectiveInterval": "always"},
        {"Threshold": "high"},
    ],
)
def test_what_is_no_alarm_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ActionFailedError):
        read_alarm({**PROPERTIES, **wrong})
