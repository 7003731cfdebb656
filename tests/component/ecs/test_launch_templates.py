"""Launch templates: versions, the default one, what a launch takes from them (ecs.md 10)."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from support.ecs import IMAGE, TYPE, World
from tidegate.errors import CloudError

SCRIPT = base64.b64encode(b"#!/bin/sh\n").decode()


async def make_template(world: World, name: str = "web", **fields: Any) -> str:
    made = await world.call(
        "CreateLaunchTemplate",
        LaunchTemplateName=name,
        ImageId=IMAGE,
        InstanceType=TYPE,
        InstanceName="from-template",
        SystemDisk={"Category": "cloud_efficiency", "Size": 40},
        DataDisk=[{"Size": 100}],
        Tag=[{"Key": "team", "Value": "sea"}],
        UserData=SCRIPT,
        **fields,
    )
    return str(made["LaunchTemplateId"])


async def versions(world: World, template: str, **filters: Any) -> list[dict[str, Any]]:
    answer = await world.call("DescribeLaunchTemplateVersions", LaunchTemplateId=template, **filters)
    return list(answer["LaunchTemplateVersionSets"]["LaunchTemplateVersionSet"])


async def refused(world: World, action: str, **parameters: Any) -> str:
    with pytest.raises(CloudError) as error:
        await world.call(action, **parameters)
    return error.value.code


async def launched(world: World, **parameters: Any) -> dict[str, Any]:
    [made] = (await world.call("RunInstances", **parameters))["InstanceIdSets"]["InstanceIdSet"]
    [shown] = (await world.call("DescribeInstances", InstanceIds=[made]))["Instances"]["Instance"]
    return dict(shown)


async def test_a_version_shows_what_it_was_given_with_the_odd_names_of_the_system_disk(world: World) -> None:
    template = await make_template(world)

    [shown] = await versions(world, template)

    data = shown["LaunchTemplateData"]
    assert (shown["VersionNumber"], shown["DefaultVersion"]) == (1, True)
    assert (data["SystemDisk.Category"], data["SystemDisk.Size"]) == ("cloud_efficiency", 40)
    assert data["DataDisks"] == {"DataDisk": [{"Size": 100}]}
    assert data["Tags"] == {"InstanceTag": [{"Key": "team", "Value": "sea"}]}
    assert data["SecurityGroupIds"] == {"SecurityGroupId": []}


async def test_a_launch_takes_what_it_does_not_say_itself_from_the_template(world: World) -> None:
    template = await make_template(world)

    shown = await launched(world, LaunchTemplateId=template, InstanceName="said")

    assert (shown["InstanceName"], shown["InstanceType"]) == ("said", TYPE)
    assert {"TagKey": "team", "TagValue": "sea"} in shown["Tags"]["Tag"]


async def test_a_launch_by_name_takes_the_default_version_unless_it_names_one(world: World) -> None:
    template = await make_template(world)
    await world.call(
        "CreateLaunchTemplateVersion", LaunchTemplateId=template, ImageId=IMAGE, InstanceType="ecs.c6.large"
    )

    by_default = await launched(world, LaunchTemplateName="web")
    by_number = await launched(world, LaunchTemplateName="web", LaunchTemplateVersion=2)
    await world.call("ModifyLaunchTemplateDefaultVersion", LaunchTemplateId=template, DefaultVersionNumber=2)
    afterwards = await launched(world, LaunchTemplateName="web")

    types = [one["InstanceType"] for one in (by_default, by_number, afterwards)]
    assert types == [TYPE, "ecs.c6.large", "ecs.c6.large"]


async def test_an_image_that_is_said_replaces_the_family_of_the_template(world: World) -> None:
    made = await world.call(
        "CreateLaunchTemplate", LaunchTemplateName="family", ImageFamily="acs:debian_12_x64", InstanceType=TYPE
    )

    shown = await launched(world, LaunchTemplateId=made["LaunchTemplateId"], ImageId=IMAGE)

    assert shown["ImageId"] == IMAGE


async def test_version_numbers_are_never_given_twice_and_the_default_one_stays(world: World) -> None:
    template = await make_template(world)
    for _ in range(2):
        await world.call("CreateLaunchTemplateVersion", LaunchTemplateId=template, ImageId=IMAGE, InstanceType=TYPE)
    await world.call("DeleteLaunchTemplateVersion", LaunchTemplateId=template, DeleteVersion=[3])
    made = await world.call("CreateLaunchTemplateVersion", LaunchTemplateId=template, InstanceType=TYPE)

    denied = await refused(world, "DeleteLaunchTemplateVersion", LaunchTemplateId=template, DeleteVersion=[1])

    assert made["LaunchTemplateVersionNumber"] == 4
    assert denied == "InvalidOperation.DefaultVersion"
    assert [one["VersionNumber"] for one in await versions(world, template)] == [4, 2, 1]
    assert [one["VersionNumber"] for one in await versions(world, template, MinVersion=2, MaxVersion=3)] == [2]
    assert [one["VersionNumber"] for one in await versions(world, template, DefaultVersion=True)] == [1]
    assert "LaunchTemplateData" not in (await versions(world, template, DetailFlag=False))[0]


async def test_templates_are_listed_newest_first_and_a_deleted_one_is_gone(world: World) -> None:
    first, second = await make_template(world, "one"), await make_template(world, "two")

    page = await world.call("DescribeLaunchTemplates")
    gone = await world.call("DeleteLaunchTemplate", LaunchTemplateName="one")

    assert [one["LaunchTemplateId"] for one in page["LaunchTemplateSets"]["LaunchTemplateSet"]] == [second, first]
    assert gone == {"LaunchTemplateId": first, "LaunchTemplateVersionNumbers": {"versionNumbers": [1]}}
    assert (await world.call("DescribeLaunchTemplates"))["TotalCount"] == 1


async def test_what_does_not_exist_or_is_named_twice_is_refused_and_says_so(world: World) -> None:
    template = await make_template(world)

    assert await refused(world, "RunInstances", LaunchTemplateId="lt-nothing") == "InvalidLaunchTemplate.NotFound"
    unknown = {"LaunchTemplateId": template, "LaunchTemplateVersion": 7}
    assert await refused(world, "RunInstances", **unknown) == "InvalidLaunchTemplateVersion.NotFound"
    again = {"LaunchTemplateName": "web", "ImageId": IMAGE}
    assert await refused(world, "CreateLaunchTemplate", **again) == "InvalidLaunchTemplateName.Duplicated"
    assert await refused(world, "CreateLaunchTemplate", LaunchTemplateName="x") == "InvalidLaunchTemplateName.Malformed"
    assert await refused(world, "DeleteLaunchTemplate") == "MissingParameter"
