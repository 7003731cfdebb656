"""Elastic addresses and network interfaces: bound, shown, taken off, given back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from support.ecs import World, make_world
from tidegate.clock import AdjustableClock
from tidegate.errors import CloudError
from tidegate.ids import Ids
from tidegate.services.ecs.api import ecs, vpc
from tidegate.services.ecs.service import Delays
from tidegate.services.operation import Product
from tidegate.store.database import Database


async def shown_eip(world: World, eip: str) -> dict[str, Any]:
    answer = await world.call("DescribeEipAddresses", vpc, AllocationId=eip)
    [one] = answer["EipAddresses"]["EipAddress"]
    found: dict[str, Any] = one
    return found


async def shown_instance(world: World, instance: str) -> dict[str, Any]:
    [one] = (await world.call("DescribeInstances", InstanceIds=[instance]))["Instances"]["Instance"]
    found: dict[str, Any] = one
    return found


async def allocate(world: World, **more: Any) -> str:
    return str((await world.call("AllocateEipAddress", **more))["AllocationId"])


async def make_interface(world: World, instance: str, **more: Any) -> str:
    switch = (await shown_instance(world, instance))["VpcAttributes"]["VSwitchId"]
    return str((await world.call("CreateNetworkInterface", VSwitchId=switch, **more))["NetworkInterfaceId"])


async def refused(world: World, action: str, product: Product = ecs, **parameters: Any) -> str:
    with pytest.raises(CloudError) as caught:
        await world.call(action, product, **parameters)
    return caught.value.code


async def test_an_address_is_bound_shown_by_its_instance_taken_off_and_released(world: World) -> None:
    [instance] = await world.launch()
    eip = await allocate(world, Bandwidth="20", InternetChargeType="PayByBandwidth")

    await world.call("AssociateEipAddress", AllocationId=eip, InstanceId=instance)
    bound, by_instance = await shown_eip(world, eip), (await shown_instance(world, instance))["EipAddress"]
    by_address = await world.call("DescribeInstances", EipAddresses=[bound["IpAddress"]])
    await world.call("UnassociateEipAddress", AllocationId=eip, InstanceId=instance)
    free, without = await shown_eip(world, eip), (await shown_instance(world, instance))["EipAddress"]
    await world.call("ReleaseEipAddress", AllocationId=eip)

    assert (bound["Status"], bound["InstanceId"], bound["InstanceType"]) == ("InUse", instance, "EcsInstance")
    assert bound["IpAddress"].startswith("198.1")
    assert by_instance == {
        "AllocationId": eip,
        "IpAddress": bound["IpAddress"],
        "InternetChargeType": "PayByBandwidth",
        "Bandwidth": 20,
        "IsSupportUnassociate": True,
    }
    assert [one["InstanceId"] for one in by_address["Instances"]["Instance"]] == [instance]
    assert (free["Status"], free["InstanceId"], without["IpAddress"]) == ("Available", "", "")
    assert (await world.call("DescribeEipAddresses"))["TotalCount"] == 0


async def test_binding_passes_through_associating_and_unassociating(
    database: Database, clock: AdjustableClock, ids: Ids
) -> None:
    world = make_world(database, clock, ids, delays=Delays(change=5))
    [instance] = await world.launch()
    eip = await allocate(world)

    await world.call("AssociateEipAddress", AllocationId=eip, InstanceId=instance)
    statuses = [(await shown_eip(world, eip))["Status"]]
    by_status = (await world.call("DescribeEipAddresses", Status="Associating"))["TotalCount"]
    early = await refused(world, "UnassociateEipAddress", AllocationId=eip)
    clock.advance(timedelta(seconds=6))
    statuses.append((await shown_eip(world, eip))["Status"])
    await world.call("UnassociateEipAddress", AllocationId=eip)
    statuses.append((await shown_eip(world, eip))["Status"])
    clock.advance(timedelta(seconds=6))
    statuses.append((await shown_eip(world, eip))["Status"])
    await world.invocations.close()

    assert statuses == ["Associating", "InUse", "Unassociating", "Available"]
    assert (by_status, early) == (1, "IncorrectEipStatus")


async def test_an_address_is_bound_once_and_only_to_what_is_there(world: World) -> None:
    first, second = await world.launch(2)
    eip, other = await allocate(world), await allocate(world)
    await world.call("AssociateEipAddress", AllocationId=eip, InstanceId=first)

    codes = [
        await refused(world, "AssociateEipAddress", AllocationId=eip, InstanceId=second),
        await refused(world, "AssociateEipAddress", AllocationId=other, InstanceId=first),
        await refused(world, "AssociateEipAddress", AllocationId=other, InstanceId="i-nothing"),
        await refused(world, "AssociateEipAddress", AllocationId="eip-nothing", InstanceId=second),
        await refused(world, "ReleaseEipAddress", AllocationId=eip),
        await refused(world, "AllocateEipAddress", Bandwidth="0"),
    ]

    assert codes == [
        "IncorrectEipStatus",
        "InvalidAssociation.Duplicated",
        "InvalidInstanceId.NotFound",
        "InvalidAllocationId.NotFound",
        "IncorrectEipStatus",
        "InvalidBandwidth.ValueNotSupported",
    ]


async def test_a_repeat_with_its_token_allocates_and_binds_once(world: World) -> None:
    [instance] = await world.launch()

    first = await world.call("AllocateEipAddress", token="t")
    again = await world.call("AllocateEipAddress", token="t")
    for _ in range(2):
        await world.call("AssociateEipAddress", vpc, token="b", AllocationId=first["AllocationId"], InstanceId=instance)

    assert first == again
    assert (await world.call("DescribeEipAddresses"))["TotalCount"] == 1


async def test_a_released_instance_lets_go_of_its_address_and_interfaces(world: World) -> None:
    [instance] = await world.launch()
    eip = await allocate(world)
    goes, stays = await make_interface(world, instance), await make_interface(world, instance, DeleteOnRelease=False)
    await world.call("AssociateEipAddress", AllocationId=eip, InstanceId=instance)
    for one in (goes, stays):
        await world.call("AttachNetworkInterface", NetworkInterfaceId=one, InstanceId=instance)

    await world.call("DeleteInstance", InstanceId=instance, Force=True)
    await world.settle()

    left = (await world.call("DescribeNetworkInterfaces"))["NetworkInterfaceSets"]["NetworkInterfaceSet"]
    assert (await shown_eip(world, eip))["Status"] == "Available"
    assert [(one["NetworkInterfaceId"], one["Status"], one["InstanceId"]) for one in left] == [(stays, "Available", "")]


async def test_an_interface_has_an_address_of_its_own_and_is_attached_and_detached(world: World) -> None:
    [instance] = await world.launch()
    interface = await make_interface(world, instance, NetworkInterfaceName="second")

    await world.call("AttachNetworkInterface", NetworkInterfaceId=interface, InstanceId=instance)
    both = (await shown_instance(world, instance))["NetworkInterfaces"]["NetworkInterface"]
    listed = await world.call("DescribeNetworkInterfaces", InstanceId=instance, Type="Secondary")
    await world.call("DetachNetworkInterface", NetworkInterfaceId=interface, InstanceId=instance)
    after = (await shown_instance(world, instance))["NetworkInterfaces"]["NetworkInterface"]
    await world.call("DeleteNetworkInterface", NetworkInterfaceId=interface)

    [shown] = listed["NetworkInterfaceSets"]["NetworkInterfaceSet"]
    assert [one["Type"] for one in both] == ["Primary", "Secondary"]
    assert len({one["PrimaryIpAddress"] for one in both}) == 2
    assert (shown["NetworkInterfaceId"], shown["Status"], shown["NetworkInterfaceName"]) == (
        interface,
        "InUse",
        "second",
    )
    assert [one["Type"] for one in after] == ["Primary"]
    assert (await world.call("DescribeNetworkInterfaces"))["TotalCount"] == 1
    assert await make_interface(world, instance)  # its address was free again


async def test_an_address_on_an_interface_is_shown_with_it(world: World) -> None:
    [instance] = await world.launch()
    interface, eip = await make_interface(world, instance), await allocate(world)

    await world.call("AssociateEipAddress", AllocationId=eip, InstanceId=interface, InstanceType="NetworkInterface")

    [shown] = (await world.call("DescribeNetworkInterfaces", NetworkInterfaceId=[interface]))["NetworkInterfaceSets"][
        "NetworkInterfaceSet"
    ]
    assert shown["AssociatedPublicIp"]["AllocationId"] == eip
    assert (await shown_eip(world, eip))["InstanceType"] == "NetworkInterface"


async def test_interfaces_keep_their_rules(world: World) -> None:
    [instance] = await world.launch()
    primary = (await shown_instance(world, instance))["NetworkInterfaces"]["NetworkInterface"][0]["NetworkInterfaceId"]
    free = [await make_interface(world, instance) for _ in range(2)]
    await world.call("AttachNetworkInterface", NetworkInterfaceId=free[0], InstanceId=instance)
    await world.call("AttachNetworkInterface", NetworkInterfaceId=free[1], InstanceId=instance)
    third = await make_interface(world, instance)

    codes = [
        await refused(world, "DetachNetworkInterface", NetworkInterfaceId=primary, InstanceId=instance),
        await refused(world, "AttachNetworkInterface", NetworkInterfaceId=free[0], InstanceId=instance),
        await refused(world, "AttachNetworkInterface", NetworkInterfaceId=third, InstanceId=instance),
        await refused(world, "DeleteNetworkInterface", NetworkInterfaceId=free[0]),
        await refused(world, "DeleteNetworkInterface", NetworkInterfaceId="eni-nothing"),
    ]

    assert codes == [
        "InvalidOperation.InvalidEniType",
        "InvalidOperation.InvalidEniState",
        "EniPerInstanceLimitExceeded",  # ecs.g6.large carries three
        "InvalidOperation.InvalidEniState",
        "InvalidEniId.NotFound",
    ]


async def test_vpc_tags_addresses_under_the_type_eip(world: World) -> None:
    eip = await allocate(world)

    await world.call("TagResources", vpc, ResourceType="EIP", ResourceId=[eip], Tag=[{"Key": "k", "Value": "v"}])
    listed = await world.call("ListTagResources", vpc, ResourceType="EIP", ResourceId=[eip])
    found = await world.call("DescribeEipAddresses", Tag=[{"Key": "k", "Value": "v"}])
    await world.call("UnTagResources", vpc, ResourceType="EIP", ResourceId=[eip], TagKey=["k"])

    assert listed["TagResources"]["TagResource"] == [
        {"ResourceId": eip, "ResourceType": "EIP", "TagKey": "k", "TagValue": "v"}
    ]
    assert found["EipAddresses"]["EipAddress"][0]["Tags"]["Tag"] == [{"Key": "k", "Value": "v"}]
    assert (await shown_eip(world, eip))["Tags"]["Tag"] == []
