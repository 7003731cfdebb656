"""What Describe calls show: the whole shape of an instance, filters, pages, disks, user data."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from support.ecs import ACCOUNT, IMAGE, PLAIN, REGION, TYPE, World
from tidegate.clock import to_minutes
from tidegate.errors import CloudError
from tidegate.services.ecs.service import LaunchSpec


async def ids(world: World, **parameters: Any) -> list[str]:
    answer = await world.call("DescribeInstances", **parameters)
    return [one["InstanceId"] for one in answer["Instances"]["Instance"]]


async def test_an_instance_has_its_whole_shape_in_the_order_clients_need(world: World) -> None:
    spec = LaunchSpec(
        image_id=IMAGE, instance_type=TYPE, instance_name="web", host_name="web-1", tags={"b": "2", "a": "1"}
    )
    [one] = await world.launch(1, spec)
    [group] = (await world.call("DescribeSecurityGroups"))["SecurityGroups"]["SecurityGroup"]
    [switch] = (await world.call("DescribeVSwitches", ZoneId="cn-hangzhou-h"))["VSwitches"]["VSwitch"]

    [shown] = (await world.call("DescribeInstances", InstanceIds=[one]))["Instances"]["Instance"]

    minute = to_minutes(world.clock.now())
    interface = shown["NetworkInterfaces"].pop("NetworkInterface")[0]
    serial, made, started = shown.pop("SerialNumber"), shown.pop("CreationTime"), shown.pop("StartTime")
    assert len(serial) == 36
    assert made[:13] == started[:13] == minute[:13]
    assert interface.pop("NetworkInterfaceId").startswith("eni-bp1")
    assert interface == {
        "MacAddress": "00:16:3e:10:00:01",
        "PrimaryIpAddress": "172.16.0.1",
        "PrivateIpSets": {"PrivateIpSet": [{"PrivateIpAddress": "172.16.0.1", "Primary": True}]},
        "Type": "Primary",
        "Ipv6Sets": {"Ipv6Set": []},
    }
    assert shown == {
        "InstanceId": one,
        "InstanceName": "web",
        "HostName": "web-1",
        "Description": "",
        "RegionId": "cn-hangzhou",
        "ZoneId": "cn-hangzhou-h",
        "ClusterId": "",
        "Status": "Running",
        "StoppedMode": "Not-applicable",
        "ImageId": IMAGE,
        "OSName": "Alibaba Cloud Linux  3.2104 LTS 64位",
        "OSNameEn": "Alibaba Cloud Linux  3.2104 LTS 64 bit",
        "OSType": "linux",
        "InstanceType": "ecs.g6.large",
        "InstanceTypeFamily": "ecs.g6",
        "Cpu": 2,
        "Memory": 8192,
        "GPUAmount": 0,
        "GPUSpec": "",
        "LocalStorageAmount": 0,
        "LocalStorageCapacity": 0,
        "InstanceChargeType": "PostPaid",
        "SaleCycle": "",
        "ExpiredTime": "2099-12-31T15:59Z",
        "AutoReleaseTime": "",
        "Recyclable": False,
        "SpotStrategy": "NoSpot",
        "SpotPriceLimit": 0.0,
        "SpotDuration": 0,
        "InstanceNetworkType": "vpc",
        "EipAddress": {
            "AllocationId": "",
            "IpAddress": "",
            "InternetChargeType": "",
            "Bandwidth": 0,
            "IsSupportUnassociate": True,
        },
        "PublicIpAddress": {"IpAddress": []},
        "InnerIpAddress": {"IpAddress": []},
        "VpcAttributes": {
            "VpcId": switch["VpcId"],
            "VSwitchId": switch["VSwitchId"],
            "PrivateIpAddress": {"IpAddress": ["172.16.0.1"]},
            "NatIpAddress": "",
        },
        "SecurityGroupIds": {"SecurityGroupId": [group["SecurityGroupId"]]},
        "NetworkInterfaces": {},
        "InternetChargeType": "PayByTraffic",
        "InternetMaxBandwidthIn": 10,
        "InternetMaxBandwidthOut": 0,
        "Tags": {"Tag": [{"TagKey": "a", "TagValue": "1"}, {"TagKey": "b", "TagValue": "2"}]},
        "KeyPairName": "",
        "ResourceGroupId": "",
        "DeletionProtection": False,
        "IoOptimized": True,
        "DeviceAvailable": True,
        "CreditSpecification": "",
        "VlanId": "",
        "DeploymentSetId": "",
        "HpcClusterId": "",
        "OperationLocks": {"LockReason": []},
        "MetadataOptions": {"HttpEndpoint": "", "HttpTokens": ""},
    }
    names = list(shown)
    assert names.index("EipAddress") < names.index("PublicIpAddress") < names.index("InnerIpAddress")


async def test_a_change_is_shown_by_the_next_call(world: World) -> None:
    [one] = await world.launch()
    await world.call("DescribeInstances")

    await world.call("ModifyInstanceAttribute", InstanceId=one, InstanceName="later", Description="a host")
    await world.call("TagResources", ResourceType="Instance", ResourceId=[one], Tag=[{"Key": "k", "Value": "v"}])
    await world.ecs.stop(ACCOUNT, [one])

    [shown] = (await world.call("DescribeInstances"))["Instances"]["Instance"]
    assert (shown["InstanceName"], shown["Description"], shown["Status"]) == ("later", "a host", "Stopping")
    assert shown["Tags"]["Tag"] == [{"TagKey": "k", "TagValue": "v"}]


async def test_unknown_ids_are_absent_and_no_error(world: World) -> None:
    [one] = await world.launch()

    answer = await world.call("DescribeInstances", InstanceIds=["i-nothing", one])

    assert answer["TotalCount"] == 1
    assert (await world.call("DescribeInstances", InstanceIds=["i-nothing"]))["Instances"] == {"Instance": []}


@pytest.mark.parametrize(
    "text", ["i-1", '{"a":1}', "[1", '["i-1",2', str([f"i-{n}" for n in range(101)]).replace("'", '"')]
)
async def test_ids_that_are_no_json_list_of_a_hundred_are_malformed(world: World, text: str) -> None:
    with pytest.raises(CloudError) as refused:
        await world.call("DescribeInstances", InstanceIds=text)

    assert refused.value.code == "InvalidInstanceIds.Malformed"
    assert refused.value.message == 'The specified "InstanceIds" is not valid.'


async def test_each_filter_finds_what_it_says(world: World) -> None:
    [web] = await world.launch(
        1, LaunchSpec(image_id=IMAGE, instance_type=TYPE, instance_name="web-100%", tags={"k": "v"})
    )
    [job] = await world.launch(
        1,
        LaunchSpec(
            image_id="ubuntu_22_04_x64_20G_alibase_20240530.vhd",
            instance_type="ecs.c6.large",
            instance_name="job",
            zone="cn-hangzhou-i",
            tags={"k": "w"},
        ),
    )
    await world.ecs.stop(ACCOUNT, [job])
    await world.settle()
    land = await world.ecs.networks.landscape(ACCOUNT, REGION)
    first = land.vswitches[0].id

    for parameters, found in (
        ({"InstanceName": "web-100%"}, [web]),
        ({"InstanceName": "web*"}, [web]),
        ({"InstanceName": "%"}, []),
        ({"InstanceName": "*"}, [job, web]),
        ({"Status": "Running"}, [web]),
        ({"Status": "Stopped"}, [job]),
        ({"Status": "Starting"}, []),
        ({"VpcId": land.vpcs[0].id}, [job, web]),
        ({"VSwitchId": first}, [web]),
        ({"ZoneId": "cn-hangzhou-i"}, [job]),
        ({"ImageId": IMAGE}, [web]),
        ({"InstanceType": "ecs.c6.large"}, [job]),
        ({"InstanceTypeFamily": "ecs.g6"}, [web]),
        ({"InstanceTypeFamily": "ecs.x"}, []),
        ({"InstanceChargeType": "PrePaid"}, []),
        ({"InstanceNetworkType": "vpc"}, [job, web]),
        ({"InstanceNetworkType": "classic"}, []),
        ({"InternetChargeType": "PayByTraffic"}, [job, web]),
        ({"PrivateIpAddresses": ["172.16.0.1"]}, [web]),
        ({"EipAddresses": ["8.8.8.8"]}, []),
        ({"Tag": [{"Key": "k"}]}, [job, web]),
        ({"Tag": [{"Key": "k", "Value": "w"}]}, [job]),
        ({"Tag": [{"Key": "k", "Value": "w"}, {"Key": "l"}]}, []),
        ({"KeyPairName": "mine"}, []),
        ({"IoOptimized": False}, []),
        ({"SecurityGroupId": "sg-x"}, []),
        ({"Filter": [{"Key": "CreationStartTime", "Value": "2099-01-01T00:00Z"}]}, []),
        ({"Filter": [{"Key": "CreationEndTime", "Value": "2099-01-01T00:00Z"}]}, [job, web]),
        ({"InstanceIds": [web, job], "Status": "Running"}, [web]),
    ):
        assert await ids(world, **parameters) == found, parameters


async def test_an_unknown_status_is_an_error(world: World) -> None:
    with pytest.raises(CloudError) as refused:
        await world.call("DescribeInstances", Status="Deleted")

    assert (refused.value.code, refused.value.status) == ("InvalidStatus.NotFound", 404)


async def test_pages_by_number_and_by_token_show_each_instance_once_newest_first(world: World) -> None:
    made = set(await world.launch(12)) | set(await world.launch(11))

    numbered = [await ids(world, PageNumber=number, PageSize=10) for number in (1, 2, 3, 4)]
    tokens, token = [], ""
    while True:
        answer = await world.call("DescribeInstances", MaxResults=10, **({"NextToken": token} if token else {}))
        tokens.append([one["InstanceId"] for one in answer["Instances"]["Instance"]])
        assert "PageNumber" not in answer
        token = answer["NextToken"]
        if not token:
            break

    assert [len(page) for page in numbered] == [10, 10, 3, 0]
    assert tokens == numbered[:3]
    assert {one for page in numbered for one in page} == made
    assert (await world.call("DescribeInstances", PageNumber=9))["TotalCount"] == 23


@pytest.mark.parametrize(
    "parameters",
    [
        {"PageNumber": 0},
        {"PageSize": 101},
        {"PageSize": 0},
        {"MaxResults": 101},
        {"NextToken": "nonsense"},
        {"NextToken": "bm9uc2Vuc2UgaS0x"},
    ],
)
async def test_pages_that_do_not_exist_are_refused(world: World, parameters: dict[str, Any]) -> None:
    with pytest.raises(CloudError) as refused:
        await world.call("DescribeInstances", **parameters)

    assert refused.value.code == "InvalidParameter"


async def test_accounts_and_regions_see_only_their_own(world: World) -> None:
    [one] = await world.launch()

    assert (await world.call("DescribeInstances", region="cn-beijing"))["TotalCount"] == 0
    assert await world.ecs.find("999", REGION, [one]) == {}
    await world.ecs.release("999", [one])
    await world.settle()
    assert await world.status(one) == "Running"


async def test_statuses_are_listed_by_page(world: World) -> None:
    made = await world.launch(3)

    answer = await world.call("DescribeInstanceStatus", InstanceId=[*made[:2], "i-nothing"])

    listed = answer["InstanceStatuses"]["InstanceStatus"]
    assert {one["InstanceId"]: one["Status"] for one in listed} == {made[0]: "Running", made[1]: "Running"}
    assert answer["TotalCount"] == 2


async def test_user_data_and_the_console_are_shown_in_base64(world: World) -> None:
    text = base64.b64encode(b"#!/bin/sh\n").decode()
    answer = await world.call("RunInstances", ImageId=IMAGE, InstanceType=TYPE, UserData=text)
    [one] = answer["InstanceIdSets"]["InstanceIdSet"]
    [plain] = await world.launch()

    assert (await world.call("DescribeUserData", InstanceId=one))["UserData"] == text
    assert (await world.call("DescribeUserData", InstanceId=plain))["UserData"] == ""
    console = await world.call("GetInstanceConsoleOutput", InstanceId=plain)
    assert f"booting {plain}".encode() in base64.b64decode(console["ConsoleOutput"])
    with pytest.raises(CloudError, match=r"InvalidInstanceId\.NotFound"):
        await world.call("GetInstanceConsoleOutput", InstanceId="i-nothing")


async def test_each_instance_has_its_system_disk(world: World) -> None:
    made = await world.launch(2)

    [disk] = (await world.call("DescribeDisks", InstanceId=made[0]))["Disks"]["Disk"]
    again = await world.call("DescribeDisks", DiskIds=[disk["DiskId"]])

    assert (disk["Type"], disk["Status"], disk["Size"], disk["Category"]) == ("system", "In_use", 20, "cloud_essd")
    assert again["Disks"]["Disk"] == [disk]
    assert (await world.call("DescribeDisks"))["TotalCount"] == 2
    assert (await world.call("DescribeDisks", DiskType="data"))["TotalCount"] == 0


async def test_names_are_numbered_in_the_order_of_the_ids(world: World) -> None:
    answer = await world.call("RunInstances", ImageId=IMAGE, InstanceType=TYPE, InstanceName="web-[3,2]", Amount=3)
    made = answer["InstanceIdSets"]["InstanceIdSet"]

    shown = (await world.call("DescribeInstances"))["Instances"]["Instance"]

    names = {one["InstanceId"]: one["InstanceName"] for one in shown}
    assert [names[one] for one in made] == ["web-03", "web-04", "web-05"]


async def test_an_unnamed_instance_is_called_by_its_id(world: World) -> None:
    [one] = await world.launch(1, PLAIN)

    [shown] = (await world.call("DescribeInstances"))["Instances"]["Instance"]

    assert shown["InstanceName"] == one
    assert shown["HostName"] == f"iZ{one.removeprefix('i-')}Z"
    assert len(one) == 22
