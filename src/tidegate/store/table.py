"""A table of records: rows in, records out, any number in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

if TYPE_CHECKING:
    from tidegate.store.database import Connection

RecordT = TypeVar("RecordT", bound=msgspec.Struct)


class Table(Generic[RecordT]):
    """One table and its record type; the record's fields are the table's columns.

    Records travel as one json array, so a hundred of them cost one round trip. ``generated`` names columns that the
    database fills in.
    """

    def __init__(self, record: type[RecordT], name: str, *, key: str = "id", generated: Sequence[str] = ()) -> None:
        own = [field for field in record.__struct_fields__ if field not in generated]
        given = f"from json_populate_recordset(null::{name}, $1::json) given"
        moved = [field for field in own if field != key]
        self.name = name
        self._record = record
        self._records: Any = list[record]  # type: ignore[valid-type]
        self._rows = f"select {', '.join(record.__struct_fields__)} from {name} "
        self._count = f"select count(*) from {name} "
        self._add = f"insert into {name} ({', '.join(own)}) select {', '.join(own)} {given}"
        self._write = (
            f"update {name} old set ({', '.join(moved)}) = row({', '.join(f'given.{field}' for field in moved)}) "
            f"{given} where old.{key} = given.{key}"
        )

    async def one(self, db: Connection, condition: str, *args: Any) -> RecordT | None:
        """Return the first row that ``condition`` (``where … [for update]``) leaves, None when there is none."""
        row = await db.fetchrow(self._rows + condition, *args)
        return None if row is None else msgspec.convert(dict(row), self._record)

    async def every(self, db: Connection, condition: str, *args: Any) -> list[RecordT]:
        """Return all rows that ``condition`` leaves, in its order."""
        rows = await db.fetch(self._rows + condition, *args)
        found: list[RecordT] = msgspec.convert([dict(row) for row in rows], self._records)
        return found

    async def count(self, db: Connection, condition: str, *args: Any) -> int:
        """Return how many rows ``condition`` leaves."""
        return int(await db.fetchval(self._count + condition, *args))

    async def add(self, db: Connection, *records: RecordT, unless_there: bool = False) -> int:
        """Write new rows and return how many; with ``unless_there`` those that exist already are left alone."""
        tag = await db.execute(self._add + (" on conflict do nothing" if unless_there else ""), records)
        return int(tag.rpartition(" ")[2])

    async def write(self, db: Connection, *records: RecordT) -> None:
        """Write the new state of existing rows."""
        await db.execute(self._write, records)

    async def remove(self, db: Connection, condition: str, *args: Any) -> int:
        """Delete the rows that ``condition`` leaves and return how many."""
        tag = await db.execute(f"delete from {self.name} {condition}", *args)
        return int(tag.rpartition(" ")[2])
