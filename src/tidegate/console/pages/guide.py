"""The first-run guide: the tutorial, one click a step, each judged by what there really is."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from starlette.responses import Response

from tidegate.console.page import Found, Page, nothing
from tidegate.console.pages.access import TUTORIAL_POLICY
from tidegate.errors import CloudError

NAME: Final = "tutorial"
_POLICY: Final = "ESSHookPolicyForRedisWhitelist"
_ROLE: Final = "OOSServiceRole"
_TEMPLATE: Final = "ACS-ESS-LifeCycleModifyRedisIPWhitelist"
_HOOKS: Final = (
    ("ESSHookForAddRedisWhitelist", "SCALE_OUT", "Append"),
    ("ESSHookForRemoveRedisWhitelist", "SCALE_IN", "Delete"),
)
_RULES: Final = (("Add1", "1"), ("Remove1", "-1"))


_REACH: Final = """#!/bin/sh
python3 - <<'END'
import socket, time
for attempt in range(1, 601):
    try:
        socket.create_connection(("{address}", {port}), 1).close()
    except OSError:
        time.sleep(0.1)
    else:
        print(f"Redis let this instance in at attempt {{attempt}}")
        break
END
"""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step. ``fields`` are the parameters of the call that does it; ``blocked`` when an earlier one must come first."""

    title: str
    done: bool
    product: str = ""
    action: str = ""
    fields: Sequence[tuple[str, str]] = ()
    blocked: bool = False
    link: str = ""
    label: str = ""
    refusal: CloudError | None = None


async def guide(page: Page) -> Response:
    """Show the steps, those that are done with a link to the result."""
    steps = [*await _permission(page), *await _chain(page)]
    return page.render("guide.html", steps=steps, done=sum(step.done for step in steps))


async def _permission(page: Page) -> list[Step]:
    policy, attached = await page.together(
        page.look("ram", "GetPolicy", PolicyName=_POLICY, PolicyType="Custom"),
        page.look("ram", "ListPoliciesForRole", RoleName=_ROLE),
    )
    exists = policy.refusal is None
    names = [one["PolicyName"] for one in attached.rows("Policies", "Policy")]
    held = policy.refusal if policy.refusal is not None and policy.refusal.status == 403 else None
    grant = [("PolicyType", "Custom"), ("PolicyName", _POLICY), ("RoleName", _ROLE)]
    return [
        Step(
            title=page.say("Write the policy that the runbook's role needs"),
            done=exists,
            product="ram",
            action="CreatePolicy",
            fields=[("PolicyName", _POLICY), ("PolicyDocument", json.dumps(TUTORIAL_POLICY))],
            link=page.to("ram", "policies", "Custom", _POLICY),
            label=_POLICY,
            refusal=held,
        ),
        Step(
            title=page.say("Attach it to the role OOSServiceRole"),
            done=_POLICY in names,
            product="ram",
            action="AttachPolicyToRole",
            fields=grant,
            blocked=not exists,
            link=page.to("ram", "roles", _ROLE),
            label=_ROLE,
            refusal=attached.refusal,
        ),
    ]


async def _chain(page: Page) -> list[Step]:
    """Return the steps from the Redis instance to the activity; each needs the one before."""
    redis, groups, vswitches, images, security_groups = await page.together(
        page.look("R-kvstore", "DescribeInstances", SearchKey=NAME, PageSize=30),
        page.look("ess", "DescribeScalingGroups", ScalingGroupName=NAME),
        page.look("ecs", "DescribeVSwitches", PageSize=1),
        page.look("ecs", "DescribeImages", PageSize=1),
        page.look("ecs", "DescribeSecurityGroups", PageSize=1),
    )
    database = _first(redis, "Instances", "KVStoreInstance", "InstanceName", NAME)
    group = _first(groups, "ScalingGroups", "ScalingGroup", "ScalingGroupName", NAME)
    network = _any(vswitches, "VSwitches", "VSwitch").get("VSwitchId", "")
    group_id = group.get("ScalingGroupId", "")
    configurations, rules, hooks, activities = await page.together(
        *(
            page.look("ess", action, ScalingGroupId=group_id) if group_id else nothing()
            for action in (
                "DescribeScalingConfigurations",
                "DescribeScalingRules",
                "DescribeLifecycleHooks",
                "DescribeScalingActivities",
            )
        )
    )
    configuration = _any(configurations, "ScalingConfigurations", "ScalingConfiguration")
    of_group = [("ScalingGroupId", group_id)]
    launched = [
        *of_group,
        ("ImageId", _any(images, "Images", "Image").get("ImageId", "")),
        ("InstanceType", "ecs.g6.large"),
        ("SecurityGroupId", _any(security_groups, "SecurityGroups", "SecurityGroup").get("SecurityGroupId", "")),
    ]
    if database:
        launched.append(("UserData", _user_data(database)))
    where = page.to("ess", group_id) if group_id else ""
    return [
        Step(
            title=page.say("Create a Redis instance"),
            done=bool(database),
            product="R-kvstore",
            action="CreateInstance",
            fields=[
                ("InstanceName", NAME),
                ("InstanceClass", "redis.master.small.default"),
                ("VSwitchId", network),
            ],
            link=page.to("redis", database.get("InstanceId", "")),
            label=database.get("InstanceId", ""),
            refusal=redis.refusal,
        ),
        Step(
            title=page.say("Create a scaling group"),
            done=bool(group),
            product="ess",
            action="CreateScalingGroup",
            fields=[
                ("ScalingGroupName", NAME),
                ("MinSize", "0"),
                ("MaxSize", "3"),
                ("DefaultCooldown", "0"),
                ("VSwitchId", network),
            ],
            link=where,
            label=group_id,
            refusal=groups.refusal,
        ),
        Step(
            title=page.say("Say what it launches"),
            done=bool(configuration),
            product="ess",
            action="CreateScalingConfiguration",
            fields=launched,
            blocked=not group,
            link=f"{where}?tab=configurations",
            label=configuration.get("ScalingConfigurationId", ""),
        ),
        Step(
            title=page.say("Enable the group"),
            done=group.get("LifecycleState") == "Active",
            product="ess",
            action="EnableScalingGroup",
            fields=[*of_group, ("ActiveScalingConfigurationId", configuration.get("ScalingConfigurationId", ""))],
            blocked=not configuration,
            link=where,
            label=page.say("Basics"),
        ),
        *_hook_steps(page, hooks, group_id, database.get("InstanceId", "")),
        *_rule_steps(page, rules, group_id),
        *_run_steps(page, rules, activities, ready=group.get("LifecycleState") == "Active"),
    ]


