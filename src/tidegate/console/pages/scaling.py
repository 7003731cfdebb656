"""Auto Scaling: groups, and everything in one."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from starlette.responses import Response

from tidegate.console.charts import Line, draw
from tidegate.console.fields import description_of, fields_of, kinds_of, template_of
from tidegate.console.offers import offers
from tidegate.console.page import PER_PAGE, Found, Page
from tidegate.console.sizes import sizes_of
from tidegate.errors import CloudError
from tidegate.services.ess import predicting
from tidegate.store import chronicle

#: The metrics of CloudMonitor that rules and alarm tasks can go by and that have a meaning here.
METRICS: Final = ("CpuUtilization", "MemoryUtilization", "IntranetRx", "IntranetTx")
_WAITING = ("Pending:Wait", "Removing:Wait")
#: Hours that a chart shows.
_SPANS: Final[Sequence[int]] = (1, 6, 24, 168)
#: Activities that the chart of the size is drawn from at most.
_CHANGES = 500
#: CloudMonitor's metric, its unit, and the value that a chart reaches to at least.
_METRICS: Final[Sequence[tuple[str, str, float]]] = (
    ("CpuUtilization", "%", 10.0),
    ("MemoryUtilization", "%", 10.0),
    ("IntranetRx", "KB/min", 10.0),
    ("IntranetTx", "KB/min", 10.0),
)


async def groups(page: Page) -> Response:
    """Show all scaling groups."""
    found, vswitches = await page.together(
        page.look("ess", "DescribeScalingGroups", PageNumber=page.number, PageSize=PER_PAGE),
        page.look("ecs", "DescribeVSwitches", PageSize=50),
    )
    shown = found.rows("ScalingGroups", "ScalingGroup")
    return page.render("groups.html", found=found, groups=shown, vswitches=vswitches, size=PER_PAGE)


async def hook(page: Page) -> Response:
    """Show the form for a new hook; ``kind`` in the address is how it notifies, ``template`` asks for its parameters."""
    the_group = await find_group(page)
    chosen = page.query.get("template", "")
    kind = "template" if chosen else page.query.get("kind", "template")
    templates = await page.look("oos", "ListTemplates", MaxResults=100)
    definition = await page.look("oos", "GetTemplate", TemplateName=chosen) if chosen else Found()
    template = template_of(definition.tree.get("Content", ""))
    return page.render(
        "hook.html",
        group=the_group,
        kind=kind,
        templates=templates,
        chosen=chosen,
        definition=definition,
        description=description_of(template, page.language),
        parameters=fields_of(template, page.language, await offers(page, kinds_of(template))),
        arn=f"acs:oos:{page.region}:{page.account}:template/{chosen}",
        queue=f"acs:mns:{page.region}:{page.account}",
    )


async def find_group(page: Page) -> Mapping[str, Any]:
    """Return the group that the address names. Raises CloudError."""
    answer = await page.call("ess", "DescribeScalingGroups", ScalingGroupIds=[page.path("id")])
    found: list[Mapping[str, Any]] = answer["ScalingGroups"]["ScalingGroup"]
    if not found:
        raise CloudError("InvalidScalingGroupId.NotFound", "The specified scaling group does not exist.", 404)
    return found[0]


async def basics(page: Page, _group_id: str) -> dict[str, Any]:
    """Look at the load balancers that the group could stand behind."""
    found = await page.look("slb", "DescribeLoadBalancers", PageSize=50)
    return {"balancers": {one["LoadBalancerId"]: one for one in found.rows("LoadBalancers", "LoadBalancer")}}


async def instances(page: Page, group_id: str) -> dict[str, Any]:
    """Look at a group's instances, and what holds those that wait."""
    found = await listed(page, "DescribeScalingInstances", group_id)
    rows = found.rows("ScalingInstances", "ScalingInstance")
    held = [one for one in rows if one["LifecycleState"] in _WAITING]
    # Who may end a wait is who may see its token.
    activities = {one["ScalingActivityId"] for one in held if one.get("ScalingActivityId")}
    waits: dict[str, list[chronicle.ActionTimes]] = {}
    tokens: set[str] = set()
    if held:
        async with page.around.database.connection() as connection:
            pending = await chronicle.pending(connection, [one["InstanceId"] for one in held])
        for wait in pending:
            activities.add(wait.activity_id)
            for instance in wait.instance_ids:
                waits.setdefault(instance, []).append(wait)
    for activity in sorted(activities):
        seen = await page.look("ess", "DescribeLifecycleActions", ScalingActivityId=activity, MaxResults=50)
        tokens.update(one["LifecycleActionToken"] for one in seen.rows("LifecycleActions", "LifecycleAction"))
    return {"found": found, "rows": rows, "waits": waits, "tokens": tokens}


