"""Scaling configurations and rules as objects (ess.md 12.4, 12.5)."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest

from support.ecs import IMAGE, TYPE
from support.ess import World
from tidegate.services.ess.dialect import OLD


async def shown(world: World, configuration: str) -> dict[str, Any]:
    [one] = (await world.call("DescribeScalingConfigurations", ScalingConfigurationIds=[configuration]))[
        "ScalingConfigurations"
    ]
    return dict(one)


async def test_types_can_be_described_instead_of_named(world: World) -> None:
    group = await world.make_group(configured=False, enabled=False)
    pattern = {"Cores": 4, "Memory": 16, "BurstablePerformance": "Exclude", "ExcludedInstanceTypes": ["ecs.g7.xlarge"]}

    made = await world.call(
        "CreateScalingConfiguration", ScalingGroupId=group, ImageId=IMAGE, InstancePatternInfos=[pattern]
    )
    found = await shown(world, made["ScalingConfigurationId"])
    nothing = await world.refused(
        "CreateScalingConfiguration", ScalingGroupId=group, ImageId=IMAGE, InstancePatternInfos=[{"Cores": 3}]
    )

    assert found["InstanceTypes"] == ["ecs.g6.xlarge"]
    assert found["InstancePatternInfos"] == [pattern]
    assert nothing.code == "MissingParameter"


async def test_what_changes_nothing_here_is_kept_and_shown(world: World) -> None:
    group = await world.make_group(configured=False, enabled=False)
    given: dict[str, Any] = {
        "PrivatePoolOptions": {"Id": "eap-1", "MatchCriteria": "Open"},
        "SecurityOptions": {"ConfidentialComputingMode": "TDX"},
        "ImageOptions": {"LoginAsNonRoot": True},
        "NetworkInterfaces": [{"InstanceType": "Primary"}],
        "StorageSetId": "ss-1",
        "Ipv6AddressCount": 1,
    }

    made = await world.make_configuration(group, SchedulerOptions='{"ManagedPrivateSpaceId": "x"}', **given)

    found = await shown(world, made)
    assert {name: found[name] for name in given} == given
    assert found["SchedulerOptions"] == {"ManagedPrivateSpaceId": "x"}


async def test_a_configuration_returns_what_it_was_given_and_never_the_password(world: World) -> None:
    group = await world.make_group(enabled=False, configured=False)

    made = await world.make_configuration(
        group,
        ScalingConfigurationName="v1",
        Password="Secret-123",
        SecurityGroupId="sg-1",
        **{
            "SystemDisk.Category": "cloud_essd",
            "SystemDisk.Size": 50,
            "SystemDisk.DiskName": "root",
            "DataDisks.1.Size": 100,
            "DataDisks.1.Category": "cloud_efficiency",
            "Tags": '{"a":"1"}',
            "SpotPriceLimits.1.InstanceType": TYPE,
            "SpotPriceLimits.1.PriceLimit": 0.5,
        },
    )

    one = await shown(world, made)
    assert made.startswith("asc-bp1")
    assert (one["ScalingConfigurationName"], one["LifecycleState"], one["ScalingGroupId"]) == ("v1", "Inactive", group)
    assert (one["ImageId"], one["InstanceType"], one["InstanceTypes"]) == (IMAGE, TYPE, [TYPE])
    assert (one["SystemDiskCategory"], one["SystemDiskSize"], one["SystemDiskName"]) == ("cloud_essd", 50, "root")
    assert one["DataDisks"] == [{"Size": 100, "Category": "cloud_efficiency"}]
    assert one["Tags"] == [{"Key": "a", "Value": "1"}]
    assert (one["SecurityGroupId"], one["SecurityGroupIds"]) == ("sg-1", ["sg-1"])
    assert one["PasswordSetted"] is True
    assert "Secret-123" not in str(one)
    async with world.database.connection() as db:
        assert "Secret-123" not in str(await db.fetchval("select fields from ess_configuration"))


async def test_the_old_version_wraps_lists_and_spells_spot_prices_its_own_way(world: World) -> None:
    group = await world.make_group(enabled=False, configured=False)
    made = await world.call(
        "CreateScalingConfiguration",
        version=OLD,
        ScalingGroupId=group,
        ImageId=IMAGE,
        **{
            "InstanceTypes.1": TYPE,
            "DataDisk.1.Size": 20,
            "SpotPriceLimit.1.InstanceType": TYPE,
            "SpotPriceLimit.1.PriceLimit": 0.5,
        },
    )

    answer = await world.call(
        "DescribeScalingConfigurations",
        version=OLD,
        **{"ScalingConfigurationId.1": made["ScalingConfigurationId"]},
    )

    [one] = answer["ScalingConfigurations"]["ScalingConfiguration"]
    assert one["InstanceTypes"] == {"InstanceType": [TYPE]}
    assert one["DataDisks"] == {"DataDisk": [{"Size": 20}]}
    assert one["SpotPriceLimit"] == {"SpotPriceModel": [{"InstanceType": TYPE, "PriceLimit": 0.5}]}
    assert one["SecurityGroupIds"] == {"SecurityGroupId": []}
    assert "SpotPriceLimits" not in one


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"ImageId": "m-x"}, "InvalidImageId.NotFound"),
        ({"ImageId": None}, "MissingParameter"),
        ({"ImageId": None, "ImageFamily": "acs:none"}, "InvalidImageId.NotFound"),
        ({"InstanceType": None}, "MissingParameter"),
        ({"InstanceType": "ecs.none"}, "InvalidParameter"),
        ({"InstanceTypes": [TYPE] * 2 + [f"ecs.{n}" for n in range(11)]}, "InvalidParameter"),
        ({"LoadBalancerWeight": 0}, "InvalidParameter"),
        ({"LoadBalancerWeight": 101}, "InvalidParameter"),
        ({"UserData": "%%%"}, "InvalidUserData.Base64FormatInvalid"),
        ({"UserData": base64.b64encode(b"x" * (16 * 1024 + 1)).decode()}, "InvalidUserData.SizeExceeded"),
        ({"KeyPairName": "mine"}, "InvalidKeyPairName.NotFound"),
        ({"Tags": "[]"}, "InvalidParameter"),
        ({"Tags": '{"":"x"}'}, "InvalidTags.KeyValue"),
        ({"Tags": msgspec.json.encode(dict.fromkeys(map(str, range(21)), "")).decode()}, "InvalidTags.ListSize"),
        ({"ScalingConfigurationName": "taken"}, "InvalidScalingConfigurationName.Duplicate"),
        ({"ScalingConfigurationName": "!"}, "InvalidParameter"),
        ({"ScalingGroupId": "asg-x"}, "InvalidScalingGroupId.NotFound"),
    ],
)
async def test_what_a_configuration_cannot_be(world: World, values: dict[str, Any], code: str) -> None:
    group = await world.make_group(enabled=False, configured=False)
    await world.make_configuration(group, ScalingConfigurationName="taken")

    error = await world.refused(
        "CreateScalingConfiguration", **{"ScalingGroupId": group, "ImageId": IMAGE, "InstanceType": TYPE, **values}
    )

    assert error.code == code


async def test_a_group_has_at_most_ten_configurations(world: World) -> None:
    group = await world.make_group(enabled=False, configured=False)
    for _ in range(10):
        await world.make_configuration(group)

    error = await world.refused("CreateScalingConfiguration", ScalingGroupId=group, ImageId=IMAGE, InstanceType=TYPE)

    assert error.code == "QuotaExceeded.ScalingConfiguration"


async def test_modify_merges_lists_or_replaces_them(world: World) -> None:
    group = await world.make_group(enabled=False, configured=False)
    made = await world.make_configuration(group)

    await world.call("ModifyScalingConfiguration", ScalingConfigurationId=made, InstanceTypes=[TYPE, "ecs.c6.large"])
    merged = await shown(world, made)
    await world.call(
        "ModifyScalingConfiguration", ScalingConfigurationId=made, InstanceTypes=["ecs.r6.large"], HostName="web"
    )
    grown = await shown(world, made)
    await world.call(
        "ModifyScalingConfiguration", ScalingConfigurationId=made, InstanceTypes=["ecs.c7.large"], Override=True
    )
    replaced = await shown(world, made)

    assert merged["InstanceTypes"] == [TYPE, "ecs.c6.large"]
    assert grown["InstanceTypes"] == [TYPE, "ecs.c6.large", "ecs.r6.large"]
    assert replaced["InstanceTypes"] == ["ecs.c7.large"]
    assert (replaced["HostName"], replaced["ImageId"]) == ("web", IMAGE)


async def test_a_size_names_the_cheapest_type_that_has_it(world: World) -> None:
    group = await world.make_group(configuration={"InstanceType": None, "Cpu": 2, "Memory": 8})

    await world.scale(group, 1)

    [configuration] = (await world.call("DescribeScalingConfigurations", ScalingGroupId=group))["ScalingConfigurations"]
    assert configuration["InstanceType"] == "ecs.t6-c1m4.large"
    assert len(await world.members(group)) == 1


async def test_a_configuration_in_use_stays(world: World) -> None:
    group = await world.make_group()
    await world.scale(group, 1)
    [old] = (await world.call("DescribeScalingConfigurations", ScalingGroupId=group))["ScalingConfigurations"]
    named = {"ScalingConfigurationId": old["ScalingConfigurationId"]}

    active = await world.refused("DeleteScalingConfiguration", **named)
    running = await world.refused("DeactivateScalingConfiguration", **named)
    await world.call("DisableScalingGroup", ScalingGroupId=group)
    await world.call("DeactivateScalingConfiguration", **named)
    used = await world.refused("DeleteScalingConfiguration", **named)

    assert active.code == "IncorrectScalingConfigurationLifecycleState"
    assert running.code == "IncorrectScalingGroupStatus"
    assert used.code == "InstanceInUse"
    unused = await world.make_configuration(group)
    await world.call("DeleteScalingConfiguration", ScalingConfigurationId=unused)
    gone = await world.refused("DeleteScalingConfiguration", ScalingConfigurationId=unused)
    assert (gone.code, gone.status) == ("InvalidScalingConfigurationId.NotFound", 404)


async def test_a_rule_is_made_changed_found_and_deleted(world: World) -> None:
    group = await world.make_group()
    made = await world.call(
        "CreateScalingRule",
        ScalingGroupId=group,
        ScalingRuleName="Add1",
        AdjustmentType="QuantityChangeInCapacity",
        AdjustmentValue=1,
        Cooldown=60,
    )
    rule, ari = made["ScalingRuleId"], made["ScalingRuleAri"]

    await world.call("ModifyScalingRule", ScalingRuleId=rule, AdjustmentValue=2)
    answer = await world.call("DescribeScalingRules", version=OLD, **{"ScalingRuleAri.1": ari})
    by_name = await world.call("DescribeScalingRules", ScalingRuleNames=["Add1"])
    await world.call("DeleteScalingRule", ScalingRuleId=rule)

    assert ari == f"ari:acs:ess:cn-hangzhou:{world.account}:scalingrule/{rule}"
    [one] = answer["ScalingRules"]["ScalingRule"]
    assert (one["ScalingRuleName"], one["AdjustmentValue"], one["Cooldown"]) == ("Add1", 2, 60)
    assert one["ScalingRuleType"] == "SimpleScalingRule"
    assert by_name["TotalCount"] == 1
    assert (await world.refused("ExecuteScalingRule", ScalingRuleAri=ari)).code == "InvalidScalingRuleAri.NotFound"
    assert (await world.refused("DeleteScalingRule", ScalingRuleId=rule)).code == "InvalidScalingRuleId.NotFound"


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"AdjustmentType": None}, "MissingParameter"),
        ({"AdjustmentValue": None}, "MissingParameter"),
        ({"AdjustmentType": "Double"}, "InvalidParameter"),
        ({"AdjustmentValue": 1001}, "InvalidParameter"),
        ({"AdjustmentType": "TotalCapacity", "AdjustmentValue": -1}, "InvalidParameter"),
        ({"AdjustmentType": "PercentChangeInCapacity", "AdjustmentValue": -101}, "InvalidParameter"),
        ({"MinAdjustmentMagnitude": 1}, "InvalidMinAdjustmentMagnitudeMismatchAdjustmentType"),
        ({"Cooldown": 86401}, "InvalidParameter"),
        ({"ScalingRuleName": "taken"}, "InvalidScalingRuleName.Duplicate"),
        ({"ScalingRuleType": "RuleOfThumb"}, "InvalidParameter"),
        ({"ScalingGroupId": "asg-x"}, "InvalidScalingGroupId.NotFound"),
    ],
)
async def test_what_a_rule_cannot_be(world: World, values: dict[str, Any], code: str) -> None:
    group = await world.make_group(enabled=False)
    await world.make_rule(group, ScalingRuleName="taken")

    error = await world.refused(
        "CreateScalingRule",
        **{"ScalingGroupId": group, "AdjustmentType": "QuantityChangeInCapacity", "AdjustmentValue": 1, **values},
    )

    assert error.code == code
