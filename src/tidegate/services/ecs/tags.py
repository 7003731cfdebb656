"""Tags of instances and everything else that can carry them (ecs.md 9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tidegate.services.ecs import faults, limits
from tidegate.services.ecs.cursors import read_cursor, write_cursor
from tidegate.store.database import Database
from tidegate.store.ecs import instances as instance_rows
from tidegate.store.ecs import networks as network_rows
from tidegate.store.ecs import tags as rows
from tidegate.store.ecs.attachments import DISKS, EIPS, INTERFACES
from tidegate.store.ecs.security import KEY_PAIRS
from tidegate.store.ecs.shelf import Shelf
from tidegate.store.ecs.snapshots import IMAGES, POLICIES, SNAPSHOTS
from tidegate.store.ecs.tags import Tag

if TYPE_CHECKING:
    from tidegate.store.database import Connection

#: Prefixes that only the cloud's own services may use.
_SYSTEM_PREFIXES = ("aliyun", "acs:")
#: Where the things are that can carry tags, by type.
_SHELVES: Mapping[str, Shelf[Any]] = {
    "eni": INTERFACES,
    "image": IMAGES,
    "snapshot": SNAPSHOTS,
    "snapshotpolicy": POLICIES,
    "keypair": KEY_PAIRS,
    "eip": EIPS,
    "disk": DISKS,
}
#: Types that can carry tags here, as written in answers; requests are compared ignoring case.
RESOURCE_TYPES = ("instance", "securitygroup", *_SHELVES)


def resource_type(word: str) -> str:
    """Return the known spelling of a resource type; raises InvalidResourceType.NotFound."""
    lowered = word.lower()
    if lowered not in RESOURCE_TYPES:
        raise faults.bad("InvalidResourceType.NotFound")
    return lowered


def check_tags(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return user-given tags as a mapping; raises for too many, malformed, reserved or repeated ones."""
    if len(pairs) > limits.TAGS_PER_RESOURCE:
        raise faults.bad("InvalidTagCount")
    tags: dict[str, str] = {}
    for key, value in pairs:
        if not key or not _is_text(key) or key.lower().startswith(_SYSTEM_PREFIXES):
            raise faults.bad("InvalidTagKey.Malformed")
        if not _is_text(value):
            raise faults.bad("InvalidTagValue.Malformed")
        if key in tags:
            raise faults.bad("Duplicate.TagKey")
        tags[key] = value
    return tags


def _is_text(text: str) -> bool:
    return len(text) <= limits.TAG_TEXT and "http://" not in text and "https://" not in text


class Tags:
    """Puts tags on things, takes them off, and finds things by them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, account_id: str, region: str, kind: str, ids: Sequence[str], tags: Mapping[str, str]) -> None:
        """Give every resource every tag; raises when one is unknown or would have too many."""
        async with self._database.transaction() as tx:
            await self._check(tx, account_id, region, kind, ids)
            fullest = await rows.most_tags(tx, kind, ids, keys=list(tags), prefixes=_SYSTEM_PREFIXES)
            if fullest + len(tags) > limits.TAGS_PER_RESOURCE:
                raise faults.bad("InvalidTagCount")
            await rows.put(tx, account_id, region, kind, ids=ids, tags=tags)
            await self._changed(tx, kind, ids)

    async def remove(
        self, account_id: str, region: str, kind: str, ids: Sequence[str], keys: Sequence[str] | None
    ) -> None:
        """Take tags with these keys off the resources; None: all that users may put there."""
        async with self._database.transaction() as tx:
            await self._check(tx, account_id, region, kind, ids)
            await rows.remove(tx, kind, ids, keys, prefixes=_SYSTEM_PREFIXES)
            await self._changed(tx, kind, ids)

    async def _check(self, tx: Connection, account_id: str, region: str, kind: str, ids: Sequence[str]) -> None:
        if not ids:
            raise faults.missing_parameter("ResourceId")
        if len(ids) > limits.RESOURCES_PER_TAGGING:
            raise faults.invalid_parameter("ResourceId")
        if set(ids) - await self._known(tx, account_id, region, kind, ids):
            raise faults.not_found("InvalidResourceId")

    async def _known(self, tx: Connection, account_id: str, region: str, kind: str, ids: Sequence[str]) -> set[str]:
        """Return which of the ids are the account's; instances are locked, so that they stay."""
        match kind:
            case "instance":
                locked = await instance_rows.lock(tx, account_id, ids)
                return {one.id for one in locked.values() if one.region == region}
            case _ if kind in _SHELVES:
                return set(await _SHELVES[kind].find(tx, account_id, region, ids))
            case _:
                return {one.id for one in await network_rows.security_groups(tx, account_id, region)}

    async def _changed(self, tx: Connection, kind: str, ids: Sequence[str]) -> None:
        if kind == "instance":
            await instance_rows.touch(tx, ids)

    async def page(
        self,
        account_id: str,
        region: str,
        kind: str,
        *,
        ids: Sequence[str] | None,
        wanted: Sequence[tuple[str, str | None]],
        token: str,
        size: int,
    ) -> tuple[list[Tag], str]:
        """Return up to ``size`` tags of these resources, or of those that carry all ``wanted`` ones, and what follows."""
        after = read_cursor(token, 2) if token else None
        async with self._database.connection() as tx:
            found = await rows.page(
                tx,
                account_id,
                region,
                kind,
                ids=ids,
                wanted=wanted,
                after=after,
                count=size + 1,
            )
        page = found[:size]
        return page, write_cursor(page[-1].resource_id, page[-1].key) if len(found) > size else ""
