"""How tags look on the wire in most products: in requests, in answers, and in the three operations about them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tidegate.services.operation import Answer, Request


class Tag(Request):
    """A tag as requests spell it."""

    key: str = ""
    value: str = ""


class TagFilter(Request):
    """A tag that is looked for; without a value any will do."""

    key: str = ""
    value: str | None = None


class TagItem(Answer):
    """A tag of something."""

    key: str
    value: str


class TagItems(Answer):
    """The tags of something."""

    tag: Sequence[TagItem]


class OnResources(Request):
    """Resources of one type."""

    resource_type: str
    resource_id: list[str] = msgspec.field(default_factory=list)


class TagResourcesRequest(OnResources):
    """Tags for resources."""

    tag: list[Tag] = msgspec.field(default_factory=list)


class UntagResourcesRequest(OnResources):
    """Tags to be taken off resources: those named, or all. ASSUMPTION: keys that are named win over All."""

    tag_key: list[str] = msgspec.field(default_factory=list)
    all: bool = False


class ListTagResourcesRequest(OnResources):
    """Whose tags are wanted."""

    tag: list[TagFilter] = msgspec.field(default_factory=list)
    next_token: str = ""


class TagResource(Answer):
    """One tag of one resource."""

    resource_id: str
    resource_type: str
    tag_key: str
    tag_value: str


class TagResources(Answer):
    """Tags of resources."""

    tag_resource: Sequence[TagResource]


class ListTagResourcesAnswer(Answer):
    """One page of tags."""

    tag_resources: TagResources
    next_token: str
