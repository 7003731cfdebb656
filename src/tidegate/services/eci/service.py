"""Container groups: each one is a host of its own with an address of a vSwitch.

ASSUMPTION: images are not pulled. The containers of a group share its host, whose programs are those of the machine
Tidegate runs on; the commands that containers are made with are started on it at its first boot.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from tidegate.clock import Clock
from tidegate.errors import CloudError, PlaneError
from tidegate.ids import Ids
from tidegate.plane.hosts.base import Command, Hosts, HostSpec
from tidegate.services.eci.states import Event, Status, after
from tidegate.services.ecs import blocks
from tidegate.services.ecs.service import Ecs
from tidegate.services.operation import Call, invalid_parameter
from tidegate.store import eci as rows
from tidegate.store import tokens, work
from tidegate.store.database import Database
from tidegate.store.eci import GROUPS, Container, ContainerGroup
from tidegate.store.ecs.networks import VSwitch
from tidegate.store.ecs.shelf import Wanted

if TYPE_CHECKING:
    from tidegate.store.database import Connection

#: The kind of work that drives one group; its key is ``container-group/<id>``.
KIND = "container-group"
#: groups of one account and region, containers of one group (ASSUMPTION: the documented default quotas)
GROUPS_PER_REGION, CONTAINERS_PER_GROUP = 1000, 20
#: seconds a synchronous command may take, and bytes of its output that are answered (ASSUMPTION)
COMMAND_SECONDS, OUTPUT_BYTES = 30.0, 2048
RESTART_POLICIES = ("Always", "OnFailure", "Never")
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,126}[a-z0-9])?")


class GroupWish(msgspec.Struct, frozen=True, kw_only=True):
    """The container group wanted. ``memory`` is GiB."""

    name: str
    vswitch_id: str | None
    security_group_id: str | None
    cpu: float
    memory: float
    restart_policy: str
    ram_role_name: str
    resource_group_id: str
    containers: Sequence[Container]
    tags: Mapping[str, str]


class Eci:
    """The container groups of every account."""

    def __init__(self, database: Database, hosts: Hosts, ecs: Ecs, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._hosts = hosts
        self._ecs = ecs
        self._clock = clock
        self._ids = ids

    async def create(self, call: Call, wish: GroupWish) -> str:
        """Write a group and begin to drive it to Running; returns its id."""
        _check(wish)
        vswitch = await self._vswitch(call, wish.vswitch_id)
        repeat = (f"eci:{call.action}", call.client_token, call.fingerprint)
        async with self._database.transaction() as tx:
            now = self._clock.now()
            known = await tokens.recall(tx, call.account_id, *repeat, now=now)
            if known is not None:
                return str(known)
            if await GROUPS.held(tx, call.account_id, call.region) >= GROUPS_PER_REGION:
                raise CloudError("QuotaExceeded", "The quota of container groups is exceeded.", 403)
            security = [] if wish.security_group_id is None else [wish.security_group_id]
            [security_group_id, *_] = await self._ecs.networks.choose_groups(tx, vswitch, security)
            group_id = self._ids.resource("eci", call.region)
            group = ContainerGroup(
                id=group_id,
                account_id=call.account_id,
                region=call.region,
                zone=vswitch.zone,
                name=wish.name,
                vpc_id=vswitch.vpc_id,
                vswitch_id=vswitch.id,
                security_group_id=security_group_id,
                address=await self._ecs.reserve_address(tx, vswitch.id, group_id),
                cpu=wish.cpu,
                memory=wish.memory,
                restart_policy=wish.restart_policy,
                ram_role_name=wish.ram_role_name,
                resource_group_id=wish.resource_group_id,
                containers=wish.containers,
                tags=wish.tags,
                status=Status.SCHEDULING,
                created_at=now,
                started_at=None,
            )
            await GROUPS.add(tx, group)
            await work.start(tx, work_key(group_id), KIND, now=now)
            await tokens.remember(tx, call.account_id, *repeat, group_id, now=now)
        return group_id

    async def _vswitch(self, call: Call, vswitch_id: str | None) -> VSwitch:
        """Return the first vSwitch named, or the default one."""
        if vswitch_id is None:
            return await self._ecs.default_vswitch(call.account_id, call.region)
        await self._ecs.networks.ensure(call.account_id, call.region)
        return await self._ecs.vswitch(call.account_id, call.region, vswitch_id.split(",")[0].strip())

    async def page(self, wanted: Wanted, *, number: int, size: int) -> tuple[list[ContainerGroup], int]:
        """Return one page of groups, newest first, and how many there are."""
        async with self._database.connection() as db:
            return await GROUPS.page(db, wanted, self._clock.now(), number=number, size=size)

    async def delete(self, call: Call, group_id: str) -> None:
        """Let a group end; it is shown as Terminating until its host is gone."""
        async with self._database.transaction() as tx:
            group = await self._known(tx, call, group_id, for_change=True)
            status = after(Status(group.status), Event.DELETED)
            if status is not None:
                await GROUPS.write(tx, msgspec.structs.replace(group, status=status))
                await work.wake(tx, work_key(group.id), now=self._clock.now())

    async def execute(self, call: Call, group_id: str, container: str, command: Sequence[str]) -> str:
        """Run a command on the group's host and return what it printed, whatever its exit code (ASSUMPTION)."""
        async with self._database.connection() as db:
            group = await self._known(db, call, group_id)
        chosen = next((one for one in group.containers if one.name == container), None)
        if chosen is None:
            raise CloudError("ContainerNotFound", "The specified container does not exist.", 404)
        if group.status != Status.RUNNING:
            raise CloudError("IncorrectStatus", "The current status of the container group does not support it.", 403)
        try:
            outcome = await self._hosts.run(
                group.id,
                Command(
                    argv=list(command),
                    environment=dict(chosen.environment),
                    timeout=COMMAND_SECONDS,
                    keep=OUTPUT_BYTES,
                ),
            )
        except PlaneError as error:
            raise CloudError("InternalError", "The container does not answer.", 500) from error
        return outcome.output.decode(errors="replace")

    async def log(self, call: Call, group_id: str) -> str:
        """Return what a group's host has printed since its last boot."""
        async with self._database.connection() as db:
            group = await self._known(db, call, group_id)
        return (await self._hosts.console(group.id)).decode(errors="replace")

    async def host(self, group: ContainerGroup) -> HostSpec:
        """Return the host that a group is."""
        vswitch = await self._ecs.vswitch(group.account_id, group.region, group.vswitch_id)
        return HostSpec(
            id=group.id,
            vswitch_id=vswitch.id,
            network=str(vswitch.block),
            gateway=str(blocks.router(vswitch.block)),
            address=group.address,
            hostname=group.name,
            user_data=boot_script(group.containers),
            memory=max(64, int(group.memory * 1024)),
        )

    async def forget(self, tx: Connection, group_id: str) -> None:
        """Remove a group whose host is gone; its address is free again."""
        await self._ecs.release_address(tx, group_id)
        await GROUPS.remove(tx, "where id = $1", group_id)

    async def _known(self, db: Connection, call: Call, group_id: str, *, for_change: bool = False) -> ContainerGroup:
        group = await (rows.lock if for_change else rows.one)(db, group_id)
        if group is None or (group.account_id, group.region) != (call.account_id, call.region):
            raise CloudError("ContainerGroupNotFound", "The specified container group does not exist.", 404)
        return group


