"""Redis: instances, their whitelists, and who put each entry there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from starlette.responses import Response

from tidegate.console.page import Page
from tidegate.store import chronicle

_PER_PAGE = 30
_CHANGES = 200
_CHANGES_SHOWN = 30
_EXECUTION = re.compile(r":assumed-role/[^/]+/(exec-[a-z0-9]+)$")


class Entry(msgspec.Struct, frozen=True):
    """One entry of a whitelist group, and the change that brought it."""

    address: str
    source: chronicle.Change | None


class Group(msgspec.Struct, frozen=True):
    """One group of a whitelist."""

    name: str
    entries: Sequence[Entry]


async def instances(page: Page) -> Response:
    """Show all Redis instances."""
    found, vswitches = await page.together(
        page.look("R-kvstore", "DescribeInstances", PageNumber=page.number, PageSize=_PER_PAGE),
        page.look("ecs", "DescribeVSwitches", PageSize=50),
    )
    rows = found.rows("Instances", "KVStoreInstance")
    return page.render("redis_all.html", found=found, rows=rows, vswitches=vswitches, size=_PER_PAGE)


async def instance(page: Page) -> Response:
    """Show one Redis instance; its whitelist's history only to who may see the whitelist."""
    the_id = page.path("id")
    one = (await page.call("R-kvstore", "DescribeInstanceAttribute", InstanceId=the_id))["Instances"][
        "DBInstanceAttribute"
    ][0]
    groups = await page.look("R-kvstore", "DescribeSecurityIps", InstanceId=the_id)
    changes: list[chronicle.Change] = []
    activities: Mapping[str, str] = {}
    if groups.refusal is None:
        async with page.around.database.connection() as connection:
            changes = await chronicle.changes(connection, one["InstanceId"], _CHANGES)
            executions = {found for change in changes if (found := execution_of(change.caller))}
            activities = await chronicle.activities_of_executions(connection, sorted(executions))
    return page.render(
        "redis_one.html",
        one=one,
        groups=groups,
        listed=[_group(group, changes) for group in groups.rows("SecurityIpGroups", "SecurityIpGroup")],
        changes=changes[:_CHANGES_SHOWN],
        activities=activities,
        execution_of=execution_of,
    )


def execution_of(caller: str) -> str | None:
    """Return the execution that an ARN belongs to: runbooks act in a session named after them."""
    match = _EXECUTION.search(caller)
    return match[1] if match else None


def _group(group: Mapping[str, Any], changes: Sequence[chronicle.Change]) -> Group:
    name = group["SecurityIpGroupName"]
    addresses = [address for address in group["SecurityIpList"].split(",") if address]
    return Group(name, [Entry(address, source_of(address, name, changes)) for address in addresses])


def source_of(address: str, group: str, changes: Sequence[chronicle.Change]) -> chronicle.Change | None:
    """Return the change, of these from the latest on, that put an address into a group."""
    return next((one for one in changes if one.group_name == group and address in one.added), None)
