"""Parameters of a public template that mean things which are really there, in a cloud in memory."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from support.clouds import REGION
from support.corpus.parameters import fill_in
from support.stage import IMAGE, Stage
from tidegate.clock import to_seconds
from tidegate.services.oos.model import ParameterDefinition, Template

ZONE = f"{REGION}-h"


class Furniture:
    """What the parameters of one template name: made when it is first asked for."""

    def __init__(self, stage: Stage, name: str, template: Template, wish: Mapping[str, Any]) -> None:
        """``wish`` is said to RunInstances when an instance is made."""
        self._stage = stage
        self._template_name = name
        self._template = template
        self._wish = wish
        self._made: dict[str, Any] = {}

    async def parameters(self, overrides: Mapping[str, Any]) -> dict[str, Any]:
        """Return a value for every parameter that has no default or whose name tells what it is."""
        definitions = self._template.parameters
        filled: dict[str, Any] = {}
        for name, definition in definitions.items():
            if name in overrides:
                filled[name] = await self._resolve(overrides[name])
                continue
            maker = _MAKERS.get(name.lower())
            if maker is not None and (
                definition.is_required or definition.default in ("", [], {}, None) or name.lower() in _ALWAYS
            ):
                filled[name] = await self._of(name, definition, maker)
            elif definition.source.get("AssociationProperty") == "Targets" and name.lower() != "targetinfos":
                filled[name] = await targets(self, definition)
        rest = fill_in(self._template, REGION, self._stage.chance)
        return {**{name: value for name, value in rest.items() if name not in filled}, **filled}

    async def _of(self, name: str, definition: ParameterDefinition, maker: Maker) -> Any:
        if name.lower() in ("instanceid", "instanceids"):
            maker = {"redis": _made("redis"), "rds": _made("rds")}.get(self.product, maker)
        value = await maker(self, definition)
        if definition.type == "List" and not isinstance(value, list):
            return [value]
        if definition.type == "String" and isinstance(value, list):
            return value[0]
        return value

    async def _resolve(self, wanted: Any) -> Any:
        return await wanted(self, None) if callable(wanted) else wanted

    async def _once(self, key: str, make: Callable[[], Awaitable[Any]]) -> Any:
        if key not in self._made:
            self._made[key] = await make()
        return self._made[key]

    async def instance(self) -> str:
        """Return an instance that runs and has a tag."""

        async def make() -> str:
            tags = [{"Key": "env", "Value": "dev"}, {"Key": "of", "Value": self._template_name}]
            [one] = await self._stage.instances(Tag=tags, **self._wish)
            return one

        return str(await self._once("instance", make))

    async def answer(self, key: str, action: str, field: str, product: str = "ECS", **parameters: Any) -> str:
        """Return a field of the answer to an operation, called once."""

        async def make() -> str:
            return str((await self._stage.call(product, action, **parameters))[field])

        return str(await self._once(key, make))

    async def disk(self) -> str:
        """Return a data disk of the instance."""
        return await self.answer("disk", "CreateDisk", "DiskId", InstanceId=await self.instance(), Size=40)

    async def snapshot(self) -> str:
        """Return a snapshot of the disk."""
        return await self.answer("snapshot", "CreateSnapshot", "SnapshotId", DiskId=await self.disk())

    async def group(self) -> str:
        """Return a scaling group with two instances."""
        return str(await self._once("group", lambda: self._stage.group(size=2)))

    async def configuration(self) -> str:
        """Return the group's configuration."""
        found = await self._stage.call("ESS", "DescribeScalingConfigurations", ScalingGroupId=await self.group())
        return str(found["ScalingConfigurations"]["ScalingConfiguration"][0]["ScalingConfigurationId"])

    async def load_balancer(self) -> str:
        """Return a load balancer that the instance stands behind."""
        made = await self.answer(
            "balancer",
            "CreateLoadBalancer",
            "LoadBalancerId",
            "SLB",
            VSwitchId=self._stage.vswitch,
            AddressType="intranet",
        )
        servers = json.dumps([{"ServerId": await self.instance(), "Weight": "100"}])
        await self._once(
            "backend",
            lambda: self._stage.call("SLB", "AddBackendServers", LoadBalancerId=made, BackendServers=servers),
        )
        return made

    async def server_group(self) -> str:
        """Return a server group of the load balancer with the instance in it."""
        servers = json.dumps([{"ServerId": await self.instance(), "Port": "80", "Weight": "100"}])
        return await self.answer(
            "servers",
            "CreateVServerGroup",
            "VServerGroupId",
            "SLB",
            LoadBalancerId=await self.load_balancer(),
            VServerGroupName="web",
            BackendServers=servers,
        )

    async def redis(self) -> str:
        """Return a Redis instance."""
        made = await self.answer(
            "redis",
            "CreateInstance",
            "InstanceId",
            "R-KVSTORE",
            InstanceClass="redis.master.small.default",
            Password="Tide12345gate",
        )

        async def status() -> str:
            found = await self._stage.call("R-KVSTORE", "DescribeInstanceAttribute", InstanceId=made)
            return str(found["Instances"]["DBInstanceAttribute"][0]["InstanceStatus"])

        await self._stage.until(status, lambda seen: seen == "Normal", "a Normal Redis")
        return made

    async def rds(self) -> str:
        """Return an RDS instance."""
        return await self.answer(
            "rds",
            "CreateDBInstance",
            "DBInstanceId",
            "RDS",
            Engine="MySQL",
            EngineVersion="8.0",
            DBInstanceClass="mysql.n2.small.1",
            DBInstanceStorage=20,
            DBInstanceNetType="Intranet",
            PayType="Postpaid",
            SecurityIPList="10.0.0.1",
        )

    async def key_pair(self) -> str:
        """Return the name of a key pair."""
        return await self.answer("pair", "CreateKeyPair", "KeyPairName", KeyPairName=self._stage.name("pair"))

    async def policy(self) -> str:
        """Return a snapshot policy of the disk."""
        made = await self.answer(
            "policy", "CreateAutoSnapshotPolicy", "AutoSnapshotPolicyId", timePoints='["1"]', repeatWeekdays='["1"]'
        )
        disk = await self.disk()
        await self._stage.call("ECS", "ApplyAutoSnapshotPolicy", autoSnapshotPolicyId=made, diskIds=[disk])
        return made

    async def eip(self) -> str:
        """Return an elastic address."""
        return await self.answer("eip", "AllocateEipAddress", "AllocationId", "VPC")

    async def image(self) -> str:
        """Return an own image of the instance."""
        return await self.answer("image", "CreateImage", "ImageId", InstanceId=await self.instance())

    async def spare_group(self) -> str:
        """Return a security group that nothing is in."""
        return await self.answer(
            "sg", "CreateSecurityGroup", "SecurityGroupId", SecurityGroupName=self._stage.name("sg")
        )

    async def launch_template(self) -> str:
        """Return the name of a launch template."""
        name = self._stage.name("launch")
        await self.answer(
            "launch",
            "CreateLaunchTemplate",
            "LaunchTemplateId",
            LaunchTemplateName=name,
            ImageId=IMAGE,
            InstanceType="ecs.g6.large",
            VSwitchId=self._stage.vswitch,
            SecurityGroupId=self._stage.security_group,
        )
        return name

    async def call(self, product: str, action: str, **parameters: Any) -> dict[str, Any]:
        """Call an operation."""
        return await self._stage.call(product, action, **parameters)

    async def user(self) -> str:
        """Return a RAM user who may sign in."""
        name = self._stage.name("user")
        await self._stage.call("RAM", "CreateUser", UserName=name)
        await self._stage.call("RAM", "CreateLoginProfile", UserName=name, Password="Tide12345gate!")
        return name

    async def beijing(self, what: str) -> str:
        """Return the default vSwitch or security group of another region."""
        region = "cn-beijing"
        if what == "vswitch":
            found = await self._stage.memory.call("VPC", "DescribeVSwitches", region=region, ZoneId="cn-beijing-h")
            return str(found["VSwitches"]["VSwitch"][0]["VSwitchId"])
        found = await self._stage.memory.call("ECS", "DescribeSecurityGroups", region=region)
        return str(found["SecurityGroups"]["SecurityGroup"][0]["SecurityGroupId"])

    async def message(self) -> dict[str, Any]:
        """Return what an event or alarm about the instance says, whatever a template selects of it."""
        instance = await self.instance()
        if self._template_name == "ACS-ECS-RemoveFromSLBWhenPreemptibleInstanceInterrupted":
            await self.load_balancer()
        chosen = {"Type": "ResourceIds", "ResourceIds": [instance], "RegionId": REGION}
        content = {"resourceId": instance, "instanceId": instance, "state": "Stopped", "tags": {"a1b2": "a1b2"}}
        return {
            "product": "ECS",
            "name": "Instance:StateChange",
            "level": "INFO",
            "regionId": REGION,
            "instanceId": instance,
            "targets": chosen,
            "content": content,
        }

    async def until_status(self, instance: str, status: str) -> None:
        """Wait for an instance."""
        await self._stage.until(
            lambda: self._stage.instance(instance), lambda seen: seen["Status"] == status, f"{instance} {status}"
        )

    def later(self, **amount: float) -> str:
        """Return a moment of the cloud's future."""
        return to_seconds(self._stage.memory.cloud.clock.now() + timedelta(**amount))

    @property
    def product(self) -> str:
        """The product in the template's name."""
        return self._template_name.split("-")[1].lower()

    @property
    def vswitch(self) -> str:
        """The default vSwitch."""
        return self._stage.vswitch

    @property
    def security_group(self) -> str:
        """The default security group."""
        return self._stage.security_group


