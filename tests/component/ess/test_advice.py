"""Dry runs, overrides, advice, diagnoses, statistics, and what concerns the account (ess.md 12.5, 12.9)."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

from support.ecs import TYPE
from support.ess import REGION, World
from tidegate.services.ess.dialect import OLD

BIG = "ecs.g6.xlarge"
ADD = {"AdjustmentType": "QuantityChangeInCapacity", "AdjustmentValue": 3}


async def plan(world: World, group: str, **values: Any) -> list[dict[str, Any]]:
    answer = await world.call("ScaleWithAdjustment", ScalingGroupId=group, ExecutionMode="PlanOnly", **ADD | values)
    assert "ScalingActivityId" not in answer
    return list(answer["PlanResult"]["ResourceAllocations"])


# ---- ScaleWithAdjustment ---------------------------------------------------------------------------------------------


async def test_a_plan_says_what_would_be_made_and_makes_nothing(world: World) -> None:
    zones = [f"{REGION}-h", f"{REGION}-i"]
    vswitches = [(await world.ecs.default_vswitch(world.account, REGION, zone)).id for zone in zones]
    group = await world.make_group(VSwitchIds=vswitches, MultiAZPolicy="BALANCE")
    common = {"InstanceType": TYPE, "InstanceChargeType": "PostPaid", "SpotStrategy": "NoSpot"}

    planned = await plan(world, group)
    world.ecs.shortages.add(f"{TYPE}@{zones[0]}")
    elsewhere = await plan(world, group)

    assert planned == [common | {"ZoneId": zones[0], "Amount": 2}, common | {"ZoneId": zones[1], "Amount": 1}]
    assert elsewhere == [common | {"ZoneId": zones[1], "Amount": 3}]
    assert await world.members(group) == {}
    assert await world.activities(group) == []


async def test_a_plan_is_refused_like_the_scaling_it_is_for_and_leaves_no_rejection(world: World) -> None:
    group = await world.make_group(MaxSize=1)
    await world.scale(group, 1)

    full = await world.refused("ScaleWithAdjustment", ScalingGroupId=group, ExecutionMode="PlanOnly", **ADD)
    word = await world.refused("ScaleWithAdjustment", ScalingGroupId=group, ExecutionMode="Dream", **ADD)
    world.ecs.shortages.add(TYPE)
    await world.call("ModifyScalingGroup", ScalingGroupId=group, MaxSize=5)
    sold_out = await world.refused("ScaleWithAdjustment", ScalingGroupId=group, ExecutionMode="PlanOnly", **ADD)

    assert (full.code, word.code) == ("IncorrectCapacity.NoChange", "InvalidParameter")
    assert sold_out.code == "ResourceNotAvailable.ECS"
    assert [one["StatusCode"] for one in await world.activities(group)] == ["Successful"]


async def test_overrides_hold_for_one_activity(world: World) -> None:
    group = await world.make_group()
    script = base64.b64encode(b"#!/bin/sh\n").decode()
    overrides = json.dumps({"Cpu": 4, "Memory": 16, "UserData": script})

    await world.call("ScaleWithAdjustment", ScalingGroupId=group, Overrides=overrides, **ADD | {"AdjustmentValue": 1})
    await world.settle()
    [special] = await world.members(group)
    await world.scale(group, 1)
    [ordinary] = set(await world.members(group)) - {special}

    found = await world.ecs.find(world.account, REGION, [special, ordinary])
    assert (found[special].instance_type, found[ordinary].instance_type) == (BIG, TYPE)
    assert world.hosts.specs[special].user_data == b"#!/bin/sh\n"
    assert world.hosts.specs[ordinary].user_data == b""


async def test_overrides_that_no_instance_can_have_are_refused(world: World) -> None:
    group = await world.make_group()

    async def code(**overrides: Any) -> str:
        text = json.dumps(overrides)
        return (await world.refused("ScaleWithAdjustment", ScalingGroupId=group, Overrides=text, **ADD)).code

    assert await code(Cpu=3) == "InvalidParameter"
    assert await code(UserData="?") == "InvalidUserData.Base64FormatInvalid"


async def test_the_type_of_an_activity_is_told_only_when_nothing_but_the_desired_capacity_moves(world: World) -> None:
    desired = await world.make_group(DesiredCapacity=0)
    plain = await world.make_group()

    moved = await world.call("ScaleWithAdjustment", ScalingGroupId=desired, **ADD)
    started = await world.call("ScaleWithAdjustment", ScalingGroupId=plain, ActivityMetadata="note", **ADD)

    assert moved == {"ActivityType": "CapacityChange"}
    assert list(started) == ["ScalingActivityId"]
    assert (await world.activity(started["ScalingActivityId"]))["ActivityMetadata"] == "note"


async def test_a_synchronous_activity_runs_beside_others_when_it_is_said_to_be_parallel(world: World) -> None:
    group = await world.make_group(DesiredCapacity=0)
    await world.make_hook(group)
    sync = {"ScalingGroupId": group, "SyncActivity": True, **ADD, "AdjustmentValue": 1}
    await world.call("ScaleWithAdjustment", **sync, ParallelTask=True)
    await world.settle()

    alone = await world.refused("ScaleWithAdjustment", **sync)
    beside = await world.call("ScaleWithAdjustment", **sync, ParallelTask=True)

    assert alone.code == "ScalingActivityInProgress"
    assert beside["ScalingActivityId"]


# ---- advice ----------------------------------------------------------------------------------------------------------


async def test_elastic_strength_is_what_is_in_stock(world: World) -> None:
    group = await world.make_group(configuration={"InstanceTypes": [TYPE, BIG]})
    strong = await world.call("DescribeElasticStrength", ScalingGroupId=group)
    world.ecs.shortages.add(TYPE)
    medium = await world.call("DescribeElasticStrength", version=OLD, ScalingGroupId=group)
    world.ecs.shortages.add(BIG)
    weak = await world.call("DescribeElasticStrength", ScalingGroupIds=[group])

    assert (strong["ElasticStrength"], strong["TotalStrength"]) == ("Strong", 2)
    assert medium["ElasticStrength"] == "Medium"
    statuses = {one["InstanceType"]: one["Status"] for one in medium["ResourcePools"]["ResourcePool"]}
    assert statuses == {TYPE: "Unavailable", BIG: "Available"}
    assert [one["ElasticStrength"] for one in weak["ElasticStrengthModels"]] == ["Weak"]


async def test_pattern_types_are_those_of_the_catalog_that_fit(world: World) -> None:
    async def types(**wanted: Any) -> list[str]:
        answer = await world.call("DescribePatternTypes", **wanted)
        return [one["InstanceType"] for one in answer["PatternTypes"]]

    assert await types(Cores=4, Memory=16) == [BIG, "ecs.g7.xlarge"]
    assert await types(Cores=4, Memory=16, ExcludedInstanceType=["ecs.g7.xlarge"]) == [BIG]
    assert {one.split(".")[1] for one in await types(BurstablePerformance="Required")} == {
        "t6-c1m1", "t6-c1m2", "t6-c1m4", "t6-c2m1", "t6-c4m1",
    }  # fmt: skip
    candidates = await world.call(
        "DescribeCandidateInstanceType", InstanceTypes=[BIG], AllowDifferentGeneration=True, ZoneIds=[f"{REGION}-h"]
    )
    assert candidates == {
        "CandidateInstanceTypes": [BIG, "ecs.g7.xlarge"],
        "CandidateZoneIds": [f"{REGION}-h"],
    }


# ---- diagnoses and statistics ----------------------------------------------------------------------------------------


async def test_a_diagnosis_finds_what_is_sold_out_and_gone_and_is_kept(world: World) -> None:
    group = await world.make_group(configuration={"SecurityGroupId": "sg-gone"})
    world.ecs.shortages.add(TYPE)

    report = (await world.call("CreateDiagnoseReport", ScalingGroupId=group))["ReportId"]
    world.ecs.shortages.clear()
    [kept] = (await world.call("DescribeDiagnoseReports", ScalingGroupId=group))["Reports"]
    now = (await world.call("DescribeScalingGroupDiagnoseDetails", ScalingGroupId=group))["Details"]
    await world.call("DeleteDiagnoseReport", ReportId=report)

    found = {one["DiagnoseType"]: (one["Status"], one.get("ErrorCode")) for one in kept["Details"]}
    assert found == {
        "VSwitch": ("Normal", None),
        "SecurityGroup": ("Critical", "SecurityGroupNotFound"),
        "ElasticStrength": ("Critical", "ElasticStrengthAlert"),
    }
    assert (kept["ReportId"], kept["DiagnoseStatus"], kept["ProcessStatus"]) == (report, "Critical", "Finished")
    assert {one["DiagnoseType"]: one["Status"] for one in now}["ElasticStrength"] == "Normal"
    assert (await world.call("DescribeDiagnoseReports", ScalingGroupId=group))["TotalCount"] == 0
    assert (await world.refused("DeleteDiagnoseReport", ReportId=report)).code == "InvalidParameter"


async def test_statistics_count_by_day_what_activities_did(world: World) -> None:
    group = await world.make_group()
    await world.scale(group, 2)
    world.ecs.shortages.add(TYPE)
    await world.scale(group, 1)
    await world.scale(group, -1)
    now = world.clock.now()
    stretch = {
        "ScalingGroupId": group,
        "StartTime": (now - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "EndTime": (now + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }

    activities = await world.call("DescribeScalingActivityStatistics", **stretch)
    errors = await world.call("DescribeScalingActivityStatistics", **stretch, MetricType="ScalingActivityErrorCodes")
    instances = await world.call("DescribeInstanceCreateAndDeleteStatistics", **stretch)
    backwards = await world.refused("DescribeScalingActivityStatistics", **stretch | {"EndTime": stretch["StartTime"]})

    [day] = activities["ScalingActivityStatusStatistics"]["Statistic"]
    assert (day["SuccessActivityCount"], day["WarningActivityCount"], day["FailedActivityCount"]) == (2, 0, 1)
    [error] = errors["ScalingActivityErrorCodeStatistics"]["ErrorStatistic"]
    assert (error["ErrorCode"], error["Count"]) == ("OperationDenied.NoStock", 1)
    [made] = instances["InstanceCreateAndDeleteStatistics"]["Statistic"]
    assert (made["CreatedVmCount"], made["DestroyedVmCount"]) == (2, 1)
    assert backwards.code == "InvalidParameter"


# ---- the account -----------------------------------------------------------------------------------------------------


async def test_a_group_moves_to_another_resource_group(world: World) -> None:
    group = await world.make_group(ResourceGroupId="rg-1")

    await world.call("ChangeResourceGroup", ResourceId=group, NewResourceGroupId="rg-2", ResourceType="scalinggroup")

    detail = await world.call("DescribeScalingGroupDetail", ScalingGroupId=group)
    assert detail["ScalingGroup"]["ResourceGroupId"] == "rg-2"
    other = await world.refused("ChangeResourceGroup", ResourceId=group, NewResourceGroupId="r", ResourceType="disk")
    assert other.code == "InvalidParameter"


async def test_the_ends_that_an_account_is_told_of_are_kept(world: World) -> None:
    group = await world.make_group()

    await world.call("ModifyAlertConfiguration", ScalingGroupId=group, ScaleStatuses=["Failed", "Warning"])

    kept = await world.call("DescribeAlertConfiguration", ScalingGroupId=group)
    assert kept == {"ScaleStatuses": ["Failed", "Warning"]}
    wrong = await world.refused("ModifyAlertConfiguration", ScalingGroupId=group, ScaleStatuses=["Bored"])
    assert wrong.code == "InvalidParameter"


async def test_verifying_the_account_makes_its_service_role_unless_it_only_checks(world: World) -> None:
    await world.call("VerifyUser")
    await world.call("VerifyAuthentication", OnlyCheck=True)
    before = list(world.roles.linked)
    await world.call("VerifyAuthentication", Uid=world.account)

    assert (before, world.roles.linked) == ([], [world.account])
    assert (await world.refused("VerifyAuthentication", Uid="9")).code == "Forbidden.Unauthorized"
