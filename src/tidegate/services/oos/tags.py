"""Tags of templates, executions and parameters (oos.md 8.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tidegate.services.oos import errors, limits
from tidegate.services.oos.paging import Page, Part
from tidegate.services.operation import Call, invalid_parameter
from tidegate.store.database import Database
from tidegate.store.oos import tags as rows
from tidegate.store.oos.tags import Tag, Where

_RESERVED = ("aliyun", "acs:")


class Tags:
    """The tags of all resources. Templates and parameters are named by their names, executions by their ids."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tag(self, call: Call, kind: str, ids: Sequence[str], tags: Mapping[str, str]) -> None:
        """Give every one of these resources every tag, or none of them any."""
        _check_tags(tags)
        await self._change(call, kind, ids, lambda old: {**old, **tags})

    async def untag(self, call: Call, kind: str, ids: Sequence[str], keys: Sequence[str] | None) -> None:
        """Take tags with these keys off the resources; None: all of them."""
        await self._change(
            call, kind, ids, lambda old: {key: old[key] for key in old if keys is not None and key not in keys}
        )

    async def list(
        self, call: Call, kind: str, ids: Sequence[str] | None, with_tags: Mapping[str, str], page: Page
    ) -> Part[Tag]:
        """Return one page of tags, by resource and key."""
        where = _where(call, kind)
        async with self._database.connection() as connection:
            return page.part(
                await rows.tags_of(
                    connection, where, ids=ids, with_tags=with_tags, offset=page.offset, limit=page.size + 1
                )
            )

    async def keys(self, call: Call, kind: str, page: Page) -> Part[str]:
        """Return one page of the keys in use."""
        where = _where(call, kind)
        async with self._database.connection() as connection:
            return page.part(await rows.keys(connection, where, offset=page.offset, limit=page.size + 1))

    async def values(self, call: Call, kind: str, key: str, page: Page) -> Part[str]:
        """Return one page of the values in use for a key."""
        where = _where(call, kind)
        async with self._database.connection() as connection:
            return page.part(await rows.values(connection, where, key, offset=page.offset, limit=page.size + 1))

    async def _change(
        self, call: Call, kind: str, ids: Sequence[str], change: Callable[[Mapping[str, str]], Mapping[str, str]]
    ) -> None:
        where = _where(call, kind)
        if not 1 <= len(ids) <= limits.TAGGED:
            raise invalid_parameter("ResourceIds")
        async with self._database.transaction() as tx:
            found = await rows.lock(tx, where, ids)
            for resource_id in ids:
                if resource_id not in found:
                    raise errors.resource_not_found(resource_id)
            for resource_id, old in found.items():
                changed = change(old)
                if len(changed) > limits.TAGS:
                    raise invalid_parameter("Tags")
                await rows.put(tx, where, resource_id, changed)


def _where(call: Call, kind: str) -> Where:
    if kind.lower() not in rows.TYPES:
        raise invalid_parameter("ResourceType")
    return Where(call.account_id, call.region, kind.lower())


def _check_tags(tags: Mapping[str, str]) -> None:
    """Refuse tags that none may have. ASSUMPTION: the rules that ECS documents."""
    for key, value in tags.items():
        is_reserved = key.lower().startswith(_RESERVED)
        if not 1 <= len(key) <= limits.TAG_TEXT or len(value) > limits.TAG_TEXT or is_reserved:
            raise invalid_parameter("Tags")
    if not 1 <= len(tags) <= limits.TAGS:
        raise invalid_parameter("Tags")
