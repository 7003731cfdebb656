"""The rows of runbooks, one struct per table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec


class TemplateRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A template of an account in its newest version; one row of ``oos_template``."""

    account_id: str
    region: str
    name: str
    id: str
    version: int
    kind: str
    format: str
    description: str | None
    hash: str
    category: str
    tags: Mapping[str, str]
    resource_group_id: str | None
    created_by: str
    created_at: datetime
    updated_by: str
    updated_at: datetime


class VersionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a template; one row of ``oos_template_version``."""

    template_id: str
    version: int
    version_name: str | None
    format: str
    description: str | None
    hash: str
    updated_by: str
    updated_at: datetime


class ExecutionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One execution; one row of ``oos_execution``. ``principal`` is ``services.operation.Principal`` as a map."""

    id: str
    account_id: str
    region: str
    template_name: str | None
    template_id: str | None
    template_version: str | None
    share_type: str
    hash: str
    status: str
    status_message: str = ""
    #: for what it waits: Approve, Pause, BatchPause, RiskConfirm, StepByStep, FailurePause, Debug, Trigger, or nothing
    waiting: str = ""
    mode: str
    loop_mode: str
    safety_check: str
    category: str
    executed_by: str
    principal: Mapping[str, Any]
    ram_role: str
    parameters: Mapping[str, Any]
    #: names of the parameters whose values are never shown
    secrets: Sequence[str]
    outputs: Mapping[str, Any] | None = None
    parent_id: str | None = None
    #: of a part of its parent's template: ``outputs`` of tasks before it, by task and name
    origin: Mapping[str, Any] | None = None
    #: what it really has, when a secret is in it: parameters, origin and outputs are masked then
    sealed: str = ""
    description: str | None = None
    tags: Mapping[str, str]
    resource_group_id: str | None = None
    created_at: datetime
    started_at: datetime
    updated_at: datetime
    ended_at: datetime | None = None

    @property
    def is_trigger(self) -> bool:
        """Whether a trigger begins it; what that starts has an origin."""
        return self.category.endswith("Trigger") and self.origin is None


class TaskRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One start of a task, or of one item of a looped task; one row of ``oos_task``."""

    id: str
    execution_id: str
    #: the looped task, for an item
    parent_id: str | None = None
    #: order of start, from 1: among the execution's tasks, or among the items of a looped task
    number: int
    name: str
    action: str
    status: str
    status_message: str = ""
    #: of a looped task: ``Items`` and ``RateControl`` as evaluated
    loop: Mapping[str, Any] | None = None
    #: of an item: what ``ACS::TaskLoopItem`` stands for, and the number of its batch, from 1
    item: Any = None
    batch: int | None = None
    properties: Mapping[str, Any] = {}
    polling: Mapping[str, Any] = {}
    outputs: Mapping[str, Any] = {}
    jump: str | None = None
    memo: Mapping[str, Any] = {}
    due_at: datetime | None = None
    #: what the task really has, when a secret is in it: the fields that hold it are masked then
    sealed: str = ""
    created_at: datetime
    started_at: datetime
    updated_at: datetime
    ended_at: datetime | None = None


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody answered to an execution that waits; one row of ``oos_notice``."""

    number: int
    kind: str
    sender: str
    note: str
    #: what comes with the answer: ``services.oos.answers.Said`` as a map
    said: Mapping[str, Any] = {}


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an execution's log; one row of ``oos_log``. ``task_execution_id`` is empty for the execution itself."""

    at: datetime
    task_execution_id: str
    message: str


class TaskGlance(msgspec.Struct, frozen=True, kw_only=True):
    """What lists of executions show of a task that is under way."""

    id: str
    name: str
    action: str


class Firings(msgspec.Struct, frozen=True, kw_only=True):
    """What the trigger of an execution has started, by status, and the last of it; when it fires next."""

    counters: Mapping[str, int] | None
    last_at: datetime | None
    last_status: str | None
    last_message: str | None
    last_outputs: Mapping[str, Any] | None
    last_success_at: datetime | None
    next_at: datetime | None


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """What lists of executions show beside the row itself: tasks by status, tasks under way, whether it has children.

    With a trigger, ``counters`` are those of the executions it has started.
    """

    counters: Mapping[str, int]
    current: tuple[TaskGlance, ...]
    has_children: bool
    #: the resources that ACS::SelectTargets found
    targets: Sequence[str] | None = None
    firings: Firings | None = None
