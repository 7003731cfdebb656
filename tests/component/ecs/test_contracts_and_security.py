"""Charge types, bandwidth, renewal, types and roles of instances; rules, members and key pairs of security."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from support.ecs import PLAIN, World
from tidegate.errors import CloudError
from tidegate.services.ecs.api import vpc


async def shown(world: World, instance: str) -> dict[str, Any]:
    [one] = (await world.call("DescribeInstances", InstanceIds=[instance]))["Instances"]["Instance"]
    found: dict[str, Any] = one
    return found


async def refused(world: World, action: str, **parameters: Any) -> str:
    with pytest.raises(CloudError) as caught:
        await world.call(action, **parameters)
    return caught.value.code


async def test_an_instance_becomes_a_subscription_is_renewed_and_becomes_pay_as_you_go_again(world: World) -> None:
    [instance] = await world.launch()

    answer = await world.call(
        "ModifyInstanceChargeType", InstanceIds=[instance], InstanceChargeType="PrePaid", Period=1
    )
    subscribed = await shown(world, instance)
    await world.call("RenewInstance", InstanceId=instance, Period=1)
    renewed = (await shown(world, instance))["ExpiredTime"]
    await world.call("ModifyInstanceAutoRenewAttribute", InstanceId=instance, AutoRenew=True, Duration=3)
    [renewal] = (await world.call("DescribeInstanceAutoRenewAttribute", InstanceId=instance))[
        "InstanceRenewAttributes"
    ]["InstanceRenewAttribute"]
    same = await refused(world, "ModifyInstanceChargeType", InstanceIds=[instance], InstanceChargeType="PrePaid")
    await world.call("ModifyInstanceChargeType", InstanceIds=[instance], InstanceChargeType="PostPaid")

    after = await shown(world, instance)
    assert answer["OrderId"]
    assert subscribed["InstanceChargeType"] == "PrePaid"
    assert subscribed["ExpiredTime"] < renewed < "2099"
    assert (renewal["RenewalStatus"], renewal["AutoRenewEnabled"], renewal["Duration"]) == ("AutoRenewal", True, 3)
    assert same == "InstancesChargeTypeViolation"
    assert (after["InstanceChargeType"], after["ExpiredTime"]) == ("PostPaid", "2099-12-31T15:59Z")


async def test_bandwidth_and_type_change_as_the_rules_allow(world: World) -> None:
    [instance] = await world.launch()

    await world.call(
        "ModifyInstanceNetworkSpec", InstanceId=instance, InternetMaxBandwidthOut=20, NetworkChargeType="PayByBandwidth"
    )
    codes = [
        await refused(world, "ModifyInstanceSpec", InstanceId=instance, InstanceType="ecs.g6.xlarge"),
        await refused(world, "ModifyPrepayInstanceSpec", InstanceId=instance, InstanceType="ecs.g6.xlarge"),
        await refused(world, "ModifyInstanceSpec", InstanceId=instance, InstanceType="ecs.unknown"),
        await refused(world, "ModifyInstanceNetworkSpec", InstanceId=instance, InternetMaxBandwidthOut=2000),
        await refused(world, "ModifyInstanceAutoRenewAttribute", InstanceId=instance, AutoRenew=True),
    ]
    await world.call("StopInstance", InstanceId=instance)
    await world.settle()
    await world.call("ModifyInstanceSpec", InstanceId=instance, InstanceType="ecs.g6.xlarge")

    after = await shown(world, instance)
    assert codes == [
        "IncorrectInstanceStatus",
        "ChargeTypeViolation",
        "InvalidInstanceType.ValueNotSupported",
        "InvalidParameter",
        "ChargeTypeViolation",
    ]
    assert (after["InstanceType"], after["Cpu"]) == ("ecs.g6.xlarge", 4)
    assert (after["InternetMaxBandwidthOut"], after["InternetChargeType"]) == (20, "PayByBandwidth")


async def test_a_role_is_attached_shown_and_detached(world: World) -> None:
    [instance] = await world.launch()

    await world.call("AttachInstanceRamRole", InstanceIds=[instance], RamRoleName="reader")
    there = await world.call("DescribeInstanceRamRole", InstanceIds=[instance])
    await world.call("DetachInstanceRamRole", InstanceIds=[instance])
    gone = await world.call("DescribeInstanceRamRole", InstanceIds=[instance])

    roles = [one["InstanceRamRoleSets"]["InstanceRamRoleSet"][0]["RamRoleName"] for one in (there, gone)]
    assert roles == ["reader", ""]


async def test_rules_are_added_once_shown_and_revoked(world: World) -> None:
    group = (await world.call("CreateSecurityGroup", SecurityGroupName="web"))["SecurityGroupId"]
    https = {"IpProtocol": "tcp", "PortRange": "443/443", "SourceCidrIp": "0.0.0.0/0"}

    for _ in range(2):
        await world.call("AuthorizeSecurityGroup", SecurityGroupId=group, **https)
    await world.call(
        "AuthorizeSecurityGroup",
        SecurityGroupId=group,
        Permissions=[{"IpProtocol": "TCP", "PortRange": "22/22", "SourceCidrIp": "10.0.0.0/8", "Priority": 5}],
    )
    before = await world.call("DescribeSecurityGroupAttribute", SecurityGroupId=group, Direction="ingress")
    await world.call("RevokeSecurityGroup", SecurityGroupId=group, **https)
    [left] = (await world.call("DescribeSecurityGroupAttribute", SecurityGroupId=group))["Permissions"]["Permission"]
    await world.call("RevokeSecurityGroup", SecurityGroupId=group, SecurityGroupRuleId=[left["SecurityGroupRuleId"]])

    rules = before["Permissions"]["Permission"]
    assert [(one["IpProtocol"], one["PortRange"], one["Policy"]) for one in rules] == [
        ("TCP", "443/443", "Accept"),
        ("TCP", "22/22", "Accept"),
    ]
    assert (left["PortRange"], left["Priority"]) == ("22/22", "5")
    after = await world.call("DescribeSecurityGroupAttribute", SecurityGroupId=group)
    assert after["Permissions"]["Permission"] == []


async def test_rules_that_say_nothing_are_refused(world: World) -> None:
    group = (await world.call("CreateSecurityGroup"))["SecurityGroupId"]
    good = {"SecurityGroupId": group, "IpProtocol": "tcp", "PortRange": "80/80", "SourceCidrIp": "0.0.0.0/0"}

    codes = [
        await refused(world, "AuthorizeSecurityGroup", **{**good, **wrong})
        for wrong in (
            {"IpProtocol": "smoke"},
            {"PortRange": "80"},
            {"Policy": "perhaps"},
            {"Priority": 101},
            {"SourceCidrIp": ""},
            {"SecurityGroupId": "sg-nothing"},
        )
    ]

    assert codes == [
        "InvalidIpProtocol.ValueNotSupported",
        "InvalidIpPortRange.Malformed",
        "InvalidPolicy.Malformed",
        "InvalidPriority.Malformed",
        "InvalidSourceCidrIp.Malformed",
        "InvalidSecurityGroupId.NotFound",
    ]


async def test_an_instance_joins_and_leaves_a_group_that_then_can_go(world: World) -> None:
    [instance] = await world.launch()
    [first] = (await shown(world, instance))["SecurityGroupIds"]["SecurityGroupId"]
    group = (await world.call("CreateSecurityGroup"))["SecurityGroupId"]

    await world.call("JoinSecurityGroup", SecurityGroupId=group, InstanceId=instance)
    joined = (await shown(world, instance))["SecurityGroupIds"]["SecurityGroupId"]
    busy = await refused(world, "DeleteSecurityGroup", SecurityGroupId=group)
    await world.call("LeaveSecurityGroup", SecurityGroupId=group, InstanceId=instance)
    last = await refused(world, "LeaveSecurityGroup", SecurityGroupId=first, InstanceId=instance)
    await world.call("DeleteSecurityGroup", SecurityGroupId=group)

    assert joined == [first, group]
    assert (busy, last) == ("DependencyViolation", "DependencyViolation")
    assert (await world.call("DescribeSecurityGroups"))["TotalCount"] == 1


async def test_networks_go_from_the_inside_out(world: World) -> None:
    made = (await world.call("CreateVpc", vpc, CidrBlock="172.20.0.0/16"))["VpcId"]
    switch = (await world.call("CreateVSwitch", vpc, VpcId=made, ZoneId="cn-hangzhou-h", CidrBlock="172.20.0.0/24"))[
        "VSwitchId"
    ]

    with pytest.raises(CloudError) as busy:
        await world.call("DeleteVpc", vpc, VpcId=made)
    await world.call("DeleteVSwitch", vpc, VSwitchId=switch)
    await world.call("DeleteVpc", vpc, VpcId=made)

    assert busy.value.code == "DependencyViolation"
    assert made not in [one["VpcId"] for one in (await world.call("DescribeVpcs", vpc))["Vpcs"]["Vpc"]]


async def test_a_key_pair_is_made_shown_by_instances_and_forgotten(world: World) -> None:
    made = await world.call("CreateKeyPair", KeyPairName="mine")
    [instance] = await world.launch(1, msgspec.structs.replace(PLAIN, key_pair_name="mine"))

    by_key = await world.call("DescribeInstances", KeyPairName="mine")
    await world.call("DetachKeyPair", KeyPairName="mine", InstanceIds=[instance])
    without = (await shown(world, instance))["KeyPairName"]
    await world.call("AttachKeyPair", KeyPairName="mine", InstanceIds=[instance])
    codes = [
        await refused(world, "CreateKeyPair", KeyPairName="mine"),
        await refused(world, "ImportKeyPair", KeyPairName="other", PublicKeyBody="not a key"),
        await refused(world, "AttachKeyPair", KeyPairName="nobody", InstanceIds=[instance]),
    ]
    listed = (await world.call("DescribeKeyPairs", KeyPairName="mi*"))["KeyPairs"]["KeyPair"]
    await world.call("DeleteKeyPairs", KeyPairNames=["mine"])

    assert made["PrivateKeyBody"].startswith("-----BEGIN RSA PRIVATE KEY-----")
    assert by_key["TotalCount"] == 1
    assert (without, (await shown(world, instance))["KeyPairName"]) == ("", "mine")
    assert codes == ["KeyPair.AlreadyExist", "InvalidPublicKeyBody.Malformed", "InvalidKeyPairName.NotFound"]
    assert [one["KeyPairFingerPrint"] for one in listed] == [made["KeyPairFingerPrint"]]
    assert (await world.call("DescribeKeyPairs"))["TotalCount"] == 0


async def test_what_is_sold_out_is_not_available(world: World) -> None:
    world.ecs.shortages.add("ecs.g6.large@cn-hangzhou-h")

    answer = await world.call(
        "DescribeAvailableResource", DestinationResource="InstanceType", InstanceType="ecs.g6.large"
    )

    zones = answer["AvailableZones"]["AvailableZone"]
    assert [(one["ZoneId"], one["Status"], one["StatusCategory"]) for one in zones] == [
        ("cn-hangzhou-h", "SoldOut", "WithoutStock"),
        ("cn-hangzhou-i", "Available", "WithStock"),
        ("cn-hangzhou-j", "Available", "WithStock"),
    ]