Maker = Callable[[Furniture, Any], Awaitable[Any]]


async def targets(room: Furniture, definition: ParameterDefinition) -> Any:
    """Return what the form's selector of resources produces."""
    metadata = definition.source.get("AssociationPropertyMetadata") or {}
    match str(metadata.get("ResourceType")).lower(), room.product:
        case ("aliyun::redis::instance", _) | (_, "redis"):
            ids = [await room.redis()]
        case ("aliyun::rds::instance", _) | (_, "rds"):
            ids = [await room.rds()]
        case _:
            ids = [await room.instance()]
    chosen = {"Type": "ResourceIds", "ResourceIds": ids, "RegionId": REGION}
    return json.dumps(chosen) if definition.type == "String" else chosen


def _const(value: Any) -> Maker:
    async def make(_room: Furniture, _definition: Any) -> Any:
        return value

    return make


def _made(name: str) -> Maker:
    async def make(room: Furniture, _definition: Any) -> Any:
        value = getattr(room, name)
        return await value() if callable(value) else value

    return make


async def _soon(room: Furniture, _definition: Any) -> str:
    return room.later(minutes=10)


def today(minutes: int) -> Maker:
    """Return what makes a time of day some minutes from now."""

    async def make(room: Furniture, _definition: Any) -> str:
        return f"{room.later(minutes=minutes)[11:16]}:00Z"

    return make


