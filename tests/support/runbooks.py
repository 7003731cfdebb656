"""A cloud of runbooks alone: OOS and its controller on a database, with a scripted cloud to call and roles to assume."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from support.driving import Driver
from tidegate.clock import AdjustableClock
from tidegate.cloud.caller import PathCall
from tidegate.cloud.outside import OutsideError, Reply, Request
from tidegate.errors import CloudError
from tidegate.ids import Ids
from tidegate.reconcile.events import EventController
from tidegate.reconcile.execution import ExecutionController
from tidegate.reconcile.executions import ExecutionsController
from tidegate.reconcile.runbook.around import Around
from tidegate.services.oos.orders import Order
from tidegate.services.oos.sandbox import Sandbox
from tidegate.services.oos.service import Oos
from tidegate.services.operation import Principal
from tidegate.store.database import Database
from tidegate.store.oos import executions, journal
from tidegate.store.oos.records import ExecutionRecord, LogLine, TaskRecord
from tidegate.vault import Vault

ACCOUNT = "1234567890123456"
REGION = "cn-hangzhou"
ROOT = Principal(kind="Account", account_id=ACCOUNT, id=ACCOUNT)
#: Auto Scaling under its own role
SERVICE = Principal(kind="Service", account_id=ACCOUNT, id="1", name="AliyunServiceRoleForAutoScaling")

Answer = Mapping[str, Any] | CloudError | Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dataclass
class Called:
    """One call that reached the scripted cloud."""

    principal: Principal
    operation: str
    parameters: Mapping[str, Any]
    region: str


@dataclass
class ScriptedCloud:
    """Answers calls: ``replies["Service.API"]`` is an answer, an error, a function, or a list of these used up in turn."""

    replies: dict[str, Answer | list[Answer]] = field(default_factory=dict)
    calls: list[Called] = field(default_factory=list)

    def call_as(self, principal: Principal) -> _Caller:
        return _Caller(self, principal)

    def operations(self) -> list[str]:
        return [call.operation for call in self.calls]

    def answer(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        reply = self.replies.get(operation.lower()) or self.replies.get(operation)
        if isinstance(reply, list):
            reply = reply.pop(0) if len(reply) > 1 else reply[0]
        if reply is None:
            raise CloudError("InvalidAction.NotFound", f"{operation} is not scripted", 404)
        if isinstance(reply, CloudError):
            raise reply
        return {"RequestId": "R-1", **(reply(parameters) if callable(reply) else reply)}


@dataclass
class _Caller:
    cloud: ScriptedCloud
    principal: Principal

    async def call_path(self, product: str, action: str, request: PathCall, *, region: str) -> Any:
        operation = f"{product}.{action}"
        given = msgspec.structs.asdict(request)
        self.cloud.calls.append(Called(self.principal, operation, given, region))
        return self.cloud.answer(operation, given)

    async def call(self, product: str, action: str, parameters: Mapping[str, Any], *, region: str) -> dict[str, Any]:
        operation = f"{product}.{action}"
        self.cloud.calls.append(Called(self.principal, operation, dict(parameters), region))
        return self.cloud.answer(operation, parameters)


@dataclass
class FakeOutside:
    """Addresses below ``https://allowed/``, which answer with what is scripted, in turn."""

    replies: list[Reply | OutsideError] = field(default_factory=list)
    sent: list[Request] = field(default_factory=list)

    def may_reach(self, url: str) -> bool:
        return url.startswith("https://allowed/")

    async def send(self, request: Request) -> Reply:
        if not self.may_reach(request.url):
            raise OutsideError(f"{request.url} may not be reached")
        self.sent.append(request)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, OutsideError):
            raise reply
        return reply


@dataclass(frozen=True)
class Verdict:
    allowed: bool = True
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass
class FakeRoles:
    """Roles that OOS may assume, by name, and who may not pass them on."""

    trusted: set[str] = field(default_factory=lambda: {"OOSServiceRole"})
    denied: set[str] = field(default_factory=set)

    async def assume_role_as_service(self, account_id: str, service: str, role: str, session: str) -> Principal:
        assert service == "oos.aliyuncs.com"
        if role not in self.trusted:
            raise CloudError("EntityNotExist.Role", "The specified Role not exists.", 404)
        return Principal(kind="AssumedRoleUser", account_id=account_id, id=f"role-{role}", name=role, session=session)

    async def may_pass_role(self, principal: Principal, role_name: str, service: str) -> Verdict:
        return Verdict(principal.kind == "Account")

    async def decide(
        self, principal: Principal, action: str, resource: str, context: Mapping[str, str] | None = None
    ) -> Verdict:
        return Verdict(action not in self.denied)

    async def ensure_service_linked_role(self, account_id: str, service: str) -> Principal:
        assert service == "ess.aliyuncs.com"
        return SERVICE


class Runbooks:
    """Everything a test of runbooks needs."""

    def __init__(
        self,
        database: Database,
        clock: AdjustableClock,
        ids: Ids,
        programs: Sandbox,
        concurrent: int = 100,
        imported: Path | None = None,
    ) -> None:
        self.database = database
        self.clock = clock
        self.cloud = ScriptedCloud()
        self.outside = FakeOutside()
        self.roles = FakeRoles()
        self.oos = Oos(
            database,
            clock,
            ids,
            roles=self.roles,
            programs=programs,
            vault=Vault(b"k" * 32),
            concurrent=concurrent,
            imported=imported,
            outside=self.outside,
        )
        self.controller = ExecutionController(
            database,
            clock,
            executions=self.oos.executions,
            library=self.oos.library,
            programs=programs,
            roles=self.roles,
            store=self.oos.parameter_store,
            call_as=self.cloud.call_as,
            around=Around(outside=self.outside, link=lambda execution_id: f"http://console/{execution_id}"),
        )
        together = ExecutionsController(database, clock, concurrent)
        events = EventController(database, clock)
        controllers = {"execution": self.controller, **together.controllers, **events.controllers}
        self.driver = Driver(database, controllers, clock)

    async def start(self, content: str | None = None, *, principal: Principal = ROOT, **order: Any) -> str:
        """Start an execution and return its id; nothing moves yet."""
        record = await self.oos.executions.start(
            Order(principal=principal, region=REGION, template_content=content, **order)
        )
        return record.id

    async def run(self, content: str | None = None, **order: Any) -> ExecutionRecord:
        """Start an execution and drive it until nothing moves."""
        execution_id = await self.start(content, **order)
        await self.driver.settle()
        return await self.find(execution_id)

    async def find(self, execution_id: str) -> ExecutionRecord:
        return await self.oos.executions.find(ACCOUNT, REGION, execution_id)

    async def tasks(self, execution_id: str) -> list[TaskRecord]:
        async with self.database.connection() as connection:
            loaded = await journal.load(connection, execution_id)
        assert loaded is not None
        return loaded[1]

    async def path(self, execution_id: str) -> list[str]:
        """The tasks in the order of their start, with their statuses: ``name:Status``."""
        return [f"{task.name}:{task.status}" for task in await self.tasks(execution_id)]

    async def log(self, execution_id: str) -> list[LogLine]:
        async with self.database.connection() as connection:
            return list(await executions.list_log(connection, execution_id, None, offset=0, limit=1000))
