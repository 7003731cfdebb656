"""What RunInstances refuses, word for word (ecs.md 17), and that a refusal changes nothing."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from support.ecs import ACCOUNT, IMAGE, REGION, TYPE, World
from tidegate.errors import CloudError

GOOD: dict[str, Any] = {"ImageId": IMAGE, "InstanceType": TYPE}


@pytest.mark.parametrize(
    ("change", "code", "status"),
    [
        ({"ImageId": None}, "MissingParameter", 400),
        ({"InstanceType": None}, "MissingParameter", 400),
        ({"ImageId": "m-nothing"}, "InvalidImageId.NotFound", 404),
        ({"ImageId": None, "ImageFamily": "acs:nothing"}, "InvalidImageId.NotFound", 404),
        ({"InstanceType": "ecs.huge"}, "InvalidInstanceType.ValueNotSupported", 400),
        ({"InstanceName": "1"}, "InvalidInstanceName.Malformed", 400),
        ({"HostName": "-x"}, "InvalidHostName.Malformed", 400),
        ({"Description": "http://x"}, "InvalidDescription.Malformed", 400),
        ({"Password": "simple"}, "InvalidPassword.Malformed", 400),
        ({"UserData": "!"}, "InvalidUserData.Base64FormatInvalid", 400),
        ({"UserData": base64.b64encode(b"x" * 16385).decode()}, "InvalidUserData.SizeExceeded", 400),
        ({"Amount": 0}, "InvalidParameter", 400),
        ({"Amount": 101}, "InvalidParameter", 400),
        ({"Amount": "many"}, "InvalidParameter", 400),
        ({"MinAmount": 2}, "InvalidMinAmount.Malformed", 400),
        ({"MinAmount": "few"}, "InvalidMinAmount.Malformed", 400),
        ({"PrivateIpAddress": "172.16.0.300"}, "InvalidPrivateIpAddress.Malformed", 400),
        ({"PrivateIpAddress": "172.16.0.0"}, "InvalidPrivateIpAddress", 400),
        ({"PrivateIpAddress": "172.16.15.253"}, "InvalidPrivateIpAddress", 400),
        ({"PrivateIpAddress": "10.0.0.1"}, "InvalidPrivateIpAddress", 400),
        ({"PrivateIpAddress": "172.16.0.9", "Amount": 2}, "InvalidParameter", 400),
        ({"VSwitchId": "vsw-nothing"}, "InvalidVSwitchId.NotFound", 404),
        ({"ZoneId": "cn-hangzhou-z"}, "InvalidZoneId.NotFound", 404),
        ({"SecurityGroupId": "sg-nothing"}, "InvalidSecurityGroupId.NotFound", 400),
        ({"KeyPairName": "mine"}, "InvalidKeyPairName.NotFound", 404),
        ({"LaunchTemplateId": "lt-1"}, "InvalidLaunchTemplate.NotFound", 404),
        ({"Tag": [{"Key": "", "Value": "v"}]}, "InvalidTagKey.Malformed", 400),
        ({"Tag": [{"Key": "acs:x", "Value": "v"}]}, "InvalidTagKey.Malformed", 400),
        ({"Tag": [{"Key": "aliyun", "Value": "v"}]}, "InvalidTagKey.Malformed", 400),
        ({"Tag": [{"Key": "k", "Value": "http://x"}]}, "InvalidTagValue.Malformed", 400),
        ({"Tag": [{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}]}, "Duplicate.TagKey", 400),
        ({"Tag": [{"Key": f"k{n}", "Value": ""} for n in range(21)]}, "InvalidTagCount", 400),
        ({"InstanceChargeType": "Free"}, "InvalidParameter", 400),
        ({"SpotStrategy": "Cheap"}, "InvalidParameter", 400),
        ({"DryRun": True}, "DryRunOperation", 400),
    ],
)
async def test_a_bad_launch_is_refused_and_nothing_is_made(
    world: World, change: dict[str, Any], code: str, status: int
) -> None:
    with pytest.raises(CloudError) as refused:
        await world.call("RunInstances", **{**GOOD, **change})

    assert (refused.value.code, refused.value.status) == (code, status)
    assert (await world.call("DescribeInstances"))["TotalCount"] == 0
    switches = (await world.call("DescribeVSwitches"))["VSwitches"]["VSwitch"]
    assert {one["AvailableIpAddressCount"] for one in switches} == {4092}


async def test_an_unknown_region_is_refused(world: World) -> None:
    for action, parameters in (("RunInstances", GOOD), ("DescribeInstances", {}), ("DescribeVpcs", {})):
        with pytest.raises(CloudError, match=r"InvalidRegionId\.NotFound"):
            await world.call(action, region="mars-1", **parameters)


async def test_a_sold_out_type_is_refused_everywhere_or_in_one_zone(world: World) -> None:
    world.ecs.shortages.add(f"{TYPE}@cn-hangzhou-h")
    with pytest.raises(CloudError) as refused:
        await world.call("RunInstances", **GOOD, ZoneId="cn-hangzhou-h")
    assert (refused.value.code, refused.value.status) == ("OperationDenied.NoStock", 403)

    await world.call("RunInstances", **GOOD, ZoneId="cn-hangzhou-i")

    world.ecs.shortages.add(TYPE)
    with pytest.raises(CloudError, match=r"OperationDenied\.NoStock"):
        await world.call("RunInstances", **GOOD, ZoneId="cn-hangzhou-i")
    zones = (await world.call("DescribeZones"))["Zones"]["Zone"]
    assert all(TYPE not in zone["AvailableInstanceTypes"]["InstanceTypes"] for zone in zones)


async def test_a_full_vswitch_gives_what_it_has_when_that_is_enough(world: World) -> None:
    vpc = (await world.call("CreateVpc", CidrBlock="192.168.0.0/16"))["VpcId"]
    small = (await world.call("CreateVSwitch", VpcId=vpc, ZoneId="cn-hangzhou-h", CidrBlock="192.168.0.0/29"))[
        "VSwitchId"
    ]
    group = (await world.call("CreateSecurityGroup", VpcId=vpc, SecurityGroupName="mine"))["SecurityGroupId"]
    wanted = {**GOOD, "VSwitchId": small, "SecurityGroupId": group}

    with pytest.raises(CloudError) as refused:
        await world.call("RunInstances", **wanted, Amount=5)
    made = await world.call("RunInstances", **wanted, Amount=5, MinAmount=2)

    assert str(refused.value) == "QuotaExceeded.PrivateIpAddress message: Don't have enough private IPs in this switch"
    assert len(made["InstanceIdSets"]["InstanceIdSet"]) == 4


async def test_groups_of_another_vpc_do_not_fit(world: World) -> None:
    vpc = (await world.call("CreateVpc", CidrBlock="192.168.0.0/16"))["VpcId"]
    group = (await world.call("CreateSecurityGroup", VpcId=vpc, SecurityGroupName="mine"))["SecurityGroupId"]

    with pytest.raises(CloudError) as refused:
        await world.call("RunInstances", **GOOD, SecurityGroupId=group)

    assert refused.value.code == "InvalidParameter.Mismatch"
    assert refused.value.message == "Specified security group and virtual switch are not in the same VPC."


async def test_an_address_asked_for_is_given_once(world: World) -> None:
    made = await world.call("RunInstances", **GOOD, PrivateIpAddress="172.16.0.77")
    with pytest.raises(CloudError, match=r"InvalidPrivateIpAddress\.Duplicated"):
        await world.call("RunInstances", **GOOD, PrivateIpAddress="172.16.0.77")

    ids = made["InstanceIdSets"]["InstanceIdSet"]
    assert (await world.ecs.find(ACCOUNT, REGION, ids))[ids[0]].private_address == "172.16.0.77"
