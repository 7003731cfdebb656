"""What runs, what waits, what failed."""

from __future__ import annotations

from starlette.responses import Response

from tidegate.console.page import Page

_SHOWN = 6
_WAITING = ("Pending:Wait", "Removing:Wait")


async def overview(page: Page) -> Response:
    """Show the first page."""
    groups, instances, waiting, redis, executions, running, failed = await page.together(
        page.look("ess", "DescribeScalingGroups", PageSize=_SHOWN),
        page.look("ecs", "DescribeInstances", PageSize=1),
        page.look("ess", "DescribeScalingInstances", LifecycleStates=list(_WAITING), PageSize=_SHOWN),
        page.look("R-kvstore", "DescribeInstances", PageSize=30),
        page.look("oos", "ListExecutions", MaxResults=_SHOWN),
        page.look("oos", "ListExecutions", Status="Running", MaxResults=1),
        page.look("oos", "ListExecutions", Status="Failed", MaxResults=_SHOWN),
    )
    tiles = [
        (label, None if found.refusal else found.total, address, mood)
        for label, found, address, mood in (
            (page.say("Scaling groups"), groups, page.to("ess"), ""),
            (page.say("ECS instances"), instances, page.to("ecs"), ""),
            (page.say("Redis instances"), redis, page.to("redis"), ""),
            (page.say("Instances waiting"), waiting, page.to("ess"), "busy"),
            (page.say("Executions running"), running, page.to("oos", "executions", status="Running"), "busy"),
            (page.say("Executions failed"), failed, page.to("oos", "executions", status="Failed"), "bad"),
        )
    ]
    return page.render(
        "overview.html",
        tiles=tiles,
        groups=groups,
        waiting=waiting,
        waits=waiting.rows("ScalingInstances", "ScalingInstance"),
        executions=executions,
        failed=failed,
    )
