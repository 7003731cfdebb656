"""What tends a scaling group by itself: scheduled and alarm tasks, notifications, instance refreshes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from starlette.responses import Response

from tidegate.console.page import Page, nothing
from tidegate.console.pages.scaling import METRICS, find_group, listed
from tidegate.errors import CloudError
from tidegate.services.ess.states import REFRESH, RefreshEvent, RefreshState

_SIMPLE = "SimpleScalingRule"
_SHOWN = 20


async def tasks(page: Page, group_id: str) -> dict[str, Any]:
    """Look at scheduled tasks, those that name the group or one of its rules, and at its alarm tasks."""
    rules = (await listed(page, "DescribeScalingRules", group_id)).rows("ScalingRules", "ScalingRule")
    aris = {one["ScalingRuleAri"]: one["ScalingRuleName"] for one in rules}
    found, by_rules, alarms = await page.together(
        listed(page, "DescribeScheduledTasks", group_id),
        page.look("ess", "DescribeScheduledTasks", ScheduledActions=list(aris), PageSize=50) if aris else nothing(),
        listed(page, "DescribeAlarms", group_id),
    )
    by_id = {
        one["ScheduledTaskId"]: one
        for answer in (found, by_rules)
        for one in answer.rows("ScheduledTasks", "ScheduledTask")
    }
    return {"found": found, "rows": list(by_id.values()), "rules": aris, "alarms": alarms}


async def notifications(page: Page, group_id: str) -> dict[str, Any]:
    """Look at who is told about the group, and what could be told."""
    found, types, queues, topics = await page.together(
        page.look("ess", "DescribeNotificationConfigurations", ScalingGroupId=group_id),
        page.look("ess", "DescribeNotificationTypes"),
        page.look("mns", "ListQueue", RetNumber=100),
        page.look("mns", "ListTopic", RetNumber=100),
    )
    start = f"acs:mns:{page.region}:{page.account}"
    receivers = [f"{start}:queue/{_name(one)}" for one in queues.rows("Queue")]
    receivers += [f"{start}:topic/{_name(one)}" for one in topics.rows("Topic")]
    return {
        "found": found,
        "rows": found.rows("NotificationConfigurationModels", "NotificationConfigurationModel"),
        "types": types.rows("NotificationTypes", "NotificationType"),
        "receivers": [*receivers, f"acs:ess:{page.region}:{page.account}:cloudmonitor"],
    }


async def refreshes(page: Page, group_id: str) -> dict[str, Any]:
    """Look at the instance refreshes of a group, the latest first."""
    found, configurations = await page.together(
        page.look(
            "ess",
            "DescribeInstanceRefreshes",
            ScalingGroupId=group_id,
            MaxResults=_SHOWN,
            NextToken=page.query.get("token") or None,
        ),
        listed(page, "DescribeScalingConfigurations", group_id),
    )
    return {
        "found": found,
        "rows": found.rows("InstanceRefreshTasks", "InstanceRefreshTask"),
        "configurations": configurations.rows("ScalingConfigurations", "ScalingConfiguration"),
        "may": _may,
    }


async def scheduled_task(page: Page) -> Response:
    """Show the form for a scheduled task: a new one, or the one that ``task`` in the address names."""
    group = await find_group(page)
    chosen = page.query.get("task", "")
    rules, found = await page.together(
        listed(page, "DescribeScalingRules", group["ScalingGroupId"]),
        page.look("ess", "DescribeScheduledTasks", ScheduledTaskIds=[chosen]) if chosen else nothing(),
    )
    task: Mapping[str, Any] = next(iter(found.rows("ScheduledTasks", "ScheduledTask")), {})
    if chosen and not task:
        raise found.refusal or CloudError(
            "InvalidScheduledTaskId.NotFound", "The specified scheduled task does not exist.", 404
        )
    by_rule = "ScheduledAction" in task if task else page.query.get("does") != "bounds"
    return page.render(
        "task.html",
        group=group,
        task=task,
        does="rule" if by_rule else "bounds",
        rules=[one for one in rules.rows("ScalingRules", "ScalingRule") if one["ScalingRuleType"] == _SIMPLE],
        soon=page.clock.now() + timedelta(minutes=2),
    )


async def alarm_task(page: Page) -> Response:
    """Show the form for an alarm task: a new one, or the one that ``alarm`` in the address names."""
    group = await find_group(page)
    chosen = page.query.get("alarm", "")
    rules, found = await page.together(
        listed(page, "DescribeScalingRules", group["ScalingGroupId"]),
        page.look("ess", "DescribeAlarms", AlarmTaskId=chosen) if chosen else nothing(),
    )
    alarm: Mapping[str, Any] = next(iter(found.rows("AlarmList", "Alarm")), {})
    if chosen and not alarm:
        raise found.refusal or CloudError(
            "InvalidAlarmTaskId.NotFound", "The specified alarm task does not exist.", 404
        )
    return page.render(
        "alarm.html",
        group=group,
        alarm=alarm,
        kind=alarm.get("MetricType") or ("custom" if page.query.get("kind") == "custom" else "system"),
        metrics=(*METRICS, "LoadAverage"),
        rules=rules.rows("ScalingRules", "ScalingRule"),
    )


def _may(status: str, event: str) -> bool:
    """Tell whether a refresh in this status takes what a button says."""
    return RefreshEvent(event) in REFRESH.get(RefreshState(status), {})


def _name(row: Mapping[str, Any]) -> str:
    """Return the name of a queue or topic, of which lists without details tell the address only."""
    return str(row.get("QueueName") or row.get("TopicName") or next(iter(row.values())).rpartition("/")[2])
