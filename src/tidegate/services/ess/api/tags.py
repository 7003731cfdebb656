"""Tags of groups (ess.md 12.9)."""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.services.ess.api.product import ess
from tidegate.services.ess.requests.tags import ListTagResources, ListTags, OnResources, TagResources, UntagResources
from tidegate.services.ess.service import Ess
from tidegate.services.ess.tagging import RESOURCE_TYPE
from tidegate.services.operation import Answer, Call, Done


class TagResource(Answer, kw_only=True):
    """A tag and what has it."""

    resource_id: str
    resource_type: str
    tag_key: str
    tag_value: str
    propagate: bool


class TagResourcePage(Answer):
    """A page of tags."""

    tag_resources: list[TagResource]
    next_token: str


class KeyPage(Answer):
    """A page of tag keys."""

    keys: Sequence[str]
    next_token: str


class ValuePage(Answer):
    """A page of tag values."""

    values: Sequence[str]
    next_token: str


def _groups(_service: Ess, _call: Call, request: OnResources) -> Sequence[str]:
    return [f"scalinggroup/{group_id}" for group_id in request.resource_ids]


@ess.operation("TagResources", on=_groups)
async def tag_resources(service: Ess, call: Call, request: TagResources) -> Done:
    """Tag groups."""
    await service.tagging.put(call, request)
    return Done()


@ess.operation("UntagResources", on=_groups)
async def untag_resources(service: Ess, call: Call, request: UntagResources) -> Done:
    """Take tags off groups."""
    await service.tagging.remove(call, request)
    return Done()


@ess.operation("ListTagResources", on=_groups)
async def list_tag_resources(service: Ess, call: Call, request: ListTagResources) -> TagResourcePage:
    """List tags and their groups."""
    found, token = await service.tagging.list(call, request)
    return TagResourcePage(
        [
            TagResource(
                resource_id=one.group_id,
                resource_type=RESOURCE_TYPE,
                tag_key=one.tag.key,
                tag_value=one.tag.value,
                propagate=one.tag.propagate,
            )
            for one in found
        ],
        token,
    )


@ess.operation("ListTagKeys")
async def list_tag_keys(service: Ess, call: Call, request: ListTags) -> KeyPage:
    """List tag keys."""
    return KeyPage(*await service.tagging.keys(call, request))


@ess.operation("ListTagValues")
async def list_tag_values(service: Ess, call: Call, request: ListTags) -> ValuePage:
    """List the values of a tag key."""
    return ValuePage(*await service.tagging.values(call, request))
