"""Tags (ess.md 12.9)."""

from __future__ import annotations

from tidegate.services.ess.requests.shape import Tag
from tidegate.services.operation import Request


class OnResources(Request, kw_only=True):
    """ResourceType is ``scalinggroup``."""

    region_id: str
    resource_type: str
    resource_ids: tuple[str, ...] = ()


class TagResources(OnResources, kw_only=True):
    """TagResources."""

    tags: list[Tag]


class UntagResources(OnResources, kw_only=True):
    """UntagResources."""

    tag_keys: tuple[str, ...] = ()
    all: bool = False


class ListTagResources(OnResources, kw_only=True):
    """ListTagResources."""

    tags: tuple[Tag, ...] = ()
    next_token: str | None = None


class ListTags(Request, kw_only=True):
    """ListTagKeys, ListTagValues."""

    region_id: str
    resource_type: str
    key: str | None = None
    next_token: str | None = None
    page_size: int = 50
