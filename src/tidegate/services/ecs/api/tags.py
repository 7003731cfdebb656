"""Operations about tags, the present ones and the older pair (ecs.md 9)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tidegate.services.ecs import limits
from tidegate.services.ecs.api.product import ecs, region_of, vpc
from tidegate.services.ecs.service import Ecs
from tidegate.services.ecs.tags import check_tags, resource_type
from tidegate.services.operation import Call, Done, Request, invalid_parameter, missing_parameter
from tidegate.services.tagging import (
    ListTagResourcesAnswer,
    ListTagResourcesRequest,
    OnResources,
    Tag,
    TagResource,
    TagResources,
    TagResourcesRequest,
    UntagResourcesRequest,
)


class ListPage(ListTagResourcesRequest):
    """Whose tags are wanted, and how many at a time."""

    max_results: int = 50


def _resources(_service: Ecs, _call: Call, request: OnResources) -> Sequence[str]:
    kind = request.resource_type.lower()
    return [f"{kind}/{one}" for one in request.resource_id or "*"]


@ecs.operation("TagResources", on=_resources)
async def tag_resources(service: Ecs, call: Call, request: TagResourcesRequest) -> Done:
    """Put tags on resources."""
    kind = resource_type(request.resource_type)
    if not request.tag:
        raise missing_parameter("Tag")
    tags = check_tags([(tag.key, tag.value) for tag in request.tag])
    await service.tags.put(call.account_id, region_of(call), kind, request.resource_id, tags)
    return Done()


@ecs.operation("UntagResources", on=_resources)
async def untag_resources(service: Ecs, call: Call, request: UntagResourcesRequest) -> Done:
    """Take tags off resources: those named, or all."""
    kind = resource_type(request.resource_type)
    if not request.tag_key and not request.all:
        raise missing_parameter("TagKey")
    keys = request.tag_key or None
    await service.tags.remove(call.account_id, region_of(call), kind, request.resource_id, keys)
    return Done()


@ecs.operation("ListTagResources", on=_resources)
async def list_tag_resources(service: Ecs, call: Call, request: ListPage) -> ListTagResourcesAnswer:
    """List the tags of resources, named or found by their tags."""
    return await _list_tags(service, call, request, resource_type(request.resource_type))


async def _list_tags(service: Ecs, call: Call, request: ListPage, kind: str) -> ListTagResourcesAnswer:
    if not request.resource_id and not request.tag:
        raise missing_parameter("ResourceId")
    if len(request.resource_id) > limits.RESOURCES_PER_TAGGING:
        raise invalid_parameter("ResourceId")
    if not 1 <= request.max_results <= limits.PAGE_MAX:
        raise invalid_parameter("MaxResults")
    found, token = await service.tags.page(
        call.account_id,
        region_of(call),
        kind,
        ids=request.resource_id or None,
        wanted=[(tag.key, tag.value) for tag in request.tag],
        token=request.next_token,
        size=request.max_results,
    )
    rows = [TagResource(one.resource_id, one.resource_type, one.key, one.value) for one in found]
    return ListTagResourcesAnswer(TagResources(rows), token)


class OldTagsRequest(Request):
    """Tags for one resource, or to be taken off it."""

    resource_type: str
    resource_id: str
    tag: list[Tag] = msgspec.field(default_factory=list)


def _resource(_service: Ecs, _call: Call, request: OldTagsRequest) -> Sequence[str]:
    return [f"{request.resource_type.lower()}/{request.resource_id}"]


@ecs.operation("AddTags", on=_resource)
async def add_tags(service: Ecs, call: Call, request: OldTagsRequest) -> Done:
    """Put tags on one resource (the older TagResources)."""
    kind = resource_type(request.resource_type)
    tags = check_tags([(tag.key, tag.value) for tag in request.tag])
    await service.tags.put(call.account_id, region_of(call), kind, [request.resource_id], tags)
    return Done()


@ecs.operation("RemoveTags", on=_resource)
async def remove_tags(service: Ecs, call: Call, request: OldTagsRequest) -> Done:
    """Take tags off one resource (the older UntagResources)."""
    kind = resource_type(request.resource_type)
    keys = [tag.key for tag in request.tag]
    await service.tags.remove(call.account_id, region_of(call), kind, [request.resource_id], keys)
    return Done()


# ---- the same of VPC, whose types are written in capitals ----------------------------------------------------------------

#: Types of VPC that can carry tags here.
_VPC_TYPES = ("EIP",)


def _vpc_kind(word: str) -> str:
    if word.upper() not in _VPC_TYPES:
        raise invalid_parameter("ResourceType")
    return word.lower()


@vpc.operation("TagResources", on=_resources)
async def tag_vpc_resources(service: Ecs, call: Call, request: TagResourcesRequest) -> Done:
    """Put tags on elastic addresses."""
    kind = _vpc_kind(request.resource_type)
    if not request.tag:
        raise missing_parameter("Tag")
    tags = check_tags([(tag.key, tag.value) for tag in request.tag])
    await service.tags.put(call.account_id, region_of(call), kind, request.resource_id, tags)
    return Done()


@vpc.operation("UnTagResources", on=_resources)
async def untag_vpc_resources(service: Ecs, call: Call, request: UntagResourcesRequest) -> Done:
    """Take tags off elastic addresses: those named, or all."""
    kind = _vpc_kind(request.resource_type)
    if not request.tag_key and not request.all:
        raise missing_parameter("TagKey")
    await service.tags.remove(call.account_id, region_of(call), kind, request.resource_id, request.tag_key or None)
    return Done()


@vpc.operation("ListTagResources", on=_resources)
async def list_vpc_tag_resources(service: Ecs, call: Call, request: ListPage) -> ListTagResourcesAnswer:
    """List the tags of elastic addresses, named or found by their tags."""
    kind = _vpc_kind(request.resource_type)
    answer = await _list_tags(service, call, request, kind)
    shown = [msgspec.structs.replace(one, resource_type=kind.upper()) for one in answer.tag_resources.tag_resource]
    return ListTagResourcesAnswer(TagResources(shown), answer.next_token)
