"""Operations that describe instances: DescribeInstances and its smaller kin (ecs.md 2, 5, 9, 11)."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import msgspec

from tidegate.clock import to_seconds
from tidegate.services.ecs import faults, limits
from tidegate.services.ecs.api.product import Filter, Paged, check_page, creation_window, ecs, region_of
from tidegate.services.ecs.instances import types_of_family
from tidegate.services.ecs.service import Ecs
from tidegate.services.ecs.states import behind
from tidegate.services.operation import Answer, Call, Request, invalid_parameter
from tidegate.services.tagging import TagFilter
from tidegate.store.ecs.instances import Query
from tidegate.wire.shapes import JsonText


class DescribeInstancesRequest(Paged):
    """Which instances are wanted."""

    instance_ids: JsonText[list[str]] | None = None
    instance_name: str | None = None
    status: str | None = None
    vpc_id: str | None = None
    vswitch_id: str | None = None
    zone_id: str | None = None
    security_group_id: str | None = None
    image_id: str | None = None
    instance_type: str | None = None
    instance_type_family: str | None = None
    instance_charge_type: str | None = None
    instance_network_type: str | None = None
    internet_charge_type: str | None = None
    private_ip_addresses: JsonText[list[str]] | None = None
    inner_ip_addresses: JsonText[list[str]] | None = None
    public_ip_addresses: JsonText[list[str]] | None = None
    eip_addresses: JsonText[list[str]] | None = None
    key_pair_name: str | None = None
    resource_group_id: str | None = None
    lock_reason: str | None = None
    io_optimized: str | None = None
    device_available: bool | None = None
    tag: list[TagFilter] = msgspec.field(default_factory=list)
    filter: list[Filter] = msgspec.field(default_factory=list)
    dry_run: bool = False
    next_token: str | None = None
    max_results: int | None = None


class InstanceList(Answer):
    """Instances, encoded before."""

    instance: list[msgspec.Raw]


class DescribeInstancesAnswer(Answer):
    """One page of instances."""

    instances: InstanceList
    total_count: int
    page_number: int | msgspec.UnsetType
    page_size: int | msgspec.UnsetType
    next_token: str = ""


def _touched(_service: Ecs, _call: Call, request: DescribeInstancesRequest) -> Sequence[str]:
    return [f"instance/{one}" for one in request.instance_ids or "*"]


@ecs.operation("DescribeInstances", on=_touched)
async def describe_instances(service: Ecs, call: Call, request: DescribeInstancesRequest) -> DescribeInstancesAnswer:
    """List instances, newest first, by page or by token."""
    query = _query(call, request)
    if request.dry_run:
        raise faults.bad("DryRunOperation")
    if request.next_token is not None or request.max_results is not None:
        size = limits.PAGE_DEFAULT if request.max_results is None else request.max_results
        if not 1 <= size <= limits.PAGE_MAX:
            raise invalid_parameter("MaxResults")
        page = await service.listing.page_after(query, token=request.next_token or "", size=size)
        return DescribeInstancesAnswer(
            InstanceList(page.instances), page.total, msgspec.UNSET, msgspec.UNSET, page.next_token
        )
    check_page(request)
    page = await service.listing.page(query, number=request.page_number, size=request.page_size)
    return DescribeInstancesAnswer(InstanceList(page.instances), page.total, request.page_number, request.page_size)


def _query(call: Call, request: DescribeInstancesRequest) -> Query:
    """Return what is looked for; raises for a condition that no cloud knows."""
    ids = request.instance_ids
    if ids is not None and len(ids) > limits.IDS_PER_CALL:
        raise faults.bad("InvalidInstanceIds.Malformed")
    created_from, created_until = creation_window(request.filter)
    return Query(
        account_id=call.account_id,
        region=region_of(call),
        ids=() if _matches_nothing(request) else ids,
        statuses=_statuses(request.status),
        name=None if request.instance_name is None else _like(request.instance_name),
        zone=request.zone_id,
        vpc_id=request.vpc_id,
        vswitch_id=request.vswitch_id,
        image_id=request.image_id,
        instance_types=_types(request),
        charge_type=request.instance_charge_type,
        security_group_id=request.security_group_id,
        resource_group_id=request.resource_group_id,
        addresses=request.private_ip_addresses,
        internet_charge_type=request.internet_charge_type,
        eip_addresses=request.eip_addresses,
        key_pair=request.key_pair_name,
        created_from=created_from,
        created_until=created_until,
        tags=tuple((tag.key, tag.value) for tag in request.tag),
    )


def _matches_nothing(request: DescribeInstancesRequest) -> bool:
    """Tell whether something is looked for that no instance of this cloud has."""
    if request.instance_network_type not in (None, "vpc", "classic"):
        raise invalid_parameter("InstanceNetworkType")
    return bool(
        request.instance_network_type == "classic"
        or request.inner_ip_addresses
        or request.public_ip_addresses
        or request.lock_reason
        or (request.io_optimized is not None and request.io_optimized.lower() in ("false", "none"))
        or request.device_available is False
    )


def _statuses(word: str | None) -> Sequence[str] | None:
    if word is None:
        return None
    statuses = behind(word)
    if not statuses:
        raise faults.not_found("InvalidStatus")
    return statuses


def _types(request: DescribeInstancesRequest) -> Sequence[str] | None:
    if request.instance_type_family is None:
        return None if request.instance_type is None else [request.instance_type]
    family = types_of_family(request.instance_type_family)
    return [one for one in family if request.instance_type in (None, one)]


def _like(pattern: str) -> str:
    """Return the LIKE pattern for a name with ``*`` in it."""
    for special in "\\%_":
        pattern = pattern.replace(special, f"\\{special}")
    return pattern.replace("*", "%")


class DescribeInstanceStatusRequest(Paged):
    """Whose status is wanted."""

    instance_id: list[str] = msgspec.field(default_factory=list)
    zone_id: str | None = None


class InstanceStatus(Answer):
    """The status of one instance."""

    instance_id: str
    status: str


class InstanceStatusList(Answer):
    """Statuses."""

    instance_status: list[InstanceStatus]


class DescribeInstanceStatusAnswer(Answer):
    """One page of statuses."""

    instance_statuses: InstanceStatusList
    total_count: int
    page_number: int
    page_size: int


@ecs.operation("DescribeInstanceStatus", on=lambda _service, _call, _request: ["instance/*"])
async def describe_instance_status(
    service: Ecs, call: Call, request: DescribeInstanceStatusRequest
) -> DescribeInstanceStatusAnswer:
    """List the statuses of instances."""
    check_page(request, limits.STATUS_PAGE_MAX)
    if len(request.instance_id) > limits.IDS_PER_CALL:
        raise invalid_parameter("InstanceId")
    query = Query(
        account_id=call.account_id, region=region_of(call), ids=request.instance_id or None, zone=request.zone_id
    )
    found, total = await service.listing.statuses(query, number=request.page_number, size=request.page_size)
    return DescribeInstanceStatusAnswer(
        instance_statuses=InstanceStatusList([InstanceStatus(*one) for one in found]),
        total_count=total,
        page_number=request.page_number,
        page_size=request.page_size,
    )


class OneInstance(Request):
    """A request about one instance."""

    instance_id: str


def _one(_service: Ecs, _call: Call, request: OneInstance) -> Sequence[str]:
    return [f"instance/{request.instance_id}"]


class DescribeUserDataAnswer(Answer):
    """The user data of an instance, in Base64."""

    instance_id: str
    region_id: str
    user_data: str


@ecs.operation("DescribeUserData", on=_one)
async def describe_user_data(service: Ecs, call: Call, request: OneInstance) -> DescribeUserDataAnswer:
    """Show the user data of an instance."""
    region = region_of(call)
    instance = await service.instances.one(call.account_id, region, request.instance_id)
    return DescribeUserDataAnswer(instance.id, region, base64.b64encode(instance.user_data).decode())


class GetInstanceConsoleOutputAnswer(Answer):
    """What an instance has printed since its last boot, in Base64."""

    instance_id: str
    console_output: str
    last_update_time: str


@ecs.operation("GetInstanceConsoleOutput", on=_one)
async def get_instance_console_output(service: Ecs, call: Call, request: OneInstance) -> GetInstanceConsoleOutputAnswer:
    """Show the console of an instance: boot lines and what user data printed."""
    output = await service.console(call.account_id, region_of(call), request.instance_id)
    return GetInstanceConsoleOutputAnswer(
        request.instance_id, base64.b64encode(output).decode(), to_seconds(service.now())
    )
