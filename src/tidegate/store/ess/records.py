"""The records of Auto Scaling: one frozen struct a table, and the objects inside their json columns."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

Direction = Literal["SCALE_OUT", "SCALE_IN"]
#: What asked for an activity.
Kind = Literal[
    "rule",
    "adjustment",
    "attach",
    "detach",
    "remove",
    "check",
    "health",
    "rebalance",
    "lifetime",
    "refresh",
    "rollback",
    "bind",
]


class GroupTag(msgspec.Struct, frozen=True):
    """A tag of a group; ``propagate`` gives it to the instances too."""

    key: str
    value: str
    propagate: bool = False


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """A LaunchTemplateOverride: an instance type that a group takes instead of the template's, and what it counts for."""

    instance_type: str
    weight: int | None = None
    spot_price_limit: float | None = None


class Binding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A load balancer, a server group or a database that a group keeps in step.

    ``id`` is its own, ``balancer_id`` that of the load balancer it is or belongs to; without ``weight`` members bring
    their own.
    """

    kind: Literal["LoadBalancer", "LoadBalancerConfig", "VServerGroup", "AlbServerGroup", "ServerGroup", "DBInstance"]
    id: str
    balancer_id: str = ""
    port: int = 0
    weight: int | None = None
    type: str = ""

    @property
    def key(self) -> tuple[str, int]:
        """What tells it from others: a server group can be bound once for each port."""
        return self.id, self.port


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A scaling group."""

    id: str
    position: int = 0
    account_id: str
    region: str
    name: str
    state: str
    min_size: int
    max_size: int
    desired_capacity: int | None
    default_cooldown: int
    active_configuration_id: str | None = None
    launch_template_id: str | None = None
    launch_template_version: str | None = None
    launch_template_overrides: list[Override] = msgspec.field(default_factory=list)
    health_check_type: str
    multi_az_policy: str
    scaling_policy: str
    removal_policies: list[str]
    vpc_id: str
    vswitch_ids: list[str]
    stop_instance_timeout: int | None
    deletion_protection: bool
    suspended_processes: list[str]
    bindings: list[Binding] = msgspec.field(default_factory=list)
    options: dict[str, Any]
    tags: list[GroupTag]
    created_at: datetime
    modified_at: datetime
    cooldown_until: datetime | None = None
    paused_until: datetime | None = None
    failing_since: datetime | None = None
    refreshing: str | None = None
    alert_statuses: list[str] = msgspec.field(default_factory=list)


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """A scaling configuration: what instances are made from."""

    id: str
    position: int = 0
    group_id: str
    name: str
    fields: dict[str, Any]
    created_at: datetime


class Step(msgspec.Struct, frozen=True):
    """An adjustment for metrics from ``lower`` to ``upper`` beyond the threshold; None = without end."""

    lower: float | None
    upper: float | None
    adjustment: int


class Tracking(msgspec.Struct, frozen=True, kw_only=True):
    """What a target tracking rule aims at, and after how many periods (in seconds) off it the group grows or shrinks."""

    metric: str
    target: float
    disable_scale_in: bool = False
    in_count: int = 15
    out_count: int = 3
    period: int = 60
    dimensions: dict[str, str] = msgspec.field(default_factory=dict)


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """What a predictive rule aims at and what it does with its forecast; ``buffer`` in per cent, ``lead`` in minutes."""

    metric: str
    target: float
    mode: str = "PredictAndScale"
    behavior: str = "MaxOverridePredictiveValue"
    buffer: int = 0
    lead: int = 0
    initial_max_size: int


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A scaling rule: a simple one has a value, a step rule has steps and a warm-up in seconds, the others an aim."""

    id: str
    position: int = 0
    group_id: str
    name: str
    type: str
    adjustment_type: str
    adjustment_value: int | None
    magnitude: int | None
    cooldown: int | None
    created_at: datetime
    steps: list[Step] = msgspec.field(default_factory=list)
    warmup: int | None = None
    tracking: Tracking | None = None
    prediction: Prediction | None = None


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A scheduled task: when, and either a rule or what the group's bounds become.

    ``due_at`` is the occurrence that comes next or is being tried, ``retry_at`` when it is tried again after a refusal,
    ``done_until`` the last occurrence that is over.
    """

    id: str
    position: int = 0
    account_id: str
    region: str
    name: str
    description: str
    group_id: str
    rule_id: str | None
    min_value: int | None
    max_value: int | None
    desired_value: int | None
    launch_at: datetime | None
    recurrence_type: str | None
    recurrence_value: str
    recurrence_end: datetime | None
    launch_expiration: int
    enabled: bool
    created_at: datetime
    due_at: datetime | None = None
    retry_at: datetime | None = None
    done_until: datetime | None = None


class Hook(msgspec.Struct, frozen=True, kw_only=True):
    """A lifecycle hook."""

    id: str
    position: int = 0
    group_id: str
    name: str
    transition: str
    default_result: str
    heartbeat_timeout: int
    notification_arn: str | None
    notification_metadata: str | None
    status: str
    created_at: datetime


