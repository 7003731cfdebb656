"""Timer triggers: the rest of the template runs as a child at every moment, until EndDate (oos.md 5.10)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from support.runbooks import ACCOUNT, REGION, Runbooks
from support.templates import call, write
from tidegate.clock import AdjustableClock
from tidegate.services.oos.actions.base import ActionFailedError
from tidegate.services.oos.actions.timer_trigger import read_schedule
from tidegate.services.oos.paging import Page
from tidegate.store.oos.executions import ExecutionFilter

BEGUN = datetime(2026, 1, 1, tzinfo=UTC)


def runbook(clock: AdjustableClock, *tasks: dict[str, Any], hours: float = 3) -> str:
    end = (clock.now() + timedelta(hours=hours)).isoformat()
    trigger = {"Type": "rate", "Expression": "1 hour", "EndDate": end}
    first = {"Name": "timer", "Action": "ACS::TimerTrigger", "Properties": trigger, "Outputs": {}}
    return write(RamRole="", Tasks=[first, *tasks])


async def firings(runbooks: Runbooks, parent_id: str) -> list[str]:
    wanted = ExecutionFilter(parent_id=parent_id, depth=None, descending=False)
    part, _ = await runbooks.oos.executions.list(ACCOUNT, REGION, wanted, Page.read(None, None))
    return [f"{view.record.id.removeprefix(parent_id)}:{view.record.status}" for view in part.items]


async def test_a_timer_fires_until_its_end(runbooks: Runbooks, clock: AdjustableClock) -> None:
    runbooks.cloud.replies = {"tide.Ping": {}}
    execution = await runbooks.run(runbook(clock, call("ping"), hours=2.5))
    assert (execution.status, execution.waiting, execution.category) == ("Waiting", "Trigger", "TimerTrigger")
    assert runbooks.cloud.calls == []

    await runbooks.driver.advance(hours=1)
    await runbooks.driver.advance(hours=1)
    assert await firings(runbooks, execution.id) == [".1:Success", ".2:Success"]
    await runbooks.driver.advance(hours=1)

    assert (await runbooks.find(execution.id)).status == "Success"
    assert await runbooks.path(execution.id) == ["timer:Success"]
    assert await runbooks.path(f"{execution.id}.1") == ["ping:Success"]
    assert len(runbooks.cloud.calls) == 2


async def test_a_timer_does_not_fire_while_its_last_firing_runs(runbooks: Runbooks, clock: AdjustableClock) -> None:
    rest = {"Name": "rest", "Action": "ACS::Sleep", "Properties": {"Duration": "80M"}}
    execution = await runbooks.run(runbook(clock, rest, hours=10))

    for minutes in (60, 60, 40, 20):
        await runbooks.driver.advance(minutes=minutes)

    assert await firings(runbooks, execution.id) == [".1:Success", ".2:Running"]


async def test_cancelling_ends_the_firing_of_a_timer_and_no_child(runbooks: Runbooks, clock: AdjustableClock) -> None:
    rest = {"Name": "rest", "Action": "ACS::Sleep", "Properties": {"Duration": "90M"}}
    execution = await runbooks.run(runbook(clock, rest))
    await runbooks.driver.advance(hours=1)

    await runbooks.oos.executions.cancel(ACCOUNT, REGION, execution.id)
    await runbooks.driver.advance(hours=2)

    assert (await runbooks.find(execution.id)).status == "Cancelled"
    assert await firings(runbooks, execution.id) == [".1:Success"]


@pytest.mark.parametrize(
    ("kind", "expression", "zone", "following"),
    [
        ("rate", "30 minutes", None, "2026-01-01T00:30:00+00:00"),
        ("at", "2026-01-05T00:00:00Z", None, "2026-01-05T00:00:00+00:00"),
        ("at", "2025-01-05T00:00:00Z", None, None),
        ("cron", "0 0 12 ? * *", "Asia/Shanghai", "2026-01-01T04:00:00+00:00"),
        ("cron", "0 15/30 * ? * *", None, "2026-01-01T00:15:00+00:00"),
        ("cron", "0 30 8 ? * MON,TUE", None, "2026-01-05T08:30:00+00:00"),
        ("cron", "0 30 8 ? * 2", None, "2026-01-05T08:30:00+00:00"),
    ],
)
def test_expressions_name_the_next_moment(kind: str, expression: str, zone: str | None, following: str | None) -> None:
    schedule = read_schedule({"Type": kind, "Expression": expression, "TimeZone": zone}, BEGUN)

    moment = schedule(BEGUN)
    assert (moment.astimezone(UTC).isoformat() if moment else None) == following


@pytest.mark.parametrize(
    ("kind", "expression", "zone"),
    [
        ("rate", "0 days", None),
        ("cron", "0 0 12", None),
        ("cron", "a b c d e f", None),
        ("daily", "x", None),
        ("cron", "0 0 12 ? * *", "Moon/Base"),
        ("at", "noon", None),
    ],
)
def test_what_is_no_schedule_is_refused(kind: str, expression: str, zone: str | None) -> None:
    with pytest.raises(ActionFailedError):
        read_schedule({"Type": kind, "Expression": expression, "TimeZone": zone}, BEGUN)