async def _every_minute(room: Furniture, _definition: Any) -> dict[str, Any]:
    return {"type": "rate", "expression": "1 minute", "endDate": room.later(minutes=10), "timeZone": "UTC"}


#: given although there is a default, because that is years or hours away
_ALWAYS = frozenset({"enddate", "triggerenddate", "timertrigger", "cron", "triggercron", "approvers", "timezone"})
_MAKERS: Mapping[str, Maker] = {
    "dailystarttime": today(2),
    "dailystoptime": today(4),
    "triggercron": _const("0 * * * * ?"),
    "approvers": _const([]),
    "portrange": _const("443/443"),
    "sourcecidrip": _const("10.0.0.0/8"),
    "port": _const(80),
    "timepoints": _const('["2"]'),
    "targetpassword": _const("Tide12345gate"),
    "password": _const("Tide12345gate"),
    "newsize": _const(60),
    "threshold": _const(90),
    "targetsystemdiskcategory": _const("cloud_essd"),
    "targetdatadiskcategory": _const("cloud_essd"),
    "targetinstancechargetype": _const("PostPaid"),
    "kmskeyid": _const("key-1"),
    "instancerole": _const("OOSServiceRole"),
    "instanceid": _made("instance"),
    "instanceids": _made("instance"),
    "diskid": _made("disk"),
    "diskids": _made("disk"),
    "snapshotid": _made("snapshot"),
    "imageid": _const(IMAGE),
    "sourceimageid": _const(IMAGE),
    "baseimageid": _const(IMAGE),
    "repairimageid": _made("image"),
    "scalinggroupid": _made("group"),
    "scalingconfigurationids": _made("configuration"),
    "loadbalancerid": _made("load_balancer"),
    "loadbalancerids": _made("load_balancer"),
    "vservergroupid": _made("server_group"),
    "keypairname": _made("key_pair"),
    "autosnapshotpolicyid": _made("policy"),
    "allocationid": _made("eip"),
    "securitygroupid": _made("security_group"),
    "securitygroupids": _made("security_group"),
    "targetsecuritygroupid": _made("security_group"),
    "targetsecuritygroupids": _made("security_group"),
    "vswitchid": _made("vswitch"),
    "targetvswitchid": _made("vswitch"),
    "zoneid": _const(ZONE),
    "targetzoneid": _const(ZONE),
    "targetregionid": _const("cn-beijing"),
    "instancetype": _const("ecs.g6.xlarge"),
    "targetinstancetype": _const("ecs.g6.large"),
    "enddate": _soon,
    "triggerenddate": _soon,
    "timertrigger": _every_minute,
    "timezone": _const("UTC"),
    "cron": _const("0 * * * * ?"),
    "launchtemplatename": _made("launch_template"),
    "ramrolename": _const("OOSServiceRole"),
    "tagkeys": _const(["env"]),
    "oosassumerole": _const("OOSServiceRole"),
}
