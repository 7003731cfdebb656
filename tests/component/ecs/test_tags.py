"""Tags on instances, disks and security groups."""

from __future__ import annotations

from typing import Any

import pytest

from support.ecs import ACCOUNT, IMAGE, REGION, TYPE, World
from tidegate.errors import CloudError
from tidegate.services.ecs.service import LaunchSpec


def pairs(**tags: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


async def listed(world: World, **parameters: Any) -> list[tuple[str, str, str]]:
    answer = await world.call("ListTagResources", ResourceType="instance", **parameters)
    return [(one["ResourceId"], one["TagKey"], one["TagValue"]) for one in answer["TagResources"]["TagResource"]]


async def test_tags_are_put_changed_listed_and_taken_off(world: World) -> None:
    first, second = sorted(await world.launch(2))
    await world.call("TagResources", ResourceType="Instance", ResourceId=[first, second], Tag=pairs(a="1", b="2"))
    await world.call("TagResources", ResourceType="instance", ResourceId=[first], Tag=pairs(a="3"))

    by_id = await listed(world, ResourceId=[first])
    by_tag = await listed(world, Tag=[{"Key": "a", "Value": "1"}])
    await world.call("UntagResources", ResourceType="instance", ResourceId=[first, second], TagKey=["a"])
    after = await listed(world, ResourceId=[first, second])
    await world.call("UntagResources", ResourceType="instance", ResourceId=[first], All=True)

    assert by_id == [(first, "a", "3"), (first, "b", "2")]
    assert by_tag == [(second, "a", "1"), (second, "b", "2")]
    assert after == [(first, "b", "2"), (second, "b", "2")]
    assert await listed(world, ResourceId=[first]) == []


async def test_tags_of_the_cloud_itself_stay_and_do_not_count(world: World) -> None:
    spec = LaunchSpec(image_id=IMAGE, instance_type=TYPE, system_tags={"acs:autoscaling:scalingGroupId": "asg-1"})
    [one] = await world.launch(1, spec)

    await world.call(
        "TagResources", ResourceType="instance", ResourceId=[one], Tag=pairs(**{f"k{n}": "v" for n in range(20)})
    )
    await world.call("UntagResources", ResourceType="instance", ResourceId=[one], All=True)

    assert await listed(world, ResourceId=[one]) == [(one, "acs:autoscaling:scalingGroupId", "asg-1")]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"ResourceType": "ship"}, "InvalidResourceType.NotFound"),
        ({"ResourceId": ["i-nothing"]}, "InvalidResourceId.NotFound"),
        ({"ResourceId": []}, "MissingParameter"),
        ({"Tag": []}, "MissingParameter"),
        ({"Tag": pairs(**{"acs:x": "v"})}, "InvalidTagKey.Malformed"),
        ({"Tag": pairs(**{f"k{n}": "v" for n in range(21)})}, "InvalidTagCount"),
    ],
)
async def test_bad_tagging_is_refused(world: World, change: dict[str, Any], code: str) -> None:
    [one] = await world.launch()
    good: dict[str, Any] = {"ResourceType": "instance", "ResourceId": [one], "Tag": pairs(k="v")}

    with pytest.raises(CloudError) as refused:
        await world.call("TagResources", **{**good, **change})

    assert refused.value.code == code


async def test_a_twenty_first_tag_is_refused_but_a_new_value_is_not(world: World) -> None:
    [one] = await world.launch()
    await world.call(
        "TagResources", ResourceType="instance", ResourceId=[one], Tag=pairs(**{f"k{n}": "v" for n in range(20)})
    )

    await world.call("TagResources", ResourceType="instance", ResourceId=[one], Tag=pairs(k1="w"))
    with pytest.raises(CloudError, match="InvalidTagCount"):
        await world.call("TagResources", ResourceType="instance", ResourceId=[one], Tag=pairs(more="v"))


async def test_tags_are_listed_page_by_page(world: World) -> None:
    made = await world.launch(5)
    await world.call("TagResources", ResourceType="instance", ResourceId=made, Tag=pairs(a="1", b="2"))

    found, token = [], ""
    while True:
        answer = await world.call(
            "ListTagResources", ResourceType="instance", ResourceId=made, MaxResults=3, NextToken=token
        )
        found += [(one["ResourceId"], one["TagKey"]) for one in answer["TagResources"]["TagResource"]]
        token = answer["NextToken"]
        if not token:
            break

    assert found == [(one, key) for one in sorted(made) for key in ("a", "b")]


async def test_disks_and_security_groups_carry_tags_too(world: World) -> None:
    await world.launch()
    [disk] = (await world.call("DescribeDisks"))["Disks"]["Disk"]
    [group] = (await world.call("DescribeSecurityGroups"))["SecurityGroups"]["SecurityGroup"]

    for kind, resource in (("disk", disk["DiskId"]), ("securitygroup", group["SecurityGroupId"])):
        await world.call("AddTags", ResourceType=kind, ResourceId=resource, Tag=pairs(k="v"))
        answer = await world.call("ListTagResources", ResourceType=kind, ResourceId=[resource])
        await world.call("RemoveTags", ResourceType=kind, ResourceId=resource, Tag=pairs(k="v"))
        empty = await world.call("ListTagResources", ResourceType=kind, ResourceId=[resource])

        assert answer["TagResources"]["TagResource"] == [
            {"ResourceId": resource, "ResourceType": kind, "TagKey": "k", "TagValue": "v"}
        ]
        assert empty["TagResources"]["TagResource"] == []


async def test_another_account_cannot_tag(world: World) -> None:
    [one] = await world.launch()

    with pytest.raises(CloudError, match=r"InvalidResourceId\.NotFound"):
        await world.ecs.tags.put("999", REGION, "instance", [one], {"k": "v"})

    assert ACCOUNT != "999"
