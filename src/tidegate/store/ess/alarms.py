"""Alarm tasks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import msgspec

from tidegate.store.table import Table

if TYPE_CHECKING:
    from tidegate.store.database import Connection

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """One metric and what it is compared with; ``period`` in seconds."""

    metric: str
    statistics: str
    operator: str
    threshold: float
    period: int


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm task. ``logic``: how several conditions are joined, None for one that is no expression.

    ``metric_group``: the CloudMonitor group of a custom metric; ``effective``: a cron expression, empty for always;
    ``tracked_rule``: the target tracking rule that made it; ``evaluated_until``: the end of the last period looked at.
    """

    id: str
    position: int = 0
    account_id: str
    region: str
    group_id: str
    name: str
    description: str
    metric_type: str
    conditions: list[Condition]
    logic: str | None
    dimensions: dict[str, str]
    metric_group: str
    evaluation_count: int
    effective: str
    rule_ids: list[str]
    enabled: bool
    state: State
    tracked_rule: str | None = None
    created_at: datetime
    evaluated_until: datetime


table = Table(Alarm, "ess_alarm", generated=["position"])


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Which alarm tasks of an account and region are wanted; None means "any"."""

    account_id: str
    region: str
    group_id: str | None = None
    id: str | None = None
    enabled: bool | None = None
    state: str | None = None
    metric_type: str | None = None
    metric: str | None = None


_MATCHING = """
    where account_id = $1 and region = $2 and ($3::text is null or group_id = $3) and ($4::text is null or id = $4)
      and ($5::boolean is null or enabled = $5) and ($6::text is null or state = $6)
      and ($7::text is null or metric_type = $7)
      and ($8::text is null or exists
        (select from jsonb_array_elements(conditions) condition where condition ->> 'metric' = $8))
"""


async def find(db: Connection, alarm_id: str) -> Alarm | None:
    """Return an alarm task."""
    return await table.one(db, "where id = $1", alarm_id)


async def lock(tx: Connection, alarm_id: str) -> Alarm | None:
    """Return an alarm task and let no other transaction change or evaluate it before this one has ended."""
    return await table.one(tx, "where id = $1 for update", alarm_id)


async def page(db: Connection, query: Query, *, limit: int, offset: int) -> list[Alarm]:
    """Return a page of the matching alarm tasks, newest first."""
    condition = _MATCHING + "order by position desc limit $9 offset $10"
    return await table.every(db, condition, *msgspec.structs.astuple(query), limit, offset)


async def count(db: Connection, query: Query) -> int:
    """Return how many alarm tasks match."""
    return await table.count(db, _MATCHING, *msgspec.structs.astuple(query))


async def of_rules(db: Connection, group_ids: Sequence[str], rule_ids: Sequence[str]) -> list[Alarm]:
    """Return the alarm tasks of these groups that execute one of the rules, oldest first."""
    condition = "where group_id = any($1) and rule_ids ?| $2::text[] order by position"
    return await table.every(db, condition, list(group_ids), list(rule_ids))


async def of_tracked(db: Connection, rule_id: str) -> list[Alarm]:
    """Return the alarm tasks that a target tracking rule has made, oldest first."""
    return await table.every(db, "where tracked_rule = $1 order by position", rule_id)


async def remove(tx: Connection, alarm_ids: Sequence[str]) -> None:
    """Delete alarm tasks."""
    await tx.execute("delete from ess_alarm where id = any($1)", list(alarm_ids))
