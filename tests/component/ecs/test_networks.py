"""Networks: the default one of every region, new ones, and addresses for other products."""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Network
from itertools import combinations

import pytest

from support.ecs import ACCOUNT, REGION, World
from tidegate.errors import CloudError
from tidegate.services.ecs import api, catalog


async def test_every_region_has_its_default_network_in_a_block_of_its_own(world: World) -> None:
    found = []
    for region in catalog.REGIONS:
        [vpc] = (await world.call("DescribeVpcs", api.vpc, region=region))["Vpcs"]["Vpc"]
        switches = (await world.call("DescribeVSwitches", api.vpc, region=region))["VSwitches"]["VSwitch"]
        [group] = (await world.call("DescribeSecurityGroups", region=region))["SecurityGroups"]["SecurityGroup"]
        assert vpc["IsDefault"]
        assert sorted(vpc["VSwitchIds"]["VSwitchId"]) == sorted(one["VSwitchId"] for one in switches)
        assert tuple(one["ZoneId"] for one in switches) == catalog.REGIONS[region].zones
        assert group["VpcId"] == vpc["VpcId"]
        found += [IPv4Network(one["CidrBlock"]) for one in switches]
    assert not any(one.overlaps(other) for one, other in combinations(found, 2))
    assert all(one.subnet_of(IPv4Network(world.hosts.block)) for one in found)


async def test_the_default_network_is_made_once_whoever_comes_first(world: World) -> None:
    answers = await asyncio.gather(*(world.call("DescribeVpcs") for _ in range(8)))

    assert len({one["Vpcs"]["Vpc"][0]["VpcId"] for one in answers}) == 1


async def test_a_vpc_and_a_vswitch_are_made_and_shown(world: World) -> None:
    vpc = (await world.call("CreateVpc", api.vpc, CidrBlock="10.0.0.0/8", VpcName="mine"))["VpcId"]
    made = (
        await world.call(
            "CreateVSwitch",
            api.vpc,
            VpcId=vpc,
            ZoneId="cn-hangzhou-j",
            CidrBlock="10.1.0.0/24",
            VSwitchName="web",
        )
    )["VSwitchId"]

    [switch] = (await world.call("DescribeVSwitches", api.vpc, VSwitchId=made))["VSwitches"]["VSwitch"]

    assert switch["AvailableIpAddressCount"] == 252
    assert (switch["VSwitchName"], switch["VpcId"], switch["IsDefault"]) == ("web", vpc, False)
    assert (await world.call("DescribeVpcs", VpcId=vpc))["Vpcs"]["Vpc"][0]["VSwitchIds"] == {"VSwitchId": [made]}


@pytest.mark.parametrize(
    ("block", "code"),
    [
        ("10.1.0.0/24", "InvalidCidrBlock.Overlapped"),
        ("10.1.0.128/25", "InvalidCidrBlock.Overlapped"),
        ("192.168.0.0/24", "InvalidCidrBlock.Malformed"),
        ("10.2.0.0/30", "InvalidCidrBlock.Malformed"),
        ("10.2.0.0/15", "InvalidCidrBlock.Malformed"),
        ("10.2.0.1/24", "InvalidCidrBlock.Malformed"),
        ("nonsense", "InvalidCidrBlock.Malformed"),
    ],
)
async def test_a_vswitch_must_be_a_free_block_of_its_vpc(world: World, block: str, code: str) -> None:
    vpc = (await world.call("CreateVpc", CidrBlock="10.0.0.0/8"))["VpcId"]
    await world.call("CreateVSwitch", VpcId=vpc, ZoneId="cn-hangzhou-h", CidrBlock="10.1.0.0/24")

    with pytest.raises(CloudError) as refused:
        await world.call("CreateVSwitch", VpcId=vpc, ZoneId="cn-hangzhou-h", CidrBlock=block)

    assert refused.value.code == code


async def test_a_vswitch_needs_a_vpc_and_a_zone_that_exist(world: World) -> None:
    for vpc, zone, code in (
        ("vpc-x", "cn-hangzhou-h", "InvalidVpcId.NotFound"),
        ("vpc-x", "z", "InvalidZoneId.NotFound"),
    ):
        with pytest.raises(CloudError) as refused:
            await world.call("CreateVSwitch", VpcId=vpc, ZoneId=zone, CidrBlock="10.1.0.0/24")
        assert refused.value.code == code


async def test_another_product_reserves_and_releases_addresses(world: World) -> None:
    switch = await world.ecs.default_vswitch(ACCOUNT, REGION)
    async with world.database.transaction() as tx:
        first = await world.ecs.reserve_address(tx, switch.id, "r-1")
        again = await world.ecs.reserve_address(tx, switch.id, "r-1")
        second = await world.ecs.reserve_address(tx, switch.id, "r-2")
        await world.ecs.release_address(tx, "r-1")
        await world.ecs.release_address(tx, "r-nothing")
        third = await world.ecs.reserve_address(tx, switch.id, "r-3")
    [instance] = await world.launch()

    assert (first, again, second, third) == ("172.16.0.1", "172.16.0.1", "172.16.0.2", "172.16.0.1")
    assert (await world.ecs.find(ACCOUNT, REGION, [instance]))[instance].private_address == "172.16.0.3"


async def test_an_unknown_vswitch_has_no_addresses(world: World) -> None:
    async with world.database.transaction() as tx:
        with pytest.raises(CloudError, match=r"InvalidVSwitchId\.NotFound"):
            await world.ecs.reserve_address(tx, "vsw-nothing", "r-1")


async def test_security_groups_count_their_instances(world: World) -> None:
    await world.launch(3)

    [group] = (await world.call("DescribeSecurityGroups"))["SecurityGroups"]["SecurityGroup"]

    assert (group["EcsCount"], group["AvailableInstanceAmount"]) == (3, 1997)


async def test_what_the_cloud_offers_is_listed(world: World) -> None:
    regions = (await world.call("DescribeRegions"))["Regions"]["Region"]
    zones = (await world.call("DescribeZones"))["Zones"]["Zone"]
    types = (await world.call("DescribeInstanceTypes", InstanceTypeFamily="ecs.g6"))["InstanceTypes"]["InstanceType"]
    images = await world.call("DescribeImages", ImageName="ubuntu*")

    assert {"cn-hangzhou", "cn-shanghai", "cn-beijing"} <= {one["RegionId"] for one in regions}
    assert [one["ZoneId"] for one in zones] == ["cn-hangzhou-h", "cn-hangzhou-i", "cn-hangzhou-j"]
    assert [(one["InstanceTypeId"], one["CpuCoreCount"], one["MemorySize"]) for one in types][:2] == [
        ("ecs.g6.large", 2, 8.0),
        ("ecs.g6.xlarge", 4, 16.0),
    ]
    assert images["TotalCount"] == 1
    assert images["Images"]["Image"][0]["Status"] == "Available"
    assert (await world.call("DescribeImages", Status="Creating"))["TotalCount"] == 0
    assert (await world.call("DescribeImages", ImageOwnerAlias="self"))["TotalCount"] == 0
    assert (await world.call("DescribeKeyPairs"))["KeyPairs"] == {"KeyPair": []}
