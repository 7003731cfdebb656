"""What RAM decided about the calls of executions: written in bulk, a bounded number kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from tidegate.store.database import Connection

#: How many are kept, of all executions together.
MOST = 100_000


class DecisionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One decision; ``policy`` and ``statement`` are empty where no statement spoke of the action."""

    session: str
    at: datetime
    action: str
    resource: str
    kind: str
    policy: str
    policy_type: str
    statement: int | None


_FIELDS = ", ".join(DecisionRow.__struct_fields__)


async def add(tx: Connection, rows: Sequence[DecisionRow]) -> None:
    """Write decisions and forget those that are too many. Not worth waiting for the disk."""
    await tx.execute("set local synchronous_commit = off")
    marks = ", ".join(f"${n}" for n in range(1, len(DecisionRow.__struct_fields__) + 1))
    await tx.executemany(
        f"insert into ram_decision ({_FIELDS}) values ({marks})", [msgspec.structs.astuple(row) for row in rows]
    )
    await tx.execute("delete from ram_decision where id <= (select max(id) from ram_decision) - $1", MOST)


async def of_sessions(connection: Connection, sessions: Sequence[str], limit: int) -> list[DecisionRow]:
    """Return the decisions in these sessions, in the order in which they were made."""
    rows = await connection.fetch(
        f"select {_FIELDS} from ram_decision where session = any($1) order by id limit $2", list(sessions), limit
    )
    return [DecisionRow(**row) for row in rows]
