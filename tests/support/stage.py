"""A whole cloud in memory on which runbooks run for real, each under a role that may do what the cloud says it needs."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from support.clouds import REGION, Memory, open_memory
from tidegate.plane.hosts.base import Command, HostSpec, Outcome
from tidegate.plane.hosts.memory import MemoryHosts, answer_simple_commands

IMAGE = "aliyun_3_x64_20G_alibase_20240528.vhd"
TYPE = "ecs.g6.large"
_TRUST = {
    "Version": "1",
    "Statement": [{"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": ["oos.aliyuncs.com"]}}],
}
#: seconds between two looks at something
_LOOK = 0.02
ENDED = ("Success", "Failed", "Cancelled")


def _obey(spec: HostSpec, command: Command) -> Outcome:
    return msgspec.structs.replace(answer_simple_commands(spec, command), exit_code=0)


class Stage:
    """A cloud with furniture: networks, instances, scaling groups with hooks, and roles of least privilege."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.account = ""
        self.vswitch = ""
        self.security_group = ""
        self._numbers = iter(range(1, 1_000_000))
        self._roles: dict[str, str] = {}
        self.chance = random.Random(1)
        #: parts of scenes that are not played
        self.left_out: set[str] = set()
        #: a script for groups that are brought up to date; the vendor's templates bear no quotes in it
        self.script = 'echo "2"'
        #: seconds of the cloud's time that pass between two looks
        self.pace = 0.5
        self._moves_at = 0.0

    async def call(self, product: str, action: str, **parameters: Any) -> dict[str, Any]:
        """Call an operation as the account."""
        return await self.memory.call(product, action, **parameters)

    async def set_up(self) -> None:
        """Find the default networks; let every program be there and succeed, however little it says."""
        hosts = self.memory.cloud.world.hosts
        assert isinstance(hosts, MemoryHosts)
        hosts.respond = _obey
        self.account = await self.memory.cloud.services.ram.account_id()
        switches = await self.call("VPC", "DescribeVSwitches", ZoneId=f"{REGION}-h")
        self.vswitch = switches["VSwitches"]["VSwitch"][0]["VSwitchId"]
        groups = await self.call("ECS", "DescribeSecurityGroups")
        self.security_group = groups["SecurityGroups"]["SecurityGroup"][0]["SecurityGroupId"]

    async def trust(self) -> None:
        """Let OOSServiceRole, under which templates without a role of their own run, do everything."""
        await self.call(
            "RAM",
            "AttachPolicyToRole",
            PolicyType="System",
            PolicyName="AdministratorAccess",
            RoleName="OOSServiceRole",
        )

    async def link_role(self, name: str) -> None:
        """Make a service-linked role, as consoles do when a function is used for the first time."""
        await self.call("RAM", "CreateRole", RoleName=name, AssumeRolePolicyDocument=json.dumps(_TRUST))
        await self.call(
            "RAM", "AttachPolicyToRole", PolicyType="System", PolicyName="AdministratorAccess", RoleName=name
        )

    def use_templates(self, checkout: Path) -> None:
        """Let the templates of a checkout count more than those of this cloud."""
        catalog = self.memory.cloud.services.oos.catalog
        catalog._folders, catalog._is_read = (checkout,), False  # a cloud has no switch for this, only `oos test` has

    def name(self, word: str) -> str:
        """Return a name that nobody else has."""
        return f"{word}-{next(self._numbers)}"

    async def role_for(self, template: str) -> str:
        """Return a role that OOS can assume and that may do exactly what GenerateExecutionPolicy says."""
        if template not in self._roles:
            role = self._roles[template] = self.name("runbook")
            policy = await self.call("OOS", "GenerateExecutionPolicy", TemplateName=template)
            await self.call("RAM", "CreateRole", RoleName=role, AssumeRolePolicyDocument=json.dumps(_TRUST))
            await self.call("RAM", "CreatePolicy", PolicyName=role, PolicyDocument=policy["Policy"])
            await self.call("RAM", "AttachPolicyToRole", PolicyType="Custom", PolicyName=role, RoleName=role)
        return self._roles[template]

    async def instances(self, amount: int = 1, **more: Any) -> list[str]:
        """Launch instances and wait until they run."""
        made = await self.call(
            "ECS",
            "RunInstances",
            ImageId=IMAGE,
            InstanceType=TYPE,
            VSwitchId=self.vswitch,
            Amount=amount,
            **more,
        )
        ids: list[str] = made["InstanceIdSets"]["InstanceIdSet"]
        await self.until(lambda: self._statuses(ids), lambda seen: seen == ["Running"] * amount, f"{ids} run")
        return ids

    async def _statuses(self, ids: Sequence[str]) -> list[str]:
        found = await self.call("ECS", "DescribeInstances", InstanceIds=list(ids), PageSize=100)
        return [one["Status"] for one in found["Instances"]["Instance"]]

    async def instance(self, instance: str) -> dict[str, Any]:
        """Return what DescribeInstances says of one instance."""
        [one] = (await self.call("ECS", "DescribeInstances", InstanceIds=[instance]))["Instances"]["Instance"]
        return dict(one)

    async def run(self, template: str, parameters: Mapping[str, Any], *, content: str | None = None) -> dict[str, Any]:
        """Run a template to its end, letting time pass; return the execution."""
        started = await self.call(
            "OOS",
            "StartExecution",
            **({"TemplateName": template} if content is None else {"TemplateContent": content}),
            Parameters=json.dumps(dict(parameters)),
        )
        return await self.ended(started["Execution"]["ExecutionId"])

    async def ended(self, execution: str) -> dict[str, Any]:
        """Return an execution that has ended."""

        async def look() -> dict[str, Any]:
            found = await self.call("OOS", "ListExecutions", ExecutionId=execution)
            return dict(found["Executions"][0])

        return await self.until(look, lambda seen: seen["Status"] in ENDED, f"{execution} ends")

    async def story(self, execution: str) -> str:
        """Return why an execution failed, from its tasks and those of its children."""
        tasks = await self.call("OOS", "ListTaskExecutions", ExecutionId=execution, IncludeChildTaskExecution=True)
        failed = [one for one in tasks["TaskExecutions"] if one["Status"] == "Failed"]
        return "; ".join(f"{one['TaskName']}: {one['StatusMessage']}" for one in failed)

    async def until(self, look: Any, is_right: Any, what: str, seconds: float = 60.0) -> Any:
        """Look until it is right, while the cloud's time goes faster than ours."""
        ends = time.monotonic() + seconds
        while not is_right(seen := await look()):
            assert time.monotonic() < ends, f"waited {seconds} s for {what}; last seen: {seen}"
            await asyncio.sleep(_LOOK)
            if time.monotonic() >= self._moves_at:  # once for everybody who waits, so that no deadline comes too soon
                self._moves_at = time.monotonic() + _LOOK
                await self.memory.cloud.advance(timedelta(seconds=self.pace))
        return seen

    async def pass_hours(self, hours: float) -> None:
        """Let hours pass."""
        await self.memory.cloud.advance(timedelta(hours=hours))

    # ---- scaling groups ----------------------------------------------------------------------------------------------

    async def group(self, *, hooks: Sequence[Mapping[str, Any]] = (), size: int = 0) -> str:
        """Make an enabled scaling group with a configuration and hooks."""
        group = (
            await self.call(
                "ESS", "CreateScalingGroup", MinSize=0, MaxSize=10, DefaultCooldown=0, VSwitchId=self.vswitch
            )
        )["ScalingGroupId"]
        configuration = await self.call(
            "ESS",
            "CreateScalingConfiguration",
            ScalingGroupId=group,
            ImageId=IMAGE,
            InstanceType=TYPE,
            SecurityGroupId=self.security_group,
        )
        await self.call(
            "ESS",
            "EnableScalingGroup",
            ScalingGroupId=group,
            ActiveScalingConfigurationId=configuration["ScalingConfigurationId"],
        )
        if size:
            await self.activity(await self.scale(group, size))
        for hook in hooks:
            await self.call("ESS", "CreateLifecycleHook", ScalingGroupId=group, **hook)
        return str(group)

    async def hook(self, transition: str, template: str, **metadata: Any) -> dict[str, Any]:
        """Return a hook that runs a template under a role of its own."""
        return {
            "LifecycleTransition": transition,
            "LifecycleHookName": self.name("hook"),
            "HeartbeatTimeout": 21600,
            "DefaultResult": "ABANDON",
            "NotificationArn": f"acs:oos:{REGION}:{self.account}:template/{template}",
            "NotificationMetadata": json.dumps({**metadata, "OOSAssumeRole": await self.role_for(template)}),
        }

    async def scale(self, group: str, change: int) -> str:
        """Run a rule that adds or removes instances; return the activity's id."""
        rule = await self.call(
            "ESS",
            "CreateScalingRule",
            ScalingGroupId=group,
            AdjustmentType="QuantityChangeInCapacity",
            AdjustmentValue=change,
        )
        answer = await self.call("ESS", "ExecuteScalingRule", ScalingRuleAri=rule["ScalingRuleAri"])
        return str(answer["ScalingActivityId"])

    async def activity(self, activity: str) -> dict[str, Any]:
        """Return an activity that has ended."""

        async def look() -> dict[str, Any]:
            found = await self.call("ESS", "DescribeScalingActivities", ScalingActivityId1=activity)
            return dict(found["ScalingActivities"]["ScalingActivity"][0])

        return await self.until(look, lambda seen: seen["StatusCode"] != "InProgress", f"{activity} ends")

    async def members(self, group: str) -> list[str]:
        """Return the instances of a group."""
        found = await self.call("ESS", "DescribeScalingInstances", ScalingGroupId=group)
        return [one["InstanceId"] for one in found["ScalingInstances"]["ScalingInstance"]]

    async def action(self, group: str) -> tuple[str, dict[str, Any]]:
        """Begin a scale-out that waits in a hook without a runbook; return the activity and its lifecycle action."""
        activity = await self.scale(group, 1)

        async def look() -> list[dict[str, Any]]:
            found = await self.call("ESS", "DescribeLifecycleActions", ScalingActivityId=activity)
            return list(found["LifecycleActions"]["LifecycleAction"])

        [action] = await self.until(look, lambda seen: seen, "a lifecycle action")
        return activity, action


@asynccontextmanager
async def open_stage(dsn: str, folder: Path, **options: Any) -> AsyncIterator[Stage]:
    """Run a cloud in memory whose clock can be moved."""
    async with open_memory(dsn, folder, adjustable_clock=True, **options) as memory:
        stage = Stage(memory)
        await stage.set_up()
        yield stage
