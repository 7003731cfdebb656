"""TagResources, UntagResources, ListTagResources."""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.services.kvstore import errors, limits
from tidegate.services.kvstore.api.product import kvstore
from tidegate.services.kvstore.model import check_tags
from tidegate.services.kvstore.service import Kvstore
from tidegate.services.operation import Call, Done
from tidegate.services.tagging import (
    ListTagResourcesAnswer,
    ListTagResourcesRequest,
    OnResources,
    TagResource,
    TagResources,
    TagResourcesRequest,
    UntagResourcesRequest,
)

_TYPE = "INSTANCE"


def _resources(_service: Kvstore, _call: Call, request: OnResources) -> Sequence[str]:
    return [f"instance/{one}" for one in request.resource_id or "*"]


@kvstore.operation("TagResources", on=_resources)
async def tag_resources(service: Kvstore, call: Call, request: TagResourcesRequest) -> Done:
    """Put tags on instances."""
    _check_resources(request.resource_type, request.resource_id)
    if not request.tag:
        raise errors.missing_parameter("Tag")
    tags = check_tags((tag.key, tag.value) for tag in request.tag)
    await service.instances.tag(call, request.resource_id, tags)
    return Done()


@kvstore.operation("UntagResources", on=_resources)
async def untag_resources(service: Kvstore, call: Call, request: UntagResourcesRequest) -> Done:
    """Take tags off instances: those named, or all."""
    _check_resources(request.resource_type, request.resource_id)
    if not request.tag_key and not request.all:
        raise errors.missing_parameter("TagKey")
    await service.instances.untag(call, request.resource_id, request.tag_key or None)
    return Done()


@kvstore.operation("ListTagResources", on=_resources)
async def list_tag_resources(service: Kvstore, call: Call, request: ListTagResourcesRequest) -> ListTagResourcesAnswer:
    """List the tags of instances, named or found by their tags, by instance and key."""
    if request.resource_type.upper() != _TYPE:
        raise errors.unknown_resource_type()
    if not request.resource_id and not request.tag:
        raise errors.missing_parameter("ResourceId")
    found = [
        TagResource(one.id, _TYPE, key, value)
        for one in await service.instances.of_account(call.account_id, call.region)
        if (not request.resource_id or one.id in request.resource_id)
        and all(tag.key in one.tags and tag.value in (None, one.tags[tag.key]) for tag in request.tag)
        for key, value in one.tags.items()
    ]
    found.sort(key=lambda row: (row.resource_id, row.tag_key))
    rest = [row for row in found if f"{row.resource_id} {row.tag_key}" > request.next_token]
    page = rest[: limits.TAG_PAGE_SIZE]
    following = f"{page[-1].resource_id} {page[-1].tag_key}" if len(rest) > len(page) else ""
    return ListTagResourcesAnswer(TagResources(page), following)


def _check_resources(kind: str, ids: Sequence[str]) -> None:
    if kind.upper() != _TYPE:
        raise errors.unknown_resource_type()
    if not ids:
        raise errors.missing_parameter("ResourceId")
    if len(ids) > limits.TAGGED:
        raise errors.invalid_parameter("ResourceId")
