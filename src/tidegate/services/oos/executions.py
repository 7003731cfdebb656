"""Executions as callers see them: started, listed, cancelled, deleted (oos.md 8.2). Driving them is the controller's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tidegate.clock import Clock
from tidegate.errors import CloudError
from tidegate.ids import Ids
from tidegate.services.oos import errors, limits
from tidegate.services.oos import flow as queue
from tidegate.services.oos.actions.base import Child
from tidegate.services.oos.expressions import Scope
from tidegate.services.oos.library import Library
from tidegate.services.oos.model import Template
from tidegate.services.oos.orders import (
    Order,
    child_order,
    child_record,
    firing_record,
    first_record,
    opening_scope,
    part_record,
    read_modes,
    role_of,
    runnable,
)
from tidegate.services.oos.paging import Page, Part
from tidegate.services.oos.parameter_store import ParameterStore
from tidegate.services.oos.parameters import resolve
from tidegate.services.oos.ports import OOS_SERVICE, Roles
from tidegate.services.oos.resources import ResourceStatus, loop_over_targets
from tidegate.services.oos.resources import statuses as resource_statuses
from tidegate.services.oos.sandbox import Programs
from tidegate.services.oos.secrets import open_execution, seal_execution
from tidegate.services.oos.states import FINAL_EXECUTION, ExecutionStatus
from tidegate.services.oos.templates import Templates, TemplateView
from tidegate.services.oos.validation import content_hash
from tidegate.services.oos.values import from_json
from tidegate.services.oos.works import KIND, work_key
from tidegate.services.operation import Principal
from tidegate.store import tokens, work
from tidegate.store.database import Database
from tidegate.store.oos import executions as rows
from tidegate.store.oos import flow, journal
from tidegate.store.oos.records import ExecutionRecord, LogLine, Overview, TaskRecord

if TYPE_CHECKING:
    from tidegate.store.database import Connection

_ID_LENGTH: Final = 20


class ExecutionView(msgspec.Struct, frozen=True):
    """An execution with what lists show beside its row."""

    record: ExecutionRecord
    overview: Overview


def read_parameters(text: str | None) -> Mapping[str, Any]:
    """Read the Parameters of StartExecution: the JSON text of one object (oos.md 2.2)."""
    try:
        parameters = from_json(text) if text else {}
    except ValueError:
        parameters = None
    if not isinstance(parameters, dict):
        raise CloudError("InvalidParameter.Type", "Parameters must be the JSON text of an object.")
    return parameters


class Executions:
    """The executions of all accounts."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        *,
        library: Library,
        templates: Templates,
        programs: Programs,
        roles: Roles,
        store: ParameterStore,
        concurrent: int = limits.CONCURRENT_EXECUTIONS,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._store = store
        self._library = library
        self._templates = templates
        self._programs = programs
        self._roles = roles
        self._concurrent = concurrent

    async def start(self, order: Order) -> ExecutionRecord:
        """Check everything that can be checked now, then commit to running it. A repeat returns the first execution."""
        order = read_modes(order)
        text, template, view = await self._template(order)
        execution_id = f"exec-{self._ids.text(_ID_LENGTH)}"
        scope = self._scope(order, execution_id)
        parameters = await resolve(template, order.parameters, scope)
        role = await role_of(template, replace(scope, parameters=parameters))
        await self._check_role(order.principal, role)
        record = first_record(
            order, execution_id, template, view, parameters=parameters, role=role, now=self._clock.now()
        )
        if order.parent_execution_id is not None:
            parent = await self.find(record.account_id, record.region, order.parent_execution_id)
            record = msgspec.structs.replace(record, parent_id=parent.id)
        return await self._commit(order, text, record)

    async def start_child(self, parent: ExecutionRecord, child_id: str, child: Child) -> None:
        """Start an execution for a task of ``parent``, with its rights and its role; a repeat changes nothing. Raises CloudError."""
        now = child.begins_at or self._clock.now()
        text = None
        if child.part is not None:
            record = part_record(parent, child_id, child, now)
        else:
            order = child_order(parent, child_id, child)
            text, template, view = await self._template(order)
            await self._refuse_recursion(parent, view.hash if view is not None else content_hash(text or ""))
            record = await child_record(parent, child_id, order, template, view, self._scope(order, child_id), now)
        record = seal_execution(record, self._store)
        async with self._database.connection() as connection:
            if text is not None:
                record = msgspec.structs.replace(record, hash=await self._library.keep(connection, text))
            async with connection.transaction():
                line = LogLine(at=record.created_at, task_execution_id="", message="The execution is started.")
                if await journal.add(connection, record, line):
                    root = record.id.partition(".t")[0]
                    if not await rows.count_descendant(connection, root, limits.DESCENDANTS):
                        raise errors.too_many_descendants(limits.DESCENDANTS)
                    key, above = work_key(record.id), work_key(parent.id)
                    await work.start(connection, key, KIND, now=record.created_at, parent=above)

    async def _refuse_recursion(self, parent: ExecutionRecord, key: str) -> None:
        """Refuse to run a template that already runs above (oos.md 5.11)."""
        above = {parent.hash}
        if parent.parent_id is not None:
            async with self._database.connection() as connection:
                above |= await rows.hashes_above(connection, parent.id)
        if key in above:
            raise CloudError("InvalidTemplate", "A template cannot run itself, directly or through others.")

    async def start_firing(self, parent: ExecutionRecord, number: int, origin: Mapping[str, Any]) -> None:
        """Start what follows the trigger of ``parent``, once for every number; it runs with the same parameters."""
        now = self._clock.now()
        record = firing_record(parent, number, origin, now)
        record = seal_execution(record, self._store)
        async with self._database.transaction() as tx:
            line = LogLine(at=now, task_execution_id="", message="The execution is started by its trigger.")
            if await journal.add(tx, record, line):
                await work.start(tx, work_key(record.id), KIND, now=now, parent=work_key(parent.id))

    async def find_child(self, parent: ExecutionRecord, child_id: str) -> ExecutionRecord | None:
        """Return the child that a task of ``parent`` started."""
        async with self._database.connection() as connection:
            return await rows.find(connection, parent.account_id, parent.region, child_id)

    async def list(
        self, account_id: str, region: str, wanted: rows.ExecutionFilter, page: Page
    ) -> tuple[Part[ExecutionView], int]:
        """Return one page of executions and how many there are."""
        async with self._database.connection() as connection:
            found, total = await rows.list_executions(
                connection, account_id, region, wanted, offset=page.offset, limit=page.size + 1
            )
            overviews = await rows.overviews(connection, found)
        return page.part([ExecutionView(record, overviews[record.id]) for record in found]), total

    async def find(self, account_id: str, region: str, execution_id: str) -> ExecutionRecord:
        """Return one execution."""
        async with self._database.connection() as connection:
            return await find_execution(connection, account_id, region, execution_id)

    async def tasks(
        self, account_id: str, region: str, wanted: rows.TaskFilter, page: Page
    ) -> Part[tuple[TaskRecord, ExecutionRecord]]:
        """Return one page of task executions, each with its execution."""
        async with self._database.connection() as connection:
            return page.part(
                await rows.list_tasks(connection, account_id, region, wanted, offset=page.offset, limit=page.size + 1)
            )

    async def count_items(self, task_ids: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        """Return how many items of looped tasks have which status."""
        if not task_ids:
            return {}
        async with self._database.connection() as connection:
            return await rows.count_items(connection, task_ids)

    async def resources(
        self, account_id: str, region: str, execution_id: str
    ) -> tuple[ExecutionRecord, Sequence[ResourceStatus]]:
        """Return an execution and what became of each resource it works on."""
        record = await self.find(account_id, region, execution_id)
        task = loop_over_targets(await self._library.template(record.hash))
        if task is None:
            return record, ()
        async with self._database.connection() as connection:
            loaded = await journal.load(connection, execution_id)
            starts = [start for start in (loaded[1] if loaded else ()) if start.name == task.name]
            if not starts:
                return record, ()
            items = await journal.load_items(connection, starts[-1].id)
        return record, resource_statuses(starts[-1], {item.number: item for item in items})

    async def log(
        self, account_id: str, region: str, execution_id: str, task_execution_id: str | None, page: Page
    ) -> Part[LogLine]:
        """Return one page of an execution's log, oldest line first."""
        await self.find(account_id, region, execution_id)
        async with self._database.connection() as connection:
            return page.part(
                await rows.list_log(
                    connection, execution_id, task_execution_id, offset=page.offset, limit=page.size + 1
                )
            )

    async def cancel(self, account_id: str, region: str, execution_id: str) -> None:
        """Let what is called now end, start nothing more (oos.md 7.6)."""
        async with self._database.transaction() as tx:
            record = await find_execution(tx, account_id, region, execution_id)
            if record.status in FINAL_EXECUTION:
                raise errors.wrong_status(execution_id, record.status)
            now = self._clock.now()
            if await flow.cancel(tx, execution_id, now):
                line = LogLine(at=now, task_execution_id="", message="The execution ended: Cancelled.")
                await flow.note(tx, execution_id, line)
            else:
                await work.cancel(tx, work_key(execution_id), now=now)

    async def resolved(self, record: ExecutionRecord, given: Mapping[str, Any]) -> ExecutionRecord:
        """Return an execution, some of its parameters given anew, as it may be kept. Raises CloudError."""
        record = open_execution(record, self._store)
        template = await self._library.template(record.hash)
        order = Order(principal=msgspec.convert(record.principal, Principal), region=record.region)
        parameters = await resolve(template, {**record.parameters, **given}, self._scope(order, record.id))
        return seal_execution(msgspec.structs.replace(record, parameters=parameters), self._store)

    async def delete(self, account_id: str, region: str, execution_ids: Sequence[str], *, force: bool) -> None:
        """Delete executions, all or none; ``force`` includes those that have not ended, which end with it."""
        async with self._database.transaction() as tx:
            statuses = await rows.statuses(tx, account_id, region, execution_ids)
            for execution_id in execution_ids:
                if execution_id not in statuses:
                    raise errors.execution_not_found(execution_id)
                if statuses[execution_id] not in FINAL_EXECUTION:
                    if not force:
                        raise errors.wrong_status(execution_id, statuses[execution_id])
                    await work.cancel(tx, work_key(execution_id), now=self._clock.now())
            children = await rows.descendants(tx, execution_ids)
            for child_id in children:
                await work.cancel(tx, work_key(child_id), now=self._clock.now())
            await rows.delete(tx, [*execution_ids, *children])

    async def _template(self, order: Order) -> tuple[str | None, Template, TemplateView | None]:
        """Return the text when it may have to be kept, the template, and where it comes from."""
        if order.template_content is not None:
            validated = await self._library.validate(order.template_content)
            return order.template_content, runnable(validated), None
        if not order.template_name:
            raise CloudError("MissingParameter", "TemplateName or TemplateContent must be given.")
        view = await self._templates.find(
            order.principal.account_id, order.region, order.template_name, order.template_version
        )
        validated = await self._templates.validated(view)
        # A text of the vendor comes with this package and may change with it, so it is kept like one of a user.
        text = await self._templates.text(view) if view.share_type == "Public" else None
        return text, runnable(validated), view

    def _scope(self, order: Order, execution_id: str) -> Scope:
        async def acting() -> Principal:
            return order.principal  # the role is not known before the parameters are

        read = self._store.reader(acting, order.principal.account_id, order.region)
        return opening_scope(order, execution_id, clock=self._clock, programs=self._programs, read=read)

    async def _check_role(self, principal: Principal, role: str) -> None:
        """Whether the caller may hand the role to OOS and OOS may take it (oos.md 1.4, ram.md 9).

        Not for services: an execution that Auto Scaling starts is there to be looked at, and fails at its first call.
        """
        if not role or principal.kind == "Service":
            return
        decision = await self._roles.may_pass_role(principal, role.rpartition(":role/")[2], OOS_SERVICE)
        if not decision.allowed:
            raise errors.denied("ram:PassRole", f"acs:ram:*:{principal.account_id}:role/{role}", decision.detail)
        try:
            await self._roles.assume_role_as_service(principal.account_id, OOS_SERVICE, role, "StartExecution")
        except CloudError as error:
            raise errors.role_not_assumed(role, error) from error

    async def _commit(self, order: Order, text: str | None, record: ExecutionRecord) -> ExecutionRecord:
        """Write the execution, its work and the token in one transaction."""
        record = seal_execution(record, self._store)
        async with self._database.connection() as connection:
            if text is not None:
                record = msgspec.structs.replace(record, hash=await self._library.keep(connection, text))
            async with connection.transaction():
                repeat = (record.account_id, "oos:StartExecution", order.client_token, order.fingerprint)
                if (first := await tokens.recall(connection, *repeat, now=record.created_at)) is not None:
                    return await find_execution(connection, record.account_id, record.region, first)
                record = await self._enter(connection, record)
                await tokens.remember(connection, *repeat, record.id, now=record.created_at)
        return record

    async def _enter(self, tx: Connection, record: ExecutionRecord) -> ExecutionRecord:
        """Write a new execution and have it driven, or queued when too many run."""
        now = record.created_at
        limit = self._concurrent if record.parent_id is None else 0
        if limit and await flow.is_full(tx, record.account_id, record.region, limit):
            record = msgspec.structs.replace(record, status=ExecutionStatus.QUEUED)
            await journal.add(tx, record, LogLine(at=now, task_execution_id="", message="The execution is queued."))
            await queue.line_up(tx, record.account_id, record.region, now)
            return record
        await journal.add(tx, record, LogLine(at=now, task_execution_id="", message="The execution is started."))
        await work.start(tx, work_key(record.id), KIND, now=now)
        return record


async def find_execution(connection: Connection, account_id: str, region: str, execution_id: str) -> ExecutionRecord:
    """Return one execution; raises CloudError."""
    record = await rows.find(connection, account_id, region, execution_id)
    if record is None:
        raise errors.execution_not_found(execution_id)
    return record
