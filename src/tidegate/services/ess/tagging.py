"""Tags of scaling groups (ess.md 12.9)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from tidegate.services.ess import limits, refusals, scope, values
from tidegate.services.ess.paging import offset_of, token_after
from tidegate.services.ess.ports import Surroundings
from tidegate.services.ess.requests.tags import ListTagResources, ListTags, OnResources, TagResources, UntagResources
from tidegate.services.operation import Call
from tidegate.store.ess import groups
from tidegate.store.ess.records import GroupTag

T = TypeVar("T")
RESOURCE_TYPE = "scalinggroup"
_PAGE = 50  # ess.md 13.2, ASSUMPTION


class TagOf(msgspec.Struct, frozen=True):
    """A tag and the group that has it."""

    group_id: str
    tag: GroupTag


class Tagging:
    """The tags of groups."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    async def put(self, call: Call, request: TagResources) -> None:
        """Give every group every tag; a key that is there gets the new value."""
        new = {tag.key: tag for tag in values.checked_tags(request.tags)}
        async with self._around.database.transaction() as tx:
            for group_id in _checked(request):
                group = await scope.changeable_group(tx, call, group_id, request.region_id)
                merged = {tag.key: tag for tag in group.tags} | new
                if len(merged) > limits.TAGS_PER_GROUP:
                    raise refusals.too_many_tags()
                await groups.set_tags(tx, group.id, list(merged.values()))

    async def remove(self, call: Call, request: UntagResources) -> None:
        """Take tags away: those with the given keys, or all."""
        if not request.tag_keys and not request.all:
            raise refusals.missing("TagKey")
        async with self._around.database.transaction() as tx:
            for group_id in _checked(request):
                group = await scope.changeable_group(tx, call, group_id, request.region_id)
                gone = {tag.key for tag in group.tags} if not request.tag_keys else set(request.tag_keys)
                await groups.set_tags(tx, group.id, [tag for tag in group.tags if tag.key not in gone])

    async def list(self, call: Call, request: ListTagResources) -> tuple[Sequence[TagOf], str]:
        """Return a page of tags with their groups, and the next token."""
        _check_type(request.resource_type)
        if not request.resource_ids and not request.tags:
            raise refusals.missing("ResourceId")
        wanted = [{"key": tag.key} | ({"value": tag.value} if tag.value else {}) for tag in request.tags]
        found = await self._tags(call, request.region_id, request.resource_ids or None, wanted)
        return _page(found, request.next_token, _PAGE)

    async def keys(self, call: Call, request: ListTags) -> tuple[Sequence[str], str]:
        """Return a page of the keys that are in use, and the next token."""
        _check_type(request.resource_type)
        found = {one.tag.key for one in await self._tags(call, request.region_id)}
        return _page(sorted(found), request.next_token, request.page_size)

    async def values(self, call: Call, request: ListTags) -> tuple[Sequence[str], str]:
        """Return a page of the values that a key has, and the next token."""
        _check_type(request.resource_type)
        if not request.key:
            raise refusals.missing("Key")
        found = {one.tag.value for one in await self._tags(call, request.region_id) if one.tag.key == request.key}
        return _page(sorted(found), request.next_token, request.page_size)

    async def _tags(
        self, call: Call, region: str, ids: Sequence[str] | None = None, wanted: Sequence[dict[str, str]] = ()
    ) -> Sequence[TagOf]:
        query = groups.Query(account_id=call.account_id, region=region, ids=ids, tags=wanted)
        async with self._around.database.connection() as db:
            found = await groups.page(db, query, limit=limits.GROUPS_PER_REGION, offset=0)
        return [TagOf(group.id, tag) for group in found for tag in group.tags]


def _checked(request: OnResources) -> Sequence[str]:
    """Return the groups in the order in which they are locked."""
    _check_type(request.resource_type)
    if not request.resource_ids:
        raise refusals.missing("ResourceId")
    if len(request.resource_ids) > limits.PAGE:
        raise refusals.invalid("ResourceId")
    return sorted(set(request.resource_ids))


def _check_type(resource_type: str) -> None:
    if resource_type.lower() != RESOURCE_TYPE:
        raise refusals.invalid("ResourceType")


def _page(found: Sequence[T], token: str | None, size: int) -> tuple[Sequence[T], str]:
    if not 1 <= size <= _PAGE:
        raise refusals.invalid("PageSize")
    offset = offset_of(token)
    page = found[offset : offset + size]
    return page, token_after(offset, len(page), len(found))
