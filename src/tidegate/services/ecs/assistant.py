"""Cloud Assistant: keeps commands, begins and stops invocations, and reports on them (ecs.md 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from tidegate.clock import Clock
from tidegate.ids import Ids
from tidegate.services.ecs import commands, faults, limits
from tidegate.services.ecs.commands import Script
from tidegate.store import work
from tidegate.store.database import Database
from tidegate.store.ecs import commands as rows
from tidegate.store.ecs import instances as instance_rows
from tidegate.store.ecs.commands import Command, Invocation, Run

if TYPE_CHECKING:
    from tidegate.store.database import Connection

#: The kind of work that drives one invocation; its key is ``invocation/<id>``.
KIND = "invocation"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """An invocation with its runs."""

    invocation: Invocation
    runs: Sequence[Run]


class Assistant:
    """Commands and invocations of every account."""

    def __init__(self, database: Database, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids

    async def create_command(self, account_id: str, region: str, script: Script) -> str:
        """Keep a command and return its id."""
        async with self._database.transaction() as tx:
            return (await self._add_command(tx, account_id, region, script, kept=True)).id

    async def _add_command(
        self, tx: Connection, account_id: str, region: str, script: Script, *, kept: bool
    ) -> Command:
        command = Command(
            id=self._ids.resource("c", region),
            account_id=account_id,
            region=region,
            kept=kept,
            created_at=self._clock.now(),
            **msgspec.structs.asdict(script),
        )
        await rows.add_command(tx, command)
        return command

    async def delete_command(self, account_id: str, region: str, command_id: str) -> None:
        """Forget a command; what it ran stays on record."""
        async with self._database.transaction() as tx:
            if not await rows.delete_command(tx, account_id, region, command_id):
                raise faults.not_found("InvalidCmdId")

    async def commands(
        self,
        account_id: str,
        region: str,
        *,
        command_id: str | None = None,
        name: str | None = None,
        kind: str | None = None,
        number: int = 1,
        size: int = limits.PAGE_DEFAULT,
    ) -> tuple[list[Command], int]:
        """Return one page of the kept commands, newest first, and how many there are in all."""
        async with self._database.connection() as tx:
            return await rows.commands(
                tx,
                account_id,
                region,
                command_id=command_id,
                name=name,
                kind=kind,
                offset=(number - 1) * size,
                count=size,
            )

    async def run(
        self,
        account_id: str,
        region: str,
        script: Script,
        instance_ids: Sequence[str],
        *,
        parameters: Mapping[str, str],
        username: str,
        keep: bool,
    ) -> tuple[str, str]:
        """Make a command and invoke it at once; return the ids of both."""
        async with self._database.transaction() as tx:
            command = await self._add_command(tx, account_id, region, script, kept=keep)
            return command.id, await self._invoke(tx, command, instance_ids, parameters, username)

    async def invoke(
        self,
        account_id: str,
        region: str,
        command_id: str,
        instance_ids: Sequence[str],
        *,
        parameters: Mapping[str, str],
        username: str,
    ) -> str:
        """Invoke a kept command; return the invocation's id."""
        async with self._database.transaction() as tx:
            command = await rows.command(tx, account_id, region, command_id)
            if command is None:
                raise faults.not_found("InvalidCmdId")
            return await self._invoke(tx, command, instance_ids, parameters, username)

    async def _invoke(
        self,
        tx: Connection,
        command: Command,
        instance_ids: Sequence[str],
        parameters: Mapping[str, str],
        username: str,
    ) -> str:
        """Write the invocation and its runs, and have it driven. Raises before anything has changed."""
        targets = list(dict.fromkeys(instance_ids))
        if not targets:
            raise faults.missing_parameter("InstanceId")
        if len(targets) > limits.TARGETS_PER_INVOCATION:
            raise faults.denied("InstanceIds.ExceedLimit")
        known = {
            one.id
            for one in await instance_rows.by_ids(tx, targets)
            if (one.account_id, one.region) == (command.account_id, command.region)
        }
        if set(targets) - known:
            raise faults.not_found("InvalidInstance")
        if command.type != commands.SHELL:
            raise faults.denied("InvalidInstance.NotMatch")
        now = self._clock.now()
        invocation = Invocation(
            id=self._ids.resource("t", command.region),
            account_id=command.account_id,
            region=command.region,
            command_id=command.id,
            name=command.name,
            description=command.description,
            type=command.type,
            content=command.content,
            script=commands.filled(command.content, parameters) if command.enable_parameter else command.content,
            working_dir=command.working_dir,
            timeout=command.timeout,
            parameters=dict(parameters),
            username=username,
            created_at=now,
        )
        await rows.forget(tx, now - limits.INVOCATION_RETENTION)
        await rows.add_invocation(
            tx,
            invocation,
            [
                Run(
                    invocation_id=invocation.id,
                    instance_id=instance_id,
                    position=position,
                    status=commands.PENDING,
                    updated_at=now,
                )
                for position, instance_id in enumerate(targets)
            ],
        )
        await work.start(tx, f"{KIND}/{invocation.id}", KIND, now=now)
        return invocation.id

    async def stop(self, account_id: str, region: str, invocation_id: str, instance_ids: Sequence[str] | None) -> None:
        """Have the runs on these instances (None: on all) ended; those that have not begun are cancelled at once."""
        now = self._clock.now()
        async with self._database.transaction() as tx:
            invocation = await rows.invocation(tx, invocation_id)
            if invocation is None or (invocation.account_id, invocation.region) != (account_id, region):
                raise faults.not_found("InvalidInvokeId")
            await rows.ask_to_stop(tx, invocation_id, instance_ids, now)
            await work.wake(tx, f"{KIND}/{invocation_id}", now=now)

    async def reports(
        self,
        account_id: str,
        region: str,
        *,
        invocation_id: str | None = None,
        command_id: str | None = None,
        name: str | None = None,
        kind: str | None = None,
        instance_ids: Sequence[str] | None = None,
        number: int = 1,
        size: int = limits.PAGE_DEFAULT,
    ) -> tuple[list[Report], int]:
        """Return one page of invocations with their runs, newest first, and how many there are in all."""
        async with self._database.connection() as tx:
            found, total = await rows.invocations(
                tx,
                account_id,
                region,
                invocation_id=invocation_id,
                command_id=command_id,
                name=name,
                kind=kind,
                instance_ids=instance_ids,
                offset=(number - 1) * size,
                count=size,
            )
            runs: dict[str, list[Run]] = {one.id: [] for one in found}
            for run in await rows.runs(tx, runs):
                runs[run.invocation_id].append(run)
        return [Report(invocation=one, runs=runs[one.id]) for one in found], total
