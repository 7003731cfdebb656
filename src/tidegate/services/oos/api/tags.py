"""Operations on tags of templates, executions and parameters (oos.md 8.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tidegate.services.oos.api.product import Paged, PagedAnswer, oos, tags_of, token
from tidegate.services.oos.paging import Page
from tidegate.services.oos.service import Oos
from tidegate.services.operation import Answer, Call, Done, Request, invalid_parameter, missing_parameter
from tidegate.wire.shapes import JsonText


class TagResourcesRequest(Request):
    """Tags for resources."""

    resource_type: str
    resource_ids: JsonText[list[str]]
    tags: JsonText[dict[str, str]]


class UntagResourcesRequest(Request, kw_only=True):
    """Tags to be taken off resources."""

    resource_type: str
    resource_ids: JsonText[list[str]]
    tag_keys: JsonText[list[str]] | None = None
    all: bool = False


class ListTagResourcesRequest(Request, kw_only=True):
    """Whose tags: of resources by id, by tags, or both."""

    resource_type: str
    resource_ids: JsonText[list[str]] | None = None
    tags: JsonText[dict[str, str]] | None = None
    next_token: str | None = None


class ListTagKeysRequest(Paged, kw_only=True):
    """Of which type of resources."""

    resource_type: str


class ListTagValuesRequest(Paged, kw_only=True):
    """Of which key."""

    resource_type: str
    key: str


class TagItem(Answer):
    """One tag of one resource."""

    resource_id: str
    resource_type: str
    tag_key: str
    tag_value: str


class TagItems(Answer):
    """Tags."""

    tag_resource: Sequence[TagItem]


class ListTagResourcesAnswer(Answer):
    """Part of the tags."""

    tag_resources: TagItems
    next_token: str


class ListTagKeysAnswer(PagedAnswer, kw_only=True):
    """Part of the keys."""

    keys: Sequence[str]


class ListTagValuesAnswer(PagedAnswer, kw_only=True):
    """Part of the values."""

    values: Sequence[str]


def _resources(_service: Oos, _call: Call, request: Any) -> Sequence[str]:
    return [f"{request.resource_type.lower()}/{one}" for one in request.resource_ids or "*"]


def _all_of_type(_service: Oos, _call: Call, request: Any) -> Sequence[str]:
    return [f"{request.resource_type.lower()}/*"]


@oos.operation("TagResources", on=_resources)
async def tag_resources(service: Oos, call: Call, request: TagResourcesRequest) -> Done:
    """Put tags on resources."""
    await service.tags.tag(call, request.resource_type, request.resource_ids, request.tags)
    return Done()


@oos.operation("UntagResources", on=_resources)
async def untag_resources(service: Oos, call: Call, request: UntagResourcesRequest) -> Done:
    """Take tags off resources: those named, or all."""
    if not request.tag_keys and not request.all:
        raise missing_parameter("TagKeys")
    # ASSUMPTION: keys that are named win over All.
    await service.tags.untag(call, request.resource_type, request.resource_ids, request.tag_keys or None)
    return Done()


@oos.operation("ListTagResources", on=_resources)
async def list_tag_resources(service: Oos, call: Call, request: ListTagResourcesRequest) -> ListTagResourcesAnswer:
    """List the tags of resources, named or found by their tags, by resource and key."""
    if not request.resource_ids and not request.tags:
        raise invalid_parameter("ResourceIds")
    part = await service.tags.list(
        call,
        request.resource_type,
        request.resource_ids or None,
        tags_of(request.tags),
        Page.read(None, request.next_token),
    )
    kind = request.resource_type.lower()
    items = [TagItem(tag.resource_id, kind, tag.key, tag.value) for tag in part.items]
    return ListTagResourcesAnswer(TagItems(items), part.next_token or "")


@oos.operation("ListTagKeys", on=_all_of_type)
async def list_tag_keys(service: Oos, call: Call, request: ListTagKeysRequest) -> ListTagKeysAnswer:
    """List the keys that resources of a type carry."""
    part = await service.tags.keys(call, request.resource_type, Page.read(request.max_results, request.next_token))
    return ListTagKeysAnswer(keys=part.items, max_results=part.size, next_token=token(part.next_token))


@oos.operation("ListTagValues", on=_all_of_type)
async def list_tag_values(service: Oos, call: Call, request: ListTagValuesRequest) -> ListTagValuesAnswer:
    """List the values that resources of a type carry under a key."""
    part = await service.tags.values(
        call, request.resource_type, request.key, Page.read(request.max_results, request.next_token)
    )
    return ListTagValuesAnswer(values=part.items, max_results=part.size, next_token=token(part.next_token))
