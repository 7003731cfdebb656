"""Redis instances through the product's own door: made, described, edited, released."""

from __future__ import annotations

import pytest

from support.kvstore import REGION, World, make_world
from tidegate.clock import AdjustableClock
from tidegate.errors import CloudError
from tidegate.ids import Ids
from tidegate.store.database import Database

CLASS = "redis.master.small.default"
PASSWORD = "Correct-Horse-1"


async def code_of(awaitable) -> str:
    with pytest.raises(CloudError) as caught:
        await awaitable
    return caught.value.code


async def instances(world: World, **parameters):
    answer = await world.call("DescribeInstances", **parameters)
    return answer["Instances"]["KVStoreInstance"]


async def test_an_instance_is_creating_until_its_server_stands_behind_its_gate(world: World) -> None:
    made = await world.call("CreateInstance", RegionId=REGION, InstanceClass=CLASS, InstanceName="tide")
    assert made["InstanceStatus"] == "Creating"
    assert made["InstanceId"].startswith("r-bp1")
    assert len(made["InstanceId"]) == 20
    assert made["ConnectionDomain"] == f"{made['InstanceId']}.redis.rds.aliyuncs.com"
    assert await world.servers.list() == []

    await world.settle()

    (shown,) = await instances(world)
    assert (shown["InstanceStatus"], shown["InstanceName"], shown["PrivateIp"]) == (
        "Normal",
        "tide",
        made["PrivateIpAddr"],
    )
    (server,) = await world.servers.list()
    assert (server.id, server.address, server.port) == (made["InstanceId"], made["PrivateIpAddr"], 6379)


async def test_the_delay_of_creation_is_a_setting(database: Database, clock: AdjustableClock, ids: Ids) -> None:
    world = make_world(database, clock, ids, creation_delay=60)
    made = await world.create()
    assert (await world.attribute(made))["InstanceStatus"] == "Creating"

    await world.driver.advance(seconds=61)

    assert (await world.attribute(made))["InstanceStatus"] == "Normal"


async def test_the_same_token_returns_the_first_answer_and_makes_nothing(world: World) -> None:
    first = await world.call("CreateInstance", token="once", InstanceClass=CLASS, Password=PASSWORD)
    await world.settle()

    again = await world.call("CreateInstance", token="once", InstanceClass=CLASS, Password=PASSWORD)

    assert again == first
    assert len(await instances(world)) == 1
    with pytest.raises(CloudError, match="not identical") as caught:
        await world.call("CreateInstance", token="once", InstanceClass=CLASS, InstanceName="other")
    assert caught.value.code == "IdempotentParameterMismatch"


async def test_a_dry_run_makes_nothing(world: World) -> None:
    assert await code_of(world.call("CreateInstance", InstanceClass=CLASS, DryRun=True)) == "DryRunOperation"
    assert await instances(world) == []


async def test_orders_that_no_instance_could_be_are_refused(world: World) -> None:
    assert await code_of(world.call("CreateInstance")) == "MissingClassCode"
    assert await code_of(world.call("CreateInstance", Capacity=1000)) == "InvalidCapacity.NotFound"
    unknown = {"InstanceClass": CLASS, "VSwitchId": "vsw-unknown"}
    assert await code_of(world.call("CreateInstance", **unknown)) == "InvalidVSwitchId.NotFound"
    assert await code_of(world.call("CreateInstance", region="mars-1", Capacity=1024)) == "InvalidRegion.NotFound"
    assert await instances(world) == []


async def test_an_order_in_full_is_shown_in_full(world: World) -> None:
    vswitch = await world.ecs.default_vswitch("1234567890123456", REGION, "cn-hangzhou-i")
    address = str(vswitch.block.network_address + 77)

    made = await world.create(
        InstanceClass="tair.rdb.2g",
        VSwitchId=vswitch.id,
        VpcId=vswitch.vpc_id,
        ZoneId="cn-hangzhou-i",
        PrivateIpAddress=address,
        Port=7000,
        EngineVersion="7.0",
        ConnectionStringPrefix="tidegate1",
        ChargeType="PrePaid",
        Period=3,
        **{"Tag.1.Key": "env", "Tag.1.Value": "test"},
    )

    shown = await world.attribute(made)
    assert {
        "PrivateIp": address,
        "Port": 7000,
        "ZoneId": "cn-hangzhou-i",
        "VSwitchId": vswitch.id,
        "InstanceType": "Tair",
        "EditionType": "Enterprise",
        "Capacity": 2048,
        "EngineVersion": "7.0",
        "ConnectionDomain": "tidegate1.redis.rds.aliyuncs.com",
        "ChargeType": "PrePaid",
        "SecurityIPList": "127.0.0.1",
        "VpcAuthMode": "Open",
        "InstanceReleaseProtection": False,
        "Tags": {"Tag": [{"Key": "env", "Value": "test"}]},
    }.items() <= shown.items()
    assert shown["EndTime"] > shown["CreateTime"]
    net = (await world.call("DescribeDBInstanceNetInfo", InstanceId=made))["NetInfoItems"]["InstanceNetInfo"][0]
    assert (net["IPAddress"], net["Port"], net["DBInstanceNetType"]) == (address, "7000", "2")


