"""Advice, diagnoses, statistics, and what concerns the account (ess.md 12.9)."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

import msgspec

from tidegate.clock import to_minutes
from tidegate.services.ess import dialect, values
from tidegate.services.ess.advice import Judgement, Pool
from tidegate.services.ess.api.groups import shown_group
from tidegate.services.ess.api.product import Page, ess, on, on_group, unless_none
from tidegate.services.ess.requests.activities import Nothing
from tidegate.services.ess.requests.advice import (
    ChangeResourceGroup,
    DescribeCandidateInstanceType,
    DescribeDiagnoseReports,
    DescribeElasticStrength,
    DescribePatternTypes,
    DescribeScalingGroupDetail,
    ModifyAlertConfiguration,
    OnReport,
    Statistics,
    VerifyAuthentication,
)
from tidegate.services.ess.requests.shape import OnGroup
from tidegate.services.ess.service import Ess
from tidegate.services.operation import Answer, Call, Done
from tidegate.store.ess.records import Activity, Finding

_NEW = (dialect.NEW,)


class PoolView(Answer, kw_only=True):
    """An instance type in a zone."""

    instance_type: str
    zone_id: str
    vswitch_ids: list[str]
    status: str
    elastic_strength: str
    strength: float
    code: str | msgspec.UnsetType
    msg: str | msgspec.UnsetType


class StrengthModel(Answer, kw_only=True):
    """How well the instances of one of several groups can be had."""

    scaling_group_id: str | msgspec.UnsetType
    elastic_strength: str
    total_strength: float
    resource_pools: list[PoolView]


class StrengthView(Answer, kw_only=True):
    """How well instances can be had: of one group with its pools, of several as a list."""

    elastic_strength: str | msgspec.UnsetType = msgspec.UNSET
    total_strength: float | msgspec.UnsetType = msgspec.UNSET
    resource_pools: list[PoolView] = msgspec.field(default_factory=list)
    elastic_strength_models: list[StrengthModel] = msgspec.field(default_factory=list)


class PatternType(Answer, kw_only=True):
    """An instance type."""

    instance_type: str
    instance_type_family: str
    instance_family_level: str
    cores: int
    memory: float


class PatternTypes(Answer):
    """Instance types."""

    pattern_types: list[PatternType]


class Candidates(Answer):
    """Instance types that can stand in for others, and where."""

    candidate_instance_types: list[str]
    candidate_zone_ids: list[str]


class ReportCreated(Answer):
    """The new report."""

    report_id: str


class FindingView(Answer, kw_only=True):
    """One thing that was looked at."""

    diagnose_type: str
    status: str
    error_code: str | msgspec.UnsetType
    resource_id: str


class Findings(Answer):
    """What is found now."""

    details: list[FindingView]


class ReportView(Answer, kw_only=True):
    """A report."""

    report_id: str
    scaling_group_id: str
    region_id: str
    user_id: str
    creation_time: str
    process_status: str = "Finished"
    diagnose_status: str
    details: list[FindingView]


class ReportPage(Page, kw_only=True):
    """A page of reports."""

    reports: list[ReportView]


class StatusStatistic(Answer, kw_only=True):
    """Activities of one day by how they ended."""

    time: str
    success_activity_count: int
    warning_activity_count: int
    failed_activity_count: int


class ErrorStatistic(Answer, kw_only=True):
    """How often an error ended activities on one day."""

    time: str
    error_code: str
    count: int


class StatusStatistics(Answer):
    """Activities by day."""

    statistic: list[StatusStatistic]


class ErrorStatistics(Answer):
    """Errors by day."""

    error_statistic: list[ErrorStatistic]


class ActivityStatistics(Answer, kw_only=True):
    """Activities, or the errors that ended them, by day."""

    scaling_activity_status_statistics: StatusStatistics | msgspec.UnsetType = msgspec.UNSET
    scaling_activity_error_code_statistics: ErrorStatistics | msgspec.UnsetType = msgspec.UNSET


class InstanceStatistic(Answer, kw_only=True):
    """Instances of one day by what became of them."""

    time: str
    created_vm_count: int
    destroyed_vm_count: int
    started_vm_count: int
    stopped_vm_count: int


class InstanceStatisticList(Answer):
    """Instances by day."""

    statistic: list[InstanceStatistic]


class InstanceStatistics(Answer):
    """Instances by day."""

    instance_create_and_delete_statistics: InstanceStatisticList


class AlertConfiguration(Answer):
    """Which ends of activities the account is told of."""

    scale_statuses: list[str]


class GroupDetail(Answer):
    """A group as DescribeScalingGroups shows it. Output, a Deployment of container groups, does not exist for ECS."""

    scaling_group: dict[str, Any]


@ess.operation("DescribeElasticStrength", on=on_group)
async def describe_elastic_strength(service: Ess, call: Call, request: DescribeElasticStrength) -> StrengthView:
    """Tell how well instances can be had, by what is in stock."""
    judged = await service.advice.strength(call, request)
    if request.scaling_group_ids:
        return StrengthView(elastic_strength_models=[_strength_model(one) for one in judged])
    [one] = judged
    pools = [_pool(pool) for pool in one.pools]
    return StrengthView(elastic_strength=one.strength, total_strength=one.total, resource_pools=pools)


def _strength_model(one: Judgement) -> StrengthModel:
    return StrengthModel(
        scaling_group_id=unless_none(one.group_id),
        elastic_strength=one.strength,
        total_strength=one.total,
        resource_pools=[_pool(pool) for pool in one.pools],
    )


def _pool(pool: Pool) -> PoolView:
    return PoolView(
        instance_type=pool.instance_type,
        zone_id=pool.zone,
        vswitch_ids=pool.vswitch_ids,
        status="Available" if pool.available else "Unavailable",
        elastic_strength="Strong" if pool.available else "Weak",
        strength=float(pool.available),
        code=msgspec.UNSET if pool.available else "OperationDenied.NoStock",
        msg=msgspec.UNSET if pool.available else "The instance type is sold out in the zone.",
    )


@ess.operation("DescribePatternTypes")
async def describe_pattern_types(service: Ess, _call: Call, request: DescribePatternTypes) -> PatternTypes:
    """List the instance types that meet what is asked for."""
    return PatternTypes(
        [
            PatternType(
                instance_type=one.id,
                instance_type_family=one.family,
                instance_family_level=values.level_of(one),
                cores=one.cpu,
                memory=one.memory,
            )
            for one in service.advice.pattern(request)
        ]
    )


@ess.operation("DescribeCandidateInstanceType", versions=_NEW)
async def describe_candidate_instance_type(
    service: Ess, _call: Call, request: DescribeCandidateInstanceType
) -> Candidates:
    """List instance types that can stand in for others."""
    return Candidates(*service.advice.candidates(request))


@ess.operation("DescribeScalingGroupDetail", on=on_group, versions=_NEW)
async def describe_scaling_group_detail(service: Ess, call: Call, request: DescribeScalingGroupDetail) -> GroupDetail:
    """Show one group."""
    group, counted = await service.groups.one(call, request)
    return GroupDetail(shown_group(group, counted, service.around.now()))


@ess.operation("CreateDiagnoseReport", on=on_group, versions=_NEW)
async def create_diagnose_report(service: Ess, call: Call, request: OnGroup) -> ReportCreated:
    """Look at a group and keep what is found."""
    return ReportCreated(await service.diagnoses.create(call, request))


@ess.operation("DeleteDiagnoseReport", versions=_NEW)
async def delete_diagnose_report(service: Ess, call: Call, request: OnReport) -> Done:
    """Delete a report."""
    await service.diagnoses.delete(call, request)
    return Done()


@ess.operation("DescribeDiagnoseReports", on=on_group, versions=_NEW)
async def describe_diagnose_reports(service: Ess, call: Call, request: DescribeDiagnoseReports) -> ReportPage:
    """List the reports of a group."""
    total, found = await service.diagnoses.describe(call, request)
    return ReportPage(
        page_number=request.page_number,
        page_size=request.page_size,
        total_count=total,
        reports=[
            ReportView(
                report_id=one.id,
                scaling_group_id=one.group_id,
                region_id=request.region_id,
                user_id=call.account_id,
                creation_time=to_minutes(one.created_at),
                diagnose_status=_worst(one.findings),
                details=[_finding(each) for each in one.findings],
            )
            for one in found
        ],
    )


@ess.operation("DescribeScalingGroupDiagnoseDetails", on=on_group, versions=_NEW)
async def describe_scaling_group_diagnose_details(service: Ess, call: Call, request: OnGroup) -> Findings:
    """Tell what is found about a group now."""
    return Findings([_finding(one) for one in await service.diagnoses.details(call, request)])


def _finding(one: Finding) -> FindingView:
    return FindingView(
        diagnose_type=one.type,
        status=one.status,
        error_code=one.code or msgspec.UNSET,
        resource_id=one.resource_id,
    )


def _worst(findings: list[Finding]) -> str:
    statuses = {one.status for one in findings}
    return next((status for status in ("Critical", "Warn") if status in statuses), "Normal")


@ess.operation("DescribeScalingActivityStatistics", on=on_group, versions=_NEW)
async def describe_scaling_activity_statistics(service: Ess, call: Call, request: Statistics) -> ActivityStatistics:
    """Count activities, or the errors that ended them, by day."""
    days = await service.diagnoses.statistics(call, request)
    if request.metric_type == "ScalingActivityErrorCodes":
        return ActivityStatistics(
            scaling_activity_error_code_statistics=ErrorStatistics(
                [
                    ErrorStatistic(time=to_minutes(day), error_code=code, count=count)
                    for day, ended in days
                    for code, count in sorted(Counter(one.errors[0].code for one in ended if one.errors).items())
                ]
            )
        )
    return ActivityStatistics(
        scaling_activity_status_statistics=StatusStatistics([_statuses(day, ended) for day, ended in days])
    )


def _statuses(day: datetime, ended: list[Activity]) -> StatusStatistic:
    counted = Counter(one.status for one in ended)
    return StatusStatistic(
        time=to_minutes(day),
        success_activity_count=counted["Successful"],
        warning_activity_count=counted["Warning"],
        failed_activity_count=counted["Failed"],
    )


@ess.operation("DescribeInstanceCreateAndDeleteStatistics", on=on_group, versions=_NEW)
async def describe_instance_create_and_delete_statistics(
    service: Ess, call: Call, request: Statistics
) -> InstanceStatistics:
    """Count the instances that activities made, started, stopped and released, by day."""
    return InstanceStatistics(
        InstanceStatisticList(
            [
                InstanceStatistic(
                    time=to_minutes(day),
                    created_vm_count=sum(len(one.created_ids) for one in ended),
                    destroyed_vm_count=sum(len(one.destroyed_ids) for one in ended),
                    started_vm_count=sum(len(one.started_ids) for one in ended),
                    stopped_vm_count=sum(len(one.stopped_ids) for one in ended),
                )
                for day, ended in await service.diagnoses.statistics(call, request)
            ]
        )
    )


@ess.operation("DescribeAlertConfiguration", on=on_group)
async def describe_alert_configuration(service: Ess, call: Call, request: OnGroup) -> AlertConfiguration:
    """Tell which ends of activities the account is told of."""
    return AlertConfiguration(await service.accounts.alert_statuses(call, request))


@ess.operation("ModifyAlertConfiguration", on=on_group)
async def modify_alert_configuration(service: Ess, call: Call, request: ModifyAlertConfiguration) -> Done:
    """Choose the ends of activities that the account is told of; kept, as no message leaves this cloud."""
    await service.accounts.set_alert_statuses(call, request)
    return Done()


@ess.operation("ChangeResourceGroup", on=on(group_id="resource_id"))
async def change_resource_group(service: Ess, call: Call, request: ChangeResourceGroup) -> Done:
    """Move a group to another resource group."""
    await service.accounts.change_resource_group(call, request)
    return Done()


@ess.operation("VerifyAuthentication")
async def verify_authentication(service: Ess, call: Call, request: VerifyAuthentication) -> Done:
    """See to it that Auto Scaling may act for the account."""
    await service.accounts.verify(call, request)
    return Done()


@ess.operation("VerifyUser")
async def verify_user(_service: Ess, _call: Call, _request: Nothing) -> Done:
    """Tell that the account may use Auto Scaling: every account of this cloud may."""
    return Done()
