"""Elastic Container Instance 2018-08-08: the operations that runbooks of Auto Scaling call (ecs.md 16)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tidegate.clock import to_seconds
from tidegate.errors import CloudError
from tidegate.services.eci.service import Eci, GroupWish
from tidegate.services.ecs import catalog, faults
from tidegate.services.ecs.cursors import read_cursor, write_cursor
from tidegate.services.operation import Answer, Call, Done, Product, Request, invalid_parameter
from tidegate.services.tagging import Tag, TagFilter, TagItem
from tidegate.store.eci import Container, ContainerGroup
from tidegate.store.ecs.shelf import Wanted
from tidegate.wire.shapes import JsonText

eci = Product(name="Eci", code="eci", versions=("2018-08-08",))

#: ASSUMPTION: the documented default and maximum
_PAGE = 20
_DEFAULT_CPU, _DEFAULT_MEMORY = 2.0, 4.0


def _region(call: Call) -> str:
    if call.region not in catalog.REGIONS:
        raise faults.not_found("InvalidRegionId")
    return call.region


class EnvironmentVar(Request):
    """A variable of a container."""

    key: str = ""
    value: str = ""


class ContainerWish(Request):
    """A container wanted. ``memory`` is GiB."""

    name: str = ""
    image: str = ""
    cpu: float = 0.0
    memory: float = 0.0
    command: list[str] = msgspec.field(default_factory=list)
    arg: list[str] = msgspec.field(default_factory=list)
    working_dir: str = ""
    environment_var: list[EnvironmentVar] = msgspec.field(default_factory=list)


class CreateContainerGroupRequest(Request):
    """The container group wanted. ``memory`` is GiB."""

    container_group_name: str
    container: list[ContainerWish] = msgspec.field(default_factory=list)
    vswitch_id: str | None = None
    security_group_id: str | None = None
    cpu: float | None = None
    memory: float | None = None
    restart_policy: str = "Always"
    ram_role_name: str = ""
    resource_group_id: str = ""
    tag: list[Tag] = msgspec.field(default_factory=list)


class CreateContainerGroupAnswer(Answer):
    """The container group that was made."""

    container_group_id: str


@eci.operation("CreateContainerGroup", on=lambda _service, _call, _request: ["containergroup/*"])
async def create_container_group(
    service: Eci, call: Call, request: CreateContainerGroupRequest
) -> CreateContainerGroupAnswer:
    """Make a container group; it becomes Running by itself."""
    _region(call)
    cpu = request.cpu or sum(one.cpu for one in request.container) or _DEFAULT_CPU
    memory = request.memory or sum(one.memory for one in request.container) or _DEFAULT_MEMORY
    made = await service.create(
        call,
        GroupWish(
            name=request.container_group_name,
            vswitch_id=request.vswitch_id,
            security_group_id=request.security_group_id,
            cpu=cpu,
            memory=memory,
            restart_policy=request.restart_policy,
            ram_role_name=request.ram_role_name,
            resource_group_id=request.resource_group_id,
            containers=[_wish(one) for one in request.container],
            tags={tag.key: tag.value for tag in request.tag},
        ),
    )
    return CreateContainerGroupAnswer(made)


def _wish(one: ContainerWish) -> Container:
    if not one.image:
        raise invalid_parameter("Container.Image")
    return Container(
        name=one.name,
        image=one.image,
        cpu=one.cpu,
        memory=one.memory,
        command=one.command,
        arguments=one.arg,
        environment={variable.key: variable.value for variable in one.environment_var},
        working_dir=one.working_dir,
    )


class DescribeContainerGroupsRequest(Request):
    """Which container groups are wanted."""

    container_group_ids: JsonText[list[str]] | None = None
    container_group_name: str | None = None
    status: str | None = None
    vswitch_id: str | None = None
    security_group_id: str | None = None
    zone_id: str | None = None
    tag: list[TagFilter] = msgspec.field(default_factory=list)
    limit: int = _PAGE
    next_token: str | None = None


class ContainerState(Answer):
    """What a container does."""

    state: str
    start_time: str
    detail_status: str = ""
    message: str = ""


class EnvironmentVarAnswer(Answer):
    """A variable of a container."""

    key: str
    value: str


class ContainerAnswer(Answer):
    """A container."""

    name: str
    image: str
    cpu: float
    memory: float
    commands: Sequence[str]
    args: Sequence[str]
    environment_vars: Sequence[EnvironmentVarAnswer]
    working_dir: str
    current_state: ContainerState
    ready: bool
    restart_count: int = 0
    image_pull_policy: str = "IfNotPresent"
    ports: Sequence[str] = ()
    volume_mounts: Sequence[str] = ()


class ContainerGroupAnswer(Answer):
    """A container group."""

    container_group_id: str
    container_group_name: str
    status: str
    region_id: str
    zone_id: str
    vpc_id: str
    vswitch_id: str
    security_group_id: str
    intranet_ip: str
    cpu: float
    memory: float
    restart_policy: str
    containers: list[ContainerAnswer]
    tags: list[TagItem]
    creation_time: str
    ram_role_name: str
    resource_group_id: str
    internet_ip: str = ""
    instance_type: str = ""
    spot_strategy: str = "NoSpot"
    events: Sequence[str] = ()
    init_containers: Sequence[str] = ()
    volumes: Sequence[str] = ()


class DescribeContainerGroupsAnswer(Answer):
    """One page of container groups: a plain list."""

    container_groups: list[ContainerGroupAnswer]
    total_count: int
    next_token: str | msgspec.UnsetType = msgspec.UNSET


@eci.operation("DescribeContainerGroups", on=lambda _service, _call, _request: ["containergroup/*"])
async def describe_container_groups(
    service: Eci, call: Call, request: DescribeContainerGroupsRequest
) -> DescribeContainerGroupsAnswer:
    """List container groups, newest first."""
    if not 1 <= request.limit <= _PAGE:
        raise invalid_parameter("Limit")
    number = _page_number(request.next_token)
    wanted = Wanted(
        account_id=call.account_id,
        region=_region(call),
        equal={
            "id": request.container_group_ids,
            "name": request.container_group_name,
            "status": request.status,
            "vswitch_id": request.vswitch_id,
            "security_group_id": request.security_group_id,
            "zone": request.zone_id,
        },
    )
    found, total = await service.page(wanted, number=number, size=request.limit)
    shown = [one for one in found if all(_has(one, tag) for tag in request.tag)]
    more = number * request.limit < total
    return DescribeContainerGroupsAnswer(
        container_groups=[_group(one) for one in shown],
        total_count=total,
        next_token=write_cursor(str(number + 1)) if more else msgspec.UNSET,
    )


def _page_number(token: str | None) -> int:
    if not token:
        return 1
    [number] = read_cursor(token, 1)
    if not number.isdecimal() or not 1 <= int(number) <= 10_000:
        raise invalid_parameter("NextToken")
    return int(number)


def _has(group: ContainerGroup, tag: TagFilter) -> bool:
    return tag.key in group.tags and tag.value in (None, group.tags[tag.key])


def _group(one: ContainerGroup) -> ContainerGroupAnswer:
    return ContainerGroupAnswer(
        container_group_id=one.id,
        container_group_name=one.name,
        status=one.status,
        region_id=one.region,
        zone_id=one.zone,
        vpc_id=one.vpc_id,
        vswitch_id=one.vswitch_id,
        security_group_id=one.security_group_id,
        intranet_ip=one.address,
        cpu=one.cpu,
        memory=one.memory,
        restart_policy=one.restart_policy,
        containers=[_container(one, each) for each in one.containers],
        tags=[TagItem(key, value) for key, value in one.tags.items()],
        creation_time=to_seconds(one.created_at),
        ram_role_name=one.ram_role_name,
        resource_group_id=one.resource_group_id,
    )


def _container(group: ContainerGroup, one: Container) -> ContainerAnswer:
    runs = group.status == "Running"
    started = "" if group.started_at is None else to_seconds(group.started_at)
    return ContainerAnswer(
        name=one.name,
        image=one.image,
        cpu=one.cpu,
        memory=one.memory,
        commands=one.command,
        args=one.arguments,
        environment_vars=[EnvironmentVarAnswer(key, value) for key, value in one.environment.items()],
        working_dir=one.working_dir,
        current_state=ContainerState("Running" if runs else "Waiting", started),
        ready=runs,
    )


class GroupRequest(Request):
    """A request about one container group."""

    container_group_id: str


def _one(_service: Eci, _call: Call, request: GroupRequest) -> Sequence[str]:
    return [f"containergroup/{request.container_group_id}"]


@eci.operation("DeleteContainerGroup", on=_one)
async def delete_container_group(service: Eci, call: Call, request: GroupRequest) -> Done:
    """Let a container group end."""
    _region(call)
    await service.delete(call, request.container_group_id)
    return Done()


class ExecContainerCommandRequest(GroupRequest, kw_only=True):
    """A command for a container: a JSON list of words."""

    container_name: str
    command: JsonText[list[str]]
    sync: bool = False


class ExecContainerCommandAnswer(Answer):
    """What the command printed."""

    sync_response: str


@eci.operation("ExecContainerCommand", on=_one)
async def exec_container_command(
    service: Eci, call: Call, request: ExecContainerCommandRequest
) -> ExecContainerCommandAnswer:
    """Run a command in a container and answer what it printed. Only synchronous ones: there is no terminal to join."""
    _region(call)
    if not request.sync:
        raise CloudError("UnsupportedOperation", "Only synchronous commands are supported here: set Sync to true.")
    if not request.command:
        raise invalid_parameter("Command")
    printed = await service.execute(call, request.container_group_id, request.container_name, request.command)
    return ExecContainerCommandAnswer(printed)


class DescribeContainerLogRequest(GroupRequest, kw_only=True):
    """Whose log is wanted."""

    container_name: str


class DescribeContainerLogAnswer(Answer):
    """What the containers of a group have printed."""

    container_name: str
    content: str


@eci.operation("DescribeContainerLog", on=_one)
async def describe_container_log(
    service: Eci, call: Call, request: DescribeContainerLogRequest
) -> DescribeContainerLogAnswer:
    """Show what a group's host has printed: its containers share one console."""
    _region(call)
    return DescribeContainerLogAnswer(request.container_name, await service.log(call, request.container_group_id))
