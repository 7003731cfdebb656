"""Container groups: made as hosts with an address, described, entered, lost, deleted; also through crashes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from support import ecs as support_ecs
from support.crashing import Crash, watched_points
from support.ecs import ACCOUNT, REGION, World, make_world
from support.machines import Machines
from tidegate.clock import AdjustableClock
from tidegate.errors import CloudError
from tidegate.ids import Ids
from tidegate.reconcile import containers
from tidegate.reconcile.containers import ContainerController
from tidegate.reconcile.instance import adopt
from tidegate.services.binding import bind
from tidegate.services.eci.api import eci
from tidegate.services.eci.service import KIND, Eci
from tidegate.services.operation import Call, Principal
from tidegate.store.database import Database
from tidegate.wire.parameters import decode

WEB = {"Name": "web", "Image": "nginx:1", "Command": ["sleep"], "Arg": ["60"]}


@dataclass
class Groups:
    """An ECI and the ECS under it."""

    world: World
    eci: Eci
    controller: ContainerController

    async def call(self, action: str, token: str | None = None, region: str = REGION, **parameters: Any) -> Any:
        operation = eci.operations[action]
        flat = bind(operation.request, parameters, region)
        request = decode(flat, operation.request, eci.missing, eci.invalid)
        call = Call(
            principal=Principal(kind="Account", account_id=ACCOUNT, id=ACCOUNT),
            region=region,
            request_id="R",
            product="eci",
            action=action,
            version="2018-08-08",
            client_token=token,
            fingerprint=repr(sorted(flat.items())),
        )
        return msgspec.json.decode(msgspec.json.encode(await operation.handler(self.eci, call, request)))

    async def create(self, **more: Any) -> str:
        wish = {"ContainerGroupName": "app", "Container": [WEB], **more}
        return str((await self.call("CreateContainerGroup", **wish))["ContainerGroupId"])

    async def shown(self, group: str) -> dict[str, Any]:
        [one] = (await self.call("DescribeContainerGroups", ContainerGroupIds=[group]))["ContainerGroups"]
        found: dict[str, Any] = one
        return found

    async def refused(self, action: str, **parameters: Any) -> str:
        with pytest.raises(CloudError) as caught:
            await self.call(action, **parameters)
        return caught.value.code


def make_groups(database: Database, clock: AdjustableClock, ids: Ids, hosts: Machines | None = None) -> Groups:
    machines = hosts or Machines()
    bare = make_world(database, clock, ids, hosts=machines)
    service = Eci(database, machines, bare.ecs, clock, ids)
    controller = ContainerController(database, machines, service, clock)
    world = support_ecs.make_world(database, clock, ids, hosts=machines, **{KIND: controller})
    return Groups(world, service, controller)


@pytest.fixture
async def groups(database: Database, clock: AdjustableClock, ids: Ids) -> AsyncIterator[Groups]:
    made = make_groups(database, clock, ids)
    yield made
    await made.world.invocations.close()


async def test_a_group_is_scheduled_then_runs_on_a_host_with_its_address(groups: Groups) -> None:
    group = await groups.create()
    first = await groups.shown(group)
    await groups.world.settle()
    then = await groups.shown(group)

    [host] = await groups.world.hosts.list()
    assert (first["Status"], first["Containers"][0]["CurrentState"]["State"]) == ("Scheduling", "Waiting")
    assert (then["Status"], then["Containers"][0]["CurrentState"]["State"]) == ("Running", "Running")
    assert (host.id, host.address) == (group, then["IntranetIp"])
    assert then["VSwitchId"].startswith("vsw-")
    assert (then["Containers"][0]["Commands"], then["Containers"][0]["Args"]) == (["sleep"], ["60"])


async def test_a_command_is_run_in_a_container_and_answers_what_it_printed(groups: Groups) -> None:
    group = await groups.create()
    early = await groups.refused(
        "ExecContainerCommand", ContainerGroupId=group, ContainerName="web", Command=["true"], Sync=True
    )
    await groups.world.settle()

    await groups.call(
        "ExecContainerCommand", ContainerGroupId=group, ContainerName="web", Command=["echo", "hello"], Sync=True
    )
    codes = [
        await groups.refused(
            "ExecContainerCommand", ContainerGroupId=group, ContainerName="db", Command=["true"], Sync=True
        ),
        await groups.refused("ExecContainerCommand", ContainerGroupId=group, ContainerName="web", Command=["true"]),
        await groups.refused("DeleteContainerGroup", ContainerGroupId="eci-nothing"),
    ]

    [(host, command)] = groups.world.hosts.commands
    assert early == "IncorrectStatus"
    assert (host, list(command.argv)) == (group, ["echo", "hello"])
    assert codes == ["ContainerNotFound", "UnsupportedOperation", "ContainerGroupNotFound"]


async def test_a_deleted_group_is_terminating_then_gone_and_its_address_is_free_again(groups: Groups) -> None:
    group = await groups.create()
    await groups.world.settle()
    address = (await groups.shown(group))["IntranetIp"]

    await groups.call("DeleteContainerGroup", ContainerGroupId=group)
    leaving = (await groups.shown(group))["Status"]
    await groups.call("DeleteContainerGroup", ContainerGroupId=group)
    await groups.world.settle()

    assert leaving == "Terminating"
    assert (await groups.call("DescribeContainerGroups"))["TotalCount"] == 0
    assert await groups.world.hosts.list() == []
    again = await groups.create()
    assert (await groups.shown(again))["IntranetIp"] == address


async def test_a_repeat_with_its_token_makes_one_group(groups: Groups) -> None:
    first, again = await groups.create(token="t"), await groups.create(token="t")

    assert first == again
    assert (await groups.call("DescribeContainerGroups"))["TotalCount"] == 1


async def test_pages_follow_each_other_by_token(groups: Groups) -> None:
    made = [await groups.create(ContainerGroupName=f"app-{number}") for number in range(3)]

    first = await groups.call("DescribeContainerGroups", Limit=2)
    second = await groups.call("DescribeContainerGroups", Limit=2, NextToken=first["NextToken"])

    seen = [one["ContainerGroupId"] for page in (first, second) for one in page["ContainerGroups"]]
    assert sorted(seen) == sorted(made)
    assert "NextToken" not in second


async def test_what_no_group_can_be_is_refused(groups: Groups) -> None:
    codes = [
        await groups.refused("CreateContainerGroup", ContainerGroupName="Big Letters", Container=[WEB]),
        await groups.refused("CreateContainerGroup", ContainerGroupName="app"),
        await groups.refused("CreateContainerGroup", ContainerGroupName="app", Container=[WEB, WEB]),
        await groups.refused("CreateContainerGroup", ContainerGroupName="app", Container=[{"Name": "web"}]),
        await groups.refused("CreateContainerGroup", ContainerGroupName="app", Container=[WEB], VSwitchId="vsw-no"),
    ]

    assert codes == ["InvalidParameter"] * 4 + ["InvalidVSwitchId.NotFound"]


async def test_hosts_of_groups_are_no_strangers_at_start_up_and_lost_ones_are_made_again(groups: Groups) -> None:
    group = await groups.create()
    await groups.world.settle()

    adopted = await adopt(groups.world.database, groups.world.hosts, groups.world.clock)
    await groups.world.hosts.destroy(group)
    await groups.controller.look_at_all()
    await groups.world.settle()

    assert (adopted.alive, adopted.destroyed) == ([group], [])
    assert [(one.id, one.state) for one in await groups.world.hosts.list()] == [(group, "Running")]
    assert (await groups.shown(group))["Status"] == "Running"


async def test_a_crash_at_any_point_leaves_groups_that_the_next_node_brings_to_the_same_end(
    database: Database, clock: AdjustableClock, ids: Ids
) -> None:
    hosts, point = Machines(), 0
    while True:
        point += 1
        with watched_points(containers) as points:
            points.crash_after = point
            first = make_groups(database, clock, ids, hosts)
            with suppress(Crash):
                await _make_and_delete(first, point)
            crashed = len(points.passed) >= point
            points.crash_after = None
            second = make_groups(database, clock, ids, hosts)
            kept = await _make_and_delete(second, point)
        assert [one.id for one in await hosts.list()] == [kept]
        assert (await second.call("DescribeContainerGroups"))["TotalCount"] == 1
        await second.call("DeleteContainerGroup", ContainerGroupId=kept)
        await second.world.settle()
        if not crashed:
            break

    assert point > 6


async def _make_and_delete(groups: Groups, number: int) -> str:
    """Make two groups and delete one; asking for all of it again changes nothing. Returns the one that stays."""
    stays = await groups.create(token=f"stays{number}")
    goes = await groups.create(token=f"goes{number}", ContainerGroupName="other")
    await groups.world.settle()
    with suppress(CloudError):
        await groups.call("DeleteContainerGroup", ContainerGroupId=goes)
    await groups.world.settle()
    return stays
