"""What the queries of RAM have in common: rows to records, and tables of things with a name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

if TYPE_CHECKING:
    from tidegate.store.database import Connection


RecordT = TypeVar("RecordT", bound=msgspec.Struct)


async def one(db: Connection, record: type[RecordT], query: str, *args: Any) -> RecordT | None:
    """Return the first row as a record, None when there is no row."""
    row = await db.fetchrow(query, *args)
    return None if row is None else record(**row)


async def every(db: Connection, record: type[RecordT], query: str, *args: Any) -> list[RecordT]:
    """Return all rows as records."""
    return [record(**row) for row in await db.fetch(query, *args)]


async def insert(db: Connection, table: str, record: msgspec.Struct) -> None:
    """Write a new row; the record has the fields of the table."""
    fields = record.__struct_fields__
    places = ", ".join(f"${number}" for number in range(1, len(fields) + 1))
    statement = f"insert into {table} ({', '.join(fields)}) values ({places})"
    await db.execute(statement, *msgspec.structs.astuple(record))


class Named(Generic[RecordT]):
    """A table of things that have a name within their account: users, groups, roles, policies.

    ``name`` is the column of the name, ``key`` the primary one beside the account. With ``fold`` names are compared
    ignoring case.
    """

    def __init__(self, record: type[RecordT], table: str, *, key: str, name: str, fold: bool = False) -> None:
        fields = record.__struct_fields__
        settings = ", ".join(f"{field} = ${number}" for number, field in enumerate(fields, 1))
        this = " and ".join(f"{field} = ${fields.index(field) + 1}" for field in ("account_id", key))
        same_name = f"lower({name}) = lower($2)" if fold else f"{name} = $2"
        rows = f"from {table} where account_id = $1"
        self._record = record
        self._table = table
        self._find = f"select * {rows} and {same_name}"
        self._by_key = f"select * {rows} and {key} = any($2)"
        self._page = f"select * {rows} and {name} > $2 order by {name} limit $3"
        self._count = f"select count(*) {rows}"
        self._update = f"update {table} set {settings} where {this}"
        self._remove = f"delete {rows} and {key} = $2"

    async def find(self, db: Connection, account: str, name: str) -> RecordT | None:
        """Return the one of that name."""
        return await one(db, self._record, self._find, account, name)

    async def by_key(self, db: Connection, account: str, keys: Sequence[str]) -> list[RecordT]:
        """Return those of ``keys`` that exist, in no order."""
        return await every(db, self._record, self._by_key, account, list(keys))

    async def page(self, db: Connection, account: str, after: str, limit: int) -> list[RecordT]:
        """Return up to ``limit`` by name, beginning after the name ``after``."""
        return await every(db, self._record, self._page, account, after, limit)

    async def count(self, db: Connection, account: str) -> int:
        """Count those of an account."""
        return int(await db.fetchval(self._count, account))

    async def add(self, db: Connection, record: RecordT) -> None:
        """Make one."""
        await insert(db, self._table, record)

    async def update(self, db: Connection, record: RecordT) -> None:
        """Write the new state of one; safe as a whole because changes of RAM come one at a time."""
        await db.execute(self._update, *msgspec.structs.astuple(record))

    async def remove(self, db: Connection, account: str, key: str) -> None:
        """Remove one that has nothing left."""
        await db.execute(self._remove, account, key)
