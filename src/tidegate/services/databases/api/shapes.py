"""One builder for what the four products ask and answer: the same facts of a database under each product's own names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeVar

import msgspec

from tidegate.clock import to_seconds
from tidegate.services.databases.api.requests import PlacedRequest, tag_items, tags_in
from tidegate.services.databases.kinds import Kind
from tidegate.services.databases.service import Databases, Order, whitelist_of
from tidegate.services.operation import Answer, Call
from tidegate.store.databases import DatabaseRow

AnswerT = TypeVar("AnswerT", bound=Answer)
ArrayT_co = TypeVar("ArrayT_co", bound=Answer, covariant=True)

#: What each field of a request says about the order, where the names differ.
_ORDERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "db_type": "engine",
        "engine": "engine",
        "db_version": "engine_version",
        "db_cluster_version": "engine_version",
        "engine_version": "engine_version",
        "db_node_class": "node_class",
        "db_cluster_class": "node_class",
        "db_instance_class": "node_class",
        "db_instance_storage": "storage",
        "db_cluster_description": "description",
        "db_instance_description": "description",
        "zone_id": "zone",
        "vpc_id": "vpc_id",
        "vswitch_id": "vswitch_id",
        "pay_type": "charge_type",
        "charge_type": "charge_type",
        "resource_group_id": "resource_group_id",
        "security_ip_list": "security_ips",
    }
)
#: What each field of an answer shows of a database.
_FACTS: Final[Mapping[str, Callable[[DatabaseRow], Any]]] = MappingProxyType(
    {
        "db_cluster_id": lambda row: row.id,
        "db_instance_id": lambda row: row.id,
        "db_cluster_description": lambda row: row.description,
        "db_instance_description": lambda row: row.description,
        "db_type": lambda row: row.engine,
        "engine": lambda row: row.engine,
        "db_version": lambda row: row.engine_version,
        "engine_version": lambda row: row.engine_version,
        "db_node_class": lambda row: row.node_class,
        "db_instance_class": lambda row: row.node_class,
        "db_node_number": lambda row: row.nodes,
        "replication_factor": lambda row: str(row.nodes),
        "db_instance_storage": lambda row: row.storage,
        "pay_type": lambda row: row.charge_type,
        "charge_type": lambda row: row.charge_type,
        "region_id": lambda row: row.region,
        "zone_id": lambda row: row.zone,
        "zone_ids": lambda row: row.zone,
        "vpc_id": lambda row: row.vpc_id,
        "vswitch_id": lambda row: row.vswitch_id,
        "create_time": lambda row: to_seconds(row.created_at),
        "creation_time": lambda row: to_seconds(row.created_at),
        "resource_group_id": lambda row: row.resource_group_id,
        "order_id": lambda row: row.order_id,
        "tags": tag_items,
    }
)


class Change(Protocol):
    """A request that changes one group of a whitelist, whatever its product calls it."""

    security_ips: str
    modify_mode: str | None
    group: str | None
    attribute: str | None

    @property
    def database_id(self) -> str:
        """The database meant."""
        ...


class MakesArray(Protocol[ArrayT_co]):
    """How a product shows one group of a whitelist."""

    def __call__(self, name: str, attribute: str, entries: str, /) -> ArrayT_co:
        """Return the group."""
        ...


def order_of(request: PlacedRequest, **own: Any) -> Order:
    """Return the order that a request is; ``own`` is what the request does not say."""
    given = {_ORDERS[name]: value for name, value in msgspec.structs.asdict(request).items() if name in _ORDERS}
    return Order(**given, **own, tags=tags_in(request.tag))


def shown(answer: type[AnswerT], row: DatabaseRow, **own: Any) -> AnswerT:
    """Return a database as an answer shows it: fields by their names, ``own`` for those that only this product has.

    A field with a default keeps it.
    """
    known = {
        field.name: _FACTS[field.name](row)
        for field in msgspec.structs.fields(answer)
        if field.required and field.name not in own
    }
    return answer(**known, **own)


def arrays_of(array: MakesArray[ArrayT_co], row: DatabaseRow) -> list[ArrayT_co]:
    """Return every group of a whitelist as a product shows it, ``default`` first."""
    return [array(group.name, group.attribute, ",".join(group.entries)) for group in whitelist_of(row)]


async def change_whitelist(service: Databases, call: Call, kind: Kind, request: Change) -> None:
    """Change a group of a whitelist as its product's Modify operation does."""
    await service.modify_whitelist(
        call,
        kind,
        request.database_id,
        request.security_ips,
        group=request.group,
        mode=request.modify_mode,
        attribute=request.attribute,
    )


def wanted(database_id: str | None) -> Sequence[str]:
    """Return the only database that is wanted; none named means all."""
    return [database_id] if database_id else ()
