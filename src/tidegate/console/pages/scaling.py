"""Auto Scaling: groups, and everything in one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from starlette.responses import Response

from tidegate.console.fields import fields_of
from tidegate.console.page import PER_PAGE, Found, Page
from tidegate.errors import CloudError
from tidegate.store import chronicle

_WAITING = ("Pending:Wait", "Removing:Wait")


async def groups(page: Page) -> Response:
    """Show all scaling groups."""
    found, vswitches = await page.together(
        page.look("ess", "DescribeScalingGroups", PageNumber=page.number, PageSize=PER_PAGE),
        page.look("ecs", "DescribeVSwitches", PageSize=50),
    )
    shown = found.rows("ScalingGroups", "ScalingGroup")
    return page.render("groups.html", found=found, groups=shown, vswitches=vswitches, size=PER_PAGE)


async def group(page: Page) -> Response:
    """Show one tab of one scaling group."""
    the_group = await _find(page)
    tab = page.query.get("tab", "basics")
    if tab not in _TABS:
        tab = "basics"
    context = await _TABS[tab](page, the_group["ScalingGroupId"])
    return page.render("group.html", group=the_group, tab=tab, size=PER_PAGE, **context)


async def hook(page: Page) -> Response:
    """Show the form for a new hook; ``template`` in the address asks for its parameters."""
    the_group = await _find(page)
    chosen = page.query.get("template", "")
    templates, redis = await page.together(
        page.look("oos", "ListTemplates", MaxResults=100), page.look("R-kvstore", "DescribeInstances", PageSize=50)
    )
    definition = await page.look("oos", "GetTemplate", TemplateName=chosen) if chosen else Found()
    account = page.session.principal.account_id if page.session.principal else ""
    return page.render(
        "hook.html",
        group=the_group,
        templates=templates,
        chosen=chosen,
        definition=definition,
        parameters=fields_of(
            definition.tree.get("Content", ""), page.language, redis.rows("Instances", "KVStoreInstance")
        ),
        arn=f"acs:oos:{page.region}:{account}:template/{chosen}",
    )


async def _find(page: Page) -> Mapping[str, Any]:
    answer = await page.call("ess", "DescribeScalingGroups", ScalingGroupIds=[page.path("id")])
    found: list[Mapping[str, Any]] = answer["ScalingGroups"]["ScalingGroup"]
    if not found:
        raise CloudError("InvalidScalingGroupId.NotFound", "The specified scaling group does not exist.", 404)
    return found[0]


async def _basics(_page: Page, _group_id: str) -> dict[str, Any]:
    return {}


async def _instances(page: Page, group_id: str) -> dict[str, Any]:
    found = await _listed(page, "DescribeScalingInstances", group_id)
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


async def _configurations(page: Page, group_id: str) -> dict[str, Any]:
    found, images, security_groups = await page.together(
        _listed(page, "DescribeScalingConfigurations", group_id),
        page.look("ecs", "DescribeImages", PageSize=50),
        page.look("ecs", "DescribeSecurityGroups", PageSize=50),
    )
    return {
        "found": found,
        "rows": found.rows("ScalingConfigurations", "ScalingConfiguration"),
        "images": images.rows("Images", "Image"),
        "security_groups": security_groups.rows("SecurityGroups", "SecurityGroup"),
    }


async def _rules(page: Page, group_id: str) -> dict[str, Any]:
    found = await _listed(page, "DescribeScalingRules", group_id)
    return {"found": found, "rows": found.rows("ScalingRules", "ScalingRule")}


async def _hooks(page: Page, group_id: str) -> dict[str, Any]:
    found = await page.look("ess", "DescribeLifecycleHooks", ScalingGroupId=group_id, PageSize=50)
    return {"found": found, "rows": found.rows("LifecycleHooks", "LifecycleHook")}


async def _activities(page: Page, group_id: str) -> dict[str, Any]:
    found = await _listed(page, "DescribeScalingActivities", group_id)
    context: dict[str, Any] = {"found": found, "rows": found.rows("ScalingActivities", "ScalingActivity")}
    if chosen := page.query.get("id"):
        detail, actions = await page.together(
            page.look("ess", "DescribeScalingActivityDetail", ScalingActivityId=chosen),
            page.look("ess", "DescribeLifecycleActions", ScalingActivityId=chosen, MaxResults=50),
        )
        context |= {"activity_id": chosen, "detail": detail, "actions": actions}
    return context


async def _listed(page: Page, action: str, group_id: str) -> Found:
    return await page.look("ess", action, ScalingGroupId=group_id, PageNumber=page.number, PageSize=PER_PAGE)


_TABS: Final[Mapping[str, Callable[[Page, str], Awaitable[dict[str, Any]]]]] = {
    "basics": _basics,
    "instances": _instances,
    "configurations": _configurations,
    "rules": _rules,
    "hooks": _hooks,
    "activities": _activities,
}
