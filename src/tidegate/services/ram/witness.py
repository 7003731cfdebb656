"""RAM as the door asks it, with a memory: what was decided about the calls of executions is written down.

Writing is nobody's wait: decisions are gathered for a moment and written together. Those of a process that is killed in
that moment are lost; they explain calls, nothing rests on them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from tidegate.clock import Clock
from tidegate.services.operation import Principal
from tidegate.services.ram.credential import Credential
from tidegate.services.ram.decision import Decision
from tidegate.services.ram.service import Ram
from tidegate.store.database import UNREACHABLE, Database
from tidegate.store.ram import decisions
from tidegate.store.ram.decisions import DecisionRow
from tidegate.telemetry import get_logger

_log = get_logger("ram.witness")
_GATHERING = 0.05
#: More than these wait only while the database does not answer; further ones are not written down.
_MOST = 5_000
#: Runbooks act in a session that has the execution's id for a name.
_EXECUTION = "exec-"


class Witness:
    """Answers as RAM does and remembers the decisions about runbooks' calls."""

    def __init__(self, ram: Ram, database: Database, clock: Clock) -> None:
        self._ram = ram
        self._database = database
        self._clock = clock
        self._waiting: list[DecisionRow] = []
        self._writing: asyncio.Task[None] | None = None

    async def credential(self, access_key_id: str, epoch: int | None = None) -> Credential | None:
        """Return the key, or None when nobody has it."""
        return await self._ram.credential(access_key_id, epoch)

    async def refresh(self, epoch: int | None = None) -> None:
        """Forget what is older than ``epoch``."""
        await self._ram.refresh(epoch)

    async def note_use(self, access_key_id: str) -> None:
        """Remember that a key has just signed a call."""
        await self._ram.note_use(access_key_id)

    async def decide_all(
        self, principal: Principal, action: str, resources: Sequence[str], context: Mapping[str, str]
    ) -> Decision:
        """Decide, and remember the decision if an execution asked."""
        decision = await self._ram.decide_all(principal, action, resources, context)
        if principal.session.startswith(_EXECUTION) and len(self._waiting) < _MOST:
            self._waiting.append(self._row(decision))
            if self._writing is None or self._writing.done():
                self._writing = asyncio.create_task(self._write_soon(), name="decisions")
        return decision

    async def close(self) -> None:
        """Write down what is still waiting."""
        if self._writing is not None:
            await self._writing
        await self._write()

    def _row(self, decision: Decision) -> DecisionRow:
        return DecisionRow(
            session=decision.principal.session,
            at=self._clock.now(),
            action=decision.action,
            resource=decision.resource,
            kind=decision.kind,
            policy=decision.policy,
            policy_type=decision.policy_type,
            statement=decision.statement,
        )

    async def _write_soon(self) -> None:
        while self._waiting:
            await asyncio.sleep(_GATHERING)
            await self._write()

    async def _write(self) -> None:
        rows, self._waiting = self._waiting, []
        if not rows:
            return
        try:
            async with self._database.transaction() as tx:
                await decisions.add(tx, rows)
        except UNREACHABLE as error:
            _log.warning("decisions were not written down", extra={"count": len(rows), "reason": str(error)})
