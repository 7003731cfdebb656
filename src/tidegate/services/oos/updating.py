"""UpdateExecution: what may still change of an execution (oos.md 7.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tidegate.clock import Clock
from tidegate.services.oos import errors, limits
from tidegate.services.oos.executions import Executions, find_execution
from tidegate.services.oos.states import FINAL_EXECUTION
from tidegate.services.operation import Call, invalid_parameter
from tidegate.store import tokens
from tidegate.store.database import Database
from tidegate.store.oos import executions as rows
from tidegate.store.oos.records import ExecutionRecord


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be different; None: as it was."""

    description: str | None = None
    parameters: Mapping[str, Any] | None = None
    tags: Mapping[str, str] | None = None
    resource_group_id: str | None = None


class Updating:
    """Changes executions."""

    def __init__(self, database: Database, clock: Clock, executions: Executions) -> None:
        self._database = database
        self._clock = clock
        self._executions = executions

    async def update(self, call: Call, execution_id: str, change: Change) -> None:
        """Change an execution; raises CloudError. A repeat with the same token does nothing."""
        if change.tags is not None and len(change.tags) > limits.TAGS:
            raise invalid_parameter("Tags")
        async with self._database.connection() as connection:
            record = await find_execution(connection, call.account_id, call.region, execution_id)
        changed = None if change.parameters is None else await self._with_parameters(record, change.parameters)
        now = self._clock.now()
        async with self._database.transaction() as tx:
            repeat = (call.account_id, "oos:UpdateExecution", call.client_token, call.fingerprint)
            if await tokens.recall(tx, *repeat, now=now) is not None:
                return
            await rows.update(
                tx,
                execution_id,
                description=change.description,
                parameters=None if changed is None else changed.parameters,
                sealed=None if changed is None else changed.sealed,
                tags=change.tags,
                resource_group_id=change.resource_group_id,
                now=now,
            )
            await tokens.remember(tx, *repeat, execution_id, now=now)

    async def _with_parameters(self, record: ExecutionRecord, given: Mapping[str, Any]) -> ExecutionRecord:
        """Return the execution after the change. What a trigger starts from now on runs with them (ASSUMPTION)."""
        if not record.is_trigger:
            raise invalid_parameter("Parameters")
        if record.status in FINAL_EXECUTION:
            raise errors.wrong_status(record.id, record.status)
        return await self._executions.resolved(record, given)
