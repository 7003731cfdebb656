"""What the operations of the four products have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

import msgspec

from tidegate.services.databases.kinds import MAX_PAGE_SIZE, PAGE_SIZE, invalid_parameter
from tidegate.services.databases.service import Databases
from tidegate.services.operation import Answer, Call, Request
from tidegate.store.databases import DatabaseRow

T = TypeVar("T")


class Tag(Request):
    """A tag as requests spell it."""

    key: str = ""
    value: str = ""


class TagItem(Answer):
    """A tag of a database."""

    key: str
    value: str


class TagItems(Answer):
    """The tags of a database."""

    tag: Sequence[TagItem]


class PlacedRequest(Request):
    """Where a new database stands and what belongs to it, spelled alike by all products."""

    region_id: str
    zone_id: str | None = None
    vpc_id: str | None = msgspec.field(name="VPCId", default=None)
    vswitch_id: str | None = None
    resource_group_id: str = ""
    tag: list[Tag] = msgspec.field(default_factory=list)


class Paged(Request):
    """Which page of a list is wanted."""

    page_number: int = 1
    page_size: int = PAGE_SIZE


class ClusterRequest(Request):
    """The cluster meant."""

    db_cluster_id: str

    @property
    def database_id(self) -> str:
        """The cluster meant, by the name that all products share."""
        return self.db_cluster_id


class InstanceRequest(Request):
    """The instance meant."""

    db_instance_id: str

    @property
    def database_id(self) -> str:
        """The instance meant, by the name that all products share."""
        return self.db_instance_id


class _NamesCluster(Protocol):
    db_cluster_id: str


class _NamesInstance(Protocol):
    db_instance_id: str


def on_cluster(_service: Databases, _call: Call, request: _NamesCluster) -> Sequence[str]:
    """Name the cluster of the request (ram.md 11)."""
    return [f"dbcluster/{request.db_cluster_id}"]


def on_clusters(_service: Databases, _call: Call, _request: Request) -> Sequence[str]:
    """Name all clusters: creating and listing."""
    return ["dbcluster/*"]


def on_instance(_service: Databases, _call: Call, request: _NamesInstance) -> Sequence[str]:
    """Name the instance of the request (ram.md 11)."""
    return [f"dbinstance/{request.db_instance_id}"]


def on_instances(_service: Databases, _call: Call, _request: Request) -> Sequence[str]:
    """Name all instances: creating and listing."""
    return ["dbinstance/*"]


def page_of(request: Paged, items: Sequence[T]) -> Sequence[T]:
    """Return the page of a list that is wanted; raises InvalidParameter."""
    if request.page_number < 1:
        raise invalid_parameter("PageNumber")
    if not 1 <= request.page_size <= MAX_PAGE_SIZE:
        raise invalid_parameter("PageSize")
    start = (request.page_number - 1) * request.page_size
    return items[start : start + request.page_size]


def ids_in(text: str | None) -> Sequence[str]:
    """Return the ids of a comma-separated text."""
    return [one.strip() for one in (text or "").split(",") if one.strip()]


def tags_in(tags: Sequence[Tag]) -> dict[str, str]:
    """Return the tags of a request."""
    return {tag.key: tag.value for tag in tags if tag.key}


def tag_items(row: DatabaseRow) -> TagItems:
    """Return the tags of a database as answers show them."""
    return TagItems([TagItem(key, value) for key, value in row.tags.items()])
