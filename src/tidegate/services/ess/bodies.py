"""What Auto Scaling's messages say, to the letter of ess.md 4.2 and section 10. Pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec

from tidegate.services.ess.notices import Facts
from tidegate.store.ess.records import Activity, Group, Task

_ZONE = re.compile(r"UTC(?:(?P<sign>[+-])(?P<hours>\d{1,2})(?::(?P<minutes>[0-5]\d))?)?", re.ASCII)
_FARTHEST = 14


def envelope(group: Group, content: Mapping[str, Any], **more: str) -> dict[str, Any]:
    """Return a message: who and where, and what has happened."""
    return {
        "userId": group.account_id,
        "regionId": group.region,
        "resourceArn": resource_arn(group.account_id, group.region, group.id),
        **more,
        "content": dict(content),
    }


def resource_arn(account_id: str, region: str, group_id: str) -> str:
    """Return the ARN of a group as messages name it (ASSUMPTION on its exact text)."""
    return f"acs:ess:{region}:{account_id}:scalinggroup/{group_id}"


def of_hook(facts: Facts, metadata: str | None) -> dict[str, Any]:
    """Return the content of a hook's message."""
    content: dict[str, Any] = {
        "lifecycleHookId": facts.lifecycle_hook_id,
        "lifecycleHookName": facts.lifecycle_hook_name,
        "lifecycleActionToken": facts.lifecycle_action_token,
        "lifecycleTransition": facts.lifecycle_transition,
        "defaultResult": facts.default_result,
        "scalingGroupId": facts.scaling_group_id,
        "scalingGroupName": facts.scaling_group_name,
        "scalingActivityId": facts.scaling_activity_id,
        "requestId": facts.request_id,
        "instanceIds": facts.instance_ids,
    }
    # A8: key and place are assumed, that it is sent is documented.
    return content | ({"notificationMetadata": metadata} if metadata else {})


def of_activity(group: Group, activity: Activity, zone: timezone) -> dict[str, Any]:
    """Return the content of an activity's message (ess.md 10, ASSUMPTION)."""
    return {
        "scalingGroupId": group.id,
        "scalingGroupName": group.name,
        "scalingActivityId": activity.id,
        "cause": activity.cause,
        "description": activity.description,
        "statusCode": activity.status,
        "statusMessage": activity.status_message,
        "startTime": _written(activity.started_at, zone),
        "endTime": _written(activity.ended_at, zone) if activity.ended_at else "",
        "totalCapacity": activity.total_capacity,
        "instanceIds": activity.created_ids or activity.instance_ids,
    }


def of_task(group: Group, task: Task, zone: timezone) -> dict[str, Any]:
    """Return the content of the message that a scheduled task is about to expire (ASSUMPTION)."""
    return {
        "scalingGroupId": group.id,
        "scalingGroupName": group.name,
        "scheduledTaskId": task.id,
        "scheduledTaskName": task.name,
        "recurrenceEndTime": _written(task.recurrence_end, zone) if task.recurrence_end else "",
    }


def encoded(message: Mapping[str, Any], encoding: str) -> str:
    """Return the body as it is sent: JSON, in Base64 unless plain text is asked for."""
    text = msgspec.json.encode(message)
    return text.decode() if encoding == "PlainText" else base64.b64encode(text).decode()


def zone_of(text: str) -> timezone | None:
    """Read ``UTC``, ``UTC+8``, ``UTC-3:30``; None for anything else."""
    match = _ZONE.fullmatch(text)
    if match is None:
        return None
    ahead = timedelta(hours=int(match["hours"] or 0), minutes=int(match["minutes"] or 0))
    if ahead > timedelta(hours=_FARTHEST):
        return None
    return timezone(-ahead if match["sign"] == "-" else ahead) if ahead else UTC


def _written(moment: datetime, zone: timezone) -> str:
    """Write a moment as ESS does, in the zone of the receiver: ``2026-01-02T03:04Z``, ``2026-01-02T11:04+08:00``."""
    return moment.astimezone(zone).isoformat(timespec="minutes").replace("+00:00", "Z")
