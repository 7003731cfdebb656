"""What Auto Scaling does to RDS: the default whitelist of an instance, address by address (ecs.md 14, ess.md 3.4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from tidegate.services.databases.kinds import RDS
from tidegate.services.databases.service import whitelist_of
from tidegate.services.whitelist.model import DEFAULT_ENTRIES, DEFAULT_GROUP, Group, same_entry
from tidegate.services.whitelist.rules import Refusal
from tidegate.store import databases as rows
from tidegate.store.database import Database

if TYPE_CHECKING:
    from tidegate.store.database import Connection


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """An RDS instance as Auto Scaling sees it: ``room`` is how many more addresses its whitelist takes."""

    id: str
    region: str
    status: str
    room: int


class RdsDoors:
    """Lets instances of scaling groups into RDS instances, and keeps them out again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def peek(self, tx: Connection, account_id: str, database_id: str) -> Door | None:
        """Return an RDS instance within a transaction of another product; None: there is none."""
        row = await rows.find(tx, account_id, RDS.code, database_id)
        if row is None:
            return None
        held = sum(len(group.entries) for group in whitelist_of(row))
        # A database without a server behind it is Running from its first to its last moment.
        return Door(id=row.id, region=row.region, status="Running", room=RDS.rules.entries - held)

    async def let_in(self, account_id: str, database_id: str, addresses: Sequence[str]) -> None:
        """Add addresses to the default group; those that are there stay. Raises CloudError when it is full or gone."""

        def change(entries: Sequence[str]) -> list[str]:
            there = {same_entry(one) for one in entries}
            fresh = [one for one in addresses if one not in there]
            return [*(one for one in entries if not fresh or one != RDS.rules.placeholder), *fresh]

        await self._edit(account_id, database_id, change)

    async def keep_out(self, account_id: str, database_id: str, addresses: Sequence[str]) -> None:
        """Take addresses out of the default group; those that are not there are fine, and so is a database that is gone.

        ASSUMPTION: a list that would be empty gets back the address of nobody that it began with.
        """

        def change(entries: Sequence[str]) -> list[str]:
            return [one for one in entries if same_entry(one) not in addresses] or list(DEFAULT_ENTRIES)

        await self._edit(account_id, database_id, change, missing_is_fine=True)

    async def _edit(
        self,
        account_id: str,
        database_id: str,
        change: Callable[[Sequence[str]], Sequence[str]],
        *,
        missing_is_fine: bool = False,
    ) -> None:
        async with self._database.transaction() as tx:
            row = await rows.lock(tx, account_id, RDS.code, database_id)
            if row is None:
                if missing_is_fine:
                    return
                raise RDS.unknown()
            groups = {group.name: group for group in whitelist_of(row)}
            old = groups.get(DEFAULT_GROUP, Group(DEFAULT_GROUP, ()))
            groups[DEFAULT_GROUP] = msgspec.structs.replace(old, entries=tuple(change(old.entries)))
            held = sum(len(group.entries) for group in groups.values())
            if held > RDS.rules.entries and len(groups[DEFAULT_GROUP].entries) > len(old.entries):
                raise RDS.rules.refuse(Refusal.TOO_MANY_ENTRIES)
            await rows.put_whitelist(tx, row.id, msgspec.to_builtins(tuple(groups.values())))
