"""Everything that is driven: the controllers of all works, and the node that runs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tidegate.assembly.services import Services
from tidegate.clock import Clock
from tidegate.ground import Ground
from tidegate.ids import Ids
from tidegate.reconcile.activity import ActivityController
from tidegate.reconcile.alarm import AlarmController
from tidegate.reconcile.balancer import BalancerController
from tidegate.reconcile.binding import BindingController
from tidegate.reconcile.containers import ContainerController
from tidegate.reconcile.engine import Controller
from tidegate.reconcile.events import EventController
from tidegate.reconcile.execution import CallAs, ExecutionController
from tidegate.reconcile.executions import ExecutionsController
from tidegate.reconcile.group import GroupController
from tidegate.reconcile.instance import InstanceController
from tidegate.reconcile.invocation import InvocationController
from tidegate.reconcile.messages import MessageController
from tidegate.reconcile.meter import MeterController
from tidegate.reconcile.mns import MnsController
from tidegate.reconcile.prediction import PredictionController
from tidegate.reconcile.redis import RedisController
from tidegate.reconcile.refresh import RefreshController
from tidegate.reconcile.rules import RuleController
from tidegate.reconcile.runbook.around import Around
from tidegate.reconcile.schedule import ScheduleController
from tidegate.reconcile.snapshots import SnapshotController
from tidegate.services.eci import service as containers
from tidegate.services.ecs import assistant as invocations
from tidegate.services.ecs import instances, snapshots
from tidegate.services.kvstore import instances as redis
from tidegate.services.oos import works


class Works:
    """The controllers of one cloud. ``call_as`` calls it in somebody's name, ``door`` tells its address."""

    def __init__(
        self,
        ground: Ground,
        services: Services,
        clock: Clock,
        ids: Ids,
        *,
        call_as: CallAs,
        door: Callable[[], str],
    ) -> None:
        settings, database, world = ground.settings, ground.database, ground.world
        ecs, ess, oos = services.ecs, services.ess, services.oos
        self._balancers = BalancerController(database, world.balancers, ecs, clock)
        self._redis = RedisController(
            database,
            world.redis,
            services.kvstore.gatekeeper,
            ecs,
            clock,
            creation_delay=settings.redis_creation_delay,
        )
        self._events = EventController(database, clock)
        self._meter = MeterController(database, world.hosts, services.monitor)
        self._messages = MnsController(services.mns)
        self._executions = ExecutionsController(database, clock, settings.concurrent_executions)
        self._invocations = InvocationController(database, world.hosts, clock, ids, patience=settings.heartbeat_timeout)
        self._containers = ContainerController(database, world.hosts, services.eci, clock)
        runbooks = ExecutionController(
            database,
            clock,
            executions=oos.executions,
            library=oos.library,
            programs=services.programs,
            roles=services.ram,
            store=oos.parameter_store,
            call_as=call_as,
            around=Around(
                outside=services.outside, link=lambda execution_id: f"{door()}/console/oos/executions/{execution_id}"
            ),
        )
        self.controllers: Mapping[str, Controller] = {
            containers.KIND: self._containers,
            snapshots.KIND: SnapshotController(ecs),
            redis.WORK: self._redis,
            instances.KIND: InstanceController(database, world.hosts, delays=services.delays),
            invocations.KIND: self._invocations,
            works.KIND: runbooks,
            **self._events.controllers,
            **self._messages.controllers,
            **RuleController(services.bridge, services.mns).controllers,
            **self._executions.controllers,
            **ActivityController(ess).controllers,
            **MessageController(ess).controllers,
            **self._balancers.controllers,
            **BindingController(ess).controllers,
            **GroupController(ess, settings).controllers,
            **ScheduleController(ess).controllers,
            **AlarmController(ess).controllers,
            **PredictionController(ess).controllers,
            **RefreshController(ess).controllers,
            **self._meter.controllers,
        }

    async def begin(self) -> None:
        """Make rows and the real world agree, before anything is driven."""
        for one in (
            self._redis,
            self._balancers,
            self._containers,
            self._events,
            self._meter,
            self._messages,
            self._executions,
        ):
            await one.begin()

    async def close(self) -> None:
        """Let go of commands that still run."""
        await self._invocations.close()
