"""The timeline: one story per scaling activity, over all products, as far as its reader may see each part."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from starlette.responses import Response

from tidegate.console import story
from tidegate.console.page import Page
from tidegate.console.pages.redis import execution_of, visitors_of
from tidegate.errors import CloudError
from tidegate.store import chronicle
from tidegate.store.ram import decisions

#: Stories on one page.
_SHOWN = 6
_GROUPS = 10
_CHANGES = 200
_DECISIONS = 500
_REDIS: Final = re.compile("r-[a-z0-9]+")


async def timeline(page: Page) -> Response:
    """Show the stories of an activity, an execution, an instance, a group, or the latest of all."""
    refusals: list[CloudError] = []
    total = 0
    stories: list[story.Story] = []
    if execution := page.query.get("execution"):
        stories = await _of_execution(page, execution)
    elif activity := page.query.get("activity"):
        stories = await _of_activities(page, [activity])
    elif instance := page.query.get("instance"):
        async with page.around.database.connection() as connection:
            ids = await chronicle.activities_of_instance(connection, instance, _SHOWN)
        stories = await _of_activities(page, ids)
    else:
        groups = [page.query["group"]] if page.query.get("group") else await _groups(page, refusals)
        listed = await asyncio.gather(
            *(
                page.look(
                    "ess", "DescribeScalingActivities", ScalingGroupId=one, PageNumber=page.number, PageSize=_SHOWN
                )
                for one in groups
            )
        )
        refusals += [found.refusal for found in listed if found.refusal]
        total = max((found.total for found in listed), default=0)
        found_all = [one for found in listed for one in found.rows("ScalingActivities", "ScalingActivity")]
        stories = (await _tell(page, found_all))[: _SHOWN if len(groups) > 1 else None]
    return page.render(
        "timeline.html", stories=stories, refusals=refusals[:1], subject=_subject(page), total=total, size=_SHOWN
    )


def _subject(page: Page) -> str:
    return next(
        (page.query[name] for name in ("execution", "activity", "instance", "group") if page.query.get(name)), ""
    )


async def _groups(page: Page, refusals: list[CloudError]) -> Sequence[str]:
    found = await page.look("ess", "DescribeScalingGroups", PageSize=_GROUPS)
    if found.refusal is not None:
        refusals.append(found.refusal)
    return [one["ScalingGroupId"] for one in found.rows("ScalingGroups", "ScalingGroup")]


async def _of_activities(page: Page, ids: Sequence[str]) -> list[story.Story]:
    """Tell activities by their ids; those that the reader may not see, or that are not there, are left out."""
    if not ids:
        return []
    async with page.around.database.connection() as connection:
        times = await chronicle.activities(connection, ids)
    listed = await asyncio.gather(
        *(
            page.call("ess", "DescribeScalingActivities", ScalingGroupId=group, ScalingActivityIds=list(ids))
            for group in sorted({one.group_id for one in times.values()})
        )
    )
    return await _tell(page, [one for answer in listed for one in answer["ScalingActivities"]["ScalingActivity"]])


async def _of_execution(page: Page, execution_id: str) -> list[story.Story]:
    async with page.around.database.connection() as connection:
        activity = (await chronicle.activities_of_executions(connection, [execution_id])).get(execution_id)
    if activity is not None:
        return await _of_activities(page, [activity])
    chapters = await _chapters(page, [execution_id])
    return [story.of_execution(chapter, page.clock.now()) for chapter in chapters.values()]


async def _tell(page: Page, activities: Sequence[Mapping[str, Any]]) -> list[story.Story]:
    """Tell activities that the reader was shown, the latest first."""
    ids = [one["ScalingActivityId"] for one in activities]
    async with page.around.database.connection() as connection:
        times = await chronicle.activities(connection, ids)
        actions = await chronicle.actions(connection, ids)
        instances = {one for each in times.values() for one in (*each.created_ids, *each.instance_ids)}
        presences = await chronicle.presences(connection, sorted(instances))
    latest = sorted(
        (one for one in activities if one["ScalingActivityId"] in times),
        key=lambda one: times[one["ScalingActivityId"]].started_at,
        reverse=True,
    )[:_SHOWN]
    shown = {one["ScalingActivityId"] for one in latest}
    actions = [action for action in actions if action.activity_id in shown]
    chapters = await _chapters(page, [action.execution_id for action in actions if action.execution_id])
    return [
        story.of_activity(
            one,
            times[one["ScalingActivityId"]],
            [action for action in actions if action.activity_id == one["ScalingActivityId"]],
            chapters,
            presences,
            page.clock.now(),
        )
        for one in latest
    ]


async def _chapters(page: Page, execution_ids: Sequence[str]) -> dict[str, story.Chapter]:
    """Return what the reader may see of executions, with the whitelist changes they made."""
    seen = await asyncio.gather(*(_seen(page, one) for one in execution_ids))
    visible = {one["ExecutionId"]: (one, tasks) for one, tasks in seen if one is not None}
    named = {str(value) for one, _ in visible.values() for value in one["Parameters"].values()}
    readable = await _readable(page, filter(_REDIS.fullmatch, named))
    roles = await _readable_roles(page, {one["RamRole"] for one, _ in visible.values()} - {""})
    async with page.around.database.connection() as connection:
        spans = await chronicle.executions(connection, list(visible))
        task_spans = await chronicle.tasks(connection, list(visible))
        changes = [change for one in readable for change in await chronicle.changes(connection, one, _CHANGES)]
        arrivals = await chronicle.arrivals(connection, readable, _CHANGES)
        decided = [key for key, (one, _) in visible.items() if one["RamRole"] in roles]
        judged = await decisions.of_sessions(connection, decided, _DECISIONS)
    arrivals = [*arrivals, *await _lately(page, readable)]
    chapters = {}
    for key, (one, tasks) in visible.items():
        if key in spans:
            made = [change for change in changes if execution_of(change.caller) == key]
            chapters[key] = story.Chapter(
                execution=one,
                span=spans[key],
                tasks=tasks,
                spans=task_spans,
                changes=made,
                decisions=[one for one in judged if one.session == key],
                arrivals=story.arrivals_after(made, changes, arrivals),
            )
    return chapters


async def _lately(page: Page, redis: Sequence[str]) -> list[chronicle.Arrival]:
    """Return the first connections that the gates themselves remember."""
    found = []
    for one in redis:
        for visitor in await visitors_of(page, one):
            if visitor.admitted is not None:
                at = page.clock.now() - timedelta(seconds=visitor.admitted.first)
                found.append(chronicle.Arrival(instance_id=one, address=visitor.address, at=at))
    return found


async def _seen(page: Page, execution_id: str) -> tuple[Mapping[str, Any] | None, Sequence[Mapping[str, Any]]]:
    found, tasks = await page.together(
        page.look("oos", "ListExecutions", ExecutionId=execution_id, IncludeChildExecution=True),
        page.look("oos", "ListTaskExecutions", ExecutionId=execution_id, MaxResults=100, SortOrder="Ascending"),
    )
    rows = found.rows("Executions")
    return (rows[0] if rows else None), tasks.rows("TaskExecutions")


async def _readable(page: Page, redis: Iterable[str]) -> Sequence[str]:
    """Return those Redis instances whose whitelist the reader may see."""
    ids = sorted(redis)
    found = await asyncio.gather(*(page.look("R-kvstore", "DescribeSecurityIps", InstanceId=one) for one in ids))
    return [one for one, answer in zip(ids, found, strict=True) if answer.refusal is None]


async def _readable_roles(page: Page, roles: Iterable[str]) -> set[str]:
    """Return those roles whose policies the reader may see, and so what they decide."""
    names = sorted(roles)
    found = await asyncio.gather(*(page.look("ram", "ListPoliciesForRole", RoleName=one) for one in names))
    return {one for one, answer in zip(names, found, strict=True) if answer.refusal is None}
