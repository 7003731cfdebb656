"""What Describe calls about instances read: pages by number or by token, each instance encoded once for each version."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from tidegate.services.ecs import faults
from tidegate.services.ecs.cursors import read_cursor, write_cursor
from tidegate.services.ecs.rendering import Renderings
from tidegate.services.ecs.states import Status, shown
from tidegate.store.database import Database
from tidegate.store.ecs import attachments
from tidegate.store.ecs import instances as rows
from tidegate.store.ecs import tags as tag_rows
from tidegate.store.ecs.attachments import NOTHING_BOUND
from tidegate.store.ecs.instances import Query

if TYPE_CHECKING:
    from tidegate.store.database import Connection


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Encoded instances, how many there are in all, and the token of what follows."""

    instances: list[msgspec.Raw]
    total: int
    next_token: str = ""


class Listing:
    """Reads instances for Describe calls."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._renderings = Renderings()

    async def page(self, query: Query, *, number: int, size: int) -> Page:
        """Return one numbered page, newest instances first."""
        async with self._database.connection() as tx:
            found, total = await rows.page(tx, query, offset=(number - 1) * size, count=size)
            return Page(instances=await self._rendered(tx, found), total=total)

    async def page_after(self, query: Query, *, token: str, size: int) -> Page:
        """Return the page that ``token`` (empty: the first) stands for, newest instances first."""
        after = _position(token) if token else None
        async with self._database.connection() as tx:
            found = await rows.page_after(tx, query, after=after, count=size + 1)
            total = await rows.count(tx, query)
            shown_now = found[:size]
            last = shown_now[-1] if len(found) > size else None
            return Page(
                instances=await self._rendered(tx, [(row[0], row[1]) for row in shown_now]),
                total=total,
                next_token="" if last is None else write_cursor(last[2].isoformat(), last[0]),
            )

    async def _rendered(self, tx: Connection, found: Sequence[tuple[str, int]]) -> list[msgspec.Raw]:
        """Return the encoded instances in order, reading only those that are not remembered at this version."""
        known = {row[0]: self._renderings.get(*row) for row in found}
        missing = [instance_id for instance_id, rendering in known.items() if rendering is None]
        if missing:
            tags = await tag_rows.of_resources(tx, "instance", missing)
            bound = await attachments.of_instances(tx, missing)
            for instance in await rows.by_ids(tx, missing):
                known[instance.id] = self._renderings.put(
                    instance, tags.get(instance.id, {}), bound.get(instance.id, NOTHING_BOUND)
                )
        return [rendering for rendering in known.values() if rendering is not None]

    async def statuses(self, query: Query, *, number: int, size: int) -> tuple[list[tuple[str, str]], int]:
        """Return (id, status shown) of one numbered page, and how many there are in all."""
        async with self._database.connection() as tx:
            found, total = await rows.page(tx, query, offset=(number - 1) * size, count=size)
            wanted = msgspec.structs.replace(query, ids=[row[0] for row in found])
            status = {one.id: shown(Status(one.status)) for one in await rows.summaries(tx, wanted)}
        return [(row[0], status[row[0]]) for row in found if row[0] in status], total


def _position(token: str) -> tuple[datetime, str]:
    """Return when the last instance seen was made, and its id."""
    moment, instance_id = read_cursor(token, 2)
    try:
        return datetime.fromisoformat(moment).astimezone(UTC), instance_id
    except ValueError as error:
        raise faults.invalid_parameter("NextToken") from error
