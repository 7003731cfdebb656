"""What a new Redis instance may be, and what a password, a name and a tag may look like. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import msgspec

from tidegate.services.kvstore import errors
from tidegate.services.kvstore.classes import CLASSES, InstanceClass, class_of_capacity
from tidegate.services.kvstore.limits import TAG_TEXT, TAGS

DOMAIN = "redis.rds.aliyuncs.com"
ENGINE_VERSIONS = ("2.8", "4.0", "5.0", "6.0", "7.0")
NODE_TYPES = ("MASTER_SLAVE", "STAND_ALONE", "double", "single")
#: months of a subscription
PERIODS = (*range(1, 10), 12, 24, 36, 60)

_SPECIALS = "!@#$%^&*()_+-="
_PASSWORD = re.compile(f"[A-Za-z0-9{re.escape(_SPECIALS)}]{{8,32}}")
_NAME = re.compile(r"[A-Za-z\u4e00-\u9fff][^@/:=\"<>{\[\]}\s]{1,79}")
_PREFIX = re.compile("[a-z][a-z0-9]{7,39}")


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A wish for a new instance, as CreateInstance brings it."""

    instance_class: str | None = None
    capacity: int | None = None
    zone: str | None = None
    vpc_id: str | None = None
    vswitch_id: str | None = None
    private_ip: str | None = None
    name: str | None = None
    password: str | None = None
    port: int = 6379
    engine_version: str = "5.0"
    node_type: str = "MASTER_SLAVE"
    network_type: str = "VPC"
    charge_type: str = "PostPaid"
    period: int | None = None
    prefix: str | None = None
    resource_group_id: str = ""
    tags: Mapping[str, str] = {}


def check_order(order: Order) -> InstanceClass:
    """Return the class of the order; raises CloudError for what no instance could be."""
    chosen = _class_of(order)
    for name, value, allowed in (
        ("EngineVersion", order.engine_version, ENGINE_VERSIONS),
        ("NodeType", order.node_type, NODE_TYPES),
        ("NetworkType", order.network_type, ("VPC",)),
        ("ChargeType", order.charge_type, ("PostPaid", "PrePaid")),
    ):
        if value not in allowed:
            raise errors.invalid_parameter(name)
    if not 1024 <= order.port <= 65535:
        raise errors.invalid_parameter("Port")
    if order.charge_type == "PrePaid" and order.period not in PERIODS:
        raise errors.invalid_parameter("Period")
    if order.prefix is not None and not _PREFIX.fullmatch(order.prefix):
        raise errors.invalid_parameter("ConnectionStringPrefix")
    if order.name is not None:
        check_name(order.name)
    if order.password is not None:
        check_password(order.password)
    return chosen


def _class_of(order: Order) -> InstanceClass:
    if order.instance_class is not None:
        if order.instance_class not in CLASSES:
            raise errors.unknown_class()
        return CLASSES[order.instance_class]
    if order.capacity is None:
        raise errors.missing_class()
    chosen = class_of_capacity(order.capacity)
    if chosen is None:
        raise errors.unknown_capacity()
    return chosen


def check_name(name: str) -> None:
    """Raise for a name that no instance may have (kvstore.md 1)."""
    if not _NAME.fullmatch(name):
        raise errors.malformed_name()


def check_password(password: str) -> None:
    """Raise for a password that is not 8–32 characters of at least three of four kinds (kvstore.md 5)."""
    kinds = ("[A-Z]", "[a-z]", "[0-9]", f"[{re.escape(_SPECIALS)}]")
    if not _PASSWORD.fullmatch(password) or sum(re.search(kind, password) is not None for kind in kinds) < 3:
        raise errors.malformed_password()


def check_tags(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return tags as a mapping; raises for malformed, reserved or too many ones."""
    tags = dict(pairs)
    for key, value in tags.items():
        if not key or len(key) > TAG_TEXT or key.lower().startswith(("aliyun", "acs:")):
            raise errors.invalid_parameter("Tag.Key")
        if len(value) > TAG_TEXT:
            raise errors.invalid_parameter("Tag.Value")
    if len(tags) > TAGS:
        raise errors.too_many_tags()
    return tags