class Desired(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an instance refresh wants members to be made from: one of these, none = what the group says."""

    configuration_id: str | None = None
    image_id: str | None = None
    template_id: str | None = None
    template_version: str | None = None
    template_overrides: list[Override] = msgspec.field(default_factory=list)


class Refresh(msgspec.Struct, frozen=True, kw_only=True):
    """An instance refresh of a group."""

    id: str
    position: int = 0
    group_id: str
    status: str
    desired: Desired | None
    previous: Desired
    min_healthy: int
    max_healthy: int
    skip_matching: bool
    checkpoints: list[int]
    passed: int = 0
    pause_minutes: int
    strategy: str | None
    total: int
    finished: int = 0
    owed: int = 0
    activity_id: str | None = None
    paused_until: datetime | None = None
    detail: str = ""
    started_at: datetime
    ended_at: datetime | None = None


class Finding(msgspec.Struct, frozen=True):
    """One thing that a diagnosis looked at: Normal, Warn or Critical."""

    type: str
    status: str
    code: str
    resource_id: str


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """A diagnosis of a group."""

    id: str
    position: int = 0
    group_id: str
    findings: list[Finding]
    created_at: datetime


class Plan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How an activity is to be carried out, decided when it starts."""

    #: hooks that do not run: all of them, or the ones named
    hooks_disabled: bool = False
    ignored_hook_ids: list[str] = msgspec.field(default_factory=list)
    #: LifecycleHookResult: replaces DefaultResult of every hook (A19)
    hook_result: str | None = None
    #: whether a new instance is attached, and how
    entrusted: bool = False
    #: members are only let go, whatever their origin (DetachInstances)
    let_go: bool = False
    #: load balancers and databases are left as they are (DetachInstances without DetachOption)
    aloof: bool = False
    #: members are kept as Stopped instead of released (recycle)
    park: bool = False
    force: bool = False
    stop_timeout: int | None = None
    #: seconds for which what joins warms up; None: not at all
    warmup: int | None = None
    #: members that leave as soon as what was made for them is in service
    replaces: list[str] = msgspec.field(default_factory=list)
    #: what instances are made from, where that is not what the group says
    desired: Desired | None = None
    #: fields of the configuration that this activity replaces (ScaleWithAdjustment, Overrides)
    overrides: dict[str, Any] = msgspec.field(default_factory=dict)
    #: seconds of cooldown afterwards
    cooldown: int = 0
    #: DesiredCapacity afterwards, or what is added to it per instance that joined
    desired_after: int | None = None
    desired_per_joined: int = 0


class Problem(msgspec.Struct, frozen=True):
    """Why some instances of an activity did not get where they should."""

    code: str
    message: str
    instance_ids: list[str]


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """A scaling activity."""

    id: str
    position: int = 0
    group_id: str
    kind: Kind
    direction: Direction
    parallel: bool
    status: str
    cause: str
    description: str
    status_message: str = ""
    detail: str = ""
    request_id: str
    trigger_type: str
    trigger_id: str
    metadata: str | None = None
    refresh_id: str | None = None
    amount: int
    ordered: int = 0
    plan: Plan
    outcomes: dict[str, str] = msgspec.field(default_factory=dict)
    instance_ids: list[str]
    created_ids: list[str] = msgspec.field(default_factory=list)
    destroyed_ids: list[str] = msgspec.field(default_factory=list)
    started_ids: list[str] = msgspec.field(default_factory=list)
    stopped_ids: list[str] = msgspec.field(default_factory=list)
    errors: list[Problem] = msgspec.field(default_factory=list)
    total_capacity: int
    auto_capacity: int
    attached_capacity: int
    started_at: datetime
    ended_at: datetime | None = None


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """An instance in a group."""

    instance_id: str
    position: int = 0
    group_id: str
    state: str
    health: str = "Healthy"
    creation_type: str
    entrusted: bool = False
    weight: int
    configuration_id: str | None
    launch_template_id: str | None = None
    launch_template_version: int | None = None
    instance_type: str
    capacity: int = 1
    spot_strategy: str = "NoSpot"
    zone: str
    vswitch_id: str
    address: str
    activity_id: str
    busy_with: str | None
    created_at: datetime
    joined_at: datetime | None = None
    warmup: int | None = None


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """A lifecycle action: one wait of one activity on one hook."""

    token: str
    activity_id: str
    group_id: str
    hook_id: str
    hook_name: str
    position: int
    batch: int = 0
    transition: str
    default_result: str
    notification_arn: str | None
    notification_metadata: str | None
    instance_ids: list[str]
    status: str
    result: str | None = None
    started_at: datetime
    deadline: datetime
    heartbeats: int = 0
    ended_at: datetime | None = None
    execution_id: str | None = None


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """How many members of a group are in one state, and what they count for, by how they came and are paid for."""

    group_id: str
    state: str
    creation_type: str
    is_spot: bool
    members: int
    capacity: int
