"""Who is told about the activities of a group."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from tidegate.store.database import Connection


Encoding = Literal["Base64", "PlainText"]


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """A notification configuration: one receiver of one group."""

    group_id: str
    arn: str
    types: list[str]
    encoding: Encoding
    time_zone: str
    created_at: datetime


_FIELDS = Notification.__struct_fields__
_COLUMNS = ", ".join(_FIELDS)


async def of_group(db: Connection, group_id: str) -> Sequence[Notification]:
    """Return the configurations of a group, oldest first."""
    rows = await db.fetch(f"select {_COLUMNS} from ess_notification where group_id = $1 order by position", group_id)
    return [Notification(**row) for row in rows]


async def add(tx: Connection, wanted: Notification) -> bool:
    """Write a configuration. False: the receiver has one already."""
    tag = await tx.execute(
        f"insert into ess_notification ({_COLUMNS}) values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
        *msgspec.structs.astuple(wanted),
    )
    return bool(tag != "INSERT 0 0")


async def write(tx: Connection, wanted: Notification) -> None:
    """Write what a receiver wants from now on."""
    await tx.execute(
        "update ess_notification set types = $3, encoding = $4, time_zone = $5 where group_id = $1 and arn = $2",
        wanted.group_id,
        wanted.arn,
        wanted.types,
        wanted.encoding,
        wanted.time_zone,
    )


async def remove(tx: Connection, group_id: str, arn: str) -> bool:
    """Delete a configuration. False: there was none."""
    return bool(
        await tx.fetchval("delete from ess_notification where group_id = $1 and arn = $2 returning true", group_id, arn)
    )
