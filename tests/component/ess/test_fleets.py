"""What groups are made from and of: launch templates, weights, spot instances, Stopped members (ess.md 2.2, 8.4)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from support.ecs import IMAGE, TYPE
from support.ess import REGION, World
from tidegate.errors import PlaneError
from tidegate.plane.hosts.base import Host
from tidegate.services.ecs.api import ecs as ecs_product
from tidegate.services.ess.dialect import OLD
from tidegate.services.operation import Call, Principal
from tidegate.wire.parameters import decode, flatten

BIG, SMALL = "ecs.g6.xlarge", "ecs.c6.large"


async def call_ecs(world: World, action: str, **parameters: Any) -> dict[str, Any]:
    """Call an operation of the ECS behind the world."""
    operation = ecs_product.operations[action]
    request = decode(flatten(parameters), operation.request, ecs_product.missing, ecs_product.invalid)
    call = Call(
        principal=Principal(kind="Account", account_id=world.account, id=world.account),
        region=REGION,
        request_id="R",
        product="ecs",
        action=action,
        version="2014-05-26",
    )
    return dict(msgspec.to_builtins(await operation.handler(world.ecs, call, request)))


async def make_template(world: World, **fields: Any) -> str:
    vswitch = await world.ecs.default_vswitch(world.account, REGION)
    group = await call_ecs(world, "CreateSecurityGroup", VpcId=vswitch.vpc_id)
    fields = {"SecurityGroupId": group["SecurityGroupId"], "ImageId": IMAGE, "InstanceType": TYPE} | fields
    made = await call_ecs(world, "CreateLaunchTemplate", LaunchTemplateName=world.ids.text(8, "abcdefgh"), **fields)
    return str(made["LaunchTemplateId"])


async def instances(world: World, group: str) -> list[dict[str, Any]]:
    answer = await world.call("DescribeScalingInstances", ScalingGroupId=group, PageSize=100)
    return list(answer["ScalingInstances"])


# ---- launch templates ------------------------------------------------------------------------------------------------


async def test_a_group_of_a_template_makes_what_the_version_says_and_shows_it(world: World) -> None:
    template = await make_template(world)
    group = await world.make_group(configured=False, LaunchTemplateId=template, LaunchTemplateVersion="latest")
    await world.scale(group, 1)
    await call_ecs(
        world, "CreateLaunchTemplateVersion", LaunchTemplateId=template, ImageId=IMAGE, InstanceType=SMALL,
        SecurityGroupId=(await call_ecs(world, "DescribeSecurityGroups"))["SecurityGroups"]["SecurityGroup"][0]["SecurityGroupId"],
    )  # fmt: skip

    await world.scale(group, 1)

    shown = await world.group(group)
    assert (shown["LaunchTemplateId"], shown["LaunchTemplateVersion"]) == (template, "Latest")
    assert "ActiveScalingConfigurationId" not in shown
    made = await instances(world, group)
    assert [(one["LaunchTemplateId"], one["LaunchTemplateVersion"]) for one in made] == [
        (template, "1"),
        (template, "2"),
    ]
    found = await world.ecs.find(world.account, REGION, [one["InstanceId"] for one in made])
    assert [found[one["InstanceId"]].instance_type for one in made] == [TYPE, SMALL]


async def test_a_template_that_cannot_be_used_is_refused_word_for_word(world: World) -> None:
    bare = await call_ecs(world, "CreateLaunchTemplate", LaunchTemplateName="bare", InstanceType=TYPE)
    wanted = {"MinSize": 0, "MaxSize": 1}

    unknown = await world.refused("CreateScalingGroup", **wanted, LaunchTemplateId="lt-nothing")
    lacking = await world.refused("CreateScalingGroup", **wanted, LaunchTemplateId=bare["LaunchTemplateId"])
    version = {"LaunchTemplateId": await make_template(world), "LaunchTemplateVersion": "7"}
    missing = await world.refused("CreateScalingGroup", **wanted, **version)
    word = await world.refused("CreateScalingGroup", **wanted, **version | {"LaunchTemplateVersion": "newest"})

    assert (unknown.code, unknown.status) == ("LaunchTemplateSet.NotFound", 400)
    assert lacking.code == "TemplateMissingParameter.ImageId"
    assert lacking.message == (
        'The input parameter "ImageId" that is mandatory for processing this request is not supplied.'
    )
    assert (missing.code, word.code) == ("LaunchTemplateVersionSet.NotFound", "TemplateVersion.NotNumber")


async def test_the_source_that_is_named_last_counts(world: World) -> None:
    template = await make_template(world)
    group = await world.make_group()
    configuration = (await world.group(group))["ActiveScalingConfigurationId"]

    await world.call("ModifyScalingGroup", ScalingGroupId=group, LaunchTemplateId=template)
    with_template = await world.group(group)
    await world.call("ModifyScalingGroup", ScalingGroupId=group, ActiveScalingConfigurationId=configuration)
    with_configuration = await world.group(group)

    assert (with_template["LaunchTemplateId"], with_template["LaunchTemplateVersion"]) == (template, "Default")
    assert "LaunchTemplateId" not in with_configuration
    assert with_configuration["ActiveScalingConfigurationId"] == configuration


async def test_a_group_can_be_enabled_with_a_template(world: World) -> None:
    group = await world.make_group(configured=False, enabled=False, MinSize=1)

    await world.call("EnableScalingGroup", ScalingGroupId=group, LaunchTemplateId=await make_template(world))
    await world.settle()

    assert list((await world.members(group)).values()) == ["InService"]


async def test_a_template_that_is_gone_fails_the_activity_and_says_so(world: World) -> None:
    template = await make_template(world)
    group = await world.make_group(configured=False, LaunchTemplateId=template)
    await call_ecs(world, "DeleteLaunchTemplate", LaunchTemplateId=template)

    activity = await world.activity(await world.scale(group, 1))

    assert activity["StatusCode"] == "Failed"
    assert activity["ErrorCode"] == "LaunchTemplateSet.NotFound"


async def test_a_group_made_like_an_instance_has_a_configuration_of_its_kind(world: World) -> None:
    [instance] = await world.launch()

    group = await world.make_group(configured=False, InstanceId=instance)

    active = (await world.group(group))["ActiveScalingConfigurationId"]
    [shown] = (await world.call("DescribeScalingConfigurations", ScalingGroupId=group))["ScalingConfigurations"]
    assert (shown["ScalingConfigurationId"], shown["LifecycleState"]) == (active, "Active")
    assert (shown["ImageId"], shown["InstanceType"]) == (IMAGE, TYPE)


# ---- weights ---------------------------------------------------------------------------------------------------------


async def make_weighted(world: World, weight: int, **values: Any) -> str:
    overrides = [{"InstanceType": BIG, "WeightedCapacity": weight}]
    template = await make_template(world)
    return await world.make_group(
        configured=False, LaunchTemplateId=template, LaunchTemplateOverrides=overrides, **values
    )


async def test_an_instance_counts_for_its_weight_and_may_go_beyond_the_maximum_by_less_than_one(world: World) -> None:
    group = await make_weighted(world, 3, MaxSize=4)

    activity = await world.activity(await world.scale(group, 10))

    shown = await world.group(group)
    assert (shown["TotalCapacity"], shown["ActiveCapacity"], shown["TotalInstanceCount"]) == (6, 6, 2)
    assert shown["LaunchTemplateOverrides"] == [{"InstanceType": BIG, "WeightedCapacity": 3}]
    assert [one["WeightedCapacity"] for one in await instances(world, group)] == [3, 3]
    assert (activity["StatusCode"], activity["TotalCapacity"]) == ("Successful", "6")
    await world.advance(minutes=5)
    assert (await world.group(group))["TotalCapacity"] == 6


async def test_a_scale_in_never_takes_more_than_was_asked_for(world: World) -> None:
    group = await make_weighted(world, 3, MaxSize=9)
    await world.scale(group, 9)

    refused = await world.refused(
        "ScaleWithAdjustment", ScalingGroupId=group, AdjustmentType="QuantityChangeInCapacity", AdjustmentValue=-2
    )
    activity = await world.activity(await world.scale(group, -4))

    assert refused.code == "IncorrectCapacity.NoChange"
    assert activity["Cause"].endswith('changing the Total Capacity from "9" to "6".')
    assert (activity["StatusCode"], activity["Description"]) == ("Successful", 'Remove "1" ECS instance')
    assert (await world.group(group))["TotalCapacity"] == 6


async def test_a_desired_capacity_that_weights_cannot_meet_is_come_close_to_and_left_at_peace(world: World) -> None:
    group = await make_weighted(world, 3, MaxSize=9, DesiredCapacity=4)

    assert (await world.group(group))["TotalCapacity"] == 6
    before = len(await world.activities(group))
    await world.advance(minutes=5)
    assert len(await world.activities(group)) == before


# ---- spot instances --------------------------------------------------------------------------------------------------


async def test_a_composable_group_pays_by_the_hour_for_its_base_and_a_share_of_the_rest(world: World) -> None:
    group = await world.make_group(
        MultiAZPolicy="COMPOSABLE", OnDemandBaseCapacity=1, OnDemandPercentageAboveBaseCapacity=50
    )

    await world.scale(group, 5)

    shown = await world.group(group)
    answer = await world.call("DescribeScalingInstances", ScalingGroupId=group)
    strategies = sorted(one["SpotStrategy"] for one in answer["ScalingInstances"])
    assert strategies == ["NoSpot"] * 3 + ["SpotAsPriceGo"] * 2
    assert (shown["SpotCapacity"], answer["TotalSpotCount"]) == (2, 2)
    assert (shown["OnDemandBaseCapacity"], shown["OnDemandPercentageAboveBaseCapacity"]) == (1, 50)


async def test_ordinary_instances_stand_in_for_spot_ones_that_are_sold_out(world: World) -> None:
    world.ecs.shortages.add(f"spot:{TYPE}")
    spot = {"SpotStrategy": "SpotAsPriceGo"}
    compensating = await world.make_group(MultiAZPolicy="COST_OPTIMIZED", configuration=spot)
    strict = await world.make_group(MultiAZPolicy="COST_OPTIMIZED", CompensateWithOnDemand=False, configuration=spot)

    made = await world.activity(await world.scale(compensating, 1))
    failed = await world.activity(await world.scale(strict, 1))

    assert made["StatusCode"] == "Successful"
    assert [one["SpotStrategy"] for one in await instances(world, compensating)] == ["NoSpot"]
    assert (failed["StatusCode"], failed["ErrorCode"]) == ("Failed", "OperationDenied.NoStock")


async def test_a_priority_of_its_own_comes_before_the_order_of_zones_and_types(world: World) -> None:
    zones = [f"{REGION}-{letter}" for letter in "hi"]
    vswitches = [(await world.ecs.default_vswitch(world.account, REGION, zone)).id for zone in zones]
    priorities = [{"InstanceType": BIG, "VswitchId": vswitches[1]}]
    group = await world.make_group(
        VSwitchIds=vswitches, configuration={"InstanceTypes": [TYPE, BIG], "CustomPriorities": priorities}
    )

    await world.scale(group, 1)

    [made] = await instances(world, group)
    found = await world.ecs.find(world.account, REGION, [made["InstanceId"]])
    assert (made["ZoneId"], found[made["InstanceId"]].instance_type) == (zones[1], BIG)


async def test_another_generation_stands_in_where_the_configuration_allows_it(world: World) -> None:
    world.ecs.shortages.add(TYPE)
    options = {"Enabled": True, "AllowDifferentGeneration": True}
    group = await world.make_group(configuration={"InstanceTypeCandidateOptions": options})

    await world.scale(group, 1)

    [made] = await world.members(group)
    found = await world.ecs.find(world.account, REGION, [made])
    assert found[made].instance_type == "ecs.g7.large"


# ---- Stopped members -------------------------------------------------------------------------------------------------


async def test_stopped_members_go_first_when_the_maximum_is_lowered(world: World) -> None:
    group = await world.make_group(ScalingPolicy="recycle", MaxSize=5)
    await world.scale(group, 4)
    await world.scale(group, -2)
    stopped = [one for one, state in (await world.members(group)).items() if state == "Stopped"]

    await world.call("ModifyScalingGroup", ScalingGroupId=group, MaxSize=3)
    await world.settle()

    members = await world.members(group)
    assert sorted(members.values()) == ["InService", "InService", "Stopped"]
    assert len(await world.machines(*stopped)) == 1


async def test_a_stopped_member_that_does_not_start_is_released_and_replaced(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = await world.make_group(ScalingPolicy="recycle")
    await world.scale(group, 2)
    await world.scale(group, -2)
    [first, second] = await world.members(group)
    start = world.hosts.start

    async def start_others(host_id: str) -> Host:
        if host_id == first:
            raise PlaneError("its disk is broken")
        return await start(host_id)

    monkeypatch.setattr(world.hosts, "start", start_others)

    scaled = await world.scale(group, 2)
    for _ in range(6):  # it is tried again and again, until the ten minutes of a boot are over
        await world.advance(minutes=2)

    activity = await world.activity(scaled)
    members = await world.members(group)
    assert list(members.values()) == ["InService"] * 2
    assert first not in members
    assert second in members
    assert activity["StatusCode"] == "Successful"
    assert (activity["StartedInstances"], activity["DestroyedInstances"]) == ([second], [first])


async def test_what_is_ill_is_released_in_a_recycle_group_too(world: World) -> None:
    group = await world.make_group(ScalingPolicy="recycle", MinSize=1)
    [ill] = await world.members(group)

    await world.call("SetInstanceHealth", InstanceId=ill, HealthStatus="Unhealthy")
    await world.settle()

    members = await world.members(group)
    assert list(members.values()) == ["InService"]
    assert ill not in members
    assert await world.machines(ill) == {}


async def test_spot_members_of_a_recycle_group_are_released(world: World) -> None:
    group = await world.make_group(ScalingPolicy="recycle", configuration={"SpotStrategy": "SpotAsPriceGo"})
    await world.scale(group, 1)

    await world.scale(group, -1)

    assert await world.members(group) == {}


# ---- parameters ------------------------------------------------------------------------------------------------------


async def test_health_check_types_count_only_without_the_single_one(world: World) -> None:
    several = await world.make_group(HealthCheckTypes=["ECS", "LOAD_BALANCER"])
    single = await world.make_group(HealthCheckTypes=["LOAD_BALANCER"], HealthCheckType="NONE")

    shown, other = await world.group(several), await world.group(single)

    assert (shown["HealthCheckType"], shown["HealthCheckTypes"]) == ("LOAD_BALANCER", ["ECS", "LOAD_BALANCER"])
    assert other["HealthCheckType"] == "NONE"


async def test_every_way_to_choose_is_kept_and_shown_in_both_versions(world: World) -> None:
    given = {
        "AllocationStrategy": "lowestPrice",
        "SpotAllocationStrategy": "lowestPrice",
        "AzBalance": True,
        "BalanceMode": "BalancedOnly",
        "AutoRebalance": True,
        "CompensateWithOnDemand": False,
        "SpotInstanceRemedy": True,
        "SpotInstancePools": 3,
        "OnDemandBaseCapacity": 4,
        "OnDemandPercentageAboveBaseCapacity": 30,
        "MaxInstanceLifetime": 86400,
        "StopInstanceTimeout": 60,
        "CapacityOptions": {"OnDemandBaseCapacity": 2, "PriceComparisonMode": "PricePerVCpu"},
        "MultiAZPolicy": "COMPOSABLE",
        "ScalingPolicy": "forcerelease",
        "GroupDeletionProtection": True,
    }
    at_once = await world.make_group(**given)
    later = await world.make_group()
    await world.call("ModifyScalingGroup", version=OLD, ScalingGroupId=later, **given)

    for group in (at_once, later):
        shown = await world.group(group)
        assert {name: shown[name] for name in given} == given


async def test_values_that_no_group_can_have_are_refused_by_their_name(world: World) -> None:
    bad: dict[str, Any] = {
        "HealthCheckTypes": ["PING"],
        "LaunchTemplateOverride": [{"InstanceType": TYPE}] * 2,
        "SpotInstancePools": 11,
        "CapacityOptions": {"OnDemandBaseCapacity": 1001},
        "BalanceMode": "Balanced",
        "MaxInstanceLifetime": 3600,
        "CustomPolicyARN": "acs:fc:cn-hangzhou:1:services/s/functions/f",
    }
    for name, value in bad.items():
        more = {"RemovalPolicy": ["CustomPolicy"]} if name == "CustomPolicyARN" else {}
        refused = await world.refused("CreateScalingGroup", version=OLD, MinSize=0, MaxSize=1, **{name: value}, **more)
        assert refused.code == "InvalidParameter"
        assert f'"{name}' in refused.message


async def test_automatic_activities_rest_after_a_month_of_failures_until_somebody_resumes_them(world: World) -> None:
    group = await world.make_group(MinSize=1)
    await world.call("ModifyScalingGroup", ScalingGroupId=group, MinSize=2)
    world.ecs.shortages.add(TYPE)
    await world.settle()
    await world.advance(days=31)
    await world.advance(minutes=2)
    suspended = await world.group(group)
    before = len(await world.activities(group))
    await world.advance(hours=1)
    after = len(await world.activities(group))

    world.ecs.shortages.clear()
    await world.call("ResumeProcesses", ScalingGroupId=group, Processes=["ScaleOut"])
    await world.settle()

    resumed = await world.group(group)
    assert (suspended["SystemSuspended"], resumed["SystemSuspended"]) == (True, False)
    assert before == after
    assert resumed["TotalCapacity"] == 2
