"""Advice about types and stock, diagnoses, statistics, and what concerns the account (ess.md 12.9)."""

from __future__ import annotations

import msgspec

from tidegate.services.ess.requests.shape import OnGroup, Page
from tidegate.services.operation import Request


class DescribeElasticStrength(Request, kw_only=True):
    """DescribeElasticStrength: of groups, or of types in vSwitches."""

    region_id: str
    scaling_group_id: str | None = None
    scaling_group_ids: list[str] | None = None
    instance_types: list[str] | None = None
    vswitch_ids: list[str] | None = None


class DescribePatternTypes(Request, kw_only=True):
    """DescribePatternTypes."""

    region_id: str
    cores: int | None = None
    cores_lists: list[int] = msgspec.field(name="CoresList", default_factory=list)
    memory: float | None = None
    memory_lists: list[float] = msgspec.field(name="MemoryList", default_factory=list)
    maximum_cpu_core_count: int | None = None
    minimum_cpu_core_count: int | None = None
    maximum_memory_size: float | None = None
    minimum_memory_size: float | None = None
    instance_family_level: str | None = None
    instance_type_families: list[str] | None = None
    excluded_instance_types: list[str] = msgspec.field(name="ExcludedInstanceType", default_factory=list)
    max_price: float | None = None
    burstable_performance: str = "Include"
    cpu_architectures: list[str] | None = None


class DescribeCandidateInstanceType(Request, kw_only=True):
    """DescribeCandidateInstanceType."""

    region_id: str
    instance_types: list[str]
    zone_ids: list[str] = msgspec.field(default_factory=list)
    allow_cross_az: bool = msgspec.field(name="AllowCrossAz", default=False)
    allow_different_generation: bool = False
    max_price: float | None = None


class DescribeDiagnoseReports(Page, kw_only=True):
    """DescribeDiagnoseReports."""

    region_id: str
    scaling_group_id: str
    report_ids: tuple[str, ...] = ()


class OnReport(Request, kw_only=True):
    """Names one report."""

    region_id: str
    report_id: str


class Statistics(Request, kw_only=True):
    """A stretch of time, of one group or of all."""

    region_id: str
    start_time: str
    end_time: str
    scaling_group_id: str | None = None
    metric_type: str = "ScalingActivityStatus"


class ModifyAlertConfiguration(OnGroup, kw_only=True):
    """ModifyAlertConfiguration."""

    scale_statuses: list[str] = msgspec.field(default_factory=list)


class ChangeResourceGroup(Request, kw_only=True):
    """ChangeResourceGroup."""

    resource_id: str
    new_resource_group_id: str
    resource_type: str = "scalinggroup"
    region_id: str | None = None


class VerifyAuthentication(Request, kw_only=True):
    """VerifyAuthentication."""

    uid: str | None = None
    only_check: bool = False


class DescribeScalingGroupDetail(OnGroup, kw_only=True):
    """DescribeScalingGroupDetail."""

    output_format: str | None = None