async def test_addresses_are_those_of_the_vswitch_and_given_back(world: World) -> None:
    first = await world.create()
    second = await world.create()
    taken = [(await world.attribute(made))["PrivateIp"] for made in (first, second)]
    assert len(set(taken)) == 2

    await world.call("DeleteInstance", InstanceId=first)
    await world.settle()

    third = await world.create()
    assert (await world.attribute(third))["PrivateIp"] == taken[0]


async def test_a_released_instance_is_gone_at_once_and_leaves_nothing(world: World) -> None:
    made = await world.create()

    await world.call("DeleteInstance", InstanceId=made)

    assert await instances(world) == []
    for action in ("DescribeInstanceAttribute", "DescribeSecurityIps", "DeleteInstance"):
        assert await code_of(world.call(action, InstanceId=made)) == "InvalidInstanceId.NotFound"
    await world.settle()
    assert await world.servers.list() == []
    assert await world.gate.list() == []
    assert (await world.driver.find(f"redis/{made}")).status == "Success"


async def test_an_instance_can_be_released_while_it_is_being_made(world: World) -> None:
    made = (await world.call("CreateInstance", InstanceClass=CLASS))["InstanceId"]

    await world.call("DeleteInstance", InstanceId=made)
    await world.settle()

    assert await world.servers.list() == []


async def test_subscriptions_and_protected_instances_are_not_released(world: World) -> None:
    paid = await world.create(ChargeType="PrePaid", Period=1)
    protected = await world.create()
    await world.call("ModifyInstanceAttribute", InstanceId=protected, InstanceReleaseProtection=True)

    assert await code_of(world.call("DeleteInstance", InstanceId=paid)) == "IncorrectDBInstanceType"
    assert await code_of(world.call("DeleteInstance", InstanceId=protected)) == "OperationDenied.ReleaseProtection"
    await world.call("ModifyInstanceAttribute", InstanceId=protected, InstanceReleaseProtection=False)
    await world.call("DeleteInstance", InstanceId=protected)


async def test_passwords_reach_the_server_and_are_sealed_in_the_rows(world: World) -> None:
    made = await world.create(Password=PASSWORD)
    assert world.servers.passwords[made] == PASSWORD

    await world.call("ModifyInstanceAttribute", InstanceId=made, NewPassword="Another-Word-2")
    assert world.servers.passwords[made] == "Another-Word-2"

    await world.call("ResetAccountPassword", InstanceId=made, AccountName=made, AccountPassword="Third-Word-3")
    assert world.servers.passwords[made] == "Third-Word-3"
    async with world.database.connection() as connection:
        sealed = await connection.fetchval("select sealed_password from kvstore_instance")
        assert b"Third" not in sealed
        everything = str([dict(row) for row in await connection.fetch("select * from client_token")])
    assert PASSWORD not in everything


async def test_without_vpc_authentication_no_password_is_asked_for(world: World) -> None:
    made = await world.create(Password=PASSWORD)

    await world.call("ModifyInstanceVpcAuthMode", InstanceId=made, VpcAuthMode="Close")
    assert world.servers.passwords[made] is None
    assert (await world.attribute(made))["VpcAuthMode"] == "Close"

    await world.call("ModifyInstanceVpcAuthMode", InstanceId=made, VpcAuthMode="Open")
    assert world.servers.passwords[made] == PASSWORD
    assert (
        await code_of(world.call("ModifyInstanceVpcAuthMode", InstanceId=made, VpcAuthMode="x")) == "InvalidParameter"
    )


async def test_attributes_change_all_or_none(world: World) -> None:
    made = await world.create(InstanceName="before")

    assert (
        await code_of(world.call("ModifyInstanceAttribute", InstanceId=made, InstanceName="after", NewPassword="x"))
        == "InvalidPassword.Malformed"
    )
    assert (await world.attribute(made))["InstanceName"] == "before"
    await world.call("ModifyInstanceAttribute", InstanceId=made, InstanceName="after")
    assert (await world.attribute(made))["InstanceName"] == "after"