def _hook_steps(page: Page, hooks: Found, group_id: str, redis: str) -> list[Step]:
    assert page.session.principal is not None
    arn = f"acs:oos:{page.region}:{page.session.principal.account_id}:template/{_TEMPLATE}"
    return [
        Step(
            title=page.say("Create the hook that puts instances on the whitelist")
            if transition == "SCALE_OUT"
            else page.say("Create the hook that takes them off again"),
            done=bool(_first(hooks, "LifecycleHooks", "LifecycleHook", "LifecycleHookName", name)),
            product="ess",
            action="CreateLifecycleHook",
            fields=[
                ("ScalingGroupId", group_id),
                ("LifecycleHookName", name),
                ("LifecycleTransition", transition),
                ("HeartbeatTimeout", "300"),
                ("NotificationArn", arn),
                (
                    "NotificationMetadata",
                    json.dumps({"dbInstanceId": redis, "modifyMode": mode, "OOSAssumeRole": _ROLE}),
                ),
            ],
            blocked=not (group_id and redis),
            link=page.to("ess", group_id, tab="hooks"),
            label=name,
        )
        for name, transition, mode in _HOOKS
    ]


def _rule_steps(page: Page, rules: Found, group_id: str) -> list[Step]:
    return [
        Step(
            title=page.say("Create the rule {name}", name=name),
            done=bool(_first(rules, "ScalingRules", "ScalingRule", "ScalingRuleName", name)),
            product="ess",
            action="CreateScalingRule",
            fields=[
                ("ScalingGroupId", group_id),
                ("ScalingRuleName", name),
                ("AdjustmentType", "QuantityChangeInCapacity"),
                ("AdjustmentValue", value),
            ],
            blocked=not group_id,
            link=page.to("ess", group_id, tab="rules"),
            label=name,
        )
        for name, value in _RULES
    ]


def _run_steps(page: Page, rules: Found, activities: Found, *, ready: bool) -> list[Step]:
    """Return the steps that execute the rules; done when an activity of the rule was successful."""
    steps = []
    for name, title in (
        ("Add1", page.say("Scale out and watch the instance get onto the whitelist")),
        ("Remove1", page.say("Scale in and watch it leave the whitelist")),
    ):
        rule = _first(rules, "ScalingRules", "ScalingRule", "ScalingRuleName", name)
        ran: Mapping[str, Any] = next(
            (
                one
                for one in activities.rows("ScalingActivities", "ScalingActivity")
                if rule and rule["ScalingRuleId"] in one["Cause"] and one["StatusCode"] == "Successful"
            ),
            {},
        )
        steps.append(
            Step(
                title=title,
                done=bool(ran),
                product="ess",
                action="ExecuteScalingRule",
                fields=[("ScalingRuleAri", rule.get("ScalingRuleAri", ""))],
                blocked=not (rule and ready),
                link=page.to("timeline", activity=ran.get("ScalingActivityId", "")),
                label=page.say("Timeline"),
            )
        )
    return steps


def _user_data(redis: Mapping[str, Any]) -> str:
    """Return what an instance runs at its start: it tries to reach Redis until it is let in."""
    script = _REACH.format(address=redis["PrivateIp"], port=redis["Port"])
    return base64.b64encode(script.encode()).decode()


def _first(found: Found, outer: str, inner: str, field: str, value: str) -> Mapping[str, Any]:
    return next((one for one in found.rows(outer, inner) if one.get(field) == value), {})


def _any(found: Found, outer: str, inner: str) -> Mapping[str, Any]:
    return next(iter(found.rows(outer, inner)), {})