def work_key(group_id: str) -> str:
    """Return the key of the work that drives a group."""
    return f"{KIND}/{group_id}"


def boot_script(containers: Sequence[Container]) -> bytes:
    """Return the script that starts the containers' commands in the background; empty when none has any."""
    lines = [_line(one) for one in containers if one.command or one.arguments]
    return "\n".join(["#!/bin/sh", *lines, ""]).encode() if lines else b""


def _line(container: Container) -> str:
    words = [
        "env",
        *(f"{name}={value}" for name, value in container.environment.items()),
        *container.command,
        *container.arguments,
    ]
    place = f"cd {shlex.quote(container.working_dir)} && " if container.working_dir else ""
    return f"({place}exec {shlex.join(words)}) &"


def _check(wish: GroupWish) -> None:
    if not 2 <= len(wish.name) <= 128 or not _NAME.fullmatch(wish.name):
        raise invalid_parameter("ContainerGroupName")
    if wish.restart_policy not in RESTART_POLICIES:
        raise invalid_parameter("RestartPolicy")
    if not 1 <= len(wish.containers) <= CONTAINERS_PER_GROUP:
        raise invalid_parameter("Container")
    names = [one.name for one in wish.containers]
    if len(set(names)) != len(names) or not all(_NAME.fullmatch(one) for one in names):
        raise invalid_parameter("Container.Name")
    if not (0 < wish.cpu <= 256 and 0 < wish.memory <= 1024):
        raise invalid_parameter("Cpu")
