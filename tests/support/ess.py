"""An Auto Scaling on a real database with an ECS in memory hosts, driven by hand, and builders of what tests ask of it."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from support.driving import Driver
from support.ecs import IMAGE, TYPE
from support.machines import Machines
from tidegate.clock import AdjustableClock
from tidegate.errors import CloudError
from tidegate.ids import Ids
from tidegate.plane.balancer.memory import MemoryBalancers
from tidegate.reconcile.activity import ActivityController
from tidegate.reconcile.alarm import AlarmController
from tidegate.reconcile.balancer import BalancerController
from tidegate.reconcile.binding import BindingController
from tidegate.reconcile.engine import Controller
from tidegate.reconcile.group import GroupController
from tidegate.reconcile.instance import InstanceController
from tidegate.reconcile.messages import MessageController
from tidegate.reconcile.meter import MeterController
from tidegate.reconcile.mns import MnsController
from tidegate.reconcile.prediction import PredictionController
from tidegate.reconcile.refresh import RefreshController
from tidegate.reconcile.schedule import ScheduleController
from tidegate.services.alb.service import Alb
from tidegate.services.cms.service import Monitor
from tidegate.services.databases.doors import RdsDoors
from tidegate.services.ecs import catalog
from tidegate.services.ecs.service import Delays, Ecs, LaunchSpec
from tidegate.services.ess.api import ess as product
from tidegate.services.ess.dialect import NEW
from tidegate.services.ess.service import Ess, Surroundings
from tidegate.services.mns.service import Mns
from tidegate.services.operation import Call, Principal
from tidegate.services.slb.service import Slb
from tidegate.settings import Settings
from tidegate.store.database import Database
from tidegate.vault import Vault
from tidegate.wire.parameters import decode, flatten

ACCOUNT = "1234567890123456"
REGION = "cn-hangzhou"
TEMPLATE = "ACS-ESS-LifeCycleModifyRedisIPWhitelist"
ARN = f"acs:oos:{REGION}:{ACCOUNT}:template/{TEMPLATE}"


@dataclass
class Runbooks:
    """OOS, as far as Auto Scaling sees it: templates that exist, and what was started."""

    templates: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {
            TEMPLATE: {
                "regionId": "${regionId}",
                "instanceIds": ["${instanceIds}"],
                "lifecycleHookId": "${lifecycleHookId}",
                "lifecycleActionToken": "${lifecycleActionToken}",
                "dbInstanceId": msgspec.UNSET,
                "modifyMode": msgspec.UNSET,
                "OOSAssumeRole": "OOSServiceRole",
            }
        }
    )
    #: client token → template, parameters, who started it
    started: dict[str, tuple[str, Mapping[str, Any], Principal]] = field(default_factory=dict)
    refusal: Exception | None = None

    async def template_defaults(self, account_id: str, region: str, name: str) -> Mapping[str, Any] | None:
        return self.templates.get(name)

    async def start_execution(
        self,
        principal: Principal,
        region: str,
        *,
        template_name: str,
        parameters: Mapping[str, Any],
        client_token: str | None,
    ) -> str:
        if self.refusal is not None:
            raise self.refusal
        assert client_token is not None
        self.started.setdefault(client_token, (template_name, parameters, principal))
        return f"exec-{list(self.started).index(client_token)}"


class Roles:
    """RAM, as far as Auto Scaling sees it."""

    def __init__(self) -> None:
        self.linked: list[str] = []

    async def ensure_service_linked_role(self, account_id: str, service: str) -> Principal:
        self.linked.append(account_id)
        return Principal(kind="Service", account_id=account_id, id="300", name="AliyunServiceRoleForAutoScaling")


@dataclass
class World:
    """Auto Scaling with everything behind it at hand."""

    database: Database
    clock: AdjustableClock
    ids: Ids
    hosts: Machines
    ecs: Ecs
    runbooks: Runbooks
    roles: Roles
    ess: Ess
    mns: Mns
    monitor: Monitor
    slb: Slb
    alb: Alb
    balancers: MemoryBalancers
    settings: Settings
    delays: Delays
    driver: Driver = field(init=False)
    account: str = ACCOUNT
    calls: int = 0

    # ---- time and calls --------------------------------------------------------------------------------------------

    async def settle(self) -> int:
        """Let every controller do what there is to do."""
        return await self.driver.settle()

    async def measure(self) -> None:
        """Have the hosts measured every fifteen seconds from now on."""
        await MeterController(self.database, self.hosts, self.monitor).begin()
        await self.settle()

    async def advance(self, **amount: float) -> int:
        """Move the clock forward and let every controller do what there is to do."""
        return await self.driver.advance(**amount)

    async def call(
        self,
        action: str,
        *,
        version: str = NEW,
        region: str = REGION,
        token: str | None = None,
        account: str | None = None,
        **parameters: Any,
    ) -> dict[str, Any]:
        """Call an operation as the gateway does, without signature and permission; returns the answer as JSON has it."""
        operation = product.operations[action]
        names = {one.encode_name for one in msgspec.structs.fields(operation.request)}
        flat = flatten(parameters)
        if "RegionId" in names:
            flat.setdefault("RegionId", region)
        request = decode(product.enter(version, flat), operation.request, product.missing, product.invalid)
        self.calls += 1
        call = Call(
            principal=Principal(kind="Account", account_id=account or self.account, id=account or self.account),
            region=region,
            request_id=f"R-{self.calls}",
            product=product.code,
            action=action,
            version=version,
            client_token=token,
            fingerprint=repr(sorted(flat.items())),
        )
        answer = await operation.handler(self.ess, call, request)
        tree: dict[str, Any] = product.leave(version, action, msgspec.to_builtins(answer))
        return tree

    async def refused(self, action: str, **parameters: Any) -> CloudError:
        """Make a call that must be refused and return the error."""
        try:
            answer = await self.call(action, **parameters)
        except CloudError as error:
            return error
        raise AssertionError(f"{action} was not refused: {answer}")

    # ---- restarts --------------------------------------------------------------------------------------------------

    def restart(self) -> World:
        """Forget everything but the rows: what runs from now on is a new process."""
        self.driver = Driver(self.database, make_controllers(self), self.clock, self.settings)
        return self

    def pass_time(self, seconds: float) -> None:
        """Move the clock forward and look at nothing yet."""
        self.clock.advance(timedelta(seconds=seconds))

    # ---- making things ---------------------------------------------------------------------------------------------

    async def make_group(
        self,
        *,
        enabled: bool = True,
        configured: bool = True,
        configuration: Mapping[str, Any] | None = None,
        **values: Any,
    ) -> str:
        """Create a group with a configuration, and enable it."""
        wanted = {"MinSize": 0, "MaxSize": 10, **values}
        group = str((await self.call("CreateScalingGroup", **wanted))["ScalingGroupId"])
        if configured:
            made = await self.make_configuration(group, **(configuration or {}))
            await self.call("ModifyScalingGroup", ScalingGroupId=group, ActiveScalingConfigurationId=made)
        if enabled:
            await self.call("EnableScalingGroup", ScalingGroupId=group)
        await self.settle()
        return group

    async def make_configuration(self, group: str, **values: Any) -> str:
        """Create a scaling configuration."""
        wanted = {"ScalingGroupId": group, "ImageId": IMAGE, "InstanceType": TYPE, **values}
        return str((await self.call("CreateScalingConfiguration", **wanted))["ScalingConfigurationId"])

    async def make_rule(self, group: str, value: int = 1, kind: str = "QuantityChangeInCapacity", **values: Any) -> str:
        """Create a scaling rule and return its resource name."""
        wanted = {"ScalingGroupId": group, "AdjustmentType": kind, "AdjustmentValue": value, **values}
        return str((await self.call("CreateScalingRule", **wanted))["ScalingRuleAri"])

    async def make_hook(self, group: str, transition: str = "SCALE_OUT", **values: Any) -> str:
        """Create a lifecycle hook and return its id."""
        wanted = {"ScalingGroupId": group, "LifecycleTransition": transition, **values}
        return str((await self.call("CreateLifecycleHook", **wanted))["LifecycleHookId"])

    async def launch(self, amount: int = 1) -> list[str]:
        """Make instances outside of any group."""
        spec = LaunchSpec(image_id=IMAGE, instance_type=TYPE)
        made = await self.ecs.launch(self.account, REGION, spec, amount, client_token=self.ids.text(12))
        await self.settle()
        return made

    # ---- doing and looking -----------------------------------------------------------------------------------------

    async def scale(self, group: str, change: int, *, settle: bool = True) -> str:
        """Scale by hand and return the activity."""
        answer = await self.call(
            "ScaleWithAdjustment",
            ScalingGroupId=group,
            AdjustmentType="QuantityChangeInCapacity",
            AdjustmentValue=change,
        )
        if settle:
            await self.settle()
        return str(answer.get("ScalingActivityId", ""))

    async def complete(self, action: Mapping[str, Any], result: str = "CONTINUE", **more: Any) -> None:
        """Complete a lifecycle action and let everything settle."""
        await self.call(
            "CompleteLifecycleAction",
            LifecycleHookId=action["LifecycleHookId"],
            LifecycleActionToken=action["LifecycleActionToken"],
            LifecycleActionResult=result,
            **more,
        )
        await self.settle()

    async def group(self, group: str) -> dict[str, Any]:
        """Return what DescribeScalingGroups shows."""
        [shown] = (await self.call("DescribeScalingGroups", ScalingGroupIds=[group]))["ScalingGroups"]
        return dict(shown)

    async def all_groups(self) -> list[str]:
        """Return the ids of all groups."""
        found: list[str] = []
        for number in range(1, 100):
            page = (await self.call("DescribeScalingGroups", PageSize=50, PageNumber=number))["ScalingGroups"]
            if not page:
                break
            found += [one["ScalingGroupId"] for one in page]
        return found

    async def failed_works(self) -> list[str]:
        """Return the works that ended in an error: there should never be one."""
        async with self.database.connection() as db:
            return [row["key"] for row in await db.fetch("select key from work where status = 'Failed'")]

    async def members(self, group: str) -> dict[str, str]:
        """Return the members of a group with their states."""
        answer = await self.call("DescribeScalingInstances", ScalingGroupId=group, PageSize=100)
        return {one["InstanceId"]: one["LifecycleState"] for one in answer["ScalingInstances"]}

    async def activity(self, activity: str) -> dict[str, Any]:
        """Return what DescribeScalingActivities shows."""
        [shown] = (await self.call("DescribeScalingActivities", ScalingActivityIds=[activity]))["ScalingActivities"]
        return dict(shown)

    async def activities(self, group: str) -> list[dict[str, Any]]:
        """Return the activities of a group, oldest first."""
        answer = await self.call("DescribeScalingActivities", ScalingGroupId=group, PageSize=50)
        return list(reversed(answer["ScalingActivities"]))

    async def actions(self, activity: str) -> list[dict[str, Any]]:
        """Return the lifecycle actions of an activity."""
        answer = await self.call("DescribeLifecycleActions", ScalingActivityId=activity, MaxResults=50)
        return list(answer["LifecycleActions"])

    async def machines(self, *instance_ids: str) -> dict[str, str]:
        """Return the ECS status of instances; those that are gone are left out."""
        found = await self.ecs.find(self.account, REGION, list(instance_ids))
        return {one.id: one.status for one in found.values()}


def make_world(
    database: Database,
    clock: AdjustableClock,
    ids: Ids,
    *,
    delays: Delays | None = None,
    hosts: Machines | None = None,
    settings: Settings | None = None,
) -> World:
    """Return an Auto Scaling whose controllers run when told to."""
    machines, runbooks, roles = hosts or Machines(), Runbooks(), Roles()
    delays = delays or Delays()
    ecs = Ecs(database, machines, clock, ids, delays=delays)
    monitor = Monitor(database, clock, ids)
    mns = Mns(database, clock, ids, vault=Vault(b"k" * 32), door=lambda: "http://127.0.0.1:1")
    balancers = MemoryBalancers()
    slb, alb = Slb(database, balancers, ecs, clock, ids), Alb(database, ecs, clock, ids)
    around = Surroundings(
        database=database,
        clock=clock,
        ids=ids,
        machines=ecs,
        runbooks=runbooks,
        roles=roles,
        metrics=monitor,
        messages=mns,
        balancers=slb,
        server_groups=alb,
        doors=RdsDoors(database),
        regions=list(catalog.REGIONS),
        chance=random.Random(1),
    )
    world = World(
        database=database,
        clock=clock,
        ids=ids,
        hosts=machines,
        ecs=ecs,
        runbooks=runbooks,
        roles=roles,
        ess=Ess(around),
        monitor=monitor,
        mns=mns,
        slb=slb,
        alb=alb,
        balancers=balancers,
        settings=settings or Settings(data_dir=Path("/nonexistent")),
        delays=delays,
    )
    return world.restart()


def make_controllers(world: World) -> Mapping[str, Controller]:
    """Return the controllers of a new process."""
    return {
        "instances": InstanceController(world.database, world.hosts, delays=world.delays),
        **ActivityController(world.ess).controllers,
        **BindingController(world.ess).controllers,
        **BalancerController(world.database, world.balancers, world.ecs, world.clock).controllers,
        **GroupController(world.ess, world.settings).controllers,
        **ScheduleController(world.ess).controllers,
        **AlarmController(world.ess).controllers,
        **PredictionController(world.ess).controllers,
        **MessageController(world.ess).controllers,
        **MnsController(world.mns).controllers,
        **RefreshController(world.ess).controllers,
        **MeterController(world.database, world.hosts, world.monitor).controllers,
    }


#: Emptying these is much faster than making a database, and there are many tests.
_USED = (
    "cms_%",
    "event%",
    "ess_%",
    "ecs_%",
    "mns_%",
    "work",
    "lease",
    "signal",
    "journal",
    "wait",
    "mutex",
    "client_token",
    "balancer",
    "vserver_group",
    "alb_server_group",
    "database",
)


async def empty(database: Database) -> None:
    """Forget everything that tests of Auto Scaling write, so that they can share a database one after another."""
    async with database.transaction() as tx:
        await tx.execute("set local session_replication_role = replica")  # no cascades: every table is named
        tables = await tx.fetch(
            "select tablename from pg_tables where schemaname = 'public' and tablename like any($1)", list(_USED)
        )
        for table in tables:
            await tx.execute(f"delete from {table['tablename']}")