async def test_only_the_default_account_exists(world: World) -> None:
    made = await world.create()

    (account,) = (await world.call("DescribeAccounts", InstanceId=made))["Accounts"]["Account"]

    assert (account["AccountName"], account["AccountStatus"]) == (made, "Available")
    assert (
        await code_of(
            world.call("ResetAccountPassword", InstanceId=made, AccountName="bob", AccountPassword="Third-Word-3")
        )
        == "InvalidAccountName.NotFound"
    )


async def test_lists_are_filtered_and_paged(world: World) -> None:
    names = ["anchor", "beacon", "current"]
    made = {name: await world.create(InstanceName=name, EngineVersion="6.0") for name in names}
    await world.create(Capacity=2048)
    await world.call(
        "TagResources", ResourceType="INSTANCE", ResourceId=[made["anchor"]], **{"Tag.1.Key": "k", "Tag.1.Value": "v"}
    )

    async def named(**parameters):
        return sorted(one["InstanceName"] for one in await instances(world, **parameters))

    assert await named(EngineVersion="6.0") == names
    assert await named(InstanceIds=f"{made['anchor']},{made['beacon']},r-unknown") == ["anchor", "beacon"]
    assert await named(SearchKey="urr") == ["current"]
    assert await named(**{"Tag.1.Key": "k"}) == ["anchor"]
    assert await named(**{"Tag.1.Key": "k", "Tag.1.Value": "w"}) == []
    assert await named(InstanceStatus="Creating") == []
    assert await named(Expired="true") == []
    page = await world.call("DescribeInstances", PageSize=3, PageNumber=2)
    assert (page["TotalCount"], len(page["Instances"]["KVStoreInstance"])) == (4, 1)
    assert await code_of(world.call("DescribeInstances", PageSize=51)) == "InvalidParameter"
    too_many = ",".join(f"r-{n}" for n in range(31))
    assert await code_of(world.call("DescribeInstances", InstanceIds=too_many)) == "InvalidParameter"


async def test_instances_of_other_regions_are_found_by_id_and_not_listed(world: World) -> None:
    made = await world.create(region="cn-beijing")

    assert made.startswith("r-2ze")
    assert await instances(world) == []
    assert (await world.attribute(made))["RegionId"] == "cn-beijing"


async def test_tags_come_and_go(world: World) -> None:
    first, second = await world.create(), await world.create()
    both = {"ResourceType": "INSTANCE", "ResourceId": [first, second]}
    await world.call("TagResources", **both, **{"Tag.1.Key": "a", "Tag.1.Value": "1", "Tag.2.Key": "b"})

    await world.call("UntagResources", ResourceType="INSTANCE", ResourceId=[second], TagKey=["a"])

    listed = (await world.call("ListTagResources", **both))["TagResources"]["TagResource"]
    expected = [(first, "a", "1"), (first, "b", ""), (second, "b", "")]
    assert [(row["ResourceId"], row["TagKey"], row["TagValue"]) for row in listed] == sorted(expected)
    await world.call("UntagResources", ResourceType="INSTANCE", ResourceId=[first], All=True)
    assert (await world.attribute(first))["Tags"] == {"Tag": []}
    assert (
        await code_of(world.call("TagResources", ResourceType="VPC", ResourceId=["v"]))
        == "InvalidResourceType.NotFound"
    )
    unknown = world.call("TagResources", ResourceType="INSTANCE", ResourceId=["r-x"], **{"Tag.1.Key": "a"})
    assert await code_of(unknown) == "InvalidInstanceId.NotFound"


async def test_regions_and_zones_are_told(world: World) -> None:
    regions = (await world.call("DescribeRegions"))["RegionIds"]["KVStoreRegion"]
    zones = (await world.call("DescribeZones"))["Zones"]["KVStoreZone"]

    hangzhou = next(region for region in regions if region["RegionId"] == REGION)
    assert hangzhou["ZoneIds"].split(",") == hangzhou["ZoneIdList"]["ZoneId"] == [zone["ZoneId"] for zone in zones]


async def test_a_plane_that_refuses_is_asked_again_until_it_serves(world: World) -> None:
    world.gate.is_broken = True
    made = await world.create()
    assert (await world.attribute(made))["InstanceStatus"] == "Creating"

    for _ in range(30):
        await world.driver.advance(seconds=3)
    world.gate.is_broken = False
    await world.driver.advance(seconds=3)

    assert (await world.attribute(made))["InstanceStatus"] == "Normal"