async def configurations(page: Page, group_id: str) -> dict[str, Any]:
    """Look at what a group launches."""
    found, images, security_groups = await page.together(
        listed(page, "DescribeScalingConfigurations", group_id),
        page.look("ecs", "DescribeImages", PageSize=50),
        page.look("ecs", "DescribeSecurityGroups", PageSize=50),
    )
    return {
        "found": found,
        "rows": found.rows("ScalingConfigurations", "ScalingConfiguration"),
        "images": images.rows("Images", "Image"),
        "security_groups": security_groups.rows("SecurityGroups", "SecurityGroup"),
    }


async def rules(page: Page, group_id: str) -> dict[str, Any]:
    """Look at a group's rules."""
    found = await listed(page, "DescribeScalingRules", group_id)
    return {
        "found": found,
        "rows": found.rows("ScalingRules", "ScalingRule"),
        "tracked": METRICS,
        "predicted": sorted(predicting.METRICS),
    }


async def monitoring(page: Page, group_id: str) -> dict[str, Any]:
    """Draw how large the group was, and what CloudMonitor measured on its instances."""
    hours = next((one for one in _SPANS if str(one) == page.query.get("hours")), _SPANS[0])
    now = page.clock.now().replace(microsecond=0)
    since = now - timedelta(hours=hours)
    found, *measured = await page.together(
        page.look("ess", "DescribeScalingInstances", ScalingGroupId=group_id, PageSize=1),
        *(_metric(page, group_id, metric, since, hours) for metric, *_ in _METRICS),
    )
    size = None
    if found.refusal is None:
        async with page.around.database.connection() as connection:
            changes = await chronicle.sizes(connection, group_id, since, _CHANGES)
        began = since
        if len(changes) >= _CHANGES:  # more than that has happened: the lines begin later than the axis
            changes = changes[:_CHANGES]
            began = max(since, changes[-1].started_at)
        told = sizes_of(changes, began, now, found.total)
        lines = [
            Line(name=page.say("in all"), tint="accent", points=told.total, steps=True, filled=True),
            Line(name=page.say("in service"), tint="blue", points=told.in_service, steps=True),
            Line(name=page.say("joining or leaving"), tint="busy", points=told.moving, steps=True),
        ]
        size = draw(lines, since, now, page.zone)
    titles = (page.say("Processor"), page.say("Memory"), page.say("Received"), page.say("Sent"))
    charts = [
        (title, answer.refusal, draw(_points(page, answer), since, now, page.zone, unit=unit, least=least))
        for title, (_, unit, least), answer in zip(titles, _METRICS, measured, strict=True)
    ]
    return {"found": found, "sizes": size, "charts": charts, "hours": hours, "spans": _SPANS}


def _metric(page: Page, group_id: str, metric: str, since: datetime, hours: int) -> Awaitable[Found]:
    return page.look(
        "cms",
        "DescribeMetricList",
        Namespace="acs_ess_dashboard",
        MetricName=metric,
        Period="60" if hours <= 6 else "300",
        StartTime=str(round(since.timestamp() * 1000)),
        Dimensions=json.dumps([{"scaling_group": group_id}]),
        Length="1000",
    )


def _points(page: Page, answer: Found) -> list[Line]:
    told: list[Mapping[str, Any]] = json.loads(answer.tree.get("Datapoints") or "[]")
    points = [(datetime.fromtimestamp(one["timestamp"] / 1000, UTC), one) for one in told]
    average = [(at, float(one["Average"])) for at, one in points]
    greatest = [(at, float(one["Maximum"])) for at, one in points]
    return [
        Line(name=page.say("average"), tint="accent", points=average, filled=True),
        Line(name=page.say("greatest"), tint="busy", points=greatest),
    ]


async def hooks(page: Page, group_id: str) -> dict[str, Any]:
    """Look at a group's hooks."""
    found = await page.look("ess", "DescribeLifecycleHooks", ScalingGroupId=group_id, PageSize=50)
    return {"found": found, "rows": found.rows("LifecycleHooks", "LifecycleHook")}


async def activities(page: Page, group_id: str) -> dict[str, Any]:
    """Look at what happened in a group, at one activity in detail."""
    found = await listed(page, "DescribeScalingActivities", group_id)
    context: dict[str, Any] = {"found": found, "rows": found.rows("ScalingActivities", "ScalingActivity")}
    if chosen := page.query.get("id"):
        detail, actions = await page.together(
            page.look("ess", "DescribeScalingActivityDetail", ScalingActivityId=chosen),
            page.look("ess", "DescribeLifecycleActions", ScalingActivityId=chosen, MaxResults=50),
        )
        context |= {"activity_id": chosen, "detail": detail, "actions": actions}
    return context


async def listed(page: Page, action: str, group_id: str) -> Found:
    """Look at a page of what belongs to a group."""
    return await page.look("ess", action, ScalingGroupId=group_id, PageNumber=page.number, PageSize=PER_PAGE)
